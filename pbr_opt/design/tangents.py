"""What a group costs, gets and loses along its list price, with slopes: for every response and mission.

Between two bends of a group (where a segment starts to be helped, is no longer parked, or gets the standard of a
support shortfall) payment is a convex function of the price, support a concave one, and every loss a convex one, plus
support where that is a cost to society. With y = w pi + m what an outcome is worth to a provider at the list price pi::

    dP/dpi = w (1 - b) (p1 - P) / y,    de/dpi = y dP/dpi,    dE/dpi = w P + w pi dP/dpi

where the segment is helped beyond its minimum service, and w P for the last elsewhere. So tangents and chords bound all
three on both sides, closer with the square of the distance of two prices. Needs no supply chain.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from scipy.special import inv_boxcox

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
from pbr_opt.equilibrium.best_response import BestResponse
from pbr_opt.evaluation import respond
from pbr_opt.market.programme import Programme
from pbr_opt.quantities import BoolArray, FloatArray, IntArray

__all__ = ["Curve", "GroupCurves", "has_tangents"]

_BLOCK = 1_000_000
"""Segments times prices evaluated at once: bounds memory to some 8 MB an array."""

_SAME = 1e-12
"""Relative. Support nearer to a standard than this is on it: the price that buys it exactly is off by rounding."""

_KNOWN = (Parked, FirstPoundLoss, SupportShortfall, TotalSupport, AdditionalOutcomes, NetSocialValue)


def has_tangents(problem: DesignProblem) -> bool:
    """Whether costs and losses have slopes between bends: any response, no supply chain, objectives of the package."""
    known = all(issubclass(type(term), _KNOWN) for _, term in problem.objective.parts)
    return known and problem.programme.supply_chain is None and problem.step_gbp is None


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """Sums over a group's people at rising list prices, shape (prices,), and slopes, shape (2, prices).

    The first row of the slopes is that towards lower prices, the second that towards higher ones.

    Attributes
    ----------
    price_gbp : array
        List prices.
    cost, support, loss : array
        Outcome payments and support in GBP; the loss without people parked, and without support that counts as a cost.
    parked : array
        The weighted number of people parked just above the price.
    cost_slope, support_slope, loss_slope : array
        Per pound of list price.
    """

    price_gbp: FloatArray
    cost: FloatArray
    support: FloatArray
    loss: FloatArray
    parked: FloatArray
    cost_slope: FloatArray
    support_slope: FloatArray
    loss_slope: FloatArray

    def joined(self, other: Curve) -> Curve:
        """Return the prices of both, rising."""
        order = np.argsort(np.concatenate([self.price_gbp, other.price_gbp]), kind="stable")
        parts = ((getattr(self, column.name), getattr(other, column.name)) for column in fields(Curve))
        return Curve(*(np.concatenate(pair, axis=-1)[..., order] for pair in parts))


@dataclass(frozen=True, slots=True, eq=False)
class GroupCurves:
    """One group alone, as far as curves need it: segments are those of the group.

    Attributes
    ----------
    part : Programme or None
        The group; None where it has nobody.
    objective : Objective
        Whose loss is wanted.
    weight, helped_from, parked_until : array (segments,)
        w, and list prices from which on a segment is helped, and is no longer parked.
    standard_from : array (standards times segments,)
        List prices from which on segments get the standards of support shortfalls.
    slope_at_rest : array (segments,)
        p'(e_min).
    """

    part: Programme | None
    objective: Objective
    weight: FloatArray
    helped_from: FloatArray
    parked_until: FloatArray
    standard_from: FloatArray
    slope_at_rest: FloatArray

    @classmethod
    def of(cls, problem: DesignProblem, group: int) -> GroupCurves:
        """Return one group of a problem that :func:`has_tangents`."""
        caseload = problem.programme.caseload
        rows = np.flatnonzero((caseload.group_index == group) & (caseload.participants > 0.0))
        part = problem.programme.only(caseload.groups[group]) if rows.size else None
        rows = np.flatnonzero(caseload.group_index == group)
        weight, helped = problem.price_weight[rows], problem.helping_price_gbp[rows]
        rest = caseload.response.take(rows).marginal_outcome_rate(problem.least_support_gbp[rows])
        standard = _standard_from(problem, rows)
        return cls(part, problem.objective, weight, helped, problem.parking_price_gbp[rows], standard, rest)

    @property
    def support_weight(self) -> float:
        """Return how much a pound of support adds to the loss by itself: what it costs society."""
        return float(sum(abs(weight) for weight, term in self.objective.parts if isinstance(term, NetSocialValue)))

    def bends(self, lower: float, upper: float) -> FloatArray:
        """Return the prices within a range at which the form of some segment changes, rising."""
        every = np.concatenate([self.helped_from, self.parked_until, self.standard_from])
        return np.unique(every[(every > lower) & (every < upper)])

    def at(self, price_gbp: FloatArray) -> Curve:
        """Return what becomes of the group at list prices, rising; slopes hold up to the nearest bends."""
        if self.part is None:
            none, two = np.zeros(price_gbp.size), np.zeros((2, price_gbp.size))
            return Curve(price_gbp, none, none, none, none, two, two, two)
        block = max(1, _BLOCK // self.weight.size)
        parts = [self._at(self.part, price_gbp[k : k + block]) for k in range(0, max(price_gbp.size, 1), block)]
        return Curve(
            price_gbp, *(np.concatenate([part[k] for part in parts], axis=-1) for k in range(len(fields(Curve)) - 1))
        )

    def _at(self, part: Programme, price: FloatArray) -> list[FloatArray]:
        people, context = part.caseload.participants, SegmentContext.of(part)
        there = respond(part, price[:, None] * self.weight)
        loss = np.zeros(there.support_gbp.shape) - self.support_weight * there.support_gbp
        parked = np.zeros(price.size)
        for weight, term in self.objective.parts:
            if isinstance(term, Parked):
                parked += abs(weight) * ((self.parked_until > price[:, None]) @ people)
            else:
                loss = loss - abs(weight) * term.better * term.per_participant(there, context)
        sides = [self._slopes(part, price[:, None], there, side) for side in (np.less, np.less_equal)]
        cost_slope, support_slope, loss_slope = (np.array([side[k] @ people for side in sides]) for k in range(3))
        sums = [there.payment_gbp @ people, there.support_gbp @ people, loss @ people, parked]
        return [*sums, cost_slope, support_slope, loss_slope]

    def _slopes(self, part: Programme, price: FloatArray, there: BestResponse, passed: np.ufunc) -> list[FloatArray]:
        """Return slopes of cost, support and loss, each (prices, segments), on the side on which bends are passed."""
        response, worth = part.caseload.response, there.price_gbp + there.mission_gbp
        helped: BoolArray = passed(self.helped_from, price)
        near = 1.0 - _SAME if passed is np.less else 1.0 + _SAME
        left = self.weight * (1.0 - response.curvature) * (response.ceiling_rate - there.outcome_rate)
        support = np.where(helped, left, 0.0)
        rate = np.divide(support, worth, out=np.zeros_like(support), where=worth > 0.0)
        cost = self.weight * there.outcome_rate + there.price_gbp * rate
        loss, value = np.zeros_like(support), SegmentContext.of(part).outcome_value_gbp
        for weight, term in self.objective.parts:
            match term:
                case FirstPoundLoss():
                    slope = np.where(helped, 0.0, -self.weight * self.slope_at_rest)
                case SupportShortfall():
                    slope = np.where(passed(term.standard_gbp, there.support_gbp * near), 0.0, -support)
                case TotalSupport():
                    slope = -support
                case AdditionalOutcomes():
                    slope = -rate
                case NetSocialValue():
                    slope = -rate * (0.0 if value is None else value)
                case _:
                    continue
            loss = loss + abs(weight) * slope
        return [cost, support, loss]


def _standard_from(problem: DesignProblem, rows: IntArray) -> FloatArray:
    """Return the list prices from which on segments get the standards of support shortfalls, one after another."""
    programme, caseload = problem.programme, problem.programme.caseload
    standards = [term.standard_gbp for _, term in problem.objective.parts if isinstance(term, SupportShortfall)]
    part = caseload.response.take(rows)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        pull = [inv_boxcox(standard / part.response_scale_gbp, part.curvature) for standard in standards]
        worth = part.parking_threshold_gbp * np.array(pull).reshape(-1, rows.size)
        price = (worth - programme.mission_gbp[caseload.group_index[rows]]) / problem.price_weight[rows]
    return np.asarray(np.where(np.isfinite(price), price, np.inf).ravel())
