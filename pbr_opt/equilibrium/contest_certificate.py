"""Certificates for rivals: the most that one prime could gain by serving its people otherwise, searched from scratch.

This module shares no code with the solver: no top-ups, no closed forms, no best responses. It writes the response out
again, cuts the support of every segment into small steps, takes the steps in order of what they cost per outcome, and
looks at every plan on the way: that covers all outcome rates that the prime could reach, each at (nearly) least cost.
Then it refines the steps round the best plans. It imports neither ``responses`` nor ``best_response`` nor the other
contest modules; a test sees to that. Only the share rule, which states the game, is common to both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import ArrayLike

from pbr_opt.equilibrium.certificate import Certificate
from pbr_opt.market.caseload import Caseload
from pbr_opt.quantities import FloatArray

__all__ = ["ContestClaim", "Plans", "certify_contest"]

_COARSE: Final = 600
_FINE: Final = 48
_ROUNDS: Final = 6
_BASINS: Final = 6
_MOST_LOG_STEPS: Final = 80.0
"""Support whose marginal cost per outcome is exp(80) times that of the first pound is never looked at."""
_BLOCK: Final = 200_000


class _Prime(Protocol):
    """What is read of a rival: numbers only."""

    @property
    def name(self) -> str: ...
    @property
    def caseload(self) -> Caseload: ...
    @property
    def price_gbp(self) -> FloatArray: ...
    @property
    def minimum_service_gbp(self) -> float: ...


class _Rule(Protocol):
    """What is asked of a share rule."""

    def shares(self, performance: ArrayLike) -> FloatArray: ...
    def swing(self, primes: int) -> float: ...


@dataclass(frozen=True, slots=True, eq=False)
class Plans:
    """What one prime is said to do: support plans, and the probability of each.

    Attributes
    ----------
    support_gbp : array (plans, segments)
        GBP per participant.
    probability : array (plans,)
        Adds up to 1; one plan for certain is ``[1.0]``.
    """

    support_gbp: FloatArray
    probability: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class ContestClaim:
    """What is claimed of a contest: who plays, for what, and what each prime does, independently of the others.

    Attributes
    ----------
    rivals : sequence of Rival
        The primes.
    rule : ShareRule
        How outcome rates become shares.
    prize_gbp : float
        What all of the next referrals are worth, GBP per current participant of a prime.
    plans : sequence of Plans
        One for each prime, in the same order.
    """

    rivals: Sequence[_Prime]
    rule: _Rule
    prize_gbp: float
    plans: Sequence[Plans]


@dataclass(frozen=True, slots=True, eq=False)
class _People:
    """The segments with anybody in them, and the response written out again.

    The unit of effort is u with ``e = kappa (exp(b u) - 1)/b`` (b = 0: ``kappa u``): then the gap left is
    ``exp(-(1 - b) u)`` and each further outcome costs ``exp(u)`` times what the first did, whatever the curvature.
    """

    weight: FloatArray
    low: FloatArray
    reach: FloatArray
    scale: FloatArray
    bend: FloatArray
    price: FloatArray
    least: float

    @classmethod
    def of(cls, prime: _Prime) -> _People:
        people = prime.caseload
        here = people.participants > 0
        return cls(
            people.participants[here] / people.participants.sum(),
            people.deadweight_rate[here],
            (people.ceiling_rate - people.deadweight_rate)[here],
            people.response_scale_gbp[here],
            people.curvature[here],
            prime.price_gbp[here],
            prime.minimum_service_gbp,
        )

    def support(self, effort: FloatArray) -> FloatArray:
        bent = np.where(self.bend > 0, self.bend, 1.0)
        return np.asarray(self.scale * np.where(self.bend > 0, np.expm1(self.bend * effort) / bent, effort))

    def effort(self, support: FloatArray) -> FloatArray:
        bent = np.where(self.bend > 0, self.bend, 1.0)
        scaled = support / self.scale
        return np.asarray(np.where(self.bend > 0, np.log1p(bent * scaled) / bent, scaled))

    def rate(self, effort: FloatArray) -> FloatArray:
        return np.asarray(self.low - self.reach * np.expm1((self.bend - 1.0) * effort))

    def outcome(self, effort: FloatArray) -> FloatArray:
        """Return the mean outcome rate of plans, shape (...)."""
        return np.asarray(self.rate(effort) @ self.weight)

    def profit(self, effort: FloatArray) -> FloatArray:
        """Return mean x p - e of plans, shape (...)."""
        return np.asarray((self.price * self.rate(effort) - self.support(effort)) @ self.weight)

    def efforts(self, stake: float) -> FloatArray:
        """Return levels from the minimum service to where a segment costs more than it and the stake can bring."""
        start = self.effort(np.full(self.low.shape, self.least))
        support = self.least + self.price * self.reach + stake / self.weight
        stop = np.maximum(np.minimum(self.effort(support), _MOST_LOG_STEPS), start)
        return np.asarray(start + np.linspace(0.0, 1.0, _COARSE + 1)[:, None] * (stop - start))


@dataclass(frozen=True, slots=True, eq=False)
class _Against:
    """One prime against what the others do: (combinations, primes - 1) outcome rates and their probabilities."""

    rule: _Rule
    prize: float
    place: int
    others: FloatArray
    probability: FloatArray

    def prize_won(self, outcome: FloatArray) -> FloatArray:
        """Return the prize times the expected share, for outcome rates of shape (k,)."""
        block = max(1, _BLOCK // len(self.probability))
        parts = np.array_split(outcome, max(1, -(-outcome.size // block)))
        return np.concatenate([self._won(part) for part in parts])

    def _won(self, outcome: FloatArray) -> FloatArray:
        shape = (outcome.size, len(self.probability))
        others = np.broadcast_to(self.others, (*shape, self.others.shape[1]))
        own = np.broadcast_to(outcome[:, None, None], (*shape, 1))
        rates = np.concatenate([others[..., : self.place], own, others[..., self.place :]], axis=-1)
        return np.asarray(self.prize * (self.rule.shares(rates)[..., self.place] @ self.probability))


def certify_contest(claim: ContestClaim, tolerance_gbp: float, reason: str) -> Certificate:
    """Search for a better support plan for every prime, and return the largest gain found.

    Parameters
    ----------
    claim : ContestClaim
        What the primes are said to do.
    tolerance_gbp : float
        What counts as rounding or as discretisation, GBP per participant.
    reason : str
        Why the tolerance is what it is.

    Returns
    -------
    Certificate
        In GBP per current participant, against the others' plans and probabilities as claimed. Support below the
        minimum service counts as a gain of what is missing.

    Examples
    --------
    >>> from pbr_opt.equilibrium.contest_rival import Rival
    >>> from pbr_opt.market.share_rules import LinearShare
    >>> people = Caseload(["a"], 100, .12, .42, 600)
    >>> both = [Rival("A", people, 4000.0), Rival("B", people, 4000.0)]
    >>> idle = Plans(np.zeros((1, 1)), np.ones(1))
    >>> found = certify_contest(ContestClaim(both, LinearShare(1.0), 1000.0, [idle, idle]), 1e-6, "an example")
    >>> found.holds, round(found.largest_gain_gbp, 2)
    (False, 350.23)
    """
    people = [_People.of(prime) for prime in claim.rivals]
    efforts = [
        group.effort(plans.support_gbp[:, prime.caseload.participants > 0])
        for group, plans, prime in zip(people, claim.plans, claim.rivals, strict=True)
    ]
    rates = [group.outcome(effort) for group, effort in zip(people, efforts, strict=True)]
    stake = claim.rule.swing(len(people)) * claim.prize_gbp
    gains = []
    for k, (group, plans) in enumerate(zip(people, claim.plans, strict=True)):
        against = _facing(claim, rates, k)
        value = (group.profit(efforts[k]) + against.prize_won(rates[k])) @ plans.probability
        short = max(float((group.least - plans.support_gbp).max()), 0.0)
        gains.append(max(_best(group, against, stake) - float(value), 0.0) + short)
    worst = int(np.argmax(gains))
    return Certificate(gains[worst], tolerance_gbp, claim.rivals[worst].name, reason)


def _facing(claim: ContestClaim, rates: Sequence[FloatArray], place: int) -> _Against:
    """Return what one prime faces: every combination of the others' plans."""
    others = [rates[k] for k in range(len(rates)) if k != place]
    chances = [plans.probability for k, plans in enumerate(claim.plans) if k != place]
    mesh = np.stack([axis.ravel() for axis in np.meshgrid(*others, indexing="ij")], axis=-1)
    weight = np.prod([axis.ravel() for axis in np.meshgrid(*chances, indexing="ij")], axis=0)
    return _Against(claim.rule, claim.prize_gbp, place, mesh, weight)


def _best(people: _People, against: _Against, stake: float) -> float:
    """Return the highest payoff found: along the coarse path, then round its best local maxima."""
    edges = people.efforts(stake)
    payoffs, taken = _path(people, against, edges)
    peaks = np.flatnonzero((payoffs >= np.r_[-np.inf, payoffs[:-1]]) & (payoffs >= np.r_[payoffs[1:], -np.inf]))
    best = -np.inf
    for peak in peaks[np.argsort(payoffs[peaks])[-_BASINS:]]:
        effort, width = _at(edges, taken, int(peak)), (edges[1] - edges[0]) * 2.0
        for _ in range(_ROUNDS):
            low = np.maximum(effort - width, edges[0])
            window = low + np.linspace(0.0, 1.0, _FINE + 1)[:, None] * (effort + width - low)
            payoffs_here, taken_here = _path(people, against, window)
            effort = _at(window, taken_here, int(np.argmax(payoffs_here)))
            width = width * (6.0 / _FINE)
        own = people.profit(effort) + against.prize_won(np.atleast_1d(people.outcome(effort)))[0]
        best = max(best, float(own))
    return best


def _path(people: _People, against: _Against, edges: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the payoff after each step, and which segment each step belongs to, cheapest outcomes first.

    ``edges`` (steps + 1, segments) are levels of effort. Chords of a convex cost rise along a segment; where rounding
    says otherwise the running maximum keeps the order.
    """
    outcomes, costs = np.diff(people.rate(edges), axis=0), np.diff(people.support(edges), axis=0)
    chord = np.divide(costs, outcomes, out=np.full_like(costs, np.inf), where=outcomes > 0.0) - people.price
    order = np.argsort(np.maximum.accumulate(chord, axis=0), axis=None, kind="stable")
    gained = (people.weight * outcomes).ravel()[order]
    earned = (people.weight * (people.price * outcomes - costs)).ravel()[order]
    outcome = np.r_[0.0, np.cumsum(gained)] + people.outcome(edges[0])
    profit = np.r_[0.0, np.cumsum(earned)] + people.profit(edges[0])
    return profit + against.prize_won(outcome), order % edges.shape[1]


def _at(edges: FloatArray, taken: FloatArray, steps: int) -> FloatArray:
    """Return the plan after so many steps of the path."""
    done = np.bincount(taken[:steps].astype(np.int64), minlength=edges.shape[1])
    return np.asarray(edges[done, np.arange(edges.shape[1])])
