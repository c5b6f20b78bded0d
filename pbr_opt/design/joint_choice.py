"""One option for each group when limits tie the groups together: a mixed-integer programme through HiGHS.

::

    minimise    sum of loss z
    subject to  one z of each group is 1; every use of money keeps its cap
                y_m >= sum of z of a group at place m,  sum of y <= most places       (few prices)
                u_m = sum of z of a group at places from m on,  u_m of the easier <= u_m of the harder   (order)

Places are positions on one axis of list prices that all groups share. The solver is not believed: what it picks is
added up again, and an answer that breaks a cap by more than rounding is forbidden and the question put again.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from pbr_opt.design.solver_output import printing_to_stderr
from pbr_opt.errors import SolverError
from pbr_opt.quantities import FloatArray, IntArray

__all__ = ["Choice", "Coupling", "Options", "choose_jointly"]

_UNIT: Final = 1e5
"""Losses are scaled to this range: the solver stops at an absolute gap of 1e-6, which is then 1e-11 of the range."""
_KEPT: Final = 1e-9
"""Relative: caps are kept to this, as budgets are."""
_CLAIMED: Final = 1e-6
"""Relative to the range of losses: what the solver says the answer is worth, against the sum of its parts."""
_SHARP: Final = 1e4
"""Caps are scaled to this: the solver lets a row be broken by some 1e-6, which is then 1e-10 of the cap."""
_MOST_TRIES: Final = 40
_INFEASIBLE: Final = 2


@dataclass(frozen=True, slots=True, eq=False)
class Options:
    """What one group can be given.

    Attributes
    ----------
    place : array (options,)
        Position of the price on the common axis.
    loss : array (options,)
        Less is better.
    use : array (rows, options)
        What it takes of each cap.
    """

    place: IntArray
    loss: FloatArray
    use: FloatArray

    def take(self, rows: IntArray) -> Options:
        """Return some of the options."""
        return Options(self.place[rows], self.loss[rows], self.use[:, rows])


@dataclass(frozen=True, slots=True, eq=False)
class Coupling:
    """What ties groups together.

    Attributes
    ----------
    caps : array (rows,)
        The uses of all groups add up to at most this.
    order : array (groups,) or empty
        Groups by rising place, easiest first.
    most_places : int or None
        At most so many different places.
    """

    caps: FloatArray
    order: IntArray
    most_places: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """What was picked, what it comes to, and what nothing else can beat."""

    picked: IntArray
    loss: float
    bound: float


def choose_jointly(options: Sequence[Options], coupling: Coupling) -> Choice | None:
    """Return the best option for each group, None when no choice keeps the limits.

    Raises
    ------
    SolverError
        When the solver fails, or its answer is not what it says.

    Examples
    --------
    >>> menu = Options(np.arange(3), np.array([9.0, 3.0, 0.0]), np.array([[0.0, 4.0, 9.0]]))
    >>> together = Coupling(np.array([9.0]), np.zeros(0, dtype=int), most_places=1)
    >>> choose_jointly([menu, menu], together).picked.tolist()
    [1, 1]
    """
    model = _Model(options, coupling)
    forbidden: list[IntArray] = []
    for _ in range(_MOST_TRIES):
        choice = model.solved(forbidden)
        if choice is None and not forbidden and model.has_one_price():
            raise SolverError(
                "HiGHS says that no choice keeps the limits; one price for all does. The answer is refused."
            )
        if choice is None or model.keeps_caps(choice.picked):
            return choice
        forbidden.append(choice.picked)
    raise SolverError(f"HiGHS broke a cap by more than rounding in {_MOST_TRIES} answers. The answer is refused.")


class _Model:
    """Rows and columns of the programme."""

    def __init__(self, options: Sequence[Options], coupling: Coupling) -> None:
        self.options, self.coupling = options, coupling
        self.start = np.cumsum([0, *(each.loss.size for each in options)])
        loss = np.concatenate([each.loss for each in options])
        self.base = np.array([each.loss.min() for each in options])
        self.range = float(sum(float(np.ptp(each.loss)) for each in options)) or 1.0
        self.cost = (loss - np.repeat(self.base, np.diff(self.start))) * (_UNIT / self.range)
        places, place = np.unique(np.concatenate([each.place for each in options]), return_inverse=True)
        self.place, self.places = place, int(places.size)
        self.blocks: list[tuple[IntArray, IntArray, FloatArray, float, float]] = []
        self.size = int(self.start[-1])
        self.rows = 0
        self._one_each()
        self._caps()
        if coupling.most_places is not None:
            self._few_places(coupling.most_places)
        if coupling.order.size > 1:
            self._order()

    def keeps_caps(self, picked: IntArray) -> bool:
        """Whether a choice keeps every cap, added up again."""
        used = np.sum([each.use[:, k] for each, k in zip(self.options, picked, strict=True)], axis=0)
        scale = np.sum([np.abs(each.use[:, k]) for each, k in zip(self.options, picked, strict=True)], axis=0)
        return bool(np.all(used <= self.coupling.caps + _KEPT * np.maximum(scale, np.abs(self.coupling.caps))))

    def has_one_price(self) -> bool:
        """Whether all groups at one place keep every cap: then there is a choice, whatever the solver says."""
        shared = set.intersection(*(set(each.place.tolist()) for each in self.options))
        for place, row in itertools.product(shared, range(self.coupling.caps.size)):
            rows = [np.flatnonzero(each.place == place) for each in self.options]
            least = [int(k[np.argmin(each.use[row, k])]) for each, k in zip(self.options, rows, strict=True)]
            if self.keeps_caps(np.array(least)):
                return True
        return False

    def _add(self, column: IntArray, value: FloatArray, lowest: float, highest: float) -> None:
        """Add one row."""
        self.blocks.append((np.full(column.size, self.rows), column, value, lowest, highest))
        self.rows += 1

    def _mine(self, group: int) -> IntArray:
        return np.arange(self.start[group], self.start[group + 1])

    def _one_each(self) -> None:
        for g in range(len(self.options)):
            self._add(self._mine(g), np.ones(self.options[g].loss.size), 1.0, 1.0)

    def _caps(self) -> None:
        use = np.concatenate([each.use for each in self.options], axis=1)
        for row, cap in zip(use, self.coupling.caps, strict=True):
            if np.isfinite(cap):
                scale = max(abs(float(cap)), float(np.abs(row).max()), np.finfo(float).tiny)
                highest = cap + 0.5 * _KEPT * (abs(cap) or scale)
                self._add(np.arange(self.start[-1]), row * (_SHARP / scale), -np.inf, float(highest * _SHARP / scale))

    def _few_places(self, most: int) -> None:
        used = self.size + np.arange(self.places)
        self.size += self.places
        for g in range(len(self.options)):
            mine = self._mine(g)
            for m in np.unique(self.place[mine]):
                here = mine[self.place[mine] == m]
                self._add(np.append(here, used[m]), np.append(np.ones(here.size), -1.0), -np.inf, 0.0)
        self._add(used, np.ones(self.places), 0.0, float(most))

    def _order(self) -> None:
        above = {
            int(g): self.size + k * self.places + np.arange(self.places) for k, g in enumerate(self.coupling.order)
        }
        self.size += self.places * len(above)
        for g, levels in above.items():
            mine = self._mine(g)
            for m in range(self.places):
                here = mine[self.place[mine] == m]
                following = levels[m + 1 : m + 2]
                column = np.concatenate([levels[m : m + 1], following, here])
                value = np.concatenate([[1.0], -np.ones(following.size), -np.ones(here.size)])
                self._add(column, value, 0.0, 0.0)
        for easy, hard in zip(self.coupling.order[:-1], self.coupling.order[1:], strict=True):
            for m in range(self.places):
                self._add(np.array([above[int(easy)][m], above[int(hard)][m]]), np.array([1.0, -1.0]), -np.inf, 0.0)

    def solved(self, forbidden: Sequence[IntArray]) -> Choice | None:
        """Return the solver's answer, added up again."""
        from scipy.optimize import Bounds, LinearConstraint, milp
        from scipy.sparse import coo_array

        cuts = [
            (
                np.full(picked.size, self.rows + k),
                self.start[:-1] + picked,
                np.ones(picked.size),
                0.0,
                picked.size - 1.0,
            )
            for k, picked in enumerate(forbidden)
        ]
        row, column, value = (np.concatenate(part) for part in zip(*(b[:3] for b in self.blocks + cuts), strict=True))
        lowest, highest = (np.array([b[k] for b in self.blocks + cuts]) for k in (3, 4))
        matrix = coo_array((value, (row, column)), shape=(self.rows + len(cuts), self.size)).tocsr()
        extra = self.size - int(self.start[-1])
        with printing_to_stderr():
            answer = milp(
                np.append(self.cost, np.zeros(extra)),
                integrality=np.append(np.ones(self.start[-1]), np.zeros(extra)),
                bounds=Bounds(0.0, 1.0),
                constraints=LinearConstraint(matrix, lowest, highest),
                options={"mip_rel_gap": 0.0},
            )
        if answer.status == _INFEASIBLE:
            return None
        if answer.x is None or not np.isfinite(answer.x).all():
            raise SolverError(f"HiGHS failed: {answer.message}")
        return self._read(answer.x, float(answer.fun), float(answer.mip_dual_bound))

    def _read(self, solution: FloatArray, claimed: float, dual_bound: float) -> Choice:
        picked = np.array([int(np.argmax(solution[self._mine(g)])) for g in range(len(self.options))])
        sure = solution[self.start[:-1] + picked]
        excess = float(self.cost[self.start[:-1] + picked].sum())
        if np.any(sure < 0.9) or abs(excess - claimed) > _CLAIMED * _UNIT:
            raise SolverError(
                f"HiGHS claims {claimed:,.8g} for a choice that comes to {excess:,.8g}. The answer is refused."
            )
        loss = float(sum(each.loss[k] for each, k in zip(self.options, picked, strict=True)))
        missing = max(excess - dual_bound, 0.0)
        return Choice(picked, loss, loss - (missing if missing > 1e-5 else 0.0) * self.range / _UNIT)
