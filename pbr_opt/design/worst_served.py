"""Make the worst-served group as well served as money can: the least largest parked share, by halving the levels.

A level is a parked share that no group may exceed. The cheapest tariff for a level costs more the lower it is, and only
shares at which somebody stops being parked are levels; so halving their list finds the lowest that is affordable, with
as many looks as the list has binary digits.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from pbr_opt.design.conflicts import Cheapest, cheapest
from pbr_opt.design.group_limits import MaxParkedShare
from pbr_opt.design.objectives import Parked, WorstServed
from pbr_opt.design.problem import DesignProblem
from pbr_opt.design.result import Found
from pbr_opt.evaluation import evaluate
from pbr_opt.quantities import FloatArray

__all__ = ["solve_worst_served"]

_LEVELS: Final = 1_025
"""Levels that are tried through a supply chain: a tenth of a per cent apart."""


def solve_worst_served(problem: DesignProblem, start: Cheapest) -> Found:
    """Return the cheapest tariff among those whose largest parked share is least.

    Parameters
    ----------
    problem : DesignProblem
        With :class:`~pbr_opt.design.objectives.WorstServed` as its objective.
    start : Cheapest
        The cheapest tariff within the limits; it fits the budget.

    Examples
    --------
    >>> from pbr_opt.design.limits import Budget
    >>> from pbr_opt.market.caseload import Caseload
    >>> from pbr_opt.market.programme import Programme
    >>> from pbr_opt.market.tariffs import Tariff
    >>> people = Caseload(["a", "b"], [100, 100], [.12, .02], [.42, .10], 600)
    >>> programme = Programme("p", people, Tariff(["a", "b"], 0, 4000))
    >>> problem = DesignProblem(programme, WorstServed(), [Budget(39_000)])
    >>> solve_worst_served(problem, cheapest(problem)).tariff.price_gbp.round(6).tolist()
    [2000.0, 7500.0]
    """
    plain = DesignProblem(problem.given, Parked(), problem.limits, problem.reference)
    levels = _levels(plain)
    best, unknown = start, np.inf
    low, high = -1, levels.size - 1  # the highest level is what the cheapest tariff may leave
    while high - low > 1:
        middle = (low + high) // 2
        there = cheapest(_at_level(plain, float(levels[middle])))
        if there is not None and not problem.is_over_budget(there.spend_gbp):
            high, best = middle, there
        else:
            if there is not None and not problem.is_over_budget(there.bound_gbp):
                unknown = min(unknown, float(levels[middle]))  # neither affordable nor proved not to be
            low = middle
    loss = WorstServed().total(evaluate(problem.programme, best.tariff))
    method = f"halving {levels.size:,} levels of the largest parked share"
    return Found(best.tariff, loss, min(loss, unknown), 0.0, method, proved=problem.programme.supply_chain is None)


def _levels(problem: DesignProblem) -> FloatArray:
    """Return every parked share that a group can have, rising."""
    caseload, shares = problem.programme.caseload, [np.array([0.0, 1.0])]
    if problem.programme.supply_chain is not None:  # tiers park at prices of their own
        return np.linspace(0.0, 1.0, _LEVELS)
    for g, heads in enumerate(caseload.group_participants):
        rows = np.flatnonzero(caseload.group_index == g)
        if heads > 0:
            order = rows[np.argsort(problem.parking_price_gbp[rows])]
            shares.append(np.cumsum(caseload.participants[order][::-1]) / heads)
    return np.unique(np.minimum(np.concatenate(shares), 1.0))


def _at_level(problem: DesignProblem, level: float) -> DesignProblem:
    known = next((limit.share for limit in problem.limits if isinstance(limit, MaxParkedShare)), 1.0)
    others = [limit for limit in problem.limits if not isinstance(limit, MaxParkedShare)]
    return problem.with_limits([*others, MaxParkedShare(min(level, known))])
