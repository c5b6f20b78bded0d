"""Least first-pound loss as a convex programme through cvxpy, with a guard against solvers that are wrong.

::

    minimise    sum n_i L_i
    subject to  L_i >= 1 - pi_g / tau_i,  L_i >= 0
                E_i >= p0_i w_i pi_g
                E_i >= p1_i w_i pi_g - (p1_i - p0_i) x_park_i^(1 - b) (w_i pi_g)^b  (b = 0: - kappa_i)
                attachment fees + sum n_i E_i <= budget,  lower_g <= pi_g <= upper_g

Only ``pi``, the list price by group, is believed, and only after re-evaluation: every variable has finite bounds
(without them cvxpy 1.9.3 with HiGHS or SciPy has returned ``optimal`` with all prices zero), the point is pulled
back into the budget by the exact equilibrium, and its loss is held against a bound that this package computes
itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from pbr_opt.design.problem import DesignProblem
from pbr_opt.design.solver_output import printing_to_stderr
from pbr_opt.errors import SolverError, UnsupportedModelError
from pbr_opt.evaluation import respond
from pbr_opt.quantities import FloatArray

if TYPE_CHECKING:
    import cvxpy as cp

__all__ = ["ConvexAnswer", "call_solver", "convex_bound", "epigraphs", "solve_convex"]

_UNIT_GBP: Final = 1_000.0
"""Solvers see thousands of pounds: variables of about 1 keep their tolerances meaningful."""
_LEAST_MEAN_GBP: Final = 1e-3
"""A budget below a tenth of a penny a head is scaled as if it were that, so that nothing is divided by nothing."""
_MOST_MEAN_GBP: Final = 1e6
"""A budget beyond a million pounds a head binds nobody: it stands in for having none."""
_PULL_BACK_HALVINGS: Final = 60
_BOUND_HALVINGS: Final = 60


@dataclass(frozen=True, slots=True, eq=False)
class ConvexAnswer:
    """What the solver says, brought inside the limits.

    Attributes
    ----------
    price_gbp : array (groups,)
        List prices within their range and the budget.
    claimed_loss : float
        Objective that the solver reported.
    multiplier : float
        Its shadow price of the budget: loss per pound.
    """

    price_gbp: FloatArray
    claimed_loss: float
    multiplier: float


def solve_convex(problem: DesignProblem, solver: str) -> ConvexAnswer:
    """Return the prices of least first-pound loss as a solver sees them.

    Parameters
    ----------
    problem : DesignProblem
        With first-pound loss as objective, no price step, no mission, no minimum service.
    solver : str
        As cvxpy names it: CLARABEL, HIGHS, SCS, ...

    Raises
    ------
    UnsupportedModelError
        For mission or minimum service, whose payment is no longer of the form above.
    SolverError
        When the solver fails, or returns numbers that are no answer.
    """
    if problem.programme.mission_gbp.any() or problem.programme.minimum_service_gbp.any():
        raise UnsupportedModelError(
            "First-pound loss with a mission or a minimum service is not a convex programme of this form; "
            "try limits=[..., PriceStep(5)], which is solved by columns."
        )
    import cvxpy as cp  # slow to import: only when a convex programme is solved

    bounds = [bound / _UNIT_GBP for bound in problem.price_bounds_gbp]
    price = cp.Variable(len(problem.base.groups), bounds=bounds, name="price")
    loss, payment, constraints = epigraphs(problem, price)
    people = problem.programme.caseload.participants
    heads = float(people.sum())
    left = min(problem.budget_gbp - float(problem.attachment_spend_gbp.sum()), heads * _MOST_MEAN_GBP)
    scale = max(left, heads * _LEAST_MEAN_GBP)
    within: Any = people * (_UNIT_GBP / scale) @ payment <= left / scale
    constraints.append(within)
    programme = cp.Problem(cp.Minimize(people / heads @ loss), constraints)
    call_solver(programme, solver)
    if price.value is None or not np.isfinite(price.value).all() or programme.value is None:
        raise SolverError(f"{solver} returned status '{programme.status}' without usable prices")
    dual = 0.0 if within.dual_value is None else max(float(np.sum(within.dual_value)), 0.0) * heads / scale
    lower, upper = problem.price_bounds_gbp
    inside = _pull_back(problem, np.clip(price.value * _UNIT_GBP, lower, upper))
    return ConvexAnswer(inside, float(programme.value) * heads, dual)


def epigraphs(problem: DesignProblem, price: cp.Variable) -> tuple[cp.Variable, cp.Variable, list[cp.Constraint]]:
    """Return loss and payment variables per segment, both with finite bounds, and what holds them up."""
    import cvxpy as cp
    from cvxpy.atoms.affine.binary_operators import multiply
    from cvxpy.atoms.elementwise.power import power

    caseload, weight = problem.programme.caseload, problem.price_weight
    row, response = caseload.group_index, caseload.response
    _, upper = problem.price_bounds_gbp
    threshold = problem.parking_price_gbp
    most = response.ceiling_rate * weight * upper[row] / _UNIT_GBP
    loss = cp.Variable(row.size, bounds=[0.0, 1.0], name="first_pound_loss")
    payment = cp.Variable(row.size, bounds=[np.zeros(row.size), most], name="payment")
    per_unit = np.divide(_UNIT_GBP, threshold, out=np.zeros_like(threshold), where=threshold > 0)
    constraints = [
        loss >= (threshold > 0) - multiply(per_unit, price[row]),
        payment >= multiply(response.deadweight_rate * weight, price[row]),
    ]
    for bend in np.unique(caseload.curvature):
        part = np.flatnonzero((caseload.curvature == bend) & (threshold < upper[row]))
        if part.size == 0:  # parked at every price in range: the other line is all there is
            continue
        slope = response.ceiling_rate[part] * weight[part]
        parking = caseload.parking_threshold_gbp[part] / _UNIT_GBP
        scale = response.reach[part] * parking ** (1 - bend) * weight[part] ** bend
        helped = power(price, float(bend), approx=False)[row[part]] if bend > 0 else np.ones(part.size)
        constraints.append(payment[part] >= multiply(slope, price[row[part]]) - multiply(scale, helped))
    return loss, payment, constraints


def call_solver(programme: cp.Problem, solver: str) -> None:
    """Solve; turn everything a solver can do wrong into one kind of error."""
    import warnings

    import cvxpy as cp

    if solver not in cp.installed_solvers():
        raise SolverError(f"Solver '{solver}' is not installed; there are: {', '.join(cp.installed_solvers())}")
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="invalid value encountered", category=RuntimeWarning)
        try:
            with printing_to_stderr():
                programme.solve(solver=solver)
        except (cp.error.SolverError, RuntimeWarning, ValueError) as error:
            raise SolverError(f"{solver} failed: {error}") from error
    if programme.status not in ("optimal", "optimal_inaccurate"):
        raise SolverError(f"{solver} ended with status '{programme.status}' on a problem that has a solution")


def _pull_back(problem: DesignProblem, price: FloatArray) -> FloatArray:
    """Return the nearest point towards the lowest prices whose exact spend is within the budget.

    Solvers keep constraints to about 1e-8; the budget is to be kept to the penny. Spend rises along the way.
    """
    lower, _ = problem.price_bounds_gbp
    if problem.spend_at(problem.base.at_price(price)) <= problem.budget_gbp:
        return price
    inside, outside = 0.0, 1.0
    for _ in range(_PULL_BACK_HALVINGS):
        share = 0.5 * (inside + outside)
        if problem.spend_at(problem.base.at_price(lower + share * (price - lower))) <= problem.budget_gbp:
            inside = share
        else:
            outside = share
    return lower + inside * (price - lower)


def convex_bound(problem: DesignProblem, multiplier: float) -> float:
    """Return a bound on the first-pound loss that no solver had a hand in: the Lagrangian at a multiplier.

    ``sum_g min over pi of (L_g(pi) + multiplier C_g(pi)) - multiplier budget``. Each term is convex in one price,
    so its minimum lies where the slope changes sign; the tangent at the left end of the last bracket bounds it from
    below.

    Examples
    --------
    >>> from pbr_opt.design.limits import Budget
    >>> from pbr_opt.design.objectives import FirstPoundLoss
    >>> from pbr_opt.market.caseload import Caseload
    >>> from pbr_opt.market.programme import Programme
    >>> from pbr_opt.market.tariffs import Tariff
    >>> people = Caseload(["a"], 100, .12, .42, 600)
    >>> problem = DesignProblem(Programme("p", people, Tariff(["a"], 0, 4000)), FirstPoundLoss(), [Budget(12_000)])
    >>> round(convex_bound(problem, 100 / 24_000), 6)  # half the threshold is affordable
    50.0
    """
    caseload = problem.programme.caseload
    lower, upper = problem.price_bounds_gbp
    left, right = lower.copy(), upper.copy()
    for _ in range(_BOUND_HALVINGS):
        middle = 0.5 * (left + right)
        falling = _slope(problem, middle, multiplier) < 0
        left, right = np.where(falling, middle, left), np.where(falling, right, middle)
    behaviour = respond(problem.programme, problem.price_weight * left[caseload.group_index])
    term = behaviour.first_pound_loss + multiplier * behaviour.payment_gbp
    value = caseload.sum_by_group(caseload.participants * term) + multiplier * problem.attachment_spend_gbp
    tangent = value + np.minimum(_slope(problem, left, multiplier), 0.0) * (right - left)
    return float(tangent.sum()) - (multiplier * problem.budget_gbp if multiplier else 0.0)


def _slope(problem: DesignProblem, price: FloatArray, multiplier: float) -> FloatArray:
    """Return the slope of loss + multiplier * cost in each group's price, from the right.

    Below its threshold a segment loses 1/tau per pound and costs w p0; above it costs w (p1 - b (p1 - p0) r^(b - 1)).
    """
    caseload, weight, response = problem.programme.caseload, problem.price_weight, problem.programme.caseload.response
    here = price[caseload.group_index]
    threshold = problem.parking_price_gbp
    ratio = here / np.maximum(threshold, 1e-300)
    helped = ratio >= 1.0
    bend = response.curvature * response.reach * np.maximum(ratio, 1.0) ** (response.curvature - 1.0)
    cost = weight * np.where(helped, response.ceiling_rate - bend, response.deadweight_rate)
    loss = np.where(helped, 0.0, -1.0 / np.maximum(threshold, 1e-300))
    return caseload.sum_by_group(caseload.participants * (loss + multiplier * cost))
