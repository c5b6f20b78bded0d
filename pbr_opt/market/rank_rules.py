"""Rank rules: referrals move to whoever leads by more than a margin. Smooth when the measured lead is noisy.

These are the rules nearest to the market share shift of 2013; its numbers are recalled, UNCONFIRMED.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr

from pbr_opt.market.share_rules import pairwise_shares
from pbr_opt.quantities import FloatArray, Inspection

__all__ = ["LEAD_ROUNDING", "RankShare", "SmoothedRankShare", "sampling_noise"]

LEAD_ROUNDING: Final = 1e-12
"""A lead over the margin by less than this is rounding: outcome rates are sums of some hundred terms of at most 1."""

_ROOT_TWO_PI: Final = float(np.sqrt(2.0 * np.pi))


def _normal_transfer(lead: ArrayLike, moved: float, margin: float, scale: float) -> FloatArray:
    """Return ``moved`` times P(lead + noise > margin) - P(lead + noise < -margin)."""
    gap = np.asarray(lead, dtype=np.float64)
    return np.asarray(moved * (ndtr((gap - margin) / scale) - ndtr((-gap - margin) / scale)))


def _normal_slope(lead: ArrayLike, moved: float, margin: float, scale: float) -> FloatArray:
    gap = np.asarray(lead, dtype=np.float64)
    density = np.exp(-0.5 * ((gap - margin) / scale) ** 2) + np.exp(-0.5 * ((gap + margin) / scale) ** 2)
    return np.asarray(moved / (scale * _ROOT_TWO_PI) * density)


def _inspect_moved(check: Inspection, place: str, moved: float, primes: int) -> None:
    """Record a transfer that can make a share negative."""
    most = 1.0 / (primes * (primes - 1))
    if moved > most:
        check.fault(place, moved, f"at most {most:.6g} with {primes} primes", "nobody can lose more than all referrals")


@dataclass(frozen=True, slots=True)
class SmoothedRankShare:
    """Move ``points`` of the referrals with the probability that one prime leads the other by more than ``margin``.

    ``T(d) = points [N((d - margin)/scale) - N((-d - margin)/scale)]``, N the normal distribution function: the
    measured lead is the true one plus normal noise.

    Parameters
    ----------
    points : float
        Share of new referrals that moves between two primes, 0..1.
    scale : float
        Standard deviation of the noise of the measured lead, in units of outcome rate, above 0.
    margin : float, optional
        The lead that must be exceeded, 0..1.

    Raises
    ------
    InvalidInputError
        With every fault at once.

    Sources
    -------
    Lazear and Rosen (1981), Rank-order tournaments as optimum labor contracts.

    Examples
    --------
    >>> SmoothedRankShare(0.05, 0.02).shares([0.32, 0.30]).round(4).tolist()
    [0.5341, 0.4659]
    """

    points: float
    scale: float
    margin: float = 0.0

    def __post_init__(self) -> None:
        """Check the numbers."""
        check = Inspection("SmoothedRankShare")
        for name in ("points", "margin"):
            object.__setattr__(self, name, check.number(name, getattr(self, name), highest=1.0))
        scale = check.number("scale", self.scale)
        if scale == 0.0 and not any(fault.place == "scale" for fault in check.faults):
            check.fault("scale", scale, "a standard deviation above 0", "RankShare has no noise by default")
        check.finish()
        object.__setattr__(self, "scale", scale)

    def transfer(self, lead: ArrayLike, primes: int) -> FloatArray:
        """Return T(d)."""
        return _normal_transfer(lead, self.points, self.margin, self.scale)

    def transfer_slope(self, lead: ArrayLike, primes: int) -> FloatArray:
        """Return T'(d)."""
        return _normal_slope(lead, self.points, self.margin, self.scale)

    def shares(self, performance: ArrayLike) -> FloatArray:
        """Return the expected shares, shape (..., primes)."""
        return pairwise_shares(self, performance)

    def swing(self, primes: int) -> float:
        """Return twice the points for each other prime: from losing to all to winning against all."""
        return 2.0 * self.points * (primes - 1)

    def inspect(self, check: Inspection, primes: int) -> None:
        """Record points that can make a share negative."""
        _inspect_moved(check, "points", self.points, primes)


@dataclass(frozen=True, slots=True)
class RankShare:
    """Move ``shift`` of new referrals to a prime that leads another by more than ``margin``: the rule of 2013.

    Without noise T is a step function: ``shift`` beyond the margin, 0 within it. With noise it is that of
    :class:`SmoothedRankShare`.

    Parameters
    ----------
    shift : float, optional
        Share of the area's new referrals in the group, 0..1. Default 5 points: recalled, UNCONFIRMED.
    margin : float, optional
        Lead in outcome rate that must be exceeded, 0..1. Default 3 points: recalled, UNCONFIRMED.
    noise : float, optional
        Standard deviation of the measured lead, at least 0; see :func:`sampling_noise`.

    Raises
    ------
    InvalidInputError
        With every fault at once.

    Notes
    -----
    No page that could be read gives the size of the shift or of the margin (``docs/decisions/0007-share-shift.md``).
    With three primes every pair is compared: ASSUMED, the rule for three was not found either.

    Examples
    --------
    >>> RankShare().shares([[0.32, 0.29], [0.32, 0.28]]).round(3).tolist()
    [[0.5, 0.5], [0.55, 0.45]]
    """

    shift: float = 0.05
    margin: float = 0.03
    noise: float = 0.0

    def __post_init__(self) -> None:
        """Check the numbers."""
        check = Inspection("RankShare")
        for name in ("shift", "margin", "noise"):
            object.__setattr__(self, name, check.number(name, getattr(self, name), highest=1.0))
        check.finish()

    def transfer(self, lead: ArrayLike, primes: int) -> FloatArray:
        """Return T(d)."""
        if self.noise > 0.0:
            return _normal_transfer(lead, self.shift, self.margin, self.noise)
        gap = np.asarray(lead, dtype=np.float64)
        beyond = np.abs(gap) > self.margin + LEAD_ROUNDING
        return np.asarray(np.where(beyond, self.shift * np.sign(gap), 0.0))

    def transfer_slope(self, lead: ArrayLike, primes: int) -> FloatArray:
        """Return T'(d): with noise that of the smoothed rule; without noise 0, for the step itself has no slope."""
        if self.noise > 0.0:
            return _normal_slope(lead, self.shift, self.margin, self.noise)
        return np.zeros(np.shape(lead))

    def shares(self, performance: ArrayLike) -> FloatArray:
        """Return the shares (expected ones when there is noise), shape (..., primes)."""
        return pairwise_shares(self, performance)

    def swing(self, primes: int) -> float:
        """Return twice the shift for each other prime."""
        return 2.0 * self.shift * (primes - 1)

    def inspect(self, check: Inspection, primes: int) -> None:
        """Record a shift that can make a share negative."""
        _inspect_moved(check, "shift", self.shift, primes)


def sampling_noise(outcome_rate: float, participants: float) -> float:
    """Return the standard deviation of a measured lead between two primes of equal size and rate, from chance alone.

    ``sqrt(2 q (1 - q) / n)``: outcomes of n participants each are counted, so a lead is noisy even if nothing else is.

    Raises
    ------
    InvalidInputError
        For a rate outside 0..1 or nobody to count.

    Examples
    --------
    >>> round(sampling_noise(0.317, 5095), 4)
    0.0092
    """
    check = Inspection("sampling_noise")
    rate = check.number("outcome_rate", outcome_rate, highest=1.0)
    people = check.number("participants", participants)
    if people == 0.0 and not any(fault.place == "participants" for fault in check.faults):
        check.fault("participants", people, "somebody to count")
    check.finish()
    return float(np.sqrt(2.0 * rate * (1.0 - rate) / people))
