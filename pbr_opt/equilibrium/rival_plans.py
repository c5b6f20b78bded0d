"""What a prime with a whole chain below it can do for its outcome rate: a ladder of plans, each best among its equals.

As for a prime that delivers alone (``docs/theory/rivals.md``), the cheapest way to an outcome rate is to act as if
every outcome were worth one top-up more: in the support it gives, in whom it refers, in the price it passes on. The
chain answers with steps, though, and no closed form. So top-ups are tried on a ladder, and between two rungs
participants are divided: some are served by one plan, the others by the next. That is something a prime can do, and
makes outcome rate and profit continuous whatever steps the chain has.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from pbr_opt.equilibrium.contest_game import Strategy
from pbr_opt.equilibrium.delegation import Branch
from pbr_opt.quantities import FloatArray, IntArray, frozen

__all__ = ["Ladder", "Setting", "climb", "refine"]

_RUNGS: Final = 97
_MORE: Final = 40
"""Rungs of the ladder, and those laid round the ones that are used."""
_SPARE: Final = 0.005
"""Where outcome rates stand still rungs are laid all the same, as if they rose by the square of this."""
_OWN_RATES: Final = 2_001
"""Outcome rates tried for a prime that no prize moves."""
_LOOK: Final = np.concatenate([[0.0], np.geomspace(1.0, 1e6, 41)])
"""Top-ups of the first look, GBP per outcome: how far a prime would go at most."""


@dataclass(frozen=True, slots=True, eq=False)
class Setting:
    """One prime before the contest: its branch, what it is paid, whom it serves, by segment.

    Attributes
    ----------
    branch : Branch
        With members and shadow prices as they stand.
    price_gbp, attachment_gbp, people : array (segments,)
        Paid per outcome and per participant; participants of the area.
    share : float
        Of the area's participants, by its contract.
    """

    branch: Branch
    price_gbp: FloatArray
    attachment_gbp: FloatArray
    people: FloatArray
    share: float

    def at(self, top_up_gbp: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return outcome rate and profit per participant of every segment at top-ups of shape (..., segments).

        Profit counts the prime's mission, and capital at its shadow price; it leaves the top-up out.
        """
        branch = self.branch.with_top_up(top_up_gbp)
        price = np.broadcast_to(self.price_gbp, top_up_gbp.shape)
        options = branch.options(price, self.attachment_gbp, self.people * self.share)
        own = options.value[0] - (branch.dearth - 1.0) * options.own.support_gbp
        chosen = options.choice[None]
        value = branch.own_share * np.take_along_axis(np.stack([own, *options.value[1:]]), chosen, axis=0)[0]
        rate = branch.own_share * np.take_along_axis(np.stack(options.rate), chosen, axis=0)[0]
        for k, payee in enumerate(branch.below, 1):
            allotted = payee.contract.volume_share
            if allotted:
                value, rate = value + allotted * options.value[k], rate + allotted * options.rate[k]
        return rate, np.asarray(value - top_up_gbp * rate + self.attachment_gbp + branch.fees)

    def only_groups(self, members: Sequence[IntArray]) -> tuple[Setting, list[IntArray]]:
        """Return the prime for the segments of some groups, and where those of each now are."""
        rows = np.concatenate(members)
        part = Setting(
            self.branch.only(rows), self.price_gbp[rows], self.attachment_gbp[rows], self.people[rows], self.share
        )
        return part, np.split(np.arange(rows.size), np.cumsum([each.size for each in members])[:-1])

    def tried(self, rungs_gbp: FloatArray, members: Sequence[IntArray]) -> tuple[FloatArray, FloatArray]:
        """Return outcome rate and profit per participant of every group at top-ups of shape (rungs, groups)."""
        by_row = np.zeros((rungs_gbp.shape[0], self.people.size))
        for g, rows in enumerate(members):
            by_row[:, rows] = rungs_gbp[:, g : g + 1]
        weight = _weights(self.people, members).T
        rate, profit = self.at(by_row)
        return np.asarray(rate @ weight), np.asarray(profit @ weight)

    def margins_gbp(self, members: Sequence[IntArray]) -> FloatArray:
        """Return, by group, what one more participant earns the prime when served as the tariff alone pays for, GBP."""
        return np.asarray(self.tried(np.zeros((1, len(members))), members)[1][0])


@dataclass(frozen=True, eq=False)
class Ladder:
    """The plans of one prime for one payment group, and what stands on its outcome rate; a Contestant.

    A strategy is a top-up; between two rungs it stands for a division of participants between two plans. ``unit`` is
    how many pounds of this prime one pound of the game stands for: primes with different prizes play for one prize in
    pounds of different worth.

    Attributes
    ----------
    name : str
        The prime.
    price_gbp : array (1,)
        Highest price per outcome.
    rung_gbp : array (rungs,)
        Top-ups, rising from 0, GBP per outcome.
    rate, profit : array (rungs,)
        Outcome rate of the group, and profit per participant in GBP.
    reward : callable
        What an outcome rate of the group earns beside, GBP per participant, for arrays of any shape.
    unit : float
        As above, above 0.
    held_gbp : float or None
        The top-up of a prime that does the same whatever the others do.
    """

    name: str
    price_gbp: FloatArray
    rung_gbp: FloatArray
    rate: FloatArray
    profit: FloatArray
    reward: Callable[[FloatArray], FloatArray] = np.zeros_like
    unit: float = 1.0
    held_gbp: float | None = None

    def playing(self, unit: float, reward: Callable[[FloatArray], FloatArray]) -> Ladder:
        """Return the same prime in a game whose pounds are worth ``unit`` of its own, with rewards for its rate."""
        return replace(self, unit=unit, reward=reward)

    def on_its_own(self, reward: Callable[[FloatArray], FloatArray], level: float) -> Ladder:
        """Return the prime as one that no prize moves: it does what pays it best by itself, a level just met or not."""
        alone = self.playing(1.0, reward)
        if not np.any(reward(self.rate) - reward(self.rate[:1])):
            return replace(alone, held_gbp=0.0)
        rates = np.append(np.linspace(self.rate[0], self.rate[-1], _OWN_RATES), level)
        tried = np.union1d(self.rung_gbp, alone.top_up_for(rates))
        return replace(alone, held_gbp=float(tried[np.argmax(alone.profit_gbp(tried))]))

    @property
    def margin_gbp(self) -> float:
        """Return what one more participant earns it when served as the tariff alone pays for, GBP."""
        return float(self.profit[0])

    @cached_property
    def _units(self) -> FloatArray:
        """Return top-ups in pounds of the game."""
        return frozen(self.rung_gbp / self.unit)

    def _taken(self, top_up_gbp: ArrayLike) -> FloatArray:
        given = np.asarray(top_up_gbp, dtype=np.float64)
        return given if self.held_gbp is None else np.full_like(given, self.held_gbp)

    @cached_property
    def least_performance(self) -> float:
        """Return the outcome rate without a prize."""
        return float(self.performance(0.0))

    @property
    def ceiling(self) -> float:
        """Return the outcome rate of the highest rung that it may climb to."""
        return float(self.rate[-1]) if self.held_gbp is None else self.least_performance

    def performance(self, top_up_gbp: ArrayLike) -> FloatArray:
        """Return the outcome rate at top-ups of shape (...)."""
        return np.asarray(np.interp(self._taken(top_up_gbp), self._units, self.rate))

    def profit_gbp(self, top_up_gbp: ArrayLike) -> FloatArray:
        """Return profit per participant at top-ups of shape (...), rewards included, in pounds of the game."""
        earned = np.interp(self._taken(top_up_gbp), self._units, self.profit)
        return np.asarray((earned + self.reward(self.performance(top_up_gbp))) / self.unit)

    def top_up_for(self, performance: ArrayLike) -> FloatArray:
        """Return the least top-up that reaches each outcome rate; the highest rung for rates beyond it."""
        wanted = np.asarray(performance, dtype=np.float64)
        first = np.minimum(np.searchsorted(self.rate, wanted, side="left"), self.rate.size - 1)
        before = np.maximum(first - 1, 0)
        rise = self.rate[first] - self.rate[before]
        part = np.divide(wanted - self.rate[before], rise, out=np.ones_like(wanted), where=rise > 0.0)
        units = self._units
        return np.where(first == 0, 0.0, units[before] + np.clip(part, 0.0, 1.0) * (units[first] - units[before]))

    def top_up_losing(self, loss_gbp: float) -> float:
        """Return the highest rung: nothing beyond it is worth any prize."""
        return float(self._units[-1]) if self.held_gbp is None else 0.0

    def parts(self, strategy: Strategy) -> FloatArray:
        """Return the part of participants served by each rung's plan, shape (rungs,)."""
        part = np.zeros(self.rung_gbp.size)
        at = np.interp(self._taken(strategy.top_up_gbp), self._units, np.arange(part.size))
        below = np.floor(at).astype(np.int64)
        np.add.at(part, below, strategy.probability * (below + 1.0 - at))
        np.add.at(part, np.minimum(below + 1, part.size - 1), strategy.probability * (at - below))
        return part


def climb(setting: Setting, members: Sequence[IntArray], stake_gbp: FloatArray) -> list[Ladder]:
    """Return a prime's ladder for each payment group.

    Between two rungs a plan of its own would be worth at most ``(tau_2 - tau_1)(q_2 - q_1)/4`` more than a division of
    participants (profit is concave in the outcome rate, and its slopes there are the two top-ups). So rungs are laid
    where that product would be the same everywhere; :func:`refine` lays more where they are used.

    Parameters
    ----------
    setting : Setting
        The prime.
    members : sequence of array of int
        Segments of each group.
    stake_gbp : array (groups,)
        What a participant's results can be worth to the prime at most, GBP: ladders end where more would be lost.
    """
    name, price = setting.branch.agent.name, frozen([float(setting.price_gbp.max())])
    rate, profit = setting.tried(np.zeros((1, len(members))), members)
    ladders = [_ladder(name, price, np.zeros(1), rate[:, g], profit[:, g]) for g in range(len(members))]
    staked = [g for g in range(len(members)) if stake_gbp[g] > 0.0]
    if staked:
        part, within = setting.only_groups([members[g] for g in staked])
        rate, profit = part.tried(np.repeat(_LOOK[:, None], len(staked), axis=1), within)
        enough = profit[0] - profit >= stake_gbp[staked]
        last = np.where(enough.any(axis=0), enough.argmax(axis=0), _LOOK.size - 1)
        laid = np.stack([_evenly(_LOOK[: k + 1], rate[: k + 1, i]) for i, k in enumerate(last)], axis=1)
        rate, profit = part.tried(laid, within)
        for i, g in enumerate(staked):
            ladders[g] = _ladder(name, price, laid[:, i], rate[:, i], profit[:, i])
    return ladders


def refine(
    setting: Setting, members: Sequence[IntArray], ladders: Sequence[Ladder], parts: Sequence[FloatArray]
) -> list[Ladder]:
    """Return ladders with more rungs round those that are used.

    Parameters
    ----------
    setting, members
        As for :func:`climb`.
    ladders : sequence of Ladder
        By group.
    parts : sequence of array (rungs,)
        Part of participants that each rung's plan serves, by group.
    """
    used = [g for g, part in enumerate(parts) if np.any(part[1:] > 0.0)]
    answer = list(ladders)
    if used:
        part, within = setting.only_groups([members[g] for g in used])
        more = np.stack([_between(ladders[g].rung_gbp, parts[g]) for g in used], axis=1)
        rate, profit = part.tried(more, within)
        for i, g in enumerate(used):
            old = ladders[g]
            rungs = np.concatenate([old.rung_gbp, more[:, i]])
            order = np.argsort(rungs, kind="stable")
            columns = np.concatenate([old.rate, rate[:, i]]), np.concatenate([old.profit, profit[:, i]])
            answer[g] = _ladder(old.name, old.price_gbp, rungs[order], *(column[order] for column in columns))
    return answer


def _between(rungs: FloatArray, part: FloatArray) -> FloatArray:
    """Return rungs between the neighbours of the lowest and the highest that are used."""
    used = np.flatnonzero(part > 0.0)
    low, high = rungs[max(used[0] - 1, 0)], rungs[min(used[-1] + 1, rungs.size - 1)]
    return np.linspace(low, high, _MORE + 2)[1:-1]


def _ladder(name: str, price: FloatArray, rungs: FloatArray, rate: FloatArray, profit: FloatArray) -> Ladder:
    """Return the ladder of distinct rungs; rates that rounding lets fall do not."""
    kept = np.diff(rungs, prepend=-1.0) > 0.0
    return Ladder(name, price, frozen(rungs[kept]), frozen(np.maximum.accumulate(rate[kept])), frozen(profit[kept]))


def _evenly(rungs: FloatArray, rate: FloatArray) -> FloatArray:
    """Return rungs of a finer ladder: as many where top-up and outcome rate rise by as much, in geometric mean."""
    if rungs.size < 2:
        return np.zeros(_RUNGS)
    apart = np.diff(rungs)
    length = np.sqrt(apart * np.maximum(np.diff(rate), 0.0)) + _SPARE * np.sqrt(apart)
    walked = np.concatenate([[0.0], np.cumsum(length)])
    return np.interp(np.linspace(0.0, walked[-1], _RUNGS), walked, rungs)


def _weights(people: FloatArray, members: Sequence[IntArray]) -> FloatArray:
    """Return each segment's part of its group, shape (groups, segments); nothing where nobody is."""
    weight = np.zeros((len(members), people.size))
    for group, rows in enumerate(members):
        total = float(people[rows].sum())
        if total > 0.0:
            weight[group, rows] = people[rows] / total
    return weight
