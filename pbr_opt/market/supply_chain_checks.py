"""What a supply chain must be: every fault of agents, contracts and shares, recorded by name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, Final

import networkx as nx
import numpy as np

from pbr_opt.market.agents import CONTRACT_FORMS, KINDS, SECTORS, Agent, Area, Contract
from pbr_opt.market.evidence import ROW_STATUSES
from pbr_opt.quantities import Inspection, nearest

__all__ = ["inspect_chain", "payers_first"]

_SHARES_ADD_UP: Final = 1e-9
"""Shares that add up to 1 do so to this: they were typed or divided, not measured."""


def inspect_chain(
    check: Inspection, agents: tuple[Agent, ...], contracts: tuple[Contract, ...], areas: tuple[Area, ...]
) -> None:
    """Record everything that is wrong with a chain, by name: one look is to find all there is to mend."""
    _inspect_agents(check, agents, areas)
    _inspect_contracts(check, agents, contracts)
    _inspect_ways(check, agents, contracts)
    _inspect_shares(check, agents, contracts, areas)
    _inspect_evidence(check, agents, contracts, areas)


def _inspect_evidence(
    check: Inspection, agents: tuple[Agent, ...], contracts: tuple[Contract, ...], areas: tuple[Area, ...]
) -> None:
    """Record statuses that are none; a row may have none at all."""
    known = {f"area '{area.name}'": area.status for area in areas}
    known |= {f"agent '{agent.name}'": agent.status for agent in agents}
    known |= {f"contract '{edge.payer}' -> '{edge.payee}'": edge.status for edge in contracts}
    for place, status in known.items():
        if status and status not in ROW_STATUSES:
            check.fault(f"{place}.status", status, "a status", nearest(status, ROW_STATUSES))


def _inspect_agents(check: Inspection, agents: tuple[Agent, ...], areas: tuple[Area, ...]) -> None:
    """Record what is wrong with agents: names, kinds, sectors, areas, numbers."""
    for name, times in Counter(agent.name for agent in agents).items():
        if times > 1:
            check.fault(f"agent '{name}'", "the name twice", "each agent once")
    departments = [agent.name for agent in agents if agent.kind == "department"]
    if len(departments) > 1 or (not departments and all(agent.kind in KINDS for agent in agents)):
        check.fault("agents", ", ".join(departments) or "no department", "exactly one agent of kind 'department'")
    places = [area.name for area in areas]
    for agent in agents:
        place = f"agent '{agent.name}'"
        if agent.kind not in KINDS:
            remedy = nearest(agent.kind, KINDS) if agent.kind else f"one of: {', '.join(KINDS)}"
            check.fault(f"{place}.kind", agent.kind or "nothing", "a kind", remedy)
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
    """Record what is wrong with contracts: ends, forms, shares, fees, guarantees."""
    named = {agent.name: agent for agent in agents}
    for ends, times in Counter((edge.payer, edge.payee) for edge in contracts).items():
        if times > 1:
            check.fault(f"contract '{ends[0]}' -> '{ends[1]}'", "the contract twice", "each contract once")
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
        sensible = payer and payee and payer.kind in KINDS and payee.kind in KINDS  # else that is said already
        if payer and payee and sensible and (payer.kind == "department") != (payee.kind == "prime"):
            check.fault(place, f"a {payer.kind} paying a {payee.kind}", "the Department paying primes, others the rest")


def payers_first(agents: tuple[Agent, ...], contracts: tuple[Contract, ...]) -> tuple[Agent, ...]:
    """Return the agents of a chain without faults so that payers come before payees."""
    rank = {agent.name: k for k, agent in enumerate(agents)}
    graph = _graph(rank, contracts)
    return tuple(agents[rank[name]] for name in nx.lexicographical_topological_sort(graph, key=rank.__getitem__))


def _graph(names: Iterable[str], contracts: tuple[Contract, ...]) -> nx.DiGraph[str]:
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from(names)
    graph.add_edges_from((edge.payer, edge.payee) for edge in contracts)
    return graph


def _inspect_ways(check: Inspection, agents: tuple[Agent, ...], contracts: tuple[Contract, ...]) -> None:
    """Record agents without a payer, with two, paid in a circle, or out of the Department's reach."""
    named = {agent.name: agent for agent in agents}
    graph = _graph(named, contracts)
    for circle in nx.strongly_connected_components(graph):
        first = min(circle)
        if len(circle) > 1 or graph.has_edge(first, first):
            cycle = [payer for payer, _ in nx.find_cycle(graph.subgraph(circle), first)]
            check.fault("contracts", f"a cycle: {' -> '.join([*cycle, cycle[0]])}", "money that flows one way")
    for name, agent in named.items():
        payers = sorted(graph.predecessors(name))
        if agent.kind == "department" and payers:
            check.fault(f"agent '{name}'", f"a payer, '{payers[0]}'", "a Department that nobody pays")
        elif agent.kind != "department" and not payers:
            alone = "neither a payer nor a payee" if not graph.succ[name] else "no payer"
            check.fault(f"agent '{name}'", alone, "a contract with the agent above it", "add an edge payer -> payee")
        elif len(payers) > 1:
            given = f"{len(payers)} payers: {', '.join(payers)}"
            check.fault(f"agent '{name}'", given, "one payer", "make one agent for each contract that it holds")


def _inspect_shares(
    check: Inspection, agents: tuple[Agent, ...], contracts: tuple[Contract, ...], areas: tuple[Area, ...]
) -> None:
    """Record shares that do not add up: of areas, of primes in an area, of a payer's end-to-end contracts."""
    for area in areas:
        check.number(f"area '{area.name}'.participant_share", area.participant_share, highest=1.0)
        check.number(f"area '{area.name}'.readiness_shift", area.readiness_shift, lowest=-20.0, highest=20.0)
    if abs(sum(area.participant_share for area in areas) - 1.0) > _SHARES_ADD_UP:
        check.fault("areas", f"shares that add up to {sum(a.participant_share for a in areas):.6g}", "a sum of 1")
    for area in areas:
        primes = [agent.name for agent in agents if agent.kind == "prime" and agent.area == area.name]
        shares = [edge.volume_share for edge in contracts if edge.payee in primes]
        if not primes:
            check.fault(f"area '{area.name}'", "no prime", "at least one prime in each area")
        elif any(share is None for share in shares) != all(share is None for share in shares):
            check.fault(f"area '{area.name}'", "volume shares for some primes", "volume shares for all primes or none")
        elif (
            shares
            and shares[0] is not None
            and abs(float(np.sum([s for s in shares if s is not None])) - 1.0) > _SHARES_ADD_UP
        ):
            check.fault(f"area '{area.name}'", "primes' volume shares that do not add up to 1", "a sum of 1")
    allotted: Counter[str] = Counter()
    for edge in contracts:
        allotted[edge.payer] += edge.volume_share or 0.0  # type: ignore[assignment]  # counts may be shares
    for agent in agents:
        total = allotted[agent.name]
        if agent.kind != "department" and total > 1.0 + _SHARES_ADD_UP:
            check.fault(f"agent '{agent.name}'", f"{total:.4g} of its participants allotted", "at most 1")
