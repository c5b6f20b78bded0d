"""What each objective is of a segment, as a function of its group's list price: closed forms for b = 0.

With x = w pi the effective price, tau the list price at which a segment stops being parked, and neither mission nor
minimum service, support is ``kappa ln(pi/tau)`` and the gain in the outcome rate ``Delta (1 - tau/pi)`` above tau, and
both are nothing below. So every loss (less is better) is a sum of 1 and pi while parked, and of ln pi and 1/pi once
helped. The objectives themselves, which evaluate, are in :mod:`pbr_opt.design.objectives`; a test holds the two
together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from pbr_opt.design.objectives import (
    AdditionalOutcomes,
    FirstPoundLoss,
    NetSocialValue,
    Objective,
    Parked,
    SegmentContext,
    SupportShortfall,
    TotalSupport,
)
from pbr_opt.design.problem import DesignProblem
from pbr_opt.errors import UnsupportedModelError
from pbr_opt.quantities import FloatArray, IntArray

__all__ = ["Form", "Segments", "form_of", "has_form"]

_KNOWN: Final = (Parked, FirstPoundLoss, SupportShortfall, TotalSupport, AdditionalOutcomes, NetSocialValue)


@dataclass(frozen=True, slots=True, eq=False)
class Segments:
    """What the forms need of segments: group, n, w, Delta, kappa, v and tau, each an array with an entry a segment."""

    group: IntArray
    people: FloatArray
    weight: FloatArray
    reach: FloatArray
    scale: FloatArray
    value: FloatArray
    threshold: FloatArray

    @classmethod
    def of(cls, problem: DesignProblem, rows: IntArray) -> Segments:
        """Return some segments of a problem."""
        caseload = problem.programme.caseload
        worth = SegmentContext.of(problem.programme).outcome_value_gbp
        return cls(
            group=caseload.group_index[rows],
            people=caseload.participants[rows],
            weight=problem.price_weight[rows],
            reach=caseload.response.reach[rows],
            scale=caseload.response_scale_gbp[rows],
            value=np.zeros(rows.size) if worth is None else worth[rows],
            threshold=problem.parking_price_gbp[rows],
        )


@dataclass(frozen=True, slots=True, eq=False)
class Form:
    """What segments add to the loss of their group; each an array with an entry a segment, None where it is nothing.

    Attributes
    ----------
    constant, linear : array or None
        Coefficients of 1 and pi while parked.
    log, reciprocal : array or None
        Coefficients of ln pi and 1/pi once helped; their constants follow, the loss being continuous.
    until : array or None
        The price from which on nothing more is added.
    """

    constant: FloatArray | None = None
    linear: FloatArray | None = None
    log: FloatArray | None = None
    reciprocal: FloatArray | None = None
    until: FloatArray | None = None


def has_form(aim: Objective) -> bool:
    """Whether an objective has a closed form in the list price."""
    return isinstance(aim, _KNOWN)


def form_of(aim: Objective, who: Segments) -> Form:
    """Return the loss of an objective: n times its term, with the sign turned where more is better.

    Raises
    ------
    UnsupportedModelError
        For objectives without a closed form.

    Examples
    --------
    >>> one = np.ones(1)
    >>> who = Segments(np.zeros(1, dtype=int), 100 * one, one, .3 * one, 600 * one, 0 * one, 2000 * one)
    >>> form_of(FirstPoundLoss(), who).linear.tolist()  # of 100 (1 - pi/2000)
    [-0.05]
    """
    spread = who.people * who.scale  # n kappa, which is n w Delta tau
    match aim:
        case Parked():  # n while parked
            return Form(constant=who.people)
        case FirstPoundLoss():  # n (1 - pi/tau) while parked
            return Form(linear=-who.people / who.threshold)
        case SupportShortfall(standard_gbp=standard):  # n (standard - kappa ln(pi/tau)) until that is nothing
            with np.errstate(over="ignore"):
                return Form(log=-spread, until=who.threshold * np.exp(standard / who.scale))
        case TotalSupport():  # -n kappa ln(pi/tau)
            return Form(log=-spread)
        case AdditionalOutcomes():  # -n Delta (1 - tau/pi)
            return Form(reciprocal=spread / who.weight)
        case NetSocialValue():  # -n (v Delta (1 - tau/pi) - kappa ln(pi/tau))
            return Form(log=spread, reciprocal=who.value * spread / who.weight)
    raise UnsupportedModelError(f"{aim.name} has no closed form in the list price; try method='columns'")
