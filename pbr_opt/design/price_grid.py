"""Prices of one group to look at: pairs of fees on a step, in its own proportion, and the lowest that limits allow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from pbr_opt.quantities import SPEND_RELATIVE, BoolArray, FloatArray, IntArray

__all__ = ["fee_pairs", "first_row", "rising_floor"]

_LOOKED_AT: Final = 33
_NARROW: Final = 1e-10
"""Relative width at which the search for a floor stops: well above what counts as on a threshold (1e-12)."""


def fee_pairs(mix: Sequence[float], step: float, sustainments: int, bounds: tuple[float, float]) -> FloatArray:
    """Return every pair of fees that is passed when the list price climbs, cheapest first.

    Parameters
    ----------
    mix : pair of float
        Outcome and sustainment fee per pound of list price.
    step : float
        Fees are multiples of this, GBP.
    sustainments : int
        Most sustainment payments.
    bounds : pair of float
        Lowest and highest list price.

    Returns
    -------
    array (pairs, 2)
        Outcome and sustainment fee; neither ever falls along the way, and neither does what an outcome pays.

    Examples
    --------
    >>> fee_pairs((0.8, 0.1), 100.0, 2, (0.0, 500.0)).tolist()
    [[0.0, 0.0], [100.0, 0.0], [200.0, 0.0], [300.0, 0.0], [400.0, 0.0]]
    """
    lower, upper = bounds
    shares = np.asarray(mix)
    turns = [
        (np.arange(np.floor(lower * share / step) - 1, np.ceil(upper * share / step) + 1) + 0.5) * step / share
        for share in shares
        if share > 0
    ]
    edges = np.unique(np.concatenate([[lower, upper], *turns]))
    edges = edges[(edges >= lower) & (edges <= upper)]
    levels = np.sort(np.concatenate([edges, 0.5 * (edges[1:] + edges[:-1])]))
    fees = step * np.rint(levels[:, None] * shares / step)
    fees = fees[np.append(True, np.any(fees[1:] != fees[:-1], axis=1))]  # rising, so that equals are neighbours
    price = fees[:, 0] + fees[:, 1] * sustainments
    inside = (price >= lower * (1 - SPEND_RELATIVE)) & (price <= upper * (1 + SPEND_RELATIVE))
    return np.asarray(fees[inside])


def rising_floor(allowed: Callable[[FloatArray], BoolArray], known: FloatArray) -> float:
    """Return the lowest price from which on prices are allowed, infinite when the highest is not.

    Parameters
    ----------
    allowed : callable
        Whether prices are; once allowed, all higher ones are.
    known : array (prices,)
        Prices to look at first, rising: the ends of the range, and where the answer may lie exactly.

    Examples
    --------
    >>> rising_floor(lambda price: price >= 3.0, np.array([0.0, 3.0, 10.0]))
    3.0
    >>> round(rising_floor(lambda price: price**2 >= 2.0, np.array([0.0, 10.0])), 8)
    1.41421356
    """
    fine = allowed(known)
    if not fine[-1]:
        return np.inf
    first = int(np.flatnonzero(~fine)[-1]) + 1 if not fine.all() else 0
    if first == 0:
        return float(known[0])
    low, high = float(known[first - 1]), float(known[first])
    while high - low > _NARROW * high:
        tried = np.linspace(low, high, _LOOKED_AT)
        at = int(np.argmax(np.append(allowed(tried[1:-1]), True))) + 1
        low, high = float(tried[at - 1]), float(tried[at])
    return high


def first_row(allowed: Callable[[IntArray], BoolArray], size: int) -> int:
    """Return the first of many rows from which on rows are allowed, looking at few; ``size`` when the last is not.

    >>> first_row(lambda rows: rows >= 700, 1000)
    700
    """
    low, high = -1, size
    while high - low > 1:
        tried = np.unique(np.linspace(low + 1, high - 1, _LOOKED_AT).round().astype(np.int64))
        fine = allowed(tried)
        last = np.flatnonzero(~fine)
        at = int(last[-1]) if last.size else -1
        low, high = int(tried[at]) if at >= 0 else low, int(tried[at + 1]) if at + 1 < tried.size else high
        if at < 0:  # the first one looked at is allowed, and it was the lowest left
            return high
    return high
