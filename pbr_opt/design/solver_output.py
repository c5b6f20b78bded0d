"""Standard output is for answers: what a solver prints there from C goes to standard error.

HiGHS prints a line now and then whatever it is told (scipy 1.17 and its mixed-integer search). Python does not see it;
in a pipe it comes before or after an answer in JSON, which nobody can read then.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
import threading
from collections.abc import Iterator
from typing import Final

__all__ = ["printing_to_stderr"]

_STDOUT, _STDERR = 1, 2


class _Detour:
    """File descriptor 1 leads to 2 while anybody asks for it; whoever asks last sets it right again."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.asking = 0
        self.kept: int | None = None

    def begin(self) -> None:
        """Turn off, if nobody has yet; where there is no such descriptor there is nothing to keep clean."""
        with self.lock:
            self.asking += 1
            if self.asking == 1:
                _flush()
                with contextlib.suppress(OSError):
                    self.kept = os.dup(_STDOUT)
                    os.dup2(_STDERR, _STDOUT)

    def end(self) -> None:
        """Turn back, if nobody else is on the way."""
        with self.lock:
            self.asking -= 1
            if self.asking == 0 and self.kept is not None:
                _flush()
                os.dup2(self.kept, _STDOUT)
                os.close(self.kept)
                self.kept = None


_DETOUR: Final = _Detour()


@contextlib.contextmanager
def printing_to_stderr() -> Iterator[None]:
    """Within, what C code prints to standard output goes to standard error; safe in threads and without either.

    Python's own ``sys.stdout`` is flushed before and after, so that what it holds goes where it should. What other
    threads write to file descriptor 1 meanwhile goes to standard error as well: the descriptor is the process's.

    Examples
    --------
    >>> with printing_to_stderr():
    ...     pass
    """
    _DETOUR.begin()
    try:
        yield
    finally:
        _DETOUR.end()


def _flush() -> None:
    """Write out what Python and C hold back for standard output."""
    with contextlib.suppress(OSError, ValueError, AttributeError):  # closed, detached, or none at all
        sys.stdout.flush()
    with contextlib.suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL("ucrtbase" if os.name == "nt" else None).fflush(None)
