"""Progress of long work: a line on a terminal or in a notebook, silence when piped."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from time import monotonic
from typing import Final, TypeVar

__all__ = ["with_progress"]

_T = TypeVar("_T")
_KERNEL: Final = "ipykernel.kernelapp"
"""Loaded by whatever runs a notebook, and by nothing else. (rich would want ipywidgets there, and warns without.)"""
_PAUSE_S: Final = 0.2
"""Between two changes of a line in a notebook."""


def with_progress(title: str, work: Callable[[Callable[[int, int], None]], _T]) -> _T:
    """Do the work with a progress line on a terminal or in a notebook, and silently when piped.

    Parameters
    ----------
    title : str
        What is being done.
    work : callable
        Takes a function to call with steps done and steps in all; work that cannot count its steps never calls it.

    Examples
    --------
    >>> from pbr_opt.analysis.assumptions import conclusions
    >>> from pbr_opt.programmes.registry import load
    >>> programme = load("work_programme_2011")
    >>> tariffs = {"today": programme.tariff, "half": programme.tariff.at_price(0.5 * programme.tariff.price_gbp)}
    >>> found = with_progress("Trying assumptions", lambda tick: conclusions(programme, tariffs, tick))
    >>> found[0].text
    "'half' parks more people than 'today'"
    """
    if _KERNEL in sys.modules:
        return _in_notebook(title, work)
    if not sys.stderr.isatty():
        return work(lambda done, total: None)
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        ProgressColumn,
        Task,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text

    class Rate(ProgressColumn):
        """Steps a second."""

        def render(self, task: Task) -> Text:
            return Text(f"{task.speed:,.0f}/s" if task.speed else "")

    shown = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), Rate(), TimeRemainingColumn())
    with Progress(*shown, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=None)
        return work(lambda done, total: bar.update(task, completed=done, total=total))


def _in_notebook(title: str, work: Callable[[Callable[[int, int], None]], _T]) -> _T:
    """Do the work with a line of text below the cell, which says at the end that it is done."""
    display = import_module("IPython.display").display  # there wherever a kernel is, and without types
    shown, last = display({"text/plain": f"{title} ..."}, raw=True, display_id=True), monotonic()

    def tick(done: int, total: int) -> None:
        nonlocal last
        if monotonic() >= last + _PAUSE_S:
            last = monotonic()
            shown.update({"text/plain": f"{title}: {done:,} of {total:,}"}, raw=True)

    answer = work(tick)
    shown.update({"text/plain": f"{title}: done"}, raw=True)
    return answer
