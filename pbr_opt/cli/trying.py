"""The command that tries what committees asked for."""

from __future__ import annotations

from typing import Annotated

import typer

from pbr_opt.cli.options import JsonOption
from pbr_opt.report.progress import with_progress

__all__ = ["scenarios"]


def scenarios(
    programme: Annotated[
        str, typer.Argument(help="A programme to try them on; without one they are listed, with who asked.")
    ] = "",
    only: Annotated[str, typer.Option("--only", help="Names, separated by commas.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Try what committees and auditors asked for, each at the spend of the programme as it is."""
    from pbr_opt.analysis.scenarios import scenarios as known
    from pbr_opt.analysis.scenarios import try_scenarios
    from pbr_opt.programmes.registry import load
    from pbr_opt.report.records import to_json

    if not programme:
        rows = [
            {"name": s.name, "title": s.title, "asked_by": s.asked_by, "source": s.source} for s in known().values()
        ]
        lines = [f"{row['name']}\n    {row['title']}\n    asked by: {row['asked_by']}" for row in rows]
        typer.echo(to_json({"scenarios": rows}) if as_json else "\n".join(lines), nl=not as_json)
        return
    names = [name.strip() for name in only.split(",") if name.strip()] or None
    chosen = load(programme)
    found = with_progress("Trying scenarios", lambda tick: try_scenarios(chosen, names, tick))
    told = {"scenarios": found.to_frame().to_dict("records"), "refused": dict(found.refused)}
    typer.echo(to_json(told) if as_json else str(found), nl=not as_json)
