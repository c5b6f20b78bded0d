"""Designs: which method answers, what is said about the answer, what stays and what moves."""

from __future__ import annotations

import numpy as np
import pytest

from pbr_opt.design.limits import Budget, Limit, PriceRange, PriceStep
from pbr_opt.design.objectives import (
    AdditionalOutcomes,
    FirstPoundLoss,
    NetSocialValue,
    Objective,
    Parked,
    SupportShortfall,
)
from pbr_opt.design.optimise import optimise
from pbr_opt.design.result import relative_gap
from pbr_opt.design.settings import DesignSettings
from pbr_opt.market.caseload import Caseload
from pbr_opt.market.programme import Programme
from pbr_opt.market.tariffs import Tariff

PEOPLE = Caseload(["a", "b"], [100, 100], [0.12, 0.02], [0.42, 0.10], 600.0, exit_hazard=0.05)
PROGRAMME = Programme(
    "p",
    PEOPLE,
    Tariff(["b", "a"], [600, 400], [3500, 1200], [370, 170], [26, 13]),
    group_names={"a": "Group A", "b": "Group B"},
)
BUDGET = Budget(130_000)


def test_fees_move_together_and_attachment_fees_stay() -> None:
    design = optimise(PROGRAMME, minimise=Parked(), limits=[BUDGET])
    tariff = design.tariff.aligned(PROGRAMME.tariff.groups)
    np.testing.assert_array_equal(tariff.attachment_fee_gbp, PROGRAMME.tariff.attachment_fee_gbp)
    np.testing.assert_array_equal(tariff.sustainment_max, PROGRAMME.tariff.sustainment_max)
    paid = tariff.price_gbp > 0
    ratio = (tariff.sustainment_fee_gbp / np.where(paid, tariff.outcome_fee_gbp, 1.0))[paid]
    np.testing.assert_allclose(ratio, (np.array([370 / 3500, 170 / 1200]))[paid])


@pytest.mark.parametrize(
    ("aim", "limits", "words"),
    [
        (FirstPoundLoss(), [BUDGET], "exact"),
        (Parked(), [BUDGET], "parking thresholds"),
        (Parked(), [BUDGET, PriceStep(5)], "£5 step"),
        (FirstPoundLoss(), [BUDGET, PriceStep(5)], "£5 step"),
        (SupportShortfall(300.0), [BUDGET], "branch and bound over price cells"),
    ],
)
def test_the_method_is_named(aim: Objective, limits: list[Limit], words: str) -> None:
    assert words in optimise(PROGRAMME, minimise=aim, limits=limits).method


def test_without_limits_nobody_who_can_be_helped_is_parked() -> None:
    design = optimise(PROGRAMME, minimise=Parked())
    assert (design.objective, design.bound, design.status) == (0.0, 0.0, "optimal")
    assert design.budget_price == 0.0


def test_more_cells_give_a_tighter_bound() -> None:
    coarse, fine = (
        optimise(
            PROGRAMME,
            maximise=AdditionalOutcomes(),
            limits=[BUDGET],
            settings=DesignSettings(method="columns", cells=cells),
        )
        for cells in (50, 5000)
    )
    assert coarse.status == "gap"
    assert fine.gap < coarse.gap
    assert fine.bound <= coarse.bound
    assert fine.objective >= coarse.objective


def test_continuous_prices_are_proved_without_being_asked_how() -> None:
    design = optimise(PROGRAMME, maximise=AdditionalOutcomes(), limits=[BUDGET])
    assert design.status == "optimal"
    fine = DesignSettings(method="columns", cells=20_000)
    columns = optimise(PROGRAMME, maximise=AdditionalOutcomes(), limits=[BUDGET], settings=fine)
    assert columns.objective <= design.objective * (1 + 1e-9)
    assert design.objective <= columns.bound * (1 + 1e-9)


def test_net_social_value_on_a_step() -> None:
    worth = PROGRAMME.replace(outcome_value_gbp=9000)
    design = optimise(worth, maximise=NetSocialValue(), limits=[Budget(400_000), PriceStep(50), PriceRange(0, 20_000)])
    assert design.status == "optimal"
    assert design.objective == pytest.approx(design.evaluation.metrics.net_social_value_gbp)
    assert design.objective >= 0


def test_notes_say_who_is_left_without_help() -> None:
    design = optimise(PROGRAMME, minimise=Parked(), limits=[Budget(101_000)])
    assert any("Nothing is paid" in note and "Group" in note for note in design.notes)
    assert "status" in str(design)


def test_notes_say_where_a_price_is_only_a_windfall_and_where_it_is_capped() -> None:
    design = optimise(PROGRAMME, minimise=Parked(), limits=[PriceRange(500, 600)])
    assert any("Everybody is parked" in note for note in design.notes)
    assert (
        optimise(PROGRAMME, minimise=FirstPoundLoss(), limits=[PriceRange(0, 600)]).notes[-1].startswith("At the high")
    )


def test_the_rate_card_has_a_row_for_each_group() -> None:
    card = optimise(PROGRAMME, minimise=Parked(), limits=[BUDGET, PriceStep(5)]).to_frame()
    assert card["group"].tolist() == ["a", "b"]
    assert np.all(card[["outcome_fee_gbp", "sustainment_fee_gbp"]].to_numpy() % 5 == 0)


def test_a_tariff_in_another_order_gives_the_same_design() -> None:
    turned = PROGRAMME.replace(tariff=PROGRAMME.tariff.aligned(["a", "b"]))
    one, two = (optimise(p, minimise=Parked(), limits=[BUDGET]) for p in (PROGRAMME, turned))
    assert one.tariff == two.tariff.aligned(one.tariff.groups)


def test_the_same_question_gives_the_same_answer() -> None:
    one, two = (optimise(PROGRAMME, minimise=FirstPoundLoss(), limits=[BUDGET]) for _ in range(2))
    assert one.tariff == two.tariff
    assert one.objective == two.objective


@pytest.mark.parametrize(
    ("pair", "gap"),
    [((0.0, 0.0), 0.0), ((2.0, 1.0), 0.5), ((-1.0, -2.0), 0.5), ((1.0, 0.0), 1.0), ((1.0, np.inf), np.inf)],
)
def test_relative_gap(pair: tuple[float, float], gap: float) -> None:
    assert relative_gap(*pair) == gap
