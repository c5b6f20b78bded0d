"""Claim: the main job costs little more than the arithmetic it cannot do without.

Method
    Four ratios, each timed in one run against a floor or a peer:
    1. evaluating a tariff on 1,000,000 segments against a bare numpy pass of the same closed forms (at most 3);
    2. least first-pound loss with one budget on 900,000 segments against ``np.argsort`` of the same thresholds (at most
       6), and its objective against cvxpy's where that finishes (to 1e-6);
    3. people parked, 9 groups of segments, proved optimal, against the mixed-integer programme with one binary a
    segment
       through cvxpy and HiGHS, on a size that both can do (at most 1/100);
    4. ``import pbr_opt`` against ``import numpy`` in fresh interpreters (at most 4).
Data
    Instances of the reference kind (see ``timing.reference_programme``), fixed seeds.
Command
    python experiments/benchmarks/main_job.py
Verdict
    Printed; exit code 4 when a target is missed.
"""

from __future__ import annotations

import subprocess
import sys

import cvxpy as cp
import numpy as np
from cvxpy.atoms.affine.binary_operators import multiply
from timing import Ratio, reference_programme, seconds, time_pair
from verdicts import conclude

from pbr_opt import Budget, Caseload, DesignSettings, FirstPoundLoss, Parked, Programme, Tariff, evaluate, optimise
from pbr_opt.design.greedy import solve_greedy
from pbr_opt.design.ladder import ladders
from pbr_opt.design.problem import DesignProblem

AGREEMENT = 1e-6
"""Greedy and cvxpy are to agree to this, relatively: conic solvers stop at about 1e-8."""

PEER_SEGMENTS = 20
"""Segments a group for the mixed-integer peer: beyond it HiGHS needs many minutes."""


def evaluation() -> Ratio:
    """Time ``evaluate`` with its headline numbers against the bare closed forms."""
    people = reference_programme(9, 111_112, seed=1).caseload
    caseload = people.replace(exit_hazard=0.03)
    tariff = Tariff(range(9), 400, np.linspace(800, 3500, 9), np.linspace(150, 370, 9), 20)
    programme = Programme("a million segments", caseload, tariff)
    _ = caseload.parking_threshold_gbp, caseload.group_participants

    def ours() -> tuple[float, float]:
        there = evaluate(programme)
        return there.spend_gbp, float(caseload.participants @ there.behaviour.parked)

    def bare() -> tuple[float, float]:
        row = caseload.group_index
        p0, p1, scale = caseload.deadweight_rate, caseload.ceiling_rate, caseload.response_scale_gbp
        stay = 1.0 - caseload.exit_hazard
        expected = stay * (1.0 - stay ** tariff.sustainment_max[row]) / (1.0 - stay)
        price = tariff.outcome_fee_gbp[row] + tariff.sustainment_fee_gbp[row] * expected
        pull = price * (p1 - p0) / scale
        held = np.maximum(pull, 1.0)
        support = scale * np.log(held)
        rate = p1 - (p1 - p0) / held
        attachment = caseload.participants @ tariff.attachment_fee_gbp[row]
        _ = support
        return float(attachment + caseload.participants @ (price * rate)), float(caseload.participants @ (pull < 1.0))

    np.testing.assert_allclose(ours(), bare(), rtol=1e-9)
    return time_pair(f"evaluate {len(caseload):,} segments / bare numpy", ours, bare, target=3.0)


def greedy() -> Ratio:
    """Time the greedy, thresholds given, against sorting them; hold its answer against cvxpy on a smaller instance."""
    small = reference_programme(9, 100, seed=2)
    limits = [Budget(0.6 * evaluate(small).spend_gbp)]
    exact = optimise(small, minimise=FirstPoundLoss(), limits=limits)
    convex = optimise(small, minimise=FirstPoundLoss(), limits=limits, settings=DesignSettings(method="convex"))
    apart = abs(exact.objective - convex.objective) / exact.objective
    print(f"first-pound loss, 9 x 100: greedy and cvxpy differ by {apart:.1e} (at most {AGREEMENT:g})")
    if apart > AGREEMENT:
        raise SystemExit(4)
    large = reference_programme(9, 100_000, seed=3)
    budget = 0.6 * evaluate(large).spend_gbp
    problem = DesignProblem(large, FirstPoundLoss(), [Budget(budget)])
    thresholds = problem.parking_price_gbp
    return time_pair(
        f"first-pound greedy, {len(large.caseload):,} segments / argsort",
        lambda: solve_greedy(ladders(problem), budget),
        lambda: np.argsort(thresholds),
        target=6.0,
    )


def parked() -> Ratio:
    """Time the proof for people parked against a mixed-integer programme with one binary a segment."""
    programme = reference_programme(9, PEER_SEGMENTS, seed=4)
    budget = 0.6 * evaluate(programme).spend_gbp
    found: list[float] = []

    def ours() -> None:
        found.append(optimise(programme, minimise=Parked(), limits=[Budget(budget)]).objective)

    ours()
    own = min(seconds(ours) for _ in range(5))
    theirs = seconds(lambda: found.append(segment_milp(programme.caseload, budget)))
    print(f"people parked, 9 x {PEER_SEGMENTS}: ours {found[0]:,.3f}, mixed-integer peer {found[-1]:,.3f}")
    big = reference_programme(9, 200, seed=4)
    limits = [Budget(0.6 * evaluate(big).spend_gbp)]
    design = optimise(big, minimise=Parked(), limits=limits)
    own_big = min(seconds(lambda: optimise(big, minimise=Parked(), limits=limits)) for _ in range(5))
    print(f"people parked, 9 x 200: {own_big:.4g} s, status {design.status}, gap {design.gap:.1e}")
    return Ratio(f"people parked 9 x {PEER_SEGMENTS} / one binary a segment", own, theirs, target=0.01)


def segment_milp(caseload: Caseload, budget: float) -> float:
    """Return the people parked by the plain formulation: price per group, one binary a segment, big-M payments."""
    groups, row = len(caseload.groups), caseload.group_index
    ceiling = float(caseload.parking_threshold_gbp.max())
    price = cp.Variable(groups, bounds=[0.0, 1.0])
    helped = cp.Variable(len(caseload), boolean=True)
    payment = cp.Variable(len(caseload), bounds=[0.0, 1.0])
    share = caseload.parking_threshold_gbp / ceiling
    people = caseload.participants
    constraints = [
        price[row] >= multiply(share, helped),
        payment >= multiply(caseload.deadweight_rate, price[row]),
        payment >= multiply(caseload.ceiling_rate, price[row]) - caseload.response_scale_gbp / ceiling,
        (people / people.sum()) @ payment <= budget / ceiling / people.sum(),
    ]
    problem = cp.Problem(cp.Maximize((people / people.sum()) @ helped), constraints)
    problem.solve(solver="HIGHS", mip_rel_gap=1e-6, time_limit=600.0)
    return float(people.sum() * (1.0 - problem.value))


def importing() -> Ratio:
    """Time both imports in fresh interpreters, start-up of Python taken off."""

    def fresh(line: str) -> float:
        return seconds(lambda: subprocess.run([sys.executable, "-c", line], check=True))

    for line in ("import pbr_opt", "import numpy", "pass"):
        fresh(line)
    rows = [(fresh("import pbr_opt"), fresh("import numpy"), fresh("pass")) for _ in range(7)]
    ours, theirs, nothing = (float(np.median(column)) for column in zip(*rows, strict=True))
    return Ratio("import pbr_opt / import numpy", max(ours - nothing, 0.0), theirs - nothing, target=4.0)


def main() -> None:
    """Measure every ratio, and fail when a target is missed."""
    ratios = []
    for measure in (evaluation, greedy, parked, importing):
        ratios.append(measure())
        print(ratios[-1], flush=True)
    conclude(__file__, [ratio.measured for ratio in ratios])


if __name__ == "__main__":
    main()
