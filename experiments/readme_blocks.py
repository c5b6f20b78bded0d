"""Blocks of the README that commands write: what is shown there is what they print."""

from __future__ import annotations

from pathlib import Path
from typing import Final

__all__ = ["agrees"]

README: Final = Path(__file__).resolve().parents[1] / "README.md"


def agrees(mark: str, lines: str, arguments: list[str]) -> bool:
    """Write lines into the block under a mark with ``--readme``; with ``--check`` return whether they stand there.

    Parameters
    ----------
    mark : str
        As in ``<!-- mark -->`` above a text block.
    lines : str
        What the block should hold.
    arguments : list of str
        Of the command.
    """
    start, end = f"<!-- {mark} -->\n```text\n", "```"
    wanted = "\n".join(line.rstrip() for line in lines.splitlines()) + "\n"
    before, _, rest = README.read_text(encoding="utf-8").partition(start)
    shown, _, after = rest.partition(end)
    if "--readme" in arguments:
        README.write_text(before + start + wanted + end + after, encoding="utf-8")
    elif "--check" in arguments and shown != wanted:
        print(f"README.md shows something else under {mark}: run with --readme")
        return False
    return True
