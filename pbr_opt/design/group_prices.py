"""Tariffs of one payment group side by side: what is offered, what each costs, what each achieves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pbr_opt.quantities import FloatArray, IntArray

__all__ = ["GroupPrices"]


@dataclass(frozen=True, slots=True, eq=False)
class GroupPrices:
    """Tariffs of one group side by side, cheapest first: list fees, what each costs, what each achieves.

    Attributes
    ----------
    outcome_fee_gbp, sustainment_fee_gbp : array (columns,)
        List fees.
    cost_gbp : array (columns,)
        Everything paid for the group, attachment fees included.
    achieved : array (columns,)
        The objective's sum over the group.
    """

    outcome_fee_gbp: FloatArray
    sustainment_fee_gbp: FloatArray
    cost_gbp: FloatArray
    achieved: FloatArray

    def joined(self, other: GroupPrices) -> GroupPrices:
        """Return these columns and then the other's."""
        names = ("outcome_fee_gbp", "sustainment_fee_gbp", "cost_gbp", "achieved")
        return GroupPrices(*(np.concatenate([getattr(self, name), getattr(other, name)]) for name in names))

    def take(self, rows: IntArray) -> GroupPrices:
        """Return some of the columns."""
        return GroupPrices(
            self.outcome_fee_gbp[rows], self.sustainment_fee_gbp[rows], self.cost_gbp[rows], self.achieved[rows]
        )
