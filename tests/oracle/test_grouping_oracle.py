"""Few prices for many cells: every set of prices and every assignment of small problems, HiGHS for larger ones."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from pbr_opt.design.grouping import solve_grouping
from pbr_opt.design.grouping_bounds import FewPrices, Multipliers, Part, ascend, knapsack_bound, linear_multipliers
from pbr_opt.design.grouping_ordered import solve_ordered

Floats = NDArray[np.float64]

PROVED = 1e-9
"""Relative: sums of a handful of numbers in two orders."""

KEPT = 1 + 1e-9
HIGHS = 1e-6
"""Its tolerance for constraints scaled to 1."""


def _enumerated(cost: Floats, loss: Floats, budget: float, most: int) -> float:
    """Return the least loss over all assignments that keep the budget and use few prices."""
    cells, prices = cost.shape
    every = np.array(list(itertools.product(range(prices), repeat=cells)))
    used = (every[:, :, None] == np.arange(prices)).any(axis=1).sum(axis=1)
    paid, lost = cost[range(cells), every].sum(axis=1), loss[range(cells), every].sum(axis=1)
    return float(lost[(used <= most) & (paid <= budget * KEPT)].min())


def _table(rng: np.random.Generator, cells: int, prices: int, kind: str) -> tuple[Floats, Floats]:
    """Return costs that rise with the price, and losses that fall, step, tie, or rise in the end."""
    size = np.exp(rng.uniform(0.0, 4.0, (cells, 1)))
    cost = np.cumsum(rng.uniform(0.0, 1.0, (cells, prices)) * (rng.random((cells, prices)) < 0.8), axis=1) * size
    cost -= cost[:, :1]
    if kind == "ties":
        whole: Floats = np.round(cost)
        return whole, -np.floor(whole**0.5)
    if kind == "steps":
        return cost, -size * np.floor(rng.uniform(0.0, 3.0, (cells, 1)) * np.linspace(0.0, 0.8, prices))
    if kind == "bent":
        return cost, size * (np.linspace(0.0, 0.8, prices) - rng.uniform(0.0, 1.0, (cells, 1))) ** 2
    return cost, -size * np.cumsum(rng.uniform(0.0, 1.0, (cells, prices)), axis=1)


@pytest.mark.parametrize("kind", ["falling", "steps", "ties", "bent"])
@pytest.mark.parametrize("seed", range(3))
def test_no_assignment_is_better(kind: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    cost, loss = _table(rng, 5, 4, kind)
    for most in (1, 2, 3, 5):
        for share in (0.0, 0.3, 0.7, 2.0):
            budget = share * float(cost[:, -1].sum())
            answer = solve_grouping(FewPrices(cost, loss, budget, most))
            least = _enumerated(cost, loss, budget, most)
            scale = np.abs(loss).sum()
            assert answer.loss == pytest.approx(least, abs=PROVED * scale)
            assert answer.bound == answer.loss
            assert np.unique(answer.choice).size <= most
            assert cost[np.arange(5), answer.choice].sum() <= budget * KEPT
            assert loss[np.arange(5), answer.choice].sum() == pytest.approx(answer.loss, abs=PROVED * scale)


def _by_highs(problem: FewPrices) -> float:
    cells, prices = problem.cost.shape
    size = cells * prices
    every, cell, price = np.arange(size), np.repeat(np.arange(cells), prices), size + np.tile(np.arange(prices), cells)
    once = sparse.csr_array((np.ones(size), (cell, every)), shape=(cells, size + prices))
    signs, rows = np.repeat([1.0, -1.0], size), np.tile(every, 2)
    there = sparse.csr_array((signs, (rows, np.concatenate([every, price]))), shape=(size, size + prices))
    found = milp(
        np.append(problem.loss.ravel(), np.zeros(prices)),
        constraints=[
            LinearConstraint(once, 1.0, 1.0),
            LinearConstraint(there, -np.inf, 0.0),
            LinearConstraint(np.append(problem.cost.ravel() / problem.budget, np.zeros(prices)), -np.inf, 1.0),
            LinearConstraint(np.append(np.zeros(cells * prices), np.ones(prices)), -np.inf, problem.most),
        ],
        bounds=Bounds(0.0, 1.0),
        integrality=np.ones((cells + 1) * prices),
        options={"mip_rel_gap": 0.0},
    )
    assert found.fun is not None
    return found.fun


@pytest.mark.parametrize("kind", ["falling", "steps", "bent"])
@pytest.mark.parametrize(("seed", "most"), [(0, 2), (2, 5)])
def test_highs_finds_nothing_better(kind: str, seed: int, most: int) -> None:
    cost, loss = _table(np.random.default_rng(seed), 16, 10, kind)
    problem = FewPrices(cost, loss, 0.35 * float(cost[:, -1].sum()), most)
    answer = solve_grouping(problem)
    assert answer.bound == answer.loss
    assert answer.loss == pytest.approx(_by_highs(problem), rel=HIGHS)


@settings(max_examples=40)
@given(st.integers(0, 10_000), st.sampled_from(["falling", "steps", "ties", "bent"]), st.integers(1, 4))
def test_any_multipliers_bound(seed: int, kind: str, most: int) -> None:
    """What HiGHS says of multipliers is never believed: random ones bound the optimum too."""
    rng = np.random.default_rng(seed)
    cost, loss = _table(rng, 4, 4, kind)
    budget = rng.random() * float(cost[:, -1].sum())
    problem, least = FewPrices(cost, loss, budget, most), _enumerated(cost, loss, budget, most)
    wild = Multipliers(float(rng.exponential()), rng.normal(size=4) * float(np.abs(loss).max()))
    room = PROVED * (float(np.abs(loss).sum()) + wild.rate * float(cost.sum()) + float(np.abs(wild.duty).sum()))
    for start in (wild, linear_multipliers(problem)):
        for passes in (1, 8):
            assert ascend(problem, Part.whole(4), start, least + 1.0, passes).bound <= least + room
    assert knapsack_bound(problem, np.arange(4)).bound <= least + room


@settings(max_examples=40)
@given(st.integers(0, 10_000), st.sampled_from(["falling", "steps", "ties", "bent"]), st.integers(1, 4))
def test_the_heuristic_is_feasible_and_its_bound_a_bound(seed: int, kind: str, most: int) -> None:
    rng = np.random.default_rng(seed)
    cost, loss = _table(rng, 6, 4, kind)
    problem = FewPrices(cost, loss, rng.random() * float(cost[:, -1].sum()), most)
    order = rng.permutation(6)
    quick, exact = solve_ordered(problem, order), solve_grouping(problem)
    room = PROVED * float(np.abs(loss).sum())
    assert quick.bound - room <= exact.loss <= quick.loss + room
    assert np.count_nonzero(np.diff(quick.choice[order])) < most
    assert cost[np.arange(6), quick.choice].sum() <= problem.budget * KEPT


def test_one_cell_one_price_and_no_money() -> None:
    only = np.array([[0.0, 3.0]]), np.array([[5.0, 1.0]])
    assert solve_grouping(FewPrices(*only, np.inf, 1)).loss == 1.0
    assert solve_grouping(FewPrices(*only, 0.0, 9)).loss == 5.0
    assert solve_grouping(FewPrices(only[0][:, :1], only[1][:, :1], 0.0, 1)).choice.tolist() == [0]


def test_a_search_that_is_cut_short_says_so() -> None:
    cost, loss = _table(np.random.default_rng(0), 30, 20, "bent")
    problem = FewPrices(cost, loss, 0.3 * float(cost[:, -1].sum()), 4)
    short, whole = solve_grouping(problem, most_parts=1), solve_grouping(problem)
    assert short.bound < short.loss
    assert short.bound <= whole.loss <= short.loss


def test_a_price_that_brings_nothing_is_not_paid() -> None:
    cost, loss = np.array([[0.0, 1.0, 2.0], [0.0, 1.0, 2.0]]), np.array([[0.0, 0.0, 0.0], [3.0, 3.0, 0.0]])
    assert solve_grouping(FewPrices(cost, loss, 10.0, 2)).choice.tolist() == [0, 2]
