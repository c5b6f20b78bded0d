"""Which payment groups to pay by: at most k prices for the cells that the Department can observe.

The payment groups of the programme that is handed in are the cells (benefit, age, health, area, ...): what can be told
apart. Cells that are paid the same list price are one payment group of the answer. Within its price each cell keeps its
own proportion of outcome and sustainment fee, and its attachment fee.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import ArrayLike

from pbr_opt.design.grouping import GroupingAnswer, solve_grouping
from pbr_opt.design.grouping_bounds import FewPrices
from pbr_opt.design.grouping_ordered import solve_ordered
from pbr_opt.design.objectives import Objective
from pbr_opt.design.problem import DesignProblem
from pbr_opt.design.result import relative_gap
from pbr_opt.errors import DesignInfeasibleError, SolverError, UnsupportedModelError
from pbr_opt.evaluation import Evaluation, evaluate
from pbr_opt.market.programme import Programme
from pbr_opt.market.tariffs import Tariff
from pbr_opt.quantities import SPEND_PER_HEAD_GBP, SPEND_RELATIVE, FloatArray, Inspection, IntArray, frozen, nearest

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["METHODS", "Regrouping", "RegroupingSettings", "few_prices", "price_list", "regroup"]

METHODS: Final = ("exact", "ordered")

_CLAIM_RELATIVE: Final = 1e-9
"""How far, relatively, what the search claims may lie from the exact equilibrium: the same sums in another order."""

_SUMMED: Final = 1e-12
"""Relative: a budget that a tariff spends to the penny is not to be missed for the order in which costs are added."""

_MOST_PRICES: Final = 5_000
"""Prices on a list: beyond it the linear relaxation of a few dozen cells takes minutes."""


@dataclass(frozen=True)
class RegroupingSettings:
    """How to search for payment groups.

    Parameters
    ----------
    method : str
        ``exact``: any cells may share a price, proved; ``ordered``: a heuristic, groups are stretches of the cells in
        order of their mean parking price.
    relative_gap : float
        Called optimal when objective and bound differ by no more than this, relatively.
    most_parts : int
        Parts of the problem bounded before the search settles for a gap.
    most_labels : int
        Partial choices kept by a knapsack before it does.

    Raises
    ------
    InvalidInputError
        Unknown methods, numbers out of range: all at once.

    Examples
    --------
    >>> RegroupingSettings().method
    'exact'
    """

    method: str = "exact"
    relative_gap: float = 1e-9
    most_parts: int = 100_000
    most_labels: int = 200_000

    def __post_init__(self) -> None:
        """Check every setting."""
        check = Inspection("RegroupingSettings")
        if self.method not in METHODS:
            check.fault("method", self.method, "a method", nearest(self.method, METHODS))
        check.number("relative_gap", self.relative_gap, lowest=0.0, highest=1.0)
        check.whole("most_parts", self.most_parts, lowest=1)
        check.whole("most_labels", self.most_labels, lowest=100)
        check.finish()


@dataclass(frozen=True, eq=False)
class Regrouping:
    """Payment groups and their prices, re-evaluated exactly.

    Attributes
    ----------
    programme : Programme
        Its payment groups are the cells.
    aim : Objective
        What was to be achieved.
    most_groups : int
        How many prices were allowed.
    tariff : Tariff
        List prices, one entry a cell.
    evaluation : Evaluation
        What providers do under it.
    objective, bound : float
        What is achieved, and what no choice of so few prices from the list surpasses within the budget.
    status : str
        ``optimal`` or ``gap``; the heuristic is ``gap`` unless its bound happens to prove it.
    budget_price : float
        Improvement by one more pound of budget, of the relaxation.
    method : str
        How it was found, in words.
    """

    programme: Programme
    aim: Objective
    most_groups: int
    tariff: Tariff
    evaluation: Evaluation
    objective: float
    bound: float
    status: str
    budget_price: float
    method: str

    @property
    def gap(self) -> float:
        """Return the relative gap between objective and bound, at least 0."""
        return relative_gap(self.objective, self.bound)

    @cached_property
    def price_gbp(self) -> FloatArray:
        """Return the list price of each cell, in the order of the programme's groups."""
        return frozen(self.tariff.price_gbp)

    @cached_property
    def group(self) -> tuple[int, ...]:
        """Return the payment group of each cell, counted from 1 by rising price."""
        _, index = np.unique(self._key, return_inverse=True)
        return tuple((index + 1).tolist())

    @property
    def _key(self) -> FloatArray:
        """Return prices to a ten-thousandth of a penny: fees in proportion add up to them with rounding."""
        return np.round(self.price_gbp, 6)

    def to_frame(self) -> pd.DataFrame:
        """Return one row a cell: its payment group, list price, people, and how many of them are parked."""
        import pandas as pd  # slow to import: only when a table is asked for

        caseload = self.programme.caseload
        return pd.DataFrame(
            {
                "cell": list(caseload.groups),
                "name": [self.programme.group_names[cell] for cell in caseload.groups],
                "payment_group": self.group,
                "price_gbp": self.price_gbp,
                "participants": caseload.group_participants,
                "parked_share": self.evaluation.group_parked_share,
            }
        )

    def __str__(self) -> str:
        """Return the answer in a few lines."""
        verb = "least" if self.aim.better < 0 else "most"
        prices = ", ".join(f"£{price:,.0f}" for price in np.unique(self._key))
        return (
            f"{verb} {self.aim.name} with at most {self.most_groups} payment groups: {self.objective:,.6g} "
            f"{self.aim.unit}; status {self.status}, bound {self.bound:,.6g}, gap {self.gap:.1e}\n"
            f"prices {prices}; spend £{self.evaluation.spend_gbp:,.0f}; found by {self.method}"
        )


def regroup(
    programme: Programme,
    aim: Objective,
    *,
    most_groups: int,
    prices_gbp: ArrayLike,
    budget_gbp: float = np.inf,
    settings: RegroupingSettings | None = None,
) -> Regrouping:
    """Return the best payment groups and prices: at most so many prices from a list, within a budget.

    ``min sum loss_jp x_jp  subject to  sum_p x_jp = 1, x_jp <= y_p, sum_p y_p <= k, sum cost_jp x_jp <= B``, the
    p-median problem with a budget, over cells j and list prices p. Loss and cost of a cell at a price are those of the
    exact equilibrium, summed over its latent segments.

    Parameters
    ----------
    programme : Programme
        Its payment groups are the cells; no supply chain.
    aim : Objective
        Minimised or maximised as is its nature.
    most_groups : int
        k, at least 1.
    prices_gbp : array
        List prices to choose from, in any order.
    budget_gbp : float, optional
        Everything the Department pays, attachment fees included.
    settings : RegroupingSettings, optional
        Exact or heuristic.

    Returns
    -------
    Regrouping
        With status, bound and gap filled, and an evaluation by the exact equilibrium.

    Raises
    ------
    InvalidInputError
        No prices, no groups, numbers out of range: all at once.
    DesignInfeasibleError
        When the lowest price everywhere costs more than the budget; says the least budget.
    UnsupportedModelError
        With a supply chain.
    SolverError
        When an answer does not survive re-evaluation.

    Examples
    --------
    >>> from pbr_opt.design.objectives import Parked
    >>> from pbr_opt.market.caseload import Caseload
    >>> people = Caseload(["a", "b", "c"], 100, [.12, .05, .10], [.42, .13, .40], 600)
    >>> programme = Programme("p", people, Tariff(["a", "b", "c"], 0, 4000))
    >>> there = regroup(programme, Parked(), most_groups=2, prices_gbp=range(0, 10_001, 500), budget_gbp=50_000)
    >>> there.price_gbp.tolist(), there.group, there.objective, there.status
    ([2000.0, 0.0, 2000.0], (2, 1, 2), 100.0, 'optimal')
    """
    choice = settings or RegroupingSettings()
    _inspect(programme, aim, most_groups, budget_gbp)
    prices = price_list("regroup", prices_gbp)
    problem = few_prices(DesignProblem(programme, aim), prices, budget_gbp, most_groups)
    if choice.method == "ordered":
        answer = solve_ordered(problem, _by_parking_price(programme), choice.most_labels)
        how = "dynamic programme over cells in order of mean parking price (a heuristic)"
    else:
        answer = solve_grouping(problem, choice.most_parts, choice.most_labels)
        how = f"branch and bound over sets of prices ({answer.parts:,} parts)"
    return _checked(programme, aim, problem, prices[answer.choice], answer, (how, choice.relative_gap))


def _inspect(programme: object, aim: object, most_groups: object, budget_gbp: float) -> None:
    check = Inspection("regroup")
    if not isinstance(programme, Programme):
        check.fault("programme", type(programme).__name__, "a Programme")
    if not isinstance(aim, Objective):
        check.fault("aim", type(aim).__name__, "an objective", "Parked() or AdditionalOutcomes()")
    check.whole("most_groups", most_groups, lowest=1)
    if budget_gbp != np.inf:
        check.number("budget_gbp", budget_gbp)
    check.finish()
    if isinstance(programme, Programme) and programme.supply_chain is not None:
        raise UnsupportedModelError(
            "Payment groups are chosen for primes that deliver alone: through a chain the cells depend on each other; "
            "try programme.replace(supply_chain=None), then evaluate the tariff with the chain"
        )


def price_list(subject: str, prices_gbp: ArrayLike) -> FloatArray:
    """Return the distinct list prices, rising, checked on behalf of ``subject``."""
    check = Inspection(subject)
    prices = np.unique(check.money("prices_gbp", np.atleast_1d(np.asarray(prices_gbp)), int(np.size(prices_gbp))))
    if not prices.size:
        check.fault("prices_gbp", "none", "at least one list price")
    if prices.size > _MOST_PRICES:
        check.fault("prices_gbp", f"{prices.size:,} prices", f"at most {_MOST_PRICES:,}", "a coarser list")
    check.finish()
    return prices


def few_prices(problem: DesignProblem, prices_gbp: FloatArray, budget_gbp: float, most: int) -> FewPrices:
    """Return cost and loss of every group at every price, and require that the lowest everywhere keeps the budget.

    Raises
    ------
    DesignInfeasibleError
        With the least budget that would do.
    """
    columns = [problem.at_prices(g, prices_gbp) for g in range(len(problem.base.groups))]
    cost = np.array([column.cost_gbp for column in columns])
    least = float(cost[:, 0].sum())
    heads = problem.programme.caseload.total_participants
    if least > budget_gbp * (1.0 + SPEND_RELATIVE) + SPEND_PER_HEAD_GBP * heads:
        fixed = float(problem.attachment_spend_gbp.sum())
        raise DesignInfeasibleError(
            f"The lowest price on the list, £{prices_gbp[0]:,.0f} for everybody, costs £{least:,.0f} (attachment fees "
            f"alone £{fixed:,.0f}); the budget is £{budget_gbp:,.0f}. Allow £{least:,.0f} at least, or lower prices.",
            least_budget_gbp=least,
            binding_limits=(f"Budget(£{budget_gbp:,.0f})", f"lowest price £{prices_gbp[0]:,.0f}"),
        )
    loss = -problem.objective.better * np.array([column.achieved for column in columns])
    return FewPrices(cost, loss, max(budget_gbp * (1.0 + _SUMMED), least), most)


def _by_parking_price(programme: Programme) -> IntArray:
    """Return the cells by rising mean parking threshold; whom no price helps counts at the highest finite one."""
    caseload = programme.caseload
    threshold = caseload.parking_threshold_gbp
    highest = float(threshold[np.isfinite(threshold)].max(initial=0.0))
    mean = caseload.sum_by_group(caseload.participants * np.minimum(threshold, highest))
    return np.argsort(mean / np.maximum(caseload.group_participants, np.finfo(float).tiny), kind="stable")


def _checked(
    programme: Programme,
    aim: Objective,
    problem: FewPrices,
    price_gbp: FloatArray,
    answer: GroupingAnswer,
    how: tuple[str, float],
) -> Regrouping:
    """Return the answer after holding it against the exact equilibrium, the budget and the number of prices."""
    tariff = programme.tariff.aligned(programme.caseload.groups).at_price(price_gbp)
    evaluation = evaluate(programme, tariff)
    objective = aim.total(evaluation)
    loss, spend = -aim.better * objective, evaluation.spend_gbp
    heads = programme.caseload.total_participants
    scale = max(abs(loss), heads)
    over = spend > problem.budget * (1.0 + SPEND_RELATIVE) + SPEND_PER_HEAD_GBP * heads
    if abs(loss - answer.loss) > _CLAIM_RELATIVE * scale or over or np.unique(price_gbp).size > problem.most:
        raise SolverError(
            f"{how[0]} claims {aim.name} of {-aim.better * answer.loss:,.8g} within £{problem.budget:,.2f} and "
            f"{problem.most} prices; the exact equilibrium gives {objective:,.8g} for £{spend:,.2f} with "
            f"{np.unique(price_gbp).size}. The answer is refused."
        )
    bound = loss if answer.bound == answer.loss else min(answer.bound, loss)
    status = "optimal" if relative_gap(loss, bound) <= how[1] else "gap"
    return Regrouping(
        programme=programme,
        aim=aim,
        most_groups=problem.most,
        tariff=tariff,
        evaluation=evaluation,
        objective=objective,
        bound=-aim.better * bound,
        status=status,
        budget_price=answer.multiplier,
        method=how[0],
    )
