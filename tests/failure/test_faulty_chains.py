"""Every faulty chain gets its message, with the names of its nodes, all of them at once; games that fail say where."""

from __future__ import annotations

import itertools
from typing import Any, Final, NamedTuple

import networkx as nx
import numpy as np
import pytest

from pbr_opt import Caseload, EquilibriumError, InvalidInputError, Programme, SupplyChain, Tariff, evaluate
from pbr_opt.equilibrium.chain import solve_chain

PEOPLE: Final = Caseload(["young", "older"], [100, 200], 0.12, 0.42, 600.0)
NODES: Final[dict[str, dict[str, Any]]] = {
    "DWP": {"kind": "department"},
    "Prime": {"kind": "prime"},
    "Charity": {"kind": "tier2", "sector": "voluntary"},
}
EDGES: Final[dict[tuple[str, str], dict[str, Any]]] = {("DWP", "Prime"): {}, ("Prime", "Charity"): {"share": 0.8}}


def graph(
    nodes: dict[str, dict[str, Any]] | None = None,
    edges: dict[tuple[str, str], dict[str, Any]] | None = None,
    without: tuple[tuple[str, str], ...] = (),
    areas: dict[str, dict[str, float]] | None = None,
) -> nx.DiGraph[str]:
    """Return a good chain with some nodes and edges added or told otherwise, and some edges taken away."""
    answer: nx.DiGraph[str] = nx.DiGraph(areas=areas or {})
    for name, said in (nodes or {}).items():
        answer.add_node(name, **(NODES.get(name, {}) | said))
    for name, said in NODES.items():
        answer.add_node(name, **(said | (nodes or {}).get(name, {})))
    for ends, said in (EDGES | (edges or {})).items():
        answer.add_edge(*ends, **(EDGES.get(ends, {}) | said))
    answer.remove_edges_from(without)
    return answer


class Faulty(NamedTuple):
    """A graph that is spoilt, the places that must be named, in order, and what must be said of the first."""

    graph: nx.DiGraph[str]
    places: tuple[str, ...]
    says: str


DOWN: Final = "contract 'Prime' -> 'Charity'"
FAULTY: Final[dict[str, Faulty]] = {
    "cycle": Faulty(
        graph({"Shelter": {"kind": "tier2"}}, {("Charity", "Shelter"): {}, ("Shelter", "Charity"): {}}),
        ("contracts", "agent 'Charity'"),
        "a cycle: Charity -> Shelter -> Charity",
    ),
    "cycle apart from everybody": Faulty(
        graph({"A": {"kind": "tier2"}, "B": {"kind": "tier2"}}, {("A", "B"): {}, ("B", "A"): {}}),
        ("contracts",),
        "a cycle: A -> B -> A",
    ),
    "pays itself": Faulty(
        graph(edges={("Charity", "Charity"): {}}),
        ("contracts", "agent 'Charity'"),
        "a cycle: Charity -> Charity",
    ),
    "two circles": Faulty(
        graph(
            {name: {"kind": "tier2"} for name in "ABEF"},
            {("A", "B"): {}, ("B", "A"): {}, ("E", "F"): {}, ("F", "E"): {}},
        ),
        ("contracts", "contracts"),
        "a cycle: ",
    ),
    "orphan": Faulty(graph({"Shelter": {"kind": "tier2"}}), ("agent 'Shelter'",), "neither a payer nor a payee"),
    "no parent": Faulty(
        graph({"Hub": {"kind": "tier1"}, "Shelter": {"kind": "tier2"}}, {("Hub", "Shelter"): {}}),
        ("agent 'Hub'",),
        "no payer; wanted a contract with the agent above it; try: add an edge payer -> payee",
    ),
    "two parents": Faulty(
        graph({"Other": {"kind": "prime"}}, {("DWP", "Other"): {}, ("Other", "Charity"): {}}),
        ("agent 'Charity'",),
        "2 payers: Other, Prime",
    ),
    "two Departments": Faulty(graph({"DfE": {"kind": "department"}}), ("agents",), "DfE, DWP"),
    "no Department": Faulty(
        graph({"DWP": {"kind": "tier1"}}),
        ("agents", "contract 'DWP' -> 'Prime'", "agent 'DWP'"),
        "no department",
    ),
    "Department that is paid": Faulty(
        graph(edges={("Charity", "DWP"): {}}),
        ("contracts", "agent 'DWP'"),
        "a cycle: ",
    ),
    "negative share": Faulty(graph(edges={("Prime", "Charity"): {"share": -0.1}}), (f"{DOWN}.share",), "-0.1"),
    "share above 1": Faulty(graph(edges={("Prime", "Charity"): {"share": 80}}), (f"{DOWN}.share",), "80"),
    "share that is no number": Faulty(graph(edges={("Prime", "Charity"): {"share": "80%"}}), (f"{DOWN}.share",), "80%"),
    "attachment share above 1": Faulty(
        graph(edges={("Prime", "Charity"): {"attachment_share": 1.5}}), (f"{DOWN}.attachment_share",), "1.5"
    ),
    "negative volume share": Faulty(
        graph(edges={("Prime", "Charity"): {"volume_share": -0.5}}), (f"{DOWN}.volume_share",), "-0.5"
    ),
    "least share above 1": Faulty(
        graph(edges={("Prime", "Charity"): {"least_share": 2}}), (f"{DOWN}.least_share",), "2"
    ),
    "more than everybody allotted": Faulty(
        graph(
            {"Shelter": {"kind": "tier1"}},
            {("Prime", "Charity"): {"volume_share": 0.7}, ("Prime", "Shelter"): {"volume_share": 0.6}},
        ),
        ("agent 'Prime'",),
        "1.3 of its participants allotted",
    ),
    "negative fee": Faulty(
        graph(edges={("Prime", "Charity"): {"referral_fee_gbp": -5}}), (f"{DOWN}.referral_fee_gbp",), "-5"
    ),
    "negative lag": Faulty(
        graph(edges={("Prime", "Charity"): {"payment_lag_weeks": -1}}), (f"{DOWN}.payment_lag_weeks",), "-1"
    ),
    "capacity below guaranteed volume": Faulty(
        graph({"Charity": {"capacity": 20}}, {("Prime", "Charity"): {"guaranteed_volume": 50}}),
        (DOWN,),
        "50 guaranteed to a capacity of 20",
    ),
    "negative capital": Faulty(
        graph({"Charity": {"working_capital_gbp": -1}}), ("agent 'Charity'.working_capital_gbp",), "-1"
    ),
    "capacity that is not a number": Faulty(
        graph({"Charity": {"capacity": float("nan")}}), ("agent 'Charity'.capacity",), "nan"
    ),
    "no productivity": Faulty(graph({"Charity": {"productivity": 0}}), ("agent 'Charity'.productivity",), "0"),
    "kind misspelt": Faulty(graph({"Charity": {"kind": "tier3"}}), ("agent 'Charity'.kind",), "did you mean 'tier"),
    "kind missing": Faulty(graph(edges={("Prime", "New"): {}}), ("agent 'New'.kind",), "nothing; wanted a kind"),
    "sector misspelt": Faulty(
        graph({"Charity": {"sector": "volontary"}}), ("agent 'Charity'.sector",), "did you mean 'voluntary'?"
    ),
    "attribute misspelt": Faulty(
        graph({"Charity": {"fixed_costs_gbp": 1}}), ("agent 'Charity'.fixed_costs_gbp",), "'fixed_cost_gbp'"
    ),
    "term misspelt": Faulty(graph(edges={("Prime", "Charity"): {"shar": 1}}), (f"{DOWN}.shar",), "'share'"),
    "form misspelt": Faulty(
        graph(edges={("Prime", "Charity"): {"contract": "piecerate"}}), (f"{DOWN}.contract",), "'piece_rate'"
    ),
    "prime paid by a prime": Faulty(
        graph({"Other": {"kind": "prime"}}, {("Prime", "Other"): {}}),
        ("contract 'Prime' -> 'Other'",),
        "a prime paying a prime",
    ),
    "charity paid by the Department": Faulty(
        graph(edges={("DWP", "Charity"): {}}, without=(("Prime", "Charity"),)),
        ("contract 'DWP' -> 'Charity'",),
        "a department paying a tier2",
    ),
    "area without a prime": Faulty(
        graph({"Prime": {"area": "N"}}, areas={"N": {"participant_share": 0.5}, "S": {"participant_share": 0.5}}),
        ("area 'S'",),
        "no prime",
    ),
    "area misspelt": Faulty(
        graph({"Prime": {"area": "Nort"}}, areas={"North": {"participant_share": 1.0}}),
        ("agent 'Prime'.area", "area 'North'"),
        "did you mean 'North'?",
    ),
    "areas that do not add up": Faulty(
        graph({"Prime": {"area": "North"}}, areas={"North": {"participant_share": 0.9}}), ("areas",), "0.9"
    ),
}  # fmt: skip


@pytest.mark.parametrize("faulty", FAULTY.values(), ids=FAULTY.keys())
def test_a_faulty_chain_gets_its_message(faulty: Faulty) -> None:
    with pytest.raises(InvalidInputError) as caught:
        SupplyChain.from_graph(faulty.graph)
    assert tuple(fault.place for fault in caught.value.faults) == faulty.places
    assert faulty.says in str(caught.value)


def test_the_chain_that_is_spoilt_is_good() -> None:
    assert SupplyChain.from_graph(graph()).depth == 2


def test_all_faults_of_a_chain_come_at_once_by_the_names_of_its_nodes() -> None:
    """What cannot be read, what is out of its domain, and ways that lead nowhere: one look finds all there is."""
    spoilt = graph(
        {
            "DfE": {"kind": "department"},
            "Charity": {"capacity": 20, "sector": "volontary"},
            "Shelter": {"kind": "tier2", "fixed_cost_gbp": "£100"},
            "A": {"kind": "tier2"},
            "B": {"kind": "tier2", "productivty": 2},
        },
        {("Prime", "Charity"): {"share": -1, "guaranteed_volume": 50}, ("A", "B"): {}, ("B", "A"): {}},
    )
    with pytest.raises(InvalidInputError) as caught:
        SupplyChain.from_graph(spoilt)
    assert {fault.place for fault in caught.value.faults} == {
        "agents",
        "agent 'Charity'.sector",
        "agent 'Shelter'.fixed_cost_gbp",
        "agent 'Shelter'",
        "agent 'B'.productivty",
        f"{DOWN}.share",
        DOWN,
        "contracts",
    }


@pytest.mark.parametrize(
    ("skill", "says"),
    [
        ({"yuong": 2.0}, "group 'yuong'; wanted only payment groups of the caseload; try: did you mean 'young'?"),
        ([1.0, 2.0, 3.0], "3 numbers; wanted one number, or one for each of 2 segments"),
    ],
)
@pytest.mark.parametrize("key", ["productivity", "ceiling_bonus"])
def test_a_specialist_for_people_who_do_not_exist(key: str, skill: object, says: str) -> None:
    chain = SupplyChain.from_graph(graph({"Charity": {key: skill}}))
    with pytest.raises(InvalidInputError) as caught:
        Programme("p", PEOPLE, Tariff(PEOPLE.groups, 0, 4000.0), chain)
    assert [fault.place for fault in caught.value.faults] == [f"agent 'Charity'.{key}"]
    assert says in str(caught.value)


def test_a_graph_that_is_none() -> None:
    with pytest.raises(InvalidInputError, match="wanted a networkx DiGraph"):
        SupplyChain.from_graph(nx.MultiDiGraph())


def test_a_game_that_does_not_settle_says_where_it_stood_and_what_to_try(monkeypatch: pytest.MonkeyPatch) -> None:
    """A charity short of money: what its shadow price was expected to be, what it was, and two ways out."""
    monkeypatch.setattr("pbr_opt.equilibrium.chain._ROUNDS", 1)
    short = graph({"Charity": {"working_capital_gbp": 1000.0}}, {("Prime", "Charity"): {"volume_share": 1.0}})
    programme = Programme("short", PEOPLE, Tariff(PEOPLE.groups, 0, 9000.0), SupplyChain.from_graph(short))
    with pytest.raises(EquilibriumError, match=r"do not settle after 1 rounds: 'Charity'.*Try ") as caught:
        evaluate(programme)
    expected, found = caught.value.last_iterates["Charity"]
    assert expected != found
    assert found > 0.0


@pytest.mark.parametrize("depth", [2, 3, 5])
def test_a_chain_deeper_than_anybody_profits_from_parks_everybody_and_says_so(depth: int) -> None:
    """At £4,000 not even one manager pays anything on (R1 is £6,593): no error, deadweight, and a windfall on top."""
    nodes = {f"tier {k}": {"kind": "tier2", "delivers": k == depth} for k in range(2, depth + 1)}
    names = ["Prime", *nodes]
    edges = {ends: {"contract": "piece_rate"} for ends in itertools.pairwise(names)}
    deep = graph({"Prime": {"delivers": False}} | nodes, edges, without=(("Prime", "Charity"),))
    deep.remove_node("Charity")
    programme = Programme("deep", PEOPLE, Tariff(PEOPLE.groups, 0, 4000.0), SupplyChain.from_graph(deep))
    there = evaluate(programme)
    assert there.metrics.parked_share == 1.0
    assert there.metrics.outcomes == pytest.approx(0.12 * PEOPLE.total_participants, rel=1e-12)
    assert there.metrics.total_support_gbp == 0.0
    assert "100.0% of 300 people parked" in there._repr_html_()
    books = there.to_frame("agents").set_index("agent")
    assert books.loc["Prime", "profit_gbp"] == pytest.approx(there.spend_gbp, rel=1e-12)


def test_more_guaranteed_than_people_there_are_is_said_with_both_numbers() -> None:
    promised = SupplyChain.from_graph(graph(edges={("Prime", "Charity"): {"guaranteed_volume": 5000}}))
    programme = Programme("promised", PEOPLE, Tariff(PEOPLE.groups, 0, 4000.0), promised)
    with pytest.raises(
        EquilibriumError, match=r"^Prime: Guaranteed .*5,000 exceed the 300 .* smaller guarantees"
    ) as caught:
        solve_chain(programme, np.full(2, 4000.0), np.zeros(2))
    assert not caught.value.last_iterates, "nothing was iterated"


def test_places_and_money_that_nobody_can_share_out_are_said_with_the_last_prices() -> None:
    """A payee's money runs out where all would go to it, and its payer, rich until then, cannot pay for the rest."""
    short = graph(
        {
            "Prime": {"working_capital_gbp": 60_000.0},
            "Charity": {"capacity": 50.0, "productivity": 8.0, "working_capital_gbp": 0.0},
            "Rich": {"kind": "tier2", "productivity": 4.0, "working_capital_gbp": 20_000.0, "fixed_cost_gbp": 1_000.0},
        },
        {
            ("Prime", "Charity"): {"referral_fee_gbp": 500.0, "management_fee_gbp": 20.0, "payment_lag_weeks": 52.0},
            ("Prime", "Rich"): {"contract": "group_price"},
        },
    )
    programme = Programme("short", PEOPLE, Tariff(PEOPLE.groups, 0, 15_000.0), SupplyChain.from_graph(short))
    with pytest.raises(EquilibriumError, match=r"^Prime: No allotment .*Try ") as caught:
        evaluate(programme)
    last = caught.value.last_iterates
    assert {"Prime", "Charity", "Rich", "places of Charity", "places of Rich"} <= set(last)
    assert last["Rich"][1] > 0.0, "its money is short"
    assert last["Prime"][1] == 0.0, "the payer's was not"


def test_guarantees_to_several_who_take_the_same_people_only_are_kept_as_far_as_there_are_such_people() -> None:
    """Nobody takes the young, on whom £40 a head does not cover £100 of base service; both charities want the older."""
    paid = {"guaranteed_volume": 120.0, "referral_fee_gbp": 40.0, "contract": "fixed_share"}
    shared = graph({"Rich": {"kind": "tier2"}}, {("Prime", "Charity"): paid, ("Prime", "Rich"): paid | {"share": 0.8}})
    people = PEOPLE.replace(deadweight_rate=[0.0, 0.12], ceiling_rate=[0.001, 0.42])
    programme = Programme("shared", people, Tariff(PEOPLE.groups, 0, 4000.0), SupplyChain.from_graph(shared))
    there = evaluate(programme.replace(base_service_gbp=100.0))
    sent = there.to_frame("agents").set_index("agent")["referrals"]
    assert sent["Charity"] + sent["Rich"] == pytest.approx(200.0, rel=1e-6)
    assert max(sent["Charity"], sent["Rich"]) <= 120.0 + 1e-6
    assert there.certificate.holds
