"""Pictures of a comparison: tariffs side by side, support by ease of help, the frontier, what moves the answer, cash.

Each is a matplotlib figure; :func:`pbr_opt.report.canvas.to_svg` makes it text. Their numbers are the frames of
:mod:`pbr_opt.report.picture_data` and of the objects drawn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from pbr_opt.analysis.frontier import Frontier
from pbr_opt.evaluation import Evaluation
from pbr_opt.report.canvas import BASE, DASHES, HATCHES, MARKERS, NEW, PALETTE, axes_of, style
from pbr_opt.report.picture_data import ease_frame, fee_frame

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

__all__ = [
    "draw_cash",
    "draw_ease",
    "draw_fees",
    "draw_frontier",
    "draw_price_ranges",
    "draw_ranking",
    "draw_tornado",
    "draw_worlds",
]

_PARTS = ("attachment_gbp", "outcome_gbp", "sustainment_gbp", "accelerator_gbp")
_NAMES = {"attachment_gbp": "attachment", "outcome_gbp": "outcome", "sustainment_gbp": "sustainment (most)",
          "accelerator_gbp": "beyond the threshold"}  # fmt: skip
_MOST_GROUPS = 24
"""More groups than this would be bars too thin to read; the table beside the picture has them all."""


def draw_fees(evaluations: Mapping[str, Evaluation]) -> Figure:
    """Draw what each tariff pays at most for one participant, group by group, in its parts."""
    frame = fee_frame(evaluations)
    groups = list(dict.fromkeys(frame.group))[:_MOST_GROUPS]
    labels = list(evaluations)
    with style():
        figure, (axes,) = axes_of(7.2, 0.5 + 0.22 * max(len(groups), 3) * len(labels))
        height = 0.8 / len(labels)
        for k, label in enumerate(labels):
            rows = frame[frame.tariff == label].set_index("group").loc[groups]
            left = np.zeros(len(groups))
            at = np.arange(len(groups)) + (k - (len(labels) - 1) / 2) * height
            for p, part in enumerate(_PARTS):
                width = rows[part].to_numpy()
                if width.any():
                    axes.barh(at, width, height * 0.92, left=left, color=_tint(PALETTE[k], p), hatch=HATCHES[p],
                              edgecolor="white", label=f"{label}: {_NAMES[part]}")  # fmt: skip
                left += width
        axes.set_yticks(np.arange(len(groups)), groups)
        axes.invert_yaxis()
        axes.set_ylabel("payment group")
        axes.set_xlabel("GBP for one participant who stays in work to the end")
        figure.legend(loc="outside lower center", ncols=min(3, len(labels) * 2), fontsize=8)
    return figure


def _tint(colour: str, part: int) -> tuple[float, float, float]:
    """Return a colour, paler for each later part."""
    from matplotlib.colors import to_rgb

    red, green, blue = to_rgb(colour)
    mix = 0.22 * part
    return (red + (1 - red) * mix, green + (1 - green) * mix, blue + (1 - blue) * mix)


def draw_ease(evaluations: Mapping[str, Evaluation]) -> Figure:
    """Draw support and parking by ease of help inside payment groups: creaming and parking at a glance."""
    frame = ease_frame(evaluations)
    with style():
        figure, (left, right) = axes_of(7.2, 3.0, 2)
        for k, label in enumerate(evaluations):
            rows = frame[frame.tariff == label]
            for axes, values in ((left, rows.support_gbp), (right, 100 * rows.parked_share)):
                axes.plot(rows.ease, values, color=PALETTE[k], linestyle=DASHES[k], marker=MARKERS[k], markersize=4,
                          label=label)  # fmt: skip
        left.set_ylabel("support, GBP a head")
        right.set_ylabel("parked, %")
        right.set_ylim(-2, 102)
        for axes in (left, right):
            axes.set_xlabel("tenth of the group, hardest to easiest")
            axes.set_xticks(range(1, 11))
        left.set_ylim(bottom=0)
        figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=len(evaluations))
    return figure


def draw_frontier(frontier: Frontier, marks: Mapping[str, tuple[float, float]] | None = None) -> Figure:
    """Draw the best that every budget can do, jumps as they are, and where given tariffs lie.

    Parameters
    ----------
    frontier : Frontier
        Of any objective.
    marks : mapping of label to (spend, objective), optional
        Tariffs to set beside it.
    """
    aim = frontier.problem.objective
    proved = np.array([status == "optimal" for status in frontier.status])
    with style():
        figure, (axes,) = axes_of(7.2, 3.2)
        axes.step(frontier.budget_gbp / 1e6, frontier.objective, where="post", color=NEW, label="best, proved")
        if not proved.all():
            axes.plot(
                frontier.budget_gbp[~proved] / 1e6, frontier.objective[~proved], "x", color=NEW, label="not proved"
            )
        for k, (label, (spend, value)) in enumerate((marks or {}).items()):
            axes.plot([spend / 1e6], [value], MARKERS[k], color=PALETTE[k], markersize=7, label=label)
        axes.set_xlabel("budget, £m")
        axes.set_ylabel(f"{aim.name} ({aim.unit})")
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        axes.set_ylim(bottom=0 if frontier.objective.min() >= 0 else None)
        axes.legend(fontsize=8)
    return figure


def draw_tornado(frame: pd.DataFrame, central: float, unit: str, most: int = 12) -> Figure:
    """Draw how far each assumption moves an answer from one end of its range to the other.

    Parameters
    ----------
    frame : DataFrame
        ``figure``, ``low``, ``high`` (values of the assumption), ``at_low``, ``at_high`` (the answer there; an end
        without an answer, NaN, has no bar).
    central : float
        The answer in the central case.
    unit : str
        Of the answer, for the axis.
    most : int, optional
        How many bars, the longest first.
    """
    ends = frame[["at_low", "at_high"]].assign(central=central)
    swing = ends.max(axis=1) - ends.min(axis=1)
    rows = frame.assign(swing=swing).sort_values("swing", ascending=False, kind="stable").head(most)
    with style():
        figure, (axes,) = axes_of(7.2, 0.8 + 0.26 * max(len(rows), 3))
        at = np.arange(len(rows))
        for end, colour, hatch in (("at_low", BASE, ""), ("at_high", NEW, "///")):
            name = "at the low end" if end == "at_low" else "at the high end"
            axes.barh(
                at, rows[end] - central, 0.7, left=central, color=colour, hatch=hatch, edgecolor="white", label=name
            )
        axes.axvline(central, color="black", linewidth=0.8)
        axes.set_yticks(at, [f"{r.figure}  {r.low:g} to {r.high:g}" for r in rows.itertuples()])
        axes.invert_yaxis()
        axes.set_xlabel(unit)
        axes.legend(fontsize=8, loc="lower right")
    return figure


def draw_cash(frame: pd.DataFrame) -> Figure:
    """Draw what each tier has laid out and got back, month by month, added up from the start.

    Parameters
    ----------
    frame : DataFrame
        From :func:`~pbr_opt.report.picture_data.cash_frame`.
    """
    with style():
        figure, (axes,) = axes_of(7.2, 2.8)
        for k, (tier, rows) in enumerate(frame.groupby("tier", sort=False)):
            axes.plot(
                rows.month, rows.since_start_gbp / 1e6, color=PALETTE[k + 1], linestyle=DASHES[k], label=str(tier)
            )
        axes.axhline(0.0, color="black", linewidth=0.8)
        axes.set_xlabel("month of the programme")
        axes.set_ylabel("cash since the start, £m")
        axes.legend(fontsize=8)
    return figure


def draw_worlds(frame: pd.DataFrame, unit: str) -> Figure:
    """Draw where an answer lies across plausible worlds: P10 to P90 as a bar, the median as a mark, one row a tariff.

    Parameters
    ----------
    frame : DataFrame
        ``tariff``, ``p10``, ``p50``, ``p90``: rows of :meth:`~pbr_opt.analysis.world_answers.Answers.quantiles`.
    unit : str
        For the axis.
    """
    with style():
        figure, (axes,) = axes_of(7.2, 0.8 + 0.4 * max(len(frame), 2))
        for k, (low, middle, high) in enumerate(frame[["p10", "p50", "p90"]].to_numpy()):
            colour = PALETTE[k % len(PALETTE)]
            axes.plot([low, high], [k, k], color=colour, linewidth=6, solid_capstyle="butt", alpha=0.5)
            axes.plot([middle], [k], MARKERS[k % len(MARKERS)], color=colour, markersize=7)
        axes.set_yticks(range(len(frame)), list(frame.tariff))
        axes.set_ylim(len(frame) - 0.5, -0.5)
        axes.set_xlabel(unit)
    return figure


def draw_price_ranges(frame: pd.DataFrame, marked: Sequence[str]) -> Figure:
    """Draw how far the best prices of single worlds lie apart, group by group, and other prices as marks.

    Parameters
    ----------
    frame : DataFrame
        ``group``, ``p10_gbp``, ``p50_gbp``, ``p90_gbp``, and a column of prices for each mark: rows of
        :meth:`~pbr_opt.analysis.world_designs.WorldDesigns.prices`.
    marked : sequence of str
        Columns to mark.
    """
    shown = frame.head(_MOST_GROUPS)
    at = np.arange(len(shown))
    with style():
        figure, (axes,) = axes_of(7.2, 1.2 + 0.34 * max(len(shown), 3))
        axes.hlines(
            at, shown.p10_gbp, shown.p90_gbp, color=PALETTE[6], linewidth=9, label="best of a world, P10 to P90"
        )
        axes.plot(shown.p50_gbp, at, "|", color="black", markersize=11, markeredgewidth=1.6, label="its median")
        for k, name in enumerate(marked):
            label = name.removesuffix("_gbp")
            axes.plot(shown[name], at, MARKERS[k], color=PALETTE[k], markersize=6, markeredgecolor="white", label=label)
        axes.set_yticks(at, list(shown.group))
        axes.invert_yaxis()
        axes.set_ylabel("payment group")
        axes.set_xlabel("list price, GBP")
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        figure.legend(loc="outside lower center", ncols=3, fontsize=8)
    return figure


def draw_ranking(frame: pd.DataFrame, column: str, unit: str, chance: float | None = None, most: int = 15) -> Figure:
    """Draw what hangs on each input as a bar, in the order given.

    Parameters
    ----------
    frame : DataFrame
        ``id`` and the column drawn, a row an input.
    column : str
        What is drawn.
    unit : str
        For the axis.
    chance : float, optional
        What chance alone would give, as a line.
    most : int, optional
        How many bars.
    """
    shown = frame.head(most)
    at = np.arange(len(shown))
    with style():
        figure, (axes,) = axes_of(7.2, 0.8 + 0.26 * max(len(shown), 3))
        axes.barh(at, shown[column], 0.7, color=NEW)
        if chance is not None:
            axes.axvline(chance, color="black", linestyle="--", linewidth=0.9, label="what chance alone gives")
            figure.legend(loc="outside lower center", fontsize=8)
        axes.set_yticks(at, list(shown.id))
        axes.invert_yaxis()
        axes.set_xlabel(unit)
    return figure
