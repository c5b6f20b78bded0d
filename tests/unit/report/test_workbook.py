"""Results as workbooks: the numbers of the frames, one plain table a sheet, labels as they are."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from pbr_opt import Budget, Parked, evaluate, load, optimise
from pbr_opt.analysis.frontier import Frontier, frontier
from pbr_opt.design.result import Design
from pbr_opt.errors import OutputError
from pbr_opt.evaluation import Evaluation
from pbr_opt.report.comparison import compare
from pbr_opt.report.workbook import result_tables, tables_workbook, to_excel
from tests.unit.report.test_comparison import PROGRAMME, compared


def test_a_comparison_has_its_answer_first_and_its_frames_exactly(tmp_path: Path) -> None:
    result = compared()
    path = result.to_excel(tmp_path / "results.xlsx")
    book = pd.read_excel(path, sheet_name=None)
    assert list(book) == ["Answer", "Prices", "Groups", "Proof"]
    answer = book["Answer"].set_index("metric")
    assert answer.today["Spend"] == evaluate(PROGRAMME).spend_gbp
    assert answer.better["Parked"] == result.evaluations["better"].metrics.parked_share
    assert book["Groups"].spend_gbp.tolist() == result.to_frame("groups").spend_gbp.tolist()
    assert book["Proof"].status.tolist() == ["optimal"]


def test_assumptions_sources_and_tiers_are_there_when_there_are_any(tmp_path: Path) -> None:
    programme = load("worked_example")
    path = compare(programme, {"today": programme.tariff}).to_excel(tmp_path / "results.xlsx")
    book = pd.read_excel(path, sheet_name=None)
    assert {"Tiers", "Assumptions"} <= set(book)
    assert len(book["Assumptions"]) == len(programme.assumptions)


def test_evaluations_designs_and_frontiers_have_workbooks_too(tmp_path: Path) -> None:
    design = optimise(PROGRAMME, minimise=Parked(), limits=[Budget(300_000)])
    curve = frontier(PROGRAMME, minimise=Parked(), budgets_gbp=[200_000, 300_000])
    wanted: dict[str, tuple[Evaluation | Design | Frontier, set[str]]] = {
        "evaluation": (design.evaluation, {"Metrics", "Groups", "Payments", "Agents", "Segments"}),
        "design": (design, {"Rate card", "Proof", "Metrics", "Groups", "Payments", "Agents", "Segments"}),
        "frontier": (curve, {"Frontier"}),
    }
    for name, (result, sheets) in wanted.items():
        book = pd.read_excel(to_excel(result, tmp_path / f"{name}.xlsx"), sheet_name=None)
        assert set(book) == sheets
        assert {key: len(frame) for key, frame in book.items()} == {k: len(f) for k, f in result_tables(result).items()}


def test_sheets_are_plain_tables_and_labels_are_no_formulas(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {"label": ["=1+1", "+2", "-3a", "@x", "a\x07b"], "fee_gbp": [0.1, 1e15, float("inf"), 0.0, 2.0]}
    )
    (tmp_path / "plain.xlsx").write_bytes(tables_workbook({"Plain": frame}))
    sheet = openpyxl.load_workbook(tmp_path / "plain.xlsx")["Plain"]
    assert not sheet.merged_cells.ranges
    assert [cell.value for cell in sheet["A"]] == ["label", "=1+1", "+2", "-3a", "@x", "a\N{REPLACEMENT CHARACTER}b"]
    assert {cell.data_type for cell in sheet["A"]} == {"s"}
    assert [cell.value for cell in sheet["B"]] == ["fee_gbp", 0.1, 1e15, None, 0, 2]
    assert sheet["B2"].number_format == "#,##0.00"


def test_a_workbook_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(OutputError):
        compared().to_excel(tmp_path / "file" / "results.xlsx")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
