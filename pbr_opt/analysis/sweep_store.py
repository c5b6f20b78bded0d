"""Where the chunks of a sweep are kept: in files that are whole or not there, or in memory.

A chunk is named by the hash of its inputs: what is asked, of which draws. It is written beside its place and moved into
it, and after it a receipt with the hash of its bytes. A chunk without a receipt, or whose bytes do not agree with it,
was cut off or damaged, and counts as not there. Two sweeps in one folder do not meet: different questions have
different folders, and the same question the same bytes.
"""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Final, Protocol
from uuid import uuid4

import numpy as np

from pbr_opt.errors import OutputError
from pbr_opt.quantities import FloatArray

__all__ = ["Chunk", "ChunkStore", "Columns", "FolderStore", "MemoryStore"]

Columns = Mapping[str, FloatArray]
"""A table: columns of equal length by name."""

_FORM: Final = 1
"""Of chunks and receipts; goes into their names, so that another form does not read these."""


@dataclass(frozen=True, slots=True, order=True)
class Chunk:
    """Some draws of a sweep.

    Attributes
    ----------
    start, stop : int
        Numbers of its first draw and of the one after its last.
    """

    start: int
    stop: int

    def name(self, question: str) -> str:
        """Return the hash of the chunk's inputs.

        >>> Chunk(0, 10).name("a") == Chunk(0, 11).name("a")
        False
        """
        return hashlib.sha256(f"{_FORM}/{question}/{self.start}/{self.stop}".encode()).hexdigest()[:24]


class ChunkStore(Protocol):
    """What a sweep needs of the place where its chunks are kept."""

    def has(self, chunk: Chunk) -> bool:
        """Whether the chunk is there, whole."""

    def put(self, chunk: Chunk, columns: Columns) -> None:
        """Keep a chunk."""

    def get(self, chunk: Chunk) -> Columns:
        """Return a chunk that is there."""


@dataclass
class MemoryStore:
    """Chunks in memory, for sweeps that nobody has to resume."""

    chunks: dict[Chunk, Columns] = field(default_factory=dict)

    def has(self, chunk: Chunk) -> bool:
        """Whether the chunk is there."""
        return chunk in self.chunks

    def put(self, chunk: Chunk, columns: Columns) -> None:
        """Keep a chunk."""
        self.chunks[chunk] = columns

    def get(self, chunk: Chunk) -> Columns:
        """Return a chunk that is there."""
        return self.chunks[chunk]


class FolderStore:
    """Chunks of one question in a folder: parquet where pyarrow is installed, else CSV.

    Parameters
    ----------
    folder : path
        Of all sweeps; each question has a folder of its own below it.
    question : str
        The fingerprint of what is asked.
    form : str, optional
        ``parquet`` or ``csv``; what is installed decides if not given.

    Raises
    ------
    OutputError
        When the folder cannot be made.
    """

    def __init__(self, folder: str | os.PathLike[str], question: str, form: str | None = None) -> None:
        self.question = question
        self.form = form or ("parquet" if find_spec("pyarrow") else "csv")
        self.folder = Path(folder) / question[:16]
        self.damaged: set[Chunk] = set()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._sweep_litter()
        except OSError as error:
            raise _cannot_write(self.folder, error) from error

    def path(self, chunk: Chunk) -> Path:
        """Return where a chunk lies."""
        return self.folder / f"{chunk.name(self.question)}.{self.form}"

    def _receipt(self, chunk: Chunk) -> Path:
        return self.path(chunk).with_suffix(".json")

    def has(self, chunk: Chunk) -> bool:
        """Whether the chunk is there and its bytes are those that were written; if not, note it as damaged."""
        try:
            receipt = json.loads(self._receipt(chunk).read_bytes())
            data = self.path(chunk).read_bytes()
        except FileNotFoundError:
            return False
        except (OSError, ValueError):
            self.damaged.add(chunk)
            return False
        whole = isinstance(receipt, dict) and receipt.get("sha256") == hashlib.sha256(data).hexdigest()
        if not whole:
            self.damaged.add(chunk)
        return whole

    def put(self, chunk: Chunk, columns: Columns) -> None:
        """Write a chunk, then its receipt, each beside its place first.

        Raises
        ------
        OutputError
            When it cannot be written, a full disk among the reasons. What was written before stays.
        """
        data = _encoded(columns, self.form)
        receipt = {
            "draws": [chunk.start, chunk.stop],
            "question": self.question,
            "sha256": hashlib.sha256(data).hexdigest(),
        }
        try:
            self._place(self.path(chunk), data, on_disk=True)
            self._place(self._receipt(chunk), (json.dumps(receipt, sort_keys=True) + "\n").encode())
        except OSError as error:
            raise _cannot_write(self.folder, error) from error

    def get(self, chunk: Chunk) -> Columns:
        """Return a chunk that is there.

        Raises
        ------
        OutputError
            When it has gone or was damaged since.
        """
        if not self.has(chunk):
            raise OutputError(
                f"Draws {chunk.start} to {chunk.stop - 1} are not in '{self.folder}', or not as they were written. "
                "Wanted: every chunk of the sweep; try: run the same sweep again, which computes what is missing."
            )
        return _decoded(self.path(chunk).read_bytes(), self.form)

    def describe(self, text: str) -> None:
        """Write what the folder holds, for whoever finds it.

        Raises
        ------
        OutputError
            When it cannot be written.
        """
        try:
            self._place(self.folder / "question.txt", text.encode())
        except OSError as error:
            raise _cannot_write(self.folder, error) from error

    def _place(self, path: Path, data: bytes, *, on_disk: bool = False) -> None:
        """Write bytes beside a path and move them into place; see that they reach the disk where that is asked.

        A receipt need not: one that a power cut takes, or leaves empty, makes its chunk count as not there.
        """
        beside = path.with_name(f"{path.name}.{os.getpid()}.{uuid4().hex[:8]}.part")
        try:
            with beside.open("wb") as file:
                file.write(data)
                if on_disk:
                    file.flush()
                    os.fsync(file.fileno())
            os.replace(beside, path)
        finally:
            beside.unlink(missing_ok=True)

    def _sweep_litter(self) -> None:
        """Remove what processes of this machine that no longer run had begun to write."""
        for part in self.folder.glob("*.part"):
            pid = part.name.split(".")[-3]
            if pid.isdigit() and not Path(f"/proc/{pid}").exists() and Path("/proc/self").exists():
                part.unlink(missing_ok=True)


def _encoded(columns: Columns, form: str) -> bytes:
    """Return a table as bytes: the same bytes for the same numbers."""
    if form == "parquet":
        import pyarrow as pa
        import pyarrow.parquet as pq

        sink = io.BytesIO()
        table = pa.table({name: np.ascontiguousarray(column) for name, column in columns.items()})
        pq.write_table(table, sink, compression="none", use_dictionary=False, write_statistics=False)
        return sink.getvalue()
    rows = zip(*(column.tolist() for column in columns.values()), strict=True)
    lines = [",".join(columns), *(",".join(map(repr, row)) for row in rows)]
    return ("\n".join(lines) + "\n").encode()


def _decoded(data: bytes, form: str) -> Columns:
    if form == "parquet":
        import pyarrow.parquet as pq

        table = pq.read_table(io.BytesIO(data))
        return {name: table.column(name).to_numpy() for name in table.column_names}
    head, *lines = data.decode().splitlines()
    names = head.split(",")
    values = np.array([[float(cell) for cell in line.split(",")] for line in lines]).reshape(-1, len(names))
    return {name: values[:, k] for k, name in enumerate(names)}


def _cannot_write(folder: Path, error: OSError) -> OutputError:
    """Return what to say: a full disk needs another remedy than a folder that is not ours."""
    remedy = "try another folder"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        remedy = "make room, or write elsewhere, and run the same sweep again: it goes on where it stopped"
    return OutputError(
        f"Cannot write to '{folder}': {error.strerror or error}. Chunks written so far are kept. "
        f"Wanted: a folder that can be written, with room; {remedy}."
    )
