"""Price cells: the stretches of a group's list price on which nothing changes its form.

With b = 0 and no mission a group's cost and loss bend only where a segment starts to be helped or, for a support
shortfall, gets the standard. On a cell between two bends, with ``pi`` the list price and L the left end,

    cost(pi) = cost(L) + slope (pi - L)
    loss(pi) = loss(L) + linear (pi - L) + log ln(pi / L) + reciprocal (1/pi - 1/L)

and the loss (less is better) is a convex function of the cost, so that the best price at a given rate of exchange
between the two is a closed form. All coefficients are running sums over the bends in order of price: O(N log N) in
segments, and no loop over cells.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np

from pbr_opt.design.forms import Form, Segments, forms_of, has_form
from pbr_opt.design.objectives import Parked, SegmentContext
from pbr_opt.design.problem import DesignProblem
from pbr_opt.errors import UnsupportedModelError
from pbr_opt.evaluation import respond
from pbr_opt.quantities import FloatArray, IntArray

__all__ = ["NO_PRICE_GBP", "CellColumns", "Cells", "has_cells", "price_cells"]

NO_PRICE_GBP: Final = 1e-200
"""Stands in for a price of nothing, so that logarithms at a left end are finite; it pays nobody anything."""


class CellColumns(NamedTuple):
    """Columns of the table of cells; ``pull`` is the coefficient of the reciprocal over the left end."""

    left: FloatArray
    right: FloatArray
    cost: FloatArray
    slope: FloatArray
    loss: FloatArray
    linear: FloatArray
    log: FloatArray
    reciprocal: FloatArray
    pull: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """Price cells of all groups: group after group, by rising price.

    Attributes
    ----------
    start : array (groups + 1,)
        Where each group's cells begin; the last entry is their number.
    table : array (9, cells)
        Ends, cost and loss at the left end, slope of the cost and coefficients of the loss.
    """

    start: IntArray
    table: FloatArray
    has_log: bool
    has_reciprocal: bool
    has_linear: bool = False

    @classmethod
    def of_points(cls, cost: Sequence[FloatArray], loss: Sequence[FloatArray]) -> Cells:
        """Return columns of each group, by rising cost, as cells without extent; their price is their number."""
        sizes = [each.size for each in cost]
        number = np.concatenate([np.arange(size, dtype=np.float64) for size in sizes])
        table = np.zeros((len(CellColumns._fields), number.size))
        table[:3], table[4] = (number, number, np.concatenate(cost)), np.concatenate(loss)
        return cls(np.concatenate([[0], np.cumsum(sizes)]), table, has_log=False, has_reciprocal=False)

    @property
    def columns(self) -> CellColumns:
        """Return the rows of the table by name."""
        return CellColumns(*self.table)

    def take(self, index: IntArray) -> Cells:
        """Return some of the cells, in the order asked for, without account of groups."""
        return replace(self, table=self.table.take(index, axis=1))

    def best_price(self, rate: FloatArray) -> FloatArray:
        """Return per cell the price at which ``loss + rate cost`` is least; where all are, the left end.

        It is where ``(rate slope + linear) pi**2 + log pi - reciprocal``, the slope of that times ``pi**2``, changes
        its sign. Where the first is below nought so is all of it, since log is not above nought beside linear.
        Needs errors of division and invalid numbers to be ignored by the caller: 0/0 stands for "everywhere".
        """
        left, right, _, slope, _, linear, log, reciprocal, _ = self.table
        tilt = rate * slope + linear if self.has_linear else rate * slope
        price: FloatArray
        if self.has_log and self.has_reciprocal:
            price = 2.0 * reciprocal / (log + np.sqrt(log * log + 4.0 * tilt * reciprocal))
        elif self.has_log:
            price = -log / tilt
        elif self.has_reciprocal:
            price = np.sqrt(reciprocal / tilt)
        else:
            price = np.where(tilt < 0.0, right, left)
        if self.has_linear:
            np.copyto(price, right, where=tilt < 0.0)
        np.fmax(price, left, out=price)
        np.minimum(price, right, out=price)
        return price

    def at(self, price: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return loss and cost of each cell's group at one price in each cell."""
        left, _, cost, slope, loss, linear, log, _, pull = self.table
        beyond = price - left
        cost = cost + slope * beyond
        if self.has_linear:
            loss = loss + linear * beyond
        if self.has_log:
            loss = loss + log * np.log(price / left)
        if self.has_reciprocal:
            loss = loss - pull * beyond / price
        return loss, cost

    def price_for(self, cost: FloatArray) -> FloatArray:
        """Return the lowest price in each cell at which its group costs that much, or the nearest end."""
        here = self.columns
        beyond = np.divide(cost - here.cost, here.slope, out=np.zeros_like(cost), where=here.slope > 0.0)
        return np.clip(here.left + beyond, here.left, here.right)

    @property
    def is_flat(self) -> bool:
        """Whether the loss is constant on every cell."""
        return not (self.has_log or self.has_reciprocal or self.has_linear)


def has_cells(problem: DesignProblem) -> bool:
    """Whether price cells describe the problem exactly."""
    apart = problem.step_gbp is None and not problem.joint_limits
    return apart and problem.is_piecewise_linear and has_form(problem.objective)


def price_cells(problem: DesignProblem) -> Cells:
    """Return the cells of every group within its price range, in the order of the caseload's groups.

    Raises
    ------
    UnsupportedModelError
        When payment is not piecewise linear in prices, or the objective has no closed form on cells.

    Examples
    --------
    >>> from pbr_opt.design.objectives import AdditionalOutcomes
    >>> from pbr_opt.market.caseload import Caseload
    >>> from pbr_opt.market.programme import Programme
    >>> from pbr_opt.market.tariffs import Tariff
    >>> people = Caseload(["a", "a"], 100, [.12, .02], [.42, .10], 600)
    >>> cells = price_cells(DesignProblem(Programme("p", people, Tariff(["a"], 0, 1000)), AdditionalOutcomes()))
    >>> cells.columns.left.round(6).tolist(), cells.columns.cost.round(6).tolist()
    ([0.0, 2000.0, 7500.0], [0.0, 28000.0, 270000.0])
    >>> (-cells.columns.loss).round(6).tolist()
    [0.0, 0.0, 22.0]
    """
    if not has_cells(problem):
        raise UnsupportedModelError(
            f"{problem.objective.name} on price cells needs curvature 0, no mission, no supply chain, no PriceStep and "
            "no limits that tie groups together; try method='columns'"
        )
    lower, upper = problem.price_bounds_gbp
    pieces = _pieces(problem)
    left = np.maximum(pieces.left, NO_PRICE_GBP)
    right = np.maximum(pieces.right, left)
    pull = pieces.reciprocal / left
    width, log, linear = right - left, pieces.log, pieces.linear
    size = np.diff(pieces.start)
    cost = np.repeat(_cost_at(problem, lower), size) + _before(pieces.slope * width, pieces.start)
    change = linear * width + log * np.log(right / left) - pull * width / right
    if problem.objective.better < 0:  # summed from the end where little is left, so that little is exact
        loss = np.repeat(_smooth_loss_at(problem, upper), size) - _from_here(change, pieces.start)
    else:
        loss = np.repeat(_smooth_loss_at(problem, lower), size) + _before(change, pieces.start)
    loss += pieces.constant
    has_log, has_reciprocal = bool(log.any()), bool(pieces.reciprocal.any())
    if np.any(log > 0.0):  # beyond its least value the loss rises with the cost: no need to look
        turn = np.divide(pieces.reciprocal, log, out=np.full(log.size, np.inf), where=log > 0.0)
        right = np.clip(turn, left, right)
    table = np.array([left, right, cost, pieces.slope, loss, linear, log, pieces.reciprocal, pull])
    return Cells(pieces.start, table, has_log, has_reciprocal, bool(linear.any()))


@dataclass(frozen=True, slots=True, eq=False)
class _Pieces:
    """Cells before anything is summed along them: where each group's begin, ends, coefficients."""

    start: IntArray
    left: FloatArray
    right: FloatArray
    slope: FloatArray
    log: FloatArray
    reciprocal: FloatArray
    constant: FloatArray
    linear: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class _Bends:
    """Prices at which the form of a group changes; each group's first is where its range starts.

    Attributes
    ----------
    group, price : array (bends,)
        Whose, and at which list price.
    passed : array (4, bends)
        What passing it adds: slope of the cost, log, reciprocal, segments with a logarithm.
    ahead : array (2, bends)
        What is there until it is passed: constant, linear.
    """

    group: IntArray
    price: FloatArray
    passed: FloatArray
    ahead: FloatArray


def _pieces(problem: DesignProblem) -> _Pieces:
    """Cut each group's price range at its bends; add up what has been passed, and what is still ahead."""
    lower, upper = problem.price_bounds_gbp
    who = Segments.of(problem, np.flatnonzero(problem.programme.caseload.participants > 0.0))
    forms = forms_of(problem.objective, who)
    bends = _bends(problem, who, forms)
    start = np.searchsorted(bends.group, np.arange(lower.size + 1))
    slope, log, reciprocal, active = _up_to_here(bends.passed, start)
    log[active == 0.0] = 0.0  # what rounding has left of sums that come to nothing
    later = np.roll(bends.ahead, -1, axis=1)
    later[:, start[1:] - 1] = sum(_out_of_reach(form, who, upper) for form in forms)
    constant, linear = _from_here(later, start)
    following = np.append(bends.price[1:], np.inf)
    following[start[1:] - 1] = np.inf
    left = np.maximum(bends.price, lower[bends.group])
    keep = np.flatnonzero((left <= upper[bends.group]) & (following > left))
    group = bends.group[keep]
    ends = left[keep], np.minimum(following[keep], upper[group])
    columns = (column[keep] for column in (slope, log, reciprocal, constant, linear))
    return _Pieces(np.searchsorted(group, np.arange(lower.size + 1)), *ends, *columns)


def _bends(problem: DesignProblem, who: Segments, forms: Sequence[Form]) -> _Bends:
    """Return the bends that can be reached, in order of price within each group."""
    caseload, groups = problem.programme.caseload, len(problem.base.groups)
    idle = caseload.sum_by_group(caseload.participants * problem.price_weight * problem.idle_rate)
    first, helped = np.full(groups, -np.inf), np.where(who.threshold < np.inf, who.people * who.weight * who.reach, 0.0)
    parts = [
        _some_bends(np.arange(groups), first, slope=idle),
        _some_bends(who.group, who.threshold, slope=helped),
    ]
    for form in forms:
        some = (form.log != 0.0).astype(np.float64)
        passed = {"log": form.log, "reciprocal": form.reciprocal, "some": some}
        parts.append(_some_bends(who.group, form.start, ahead=(form.constant, form.linear), **passed))
        if form.until is not None:
            parts.append(_some_bends(who.group, form.until, **{name: -part for name, part in passed.items()}))
    group, price, passed_all, ahead = (np.concatenate([part[k] for part in parts], axis=-1) for k in range(4))
    reached = np.flatnonzero(price <= problem.price_bounds_gbp[1][group])
    order = reached[_by_price(group[reached], price[reached], groups)]
    return _Bends(group[order], price[order], passed_all[:, order], ahead[:, order])


def _some_bends(
    group: IntArray, price: FloatArray, *, ahead: Sequence[FloatArray] = (), **passed: FloatArray
) -> tuple[IntArray, FloatArray, FloatArray, FloatArray]:
    """Return bends of one kind, as in :class:`_Bends`; what is not given is nothing."""
    none = np.zeros(price.size)
    rows = [passed.get(name, none) for name in ("slope", "log", "reciprocal", "some")]
    return group, price, np.array(rows), np.array(ahead or [none, none])


def _out_of_reach(form: Form, who: Segments, upper: FloatArray) -> FloatArray:
    """Return constant and linear coefficient by group, shape (2, groups), of segments beyond the price range."""
    beyond = form.start > upper[who.group]
    parts = (np.where(beyond, part, 0.0) for part in (form.constant, form.linear))
    return np.array([np.bincount(who.group, part, minlength=upper.size) for part in parts])


def _by_price(group: IntArray, price: FloatArray, groups: int) -> IntArray:
    """Return the order by group and then by price; groups are sorted one by one, which is the quickest."""
    order = np.argsort(group, kind="stable")
    ends = np.cumsum(np.bincount(group, minlength=groups))
    for first, last in zip(ends - np.bincount(group, minlength=groups), ends, strict=True):
        part = order[first:last]
        order[first:last] = part[np.argsort(price[part])]
    return order


def _up_to_here(values: FloatArray, start: IntArray) -> FloatArray:
    """Return running sums along the last axis, each entry included, starting afresh in every group."""
    sums = np.empty_like(values)
    for first, last in itertools.pairwise(start.tolist()):
        np.cumsum(values[..., first:last], axis=-1, out=sums[..., first:last])
    return sums


def _from_here(values: FloatArray, start: IntArray) -> FloatArray:
    """Return sums of each entry and all after it in its group, along the last axis."""
    return _up_to_here(values[..., ::-1], values.shape[-1] - start[::-1])[..., ::-1]


def _before(values: FloatArray, start: IntArray) -> FloatArray:
    """Return sums of all entries before each one in its group."""
    shifted = np.roll(values, 1, axis=-1)
    shifted[..., start[:-1]] = 0.0
    return _up_to_here(shifted, start)


def _cost_at(problem: DesignProblem, price: FloatArray) -> FloatArray:
    """Return everything paid by group at one list price a group, by the exact equilibrium."""
    caseload = problem.programme.caseload
    behaviour = respond(problem.programme, problem.price_weight * price[caseload.group_index])
    return problem.attachment_spend_gbp + caseload.sum_by_group(caseload.participants * behaviour.payment_gbp)


def _smooth_loss_at(problem: DesignProblem, price: FloatArray) -> FloatArray:
    """Return the loss by group at one list price a group, by the terms that evaluate; people parked left out."""
    caseload = problem.programme.caseload
    behaviour = respond(problem.programme, problem.price_weight * price[caseload.group_index])
    context, answer = SegmentContext.of(problem.programme), np.zeros(len(caseload.groups))
    for weight, term in problem.objective.parts:
        if not isinstance(term, Parked):
            each = term.per_participant(behaviour, context)
            answer -= abs(weight) * term.better * caseload.sum_by_group(caseload.participants * each)
    return answer
