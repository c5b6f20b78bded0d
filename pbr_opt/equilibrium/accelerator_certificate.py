"""The most that a provider could gain by other support under an accelerator, searched for from scratch.

This module must share no code with the closed forms, nor with the menu lemma's solver. It writes the response out
again, looks for the best support of every segment at either rate by narrowing a bracket, and compares what whole groups
bring. That two rates suffice needs no lemma: a provider is paid the larger of two straight lines, and the best of the
larger is the larger of the bests.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from pbr_opt.equilibrium.certificate import Certificate, ProviderClaim
from pbr_opt.market.accelerator import Accelerator
from pbr_opt.market.caseload import Caseload
from pbr_opt.quantities import CERTIFICATE_TOLERANCE_GBP, FloatArray

__all__ = ["certify_accelerated"]

_ROUNDS: Final = 80
"""Each leaves two thirds of the bracket: 1e-14 of it in the end."""


@dataclass(frozen=True, slots=True, eq=False)
class _Curve:
    """The response of every segment, written out again."""

    low: FloatArray
    high: FloatArray
    scale: FloatArray
    bend: FloatArray

    def rate(self, support: FloatArray) -> FloatArray:
        curved = np.where(self.bend > 0, self.bend, 1.0)
        bent = (1.0 - self.bend) / curved * np.log1p(curved * support / self.scale)
        exponent = np.where(self.bend > 0, bent, support / self.scale)
        return np.asarray(self.high + (self.low - self.high) * np.exp(-exponent))

    def best_profit(self, worth: FloatArray, least: FloatArray) -> FloatArray:
        """Return the most of ``worth p(e) - e`` over e of at least ``least``; it has one top, so thirds narrow it."""
        start, stop = least, least + worth * (self.high - self.low)
        for _ in range(_ROUNDS):
            left, right = start + (stop - start) / 3.0, stop - (stop - start) / 3.0
            rising = worth * self.rate(left) - left < worth * self.rate(right) - right
            start, stop = np.where(rising, left, start), np.where(rising, stop, right)
        tried = np.stack([start, 0.5 * (start + stop), stop, least])
        return np.asarray((worth * self.rate(tried) - tried).max(axis=0))


def certify_accelerated(
    caseload: Caseload, claim: ProviderClaim, accelerator: Accelerator, player: str = "prime"
) -> Certificate:
    """Search for better support in whole groups, and return the largest gain found.

    Parameters
    ----------
    caseload : Caseload
        The segments; their numbers are used, their closed forms are not.
    claim : ProviderClaim
        What the provider is said to do; its gain per outcome is that at the lower rate, mission included.
    accelerator : Accelerator
        In the order of the caseload's groups, shape (groups,).
    player : str, optional
        Its name.

    Returns
    -------
    Certificate
        In GBP per participant of a group. A claimed outcome rate that does not follow from the claimed support counts
        as a gain of its worth.

    Examples
    --------
    >>> people = Caseload(["a"], 100, .12, .42, 600)
    >>> idle = ProviderClaim(np.array([1000.]), np.zeros(1), np.zeros(1), np.array([.12]))
    >>> round(certify_accelerated(people, idle, Accelerator(np.array([.1]), np.array([3000.]))).largest_gain_gbp, 2)
    184.11
    """
    curve = _Curve(caseload.deadweight_rate, caseload.ceiling_rate, caseload.response_scale_gbp, caseload.curvature)
    people, heads = caseload.participants, np.maximum(caseload.group_participants, np.finfo(float).tiny)
    worth, least, fee = claim.gain_per_outcome_gbp, claim.least_support_gbp, accelerator.fee_gbp
    upper = worth + fee[caseload.group_index]
    rate = curve.rate(claim.support_gbp)
    claimed = caseload.sum_by_group(people * (worth * rate - claim.support_gbp)) / heads
    claimed += accelerator.top_up_gbp(caseload.sum_by_group(people * rate) / heads)
    at_low, at_high = (
        caseload.sum_by_group(people * curve.best_profit(each, least)) / heads for each in (worth, upper)
    )
    best = np.maximum(at_low, at_high - fee * accelerator.threshold)
    misstated = upper * np.abs(claim.outcome_rate - rate) + np.maximum(least - claim.support_gbp, 0.0)
    gains = np.maximum(best - claimed, 0.0) + caseload.sum_by_group(people * misstated) / heads
    worst = int(np.argmax(gains))
    return Certificate(
        largest_gain_gbp=float(gains[worst]),
        tolerance_gbp=CERTIFICATE_TOLERANCE_GBP,
        player=f"{player}, group '{caseload.groups[worst]}'",
        reason="rounding of profits of up to £1e4 per participant, and the bracket where the search stops",
    )
