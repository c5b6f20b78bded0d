"""Read a programme from a folder: one TOML file and a few CSV tables that people can edit.

``programme.toml`` names it; ``tariff.csv`` is needed, and ``segments.csv`` or figures of a central case from which
segments are derived; ``groups.csv``, ``figures.csv``, ``sources.csv``, ``limits.csv`` and a supply chain are read when
they are there; what a folder does not have comes from the programme that it is based on, if it names one.
``docs/data-work-programme-2011.md`` describes every column, and ``docs/data-supply-chain-2011.md`` bases and chains.
All faults are collected and raised at once, each with its file and line.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources.abc import Traversable
from types import MappingProxyType
from typing import Final, TypeVar, cast

from pbr_opt.analysis.calibration import derive_caseload
from pbr_opt.errors import InvalidInputError
from pbr_opt.market.caseload import Caseload
from pbr_opt.market.evidence import Source
from pbr_opt.market.figure_book import FigureBook
from pbr_opt.market.programme import Programme
from pbr_opt.market.rivalry import Rivalry
from pbr_opt.market.supply_chain import SupplyChain
from pbr_opt.programmes.chains import ChainReader
from pbr_opt.programmes.figure_rows import FIGURES, SOURCES, TARIFF, FigureReader, read_register, unique
from pbr_opt.programmes.layers import PROGRAMME_FILE, Layer, layers_of, table_of, tables_of
from pbr_opt.programmes.questions import Question, question_from
from pbr_opt.programmes.rivals import RivalryReader
from pbr_opt.programmes.tables import Row, Table, TableForm, number_in
from pbr_opt.quantities import Inspection, nearest

__all__ = [
    "GROUPS",
    "LIMITS",
    "PROGRAMME_FILE",
    "SEGMENTS",
    "SEGMENT_COLUMNS",
    "Contents",
    "Reading",
    "read_contents",
    "read_folder",
    "read_layers",
]

GROUPS: Final = TableForm(
    "groups.csv", ("group", "name"), ("family", "benefit", "referral_point", "participation", "note"), required=False
)
_RATES = ("participants", "deadweight_rate", "ceiling_rate", "response_scale_gbp")
_MORE_RATES = ("curvature", "exit_hazard", "reentry_rate")
SEGMENTS: Final = TableForm("segments.csv", ("group", *_RATES), ("segment", *_MORE_RATES))

SEGMENT_COLUMNS: Final = ("group", "segment", *_RATES, "curvature", "exit_hazard")
"""The columns of ``segments.csv`` as derivations write it."""

LIMITS: Final = TableForm("limits.csv", ("limit", "value"), ("note",), required=False)

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Contents:
    """What the files of a folder say, but for the segments.

    Attributes
    ----------
    name : str
        The programme's.
    segments_per_group : int or None
        How finely a derivation cuts groups; None when the segments were not derived from a central case.
    group_names : mapping
        Names by group, in order; the id itself where the folder gives none.
    book : FigureBook
        Every figure, tariff cells first.
    register : tuple of Source
        Every source.
    seed : int or None
        From which the folder's generated rows were drawn.
    places : mapping
        Where the number of each figure stands.
    """

    name: str
    segments_per_group: int | None
    group_names: Mapping[str, str]
    book: FigureBook
    register: tuple[Source, ...]
    seed: int | None = None
    places: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reading:
    """A programme as it was read, and what is asked of it.

    Attributes
    ----------
    programme : Programme
        Frozen.
    asked : mapping of name to text
        Objective and limits as written; empty when nothing is asked.
    asked_at : mapping of name to text
        Where each was written.
    question : Question or None
        What they mean; None when nothing is asked.
    places : mapping
        Where the number of each figure stands.
    """

    programme: Programme
    asked: Mapping[str, str]
    asked_at: Mapping[str, str]
    question: Question | None
    places: Mapping[str, str]


def read_folder(folder: Traversable, settings_file: str = PROGRAMME_FILE) -> Reading:
    """Return the programme in a folder.

    Parameters
    ----------
    folder : Traversable
        A path or a package resource.
    settings_file : str, optional
        Its TOML file.

    Returns
    -------
    Reading
        Groups in the order in which ``segments.csv`` names them first.

    Raises
    ------
    InvalidInputError
        With every fault of every file.
    """
    check = Inspection(f"Programme folder '{folder.name}'")
    return read_layers(check, layers_of(check, folder, settings_file))


def read_layers(check: Inspection, layers: Sequence[Layer]) -> Reading:
    """Return the programme that layers describe, the nearest first.

    Raises
    ------
    InvalidInputError
        With every fault of every table, and those recorded before.
    """
    derived = _are_derived(layers)
    segments = Table((), False) if derived else table_of(check, layers, SEGMENTS)
    order = [row["group"] for row in (table_of(check, layers, GROUPS) if derived else segments).rows]
    contents = _contents(check, layers, tuple(dict.fromkeys(order)))
    caseload = _caseload(check, segments)
    keys = tuple(source.key for source in contents.register)
    chain = ChainReader(check, contents.book.groups, keys).read(layers)
    rivalry = _rivals(check, layers, contents).read(chain)
    if not check.faults:
        _inspect_book(check, contents)
    if derived and not check.faults:
        caseload = _attempt(check, lambda: _derive(contents), lambda place: f"figures.csv, {place}")
    programme = None
    if not check.faults:
        programme = _programme(contents, cast(Caseload, caseload), chain, rivalry)  # without a fault all are there
    return _asked(check, layers, contents, programme)


def _rivals(check: Inspection, layers: Sequence[Layer], contents: Contents) -> RivalryReader:
    """Return who reads the rivalry, by the rule of the nearest folder that says one."""
    said = next((layer.settings for layer in layers if layer.settings.share_rule is not None), layers[0].settings)
    return RivalryReader(check, contents.book, contents.places, said.share_rule, said.share_rule_place)


def _are_derived(layers: Sequence[Layer]) -> bool:
    """Whether segments come from the figures: the nearest layer wants it, or none has a file and there are figures."""
    if layers[0].derives:
        return True
    held = any(layer.holds(SEGMENTS.file) for layer in layers)
    return not held and _segments_per_group(layers) is not None


def _derive(contents: Contents) -> Caseload:
    book = contents.book
    case = book.central_case(cast(int, contents.segments_per_group))
    return derive_caseload(case, book.tariff(), book.terms(), book.number("discount_rate") or 0.0)


def _asked(check: Inspection, layers: Sequence[Layer], contents: Contents, programme: Programme | None) -> Reading:
    """Return the reading, its question read from the nearest table of limits."""
    table = table_of(check, layers, LIMITS)
    asked = {name: text for name, text in unique(check, table, "limit", "value").items() if text}
    places = {row["limit"]: row.place("value") for row in table.rows}
    question = question_from(check, asked, programme, places) if asked else None
    check.finish()
    said = (MappingProxyType(asked), MappingProxyType(places))
    return Reading(cast(Programme, programme), *said, question, MappingProxyType(dict(contents.places)))


def read_contents(folder: Traversable, settings_file: str = PROGRAMME_FILE) -> Contents:
    """Return what a folder says, but for its segments and its chain: what a derivation starts from.

    Raises
    ------
    InvalidInputError
        With every fault of every file but ``segments.csv`` and those of the chain.
    """
    check = Inspection(f"Programme folder '{folder.name}'")
    contents = _contents(check, layers_of(check, folder, settings_file), ())
    check.finish()
    return contents


def _contents(check: Inspection, layers: Sequence[Layer], ordered: Sequence[str]) -> Contents:
    """Return everything but segments and chain; groups in the order given, then those that only other tables know."""
    groups = table_of(check, layers, GROUPS)
    cells, figures = tables_of(check, layers, TARIFF), tables_of(check, layers, FIGURES)
    rows = [row for table in cells for row in table.rows]
    known = tuple(ordered) or tuple(dict.fromkeys(row["group"] for row in rows))
    _inspect_group_ids(check, (*groups.rows, *rows), known)
    names, families = _groups(check, groups, known)
    sources = [source for table in tables_of(check, layers, SOURCES) for source in read_register(check, table)]
    register = tuple({source.key: source for source in sources}.values())
    labels = (*known, *(name for name in families.values() if name))
    reader = FigureReader(check, tuple(s.key for s in register), labels)
    found = [reader.cells(table) for table in cells] + [reader.figures(table) for table in figures]
    book = FigureBook((figure for part in found for figure in part), families)
    settings, cut = layers[0].settings, _segments_per_group(layers)
    return Contents(settings.name, cut, names, book, register, settings.seed, reader.places)


def _segments_per_group(layers: Sequence[Layer]) -> int | None:
    """Return how finely groups are cut by the nearest folder that says it; a base says it of its own segments only."""
    if layers[0].derives:
        return layers[0].settings.segments_per_group
    at = next((k for k, layer in enumerate(layers) if layer.holds(SEGMENTS.file)), len(layers) - 1)
    return next((cut for layer in layers[: at + 1] if (cut := layer.settings.segments_per_group) is not None), None)


def _inspect_group_ids(check: Inspection, rows: Iterable[Row], known: Sequence[str]) -> None:
    for row in rows:
        if not row["group"] or "/" in row["group"]:
            check.fault(row.place("group"), row["group"] or "nothing", "a group id that is not blank and has no '/'")
        elif row["group"] not in known:
            check.fault(row.place("group"), row["group"], "a group of segments.csv", nearest(row["group"], known))


def _groups(check: Inspection, table: Table, known: Sequence[str]) -> tuple[dict[str, str], dict[str, str]]:
    """Return the name and the family of every group, in order; without a table groups go by their ids."""
    names = unique(check, table, "group", "name")
    families = {row["group"]: row["family"] for row in table.rows}
    for group in known:
        if table.rows and group not in names:
            check.fault("groups.csv", f"no row for group '{group}'", "a row for every group of segments.csv")
    return {group: names.get(group) or group for group in known}, {group: families.get(group, "") for group in known}


def _caseload(check: Inspection, table: Table) -> Caseload | None:
    """Return the segments; faults that the caseload finds get the lines of the file."""
    faults = len(check.faults)
    columns: dict[str, list[float]] = {name: [] for name in (*_RATES, *_MORE_RATES)}
    lines: dict[tuple[str, str], int] = {}
    for row in table.rows:
        for name, column in columns.items():
            given = number_in(check, row, name) if name in _RATES or row[name] else 0.0
            column.append(0.0 if given is None else given)
        label = (row["group"], row["segment"])
        if row["segment"] and label in lines:
            given_twice = f"segment '{label[1]}' of group '{label[0]}', as in line {lines[label]}"
            check.fault(row.place(), given_twice, "each segment of a group once")
        lines.setdefault(label, row.line)
    if len(check.faults) > faults or not table.rows:
        return None
    return _attempt(check, lambda: Caseload([row["group"] for row in table.rows], **columns), _with_lines(table))


def _with_lines(table: Table) -> Callable[[str], str]:
    """Return how ``ceiling_rate[3] (group '1')`` reads with file and line."""

    def translate(place: str) -> str:
        match = re.fullmatch(r"(\w+)\[(\d+)\](.*)", place)
        return table.rows[int(match[2])].place(match[1]) + match[3] if match else f"segments.csv, column '{place}'"

    return translate


def _inspect_book(check: Inspection, contents: Contents) -> None:
    """Record what the figures lack: cells of the tariff, years of the taper, inputs of the central case."""
    book, cut = contents.book, contents.segments_per_group
    _attempt(check, book.tariff, lambda place: f"tariff.csv, {place}")
    _attempt(check, book.terms, lambda place: f"figures.csv, {place}")
    if cut is not None:
        _attempt(check, lambda: book.central_case(cut), lambda place: f"figures.csv, {place}")


def _attempt(check: Inspection, make: Callable[[], _T], translate: Callable[[str], str]) -> _T | None:
    """Return what is made, or None with its faults recorded under places of the folder."""
    try:
        return make()
    except InvalidInputError as error:
        for fault in error.faults:
            check.fault(translate(fault.place), fault.given, fault.wanted, fault.remedy)
        return None


def _programme(contents: Contents, caseload: Caseload, chain: SupplyChain | None, rivalry: Rivalry | None) -> Programme:
    book, cut = contents.book, contents.segments_per_group
    return Programme(
        contents.name,
        caseload,
        book.tariff(),
        chain,
        book.outcome_value(),
        book.number("discount_rate") or 0.0,
        terms=book.terms(),
        minimum_service_gbp=book.by_group("minimum_service_gbp", 0.0),
        mission_gbp=book.by_group("mission_gbp", 0.0),
        base_service_gbp=book.by_group("base_service_gbp", 0.0),
        group_names=contents.group_names,
        families=book.families,
        figures=tuple(book.figures.values()),
        register=contents.register,
        central_case=None if cut is None else book.central_case(cut),
        rivalry=rivalry,
    )
