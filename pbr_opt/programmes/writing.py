"""Write a programme as the files of a folder, which :mod:`pbr_opt.programmes.files` reads back to the same hash."""

from __future__ import annotations

import csv
import io
import json
import math
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Final

import numpy as np

from pbr_opt.analysis.calibration import derive_caseload
from pbr_opt.errors import InvalidInputError, UnsupportedModelError
from pbr_opt.market.agents import EVIDENCE_TEXTS, Agent, Area, Contract
from pbr_opt.market.caseload import Caseload
from pbr_opt.market.evidence import Figure
from pbr_opt.market.programme import Programme
from pbr_opt.market.supply_chain import SupplyChain
from pbr_opt.programmes.chains import AGENT_NUMBERS, AGENT_TEXTS, AGENTS, AREAS, CONTRACT_NUMBERS, CONTRACTS, PROFILES
from pbr_opt.programmes.content import content, settled_figures
from pbr_opt.programmes.figure_rows import FIGURES, SOURCES, TARIFF
from pbr_opt.programmes.files import GROUPS, LIMITS, SEGMENTS, read_folder
from pbr_opt.programmes.layers import PROGRAMME_FILE
from pbr_opt.programmes.rivals import share_rule_name
from pbr_opt.programmes.tables import TableForm, escaped

__all__ = [
    "Cells",
    "WrittenProgramme",
    "evidence_cells",
    "folder_texts",
    "is_number_text",
    "number_text",
    "require_same",
    "table_text",
    "written",
]

Cells = Mapping[str, str]
"""Text by column; numbers as their shortest exact digits."""

_RATES: Final = (
    "participants",
    "deadweight_rate",
    "ceiling_rate",
    "response_scale_gbp",
    "curvature",
    "exit_hazard",
    "reentry_rate",
)


@dataclass(frozen=True, slots=True)
class WrittenProgramme:
    """A programme as rows of text.

    Attributes
    ----------
    name : str
        The programme's.
    share_rule : str or None
        The name of its rivals' rule; None without a rivalry.
    segments_per_group : int or None
        Of its central case.
    figures : tuple of Figure
        Every number, tariff cells among them.
    tables : mapping of file to rows
        Every table but those of figures; no rows where the programme has none, and none of segments where they follow
        from the figures.
    """

    name: str
    share_rule: str | None
    segments_per_group: int | None
    figures: tuple[Figure, ...]
    tables: Mapping[str, Sequence[Cells]]


def number_text(number: float) -> str:
    """Return a number by its shortest exact digits.

    >>> number_text(13.0), number_text(0.1), number_text(1e22)
    ('13', '0.1', '1e+22')
    """
    value = float(number)
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)


def written(programme: Programme, asked: Mapping[str, str] | None = None) -> WrittenProgramme:
    """Return a programme as rows of text, with what is asked of it.

    Raises
    ------
    UnsupportedModelError
        For a share rule that files do not know.
    """
    case, chain, rivalry = programme.central_case, programme.supply_chain, programme.rivalry
    tables: dict[str, Sequence[Cells]] = {
        GROUPS.file: _groups(programme),
        SEGMENTS.file: () if _follows(programme) else _segments(programme.caseload),
        SOURCES.file: [
            {"key": s.key, "title": s.title, "grade": s.grade, "address": s.address} for s in programme.register
        ],
        AREAS.file: () if chain is None else _areas(chain),
        AGENTS.file: () if chain is None else [_agent(agent) for agent in chain.agents],
        CONTRACTS.file: () if chain is None else [_contract(edge) for edge in chain.contracts.values()],
        LIMITS.file: [{"limit": name, "value": text} for name, text in (asked or {}).items()],
    }
    cut = None if case is None else case.segments_per_group
    rule = None if rivalry is None else share_rule_name(rivalry.rule)
    return WrittenProgramme(programme.name, rule, cut, settled_figures(programme), tables)


def _follows(programme: Programme) -> bool:
    """Whether the segments are exactly those that the central case gives."""
    case = programme.central_case
    if case is None:
        return False
    try:
        derived = derive_caseload(case, programme.tariff, programme.terms, programme.discount_rate)
    except InvalidInputError:
        return False
    own = programme.caseload
    same = derived.groups == own.groups and np.array_equal(derived.group_index, own.group_index)
    return same and all(np.array_equal(getattr(derived, name), getattr(own, name)) for name in _RATES)


def _groups(programme: Programme) -> list[Cells]:
    case = programme.central_case
    families = {} if case is None else dict(zip(case.groups, case.families, strict=True))
    families |= dict(programme.families)
    return [
        {"group": group, "name": programme.group_names[group], "family": families.get(group, "")}
        for group in programme.caseload.groups
    ]


def _segments(caseload: Caseload) -> list[Cells]:
    seen: dict[str, int] = {}
    rows: list[Cells] = []
    for k, group in enumerate(map(str, caseload.group)):
        seen[group] = seen.get(group, 0) + 1
        numbers = {name: number_text(getattr(caseload, name)[k]) for name in _RATES}
        rows.append({"group": group, "segment": str(seen[group])} | numbers)
    return rows


def _areas(chain: SupplyChain) -> list[Cells]:
    if chain.areas == (Area("", 1.0),):
        return []
    numbers = ("participant_share", "readiness_shift")
    return [{"area": area.name, **_numbers(area, numbers), **_evidence(area)} for area in chain.areas]


def _agent(agent: Agent) -> Cells:
    texts = {name: getattr(agent, name) for name in AGENT_TEXTS}
    profiles = {name: _profile(getattr(agent, name)) for name in PROFILES if name in _changed(agent)}
    own = {"agent": agent.name, "kind": agent.kind, "delivers": "yes" if agent.delivers else "no"}
    return own | texts | profiles | _numbers(agent, AGENT_NUMBERS) | _evidence(agent)


def _contract(edge: Contract) -> Cells:
    own = {"payer": edge.payer, "payee": edge.payee, "contract": edge.form}
    return own | _numbers(edge, CONTRACT_NUMBERS) | _evidence(edge)


def _evidence(item: Agent | Area | Contract) -> dict[str, str]:
    return {name: getattr(item, name) for name in EVIDENCE_TEXTS}


def _changed(item: Agent | Area | Contract) -> set[str]:
    """Return the fields that differ from their defaults."""
    return {f.name for f in fields(item) if f.default is MISSING or getattr(item, f.name) != f.default}


def _numbers(item: Agent | Area | Contract, names: Iterable[str]) -> dict[str, str]:
    changed = _changed(item)
    return {name: number_text(getattr(item, name)) for name in names if name in changed}


def _profile(value: float | tuple[float, ...] | tuple[tuple[str, float], ...]) -> str:
    if not isinstance(value, tuple):
        return number_text(value)
    parts = [f"{v[0]}={number_text(v[1])}" if isinstance(v, tuple) else number_text(v) for v in value]
    return "; ".join(parts)


def evidence_cells(figure: Figure) -> dict[str, str]:
    """Return how well a number is known, as cells."""
    low, high = figure.range
    ends = {} if low == high == figure.value else {"low": number_text(low), "high": number_text(high)}
    return {"unit": figure.unit, "status": figure.status, "source": figure.source, "note": figure.note} | ends


def folder_texts(programme: Programme, asked: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the files of a folder that holds a programme, by name.

    Parameters
    ----------
    programme : Programme
        What to write.
    asked : mapping, optional
        Objective and limits by name, see :mod:`pbr_opt.programmes.questions`.

    Raises
    ------
    UnsupportedModelError
        When files cannot say all of it; nothing is lost in silence.

    Examples
    --------
    >>> from pbr_opt.market.tariffs import Tariff
    >>> people = Caseload(["a"], 100, .1, .3, 500)
    >>> sorted(folder_texts(Programme("p", people, Tariff(["a"], 0, 1000))))
    ['groups.csv', 'programme.toml', 'segments.csv', 'tariff.csv']
    """
    found = written(programme, asked)
    cells = [figure for figure in found.figures if figure.id.startswith("tariff/")]
    others = [figure for figure in found.figures if not figure.id.startswith("tariff/")]
    rows = {
        TARIFF: [_cell_row(figure) for figure in cells],
        FIGURES: [{"id": f.id, "value": number_text(f.value), **evidence_cells(f)} for f in others],
    }
    forms = (GROUPS, SEGMENTS, SOURCES, AREAS, AGENTS, CONTRACTS, LIMITS)
    filled = rows | {form: found.tables[form.file] for form in forms}
    texts = {form.file: table_text(form, table) for form, table in filled.items() if table}
    texts = {PROGRAMME_FILE: _settings(found), **texts}
    with tempfile.TemporaryDirectory() as room:
        for name, text in texts.items():
            (Path(room) / name).write_text(text, encoding="utf-8", newline="")
        require_same(programme, lambda: read_folder(Path(room)).programme)
    return texts


def _settings(found: WrittenProgramme) -> str:
    """Return the TOML file of a programme."""
    cut, rule = found.segments_per_group, found.share_rule
    parts = [f"name = {_quoted(found.name)}\n"]
    parts += [] if cut is None else [f"[central_case]\nsegments_per_group = {cut}\n"]
    parts += [] if rule is None else [f"[rivalry]\nrule = {_quoted(rule)}\n"]
    return "\n".join(parts)


def _cell_row(figure: Figure) -> dict[str, str]:
    _, group, column = figure.id.split("/")
    return {"group": group, "column": column, "value": number_text(figure.value)} | evidence_cells(figure)


def _quoted(text: str) -> str:
    """Return a text as TOML writes it."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def table_text(form: TableForm, rows: Sequence[Cells]) -> str:
    """Return rows as CSV, with the columns that any of them has.

    >>> print(table_text(TableForm("a.csv", ("id", "value"), ("note",)), [{"id": "x", "value": "=1"}]), end="")
    id,value
    x,'=1
    """
    used = [
        name for name in (*form.needed, *form.optional) if name in form.needed or any(row.get(name) for row in rows)
    ]
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(used)
    for row in rows:
        writer.writerow([text if is_number_text(text := row.get(name, "")) else escaped(text) for name in used])
    return out.getvalue()


def is_number_text(text: str) -> bool:
    """Whether a text is how this package writes some number.

    >>> is_number_text("-0.5"), is_number_text("007"), is_number_text("+44"), is_number_text("inf")
    (True, False, False, False)
    """
    try:
        number = float(text)
    except ValueError:
        return False
    return math.isfinite(number) and number_text(number) == text


def require_same(programme: Programme, read: Callable[[], Programme]) -> None:
    """Raise unless what was written reads back as the programme: files say everything, or nothing is written.

    Raises
    ------
    UnsupportedModelError
        With what would be lost.
    """
    try:
        back = content(read())
    except InvalidInputError as error:
        faults = "; ".join(str(fault) for fault in error.faults[:3])
        raise UnsupportedModelError(
            f"{programme.name} holds what files cannot: written down it could not be read again ({faults})"
        ) from error
    own = content(programme)
    lost = sorted(key for key in own.keys() | back.keys() if own.get(key) != back.get(key))
    if lost:
        raise UnsupportedModelError(
            f"{programme.name} holds what files cannot: {', '.join(lost)} would not be read back as they are"
        )
