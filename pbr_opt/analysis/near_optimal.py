"""Tariffs that are nearly as good as the best and easier to live with: fewer prices, nearer to today's, rounder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import ArrayLike

from pbr_opt.analysis.regrouping import Regrouping, few_prices, price_list, regroup
from pbr_opt.design.objectives import Objective
from pbr_opt.design.problem import DesignProblem
from pbr_opt.design.search import Menu, solve_knapsack
from pbr_opt.evaluation import Evaluation, evaluate
from pbr_opt.market.programme import Programme
from pbr_opt.market.tariffs import Tariff
from pbr_opt.quantities import FloatArray, Inspection

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Alternative", "NearOptimal", "near_optimal"]

_ROUND_GBP: Final = 50.0
_RATES: Final = 60
"""Rates of exchange between nearness and the objective that are tried for a tariff near to today's."""


@dataclass(frozen=True, eq=False)
class Alternative:
    """One tariff within the stated loss, evaluated exactly.

    Attributes
    ----------
    label : str
        What speaks for it.
    tariff : Tariff
        List prices.
    evaluation : Evaluation
        What providers do under it.
    objective : float
        What it achieves.
    status : str
        ``optimal`` where what speaks for it is proved (nothing has fewer prices, or does better among round ones);
        ``local`` for nearness to today's prices, which is found by a search over rates of exchange.
    """

    label: str
    tariff: Tariff
    evaluation: Evaluation
    objective: float
    status: str


@dataclass(frozen=True, eq=False)
class NearOptimal:
    """The best tariff of a list of prices, and simpler ones that lose no more than was allowed.

    Attributes
    ----------
    programme : Programme
        Whose tariff is redesigned; its own tariff is "today's".
    aim : Objective
        What was to be achieved.
    best : Regrouping
        The best tariff, every group free to have its own price.
    allowed_loss : float
        In units of the objective.
    alternatives : tuple of Alternative
        By number of distinct prices, then by what they give up.
    """

    programme: Programme
    aim: Objective
    best: Regrouping
    allowed_loss: float
    alternatives: tuple[Alternative, ...]

    @cached_property
    def _today(self) -> Tariff:
        return self.programme.tariff.aligned(self.programme.caseload.groups)

    def to_frame(self) -> pd.DataFrame:
        """Return one row a tariff: distinct prices, mean distance from today's prices, what it achieves and costs."""
        import pandas as pd  # slow to import: only when a table is asked for

        heads = self.programme.caseload.group_participants
        rows = [
            {
                "tariff": item.label,
                "distinct_prices": _distinct(item.tariff),
                "distance_gbp": float(heads @ np.abs(item.tariff.price_gbp - self._today.price_gbp) / heads.sum()),
                "objective": item.objective,
                "given_up": self.aim.better * (self.best.objective - item.objective),
                "spend_gbp": item.evaluation.spend_gbp,
                "status": item.status,
            }
            for item in self.alternatives
        ]
        return pd.DataFrame(rows)


def near_optimal(
    programme: Programme,
    aim: Objective,
    *,
    prices_gbp: ArrayLike,
    budget_gbp: float = np.inf,
    loss: float = 0.01,
) -> NearOptimal:
    """Return simpler tariffs within a stated loss of the best one, ranked.

    Parameters
    ----------
    programme : Programme
        No supply chain; its own tariff is what "near to today's" means.
    aim : Objective
        Minimised or maximised as is its nature.
    prices_gbp : array
        List prices to choose from.
    budget_gbp : float, optional
        For everything the Department pays; alternatives keep it too.
    loss : float, optional
        What may be given up, as a share of the best objective, 0..1.

    Returns
    -------
    NearOptimal
        For each number of prices, from the fewest that will do, the best tariff; the best among multiples of £50; one
        nearer to today's prices. Every one is evaluated again by the exact equilibrium.

    Raises
    ------
    InvalidInputError, DesignInfeasibleError, UnsupportedModelError, SolverError
        As :func:`~pbr_opt.analysis.regrouping.regroup`.

    Examples
    --------
    >>> from pbr_opt.design.objectives import AdditionalOutcomes
    >>> from pbr_opt.market.caseload import Caseload
    >>> people = Caseload(["a", "b", "c"], 100, [.12, .05, .10], [.42, .13, .40], 600)
    >>> programme = Programme("p", people, Tariff(["a", "b", "c"], 0, 4000))
    >>> there = near_optimal(programme, AdditionalOutcomes(), prices_gbp=range(0, 9001, 250), budget_gbp=3e5, loss=.05)
    >>> there.to_frame()["distinct_prices"].tolist()[0], there.best.status
    (2, 'optimal')
    """
    check = Inspection("near_optimal")
    share = check.number("loss", loss, highest=1.0)
    if not isinstance(programme, Programme):
        check.fault("programme", type(programme).__name__, "a Programme")
    check.finish()
    prices = price_list("near_optimal", prices_gbp)
    groups = len(programme.caseload.groups)
    best = regroup(programme, aim, most_groups=groups, prices_gbp=prices, budget_gbp=budget_gbp)
    allowed = share * abs(best.objective)
    found = [_alternative(best, f"the best with {_distinct(best.tariff)} prices", best.tariff, best.status)]
    found += _fewer(best, prices, budget_gbp, allowed)
    round_prices = prices[np.abs(prices / _ROUND_GBP - np.rint(prices / _ROUND_GBP)) < 1e-9]
    if 0 < round_prices.size < prices.size and round_prices[0] == prices[0]:
        rounded = regroup(programme, aim, most_groups=groups, prices_gbp=round_prices, budget_gbp=budget_gbp)
        found.append(_alternative(best, f"multiples of £{_ROUND_GBP:.0f}", rounded.tariff, rounded.status))
    near = _near_today(best, prices, budget_gbp, allowed)
    found.append(_alternative(best, "near to today's prices", near, "local"))
    return NearOptimal(programme, aim, best, allowed, _ranked(best, found, allowed))


def _fewer(best: Regrouping, prices: FloatArray, budget_gbp: float, allowed: float) -> list[Alternative]:
    """Return the best tariff for each smaller number of prices, down to the fewest that lose no more than allowed."""
    found = []
    for most in range(_distinct(best.tariff) - 1, 0, -1):
        there = regroup(best.programme, best.aim, most_groups=most, prices_gbp=prices, budget_gbp=budget_gbp)
        label = f"the best with at most {most} price{'' if most == 1 else 's'}"
        found.append(_alternative(best, label, there.tariff, there.status))
        if _given_up(best, found[-1]) > allowed:
            return found[:-1]
    return found


def _ranked(best: Regrouping, found: Sequence[Alternative], allowed: float) -> tuple[Alternative, ...]:
    """Return those within the loss, by number of prices and then by what they give up."""
    within = [item for item in found if _given_up(best, item) <= allowed * (1.0 + 1e-12)]
    return tuple(sorted(within, key=lambda item: (_distinct(item.tariff), _given_up(best, item))))


def _given_up(best: Regrouping, item: Alternative) -> float:
    return best.aim.better * (best.objective - item.objective)


def _distinct(tariff: Tariff) -> int:
    return int(np.unique(np.round(tariff.price_gbp, 6)).size)


def _alternative(best: Regrouping, label: str, tariff: Tariff, status: str) -> Alternative:
    there = evaluate(best.programme, tariff)
    return Alternative(label, tariff, there, best.aim.total(there), status)


def _near_today(best: Regrouping, prices: FloatArray, budget_gbp: float, allowed: float) -> Tariff:
    """Return a tariff whose prices are near today's, within the loss: the best at one of many rates of exchange.

    Minimises loss + rate * people * distance within the budget, exactly for each rate, and keeps the nearest that
    qualifies.
    """
    programme, aim = best.programme, best.aim
    problem = few_prices(DesignProblem(programme, aim), prices, budget_gbp, prices.size)
    today = programme.tariff.aligned(programme.caseload.groups)
    distance = programme.caseload.group_participants[:, None] * np.abs(prices - today.price_gbp[:, None])
    rows, most = np.arange(distance.shape[0]), float(np.ptp(problem.loss)) / max(float(distance.max()), 1e-300)
    nearest, chosen = np.inf, best.tariff
    for rate in most * np.geomspace(1e-4, 1e4, _RATES):
        menus = [Menu(c, v) for c, v in zip(problem.cost, problem.loss + rate * distance, strict=True)]
        answer = solve_knapsack(menus, problem.budget)
        lost = float(problem.loss[rows, answer.choice].sum()) + aim.better * best.objective
        far = float(distance[rows, answer.choice].sum())
        if lost <= allowed and far < nearest:
            nearest, chosen = far, today.at_price(prices[answer.choice])
    return chosen
