"""Find the best tariff within limits, prove how good it is, and check it by the exact equilibrium."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from pbr_opt.design.chain_search import solve_through_chain
from pbr_opt.design.columns import solve_columns
from pbr_opt.design.conflicts import require_feasible
from pbr_opt.design.convex import convex_bound, solve_convex
from pbr_opt.design.greedy import solve_greedy
from pbr_opt.design.joint import solve_together
from pbr_opt.design.joint_limits import Participation
from pbr_opt.design.ladder import ladders
from pbr_opt.design.levers import require_levers, solve_levers
from pbr_opt.design.limits import Limit
from pbr_opt.design.objectives import FirstPoundLoss, Objective, WorstServed
from pbr_opt.design.problem import DesignProblem
from pbr_opt.design.promises import broken_promises
from pbr_opt.design.result import Design, Found, relative_gap
from pbr_opt.design.settings import DesignSettings
from pbr_opt.design.two_part import is_two_part, solve_two_part
from pbr_opt.design.worst_served import solve_worst_served
from pbr_opt.errors import DesignInfeasibleError, Fault, InvalidInputError, SolverError, UnsupportedModelError
from pbr_opt.evaluation import evaluate
from pbr_opt.market.programme import Programme

__all__ = ["optimise", "solve"]

_CLAIM_RELATIVE = 1e-6
"""How far, relatively to the number of participants, what a search claims may lie from the exact equilibrium: convex
solvers stop at about 1e-8 of a problem scaled to 1, exact methods are off by rounding."""

_FALSE_OPTIMUM_RELATIVE = 1e-4
"""A convex solver that calls a point optimal which is further than this from a proved bound is wrong, not inexact."""


def optimise(
    programme: Programme,
    *,
    minimise: Objective | None = None,
    maximise: Objective | None = None,
    limits: Sequence[Limit] = (),
    settings: DesignSettings | None = None,
) -> Design:
    """Return the best tariff that meets the limits.

    Moves each group's price level (outcome and sustainment fees together, in the programme's own proportion);
    attachment fees stay. Groups interact through the budget alone, so the search is exact: see ``Design.method``.

    Parameters
    ----------
    programme : Programme
        Whose tariff is redesigned.
    minimise, maximise : Objective
        One of the two, and the one that makes sense for the objective.
    limits : sequence of Limit, optional
        Budget, PriceRange, PriceStep; without a range list prices lie between 0 and ``PRICE_CEILING_GBP``.
    settings : DesignSettings, optional
        How to search.

    Returns
    -------
    Design
        With status, bound and gap filled, and an evaluation by the exact equilibrium.

    Raises
    ------
    InvalidInputError
        No objective or two, an objective turned round, limits that are none.
    DesignInfeasibleError
        When no tariff meets the limits; says the least budget.
    UnsupportedModelError
        When a method is asked for that does not fit the problem.
    SolverError
        When a solver fails or what it calls optimal does not survive re-evaluation.

    Examples
    --------
    >>> from pbr_opt.design.limits import Budget
    >>> from pbr_opt.design.objectives import Parked
    >>> from pbr_opt.market.caseload import Caseload
    >>> from pbr_opt.market.tariffs import Tariff
    >>> people = Caseload(["a", "b"], [100, 100], [.12, .02], [.42, .10], 600)
    >>> programme = Programme("p", people, Tariff(["a", "b"], 0, 4000))
    >>> design = optimise(programme, minimise=Parked(), limits=[Budget(36_000)])
    >>> design.tariff.outcome_fee_gbp.round(6).tolist(), design.objective, design.status
    ([0.0, 7500.0], 100.0, 'optimal')
    """
    return solve(DesignProblem(programme, _aim(minimise, maximise), limits), settings or DesignSettings())


def _aim(minimise: Objective | None, maximise: Objective | None) -> Objective:
    aim = minimise if minimise is not None else maximise
    if aim is None or (minimise is not None and maximise is not None):
        given = "neither" if aim is None else "both"
        raise InvalidInputError("optimise", [Fault("minimise, maximise", given, "exactly one objective")])
    if isinstance(aim, Objective) and (aim.better < 0) != (minimise is not None):
        verb = "minimise" if aim.better < 0 else "maximise"
        raise InvalidInputError("optimise", [Fault(type(aim).__name__, "turned round", f"{verb}={aim}")])
    return aim


def solve(problem: DesignProblem, settings: DesignSettings) -> Design:
    """Return the design that answers a problem; :func:`optimise` is the way in."""
    if not settings.moves_level_alone:
        return _checked(problem, _with_levers(problem, settings), settings)
    start = require_feasible(problem)
    if isinstance(problem.objective, WorstServed):
        return _checked(problem, solve_worst_served(problem, start), settings)
    if problem.joint_limits and problem.programme.supply_chain is None:
        return _checked(problem, _together(problem, settings), settings)
    return _checked(problem, _method(problem, settings), settings)


def _with_levers(problem: DesignProblem, settings: DesignSettings) -> Found:
    """Solve with the price level alone first: whatever else moves then is a larger menu."""
    require_levers(problem, settings)
    level, bound = replace(settings, vary=("level",)), -np.inf
    if set(settings.vary) - {"level"} == {"attachment"}:
        free = solve(_without_attachment(problem), level)
        bound = -problem.objective.better * free.bound
        if not broken_promises(problem, free.evaluation):
            method = f"{free.method}, without attachment fees"
            return Found(free.tariff, -problem.objective.better * free.objective, bound, free.budget_price, method)
        if is_two_part(problem, settings):
            return _no_better_than(bound, solve_two_part(problem, settings, free.tariff), settings)
    try:
        start = solve(problem, level).tariff
    except DesignInfeasibleError:
        start = None
    return _no_better_than(bound, solve_levers(problem, settings, start), settings)


def _no_better_than(bound: float, found: Found, settings: DesignSettings) -> Found:
    """Return what was found with a bound from elsewhere; proved where it comes up to it."""
    if found.proved:
        return found
    bound = min(bound, found.claimed_loss)
    return replace(found, bound=bound, proved=relative_gap(found.claimed_loss, bound) <= settings.relative_gap)


def _without_attachment(problem: DesignProblem) -> DesignProblem:
    """Return what bounds every choice of attachment fees: none are paid, and nobody is asked who takes part.

    What providers do hangs on outcome payments alone; attachment fees take from the budget, and help in nothing but to
    make them take part.
    """
    programme = problem.given.replace(tariff=problem.given.tariff.replace(attachment_fee_gbp=0.0))
    limits = [limit for limit in problem.limits if not isinstance(limit, Participation)]
    return DesignProblem(programme, problem.objective, limits)


def _together(problem: DesignProblem, settings: DesignSettings) -> Found:
    """Try without the limits that tie groups together first: what keeps them anyway is the best there is."""
    if problem.step_gbp is not None:
        return solve_columns(problem, settings)
    tied = problem.joint_limits
    free = problem.with_limits([limit for limit in problem.limits if limit not in tied])
    found = _method(free, settings)
    if not broken_promises(problem, evaluate(problem.programme, found.tariff)):
        return found
    return solve_together(problem, settings)


def _method(problem: DesignProblem, settings: DesignSettings) -> Found:
    """Pick the exact method that fits, or the one that the settings insist on."""
    first_pound = isinstance(problem.objective, FirstPoundLoss)
    name = settings.method
    if problem.programme.supply_chain is not None:
        if name in ("greedy", "convex"):
            raise UnsupportedModelError(f"method '{name}' knows no supply chain; try method='auto'")
        return solve_through_chain(problem, settings)
    if name in ("greedy", "convex") and (not first_pound or problem.step_gbp is not None):
        raise UnsupportedModelError(
            f"method '{name}' solves FirstPoundLoss without a PriceStep; this problem has {problem.objective.name}"
            f"{' and a PriceStep' if problem.step_gbp is not None else ''}; try method='auto'"
        )
    if name == "greedy" and not problem.is_piecewise_linear:
        raise UnsupportedModelError("method 'greedy' needs curvature 0 and no mission; try method='auto'")
    if name == "convex":
        return _convex(problem, settings)
    if name == "greedy" or (name == "auto" and first_pound and problem.step_gbp is None):
        return _greedy(problem) if problem.is_piecewise_linear else solve_columns(problem, settings)
    return solve_columns(problem, settings)


def _greedy(problem: DesignProblem) -> Found:
    answer = solve_greedy(ladders(problem), problem.budget_gbp)
    tariff = problem.base.at_price(answer.price_gbp)
    loss = problem.objective.total(evaluate(problem.programme, tariff))
    return Found(tariff, loss, loss, answer.multiplier, _GREEDY)


_GREEDY = "buying steps of all groups by loss saved per pound (exact)"
_CONVEX = "convex programme"


def _convex(problem: DesignProblem, settings: DesignSettings) -> Found:
    """Solve through cvxpy; the bound is this package's own and not the solver's."""
    answer = solve_convex(problem, settings.solver)
    multiplier = answer.multiplier
    bound = max(convex_bound(problem, multiplier * nudge) for nudge in (1.0 - 1e-6, 1.0, 1.0 + 1e-6))
    if problem.is_piecewise_linear:
        exact = _greedy(problem)
        bound, multiplier = exact.bound, exact.multiplier
    method = f"{_CONVEX} through cvxpy and {settings.solver}"
    return Found(problem.base.at_price(answer.price_gbp), answer.claimed_loss, bound, multiplier, method)


def _checked(problem: DesignProblem, found: Found, settings: DesignSettings) -> Design:
    """Return the design after holding it against the exact equilibrium, the limits and its bound."""
    service, programme = found.minimum_service_gbp, problem.programme
    contracted = programme if service is None else programme.replace(minimum_service_gbp=service)
    evaluation = found.evaluation or evaluate(contracted, found.tariff)
    aim = problem.objective
    objective = aim.total(evaluation)
    loss = -aim.better * objective
    known = [abs(value) for value in (loss, found.bound) if np.isfinite(value)]
    scale = max(*known, problem.programme.caseload.total_participants)
    if abs(loss - found.claimed_loss) > _CLAIM_RELATIVE * scale:
        raise SolverError(
            f"{found.method} claims {aim.name} of {-aim.better * found.claimed_loss:,.8g} {aim.unit}; the exact "
            f"equilibrium under its prices gives {objective:,.8g}. The answer is refused."
        )
    if broken := broken_promises(problem, evaluation):
        raise SolverError(f"{found.method} returned prices that break {'; '.join(broken)}. The answer is refused.")
    if found.method.startswith(_CONVEX) and loss - found.bound > _FALSE_OPTIMUM_RELATIVE * scale:
        raise SolverError(
            f"{found.method} calls {objective:,.8g} {aim.unit} optimal, but all that is proved is "
            f"{found.bound:,.8g}. The answer is refused; try another solver, or method='auto'."
        )
    bound = min(found.bound, loss)
    status = "optimal" if relative_gap(loss, bound) <= settings.relative_gap else "gap"
    status = status if found.proved else "local"
    return Design(
        problem=problem,
        tariff=found.tariff,
        evaluation=evaluation,
        objective=objective,
        bound=-aim.better * bound,
        status=status,
        budget_price=found.multiplier,
        method=found.method,
        solve_again=partial(solve, settings=settings),
    )
