"""The game between rivals in one area: payoffs, and what one prime does best against the others, in closed form.

``payoff_j = v_j(tau_j) + prize * s_j(q)``. What a prime faces may be certain (one row of outcome rates) or a lottery.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final, Protocol

import numpy as np
from numpy.typing import ArrayLike

from pbr_opt.market.rank_rules import LEAD_ROUNDING, RankShare
from pbr_opt.market.share_rules import ShareRule
from pbr_opt.quantities import FloatArray, frozen

__all__ = ["Contestant", "Game", "Lottery", "Strategy"]

_ZOOM: Final = 33
_ZOOM_ROUNDS: Final = 8
_PEAKS: Final = 4
_SAME: Final = 1e-11
"""Outcome rates nearer than this are one point of a lattice."""


class Contestant(Protocol):
    """What the game asks of a prime: a strategy is one number, its top-up."""

    @property
    def name(self) -> str:
        """Return who it is."""
        ...

    @property
    def price_gbp(self) -> FloatArray:
        """Return what an outcome is worth to it, GBP: how large payoffs are, for rounding."""
        ...

    @property
    def least_performance(self) -> float:
        """Return the outcome rate without any top-up."""
        ...

    @property
    def ceiling(self) -> float:
        """Return an outcome rate that it does not exceed."""
        ...

    def performance(self, top_up_gbp: ArrayLike) -> FloatArray:
        """Return the outcome rate at top-ups of shape (...)."""
        ...

    def profit_gbp(self, top_up_gbp: ArrayLike) -> FloatArray:
        """Return profit per current participant at top-ups of shape (...), the prize apart."""
        ...

    def top_up_for(self, performance: ArrayLike) -> FloatArray:
        """Return the least top-up that reaches each outcome rate."""
        ...

    def top_up_losing(self, loss_gbp: float) -> float:
        """Return the top-up beyond which more than this is lost, GBP per participant."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Strategy:
    """What one prime does: top-ups, the outcome rates they lead to, and with which probability.

    Attributes
    ----------
    top_up_gbp : array (choices,)
        tau: the prime serves everybody as if an outcome paid this much more, GBP per outcome.
    performance : array (choices,)
        q(tau), outcome rate of the group.
    probability : array (choices,)
        Adds up to 1; one choice of probability 1 is a pure strategy.
    """

    top_up_gbp: FloatArray
    performance: FloatArray
    probability: FloatArray

    def __post_init__(self) -> None:
        """Write-protect every array."""
        for array in (self.top_up_gbp, self.performance, self.probability):
            array.setflags(write=False)

    @property
    def mean_top_up_gbp(self) -> float:
        """Return the expected top-up, GBP per outcome."""
        return float(self.top_up_gbp @ self.probability)

    @property
    def mean_performance(self) -> float:
        """Return the expected outcome rate."""
        return float(self.performance @ self.probability)


@dataclass(frozen=True, slots=True, eq=False)
class Lottery:
    """What the others do: outcome rates (outcomes, primes - 1) in the order of the primes, and probabilities."""

    performance: FloatArray
    probability: FloatArray


@dataclass(frozen=True, eq=False)
class Game:
    """Rivals, a rule and a prize, checked by ``solve_contest``.

    Attributes
    ----------
    rivals : tuple of Contestant
        Two or three primes.
    rule : ShareRule
        How outcome rates become shares.
    prize_gbp : float
        What all of the next referrals are worth, GBP per current participant of a prime.
    points : int
        Outcome rates tried in a first pass.
    """

    rivals: tuple[Contestant, ...]
    rule: ShareRule
    prize_gbp: float
    points: int

    @property
    def stake_gbp(self) -> float:
        """Return the most that a prime can win or lose by its own doing, GBP per participant."""
        return self.rule.swing(len(self.rivals)) * self.prize_gbp

    @cached_property
    def highest_top_up_gbp(self) -> FloatArray:
        """Return, by prime, the top-up beyond which it costs more than the stake."""
        return frozen([prime.top_up_losing(self.stake_gbp) for prime in self.rivals])

    @cached_property
    def highest_performance(self) -> FloatArray:
        """Return, by prime, the outcome rate beyond which getting there costs more than the stake."""
        pairs = zip(self.rivals, self.highest_top_up_gbp, strict=True)
        return frozen([float(prime.performance(top_up)) for prime, top_up in pairs])

    @cached_property
    def least_performance(self) -> FloatArray:
        """Return what the price alone buys, by prime."""
        return frozen([prime.least_performance for prime in self.rivals])

    @cached_property
    def ladders(self) -> tuple[FloatArray, ...]:
        """Return, by prime, top-ups whose outcome rates are evenly spread over what could pay."""
        pairs = zip(self.least_performance, self.highest_performance, strict=True)
        rates = [np.linspace(low, high, self.points) for low, high in pairs]
        return tuple(self._reaching(place, rate) for place, rate in enumerate(rates))

    @cached_property
    def lattices(self) -> tuple[FloatArray, ...]:
        """Return, by prime, top-ups on a lattice of outcome rates that the margin divides: leads and holds are on it.

        The lattice is laid from what the price buys of every prime: each may just hold or just lead every other.
        """
        least, highest = self.least_performance, self.highest_performance
        count = int(np.ceil((highest.max() - least.min()) / self.lattice_step)) + 1
        rates = np.sort((least[:, None] + self.lattice_step * np.arange(-count, count + 1)).ravel())
        return tuple(self._reaching(place, rates) for place in range(least.size))

    def _reaching(self, place: int, rates: FloatArray) -> FloatArray:
        """Return the top-ups, rising: none, those for all rates that could pay, and the highest."""
        low, high = self.least_performance[place], self.highest_performance[place]
        between = rates[(rates > low + _SAME) & (rates < high - _SAME)]
        distinct = between[np.diff(between, prepend=-np.inf) > _SAME]
        last = self.highest_top_up_gbp[place : place + 1] if high > low + _SAME else np.zeros(0)
        return frozen(np.concatenate([np.zeros(1), self.rivals[place].top_up_for(distinct), last]))

    @property
    def lattice_step(self) -> float:
        """Return the width of what could pay over the points, or a little less so that it divides the margin."""
        step = max(float((self.highest_performance - self.least_performance).max()) / self.points, 1e-9)
        margin = float(getattr(self.rule, "margin", 0.0))
        return float(margin / np.ceil(margin / step)) if margin >= step else step

    @property
    def noise(self) -> float:
        """Return how far a rank rule is smoothed, in units of outcome rate; infinite for rules without ranks."""
        return float(getattr(self.rule, "scale", getattr(self.rule, "noise", np.inf)))

    def expected_share(self, place: int, performance: FloatArray, others: Lottery) -> FloatArray:
        """Return a prime's expected share for its outcome rates of shape (k,)."""
        shape = (performance.size, others.probability.size)
        rates = np.empty((*shape, len(self.rivals)))
        rest = [k for k in range(len(self.rivals)) if k != place]
        rates[..., place] = performance[:, None]
        rates[..., rest] = others.performance
        return np.asarray(self.rule.shares(rates)[..., place] @ others.probability)

    def payoff_gbp(self, place: int, top_up_gbp: FloatArray, others: Lottery) -> FloatArray:
        """Return v(tau) + prize * expected share, for top-ups of shape (k,)."""
        prime = self.rivals[place]
        share = self.expected_share(place, prime.performance(top_up_gbp), others)
        return np.asarray(prime.profit_gbp(top_up_gbp) + self.prize_gbp * share)

    def best_reply(self, place: int, others: Lottery) -> float:
        """Return the top-up that pays best against the others: a ladder over all rates, refined round its peaks.

        Against a step there is no best lead, only ever smaller ones: the least lead beyond rounding stands for them.
        """
        ladder = np.union1d(self.ladders[place], self._at_steps(place, others))
        payoffs = self.payoff_gbp(place, ladder, others)
        peaks = np.flatnonzero((payoffs >= np.r_[-np.inf, payoffs[:-1]]) & (payoffs >= np.r_[payoffs[1:], -np.inf]))
        found = [self._refined(place, ladder, int(k), others) for k in peaks[np.argsort(payoffs[peaks])[-_PEAKS:]]]
        worth = self.payoff_gbp(place, np.array(found), others)
        return found[int(np.argmax(worth))]

    def _refined(self, place: int, ladder: FloatArray, peak: int, others: Lottery) -> float:
        """Return the best top-up between the neighbours of a rung."""
        low, high = ladder[max(peak - 1, 0)], ladder[min(peak + 1, ladder.size - 1)]
        best = float(ladder[peak])
        for _ in range(_ZOOM_ROUNDS):
            tried = np.append(np.linspace(low, high, _ZOOM), best)
            best = float(tried[int(np.argmax(self.payoff_gbp(place, tried, others)))])
            width = (high - low) / (_ZOOM - 1)
            low, high = max(low, best - width), min(high, best + width)
        return best

    def _at_steps(self, place: int, others: Lottery) -> FloatArray:
        """Return the top-ups that just hold or just lead each of the others' rates, under a rule with steps."""
        if not (isinstance(self.rule, RankShare) and self.noise == 0.0):
            return np.zeros(0)
        rates = others.performance.ravel()
        wanted = np.concatenate([rates - self.rule.margin, rates + self.rule.margin + 4.0 * LEAD_ROUNDING])
        inside = (wanted > self.least_performance[place]) & (wanted <= self.highest_performance[place])
        return self.rivals[place].top_up_for(wanted[inside])

    def facing(self, place: int, strategies: tuple[Strategy, ...]) -> Lottery:
        """Return what a prime faces when the others mix independently."""
        rest = [strategy for k, strategy in enumerate(strategies) if k != place]
        rates = np.meshgrid(*[strategy.performance for strategy in rest], indexing="ij")
        chances = np.meshgrid(*[strategy.probability for strategy in rest], indexing="ij")
        chance = np.prod(np.stack([axis.ravel() for axis in chances]), axis=0)
        return Lottery(np.stack([axis.ravel() for axis in rates], axis=-1), chance)

    def pure(self, top_up_gbp: FloatArray) -> tuple[Strategy, ...]:
        """Return the pure strategies of a profile of top-ups (primes,)."""
        return tuple(
            Strategy(np.array([top_up]), np.atleast_1d(prime.performance(top_up)), np.ones(1))
            for prime, top_up in zip(self.rivals, top_up_gbp, strict=True)
        )

    def gains_gbp(self, strategies: tuple[Strategy, ...]) -> FloatArray:
        """Return what each prime could gain by its best reply, GBP per participant, at least 0."""
        gains = []
        for place, strategy in enumerate(strategies):
            others = self.facing(place, strategies)
            now = self.payoff_gbp(place, strategy.top_up_gbp, others) @ strategy.probability
            best = self.payoff_gbp(place, np.array([self.best_reply(place, others)]), others)[0]
            gains.append(max(float(best - now), 0.0))
        return np.array(gains)
