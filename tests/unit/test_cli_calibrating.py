"""The command ``calibrate``: what it prints, what it writes, what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from pbr_opt.programmes.registry import load
from pbr_opt.report.estimated import calibrate
from tests.command_line import run

NAME = "peterborough_2010"


def test_calibrate_says_first_what_is_not_identified_and_writes_its_tables(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run(monkeypatch, "calibrate", NAME, "--out", str(tmp_path)) == 0
    out, err = capsys.readouterr()
    assert "not identified: response_scale_gbp" in out.splitlines()[1].replace("  ", " ")
    for words in ("e <= x (P - p0)", "81 of 81", "Facts: 1; unknowns: 5", "90.0 % interval"):
        assert words in out
    assert max(len(line) for line in out.splitlines()) <= 120
    assert "run.json" in err
    table = pd.read_csv(tmp_path / "unknowns.csv")
    assert set(table["verdict"]) == {"not identified"}
    assert run(monkeypatch, "verify", str(tmp_path)) == 0
    assert "PASS" in capsys.readouterr().out
    record = json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))
    assert record["settings"]["command"] == "calibrate"


def test_calibrate_prints_json_with_the_same_numbers(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("--json", "--level", "0.5", "--price-change", "0.1", "--points", "2", "--segments", "20")
    assert run(monkeypatch, "calibrate", NAME, *arguments) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["estimate"]["level"], told["price_change"]) == (0.5, 0.1)
    assert {row["tried"] for row in told["identified_set"]} == {16}
    assert told["bounds"][0]["most_support_gbp"] > 0.0


def test_where_nothing_was_published_nothing_is_estimated() -> None:
    there = calibrate(load("restart_2021"), points=2)
    assert there.estimate is None
    assert "no rate was published" in str(there)
    assert there.to_dict()["estimate"] is None
    assert sorted(name for name in there.files() if "/" not in name) == ["bounds.csv", "identified_set.csv"]


def test_a_chain_and_wrong_options_are_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "calibrate", "work_programme_2011_chain") == 2
    assert "supply_chain=None" in capsys.readouterr().err
    assert run(monkeypatch, "calibrate", NAME, "--level", "90") == 2
    assert "level" in capsys.readouterr().err
