"""Read a programme from a workbook: its sheets as the tables of a folder, every fault with its cell."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from pbr_opt.errors import Fault, InvalidInputError
from pbr_opt.market.figure_ids import RIVALRY, RIVALRY_FIELDS, TARIFF_COLUMNS
from pbr_opt.programmes.figure_rows import FIGURES, TARIFF
from pbr_opt.programmes.files import SEGMENTS, Reading, read_layers
from pbr_opt.programmes.layers import Settings, layers_above
from pbr_opt.programmes.sheets import CASE_COLUMNS, EVIDENCE, PROGRAMME, RIVALS, RULE, SHEETS, SPREAD, Sheet
from pbr_opt.programmes.tables import Row, Table, TableForm, header_fits
from pbr_opt.programmes.workbook_file import Grid, read_grids
from pbr_opt.quantities import Inspection, nearest

__all__ = ["WORKBOOK_ENDINGS", "read_workbook"]

WORKBOOK_ENDINGS: Final = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods", ".numbers")
"""Files that are workbooks; all but the first are refused, with what to do."""

_SEGMENTS_PER_GROUP: Final = 20
"""How finely groups are cut when a workbook does not say, as in the 2011 central case."""
_NEEDED: Final = ("attachment_fee_gbp", "outcome_fee_gbp")
_KNOWLEDGE: Final = ("status", "source", "low", "high", "unit", "note")
_SETTINGS: Final = ("name", "base", "seed", "segments_per_group")


def read_workbook(path: Path) -> Reading:
    """Return the programme in a workbook, and what its sheet Limits asks.

    Parameters
    ----------
    path : Path
        An .xlsx file; ``pbr-opt template`` writes one that explains itself.

    Returns
    -------
    Reading
        Groups in the order of sheet Groups, or of Segments.

    Raises
    ------
    InvalidInputError
        With every fault, each with its cell.
    """
    check = Inspection(f"Workbook '{path.name}'")
    grids = read_grids(check, path, [sheet.name for sheet in SHEETS])
    if not grids and check.faults:
        check.finish()
    tables = {sheet.form.file: _table(check, sheet, grids.get(sheet.name)) for sheet in SHEETS}
    layer = _layer(check, path, tables)
    try:
        return read_layers(check, layers_above(check, layer, "sheet Programme, base"))
    except InvalidInputError as error:
        said = [_in_cells(fault, layer) for fault in error.faults]
        raise InvalidInputError(check.subject, dict.fromkeys(said)) from None


def _column_letter(index: int) -> str:
    """Return the letter of a column, counted from 0.

    >>> _column_letter(0), _column_letter(27)
    ('A', 'AB')
    """
    letters = ""
    while index >= 0:
        index, rest = divmod(index, 26)
        letters, index = chr(ord("A") + rest) + letters, index - 1
    return letters


def _table(check: Inspection, sheet: Sheet, grid: Grid | None) -> Table:
    """Return the rows of a sheet; a sheet with a header alone counts as absent."""
    if grid is None or not grid.lines:
        return Table((), False)
    (first, names), *body = grid.lines
    cells = [f"{sheet.name}!{_column_letter(k)}{first}" for k in range(len(names))]
    for k, name in enumerate(names):
        if not name and any(texts[k] for _, texts in body):
            check.fault(
                cells[k], "values without a column name", "the name of a column", "name it, or clear the column"
            )
    named = {k: name for k, name in enumerate(names) if name}
    fits = header_fits(check, sheet.form, list(named.values()), f"sheet {sheet.name}", [cells[k] for k in named])
    if not fits or not body:
        return Table((), bool(body))
    rows = (_row(sheet, number, named, texts) for number, texts in body)
    return Table(tuple(row for row in rows if any(row.cells.values())), True)


def _row(sheet: Sheet, number: int, named: Mapping[int, str], texts: Sequence[str]) -> Row:
    places = {name: f"{sheet.name}!{_column_letter(k)}{number} ({name})" for k, name in named.items()}
    whole = {"": f"{sheet.name}!row {number}"}
    return Row(sheet.file, number, {name: texts[k] for k, name in named.items()}, whole | places)


@dataclass(frozen=True, slots=True)
class _WorkbookLayer:
    """A workbook as one layer of a programme.

    Attributes
    ----------
    settings : Settings
        What sheet Programme says.
    derives : bool
        Whether sheet Spread is filled in.
    tables : mapping of file to Table
        Sheets as the tables of a folder, wide ones as one row a number.
    aliases : mapping
        Cells of what would be named by file and group.
    prefix : str
        Nothing: faults name sheets.
    """

    settings: Settings
    derives: bool
    tables: Mapping[str, Table]
    aliases: Mapping[str, str]
    prefix: str = ""

    def holds(self, file: str) -> bool:
        """Whether the workbook has a table."""
        return file in self.tables and self.tables[file].present

    def read(self, check: Inspection, form: TableForm) -> Table:
        """Return a table; one that is needed and absent is a fault."""
        table = self.tables[form.file]
        if form.required and not table.present:
            check.fault(form.file, "nothing", "rows in the sheet", "pbr-opt template shows how it looks")
        return table


def _layer(check: Inspection, path: Path, sheets: Mapping[str, Table]) -> _WorkbookLayer:
    """Return the layer that sheets make."""
    settings = _with_rule(check, _settings(check, path, sheets[PROGRAMME.file]), sheets[RIVALS.file])
    spread, segments = sheets[SPREAD.file], sheets[SEGMENTS.file]
    if spread.rows and segments.rows:
        given = "rows in Spread and in Segments"
        check.fault("sheet Segments", given, "one of the two", "clear the one that is not meant")
    in_values = any(row["id"].startswith("participants") for row in sheets["values"].rows)
    if not (spread.rows or segments.present or in_values or settings.base):
        check.fault("sheet Spread or sheet Segments", "nothing", "rows in one of them", "pbr-opt template shows both")
    derives = bool(spread.rows) and not segments.rows
    if derives and settings.segments_per_group is None:
        settings = replace(settings, segments_per_group=_SEGMENTS_PER_GROUP)
    known = {row["id"]: row for row in sheets[EVIDENCE.file].rows}
    wide = sheets["tariff"]
    cells = [_cell(row, name, known) for row in wide.rows for name in TARIFF_COLUMNS if row[name] or name in _NEEDED]
    inputs = [_input(row, name, known) for row in spread.rows for name in CASE_COLUMNS if row[name]]
    _inspect_evidence(check, known, wide, spread)
    values = [replace(row, cells={**row.cells, "status": row["status"] or "assumed"}) for row in sheets["values"].rows]
    rivals = [each for row in sheets[RIVALS.file].rows for each in _of_rivals(check, row)]
    filled = sheets["values"].present or bool(inputs or rivals)
    tables = dict(sheets) | {
        TARIFF.file: Table(tuple(cells), wide.present),
        FIGURES.file: Table((*inputs, *values, *rivals), filled),
    }
    return _WorkbookLayer(settings, derives, tables, _aliases(wide, spread))


def _with_rule(check: Inspection, settings: Settings, table: Table) -> Settings:
    """Return the settings with the rule that sheet Rivalry names; rows without one are a fault."""
    rules = [row for row in table.rows if row["setting"] == RULE]
    for again in rules[1:]:
        check.fault(again.place("setting"), f"'{RULE}', as in row {rules[0].line}", "one rule")
    if not rules:
        if table.rows:
            check.fault("sheet Rivalry", f"no row '{RULE}'", f"a row '{RULE}'", "none, where no share moves")
        return settings
    return replace(settings, share_rule=rules[0]["value"], share_rule_place=rules[0].place("value"))


def _of_rivals(check: Inspection, row: Row) -> Iterator[Row]:
    """Yield a number of the sheet Rivalry as a row of the table of figures; nothing for the rule and for faults."""
    name, group = row["setting"], row["group"]
    field = RIVALRY_FIELDS.get(name)
    if name == RULE:
        return
    if field is None:
        check.fault(row.place("setting"), name or "nothing", "a setting", nearest(name, (RULE, *RIVALRY_FIELDS)))
    elif field.scope == "each" and not group:
        check.fault(row.place("group"), "nothing", f"the payment group that {name} is of")
    elif field.scope != "each" and group:
        check.fault(row.place("group"), group, f"nothing: {name} is of the whole programme", "clear the cell")
    else:
        known = {"id": f"{RIVALRY}/{name}/{group}" if group else f"{RIVALRY}/{name}", "value": row["value"]}
        places = {**row.cell_places, "": row.place("group" if group else "setting"), "low, high": row.place("low")}
        yield Row(FIGURES.file, row.line, {**row.cells, **known, "status": row["status"] or "assumed"}, places)


def _cell(row: Row, column: str, known: Mapping[str, Row]) -> Row:
    """Return one cell of the sheet Tariff as a row of the table of tariff cells."""
    own = {"group": row["group"], "column": column, "value": row[column]}
    return _number(row, column, own, known.get(f"tariff/{row['group']}/{column}"))


def _input(row: Row, column: str, known: Mapping[str, Row]) -> Row:
    """Return one cell of the sheet Spread as a row of the table of figures."""
    own = {"id": f"{column}/{row['group']}", "value": row[column]}
    return _number(row, column, own, known.get(f"{column}/{row['group']}"))


def _number(row: Row, column: str, own: Mapping[str, str], evidence: Row | None) -> Row:
    """Return a number with what is known of it: from the sheet Evidence, else from its own row, else assumed."""
    said = evidence if evidence is not None else row
    knowledge = {name: said[name] for name in _KNOWLEDGE}
    places = {"": row.place(column), "group": row.place("group"), "value": row.place(column)}
    ends = row.place(column) if evidence is None else f"{evidence.place('low')}, range of {row.place(column)}"
    places |= {name: said.place(name) for name in _KNOWLEDGE} | {"low, high": ends}
    cells = {**knowledge, **own, "status": knowledge["status"] or "assumed"}
    return Row(TARIFF.file if "column" in own else FIGURES.file, row.line, cells, places)


def _inspect_evidence(check: Inspection, known: Mapping[str, Row], tariff: Table, spread: Table) -> None:
    """Record evidence for what no sheet has; that of a cell which was cleared may stay."""
    ids = [f"tariff/{row['group']}/{name}" for row in tariff.rows for name in TARIFF_COLUMNS]
    ids += [f"{name}/{row['group']}" for row in spread.rows for name in CASE_COLUMNS]
    for name, row in known.items():
        unused = not spread.rows and name.partition("/")[0] in CASE_COLUMNS
        if name not in ids and not unused:
            check.fault(row.place("id"), name, "a number of sheet Tariff or sheet Spread", nearest(name, ids))


def _aliases(tariff: Table, spread: Table) -> dict[str, str]:
    """Return the cells behind places that name a table and a group."""
    found = {f"{TARIFF.file}, group '{row['group']}'": row.place("group") for row in tariff.rows}
    for k, row in enumerate(spread.rows):
        for name in CASE_COLUMNS:
            cell = row.place(name)
            found |= {f"{FIGURES.file}, {name}/{row['group']}": cell, f"{FIGURES.file}, {name}[{k}]": cell}
            found[f"{FIGURES.file}, {name} (group '{row['group']}')"] = cell
    return found


def _settings(check: Inspection, path: Path, table: Table) -> Settings:
    """Return what the sheet Programme says; the name of the file is the programme's where it says none."""
    said = {row["setting"]: row for row in table.rows if row["value"]}
    for name, row in said.items():
        if name not in _SETTINGS:
            check.fault(row.place("setting"), name, "a setting", nearest(name, _SETTINGS))
    texts = {name: row["value"] for name, row in said.items()}
    wholes = {name: _whole(check, said[name]) for name in ("seed", "segments_per_group") if name in said}
    cut = wholes.get("segments_per_group")
    if cut is not None and not 1 <= cut <= 100_000:
        check.fault(said["segments_per_group"].place("value"), cut, "a whole number from 1 to 100,000")
        cut = None
    return Settings(texts.get("name") or path.stem, texts.get("base", ""), wholes.get("seed"), cut)


def _whole(check: Inspection, row: Row) -> int | None:
    if row["value"].isdigit() and len(row["value"]) < 10:
        return int(row["value"])
    check.fault(row.place("value"), row["value"], "a whole number")
    return None


_IN_WORDS: Final = {sheet.file: f"sheet {sheet.name}" for sheet in SHEETS if sheet.file.endswith(".csv")} | {
    "no such file": "nothing",
    "the file": "rows in the sheet",
}


def _in_cells(fault: Fault, layer: _WorkbookLayer) -> Fault:
    """Return a fault as it reads for somebody who has sheets and rows before him, and no files and lines."""
    words = _IN_WORDS | ({SEGMENTS.file: "sheet Groups"} if layer.derives else {})
    place = layer.aliases.get(fault.place) or _in_words(fault.place, words)
    return Fault(place, *(_in_words(text, words) for text in (fault.given, fault.wanted, fault.remedy)))


def _in_words(text: str, words: Mapping[str, str]) -> str:
    for file, sheet in words.items():
        text = re.sub(rf"(?<![\w/]){re.escape(file)}\b", sheet, text)
    return re.sub(r"\bline (\d+)", r"row \1", text)
