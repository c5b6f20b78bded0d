"""Continuous prices, every objective: enumeration of all pairs of stretches, fine grids, SLSQP from many starts.

All formulas are the test's own, from the model page; nothing of the package but its answers.
"""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import Bounds, NonlinearConstraint, minimize, minimize_scalar

from pbr_opt.design.branching import solve_cells
from pbr_opt.design.limits import Budget, PriceRange
from pbr_opt.design.objectives import (
    AdditionalOutcomes,
    FirstPoundLoss,
    NetSocialValue,
    Objective,
    Parked,
    SupportShortfall,
    TotalSupport,
)
from pbr_opt.design.problem import DesignProblem
from pbr_opt.design.result import Found
from pbr_opt.design.settings import DesignSettings
from tests.oracle.samples import Floats, Raw, payment, sample, threshold

HIGHEST_GBP = 9_000.0
STANDARD_GBP = 400.0
VALUE_GBP = 5_000.0

AIMS: tuple[Objective, ...] = (
    Parked(),
    FirstPoundLoss(),
    SupportShortfall(STANDARD_GBP),
    TotalSupport(),
    AdditionalOutcomes(),
    NetSocialValue(),
)

TOUCH = 1 + 1e-12
"""A price at its threshold, computed another way than by the package, may lie a unit in the last place below it."""

FOUND = 1e-8
"""Relative: golden sections stop at 1e-9 of a price, where the loss is nearly flat; the package stops at 1e-9."""

PROVED = 1e-9
"""Relative gap that is asked for by default."""

KEPT = 1 + 1e-9
"""Budgets are kept to this."""

SLSQP_ROOM = 1e-6
"""SLSQP keeps a constraint that is scaled to 1 to about this; what it gains by that is not to count."""


def _loss(raw: Raw, price: Floats, name: str) -> float:
    """Return the loss at prices by group."""
    paid, start = price[raw.group], threshold(raw)
    ratio = np.maximum(paid / start, 1.0)
    support = raw.scale * np.log(ratio)
    gained = (raw.high - raw.low) * (1.0 - 1.0 / ratio)
    term = {
        "people parked": (paid * TOUCH < start).astype(float),
        "first-pound loss": np.maximum(1.0 - paid / start, 0.0),
        "support shortfall": np.maximum(STANDARD_GBP - support, 0.0),
        "total support": -support,
        "additional outcomes": -gained,
        "net social value": support - VALUE_GBP * gained,
    }[name]
    return float(raw.people @ term)


def _cost(raw: Raw, price: Floats) -> float:
    return float(raw.people @ payment(raw, price[raw.group]))


def _solved(raw: Raw, aim: Objective, budget: float) -> Found:
    programme = raw.programme().replace(outcome_value_gbp=np.full(raw.groups, VALUE_GBP))
    problem = DesignProblem(programme, aim, [Budget(budget), PriceRange(0.0, HIGHEST_GBP)])
    found = solve_cells(problem, DesignSettings())
    price = found.tariff.price_gbp
    assert _cost(raw, price) <= budget * KEPT
    assert _loss(raw, price, aim.name) == pytest.approx(found.claimed_loss, rel=PROVED)
    assert found.claimed_loss == pytest.approx(found.bound, rel=PROVED)
    return found


def _bends(raw: Raw, group: int) -> list[tuple[float, float]]:
    """Return the stretches of a group's price between which nothing changes its form."""
    mine = raw.group == group
    start = threshold(raw)[mine]
    points = np.r_[0.0, start, start * np.exp(STANDARD_GBP / raw.scale[mine]), VALUE_GBP, HIGHEST_GBP]
    points = np.unique(points[points <= HIGHEST_GBP])
    return [*itertools.pairwise(points.tolist()), (HIGHEST_GBP, HIGHEST_GBP)]


def _dearest(raw: Raw, price: Floats, ends: tuple[float, float], budget: float) -> float | None:
    """Return the highest price of the last group on a stretch that the budget leaves, by bisection."""
    low, high = ends
    if _cost(raw, np.append(price, low)) > budget:
        return None
    if _cost(raw, np.append(price, high)) <= budget:
        return high
    for _ in range(80):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if _cost(raw, np.append(price, middle)) <= budget else (low, middle)
    return low


def _rest(raw: Raw, first: float, ends: tuple[float, float], name: str, budget: float) -> float:
    """Return the least loss with one price given, the other on a stretch where the loss moves one way."""
    price = np.array([first])
    top = _dearest(raw, price, ends, budget)
    if top is None:
        return np.inf
    return min(_loss(raw, np.append(price, last), name) for last in (ends[0], top))


def _enumerated(raw: Raw, name: str, budget: float) -> float:
    """Return the least loss of two groups: every pair of stretches, and on each a convex problem in one price."""
    best = np.inf
    for mine, other in itertools.product(_bends(raw, 0), _bends(raw, 1)):
        if _cost(raw, np.array([mine[0], other[0]])) > budget * KEPT:
            continue
        alone = replace(raw, people=np.where(raw.group == 0, raw.people, 0.0))
        spare = budget - _cost(raw, np.array([0.0, other[0]]))
        low, high = mine
        if _cost(alone, np.array([high, 0.0])) > spare:  # the other group keeps its least price at least
            for _ in range(80):
                middle = 0.5 * (low + high)
                low, high = (middle, high) if _cost(alone, np.array([middle, 0.0])) <= spare else (low, middle)
            high = low
        edges = [_rest(raw, first, other, name, budget) for first in (mine[0], high)]
        inside = minimize_scalar(
            lambda first, other=other: min(_rest(raw, first, other, name, budget), 1e18),
            bounds=(mine[0], max(high, mine[0] + 1e-9)),
            method="bounded",
            options={"xatol": 1e-9 * HIGHEST_GBP, "maxiter": 200},
        )
        best = min(best, *edges, float(inside.fun))
    return best


@pytest.mark.parametrize("share", [0.05, 0.2, 0.45, 0.8])
@pytest.mark.parametrize("seed", [61, 62, 63])
@pytest.mark.parametrize("aim", AIMS, ids=str)
def test_every_pair_of_stretches(aim: Objective, seed: int, share: float) -> None:
    raw = sample(seed, 2, 3)
    budget = share * _cost(raw, np.full(2, HIGHEST_GBP))
    found = _solved(raw, aim, budget)
    expected = _enumerated(raw, aim.name, budget)
    assert found.claimed_loss == pytest.approx(expected, rel=FOUND)
    assert found.bound <= expected + PROVED * abs(expected)


@pytest.mark.parametrize("aim", AIMS, ids=str)
def test_no_point_of_a_fine_grid_beats_the_bound(aim: Objective) -> None:
    """Three groups, 60 prices each and all thresholds: none is better, and the best comes near."""
    raw = sample(71, 3, 4)
    budget = 0.3 * _cost(raw, np.full(3, HIGHEST_GBP))
    found = _solved(raw, aim, budget)
    start = threshold(raw)
    axes = [
        np.r_[np.linspace(0.0, HIGHEST_GBP, 60), start[(raw.group == g) & (start <= HIGHEST_GBP)]] for g in range(3)
    ]
    parts = [replace(raw, people=np.where(raw.group == g, raw.people, 0.0)) for g in range(3)]
    cost = [
        np.array([_cost(part, np.full(3, price)) for price in axis]) for part, axis in zip(parts, axes, strict=True)
    ]
    loss = [
        np.array([_loss(part, np.full(3, price), aim.name) for price in axis])
        for part, axis in zip(parts, axes, strict=True)
    ]
    spend, total = (one[0][:, None, None] + one[1][None, :, None] + one[2][None, None, :] for one in (cost, loss))
    best = total[spend <= budget].min()
    assert best >= found.bound - PROVED * abs(found.bound)
    assert best <= found.claimed_loss + 0.05 * abs(found.claimed_loss)


@pytest.mark.parametrize("aim", [aim for aim in AIMS if not isinstance(aim, Parked)], ids=str)
def test_slsqp_from_many_starts_never_beats_it(aim: Objective) -> None:
    """A local method in continuous prices (people parked have no slope for it to follow)."""
    raw = sample(81, 4, 6)
    full = _cost(raw, np.full(4, HIGHEST_GBP))
    budget = 0.3 * full
    found = _solved(raw, aim, budget)
    rng = np.random.default_rng(3)
    best = np.inf

    def scaled_loss(unit: Floats) -> float:
        return _loss(raw, unit * HIGHEST_GBP, aim.name) / abs(found.claimed_loss)

    def left_over(unit: Floats) -> Floats:
        return np.array([(budget - _cost(raw, unit * HIGHEST_GBP)) / full])

    within = NonlinearConstraint(left_over, 0.0, np.inf)
    for start in rng.uniform(0.0, 1.0, (25, 4)):
        answer = minimize(scaled_loss, start, method="SLSQP", bounds=Bounds(0.0, 1.0), constraints=within)
        price = np.clip(answer.x, 0.0, 1.0) * HIGHEST_GBP
        while _cost(raw, price) > budget:  # pull back what it overspends
            price *= 1.0 - SLSQP_ROOM / 10
        best = min(best, _loss(raw, price, aim.name))
    assert best >= found.bound - PROVED * abs(found.bound)


@pytest.mark.parametrize("aim", [aim for aim in AIMS if not isinstance(aim, NetSocialValue)], ids=str)
def test_one_group_is_what_the_budget_buys(aim: Objective) -> None:
    """With a single price there is nothing to choose: the highest that is affordable."""
    raw = sample(91, 1, 7)
    for share in (0.01, 0.1, 0.5, 0.9):
        budget = share * _cost(raw, np.array([HIGHEST_GBP]))
        price = _dearest(raw, np.zeros(0), (0.0, HIGHEST_GBP), budget)
        assert price is not None
        expected = _loss(raw, np.array([price]), aim.name)
        assert _solved(raw, aim, budget).claimed_loss == pytest.approx(expected, rel=FOUND)


@pytest.mark.parametrize("seed", [95, 96])
def test_t13_only_first_pound_loss_is_convex_in_the_budget(seed: int) -> None:
    """Chords of least first-pound loss lie above it; those of people parked do not always."""
    raw = sample(seed, 3, 5)
    budgets = np.linspace(0.0, 0.3, 31) * _cost(raw, np.full(3, HIGHEST_GBP))
    loss, heads = (
        np.array([_solved(raw, aim, float(budget)).claimed_loss for budget in budgets])
        for aim in (FirstPoundLoss(), Parked())
    )
    assert np.all(np.diff(loss, 2) >= -PROVED * loss[0])
    assert np.all(np.diff(heads) <= PROVED * heads[0])
    assert np.any(np.diff(heads, 2) < -PROVED * heads[0])
