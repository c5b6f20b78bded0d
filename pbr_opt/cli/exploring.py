"""Commands about evidence: plausible worlds, the scoreboard of published facts, the register of assumptions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from pbr_opt.cli.options import JsonOption, NameArgument, OutOption, RobustOption, tariff_label
from pbr_opt.report.progress import with_progress

__all__ = ["assumptions", "scoreboard", "worlds"]

_DrawsOption = Annotated[int, typer.Option("--draws", help="Worlds to draw; one in some 160 is plausible.")]
_SeedOption = Annotated[int, typer.Option("--seed", help="The same seed gives the same worlds.")]


def worlds(  # noqa: PLR0913, PLR0917  # one parameter an option: that is how typer reads them
    programme: NameArgument,
    draws: _DrawsOption = 65_536,
    seed: _SeedOption = 2011,
    executor: Annotated[
        str, typer.Option("--executor", help="serial, processes, processes:N, or the address of a Dask scheduler.")
    ] = "serial",
    store: Annotated[
        Path | None, typer.Option("--store", help="Folder for chunks: a sweep that is stopped goes on from there.")
    ] = None,
    chunk: Annotated[int, typer.Option("--chunk", help="Draws computed and stored together.")] = 8192,
    design: Annotated[
        bool, typer.Option("--design/--no-design", help="Also judge the tariff that parks fewest in the central case.")
    ] = True,
    robust: RobustOption = 0,
    tail: Annotated[
        float, typer.Option("--tail", help="With --robust: weight of the worst worlds to be safe in, 0 to 1.")
    ] = 0.2,
    budget: Annotated[
        float | None, typer.Option("--budget", help="With --robust: GBP. Unsaid: what today's tariff costs on average.")
    ] = None,
    as_json: JsonOption = False,
    out: OutOption = None,
) -> None:
    """Draw worlds, keep those that the published facts do not rule out, and judge tariffs across them."""
    from pbr_opt.analysis.sweep import SweepSettings
    from pbr_opt.analysis.world_answers import across_worlds
    from pbr_opt.analysis.world_designs import WorldDesignSettings, design_for_worlds, require_designable
    from pbr_opt.analysis.world_inputs import WorldInputs
    from pbr_opt.analysis.worlds import plausible_worlds
    from pbr_opt.design.limits import PriceStep
    from pbr_opt.design.objectives import Parked
    from pbr_opt.programmes.facts import load_facts, load_priors
    from pbr_opt.programmes.questions import Question
    from pbr_opt.programmes.registry import load
    from pbr_opt.report.records import to_json, write_record
    from pbr_opt.report.worlds import WorldReport

    if budget is not None and not robust:
        raise typer.BadParameter("a budget is of designs: give --robust as well, 24 say", param_hint="--budget")
    chosen, asked = load(programme), WorldDesignSettings(robust, tail, budget) if robust else None
    if asked is not None:
        require_designable(chosen)
    inputs, facts = WorldInputs(chosen, load_priors(programme)), load_facts(programme)
    how = SweepSettings(executor, chunk, store)
    with _going_on(store):
        found = with_progress("Drawing worlds", lambda tick: plausible_worlds(inputs, facts, draws, seed, how, tick))
    searched = design and chosen.supply_chain is None
    tariffs = {"optimised": Question(Parked(), (PriceStep(5),)).answer(chosen)} if searched else {}
    answers = across_worlds(found, tariffs, tariff_label(chosen))
    designs = None
    if asked is not None:
        where = SweepSettings(executor, 1)
        designs = with_progress(
            "Designing for worlds", lambda tick: design_for_worlds(answers, tariffs, asked, where, tick)
        )
    result = WorldReport(found, answers, designs)
    if out is not None:
        settings = {"command": "worlds", "programme": programme, "draws": draws, "seed": seed, "optimised": searched}
        settings |= {"robust": robust, "tail": tail, "budget_gbp": budget}
        written = write_record(out, result.files(), result.record(settings))
        typer.echo(f"Written to {out}: {', '.join(path.name for path in written)}", err=True)
    typer.echo(to_json(result.to_dict()) if as_json else str(result), nl=not as_json)


@contextmanager
def _going_on(store: Path | None) -> Iterator[None]:
    """Say to whoever stops a sweep where it goes on."""
    try:
        yield
    except KeyboardInterrupt:
        if store is not None:
            typer.echo(f"Stopped. What was finished is in {store}: the same command goes on from there.", err=True)
        raise


def scoreboard(
    programme: NameArgument,
    draws: Annotated[int, typer.Option("--draws", help="Also ask this many worlds, 0 for none.")] = 0,
    seed: _SeedOption = 2011,
    as_json: JsonOption = False,
) -> None:
    """Hold the model against every published fact that it can speak to."""
    from pbr_opt.analysis.scoreboard import scoreboard as hold
    from pbr_opt.analysis.world_inputs import WorldInputs
    from pbr_opt.analysis.worlds import plausible_worlds
    from pbr_opt.programmes.facts import load_facts, load_priors
    from pbr_opt.programmes.registry import load
    from pbr_opt.report.records import to_json
    from pbr_opt.report.worlds import scoreboard_text

    chosen, facts = load(programme), load_facts(programme)
    if not facts:
        typer.echo(f"{programme} has no facts.csv: there is nothing to hold it against")
        return
    inputs = WorldInputs(chosen, load_priors(programme)) if draws else None
    found = None
    if inputs is not None:
        found = with_progress("Drawing worlds", lambda tick: plausible_worlds(inputs, facts, draws, seed, None, tick))
    board = hold(chosen, facts, found)
    typer.echo(to_json({"facts": board.to_dict("records")}) if as_json else scoreboard_text(board), nl=not as_json)


def assumptions(
    programme: NameArgument,
    rank: Annotated[bool, typer.Option("--rank/--no-rank", help="Rank them by what they do to parking.")] = True,
    as_json: JsonOption = False,
) -> None:
    """Print the register of assumptions: value, range, status, source, and how much hangs on each."""
    from pbr_opt.analysis.assumptions import swings
    from pbr_opt.analysis.register import assumptions_register
    from pbr_opt.analysis.sensitivity import rank_inputs
    from pbr_opt.analysis.world_inputs import WorldInputs
    from pbr_opt.programmes.facts import load_priors
    from pbr_opt.programmes.registry import load
    from pbr_opt.report.records import to_json
    from pbr_opt.report.worlds import register_text

    chosen, priors = load(programme), load_priors(programme)
    has_worlds = chosen.central_case is not None and any(prior.id == "uplift" for prior in priors)
    ranking = None
    if rank:
        ranking = rank_inputs(WorldInputs(chosen, priors)) if has_worlds else swings(chosen)
    table = assumptions_register(chosen, priors if has_worlds else (), ranking)
    told = to_json({"assumptions": table.astype(object).where(table.notna(), None).to_dict("records")})
    typer.echo(told if as_json else register_text(table), nl=not as_json)
