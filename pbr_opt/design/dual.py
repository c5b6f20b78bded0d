"""The Lagrangian dual over price cells, for many sub-problems at once.

A sub-problem says which cells each group may use and what there is to spend. At a rate of exchange between loss and
pounds the best price of every cell is a closed form and groups do not interact, so that one pass over the cells gives

    D(rate) = sum over groups of min over cells of (loss + rate cost) - rate budget  <=  least loss,

a concave function of the rate, whose slope is the spend less the budget. Each pass gives a line that D nowhere
exceeds: the two nearest on either side of the top cross at the next rate to look at, and at a height beyond which D
does not reach. As the rate falls no group turns to a cheaper cell, so that only cells between the choices of the two
lines remain in play: all passes together cost little more than the first two.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from pbr_opt.design.cells import Cells
from pbr_opt.quantities import BoolArray, FloatArray, IntArray

__all__ = ["Peaks", "Side", "Subproblems", "climb", "tightened"]

_RATE, _LOSS, _COST = range(3)

_MOST_PASSES: Final = 200
"""Rates looked at. The width of the bracket halves at least every other time, so that all digits of a number are
spent after some 110."""

_BLOCK: Final = 8192
"""Cells looked at together: what is in between stays within a processor's cache."""

_NEAR_ENOUGH: Final = 0.01
"""A sub-problem that has to be split anyway is left when its bound can gain no more than this share of what it lacks:
splitting gains more."""


@dataclass(frozen=True, slots=True, eq=False)
class Subproblems:
    """What to bound.

    Attributes
    ----------
    first, last : array (sub-problems, groups)
        The cells each group may use; the cheapest together fit the budget.
    budget : array (sub-problems,)
        GBP, finite.
    rate : array (sub-problems,)
        Where to look first, loss per GBP; NaN where nothing is known.
    cutoff : array (sub-problems,)
        A bound that reaches this is good enough.
    """

    first: IntArray
    last: IntArray
    budget: FloatArray
    rate: FloatArray
    cutoff: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """Choices on one side of the top: within the budget, or beyond it.

    Attributes
    ----------
    cell : array (sub-problems, groups)
        Which cell each group chooses.
    line : array (3, sub-problems)
        The rate at which they choose so, and their loss and cost.
    """

    cell: IntArray
    line: FloatArray

    @property
    def rate(self) -> FloatArray:
        """Return the rate at which the cells were chosen."""
        rate: FloatArray = self.line[_RATE]
        return rate

    def where(self, mask: BoolArray, other: Side) -> Side:
        """Return the other side's choices where the mask says so."""
        return Side(np.where(mask[:, None], other.cell, self.cell), np.where(mask, other.line, self.line))

    def take(self, rows: BoolArray) -> Side:
        """Return the choices of some sub-problems."""
        return Side(self.cell[rows], self.line[:, rows])


@dataclass(frozen=True, slots=True, eq=False)
class Peaks:
    """The top of the dual of each sub-problem.

    Attributes
    ----------
    bound : array (sub-problems,)
        No prices within the cells and the budget have a lower loss.
    rate : array (sub-problems,)
        Where the bound was found.
    dear, cheap : Side
        The nearest choices that cost more than the budget, and not more.
    """

    bound: FloatArray
    rate: FloatArray
    dear: Side
    cheap: Side


def climb(cells: Cells, sub: Subproblems, relative: float, absolute: float) -> Peaks:
    """Return the top of the dual of each sub-problem.

    Parameters
    ----------
    cells : Cells
        That ``first`` and ``last`` point into.
    sub : Subproblems
        What to bound.
    relative, absolute : float
        How near to its top the dual has to be known.

    Examples
    --------
    >>> from pbr_opt.design.cells import price_cells
    >>> from pbr_opt.design.objectives import AdditionalOutcomes
    >>> from pbr_opt.design.problem import DesignProblem
    >>> from pbr_opt.market.caseload import Caseload
    >>> from pbr_opt.market.programme import Programme
    >>> from pbr_opt.market.tariffs import Tariff
    >>> people = Caseload(["a"], 100, .12, .42, 600)
    >>> cells = price_cells(DesignProblem(Programme("p", people, Tariff(["a"], 0, 1000)), AdditionalOutcomes()))
    >>> only = np.zeros((1, 1), dtype=int)
    >>> sub = Subproblems(only, only + 1, np.array([1.08e5]), np.array([np.nan]), np.array([np.inf]))
    >>> climb(cells, sub, 1e-12, 0.0).bound.round(6).tolist()  # 15 more find work when an outcome pays GBP 4,000
    [-15.0]
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        return _Ascent(cells, sub).to_the_top(relative, absolute)


def tightened(cells: Cells, sub: Subproblems, peaks: Peaks, cutoff: FloatArray) -> tuple[IntArray, IntArray]:
    """Return the first and the last cell of each group that a design below the cutoff can use.

    A design with a cell that is worse than its group's best by more than what the bound lacks is beyond the cutoff.
    """
    play = _Play.between(cells, sub.first, sub.last)
    worth, _ = play.worth(peaks.rate)
    lacking = np.maximum(cutoff - peaks.bound, 0.0)
    hopeful = worth <= np.repeat(np.minimum.reduceat(worth, play.begin), play.counts) + play.spread(lacking)
    beyond = cells.table.shape[1]
    first = np.minimum.reduceat(np.where(hopeful, play.index, beyond), play.begin)
    last = np.maximum.reduceat(np.where(hopeful, play.index, -1), play.begin)
    return first.reshape(sub.first.shape), last.reshape(sub.first.shape)


@dataclass(frozen=True, slots=True, eq=False)
class _Play:
    """The cells in play, by their index, one after the other: sub-problem by sub-problem, group by group."""

    cells: Cells
    index: IntArray
    begin: IntArray
    counts: IntArray
    shape: tuple[int, ...]

    @classmethod
    def between(cls, cells: Cells, first: IntArray, last: IntArray) -> _Play:
        """Gather the cells from the first to the last of each group."""
        counts = (last - first + 1).ravel()
        ends = np.cumsum(counts)
        begin = ends - counts
        index = np.arange(ends[-1]) + np.repeat(first.ravel() - begin, counts)
        return cls(cells, index, begin, counts, first.shape)

    def spread(self, values: FloatArray) -> FloatArray:
        """Return one value a cell from one value a sub-problem."""
        if values.size == 1:
            return values
        size = np.add.reduceat(self.counts, np.arange(0, self.counts.size, self.shape[1]))
        return np.repeat(values, size)

    def worth(self, rate: FloatArray) -> tuple[FloatArray, tuple[FloatArray, FloatArray]]:
        """Return ``loss + rate cost`` of every cell at its best price, and from what loss and cost it comes."""
        rates = self.spread(rate)
        worth, loss, cost = np.empty((3, self.index.size))
        with np.errstate(divide="ignore", invalid="ignore"):
            for k in range(0, self.index.size, _BLOCK):
                here = slice(k, k + _BLOCK)
                cells, rates_here = self.cells.take(self.index[here]), rates[here] if rates.size > 1 else rates
                loss[here], cost[here] = cells.at(cells.best_price(rates_here))
                worth[here] = loss[here] + rates_here * cost[here]
        return worth, (loss, cost)

    def best(self, rate: FloatArray) -> Side:
        """Return the cell with the least ``loss + rate cost`` of each group, the cheapest of equals."""
        worth, parts = self.worth(rate)
        least = np.minimum.reduceat(worth, self.begin)
        hit = np.flatnonzero(worth == np.repeat(least, self.counts))
        if hit.size != least.size:
            hit = hit[np.flatnonzero(np.diff(np.searchsorted(self.begin, hit, side="right"), prepend=0))]
        sums = (part[hit].reshape(self.shape).sum(axis=1) for part in parts)
        return Side(self.index[hit].reshape(self.shape), np.array([rate, *sums]))


class _Ascent:
    """Sub-problems on their way up; those that have arrived leave."""

    def __init__(self, cells: Cells, sub: Subproblems) -> None:
        size = sub.budget.size
        self.cells, self.budget, self.cutoff = cells, sub.budget, sub.cutoff
        self.dear, self.cheap = _dearest(cells, sub.last), _cheapest(cells, sub.first)
        self.ample = self.dear.line[_COST] <= self.budget
        self.rate = np.where(self.ample, 0.0, np.where(np.isnan(sub.rate), self._crossing()[0], sub.rate))
        self.bound, self.best_rate = np.full(size, -np.inf), np.zeros(size)
        self.row = np.arange(size)
        sides = (Side(np.empty_like(sub.first), np.empty((3, size))) for _ in range(2))
        self.peaks = Peaks(np.empty(size), np.empty(size), *sides)

    def to_the_top(self, relative: float, absolute: float) -> Peaks:
        """Look at rate after rate until every bound is known well enough."""
        for turn in range(_MOST_PASSES):
            self._learn(_Play.between(self.cells, self.cheap.cell, self.dear.cell).best(self.rate))
            crossing, top = self._crossing()
            settled = (self.dear.cell == self.cheap.cell).all(axis=1)
            done = self._arrived(top, np.maximum(absolute, relative * np.abs(top)), settled)
            self.rate = self._within_cells(crossing, settled) if turn % 3 and settled.any() else crossing
            done |= (self.rate == self.cheap.rate) | ((self.rate == self.dear.rate) & (self.rate > 0.0))  # seen before
            if done.any():
                self._leave(done)
            if not self.row.size:
                return self.peaks
        self._leave(np.ones(self.row.size, dtype=np.bool_))
        return self.peaks

    def _learn(self, seen: Side) -> None:
        """Keep the bound if it is better, and the line on its side of the budget."""
        over = seen.line[_COST] > self.budget
        self.dear, self.cheap = self.dear.where(over, seen), self.cheap.where(~over, seen)
        bound = seen.line[_LOSS] + self.rate * (seen.line[_COST] - self.budget)
        better = bound > self.bound
        self.bound, self.best_rate = np.where(better, bound, self.bound), np.where(better, self.rate, self.best_rate)

    def _crossing(self) -> tuple[FloatArray, FloatArray]:
        """Return the rate at which the lines on both sides cross, and how high."""
        (_, dear_loss, dear_cost), (_, cheap_loss, cheap_cost) = self.dear.line, self.cheap.line
        rate = np.maximum((cheap_loss - dear_loss) / (dear_cost - cheap_cost), 0.0)
        return rate, cheap_loss + rate * (cheap_cost - self.budget)

    def _within_cells(self, crossing: FloatArray, settled: BoolArray) -> FloatArray:
        """Return the rate that spends the budget, where groups no longer change cells.

        Inside a cell prices are proportional to 1/rate (logarithms) or to its root (reciprocals), and cost is linear
        in the price.
        """
        power = -0.5 if self.cells.has_reciprocal else -1.0
        (dear_rate, _, dear_cost), (cheap_rate, _, cheap_cost) = self.dear.line, self.cheap.line
        low, high = cheap_rate**power, dear_rate**power
        rate = (low + (high - low) * (self.budget - cheap_cost) / (dear_cost - cheap_cost)) ** (1.0 / power)
        return np.where(settled & (rate > dear_rate) & (rate < cheap_rate), rate, crossing)

    def _arrived(self, top: FloatArray, near: FloatArray, settled: BoolArray) -> BoolArray:
        """Whether each bound is near its top, or good enough, or money is no object."""
        spare = np.where(settled | (self.cutoff == np.inf), 0.0, _NEAR_ENOUGH * (self.cutoff - top))
        content = (self.rate == 0.0) & (self.cheap.rate == 0.0)
        known = (top - self.bound <= np.maximum(near, spare)) | (self.bound >= self.cutoff)
        return np.asarray(known | content | self.ample)

    def _leave(self, done: BoolArray) -> None:
        """Note the answers of those that have arrived, and go on with the others."""
        rows, go = self.row[done], ~done
        self.peaks.bound[rows], self.peaks.rate[rows] = self.bound[done], self.best_rate[done]
        for noted, side in ((self.peaks.dear, self.dear), (self.peaks.cheap, self.cheap)):
            noted.cell[rows], noted.line[:, rows] = side.cell[done], side.line[:, done]
        self.dear, self.cheap = self.dear.take(go), self.cheap.take(go)
        for name in ("row", "budget", "cutoff", "ample", "rate", "bound", "best_rate"):
            setattr(self, name, getattr(self, name)[go])


def _dearest(cells: Cells, last: IntArray) -> Side:
    """Return the right ends of the last cells: a line above the dual, though nobody may want to be there."""
    edge = cells.take(last.ravel())
    loss, cost = (part.reshape(last.shape).sum(axis=1) for part in edge.at(edge.columns.right))
    return Side(last, np.array([np.zeros(loss.size), loss, cost]))


def _cheapest(cells: Cells, first: IntArray) -> Side:
    """Return the left ends of the first cells, which everybody wants where nothing counts but money."""
    columns = cells.columns
    loss, cost = columns.loss[first].sum(axis=1), columns.cost[first].sum(axis=1)
    return Side(first, np.array([np.full(loss.size, np.inf), loss, cost]))
