"""What a design is to achieve: each term written once, per participant, to optimise and to evaluate."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from pbr_opt.equilibrium.best_response import BestResponse
from pbr_opt.errors import UnsupportedModelError
from pbr_opt.evaluation import Evaluation
from pbr_opt.market.programme import Programme
from pbr_opt.quantities import FloatArray, Inspection

__all__ = [
    "AdditionalOutcomes",
    "FirstPoundLoss",
    "NetSocialValue",
    "Objective",
    "Parked",
    "SegmentContext",
    "SupportShortfall",
    "TotalSupport",
]


@dataclass(frozen=True)
class SegmentContext:
    """What a term may need of the segments beyond behaviour: their deadweight, and the value of an outcome."""

    deadweight_rate: FloatArray
    outcome_value_gbp: FloatArray | None

    @classmethod
    def of(cls, programme: Programme) -> SegmentContext:
        """Return what the terms need of a programme's segments."""
        value, row = programme.outcome_value_gbp, programme.caseload.group_index
        return cls(programme.caseload.deadweight_rate, None if value is None else value[row])


class Objective(ABC):
    """A sum over participants of one term.

    Subclasses give ``per_participant``; ``total`` follows. ``better`` is -1 where less is better and +1 where more is.
    Every term moves one way with the price of its own group (a property test checks it), which is what makes bounds on
    price cells rigorous.
    """

    name: ClassVar[str]
    unit: ClassVar[str]
    better: ClassVar[int]

    @abstractmethod
    def per_participant(self, behaviour: BestResponse, context: SegmentContext) -> FloatArray:
        """Return the term for each segment, shape (..., segments)."""

    def total(self, evaluation: Evaluation) -> float:
        """Return the objective of an evaluation: the sum over participants."""
        programme = evaluation.rows
        term = self.per_participant(evaluation.behaviour, SegmentContext.of(programme))
        return float(programme.caseload.participants @ term)


@dataclass(frozen=True)
class Parked(Objective):
    """People parked: those for whom the first pound of support does not pay its provider.

    A headcount: a design that minimises it may leave many on the threshold with next to no help (see the token help
    share), so look at :class:`SupportShortfall` beside it.

    >>> Parked().better
    -1
    """

    name: ClassVar[str] = "people parked"
    unit: ClassVar[str] = "people"
    better: ClassVar[int] = -1

    def per_participant(self, behaviour: BestResponse, context: SegmentContext) -> FloatArray:
        """Return 1 where parked and 0 elsewhere."""
        return behaviour.parked.astype(np.float64)


@dataclass(frozen=True)
class FirstPoundLoss(Objective):
    """Sum of L = max(0, 1 - x/x_park), the incentive to park. Convex in prices, but only a proxy for people parked."""

    name: ClassVar[str] = "first-pound loss"
    unit: ClassVar[str] = "people-equivalents"
    better: ClassVar[int] = -1

    def per_participant(self, behaviour: BestResponse, context: SegmentContext) -> FloatArray:
        """Return L."""
        return behaviour.first_pound_loss


@dataclass(frozen=True)
class SupportShortfall(Objective):
    """Sum of max(0, standard - e): how far support falls short of what everybody ought to get.

    Parameters
    ----------
    standard_gbp : float
        Support that everybody ought to get, GBP per participant, above 0.

    Raises
    ------
    InvalidInputError
        For a standard that is not a finite number above 0.
    """

    standard_gbp: float
    name: ClassVar[str] = "support shortfall"
    unit: ClassVar[str] = "GBP"
    better: ClassVar[int] = -1

    def __post_init__(self) -> None:
        """Check the standard."""
        check = Inspection("SupportShortfall")
        standard = check.number("standard_gbp", self.standard_gbp)
        if standard == 0.0 and not check.faults:
            check.fault("standard_gbp", 0.0, "a finite amount above £0 per participant")
        check.finish()
        object.__setattr__(self, "standard_gbp", standard)

    def per_participant(self, behaviour: BestResponse, context: SegmentContext) -> FloatArray:
        """Return max(0, standard - e)."""
        return np.maximum(self.standard_gbp - behaviour.support_gbp, 0.0)


@dataclass(frozen=True)
class TotalSupport(Objective):
    """Sum of e: pounds of support that reach participants. Blind to who gets them."""

    name: ClassVar[str] = "total support"
    unit: ClassVar[str] = "GBP"
    better: ClassVar[int] = +1

    def per_participant(self, behaviour: BestResponse, context: SegmentContext) -> FloatArray:
        """Return e."""
        return behaviour.support_gbp


@dataclass(frozen=True)
class AdditionalOutcomes(Objective):
    """Sum of P - p0: outcomes that would not have come without support."""

    name: ClassVar[str] = "additional outcomes"
    unit: ClassVar[str] = "outcomes"
    better: ClassVar[int] = +1

    def per_participant(self, behaviour: BestResponse, context: SegmentContext) -> FloatArray:
        """Return P - p0."""
        return behaviour.outcome_rate - context.deadweight_rate


@dataclass(frozen=True)
class NetSocialValue(Objective):
    """Sum of v (P - p0) - e: what additional outcomes are worth less the support they take; payments are transfers.

    The only objective here that does not move one way with the price: beyond v more support costs more than it brings.
    """

    name: ClassVar[str] = "net social value"
    unit: ClassVar[str] = "GBP"
    better: ClassVar[int] = +1

    def per_participant(self, behaviour: BestResponse, context: SegmentContext) -> FloatArray:
        """Return v (P - p0) - e."""
        if context.outcome_value_gbp is None:
            raise UnsupportedModelError(
                "NetSocialValue needs to know what an additional outcome is worth; wanted: a programme with "
                "outcome_value_gbp; try: programme.replace(outcome_value_gbp=10_000)"
            )
        gained = behaviour.outcome_rate - context.deadweight_rate
        return context.outcome_value_gbp * gained - behaviour.support_gbp
