"""Fit the segments of one payment group: how near to work its people are, and what support can do for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit, logit, ndtri

from pbr_opt.equilibrium.best_response import best_response
from pbr_opt.errors import Fault, InvalidInputError
from pbr_opt.market.responses import HaraResponse
from pbr_opt.quantities import FloatArray

__all__ = ["GroupFit", "rounded", "slice_means"]

_DIGITS: Final = 10
"""Significant digits kept of what is derived: what is written to a file is what is used, and the last bits of a
library's exponential, which differ between machines, do not show. The fit suffers by no more than 1e-9."""

_HIGHEST_UPLIFT: Final = 60.0
"""Logits; exp(-60) is below the rounding of 1, so a ceiling that high is certainty."""

_ROOT: Final = 1e-14
"""Roots are found to this, in logits: well inside the digits that are kept."""

_NOTHING: Final = 1e-12
"""An observed rate this near to the deadweight rate leaves nothing for support to explain: a difference that small is
rounding, and every uplift that helps nobody would fit it."""


def rounded(values: FloatArray) -> FloatArray:
    """Return values rounded to ten significant digits.

    >>> rounded(np.array([1 / 3])).tolist()
    [0.3333333333]
    """
    return np.array([float(f"{value:.{_DIGITS}g}") for value in np.ravel(values)]).reshape(np.shape(values))


def slice_means(count: int) -> FloatArray:
    """Return the mean of a standard normal variable inside each of ``count`` slices of equal probability.

    ``z_i = count * (phi(a_i) - phi(a_i+1))`` with the slice's edges a. Means, not midpoints: they keep the mean of any
    function that is linear in z, and are the best step approximation in squares.

    >>> slice_means(2).round(6).tolist()
    [-0.797885, 0.797885]
    """
    edges = ndtri(np.linspace(0.0, 1.0, count + 1))
    density = np.exp(-0.5 * edges * edges) / np.sqrt(2.0 * np.pi)
    return np.asarray(count * (density[:-1] - density[1:]))


@dataclass(frozen=True, slots=True)
class GroupFit:
    """One payment group while it is being fitted.

    Attributes
    ----------
    name : str
        Its id, for messages.
    price_gbp : float
        x, what an outcome paid, GBP.
    deadweight_rate, observed_rate : float
        Means over the group without discretionary support, and in equilibrium at that price.
    response_scale_gbp, curvature : float
        kappa and b, the same for all its segments.
    readiness : array (segments,)
        sigma z, how far each segment is from the group's centre, logits.
    """

    name: str
    price_gbp: float
    deadweight_rate: float
    observed_rate: float
    response_scale_gbp: float
    curvature: float
    readiness: FloatArray

    def deadweight_logits(self) -> FloatArray:
        """Return mu + sigma z, with mu such that the mean of expit is the group's deadweight."""
        centre, reach = logit(self.deadweight_rate), float(np.abs(self.readiness).max())
        if reach < _ROOT:  # nobody differs
            return np.full(self.readiness.size, centre)

        def excess(mu: float) -> float:
            return float(expit(mu + self.readiness).mean()) - self.deadweight_rate

        return np.asarray(brentq(excess, centre - reach, centre + reach, xtol=_ROOT) + self.readiness)

    def ceilings(self, floor: FloatArray) -> FloatArray:
        """Return the rates with unlimited support: one uplift in logits that makes the equilibrium fit.

        Raises
        ------
        InvalidInputError
            When even certainty of an outcome for all who are helped would not pay for the observed rate.
        """

        def excess(uplift: float) -> float:
            rate = best_response(self.response(floor, uplift), np.full(floor.size, self.price_gbp)).outcome_rate
            return float(rate.mean()) - self.observed_rate

        if excess(0.0) >= -_NOTHING:
            return np.asarray(expit(floor))
        if excess(_HIGHEST_UPLIFT) < 0.0:
            raise InvalidInputError("Central case", [self._out_of_reach(excess(_HIGHEST_UPLIFT))])
        return np.asarray(expit(floor + brentq(excess, 0.0, _HIGHEST_UPLIFT, xtol=_ROOT)))

    def response(self, floor: FloatArray, uplift: float) -> HaraResponse:
        """Return the response of the group's segments at an uplift."""
        full = np.ones(floor.size)
        ceiling = np.maximum(expit(floor + uplift), expit(floor))
        return HaraResponse(expit(floor), ceiling, full * self.response_scale_gbp, full * self.curvature)

    def _out_of_reach(self, excess: float) -> Fault:
        return Fault(
            f"observed_rate (group '{self.name}')",
            f"{self.observed_rate:.6g}",
            f"at most {self.observed_rate + excess:.6g}, which £{self.price_gbp:,.0f} an outcome can buy "
            f"at a response scale of £{self.response_scale_gbp:,.0f}",
            "a smaller response scale, a higher deadweight rate or a higher price",
        )
