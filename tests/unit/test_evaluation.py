"""An evaluation: its tables, its order, its terms."""

from __future__ import annotations

import numpy as np
import pytest

from pbr_opt.evaluation import Evaluation, evaluate
from pbr_opt.market.caseload import Caseload
from pbr_opt.market.programme import Programme
from pbr_opt.market.tariffs import ContractTerms, Tariff

PEOPLE = Caseload(["b", "a", "b"], [10, 20, 30], [0.1, 0.2, 0.3], [0.5, 0.6, 0.7], 500.0, exit_hazard=0.1)
PROGRAMME = Programme(
    "p",
    PEOPLE,
    Tariff(["a", "b"], [400, 600], [1200, 3500], [170, 0], [2, 0]),
    group_names={"a": "Group A", "b": "Group B"},
)

PROMISED = {
    "segments": [
        "group",
        "segment",
        "participants",
        "effective_price_gbp",
        "support_gbp",
        "outcome_rate",
        "deadweight_rate",
        "parked",
        "deliverer",
    ],
    "groups": [
        "group",
        "participants",
        "spend_gbp",
        "outcomes",
        "additional_outcomes",
        "parked_share",
        "mean_support_gbp",
    ],
    "agents": [
        "agent",
        "kind",
        "sector",
        "income_gbp",
        "paid_on_gbp",
        "support_gbp",
        "fixed_cost_gbp",
        "profit_gbp",
        "referrals",
        "active",
    ],
    "payments": ["group", "attachment_gbp", "outcome_gbp", "sustainment_gbp"],
}
"""Columns that readers may rely on, table by table."""


@pytest.fixture(scope="module")
def there() -> Evaluation:
    return evaluate(PROGRAMME)


@pytest.mark.parametrize("table", PROMISED)
def test_tables_have_the_columns_promised(there: Evaluation, table: str) -> None:
    frame = there.to_frame(table)
    assert not set(PROMISED[table]) - set(frame.columns)
    assert not frame.isna().any().any()


def test_groups_come_in_order_of_first_appearance(there: Evaluation) -> None:
    groups = there.to_frame()
    assert groups["group"].tolist() == ["b", "a"]
    assert groups["name"].tolist() == ["Group B", "Group A"]
    assert groups["participants"].tolist() == [40.0, 20.0]


def test_segments_keep_the_order_of_the_input(there: Evaluation) -> None:
    segments = there.to_frame("segments")
    assert segments["group"].tolist() == ["b", "a", "b"]
    assert segments["participants"].tolist() == [10.0, 20.0, 30.0]
    # x = f + s (z + z**2) with z = .9 in group a; group b has no sustainment fee.
    np.testing.assert_allclose(segments["effective_price_gbp"], [3500.0, 1200 + 170 * 1.71, 3500.0])


def test_payments_are_split_by_fee(there: Evaluation) -> None:
    payments = there.to_frame("payments")  # b, then a
    outcomes = 20 * there.behaviour.outcome_rate[1]
    assert payments["attachment_gbp"].tolist() == [24_000.0, 8000.0]
    np.testing.assert_allclose(payments["outcome_gbp"].to_numpy()[1], 1200 * outcomes)
    np.testing.assert_allclose(payments["sustainment_gbp"].to_numpy(), [0.0, 170 * 1.71 * outcomes])


def test_the_prime_delivers_to_everybody(there: Evaluation) -> None:
    agents = there.to_frame("agents")
    assert agents["agent"].tolist() == ["department", "prime"]
    assert agents["referrals"].tolist() == [0.0, 60.0]
    assert agents["paid_on_gbp"].tolist() == [there.spend_gbp, 0.0]
    assert agents["income_gbp"].tolist() == [0.0, there.spend_gbp]
    assert there.to_frame("segments")["deliverer"].unique().tolist() == ["prime"]


def test_a_tariff_in_another_order_is_the_same(there: Evaluation) -> None:
    turned = PROGRAMME.tariff.aligned(["b", "a"])
    other = evaluate(PROGRAMME, turned)
    assert other.spend_gbp == there.spend_gbp
    assert other.payable.groups == there.payable.groups == PEOPLE.groups


def test_without_a_tariff_the_programme_s_own_is_used(there: Evaluation) -> None:
    assert evaluate(PROGRAMME, PROGRAMME.tariff).spend_gbp == there.spend_gbp
    assert there.tariff is PROGRAMME.tariff


def test_terms_turn_list_prices_into_payments() -> None:
    terms = ContractTerms(0.1, [1, 0], [0.5, 0.5])
    there = evaluate(PROGRAMME.replace(terms=terms))
    assert there.payable.attachment_fee_gbp.tolist() == [300.0, 200.0]
    np.testing.assert_allclose(there.payable.outcome_fee_gbp, [3150.0, 1080.0])
    assert there.tariff.attachment_fee_gbp.tolist() == [400.0, 600.0]


def test_discounting_lowers_what_sustainment_is_worth() -> None:
    now = evaluate(PROGRAMME).behaviour.price_gbp
    later = evaluate(PROGRAMME.replace(discount_rate=0.5)).behaviour.price_gbp
    assert later[1] < now[1]
    assert later[0] == now[0]


def test_parked_share_by_group_is_zero_where_there_is_nobody() -> None:
    people = Caseload(["empty", "a"], [0, 10], 0.1, 0.4, 500.0)
    there = evaluate(Programme("p", people, Tariff(["empty", "a"], 0, 100)))
    assert there.group_parked_share.tolist() == [0.0, 1.0]


def test_metrics_and_certificate_are_kept(there: Evaluation) -> None:
    assert there.metrics is there.metrics
    assert there.certificate is there.certificate
