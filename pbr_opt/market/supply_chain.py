"""The supply chain as a network: a Department, primes in areas, subcontractors below them.

This is the only module that handles networkx. Everything above it sees agents and contracts, payers before payees.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import MISSING, dataclass, fields, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any, Final

import networkx as nx

from pbr_opt.market.agents import EVIDENCE_TEXTS, KINDS, Agent, Area, Contract, packed
from pbr_opt.market.supply_chain_checks import inspect_chain, payers_first
from pbr_opt.quantities import Inspection, nearest

__all__ = ["SupplyChain"]

_AGENT_FIELDS: Final = tuple(item.name for item in fields(Agent) if item.name != "name")
_CONTRACT_FIELDS: Final = tuple(item.name for item in fields(Contract) if item.name not in ("payer", "payee", "form"))
_AREA_FIELDS: Final = tuple(item.name for item in fields(Area) if item.name != "name")
_AS_THEY_ARE: Final[Mapping[str, Callable[[Any], Any]]] = {
    "area": str,
    "sector": str,
    "delivers": bool,
    **dict.fromkeys(EVIDENCE_TEXTS, str),
}
_BY_SEGMENT: Final = ("productivity", "ceiling_bonus")


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
    >>> chain
    SupplyChain: 3 agents in 1 area: 1 department, 1 prime, 1 tier2; 2 tiers deep
    """

    agents: tuple[Agent, ...]
    contracts: Mapping[str, Contract]
    areas: tuple[Area, ...]

    def __init__(self, agents: Iterable[Agent], contracts: Iterable[Contract], areas: Iterable[Area] = ()) -> None:
        given, edges, places = tuple(agents), tuple(contracts), tuple(areas) or (Area("", 1.0),)
        check = Inspection("SupplyChain")
        inspect_chain(check, given, edges, places)
        check.finish()
        order = payers_first(given, edges)
        object.__setattr__(self, "agents", order)
        object.__setattr__(self, "contracts", MappingProxyType({edge.payee: edge for edge in edges}))
        object.__setattr__(self, "areas", places)

    def __str__(self) -> str:
        """Return in a line what it is."""
        count = Counter(agent.kind for agent in self.agents)
        kinds = ", ".join(f"{count[kind]:,} {kind}" for kind in KINDS if count[kind])
        places = f"{len(self.areas)} area{'' if len(self.areas) == 1 else 's'}"
        return f"{len(self.agents):,} agents in {places}: {kinds}; {self.depth} tiers deep"

    def __repr__(self) -> str:
        """Return the same: a chain of a thousand agents in full fills hundreds of screens."""
        return f"{type(self).__name__}: {self}"

    def __reduce__(self) -> tuple[type[SupplyChain], tuple[object, ...]]:
        """Cross a process as what it was made of: a mapping that cannot be changed cannot be pickled either."""
        return type(self), (self.agents, tuple(self.contracts.values()), self.areas)

    @classmethod
    def from_graph(cls, graph: nx.DiGraph[Any]) -> SupplyChain:
        """Return the chain that a graph describes; the graph is read and not kept.

        Parameters
        ----------
        graph : networkx.DiGraph
            Nodes with ``kind`` and any field of :class:`~pbr_opt.market.agents.Agent`; edges payer -> payee with
            ``contract`` (the form) and any other field of :class:`~pbr_opt.market.agents.Contract`;
            ``graph.graph["areas"]`` may hold a mapping of area to any other field of
            :class:`~pbr_opt.market.agents.Area`.

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
        if check.faults:  # what could be read is looked at as well, so that everything is said at once
            inspect_chain(check, tuple(agents), tuple(contracts), tuple(places))
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
            graph.graph["areas"] = {area.name: _changed(area, _AREA_FIELDS) for area in self.areas}
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
        known = [name for name in ("form", *_CONTRACT_FIELDS) if name not in EVIDENCE_TEXTS]
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


def _changed(item: Agent | Area | Contract, names: Iterable[str]) -> dict[str, Any]:
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
    values: dict[str, Any] = {"kind": str(data.get("kind", ""))}
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
        for key in data:
            if key not in _AREA_FIELDS:
                remedy = nearest(key, _AREA_FIELDS)
                check.fault(f"area '{name}'.{key}", data[key], "participant_share or readiness_shift", remedy)
        values = {key: _read(check, f"area '{name}'.{key}", key, data[key]) for key in _AREA_FIELDS if key in data}
        answer.append(Area(str(name), **({"participant_share": 0.0} | values)))
    return answer
