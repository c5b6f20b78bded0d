"""Claim: designs in continuous prices and on a price step are proved best at any size, and whole frontiers with them.

Method
    Everything is timed in one run, by the processor's time; medians.
    1. 9 groups x 1,000 segments, every objective, proved to 1e-6, in less time than SCIP takes on 9 x 10 (additional
       outcomes as written, to a gap of 1e-4 or until the minute is over);
    2. 200 x 50, every objective, proved to 1e-9, in a tenth of that;
    3. growth: 9 x 100 to 9 x 10,000, every objective, proved to 1e-6, medians over three (eleven) instances: time over
       log N grows with N to the power of at most 1 in a fit, that is, no faster than N log N;
    4. a frontier of 200 budgets, every objective, proved for each, in at most 20 times one solve of the budget in its
       middle;
    5. every price on a £5 step, 9 x 20, every objective, proved to 1e-9: the search takes at most ten times as long as
       evaluating the columns that it searches, in the median over seeds.
Data
    Instances of the reference kind (``timing.reference_programme``), prices up to £20,000, budget 60 % of what £6,000
    an outcome everywhere costs; additional outcomes are worth £15,000, the standard of support is £500.
Command
    pip install "pbr_opt[peers]" && python experiments/benchmarks/optimiser.py [--full] [--write]
    (--full: several seeds and more runs. --write puts the answers into docs/benchmarks.md. Without SCIP the first two
    are skipped.)
Verdict
    Printed; exit code 4 when a target is missed. The race on 9 x 10 is ``peers.py``.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from peer_scip import scip_by_segments
from race import HIGHEST_GBP, Patience, RefusalError, median_seconds, reference, solved
from timing import cpu_seconds
from verdicts import Measured, conclude, worst

from pbr_opt import (
    AdditionalOutcomes,
    FirstPoundLoss,
    NetSocialValue,
    Parked,
    PriceRange,
    PriceStep,
    SupportShortfall,
    TotalSupport,
)
from pbr_opt.analysis.frontier import frontier
from pbr_opt.design.columns import grid_columns
from pbr_opt.design.menus import Menu
from pbr_opt.design.objectives import Objective
from pbr_opt.design.problem import DesignProblem
from pbr_opt.design.search import solve_knapsack
from pbr_opt.quantities import FloatArray

AIMS: tuple[Objective, ...] = (
    Parked(),
    FirstPoundLoss(),
    SupportShortfall(500.0),
    TotalSupport(),
    AdditionalOutcomes(),
    NetSocialValue(),
)
FRONTIER, STEPS, EXPONENT = 20.0, 10.0, 1.0
"""How many times one solve, how many times the columns, and how fast time may grow over log N."""
GAP = 1e-9


@dataclass(frozen=True)
class Effort:
    """How much to try: seeds, instances of each size, runs of each measurement, segments, patience with SCIP."""

    seeds: int
    instances: int
    runs: int
    segments: tuple[int, ...]
    patience: Patience


QUICK = Effort(2, 3, 3, (100, 1000, 10_000), Patience(20.0, 0.0))
FULL = Effort(8, 11, 3, (100, 300, 1000, 3000, 10_000), Patience(60.0, 0.0))


def sizes(effort: Effort) -> list[Measured]:
    """Time large instances against SCIP on a small one."""
    try:
        theirs = statistics.median(
            scip_by_segments(reference(9, 10, seed, AdditionalOutcomes()), effort.patience).seconds
            for seed in range(1, 2 + effort.seeds // 4)
        )
    except RefusalError as refusal:
        print(f"SCIP: {refusal} (pip install 'pbr_opt[peers]'); large instances are skipped: nothing to compare with")
        return []
    return [
        worst(
            f"{groups} x {segments:,}, proved to {gap:.0e}, over SCIP's time on 9 x 10",
            share,
            {
                aim.name: median_seconds(partial(solved, reference(groups, segments, 1, aim), gap), effort.runs)
                / theirs
                for aim in AIMS
            },
        )
        for groups, segments, gap, share in ((9, 1000, 1e-6, 1.0), (200, 50, GAP, 0.1))
    ]


def growth(effort: Effort) -> list[Measured]:
    """Fit how time grows with segments at nine groups: the exponent of N in time over log N."""
    exponents = {}
    for aim in AIMS:
        count = 9.0 * np.array(effort.segments)
        times = np.array([_middling(aim, segments, effort) for segments in effort.segments])
        exponents[aim.name] = float(np.polyfit(np.log(count), np.log(times / np.log2(count)), 1)[0])
        shown = "; ".join(f"{n:,.0f}: {t * 1e3:.1f} ms" for n, t in zip(count, times, strict=True))
        print(f"growth, 9 groups, {aim.name}: exponent {exponents[aim.name]:.2f} ({shown})", flush=True)
    fewest, most = 9 * min(effort.segments), 9 * max(effort.segments)
    name = f"time over log N grows with N to the power, {fewest:,} to {most:,} segments in 9 groups"
    return [worst(name, EXPONENT, exponents)]


def _middling(aim: Objective, segments: int, effort: Effort) -> float:
    """Return the median over instances, which differ in the number of sub-problems by a factor of several."""
    problems = [reference(9, segments, seed, aim) for seed in range(1, 1 + effort.instances)]
    return statistics.median(median_seconds(partial(solved, problem, 1e-6), effort.runs) for problem in problems)


def frontiers(effort: Effort) -> list[Measured]:
    """Time 200 budgets against one."""
    medians = {}
    for aim in AIMS:
        ratios = []
        for seed in range(1, 1 + effort.seeds):
            problem = reference(9, 10, seed, aim)
            budgets = np.linspace(0.0, 2.0 * problem.budget_gbp, 200)
            one = median_seconds(partial(solved, problem), 2 * effort.runs)
            ratios.append(median_seconds(partial(_frontier, problem, budgets), effort.runs) / one)
        medians[aim.name] = statistics.median(ratios)
        print(f"frontier, {aim.name}: {min(ratios):.1f} to {max(ratios):.1f} over {len(ratios)} seeds", flush=True)
    return [worst("frontier of 200 budgets, 9 x 10, over one solve, median of seeds", FRONTIER, medians)]


def _frontier(problem: DesignProblem, budgets: FloatArray) -> None:
    aim = problem.objective
    minimise, maximise = (aim, None) if aim.better < 0 else (None, aim)
    limits = [PriceRange(0.0, HIGHEST_GBP)]
    there = frontier(problem.programme, minimise=minimise, maximise=maximise, budgets_gbp=budgets, limits=limits)
    if set(there.status) != {"optimal"}:
        raise SystemExit(f"a frontier has status {set(there.status)}")


def steps(effort: Effort) -> list[Measured]:
    """Time the search over every price on a step against the evaluation of the columns."""
    medians = {}
    for aim in AIMS:
        ratios, times = [], []
        for seed in range(effort.seeds):
            free = reference(9, 20, seed, aim)
            problem = DesignProblem(free.programme, aim, [*free.limits, PriceStep(5)])
            menus = [part.menu for part in grid_columns(problem)]
            columns = cpu_seconds(partial(grid_columns, problem))
            times.append(cpu_seconds(partial(_search, menus, problem)))
            ratios.append(times[-1] / columns)
        medians[aim.name] = statistics.median(ratios)
        print(f"£5 step, {aim.name}: search {min(times):.2f} to {max(times):.2f} s over {len(times)} seeds", flush=True)
    return [worst("every price on a £5 step, 9 x 20: search over columns, median of seeds", STEPS, medians)]


def _search(menus: list[Menu], problem: DesignProblem) -> None:
    answer = solve_knapsack(menus, problem.budget_gbp)
    if answer.loss - answer.bound > GAP * abs(answer.loss):
        raise SystemExit(f"{problem.objective.name} on a step: gap {answer.loss - answer.bound:.1e}")


def main() -> None:
    """Measure every target, and fail when one is missed."""
    effort = FULL if "--full" in sys.argv[1:] else QUICK
    parts: tuple[Callable[[Effort], list[Measured]], ...] = (frontiers, steps, growth, sizes)
    conclude(__file__, [each for part in parts for each in part(effort)])


if __name__ == "__main__":
    main()
