"""Rules by which outcome rates of rival primes become shares of new referrals, for two or three primes.

Every rule gives shares that add up to 1. Linear, smoothed and rank rules (the last two in ``rank_rules``) compare
primes pair by pair: with an odd transfer T, ``s_j = 1/M + sum over k of T(q_j - q_k)``. The Tullock rule divides by
the sum.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike

from pbr_opt.quantities import FloatArray, Inspection

__all__ = [
    "LinearShare",
    "PairwiseRule",
    "ShareRule",
    "TullockShare",
    "pairwise_shares",
]


@runtime_checkable
class ShareRule(Protocol):
    """What ``solve_contest`` asks of a rule; write your own with these three methods.

    A rule must give shares that add up to 1 and must never lower a prime's share when its own outcome rate rises.
    """

    def shares(self, performance: ArrayLike) -> FloatArray:
        """Return shares of new referrals, shape (..., primes), for outcome rates of that shape."""
        ...

    def swing(self, primes: int) -> float:
        """Return the most by which one prime can change its own share."""
        ...

    def inspect(self, check: Inspection, primes: int) -> None:
        """Record what is wrong with the rule for this number of primes."""
        ...


@runtime_checkable
class PairwiseRule(ShareRule, Protocol):
    """A rule that compares primes pair by pair."""

    def transfer(self, lead: ArrayLike, primes: int) -> FloatArray:
        """Return T(d): the share that moves to a prime from one it leads by d; T(-d) = -T(d)."""
        ...

    def transfer_slope(self, lead: ArrayLike, primes: int) -> FloatArray:
        """Return T'(d), which is the same for d and -d."""
        ...


def pairwise_shares(rule: PairwiseRule, performance: ArrayLike) -> FloatArray:
    """Return 1/M + sum over the others of T(q_j - q_k), shape (..., primes); T(0) = 0, so a prime may meet itself."""
    rates = np.asarray(performance, dtype=np.float64)
    primes = rates.shape[-1]
    leads = rates[..., :, None] - rates[..., None, :]
    return np.asarray(1.0 / primes + rule.transfer(leads, primes).sum(axis=-1))


@dataclass(frozen=True, slots=True)
class LinearShare:
    """Give ``s_j = 1/M + beta (q_j - mean of the others' q)``.

    An exact potential game in dominant strategies: whatever the others do, a prime gains ``beta * prize`` per unit of
    its own rate, so it acts as if the price were higher by that, as long as shares stay inside 0..1.

    Parameters
    ----------
    beta : float
        Share per unit of outcome rate, at least 0.

    Raises
    ------
    InvalidInputError
        For a beta that is negative or not finite.

    Notes
    -----
    Shares are not cut off at 0 and 1: the result above holds only inside, and ``solve_contest`` refuses otherwise.

    Sources
    -------
    Monderer and Shapley (1996), Potential games.

    Examples
    --------
    >>> LinearShare(2.0).shares([0.32, 0.27]).round(3).tolist()
    [0.6, 0.4]
    """

    beta: float

    def __post_init__(self) -> None:
        """Check the slope."""
        check = Inspection("LinearShare")
        object.__setattr__(self, "beta", check.number("beta", self.beta))
        check.finish()

    def transfer(self, lead: ArrayLike, primes: int) -> FloatArray:
        """Return T(d) = beta d / (M - 1)."""
        return np.asarray(self.beta / (primes - 1) * np.asarray(lead, dtype=np.float64))

    def transfer_slope(self, lead: ArrayLike, primes: int) -> FloatArray:
        """Return T'(d) = beta / (M - 1)."""
        return np.full(np.shape(lead), self.beta / (primes - 1))

    def shares(self, performance: ArrayLike) -> FloatArray:
        """Return the shares, shape (..., primes)."""
        return pairwise_shares(self, performance)

    def swing(self, primes: int) -> float:
        """Return beta: outcome rates differ by at most 1."""
        return self.beta

    def inspect(self, check: Inspection, primes: int) -> None:
        """Record nothing: whether shares stay inside 0..1 depends on the rivals."""


@dataclass(frozen=True, slots=True)
class TullockShare:
    """Give ``s_j = q_j**r / sum of q**r``; equal shares where every rate is 0.

    For 0 < r <= 1 there is exactly one equilibrium, by the share-function argument: in ``z = q**r`` it is a lottery
    contest with convex costs.

    Parameters
    ----------
    exponent : float
        r, above 0 and at most 1.

    Raises
    ------
    InvalidInputError
        For another exponent: beyond 1 uniqueness, and a pure equilibrium at all, can fail.

    Sources
    -------
    Tullock (1980); Szidarovszky and Okuguchi (1997) for uniqueness; Cornes and Hartley (2005) for share functions.

    Examples
    --------
    >>> TullockShare(1.0).shares([0.375, 0.125]).tolist()
    [0.75, 0.25]
    """

    exponent: float = 1.0

    def __post_init__(self) -> None:
        """Check the exponent."""
        check = Inspection("TullockShare")
        exponent = check.number("exponent", self.exponent)
        if not check.faults and not 0.0 < exponent <= 1.0:
            check.fault("exponent", exponent, "above 0 and at most 1", "a RankShare is the steep limit")
        check.finish()
        object.__setattr__(self, "exponent", exponent)

    def shares(self, performance: ArrayLike) -> FloatArray:
        """Return the shares, shape (..., primes)."""
        power = np.asarray(performance, dtype=np.float64) ** self.exponent
        total = power.sum(axis=-1, keepdims=True)
        equal = np.full_like(power, 1.0 / power.shape[-1])
        return np.asarray(np.divide(power, total, out=equal, where=total > 0.0))

    def swing(self, primes: int) -> float:
        """Return 1."""
        return 1.0

    def inspect(self, check: Inspection, primes: int) -> None:
        """Record nothing: any number of primes will do."""
