"""Sweeps: the same numbers whoever computes them, resumed where they stopped, nothing lost and nothing double."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from pbr_opt.analysis import sweep as sweeping
from pbr_opt.analysis.executors import open_executor, workers_of
from pbr_opt.analysis.sweep import SweepSettings, chunks_of, sweep
from pbr_opt.analysis.sweep_store import Chunk, Columns, FolderStore
from pbr_opt.errors import InvalidInputError, OutputError, SweepError
from tests.unit.analysis.questions import Counted, Deadly, Faulty, Noise

ROOT = Path(__file__).resolve().parents[3]
DRAWS = 100


def _bytes(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder, by its path in it."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _same(one: Columns, other: Columns) -> bool:
    return list(one) == list(other) and all(np.array_equal(one[name], other[name]) for name in one)


def _complaint(arguments: list[str]) -> str:
    """Return what Python says of a program that fails."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    return done.stderr


EXPECTED = Noise().run(0, DRAWS)


@pytest.mark.parametrize("chunk", [1, 7, 100, 1000])
def test_the_size_of_chunks_changes_nothing(chunk: int) -> None:
    assert _same(sweep(Noise(), DRAWS, SweepSettings(chunk=chunk)).columns(), EXPECTED)


@pytest.mark.parametrize("form", ["parquet", "csv"])
def test_files_give_back_what_was_put_into_them(tmp_path: Path, form: str) -> None:
    done = sweep(Noise(), DRAWS, SweepSettings(chunk=30, store=tmp_path, form=form))
    assert _same(done.columns(), EXPECTED)
    assert (done.draws, done.computed, done.reused) == (DRAWS, DRAWS, 0)
    assert done.to_frame().index.tolist() == list(range(DRAWS))


def test_several_processes_give_the_same_bytes_as_one(tmp_path: Path) -> None:
    for name, executor in (("one", "serial"), ("two", "processes:2")):
        sweep(Noise(), DRAWS, SweepSettings(executor, chunk=9, store=tmp_path / name))
    assert _bytes(tmp_path / "one") == _bytes(tmp_path / "two")


def test_the_order_in_which_chunks_come_back_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def last_first(running: dict[Future[Columns], Chunk], return_when: str) -> tuple[set[Future[Columns]], set[object]]:
        return {max(running, key=running.__getitem__)}, set()

    monkeypatch.setattr(sweeping, "wait", last_first)
    monkeypatch.setattr(sweeping, "workers_of", lambda spec: 50)
    assert _same(sweep(Noise(), DRAWS, SweepSettings(chunk=9, store=tmp_path)).columns(), EXPECTED)


def test_what_is_there_is_not_computed_again(tmp_path: Path) -> None:
    settings = SweepSettings(chunk=10, store=tmp_path)
    sweep(Noise(), 50, settings)
    again = sweep(Noise(), DRAWS, settings)
    assert (again.reused, again.computed) == (50, 50)
    assert _same(again.columns(), EXPECTED)


def test_progress_starts_with_what_is_there_and_ends_with_everything(tmp_path: Path) -> None:
    settings, seen = SweepSettings(chunk=25, store=tmp_path), list[tuple[int, int]]()
    sweep(Noise(), 25, settings)
    sweep(Noise(), DRAWS, settings, lambda done, total: seen.append((done, total)))
    assert seen == [(25, 100), (50, 100), (75, 100), (100, 100)]


def test_two_questions_in_one_store_do_not_meet(tmp_path: Path) -> None:
    settings = SweepSettings(chunk=25, store=tmp_path)
    one, other = sweep(Noise(1), DRAWS, settings), sweep(Noise(2), DRAWS, settings)
    assert _same(one.columns(), EXPECTED)
    assert _same(other.columns(), Noise(2).run(0, DRAWS))


def test_two_sweeps_of_one_question_share_the_work(tmp_path: Path) -> None:
    """The second begins while the first is under way: chunks of the first count as found."""
    settings = SweepSettings(chunk=20, store=tmp_path)
    inner = []

    def begin_another(done: int, total: int) -> None:
        if done == 20:
            inner.append(sweep(Noise(), DRAWS, settings))

    outer = sweep(Noise(), DRAWS, settings, begin_another)
    assert inner[0].reused == 20
    assert inner[0].computed == 80
    assert outer.computed + inner[0].computed <= DRAWS + 20  # one chunk was already handed in
    assert _same(outer.columns(), EXPECTED)


@pytest.mark.parametrize("harm", ["truncated", "changed", "receipt gone", "receipt cut"])
@pytest.mark.parametrize("form", ["parquet", "csv"])
def test_a_damaged_chunk_is_computed_again(tmp_path: Path, harm: str, form: str) -> None:
    settings = SweepSettings(chunk=25, store=tmp_path, form=form)
    sweep(Noise(), DRAWS, settings)
    before = _bytes(tmp_path)
    path = FolderStore(tmp_path, Noise().fingerprint, form).path(Chunk(25, 50))
    receipt = path.with_suffix(".json")
    if harm == "truncated":
        path.write_bytes(path.read_bytes()[:-10])
    elif harm == "changed":
        path.write_bytes(path.read_bytes()[:-10] + b"0123456789")
    elif harm == "receipt gone":
        receipt.unlink()
    else:
        receipt.write_bytes(receipt.read_bytes()[:20])
    again = sweep(Noise(), DRAWS, settings)
    assert (again.computed, again.reused) == (25, 75)
    assert again.mended == (0 if harm == "receipt gone" else 25)
    assert _bytes(tmp_path) == before


def test_a_chunk_damaged_after_the_sweep_is_not_handed_out(tmp_path: Path) -> None:
    done = sweep(Noise(), DRAWS, SweepSettings(chunk=50, store=tmp_path))
    path = FolderStore(tmp_path, Noise().fingerprint).path(Chunk(50, 100))
    path.write_bytes(b"")
    with pytest.raises(OutputError, match="run the same sweep again"):
        done.columns()


def test_a_full_disk_keeps_what_was_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings, real, calls = SweepSettings(chunk=10, store=tmp_path), os.fsync, []

    def full(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) > 3:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(descriptor)

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(OutputError, match=r"No space left on device.*kept.*make room"):
            sweep(Noise(), DRAWS, settings)
    assert not list(tmp_path.rglob("*.part"))
    again = sweep(Noise(), DRAWS, settings)
    assert (again.reused, again.computed) == (30, 70)
    assert _same(again.columns(), EXPECTED)


def test_a_folder_that_cannot_be_made_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder", encoding="utf-8")
    with pytest.raises(OutputError, match="try another folder"):
        sweep(Noise(), 1, SweepSettings(store=tmp_path / "file"))


def test_a_killed_worker_is_an_error_that_says_what_is_kept(tmp_path: Path) -> None:
    settings = SweepSettings("processes:1", chunk=10, store=tmp_path)
    with pytest.raises(SweepError, match="kept") as caught:
        sweep(Deadly(once=str(tmp_path / "died")), DRAWS, settings)
    assert caught.value.finished < caught.value.wanted == 10
    again = sweep(Deadly(once=str(tmp_path / "died")), DRAWS, settings)
    assert again.reused == 10 * caught.value.finished
    assert _same(again.columns(), EXPECTED)


def test_an_error_of_the_question_itself_comes_through(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="draw 20 is wrong"):
        sweep(Faulty(), DRAWS, SweepSettings(chunk=10, store=tmp_path))


def test_a_sweep_killed_in_the_middle_ends_with_the_same_bytes(tmp_path: Path) -> None:
    """Kill -9 of the main process, twice; nothing lost, nothing double, no litter."""
    sweep(Noise(), DRAWS, SweepSettings(chunk=5, store=tmp_path / "whole"))
    code = (
        "from tests.unit.analysis.questions import Noise\n"
        "from pbr_opt.analysis.sweep import SweepSettings, sweep\n"
        f"sweep(Noise(seconds_a_chunk=0.05), {DRAWS}, SweepSettings(chunk=5, store={str(tmp_path / 'killed')!r}))\n"
    )
    pid = 0
    for wanted in (3, 9):
        running = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)})
        patience = time.monotonic() + 60
        while len(list(tmp_path.glob("killed/*/*.json"))) < wanted and time.monotonic() < patience:
            time.sleep(0.01)
        running.send_signal(signal.SIGKILL)
        assert running.wait() == -signal.SIGKILL
        pid = running.pid
    litter = next(tmp_path.glob("killed/*/*.json")).with_suffix(f".json.{pid}.abc.part")
    litter.write_text("half", encoding="utf-8")
    finished = sweep(Noise(), DRAWS, SweepSettings(chunk=5, store=tmp_path / "killed"))
    assert finished.reused >= 45
    assert _bytes(tmp_path / "killed") == _bytes(tmp_path / "whole")


def test_receipts_say_which_draws_they_are_of(tmp_path: Path) -> None:
    sweep(Noise(), 20, SweepSettings(chunk=10, store=tmp_path))
    draws = sorted(json.loads(path.read_text(encoding="utf-8"))["draws"] for path in tmp_path.rglob("*.json"))
    assert draws == [[0, 10], [10, 20]]


@pytest.mark.parametrize("spec", ["threads", "processes:0", "processes:x", "10.0.0.1:8786"])
def test_an_unknown_executor_says_what_there_is(spec: str) -> None:
    with pytest.raises(InvalidInputError, match="address of a Dask scheduler"), open_executor(spec):
        pass


def test_a_scheduler_that_does_not_answer_is_an_error_with_a_remedy() -> None:
    pytest.importorskip("distributed")
    import dask  # comes with it

    said = r"No scheduler answers at tcp://127\.0\.0\.1:1 .*dask scheduler"
    hasty = dask.config.set({"distributed.comm.timeouts.connect": "0.1s"})
    with hasty, pytest.raises(SweepError, match=said):
        sweep(Noise(), 10, SweepSettings("tcp://127.0.0.1:1"))


def test_faults_of_settings_come_together() -> None:
    with pytest.raises(InvalidInputError, match="4 faults"):
        SweepSettings(3, chunk=0, store=4, form="xml")  # type: ignore[arg-type]  # that is the point


def test_chunks_cover_every_draw_once() -> None:
    for draws, size in ((1, 1), (10, 3), (4096, 4096), (4097, 4096)):
        covered = [draw for chunk in chunks_of(draws, size) for draw in range(chunk.start, chunk.stop)]
        assert covered == list(range(draws))


def test_processes_default_to_every_processor() -> None:
    assert workers_of("processes") == (os.cpu_count() or 1)


def test_a_script_that_every_worker_would_run_again_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "unguarded.py"
    lines = (
        "from pbr_opt.analysis.sweep import SweepSettings, sweep",
        "from tests.unit.analysis.questions import Noise",
        "sweep(Noise(), 10, SweepSettings('processes:1'))",
    )
    path.write_text("\n".join(lines), encoding="utf-8")
    assert "in a script, the sweep below" in _complaint([str(path)])


def test_a_question_crosses_once_to_each_worker(tmp_path: Path) -> None:
    done = sweep(Counted(folder=str(tmp_path)), DRAWS, SweepSettings("processes:2", chunk=5))
    assert _same(done.columns(), EXPECTED)
    workers = [path.name.split("-")[1] for path in tmp_path.glob("unpacked-*")]
    assert len(list(tmp_path.glob("packed-*"))) == 1
    assert 1 <= len(workers) == len(set(workers)) <= 2


def test_a_question_that_cannot_cross_says_what_to_do() -> None:
    class Here(Noise):
        pass

    with pytest.raises(InvalidInputError, match="define its class in a module"):
        sweep(Here(), DRAWS, SweepSettings("processes:1"))
    assert _same(sweep(Here(), DRAWS).columns(), EXPECTED)


def test_a_question_that_a_worker_cannot_import_says_what_to_do() -> None:
    code = (
        "from pbr_opt.analysis.sweep import SweepSettings, sweep\n"
        "from tests.unit.analysis.questions import Noise\n"
        "class Typed(Noise): pass\n"
        "sweep(Typed(), 10, SweepSettings('processes:1'))\n"
    )
    complaint = _complaint(["-c", code])
    assert "InvalidInputError" in complaint
    assert "define its class in a module" in complaint


@contextmanager
def _cluster(workers: int, tmp_path: Path):  # type: ignore[no-untyped-def]  # noqa: ANN202  # its type is Dask's
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        dashboard_address=None,
        local_directory=str(tmp_path),
        silence_logs=50,
    ) as cluster:
        yield cluster


@pytest.mark.long
@pytest.mark.filterwarnings("default")  # Dask warns of what is its own
def test_a_cluster_gives_the_same_bytes_and_survives_a_killed_worker(tmp_path: Path) -> None:
    sweep(Noise(), DRAWS, SweepSettings(chunk=5, store=tmp_path / "here"))
    with _cluster(2, tmp_path / "dask") as cluster:
        there = SweepSettings(cluster.scheduler_address, chunk=5, store=tmp_path / "there")
        sweep(Noise(seconds_a_chunk=0.05), DRAWS, there)
        assert _bytes(tmp_path / "there") == _bytes(tmp_path / "here")
        killed = SweepSettings(cluster.scheduler_address, chunk=5, store=tmp_path / "killed")
        victim = next(iter(cluster.workers.values())).process.process.pid

        def kill(done: int, total: int) -> None:
            if done == 20:
                os.kill(victim, signal.SIGKILL)

        sweep(Noise(seconds_a_chunk=0.05), DRAWS, killed, kill)
        assert _bytes(tmp_path / "killed") == _bytes(tmp_path / "here")


@pytest.mark.long
@pytest.mark.filterwarnings("default")
def test_a_chunk_that_kills_every_worker_of_a_cluster_is_an_error(tmp_path: Path) -> None:
    with _cluster(1, tmp_path / "dask") as cluster, pytest.raises(SweepError, match="worker"):
        sweep(Deadly(), 30, SweepSettings(cluster.scheduler_address, chunk=10, store=tmp_path / "store"))
