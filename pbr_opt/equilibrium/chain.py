"""The equilibrium of a whole supply chain: who serves whom, with what support, who earns what, who leaves.

Each area is solved by backward induction (:mod:`~pbr_opt.equilibrium.delegation`) and then played from the top:
people and money are sent down the branches and booked. Shadow prices of working capital are found by iteration,
because prices and referrals answer to them; then whoever cannot cover its fixed cost leaves, and all is solved
again, until nobody leaves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

import numpy as np

from pbr_opt.equilibrium.accounts import Account, Cell, Departure, Flow, Intake, Ledger
from pbr_opt.equilibrium.allotment import Given, allot_branch, own_dearth
from pbr_opt.equilibrium.best_response import BestResponse
from pbr_opt.equilibrium.delegation import Branch, branches
from pbr_opt.equilibrium.pass_through import DECLINED_GBP
from pbr_opt.errors import EquilibriumError
from pbr_opt.market.agents import Area, area_caseload
from pbr_opt.market.caseload import Caseload
from pbr_opt.market.programme import Programme
from pbr_opt.market.supply_chain import SupplyChain
from pbr_opt.quantities import FloatArray

__all__ = ["ChainEquilibrium", "solve_chain"]

_ROUNDS: Final = 200
_SETTLED: Final = 1e-10
"""Shadow prices that move by less than this have settled."""
_DAMPED_AFTER: Final = 20
_BROKE_GBP: Final = 1e-6
"""A loss beyond this, and beyond what each referral may lose before it is declined, is a loss and not rounding."""

_OVERDRAWN: Final = 1e-9
"""Money that must be laid out beyond what there is, relative to income, is rounding up to this."""


@dataclass(frozen=True, eq=False)
class ChainEquilibrium:
    """What happens in a chain under a tariff.

    Attributes
    ----------
    chain : SupplyChain
        Those that stayed.
    accounts : tuple of Account
        One for every agent of the chain that was asked about, in its order; those that left have nothing.
    cells : tuple of Cell
        Who serves which segments of which area, and how.
    flows : tuple of Flow
        Who is given whom at which price: one for every contract, payees before payers.
    departures : tuple of Departure
        Who left, why, and in which round.
    intakes : mapping of prime to Intake
        What rivals make of their area, where results decide; empty where every prime has its contract's share.
    """

    chain: SupplyChain
    accounts: tuple[Account, ...]
    cells: tuple[Cell, ...]
    flows: tuple[Flow, ...]
    departures: tuple[Departure, ...]
    intakes: Mapping[str, Intake] = field(default_factory=lambda: MappingProxyType({}))

    def given_to(self, prime: str, people: FloatArray) -> FloatArray:
        """Return whom a prime is given of an area's people, by segment."""
        intake = self.intakes.get(prime)
        return np.asarray(people * self.chain.area_share(prime)) if intake is None else intake.participants

    def top_up_gbp(self, agent: str) -> FloatArray | float:
        """Return what an outcome is worth to an agent on top of its price because of its rivals, GBP."""
        return self.intakes[agent].top_up_gbp if agent in self.intakes else 0.0


def solve_chain(
    programme: Programme,
    price_gbp: FloatArray,
    attachment_gbp: FloatArray,
    intakes: Mapping[str, Intake] = MappingProxyType({}),
) -> ChainEquilibrium:
    """Return the equilibrium of a programme's chain.

    Parameters
    ----------
    programme : Programme
        With a supply chain.
    price_gbp, attachment_gbp : array (segments,)
        What the Department pays per outcome and per participant.
    intakes : mapping of prime to Intake, optional
        Whom primes are given, and what outcomes are worth to them beside, where rivals decide it.

    Returns
    -------
    ChainEquilibrium
        Primes stay whatever they earn: they hold the contract. Subcontractors leave one a payer and round, the one with
        the largest loss first, because others may live when it has gone.

    Raises
    ------
    EquilibriumError
        When shadow prices or prices of places do not settle.
    """
    asked = programme.supply_chain
    if asked is None:
        raise EquilibriumError("There is no supply chain to solve; try evaluate(), which then takes primes alone.")
    chain, departures = asked, list[Departure]()
    terms = _Terms(programme, price_gbp, attachment_gbp, intakes)
    books: dict[str, Ledger] = {}
    unsettled = {area.name: _members(asked, area.name) for area in asked.areas}
    while unsettled:  # areas share nobody: those that nobody has left stand as they are
        for area in unsettled:
            books[area] = _settle(terms, chain, area, books[area].shadow_prices if area in books else {})
        number = 1 + max((item.round for item in departures), default=0)
        leaving = _leaving(
            chain, {name: book for area in unsettled for name, book in books[area].accounts.items()}, number
        )
        departures += leaving
        gone = {item.agent for item in leaving}
        chain = chain.without(gone) if gone else chain
        unsettled = {area: names for area, names in unsettled.items() if names & gone}
    ledger = Ledger.joined(list(books.values()))
    idle = {agent.name: Account(agent.name, active=False) for agent in asked.agents}
    booked = tuple(ledger.accounts.get(agent.name, idle[agent.name]) for agent in asked.agents)
    return ChainEquilibrium(chain, booked, tuple(ledger.cells), tuple(ledger.flows), tuple(departures), intakes)


def _members(chain: SupplyChain, area: str) -> set[str]:
    """Return the primes of an area and everybody below them."""
    names = [prime.name for prime in chain.primes_in(area)]
    for name in names:  # grows while it is walked
        names += [payee.name for payee in chain.payees(name)]
    return set(names)


def _leaving(chain: SupplyChain, accounts: Mapping[str, Account], number: int) -> list[Departure]:
    """Return who leaves in a round: all that pay for standing idle, and each payer's payee with the largest loss.

    Those without referrals go at once: nobody's choice depends on them. So do those that cannot pay for what they must
    lay out before outcomes pay.
    """
    answer = []
    for payer in (agent for agent in chain.agents[1:] if agent.name in accounts):
        books = [accounts[payee.name] for payee in chain.payees(payer.name)]
        poor = [book for book in books if book.overdrawn_gbp > _BROKE_GBP + _OVERDRAWN * book.income_gbp]
        answer += [Departure(book.agent, number, book.profit_gbp, "no money until outcomes pay") for book in poor]
        books = [book for book in books if book not in poor]
        broke = (book for book in books if book.profit_gbp < -_BROKE_GBP - DECLINED_GBP * book.referrals)
        losers = sorted(broke, key=lambda book: book.profit_gbp)
        idle = [book for book in losers if book.referrals == 0.0]
        busy = [book for book in losers if book.referrals > 0.0]
        answer += [Departure(book.agent, number, book.profit_gbp, "no referrals") for book in idle]
        answer += [Departure(book.agent, number, book.profit_gbp, "income below cost") for book in busy[:1]]
    return answer


@dataclass(frozen=True, slots=True, eq=False)
class _Terms:
    """What a chain is played under."""

    programme: Programme
    price_gbp: FloatArray
    attachment_gbp: FloatArray
    intakes: Mapping[str, Intake]


def _settle(terms: _Terms, chain: SupplyChain, area: str, before: Mapping[str, float]) -> Ledger:
    """Return an area's books under shadow prices that agree with what is done under them."""
    expected = {name: value for name, value in before.items() if value > 0.0 and name in chain.by_name}
    place = next(each for each in chain.areas if each.name == area)
    asked, moved, found = expected, dict[str, float](), dict[str, float]()
    playing = _Playing.of(terms, chain, place, found)
    for number in range(_ROUNDS):
        asked = expected
        found.clear()
        found.update(expected)
        ledger = _play(terms, chain, playing, found)
        moved = {name: abs(value - expected.get(name, 0.0)) / (1.0 + value) for name, value in found.items()}
        if max(moved.values(), default=0.0) <= _SETTLED:
            return ledger
        keep = 0.0 if number < _DAMPED_AFTER else 0.5
        expected = {name: keep * expected.get(name, 0.0) + (1.0 - keep) * value for name, value in found.items()}
    worst = max(moved, key=lambda name: moved[name])
    last = {name: (asked.get(name, 0.0), found[name]) for name in moved if moved[name] > _SETTLED}
    raise EquilibriumError(
        f"Shadow prices of working capital do not settle after {_ROUNDS} rounds: '{worst}' was expected to have "
        f"{last[worst][0]:.6g} and has {last[worst][1]:.6g}. Try fixed_share contracts, or more working capital.",
        last_iterates=last,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Playing:
    """An area's people and branches, which remember what took long to find."""

    area: Area
    caseload: Caseload
    primes: tuple[Branch, ...]

    @classmethod
    def of(cls, terms: _Terms, chain: SupplyChain, area: Area, shadows: Mapping[str, float]) -> _Playing:
        """Return the branches of an area; they look up shadow prices whenever they are asked."""
        programme, caseload = terms.programme, area_caseload(terms.programme.caseload, area)
        row = programme.caseload.group_index
        service = programme.base_service_gbp[row], programme.minimum_service_gbp[row]
        return cls(area, caseload, branches(chain, area.name, caseload, service, shadows))


def _play(terms: _Terms, chain: SupplyChain, playing: _Playing, shadows: dict[str, float]) -> Ledger:
    """Send an area's people and money down every branch; bring shadow prices up to date on the way."""
    price, attachment, caseload = terms.price_gbp, terms.attachment_gbp, playing.caseload
    agents = [chain.department, *(chain.by_name[name] for name in _members(chain, playing.area.name))]
    ledger = Ledger({agent.name: Account(agent.name, fixed_cost_gbp=agent.fixed_cost_gbp) for agent in agents})
    game = _Area(playing.area.name, caseload, ledger, shadows)
    for branch in playing.primes:
        name = branch.agent.name
        intake = terms.intakes.get(name)
        prime = branch if intake is None else branch.with_top_up(intake.top_up_gbp)
        people = caseload.participants * chain.area_share(name) if intake is None else intake.participants
        outcomes = game.serve(prime, price, attachment, people)
        game.pay(chain.department.name, prime, price, attachment, people, outcomes)
    paid = ledger.accounts[chain.department.name]
    paid.income_gbp = paid.paid_on_gbp  # from the Treasury
    return ledger


@dataclass(frozen=True, slots=True, eq=False)
class _Area:
    """One area's people being sent down, with the books open."""

    name: str
    caseload: Caseload
    ledger: Ledger
    shadows: dict[str, float]

    def serve(self, branch: Branch, price: FloatArray, attachment: FloatArray, people: FloatArray) -> FloatArray:
        """Book what a branch does with people it has been given; return outcomes by segment."""
        account, given = self.ledger.accounts[branch.agent.name], Given(price, attachment, people)
        account.referrals += float(people.sum())
        if not branch.below:
            self._book_money(branch, given, people)
            return self._deliver(branch, branch.deliver(price), price, people)
        if not people.any():  # whom nobody could be sent is not short of anything
            self.shadows.update({payee.agent.name: 0.0 for payee in branch.below})
        options, there = allot_branch(branch, given, self.shadows)
        passed_on = [attachment * payee.contract.attachment_share for payee in branch.below]
        sent = [people * share for share in there.share]
        elsewhere = float(
            sum((fee + payee.fees) @ who for payee, fee, who in zip(branch.below, passed_on, sent[1:], strict=True))
        )
        self._book_money(branch, given, sent[0], elsewhere)
        outcomes = self._deliver(branch, branch.deliver(price), price, sent[0])
        for k, payee in enumerate(branch.below, 1):
            paid = options.price_gbp[k]
            reached = self.serve(payee, paid, passed_on[k - 1], sent[k])
            self.pay(branch.agent.name, payee, paid, passed_on[k - 1], sent[k], reached)
            self.ledger.accounts[payee.agent.name].place_price_gbp = float(there.place_price_gbp[k])
            outcomes = outcomes + reached
        return outcomes

    def pay(  # an entry in two books
        self,
        payer: str,
        payee: Branch,
        price: FloatArray,
        attachment: FloatArray,
        people: FloatArray,
        outcomes: FloatArray,
    ) -> None:
        """Book what a payer owes a payee, and what waiting for it costs the payee."""
        edge, account = payee.contract, self.ledger.accounts[payee.agent.name]
        for_outcomes = float(price @ outcomes)
        fees = (edge.referral_fee_gbp - edge.management_fee_gbp) * float(people.sum())
        self.ledger.flows.append(Flow(self.name, payee.agent.name, people, outcomes, price, attachment))
        account.income_gbp += for_outcomes + float(attachment @ people) + fees
        account.finance_cost_gbp += payee.haircut * for_outcomes
        if edge.form == "two_part" and payer != self.ledger.department:
            account.income_gbp -= account.profit_gbp  # paid back, or made good: the payer has the whole surplus
        self.ledger.accounts[payer].paid_on_gbp += account.income_gbp

    def _book_money(self, branch: Branch, given: Given, kept: FloatArray, elsewhere_gbp: float = 0.0) -> None:
        """Book the shadow price of working capital, and what must be laid out though there is no money for it.

        Who chooses whom to refer has its shadow price from that choice. Who delivers alone has it from its payer's
        choice too where a higher one changes nothing that it does: for want of money nobody is sent, or no more people
        than the service that is required leaves money for.
        """
        name, short = branch.agent.name, own_dearth(branch, given, kept, elsewhere_gbp)
        chosen = not branch.below and branch.contract.volume_share is None
        if not branch.free and not (chosen and self._as_well_at(branch, given, short.shadow_price)):
            self.shadows[name] = short.shadow_price
        account = self.ledger.accounts[name]
        account.shadow_price, account.overdrawn_gbp = self.shadows.get(name, 0.0), short.overdrawn_gbp

    def _as_well_at(self, branch: Branch, given: Given, least: float) -> bool:
        """Whether the present shadow price of a deliverer's money is above the least and leaves its support as that."""
        if not given.people.any():
            return True
        if not self.shadows.get(branch.agent.name, 0.0) > least > 0.0:
            return False
        here = branch.deliver(given.price_gbp).support_gbp
        return bool((here <= branch.minimum_service_gbp)[given.people > 0].all())

    def _deliver(self, branch: Branch, there: BestResponse, price: FloatArray, people: FloatArray) -> FloatArray:
        """Book the agent's own delivery of some people."""
        account = self.ledger.accounts[branch.agent.name]
        if not people.any():
            return np.zeros_like(people)
        account.delivered += float(people.sum())
        account.support_gbp += float(people @ there.support_gbp)
        account.base_service_gbp += float(people @ branch.base_service_gbp) if branch.agent.delivers else 0.0
        account.parked += float(people @ there.parked)
        outcomes = people * there.outcome_rate
        account.outcomes += float(outcomes.sum())
        self.ledger.cells.append(Cell(self.name, branch.agent.name, people, self.caseload, price, there))
        return outcomes
