"""What a provider does under an accelerator, exactly, by the menu lemma.

What is paid for a group is the larger of two straight lines in its outcome rate, so the provider's best value is the
larger of two best values: ``max(V(t_L), V(t_H) - (t_H - t_L) q0)``. It plays the group at the lower rate, or as if
every outcome were paid the upper one; nothing in between is ever better.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from pbr_opt.equilibrium.best_response import BestResponse
from pbr_opt.market.accelerator import Accelerator
from pbr_opt.market.caseload import Caseload
from pbr_opt.quantities import FloatArray

__all__ = ["accelerated_response", "group_totals"]

_TIE: Final = 1e-12
"""Relative. A provider that gains the same at both rates goes for the upper one, as one on a parking threshold does not
park; designed thresholds lie exactly there, and both values are sums of rounded terms."""


def accelerated_response(
    caseload: Caseload,
    play: Callable[[FloatArray], BestResponse],
    price_gbp: FloatArray,
    accelerator: Accelerator,
) -> BestResponse:
    """Return what a provider does in every segment when its groups' outcomes beyond a threshold are paid more.

    Parameters
    ----------
    caseload : Caseload
        Who belongs to which group.
    play : callable
        What the provider does at effective prices of shape (..., segments) without an accelerator.
    price_gbp : array (..., segments)
        x at the lower rate.
    accelerator : Accelerator
        Threshold and fee, shape (..., groups).

    Returns
    -------
    BestResponse
        ``price_gbp`` is what an outcome of the group is paid on average, so that payments add up; parking and support
        are those at the rate that the provider goes for.

    Examples
    --------
    >>> from pbr_opt.equilibrium.best_response import best_response
    >>> people = Caseload(["a"], 100, .12, .42, 600)
    >>> play = lambda price: best_response(people.response, price)
    >>> accelerator = Accelerator(np.array([.13]), np.array([3000.0]))
    >>> there = accelerated_response(people, play, np.array([1000.0]), accelerator)
    >>> round(there.outcome_rate.item(), 4), round(there.payment_gbp.item(), 6)  # 4000 * .27 - 3000 * .13
    (0.27, 690.0)
    """
    row = caseload.group_index
    fee, withheld = accelerator.fee_gbp, accelerator.withheld_gbp
    low, high = play(price_gbp), play(price_gbp + fee[..., row])
    heads = caseload.group_participants
    at_low = group_totals(caseload, low.provider_value_gbp)
    at_high = group_totals(caseload, high.provider_value_gbp)
    reached = (fee > 0) & (at_high - withheld * heads >= at_low - _TIE * np.abs(at_high))
    rate = group_totals(caseload, high.outcome_rate)
    short = np.divide(accelerator.threshold * heads, rate, out=np.zeros_like(rate), where=rate > 0)
    average = np.where(reached, fee * (1.0 - short), 0.0)
    goes = reached[..., row]
    return BestResponse(
        price_gbp=price_gbp + average[..., row],
        mission_gbp=low.mission_gbp,
        support_gbp=np.where(goes, high.support_gbp, low.support_gbp),
        outcome_rate=np.where(goes, high.outcome_rate, low.outcome_rate),
        parked=np.where(goes, high.parked, low.parked),
        incentive=np.where(goes, high.incentive, low.incentive),
    )


def group_totals(caseload: Caseload, values: FloatArray) -> FloatArray:
    """Return sums over the people of each group of what is per participant, shape (..., groups).

    >>> group_totals(Caseload(["a", "b", "a"], [1, 2, 3], .1, .3, 500), np.array([[1.0, 1.0, 2.0]])).tolist()
    [[7.0, 2.0]]
    """
    weighted = values * caseload.participants
    if weighted.ndim == 1:
        return caseload.sum_by_group(weighted)
    rows = (caseload.group_index == g for g in range(len(caseload.groups)))
    return np.stack([weighted[..., here].sum(axis=-1) for here in rows], axis=-1)
