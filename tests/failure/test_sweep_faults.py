"""What happens to sweeps: kills, full disks, cut files, two at once. Nothing lost, nothing double, plain words."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from pbr_opt.analysis.sweep import SweepSettings, sweep
from pbr_opt.analysis.sweep_store import Chunk, FolderStore
from pbr_opt.errors import OutputError
from tests.unit.analysis.questions import Noise

if TYPE_CHECKING:
    from subprocess import Popen

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 60
"""A stop for what hangs, and no measure of speed."""
DRAWS, CHUNK = 100, 5
SCRIPT = """
from pbr_opt.analysis.sweep import SweepSettings, sweep
from tests.unit.analysis.questions import Noise

if __name__ == "__main__":
    done = sweep(Noise(seconds_a_chunk={pause}), {draws}, SweepSettings({executor!r}, chunk={chunk}, store={store!r}))
    print(done.computed, done.reused)
"""
CLUSTER_WARNINGS = pytest.mark.filterwarnings("default")
"""Dask warns of what is its own."""


def _bytes(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder, by its path in it."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _until(holds: Callable[[], bool]) -> None:
    """Wait until something holds."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < end, "what was waited for did not come"
        time.sleep(0.01)


def _finished(folder: Path) -> int:
    """Return the number of chunks with a receipt."""
    return len(list(folder.glob("*/*.json")))


@contextmanager
def _running(command: list[str], stdout: int | None = None) -> Iterator[Popen[str]]:
    """Run a command, and see to it that it has gone at the end."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, text=True, stdout=stdout, stderr=subprocess.DEVNULL
    ) as running:
        try:
            yield running
        finally:
            running.kill()


def _script(path: Path, store: Path, executor: str = "serial", pause: float = 0.1) -> list[str]:
    """Return the command of a sweep in a process of its own."""
    text = SCRIPT.format(pause=pause, draws=DRAWS, executor=executor, chunk=CHUNK, store=str(store))
    path.write_text(text, encoding="utf-8")
    return [sys.executable, str(path)]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Return the bytes of a sweep that nothing happened to."""
    folder = tmp_path_factory.mktemp("whole")
    sweep(Noise(), DRAWS, SweepSettings(chunk=CHUNK, store=folder))
    return _bytes(folder)


def _children(pid: int) -> list[int]:
    """Return the processes that a process has started."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()]


def _gone(pid: int) -> bool:
    """Whether a process has ended, waited for by its parent or not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return True
    return state == "Z"


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="children are found in /proc")
@pytest.mark.parametrize(
    "signals",
    [
        pytest.param([signal.SIGKILL], id="kill -9"),
        pytest.param([signal.SIGINT], id="Ctrl-C"),
        pytest.param([signal.SIGINT, signal.SIGINT], id="impatient"),  # the second one comes while workers end
    ],
)
def test_stopping_the_main_process_leaves_no_worker_and_ends_with_the_same_bytes(
    tmp_path: Path, whole: dict[str, bytes], signals: list[signal.Signals]
) -> None:
    store = tmp_path / "store"
    with _running(_script(tmp_path / "run.py", store, "processes:2")) as running:
        _until(lambda: _finished(store) >= 3)
        children = _children(running.pid)
        assert len(children) >= 2
        for each in signals:
            running.send_signal(each)
            time.sleep(0.02)
        assert running.wait(timeout=PATIENCE_SECONDS) != 0
    _until(lambda: all(map(_gone, children)))
    there = sweep(Noise(), DRAWS, SweepSettings(chunk=CHUNK, store=store))
    assert there.reused >= 3 * CHUNK
    assert there.computed + there.reused == DRAWS
    assert _bytes(store) == whole


def test_two_sweeps_at_once_in_one_store_lose_nothing_and_write_the_same(
    tmp_path: Path, whole: dict[str, bytes]
) -> None:
    store = tmp_path / "store"
    command = _script(tmp_path / "run.py", store)
    with _running(command, stdout=subprocess.PIPE) as one, _running(command, stdout=subprocess.PIPE) as other:
        said = [process.communicate(timeout=PATIENCE_SECONDS)[0] for process in (one, other)]
        assert (one.returncode, other.returncode) == (0, 0)
    shares = [[int(number) for number in text.split()] for text in said]
    assert all(computed + reused == DRAWS for computed, reused in shares)
    assert sum(computed for computed, _ in shares) >= DRAWS
    assert _bytes(store) == whole


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".json"])
def test_a_disk_that_fills_up_at_any_file_is_said_and_gone_on_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    """The call that writes fails, be it for a chunk or for its receipt; half a file may have been written."""
    form = "csv" if suffix == ".csv" else "parquet"
    settings, real, seen = SweepSettings(chunk=CHUNK, store=tmp_path, form=form), os.replace, list[Path]()

    def full(source: Path, target: Path) -> None:
        seen.extend([target] if target.suffix == suffix else [])
        if len(seen) > 4:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(source, target)

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", full)
        with pytest.raises(
            OutputError, match=r"(?s)No space left on device.*kept.*make room.*goes on where it stopped"
        ):
            sweep(Noise(), DRAWS, settings)
    assert not list(tmp_path.rglob("*.part")), "no litter where there is no room"
    again = sweep(Noise(), DRAWS, settings)
    assert (again.reused, again.computed) == (4 * CHUNK, DRAWS - 4 * CHUNK)
    assert np.array_equal(again.columns()["one"], Noise().run(0, DRAWS)["one"])


@pytest.mark.parametrize("left", [0, 1, 100])
def test_a_chunk_cut_off_anywhere_is_computed_again_and_nothing_else(
    tmp_path: Path, whole: dict[str, bytes], left: int
) -> None:
    for name, data in whole.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
    path = FolderStore(tmp_path, Noise().fingerprint).path(Chunk(10, 15))
    path.write_bytes(path.read_bytes()[:left])
    again = sweep(Noise(), DRAWS, SweepSettings(chunk=CHUNK, store=tmp_path))
    assert (again.computed, again.mended) == (CHUNK, CHUNK)
    assert _bytes(tmp_path) == whole


def test_chunks_of_another_size_are_not_mixed_with_these(tmp_path: Path) -> None:
    sweep(Noise(), DRAWS, SweepSettings(chunk=CHUNK, store=tmp_path))
    there = sweep(Noise(), DRAWS, SweepSettings(chunk=2 * CHUNK, store=tmp_path))
    assert there.reused == 0
    assert there.columns()["draw"].tolist() == list(range(DRAWS))
    draws = [json.loads(path.read_text(encoding="utf-8"))["draws"] for path in tmp_path.rglob("*.json")]
    assert len({tuple(pair) for pair in draws}) == len(draws) == 30


@contextmanager
def _dask(folder: Path, workers: int) -> Iterator[tuple[str, list[Popen[str]]]]:
    """Start a scheduler and workers as an operator does, each a process of its own."""
    pytest.importorskip("distributed")
    contact = folder / "scheduler.json"
    dask = [sys.executable, "-m", "dask"]
    start = [*dask, "scheduler", "--port", "0", "--no-dashboard", "--scheduler-file", str(contact)]
    work = [*dask, "worker", "--scheduler-file", str(contact), "--nthreads", "1", "--no-dashboard", "--no-nanny"]
    with _running(start):
        _until(contact.exists)
        address = json.loads(contact.read_text(encoding="utf-8"))["address"]
        running = [_running([*work, "--local-directory", str(folder / f"{k}")]) for k in range(workers)]
        if workers == 1:
            with running[0] as one:
                yield address, [one]
        else:
            with running[0] as one, running[1] as other:
                yield address, [one, other]


@CLUSTER_WARNINGS
def test_kill_9_of_a_dask_worker_costs_nothing(tmp_path: Path, whole: dict[str, bytes]) -> None:
    with _dask(tmp_path, 2) as (address, workers):
        store = tmp_path / "store"

        def kill(done: int, total: int) -> None:
            if done == 20:
                workers[0].send_signal(signal.SIGKILL)

        there = sweep(Noise(seconds_a_chunk=0.05), DRAWS, SweepSettings(address, chunk=CHUNK, store=store), kill)
    assert (there.computed, there.reused) == (DRAWS, 0)
    assert workers[0].returncode == -signal.SIGKILL
    assert _bytes(store) == whole
