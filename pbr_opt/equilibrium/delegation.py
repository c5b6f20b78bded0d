"""What each tier of a supply chain does with the price it is paid: deliver, refer, and how much to pass on.

Solved by backward induction. An agent that is paid R per outcome values one at ``R (1 - zeta) + m`` (zeta: what late
payment costs it, m: its mission). For each segment it takes the best of delivering itself,
``max over e of value * p(e) - e``, and referring to one of its payees at a price y, ``(value - y) * P(y)`` less
fees, where P(y) is what the payee's whole branch does at that price. Everything is vectorised: prices have shape
(..., segments).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Final

import numpy as np

from pbr_opt.equilibrium.best_response import BestResponse, best_response
from pbr_opt.equilibrium.pass_through import DECLINED_GBP, Payee, best_group_price, best_piece_rate, largest
from pbr_opt.market.agents import Agent, Area, Contract
from pbr_opt.market.caseload import Caseload
from pbr_opt.market.responses import HaraResponse
from pbr_opt.market.supply_chain import SupplyChain
from pbr_opt.quantities import WEEKS_PER_YEAR, FloatArray, IntArray

__all__ = ["Branch", "Options", "area_caseload", "branches"]

_NOBODY: Final = -np.inf
"""Value of an option that is not there."""


@dataclass(frozen=True, eq=False)
class Branch:
    """An agent with everything below it, in one area.

    Attributes
    ----------
    agent : Agent
        Who it is.
    contract : Contract
        How its payer pays it.
    response : HaraResponse
        How the area's segments respond to its support.
    base_service_gbp : array (segments,)
        Cost of the service that is not discretionary, borne by whoever delivers.
    minimum_service_gbp : array (segments,)
        Verified service that whoever delivers must give.
    group_index : array of int (segments,)
        Payment group of each segment.
    below : tuple of Branch
        Its payees.
    shadow_price : mapping of agent to float
        lambda of working capital: multiplies the cost of support; agents left out have none.
    last : list
        The last price at which it was asked to deliver, with the answer.
    """

    agent: Agent
    contract: Contract
    response: HaraResponse
    base_service_gbp: FloatArray
    minimum_service_gbp: FloatArray
    group_index: IntArray
    below: tuple[Branch, ...]
    shadow_price: Mapping[str, float]
    last: list[tuple[FloatArray, BestResponse]] = field(default_factory=list)

    def only(self, rows: IntArray) -> Branch:
        """Return the branch for some of its segments."""
        return replace(
            self,
            response=self.response.take(rows),
            base_service_gbp=self.base_service_gbp[rows],
            minimum_service_gbp=self.minimum_service_gbp[rows],
            group_index=self.group_index[rows],
            below=tuple(payee.only(rows) for payee in self.below),
            last=[],
        )

    @property
    def haircut(self) -> float:
        """Return zeta: the share of an outcome payment that waiting for it costs."""
        return min(self.agent.cost_of_capital * self.contract.payment_lag_weeks / WEEKS_PER_YEAR, 1.0)

    @property
    def dearth(self) -> float:
        """Return 1 + lambda: what a pound of support costs while working capital is short."""
        return 1.0 + self.shadow_price.get(self.agent.name, 0.0)

    @cached_property
    def free(self) -> tuple[int, ...]:
        """Return the payees that get whom this agent chooses to refer, by position."""
        return tuple(k for k, payee in enumerate(self.below) if payee.contract.volume_share is None)

    @cached_property
    def own_share(self) -> float:
        """Return the share of participants that are not allotted end to end."""
        return max(0.0, 1.0 - sum(payee.contract.volume_share or 0.0 for payee in self.below))

    def worth(self, received_gbp: FloatArray) -> FloatArray:
        """Return what an outcome is worth to the agent: ``R (1 - zeta) + m``."""
        if self.haircut == 0.0 and self.agent.mission_gbp == 0.0:
            return received_gbp
        return received_gbp * (1.0 - self.haircut) + self.agent.mission_gbp

    def deliver(self, received_gbp: FloatArray) -> BestResponse:
        """Return what the agent does when it serves participants itself; one that does not deliver does nothing.

        The last answer is kept: its payer asks for outcomes, for the margin and for the books at one price.
        """
        if self.last and self.last[-1][0] is received_gbp:
            return self.last[-1][1]
        if self.agent.delivers:
            worth = self.worth(received_gbp) / self.dearth
            answer = best_response(self.response, worth, minimum_service_gbp=self.minimum_service_gbp)
        else:
            answer = best_response(self.response, np.zeros_like(received_gbp))
        self.last[:] = [(received_gbp, answer)]
        return answer

    def outcome_rate(self, received_gbp: FloatArray, attachment_gbp: FloatArray, people: FloatArray) -> FloatArray:
        """Return P: the outcome rate of the whole branch at a price."""
        return self.expected(received_gbp, attachment_gbp, people, lambda there: there.outcome_rate)

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
        stacked = np.stack(terms)
        index = options.choice.reshape((1,) * (stacked.ndim - options.choice.ndim) + options.choice.shape)
        chosen = np.take_along_axis(stacked, index, axis=0)[0]
        fixed = (
            payee.contract.volume_share * there
            for payee, there in zip(self.below, terms[1:], strict=True)
            if payee.contract.volume_share
        )
        return np.asarray(sum(fixed, start=self.own_share * chosen))

    def options(self, received_gbp: FloatArray, attachment_gbp: FloatArray, people: FloatArray) -> Options:
        """Return what each option is worth per participant at a price: first delivering itself, then each payee.

        Parameters
        ----------
        received_gbp : array (..., segments)
            R, price per outcome that the agent is paid.
        attachment_gbp : array (segments,)
            Attachment fee that it is paid.
        people : array (segments,)
            Participants it has been given, for prices that hold for a group.
        """
        worth = self.worth(received_gbp)
        own = self.deliver(received_gbp)
        value = worth * own.outcome_rate - own.support_gbp
        if self.agent.delivers:
            value = value - self.base_service_gbp
        elif self.free:  # somebody else can have them: managing them without help is no option
            value = np.full_like(received_gbp, _NOBODY)
        values, prices = [value], [received_gbp]
        for payee in self.below:
            price = self._price_for(payee, worth, received_gbp, attachment_gbp, people, value)
            values.append(self._value_of(payee, worth, price, attachment_gbp, people))
            prices.append(price)
        return Options(own, np.stack(values), tuple(prices), self.free)

    def _value_of(
        self, payee: Branch, worth: FloatArray, price: FloatArray, attachment_gbp: FloatArray, people: FloatArray
    ) -> FloatArray:
        """Return what referring a participant is worth, the attachment fee that would be passed on taken off."""
        edge = payee.contract
        passed_on = attachment_gbp * edge.attachment_share
        fees = -payee.fees - passed_on
        if edge.form != "two_part":
            kept = (worth - price) * payee.outcome_rate(price, passed_on, people) + fees
            if edge.volume_share is None:
                kept = np.where(payee.margin(price, passed_on, people) < -DECLINED_GBP, _NOBODY, kept)
            return np.asarray(kept)

        def surplus(there: BestResponse) -> FloatArray:
            """Return what is left of an outcome's worth: the payee pays its profit back."""
            return (worth - price * payee.haircut) * there.outcome_rate - there.support_gbp

        return np.asarray(payee.expected(price, passed_on, people, surplus) - payee.base_service_gbp)

    def _price_for(
        self,
        payee: Branch,
        worth: FloatArray,
        received_gbp: FloatArray,
        attachment_gbp: FloatArray,
        people: FloatArray,
        own: FloatArray,
    ) -> FloatArray:
        """Return y, the price per outcome that a payee is paid under its contract."""
        edge = payee.contract
        if edge.form == "two_part":
            return received_gbp
        if edge.form == "fixed_share":
            return received_gbp * max(edge.share, edge.least_share)
        return np.maximum(
            self._chosen_price(payee, worth, attachment_gbp, people, own), received_gbp * edge.least_share
        )

    def _chosen_price(
        self, payee: Branch, worth: FloatArray, attachment_gbp: FloatArray, people: FloatArray, own: FloatArray
    ) -> FloatArray:
        """Return the price that the agent would choose for a payee."""
        edge = payee.contract
        passed_on = attachment_gbp * edge.attachment_share
        known = payee.as_payee(passed_on, people)
        if edge.form == "piece_rate":
            return best_piece_rate(known, worth, free=edge.volume_share is None)
        fees = -payee.fees - passed_on
        fallback = np.where(np.isfinite(own), own - fees, 0.0) if edge.volume_share is None else None
        return best_group_price(known, worth, people, self.group_index, fallback)

    @property
    def fees(self) -> float:
        """Return what the agent gets per referral whatever comes of it, less what its payer keeps back."""
        return self.contract.referral_fee_gbp - self.contract.management_fee_gbp

    def margin(self, received_gbp: FloatArray, attachment_gbp: FloatArray, people: FloatArray) -> FloatArray:
        """Return what the agent makes of one more referral, GBP; it declines those that would lose it money."""
        if self.below:
            options = self.options(received_gbp, attachment_gbp, people)
            return np.asarray(options.value[options.open_to].max(axis=0) + attachment_gbp + self.fees)
        there = self.deliver(received_gbp)
        earned = received_gbp * (1.0 - self.haircut) * there.outcome_rate - there.support_gbp
        return np.asarray(earned - self.base_service_gbp + attachment_gbp + self.fees)

    def as_payee(self, attachment_gbp: FloatArray, people: FloatArray) -> Payee:
        """Return what the agent's payer knows of it."""
        leaf = not self.below and self.agent.delivers
        plain = leaf and self.response.is_exponential and not self.minimum_service_gbp.any()
        return Payee(
            rate=lambda price: self.outcome_rate(price, attachment_gbp, people),
            margin=lambda price: self.margin(price, attachment_gbp, people),
            needed_gbp=self.base_service_gbp - attachment_gbp - self.fees,
            response=self.response if plain else None,
            mission_gbp=self.agent.mission_gbp,
            haircut=self.haircut,
            dearth=self.dearth,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Options:
    """What an agent can do with a participant: first deliver itself, then refer to each payee.

    Attributes
    ----------
    own : BestResponse
        What it does when it delivers itself.
    value : array (1 + payees, ..., segments)
        Worth to the agent per participant.
    price_gbp : tuple of array (..., segments)
        Price per outcome for whoever is next, one an option.
    free : tuple of int
        Payees that get whom the agent chooses.
    """

    own: BestResponse
    value: FloatArray
    price_gbp: tuple[FloatArray, ...]
    free: tuple[int, ...]

    @property
    def open_to(self) -> IntArray:
        """Return the options that the agent can choose among: itself and its free payees."""
        return np.array([0, *(k + 1 for k in self.free)])

    @property
    def choice(self) -> IntArray:
        """Return the best option for each segment: 0 itself, k the k-th payee; ties go to the first."""
        return np.asarray(self.open_to[largest(self.value[self.open_to])])


def area_caseload(caseload: Caseload, area: Area) -> Caseload:
    """Return an area's people: its share of each segment, deadweight and ceiling shifted on the logit scale.

    >>> people = Caseload(["a"], 100, .2, .5, 600)
    >>> area_caseload(people, Area("north", 0.25, -0.5)).deadweight_rate.round(4).tolist()
    [0.1317]
    """
    people = caseload.participants * area.participant_share
    if area.readiness_shift == 0.0:
        return caseload.replace(participants=people)
    shift = np.exp(area.readiness_shift)
    low, high = caseload.deadweight_rate, caseload.ceiling_rate
    return caseload.replace(
        participants=people,
        deadweight_rate=low * shift / (1.0 - low + low * shift),
        ceiling_rate=high * shift / (1.0 - high + high * shift),
    )


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
