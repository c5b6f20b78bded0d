"""Prices for bent responses, missions and minimum services: no grid of prices beats the bound, nor the design.

Grids are evaluated by the exact equilibrium, which no bound is computed from between its prices.
"""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from pbr_opt.design.branching import solve_cells
from pbr_opt.design.limits import Budget, PriceRange
from pbr_opt.design.objectives import (
    AdditionalOutcomes,
    FirstPoundLoss,
    NetSocialValue,
    Objective,
    Parked,
    SegmentContext,
    SupportShortfall,
    TotalSupport,
)
from pbr_opt.design.optimise import optimise, solve
from pbr_opt.design.problem import DesignProblem
from pbr_opt.design.refining import solve_refining
from pbr_opt.design.settings import DesignSettings
from pbr_opt.design.tangents import GroupCurves, has_tangents
from pbr_opt.evaluation import respond
from pbr_opt.market.programme import Programme
from tests.oracle.samples import Floats, sample

HIGHEST_GBP = 12_000.0
MIXED = 2 * Parked() + 0.5 * FirstPoundLoss() + SupportShortfall(200) / 300 + SupportShortfall(500) / 900
BOTH_WAYS = FirstPoundLoss() - NetSocialValue() / 500
AIMS: tuple[Objective, ...] = (
    Parked(),
    FirstPoundLoss(),
    SupportShortfall(300.0),
    TotalSupport(),
    AdditionalOutcomes(),
    NetSocialValue(),
    MIXED,
    BOTH_WAYS,
)
KINDS = ("bent", "mission", "minimum service", "everything")
ROUNDING = 1e-10
"""Relative: the same sums in another order, and slopes of powers."""

DIGITS = 1e-9
"""Relative: what designs are proved to by default, and how closely they keep a budget."""


def _programme(seed: int, kind: str, groups: int = 2) -> Programme:
    plain = sample(seed, groups, 4, curved=kind in ("bent", "everything")).programme()
    rng = np.random.default_rng(seed)
    mission = rng.choice([0.0, 250.0], groups) if kind in ("mission", "everything") else np.zeros(groups)
    least = rng.choice([0.0, 60.0, 250.0], groups) if kind in ("minimum service", "everything") else np.zeros(groups)
    if kind == "mission":
        mission[0] = 400.0
    tariff = plain.tariff.replace(outcome_fee_gbp=1_000.0, sustainment_fee_gbp=50.0, sustainment_max=6)
    people = plain.caseload.replace(exit_hazard=rng.uniform(0.01, 0.3, plain.caseload.participants.size))
    terms = {"mission_gbp": mission, "minimum_service_gbp": least, "outcome_value_gbp": 5_000.0}
    return plain.replace(tariff=tariff, caseload=people, **terms)


def _on_grid(problem: DesignProblem, axis: Floats) -> tuple[Floats, Floats]:
    """Return cost and loss of every group at every price, shape (groups, prices), by the exact equilibrium."""
    programme, caseload = problem.programme, problem.programme.caseload
    there = respond(programme, axis[:, None] * problem.price_weight)
    term = problem.objective.per_participant(there, SegmentContext.of(programme))
    paid = [caseload.sum_by_group(caseload.participants * row) for row in there.payment_gbp]
    lost = [caseload.sum_by_group(-problem.objective.better * caseload.participants * row) for row in term]
    return np.array(paid).T, np.array(lost).T


def _grid_best(cost: Floats, loss: Floats, budget: float) -> float:
    """Return the least loss of any pair of prices within the budget."""
    order = np.argsort(cost[1], kind="stable")
    least = np.minimum.accumulate(loss[1][order])
    at = np.searchsorted(cost[1][order], budget - cost[0], side="right") - 1
    return float(np.where(at >= 0, loss[0] + least[np.maximum(at, 0)], np.inf).min())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("aim", AIMS, ids=str)
def test_no_grid_beats_the_bound_and_every_answer_is_proved(kind: str, aim: Objective) -> None:
    for seed, share in itertools.product(range(3), (0.05, 0.4, 1.0)):
        programme = _programme(seed, kind)
        free = DesignProblem(programme, aim, [PriceRange(0, HIGHEST_GBP)])
        axis = np.unique(np.concatenate([np.linspace(0, HIGHEST_GBP, 3_000), free.helping_price_gbp]))
        cost, loss = _on_grid(free, axis[axis <= HIGHEST_GBP])
        budget = float(cost.min(axis=1).sum() + share * np.ptp(cost, axis=1).sum())
        design = solve(free.with_limits([*free.limits, Budget(budget)]), DesignSettings())
        best, scale = _grid_best(cost, loss, budget), float(np.abs(loss).max(axis=1).sum())
        assert design.status == "optimal"
        assert -aim.better * design.bound <= best + ROUNDING * scale
        assert -aim.better * design.objective <= best + DIGITS * abs(best) + ROUNDING * scale
        assert design.evaluation.spend_gbp <= budget * (1 + DIGITS) + 1e-6


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("aim", AIMS, ids=str)
def test_tangents_and_chords_bound_what_lies_between(kind: str, aim: Objective) -> None:
    """From both ends, on both sides: payment and losses are convex between bends, support is concave."""
    problem = DesignProblem(_programme(7, kind), aim, [PriceRange(0, HIGHEST_GBP)])
    assert has_tangents(problem)
    for g in range(2):
        group = GroupCurves.of(problem, g)
        edges = np.unique(np.r_[0.0, group.bends(0.0, HIGHEST_GBP), np.linspace(50, HIGHEST_GBP, 40)])
        here, wide = group.at(edges), np.diff(edges)
        for share in (0.01, 0.3, 0.7, 0.99):
            there = group.at(edges[:-1] + share * wide)
            for name, sign in (("cost", 1.0), ("loss", 1.0), ("support", -1.0)):
                value, slope, truth = getattr(here, name), getattr(here, f"{name}_slope"), getattr(there, name)
                room = ROUNDING * (1.0 + np.abs(value).max())
                rising = value[:-1] + slope[1, :-1] * share * wide
                falling = value[1:] - slope[0, 1:] * (1 - share) * wide
                chord = value[:-1] + share * np.diff(value)
                assert np.all(sign * (truth - np.maximum(sign * rising, sign * falling) * sign) >= -room)
                assert np.all(sign * (chord - truth) >= -room)


@pytest.mark.parametrize("aim", AIMS[:-1], ids=str)
def test_where_closed_forms_exist_both_ways_agree(aim: Objective) -> None:
    for seed in range(4):
        raw = sample(seed, 3, 5)
        budget = 0.3 * float(raw.people @ raw.high) * HIGHEST_GBP
        programme = raw.programme().replace(outcome_value_gbp=5_000.0)
        problem = DesignProblem(programme, aim, [PriceRange(0, HIGHEST_GBP), Budget(budget)])
        straight, exact = (solver(problem, DesignSettings()) for solver in (solve_refining, solve_cells))
        scale = max(abs(exact.claimed_loss), 1e-6)
        assert straight.claimed_loss == pytest.approx(exact.claimed_loss, abs=2 * DIGITS * scale)
        assert straight.bound <= exact.claimed_loss + ROUNDING * scale
        assert exact.bound <= straight.claimed_loss + ROUNDING * scale


def test_a_looser_gap_is_reached_in_fewer_rounds_and_is_true() -> None:
    programme = _programme(1, "everything", groups=3)
    budget = Budget(0.5 * float(programme.caseload.total_participants) * 2_000.0)
    loose, tight = (
        optimise(programme, maximise=NetSocialValue(), limits=[budget], settings=DesignSettings(relative_gap=gap))
        for gap in (1e-3, 1e-9)
    )
    assert loose.status == tight.status == "optimal"
    assert loose.gap <= 1e-3
    assert tight.bound <= loose.bound + ROUNDING * abs(loose.bound)
    assert loose.objective <= tight.bound * (1 + ROUNDING)
