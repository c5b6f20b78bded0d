"""Statements that sound true and are false: one pinned counterexample each, with numbers that can be checked by hand.

Only those of the model page that need no supply chain and no liquidity. At b = 0 a segment with price x at its
threshold x_park = kappa/(p1 - p0) costs p0 x_park a head and is not parked; below it costs p0 x a head and is.
"""

from __future__ import annotations

import math

import numpy as np

from pbr_opt.design.limits import Budget
from pbr_opt.design.objectives import FirstPoundLoss, Parked
from pbr_opt.design.optimise import optimise
from pbr_opt.equilibrium.best_response import best_response
from pbr_opt.evaluation import evaluate
from pbr_opt.market.caseload import Caseload
from pbr_opt.market.programme import Programme
from pbr_opt.market.tariffs import Tariff
from tests.properties.tolerances import ROUNDING

ONE = Caseload(["a"], 100, 0.12, 0.42, 600.0)
"""The segment of the model page: x_park = 600/.30 = £2,000."""


def _programme(caseload: Caseload) -> Programme:
    return Programme("counterexample", caseload, Tariff(caseload.groups, 0.0, 1000.0))


def _least_parked(programme: Programme, budget_gbp: float) -> float:
    return optimise(programme, minimise=Parked(), limits=[Budget(budget_gbp)]).objective


def test_the_headcount_frontier_is_not_convex() -> None:
    """False: people parked is a convex function of the budget.

    One group: 10 people with x_park = £1,000 and 100 with £1,100, deadweight .1. At £1,000 the group costs
    110 * .1 * 1000 = 11,000 and the hundred are parked; at £1,100 the ten pay p1 x - kappa = .3 * 1100 - 200 = 130 each
    and the hundred 110 each: 12,300. So 11,000 pounds buy 10 people and the next 1,300 buy 100.
    """
    people = Caseload(["a", "a"], [10, 100], 0.1, 0.3, [200.0, 220.0])
    budgets = [0.0, 11_000.01, 12_300.01]
    parked = [_least_parked(_programme(people), budget) for budget in budgets]
    assert parked == [110.0, 100.0, 0.0]
    share = budgets[1] / budgets[2]
    assert parked[1] > (1 - share) * parked[0] + share * parked[2]  # above the chord: 100 against 12


def test_a_price_can_fall_when_the_budget_rises() -> None:
    """False: with people parked as the objective, each price rises with the budget.

    Group a: 100 people, deadweight .1, x_park = £1,000: 10,000 to serve. Group b: 150 people at the same threshold with
    deadweight .12: 18,000. With 10,000 only a can be served; with 18,000 b alone is the better buy and a's price falls.
    """
    people = Caseload(["a", "b"], [100, 150], [0.1, 0.12], [0.3, 0.32], 200.0)
    programme = _programme(people)
    small = optimise(programme, minimise=Parked(), limits=[Budget(10_000.01)])
    large = optimise(programme, minimise=Parked(), limits=[Budget(18_000.01)])
    np.testing.assert_allclose(small.tariff.price_gbp, [1000.0, 0.0], rtol=ROUNDING)
    np.testing.assert_allclose(large.tariff.price_gbp, [0.0, 1000.0], rtol=ROUNDING)
    assert (small.objective, large.objective) == (150.0, 100.0)


def test_support_is_hump_shaped_in_productivity() -> None:
    """False: whoever responds to less money gets more of it.

    At x = £4,000 and p1 - p0 = .3, e* = kappa ln(1200/kappa): nothing at kappa = 1200, most at 1200/e = 441.46, and
    100 ln 12 = 248.49 at kappa = 100.
    """
    scale = np.array([1200.0, 1200.0 / math.e, 100.0])
    people = Caseload(["a"] * 3, 1, 0.12, 0.42, scale)
    support = best_response(people.response, 4000.0).support_gbp
    np.testing.assert_allclose(support, [0.0, 1200.0 / math.e, 100.0 * math.log(12.0)], rtol=ROUNDING, atol=1e-9)
    assert support[0] < support[2] < support[1]


def test_cost_per_additional_outcome_is_not_monotone_in_price() -> None:
    """False: a higher price buys each additional outcome at a higher (or at a lower) cost.

    With P = .42 - 600/x: at £2,100 an additional outcome costs 282/.0142857 = 19,740; at £4,000 1,080/.15 = 7,200; at
    £20,000 7,800/.27 = 28,889.
    """
    tariffs = [Tariff(["a"], 0.0, price) for price in (2100.0, 4000.0, 20_000.0)]
    costs = [evaluate(_programme(ONE), tariff).metrics.cost_per_additional_outcome_gbp for tariff in tariffs]
    np.testing.assert_allclose(costs, [282.0 * 70, 7200.0, 7800.0 / 0.27], rtol=1e-9)
    assert costs[1] < costs[0] < costs[2]


def test_the_outcome_rate_is_not_concave_in_the_price() -> None:
    """False: P is concave. It is flat up to the threshold: P(1000) = P(2000) = .12, P(3000) = .42 - .2 = .22."""
    low, middle, high = best_response(ONE.response, np.array([[1000.0], [2000.0], [3000.0]])).outcome_rate[:, 0]
    np.testing.assert_allclose([low, middle, high], [0.12, 0.12, 0.22], rtol=ROUNDING)
    assert middle < (low + high) / 2


def test_least_first_pound_loss_is_not_least_people_parked_and_can_park_more_than_a_flat_tariff() -> None:
    """False: the optimum of problem #1 minimises people parked, or at least parks no more than a flat tariff.

    Group a: 300 people, x_park = 300/.3 = £1,000, deadweight .11: 33 pounds of spend per pound of price, and a pound
    saves 300/1000 of loss: .00909 per pound spent. Group b: 100 people, x_park = 500/.05 = £10,000, deadweight .01:
    .01 per pound. So the loss is cheapest in b, which takes 10,000 of a budget of 34,000; the other 24,000 raise a's
    price to £727 and leave all 300 parked. A flat £1,000 costs 33,000 + 1,000 and parks 100.
    """
    people = Caseload(["a", "b"], [300, 100], [0.11, 0.01], [0.41, 0.06], [300.0, 500.0])
    programme = _programme(people)
    limits = [Budget(34_000.01)]
    proxy = optimise(programme, minimise=FirstPoundLoss(), limits=limits)
    exact = optimise(programme, minimise=Parked(), limits=limits)
    flat = evaluate(programme, Tariff(["a", "b"], 0.0, 1000.0))
    np.testing.assert_allclose(proxy.tariff.price_gbp, [24_000.01 / 33, 10_000.0], rtol=1e-9)
    assert Parked().total(proxy.evaluation) == 300.0
    assert exact.objective == 100.0
    assert flat.spend_gbp <= 34_000.01
    assert Parked().total(flat) == 100.0
    assert proxy.objective < FirstPoundLoss().total(flat)


def test_the_easiest_do_not_always_get_most() -> None:
    """False: inside a group the easiest to help (lowest threshold) get most support.

    At £4,000: x_park = £333 with kappa = 100 gets 248.49; x_park = £1,333 with kappa = 400 gets 400 ln 3 = 439.44.
    """
    people = Caseload(["a", "a"], 50, 0.12, 0.42, [100.0, 400.0])
    there = evaluate(_programme(people), Tariff(["a"], 0.0, 4000.0))
    np.testing.assert_allclose(there.behaviour.support_gbp, [100 * math.log(12), 400 * math.log(3)], rtol=ROUNDING)
    assert there.metrics.creaming.concentration_index < 0
    assert there.metrics.creaming.quintile_ratio < 1


def test_attachment_fees_do_not_raise_support() -> None:
    """False: paying more when a participant starts buys more help.

    Without liquidity, participation or minimum service £600 a head changes spend by £60,000 and support by nothing.
    """
    programme = _programme(ONE)
    none, fee = (evaluate(programme, Tariff(["a"], amount, 4000.0)) for amount in (0.0, 600.0))
    assert fee.spend_gbp - none.spend_gbp == 60_000.0
    assert fee.behaviour.support_gbp.tolist() == none.behaviour.support_gbp.tolist()
    assert fee.behaviour.support_gbp[0] > 0
