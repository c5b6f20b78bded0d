"""How much the worth of a person's sustainment payments varies: its mean square, which the Monte Carlo error needs."""

from __future__ import annotations

import numpy as np

from pbr_opt.market.sustainment import period_discount_factor
from pbr_opt.quantities import FloatArray, IntArray

__all__ = ["expected_square"]


def expected_square(
    exit_hazard: FloatArray,
    sustainment_max: IntArray,
    discount_rate: float,
    *,
    reentry_rate: FloatArray,
    sustainment_window: IntArray,
) -> FloatArray:
    """Return E[V^2], with V the discounted number of sustainment payments after an outcome.

    The process of :func:`~pbr_opt.market.sustainment.expected_sustainments`, by backward induction over periods on the
    first two moments. With k payments left, in work or out of it,

    ``W_k = d ((1-h) (1 + W_{k-1}) + h U_k)``, ``W2_k = d^2 ((1-h) (1 + 2 W_{k-1} + W2_{k-1}) + h U2_k)``,
    ``U_k = d (r W_k + (1-r) U_k)``, ``U2_k = d^2 (r W2_k + (1-r) U2_k)``, each side one period later on the right.

    Parameters
    ----------
    exit_hazard, sustainment_max, discount_rate, reentry_rate, sustainment_window
        As there, arrays of one shape.

    Returns
    -------
    array (segments,)
        Between the square of the mean and that of the cap. With re-entry and no window nobody is ever finished, and
        the square of the cap is returned: an upper bound, and exact without discounting where everybody returns.

    Examples
    --------
    >>> h, cap, no = np.array([0.1]), np.array([2]), np.array([0])
    >>> square = expected_square(h, cap, 0.0, reentry_rate=np.array([0.0]), sustainment_window=no)
    >>> square.round(4).tolist()  # 1 payment with chance .9 * .1, 2 with .81
    [3.33]
    """
    endless = (reentry_rate > 0.0) & (sustainment_window == 0)
    limit = np.where(sustainment_window > 0, sustainment_window, sustainment_max)
    discount, answer = period_discount_factor(discount_rate), np.where(endless, sustainment_max.astype(float) ** 2, 0.0)
    most = int(sustainment_max.max(initial=0))
    work, work2, out, out2 = np.zeros((4, most + 1, exit_hazard.size))
    for elapsed in range(1, int(limit.max(initial=0)) + 1):
        paid, paid2 = np.zeros_like(work), np.zeros_like(work)
        paid[1:], paid2[1:] = 1.0 + work[:-1], 1.0 + 2.0 * work[:-1] + work2[:-1]
        stay, lose, back, wait = 1.0 - exit_hazard, exit_hazard, reentry_rate, 1.0 - reentry_rate
        work, out = discount * (stay * paid + lose * out), discount * (back * work + wait * out)
        work2, out2 = discount**2 * (stay * paid2 + lose * out2), discount**2 * (back * work2 + wait * out2)
        for moment in (work, work2, out, out2):
            moment[0] = 0.0
        here = ~endless & (limit == elapsed)
        answer = np.where(here, np.take_along_axis(work2, sustainment_max[None, :], axis=0)[0], answer)
    return answer
