"""Random programmes for the oracles, and their raw columns: all that an oracle may see."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pbr_opt.market.caseload import Caseload
from pbr_opt.market.programme import Programme
from pbr_opt.market.tariffs import Tariff

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Raw:
    """Plain columns of a programme with outcome fees only, so that the effective price is the list price.

    ``group`` is a position, ``people`` n, ``low`` p0, ``high`` p1, ``scale`` kappa, ``bend`` b; one entry a segment.
    """

    group: NDArray[np.int64]
    people: Floats
    low: Floats
    high: Floats
    scale: Floats
    bend: Floats

    @property
    def groups(self) -> int:
        """Return the number of groups."""
        return int(self.group.max()) + 1

    def only(self, row: int) -> Raw:
        """Return one segment."""
        one = slice(row, row + 1)
        return Raw(self.group[one], self.people[one], self.low[one], self.high[one], self.scale[one], self.bend[one])

    def programme(self) -> Programme:
        """Return the same as a programme of the package."""
        names = [f"g{k}" for k in self.group]
        caseload = Caseload(names, self.people, self.low, self.high, self.scale, self.bend)
        return Programme("sample", caseload, Tariff(caseload.groups, 0.0, 1000.0))


def sample(seed: int, groups: int, segments: int, *, curved: bool = False) -> Raw:
    """Return a random programme with ``segments`` segments in each of ``groups`` groups, 2011-like sizes of money."""
    rng = np.random.default_rng(seed)
    size = groups * segments
    low = rng.uniform(0.0, 0.4, size)
    return Raw(
        group=np.repeat(np.arange(groups), segments),
        people=rng.integers(1, 400, size).astype(float),
        low=low,
        high=low + rng.uniform(0.05, 0.5, size),
        scale=rng.uniform(100.0, 900.0, size),
        bend=rng.choice([0.2, 0.5, 0.8], size) if curved else np.zeros(size),
    )


def rate(raw: Raw, support: Floats) -> Floats:
    """Return p(e), written from the formula of the model page."""
    curved = np.where(raw.bend > 0, raw.bend, 1.0)
    bent = (1 + curved * support / raw.scale) ** (-(1 - curved) / curved)
    left = np.where(raw.bend > 0, bent, np.exp(-support / raw.scale))
    return raw.high - (raw.high - raw.low) * left


def threshold(raw: Raw) -> Floats:
    """Return x_park = kappa / ((1 - b)(p1 - p0))."""
    return raw.scale / ((1 - raw.bend) * (raw.high - raw.low))


def payment(raw: Raw, price: Floats) -> Floats:
    """Return E = x P per head at a price by segment, from the formulas of the model page."""
    start = threshold(raw)
    helped = raw.high - (raw.high - raw.low) * (start / np.maximum(price, start)) ** (1 - raw.bend)
    return price * np.where(price > start, helped, raw.low)
