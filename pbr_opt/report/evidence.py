"""What a report says beyond the comparison: risk and cash, doubts, sources, and how everything was computed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from pbr_opt.analysis.frontier import Frontier
from pbr_opt.analysis.simulation import Simulation
from pbr_opt.design.result import Design
from pbr_opt.programmes.content import content_hash
from pbr_opt.report import pictures
from pbr_opt.report.answer import answer_lines
from pbr_opt.report.compared import Compared
from pbr_opt.report.parts import Column, Listing, Part, Picture, TablePart, Words, table_of
from pbr_opt.report.picture_data import cash_frame
from pbr_opt.report.records import assumption_table, versions
from pbr_opt.report.tiers import TIER_NAMES, tier_frame
from pbr_opt.report.wording import count, money, per_cent

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Evidence", "doubt_parts", "made_parts", "sources_parts", "tiers_parts"]


@dataclass(frozen=True)
class Evidence:
    """What was computed beyond the comparison itself; where something is missing the report says so.

    Attributes
    ----------
    frontier : Frontier or None
        Of the objective of the design.
    unrounded : Design or None
        The design without a step of prices: what rounding costs.
    simulations : mapping of label to Simulation
        Cash and risk, tariff by tariff.
    swings : DataFrame or None
        For the tornado: ``figure``, ``low``, ``high``, ``at_low``, ``at_high``, of the last tariff's parked share.
    settings : mapping
        How the comparison was asked for.
    """

    frontier: Frontier | None = None
    unrounded: Design | None = None
    simulations: Mapping[str, Simulation] = field(default_factory=dict)
    swings: pd.DataFrame | None = None
    settings: Mapping[str, object] = field(default_factory=dict)


def tiers_parts(comparison: Compared, evidence: Evidence) -> list[Part]:
    """Return who stays and earns what in each tier, and what was simulated of their cash."""
    parts: list[Part] = []
    for label, there in comparison.evaluations.items():
        columns: list[Column] = [("tier", "Tier", None), ("agents", "Agents", count), ("stayed", "Stay", count),
                   ("with_referrals", "With referrals", count), ("delivered_share", "Serve", per_cent),
                   ("parked_share", "Of these parked", per_cent), ("income_gbp", "Keep", money),
                   ("profit_gbp", "Profit", money)]  # fmt: skip
        parts.append(table_of(tier_frame(there), f"Tiers under '{label}'", columns))
    for label, simulation in evidence.simulations.items():
        parts += _cash(label, simulation)
    if not evidence.simulations:
        parts.append(Words("Cash and its risk were not simulated for this report.", "note"))
    return parts


def _cash(label: str, simulation: Simulation) -> list[Part]:
    frame = simulation.to_frame("tiers")
    scale = simulation.scale
    counted = frame.measure == "insolvent"
    for name in ("p10", "p50", "p90"):
        frame[name] = np.where(counted, frame[name], frame[name] / scale)
    rows = []
    for record in frame.to_dict("records"):
        show = count if record["measure"] == "insolvent" else money
        words = str(record["measure"]).removesuffix("_gbp").replace("_", " ")
        words = "agents whose cash runs out" if words == "insolvent" else words
        rows.append((TIER_NAMES[record["kind"]], words, *(show(float(record[n])) for n in ("p10", "p50", "p90"))))
    table = TablePart(
        f"Risk under '{label}': P10, P50, P90", ("Tier", "Measure", "P10", "P50", "P90"), tuple(rows), (0, 1)
    )
    cash = cash_frame(simulation)
    caption = (
        f"Cash of each tier under '{label}', added up from the start of the programme: the lowest point is what has to "
        f"be financed. One play of {count(simulation.participants)} simulated participants, scaled to the programme."
    )
    tiers = [(str(tier), rows.since_start_gbp.to_numpy()) for tier, rows in cash.groupby("tier", sort=False)]
    deepest = tuple((tier, money(float(since.min())), money(float(since[-1]))) for tier, since in tiers)
    numbers = TablePart("Cash by tier", ("Tier", "Lowest point", "At the end"), deepest)
    return [table, Picture.of(pictures.draw_cash(cash), f"Cash under {label}", caption, numbers)]


def doubt_parts(comparison: Compared, evidence: Evidence) -> list[Part]:
    """Return which conclusions rest on what, and how far each assumption moves the answer."""
    parts: list[Part] = []
    if comparison.conclusions:
        parts.append(Words("Each conclusion, with one assumption at a time set to the ends of its range:"))
        parts.append(Listing(answer_lines(comparison)[2:]))
    else:
        parts.append(Words("No assumption was varied for this report.", "note"))
    if evidence.swings is not None and len(evidence.swings):
        label, there = list(comparison.evaluations.items())[-1]
        frame = evidence.swings
        caption = (
            f"How far each assumption moves the share parked under '{label}', from one end of its range to the other."
        )
        numbers = table_of(frame, "Swings", [("figure", "Assumption", None), ("low", "Low", lambda v: f"{v:g}"),
            ("high", "High", lambda v: f"{v:g}"), ("at_low", "Parked at low", per_cent),
            ("at_high", "Parked at high", per_cent)])  # fmt: skip
        shown = frame.assign(at_low=100 * frame.at_low, at_high=100 * frame.at_high)
        figure = pictures.draw_tornado(shown, 100 * there.metrics.parked_share, f"parked under '{label}', %")
        parts.append(Picture.of(figure, "What moves the answer", caption, numbers))
    return parts


def _number(value: float) -> str:
    return f"{value:,.6g}"


def sources_parts(comparison: Compared) -> list[Part]:
    """Return every number that was not read in a source, and every source."""
    frame = assumption_table(comparison.programme)
    if not len(frame):
        return [Words("The programme says of none of its numbers where they come from.", "note")]
    counts = frame.status.value_counts()
    told = ", ".join(f"{number} {status}" for status, number in counts.items())
    shown: list[Column] = [("id", "Figure", None), ("value", "Value", _number), ("low", "Low", _number),
             ("high", "High", _number), ("unit", "Unit", None), ("status", "Status", None),
             ("source", "Source", None), ("note", "Note", None)]  # fmt: skip
    rows = tuple((s.key, s.title, s.grade, s.address) for s in comparison.programme.sources())
    return [
        Words(f"Numbers that were not read in a source: {told}."),
        table_of(frame, "Every number that is not confirmed", shown),
        TablePart("Sources", ("Key", "Title", "Grade", "Where it was read"), rows, (0, 1, 2, 3)),
    ]


def made_parts(comparison: Compared) -> list[Part]:
    """Return what was asked, what is proved, certificates, versions and hashes."""
    parts: list[Part] = []
    for label, design in comparison.designs.items():
        aim, limits = design.problem.objective, "; ".join(str(limit) for limit in design.problem.limits) or "none"
        rows = (
            ("Objective", f"{'least' if aim.better < 0 else 'most'} {aim.name}"),
            ("Limits", limits),
            ("Status", design.status),
            ("Reached", f"{design.objective:,.6g} {aim.unit}"),
            ("Bound", f"{design.bound:,.6g} {aim.unit}"),
            ("Relative gap", f"{design.gap:.1e}"),
            ("Worth of a pound of budget", f"{design.budget_price:.4g} {aim.unit}"),
            ("Method", design.method),
        )
        parts.append(TablePart(f"'{label}': what was asked and what is proved", ("Question", "Answer"), rows, (0, 1)))
        parts += [Words(note) for note in design.notes]
    gains = tuple(
        (label, f"£{there.certificate.largest_gain_gbp:.2g}", f"£{there.certificate.tolerance_gbp:.2g}",
         "holds" if there.certificate.holds else "FAILS")
        for label, there in comparison.evaluations.items()
    )  # fmt: skip
    parts.append(TablePart("The most that anybody could gain by deviating, GBP per participant",
                           ("Tariff", "Largest gain", "Tolerance", "Verdict"), gains, (0, 3)))  # fmt: skip
    tariffs = {label: there.tariff for label, there in comparison.evaluations.items()}
    parts.append(Words("Versions: " + ", ".join(f"{name} {number}" for name, number in versions().items()) + "."))
    hashes = tuple((k, content_hash(comparison.programme.replace(tariff=tariff))) for k, tariff in tariffs.items())
    parts.append(TablePart("Inputs, SHA-256", ("Tariff", "Hash"), hashes, (0, 1)))
    return parts
