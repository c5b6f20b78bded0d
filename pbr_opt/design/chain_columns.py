"""Tariff columns of one payment group when a supply chain delivers: the same backward induction, many prices at once.

Who is in the chain, how short their capital is, and what rivals do for their results are held as in a reference
equilibrium: all couple the groups. The design is evaluated exactly afterwards, and the search repeated from what that
finds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pbr_opt.design.objectives import Objective, SegmentContext
from pbr_opt.equilibrium.accounts import Intake
from pbr_opt.equilibrium.best_response import BestResponse
from pbr_opt.equilibrium.chain import ChainEquilibrium
from pbr_opt.equilibrium.delegation import Branch, branches
from pbr_opt.market.agents import area_caseload
from pbr_opt.market.caseload import Caseload
from pbr_opt.market.programme import Programme
from pbr_opt.quantities import FloatArray, IntArray

__all__ = ["ChainColumns", "Part", "couples_groups"]


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """One prime's people of a payment group.

    Attributes
    ----------
    branch : Branch
        For the rows of the part.
    people : array (rows,)
        How many of each.
    context : SegmentContext
        What objectives need to know of the rows.
    segment : array of int (rows,)
        Position of each row among the segments of the group.
    """

    branch: Branch
    people: FloatArray
    context: SegmentContext
    segment: IntArray


@dataclass(frozen=True, slots=True, eq=False)
class ChainColumns:
    """The branches that serve one payment group, in every area.

    Attributes
    ----------
    parts : tuple of Part
        One for each prime.
    """

    parts: tuple[Part, ...]

    @classmethod
    def by_group(
        cls, programme: Programme, reference: ChainEquilibrium, members: Sequence[IntArray]
    ) -> tuple[ChainColumns, ...]:
        """Return what is needed to evaluate tariffs for the segments of each payment group.

        Parameters
        ----------
        programme : Programme
            With a supply chain.
        reference : ChainEquilibrium
            Says who stays, shadow prices, and what rivals do.
        members : sequence of array of int
            Segments of each payment group.
        """
        asked, index = programme.supply_chain, programme.caseload.group_index
        chain = reference.chain if asked is None else asked.without(item.agent for item in reference.departures)
        shadows = {account.agent: account.shadow_price for account in reference.accounts if account.shadow_price > 0}
        service = programme.base_service_gbp[index], programme.minimum_service_gbp[index]
        parts: list[list[Part]] = [[] for _ in members]
        for area in chain.areas:
            caseload = area_caseload(programme.caseload, area)
            for prime in branches(chain, area.name, caseload, service, shadows):
                people = caseload.participants * chain.area_share(prime.agent.name)
                given = reference.intakes.get(prime.agent.name) or Intake.plain(people)
                for group, rows in zip(parts, members, strict=True):
                    group.append(_part(prime, programme, caseload, rows, given))
        return tuple(cls(tuple(group)) for group in parts)

    def at(
        self, price_gbp: FloatArray, attachment_gbp: FloatArray, objective: Objective
    ) -> tuple[FloatArray, FloatArray]:
        """Return outcome payments and achievement for prices of shape (columns, segments)."""
        cost, achieved = np.zeros(price_gbp.shape[0]), np.zeros(price_gbp.shape[0])
        for part in self.parts:
            price, people = price_gbp[:, part.segment], part.people

            def both(there: BestResponse, context: SegmentContext = part.context) -> FloatArray:
                term = np.broadcast_to(objective.per_participant(there, context), there.outcome_rate.shape)
                return np.stack([there.outcome_rate, term])

            rate, term = part.branch.expected(price, attachment_gbp[part.segment], people, both)
            cost += (price * rate) @ people
            achieved += term @ people
        return cost, achieved


def _part(prime: Branch, programme: Programme, caseload: Caseload, rows: IntArray, given: Intake) -> Part:
    """Return a prime's people of some segments; several rows of a segment where plans of a contest divide it."""
    at = np.flatnonzero(np.isin(given.segment, rows))
    segments = given.segment[at]
    value, index = programme.outcome_value_gbp, programme.caseload.group_index
    context = SegmentContext(caseload.deadweight_rate[segments], None if value is None else value[index[segments]])
    branch = prime.only(segments)
    branch = branch.with_top_up(given.top_up_gbp[at]) if given.top_up_gbp.any() else branch
    return Part(branch, given.participants[at], context, np.searchsorted(rows, segments))


def couples_groups(programme: Programme) -> bool:
    """Whether something ties payment groups together: capital, places, guarantees, the wish to stay, rivals."""
    chain = programme.supply_chain
    if chain is None:
        return False
    if programme.rivalry is not None:
        return True
    agents = any(
        np.isfinite(agent.working_capital_gbp) or np.isfinite(agent.capacity) or agent.fixed_cost_gbp > 0
        for agent in chain.agents
    )
    return agents or any(edge.guaranteed_volume > 0 for edge in chain.contracts.values())
