"""What every budget can achieve at best: the frontier of an objective against the budget, in one call.

All budgets are solved together (:func:`pbr_opt.design.branching.solve_budgets`), each with its own proof. A frontier is
shown as it is: people parked fall in jumps, and the price of a group may fall as the budget rises. Only for
first-pound loss is it convex; there the budgets at which it bends are known exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import ArrayLike

from pbr_opt.design.branching import Answers, solve_budgets
from pbr_opt.design.cells import has_cells, price_cells
from pbr_opt.design.columns import solve_on_step
from pbr_opt.design.conflicts import require_feasible
from pbr_opt.design.ladder import ladders
from pbr_opt.design.limits import Budget, Limit
from pbr_opt.design.objectives import FirstPoundLoss, Objective, SegmentContext, WorstServed
from pbr_opt.design.optimise import solve
from pbr_opt.design.problem import DesignProblem
from pbr_opt.design.result import Design, relative_gap
from pbr_opt.design.settings import DesignSettings
from pbr_opt.errors import DesignInfeasibleError, Fault, InvalidInputError, SolverError
from pbr_opt.evaluation import evaluate, respond
from pbr_opt.market.programme import Programme
from pbr_opt.market.tariffs import Tariff
from pbr_opt.notebook import Tabled
from pbr_opt.quantities import SPEND_PER_HEAD_GBP, SPEND_RELATIVE, FloatArray, Inspection

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Frontier", "frontier"]

_CLAIM_RELATIVE: Final = 1e-9
"""How far, relatively to the number of participants or the loss, what the search claims may lie from the exact
equilibrium: the same closed forms, summed in another order."""

_BLOCK: Final = 2_000_000
"""Budgets times segments evaluated at once: bounds memory to some 16 MB an array."""


@dataclass(frozen=True, eq=False, repr=False)
class Frontier(Tabled):
    """The best designs for rising budgets, re-evaluated exactly.

    Attributes
    ----------
    problem : DesignProblem
        What was asked, without a budget.
    budget_gbp, spend_gbp : array (budgets,)
        What there was to spend, and what is spent.
    price_gbp : array (budgets, groups)
        List prices, groups in the order of the caseload's.
    objective, bound : array (budgets,)
        What is achieved, and what no tariff within the budget surpasses.
    budget_price : array (budgets,)
        Improvement of the objective by one more pound of budget (of the relaxation where prices jump).
    status : tuple of str
        As in :class:`~pbr_opt.design.result.Design`.
    tariffs : tuple of Tariff or None
        The tariffs, where they are more than list prices in the programme's own proportion of fees.
    designs : tuple of Design
        The designs in full, where budgets are solved one by one (a supply chain, limits that tie groups together,
        anything that moves besides the price level); otherwise empty.
    too_small_gbp : array
        Budgets that were asked for and do not pay for any tariff within the limits: they have no entry above.
    least_budget_gbp : float
        What the cheapest tariff within the limits costs, where a budget is too small; otherwise 0.
    """

    problem: DesignProblem
    budget_gbp: FloatArray
    spend_gbp: FloatArray
    price_gbp: FloatArray
    objective: FloatArray
    bound: FloatArray
    budget_price: FloatArray
    status: tuple[str, ...]
    tariffs: tuple[Tariff, ...] | None = None
    designs: tuple[Design, ...] = ()
    too_small_gbp: FloatArray = field(default_factory=lambda: np.zeros(0))
    least_budget_gbp: float = 0.0

    def __post_init__(self) -> None:
        """Write-protect every array."""
        for name in ("budget_gbp", "spend_gbp", "price_gbp", "objective", "bound", "budget_price", "too_small_gbp"):
            getattr(self, name).setflags(write=False)

    def __len__(self) -> int:
        """Return the number of budgets."""
        return int(self.budget_gbp.size)

    @property
    def gap(self) -> FloatArray:
        """Return the relative gap between objective and bound, by budget."""
        pairs = zip(self.objective, self.bound, strict=True)
        return np.array([relative_gap(float(reached), float(bound)) for reached, bound in pairs])

    @property
    def notes(self) -> tuple[str, ...]:
        """Return in words which budgets are missing, and what is needed."""
        if not self.too_small_gbp.size:
            return ()
        amounts = ", ".join(f"£{budget:,.2f}" for budget in self.too_small_gbp)
        return (f"Too small for any tariff within the limits, which takes £{self.least_budget_gbp:,.2f}: {amounts}.",)

    def notebook_lines(self) -> tuple[str, ...]:
        """Return what the table does not say."""
        return self.notes

    def tariff(self, at: int) -> Tariff:
        """Return the tariff for one budget, by its position."""
        return self.problem.base.at_price(self.price_gbp[at]) if self.tariffs is None else self.tariffs[at]

    def to_frame(self) -> pd.DataFrame:
        """Return one row a budget: money, objective, proof, shadow price, and the list price of each group."""
        import pandas as pd  # slow to import: only when a table is asked for

        columns = {
            "budget_gbp": self.budget_gbp,
            "spend_gbp": self.spend_gbp,
            "objective": self.objective,
            "bound": self.bound,
            "gap": self.gap,
            "status": list(self.status),
            "budget_price": self.budget_price,
        }
        prices = {f"price_gbp_{name}": self.price_gbp[:, g] for g, name in enumerate(self.problem.base.groups)}
        return pd.DataFrame(columns | prices)


def frontier(
    programme: Programme,
    *,
    minimise: Objective | None = None,
    maximise: Objective | None = None,
    budgets_gbp: ArrayLike | None = None,
    limits: Sequence[Limit] = (),
    settings: DesignSettings | None = None,
) -> Frontier:
    """Return the best design for each of many budgets.

    Parameters
    ----------
    programme : Programme
        Whose tariff is redesigned.
    minimise, maximise : Objective
        One of the two, as for :func:`~pbr_opt.design.optimise.optimise`.
    budgets_gbp : array, optional
        What to spend at most, in any order; without it, for first-pound loss, the budgets at which the frontier bends.
    limits : sequence of Limit, optional
        All but a Budget.
    settings : DesignSettings, optional
        How to search, for each budget.

    Returns
    -------
    Frontier
        By rising budget; budgets that are too small for any tariff are named in ``too_small_gbp``, and have no entry.

    Raises
    ------
    InvalidInputError
        A Budget among the limits, no budgets, budgets that are no money; what ``optimise`` refuses.
    DesignInfeasibleError
        When every budget is too small.
    SolverError
        When an answer does not survive re-evaluation.

    Examples
    --------
    >>> from pbr_opt.design.objectives import Parked
    >>> from pbr_opt.market.caseload import Caseload
    >>> people = Caseload(["a", "b"], [100, 100], [.12, .02], [.42, .10], 600)
    >>> programme = Programme("p", people, Tariff(["a", "b"], 0, 4000))
    >>> there = frontier(programme, minimise=Parked(), budgets_gbp=[0, 15_000, 24_000, 40_000])
    >>> there.objective.tolist(), there.spend_gbp.round(6).tolist()
    ([200.0, 100.0, 100.0, 0.0], [0.0, 15000.0, 15000.0, 39000.0])
    """
    problem = DesignProblem(programme, _aim(minimise, maximise), limits)
    choice = settings or DesignSettings()
    if budgets_gbp is None:
        return _exact(problem, choice)
    budgets = _budgets(problem, budgets_gbp)
    whole, stepped = _is_whole(problem, choice), _is_stepped(problem, choice)
    if not whole and not stepped:
        return _one_by_one(problem, budgets, choice)
    small, refusal = _too_small(budgets, lambda budget: require_feasible(_with_budget(problem, budget)))
    enough = budgets[small:]
    solved = _checked(problem, enough, _solved(problem, enough, choice), choice) if whole else None
    return _without(solved or _on_step(problem, enough, choice), budgets[:small], refusal)


def _too_small(budgets: FloatArray, attempt: Callable[[float], object]) -> tuple[int, DesignInfeasibleError | None]:
    """Return how many of the budgets, rising, are too small, and what was said of the last of them.

    Raises
    ------
    DesignInfeasibleError
        When all are.
    """
    refusal = None
    for number, budget in enumerate(budgets.tolist()):
        try:
            attempt(budget)
        except DesignInfeasibleError as error:
            refusal = error
            if not np.isfinite(error.least_budget_gbp):
                break
        else:
            return number, refusal
    assert refusal is not None, "there are budgets"
    raise refusal


def _without(line: Frontier, too_small: FloatArray, refusal: DesignInfeasibleError | None) -> Frontier:
    """Return a frontier that says which budgets it is without."""
    least = 0.0 if refusal is None else refusal.least_budget_gbp
    return replace(line, too_small_gbp=too_small, least_budget_gbp=least)


def _is_whole(problem: DesignProblem, settings: DesignSettings) -> bool:
    """Whether price cells describe the problem, so that all budgets are solved together."""
    return has_cells(problem) and settings.method == "auto" and settings.moves_level_alone


def _is_stepped(problem: DesignProblem, settings: DesignSettings) -> bool:
    """Whether groups on a price step meet in the budget alone: their columns are the same for all budgets."""
    tied = problem.joint_limits or problem.programme.supply_chain is not None
    alone = not tied and not isinstance(problem.objective, WorstServed)
    searched = settings.method in ("auto", "columns") and settings.moves_level_alone
    return problem.step_gbp is not None and alone and searched


def _aim(minimise: Objective | None, maximise: Objective | None) -> Objective:
    """Return the one objective, asked for the right way round."""
    aim = minimise if minimise is not None else maximise
    if aim is None or (minimise is not None and maximise is not None):
        given = "neither" if aim is None else "both"
        raise InvalidInputError("frontier", [Fault("minimise, maximise", given, "exactly one objective")])
    if isinstance(aim, Objective) and (aim.better < 0) != (minimise is not None):
        right = f"{'minimise' if aim.better < 0 else 'maximise'}={aim}"
        raise InvalidInputError("frontier", [Fault(type(aim).__name__, "turned round", right)])
    return aim


def _budgets(problem: DesignProblem, given: ArrayLike) -> FloatArray:
    """Return the budgets, rising."""
    check = Inspection("frontier")
    budgets = check.money("budgets_gbp", np.atleast_1d(np.asarray(given)), np.size(given))
    if not budgets.size:
        check.fault("budgets_gbp", "none", "at least one budget")
    if any(isinstance(limit, Budget) for limit in problem.limits):
        check.fault("limits", "a Budget", "limits other than a budget", "budgets_gbp=[...]")
    check.finish()
    return np.sort(budgets)


def _with_budget(problem: DesignProblem, budget_gbp: float) -> DesignProblem:
    return DesignProblem(problem.programme, problem.objective, [*problem.limits, Budget(budget_gbp)])


def _solved(problem: DesignProblem, budgets: FloatArray, settings: DesignSettings) -> Answers:
    return solve_budgets(price_cells(problem), budgets, settings.relative_gap, settings.most_labels)


def _checked(problem: DesignProblem, budgets: FloatArray, answers: Answers, settings: DesignSettings) -> Frontier:
    """Return the answers after holding them against the exact equilibrium and the budgets."""
    spend, objective = _evaluated(problem, answers.price_gbp)
    return _held(_Claims(problem, budgets, answers, spend, objective), settings)


@dataclass(frozen=True, slots=True, eq=False)
class _Claims:
    """What a search claims for each budget, and what the exact equilibrium says of its prices."""

    problem: DesignProblem
    budgets: FloatArray
    answers: Answers
    spend: FloatArray
    objective: FloatArray


def _held(claims: _Claims, settings: DesignSettings, tariffs: tuple[Tariff, ...] | None = None) -> Frontier:
    """Return the frontier, if what is claimed is true."""
    problem, budgets, answers = claims.problem, claims.budgets, claims.answers
    spend, objective = claims.spend, claims.objective
    loss = -problem.objective.better * objective
    heads = problem.programme.caseload.total_participants
    scale = np.maximum(np.maximum(np.abs(loss), np.abs(answers.bound)), heads)
    over = spend > budgets * (1.0 + SPEND_RELATIVE) + SPEND_PER_HEAD_GBP * heads
    for k in np.flatnonzero(over | (np.abs(loss - answers.loss) > _CLAIM_RELATIVE * scale)):
        raise SolverError(
            f"For a budget of £{budgets[k]:,.2f} the search claims {problem.objective.name} of "
            f"{-problem.objective.better * answers.loss[k]:,.8g}; the exact equilibrium gives {objective[k]:,.8g} for "
            f"£{spend[k]:,.2f}. The answer is refused."
        )
    bound = np.where(answers.bound == answers.loss, loss, np.minimum(answers.bound, loss))
    gaps = [relative_gap(float(a), float(b)) for a, b in zip(loss, bound, strict=True)]
    status = tuple("optimal" if gap <= settings.relative_gap else "gap" for gap in gaps)
    best = -problem.objective.better * bound
    price, rate = answers.price_gbp, answers.multiplier
    return Frontier(problem, budgets, spend, price, objective, best, rate, status, tariffs)


def _on_step(problem: DesignProblem, budgets: FloatArray, settings: DesignSettings) -> Frontier:
    """Solve on a price step, with columns that are evaluated once for all budgets."""
    found = solve_on_step(problem, budgets, settings)
    tariffs = tuple(each.tariff for each in found)
    there = [evaluate(problem.programme, tariff) for tariff in tariffs]
    prices = np.array([tariff.aligned(problem.base.groups).price_gbp for tariff in tariffs])
    loss, bound, rate = (
        np.array([getattr(each, name) for each in found]) for name in ("claimed_loss", "bound", "multiplier")
    )
    answers = Answers(prices, loss, bound, rate, np.ones(budgets.size, dtype=np.int64))
    spend = np.array([evaluation.spend_gbp for evaluation in there])
    objective = np.array([problem.objective.total(evaluation) for evaluation in there])
    return _held(_Claims(problem, budgets, answers, spend, objective), settings, tariffs)


def _evaluated(problem: DesignProblem, price_gbp: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return spend and objective under many tariffs, by the exact equilibrium, in blocks of memory."""
    programme, caseload = problem.programme, problem.programme.caseload
    context, people = SegmentContext.of(programme), caseload.participants
    spend, objective = np.empty(len(price_gbp)), np.empty(len(price_gbp))
    block = max(1, _BLOCK // people.size)
    for k in range(0, len(price_gbp), block):
        here = slice(k, k + block)
        behaviour = respond(programme, problem.price_weight * price_gbp[here][:, caseload.group_index])
        spend[here] = behaviour.payment_gbp @ people
        objective[here] = problem.objective.per_participant(behaviour, context) @ people
    return spend + problem.attachment_spend_gbp.sum(), objective


def _one_by_one(problem: DesignProblem, budgets: FloatArray, settings: DesignSettings) -> Frontier:
    """Solve what only a search of its own answers, budget by budget; what less money has reached, more money keeps."""
    better = problem.objective.better
    own: list[Design] = []
    small, refusal = _too_small(budgets, lambda budget: own.append(solve(_with_budget(problem, budget), settings)))
    budgets, too_small = budgets[small:], budgets[:small]
    own += [solve(_with_budget(problem, float(budget)), settings) for budget in budgets[1:]]
    best = own[:1]
    for design in own[1:]:
        best.append(design if better * (design.objective - best[-1].objective) >= 0.0 else best[-1])
    objective, bound = (
        np.array([getattr(each, name) for each in row]) for row, name in ((best, "objective"), (own, "bound"))
    )
    line = Frontier(
        problem=problem,
        budget_gbp=budgets,
        spend_gbp=np.array([design.evaluation.spend_gbp for design in best]),
        price_gbp=np.array([design.tariff.aligned(problem.base.groups).price_gbp for design in best]),
        objective=objective,
        bound=better * np.maximum(better * bound, better * objective),
        budget_price=np.array([design.budget_price for design in own]),
        status=tuple(design.status for design in own),
        tariffs=tuple(design.tariff for design in best),
        designs=tuple(best),
    )
    return _without(line, too_small, refusal)


def _exact(problem: DesignProblem, settings: DesignSettings) -> Frontier:
    """Return the whole frontier of first-pound loss: convex, with a bend wherever a group reaches a threshold.

    Loss saved per pound falls as a price climbs, so the cells of all groups are bought in the order of that rate.
    """
    if not (isinstance(problem.objective, FirstPoundLoss) and _is_whole(problem, settings)):
        wanted = (
            "budgets; only first-pound loss has bends that are known exactly, with curvature 0, no mission, "
            "no supply chain, no PriceStep, no limits that tie groups together, and prices alone moving"
        )
        raise InvalidInputError("frontier", [Fault("budgets_gbp", "nothing", wanted, "budgets_gbp=[...]")])
    rungs, groups = ladders(problem), range(len(problem.base.groups))
    rate = np.concatenate([ladder.exchange_rate for ladder in rungs])
    owner = np.repeat(groups, [ladder.steps.size for ladder in rungs])
    order = np.argsort(-rate, kind="stable")
    order = order[rate[order] > 0.0]
    bought = np.zeros((order.size + 1, len(groups)), dtype=np.int64)
    bought[np.arange(1, order.size + 1), owner[order]] = 1
    np.cumsum(bought, axis=0, out=bought)
    ends = [np.append(ladder.steps, ladder.upper) for ladder in rungs]
    there = [problem.at_prices(g, ends[g]) for g in groups]
    spend = np.sum([there[g].cost_gbp[bought[:, g]] for g in groups], axis=0)
    slack = SPEND_RELATIVE * spend[1:] + SPEND_PER_HEAD_GBP * problem.programme.caseload.total_participants
    bends = np.append(np.diff(spend) > slack, True)  # what costs nothing is bought at once
    price = np.column_stack([ends[g][bought[:, g]] for g in groups])[bends]
    loss = np.sum([there[g].achieved[bought[:, g]] for g in groups], axis=0)[bends]
    multiplier = np.append(rate[order], 0.0)[bends]
    spend = spend[bends]
    return Frontier(problem, spend, spend.copy(), price, loss, loss.copy(), multiplier, ("optimal",) * spend.size)
