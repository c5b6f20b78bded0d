"""Best responses: shapes, thresholds, who is called parked under a minimum service."""

from __future__ import annotations

import numpy as np
import pytest

from pbr_opt.equilibrium.best_response import best_response, first_best_support_gbp
from pbr_opt.market.caseload import Caseload

PEOPLE = Caseload(["a", "a"], 1, [0.12, 0.02], [0.42, 0.10], 600.0)


def test_shapes_follow_the_price() -> None:
    prices = np.linspace(0, 9000, 5)[:, None] * np.ones(2)
    there = best_response(PEOPLE.response, prices)
    for name in ("support_gbp", "outcome_rate", "parked", "incentive", "first_pound_loss", "payment_gbp"):
        assert getattr(there, name).shape == (5, 2), name


def test_on_the_threshold_nobody_is_parked_and_nothing_is_spent() -> None:
    there = best_response(PEOPLE.response, PEOPLE.parking_threshold_gbp)
    assert there.parked.tolist() == [False, False]
    np.testing.assert_allclose(there.support_gbp, 0.0, atol=1e-9)
    assert there.first_pound_loss.tolist() == [0.0, 0.0]


def test_whom_support_cannot_help_is_parked_at_any_price() -> None:
    beyond = Caseload(["a"], 1, 0.3, 0.3, 600.0)
    there = best_response(beyond.response, 1e9)
    assert (there.parked.item(), there.support_gbp.item(), there.first_pound_loss.item()) == (True, 0.0, 1.0)


def test_profit_leaves_mission_out_and_value_counts_it() -> None:
    there = best_response(PEOPLE.response, 1500.0, mission_gbp=2500.0)
    np.testing.assert_allclose(there.provider_value_gbp - there.profit_gbp, 2500.0 * there.outcome_rate)


def test_a_minimum_that_does_not_bind_changes_nothing() -> None:
    free = best_response(PEOPLE.response, 9000.0)
    held = best_response(PEOPLE.response, 9000.0, minimum_service_gbp=1.0)
    assert held.support_gbp.tolist() == free.support_gbp.tolist()
    np.testing.assert_allclose(held.outcome_rate, free.outcome_rate, rtol=1e-12)


def test_held_at_the_minimum_is_parked_only_where_more_would_pay_society() -> None:
    # p'(600) = (.3, .08) exp(-1)/600: one more pound brings society v p' = £1.84 and 49 pence at v = £10,000.
    worth = np.array([10_000.0, 10_000.0])
    held = best_response(PEOPLE.response, 1000.0, minimum_service_gbp=600.0, outcome_value_gbp=worth)
    assert held.parked.tolist() == [True, False]
    without = best_response(PEOPLE.response, 1000.0, minimum_service_gbp=600.0)
    assert without.parked.tolist() == [True, True]


def test_a_value_without_a_minimum_changes_nobody_s_name() -> None:
    there = best_response(PEOPLE.response, 1000.0, outcome_value_gbp=np.array([100.0, 100.0]))
    assert there.parked.tolist() == [True, True]


def test_first_best_support_is_the_response_to_what_an_outcome_is_worth() -> None:
    assert first_best_support_gbp(PEOPLE.response, 4000.0).tolist() == pytest.approx([600 * np.log(2), 0.0])
