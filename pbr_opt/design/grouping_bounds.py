"""Bounds for choosing few prices for many cells: multipliers, reduced costs, and the knapsack's own dual.

With a multiplier lambda on the budget and u_j on the duty to price cell j, a set S of at most k prices costs at least

    D(lambda, u) = sum_j u_j + sum of the k least rho_p - lambda budget,
    rho_p = sum_j min(0, loss[j, p] + lambda cost[j, p] - u_j)

for any lambda >= 0 and any u: nobody has to be believed. At the best multipliers it is the value of the linear
relaxation of the p-median programme (x[j, p] <= y[p]), which is known to be tight.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from pbr_opt.quantities import BoolArray, FloatArray, IntArray

__all__ = [
    "Dual",
    "FewPrices",
    "KnapsackBound",
    "Multipliers",
    "Part",
    "ascend",
    "knapsack_bound",
    "linear_multipliers",
]

_SHORTER: Final = 0.7
"""A step of ascent that brought nothing is followed by steps this much shorter."""

_MOST_LINES: Final = 60
"""Rates looked at by the knapsack's dual: lines cross at few rates, a dozen as a rule."""


@dataclass(frozen=True, slots=True, eq=False)
class FewPrices:
    """The problem: what each cell costs and loses at each price, what there is to spend, how many prices are allowed.

    Attributes
    ----------
    cost, loss : array (cells, prices)
        GBP; units of the objective, less is better. The first price is the cheapest for every cell.
    budget : float
        GBP.
    most : int
        Most different prices, at least 1.
    """

    cost: FloatArray
    loss: FloatArray
    budget: float
    most: int


@dataclass(frozen=True, slots=True, eq=False)
class Multipliers:
    """Prices of the two duties: loss per GBP of budget, and loss for leaving a cell without a price, shape (cells,)."""

    rate: float
    duty: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Prices that count against the limit whether used or not, and those that may or may not: arrays (prices,)."""

    needed: BoolArray
    free: BoolArray

    @classmethod
    def whole(cls, prices: int) -> Part:
        """Return the part in which everything is open."""
        return cls(np.zeros(prices, dtype=np.bool_), np.ones(prices, dtype=np.bool_))

    def split(self, price: int) -> tuple[Part, Part]:
        """Return the part that counts a price, and the one without it."""
        free, needed = self.free.copy(), self.needed.copy()
        free[price], needed[price] = False, True
        return Part(needed, free), Part(self.needed, free)


@dataclass(frozen=True, slots=True, eq=False)
class Dual:
    """The best bound met, and what it rests on.

    Attributes
    ----------
    bound : float
        No choice in the part loses less.
    at : Multipliers
        Where.
    reduced : array (cells, prices)
        Reduced costs there.
    sums : array (prices,)
        rho.
    chosen : array
        The prices taken: those needed, and the best of the free ones.
    """

    bound: float
    at: Multipliers
    reduced: FloatArray
    sums: FloatArray
    chosen: IntArray

    def _edge(self, part: Part) -> tuple[float, float]:
        """Return rho of the last free price taken and of the first one left."""
        free = part.free.copy()
        free[self.chosen] = False
        taken = self.sums[self.chosen[part.free[self.chosen]]]
        return float(taken.max(initial=-np.inf)), float(self.sums[free].min(initial=0.0))

    def narrowed(self, part: Part, loss: float) -> tuple[Part, IntArray]:
        """Return the part without prices that are in no better choice than one known, and the prices left for use."""
        gap = loss - self.bound
        last, first = self._edge(part)
        taken = np.zeros(part.free.size, dtype=np.bool_)
        taken[self.chosen] = True
        with np.errstate(invalid="ignore"):
            extra = np.where(taken | ~part.free, 0.0, np.maximum(self.sums - last, 0.0))
            missed = np.where(taken & part.free, first - self.sums, 0.0)
        open_prices = part.needed | (part.free & (extra < gap))
        column = np.maximum(self.reduced, 0.0) + extra < gap
        used = open_prices & column.any(axis=0)
        forced = part.free & taken & (missed >= gap) & used
        return Part(part.needed | forced, part.free & used & ~forced), np.flatnonzero(used)

    def torn(self, part: Part) -> int:
        """Return the free price that is nearest to the edge between those taken and those left."""
        last, first = self._edge(part)
        middle = 0.5 * (last + first) if np.isfinite(last) else first
        free = np.flatnonzero(part.free)
        return int(free[np.argmin(np.abs(self.sums[free] - middle))])


def _dual(problem: FewPrices, part: Part, at: Multipliers) -> Dual:
    reduced = problem.loss + at.rate * problem.cost
    reduced -= at.duty[:, None]
    sums = np.minimum(reduced, 0.0).sum(axis=0)
    free = np.flatnonzero(part.free)
    open_places = max(problem.most - int(part.needed.sum()), 0)
    if open_places < free.size:
        free = free[np.argpartition(sums[free], open_places)[:open_places]] if open_places else free[:0]
    chosen = np.concatenate([np.flatnonzero(part.needed), free])
    bound = float(at.duty.sum() + sums[chosen].sum()) - at.rate * problem.budget
    return Dual(bound, at, reduced, sums, chosen)


def ascend(problem: FewPrices, part: Part, at: Multipliers, loss: float, passes: int = 1) -> Dual:
    """Return the best bound met on a few steps of ascent from given multipliers.

    Parameters
    ----------
    problem : FewPrices
        With a finite budget.
    part : Part
        Which prices are open.
    at : Multipliers
        Where to start.
    loss : float
        A bound that reaches this is good enough; steps are measured by what is lacking (Polyak).
    passes : int
        Steps.
    """
    budget = problem.budget
    best = _dual(problem, part, at)
    here, step = best, 1.0
    scale = budget if budget > 0.0 else 1.0
    for _ in range(passes - 1):
        if here.bound >= loss:
            break
        taken = here.reduced[:, here.chosen] < 0.0
        duty = 1.0 - taken.sum(axis=1)
        over = (float((problem.cost[:, here.chosen] * taken).sum()) - budget) / scale
        length = float(duty @ duty) + over * over * duty.size
        if length == 0.0:
            break
        move = step * max(loss - here.bound, 1e-9 * abs(here.bound)) / length
        rate = max(here.at.rate + move * over * duty.size / scale, 0.0)
        here = _dual(problem, part, Multipliers(rate, here.at.duty + move * duty))
        if here.bound > best.bound:
            best = here
        else:
            step *= _SHORTER
    return best


@dataclass(frozen=True, slots=True, eq=False)
class KnapsackBound:
    """The dual of choosing among some prices without a limit on their number.

    Attributes
    ----------
    bound : float
        Infinite when nothing fits the budget.
    rate : float
        Where.
    choice : array (cells,) or None
        The best choice within the budget that was met.
    """

    bound: float
    rate: float
    choice: IntArray | None


def knapsack_bound(problem: FewPrices, prices: IntArray) -> KnapsackBound:
    """Return the top of the dual over rates of exchange, by crossing lines from both sides.

    Examples
    --------
    >>> problem = FewPrices(np.array([[0., 2.]]), np.array([[9., 3.]]), 1.0, 2)
    >>> knapsack_bound(problem, np.array([0, 1])).bound
    6.0
    """
    budget = problem.budget
    cost, loss = problem.cost[:, prices], problem.loss[:, prices]
    rows = np.arange(loss.shape[0])

    def total(choice: IntArray) -> tuple[float, float]:
        return float(loss[rows, choice].sum()), float(cost[rows, choice].sum())

    dear, cheap = np.lexsort((cost, loss), axis=1)[:, 0], np.lexsort((loss, cost), axis=1)[:, 0]
    (dear_loss, dear_cost), (cheap_loss, cheap_cost) = total(dear), total(cheap)
    if cheap_cost > budget:
        return KnapsackBound(np.inf, 0.0, None)
    if dear_cost <= budget:
        return KnapsackBound(dear_loss, 0.0, prices[dear])
    best = KnapsackBound(-np.inf, 0.0, prices[cheap])
    for _ in range(_MOST_LINES):
        rate = (cheap_loss - dear_loss) / (dear_cost - cheap_cost)
        top = cheap_loss + rate * (cheap_cost - budget)
        choice = (loss + rate * cost).argmin(axis=1)
        lost, paid = total(choice)
        bound = lost + rate * (paid - budget)
        if bound > best.bound:
            best = KnapsackBound(bound, rate, best.choice)
        if bound >= top - 1e-13 * abs(top) or (paid, lost) in {(dear_cost, dear_loss), (cheap_cost, cheap_loss)}:
            break
        if paid > budget:
            dear_loss, dear_cost = lost, paid
        else:
            cheap_loss, cheap_cost, best = lost, paid, KnapsackBound(best.bound, best.rate, prices[choice])
    return best


def linear_multipliers(problem: FewPrices) -> Multipliers:
    """Return the multipliers that HiGHS finds for the linear relaxation; plain ones where it finds none.

    Only a place to start from: the bounds are computed from them by this module.
    """
    from scipy import sparse
    from scipy.optimize import linprog

    budget, (cells, prices) = problem.budget, problem.cost.shape
    unit, pound = float(np.abs(problem.loss).max()) or 1.0, budget or 1.0
    size = cells * prices
    every, cell, price = np.arange(size), np.repeat(np.arange(cells), prices), size + np.tile(np.arange(prices), cells)
    counted = size + np.arange(prices)
    rows = np.concatenate([np.zeros(size), np.ones(prices), 2 + every, 2 + every]).astype(np.int64)
    columns = np.concatenate([every, counted, every, price])
    entries = np.concatenate([problem.cost.ravel() / pound, np.ones(prices + size), -np.ones(size)])
    kept: Any = sparse.csr_array((entries, (rows, columns)), shape=(2 + size, size + prices))  # stubs know no sparse A
    once: Any = sparse.csr_array((np.ones(size), (cell, every)), shape=(cells, size + prices))
    found = linprog(
        np.append(problem.loss.ravel() / unit, np.zeros(prices)),
        A_ub=kept,
        b_ub=np.concatenate([[budget / pound, problem.most], np.zeros(size)]),
        A_eq=once,
        b_eq=np.ones(cells),
        bounds=(0.0, 1.0),
        method="highs",
    )
    plain = Multipliers(0.0, problem.loss.min(axis=1))
    if found.status != 0:
        return plain
    rate, worth = max(-float(found.ineqlin.marginals[0]), 0.0) * unit / pound, np.asarray(found.eqlin.marginals) * unit
    return Multipliers(rate, worth) if np.isfinite([rate, *worth]).all() else plain
