"""Results as a workbook: plain tables, one a sheet, that can be filtered and copied."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pbr_opt.analysis.frontier import Frontier
from pbr_opt.design.result import Design
from pbr_opt.evaluation import Evaluation
from pbr_opt.programmes.workbook_writing import fill_sheet
from pbr_opt.programmes.writing import number_text
from pbr_opt.report.metric_lines import metric_rows
from pbr_opt.report.records import write_files

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["result_tables", "tables_workbook", "to_excel"]

_SEGMENT_ROWS: Final = 100_000
"""The most segments that are written: spreadsheets take a million rows and bear far fewer."""


def tables_workbook(tables: Mapping[str, pd.DataFrame]) -> bytes:
    """Return an .xlsx file with one table a sheet.

    Money in GBP and rates as numbers, nothing merged, no formulas: labels stay text whatever they open with.
    """
    import openpyxl  # half a second to import: only when a workbook is written

    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, frame in tables.items():
        sheet = book.create_sheet(name)
        rows = [{str(k): _text(v) for k, v in row.items()} for row in frame.to_dict("records")]
        fill_sheet(sheet, [str(column) for column in frame.columns], rows)
        _format(sheet)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _text(value: Any) -> str:  # noqa: ANN401  # whatever a cell of a table holds
    """Return a value as it is written; what is not known or not finite is left blank."""
    if isinstance(value, bool) or type(value).__name__ == "bool_":
        return "yes" if value else "no"
    if isinstance(value, str) or value is None:
        return value or ""
    number = float(value)
    return number_text(number) if abs(number) < float("inf") else ""


def _format(sheet: Any) -> None:  # noqa: ANN401  # openpyxl has no types
    """Show money with thousands and shares as per cents; what stands in the cells stays as it is."""
    for column in sheet.iter_cols():
        name = str(column[0].value)
        shown = "#,##0.00" if name.endswith("_gbp") else "0.0%" if name.endswith(("_share", "_rate")) else ""
        for cell in column[1:] if shown else ():
            cell.number_format = shown
    sheet.auto_filter.ref = sheet.dimensions


def result_tables(result: Evaluation | Design | Frontier) -> dict[str, pd.DataFrame]:
    """Return the tables of a result, by the names of sheets."""
    import pandas as pd  # slow to import: only when a table is asked for

    if isinstance(result, Frontier):
        return {"Frontier": result.to_frame()}
    if isinstance(result, Design):
        aim = result.problem.objective
        stated = {"objective": aim.name, "value": result.objective, "bound": result.bound, "gap": result.gap,
                  "status": result.status, "unit": aim.unit, "method": result.method}  # fmt: skip
        return {"Rate card": result.to_frame(), "Proof": pd.DataFrame([stated])} | result_tables(result.evaluation)
    frames = {"Metrics": pd.DataFrame(metric_rows(result.metrics))}
    frames |= {name.capitalize(): result.to_frame(name) for name in ("groups", "payments", "agents")}
    if len(result.rows.caseload) <= _SEGMENT_ROWS:
        frames["Segments"] = result.to_frame("segments")
    return frames


def to_excel(result: Evaluation | Design | Frontier, path: str | Path) -> Path:
    """Write a result as a workbook of plain tables. A comparison has a method of this name.

    Parameters
    ----------
    result : Evaluation, Design or Frontier
        What to write.
    path : str or Path
        An .xlsx file; what is there is replaced.

    Returns
    -------
    Path
        What was written.

    Raises
    ------
    OutputError
        When it cannot be written; then nothing has changed.
    """
    place = Path(path)
    return write_files(place.parent, {place.name: tables_workbook(result_tables(result))})[0]
