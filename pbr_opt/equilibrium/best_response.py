"""What a provider that is paid a price per outcome does for each segment, in closed form.

The provider maximises ``(x + m) * p(e) - e``. Below the parking threshold the first pound of support does not pay for
itself and the participant is parked; above it support rises with the logarithm (b = 0) or a power (b > 0) of the price.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import boxcox

from pbr_opt.market.responses import HaraResponse
from pbr_opt.quantities import THRESHOLD_RELATIVE, BoolArray, FloatArray

__all__ = ["BestResponse", "best_response", "first_best_support_gbp"]


@dataclass(frozen=True, slots=True, eq=False)
class BestResponse:
    """What a provider does for each segment at a price, shape (..., segments) throughout.

    Attributes
    ----------
    price_gbp : array
        x, what the payer pays per outcome (on average, where an accelerator pays some outcomes more).
    mission_gbp : array
        m, what an outcome is worth to the provider beyond that.
    support_gbp : array
        e*, GBP per participant.
    outcome_rate : array
        P, between deadweight and ceiling.
    parked : array of bool
        Whether the next pound of support would not pay for itself (see :func:`best_response`).
    incentive : array
        What the first pound of support beyond the minimum service brings in, GBP: (x + m) p'.
    """

    price_gbp: FloatArray
    mission_gbp: FloatArray
    support_gbp: FloatArray
    outcome_rate: FloatArray
    parked: BoolArray
    incentive: FloatArray

    def __post_init__(self) -> None:
        """Write-protect every array."""
        for array in (
            self.price_gbp,
            self.mission_gbp,
            self.support_gbp,
            self.outcome_rate,
            self.parked,
            self.incentive,
        ):
            array.setflags(write=False)

    def take(self, rows: slice) -> BestResponse:
        """Return some of many prices, by position along the first axis."""
        support, rate, parked = self.support_gbp[rows], self.outcome_rate[rows], self.parked[rows]
        return BestResponse(self.price_gbp[rows], self.mission_gbp, support, rate, parked, self.incentive[rows])

    @property
    def first_pound_loss(self) -> FloatArray:
        """Return L = max(0, 1 - (x + m) p'), the incentive to park: zero exactly when the first pound pays."""
        return np.where(self.incentive < 1.0 - THRESHOLD_RELATIVE, 1.0 - self.incentive, 0.0)

    @property
    def payment_gbp(self) -> FloatArray:
        """Return E = x P, outcome payments per participant."""
        return self.price_gbp * self.outcome_rate

    @property
    def profit_gbp(self) -> FloatArray:
        """Return x P - e, GBP per participant, before attachment fees and fixed costs."""
        return self.payment_gbp - self.support_gbp

    @property
    def provider_value_gbp(self) -> FloatArray:
        """Return V = (x + m) P - e, what the provider maximises."""
        return (self.price_gbp + self.mission_gbp) * self.outcome_rate - self.support_gbp


def best_response(
    response: HaraResponse,
    price_gbp: ArrayLike,
    *,
    mission_gbp: ArrayLike = 0.0,
    minimum_service_gbp: ArrayLike = 0.0,
    outcome_value_gbp: ArrayLike | None = None,
) -> BestResponse:
    """Return what maximises ``(x + m) p(e) - e`` over ``e >= e_min``.

    With ``r = (x + m) / x_park``: ``e* = kappa (r**b - 1)/b`` (b = 0: ``kappa ln r``) for r > 1 and 0 otherwise, then
    ``e = max(e*, e_min)``; without a minimum ``P = p1 - (p1 - p0) r**-(1 - b)``.

    Parameters
    ----------
    response : HaraResponse
        Of the segments.
    price_gbp : array (..., segments)
        x, at least 0.
    mission_gbp, minimum_service_gbp : array (segments,) or scalar
        m in GBP per outcome, e_min in GBP per participant.
    outcome_value_gbp : array (segments,), optional
        v. Where a minimum service is required, a participant whom further help would not pay society is not called
        parked; without v every participant held at the minimum is.

    Returns
    -------
    BestResponse
        Support, outcome rate, parked.

    Notes
    -----
    A participant is parked when the incentive of the first pound beyond the minimum is below one pound. On the
    threshold itself support is zero and the participant is not parked: the provider is indifferent.

    Examples
    --------
    >>> segment = HaraResponse(np.array([.12]), np.array([.42]), np.array([600.]), np.array([0.]))
    >>> there = best_response(segment, [4000.0])
    >>> round(there.support_gbp.item(), 2), round(there.outcome_rate.item(), 4), there.parked.item()
    (415.89, 0.27, False)
    >>> round(there.payment_gbp.item(), 6)  # p1 * x - kappa
    1080.0
    """
    price = np.array(price_gbp, dtype=np.float64)
    mission = np.array(mission_gbp, dtype=np.float64)
    minimum = np.asarray(minimum_service_gbp, dtype=np.float64)
    with np.errstate(over="ignore"):
        incentive = ((price + mission) if mission.any() else price) / response.parking_threshold_gbp
    pull = np.maximum(incentive, 1.0)
    if response.is_exponential:
        support = response.response_scale_gbp * np.log(pull)
        rate = response.ceiling_rate - response.reach / pull
    else:
        support = response.response_scale_gbp * boxcox(pull, response.curvature)
        rate = response.ceiling_rate - response.reach * pull ** (response.curvature - 1.0)
    if minimum.any():
        support = np.maximum(support, minimum)
        rate = np.where(support > minimum, rate, response.outcome_rate(support))
        slope = response.marginal_outcome_rate(np.broadcast_to(minimum, support.shape))
        incentive = (price + mission) * slope
        parked = incentive < 1.0 - THRESHOLD_RELATIVE
        if outcome_value_gbp is not None:
            parked &= (minimum == 0.0) | (np.asarray(outcome_value_gbp) * slope > 1.0)
    else:
        parked = incentive < 1.0 - THRESHOLD_RELATIVE
    return BestResponse(price, mission, support, rate, parked, incentive)


def first_best_support_gbp(response: HaraResponse, outcome_value_gbp: ArrayLike) -> FloatArray:
    """Return e_FB, the support that society would buy if an additional outcome is worth v: the best response to v.

    >>> segment = HaraResponse(np.array([.12]), np.array([.42]), np.array([600.]), np.array([0.]))
    >>> first_best_support_gbp(segment, 2000.0).tolist()
    [0.0]
    """
    return best_response(response, np.broadcast_to(outcome_value_gbp, response.reach.shape)).support_gbp
