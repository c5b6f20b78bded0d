"""What a report says beyond the comparison: risk and cash, doubts, sources, and how everything was computed."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from pbr_opt.analysis.frontier import Frontier
from pbr_opt.analysis.register import assumptions_register
from pbr_opt.analysis.simulation import Simulation
from pbr_opt.design.result import Design
from pbr_opt.evaluation import Evaluation
from pbr_opt.programmes.content import content_hash
from pbr_opt.report import pictures
from pbr_opt.report.canvas import described
from pbr_opt.report.chain_drawing import draw_chain
from pbr_opt.report.compared import Compared
from pbr_opt.report.parts import Column, Part, Picture, TablePart, Words, table_of
from pbr_opt.report.picture_data import cash_frame
from pbr_opt.report.records import versions
from pbr_opt.report.tiers import TIER_NAMES, tier_frame
from pbr_opt.report.wording import count, money, per_cent
from pbr_opt.report.worlds import WorldReport

if TYPE_CHECKING:
    import pandas as pd

_MOST_AGENTS: Final = 150
"""As in the drawing: nobody reads a thousand rows in a report; the workbook has them all."""

__all__ = ["Evidence", "made_parts", "sources_parts", "tiers_parts"]


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
        From :func:`~pbr_opt.analysis.assumptions.swings`, of the share parked under the last tariff.
    worlds : WorldReport or None
        What tariffs do in every plausible world, and what was designed for them.
    settings : mapping
        How the comparison was asked for.
    """

    frontier: Frontier | None = None
    unrounded: Design | None = None
    simulations: Mapping[str, Simulation] = field(default_factory=dict)
    swings: pd.DataFrame | None = None
    worlds: WorldReport | None = None
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
        if there.rivals is not None:
            parts.append(Words(there.rivals.statement))
        if there.equilibrium is not None:
            parts.append(_chain(label, there))
    for label, simulation in evidence.simulations.items():
        parts += _cash(label, simulation)
    if not evidence.simulations:
        parts.append(Words("Cash and its risk were not simulated for this report.", "note"))
    return parts


def _chain(label: str, there: Evaluation) -> Picture:
    """Return the supply chain with its flows, and the books of its agents: of primes alone where there are many."""
    drawing, agents = draw_chain(there), there.to_frame("agents")
    many = len(agents) > _MOST_AGENTS
    shown = agents[agents.kind == "prime"] if many else agents
    columns: list[Column] = [("agent", "Agent", None), ("kind", "Kind", None), ("sector", "Sector", None),
               ("referrals", "People", count), ("income_gbp", "Income", money), ("paid_on_gbp", "Paid on", money),
               ("support_gbp", "Support", money), ("profit_gbp", "Profit", money)]  # fmt: skip
    title = f"Supply chain under {label}"
    caption = f"{drawing.title}, under '{label}': the flows of people and of money, payer to payee."
    table = table_of(shown, f"The books of {'primes' if many else 'every agent'}", columns)
    return Picture(described(drawing.to_svg(), title, caption), caption, table)


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


def sources_parts(comparison: Compared, evidence: Evidence) -> list[Part]:
    """Return the register of assumptions (every number that was not read in a source), ranked, and every source."""
    worlds = evidence.worlds
    priors, ranking = ((), evidence.swings) if worlds is None else (worlds.ensemble.inputs.priors, worlds.prior_ranking)
    frame = assumptions_register(comparison.programme, priors, ranking)
    if not len(frame):
        return [Words("The programme says of none of its numbers where they come from.", "note")]
    counts = frame.status.value_counts()
    told = ", ".join(f"{number} {status}" for status, number in counts.items())
    heads = ("Figure", "Rank", "Value, range, unit", "Status", "Source (grade, year)", "Note")
    register = tuple(_registered(record) for record in frame.to_dict("records"))
    rows = tuple((s.key, s.title, s.grade, s.address) for s in comparison.programme.sources())
    return [
        Words(f"Numbers that were not read in a source: {told}. {_ranked_by(evidence)}"),
        TablePart("The register of assumptions: every number that is not confirmed", heads, register, (0, 2, 3, 4, 5)),
        TablePart("Sources", ("Key", "Title", "Grade", "Where it was read"), rows, (0, 1, 2, 3)),
    ]


def _registered(record: Mapping[Hashable, object]) -> tuple[str, ...]:
    """Return a row of the register as text."""
    value, low, high = (f"{float(str(record[name])):,.6g}" for name in ("value", "low", "high"))
    span = f" ({low} to {high})" if low != high else ""
    origin = ", ".join(str(record[name]) for name in ("quality", "date") if record[name] not in ("", "none"))
    source = f"{record['source']} ({origin})" if origin else str(record["source"])
    rank = str(record["rank"]).replace("<NA>", "")
    told = f"{value}{span} {record['unit']}", str(record["status"]), source, str(record["note"])
    return str(record["id"]), rank, *told


def _ranked_by(evidence: Evidence) -> str:
    """Return what the ranks of the register are."""
    if evidence.worlds is not None:
        return "Ranked by the share of the variance of parking that each makes over its range (Sobol, total)."
    if evidence.swings is not None and len(evidence.swings):
        return "Ranked by how far each moves the share parked, from one end of its range to the other."
    return "Not ranked: no assumption was varied."


def made_parts(comparison: Compared, evidence: Evidence) -> list[Part]:
    """Return what was asked, what is proved, certificates, seeds, versions and hashes."""
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
    parts += [Words(text) for text in _seeds(evidence)]
    parts.append(Words("Versions: " + ", ".join(f"{name} {number}" for name, number in versions().items()) + "."))
    hashes = tuple((k, content_hash(comparison.programme.replace(tariff=tariff))) for k, tariff in tariffs.items())
    parts.append(TablePart("Inputs, SHA-256", ("Tariff", "Hash"), hashes, (0, 1)))
    return parts


def _seeds(evidence: Evidence) -> list[str]:
    """Return what was drawn at random and how it can be drawn again; then how the comparison was asked for."""
    plays = {f"{count(s.participants)} people, {s.settings.replications} replications, seed {s.seed}"
             for s in evidence.simulations.values()}  # fmt: skip
    told = [f"Played person by person: {'; '.join(sorted(plays))}."] if plays else []
    if evidence.worlds is not None:
        there = evidence.worlds.ensemble
        told.append(f"Plausible worlds: {count(len(there))} of {count(there.draws)} draws, seed {there.seed}.")
    asked = "; ".join(f"{name}: {value}" for name, value in evidence.settings.items())
    return [*told, f"Asked for with {asked}."] if asked else told
