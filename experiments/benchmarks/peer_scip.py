"""The reference problem as SCIP takes it: global, and proved to a gap.

Two forms: as the problem is written (one binary a segment), and given this library's price cells for nothing (one
binary a cell, convex but for the choice), the strongest form we know.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any, Protocol

import numpy as np
from race import HIGHEST_GBP, UNIT_GBP, Attempt, Patience, People, judged, module
from timing import cpu_seconds

from pbr_opt import AdditionalOutcomes, FirstPoundLoss, Parked, TotalSupport
from pbr_opt.design.cells import CellColumns, price_cells
from pbr_opt.design.problem import DesignProblem

__all__ = ["scip_by_cells", "scip_by_segments"]

GAP = 1e-4
"""When SCIP may stop: the gap that the target names."""


class Model(Protocol):
    """What is used of a model of pyscipopt, which has no types of its own."""

    def hideOutput(self) -> None:  # noqa: N802  # the name is theirs
        """Keep quiet."""

    def setParam(self, name: str, value: float) -> None:  # noqa: N802  # the name is theirs
        """Set a limit."""

    def optimize(self) -> None:
        """Solve."""

    def addVar(self, **settings: object) -> Any:  # noqa: N802  # the name is theirs
        """Add a variable."""

    def addCons(self, constraint: object) -> None:  # noqa: N802  # the name is theirs
        """Add a constraint."""

    def setObjective(self, expression: object, sense: str) -> None:  # noqa: N802  # the name is theirs
        """Say what to do."""

    def getVal(self, expression: object) -> float:  # noqa: N802  # the name is theirs
        """Return a value of the solution."""
        ...

    def getGap(self) -> float:  # noqa: N802  # the name is theirs
        """Return the relative gap that is left."""
        ...


def _run(model: Model, prices: list[list[object]], problem: DesignProblem, limit: float) -> Attempt:
    """Solve, and read the list price of each group: the sum of its parts."""
    model.hideOutput()
    model.setParam("limits/gap", GAP)
    model.setParam("timing/clocktype", 1)  # the processor's time
    model.setParam("limits/time", limit)
    taken = cpu_seconds(model.optimize)
    listed = np.array([sum(model.getVal(part) for part in parts) for parts in prices])
    gap = model.getGap()
    return judged(problem, taken, listed, f"to {GAP:.0e}" if gap <= GAP else "stopped")


def scip_by_cells(problem: DesignProblem, patience: Patience) -> Attempt:
    """Let SCIP choose one price cell a group and a price in it: convex but for the choice."""
    peer = module("pyscipopt")
    model, cells = peer.Model(), price_cells(problem)
    heads = problem.programme.caseload.total_participants
    money = isinstance(problem.objective, TotalSupport)
    cost, loss, prices = [], [], []
    for first, last in zip(cells.start[:-1], cells.start[1:], strict=True):
        chosen, listed = [], []
        for k in range(int(first), int(last)):
            here = CellColumns(*(float(column[k]) for column in cells.columns))  # type: ignore[arg-type]
            left, right = here.left / UNIT_GBP, here.right / UNIT_GBP
            pick, price = model.addVar(vtype="B"), model.addVar(lb=0.0, ub=right)
            model.addCons(price <= right * pick)
            model.addCons(price >= left * pick)
            chosen.append(pick)
            listed.append(price)
            fixed = (here.cost - here.slope * here.left) / UNIT_GBP
            cost.append((fixed * pick + here.slope * price) / heads)
            loss.append(_cell_loss(peer, model, here, pick, price) * (1.0 / (heads * (UNIT_GBP if money else 1.0))))
        model.addCons(peer.quicksum(chosen) == 1)
        prices.append(listed)
    model.addCons(peer.quicksum(cost) <= problem.budget_gbp / UNIT_GBP / heads)
    model.setObjective(peer.quicksum(loss), "minimize")
    return _run(model, prices, problem, patience.search)


def _cell_loss(peer: ModuleType, model: Model, here: CellColumns, pick: Any, price: Any) -> Any:
    """Return the loss in a cell that is picked, nothing in others; the price is in thousands of pounds."""
    left, right = float(here.left) / UNIT_GBP, float(here.right) / UNIT_GBP
    loss = (here.loss - here.pull) * pick + here.linear * UNIT_GBP * (price - left * pick)
    if here.reciprocal > 0.0:  # pick**2 / price, as a cone
        turned = model.addVar(lb=0.0, ub=1.0 / left)
        model.addCons(turned * price >= pick * pick)
        loss += here.reciprocal / UNIT_GBP * turned
    elif here.log < 0.0:
        level = model.addVar(lb=left, ub=right)
        gain = model.addVar(lb=0.0, ub=float(np.log(right / left)))
        model.addCons(level <= left + price - left * pick)
        model.addCons(gain <= peer.log(level / left))
        loss += here.log * gain
    return loss


def _gain(peer: ModuleType, model: Model, problem: DesignProblem, price: Any, person: tuple[float, ...]) -> Any:
    """Return what the objective gains per person, less is worse: none below the threshold, a curve above it."""
    low, high, scale = person
    start, top, aim = scale / (high - low), HIGHEST_GBP / UNIT_GBP, problem.objective
    if isinstance(aim, FirstPoundLoss):
        gained = model.addVar(lb=-1.0, ub=0.0)
        model.addCons(gained <= price / start - 1.0)
        return gained
    if start >= top:
        return 0.0
    helped = model.addVar(vtype="B")
    model.addCons(price >= start * helped)
    if isinstance(aim, Parked):
        return helped
    if isinstance(aim, AdditionalOutcomes):
        gained = model.addVar(lb=0.0, ub=high - low)
        model.addCons(gained <= (high - low) * helped)
        model.addCons(gained * price <= (high - low) * (price - start * helped))
        return gained
    level = model.addVar(lb=start, ub=top)
    gained = model.addVar(lb=0.0, ub=scale * float(np.log(top / start)))
    model.addCons(level <= start + (top - start) * helped)
    model.addCons(level <= price + start * (1 - helped))
    model.addCons(gained <= scale * peer.log(level / start))
    return gained


def scip_by_segments(problem: DesignProblem, patience: Patience) -> Attempt:
    """Let SCIP decide for each segment whether it is helped: the problem as it is written."""
    peer, people, top = module("pyscipopt"), People.of(problem), HIGHEST_GBP / UNIT_GBP
    model = peer.Model()
    prices = [model.addVar(lb=0.0, ub=top) for _ in range(people.groups)]
    cost, gains = [], []
    rows = zip(people.group.tolist(), people.share, people.low, people.high, people.scale, strict=True)
    for g, *numbers in rows:
        weight, low, high, scale = map(float, numbers)
        paid = model.addVar(lb=0.0, ub=high * top)
        model.addCons(paid >= low * prices[g])
        model.addCons(paid >= high * prices[g] - scale)
        cost.append(weight * paid)
        gains.append(weight * _gain(peer, model, problem, prices[g], (low, high, scale)))
    model.addCons(peer.quicksum(cost) <= people.budget)
    model.setObjective(peer.quicksum(gains), "maximize")
    return _run(model, [[price] for price in prices], problem, patience.search)
