"""Laws of the expected number of sustainment payments: T28, and what re-entry and windows add."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pbr_opt.market.sustainment import expected_sustainments, period_discount_factor
from tests.properties import draws
from tests.properties.tolerances import CANCELLATION, ROUNDING

CAPS = st.one_of(st.sampled_from([0, 1, 13, 26]), st.integers(0, 60))
YEARLY = st.one_of(st.sampled_from([0.0, 0.035, 1.0]), st.floats(0.0, 10.0, allow_subnormal=False))
NEAR_NOTHING = st.one_of(draws.HAZARDS, st.sampled_from([1e-16, 1e-12, 1e-8, 1 - 1e-12]))


@given(NEAR_NOTHING, CAPS, YEARLY)
def test_t28_closed_form(hazard: float, cap: int, discount_rate: float) -> None:
    """S = z + z^2 + ... + z^cap, at every hazard: no digits are lost as z -> 1."""
    stay = (1 - hazard) * period_discount_factor(discount_rate)
    summed = sum(stay**k for k in range(1, cap + 1))
    found = expected_sustainments(hazard, cap, discount_rate).item()
    assert abs(found - summed) <= CANCELLATION * max(summed, 0.0) + 1e-300


@given(st.lists(NEAR_NOTHING, min_size=2, max_size=6), CAPS, YEARLY)
def test_t28_falls_with_the_hazard_and_stays_below_the_cap(
    hazards: list[float], cap: int, discount_rate: float
) -> None:
    """S does not rise with h, lies between 0 and the cap, and is the cap when nobody leaves at no discount."""
    found = expected_sustainments(np.sort(hazards), cap, discount_rate)
    assert np.all(np.diff(found) <= ROUNDING * max(cap, 1))
    assert np.all((found >= 0) & (found <= cap * (1 + ROUNDING)))
    assert expected_sustainments(0.0, cap).item() == cap


@given(draws.HAZARDS, st.integers(0, 12), YEARLY, st.integers(0, 30), draws.RATES)
def test_reentry_and_longer_windows_never_bring_fewer_payments(
    hazard: float, cap: int, discount_rate: float, window: int, reentry: float
) -> None:
    """S with re-entry lies between S without and the cap, and a longer window never lowers it."""

    def count(rate: float, periods: int) -> float:
        return expected_sustainments(hazard, cap, discount_rate, reentry_rate=rate, sustainment_window=periods).item()

    slack = CANCELLATION * max(cap, 1)
    assert count(0.0, window) <= count(reentry, window) + slack
    assert count(reentry, window) <= cap + slack
    if window:
        assert count(reentry, window) <= count(reentry, window + 1) + slack
        assert count(reentry, window + 1) <= count(reentry, 0) + slack


@given(st.lists(st.tuples(draws.HAZARDS, st.integers(0, 9), draws.RATES, st.integers(0, 9)), min_size=1, max_size=6))
def test_segments_do_not_touch_each_other(rows: list[tuple[float, int, float, int]]) -> None:
    """A whole column of segments gives what each gives alone, though it may take another branch of the code."""
    hazard, cap, reentry, window = (np.array(column) for column in zip(*rows, strict=True))
    together = expected_sustainments(hazard, cap, 0.035, reentry_rate=reentry, sustainment_window=window)
    alone = [expected_sustainments(h, c, 0.035, reentry_rate=r, sustainment_window=w).item() for h, c, r, w in rows]
    np.testing.assert_allclose(together, alone, rtol=CANCELLATION, atol=CANCELLATION)
