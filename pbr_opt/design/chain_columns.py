"""Tariff columns of one payment group when a supply chain delivers: the same backward induction, many prices at once.

Who is in the chain and how short their capital is are held as in a reference equilibrium: both couple the groups. The
design is evaluated exactly afterwards, and the search repeated from what that finds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pbr_opt.design.objectives import Objective, SegmentContext
from pbr_opt.equilibrium.best_response import BestResponse
from pbr_opt.equilibrium.chain import ChainEquilibrium
from pbr_opt.equilibrium.delegation import Branch, branches
from pbr_opt.market.agents import area_caseload
from pbr_opt.market.programme import Programme
from pbr_opt.quantities import FloatArray, IntArray

__all__ = ["ChainColumns", "couples_groups"]


@dataclass(frozen=True, slots=True, eq=False)
class ChainColumns:
    """The branches that serve one payment group, in every area.

    Attributes
    ----------
    parts : tuple
        For each prime: its branch, its people, and what objectives need to know of the segments.
    """

    parts: tuple[tuple[Branch, FloatArray, SegmentContext], ...]

    @classmethod
    def of(cls, programme: Programme, reference: ChainEquilibrium, rows: IntArray) -> ChainColumns:
        """Return what is needed to evaluate tariffs for some segments.

        Parameters
        ----------
        programme : Programme
            With a supply chain.
        reference : ChainEquilibrium
            Says who stays, and shadow prices.
        rows : array of int
            Segments of one payment group.
        """
        chain, index = reference.chain, programme.caseload.group_index
        shadows = {account.agent: account.shadow_price for account in reference.accounts if account.shadow_price > 0}
        service = programme.base_service_gbp[index], programme.minimum_service_gbp[index]
        value = None if programme.outcome_value_gbp is None else programme.outcome_value_gbp[index][rows]
        parts = []
        for area in chain.areas:
            caseload = area_caseload(programme.caseload, area)
            context = SegmentContext(caseload.deadweight_rate[rows], value)
            for prime in branches(chain, area.name, caseload, service, shadows):
                people = caseload.participants[rows] * chain.area_share(prime.agent.name)
                parts.append((prime.only(rows), people, context))
        return cls(tuple(parts))

    def at(
        self, price_gbp: FloatArray, attachment_gbp: FloatArray, objective: Objective
    ) -> tuple[FloatArray, FloatArray]:
        """Return outcome payments and achievement for prices of shape (columns, segments)."""
        cost, achieved = np.zeros(price_gbp.shape[0]), np.zeros(price_gbp.shape[0])
        for branch, people, context in self.parts:

            def both(there: BestResponse, context: SegmentContext = context) -> FloatArray:
                term = np.broadcast_to(objective.per_participant(there, context), there.outcome_rate.shape)
                return np.stack([there.outcome_rate, term])

            rate, term = branch.expected(price_gbp, attachment_gbp, people, both)
            cost += (price_gbp * rate) @ people
            achieved += term @ people
        return cost, achieved


def couples_groups(programme: Programme) -> bool:
    """Whether something in the chain ties payment groups together: capital, places, guarantees, or the wish to stay."""
    chain = programme.supply_chain
    if chain is None:
        return False
    agents = any(
        np.isfinite(agent.working_capital_gbp) or np.isfinite(agent.capacity) or agent.fixed_cost_gbp > 0
        for agent in chain.agents
    )
    return agents or any(edge.guaranteed_volume > 0 for edge in chain.contracts.values())
