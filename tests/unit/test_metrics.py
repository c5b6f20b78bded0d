"""Metrics at the edges: everybody parked, nobody parked, no spend, one segment, empty groups, ties."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pbr_opt.evaluation import evaluate
from pbr_opt.market.caseload import Caseload
from pbr_opt.market.programme import Programme
from pbr_opt.market.tariffs import Tariff
from pbr_opt.metrics import TOKEN_SUPPORT_GBP, Metrics, ease_interval, measure_creaming

PEOPLE = Caseload(["a", "a", "b"], [100, 50, 50], [0.3, 0.1, 0.0], [0.6, 0.3, 0.2], 500.0)
"""Thresholds £1,667, £2,500 and £2,500."""


def _metrics(price: float, *, outcome_value_gbp: float | None = None, base_service_gbp: float = 0.0) -> Metrics:
    tariff = Tariff(["a", "b"], 0, price)
    programme = Programme("p", PEOPLE, tariff, outcome_value_gbp=outcome_value_gbp, base_service_gbp=base_service_gbp)
    return evaluate(programme).metrics


def test_everybody_parked() -> None:
    metrics = _metrics(1000.0, outcome_value_gbp=2000.0)
    assert metrics.parked_share == 1.0
    assert metrics.total_support_gbp == 0.0
    assert metrics.additional_outcomes == pytest.approx(0.0, abs=1e-9)
    assert metrics.windfall_share == pytest.approx(1.0)
    assert metrics.token_help_share == 0.0
    assert metrics.creaming.concentration_index == 0.0
    assert metrics.creaming.quintile_ratio == 1.0
    # Society would help the first hundred only: v = £2,000 lies between their threshold and the others'.
    assert metrics.inefficiently_parked_share == 0.5


def test_cost_of_an_additional_outcome_where_there_are_none() -> None:
    nobody_helped = Caseload(["a"], 10, 0.25, 0.5, 1000.0)
    metrics = evaluate(Programme("p", nobody_helped, Tariff(["a"], 0, 1000))).metrics
    assert metrics.cost_per_additional_outcome_gbp == math.inf
    assert metrics.cost_per_outcome_gbp == pytest.approx(1000.0)


def test_nobody_parked() -> None:
    metrics = _metrics(9000.0, outcome_value_gbp=9000.0)
    assert metrics.parked_share == 0.0
    assert metrics.first_pound_loss == 0.0
    assert metrics.inefficiently_parked_share == 0.0
    assert metrics.support_gap_gbp == 0.0
    assert metrics.creaming.coverage_gradient == pytest.approx(0.0, abs=1e-12)


def test_no_spend() -> None:
    metrics = _metrics(0.0)
    assert metrics.spend_gbp == 0.0
    assert (metrics.rent_share, metrics.windfall_share) == (0.0, 0.0)
    assert metrics.cost_per_outcome_gbp == 0.0
    assert metrics.outcomes == pytest.approx(35.0)


def test_no_outcomes() -> None:
    idle = Caseload(["a"], 10, 0.0, 0.5, 1000.0)
    metrics = evaluate(Programme("p", idle, Tariff(["a"], 400, 0))).metrics
    assert metrics.cost_per_outcome_gbp == math.inf
    assert metrics.spend_gbp == 4000.0
    assert metrics.windfall_share == 0.0


def test_what_needs_a_value_is_none_without_one() -> None:
    metrics = _metrics(3000.0)
    assert metrics.inefficiently_parked_share is None
    assert metrics.support_gap_gbp is None
    assert metrics.net_social_value_gbp is None
    assert metrics.creaming.coverage_gradient is None


def test_one_segment_shows_no_creaming() -> None:
    one = Caseload(["a"], 10, 0.1, 0.4, 500.0)
    programme = Programme("p", one, Tariff(["a"], 0, 4000), outcome_value_gbp=5000)
    creaming = evaluate(programme).metrics.creaming
    assert creaming.concentration_index == 0.0
    assert creaming.quintile_ratio == pytest.approx(1.0)
    assert creaming.coverage_gradient == 0.0


def test_ties_in_ease_show_no_creaming_whatever_the_order() -> None:
    tied = Caseload(["a"] * 3, [10, 20, 30], 0.1, 0.4, 500.0)
    support = np.array([5.0, 0.0, 9.0])
    creaming = measure_creaming(Programme("p", tied, Tariff(["a"], 0, 1)), support)
    assert creaming.concentration_index == pytest.approx(0.0, abs=1e-12)
    assert creaming.quintile_ratio == pytest.approx(1.0)
    start, stop = ease_interval(tied)
    assert (start.tolist(), stop.tolist()) == ([0.0] * 3, [1.0] * 3)


def test_those_beyond_help_rank_hardest() -> None:
    some = Caseload(["a", "a"], [10, 30], [0.2, 0.1], [0.2, 0.4], 500.0)
    start, stop = ease_interval(some)
    assert start.tolist() == [0.0, 0.25]
    assert stop.tolist() == [0.25, 1.0]


def test_a_group_with_nobody_is_never_the_worst_served() -> None:
    people = Caseload(["empty", "a"], [0, 10], [0.1, 0.1], [0.1, 0.4], 500.0)
    metrics = evaluate(Programme("p", people, Tariff(["empty", "a"], 0, 4000))).metrics
    assert metrics.worst_served_group == "a"
    assert metrics.worst_served_parked_share == 0.0


def test_ties_in_parking_go_to_the_group_with_least_support() -> None:
    people = Caseload(["a", "b"], 10, 0.1, [0.6, 0.4], 500.0)
    metrics = evaluate(Programme("p", people, Tariff(["a", "b"], 0, 4000))).metrics
    assert metrics.worst_served_group == "b"


def test_token_help_is_counted() -> None:
    # kappa ln(x/x_park) = 500 ln 1.04 = 19.6, below the token.
    one = Caseload(["a"], 10, 0.1, 0.6, 500.0)
    metrics = evaluate(Programme("p", one, Tariff(["a"], 0, 1040))).metrics
    assert 0 < metrics.mean_support_gbp < TOKEN_SUPPORT_GBP
    assert (metrics.parked_share, metrics.token_help_share) == (0.0, 1.0)


def test_base_service_costs_are_shown_and_not_counted_as_rent() -> None:
    plain, based = _metrics(3000.0), _metrics(3000.0, base_service_gbp=450.0)
    assert based.base_service_gbp == 450.0 * 200
    assert based.rent_gbp == plain.rent_gbp
