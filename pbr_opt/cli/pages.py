"""Commands that write or serve pages: the report, the explorer, the app."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from importlib import resources, util
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from pbr_opt.cli.asking import asked_in, question_of
from pbr_opt.cli.designs import answered
from pbr_opt.cli.options import CheckOption, NameArgument, RobustOption, tariff_label
from pbr_opt.errors import MissingExtraError
from pbr_opt.report.progress import with_progress

if TYPE_CHECKING:
    from pbr_opt.analysis.world_designs import WorldDesignSettings
    from pbr_opt.market.programme import Programme
    from pbr_opt.report.comparison import Comparison
    from pbr_opt.report.worlds import WorldReport

_SERVED: Final = {
    "server.address": "127.0.0.1",
    "server.headless": "true",
    "server.fileWatcherType": "none",
    "browser.gatherUsageStats": "false",
    "client.toolbarMode": "minimal",
    "runner.magicEnabled": "false",
}
"""To this machine only, without telemetry, without a browser that opens by itself."""

__all__ = ["app", "explore", "report"]


def report(  # noqa: PLR0913, PLR0917  # one parameter an option: that is how typer reads them
    context: typer.Context,
    programme: NameArgument,
    out: Annotated[Path, typer.Option("--out", help="HTML file to write.")] = Path("report.html"),
    assumptions: CheckOption = True,
    people: Annotated[
        int, typer.Option("--people", help="Played one by one for cash and risk; 0 leaves that out.")
    ] = 20_000,
    worlds: Annotated[
        int, typer.Option("--worlds", help="Draw so many worlds and show tariffs across the plausible ones.")
    ] = 0,
    robust: RobustOption = 0,
    seed: Annotated[int, typer.Option("--seed", help="Of people and worlds.")] = 0,
) -> None:
    """Write the report: today's tariff against an optimised one, as one HTML page that needs nothing else."""
    from pbr_opt.programmes.registry import open_programme
    from pbr_opt.report.gathering import ReportSettings, gather
    from pbr_opt.report.records import write_files
    from pbr_opt.report.reporting import report_page

    settings = ReportSettings(participants=people, seed=seed, assumptions=assumptions)
    reading = open_programme(programme)
    how = _designing(reading.programme, robust, worlds) if robust else None
    result = answered(context, reading, assumptions=assumptions)
    answers = _worlds(result, programme, (worlds, how, seed)) if worlds else None
    asked = asked_in(context, reading)
    found = with_progress("Playing and varying", lambda tick: gather(result, settings, asked, answers, tick))
    write_files(out.parent, {out.name: with_progress("Drawing", lambda tick: report_page(result, found))})
    typer.echo(f"Written to {out}", err=True)


def _designing(chosen: Programme, robust: int, worlds: int) -> WorldDesignSettings:
    """Return for how many worlds to design, or say that it cannot be done before anything is computed."""
    from pbr_opt.analysis.world_designs import WorldDesignSettings, require_designable

    if not worlds:
        told = "designs need worlds to be drawn: give --worlds as well, 65536 say"
        raise typer.BadParameter(told, param_hint="--robust")
    require_designable(chosen)
    return WorldDesignSettings(robust)


def _worlds(result: Comparison, name: str, asked: tuple[int, WorldDesignSettings | None, int]) -> WorldReport:
    """Return what the tariffs do in every plausible world, and tariffs for some of them."""
    from pbr_opt.analysis.world_answers import across_worlds
    from pbr_opt.analysis.world_designs import design_for_worlds
    from pbr_opt.analysis.world_inputs import WorldInputs
    from pbr_opt.analysis.worlds import plausible_worlds
    from pbr_opt.programmes.facts import load_facts, load_priors
    from pbr_opt.report.worlds import WorldReport

    draws, how, seed = asked
    inputs, facts = WorldInputs(result.programme, load_priors(name)), load_facts(name)
    kept = with_progress("Drawing worlds", lambda tick: plausible_worlds(inputs, facts, draws, seed, None, tick))
    answers = across_worlds(kept, result.designs, tariff_label(result.programme))
    if how is None:
        return WorldReport(kept, answers)
    designs = with_progress(
        "Designing for worlds", lambda tick: design_for_worlds(answers, result.designs, how, progress=tick)
    )
    return WorldReport(kept, answers, designs)


def explore(
    context: typer.Context,
    programme: NameArgument,
    out: Annotated[Path, typer.Option("--out", help="HTML file to write.")] = Path("explorer.html"),
    points: Annotated[
        int | None,
        typer.Option("--points", help="Budgets, 60 to 160 % of what today costs. Unsaid: 41, with a supply chain 5."),
    ] = None,
) -> None:
    """Write the explorer: one HTML page on which budget and aim are moved along designs computed before.

    Limits hold for every design in it. An objective that is not offered anyway is offered as well.
    """
    from pbr_opt.design.limits import Budget
    from pbr_opt.design.objectives import AdditionalOutcomes, Parked
    from pbr_opt.programmes.registry import open_programme
    from pbr_opt.report.explorer import explorer_page, settings_for
    from pbr_opt.report.records import write_files

    reading = open_programme(programme)
    question, offered = question_of(context, reading), settings_for(reading.programme)
    goal, aims = question.objective, dict(offered.aims or {})
    if goal not in (Parked(), AdditionalOutcomes(), *aims.values()):
        aims[f"{'least' if goal.better < 0 else 'most'} {goal.name}"] = goal
    limits = tuple(limit for limit in question.limits if not isinstance(limit, Budget))
    if limits != question.limits:
        typer.echo("The budget is left aside: it is what the page moves.", err=True)
    settings = replace(offered, aims=aims, points=points or offered.points, limits=limits)
    page = with_progress("Solving", lambda tick: explorer_page(reading.programme, settings, tick))
    write_files(out.parent, {out.name: page})
    typer.echo(f"Written to {out}", err=True)


def app(
    programme: Annotated[str, typer.Argument(help="To begin with: a bundled one, or a file of yours.")] = "",
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="On this machine.")] = 8501,
) -> None:
    """Serve the app to this machine only: edit the rate card, design it anew, compare, download. Ctrl-C ends it."""
    if util.find_spec("streamlit") is None:
        raise MissingExtraError("The app needs Streamlit: pip install 'pbr_opt[app]'")
    script = str(resources.files("pbr_opt.report.app") / "script.py")
    settings = [f"--{name}={value}" for name, value in (_SERVED | {"server.port": port}).items()]
    begin = {"PBR_OPT_PROGRAMME": programme} if programme else {}
    try:
        done = subprocess.run([sys.executable, "-m", "streamlit", "run", script, *settings],
                              env=os.environ | begin, check=False)  # fmt: skip
    except KeyboardInterrupt:
        return
    raise typer.Exit(done.returncode)
