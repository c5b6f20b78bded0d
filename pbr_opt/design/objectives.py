"""What a design is to achieve: each term written once, per participant, to optimise and to evaluate."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
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
    "WorstServed",
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
    Every term but net social value moves one way with the price of its own group (a property test checks it), which is
    what makes bounds on price cells rigorous; that one says itself what a cell can bring (``least_loss``).

    Objectives can be weighted and added: ``2 * Parked() - AdditionalOutcomes() / 1000`` is something to minimise. The
    sum is taken as written, so that all its terms must pull the same way: what is better when more takes a minus sign
    in something to minimise.

    >>> aim = 2 * Parked() - AdditionalOutcomes() / 1000
    >>> aim.better, aim.name
    (-1, '2 people parked - 0.001 additional outcomes')
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

    def least_loss(self, left: BestResponse, right: BestResponse, context: SegmentContext) -> FloatArray:
        """Return the least loss (less is better) per participant at any price between two, by segment."""
        return -self.better * self.per_participant(right, context)

    @property
    def parts(self) -> tuple[tuple[float, Objective], ...]:
        """Return weights and terms of a sum; one of weight 1 otherwise."""
        return ((1.0, self),)

    def __mul__(self, weight: float) -> Objective:
        """Return the objective with a weight."""
        if not isinstance(weight, (int, float, np.integer, np.floating)):
            return NotImplemented
        return _WeightedSum(tuple((float(weight) * w, term) for w, term in self.parts))

    __rmul__ = __mul__

    def __truediv__(self, divisor: float) -> Objective:
        """Return the objective divided by a number."""
        return self * (1.0 / divisor if divisor else np.nan)

    def __neg__(self) -> Objective:
        """Return the objective turned round: what was to be maximised is to be minimised."""
        return self * -1.0

    def __add__(self, other: Objective) -> Objective:
        """Return the sum of two objectives."""
        if not isinstance(other, Objective):
            return NotImplemented
        return _WeightedSum((*self.parts, *other.parts))

    def __sub__(self, other: Objective) -> Objective:
        """Return the difference of two objectives."""
        if not isinstance(other, Objective):
            return NotImplemented
        return self + -other


@dataclass(frozen=True)
class _WeightedSum(Objective):
    """Weighted terms, added up; made by the operators of objectives."""

    terms: tuple[tuple[float, Objective], ...]
    name: ClassVar[str] = "weighted sum"
    unit: ClassVar[str] = "weighted"
    better: ClassVar[int] = -1

    def __post_init__(self) -> None:
        """Check that weights are numbers and that all terms pull the same way."""
        check = Inspection("a weighted sum of objectives")
        merged: dict[Objective, float] = {}
        for weight, term in self.terms:
            merged[term] = merged.get(term, 0.0) + weight
        for term, weight in merged.items():
            if not np.isfinite(weight) or weight == 0.0:
                check.fault(term.name, weight, "a weight that is a finite number other than 0")
            elif isinstance(term, WorstServed):
                check.fault(
                    term.name, f"weight {weight:g}", "sums over participants; it is none", "MaxParkedShare(...)"
                )
        pulls = {term.name: int(np.sign(weight)) * term.better for term, weight in merged.items()}
        if not check.faults and len(set(pulls.values())) > 1:
            up, down = ([name for name, pull in pulls.items() if pull == way] for way in (1, -1))
            given = f"{', '.join(up)} to be maximised and {', '.join(down)} to be minimised"
            check.fault("signs", given, "terms that pull the same way", "2 * Parked() - AdditionalOutcomes() / 1000")
        check.finish()
        object.__setattr__(self, "terms", tuple((weight, term) for term, weight in merged.items()))
        object.__setattr__(self, "better", next(iter(pulls.values())))
        object.__setattr__(self, "name", self._written(lambda term: term.name))

    def _written(self, word: Callable[[Objective], str]) -> str:
        shown = " ".join(f"{'-' if weight < 0 else '+'} {abs(weight):g} {word(term)}" for weight, term in self.terms)
        return shown.removeprefix("+ ")

    def __str__(self) -> str:
        """Return the sum as it is written."""
        return self._written(str)

    @property
    def parts(self) -> tuple[tuple[float, Objective], ...]:
        """Return weights and terms."""
        return self.terms

    def per_participant(self, behaviour: BestResponse, context: SegmentContext) -> FloatArray:
        """Return the weighted sum of the terms."""
        parts = [weight * term.per_participant(behaviour, context) for weight, term in self.terms]
        return np.asarray(sum(parts[1:], parts[0]))

    def least_loss(self, left: BestResponse, right: BestResponse, context: SegmentContext) -> FloatArray:
        """Return the weighted sum of the least losses."""
        parts = [abs(weight) * term.least_loss(left, right, context) for weight, term in self.terms]
        return np.asarray(sum(parts[1:], parts[0]))


@dataclass(frozen=True)
class WorstServed(Objective):
    """Parked share of the group where it is largest: nobody's group is to be left behind (max-min).

    Not a sum over participants: of all tariffs whose largest parked share is least, the cheapest is returned.

    >>> WorstServed().better
    -1
    """

    name: ClassVar[str] = "largest parked share of any group"
    unit: ClassVar[str] = "of its people"
    better: ClassVar[int] = -1

    def per_participant(self, behaviour: BestResponse, context: SegmentContext) -> FloatArray:
        """Refuse: the worst-served group is not known participant by participant."""
        raise UnsupportedModelError(
            "WorstServed is no sum over participants; try Parked() with limits=[MaxParkedShare(...)], or WorstServed() "
            "by itself with method='auto'"
        )

    def total(self, evaluation: Evaluation) -> float:
        """Return the largest parked share of any group."""
        return float(evaluation.group_parked_share.max())


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

    def least_loss(self, left: BestResponse, right: BestResponse, context: SegmentContext) -> FloatArray:
        """Return the support of the lower price less what the outcomes of the higher are worth."""
        return left.support_gbp - right.support_gbp - self.per_participant(right, context)
