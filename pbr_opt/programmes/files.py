"""Read a programme from a folder: one TOML file and a few CSV tables that people can edit.

``programme.toml`` names it; ``tariff.csv`` and ``segments.csv`` are needed; ``groups.csv``, ``figures.csv``,
``sources.csv`` and a supply chain are read when they are there; what a folder does not have comes from the programme
that it is based on, if it names one. ``docs/data-work-programme-2011.md`` describes every column, and
``docs/data-supply-chain-2011.md`` bases and chains. All faults are collected and raised at once, each with its file and
line.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from typing import Final, TypeVar, cast

from pbr_opt.errors import InvalidInputError
from pbr_opt.market.caseload import Caseload
from pbr_opt.market.evidence import STATUSES, Figure, Source
from pbr_opt.market.figure_book import FIELDS, TARIFF_COLUMNS, FigureBook, inspect_figure
from pbr_opt.market.programme import Programme
from pbr_opt.market.supply_chain import SupplyChain
from pbr_opt.programmes.chains import CHAIN, ChainReader
from pbr_opt.programmes.layers import PROGRAMME_FILE, Layer, layers_of, table_of, tables_of
from pbr_opt.programmes.tables import Row, Table, TableForm, number_in
from pbr_opt.quantities import Inspection, nearest

__all__ = ["PROGRAMME_FILE", "SEGMENT_COLUMNS", "Contents", "read_contents", "read_programme"]

_EVIDENCE = ("unit", "source", "low", "high", "note")
_TARIFF: Final = TableForm("tariff.csv", ("group", "column", "value", "status"), _EVIDENCE)
_FIGURES: Final = TableForm("figures.csv", ("id", "value", "status"), _EVIDENCE, required=False)
_SOURCES: Final = TableForm("sources.csv", ("key", "title", "grade", "address"), required=False)
_GROUPS: Final = TableForm(
    "groups.csv", ("group", "name"), ("family", "benefit", "referral_point", "participation", "note"), required=False
)
_RATES = ("participants", "deadweight_rate", "ceiling_rate", "response_scale_gbp")
_MORE_RATES = ("curvature", "exit_hazard", "reentry_rate")
_SEGMENTS: Final = TableForm("segments.csv", ("group", *_RATES), ("segment", *_MORE_RATES))

SEGMENT_COLUMNS: Final = ("group", "segment", *_RATES, "curvature", "exit_hazard")
"""The columns of ``segments.csv`` as derivations write it."""

_GRADES: Final = ("A", "B", "C", "A/B", "B/C", "A/C")
_WELL_SOURCED: Final = ("confirmed", "derived")

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
    """

    name: str
    segments_per_group: int | None
    group_names: Mapping[str, str]
    book: FigureBook
    register: tuple[Source, ...]
    seed: int | None = None


def read_programme(folder: Traversable, settings_file: str = PROGRAMME_FILE) -> Programme:
    """Return the programme in a folder.

    Parameters
    ----------
    folder : Traversable
        A path or a package resource.
    settings_file : str, optional
        Its TOML file.

    Returns
    -------
    Programme
        Groups in the order in which ``segments.csv`` names them first.

    Raises
    ------
    InvalidInputError
        With every fault of every file.
    """
    check = Inspection(f"Programme folder '{folder.name}'")
    layers = layers_of(check, folder, settings_file)
    segments = table_of(check, layers, _SEGMENTS)
    contents = _contents(check, layers, tuple(dict.fromkeys(row["group"] for row in segments.rows)))
    caseload = _caseload(check, segments)
    keys = tuple(source.key for source in contents.register)
    chain = ChainReader(check, contents.book.groups, keys).read(layers)
    if not check.faults:
        _inspect_book(check, contents)
    check.finish()
    return _programme(contents, cast(Caseload, caseload), chain)  # where there is no caseload, finish has raised


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
    groups = table_of(check, layers, _GROUPS)
    cells, figures = tables_of(check, layers, _TARIFF), tables_of(check, layers, _FIGURES)
    rows = [row for table in cells for row in table.rows]
    known = tuple(ordered) or tuple(dict.fromkeys(row["group"] for row in rows))
    _inspect_group_ids(check, (*groups.rows, *rows), known)
    names, families = _groups(check, groups, known)
    sources = [source for table in tables_of(check, layers, _SOURCES) for source in _register(check, table)]
    register = tuple({source.key: source for source in sources}.values())
    vocabulary = _Vocabulary(tuple(s.key for s in register), (*known, *(name for name in families.values() if name)))
    found = [_figures(check, table.rows, _cell_id, vocabulary) for table in cells]
    found += [_figures(check, table.rows, _figure_id, vocabulary) for table in figures]
    book = FigureBook((figure for part in found for figure in part), families)
    settings = layers[0].settings
    return Contents(settings.name, _segments_per_group(layers), names, book, register, settings.seed)


def _segments_per_group(layers: Sequence[Layer]) -> int | None:
    """Return how finely groups are cut by the nearest folder that says it; a base says it of its own segments only."""
    at = next((k for k, layer in enumerate(layers) if layer.holds(_SEGMENTS.file)), len(layers) - 1)
    return next((cut for layer in layers[: at + 1] if (cut := layer.settings.segments_per_group) is not None), None)


def _inspect_group_ids(check: Inspection, rows: Iterable[Row], known: Sequence[str]) -> None:
    for row in rows:
        if not row["group"] or "/" in row["group"]:
            check.fault(row.place("group"), row["group"] or "nothing", "a group id that is not blank and has no '/'")
        elif row["group"] not in known:
            check.fault(row.place("group"), row["group"], "a group of segments.csv", nearest(row["group"], known))


def _groups(check: Inspection, table: Table, known: Sequence[str]) -> tuple[dict[str, str], dict[str, str]]:
    """Return the name and the family of every group, in order; without a table groups go by their ids."""
    names = _unique(check, table, "group", "name")
    families = {row["group"]: row["family"] for row in table.rows}
    for group in known:
        if table.rows and group not in names:
            check.fault("groups.csv", f"no row for group '{group}'", "a row for every group of segments.csv")
    return {group: names.get(group) or group for group in known}, {group: families.get(group, "") for group in known}


def _unique(check: Inspection, table: Table, key: str, value: str) -> dict[str, str]:
    """Return one column by another; a key that stands twice is a fault."""
    found: dict[str, str] = {}
    lines: dict[str, int] = {}
    for row in table.rows:
        if row[key] in lines:
            check.fault(row.place(key), f"'{row[key]}', as in line {lines[row[key]]}", f"each {key} once")
        lines.setdefault(row[key], row.line)
        found[row[key]] = row[value]
    return found


def _register(check: Inspection, table: Table) -> tuple[Source, ...]:
    """Return the sources."""
    _unique(check, table, "key", "title")
    for row in table.rows:
        if row["grade"] not in _GRADES:
            check.fault(row.place("grade"), row["grade"] or "nothing", f"one of {', '.join(_GRADES)}")
        if not row["key"] or ";" in row["key"]:
            check.fault(row.place("key"), row["key"] or "nothing", "one key without a semicolon")
    return tuple(Source(row["key"], row["title"], row["grade"], row["address"]) for row in table.rows)


def _cell_id(row: Row) -> str:
    return f"tariff/{row['group']}/{row['column']}"


def _figure_id(row: Row) -> str:
    return row["id"]


@dataclass(frozen=True, slots=True)
class _Vocabulary:
    """What rows may cite and name: keys of sources, groups and families of groups."""

    keys: tuple[str, ...]
    labels: tuple[str, ...]


def _figures(
    check: Inspection, rows: Sequence[Row], identify: Callable[[Row], str], vocabulary: _Vocabulary
) -> list[Figure]:
    """Return the figures of a table."""
    found: list[Figure] = []
    lines: dict[str, int] = {}
    for row in rows:
        figure_id = identify(row)
        if figure_id in lines:
            check.fault(row.place(), f"'{figure_id}', as in line {lines[figure_id]}", "each number once")
            continue
        lines[figure_id] = row.line
        figure = _figure(check, row, figure_id, vocabulary.keys)
        if figure is None:
            continue
        of_chain = figure_id.partition("/")[0] == CHAIN  # read by whoever generated the chain, and not by the model
        if of_chain or inspect_figure(check, row.place(), figure_id, figure.value, vocabulary.labels):
            found.append(figure)
    return found


def _figure(check: Inspection, row: Row, figure_id: str, keys: Sequence[str]) -> Figure | None:
    """Return one row as a figure, or None when it has a fault."""
    faults = len(check.faults)
    value = number_in(check, row, "value")
    low, high = (number_in(check, row, end) if row[end] else value for end in ("low", "high"))
    if row["status"] not in STATUSES:
        check.fault(row.place("status"), row["status"] or "nothing", "a status", nearest(row["status"], STATUSES))
    cited = [key.strip() for key in row["source"].split(";") if key.strip()]
    for key in cited:
        if key not in keys:
            remedy = nearest(key, keys) if keys else "add it to sources.csv"
            check.fault(row.place("source"), key, "a key of sources.csv", remedy)
    if row["status"] in _WELL_SOURCED and not cited:
        remedy = "cite the page, or mark the number as assumed"
        check.fault(row.place("source"), "nothing", f"a source for a {row['status']} number", remedy)
    if value is None or low is None or high is None or len(check.faults) > faults:
        return None
    if not low <= value <= high:
        check.fault(row.place("low, high"), f"{low:g} to {high:g}", f"a range that holds the value, {value:g}")
        return None
    unit = row["unit"] or _unit(figure_id)
    return Figure(figure_id, value, unit, row["status"], "; ".join(cited), low, high, row["note"])


def _unit(figure_id: str) -> str:
    """Return the unit that an id implies where the table does not say."""
    name, *at = figure_id.split("/")
    field = TARIFF_COLUMNS.get(at[-1]) if name == "tariff" and at else FIELDS.get(name)
    return field.unit if field else ""


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


def _programme(contents: Contents, caseload: Caseload, chain: SupplyChain | None) -> Programme:
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
        figures=tuple(book.figures.values()),
        register=contents.register,
        central_case=None if cut is None else book.central_case(cut),
    )
