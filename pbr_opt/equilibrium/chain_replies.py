"""How everybody below an agent answers a price: the recursion of the chain, written a second time for its certificate.

Nothing here is shared with the solver. The response to support is written out again, and where a payer chooses a
price the best one is searched for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from pbr_opt.equilibrium.price_search import Effort, Reply, search
from pbr_opt.market.agents import Agent, Contract
from pbr_opt.quantities import FloatArray, IntArray

__all__ = ["DECLINED_GBP", "Option", "Seat"]

_WEEKS_PER_YEAR: Final = 52.0
_TIE: Final = 1e-9
_PASSES: Final = 3
DECLINED_GBP: Final = 1e-5
"""Who loses less than this by a referral takes it: ten times what the solver's own rounding may cost a payee."""


@dataclass(frozen=True, slots=True, eq=False)
class Option:
    """What one way to serve participants is worth to an agent, per participant.

    Attributes
    ----------
    value_gbp : array (..., segments)
        Worth, working capital at its shadow price; minus infinity where it is declined.
    rate, money_gbp : array (..., segments)
        Outcome rate, and what it leaves in money, capital at its price.
    """

    value_gbp: FloatArray
    rate: FloatArray
    money_gbp: FloatArray


@dataclass(frozen=True, eq=False)
class Seat:
    """An agent in one area: numbers only.

    Attributes
    ----------
    agent, contract : Agent, Contract
        Who, and how it is paid.
    low, high, scale, bend : array (segments,)
        p0, p1, kappa and b of people under its care.
    base, least : array (segments,)
        Cost of service that is not discretionary, and support that is required.
    group : array of int (segments,)
        Payment groups, numbered from 0.
    people, attachment : array (segments,)
        Whom it is given, and what it is paid for each.
    shadow_price : float
        lambda of its working capital.
    below : tuple of Seat
        Its payees.
    effort : Effort
        Of searches below it.
    top_up_gbp : array (segments,) or float
        What an outcome is worth to it on top of price and mission, because of its rivals.
    """

    agent: Agent
    contract: Contract
    low: FloatArray
    high: FloatArray
    scale: FloatArray
    bend: FloatArray
    base: FloatArray
    least: FloatArray
    group: IntArray
    people: FloatArray
    attachment: FloatArray
    shadow_price: float
    below: tuple[Seat, ...]
    effort: Effort
    top_up_gbp: FloatArray | float = 0.0

    @property
    def beyond_money(self) -> FloatArray | float:
        """Return what an outcome is worth to it besides what it is paid."""
        return self.agent.mission_gbp + self.top_up_gbp

    @property
    def kept(self) -> float:
        """Return 1 - zeta: what is left of an outcome payment that comes late."""
        return 1.0 - min(self.agent.cost_of_capital * self.contract.payment_lag_weeks / _WEEKS_PER_YEAR, 1.0)

    @property
    def fees(self) -> float:
        """Return what it gets per referral whatever comes of it."""
        return self.contract.referral_fee_gbp - self.contract.management_fee_gbp

    @property
    def lag(self) -> float:
        """Return for how much of a year running costs go on before outcomes are paid."""
        return self.contract.payment_lag_weeks / _WEEKS_PER_YEAR

    @property
    def running(self) -> FloatArray:
        """Return what service that is not discretionary costs it, capital at its shadow price."""
        return self.base * (1.0 + self.shadow_price * self.lag) if self.agent.delivers else np.zeros_like(self.base)

    @cached_property
    def free(self) -> tuple[int, ...]:
        """Return the payees among whom it chooses, by position."""
        return tuple(k for k, seat in enumerate(self.below) if seat.contract.volume_share is None)

    @property
    def hardness(self) -> Effort:
        """Return how hard to search for its price: hardly, when it answers without steps."""
        certain = (self.attachment + self.fees) * (1.0 + self.shadow_price)
        smooth = not self.below and not (self.running > certain).any() and not self.agent.mission_gbp
        return self.effort.smooth if smooth else self.effort

    def worth(self, price: FloatArray) -> FloatArray:
        """Return what an outcome is worth to the agent when it is paid a price for it."""
        return np.asarray(price * self.kept + self.beyond_money)

    def rate(self, support: FloatArray) -> FloatArray:
        """Return p(e)."""
        bent = np.where(self.bend > 0, self.bend, 1.0)
        curved = (1.0 - bent) / bent * np.log1p(bent * support / self.scale)
        return np.asarray(
            self.high - (self.high - self.low) * np.exp(-np.where(self.bend > 0, curved, support / self.scale))
        )

    def support(self, price: FloatArray) -> FloatArray:
        """Return the support at which the last pound brings in a pound, or what is required."""
        if not self.agent.delivers:
            return np.zeros_like(price)
        pull = self.worth(price) * (1.0 - self.bend) * (self.high - self.low) / (self.scale * (1.0 + self.shadow_price))
        log_pull = np.log(np.maximum(pull, 1.0))
        bent = np.where(self.bend > 0, self.bend, 1.0)
        return np.maximum(self.scale * np.where(self.bend > 0, np.expm1(bent * log_pull) / bent, log_pull), self.least)

    def own(self, price: FloatArray) -> Option:
        """Return what it is worth to keep a participant."""
        support = self.support(price)
        rate = self.rate(support)
        money = self.kept * price * rate - (1.0 + self.shadow_price) * support - self.running
        return Option(money + self.beyond_money * rate, rate, money)

    def reply(self, price: FloatArray, people: FloatArray | None = None) -> Reply:
        """Return the outcome rate of the branch at a price, and what the agent makes of a referral in money."""
        certain = (self.attachment + self.fees) * (1.0 + self.shadow_price)
        if not self.below:
            alone = self.own(price)
            return alone.rate, alone.money_gbp + certain
        options = self.options(price, self.people if self.people.any() or people is None else people)
        chosen = [options[0], *(options[k + 1] for k in self.free)]
        best, rate, money = chosen[0].value_gbp, chosen[0].rate, chosen[0].money_gbp
        for option in chosen[1:]:
            finite = np.where(np.isfinite(best), best, 0.0)
            better = option.value_gbp > np.where(np.isfinite(best), best + _TIE * (1.0 + np.abs(finite)), best)
            best = np.where(better, option.value_gbp, best)
            rate, money = np.where(better, option.rate, rate), np.where(better, option.money_gbp, money)
        fixed = [seat.contract.volume_share or 0.0 for seat in self.below]
        rate = rate * (1.0 - sum(fixed)) + sum(s * o.rate for s, o in zip(fixed, options[1:], strict=True))
        money = money * (1.0 - sum(fixed)) + sum(s * o.money_gbp for s, o in zip(fixed, options[1:], strict=True))
        return rate, money + certain

    def options(self, price: FloatArray, people: FloatArray) -> list[Option]:
        """Return every option at a price: first keeping a participant, then each payee at its best price."""
        own = self.own(price)
        options = [own] * (1 + len(self.below))
        if not self.agent.delivers and self.free:
            options[0] = Option(np.full_like(price, -np.inf), own.rate, own.money_gbp)
        late = [k for k in self.free if self.below[k].contract.form == "group_price"]
        for k in range(len(self.below)):
            if k not in late:
                options[k + 1] = self.refer(k, price, people, options[0])
        for k in late:
            options[k + 1] = Option(np.full_like(price, -np.inf), own.rate, own.money_gbp)
        for _ in range(_PASSES if len(self.free) > 1 else 1):
            for k in late:
                options[k + 1] = self.refer(k, price, people, self.elsewhere(options, k, own))
        if not self.agent.delivers and self.free:  # whom nobody takes stays, without help
            nobody = np.all([np.isneginf(options[k + 1].value_gbp) for k in self.free], axis=0)
            options[0] = Option(np.where(nobody, own.value_gbp, -np.inf), own.rate, own.money_gbp)
        return options

    def elsewhere(self, options: list[Option], k: int, own: Option) -> Option:
        """Return the best option but one payee."""
        values = np.stack([options[0].value_gbp, *(options[j + 1].value_gbp for j in self.free if j != k)])
        return Option(values.max(axis=0), own.rate, own.value_gbp)

    def refer(self, k: int, price: FloatArray, people: FloatArray, otherwise: Option) -> Option:
        """Return what referring to a payee is worth at the best price that its contract allows."""
        seat = self.below[k]
        edge, worth = seat.contract, self.worth(price)
        if edge.form == "two_part":
            return self.value_of(seat, worth, price, seat.reply(price, people))
        if edge.form == "fixed_share":
            paid = price * max(edge.share, edge.least_share)
            return self.value_of(seat, worth, paid, seat.reply(paid, people))
        lowest = price * edge.least_share
        if edge.form == "piece_rate":

            def keep(paid: FloatArray, reply: Reply) -> FloatArray:
                return self.value_of(seat, worth, paid, reply).value_gbp

            paid = search(lambda y: seat.reply(y, people), keep, lowest, np.maximum(worth, lowest), seat.hardness)
        else:
            paid = self.group_price(seat, worth, lowest, people, otherwise)
        return self.value_of(seat, worth, paid, seat.reply(paid, people))

    def group_price(
        self, seat: Seat, worth: FloatArray, lowest: FloatArray, people: FloatArray, otherwise: Option
    ) -> FloatArray:
        """Return the best price for each payment group, repeated for its segments."""
        groups = int(self.group.max()) + 1
        rows = [np.flatnonzero(self.group == g) for g in range(groups)]
        free = seat.contract.volume_share is None

        def by_group(values: FloatArray, how: Callable[..., FloatArray]) -> FloatArray:
            return np.stack([how(values[..., at], axis=-1) for at in rows], axis=-1)

        def keep(paid: FloatArray, reply: Reply) -> FloatArray:
            value = self.value_of(seat, worth, paid[..., self.group], reply).value_gbp
            if free:  # whom it does not refer here goes elsewhere; whom nobody takes stays
                value = np.maximum(value, otherwise.value_gbp)
                value = np.where(np.isneginf(value), otherwise.money_gbp, value)
            return by_group(value * people, np.sum)

        low = by_group(lowest, np.max)
        high = np.maximum(by_group(worth, np.max), low)
        return search(lambda y: seat.reply(y[..., self.group], people), keep, low, high, self.effort)[..., self.group]

    def value_of(self, seat: Seat, worth: FloatArray, paid: FloatArray, reply: Reply) -> Option:
        """Return what referring to a payee at a price is worth, given its reply."""
        rate, margin = reply
        value = (worth - paid) * rate - (seat.fees + seat.attachment) * (1.0 + self.shadow_price)
        if seat.contract.form == "two_part":
            value = value + margin
        money = value - self.beyond_money * rate
        if seat.contract.form != "two_part" and seat.contract.volume_share is None:
            value = np.where(margin < -DECLINED_GBP, -np.inf, value)
        return Option(value, rate, money)
