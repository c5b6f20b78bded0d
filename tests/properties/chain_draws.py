"""Draws of supply chains that are meant to hurt: ties, thresholds, late and missing money, places that run out.

A :class:`Wants` says which features a law allows; everything else is drawn. Chains are small (up to two areas, some
eight agents, four tiers), so that a law sees many of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import networkx as nx
import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from pbr_opt.equilibrium.chain import ChainEquilibrium, solve_chain
from pbr_opt.market.agents import CONTRACT_FORMS
from pbr_opt.market.caseload import Caseload
from pbr_opt.market.programme import Programme
from pbr_opt.market.supply_chain import SupplyChain
from pbr_opt.market.tariffs import Tariff

Floats = NDArray[np.float64]

RATES: Final = st.one_of(st.sampled_from([0.0, 0.02, 0.12, 0.3]), st.floats(0.001, 0.4))
REACHES: Final = st.one_of(st.sampled_from([0.0, 0.3]), st.floats(0.02, 0.5))
SCALES: Final = st.one_of(st.sampled_from([250.0, 600.0]), st.floats(50.0, 1500.0))
CURVATURES: Final = st.sampled_from([0.0, 0.2, 0.5, 0.8])
PRICES: Final = st.one_of(
    st.sampled_from([0.0, 500.0, 2000.0, 4000.0, 6593.0, 14_165.0, 30_430.0]), st.floats(100.0, 40_000.0)
)
SKILLS: Final = st.one_of(st.sampled_from([1.0, 1.0, 2.0]), st.floats(0.4, 4.0))
SHARES: Final = st.one_of(st.sampled_from([0.0, 0.5, 0.8, 1.0]), st.floats(0.1, 1.0))
PEOPLE: Final = st.one_of(st.sampled_from([0.0, 1.0, 100.0]), st.floats(0.5, 1000.0))
GROUPS: Final = ("a", "b", "c")


@dataclass(frozen=True)
class Wants:
    """Which features a drawn chain may have.

    ``forms`` of contracts; ``depth`` tiers below the Department; ``agents`` subcontractors at most; ``curved``
    responses with b > 0; ``missions``; ``late`` payments and the cost of capital; ``fees`` per referral;
    ``end_to_end`` volumes; ``attachment`` fees; ``base`` service; ``capital`` that runs short (of agents that refer
    nobody); ``places`` that run out (with payees of primes); ``minimum`` service; ``fixed`` costs; ``floors`` under
    what is passed on.
    """

    forms: tuple[str, ...] = CONTRACT_FORMS
    depth: int = 4
    agents: int = 6
    curved: bool = True
    missions: bool = False
    late: bool = False
    fees: bool = False
    end_to_end: bool = True
    attachment: bool = True
    base: bool = False
    capital: bool = False
    places: bool = False
    minimum: bool = False
    fixed: bool = False
    floors: bool = True


@st.composite
def people(draw: st.DrawFn, wants: Wants = Wants()) -> Caseload:
    """Draw one to three groups of one to five segments."""
    groups = [g for g in GROUPS[: draw(st.integers(1, 3))] for _ in range(draw(st.integers(1, 5)))]
    size = len(groups)
    low = np.array([draw(RATES) for _ in range(size)])
    high = np.minimum(low + [draw(REACHES) for _ in range(size)], 1.0)
    heads = [draw(PEOPLE) for _ in range(size)]
    heads[draw(st.integers(0, size - 1))] = 100.0  # somebody, somewhere
    bend = [draw(CURVATURES) for _ in range(size)] if wants.curved and draw(st.booleans()) else 0.0
    return Caseload(groups, heads, low, high, [draw(SCALES) for _ in range(size)], bend)


@st.composite
def programmes(draw: st.DrawFn, wants: Wants = Wants()) -> Programme:
    """Draw a programme with a supply chain."""
    caseload = draw(people(wants))
    groups = caseload.groups
    prices = [draw(PRICES) for _ in groups]
    fees = [draw(st.sampled_from([0.0, 100.0, 600.0])) for _ in groups] if wants.attachment else 0.0
    options: dict[str, Any] = {}
    if wants.base and draw(st.booleans()):
        options["base_service_gbp"] = draw(st.sampled_from([50.0, 300.0]))
    if wants.minimum and draw(st.booleans()):
        options["minimum_service_gbp"] = [draw(st.sampled_from([0.0, 50.0, 300.0])) for _ in groups]
    tariff = Tariff(groups, fees, prices)
    return Programme("drawn", caseload, tariff, draw(chains(wants, len(caseload))), **options)


@st.composite
def chains(draw: st.DrawFn, wants: Wants = Wants(), segments: int = 0) -> SupplyChain:
    """Draw a chain; with ``segments``, some agents have a skill for each."""
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_node("DWP", kind="department")
    areas = ["north", "south"][: draw(st.integers(1, 2))]
    if len(areas) == 2:
        shares = draw(st.sampled_from([(0.5, 0.5), (0.25, 0.75)]))
        shifts = draw(st.sampled_from([(0.0, 0.0), (-0.4, 0.3)]))
        graph.graph["areas"] = {
            name: {"participant_share": share, "readiness_shift": shift}
            for name, share, shift in zip(areas, shares, shifts, strict=True)
        }
    level, priced = {}, set[str]()
    for k in range(len(areas) + draw(st.integers(0, 1))):
        name = f"prime {k}"
        graph.add_node(name, **draw(_agent(wants, segments)) | {"kind": "prime", "area": areas[k % len(areas)]})
        graph.add_edge("DWP", name, **({"payment_lag_weeks": draw(st.sampled_from([0, 26]))} if wants.late else {}))
        level[name] = 1
    for k in range(draw(st.integers(0, wants.agents))):
        payer = draw(st.sampled_from(sorted(name for name, depth in level.items() if depth < wants.depth)))
        name = f"sub {k}"
        graph.add_node(name, **draw(_agent(wants, segments)) | {"kind": "tier1" if level[payer] == 1 else "tier2"})
        terms = draw(_contract(wants))
        if payer in priced and terms["contract"] == "group_price":  # not solved: its certificate may fail
            terms["contract"] = "two_part"
        if payer in priced or terms["contract"] == "piece_rate":
            priced.add(name)
        graph.add_edge(payer, name, **terms)
        level[name] = level[payer] + 1
    _tidy(draw, graph, wants, level)
    return SupplyChain.from_graph(graph)


@st.composite
def _agent(draw: st.DrawFn, wants: Wants, segments: int) -> dict[str, Any]:
    skill: Any = draw(SKILLS)
    if segments and draw(st.booleans()):
        skill = [draw(SKILLS) for _ in range(segments)]
    answer = {"productivity": skill, "ceiling_bonus": draw(st.sampled_from([0.0, 0.0, 0.1]))}
    if wants.missions and draw(st.booleans()):
        answer["mission_gbp"] = draw(st.sampled_from([200.0, 1500.0, 5000.0]))
    if wants.late and draw(st.booleans()):
        answer["cost_of_capital"] = draw(st.sampled_from([0.05, 0.3]))
    if wants.fixed and draw(st.booleans()):
        answer["fixed_cost_gbp"] = draw(st.sampled_from([100.0, 10_000.0]))
    return answer


@st.composite
def _contract(draw: st.DrawFn, wants: Wants) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "contract": draw(st.sampled_from(wants.forms)),
        "share": draw(SHARES),
        "attachment_share": draw(st.sampled_from([1.0, 0.5, 0.0])),
    }
    if wants.fees and draw(st.booleans()):
        answer["management_fee_gbp"] = draw(st.sampled_from([0.0, 40.0]))
        answer["referral_fee_gbp"] = draw(st.sampled_from([0.0, 25.0]))
    if wants.end_to_end and draw(st.booleans()):
        answer["volume_share"] = draw(st.sampled_from([0.0, 0.25, 0.5, 1.0]))
    if wants.late and draw(st.booleans()):
        answer["payment_lag_weeks"] = draw(st.sampled_from([13.0, 52.0]))
    if wants.floors and draw(st.sampled_from([False, False, False, True])):
        answer["least_share"] = draw(st.sampled_from([0.3, 0.8]))
    return answer


def _tidy(draw: st.DrawFn, graph: nx.DiGraph[str], wants: Wants, level: dict[str, int]) -> None:
    """Make volume shares add up to at most 1, and give what depends on who has payees."""
    for name, depth in level.items():
        below = list(graph.successors(name))
        total = sum(graph.edges[name, payee].get("volume_share") or 0.0 for payee in below)
        for payee in below:
            if total > 1.0 and graph.edges[name, payee].get("volume_share") is not None:
                graph.edges[name, payee]["volume_share"] /= total
        managing = draw(st.booleans()) if below else False
        if managing:
            graph.nodes[name]["delivers"] = False
        if wants.capital and not below and draw(st.booleans()):
            graph.nodes[name]["working_capital_gbp"] = draw(st.sampled_from([0.0, 1000.0, 20_000.0]))
        if wants.places and depth == 2 and draw(st.booleans()):
            graph.nodes[name]["capacity"] = draw(st.sampled_from([0.0, 10.0, 60.0]))


@dataclass(frozen=True, eq=False)
class Played:
    """A programme, its equilibrium, and what the Department pays by segment."""

    programme: Programme
    equilibrium: ChainEquilibrium
    price_gbp: Floats
    attachment_gbp: Floats


def play(programme: Programme, price_gbp: Floats | None = None) -> Played:
    """Return the equilibrium of a programme at its own tariff, or at other prices by segment."""
    row = programme.caseload.group_index
    price = programme.effective_price_gbp() if price_gbp is None else price_gbp
    attachment = programme.payable().attachment_fee_gbp[row]
    return Played(programme, solve_chain(programme, price, attachment), price, attachment)
