"""Claim: at most nine payment groups for sixty cells are proved best within sixty solves of the linear relaxation.

Method
    60 cells, 30 list prices, 2 to 9 payment groups, several objectives and seeds. HiGHS solves the linear relaxation of
    the p-median programme with a budget (x[cell, price] <= y[price]; the matrix is built beforehand); ours starts from
    nothing and ends with a proof, its own call of HiGHS for the first multipliers included. Medians of several runs
    in turn. HiGHS also solves the integer programme on the first seed, to its own tolerances: our answer must not be
    worse.
Data
    Instances of the reference kind (``timing.reference_programme``, 60 groups of 10 segments), prices every £650 up to
    £18,850, budget 60 % of what £6,000 an outcome everywhere costs.
Command
    python experiments/benchmarks/regrouping.py [--full]
    (--full: three seeds; otherwise one.)
Verdict
    Printed; exit code 4 when an answer is not proved, is worse than HiGHS's, or takes more than 60 relaxations.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp
from timing import reference_programme, time_pair
from verdicts import Measured, conclude

from pbr_opt import AdditionalOutcomes, FirstPoundLoss, Parked, TotalSupport, evaluate
from pbr_opt.analysis.regrouping import few_prices
from pbr_opt.design.grouping import solve_grouping
from pbr_opt.design.grouping_bounds import FewPrices
from pbr_opt.design.objectives import Objective
from pbr_opt.design.problem import DesignProblem
from pbr_opt.quantities import FloatArray

CELLS, SEGMENTS = 60, 10
PRICES = np.linspace(0.0, 29 * 650.0, 30)
MOST = (2, 3, 5, 9)
AIMS: tuple[Objective, ...] = (Parked(), FirstPoundLoss(), AdditionalOutcomes(), TotalSupport())
TARGET = 60.0
NO_WORSE = 1e-6
"""HiGHS keeps a budget that is scaled to 1 to this."""


@dataclass(frozen=True)
class Programme:
    """The p-median programme as HiGHS sees it: variables x, cell by cell, and then y."""

    objective: FloatArray
    constraints: list[LinearConstraint]
    unit: float

    @classmethod
    def of(cls, problem: FewPrices) -> Programme:
        """Build the matrices."""
        cells, prices = problem.cost.shape
        unit = float(np.abs(problem.loss).max())
        size = cells * prices
        every, cell, price = (
            np.arange(size),
            np.repeat(np.arange(cells), prices),
            size + np.tile(np.arange(prices), cells),
        )
        once = sparse.csr_array((np.ones(size), (cell, every)), shape=(cells, size + prices))
        signs, rows = np.repeat([1.0, -1.0], size), np.tile(every, 2)
        there = sparse.csr_array((signs, (rows, np.concatenate([every, price]))), shape=(size, size + prices))
        spent = np.append(problem.cost.ravel() / problem.budget, np.zeros(prices))
        counted = np.append(np.zeros(cells * prices), np.ones(prices))
        constraints = [
            LinearConstraint(once, 1.0, 1.0),
            LinearConstraint(there, -np.inf, 0.0),
            LinearConstraint(spent, -np.inf, 1.0),
            LinearConstraint(counted, -np.inf, problem.most),
        ]
        return cls(np.append(problem.loss.ravel() / unit, np.zeros(prices)), constraints, unit)

    def solve(self, whole: bool) -> float:
        """Return the least loss, of whole numbers or of the relaxation."""
        found = milp(
            self.objective,
            constraints=self.constraints,
            bounds=Bounds(0.0, 1.0),
            integrality=np.full(self.objective.size, int(whole)),
            options={"mip_rel_gap": 0.0},
        )
        if found.fun is None:
            raise SystemExit(f"HiGHS: {found.message}")
        return found.fun * self.unit


def instance(aim: Objective, most: int, seed: int) -> FewPrices:
    """Return a problem of the reference kind."""
    programme = reference_programme(CELLS, SEGMENTS, seed)
    return few_prices(DesignProblem(programme, aim), PRICES, 0.6 * evaluate(programme).spend_gbp, most)


def main() -> None:
    """Print a line a problem, and fail when the claim fails."""
    seeds = 3 if "--full" in sys.argv[1:] else 1
    ratios, failed = [], False
    for seed in range(seeds):
        for aim in AIMS:
            for most in MOST:
                problem = instance(aim, most, seed)
                theirs = Programme.of(problem)
                answer = solve_grouping(problem)
                name = f"{aim.name}, {most} groups, seed {seed}"
                ratio = time_pair(name, partial(solve_grouping, problem), partial(theirs.solve, False), TARGET, runs=3)
                gap = (theirs.solve(False) - answer.loss) / abs(answer.loss)
                print(f"{ratio}; {answer.parts} parts, the relaxation lacks {-gap:.1e}", flush=True)
                failed |= answer.bound < answer.loss or not ratio.met
                if seed == 0:
                    worse = (answer.loss - theirs.solve(True)) / abs(answer.loss)
                    failed |= worse > NO_WORSE
                    print(f"  HiGHS's integer answer is {worse:.1e} better, at its tolerances", flush=True)
                ratios.append(ratio.value)
    name = f"payment groups for {CELLS} cells, {len(PRICES)} prices, over one linear relaxation: worst of {len(ratios)}"
    conclude(__file__, [Measured(name, max(ratios), TARGET, shown=f"median {np.median(ratios):.2g}")], holds=not failed)


if __name__ == "__main__":
    main()
