"""Which tariffs of one group are worth considering: exact columns, or cells that bound what lies between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pbr_opt.design.ladder import Ladder, ladders
from pbr_opt.design.objectives import NetSocialValue, Parked
from pbr_opt.design.problem import DesignProblem, GroupPrices
from pbr_opt.design.result import Found
from pbr_opt.design.search import Menu, lagrangian, solve_knapsack
from pbr_opt.design.settings import DesignSettings
from pbr_opt.errors import UnsupportedModelError
from pbr_opt.quantities import FloatArray

__all__ = ["GroupColumns", "cell_columns", "grid_columns", "parked_columns", "solve_columns"]


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
    if problem.is_piecewise_linear:
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

    Cost and the objective's term move one way with the price, so a cell costs at least what its left edge costs and
    achieves at most what its right edge achieves.
    """
    answer = []
    for g in range(len(problem.base.groups)):
        lower, upper = (bound[g] for bound in problem.price_bounds_gbp)
        edges = np.unique(np.concatenate([_parking_prices(problem, g), np.linspace(lower, upper, cells + 1)]))
        exact = _columns(problem, problem.at_prices(g, edges))
        cost, loss = exact.menu.cost, exact.menu.loss
        relaxed = Menu(cost, np.append(np.minimum(loss[:-1], loss[1:]), loss[-1]))
        answer.append(GroupColumns(exact.prices, exact.menu, relaxed))
    return answer


def solve_columns(problem: DesignProblem, settings: DesignSettings) -> Found:
    """Choose one column a group: exactly on a price step and for people parked, with cell bounds otherwise."""
    if problem.step_gbp is not None:
        columns, method = grid_columns(problem), f"knapsack over every price on the £{problem.step_gbp:g} step"
    elif isinstance(problem.objective, Parked) and problem.programme.supply_chain is None:
        columns, method = parked_columns(problem), "knapsack over the parking thresholds"
    else:
        if isinstance(problem.objective, NetSocialValue):
            raise UnsupportedModelError(
                "NetSocialValue is bounded on a price step only; try limits=[..., PriceStep(5)]"
            )
        columns, method = cell_columns(problem, settings.cells), f"knapsack over {settings.cells:,} price cells a group"
    answer = solve_knapsack([part.menu for part in columns], problem.budget_gbp, settings.most_labels)
    chosen = [part.prices.take(np.array([k])) for part, k in zip(columns, answer.choice, strict=True)]
    tariff = problem.base.replace(
        outcome_fee_gbp=np.concatenate([part.outcome_fee_gbp for part in chosen]),
        sustainment_fee_gbp=np.concatenate([part.sustainment_fee_gbp for part in chosen]),
    )
    bound = answer.bound if columns[0].cells is None else _cell_bound(columns, problem.budget_gbp, answer.multiplier)
    return Found(tariff, answer.loss, min(bound, answer.loss), answer.multiplier, method)


def _cell_bound(columns: Sequence[GroupColumns], budget: float, multiplier: float) -> float:
    """Return a bound on every tariff, those between columns included."""
    cells: list[Menu] = [part.cells for part in columns if part.cells is not None]
    tried = multiplier * np.array([0.0, 0.9, 0.97, 0.99, 1.0, 1.01, 1.03, 1.1])
    return max(lagrangian(cells, budget, float(rate)) for rate in tried)
