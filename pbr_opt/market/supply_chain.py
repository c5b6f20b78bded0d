"""The supply chain as a network: a Department, primes in areas, subcontractors below them.

This is the only module that handles networkx. Everything above it sees agents and contracts, payers before payees.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import MISSING, dataclass, fields, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any, Final

import networkx as nx
import numpy as np

from pbr_opt.market.agents import CONTRACT_FORMS, KINDS, SECTORS, Agent, Area, Contract, packed
from pbr_opt.quantities import Inspection, nearest

__all__ = ["SupplyChain"]

_AGENT_FIELDS: Final = tuple(item.name for item in fields(Agent) if item.name != "name")
_CONTRACT_FIELDS: Final = tuple(item.name for item in fields(Contract) if item.name not in ("payer", "payee", "form"))
_AS_THEY_ARE: Final[Mapping[str, Callable[[Any], Any]]] = {"area": str, "sector": str, "delivers": bool}
_BY_SEGMENT: Final = ("productivity", "ceiling_bonus")
_SHARES_ADD_UP: Final = 1e-9
"""Shares that add up to 1 do so to this: they were typed or divided, not measured."""


@dataclass(frozen=True, init=False, eq=False)
class SupplyChain:
    """Who delivers, and who pays whom on what terms. Make one with :meth:`from_graph`.

    Attributes
    ----------
    agents : tuple of Agent
        Payers before payees; the first is the Department.
    contracts : mapping of payee to Contract
        Everybody but the Department has one payer.
    areas : tuple of Area
        At least one.

    Examples
    --------
    >>> graph = nx.DiGraph()
    >>> graph.add_node("DWP", kind="department")
    >>> graph.add_node("Prime", kind="prime")
    >>> graph.add_node("Charity", kind="tier2", sector="voluntary", productivity=1.5)
    >>> graph.add_edge("DWP", "Prime")
    >>> graph.add_edge("Prime", "Charity", contract="piece_rate", referral_fee_gbp=50)
    >>> chain = SupplyChain.from_graph(graph)
    >>> [agent.name for agent in chain.agents], chain.depth
    (['DWP', 'Prime', 'Charity'], 2)
    """

    agents: tuple[Agent, ...]
    contracts: Mapping[str, Contract]
    areas: tuple[Area, ...]

    def __init__(self, agents: Iterable[Agent], contracts: Iterable[Contract], areas: Iterable[Area] = ()) -> None:
        given, edges, places = tuple(agents), tuple(contracts), tuple(areas) or (Area("", 1.0),)
        check = Inspection("SupplyChain")
        _inspect_agents(check, given, places)
        _inspect_contracts(check, given, edges)
        check.finish()
        order = _payers_first(check, given, edges)
        _inspect_shares(check, given, edges, places)
        check.finish()
        object.__setattr__(self, "agents", order)
        object.__setattr__(self, "contracts", MappingProxyType({edge.payee: edge for edge in edges}))
        object.__setattr__(self, "areas", places)

    @classmethod
    def from_graph(cls, graph: nx.DiGraph[Any]) -> SupplyChain:
        """Return the chain that a graph describes; the graph is read and not kept.

        Parameters
        ----------
        graph : networkx.DiGraph
            Nodes with ``kind`` and any field of :class:`~pbr_opt.market.agents.Agent`; edges payer -> payee with
            ``contract`` (the form) and any other field of :class:`~pbr_opt.market.agents.Contract`;
            ``graph.graph["areas"]`` may hold a mapping of area to ``participant_share`` and ``readiness_shift``.

        Raises
        ------
        InvalidInputError
            With every fault at once, by node name: no or two Departments, cycles, agents without a payer or with two,
            unknown attributes (did you mean), shares outside 0..1, shares that do not add up, capacity below a
            guaranteed volume.
        """
        check = Inspection("SupplyChain")
        if not isinstance(graph, nx.DiGraph) or graph.is_multigraph():
            check.fault("graph", type(graph).__name__, "a networkx DiGraph")
            check.finish()
        agents = [_agent(check, node, data) for node, data in graph.nodes(data=True)]
        contracts = [_contract(check, payer, payee, data) for payer, payee, data in graph.edges(data=True)]
        places = _areas(check, graph.graph.get("areas", {}), agents)
        check.finish()
        return cls(agents, contracts, places)

    def to_graph(self) -> nx.DiGraph[Any]:
        """Return a frozen graph with the documented attributes; defaults are left out.

        >>> graph = nx.DiGraph([("DWP", "Prime")])
        >>> nx.set_node_attributes(graph, {"DWP": "department", "Prime": "prime"}, "kind")
        >>> SupplyChain.from_graph(graph).to_graph().nodes(data=True)
        NodeDataView({'DWP': {'kind': 'department'}, 'Prime': {'kind': 'prime'}})
        """
        graph: nx.DiGraph[Any] = nx.DiGraph()
        if self.areas != (Area("", 1.0),):
            graph.graph["areas"] = {
                area.name: {"participant_share": area.participant_share, "readiness_shift": area.readiness_shift}
                for area in self.areas
            }
        for agent in self.agents:
            data = _changed(agent, _AGENT_FIELDS)
            graph.add_node(agent.name, **{key: _unpacked(value) for key, value in data.items()})
        for edge in self.contracts.values():
            graph.add_edge(edge.payer, edge.payee, contract=edge.form, **_changed(edge, _CONTRACT_FIELDS))
        nx.freeze(graph)
        return graph

    @property
    def department(self) -> Agent:
        """Return who pays in the end."""
        return self.agents[0]

    @cached_property
    def by_name(self) -> Mapping[str, Agent]:
        """Return the agents by name."""
        return MappingProxyType({agent.name: agent for agent in self.agents})

    @cached_property
    def _payees(self) -> Mapping[str, tuple[Agent, ...]]:
        below: dict[str, list[Agent]] = {agent.name: [] for agent in self.agents}
        for agent in self.agents[1:]:
            below[self.contracts[agent.name].payer].append(agent)
        return MappingProxyType({name: tuple(agents) for name, agents in below.items()})

    def payees(self, name: str) -> tuple[Agent, ...]:
        """Return who is paid by an agent, in the order of ``agents``."""
        return self._payees[name]

    def primes_in(self, area: str) -> tuple[Agent, ...]:
        """Return the primes of an area."""
        return tuple(agent for agent in self.payees(self.department.name) if agent.area == area)

    def area_share(self, prime: str) -> float:
        """Return a prime's share of its area's participants: its contract's volume share, or an equal one."""
        share = self.contracts[prime].volume_share
        return 1.0 / len(self.primes_in(self.by_name[prime].area)) if share is None else share

    @property
    def depth(self) -> int:
        """Return the number of tiers below the Department on the longest way down."""
        level = {self.department.name: 0}
        for agent in self.agents[1:]:
            level[agent.name] = level[self.contracts[agent.name].payer] + 1
        return max(level.values())

    def without(self, names: Iterable[str]) -> SupplyChain:
        """Return the chain after some agents have left, everybody below them with them.

        What they had been allotted goes back to their payers.
        """
        gone = set(names)
        for agent in self.agents[1:]:
            if self.contracts[agent.name].payer in gone:
                gone.add(agent.name)
        stay = [agent for agent in self.agents if agent.name not in gone]
        return SupplyChain(stay, [edge for edge in self.contracts.values() if edge.payee not in gone], self.areas)

    def with_terms(self, **changes: float | str | None) -> SupplyChain:
        """Return the chain with some terms of every subcontract changed: what a Department can insist on.

        Parameters
        ----------
        **changes
            Fields of :class:`~pbr_opt.market.agents.Contract`, for instance ``least_share=0.8`` (protected
            pass-through) or ``guaranteed_volume=50``. The Department's own contracts stay.

        Raises
        ------
        InvalidInputError
            For unknown fields, or terms outside their domain.
        """
        check = Inspection("SupplyChain.with_terms")
        known = ("form", *_CONTRACT_FIELDS)
        for key in changes:
            if key not in known:
                check.fault(key, "a change", "a term of a contract", nearest(key, known))
        check.finish()
        edges = [
            edge if edge.payer == self.department.name else replace(edge, **changes)  # type: ignore[arg-type]
            for edge in self.contracts.values()
        ]
        return SupplyChain(self.agents, edges, self.areas)

    def to_dot(self) -> str:
        r"""Return the chain in the DOT language, for programs that draw graphs.

        >>> graph = nx.DiGraph([("DWP", "Prime")])
        >>> nx.set_node_attributes(graph, {"DWP": "department", "Prime": "prime"}, "kind")
        >>> print(SupplyChain.from_graph(graph).to_dot())
        digraph supply_chain {
          "DWP" [label="DWP\ndepartment"];
          "Prime" [label="Prime\nprime"];
          "DWP" -> "Prime" [label="tariff in full"];
        }
        """
        lines = ["digraph supply_chain {"]
        lines += [f"  {_quoted(a.name)} [label={_quoted(f'{a.name}{chr(10)}{a.kind}')}];" for a in self.agents]
        for edge in self.contracts.values():
            form = "tariff in full" if edge.payer == self.department.name else edge.form.replace("_", " ")
            lines.append(f"  {_quoted(edge.payer)} -> {_quoted(edge.payee)} [label={_quoted(form)}];")
        return "\n".join([*lines, "}"])


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _changed(item: Agent | Contract, names: Iterable[str]) -> dict[str, Any]:
    """Return the attributes that differ from their defaults."""
    defaults = {field.name: field.default for field in fields(item)}
    return {n: getattr(item, n) for n in names if defaults[n] is MISSING or getattr(item, n) != defaults[n]}


def _unpacked(value: Any) -> Any:  # noqa: ANN401  # whatever an attribute holds
    """Return pairs of group and number as a mapping again, and numbers by segment as a list."""
    if isinstance(value, tuple):
        return dict(value) if value and isinstance(value[0], tuple) else list(value)
    return value


def _agent(check: Inspection, node: Hashable, data: Mapping[str, Any]) -> Agent:
    place = f"agent '{node}'"
    for key in data:
        if key not in _AGENT_FIELDS:
            check.fault(f"{place}.{key}", data[key], "an attribute of an agent", nearest(key, _AGENT_FIELDS))
    kind = data.get("kind")
    if kind is None:
        check.fault(f"{place}.kind", "nothing", "a kind", f"one of: {', '.join(KINDS)}")
    values: dict[str, Any] = {"kind": KINDS[-1] if kind is None else str(kind)}
    for key in _AGENT_FIELDS:
        if key in data and key != "kind":
            values[key] = _read(check, f"{place}.{key}", key, data[key])
    return Agent(name=str(node), **values)


def _read(check: Inspection, place: str, key: str, value: Any) -> Any:  # noqa: ANN401  # that is what is being checked
    """Return one attribute as the type its field has."""
    if key in _BY_SEGMENT:
        try:
            return packed(value)
        except (TypeError, ValueError):
            check.fault(place, value, "a number, one a segment, or a mapping of group to number")
            return 1.0
    if key in _AS_THEY_ARE or (key == "volume_share" and value is None):
        return _AS_THEY_ARE.get(key, lambda same: same)(value)
    try:
        return float(value)
    except (TypeError, ValueError):
        check.fault(place, value, "a number")
        return 0.0


def _contract(check: Inspection, payer: Hashable, payee: Hashable, data: Mapping[str, Any]) -> Contract:
    place = f"contract '{payer}' -> '{payee}'"
    known = ("contract", *_CONTRACT_FIELDS)
    for key in data:
        if key not in known:
            check.fault(f"{place}.{key}", data[key], "an attribute of a contract", nearest(key, known))
    values = {key: _read(check, f"{place}.{key}", key, data[key]) for key in _CONTRACT_FIELDS if key in data}
    return Contract(str(payer), str(payee), str(data.get("contract", "fixed_share")), **values)


def _areas(check: Inspection, given: Mapping[str, Mapping[str, Any]], agents: list[Agent]) -> list[Area]:
    """Return the areas that are described, or equal ones for those that primes name."""
    if not given:
        named = list(dict.fromkeys(agent.area for agent in agents if agent.kind == "prime")) or [""]
        return [Area(name, 1.0 / len(named)) for name in named]
    answer = []
    for name, data in given.items():
        values = {key: _read(check, f"area '{name}'.{key}", key, value) for key, value in data.items()}
        for key in values.keys() - {"participant_share", "readiness_shift"}:
            check.fault(f"area '{name}'.{key}", data[key], "participant_share or readiness_shift")
        answer.append(Area(str(name), values.get("participant_share", 0.0), values.get("readiness_shift", 0.0)))
    return answer


def _inspect_agents(check: Inspection, agents: tuple[Agent, ...], areas: tuple[Area, ...]) -> None:
    for name, times in Counter(agent.name for agent in agents).items():
        if times > 1:
            check.fault(f"agent '{name}'", "the name twice", "each agent once")
    departments = [agent.name for agent in agents if agent.kind == "department"]
    if len(departments) != 1:
        check.fault("agents", ", ".join(departments) or "no department", "exactly one agent of kind 'department'")
    places = [area.name for area in areas]
    for agent in agents:
        place = f"agent '{agent.name}'"
        if agent.kind not in KINDS:
            check.fault(f"{place}.kind", agent.kind, "a kind", nearest(agent.kind, KINDS))
        if agent.sector not in SECTORS:
            check.fault(f"{place}.sector", agent.sector, "a sector", nearest(agent.sector, SECTORS))
        if agent.kind == "prime" and agent.area not in places:
            check.fault(f"{place}.area", agent.area, "an area of the chain", nearest(agent.area, places))
        for key in ("fixed_cost_gbp", "mission_gbp", "cost_of_capital"):
            check.number(f"{place}.{key}", getattr(agent, key))
        for key in ("working_capital_gbp", "capacity"):  # without limit is a value
            if not getattr(agent, key) >= 0:
                check.fault(f"{place}.{key}", getattr(agent, key), "at least 0, or infinity for no limit")
        for key, lowest in (("productivity", 1e-6), ("ceiling_bonus", -1.0)):
            for number in _numbers(getattr(agent, key)):
                check.number(f"{place}.{key}", number, lowest=lowest)


def _numbers(value: Any) -> Iterator[float]:  # noqa: ANN401  # a packed attribute
    if isinstance(value, tuple):
        yield from (item[1] if isinstance(item, tuple) else item for item in value)
    else:
        yield value


def _inspect_contracts(check: Inspection, agents: tuple[Agent, ...], contracts: tuple[Contract, ...]) -> None:
    named = {agent.name: agent for agent in agents}
    for (payer, payee), times in Counter((edge.payer, edge.payee) for edge in contracts).items():
        if times > 1:
            check.fault(f"contract '{payer}' -> '{payee}'", "the contract twice", "each contract once")
    for edge in contracts:
        place = f"contract '{edge.payer}' -> '{edge.payee}'"
        for name in (edge.payer, edge.payee):
            if name not in named:
                check.fault(place, f"'{name}'", "an agent of the chain", nearest(name, named))
        if edge.form not in CONTRACT_FORMS:
            check.fault(f"{place}.contract", edge.form, "a form of contract", nearest(edge.form, CONTRACT_FORMS))
        for key in ("share", "attachment_share", "volume_share", "least_share"):
            value = getattr(edge, key)
            if value is not None:
                check.number(f"{place}.{key}", value, highest=1.0)
        for key in ("management_fee_gbp", "referral_fee_gbp", "guaranteed_volume", "payment_lag_weeks"):
            check.number(f"{place}.{key}", getattr(edge, key))
        payee, payer = named.get(edge.payee), named.get(edge.payer)
        if payee and edge.guaranteed_volume > payee.capacity:
            given = f"{edge.guaranteed_volume:,.0f} guaranteed to a capacity of {payee.capacity:,.0f}"
            check.fault(place, given, "a guaranteed volume that the payee can take")
        if payer and payee and (payer.kind == "department") != (payee.kind == "prime"):
            check.fault(place, f"a {payer.kind} paying a {payee.kind}", "the Department paying primes, others the rest")


def _payers_first(check: Inspection, agents: tuple[Agent, ...], contracts: tuple[Contract, ...]) -> tuple[Agent, ...]:
    """Return the agents so that payers come before payees; record agents without a payer, with two, and cycles."""
    named = {agent.name: agent for agent in agents}
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from(named)
    graph.add_edges_from((edge.payer, edge.payee) for edge in contracts)
    for cycle in nx.simple_cycles(graph):
        check.fault("contracts", f"a cycle: {' -> '.join([*cycle, cycle[0]])}", "money that flows one way")
        break  # one is enough to see the mistake, and there may be very many
    for name, agent in named.items():
        payers = sorted(graph.predecessors(name))
        if agent.kind == "department" and payers:
            check.fault(f"agent '{name}'", f"a payer, '{payers[0]}'", "a Department that nobody pays")
        elif agent.kind != "department" and not payers:
            check.fault(f"agent '{name}'", "no payer", "a contract with the agent above it")
        elif len(payers) > 1:
            given = f"{len(payers)} payers: {', '.join(payers)}"
            check.fault(f"agent '{name}'", given, "one payer", "make one agent for each contract that it holds")
    check.finish()
    rank = {name: k for k, name in enumerate(named)}
    return tuple(named[name] for name in nx.lexicographical_topological_sort(graph, key=lambda name: rank[name]))


def _inspect_shares(
    check: Inspection, agents: tuple[Agent, ...], contracts: tuple[Contract, ...], areas: tuple[Area, ...]
) -> None:
    """Record shares that do not add up: of areas, of primes in an area, of a payer's end-to-end contracts."""
    for area in areas:
        check.number(f"area '{area.name}'.participant_share", area.participant_share, highest=1.0)
        check.number(f"area '{area.name}'.readiness_shift", area.readiness_shift, lowest=-20.0, highest=20.0)
    if abs(sum(area.participant_share for area in areas) - 1.0) > _SHARES_ADD_UP:
        check.fault("areas", f"shares that add up to {sum(a.participant_share for a in areas):.6g}", "a sum of 1")
    named = {agent.name: agent for agent in agents}
    for area in areas:
        shares = [
            e.volume_share for e in contracts if named[e.payee].kind == "prime" and named[e.payee].area == area.name
        ]
        if not shares:
            check.fault(f"area '{area.name}'", "no prime", "at least one prime in each area")
        elif any(share is None for share in shares) != all(share is None for share in shares):
            check.fault(f"area '{area.name}'", "volume shares for some primes", "volume shares for all primes or none")
        elif shares[0] is not None and abs(float(np.sum([s for s in shares if s is not None])) - 1.0) > _SHARES_ADD_UP:
            check.fault(f"area '{area.name}'", "primes' volume shares that do not add up to 1", "a sum of 1")
    allotted = dict.fromkeys(named, 0.0)
    for edge in contracts:
        allotted[edge.payer] += edge.volume_share or 0.0
    for agent in agents:
        total = allotted[agent.name]
        if agent.kind != "department" and total > 1.0 + _SHARES_ADD_UP:
            check.fault(f"agent '{agent.name}'", f"{total:.4g} of its participants allotted", "at most 1")
