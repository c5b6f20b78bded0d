"""Whether any tariff keeps the limits, and when none does: which limits conflict, and what money would do.

A conflict is told by an irreducible set of limits: together they leave nothing, and without any one of them something
is left. Limits are taken away one after the other, and stay away where nothing is left without them too (the deletion
filter).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from pbr_opt.design.joint import least_spend_together
from pbr_opt.design.limits import Budget, Limit, PriceStep
from pbr_opt.design.objectives import Parked, WorstServed
from pbr_opt.design.problem import DesignProblem
from pbr_opt.errors import DesignInfeasibleError
from pbr_opt.market.tariffs import Tariff
from pbr_opt.quantities import SPEND_PER_HEAD_GBP, SPEND_RELATIVE

__all__ = ["Cheapest", "cheapest", "conflict", "require_feasible"]


@dataclass(frozen=True, slots=True)
class Cheapest:
    """The tariff that costs least under all limits but the budget, what it costs, and a bound on what any costs."""

    tariff: Tariff
    spend_gbp: float
    bound_gbp: float


def cheapest(problem: DesignProblem) -> Cheapest | None:
    """Return the cheapest tariff that keeps all limits but the budget; None when there is none.

    Examples
    --------
    >>> from pbr_opt.design.group_limits import MaxParkedShare
    >>> from pbr_opt.design.objectives import Parked
    >>> from pbr_opt.market.caseload import Caseload
    >>> from pbr_opt.market.programme import Programme
    >>> people = Caseload(["a"], 100, .12, .42, 600)
    >>> problem = DesignProblem(Programme("p", people, Tariff(["a"], 0, 4000)), Parked(), [MaxParkedShare(0.5)])
    >>> cheapest(problem).tariff.price_gbp.tolist(), cheapest(problem).spend_gbp
    ([2000.0], 24000.0)
    """
    if isinstance(problem.objective, WorstServed):  # what it costs does not depend on what it is for
        problem = DesignProblem(problem.given, Parked(), problem.limits, problem.reference)
    alone = problem.least_tariff
    if alone is None:
        return None
    if not problem.joint_limits:
        return Cheapest(alone, problem.least_spend_gbp, problem.least_spend_gbp)
    found = least_spend_together(problem)
    if found is None:
        return None
    tariff, bound = found
    spend = problem.spend_at(tariff)
    return Cheapest(tariff, spend, min(bound, spend))


def require_feasible(problem: DesignProblem) -> Cheapest:
    """Return the cheapest tariff within the limits.

    Raises
    ------
    DesignInfeasibleError
        When no tariff meets the limits: says which conflict, and the least budget that would do.
    """
    there = cheapest(problem)
    if there is not None and not _over(problem, there):
        return there
    core = conflict(problem)
    if there is not None and any(isinstance(limit, Budget) for limit in core):
        raise _too_dear(problem, there, core)
    raise _in_conflict(problem, core)


def conflict(problem: DesignProblem, is_feasible: Callable[[DesignProblem], bool] | None = None) -> tuple[Limit, ...]:
    """Return an irreducible set of limits that no tariff meets; meaningful where no tariff meets all.

    Parameters
    ----------
    problem : DesignProblem
        With too many limits.
    is_feasible : callable, optional
        Whether some tariff meets the limits of a problem; by the cheapest tariff when left out.
    """
    fine = is_feasible or _is_feasible
    core = list(problem.limits)
    for limit in sorted(problem.limits, key=lambda each: isinstance(each, Budget), reverse=True):
        others = [each for each in core if each is not limit]
        if not fine(problem.with_limits(others)):
            core = others
    return tuple(core)


def _is_feasible(problem: DesignProblem) -> bool:
    there = cheapest(problem)
    return there is not None and not _over(problem, there)


def _over(problem: DesignProblem, there: Cheapest) -> bool:
    return bool(_overspent(problem, there))


def _overspent(problem: DesignProblem, there: Cheapest) -> list[tuple[str, float, float]]:
    """Return name, need and amount of every cap that the cheapest tariff breaks."""
    attachment = float(problem.attachment_spend_gbp.sum())
    slack = SPEND_PER_HEAD_GBP * problem.programme.caseload.total_participants
    needs = [(row, row.paid(attachment, there.spend_gbp - attachment)) for row in problem.budget_rows]
    return [(row.name, need, row.gbp) for row, need in needs if need > row.gbp * (1.0 + SPEND_RELATIVE) + slack]


def _too_dear(problem: DesignProblem, there: Cheapest, core: Sequence[Limit]) -> DesignInfeasibleError:
    """Return the error that says what the cheapest tariff costs."""
    others = [str(limit) for limit in core if not isinstance(limit, Budget)]
    (_, need, amount), *more = _overspent(problem, there)
    fixed = float(problem.attachment_spend_gbp.sum())
    reason = " and ".join(others) or f"attachment fees, which alone cost £{fixed:,.0f}"
    years = [
        f"{name} needs £{paid:,.2f} of £{cap:,.2f}" for name, paid, cap in _overspent(problem, there) if "year" in name
    ]
    total = np.isfinite(next(limit.gbp for limit in core if isinstance(limit, Budget)))
    budget = f"; the budget is £{amount:,.2f}" if total else ""
    when = f" By year: {'; '.join(years)}." if years else ""
    raise_to = np.ceil(max(there.spend_gbp, need if more else 0.0) * (1.0 - SPEND_RELATIVE))  # what is kept to rounding
    return DesignInfeasibleError(
        f"The cheapest tariff that meets the limits costs £{there.spend_gbp:,.2f}{budget}. In conflict: Budget with "
        f"{reason}.{when} Try a budget of at least £{raise_to:,.0f}, or lower attachment fees or price floors.",
        least_budget_gbp=there.spend_gbp,
        binding_limits=[str(limit) for limit in core],
    )


def _in_conflict(problem: DesignProblem, core: Sequence[Limit]) -> DesignInfeasibleError:
    """Return the error for limits that no money reconciles."""
    named = " and ".join(str(limit) for limit in core)
    told = "; ".join(_facts(problem.with_limits(core)))
    if any(isinstance(limit, PriceStep) for limit in core):
        step = f"No multiple of £{problem.step_gbp:g} lies in the price range of some group; "
        remedy = "try a finer PriceStep or a wider PriceRange."
    else:
        it, one = ("it", "it") if len(core) == 1 else ("any one of them", "one")
        step, remedy = "", f"Without {it} there is a tariff: relax {one}."
    together = "" if len(core) == 1 else " together"
    return DesignInfeasibleError(
        f"No tariff meets {named}{together}, whatever the budget. {told + '. ' if told else ''}{step}{remedy}",
        least_budget_gbp=np.inf,
        binding_limits=[str(limit) for limit in core],
    )


def _facts(problem: DesignProblem) -> list[str]:
    """Return what stands in the way, group by group: ranges that are crossed, and what the highest price achieves."""
    names, (lower, upper) = problem.base.groups, problem.stated_bounds_gbp
    told = [
        f"group '{names[g]}' would have to be paid at least £{lower[g]:,.0f} and at most £{upper[g]:,.0f}"
        for g in np.flatnonzero(lower > upper)
    ]
    outcome, sustainment = problem.base.price_mix()
    for g in np.flatnonzero(lower <= upper):
        there = problem.states(int(g), upper[[g]] * outcome[g], upper[[g]] * sustainment[g])
        for limit, before in zip(problem.group_limits, problem.before, strict=True):
            one = before.take(np.array([g]))
            if not limit.holds(there, one).item():
                told.append(f"{limit}: group '{names[g]}' has {limit.told(there, one)} even at £{upper[g]:,.0f}")
    return told
