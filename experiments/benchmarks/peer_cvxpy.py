"""The reference problem as cvxpy's paths take it, and blvpy, which stands on cvxpy; none of them proves a global best.

- Clarabel: first-pound loss, the one objective that is convex in prices;
- DCCP: in the logarithm of the price (support) or its reciprocal (outcomes) payment and the gain of each segment are
  convex, so that the problem is a difference of convex functions;
- the nonlinear path (IPOPT): prices and their ratios to thresholds, with complementarity;
- blvpy: the provider's problem inside the Department's, one run from its own start (a run takes minutes).
"""

from __future__ import annotations

import contextlib

import numpy as np
from race import (
    HIGHEST_GBP,
    UNIT_GBP,
    Attempt,
    Patience,
    People,
    RefusalError,
    best_of,
    judged,
    module,
    quiet,
    refuse,
)
from timing import cpu_seconds

from pbr_opt import AdditionalOutcomes, FirstPoundLoss, Parked, TotalSupport
from pbr_opt.design.problem import DesignProblem
from pbr_opt.quantities import FloatArray

__all__ = ["blvpy_bilevel", "cvxpy_clarabel", "cvxpy_dccp", "cvxpy_nlp"]

TOP = HIGHEST_GBP / UNIT_GBP
LOWEST = 1e-3
"""Lowest price, in thousands of pounds, where forms divide by it or take its logarithm."""
SLACK = 1e-8
"""How far complementarity may be from exact: what IPOPT can hold."""
STEPS = 500
"""Iterations of IPOPT."""


def cvxpy_clarabel(problem: DesignProblem, patience: Patience) -> Attempt:
    """Solve first-pound loss as the linear programme it is."""
    refuse(problem, Parked, TotalSupport, AdditionalOutcomes, why="not convex in prices")
    cp, people = module("cvxpy"), People.of(problem)
    price = cp.Variable(people.groups, bounds=[0.0, TOP])
    x = price[people.group]
    paid = cp.maximum(cp.multiply(people.low, x), cp.multiply(people.high, x) - people.scale)
    loss = people.share @ cp.pos(1.0 - cp.multiply(1.0 / people.start, x))
    model = cp.Problem(cp.Minimize(loss), [people.share @ paid <= people.budget])
    taken = cpu_seconds(lambda: model.solve(solver="CLARABEL"))
    return judged(problem, taken, price.value, "convex, to 1e-8")


def cvxpy_dccp(problem: DesignProblem, patience: Patience) -> Attempt:
    """Run the convex-concave procedure on a difference of convex functions, from several starts."""
    refuse(problem, Parked, why="a count of people is no difference of convex functions")
    refuse(problem, FirstPoundLoss, why="convex: nothing for it to do")
    cp, people = module("cvxpy"), People.of(problem)
    module("dccp")
    pick = np.eye(people.groups)[people.group]
    logarithmic = isinstance(problem.objective, TotalSupport)
    if logarithmic:
        changed = cp.Variable(people.groups, bounds=[np.log(LOWEST), np.log(TOP)])
        x, gain = cp.exp(pick @ changed), cp.multiply(people.scale, cp.pos(pick @ changed - np.log(people.start)))
    else:
        changed = cp.Variable(people.groups, bounds=[1.0 / TOP, 1.0 / LOWEST])
        missing = (pick * people.start[:, None]) @ changed
        x, gain = cp.inv_pos(pick @ changed), cp.multiply(people.reach, cp.pos(1.0 - missing))
    paid = cp.maximum(cp.multiply(people.low, x), cp.multiply(people.high, x) - people.scale)
    model = cp.Problem(cp.Maximize(people.share @ gain), [people.share @ paid <= people.budget])

    def descend(start: FloatArray) -> FloatArray | None:
        start = np.maximum(start, LOWEST)
        changed.value = np.log(start) if logarithmic else 1.0 / start
        with contextlib.suppress(cp.SolverError):
            model.solve(method="dccp", solver="CLARABEL")
            return np.asarray(np.exp(changed.value) if logarithmic else 1.0 / changed.value)
        return None

    return best_of(problem, patience, descend)


def cvxpy_nlp(problem: DesignProblem, patience: Patience) -> Attempt:
    """Run cvxpy's nonlinear path (IPOPT) over prices and their ratios to thresholds, from several starts."""
    refuse(problem, Parked, why="a count of people has no slope")
    refuse(problem, FirstPoundLoss, why="convex: nothing for it to do")
    cp, people = module("cvxpy"), People.of(problem)
    module("cyipopt")
    price = cp.Variable(people.groups, bounds=[LOWEST, TOP])
    ratio = cp.Variable(people.share.size, bounds=[1.0, np.maximum(TOP / people.start, 1.0) + 1e-6])
    x, missing = price[people.group], cp.power(ratio, -1)
    pull = cp.multiply(1.0 / people.start, x)
    paid = cp.multiply(x, people.high - cp.multiply(people.reach, missing))
    total = isinstance(problem.objective, TotalSupport)
    gain = cp.multiply(people.scale, cp.log(ratio)) if total else cp.multiply(people.reach, 1.0 - missing)
    rules = [ratio >= pull, cp.multiply(ratio - 1.0, ratio - pull) <= SLACK, people.share @ paid <= people.budget]
    model = cp.Problem(cp.Maximize(people.share @ gain), rules)

    def descend(start: FloatArray) -> FloatArray | None:
        price.value = np.maximum(start, LOWEST)
        ratio.value = np.maximum(price.value[people.group] / people.start, 1.0)
        with contextlib.suppress(cp.SolverError):
            model.solve(nlp=True, solver="IPOPT", max_iter=STEPS)
            return np.asarray(price.value)
        return None

    return best_of(problem, patience, descend)


def blvpy_bilevel(problem: DesignProblem, patience: Patience) -> Attempt:
    """Put the provider's problem inside the Department's, as blvpy reads it."""
    refuse(problem, Parked, why="a count of people has no slope")
    refuse(problem, FirstPoundLoss, why="convex: nothing for it to do")
    blv, cp, people = module("blvpy"), module("cvxpy"), People.of(problem)
    price = cp.Variable(people.groups, nonneg=True)
    price.sample_bounds = (np.full(price.shape, LOWEST), np.full(price.shape, TOP))
    support = cp.Variable(people.share.size)
    missing = cp.exp(-cp.multiply(1.0 / people.scale, support))
    gained = cp.multiply(price[people.group], people.high - cp.multiply(people.reach, missing))
    inner = blv.LowerProblem(cp.Maximize(people.share @ (gained - support)), [support >= 0.0], parameters=[price])
    gain = support if isinstance(problem.objective, TotalSupport) else cp.multiply(people.reach, 1.0 - missing)
    rules = [price >= LOWEST, price <= TOP, people.share @ gained <= people.budget]
    outer = blv.BilevelProblem(cp.Maximize(people.share @ gain), inner, rules)
    with quiet():
        try:
            taken = cpu_seconds(lambda: outer.solve(verbose=False, solver_options={"max_iter": STEPS}))
        except blv.BilevelError as error:
            raise RefusalError(f"{type(error).__name__}: {str(error).splitlines()[0]}") from error
    if price.value is None:
        raise RefusalError("no run reached its target")
    return judged(problem, taken, price.value, "none (local)")
