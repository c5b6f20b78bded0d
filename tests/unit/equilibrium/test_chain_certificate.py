"""Certificates of chains: they hold on what is an equilibrium, and find what could be gained where it is not one."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import networkx as nx
import numpy as np
import pytest
from numpy.typing import NDArray

import pbr_opt.equilibrium.chain_certificate as certificate_module
import pbr_opt.equilibrium.chain_claims as claims_module
import pbr_opt.equilibrium.chain_replies as replies_module
from pbr_opt import Caseload, Programme, SupplyChain, Tariff, evaluate, load
from pbr_opt.equilibrium.accounts import Cell, Flow
from pbr_opt.equilibrium.best_response import BestResponse
from pbr_opt.equilibrium.certificate import Certificate
from pbr_opt.equilibrium.chain import ChainEquilibrium, solve_chain
from pbr_opt.equilibrium.chain_certificate import COARSE_TOLERANCE, TOLERANCE_GBP, certify_chain
from pbr_opt.equilibrium.price_search import Effort, search

Floats = NDArray[np.float64]

PEOPLE: Final = Caseload(["a", "a", "b"], [100, 80, 60], [0.12, 0.05, 0.02], [0.42, 0.30, 0.20], [600.0, 500.0, 700.0])
PRICE: Final = np.array([9000.0, 9000.0, 16_000.0])
NOTHING: Final = np.zeros(3)
FORBIDDEN: Final = {"responses", "best_response", "pass_through", "delegation", "options", "referrals", "liquidity"}
FOUND: Final = 1e-6
"""The gain from undoing a change is found to this, relatively: hills are flat, and the grid is fine."""


def chain_of(*rows: tuple[str, str, dict[str, Any], dict[str, Any]]) -> SupplyChain:
    """Return a chain from rows of agent, payer, what is said of the agent, and of its contract."""
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_node("D", kind="department")
    for name, payer, about, terms in rows:
        graph.add_node(name, **({"kind": "prime" if payer == "D" else "tier2"} | about))
        graph.add_edge(payer, name, **terms)
    return SupplyChain.from_graph(graph)


def pair(form: str = "piece_rate", about: dict[str, Any] | None = None, **terms: Any) -> Programme:  # noqa: ANN401  # attributes
    """Return a programme of a prime and a subcontractor that is better with the second and third segments."""
    skill = {"productivity": [0.5, 8.0, 9.0]} | (about or {})
    chain = chain_of(("P", "D", {}, {}), ("S", "P", skill, {"contract": form} | terms))
    return Programme("pair", PEOPLE, Tariff(["a", "b"], 0, [9000, 16_000]), chain)


def solved(programme: Programme) -> ChainEquilibrium:
    return solve_chain(programme, PRICE, NOTHING)


def certified(programme: Programme, equilibrium: ChainEquilibrium) -> Certificate:
    return certify_chain(programme, equilibrium, PRICE, NOTHING)


def told(equilibrium: ChainEquilibrium, sent: Floats, paid: Floats, support: dict[str, Floats]) -> ChainEquilibrium:
    """Return an equilibrium whose books add up: whom P sends to S at which price, and who gives what support."""
    served = {"P": PEOPLE.participants - sent, "S": sent}
    cells, found = [], {}
    for name, agent in ((a.name, a) for a in equilibrium.chain.agents[1:]):
        rate = agent.response(PEOPLE).outcome_rate(support[name])
        found[name] = served[name] * rate
        behaviour = BestResponse(PRICE, NOTHING, support[name], rate, support[name] == 0, NOTHING + 1.0)
        cells.append(Cell("", name, served[name], PEOPLE, paid if name == "S" else PRICE, behaviour))
    flows = (
        Flow("", "S", sent, found["S"], paid, NOTHING),
        Flow("", "P", PEOPLE.participants, found["P"] + found["S"], PRICE, NOTHING),
    )
    return replace(equilibrium, cells=tuple(cells), flows=flows)


def what_happens(programme: Programme) -> tuple[ChainEquilibrium, Floats, Floats, dict[str, Floats]]:
    """Return an equilibrium, and whom P sends to S, at which price, with what support."""
    there = solved(programme)
    flow = next(flow for flow in there.flows if flow.payee == "S")
    support = {cell.deliverer: cell.behaviour.support_gbp for cell in there.cells}
    return there, flow.participants, flow.price_gbp, {name: support.get(name, NOTHING) for name in ("P", "S")}


def best_support(programme: Programme, name: str, price: Floats) -> Floats:
    chain = programme.supply_chain
    assert chain is not None
    response = chain.by_name[name].response(PEOPLE)
    return np.asarray(response.response_scale_gbp * np.log(np.maximum(price / response.parking_threshold_gbp, 1.0)))


@pytest.mark.parametrize("form", ["piece_rate", "fixed_share", "group_price", "two_part"])
def test_the_truth_is_certified_and_retold_still_is(form: str) -> None:
    programme = pair(form, share=0.4)
    there, sent, paid, support = what_happens(programme)
    assert sent[2] > 0  # somebody is referred, or nothing is tried
    assert certified(programme, there).holds
    again = certified(programme, told(there, sent, paid, support))
    assert again.holds, again
    again.require()


@pytest.mark.parametrize("name", ["P", "S"])
def test_other_support_is_found_to_the_penny(name: str) -> None:
    programme = pair()
    there, sent, paid, support = what_happens(programme)
    at = 0 if name == "P" else 2
    less = support | {name: np.where(np.arange(3) == at, support[name] * 0.5, support[name])}
    found = certified(programme, told(there, sent, paid, less))
    price = (PRICE if name == "P" else paid)[at]
    response = there.chain.by_name[name].response(PEOPLE)
    profits = [price * response.outcome_rate(given[name])[at] - given[name][at] for given in (support, less)]
    assert found.largest_gain_gbp >= profits[0] - profits[1] - TOLERANCE_GBP
    assert not found.holds


@pytest.mark.parametrize("factor", [0.8, 0.97, 1.05, 1.4])
def test_another_price_is_found_to_the_penny(factor: float) -> None:
    """The third segment is paid another price and answers it; what the prime loses by that it could gain."""
    programme = pair()
    there, sent, paid, support = what_happens(programme)
    other = paid * np.array([1.0, 1.0, factor])
    answer = support | {"S": np.where(np.arange(3) == 2, best_support(programme, "S", other), support["S"])}
    found = certified(programme, told(there, sent, other, answer))
    response = there.chain.by_name["S"].response(PEOPLE)
    kept = [(PRICE - y)[2] * response.outcome_rate(given["S"])[2] for y, given in ((paid, support), (other, answer))]
    assert kept[0] - kept[1] > 2 * TOLERANCE_GBP
    assert found.largest_gain_gbp == pytest.approx(kept[0] - kept[1], rel=FOUND, abs=TOLERANCE_GBP)
    assert "P, other prices or referrals of segment 2" in found.player


def test_another_price_for_a_group_is_found() -> None:
    programme = pair("group_price", volume_share=1.0)
    there, sent, paid, _ = what_happens(programme)
    for factor in (0.9, 1.1):
        other = paid * np.array([1.0, 1.0, factor])
        answer = {"P": NOTHING, "S": best_support(programme, "S", other)}
        found = certified(programme, told(there, sent, other, answer))
        response = there.chain.by_name["S"].response(PEOPLE)
        rate = response.outcome_rate(answer["S"])[2]
        best = response.outcome_rate(best_support(programme, "S", paid))[2]
        lost = (PRICE - paid)[2] * best - (PRICE - other)[2] * rate
        assert found.largest_gain_gbp == pytest.approx(lost, rel=FOUND, abs=TOLERANCE_GBP)
        assert "price of group 1" in found.player


@pytest.mark.parametrize("at", [0, 2])
def test_another_referral_is_found_to_the_penny(at: int) -> None:
    """Half of a segment goes where it is worth less: the prime could gain half of the difference a head."""
    programme = pair()
    there, sent, paid, _ = what_happens(programme)
    other = np.where(np.arange(3) == at, PEOPLE.participants / 2, sent)
    served = {name: best_support(programme, name, PRICE if name == "P" else paid) for name in ("P", "S")}
    found = certified(programme, told(there, other, paid, served))
    own = PRICE * there.chain.by_name["P"].response(PEOPLE).outcome_rate(served["P"]) - served["P"]
    referred = (PRICE - paid) * there.chain.by_name["S"].response(PEOPLE).outcome_rate(served["S"])
    assert found.largest_gain_gbp == pytest.approx(abs(own - referred)[at] / 2, abs=TOLERANCE_GBP)
    assert not found.holds


def test_a_payee_that_loses_money_would_rather_decline() -> None:
    programme = pair("fixed_share", share=0.9, management_fee_gbp=10_000.0)
    there, sent, paid, support = what_happens(programme)
    assert not sent.any()  # as it does
    everybody = PEOPLE.participants
    served = support | {"S": best_support(programme, "S", paid)}
    found = certified(programme, told(there, everybody, paid, served))
    assert not found.holds
    assert found.largest_gain_gbp > 100.0


def test_a_shadow_price_that_capital_does_not_explain_is_caught() -> None:
    short = pair("fixed_share", {"working_capital_gbp": 5_000.0}, share=0.4, volume_share=0.5)
    there = solved(short)
    books = {account.agent: account for account in there.accounts}
    assert books["S"].shadow_price > 0
    assert certified(short, there).holds
    for lie in (0.0, books["S"].shadow_price * 1.1):
        accounts = tuple(replace(a, shadow_price=lie) if a.agent == "S" else a for a in there.accounts)
        assert not certified(short, replace(there, accounts=accounts)).holds
    richer = pair("fixed_share", share=0.4, volume_share=0.5)
    assert not certified(richer, there).holds  # idle though capital is not short


def test_more_people_than_places_and_places_left_empty_are_caught() -> None:
    full = pair("fixed_share", {"capacity": 70.0}, share=0.4)
    there, sent, paid, _ = what_happens(full)
    assert sent.sum() == pytest.approx(70.0)
    assert certified(full, there).holds
    served = {name: best_support(full, name, PRICE if name == "P" else paid) for name in ("P", "S")}
    assert certified(full, told(there, sent * 1.05, paid, served)).largest_gain_gbp == np.inf
    assert not certified(full, told(there, sent * 0.9, paid, served)).holds


def test_books_that_do_not_add_up_are_no_equilibrium() -> None:
    programme = pair("fixed_share", share=0.4)
    there, sent, paid, support = what_happens(programme)
    good = told(there, sent, paid, support)
    wrong = [
        replace(good.flows[0], participants=sent * 1.01),
        replace(good.flows[0], outcomes=good.flows[0].outcomes * 1.01),
        replace(good.flows[0], price_gbp=paid * 1.01),
        replace(good.flows[0], attachment_gbp=NOTHING + 1.0),
    ]
    for flow in wrong:
        found = certified(programme, replace(good, flows=(flow, good.flows[1])))
        assert found.largest_gain_gbp == np.inf
        assert "books that do not add up" in found.player


def test_a_number_that_is_none_is_no_certificate() -> None:
    programme = pair()
    there, sent, paid, support = what_happens(programme)
    lost = support | {"P": np.array([np.nan, 0.0, 0.0])}
    assert not certified(programme, told(there, sent, paid, lost)).holds


def test_the_national_chain_is_certified_on_the_fine_grid() -> None:
    there = evaluate(load("work_programme_2011_chain"))
    certificate = there.certificate
    assert certificate.holds, certificate
    assert certificate.tolerance_gbp == TOLERANCE_GBP


def test_three_managers_in_a_row_are_certified_on_a_coarser_grid_that_says_so() -> None:
    rows = [
        (f"M{k}", "D" if k == 0 else f"M{k - 1}", {"delivers": k == 3}, {"contract": "piece_rate"}) for k in range(4)
    ]
    chain = chain_of(*rows)
    people = Caseload(["a"] * 4, 100, [0.12, 0.02, 0.05, 0.2], 0.42, 300.0)
    programme = Programme("deep", people, Tariff(["a"], 0, 50_000), chain)
    price = np.full(4, 50_000.0)
    certificate = certify_chain(programme, solve_chain(programme, price, np.zeros(4)), price, np.zeros(4))
    assert certificate.tolerance_gbp == COARSE_TOLERANCE * 50_000
    assert certificate.holds, certificate


@pytest.mark.parametrize("jump", [0.0, 0.31, 0.777])
def test_the_search_finds_the_top_of_a_step_between_its_points(jump: float) -> None:
    """(1 - y) P(y) with P = .5 up to the jump and just enough above it to be worth it there, and nowhere else."""
    least = 0.5 / (1 - jump) * 1.0001

    def reply(price: Floats) -> tuple[Floats, Floats]:
        return np.where(price >= jump, least, 0.5), np.zeros_like(price)

    def keep(price: Floats, there: tuple[Floats, Floats]) -> Floats:
        return (1.0 - price) * there[0]

    found = search(reply, keep, np.zeros(1), np.ones(1), Effort(33, 8))
    assert found[0] == pytest.approx(jump, abs=1e-6)


@pytest.mark.parametrize("module", [certificate_module, claims_module, replies_module])
def test_it_shares_nothing_with_the_solver(module: Any) -> None:  # noqa: ANN401  # a module
    tree = ast.parse(Path(module.__file__).read_text(encoding="utf-8"))
    imported = {
        node.module.rpartition(".")[2] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module
    }
    assert "agents" in imported
    assert not imported & FORBIDDEN
    asked = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert not asked & {"response", "parking_threshold_gbp", "marginal_outcome_rate"}
