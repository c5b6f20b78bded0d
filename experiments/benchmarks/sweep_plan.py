"""Claim: a sweep of a billion draws is hours of an ordinary cluster, and its answers fit on one disk.

Method
    A sweep of one chunk after another is timed with a store, serially and in processor time, for the programme without
    a chain (a national equilibrium of 9 groups of 20 segments) and with one (40 contracts); the bytes of its chunks are
    counted, and the processor time of writing them. Costs per draw are multiplied out to a billion: processor hours,
    hours on clusters of three sizes (as long as the workers or the main process take, whichever is longer), bytes, and
    how many workers one main process can keep up with, since it alone writes. Network and disk are not in it.
Data
    pbr_opt/programmes/work_programme_2011 and work_programme_2011_chain, seed 2011.
Command
    python experiments/benchmarks/sweep_plan.py
Verdict
    Printed; exit code 4 when a billion draws through the chain would take more than a day on 100 workers, or more than
    1 TB. Measured on one processor: no cluster of that size was there to try.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from worlds import CHAIN, DIRECT, question

from pbr_opt.analysis.sweep import SweepSettings, sweep
from pbr_opt.analysis.sweep_store import Chunk, FolderStore
from pbr_opt.report.wording import table

DRAWS = 1_000_000_000
CHUNK = 8192
CHUNKS = {DIRECT: 6, CHAIN: 1}
WORKERS = (10, 100, 1000)
DAY_HOURS = 24
TERABYTE = 1e12


def measured(name: str) -> dict[str, float]:
    """Return seconds and bytes a draw, and the seconds a draw that the main process needs to write."""
    asked = question(name)
    asked.run(0, 1024)  # warm
    with tempfile.TemporaryDirectory() as folder:
        started = time.process_time()
        there = sweep(asked, CHUNK * CHUNKS[name], SweepSettings(chunk=CHUNK, store=folder))
        spent = (time.process_time() - started) / there.draws
        size = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())
        columns = there.store.get(Chunk(0, CHUNK))
        begun = time.process_time()
        FolderStore(Path(folder) / "again", asked.fingerprint).put(Chunk(0, CHUNK), columns)
        writing = (time.process_time() - begun) / CHUNK
    return {"seconds": spent, "bytes": size / there.draws, "writing": writing}


def main() -> None:
    """Print the plan, and fail when it does not fit."""
    rows = [["", "without a chain", "through the chain"]]
    found = {name: measured(name) for name in (DIRECT, CHAIN)}

    def row(label: str, show: str, *, of: dict[str, float]) -> None:
        rows.append([label, *(show.format(of[name]) for name in found)])

    hours = {name: DRAWS * there["seconds"] / 3600 for name, there in found.items()}
    row("microseconds a draw, one processor", "{:,.0f}", of={name: 1e6 * t["seconds"] for name, t in found.items()})
    row("processor hours", "{:,.0f}", of=hours)
    write = {name: DRAWS * there["writing"] / 3600 for name, there in found.items()}
    for workers in WORKERS:
        taken = {name: max(total / workers, write[name]) for name, total in hours.items()}
        row(f"hours on {workers:,} workers", "{:,.1f}", of=taken)
    row("bytes a draw", "{:,.0f}", of={name: t["bytes"] for name, t in found.items()})
    row("gigabytes in the store", "{:,.0f}", of={name: t["bytes"] * DRAWS / 1e9 for name, t in found.items()})
    row("chunks", "{:,.0f}", of=dict.fromkeys(found, DRAWS / CHUNK))
    row("microseconds of writing a draw", "{:,.1f}", of={name: 1e6 * t["writing"] for name, t in found.items()})
    row("workers one main process keeps up with", "{:,.0f}",
        of={name: t["seconds"] / t["writing"] for name, t in found.items()})  # fmt: skip
    print(f"{DRAWS:,} draws in chunks of {CHUNK:,}\n")
    print("\n".join(table(rows, "<>>")))
    holds = hours[CHAIN] / 100 <= DAY_HOURS and found[CHAIN]["bytes"] * DRAWS <= TERABYTE
    print(f"\nverdict: {'holds' if holds else 'DOES NOT HOLD'}")
    if not holds:
        raise SystemExit(4)


if __name__ == "__main__":
    main()
