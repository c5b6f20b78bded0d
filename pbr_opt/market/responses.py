"""How support raises the chance of an outcome: the HARA family, of which the saturating exponential is a member.

The shape matters more than the fit: with 0 <= b < 1 what the Department pays is a convex function of the price, which
keeps its problem tractable. Quadratic, logistic and S-shaped responses break that and are not offered.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import inv_boxcox

from pbr_opt.quantities import FloatArray, IntArray, frozen

__all__ = ["HaraResponse"]


@dataclass(frozen=True, eq=False)
class HaraResponse:
    """Map discretionary support per participant to the probability of a paid outcome.

    ``p(e) = p1 - (p1 - p0) * (1 + b*e/kappa) ** (-(1 - b)/b)``; as b -> 0, ``p1 - (p1 - p0) * exp(-e/kappa)``.

    Parameters
    ----------
    deadweight_rate : array (segments,)
        p0, the probability without discretionary support, 0..1.
    ceiling_rate : array (segments,)
        p1, the probability with unlimited support, p0..1.
    response_scale_gbp : array (segments,)
        kappa, GBP per participant; with b = 0 the spend that closes 63 % of the gap.
    curvature : array (segments,)
        b, 0 <= b < 1.

    Notes
    -----
    Built by :class:`~pbr_opt.market.caseload.Caseload`, which checks the domain; arrays broadcast against a price of
    shape (..., segments).

    Sources
    -------
    Merton (1971) for the HARA family; the curvature theorem that singles out 0 <= b < 1 is in ``docs/theory/model.md``.

    Examples
    --------
    >>> response = HaraResponse(np.array([.12]), np.array([.42]), np.array([600.]), np.array([0.]))
    >>> response.outcome_rate(np.array([0.])).item(), response.parking_threshold_gbp.item()
    (0.12, 2000.0)
    """

    deadweight_rate: FloatArray
    ceiling_rate: FloatArray
    response_scale_gbp: FloatArray
    curvature: FloatArray

    def take(self, rows: IntArray) -> HaraResponse:
        """Return the response of some segments."""
        return HaraResponse(
            self.deadweight_rate[rows], self.ceiling_rate[rows], self.response_scale_gbp[rows], self.curvature[rows]
        )

    @property
    def reach(self) -> FloatArray:
        """Return p1 - p0, the most that support can add."""
        return self.ceiling_rate - self.deadweight_rate

    @cached_property
    def is_exponential(self) -> bool:
        """Whether every segment has b = 0, for which payment is piecewise linear in the price."""
        return not bool(self.curvature.any())

    @cached_property
    def parking_threshold_gbp(self) -> FloatArray:
        """Return x_park = kappa / ((1 - b)(p1 - p0)), infinite where support cannot add anything.

        At this price per outcome the first pound of support just pays for itself.
        """
        with np.errstate(divide="ignore", over="ignore"):
            return frozen(self.response_scale_gbp / ((1.0 - self.curvature) * self.reach))

    def _gap_left(self, support_gbp: FloatArray, power: FloatArray) -> FloatArray:
        """Return (1 + b e / kappa) ** (-power / b)."""
        scaled = support_gbp / self.response_scale_gbp
        if self.is_exponential:
            return np.asarray(np.exp(-power * scaled))
        return np.asarray(inv_boxcox(scaled, self.curvature) ** -power)

    def outcome_rate(self, support_gbp: FloatArray) -> FloatArray:
        """Return p(e), shape (..., segments), for support in GBP per participant, at least 0."""
        return np.asarray(self.ceiling_rate - self.reach * self._gap_left(support_gbp, 1.0 - self.curvature))

    def marginal_outcome_rate(self, support_gbp: FloatArray) -> FloatArray:
        """Return p'(e), shape (..., segments), per GBP; p'(0) = 1 / x_park."""
        power = np.ones_like(self.curvature)
        return np.asarray(self._gap_left(support_gbp, power) / self.parking_threshold_gbp)
