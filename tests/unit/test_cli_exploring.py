"""The commands about evidence: what they print, what they write, how they go on after a stop."""

from __future__ import annotations

import json
import shutil
from importlib.resources import files
from pathlib import Path

import pandas as pd
import pytest

from tests.command_line import run

NAME = "work_programme_2011"
FEW = ("--draws", "4096")


def test_worlds_print_a_screen_and_write_their_tables(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run(monkeypatch, "worlds", NAME, *FEW, "--out", str(tmp_path / "out")) == 0
    out, err = capsys.readouterr()
    for words in (
        "of 4,096 worlds",
        "P10",
        "outcome_rate/1",
        "'optimised' parks fewer people than '2011 tariff'",
        "Regret",
    ):
        assert words in out
    assert max(len(line) for line in out.splitlines()) <= 120
    assert "run.json" in err
    worlds = pd.read_csv(tmp_path / "out" / "worlds.csv")
    assert f"{len(worlds)} of 4,096 worlds" in out
    record = json.loads((tmp_path / "out" / "run.json").read_text(encoding="utf-8"))
    assert (record["seed"], record["settings"]["draws"]) == (2011, 4096)


def test_worlds_go_on_in_a_store_and_say_the_same(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    told = []
    for draws in ("2048", "4096", "4096"):
        arguments = ("--draws", draws, "--store", str(tmp_path), "--chunk", "1024", "--no-design", "--json")
        assert run(monkeypatch, "worlds", NAME, *arguments) == 0
        told.append(json.loads(capsys.readouterr().out))
    assert told[1] == told[2]
    assert told[0]["draws"] == 2048
    assert len(list(tmp_path.glob("*/*.json"))) == 4
    assert run(monkeypatch, "worlds", NAME, *FEW, "--no-design", "--json") == 0
    assert json.loads(capsys.readouterr().out) == told[2]


def test_worlds_that_nothing_excludes_and_few_worlds_are_called_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    own = tmp_path / "own"
    shutil.copytree(str(files("pbr_opt") / "programmes" / NAME), own)
    (own / "facts.csv").unlink()
    assert run(monkeypatch, "worlds", str(own), "--draws", "16", "--no-design") == 0
    out = capsys.readouterr().out
    for words in ("16 of 16 worlds", "draw more", "No fact excludes any"):
        assert words in out
    assert "What excluded worlds" not in out


def test_whoever_stops_a_sweep_is_told_where_it_goes_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("pbr_opt.analysis.worlds.plausible_worlds", stopped)
    assert run(monkeypatch, "worlds", NAME, *FEW, "--store", str(tmp_path)) == 130
    assert f"What was finished is in {tmp_path}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("report", NAME, "--robust", "3"), "--worlds"),
        (("report", f"{NAME}_chain", "--robust", "3", "--worlds", "64"), "supply chain"),
        (("worlds", f"{NAME}_chain", "--robust", "3"), "supply chain"),
        (("worlds", NAME, "--robust", "3", "--tail", "3"), "tail"),
        (("worlds", NAME, "--budget", "2e9"), "--robust"),
    ],
)
def test_designs_that_cannot_be_are_refused_before_anything_is_drawn(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], word: str
) -> None:
    monkeypatch.setattr("pbr_opt.analysis.worlds.plausible_worlds", None)
    monkeypatch.setattr("pbr_opt.cli.pages.answered", None)
    assert run(monkeypatch, *arguments) == 2
    assert word in capsys.readouterr().err


def test_worlds_are_designed_for_and_the_record_verifies(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    asked = ("--robust", "4", "--tail", "0.25", "--budget", "2.3e9", "--out", str(folder))
    assert run(monkeypatch, "worlds", NAME, *FEW, *asked) == 0
    out = capsys.readouterr().out
    for words in ("Designed for 4 of the", "robust: dearest 25 %", "knowing the world", "not knowing costs", "P10"):
        assert words in out
    assert max(len(line) for line in out.splitlines()) <= 125
    best = pd.read_csv(folder / "best_in_hindsight.csv")
    assert len(best) == 4
    prices = pd.read_csv(folder / "robust_prices.csv")
    assert prices["p50_gbp"].tolist() == [sorted(best[f"price_gbp/{group}"])[1] for group in prices["group"]]
    record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    assert record["across_worlds"]["designs"]["budget_gbp"] == 2.3e9
    assert run(monkeypatch, "verify", str(folder)) == 0
    assert "PASS" in capsys.readouterr().out


def test_worlds_of_a_programme_without_priors_say_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "worlds", "restart_2021") == 2
    assert "uplift" in capsys.readouterr().err


def test_an_unknown_executor_is_bad_input(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, "worlds", NAME, "--executor", "threads") == 2
    assert "Dask scheduler" in capsys.readouterr().err


def test_the_scoreboard_counts_its_verdicts(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "scoreboard", NAME) == 0
    assert "Out of sample: " in capsys.readouterr().out
    assert run(monkeypatch, "scoreboard", NAME, *FEW, "--json") == 0
    facts = json.loads(capsys.readouterr().out)["facts"]
    assert {"p10", "p50", "p90", "in_sample", "verdict"} <= set(facts[0])
    assert run(monkeypatch, "scoreboard", "restart_2021") == 0
    assert "no facts.csv" in capsys.readouterr().out


def test_the_register_is_printed_in_the_order_of_what_hangs_on_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "assumptions", NAME) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:2] == ["rank", "assumption"]
    assert lines[1].split()[:2] == ["1", "uplift"]
    assert run(monkeypatch, "assumptions", "restart_2021", "--json") == 0
    rows = json.loads(capsys.readouterr().out)["assumptions"]
    ranks = [row["rank"] for row in rows if row["rank"] is not None]
    assert ranks == list(range(1, len(ranks) + 1)), "without priors by swings"
    assert rows[0]["swing"] >= rows[1]["swing"] > 0.0
    assert run(monkeypatch, "assumptions", NAME, "--no-rank", "--json") == 0
    assert all(row["rank"] is None for row in json.loads(capsys.readouterr().out)["assumptions"])
    assert run(monkeypatch, "assumptions", "worked_example") == 0
    assert "None" not in capsys.readouterr().out
