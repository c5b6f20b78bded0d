"""Where to put the boxes of a layered drawing: columns in order, few crossings, lines as level as they can be.

Three steps, after Sugiyama, Tagawa and Toda (1981): lines that pass a column get a waypoint in it; each column is
sorted by the mean place of neighbours (barycentre), to and fro while crossings become fewer; then heights come as near
to the mean of those on the right as order and room allow, by pooling what would overlap (isotonic regression), and
bands that are empty in every column are closed.
Nothing here is random, so that the same input gives the same drawing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Final, TypeAlias

import numpy as np

from pbr_opt.quantities import FloatArray

__all__ = ["Layout", "Place", "crossings", "lay_out"]

Place: TypeAlias = tuple[str, int]
"""A box (name, 0), or a waypoint of the line to a box: (name of the box, column + 1)."""

_SWEEPS: Final = 8
_SETTLINGS: Final = 12


@dataclass(frozen=True)
class Layout:
    """Columns of places and their heights.

    Attributes
    ----------
    columns : tuple of tuple of Place
        From left to right, each from top to bottom.
    height : mapping of Place to float
        Middle of each place, the topmost edge at 0.
    room : mapping of Place to float
        Height that each place takes up, gap included.
    links : tuple of (Place, Place)
        Lines, cut into pieces from column to column.
    """

    columns: tuple[tuple[Place, ...], ...]
    height: Mapping[Place, float]
    room: Mapping[Place, float]
    links: tuple[tuple[Place, Place], ...]

    @cached_property
    def column_of(self) -> Mapping[Place, int]:
        """Return the column of each place."""
        return {place: k for k, column in enumerate(self.columns) for place in column}

    @property
    def total_height(self) -> float:
        """Return how tall the tallest column is."""
        return max(self.height[place] + self.room[place] / 2.0 for column in self.columns for place in column)

    def stops(self, payer: str, payee: str) -> list[Place]:
        """Return the waypoints of a line, from left to right."""
        first, last = self.column_of[payer, 0], self.column_of[payee, 0]
        return [(payee, column + 1) for column in range(first + 1, last)]


def lay_out(
    layer: Mapping[str, int], lines: Sequence[tuple[str, str]], *, box: float = 1.0, waypoint: float = 0.25
) -> Layout:
    """Return where everything goes.

    Parameters
    ----------
    layer : mapping of name to int
        Column of each box, from 0; boxes of a column start in the order of the mapping.
    lines : sequence of (from, to)
        Each from a lower to a higher column, at most one to each box: a chain has one payer a payee.
    box, waypoint : float, optional
        Height that a box and a passing line take up, gaps included.

    Returns
    -------
    Layout
        Columns without empty ones in between are kept as they are numbered.

    Examples
    --------
    >>> there = lay_out({"a": 0, "b": 1, "c": 1, "d": 2}, [("a", "b"), ("a", "c"), ("a", "d")])
    >>> [place for place in there.columns[1]]
    [('b', 0), ('c', 0), ('d', 2)]
    >>> there.stops("a", "d"), crossings(there.columns, there.links)
    ([('d', 2)], 0)
    """
    links = _links(layer, lines)
    columns = _first_columns(layer, links)
    columns = _fewest_crossings(columns, links)
    room = {place: waypoint if place[1] else box for column in columns for place in column}
    return Layout(columns, _heights(columns, links, room), room, links)


def _links(layer: Mapping[str, int], lines: Sequence[tuple[str, str]]) -> tuple[tuple[Place, Place], ...]:
    """Return lines cut into pieces from column to column."""
    pieces: list[tuple[Place, Place]] = []
    for payer, payee in lines:
        passed = [(payee, column + 1) for column in range(layer[payer] + 1, layer[payee])]
        stops: list[Place] = [(payer, 0), *passed, (payee, 0)]
        pieces += pairwise(stops)
    return tuple(pieces)


def _first_columns(layer: Mapping[str, int], links: Sequence[tuple[Place, Place]]) -> tuple[tuple[Place, ...], ...]:
    columns: list[list[Place]] = [[] for _ in range(1 + max(layer.values()))]
    for name, column in layer.items():
        columns[column].append((name, 0))
    for _, place in links:
        if place[1]:
            columns[place[1] - 1].append(place)
    return tuple(tuple(column) for column in columns)


def crossings(columns: Sequence[Sequence[Place]], links: Sequence[tuple[Place, Place]]) -> int:
    """Return how many pairs of pieces cross between neighbouring columns.

    >>> columns = [[("a", 0), ("b", 0)], [("c", 0), ("d", 0)]]
    >>> crossings(columns, [(("a", 0), ("d", 0)), (("b", 0), ("c", 0))])
    1
    """
    at = {place: (k, row) for k, column in enumerate(columns) for row, place in enumerate(column)}
    total = 0
    for k in range(len(columns) - 1):
        ends = np.array([(at[one][1], at[other][1]) for one, other in links if at[one][0] == k], dtype=np.int64)
        if len(ends) > 1:
            left, right = (np.sign(ends[:, None, side] - ends[None, :, side]) for side in (0, 1))
            total += int((left * right < 0).sum()) // 2
    return total


def _fewest_crossings(
    columns: tuple[tuple[Place, ...], ...], links: Sequence[tuple[Place, Place]]
) -> tuple[tuple[Place, ...], ...]:
    """Return the best of the orders met while sorting by barycentre, to the right and back."""
    before, after = _neighbours(links)
    best, fewest, tried = columns, crossings(columns, links), list(columns)
    for sweep in range(_SWEEPS):
        rightward = sweep % 2 == 0
        inner = range(1, len(tried)) if rightward else range(len(tried) - 2, -1, -1)
        for k in inner:
            fixed = tried[k - 1] if rightward else tried[k + 1]
            tried[k] = _sorted_by_mean(tried[k], fixed, before if rightward else after)
        now = crossings(tried, links)
        if now < fewest:
            best, fewest = tuple(tried), now
    return best


def _neighbours(links: Sequence[tuple[Place, Place]]) -> tuple[dict[Place, list[Place]], dict[Place, list[Place]]]:
    """Return who is to the left and to the right of each place."""
    before: dict[Place, list[Place]] = {}
    after: dict[Place, list[Place]] = {}
    for one, other in links:
        before.setdefault(other, []).append(one)
        after.setdefault(one, []).append(other)
    return before, after


def _sorted_by_mean(
    column: tuple[Place, ...], fixed: tuple[Place, ...], beside: Mapping[Place, list[Place]]
) -> tuple[Place, ...]:
    """Return a column by the mean row of neighbours; those without any keep their row."""
    row = {place: k for k, place in enumerate(fixed)}

    def mean(item: tuple[int, Place]) -> float:
        k, place = item
        rows = [row[other] for other in beside.get(place, ()) if other in row]
        return sum(rows) / len(rows) if rows else float(k)

    return tuple(place for _, place in sorted(enumerate(column), key=mean))  # stable: ties stay as they are


def _heights(
    columns: Sequence[Sequence[Place]], links: Sequence[tuple[Place, Place]], room: Mapping[Place, float]
) -> dict[Place, float]:
    """Return heights near the mean of those on the right, or on the left where there are none, without overlaps."""
    before, after = _neighbours(links)
    height: dict[Place, float] = {}
    for column in columns:
        tops = np.cumsum([0.0, *(room[place] for place in column)])
        middle = tops[-1] / 2.0
        height |= {p: float(top) + room[p] / 2.0 - middle for p, top in zip(column, tops[:-1], strict=True)}
    beside = {place: after.get(place) or before.get(place) or [place] for place in room}  # payers follow their payees
    for _ in range(_SETTLINGS):
        for column in reversed(columns):
            wanted = np.array([np.mean([height[other] for other in beside[place]]) for place in column])
            placed = _without_overlap(wanted, np.array([room[place] for place in column]))
            height |= dict(zip(column, placed.tolist(), strict=True))
    return _without_bands(height, room)


def _without_bands(height: Mapping[Place, float], room: Mapping[Place, float]) -> dict[Place, float]:
    """Return the heights with bands closed that are empty in every column, the topmost edge at 0."""
    answer: dict[Place, float] = {}
    reach, shift = None, 0.0
    for place in sorted(height, key=lambda there: height[there] - room[there] / 2.0):
        top, bottom = height[place] - room[place] / 2.0, height[place] + room[place] / 2.0
        if reach is None:
            shift, reach = -top, bottom
        elif top > reach:
            shift -= top - reach
        reach = max(reach, bottom)
        answer[place] = height[place] + shift
    return answer


def _without_overlap(wanted: FloatArray, room: FloatArray) -> FloatArray:
    """Return the heights nearest to those wanted that keep the order and do not overlap: pool adjacent violators."""
    offset = np.cumsum(room) - room / 2.0
    blocks: list[tuple[float, int]] = []
    for value in wanted - offset:
        mean, size = float(value), 1
        while blocks and blocks[-1][0] > mean:
            other, count = blocks.pop()
            mean, size = (mean * size + other * count) / (size + count), size + count
        blocks.append((mean, size))
    return np.repeat([mean for mean, _ in blocks], [size for _, size in blocks]) + offset
