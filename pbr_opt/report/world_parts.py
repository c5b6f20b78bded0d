"""What a report says of plausible worlds: tariffs across them, what parking hangs on there, and tariffs for them."""

from __future__ import annotations

from pbr_opt.report import pictures
from pbr_opt.report.parts import Column, Part, Picture, TablePart, Words, table_of
from pbr_opt.report.wording import money, per_cent
from pbr_opt.report.world_designs import design_parts
from pbr_opt.report.worlds import WorldReport, quantiles_shown

__all__ = ["world_parts"]


def world_parts(told: WorldReport) -> list[Part]:
    """Return P10 to P90 of every tariff, the rankings of inputs, and what was designed for these worlds."""
    rows = tuple(told.quantile_rows())
    table = TablePart("Across plausible worlds", ("Tariff", "Measure", "P10", "P50", "P90"), rows, (0, 1))
    frame, unit = quantiles_shown(told.answers, "parked_share")
    caption = "People parked across the worlds that no fact rules out: bars from P10 to P90, the mark is the median."
    picture = Picture.of(pictures.draw_worlds(frame, unit), "Plausible worlds", caption, table)
    compared = [Words(" ".join(lines)) for lines in told.comparisons()]
    designed = [] if told.designs is None else design_parts(told.designs)
    opening = [Words("Across plausible worlds", "heading"), Words(" ".join(told.opening()))]
    hangs = Words("What parking hangs on", "heading")
    return [*opening, picture, *compared, hangs, *_rankings(told), *designed]


def _rankings(told: WorldReport) -> list[Part]:
    """Return what parking hangs on before the facts and after them, and which unconfirmed cell is worth a look."""
    before, after, cells = told.prior_ranking, told.ranking, told.cells
    noise = float(after["noise"].iloc[0])
    known: list[Column] = [("id", "Input", None), ("low", "Low", _plain), ("high", "High", _plain),
                           ("unit", "Unit", None), ("status", "Status", None)]  # fmt: skip
    sobol = Picture.of(
        pictures.draw_ranking(before, "total", "share of the variance of parking"),
        "What parking hangs on before the facts",
        "Share of the variance of parking that each uncertain input makes over its range, with what it acts together "
        "with (Sobol, total): before any published fact is looked at.",
        table_of(before, "Sobol indices over the ranges",
                 [("rank", "Rank", _plain), *known, ("first", "Alone", _index), ("total", "In all", _index)]),
    )  # fmt: skip
    pawn = Picture.of(
        pictures.draw_ranking(after, "pawn", "distance (PAWN)", noise),
        "What parking hangs on after the facts",
        "The same among the worlds that the facts left: how far knowing an input moves the distribution of parking "
        f"(PAWN). Of inputs that do nothing one in twenty lies beyond the line at {noise:.2f}: what stays below says "
        "nothing, what is little above says little.",
        table_of(after, "PAWN distances among plausible worlds",
                 [("rank", "Rank", _plain), *known, ("pawn", "Distance", _index)]),
    )  # fmt: skip
    return [sobol, pawn, *([] if cells.empty else [_cells(told)])]


def _cells(told: WorldReport) -> Picture:
    cells = told.cells
    spend, parked = (float(cells[name].iloc[0]) for name in ("spend_swing_gbp", "parked_share_swing"))
    caption = (
        "Cells of the tariff that no source confirms, by how far each moves spend over its range, all else as in the "
        f"plausible worlds. {cells['id'].iloc[0]} is the one to look up first: it moves spend by "
        f"{money(spend)} and the share parked by {per_cent(parked)}."
    )
    moved: list[Column] = [("spend_swing_gbp", "Moves spend by", money), ("parked_share_swing", "parking by", per_cent)]
    columns: list[Column] = [("id", "Cell", None), ("low", "Low", _plain), ("high", "High", _plain), *moved]
    shown = cells.assign(millions=cells["spend_swing_gbp"] / 1e6)
    figure = pictures.draw_ranking(shown, "millions", "moves spend by, £m")
    return Picture.of(figure, "Unconfirmed cells of the tariff", caption, table_of(cells, "Unconfirmed cells", columns))


def _plain(value: float) -> str:
    return f"{value:g}"


def _index(value: float) -> str:
    return f"{value:.3f}"
