"""Supply chains against searches that share no code with them: plain grids, scipy's root finders and programmes, dice.

What a deliverer does is written here from the model page, one segment at a time, and payers' choices are tried one by
one.
"""

from __future__ import annotations

from typing import Any, Final

import networkx as nx
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import brentq, linprog, minimize

from pbr_opt import Caseload, Programme, SupplyChain, Tariff, evaluate
from pbr_opt.equilibrium.accounts import Flow
from pbr_opt.equilibrium.chain import solve_chain
from pbr_opt.equilibrium.liquidity import shadow_price
from pbr_opt.equilibrium.pass_through import piece_rate_threshold_gbp
from pbr_opt.equilibrium.referrals import allot
from pbr_opt.errors import EquilibriumError
from tests.oracle.samples import Raw, rate, sample

Floats = NDArray[np.float64]

FINE: Final = 1e-9
"""Relative, where both sides are exact but for rounding."""
GRID: Final = 2e-3
"""Relative, where this file's grid of some thousand prices decides: half a step of it."""
SEEN_GBP: Final = 1e-6
"""The search must be at least as good as a grid, to rounding of profits of thousands of pounds."""
SIGMAS: Final = 4.5
"""Simulated means lie within so many standard errors of what is expected: once in 150,000 they do not."""


def effort(raw: Raw, worth: Floats) -> Floats:
    """Return e* at what an outcome is worth, shape (..., segments), from the model page."""
    pull = np.maximum(worth * (1 - raw.bend) * (raw.high - raw.low) / raw.scale, 1.0)
    bend = np.where(raw.bend > 0, raw.bend, 1.0)
    return np.asarray(raw.scale * np.where(raw.bend > 0, (pull**bend - 1) / bend, np.log(pull)))


def outcomes(raw: Raw, worth: Floats) -> Floats:
    """Return P at what an outcome is worth."""
    return rate(raw, effort(raw, worth))


def skilled(raw: Raw, productivity: float) -> Raw:
    """Return the same people with a provider of another productivity."""
    return Raw(raw.group, raw.people, raw.low, raw.high, raw.scale / productivity, raw.bend)


def graph_of(*rows: tuple[str, str, dict[str, Any], dict[str, Any]]) -> SupplyChain:
    """Return a chain from rows of agent, payer, what is said of the agent, and of its contract."""
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_node("D", kind="department")
    for name, payer, about, terms in rows:
        graph.add_node(name, **({"kind": "prime" if payer == "D" else "tier2"} | about))
        graph.add_edge(payer, name, **terms)
    return SupplyChain.from_graph(graph)


def flows_of(raw: Raw, price: Floats, chain: SupplyChain) -> dict[str, Flow]:
    """Return who is given whom at which price, when the Department pays ``price`` by segment."""
    there = solve_chain(raw.programme().replace(supply_chain=chain), price, np.zeros(price.size))
    return {flow.payee: flow for flow in there.flows}


@pytest.mark.parametrize("seed", range(12))
def test_a_manager_prices_each_segment_as_well_as_any_grid(seed: int) -> None:
    """One payer, one payee: the payer keeps (R - y) P(y), and P jumps nowhere."""
    raw = sample(seed, 2, 3, curved=seed % 2 == 1)
    price = np.random.default_rng(seed).uniform(500.0, 30_000.0, raw.people.size)
    chain = graph_of(("M", "D", {"delivers": False}, {}), ("S", "M", {"productivity": 1.7}, {"contract": "piece_rate"}))
    flow = flows_of(raw, price, chain)["S"]
    tried = np.linspace(0.0, 1.0, 40_001)[:, None] * price
    theirs = skilled(raw, 1.7)
    best = ((price - tried) * outcomes(theirs, tried)).max(axis=0)
    reached = (price - flow.price_gbp) * outcomes(theirs, flow.price_gbp)
    assert np.all(reached >= best - SEEN_GBP)
    np.testing.assert_allclose(reached, best, rtol=1e-6)  # the grid's own step, at a flat top
    np.testing.assert_allclose(flow.outcomes, flow.participants * outcomes(theirs, flow.price_gbp), rtol=FINE)


@pytest.mark.parametrize("seed", range(8))
def test_two_managers_price_as_well_as_a_grid_within_a_grid(seed: int) -> None:
    """The upper one foresees what the lower one pays on, jump and all; both grids are tried in full."""
    raw = sample(100 + seed, 1, 4)
    price = np.random.default_rng(seed).uniform(5000.0, 60_000.0, 4)
    chain = graph_of(
        ("A", "D", {"delivers": False}, {}),
        ("B", "A", {"delivers": False}, {"contract": "piece_rate"}),
        ("C", "B", {}, {"contract": "piece_rate"}),
    )
    flows = flows_of(raw, price, chain)
    share = np.linspace(0.0, 1.0, 1501)[:, None]
    upper = share * price
    kept = np.empty_like(upper)
    for k, paid in enumerate(upper):
        lower = share * paid
        at = np.argmax((paid - lower) * outcomes(raw, lower), axis=0)
        kept[k] = (price - paid) * outcomes(raw, lower[at, np.arange(4)])
    reached = (price - flows["B"].price_gbp) * flows["C"].outcomes / flows["C"].participants
    np.testing.assert_allclose(reached, kept.max(axis=0), rtol=GRID)
    below = flows["B"].price_gbp
    lower = np.linspace(0.0, 1.0, 20_001)[:, None] * below
    best = ((below - lower) * outcomes(raw, lower)).max(axis=0)
    assert np.all((below - flows["C"].price_gbp) * outcomes(raw, flows["C"].price_gbp) >= best - SEEN_GBP)


@pytest.mark.parametrize("seed", range(8))
def test_one_price_for_a_group_is_as_good_as_any_on_a_grid(seed: int) -> None:
    """End to end the payer must refer everybody; else it keeps whom it serves better itself at that price."""
    raw = sample(200 + seed, 2, 4, curved=seed % 2 == 1)
    price = np.random.default_rng(seed).uniform(2000.0, 20_000.0, 2)[raw.group]
    theirs = skilled(raw, 1.5)
    own = price * outcomes(raw, price) - effort(raw, price)
    for terms in ({"volume_share": 1.0}, {}):
        chain = graph_of(("P", "D", {}, {}), ("S", "P", {"productivity": 1.5}, {"contract": "group_price"} | terms))
        flow = flows_of(raw, price, chain)["S"]

        def kept(paid: Floats, free: bool = not terms) -> Floats:
            value = (price - paid) * outcomes(theirs, paid)
            value = np.maximum(value, own) if free else value
            return np.stack([(value * raw.people)[..., raw.group == g].sum(axis=-1) for g in range(raw.groups)])

        tried = np.linspace(0.0, 1.0, 20_001)[:, None] * price
        assert np.all(kept(flow.price_gbp) >= kept(tried).max(axis=1) - SEEN_GBP * raw.people.sum())


@pytest.mark.parametrize("seed", range(12))
def test_whom_a_prime_refers_and_to_whom_is_the_best_of_what_it_could_do(seed: int) -> None:
    """Itself, a fixed share, a piece rate: for each segment the best of three, and what it earns is their sum."""
    raw = sample(300 + seed, 1, 6)
    rng = np.random.default_rng(seed)
    price = rng.uniform(1000.0, 20_000.0, 6)
    skills, share = rng.uniform(0.8, 5.0, 2), rng.uniform(0.4, 0.9)
    chain = graph_of(
        ("P", "D", {}, {}),
        ("F", "P", {"productivity": skills[0]}, {"contract": "fixed_share", "share": share, "referral_fee_gbp": 20}),
        ("R", "P", {"productivity": skills[1]}, {"contract": "piece_rate"}),
    )
    flows = flows_of(raw, price, chain)
    tried = np.linspace(0.0, 1.0, 40_001)[:, None] * price
    fixed, piece = skilled(raw, skills[0]), skilled(raw, skills[1])
    values = np.stack(
        [
            price * outcomes(raw, price) - effort(raw, price),
            (1 - share) * price * outcomes(fixed, share * price) - 20.0,
            ((price - tried) * outcomes(piece, tried)).max(axis=0),
        ]
    )
    share_of = np.stack([flows[name].participants for name in ("F", "R")]) / raw.people
    chosen = np.vstack([1 - share_of.sum(axis=0), share_of])
    np.testing.assert_allclose((chosen * values).sum(axis=0), values.max(axis=0), rtol=1e-6)


@pytest.mark.parametrize("seed", range(20))
def test_a_payee_that_may_decline_is_paid_what_it_needs_or_what_helps_most(seed: int) -> None:
    """The least price at which a referral earns the payee its costs (brentq), or a better one above it (grid)."""
    raw = sample(400 + seed, 1, 5)
    rng = np.random.default_rng(seed)
    price, need = rng.uniform(1000.0, 12_000.0, 5), rng.uniform(20.0, 900.0)
    terms = {"contract": "piece_rate", "management_fee_gbp": need}
    flow = flows_of(raw, price, graph_of(("M", "D", {"delivers": False}, {}), ("S", "M", {}, terms)))["S"]
    for k in range(5):
        one = raw.only(k)

        def earned(paid: float, one: Raw = one) -> float:
            worth = np.array([paid])
            return float(paid * outcomes(one, worth)[0] - effort(one, worth)[0] - need)

        if earned(price[k]) < 0:
            assert flow.participants[k] == 0  # no price that an outcome is worth would do
            continue
        least = brentq(earned, 0.0, price[k], xtol=1e-12, rtol=1e-14)
        assert earned(flow.price_gbp[k]) >= -SEEN_GBP
        tried = np.linspace(least, price[k], 20_001)[:, None]
        best = ((price[k] - tried) * outcomes(one, tried)).max()
        reached = (price[k] - flow.price_gbp[k]) * outcomes(one, flow.price_gbp[k : k + 1])[0]
        assert reached >= best - SEEN_GBP - FINE * price[k]


@pytest.mark.parametrize("seed", range(30))
def test_places_are_allotted_as_by_a_transport_programme(seed: int) -> None:
    rng = np.random.default_rng(seed)
    options, segments = int(rng.integers(2, 5)), int(rng.integers(1, 8))
    size = options, segments
    value = np.asarray(rng.integers(-3, 6, size) * 40.0 if seed % 3 == 0 else rng.normal(0, 100, size), dtype=float)
    people = np.asarray(rng.integers(0, 4, segments) * 25.0 + 1.0, dtype=float)
    most = np.where(rng.random(options) < 0.6, rng.random(options) * people.sum(), np.inf)
    fewest = np.where(rng.random(options) < 0.4, rng.random(options) * people.sum() / options, 0.0)
    most[0], fewest[0] = np.inf, 0.0
    fewest = np.minimum(fewest, most)
    by_option = np.kron(np.eye(options), people)
    limited = np.isfinite(most)
    best = linprog(
        -(value * people).ravel(),
        A_ub=np.vstack([by_option[limited], -by_option]),
        b_ub=np.concatenate([most[limited], -fewest]),
        A_eq=np.tile(np.eye(segments), options),
        b_eq=np.ones(segments),
        bounds=(0, 1),
    )
    there, worth = allot(value, people, fewest, most), -float(best.fun or 0.0)
    np.testing.assert_allclose(((there.share * value) @ people).sum(), worth, rtol=FINE, atol=SEEN_GBP)
    np.testing.assert_allclose(there.share.sum(axis=0), 1.0, rtol=FINE)
    taken = there.share @ people
    assert np.all(taken <= most + SEEN_GBP)
    assert np.all(taken >= fewest - SEEN_GBP)
    bound = (value - there.place_price_gbp[:, None]).max(axis=0) @ people
    bound += there.place_price_gbp @ np.where(there.place_price_gbp > 0, np.where(limited, most, 0.0), fewest)
    np.testing.assert_allclose(bound, worth, rtol=FINE, atol=SEEN_GBP)  # prices of places are a dual solution


def test_guarantees_beyond_the_people_there_are_cannot_be_kept() -> None:
    with pytest.raises(EquilibriumError, match="150 exceed the 100"):
        allot(np.zeros((2, 1)), np.array([100.0]), np.array([0.0, 150.0]), np.array([np.inf, np.inf]))


@pytest.mark.parametrize("seed", range(20))
def test_payees_that_take_the_same_people_only_are_owed_what_there_are_of_them(seed: int) -> None:
    """Against networkx's maximum flow from people to payees: as many of those guaranteed as can be sent at once."""
    rng = np.random.default_rng(4100 + seed)
    options, segments = int(rng.integers(3, 6)), int(rng.integers(2, 6))
    people = rng.uniform(10.0, 60.0, segments)
    value = rng.uniform(-50.0, 300.0, (options, segments))
    takes = np.vstack([np.ones(segments, bool), rng.random((options - 1, segments)) < 0.4])
    value[~takes] = -np.inf
    fewest = np.r_[0.0, rng.dirichlet(np.ones(options - 1)) * people.sum() * 0.95]
    flow: nx.DiGraph[str] = nx.DiGraph()
    flow.add_nodes_from(["all", "kept"])
    for i, k in np.argwhere(takes[1:].T):
        flow.add_edge("all", f"people {i}", capacity=people[i])
        flow.add_edge(f"people {i}", f"payee {k}")
        flow.add_edge(f"payee {k}", "kept", capacity=fewest[k + 1])
    there = allot(value, people, fewest, np.full(options, np.inf))
    taken = there.share @ people
    np.testing.assert_allclose(np.minimum(taken, fewest).sum(), nx.maximum_flow_value(flow, "all", "kept"), rtol=1e-7)
    np.testing.assert_allclose(there.share.sum(axis=0), 1.0, rtol=FINE)
    assert np.all(there.share[~takes] == 0.0)
    net = np.where(takes, value, -1e9) - there.place_price_gbp[:, None]
    lost = (there.share * (net.max(axis=0) - net)).sum(axis=0)
    assert np.all(lost <= 1e-5 * np.abs(net.max())), "nobody is sent where, at these prices of places, he is worth less"
    dear = there.place_price_gbp < -SEEN_GBP
    assert np.all(taken[dear] <= fewest[dear] + SEEN_GBP), "a guarantee costs only where it binds"


@pytest.mark.parametrize("seed", range(12))
def test_the_shadow_price_of_capital_is_a_root_and_a_multiplier(seed: int) -> None:
    raw = sample(500 + seed, 1, 6, curved=seed % 2 == 1)
    rng = np.random.default_rng(seed)
    worth = rng.uniform(1000.0, 20_000.0, 6)
    wanted = float(raw.people @ effort(raw, worth))
    capital = wanted * rng.uniform(0.05, 1.2)
    found = shadow_price(raw.programme().caseload.response, worth, raw.people, capital)
    if capital >= wanted:
        assert found == 0.0
        return

    def excess(dearth: float) -> float:
        return float(raw.people @ effort(raw, worth / dearth)) - capital

    root = brentq(excess, 1.0, 1e4, xtol=1e-13, rtol=1e-14)
    assert found == pytest.approx(root - 1.0, rel=1e-8)
    planned = minimize(  # type: ignore[call-overload]  # as documented; the stubs want fewer functions
        lambda e: -float(raw.people @ (worth * rate(raw, e) - e)) / capital,
        effort(raw, worth) * capital / wanted,
        jac=lambda e: -raw.people * (worth * _slope(raw, e) - 1.0) / capital,
        bounds=[(0.0, None)] * 6,
        constraints={
            "type": "ineq",
            "fun": lambda e: 1.0 - raw.people @ e / capital,
            "jac": lambda _: -raw.people / capital,
        },
        method="SLSQP",
        options={"ftol": 1e-14, "maxiter": 500},
    )
    there = effort(raw, worth / (1.0 + found))
    profit = float(raw.people @ (worth * rate(raw, there) - there))
    assert float(raw.people @ there) == pytest.approx(capital, rel=1e-9)
    assert profit == pytest.approx(-planned.fun * capital, rel=1e-6)
    assert profit >= -planned.fun * capital * (1 - 1e-9) - SEEN_GBP


def _slope(raw: Raw, support: Floats) -> Floats:
    bend = np.where(raw.bend > 0, raw.bend, 1.0)
    left = np.where(raw.bend > 0, (1 + bend * support / raw.scale) ** (-1 / bend), np.exp(-support / raw.scale))
    return np.asarray((1 - raw.bend) * (raw.high - raw.low) / raw.scale * left)


def test_the_threshold_of_a_manager_is_where_a_grid_starts_to_pay() -> None:
    raw = sample(7, 1, 5)
    found = piece_rate_threshold_gbp(raw.programme().caseload.response)
    share = np.linspace(0.0, 1.0, 20_001)[:, None]
    for factor, pays in ((0.995, False), (1.005, True)):
        worth = found * factor
        tried = share * worth
        best = tried[np.argmax((worth - tried) * outcomes(raw, tried), axis=0), np.arange(5)]
        assert np.all((best > 0) == pays)


def test_ten_thousand_years_of_dice_earn_what_the_books_expect() -> None:
    """Every participant is drawn: who has them, whether they find work. Every agent's mean profit is as booked."""
    raw = sample(11, 2, 3)
    people = np.array([40.0, 25.0, 60.0, 10.0, 80.0, 33.0])
    caseload = Caseload([f"g{k}" for k in raw.group], people, raw.low, raw.high, raw.scale)
    chain = graph_of(
        ("P", "D", {}, {}),
        ("T", "P", {"productivity": 0.9}, {"contract": "fixed_share", "share": 0.8, "volume_share": 0.4}),
        ("S", "P", {"productivity": 6.0}, {"contract": "piece_rate", "referral_fee_gbp": 30, "attachment_share": 0.5}),
        ("U", "T", {"productivity": 8.0}, {"contract": "group_price", "management_fee_gbp": 10}),
    )
    programme = Programme("dice", caseload, Tariff(caseload.groups, [300, 400], [9000, 14_000]), chain)
    there = evaluate(programme).equilibrium
    assert there is not None
    flows = {flow.payee: flow for flow in there.flows}
    skill = {"P": 1.0, "T": 0.9, "S": 6.0, "U": 8.0}
    own = {
        name: flows[name].participants - sum(flows[below].participants for below, payer in PAYERS if payer == name)
        for name in skill
    }
    rng = np.random.default_rng(2011)
    years = 10_000
    found = {name: np.zeros((years, people.size)) for name in skill}
    spent = dict.fromkeys(skill, 0.0)
    for name, served in own.items():
        theirs = skilled(raw, skill[name])
        support = effort(theirs, flows[name].price_gbp)
        heads = np.floor(served) + (rng.random((years, people.size)) < served % 1.0)  # whole people, right on average
        found[name] = rng.binomial(heads.astype(int), rate(theirs, support)).astype(float)
        spent[name] = float(served @ support)
    for name in ("U", "T", "S"):  # payees first: what they find, their payers found
        payer = dict(PAYERS)[name]
        found[payer] = found[payer] + found[name]
    books = {account.agent: account for account in there.accounts}
    for name in skill:
        income = _income(chain, flows[name], found[name])
        passed_on = sum(_income(chain, flows[below], found[below]) for below, payer in PAYERS if payer == name)
        profit = income - passed_on - spent[name]
        error = profit.std() / np.sqrt(years)
        assert abs(profit.mean() - books[name].profit_gbp) <= SIGMAS * error + FINE * abs(books[name].income_gbp), name
    assert min(flow.participants.sum() for flow in flows.values()) > 0  # everybody had somebody


PAYERS: Final = (("T", "P"), ("S", "P"), ("U", "T"))


def _income(chain: SupplyChain, flow: Flow, found: Floats) -> Floats:
    edge = chain.contracts[flow.payee]
    certain = flow.attachment_gbp + edge.referral_fee_gbp - edge.management_fee_gbp
    return found @ flow.price_gbp + float(certain @ flow.participants)
