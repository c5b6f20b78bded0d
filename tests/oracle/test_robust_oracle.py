"""One tariff for many worlds: every choice of prices, tail means from their definition, and T31."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pbr_opt.design.robust_columns import WorldColumns, choose_columns, tail_mean

Floats = NDArray[np.float64]
NEAR = 1e-9
TAILS = (0.0, 0.3, 1.0)


def _tail(value: Floats, weight: Floats, tail: float) -> float:
    """Return the least of eta + mean excess / tail over the values that eta can take, or the largest."""
    if tail == 0.0:
        return float(value[weight > 0].max())
    return min(float(eta + weight @ np.maximum(value - eta, 0.0) / tail) for eta in value)


def _problem(seed: int, spend_tail: float, loss_tail: float, worlds: int = 4) -> WorldColumns:
    rng = np.random.default_rng(seed)
    cost = np.cumsum(rng.uniform(0.0, 1.0, (worlds, 3, 5)), axis=2)
    cost -= cost[:, :, :1]
    loss = -np.cumsum(rng.uniform(0.0, 1.0, (worlds, 3, 5)) * (rng.random((worlds, 3, 5)) < 0.6), axis=2)
    weight = rng.dirichlet(np.ones(worlds))
    budget = rng.uniform(0.1, 0.8) * float(cost[:, :, -1].sum(axis=1).mean())
    return WorldColumns(cost, loss, weight, budget, spend_tail, loss_tail)


def _least(problem: WorldColumns) -> float:
    best = np.inf
    for choice in itertools.product(range(5), repeat=3):
        lost, paid = (part[:, range(3), choice].sum(axis=1) for part in (problem.loss, problem.cost))
        if _tail(paid, problem.weight, problem.spend_tail) <= problem.budget * (1 + NEAR):
            best = min(best, _tail(lost, problem.weight, problem.loss_tail))
    return best


@given(st.integers(0, 10_000), st.sampled_from([0.0, 0.1, 0.5, 0.999, 1.0]))
def test_tail_means_are_what_they_are_defined_to_be(seed: int, tail: float) -> None:
    rng = np.random.default_rng(seed)
    value, weight = np.round(rng.normal(size=6), 1), rng.dirichlet(np.ones(6))
    assert tail_mean(value, weight, tail) == pytest.approx(_tail(value, weight, tail), abs=NEAR)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("spend_tail", "loss_tail"), [*itertools.product(TAILS, TAILS)])
def test_no_choice_is_better_and_the_bound_is_one(seed: int, spend_tail: float, loss_tail: float) -> None:
    problem = _problem(seed, spend_tail, loss_tail)
    answer, least = choose_columns(problem), _least(problem)
    assert answer.loss == pytest.approx(least, abs=1e-6)
    assert answer.bound <= least + NEAR
    assert problem.at(answer.choice)[1] <= problem.budget * (1 + NEAR)
    if spend_tail == loss_tail == 1.0:
        assert answer.bound == pytest.approx(answer.loss, abs=NEAR)


@settings(max_examples=10)
@given(st.integers(0, 10_000))
def test_the_worst_case_is_monotone_in_the_set_of_worlds(seed: int) -> None:
    """T31: with one world more, as worst cases go, nothing gets better."""
    more = _problem(seed, 0.0, 0.0)
    fewer = WorldColumns(more.cost[:3], more.loss[:3], more.weight[:3] / more.weight[:3].sum(), more.budget, 0.0, 0.0)
    assert choose_columns(fewer).loss <= choose_columns(more).loss + 1e-6


@settings(max_examples=10)
@given(st.integers(0, 10_000))
def test_more_caution_never_pays(seed: int) -> None:
    """A smaller tail is a harder promise, of spend as of loss."""
    for pairs in ([(a, 1.0) for a in (1.0, 0.3, 0.0)], [(0.3, a) for a in (1.0, 0.3, 0.0)]):
        losses = [choose_columns(_problem(seed, *pair)).loss for pair in pairs]
        assert losses[0] <= losses[1] + 1e-6
        assert losses[1] <= losses[2] + 1e-6
