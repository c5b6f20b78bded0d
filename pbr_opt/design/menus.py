"""What a group can be given, column by column, and what many such menus cannot surpass together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pbr_opt.quantities import FloatArray, IntArray

__all__ = ["Menu", "lagrangian"]


@dataclass(frozen=True, slots=True, eq=False)
class Menu:
    """What one group can be given: cost and loss (less is better) of each column.

    Attributes
    ----------
    cost : array (columns,)
        GBP.
    loss : array (columns,)
        In units of the objective.
    """

    cost: FloatArray
    loss: FloatArray

    def undominated(self) -> IntArray:
        """Return the columns that no cheaper or equal one beats, by rising cost and falling loss.

        >>> Menu(np.array([1., 2., 3.]), np.array([5., 5., 4.])).undominated().tolist()
        [0, 2]
        """
        if (np.diff(self.cost) > 0.0).all() and (np.diff(self.loss) < 0.0).all():
            return np.arange(self.cost.size)
        order = np.lexsort((self.loss, self.cost))
        best = np.minimum.accumulate(self.loss[order])
        keep = np.r_[True, best[1:] < best[:-1]]
        return np.asarray(order[keep])

    def take(self, rows: IntArray) -> Menu:
        """Return some of the columns."""
        return Menu(self.cost[rows], self.loss[rows])


def lagrangian(menus: Sequence[Menu], budget: float, multiplier: float) -> float:
    """Return the Lagrangian bound, valid for any multiplier of at least 0.

    ``sum over groups of min(loss + multiplier cost) - multiplier budget``.

    >>> lagrangian([Menu(np.array([0., 2.]), np.array([9., 3.]))], 1.0, 3.0)
    6.0
    """
    slack = 0.0 if multiplier == 0.0 else multiplier * budget
    return float(sum((menu.loss + multiplier * menu.cost).min() for menu in menus) - slack)
