"""Tariffs designed for plausible worlds as a screen of text, as tables for others, and as parts of a report."""

from __future__ import annotations

import math
import textwrap
from typing import TYPE_CHECKING, Final

from pbr_opt.analysis.world_designs import AVERAGE, WorldDesigns
from pbr_opt.report import pictures
from pbr_opt.report.parts import Column, Listing, Part, Picture, Words, table_of
from pbr_opt.report.records import plain
from pbr_opt.report.wording import count, money, per_cent, table

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["design_dict", "design_parts", "design_screen", "design_tables"]

_WIDTH: Final = 110
_PRICES: Final = "List price of a group, GBP: today, then P10 to P90 of the best of each world, then robust for"
_HERE: Final = (
    ("mean_parked_share", "Parked", "parked"),
    ("worst_parked_share", "Parked at worst", "worst"),
    ("mean_regret", "Regret", "regret"),
    ("worst_regret", "Regret at worst", "worst"),
    ("overspends", "Over the budget", "over budget"),
)
_EVERYWHERE: Final = (
    ("overspends_everywhere", "Over the budget", "in all"),
    ("p10", "Parked: P10", "P10"),
    ("p50", "P50", "P50"),
    ("p90", "P90", "P90"),
)
"""Column, heading of a report, heading of a screen."""


def _share(value: float) -> str:
    return "" if math.isnan(value) else per_cent(value)


def design_screen(designs: WorldDesigns) -> list[list[str]]:
    """Return paragraphs of a screen: what each tariff does, what not knowing costs, how far prices lie apart."""
    rows = [["", *(heading for _, _, heading in _HERE + _EVERYWHERE), "spend", "proof"]]
    for record in designs.to_frame().to_dict("records"):
        shares = [_share(float(record[name])) for name, _, _ in _HERE + _EVERYWHERE]
        rows.append(
            [str(record["tariff"]), *shares, money(float(record["mean_spend_gbp"])), _proof(float(record["gap"]))]
        )
    prices = designs.prices()
    heads = [name.removesuffix("_gbp").replace("p", "P").replace("robust: ", "") for name in prices.columns[1:]]
    cells = [["Group", *(head.replace("Per", "per") for head in heads)]]
    cells += [[str(row[0]), *(f"{price:,.0f}" for price in row[1:])] for row in prices.itertuples(index=False)]
    return [
        [_opening(designs), *table(rows, "<" + ">" * (len(rows[0]) - 1))],
        [line for cost in _costs(designs) for line in textwrap.wrap(cost, _WIDTH, subsequent_indent="  ")],
        [_PRICES, *table(cells, "<" + ">" * (len(cells[0]) - 1))],
    ]


def _proof(gap: float) -> str:
    if math.isnan(gap):
        return ""
    return "optimal" if gap <= 1e-9 else f"gap {100 * gap:.2g} %"


def _opening(designs: WorldDesigns) -> str:
    worlds, kept = len(designs.here.ensemble), len(designs.everywhere.ensemble)
    return f"Designed for {count(worlds)} of the {count(kept)} worlds, {money(designs.budget_gbp)} in each:"


def _costs(designs: WorldDesigns) -> tuple[str, ...]:
    """Return what not knowing the world costs, and what caution does, a sentence each."""
    frame = designs.to_frame().set_index("tariff")
    average, known = (float(frame["mean_parked_share"][name]) for name in (AVERAGE, frame.index[-1]))
    told = [
        f"A tariff that knew its world would park {per_cent(known)} on average, the best for all {per_cent(average)}: "
        f"not knowing costs {100 * (average - known):.1f} points."
    ]
    spend = frame["mean_spend_gbp"]
    for label in list(designs.robust)[1:]:
        here, there = (float(frame[name][label]) for name in ("overspends", "overspends_everywhere"))
        told.append(
            f"'{label}' parks {100 * float(frame['caution'][label]):.1f} points more than the best for all, spends "
            f"{money(float(spend[AVERAGE] - spend[label]))} less on average, and exceeds the budget in "
            f"{per_cent(here)} of these worlds and {per_cent(there)} of all."
        )
    return tuple(told)


def design_tables(designs: WorldDesigns) -> dict[str, pd.DataFrame]:
    """Return the tables of a record by name: tariffs, prices by group, and the best of each world."""
    return {"robust": designs.to_frame(), "robust_prices": designs.prices(), "best_in_hindsight": designs.worlds()}


def design_dict(designs: WorldDesigns) -> dict[str, object]:
    """Return the same for machines."""
    tables = {name: plain(frame.to_dict("records")) for name, frame in design_tables(designs).items()}
    return {"budget_gbp": designs.budget_gbp, "worlds": len(designs.here.ensemble)} | tables


def design_parts(designs: WorldDesigns) -> list[Part]:
    """Return what a report says of them: the cost of caution, and how far the best prices lie apart."""
    said = (
        f"{_opening(designs)[:-1]}. Regret is what a tariff parks beyond one that knows the world; below nothing only "
        "where it spends more than the budget. Shares of worlds are no probabilities: worlds weigh the same."
    )
    prices = designs.prices()
    columns: list[Column] = [("group", "Group", None)]
    columns += [(str(name), _heading(str(name)), lambda v: f"{v:,.0f}") for name in prices.columns[1:]]
    caption = (
        "List price of each group: the bar reaches from P10 to P90 of the prices that are best in single worlds, with "
        "their median; marks are the price as it is and those of tariffs designed for all worlds at once."
    )
    picture = Picture.of(
        pictures.draw_price_ranges(prices, ("today_gbp", *_marked(designs))), "Best prices across worlds", caption,
        table_of(prices, "List prices, GBP", columns),
    )  # fmt: skip
    return [
        Words("Tariffs designed for these worlds", "heading"),
        Words(said),
        *_tables(designs),
        Listing(_costs(designs)),
        picture,
    ]


def _tables(designs: WorldDesigns) -> list[Part]:
    """Return what every tariff does in the worlds that were designed for, and in all that were kept."""
    frame = designs.to_frame()
    spend: Column = ("mean_spend_gbp", "Spend", money)
    here: list[Column] = [("tariff", "Tariff", None), *((name, head, _share) for name, head, _ in _HERE), spend]
    there: list[Column] = [("tariff", "Tariff", None), *((name, head, _share) for name, head, _ in _EVERYWHERE)]
    worlds, kept = (count(len(answers.ensemble)) for answers in (designs.here, designs.everywhere))
    return [
        table_of(frame, f"In the {worlds} worlds designed for: share of people parked, regret, spend",
                 [*here, ("gap", "Proof", _proof)]),
        table_of(frame[frame["p50"].notna()],
                 f"In all {kept} plausible worlds, whether a design saw them or not", there),
    ]  # fmt: skip


def _heading(column: str) -> str:
    name = column.removesuffix("_gbp")
    return {"today": "Today", "p10": "P10", "p50": "P50", "p90": "P90"}.get(name, name)


def _marked(designs: WorldDesigns) -> tuple[str, ...]:
    """Return the robust designs that a picture has room for: the average, the budget in a tail, the worst case."""
    first, second, *_, last = designs.robust
    return first, second, last
