"""Climb the price of a group past its parking thresholds, with everything summed in one pass.

With b = 0 and no mission, what the Department pays for a group is piecewise linear in its list price: below its
threshold a segment costs ``n w p(e_min)`` per pound of price, above it ``n w p1`` less ``n kappa`` once.
So all costs, headcounts and first-pound losses at all thresholds follow from running sums over the sorted
thresholds.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from pbr_opt.design.problem import DesignProblem
from pbr_opt.quantities import FloatArray, IntArray

__all__ = ["Ladder", "ladders"]


@dataclass(frozen=True, eq=False)
class Ladder:
    """One group's segments by rising parking price.

    Attributes
    ----------
    lower, upper : float
        Range of the list price, GBP.
    fixed_cost : float
        Attachment fees paid for the group, GBP.
    threshold : array (segments,)
        List price from which on each segment is helped beyond the minimum, rising; infinite ones last.
    people, slope_parked, slope_helped, scale : array (segments,)
        n, n w p(e_min), n w p1 and n kappa, in the same order.
    """

    lower: float
    upper: float
    fixed_cost: float
    threshold: FloatArray
    people: FloatArray
    slope_parked: FloatArray
    slope_helped: FloatArray
    scale: FloatArray

    @cached_property
    def _running(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return people, change of slope and scale of the segments passed, after 0, 1, 2, ... of them."""
        return (
            _running_sum(self.people),
            _running_sum(self.slope_helped - self.slope_parked),
            _running_sum(self.scale),
        )

    @cached_property
    def steps(self) -> FloatArray:
        """Return the prices worth considering: the lowest, and each threshold within the range, rising."""
        first, last = self.passed(np.array([self.lower, self.upper]))
        return np.concatenate([[self.lower], self.threshold[first:last]])

    def passed(self, price: FloatArray) -> IntArray:
        """Return how many segments have their threshold at or below each price."""
        return np.asarray(np.searchsorted(self.threshold, price, side="right"))

    def cost(self, price: FloatArray) -> FloatArray:
        """Return everything paid for the group at each price: exact, by running sums."""
        _, slope, scale = self._running
        k = self.passed(price)
        return self.fixed_cost + price * (float(self.slope_parked.sum()) + slope[k]) - scale[k]

    def parked(self, price: FloatArray) -> FloatArray:
        """Return the number of people not helped beyond the minimum at each price: parked, where there is none."""
        people = self._running[0]
        return np.asarray(people[-1] - people[self.passed(price)])

    @cached_property
    def loss_slope(self) -> FloatArray:
        """Return how fast the first-pound loss falls per pound of price after 0, 1, 2, ... segments are passed."""
        pull = np.divide(self.people, self.threshold, out=np.zeros_like(self.people), where=self.threshold > 0)
        return np.concatenate([np.cumsum(pull[::-1])[::-1], [0.0]])

    @cached_property
    def cost_slope(self) -> FloatArray:
        """Return how fast cost rises per pound of price after 0, 1, 2, ... segments are passed."""
        return float(self.slope_parked.sum()) + self._running[1]

    @cached_property
    def exchange_rate(self) -> FloatArray:
        """Return loss saved per pound spent beyond each of ``steps``; never rises with the price.

        Infinite where loss can be had for nothing (nobody is paid for yet), 0 where no loss is left.
        """
        first = int(self.passed(np.asarray(self.lower)))
        here = slice(first, first + self.steps.size)
        saved, paid = self.loss_slope[here], self.cost_slope[here]
        with np.errstate(divide="ignore", invalid="ignore"):
            rate = saved / paid
        rate[np.isnan(rate)] = 0.0
        return np.minimum.accumulate(rate, out=rate)


def _running_sum(values: FloatArray) -> FloatArray:
    return np.concatenate([[0.0], np.cumsum(values)])


def ladders(problem: DesignProblem) -> tuple[Ladder, ...]:
    """Return the ladder of every group, in the order of the caseload's groups.

    Notes
    -----
    Valid only where ``problem.is_piecewise_linear``. O(N log N) in segments.

    Examples
    --------
    >>> from pbr_opt.design.objectives import Parked
    >>> from pbr_opt.market.caseload import Caseload
    >>> from pbr_opt.market.programme import Programme
    >>> from pbr_opt.market.tariffs import Tariff
    >>> people = Caseload(["a", "a"], 100, [.12, .02], [.42, .10], 600)
    >>> (ladder,) = ladders(DesignProblem(Programme("p", people, Tariff(["a"], 0, 1000)), Parked()))
    >>> ladder.steps.round(6).tolist(), ladder.parked(ladder.steps).tolist()
    ([0.0, 2000.0, 7500.0], [200.0, 100.0, 0.0])
    """
    caseload = problem.programme.caseload
    lower, upper = problem.price_bounds_gbp
    weighted = caseload.participants * problem.price_weight
    columns = (
        caseload.participants,
        weighted * problem.idle_rate,
        weighted * caseload.ceiling_rate,
        caseload.participants * caseload.response_scale_gbp,
    )
    answer = []
    for g, rows in enumerate(_rows_by_group(caseload.group_index, len(caseload.groups))):
        threshold = problem.helping_price_gbp[rows]
        order = np.argsort(threshold)
        sorted_columns = (column[rows][order] for column in columns)
        fixed = float(problem.attachment_spend_gbp[g])
        answer.append(Ladder(float(lower[g]), float(upper[g]), fixed, threshold[order], *sorted_columns))
    return tuple(answer)


def _rows_by_group(index: IntArray, groups: int) -> list[IntArray | slice]:
    """Return the rows of each group; slices, which cost no copy, where the caseload is in group order."""
    counts = np.bincount(index, minlength=groups)
    ends = np.cumsum(counts)
    if bool((index[1:] >= index[:-1]).all()):
        return [slice(int(end - count), int(end)) for end, count in zip(ends, counts, strict=True)]
    return [*np.split(np.argsort(index, kind="stable"), ends[:-1])]
