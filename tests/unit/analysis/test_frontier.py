"""Frontiers: many budgets in one call, each as if asked alone; exact bends for first-pound loss."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import ArrayLike

from pbr_opt.analysis.frontier import Frontier, frontier
from pbr_opt.design.branching import Answers, solve_budgets
from pbr_opt.design.cells import Cells
from pbr_opt.design.group_limits import MaxParkedShare
from pbr_opt.design.joint_limits import MaxDistinctPrices
from pbr_opt.design.limits import Budget, Limit, PriceRange, PriceStep
from pbr_opt.design.objectives import (
    AdditionalOutcomes,
    FirstPoundLoss,
    NetSocialValue,
    Objective,
    Parked,
    SupportShortfall,
    TotalSupport,
    WorstServed,
)
from pbr_opt.design.optimise import optimise, solve
from pbr_opt.design.problem import DesignProblem
from pbr_opt.design.result import Design
from pbr_opt.design.settings import DesignSettings
from pbr_opt.errors import DesignInfeasibleError, InvalidInputError, SolverError
from pbr_opt.evaluation import evaluate
from pbr_opt.market.agents import Agent, Contract
from pbr_opt.market.caseload import Caseload
from pbr_opt.market.programme import Programme
from pbr_opt.market.supply_chain import SupplyChain
from pbr_opt.market.tariffs import Tariff
from pbr_opt.quantities import FloatArray

AIMS: tuple[Objective, ...] = (
    Parked(),
    FirstPoundLoss(),
    SupportShortfall(300.0),
    TotalSupport(),
    AdditionalOutcomes(),
    NetSocialValue(),
)
GAP = 1e-9
"""Relative gap that is asked for by default."""

UP_TO = PriceRange(0.0, 15_000.0)


def _programme(seed: int = 1) -> Programme:
    rng = np.random.default_rng(seed)
    low = rng.uniform(0.02, 0.3, 12)
    caseload = Caseload(
        list("aaaabbbbcccc"),
        rng.integers(10, 400, 12),
        low,
        low + rng.uniform(0.05, 0.3, 12),
        rng.uniform(300, 3000, 12),
    )
    return Programme("drawn", caseload, Tariff(["c", "b", "a"], 20, 5000, 50, 4), outcome_value_gbp=[8000.0] * 3)


def _of(aim: Objective, budgets: ArrayLike | None, *limits: Limit, settings: DesignSettings | None = None) -> Frontier:
    minimise, maximise = (aim, None) if aim.better < 0 else (None, aim)
    return frontier(
        _programme(), minimise=minimise, maximise=maximise, budgets_gbp=budgets, limits=limits, settings=settings
    )


def _spend(price: float) -> float:
    programme = _programme()
    return evaluate(programme, programme.tariff.at_price(price)).spend_gbp


BUDGETS = np.linspace(_spend(0.0), 1.1 * _spend(15_000.0), 25)


@pytest.mark.parametrize("aim", AIMS, ids=str)
def test_a_frontier_is_sound_and_proved(aim: Objective) -> None:
    there = _of(aim, BUDGETS[::-1], UP_TO)
    np.testing.assert_array_equal(there.budget_gbp, BUDGETS)
    assert set(there.status) == {"optimal"}
    assert np.all(there.gap <= GAP)
    assert np.all(there.spend_gbp <= BUDGETS * (1 + GAP))
    better = aim.better * np.diff(there.objective)
    assert np.all(better >= -GAP * np.abs(there.objective[1:]))
    assert np.all(there.budget_price >= 0.0)
    assert there.budget_price[-1] == 0.0
    for k in range(len(there)):
        again = evaluate(_programme(), there.tariff(k))
        assert aim.total(again) == pytest.approx(there.objective[k], rel=GAP, abs=GAP)
        assert again.spend_gbp == pytest.approx(there.spend_gbp[k], rel=GAP)


@pytest.mark.parametrize("aim", [Parked(), FirstPoundLoss()], ids=str)
def test_each_budget_is_as_if_asked_alone(aim: Objective) -> None:
    there = _of(aim, BUDGETS, UP_TO)
    for k in (0, 3, 11, 24):
        alone = optimise(_programme(), minimise=aim, limits=[UP_TO, Budget(float(BUDGETS[k]))])
        assert there.objective[k] == pytest.approx(alone.objective, rel=GAP, abs=GAP)


def test_the_shadow_price_is_the_slope_where_the_frontier_is_convex() -> None:
    there = _of(FirstPoundLoss(), BUDGETS, UP_TO)
    loss, price = there.objective, there.budget_price
    room = GAP * loss[0]
    saved = -np.diff(loss)
    step = np.diff(there.budget_gbp)
    assert np.all(saved <= price[:-1] * step + room)
    assert np.all(saved >= price[1:] * step - room)


def test_people_parked_fall_in_jumps_and_are_shown_so() -> None:
    there = _of(Parked(), np.linspace(_spend(0.0), _spend(8000.0), 200), UP_TO)
    levels = np.unique(there.objective)
    assert 5 < levels.size < 100
    slope = np.diff(there.objective)
    assert np.any(np.diff(slope) < 0)  # not convex
    spend_of_level = [np.unique(there.spend_gbp[there.objective == level]).size for level in levels]
    assert min(spend_of_level) == 1  # money that moves nobody is left alone


def test_the_exact_frontier_of_first_pound_loss() -> None:
    exact = _of(FirstPoundLoss(), None, UP_TO)
    assert np.all(np.diff(exact.budget_gbp) > 0)
    assert np.all(np.diff(exact.objective) < 0)
    assert np.all(np.diff(exact.budget_price) <= 0)
    assert exact.budget_price[-1] == 0.0
    np.testing.assert_array_equal(exact.bound, exact.objective)
    between = 0.5 * (exact.budget_gbp[1:] + exact.budget_gbp[:-1])
    budgets = np.append(exact.budget_gbp, between)
    searched = _of(FirstPoundLoss(), budgets, UP_TO)
    expected = np.interp(searched.budget_gbp, exact.budget_gbp, exact.objective)
    np.testing.assert_allclose(searched.objective, expected, rtol=GAP, atol=GAP * exact.objective[0])
    for k in range(len(exact)):
        again = evaluate(_programme(), exact.tariff(k))
        assert again.spend_gbp == pytest.approx(exact.budget_gbp[k], rel=GAP)
        assert FirstPoundLoss().total(again) == pytest.approx(exact.objective[k], rel=GAP, abs=GAP)


def test_bends_are_where_one_group_stops_at_a_threshold() -> None:
    exact = _of(FirstPoundLoss(), None, UP_TO)
    moved = np.diff(exact.price_gbp, axis=0) != 0
    assert np.all(moved.sum(axis=1) == 1)


def test_what_costs_nothing_is_bought_before_the_first_pound() -> None:
    caseload = Caseload(["a", "b"], 100, [0.0, 0.1], [0.3, 0.4], 600.0)
    there = frontier(Programme("p", caseload, Tariff(["a", "b"], 0, 1000)), minimise=FirstPoundLoss())
    assert there.price_gbp[0].tolist() == pytest.approx([2000.0, 0.0])
    assert there.budget_gbp.tolist() == pytest.approx([0.0, 20_000.0])
    assert np.isfinite(there.budget_price).all()


@pytest.mark.parametrize(
    "limits",
    [
        [PriceStep(500)],
        [UP_TO, PriceStep(500)],
        [PriceStep(500), MaxParkedShare(0.9)],
        [PriceStep(500), MaxDistinctPrices(2)],
    ],
    ids=str,
)
def test_problems_without_cells_are_solved_as_if_asked_alone(limits: list[Limit]) -> None:
    budgets = BUDGETS[[7, 12, 18]]
    there = _of(AdditionalOutcomes(), budgets, *limits)
    for k, budget in enumerate(budgets):
        alone = optimise(_programme(), maximise=AdditionalOutcomes(), limits=[*limits, Budget(float(budget))])
        assert there.objective[k] == pytest.approx(alone.objective, rel=GAP)
        assert there.bound[k] == pytest.approx(alone.bound, rel=GAP)
        assert there.tariff(k).price_gbp.tolist() == pytest.approx(
            alone.tariff.aligned(["a", "b", "c"]).price_gbp.tolist()
        )
    assert set(there.status) == {"optimal"}


@pytest.mark.parametrize("aim", AIMS, ids=str)
def test_a_frontier_on_a_step_is_a_row_of_rate_cards(aim: Objective) -> None:
    there = _of(aim, BUDGETS[[0, 4, 9, 16]], UP_TO, PriceStep(50))
    assert set(there.status) == {"optimal"}
    for k in range(len(there)):
        tariff = there.tariff(k)
        for fee in (tariff.outcome_fee_gbp, tariff.sustainment_fee_gbp):
            assert np.all(np.abs(fee / 50 - np.round(fee / 50)) < GAP)
        again = evaluate(_programme(), tariff)
        assert aim.total(again) == pytest.approx(there.objective[k], rel=GAP, abs=GAP)
        assert again.spend_gbp == pytest.approx(there.spend_gbp[k], rel=GAP)
        assert again.spend_gbp <= there.budget_gbp[k] * (1 + GAP)


@pytest.mark.parametrize("aim", AIMS, ids=str)
def test_budgets_of_nothing_at_breakpoints_and_beyond_everything(aim: Objective) -> None:
    """Nothing but attachment fees; exactly what thresholds cost; more than the highest prices cost."""
    free = DesignProblem(_programme(), aim, [UP_TO])
    bends = [_spend_at(free, g, k) for g in range(3) for k in range(4)]
    budgets = np.unique([_spend(0.0), *bends, 10.0 * _spend(15_000.0)])
    there = _of(aim, budgets, UP_TO)
    unlimited = solve(free, DesignSettings())
    assert set(there.status) == {"optimal"}
    assert there.spend_gbp[0] == pytest.approx(budgets[0], rel=GAP)
    assert there.objective[-1] == pytest.approx(unlimited.objective, rel=GAP, abs=GAP)
    assert there.budget_price[-1] == 0.0
    assert np.all(there.spend_gbp <= budgets * (1 + GAP))
    for k in range(budgets.size - 1):
        alone = solve(DesignProblem(_programme(), aim, [UP_TO, Budget(float(budgets[k]))]), DesignSettings())
        assert there.objective[k] == pytest.approx(alone.objective, rel=GAP, abs=GAP)


def _spend_at(problem: DesignProblem, group: int, segment: int) -> float:
    """Return what it costs to pay one group exactly the threshold of one of its segments, and the others nothing."""
    price = np.zeros(3)
    price[group] = min(problem.parking_price_gbp[4 * group + segment], 15_000.0)
    return problem.spend_at(problem.base.at_price(price))


def _chain() -> Programme:
    agents = [
        Agent("D", "department"),
        Agent("P", "prime"),
        Agent("E", "tier1"),
        Agent("S", "tier2", productivity=20.0),
    ]
    contracts = [
        Contract("D", "P"),
        Contract("P", "E", "fixed_share", share=0.8, volume_share=0.25),
        Contract("P", "S", "piece_rate"),
    ]
    return _programme().replace(supply_chain=SupplyChain(agents, contracts))


@pytest.mark.parametrize("limits", [[UP_TO], [UP_TO, PriceStep(500)]], ids=str)
def test_a_supply_chain_is_solved_one_budget_at_a_time(limits: list[Limit]) -> None:
    programme = _chain()
    most = evaluate(programme).spend_gbp
    budgets = most * np.array([0.4, 0.7, 1.0])
    there = frontier(programme, minimise=Parked(), budgets_gbp=budgets, limits=limits)
    assert np.all(np.diff(there.objective) <= 0.0)
    assert len(there.designs) == 3
    for k, budget in enumerate(budgets):
        alone = optimise(programme, minimise=Parked(), limits=[*limits, Budget(float(budget))])
        again = evaluate(programme, there.tariff(k))
        assert there.objective[k] <= alone.objective * (1 + GAP)
        assert (again.spend_gbp, Parked().total(again)) == pytest.approx((there.spend_gbp[k], there.objective[k]))
        assert again.spend_gbp <= budget * (1 + GAP)


def test_the_worst_served_group_has_a_frontier() -> None:
    budgets = BUDGETS[[3, 9, 15]]
    there = _of(WorstServed(), budgets, UP_TO)
    for k, budget in enumerate(budgets):
        alone = solve(DesignProblem(_programme(), WorstServed(), [UP_TO, Budget(float(budget))]), DesignSettings())
        assert there.objective[k] == pytest.approx(alone.objective, rel=GAP)


def test_what_else_may_move_moves_on_a_frontier_too() -> None:
    settings = DesignSettings(vary=("attachment",))
    budgets = BUDGETS[[2, 6]]
    there = _of(AdditionalOutcomes(), [0.5 * _spend(0.0), *budgets], UP_TO, settings=settings)
    level = _of(AdditionalOutcomes(), budgets, UP_TO)
    assert np.all(np.diff(there.objective) >= 0.0)
    assert np.all(there.objective[1:] >= level.objective * (1 - GAP))
    assert there.objective[1] > level.objective[0]
    assert np.all(there.spend_gbp <= there.budget_gbp * (1 + GAP))
    assert (there.tariff(1).attachment_fee_gbp < 20.0).any()


def test_more_money_never_shows_less_than_less_money_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    """A local search may do worse with more; then the tariff for less money, which more money buys too, is shown."""
    poor = [BUDGETS[12]]

    def careless(problem: DesignProblem, settings: DesignSettings) -> Design:
        if problem.budget_gbp in poor:
            return solve(problem.with_limits([UP_TO, Budget(float(BUDGETS[2]))]), settings)
        return solve(problem, settings)

    monkeypatch.setattr("pbr_opt.analysis.frontier.solve", careless)
    there = _of(TotalSupport(), BUDGETS[[4, 12, 20]], UP_TO, settings=DesignSettings(method="columns"))
    assert there.objective[1] == there.objective[0]
    assert there.tariff(1) == there.tariff(0)
    assert there.spend_gbp[1] == there.spend_gbp[0]
    assert there.objective[2] > there.objective[1]
    assert np.all(there.bound >= there.objective)


def test_a_table_has_a_row_a_budget_and_a_column_a_price() -> None:
    frame = _of(Parked(), BUDGETS, UP_TO).to_frame()
    named = ["budget_gbp", "spend_gbp", "objective", "bound", "gap", "status", "budget_price"]
    assert list(frame.columns) == [*named, "price_gbp_a", "price_gbp_b", "price_gbp_c"]
    assert len(frame) == BUDGETS.size
    assert not frame.isna().any().any()


def test_the_gap_asked_for_decides_the_status() -> None:
    exact, loose = (
        _of(TotalSupport(), BUDGETS, UP_TO, settings=DesignSettings(relative_gap=gap)) for gap in (0.0, 0.3)
    )
    assert np.all(exact.gap <= GAP)
    assert np.any(loose.gap > GAP)
    for there, most in ((exact, 0.0), (loose, 0.3)):
        assert [status == "optimal" for status in there.status] == [gap <= most for gap in there.gap]


def test_frontiers_cannot_be_changed() -> None:
    there = _of(Parked(), BUDGETS[:2], UP_TO)
    for name in ("budget_gbp", "spend_gbp", "price_gbp", "objective", "bound", "budget_price"):
        with pytest.raises(ValueError, match="read-only"):
            getattr(there, name)[0] = 0.0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"minimise": Parked(), "budgets_gbp": []}, "at least one budget"),
        ({"minimise": Parked(), "budgets_gbp": [-1.0, np.inf]}, "finite money"),
        ({"minimise": Parked(), "budgets_gbp": [1e6], "limits": [Budget(1e6)]}, "budgets_gbp="),
        ({"budgets_gbp": [1e6]}, "exactly one objective"),
        ({"minimise": Parked(), "maximise": TotalSupport(), "budgets_gbp": [1e6]}, "exactly one objective"),
        ({"minimise": TotalSupport(), "budgets_gbp": [1e6]}, "maximise=TotalSupport"),
        ({"minimise": Parked()}, "only first-pound loss"),
        ({"minimise": FirstPoundLoss(), "limits": [PriceStep(5)]}, "only first-pound loss"),
        ({"minimise": FirstPoundLoss(), "settings": DesignSettings(vary=("attachment",))}, "prices alone moving"),
    ],
)
def test_what_cannot_be_asked_is_explained(arguments: dict[str, object], words: str) -> None:
    with pytest.raises(InvalidInputError, match=words):
        frontier(_programme(), **arguments)  # type: ignore[arg-type]


def test_bends_through_a_supply_chain_are_not_known() -> None:
    with pytest.raises(InvalidInputError, match="no supply chain"):
        frontier(_chain(), minimise=FirstPoundLoss())


def test_budgets_that_are_all_below_the_least_are_explained() -> None:
    with pytest.raises(DesignInfeasibleError) as caught:
        _of(Parked(), [1.0, 2.0], UP_TO)
    assert caught.value.least_budget_gbp == pytest.approx(_spend(0.0))
    with pytest.raises(DesignInfeasibleError, match="whatever the budget"):
        _of(Parked(), [1.0, 1e9], PriceRange(0, 300), MaxParkedShare(0.0))


@pytest.mark.parametrize(
    "limits", [(), (PriceStep(500),), (MaxDistinctPrices(1), PriceStep(500))], ids=["cells", "step", "one by one"]
)
def test_budgets_that_are_too_small_are_named_and_the_others_solved(limits: tuple[Limit, ...]) -> None:
    least, asked = _spend(0.0), (UP_TO, *limits)
    line = _of(Parked(), [1.0, 4 * least, 0.5 * least, 2 * least], *asked)
    alone = _of(Parked(), [2 * least, 4 * least], *asked)
    assert line.too_small_gbp.tolist() == [1.0, 0.5 * least]
    assert line.least_budget_gbp == pytest.approx(least)
    assert line.budget_gbp.tolist() == alone.budget_gbp.tolist() == [2 * least, 4 * least]
    assert line.objective.tolist() == alone.objective.tolist()
    assert not alone.notes
    assert alone.least_budget_gbp == 0.0
    (note,) = line.notes
    assert f"takes £{least:,.2f}" in note
    assert "£1.00" in note
    assert str(line).startswith(note)
    assert len(line.to_frame()) == 2


def test_where_attachment_fees_move_too_budgets_that_are_too_small_are_named() -> None:
    moved = DesignSettings(vary=("attachment",))
    line = _of(Parked(), [0.5, 1e6], PriceRange(100, 9_000), settings=moved)
    assert line.too_small_gbp.tolist() == [0.5]
    assert line.budget_gbp.tolist() == [1e6]


@pytest.mark.parametrize("lie", ["loss", "price_gbp"])
def test_a_search_that_lies_is_refused(lie: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def lying(cells: Cells, budget: FloatArray, gap: float, most: int) -> Answers:
        answers = solve_budgets(cells, budget, gap, most)
        getattr(answers, lie)[3] *= 1.01
        return answers

    monkeypatch.setattr("pbr_opt.analysis.frontier.solve_budgets", lying)
    with pytest.raises(SolverError, match="refused"):
        _of(AdditionalOutcomes(), BUDGETS, UP_TO)
