"""Ladders count what the exact equilibrium counts; the greedy spends what it is given."""

from __future__ import annotations

import numpy as np
import pytest

from pbr_opt.design.greedy import solve_greedy
from pbr_opt.design.ladder import ladders
from pbr_opt.design.limits import Budget, PriceRange
from pbr_opt.design.objectives import FirstPoundLoss, Parked
from pbr_opt.design.problem import DesignProblem
from pbr_opt.market.caseload import Caseload
from pbr_opt.market.programme import Programme
from pbr_opt.market.tariffs import Tariff

PEOPLE = Caseload(
    ["a", "b", "a", "b", "a"],
    [10, 20, 30, 40, 50],
    [0.1, 0.2, 0.3, 0.0, 0.1],
    [0.5, 0.6, 0.6, 0.1, 0.1],
    500.0,
    exit_hazard=0.05,
)
PROGRAMME = Programme("p", PEOPLE, Tariff(["a", "b"], 400, [1000, 800], [50, 0], [4, 0]))
PRICES = np.array([0.0, 900.0, 1249.0, 2500.0, 5001.0, 20_000.0])


def test_ladders_agree_with_the_exact_equilibrium() -> None:
    problem = DesignProblem(PROGRAMME, Parked())
    for g, ladder in enumerate(ladders(problem)):
        exact = problem.at_prices(g, PRICES)
        np.testing.assert_allclose(ladder.cost(PRICES), exact.cost_gbp, rtol=1e-12)
        np.testing.assert_array_equal(ladder.parked(PRICES), exact.achieved)


def test_steps_lie_within_the_range_and_those_beyond_help_have_none() -> None:
    (first, _) = ladders(DesignProblem(PROGRAMME, Parked(), [PriceRange(1500, 9000)]))
    assert first.steps[0] == 1500.0
    assert np.all((first.steps >= 1500.0) & (first.steps <= 9000.0))
    assert np.isinf(first.threshold[-1])


def test_exchange_rates_never_rise() -> None:
    for ladder in ladders(DesignProblem(PROGRAMME, FirstPoundLoss())):
        assert np.all(np.diff(ladder.exchange_rate) <= 0)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.99])
def test_a_budget_that_binds_is_spent(share: float) -> None:
    problem = DesignProblem(PROGRAMME, FirstPoundLoss())
    rungs = ladders(problem)
    least = problem.least_spend_gbp
    most = problem.spend_at(problem.base.at_price([max(rung.steps) for rung in rungs]))
    budget = least + share * (most - least)
    answer = solve_greedy(rungs, budget)
    assert problem.spend_at(problem.base.at_price(answer.price_gbp)) == pytest.approx(budget, rel=1e-9)
    assert answer.multiplier > 0


def test_with_money_for_everything_a_pound_more_is_worth_nothing() -> None:
    answer = solve_greedy(ladders(DesignProblem(PROGRAMME, FirstPoundLoss(), [Budget(1e12)])), 1e12)
    assert answer.multiplier == 0.0
