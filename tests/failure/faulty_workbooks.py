"""Faulty workbooks: each made from a good one by one mistake, with the message that it should get."""

from __future__ import annotations

import datetime
import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import openpyxl

from pbr_opt.programmes.registry import open_programme
from pbr_opt.programmes.workbook_writing import workbook_bytes

__all__ = ["FAULTY_CONTENTS", "FAULTY_FILES", "Faulty", "good", "with_saved_formula"]


@dataclass(frozen=True)
class Faulty:
    """A mistake and what is said about it.

    Attributes
    ----------
    name : str
        Of the test.
    make : callable
        Returns the bytes of the file.
    message : str
        Part of what is printed.
    file : str
        The file's name.
    """

    name: str
    make: Callable[[], bytes]
    message: str
    file: str = "mine.xlsx"


@lru_cache
def good() -> bytes:
    """Return the worked example as a workbook."""
    reading = open_programme("worked_example")
    return workbook_bytes(reading.programme, reading.asked)


def _edited(*edits: Callable[[Any], None]) -> Callable[[], bytes]:
    """Return how to make the good workbook with some edits."""

    def make() -> bytes:
        book = openpyxl.load_workbook(io.BytesIO(good()))
        for edit in edits:
            edit(book)
        out = io.BytesIO()
        book.save(out)
        return out.getvalue()

    return make


def _cell(book: Any, sheet: str, key: str, column: str) -> Any:  # noqa: ANN401  # openpyxl has no types
    """Return the cell of the row that opens with a key, in a column."""
    there = book[sheet]
    names = [cell.value for cell in there[1]]
    rows = [row for row in there.iter_rows(min_row=2) if str(row[0].value) == key]
    return rows[0][names.index(column)]


def _put(sheet: str, key: str, column: str, value: object) -> Callable[[], bytes]:
    """Return how to make the good workbook with another value in one cell."""

    def edit(book: Any) -> None:  # noqa: ANN401  # openpyxl has no types
        _cell(book, sheet, key, column).value = value

    return _edited(edit)


def _known_no_more(column: str, group: str, value: float) -> Callable[[], bytes]:
    """Return how to make the good workbook with another number in Spread, and no range for it."""

    def edit(book: Any) -> None:  # noqa: ANN401  # openpyxl has no types
        _cell(book, "Spread", group, column).value = value
        book["Evidence"].delete_rows(_cell(book, "Evidence", f"{column}/{group}", "id").row)

    return _edited(edit)


def _head(sheet: str, column: str, value: object) -> Callable[[], bytes]:
    """Return how to make the good workbook with a column called something else."""

    def edit(book: Any) -> None:  # noqa: ANN401  # openpyxl has no types
        next(cell for cell in book[sheet][1] if cell.value == column).value = value

    return _edited(edit)


def _added(sheet: str, *values: object) -> Callable[[], bytes]:
    """Return how to make the good workbook with one more row."""
    return _edited(lambda book: book[sheet].append(list(values)))


def _without(sheet: str, key: str) -> Callable[[], bytes]:
    """Return how to make the good workbook without one row."""
    return _edited(lambda book: book[sheet].delete_rows(_cell(book, sheet, key, book[sheet]["A1"].value).row))


def _zipped(parts: dict[str, bytes], *, onto: bool = False) -> Callable[[], bytes]:
    """Return how to make an archive of some parts, added to those of the good workbook when asked."""

    def make() -> bytes:
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            if onto:
                with zipfile.ZipFile(io.BytesIO(good())) as old:
                    for name in old.namelist():
                        if name not in parts:
                            archive.writestr(name, old.read(name))
            for name, data in parts.items():
                archive.writestr(name, data)
        return out.getvalue()

    return make


def _bomb() -> bytes:
    """Return a quarter of a megabyte that unpacks to 250."""
    return _zipped({"[Content_Types].xml": b"<x/>", "xl/workbook.xml": b" " * 250_000_000})()


_ENTITIES: Final = (
    b'<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]><x>&b;</x>'
)
_FAR: Final = "B1048576"
_WIDE_XML: Final = '<?xml version="1.0"?><x/>'.encode("utf-16")

FAULTY_FILES: Final = (
    Faulty("empty", lambda: b"", "mine.xlsx: given an empty file; wanted an .xlsx workbook; try: pbr-opt template"),
    Faulty("text", lambda: b"group,name\n", "given a file that is not a workbook; wanted an .xlsx workbook"),
    Faulty("text that is not UTF-8", lambda: b"gr\xfcppe;\xa3400", "given a file that is not a workbook"),
    Faulty("half a download", lambda: good()[: len(good()) // 2], "given a damaged archive"),
    Faulty("opening bytes only", lambda: b"PK\x03\x04", "given a damaged archive"),
    Faulty("some other archive", _zipped({"letter.txt": b"hello"}), "given a zip archive that is not a workbook"),
    Faulty("a document", _zipped({"[Content_Types].xml": b"<x/>", "word/document.xml": b"<x/>"}),
           "given a zip archive that is not a workbook"),
    Faulty("no parts but their names", _zipped({"[Content_Types].xml": b"<x/>", "xl/workbook.xml": b"<x/>"}),
           "given contents that cannot be read"),
    Faulty("broken XML", _zipped({"xl/workbook.xml": b"<workbook><sheets>"}, onto=True),
           "given contents that cannot be read"),
    Faulty("a password, or 1997", lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512),
           "given a workbook with a password, or in the format before 2007"),
    Faulty("old format by name", lambda: b"\xd0\xcf\x11\xe0", "given a .xls file; wanted an .xlsx", "mine.xls"),
    Faulty("macros by name", good, "given a .xlsm file, which may hold macros; wanted an .xlsx workbook", "mine.xlsm"),
    Faulty("another office", good, "given a .ods file; wanted an .xlsx workbook; try: save it as", "mine.ods"),
    Faulty("macros inside", _zipped({"xl/vbaProject.bin": b"Sub Auto_Open()"}, onto=True),
           "given macros; wanted a workbook without macros"),
    Faulty("zip bomb", _bomb, "2 parts that unpack to 250 MB; wanted at most 2,000 parts and 200 MB"),
    Faulty("very many parts", _zipped({f"xl/media/{k}.png": b"" for k in range(2_001)}, onto=True),
           "wanted at most 2,000 parts"),
    Faulty("too large", lambda: b"PK" + bytes(20_100_000), "given 20 MB; wanted at most 20 MB; try: delete pictures"),
    Faulty("path traversal", _zipped({"../../.bashrc": b"rm -rf ~"}, onto=True),
           "given a part named '../../.bashrc'; wanted parts inside the workbook"),
    Faulty("path from the root", _zipped({"/etc/passwd": b"root"}, onto=True), "given a part named '/etc/passwd'"),
    Faulty("entities", _zipped({"xl/sharedStrings.xml": _ENTITIES}, onto=True),
           "given a document type or entity in 'xl/sharedStrings.xml'"),
    Faulty("entities in other letters", _zipped({"xl/styles.xml": _WIDE_XML}, onto=True),
           "given a document type or entity in 'xl/styles.xml'"),
)  # fmt: skip
"""What is wrong with the file as such."""

FAULTY_CONTENTS: Final = (
    Faulty("a word for a number", _put("Tariff", "older", "outcome_fee_gbp", "twelve hundred"),
           "Tariff!C3 (outcome_fee_gbp): given twelve hundred; wanted a number"),
    Faulty("thousands separator", _put("Tariff", "older", "outcome_fee_gbp", "1,200"),
           "Tariff!C3 (outcome_fee_gbp): given 1,200; wanted a number; try: write it plain, without £, % or commas"),
    Faulty("pound sign", _put("Tariff", "young", "attachment_fee_gbp", "£400"),
           "Tariff!B2 (attachment_fee_gbp): given £400; wanted a number; try: write it plain"),
    Faulty("per cent sign", _put("Spread", "young", "observed_rate", "36%"),
           "Spread!C2 (observed_rate): given 36%; wanted a number; try: write it plain"),
    Faulty("per cents", _put("Spread", "young", "observed_rate", 36),
           "Spread!C2 (observed_rate): given 36; wanted a number from 0 to 1 (share of participants); "
           "try: divide per cents by 100"),
    Faulty("decimal comma", _put("Spread", "young", "observed_rate", "0,36"), "given 0,36; wanted a number; try:"),
    Faulty("negative money", _put("Tariff", "health", "outcome_fee_gbp", -5),
           "Tariff!C4 (outcome_fee_gbp): given -5; wanted a finite number of at least 0 (GBP per outcome)"),
    Faulty("half a payment", _put("Tariff", "health", "sustainment_max", 13.5),
           "Tariff!E4 (sustainment_max): given 13.5; wanted a whole number"),
    Faulty("not a number", _put("Tariff", "health", "outcome_fee_gbp", "nan"),
           "Tariff!C4 (outcome_fee_gbp): given nan; wanted a number"),
    Faulty("a date", _put("Tariff", "older", "outcome_fee_gbp", datetime.date(2011, 6, 1)),
           "Tariff!C3: given a date, 2011-06-01 00:00:00; wanted a number or a text"),
    Faulty("yes for a number", _put("Tariff", "older", "outcome_fee_gbp", True),
           "Tariff!C3 (outcome_fee_gbp): given yes; wanted a number"),
    Faulty("a formula without a value", _put("Tariff", "older", "outcome_fee_gbp", "=B3*3"),
           "Tariff!C3: given a formula without a value; wanted a number or a text; try: save it in a spreadsheet"),
    Faulty("an error value", _put("Tariff", "older", "outcome_fee_gbp", "#DIV/0!"),
           "Tariff!C3: given #DIV/0!; wanted a number or a text; try: mend the formula"),
    Faulty("a blank where a fee is needed", _put("Tariff", "older", "outcome_fee_gbp", None),
           "Tariff!C3 (outcome_fee_gbp): given nothing; wanted a number"),
    Faulty("payments without their number", _put("Tariff", "older", "sustainment_max", None),
           "Tariff!A3 (group): given one of sustainment_fee_gbp and sustainment_max; wanted both, or neither"),
    Faulty("merged cells", _edited(lambda book: book["Tariff"].merge_cells("B2:C3")),
           "Tariff!B2:C3: given merged cells; wanted one value a cell; try: unmerge them"),
    Faulty("merged header", _edited(lambda book: book["Groups"].merge_cells("A1:B1")),
           "Groups!A1:B1: given merged cells"),
    Faulty("no tariff", _edited(lambda book: book.remove(book["Tariff"])), "sheet Tariff: given nothing; wanted rows"),
    Faulty("nobody", _edited(lambda book: book.remove(book["Spread"])),
           "sheet Spread or sheet Segments: given nothing; wanted rows in one of them"),
    Faulty("a header alone", _edited(lambda book: book["Tariff"].delete_rows(2, 3)),
           "sheet Tariff: given nothing; wanted rows in the sheet"),
    Faulty("a misspelt sheet", _edited(lambda book: setattr(book["Tariff"], "title", "Tarrif")),
           "sheet 'Tarrif': given a sheet of this name; wanted known sheets; try: did you mean 'Tariff'?"),
    Faulty("an extra column", _edited(lambda book: setattr(book["Tariff"]["L1"], "value", "bonus_fee")),
           "Tariff!L1: given column 'bonus_fee'; wanted only known columns"),
    Faulty("a misspelt column", _head("Tariff", "outcome_fee_gbp", "outcome_fee"),
           "Tariff!C1: given no column 'outcome_fee_gbp'; wanted the column; "
           "try: did you mean 'outcome_fee_gbp' where it says 'outcome_fee'?"),
    Faulty("a column twice", _head("Tariff", "note", "group"), "given column 'group' more than once; wanted each"),
    Faulty("a nameless column", _edited(lambda book: setattr(book["Tariff"]["L2"], "value", 7)),
           "Tariff!L1: given values without a column name; wanted the name of a column"),
    Faulty("cells far away", _edited(lambda book: setattr(book["Tariff"][_FAR], "value", 1)),
           "sheet Tariff: given cells as far as row 1,048,576"),
    Faulty("an unknown group", _put("Tariff", "older", "group", "oldr"),
           "Tariff!A3 (group): given oldr; wanted a group of sheet Groups; try: did you mean 'older'?"),
    Faulty("a group twice", _added("Groups", "young", "again"),
           "Groups!A5 (group): given 'young', as in row 2; wanted each group once"),
    Faulty("a group without a row", _without("Groups", "health"), "given health; wanted a group of sheet Groups"),
    Faulty("a slash in a group", _put("Groups", "young", "group", "young/old"),
           "Groups!A2 (group): given young/old; wanted a group id that is not blank and has no '/'"),
    Faulty("a tariff row twice", _added("Tariff", "young", 400, 1200), "Tariff!B5 (attachment_fee_gbp): given "
           "'tariff/young/attachment_fee_gbp', as in row 2; wanted each number once"),
    Faulty("an unknown figure", _added("Values", "bid_discont", 0.1),
           "Values!row 9: given bid_discont; wanted a known figure; try: did you mean 'bid_discount'?"),
    Faulty("an unknown family", _added("Values", "exit_hazard/jobseker", 0.1),
           "wanted a payment group or a family of groups; try: did you mean 'jobseekers'?"),
    Faulty("a number twice", _added("Values", "participants/young", 5),
           "Values!row 9: given 'participants/young', as in row 2; wanted each number once"),
    Faulty("an unknown status", _put("Values", "bid_discount", "status", "confirmd"),
           "Values!D5 (status): given confirmd; wanted a status; try: did you mean 'confirmed'?"),
    Faulty("confirmed by nobody", _put("Values", "bid_discount", "status", "confirmed"),
           "Values!E5 (source): given nothing; wanted a source for a confirmed number"),
    Faulty("a source that is not listed", _put("Values", "bid_discount", "source", "NAO2012"),
           "Values!E5 (source): given NAO2012; wanted a key of sheet Sources; try: add it to sheet Sources"),
    Faulty("a grade that is none", _added("Sources", "S1", "a page", "Z", "here"),
           "Sources!C2 (grade): given Z; wanted one of A, B, C"),
    Faulty("a range beside the value", _put("Values", "bid_discount", "low", 0.07),
           "Values!row 5: given 0.07 to 0.1; wanted a range that holds the value, 0.05"),
    Faulty("a number beside its range", _put("Tariff", "older", "outcome_fee_gbp", 2000),
           "(low), range of Tariff!C3 (outcome_fee_gbp): given 1000 to 1500; wanted a range that holds the value"),
    Faulty("evidence for nothing", _added("Evidence", "tariff/yung/outcome_fee_gbp", "assumed"),
           "given tariff/yung/outcome_fee_gbp; wanted a number of sheet Tariff or sheet Spread; try: did you mean"),
    Faulty("support that makes things worse", _known_no_more("deadweight_rate", "young", 0.5),
           "Spread!C2 (observed_rate): given 0.36; wanted at least the deadweight rate, 0.5"),
    Faulty("a rate out of reach", _known_no_more("observed_rate", "health", 0.999), "Spread!C4 (observed_rate)"),
    Faulty("both kinds of people", _added("Segments", "young", 1, 5, 0.1, 0.2, 300),
           "sheet Segments: given rows in Spread and in Segments; wanted one of the two"),
    Faulty("a kind that is none", _put("Providers", "Prime", "kind", "primary"),
           "Providers!B3 (kind): given primary; wanted a kind; try: "),
    Faulty("no Department", _without("Providers", "Department"), "given no department; wanted exactly one agent"),
    Faulty("neither yes nor no", _put("Providers", "Prime", "delivers", "maybe"),
           "Providers!G3 (delivers): given maybe; wanted yes or no"),
    Faulty("a skill for an unknown group", _put("Providers", "Health charity", "productivity", "helth=2"),
           "Providers!H5 (productivity): given helth; wanted a payment group; try: did you mean 'health'?"),
    Faulty("an unknown payee", _put("Links", "Department", "payee", "Prim"),
           "Links!row 2: given 'Prim'; wanted an agent of the chain; try: did you mean 'Prime'?"),
    Faulty("a share above one", _put("Links", "Department", "attachment_share", 80), "Links!E2 (attachment_share)"),
    Faulty("links without providers", _edited(lambda book: book["Providers"].delete_rows(2, 9)),
           "sheet Providers: given nothing; wanted rows in the sheet; try: a chain needs it"),
    Faulty("an unknown objective", _put("Limits", "minimise", "value", "parkd"),
           "Limits!B2 (value): given parkd; wanted an objective; try: did you mean 'parked'?"),
    Faulty("an unknown limit", _put("Limits", "step", "limit", "stepp"),
           "given stepp; wanted an objective or a limit; try: did you mean 'step'?"),
    Faulty("an objective turned round", _put("Limits", "minimise", "value", "total-support"),
           "Limits!B2 (value): given total-support; wanted something to minimise; try: maximise total-support"),
    Faulty("a budget with a pound sign", _added("Limits", "budget", "£55m"),
           "Limits!B5 (value): given £55m; wanted a number; try: write it plain"),
    Faulty("a limit twice", _added("Limits", "step", 10), "given 'step', as in row 3; wanted each limit once"),
    Faulty("a base elsewhere", _added("Programme", "base", "../../secrets"),
           "sheet Programme, base: given ../../secrets; wanted a bundled programme"),
    Faulty("a setting that is none", _added("Programme", "nmae", "Mine"),
           "Programme!A4 (setting): given nmae; wanted a setting; try: did you mean 'name'?"),
    Faulty("groups cut to nothing", _put("Programme", "segments_per_group", "value", 0),
           "Programme!B3 (value): given 0; wanted a whole number from 1 to 100,000"),
)  # fmt: skip
"""What is wrong with what it says."""


def with_saved_formula() -> bytes:
    """Return the good workbook with a formula in Tariff!C3 whose saved value is 1300."""
    with zipfile.ZipFile(io.BytesIO(_put("Tariff", "older", "outcome_fee_gbp", "=1000+300")())) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    (sheet,) = (name for name, data in parts.items() if b"<f>1000+300</f>" in data)
    parts[sheet] = parts[sheet].replace(b"<f>1000+300</f><v />", b"<f>1000+300</f><v>1300</v>")
    parts[sheet] = parts[sheet].replace(b"<f>1000+300</f><v/>", b"<f>1000+300</f><v>1300</v>")
    return _zipped(parts)()
