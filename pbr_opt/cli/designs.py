"""Commands that evaluate tariffs and design better ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pbr_opt.cli.asking import asked_in, question_of
from pbr_opt.cli.options import (
    CheckOption,
    JsonOption,
    NameArgument,
    OutOption,
    Output,
    ReportOption,
    tariff_label,
)
from pbr_opt.errors import Fault, InvalidInputError, MissingExtraError
from pbr_opt.report.progress import with_progress

if TYPE_CHECKING:
    from pbr_opt.market.programme import Programme
    from pbr_opt.programmes.files import Reading
    from pbr_opt.report.comparison import Comparison

__all__ = ["answered", "compare", "compared", "evaluate", "frontier", "optimise"]


def compare(
    context: typer.Context,
    programme: NameArgument,
    assumptions: CheckOption = True,
    as_json: JsonOption = False,
    out: OutOption = None,
    report: ReportOption = True,
) -> None:
    """Compare today's tariff with an optimised one on the same spend."""
    from pbr_opt.programmes.registry import open_programme

    reading = open_programme(programme)
    compared(context, reading, programme, Output(assumptions, as_json, report, out))


def compared(context: typer.Context, reading: Reading, name: str, output: Output) -> None:
    """Answer what is asked of a programme, set it beside today's tariff, print and write both."""
    from pbr_opt.report.records import to_json

    result = answered(context, reading, assumptions=output.assumptions)
    if output.folder is not None:
        settings = {
            "command": context.command.name,
            "programme": name,
            "assumptions": output.assumptions,
            "asked": asked_in(context, reading),
        }
        _write(result, output.folder, settings, report=output.report)
    typer.echo(to_json(result.to_dict()) if output.as_json else str(result), nl=not output.as_json)


def answered(context: typer.Context, reading: Reading, *, assumptions: bool) -> Comparison:
    """Return today's tariff beside the one that answers what is asked, its conclusions tried if so wished."""
    from pbr_opt.analysis.assumptions import try_assumptions
    from pbr_opt.report.comparison import compare as compare_tariffs

    chosen, question = reading.programme, question_of(context, reading)
    design = with_progress("Searching for the best tariff", lambda tick: question.answer(chosen))
    today = tariff_label(chosen)
    result = compare_tariffs(chosen, {today: chosen.tariff, "optimised": design})
    if assumptions:
        tariffs = {today: chosen.tariff, "optimised": design.tariff}
        found = with_progress("Trying other values of assumptions", lambda tick: try_assumptions(chosen, tariffs, tick))
        result = result.with_trials(found)
    for evaluation in result.evaluations.values():
        evaluation.certificate.require()
    return result


def _write(result: Comparison, folder: Path, settings: Mapping[str, object], *, report: bool) -> None:
    """Write results into a folder, without a report where what draws it is not installed."""
    try:
        written = with_progress("Writing results", lambda tick: result.save(folder, settings, report=report))
    except MissingExtraError as error:
        typer.echo(f"No report.html: {error}", err=True)
        written = result.save(folder, settings)
    _tell(folder, written)


def _tell(folder: Path, written: Sequence[Path]) -> None:
    typer.echo(f"Written to {folder}: {', '.join(str(path.relative_to(folder)) for path in written)}", err=True)


def evaluate(programme: NameArgument, as_json: JsonOption = False, out: OutOption = None) -> None:
    """Show what providers do under a programme's own tariff."""
    from pbr_opt.programmes.registry import load
    from pbr_opt.report.comparison import compare as compare_tariffs
    from pbr_opt.report.records import to_json

    chosen = load(programme)
    result = compare_tariffs(chosen, {tariff_label(chosen): chosen.tariff})
    if out is not None:
        _write(result, out, {"command": "evaluate", "programme": programme}, report=False)
    typer.echo(to_json(result.to_dict()) if as_json else str(result), nl=not as_json)


def optimise(
    context: typer.Context,
    programme: NameArgument,
    limit_costs: Annotated[
        bool,
        typer.Option("--limit-costs", help="Print what each limit costs (solved again without it), not the rate card."),
    ] = False,
    as_json: JsonOption = False,
    out: OutOption = None,
) -> None:
    """Print the rate card that is best at something, as CSV; the proof goes to standard error."""
    from pbr_opt.programmes.registry import open_programme
    from pbr_opt.report.comparison import compare as compare_tariffs
    from pbr_opt.report.comparison import proof
    from pbr_opt.report.records import csv_text, to_json

    reading = open_programme(programme)
    chosen, question = reading.programme, question_of(context, reading)
    design = with_progress("Searching for the best tariff", lambda tick: question.answer(chosen))
    if out is not None:
        settings = {"command": "optimise", "programme": programme, "asked": asked_in(context, reading)}
        _write(compare_tariffs(chosen, {"optimised": design}), out, settings, report=False)
    costs = with_progress("Solving without each limit", lambda tick: design.limit_costs()) if limit_costs else None
    if as_json:
        told = {} if costs is None else {"limit_costs": costs.to_dict("records")}
        typer.echo(to_json(proof(design) | told | {"prices": design.to_frame().to_dict("records")}), nl=False)
        return
    typer.echo(str(design), err=True)
    typer.echo(csv_text(design.to_frame() if costs is None else costs), nl=False)


def frontier(
    context: typer.Context,
    programme: NameArgument,
    budgets: Annotated[
        str, typer.Option("--budgets", help="GBP: budgets with ';' between, or 'lowest:highest:how many'.")
    ] = "",
    as_json: JsonOption = False,
    out: OutOption = None,
) -> None:
    """Print the best that every budget can achieve, as CSV: one row a budget, with proof and prices."""
    from pbr_opt.programmes.registry import open_programme
    from pbr_opt.report.frontiers import save_frontier, traced
    from pbr_opt.report.records import to_json

    reading = open_programme(programme)
    chosen, question = reading.programme, question_of(context, reading)
    amounts, aim, limits = _amounts(chosen, budgets), question.objective, question.limits
    found = with_progress("Solving every budget", lambda tick: traced(chosen, aim, amounts, limits))
    if out is not None:
        asked = asked_in(context, reading)
        settings = {"command": "frontier", "programme": programme, "asked": asked, "budgets": budgets}
        _tell(out, save_frontier(found, out, settings))
    for note in found.notes:
        typer.echo(note, err=True)
    told = {"frontier": found.to_frame().to_dict("records"), "too_small_gbp": found.too_small_gbp}
    text = to_json(told | {"least_budget_gbp": found.least_budget_gbp})
    typer.echo(text if as_json else found.to_frame().to_csv(index=False), nl=False)


def _amounts(programme: Programme, text: str) -> list[float]:
    """Return the budgets that a text names; without one, eleven around what today's tariff costs."""
    import numpy as np

    from pbr_opt.evaluation import evaluate as judge

    if not text:
        spend = judge(programme).spend_gbp
        return [float(share * spend) for share in np.linspace(0.75, 1.25, 11)]
    try:
        if ":" in text:
            low, high, count = text.split(":")
            return [float(gbp) for gbp in np.linspace(float(low), float(high), int(count))]
        return [float(part) for part in text.split(";") if part.strip()]
    except ValueError:
        wanted = "amounts in GBP with ';' between, or lowest:highest:how many"
        raise InvalidInputError("The command line", [Fault("--budgets", text, wanted, "2e9;2.3e9")]) from None
