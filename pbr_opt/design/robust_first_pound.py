"""First-pound loss over many worlds in continuous prices: a scenario programme, linear, solved by HiGHS and guarded.

    minimise  CVaR_a(sum n_i L_i)  subject to  CVaR_b(attachment fees + sum n_i E_i) <= budget
    L_i >= 1 - pi_g / tau_i, L_i >= 0;  E_i >= p(e_min)_i w_i pi_g, E_i >= p1_i w_i pi_g - kappa_i

for the segments i of all worlds, one list price pi a group for all of them. Prices are pulled back into the budget by
the exact equilibrium. The bound is the Lagrangian of worlds merged by weights: convex and piecewise linear in each
price, so that it is exact at the thresholds, whatever the solver said of weights and multiplier.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from pbr_opt.design.problem import DesignProblem
from pbr_opt.design.robust_columns import tail_mean, within_domain
from pbr_opt.errors import SolverError
from pbr_opt.quantities import FloatArray, IntArray

__all__ = ["ScenarioPrices", "Scenarios", "solve_scenarios"]

_UNIT_GBP: Final = 1_000.0
_HALVINGS: Final = 60

Block = tuple[Any, Any, Any]
"""Rows, columns and entries of a part of a sparse matrix."""


@dataclass(frozen=True, slots=True, eq=False)
class Scenarios:
    """Worlds with first-pound loss as objective, groups in one order, and against what to be safe.

    Attributes
    ----------
    worlds : sequence of DesignProblem
        Piecewise linear (b = 0, no mission).
    weight : array (worlds,)
        Adds up to 1.
    budget : float
        GBP, finite.
    spend_tail, loss_tail : float
        Shares, 0 to 1.
    """

    worlds: Sequence[DesignProblem]
    weight: FloatArray
    budget: float
    spend_tail: float
    loss_tail: float

    def totals(self, price: FloatArray) -> FloatArray:
        """Return loss and cost at one price a group, shape (2, worlds)."""
        there = [[problem.at_prices(g, price[g : g + 1]) for g in range(price.size)] for problem in self.worlds]
        return np.array(
            [
                [sum(float(column.achieved[0]) for column in row) for row in there],
                [sum(float(column.cost_gbp[0]) for column in row) for row in there],
            ]
        )

    def spend(self, price: FloatArray) -> float:
        """Return the tail mean of spend."""
        return tail_mean(self.totals(price)[1], self.weight, self.spend_tail)


@dataclass(frozen=True, slots=True, eq=False)
class ScenarioPrices:
    """One list price a group, the tail mean of its loss, and a bound on that of all others."""

    price_gbp: FloatArray
    loss: float
    bound: float


def solve_scenarios(problem: Scenarios) -> ScenarioPrices:
    """Return the prices of least tail loss whose tail spend is within the budget, and a bound.

    Raises
    ------
    SolverError
        When HiGHS ends without prices.
    """
    found = _call(problem)
    lower, upper = problem.worlds[0].price_bounds_gbp
    groups, worlds = lower.size, problem.weight.size
    price = _pulled_back(problem, np.clip(np.asarray(found.x)[:groups] * _UNIT_GBP, lower, upper))
    loss = tail_mean(problem.totals(price)[0], problem.weight, problem.loss_tail)
    duals = np.nan_to_num(-np.asarray(found.ineqlin.marginals)[: 2 * worlds], nan=0.0, posinf=0.0, neginf=0.0)
    alpha = within_domain(duals[:worlds], problem.weight, problem.loss_tail)
    beta = within_domain(duals[worlds:], problem.weight, problem.spend_tail)
    heads = problem.worlds[0].programme.caseload.total_participants
    rate = max(float(duals[worlds:].sum()), 0.0) * heads / (problem.budget or 1.0)
    return ScenarioPrices(price, loss, min(_bound(problem, alpha, beta, rate), loss))


def _pulled_back(problem: Scenarios, price: FloatArray) -> FloatArray:
    """Return the nearest point towards the lowest prices whose exact tail spend is within the budget."""
    lower, _ = problem.worlds[0].price_bounds_gbp
    if problem.spend(price) <= problem.budget:
        return price
    inside, outside = 0.0, 1.0
    for _ in range(_HALVINGS):
        share = 0.5 * (inside + outside)
        kept = problem.spend(lower + share * (price - lower)) <= problem.budget
        inside, outside = (share, outside) if kept else (inside, share)
    return lower + inside * (price - lower)


def _bound(problem: Scenarios, alpha: FloatArray, beta: FloatArray, rate: float) -> float:
    """Return the Lagrangian of merged worlds: each group at the best of its thresholds and the ends of its range."""
    lower, upper = problem.worlds[0].price_bounds_gbp
    total = -rate * problem.budget
    for g in range(lower.size):
        bends = [here.helping_price_gbp[here.programme.caseload.group_index == g] for here in problem.worlds]
        prices = np.unique(np.clip(np.concatenate([lower[g : g + 1], upper[g : g + 1], *bends]), lower[g], upper[g]))
        there = [here.at_prices(g, prices) for here in problem.worlds]
        loss = alpha @ np.array([column.achieved for column in there])
        cost = beta @ np.array([column.cost_gbp for column in there])
        total += float((loss + rate * cost).min())
    return total


@dataclass(frozen=True, slots=True, eq=False)
class _Segments:
    """The segments of all worlds, one after the other. Variables are prices, L, E, then eta and z of loss and spend."""

    world: IntArray
    group: IntArray
    people: FloatArray
    low: FloatArray
    high: FloatArray
    scale: FloatArray
    pull: FloatArray

    @classmethod
    def of(cls, worlds: Sequence[DesignProblem]) -> _Segments:
        """Gather; ``low`` and ``high`` are slopes of the payment, ``pull`` is one over the threshold."""
        people = [here.programme.caseload for here in worlds]
        weight = np.concatenate([here.price_weight for here in worlds])
        threshold = np.concatenate([here.helping_price_gbp for here in worlds])

        def column(name: str) -> Any:  # noqa: ANN401  # an array of numbers or of places
            return np.concatenate([getattr(each, name) for each in people])

        return cls(
            np.repeat(np.arange(len(worlds)), [len(each) for each in people]),
            column("group_index"),
            column("participants"),
            np.concatenate([here.idle_rate for here in worlds]) * weight,
            column("ceiling_rate") * weight,
            column("response_scale_gbp") / _UNIT_GBP,
            np.divide(_UNIT_GBP, threshold, out=np.zeros(weight.size), where=threshold > 0),
        )


def _call(problem: Scenarios) -> Any:  # noqa: ANN401  # the solver's result has no type of its own
    """Build the scaled programme and let HiGHS solve it; every variable has finite bounds."""
    from scipy import sparse
    from scipy.optimize import linprog

    segments = _Segments.of(problem.worlds)
    caps = [problem.weight / t if t > 0 else np.zeros(problem.weight.size) for t in _tails(problem)]
    blocks = [*_summing(problem, segments, caps[1]), *_lines(problem, segments)]
    row, column, entry = (np.concatenate([np.ravel(block[k]) for block in blocks]) for k in range(3))
    bounds: Any = _bounds(problem, segments)
    objective = np.zeros(len(bounds))
    start = bounds.shape[0] - 2 * (1 + problem.weight.size)
    objective[start], objective[start + 1 : start + 1 + problem.weight.size] = 1.0, caps[0]
    right = _right(problem, segments)
    matrix: Any = sparse.csr_array((entry, (row, column)), shape=(right.size, objective.size))
    found = linprog(objective, A_ub=matrix, b_ub=right, bounds=bounds, method="highs")
    if found.status != 0 or found.x is None or not np.isfinite(found.x).all():
        raise SolverError(f"HiGHS ended the scenario programme without prices: {found.message}")
    return found


def _tails(problem: Scenarios) -> tuple[float, float]:
    return problem.loss_tail, problem.spend_tail


def _entries(row: Any, column: Any, entry: Any) -> Block:  # noqa: ANN401  # scalars and arrays alike
    rows, columns, entries = np.broadcast_arrays(row, column, entry)
    return rows, columns, entries


def _summing(problem: Scenarios, segments: _Segments, caps: FloatArray) -> list[Block]:
    """Return rows that hold each world's loss and spend below eta + z, and the one that keeps the budget."""
    size, worlds, groups = segments.people.size, problem.weight.size, problem.worlds[0].price_bounds_gbp[0].size
    heads, pound = problem.worlds[0].programme.caseload.total_participants, problem.budget or 1.0
    every, tails, blocks = np.arange(size), np.arange(worlds), []
    for k, scale in enumerate((1.0 / heads, _UNIT_GBP / pound)):
        eta = groups + 2 * size + k * (1 + worlds)
        blocks += [
            _entries(k * worlds + segments.world, groups + k * size + every, segments.people * scale),
            _entries(k * worlds + tails, eta, -1.0),
            _entries(k * worlds + tails, eta + 1 + tails, -1.0),
        ]
    last = groups + 2 * size + 1 + worlds
    return [*blocks, _entries(2 * worlds, last, 1.0), _entries(2 * worlds, last + 1 + tails, caps)]


def _lines(problem: Scenarios, segments: _Segments) -> list[Block]:
    """Return rows that hold L and E above their lines in the price."""
    size, groups = segments.people.size, problem.worlds[0].price_bounds_gbp[0].size
    first, every = 2 * problem.weight.size + 1, np.arange(size)
    blocks = []
    for k, (slope, held) in enumerate(((-segments.pull, 0), (segments.low, 1), (segments.high, 1))):
        row = first + k * size + every
        blocks += [_entries(row, groups + held * size + every, -1.0), _entries(row, segments.group, slope)]
    return blocks


def _right(problem: Scenarios, segments: _Segments) -> FloatArray:
    """Return right-hand sides, row by row; a threshold of nothing leaves no loss."""
    pound, size = problem.budget or 1.0, segments.people.size
    fixed = np.array([float(here.attachment_spend_gbp.sum()) for here in problem.worlds]) / pound
    threshold = np.concatenate([here.helping_price_gbp for here in problem.worlds])
    kept = [1.0 if problem.budget else 0.0]
    sums = [np.zeros(fixed.size), -fixed, kept]
    return np.concatenate([*sums, -(threshold > 0).astype(np.float64), np.zeros(size), segments.scale])


def _bounds(problem: Scenarios, segments: _Segments) -> FloatArray:
    """Return finite bounds of every variable, shape (variables, 2)."""
    lower, upper = problem.worlds[0].price_bounds_gbp
    pound, size, worlds = problem.budget or 1.0, segments.people.size, problem.weight.size
    most = segments.high * upper[segments.group] / _UNIT_GBP
    fixed = max(float(here.attachment_spend_gbp.sum()) for here in problem.worlds) / pound
    dearest = float(np.bincount(segments.world, segments.people * _UNIT_GBP / pound * most).max()) + fixed
    heads = problem.worlds[0].programme.caseload.total_participants
    worst = float(np.bincount(segments.world, segments.people).max()) / heads
    floors, limits = [lower / _UNIT_GBP, np.zeros(2 * size)], [upper / _UNIT_GBP, np.ones(size), most]
    for tail, top in zip(_tails(problem), (worst, dearest), strict=True):
        floors += [np.array([-top]), np.zeros(worlds)]
        limits += [np.array([top]), np.full(worlds, 2.0 * top if tail > 0 else 0.0)]
    return np.column_stack([np.concatenate(floors), np.concatenate(limits)])
