"""Certificates for supply chains: the most that any agent could gain by doing something else, searched from scratch.

Every agent of every area is looked at. A deliverer may give any segment other support; a payer may pay other prices
and refer other people; a payee may decline; an agent that loses money may leave. How those below would answer is
worked out by a recursion of this module's own (:mod:`~pbr_opt.equilibrium.chain_replies`). Neither imports the
solver: not ``responses``, ``best_response``, ``pass_through``, ``delegation`` or ``referrals``; a test sees to that.

Shadow prices (of working capital, of places) are checked as multipliers: with them the gain of changing everything at
once is bounded by the sum of the gains of changing one segment at a time, plus what the multipliers leave unexplained.
Of other agents they are taken as given, as the people whom those are given are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from pbr_opt.equilibrium.certificate import Certificate
from pbr_opt.equilibrium.chain_replies import DECLINED_GBP, Effort, Option, Seat
from pbr_opt.market.agents import Agent, Area, by_segment
from pbr_opt.market.programme import Programme
from pbr_opt.quantities import FloatArray

if TYPE_CHECKING:
    from pbr_opt.equilibrium.accounts import Account, Cell, Flow
    from pbr_opt.equilibrium.chain import ChainEquilibrium

__all__ = ["TOLERANCE_GBP", "certify_chain"]

TOLERANCE_GBP: Final = 0.01
"""A penny a participant: prices are found by grids, and a reply that is a ten-millionth of a price off moves the
outcome rate, and with it thousands of pounds, by as much."""

_POINTS: Final = 33
_ROUNDS: Final = 6
_BOOKS: Final = 1e-6
"""People, outcomes and prices that belong together agree to this, relatively: each is a product of a few shares."""
_FINE: Final = Effort(points=33, rounds=8)
_COARSE: Final = Effort(points=17, rounds=2)
_AFFORDABLE: Final = 2e8
"""Above so many evaluations of a response the coarse grid is used."""

Finding = tuple[float, str]
"""What could be gained, GBP per participant, and by whom with what."""


def certify_chain(
    programme: Programme, equilibrium: ChainEquilibrium, price_gbp: FloatArray, attachment_gbp: FloatArray
) -> Certificate:
    """Search for a better choice of every agent, and return the largest gain found.

    Parameters
    ----------
    programme : Programme
        With a supply chain; of its closed forms none is used.
    equilibrium : ChainEquilibrium
        What is said to happen.
    price_gbp, attachment_gbp : array (segments,)
        What the Department pays per outcome and per participant.

    Returns
    -------
    Certificate
        In GBP per participant of whoever deviates. Books that do not add up count as an infinite gain.
    """
    claim = _Claim.of(equilibrium)
    effort = _effort(programme, equilibrium)
    findings: list[Finding] = [(0.0, "nobody")]
    for area in equilibrium.chain.areas:
        people = _people_of(programme, area)
        for prime in equilibrium.chain.primes_in(area.name):
            seat = _seat(programme, area, claim, equilibrium, prime, effort)
            flow = claim.flows[area.name, prime.name]
            share = equilibrium.chain.area_share(prime.name)
            findings += _agree(f"{prime.name} in {area.name}", (flow.participants, people * share))
            findings += _agree(f"{prime.name} in {area.name}", (flow.price_gbp, price_gbp))
            findings += _agree(f"{prime.name} in {area.name}", (flow.attachment_gbp, attachment_gbp))
            findings += _walk(_Place(area.name, seat, flow, claim))
    gain, player = max(findings, key=lambda finding: finding[0])
    return Certificate(gain, TOLERANCE_GBP, player, _reason(effort))


def _reason(effort: Effort) -> str:
    width = f"{effort.points} points refined {effort.rounds} times"
    return f"prices are searched for on grids of {width}: a penny a participant is within their width"


@dataclass(frozen=True, slots=True, eq=False)
class _Claim:
    """What is said to happen, by area and agent."""

    flows: Mapping[tuple[str, str], Flow]
    cells: Mapping[tuple[str, str], Cell]
    accounts: Mapping[str, Account]

    @classmethod
    def of(cls, equilibrium: ChainEquilibrium) -> _Claim:
        return cls(
            {(flow.area, flow.payee): flow for flow in equilibrium.flows},
            {(cell.area, cell.deliverer): cell for cell in equilibrium.cells},
            {account.agent: account for account in equilibrium.accounts},
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Place:
    """One agent in one area, with what is said of it."""

    area: str
    seat: Seat
    flow: Flow
    claim: _Claim

    @property
    def name(self) -> str:
        """Return who, and where."""
        return f"{self.seat.agent.name} in {self.area}" if self.area else self.seat.agent.name

    @property
    def account(self) -> Account:
        """Return its books."""
        return self.claim.accounts[self.seat.agent.name]

    def below(self) -> list[_Place]:
        """Return its payees."""
        seats = self.seat.below
        return [_Place(self.area, s, self.claim.flows[self.area, s.agent.name], self.claim) for s in seats]

    def own(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return whom it serves itself, with what support, and their outcome rate."""
        cell = self.claim.cells.get((self.area, self.seat.agent.name))
        if cell is None:
            nobody = np.zeros_like(self.flow.participants)
            return (
                nobody,
                self.seat.support(self.flow.price_gbp),
                self.seat.rate(self.seat.support(self.flow.price_gbp)),
            )
        return cell.participants, cell.behaviour.support_gbp, cell.behaviour.outcome_rate


def _people_of(programme: Programme, area: Area) -> FloatArray:
    return np.asarray(programme.caseload.participants * area.participant_share)


def _nearer(rate: FloatArray, shift: float) -> FloatArray:
    """Return a rate whose odds are exp(shift) times as high."""
    odds = np.exp(shift)
    return np.asarray(rate * odds / (1.0 + rate * (odds - 1.0)))


def _seat(
    programme: Programme, area: Area, claim: _Claim, equilibrium: ChainEquilibrium, agent: Agent, effort: Effort
) -> Seat:
    """Return an agent with everybody below it, as numbers."""
    caseload, chain = programme.caseload, equilibrium.chain
    low = _nearer(caseload.deadweight_rate, area.readiness_shift)
    high = _nearer(caseload.ceiling_rate, area.readiness_shift)
    high = np.minimum(np.maximum(high + by_segment(agent.ceiling_bonus, caseload, 0.0), low), 1.0)
    flow = claim.flows[area.name, agent.name]
    return Seat(
        agent=agent,
        contract=chain.contracts[agent.name],
        low=low,
        high=high,
        scale=caseload.response_scale_gbp / by_segment(agent.productivity, caseload, 1.0),
        bend=caseload.curvature,
        base=programme.base_service_gbp[caseload.group_index],
        least=programme.minimum_service_gbp[caseload.group_index],
        group=caseload.group_index,
        people=flow.participants,
        attachment=flow.attachment_gbp,
        shadow_price=claim.accounts[agent.name].shadow_price,
        below=tuple(_seat(programme, area, claim, equilibrium, payee, effort) for payee in chain.payees(agent.name)),
        effort=effort,
    )


def _effort(programme: Programme, equilibrium: ChainEquilibrium) -> Effort:
    """Return the grid that can be afforded."""
    chain = equilibrium.chain

    def cost(agent: Agent) -> tuple[float, float]:
        """Return evaluations for one reply of an agent, and for looking at it and everybody below it."""
        one, all_of_it = 1.0, 1.0
        for payee in chain.payees(agent.name):
            reply, below = cost(payee)
            searched = chain.contracts[payee.name].form in ("piece_rate", "group_price")
            times = _FINE.points + 3 * 17 * _FINE.rounds if searched else 1
            one, all_of_it = one + times * reply, all_of_it + below + times * reply
        return one, all_of_it

    total = sum(cost(prime)[1] for prime in chain.payees(chain.department.name)) * len(programme.caseload)
    return _FINE if total <= _AFFORDABLE else _COARSE


def _walk(place: _Place) -> Iterator[Finding]:
    """Return what is found about an agent and everybody below it."""
    yield from _books(place)
    yield from _support(place)
    yield from _capital(place)
    if place.seat.below:
        yield from _referrals(place)
    for payee in place.below():
        yield from _wish_to_take_part(payee)
        yield from _walk(payee)


def _agree(who: str, *pairs: tuple[FloatArray, FloatArray]) -> Iterator[Finding]:
    """Return an infinite gain for numbers that should be the same and are not."""
    for given, wanted in pairs:
        if not np.allclose(given, wanted, rtol=_BOOKS, atol=_BOOKS * float(np.abs(wanted).max(initial=0.0))):
            yield np.inf, f"{who}: books that do not add up"


def _books(place: _Place) -> Iterator[Finding]:
    """Check that people, outcomes and contracts add up."""
    served, support, rate = place.own()
    below = place.below()
    seat, flow = place.seat, place.flow
    yield from _agree(
        place.name,
        (served + sum(payee.flow.participants for payee in below), flow.participants),
        (served * rate + sum(payee.flow.outcomes for payee in below), flow.outcomes),
        (np.where(served > 0, rate, 0.0), np.where(served > 0, seat.rate(support), 0.0)),
    )
    for payee in below:
        edge = payee.seat.contract
        share = {"two_part": 1.0, "fixed_share": max(edge.share, edge.least_share)}.get(edge.form)
        wanted = payee.flow.price_gbp if share is None else share * flow.price_gbp
        yield from _agree(
            payee.name,
            (payee.flow.price_gbp, wanted),
            (payee.flow.attachment_gbp, flow.attachment_gbp * edge.attachment_share),
            (np.minimum(payee.flow.price_gbp - flow.price_gbp * edge.least_share, 0.0), np.zeros_like(wanted)),
        )


def _support(place: _Place) -> Iterator[Finding]:
    """Try other support for every segment that the agent serves, capital at its shadow price."""
    served, support, rate = place.own()
    seat = place.seat
    if not served.any():
        return
    worth = seat.worth(place.flow.price_gbp)
    least = seat.least if seat.agent.delivers else np.zeros_like(seat.least)

    def value(tried: FloatArray) -> FloatArray:
        return np.asarray(worth * seat.rate(tried) - (1.0 + seat.shadow_price) * tried)

    most = worth * (seat.high - seat.low) if seat.agent.delivers else np.zeros_like(worth)
    start, stop, best = least, least + most, np.full_like(worth, -np.inf)
    for _ in range(_ROUNDS):
        tried = start + np.linspace(0.0, 1.0, _POINTS)[:, None] * (stop - start)
        values = value(tried)
        at = values.argmax(axis=0)
        best = np.maximum(best, values.max(axis=0))
        centre, width = tried[at, np.arange(at.size)], (stop - start) / (_POINTS - 1)
        start, stop = np.maximum(centre - width, least), centre + width
    gain = best - value(support) + worth * np.abs(rate - seat.rate(support)) + np.maximum(least - support, 0.0)
    yield from _worst(np.where(served > 0, gain, 0.0), f"{place.name}, other support for segment")


def _capital(place: _Place) -> Iterator[Finding]:
    """Check that capital is not overspent, and that its shadow price is explained by it."""
    served, support, _ = place.own()
    available = place.seat.agent.working_capital_gbp
    if not np.isfinite(available):
        yield (np.inf if place.seat.shadow_price else 0.0), f"{place.name}, capital that is not short"
        return
    available += float(place.flow.attachment_gbp @ place.flow.participants)
    available -= sum(float(payee.flow.attachment_gbp @ payee.flow.participants) for payee in place.below())
    spent, needed = float(served @ support), float(served @ place.seat.least)
    people = max(float(place.flow.participants.sum()), 1e-9)
    yield max(spent - max(available, needed), 0.0) / people, f"{place.name}, capital that it does not have"
    if needed < available:
        yield place.seat.shadow_price * max(available - spent, 0.0) / people, f"{place.name}, capital left idle"


def _wish_to_take_part(payee: _Place) -> Iterator[Finding]:
    """Check that a payee would not rather decline referrals, nor leave."""
    people = payee.flow.participants
    edge, account = payee.seat.contract, payee.account
    if edge.volume_share is None and edge.form != "two_part" and people.any():
        _, margin = payee.seat.reply(payee.flow.price_gbp)
        lost = np.where(people > 0, np.maximum(-margin - DECLINED_GBP, 0.0), 0.0)
        yield from _worst(lost, f"{payee.name}, declining segment")
    yield max(-account.profit_gbp, 0.0) / max(account.referrals, 1.0), f"{payee.name}, leaving"


def _referrals(place: _Place) -> Iterator[Finding]:
    """Try other prices and other referrals, places at their shadow prices."""
    seat, flow, below = place.seat, place.flow, place.below()
    people = np.where(flow.participants > 0, flow.participants, 1.0)
    served, support, rate = place.own()
    share = np.stack([served, *(payee.flow.participants for payee in below)]) / people
    now = [_as_claimed(place, support, rate), *(_claimed_value(place, payee) for payee in below)]
    best = [now[0], *(_best_value(place, k, now) for k in range(len(below)))]
    place_price = np.array([0.0, *(payee.account.place_price_gbp for payee in below)])
    yield from _places(place, place_price, float(flow.participants.sum()))
    open_to = [0, *(k + 1 for k in seat.free)]
    charged = np.stack([now[k] - place_price[k] for k in open_to])
    tried = np.stack([best[k] - place_price[k] for k in open_to])
    if not seat.agent.delivers and seat.free:  # it may keep only whom nobody takes
        tried[0] = charged[0] = np.minimum(charged[0], np.where(np.isfinite(tried[1:]), tried[1:], np.inf).min(axis=0))
    got = np.where(share[open_to] > 0, share[open_to] * np.where(share[open_to] > 0, charged, 0.0), 0.0).sum(axis=0)
    gain = share[open_to].sum(axis=0) * tried.max(axis=0) - got
    for k, payee in enumerate(below, 1):
        if k not in open_to and payee.seat.contract.form == "piece_rate":
            gain = gain + share[k] * (best[k] - now[k])
    yield from _worst(np.where(flow.participants > 0, gain, 0.0), f"{place.name}, other prices or referrals of segment")
    for k, payee in enumerate(below):
        if payee.seat.contract.form == "group_price":
            yield from _group_price(place, k, now, share)


def _as_claimed(place: _Place, support: FloatArray, rate: FloatArray) -> FloatArray:
    """Return what keeping a participant is worth as it is said to be served, capital at its shadow price."""
    seat = place.seat
    value = seat.worth(place.flow.price_gbp) * rate - (1.0 + seat.shadow_price) * support
    return np.asarray(value - seat.base if seat.agent.delivers else value)


def _claimed_value(place: _Place, payee: _Place) -> FloatArray:
    """Return what referring to a payee is worth as it is said to be done.

    The better of what the books say and of what the recursion says of the same price: the grid of replies further
    down then errs on both sides of a comparison alike.
    """
    seat, flow = place.seat, payee.flow
    reply = payee.seat.reply(flow.price_gbp, place.flow.participants)
    worth = seat.worth(place.flow.price_gbp)
    value = seat.value_of(payee.seat, worth, flow.price_gbp, reply).value_gbp
    if payee.seat.contract.form == "two_part" or payee.seat.contract.volume_share is not None:
        return value
    sent = flow.participants > 0
    booked = np.divide(flow.outcomes, flow.participants, out=np.array(reply[0]), where=sent)
    actual = (worth - flow.price_gbp) * booked - payee.seat.fees - (1.0 + seat.shadow_price) * flow.attachment_gbp
    return np.where(sent, np.maximum(value, actual), value)


def _best_value(place: _Place, k: int, now: Sequence[FloatArray]) -> FloatArray:
    """Return what referring to the k-th payee could be worth, segment by segment."""
    seat = place.seat
    if seat.below[k].contract.form != "piece_rate":
        return now[k + 1]
    nothing = Option(now[0], now[0], now[0])
    found = seat.refer(k, place.flow.price_gbp, place.flow.participants, nothing).value_gbp
    return np.maximum(found, now[k + 1])


def _places(place: _Place, place_price: FloatArray, people: float) -> Iterator[Finding]:
    """Check limits on places, and that prices of places are explained by them."""
    slack = _BOOKS * max(people, 1.0)
    for price, payee in zip(place_price[1:], place.below(), strict=True):
        edge, agent, taken = payee.seat.contract, payee.seat.agent, float(payee.flow.participants.sum())
        who = f"{place.name}, places with {agent.name}"
        if edge.volume_share is not None:
            allotted = min(edge.volume_share * people, agent.capacity)
            yield (np.inf if abs(taken - allotted) > slack else 0.0), who
            continue
        yield (np.inf if taken > agent.capacity + slack else 0.0), who
        if price > 0.0:
            yield price * max(agent.capacity - taken, 0.0) / max(people, 1.0), who
        elif price < 0.0:
            yield -price * max(taken - edge.guaranteed_volume, 0.0) / max(people, 1.0), who


def _group_price(place: _Place, k: int, now: Sequence[FloatArray], share: FloatArray) -> Iterator[Finding]:
    """Try another price for each payment group, referrals following it."""
    seat, payee = place.seat, place.below()[k]
    people, price = place.flow.participants, place.flow.price_gbp
    free = payee.seat.contract.volume_share is None
    place_price = payee.account.place_price_gbp if free else 0.0
    if not people.any():
        return
    others = [now[0]] if seat.agent.delivers or len(seat.free) <= 1 else []
    others += [now[j + 1] - p.account.place_price_gbp for j, p in enumerate(place.below()) if j != k and j in seat.free]
    alone = not seat.agent.delivers and len(seat.free) == 1
    elsewhere = np.max(others, axis=0)
    otherwise = Option(np.full_like(elsewhere, -np.inf) if alone else elsewhere, elsewhere, elsewhere)
    claimed = now[k + 1] - place_price
    best = seat.refer(k, price, people, otherwise).value_gbp - place_price
    if free:
        claimed, best = (
            np.where(np.isneginf(value), elsewhere, value if alone else np.maximum(value, elsewhere))
            for value in (claimed, best)
        )
        weight = people * share[[0, *(j + 1 for j in seat.free)]].sum(axis=0)
    else:
        weight = people * share[k + 1]
    for g in range(int(seat.group.max()) + 1):
        at = (seat.group == g) & (weight > 0)
        if at.any():
            yield float((best - claimed)[at] @ weight[at] / weight[at].sum()), f"{place.name}, price of group {g}"


def _worst(gain: FloatArray, who: str) -> Iterator[Finding]:
    at = int(np.argmax(gain))
    yield float(gain[at]), f"{who} {at}"
