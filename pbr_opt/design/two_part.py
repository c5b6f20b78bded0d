"""Two-part tariffs under participation: attachment fees and prices together, by the convex-concave procedure.

minimise    sum n_i L_i
subject to  sum n_g a_g + sum n_i E_i <= budget,  sum n_g a_g + sum n_i (V_i - c_i) >= 0

with a_g what is paid on attachment, V the provider's value of the prices and c its base service. E is convex, and so
is V: participation bounds a convex function from below, which no convex programme can. V is replaced by its tangent at
the last prices, which lies below it; so every step stays feasible and none is worse than the one before. Where it ends
depends on where it begins: several starts are tried, and the best end is called local.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from pbr_opt.design.conflicts import conflict
from pbr_opt.design.convex import call_solver, epigraphs
from pbr_opt.design.joint_limits import Participation
from pbr_opt.design.limits import Budget
from pbr_opt.design.objectives import FirstPoundLoss
from pbr_opt.design.problem import DesignProblem
from pbr_opt.design.result import Found
from pbr_opt.design.settings import DesignSettings
from pbr_opt.errors import DesignInfeasibleError
from pbr_opt.evaluation import respond
from pbr_opt.market.tariffs import Tariff
from pbr_opt.quantities import SPEND_RELATIVE, FloatArray

if TYPE_CHECKING:
    import cvxpy as cp

__all__ = ["is_two_part", "solve_two_part"]

_UNIT_GBP: Final = 1_000.0
_STARTS: Final = (0.15, 0.4, 0.7, 1.0)
"""Starts: prices of one level for all, at which outcome payments take these shares of the budget."""
_STEPS: Final = 30
_SETTLED: Final = 1e-9
"""Relative: a step that gains less ends the procedure."""
_HALVINGS: Final = 60


@dataclass(frozen=True, slots=True, eq=False)
class _Point:
    """Prices by group, with the least that attachment has to add for nobody to lose, and what they achieve."""

    price: FloatArray
    lump_gbp: float
    loss: float


def is_two_part(problem: DesignProblem, settings: DesignSettings) -> bool:
    """Whether attachment fees move with the price level under participation, for first-pound loss in any prices."""
    programme = problem.programme
    return (
        set(settings.vary) - {"level"} == {"attachment"}
        and isinstance(problem.objective, FirstPoundLoss)
        and problem.step_gbp is None
        and all(isinstance(limit, Participation) for limit in problem.joint_limits)
        and bool(problem.joint_limits)
        and not problem.group_limits
        and all(not budget.year_caps for budget in problem.limits if isinstance(budget, Budget))
        and not programme.mission_gbp.any()
        and not programme.minimum_service_gbp.any()
        and programme.terms.attachment_share > 0
    )


def solve_two_part(problem: DesignProblem, settings: DesignSettings, ideal: Tariff) -> Found:
    """Return the best end of the procedure from several starts.

    Attachment fees are the same in every group: for providers who serve all groups only their sum counts. One start
    lies on the way to ``ideal``, the best tariff when nobody has to take part.

    Raises
    ------
    DesignInfeasibleError
        When even without any support the budget does not pay for what providers have to spend.
    """
    lowest = _at(problem, problem.price_bounds_gbp[0])
    if lowest is None:
        raise _unaffordable(problem)
    points = [_nearest(problem, lowest, price) for price in _starts(problem, ideal)]
    best = min((_climbed(problem, settings, point) for point in points), key=lambda point: point.loss)
    share = problem.programme.terms.attachment_share
    heads = problem.programme.caseload.total_participants
    tariff = problem.base.at_price(best.price).replace(attachment_fee_gbp=best.lump_gbp / (heads * share))
    method = f"convex-concave procedure through cvxpy and {settings.solver}, {len(points)} starts"
    return Found(tariff, best.loss, -np.inf, 0.0, method, proved=False)


def _starts(problem: DesignProblem, ideal: Tariff) -> list[FloatArray]:
    """Return prices to begin on the way to: levels for all that take shares of the budget, and the ideal."""
    lower, upper = problem.price_bounds_gbp
    most = min(problem.budget_gbp, _payments(problem, upper)[0])
    prices = [ideal.aligned(problem.base.groups).price_gbp]
    for share in _STARTS:
        low, high = 0.0, 1.0
        for _ in range(_HALVINGS):
            middle = 0.5 * (low + high)
            fits = _payments(problem, lower + middle * (upper - lower))[0] <= share * most
            low, high = (middle, high) if fits else (low, middle)
        prices.append(lower + low * (upper - lower))
    return prices


def _payments(problem: DesignProblem, price: FloatArray) -> tuple[float, float, FloatArray]:
    """Return outcome payments, what providers spend, and the slope of their value in each group's price."""
    programme, caseload = problem.programme, problem.programme.caseload
    there = respond(programme, problem.price_weight * price[caseload.group_index])
    base = float(programme.base_service_gbp @ caseload.group_participants)
    people = caseload.participants
    slope = caseload.sum_by_group(people * problem.price_weight * there.outcome_rate)
    return float(people @ there.payment_gbp), float(people @ there.support_gbp) + base, slope


def _at(problem: DesignProblem, price: FloatArray) -> _Point | None:
    """Return prices with the attachment fees that they need; None when that does not fit the budget."""
    paid, spent, _ = _payments(problem, price)
    lump = max(spent - paid, 0.0)
    if problem.is_over_budget(paid + lump):
        return None
    programme, row = problem.programme, problem.programme.caseload.group_index
    there = respond(programme, problem.price_weight * price[row])
    return _Point(price, lump, float(programme.caseload.participants @ there.first_pound_loss))


def _climbed(problem: DesignProblem, settings: DesignSettings, point: _Point) -> _Point:
    """Go on from a point until a step gains nothing."""
    for _ in range(_STEPS):
        price = _step(problem, settings, point)
        following = _nearest(problem, point, price)
        if point.loss - following.loss <= _SETTLED * max(point.loss, 1.0):
            return min(point, following, key=lambda each: each.loss)
        point = following
    return point


def _step(problem: DesignProblem, settings: DesignSettings, point: _Point) -> FloatArray:
    """Return the best prices when providers' value is taken to be its tangent at the last ones."""
    import cvxpy as cp

    bounds = problem.price_bounds_gbp
    price = cp.Variable(len(problem.base.groups), bounds=[bound / _UNIT_GBP for bound in bounds], name="price")
    people = problem.programme.caseload.participants
    heads = float(people.sum())
    paid, spent, slope = _payments(problem, point.price)
    most = problem.budget_gbp if np.isfinite(problem.budget_gbp) else heads * 1e6
    scale = max(most, heads * 1e-3)
    lump = cp.Variable(bounds=[0.0, 1.0], name="attachment")
    loss, payment, constraints = epigraphs(problem, price)
    value = (paid - spent) / scale + (slope * _UNIT_GBP / scale) @ (price - point.price / _UNIT_GBP)
    within: Any = people * (_UNIT_GBP / scale) @ payment + lump <= most / scale
    taking_part: Any = value + lump >= 0
    programme: cp.Problem = cp.Problem(cp.Minimize(people / heads @ loss), [*constraints, within, taking_part])
    call_solver(programme, settings.solver)
    if price.value is None or not np.isfinite(price.value).all():
        return point.price
    return np.clip(price.value * _UNIT_GBP, *bounds)


def _nearest(problem: DesignProblem, point: _Point, price: FloatArray) -> _Point:
    """Return the point nearest to some prices, on the way from a feasible one, that keeps the limits exactly."""
    there = _at(problem, price)
    if there is not None:
        return there
    inside, outside, best = 0.0, 1.0, point
    for _ in range(_HALVINGS):
        middle = 0.5 * (inside + outside)
        tried = _at(problem, point.price + middle * (price - point.price))
        if tried is None:
            outside = middle
        else:
            inside, best = middle, tried
    return best


def _unaffordable(problem: DesignProblem) -> DesignInfeasibleError:
    """Return the error that says what providers have to spend at least."""
    paid, spent, _ = _payments(problem, problem.price_bounds_gbp[0])
    least = max(paid, spent)
    core = conflict(problem, _is_affordable)
    return DesignInfeasibleError(
        f"Providers have to spend £{spent:,.2f} at the lowest prices, and are paid £{paid:,.2f} for outcomes; the "
        f"budget is £{problem.budget_gbp:,.2f}. In conflict: {' with '.join(str(limit) for limit in core)}. Try a "
        f"budget of at least £{np.ceil(least * (1.0 - SPEND_RELATIVE)):,.0f}.",
        least_budget_gbp=least,
        binding_limits=[str(limit) for limit in core],
    )


def _is_affordable(problem: DesignProblem) -> bool:
    """Whether the lowest prices, with what attachment has to add where providers are to take part, fit the budget."""
    paid, spent, _ = _payments(problem, problem.price_bounds_gbp[0])
    return not problem.is_over_budget(max(paid, spent) if problem.joint_limits else paid)
