"""Menus and the knapsack at their corners."""

from __future__ import annotations

import numpy as np
import pytest

from pbr_opt.design.search import Menu, lagrangian, solve_knapsack


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
