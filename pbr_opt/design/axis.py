"""One axis of list prices for all groups, cut into stretches that are looked at as closely as the answer needs.

A stretch stands for all its prices at once: what it costs at least, what it loses at least. The best choice of one
stretch a group bounds every design. The stretches that it picks are cut up, and the question put again, until it picks
single prices: then nothing was relaxed, and the choice is the best there is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from pbr_opt.design.joint_choice import Choice, Coupling, Options, choose_jointly
from pbr_opt.quantities import FloatArray, IntArray

__all__ = ["Rack", "choose_on_axis", "hopeful"]

_SAME: Final = 1e-9
"""Relative. Prices nearer to each other than this are one price on the axis."""
_STRETCHES: Final = 96
"""Stretches at first."""
_PARTS: Final = 8
"""Parts that a picked stretch is cut into."""
_ROUNDS: Final = 60
_RATES: Final = np.concatenate([[0.0], np.geomspace(1e-4, 1e4, 81)])
"""Rates of exchange at which the relaxation is looked at, relative to mean loss per pound."""


@dataclass(frozen=True, slots=True, eq=False)
class Rack:
    """What one group can be given, by rising list price.

    Attributes
    ----------
    price_gbp : array (items,)
        List prices; several items may share one.
    loss : array (items,)
        Less is better.
    use : array (rows, items)
        What each takes of every cap; the first row is money where there is a budget.
    """

    price_gbp: FloatArray
    loss: FloatArray
    use: FloatArray


def choose_on_axis(racks: Sequence[Rack], coupling: Coupling) -> Choice | None:
    """Return the best item for each group, None when no choice keeps the limits.

    Proved (``bound == loss``) unless the rounds run out.

    Examples
    --------
    >>> price = np.arange(0.0, 1000.0)
    >>> racks = [Rack(price, -price * weight, price[None]) for weight in (1.0, 3.0)]
    >>> there = choose_on_axis(racks, Coupling(np.array([1000.0]), np.array([1, 0])))
    >>> price[there.picked].tolist()  # the second is worth more and may not be paid more
    [500.0, 500.0]
    """
    axis = _axis(racks)
    places = [np.searchsorted(axis, rack.price_gbp * (1.0 - _SAME), side="left") for rack in racks]
    cuts = np.unique(np.linspace(0, axis.size, min(_STRETCHES, axis.size) + 1).round().astype(np.int64))
    best, bound = None, -np.inf
    for _ in range(_ROUNDS):
        parts = [_stretches(rack, place, cuts) for rack, place in zip(racks, places, strict=True)]
        kept = hopeful([options for options, _ in parts], coupling, None if best is None else best.loss)
        choice = choose_jointly([options.take(rows) for (options, _), rows in zip(parts, kept, strict=True)], coupling)
        if choice is None:
            return best
        rows = [kept[g][k] for g, k in enumerate(choice.picked)]
        items = [parts[g][1][k] for g, k in enumerate(rows)]
        bound = max(bound, choice.bound)
        if all(item.size == 1 for item in items):
            return Choice(np.array([int(item[0]) for item in items]), choice.loss, bound)
        within = _within(racks, places, items, coupling)
        best = within if within is not None and (best is None or within.loss < best.loss) else best
        if best is not None and bound >= best.loss:
            return Choice(best.picked, best.loss, best.loss)
        cuts = _cut(cuts, np.array([places[g][item[0]] for g, item in enumerate(items) if item.size > 1]))
    return None if best is None else Choice(best.picked, best.loss, min(bound, best.loss))


def _axis(racks: Sequence[Rack]) -> FloatArray:
    """Return the different prices of all groups, rising."""
    rising = np.sort(np.concatenate([rack.price_gbp for rack in racks]))
    return rising[np.r_[True, np.diff(rising) > _SAME * rising[1:]]]


def _stretches(rack: Rack, place: IntArray, cuts: IntArray) -> tuple[Options, list[IntArray]]:
    """Return a group's stretches as options, and the items that each stands for; a single place item by item."""
    ends = np.searchsorted(place, cuts)
    single, loss, use, items = [], [], [], []
    for k in np.flatnonzero(np.diff(ends)):
        here = np.arange(ends[k], ends[k + 1])
        alone = [here] if cuts[k + 1] - cuts[k] > 1 else [here[j : j + 1] for j in range(here.size)]
        for some in alone:
            single.append(k)
            loss.append(rack.loss[some].min())
            use.append(rack.use[:, some].min(axis=1))
            items.append(some)
    return Options(np.array(single), np.array(loss), np.array(use).T.reshape(rack.use.shape[0], -1)), items


def _within(
    racks: Sequence[Rack], places: Sequence[IntArray], items: Sequence[IntArray], coupling: Coupling
) -> Choice | None:
    """Return the best choice among the items that a choice of stretches stands for."""
    spread = [item[np.unique(np.linspace(0, item.size - 1, 4 * _PARTS).round().astype(np.int64))] for item in items]
    shared = np.unique(np.concatenate([places[g][item] for g, item in enumerate(spread)]))
    rows = [np.flatnonzero(np.isin(place, shared)) for place in places]
    options = [
        Options(place[row], rack.loss[row], rack.use[:, row])
        for rack, place, row in zip(racks, places, rows, strict=True)
    ]
    found = choose_jointly(options, coupling)
    if found is None:
        return None
    return Choice(np.array([row[k] for row, k in zip(rows, found.picked, strict=True)]), found.loss, found.bound)


def hopeful(options: Sequence[Options], coupling: Coupling, best: float | None) -> list[IntArray]:
    """Return the options of each group that a choice better than the best known can contain."""
    everything = [np.arange(each.loss.size) for each in options]
    if best is None or not coupling.caps.size or not np.isfinite(coupling.caps[0]):
        return everything
    cap, spread = float(coupling.caps[0]), sum(float(np.ptp(each.loss)) for each in options)
    unit = spread / max(abs(cap), np.finfo(float).tiny)
    duals = [
        sum(float((each.loss + rate * unit * each.use[0]).min()) for each in options) - rate * unit * cap
        for rate in _RATES
    ]
    at = int(np.argmax(duals))
    room = best - duals[at] + _SAME * (abs(best) + spread)
    kept = []
    for each in options:
        worth = each.loss + _RATES[at] * unit * each.use[0]
        kept.append(np.flatnonzero(worth - worth.min() <= room))
    return kept


def _cut(cuts: IntArray, places: IntArray) -> IntArray:
    """Return the cuts with the stretches that hold some places cut up."""
    at = np.unique(np.searchsorted(cuts, places, side="right") - 1)
    inner = [np.linspace(cuts[k], cuts[k + 1], _PARTS + 1).round().astype(np.int64) for k in at]
    return np.unique(np.concatenate([cuts, *inner]))
