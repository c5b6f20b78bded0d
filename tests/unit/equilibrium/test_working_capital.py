"""Working capital pays for support and base service until outcomes pay, along a chain."""

from __future__ import annotations

from typing import Any

import networkx as nx
import numpy as np
import pytest

from pbr_opt import evaluate
from pbr_opt.equilibrium import pass_through
from pbr_opt.equilibrium.chain import ChainEquilibrium, solve_chain
from pbr_opt.equilibrium.chain_certificate import certify_chain
from pbr_opt.equilibrium.pass_through import maximise_on_grid
from pbr_opt.market.agents import Agent, Contract
from pbr_opt.market.caseload import Caseload
from pbr_opt.market.programme import Programme
from pbr_opt.market.supply_chain import SupplyChain
from pbr_opt.market.tariffs import Tariff

PEOPLE = Caseload(["easy", "hard"], [300.0, 200.0], [0.30, 0.06], [0.55, 0.30], [500.0, 900.0])
PRICE = np.array([6000.0, 14_000.0])
BASE_GBP = 520.0


def played(
    capital: float, *, lag: float = 26.0, referral_fee: float = 0.0, form: str = "fixed_share"
) -> ChainEquilibrium:
    """Return what a prime and a charity with so much capital do; the charity gets four in ten, end to end."""
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_node("DWP", kind="department")
    graph.add_node("prime", kind="prime")
    graph.add_edge("DWP", "prime")
    graph.add_node("charity", kind="tier1", working_capital_gbp=capital)
    terms = {"share": 0.9, "volume_share": 0.4, "payment_lag_weeks": lag, "referral_fee_gbp": referral_fee}
    graph.add_edge("prime", "charity", contract=form, **terms)
    tariff = Tariff(PEOPLE.groups, 0, PRICE)
    programme = Programme("short", PEOPLE, tariff, SupplyChain.from_graph(graph), base_service_gbp=np.full(2, BASE_GBP))
    there = solve_chain(programme, PRICE, np.zeros(2))
    assert certify_chain(programme, there, PRICE, np.zeros(2)).holds
    return there


def charity(there: ChainEquilibrium) -> tuple[float, float]:
    """Return its shadow price and what it spends on support."""
    book = next(book for book in there.accounts if book.agent == "charity")
    return book.shadow_price, book.support_gbp


def test_base_service_for_the_lag_comes_out_of_the_purse() -> None:
    """200 people for half a year at £520 a year take £52,000 of it; the rest goes into support."""
    price, support = charity(played(60_000.0))
    assert price > 0.0
    assert support == pytest.approx(60_000.0 - 0.4 * 500.0 * BASE_GBP / 2.0, rel=1e-9)


def test_referral_fees_come_at_once() -> None:
    short, helped = (charity(played(60_000.0, referral_fee=fee)) for fee in (0.0, 20.0))
    assert helped[1] == pytest.approx(short[1] + 20.0 * 200.0, rel=1e-9)
    assert helped[0] < short[0]


def test_paid_at_once_it_needs_money_for_support_alone() -> None:
    _, support = charity(played(5000.0, lag=0.0))
    assert support == pytest.approx(5000.0, rel=1e-9)


def test_who_cannot_pay_for_the_base_service_leaves_and_says_why() -> None:
    there = played(51_000.0)
    (gone,) = there.departures
    assert (gone.agent, gone.reason) == ("charity", "no money until outcomes pay")
    prime = next(book for book in there.accounts if book.agent == "prime")
    assert prime.delivered == pytest.approx(500.0)


def test_what_takes_a_search_of_searches_is_asked_once_while_the_capital_of_others_is_priced(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A charity beside a chain of two managers is short: pricing its capital takes a hundred looks at all options."""
    agents = [
        Agent("D", "department"),
        Agent("P", "prime", delivers=False),
        Agent("Charity", "tier2", productivity=2.0, working_capital_gbp=9000.0),
        Agent("A", "tier1", delivers=False),
        Agent("B", "tier2", productivity=8.0),
    ]
    contracts = [
        Contract("D", "P"),
        Contract("P", "Charity", "piece_rate"),
        Contract("P", "A", "piece_rate"),
        Contract("A", "B", "piece_rate"),
    ]
    people = Caseload(["a", "a"], [100, 50], 0.12, [0.42, 0.35], 600.0)
    programme = Programme("beside", people, Tariff(["a"], 0, 20_000.0), SupplyChain(agents, contracts))
    sought: list[int] = []

    def counted(*given: Any) -> Any:  # noqa: ANN401  # passed on as it comes
        sought.append(1)
        return maximise_on_grid(*given)

    monkeypatch.setattr(pass_through, "maximise_on_grid", counted)
    there = evaluate(programme)
    books = there.to_frame("agents").set_index("agent")
    assert books.shadow_price["Charity"] > 0.0
    assert books.referrals["B"] > 0.0
    assert there.certificate.holds
    assert len(sought) <= 2


def test_whose_money_pays_for_required_service_for_some_only_has_a_price_that_leaves_its_payer_indifferent() -> None:
    """£300 must be spent on each; £18,000 is there: sixty are referred, the prime serves the others."""
    people = Caseload(["a"], 100, 0.12, 0.42, 600.0)
    agents = [
        Agent("D", "department"),
        Agent("P", "prime"),
        Agent("S", "tier1", productivity=1.5, working_capital_gbp=18_000.0),
    ]
    chain = SupplyChain(agents, [Contract("D", "P"), Contract("P", "S", "two_part")])
    there = evaluate(Programme("some", people, Tariff(["a"], 0, 3000.0), chain, minimum_service_gbp=300.0))
    books = there.to_frame("agents").set_index("agent")
    assert books.referrals["S"] == pytest.approx(60.0, rel=1e-9)
    own, theirs = (0.42 - 0.30 * np.exp(-support / 600.0) for support in (300.0, 1.5 * 300.0))
    assert books.shadow_price["S"] == pytest.approx(3000.0 * (theirs - own) / 300.0, rel=1e-6)
    assert there.certificate.holds, there.certificate
