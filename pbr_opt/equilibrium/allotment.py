"""Whom a payer keeps and whom it refers, when money and places are short: its own choice, solved where it is made.

What a payer and those who deliver for it can lay out before outcomes pay limits whom it keeps, whom it refers and what
support they get. Each limit has a shadow price; under it a payer takes the best option for each segment. Less is laid
out as the price rises, but by a jump where a whole segment changes hands: there the payer is indifferent, and people
are split so that the money is just used.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np

from pbr_opt.equilibrium.delegation import Branch
from pbr_opt.equilibrium.liquidity import shadow_price
from pbr_opt.equilibrium.options import Options
from pbr_opt.equilibrium.referrals import Allotment, Purse, allot
from pbr_opt.errors import EquilibriumError
from pbr_opt.quantities import FloatArray

__all__ = ["Dearth", "Given", "allot_branch", "own_dearth"]

_PASSES: Final = 40
"""Prices of money and of places answer to each other; so many rounds settle all but ties of ties."""
_SETTLED: Final = 1e-11
_HALVINGS: Final = 60
_HIGHEST_LOG: Final = 40.0
_USED: Final = 1e-9
"""Money is used up when less than this part of it is left."""


@dataclass(frozen=True, slots=True, eq=False)
class Given:
    """What an agent is given by its payer.

    Attributes
    ----------
    price_gbp, attachment_gbp, people : array (segments,)
        Per outcome, per participant, and how many.
    """

    price_gbp: FloatArray
    attachment_gbp: FloatArray
    people: FloatArray


@dataclass(frozen=True, slots=True)
class Dearth:
    """How short of money an agent is.

    Attributes
    ----------
    shadow_price : float
        lambda.
    overdrawn_gbp : float
        What it must lay out before outcomes pay and has no money for.
    """

    shadow_price: float = 0.0
    overdrawn_gbp: float = 0.0


def own_dearth(branch: Branch, given: Given, kept: FloatArray, elsewhere_gbp: float = 0.0) -> Dearth:
    """Return how short of money an agent is that serves some people, whomever else it has to pay for.

    Parameters
    ----------
    branch : Branch
        Who.
    given : Given
        What it is paid, and for whom.
    kept : array (segments,)
        People whom it serves itself.
    elsewhere_gbp : float, optional
        What it lays out for those it refers.
    """
    if not np.isfinite(branch.agent.working_capital_gbp):
        return Dearth()
    left = branch.purse_gbp(given.attachment_gbp, given.people) - elsewhere_gbp
    if not branch.agent.delivers:
        return Dearth(overdrawn_gbp=max(-left, 0.0))
    left -= branch.lag_years * float(branch.base_service_gbp @ kept)
    least = branch.minimum_service_gbp
    price = shadow_price(branch.response, branch.worth(given.price_gbp), kept, left, least)
    return Dearth(price, max(float(least @ kept) - left, 0.0))


def allot_branch(branch: Branch, given: Given, shadows: dict[str, float]) -> tuple[Options, Allotment]:
    """Return what an agent's options are worth and who gets whom; its and its payees' shadow prices are updated.

    Parameters
    ----------
    branch : Branch
        With payees.
    given : Given
        What it is paid, and for whom.
    shadows : dict
        lambda by agent, as the branch reads it.

    Raises
    ------
    EquilibriumError
        When no allotment keeps to guarantees and money; with the last two prices of money and of places.
    """
    trail: list[Mapping[str, float]] = []
    try:
        return _allotted(_Shortage(branch, given, shadows), trail)
    except EquilibriumError as error:
        before, after = ([{}, {}, *trail])[-2:]
        last = {name: (before.get(name, price), price) for name, price in after.items()}
        raise EquilibriumError(f"{branch.agent.name}: {error}", last_iterates=last) from error


def _allotted(short: _Shortage, trail: list[Mapping[str, float]]) -> tuple[Options, Allotment]:
    """Return options and who gets whom; leave a trail of prices."""
    options, there = short.play(None)
    if not short.limited and not (there.place_price_gbp.any() and short.prices_for_groups):
        return options, there
    tied: set[int] = set()
    trail.append(short.prices(there))
    for _ in range(_PASSES):
        tied = {k for k in short.limited if short.adjust(k, short.names[k], there.place_price_gbp)}
        options, there = short.play(there.place_price_gbp)
        trail.append(short.prices(there))
        before, after = (list(prices.values()) for prices in trail[-2:])
        if np.allclose(after, before, rtol=_SETTLED, atol=_SETTLED):
            break
    if tied:
        there = short.split(options)
    return options, there


@dataclass(frozen=True, eq=False)
class _Shortage:
    """An agent's choice while shadow prices are found."""

    branch: Branch
    given: Given
    shadows: dict[str, float]

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Return who delivers under each option."""
        return self.branch.agent.name, *(payee.agent.name for payee in self.branch.below)

    def prices(self, there: Allotment) -> dict[str, float]:
        """Return the shadow prices of money and the prices of places, by name."""
        money = {self.names[k]: self.shadows.get(self.names[k], 0.0) for k in self.limited}
        pairs = zip(self.names, there.place_price_gbp.tolist(), strict=True)
        return money | {f"places of {name}": price for name, price in pairs}

    @property
    def limited(self) -> list[int]:
        """Return whose money bears on the choice, by option: its own, and that of payees who deliver alone."""
        rich = np.inf
        answer = [0] if self.branch.agent.working_capital_gbp < rich and self.branch.free else []
        for k, payee in enumerate(self.branch.below, 1):
            chosen = payee.contract.volume_share is None or payee.contract.form in ("piece_rate", "group_price")
            if payee.agent.working_capital_gbp < rich and chosen and not payee.below and self.given.people.any():
                answer.append(k)
        return answer

    @property
    def prices_for_groups(self) -> bool:
        """Whether some price holds for a whole group, so that it answers to what places are worth."""
        return any(self.branch.below[k].contract.form == "group_price" for k in self.branch.free)

    def play(self, places: FloatArray | None) -> tuple[Options, Allotment]:
        """Return options at the present shadow prices and the best allotment of people to them."""
        given = self.given
        options = self.branch.options(given.price_gbp, given.attachment_gbp, given.people, places)
        return options, self.allotted(options, {})

    def allotted(self, options: Options, purses: dict[int, Purse]) -> Allotment:
        """Return who gets whom: end-to-end shares as they are, the others where they are worth most."""
        people, below = self.given.people, self.branch.below
        share, places = np.zeros((len(options.value), people.size)), np.zeros(len(options.value))
        total = float(people.sum())
        for k, payee in enumerate(below, 1):
            allotted = payee.contract.volume_share or 0.0
            share[k] = payee.agent.capacity / total if allotted * total > payee.agent.capacity else allotted
        rest = 1.0 - share.sum(axis=0)
        open_to = options.open_to
        free = [below[k - 1] for k in open_to[1:]]
        fewest = np.array([0.0, *(payee.contract.guaranteed_volume for payee in free)])
        most = np.array([np.inf, *(payee.agent.capacity for payee in free)])
        value = np.stack([options.value[k] for k in open_to])
        limits = [purse.among(open_to, share @ np.diag(people)) for purse in purses.values()]
        answer = allot(value, people * rest, np.where(total > 0.0, fewest, 0.0), most, limits)
        share[open_to] += answer.share * rest
        places[open_to] = answer.place_price_gbp
        return Allotment(share, places)

    def purse(self, k: int, options: Options) -> Purse:
        """Return what an option's agent can lay out, and what each person takes of it, by option."""
        branch, given = self.branch, self.given
        cost = np.zeros((len(options.value), given.people.size))
        if k == 0:
            cost[0] = branch.laid_out_gbp(options.own)
            for j, payee in enumerate(branch.below, 1):
                cost[j] = given.attachment_gbp * payee.contract.attachment_share + payee.fees
            return Purse(cost, branch.purse_gbp(given.attachment_gbp, given.people))
        payee = branch.below[k - 1]
        fees = given.attachment_gbp * payee.contract.attachment_share + payee.fees
        cost[k] = payee.laid_out_gbp(payee.deliver(options.price_gbp[k])) - fees
        return Purse(cost, payee.purse_gbp(np.zeros_like(given.people), np.zeros_like(given.people)))

    def adjust(self, k: int, name: str, places: FloatArray) -> bool:
        """Find the shadow price of one purse, others given; return whether people must be split for it."""

        def left(log_dearth: float) -> float:
            self.shadows[name] = float(np.expm1(log_dearth))
            options, there = self.play(places)
            purse = self.purse(k, options)
            return purse.money_gbp - float((purse.cost_gbp * there.share).sum(axis=0) @ self.given.people)

        if left(0.0) >= 0.0:
            return False
        low, high = 0.0, 1.0
        while left(high) < 0.0:
            low, high = high, 2.0 * high
            if high > _HIGHEST_LOG:  # there is no money for what must be laid out
                return self.give_up(k, name, places)
        low, high, rest = _bisect(left, low, high)
        money = abs(self.purse(k, self.play(places)[0]).money_gbp)
        jump = rest > _USED * max(money, 1.0)
        self.shadows[name] = float(np.expm1(low if jump else high))
        return jump

    def give_up(self, k: int, name: str, places: FloatArray) -> bool:
        """Set the shadow price at which nobody gets support beyond what is required."""
        self.shadows[name] = 0.0
        options, _ = self.play(places)
        branch = self.branch if k == 0 else self.branch.below[k - 1]
        pull = branch.deliver(options.price_gbp[k]).incentive[self.given.people > 0]
        self.shadows[name] = max(float(pull.max(initial=0.0)) - 1.0, 0.0)
        return False

    def split(self, options: Options) -> Allotment:
        """Return the best allotment that uses just the money there is, where some is worth more than it costs."""
        purses = {k: self.purse(k, options) for k in self.limited}
        purses = {k: replace(p, exact=self.shadows.get(self.names[k], 0.0) > 0.0) for k, p in purses.items()}
        return self.allotted(options, purses)


def _bisect(left: Callable[[float], float], low: float, high: float) -> tuple[float, float, float]:
    """Return where money stops being short, from both sides, and what is left above."""
    rest = left(high)
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        if middle in (low, high):
            break
        here = left(middle)
        low, high, rest = (low, middle, here) if here >= 0.0 else (middle, high, rest)
    return low, high, rest
