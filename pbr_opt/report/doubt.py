"""What a report says of doubt: conclusions put to the test, what moves the answer, tariffs across plausible worlds."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pbr_opt.evaluation import Evaluation
from pbr_opt.report import pictures
from pbr_opt.report.answer import answer_lines
from pbr_opt.report.compared import Compared
from pbr_opt.report.evidence import Evidence
from pbr_opt.report.parts import Listing, Part, Picture, Words, table_of
from pbr_opt.report.wording import per_cent
from pbr_opt.report.world_parts import world_parts

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["doubt_parts"]


def doubt_parts(comparison: Compared, evidence: Evidence) -> list[Part]:
    """Return which conclusions rest on what, how far each assumption moves the answer, and where worlds lie."""
    parts: list[Part] = []
    if comparison.conclusions:
        parts.append(Words("Each conclusion, with one assumption at a time set to the ends of its range:"))
        parts.append(Listing(answer_lines(comparison)[2:]))
    if evidence.swings is not None and len(evidence.swings):
        label, there = list(comparison.evaluations.items())[-1]
        parts.append(_tornado(label, there, evidence.swings))
    if parts:
        parts.insert(0, Words("One assumption at a time", "heading"))
    else:
        parts.append(Words("No assumption was varied for this report.", "note"))
    return parts if evidence.worlds is None else [*parts, *world_parts(evidence.worlds)]


def _tornado(label: str, there: Evaluation, frame: pd.DataFrame) -> Picture:
    caption = (
        f"How far each assumption moves the share parked under '{label}', from one end of its range to the other; "
        "people are fitted to the published figures anew each time, prices stay."
    )
    numbers = table_of(frame, "Swings", [("figure", "Assumption", None), ("low", "Low", lambda v: f"{v:g}"),
        ("high", "High", lambda v: f"{v:g}"), ("unit", "Unit", None), ("at_low", "Parked at low", _share),
        ("at_high", "Parked at high", _share)])  # fmt: skip
    shown = frame.assign(at_low=100 * frame.at_low, at_high=100 * frame.at_high)
    figure = pictures.draw_tornado(shown, 100 * there.metrics.parked_share, f"parked under '{label}', %")
    return Picture.of(figure, "What moves the answer", caption, numbers)


def _share(value: float) -> str:
    """Return a share, or that there is none."""
    return "cannot be fitted" if math.isnan(value) else per_cent(value)
