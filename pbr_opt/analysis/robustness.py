"""One tariff for many plausible worlds: what it may cost, whom it may leave parked, and what caution costs.

An ensemble is a plain sequence of programmes with the same payment groups, and weights: whoever draws worlds hands over
what is drawn. A tariff is chosen before the world is known, so it is the same in all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import ArrayLike

from pbr_opt.analysis.regrouping import price_list
from pbr_opt.design.objectives import FirstPoundLoss, Objective
from pbr_opt.design.problem import DesignProblem
from pbr_opt.design.result import relative_gap
from pbr_opt.design.robust_columns import RobustAnswer, WorldColumns, choose_columns, tail_mean
from pbr_opt.design.robust_first_pound import ScenarioPrices, Scenarios, solve_scenarios
from pbr_opt.errors import DesignInfeasibleError, SolverError, UnsupportedModelError
from pbr_opt.evaluation import evaluate
from pbr_opt.market.programme import Programme
from pbr_opt.market.tariffs import Tariff
from pbr_opt.quantities import SPEND_RELATIVE, FloatArray, Inspection, frozen

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Outlook", "RobustDesign", "RobustSettings", "outlook", "robust", "robust_first_pound"]

_CLAIM_RELATIVE: Final = 1e-9
"""How far, relatively, what the search claims may lie from the exact equilibrium: the same sums in another order."""


@dataclass(frozen=True)
class RobustSettings:
    """Against what to be safe.

    Parameters
    ----------
    spend_tail, loss_tail : float
        The budget is kept, and the objective improved, on average over the worst worlds of this weight: 1 is the mean
        over all worlds, 0 the worst world. (Conditional value at risk at level 1 - tail.)
    relative_gap : float
        Called optimal when objective and bound differ by no more than this, relatively.
    most_labels : int
        Partial choices kept by a knapsack before it settles for a gap.

    Raises
    ------
    InvalidInputError
        Numbers out of range: all at once.

    Examples
    --------
    >>> RobustSettings().spend_tail
    0.2
    """

    spend_tail: float = 0.2
    loss_tail: float = 1.0
    relative_gap: float = 1e-9
    most_labels: int = 200_000

    def __post_init__(self) -> None:
        """Check every setting."""
        check = Inspection("RobustSettings")
        for name in ("spend_tail", "loss_tail", "relative_gap"):
            check.number(name, getattr(self, name), highest=1.0)
        check.whole("most_labels", self.most_labels, lowest=100)
        check.finish()


@dataclass(frozen=True, eq=False)
class Outlook:
    """One tariff in every world, by the exact equilibrium.

    Attributes
    ----------
    aim : Objective
        What is looked at.
    weight, spend_gbp, objective : array (worlds,)
        Weights add up to 1.
    """

    aim: Objective
    weight: FloatArray
    spend_gbp: FloatArray
    objective: FloatArray

    def spend_tail_gbp(self, tail: float) -> float:
        """Return the mean spend in the dearest worlds that weigh ``tail``; 1 is the mean, 0 the dearest."""
        return tail_mean(self.spend_gbp, self.weight, tail)

    def objective_tail(self, tail: float) -> float:
        """Return the mean objective in the worst worlds that weigh ``tail``."""
        return -self.aim.better * tail_mean(-self.aim.better * self.objective, self.weight, tail)

    def overspend_probability(self, budget_gbp: float) -> float:
        """Return the weight of worlds in which the tariff costs more than a budget."""
        return float(self.weight[self.spend_gbp > budget_gbp * (1.0 + SPEND_RELATIVE)].sum())

    def to_frame(self) -> pd.DataFrame:
        """Return one row a world."""
        import pandas as pd  # slow to import: only when a table is asked for

        columns = {"weight": self.weight, "spend_gbp": self.spend_gbp, "objective": self.objective}
        return pd.DataFrame({"world": np.arange(self.weight.size)} | columns)


@dataclass(frozen=True, eq=False)
class RobustDesign:
    """A tariff for many worlds.

    Attributes
    ----------
    tariff : Tariff
        The answer: list prices.
    outlook : Outlook
        What it does in every world.
    settings : RobustSettings
        Against what it is safe.
    objective, bound : float
        Tail mean of the objective, and what no other prices from the list surpass.
    status : str
        ``optimal`` or ``gap``.
    """

    tariff: Tariff
    outlook: Outlook
    settings: RobustSettings
    objective: float
    bound: float
    status: str

    @property
    def gap(self) -> float:
        """Return the relative gap between objective and bound, at least 0."""
        return relative_gap(self.objective, self.bound)


def outlook(worlds: Sequence[Programme], aim: Objective, tariff: Tariff, weights: ArrayLike | None = None) -> Outlook:
    """Return what a tariff does in every world.

    Examples
    --------
    >>> from pbr_opt.design.objectives import Parked
    >>> from pbr_opt.market.caseload import Caseload
    >>> worlds = [Programme("p", Caseload(["a"], 100, low, .42, 600), Tariff(["a"], 0, 2000)) for low in (.10, .20)]
    >>> there = outlook(worlds, Parked(), worlds[0].tariff)
    >>> there.objective.tolist(), there.overspend_probability(30_000)
    ([0.0, 100.0], 0.5)
    """
    share = _weights(worlds, aim, weights)
    there = [evaluate(world, tariff) for world in worlds]
    return Outlook(aim, share, frozen([item.spend_gbp for item in there]), frozen([aim.total(item) for item in there]))


def robust(
    worlds: Sequence[Programme],
    aim: Objective,
    *,
    prices_gbp: ArrayLike,
    budget_gbp: float,
    weights: ArrayLike | None = None,
    settings: RobustSettings | None = None,
) -> RobustDesign:
    """Return one list price a group that does best over an ensemble of worlds.

    ``min CVaR_a(loss_w)  subject to  CVaR_b(spend_w) <= budget``, over one price a group from a list; a and b are
    ``loss_tail`` and ``spend_tail``.

    Parameters
    ----------
    worlds : sequence of Programme
        With the same payment groups and no supply chain; the first one's tariff gives attachment fees and proportions.
    aim : Objective
        Minimised or maximised as is its nature.
    prices_gbp : array
        List prices to choose from.
    budget_gbp : float
        For everything the Department pays.
    weights : array (worlds,), optional
        At least 0; equal without them.
    settings : RobustSettings, optional
        Mean, tail or worst case; by default the mean objective, and the budget kept in the dearest fifth of worlds.

    Returns
    -------
    RobustDesign
        Evaluated in every world.

    Raises
    ------
    InvalidInputError, UnsupportedModelError
        No worlds, other groups, weights that are none; a supply chain.
    DesignInfeasibleError
        When the lowest price everywhere costs too much; says the least budget.
    SolverError
        When an answer does not survive re-evaluation.

    Examples
    --------
    >>> from pbr_opt.design.objectives import Parked
    >>> from pbr_opt.market.caseload import Caseload
    >>> worlds = [Programme("p", Caseload(["a"], 100, low, .42, 600), Tariff(["a"], 0, 0)) for low in (.10, .20)]
    >>> there = robust(worlds, Parked(), prices_gbp=range(0, 4001, 100), budget_gbp=50_000)
    >>> there.tariff.price_gbp.tolist(), there.objective, there.status
    ([1900.0], 50.0, 'optimal')
    """
    choice = settings or RobustSettings()
    share = _weights(worlds, aim, weights)
    prices = price_list("robust", prices_gbp)
    base = worlds[0].tariff.aligned(worlds[0].caseload.groups)
    paying = [world.replace(tariff=base) for world in worlds]
    problem = _columns(paying, aim, prices, (share, _finite(budget_gbp), choice))
    answer = choose_columns(problem, choice.most_labels)
    tariff = base.at_price(prices[answer.choice])
    return _checked(worlds, aim, tariff, (share, problem.budget, choice), answer)


def robust_first_pound(
    worlds: Sequence[Programme],
    *,
    budget_gbp: float,
    weights: ArrayLike | None = None,
    settings: RobustSettings | None = None,
) -> RobustDesign:
    """Return the prices of least first-pound loss over an ensemble, in continuous prices: a scenario programme.

    Parameters
    ----------
    worlds, budget_gbp, weights, settings
        As for :func:`robust`; curvature 0 and no mission in every world.

    Returns
    -------
    RobustDesign
        Evaluated in every world, with a bound that no solver had a hand in.

    Raises
    ------
    InvalidInputError, UnsupportedModelError, DesignInfeasibleError, SolverError
        As :func:`robust`.

    Examples
    --------
    >>> from pbr_opt.market.caseload import Caseload
    >>> worlds = [Programme("p", Caseload(["a"], 100, low, .42, 600), Tariff(["a"], 0, 0)) for low in (.10, .20)]
    >>> there = robust_first_pound(worlds, budget_gbp=20_000)  # the dearer world pays 100 * 0.2 an outcome
    >>> there.tariff.price_gbp.round(4).tolist(), there.status
    ([1000.0], 'optimal')
    """
    choice, aim = settings or RobustSettings(), FirstPoundLoss()
    share = _weights(worlds, aim, weights)
    base = worlds[0].tariff.aligned(worlds[0].caseload.groups)
    problems = [DesignProblem(world.replace(tariff=base), aim) for world in worlds]
    if any(here.base.groups != problems[0].base.groups for here in problems):
        raise UnsupportedModelError("Worlds of a scenario programme have their groups in one order; sort the caseloads")
    if not all(here.is_piecewise_linear for here in problems):
        raise UnsupportedModelError(
            "A scenario programme needs curvature 0 and no mission; try robust(..., prices_gbp=...)"
        )
    cheapest = outlook(worlds, aim, base.at_price(problems[0].price_bounds_gbp[0]), share)
    _require_affordable(cheapest.spend_tail_gbp(choice.spend_tail), _finite(budget_gbp), choice, 0.0)
    scenarios = Scenarios(problems, share, budget_gbp, choice.spend_tail, choice.loss_tail)
    found = solve_scenarios(scenarios)
    return _checked(worlds, aim, base.at_price(found.price_gbp), (share, budget_gbp, choice), found)


def _finite(budget_gbp: float) -> float:
    check = Inspection("robust design")
    budget = check.number("budget_gbp", budget_gbp)
    check.finish()
    return budget


def _require_affordable(least: float, budget: float, settings: RobustSettings, lowest: float) -> None:
    """Raise when the lowest price everywhere costs more than the budget in the worlds it has to cover."""
    if least > budget * (1.0 + SPEND_RELATIVE):
        raise DesignInfeasibleError(
            f"The lowest price, £{lowest:,.0f} for everybody, costs £{least:,.0f} in the worlds that the budget of "
            f"£{budget:,.0f} has to cover (spend_tail {settings.spend_tail:g}).",
            least_budget_gbp=least,
            binding_limits=(f"Budget(£{budget:,.0f})", f"lowest price £{lowest:,.0f}"),
        )


def _checked(
    worlds: Sequence[Programme],
    aim: Objective,
    tariff: Tariff,
    asked: tuple[FloatArray, float, RobustSettings],
    answer: RobustAnswer | ScenarioPrices,
) -> RobustDesign:
    """Return the design after holding it against the exact equilibrium of every world."""
    share, budget, choice = asked
    there = outlook(worlds, aim, tariff, share)
    loss = -aim.better * there.objective_tail(choice.loss_tail)
    over = there.spend_tail_gbp(choice.spend_tail) > budget * (1.0 + SPEND_RELATIVE)
    scale = max(abs(loss), *(world.caseload.total_participants for world in worlds))
    if over or abs(loss - answer.loss) > _CLAIM_RELATIVE * scale:
        raise SolverError("The prices found over many worlds do not survive re-evaluation. The answer is refused.")
    bound = loss if answer.bound == answer.loss else min(answer.bound, loss)
    status = "optimal" if relative_gap(loss, bound) <= choice.relative_gap else "gap"
    return RobustDesign(tariff, there, choice, -aim.better * loss, -aim.better * bound, status)


def _columns(
    worlds: Sequence[Programme], aim: Objective, prices: FloatArray, asked: tuple[FloatArray, float, RobustSettings]
) -> WorldColumns:
    """Return cost and loss of every price in every world, and require that the lowest everywhere is affordable."""
    share, budget, settings = asked
    problems = [DesignProblem(world, aim) for world in worlds]
    groups = range(len(problems[0].base.groups))
    order = [[problem.base.groups.index(name) for name in problems[0].base.groups] for problem in problems]
    there = [[problem.at_prices(at[g], prices) for g in groups] for problem, at in zip(problems, order, strict=True)]
    cost = np.array([[column.cost_gbp for column in row] for row in there])
    loss = -aim.better * np.array([[column.achieved for column in row] for row in there])
    least = tail_mean(cost[:, :, 0].sum(axis=1), share, settings.spend_tail)
    _require_affordable(least, budget, settings, float(prices[0]))
    most = float(cost.max(axis=2).sum(axis=1).max())
    return WorldColumns(cost, loss, share, min(max(budget, least), most), settings.spend_tail, settings.loss_tail)


def _weights(worlds: Sequence[Programme], aim: object, weights: ArrayLike | None) -> FloatArray:
    """Return weights that add up to 1, after a look at the worlds."""
    check = Inspection("ensemble of worlds")
    if isinstance(worlds, Programme) or not np.iterable(worlds) or not len(worlds):
        check.fault("worlds", type(worlds).__name__, "a list of at least one Programme")
        check.finish()
    for k, world in enumerate(worlds):
        if not isinstance(world, Programme):
            check.fault(f"worlds[{k}]", type(world).__name__, "a Programme")
    if not isinstance(aim, Objective):
        check.fault("aim", type(aim).__name__, "an objective", "Parked()")
    check.finish()
    for k, world in enumerate(worlds):
        if set(world.caseload.groups) != set(worlds[0].caseload.groups):
            wanted = f"those of worlds[0]: {', '.join(worlds[0].caseload.groups)}"
            check.fault(f"worlds[{k}]", "other payment groups", wanted)
    share = check.array("weights", 1.0 if weights is None else weights, len(worlds))
    if not (np.isfinite(share).all() and (share >= 0.0).all() and share.sum() > 0.0):
        check.fault("weights", share.tolist(), "finite weights of at least 0, some above")
    check.finish()
    if any(world.supply_chain is not None for world in worlds):
        raise UnsupportedModelError("Robust designs are for primes that deliver alone; try replace(supply_chain=None)")
    return frozen(share / share.sum())
