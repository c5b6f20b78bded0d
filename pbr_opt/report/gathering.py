"""Gather what a report shows beyond a comparison: the frontier, the cost of rounding, cash and risk, swings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import numpy as np

from pbr_opt.analysis.assumptions import swings
from pbr_opt.analysis.frontier import Frontier
from pbr_opt.analysis.simulation import Simulation, simulate
from pbr_opt.analysis.simulation_settings import SimulationSettings
from pbr_opt.analysis.world_answers import Answers
from pbr_opt.design.cells import has_cells
from pbr_opt.design.limits import Budget, PriceStep
from pbr_opt.design.optimise import solve
from pbr_opt.design.problem import DesignProblem
from pbr_opt.design.result import Design
from pbr_opt.design.settings import DesignSettings
from pbr_opt.errors import UnsupportedModelError
from pbr_opt.evaluation import Evaluation
from pbr_opt.quantities import Inspection
from pbr_opt.report.compared import Compared
from pbr_opt.report.evidence import Evidence
from pbr_opt.report.frontiers import traced
from pbr_opt.report.worlds import WorldReport

__all__ = ["ReportSettings", "frontier_around", "gather", "played"]

_REACH: Final = (0.6, 1.6)
"""From where to where the frontier is drawn, in shares of what the baseline spends."""


@dataclass(frozen=True, slots=True)
class ReportSettings:
    """What to compute for a report.

    Parameters
    ----------
    budgets : int
        Points of the frontier, 0 for none.
    participants : int
        People played one by one for cash and risk, 0 for none.
    replications : int
        How often they are played.
    seed : int
        Of the random numbers.
    assumptions : bool
        Whether every assumption is set to the ends of its range, for the tornado and for conclusions.

    Raises
    ------
    InvalidInputError
        With every fault at once.
    """

    budgets: int = 60
    participants: int = 20_000
    replications: int = 20
    seed: int = 0
    assumptions: bool = True

    def __post_init__(self) -> None:
        """Check every setting."""
        check = Inspection("ReportSettings")
        check.whole("budgets", self.budgets, lowest=0, highest=10_000)
        check.whole("participants", self.participants, lowest=0, highest=10**8)
        check.whole("replications", self.replications, lowest=1, highest=100_000)
        check.whole("seed", self.seed, lowest=0, highest=2**62)
        if not isinstance(self.assumptions, bool):
            check.fault("assumptions", self.assumptions, "True or False")
        check.finish()


def gather(
    comparison: Compared,
    settings: ReportSettings | None = None,
    asked: Mapping[str, object] | None = None,
    worlds: Answers | WorldReport | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Evidence:
    """Return the frontier, the cost of rounding, cash and risk of each tariff, and how far assumptions move the last.

    Parameters
    ----------
    comparison : Comparison
        What the report is about.
    settings : ReportSettings, optional
        How much to compute.
    asked : mapping, optional
        How the comparison was asked for, printed at the end.
    worlds : Answers or WorldReport, optional
        What tariffs do in every plausible world, when that was computed; and what was designed for these worlds.
    progress : callable, optional
        Called with steps done and steps in all.
    """
    chosen, steps = settings or ReportSettings(), len(comparison.evaluations) + 2
    tell = progress or (lambda done, total: None)
    label, last = list(comparison.evaluations.items())[-1]
    design = comparison.designs.get(label)
    line, unrounded = (None, None) if design is None else _around(comparison, design, chosen.budgets)
    tell(1, steps)
    moved = comparison.swings
    if moved.empty and chosen.assumptions:
        moved = swings(comparison.programme, last.tariff)
    tell(2, steps)
    simulations = {}
    for done, (name, there) in enumerate(comparison.evaluations.items(), 3):
        if chosen.participants:
            with suppress(UnsupportedModelError):  # it pays for more than the rules of 2011 know; the report says so
                simulations[name] = played(there, chosen)
        tell(done, steps)
    told = WorldReport(worlds.ensemble, worlds) if isinstance(worlds, Answers) else worlds
    return Evidence(line, unrounded, simulations, moved, told, dict(asked or {}))


def _around(comparison: Compared, design: Design, points: int) -> tuple[Frontier | None, Design | None]:
    """Return the frontier of what a design was asked, and the design without a step of prices; where both are quick."""
    free = _without(design.problem, PriceStep)
    if not has_cells(free):
        return None, None
    unrounded = None if design.problem.step_gbp is None else solve(free, DesignSettings())
    return frontier_around(comparison, design, points) if points else None, unrounded


def _without(problem: DesignProblem, *kinds: type) -> DesignProblem:
    kept = [limit for limit in problem.limits if not isinstance(limit, kinds)]
    return DesignProblem(problem.programme, problem.objective, kept)


def played(there: Evaluation, settings: ReportSettings) -> Simulation:
    """Return an evaluation played person by person.

    Raises
    ------
    UnsupportedModelError
        When the Department pays for more than what single persons bring.
    """
    rules, people = SimulationSettings(replications=settings.replications), settings.participants
    return simulate(there.programme, there.tariff, participants=people, seed=settings.seed, settings=rules)


def frontier_around(comparison: Compared, design: Design, points: int) -> Frontier:
    """Return the frontier of what a design was asked, at budgets from 60 to 160 % of what the baseline spends."""
    base: Evaluation = next(iter(comparison.evaluations.values()))
    free = _without(design.problem, Budget, PriceStep)
    least = free.least_spend_gbp
    budgets = np.unique(np.maximum(np.linspace(*_REACH, points) * base.spend_gbp, least))
    return traced(free.programme, free.objective, budgets, free.limits)
