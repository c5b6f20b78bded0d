"""Every choice of one column a group that may be better than the best known, close to the top of a dual.

At the top of the dual of a sub-problem each column has a reduced cost: by how much every design with it is at least
worse than the bound. Reduced costs of a design add up, so that few designs lie between the bound and a cutoff not far
above it; they are found by extending partial designs (labels) group by group. How far above the bound the best design
lies nobody knows beforehand: cutoffs rise, twice as far each time, until one is found below them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from pbr_opt.design.menus import Menu
from pbr_opt.quantities import FloatArray, IntArray

__all__ = ["Box", "Labelling"]

_TIE: Final = 1e-12
"""A bound this near (relatively) to the best known design cannot be told from it in floating point."""

_FIRST: Final = 2.0**-12
"""The first cutoff, as a share of what is unproved."""

_SPREAD: Final = 10
"""Extensions looked at, for each label that may be kept; bounds memory."""


@dataclass(frozen=True, slots=True, eq=False)
class Box:
    """Columns, from the first to the last of each group, and the rate of exchange at the top of their dual."""

    first: IntArray
    last: IntArray
    rate: float


@dataclass(frozen=True, slots=True, eq=False)
class _Core:
    """Columns of one group that may be in a better design: number, reduced cost (rising), cost and loss."""

    column: IntArray
    reduced: FloatArray
    cost: FloatArray
    loss: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class _Labels:
    """Partial designs: cost and loss so far, the bound of every completion, and where they come from."""

    cost: FloatArray
    loss: FloatArray
    bound: FloatArray
    parent: IntArray
    column: IntArray

    def take(self, rows: IntArray) -> _Labels:
        """Return some of the labels."""
        return _Labels(*(getattr(self, name)[rows] for name in self.__slots__))


class Labelling:
    """A search for the choice of one column a menu with the least loss within a budget, from the cheapest of each.

    Parameters
    ----------
    menus : sequence of Menu
        Undominated, by rising cost; the cheapest of each together fit the budget.
    budget : float
        GBP.
    most : int
        Labels kept; beyond it the most promising stay and the bound tells what was given up.
    cutoff : float
        Choices that lose no less are not searched for.
    """

    def __init__(self, menus: Sequence[Menu], budget: float, most: int, cutoff: float) -> None:
        self.menus, self.budget, self.most, self.cutoff = menus, budget, most, cutoff
        self.choice = np.zeros(len(menus), dtype=np.int64)
        self.loss = self._loss_of(self.choice)

    def consider(self, choice: IntArray) -> None:
        """Keep a choice within the budget if it is the best so far."""
        loss = self._loss_of(choice)
        if loss < self.loss:
            self.choice, self.loss = choice, loss

    def glance(self, rate: float, most: int) -> bool:
        """Look at all that may be better than the best known at once; whether so many labels were enough for it."""
        last = np.array([menu.cost.size - 1 for menu in self.menus])
        box = Box(np.zeros_like(last), last, rate)
        return self._floor(box) >= self._target() or self._extend(box, self._target(), most) == np.inf

    def search(self, boxes: Sequence[Box]) -> float:
        """Look for better choices in boxes; return a loss that none of the choices in them is below."""
        waiting = sorted(((self._floor(box), box) for box in boxes), key=lambda pair: pair[0])
        waiting = [(floor, box) for floor, box in waiting if floor < self._target()]
        if not waiting:
            return min(self.loss, self.cutoff)
        floor = waiting[0][0]
        width = _FIRST * (self._target() - floor)
        while True:
            cutoff, proved = floor + width, np.inf
            for start, box in waiting:
                if start < min(cutoff, self._target()):
                    proved = min(proved, self._extend(box, min(cutoff, self._target()), self.most))
            if proved < np.inf or cutoff >= self._target():
                return min(self.loss, self.cutoff, max(proved, floor))
            width *= 2.0

    def _target(self) -> float:
        """Return the bound from which on nothing can be told from the best choice, or is of no interest."""
        known = min(self.loss, self.cutoff)
        return known - _TIE * abs(known)

    def _loss_of(self, choice: IntArray) -> float:
        return float(sum(menu.loss[k] for menu, k in zip(self.menus, choice, strict=True)))

    def _floor(self, box: Box) -> float:
        """Return the dual of a box at its rate."""
        parts = zip(self.menus, box.first, box.last, strict=True)
        least = sum(float((m.loss[a : b + 1] + box.rate * m.cost[a : b + 1]).min()) for m, a, b in parts)
        return least - (box.rate * self.budget if box.rate else 0.0)

    def _cores(self, box: Box, cutoff: float) -> list[_Core]:
        """Return the columns of each group that a design below the cutoff may use."""
        room, cores = cutoff - self._floor(box), []
        for menu, first, last in zip(self.menus, box.first, box.last, strict=True):
            cost, loss = (side[first : last + 1] for side in (menu.cost, menu.loss))
            worth = loss + box.rate * cost
            reduced = worth - worth.min()
            order = np.argsort(reduced, kind="stable")
            order = order[: np.searchsorted(reduced[order], room)]
            cores.append(_Core(order + first, reduced[order], cost[order], loss[order]))
        return cores

    def _extend(self, box: Box, cutoff: float, most_labels: int) -> float:
        """Look at every choice in a box whose bound is below the cutoff; return the bound of those given up."""
        cores = self._cores(box, cutoff)
        sizes = np.array([core.column.size for core in cores])
        order = np.argsort(sizes, kind="stable").tolist()
        settled = min(int(np.count_nonzero(sizes == 1)), len(order) - 1)  # no choice: together, and not one by one
        least, most = (_of_later([end(cores[g].cost) for g in order]) for end in (np.min, np.max))
        labels, trail, given_up = _start([cores[g] for g in order[:settled]], self._floor(box)), [], np.inf
        for place, g in enumerate(order[settled:-1], settled):
            labels, lost = self._extended(labels, cores[g], min(cutoff, given_up), most_labels)
            labels = labels.take(self._able(labels, (least[place], most[place]), box.rate, cutoff))
            labels = labels.take(Menu(labels.cost, labels.loss).undominated()) if labels.cost.size else labels
            if labels.cost.size > most_labels:
                promising = np.argsort(labels.bound, kind="stable")
                lost = min(lost, float(labels.bound[promising[most_labels]]))
                labels = labels.take(np.sort(promising[:most_labels]))
            given_up = min(given_up, lost)
            trail.append(labels)
            if not labels.cost.size:
                return given_up
        self._finish(labels, trail, order, [int(cores[g].column[0]) for g in order[:settled]])
        return given_up

    def _extended(self, labels: _Labels, core: _Core, cutoff: float, most: int) -> tuple[_Labels, float]:
        """Return labels with one more group, those below the cutoff, and the bound of what was too much."""
        given_up, base = np.inf, float(labels.bound.min())
        counts = np.searchsorted(core.reduced, cutoff - labels.bound)
        while counts.sum() > _SPREAD * most + core.column.size:
            cutoff = given_up = base + 0.5 * (cutoff - base)
            counts = np.searchsorted(core.reduced, cutoff - labels.bound)
        parent = np.repeat(np.arange(counts.size), counts)
        pick = np.arange(parent.size) - np.repeat(np.cumsum(counts) - counts, counts)
        cost, loss = labels.cost[parent] + core.cost[pick], labels.loss[parent] + core.loss[pick]
        bound = labels.bound[parent] + core.reduced[pick]
        return _Labels(cost, loss, bound, parent, core.column[pick]), given_up

    def _able(self, labels: _Labels, later: tuple[float, float], rate: float, cutoff: float) -> IntArray:
        """Return the labels that can still be kept within the budget, and can spend enough of it."""
        least, most = later
        left = self.budget - labels.cost
        enough = rate * (left - most) <= (cutoff - labels.bound) * (1.0 + _TIE) + _TIE * abs(cutoff)
        return np.flatnonzero((least - left <= _TIE * self.budget) & enough)

    def _finish(self, labels: _Labels, trail: Sequence[_Labels], order: Sequence[int], settled: Sequence[int]) -> None:
        """Give the last group all that is left, and keep the best choice."""
        menu = self.menus[order[-1]]
        last = np.searchsorted(menu.cost, self.budget - labels.cost, side="right") - 1
        loss = np.where(last >= 0, labels.loss + menu.loss[last], np.inf)
        at = int(np.argmin(loss))
        if loss[at] >= self._target():
            return
        choice = np.zeros(len(order), dtype=np.int64)
        choice[order[-1]] = last[at]
        choice[order[: len(settled)]] = settled
        for g, step in zip(reversed(order[len(settled) : -1]), reversed(trail), strict=True):
            choice[g] = step.column[at]
            at = int(step.parent[at])
        self.choice, self.loss = choice, self._loss_of(choice)


def _start(settled: Sequence[_Core], floor: float) -> _Labels:
    """Return the one label to begin with: groups with one column, added up in their order."""
    cost, loss = (float(sum(float(getattr(core, name)[0]) for core in settled)) for name in ("cost", "loss"))
    none = np.zeros(1, dtype=np.int64)
    return _Labels(np.array([cost]), np.array([loss]), np.array([floor]), none, none)


def _of_later(values: Sequence[float]) -> FloatArray:
    """Return for each place the sum of the values after it."""
    return np.append(np.cumsum(values[:0:-1])[::-1], 0.0)
