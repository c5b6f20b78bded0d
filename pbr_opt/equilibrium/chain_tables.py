"""The equilibrium of a chain as tidy tables: agents, areas, rivals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from pbr_opt.equilibrium.chain import ChainEquilibrium
from pbr_opt.equilibrium.deliveries import Deliveries
from pbr_opt.equilibrium.rivals import RivalEquilibrium
from pbr_opt.market.agents import Area
from pbr_opt.market.supply_chain import SupplyChain
from pbr_opt.quantities import FloatArray

__all__ = ["agent_columns", "area_columns", "rival_columns"]

_BOOKED: Final = (
    "income_gbp",
    "paid_on_gbp",
    "support_gbp",
    "base_service_gbp",
    "finance_cost_gbp",
    "fixed_cost_gbp",
    "profit_gbp",
    "referrals",
    "delivered",
    "parked",
    "outcomes",
    "shadow_price",
    "place_price_gbp",
    "active",
)


def agent_columns(equilibrium: ChainEquilibrium, chain: SupplyChain) -> Mapping[str, object]:
    """Return the books, one row an agent of a chain, in its order."""
    agents, books = chain.agents, equilibrium.accounts
    why = {item.agent: item.reason for item in equilibrium.departures}
    described = {
        "agent": [agent.name for agent in agents],
        "kind": [agent.kind for agent in agents],
        "sector": [agent.sector for agent in agents],
        "area": [agent.area for agent in agents],
    }
    numbers = {name: [getattr(account, name) for account in books] for name in _BOOKED}
    return described | numbers | {"left_because": [why.get(agent.name, "") for agent in agents]}


def area_columns(table: Deliveries, areas: Sequence[Area], attachment_gbp: FloatArray) -> Mapping[str, object]:
    """Return who is helped where: one row an area.

    An area carries its own deadweight, so that one national price lies above the thresholds of one area and below those
    of another: spatial parking.

    Parameters
    ----------
    table : Deliveries
        Who is served with what.
    areas : sequence of Area
        In the order wanted.
    attachment_gbp : array (rows,)
        Attachment fee of each row's participants.
    """
    caseload, does = table.caseload, table.behaviour
    names = [area.name for area in areas]
    place = np.array([names.index(area) for area, _ in table.places])[table.cell]

    def total(values: FloatArray) -> FloatArray:
        return np.asarray(np.bincount(place, weights=caseload.participants * values, minlength=len(names)), np.float64)

    people = total(np.ones(len(caseload)))
    heads = np.maximum(people, np.finfo(float).tiny)
    return {
        "area": names,
        "readiness_shift": [area.readiness_shift for area in areas],
        "participants": people,
        "deadweight_rate": total(caseload.deadweight_rate) / heads,
        "outcome_rate": total(does.outcome_rate) / heads,
        "additional_outcomes": total(does.outcome_rate - caseload.deadweight_rate),
        "parked_share": total(does.parked.astype(np.float64)) / heads,
        "first_pound_loss": total(does.first_pound_loss) / heads,
        "mean_support_gbp": total(does.support_gbp) / heads,
        "spend_gbp": total(does.payment_gbp + attachment_gbp),
    }


def rival_columns(rivals: RivalEquilibrium | None) -> Mapping[str, object]:
    """Return what rivals do: one row an area, payment group and prime; no rows without rivals."""
    if rivals is None:
        return {name: [] for name in _RIVALS}
    chain, rivalry = rivals.equilibrium.chain, rivals.rivalry
    rows: dict[str, list[object]] = {name: [] for name in _RIVALS}
    for contest in rivals.contests:
        moved = rivalry.moved_share if rivalry.rule is not None else 0.0
        contracted = np.array([chain.area_share(name) for name in contest.primes])
        numbers = {
            "contract_share": contracted,
            "moved_share_won": contest.share,
            "referral_share": (1.0 - moved) * contracted + moved * contest.share,
            "prize_gbp": contest.prize_gbp,
            "top_up_gbp": contest.top_up_gbp,
            "rate_without_rivals": contest.without_contest,
            "measured_rate": contest.performance,
            "meets_level": contest.meets_level(rivalry),
            "bonus_gbp": np.array(list(rivals.bonuses_gbp(contest).values())),
        }
        for k, prime in enumerate(contest.primes):
            told = {"area": contest.area, "group": contest.group, "prime": prime, "kind": contest.kind}
            for name, value in (told | {key: float(column[k]) for key, column in numbers.items()}).items():
                rows[name].append(value)
            rows["statement"].append(contest.statement)
    return rows


_RIVALS: Final = (
    "area",
    "group",
    "prime",
    "kind",
    "contract_share",
    "moved_share_won",
    "referral_share",
    "prize_gbp",
    "top_up_gbp",
    "rate_without_rivals",
    "measured_rate",
    "meets_level",
    "bonus_gbp",
    "statement",
)
