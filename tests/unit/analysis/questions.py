"""Questions for sweeps, in a module of their own so that other processes can import them."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass

import numpy as np

from pbr_opt.analysis.sweep_store import Columns


@dataclass(frozen=True)
class Noise:
    """Random numbers of each draw, from a seed and the number of the draw alone."""

    seed: int = 1
    seconds_a_chunk: float = 0.0

    @property
    def fingerprint(self) -> str:
        """Name the question; how slowly it is answered is no part of it."""
        return f"{self.seed:064x}"

    def run(self, start: int, stop: int) -> Columns:
        """Return two columns."""
        time.sleep(self.seconds_a_chunk)
        rows = [
            np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(draw,))).normal(size=2)
            for draw in range(start, stop)
        ]
        table = np.array(rows)
        return {"draw": np.arange(start, stop, dtype=np.float64), "one": table[:, 0], "two": table[:, 1]}


@dataclass(frozen=True)
class Deadly(Noise):
    """The same, but whoever computes draw 20 is killed, unless a file says that this has happened."""

    once: str = ""

    def run(self, start: int, stop: int) -> Columns:
        """Return two columns, or die."""
        if start <= 20 < stop and not (self.once and os.path.exists(self.once)):
            if self.once:
                with open(self.once, "w", encoding="utf-8"):
                    pass
            os.kill(os.getpid(), signal.SIGKILL)
        return super().run(start, stop)


@dataclass(frozen=True)
class Faulty(Noise):
    """One that raises an error of its own."""

    def run(self, start: int, stop: int) -> Columns:
        """Raise at draw 20."""
        if start <= 20 < stop:
            raise ValueError("draw 20 is wrong")
        return super().run(start, stop)


@dataclass(frozen=True)
class Counted(Noise):
    """The same, but whoever packs or unpacks it leaves a file that says so."""

    folder: str = ""

    def __getstate__(self) -> dict[str, object]:
        """Leave a file, and return the fields."""
        self._note("packed", self.folder)
        return dict(self.__dict__)

    def __setstate__(self, state: dict[str, object]) -> None:
        """Leave a file, and set the fields."""
        self._note("unpacked", str(state["folder"]))
        self.__dict__.update(state)

    @staticmethod
    def _note(what: str, folder: str) -> None:
        with open(os.path.join(folder, f"{what}-{os.getpid()}-{time.monotonic_ns()}"), "w", encoding="utf-8"):
            pass
