"""Claim: a million participants are played with every payment kept in less than 4 GiB, at a cost in proportion to them.

Method
    The 2011 programme, and the same with its supply chain, each in a process of its own: 1,000,000 people, one
    replication, ledger kept; peak memory from `resource.getrusage`. Then the exponent of time in the number of people,
    from 125,000 to 1,000,000 (at most 1.1), and what keeping the ledger costs.
Data
    pbr_opt/programmes/work_programme_2011 and work_programme_2011_chain, seed 1.
Command
    python experiments/benchmarks/simulation.py
Verdict
    Printed; exit code 4 when a target is missed.
"""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from typing import Final

import numpy as np
from timing import exponent, time_pair
from verdicts import Measured, conclude

from pbr_opt import load
from pbr_opt.analysis.simulation import simulate
from pbr_opt.analysis.simulation_settings import SimulationSettings

PEOPLE: Final = 1_000_000
MOST_GIB: Final = 4.0
HIGHEST_EXPONENT: Final = 1.1
RUNS: Final = 3
ALONE: Final = """
import resource, sys
from pbr_opt import load
from pbr_opt.analysis.simulation import simulate
there = simulate(load(sys.argv[1]), participants=int(sys.argv[2]), seed=1)
there.agreement.require()
print(len(there.ledger), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def in_memory(programme: str) -> Measured:
    """Return the peak memory of a process that plays a programme."""
    done = subprocess.run(
        [sys.executable, "-c", ALONE, programme, str(PEOPLE)], capture_output=True, text=True, check=True
    )
    payments, kib = map(int, done.stdout.split())
    name = f"{programme}: {PEOPLE:,} people and {payments:,} payments, peak memory in GiB"
    return Measured(name, kib / 2**20, MOST_GIB)


def played(people: int, *, ledger: bool = False) -> None:
    """Play one replication."""
    simulate(load("work_programme_2011"), participants=people, seed=1, settings=SimulationSettings(ledger=ledger))


def main() -> None:
    """Measure memory and the exponent, and fail when one is missed."""
    measured = [in_memory(name) for name in ("work_programme_2011", "work_programme_2011_chain")]
    sizes = [PEOPLE // part for part in (8, 4, 2, 1)]
    power = exponent(sizes, [partial(played, people) for people in sizes], RUNS)
    measured.append(Measured("time grows as people to the power", power, HIGHEST_EXPONENT))
    kept = time_pair("ledger", partial(played, PEOPLE, ledger=True), partial(played, PEOPLE), np.inf, RUNS)
    print(f"with the ledger one replication takes {kept.value:.2f} times as long")
    conclude(__file__, measured)


if __name__ == "__main__":
    main()
