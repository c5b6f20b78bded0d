"""How a tariff is judged, people first.

Every number has its formula in the docstring of :class:`Metrics`. Identities that hold to rounding: outcome payments =
windfall + incremental payments; rent = spend - support; spend = attachment fees + outcome payments + bonuses.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from pbr_opt.equilibrium.best_response import BestResponse, first_best_support_gbp
from pbr_opt.market.accelerator import Accelerator
from pbr_opt.market.caseload import Caseload
from pbr_opt.market.programme import Programme
from pbr_opt.market.tariffs import Tariff
from pbr_opt.quantities import FloatArray

__all__ = ["TOKEN_SUPPORT_GBP", "Creaming", "Metrics", "ease_interval", "measure", "measure_creaming"]

TOKEN_SUPPORT_GBP = 25.0
"""Support below this is called token help: about an hour of an adviser's time, with overheads, in 2011 prices
(assumed). A tariff that is designed to park fewer people leaves some of them exactly on the threshold, where help
is next to nothing; this shows how many."""

_TINY = 1e-300
"""Keeps a division of nothing by nothing at nothing (an empty group)."""

_FLAT = 1e-12
"""Ranks that spread less than this are one rank: a slope on them is rounding."""


@dataclass(frozen=True, slots=True)
class Creaming:
    """How unequal help is inside payment groups, where the Department cannot see.

    Ease of help is 1/x_park, ranked inside each group from 0 (hardest) to 1 (easiest), ties sharing their mean rank.

    Attributes
    ----------
    concentration_index : float
        2 cov(e, rank)/mean(e) inside groups, -1..1; positive when support goes to the easiest. 0 without any support.
    quintile_ratio : float
        Mean support of the easiest fifth of each group over that of the hardest fifth; infinite when these get nothing.
    coverage_gradient : float or None
        Slope, inside groups, of e/e_FB on ease rank, over those whom society would help: unequal help at equal need.
        None without an outcome value.
    """

    concentration_index: float
    quintile_ratio: float
    coverage_gradient: float | None


@dataclass(frozen=True, slots=True)
class Metrics:
    """What a tariff does for people, and what it costs.

    Attributes
    ----------
    participants : float
        People, sum of n.
    spend_gbp, attachment_spend_gbp, outcome_spend_gbp, incentive_spend_gbp : float
        Everything the Department pays; attachment fees; outcome and sustainment payments (sum of n x P); bonuses paid
        to primes for their results.
    outcomes, additional_outcomes : float
        Sum of n P, and of n (P - p0).
    cost_per_outcome_gbp, cost_per_additional_outcome_gbp : float
        Spend over each; infinite when there are none.
    parked_share : float
        Share of people parked.
    inefficiently_parked_share : float or None
        Share parked although v > x_park: help would have paid society. None without an outcome value.
    token_help_share : float
        Share not parked whose support is below ``TOKEN_SUPPORT_GBP``.
    first_pound_loss : float
        Mean of L = max(0, 1 - x/x_park).
    total_support_gbp, mean_support_gbp : float
        Discretionary support bought by providers, and per participant.
    support_gap_gbp : float or None
        Mean shortfall max(0, e_FB - e) to the support society would buy, e_FB = best response to v. None without v.
    worst_served_group : str
        Group with the highest parked share; ties go to the one with less support a head.
    worst_served_parked_share : float
        Its parked share.
    creaming : Creaming
        Unequal help inside groups.
    windfall_gbp, windfall_share : float
        Sum of n x p0, paid for outcomes that would have come anyway; over outcome payments (0 when there are none).
    rent_gbp, rent_share : float
        Spend - support, what providers keep before base service costs; over spend (0 without spend).
    base_service_gbp : float
        Cost of the service that is not discretionary.
    net_social_value_gbp : float or None
        Sum of n (v (P - p0) - e); payments are transfers. None without an outcome value.
    """

    participants: float
    spend_gbp: float
    attachment_spend_gbp: float
    outcome_spend_gbp: float
    incentive_spend_gbp: float
    outcomes: float
    additional_outcomes: float
    cost_per_outcome_gbp: float
    cost_per_additional_outcome_gbp: float
    parked_share: float
    inefficiently_parked_share: float | None
    token_help_share: float
    first_pound_loss: float
    total_support_gbp: float
    mean_support_gbp: float
    support_gap_gbp: float | None
    worst_served_group: str
    worst_served_parked_share: float
    creaming: Creaming
    windfall_gbp: float
    windfall_share: float
    rent_gbp: float
    rent_share: float
    base_service_gbp: float
    net_social_value_gbp: float | None


def _ratio(part: float, whole: float, empty: float) -> float:
    return part / whole if whole > 0 else empty


def measure(
    programme: Programme, payable: Tariff, behaviour: BestResponse, incentive_spend_gbp: float = 0.0
) -> Metrics:
    """Return the metrics of what providers do under a tariff.

    Parameters
    ----------
    programme : Programme
        For people, values and base costs.
    payable : Tariff
        What is actually paid, in the order of the caseload's groups.
    behaviour : BestResponse
        What providers do, per segment.
    incentive_spend_gbp : float, optional
        Bonuses that the Department pays primes for their results, GBP.

    Returns
    -------
    Metrics
        Of the whole programme.
    """
    caseload = programme.caseload
    people, rate, support = caseload.participants, behaviour.outcome_rate, behaviour.support_gbp
    total = caseload.total_participants
    attachment = float(caseload.group_participants @ payable.attachment_fee_gbp)
    outcome_spend = float(people @ behaviour.payment_gbp)
    spend = attachment + outcome_spend + incentive_spend_gbp
    outcomes = float(people @ rate)
    additional = float(people @ (rate - caseload.deadweight_rate))
    total_support = float(people @ support)
    windfall = float(windfall_by_group(programme, payable, behaviour).sum())
    group_parked = caseload.sum_by_group(people * behaviour.parked) / np.maximum(caseload.group_participants, _TINY)
    worst = _worst_served(group_parked, caseload.sum_by_group(people * support), caseload.group_participants)
    inefficient, gap, social = _against_first_best(programme, behaviour)
    return Metrics(
        participants=total,
        spend_gbp=spend,
        attachment_spend_gbp=attachment,
        outcome_spend_gbp=outcome_spend,
        incentive_spend_gbp=incentive_spend_gbp,
        outcomes=outcomes,
        additional_outcomes=additional,
        cost_per_outcome_gbp=_ratio(spend, outcomes, math.inf),
        cost_per_additional_outcome_gbp=_ratio(spend, additional, math.inf),
        parked_share=float(people @ behaviour.parked) / total,
        inefficiently_parked_share=inefficient,
        token_help_share=float(people @ (~behaviour.parked & (support < TOKEN_SUPPORT_GBP))) / total,
        first_pound_loss=float(people @ behaviour.first_pound_loss) / total,
        total_support_gbp=total_support,
        mean_support_gbp=total_support / total,
        support_gap_gbp=gap,
        worst_served_group=caseload.groups[worst],
        worst_served_parked_share=float(group_parked[worst]),
        creaming=measure_creaming(programme, support),
        windfall_gbp=windfall,
        windfall_share=_ratio(windfall, outcome_spend, 0.0),
        rent_gbp=spend - total_support,
        rent_share=_ratio(spend - total_support, spend, 0.0),
        base_service_gbp=float(caseload.group_participants @ programme.base_service_gbp),
        net_social_value_gbp=social,
    )


def windfall_by_group(programme: Programme, payable: Tariff, behaviour: BestResponse) -> FloatArray:
    """Return what each group's outcomes would be paid without any support, GBP, shape (groups,).

    ``sum of n x p0``; with an accelerator at the lower rate, and ``N (t_H - t_L) (mean p0 - q0)+`` on top.

    >>> from pbr_opt.equilibrium.best_response import best_response
    >>> from pbr_opt.market.caseload import Caseload
    >>> people = Caseload(["a"], 100, .1, .4, 500.0)
    >>> beyond = Tariff(["a"], 0, 0, accelerator_threshold=.1, accelerator_fee_gbp=4000)
    >>> behaviour = best_response(people.response, np.array([4000.0]))
    >>> windfall_by_group(Programme("p", people, beyond), beyond, behaviour).tolist()
    [0.0]
    """
    caseload = programme.caseload
    unaided = caseload.participants * caseload.deadweight_rate
    if not payable.has_accelerator:
        return caseload.sum_by_group(unaided * behaviour.price_gbp)
    lower = caseload.sum_by_group(unaided * payable.effective_price_gbp(caseload, programme.discount_rate))
    rate = caseload.sum_by_group(unaided) / np.maximum(caseload.group_participants, _TINY)
    return np.asarray(lower + caseload.group_participants * Accelerator.of(payable).top_up_gbp(rate))


def _worst_served(parked_share: FloatArray, support: FloatArray, people: FloatArray) -> int:
    """Return the group with most parked, of those that have anybody; ties go to the least support a head."""
    per_head = support / np.maximum(people, _TINY)
    order = np.lexsort((per_head, -np.where(people > 0, parked_share, -1.0)))
    return int(order[0])


def _against_first_best(
    programme: Programme, behaviour: BestResponse
) -> tuple[float, float, float] | tuple[None, None, None]:
    """Return inefficiently parked share, mean support gap and net social value; Nones without an outcome value."""
    if programme.outcome_value_gbp is None:
        return None, None, None
    caseload = programme.caseload
    people, total = caseload.participants, caseload.total_participants
    value = programme.outcome_value_gbp[caseload.group_index]
    worth_helping = behaviour.parked & (value > caseload.parking_threshold_gbp)
    gap = np.maximum(first_best_support_gbp(caseload.response, value) - behaviour.support_gbp, 0.0)
    social = value * (behaviour.outcome_rate - caseload.deadweight_rate) - behaviour.support_gbp
    return float(people @ worth_helping) / total, float(people @ gap) / total, float(people @ social)


def measure_creaming(programme: Programme, support_gbp: FloatArray) -> Creaming:
    """Return how unequal support is by ease of help inside payment groups.

    >>> from pbr_opt.market.caseload import Caseload
    >>> people = Caseload(["a", "a"], 100, .1, [.4, .2], 500.0)
    >>> programme = Programme("p", people, Tariff(["a"], 0, 2000))
    >>> measure_creaming(programme, np.array([100.0, 0.0])).concentration_index
    0.5
    """
    start, stop = ease_interval(programme.caseload)
    rank = 0.5 * (start + stop)
    bought = programme.caseload.participants * support_gbp
    total, easiest, hardest = float(bought.sum()), _within(start, stop, 0.8, 1.0), _within(start, stop, 0.0, 0.2)
    easy, hard = float(bought @ easiest), float(bought @ hardest)
    return Creaming(
        concentration_index=_ratio(2.0 * float(bought @ (rank - 0.5)), total, 0.0),
        quintile_ratio=_ratio(easy, hard, math.inf if easy > 0 else 1.0),
        coverage_gradient=_coverage_gradient(programme, support_gbp, rank),
    )


def ease_interval(caseload: Caseload) -> tuple[FloatArray, FloatArray]:
    """Return where each segment lies in its group's order of ease, 0 (hardest) to 1 (easiest), as start and stop.

    Segments of equal ease in a group share one interval, so that nothing depends on the order of rows.

    >>> from pbr_opt.market.caseload import Caseload
    >>> ease_interval(Caseload(["a", "a", "a"], 100, .1, [.4, .2, .2], 500.0))[0].round(4).tolist()
    [0.6667, 0.0, 0.0]
    """
    order = np.lexsort((-caseload.parking_threshold_gbp, caseload.group_index))
    group, threshold = caseload.group_index[order], caseload.parking_threshold_gbp[order]
    first = np.r_[True, (group[1:] != group[:-1]) | (threshold[1:] != threshold[:-1])]
    block = np.cumsum(first) - 1
    people = np.bincount(block, weights=caseload.participants[order])
    whole = np.maximum(caseload.group_participants[group[first]], _TINY)
    below = np.r_[0.0, np.cumsum(caseload.group_participants)][group[first]]
    stop = (np.cumsum(people) - below) / whole
    start = stop - people / whole
    row = np.empty_like(block)
    row[order] = block
    return np.clip(start[row], 0.0, 1.0), np.clip(stop[row], 0.0, 1.0)


def _within(start: FloatArray, stop: FloatArray, low: float, high: float) -> FloatArray:
    """Return the part of each interval that lies between two ranks, as a share of the interval."""
    overlap = np.minimum(stop, high) - np.maximum(start, low)
    return np.asarray(np.maximum(overlap, 0.0) / np.maximum(stop - start, _TINY))


def _coverage_gradient(programme: Programme, support_gbp: FloatArray, rank: FloatArray) -> float | None:
    """Return the participant-weighted slope of e/e_FB on ease rank with group means taken out."""
    if programme.outcome_value_gbp is None:
        return None
    caseload = programme.caseload
    first_best = first_best_support_gbp(caseload.response, programme.outcome_value_gbp[caseload.group_index])
    helped = first_best > 0
    coverage = np.divide(support_gbp, first_best, out=np.zeros_like(first_best), where=helped)
    weight = caseload.participants * helped
    rank = _without_group_mean(caseload, weight, rank)
    coverage = _without_group_mean(caseload, weight, coverage)
    spread = float(weight @ (rank * rank))
    return float(weight @ (rank * coverage)) / spread if spread > _FLAT * float(weight.sum()) else 0.0


def _without_group_mean(caseload: Caseload, weight: FloatArray, values: FloatArray) -> FloatArray:
    mean = caseload.sum_by_group(weight * values) / np.maximum(caseload.sum_by_group(weight), _TINY)
    return np.asarray(values - mean[caseload.group_index])
