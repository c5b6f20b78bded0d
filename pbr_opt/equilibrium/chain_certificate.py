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

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from pbr_opt.equilibrium.certificate import Certificate
from pbr_opt.equilibrium.chain_claims import BOOKS, Claim, Finding, Place, agree, books, seat_of
from pbr_opt.equilibrium.chain_replies import DECLINED_GBP, Option, Seat
from pbr_opt.equilibrium.price_search import Effort
from pbr_opt.market.agents import Agent
from pbr_opt.market.programme import Programme
from pbr_opt.quantities import FloatArray

if TYPE_CHECKING:
    from pbr_opt.equilibrium.chain import ChainEquilibrium

__all__ = ["COARSE_TOLERANCE", "TOLERANCE_GBP", "certify_chain"]

TOLERANCE_GBP: Final = 0.01
"""A penny a participant: prices are found by grids, and a reply that is a ten-millionth of a price off moves the
outcome rate, and with it thousands of pounds, by as much."""
COARSE_TOLERANCE: Final = 2e-5
"""The same on coarser grids, relative to the highest price: what a chain of three intermediaries was measured to need,
five times over."""

_POINTS: Final = 33
_ROUNDS: Final = 6
_EFFORTS: Final = (Effort(points=33, rounds=8), Effort(points=33, rounds=5), Effort(points=17, rounds=3))
_AFFORDABLE: Final = 2e7
"""Evaluations of a response: the finest grid that needs no more of them is used, or the last."""


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
    claim = Claim.of(equilibrium)
    effort = _effort(programme, equilibrium)
    findings: list[Finding] = [(0.0, "nobody"), *_another_chain(programme, equilibrium)]
    for area in equilibrium.chain.areas:
        people = programme.caseload.participants * area.participant_share
        for prime in equilibrium.chain.primes_in(area.name):
            seat = seat_of(programme, area, claim, equilibrium, prime, effort)
            flow = claim.flows[area.name, prime.name]
            given = equilibrium.given_to(prime.name, people)
            findings += agree(f"{prime.name} in {area.name}", (flow.participants, given))
            findings += agree(f"{prime.name} in {area.name}", (flow.price_gbp, price_gbp))
            findings += agree(f"{prime.name} in {area.name}", (flow.attachment_gbp, attachment_gbp))
            findings += _walk(Place(area.name, seat, flow, claim))
    gain, player = max(findings, key=lambda finding: np.inf if np.isnan(finding[0]) else finding[0])
    coarse = effort != _EFFORTS[0]
    tolerance = max(TOLERANCE_GBP, COARSE_TOLERANCE * float(price_gbp.max())) if coarse else TOLERANCE_GBP
    reason = f"prices are searched for on grids of {effort.points} points, refined {effort.rounds} times"
    return Certificate(gain, tolerance, player, f"{reason}: what one step of the last grid may bring")


def _another_chain(programme: Programme, equilibrium: ChainEquilibrium) -> Iterator[Finding]:
    """Check that those who stayed are the programme's, on its terms, and that the others are said to leave."""
    asked, stayed = programme.supply_chain, equilibrium.chain
    gone = {departure.agent for departure in equilibrium.departures}
    if asked is None:
        yield np.inf, "a chain that the programme does not have"
        return
    for agent in asked.agents:
        left = agent.name in gone or (agent.kind != "department" and asked.contracts[agent.name].payer in gone)
        gone |= {agent.name} if left else set()
        same = stayed.by_name.get(agent.name) == agent
        same = same and stayed.contracts.get(agent.name) == asked.contracts.get(agent.name)
        yield (0.0 if left or same else np.inf), f"{agent.name}: not as in the programme"


def _effort(programme: Programme, equilibrium: ChainEquilibrium) -> Effort:
    """Return the finest grid that can be afforded."""
    chain, segments = equilibrium.chain, len(programme.caseload)

    def cost(agent: Agent, effort: Effort) -> tuple[float, float]:
        """Return evaluations for one reply of an agent, and for looking at it and everybody below it."""
        one, all_of_it = 1.0, 1.0
        for payee in chain.payees(agent.name):
            reply, below = cost(payee, effort)
            searched = chain.contracts[payee.name].form in ("piece_rate", "group_price")
            times = effort.evaluations(bool(chain.payees(payee.name))) if searched else 1
            one, all_of_it = one + times * reply, all_of_it + below + times * reply
        return one, all_of_it

    primes = chain.payees(chain.department.name)
    good = (e for e in _EFFORTS if segments * sum(cost(prime, e)[1] for prime in primes) <= _AFFORDABLE)
    return next(good, _EFFORTS[-1])


def _walk(place: Place) -> Iterator[Finding]:
    """Return what is found about an agent and everybody below it."""
    yield from books(place)
    yield from _support(place)
    yield from _capital(place)
    if place.seat.below:
        yield from _referrals(place)
    for payee in place.below():
        yield from _wish_to_take_part(payee)
        yield from _walk(payee)


def _support(place: Place) -> Iterator[Finding]:
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


def _capital(place: Place) -> Iterator[Finding]:
    """Check that capital is not overspent, and that its shadow price is explained by it."""
    served, support, _ = place.own()
    seat, flow = place.seat, place.flow
    if not np.isfinite(seat.agent.working_capital_gbp):
        yield (np.inf if seat.shadow_price else 0.0), f"{place.name}, capital that is not short"
        return
    available = seat.agent.working_capital_gbp - seat.lag * seat.agent.fixed_cost_gbp
    available += float((flow.attachment_gbp + seat.fees) @ flow.participants)
    running = float(served @ seat.base) * seat.lag if seat.agent.delivers else 0.0
    below = [float((payee.flow.attachment_gbp + payee.seat.fees) @ payee.flow.participants) for payee in place.below()]
    left = available - running - sum(below)
    spent, needed = float(served @ support), float(served @ seat.least) if seat.agent.delivers else 0.0
    people = max(float(flow.participants.sum()), 1e-9)
    yield max(spent - max(left, needed), 0.0) / people, f"{place.name}, capital that it does not have"
    if needed < left:
        yield seat.shadow_price * max(left - spent, 0.0) / people, f"{place.name}, capital left idle"


def _wish_to_take_part(payee: Place) -> Iterator[Finding]:
    """Check that a payee would not rather decline referrals, nor leave."""
    people = payee.flow.participants
    edge, account = payee.seat.contract, payee.account
    if edge.volume_share is None and edge.form != "two_part" and people.any():
        _, margin = payee.seat.reply(payee.flow.price_gbp)
        lost = np.where(people > 0, np.maximum(-margin - DECLINED_GBP, 0.0), 0.0)
        yield from _worst(lost, f"{payee.name}, declining segment")
    yield max(-account.profit_gbp, 0.0) / max(account.referrals, 1.0), f"{payee.name}, leaving"


def _referrals(place: Place) -> Iterator[Finding]:
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
    if not seat.agent.delivers and seat.free:  # it keeps only whom nobody takes, for want of wish or of places
        lowest = np.min([np.where(np.isfinite(best[k + 1]), best[k + 1], np.inf) for k in seat.free], axis=0)
        tried[0] = charged[0] = np.minimum(charged[0], lowest)
    got = np.where(share[open_to] > 0, share[open_to] * np.where(share[open_to] > 0, charged, 0.0), 0.0).sum(axis=0)
    gain = share[open_to].sum(axis=0) * tried.max(axis=0) - got
    for k, payee in enumerate(below, 1):
        if k not in open_to and payee.seat.contract.form == "piece_rate":
            gain = gain + share[k] * (best[k] - now[k])
    yield from _worst(np.where(flow.participants > 0, gain, 0.0), f"{place.name}, other prices or referrals of segment")
    for k, payee in enumerate(below):
        if payee.seat.contract.form == "group_price":
            yield from _group_price(place, k, now, share)
        elif payee.seat.contract.form == "piece_rate" and _tied(payee.seat):
            yield from _one_price_at_a_time(place, k, now[k + 1])


def _as_claimed(place: Place, support: FloatArray, rate: FloatArray) -> FloatArray:
    """Return what keeping a participant is worth as it is said to be served, capital at its shadow price."""
    seat = place.seat
    return np.asarray(seat.worth(place.flow.price_gbp) * rate - (1.0 + seat.shadow_price) * support - seat.running)


def _claimed_value(place: Place, payee: Place) -> FloatArray:
    """Return what referring to a payee is worth as it is said to be done.

    The better of what the books say and of what the recursion says of the same price: the grid of replies further
    down then errs on both sides of a comparison alike.
    """
    seat, flow = place.seat, payee.flow
    reply = payee.seat.reply(flow.price_gbp, place.flow.participants)
    worth = seat.worth(place.flow.price_gbp)
    value = seat.value_of(payee.seat, worth, flow.price_gbp, reply).value_gbp
    if payee.seat.contract.form == "two_part":
        return value
    sent = flow.participants > 0
    booked = np.divide(flow.outcomes, flow.participants, out=np.array(reply[0]), where=sent)
    laid_out = payee.seat.fees + flow.attachment_gbp
    actual = (worth - flow.price_gbp) * booked - (1.0 + seat.shadow_price) * laid_out
    return np.where(sent, np.maximum(value, actual), value)


def _best_value(place: Place, k: int, now: Sequence[FloatArray]) -> FloatArray:
    """Return what referring to the k-th payee could be worth, segment by segment."""
    seat = place.seat
    if seat.below[k].contract.form != "piece_rate":
        return now[k + 1]
    nothing = Option(now[0], now[0], now[0])
    found = seat.refer(k, place.flow.price_gbp, place.flow.participants, nothing).value_gbp
    return np.maximum(found, now[k + 1])


def _places(place: Place, place_price: FloatArray, people: float) -> Iterator[Finding]:
    """Check limits on places, and that prices of places are explained by them."""
    slack = BOOKS * max(people, 1.0)
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


def _group_price(place: Place, k: int, now: Sequence[FloatArray], share: FloatArray) -> Iterator[Finding]:
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


def _tied(seat: Seat) -> bool:
    """Whether somebody below pays one price for a group, so that what he does for one segment hangs on the others."""
    return any(payee.contract.form == "group_price" or _tied(payee) for payee in seat.below)


def _one_price_at_a_time(place: Place, k: int, now: FloatArray) -> Iterator[Finding]:
    """Try another price for one segment after the other, for those who are sent, answers of a whole group following.

    Other findings hold segments apart, which they are not here.
    """
    seat, payee = place.seat, place.below()[k]
    sent, price, received = payee.flow.participants, payee.flow.price_gbp, place.flow.price_gbp
    worth = seat.worth(received)
    lowest = received * payee.seat.contract.least_share
    highest = np.maximum(worth, lowest)
    for i in np.flatnonzero(sent > 0):
        alike = (seat.group == seat.group[i]) & (sent > 0)
        best, at, width = -np.inf, float(price[i]), float(highest[i] - lowest[i])
        for number in range(_ROUNDS):  # everywhere, and then from ever nearer
            tried = np.tile(price, (_POINTS, 1))
            tried[:, i] = np.linspace(max(at - width, lowest[i]), min(at + width, highest[i]), _POINTS)
            reply = payee.seat.reply(tried, place.flow.participants)
            kept = seat.value_of(payee.seat, worth, tried, reply).value_gbp[:, alike] @ sent[alike]
            width *= 4.0 / (_POINTS - 1)
            if kept.max() > best and number > 0:
                at = float(tried[kept.argmax(), i])
            best = max(best, float(kept.max()))
        yield (best - float(now[alike] @ sent[alike])) / float(sent[alike].sum()), f"{place.name}, price of segment {i}"


def _worst(gain: FloatArray, who: str) -> Iterator[Finding]:
    at = int(np.argmax(gain))
    yield float(gain[at]), f"{who} {at}"
