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
    "Payee",
    "best_group_price",
    "best_piece_rate",
    "largest",
    "maximise_on_grid",
    "piece_rate_threshold_gbp",
]

_POINTS: Final = 129
_REFINED: Final = 17
_ROUNDS: Final = 7
"""129 points, then 7 times 17 between the neighbours of the best: the bracket ends below 1e-9 of the price."""
DECLINED_GBP: Final = 1e-6
"""A referral that loses its payee more than this is declined: break-even prices are right to many more digits."""
_ABOVE: Final = 1e-12
"""Break-even prices are rounded up: one that is short by the last digit would be declined."""
_LEAST_KEPT: Final = 1e-12
"""A payee whose payments are all eaten by waiting needs a price without bound; this keeps it a number."""
_BETTER: Final = 1e-12
"""A later option must be better by this, relatively, to be taken: ties go to the first and not to rounding."""


@dataclass(frozen=True, slots=True, eq=False)
class Payee:
    """What a payer knows of whoever it pays.

    Attributes
    ----------
    rate : callable
        P(y) of its whole branch, for prices of shape (..., segments).
    response : HaraResponse or None
        How segments respond to it, when it delivers alone with b = 0 and no minimum service, so that the best price
        has a closed form; None otherwise.
    margin : callable
        What it makes of a referral at a price, GBP per participant: it may decline.
    needed_gbp : array (segments,)
        What a referral must earn it from outcomes, net of support, for it to accept.
    mission_gbp, haircut, dearth : float
        m, zeta and 1 + lambda.
    """

    rate: Callable[[FloatArray], FloatArray]
    margin: Callable[[FloatArray], FloatArray]
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


def best_piece_rate(payee: Payee, worth_gbp: FloatArray, *, free: bool = True) -> FloatArray:
    """Return the price per outcome, for each segment, that is best for a payer to whom an outcome is worth w.

    In terms of what an outcome is worth to the payee, ``x = (y (1 - zeta) + m)/(1 + lambda)``, the payer maximises
    ``(w' - x) P(x)`` with ``w' = (w (1 - zeta) + m)/(1 + lambda)``. With b = 0, ``x = sqrt(w' kappa/p1)`` where that
    beats paying nothing (``x = m/(1 + lambda)``); otherwise searched for. A payee that is ``free`` to decline has to
    be left what a referral costs it: then the price is at least the one at which it breaks even.
    """
    if payee.response is None:

        def kept(price: FloatArray) -> FloatArray:
            value = (worth_gbp - price) * payee.rate(price)
            return np.where(payee.margin(price) < -DECLINED_GBP, -np.inf, value) if free else value

        return maximise_on_grid(kept, np.maximum(worth_gbp, 0.0))
    price = _closed_piece_rate(payee, payee.response, worth_gbp)
    if not free or not bool((payee.needed_gbp > 0.0).any()):
        return price
    return np.maximum(price, _break_even(payee, payee.response))


def _break_even(payee: Payee, response: HaraResponse) -> FloatArray:
    """Return the price at which a referral earns the payee what it needs (b = 0, no mission, capital not short).

    Below the threshold it earns ``x p0``; above, ``p1 x - kappa - kappa ln(x/x_park)``, inverted by Lambert's function:
    ``x - a ln x = c`` has the root ``-a W_-1(-exp(-c/a)/a)`` above a, with ``a = kappa/p1``. A mission or a shadow
    price moves what the payee does and not what it needs: the price is then a bound from below, and the margin decides.
    """
    need = np.maximum(payee.needed_gbp, 0.0)
    threshold, scale = response.parking_threshold_gbp, response.response_scale_gbp
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        idle = need / response.deadweight_rate
        a = scale / response.ceiling_rate
        c = (need + scale - scale * np.log(threshold)) / response.ceiling_rate
        active = -a * np.real(lambertw(-np.exp(-c / a) / a, k=-1))
        price = np.where(idle <= threshold, idle, active) / max(1.0 - payee.haircut, _LEAST_KEPT)
    return np.where(need > 0.0, np.where(np.isnan(price), np.inf, price) * (1.0 + _ABOVE), 0.0)


def _closed_piece_rate(payee: Payee, response: HaraResponse, worth_gbp: FloatArray) -> FloatArray:
    kept = 1.0 - payee.haircut
    if kept <= 0.0:  # late payment eats everything: no price moves the payee
        return np.zeros_like(worth_gbp)
    floor = payee.mission_gbp / payee.dearth
    ceiling = worth_gbp * kept / payee.dearth + floor
    threshold = response.parking_threshold_gbp
    with np.errstate(divide="ignore", invalid="ignore"):
        inner = np.sqrt(ceiling * response.response_scale_gbp / response.ceiling_rate)
        wanted = np.maximum(inner, np.maximum(threshold, floor))
        induced = (ceiling - wanted) * (response.ceiling_rate - response.response_scale_gbp / wanted)
        idle_rate = np.where(
            floor > threshold, response.ceiling_rate - response.response_scale_gbp / floor, response.deadweight_rate
        )
    idle = (ceiling - floor) * idle_rate
    pays = np.isfinite(threshold) & (wanted < ceiling) & (induced > idle)
    return np.where(pays, (wanted - floor) * payee.dearth / kept, 0.0)


def best_group_price(
    payee: Payee, worth_gbp: FloatArray, people: FloatArray, group_index: IntArray, fallback_gbp: FloatArray | None
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
    fallback_gbp : array (..., segments) or None
        What the payer makes of a participant it does not refer, before the fees of this contract; None when it must
        refer everybody (an end-to-end contract).
    """
    groups = np.unique(group_index)
    row = np.searchsorted(groups, group_index)
    members = [np.flatnonzero(row == g) for g in range(groups.size)]
    highest = np.stack([worth_gbp[..., rows].max(axis=-1) for rows in members], axis=-1)

    def kept(price: FloatArray) -> FloatArray:
        there = price[..., row]
        value = np.asarray((worth_gbp - there) * payee.rate(there))
        if fallback_gbp is not None:
            value = np.where(payee.margin(there) < -DECLINED_GBP, fallback_gbp, np.maximum(value, fallback_gbp))
        return np.asarray(np.stack([value[..., rows] @ people[rows] for rows in members], axis=-1))

    return np.asarray(maximise_on_grid(kept, np.maximum(highest, 0.0))[..., row])


def maximise_on_grid(value: Callable[[FloatArray], FloatArray], highest: FloatArray) -> FloatArray:
    """Return, element by element, where a function on [0, highest] is largest, by a grid that is refined.

    Finds the global maximum of functions with jumps as long as no feature is narrower than the first grid; the
    price 0 is always tried. Prices are tried side by side along a new first axis.

    >>> maximise_on_grid(lambda y: -(y - 3.0) ** 2, np.array([10.0])).round(6).tolist()
    [3.0]
    """
    share = np.linspace(0.0, 1.0, _POINTS) ** 2  # finer at low prices, where thresholds lie close together
    shape = (-1, *([1] * highest.ndim))
    tried = share.reshape(shape) * highest
    low, high, best, top = _around(value, tried)
    for _ in range(_ROUNDS):
        tried = low + np.linspace(0.0, 1.0, _REFINED).reshape(shape) * (high - low)
        low, high, found, reached = _around(value, tried)
        best = np.where(reached > top, found, best)
        top = np.maximum(top, reached)
    return np.asarray(best)


def _around(
    value: Callable[[FloatArray], FloatArray], tried: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return the neighbours of the best price tried, that price, and its value."""
    values = value(tried)
    at = np.argmax(values, axis=0)[None]
    last = tried.shape[0] - 1

    def pick(array: FloatArray, where: IntArray) -> FloatArray:
        return np.asarray(np.take_along_axis(array, where, axis=0)[0])

    return (
        pick(tried, np.maximum(at - 1, 0)),
        pick(tried, np.minimum(at + 1, last)),
        pick(tried, at),
        pick(values, at),
    )
