"""At most k prices for many cells within one budget: the p-median problem with a budget, solved to a proof.

    minimise  sum over cells j of loss[j, a(j)]
    subject to  sum over cells of cost[j, a(j)] <= budget,  at most k different prices among the a(j)

Two relaxations bound a part of the problem (a part says which prices may be used, and which count whether used or not):

* without the budget and the duty to price each cell, at multipliers lambda and u: prices come apart, and the k with the
  least reduced sums are taken (:func:`~pbr_opt.design.grouping_bounds.ascend`);
* without the limit on prices: a multiple-choice knapsack, solved by :func:`~pbr_opt.design.search.solve_knapsack`.

Columns and prices whose reduced cost exceeds what is still unproved leave; what is left is split on one price, allowed
for or forbidden. HiGHS proposes the first multipliers and is believed in nothing: a bound holds for any multipliers.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from pbr_opt.design.grouping_bounds import (
    FewPrices,
    KnapsackBound,
    Multipliers,
    Part,
    ascend,
    knapsack_bound,
    linear_multipliers,
)
from pbr_opt.design.search import Menu, solve_knapsack
from pbr_opt.errors import DesignInfeasibleError
from pbr_opt.quantities import SPEND_RELATIVE, IntArray

__all__ = ["GroupingAnswer", "solve_grouping"]

_TIE: Final = 1e-12
"""A bound this near (relatively) to the best known choice cannot be told from it in floating point."""

_PASSES: Final = 12
"""Steps of ascent for each part: fewer leave weak bounds, more cost more than the parts they save."""

_FREE_OF_LIMIT: Final = 0.25
"""The knapsack is solved when its relaxation lacks no more of the best choice than the other bound and this share."""

_HOPEFUL: Final = 30
"""Parts whose own prices are tried for a better choice: the best is nearly always met by then, and each costs more than
the part does."""

_SWAPS: Final = 60
"""Exchanges of one price tried before the search, each a few vector operations."""


@dataclass(frozen=True, slots=True, eq=False)
class GroupingAnswer:
    """The best choice found, and the proof.

    Attributes
    ----------
    choice : array (cells,)
        Which price each cell gets.
    loss, cost : float
        Of the choice.
    bound : float
        No choice within the budget with so few prices has a lower loss.
    multiplier : float
        Loss that one more pound of budget saves in the relaxation.
    parts : int
        Parts that were bounded.
    """

    choice: IntArray
    loss: float
    cost: float
    bound: float
    multiplier: float
    parts: int


def solve_grouping(problem: FewPrices, most_parts: int = 100_000, most_labels: int = 200_000) -> GroupingAnswer:
    """Return the choice of one price a cell that has least loss within the budget, with few different prices.

    Parameters
    ----------
    problem : FewPrices
        The budget may be infinite.
    most_parts, most_labels : int, optional
        Parts bounded, and partial choices kept by a knapsack, before the search settles for a gap.

    Returns
    -------
    GroupingAnswer
        With ``bound == loss`` when proved.

    Raises
    ------
    DesignInfeasibleError
        When the cheapest price everywhere costs more than the budget.

    Examples
    --------
    >>> cost, loss = np.array([[0., 1., 3.], [0., 2., 4.], [0., 2., 5.]]), -np.array([[0., 5, 6]] * 3)
    >>> [solve_grouping(FewPrices(cost, loss, 8.0, k)).loss for k in (1, 2, 3)]
    [-15.0, -16.0, -16.0]
    >>> found = solve_grouping(FewPrices(cost, loss, 7.0, 2))  # two choices are as good as each other
    >>> found.loss, len(set(found.choice.tolist()))
    (-16.0, 2)
    """
    least = float(problem.cost[:, 0].sum())
    if least > problem.budget * (1.0 + SPEND_RELATIVE):
        raise DesignInfeasibleError(
            f"The lowest price for every cell costs £{least:,.0f}; the budget is £{problem.budget:,.0f}.",
            least_budget_gbp=least,
            binding_limits=(f"Budget(£{problem.budget:,.0f})",),
        )
    budget = min(max(problem.budget, least), float(problem.cost.max(axis=1).sum()))
    bounded = FewPrices(problem.cost, problem.loss, budget, min(problem.most, *problem.cost.shape))
    return _Search(bounded, most_labels).answer(most_parts)


class _Search:
    """Branch and bound over sets of prices."""

    def __init__(self, problem: FewPrices, most_labels: int) -> None:
        self.problem, self.most_labels = problem, most_labels
        self.rows = np.arange(problem.cost.shape[0])
        self.loss, self.choice = np.inf, np.zeros(self.rows.size, dtype=np.int64)
        self._remember(self.choice)
        self.floor = np.inf
        self.settled: list[frozenset[int]] = []
        self.parts = 0
        self.number = itertools.count()

    def answer(self, most_parts: int) -> GroupingAnswer:
        """Search until everything is proved, or enough has been tried."""
        start = linear_multipliers(self.problem)
        whole = Part.whole(self.problem.cost.shape[1])
        first = ascend(self.problem, whole, start, self.loss)
        self._exchange(np.sort(first.chosen), first.at.rate)
        heap: list[tuple[float, int, Part, Multipliers]] = [(first.bound, next(self.number), whole, first.at)]
        while heap and heap[0][0] < self.proved_at and self.parts < most_parts:
            _, _, part, at = heapq.heappop(heap)
            for bound, (child, start) in self._divide(part, at):
                heapq.heappush(heap, (bound, next(self.number), child, start))
        bound = min([self.loss, self.floor, *(item[0] for item in heap)])
        bound = self.loss if bound >= self.proved_at else bound
        choice = self._thrifty()
        cost = float(self.problem.cost[self.rows, choice].sum())
        return GroupingAnswer(choice, self.loss, cost, bound, first.at.rate, self.parts)

    @property
    def proved_at(self) -> float:
        """Return the bound at which a part need not be looked into."""
        return self.loss - _TIE * abs(self.loss)

    def _remember(self, choice: IntArray) -> None:
        """Keep a choice if it is the best so far and within the budget."""
        loss = float(self.problem.loss[self.rows, choice].sum())
        if loss < self.loss and float(self.problem.cost[self.rows, choice].sum()) <= self.problem.budget * (1.0 + _TIE):
            self.loss, self.choice = loss, choice

    def _thrifty(self) -> IntArray:
        """Return the best choice with each of its prices lowered as far as nobody loses by it."""
        choice = self.choice.copy()
        for price in np.unique(choice):
            cells = np.flatnonzero(choice == price)
            harmless = (self.problem.loss[cells] <= self.problem.loss[cells, price][:, None]).all(axis=0)
            choice[cells] = np.where(harmless, self.problem.cost[cells].sum(axis=0), np.inf).argmin()
        return choice

    def _divide(self, part: Part, at: Multipliers) -> Iterator[tuple[float, tuple[Part, Multipliers]]]:
        """Bound a part; yield what it has to be split into, nothing when it is settled."""
        self.parts += 1
        there = ascend(self.problem, part, at, self.loss, _PASSES)
        if there.bound >= self.proved_at:
            return
        part, usable = there.narrowed(part, self.loss)
        if any(settled.issuperset(usable.tolist()) for settled in self.settled):
            return
        if self.parts <= _HOPEFUL:
            self._settle(np.sort(there.chosen))
        bound = max(there.bound, self._without_limit(usable, there.bound))
        if bound < self.proved_at and usable.size > self.problem.most:
            for child in part.split(there.torn(part)):
                if child.needed.sum() <= self.problem.most:
                    yield max(bound, ascend(self.problem, child, there.at, self.loss).bound), (child, there.at)

    def _without_limit(self, usable: IntArray, known: float) -> float:
        """Return a bound on all choices among some prices, exact where the limit on their number costs little."""
        relaxed = knapsack_bound(self.problem, usable)
        lacking = self.loss - known
        if usable.size > self.problem.most and self.loss - relaxed.bound > (1.0 + _FREE_OF_LIMIT) * lacking:
            return relaxed.bound
        return self._settle(usable, relaxed)

    def _settle(self, prices: IntArray, known: KnapsackBound | None = None) -> float:
        """Solve the knapsack over some prices; return a bound on all choices among them.

        More prices than allowed make it a relaxation, unless the answer happens to use few.
        """
        names = frozenset(prices.tolist())
        if any(settled.issuperset(names) for settled in self.settled):
            return self.loss
        relaxed = known or knapsack_bound(self.problem, prices)
        if relaxed.choice is not None and prices.size <= self.problem.most:
            self._remember(relaxed.choice)
        bound = relaxed.bound
        if bound < self.proved_at:
            bound, choice = self._knapsack(prices, relaxed.bound, relaxed.rate)
            if choice is not None and np.unique(choice).size <= self.problem.most:
                self._remember(choice)
        if bound >= self.proved_at:
            self.settled.append(names)
        elif prices.size <= self.problem.most:
            self.floor = min(self.floor, bound)
        return bound

    def _knapsack(self, prices: IntArray, bound: float, rate: float) -> tuple[float, IntArray | None]:
        """Return the best choice among some prices, and a bound; only columns that can be in a better one count."""
        cost, loss = self.problem.cost[:, prices], self.problem.loss[:, prices]
        reduced = loss + rate * cost
        reduced -= reduced.min(axis=1, keepdims=True)
        keep = reduced <= max(self.loss - bound, 0.0) + _TIE * float(np.abs(loss).max())
        best = reduced.argmin(axis=1)
        open_rows = np.flatnonzero(keep.sum(axis=1) > 1)
        shut = np.setdiff1d(self.rows, open_rows)
        paid, lost = (float(part[shut, best[shut]].sum()) for part in (cost, loss))
        columns = [np.flatnonzero(keep[j]) for j in open_rows]
        menus = [Menu(cost[j, k], loss[j, k]) for j, k in zip(open_rows, columns, strict=True)]
        if not menus or sum(float(menu.cost.min()) for menu in menus) + paid > self.problem.budget:
            fits = not menus and paid <= self.problem.budget
            return (lost, prices[best]) if fits else (self.loss, None)  # else what would fit has been ruled out
        relaxes = prices.size > self.problem.most
        left, cutoff = self.problem.budget - paid, self.loss - lost
        found = solve_knapsack(menus, left, self.most_labels, cutoff, first=relaxes, rate=rate)
        best[open_rows] = [k[at] for k, at in zip(columns, found.choice.tolist(), strict=True)]
        return max(min(found.bound + lost, self.loss), bound), prices[best]

    def _exchange(self, prices: IntArray, rate: float) -> None:
        """Start from a set of prices, put one for another as long as the knapsack's bound falls, and solve that set."""
        prices = np.union1d(prices[: self.problem.most - 1], [0]) if 0 not in prices else prices
        best = knapsack_bound(self.problem, prices)
        for _ in range(_SWAPS):
            better = self._exchanged(prices, best.bound, best.rate or rate)
            if better is None:
                break
            prices = better
            best = knapsack_bound(self.problem, prices)
        self._settle(prices)

    def _exchanged(self, prices: IntArray, bound: float, rate: float) -> IntArray | None:
        """Return a set with one other price and a lower bound, if the first few candidates hold one."""
        reduced = self.problem.loss + rate * self.problem.cost
        for out in range(prices.size):
            rest = np.delete(prices, out)
            kept = reduced[:, rest].min(axis=1) if rest.size else np.full(self.rows.size, np.inf)
            total = np.minimum(kept[:, None], reduced).sum(axis=0) - rate * self.problem.budget
            for price in np.argsort(total)[:3]:
                if total[price] >= bound or price in prices:
                    break
                candidate = np.sort(np.append(rest, price))
                if knapsack_bound(self.problem, candidate).bound < bound * (1.0 - np.sign(bound) * _TIE):
                    return candidate
        return None
