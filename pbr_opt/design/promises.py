"""Whether a design keeps every limit, seen from its evaluation by the exact equilibrium."""

from __future__ import annotations

import numpy as np

from pbr_opt.design.problem import DesignProblem
from pbr_opt.design.states import GroupStates
from pbr_opt.evaluation import Evaluation
from pbr_opt.market.tariffs import Tariff
from pbr_opt.quantities import SPEND_PER_HEAD_GBP, SPEND_RELATIVE, FloatArray

__all__ = ["broken_promises", "paid_by_row"]


def paid_by_row(problem: DesignProblem, evaluation: Evaluation) -> FloatArray:
    """Return what is paid under each cap of the budget: in all, and by contract year."""
    heads, fee = problem.programme.caseload.group_participants, evaluation.payable.attachment_fee_gbp
    attachment = float(heads @ fee)
    outcome = evaluation.spend_gbp - attachment
    return np.array([row.paid(attachment, outcome) for row in problem.budget_rows])


def broken_promises(problem: DesignProblem, evaluation: Evaluation) -> tuple[str, ...]:
    """Return in words every limit that an evaluation breaks by more than rounding."""
    heads = problem.programme.caseload.total_participants
    broken = [
        f"{row.name}: £{paid:,.2f} are paid and £{row.gbp:,.2f} may be"
        for row, paid in zip(problem.budget_rows, paid_by_row(problem, evaluation), strict=True)
        if paid > row.gbp * (1.0 + SPEND_RELATIVE) + SPEND_PER_HEAD_GBP * heads
    ]
    names, states = problem.base.groups, GroupStates.of(evaluation)
    for limit, before in zip(problem.group_limits, problem.before, strict=True):
        for g in np.flatnonzero(~limit.holds(states, before)):
            one = np.array([g])
            broken.append(f"{limit}: group '{names[g]}' has {limit.told(states.take(one), before.take(one))}")
    for joint in problem.joint_limits:
        if words := joint.broken(evaluation):
            broken.append(f"{joint}: {words}")
    lower, upper = problem.stated_bounds_gbp
    price = states.price_gbp
    for g in np.flatnonzero((price < lower * (1.0 - SPEND_RELATIVE)) | (price > upper * (1.0 + SPEND_RELATIVE))):
        broken.append(f"group '{names[g]}' at £{price[g]:,.2f}, outside £{lower[g]:,.2f} to £{upper[g]:,.2f}")
    if problem.step_gbp is not None:
        broken += _off_the_step(problem.step_gbp, evaluation.tariff)
    return tuple(broken)


def _off_the_step(step_gbp: float, tariff: Tariff) -> list[str]:
    """Return in words every outcome and sustainment fee that is no multiple of the price step."""
    fees = {"outcome": tariff.outcome_fee_gbp, "sustainment": tariff.sustainment_fee_gbp}
    return [
        f"group '{tariff.groups[g]}': {name} fee of £{fee[g]:,.4f} is no multiple of £{step_gbp:g}"
        for name, fee in fees.items()
        for g in np.flatnonzero(np.abs(fee - step_gbp * np.rint(fee / step_gbp)) > SPEND_RELATIVE * np.maximum(fee, 1))
    ]
