"""The list of commands, and how a command ends."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Final

import typer

from pbr_opt.cli.asking import AskingCommand
from pbr_opt.cli.audits import selftest, verify
from pbr_opt.cli.calibrating import calibrate
from pbr_opt.cli.catalogue import draw, programmes, sources
from pbr_opt.cli.designs import compare, evaluate, frontier, optimise
from pbr_opt.cli.exploring import assumptions, scoreboard, worlds
from pbr_opt.cli.pages import app as serve
from pbr_opt.cli.pages import explore, report
from pbr_opt.cli.simulating import simulate
from pbr_opt.cli.trying import scenarios
from pbr_opt.cli.workbooks import check, run, template
from pbr_opt.errors import CertificateError, CheckFailedError, DesignInfeasibleError, PbrError

__all__ = ["app", "main"]

_BAD_INPUT: Final = 2
_INFEASIBLE: Final = 3
_CHECK_FAILED: Final = 4

app = typer.Typer(
    name="pbr-opt",
    help="Find tariffs for payment by results that park fewer people, and compare them with what is paid today.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

_ASKING: tuple[Callable[..., None], ...] = (compare, optimise, frontier, run, report, explore)
"""These take an objective and limits."""
_PLAIN: tuple[Callable[..., None], ...] = (
    template,
    check,
    evaluate,
    simulate,
    scenarios,
    worlds,
    calibrate,
    scoreboard,
    assumptions,
    verify,
    selftest,
    programmes,
    sources,
    draw,
)

for command in _ASKING:
    app.command(cls=AskingCommand)(command)
for command in _PLAIN:
    app.command()(command)
app.command(name="app")(serve)


def main() -> None:
    """Run the command line; turn errors made on purpose into one message and an exit code."""
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")  # a terminal that cannot show £ is no reason to fail
    try:
        app()
    except PbrError as error:
        typer.echo(f"pbr-opt: {error}", err=True)
        raise SystemExit(_exit_code(error)) from None


def _exit_code(error: PbrError) -> int:
    if isinstance(error, DesignInfeasibleError):
        return _INFEASIBLE
    return _CHECK_FAILED if isinstance(error, (CertificateError, CheckFailedError)) else _BAD_INPUT
