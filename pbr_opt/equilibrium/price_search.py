"""The best price for a payee, element by element, by following an upper bound: for certificates, which search for it.

Between two prices nobody keeps more than ``(w - lower) P(higher)``, so that a step of P between two prices tried is
not overlooked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from pbr_opt.quantities import FloatArray

__all__ = ["Effort", "Reply", "search"]

_BASINS: Final = 2
_CUTS: Final = 17
_SMOOTH_ROUNDS: Final = 2
_FINER: Final = (0.02, 0.02, 1.0)
"""A hill is a parabola when seen from near: three steps along it, each from nearer."""

Reply = tuple[FloatArray, FloatArray]
"""Outcome rate of a branch, and what its head makes of a referral in money."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How hard to search for prices: points of the first grid, and rounds of refinement."""

    points: int
    rounds: int

    @property
    def smooth(self) -> Effort:
        """Return the effort that a search without steps takes."""
        return Effort(self.points, min(self.rounds, _SMOOTH_ROUNDS))

    def evaluations(self, stepped: bool) -> int:
        """Return how many prices one search tries."""
        rounds = self.rounds if stepped else self.smooth.rounds
        return self.points + _BASINS * (_CUTS * rounds + 3 * len(_FINER))


def search(
    reply: Callable[[FloatArray], Reply],
    keep: Callable[[FloatArray, Reply], FloatArray],
    low: FloatArray,
    high: FloatArray,
    effort: Effort,
) -> FloatArray:
    """Return the best price, element by element, by following an upper bound.

    Parameters
    ----------
    reply : callable
        What payees do at prices; the rate does not fall in the price.
    keep : callable
        What the payer keeps at a price, given a reply: falls in the price, rises in the rate.
    low, high : array
        Where to search.
    effort : Effort
        How hard.
    """
    tried = low + _upright(np.linspace(0.0, 1.0, effort.points) ** 2, low) * (high - low)
    start, stop, best, top = _narrowed(tried, reply(tried), keep, _BASINS)
    cuts = _upright(np.linspace(0.0, 1.0, _CUTS), start)
    for _ in range(effort.rounds):
        tried = start + cuts * (stop - start)
        start, stop, found, reached = _narrowed(tried, reply(tried), keep, 1)
        start, stop = start[0], stop[0]
        best, top = _better(best, top, found, reached)
    middle, width = (start + stop) / 2.0, (stop - start) / 2.0
    for finer in _FINER:
        tried = middle + _upright(np.array([-1.0, 0.0, 1.0]), start) * width
        kept = keep(tried, reply(tried))
        best, top = _better(best, top, tried[1], kept[1])
        middle, width = np.clip(_vertex(tried, kept), start, stop), width * finer
    return best


def _vertex(tried: FloatArray, kept: FloatArray) -> FloatArray:
    """Return where the parabola through three points is largest, the middle one where there is no such place."""
    with np.errstate(invalid="ignore"):
        bend = kept[0] - 2.0 * kept[1] + kept[2]
        good = np.isfinite(bend) & (bend < 0.0)
        step = (kept[0] - kept[2]) / np.where(good, 2.0 * bend, 1.0)
    aside = np.clip(np.where(good, step, 0.0), -1.0, 1.0) * (tried[2] - tried[1])
    return np.asarray(tried[1] + aside)


def _better(best: FloatArray, top: FloatArray, found: FloatArray, reached: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the best of a price and of those found in each basin, with what is kept at it."""
    for price, kept in zip(found, reached, strict=True):
        best, top = np.where(kept > top, price, best), np.maximum(kept, top)
    return best, top


def _upright(numbers: FloatArray, like: FloatArray) -> FloatArray:
    return numbers.reshape(-1, *[1] * like.ndim)


def _narrowed(
    tried: FloatArray, there: Reply, keep: Callable[[FloatArray, Reply], FloatArray], count: int
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return the ends of the best intervals, each with its neighbours, along a new first axis; best price; its worth.

    An interval is good when its bound is a local maximum above what is kept at its lower end: otherwise nothing inside
    is better than that end, which has been tried.
    """
    kept = keep(tried, there)
    at = kept.argmax(axis=0)[None]
    best, top = np.take_along_axis(tried, at, axis=0)[0], np.take_along_axis(kept, at, axis=0)[0]
    bound = keep(tried[:-1], (there[0][1:], there[1][1:]))
    bound = np.where(bound > kept[:-1], bound, -np.inf)
    wall = np.full((1, *bound.shape[1:]), -np.inf)
    before, after = np.concatenate([wall, bound[:-1]]), np.concatenate([bound[1:], wall])
    left = np.where((bound >= before) & (bound >= after), bound, -np.inf)
    ends = []
    for _ in range(count):
        at = left.argmax(axis=0)[None]
        np.put_along_axis(left, at, -np.inf, axis=0)
        low, high = np.maximum(at - 1, 0), np.minimum(at + 2, bound.shape[0])
        ends.append((np.take_along_axis(tried, low, axis=0)[0], np.take_along_axis(tried, high, axis=0)[0]))
    return np.stack([low for low, _ in ends]), np.stack([high for _, high in ends]), best, top
