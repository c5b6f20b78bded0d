"""The price a payer chooses for those it pays: closed forms where there are some, a global search where there is none.

A payer to whom an outcome is worth w keeps ``(w - y) P(y)`` per participant. P jumps where paying anything starts
to help, so the best price is not found by following a slope: below a threshold it is best to pay nothing and keep
the windfall.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import lambertw

from pbr_opt.market.responses import HaraResponse
from pbr_opt.quantities import FloatArray, IntArray

__all__ = [
    "DECLINED_GBP",
    "GroupTerms",
    "Payee",
    "best_group_price",
    "best_piece_rate",
    "largest",
    "maximise_on_grid",
    "piece_rate_threshold_gbp",
]

_POINTS: Final = 129
_REFINED: Final = 9
_ROUNDS: Final = 12
"""129 points, then 12 times 9 round each place that may hold the best: hills end at 1e-9 of the price, steps below."""
_LOOKED_AT: Final = 9
"""Prices that must leave everybody unmoved before a search is left out; the rate rises with the price as a rule."""
_HILLS: Final = 2
_STEPS: Final = 2
"""How many local maxima, and how many jumps upward, of the first grid are looked into."""
_ON_A_STEP: Final = 8
"""Jumps are closed in on so many times: a price a billionth above one is safe from rounding, one upon it is not."""
_STEEP: Final = 4.0
"""A rise this many times those beside it is taken for a jump."""
DECLINED_GBP: Final = 1e-6
"""A referral that loses its payee more than this is declined: break-even prices are right to many more digits."""
_ABOVE: Final = 1e-12
"""Break-even prices are rounded up: one that is short by the last digit would be declined."""
_NEARLY: Final = 1.0 - 1e-9
"""A price that earns this share of what is needed is near enough to break-even for that to be worked out."""
_LEAST_KEPT: Final = 1e-12
"""A payee whose payments are all eaten by waiting needs a price without bound; this keeps it a number."""
_FAR_BELOW: Final = -1e30
"""Stands for minus infinity where differences are taken."""
_BETTER: Final = 1e-12
"""A later option must be better by this, relatively, to be taken: ties go to the first and not to rounding."""


@dataclass(frozen=True, slots=True, eq=False)
class Payee:
    """What a payer knows of whoever it pays.

    Attributes
    ----------
    reply : callable
        For prices of shape (..., segments): P(y) of its whole branch, and what it makes of a referral, GBP per
        participant (it may decline).
    response : HaraResponse or None
        How segments respond to it, when it delivers alone with b = 0 and no minimum service, so that the best price
        has a closed form; None otherwise.
    needed_gbp : array (segments,)
        What a referral must earn it from outcomes, net of support, for it to accept; capital at its price.
    mission_gbp, haircut, dearth : float
        m, zeta and 1 + lambda.
    """

    reply: Callable[[FloatArray], tuple[FloatArray, FloatArray]]
    needed_gbp: FloatArray
    response: HaraResponse | None
    mission_gbp: float
    haircut: float
    dearth: float


def largest(values: FloatArray) -> IntArray:
    """Return the position of the largest along the first axis; what is larger by rounding alone does not count.

    >>> largest(np.array([[1.0, 2.0], [1.0 + 1e-15, 3.0]])).tolist()
    [0, 1]
    """
    best = np.zeros(values.shape[1:], dtype=np.int64)
    top = values[0]
    for k in range(1, values.shape[0]):
        ahead = values[k] > top + _BETTER * np.maximum(np.abs(values[k]), 1.0)
        best = np.where(ahead, k, best)
        top = np.where(ahead, values[k], top)
    return best


def piece_rate_threshold_gbp(response: HaraResponse) -> FloatArray:
    """Return R1 = kappa / (sqrt(p1) - sqrt(p0))**2, for b = 0.

    An intermediary that is paid less per outcome pays nothing, parks everyone and keeps the windfall.

    >>> one = np.array([.12]), np.array([.42]), np.array([600.]), np.array([0.])
    >>> round(piece_rate_threshold_gbp(HaraResponse(*one)).item())
    6593
    """
    with np.errstate(divide="ignore"):
        return np.asarray(
            response.response_scale_gbp / (np.sqrt(response.ceiling_rate) - np.sqrt(response.deadweight_rate)) ** 2
        )


def best_piece_rate(
    payee: Payee, worth_gbp: FloatArray, least_gbp: FloatArray | float = 0.0, *, free: bool = True
) -> FloatArray:
    """Return the price per outcome, for each segment, that is best for a payer to whom an outcome is worth w.

    In terms of what an outcome is worth to the payee, ``x = (y (1 - zeta) + m)/(1 + lambda)``, the payer maximises
    ``(w' - x) P(x)`` with ``w' = (w (1 - zeta) + m)/(1 + lambda)``. With b = 0, ``x = sqrt(w' kappa/p1)`` where that
    beats paying the least; otherwise searched for. The least is ``least_gbp`` (a protected share) or, for a payee that
    is ``free`` to decline, what a referral costs it. Nobody pays more for an outcome than it is worth to him, unless
    the contract says so.
    """
    lowest = np.asarray(least_gbp, dtype=np.float64)
    lowest = lowest if lowest.shape == worth_gbp.shape else np.broadcast_to(lowest, worth_gbp.shape)
    needy = free and (payee.mission_gbp > 0.0 or bool((payee.needed_gbp > 0.0).any()))
    if payee.response is None or (needy and payee.mission_gbp > 0.0):  # what it does is not what earns it most
        return _searched_piece_rate(payee, worth_gbp, lowest, free)
    if needy:
        most = np.maximum(worth_gbp, lowest)
        lowest = np.maximum(lowest, np.minimum(_break_even(payee, payee.response, most), most))
    return _closed_piece_rate(payee, payee.response, worth_gbp, lowest)


def _searched_piece_rate(payee: Payee, worth_gbp: FloatArray, lowest_gbp: FloatArray, free: bool) -> FloatArray:
    """Return the best price by search, where the payee could be moved at all.

    Where none of some prices up to all that an outcome is worth moves anybody below, the least is best: deep in a
    chain most prices are of that kind, and searches within searches end at once.
    """
    shape = worth_gbp.shape
    worth, best = worth_gbp.reshape(-1, shape[-1]), np.array(lowest_gbp).reshape(-1, shape[-1])
    some = best + _upright(np.linspace(0.0, 1.0, _LOOKED_AT), 2) ** 2 * (np.maximum(worth, best) - best)
    rates, margins = payee.reply(some)
    idle = (rates <= rates[0]).all(axis=0) & ((margins[0] >= -DECLINED_GBP) | (not free))
    rows = np.flatnonzero(~idle.all(axis=-1))
    moved, lowest = worth[rows], best[rows]

    def kept(price: FloatArray) -> FloatArray:
        rate, margin = payee.reply(price)
        value = (moved - price) * rate
        return np.where(margin < -DECLINED_GBP, -np.inf, value) if free else value

    if rows.size:
        best[rows] = maximise_on_grid(kept, np.maximum(moved, lowest), lowest)
    return best.reshape(shape)


def _break_even(payee: Payee, response: HaraResponse, most_gbp: FloatArray) -> FloatArray:
    """Return the price at which a referral earns the payee what it needs (b = 0, no mission).

    Below the threshold it earns ``x p0``; above, ``p1 x - kappa - kappa ln(x/x_park)``, inverted by Lambert's function:
    ``x - a ln x = c`` has the root ``-a W_-1(-exp(-c/a)/a)`` above a, with ``a = kappa/p1``. Infinite where the most
    that anybody would pay earns too little: nine in ten segments of a chain, and the function is a slow one. Of a payee
    whose capital is short, in pounds that cost it 1 + lambda.
    """
    need = np.maximum(payee.needed_gbp, 0.0) / payee.dearth
    kept = max(1.0 - payee.haircut, _LEAST_KEPT) / payee.dearth
    threshold, scale, ceiling = response.parking_threshold_gbp, response.response_scale_gbp, response.ceiling_rate
    most = most_gbp.reshape(-1, need.size).max(axis=0) * kept
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        idle = need / response.deadweight_rate
        earned = ceiling * most - scale - scale * np.log(most / threshold)
        price = np.where(idle <= threshold, idle, np.inf)
        rows = np.flatnonzero((idle > threshold) & (most >= threshold) & (earned >= need * _NEARLY))
        a = (scale / ceiling)[rows]
        c = need[rows] / ceiling[rows] + a * (1.0 - np.log(threshold[rows]))
        price[rows] = -a * np.real(lambertw(-np.exp(-c / a) / a, k=-1))
    price[np.isnan(price)] = np.inf
    return np.where(need > 0.0, price / kept * (1.0 + _ABOVE), 0.0)


def _closed_piece_rate(
    payee: Payee, response: HaraResponse, worth_gbp: FloatArray, lowest_gbp: FloatArray
) -> FloatArray:
    """Return the best price of at least ``lowest_gbp``: that one, or the one that helps most for the money."""
    kept = 1.0 - payee.haircut
    if kept <= 0.0:  # late payment eats everything: no price moves the payee
        return np.array(lowest_gbp)
    mission, scale, ceiling = payee.mission_gbp, response.response_scale_gbp, response.ceiling_rate
    worth = (worth_gbp * kept + mission) / payee.dearth
    floor = (lowest_gbp * kept + mission) / payee.dearth
    threshold = response.parking_threshold_gbp
    with np.errstate(divide="ignore", invalid="ignore"):
        wanted = np.maximum(np.sqrt(worth * scale / ceiling), np.maximum(threshold, floor))
        induced = (worth - wanted) * (ceiling - scale / wanted)
        idle = (worth - floor) * np.where(floor > threshold, ceiling - scale / floor, response.deadweight_rate)
    pays = np.isfinite(threshold) & (wanted > floor) & (wanted < worth) & (induced > idle)
    return np.where(pays, (wanted * payee.dearth - mission) / kept, lowest_gbp)


def best_group_price(
    payee: Payee, worth_gbp: FloatArray, people: FloatArray, group_index: IntArray, terms: GroupTerms
) -> FloatArray:
    """Return one price per outcome for each payment group, repeated for its segments, that is best for the payer.

    Parameters
    ----------
    payee : Payee
        Who is paid.
    worth_gbp : array (..., segments)
        w, what an outcome is worth to the payer.
    people : array (segments,)
        Participants the payer has.
    group_index : array of int (segments,)
        Payment group of each segment.
    terms : GroupTerms
        What else the payer could do, and the least it must pay.
    """
    groups = np.unique(group_index)
    row = np.searchsorted(groups, group_index)
    members = [np.flatnonzero(row == g) for g in range(groups.size)]

    def highest(values: FloatArray) -> FloatArray:
        return np.stack([values[..., rows].max(axis=-1) for rows in members], axis=-1)

    def kept(price: FloatArray) -> FloatArray:
        there = price[..., row]
        rate, margin = payee.reply(there)
        value = np.asarray((worth_gbp - there) * rate)
        if terms.elsewhere_gbp is not None:
            value = np.where(margin < -DECLINED_GBP, terms.left_gbp, np.maximum(value, terms.elsewhere_gbp))
        return np.asarray(np.stack([value[..., rows] @ people[rows] for rows in members], axis=-1))

    lowest = highest(np.broadcast_to(np.asarray(terms.least_gbp, dtype=np.float64), worth_gbp.shape))
    return np.asarray(maximise_on_grid(kept, np.maximum(highest(worth_gbp), lowest), lowest)[..., row])


@dataclass(frozen=True, slots=True, eq=False)
class GroupTerms:
    """What bears on one price for a group, besides the payee.

    Attributes
    ----------
    elsewhere_gbp : array (..., segments) or None
        What the payer makes of a participant whom it does not refer here, before the fees of this contract; None when
        it must refer everybody (an end-to-end contract).
    left_gbp : array (..., segments) or float
        The same for one whom the payee declines.
    least_gbp : array (..., segments) or float
        Prices below this are not allowed.
    """

    elsewhere_gbp: FloatArray | None
    left_gbp: FloatArray | float = 0.0
    least_gbp: FloatArray | float = 0.0


def maximise_on_grid(
    value: Callable[[FloatArray], FloatArray], highest: FloatArray, lowest: FloatArray | float = 0.0
) -> FloatArray:
    """Return, element by element, where a function on [lowest, highest] is largest, by a grid that is refined.

    The best two hills of the first grid and its best two jumps upward are looked into, and both ends are always tried:
    a payee that starts to help at some price makes a function whose largest value may stand just there, on a step.
    Prices are tried side by side along new first axes.

    >>> maximise_on_grid(lambda y: -(y - 3.0) ** 2, np.array([10.0])).round(6).tolist()
    [3.0]
    >>> step = maximise_on_grid(lambda y: np.where(y < 3.0, 1.0 - y / 10, 1.0005 - (y - 3.0)), np.array([10.0]))
    >>> step.round(6).tolist()
    [3.0]
    """
    share = np.linspace(0.0, 1.0, _POINTS) ** 2  # finer at low prices, where thresholds lie close together
    tried = lowest + _upright(share, highest.ndim) * (highest - lowest)
    values = value(tried)
    at = np.argmax(values, axis=0)[None]
    best, top = _pick(tried, at), _pick(values, at)
    low, high = _places(tried, values)
    inner = _upright(np.linspace(0.0, 1.0, _REFINED), highest.ndim + 1)
    for number in range(_ROUNDS):
        tried = low + inner * (high - low)
        values = value(tried)
        at = np.argmax(values, axis=0)[None]
        found, reached = _pick(tried, at), _pick(values, at)
        for place in range(_HILLS + _STEPS):
            best = np.where(reached[place] > top, found[place], best)
            top = np.maximum(top, reached[place])
        start = np.maximum(at[0] - 1, 0)
        stop = np.minimum(at[0] + 1, _REFINED - 1)
        if number < _ON_A_STEP:
            jump = np.argmax(_rises(values), axis=0)
            start[_HILLS:], stop[_HILLS:] = jump[_HILLS:], jump[_HILLS:] + 1
        else:
            start[_HILLS:], stop[_HILLS:] = 0, _REFINED - 1
        low, high = _pick(tried, start[None]), _pick(tried, stop[None])
    return np.asarray(best)


def _places(tried: FloatArray, values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return where the best hills and then the best jumps lie, lower and upper ends, along a new first axis."""
    last = tried.shape[0] - 1
    rises = _rises(values)
    beside = np.maximum(np.abs(_shifted(rises, -1, 0.0)), np.abs(_shifted(rises, 1, 0.0)))
    worthwhile = values[1:] + np.maximum(-_shifted(rises, 1, 0.0), 0.0)  # carried on to the left end of the step
    steps = np.where(rises > _STEEP * beside, worthwhile, -np.inf)
    peak = (values >= _shifted(values, -1, -np.inf)) & (values >= _shifted(values, 1, -np.inf))
    ends = [(np.maximum(k - 1, 0), np.minimum(k + 1, last)) for k in _top(np.where(peak, values, -np.inf), _HILLS)]
    ends += [(k, k + 1) for k in _top(steps, _STEPS)]
    low, high = zip(*((_pick(tried, start[None]), _pick(tried, stop[None])) for start, stop in ends), strict=True)
    return np.stack(low), np.stack(high)


def _rises(values: FloatArray) -> FloatArray:
    """Return differences along the first axis; what is not allowed lies below everything."""
    return np.diff(np.where(np.isneginf(values), _FAR_BELOW, values), axis=0)


def _shifted(values: FloatArray, by: int, fill: float) -> FloatArray:
    """Return the neighbours along the first axis: those before (by = -1) or after (by = 1)."""
    answer = np.full_like(values, fill)
    if by < 0:
        answer[1:] = values[:-1]
    else:
        answer[:-1] = values[1:]
    return answer


def _top(values: FloatArray, count: int) -> list[IntArray]:
    """Return the positions of the largest values along the first axis, each place once."""
    left = values.copy()
    answer = []
    for _ in range(count):
        at = np.argmax(left, axis=0)
        np.put_along_axis(left, at[None], -np.inf, axis=0)
        answer.append(at)
    return answer


def _pick(array: FloatArray, where: IntArray) -> FloatArray:
    return np.asarray(np.take_along_axis(array, where, axis=0)[0])


def _upright(numbers: FloatArray, ndim: int) -> FloatArray:
    """Return numbers along a new first axis before ``ndim`` others."""
    return numbers.reshape((-1, *([1] * ndim)))
