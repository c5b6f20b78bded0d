"""Write a programme as a workbook that explains itself: notes on columns, drop-downs, and a first sheet to read."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from pbr_opt.market.evidence import Figure
from pbr_opt.market.figure_ids import RIVALRY, TARIFF_COLUMNS
from pbr_opt.market.programme import Programme
from pbr_opt.programmes.figure_rows import implied_unit
from pbr_opt.programmes.files import GROUPS, LIMITS, SEGMENTS
from pbr_opt.programmes.sheets import CASE_COLUMNS, NOTES, PROGRAMME, RIVALS, RULE, SHEETS, SPREAD, Sheet, choices_of
from pbr_opt.programmes.tables import escaped
from pbr_opt.programmes.terms import term_names
from pbr_opt.programmes.workbook_reading import read_workbook
from pbr_opt.programmes.writing import (
    Cells,
    WrittenProgramme,
    evidence_cells,
    is_number_text,
    number_text,
    require_same,
    written,
)

__all__ = ["fill_sheet", "workbook_bytes"]

_ROOM: Final = 500
"""Rows below the header in which drop-downs are offered."""
_WIDEST: Final = 60
_READ_ME: Final = (
    "A payment-by-results programme for pbr-opt",
    "",
    "Fill in the sheets; columns have notes (hover over their names) and drop-downs. Numbers are plain, without £, %",
    "or commas; rates are 0 to 1. A sheet that does not apply may stay empty. Extra sheets of your own are not read.",
    "",
    "pbr-opt check FILE     says everything that is wrong, with its cell, and what is doubtful",
    "pbr-opt run FILE       compares today's tariff with the best one within sheet Limits",
    "",
    "With sheet Spread the people are fitted so that today's tariff gives today's rates: change Tariff there, and the",
    "people change too. To ask what other prices would do to the same people, use sheet Segments.",
    "",
)


def workbook_bytes(programme: Programme, asked: Mapping[str, str] | None = None) -> bytes:
    """Return an .xlsx file that holds a programme.

    Parameters
    ----------
    programme : Programme
        What to write.
    asked : mapping, optional
        Objective and limits by name, see :mod:`pbr_opt.programmes.questions`.

    Raises
    ------
    UnsupportedModelError
        When a workbook cannot say all of it; nothing is lost in silence.
    """
    import openpyxl  # half a second to import: only when a workbook is written

    tables = _sheets(written(programme, asked))
    book = openpyxl.Workbook()
    _fill_read_me(book.active)
    for sheet in SHEETS:
        there = book.create_sheet(sheet.name)
        fill_sheet(there, sheet.columns, tables[sheet.form.file])
        _explain(there, sheet)
    out = io.BytesIO()
    book.save(out)
    with tempfile.TemporaryDirectory() as room:
        path = Path(room) / "programme.xlsx"
        path.write_bytes(out.getvalue())
        require_same(programme, lambda: read_workbook(path).programme)
    return out.getvalue()


def _sheets(found: WrittenProgramme) -> dict[str, Sequence[Cells]]:
    """Return the rows of every sheet, by its form's name."""
    figures = {figure.id: figure for figure in found.figures}
    groups = [row["group"] for row in found.tables[GROUPS.file]]
    spread = [] if found.tables[SEGMENTS.file] else [_wide(figures, group, CASE_COLUMNS, "") for group in groups]
    tariff = [_wide(figures, group, TARIFF_COLUMNS, "tariff/") for group in groups]
    apart = {f"tariff/{group}/{name}" for group in groups for name in TARIFF_COLUMNS}
    rivals = [figure for key, figure in figures.items() if key.startswith(f"{RIVALRY}/")]
    apart |= {figure.id for figure in rivals}
    if spread:
        apart |= {f"{name}/{group}" for group in groups for name in CASE_COLUMNS}
    settings = [{"setting": "name", "value": found.name}]
    if found.segments_per_group is not None:
        settings.append({"setting": "segments_per_group", "value": number_text(found.segments_per_group)})
    values = [figure for key, figure in figures.items() if key not in apart]
    wide = [figure for key, figure in figures.items() if key in apart and figure not in rivals]
    known = [figure for figure in wide if _says_something(figure)]
    return dict(found.tables) | {
        PROGRAMME.file: settings,
        SPREAD.file: spread,
        "tariff": tariff,
        "values": [{"id": f.id, "value": number_text(f.value), **evidence_cells(f)} for f in values],
        RIVALS.file: _rivals(found.share_rule, rivals),
        "evidence": [{"id": f.id, **evidence_cells(f)} for f in known],
    }


def _rivals(rule: str | None, figures: Sequence[Figure]) -> list[Cells]:
    """Return the rows of sheet Rivalry: the rule, and a number a row."""
    rows: list[Cells] = [] if rule is None else [{"setting": RULE, "value": rule}]
    for figure in figures:
        _, name, group = f"{figure.id}/".split("/")[:3]
        number = {"setting": name, "group": group, "value": number_text(figure.value)}
        rows.append(number | evidence_cells(figure))
    return rows


def _wide(figures: Mapping[str, Figure], group: str, columns: Iterable[str], opening: str) -> dict[str, str]:
    """Return a group's numbers side by side."""
    ids = {name: f"{opening}{group}/{name}" if opening else f"{name}/{group}" for name in columns}
    numbers = {name: number_text(figures[key].value) for name, key in ids.items() if key in figures}
    return {"group": group} | numbers


def _says_something(figure: Figure) -> bool:
    """Whether a figure says more than its number."""
    told = figure.source or figure.note or figure.unit not in ("", implied_unit(figure.id))
    return bool(told) or figure.status != "assumed" or figure.range != (figure.value, figure.value)


def fill_sheet(sheet: Any, columns: Sequence[str], rows: Sequence[Cells]) -> None:  # noqa: ANN401  # openpyxl, untyped
    """Write one table: a header in bold that stays in sight, rows below, columns as wide as their contents.

    Text stays text, also when it opens like a formula; numbers are exact to the last digit.
    """
    from openpyxl.styles import Font, PatternFill
    from openpyxl.utils import get_column_letter

    for k, name in enumerate(columns, 1):
        head = sheet.cell(1, k)
        _write(head, name)
        head.font, head.fill = Font(bold=True), PatternFill("solid", fgColor="DDE6F0")
        for line, row in enumerate(rows, 2):
            if text := row.get(name, ""):
                _write(sheet.cell(line, k), text)
        longest = max([len(name), *(len(row.get(name, "")) for row in rows)])
        sheet.column_dimensions[get_column_letter(k)].width = min(longest + 3, _WIDEST)
    sheet.freeze_panes = "B2"


def _write(cell: Any, text: str) -> None:  # noqa: ANN401  # openpyxl has no types
    """Write a text as the number that it is, or else as text whatever it opens with."""
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    cell.value = ILLEGAL_CHARACTERS_RE.sub("\N{REPLACEMENT CHARACTER}", text)
    if is_number_text(text):
        cell.data_type = "n"  # set after the text: openpyxl would keep 16 digits of a float, and 17 can be needed
        return
    cell.data_type = "s"
    if escaped(text) != text:
        cell.quotePrefix = True


def _fill_read_me(sheet: Any) -> None:  # noqa: ANN401  # openpyxl has no types
    from openpyxl.styles import Font

    sheet.title = "Read me"
    lines = [*_READ_ME, *(f"{item.name}: {item.purpose}" for item in SHEETS)]
    for k, line in enumerate(lines, 1):
        _write(sheet.cell(k, 1), line)
    sheet["A1"].font = Font(bold=True, size=14)
    sheet.column_dimensions["A"].width = 130


def _explain(there: Any, sheet: Sheet) -> None:  # noqa: ANN401  # openpyxl has no types
    """Add notes to the header, and drop-downs below it."""
    from openpyxl.comments import Comment
    from openpyxl.utils import get_column_letter
    from openpyxl.worksheet.datavalidation import DataValidation

    for k, name in enumerate(sheet.columns, 1):
        if note := NOTES.get(f"{sheet.name}/{name}", NOTES.get(name)):
            there.cell(1, k).comment = Comment(note, "pbr-opt", width=320, height=110)
        offered = _offered(sheet, name)
        if offered:
            rule = DataValidation(type="list", formula1=offered, allow_blank=True, errorStyle="warning")
            rule.showErrorMessage = name != "value"  # where a list is offered, and a number may stand as well
            there.add_data_validation(rule)
            rule.add(f"{get_column_letter(k)}2:{get_column_letter(k)}{max(_ROOM, there.max_row)}")


def _offered(sheet: Sheet, column: str) -> str:
    """Return what a drop-down takes its list from: words, or a column of another sheet."""
    if column == "group" and sheet.file != GROUPS.file:
        return f"Groups!$A$2:$A${_ROOM}"
    if column in ("payer", "payee"):
        return "Providers!$A$2:$A$5000"
    words = ("minimise", "maximise", *term_names()) if sheet.file == LIMITS.file and column == "limit" else ()
    words = words or choices_of(sheet.name, column)
    return f'"{",".join(words)}"' if words else ""
