"""Laws of choosing payment groups: T12, T35, coarser observation, and a false statement with its counterexample."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pbr_opt.analysis.observation import banded, blurred, mislabelled, overpayment
from pbr_opt.analysis.regrouping import Regrouping, RegroupingSettings, few_prices, regroup
from pbr_opt.design.grouping_bounds import knapsack_bound
from pbr_opt.design.objectives import (
    AdditionalOutcomes,
    FirstPoundLoss,
    NetSocialValue,
    Objective,
    Parked,
    TotalSupport,
)
from pbr_opt.design.problem import DesignProblem
from pbr_opt.evaluation import evaluate
from pbr_opt.market.caseload import Caseload
from pbr_opt.market.programme import Programme
from pbr_opt.market.tariffs import Tariff
from tests.properties import draws
from tests.properties.tolerances import CANCELLATION

PRICES = [0.0, 500.0, 1500.0, 2000.0, 4000.0, 7500.0, 20_000.0]
AIMS = st.sampled_from([Parked(), FirstPoundLoss(), TotalSupport(), AdditionalOutcomes(), NetSocialValue()])
FEW = settings(max_examples=25)


def _budget(programme: Programme, share: float) -> float:
    """Return a budget between the spend of the lowest and the highest price on the list."""
    least, most = (evaluate(programme, programme.tariff.at_price(p)).spend_gbp for p in (PRICES[0], PRICES[-1]))
    return least + share * (most - least)


def _loss(there: Regrouping) -> float:
    return -there.aim.better * there.objective


def _no_better(one: Regrouping, other: Regrouping) -> bool:
    """Whether one does not beat the other by more than rounding."""
    scale = abs(one.objective) + abs(other.objective) + one.programme.caseload.total_participants
    return _loss(one) >= _loss(other) - CANCELLATION * scale


def _best(programme: Programme, aim: Objective, most: int, budget: float) -> Regrouping:
    there = regroup(programme, aim, most_groups=most, prices_gbp=PRICES, budget_gbp=budget)
    assert there.status == "optimal"
    return there


@st.composite
def _valued(draw: st.DrawFn) -> Programme:
    programme = draw(draws.programmes(most=6))
    value = {group: draw(st.sampled_from([0.0, 5_000.0, 9_000.0])) for group in programme.caseload.groups}
    return programme.replace(outcome_value_gbp=value)


SHARES = st.sampled_from([0.0, 0.05, 0.3, 0.7, 1.0])


@FEW
@given(_valued(), AIMS, SHARES)
def test_more_groups_and_more_money_never_worsen(programme: Programme, aim: Objective, share: float) -> None:
    """T35: a larger menu; and what a design promises."""
    budget = _budget(programme, share)
    answers = [_best(programme, aim, most, budget) for most in (1, 2, 4)]
    for fewer, more in itertools.pairwise(answers):
        assert _no_better(fewer, more)
    for there, most in zip(answers, (1, 2, 4), strict=True):
        assert len(set(there.group)) <= most
        assert there.evaluation.spend_gbp <= budget * (1 + 2e-9) + 1e-6
        assert _loss(there) >= -aim.better * there.bound
    richer = _best(programme, aim, 2, 1.5 * budget)
    assert _no_better(answers[1], richer)


@FEW
@given(_valued(), AIMS, SHARES, st.integers(1, 3))
def test_finer_cells_never_worsen(programme: Programme, aim: Objective, share: float, most: int) -> None:
    """T12: who can be told apart can still be paid alike."""
    budget = _budget(programme, share)
    finer = banded(programme, 2)
    assert evaluate(finer).spend_gbp == pytest.approx(evaluate(programme).spend_gbp)
    assert _no_better(_best(programme, aim, most, budget), _best(finer, aim, most, budget))


@FEW
@given(draws.caseloads(most=6, exponential=True), AIMS, SHARES, st.sampled_from([0.5, 0.6, 0.9]))
def test_noise_is_a_lottery_over_prices(caseload: Caseload, aim: Objective, share: float, accuracy: float) -> None:
    """A garbled label is worth no more than the label and a lottery (Blackwell): the knapsack's dual of clean cells."""
    clean = Programme("p", caseload, Tariff(caseload.groups, 0, 4000), outcome_value_gbp=9000)
    noisy = mislabelled(clean, blurred(1, len(caseload.groups), accuracy))
    assert noisy.caseload.total_participants == pytest.approx(clean.caseload.total_participants)
    assert evaluate(noisy).spend_gbp == pytest.approx(evaluate(clean).spend_gbp)
    for budget in (_budget(clean, share), np.inf):
        there = regroup(noisy, aim, most_groups=len(PRICES), prices_gbp=PRICES, budget_gbp=budget)
        exact = few_prices(DesignProblem(clean, aim), np.array(PRICES), min(budget, _budget(clean, 1.0)), len(PRICES))
        best = knapsack_bound(exact, np.arange(len(PRICES))).bound
        scale = float(np.abs(exact.loss).sum()) + clean.caseload.total_participants
        assert _loss(there) >= best - CANCELLATION * scale


def test_false_noise_never_helps() -> None:
    """One cell, money for half of it: a label that is pure chance splits it, and half are helped instead of nobody."""
    people = Caseload(["a", "b"], [100, 100], 0.1, 0.4, 600)
    clean = Programme("p", people, Tariff(["a", "b"], 0, 0))
    one = Programme("p", people.replace(group=["a", "a"]), Tariff(["a"], 0, 0))
    assert _best(one, Parked(), 2, 20_000.0).objective == 200.0
    assert _best(clean, Parked(), 2, 20_000.0).objective == 100.0


def test_false_optimal_groups_are_contiguous_in_mean_difficulty() -> None:
    """A cell whose easy half is all that can be afforded belongs with the easy cell, past the middling one."""
    low, reach = np.array([0.10, 0.05, 0.10, 0.01]), 600 / np.array([2000.0, 4000.0, 2000.0, 20_000.0])
    people = Caseload(["easy", "middling", "mixed", "mixed"], [100, 100, 100, 100], low, low + reach, 600)
    programme = Programme("p", people, Tariff(people.groups, 0, 0))
    threshold = people.sum_by_group(people.participants * people.parking_threshold_gbp) / people.group_participants
    assert threshold.argsort().tolist() == [0, 1, 2]
    there = _best(programme, Parked(), 2, 65_000.0)
    assert there.group == (1, 2, 1)
    assert there.objective == 100.0
    stretches = regroup(
        programme,
        Parked(),
        most_groups=2,
        prices_gbp=PRICES,
        budget_gbp=65_000.0,
        settings=RegroupingSettings("ordered"),
    )
    assert stretches.objective > there.objective
    assert stretches.status == "gap"
    assert stretches.bound <= there.objective


@given(st.floats(0.55, 1.0), st.floats(1000.0, 5000.0), st.floats(5000.0, 9000.0))
def test_overpayment_pays_the_mean_and_spreads_wider(accuracy: float, low: float, high: float) -> None:
    share = blurred(1, 2, accuracy)
    price = overpayment([low, high], share)
    assert share @ price == pytest.approx([low, high])
    posterior = (share.T @ np.array([low, high])) / share.sum(axis=0)  # cells of the same size
    room = CANCELLATION * high
    assert price[0] - room <= low <= posterior[0] + room
    assert posterior[1] - room <= high <= price[1] + room
