"""One price a group for many worlds: spend and loss as means, tails or worst cases, over columns of a price list.

The tail mean at share a of values v_w with weights pi_w is the mean of the worst worlds that weigh a together,

    CVaR_a(v) = min over eta of eta + sum_w pi_w max(v_w - eta, 0) / a = max of sum_w q_w v_w
                over q >= 0 that add up to 1, q_w <= pi_w / a;

a = 1 is the mean and a = 0 the worst case (Rockafellar and Uryasev 2000). HiGHS chooses prices; it is believed in
nothing. The bound is ours: weights q of worlds for loss and for spend (from the linear relaxation, moved into their
domain) make the problem a multiple-choice knapsack that no robust choice can beat, and that is solved exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np

from pbr_opt.design.search import Menu, solve_knapsack
from pbr_opt.design.solver_output import printing_to_stderr
from pbr_opt.errors import SolverError
from pbr_opt.quantities import FloatArray, IntArray

__all__ = ["RobustAnswer", "WorldColumns", "choose_columns", "tail_mean", "within_domain"]

_TRIES: Final = 6
"""HiGHS keeps a budget to 1e-6: as often it is asked again for a little less, before it is given up."""


@dataclass(frozen=True, slots=True, eq=False)
class WorldColumns:
    """What there is to choose from.

    Attributes
    ----------
    cost, loss : array (worlds, groups, prices)
        GBP; units of the objective, less is better.
    weight : array (worlds,)
        Adds up to 1.
    budget : float
        GBP, finite.
    spend_tail, loss_tail : float
        Shares a for spend and loss, 0 to 1.
    """

    cost: FloatArray
    loss: FloatArray
    weight: FloatArray
    budget: float
    spend_tail: float
    loss_tail: float

    def at(self, choice: IntArray) -> tuple[float, float]:
        """Return tail means of loss and spend of one price a group."""
        groups = np.arange(choice.size)
        lost, paid = (part[:, groups, choice].sum(axis=1) for part in (self.loss, self.cost))
        return tail_mean(lost, self.weight, self.loss_tail), tail_mean(paid, self.weight, self.spend_tail)


@dataclass(frozen=True, slots=True, eq=False)
class RobustAnswer:
    """Which price each group gets, the tail mean of its loss, and a bound on that of all others."""

    choice: IntArray
    loss: float
    bound: float


def tail_mean(value: FloatArray, weight: FloatArray, tail: float) -> float:
    """Return the mean of the largest values that weigh ``tail`` together; the largest at 0, the mean at 1.

    >>> [tail_mean(np.array([1.0, 2.0, 6.0]), np.full(3, 1 / 3), a) for a in (0.0, 0.5, 1.0)]
    [6.0, 4.666666666666667, 3.0]
    """
    if tail <= 0.0:
        return float(value[weight > 0.0].max())
    order = np.argsort(-value, kind="stable")
    taken = np.diff(np.minimum(np.cumsum(weight[order]), tail), prepend=0.0)
    return float(taken @ value[order] / taken.sum())


def choose_columns(problem: WorldColumns, most_labels: int = 200_000) -> RobustAnswer:
    """Return the prices of least tail loss whose tail spend is within the budget, and a bound.

    Raises
    ------
    SolverError
        When HiGHS ends without prices, or with prices that break the budget however it is asked.
    """
    alpha, beta = _world_weights(problem)
    bound = _surrogate(problem, alpha, beta, most_labels)
    best: RobustAnswer | None = None
    for proposed in (bound[1], *_proposed(problem)):
        choice = _thrifty(problem, proposed)
        loss, spend = problem.at(choice)
        if spend <= problem.budget and (best is None or loss < best.loss):
            best = RobustAnswer(choice, loss, min(bound[0], loss))
    if best is None:
        raise SolverError(f"HiGHS found no prices whose spend stays within £{problem.budget:,.2f}")
    return best


def _thrifty(problem: WorldColumns, choice: IntArray) -> IntArray:
    """Return each group's lowest price at which no world loses."""
    groups = np.arange(choice.size)
    here = problem.loss[:, groups, choice]
    return np.asarray((problem.loss <= here[:, :, None]).all(axis=0).argmax(axis=1))


def _surrogate(problem: WorldColumns, alpha: FloatArray, beta: FloatArray, most_labels: int) -> tuple[float, IntArray]:
    """Return the bound of the knapsack with worlds merged by weights, and its choice."""
    loss, cost = np.tensordot(alpha, problem.loss, 1), np.tensordot(beta, problem.cost, 1)
    found = solve_knapsack([Menu(c, v) for c, v in zip(cost, loss, strict=True)], problem.budget, most_labels)
    return found.bound, found.choice


class _Matrices(NamedTuple):
    """The linear programme, scaled: variables x, then eta and z of loss, then eta and z of spend."""

    objective: FloatArray
    rows: FloatArray
    right: FloatArray
    lower: FloatArray
    upper: FloatArray


def _matrices(problem: WorldColumns) -> _Matrices:
    worlds, groups, prices = problem.loss.shape
    size, heads = groups * prices, 1 + worlds
    unit, pound = float(np.abs(problem.loss).sum(axis=1).max()) or 1.0, problem.budget or 1.0
    rows = np.zeros((2 * worlds + 1, size + 2 * heads))
    rows[:worlds, :size] = problem.loss.reshape(worlds, size) / unit
    rows[worlds:-1, :size] = problem.cost.reshape(worlds, size) / pound
    objective = np.zeros(rows.shape[1])
    upper = np.ones(rows.shape[1])
    for k, (tail, start) in enumerate(((problem.loss_tail, size), (problem.spend_tail, size + heads))):
        here = slice(k * worlds, (k + 1) * worlds)
        rows[here, start] = -1.0
        rows[here, start + 1 : start + heads] = -np.eye(worlds)
        total = np.append(1.0, problem.weight / tail if tail > 0.0 else np.zeros(worlds))
        largest = float(np.abs(rows[here, :size]).reshape(worlds, groups, prices).max(axis=2).sum(axis=1).max())
        upper[start] = largest
        upper[start + 1 : start + heads] = 2.0 * largest if tail > 0.0 else 0.0
        (objective if k == 0 else rows[-1])[start : start + heads] = total
    lower = np.zeros(rows.shape[1])
    lower[[size, size + heads]] = -upper[[size, size + heads]]
    return _Matrices(objective, rows, np.append(np.zeros(2 * worlds), problem.budget / pound), lower, upper)


def _one_each(problem: WorldColumns) -> FloatArray:
    worlds, groups, prices = problem.loss.shape
    return np.hstack([np.kron(np.eye(groups), np.ones((1, prices))), np.zeros((groups, 2 * (1 + worlds)))])


def _world_weights(problem: WorldColumns) -> tuple[FloatArray, FloatArray]:
    """Return weights of worlds for loss and spend from the duals of the linear relaxation, within their domain."""
    from scipy.optimize import linprog

    worlds = problem.weight.size
    here = _matrices(problem)
    one = _one_each(problem)
    bounds: Any = np.column_stack([here.lower, here.upper])  # stubs know pairs only
    found = linprog(
        here.objective,
        A_ub=here.rows,
        b_ub=here.right,
        A_eq=one,
        b_eq=np.ones(one.shape[0]),
        bounds=bounds,
        method="highs",
    )
    duals = -np.asarray(found.ineqlin.marginals) if found.status == 0 else np.zeros(2 * worlds + 1)
    return (
        within_domain(duals[:worlds], problem.weight, problem.loss_tail),
        within_domain(duals[worlds:-1], problem.weight, problem.spend_tail),
    )


def within_domain(dual: FloatArray, weight: FloatArray, tail: float) -> FloatArray:
    """Return weights that add up to 1 and exceed none of weight / tail, near some that a solver gave."""
    given = np.where(np.isfinite(dual), np.maximum(dual, 0.0), 0.0)
    if tail >= 1.0 or given.sum() <= 0.0:
        return weight
    share = np.where(weight > 0.0, given, 0.0) / given.sum()
    if tail <= 0.0:
        return share / share.sum() if share.sum() > 0.0 else weight
    cap = weight / tail
    over = float(np.max((share - weight) / np.maximum(cap - weight, np.finfo(float).tiny), initial=1.0))
    moved: FloatArray = weight + (share - weight) / over
    return moved


def _proposed(problem: WorldColumns) -> list[IntArray]:
    """Return what HiGHS calls optimal, asked for a little less when it breaks the budget."""
    from scipy.optimize import Bounds, LinearConstraint, milp

    _, groups, prices = problem.loss.shape
    objective, rows, right, lower, upper = _matrices(problem)
    whole = np.zeros(objective.size, dtype=np.int64)
    whole[: groups * prices] = 1
    proposals = []
    for _ in range(_TRIES):
        with printing_to_stderr():
            found = milp(
                objective,
                constraints=[LinearConstraint(rows, -np.inf, right), LinearConstraint(_one_each(problem), 1.0, 1.0)],
                bounds=Bounds(lower, upper),
                integrality=whole,
                options={"mip_rel_gap": 0.0},
            )
        if found.x is None:
            break
        choice = np.asarray(found.x)[: groups * prices].reshape(groups, prices).argmax(axis=1)
        proposals.append(choice)
        _, spend = problem.at(choice)
        if spend <= problem.budget:
            break
        right[-1] -= 2.0 * (spend / (problem.budget or 1.0) - 1.0) + 1e-9
    return proposals
