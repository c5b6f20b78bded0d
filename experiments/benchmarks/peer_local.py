"""The reference problem as solvers of nonlinear programmes take it; none of them proves anything.

- scipy: SLSQP and differential evolution over prices, with the exact closed forms as objective and constraint;
- casadi with IPOPT: prices, and the ratio of each price to the parking threshold of each segment, at least 1, with
  complementarity (a form with kinks, as scipy has it, ends up to 17 % from the best, since IPOPT trusts derivatives);
  for first-pound loss the linear programme that it is.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from race import HIGHEST_GBP, SEED, UNIT_GBP, Attempt, Patience, People, best_of, judged, module, refuse
from scipy.optimize import Bounds, NonlinearConstraint, differential_evolution, minimize
from timing import cpu_seconds

from pbr_opt import FirstPoundLoss, Parked, TotalSupport
from pbr_opt.design.problem import DesignProblem
from pbr_opt.quantities import FloatArray

__all__ = ["casadi_ipopt", "scipy_evolution", "scipy_slsqp"]

TOP = HIGHEST_GBP / UNIT_GBP
LOWEST = 1e-3
"""Lowest price, in thousands of pounds, where the closed forms divide by it."""
SLACK = 1e-8
"""How far complementarity may be from exact: what IPOPT can hold."""
STEPS = 500
"""Iterations of each start."""
GENERATIONS = 250
"""Of differential evolution: some four seconds."""


def _loss(people: People, problem: DesignProblem, price: FloatArray) -> float:
    """Return the loss a head by the closed forms."""
    x = np.maximum(price, LOWEST)[people.group]
    ratio = np.maximum(x / people.start, 1.0)
    if isinstance(problem.objective, Parked):
        each = (x < people.start).astype(float)
    elif isinstance(problem.objective, FirstPoundLoss):
        each = np.maximum(0.0, 1.0 - x / people.start)
    elif isinstance(problem.objective, TotalSupport):
        each = -people.scale * np.log(ratio)
    else:
        each = -people.reach * (1.0 - 1.0 / ratio)
    return float(people.share @ each)


def _spend(people: People, price: FloatArray) -> float:
    """Return what is paid a head, thousands of pounds."""
    x = price[people.group]
    return float(people.share @ np.maximum(people.low * x, people.high * x - people.scale))


def scipy_slsqp(problem: DesignProblem, patience: Patience) -> Attempt:
    """Run SLSQP from several starts."""
    refuse(problem, Parked, why="a count of people has no slope")
    people = People.of(problem)

    def left_over(price: FloatArray) -> FloatArray:
        return np.array([people.budget - _spend(people, price)])

    def loss(price: FloatArray) -> float:
        return _loss(people, problem, price)

    def descend(start: FloatArray) -> FloatArray:
        rule, box = NonlinearConstraint(left_over, 0.0, np.inf), Bounds(np.zeros(start.size), np.full(start.size, TOP))
        options: Any = {"maxiter": STEPS, "ftol": 1e-10}
        return np.asarray(minimize(loss, start, method="SLSQP", bounds=box, constraints=rule, options=options).x)

    return best_of(problem, patience, descend)


def scipy_evolution(problem: DesignProblem, patience: Patience) -> Attempt:
    """Run differential evolution; what is over budget pays for it."""
    people = People.of(problem)
    heavy = 10.0 / people.budget

    def penalised(price: FloatArray) -> float:
        return _loss(people, problem, price) + heavy * max(0.0, _spend(people, price) - people.budget)

    found: list[FloatArray] = []

    def run() -> None:
        box = Bounds(np.zeros(people.groups), np.full(people.groups, TOP))
        found.append(differential_evolution(penalised, box, rng=SEED, tol=1e-8, maxiter=GENERATIONS, polish=False).x)

    return judged(problem, cpu_seconds(run), found[0], "none (random)")


def casadi_ipopt(problem: DesignProblem, patience: Patience) -> Attempt:
    """Run IPOPT on a form without kinks, written in casadi, from several starts."""
    refuse(problem, Parked, why="a count of people has no slope")
    ca, people = module("casadi"), People.of(problem)
    price = ca.SX.sym("price", people.groups)
    x = price[people.group.tolist()]
    model = _linear(ca, people, x) if isinstance(problem.objective, FirstPoundLoss) else _smooth(ca, people, problem, x)
    silent = {"print_time": False, "ipopt.print_level": 0, "ipopt.sb": "yes", "ipopt.max_iter": STEPS}
    rules = ca.vertcat(*model["rules"])
    stated = {"x": ca.vertcat(price, model["more"]), "f": model["loss"], "g": rules}
    solver = ca.nlpsol("peer", "ipopt", stated, silent)
    begin = model["begin"]
    low = [LOWEST] * people.groups + [model["least"]] * model["more"].numel()

    def descend(start: FloatArray) -> FloatArray:
        price_start = np.maximum(start, LOWEST)
        answer = solver(
            x0=np.concatenate([price_start, begin(price_start[people.group])]),
            lbx=low,
            ubx=[TOP] * people.groups + [np.inf] * model["more"].numel(),
            lbg=-np.inf,
            ubg=[people.budget] + [0.0] * (rules.numel() - 1),
        )
        return np.asarray(answer["x"]).ravel()[: people.groups]

    return best_of(problem, patience, descend)


def _linear(ca: Any, people: People, x: Any) -> dict[str, Any]:
    """Return first-pound loss as a linear programme: loss and payment of each segment are variables."""
    size = people.share.size
    loss, paid = ca.SX.sym("loss", size), ca.SX.sym("paid", size)
    share, low, high, scale, start = (
        ca.DM(v) for v in (people.share, people.low, people.high, people.scale, people.start)
    )
    return {
        "more": ca.vertcat(loss, paid),
        "least": 0.0,
        "loss": ca.dot(share, loss),
        "rules": [ca.dot(share, paid), 1.0 - x / start - loss, low * x - paid, high * x - scale - paid],
        "begin": lambda there: np.concatenate([np.maximum(1.0 - there / people.start, 0.0), people.high * there]),
    }


def _smooth(ca: Any, people: People, problem: DesignProblem, x: Any) -> dict[str, Any]:
    """Return the other objectives: the ratio of price to threshold is at least 1, and one of the two bounds holds."""
    ratio = ca.SX.sym("ratio", people.share.size)
    share, high, reach, scale, start = (
        ca.DM(v) for v in (people.share, people.high, people.reach, people.scale, people.start)
    )
    total = isinstance(problem.objective, TotalSupport)
    gain = scale * ca.log(ratio) if total else reach * (1.0 - 1.0 / ratio)
    over = (ratio - 1.0) * (ratio - x / start) - SLACK
    return {
        "more": ratio,
        "least": 1.0,
        "loss": -ca.dot(share, gain),
        "rules": [ca.dot(share, x * (high - reach / ratio)), x / start - ratio, over],
        "begin": lambda there: np.maximum(there / people.start, 1.0),
    }
