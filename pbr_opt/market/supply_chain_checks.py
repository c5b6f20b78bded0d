"""What a supply chain must be: every fault of agents, contracts and shares, recorded by name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

import networkx as nx
import numpy as np

from pbr_opt.market.agents import CONTRACT_FORMS, KINDS, SECTORS, Agent, Area, Contract
from pbr_opt.quantities import Inspection, nearest

__all__ = ["inspect_agents", "inspect_contracts", "inspect_shares", "payers_first"]

_SHARES_ADD_UP: Final = 1e-9
"""Shares that add up to 1 do so to this: they were typed or divided, not measured."""


def inspect_agents(check: Inspection, agents: tuple[Agent, ...], areas: tuple[Area, ...]) -> None:
    """Record what is wrong with agents: names, kinds, sectors, areas, numbers."""
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


def inspect_contracts(check: Inspection, agents: tuple[Agent, ...], contracts: tuple[Contract, ...]) -> None:
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
        if payer and payee and (payer.kind == "department") != (payee.kind == "prime"):
            check.fault(place, f"a {payer.kind} paying a {payee.kind}", "the Department paying primes, others the rest")


def payers_first(check: Inspection, agents: tuple[Agent, ...], contracts: tuple[Contract, ...]) -> tuple[Agent, ...]:
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


def inspect_shares(
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
