"""Commands for people with a spreadsheet: a workbook to start from, a check of it, and results from it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pbr_opt.cli.designs import compared
from pbr_opt.cli.options import CheckOption, JsonOption, NameArgument, Output, ReportOption
from pbr_opt.errors import InvalidInputError, OutputError

if TYPE_CHECKING:
    from pbr_opt.errors import Fault

__all__ = ["check", "run", "template"]


def template(
    path: Annotated[Path, typer.Argument(help="Workbook (.xlsx) or folder to write; must not exist yet.")],
    programme: Annotated[str, typer.Option("--from", help="Programme to write into it.")] = "worked_example",
) -> None:
    """Write a programme as a workbook with notes and drop-downs, or as a folder of TOML and CSV."""
    from pbr_opt.programmes.registry import open_programme
    from pbr_opt.report.saving import save_programme

    if path.exists():
        raise OutputError(f"'{path}' exists already. Wanted: a new name, so that nothing is overwritten; try another.")
    reading = open_programme(programme)
    save_programme(reading.programme, path, reading.asked)
    typer.echo(f"Written to {path}; next: pbr-opt check {path}", err=True)


def check(programme: NameArgument, as_json: JsonOption = False) -> None:
    """Say everything that is wrong with a programme, each with its cell or line, and what is doubtful."""
    from pbr_opt.programmes.content import content_hash
    from pbr_opt.programmes.doubts import doubts
    from pbr_opt.programmes.registry import open_programme
    from pbr_opt.report.records import to_json

    try:
        reading = open_programme(programme)
    except InvalidInputError as error:
        if as_json:
            typer.echo(to_json({"errors": [_told(fault) for fault in error.faults], "warnings": []}), nl=False)
        raise
    found = doubts(reading)
    if as_json:
        told = {"errors": [], "warnings": [_told(fault) for fault in found]}
        typer.echo(to_json(told | {"content_sha256": content_hash(reading.programme)}), nl=False)
        return
    caseload = reading.programme.caseload
    typer.echo(
        f"{reading.programme.name}: no errors; {caseload.total_participants:,.0f} participants, "
        f"{len(caseload.groups)} groups, {len(caseload):,} segments, {len(reading.programme.assumptions)} numbers "
        f"that nobody confirmed."
    )
    if found:
        typer.echo(f"{len(found)} warning{'' if len(found) == 1 else 's'}:")
        for k, fault in enumerate(found, 1):
            typer.echo(f"  {k}. {fault}")


def _told(fault: Fault) -> dict[str, str]:
    return {"place": fault.place, "given": fault.given, "wanted": fault.wanted, "remedy": fault.remedy}


def run(
    context: typer.Context,
    programme: NameArgument,
    assumptions: CheckOption = True,
    as_json: JsonOption = False,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder for the results. Unsaid: beside the workbook, '... results'.")
    ] = None,
    report: ReportOption = True,
) -> None:
    """Check a workbook, answer what its sheet Limits asks, and write the results beside it."""
    from pbr_opt.programmes.doubts import doubts
    from pbr_opt.programmes.registry import open_programme

    reading = open_programme(programme)
    for fault in doubts(reading):
        typer.echo(f"Warning: {fault}", err=True)
    given = Path(programme)
    beside = given.with_name(f"{given.stem} results") if given.exists() else Path(f"{programme} results")
    compared(context, reading, programme, Output(assumptions, as_json, report, out or beside))
