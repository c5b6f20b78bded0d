"""Sweeps: the same question asked of many draws, in chunks, anywhere, and resumed where it stopped.

A question is a frozen object that can be pickled, with a fingerprint and a method ``run(start, stop)`` whose answer for
a draw depends on nothing but the question and the draw's number. So results are identical whatever the executor, the
size of chunks and the order in which they come back.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Executor, Future, wait
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np

from pbr_opt.analysis.executors import open_executor, sender, worker_lost, workers_of
from pbr_opt.analysis.sweep_store import Chunk, ChunkStore, Columns, FolderStore, MemoryStore
from pbr_opt.errors import SweepError
from pbr_opt.quantities import Inspection

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Question", "Sweep", "SweepSettings", "chunks_of", "sweep"]

_AHEAD: Final = 2
"""Chunks handed in for each worker: one being worked on and one waiting."""
_AHEAD_ON_A_CLUSTER: Final = 1000
"""The same for a whole cluster, whose size is its own affair: enough for some hundred processors, and a few gigabytes
of answers at the very most."""


class Question(Protocol):
    """What a sweep asks of each draw."""

    @property
    def fingerprint(self) -> str:
        """Return a hash of everything that the answer depends on but the numbers of draws."""

    def run(self, start: int, stop: int) -> Columns:
        """Return the answers for some draws: columns of length stop - start."""


@dataclass(frozen=True, slots=True)
class SweepSettings:
    """How a sweep is done; nothing here changes a number.

    Parameters
    ----------
    executor : str
        ``serial``, ``processes``, ``processes:N`` or the address of a Dask scheduler.
    chunk : int
        Draws that are computed, written and resumed together.
    store : path, optional
        A folder for the chunks; in memory if not given.
    form : str, optional
        Of the chunks: ``parquet`` or ``csv``.

    Raises
    ------
    InvalidInputError
        With every fault at once.
    """

    executor: str = "serial"
    chunk: int = 8192
    store: str | os.PathLike[str] | None = None
    form: str | None = None

    def __post_init__(self) -> None:
        """Check the size of chunks and their form."""
        check = Inspection("SweepSettings")
        object.__setattr__(self, "chunk", check.whole("chunk", self.chunk, lowest=1))
        if not isinstance(self.executor, str):
            check.fault("executor", self.executor, "a name: serial, processes or processes:N, or an address")
        if not (self.store is None or isinstance(self.store, (str, os.PathLike))):
            check.fault("store", self.store, "a folder, or nothing")
        if self.form not in (None, "parquet", "csv"):
            check.fault("form", self.form, "parquet or csv", "leave it out: what is installed decides")
        check.finish()


@dataclass(frozen=True, slots=True, eq=False)
class Sweep:
    """A finished sweep.

    Attributes
    ----------
    store : ChunkStore
        Where the answers are.
    chunks : tuple of Chunk
        In the order of their draws.
    computed, reused, mended : int
        Draws computed now; found from before; among the computed those that were there and damaged.
    seconds : float
        How long it took.
    """

    store: ChunkStore
    chunks: tuple[Chunk, ...]
    computed: int
    reused: int
    mended: int
    seconds: float

    @property
    def draws(self) -> int:
        """Return the number of draws."""
        return sum(chunk.stop - chunk.start for chunk in self.chunks)

    def __iter__(self) -> Iterator[tuple[Chunk, Columns]]:
        """Go through the chunks in order, one in memory at a time."""
        for chunk in self.chunks:
            yield chunk, self.store.get(chunk)

    def columns(self) -> Columns:
        """Return everything at once, in the order of draws."""
        parts = [columns for _, columns in self]
        return {name: np.concatenate([part[name] for part in parts]) for name in (parts[0] if parts else ())}

    def to_frame(self) -> pd.DataFrame:
        """Return everything as one table, a row a draw."""
        import pandas as pd  # slow to import: only when a table is asked for

        return pd.DataFrame(dict(self.columns())).rename_axis("draw")


def chunks_of(draws: int, size: int) -> tuple[Chunk, ...]:
    """Return the chunks of a sweep; only the last may be smaller.

    >>> [chunk.stop - chunk.start for chunk in chunks_of(10, 4)]
    [4, 4, 2]
    """
    return tuple(Chunk(start, min(start + size, draws)) for start in range(0, draws, size))


def sweep(
    question: Question,
    draws: int,
    settings: SweepSettings | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Sweep:
    """Ask a question of many draws.

    Parameters
    ----------
    question : Question
        What is asked.
    draws : int
        Of draws numbered from 0.
    settings : SweepSettings, optional
        Where and in what pieces.
    progress : callable, optional
        Called with draws done and draws in all.

    Returns
    -------
    Sweep
        Complete. Chunks that the store had, whole, were not computed again.

    Raises
    ------
    SweepError
        When a worker died too often. What was finished is in the store.
    OutputError
        When a chunk cannot be written. What was written is in the store.

    Examples
    --------
    >>> class Squares:
    ...     fingerprint = "squares"
    ...     def run(self, start, stop):
    ...         return {"square": np.arange(start, stop) ** 2.0}
    >>> sweep(Squares(), 5, SweepSettings(chunk=2)).columns()["square"].tolist()
    [0.0, 1.0, 4.0, 9.0, 16.0]
    """
    check = Inspection("sweep")
    draws = check.whole("draws", draws, lowest=1, highest=10**15)
    check.finish()
    how = settings or SweepSettings()
    begun = time.perf_counter()
    store = MemoryStore() if how.store is None else FolderStore(how.store, question.fingerprint, how.form)
    chunks = chunks_of(draws, how.chunk)
    missing = [chunk for chunk in chunks if not store.has(chunk)]
    mended = sum(chunk.stop - chunk.start for chunk in getattr(store, "damaged", ()))
    done = draws - sum(chunk.stop - chunk.start for chunk in missing)
    report = progress or (lambda done, total: None)
    report(done, draws)
    computed = 0
    if missing:
        with open_executor(how.executor) as executor:
            ahead = _AHEAD * workers_of(how.executor) or _AHEAD_ON_A_CLUSTER
            for chunk, own in _computed(executor, question, missing, store, ahead):
                done += chunk.stop - chunk.start
                computed += own * (chunk.stop - chunk.start)
                report(done, draws)
    return Sweep(store, chunks, computed, draws - computed, mended, time.perf_counter() - begun)


def _computed(
    executor: Executor, question: Question, missing: list[Chunk], store: ChunkStore, ahead: int
) -> Iterator[tuple[Chunk, bool]]:
    """Yield chunks as they come into the store, and whether it was by us: another sweep may share the store."""
    ask, left = sender(executor, question.run), iter(missing)
    running: dict[Future[Columns], Chunk] = {}
    finished = 0
    try:
        while True:
            while len(running) < ahead and (chunk := next(left, None)) is not None:
                if store.has(chunk):
                    yield chunk, False
                else:
                    running[ask(chunk.start, chunk.stop)] = chunk
            if not running:
                return
            ready, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in sorted(ready, key=running.__getitem__):
                chunk = running.pop(future)
                store.put(chunk, _answer(future, finished, len(missing)))
                finished += 1
                yield chunk, True
    except BrokenExecutor as error:  # raised when work is handed to a pool that has lost a worker
        raise _lost_worker(finished, len(missing), error) from error
    finally:
        for future in running:
            future.cancel()


def _answer(future: Future[Columns], finished: int, wanted: int) -> Columns:
    """Return what a worker sends, or raise what went wrong in words that help."""
    error = future.exception() if not future.cancelled() else CancelledError("the cluster gave the work up")
    if error is None:
        return future.result()
    raise (_lost_worker(finished, wanted, error) if worker_lost(error) else error) from error


def _lost_worker(finished: int, wanted: int, error: BaseException) -> SweepError:
    return SweepError(
        f"A worker of the sweep died ({error}). {finished} of {wanted} chunks were finished before it; with a store "
        "they are kept. It may have been killed, or have run out of memory. Try: the same sweep again, which goes on "
        "where it stopped; smaller chunks; fewer processes; in a script, the sweep below "
        "'if __name__ == \"__main__\":', since every worker reads the script.",
        finished=finished,
        wanted=wanted,
    )
