"""The convex method: never believe a solver."""

from __future__ import annotations

import cvxpy as cp
import numpy as np
import pytest

from pbr_opt.design.convex import convex_bound, solve_convex
from pbr_opt.design.limits import Budget, PriceRange
from pbr_opt.design.objectives import FirstPoundLoss
from pbr_opt.design.optimise import optimise
from pbr_opt.design.problem import DesignProblem
from pbr_opt.design.result import Design
from pbr_opt.design.settings import DesignSettings
from pbr_opt.errors import SolverError, UnsupportedModelError
from pbr_opt.market.caseload import Caseload
from pbr_opt.market.programme import Programme
from pbr_opt.market.tariffs import Tariff

PEOPLE = Caseload(["a", "b"], [100, 100], [0.12, 0.02], [0.42, 0.10], 600.0)
PROGRAMME = Programme("p", PEOPLE, Tariff(["a", "b"], 0, 1000))
LIMITS = [Budget(20_000), PriceRange(0, 9000)]
CONVEX = DesignSettings(method="convex")

NEAR = 1e-6
"""Relative: interior-point answers."""


def _design(settings: DesignSettings = CONVEX, programme: Programme = PROGRAMME) -> Design:
    return optimise(programme, minimise=FirstPoundLoss(), limits=LIMITS, settings=settings)


def _lie(
    monkeypatch: pytest.MonkeyPatch,
    price: float | tuple[float, float],
    status: str = "optimal",
    value: float | None = None,
) -> None:
    """Make every solver return these prices (thousands), whatever it was asked, and call them what it likes."""

    def solve(self: cp.Problem, **_: object) -> None:
        for variable in self.variables():
            filled = np.broadcast_to(price if variable.name() == "price" else 0.0, variable.shape)
            variable.save_value(filled)
        self._status = status
        told = self.objective.value if value is None else value
        monkeypatch.setattr(self, "_value", told)

    monkeypatch.setattr(cp.Problem, "solve", solve)


def test_the_truth_passes() -> None:
    assert _design().objective == pytest.approx(100 * (1 - 5000 / 24_000), rel=NEAR)


def test_a_solver_that_calls_doing_nothing_optimal_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    # What cvxpy 1.9.3 with HiGHS has done where variables had no upper bound: all prices zero, status "optimal".
    _lie(monkeypatch, 0.0)
    with pytest.raises(SolverError, match="refused"):
        _design()


def test_a_feasible_answer_that_is_not_the_best_is_caught_though_its_own_account_is_true(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # £1,000 for both: loss 50 + 86.67 in truth and in its own account; the proved bound is 79.17.
    _lie(monkeypatch, 1.0, value=(50 + 100 * (1 - 1000 / 7500)) / 200)
    with pytest.raises(SolverError, match="all that is proved"):
        _design()


def test_the_best_prices_with_a_false_account_of_them_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    # Prices that spend 19,999 of the 20,000, so that they are near the best, and a loss a tenth below what they give.
    _lie(monkeypatch, (4.999 / 12, 7.5), value=0.9 * 79.17 / 200)
    with pytest.raises(SolverError, match=r"claims .* the exact equilibrium"):
        _design()


def test_an_answer_beyond_the_budget_is_pulled_back_or_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    _lie(monkeypatch, 9.0)
    with pytest.raises(SolverError):
        _design()


@pytest.mark.parametrize("status", ["infeasible", "unbounded", "solver_error", "user_limit"])
def test_a_solver_that_gives_up_on_a_problem_with_a_solution_is_an_error(
    monkeypatch: pytest.MonkeyPatch, status: str
) -> None:
    _lie(monkeypatch, 1.0, status=status)
    with pytest.raises(SolverError, match=status):
        _design()


def test_prices_that_are_no_numbers_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    _lie(monkeypatch, np.nan)
    with pytest.raises(SolverError, match="without usable prices"):
        _design()


def test_the_bound_needs_no_solver() -> None:
    problem = DesignProblem(PROGRAMME, FirstPoundLoss(), LIMITS)
    best = 100 * (1 - 5000 / 24_000)
    assert convex_bound(problem, 1 / 240) == pytest.approx(best, rel=1e-9)
    for other in (0.0, 1 / 1000, 1 / 200, 1.0):
        assert convex_bound(problem, other) <= best * (1 + 1e-12)


@pytest.mark.parametrize("bend", [0.05, 0.37, 0.5, 0.95])
def test_any_curvature_is_solved_without_a_word_from_the_solver_s_house(bend: float) -> None:
    curved = PROGRAMME.replace(caseload=PEOPLE.replace(curvature=bend))
    design = _design(programme=curved)
    assert design.objective - design.bound <= NEAR * 200
    assert design.evaluation.spend_gbp <= 20_000 * (1 + 1e-9)


def test_mission_and_minimum_service_are_no_programme_of_this_form() -> None:
    for fields in ({"mission_gbp": 100.0}, {"minimum_service_gbp": 100.0}):
        with pytest.raises(UnsupportedModelError, match="PriceStep"):
            solve_convex(DesignProblem(PROGRAMME.replace(**fields), FirstPoundLoss(), LIMITS), "CLARABEL")
