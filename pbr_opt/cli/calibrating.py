"""The command that says what published facts tell of a programme's groups, and what they do not."""

from __future__ import annotations

from typing import Annotated

import typer

from pbr_opt.cli.options import JsonOption, NameArgument, OutOption
from pbr_opt.report.progress import with_progress

__all__ = ["calibrate"]


def calibrate(  # noqa: PLR0913, PLR0917  # one parameter an option: that is how typer reads them
    programme: NameArgument,
    level: Annotated[float, typer.Option("--level", help="Of the intervals, above 0 and below 1.")] = 0.9,
    starts: Annotated[
        int, typer.Option("--starts", help="Points from which the fit is sought, beside the middle.")
    ] = 8,
    segments: Annotated[int, typer.Option("--segments", help="Slices that stand for a group in the fit.")] = 50,
    points: Annotated[int, typer.Option("--points", help="Of the grid over each range, for the identified set.")] = 3,
    price_change: Annotated[float, typer.Option("--price-change", help="Share by which its prices are moved.")] = 0.2,
    seed: Annotated[int, typer.Option("--seed", help="Of the points from which the fit is sought.")] = 0,
    as_json: JsonOption = False,
    out: OutOption = None,
) -> None:
    """Say what published facts tell of the people of a programme, and what they do not (half a minute)."""
    from pbr_opt.analysis.estimation import EstimateSettings
    from pbr_opt.programmes.registry import load
    from pbr_opt.report.estimated import calibrate as judge
    from pbr_opt.report.records import to_json, write_record

    how = EstimateSettings(level=level, starts=starts, segments=segments, seed=seed)
    result = judge(load(programme), how, price_change=price_change, points=points)
    told = with_progress("Fitting", lambda tick: to_json(result.to_dict()) if as_json else str(result))
    if out is not None:
        settings = {"command": "calibrate", "programme": programme, "level": level, "starts": starts,
                    "segments": segments, "points": points, "price_change": price_change, "seed": seed}  # fmt: skip
        written = write_record(out, result.files(), result.record(settings))
        typer.echo(f"Written to {out}: {', '.join(path.name for path in written)}", err=True)
    typer.echo(told, nl=not as_json)
