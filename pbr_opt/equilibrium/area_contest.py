"""The contest of the primes of one area in one payment group, each with its whole chain below it.

Of measured participants a prime makes ``v_j(q_j)``, bonuses and missed levels included; by its share of the moved
participants it makes its margin on them. Per measured participant of its own the latter is

    prize_j = margin_j * moved participants of the area / measured participants of prime j

so primes play for prizes of their own. Where prime j counts in pounds of ``prize_j / prize`` everybody plays for one
prize, and what ``docs/theory/rivals.md`` says of those games holds. A prime that would rather have fewer of these
people does what pays it best by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from pbr_opt.equilibrium.certificate import Certificate
from pbr_opt.equilibrium.contest import ContestEquilibrium, Court, solve_game
from pbr_opt.equilibrium.contest_game import Game, Strategy
from pbr_opt.equilibrium.rival_plans import Ladder
from pbr_opt.market.rivalry import Rivalry
from pbr_opt.quantities import FloatArray, frozen

__all__ = ["PLANS_TOLERANCE_GBP", "AreaContest", "highest_stake", "prizes", "rewards", "solve_area"]

PLANS_TOLERANCE_GBP: Final = 0.01
"""A penny per measured participant: plans are taken from a ladder, and one between two rungs is worth less more."""

_POINTS: Final = 160
"""Outcome rates on the grid of a game."""

_LEVEL_ROUNDING: Final = 1e-12
"""A measure short of its level by this is rounding."""


@dataclass(frozen=True, slots=True, eq=False)
class AreaContest:
    """What the primes of an area do for their results in one payment group, and what they get for it.

    Attributes
    ----------
    area, group : str
        Where, and for whom.
    kind : {"pure", "mixed", "cycle"}
        As in :class:`~pbr_opt.equilibrium.contest.ContestEquilibrium`.
    statement : str
        What this is and what it is not, in a sentence or two.
    certificate : Certificate
        The largest gain of any prime, GBP per measured participant: of the solver by its own account, until the books
        have been searched by other code.
    ladders : tuple of Ladder
        What each prime could do.
    strategies : tuple of Strategy
        What each does, top-ups in pounds of the game.
    prize_gbp : array (primes,)
        What all moved participants are worth to each, GBP per measured participant of its own; 0 for one that would
        rather have fewer.
    share : array (primes,)
        Expected shares of the moved participants.
    """

    area: str
    group: str
    kind: Literal["pure", "mixed", "cycle"]
    statement: str
    certificate: Certificate
    ladders: tuple[Ladder, ...]
    strategies: tuple[Strategy, ...]
    prize_gbp: FloatArray
    share: FloatArray

    @property
    def primes(self) -> tuple[str, ...]:
        """Return who plays, in the order of every array."""
        return tuple(ladder.name for ladder in self.ladders)

    @property
    def parts(self) -> tuple[FloatArray, ...]:
        """Return, by prime, the part of measured participants served by each rung's plan, in expectation."""
        return tuple(ladder.parts(does) for ladder, does in zip(self.ladders, self.strategies, strict=True))

    def divisions(self, place: int) -> list[FloatArray]:
        """Return, for each choice of a prime, the part of participants served by each rung's plan."""
        ladder, does = self.ladders[place], self.strategies[place]
        choices = zip(does.top_up_gbp, does.performance, strict=True)
        return [ladder.parts(Strategy(np.array([t]), np.array([q]), np.ones(1))) for t, q in choices]

    @property
    def top_up_gbp(self) -> FloatArray:
        """Return the expected top-up of each prime, GBP per outcome."""
        return np.array([ladder.rung_gbp @ part for ladder, part in zip(self.ladders, self.parts, strict=True)])

    @property
    def performance(self) -> FloatArray:
        """Return the expected outcome rate of measured participants, by prime."""
        return np.array([ladder.rate @ part for ladder, part in zip(self.ladders, self.parts, strict=True)])

    @property
    def without_contest(self) -> FloatArray:
        """Return the outcome rate that the tariff alone buys, by prime."""
        return np.array([ladder.rate[0] for ladder in self.ladders])

    def bonus_gbp(self, rivalry: Rivalry) -> FloatArray:
        """Return the expected incentive payment by prime, GBP per measured participant."""
        pairs = zip(self.ladders, self.strategies, strict=True)
        rates = [(ladder.performance(does.top_up_gbp), does.probability) for ladder, does in pairs]
        return np.array([rewards(rivalry, self.group, rate)[0] @ chance for rate, chance in rates])

    def meets_level(self, rivalry: Rivalry) -> FloatArray:
        """Return the probability of reaching the level, by prime; 1 where there is none."""
        level = rivalry.levels.get(self.group, 0.0)
        pairs = zip(self.ladders, self.strategies, strict=True)
        rates = [(ladder.performance(does.top_up_gbp), does.probability) for ladder, does in pairs]
        return np.array([(rate * rivalry.inflation >= level - _LEVEL_ROUNDING) @ chance for rate, chance in rates])


def rewards(rivalry: Rivalry, group: str, rate: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the incentive payment and what missing the level costs at outcome rates, GBP per measured participant."""
    measure = rate * rivalry.inflation
    payment, level = rivalry.incentives.get(group), rivalry.levels.get(group, 0.0)
    paid = np.zeros_like(rate) if payment is None else payment.bonus_gbp * np.maximum(measure - payment.threshold, 0.0)
    return paid, np.where(measure < level - _LEVEL_ROUNDING, rivalry.missed_level_gbp, 0.0)


def highest_stake(rivalry: Rivalry, group: str, prize_gbp: float, primes: int) -> float:
    """Return what a measured participant's results can be worth to a prime at most, GBP."""
    swing = 0.0 if rivalry.rule is None or primes < 2 else min(rivalry.rule.swing(primes), 1.0)
    best, _ = rewards(rivalry, group, np.ones(1))
    _, missed = rewards(rivalry, group, np.zeros(1))
    return swing * prize_gbp + float(best[0] + missed[0])


def prizes(rivalry: Rivalry, margin_gbp: FloatArray, shares: FloatArray) -> FloatArray:
    """Return what all moved participants are worth, GBP per measured participant of each prime (last axis).

    Nothing where nobody moves anybody: without a rule, or with one prime.
    """
    if rivalry.rule is None or shares.size < 2:
        return np.zeros(np.shape(margin_gbp))
    measured = np.maximum(rivalry.measured_share * shares, np.finfo(float).tiny)
    return np.asarray(np.maximum(margin_gbp, 0.0) * rivalry.moved_share / measured)


def solve_area(rivalry: Rivalry, place: tuple[str, str], ladders: Sequence[Ladder], shares: FloatArray) -> AreaContest:
    """Return the equilibrium between the primes of an area in one payment group.

    Parameters
    ----------
    rivalry : Rivalry
        What results do for them.
    place : pair of str
        Area and group.
    ladders : sequence of Ladder
        What each prime can do.
    shares : array (primes,)
        Contract shares of the area's participants.

    Raises
    ------
    UnsupportedModelError, EquilibriumError
        As :func:`~pbr_opt.equilibrium.contest.solve_contest`.
    """
    area, group = place
    prize = prizes(rivalry, np.array([ladder.margin_gbp for ladder in ladders]), shares)

    def reward(rate: FloatArray) -> FloatArray:
        paid, missed = rewards(rivalry, group, rate)
        return np.asarray(paid - missed)

    top, level = float(prize.max()), rivalry.levels.get(group, 0.0) / rivalry.inflation
    seats = tuple(
        ladder.playing(float(worth / top), reward) if worth > 0.0 else ladder.on_its_own(reward, level)
        for ladder, worth in zip(ladders, prize, strict=True)
    )
    if rivalry.rule is None or top == 0.0:
        alone, share = _alone(seats), np.array(shares)
        if rivalry.rule is not None and len(seats) > 1:
            share = rivalry.rule.shares(np.array([seat.least_performance for seat in seats]))
        says = "Nobody would gain by a larger share: every prime does what pays it best by itself."
        return AreaContest(area, group, "pure", says, _OWN_ACCOUNT, seats, alone, frozen(prize), frozen(share))
    game = Game(seats, rivalry.rule, top, _POINTS)
    concave = bool((prize > 0.0).all()) and not rivalry.rewards_performance
    there = _solved(game, concave)
    return AreaContest(
        area, group, there.kind, there.statement, there.certificate, seats, there.strategies, frozen(prize),
        frozen(there.share),
    )  # fmt: skip


_OWN_ACCOUNT: Final = Certificate(0.0, PLANS_TOLERANCE_GBP, "nobody", "plans are taken from a ladder")


def _alone(seats: Sequence[Ladder]) -> tuple[Strategy, ...]:
    return tuple(Strategy(np.zeros(1), np.array([seat.least_performance]), np.ones(1)) for seat in seats)


def _solved(game: Game, concave: bool) -> ContestEquilibrium:
    """Return the equilibrium by the solver's own account."""

    def own_account(strategies: tuple[Strategy, ...], tolerance_gbp: float, reason: str) -> Certificate:
        gains = game.gains_gbp(strategies)
        worst = int(np.argmax(gains))
        return Certificate(float(gains[worst]), tolerance_gbp, game.rivals[worst].name, reason)

    return solve_game(game, Court(own_account, PLANS_TOLERANCE_GBP, concave))
