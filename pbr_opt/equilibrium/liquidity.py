"""What working capital does: outcomes pay later than support is bought, and some cannot wait.

A provider that can lay out K in all maximises profit subject to ``sum n e <= K``. The shadow price lambda of that limit
multiplies the cost of support: each segment is served as if an outcome were worth ``x/(1 + lambda)``.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy.optimize import brentq

from pbr_opt.equilibrium.best_response import best_response
from pbr_opt.market.responses import HaraResponse
from pbr_opt.quantities import FloatArray

__all__ = ["shadow_price"]

_ENOUGH: Final = 1e-12
"""Support within this of what is available, relatively, is within it: both are sums of many products."""
_ROOT: Final = 1e-14


def shadow_price(
    response: HaraResponse,
    worth_gbp: FloatArray,
    people: FloatArray,
    available_gbp: float,
    minimum_service_gbp: FloatArray | float = 0.0,
) -> float:
    """Return lambda, what a provider would gain by one more pound of working capital.

    With b = 0 support is ``kappa ln(r/(1 + lambda))`` where the ratio ``r = x/x_park`` exceeds ``1 + lambda``; over the
    segments still served, ``ln(1 + lambda) = (sum n kappa ln r - K)/sum n kappa``: exact by sorting r (water-
    filling). With b > 0 by bisection.

    Parameters
    ----------
    response : HaraResponse
        Of the segments.
    worth_gbp, people : array (segments,)
        x, what an outcome is worth to the provider, and n.
    available_gbp : float
        K: what is left of working capital and attachment fees for support.
    minimum_service_gbp : array (segments,), optional
        Support that must be given whatever there is.

    Returns
    -------
    float
        0 where the limit does not bind; where not even the minimum can be paid for, the price at which nobody gets
        more.

    Examples
    --------
    >>> one = HaraResponse(np.array([.12]), np.array([.42]), np.array([600.]), np.array([0.]))
    >>> round(shadow_price(one, np.array([8000.0]), np.array([100.0]), 600.0 * 100 * np.log(2.0)), 9)
    1.0
    """
    least = np.broadcast_to(np.asarray(minimum_service_gbp, dtype=np.float64), worth_gbp.shape)
    there = best_response(response, worth_gbp, minimum_service_gbp=least)
    if float(people @ there.support_gbp) <= available_gbp * (1.0 + _ENOUGH):
        return 0.0
    served = np.flatnonzero((there.incentive > 1.0) & (people > 0))
    if not served.size:
        return 0.0
    highest = float(there.incentive[served].max())
    if available_gbp <= float(people @ least):
        return highest - 1.0
    if response.is_exponential and not least.any():
        weight = (people * response.response_scale_gbp)[served]
        return _by_sorting(there.incentive[served], weight, available_gbp)

    def excess(log_dearth: float) -> float:
        dearer = best_response(response, worth_gbp / np.exp(log_dearth), minimum_service_gbp=least)
        return float(people @ dearer.support_gbp) - available_gbp

    return float(np.expm1(brentq(excess, 0.0, float(np.log(highest)), xtol=_ROOT)))


def _by_sorting(ratio: FloatArray, weight: FloatArray, available: float) -> float:
    order = np.argsort(-ratio)
    log_ratio, weight = np.log(ratio[order]), weight[order]
    level = (np.cumsum(weight * log_ratio) - available) / np.cumsum(weight)
    following = np.append(log_ratio[1:], 0.0)
    k = int(np.argmax(level >= following))  # the first k segments are served when the next one is no longer worth it
    return float(np.expm1(max(level[k], 0.0)))
