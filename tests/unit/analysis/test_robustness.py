"""Robust designs: what is handed back, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pbr_opt.analysis import robustness
from pbr_opt.analysis.robustness import RobustSettings, outlook, robust, robust_first_pound
from pbr_opt.design.limits import Budget
from pbr_opt.design.objectives import FirstPoundLoss, Parked
from pbr_opt.design.optimise import optimise
from pbr_opt.design.robust_columns import RobustAnswer
from pbr_opt.errors import DesignInfeasibleError, InvalidInputError, SolverError, UnsupportedModelError
from pbr_opt.market.caseload import Caseload
from pbr_opt.market.programme import Programme
from pbr_opt.market.tariffs import Tariff

PRICES = range(0, 4001, 100)


def _world(low: float, groups: tuple[str, str] = ("a", "b")) -> Programme:
    return Programme("p", Caseload(groups, 100, [low, 0.1], 0.42, 600), Tariff(groups, 10, 3000))


WORLDS = [_world(0.10), _world(0.20)]


def _robust(**changes: Any) -> robustness.RobustDesign:  # noqa: ANN401  # any argument of robust
    wanted: dict[str, Any] = {"worlds": WORLDS, "aim": Parked(), "prices_gbp": PRICES, "budget_gbp": 70_000.0}
    wanted |= changes
    return robust(wanted.pop("worlds"), wanted.pop("aim"), **wanted)


def test_an_answer_is_evaluated_in_every_world() -> None:
    there = _robust()
    assert there.status == "optimal"
    assert there.tariff.price_gbp.tolist() == [1900.0, 1900.0]
    assert there.outlook.objective.tolist() == [0.0, 100.0]
    assert there.objective == 50.0
    assert there.outlook.overspend_probability(50_000.0) == 0.5
    assert there.outlook.spend_tail_gbp(1.0) == pytest.approx(there.outlook.spend_gbp.mean())
    assert there.outlook.objective_tail(0.0) == 100.0
    assert there.outlook.to_frame()["world"].tolist() == [0, 1]


def test_the_order_of_groups_in_a_world_does_not_matter() -> None:
    flipped = Programme("p", Caseload(["b", "a"], 100, [0.1, 0.20], 0.42, 600), Tariff(["a", "b"], 10, 3000))
    assert _robust(worlds=[WORLDS[0], flipped]).tariff == _robust().tariff


def test_a_world_without_weight_counts_for_nothing_but_is_shown() -> None:
    there = _robust(weights=[1.0, 0.0], settings=RobustSettings(0.0, 0.0))
    assert there.objective == 0.0
    assert there.outlook.objective.tolist() == [0.0, 100.0]


def test_too_small_a_budget_is_explained() -> None:
    with pytest.raises(DesignInfeasibleError, match="spend_tail 0") as caught:
        _robust(prices_gbp=[1000], settings=RobustSettings(0.0), budget_gbp=20_000.0)
    assert caught.value.least_budget_gbp == pytest.approx(2000 + 20_000 + 10_000)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"worlds": []}, "worlds"),
        ({"worlds": WORLDS[0]}, "a list of at least one"),
        ({"worlds": [WORLDS[0], "x"]}, r"worlds\[1\]"),
        ({"worlds": [WORLDS[0], _world(0.1, ("a", "c"))]}, "other payment groups"),
        ({"weights": [1.0]}, "weights"),
        ({"weights": [1.0, -1.0]}, "at least 0"),
        ({"weights": [0.0, 0.0]}, "some above"),
        ({"aim": "parked"}, "an objective"),
        ({"budget_gbp": np.inf}, "budget_gbp"),
        ({"prices_gbp": []}, "at least one list price"),
    ],
)
def test_bad_input_is_refused(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(InvalidInputError, match=told):
        _robust(**changes)


def test_bad_settings_are_refused_together() -> None:
    with pytest.raises(InvalidInputError) as caught:
        RobustSettings(spend_tail=2.0, loss_tail=np.nan)
    assert {fault.place for fault in caught.value.faults} == {"spend_tail", "loss_tail"}


def test_a_lying_search_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(robustness, "choose_columns", lambda *_: RobustAnswer(np.array([0, 0]), 1.0, 1.0))
    with pytest.raises(SolverError, match="refused"):
        _robust()


def test_an_outlook_needs_no_search() -> None:
    there = outlook(WORLDS, Parked(), WORLDS[0].tariff, [3.0, 1.0])
    assert there.weight.tolist() == [0.75, 0.25]


def test_one_world_is_the_exact_design_of_first_pound_loss() -> None:
    one = robust_first_pound(WORLDS[1:], budget_gbp=30_000.0)
    exact = optimise(WORLDS[1], minimise=FirstPoundLoss(), limits=[Budget(30_000.0)])
    assert one.objective == pytest.approx(exact.objective)
    assert one.status == "optimal"


@pytest.mark.parametrize("tails", [(1.0, 1.0), (0.0, 0.0), (0.5, 0.3)])
def test_no_price_list_beats_the_scenario_programme(tails: tuple[float, float]) -> None:
    settings = RobustSettings(*tails)
    there = robust_first_pound(WORLDS, budget_gbp=40_000.0, settings=settings)
    listed = robust(WORLDS, FirstPoundLoss(), prices_gbp=PRICES, budget_gbp=40_000.0, settings=settings)
    assert there.objective <= listed.objective + 1e-6
    assert there.bound <= listed.objective
    assert there.gap <= 1e-6
    assert there.outlook.spend_tail_gbp(tails[0]) <= 40_000.0 * (1 + 1e-9)


def test_scenario_programmes_say_what_they_need() -> None:
    curved = [world.replace(caseload=world.caseload.replace(curvature=0.3)) for world in WORLDS]
    with pytest.raises(UnsupportedModelError, match="curvature 0"):
        robust_first_pound(curved, budget_gbp=1e5)
    with pytest.raises(DesignInfeasibleError, match="£2,000"):
        robust_first_pound(WORLDS, budget_gbp=1000.0)
