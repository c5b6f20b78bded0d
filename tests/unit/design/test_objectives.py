"""Objectives: their terms on one segment, and what they need."""

from __future__ import annotations

import pytest

from pbr_opt.design.objectives import (
    AdditionalOutcomes,
    FirstPoundLoss,
    NetSocialValue,
    Objective,
    Parked,
    SupportShortfall,
    TotalSupport,
)
from pbr_opt.errors import UnsupportedModelError
from pbr_opt.evaluation import evaluate
from pbr_opt.market.caseload import Caseload
from pbr_opt.market.programme import Programme
from pbr_opt.market.tariffs import Tariff

ONE = Caseload(["a"], 100, 0.12, 0.42, 600.0)
PROGRAMME = Programme("p", ONE, Tariff(["a"], 0, 4000), outcome_value_gbp=10_000)
E_STAR = 415.8883083359672


@pytest.mark.parametrize(
    ("aim", "at_1000", "at_4000"),
    [
        (Parked(), 100.0, 0.0),
        (FirstPoundLoss(), 50.0, 0.0),
        (SupportShortfall(500.0), 50_000.0, 100 * (500 - E_STAR)),
        (TotalSupport(), 0.0, 100 * E_STAR),
        (AdditionalOutcomes(), 0.0, 15.0),
        (NetSocialValue(), 0.0, 150_000 - 100 * E_STAR),
    ],
)
def test_totals_of_a_hundred_people(aim: Objective, at_1000: float, at_4000: float) -> None:
    found = [aim.total(evaluate(PROGRAMME, Tariff(["a"], 0, price))) for price in (1000, 4000)]
    assert found == pytest.approx([at_1000, at_4000])


@pytest.mark.parametrize(
    ("aim", "better"),
    [(Parked(), -1), (FirstPoundLoss(), -1), (SupportShortfall(1.0), -1), (TotalSupport(), 1), (NetSocialValue(), 1)],
)
def test_which_way_is_better(aim: Objective, better: int) -> None:
    assert aim.better == better
    assert aim.name
    assert aim.unit


def test_objectives_compare_by_what_they_ask() -> None:
    assert Parked() == Parked()
    assert SupportShortfall(1.0) != SupportShortfall(2.0)


def test_social_value_needs_a_value() -> None:
    without = evaluate(Programme("p", ONE, Tariff(["a"], 0, 4000)))
    with pytest.raises(UnsupportedModelError, match="outcome_value_gbp"):
        NetSocialValue().total(without)
