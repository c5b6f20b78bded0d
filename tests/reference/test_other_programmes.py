"""The other programmes: what was published of them, and that each evaluates, optimises and can be doubted."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pbr_opt import Budget, Parked, PriceStep, Programme, evaluate, list_programmes, load, optimise
from pbr_opt.analysis.calibration import vary
from pbr_opt.market.figure_ids import EVIDENCE

ROOT = Path(__file__).resolve().parents[2]
OTHERS = sorted(set(list_programmes()) - {"work_programme_2011", "work_programme_2011_chain", "worked_example"})
ROUNDED = 1e-5
"""Fees are kept to the penny: what they add up to differs from what was published by this, relatively."""


@pytest.fixture(scope="module", params=OTHERS)
def other(request: pytest.FixtureRequest) -> Programme:
    """Return each of the other programmes."""
    return load(request.param)


def test_the_files_are_what_the_derivation_gives() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", str(ROOT / "experiments" / "derive_other_programmes.py"), "--check"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].startswith("verdict: holds")


def test_no_number_is_confirmed_without_a_source_and_no_assumption_lacks_a_range(other: Programme) -> None:
    for figure in other.figures:
        assert figure.source or figure.status in ("assumed", "unconfirmed"), figure.id
        low, high = figure.range
        derived_by_the_model = "derive_other_programmes.py" in figure.note
        assert low < high or figure.rests_on_a_source or derived_by_the_model, figure.id


def test_it_evaluates_with_a_certificate_and_is_improved_with_proof(other: Programme) -> None:
    base = evaluate(other)
    assert base.certificate.holds
    design = optimise(other, minimise=Parked(), limits=[Budget(base.spend_gbp), PriceStep(5)])
    assert design.status == "optimal"
    assert design.evaluation.metrics.parked_share <= base.metrics.parked_share


def test_every_assumption_can_be_set_to_either_end_of_its_range(other: Programme) -> None:
    for figure in other.assumptions:
        if not figure.id.startswith(EVIDENCE):
            for value in figure.range:
                assert evaluate(vary(other, figure.id, value)).spend_gbp > 0.0


def test_troubled_families_pays_what_was_published_for_five_families_of_six() -> None:
    tariff = load("troubled_families_2012").tariff
    assert (tariff.attachment_fee_gbp + tariff.outcome_fee_gbp).tolist() == pytest.approx([4000 * 5 / 6] * 3)
    assert (tariff.attachment_fee_gbp * 6 / 5).tolist() == pytest.approx([3200, 2400, 1600])


def test_troubled_families_asks_more_of_the_same_families_as_results_pay_more() -> None:
    rate = load("troubled_families_2012").central_case
    assert rate is not None
    assert list(rate.observed_rate) == sorted(rate.observed_rate)


def test_work_and_health_spends_its_budget_thirty_to_seventy_at_one_price() -> None:
    programme = load("work_and_health_2017")
    spend = evaluate(programme).spend_gbp
    assert spend == pytest.approx(554e6, rel=ROUNDED)
    fees = programme.caseload.group_participants @ programme.tariff.attachment_fee_gbp
    assert fees / spend == pytest.approx(0.3, rel=1e-5)
    assert len(set(programme.tariff.outcome_fee_gbp.tolist())) == 1


def test_restart_costs_what_the_committee_says_and_returns_what_the_auditor_says() -> None:
    programme = load("restart_2021")
    there = evaluate(programme)
    assert there.spend_gbp == pytest.approx(1680e6, rel=ROUNDED)
    assert there.spend_gbp / there.metrics.participants == pytest.approx(2428, abs=1)
    assert programme.outcome_value_gbp is not None
    worth = there.metrics.additional_outcomes * programme.outcome_value_gbp[0]
    assert worth / there.spend_gbp == pytest.approx(2.44, rel=1e-5)


def test_probation_pays_for_more_offences_than_one_behind_the_binary_hurdle() -> None:
    programme = load("transforming_rehabilitation_2014")
    assert (programme.tariff.sustainment_max == 3).all()
    assert (programme.caseload.exit_hazard == 0.0).all()
    fee_for_service = programme.caseload.group_participants @ programme.tariff.attachment_fee_gbp
    assert fee_for_service == pytest.approx(5e9 / 10, rel=ROUNDED)


def test_peterborough_clears_its_threshold_and_returns_what_was_published() -> None:
    programme = load("peterborough_2010")
    there, known = evaluate(programme), {figure.id: figure.value for figure in programme.figures}
    fall = there.metrics.outcomes / there.metrics.participants / known["evidence/events_of_the_comparison"]
    assert fall == pytest.approx(known["evidence/final_fall"], rel=ROUNDED)
    assert fall > known["evidence/threshold_fall"]
    returned = there.spend_gbp / known["evidence/investment_gbp"]
    assert returned == pytest.approx(
        (1 + known["evidence/return_a_year"]) ** known["evidence/years_to_payment"], rel=ROUNDED
    )
    assert there.metrics.windfall_share < 0.05
