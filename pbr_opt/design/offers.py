"""What one group can be offered when more than the price level moves, and what becomes of it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

import numpy as np

from pbr_opt.design.objectives import SegmentContext
from pbr_opt.design.problem import DesignProblem
from pbr_opt.design.states import GroupStates
from pbr_opt.equilibrium.best_response import BestResponse
from pbr_opt.evaluation import respond, respond_to_accelerator
from pbr_opt.market.accelerator import Accelerator
from pbr_opt.market.programme import Programme
from pbr_opt.quantities import SPEND_RELATIVE, BoolArray, FloatArray, IntArray

__all__ = ["Offers", "Outcomes", "played"]

_BLOCK: Final = 400_000
"""Segments times offers evaluated at once."""


@dataclass(frozen=True, slots=True, eq=False)
class Offers:
    """Tariffs and minimum services of one group side by side; each an array with an entry an offer.

    Attributes
    ----------
    outcome_fee_gbp, sustainment_fee_gbp, attachment_fee_gbp : array
        List fees.
    accelerator_threshold, accelerator_fee_gbp : array
        As in :class:`~pbr_opt.market.tariffs.Tariff`.
    minimum_service_gbp : array
        Support that everybody must get, GBP per participant.
    """

    outcome_fee_gbp: FloatArray
    sustainment_fee_gbp: FloatArray
    attachment_fee_gbp: FloatArray
    accelerator_threshold: FloatArray
    accelerator_fee_gbp: FloatArray
    minimum_service_gbp: FloatArray

    def take(self, rows: IntArray) -> Offers:
        """Return some of the offers."""
        return Offers(*(getattr(self, column.name)[rows] for column in fields(self)))


@dataclass(frozen=True, slots=True, eq=False)
class Outcomes:
    """What becomes of a group under each offer: the objective's sum, and what limits look at."""

    achieved: FloatArray
    states: GroupStates


def played(problem: DesignProblem, group: int, offers: Offers) -> tuple[Outcomes, BoolArray]:
    """Return what becomes of one group under many offers, and whether limits on single groups allow each.

    By the exact response of providers; for programmes without a supply chain.
    """
    part = problem.programme.only(problem.base.groups[group])
    sustainments = part.tariff.sustainments(part.caseload, part.discount_rate)
    sums = np.empty((5, offers.outcome_fee_gbp.size))
    context, people = SegmentContext.of(part), part.caseload.participants
    for level in np.unique(offers.minimum_service_gbp):
        served = part.replace(minimum_service_gbp=level)
        mine = np.flatnonzero(offers.minimum_service_gbp == level)
        for rows in np.array_split(mine, max(1, mine.size * people.size // _BLOCK)):
            behaviour = _behaviour(served, offers.take(rows), sustainments)
            terms = (
                behaviour.payment_gbp,
                problem.objective.per_participant(behaviour, context),
                behaviour.parked.astype(np.float64),
                behaviour.support_gbp,
                behaviour.outcome_rate - part.caseload.deadweight_rate,
            )
            sums[:, rows] = [term @ people for term in terms]
    heads = float(people.sum())
    attachment = heads * part.terms.attachment_share * offers.attachment_fee_gbp
    price = offers.outcome_fee_gbp + offers.sustainment_fee_gbp * float(part.tariff.sustainment_max[0])
    states = GroupStates(np.full(price.size, heads), price, attachment, attachment + sums[0], *sums[2:])
    return Outcomes(sums[1], states), _allowed(problem, group, states, price + offers.accelerator_fee_gbp)


def _behaviour(part: Programme, offers: Offers, sustainments: FloatArray) -> BestResponse:
    listed = offers.outcome_fee_gbp[:, None] + offers.sustainment_fee_gbp[:, None] * sustainments
    price, fee = part.terms.outcome_share * listed, part.terms.outcome_share * offers.accelerator_fee_gbp
    if not fee.any():
        return respond(part, price)
    return respond_to_accelerator(part, price, Accelerator(offers.accelerator_threshold[:, None], fee[:, None]))


def _allowed(problem: DesignProblem, group: int, states: GroupStates, upper_price: FloatArray) -> BoolArray:
    """Whether prices lie in the stated range (the upper rate of an accelerator too) and limits on the group hold."""
    lower, upper = (float(bound[group]) for bound in problem.stated_bounds_gbp)
    fine = (states.price_gbp >= lower * (1.0 - SPEND_RELATIVE)) & (upper_price <= upper * (1.0 + SPEND_RELATIVE))
    every = np.full(upper_price.size, group)
    for limit, before in zip(problem.group_limits, problem.before, strict=True):
        fine &= limit.holds(states, before.take(every))
    return fine
