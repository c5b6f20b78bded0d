"""Named scenarios: each at the spend of the programme, each doing what it says, each refusing what it cannot do."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import pbr_opt as pbr
from pbr_opt.analysis.scenario_changes import MINIMUM_SERVICE_GBP, at_spend
from pbr_opt.analysis.scenarios import scenarios, try_scenarios
from pbr_opt.evaluation import evaluate
from pbr_opt.market.agents import Agent, Contract
from pbr_opt.market.tariffs import ContractTerms

SAME_SPEND = 1e-6
PROMISED = {"needs_based_groups", "accelerator", "additionality_payment", "minimum_service", "protected_pass_through",
            "no_attachment_taper", "market_share_shift", "falling_referrals", "one_price_for_all",
            "service_fee_plus_outcome"}  # fmt: skip
OF_CHAINS = {"protected_pass_through", "market_share_shift", "falling_referrals"}
KEEP_THE_TARIFF = {"market_share_shift", "falling_referrals"}


@pytest.fixture(scope="module")
def programme() -> pbr.Programme:
    """Return the programme of 2011."""
    return pbr.load("work_programme_2011")


@pytest.fixture(scope="module")
def chained() -> pbr.Programme:
    """Return a small programme with two primes, and a subcontractor below one of them."""
    people = pbr.Caseload(["a", "a", "b", "b"], [600, 400, 300, 200], [0.3, 0.1, 0.1, 0.05], [0.5, 0.3, 0.3, 0.2], 300)
    agents = [Agent("D", "department"), Agent("P", "prime"), Agent("Q", "prime"), Agent("S", "tier1", productivity=1.5)]
    contracts = [Contract("D", "P", volume_share=0.5), Contract("D", "Q", volume_share=0.5),
                 Contract("P", "S", "fixed_share", share=0.7, volume_share=0.5)]  # fmt: skip
    terms = ContractTerms(0.0, [1, 0.75, 0.5, 0], [0.4, 0.3, 0.2, 0.1])
    tariff = pbr.Tariff(["a", "b"], 200, [2500, 4000])
    return pbr.Programme("small", people, tariff, pbr.SupplyChain(agents, contracts), terms=terms)


def test_everything_promised_is_there_with_who_asked() -> None:
    assert set(scenarios()) >= PROMISED
    for scenario in scenarios().values():
        assert scenario.title
        assert scenario.asked_by


@pytest.mark.parametrize("name", sorted(PROMISED - OF_CHAINS))
def test_it_costs_what_the_programme_costs_and_nobody_would_deviate(name: str, programme: pbr.Programme) -> None:
    there = evaluate(scenarios()[name].of(programme))
    base = evaluate(programme).spend_gbp
    assert there.spend_gbp <= base * (1 + SAME_SPEND)
    assert there.spend_gbp == pytest.approx(base, rel=1e-3)  # a rate card in steps of £5 leaves a little over
    assert there.certificate.holds


@pytest.mark.parametrize("name", sorted(OF_CHAINS))
def test_what_concerns_chains_is_refused_without_one_and_runs_with_one(
    name: str, programme: pbr.Programme, chained: pbr.Programme
) -> None:
    with pytest.raises(pbr.UnsupportedModelError, match="has no supply chain; try work_programme_2011_chain"):
        scenarios()[name].of(programme)
    there = evaluate(scenarios()[name].of(chained))
    if name not in KEEP_THE_TARIFF:
        assert there.spend_gbp == pytest.approx(evaluate(chained).spend_gbp, rel=SAME_SPEND)
    assert there.certificate.holds


def test_additionality_pays_no_windfall_and_the_control_groups_rate_is_the_threshold(programme: pbr.Programme) -> None:
    changed = scenarios()["additionality_payment"].of(programme)
    assert evaluate(changed).metrics.windfall_gbp == pytest.approx(0.0, abs=1.0)
    people = programme.caseload
    unaided = people.sum_by_group(people.participants * people.deadweight_rate) / people.group_participants
    np.testing.assert_allclose(changed.tariff.accelerator_threshold, unaided)


def test_an_accelerator_pays_less_below_and_more_beyond(programme: pbr.Programme) -> None:
    changed = scenarios()["accelerator"].of(programme).tariff
    ratio = changed.outcome_fee_gbp / programme.tariff.outcome_fee_gbp
    np.testing.assert_allclose(ratio, ratio[0])
    assert np.all(changed.accelerator_fee_gbp > 0)
    assert np.all((changed.accelerator_threshold > 0) & (changed.accelerator_threshold < 1))


def test_everybody_gets_the_minimum_service(programme: pbr.Programme) -> None:
    there = evaluate(scenarios()["minimum_service"].of(programme))
    assert there.behaviour.support_gbp.min() == MINIMUM_SERVICE_GBP


def test_sorting_by_need_keeps_the_people_and_puts_like_with_like(programme: pbr.Programme) -> None:
    people = scenarios()["needs_based_groups"].of(programme).caseload
    assert people.total_participants == pytest.approx(programme.caseload.total_participants)
    assert len(people.groups) == 9
    ends = [(t.min(), t.max()) for t in (people.parking_threshold_gbp[people.segments_of(g)] for g in people.groups)]
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(ends))


def test_three_tenths_are_paid_a_head(programme: pbr.Programme) -> None:
    there = evaluate(scenarios()["service_fee_plus_outcome"].of(programme))
    assert there.metrics.attachment_spend_gbp / there.spend_gbp == pytest.approx(0.3, rel=SAME_SPEND)


def test_no_taper_pays_the_first_fee_to_the_end(programme: pbr.Programme) -> None:
    changed = scenarios()["no_attachment_taper"].of(programme)
    assert changed.terms.attachment_share == 1.0
    assert changed.terms.bid_discount == programme.terms.bid_discount


def test_protection_leaves_no_share_below_nine_tenths(chained: pbr.Programme) -> None:
    chain = scenarios()["protected_pass_through"].of(chained).supply_chain
    assert chain is not None
    assert all(edge.least_share >= 0.9 for edge in chain.contracts.values() if edge.payer != "D")


def test_a_measure_that_falling_referrals_raise_is_paid_for(chained: pbr.Programme) -> None:
    changed = scenarios()["falling_referrals"].of(chained)
    assert changed.rivalry is not None
    assert changed.rivalry.inflation > 1.5
    assert evaluate(changed).spend_gbp > evaluate(chained).spend_gbp


def test_a_spend_that_fees_alone_exceed_is_refused_with_the_number(programme: pbr.Programme) -> None:
    with pytest.raises(pbr.UnsupportedModelError, match="in attachment fees alone"):
        at_spend(programme, 1e6)


def test_wrong_names_are_told_all_at_once_with_the_nearest(programme: pbr.Programme) -> None:
    with pytest.raises(pbr.InvalidInputError) as caught:
        try_scenarios(programme, ["acelerator", "minimum_servise"])
    assert [fault.remedy for fault in caught.value.faults] == [
        "did you mean 'accelerator'?",
        "did you mean 'minimum_service'?",
    ]


def test_the_table_has_the_programme_first_and_says_what_was_not_tried(programme: pbr.Programme) -> None:
    table = try_scenarios(programme, ["one_price_for_all", "market_share_shift"])
    frame = table.to_frame()
    assert frame.scenario.tolist() == ["as_it_is", "one_price_for_all"]
    assert frame.spend_gbp[0] == pytest.approx(evaluate(programme).spend_gbp)
    assert "market_share_shift was not tried" in str(table)
