"""What several commands have in common: their arguments and options, what they print, progress."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

if TYPE_CHECKING:
    from pbr_opt.market.programme import Programme

__all__ = [
    "CheckOption",
    "JsonOption",
    "NameArgument",
    "OutOption",
    "Output",
    "ReportOption",
    "tariff_label",
    "with_progress",
]

_T = TypeVar("_T")

NameArgument = Annotated[
    str, typer.Argument(help="A bundled programme (see 'programmes'), or a folder, .toml or .xlsx of your own.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
OutOption = Annotated[Path | None, typer.Option("--out", help="Also write the results and run.json to this folder.")]
CheckOption = Annotated[
    bool, typer.Option("--assumptions/--no-assumptions", help="Try other values of every assumption (a few seconds).")
]
ReportOption = Annotated[bool, typer.Option("--report/--no-report", help="With --out: draw report.html as well.")]


@dataclass(frozen=True, slots=True)
class Output:
    """What a comparison is to give: text or JSON on the screen, files in a folder, a report among them."""

    assumptions: bool
    as_json: bool
    report: bool
    folder: Path | None


def tariff_label(programme: Programme) -> str:
    """Return what to call a programme's own tariff: by its year when its name has one."""
    years = [word for word in programme.name.replace("(", " ").replace(")", " ").split() if word.isdigit()]
    return f"{years[0]} tariff" if years else "today"


def with_progress(title: str, work: Callable[[Callable[[int, int], None]], _T]) -> _T:
    """Do the work with a progress line on a terminal, and silently when piped.

    Parameters
    ----------
    title : str
        What is being done.
    work : callable
        Takes a function to call with steps done and steps in all; work that cannot count its steps never calls it.
    """
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
