"""The command line: what it prints where, and how it ends."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from pbr_opt import cli
from pbr_opt.programmes.questions import term_names

NAME = "work_programme_2011"
_AIMS = ("minimise", "maximise")


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Run the command line in this process and return its exit code."""
    monkeypatch.setattr(sys, "argv", ["pbr-opt", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return int(ended.value.code or 0)


def test_compare_prints_one_screen(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, "compare", NAME, "--no-assumptions") == 0
    out, err = capsys.readouterr()
    assert err == ""
    for word in ("2011 tariff", "optimised", "Parked", "Windfall", "Worst-served", "optimal"):
        assert word in out
    assert len(out.splitlines()) <= 45


def test_compare_says_what_rests_on_assumptions(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "compare", NAME, "--json") == 0
    answer = json.loads(capsys.readouterr().out)
    texts = [item["text"] for item in answer["conclusions"]]
    assert "'optimised' parks fewer people than '2011 tariff'" in texts
    assert all(item["tried"] > 50 for item in answer["conclusions"])
    assert {item["status"] for item in answer["assumptions"]} == {"derived", "unconfirmed", "assumed"}


def test_out_writes_records(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run(monkeypatch, "compare", NAME, "--no-assumptions", "--out", str(tmp_path / "results")) == 0
    assert "run.json" in capsys.readouterr().err
    record = json.loads((tmp_path / "results" / "run.json").read_text(encoding="utf-8"))
    assert record["settings"]["programme"] == NAME


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["compare", "work_program_2011"], 2, "work_programme_2011"),
        (["compare", NAME, "--budget", "1000"], 3, "the budget is £1,000.00"),
        (["compare", NAME, "--budget", "-5"], 2, "at least 0"),
        (["compare", NAME, "--lowest", "9000", "--highest", "8000"], 2, "a lower at most the upper"),
        (["compare", NAME, "--step", "0.001"], 2, "--step: given 0.001"),
        (["optimise", NAME, "--budget", "1000"], 3, "Try a budget of at least"),
        (["optimise", NAME, "--minimise", "parkd"], 2, "did you mean 'parked'?"),
        (["frontier", NAME, "--budgets", "lots"], 2, "lowest:highest:how many"),
        (["compair", NAME], 2, "Did you mean 'compare'?"),
        (["compare", NAME, "--bugdet", "5"], 2, "--budget"),
    ],
)
def test_bad_input_ends_with_one_message_and_its_code(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    code: int,
    message: str,
) -> None:
    assert run(monkeypatch, *arguments) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    assert "Traceback" not in err


def test_an_output_folder_that_is_a_file_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert run(monkeypatch, "compare", NAME, "--no-assumptions", "--out", str(tmp_path / "file")) == 2
    out, err = capsys.readouterr()
    assert "Cannot write results" in err
    assert out == ""


def test_optimise_prints_a_rate_card_that_can_be_piped(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "optimise", NAME, "--minimise", "first-pound-loss") == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[0].startswith("group,attachment_fee_gbp")
    assert len(out.splitlines()) == 10
    assert "optimal" in err


def test_every_limit_is_an_option(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, "optimise", "--help") == 0
    shown = capsys.readouterr().out
    assert [name for name in (*_AIMS, *term_names()) if f"--{name} " not in shown] == []


def test_optimise_and_frontier_print_json_for_machines(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "optimise", NAME, "--json", "--step", "100") == 0
    out, err = capsys.readouterr()
    answer = json.loads(out)
    assert err == ""
    assert answer["status"] == "optimal"
    assert len(answer["prices"]) == 9
    assert run(monkeypatch, "frontier", NAME, "--step", "0", "--budgets", "2e9:2.4e9:3", "--json") == 0
    rows = json.loads(capsys.readouterr().out)["frontier"]
    assert [row["budget_gbp"] for row in rows] == [2e9, 2.2e9, 2.4e9]


def test_programmes_sources_and_evaluate(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, "programmes") == 0
    assert NAME in capsys.readouterr().out.splitlines()
    assert run(monkeypatch, "sources", NAME) == 0
    listed = capsys.readouterr().out
    assert "WPC162_CH5" in listed
    assert "(assumed; 150 to 500)" in listed
    assert run(monkeypatch, "evaluate", NAME) == 0
    assert "Additional outcomes" in capsys.readouterr().out


def test_draw_writes_a_picture_of_one_area(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    picture = tmp_path / "chain.svg"
    assert run(monkeypatch, "draw", f"{NAME}_chain", "--area", "North East", "--out", str(picture)) == 0
    assert picture.read_text(encoding="utf-8").startswith("<svg")
    assert run(monkeypatch, "draw", NAME, "--out", str(picture)) == 2


def test_the_module_runs_as_a_program() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pbr_opt.cli", "compare", "nowhere"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_simulate_prints_tiers_and_whether_the_closed_forms_agree(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "simulate", NAME, "--participants", "5000", "--replications", "3") == 0
    out, err = capsys.readouterr()
    assert err == ""
    for word in ("5,000 participants", "P10", "P90", "peak working capital", "never claimed", "agree"):
        assert word in out


def test_simulate_writes_tables_and_every_payment(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    options = ("--participants", "2000", "--replications", "2", "--seed", "5", "--ledger", "--json")
    assert run(monkeypatch, "simulate", NAME, *options, "--out", str(tmp_path / "played")) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["agreement"]["holds"]
    folder = tmp_path / "played"
    record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    assert record["seed"] == 5
    assert set(record["files_sha256"]) == {
        f"{name}.csv" for name in ("groups", "agents", "tiers", "cash", "agreement", "ledger")
    }
    header, *payments = (folder / "ledger.csv").read_text(encoding="utf-8").splitlines()
    assert header.split(",") == ["kind", "week", "month", "participant", "group", "payer", "payee", "amount_gbp"]
    assert len(payments) > 2000


def test_simulate_refuses_what_it_does_not_know(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "simulate", NAME, "--reentry", "closed_forms") == 2
    assert "did you mean 'closed_form'" in capsys.readouterr().err
