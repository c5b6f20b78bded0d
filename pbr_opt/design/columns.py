"""Which tariffs of one group are worth considering: exact columns, or cells that bound what lies between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from pbr_opt.design.branching import solve_cells
from pbr_opt.design.cells import has_cells
from pbr_opt.design.group_prices import GroupPrices
from pbr_opt.design.joint import choose_together
from pbr_opt.design.ladder import Ladder, ladders
from pbr_opt.design.limits import Budget
from pbr_opt.design.menus import Menu, lagrangian
from pbr_opt.design.objectives import Parked
from pbr_opt.design.problem import DesignProblem
from pbr_opt.design.refining import solve_refining
from pbr_opt.design.result import Found
from pbr_opt.design.search import KnapsackAnswer, solve_knapsack
from pbr_opt.design.settings import DesignSettings
from pbr_opt.design.tangents import has_tangents
from pbr_opt.errors import SolverError
from pbr_opt.quantities import FloatArray, IntArray

__all__ = [
    "GroupColumns",
    "cell_columns",
    "grid_columns",
    "parked_columns",
    "solve_by_zooming",
    "solve_columns",
    "solve_on_step",
]

_COARSE: Final = 97
_FINE: Final = 17
"""Columns of the first look, and of each closer one between two neighbours."""
_HASTY: Final = 100
"""Labels that are enough where only the shadow price is wanted."""


@dataclass(frozen=True, slots=True, eq=False)
class GroupColumns:
    """Tariffs of one group to choose from, and a menu that bounds every tariff in between.

    Attributes
    ----------
    prices : GroupPrices
        The columns.
    menu : Menu
        Their cost and loss.
    cells : Menu or None
        A relaxation: for each cell between columns its least cost and its least loss. None where columns are exact.
    """

    prices: GroupPrices
    menu: Menu
    cells: Menu | None = None


def _columns(problem: DesignProblem, prices: GroupPrices) -> GroupColumns:
    return GroupColumns(prices, Menu(prices.cost_gbp, -problem.objective.better * prices.achieved))


def grid_columns(problem: DesignProblem) -> list[GroupColumns]:
    """Return every pair of fees on the price step: exact, because there is nothing in between."""
    return [_columns(problem, problem.on_grid(g)) for g in range(len(problem.base.groups))]


def parked_columns(problem: DesignProblem) -> list[GroupColumns]:
    """Return one column for each threshold in the price range: exact for people parked.

    Between two thresholds nobody stops being parked and cost does not fall, so a threshold is always as good.
    """
    if problem.is_piecewise_linear and not problem.least_support_gbp.any():
        return [_from_ladder(problem, g, ladder) for g, ladder in enumerate(ladders(problem))]
    return [
        _columns(problem, problem.at_prices(g, _parking_prices(problem, g))) for g in range(len(problem.base.groups))
    ]


def _parking_prices(problem: DesignProblem, group: int) -> FloatArray:
    lower, upper = (bound[group] for bound in problem.price_bounds_gbp)
    price = problem.parking_price_gbp[problem.programme.caseload.group_index == group]
    return np.unique(np.append(price[(price > lower) & (price <= upper)], lower))


def _from_ladder(problem: DesignProblem, group: int, ladder: Ladder) -> GroupColumns:
    if not isinstance(problem.objective, Parked):  # the ladder counts heads and nothing else
        return _columns(problem, problem.at_prices(group, ladder.steps))
    price = ladder.steps
    outcome, sustainment = (share[group] for share in problem.base.price_mix())
    parked = ladder.parked(price)
    return _columns(problem, GroupPrices(price * outcome, price * sustainment, ladder.cost(price), parked))


def cell_columns(problem: DesignProblem, cells: int) -> list[GroupColumns]:
    """Return columns at thresholds and on a fine grid, with cells that bound everything between them.

    Cost moves one way with the price, so a cell costs at least what its left edge costs; what it achieves at most its
    objective knows (for most what its right edge achieves).
    """
    answer = []
    for g in range(len(problem.base.groups)):
        lower, upper = (bound[g] for bound in problem.price_bounds_gbp)
        edges = np.unique(np.concatenate([_parking_prices(problem, g), np.linspace(lower, upper, cells + 1)]))
        exact = _columns(problem, problem.at_prices(g, edges))
        relaxed = Menu(exact.menu.cost, np.append(problem.cell_losses(g, edges), exact.menu.loss[-1]))
        answer.append(GroupColumns(exact.prices, exact.menu, relaxed))
    return answer


def solve_columns(problem: DesignProblem, settings: DesignSettings) -> Found:
    """Return the best tariff: exactly on a price step, for people parked, and where price cells describe the problem.

    Elsewhere, or where the settings insist on columns, cells between columns bound what lies between them.
    """
    together = " together" if problem.joint_limits else ""
    if problem.step_gbp is not None:
        columns, method = (
            grid_columns(problem),
            f"knapsack over every price on the £{problem.step_gbp:g} step{together}",
        )
    elif isinstance(problem.objective, Parked) and problem.programme.supply_chain is None:
        columns, method = parked_columns(problem), "knapsack over the parking thresholds"
    elif settings.method == "auto" and has_cells(problem):
        return solve_cells(problem, settings)
    elif settings.method == "auto" and not problem.joint_limits and has_tangents(problem):
        return solve_refining(problem, settings)
    else:
        columns, method = cell_columns(problem, settings.cells), f"knapsack over {settings.cells:,} price cells a group"
    return _choose(problem, columns, method, settings)[0]


def solve_on_step(problem: DesignProblem, budgets_gbp: FloatArray, settings: DesignSettings) -> list[Found]:
    """Return the best tariff on the price step for each of many budgets, which the problem itself does not have.

    Columns are evaluated once for all of them.
    """
    columns, method = grid_columns(problem), f"knapsack over every price on the £{problem.step_gbp:g} step"
    problems = [problem.with_limits([*problem.limits, Budget(float(budget))]) for budget in budgets_gbp]
    return [_choose(asked, columns, method, settings)[0] for asked in problems]


def solve_by_zooming(problem: DesignProblem, settings: DesignSettings) -> Found:
    """Choose one column a group on the price step (£1 without one), looking closely only where the last choice lay.

    For columns that are dear to evaluate and no proof: a supply chain that ties groups together. The bound is that
    of the columns that were looked at.
    """
    fees = [problem.grid_fees(g) for g in range(len(problem.base.groups))]
    rows = [np.unique(np.linspace(0, len(pairs) - 1, _COARSE).round().astype(np.int64)) for pairs in fees]
    known = [problem.columns(g, *pairs[kept].T) for g, (pairs, kept) in enumerate(zip(fees, rows, strict=True))]
    method = f"knapsack over prices on the £{problem.step_gbp or 1.0:g} step, looking closely where it pays"
    while True:
        found, choice = _choose(problem, [_columns(problem, prices) for prices in known], method, settings)
        new = [_between(kept, int(k)) for kept, k in zip(rows, choice, strict=True)]
        if not any(extra.size for extra in new):
            return found
        for g, extra in enumerate(new):
            order = np.argsort(np.concatenate([rows[g], extra]))
            known[g] = known[g].joined(problem.columns(g, *fees[g][extra].T)).take(order)
            rows[g] = np.concatenate([rows[g], extra])[order]


def _between(rows: IntArray, k: int) -> IntArray:
    """Return rows not yet looked at between the neighbours of the chosen one, a few at a time."""
    low, high = rows[max(k - 1, 0)], rows[min(k + 1, rows.size - 1)]
    return np.setdiff1d(np.linspace(low, high, _FINE).round().astype(np.int64), rows)


def _choose(
    problem: DesignProblem, columns: Sequence[GroupColumns], method: str, settings: DesignSettings
) -> tuple[Found, IntArray]:
    """Return the best choice of one column a group, and which they are."""
    answer = _answer(problem, columns, settings)
    chosen = [part.prices.take(np.array([k])) for part, k in zip(columns, answer.choice, strict=True)]
    tariff = problem.base.replace(
        outcome_fee_gbp=np.concatenate([part.outcome_fee_gbp for part in chosen]),
        sustainment_fee_gbp=np.concatenate([part.sustainment_fee_gbp for part in chosen]),
    )
    bound = answer.bound if columns[0].cells is None else _cell_bound(columns, problem.budget_gbp, answer.multiplier)
    return Found(tariff, answer.loss, min(bound, answer.loss), answer.multiplier, method), answer.choice


def _answer(problem: DesignProblem, columns: Sequence[GroupColumns], settings: DesignSettings) -> KnapsackAnswer:
    """Return the best choice among columns, by the knapsack or under limits that tie groups together."""
    menus = [part.menu for part in columns]
    if not problem.joint_limits:
        return solve_knapsack(menus, problem.budget_gbp, settings.most_labels)
    choice = choose_together(problem, [part.prices for part in columns])
    if choice is None:
        raise SolverError("No choice of columns keeps the limits, although a tariff is known that does")
    cost = float(sum(menu.cost[k] for menu, k in zip(menus, choice.picked, strict=True)))
    rate = solve_knapsack(menus, problem.budget_gbp, _HASTY).multiplier
    return KnapsackAnswer(choice.picked, choice.loss, cost, min(choice.bound, choice.loss), rate)


def _cell_bound(columns: Sequence[GroupColumns], budget: float, multiplier: float) -> float:
    """Return a bound on every tariff, those between columns included."""
    cells: list[Menu] = [part.cells for part in columns if part.cells is not None]
    tried = multiplier * np.array([0.0, 0.9, 0.97, 0.99, 1.0, 1.01, 1.03, 1.1])
    return max(lagrangian(cells, budget, float(rate)) for rate in tried)
