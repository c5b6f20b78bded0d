"""One tariff column for each group within one budget: an exact multiple-choice knapsack with a bound.

Groups interact only through the budget, so the best design takes one column from each. First branch and bound over the
columns, as if they were price cells without extent (:mod:`pbr_opt.design.branching`), until all that keeps a bound from
a design is the step between neighbouring columns of one group; then every choice close to a bound is looked at
(:mod:`pbr_opt.design.labels`). Everything is in floating point without a solver's tolerances: the answer respects the
budget to the rounding of sums.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from pbr_opt.design.branching import stepped
from pbr_opt.design.cells import Cells
from pbr_opt.design.dual import Subproblems, climb
from pbr_opt.design.labels import Box, Labelling
from pbr_opt.design.menus import Menu, lagrangian
from pbr_opt.design.nodes import Nodes
from pbr_opt.quantities import IntArray

__all__ = ["KnapsackAnswer", "Menu", "lagrangian", "solve_knapsack"]

_ROUNDING: Final = 4e-15
"""How far, relatively, sums of the same costs taken in another order may lie apart: no reason to miss a design."""

_GLANCE: Final = 1_000
"""Labels kept when everything is looked at at once: more cost as much as the search that they may save."""


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


def solve_knapsack(
    menus: Sequence[Menu],
    budget: float,
    most_labels: int = 200_000,
    cutoff: float = np.inf,
    *,
    first: bool = False,
    rate: float | None = None,
) -> KnapsackAnswer:
    """Return the choice of one column a menu that has least loss within the budget.

    Parameters
    ----------
    menus : sequence of Menu
        One a group; the cheapest columns together must fit the budget.
    budget : float
        GBP, may be infinite.
    most_labels : int, optional
        Sub-problems bounded, and partial choices kept; beyond it the most promising stay and the bound tells what was
        given up.
    cutoff : float, optional
        A loss that is reached elsewhere: only choices below it are searched for.
    first : bool, optional
        Be content with the first choice below the cutoff, and with the bound there is by then.
    rate : float, optional
        Loss per pound of budget at the top of the dual, where it is known: few choices are then all looked at.

    Returns
    -------
    KnapsackAnswer
        With ``bound == loss`` when proved; with ``bound == cutoff``, and some choice, where none is below the cutoff.

    Examples
    --------
    >>> menu = Menu(np.array([0., 3., 5.]), np.array([10., 6., 5.]))
    >>> answer = solve_knapsack([menu, menu], 8.0)
    >>> sorted(answer.choice.tolist()), answer.loss, answer.bound
    ([1, 2], 11.0, 11.0)
    >>> solve_knapsack([menu, menu], 8.0, cutoff=10.5).bound
    10.5
    """
    budget *= 1.0 + _ROUNDING
    rows = [menu.undominated() for menu in menus]
    lean = [menu.take(kept) for menu, kept in zip(menus, rows, strict=True)]
    labelling = Labelling(lean, budget, most_labels, cutoff)
    if rate is not None and labelling.glance(rate, min(_GLANCE, most_labels)):
        bound, multiplier = min(cutoff, labelling.loss), rate
    else:
        sought = cutoff if rate is None else min(cutoff, labelling.loss)
        cells = Cells.of_points([menu.cost for menu in lean], [menu.loss for menu in lean])
        answers, aside = stepped(cells, budget, most_labels, sought, first=first)
        labelling.consider(answers.price_gbp[0].astype(np.int64))
        bound, multiplier = float(answers.bound[0]), float(answers.multiplier[0])
        if first and labelling.loss < cutoff:
            bound = min(bound, float(aside.bound.min(initial=np.inf)))
        else:
            bound = min(bound, labelling.search(_boxes(cells, aside, budget)))
    picked = np.array([kept[k] for kept, k in zip(rows, labelling.choice, strict=True)])
    cost = float(sum(menu.cost[k] for menu, k in zip(menus, picked, strict=True)))
    loss = float(sum(menu.loss[k] for menu, k in zip(menus, picked, strict=True)))
    return KnapsackAnswer(picked, loss, cost, min(bound, loss), multiplier)


def _boxes(cells: Cells, aside: Nodes, budget: float) -> list[Box]:
    """Return what was set aside, each at the very top of its dual."""
    fits = cells.columns.cost[aside.first].sum(axis=1) <= budget
    nodes = aside.take(fits)
    if not nodes.owner.size:
        return []
    start = cells.start[:-1]
    any_loss = np.full(nodes.owner.size, np.inf)
    sub = Subproblems(nodes.first, nodes.last, np.full(nodes.owner.size, budget), nodes.rate, any_loss)
    rates = climb(cells, sub, 0.0, 0.0).rate
    return [Box(a - start, b - start, float(rate)) for a, b, rate in zip(nodes.first, nodes.last, rates, strict=True)]
