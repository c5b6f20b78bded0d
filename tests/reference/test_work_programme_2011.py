"""The 2011 Work Programme as data: it agrees with what was published, and says of every number how well it is known."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import numpy as np
import pytest

import pbr_opt.programmes
from pbr_opt import InvalidInputError, Programme, evaluate, load
from pbr_opt.analysis.calibration import derive_caseload, vary
from pbr_opt.programmes.facts import load_facts, load_priors
from pbr_opt.quantities import FloatArray

ROOT: Final = Path(__file__).resolve().parents[2]
SCRIPT: Final = ROOT / "experiments" / "derive_work_programme_2011.py"
FOLDER: Final = Path(next(iter(pbr_opt.programmes.__path__))) / "work_programme_2011"
GROUPS: Final = tuple("123456789")
MODEL_READS_NOT: Final = "evidence/"

PUBLISHED_RATE: Final = {"1": 0.364, "2": 0.317, "6": 0.151, "7": 0.054}
"""Two-year outcome rates to December 2017 (Learning and Work Institute, Work Programme statistics to December 2017)."""

PUBLISHED_TOTAL: Final = {"1": 3810, "2": 4395, "3": 6600, "4": 6600, "5": 3700, "7": 13720}
"""Most that one participant could bring, GBP (Work and Pensions Committee, HC 162, 2013, Table 3; for group 7 the press
copy of the Department's release of 27 November 2012)."""

WANTED_FIT: Final = 0.005
"""Half a percentage point: what the model has to reproduce."""

FIT: Final = 1e-6
"""What it does reproduce: segments are written with ten significant digits."""


@pytest.fixture(scope="module")
def programme() -> Programme:
    """Return the bundled programme."""
    return load("work_programme_2011")


def _outcome_rates(programme: Programme) -> FloatArray:
    """Return the equilibrium outcome rate of each group."""
    caseload = programme.caseload
    outcomes = caseload.sum_by_group(caseload.participants * evaluate(programme).behaviour.outcome_rate)
    return outcomes / caseload.group_participants


# What was published


@pytest.mark.parametrize(("group", "published"), PUBLISHED_RATE.items())
def test_the_equilibrium_gives_the_published_outcome_rates(programme: Programme, group: str, published: float) -> None:
    rate = _outcome_rates(programme)[GROUPS.index(group)]
    assert abs(rate - published) < FIT < WANTED_FIT


def test_it_gives_the_assumed_rates_of_the_other_groups_too(programme: Programme) -> None:
    assert programme.central_case is not None
    np.testing.assert_allclose(_outcome_rates(programme), programme.central_case.observed_rate, atol=FIT)


@pytest.mark.parametrize(("group", "total"), PUBLISHED_TOTAL.items())
def test_the_cells_of_the_tariff_add_up_to_the_published_totals(programme: Programme, group: str, total: int) -> None:
    tariff = programme.tariff
    assert tariff.maximum_total_gbp[tariff.groups.index(group)] == total


def test_recalled_cells_add_up_to_the_recalled_totals(programme: Programme) -> None:
    totals = dict(zip(programme.tariff.groups, programme.tariff.maximum_total_gbp, strict=True))
    assert (totals["6"], totals["8"], totals["9"]) == (6500, 3700, 5500)


def test_sustainment_payments_of_the_young_are_the_sourced_maximum(programme: Programme) -> None:
    tariff = programme.tariff
    assert (tariff.sustainment_fee_gbp[:2] * tariff.sustainment_max[:2]).tolist() == [2210.0, 2795.0]


def test_there_are_nine_groups_and_all_who_were_referred(programme: Programme) -> None:
    assert programme.caseload.groups == programme.tariff.groups == GROUPS
    assert programme.caseload.total_participants == pytest.approx(1_950_000, rel=1e-9)


def test_groups_known_for_2012_13_have_their_share_of_that_year(programme: Programme) -> None:
    people = dict(zip(programme.caseload.groups, programme.caseload.group_participants, strict=True))
    for group, referred in {"1": 92_400, "2": 203_780, "6": 57_960}.items():
        assert people[group] / 1_950_000 == pytest.approx(referred / 516_340, rel=1e-5)
    others = sum(people[group] for group in "345789")
    assert others / 1_950_000 == pytest.approx(162_200 / 516_340, rel=1e-5)


def test_non_intervention_rates_follow_from_the_minimum_levels(programme: Programme) -> None:
    assert programme.central_case is not None
    deadweight = dict(zip(GROUPS, programme.central_case.deadweight_rate.tolist(), strict=True))
    assert deadweight["1"] == pytest.approx(0.33 / 1.1, rel=1e-9)
    assert deadweight["2"] == pytest.approx(0.275 / 1.1, rel=1e-9)
    assert 0.11 <= deadweight["6"] <= 0.15


def test_the_taper_and_the_discount_are_the_published_ones(programme: Programme) -> None:
    assert programme.terms.attachment_taper.tolist() == [1.0, 0.75, 0.5, 0.0, 0.0, 0.0]
    assert programme.terms.bid_discount == 0.06
    assert programme.terms.intake_share.sum() == pytest.approx(1.0, abs=1e-12)


def test_referrals_between_march_and_june_2013_are_left_in_the_third_year(programme: Programme) -> None:
    """1,310,000 had been referred by June 2013 (House of Commons Library), which the derivation does not use."""
    by_march_2013 = programme.terms.intake_share[:2].sum() * 1_950_000
    third_year = programme.terms.intake_share[2] * 1_950_000
    assert 0.2 < (1_310_000 - by_march_2013) / third_year < 0.4  # a quarter of a year in which intake was falling


def test_what_the_harder_to_help_cost_is_the_published_630(programme: Programme) -> None:
    caseload, behaviour = programme.caseload, evaluate(programme).behaviour
    hard = np.isin(caseload.group, list("5678"))
    support = np.average(behaviour.support_gbp[hard], weights=caseload.participants[hard])
    assert support + programme.base_service_gbp[0] == pytest.approx(630, abs=0.005)  # written to the penny


def test_the_whole_is_of_the_published_size(programme: Programme) -> None:
    """Nothing here was fitted.

    27.8 % of all had an outcome within two years; £2.2bn had been paid by 2016; attachment fees ended in 2014 and came
    to £538m.
    """
    metrics = evaluate(programme).metrics
    assert metrics.attachment_spend_gbp == pytest.approx(538e6, rel=0.05)
    assert metrics.outcomes / metrics.participants == pytest.approx(0.278, abs=0.015)
    assert metrics.spend_gbp == pytest.approx(2.2e9, rel=0.15)


def test_the_central_case_parks_the_hardest_groups_most(programme: Programme) -> None:
    """A rough prototype parked a quarter: 15 % of the large JSA groups, 45 % of new ESA, 70 % of ESA ex-IB."""
    there = evaluate(programme)
    parked = dict(zip(GROUPS, there.group_parked_share.tolist(), strict=True))
    assert 0.2 < there.metrics.parked_share < 0.3
    assert max(parked["1"], parked["2"]) < parked["6"] < parked["7"]
    assert there.certificate.holds


# How well it is known


def test_every_number_has_a_status_and_every_doubtful_one_a_range(programme: Programme) -> None:
    assert {figure.status for figure in programme.figures} == {"confirmed", "derived", "unconfirmed", "assumed"}
    for figure in programme.assumptions:
        assert figure.low is not None, figure.id
        assert figure.high is not None, figure.id
    for figure in programme.assumptions:
        if figure.status in {"assumed", "unconfirmed"}:
            assert figure.low is not None
            assert figure.high is not None
            assert figure.low < figure.high, figure.id
            assert figure.note, figure.id


def test_the_files_give_those_ranges_themselves() -> None:
    for name in ("tariff.csv", "figures.csv"):
        lines = (FOLDER / name).read_text(encoding="utf-8").splitlines()
        header, *rows = (line.split(",") for line in lines if '"' not in line)
        for row in rows:
            cells = dict(zip(header, row, strict=True))
            assert (cells["status"] == "confirmed") or (cells["low"] and cells["high"]), row


def test_every_cited_source_is_in_the_register_and_no_other(programme: Programme) -> None:
    cites = [figure.source for figure in programme.figures]
    cites += [fact.source for fact in load_facts("work_programme_2011")]
    cites += [prior.source for prior in load_priors("work_programme_2011")]
    cited = {key.strip() for cite in cites for key in cite.split(";") if key.strip()}
    assert cited == {source.key for source in programme.register}
    assert set(programme.sources()) <= set(programme.register)
    for source in programme.register:
        assert source.title
        assert source.address.startswith("http"), source.key


def test_recalled_cells_are_marked_as_such(programme: Programme) -> None:
    unconfirmed = {figure.id for figure in programme.figures if figure.status == "unconfirmed"}
    assert unconfirmed == {
        *(f"tariff/{group}/{column}" for group in "345689" for column in ("sustainment_fee_gbp", "sustainment_max")),
        *(f"tariff/{group}/outcome_fee_gbp" for group in "689"),
        *(f"tariff/{group}/attachment_fee_gbp" for group in "89"),
        "evidence/qualifying_weeks/9",
    }


def test_each_number_stands_in_one_place(programme: Programme) -> None:
    ids = [figure.id for figure in programme.figures]
    assert len(ids) == len(set(ids))


# The derivation


def _derive(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), *map(str, arguments)]
    here = os.environ | {"PYTHONPATH": str(ROOT)}  # the package of this tree, installed or not
    return subprocess.run(command, cwd=ROOT, env=here, capture_output=True, text=True, check=False)


def test_the_script_gives_the_bundled_files() -> None:
    done = _derive("--check")
    assert done.returncode == 0, done.stderr


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """Return a copy of the bundled folder."""
    return Path(shutil.copytree(FOLDER, tmp_path / "copied"))


def test_the_check_fails_when_an_input_changed(copied: Path) -> None:
    figures = copied / "figures.csv"
    figures.write_text(figures.read_text(encoding="utf-8").replace("spread,1.2,", "spread,1.3,"), encoding="utf-8")
    done = _derive("--check", "--folder", copied)
    assert done.returncode == 4
    assert "segments.csv line 2 is not what the derivation gives" in done.stderr


def test_the_script_writes_what_it_checks(copied: Path) -> None:
    (copied / "segments.csv").unlink()
    assert _derive("--folder", copied).returncode == 0
    for path in FOLDER.glob("*.csv"):
        assert (copied / path.name).read_bytes() == path.read_bytes(), path.name
    assert sorted(path.name for path in copied.iterdir()) == sorted(path.name for path in FOLDER.iterdir())


def test_the_script_says_what_is_wrong_with_its_data(copied: Path) -> None:
    (copied / "tariff.csv").unlink()
    done = _derive("--folder", copied)
    assert done.returncode == 2
    assert "tariff.csv: given no such file" in done.stderr
    assert "Traceback" not in done.stderr


def test_segments_are_what_the_central_case_gives(programme: Programme) -> None:
    assert programme.central_case is not None
    people = derive_caseload(programme.central_case, programme.tariff, programme.terms, programme.discount_rate)
    for column in ("participants", "deadweight_rate", "ceiling_rate", "response_scale_gbp", "curvature", "exit_hazard"):
        np.testing.assert_allclose(getattr(people, column), getattr(programme.caseload, column), rtol=1e-9)


def test_a_copied_folder_is_the_same_programme(programme: Programme, copied: Path) -> None:
    other = load(copied)
    assert other.tariff == programme.tariff
    assert other.figures == programme.figures
    assert other.register == programme.register
    assert other.central_case == programme.central_case
    assert evaluate(other).metrics == evaluate(programme).metrics


# Other inputs


def test_every_assumption_can_be_set_to_either_end_of_its_range(programme: Programme) -> None:
    for figure in programme.assumptions:
        if figure.id.startswith(MODEL_READS_NOT):
            continue
        for value in figure.range:
            varied = vary(programme, figure.id, value)
            assert varied.central_case is not None
            np.testing.assert_allclose(_outcome_rates(varied), varied.central_case.observed_rate, atol=FIT)


def test_wider_spread_and_dearer_support_park_more(programme: Programme) -> None:
    parked = {value: evaluate(vary(programme, "spread", value)).metrics.parked_share for value in (0.8, 1.2, 1.6)}
    assert parked[0.8] < parked[1.2] < parked[1.6]
    parked = {
        value: evaluate(vary(programme, "response_scale_gbp", value)).metrics.parked_share for value in (150, 500)
    }
    assert parked[150] < parked[500]


def test_a_deadweight_above_the_observed_rate_cannot_be_tried(programme: Programme) -> None:
    with pytest.raises(InvalidInputError, match=r"observed_rate \(group '6'\)"):
        vary(programme, "deadweight_rate/6", 0.2)
