"""The book-keeping of branch and bound over price cells: sub-problems that wait, and the cells still worth a look.

Everything is in arrays with one entry a sub-problem, whichever budget it belongs to (its owner).
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from pbr_opt.design.cells import Cells
from pbr_opt.quantities import BoolArray, FloatArray, IntArray

__all__ = ["Arena", "Nodes", "Parts"]


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """Sub-problems that are not bounded yet.

    Attributes
    ----------
    owner : array (parts,)
        Which budget.
    first, last : array (parts, groups)
        Cells that each group may use.
    bound, rate : array (parts,)
        What is proved of the whole that each is a part of, and at which rate of exchange.
    """

    owner: IntArray
    first: IntArray
    last: IntArray
    bound: FloatArray
    rate: FloatArray

    @classmethod
    def whole(cls, cells: Cells, budgets: int) -> Parts:
        """Return, for each budget, every price there is."""
        shape = (budgets, cells.start.size - 1)
        first, last = (np.broadcast_to(end, shape) for end in (cells.start[:-1], cells.start[1:] - 1))
        return cls(np.arange(budgets), first, last, np.full(budgets, -np.inf), np.full(budgets, np.nan))

    def take(self, rows: BoolArray) -> Parts:
        """Return some of the parts."""
        return Parts(*(getattr(self, column.name)[rows] for column in fields(self)))


@dataclass(frozen=True, slots=True, eq=False)
class Nodes:
    """Sub-problems that are bounded and wait to be split.

    Attributes
    ----------
    owner : array (nodes,)
        Which budget.
    first, last : array (nodes, groups)
        Cells that each group may use.
    bound, rate : array (nodes,)
        What is proved of it, and the rate of exchange at which it was.
    group : array (nodes,)
        Who is torn between two cells.
    below, between, above : array (nodes,)
        Its cell on the cheap side of the top, where the budget leaves it, and its cell on the dear side.
    excess : array (nodes,)
        By how much its loss there is above the mixture of the two sides.
    """

    owner: IntArray
    first: IntArray
    last: IntArray
    bound: FloatArray
    rate: FloatArray
    group: IntArray
    below: IntArray
    between: IntArray
    above: IntArray
    excess: FloatArray

    def take(self, rows: BoolArray) -> Nodes:
        """Return some of the nodes."""
        return Nodes(*(getattr(self, column.name)[rows] for column in fields(self)))

    def joined(self, others: Nodes) -> Nodes:
        """Return these nodes and others."""
        return Nodes(*(np.concatenate([getattr(each, c.name) for each in (self, others)]) for c in fields(self)))

    def promising(self, most: int) -> BoolArray:
        """Whether a node is among the ``most`` of its owner with the lowest bounds."""
        order = np.lexsort((self.bound, self.owner))
        owner = self.owner[order]
        chosen = np.empty(owner.size, dtype=np.bool_)
        chosen[order] = np.arange(owner.size) - np.searchsorted(owner, owner) < most
        return chosen

    def parts(self) -> Parts:
        """Split the cells of the torn group in two, after the cell where the budget leaves it."""
        size = self.owner.size
        cut = np.where(self.between == self.above, self.between, self.between + 1)
        parent = np.repeat(np.arange(size), 2)
        first, last = self.first[parent], self.last[parent]
        cheaper, dearer = (2 * np.arange(size), self.group), (2 * np.arange(size) + 1, self.group)
        last[cheaper] = np.minimum(last[cheaper], cut - 1)
        first[dearer] = np.maximum(first[dearer], cut)
        return Parts(self.owner[parent], first, last, self.bound[parent], self.rate[parent])


@dataclass(frozen=True, slots=True, eq=False)
class Arena:
    """Copies of the cells that may be in a better design than the best known: budget after budget, in order.

    Attributes
    ----------
    cells : Cells
        The copies.
    owner, origin : array (copies,)
        For which budget, and of which cell.
    reduced : array (copies,)
        By how much a design with this cell is at least worse than the first bound.
    """

    cells: Cells
    owner: IntArray
    origin: IntArray
    reduced: FloatArray

    @classmethod
    def of(cls, cells: Cells, owner: IntArray, rate: FloatArray) -> Arena:
        """Return all cells for some budgets, with their reduced cost at rates of exchange."""
        size = int(cells.start[-1])
        origin, rates = np.tile(np.arange(size), owner.size), np.repeat(rate, size)
        copies = cells.take(origin)
        with np.errstate(divide="ignore", invalid="ignore"):
            loss, cost = copies.at(copies.best_price(rates))
        worth = (loss + rates * cost).reshape(owner.size, size)
        least = np.minimum.reduceat(worth, cells.start[:-1], axis=1)
        reduced = worth - np.repeat(least, np.diff(cells.start), axis=1)
        return cls(copies, np.repeat(owner, size), origin, reduced.ravel())

    def within(self, gap: FloatArray) -> Arena:
        """Return the cells whose reduced cost is within the gap of their budget, once that is worth the copying."""
        keep = np.flatnonzero(self.reduced <= gap[self.owner])
        if 2 * keep.size > self.reduced.size:
            return self
        return Arena(self.cells.take(keep), self.owner[keep], self.origin[keep], self.reduced[keep])

    def place(self, parts: Parts) -> tuple[IntArray, IntArray]:
        """Return the first and the last copy that each group of each part may use; none where the first is later."""
        size = int(self.cells.start[-1])
        key, base = self.owner * size + self.origin, (parts.owner * size)[:, None]
        first = np.searchsorted(key, base + parts.first)
        last = np.searchsorted(key, base + parts.last, side="right") - 1
        return np.asarray(first), np.asarray(last)
