"""Pure equilibria between rivals: where they can be, rule by rule.

Each function returns candidates (profiles of top-ups) outside which there is no pure equilibrium; ``solve_contest``
then holds every candidate against all deviations. The arguments are in ``docs/theory/rivals.md``.
"""

from __future__ import annotations

import itertools
from typing import Final, TypeAlias

import numpy as np
from scipy.optimize import brentq, root

from pbr_opt.equilibrium.contest_game import Game
from pbr_opt.errors import UnsupportedModelError
from pbr_opt.market.rank_rules import LEAD_ROUNDING, RankShare
from pbr_opt.market.share_rules import LinearShare, PairwiseRule, TullockShare
from pbr_opt.quantities import BoolArray, FloatArray

__all__ = ["linear_profile", "smooth_profiles", "step_profiles", "tullock_profile"]

_Vector: TypeAlias = np.ndarray[tuple[int], np.dtype[np.float64]]

_SCAN: Final = 2_001
_HALVINGS: Final = 200
_FAN: Final = np.r_[-np.geomspace(8.0, 1e-3, 40), 0.0, np.geomspace(1e-3, 8.0, 40)]
"""Distances from a margin, in standard deviations, at which a nearly vertical rule is looked at."""


def linear_profile(game: Game, rule: LinearShare) -> FloatArray:
    """Return the dominant strategies under a linear rule: a top-up of beta times the prize for every prime.

    d payoff_j / d q_j = -tau_j + beta * prize, whatever the others do.

    Raises
    ------
    UnsupportedModelError
        When shares leave 0..1, at the equilibrium or for a prime that does nothing beyond the price.
    """
    top_up = np.full(len(game.rivals), rule.beta * game.prize_gbp)
    there = np.array([float(prime.performance(t)) for prime, t in zip(game.rivals, top_up, strict=True)])
    profiles = np.vstack([there, *[np.where(np.arange(there.size) == k, q, there) for k, q in _idle(game)]])
    shares = rule.shares(profiles)
    if shares.min() < 0.0 or shares.max() > 1.0:
        spread = float(np.ptp(profiles, axis=1).max())
        raise UnsupportedModelError(
            f"LinearShare(beta={rule.beta:g}): shares leave 0..1 where outcome rates differ by up to {spread:.4g}, and "
            f"then a linear rule has no dominant strategies; take a beta of at most {1.0 / (there.size * spread):.4g}"
        )
    return top_up


def _idle(game: Game) -> enumerate[float]:
    return enumerate(game.least_performance.tolist())


def tullock_profile(game: Game, rule: TullockShare) -> FloatArray:
    """Return the equilibrium under a Tullock rule, by share functions.

    In ``z = q**r`` the first-order condition is ``tau = prize * r * q**(r-1) * (1 - q**r/Z)/Z``. Given the sum Z each
    prime's right side falls and its left side rises in tau: one answer. The shares that follow fall in Z: one Z where
    they add up to 1.
    """
    low, high = _sum_bounds(game, rule)
    if low >= high or game.prize_gbp == 0.0:
        return np.zeros(len(game.rivals))
    for _ in range(_HALVINGS):
        middle = low + (high - low) / 2.0
        if not low < middle < high:
            break
        total = _powers(game, rule, _replies(game, rule, middle)).sum()
        low, high = (middle, high) if total > middle else (low, middle)
    return _replies(game, rule, high)


def _sum_bounds(game: Game, rule: TullockShare) -> tuple[float, float]:
    """Return bounds on the sum of q**r: nobody does anything; everybody does all that is possible."""
    ceilings = np.array([prime.ceiling for prime in game.rivals])
    return float((game.least_performance**rule.exponent).sum()), float((ceilings**rule.exponent).sum())


def _powers(game: Game, rule: TullockShare, top_up: FloatArray) -> FloatArray:
    rates = [float(prime.performance(t)) for prime, t in zip(game.rivals, top_up, strict=True)]
    return np.array(rates) ** rule.exponent


def _replies(game: Game, rule: TullockShare, total: float) -> FloatArray:
    """Return what each prime does when the sum of q**r is ``total``: tau = its marginal prize, by bisection."""
    rates = np.zeros(len(game.rivals))
    low, high = np.zeros_like(rates), np.ones_like(rates)

    def wants_more(top_up: FloatArray) -> BoolArray:
        power = _powers(game, rule, top_up)
        with np.errstate(divide="ignore", over="ignore"):
            steep = np.where(power > 0.0, power, np.nan) ** (1.0 - 1.0 / rule.exponent)
        steep = np.where(np.isnan(steep), np.inf if rule.exponent < 1.0 else 1.0, steep)
        return np.asarray(
            game.prize_gbp * rule.exponent * steep * np.maximum(1.0 - power / total, 0.0) / total > top_up
        )

    reach = np.array([prime.ceiling > prime.least_performance for prime in game.rivals])
    while (more := wants_more(high) & reach & (high < 1e15)).any():
        low, high = np.where(more, high, low), np.where(more, high * 4.0, high)
    for _ in range(_HALVINGS):
        middle = low + (high - low) / 2.0
        if not ((middle > low) & (middle < high)).any():
            break
        more = wants_more(middle)
        low, high = np.where(more, middle, low), np.where(more, high, middle)
    return np.where(reach, low, 0.0)


def smooth_profiles(game: Game, rule: PairwiseRule) -> list[FloatArray]:
    """Return every profile that meets the first-order conditions under a smooth pairwise rule.

    ``tau_j = prize * sum over k of T'(q_j - q_k)``. With two primes T' is even, so both have the same top-up and the
    condition is one equation in one unknown, which is scanned. With three, several starts of a root finder: what is
    returned are solutions, but there may be others.
    """
    if len(game.rivals) == 2:
        return [np.array([t, t]) for t in _common_top_ups(game, rule)]
    return _joint_top_ups(game, rule)


def _slope(game: Game, rule: PairwiseRule, lead: FloatArray) -> FloatArray:
    return np.asarray(game.prize_gbp * rule.transfer_slope(lead, len(game.rivals)))


def _common_top_ups(game: Game, rule: PairwiseRule) -> list[float]:
    """Return the roots of prize * T'(q_1(tau) - q_2(tau)) - tau."""
    one, two = game.rivals

    def excess(top_up: FloatArray) -> FloatArray:
        return _slope(game, rule, one.performance(top_up) - two.performance(top_up)) - top_up

    leads = np.linspace(-1.0, 1.0, 20_001)
    margin, scale = _shape(rule)
    leads = np.concatenate([leads, margin + scale * _FAN, -margin + scale * _FAN])
    highest = float(_slope(game, rule, leads).max()) * (1.0 + 1e-9)
    if highest == 0.0:
        return [0.0]
    even = np.linspace(0.0, highest, _SCAN)
    scan = np.unique(np.concatenate([even, _crossings(game, margin, scale, even)]))
    values = excess(scan)
    roots = [float(t) for t in scan[values == 0.0]]
    for k in np.flatnonzero(values[:-1] * values[1:] < 0.0):
        roots.append(
            float(brentq(lambda t: float(excess(np.asarray(t))), scan[k], scan[k + 1], xtol=1e-13, rtol=1e-14))
        )
    return roots


def _shape(rule: PairwiseRule) -> tuple[float, float]:
    """Return where a rule is steep and how far: margin and standard deviation; a flat rule has neither."""
    margin, noise = getattr(rule, "margin", 0.0), getattr(rule, "noise", 0.0)
    return float(margin), float(getattr(rule, "scale", noise) or 1.0)


def _crossings(game: Game, margin: float, scale: float, even: FloatArray) -> FloatArray:
    """Return top-ups at which the lead is near a margin: a nearly vertical rule has roots there that a scan misses."""
    one, two = game.rivals
    lead = one.performance(even) - two.performance(even)
    steep = np.diff(lead) / np.diff(even)
    near = []
    for at in (margin, -margin):
        k = np.flatnonzero(((lead[:-1] - at) * (lead[1:] - at) <= 0.0) & (steep != 0.0))
        middle = even[k] + (at - lead[k]) / steep[k]
        near.append((middle[:, None] + _FAN * (scale / np.abs(steep[k, None]))).ravel())
    found = np.concatenate(near)
    return np.asarray(found[(found > 0.0) & (found < even[-1])])


def _joint_top_ups(game: Game, rule: PairwiseRule) -> list[FloatArray]:
    """Return solutions of the first-order conditions of three primes from several starts."""

    def wanted(top_up: _Vector) -> _Vector:
        used = np.maximum(top_up, 0.0)
        rates = np.array([float(prime.performance(t)) for prime, t in zip(game.rivals, used, strict=True)])
        lead = rates[:, None] - rates[None, :]
        slopes = _slope(game, rule, lead)
        return np.asarray(slopes.sum(axis=1) - np.diag(slopes)).reshape(3)

    def excess(top_up: _Vector, *_: object) -> _Vector:
        return wanted(top_up) - top_up

    idle = wanted(np.zeros(3))
    found: list[FloatArray] = []
    for start in (idle, np.zeros(3), 0.5 * idle, 2.0 * idle):
        answer = root(excess, start, method="hybr", tol=1e-13)
        profile = wanted(np.maximum(answer.x, 0.0))
        close = np.abs(profile - answer.x).max() <= 1e-6 * (1.0 + np.abs(answer.x).max())
        if close and not any(np.allclose(profile, other, rtol=1e-6, atol=1e-9) for other in found):
            found.append(profile)
    return found


def step_profiles(game: Game, rule: RankShare) -> list[FloatArray]:
    """Return every profile that can be a pure equilibrium under the rank rule without noise.

    A prime that leads by more than the margin lowers its rate as long as it leads, and one that does not gain from
    its rate lowers it to what the price buys. So in an equilibrium every rate is either that, or exactly the margin
    below another prime's rate: a finite list. The least top-up that reaches a rate never falls short of it, so a lead
    that is held stays within the margin.
    """
    least = game.least_performance
    levels = []
    for place, own in enumerate(least):
        held = [q - steps * rule.margin for k, q in enumerate(least) if k != place for steps in range(1, least.size)]
        worth = [q for q in held if own + LEAD_ROUNDING < q <= game.highest_performance[place]]
        levels.append([own, *sorted(set(worth))])
    profiles = [np.array(rates) for rates in itertools.product(*levels)]
    return [
        np.array([float(prime.top_up_for(q)) for prime, q in zip(game.rivals, rates, strict=True)])
        for rates in profiles
        if _is_held(rates, least, rule.margin)
    ]


def _is_held(rates: FloatArray, least: FloatArray, margin: float) -> bool:
    """Whether every rate above what the price buys is exactly the margin below another."""
    gaps = np.abs(rates[None, :] - rates[:, None] - margin).min(axis=1)
    return bool(np.all((rates <= least) | (gaps <= LEAD_ROUNDING)))
