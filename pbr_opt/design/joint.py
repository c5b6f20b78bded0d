"""Design when limits tie groups together: few prices, an order of prices, nobody at a loss.

On a price step, and for people parked, the prices worth considering are finite and the answer is proved. Otherwise the
axis of prices is cut into cells, each bounded by what its left end costs and its right end achieves; cells that the
relaxation picks are cut up until design and bound meet, or the rounds run out and the gap is told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from pbr_opt.design.axis import Rack, choose_on_axis, hopeful
from pbr_opt.design.group_prices import GroupPrices
from pbr_opt.design.joint_choice import Choice, Coupling, Options, choose_jointly
from pbr_opt.design.joint_limits import MaxDistinctPrices, Participation, PriceOrder
from pbr_opt.design.menus import Menu
from pbr_opt.design.objectives import Parked
from pbr_opt.design.problem import DesignProblem
from pbr_opt.design.result import Found, relative_gap
from pbr_opt.design.search import solve_knapsack
from pbr_opt.design.settings import DesignSettings
from pbr_opt.errors import SolverError
from pbr_opt.market.tariffs import Tariff
from pbr_opt.quantities import FloatArray, IntArray

__all__ = ["choose_together", "least_spend_together", "solve_together"]

_CELLS: Final = 64
"""Cells of the axis at first, besides those between exact prices."""
_PARTS: Final = 8
"""Parts that a picked cell is cut into."""
_ROUNDS: Final = 40
_FEW: Final = 97
"""Prices of a group that are looked at where a supply chain makes each dear."""
_EXACT_PRICES: Final = 200
"""Parking prices of a group that are edges of cells from the start; more would slow the first rounds for little."""


def solve_together(problem: DesignProblem, settings: DesignSettings) -> Found:
    """Return the best tariff under limits that tie groups together, in continuous prices, without a supply chain."""
    loses = any(isinstance(limit, Participation) for limit in problem.joint_limits)
    if isinstance(problem.objective, Parked) and not loses:
        prices = _priced(problem, _parking_axis(problem))
        return _found(problem, choose_together(problem, prices), prices, "choice among the parking thresholds together")
    return _by_cells(problem, settings)


def least_spend_together(problem: DesignProblem) -> tuple[Tariff, float] | None:
    """Return the cheapest tariff that keeps all limits but the budget, and a bound on its cost; None without one."""
    if problem.programme.supply_chain is not None:
        prices = [_some(problem, g) for g in range(len(problem.base.groups))]
    elif problem.step_gbp is not None:
        prices = [problem.on_grid(g) for g in range(len(problem.base.groups))]
    else:
        lower, upper = problem.price_bounds_gbp
        loses = any(isinstance(limit, Participation) for limit in problem.joint_limits)
        axis = np.unique(np.concatenate([lower, np.linspace(lower.min(), upper.max(), 2_001) if loses else lower]))
        prices = _priced(problem, axis)
    if not all(part.cost_gbp.size for part in prices):
        return None
    as_loss = [replace(part, achieved=-problem.objective.better * part.cost_gbp) for part in prices]
    choice = choose_together(problem, as_loss, spend=False)
    return None if choice is None else (_tariff(problem, choice.picked, prices), choice.bound)


def _some(problem: DesignProblem, group: int) -> GroupPrices:
    """Return columns that are dear to evaluate: a few of all."""
    fees = problem.grid_fees(group)
    rows = np.unique(np.linspace(0, max(len(fees) - 1, 0), _FEW).round().astype(np.int64))[: len(fees)]
    return problem.columns(group, *fees[rows].T)


def choose_together(problem: DesignProblem, prices: Sequence[GroupPrices], *, spend: bool = True) -> Choice | None:
    """Return the best column for each group under all limits that tie them together, with or without the budget."""
    racks = [_rack(problem, g, part) for g, part in enumerate(prices)]
    rows = [np.argsort(rack.price_gbp, kind="stable") for rack in racks]
    sorted_racks = [Rack(rack.price_gbp[k], rack.loss[k], rack.use[:, k]) for rack, k in zip(racks, rows, strict=True)]
    choice = choose_on_axis(sorted_racks, _coupling(problem, spend=spend))
    if choice is None:
        return None
    return Choice(np.array([row[k] for row, k in zip(rows, choice.picked, strict=True)]), choice.loss, choice.bound)


def _coupling(problem: DesignProblem, *, spend: bool = True) -> Coupling:
    caps, order, most = [problem.budget_gbp if spend else np.inf], np.zeros(0, dtype=np.int64), None
    for limit in problem.joint_limits:
        match limit:
            case MaxDistinctPrices(k=k):
                most = k
            case PriceOrder():
                order = limit.order(problem.programme)
            case Participation() if problem.programme.supply_chain is None:
                caps.append(0.0)
    return Coupling(np.array(caps), order, most)


def _rack(problem: DesignProblem, group: int, prices: GroupPrices) -> Rack:
    """Return columns with what they take of every cap: money, and what the prime loses on the group."""
    price = prices.outcome_fee_gbp + prices.sustainment_fee_gbp * problem.base.sustainment_max[group]
    use = [prices.cost_gbp]
    if len(_coupling(problem).caps) > 1:
        support = problem.states(group, prices.outcome_fee_gbp, prices.sustainment_fee_gbp).support_gbp
        use.append(support + _base_service(problem, group) - prices.cost_gbp)
    return Rack(price, -problem.objective.better * prices.achieved, np.array(use))


def _base_service(problem: DesignProblem, group: int) -> float:
    return float(problem.programme.base_service_gbp[group] * problem.programme.caseload.group_participants[group])


def _parking_axis(problem: DesignProblem) -> FloatArray:
    """Return every price that is worth considering when people parked are counted: lowering any other loses nobody."""
    lower, upper = problem.price_bounds_gbp
    price = problem.parking_price_gbp
    return np.unique(np.concatenate([lower, price[price <= upper.max()]]))


def _priced(problem: DesignProblem, axis: FloatArray) -> list[GroupPrices]:
    """Return columns of every group at the prices of the axis within its range."""
    lower, upper = problem.price_bounds_gbp
    return [
        problem.at_prices(g, axis[(axis >= lower[g]) & (axis <= upper[g])]) for g in range(len(problem.base.groups))
    ]


def _tariff(problem: DesignProblem, picked: IntArray, prices: Sequence[GroupPrices]) -> Tariff:
    chosen = [part.take(np.array([k])) for part, k in zip(prices, picked, strict=True)]
    return problem.base.replace(
        outcome_fee_gbp=np.concatenate([part.outcome_fee_gbp for part in chosen]),
        sustainment_fee_gbp=np.concatenate([part.sustainment_fee_gbp for part in chosen]),
    )


def _found(problem: DesignProblem, choice: Choice | None, prices: Sequence[GroupPrices], method: str) -> Found:
    if choice is None:
        raise SolverError(f"{method}: nothing keeps the limits, although a tariff is known that does")
    bound = min(choice.bound, choice.loss)
    return Found(_tariff(problem, choice.picked, prices), choice.loss, bound, _rate(problem, prices), method)


def _rate(problem: DesignProblem, prices: Sequence[GroupPrices]) -> float:
    """Return what one more pound of budget saves in the relaxation without limits that tie groups together."""
    menus = [Menu(part.cost_gbp, -problem.objective.better * part.achieved) for part in prices]
    return solve_knapsack(menus, problem.budget_gbp, 100).multiplier


def _by_cells(problem: DesignProblem, settings: DesignSettings) -> Found:
    """Cut up the cells that the relaxation picks until design and bound meet."""
    coupling, lower = _coupling(problem), problem.price_bounds_gbp[0]
    edges, best, bound = _first_edges(problem), None, -np.inf
    for _ in range(_ROUNDS):
        prices = _priced(problem, edges)
        racks = [_rack(problem, g, part) for g, part in enumerate(prices)]
        cells = [_cells(problem, g, rack, edges) for g, rack in enumerate(racks)]
        rows = hopeful(cells, coupling, None if best is None else best.claimed_loss)
        choice = choose_jointly([part.take(row) for part, row in zip(cells, rows, strict=True)], coupling)
        if choice is None:
            break
        bound = max(bound, choice.bound)
        left = [int(cells[g].place[rows[g][k]]) for g, k in enumerate(choice.picked)]
        found = _at_edges(problem, racks, np.unique(left), edges)
        if found is not None and (best is None or found.loss < best.claimed_loss):
            chosen = Choice(found.picked, found.loss, bound)
            best = _found(problem, chosen, prices, "cells on one axis of prices, cut up where the relaxation lies")
        if best is not None and relative_gap(best.claimed_loss, min(bound, best.claimed_loss)) <= settings.relative_gap:
            break
        width = [np.linspace(edges[k], edges[k + 1], _PARTS + 1) for k in left if k + 1 < edges.size]
        edges = np.unique(np.concatenate([edges, *width, lower]))
    if best is None:
        raise SolverError("No prices on the cells' edges keep the limits, although a tariff is known that does")
    return replace(best, bound=min(bound, best.claimed_loss))


def _first_edges(problem: DesignProblem) -> FloatArray:
    lower, upper = problem.price_bounds_gbp
    exact = _parking_axis(problem)
    exact = exact[:: max(1, exact.size // _EXACT_PRICES)]
    known = least_spend_together(problem)
    cheapest = known[0].price_gbp if known is not None else lower
    return np.unique(np.concatenate([lower, upper, cheapest, exact, np.linspace(lower.min(), upper.max(), _CELLS + 1)]))


def _cells(problem: DesignProblem, group: int, rack: Rack, edges: FloatArray) -> Options:
    """Return a group's cells, each at its best, and its highest price."""
    place = np.searchsorted(edges, rack.price_gbp * (1.0 - 1e-12))
    loss = np.append(problem.cell_losses(group, rack.price_gbp), rack.loss[-1])
    use = rack.use.copy()
    if len(use) > 1:  # support + base service - cost: least of the one, most of the other
        use[1, :-1] += use[0, :-1] - use[0, 1:]
    return Options(place, loss, use)


def _at_edges(problem: DesignProblem, racks: Sequence[Rack], left: IntArray, edges: FloatArray) -> Choice | None:
    """Return the best choice of prices at the ends of picked cells and their neighbours."""
    near = np.unique(np.clip(np.concatenate([left - 1, left, left + 1, left + 2]), 0, edges.size - 1))
    rows = [np.flatnonzero(np.isin(rack.price_gbp, edges[near])) for rack in racks]
    if not all(row.size for row in rows):
        return None
    options = [
        Options(np.searchsorted(edges, rack.price_gbp[row] * (1.0 - 1e-12)), rack.loss[row], rack.use[:, row])
        for rack, row in zip(racks, rows, strict=True)
    ]
    found = choose_jointly(options, _coupling(problem))
    if found is None:
        return None
    return Choice(np.array([row[k] for row, k in zip(rows, found.picked, strict=True)]), found.loss, found.bound)
