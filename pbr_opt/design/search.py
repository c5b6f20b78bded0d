"""One tariff column for each group within one budget: an exact multiple-choice knapsack with a bound.

Groups interact only through the budget, so the best design takes one column from each. A Lagrange multiplier on the
budget gives a bound and a good design; columns that cannot beat it are fixed out; what is left is solved by extending
partial designs group by group, dropping those that are dominated or whose bound is no better than the best design
known. Everything is in floating point without a solver's tolerances: the answer respects the budget as summed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pbr_opt.quantities import FloatArray, IntArray

__all__ = ["KnapsackAnswer", "Menu", "lagrangian", "solve_knapsack"]

_TIE = 1e-12
"""A bound this near (relatively) to the best known design cannot be told from it in floating point."""


_BEAMS = (300, 10_000)
"""Narrow passes first: a better design found early fixes out columns before the wide pass."""


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
        order = np.lexsort((self.loss, self.cost))
        best = np.minimum.accumulate(self.loss[order])
        keep = np.r_[True, best[1:] < best[:-1]]
        return np.asarray(order[keep])

    def take(self, rows: IntArray) -> Menu:
        """Return some of the columns."""
        return Menu(self.cost[rows], self.loss[rows])


@dataclass(frozen=True, slots=True, eq=False)
class KnapsackAnswer:
    """The best choice found, and the proof.

    Attributes
    ----------
    choice : array (groups,)
        Column of each menu.
    loss, cost : float
        Of the choice.
    bound : float
        No choice within the budget has a lower loss.
    multiplier : float
        Loss that one more pound of budget saves in the relaxation.
    """

    choice: IntArray
    loss: float
    cost: float
    bound: float
    multiplier: float


def lagrangian(menus: Sequence[Menu], budget: float, multiplier: float) -> float:
    """Return the Lagrangian bound, valid for any multiplier of at least 0.

    ``sum over groups of min(loss + multiplier cost) - multiplier budget``.

    >>> lagrangian([Menu(np.array([0., 2.]), np.array([9., 3.]))], 1.0, 3.0)
    6.0
    """
    slack = 0.0 if multiplier == 0.0 else multiplier * budget
    return float(sum((menu.loss + multiplier * menu.cost).min() for menu in menus) - slack)


def solve_knapsack(menus: Sequence[Menu], budget: float, most_labels: int = 200_000) -> KnapsackAnswer:
    """Return the choice of one column a menu that has least loss within the budget.

    Parameters
    ----------
    menus : sequence of Menu
        One a group; the cheapest columns together must fit the budget.
    budget : float
        GBP, may be infinite.
    most_labels : int, optional
        Partial choices kept; beyond it the most promising stay and the bound tells what was given up.

    Returns
    -------
    KnapsackAnswer
        With ``bound == loss`` when proved.

    Examples
    --------
    >>> menu = Menu(np.array([0., 3., 5.]), np.array([10., 6., 5.]))
    >>> answer = solve_knapsack([menu, menu], 8.0)
    >>> sorted(answer.choice.tolist()), answer.loss, answer.bound
    ([1, 2], 11.0, 11.0)
    """
    rows = [menu.undominated() for menu in menus]
    lean = [menu.take(kept) for menu, kept in zip(menus, rows, strict=True)]
    choice, multiplier = _greedy(lean, budget)
    best = _loss(lean, choice)
    floor = lagrangian(lean, budget, multiplier)
    bound = floor
    for most in (*(beam for beam in _BEAMS if beam < most_labels), most_labels):
        core = [_worth_keeping(menu, multiplier, best - floor) for menu in lean]
        narrowed = [menu.take(kept) for menu, kept in zip(lean, core, strict=True)]
        found, bound = _extend(narrowed, budget, multiplier, best, most)
        if found is not None:
            choice = np.array([kept[k] for kept, k in zip(core, found, strict=True)])
            best = _loss(lean, choice)
        if bound >= best - _TIE * abs(best):
            break
    picked = np.array([kept[k] for kept, k in zip(rows, choice, strict=True)])
    loss = _loss(menus, picked)
    cost = float(sum(menu.cost[k] for menu, k in zip(menus, picked, strict=True)))
    return KnapsackAnswer(picked, loss, cost, min(max(bound, floor), loss), multiplier)


def _loss(menus: Sequence[Menu], choice: IntArray) -> float:
    return float(sum(menu.loss[k] for menu, k in zip(menus, choice, strict=True)))


def _greedy(menus: Sequence[Menu], budget: float) -> tuple[IntArray, float]:
    """Buy hull steps by loss saved per pound; then let every group climb as far as the change left over allows."""
    hulls = [_lower_hull(menu) for menu in menus]
    group = np.repeat(np.arange(len(menus)), [hull.size - 1 for hull in hulls])
    cost = np.concatenate([np.diff(m.cost[h]) for m, h in zip(menus, hulls, strict=True)])
    saved = np.concatenate([-np.diff(m.loss[h]) for m, h in zip(menus, hulls, strict=True)])
    order = np.argsort(-saved / cost, kind="stable")
    left = budget - sum(menu.cost[0] for menu in menus)
    spent = np.cumsum(cost[order])
    bought = int(np.searchsorted(spent, left, side="right"))
    multiplier = float((saved / cost)[order[bought]]) if bought < order.size else 0.0
    steps = np.bincount(group[order[:bought]], minlength=len(menus))
    choice = np.array([hull[k] for hull, k in zip(hulls, steps, strict=True)])
    left -= spent[bought - 1] if bought else 0.0
    for g in np.unique(group[order[bought:]]):  # whoever can still use the change, in turn
        menu = menus[g]
        reach = int(np.searchsorted(menu.cost, menu.cost[choice[g]] + left, side="right")) - 1
        left -= menu.cost[reach] - menu.cost[choice[g]]
        choice[g] = reach
    return choice, multiplier


def _lower_hull(menu: Menu) -> IntArray:
    """Return the columns on the lower convex hull of loss against cost (columns are undominated)."""
    hull: list[int] = []
    cost, loss = menu.cost.tolist(), menu.loss.tolist()
    for k in range(len(cost)):
        while len(hull) > 1 and (loss[hull[-1]] - loss[hull[-2]]) * (cost[k] - cost[hull[-1]]) >= (
            loss[k] - loss[hull[-1]]
        ) * (cost[hull[-1]] - cost[hull[-2]]):
            hull.pop()
        hull.append(k)
    return np.array(hull)


def _worth_keeping(menu: Menu, multiplier: float, gap: float) -> IntArray:
    """Return the columns whose reduced cost does not exceed the gap: no others are in a better design."""
    reduced = menu.loss + multiplier * menu.cost
    slack = _TIE * float(np.abs(reduced).max())
    return np.flatnonzero(reduced - reduced.min() <= max(gap, 0.0) + slack)


def _extend(
    menus: Sequence[Menu], budget: float, multiplier: float, best: float, most: int
) -> tuple[list[int] | None, float]:
    """Return columns of a design better than ``best`` (None if there is none), and a bound on all designs."""
    order = sorted(range(len(menus)), key=lambda k: -menus[k].cost.size)
    priced = [float((menu.loss + multiplier * menu.cost).min()) for menu in menus]
    cheapest = [float(menu.cost.min()) for menu in menus]
    credit = multiplier * budget if multiplier else 0.0
    cost, loss = np.zeros(1), np.zeros(1)
    trail: list[tuple[IntArray, IntArray]] = []
    given_up = np.inf
    for g in order:
        menu = menus[g]
        parent, column = (a.ravel() for a in np.indices((cost.size, menu.cost.size)))
        cost = cost[parent] + menu.cost[column]
        loss = loss[parent] + menu.loss[column]
        priced[g] = cheapest[g] = 0.0
        bound = loss + multiplier * cost + sum(priced) - credit
        keep = np.flatnonzero((cost + sum(cheapest) <= budget) & (bound < best - _TIE * abs(best)))
        keep = keep[Menu(cost[keep], loss[keep]).undominated()] if keep.size else keep
        if keep.size > most:
            promising = keep[np.argsort(bound[keep])]
            given_up = min(given_up, float(bound[promising[most]]))
            keep = np.sort(promising[:most])
        trail.append((parent[keep], column[keep]))
        cost, loss = cost[keep], loss[keep]
        if not keep.size:
            return None, min(best, given_up)
    at = int(np.argmin(loss))
    if loss[at] >= best:  # a bound looked promising and the design was not
        return None, min(best, given_up)
    proved = min(float(loss[at]), given_up)
    picked = [0] * len(menus)
    for g, (parent, column) in zip(reversed(order), reversed(trail), strict=True):
        picked[g] = int(column[at])
        at = int(parent[at])
    return picked, proved
