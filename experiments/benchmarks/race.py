"""What a race between solvers needs: the instances, ours, and how a peer's prices are judged.

Whatever a peer claims, its prices are pulled back into the budget and evaluated by the exact equilibrium. Time is the
processor's for this process, so that others on the machine do not count.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import statistics
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import NamedTuple

import numpy as np
from timing import cpu_seconds, reference_programme

from pbr_opt import Budget, DesignSettings, Parked, PriceRange, evaluate
from pbr_opt.design.branching import solve_cells
from pbr_opt.design.objectives import Objective
from pbr_opt.design.problem import DesignProblem
from pbr_opt.design.result import Found, relative_gap
from pbr_opt.quantities import FloatArray, IntArray

__all__ = [
    "HIGHEST_GBP",
    "UNIT_GBP",
    "Attempt",
    "Patience",
    "People",
    "RefusalError",
    "best_of",
    "judged",
    "median_seconds",
    "module",
    "quiet",
    "reference",
    "refuse",
    "solved",
]

HIGHEST_GBP = 20_000.0
UNIT_GBP = 1_000.0
"""Peers see thousands of pounds, and shares of the people: numbers of about 1."""

SEED = 20110601

HALVINGS = 60
"""How often the share of a peer's prices that keeps the budget is halved: to the last bit."""

NEARLY = 1 + 1e-6
"""A peer's price this near below a threshold is meant to be at it."""


class RefusalError(RuntimeError):
    """A solver that is not installed, or that does not take the problem; the text says which."""


@dataclass(frozen=True)
class Patience:
    """How long peers may take: seconds of a global search, and seconds after which no further start is made."""

    search: float
    starting: float
    starts: int = 10


@dataclass(frozen=True)
class Attempt:
    """What a peer found: seconds, the loss of its prices within the budget (less is better), and what it proved."""

    seconds: float
    loss: float
    proof: str


class People(NamedTuple):
    """The segments in the units of peers: shares of the people, thousands of pounds; and the budget a head."""

    share: FloatArray
    low: FloatArray
    high: FloatArray
    scale: FloatArray
    group: IntArray
    budget: float

    @classmethod
    def of(cls, problem: DesignProblem) -> People:
        """Return the segments of a problem."""
        caseload = problem.programme.caseload
        return cls(
            caseload.participants / caseload.total_participants,
            caseload.deadweight_rate,
            caseload.ceiling_rate,
            caseload.response_scale_gbp / UNIT_GBP,
            caseload.group_index,
            problem.budget_gbp / UNIT_GBP / caseload.total_participants,
        )

    @property
    def reach(self) -> FloatArray:
        """Return by how much support can raise the outcome rate."""
        return self.high - self.low

    @property
    def start(self) -> FloatArray:
        """Return the price at which the first pound of support pays."""
        return self.scale / self.reach

    @property
    def groups(self) -> int:
        """Return the number of groups."""
        return int(self.group.max()) + 1


def reference(groups: int, segments: int, seed: int, aim: Objective) -> DesignProblem:
    """Return a design problem of the reference kind: prices up to £20,000, 60 % of what £6,000 everywhere costs."""
    programme = reference_programme(groups, segments, seed).replace(outcome_value_gbp=np.full(groups, 15_000.0))
    budget = 0.6 * evaluate(programme).spend_gbp
    return DesignProblem(programme, aim, [PriceRange(0.0, HIGHEST_GBP), Budget(budget)])


def solved(problem: DesignProblem, gap: float = 1e-9) -> Found:
    """Solve from scratch: nothing that the problem has kept is used again."""
    fresh = DesignProblem(problem.programme, problem.objective, problem.limits)
    found = solve_cells(fresh, DesignSettings(relative_gap=gap))
    reached = relative_gap(found.claimed_loss, found.bound)
    if reached > gap:
        raise SystemExit(f"{problem.programme.name}, {problem.objective.name}: gap {reached:.1e}, wanted {gap:.0e}")
    return found


def median_seconds(work: Callable[[], object], runs: int = 7) -> float:
    """Return the median time after one warm-up."""
    work()
    return statistics.median(cpu_seconds(work) for _ in range(runs))


def module(name: str) -> ModuleType:
    """Return a peer's module, or say that it is missing."""
    try:
        return importlib.import_module(name)
    except ImportError:
        raise RefusalError("not installed") from None


def refuse(problem: DesignProblem, *kinds: type, why: str) -> None:
    """Refuse objectives that a form cannot say."""
    if isinstance(problem.objective, kinds):
        raise RefusalError(why)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Silence solvers that print from C, and warnings of theirs that are not ours to mend."""
    sys.stdout.flush()
    kept = os.dup(1)
    with open(os.devnull, "w") as nowhere, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        os.dup2(nowhere.fileno(), 1)
        try:
            yield
        finally:
            os.dup2(kept, 1)
            os.close(kept)


def best_of(problem: DesignProblem, patience: Patience, descend: Callable[[FloatArray], FloatArray | None]) -> Attempt:
    """Start a local method from random prices until patience is spent; it returns prices, or None where it fails."""
    rng, groups, losses = np.random.default_rng(SEED), len(problem.base.groups), []
    with quiet():
        taken, tries = 0.0, 0
        while tries < patience.starts and (tries == 0 or taken < patience.starting):
            start = rng.uniform(0.0, HIGHEST_GBP / UNIT_GBP, groups)
            price: FloatArray | None = None

            def run(start: FloatArray = start) -> None:
                nonlocal price
                price = descend(start)

            taken += cpu_seconds(run)
            tries += 1
            if price is not None:
                losses.append(_within(problem, price * UNIT_GBP))
    if not losses:
        raise RefusalError(f"failed from every one of {tries} starts")
    return Attempt(taken, min(losses), "none (local)")


def judged(problem: DesignProblem, taken: float, price: FloatArray, proof: str) -> Attempt:
    """Return an attempt whose prices are in thousands of pounds."""
    return Attempt(taken, _within(problem, price * UNIT_GBP), proof)


def _within(problem: DesignProblem, price: FloatArray) -> float:
    """Return the loss of a peer's prices, lowered together until the budget is kept."""
    price = np.clip(np.nan_to_num(price), 0.0, HIGHEST_GBP)
    if isinstance(problem.objective, Parked):
        price = _at_thresholds(problem, price)
    low, high = 0.0, 1.0
    if problem.is_over_budget(problem.spend_at(problem.base.at_price(price))):
        for _ in range(HALVINGS):
            share = 0.5 * (low + high)
            kept = problem.spend_at(problem.base.at_price(share * price)) <= problem.budget_gbp
            low, high = (share, high) if kept else (low, share)
        price = low * price
    there = evaluate(problem.programme, problem.base.at_price(price))
    return -problem.objective.better * problem.objective.total(there)


def _at_thresholds(problem: DesignProblem, price: FloatArray) -> FloatArray:
    """Return the highest thresholds that prices reach, nearly: what lies between helps nobody more."""
    row, threshold = problem.programme.caseload.group_index, problem.parking_price_gbp
    reached = np.where(threshold <= np.minimum(price * NEARLY, HIGHEST_GBP)[row], threshold, 0.0)
    down = np.zeros(price.size)
    np.maximum.at(down, row, reached)
    return down
