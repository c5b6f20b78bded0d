"""Folding a chain for a page: one box a prime and tier, books added up, nothing lost."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pbr_opt.equilibrium.accounts import Account
from pbr_opt.market.agents import Agent, Area, Contract
from pbr_opt.market.supply_chain import SupplyChain
from pbr_opt.report.chain_drawing import draw_chain
from pbr_opt.report.chain_folding import ChainParts, folded

AGENTS = (
    Agent("D", "department"),
    Agent("P", "prime"),
    Agent("Q", "prime"),
    Agent("a", "tier1", sector="voluntary"),
    Agent("b", "tier1", sector="voluntary"),
    Agent("c", "tier2"),
)
EDGES = {
    edge.payee: edge
    for edge in (
        Contract("D", "P"),
        Contract("D", "Q"),
        Contract("P", "a", share=0.7),
        Contract("P", "b", share=0.9),
        Contract("a", "c", "piece_rate"),
    )
}


def test_books_are_added_up_and_who_left_is_counted() -> None:
    books = {
        "a": Account("a", referrals=30.0, delivered=20.0, parked=5.0, income_gbp=600.0),
        "b": Account("b", referrals=10.0, delivered=10.0, parked=1.0, income_gbp=200.0),
        "c": Account("c", active=False),
    }
    parts = folded(ChainParts(AGENTS, EDGES, books, {"c": "no referrals"}))
    assert [agent.name for agent in parts.agents] == ["D", "P", "Q", "T1: 2 of 2, P", "T2: 0 of 1, P"]
    first = parts.accounts["T1: 2 of 2, P"]
    assert (first.referrals, first.delivered, first.parked, first.income_gbp) == (40.0, 30.0, 6.0, 800.0)
    assert parts.agents[3].sector == "voluntary"
    assert parts.contracts["T1: 2 of 2, P"].share == pytest.approx(0.8)
    assert parts.contracts["T2: 0 of 1, P"].payer == "P"  # though another subcontractor pays it
    assert parts.reasons == {"T2: 0 of 1, P": "all 1"}


def test_without_books_boxes_say_how_many_there_are() -> None:
    parts = folded(ChainParts(AGENTS, EDGES, {}, {}))
    assert [agent.name for agent in parts.agents[3:]] == ["T1: 2, P", "T2: 1, P"]
    assert not parts.accounts


def test_a_chain_beyond_what_anybody_reads_is_folded_and_an_area_of_it_is_not() -> None:
    many = [Agent(f"s{k}", "tier1") for k in range(160)]
    agents = [AGENTS[0], replace(AGENTS[1], area="north"), *many]
    edges = [EDGES["P"], *(Contract("P", agent.name) for agent in many)]
    chain = SupplyChain(agents, edges, [Area("north", 1.0)])
    whole, north = draw_chain(chain), draw_chain(chain, area="north")
    assert "162 agents, subcontractors of each prime together" in whole.title
    assert "T1: 160, P" in whole.to_svg()
    assert len(north.layout.height) > 160


def test_dot_says_who_pays_whom_and_survives_awkward_names() -> None:
    agents = [Agent("D", "department"), Agent('P "the first"', "prime"), Agent("back\\slash", "tier2")]
    chain = SupplyChain(agents, [Contract("D", agents[1].name), Contract(agents[1].name, agents[2].name, "piece_rate")])
    text = chain.to_dot()
    assert '"P \\"the first\\"" -> "back\\\\slash" [label="piece rate"];' in text
    assert text.count("->") == 2
    assert text.startswith("digraph")
    assert text.endswith("}")
