"""Who is paid what for each participant: the way that money takes from the Department to whoever delivers.

A chain's prices are prices per outcome. They are taken to be paid back to back: a payee gets, of each payment that the
Department makes, the share that its price is of the Department's, so that all tiers earn by the same events.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from pbr_opt.equilibrium.accounts import Account, Flow
from pbr_opt.evaluation import Evaluation
from pbr_opt.market.agents import Agent
from pbr_opt.market.supply_chain import SupplyChain
from pbr_opt.quantities import WEEKS_PER_YEAR, FloatArray, IntArray

__all__ = ["MICRO", "NOBODY", "Company", "Paths", "company_of", "paths_of", "segment_of"]

MICRO: Final = 1e6
"""Amounts are whole millionths of a pound: sums below £9bn are then exact, in any order."""
NOBODY: Final = -1
"""Stands for an agent where a way is shorter than the longest."""
_PRIME: Final = "prime"


@dataclass(frozen=True, slots=True, eq=False)
class Company:
    """Everybody who is paid, payers before payees; the first is the Department.

    Attributes
    ----------
    names, kinds : tuple of str
        Of agents.
    payer : array of int (agents,)
        Who pays each; the Department has nobody.
    lag_weeks : array of int (agents,)
        How late outcome and sustainment payments reach each.
    haircut : array (agents,)
        zeta: what of such a payment waiting for it costs.
    fixed_gbp, lump_gbp, capital_gbp : array (agents,)
        Fixed cost; lump sum that its payer makes good (below 0: that it pays back); working capital.
    """

    names: tuple[str, ...]
    kinds: tuple[str, ...]
    payer: IntArray
    lag_weeks: IntArray
    haircut: FloatArray
    fixed_gbp: FloatArray
    lump_gbp: FloatArray
    capital_gbp: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Paths:
    """What each event brings to each agent on its way, one entry a row of the evaluation and a level of the way.

    Attributes
    ----------
    agent : array of int (levels, rows)
        Position in the company, the prime first; ``NOBODY`` below whoever delivers.
    deliverer : array of int (rows,)
        Who serves.
    attachment : array (levels, rows)
        Attachment fee in full, before the taper, in millionths of a pound, as all that follow.
    referral, outcome, sustainment : array (levels, rows)
        Paid for a start, an outcome, and a four-week period after it.
    support, base_service : array (rows,)
        What the deliverer lays out for a participant.
    """

    agent: IntArray
    deliverer: IntArray
    attachment: FloatArray
    referral: FloatArray
    outcome: FloatArray
    sustainment: FloatArray
    support: FloatArray
    base_service: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class _Tolls:
    """Agents on each way, and what each is paid: per outcome, as attachment fee, and in other fees for a start."""

    agent: IntArray
    price: FloatArray
    attachment: FloatArray
    referral: FloatArray


def segment_of(evaluation: Evaluation) -> IntArray:
    """Return the row of the programme's caseload that each row of the evaluation belongs to."""
    table = evaluation.deliveries
    return np.arange(len(evaluation.rows.caseload), dtype=np.int64) if table is None else table.segment


def company_of(evaluation: Evaluation, payment_lag_weeks: int) -> Company:
    """Return who is paid; without a chain one prime stands for all, and is paid so many weeks late."""
    equilibrium, chain = evaluation.equilibrium, evaluation.programme.supply_chain
    if equilibrium is None or chain is None:
        none = np.zeros(2)
        lag = np.array([0, payment_lag_weeks], dtype=np.int64)
        payer = np.array([NOBODY, 0], dtype=np.int64)
        return Company(("department", _PRIME), ("department", _PRIME), payer, lag, none, none, none, none + np.inf)
    agents, edges = chain.agents, chain.contracts
    place = {agent.name: k for k, agent in enumerate(agents)}
    payers = [NOBODY, *(place[edges[agent.name].payer] for agent in agents[1:])]
    lags = [0.0, *(edges[agent.name].payment_lag_weeks for agent in agents[1:])]
    flows = {flow.payee: flow for flow in equilibrium.flows}
    return Company(
        tuple(agent.name for agent in agents),
        tuple(agent.kind for agent in agents),
        np.array(payers, dtype=np.int64),
        np.rint(lags).astype(np.int64),
        np.array([_haircut(agent, lag) for agent, lag in zip(agents, lags, strict=True)]),
        np.array([account.fixed_cost_gbp for account in equilibrium.accounts]),
        np.array([_lump(chain, account, flows) for account in equilibrium.accounts]),
        np.array([agent.working_capital_gbp for agent in agents]),
    )


def _haircut(agent: Agent, lag_weeks: float) -> float:
    """Return zeta."""
    return min(agent.cost_of_capital * lag_weeks / WEEKS_PER_YEAR, 1.0)


def _lump(chain: SupplyChain, account: Account, flows: Mapping[str, Flow]) -> float:
    """Return what a two-part contract moves beside the payments for participants: the books' income less those."""
    flow, edge = flows.get(account.agent), chain.contracts.get(account.agent)
    if flow is None or edge is None or edge.form != "two_part" or edge.payer == chain.department.name:
        return 0.0
    people = flow.participants
    fees = (edge.referral_fee_gbp - edge.management_fee_gbp) * people.sum()
    return float(account.income_gbp - flow.price_gbp @ flow.outcomes - flow.attachment_gbp @ people - fees)


def paths_of(evaluation: Evaluation, company: Company) -> Paths:
    """Return the ways of money for every row of an evaluation.

    Parameters
    ----------
    evaluation : Evaluation
        The equilibrium.
    company : Company
        Who is paid, from :func:`company_of`.
    """
    caseload, behaviour = evaluation.rows.caseload, evaluation.behaviour
    group, payable = caseload.group_index, evaluation.payable
    share = evaluation.programme.terms.attachment_share
    tolls = _direct(evaluation) if evaluation.equilibrium is None else _through(evaluation, company)
    deliverer = tolls.agent[(tolls.agent != NOBODY).sum(axis=0) - 1, np.arange(len(caseload))]
    fees = payable.outcome_fee_gbp[group], payable.sustainment_fee_gbp[group]
    worth = behaviour.price_gbp
    part = tolls.price / np.where(worth > 0.0, worth, 1.0)
    base = evaluation.rows.base_service_gbp[group] * _delivers(evaluation, company)[deliverer]
    return Paths(
        tolls.agent,
        deliverer,
        _micro(tolls.attachment / share if share > 0.0 else 0.0 * tolls.attachment),
        _micro(tolls.referral),
        _micro(np.where(worth > 0.0, part * fees[0], tolls.price)),
        _micro(np.where(worth > 0.0, part * fees[1], 0.0)),
        _micro(behaviour.support_gbp),
        _micro(base),
    )


def _micro(amount_gbp: FloatArray) -> FloatArray:
    return np.rint(amount_gbp * MICRO)


def _delivers(evaluation: Evaluation, company: Company) -> FloatArray:
    """Return 1 for agents that serve participants themselves, and so bear the base service."""
    chain = evaluation.programme.supply_chain
    return np.ones(len(company.names)) if chain is None else np.array([float(a.delivers) for a in chain.agents])


def _direct(evaluation: Evaluation) -> _Tolls:
    """Return the one way that there is without a chain."""
    caseload = evaluation.rows.caseload
    shape = (1, len(caseload))
    attachment = evaluation.payable.attachment_fee_gbp[caseload.group_index].reshape(shape)
    price = evaluation.behaviour.price_gbp.reshape(shape)
    return _Tolls(np.ones(shape, dtype=np.int64), price, attachment, np.zeros(shape))


def _through(evaluation: Evaluation, company: Company) -> _Tolls:
    """Return the ways through a chain."""
    table, equilibrium, chain = evaluation.deliveries, evaluation.equilibrium, evaluation.programme.supply_chain
    assert table is not None and equilibrium is not None and chain is not None  # noqa: PT018  # there is a chain
    place = {name: k for k, name in enumerate(company.names)}
    ways = [_way(place[deliverer], company) for _, deliverer in table.places]
    levels = max(len(way) for way in ways)
    agent = np.array([way + [NOBODY] * (levels - len(way)) for way in ways], dtype=np.int64).T[:, table.cell]
    area = np.asarray(table.area)
    price, attachment, referral = np.zeros((3, *agent.shape))
    for flow in equilibrium.flows:
        edge = chain.contracts[flow.payee]
        level, row = np.nonzero((agent == place[flow.payee]) & (area == flow.area))
        price[level, row] = flow.price_gbp[table.segment[row]]
        attachment[level, row] = flow.attachment_gbp[table.segment[row]]
        referral[level, row] = edge.referral_fee_gbp - edge.management_fee_gbp
    return _Tolls(agent, price, attachment, referral)


def _way(deliverer: int, company: Company) -> list[int]:
    """Return the agents from the prime down to whoever delivers."""
    way = [deliverer]
    while company.payer[way[0]] != 0:
        way.insert(0, int(company.payer[way[0]]))
    return way
