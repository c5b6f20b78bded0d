"""Weighted least squares from several starts: the misfit of facts has kinks, and minima besides the best."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from pbr_opt.analysis.estimation_predictor import Predictor
from pbr_opt.quantities import FloatArray, frozen

__all__ = ["Fit", "best_fit", "spread_starts"]

_TOLERANCE: Final = 1e-8
"""Of least squares, relative to one more than the misfit: intervals end where that rises by some units."""
_MOST: Final = 100
"""Steps of the faster method; it needs some ten."""
_PERFECT: Final = 1e-6
"""A misfit this little above the least there can be is that."""


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """A minimum of the misfit: where, how large, and how residuals move with the unknowns that were free."""

    position: FloatArray
    misfit: float
    slope: FloatArray


def spread_starts(size: int, number: int, seed: int) -> FloatArray:
    """Return where least squares begins, one row a start: the middle, and points spread over all ranges."""
    from scipy.stats import qmc  # slow to import: only when something is estimated

    count = 2 ** int(np.ceil(np.log2(max(number, 1))))  # what a Sobol sequence is balanced for
    return np.concatenate([np.full((1, size), 0.5), qmc.Sobol(size, rng=seed).random(count)[:number]])


def best_fit(predictor: Predictor, starts: Iterable[FloatArray], free: Sequence[int], least: float) -> Fit:
    """Return the best of the minima found; no more are looked for when one is as good as can be.

    Where nobody of a group is helped its uplift moves nothing, so that there are minima besides the best.
    """
    best: Fit | None = None
    for start in starts:
        there = _least_squares(predictor, start, free)
        if best is None or there.misfit < best.misfit:
            best = there
        if best.misfit <= least + _PERFECT:
            break
    assert best is not None, "there is a start"
    return best


def _least_squares(predictor: Predictor, start: FloatArray, free: Sequence[int]) -> Fit:
    """Return a local minimum, the unknowns that are not free held where they are."""
    from scipy.optimize import least_squares  # slow to import: only when something is estimated

    held = np.array(start)

    def residuals(moved: FloatArray) -> FloatArray:
        held[free] = moved
        return np.append(predictor.residuals(held), 1.0)  # a constant: else a perfect fit is polished for ever

    def slopes(moved: FloatArray) -> FloatArray:
        held[free] = moved
        return np.append(predictor.slope(held, free), np.zeros((1, len(free))), axis=0)

    if not free:
        left = predictor.residuals(held)
        return Fit(frozen(held), float(left @ left), np.zeros((left.size, 0)))
    begin = np.clip(held[free], 1e-6, 1.0 - 1e-6)  # inside the ranges, where a step either way can be tried
    found = least_squares(residuals, begin, slopes, bounds=(0.0, 1.0), method="dogbox", ftol=_TOLERANCE, max_nfev=_MOST)
    if not found.success:  # goes round in circles, which happens at the ends of ranges: slower, and surer
        found = least_squares(residuals, begin, slopes, bounds=(0.0, 1.0), ftol=_TOLERANCE, max_nfev=_MOST)
    held[free] = found.x
    left = predictor.residuals(held)
    return Fit(frozen(held), float(left @ left), frozen(predictor.slope(held, free)))
