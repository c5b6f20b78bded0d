"""Performance measures, levels and incentive payments."""

from __future__ import annotations

import numpy as np
import pytest

from pbr_opt.equilibrium.contest_rival import Rival
from pbr_opt.equilibrium.performance import (
    bonus_top_up,
    cohort_rate,
    in_year_inflation,
    in_year_ratio,
    meet_level,
    outcomes_in_year,
)
from pbr_opt.errors import InvalidInputError, UnsupportedModelError
from pbr_opt.market.caseload import Caseload
from pbr_opt.market.rivalry import IncentivePayment

ROUNDING = 1e-12
PENNIES = 1e-6
"""GBP: profits of some £1,000 by closed forms."""

EASY_AND_HARD = Caseload(["a", "a"], 50, [0.3, 0.02], [0.6, 0.1], [300.0, 600.0])
"""Parking thresholds £1,000 and £7,500."""


def test_the_in_year_ratio_rises_when_referrals_fall_though_the_cohort_rate_does_not() -> None:
    referrals, delay = np.array([100.0, 80.0, 40.0, 10.0]), [0.2, 0.5, 0.3]
    outcomes = outcomes_in_year(0.25, referrals, delay)
    np.testing.assert_allclose(outcomes, [5.0, 16.5, 19.5, 11.5], atol=ROUNDING)
    ratio = in_year_ratio(outcomes, referrals)
    np.testing.assert_allclose(ratio, [0.05, 0.20625, 0.4875, 1.15], atol=ROUNDING)  # above 1: it is no rate
    np.testing.assert_allclose(cohort_rate(0.25 * referrals, referrals), 0.25, atol=ROUNDING)
    np.testing.assert_allclose(in_year_inflation(referrals, delay), ratio / 0.25, atol=ROUNDING)


def test_steady_referrals_make_the_measures_agree_once_the_delays_are_over() -> None:
    np.testing.assert_allclose(in_year_inflation([7.0] * 5, [0.2, 0.5, 0.3]), [0.2, 0.7, 1, 1, 1], atol=ROUNDING)


def test_better_results_can_hide_behind_rising_referrals() -> None:
    """The flaw works the other way as well: 20 then 30 per cent, and the measure falls."""
    ratio = in_year_ratio(outcomes_in_year([0.2, 0.2, 0.3], [100.0, 100.0, 300.0], [0.0, 1.0]), [100.0, 100.0, 300.0])
    assert ratio[2] < ratio[1]


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: in_year_ratio([1.0, 2.0], [10.0, 0.0]), r"referrals_by_year\[1\]: given 0"),
        (lambda: in_year_ratio([1.0], [10.0, 10.0]), "outcomes_by_year: given shape"),
        (lambda: cohort_rate([11.0], [10.0]), r"outcomes_by_cohort\[0\]: given 11; wanted at most the 10 people"),
        (lambda: outcomes_in_year(0.3, [10.0, 10.0], [0.5, 0.4]), "delay_share: given 0.9"),
        (lambda: outcomes_in_year(30, [10.0], [1.0]), "divide per cents by 100"),
        (lambda: IncentivePayment(1.3, -1.0), "(?s)non_intervention_rate: given 1.3.*bonus_gbp: given -1"),
        (lambda: IncentivePayment(0.2).payment_gbp(-0.1), "measure: given -0.1"),
        (lambda: meet_level(Rival("A", EASY_AND_HARD, 2000.0), 25.0), "level: given 25"),
    ],
)
def test_bad_input_is_refused(call: object, told: str) -> None:
    assert callable(call)
    with pytest.raises(InvalidInputError, match=told):
        call()


def test_a_level_that_is_met_anyway_asks_for_nothing() -> None:
    there = meet_level(Rival("A", EASY_AND_HARD, 2000.0), 0.2)
    assert (there.top_up_gbp, there.cost_gbp) == (0.0, 0.0)
    assert there.added_support_gbp.tolist() == [0.0, 0.0]


def test_a_level_is_reached_exactly_and_at_a_cost() -> None:
    """Easy segment: P = .6 - 300/x. From x = 2,000 (.45) to 2,500 (.48); e from 300 ln 2 to 300 ln 2.5; half the
    people.
    """
    there = meet_level(Rival("A", EASY_AND_HARD, 2000.0), 0.25)
    assert there.top_up_gbp == pytest.approx(500.0, abs=PENNIES)
    assert there.rival.performance(there.top_up_gbp) == pytest.approx(0.25, abs=ROUNDING)
    assert there.cost_gbp == pytest.approx(0.5 * (300 * np.log(2.5 / 2) - 2000 * 0.03), abs=PENNIES)


def test_a_higher_level_never_parks_more_and_helps_the_hardest_last() -> None:
    levels = np.linspace(0.23, 0.34, 23)
    found = [meet_level(Rival("A", EASY_AND_HARD, 2000.0), level) for level in levels]
    parked = [there.parked_share_after for there in found]
    assert parked == sorted(parked, reverse=True)
    assert {parked[0], parked[-1]} == {0.5, 0.0}
    assert all(there.added_support_gbp[1] == 0.0 for there in found if there.parked_share_after == 0.5)


def test_a_level_beyond_the_ceiling_is_refused_with_the_ceiling() -> None:
    with pytest.raises(UnsupportedModelError, match=r"outcome rate of 0\.36; the ceiling is 0\.35"):
        meet_level(Rival("A", EASY_AND_HARD, 2000.0), 0.36)


def test_an_incentive_payment_is_paid_above_its_threshold_only() -> None:
    payment = IncentivePayment(0.30)
    assert payment.threshold == pytest.approx(0.39)
    np.testing.assert_allclose([payment.payment_gbp(q) for q in (0.2, 0.39, 0.40)], [0.0, 0.0, 10.0], atol=1e-9)


@pytest.mark.parametrize("non_intervention", np.linspace(0.15, 0.30, 16))
def test_a_bonus_is_worth_all_its_top_up_or_none(non_intervention: float) -> None:
    """Held against a search over top-ups: no other top-up does better than the one chosen."""
    rival, payment = (
        Rival("A", Caseload(["a"], 100, 0.12, 0.42, 600), 4000.0),
        IncentivePayment(float(non_intervention)),
    )
    tried = np.linspace(0.0, 3000.0, 3001)
    rates, profits = rival.performance(tried), rival.profit_gbp(tried)
    worth = profits + np.array([payment.payment_gbp(q) for q in rates])
    chosen = bonus_top_up(payment, rival)
    assert worth[round(chosen)] >= worth.max() - PENNIES
    assert chosen in {0.0, 1000.0}
