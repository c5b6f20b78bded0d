"""Accelerators: the menu lemma against a plain search, what is paid, who goes for the upper rate, what is refused."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from pbr_opt.equilibrium.accelerator import accelerated_response
from pbr_opt.equilibrium.accelerator_certificate import certify_accelerated
from pbr_opt.equilibrium.best_response import BestResponse, best_response
from pbr_opt.equilibrium.certificate import ProviderClaim
from pbr_opt.errors import InvalidInputError, UnsupportedModelError
from pbr_opt.evaluation import evaluate
from pbr_opt.market.accelerator import Accelerator
from pbr_opt.market.agents import Agent, Contract
from pbr_opt.market.caseload import Caseload
from pbr_opt.market.programme import Programme
from pbr_opt.market.supply_chain import SupplyChain
from pbr_opt.market.tariffs import ContractTerms, Tariff
from pbr_opt.quantities import FloatArray

PEOPLE = Caseload(["a", "a", "b"], [100, 50, 80], [0.12, 0.05, 0.2], [0.42, 0.25, 0.5], [600, 400, 900])
TARIFF = Tariff(["a", "b"], 300, [1000, 2500])

GRID_GAIN = 2e-3
"""Relative: the best of a grid of 400 supports a segment misses at most this share of what a provider makes."""


def _accelerated(threshold: float, fee: float) -> Programme:
    tariff = TARIFF.replace(accelerator_threshold=[threshold, 0], accelerator_fee_gbp=[fee, 0])
    return Programme("p", PEOPLE, tariff)


def _paid(rate: float, people: float, price: float, threshold: float, fee: float) -> float:
    """Return Phi, written from its definition."""
    return people * (price * rate + fee * max(rate - threshold, 0.0))


@pytest.mark.parametrize("curvature", [0.0, 0.4])
@pytest.mark.parametrize("fee", [500.0, 2000.0, 6000.0])
@pytest.mark.parametrize("threshold", [0.0, 0.08, 0.12, 0.2, 0.4])
def test_the_menu_lemma_against_a_grid_of_supports(threshold: float, fee: float, curvature: float) -> None:
    """Every pair of supports of the two segments of group a is tried: none brings more, and the best as much."""
    programme = _accelerated(threshold, fee).replace(caseload=PEOPLE.replace(curvature=curvature))
    there = evaluate(programme)
    mine = programme.caseload.take(programme.caseload.segments_of("a"))
    supports = np.linspace(0.0, 2500.0, 400)
    rate = mine.response.outcome_rate(supports[:, None])
    heads = mine.participants.sum()
    mean = (rate[:, None, 0] * 100 + rate[None, :, 1] * 50) / heads
    phi = heads * (1000.0 * mean + fee * np.maximum(mean - threshold, 0.0))
    best = float((phi - 100 * supports[:, None] - 50 * supports[None, :]).max())
    behaviour, rows = there.behaviour, slice(0, 2)
    reached = float(mine.participants @ behaviour.profit_gbp[rows])
    assert reached >= best - 1e-9 * abs(best)
    assert reached <= best * (1 + GRID_GAIN)
    mean_rate = float(mine.participants @ behaviour.outcome_rate[rows] / heads)
    expected = _paid(mean_rate, heads, 1000.0, threshold, fee)
    assert float(mine.participants @ behaviour.payment_gbp[rows]) == pytest.approx(expected, rel=1e-12)
    there.certificate.require()


def test_without_a_threshold_every_outcome_is_paid_the_upper_rate() -> None:
    """T32, first half: q0 = 0 is a linear tariff."""
    there = evaluate(_accelerated(0.0, 1500.0))
    linear = evaluate(_accelerated(0.0, 0.0), TARIFF.replace(outcome_fee_gbp=[2500, 2500]))
    assert there.spend_gbp == pytest.approx(linear.spend_gbp, rel=1e-12)
    np.testing.assert_allclose(there.behaviour.support_gbp, linear.behaviour.support_gbp)
    np.testing.assert_array_equal(there.behaviour.parked, linear.behaviour.parked)


def test_a_threshold_out_of_reach_changes_nothing() -> None:
    there, plain = evaluate(_accelerated(0.9, 3000.0)), evaluate(_accelerated(0.0, 0.0))
    assert there.spend_gbp == plain.spend_gbp
    np.testing.assert_array_equal(there.behaviour.support_gbp, plain.behaviour.support_gbp)


def test_indifferent_providers_go_for_the_upper_rate() -> None:
    """A designed threshold leaves the provider indifferent: (V(t_H) - V(t_L)) / (t_H - t_L)."""
    one = Caseload(["a"], 100, 0.12, 0.42, 600.0)
    low, high = (best_response(one.response, [price]).provider_value_gbp.item() for price in (1000.0, 4000.0))
    accelerator = Accelerator(np.array([(high - low) / 3000.0]), np.array([3000.0]))
    there = accelerated_response(one, lambda x: best_response(one.response, x), np.array([1000.0]), accelerator)
    assert there.support_gbp.item() > 0.0


def test_many_accelerators_side_by_side() -> None:
    thresholds, fees = np.array([[0.0, 0.0], [0.1, 0.3], [0.9, 0.2]]), np.array([[900.0, 100.0]] * 3)

    def play(price: FloatArray) -> BestResponse:
        return best_response(PEOPLE.response, price)

    price = np.array([1000.0, 1000.0, 2500.0])
    together = accelerated_response(PEOPLE, play, np.tile(price, (3, 1)), Accelerator(thresholds, fees))
    for k in range(3):
        alone = accelerated_response(PEOPLE, play, price, Accelerator(thresholds[k], fees[k]))
        np.testing.assert_allclose(together.price_gbp[k], alone.price_gbp, rtol=1e-12)
        np.testing.assert_array_equal(together.support_gbp[k], alone.support_gbp)


def test_tables_add_up_and_say_who_goes_for_the_upper_rate() -> None:
    there = evaluate(_accelerated(0.1, 4000.0))
    payments, groups = there.to_frame("payments"), there.to_frame("groups")
    assert payments.drop(columns="group").to_numpy().sum() == pytest.approx(there.spend_gbp, rel=1e-12)
    assert groups["accelerator_reached"].tolist() == [True, False]
    assert payments["accelerator_gbp"].tolist()[1] == 0.0
    assert "accelerator_gbp" not in evaluate(_accelerated(0.1, 0.0)).to_frame("payments")


def test_discounts_apply_to_the_accelerator_too() -> None:
    payable = ContractTerms(0.06).payable(_accelerated(0.1, 1000.0).tariff)
    assert payable.accelerator_fee_gbp.tolist() == [940.0, 0.0]
    assert payable.maximum_total_gbp.tolist() == pytest.approx([300 + 940 + 940, 300 + 2350])


@pytest.mark.parametrize(("support", "gain"), [([0.0, 0.0], 50.0), ([900.0, 900.0], 50.0)])
def test_a_false_claim_is_found_out(support: list[float], gain: float) -> None:
    mine = PEOPLE.take(PEOPLE.segments_of("a"))
    idle = np.array(support)
    claim = ProviderClaim(np.full(2, 1000.0), np.zeros(2), idle, mine.response.outcome_rate(idle))
    found = certify_accelerated(mine, claim, Accelerator(np.array([0.1]), np.array([6000.0])))
    assert not found.holds
    assert found.largest_gain_gbp > gain


def test_a_claimed_rate_that_does_not_follow_is_found_out() -> None:
    there = evaluate(_accelerated(0.1, 4000.0))
    claim = ProviderClaim(
        np.array([1000.0, 1000.0, 2500.0]),
        np.zeros(3),
        there.behaviour.support_gbp,
        there.behaviour.outcome_rate + 0.01,
    )
    found = certify_accelerated(PEOPLE, claim, Accelerator.of(there.payable))
    assert found.largest_gain_gbp >= 0.01 * 1000.0


def test_bad_accelerators_are_refused_with_the_other_faults() -> None:
    with pytest.raises(InvalidInputError) as caught:
        Tariff(["a"], -1, 0, accelerator_threshold=1.2, accelerator_fee_gbp=-5)
    places = [fault.place for fault in caught.value.faults]
    assert places == ["attachment_fee_gbp[0]", "accelerator_threshold[0]", "accelerator_fee_gbp[0]"]


def test_a_chain_says_that_it_knows_no_accelerator() -> None:
    chain = SupplyChain([Agent("D", "department"), Agent("P", "prime")], [Contract("D", "P")])
    with pytest.raises(UnsupportedModelError, match="accelerator_fee_gbp=0"):
        evaluate(_accelerated(0.1, 1000.0).replace(supply_chain=chain))


def test_a_card_shows_an_accelerator_only_where_there_is_one() -> None:
    assert "accelerator_fee_gbp" not in TARIFF.to_frame()
    card = _accelerated(0.1, 1000.0).tariff.to_frame()
    assert card["accelerator_threshold"].tolist() == [0.1, 0.0]
    assert card["maximum_total_gbp"].tolist() == [2300.0, 2800.0]


def test_order_and_equality_of_tariffs_see_the_accelerator() -> None:
    tariff = _accelerated(0.1, 1000.0).tariff
    assert tariff != TARIFF
    assert tariff.aligned(["b", "a"]).accelerator_fee_gbp.tolist() == [0.0, 1000.0]
    assert list(itertools.chain(tariff.at_price([1, 2]).accelerator_threshold)) == [0.1, 0.0]
