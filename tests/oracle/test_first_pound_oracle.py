"""Least first-pound loss, by HiGHS as a plain linear programme and by SLSQP on the curved problem."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import LinearConstraint, NonlinearConstraint, linprog, minimize
from scipy.sparse import csr_array, diags_array, hstack, vstack

from pbr_opt.design.limits import Budget, PriceRange
from pbr_opt.design.objectives import FirstPoundLoss
from pbr_opt.design.optimise import optimise
from pbr_opt.design.settings import DesignSettings
from tests.oracle.samples import Floats, Raw, payment, sample, threshold

LINEAR = 1e-7
"""Relative: HiGHS keeps constraints to 1e-7 of numbers scaled to thousands of pounds."""

CONVEX = 1e-6
"""Relative: interior-point answers."""

SMOOTH = 2e-5
"""Relative: SLSQP stops at its own 1e-10 on an objective with curved constraints, from the better of three starts."""

HIGHEST_GBP = 9_000.0
SHARES = (0.02, 0.2, 0.6, 1.3)
"""Budgets, as shares of what it costs to park nobody within the price range."""


def _loss(raw: Raw, price: Floats) -> float:
    return float(raw.people @ np.maximum(1.0 - price[raw.group] / threshold(raw), 0.0))


def _spend(raw: Raw, price: Floats) -> float:
    return float(raw.people @ payment(raw, price[raw.group]))


def _linear_programme(raw: Raw, budget: float) -> tuple[float, float]:
    """Return least loss and shadow price. Variables: price by group (thousands), loss and payment by segment."""
    size, groups, unit = raw.people.size, raw.groups, 1000.0
    pick = csr_array((np.ones(size), (np.arange(size), raw.group)), shape=(size, groups))
    eye, zero = diags_array(np.ones(size)), csr_array((size, size))
    rows = [
        hstack([diags_array(-unit / threshold(raw)) @ pick, -eye, zero]),
        hstack([diags_array(raw.low) @ pick, zero, -eye]),
        hstack([diags_array(raw.high) @ pick, zero, -eye]),
        csr_array(np.r_[np.zeros(groups + size), raw.people][None, :]),
    ]
    limits = np.r_[-np.ones(size), np.zeros(size), raw.scale / unit, budget / unit]
    cost = np.r_[np.zeros(groups), raw.people, np.zeros(size)]
    bounds = [(0.0, HIGHEST_GBP / unit)] * groups + [(0.0, 1.0)] * size + [(0.0, HIGHEST_GBP / unit)] * size
    answer = linprog(cost, A_ub=vstack(rows, format="csr"), b_ub=limits, bounds=bounds, method="highs")
    assert answer.status == 0, answer.message
    return float(answer.fun or 0.0), -float(answer.ineqlin.marginals[-1]) / unit


def _ask(raw: Raw, budget: float, settings: DesignSettings | None = None) -> tuple[float, float, Floats]:
    """Return loss, shadow price and prices of the package."""
    limits = [Budget(budget), PriceRange(0.0, HIGHEST_GBP)]
    design = optimise(raw.programme(), minimise=FirstPoundLoss(), limits=limits, settings=settings)
    return design.objective, design.budget_price, design.tariff.price_gbp


@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_highs_finds_the_same_loss_and_shadow_price(seed: int, share: float) -> None:
    raw = sample(seed, 4, 12)
    budget = share * _spend(raw, np.full(raw.groups, HIGHEST_GBP))
    expected, shadow = _linear_programme(raw, budget)
    loss, multiplier, price = _ask(raw, budget)
    scale = float(raw.people.sum())
    assert abs(loss - expected) <= LINEAR * scale
    assert abs(_loss(raw, price) - loss) <= LINEAR * scale
    assert _spend(raw, price) <= budget * (1 + 1e-9)
    np.testing.assert_allclose(multiplier, shadow, rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("solver", ["CLARABEL", "HIGHS"])
@pytest.mark.parametrize("share", SHARES[1:])
def test_highs_agrees_with_the_convex_method(share: float, solver: str) -> None:
    raw = sample(5, 3, 8)
    budget = share * _spend(raw, np.full(raw.groups, HIGHEST_GBP))
    expected, _ = _linear_programme(raw, budget)
    loss, _, price = _ask(raw, budget, DesignSettings(method="convex", solver=solver))
    assert abs(loss - expected) <= CONVEX * raw.people.sum()
    assert _spend(raw, price) <= budget * (1 + 1e-9)


def _slsqp(raw: Raw, budget: float, start: float) -> float:
    """Minimise the loss over prices, losses and payments; everything scaled to about 1."""
    size, groups, unit = raw.people.size, raw.groups, 1000.0
    tau = threshold(raw) / unit
    weight = raw.people / raw.people.sum()
    reach = (raw.high - raw.low) * tau ** (1 - raw.bend)

    def curved(values: Floats) -> Floats:
        price = np.maximum(values[:groups][raw.group], 1e-9)
        return np.asarray(values[groups + size :] - raw.high * price + reach * price**raw.bend)

    pick = np.eye(groups)[raw.group]
    eye, zero = np.eye(size), np.zeros((size, size))
    linear = LinearConstraint(
        np.vstack(
            [
                np.hstack([pick / tau[:, None], eye, zero]),
                np.hstack([-pick * raw.low[:, None], zero, eye]),
                np.r_[np.zeros(groups + size), -weight],
            ]
        ),
        lb=np.r_[np.ones(size), np.zeros(size), -budget / unit / raw.people.sum()],
    )
    first = np.r_[np.full(groups, start / unit), np.full(size, 0.5), np.full(size, 0.5)]
    slope = np.r_[np.zeros(groups), weight, np.zeros(size)]

    def loss(values: Floats) -> float:
        return float(slope @ values)

    answer = minimize(
        loss,
        first,
        constraints=(linear, NonlinearConstraint(curved, 0.0, np.inf)),
        bounds=[(0.0, HIGHEST_GBP / unit)] * groups + [(0.0, 1.0)] * size + [(0.0, HIGHEST_GBP / unit)] * size,
        method="SLSQP",
        options={"maxiter": 1000, "ftol": 1e-12},
    )
    feasible = _spend(raw, answer.x[:groups] * unit) <= budget * (1 + SMOOTH)
    return _loss(raw, answer.x[:groups] * unit) if feasible else np.inf


@pytest.mark.parametrize("share", SHARES[1:3])
@pytest.mark.parametrize("seed", [6, 7])
def test_slsqp_finds_the_same_loss_with_curved_responses(seed: int, share: float) -> None:
    raw = sample(seed, 2, 4, curved=True)
    budget = share * _spend(raw, np.full(raw.groups, HIGHEST_GBP))
    expected = min(_slsqp(raw, budget, start) for start in (100.0, 1500.0, 6000.0))
    loss, _, price = _ask(raw, budget)
    assert abs(loss - expected) <= SMOOTH * raw.people.sum()
    assert abs(_loss(raw, price) - loss) <= LINEAR * raw.people.sum()
    assert _spend(raw, price) <= budget * (1 + 1e-9)
