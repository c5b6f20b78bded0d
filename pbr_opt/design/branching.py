"""Prices that are proved best, for one budget or for many at once: branch and bound over price cells.

Groups interact only through the budget. At the top of the dual all groups but about one know which cell they want; that
one is torn between two, and where the budget leaves it, in between, it achieves less than a mixture of the two would
(the gap of Shapley and Folkman). So its cells are split there, and both parts are bounded afresh. What the mixture
spends on each group, spent inside cells, is a design too, so that bounds and designs come from the same pass. Cells
whose reduced cost exceeds what is still unproved are in no better design and are dropped, for all sub-problems or for
one.

Sub-problems of all budgets are bounded together, some from each, so that the work is done on long arrays.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

import numpy as np

from pbr_opt.design.cells import NO_PRICE_GBP, Cells, price_cells
from pbr_opt.design.dual import Side, Subproblems, climb, tightened
from pbr_opt.design.nodes import Arena, Nodes, Parts
from pbr_opt.design.problem import DesignProblem
from pbr_opt.design.result import Found
from pbr_opt.design.settings import DesignSettings
from pbr_opt.evaluation import evaluate
from pbr_opt.quantities import BoolArray, FloatArray, IntArray

__all__ = ["Answers", "solve_budgets", "solve_cells", "stepped"]

_AT_ONCE: Final = (2, 16)
"""Fewest and most sub-problems of one budget that are split at once: the most promising, and some that will need it
anyway."""

_TOGETHER: Final = 120_000
"""... and as many as keep the cells of all of them within a processor's cache, about."""

_BLOCK: Final = 400_000
"""Budgets times cells treated together: bounds memory to some hundred megabytes."""

_ROUNDING: Final = 1e-14
"""Relative to the losses that are added up: bounds and designs nearer than this cannot be told apart."""

_SUMS: Final = 1e-13
"""How far, relatively, sums of the same costs taken in another order may lie apart: no reason to miss a design whose
cost is exactly the budget."""

_PROVED: Final = 0.5
"""A design counts as proved at this share of the gap asked for: the rest is room for the rounding of others."""

_SHARE: Final = 0.1
"""... and bounds are computed to this share of it."""


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """The best prices found for each budget, and what is proved.

    Attributes
    ----------
    price_gbp : array (budgets, groups)
        List prices.
    loss : array (budgets,)
        What they achieve, less is better.
    bound : array (budgets,)
        No prices within the budget have a lower loss; the loss itself where the two cannot be told apart.
    multiplier : array (budgets,)
        Loss that one more pound saves in the relaxation.
    nodes : array (budgets,)
        Sub-problems bounded.
    """

    price_gbp: FloatArray
    loss: FloatArray
    bound: FloatArray
    multiplier: FloatArray
    nodes: IntArray


def solve_cells(problem: DesignProblem, settings: DesignSettings) -> Found:
    """Return the best prices, with proof to ``settings.relative_gap``.

    After ``settings.most_labels`` sub-problems the search ends with the best bound and the best design there are.

    Raises
    ------
    UnsupportedModelError
        When price cells do not describe the problem, see :func:`~pbr_opt.design.cells.has_cells`.

    Examples
    --------
    >>> from pbr_opt.design.limits import Budget
    >>> from pbr_opt.design.objectives import TotalSupport
    >>> from pbr_opt.market.caseload import Caseload
    >>> from pbr_opt.market.programme import Programme
    >>> from pbr_opt.market.tariffs import Tariff
    >>> people = Caseload(["a", "b"], 100, [.12, .02], [.42, .10], 600)
    >>> programme = Programme("p", people, Tariff(["a", "b"], 0, 4000))
    >>> found = solve_cells(DesignProblem(programme, TotalSupport(), [Budget(1.08e5)]), DesignSettings())
    >>> found.tariff.price_gbp.round(6).tolist(), round(found.bound, 3)
    ([0.0, 16800.0], -48388.552)
    """
    budget = np.array([problem.budget_gbp])
    answer = solve_budgets(price_cells(problem), budget, settings.relative_gap, settings.most_labels)
    loss, bound, nodes = float(answer.loss[0]), float(answer.bound[0]), int(answer.nodes[0])
    tariff = problem.base.at_price(answer.price_gbp[0])
    if bound == loss:  # proved to rounding: whoever sums in another order is not to see a gap
        bound = -problem.objective.better * problem.objective.total(evaluate(problem.programme, tariff))
    method = f"branch and bound over price cells ({nodes:,} bound{'' if nodes == 1 else 's'})"
    return Found(tariff, loss, bound, float(answer.multiplier[0]), method)


def solve_budgets(cells: Cells, budget_gbp: FloatArray, relative_gap: float, most_nodes: int) -> Answers:
    """Return the best prices for each of many budgets.

    Parameters
    ----------
    cells : Cells
        Of every group.
    budget_gbp : array (budgets,)
        GBP, kept to the rounding of sums; may be infinite; below what the lowest prices cost it is taken to be that.
    relative_gap : float
        When to stop.
    most_nodes : int
        Sub-problems bounded for one budget before it has to do with the bound there is.

    Returns
    -------
    Answers
        In the order of the budgets.
    """
    block = max(1, _BLOCK // int(cells.start[-1]))
    budget_gbp = budget_gbp * (1.0 + _SUMS)
    parts = [
        _Tree(cells, budget_gbp[k : k + block], relative_gap).grown(most_nodes)
        for k in range(0, budget_gbp.size, block)
    ]
    return Answers(*(np.concatenate([getattr(part, column.name) for part in parts]) for column in fields(Answers)))


def stepped(
    cells: Cells, budget_gbp: float, most_nodes: int, cutoff: float = np.inf, *, first: bool = False
) -> tuple[Answers, Nodes]:
    """Return the best columns found for one budget, and the sub-problems in which better ones may hide.

    For cells that are points, such as prices on a step. Splitting ends where no more than the step from one column of a
    group to the next keeps design and bound apart; ``bound`` is proved outside of the sub-problems that are returned.
    Designs that lose no less than the cutoff are not looked for: where there is no other, the prices are the lowest.
    With ``first`` splitting ends as soon as there is one.
    """
    tree = _Tree(cells, np.array([budget_gbp]), 0.0, stepped=True, cutoff=cutoff)
    answers = tree.grown(most_nodes, cutoff if first else -np.inf)
    return answers, tree.aside


@dataclass(frozen=True, slots=True, eq=False)
class _Designs:
    """Designs in which every group spends what the mixture of two choices spends on it.

    Attributes
    ----------
    cell : array (designs, groups)
        Where each group's price lies.
    price : array (designs, groups)
        List prices.
    loss : array (designs, groups)
        What they achieve.
    excess : array (designs, groups)
        By how much that is worse than the mixture.
    """

    cell: IntArray
    price: FloatArray
    loss: FloatArray
    excess: FloatArray


class _Tree:
    """Branch and bound for some budgets; what is known of each is in arrays with an entry a budget."""

    def __init__(
        self, cells: Cells, budget: FloatArray, relative_gap: float, stepped: bool = False, cutoff: float = np.inf
    ) -> None:
        ends = np.array([cells.start[:-1], cells.start[1:] - 1])
        last = cells.take(ends[1])
        least, most = cells.columns.cost[ends[0]].sum(), last.at(last.columns.right)[1].sum()
        self.cells, self.relative_gap, self.stepped = cells, relative_gap, stepped
        self.budget = np.clip(budget, least, max(least, most))
        self.noise = _ROUNDING * float(np.abs(cells.columns.loss[ends]).sum())
        self.loss, self.floor = np.full(budget.size, cutoff), np.full(budget.size, np.inf)
        self.price, self.count = np.zeros((budget.size, last.start.size - 1)), np.zeros(budget.size, dtype=np.int64)
        whole = Parts.whole(cells, budget.size)
        self.open = self._bounded(whole, (whole.first, whole.last), cells, np.arange(cells.start[-1]))
        self.top, self.rate = self.open.bound, self.open.rate
        self.aside = self.open.take(np.zeros(budget.size, dtype=np.bool_))

    def grown(self, most_nodes: int, content: float = -np.inf) -> Answers:
        """Split until everything is proved, enough has been tried, or every loss is below one to be content with."""
        self._prune(most_nodes)
        if self.open.owner.size:
            owner = np.unique(self.open.owner)
            arena = Arena.of(self.cells, owner, self.rate[owner])
            while self.open.owner.size and (self.loss >= content).any():
                busy = np.bincount(self.open.owner, minlength=self.loss.size) > 0
                arena = arena.within(np.where(busy, self.loss - self.top + self.noise, -np.inf))
                self._split(arena)
                self._prune(most_nodes)
        np.minimum.at(self.floor, self.open.owner, self.open.bound)
        bound = np.where(self.floor >= self.loss - self.noise, self.loss, self.floor)
        price = np.where(self.price <= 2.0 * NO_PRICE_GBP, 0.0, self.price)
        return Answers(price, self.loss, bound, self.rate, self.count)

    def _proved_at(self) -> FloatArray:
        """Return for each budget the bound at which a sub-problem need not be looked into any more."""
        known = np.where(np.isfinite(self.loss), np.abs(self.loss), 0.0)
        return self.loss - np.maximum(_PROVED * self.relative_gap * known, self.noise)

    def _split(self, arena: Arena) -> None:
        """Split the most promising nodes and bound those of their parts that can hold a better design."""
        chosen = self.open.promising(int(np.clip(_TOGETHER // max(arena.origin.size, 1), *_AT_ONCE)))
        parts = self.open.take(chosen).parts()
        self.open = self.open.take(~chosen)
        first, last = arena.place(parts)
        there: BoolArray = np.all(first <= last, axis=1)
        there[there] = arena.cells.columns.cost[first[there]].sum(axis=1) <= self.budget[parts.owner[there]]
        if there.any():
            places = first[there], last[there]
            self.open = self.open.joined(self._bounded(parts.take(there), places, arena.cells, arena.origin))

    def _bounded(self, parts: Parts, places: tuple[IntArray, IntArray], cells: Cells, origin: IntArray) -> Nodes:
        """Return parts with their bounds; keep the best designs that are met on the way.

        Their cells have places among copies, of which ``origin`` says of which cell each is one.
        """
        owner = parts.owner
        sub = Subproblems(*places, self.budget[owner], parts.rate, self._proved_at()[owner])
        peaks = climb(cells, sub, _SHARE * self.relative_gap, _SHARE * self.noise)
        dear, cheap = (Side(origin[side.cell], side.line) for side in (peaks.dear, peaks.cheap))
        designs = _mixtures(self.cells, dear, cheap, sub.budget)
        self._remember(owner, designs)
        self.count += np.bincount(owner, minlength=self.count.size)
        # What is dropped here is in no bound any more, so that it must be no better at all, whatever gap is asked for.
        first, last = (origin[end] for end in tightened(cells, sub, peaks, (self.loss - self.noise)[owner]))
        torn = np.where(cheap.cell != dear.cell, designs.excess, -np.inf).argmax(axis=1)
        at = np.arange(owner.size), torn
        bound = np.maximum(peaks.bound, parts.bound)
        below, between, above = (cell[at] for cell in (cheap.cell, designs.cell, dear.cell))
        return Nodes(owner, first, last, bound, peaks.rate, torn, below, between, above, designs.excess[at])

    def _remember(self, owner: IntArray, designs: _Designs) -> None:
        """Keep the best design of each budget."""
        loss = designs.loss.sum(axis=1)
        order = np.lexsort((loss, owner))
        best = order[np.flatnonzero(np.diff(owner[order], prepend=-1))]
        better = best[loss[best] < self.loss[owner[best]]]
        self.loss[owner[better]], self.price[owner[better]] = loss[better], designs.price[better]

    def _prune(self, most_nodes: int) -> None:
        """Let go of nodes that are proved or cannot be split, and of all nodes of budgets that have had enough."""
        nodes = self.open
        gone = (nodes.bound >= self._proved_at()[nodes.owner]) | (nodes.below == nodes.above)
        gone |= self.count[nodes.owner] >= most_nodes
        np.minimum.at(self.floor, nodes.owner[gone], nodes.bound[gone])
        nodes = nodes.take(~gone)
        if self.stepped:
            fine = nodes.excess <= nodes.rate * self._step_at(nodes)
            self.aside, nodes = self.aside.joined(nodes.take(fine)), nodes.take(~fine)
        self.open = nodes

    def _step_at(self, nodes: Nodes) -> FloatArray:
        """Return what a step of one column costs where the budget leaves the torn group, the lesser of both sides.

        A menu may have wide gaps, where nothing in between is worth its money: there splitting pays.
        """
        cost, between = self.cells.columns.cost, nodes.between
        up = cost[np.minimum(between + 1, nodes.above)] - cost[between]
        down = cost[between] - cost[np.maximum(between - 1, self.cells.start[nodes.group])]
        return np.asarray(np.minimum(up, down))


def _mixtures(cells: Cells, dear: Side, cheap: Side, budget: FloatArray) -> _Designs:
    """Return designs in which every group spends what the mixture of two choices that costs the budget spends."""
    shape = cheap.cell.shape
    (dear_price, dear_loss, dear_cost), (cheap_price, cheap_loss, cheap_cost) = (
        _chosen(cells, side) for side in (dear, cheap)
    )
    missing, step = budget - cheap_cost.sum(axis=1), (dear_cost - cheap_cost).sum(axis=1)
    wanted = (step > 0.0) & (cheap.rate > 0.0)  # at a rate of nothing the cheap choice is all that anybody wants
    share = np.clip(np.divide(missing, step, out=np.zeros(step.size), where=wanted), 0.0, 1.0)[:, None]
    cell, price = cheap.cell.copy(), cheap_price + share * (dear_price - cheap_price)
    torn = np.nonzero(cheap.cell != dear.cell)
    spend = (cheap_cost + share * (dear_cost - cheap_cost))[torn]
    cell[torn] = _cell_of(cells.columns.cost, cheap.cell[torn], dear.cell[torn], spend)
    price[torn] = cells.take(cell[torn]).price_for(spend)
    there = cells.take(cell.ravel())
    if cells.is_flat:  # nothing is gained inside a cell
        price = there.columns.left.reshape(shape)
    loss = there.at(price.ravel())[0].reshape(shape)
    return _Designs(cell, price, loss, loss - (cheap_loss + share * (dear_loss - cheap_loss)))


def _chosen(cells: Cells, side: Side) -> FloatArray:
    """Return price, loss and cost of choices, shape (3, sub-problems, groups)."""
    there = cells.take(side.cell.ravel())
    with np.errstate(divide="ignore", invalid="ignore"):
        price = there.best_price(np.repeat(side.rate, side.cell.shape[1]))
    return np.array([price, *there.at(price)]).reshape(3, *side.cell.shape)


def _cell_of(cost: FloatArray, low: IntArray, high: IntArray, spend: FloatArray) -> IntArray:
    """Return the last cell between two that costs no more than the spend at its left end."""
    while (low < high).any():
        middle = (low + high + 1) // 2
        affordable = cost[middle] <= spend
        low, high = np.where(affordable, middle, low), np.where(affordable, high, middle - 1)
    return low
