"""Fewest people parked, by the per-segment mixed-integer programme, by enumeration and by random prices."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array, diags_array, hstack, vstack

from pbr_opt.design.limits import Budget, PriceRange, PriceStep
from pbr_opt.design.objectives import AdditionalOutcomes, Objective, Parked, SupportShortfall, TotalSupport
from pbr_opt.design.optimise import optimise
from pbr_opt.design.search import Menu, solve_knapsack
from tests.oracle.samples import Floats, Raw, payment, rate, sample, threshold

HIGHEST_GBP = 8_000.0
BUDGET_SHARES = (0.1, 0.3, 0.7)
WHOLE = 1e-6
"""People are whole numbers in these samples: less than this is rounding."""

TOUCH = 1 + 1e-12
"""A price at its threshold, computed another way than by the package, may lie a unit in the last place below it."""


def _full(raw: Raw) -> float:
    return float(raw.people @ payment(raw, np.full(raw.people.size, HIGHEST_GBP)))


def _parked(raw: Raw, price: Floats) -> float:
    return float(raw.people @ (price[raw.group] * TOUCH < threshold(raw)))


def _spend(raw: Raw, price: Floats) -> float:
    return float(raw.people @ payment(raw, price[raw.group]))


def _mixed_integer(raw: Raw, budget: float) -> float:
    """Return the least headcount: price by group, helped or not by segment, payment by segment."""
    size, groups, unit = raw.people.size, raw.groups, 1000.0
    pick = csr_array((np.ones(size), (np.arange(size), raw.group)), shape=(size, groups))
    eye, zero = diags_array(np.ones(size)), csr_array((size, size))
    rows = vstack(
        [
            hstack([-pick, diags_array(threshold(raw) / unit), zero]),  # helped only at the threshold or above
            hstack([diags_array(raw.low) @ pick, zero, -eye]),
            hstack([diags_array(raw.high) @ pick, zero, -eye]),
            csr_array(np.r_[np.zeros(groups + size), raw.people / raw.people.sum()][None, :]),
        ],
        format="csr",
    )
    upper = np.r_[np.zeros(2 * size), raw.scale / unit, budget / unit / raw.people.sum()]
    top = HIGHEST_GBP / unit
    answer = milp(
        np.r_[np.zeros(groups), -raw.people, np.zeros(size)],
        constraints=LinearConstraint(rows, ub=upper),
        integrality=np.r_[np.zeros(groups), np.ones(size), np.zeros(size)],
        bounds=Bounds(0.0, np.r_[np.full(groups, top), np.ones(size), np.full(size, top)]),
        options={"mip_rel_gap": 0.0},
    )
    assert answer.status == 0, answer.message
    return float(raw.people.sum() + answer.fun)


@pytest.mark.parametrize("share", BUDGET_SHARES)
@pytest.mark.parametrize("seed", [11, 12])
def test_the_per_segment_mixed_integer_programme_parks_as_many(seed: int, share: float) -> None:
    raw = sample(seed, 3, 6)
    budget = share * _full(raw)
    design = optimise(raw.programme(), minimise=Parked(), limits=[Budget(budget), PriceRange(0.0, HIGHEST_GBP)])
    assert abs(design.objective - _mixed_integer(raw, budget)) <= WHOLE
    assert design.status == "optimal"
    assert _spend(raw, design.tariff.price_gbp) <= budget * (1 + 1e-9)
    assert abs(_parked(raw, design.tariff.price_gbp) - design.objective) <= WHOLE


def _enumerated(raw: Raw, budget: float) -> float:
    """Try every combination of thresholds (and zero) with formulas of the test's own."""
    options = []
    for group in range(raw.groups):
        steps = threshold(raw)[raw.group == group]
        options.append(np.r_[0.0, steps[steps <= HIGHEST_GBP]])
    tried = (np.array(price) for price in itertools.product(*options))
    return min(_parked(raw, price) for price in tried if _spend(raw, price) <= budget * (1 + 1e-12))


@pytest.mark.parametrize("curved", [False, True])
@pytest.mark.parametrize("share", BUDGET_SHARES)
@pytest.mark.parametrize("seed", [21, 22, 23])
def test_enumerating_thresholds_parks_as_many(seed: int, share: float, curved: bool) -> None:
    raw = sample(seed, 3, 4, curved=curved)
    budget = share * _full(raw)
    limits = [Budget(budget), PriceRange(0.0, HIGHEST_GBP)]
    design = optimise(raw.programme(), minimise=Parked(), limits=limits)
    assert abs(design.objective - _enumerated(raw, budget)) <= WHOLE
    assert abs(design.bound - design.objective) <= WHOLE


RANDOM_TARIFFS = 5_000
RANDOM_IS_NO_BETTER = 1e-9
"""Relative: no random tariff comes as near to the optimum as rounding."""


def _loss(raw: Raw, price: Floats, name: str) -> float:
    """Return the objective (less is better) at a price by segment, from formulas of the test's own."""
    start = threshold(raw)
    ratio = np.maximum(price / start, 1.0)
    bent = np.where(raw.bend > 0, raw.bend, 1.0)
    support = raw.scale * np.where(raw.bend > 0, (ratio**bent - 1) / bent, np.log(ratio))
    term = {
        "people parked": (price * TOUCH < start).astype(float),
        "support shortfall": np.maximum(STANDARD_GBP - support, 0.0),
        "total support": -support,
        "additional outcomes": -(rate(raw, support) - raw.low),
    }[name]
    return float(raw.people @ term)


STANDARD_GBP = 400.0


@pytest.mark.parametrize("aim", [Parked(), SupportShortfall(STANDARD_GBP), TotalSupport(), AdditionalOutcomes()])
@pytest.mark.parametrize("curved", [False, True])
def test_no_random_tariff_within_the_budget_beats_the_bound(aim: Objective, curved: bool) -> None:
    """Also where the columns are no exact answer: the bound is one on every tariff, the design nearly reaches it."""
    raw = sample(31, 3, 5, curved=curved)
    budget = 0.4 * _full(raw)
    limits = [Budget(budget), PriceRange(0.0, HIGHEST_GBP)]
    minimise, maximise = (aim, None) if aim.better < 0 else (None, aim)
    design = optimise(raw.programme(), minimise=minimise, maximise=maximise, limits=limits)
    rng = np.random.default_rng(7)
    prices = rng.uniform(0.3, 1.0, (RANDOM_TARIFFS, 1)) * rng.uniform(0.0, HIGHEST_GBP, (RANDOM_TARIFFS, raw.groups))
    affordable = [price for price in prices if _spend(raw, price) <= budget]
    best = min(_loss(raw, price[raw.group], aim.name) for price in affordable)
    bound, reached = -aim.better * design.bound, -aim.better * design.objective
    assert bound <= reached + 1e-9 * abs(reached)
    assert best >= bound - 1e-9 * abs(bound)
    assert best >= reached - RANDOM_IS_NO_BETTER * abs(reached)


def test_the_knapsack_is_enumeration() -> None:
    """A hundred small knapsacks, ties and equal costs included, against every combination."""
    rng = np.random.default_rng(20110601)
    for _ in range(100):
        menus = [
            Menu(rng.integers(0, 9, size).astype(float), rng.integers(0, 9, size).astype(float))
            for size in rng.integers(1, 6, rng.integers(1, 5))
        ]
        least = sum(float(menu.cost.min()) for menu in menus)
        budget = least + float(rng.integers(0, 12))
        answer = solve_knapsack(menus, budget)
        combinations = itertools.product(*(range(menu.cost.size) for menu in menus))
        expected = min(
            sum(float(menu.loss[k]) for menu, k in zip(menus, choice, strict=True))
            for choice in combinations
            if sum(float(menu.cost[k]) for menu, k in zip(menus, choice, strict=True)) <= budget
        )
        assert answer.loss == expected
        assert answer.cost <= budget
        assert answer.bound <= expected + WHOLE
        assert answer.loss == sum(float(m.loss[k]) for m, k in zip(menus, answer.choice, strict=True))


@pytest.mark.parametrize("step", [50.0, 400.0])
def test_every_rate_card_on_a_step(step: float) -> None:
    """With a price step the rate cards can be listed: none within the budget parks fewer."""
    raw = sample(41, 2, 5)
    budget = 0.4 * _full(raw)
    limits = [Budget(budget), PriceRange(0.0, HIGHEST_GBP), PriceStep(step)]
    design = optimise(raw.programme(), minimise=Parked(), limits=limits)
    cards = itertools.product(np.arange(0.0, HIGHEST_GBP + step / 2, step), repeat=2)
    tried = (np.array(card) for card in cards)
    expected = min(_parked(raw, price) for price in tried if _spend(raw, price) <= budget)
    assert abs(design.objective - expected) <= WHOLE
    np.testing.assert_allclose(design.tariff.price_gbp % step, 0.0, atol=1e-9)
