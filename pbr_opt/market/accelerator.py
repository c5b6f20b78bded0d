"""An accelerator: the group's outcomes beyond a threshold are paid a higher rate.

Per participant of the group, ``Phi(q) = t_L q + (t_H - t_L) (q - q0)+`` with q the group's outcome rate: what everybody
is paid for first are the outcomes that would have come anyway. Phi is the larger of two straight lines,
``t_L q`` and ``t_H q - (t_H - t_L) q0``, which is all that a provider needs to know (the menu lemma).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pbr_opt.market.tariffs import Tariff
from pbr_opt.quantities import FloatArray, frozen

__all__ = ["Accelerator"]


@dataclass(frozen=True, slots=True, eq=False)
class Accelerator:
    """What is paid on top of the tariff beyond a threshold, by group; arrays of shape (..., groups).

    Parameters
    ----------
    threshold : array (..., groups)
        q0, outcomes per participant of the group, 0..1.
    fee_gbp : array (..., groups)
        t_H - t_L, GBP for each outcome beyond it, at least 0; sustainment payments are the tariff's own.

    Examples
    --------
    >>> accelerator = Accelerator(np.array([0.2]), np.array([3000.0]))
    >>> accelerator.top_up_gbp(np.array([0.1])).item(), round(accelerator.top_up_gbp(np.array([0.25])).item(), 9)
    (0.0, 150.0)
    """

    threshold: FloatArray
    fee_gbp: FloatArray

    def __post_init__(self) -> None:
        """Keep copies that nobody can change."""
        for name in ("threshold", "fee_gbp"):
            object.__setattr__(self, name, frozen(getattr(self, name)))

    @classmethod
    def of(cls, tariff: Tariff) -> Accelerator:
        """Return the accelerator of a tariff, in the order of its groups."""
        return cls(tariff.accelerator_threshold, tariff.accelerator_fee_gbp)

    @property
    def withheld_gbp(self) -> FloatArray:
        """Return (t_H - t_L) q0, what the upper rate does not pay, GBP per participant of the group."""
        return self.fee_gbp * self.threshold

    def top_up_gbp(self, outcome_rate: FloatArray) -> FloatArray:
        """Return (t_H - t_L) (q - q0)+, GBP per participant of the group."""
        return np.asarray(self.fee_gbp * np.maximum(outcome_rate - self.threshold, 0.0))
