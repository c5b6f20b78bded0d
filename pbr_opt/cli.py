"""The command line: ``pbr-opt compare work_programme_2011`` and its siblings.

Exit codes: 0 done, 2 bad input, 3 infeasible, 4 a check failed. Results go to standard output, everything else to
standard error. Heavy libraries are imported by the commands that need them, so that ``--help`` is quick.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, TypeVar

import typer

from pbr_opt.errors import CertificateError, DesignInfeasibleError, PbrError, UnsupportedModelError

if TYPE_CHECKING:
    from pbr_opt.design.limits import Limit
    from pbr_opt.design.objectives import Objective
    from pbr_opt.design.result import Design
    from pbr_opt.market.programme import Programme

__all__ = ["app", "main"]

app = typer.Typer(
    name="pbr-opt",
    help="Find tariffs for payment by results that park fewer people, and compare them with what is paid today.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

_T = TypeVar("_T")
_BAD_INPUT: Final = 2
_INFEASIBLE: Final = 3
_CHECK_FAILED: Final = 4


class Aim(StrEnum):
    """Objectives as the command line names them."""

    parked = "parked"
    first_pound_loss = "first-pound-loss"
    total_support = "total-support"
    additional_outcomes = "additional-outcomes"


_NameArgument = Annotated[str, typer.Argument(help="A bundled programme, or a folder of your own (see 'programmes').")]
_AimOption = Annotated[Aim, typer.Option("--aim", help="What the optimised tariff is best at.")]
_BudgetOption = Annotated[
    float | None, typer.Option("--budget", help="GBP, attachment fees included. [default: what today's tariff costs]")
]
_StepOption = Annotated[float, typer.Option("--step", help="Fees are multiples of this, GBP; 0 for any price.")]
_LowestOption = Annotated[float, typer.Option("--lowest", help="Lowest list price of an outcome, GBP, every group.")]
_HighestOption = Annotated[
    float | None, typer.Option("--highest", help="Highest list price of an outcome, GBP, every group.")
]
_JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
_OutOption = Annotated[Path | None, typer.Option("--out", help="Also write CSV files and run.json to this folder.")]
_CheckOption = Annotated[
    bool, typer.Option("--assumptions/--no-assumptions", help="Try other values of every assumption (a few seconds).")
]


@app.command()
def compare(  # noqa: PLR0913, PLR0917  # one parameter an option: that is how typer reads them
    programme: _NameArgument,
    aim: _AimOption = Aim.parked,
    budget: _BudgetOption = None,
    step: _StepOption = 5.0,
    lowest: _LowestOption = 0.0,
    highest: _HighestOption = None,
    assumptions: _CheckOption = True,
    as_json: _JsonOption = False,
    out: _OutOption = None,
) -> None:
    """Compare today's tariff with an optimised one on the same spend."""
    from pbr_opt.analysis.assumptions import conclusions
    from pbr_opt.programmes.registry import load
    from pbr_opt.report.comparison import compare as compare_tariffs
    from pbr_opt.report.records import to_json

    chosen = load(programme)
    design = _optimised(chosen, aim, budget, _price_limits(step, lowest, highest))
    today = _label(chosen)
    result = compare_tariffs(chosen, {today: chosen.tariff, "optimised": design})
    if assumptions:
        tariffs = {today: chosen.tariff, "optimised": design.tariff}
        result = result.with_conclusions(_with_progress(lambda tick: conclusions(chosen, tariffs, tick)))
    for evaluation in result.evaluations.values():
        evaluation.certificate.require()
    settings = {"command": "compare", "programme": programme, "aim": aim.value, "budget_gbp": budget, "step_gbp": step,
                "lowest_gbp": lowest, "highest_gbp": highest, "assumptions": assumptions}  # fmt: skip
    if out is not None:
        written = result.save(out, settings)
        typer.echo(f"Written to {out}: {', '.join(path.name for path in written)}", err=True)
    typer.echo(to_json(result.to_dict()) if as_json else str(result), nl=not as_json)


@app.command()
def evaluate(programme: _NameArgument, as_json: _JsonOption = False) -> None:
    """Show what providers do under a programme's own tariff."""
    from pbr_opt.programmes.registry import load
    from pbr_opt.report.comparison import compare as compare_tariffs
    from pbr_opt.report.records import to_json

    chosen = load(programme)
    result = compare_tariffs(chosen, {_label(chosen): chosen.tariff})
    typer.echo(to_json(result.to_dict()) if as_json else str(result), nl=not as_json)


@app.command()
def optimise(
    programme: _NameArgument,
    aim: _AimOption = Aim.parked,
    budget: _BudgetOption = None,
    step: _StepOption = 5.0,
    lowest: _LowestOption = 0.0,
    highest: _HighestOption = None,
) -> None:
    """Print the rate card that is best at something, as CSV; the proof goes to standard error."""
    from pbr_opt.programmes.registry import load

    design = _optimised(load(programme), aim, budget, _price_limits(step, lowest, highest))
    typer.echo(str(design), err=True)
    typer.echo(design.to_frame().to_csv(index=False), nl=False)


@app.command()
def draw(
    programme: _NameArgument,
    out: Annotated[Path, typer.Option("--out", help="SVG file to write.")],
    area: Annotated[str | None, typer.Option("--area", help="Draw one contract package area only.")] = None,
) -> None:
    """Draw a supply chain with its flows of people and money, as SVG."""
    from pbr_opt.evaluation import evaluate as judge
    from pbr_opt.programmes.registry import load
    from pbr_opt.report.chain_drawing import draw_chain
    from pbr_opt.report.records import write_files

    chosen = load(programme)
    if chosen.supply_chain is None:
        raise UnsupportedModelError(f"{programme} has no supply chain to draw; try work_programme_2011_chain")
    write_files(out.parent, {out.name: draw_chain(judge(chosen), area=area).to_svg()})
    typer.echo(f"Written to {out}", err=True)


@app.command()
def programmes() -> None:
    """List the bundled programmes."""
    from pbr_opt.programmes.registry import list_programmes

    for name in list_programmes():
        typer.echo(name)


@app.command()
def sources(programme: _NameArgument) -> None:
    """List every source a programme cites, and every number that has none, with its range."""
    from pbr_opt.programmes.registry import load

    chosen = load(programme)
    for source in chosen.sources():
        typer.echo(f"{source.key}  [{source.grade}]  {source.title}  {source.address}")
    typer.echo("")
    for figure in chosen.assumptions:
        low, high = figure.range
        typer.echo(
            f"{figure.id} = {figure.value:g} {figure.unit} ({figure.status}; {low:g} to {high:g})  {figure.note}"
        )


def _label(programme: Programme) -> str:
    """Return what to call a programme's own tariff: by its year when its name has one."""
    years = [word for word in programme.name.replace("(", " ").replace(")", " ").split() if word.isdigit()]
    return f"{years[0]} tariff" if years else "today"


def _price_limits(step: float, lowest: float, highest: float | None) -> list[Limit]:
    """Return the limits that options stand for."""
    from pbr_opt.design.limits import PRICE_CEILING_GBP, PriceRange, PriceStep

    limits: list[Limit] = [PriceStep(step)] if step else []
    if lowest or highest is not None:
        limits.append(PriceRange(lowest, PRICE_CEILING_GBP if highest is None else highest))
    return limits


def _optimised(programme: Programme, aim: Aim, budget: float | None, price_limits: list[Limit]) -> Design:
    """Return the design, on the spend of the programme's own tariff unless a budget is given."""
    from pbr_opt.design.limits import Budget
    from pbr_opt.design.optimise import optimise as find
    from pbr_opt.evaluation import evaluate as judge

    goal = _objective(aim)
    limits = [Budget(judge(programme).spend_gbp if budget is None else budget), *price_limits]
    if goal.better < 0:
        return find(programme, minimise=goal, limits=limits)
    return find(programme, maximise=goal, limits=limits)


def _objective(aim: Aim) -> Objective:
    from pbr_opt.design import objectives

    return {
        Aim.parked: objectives.Parked(),
        Aim.first_pound_loss: objectives.FirstPoundLoss(),
        Aim.total_support: objectives.TotalSupport(),
        Aim.additional_outcomes: objectives.AdditionalOutcomes(),
    }[aim]


def _with_progress(work: Callable[[Callable[[int, int], None]], _T]) -> _T:
    """Do the work with a progress line on a terminal, and silently when piped."""
    if not sys.stderr.isatty():
        return work(lambda done, total: None)
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("Trying other values of assumptions", total=None)
        return work(lambda done, total: bar.update(task, completed=done, total=total))


def main() -> None:
    """Run the command line; turn errors made on purpose into one message and an exit code."""
    try:
        app()
    except PbrError as error:
        typer.echo(f"pbr-opt: {error}", err=True)
        raise SystemExit(_exit_code(error)) from None


def _exit_code(error: PbrError) -> int:
    if isinstance(error, DesignInfeasibleError):
        return _INFEASIBLE
    return _CHECK_FAILED if isinstance(error, CertificateError) else _BAD_INPUT


if __name__ == "__main__":
    main()
