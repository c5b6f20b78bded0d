"""Options for an objective and for every limit there is, made when a command that has them is run or asked for help.

The registry of limits lies behind libraries that ``pbr-opt --help`` must not load, so these options cannot stand in the
signature of a function.
"""

from __future__ import annotations

import inspect
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from typer.core import TyperCommand

from pbr_opt.quantities import Inspection

if TYPE_CHECKING:
    from pbr_opt.programmes.files import Reading
    from pbr_opt.programmes.questions import Question
    from pbr_opt.programmes.terms import Term

__all__ = ["AskingCommand", "asked_in", "question_of"]

_KEPT: Final = "pbr_opt.asked"
_AIMS: Final = frozenset(("minimise", "maximise"))
_DEFAULTS: Final = {"step": "5"}
"""Of programmes whose files ask nothing: prices that can be printed."""
_PANEL: Final = "What is asked of the design"
_SHOWN: Final = {"number": "NUMBER", "whole": "COUNT", "by_group": "NUMBER or GROUP=NUMBER;..."}


class AskingCommand(TyperCommand):
    """A command with options for the objective and for each limit; :func:`question_of` reads them."""

    @cached_property
    def _asking(self) -> list[Any]:
        """Return the options, as typer makes them from a signature."""
        scratch = typer.Typer(add_completion=False)
        scratch.command()(_signed())
        made = typer.main.get_command(scratch)
        return [option for option in made.params if option.name != "help"]

    def get_params(self, ctx: Any) -> list[Any]:  # noqa: ANN401  # typer brings its own copy of click, or none
        """Return the parameters of the function, and the options."""
        own = super().get_params(ctx)
        return [*own[:-1], *self._asking, *own[-1:]]

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401  # the same
        """Keep what was asked beside the parameters of the function, and run it."""
        names = {option.name: option.opts[0].removeprefix("--") for option in self._asking}
        ctx.meta[_KEPT] = {name: _text(ctx.params.pop(key)) for key, name in names.items()}
        return super().invoke(ctx)


def asked_in(context: typer.Context, reading: Reading) -> dict[str, str]:
    """Return what is asked of a design by name: by options, else by the programme's files, else a step of £5."""
    options = {name: text for name, text in context.meta[_KEPT].items() if text}
    files = dict(reading.asked)
    if _AIMS & options.keys():
        files = {name: text for name, text in files.items() if name not in _AIMS}
    return (_DEFAULTS if not files else {}) | files | options


def question_of(context: typer.Context, reading: Reading) -> Question:
    """Return the question that options and files ask.

    Raises
    ------
    InvalidInputError
        With every option that is wrong.
    """
    from pbr_opt.programmes.questions import question_from

    check, asked = Inspection("The command line"), asked_in(context, reading)
    places = {name: f"--{name}" for name in context.meta[_KEPT]} | {"minimise": "--minimise", "maximise": "--maximise"}
    question = question_from(check, asked, reading.programme, places)
    check.finish()
    assert question is not None, "without a fault there is a question"
    return question


def _text(value: object) -> str:
    """Return an option as the text that would be written in a file."""
    return ("yes" if value else "") if isinstance(value, bool) or value is None else str(value)


def _signed() -> Any:  # noqa: ANN401  # a function whose signature is made here
    """Return a function with a parameter for each option."""
    from pbr_opt.programmes.terms import objective_names, terms

    kinds = objective_names()
    least = ", ".join(name for name, kind in kinds.items() if kind.better < 0)
    most = ", ".join(name for name, kind in kinds.items() if kind.better > 0)
    options = [
        _option("minimise", str | None, f"The tariff is to have least of: {least}. Unsaid: parked.", "NAME"),
        _option("maximise", str | None, f"... or most of: {most}.", "NAME"),
        *(_option(term.name, bool if _is_flag(term) else str | None, _help(term), _SHOWN.get(term.reads))
          for term in terms()),
    ]  # fmt: skip

    def collect(**options: object) -> None:
        """Hold the options; never called."""

    collect.__signature__ = inspect.Signature(options)  # type: ignore[attr-defined]  # what typer reads
    collect.__annotations__ = {option.name: option.annotation for option in options}
    return collect


def _option(name: str, kind: Any, text: str, shown: str | None) -> inspect.Parameter:  # noqa: ANN401  # a type
    option = typer.Option(f"--{name}", help=text, metavar=shown, rich_help_panel=_PANEL, show_default=False)
    default = False if kind is bool else None
    annotation = Annotated[kind, option]
    key = name.replace("-", "_")
    return inspect.Parameter(key, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def _is_flag(term: Term) -> bool:
    return term.reads in ("yes", "tariff")


def _help(term: Term) -> str:
    own = {
        "budget": "All the Department may pay, GBP, attachment fees included. Unsaid: what today's tariff costs.",
        "step": "Fees are multiples of this, GBP; 0 for any price. Unsaid: 5, or what the files ask.",
        "lowest": "Lowest list price of an outcome, GBP.",
        "highest": "Highest list price of an outcome, GBP.",
    }
    against = " Against the programme's own tariff." if term.reads == "tariff" else ""
    return own.get(term.name, term.help + against)
