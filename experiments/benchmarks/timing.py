"""How benchmarks measure: ratios within one run, and nothing else.

Each pair is timed in turn, several times; the ratio of medians is what counts. Time is the processor's for this process
unless others do part of the work (a disk, another process): then it is the clock's. Seconds are printed for
orientation only: on a shared machine they mean little.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from verdicts import Measured

from pbr_opt import Caseload, Programme, Tariff

__all__ = ["Ratio", "cpu_seconds", "exponent", "reference_programme", "seconds", "time_pair"]


@dataclass(frozen=True, slots=True)
class Ratio:
    """Ours against theirs.

    Attributes
    ----------
    name : str
        What was measured.
    ours, theirs : float
        Median seconds.
    target : float
        What the ratio ours/theirs should not exceed.
    """

    name: str
    ours: float
    theirs: float
    target: float

    @property
    def value(self) -> float:
        """Return ours/theirs."""
        return self.ours / self.theirs

    @property
    def met(self) -> bool:
        """Whether the target is met."""
        return self.measured.met

    @property
    def measured(self) -> Measured:
        """Return the ratio as what a benchmark concludes from."""
        return Measured(self.name, self.value, self.target)

    def __str__(self) -> str:
        """Return one line."""
        verdict = "met" if self.met else "MISSED"
        return (
            f"{self.name}: {self.ours:.4g} s against {self.theirs:.4g} s, ratio {self.value:.4g} "
            f"(target at most {self.target:.4g}): {verdict}"
        )


def seconds(work: Callable[[], object]) -> float:
    """Return how long one call takes by the clock."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def cpu_seconds(work: Callable[[], object]) -> float:
    """Return how much time of the processor one call takes."""
    start = time.process_time()
    work()
    return time.process_time() - start


def time_pair(
    name: str,
    ours: Callable[[], object],
    theirs: Callable[[], object],
    target: float,
    runs: int = 7,
    clock: Callable[[Callable[[], object]], float] = cpu_seconds,
) -> Ratio:
    """Return medians of two pieces of work timed in turn after one warm-up each."""
    ours()
    theirs()
    times = [(clock(ours), clock(theirs)) for _ in range(runs)]
    mine, peer = (statistics.median(column) for column in zip(*times, strict=True))
    return Ratio(name, mine, peer, target)


def exponent(sizes: Sequence[float], works: Sequence[Callable[[], object]], runs: int = 5) -> float:
    """Return the power of the size with which time grows: a fit through the least times of all sizes, taken in turn."""
    times = np.array([[cpu_seconds(work) for work in works] for _ in range(runs)])
    return float(np.polyfit(np.log(sizes), np.log(times.min(axis=0)), 1)[0])


def reference_programme(groups: int, segments: int, seed: int) -> Programme:
    """Return an instance of the reference kind.

    Participants log-uniform in 1e3..1e5, deadweight .02 to .30, reach .05 to .30, response scale £300 to £3,000.
    """
    rng = np.random.default_rng(seed)
    size = groups * segments
    deadweight = rng.uniform(0.02, 0.30, size)
    caseload = Caseload(
        np.repeat(np.arange(groups), segments),
        np.exp(rng.uniform(np.log(1e3), np.log(1e5), size)),
        deadweight,
        deadweight + rng.uniform(0.05, 0.30, size),
        rng.uniform(300.0, 3000.0, size),
    )
    return Programme(f"{groups} x {segments}, seed {seed}", caseload, Tariff(range(groups), 0, 6000))
