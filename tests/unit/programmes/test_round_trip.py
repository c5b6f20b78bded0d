"""Workbook, folder and Python: the same programme has the same hash in all three, or nothing is written."""

from __future__ import annotations

import io
from pathlib import Path

import networkx as nx
import numpy as np
import openpyxl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pbr_opt import Caseload, Programme, SupplyChain, Tariff, load
from pbr_opt.errors import UnsupportedModelError
from pbr_opt.market.evidence import Figure, Source
from pbr_opt.market.programme import Programme as AnyProgramme
from pbr_opt.market.tariffs import ContractTerms
from pbr_opt.programmes.content import content_hash
from pbr_opt.programmes.registry import list_programmes, open_programme
from pbr_opt.programmes.workbook_writing import workbook_bytes
from pbr_opt.programmes.writing import folder_texts
from pbr_opt.report.saving import save_programme
from tests.unit.programmes.folders import small_folder

SMALL = [name for name in list_programmes() if not name.endswith("_chain")]


def made_in_python() -> Programme:
    """Return a programme with everything that a programme can have and no file has said."""
    people = Caseload(
        ["b", "a", "b"],
        [100 / 3, 80, 50],
        [0.1, 0.02, 1 / 3],
        [0.42, 0.1, 0.5],
        600 / 7,
        [0, 0.1, 0],
        0.05,
        reentry_rate=0.01,
    )
    return Programme(
        'A "quoted" name, with commas',
        people,
        Tariff(
            ["a", "b"],
            400,
            [1200, 3500.01],
            [170, 0],
            [13, 0],
            [26, 0],
            accelerator_threshold=[0, 0.15],
            accelerator_fee_gbp=[0, 999.99],
        ),
        outcome_value_gbp={"a": 9_000, "b": 0},
        discount_rate=0.035,
        terms=ContractTerms(0.06, [1, 0.5], [0.6, 0.4]),
        minimum_service_gbp={"a": 10, "b": 0},
        mission_gbp=5,
        base_service_gbp={"a": 500, "b": 583.39},
        group_names={"a": "younger", "b": "older"},
        figures=[Figure("tariff/a/outcome_fee_gbp", 1200, "GBP", "confirmed", "S1", note="read; on, a page")],
        register=[Source("S1", "a report", "A", "a page")],
    )


def with_chain() -> Programme:
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.graph["areas"] = {"north": {"participant_share": 1.0, "readiness_shift": -0.1}}
    graph.add_node("Dept", kind="department", sector="public")
    graph.add_node("=Prime", kind="prime", area="north", delivers=False, working_capital_gbp=1e6)
    graph.add_node("-Charity", kind="tier2", sector="voluntary", productivity={"a": 2.5}, capacity=20)
    graph.add_node("@Firm", kind="tier1", ceiling_bonus=[0.0, 0.1, 0.05], fixed_cost_gbp=0.1 + 0.2)
    graph.add_edge("Dept", "=Prime", payment_lag_weeks=4)
    graph.add_edge("=Prime", "-Charity", contract="piece_rate", referral_fee_gbp=50, least_share=0.25)
    graph.add_edge("=Prime", "@Firm", contract="fixed_share", share=0.8, volume_share=0.3)
    return made_in_python().replace(
        supply_chain=SupplyChain.from_graph(graph), mission_gbp=0.0, tariff=Tariff(list("ba"), 0, 1500)
    )


def assert_same_everywhere(programme: AnyProgramme, place: Path) -> None:
    folder, workbook = place / "folder", place / "programme.xlsx"
    save_programme(programme, folder)
    save_programme(programme, workbook)
    from_folder, from_workbook = load(folder), load(workbook)
    assert content_hash(from_folder) == content_hash(from_workbook) == content_hash(programme)
    save_programme(from_workbook, place / "again")
    assert content_hash(load(place / "again")) == content_hash(programme)


@pytest.mark.parametrize("name", SMALL)
def test_bundled_programmes_keep_their_hash(name: str, tmp_path: Path) -> None:
    assert_same_everywhere(load(name), tmp_path)


def test_a_large_chain_keeps_its_hash_in_a_folder(tmp_path: Path) -> None:
    programme = load("work_programme_2011_chain")
    save_programme(programme, tmp_path / "chain")
    assert content_hash(load(tmp_path / "chain")) == content_hash(programme)


@pytest.mark.long
def test_a_large_chain_keeps_its_hash_in_a_workbook(tmp_path: Path) -> None:
    assert_same_everywhere(load("work_programme_2011_chain"), tmp_path)


@pytest.mark.parametrize("make", [made_in_python, with_chain])
def test_programmes_made_in_python_keep_their_hash(make: type, tmp_path: Path) -> None:
    assert_same_everywhere(make(), tmp_path)


def test_families_are_kept_without_a_central_case(tmp_path: Path) -> None:
    programme = load(small_folder(tmp_path))
    assert dict(programme.families) == {"b": "short", "a": "short"}
    assert_same_everywhere(programme, tmp_path)


def test_a_programme_that_was_changed_is_written_as_it_is_now(tmp_path: Path) -> None:
    loaded = load("work_programme_2011")
    changed = loaded.replace(tariff=loaded.tariff.at_price(loaded.tariff.price_gbp * 0.9), outcome_value_gbp=None)
    assert content_hash(changed) != content_hash(loaded)
    assert_same_everywhere(changed, tmp_path)
    save_programme(changed, tmp_path / "changed.xlsx")
    back = load(tmp_path / "changed.xlsx")
    assert np.array_equal(back.tariff.outcome_fee_gbp, changed.tariff.outcome_fee_gbp)
    assert not [figure for figure in back.figures if figure.id == "tariff/1/outcome_fee_gbp" and figure.source]


def test_segments_that_follow_from_a_central_case_are_left_to_it() -> None:
    assert "segments.csv" not in folder_texts(load("work_programme_2011"))
    assert "segments.csv" in folder_texts(load("work_programme_2011").replace(central_case=None))


def test_what_is_asked_is_kept(tmp_path: Path) -> None:
    reading = open_programme("worked_example")
    for name in ("example.xlsx", "example"):
        save_programme(reading.programme, tmp_path / name, reading.asked)
        assert dict(open_programme(tmp_path / name).asked) == dict(reading.asked)


def test_nothing_is_lost_in_silence(tmp_path: Path) -> None:
    """A source that no register has cannot be written so that it can be read."""
    figure = Figure("evidence/something", 1.0, "GBP", "confirmed", "NOWHERE")
    programme = made_in_python().replace(figures=[figure])
    for write in (folder_texts, workbook_bytes):
        with pytest.raises(UnsupportedModelError, match="holds what files cannot"):
            write(programme)
    with pytest.raises(UnsupportedModelError, match="group_names"):
        save_programme(made_in_python().replace(group_names={"a": " blank ", "b": "b"}), tmp_path / "blank")
    assert not (tmp_path / "blank").exists()


def test_no_label_becomes_a_formula() -> None:
    programme = with_chain().replace(name="=1+1", group_names={"a": "@SUM(A1)", "b": "+44"})
    book = openpyxl.load_workbook(io.BytesIO(workbook_bytes(programme)))
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert not [cell.coordinate for cell in cells if cell.data_type == "f"]
    opening = [cell for cell in cells if isinstance(cell.value, str) and cell.value[:1] in "=+-@"]
    assert {"=1+1", "@SUM(A1)", "+44", "=Prime", "-Charity", "@Firm"} <= {cell.value for cell in opening}
    assert all(cell.quotePrefix for cell in opening)
    texts = "\n".join(folder_texts(programme).values())
    assert "'@SUM(A1)" in texts
    assert not [part for line in texts.splitlines() for part in line.split(",") if part[:1] in ("=", "@", "+")]


LABELS = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")), min_size=1, max_size=12)


@settings(max_examples=4)
@given(LABELS, LABELS, st.floats(0, 1e12), st.floats(1e-9, 0.5))
@example("=1+1", "'=1+1", 1e-300, 1 / 3)
@example("<script>", "a,\"b';", 1e15, 0.1)
@example("007", "7e1", 5e-324, 0.25)
def test_any_label_and_any_number_survive(one: str, other: str, money: float, rate: float) -> None:
    names = {"a": one.strip() or "x", "b": other.strip() or "y"}
    people = Caseload(["a", "b"], [1.0, 3.0], rate, min(2 * rate, 1.0), 600)
    programme = Programme(names["a"], people, Tariff(["a", "b"], 0, money), group_names=names)
    folder_texts(programme)  # both read back what they wrote, and raise unless it is the same
    workbook_bytes(programme)
