"""Prices that are proved best where no closed form describes a group: straight cells from below and from above.

Each cell between two prices is replaced by straight lines: from below by tangents at its nearer end, from above by its
chord (see :mod:`pbr_opt.design.tangents`). Both are price cells of the simplest kind, so that branch and bound answers
both (:mod:`pbr_opt.design.branching`). The answer from below bounds every tariff; that from above keeps the budget, for
it pays no more than its chords say. The two differ by the square of the cells' widths: cells that a better design may
use, and whose lines still lie apart, are cut up, until the two meet or the rounds run out and the gap is told.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from pbr_opt.design.branching import Answers, solve_budgets
from pbr_opt.design.cells import CellColumns, Cells
from pbr_opt.design.problem import DesignProblem
from pbr_opt.design.result import Found, relative_gap
from pbr_opt.design.settings import DesignSettings
from pbr_opt.design.tangents import Curve, GroupCurves
from pbr_opt.evaluation import evaluate
from pbr_opt.quantities import FloatArray, IntArray

__all__ = ["solve_refining"]

_EVEN: Final = 33
"""Prices at first, evenly, ..."""
_RATIO: Final = 65
"""... and by equal ratios above the lowest bend, besides the bends."""
_PARTS: Final = 8
"""Parts that a cell is cut into."""
_ROUNDS: Final = 30
_MOST_CUT: Final = 200
"""Halves of a group that are cut up in one round, on average, besides those that were picked."""
_MOST_CELLS: Final = 200_000
_SHARE: Final = 0.1
"""Lines need not lie nearer to each other than this share of the gap asked for, all groups together."""
_WORST: Final = 0.02
"""Cells whose lines lie nearer than this share of the farthest are left for the next round."""
_FIRST_GAP: Final = 0.01
_CLOSER: Final = 0.03
"""Each round is answered to this share of the gap that the last one left: what lines cost is more than that."""
_NOISE: Final = 1e-14
"""Relative to losses that are added up: what lies nearer than this cannot be told apart."""


@dataclass(frozen=True, slots=True, eq=False)
class _Lines:
    """Straight cells of all groups, two halves for each cell and a point for the highest price, from both sides.

    Attributes
    ----------
    below, above : Cells
        Halves by rising price, group after group; the same ends in both.
    cell : array (halves,)
        Which cell of its group each is a part of; the number of cells for the point.
    """

    below: Cells
    above: Cells
    cell: IntArray

    @classmethod
    def of(cls, curves: Sequence[Curve], support_weight: float, fixed_gbp: FloatArray) -> _Lines:
        """Return the lines of curves; ``fixed_gbp`` is what is paid for each group whatever the price."""
        parts = [_halves(curve, support_weight, fixed) for curve, fixed in zip(curves, fixed_gbp, strict=True)]
        start = np.cumsum([0, *(cell.size for _, _, cell in parts)])
        below, above = (
            Cells(start, np.concatenate([part[side] for part in parts], axis=1), False, False, has_linear=True)
            for side in (0, 1)
        )
        return cls(below, above, np.concatenate([cell for _, _, cell in parts]))


def solve_refining(problem: DesignProblem, settings: DesignSettings) -> Found:
    """Return the best prices for a problem without a supply chain, step and joint limits, with proof.

    Examples
    --------
    >>> from pbr_opt.design.limits import Budget
    >>> from pbr_opt.design.objectives import AdditionalOutcomes
    >>> from pbr_opt.market.caseload import Caseload
    >>> from pbr_opt.market.programme import Programme
    >>> from pbr_opt.market.tariffs import Tariff
    >>> people = Caseload(["a", "b"], 100, [.12, .02], [.42, .10], 600, curvature=0.5)
    >>> programme = Programme("p", people, Tariff(["a", "b"], 0, 4000))
    >>> found = solve_refining(DesignProblem(programme, AdditionalOutcomes(), [Budget(3e5)]), DesignSettings())
    >>> abs(found.bound - found.claimed_loss) <= 1e-9 * abs(found.claimed_loss)
    True
    """
    groups = [GroupCurves.of(problem, g) for g in range(len(problem.base.groups))]
    curves = [group.at(edges) for group, edges in zip(groups, _first_edges(problem, groups), strict=True)]
    budget, best, gap = np.array([problem.budget_gbp]), None, _FIRST_GAP
    for number in range(1, _ROUNDS + 1):
        lines = _Lines.of(curves, groups[0].support_weight, problem.attachment_spend_gbp)
        below, above = (
            solve_budgets(side, budget, max(_SHARE * settings.relative_gap, _CLOSER * gap), settings.most_labels)
            for side in (lines.below, lines.above)
        )
        best = _better(problem, best, below, above)
        if best.claimed_loss - best.bound <= _noise(lines):
            best = replace(best, bound=best.claimed_loss)
        best = replace(best, method=f"branch and bound over straight cells from both sides ({number} rounds)")
        wanted = settings.relative_gap * abs(best.claimed_loss)
        gap = relative_gap(best.claimed_loss, best.bound)
        if best.claimed_loss - best.bound <= 0.5 * wanted:
            break
        chosen = _to_cut(lines, best, problem.budget_gbp, max(_SHARE * wanted, _noise(lines)) / len(groups))
        chosen = np.union1d(chosen, _picked(lines, [below.price_gbp[0], above.price_gbp[0]]))
        finer = [_cut(curve.price_gbp, cells) for curve, cells in zip(curves, _by_group(lines, chosen), strict=True)]
        if not any(extra.size for extra in finer) or lines.cell.size > _MOST_CELLS:
            break
        curves = [curve.joined(group.at(extra)) for curve, group, extra in zip(curves, groups, finer, strict=True)]
    if best is None:
        raise AssertionError("at least one round is played")
    return best


def _first_edges(problem: DesignProblem, groups: Sequence[GroupCurves]) -> list[FloatArray]:
    answer = []
    for group, lower, upper in zip(groups, *problem.price_bounds_gbp, strict=True):
        bends = group.bends(float(lower), float(upper))
        first = bends[0] if bends.size else upper
        ratio = np.geomspace(first, upper, _RATIO) if 0.0 < first < upper else np.zeros(0)
        edges = np.unique(np.concatenate([bends, np.linspace(lower, upper, _EVEN), ratio]))
        answer.append(edges[(edges >= lower) & (edges <= upper)])
    return answer


def _halves(curve: Curve, support_weight: float, fixed_gbp: float) -> tuple[FloatArray, FloatArray, IntArray]:
    """Return the tables of one group's halves from below and from above, and which cell each is of."""
    left, right = curve.price_gbp[:-1], curve.price_gbp[1:]
    middle = _middle(curve)
    cells = np.arange(left.size)
    near = np.stack([cells, cells + 1], axis=1).ravel()
    begin, end = np.stack([left, middle], axis=1).ravel(), np.stack([middle, right], axis=1).ravel()
    cell = np.repeat(cells, 2)

    def tangent(value: FloatArray, slope: FloatArray) -> FloatArray:
        """Return value at the left end and slope of each half of the tangent at its nearer end of the cell."""
        steep = np.stack([slope[1, :-1], slope[0, 1:]], axis=1).ravel()
        return np.array([value[near] + steep * (begin - curve.price_gbp[near]), steep])

    def chord(value: FloatArray) -> FloatArray:
        steep = (np.diff(value) / (right - left))[cell]
        return np.array([value[cell] + steep * (begin - left[cell]), steep])

    parked = np.array([curve.parked[cell], np.zeros(cell.size)])
    cost, loss = (tangent(curve.cost, curve.cost_slope), tangent(curve.loss, curve.loss_slope))
    cost[0] = np.maximum(cost[0], curve.cost[cell])  # it does not fall along the cell, whatever rounding says
    low = np.concatenate([cost, loss + support_weight * chord(curve.support) + parked])
    support = tangent(curve.support, curve.support_slope)
    high = np.concatenate([chord(curve.cost), chord(curve.loss) + support_weight * support + parked])
    last = curve.loss[-1] + support_weight * curve.support[-1] + curve.parked[-1]
    point = np.array([[curve.cost[-1]], [0.0], [last], [0.0]])
    ends = np.array([np.append(begin, curve.price_gbp[-1]), np.append(end, curve.price_gbp[-1])])
    tables = []
    for side in (low, high):
        table = np.zeros((len(CellColumns._fields), ends.shape[1]))
        table[:2], table[2:6] = ends, np.concatenate([side, point], axis=1)
        table[2] += fixed_gbp
        tables.append(table)
    return tables[0], tables[1], np.append(cell, left.size)


def _middle(curve: Curve) -> FloatArray:
    """Return where the two tangents of the cost of each cell meet; halfway where they are one."""
    left, right = curve.price_gbp[:-1], curve.price_gbp[1:]
    first, last = curve.cost_slope[1, :-1], curve.cost_slope[0, 1:]
    bent = last - first > 1e-9 * last
    beyond = np.diff(curve.cost) - last * (right - left)
    meet = left + np.divide(beyond, first - last, out=0.5 * (right - left), where=bent)
    return np.clip(meet, left, right)


def _better(problem: DesignProblem, best: Found | None, below: Answers, above: Answers) -> Found:
    """Return the better of the best known and the answer from above, with the better of both bounds."""
    tariff = problem.base.at_price(above.price_gbp[0])
    loss = -problem.objective.better * problem.objective.total(evaluate(problem.programme, tariff))
    bound, rate = float(below.bound[0]), float(below.multiplier[0])
    if best is None:
        return Found(tariff, loss, min(bound, loss), rate, "")
    best = replace(best, bound=max(bound, best.bound), multiplier=rate)
    best = best if best.claimed_loss <= loss else replace(best, tariff=tariff, claimed_loss=loss)
    return replace(best, bound=min(best.bound, best.claimed_loss))


def _noise(lines: _Lines) -> float:
    ends = np.concatenate([lines.below.start[:-1], lines.below.start[1:] - 1])
    return _NOISE * float(np.abs(lines.below.columns.loss[ends]).sum())


def _to_cut(lines: _Lines, best: Found, budget_gbp: float, enough: float) -> IntArray:
    """Return halves that a better design may use and whose lines lie far apart, the farthest of them."""
    rate, below = best.multiplier, lines.below
    with np.errstate(divide="ignore", invalid="ignore"):
        loss, cost = below.at(below.best_price(np.full(lines.cell.size, rate)))
    worth = loss + rate * cost
    least = np.minimum.reduceat(worth, below.start[:-1])
    dual = float(least.sum()) - (rate * budget_gbp if rate > 0.0 else 0.0)
    reduced = worth - np.repeat(least, np.diff(below.start))
    far = _apart(lines, rate)
    hopeful = (reduced <= best.claimed_loss - dual) & (far > enough)
    if not hopeful.any():
        return np.zeros(0, dtype=np.int64)
    worst = np.flatnonzero(hopeful & (far >= _WORST * far[hopeful].max()))
    return np.sort(worst[np.argsort(reduced[worst], kind="stable")][: _MOST_CUT * (below.start.size - 1)])


def _apart(lines: _Lines, rate: float) -> FloatArray:
    """Return how far apart the lines of each half are, in loss, at the end where they are farthest."""
    left, right = lines.below.columns[:2]
    gaps = []
    for price in (left, right):
        (loss, cost), (most_loss, most_cost) = lines.below.at(price), lines.above.at(price)
        gaps.append(most_loss - loss + rate * (most_cost - cost))
    return np.maximum(*gaps)


def _picked(lines: _Lines, prices: Sequence[FloatArray]) -> IntArray:
    """Return the halves in which prices by group lie."""
    start, left = lines.below.start, lines.below.columns.left
    answer = []
    for price in prices:
        for g, (first, last) in enumerate(itertools.pairwise(start)):
            answer.append(first + max(int(np.searchsorted(left[first:last], price[g], side="right")) - 1, 0))
    return np.array(answer, dtype=np.int64)


def _by_group(lines: _Lines, halves: IntArray) -> list[IntArray]:
    """Return the cells of each group that halves are of."""
    at = np.searchsorted(halves, lines.below.start)
    return [np.unique(lines.cell[halves[i:j]]) for i, j in itertools.pairwise(at)]


def _cut(edges: FloatArray, cells: IntArray) -> FloatArray:
    """Return new prices that cut some of the cells between edges into parts, rising."""
    cells = cells[cells + 1 < edges.size]
    inner = np.linspace(edges[cells], edges[cells + 1], _PARTS + 1, axis=1)[:, 1:-1].ravel()
    return np.setdiff1d(inner, edges)
