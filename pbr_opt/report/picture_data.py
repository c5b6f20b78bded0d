"""The numbers behind the pictures, as tidy frames: what is drawn can be read, sorted and checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import numpy as np

from pbr_opt.analysis.simulation import Simulation
from pbr_opt.evaluation import Evaluation
from pbr_opt.metrics import ease_interval
from pbr_opt.report.tiers import TIER_NAMES

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["BINS", "cash_frame", "ease_frame", "fee_frame", "group_change_frame"]

BINS: Final = 10
"""Into how many parts people are cut by ease of help: tenths."""


def fee_frame(evaluations: Mapping[str, Evaluation]) -> pd.DataFrame:
    """Return what each tariff pays at most for one participant: ``tariff``, ``group``, and the three parts in GBP.

    Parameters
    ----------
    evaluations : mapping of label to Evaluation
        As in a comparison.
    """
    import pandas as pd  # slow to import: only when a table is asked for

    parts = []
    for label, there in evaluations.items():
        tariff = there.tariff.aligned(there.programme.caseload.groups)
        columns = {
            "tariff": label,
            "group": list(tariff.groups),
            "attachment_gbp": tariff.attachment_fee_gbp,
            "outcome_gbp": tariff.outcome_fee_gbp,
            "sustainment_gbp": tariff.sustainment_fee_gbp * tariff.sustainment_max,
            "accelerator_gbp": tariff.accelerator_fee_gbp,
        }
        parts.append(pd.DataFrame(columns))
    return pd.concat(parts, ignore_index=True)


def ease_frame(evaluations: Mapping[str, Evaluation], bins: int = BINS) -> pd.DataFrame:
    """Return support by ease of help: ``tariff``, ``ease`` (1 hardest), ``participants``, support and parked share.

    People of each payment group are put in the order of their parking threshold, as for the measures of creaming, and
    cut into parts of equal size; the parts of all groups are then put together. ``support_gbp`` is per participant.
    """
    import pandas as pd  # slow to import: only when a table is asked for

    parts = []
    edges = np.linspace(0.0, 1.0, bins + 1)
    for label, there in evaluations.items():
        caseload, behaviour = there.rows.caseload, there.behaviour
        start, stop = ease_interval(caseload)
        width = np.maximum(stop - start, np.finfo(float).tiny)
        inside = np.minimum.outer(edges[1:], stop) - np.maximum.outer(edges[:-1], start)
        people = np.maximum(inside, 0.0) / width * caseload.participants
        heads = np.maximum(people.sum(axis=1), np.finfo(float).tiny)
        columns = {
            "tariff": label,
            "ease": np.arange(1, bins + 1),
            "participants": heads,
            "support_gbp": people @ behaviour.support_gbp / heads,
            "parked_share": people @ behaviour.parked / heads,
        }
        parts.append(pd.DataFrame(columns))
    return pd.concat(parts, ignore_index=True)


def group_change_frame(before: Evaluation, after: Evaluation) -> pd.DataFrame:
    """Return who gains and who loses help, by group: people, parked and support before and after, people helped more.

    Returns
    -------
    pandas.DataFrame
        ``group``, ``name``, ``participants``, ``parked_before``, ``parked_after`` (people), ``support_before_gbp``,
        ``support_after_gbp`` (a head), ``gain_help``, ``lose_help`` (people who are no longer, or newly, parked;
        without a supply chain, where segments are the same on both sides).
    """
    import pandas as pd  # slow to import: only when a table is asked for

    one, other = before.to_frame("groups"), after.to_frame("groups")
    table = pd.DataFrame(
        {
            "group": one.group,
            "name": one["name"],
            "participants": one.participants,
            "parked_before": one.parked_share * one.participants,
            "parked_after": other.parked_share * other.participants,
            "support_before_gbp": one.mean_support_gbp,
            "support_after_gbp": other.mean_support_gbp,
        }
    )
    if before.equilibrium is None and after.equilibrium is None:
        caseload = before.rows.caseload
        was, now = before.behaviour.parked, after.behaviour.parked
        table["gain_help"] = caseload.sum_by_group(caseload.participants * (was & ~now))
        table["lose_help"] = caseload.sum_by_group(caseload.participants * (~was & now))
    return table


def cash_frame(simulation: Simulation) -> pd.DataFrame:
    """Return cash by tier: ``tier``, ``month``, ``net_gbp`` and ``since_start_gbp``, scaled to the whole programme.

    Parameters
    ----------
    simulation : Simulation
        Its first replication; tiers are in the order of the chain, without the Department.
    """
    import pandas as pd  # slow to import: only when a table is asked for

    cash = simulation.to_frame("cash")
    kind = cash.agent.map(dict(zip(simulation.agents, simulation.kinds, strict=True)))
    net = cash.net_gbp.groupby([kind, cash.month]).sum() / simulation.scale
    parts = []
    for name, tier in TIER_NAMES.items():
        if name != "department" and name in simulation.kinds:
            months = net.loc[name]
            columns = {
                "tier": tier,
                "month": months.index,
                "net_gbp": months.array,
                "since_start_gbp": months.cumsum().array,
            }
            parts.append(pd.DataFrame(columns))
    return pd.concat(parts, ignore_index=True)
