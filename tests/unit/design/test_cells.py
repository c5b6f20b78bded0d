"""Price cells are the exact equilibrium in another form; the best price of a cell is the best."""

from __future__ import annotations

import numpy as np
import pytest

from pbr_opt.design.cells import NO_PRICE_GBP, Cells, has_cells, price_cells
from pbr_opt.design.forms import Segments, form_of
from pbr_opt.design.limits import Budget, PriceRange, PriceStep
from pbr_opt.design.objectives import (
    AdditionalOutcomes,
    FirstPoundLoss,
    NetSocialValue,
    Objective,
    Parked,
    SupportShortfall,
    TotalSupport,
)
from pbr_opt.design.problem import DesignProblem
from pbr_opt.errors import UnsupportedModelError
from pbr_opt.market.caseload import Caseload
from pbr_opt.market.programme import Programme
from pbr_opt.market.tariffs import ContractTerms, Tariff
from pbr_opt.quantities import FloatArray

SUMS = 1e-12
"""Relative: running sums against a sum at each price, some ten terms."""

AIMS = (
    Parked(),
    FirstPoundLoss(),
    SupportShortfall(300.0),
    SupportShortfall(1e6),
    TotalSupport(),
    AdditionalOutcomes(),
    NetSocialValue(),
    2 * Parked() + 0.5 * FirstPoundLoss(),
    Parked() - AdditionalOutcomes() / 10 + SupportShortfall(300.0) / 1000 - TotalSupport() / 1e5 + FirstPoundLoss(),
    NetSocialValue() - 500 * Parked() - SupportShortfall(200.0),
)

PEOPLE = Caseload(
    ["a", "b", "a", "b", "a", "a", "c", "a"],
    [10, 20, 30, 40, 50, 0, 5, 30],  # nobody in one segment, a group of one, two segments alike
    [0.1, 0.2, 0.3, 0.0, 0.1, 0.1, 0.0, 0.3],
    [0.5, 0.6, 0.6, 0.1, 0.1, 0.4, 0.2, 0.6],  # one whom nothing reaches
    500.0,
    exit_hazard=[0.05, 0.02, 0.0, 0.1, 0.1, 0.3, 0.0, 0.0],
)
PROGRAMME = Programme(
    "p",
    PEOPLE,
    Tariff(["b", "a", "c"], [400, 0, 10], [1000, 800, 700], [50, 0, 20], [4, 0, 13]),
    terms=ContractTerms(0.06, [1, 0.75, 0], [0.5, 0.25, 0.25]),
    discount_rate=0.035,
    outcome_value_gbp=[6000.0, 3000.0, 0.0],
)
SERVED = PROGRAMME.replace(minimum_service_gbp=[40.0, 0.0, 700.0])
PROGRAMMES = {"no minimum": PROGRAMME, "minimum service": SERVED}
RANGES = (PriceRange(0.0, 20_000.0), PriceRange(1500.0, 9000.0), PriceRange({"a": 1300.0}, {"b": 1000.0, "c": 0.0}))


def _cell_at(cells: Cells, group: int, price: FloatArray) -> Cells:
    first, last = cells.start[group : group + 2]
    left = cells.columns.left[first:last]
    return cells.take(first + np.maximum(np.searchsorted(left, price, side="right") - 1, 0))


@pytest.mark.parametrize("limit", RANGES, ids=str)
@pytest.mark.parametrize("aim", AIMS, ids=str)
@pytest.mark.parametrize("name", PROGRAMMES)
def test_cells_are_the_exact_equilibrium(name: str, aim: Objective, limit: PriceRange) -> None:
    problem = DesignProblem(PROGRAMMES[name], aim, [limit])
    cells = price_cells(problem)
    for g, (lower, upper) in enumerate(zip(*problem.price_bounds_gbp, strict=True)):
        first, last = cells.start[g : g + 2]
        ends = [cells.columns.left[first:last], cells.columns.right[first:last]]
        price = np.concatenate([np.linspace(lower, upper, 101), *ends])
        there = _cell_at(cells, g, price)
        inside = np.clip(price, there.columns.left, there.columns.right)
        loss, cost = there.at(inside)
        exact = problem.at_prices(g, inside)
        scale = np.abs(exact.achieved).max()
        np.testing.assert_allclose(cost, exact.cost_gbp, rtol=SUMS, atol=SUMS)
        np.testing.assert_allclose(loss, -aim.better * exact.achieved, rtol=SUMS, atol=SUMS * scale)


@pytest.mark.parametrize("limit", RANGES, ids=str)
@pytest.mark.parametrize("aim", AIMS, ids=str)
def test_cells_cover_the_price_range_without_overlap(aim: Objective, limit: PriceRange) -> None:
    problem = DesignProblem(PROGRAMME, aim, [limit])
    cells, (lower, upper) = price_cells(problem), problem.price_bounds_gbp
    left, right = cells.columns.left, cells.columns.right
    assert np.all(left[cells.start[:-1]] == np.maximum(lower, NO_PRICE_GBP))
    assert np.all(right >= left)
    if not any(isinstance(term, NetSocialValue) for _, term in aim.parts):  # whose cells end where its loss is least
        assert np.all(right[cells.start[1:] - 1] == np.maximum(upper, NO_PRICE_GBP))
        inner = np.setdiff1d(np.arange(1, left.size), cells.start)
        np.testing.assert_array_equal(left[inner], right[inner - 1])


def test_net_social_value_stops_where_more_support_costs_more_than_it_brings() -> None:
    problem = DesignProblem(PROGRAMME, NetSocialValue(), [PriceRange(0.0, 20_000.0)])
    cells = price_cells(problem)
    there = cells.columns
    weight = [problem.price_weight[PEOPLE.group_index == g].min() for g in range(3)]
    most = np.array([6000.0, 3000.0, 0.0]) / weight
    beyond = there.left > np.maximum(np.repeat(most, np.diff(cells.start)), 1.0)
    assert np.count_nonzero(beyond) == 2
    np.testing.assert_array_equal(there.right[beyond], there.left[beyond])


@pytest.mark.parametrize("rate", [0.0, 1e-6, 1e-3, 0.1, 1.0, 1e3])
@pytest.mark.parametrize("aim", AIMS, ids=str)
@pytest.mark.parametrize("name", PROGRAMMES)
def test_no_price_in_a_cell_beats_its_best(name: str, aim: Objective, rate: float) -> None:
    cells = price_cells(DesignProblem(PROGRAMMES[name], aim, [PriceRange(0.0, 20_000.0)]))
    with np.errstate(divide="ignore", invalid="ignore"):
        best = cells.best_price(np.array([rate]))
    loss, cost = cells.at(best)
    least = loss + rate * cost
    assert np.all((best >= cells.columns.left) & (best <= cells.columns.right))
    for share in np.linspace(0.0, 1.0, 51):
        tried = cells.columns.left + share * (cells.columns.right - cells.columns.left)
        loss, cost = cells.at(tried)
        assert np.all(least <= (loss + rate * cost) + SUMS * (np.abs(loss) + rate * cost))


def test_the_price_for_a_cost_costs_that() -> None:
    cells = price_cells(DesignProblem(PROGRAMME, TotalSupport(), [PriceRange(0.0, 20_000.0)]))
    _, top = cells.at(cells.columns.right)
    middle = 0.5 * (cells.columns.cost + top)
    np.testing.assert_allclose(cells.at(cells.price_for(middle))[1], middle, rtol=SUMS)
    highest = np.where(cells.columns.slope > 0.0, cells.columns.right, cells.columns.left)
    np.testing.assert_array_equal(cells.price_for(top + 1.0), highest)


def test_heads_are_counted_and_nothing_is_gained_inside_a_cell() -> None:
    assert price_cells(DesignProblem(PROGRAMME, Parked())).is_flat
    assert not price_cells(DesignProblem(PROGRAMME, FirstPoundLoss())).is_flat


def test_a_tenth_of_a_penny_beside_millions_is_kept() -> None:
    # Sums over all segments would drown the little one: the running sums start afresh in every group.
    people = Caseload(["big", "small"], [1e6, 1.0], 0.1, 0.4, [1e7, 1e-3])
    programme = Programme("p", people, Tariff(["big", "small"], 0, 1))
    cells = price_cells(DesignProblem(programme, TotalSupport(), [PriceRange(0.0, 1e9)]))
    last = cells.start[1:] - 1
    loss, _ = cells.take(last).at(np.array([1e9, 1.0]))
    np.testing.assert_allclose(loss, [-1e13 * np.log(30.0), -1e-3 * np.log(300.0)], rtol=SUMS)


@pytest.mark.parametrize(
    ("programme", "limits"),
    [
        (PROGRAMME.replace(caseload=PEOPLE.replace(curvature=0.5)), []),
        (PROGRAMME.replace(mission_gbp=10.0), []),
        (PROGRAMME, [PriceStep(5)]),
    ],
)
def test_what_cells_do_not_describe_is_refused(programme: Programme, limits: list[PriceStep]) -> None:
    problem = DesignProblem(programme, AdditionalOutcomes(), limits)
    assert not has_cells(problem)
    with pytest.raises(UnsupportedModelError, match="columns"):
        price_cells(problem)


def test_an_objective_without_a_form_is_refused() -> None:
    class Cheer(Parked):
        """A headcount by another name would do, but not this."""

    class Joy(Objective):
        """Nobody has written its form."""

        name, unit, better = "joy", "people", +1
        per_participant = TotalSupport.per_participant

    everybody = Segments.of(DesignProblem(PROGRAMME, Joy()), np.arange(8))
    with pytest.raises(UnsupportedModelError, match="joy"):
        form_of(Joy(), everybody)
    assert not has_cells(DesignProblem(PROGRAMME, Joy(), [Budget(1.0)]))
    assert has_cells(DesignProblem(PROGRAMME, Cheer()))
    assert not has_cells(DesignProblem(PROGRAMME, NetSocialValue() - FirstPoundLoss()))  # bends both ways, for ever
