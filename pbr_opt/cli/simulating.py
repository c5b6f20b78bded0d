"""The command that plays a programme person by person."""

from __future__ import annotations

from typing import Annotated

import typer

from pbr_opt.cli.options import JsonOption, NameArgument, OutOption
from pbr_opt.report.progress import with_progress

__all__ = ["simulate"]


def simulate(  # noqa: PLR0913, PLR0917  # one parameter an option: that is how typer reads them
    programme: NameArgument,
    participants: Annotated[int, typer.Option("--participants", help="How many people; 0 for all of them.")] = 100_000,
    replications: Annotated[int, typer.Option("--replications", help="How many times they are played.")] = 20,
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same people.")] = 0,
    reentry: Annotated[str, typer.Option("--reentry", help="caseload, closed_form or job_finding.")] = "caseload",
    ledger: Annotated[bool, typer.Option("--ledger", help="With --out, also write every payment.")] = False,
    as_json: JsonOption = False,
    out: OutOption = None,
) -> None:
    """Play a programme person by person: payments, monthly cash, working capital and profit by tier."""
    from pbr_opt.analysis.simulation import simulate as play
    from pbr_opt.analysis.simulation_settings import SimulationSettings
    from pbr_opt.programmes.registry import load
    from pbr_opt.report import simulated
    from pbr_opt.report.records import to_json, write_record

    rules = SimulationSettings(replications=replications, ledger=ledger, reentry=reentry)
    chosen, people = load(programme), participants or None
    result = with_progress(
        "Playing replications", lambda tick: play(chosen, participants=people, seed=seed, settings=rules, tick=tick)
    )
    settings = {"command": "simulate", "programme": programme, "participants": result.participants,
                "replications": replications, "seed": seed, "reentry": reentry, "ledger": ledger}  # fmt: skip
    if out is not None:
        record = simulated.simulation_record(result, settings)
        written = write_record(out, simulated.simulation_files(result), record)
        typer.echo(f"Written to {out}: {', '.join(path.name for path in written)}", err=True)
    told = to_json(simulated.simulation_dict(result)) if as_json else simulated.simulation_text(result)
    typer.echo(told, nl=not as_json)
    result.agreement.require()
