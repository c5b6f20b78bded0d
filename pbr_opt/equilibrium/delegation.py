"""What each tier of a supply chain does with the price it is paid: deliver, refer, and how much to pass on.

Solved by backward induction. An agent that is paid R per outcome values one at ``R (1 - zeta) + m`` (zeta: what late
payment costs it, m: its mission). For each segment it takes the best of delivering itself,
``max over e of value * p(e) - e``, and referring to one of its payees at a price y, ``(value - y) * P(y)`` less
fees, where P(y) is what the payee's whole branch does at that price. Everything is vectorised: prices have shape
(..., segments).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Final

import numpy as np

from pbr_opt.equilibrium.best_response import BestResponse
from pbr_opt.equilibrium.deliverer import Deliverer
from pbr_opt.equilibrium.options import Options
from pbr_opt.equilibrium.pass_through import (
    DECLINED_GBP,
    GroupTerms,
    Payee,
    best_group_price,
    best_piece_rate,
)
from pbr_opt.market.agents import Agent
from pbr_opt.market.caseload import Caseload
from pbr_opt.market.supply_chain import SupplyChain
from pbr_opt.quantities import FloatArray, IntArray

__all__ = ["Branch", "branches"]

_NOBODY: Final = -np.inf
"""Value of a payee that declines."""
_LAST: Final = 1e-9
"""Who only manages keeps nobody whom a payee takes: keeping is worth less than any of them by this, relatively."""
_PASSES: Final = 20
_SETTLED: Final = 1e-9
"""Prices for groups that move by less than this, relatively, have settled."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Branch(Deliverer):
    """An agent with everything below it, in one area.

    Attributes
    ----------
    below : tuple of Branch
        Its payees. The others are those of :class:`Deliverer`.
    known : dict
        Prices and replies of payees that have payees, by the terms on which they were asked.
    """

    below: tuple[Branch, ...]
    known: dict[Hashable, tuple[FloatArray, FloatArray, FloatArray]] = field(default_factory=dict)

    def only(self, rows: IntArray) -> Branch:
        """Return the branch for some of its segments."""
        return replace(
            self,
            response=self.response.take(rows),
            base_service_gbp=self.base_service_gbp[rows],
            minimum_service_gbp=self.minimum_service_gbp[rows],
            group_index=self.group_index[rows],
            top_up_gbp=self.top_up_gbp[..., rows] if isinstance(self.top_up_gbp, np.ndarray) else self.top_up_gbp,
            below=tuple(payee.only(rows) for payee in self.below),
            last=[],
            known={},
        )

    @cached_property
    def free(self) -> tuple[int, ...]:
        """Return the payees that get whom this agent chooses to refer, by position."""
        return tuple(k for k, payee in enumerate(self.below) if payee.contract.volume_share is None)

    @cached_property
    def own_share(self) -> float:
        """Return the share of participants that are not allotted end to end."""
        return max(0.0, 1.0 - sum(payee.contract.volume_share or 0.0 for payee in self.below))

    def with_top_up(self, top_up_gbp: FloatArray) -> Branch:
        """Return the branch of an agent to whom every outcome is worth so much more, shape (..., segments)."""
        return replace(self, top_up_gbp=top_up_gbp, last=[], known={})

    def expected(
        self,
        received_gbp: FloatArray,
        attachment_gbp: FloatArray,
        people: FloatArray,
        term: Callable[[BestResponse], FloatArray],
    ) -> FloatArray:
        """Return the mean, over who delivers in the branch, of a term of what deliverers do.

        Parameters
        ----------
        received_gbp : array (..., segments)
            R.
        attachment_gbp, people : array (segments,)
            As in :meth:`options`.
        term : callable
            From what a deliverer does to an array of the same shape, or of that shape behind further axes.
        """
        if not self.below:
            return term(self.deliver(received_gbp))
        options = self.options(received_gbp, attachment_gbp, people)
        terms = [term(options.own)]
        for k, payee in enumerate(self.below):
            passed_on = attachment_gbp * payee.contract.attachment_share
            terms.append(payee.expected(options.price_gbp[k + 1], passed_on, people, term))
        return self._mixed(terms, options.choice)

    def _mixed(self, terms: list[FloatArray], choice: IntArray) -> FloatArray:
        """Return a term of the options weighted by who gets whom: those allotted end to end, and those chosen."""
        stacked = np.stack(terms)
        index = choice.reshape((1,) * (stacked.ndim - choice.ndim) + choice.shape)
        chosen = np.take_along_axis(stacked, index, axis=0)[0]
        fixed = (
            payee.contract.volume_share * there
            for payee, there in zip(self.below, terms[1:], strict=True)
            if payee.contract.volume_share
        )
        return np.asarray(sum(fixed, start=self.own_share * chosen))

    def reply(
        self, received_gbp: FloatArray, attachment_gbp: FloatArray, people: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Return P of the whole branch at a price, and what the agent makes of one more referral in money, GBP.

        It declines referrals that would lose it money, whatever they are worth to it otherwise; working capital that
        is short counts at its shadow price.
        """
        certain = (attachment_gbp + self.fees) * self.dearth
        if not self.below:
            there = self.deliver(received_gbp)
            return there.outcome_rate, np.asarray(self.earned(there, received_gbp) + certain)
        options = self.options(received_gbp, attachment_gbp, people)
        rate = self._mixed(options.rate, options.choice)
        return rate, np.asarray(self._mixed(options.money_gbp, options.choice) + certain)

    def options(
        self,
        received_gbp: FloatArray,
        attachment_gbp: FloatArray,
        people: FloatArray,
        place_price_gbp: FloatArray | None = None,
    ) -> Options:
        """Return what each option is worth per participant at a price: first delivering itself, then each payee.

        Parameters
        ----------
        received_gbp : array (..., segments)
            R, price per outcome that the agent is paid.
        attachment_gbp : array (segments,)
            Attachment fee that it is paid.
        people : array (segments,)
            Participants it has been given, for prices that hold for a group.
        place_price_gbp : array (options,), optional
            What places with it and its payees are worth, where they are short: prices for groups look at it.
        """
        worth, own = self.worth(received_gbp), self.deliver(received_gbp)
        earned = self.earned(own, received_gbp)
        kept = np.asarray(earned + self.beyond_money_gbp * own.outcome_rate)
        there = Options(own, [kept], [earned], [own.outcome_rate], [received_gbp], self.free)
        for payee in self.below:
            there.add(*self.referral(payee, worth, there, attachment_gbp, people, kept))
        rivals = [k for k in self.free if self.below[k].contract.form == "group_price"]
        places = np.zeros(len(there.value)) if place_price_gbp is None else place_price_gbp
        if rivals and (len(self.free) > 1 or places.any()):  # the best price for a group depends on who takes whom
            self._settle(there, rivals, worth, attachment_gbp, people, places)
        if self.free and not self.agent.delivers:
            there.value[0] = _below_all(kept, np.stack([there.value[k + 1] for k in self.free]))
        return there

    def _settle(  # one price after the other
        self,
        there: Options,
        rivals: list[int],
        worth: FloatArray,
        attachment_gbp: FloatArray,
        people: FloatArray,
        places: FloatArray,
    ) -> None:
        """Choose prices for groups anew, each given the others, until none moves: the payer gains at every step."""
        for _ in range(_PASSES):
            before = [there.price_gbp[k + 1] for k in rivals]
            for k in rivals:
                others = [other + 1 for other in self.free if other != k]
                these = [0, *others] if self.agent.delivers else others
                best = np.max([there.value[other] - places[other] for other in these or [0]], axis=0)
                elsewhere = np.where(np.isfinite(best), best, there.value[0]) + places[k + 1]
                there.put(k + 1, *self.referral(self.below[k], worth, there, attachment_gbp, people, elsewhere))
            after = [there.price_gbp[k + 1] for k in rivals]
            if all(np.allclose(new, old, rtol=_SETTLED, atol=0.0) for new, old in zip(after, before, strict=True)):
                return

    def referral(
        self,
        payee: Branch,
        worth: FloatArray,
        there: Options,
        attachment_gbp: FloatArray,
        people: FloatArray,
        elsewhere: FloatArray,
    ) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """Return worth, money, outcome rate and price of referring to a payee, what is laid out for it taken off.

        Parameters
        ----------
        payee : Branch
            One of those below.
        worth : array (..., segments)
            What an outcome is worth to the payer.
        there : Options
            Its first option has the price that the payer is paid.
        attachment_gbp, people : array (segments,)
            As in :meth:`options`.
        elsewhere : array (..., segments)
            What it makes of those whom it does not refer here.
        """
        edge = payee.contract
        passed_on = attachment_gbp * edge.attachment_share
        price, rate, margin = self._asked(payee, there.price_gbp[0], worth, passed_on, people, elsewhere)
        value = (worth - price) * rate - (payee.fees + passed_on) * self.dearth
        if edge.form == "two_part":  # the payee pays its profit back
            value = value + margin
        money = value - self.beyond_money_gbp * rate
        if edge.form != "two_part" and edge.volume_share is None:
            value = np.where(margin < -DECLINED_GBP, _NOBODY, value)
        return np.asarray(value), np.asarray(money), rate, price

    def _asked(
        self,
        payee: Branch,
        received_gbp: FloatArray,
        worth: FloatArray,
        passed_on: FloatArray,
        people: FloatArray,
        elsewhere: FloatArray,
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return the price that a payee is paid and its reply; what took a search of searches is remembered.

        While shadow prices are found, the same payee is asked again and again on the same terms for the sake of others.
        """
        terms = None
        if payee.below and received_gbp.ndim == 1:
            alike = (self.dearth, elsewhere.tobytes()) if payee.contract.form == "group_price" else ()
            terms = (
                payee.agent.name,
                *payee.dearths(),
                *alike,
                *(a.tobytes() for a in (received_gbp, passed_on, people)),
            )
        if terms in self.known:
            return self.known[terms]
        price = self._price_for(payee, received_gbp, worth, passed_on, people, elsewhere)
        answer = (price, *payee.reply(price, passed_on, people))
        if terms:
            self.known[terms] = answer
        return answer

    def dearths(self) -> tuple[float, ...]:
        """Return 1 + lambda of the agent and of everybody below it."""
        return self.dearth, *(dearth for payee in self.below for dearth in payee.dearths())

    def _price_for(
        self,
        payee: Branch,
        received_gbp: FloatArray,
        worth: FloatArray,
        passed_on: FloatArray,
        people: FloatArray,
        elsewhere: FloatArray,
    ) -> FloatArray:
        """Return y, the price per outcome that a payee is paid under its contract."""
        edge = payee.contract
        if edge.form == "two_part":
            return received_gbp
        if edge.form == "fixed_share":
            return received_gbp * max(edge.share, edge.least_share)
        known, free = payee.as_payee(passed_on, people), edge.volume_share is None
        least = received_gbp * edge.least_share
        if edge.form == "piece_rate":
            return best_piece_rate(known, worth, least, free=free)
        left = elsewhere + (payee.fees + passed_on) * self.dearth
        alone = not self.agent.delivers and len(self.free) == 1  # only whom the payee declines stays with the payer
        terms = GroupTerms(np.full_like(left, _NOBODY) if alone else left, left, least)
        return best_group_price(known, worth, people, self.group_index, terms if free else GroupTerms(None, 0.0, least))

    def as_payee(self, attachment_gbp: FloatArray, people: FloatArray) -> Payee:
        """Return what the agent's payer knows of it."""
        leaf = not self.below and self.agent.delivers
        plain = leaf and self.response.is_exponential and not self.minimum_service_gbp.any()
        return Payee(
            reply=lambda price: self.reply(price, attachment_gbp, people),
            needed_gbp=self.base_cost_gbp - (attachment_gbp + self.fees) * self.dearth,
            response=self.response if plain else None,
            mission_gbp=self.agent.mission_gbp,
            haircut=self.haircut,
            dearth=self.dearth,
        )


def _below_all(idle: FloatArray, values: FloatArray) -> FloatArray:
    """Return what keeping people without help is worth, but less than any payee that takes them."""
    taken = np.isfinite(values)
    lowest = np.min(np.where(taken, values, idle), axis=0)
    return np.where(taken.any(axis=0), np.minimum(idle, lowest - _LAST * (1.0 + np.abs(lowest))), idle)


def branches(
    chain: SupplyChain,
    area: str,
    caseload: Caseload,
    service_gbp: tuple[FloatArray, FloatArray],
    shadow_price: Mapping[str, float],
) -> tuple[Branch, ...]:
    """Return the primes of an area with everything below them.

    Parameters
    ----------
    chain : SupplyChain
        All of it.
    area : str
        Which one.
    caseload : Caseload
        The area's own (see :func:`area_caseload`).
    service_gbp : pair of arrays (segments,)
        Base service cost and minimum service.
    shadow_price : mapping
        lambda by agent.
    """
    base, minimum = service_gbp

    def grow(agent: Agent) -> Branch:
        return Branch(
            agent=agent,
            contract=chain.contracts[agent.name],
            response=agent.response(caseload),
            base_service_gbp=base,
            minimum_service_gbp=minimum,
            group_index=caseload.group_index,
            below=tuple(grow(payee) for payee in chain.payees(agent.name)),
            shadow_price=shadow_price,
        )

    return tuple(grow(prime) for prime in chain.primes_in(area))
