"""Who the programme is for: payment groups that the Department sees, and latent segments that only providers see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pbr_opt.market.responses import HaraResponse
from pbr_opt.quantities import FloatArray, Inspection, IntArray, frozen, label, nearest

__all__ = ["Caseload"]


@dataclass(frozen=True, init=False, eq=False)
class Caseload:
    """One row a segment: how many people, how near to work, how they respond to support.

    Parameters
    ----------
    group : sequence of str or int, length segments
        Payment group of each segment; ids are kept as text, groups in order of first appearance.
    participants : array or scalar
        People in the segment, at least 0 and in all above 0.
    deadweight_rate : array or scalar
        p0, probability of a paid outcome with no discretionary support, 0..1.
    ceiling_rate : array or scalar
        p1, probability with unlimited support, p0..1.
    response_scale_gbp : array or scalar
        kappa, GBP per participant, above 0.
    curvature : array or scalar, optional
        b of the HARA response, 0 <= b < 1; 0 is the saturating exponential.
    exit_hazard : array or scalar, optional
        h, chance of losing the job in a four-week period once in work, 0..1.
    reentry_rate : array or scalar, optional
        r, chance of being back in work a period after losing the job, 0..1.

    Raises
    ------
    InvalidInputError
        With every fault at once: wrong lengths, non-finite or negative numbers, rates outside 0..1, a ceiling below the
        deadweight, nobody at all.

    Examples
    --------
    >>> caseload = Caseload(["young", "young", "older"], [600, 400, 500], [.4, .1, .2], [.6, .3, .5], 500.0)
    >>> caseload.groups, caseload.total_participants
    (('young', 'older'), 1500.0)
    >>> caseload.sum_by_group(caseload.participants).tolist()
    [1000.0, 500.0]
    """

    groups: tuple[str, ...]
    group_index: IntArray
    participants: FloatArray
    deadweight_rate: FloatArray
    ceiling_rate: FloatArray
    response_scale_gbp: FloatArray
    curvature: FloatArray
    exit_hazard: FloatArray
    reentry_rate: FloatArray

    def __init__(  # noqa: PLR0913, PLR0917  # one column each: the table is the interface
        self,
        group: Sequence[object] | NDArray[np.generic],
        participants: ArrayLike,
        deadweight_rate: ArrayLike,
        ceiling_rate: ArrayLike,
        response_scale_gbp: ArrayLike,
        curvature: ArrayLike = 0.0,
        exit_hazard: ArrayLike = 0.0,
        *,
        reentry_rate: ArrayLike = 0.0,
    ) -> None:
        check = Inspection("Caseload")
        groups, index = _encode(check, group)
        size = len(index)
        columns = {
            "participants": check.people("participants", participants, size),
            "deadweight_rate": check.rates("deadweight_rate", deadweight_rate, size),
            "ceiling_rate": check.rates("ceiling_rate", ceiling_rate, size),
            "response_scale_gbp": check.positive(
                "response_scale_gbp", response_scale_gbp, size, "a response scale in GBP per participant"
            ),
            "curvature": check.rates("curvature", curvature, size, below_one=True),
            "exit_hazard": check.rates("exit_hazard", exit_hazard, size),
            "reentry_rate": check.rates("reentry_rate", reentry_rate, size),
        }
        if size:
            _inspect_people(check, groups, index, columns)
        check.finish()
        object.__setattr__(self, "groups", groups)
        object.__setattr__(self, "group_index", index)
        for name, column in columns.items():
            object.__setattr__(self, name, column)

    def __len__(self) -> int:
        """Return the number of segments."""
        return int(self.group_index.size)

    @property
    def group(self) -> NDArray[np.str_]:
        """Return the group id of every segment, in the order given."""
        return np.asarray(self.groups)[self.group_index]

    @cached_property
    def total_participants(self) -> float:
        """Return the number of people."""
        return float(self.participants.sum())

    @cached_property
    def group_participants(self) -> FloatArray:
        """Return people by group, in the order of ``groups``."""
        return frozen(self.sum_by_group(self.participants))

    @cached_property
    def response(self) -> HaraResponse:
        """Return how every segment responds to support."""
        return HaraResponse(self.deadweight_rate, self.ceiling_rate, self.response_scale_gbp, self.curvature)

    @property
    def parking_threshold_gbp(self) -> FloatArray:
        """Return x_park of every segment."""
        return self.response.parking_threshold_gbp

    def sum_by_group(self, values: FloatArray) -> FloatArray:
        """Return the sums of a per-segment array by group, in the order of ``groups``."""
        return np.asarray(np.bincount(self.group_index, weights=values, minlength=len(self.groups)), dtype=np.float64)

    def segments_of(self, group: str) -> IntArray:
        """Return the row numbers of one group's segments.

        Raises
        ------
        InvalidInputError
            For a group that the caseload does not have.
        """
        if group not in self.groups:
            check = Inspection("Caseload")
            check.fault("group", group, "a payment group of the caseload", nearest(group, self.groups))
            check.finish()
        return np.flatnonzero(self.group_index == self.groups.index(group)).astype(np.int64)

    def replace(self, **changes: ArrayLike) -> Caseload:
        """Return a caseload with other columns, checked anew.

        >>> Caseload(["a"], 10, .1, .3, 500).replace(participants=20).total_participants
        20.0
        """
        check = Inspection("Caseload.replace")
        check.known(changes, ("group", *_COLUMNS), "a column of a caseload")
        check.finish()
        columns: dict[str, ArrayLike] = {name: getattr(self, name) for name in _COLUMNS}
        group = changes.pop("group", self.group)
        return Caseload(np.asarray(group), **(columns | changes))

    def take(self, rows: IntArray) -> Caseload:
        """Return the caseload of some segments, by row number."""
        return Caseload(self.group[rows], **{name: getattr(self, name)[rows] for name in _COLUMNS})


_NO_ID = ("", "nan", "None", "NaT")
_SHOWN = 3
_COLUMNS = (
    "participants",
    "deadweight_rate",
    "ceiling_rate",
    "response_scale_gbp",
    "curvature",
    "exit_hazard",
    "reentry_rate",
)


def _encode(check: Inspection, group: object) -> tuple[tuple[str, ...], IntArray]:
    """Return the distinct ids in order of first appearance, and each row's position among them."""
    rows = _as_rows(group)
    if rows is None:
        check.fault("group", group, "one id a segment, in a list or an array")
    elif rows.size == 0:
        check.fault("group", "nothing", "at least one segment")
    if rows is None or rows.size == 0:
        return (), np.zeros(0, dtype=np.int64)
    try:
        distinct, first, inverse = np.unique(rows, return_index=True, return_inverse=True)
    except TypeError:  # ids of several types, a None among the names perhaps: as text they can be compared
        distinct, first, inverse = np.unique([label(item) for item in rows], return_index=True, return_inverse=True)
    spelt = np.asarray([label(name) for name in distinct])
    if np.unique(spelt).size < distinct.size:  # ids that differ by blanks alone are one id
        distinct, first, inverse = np.unique(spelt[inverse], return_index=True, return_inverse=True)
    for row in np.sort(first[[label(name) in _NO_ID for name in distinct]]):
        check.fault(f"group[{row}]", rows[row], "an id that is not blank")
    order = np.argsort(first)
    rank = np.empty_like(order)
    rank[order] = np.arange(order.size)
    index = rank[inverse].astype(np.int64)
    index.setflags(write=False)
    return tuple(label(name) for name in distinct[order]), index


def _as_rows(group: object) -> NDArray[np.generic] | None:
    """Return a group column as an array of one dimension, None when it is not one."""
    if group is None or isinstance(group, (str, bytes, set, frozenset, dict)):
        return None
    try:
        rows = np.asarray(group)
    except ValueError:  # rows of different lengths
        return None
    return rows if rows.ndim == 1 else None


def _inspect_people(
    check: Inspection, groups: tuple[str, ...], index: IntArray, columns: dict[str, FloatArray]
) -> None:
    """Record the faults that concern several columns at once, where each column is sound by itself."""
    faulty = {fault.place.split("[")[0] for fault in check.faults}
    low, high = columns["deadweight_rate"], columns["ceiling_rate"]
    if "group" not in faulty and not faulty & {"deadweight_rate", "ceiling_rate"} and bool((high < low).any()):
        worst = np.flatnonzero(high < low)
        for k in worst[:_SHOWN]:
            place = f"ceiling_rate[{k}] (group '{groups[index[k]]}')"
            wanted = f"at least the deadweight rate, {low[k]:.6g}"
            check.fault(place, float(high[k]), wanted, "the ceiling is the rate with unlimited support")
        if worst.size > _SHOWN:
            more = f"{worst.size - _SHOWN} more entries of the same kind"
            check.fault("ceiling_rate", more, "at least the deadweight rate")
    if "participants" not in faulty and columns["participants"].sum() <= 0:
        check.fault("participants", "nobody", "a sum above 0", "give the number of people in each segment")
