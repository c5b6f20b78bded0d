"""What revealed preference and the identified set promise: the truth of a synthetic world is always in them."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pbr_opt.analysis.calibration import derive_caseload
from pbr_opt.analysis.estimation_programme import revealed_bounds
from pbr_opt.analysis.identified_set import SET_QUANTITIES, identified_set
from pbr_opt.analysis.revealed_preference import RevealedPreference, most_support_gbp
from pbr_opt.equilibrium.best_response import best_response
from pbr_opt.market.central_case import CentralCase
from pbr_opt.market.evidence import Figure
from pbr_opt.market.programme import Programme
from pbr_opt.market.tariffs import Tariff
from tests.properties.draws import caseloads

ROUNDING: Final = 1e-6
"""Rates; sums of money are divided by differences of prices that are at least a hundredth of them."""
PRICES: Final = st.lists(st.floats(100.0, 20_000.0), min_size=1, max_size=4)
RANGES: Final = {"deadweight_rate": (0.1, 0.2), "response_scale_gbp": (150.0, 500.0), "spread": (0.8, 1.6),
                 "curvature": (0.0, 0.5)}  # fmt: skip
QUANTITY: Final = {name: k for k, name in enumerate(SET_QUANTITIES)}


def means(caseload: Any, price: float) -> tuple[float, float, float]:  # noqa: ANN401  # what draws give
    """Return outcome rate, support and deadweight of a caseload at one price, over its people."""
    there = best_response(caseload.response, np.full(len(caseload), price))
    people = caseload.participants / caseload.total_participants
    return (
        float(people @ there.outcome_rate),
        float(people @ there.support_gbp),
        float(people @ caseload.deadweight_rate),
    )


def apart(prices: list[float]) -> list[float]:
    """Return the prices that are at least a hundredth above the one before."""
    kept: list[float] = []
    for price in sorted(prices):
        if not kept or price > 1.01 * kept[-1]:
            kept.append(price)
    return kept


@given(caseloads(), PRICES, st.one_of(st.just(0.0), st.floats(20.0, 30_000.0)))
@settings(max_examples=60, deadline=None)
def test_the_truth_is_always_in_the_bounds_of_revealed_preference(
    caseload: Any,  # noqa: ANN401  # what draws give
    prices: list[float],
    asked: float,
) -> None:
    """For any mixture of people and any number of prices: no response function is told."""
    seen = apart(prices)
    assume(min(abs(asked / price - 1.0) for price in seen) > 0.01)
    rate, support, floor = zip(*(means(caseload, price) for price in seen), strict=True)
    there = RevealedPreference(seen, rate, support)
    assert there.rationalisable
    low, high = there.deadweight_bounds
    assert low <= floor[0] + ROUNDING
    assert floor[0] <= high + ROUNDING
    least, most = there.outcome_rate_bounds([asked])[0]
    truth = means(caseload, asked)[0]
    assert least - ROUNDING <= truth <= most + ROUNDING


@given(caseloads(), PRICES)
@settings(max_examples=40, deadline=None)
def test_more_prices_never_widen_the_bounds(caseload: Any, prices: list[float]) -> None:  # noqa: ANN401  # the same
    seen = apart(prices)
    assume(len(seen) > 1)
    columns = [np.array(column) for column in zip(*(means(caseload, price) for price in seen), strict=True)]
    more = RevealedPreference(seen, columns[0], columns[1])
    fewer = RevealedPreference(seen[1:], columns[0][1:], columns[1][1:])
    assert more.deadweight_bounds[1] <= fewer.deadweight_bounds[1] + ROUNDING
    asked = 0.5 * (seen[0] + seen[1])
    (low, high), (least, most) = (there.outcome_rate_bounds([asked])[0] for there in (more, fewer))
    assert least - ROUNDING <= low
    assert high <= most + ROUNDING


@given(caseloads(), st.floats(100.0, 20_000.0))
@settings(max_examples=40, deadline=None)
def test_nobody_spends_more_than_revealed_preference_allows(caseload: Any, price: float) -> None:  # noqa: ANN401
    rate, support, floor = means(caseload, price)
    assert support <= most_support_gbp(price, rate, floor) + 1e-9 * price


def test_bounds_are_sharp_some_convex_value_attains_each() -> None:
    """Between two prices: the value that follows its left tangent as long as it can, or its right one."""
    seen = RevealedPreference([2000.0, 4000.0], [0.2, 0.3], [100.0, 380.0])
    low, high = seen.outcome_rate_bounds([3000.0])[0]
    (left, right), (before, after) = seen.value_gbp, seen.outcome_rate
    slowest = max(left + before * 1000.0, right - after * 1000.0)  # V(3000) at its least
    assert low == pytest.approx(max(before, (slowest - left) / 1000.0))
    assert high == pytest.approx(min(after, (right - slowest) / 1000.0))


def test_a_provider_that_wastes_money_is_found_out() -> None:
    """Half of what it spent bought nothing: no support would have left it more."""
    caught = RevealedPreference([4000.0], [0.27], [830.0], least_deadweight=0.12)
    assert not caught.rationalisable
    assert caught.regret_gbp == pytest.approx(830.0 - 4000.0 * 0.15)


def _world(truth: dict[str, float], uplift: float, node: int | None = None) -> tuple[Programme, dict[str, float]]:
    """Return a programme that publishes its outcome rate and ranges, and what is true of it.

    With a node, the range of the deadweight is one of which a grid of three holds the truth there.
    """
    price, size = 4000.0, 20
    tariff = Tariff(["a"], 0, price)
    centre = CentralCase(["a"], 1000, truth["deadweight_rate"], truth["deadweight_rate"],
                         truth["response_scale_gbp"], truth["spread"], curvature=truth["curvature"])  # fmt: skip
    floor = derive_caseload(centre, tariff)
    logits = np.log(floor.deadweight_rate / (1.0 - floor.deadweight_rate)) + uplift
    people = floor.replace(ceiling_rate=1.0 / (1.0 + np.exp(-logits)))
    observed, support, _ = means(people, price)
    observed = max(observed, truth["deadweight_rate"])  # rounding, where all are parked
    case = CentralCase(["a"], 1000, truth["deadweight_rate"], observed, truth["response_scale_gbp"], truth["spread"],
                       curvature=truth["curvature"], segments_per_group=size)  # fmt: skip
    floor_rate, half = truth["deadweight_rate"], min(0.05, 0.5 * (observed - truth["deadweight_rate"]))
    ranges = dict(RANGES)
    if node is not None:
        ranges["deadweight_rate"] = (floor_rate - node * half, floor_rate + (2 - node) * half)
    figures = [Figure(name, truth[name], "", "assumed", low=ends[0], high=ends[1]) for name, ends in ranges.items()]
    known = {
        "support_gbp": support,
        "ceiling_rate": float(people.ceiling_rate.mean()),
        "outcome_rate_low_price": means(people, 0.8 * price)[0],
        "outcome_rate_high_price": means(people, 1.2 * price)[0],
    }
    return Programme("p", people, tariff, figures=figures, central_case=case), known


@given(st.tuples(*[st.integers(0, 2)] * 4), st.floats(0.3, 3.0))
@settings(max_examples=15, deadline=None)
def test_a_truth_on_the_grid_is_one_of_the_worlds_of_the_identified_set(nodes: tuple[int, ...], uplift: float) -> None:
    truth = {name: float(np.linspace(*ends, 3)[k]) for (name, ends), k in zip(RANGES.items(), nodes, strict=True)}
    programme, known = _world(truth, uplift, nodes[0])
    assert programme.central_case is not None
    assume(programme.central_case.observed_rate[0] > truth["deadweight_rate"] + ROUNDING)  # somebody is helped
    worlds = identified_set(programme, points=3).worlds[0]
    columns = [QUANTITY[name] for name in known]
    distance = np.abs(worlds[:, columns] - np.array(list(known.values()))) / np.array([1e3, 1.0, 1.0, 1.0])
    assert distance.max(axis=1).min() < ROUNDING


@given(st.tuples(*[st.floats(0.0, 1.0)] * 4), st.floats(0.3, 3.0))
@settings(max_examples=8, deadline=None)
def test_the_identified_set_stands_inside_the_bounds_that_no_family_is_needed_for(
    parts: tuple[float, ...], uplift: float
) -> None:
    truth = {n: low + part * (high - low) for (n, (low, high)), part in zip(RANGES.items(), parts, strict=True)}
    programme, _ = _world(truth, uplift)
    frame = revealed_bounds(programme).iloc[0]
    for world in identified_set(programme, points=2).worlds[0]:
        told = RevealedPreference(
            [frame["price_gbp"]], [world[QUANTITY["outcome_rate"]]], [world[QUANTITY["support_gbp"]]]
        )
        assert world[QUANTITY["support_gbp"]] <= frame["most_support_gbp"] + ROUNDING
        assert world[QUANTITY["deadweight_rate"]] <= told.deadweight_bounds[1] + ROUNDING
        bounds = told.outcome_rate_bounds(np.array([0.8, 1.2]) * frame["price_gbp"])
        for k, name in enumerate(("outcome_rate_low_price", "outcome_rate_high_price")):
            assert bounds[k, 0] - ROUNDING <= world[QUANTITY[name]] <= bounds[k, 1] + ROUNDING


@given(st.tuples(*[st.floats(0.0, 1.0)] * 4), st.floats(0.3, 3.0))
@settings(max_examples=4, deadline=None)
def test_a_grid_that_holds_another_only_widens_the_identified_set(parts: tuple[float, ...], uplift: float) -> None:
    truth = {n: low + part * (high - low) for (n, (low, high)), part in zip(RANGES.items(), parts, strict=True)}
    programme, _ = _world(truth, uplift)
    coarse, fine = (identified_set(programme, points=points).worlds[0] for points in (2, 3))
    assume(len(coarse))
    assert (fine.min(axis=0) <= coarse.min(axis=0) + ROUNDING).all()
    assert (fine.max(axis=0) >= coarse.max(axis=0) - ROUNDING).all()


def _inside(seed: int, points: int) -> list[bool]:
    """Return whether the truth of a random world, off the grid, lies between the ends of each quantity."""
    draw = np.random.default_rng(seed)
    truth = {name: float(draw.uniform(*ends)) for name, ends in RANGES.items()}
    programme, known = _world(truth, float(draw.uniform(0.3, 3.0)))
    worlds = identified_set(programme, points=points).worlds[0]
    return [
        bool(worlds[:, QUANTITY[name]].min() - ROUNDING <= value <= worlds[:, QUANTITY[name]].max() + ROUNDING)
        for name, value in known.items()
    ]


def test_truths_off_the_grid_are_inside_too() -> None:
    assert all(all(_inside(seed, 3)) for seed in range(12))


@pytest.mark.long
def test_truths_off_the_grid_are_inside_too_in_many_worlds() -> None:
    assert all(all(_inside(seed, 3)) for seed in range(500))
