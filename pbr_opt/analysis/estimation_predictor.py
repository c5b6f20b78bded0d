"""What facts would be in a world of given unknowns: the exact equilibrium of every cell, all at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np
from scipy.special import expit, logit

from pbr_opt.analysis.estimation_inputs import MEASURES, QUANTITIES, Measurement, Unknown
from pbr_opt.analysis.fitting import slice_means
from pbr_opt.equilibrium.best_response import best_response
from pbr_opt.market.responses import HaraResponse
from pbr_opt.quantities import FloatArray, IntArray

__all__ = ["Predictor"]

_STEPS: Final = 60
"""Enough to halve a bracket of some tens of logits below rounding, should Newton's method never help."""
_ROUNDING: Final = 1e-13
"""Logits."""
_STEP: Final = 1e-7
"""Share of a range by which an unknown is moved for a derivative: about the root of the rounding of the predictions."""


class Predictor:
    """Facts and unknowns as arrays. Unknowns are counted from 0 at the low end of their range to 1 at the high end.

    Rates are spaced in logits between, scales in logarithms, so that a step means much the same everywhere. Many worlds
    are computed at once: positions have shape (..., unknowns).

    Parameters
    ----------
    facts, unknowns : sequences of Measurement, Unknown
        Inspected before.
    segments : int
        Slices of equal size that stand for a group.
    """

    def __init__(self, facts: Sequence[Measurement], unknowns: Sequence[Unknown], segments: int) -> None:
        cells = [(k, cell) for k, fact in enumerate(facts) for cell in fact.cells]
        groups = sorted({cell.group for _, cell in cells})
        self._readiness = slice_means(segments)
        self._group: IntArray = np.array([groups.index(cell.group) for _, cell in cells], dtype=np.int64)
        self._measure: IntArray = np.array([MEASURES.index(facts[k].measure) for k, _ in cells], dtype=np.int64)
        self._price = np.array([cell.price_gbp for _, cell in cells])
        people = np.array([[cell.participants * (k == row) for k, cell in cells] for row in range(len(facts))])
        self._share = people / people.sum(axis=1, keepdims=True)
        self._observed = np.array([fact.value for fact in facts])
        self._error = np.array([fact.standard_error for fact in facts])
        self._names = [item.name for item in unknowns]
        self._kind = [item.quantity for item in unknowns]
        ends = [[_bent(item.quantity, end) for end in (item.low, item.high)] for item in unknowns]
        self._low, high = np.array(ends).T
        self._length = high - self._low
        self._place = np.full((len(QUANTITIES), len(groups)), len(unknowns))  # one past the last: what nobody named
        for k, item in enumerate(unknowns):
            for group in item.groups:
                if group in groups:
                    self._place[QUANTITIES.index(item.quantity), groups.index(group)] = k
        for kept in vars(self).values():
            if isinstance(kept, np.ndarray):
                kept.setflags(write=False)

    def values(self, position: FloatArray) -> FloatArray:
        """Return the unknowns at positions 0..1 in their ranges, shape (..., unknowns)."""
        answer = self._low + position * self._length
        for k, kind in enumerate(self._kind):
            if kind in _STRAIGHT:
                answer[..., k] = _STRAIGHT[kind](answer[..., k])
        return np.asarray(answer)

    def position(self, name: str, value: float) -> float:
        """Return where a value stands in the range of an unknown."""
        k = self._names.index(name)
        return float((_bent(self._kind[k], value) - self._low[k]) / self._length[k])

    def predicted(self, position: FloatArray) -> FloatArray:
        """Return what the facts would be, shape (..., facts)."""
        values = self.values(position)
        known = np.concatenate([values, np.zeros((*values.shape[:-1], 1))], axis=-1)
        rate, uplift, scale, spread, bend, base = (known[..., places] for places in self._place)
        centre = _centres(rate, spread, self._readiness)
        floor = (centre[..., None] + spread[..., None] * self._readiness)[..., self._group, :]
        low = expit(floor)
        high = np.maximum(expit(floor + uplift[..., self._group, None]), low)
        kappa, b = (np.broadcast_to(item[..., self._group, None], low.shape) for item in (scale, bend))
        there = best_response(HaraResponse(low, high, kappa, b), np.broadcast_to(self._price[:, None], low.shape))
        support = there.support_gbp.mean(axis=-1)
        service = support + base[..., self._group]
        seen = np.stack([there.outcome_rate.mean(axis=-1), low.mean(axis=-1), support, service])
        chosen = np.moveaxis(seen, 0, -1)[..., np.arange(self._measure.size), self._measure]
        return np.asarray(chosen @ self._share.T)

    def residuals(self, position: FloatArray) -> FloatArray:
        """Return differences from the facts, in standard errors, shape (..., facts)."""
        return np.asarray((self.predicted(position) - self._observed) / self._error)

    def slope(self, position: FloatArray, free: Sequence[int]) -> FloatArray:
        """Return derivatives of the residuals in some unknowns, shape (facts, free), all of them moved at once."""
        step = np.where(position[list(free)] > 0.5, -_STEP, _STEP)
        moved = np.tile(position, (len(free) + 1, 1))
        moved[np.arange(len(free)), list(free)] += step
        there = self.residuals(moved)
        return np.asarray((there[:-1] - there[-1]).T / step)


_BENT: Final[Mapping[str, Callable[[float], float]]] = {"deadweight_rate": logit, "response_scale_gbp": np.log}
_STRAIGHT: Final[Mapping[str, Callable[[FloatArray], FloatArray]]] = {
    "deadweight_rate": expit,
    "response_scale_gbp": np.exp,
}


def _bent(quantity: str, value: float) -> float:
    return float(_BENT[quantity](value)) if quantity in _BENT else value


def _centres(rate: FloatArray, spread: FloatArray, readiness: FloatArray) -> FloatArray:
    """Return mu of each group such that the mean of expit(mu + sigma z) is its rate: Newton's method in a bracket."""
    reach = spread * float(np.abs(readiness).max()) + _ROUNDING
    centre = logit(rate)
    low, high = centre - reach, centre + reach
    for _ in range(_STEPS):
        each = expit(centre[..., None] + spread[..., None] * readiness)
        excess = each.mean(axis=-1) - rate
        low, high = np.where(excess > 0.0, low, centre), np.where(excess > 0.0, centre, high)
        moved = centre - excess / (each * (1.0 - each)).mean(axis=-1)
        inside = (moved >= low) & (moved <= high)
        centre, before = np.where(inside, moved, 0.5 * (low + high)), centre
        if float(np.abs(centre - before).max()) < _ROUNDING:
            break
    return np.asarray(centre)
