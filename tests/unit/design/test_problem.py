"""The statement of a design problem: weights, parking prices, grids, feasibility."""

from __future__ import annotations

import numpy as np
import pytest

from pbr_opt.design.conflicts import require_feasible
from pbr_opt.design.limits import PRICE_CEILING_GBP, Budget, Limit, PriceRange, PriceStep
from pbr_opt.design.objectives import Parked
from pbr_opt.design.problem import DesignProblem
from pbr_opt.errors import InvalidInputError
from pbr_opt.evaluation import evaluate
from pbr_opt.market.caseload import Caseload
from pbr_opt.market.programme import Programme
from pbr_opt.market.tariffs import ContractTerms, Tariff

PEOPLE = Caseload(["b", "a", "b"], [10, 20, 30], [0.1, 0.2, 0.3], [0.5, 0.6, 0.6], 500.0, exit_hazard=[0.1, 0.1, 0.0])
PROGRAMME = Programme("p", PEOPLE, Tariff(["a", "b"], [400, 600], [1000, 800], [0, 100], [0, 2]))


def _problem(programme: Programme, *limits: Limit) -> DesignProblem:
    return DesignProblem(programme, Parked(), limits)


def test_weights_turn_list_prices_into_effective_ones() -> None:
    # Group b: of £1,000 list, 800 are an outcome fee and 2 x 100 sustainment, worth 171 where a tenth leave.
    np.testing.assert_allclose(_problem(PROGRAMME).price_weight, [0.971, 1.0, 1.0], rtol=1e-12)


def test_discounts_lower_the_weight() -> None:
    tapered = PROGRAMME.replace(terms=ContractTerms(0.06))
    np.testing.assert_allclose(_problem(tapered).price_weight, np.array([0.971, 1.0, 1.0]) * 0.94, rtol=1e-12)


def test_at_its_parking_price_a_segment_is_just_not_parked() -> None:
    problem = _problem(PROGRAMME)
    for row, price in enumerate(problem.parking_price_gbp):
        assert not evaluate(PROGRAMME, problem.base.at_price(price)).behaviour.parked[row]
        assert evaluate(PROGRAMME, problem.base.at_price(price * (1 - 1e-9))).behaviour.parked[row]


@pytest.mark.parametrize("fields", [{"mission_gbp": 300.0}, {"minimum_service_gbp": 200.0}])
def test_parking_prices_with_a_mission_or_a_minimum(fields: dict[str, float]) -> None:
    programme = PROGRAMME.replace(**fields)
    problem = _problem(programme)
    assert problem.is_piecewise_linear != programme.mission_gbp.any()
    for row, price in enumerate(problem.parking_price_gbp):
        assert not evaluate(programme, problem.base.at_price(price * (1 + 1e-9))).behaviour.parked[row]
        assert evaluate(programme, problem.base.at_price(price * (1 - 1e-9))).behaviour.parked[row]


def test_a_mission_beyond_the_threshold_needs_no_price() -> None:
    problem = _problem(PROGRAMME.replace(mission_gbp=1e6))
    assert problem.parking_price_gbp.tolist() == [0.0, 0.0, 0.0]


def test_a_tariff_that_pays_nothing_in_the_end_parks_at_any_price() -> None:
    problem = _problem(PROGRAMME.replace(terms=ContractTerms(1.0)))
    assert np.isinf(problem.parking_price_gbp).all()


def test_bounds_and_budget_default() -> None:
    problem = _problem(PROGRAMME)
    lower, upper = problem.price_bounds_gbp
    assert (lower.tolist(), upper.tolist()) == ([0.0, 0.0], [PRICE_CEILING_GBP] * 2)
    assert problem.budget_gbp == np.inf
    assert problem.step_gbp is None


def test_least_spend_is_what_the_lowest_prices_cost() -> None:
    floor = PriceRange(1000)
    cheapest = evaluate(PROGRAMME, PROGRAMME.tariff.at_price(1000)).spend_gbp
    assert _problem(PROGRAMME, floor).least_spend_gbp == pytest.approx(cheapest, rel=1e-12)
    assert _problem(PROGRAMME).least_spend_gbp == 20 * 400 + 40 * 600


def test_columns_are_evaluated_exactly() -> None:
    problem = _problem(PROGRAMME)
    prices = np.array([0.0, 1000.0, 5000.0])
    columns = problem.at_prices(0, prices)
    for k, price in enumerate(prices):
        there = evaluate(PROGRAMME, problem.base.at_price([price, 0.0]))
        rows = PEOPLE.group_index == 0
        spend = PEOPLE.participants[rows] @ there.behaviour.payment_gbp[rows] + 40 * 600
        assert columns.cost_gbp[k] == pytest.approx(spend, rel=1e-12)
        assert columns.achieved[k] == PEOPLE.participants[rows] @ there.behaviour.parked[rows]


def test_columns_do_not_depend_on_the_size_of_a_block(monkeypatch: pytest.MonkeyPatch) -> None:
    prices = np.linspace(0.0, 9000.0, 50)
    whole = _problem(PROGRAMME).at_prices(0, prices)
    monkeypatch.setattr("pbr_opt.design.group_play._BLOCK", 7)
    parts = _problem(PROGRAMME).at_prices(0, prices)
    np.testing.assert_allclose(parts.cost_gbp, whole.cost_gbp, rtol=1e-12)
    np.testing.assert_array_equal(parts.achieved, whole.achieved)


def test_a_step_keeps_the_proportion_as_nearly_as_it_allows() -> None:
    problem = _problem(PROGRAMME, PriceStep(5), PriceRange(0, 3000))
    fees = problem.grid_fees(0)
    assert np.all(fees % 5 == 0)
    price = fees @ [1.0, 2.0]
    assert np.all((price >= 0) & (price <= 3000 * (1 + 1e-9)))
    # The programme's own card, 800 and 2 x 100, is on the grid; each fee is within a step of its share of the price.
    assert [800.0, 100.0] in fees.tolist()
    assert np.all(np.abs(fees[:, 1] - 0.1 * price) <= 5)


def test_a_step_without_sustainment_is_every_multiple() -> None:
    problem = _problem(PROGRAMME, PriceStep(250), PriceRange(0, 1000))
    assert problem.grid_fees(1)[:, 0].tolist() == [0.0, 250.0, 500.0, 750.0, 1000.0]


def test_feasible_to_the_penny() -> None:
    least = _problem(PROGRAMME).least_spend_gbp
    assert require_feasible(_problem(PROGRAMME, Budget(least))).spend_gbp == least


def test_a_step_too_fine_to_try_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="a coarser step"):
        DesignProblem(PROGRAMME, Parked(), [PriceStep(0.01)])
