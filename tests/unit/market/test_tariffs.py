"""Tariffs and contract terms: order, alignment, price levels, years."""

from __future__ import annotations

import numpy as np
import pytest

from pbr_opt.errors import InvalidInputError
from pbr_opt.market.caseload import Caseload
from pbr_opt.market.tariffs import ContractTerms, Tariff

CARD = Tariff(["1", "2", "7"], [400, 400, 600], [1200, 1200, 3500], [170, 215, 370], [13, 13, 26])


def test_ids_may_be_numbers() -> None:
    assert Tariff([1, 2.0], 0, 1).groups == ("1", "2")


def test_alignment_moves_every_column() -> None:
    turned = CARD.aligned(["7", "1", "2"])
    assert turned.groups == ("7", "1", "2")
    assert turned.maximum_total_gbp.tolist() == [13_720.0, 3810.0, 4395.0]
    assert turned.aligned(["1", "2", "7"]) == CARD


def test_alignment_to_its_own_order_is_itself() -> None:
    assert CARD.aligned(CARD.groups) is CARD


def test_alignment_names_each_stranger_and_suggests() -> None:
    with pytest.raises(InvalidInputError) as caught:
        Tariff(["young", "older"], 0, 1).aligned(["yung", "older", "prison"])
    assert [fault.place for fault in caught.value.faults] == ["group 'yung'", "group 'prison'", "group 'young'"]
    assert "did you mean 'yung'?" in str(caught.value)


def test_equality_and_hash_are_of_what_is_paid() -> None:
    same = Tariff(["1", "2", "7"], [400, 400, 600], [1200, 1200, 3500], [170, 215, 370], [13, 13, 26])
    assert same == CARD
    assert hash(same) == hash(CARD)
    assert CARD.replace(outcome_fee_gbp=1.0) != CARD
    assert CARD != "a tariff"


def test_take_picks_by_position() -> None:
    assert CARD.take([2, 0]).groups == ("7", "1")
    assert CARD.take([2]).sustainment_max.tolist() == [26]


def test_a_level_for_each_group_or_one_for_all() -> None:
    np.testing.assert_allclose(CARD.at_price([341, 399.5, 1312]).outcome_fee_gbp, [120, 120, 350])
    np.testing.assert_allclose(CARD.at_price(1000).price_gbp, 1000)


def test_the_mix_where_nothing_is_paid_is_an_outcome_fee() -> None:
    outcome, sustainment = Tariff(["a"], 400, 0).price_mix()
    assert (outcome.tolist(), sustainment.tolist()) == ([1.0], [0.0])
    assert Tariff(["a"], 400, 0).at_price(900).outcome_fee_gbp.tolist() == [900.0]


def test_a_sustainment_fee_that_is_never_paid_is_worth_nothing() -> None:
    people = Caseload(["a"], 1, 0.1, 0.2, 5.0)
    assert Tariff(["a"], 0, 100, 50, 0).effective_price_gbp(people).tolist() == [100.0]
    assert Tariff(["a"], 0, 100, 0, 13).effective_price_gbp(people).tolist() == [100.0]


def test_effective_prices_follow_the_segments() -> None:
    people = Caseload(["b", "a", "b"], 1, 0.1, 0.2, 5.0, exit_hazard=[0.0, 0.5, 1.0])
    price = Tariff(["a", "b"], 0, [10, 20], [1, 2], [1, 3]).effective_price_gbp(people)
    assert price.tolist() == [26.0, 10.5, 20.0]


def test_a_window_limits_payments() -> None:
    people = Caseload(["a"], 1, 0.1, 0.2, 5.0)
    assert Tariff(["a"], 0, 0, 1, 13, 4).effective_price_gbp(people).tolist() == [4.0]


def test_terms_that_change_nothing_return_the_tariff_itself() -> None:
    assert ContractTerms().payable(CARD) is CARD
    assert ContractTerms().outcome_share == 1.0


TERMS = ContractTerms(0.06, [1, 0.75, 0.5, 0], [0.4, 0.3, 0.2, 0.1])


@pytest.mark.parametrize(("year", "fee"), [(1, 400.0), (2, 300.0), (3, 200.0), (4, 0.0)])
def test_terms_by_year(year: int, fee: float) -> None:
    paid = TERMS.in_year(CARD, year)
    assert paid.attachment_fee_gbp[0] == fee
    np.testing.assert_allclose(paid.outcome_fee_gbp, CARD.outcome_fee_gbp * 0.94)


def test_one_number_is_one_contract_year() -> None:
    assert ContractTerms(0.06, 0.75, 1.0).attachment_share == 0.75  # type: ignore[arg-type]


def test_terms_on_average() -> None:
    assert TERMS.attachment_share == pytest.approx(0.725)
    by_year = [TERMS.in_year(CARD, year).attachment_fee_gbp for year in (1, 2, 3, 4)]
    np.testing.assert_allclose(TERMS.payable(CARD).attachment_fee_gbp, TERMS.intake_share @ np.array(by_year))


@pytest.mark.parametrize("year", [0, 5, -1])
def test_years_outside_the_contract_are_refused(year: int) -> None:
    with pytest.raises(InvalidInputError, match="from 1 to 4"):
        TERMS.in_year(CARD, year)
