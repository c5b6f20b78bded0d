"""Records: a folder of results verifies, and one changed byte anywhere does not."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from pbr_opt import (
    Budget,
    DesignSettings,
    FirstPoundLoss,
    InvalidInputError,
    Parked,
    PriceRange,
    compare,
    evaluate,
    frontier,
    load,
    optimise,
)
from pbr_opt.analysis.assumptions import try_assumptions
from pbr_opt.report.frontiers import save_frontier
from pbr_opt.report.records import sealed, unsealed
from pbr_opt.report.verification import verify
from tests.unit.report.test_comparison import PROGRAMME, compared


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of results that is as it was written."""
    folder = tmp_path_factory.mktemp("verify") / "results"
    compared().save(folder, {"command": "test"})
    return folder


def test_results_verify_and_every_number_comes_out_again(results: Path) -> None:
    verdict = verify(results)
    assert verdict.passed, verdict
    assert verdict.largest_difference == 0.0
    assert verdict.numbers > 50
    assert verdict.files == len([path for path in results.rglob("*") if path.is_file()])
    assert str(verdict).endswith("largest difference 0.0e+00")


def _files() -> list[str]:
    """Return what results consist of."""
    return [*compared().files(), "inputs/programme.toml", "inputs/tariff.csv", "inputs/segments.csv",
            "inputs/groups.csv", "inputs/figures.csv", "run.json"]  # fmt: skip


def test_the_list_of_files_is_complete(results: Path) -> None:
    assert set(_files()) == {path.relative_to(results).as_posix() for path in results.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", _files())
def test_one_changed_byte_anywhere_fails(name: str, results: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(results, tmp_path / "copy"))
    data = (folder / name).read_bytes()
    for at in sorted({0, len(data) // 3, len(data) // 2, len(data) - 1}):
        changed = data[:at] + bytes([data[at] ^ 0x01]) + data[at + 1 :]
        (folder / name).write_bytes(changed)
        verdict = verify(folder)
        assert not verdict.passed, f"byte {at} of {name}"
        assert name in verdict.failures[0]
    (folder / name).unlink()
    if name == "run.json":
        with pytest.raises(InvalidInputError, match="a folder of results"):
            verify(folder)
    else:
        assert verify(folder).failures == (f"{name} is missing",)


@pytest.mark.parametrize(
    "change", [lambda text: text + "\n", lambda text: text.replace(" ", "  ", 1), lambda text: "{}"]
)
def test_a_record_written_anew_is_not_the_record(change: object, results: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(results, tmp_path / "copy"))
    text = (folder / "run.json").read_text(encoding="utf-8")
    (folder / "run.json").write_text(change(text), encoding="utf-8")  # type: ignore[operator]  # functions of one form
    assert not verify(folder).passed


def _resealed(folder: Path, path: Sequence[str | int], value: object) -> None:
    """Forge a record: change one entry and seal it again."""
    record = unsealed((folder / "run.json").read_text(encoding="utf-8"))
    assert record is not None
    part: Any = record
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = value
    (folder / "run.json").write_text(sealed(record), encoding="utf-8")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["tariffs", "better", "metrics", "parked_share"], 0.123),
        (["tariffs", "today", "metrics", "spend_gbp"], 1.0),
        (["tariffs", "better", "design", "bound"], 0.0),
        (["tariffs", "better", "design", "status"], "proved"),
        (["inputs_sha256", "programme"], "0" * 64),
        (["participants"], 251.0),
    ],
)
def test_a_forged_number_is_found_by_running_again(
    path: list[str], value: object, results: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(results, tmp_path / "copy"))
    _resealed(folder, path, value)
    verdict = verify(folder)
    assert not verdict.passed
    assert verdict.largest_difference > 1e-9


def test_files_beside_the_record_are_mentioned(results: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(results, tmp_path / "copy"))
    (folder / "minutes.txt").write_text("of a meeting", encoding="utf-8")
    verdict = verify(folder)
    assert verdict.passed
    assert verdict.notes == ("minutes.txt is not part of the record",)


def test_conclusions_and_solvers_are_run_again(tmp_path: Path) -> None:
    programme = load("restart_2021")
    group = programme.caseload.groups[0]
    spend = evaluate(programme).spend_gbp
    design = optimise(programme, minimise=Parked(), limits=[Budget(spend), PriceRange(0, {group: 15_000})])
    tariffs = {"2011": programme.tariff, "better": design.tariff}
    result = compare(programme, {"2011": programme.tariff, "better": design})
    result.with_trials(try_assumptions(programme, tariffs)).save(tmp_path / "results")
    verdict = verify(tmp_path / "results")
    assert verdict.passed, verdict
    record = json.loads((tmp_path / "results" / "run.json").read_text(encoding="utf-8"))
    assert record["tariffs"]["better"]["design"]["asked"]["highest"] == f"{group}=15000.0"
    assert record["conclusions"]


def test_a_design_by_a_solver_is_recorded_with_its_bound(tmp_path: Path) -> None:
    settings = DesignSettings(method="convex")
    design = optimise(PROGRAMME, minimise=FirstPoundLoss(), limits=[Budget(150_000)], settings=settings)
    compare(PROGRAMME, {"today": PROGRAMME.tariff, "better": design}).save(tmp_path / "results")
    record = json.loads((tmp_path / "results" / "run.json").read_text(encoding="utf-8"))
    answer = record["tariffs"]["better"]["design"]
    assert answer["bound"] <= answer["value"]
    assert "CLARABEL" in answer["method"]
    verdict = verify(tmp_path / "results")
    assert "another method" in str(verdict)
    assert verdict.passed, verdict


def test_a_frontier_is_traced_again(tmp_path: Path) -> None:
    line = frontier(PROGRAMME, minimise=Parked(), budgets_gbp=[1, 2e5, 3e5], limits=[PriceRange(1, 9000)])
    assert line.too_small_gbp.tolist() == [1.0]
    save_frontier(line, tmp_path / "results", {"command": "test"})
    verdict = verify(tmp_path / "results")
    assert verdict.passed, verdict
    assert verdict.numbers > 15
    _resealed(tmp_path / "results", ["frontier", "rows", 1, "objective"], 0.5)
    (failure,) = verify(tmp_path / "results").failures
    assert failure.startswith("frontier/rows/1/objective: differs by")


def test_a_frontier_that_has_no_words_is_hashed_alone(tmp_path: Path) -> None:
    save_frontier(frontier(PROGRAMME, minimise=2 * Parked(), budgets_gbp=[2e5]), tmp_path / "results")
    verdict = verify(tmp_path / "results")
    assert verdict.passed, verdict
    assert "cannot be written as text" in verdict.notes[0]


def test_the_seed_of_a_report_is_in_the_record(tmp_path: Path) -> None:
    compare(PROGRAMME, {"today": PROGRAMME.tariff}).save(tmp_path / "results", report=True)
    record = json.loads((tmp_path / "results" / "run.json").read_text(encoding="utf-8"))
    assert record["seed"] == 0
    assert "report.html" in record["seed_note"]
    assert verify(tmp_path / "results").passed
