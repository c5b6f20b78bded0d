"""Read the numbers of a programme and the sources they cite from rows, every fault with its place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from pbr_opt.market.evidence import STATUSES, Figure, Source, cited
from pbr_opt.market.figure_ids import FIELDS, RIVALRY, RIVALRY_FIELDS, TARIFF_COLUMNS, inspect_figure
from pbr_opt.programmes.chains import CHAIN
from pbr_opt.programmes.tables import Row, Table, TableForm, number_in
from pbr_opt.quantities import Inspection, nearest

__all__ = ["FIGURES", "GRADES", "SOURCES", "TARIFF", "FigureReader", "implied_unit", "read_register", "unique"]

_EVIDENCE = ("unit", "source", "low", "high", "note")
TARIFF: Final = TableForm("tariff.csv", ("group", "column", "value", "status"), _EVIDENCE)
FIGURES: Final = TableForm("figures.csv", ("id", "value", "status"), _EVIDENCE, required=False)
SOURCES: Final = TableForm("sources.csv", ("key", "title", "grade", "address"), required=False)

GRADES: Final = ("A", "B", "C", "A/B", "B/C", "A/C")
_WELL_SOURCED: Final = ("confirmed", "derived")


def unique(check: Inspection, table: Table, key: str, value: str) -> dict[str, str]:
    """Return one column by another; a key that stands twice is a fault."""
    found: dict[str, str] = {}
    lines: dict[str, int] = {}
    for row in table.rows:
        if row[key] in lines:
            check.fault(row.place(key), f"'{row[key]}', as in line {lines[row[key]]}", f"each {key} once")
        lines.setdefault(row[key], row.line)
        found[row[key]] = row[value]
    return found


def read_register(check: Inspection, table: Table) -> tuple[Source, ...]:
    """Return the sources."""
    unique(check, table, "key", "title")
    for row in table.rows:
        if row["grade"] not in GRADES:
            check.fault(row.place("grade"), row["grade"] or "nothing", f"one of {', '.join(GRADES)}")
        if not row["key"] or ";" in row["key"]:
            check.fault(row.place("key"), row["key"] or "nothing", "one key without a semicolon")
    return tuple(Source(row["key"], row["title"], row["grade"], row["address"]) for row in table.rows)


def implied_unit(figure_id: str) -> str:
    """Return the unit that an id implies, empty where it implies none.

    >>> implied_unit("tariff/6/outcome_fee_gbp"), implied_unit("evidence/areas")
    ('GBP per outcome', '')
    """
    name, *at = figure_id.split("/")
    if name == RIVALRY and at:
        known = RIVALRY_FIELDS.get(at[0])
    else:
        known = TARIFF_COLUMNS.get(at[-1]) if name == "tariff" and at else FIELDS.get(name)
    return known.unit if known else ""


@dataclass(frozen=True, slots=True)
class FigureReader:
    """Reads figures from tables of tariff cells and of other numbers.

    Attributes
    ----------
    check : Inspection
        Where faults are recorded.
    keys : tuple of str
        Sources that rows may cite.
    labels : tuple of str
        Groups and families that ids may name.
    places : dict
        Where the number of each id stands, filled while reading; the nearest folder's place holds.
    """

    check: Inspection
    keys: tuple[str, ...]
    labels: tuple[str, ...]
    places: dict[str, str] = field(default_factory=dict)

    def cells(self, table: Table) -> list[Figure]:
        """Return the figures of a table of tariff cells."""
        return self._read(table.rows, lambda row: f"tariff/{row['group']}/{row['column']}")

    def figures(self, table: Table) -> list[Figure]:
        """Return the figures of a table of numbers."""
        return self._read(table.rows, lambda row: row["id"])

    def _read(self, rows: Sequence[Row], identify: Callable[[Row], str]) -> list[Figure]:
        found: list[Figure] = []
        lines: dict[str, int] = {}
        for row in rows:
            figure_id = identify(row)
            if figure_id in lines:
                self.check.fault(row.place(), f"'{figure_id}', as in line {lines[figure_id]}", "each number once")
                continue
            lines[figure_id] = row.line
            figure = self._figure(row, figure_id)
            if figure is not None:
                self.places[figure_id] = row.place("value") if row.cell_places else row.place()
                found.append(figure)
        return found

    def _figure(self, row: Row, figure_id: str) -> Figure | None:
        """Return one row as a figure, or None when it has a fault."""
        check, faults = self.check, len(self.check.faults)
        value = number_in(check, row, "value")
        low, high = (number_in(check, row, end) if row[end] else value for end in ("low", "high"))
        keys = self._cited(row)
        if value is None or low is None or high is None or len(check.faults) > faults:
            return None
        of_chain = figure_id.partition("/")[0] == CHAIN  # read by whoever generated the chain, not by the model
        place = row.place("value") if row.cell_places else row.place()
        if not (of_chain or inspect_figure(check, row.place(), figure_id, value, self.labels, place)):
            return None
        if not low <= value <= high:
            wanted = f"a range that holds the value, {value:g}"
            check.fault(row.place("low, high"), f"{low:g} to {high:g}", wanted)
            return None
        unit = row["unit"] or implied_unit(figure_id)
        return Figure(figure_id, value, unit, row["status"], "; ".join(keys), low, high, row["note"])

    def _cited(self, row: Row) -> tuple[str, ...]:
        """Return the sources of a row; record what is wrong with how well its number is known."""
        if row["status"] not in STATUSES:
            given = row["status"] or "nothing"
            self.check.fault(row.place("status"), given, "a status", nearest(row["status"], STATUSES))
        keys = cited(row["source"])
        for key in keys:
            if key not in self.keys:
                remedy = nearest(key, self.keys) if self.keys else "add it to sources.csv"
                self.check.fault(row.place("source"), key, "a key of sources.csv", remedy)
        if row["status"] in _WELL_SOURCED and not keys:
            remedy = "cite the page, or mark the number as assumed"
            self.check.fault(row.place("source"), "nothing", f"a source for a {row['status']} number", remedy)
        return keys
