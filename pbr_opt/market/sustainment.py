"""How many four-weekly sustainment payments an outcome is expected to bring.

A tariff's sustainment fee is worth what its payments are worth: people lose jobs, and money later is worth less.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from pbr_opt.quantities import PERIODS_PER_YEAR, FloatArray

__all__ = ["expected_sustainments", "period_discount_factor"]


def period_discount_factor(discount_rate: float) -> float:
    """Return d, the value now of one pound paid in four weeks, for a yearly rate.

    >>> round(period_discount_factor(0.035) ** 13, 6)
    0.966184
    """
    return float((1.0 + discount_rate) ** (-1.0 / PERIODS_PER_YEAR))


def expected_sustainments(
    exit_hazard: ArrayLike,
    sustainment_max: ArrayLike,
    discount_rate: float = 0.0,
    *,
    reentry_rate: ArrayLike = 0.0,
    sustainment_window: ArrayLike = 0,
) -> FloatArray:
    """Return S, the expected discounted number of sustainment payments after an outcome.

    Without re-entry ``S = z + z**2 + ... + z**cap = z (1 - z**cap) / (1 - z)`` with ``z = (1 - h) d``. With re-
    entry the cap binds on payments and not on periods, so the closed form does not hold; then the dynamic programme
    over (in work or not, payments left, periods left) is solved by backward induction.

    Parameters
    ----------
    exit_hazard : array (segments,)
        h, chance of losing the job in a period, 0..1.
    sustainment_max : array (segments,)
        The cap: most payments for one outcome, whole, at least 0.
    discount_rate : float
        Yearly.
    reentry_rate : array (segments,)
        r, chance that a person out of work is back in work after a period.
    sustainment_window : array (segments,)
        Periods after the outcome within which payments fall due; 0 means no limit but the cap.

    Returns
    -------
    array (segments,)
        Between 0 and the cap; falls in h.

    Notes
    -----
    Job losses are independent between periods. A payment falls due for each period worked to its end.

    Examples
    --------
    >>> expected_sustainments([0.0, 0.1], [13, 13]).round(4).tolist()
    [13.0, 6.7123]
    >>> bool(expected_sustainments(0.1, 13, reentry_rate=0.2) > expected_sustainments(0.1, 13))
    True
    """
    hazard, cap, reentry, window = np.broadcast_arrays(
        *(np.asarray(a, dtype=np.float64) for a in (exit_hazard, sustainment_max, reentry_rate, sustainment_window))
    )
    discount = period_discount_factor(discount_rate)
    if bool((reentry > 0).any()):
        return _with_reentry(hazard, cap, reentry, window, discount)
    return _geometric(hazard, np.where(window > 0, np.minimum(cap, window), cap), discount)


def _geometric(hazard: FloatArray, cap: FloatArray, discount: float) -> FloatArray:
    """Return z (1 - z**cap) / (1 - z), by logarithms so that z near 1 loses no digits."""
    stay = (1.0 - hazard) * discount
    leave = 1.0 - stay
    with np.errstate(divide="ignore", invalid="ignore"):
        total = stay * -np.expm1(cap * np.log(stay)) / leave
    return np.asarray(np.where(leave == 0.0, cap, np.where((stay == 0.0) | (cap == 0.0), 0.0, total)))


def _with_reentry(
    hazard: FloatArray, cap: FloatArray, reentry: FloatArray, window: FloatArray, discount: float
) -> FloatArray:
    """Return the value of the dynamic programme, one column of states for all segments at once."""
    limited = window > 0
    unlimited = _unlimited_window(hazard, cap, reentry, discount)
    if not bool(limited.any()):
        return unlimited
    most, periods = int(cap.max(initial=0)), int(window.max(initial=0))
    working = np.zeros((most + 1, *hazard.shape))
    waiting = np.zeros_like(working)
    answer = np.where(limited, 0.0, unlimited)
    for elapsed in range(1, periods + 1):
        paid = np.zeros_like(working)
        paid[1:] = 1.0 + working[:-1]
        working, waiting = (
            discount * ((1.0 - hazard) * paid + hazard * waiting),
            discount * (reentry * working + (1.0 - reentry) * waiting),
        )
        working[0] = waiting[0] = 0.0
        here = window == elapsed
        if bool(here.any()):
            chosen = np.take_along_axis(working, cap.astype(np.int64)[None, ...], axis=0)[0]
            answer = np.where(here, chosen, answer)
    return answer


def _unlimited_window(hazard: FloatArray, cap: FloatArray, reentry: FloatArray, discount: float) -> FloatArray:
    """Return the value with no limit on periods.

    In work with k payments left, W_k = d((1-h)(1 + W_{k-1}) + h U_k); out of work, U_k = d(r W_k + (1-r) U_k). So
    W_k = z'(1 + W_{k-1}) with z' = d(1-h) / (1 - d h q) and q = d r / (1 - d(1-r)): the geometric sum at another rate.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        back = np.where(reentry > 0, discount * reentry / ((1.0 - discount) + discount * reentry), 0.0)
        stay = discount * (1.0 - hazard) / (1.0 - discount * hazard * back)
    stay = np.where(hazard >= 1.0, 0.0, stay)
    return _geometric(1.0 - stay, cap, 1.0)
