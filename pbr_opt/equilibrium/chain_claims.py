"""What is said to happen in a supply chain, read as numbers for its certificate, and whether its books add up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from pbr_opt.equilibrium.chain_replies import Seat
from pbr_opt.equilibrium.price_search import Effort
from pbr_opt.market.agents import Agent, Area, by_segment
from pbr_opt.market.programme import Programme
from pbr_opt.quantities import FloatArray

if TYPE_CHECKING:
    from pbr_opt.equilibrium.accounts import Account, Cell, Flow
    from pbr_opt.equilibrium.chain import ChainEquilibrium

__all__ = ["BOOKS", "Claim", "Finding", "Place", "agree", "books", "seat_of"]

BOOKS: Final = 1e-6
"""People, outcomes and prices that belong together agree to this, relatively: each is a product of a few shares."""

Finding = tuple[float, str]
"""What could be gained, GBP per participant, and by whom with what."""


@dataclass(frozen=True, slots=True, eq=False)
class Claim:
    """What is said to happen, by area and agent."""

    flows: Mapping[tuple[str, str], Flow]
    cells: Mapping[tuple[str, str], Cell]
    accounts: Mapping[str, Account]

    @classmethod
    def of(cls, equilibrium: ChainEquilibrium) -> Claim:
        """Read an equilibrium."""
        return cls(
            {(flow.area, flow.payee): flow for flow in equilibrium.flows},
            {(cell.area, cell.deliverer): cell for cell in equilibrium.cells},
            {account.agent: account for account in equilibrium.accounts},
        )


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """One agent in one area, with what is said of it."""

    area: str
    seat: Seat
    flow: Flow
    claim: Claim

    @property
    def name(self) -> str:
        """Return who, and where."""
        return f"{self.seat.agent.name} in {self.area}" if self.area else self.seat.agent.name

    @property
    def account(self) -> Account:
        """Return its books."""
        return self.claim.accounts[self.seat.agent.name]

    def below(self) -> list[Place]:
        """Return its payees."""
        seats = self.seat.below
        return [Place(self.area, s, self.claim.flows[self.area, s.agent.name], self.claim) for s in seats]

    def own(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return whom it serves itself, with what support, and their outcome rate."""
        cell = self.claim.cells.get((self.area, self.seat.agent.name))
        if cell is None:
            idle = self.seat.support(self.flow.price_gbp)
            return np.zeros_like(self.flow.participants), idle, self.seat.rate(idle)
        return cell.participants, cell.behaviour.support_gbp, cell.behaviour.outcome_rate


def _nearer(rate: FloatArray, shift: float) -> FloatArray:
    """Return a rate whose odds are exp(shift) times as high."""
    odds = np.exp(shift)
    return np.asarray(rate * odds / (1.0 + rate * (odds - 1.0)))


def seat_of(
    programme: Programme, area: Area, claim: Claim, equilibrium: ChainEquilibrium, agent: Agent, effort: Effort
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
        below=tuple(seat_of(programme, area, claim, equilibrium, payee, effort) for payee in chain.payees(agent.name)),
        effort=effort,
        top_up_gbp=equilibrium.top_up_gbp(agent.name),
    )


def agree(who: str, *pairs: tuple[FloatArray, FloatArray]) -> Iterator[Finding]:
    """Return an infinite gain for numbers that should be the same and are not."""
    for given, wanted in pairs:
        if not bool((np.abs(given - wanted) <= BOOKS * float(np.abs(wanted).max(initial=0.0))).all()):
            yield np.inf, f"{who}: books that do not add up"


def books(place: Place) -> Iterator[Finding]:
    """Check that people, outcomes and contracts add up."""
    served, support, rate = place.own()
    below = place.below()
    seat, flow = place.seat, place.flow
    yield from agree(
        place.name,
        (served + sum(payee.flow.participants for payee in below), flow.participants),
        (served * rate + sum(payee.flow.outcomes for payee in below), flow.outcomes),
        (np.where(served > 0, rate, 0.0), np.where(served > 0, seat.rate(support), 0.0)),
    )
    for payee in below:
        edge = payee.seat.contract
        share = {"two_part": 1.0, "fixed_share": max(edge.share, edge.least_share)}.get(edge.form)
        wanted = payee.flow.price_gbp if share is None else share * flow.price_gbp
        yield from agree(
            payee.name,
            (payee.flow.price_gbp, wanted),
            (payee.flow.attachment_gbp, flow.attachment_gbp * edge.attachment_share),
            (np.minimum(payee.flow.price_gbp - flow.price_gbp * edge.least_share, 0.0), np.zeros_like(wanted)),
        )
