"""Designs over a supply chain: exact columns, honest labels, levers of the Department."""

from __future__ import annotations

import itertools
from typing import Any, Final

import pytest

from pbr_opt import (
    Budget,
    Caseload,
    DesignSettings,
    InvalidInputError,
    MinimumPassThrough,
    MinimumService,
    Parked,
    PriceRange,
    PriceStep,
    Programme,
    SupplyChain,
    Tariff,
    TotalSupport,
    UnsupportedModelError,
    compare,
    evaluate,
    optimise,
)
from pbr_opt.design.chain_limits import GuaranteedVolume
from pbr_opt.design.limits import Limit
from pbr_opt.market.agents import Agent, Contract
from pbr_opt.market.rivalry import Rivalry
from pbr_opt.market.share_rules import LinearShare
from pbr_opt.report.tiers import tier_frame

PEOPLE: Final = Caseload(["a", "a", "b", "b"], [100, 80, 60, 40], [0.3, 0.1, 0.1, 0.02], [0.5, 0.3, 0.3, 0.2], 300.0)
PRICES: Final = Tariff(["a", "b"], 200, [2000, 3000])


def chain(**terms: Any) -> SupplyChain:  # noqa: ANN401  # each term has a type of its own
    """Return a prime with an end-to-end subcontractor and a specialist; ``terms`` are those of the specialist."""
    agents = [
        Agent("D", "department"),
        Agent("P", "prime"),
        Agent("E", "tier1", fixed_cost_gbp=terms.pop("fixed_cost_gbp", 0.0)),
        Agent("S", "tier2", productivity=20.0),
    ]
    contracts = [
        Contract("D", "P"),
        Contract("P", "E", "fixed_share", share=0.8, volume_share=0.25),
        Contract("P", "S", "piece_rate", **terms),
    ]
    return SupplyChain(agents, contracts)


def programme(**terms: float) -> Programme:
    """Return people served through the chain."""
    return Programme("chain", PEOPLE, PRICES, chain(**terms))


def test_a_free_chain_on_a_step_is_proved_and_is_enumeration() -> None:
    there = programme()
    budget = 0.8 * evaluate(there).spend_gbp
    limits = [Budget(budget), PriceStep(500), PriceRange(0, 6000)]
    design = optimise(there, minimise=Parked(), limits=limits)
    assert design.status == "optimal"
    tried = [
        evaluate(there, PRICES.replace(outcome_fee_gbp=pair))
        for pair in itertools.product(range(0, 6001, 500), repeat=2)
    ]
    best = min(Parked().total(item) for item in tried if item.spend_gbp <= budget)
    assert design.objective == pytest.approx(best)
    assert design.evaluation.spend_gbp <= budget * (1 + 1e-9)


def test_a_chain_that_ties_groups_together_is_called_local() -> None:
    there = programme(fixed_cost_gbp=500.0)
    design = optimise(there, minimise=Parked(), limits=[Budget(evaluate(there).spend_gbp), PriceStep(50)])
    assert design.status == "local"
    assert "members of the chain" in design.method
    assert design.objective <= Parked().total(evaluate(there)) + 1e-9


def test_without_a_step_nothing_is_called_proved() -> None:
    there = programme()
    design = optimise(there, maximise=TotalSupport(), limits=[Budget(evaluate(there).spend_gbp)])
    assert design.status == "local"
    assert design.objective >= TotalSupport().total(evaluate(there)) * (1 - 1e-3)


@pytest.mark.parametrize("method", ["greedy", "convex"])
def test_methods_that_know_no_chain_say_so(method: str) -> None:
    with pytest.raises(UnsupportedModelError, match="knows no supply chain"):
        optimise(programme(), minimise=Parked(), settings=DesignSettings(method=method))


def test_a_protected_pass_through_helps_whom_the_specialist_gets() -> None:
    plain, protected = programme(), programme(least_share=0.9)
    support = [evaluate(item).to_frame("agents").set_index("agent").support_gbp["S"] for item in (plain, protected)]
    referrals = [evaluate(item).to_frame("agents").set_index("agent").referrals["S"] for item in (plain, protected)]
    assert referrals[0] > 0
    assert support[1] / max(referrals[1], 1.0) > support[0] / referrals[0] or referrals[1] == 0


def test_terms_can_be_set_for_all_subcontracts() -> None:
    changed = chain().with_terms(least_share=0.8)
    assert {edge.least_share for payee, edge in changed.contracts.items() if payee != "P"} == {0.8}
    assert changed.contracts["P"].least_share == 0.0


def test_tiers_add_up_to_what_the_department_pays() -> None:
    there = evaluate(programme(fixed_cost_gbp=100.0))
    tiers = tier_frame(there)
    assert list(tiers.tier) == ["Primes", "Tier 1", "Tier 2"]
    assert tiers.income_gbp.sum() == pytest.approx(there.spend_gbp, rel=1e-12)
    assert tiers.delivered_share.sum() == pytest.approx(1.0)
    assert "Tier 2" in str(compare(programme(), {"today": PRICES}))


def test_without_a_chain_primes_are_the_only_tier() -> None:
    tiers = tier_frame(evaluate(Programme("plain", PEOPLE, PRICES)))
    assert list(tiers.tier) == ["Primes"]
    assert tiers.delivered_share.tolist() == [1.0]


# ---- levers of the Department ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [MinimumPassThrough(0.7), MinimumService(40.0), GuaranteedVolume(20)], ids=str)
def test_a_lever_that_leaves_groups_apart_is_proved_by_enumeration_and_others_are_local(limit: Limit) -> None:
    there = programme()
    changed = limit.applied(there)
    budget = evaluate(changed).spend_gbp
    design = optimise(there, minimise=Parked(), limits=[Budget(budget), PriceStep(500), PriceRange(0, 6000), limit])
    tied = isinstance(limit, GuaranteedVolume)
    assert design.status == ("local" if tied else "optimal")
    tried = [
        evaluate(changed, PRICES.replace(outcome_fee_gbp=pair))
        for pair in itertools.product(range(0, 6001, 500), repeat=2)
    ]
    best = min(Parked().total(item) for item in tried if item.spend_gbp <= budget)
    assert design.objective >= best - 1e-9
    assert design.objective <= (best if not tied else Parked().total(evaluate(changed))) + 1e-9
    assert design.evaluation.certificate.holds
    assert design.evaluation.programme.supply_chain is not None


def test_a_floor_under_the_pass_through_is_kept_in_every_form_of_contract() -> None:
    for form in ("piece_rate", "group_price", "fixed_share", "two_part"):
        agents = [Agent("D", "department"), Agent("P", "prime"), Agent("S", "tier2", productivity=3.0)]
        terms = Contract("P", "S", form, share=0.3)
        there = Programme("p", PEOPLE, PRICES, SupplyChain(agents, [Contract("D", "P"), terms]))
        answer = evaluate(MinimumPassThrough(0.6).applied(there))
        assert answer.equilibrium is not None
        flows = {flow.payee: flow for flow in answer.equilibrium.flows}
        assert (flows["S"].price_gbp >= 0.6 * flows["P"].price_gbp * (1 - 1e-12)).all()
        assert answer.certificate.holds


def test_guaranteed_volumes_are_sent_where_they_cost_the_payer_least() -> None:
    there = Programme("p", PEOPLE, PRICES, chain(referral_fee_gbp=5_000.0))
    referred = {n: evaluate(GuaranteedVolume(n).applied(there)).to_frame("agents").set_index("agent") for n in (0, 30)}
    assert referred[0].referrals["S"] == 0.0
    assert referred[30].referrals["S"] == pytest.approx(30.0)
    assert referred[30].place_price_gbp["S"] < 0.0  # what the guarantee costs the prime, per place
    assert referred[30].profit_gbp["P"] < referred[0].profit_gbp["P"]
    small = Agent("S", "tier2", capacity=10)
    narrow = SupplyChain([*chain().agents[:3], small], chain().contracts.values())
    with pytest.raises(InvalidInputError, match=r"agent 'S': given a capacity of 10"):
        optimise(there.replace(supply_chain=narrow), minimise=Parked(), limits=[GuaranteedVolume(30)])
    with pytest.raises(InvalidInputError, match="participants: given -5"):
        GuaranteedVolume(-5)


def test_a_design_over_rivals_keeps_its_budget_and_is_called_local() -> None:
    agents = [Agent("D", "department"), Agent("P", "prime"), Agent("Q", "prime", productivity=1.2), Agent("S", "tier2")]
    edges = [Contract("D", "P"), Contract("D", "Q"), Contract("P", "S", "fixed_share", share=0.9, volume_share=0.2)]
    there = Programme("p", PEOPLE, PRICES, SupplyChain(agents, edges), rivalry=Rivalry(LinearShare(0.5)))
    base = evaluate(there)
    design = optimise(there, minimise=Parked(), limits=[Budget(base.spend_gbp), PriceStep(100), PriceRange(0, 8000)])
    assert design.status == "local"
    assert "what rivals do" in design.method
    assert design.evaluation.spend_gbp <= base.spend_gbp * (1 + 1e-9)
    assert design.objective <= Parked().total(base) + 1e-9
    assert design.evaluation.certificate.holds
