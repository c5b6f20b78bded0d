"""Read tables from CSV files, every fault with its file and line.

A person who has to mend a folder wants the whole list at once, so nothing here raises: faults are recorded and reading
goes on with what can be read.
"""

from __future__ import annotations

import csv
import difflib
import io
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources.abc import Traversable
from types import MappingProxyType
from typing import Final

from pbr_opt.quantities import Inspection, nearest

__all__ = ["Row", "Table", "TableForm", "escaped", "header_fits", "number_in", "read_table", "text_of", "unescaped"]

MOST_BYTES: Final = 200_000_000
"""The largest file that is read: some three million segments."""

_SLIP: Final = 0.85
"""Likeness of two file names above which one is taken for a slip: one letter in ten, and no two names of a folder."""

_LIKE_A_FORMULA: Final = re.compile(r"'*[=+\-@\t\r]")

_BYTE_ORDER_MARK: Final = "\N{ZERO WIDTH NO-BREAK SPACE}"


@dataclass(frozen=True, slots=True)
class TableForm:
    """What a table must look like.

    Attributes
    ----------
    file : str
        Its name in the folder.
    needed, optional : tuple of str
        Columns it must and may have.
    required : bool
        Whether the folder must have the file.
    """

    file: str
    needed: tuple[str, ...]
    optional: tuple[str, ...] = ()
    required: bool = True


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table: its cells by column, blank where the table has no such column.

    Attributes
    ----------
    file : str
        The table's file.
    line : int
        Where it stands, counted from 1.
    cells : mapping
        Text by column, without blanks at the ends.
    cell_places : mapping, optional
        Where each column of the row stands, the row itself under an empty name, for tables that are no files.
    """

    file: str
    line: int
    cells: Mapping[str, str]
    cell_places: Mapping[str, str] = field(default_factory=dict)

    def __getitem__(self, column: str) -> str:
        """Return the text of a cell."""
        return self.cells.get(column, "")

    def place(self, column: str = "") -> str:
        """Return file, line and column, or the cell, for a message."""
        if self.cell_places:
            return self.cell_places.get(column, self.cell_places[""])
        where = f"{self.file} line {self.line}"
        return f"{where}, column '{column}'" if column else where


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of a file.

    Attributes
    ----------
    rows : tuple of Row
        Empty when the file could not be read.
    present : bool
        Whether the folder has the file.
    """

    rows: tuple[Row, ...]
    present: bool


def text_of(check: Inspection, folder: Traversable, file: str, *, required: bool = True) -> str | None:
    """Return the text of a file in UTF-8, or None with a fault.

    A file that may be missing is not missed, unless there is one whose name is all but the same.
    """
    path = folder.joinpath(file)
    if not path.is_file():
        close = _misspelt(folder, file)
        if required or close:
            check.fault(file, "no such file", "the file", f"rename '{close}'" if close else "")
        return None
    data = path.read_bytes()
    if len(data) > MOST_BYTES:
        check.fault(file, f"{len(data) / 1e6:,.0f} MB", f"at most {MOST_BYTES / 1e6:.0f} MB", "fewer, larger segments")
        return None
    try:
        text = data.decode("utf-8").removeprefix(_BYTE_ORDER_MARK)
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        check.fault(f"{file} line {line}", f"byte 0x{data[error.start]:02x}", "text in UTF-8", "save it as 'CSV UTF-8'")
        return None
    if not text.strip():
        check.fault(file, "an empty file", "contents", "delete the file" if not required else "")
        return None
    return text


def escaped(text: str) -> str:
    """Return a label as it is written to CSV: one that a spreadsheet would take for a formula opens with an apostrophe.

    >>> escaped("=1+1"), escaped("-0.5"), escaped("'+x"), unescaped("'=1+1"), unescaped("it's")
    ("'=1+1", "'-0.5", "''+x", '=1+1', "it's")
    """
    return f"'{text}" if _LIKE_A_FORMULA.match(text) else text


def unescaped(text: str) -> str:
    """Return the label that :func:`escaped` was given."""
    return text[1:] if text.startswith("'") and _LIKE_A_FORMULA.match(text[1:]) else text


def _misspelt(folder: Traversable, file: str) -> str:
    """Return the name of a file of the folder that looks like a slip of the pen, or nothing."""
    there = sorted(item.name for item in folder.iterdir() if item.is_file()) if folder.is_dir() else []
    close = difflib.get_close_matches(file, there, n=1, cutoff=_SLIP)
    return close[0] if close else ""


def read_table(check: Inspection, folder: Traversable, form: TableForm) -> Table:
    """Return the rows of a CSV file; whatever is wrong with them is recorded with its line.

    Parameters
    ----------
    check : Inspection
        Where faults are recorded.
    folder : Traversable
        The folder, a path or a package resource.
    form : TableForm
        What the table must look like.

    Returns
    -------
    Table
        Blank lines are skipped; rows with too many or too few cells are faults and left out.
    """
    present = folder.joinpath(form.file).is_file()
    text = text_of(check, folder, form.file, required=form.required)
    if text is None:
        return Table((), present)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    lines: list[tuple[int, list[str]]] = []
    try:
        start = 1
        for cells in reader:
            lines.append((start, [unescaped(cell.strip()) for cell in cells]))
            start = reader.line_num + 1
    except csv.Error as error:
        check.fault(f"{form.file} line {reader.line_num}", str(error), "cells with commas between", "mend the quotes")
        return Table((), present)
    filled = [(line, cells) for line, cells in lines if any(cells)]
    return Table(_rows(check, form, filled), present)


def _rows(check: Inspection, form: TableForm, lines: Sequence[tuple[int, list[str]]]) -> tuple[Row, ...]:
    """Return the rows under a header that is as it should be."""
    (first, header), *body = lines
    if not header_fits(check, form, header, f"{form.file} line {first}"):
        return ()
    if not body:
        check.fault(form.file, "a header and no rows", "at least one row")
    rows = []
    for line, cells in body:
        if len(cells) != len(header):
            wanted = f"{len(header)}, as in the header"
            check.fault(f"{form.file} line {line}", f"{len(cells)} cells", wanted, "quote cells with commas")
            continue
        rows.append(Row(form.file, line, MappingProxyType(dict(zip(header, cells, strict=True)))))
    return tuple(rows)


def header_fits(
    check: Inspection, form: TableForm, header: Sequence[str], place: str, cells: Sequence[str] = ()
) -> bool:
    """Record missing, unknown and repeated columns; return whether every needed one is there.

    Parameters
    ----------
    check : Inspection
        Where faults are recorded.
    form : TableForm
        What the table must look like.
    header : sequence of str
        The names of its columns.
    place : str
        Where the header stands.
    cells : sequence of str, optional
        Where each of its names stands.
    """
    known = (*form.needed, *form.optional)
    if len(header) == 1 and any(mark in header[0] for mark in ";\t"):
        check.fault(place, f"the header {header[0]!r}", "columns separated by commas", "save it with commas")
        return False
    where = dict(zip(header, cells, strict=False))
    strange = [name for name in header if name not in known]
    missing = [name for name in form.needed if name not in header]
    for name in missing:
        close = difflib.get_close_matches(name, strange, n=1)
        strange = [other for other in strange if other not in close]
        remedy = f"did you mean '{name}' where it says '{close[0]}'?" if close else f"the columns: {', '.join(known)}"
        check.fault(where.get(close[0], place) if close else place, f"no column '{name}'", "the column", remedy)
    for name in strange:
        check.fault(where.get(name, place), f"column '{name}'", "only known columns", nearest(name, known))
    repeated = sorted({name for name in header if header.count(name) > 1 and name in known})
    for name in repeated:
        check.fault(where.get(name, place), f"column '{name}' more than once", "each column once")
    return not (missing or repeated)


def number_in(check: Inspection, row: Row, column: str) -> float | None:
    """Return the number in a cell; None, with a fault, when there is none.

    >>> check = Inspection("folder")
    >>> number_in(check, Row("figures.csv", 4, {"value": "1,200"}), "value")
    >>> print(check.faults[0])
    figures.csv line 4, column 'value': given 1,200; wanted a number; try: write it plain, without £, % or commas
    """
    text = row[column]
    try:
        number = float(text) if "_" not in text else math.nan
    except ValueError:
        number = math.nan
    if math.isfinite(number):
        return number
    remedy = "write it plain, without £, % or commas" if any(mark in text for mark in "£%,_ ") else ""
    check.fault(row.place(column), text or "nothing", "a number", remedy)
    return None
