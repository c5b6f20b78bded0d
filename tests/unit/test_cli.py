"""The command line: what it prints where, and how it ends."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pbr_opt import load
from pbr_opt.errors import SolverError
from pbr_opt.programmes.content import content_hash
from pbr_opt.programmes.terms import term_names
from pbr_opt.report.progress import with_progress
from tests.command_line import run

NAME = "work_programme_2011"
_AIMS = ("minimise", "maximise")


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
    assert (tmp_path / "results" / "report.html").is_file()
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


def test_optimise_says_what_each_limit_costs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ("--limit-costs", "--step", "100", "--highest", "15000")
    assert run(monkeypatch, "optimise", NAME, *asked) == 0
    head, *rows = capsys.readouterr().out.splitlines()
    assert head.startswith("limit,binds,objective_without")
    assert [row.strip('"').split("(")[0] for row in rows] == ["Budget", "PriceRange", "PriceStep"]
    assert run(monkeypatch, "optimise", NAME, *asked, "--json") == 0
    answer = json.loads(capsys.readouterr().out)
    for row in answer["limit_costs"]:
        assert row["cost"] == pytest.approx(answer["value"] - row["objective_without"])
        assert row["cost"] >= 0
    assert [row["per_pound"] is None for row in answer["limit_costs"]] == [False, True, True]


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
    assert run(monkeypatch, "frontier", NAME, "--step", "0", "--budgets", "1e6;2.4e9", "--json") == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["too_small_gbp"] == [1e6]
    assert json.loads(out)["least_budget_gbp"] > 1e6
    assert [row["budget_gbp"] for row in json.loads(out)["frontier"]] == [2.4e9]
    assert "Too small for any tariff" in err
    assert "£1,000,000.00" in err


def test_programmes_sources_and_evaluate(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, "programmes") == 0
    assert NAME in capsys.readouterr().out.splitlines()
    assert run(monkeypatch, "sources", NAME) == 0
    listed = capsys.readouterr().out
    assert "WPC162_CH5" in listed
    assert "(assumed; 150 to 500)" in listed
    assert run(monkeypatch, "evaluate", NAME) == 0
    assert "Additional outcomes" in capsys.readouterr().out


def test_a_template_is_checked_run_and_verified(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    book = tmp_path / "mine.xlsx"
    assert run(monkeypatch, "template", str(book)) == 0
    assert run(monkeypatch, "template", str(book)) == 2
    assert "exists already" in capsys.readouterr().err
    assert run(monkeypatch, "check", str(book)) == 0
    assert "no errors" in capsys.readouterr().out
    assert run(monkeypatch, "run", str(book), "--step", "50", "--no-report") == 0
    assert "PriceStep(£50)" in capsys.readouterr().out
    results = tmp_path / "mine results"
    record = json.loads((results / "run.json").read_text(encoding="utf-8"))
    assert record["settings"]["asked"] == {"minimise": "parked", "step": "50", "highest": "20000"}
    assert run(monkeypatch, "verify", str(results)) == 0
    assert capsys.readouterr().out.startswith("PASS")
    (results / "results.xlsx").write_bytes(b"PK")
    assert run(monkeypatch, "verify", str(results)) == 4
    out, err = capsys.readouterr()
    assert "FAIL" in out
    assert "results.xlsx is not as it was written" in err


def test_without_what_draws_a_report_the_rest_is_written(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "jinja2", None)
    assert run(monkeypatch, "compare", "worked_example", "--out", str(tmp_path / "results")) == 0
    assert "No report.html: A report needs Jinja2: pip install 'pbr_opt[report]'" in capsys.readouterr().err
    assert (tmp_path / "results" / "run.json").is_file()
    assert not (tmp_path / "results" / "report.html").exists()


def test_a_folder_says_the_same_as_its_workbook(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    answers = []
    for name in ("same.xlsx", "same"):
        assert run(monkeypatch, "template", str(tmp_path / name), "--from", NAME) == 0
        assert run(monkeypatch, "check", str(tmp_path / name), "--json") == 0
        answers.append(json.loads(capsys.readouterr().out))
    assert answers[0]["content_sha256"] == answers[1]["content_sha256"] == content_hash(load(NAME))


def test_check_lists_faults_for_machines_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "programme.toml").write_text("name = 3", encoding="utf-8")
    assert run(monkeypatch, "check", str(tmp_path), "--json") == 2
    told = json.loads(capsys.readouterr().out)
    assert {error["place"] for error in told["errors"]} >= {"programme.toml, name", "tariff.csv"}


def test_selftest_notices_an_installation_that_computes_something_else(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("pbr_opt.report.selftest.piece_rate_threshold_gbp", lambda response: response.deadweight_rate)
    monkeypatch.setattr("pbr_opt.report.selftest.optimise", _broken)
    assert run(monkeypatch, "selftest", "--json") == 4
    told = json.loads(capsys.readouterr().out)
    assert [check["name"] for check in told["checks"] if check["trouble"]] == ["designs", "baseline"]
    assert not told["passed"]


def _broken(*arguments: object, **options: object) -> None:
    raise SolverError("no solver today")


def test_progress_is_for_terminals(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def counted(tick: Callable[[int, int], None]) -> str:
        tick(1, 2)
        return "done"

    assert with_progress("Working", counted) == "done"
    assert capsys.readouterr() == ("", "")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert with_progress("Working", counted) == "done"


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
    assert {name for name in record["files_sha256"] if not name.startswith("inputs/")} == {
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


@pytest.mark.parametrize(
    "command",
    [
        ["evaluate", "worked_example"],
        ["optimise", "worked_example", "--step", "50"],
        ["frontier", "worked_example", "--step", "0", "--budgets", "3e8;4e8"],
        ["simulate", "worked_example", "--participants", "2000", "--replications", "2", "--seed", "5"],
        ["worlds", NAME, "--draws", "4096", "--seed", "7"],
    ],
)
def test_what_is_written_verifies(
    command: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run(monkeypatch, *command, "--out", str(tmp_path / "results")) == 0
    assert "run.json" in capsys.readouterr().err
    assert run(monkeypatch, "verify", str(tmp_path / "results")) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("PASS")
    record = json.loads((tmp_path / "results" / "run.json").read_text(encoding="utf-8"))
    assert record["settings"]["command"] == command[0]
    assert record["seed"] == (int(command[-1]) if "--seed" in command else None)
