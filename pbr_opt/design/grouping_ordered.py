"""Few prices for cells that stand in an order: groups are stretches of it. A heuristic, by dynamic programming.

At a rate of exchange lambda the best division into at most k stretches, each at its best price, obeys

    V_k(j) = min over i < j of V_(k-1)(i) + min over p of sum_(i <= c < j) (loss[c, p] + lambda cost[c, p]).

Optimal groups need not be stretches of any order that is given beforehand, so that the answer is feasible and no more.
"""

from __future__ import annotations

import itertools
from typing import Final

import numpy as np

from pbr_opt.design.grouping import GroupingAnswer
from pbr_opt.design.grouping_bounds import FewPrices, Part, ascend, knapsack_bound, linear_multipliers
from pbr_opt.design.search import KnapsackAnswer, Menu, solve_knapsack
from pbr_opt.quantities import FloatArray, IntArray

__all__ = ["solve_ordered"]

_HALVINGS: Final = 40
"""Of the interval of rates: more do not change the division."""


def solve_ordered(problem: FewPrices, order: IntArray, most_labels: int = 200_000) -> GroupingAnswer:
    """Return the best prices for stretches of an order, divided well though not always best for the budget.

    Parameters
    ----------
    problem : FewPrices
        With a budget that the first price everywhere keeps.
    order : array (cells,)
        The cells, one after the other.
    most_labels : int, optional
        As for :func:`~pbr_opt.design.search.solve_knapsack`.

    Returns
    -------
    GroupingAnswer
        Its bound holds for all groups, stretches or not.

    Examples
    --------
    >>> cost, loss = np.array([[0., 1., 3.], [0., 2., 4.], [0., 2., 5.]]), -np.array([[0., 5, 6]] * 3)
    >>> solve_ordered(FewPrices(cost, loss, 7.0, 2), np.array([1, 0, 2])).loss  # the best is -16: 0 apart
    -15.0
    """
    line = FewPrices(problem.cost[order], problem.loss[order], problem.budget, problem.most)
    tries = [(starts, _priced(line, starts, most_labels)) for starts in _divided(line)]
    starts, found = min(tries, key=lambda tried: tried[1].loss)
    choice = np.empty(order.size, dtype=np.int64)
    choice[order] = np.repeat(found.choice, np.diff(starts))
    return GroupingAnswer(
        choice, found.loss, found.cost, min(_bound(problem), found.loss), found.multiplier, len(tries)
    )


def _priced(line: FewPrices, starts: tuple[int, ...], most_labels: int) -> KnapsackAnswer:
    """Return the best price for each stretch."""
    stretches = [slice(*ends) for ends in itertools.pairwise(starts)]
    menus = [Menu(line.cost[part].sum(axis=0), line.loss[part].sum(axis=0)) for part in stretches]
    return solve_knapsack(menus, line.budget, most_labels)


def _bound(problem: FewPrices) -> float:
    """Return the better of the two relaxations' bounds on any groups."""
    prices = problem.cost.shape[1]
    start = linear_multipliers(problem)
    dual = ascend(problem, Part.whole(prices), start, np.inf)
    return max(dual.bound, knapsack_bound(problem, np.arange(prices)).bound)


def _divided(line: FewPrices) -> list[tuple[int, ...]]:
    """Return the different divisions met on the way to the rate whose stretches spend the budget, ends included."""
    starts, spent = _at_rate(line, 0.0)
    met = {starts: None}
    if spent <= line.budget:
        return [starts]
    dearest, lost = float(line.cost.max()), float(np.abs(line.loss).sum())
    low, high = 0.0, lost / dearest  # an exchange at which all that can be lost is worth the dearest price once
    for _ in range(_HALVINGS):
        rate = 0.5 * (low + high) if low > 0.0 or len(met) > 1 else high
        starts, spent = _at_rate(line, rate)
        met[starts] = None
        if spent > line.budget:
            low, high = rate, max(high, 2.0 * rate)
        else:
            high = rate
    return [*met]


def _at_rate(line: FewPrices, rate: float) -> tuple[tuple[int, ...], float]:
    """Return the best division at a rate, and what it spends."""
    size = line.cost.shape[0]
    reduced = np.concatenate([np.zeros((1, line.cost.shape[1])), np.cumsum(line.loss + rate * line.cost, axis=0)])
    paid = np.concatenate([np.zeros((1, line.cost.shape[1])), np.cumsum(line.cost, axis=0)])
    worth = reduced[None, :, :] - reduced[:, None, :]
    price = worth.argmin(axis=2)
    worth = np.where(np.arange(size + 1)[:, None] < np.arange(size + 1), worth.min(axis=2), np.inf)
    starts = _shortest(worth, line.most)
    spent = sum(float(paid[b, price[a, b]] - paid[a, price[a, b]]) for a, b in itertools.pairwise(starts))
    return starts, spent


def _shortest(worth: FloatArray, most: int) -> tuple[int, ...]:
    """Return the cheapest way from first to last in at most so many steps; ``worth[i, j]`` is a step's price."""
    size = worth.shape[0]
    value, before = np.full(size, np.inf), []
    value[0] = 0.0
    values = []
    for _ in range(most):
        total = value[:, None] + worth
        before.append(total.argmin(axis=0))
        value = total.min(axis=0)
        values.append(value[-1])
    steps, at = int(np.argmin(values)), size - 1
    way = [at]
    for k in range(steps, -1, -1):
        at = int(before[k][at])
        way.append(at)
    return tuple(way[::-1])
