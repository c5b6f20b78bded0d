"""Menus and the knapsack at their corners."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from pbr_opt.design.columns import grid_columns
from pbr_opt.design.limits import Budget, PriceRange, PriceStep
from pbr_opt.design.menus import Menu, lagrangian
from pbr_opt.design.objectives import (
    AdditionalOutcomes,
    FirstPoundLoss,
    NetSocialValue,
    Objective,
    Parked,
    SupportShortfall,
    TotalSupport,
)
from pbr_opt.design.optimise import solve
from pbr_opt.design.problem import DesignProblem
from pbr_opt.design.search import solve_knapsack
from pbr_opt.design.settings import DesignSettings
from pbr_opt.evaluation import evaluate
from pbr_opt.market.caseload import Caseload
from pbr_opt.market.programme import Programme
from pbr_opt.market.tariffs import Tariff

TIE = 1e-12
"""Relative: sums taken in another order."""


def _menu(*columns: tuple[float, float]) -> Menu:
    cost, loss = (np.array(side, dtype=float) for side in zip(*columns, strict=True))
    return Menu(cost, loss)


def test_dominated_columns_go_and_ties_keep_one() -> None:
    menu = _menu((2, 5), (1, 5), (1, 7), (3, 5), (4, 0), (4, 0))
    kept = menu.take(menu.undominated())
    assert (kept.cost.tolist(), kept.loss.tolist()) == ([1.0, 4.0], [5.0, 0.0])


def test_a_single_column_is_chosen() -> None:
    answer = solve_knapsack([_menu((3, 7))], 3.0)
    assert (answer.choice.tolist(), answer.loss, answer.bound, answer.cost) == ([0], 7.0, 7.0, 3.0)


def test_no_budget_buys_the_best_of_everything() -> None:
    answer = solve_knapsack([_menu((0, 5), (9, 1)), _menu((0, 4), (8, 2), (99, 0))], np.inf)
    assert (answer.choice.tolist(), answer.loss, answer.multiplier) == ([1, 2], 1.0, 0.0)


def test_a_promising_bound_is_no_design() -> None:
    # The relaxation likes a column that leaves money over; the best design is another.
    answer = solve_knapsack([_menu((8, 2), (7, 3), (5, 7), (2, 4))], 7.0)
    assert (answer.choice.tolist(), answer.loss) == ([1], 3.0)


def test_everything_free_and_perfect() -> None:
    answer = solve_knapsack([_menu((0, 0)), _menu((0, 0), (5, 0))], 0.0)
    assert (answer.loss, answer.bound, answer.cost) == (0.0, 0.0, 0.0)


def test_a_short_memory_gives_a_gap_and_not_a_wrong_proof() -> None:
    rng = np.random.default_rng(1)
    menus = [Menu(np.cumsum(rng.random(30)), np.sort(rng.random(30))[::-1]) for _ in range(6)]
    budget = sum(float(menu.cost[0]) for menu in menus) + 20.0
    exact = solve_knapsack(menus, budget)
    hasty = solve_knapsack(menus, budget, most_labels=1)
    assert exact.bound == pytest.approx(exact.loss, rel=1e-12)
    assert hasty.bound <= exact.loss * (1 + 1e-12)
    assert hasty.loss >= exact.loss
    assert hasty.cost <= budget


def test_the_multiplier_proves_a_bound() -> None:
    menus = [_menu((0, 9), (2, 3), (5, 0)), _menu((0, 8), (4, 1))]
    answer = solve_knapsack(menus, 4.0)
    assert lagrangian(menus, 4.0, answer.multiplier) <= answer.loss


def _menus(seed: int, groups: int, columns: int, shape: str) -> list[Menu]:
    """Return menus whose loss falls with the cost: ever more slowly, ever faster, in jumps, or with ties."""
    rng = np.random.default_rng(seed)
    menus = []
    for _ in range(groups):
        step, scale = np.linspace(0.0, 1.0, columns), rng.uniform(5.0, 50.0)
        cost = scale * step + rng.uniform(0.0, 2.0)
        loss = {
            "convex": lambda step=step: (1.0 - step) ** 2,
            "concave": lambda step=step: 1.0 - step**2,
            "straight": lambda step=step: 1.0 - step,
            "jumps": lambda step=step: 1.0 - np.floor(4.0 * step) / 4.0,
            "waves": lambda step=step: 1.0 - step + 0.1 * np.sin(12.0 * step),
        }[shape]()
        menus.append(Menu(cost, rng.uniform(5.0, 50.0) * loss))
    if shape == "jumps":  # whole numbers: many sums are equal
        return [Menu(np.round(menu.cost), np.round(menu.loss)) for menu in menus]
    return menus


def _enumerated(menus: list[Menu], budget: float) -> float:
    """Return the least loss of every choice there is."""
    cost, loss = np.zeros(1), np.zeros(1)
    for menu in menus:
        cost = np.add.outer(cost, menu.cost).ravel()
        loss = np.add.outer(loss, menu.loss).ravel()
    return float(loss[cost <= budget].min())


@pytest.mark.parametrize("shape", ["convex", "concave", "straight", "jumps", "waves"])
@pytest.mark.parametrize("share", [0.0, 0.07, 0.31, 0.5, 0.83, 1.0])
def test_every_choice_there_is(shape: str, share: float) -> None:
    for seed in range(6):
        menus = _menus(seed, 4, 20, shape)
        least, most = (sum(float(menu.cost[end]) for menu in menus) for end in (0, -1))
        budget = least + share * (most - least)
        if shape == "jumps":
            budget = float(np.floor(budget))
        answer = solve_knapsack(menus, budget)
        assert answer.loss == pytest.approx(_enumerated(menus, budget), rel=TIE)
        assert answer.bound == answer.loss
        assert answer.cost <= budget * (1 + TIE)


@pytest.mark.parametrize("shape", ["convex", "concave", "straight", "jumps", "waves"])
def test_a_cutoff_hides_no_better_choice_and_proves_that_there_is_none(shape: str) -> None:
    for seed in range(6):
        menus = _menus(seed, 4, 20, shape)
        least, most = (sum(float(menu.cost[end]) for menu in menus) for end in (0, -1))
        budget = least + 0.4 * (most - least)
        exact = _enumerated(menus, budget)
        above, below = exact * (1 + 1e-6) + 1e-9, exact * (1 - 1e-6)
        found, none = (solve_knapsack(menus, budget, cutoff=cutoff) for cutoff in (above, below))
        assert found.loss == pytest.approx(exact, rel=TIE)
        assert found.bound == found.loss
        assert none.bound == below
        some = solve_knapsack(menus, budget, cutoff=above, first=True)
        assert some.bound <= exact * (1 + TIE) <= some.loss * (1 + 2 * TIE)
        assert some.loss < above
        assert solve_knapsack(menus, budget, cutoff=below, first=True).bound == below
        assert none.loss >= exact * (1 - TIE)
        assert none.cost <= budget * (1 + TIE)


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("shape", ["convex", "concave", "straight", "jumps", "waves"])
def test_a_known_rate_shortens_the_way_and_changes_no_answer(shape: str, first: bool) -> None:
    for seed, groups in enumerate((1, 3, 4)):
        menus = _menus(seed, groups, 20, shape)
        budget = 0.4 * sum(float(menu.cost[-1]) for menu in menus)
        exact = _enumerated(menus, budget)
        good = solve_knapsack(menus, budget).multiplier
        for rate, most, width in itertools.product(
            (good, 0.0, 3.0 * good + 1.0), (1, 200_000), (-0.1, 1e-6, 0.3, np.inf)
        ):
            cutoff = exact * (1 + width) if width < np.inf else np.inf
            found = solve_knapsack(menus, budget, most, cutoff, first=first, rate=rate)
            assert found.cost <= budget * (1 + TIE)
            assert found.bound <= max(min(exact, cutoff), 0.0) * (1 + TIE)
            if most > 1 and not first:
                assert found.bound == pytest.approx(min(exact, cutoff), rel=TIE)
            if most > 1 and cutoff > exact:
                assert found.loss < cutoff
                assert first or found.loss == pytest.approx(exact, rel=TIE)


@pytest.mark.parametrize("shape", ["convex", "concave", "jumps", "waves"])
def test_a_budget_that_is_exactly_what_a_choice_costs(shape: str) -> None:
    for seed, picks in enumerate(itertools.product((3, 8, 15), repeat=3)):
        menus = _menus(seed, 3, 20, shape)
        budget = float(sum(menu.cost[k] for menu, k in zip(menus, picks, strict=True)))
        answer = solve_knapsack(menus, budget)
        assert answer.loss == pytest.approx(_enumerated(menus, budget), rel=TIE)


def test_groups_all_alike_are_told_apart_by_nothing_and_still_proved() -> None:
    menu = Menu(np.arange(200.0), 100.0 * np.exp(-np.arange(200.0) / 40.0))
    answer = solve_knapsack([menu] * 7, 611.0)
    even = 100.0 * (5 * np.exp(-87 / 40.0) + 2 * np.exp(-88 / 40.0))  # 5 x 87 + 2 x 88 = 611
    assert answer.loss == pytest.approx(even, rel=TIE)
    assert answer.bound == answer.loss


@pytest.mark.parametrize("most", [1, 30, 1000])
def test_whatever_is_given_up_the_bound_holds(most: int) -> None:
    for seed in range(5):
        menus = _menus(seed, 5, 60, "waves")
        budget = 0.4 * sum(float(menu.cost[-1]) for menu in menus)
        exact, hasty = solve_knapsack(menus, budget), solve_knapsack(menus, budget, most)
        assert exact.bound == exact.loss
        assert hasty.bound <= exact.loss * (1 + TIE)
        assert exact.loss <= hasty.loss * (1 + TIE)
        assert hasty.cost <= budget


AIMS: tuple[Objective, ...] = (
    Parked(),
    FirstPoundLoss(),
    SupportShortfall(400.0),
    TotalSupport(),
    AdditionalOutcomes(),
    NetSocialValue(),
)


@pytest.mark.parametrize("segments", [1, 5])
@pytest.mark.parametrize("aim", AIMS, ids=str)
def test_rate_cards_at_the_corners(aim: Objective, segments: int) -> None:
    """Ties in thresholds, nobody with deadweight, one segment, a budget of nothing, to the penny, and of everything."""
    people = Caseload(
        np.repeat(["a", "b", "c"], segments),
        100,
        np.tile([0.0, 0.1, 0.0, 0.2, 0.1], 3)[: 3 * segments],
        np.tile([0.3, 0.4, 0.3, 0.5, 0.1], 3)[: 3 * segments],
        600.0,
    )
    programme = Programme("corners", people, Tariff(["a", "b", "c"], 0, 3000), outcome_value_gbp=[6000.0] * 3)
    limits = [PriceRange(0.0, 8_000.0), PriceStep(200)]
    menus = [part.menu for part in grid_columns(DesignProblem(programme, aim, limits))]
    exactly = sum(float(menu.cost[k]) for menu, k in zip(menus, (10, 25, 17), strict=True))
    for budget in (0.0, 0.4 * exactly, exactly, 100.0 * exactly):
        design = solve(DesignProblem(programme, aim, [*limits, Budget(budget)]), DesignSettings())
        assert design.status == "optimal"
        best = -aim.better * _enumerated(menus, budget * (1 + TIE))
        assert design.objective == pytest.approx(best, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("aim", [TotalSupport(), AdditionalOutcomes()], ids=str)
def test_groups_alike_with_a_gap_before_the_first_who_is_helped(aim: Objective) -> None:
    """Which of them get the high prices has to be tried; up to the first threshold no price is worth its money."""
    rng, groups, segments = np.random.default_rng(0), 7, 10
    low, reach = rng.uniform(0.02, 0.3, segments), rng.uniform(0.05, 0.3, segments)
    columns = (rng.integers(1000, 90_000, segments), low, low + reach, rng.uniform(300, 3000, segments))
    people = Caseload(np.repeat(np.arange(groups), segments), *(np.tile(column, groups) for column in columns))
    programme = Programme("alike", people, Tariff(range(groups), 0, 6000))
    limits = [PriceRange(0.0, 20_000.0), Budget(1.2e9)]
    free = solve(DesignProblem(programme, aim, limits), DesignSettings())
    card = solve(DesignProblem(programme, aim, [*limits, PriceStep(20)]), DesignSettings())
    assert (free.status, card.status) == ("optimal", "optimal")
    rounded = evaluate(programme, free.tariff.at_price(20.0 * np.floor(free.tariff.price_gbp / 20.0)))
    assert aim.total(rounded) * (1 - TIE) <= card.objective <= free.objective * (1 + TIE)
