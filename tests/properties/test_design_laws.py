"""Laws of what the Department chooses: T12-T15, T30, T33-T35, and that designs keep their promises."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pbr_opt.design.group_limits import NoGroupWorse
from pbr_opt.design.limits import PRICE_CEILING_GBP, Budget, Limit, PriceRange, PriceStep
from pbr_opt.design.objectives import FirstPoundLoss, Objective, Parked
from pbr_opt.design.optimise import optimise
from pbr_opt.design.problem import DesignProblem
from pbr_opt.design.result import Design
from pbr_opt.design.search import Menu, lagrangian, solve_knapsack
from pbr_opt.design.settings import DesignSettings
from pbr_opt.errors import SolverError
from pbr_opt.evaluation import evaluate
from pbr_opt.market.caseload import Caseload
from pbr_opt.market.programme import Programme
from pbr_opt.market.tariffs import Tariff
from tests.properties import draws
from tests.properties.tolerances import CANCELLATION, ON_THRESHOLD, ROUNDING, SOLVER, SUMS

SHARES = st.one_of(st.sampled_from([0.0, 1e-6, 0.1, 0.5, 0.9, 1.0, 1.5]), st.floats(0.0, 1.2, allow_subnormal=False))
"""Budgets, from what the cheapest tariff costs (0) to what the dearest costs (1) and beyond."""

KEPT = 2e-9
"""Relative: the package keeps budgets to one part in 1e9."""

NOT_WRONG = 2e-4
"""Relative: what the package accepts of a solver, with room for its own bound."""

MOST_BUDGET_GBP = 1e15
"""The package refuses larger amounts as slips of the pen."""

FEW = 40
"""Examples of laws that call an interior-point code: some 30 ms each."""


def _budget(programme: Programme, share: float) -> Budget:
    """Return a budget between the spend of the cheapest and of the dearest tariff."""
    problem = DesignProblem(programme, Parked())
    _, upper = problem.price_bounds_gbp
    least, most = problem.least_spend_gbp, problem.spend_at(problem.base.at_price(upper))
    return Budget(least + share * (most - least))


def _least(programme: Programme, aim: Objective, *limits: Limit) -> Design:
    return optimise(programme, minimise=aim, limits=limits)


def _people(programme: Programme) -> float:
    return programme.caseload.total_participants


@given(draws.programmes(plain=True, exponential=True), SHARES, st.sampled_from([Parked(), FirstPoundLoss()]))
def test_a_design_keeps_its_promises(programme: Programme, share: float, aim: Objective) -> None:
    """The budget is kept, the bound is a bound, nobody gains by deviating, and the objective is re-evaluated."""
    budget = _budget(programme, share)
    design = _least(programme, aim, budget)
    assert design.evaluation.spend_gbp <= budget.gbp * (1 + KEPT)
    assert design.bound <= design.objective
    assert design.status == "optimal"
    assert design.gap <= CANCELLATION
    assert design.objective == aim.total(evaluate(programme, design.tariff))
    design.evaluation.certificate.require()


@given(draws.programmes(plain=True, exponential=True), st.sampled_from([Parked(), FirstPoundLoss()]))
def test_todays_tariff_is_no_worse_than_itself(programme: Programme, aim: Objective) -> None:
    """Whatever is asked for, nobody need be worse off at today's spend: today's tariff is such a design."""
    assume(programme.tariff.price_gbp.max() <= PRICE_CEILING_GBP)
    today = evaluate(programme)
    design = _least(programme, aim, Budget(today.spend_gbp), NoGroupWorse(programme.tariff))
    assert design.objective <= aim.total(today) + CANCELLATION * _people(programme)


@given(draws.caseloads(exponential=True), SHARES, st.sampled_from([Parked(), FirstPoundLoss()]))
def test_t12_finer_groups_never_worsen_the_optimum(caseload: Caseload, share: float, aim: Objective) -> None:
    """Whatever one price for everybody achieves, a price for each group achieves as well."""
    merged = caseload.replace(group=np.array(["all"] * len(caseload)))
    coarse = Programme("coarse", merged, Tariff(["all"], 0.0, 1000.0))
    fine = Programme("fine", caseload, Tariff(caseload.groups, 0.0, 1000.0))
    budget = _budget(coarse, share)
    one, many = _least(coarse, aim, budget), _least(fine, aim, Budget(budget.gbp * (1 + KEPT)))
    assert many.objective <= one.objective + CANCELLATION * caseload.total_participants


@given(draws.programmes(plain=True, exponential=True), st.tuples(SHARES, SHARES), st.floats(0.0, 1.0))
def test_t13_first_pound_loss_is_non_increasing_and_convex_in_the_budget(
    programme: Programme, ends: tuple[float, float], weight: float
) -> None:
    """The optimum of problem #1 does not rise with the budget, and its chords lie above it."""
    low, high = (_budget(programme, share).gbp for share in sorted(ends))
    between = weight * low + (1 - weight) * high
    designs = [_least(programme, FirstPoundLoss(), Budget(gbp)) for gbp in (low, between, high)]
    first, middle, last = (design.objective for design in designs)
    rounding = ROUNDING * high * max(design.budget_price for design in designs)  # of the budgets, in units of loss
    slack = CANCELLATION * _people(programme) + rounding
    assert last - slack <= middle <= first + slack
    assert middle <= weight * first + (1 - weight) * last + slack


@given(draws.programmes(plain=True, exponential=True), SHARES, SHARES)
def test_t14_the_dual_is_a_subgradient_with_complementary_slackness(
    programme: Programme, share: float, other: float
) -> None:
    """loss(B') >= loss(B) - lambda (B' - B) for every other budget, and lambda = 0 unless the budget is spent."""
    here, there = _budget(programme, share), _budget(programme, other)
    design = _least(programme, FirstPoundLoss(), here)
    price = design.budget_price
    slack = CANCELLATION * (_people(programme) + price * (here.gbp + there.gbp))
    assert price >= 0
    elsewhere = _least(programme, FirstPoundLoss(), there).objective
    assert elsewhere >= design.objective - price * (there.gbp - here.gbp) - slack
    assert price * (here.gbp - design.evaluation.spend_gbp) <= slack


@given(
    draws.programmes(plain=True, exponential=True), SHARES, draws.FACTORS, st.sampled_from([Parked(), FirstPoundLoss()])
)
def test_t15_people_and_budget_scale_together(
    programme: Programme, share: float, factor: float, aim: Objective
) -> None:
    """(n, B) -> (t n, t B) multiplies the optimum by t."""
    more = programme.replace(caseload=programme.caseload.replace(participants=programme.caseload.participants * factor))
    budget = _budget(programme, share).gbp * (1 + KEPT)  # off the exact price of a step: rounding decides nothing
    assume(max(budget, budget * factor) < MOST_BUDGET_GBP)
    here, there = _least(programme, aim, Budget(budget)), _least(more, aim, Budget(budget * factor))
    rounding = ROUNDING * budget * (here.budget_price if isinstance(aim, FirstPoundLoss) else 0.0)
    assert abs(there.objective / factor - here.objective) <= 10 * KEPT * _people(programme) + rounding


@given(st.data())
def test_t30_bound_below_optimum_below_any_feasible_tariff(data: st.DataObject) -> None:
    """Least first-pound loss <= fewest parked, and each <= what any tariff within the budget gives."""
    programme = data.draw(draws.programmes(plain=True, exponential=True))
    some = data.draw(draws.tariffs(programme.caseload, sustained=False)).aligned(programme.tariff.groups)
    some = some.replace(attachment_fee_gbp=programme.tariff.attachment_fee_gbp)
    capped = some.replace(outcome_fee_gbp=np.minimum(some.outcome_fee_gbp, 50_000.0))
    there = evaluate(programme, capped)
    budget = Budget(there.spend_gbp * (1 + KEPT))  # the same tariff, summed in another order, must still fit
    loss, parked = _least(programme, FirstPoundLoss(), budget), _least(programme, Parked(), budget)
    slack = CANCELLATION * _people(programme)
    assert loss.bound <= loss.objective <= parked.objective + slack
    assert loss.objective <= FirstPoundLoss().total(there) + slack
    assert parked.bound <= parked.objective <= Parked().total(there) + slack


@given(draws.programmes(plain=True, exponential=True), st.tuples(SHARES, SHARES))
def test_t33_every_price_rises_with_the_budget_in_the_convex_case(
    programme: Programme, ends: tuple[float, float]
) -> None:
    """With first-pound loss no group's price falls when the budget grows."""
    low, high = (_budget(programme, share) for share in sorted(ends))
    less = _least(programme, FirstPoundLoss(), low).tariff.price_gbp
    more = _least(programme, FirstPoundLoss(), high).tariff.price_gbp
    assert np.all(more >= less * (1 - CANCELLATION))


@given(draws.programmes(plain=True, exponential=True), SHARES)
def test_t34_at_most_one_price_off_the_breakpoints(programme: Programme, share: float) -> None:
    """An optimal vertex of problem #1 leaves all prices but one on thresholds of their group or on the range's ends."""
    design = _least(programme, FirstPoundLoss(), _budget(programme, share))
    caseload = programme.caseload
    price = design.tariff.aligned(caseload.groups).price_gbp
    off = 0
    for g in range(len(caseload.groups)):
        steps = np.r_[0.0, 50_000.0, caseload.parking_threshold_gbp[caseload.group_index == g]]
        off += not np.any(np.abs(steps - price[g]) <= ON_THRESHOLD * price[g])
    assert off <= 1


@given(draws.programmes(plain=True, exponential=True), SHARES, st.sampled_from([Parked(), FirstPoundLoss()]))
def test_t35_a_larger_menu_never_worsens_the_optimum(programme: Programme, share: float, aim: Objective) -> None:
    """A finer step, no step, and a wider range are each at least as good."""
    budget = Budget(_budget(programme, share).gbp * (1 + KEPT))
    narrow, wide = PriceRange(0.0, 6000.0), PriceRange(0.0, 8000.0)
    chain = [
        _least(programme, aim, budget, narrow, PriceStep(500.0)).objective,
        _least(programme, aim, budget, narrow, PriceStep(100.0)).objective,
        _least(programme, aim, budget, narrow).objective,
        _least(programme, aim, budget, wide).objective,
    ]
    slack = 10 * KEPT * _people(programme)
    assert all(later <= earlier + slack for earlier, later in itertools.pairwise(chain))


@given(st.data())
def test_t35_more_columns_never_worsen_a_knapsack(data: st.DataObject) -> None:
    """Adding columns to any menu, or money to the budget, never raises the least loss."""
    menus, budget = data.draw(_knapsacks())
    extra = Menu(np.array([float(data.draw(COSTS))]), np.array([float(data.draw(COSTS))]))
    at = data.draw(st.integers(0, len(menus) - 1))
    larger = [
        Menu(np.append(menu.cost, extra.cost), np.append(menu.loss, extra.loss)) if k == at else menu
        for k, menu in enumerate(menus)
    ]
    here = solve_knapsack(menus, budget)
    assert solve_knapsack(larger, budget).loss <= here.loss
    assert solve_knapsack(menus, budget + float(data.draw(COSTS))).loss <= here.loss


COSTS = st.one_of(st.integers(0, 9), st.sampled_from([0, 0, 1, 100]))


@st.composite
def _knapsacks(draw: st.DrawFn) -> tuple[list[Menu], float]:
    """Draw small menus with ties and equal costs, in whole numbers so that sums are exact, and a budget that fits."""
    columns = st.lists(st.tuples(COSTS, COSTS), min_size=1, max_size=5)
    menus = [
        Menu(*(np.array(side, dtype=float) for side in zip(*draw(columns), strict=True)))
        for _ in range(draw(st.integers(1, 4)))
    ]
    return menus, sum(float(menu.cost.min()) for menu in menus) + float(draw(COSTS))


@given(_knapsacks(), st.floats(0.0, 10.0))
def test_t30_the_knapsack_is_enumeration_and_its_bounds_are_bounds(
    knapsack: tuple[list[Menu], float], multiplier: float
) -> None:
    """The answer is the best of all combinations, proved, and the Lagrangian at any multiplier lies below it."""
    menus, budget = knapsack
    answer = solve_knapsack(menus, budget)
    every = itertools.product(*(zip(menu.cost, menu.loss, strict=True) for menu in menus))
    best = min(sum(loss for _, loss in picked) for picked in every if sum(cost for cost, _ in picked) <= budget)
    assert answer.loss == best
    assert best - SUMS * (1 + best) <= answer.bound <= best
    assert answer.cost <= budget
    assert lagrangian(menus, budget, multiplier) <= best + SUMS * (1 + best + multiplier * budget)


def _convex(programme: Programme, budget: Budget, solver: str) -> Design:
    choice = DesignSettings(method="convex", solver=solver)
    return optimise(programme, minimise=FirstPoundLoss(), limits=[budget], settings=choice)


@st.composite
def _tame(draw: st.DrawFn) -> Programme:
    """Draw programmes of the size of 2011: what an interior-point code can be asked to solve."""
    size = draw(st.integers(1, 5))
    low = np.array([draw(st.floats(0.01, 0.4)) for _ in range(size)])
    caseload = Caseload(
        [draw(st.sampled_from("ab")) for _ in range(size)],
        [draw(st.floats(1.0, 1000.0)) for _ in range(size)],
        low,
        low + [draw(st.floats(0.05, 0.5)) for _ in range(size)],
        [draw(st.floats(100.0, 900.0)) for _ in range(size)],
        draw(st.sampled_from([0.0, 0.2, 0.5, 0.8])),
    )
    return Programme("tame", caseload, Tariff(caseload.groups, 400.0, 1000.0))


@settings(max_examples=FEW)
@given(_tame(), st.floats(0.01, 1.1), st.sampled_from(["CLARABEL", "HIGHS"]))
def test_the_convex_method_agrees_with_the_exact_one(programme: Programme, share: float, solver: str) -> None:
    """At b = 0 both methods agree; with curved responses the answer lies within rounding of a proved bound."""
    budget = _budget(programme, share)
    exponential = programme.caseload.response.is_exponential
    design = _convex(programme, budget, solver if exponential else "CLARABEL")  # powers are no linear programme
    slack = SOLVER * _people(programme)
    assert design.evaluation.spend_gbp <= budget.gbp * (1 + KEPT)
    assert design.bound <= design.objective <= design.bound + slack
    if exponential:
        assert abs(_least(programme, FirstPoundLoss(), budget).objective - design.objective) <= slack


@settings(max_examples=FEW)
@given(draws.programmes(plain=True, exponential=True, most=4), SHARES, st.sampled_from(["CLARABEL", "HIGHS"]))
def test_a_solver_is_right_or_refused(programme: Programme, share: float, solver: str) -> None:
    """On problems too badly scaled for any solver an answer is either right or a SolverError, never wrong."""
    budget = _budget(programme, share)
    try:
        design = _convex(programme, budget, solver)
    except SolverError:
        return
    exact = _least(programme, FirstPoundLoss(), budget)
    assert design.evaluation.spend_gbp <= budget.gbp * (1 + KEPT)
    assert design.objective >= exact.objective - CANCELLATION * _people(programme)
    assert design.objective <= exact.objective + NOT_WRONG * _people(programme)
