"""What each objective is of a segment, as a function of its group's list price: closed forms for b = 0.

With x = w pi the effective price, no mission, tau the list price from which on a segment is helped beyond the minimum
service, and tau_0 what that would be without one, support is ``kappa ln(pi/tau_0)`` and the gain in the outcome rate
``Delta (1 - tau_0/pi)`` above tau, and neither moves below. So every loss (less is better) is a sum of 1 and pi below
tau, and of ln pi and 1/pi above it, and so are weighted sums of losses. The objectives themselves, which evaluate, are
in :mod:`pbr_opt.design.objectives`; a test holds the two together.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
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

__all__ = ["Form", "Segments", "form_of", "forms_of", "has_form"]

_KNOWN: Final = (Parked, FirstPoundLoss, SupportShortfall, TotalSupport, AdditionalOutcomes, NetSocialValue)


@dataclass(frozen=True, slots=True, eq=False)
class Segments:
    """What the forms need of segments, each an array with an entry a segment.

    Group, n, w, p1 - p(e_min), kappa, v, tau, tau_0, and the price at which it is no longer parked.
    """

    group: IntArray
    people: FloatArray
    weight: FloatArray
    reach: FloatArray
    scale: FloatArray
    value: FloatArray
    threshold: FloatArray
    bare: FloatArray
    parked_until: FloatArray

    @classmethod
    def of(cls, problem: DesignProblem, rows: IntArray) -> Segments:
        """Return some segments of a problem."""
        caseload = problem.programme.caseload
        worth = SegmentContext.of(problem.programme).outcome_value_gbp
        with np.errstate(divide="ignore", invalid="ignore"):
            bare = caseload.parking_threshold_gbp[rows] / problem.price_weight[rows]
        return cls(
            group=caseload.group_index[rows],
            people=caseload.participants[rows],
            weight=problem.price_weight[rows],
            reach=(caseload.ceiling_rate - problem.idle_rate)[rows],
            scale=caseload.response_scale_gbp[rows],
            value=np.zeros(rows.size) if worth is None else worth[rows],
            threshold=problem.helping_price_gbp[rows],
            bare=bare,
            parked_until=problem.parking_price_gbp[rows],
        )


@dataclass(frozen=True, slots=True, eq=False)
class Form:
    """What segments add to the loss of their group, each an array with an entry a segment.

    Attributes
    ----------
    start : array
        The price from which on they are helped, or no longer parked.
    constant, linear : array
        Coefficients of 1 and pi below it.
    log, reciprocal : array
        Coefficients of ln pi and 1/pi above it; their constants follow, that part of the loss being continuous.
    until : array or None
        The price from which on nothing more is added.
    """

    start: FloatArray
    constant: FloatArray
    linear: FloatArray
    log: FloatArray
    reciprocal: FloatArray
    until: FloatArray | None = None

    @classmethod
    def made(cls, start: FloatArray, until: FloatArray | None = None, **coefficients: FloatArray) -> Form:
        """Return a form in which the coefficients that are not given are nothing."""
        none = np.zeros(start.size)
        parts = {name: coefficients.get(name, none) for name in ("constant", "linear", "log", "reciprocal")}
        return cls(start=start, until=until, **parts)

    def weighted(self, weight: float) -> Form:
        """Return the form of the loss times a weight above 0."""
        parts = ("constant", "linear", "log", "reciprocal")
        return replace(self, **{name: weight * getattr(self, name) for name in parts})


def has_form(aim: Objective) -> bool:
    """Whether an objective has a closed form in the list price that is convex between two bends.

    The loss of net social value bends both ways; beside first-pound loss, which falls on, it has no least value that
    would tell where.
    """
    kinds = [type(term) for _, term in aim.parts]
    mixed = any(issubclass(kind, NetSocialValue) for kind in kinds) and any(
        issubclass(kind, FirstPoundLoss) for kind in kinds
    )
    return all(issubclass(kind, _KNOWN) for kind in kinds) and not mixed


def forms_of(aim: Objective, who: Segments) -> list[Form]:
    """Return the form of each term of an objective, with its weight.

    Raises
    ------
    UnsupportedModelError
        For objectives without a closed form.
    """
    return [form_of(term, who).weighted(abs(weight)) for weight, term in aim.parts]


def form_of(aim: Objective, who: Segments) -> Form:
    """Return the loss of one term: n times it, with the sign turned where more is better.

    Raises
    ------
    UnsupportedModelError
        For objectives without a closed form.

    Examples
    --------
    >>> one = np.ones(1)
    >>> at = 2000 * one
    >>> who = Segments(np.zeros(1, dtype=int), 100 * one, one, .3 * one, 600 * one, 0 * one, at, at, at)
    >>> form_of(FirstPoundLoss(), who).linear.tolist()  # of 100 (1 - pi/2000)
    [-0.05]
    """
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):  # where nobody is reached
        return _form(aim, who)


def _form(aim: Objective, who: Segments) -> Form:
    spread = who.people * who.scale  # n kappa, which is n w Delta tau_0
    match aim:
        case Parked():  # n while parked
            return Form.made(who.parked_until, constant=who.people)
        case FirstPoundLoss():  # n (1 - pi/tau) below tau
            return Form.made(who.threshold, linear=-who.people / who.threshold)
        case SupportShortfall(standard_gbp=standard):  # n (standard - kappa ln(pi/tau_0)) until that is nothing
            until = np.maximum(who.bare * np.exp(standard / who.scale), who.threshold)
            return Form.made(who.threshold, until, log=-spread)
        case TotalSupport():  # -n kappa ln(pi/tau_0)
            return Form.made(who.threshold, log=-spread)
        case AdditionalOutcomes():  # -n Delta (1 - tau_0/pi)
            return Form.made(who.threshold, reciprocal=spread / who.weight)
        case NetSocialValue():  # -n (v Delta (1 - tau_0/pi) - kappa ln(pi/tau_0))
            return Form.made(who.threshold, log=spread, reciprocal=who.value * spread / who.weight)
    raise UnsupportedModelError(f"{aim.name} has no closed form in the list price; try method='columns'")
