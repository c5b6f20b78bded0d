"""One payment group by itself under many tariffs at once, by the exact equilibrium, in blocks of memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from pbr_opt.design.chain_columns import ChainColumns
from pbr_opt.design.objectives import Objective, SegmentContext
from pbr_opt.equilibrium.chain import ChainEquilibrium
from pbr_opt.evaluation import evaluate, respond
from pbr_opt.market.programme import Programme
from pbr_opt.quantities import FloatArray

__all__ = ["GroupPlay"]

_BLOCK: Final = 2_000_000
"""Segments times columns evaluated at once: bounds memory to some 16 MB an array."""


@dataclass(frozen=True, slots=True, eq=False)
class GroupPlay:
    """The people of one group, and who serves them.

    Attributes
    ----------
    programme : Programme
        The group alone.
    attachment_fee_gbp : float
        What is paid for each participant.
    chain : ChainColumns or None
        The branches that serve the group, with a supply chain.
    """

    programme: Programme
    attachment_fee_gbp: float
    chain: ChainColumns | None

    @classmethod
    def by_group(cls, programme: Programme, reference: ChainEquilibrium | None) -> tuple[GroupPlay | None, ...]:
        """Return each group of the caseload alone, None where it has nobody.

        Parameters
        ----------
        programme : Programme
            Of all groups.
        reference : ChainEquilibrium, optional
            With a supply chain: who is in it, and shadow prices; what the programme's own tariff makes of them without.
        """
        caseload = programme.caseload
        fees = programme.terms.payable(programme.tariff.aligned(caseload.groups)).attachment_fee_gbp.tolist()
        branches = _branches(programme, reference)
        return tuple(
            cls(programme.only(name), fee, branch) if people > 0 else None
            for name, fee, branch, people in zip(
                caseload.groups, fees, branches, caseload.group_participants, strict=True
            )
        )

    def sums(
        self, outcome_fee_gbp: FloatArray, sustainment_fee_gbp: FloatArray, terms: Sequence[Objective]
    ) -> FloatArray:
        """Return outcome payments, and then each term, summed over the people, shape (1 + terms, columns)."""
        answer = np.empty((1 + len(terms), outcome_fee_gbp.size))
        sustainments, kept = self._sustainments, self.programme.terms.outcome_share
        block = max(1, _BLOCK // sustainments.size)
        for k in range(0, outcome_fee_gbp.size, block):
            here = slice(k, k + block)
            listed = outcome_fee_gbp[here, None] + sustainment_fee_gbp[here, None] * sustainments
            answer[:, here] = self._played(kept * listed, terms)
        return answer

    def cell_losses(self, objective: Objective, price_gbp: FloatArray, mix: tuple[float, float]) -> FloatArray:
        """Return the least loss that any list price between each two neighbours can bring, without a supply chain.

        ``mix`` is the outcome fee, and the sustainment fee, per pound of the list price.
        """
        weight = mix[0] + mix[1] * self._sustainments
        played = respond(self.programme, self.programme.terms.outcome_share * price_gbp[:, None] * weight)
        left, right = played.take(slice(None, -1)), played.take(slice(1, None))
        people = self.programme.caseload.participants
        return objective.least_loss(left, right, SegmentContext.of(self.programme)) @ people

    @property
    def _sustainments(self) -> FloatArray:
        part = self.programme
        return part.tariff.sustainments(part.caseload, part.discount_rate)

    def _played(self, price: FloatArray, terms: Sequence[Objective]) -> list[FloatArray]:
        """Return outcome payments and terms at effective prices of shape (columns, segments)."""
        if self.chain is None:
            part, people = self.programme, self.programme.caseload.participants
            behaviour, context = respond(part, price), SegmentContext.of(part)
            sums = [term.per_participant(behaviour, context) @ people for term in terms]
            return [behaviour.payment_gbp @ people, *sums]
        attached = np.full(price.shape[1], self.attachment_fee_gbp)
        pairs = [self.chain.at(price, attached, term) for term in terms]
        return [pairs[0][0], *(achieved for _, achieved in pairs)]


def _branches(programme: Programme, reference: ChainEquilibrium | None) -> Sequence[ChainColumns | None]:
    """Return the branches that serve each group, as the reference equilibrium leaves them; None without a chain."""
    groups = len(programme.caseload.groups)
    played = reference
    if programme.supply_chain is not None and played is None:
        played = evaluate(programme).equilibrium
    if programme.supply_chain is None or played is None:  # nobody but primes: no branches
        return [None] * groups
    index = programme.caseload.group_index
    return ChainColumns.by_group(programme, played, [np.flatnonzero(index == g) for g in range(groups)])
