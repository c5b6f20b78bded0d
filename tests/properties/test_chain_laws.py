"""Laws of supply chains, on chains that are drawn."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pbr_opt import Caseload, Programme, SupplyChain, Tariff, evaluate
from pbr_opt.equilibrium.chain_certificate import certify_chain
from pbr_opt.equilibrium.delegation import branches
from pbr_opt.market.agents import Agent, Contract
from tests.properties.chain_draws import Wants, play, programmes

ADDS_UP: Final = 1e-9
"""Incomes add up to a penny in ten million pounds."""
ROUNDING_GBP: Final = 1e-6
"""Profits of nothing are this near to it."""
ROOTS: Final = 1e-6
"""Thresholds are found by bisection of prices to this, relatively."""

EXAMPLES = settings(max_examples=8)


@EXAMPLES
@given(programmes(Wants(missions=True, late=True, fees=True, base=True, minimum=True, fixed=True)))
def test_t17_incomes_add_up_to_what_the_department_pays(programme: Programme) -> None:
    there = evaluate(programme)
    books = there.to_frame("agents").iloc[1:]
    kept = float((books.income_gbp - books.paid_on_gbp).sum())
    assert abs(kept - there.spend_gbp) <= ADDS_UP * max(there.spend_gbp, 1.0)


@EXAMPLES
@given(programmes())
def test_t17_no_tier_makes_a_loss(programme: Programme) -> None:
    there = evaluate(programme)
    profits = there.to_frame("agents").profit_gbp
    assert profits.min() >= -ROUNDING_GBP * programme.caseload.total_participants


@EXAMPLES
@given(programmes(Wants(agents=4)))
def test_t07_nobody_in_the_chain_gains_by_deviating(programme: Programme) -> None:
    there = play(programme)
    certificate = certify_chain(there.programme, there.equilibrium, there.price_gbp, there.attachment_gbp)
    assert certificate.holds, str(certificate)


@EXAMPLES
@given(programmes(Wants(forms=("two_part", "fixed_share", "piece_rate"), attachment=False)), st.floats(1.0, 3.0))
def test_t19_outcomes_do_not_fall_when_all_prices_rise(programme: Programme, factor: float) -> None:
    price = programme.effective_price_gbp()
    low, high = play(programme, price), play(programme, price * factor)
    outcomes = [sum(account.outcomes for account in there.equilibrium.accounts) for there in (low, high)]
    assert outcomes[1] >= outcomes[0] - ROUNDING_GBP * programme.caseload.total_participants


def line_of(intermediaries: int, form: str, share: float = 1.0) -> SupplyChain:
    """Return a prime and managers that pass on to one deliverer at the end."""
    names = ["D", *(f"manager {k}" for k in range(intermediaries)), "deliverer"]
    kinds = ["department", "prime", *["tier2"] * intermediaries]
    agents = [Agent(name, kind, delivers=name == "deliverer") for name, kind in zip(names, kinds, strict=True)]
    contracts = [Contract(payer, payee, form, share=share) for payer, payee in pairwise(names)]
    return SupplyChain(agents, contracts)


PERSON: Final = Caseload(["a"], 100, 0.12, 0.42, 600.0)


def outcome_rate(chain: SupplyChain | None, price: float, people: Caseload = PERSON) -> float:
    """Return the outcome rate at a price."""
    there = evaluate(Programme("line", people, Tariff(["a"], 0, price), chain))
    return there.metrics.outcomes / there.metrics.participants


@pytest.mark.parametrize(("intermediaries", "published"), [(1, 6593.0), (2, 14_165.0), (3, 30_430.0)])
def test_t21_thresholds_multiply_and_the_outcome_rate_jumps(intermediaries: int, published: float) -> None:
    p0, p1, scale = 0.12, 0.42, 600.0
    first = scale / (np.sqrt(p1) - np.sqrt(p0)) ** 2
    threshold = first * (np.sqrt(p1) / (np.sqrt(p1) - np.sqrt(p0))) ** (intermediaries - 1)
    assert round(threshold) == published
    chain = line_of(intermediaries, "piece_rate")
    assert outcome_rate(chain, threshold * (1 - 1e-4)) == pytest.approx(p0)
    assert outcome_rate(chain, threshold * (1 + 1e-4)) == pytest.approx(np.sqrt(p0 * p1), rel=1e-3)


@EXAMPLES
@given(st.floats(0.2, 1.0), st.floats(500.0, 30_000.0))
def test_t22_a_fixed_share_is_a_dearer_response(share: float, price: float) -> None:
    dearer = PERSON.replace(response_scale_gbp=600.0 / share)
    assert outcome_rate(line_of(1, "fixed_share", share), price) == pytest.approx(outcome_rate(None, price, dearer))


@EXAMPLES
@given(st.sampled_from(["fixed_share", "piece_rate", "group_price", "two_part"]), st.floats(500.0, 30_000.0))
def test_t18_a_pure_intermediary_never_raises_outcomes(form: str, price: float) -> None:
    direct = outcome_rate(None, price)
    through = outcome_rate(line_of(1, form, 0.8), price)
    assert through <= direct + ROOTS
    if form == "two_part":
        assert through == pytest.approx(direct)


@EXAMPLES
@given(st.floats(100.0, 40_000.0), st.floats(4000.0, 20_000.0))
def test_t23_capital_has_a_price_that_falls_as_there_is_more(capital: float, price: float) -> None:
    def there(money: float) -> tuple[float, float, float]:
        chain = SupplyChain(
            [Agent("D", "department"), Agent("P", "prime", working_capital_gbp=money)], [Contract("D", "P")]
        )
        books = evaluate(Programme("short", PERSON, Tariff(["a"], 0, price), chain)).equilibrium
        assert books is not None
        return books.accounts[1].shadow_price, books.accounts[1].profit_gbp, books.accounts[1].support_gbp

    shadow, profit, support = there(capital)
    more, richer, _ = there(capital * 1.001)
    assert shadow >= 0
    assert more <= shadow + ROOTS
    assert support <= capital * (1 + ADDS_UP)
    if shadow > 0:
        assert support == pytest.approx(capital)
        assert (richer - profit) / (0.001 * capital) == pytest.approx(0.5 * (shadow + more), rel=1e-2, abs=1e-6)


def test_t24_scaling_all_prices_changes_nothing_while_capital_binds() -> None:
    people = Caseload(["a", "b"], [100, 80], [0.1, 0.05], [0.4, 0.3], 600.0)
    agents = [Agent("D", "department"), Agent("P", "prime", working_capital_gbp=5_000.0)]
    chain = SupplyChain(agents, [Contract("D", "P")])
    rates = [
        evaluate(Programme("short", people, Tariff(["a", "b"], 0, [8000 * k, 9000 * k]), chain)).behaviour.outcome_rate
        for k in (1, 3)
    ]
    np.testing.assert_allclose(rates[0], rates[1], rtol=1e-9)


@EXAMPLES
@given(st.floats(0.0, 5000.0), st.floats(10.0, 3000.0), st.floats(7000.0, 30_000.0))
def test_t25_mission_raises_outcomes_and_is_taxed(mission: float, more: float, price: float) -> None:
    """Before anybody leaves: a deliverer that works for its mission may lose money, and then it does leave."""

    def there(m: float) -> tuple[float, float, float]:
        agents = [Agent("D", "department"), Agent("P", "prime", delivers=False), Agent("S", "tier2", mission_gbp=m)]
        chain = SupplyChain(agents, [Contract("D", "P"), Contract("P", "S", "piece_rate", volume_share=1.0)])
        nothing = np.zeros(1)
        (prime,) = branches(chain, "", PERSON, (nothing, nothing), {})
        options = prime.options(np.array([price]), nothing, PERSON.participants)
        return float(options.rate[1][0]), float(options.value[1][0]), float(options.price_gbp[1][0])

    (low, poor, dear), (high, rich, cheap) = there(mission), there(mission + more)
    assert high >= low - ROOTS
    assert rich >= poor - ROOTS * price
    assert cheap <= dear + ROOTS * price


def test_the_graph_comes_back_as_it_was() -> None:
    graph: nx.DiGraph[str] = line_of(2, "piece_rate").to_graph()
    again = SupplyChain.from_graph(graph).to_graph()
    assert nx.utils.graphs_equal(graph, again)
