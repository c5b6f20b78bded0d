"""Laws of supply chains, T07 and T17-T27, T36 of the model page, on chains that are drawn; and how chains scale."""

from __future__ import annotations

from dataclasses import fields, replace
from itertools import pairwise
from typing import Final

import networkx as nx
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pbr_opt import Caseload, Programme, SupplyChain, Tariff, evaluate
from pbr_opt.equilibrium.chain_certificate import certify_chain
from pbr_opt.equilibrium.delegation import Branch, branches
from pbr_opt.errors import EquilibriumError
from pbr_opt.market.agents import Agent, Contract
from tests.properties import chain_draws
from tests.properties.chain_draws import Floats, Played, Wants, play, programmes

ADDS_UP: Final = 1e-9
"""Incomes add up to a penny in ten million pounds."""
ROUNDING_GBP: Final = 1e-6
"""Profits of nothing are this near to it."""
ROOTS: Final = 1e-6
"""Thresholds are found by bisection of prices to this, relatively."""
SEARCHED: Final = 1e-5
"""Outcomes agree to this, relatively, where prices are searched for to 1e-9 and may stand on a kink."""
SLOPE: Final = 2e-3
"""A difference quotient over a thousandth of the capital: as far as lambda bends on the way, and once more."""

FEW, SOME = settings(max_examples=6), settings(max_examples=15)

SHARES: Final = ("two_part", "fixed_share")
CHOSEN: Final = ("two_part", "piece_rate")
"""Contracts under which what a payer keeps is convex in what it is paid, with slope P."""
EVERYTHING: Final = Wants(late=True, fees=True, base=True, minimum=True, fixed=True, depth=3)


# ---- T07: nobody gains ----------------------------------------------------------------------------------------------


def certified(programme: Programme) -> None:
    """Fail unless the equilibrium of a programme is certified."""
    there = play(programme)
    certificate = certify_chain(there.programme, there.equilibrium, there.price_gbp, there.attachment_gbp)
    assert certificate.holds, certificate


@SOME
@given(programmes(Wants(agents=5)))
def test_t07_nobody_in_the_chain_gains_by_deviating(programme: Programme) -> None:
    certified(programme)


@SOME
@given(programmes(replace(EVERYTHING, forms=("two_part", "fixed_share", "piece_rate"))))
def test_t07_nor_with_late_payments_fees_and_service_that_must_be_given(programme: Programme) -> None:
    certified(programme)


@FEW
@given(programmes(Wants(forms=("fixed_share", "piece_rate"), missions=True, depth=2, agents=3)))
def test_t07_nor_with_missions(programme: Programme) -> None:
    certified(programme)


@SOME
@given(programmes(Wants(places=True, depth=2, forms=("two_part", "fixed_share", "piece_rate"))))
def test_t07_nor_where_places_run_out(programme: Programme) -> None:
    certified(programme)


@SOME
@given(programmes(Wants(forms=SHARES, capital=True, depth=3, late=True)))
def test_t07_nor_where_capital_runs_short_or_it_says_that_it_does_not_settle(programme: Programme) -> None:
    try:
        certified(programme)
    except EquilibriumError as error:
        assert "do not settle" in str(error)  # noqa: PT017  # either way is right


def test_a_payee_without_any_capital_is_passed_over_at_the_price_of_capital_that_explains_it() -> None:
    """It could help where its payer cannot, with the first pound: that it has none is why nobody is sent."""
    people = Caseload(["a"], 100, 0.0, 0.0, 250.0)
    agents = [
        Agent("D", "department"),
        Agent("P", "prime"),
        Agent("S", "tier1", ceiling_bonus=0.1, working_capital_gbp=0.0),
    ]
    chain = SupplyChain(agents, [Contract("D", "P"), Contract("P", "S", "two_part")])
    there = evaluate(Programme("broke", people, Tariff(["a"], 0, 4000.0), chain))
    assert there.certificate.holds, there.certificate
    assert there.metrics.outcomes == 0.0
    shadow = there.to_frame("agents").set_index("agent").shadow_price["S"]
    assert shadow == pytest.approx(4000.0 * 0.1 / 250.0 - 1.0, abs=ROOTS)  # the first pound of support pays no more


# ---- T17, T36: the books --------------------------------------------------------------------------------------------


@SOME
@given(programmes(replace(EVERYTHING, forms=("two_part", "fixed_share", "piece_rate"))))
def test_t17_incomes_add_up_to_what_the_department_pays(programme: Programme) -> None:
    there = evaluate(programme)
    books = there.to_frame("agents").iloc[1:]
    kept = float((books.income_gbp - books.paid_on_gbp).sum())
    assert abs(kept - there.spend_gbp) <= ADDS_UP * max(there.spend_gbp, 1.0)
    spent = books[["support_gbp", "base_service_gbp", "finance_cost_gbp", "fixed_cost_gbp"]].to_numpy().sum()
    assert abs(kept - spent - books.profit_gbp.sum()) <= ADDS_UP * max(there.spend_gbp, spent, 1.0)


@SOME
@given(programmes())
def test_t17_no_tier_makes_a_loss(programme: Programme) -> None:
    """Without fixed costs, base service and missions, and with referrals that may be declined or that pay."""
    profits = evaluate(programme).to_frame("agents").profit_gbp
    assert profits.min() >= -ROUNDING_GBP * programme.caseload.total_participants


@SOME
@given(programmes(Wants(fees=True)))
def test_t36_every_agent_gets_its_attachment_fees_outcome_payments_and_fees(programme: Programme) -> None:
    """Participants and outcomes are those of the flow; attachment fees shrink by the share that is passed on."""
    there = play(programme)
    chain = there.equilibrium.chain
    flows = {flow.payee: flow for flow in there.equilibrium.flows}
    for account in there.equilibrium.accounts[1:]:
        if not account.active:
            continue
        flow, edge = flows[account.agent], chain.contracts[account.agent]
        direct = edge.payer == chain.department.name
        above = there.attachment_gbp if direct else flows[edge.payer].attachment_gbp * edge.attachment_share
        np.testing.assert_allclose(flow.attachment_gbp, above, rtol=ADDS_UP)
        fees = edge.referral_fee_gbp - edge.management_fee_gbp
        income = flow.price_gbp @ flow.outcomes + (flow.attachment_gbp + fees) @ flow.participants
        if edge.form == "two_part" and not direct:  # all its profit goes back
            income -= income - account.paid_on_gbp - account.support_gbp
        scale = float(abs(income) + flow.price_gbp @ flow.outcomes)
        assert abs(income - account.income_gbp) <= ADDS_UP * max(scale, 1.0)
    people = sum(account.delivered for account in there.equilibrium.accounts)
    assert people == pytest.approx(programme.caseload.total_participants, rel=ADDS_UP)


# ---- T18, T19, T27: who is between, and what is paid ----------------------------------------------------------------


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


def rates_of(chain: SupplyChain, people: Caseload, price: Floats) -> Floats:
    """Return outcome rates by segment, nobody's rate being 0."""
    programme = Programme("line", people, Tariff(people.groups, 0, 1.0), chain)
    (top,) = (flow for flow in play(programme, price).equilibrium.flows if flow.payee == chain.agents[1].name)
    return np.asarray(top.outcomes / np.maximum(top.participants, 1e-300))


@SOME
@given(chain_draws.people(), st.sampled_from(["fixed_share", "piece_rate", "group_price", "two_part"]), st.data())
def test_t18_a_pure_intermediary_never_raises_outcomes(people: Caseload, form: str, data: st.DataObject) -> None:
    """Not of a single segment, whatever the response and however many there are between."""
    price = data.draw(chain_draws.PRICES) * np.ones(len(people))
    fewer = rates_of(line_of(0, "two_part"), people, price)
    for between in (1, 2):
        more = rates_of(line_of(between, form, data.draw(chain_draws.SHARES)), people, price)
        assert np.all(more <= fewer + ROOTS)
        if form == "two_part":
            np.testing.assert_allclose(more, fewer, rtol=ADDS_UP)
        elif form == "piece_rate":
            fewer = more  # and one more lowers them again


@SOME
@given(programmes(Wants(forms=CHOSEN, attachment=False, floors=False, depth=3, agents=4)), st.floats(1.0, 3.0))
def test_t19_t27_outcomes_do_not_fall_when_all_prices_rise(programme: Programme, factor: float) -> None:
    """Of any segment, referrals being chosen anew. False with fixed shares: see the false statements."""
    price = programme.effective_price_gbp()
    low, high = play(programme, price), play(programme, price * factor)
    assert np.all(_outcomes(high) >= _outcomes(low) - SEARCHED * programme.caseload.participants)


def _outcomes(there: Played) -> Floats:
    """Return outcomes by segment."""
    primes = {agent.name for agent in there.equilibrium.chain.agents if agent.kind == "prime"}
    return np.asarray(np.sum([flow.outcomes for flow in there.equilibrium.flows if flow.payee in primes], axis=0))


# ---- T20-T22: managers in a row -------------------------------------------------------------------------------------


@SOME
@given(chain_draws.people(Wants(curved=False)), chain_draws.PRICES, st.data())
def test_t20_neither_of_two_managers_gains_by_one_other_price(
    people: Caseload, price: float, data: st.DataObject
) -> None:
    nothing, heads = np.zeros(len(people)), people.participants
    (upper,) = branches(line_of(2, "piece_rate"), "", people, (nothing, nothing), {})
    paid = np.full(len(people), price)
    for manager in (upper, upper.below[0]):
        found = manager.options(paid, nothing, heads).price_gbp[1]
        other = paid * data.draw(st.floats(0.0, 1.0)) + (found - paid) * data.draw(st.sampled_from([0.0, 0.5, 0.99]))
        other = np.clip(other, 0.0, paid)
        kept = [(paid - y) * manager.below[0].reply(y, nothing, heads)[0] for y in (found, other)]
        assert np.all(kept[0] >= kept[1] - ROUNDING_GBP - ADDS_UP * price)
        paid = found


@pytest.mark.parametrize(("intermediaries", "published"), [(1, 6593.0), (2, 14_165.0), (3, 30_430.0)])
def test_t21_thresholds_multiply_and_the_outcome_rate_jumps(intermediaries: int, published: float) -> None:
    p0, p1, scale = 0.12, 0.42, 600.0
    first = scale / (np.sqrt(p1) - np.sqrt(p0)) ** 2
    threshold = first * (np.sqrt(p1) / (np.sqrt(p1) - np.sqrt(p0))) ** (intermediaries - 1)
    assert round(threshold) == published
    chain = line_of(intermediaries, "piece_rate")
    assert outcome_rate(chain, threshold * (1 - ROOTS)) == p0
    assert outcome_rate(chain, threshold * (1 + ROOTS)) == pytest.approx(np.sqrt(p0 * p1), rel=1e-5)


@SOME
@given(st.floats(0.001, 0.4), st.floats(0.05, 0.5), st.floats(100.0, 2000.0), st.integers(1, 2))
def test_t21_thresholds_of_anybody(p0: float, reach: float, scale: float, intermediaries: int) -> None:
    p1 = p0 + reach
    people = Caseload(["a"], 100, p0, p1, scale)
    first = scale / (np.sqrt(p1) - np.sqrt(p0)) ** 2
    threshold = first * (np.sqrt(p1) / (np.sqrt(p1) - np.sqrt(p0))) ** (intermediaries - 1)
    chain = line_of(intermediaries, "piece_rate")
    assert outcome_rate(chain, threshold * (1 - ROOTS), people) == pytest.approx(p0, rel=ADDS_UP)
    assert outcome_rate(chain, threshold * (1 + ROOTS), people) == pytest.approx(np.sqrt(p0 * p1), rel=1e-4)


@SOME
@given(chain_draws.people(), st.floats(0.2, 1.0), chain_draws.PRICES)
def test_t22_a_fixed_share_is_a_dearer_response(people: Caseload, share: float, price: float) -> None:
    """P and E of kappa / rho, whatever the curvature; support is rho times that."""
    dearer = people.replace(response_scale_gbp=people.response_scale_gbp / share)
    tariff = Tariff(people.groups, 0, price)
    there = evaluate(Programme("share", people, tariff, line_of(1, "fixed_share", share)))
    direct = evaluate(Programme("dearer", dearer, tariff))
    assert there.metrics.outcomes == pytest.approx(direct.metrics.outcomes, rel=ADDS_UP)
    assert there.spend_gbp == pytest.approx(direct.spend_gbp, rel=ADDS_UP)
    assert there.metrics.total_support_gbp == pytest.approx(share * direct.metrics.total_support_gbp, rel=ADDS_UP)


# ---- T23, T24: capital ----------------------------------------------------------------------------------------------


def short_of(people: Caseload, capital: float, price: Floats) -> tuple[float, float, Floats, float]:
    """Return lambda, profit, outcome rates and support of a prime with so much capital."""
    agents = [Agent("D", "department"), Agent("P", "prime", working_capital_gbp=capital)]
    programme = Programme("short", people, Tariff(people.groups, 0, 1.0), SupplyChain(agents, [Contract("D", "P")]))
    there = play(programme, price).equilibrium
    (cell,) = there.cells
    book = there.accounts[1]
    return book.shadow_price, book.profit_gbp, cell.behaviour.outcome_rate, book.support_gbp


@SOME
@given(chain_draws.people(), st.data())
def test_t23_capital_has_a_price_that_falls_as_there_is_more(people: Caseload, data: st.DataObject) -> None:
    """At least 0, and 0 with money left; lambda falls and every P rises in capital, and a pound of it earns lambda."""
    price = np.array([data.draw(chain_draws.PRICES) for _ in people.participants])
    wanted = short_of(people, np.inf, price)[3]
    assume(wanted > 1.0)
    capital = wanted * data.draw(st.floats(0.01, 1.5))
    here, more = (short_of(people, money, price) for money in (capital, capital * 1.001))
    assert here[0] >= 0.0
    assert more[0] <= here[0] * (1 + ADDS_UP)
    assert np.all(more[2] >= here[2] - ROUNDING_GBP)
    assert here[3] <= capital * (1 + ADDS_UP)
    if here[0] > 0.0:
        assert here[3] == pytest.approx(capital, rel=ADDS_UP)
        slope = (more[1] - here[1]) / (min(1.001 * capital, wanted) - capital)
        rounding = ADDS_UP * max(abs(here[1]), 1.0) / (0.001 * capital)
        assert more[0] * (1 - SLOPE) - rounding <= slope <= here[0] * (1 + SLOPE) + rounding


@SOME
@given(chain_draws.people(), st.floats(1.0, 5.0), st.floats(0.05, 0.9), st.data())
def test_t24_scaling_all_prices_changes_nothing_while_capital_binds(
    people: Caseload, factor: float, part: float, data: st.DataObject
) -> None:
    price = np.array([data.draw(chain_draws.PRICES) for _ in people.participants])
    wanted = short_of(people, np.inf, price)[3]
    assume(wanted > 1.0)
    here, there = (short_of(people, part * wanted, price * times) for times in (1.0, factor))
    np.testing.assert_allclose(here[2], there[2], rtol=ADDS_UP)
    assert 1.0 + there[0] == pytest.approx(factor * (1.0 + here[0]), rel=ADDS_UP)


# ---- T25, T26: missions, minimum service ----------------------------------------------------------------------------


def managed(people: Caseload, mission: float, minimum: float = 0.0, form: str = "piece_rate") -> Branch:
    """Return a manager with a deliverer that it must refer everybody to, at a piece rate or for .7 of its price."""
    agents = [Agent("D", "department"), Agent("P", "prime", delivers=False), Agent("S", "tier2", mission_gbp=mission)]
    chain = SupplyChain(agents, [Contract("D", "P"), Contract("P", "S", form, share=0.7, volume_share=1.0)])
    service = np.zeros(len(people)), np.full(len(people), minimum)
    (prime,) = branches(chain, "", people, service, {})
    return prime


@SOME
@given(chain_draws.people(Wants(curved=False)), st.floats(0.0, 5000.0), st.floats(10.0, 3000.0), chain_draws.PRICES)
def test_t25_mission_raises_outcomes_and_is_taxed(people: Caseload, mission: float, more: float, price: float) -> None:
    """Who is paid anything at all is paid less. A mission may also make it worth while to pay.

    Before anybody leaves: a deliverer that works for its mission may lose money, and then it does leave.
    """

    def there(m: float) -> tuple[Floats, Floats, Floats]:
        paid, nothing = np.full(len(people), price), np.zeros(len(people))
        options = managed(people, m).options(paid, nothing, people.participants)
        return options.rate[1], options.value[1], options.price_gbp[1]

    (low, poor, dear), (high, rich, cheap) = there(mission), there(mission + more)
    assert np.all(high >= low - ROOTS)
    assert np.all(rich >= poor - ROOTS * price)
    assert np.all((cheap <= dear + ROOTS * price)[dear > 0])


@SOME
@given(chain_draws.people(), st.floats(0.0, 500.0), st.floats(1.0, 500.0), chain_draws.PRICES)
def test_t26_outcomes_rise_with_the_service_that_is_required(
    people: Caseload, minimum: float, more: float, price: float
) -> None:
    """At any price that is passed on, or when a share is. Before anybody leaves for what the service costs."""
    paid, nothing = np.full(len(people), price), np.zeros(len(people))
    for form in ("fixed_share", "two_part"):
        low, high = (
            managed(people, 0.0, least, form).reply(paid, nothing, people.participants)[0]
            for least in (minimum, minimum + more)
        )
        assert np.all(high >= low)


# ---- how chains scale, and what does not matter ---------------------------------------------------------------------

MONEY_OF_AGENTS: Final = tuple(item.name for item in fields(Agent) if item.name.endswith("_gbp"))
MONEY_OF_CONTRACTS: Final = tuple(item.name for item in fields(Contract) if item.name.endswith("_gbp"))


@SOME
@given(programmes(replace(EVERYTHING, forms=("two_part", "fixed_share", "piece_rate"))), st.sampled_from([0.5, 8.0]))
def test_t05_money_scales(programme: Programme, factor: float) -> None:
    """All money of tariff, responses, agents and contracts times t: the same outcomes, profits times t."""
    chain = programme.supply_chain
    assert chain is not None
    agents = [replace(a, **{n: getattr(a, n) * factor for n in MONEY_OF_AGENTS}) for a in chain.agents]
    edges = [replace(e, **{n: getattr(e, n) * factor for n in MONEY_OF_CONTRACTS}) for e in chain.contracts.values()]
    caseload = programme.caseload
    dearer = programme.replace(
        caseload=caseload.replace(response_scale_gbp=caseload.response_scale_gbp * factor),
        supply_chain=SupplyChain(agents, edges, chain.areas),
        tariff=programme.tariff.replace(
            attachment_fee_gbp=programme.tariff.attachment_fee_gbp * factor,
            outcome_fee_gbp=programme.tariff.outcome_fee_gbp * factor,
        ),
        base_service_gbp=programme.base_service_gbp * factor,
        minimum_service_gbp=programme.minimum_service_gbp * factor,
    )
    here, there = play(programme), play(dearer)
    np.testing.assert_allclose(_outcomes(there), _outcomes(here), rtol=SEARCHED)
    spend = max(evaluate(programme).spend_gbp, 1.0)
    for one, other in zip(here.equilibrium.accounts, there.equilibrium.accounts, strict=True):
        assert other.profit_gbp / factor == pytest.approx(one.profit_gbp, rel=SEARCHED, abs=SEARCHED * spend)


@SOME
@given(programmes(Wants(places=True, depth=3)), st.sampled_from([0.5, 3.0]))
def test_t15_people_scale(programme: Programme, factor: float) -> None:
    """Times t people and places: times t of everything."""
    chain = programme.supply_chain
    assert chain is not None
    agents = [replace(agent, capacity=agent.capacity * factor) for agent in chain.agents]
    larger = programme.replace(
        caseload=programme.caseload.replace(participants=programme.caseload.participants * factor),
        supply_chain=SupplyChain(agents, chain.contracts.values(), chain.areas),
    )
    np.testing.assert_allclose(_outcomes(play(larger)), factor * _outcomes(play(programme)), rtol=SEARCHED)


@SOME
@given(programmes(Wants(forms=("two_part", "fixed_share", "group_price"), depth=3)))
def test_t11_splitting_a_segment_into_identical_halves_changes_nothing(programme: Programme) -> None:
    caseload, chain = programme.caseload, programme.supply_chain
    assert chain is not None
    rows = np.concatenate([np.arange(len(caseload)), [0]])
    halves = caseload.participants[rows]
    halves[[0, -1]] /= 2
    agents = [
        replace(a, productivity=(*a.productivity, a.productivity[0])) if isinstance(a.productivity, tuple) else a
        for a in chain.agents
    ]
    split = programme.replace(
        caseload=caseload.take(rows).replace(participants=halves),
        supply_chain=SupplyChain(agents, chain.contracts.values(), chain.areas),
    )
    one, two = _outcomes(play(programme)), _outcomes(play(split))
    np.testing.assert_allclose(two[: one.size] + np.eye(one.size)[0] * two[-1], one, rtol=SEARCHED, atol=ROUNDING_GBP)


@SOME
@given(chain_draws.people(), chain_draws.PRICES, st.sampled_from([0.0, 200.0]))
def test_a_prime_alone_is_no_chain_at_all(people: Caseload, price: float, minimum: float) -> None:
    alone = SupplyChain([Agent("D", "department"), Agent("P", "prime")], [Contract("D", "P")])
    tariff = Tariff(people.groups, 100, price)
    without = Programme("alone", people, tariff, minimum_service_gbp=minimum, base_service_gbp=50.0)
    here, there = evaluate(without), evaluate(without.replace(supply_chain=alone))
    np.testing.assert_array_equal(here.behaviour.support_gbp, there.behaviour.support_gbp)
    assert there.spend_gbp == pytest.approx(here.spend_gbp, rel=ADDS_UP)
    assert there.metrics.parked_share == here.metrics.parked_share
    profits = (frame.profit_gbp.iloc[-1] for frame in (here.to_frame("agents"), there.to_frame("agents")))
    assert next(profits) == pytest.approx(next(profits), rel=ADDS_UP, abs=ROUNDING_GBP)


@SOME
@given(programmes(Wants(missions=True, late=True, fees=True, capital=True, places=True, fixed=True)))
def test_the_graph_comes_back_as_it_was(programme: Programme) -> None:
    chain = programme.supply_chain
    assert chain is not None
    graph = chain.to_graph()
    again = SupplyChain.from_graph(graph)
    assert nx.utils.graphs_equal(graph, again.to_graph())
    assert set(again.agents) == set(chain.agents)
    assert dict(again.contracts) == dict(chain.contracts)
    assert again.areas == chain.areas
