"""Which offers are worth a look when fees move apart, attachment fees, accelerators or minimum services move too.

A menu is the product of a few values of each thing that moves; it is looked at again, closer, round what was chosen.
On a price step with fees alone moving apart the menu is every pair of fees, if they are not too many: then the choice
is proved. The threshold of an accelerator needs no values: providers go for the upper rate exactly while
``(t_H - t_L) q0 <= V(t_H) - V(t_L)``, and a lower threshold only costs more.
"""

from __future__ import annotations

import itertools
from typing import Final

import numpy as np

from pbr_opt.design.offers import Offers
from pbr_opt.design.problem import DesignProblem
from pbr_opt.design.settings import DesignSettings
from pbr_opt.evaluation import respond
from pbr_opt.quantities import FloatArray

__all__ = ["closer_offers", "first_offers", "is_complete"]

_MOST_PAIRS: Final = 60_000
"""Pairs of fees of one group that are all looked at."""
_POINTS: Final = {1: 193, 2: 49, 3: 17, 4: 11, 5: 9, 6: 7}
"""Values of each thing that moves, by how many move."""
_NEAR: Final = 5
"""Values of each when looked at closer."""
_THRESHOLD_STEP: Final = 1e-6
"""Thresholds are rounded down to this: providers are to go for the upper rate, not to be torn."""


def is_complete(problem: DesignProblem, settings: DesignSettings) -> bool:
    """Whether the menus are everything there is: fees apart on a step, few enough to look at every pair."""
    if set(settings.vary) - {"level"} != {"fees"} or problem.step_gbp is None:
        return False
    _, upper = problem.stated_bounds_gbp
    return all(
        _pairs(float(u), problem.step_gbp, int(cap)) <= _MOST_PAIRS
        for u, cap in zip(upper, problem.base.sustainment_max, strict=True)
    )


def _pairs(upper: float, step: float, cap: int) -> float:
    rows = np.floor(upper / step) + 1
    return float(rows * (np.floor(upper / step / cap) + 1) if cap else rows)


def first_offers(problem: DesignProblem, settings: DesignSettings, group: int) -> Offers:
    """Return the first menu of one group."""
    if is_complete(problem, settings):
        return _every_pair(problem, group)
    ranges = _ranges(problem, settings, group)
    points = _POINTS[sum(high > low for low, high in ranges)] if any(high > low for low, high in ranges) else 1
    values = [np.linspace(low, high, points if high > low else 1) for low, high in ranges]
    return _product(problem, settings, group, values)


def closer_offers(problem: DesignProblem, settings: DesignSettings, group: int, chosen: Offers, width: float) -> Offers:
    """Return a menu round a choice; ``width`` is the share of each range on either side."""
    ranges, centre = _ranges(problem, settings, group), _coordinates(problem, settings, group, chosen)
    values = [
        np.unique(
            np.clip(np.append(np.linspace(at - width * (high - low), at + width * (high - low), _NEAR), at), low, high)
        )
        for (low, high), at in zip(ranges, centre, strict=True)
    ]
    return _product(problem, settings, group, values)


def _ranges(problem: DesignProblem, settings: DesignSettings, group: int) -> list[tuple[float, float]]:
    """Return the range of list price, share of sustainment in it, attachment fee, accelerator fee, minimum service."""
    lower, upper = (float(bound[group]) for bound in problem.stated_bounds_gbp)
    base, caseload, moves = problem.base, problem.programme.caseload, settings.vary
    share = float(base.price_mix()[1][group] * base.sustainment_max[group])
    attachment, least = float(base.attachment_fee_gbp[group]), float(problem.programme.minimum_service_gbp[group])
    cost = float(problem.programme.base_service_gbp[group] + caseload.response_scale_gbp.max())
    most = float(caseload.response_scale_gbp[caseload.group_index == group].max(initial=0.0))
    return [
        (lower, upper),
        (0.0, 1.0) if "fees" in moves and base.sustainment_max[group] else (share, share),
        (0.0, max(attachment, 2.0 * cost)) if "attachment" in moves else (attachment, attachment),
        (0.0, upper - lower) if "accelerator" in moves else (0.0, 0.0),
        (least, least + most) if "minimum_service" in moves else (least, least),
    ]


def _coordinates(problem: DesignProblem, settings: DesignSettings, group: int, chosen: Offers) -> list[float]:
    cap = float(problem.base.sustainment_max[group])
    price = chosen.outcome_fee_gbp.item() + chosen.sustainment_fee_gbp.item() * cap
    (_, _), (share, _), *_ = _ranges(problem, settings, group)
    sustained = chosen.sustainment_fee_gbp.item() * cap / price if price > 0 else share
    rest = (chosen.attachment_fee_gbp, chosen.accelerator_fee_gbp, chosen.minimum_service_gbp)
    return [price, sustained, *(each.item() for each in rest)]


def _product(problem: DesignProblem, settings: DesignSettings, group: int, values: list[FloatArray]) -> Offers:
    """Return all combinations, rounded to the price step, each once."""
    price, share, attachment, fee, service = np.array(list(itertools.product(*values))).T
    cap = float(problem.base.sustainment_max[group])
    sustainment = price * share / cap if cap else np.zeros(price.size)
    columns = np.stack([price - sustainment * cap, sustainment, attachment, fee, service], axis=1)
    if problem.step_gbp is not None:
        moving = [True, True, "attachment" in settings.vary, True, "minimum_service" in settings.vary]
        columns[:, moving] = problem.step_gbp * np.rint(columns[:, moving] / problem.step_gbp)
    outcome, sustainment, attachment, fee, service = np.unique(np.maximum(columns, 0.0), axis=0).T
    service = np.maximum(service, problem.programme.minimum_service_gbp[group])
    threshold = _thresholds(problem, group, Offers(outcome, sustainment, attachment, np.zeros(fee.size), fee, service))
    return Offers(outcome, sustainment, attachment, threshold, fee, service)


def _every_pair(problem: DesignProblem, group: int) -> Offers:
    step, cap = problem.step_gbp or 1.0, int(problem.base.sustainment_max[group])
    lower, upper = (float(bound[group]) for bound in problem.stated_bounds_gbp)
    outcome = step * np.arange(np.floor(upper / step) + 1)
    sustainment = step * np.arange(np.floor(upper / step / cap) + 1) if cap else np.zeros(1)
    pairs = np.array(list(itertools.product(outcome, sustainment)))
    price = pairs @ [1.0, float(cap)]
    pairs = pairs[(price >= lower * (1.0 - 1e-9)) & (price <= upper * (1.0 + 1e-9))]
    same = np.ones(len(pairs))
    fixed = (problem.base.attachment_fee_gbp[group] * same, 0.0 * same, 0.0 * same)
    return Offers(pairs[:, 0], pairs[:, 1], *fixed, problem.programme.minimum_service_gbp[group] * same)


def _thresholds(problem: DesignProblem, group: int, offers: Offers) -> FloatArray:
    """Return the highest threshold at which providers still go for the upper rate, 0 where there is none."""
    answer = np.zeros(offers.outcome_fee_gbp.size)
    part = problem.programme.only(problem.base.groups[group])
    sustainments = part.tariff.sustainments(part.caseload, part.discount_rate)
    people = part.caseload.participants / max(part.caseload.total_participants, np.finfo(float).tiny)
    for level in np.unique(offers.minimum_service_gbp):
        served = part.replace(minimum_service_gbp=level)
        rows = np.flatnonzero((offers.minimum_service_gbp == level) & (offers.accelerator_fee_gbp > 0))
        for some in np.array_split(rows, max(1, rows.size * people.size // 400_000)):
            fee = part.terms.outcome_share * offers.accelerator_fee_gbp[some]
            listed = offers.outcome_fee_gbp[some, None] + offers.sustainment_fee_gbp[some, None] * sustainments
            low = part.terms.outcome_share * listed
            values = [respond(served, price).provider_value_gbp @ people for price in (low, low + fee[:, None])]
            gained = np.divide(values[1] - values[0], fee, out=np.zeros(fee.size), where=fee > 0)
            answer[some] = np.floor(np.clip(gained, 0.0, 1.0) / _THRESHOLD_STEP) * _THRESHOLD_STEP
    return answer
