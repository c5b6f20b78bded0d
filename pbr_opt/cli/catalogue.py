"""Commands that show what there is: programmes, their sources, drawings of their chains."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pbr_opt.cli.options import JsonOption, NameArgument
from pbr_opt.errors import UnsupportedModelError

__all__ = ["draw", "programmes", "sources"]


def draw(
    programme: NameArgument,
    out: Annotated[Path, typer.Option("--out", help="File to write: .svg, or .dot for programs that draw graphs.")],
    area: Annotated[str | None, typer.Option("--area", help="Draw one contract package area only.")] = None,
) -> None:
    """Draw a supply chain with its flows of people and money, as SVG; a national one folded, or area by area."""
    from pbr_opt.evaluation import evaluate as judge
    from pbr_opt.programmes.registry import load
    from pbr_opt.report.chain_drawing import draw_chain
    from pbr_opt.report.records import write_files

    chosen = load(programme)
    if chosen.supply_chain is None:
        raise UnsupportedModelError(f"{programme} has no supply chain to draw; try work_programme_2011_chain")
    text = chosen.supply_chain.to_dot() if out.suffix == ".dot" else draw_chain(judge(chosen), area=area).to_svg()
    write_files(out.parent, {out.name: text})
    typer.echo(f"Written to {out}", err=True)


def programmes(as_json: JsonOption = False) -> None:
    """List the bundled programmes."""
    from pbr_opt.programmes.registry import list_programmes
    from pbr_opt.report.records import to_json

    names = list_programmes()
    typer.echo(to_json({"programmes": names}) if as_json else "\n".join(names), nl=not as_json)


def sources(programme: NameArgument, as_json: JsonOption = False) -> None:
    """List every source a programme cites, and every number that has none, with its range."""
    from pbr_opt.programmes.registry import load
    from pbr_opt.report.records import assumption_table, source_rows, to_json

    chosen = load(programme)
    if as_json:
        told = {"sources": source_rows(chosen), "assumptions": assumption_table(chosen).to_dict("records")}
        typer.echo(to_json(told), nl=False)
        return
    for source in chosen.sources():
        typer.echo(f"{source.key}  [{source.grade}]  {source.title}  {source.address}")
    typer.echo("")
    for figure in chosen.assumptions:
        low, high = figure.range
        typer.echo(
            f"{figure.id} = {figure.value:g} {figure.unit} ({figure.status}; {low:g} to {high:g})  {figure.note}"
        )
