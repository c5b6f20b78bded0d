"""What a tariff means tier by tier: who stays, whom they serve, what they make of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from pbr_opt.evaluation import Evaluation
from pbr_opt.report.wording import count, money, per_cent, table

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["TIER_NAMES", "tier_frame", "tier_lines"]

TIER_NAMES: Final = {"department": "Department", "prime": "Primes", "tier1": "Tier 1", "tier2": "Tier 2"}
"""What readers call each kind of agent, in the order of the chain."""


def tier_frame(evaluation: Evaluation) -> pd.DataFrame:
    """Return one row a tier: agents, those that stayed, those with referrals, people served, money.

    Parameters
    ----------
    evaluation : Evaluation
        Of a programme with a supply chain; without one the primes alone.

    Returns
    -------
    pandas.DataFrame
        ``tier``, ``agents``, ``stayed``, ``with_referrals``, ``delivered_share`` (of all participants),
        ``parked_share`` (of those it serves), ``income_gbp``, ``profit_gbp``.
    """
    import pandas as pd  # slow to import: only when a table is asked for

    agents = evaluation.to_frame("agents").query("kind != 'department'")
    if "delivered" not in agents:  # without a chain: one provider that stands for all primes
        agents = agents.assign(delivered=agents.referrals, parked=evaluation.metrics.parked_share * agents.referrals)
    people = evaluation.programme.caseload.total_participants
    rows = []
    for kind, name in TIER_NAMES.items():
        tier = agents[agents.kind == kind]
        if len(tier):
            served = float(tier.delivered.sum())
            rows.append(
                {
                    "tier": name,
                    "agents": len(tier),
                    "stayed": int(tier.active.sum()),
                    "with_referrals": int((tier.referrals > 0).sum()),
                    "delivered_share": served / people,
                    "parked_share": float(tier.parked.sum()) / served if served > 0 else 0.0,
                    "income_gbp": float((tier.income_gbp - tier.paid_on_gbp).sum()),
                    "profit_gbp": float(tier.profit_gbp.sum()),
                }
            )
    return pd.DataFrame(rows)


def tier_lines(evaluations: Mapping[str, Evaluation]) -> list[str]:
    """Return the tiers of each tariff, and its rivals, as lines of text; nothing where there is no supply chain."""
    if not any(evaluation.equilibrium for evaluation in evaluations.values()):
        return []
    rows = [["Tier", "tariff", "agents", "stay", "with referrals", "serve", "of these parked", "keep", "profit"]]
    for label, evaluation in evaluations.items():
        for tier in tier_frame(evaluation).to_dict("records"):
            shown = {"agents": count, "stayed": count, "with_referrals": count, "delivered_share": per_cent,
                     "parked_share": per_cent, "income_gbp": money, "profit_gbp": money}  # fmt: skip
            rows.append([str(tier["tier"]), label, *(show(float(tier[key])) for key, show in shown.items())])
    rows[1:] = sorted(rows[1:], key=lambda row: list(TIER_NAMES.values()).index(row[0]))
    rivals = [f"{label}: {there.rivals.statement}" for label, there in evaluations.items() if there.rivals]
    return ["", *table(rows, "<<>>>>>>>"), *rivals]
