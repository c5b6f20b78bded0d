"""Fold a chain for a page: the subcontractors of each prime drawn as one box a tier, with their books added up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pbr_opt.equilibrium.accounts import Account
from pbr_opt.market.agents import Agent, Contract

__all__ = ["ChainParts", "folded"]

_TIERS = {"tier1": "T1", "tier2": "T2"}


@dataclass(frozen=True)
class ChainParts:
    """What of a chain is drawn.

    Attributes
    ----------
    agents : tuple of Agent
        Payers before payees; the first is the Department.
    contracts : mapping of payee to Contract
        Who is paid by whom.
    accounts : mapping of agent to Account
        Books, where there are any.
    reasons : mapping of agent to str
        Why those left who left.
    """

    agents: tuple[Agent, ...]
    contracts: Mapping[str, Contract]
    accounts: Mapping[str, Account]
    reasons: Mapping[str, str]


def folded(parts: ChainParts) -> ChainParts:
    """Return the Department, the primes, and one agent for all subcontractors of a prime in a tier.

    A box of many has the sector that most of them have, and is drawn as paid by the prime even where some are paid by
    another subcontractor.
    """
    head = {agent.name: agent.name for agent in parts.agents[:1]}
    below: dict[tuple[str, str], list[Agent]] = {}
    kept = []
    for agent in parts.agents:
        if agent.kind in _TIERS:
            head[agent.name] = head[parts.contracts[agent.name].payer]
            below.setdefault((head[agent.name], agent.kind), []).append(agent)
        else:
            head[agent.name] = agent.name
            kept.append(agent)
    contracts = {agent.name: parts.contracts[agent.name] for agent in kept if agent.name in parts.contracts}
    accounts = {agent.name: parts.accounts[agent.name] for agent in kept if agent.name in parts.accounts}
    reasons = {}
    for (prime, kind), agents in below.items():
        books = [parts.accounts[agent.name] for agent in agents if agent.name in parts.accounts]
        name = _name(prime, kind, len(agents), books)
        kept.append(Agent(name, kind, sector=_most(agent.sector for agent in agents)))
        form = _most(parts.contracts[agent.name].form for agent in agents)
        shares = [edge.share for edge in (parts.contracts[a.name] for a in agents) if edge.form == form]
        contracts[name] = Contract(prime, name, form, share=sum(shares) / len(shares))
        if books:
            accounts[name] = _together(name, books)
        if books and not any(book.active for book in books):
            reasons[name] = f"all {len(agents)}"
    return ChainParts(tuple(kept), contracts, accounts, reasons)


def _name(prime: str, kind: str, number: int, books: list[Account]) -> str:
    """Return how many there are in which tier, and how many of them stayed."""
    many = f"{sum(book.active for book in books)} of {number}" if books else f"{number}"
    return f"{_TIERS[kind]}: {many}, {prime}"


def _most(values: Iterable[str]) -> str:
    return Counter(values).most_common(1)[0][0]


def _together(name: str, books: list[Account]) -> Account:
    """Return books added up."""
    return Account(
        name,
        referrals=sum(book.referrals for book in books),
        delivered=sum(book.delivered for book in books),
        parked=sum(book.parked for book in books),
        income_gbp=sum(book.income_gbp for book in books),
        active=any(book.active for book in books),
    )
