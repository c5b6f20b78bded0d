"""Design over a supply chain: columns for the chain as it stands, evaluated anew until the chain stands still."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from pbr_opt.design.chain_columns import couples_groups
from pbr_opt.design.columns import solve_by_zooming, solve_columns
from pbr_opt.design.limits import Budget
from pbr_opt.design.problem import DesignProblem
from pbr_opt.design.result import Found
from pbr_opt.design.settings import DesignSettings
from pbr_opt.equilibrium.chain import ChainEquilibrium
from pbr_opt.errors import SolverError
from pbr_opt.evaluation import evaluate

__all__ = ["solve_through_chain"]

_ROUNDS: Final = 12
_AGREES: Final = 1e-9
"""Columns and equilibrium agree within this, relatively: the same closed forms, summed in another order."""
_SAFETY: Final = 1e-6
"""Kept back when a budget is cut, so that rounding to the price step does not overspend again."""


def solve_through_chain(problem: DesignProblem, settings: DesignSettings) -> Found:
    """Return the best tariff for a programme with a supply chain.

    Without anything that ties groups together, columns are exact and the answer is proved on a price step. Otherwise
    members and shadow prices are taken from the last equilibrium, and the search repeated until the equilibrium
    under its answer agrees; the best tariff on the way that keeps the budget is returned, and called local.

    Raises
    ------
    SolverError
        When no tariff on the way keeps the budget.
    """
    tied = couples_groups(problem.programme)
    proved = not tied and problem.step_gbp is not None and not problem.group_limits
    budget, best = problem.budget_gbp, None
    reference: ChainEquilibrium | None = problem.reference
    for _ in range(_ROUNDS if tied else 1):
        held = _with_budget(problem, budget, reference)
        found = solve_columns(held, settings) if proved else solve_by_zooming(held, settings)
        there = evaluate(problem.programme, found.tariff)
        loss = -problem.objective.better * problem.objective.total(there)
        scale = max(abs(loss), problem.programme.caseload.total_participants)
        agrees = abs(loss - found.claimed_loss) <= _AGREES * scale
        if problem.is_over_budget(there.spend_gbp):
            budget *= problem.budget_gbp / there.spend_gbp * (1.0 - _SAFETY)
        elif best is None or loss < best.claimed_loss:
            best = replace(found, claimed_loss=loss, bound=min(found.bound, loss), proved=proved, evaluation=there)
            if agrees:
                break
        elif agrees:
            break
        reference = there.equilibrium
    if best is None:
        raise SolverError(
            f"No tariff found in {_ROUNDS} rounds keeps the budget of £{problem.budget_gbp:,.0f} once subcontractors "
            "have left or stayed; try a larger budget, or a chain without fixed costs."
        )
    kept = "members of the chain and shadow prices"
    kept = f"{kept}, and what rivals do," if problem.programme.rivalry is not None else kept
    where = "" if proved else f", {kept} as in the last equilibrium"
    return replace(best, method=f"{best.method}, through the supply chain{where}")


def _with_budget(problem: DesignProblem, budget_gbp: float, reference: ChainEquilibrium | None) -> DesignProblem:
    """Return the problem with another budget and a chain to hold."""
    limits = [Budget(budget_gbp) if isinstance(limit, Budget) else limit for limit in problem.limits]
    return DesignProblem(problem.given, problem.objective, limits, reference)
