"""What several commands have in common: their arguments and options, and what they print."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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
    "RobustOption",
    "tariff_label",
]

NameArgument = Annotated[
    str, typer.Argument(help="A bundled programme (see 'programmes'), or a folder, .toml or .xlsx of your own.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
OutOption = Annotated[Path | None, typer.Option("--out", help="Also write the results and run.json to this folder.")]
CheckOption = Annotated[
    bool, typer.Option("--assumptions/--no-assumptions", help="Try other values of every assumption (a few seconds).")
]
ReportOption = Annotated[bool, typer.Option("--report/--no-report", help="With --out: draw report.html as well.")]
RobustOption = Annotated[
    int,
    typer.Option("--robust", help="Also design for so many of the kept worlds: robust tariffs, and the best of each."),
]


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
