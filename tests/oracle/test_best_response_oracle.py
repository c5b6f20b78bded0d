"""What a provider does, by looking at every level of support instead of at the first-order condition."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from pbr_opt.equilibrium.best_response import best_response, first_best_support_gbp
from tests.oracle.samples import Floats, Raw, rate, sample

PROFIT_GBP = 1e-6
"""A search that stops within d of the best level is off by d**2 p'' x / 2: some 1e-8 at a bracket of a penny."""

GRID_STEP = 2e-4
"""Relative to the widest support worth trying: 5,000 levels."""

BRACKET_GBP = 0.5
"""Profit is flat at its top: a level of support 50 pence away loses less than a search can see (about 1e-6)."""

PRICES = (500.0, 1500.0, 4000.0, 20_000.0)


def _profit(raw: Raw, row: int, price: float, support: Floats) -> Floats:
    return price * rate(raw.only(row), support) - support


@pytest.mark.parametrize("curved", [False, True])
@pytest.mark.parametrize("least", [0.0, 120.0])
def test_no_level_on_a_grid_beats_the_closed_form(curved: bool, least: float) -> None:
    raw = sample(1, 3, 4, curved=curved)
    response = raw.programme().caseload.response
    for price in PRICES:
        claimed = best_response(response, price, minimum_service_gbp=least)
        for row in range(raw.people.size):
            most = least + price * (raw.high - raw.low)[row]
            levels = np.arange(least, most, GRID_STEP * most)
            profits = _profit(raw, row, price, levels)
            assert profits.max() <= claimed.profit_gbp[row] + PROFIT_GBP
            assert abs(levels[profits.argmax()] - claimed.support_gbp[row]) <= 2 * GRID_STEP * most + BRACKET_GBP


@pytest.mark.parametrize("curved", [False, True])
def test_scipy_finds_the_same_support_and_outcome_rate(curved: bool) -> None:
    raw = sample(2, 3, 4, curved=curved)
    response = raw.programme().caseload.response
    for price in PRICES:
        claimed = best_response(response, price)
        for row in range(raw.people.size):
            most = price * (raw.high - raw.low)[row]
            found = minimize_scalar(
                lambda support, r=row, x=price: -float(_profit(raw, r, x, np.array([support]))[0]),
                bounds=(0.0, most),
                method="bounded",
                options={"xatol": 1e-6},
            )
            idle = float(_profit(raw, row, price, np.zeros(1))[0])  # the search never tries the end itself
            np.testing.assert_allclose(claimed.profit_gbp[row], max(-found.fun, idle), atol=PROFIT_GBP, rtol=0)
            assert abs(found.x - claimed.support_gbp[row]) <= BRACKET_GBP
            assert bool(claimed.parked[row]) == (price < (raw.scale / ((1 - raw.bend) * (raw.high - raw.low)))[row])


def test_mission_is_a_price_the_payer_does_not_pay() -> None:
    raw = sample(3, 2, 4)
    response = raw.programme().caseload.response
    claimed = best_response(response, 2000.0, mission_gbp=1500.0)
    for row in range(raw.people.size):
        levels = np.linspace(0.0, 3500.0, 20_001)
        values = _profit(raw, row, 3500.0, levels)
        assert values.max() <= claimed.provider_value_gbp[row] + PROFIT_GBP
        at = levels[values.argmax()]
        assert abs(at - claimed.support_gbp[row]) <= BRACKET_GBP
        np.testing.assert_allclose(claimed.payment_gbp[row], 2000.0 * (values.max() + at) / 3500.0, rtol=1e-3)


def test_first_best_support_maximises_social_value() -> None:
    raw = sample(4, 2, 5)
    found = first_best_support_gbp(raw.programme().caseload.response, 5000.0)
    levels = np.linspace(0.0, 2500.0, 25_001)
    social = 5000.0 * (rate(raw, levels[:, None]) - raw.low) - levels[:, None]
    np.testing.assert_allclose(found, levels[social.argmax(axis=0)], atol=BRACKET_GBP)
