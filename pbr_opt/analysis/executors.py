"""Where the work of a sweep is done: here, in several processes, or on a cluster. One interface for all.

Every one is a :class:`concurrent.futures.Executor`. Whatever the executor, a sweep gives the same numbers: each draw
has a number, and everything random about it comes from that number and the seed.
"""

from __future__ import annotations

import os
import pickle
import signal
import threading
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from functools import lru_cache
from multiprocessing import connection, get_context, parent_process
from typing import Any, Final, TypeVar

from pbr_opt.errors import Fault, InvalidInputError, MissingExtraError, SweepError
from pbr_opt.quantities import Inspection

__all__ = ["SerialExecutor", "open_executor", "sender", "worker_lost", "workers_of"]

_T = TypeVar("_T")
_RETRIES: Final = 3
"""How often a cluster tries a chunk again whose worker has died."""
_LOST: Final = ("KilledWorker", "CommClosedError", "FutureCancelledError", "ClosedClientError")
"""What Dask calls it."""
_SCHEMES: Final = ("tcp://", "tls://", "ws://", "wss://", "ucx://")


class SerialExecutor(Executor):
    """Do each piece of work at once, in this process, when it is handed in.

    Examples
    --------
    >>> with SerialExecutor() as executor:
    ...     executor.submit(pow, 2, 5).result()
    32
    """

    def submit(self, fn: Callable[..., _T], /, *args: Any, **kwargs: Any) -> Future[_T]:  # noqa: ANN401  # as its base
        """Return a future that is done."""
        future: Future[_T] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # it is raised again by whoever asks for the result
            future.set_exception(error)
        return future


def sender(executor: Executor, work: Callable[..., _T]) -> Callable[..., Future[_T]]:
    """Return what hands in the same work again and again, with other arguments.

    What the work carries is packed once here and unpacked once by each worker, which keeps it: for a question of worlds
    through a national chain that takes as long as some hundreds of its draws.

    Parameters
    ----------
    executor : Executor
        From :func:`open_executor`.
    work : callable
        A function or a bound method that can be pickled.

    Examples
    --------
    >>> with open_executor() as executor:
    ...     send = sender(executor, "{} of {}".format)
    ...     [send(k, 2).result() for k in (1, 2)]
    ['1 of 2', '2 of 2']
    """
    if isinstance(executor, SerialExecutor):
        return lambda *arguments: executor.submit(work, *arguments)
    packed = zlib.compress(_dumps(executor, work))
    return lambda *arguments: executor.submit(_do, packed, *arguments)


def _dumps(executor: Executor, work: Callable[..., object]) -> bytes:
    """Return work as bytes; on a cluster as Dask would, which takes what a notebook defined."""
    try:
        if isinstance(executor, ProcessPoolExecutor):
            return pickle.dumps(work)
        from distributed.protocol.pickle import dumps

        return bytes(dumps(work))
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise _cannot_cross(error) from error


def _do(packed: bytes, *arguments: object) -> object:
    return _unpacked(packed)(*arguments)


@lru_cache(maxsize=2)
def _unpacked(packed: bytes) -> Callable[..., object]:
    try:
        return pickle.loads(zlib.decompress(packed))  # type: ignore[no-any-return]  # packed by the process that this one works for
    except (AttributeError, ImportError) as error:
        raise _cannot_cross(error) from error


def _cannot_cross(error: Exception) -> InvalidInputError:
    wanted = "something that can be pickled, and that a worker can import"
    remedy = "define its class in a module that is installed wherever workers run, and not in a notebook or a function"
    return InvalidInputError("Executor", [Fault("the question", str(error), wanted, remedy)])


def workers_of(spec: str) -> int:
    """Return how many workers an executor of this name has on this machine; 0 where a cluster decides.

    >>> workers_of("serial"), workers_of("processes:3"), workers_of("tcp://127.0.0.1:8786")
    (1, 3, 0)
    """
    if spec == "serial":
        return 1
    name, _, number = spec.partition(":")
    if name == "processes":
        return int(number) if number else os.cpu_count() or 1
    return 0


def worker_lost(error: BaseException) -> bool:
    """Whether an error says that a worker, or a whole cluster, has gone, and nothing about the work itself.

    >>> worker_lost(BrokenExecutor()), worker_lost(ValueError())
    (True, False)
    """
    of_dask = type(error).__module__.startswith("distributed.") and type(error).__name__ in _LOST
    return of_dask or isinstance(error, (BrokenExecutor, CancelledError))


@contextmanager
def open_executor(spec: str = "serial") -> Iterator[Executor]:
    """Open an executor by name, and close it at the end.

    Parameters
    ----------
    spec : str
        ``serial``; ``processes`` (one a processor) or ``processes:4``; or the address of a Dask scheduler, such as
        ``tcp://127.0.0.1:8786``.

    Yields
    ------
    Executor

    Raises
    ------
    InvalidInputError
        An unknown name.
    MissingExtraError
        A cluster without the extra ``distributed``.
    SweepError
        When no scheduler answers.

    Examples
    --------
    >>> with open_executor("serial") as executor:
    ...     [future.result() for future in map(lambda n: executor.submit(abs, n), [-1, -2])]
    [1, 2]
    """
    _inspect(spec)
    if spec == "serial":
        with SerialExecutor() as serial:
            yield serial
    elif spec.startswith("processes"):
        yield from _processes(workers_of(spec))
    else:
        yield from _cluster(spec)


def _processes(workers: int) -> Iterator[Executor]:
    """Yield an executor of worker processes; when its user fails or is interrupted, they are ended at once.

    Spawned, not forked: a fork copies whatever threads hold at that moment, locks among it. A second interrupt while
    workers end would leave them waiting for ever, and this process for them: until they have gone none is heard.
    """
    context = get_context("spawn")
    line, own_end = context.Pipe(duplex=False)
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_begin_worker, initargs=(line,))
    with line, own_end:
        try:
            yield pool
        except BaseException:
            own_end.close()
            raise
        finally:
            with _deaf():
                pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _deaf() -> Iterator[None]:
    """Hear no interrupt inside; only the main thread can be interrupted, or made deaf."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        if before is not None:  # one that Python did not set and cannot set again
            signal.signal(signal.SIGINT, before)


def _begin_worker(line: connection.Connection) -> None:
    """Leave interrupts to the process that started this worker; end when it ends, however that ends, or hangs up.

    A worker waits for work on a pipe whose other end it holds as well, so that kill -9 of the main process would leave
    it waiting for ever.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = parent_process()
    ends = [line] if parent is None else [line, parent.sentinel]
    threading.Thread(target=_wait_and_end, args=(ends,), daemon=True).start()


def _wait_and_end(ends: list[connection.Connection | int]) -> None:
    connection.wait(ends)
    os._exit(1)


def _inspect(spec: str) -> None:
    check = Inspection("Executor")
    name, _, number = spec.partition(":")
    known = spec == "serial" or (name == "processes" and (not number or (number.isdigit() and int(number) > 0)))
    if not known and not spec.startswith(_SCHEMES):
        wanted = "serial, processes, processes:N, or the address of a Dask scheduler"
        check.fault("executor", spec, wanted, "tcp://127.0.0.1:8786 for a scheduler started with 'dask scheduler'")
    check.finish()


def _cluster(address: str) -> Iterator[Executor]:
    """Yield the executor of a Dask cluster."""
    try:
        from distributed import Client
    except ImportError as error:
        raise MissingExtraError('A cluster needs Dask: pip install "pbr_opt[distributed]"') from error
    try:
        client = Client(address, set_as_default=False)
    except OSError as error:
        raise SweepError(
            f"No scheduler answers at {address} ({error}). Wanted: the address of a Dask scheduler that runs; try: "
            "'dask scheduler' on one machine and 'dask worker ADDRESS' on others, or --executor processes.",
            finished=0,
            wanted=0,
        ) from error
    try:
        yield client.get_executor(retries=_RETRIES)
    finally:
        client.close()
