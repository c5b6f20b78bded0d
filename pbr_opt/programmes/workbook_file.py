"""Open a workbook that may be anything: every file is hostile until it has been looked at.

A workbook is an archive of XML. It is refused before it is parsed when it is large beyond reason, unpacks to more than
it should, has parts with names that lead elsewhere, declares entities, or carries macros. Nothing in it is ever
executed and nothing outside it is looked at.
"""

from __future__ import annotations

import datetime
import io
import warnings
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

from pbr_opt.programmes.writing import number_text
from pbr_opt.quantities import Inspection, nearest

__all__ = ["Grid", "read_grids"]

MOST_BYTES: Final = 20_000_000
"""The largest file: the 2011 chain, 2,300 rows, takes 0.2 MB."""
MOST_UNPACKED: Final = 200_000_000
"""The most that its parts may unpack to."""
MOST_PARTS: Final = 2_000
MOST_ROWS: Final = 200_000
MOST_COLUMNS: Final = 200

_OLD_OFFICE: Final = b"\xd0\xcf\x11\xe0"
_SCANNED: Final = (b"<!DOCTYPE", b"<!ENTITY")
_WIDE_TEXT: Final = (b"\xff\xfe", b"\xfe\xff")
_OTHER_FORMATS: Final = (".xls", ".xlsm", ".xlsb", ".ods", ".numbers")
_UNREADABLE: Final = (
    zipfile.BadZipFile,
    zlib.error,
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    NotImplementedError,
    OSError,
    RuntimeError,
    SyntaxError,  # which is what the XML parser raises
    TypeError,
    ValueError,
)
"""What the libraries raise on archives and XML that are damaged in one way or another."""


@dataclass(frozen=True, slots=True)
class Grid:
    """The cells of a sheet as text.

    Attributes
    ----------
    name : str
        On its tab.
    lines : tuple of (int, tuple of str)
        Row numbers, and the cells from column A on; rows without contents are left out.
    """

    name: str
    lines: tuple[tuple[int, tuple[str, ...]], ...]


def read_grids(check: Inspection, path: Path, names: Iterable[str]) -> Mapping[str, Grid]:
    """Return the sheets of a workbook that are called by one of some names; record what is wrong with them.

    Parameters
    ----------
    check : Inspection
        Where faults are recorded, those of cells under ``Sheet!B4``.
    path : Path
        The file.
    names : iterable of str
        Sheets to read; others are left alone.

    Returns
    -------
    mapping of name to Grid
        Empty when the file cannot be read at all.
    """
    data = _bytes(check, path)
    if data is None or not _is_sound_archive(check, path.name, data):
        return {}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about pictures and extensions, which are not read
            return _grids(check, data, tuple(names))
    except _UNREADABLE as error:
        remedy = "open it in a spreadsheet and save it again as .xlsx"
        check.fault(path.name, f"contents that cannot be read ({_first_line(error)})", "a workbook", remedy)
        return {}


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:80]


def _bytes(check: Inspection, path: Path) -> bytes | None:
    """Return the file, or None with a fault when it is no .xlsx or too large."""
    faults, kind = len(check.faults), path.suffix.lower()
    if kind in _OTHER_FORMATS:
        why = ", which may hold macros" if kind in (".xlsm", ".xlsb") else ""
        check.fault(path.name, f"a {kind} file{why}", "an .xlsx workbook", "save it as 'Excel Workbook (.xlsx)'")
        return None
    try:
        size = path.stat().st_size
        if size > MOST_BYTES:
            wanted, remedy = f"at most {MOST_BYTES / 1e6:.0f} MB", "delete pictures and sheets that are not read"
            check.fault(path.name, f"{size / 1e6:.0f} MB", wanted, remedy)
            return None
        data = path.read_bytes()
    except OSError as error:
        check.fault(path.name, error.strerror or str(error), "a file that can be read")
        return None
    if not data:
        check.fault(path.name, "an empty file", "an .xlsx workbook", "pbr-opt template makes one")
    elif data.startswith(_OLD_OFFICE):
        given = "a workbook with a password, or in the format before 2007"
        check.fault(path.name, given, "an .xlsx workbook without a password", "save it as 'Excel Workbook (.xlsx)'")
    elif not data.startswith(b"PK"):
        check.fault(path.name, "a file that is not a workbook", "an .xlsx workbook", "pbr-opt template makes one")
    return data if len(check.faults) == faults else None


def _is_sound_archive(check: Inspection, name: str, data: bytes) -> bool:
    """Record what an archive should not have; return whether nothing was found."""
    faults = len(check.faults)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = archive.infolist()
            _inspect_parts(check, name, parts)
            if len(check.faults) == faults:
                _inspect_texts(check, name, archive, parts)
    except _UNREADABLE as error:
        given, remedy = f"a damaged archive ({_first_line(error)})", "copy or download it again"
        check.fault(name, given, "an .xlsx workbook", remedy)
    return len(check.faults) == faults


def _inspect_parts(check: Inspection, name: str, parts: list[zipfile.ZipInfo]) -> None:
    unpacked, names = sum(part.file_size for part in parts), [part.filename for part in parts]
    if unpacked > MOST_UNPACKED or len(parts) > MOST_PARTS:
        given = f"{len(parts):,} parts that unpack to {unpacked / 1e6:,.0f} MB"
        wanted = f"at most {MOST_PARTS:,} parts and {MOST_UNPACKED / 1e6:.0f} MB"
        check.fault(name, given, wanted, "copy the sheets into a new workbook")
        return
    for part in names:
        if part.startswith(("/", "\\")) or ".." in PurePosixPath(part.replace("\\", "/")).parts:
            check.fault(name, f"a part named '{part}'", "parts inside the workbook", "do not trust this file")
    if any(part.flag_bits & 0x1 for part in parts):
        check.fault(name, "encrypted parts", "a workbook without a password", "save it without one")
    if any(part.lower().endswith("vbaproject.bin") for part in names):
        check.fault(name, "macros", "a workbook without macros", "save it as 'Excel Workbook (.xlsx)'")
    if "[Content_Types].xml" not in names or not any(part.startswith("xl/") for part in names):
        check.fault(name, "a zip archive that is not a workbook", "an .xlsx workbook", "pbr-opt template makes one")


def _inspect_texts(check: Inspection, name: str, archive: zipfile.ZipFile, parts: list[zipfile.ZipInfo]) -> None:
    """Record parts that declare entities: a workbook never does, and a bomb has to."""
    for part in parts:
        if not part.filename.endswith((".xml", ".rels", ".vml")):
            continue
        text = archive.read(part)
        if text.startswith(_WIDE_TEXT) or any(mark in text for mark in _SCANNED):
            given = f"a document type or entity in '{part.filename}'"
            check.fault(name, given, "parts as spreadsheets write them", "do not trust this file")


def _grids(check: Inspection, data: bytes, names: tuple[str, ...]) -> dict[str, Grid]:
    import openpyxl  # half a second to import: only when a workbook is read

    book = openpyxl.load_workbook(io.BytesIO(data), keep_links=False)
    there = {sheet.title: sheet for sheet in book.worksheets}
    _inspect_names(check, tuple(there), names)
    kept = {name: there[name] for name in names if name in there and _is_of_size(check, there[name])}
    computed: dict[str, Any] = {}
    if any(cell.data_type == "f" for sheet in kept.values() for row in sheet.iter_rows() for cell in row):
        values = openpyxl.load_workbook(io.BytesIO(data), keep_links=False, data_only=True)
        computed = {sheet.title: sheet for sheet in values.worksheets}
    return {name: _grid(check, sheet, computed.get(name)) for name, sheet in kept.items()}


def _inspect_names(check: Inspection, there: tuple[str, ...], names: tuple[str, ...]) -> None:
    """Record names that look like slips of the pen: they would be passed over in silence."""
    missing = [name for name in names if name not in there]
    for title in there:
        if title not in names:
            close = nearest(title.strip().capitalize(), missing) if missing else ""
            if close.startswith("did you mean"):
                check.fault(f"sheet '{title}'", "a sheet of this name", "known sheets", close)


def _is_of_size(check: Inspection, sheet: Any) -> bool:  # noqa: ANN401  # openpyxl has no types
    if sheet.max_row <= MOST_ROWS and sheet.max_column <= MOST_COLUMNS:
        return True
    given = f"cells as far as row {sheet.max_row:,} and column {sheet.max_column:,}"
    wanted = f"at most {MOST_ROWS:,} rows and {MOST_COLUMNS} columns"
    check.fault(f"sheet {sheet.title}", given, wanted, "delete the rows and columns beyond the table")
    return False


def _grid(check: Inspection, sheet: Any, computed: Any) -> Grid:  # noqa: ANN401  # openpyxl has no types
    for merged in sheet.merged_cells.ranges:
        check.fault(f"{sheet.title}!{merged.coord}", "merged cells", "one value a cell", "unmerge them")
    lines = []
    for row in sheet.iter_rows():
        texts = tuple(_text(check, sheet.title, cell, computed) for cell in row)
        if any(texts):
            lines.append((row[0].row, texts))
    return Grid(sheet.title, tuple(lines))


def _text(check: Inspection, title: str, cell: Any, computed: Any) -> str:  # noqa: ANN401  # openpyxl has no types
    """Return a cell as text; what is no text and no number is a fault."""
    place, value = f"{title}!{cell.coordinate}", cell.value
    if cell.data_type == "f":
        value = None if computed is None else computed[cell.coordinate].value
        if value is None:
            remedy = "save it in a spreadsheet program, or paste the value"
            check.fault(place, "a formula without a value", "a number or a text", remedy)
            return ""
    if isinstance(value, (datetime.date, datetime.time, datetime.timedelta)):
        check.fault(place, f"a date, {value}", "a number or a text", "format the cell as text and type it again")
        return ""
    text = _plain(value)
    if text.startswith("#") and (cell.data_type == "e" or text.rstrip("!?").isupper()):
        check.fault(place, text, "a number or a text", "mend the formula")
        return ""
    return text


def _plain(value: object) -> str:
    """Return a value as it would be written to CSV."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, float)):
        return number_text(value)
    return "" if value is None else str(value).strip()
