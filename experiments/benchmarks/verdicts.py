"""How a benchmark ends: what it measured against its targets, told, put into the page on request, and failed if missed.

With ``--write`` among the arguments the rows of a script in the table of docs/benchmarks.md are replaced by what it has
just measured; nobody types them.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["PAGE", "Measured", "between", "conclude", "worst"]

PAGE = Path(__file__).resolve().parents[2] / "docs" / "benchmarks.md"
HEAD = ("| what | target | measured | command |", "|---|---|---|---|")
FAILED = 4
"""Exit code when a target is missed."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A number and what it is to be.

    Attributes
    ----------
    name : str
        What was measured.
    value, target : float
        What it came to, and the most that it may be, or the least with ``at_least``.
    shown : str
        More numbers behind it, for readers.
    judged : bool
        False where the run could not tell; ``shown`` says why.
    """

    name: str
    value: float
    target: float
    at_least: bool = False
    shown: str = ""
    judged: bool = True

    @property
    def met(self) -> bool:
        """Whether the target is met, or could not be judged."""
        return not self.judged or (self.value >= self.target if self.at_least else self.value <= self.target)

    @property
    def wanted(self) -> str:
        """Return the target in words."""
        return f"at {'least' if self.at_least else 'most'} {number(self.target)}"

    @property
    def found(self) -> str:
        """Return the measurement in words."""
        verdict = "" if self.met and self.judged else ", **missed**" if self.judged else ", not judged"
        return f"{number(self.value)}{verdict}{f' ({self.shown})' if self.shown else ''}"

    def __str__(self) -> str:
        """Return one line."""
        return f"{self.name}: {self.found}; {self.wanted}"


def worst(name: str, target: float, by: Mapping[str, float]) -> Measured:
    """Return the largest of several numbers, with all of them shown."""
    shown = "; ".join(f"{which} {number(value)}" for which, value in by.items())
    return Measured(name, max(by.values()), target, shown=shown)


def number(value: float) -> str:
    """Return a number with as many digits as matter."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2g}"


def conclude(script: str, results: Sequence[Measured], *, holds: bool = True) -> None:
    """Print what was measured, write it with ``--write``, and leave with exit code 4 when a target is missed."""
    for each in results:
        print(each)
    if "--write" in sys.argv[1:]:
        name = Path(script).name
        write(f"{name} --full" if "--full" in sys.argv[1:] else name, results)
    holds = holds and all(each.met for each in results)
    print(f"verdict: {'holds' if holds else 'FAILS'}")
    if not holds:
        raise SystemExit(FAILED)


def write(command: str, results: Sequence[Measured]) -> None:
    """Replace the rows of a script in the table of the page."""
    script = command.split(maxsplit=1)[0]
    kept = [line for line in between("targets").splitlines() if line.startswith("|") and line not in HEAD]
    others = [line for line in kept if f"| `{script}" not in line]
    mine = [f"| {each.name} | {each.wanted} | {each.found} | `{command}` |" for each in results]
    rows = sorted([*others, *mine], key=lambda line: line.rsplit("`", 2)[1].split()[0])
    between("targets", "\n".join([*HEAD, *rows]))


def between(mark: str, text: str | None = None) -> str:
    """Return what stands between two marks of the page, replaced by a text if there is one."""
    begin, end = f"<!-- {mark}: begin -->\n", f"<!-- {mark}: end -->\n"
    page = PAGE.read_text(encoding="utf-8")
    before, rest = page.split(begin)
    there, after = rest.split(end)
    if text is not None:
        PAGE.write_text(f"{before}{begin}\n{text}\n\n{end}{after}", encoding="utf-8")
    return there
