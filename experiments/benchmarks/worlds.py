"""Claim: a plausible world costs little more than its closed forms, a store of them little more than that.

Method
    Four ratios, each timed in one run:
    1. a world of the nation (9 groups of 20 segments, 40 contracts, each with its prime and its end-to-end
       subcontractor), and one without a chain, against the bare closed forms over the same arrays (at most 3), all else
       included: drawing, fitting, capital, sums by group, predictions;
    2. a sweep with a store against one without (at most 1.1), the bytes forced to the disk;
    3. a finished sweep found again against computed (at most a tenth);
    4. a sweep in two processes against one in one (at least 1.7 times the draws in the same time, once workers are up).
       By the clock it needs two idle processors: where there are not two, or they are busy, it is measured and not
       judged. From processor time it always is: what the longer of the main process and a worker needs, against all in
       one process.
Data
    pbr_opt/programmes/work_programme_2011 and work_programme_2011_chain, seed 2011.
Command
    python experiments/benchmarks/worlds.py
Verdict
    Printed; exit code 4 when a target is missed.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from timing import Ratio, seconds, time_pair
from verdicts import Measured, conclude

import pbr_opt as pbr
from pbr_opt.analysis.nations import Nations
from pbr_opt.analysis.sweep import SweepSettings, sweep
from pbr_opt.analysis.sweep_store import FolderStore
from pbr_opt.analysis.world_inputs import WorldInputs
from pbr_opt.analysis.worlds import WorldsQuestion
from pbr_opt.programmes.facts import load_facts, load_priors
from pbr_opt.quantities import BoolArray, FloatArray

SEED = 2011
CHAIN, DIRECT = "work_programme_2011_chain", "work_programme_2011"
SLACK = 0.9
"""Two plain loops in two processes must reach nine tenths of twice the work of one, or the machine is called busy."""
TWO = 1.7
CHUNK, CHUNKS, WARM, ROUNDS = 256, 36, 6, 3
"""Draws a chunk, chunks a sweep, those done before the clock starts while workers import, and pairs of sweeps."""


def question(name: str) -> WorldsQuestion:
    """Return what a sweep of a programme asks."""
    return WorldsQuestion(WorldInputs(pbr.load(name), load_priors(name)), load_facts(name), SEED)


def bare(there: WorldsQuestion, draws: int, block: int) -> None:
    """Do the closed forms alone, over arrays of the size that one block of worlds has, prices and rates given."""
    inputs = there.inputs
    nations = inputs.nations(inputs.values(inputs.points(0, block, SEED)))
    contracts = inputs.contracts.share.size
    shape = (block, contracts, len(inputs.groups), inputs.segments_per_group)
    reach, ceiling = np.full(shape, 0.2), np.full(shape, 0.5)
    scale = np.broadcast_to(nations.response_scale_gbp[:, None, :, None], shape).copy()
    bend = np.broadcast_to(nations.curvature[:, None, :, None], shape).copy()
    prices = [np.broadcast_to((nations.price_gbp * share)[:, None, :, None], shape).copy() for share in shares(nations)]
    for _ in range(draws // block):
        for price in prices:
            closed_forms(price, reach, ceiling, scale, bend)


def shares(nations: Nations) -> list[FloatArray]:
    """Return what each deliverer is paid of the price: all, and with a chain what is passed on."""
    every = np.ones((len(nations), 1))
    return [every, nations.pass_through[:, None]] if nations.tier1_share.any() else [every]


def closed_forms(
    price: FloatArray, reach: FloatArray, ceiling: FloatArray, scale: FloatArray, bend: FloatArray
) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Return support, outcome rate and parking: x_park, e* and P as the model has them, nothing else."""
    pull = price * (1.0 - bend) * reach / scale
    parked = pull < 1.0
    pull = np.maximum(pull, 1.0)
    power = np.exp(bend * np.log(pull))
    return scale * (power - 1.0) / bend, ceiling - reach * power / pull, parked


def per_draw(name: str, draws: int, block: int, target: float) -> Ratio:
    """Return worlds against bare closed forms."""
    there = question(name)
    return time_pair(
        f"{name}: a world against its bare closed forms",
        lambda: there.run(0, draws),
        lambda: bare(there, draws, block),
        target,
        runs=5,
    )


def store_overhead(name: str, draws: int, chunk: int, target: float) -> Ratio:
    """Return a sweep with a store against one without, the bytes forced to the disk each time."""
    there = question(name)

    def kept() -> None:
        with tempfile.TemporaryDirectory() as folder:
            sweep(there, draws, SweepSettings(store=folder, chunk=chunk, form="parquet"))

    return time_pair(
        f"{name}: a sweep with a store against one without",
        kept,
        lambda: sweep(there, draws, SweepSettings(chunk=chunk)),
        target,
        runs=5,
        clock=seconds,
    )


def spin(rounds: int) -> float:
    """Keep a processor busy with what worlds do most, in a space that fits into its cache."""
    values = np.linspace(1.0, 2.0, 10_000)
    for _ in range(rounds):
        values = np.exp(np.log(values))
    return float(values[0])


def two_of(executor: ProcessPoolExecutor, rounds: int) -> float:
    """Return how much faster two processes do two pieces of work than one does."""
    one = seconds(lambda: [executor.submit(spin, rounds).result() for _ in range(2)])
    both = seconds(lambda: [future.result() for future in [executor.submit(spin, rounds) for _ in range(2)]])
    return one / both


def pace(there: WorldsQuestion, executor: str, chunk: int, chunks: int) -> float:
    """Return draws a second of a sweep, from the moment when every worker has done something."""
    ticks = [0.0] * (chunks + 1)

    def tick(done: int, _: int) -> None:
        ticks[done // chunk] = time.perf_counter()

    sweep(there, chunk * chunks, SweepSettings(executor, chunk=chunk), tick)
    return chunk * (chunks - WARM) / (ticks[chunks] - ticks[WARM])


def speed_up() -> Measured:
    """Return what two processes gain by the clock; judged only if the machine can give that much at this moment."""
    there = question(CHAIN)
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as executor:
        list(executor.map(spin, [1] * 4))
        machine, gains = [two_of(executor, 3000)], []
        for _ in range(ROUNDS):
            alone, together = (pace(there, f"processes:{n}", CHUNK, CHUNKS) for n in (1, 2))
            gains.append(together / alone)
            machine.append(two_of(executor, 3000))
    possible = statistics.median(machine)
    idle = (os.cpu_count() or 1) >= 2 and possible >= 2 * SLACK
    shown = f"two plain loops in two processes gain {possible:.2f}"
    name = "work of two processes over that of one"
    return Measured(name, statistics.median(gains), TWO, at_least=True, shown=shown, judged=idle)


def spent(there: WorldsQuestion, executor: str, chunks: int) -> FloatArray:
    """Return the processor time of a sweep: of this process, and of its workers."""
    begun = os.times()
    sweep(there, CHUNK * chunks, SweepSettings(executor, chunk=CHUNK))
    ended = os.times()
    used = np.subtract(ended, begun)
    return np.array([used[0] + used[1], used[2] + used[3]])


def idle_speed_up() -> Measured:
    """Return what two processes would gain were nobody else there: from processor time, start of workers left out.

    The longer of what the main process and what each of two workers does, while both do it, against all in one process.
    """
    there, gains = question(CHAIN), []
    there.run(0, 1)
    for _ in range(ROUNDS):
        own, shared = (
            spent(there, executor, CHUNKS) - spent(there, executor, WARM) for executor in ("serial", "processes:2")
        )
        gains.append(own.sum() / max(shared[0], shared[1] / 2))
    name = "the same from processor time: what nobody else on the machine would leave"
    return Measured(name, statistics.median(gains), TWO, at_least=True)


def resumed() -> Ratio:
    """Return a sweep that finds every chunk in its store against one that computes them."""
    there, draws = question(CHAIN), 512
    with tempfile.TemporaryDirectory() as folder:
        settings = SweepSettings(store=folder, chunk=128)
        sweep(there, draws, settings)
        assert len(list(Path(FolderStore(folder, there.fingerprint).folder).glob("*.json"))) == 4
        return time_pair(
            "a finished sweep found again against computed", lambda: sweep(there, draws, settings),
            lambda: sweep(there, draws, SweepSettings(chunk=128)), 0.1, runs=3, clock=seconds,
        )  # fmt: skip


def main() -> None:
    """Measure the ratios, and fail when one is missed."""
    ratios = [
        per_draw(CHAIN, 256, 16, 3.0),
        per_draw(DIRECT, 4096, 1024, 3.0),
        store_overhead(CHAIN, 2048, 1024, 1.10),
        resumed(),
    ]
    quick = store_overhead(DIRECT, 32_768, 8192, 1.10)
    print(f"(not judged: without contracts a draw is so cheap that the disk costs {100 * (quick.value - 1):.0f} %)")
    chain, direct = ratios[0], ratios[1]
    print(
        f"cost of a draw: {1e6 * direct.ours / 4096:.0f} microseconds; with 40 contracts {1e6 * chain.ours / 256:,.0f}"
    )
    conclude(__file__, [*(ratio.measured for ratio in ratios), speed_up(), idle_speed_up()])


if __name__ == "__main__":
    main()
