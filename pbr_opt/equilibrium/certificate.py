"""Certificates: the most that any provider could gain by doing something else, searched for from scratch.

This module must share no code with the closed forms. It writes the response out again, tries other levels of support on
a grid that it refines round the best one found, and compares profits. It imports neither ``responses`` nor
``best_response``; a test sees to that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from pbr_opt.errors import CertificateError
from pbr_opt.market.caseload import Caseload
from pbr_opt.quantities import CERTIFICATE_TOLERANCE_GBP, FloatArray

__all__ = ["Certificate", "ProviderClaim", "certify_provider"]

_POINTS: Final = 33
_ROUNDS: Final = 6
_BLOCK: Final = 8_192


@dataclass(frozen=True, slots=True)
class Certificate:
    """Evidence that nobody gains by deviating alone.

    Attributes
    ----------
    largest_gain_gbp : float
        Most that any player was found to gain, GBP per participant; 0 when no deviation gains.
    tolerance_gbp : float
        What counts as rounding, GBP per participant.
    player : str
        Who would gain most.
    reason : str
        Why the tolerance is what it is.
    """

    largest_gain_gbp: float
    tolerance_gbp: float
    player: str
    reason: str

    @property
    def holds(self) -> bool:
        """Whether no deviation gains more than rounding."""
        return self.largest_gain_gbp <= self.tolerance_gbp

    def require(self) -> None:
        """Raise :class:`~pbr_opt.errors.CertificateError` unless the certificate holds."""
        if not self.holds:
            raise CertificateError(
                f"{self.player} could gain £{self.largest_gain_gbp:,.6g} per participant by deviating; "
                f"tolerated: £{self.tolerance_gbp:g} ({self.reason})"
            )


@dataclass(frozen=True, slots=True, eq=False)
class ProviderClaim:
    """What is claimed of a provider, per segment: its gain per outcome, its least support, its support, its outcomes.

    Attributes
    ----------
    gain_per_outcome_gbp : array (segments,)
        x + m.
    least_support_gbp : array (segments,)
        The minimum service.
    support_gbp, outcome_rate : array (segments,)
        What the provider is said to do, and what is said to come of it.
    """

    gain_per_outcome_gbp: FloatArray
    least_support_gbp: FloatArray
    support_gbp: FloatArray
    outcome_rate: FloatArray


def certify_provider(caseload: Caseload, claim: ProviderClaim, player: str = "prime") -> Certificate:
    """Search for a better level of support in every segment, and return the largest gain found.

    Parameters
    ----------
    caseload : Caseload
        The segments; their numbers are used, their closed forms are not.
    claim : ProviderClaim
        What the provider is said to do.
    player : str, optional
        Its name.

    Returns
    -------
    Certificate
        In GBP per participant. A claimed outcome rate that does not follow from the claimed support counts as a gain
        of its worth.

    Notes
    -----
    No provider ever gains by spending more than ``(x + m)(p1 - p0)`` beyond the minimum, so the search is bounded.

    Examples
    --------
    >>> people = Caseload(["a"], 100, .12, .42, 600)
    >>> idle = ProviderClaim(np.array([4000.]), np.zeros(1), np.zeros(1), np.array([.12]))
    >>> certificate = certify_provider(people, idle)
    >>> certificate.holds, round(certificate.largest_gain_gbp, 2)
    (False, 184.11)
    """
    gains = np.concatenate(
        [_largest_gain(caseload, claim, slice(k, k + _BLOCK)) for k in range(0, len(caseload), _BLOCK)]
    )
    worst = int(np.argmax(gains))
    return Certificate(
        largest_gain_gbp=float(gains[worst]),
        tolerance_gbp=CERTIFICATE_TOLERANCE_GBP,
        player=f"{player}, segment {worst} of group '{caseload.groups[caseload.group_index[worst]]}'",
        reason="rounding of profits of up to £1e4 per participant, and the bracket where the search stops",
    )


def _largest_gain(caseload: Caseload, claim: ProviderClaim, block: slice) -> FloatArray:
    """Return the best gain found per segment of a block, at least 0."""
    low, high = caseload.deadweight_rate[block], caseload.ceiling_rate[block]
    scale, bend = caseload.response_scale_gbp[block], caseload.curvature[block]
    worth, least = claim.gain_per_outcome_gbp[block], claim.least_support_gbp[block]

    def rate(support: FloatArray) -> FloatArray:
        curved = np.where(bend > 0, bend, 1.0)
        exponent = np.where(bend > 0, (1.0 - bend) / curved * np.log1p(curved * support / scale), support / scale)
        return np.asarray(high + (low - high) * np.exp(-exponent))

    def profit(support: FloatArray) -> FloatArray:
        return worth * rate(support) - support

    claimed_support, claimed_rate = claim.support_gbp[block], claim.outcome_rate[block]
    start, stop = least, least + worth * (high - low)
    best = np.full(low.shape, -np.inf)
    for _ in range(_ROUNDS):
        tried = start + np.linspace(0.0, 1.0, _POINTS)[:, None] * (stop - start)
        profits = profit(tried)
        at = profits.argmax(axis=0)
        best = np.maximum(best, profits.max(axis=0))
        centre, width = np.take_along_axis(tried, at[None], axis=0)[0], (stop - start) / (_POINTS - 1)
        start, stop = np.maximum(centre - width, least), centre + width
    misstated = worth * np.abs(claimed_rate - rate(claimed_support))
    short = np.maximum(least - claimed_support, 0.0)
    return np.asarray(np.maximum(best - profit(claimed_support), 0.0) + misstated + short)
