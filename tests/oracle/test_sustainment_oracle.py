"""Expected sustainment payments, by playing careers out and by writing the Markov chain down."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from pbr_opt.market.sustainment import expected_sustainments

PEOPLE = 40_000
STANDARD_ERRORS = 4.5
"""A sound simulation is further off than this once in 150,000 runs; the seeds are fixed, so it never is."""

CHAIN = 1e-9
"""Relative: the matrix and the recursion add up the same few hundred terms in another order."""

ENDLESS = 700
"""Periods played out where there is no window: with r = .2 and h <= .3 a chance below 1e-9 is left of any payment."""

CASES = [
    # hazard, cap, yearly discount, reentry, window
    (0.1, 13, 0.0, 0.0, 0),
    (0.1, 13, 0.035, 0.0, 0),
    (0.02, 26, 0.035, 0.0, 0),
    (0.1, 13, 0.0, 0.0, 6),
    (0.1, 13, 0.035, 0.2, 26),
    (0.3, 13, 0.0, 0.2, 20),
    (0.3, 26, 0.5, 0.2, 0),
    (1.0, 13, 0.0, 0.5, 30),
    (0.0, 13, 0.035, 0.5, 30),
    (0.3, 5, 0.0, 1.0, 12),
]


@pytest.mark.parametrize(("hazard", "cap", "yearly", "reentry", "window"), CASES)
def test_simulated_careers(hazard: float, cap: int, yearly: float, reentry: float, window: int) -> None:
    """Play careers: each period worked to its end pays once, until the cap or the window."""
    rng = np.random.default_rng(20110601)
    working = np.ones(PEOPLE, dtype=bool)
    paid, worth = np.zeros(PEOPLE, dtype=int), np.zeros(PEOPLE)
    limit = window or (cap if reentry == 0 else ENDLESS)
    for period in range(1, limit + 1):
        luck = rng.random(PEOPLE)
        stays = working & (luck >= hazard)
        pays = stays & (paid < cap)
        worth += pays * (1 + yearly) ** (-4 * period / 52)
        paid += pays
        working = stays | (~working & (luck < reentry))
    found = expected_sustainments(hazard, cap, yearly, reentry_rate=reentry, sustainment_window=window).item()
    error = worth.std() / np.sqrt(PEOPLE)
    assert abs(found - worth.mean()) <= STANDARD_ERRORS * error + 1e-9


def _chain(hazard: float, cap: int, reentry: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return transitions and payments between (in work, k left) = k and (out of work, k left) = cap + 1 + k."""
    size = 2 * (cap + 1)
    move, pay = np.zeros((size, size)), np.zeros(size)
    for left in range(1, cap + 1):
        at_work, out = left, cap + 1 + left
        move[at_work, left - 1] += 1 - hazard
        move[at_work, out] += hazard
        pay[at_work] = 1 - hazard
        move[out, at_work] += reentry
        move[out, out] += 1 - reentry
    move[0, 0] = move[cap + 1, cap + 1] = 1.0  # nothing left to be paid
    return move, pay


@pytest.mark.parametrize(("hazard", "cap", "yearly", "reentry", "window"), CASES)
def test_explicit_markov_chain(hazard: float, cap: int, yearly: float, reentry: float, window: int) -> None:
    """Within a window sum matrix powers; without one solve the linear equations of the chain."""
    move, pay = _chain(hazard, cap, reentry)
    factor = (1 + yearly) ** (-4 / 52)
    if window:
        where, expected = np.eye(len(pay))[cap], 0.0
        for period in range(window):
            expected += factor ** (period + 1) * float(where @ pay)
            where = where @ move
    else:
        live = np.array([k for k in range(len(pay)) if k not in (0, cap + 1)])
        inside = move[np.ix_(live, live)]
        if reentry == 0:  # out of work for good: leave those states out, their equations have no unique answer
            live, inside = live[:cap], inside[:cap, :cap]
        value = np.linalg.solve(np.eye(live.size) - factor * inside, factor * pay[live])
        expected = float(value[np.flatnonzero(live == cap)[0]])
    found = expected_sustainments(hazard, cap, yearly, reentry_rate=reentry, sustainment_window=window).item()
    np.testing.assert_allclose(found, expected, rtol=CHAIN, atol=CHAIN)
