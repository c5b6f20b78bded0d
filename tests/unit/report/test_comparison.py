"""Comparisons: the same numbers on the screen, in frames, in JSON and in files."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from pbr_opt import Budget, Caseload, InvalidInputError, Parked, Programme, Tariff, compare, evaluate, load, optimise
from pbr_opt.analysis.assumptions import AssumptionTrials, Conclusion, conclusions, swings, try_assumptions
from pbr_opt.errors import OutputError
from pbr_opt.programmes.content import content_hash
from pbr_opt.report.comparison import Comparison

PEOPLE = Caseload(["a", "a", "b"], [100, 100, 50], [0.12, 0.02, 0.05], [0.42, 0.10, 0.2], 600)
PROGRAMME = Programme("Example 2011", PEOPLE, Tariff(["a", "b"], 400, [4000, 3000]), outcome_value_gbp=9000)


def compared() -> Comparison:
    """Return a tariff beside the best one for its money."""
    design = optimise(PROGRAMME, minimise=Parked(), limits=[Budget(evaluate(PROGRAMME).spend_gbp)])
    return compare(PROGRAMME, {"today": PROGRAMME.tariff, "better": design})


def test_the_metrics_frame_is_tidy_and_says_what_evaluations_say() -> None:
    frame = compared().to_frame()
    assert list(frame.columns) == ["tariff", "metric", "value", "unit"]
    today = frame[frame.tariff == "today"].set_index("metric").value
    metrics = evaluate(PROGRAMME).metrics
    assert today["spend_gbp"] == metrics.spend_gbp
    assert today["parked_share"] == metrics.parked_share


def test_frames_of_groups_and_prices_have_a_row_for_each_tariff_and_group() -> None:
    result = compared()
    assert len(result.to_frame("groups")) == len(result.to_frame("prices")) == 4
    with pytest.raises(InvalidInputError, match="did you mean 'prices'"):
        result.to_frame("price")


def test_the_screen_shows_both_tariffs_the_proof_and_who_is_left_out() -> None:
    text = str(compared())
    assert "today" in text
    assert "better: least people parked within Budget(" in text
    assert "optimal (gap 0e+00)" in text
    assert max(len(line) for line in text.splitlines()) <= 130


def test_groups_without_a_price_are_named() -> None:
    design = optimise(PROGRAMME, minimise=Parked(), limits=[Budget(100_000)])
    assert "nobody is helped in: a, b" in str(compare(PROGRAMME, {"today": PROGRAMME.tariff, "nothing": design}))


def test_all_faults_of_a_comparison_come_at_once() -> None:
    wrong = {"other": Tariff(["a", "c"], 0, 1), "word": "cheap"}
    with pytest.raises(InvalidInputError) as caught:
        compare(PROGRAMME, wrong)  # type: ignore[arg-type]
    assert len(caught.value.faults) == 3
    with pytest.raises(InvalidInputError, match="at least one tariff"):
        compare(PROGRAMME, {})


def test_saved_files_are_whole_and_hashed(tmp_path: Path) -> None:
    written = compared().save(tmp_path / "new" / "results", {"command": "test"})
    assert {path.name for path in written} == {
        "metrics.csv",
        "groups.csv",
        "prices.csv",
        "assumptions.csv",
        "comparison.txt",
        "results.xlsx",
        "programme.toml",
        "segments.csv",
        "tariff.csv",
        "figures.csv",
        "run.json",
    }
    record = json.loads((tmp_path / "new" / "results" / "run.json").read_text(encoding="utf-8"))
    assert record["settings"] == {"command": "test"}
    folder = tmp_path / "new" / "results"
    assert set(record["files_sha256"]) == {path.relative_to(folder).as_posix() for path in written} - {"run.json"}
    hashes = record["inputs_sha256"]["tariffs"]
    assert hashes["today"] != hashes["better"]
    assert record["inputs_sha256"]["programme"] == content_hash(PROGRAMME)
    assert record["tariffs"]["better"]["design"]["status"] == "optimal"
    assert record["versions"]["numpy"]


def test_nothing_is_written_above_a_folder_that_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is above may be another disk (a mounted one), or belong to somebody else (a home)."""
    (tmp_path / "there").mkdir()
    real, seen = os.replace, list[Path]()

    def watched(source: Path, target: Path) -> None:
        seen.append(source)
        real(source, target)

    monkeypatch.setattr(os, "replace", watched)
    compared().save(tmp_path / "there")
    assert seen
    assert all((tmp_path / "there") in source.parents for source in seen)
    assert not list((tmp_path / "there").glob(".pbr-*"))
    assert [path.name for path in tmp_path.iterdir()] == ["there"]


def test_a_folder_that_cannot_be_made_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    with pytest.raises(OutputError, match="try another --out"):
        compared().save(tmp_path / "file")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_text(encoding="utf-8") == "in the way"


def test_conclusions_say_when_they_rest_on_assumptions() -> None:
    firm, shaky = Conclusion("it holds", 10, ()), Conclusion("it may hold", 10, ("a = 1", "b = 2"))
    assert not firm.rests_on_assumptions
    text = str(compared().with_trials(AssumptionTrials((firm, shaky))))
    assert "it holds: in all of 10 worlds tried." in text
    assert "RESTS ON ASSUMPTIONS, false in 2 of 10 worlds: a = 1, b = 2." in text


def test_the_register_is_ranked_wherever_it_is_written_once_assumptions_were_tried() -> None:
    programme = load("restart_2021")
    tariffs = {"2021": programme.tariff, "dear": programme.tariff.at_price(1.5 * programme.tariff.price_gbp)}
    found = try_assumptions(programme, tariffs)
    assert found.to_frame().equals(swings(programme, tariffs["dear"]))
    assert found.conclusions == conclusions(programme, tariffs)
    plain = compare(programme, tariffs)
    ranked = plain.with_trials(found)
    first = found.swings[0].figure.id
    table = ranked.tables()["Assumptions"].set_index("id")
    assert table["rank"][first] == 1
    assert table["swing"][first] == found.swings[0].length
    written = str(ranked.files()["assumptions.csv"]).splitlines()
    assert written[0].split(",")[9] == "rank"
    assert written[1].startswith(first)
    recorded = ranked.to_dict()["assumptions"]
    assert isinstance(recorded, list)
    assert (recorded[0]["id"], recorded[0]["rank"]) == (first, 1)
    unranked = plain.to_dict()["assumptions"]
    assert isinstance(unranked, list)
    assert all(row["rank"] is None for row in unranked)
