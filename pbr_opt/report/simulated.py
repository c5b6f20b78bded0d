"""A simulation as a screen of text, and as files that others can open."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pbr_opt.analysis.simulation import Simulation
from pbr_opt.report.records import csv_text, inputs_of, plain, provenance
from pbr_opt.report.tiers import TIER_NAMES
from pbr_opt.report.wording import count, money, per_cent, table

__all__ = ["SIMULATION", "simulation_dict", "simulation_files", "simulation_record", "simulation_text"]

SIMULATION: Final = "simulation"
"""Under this name a record keeps what was found."""
_FRAMES = ("groups", "agents", "tiers", "cash")
_MEASURES = {
    "spend_gbp": "spend",
    "profit_gbp": "profit",
    "peak_working_capital_gbp": "peak working capital",
    "insolvent": "agents out of money",
}


def simulation_text(result: Simulation) -> str:
    """Return one screen: who was simulated, spend and profit by tier, and whether the closed forms agree."""
    rules, groups = result.settings, result.to_frame("groups")
    earned = float(groups["earned"].sum())
    unclaimed = 1.0 - float(groups["outcomes"].sum()) / earned if earned else 0.0
    opening = [
        f"{result.evaluation.programme.name}: {count(result.participants)} participants, "
        f"{count(rules.replications)} replications, seed {result.seed}",
        f"({per_cent(result.scale)} of the programme's people; costs and working capital of agents are scaled alike)",
        "",
        f"Found work {per_cent(float(groups['worked'].sum()) / result.participants)}, earned an outcome "
        f"{per_cent(earned / result.participants)}, of which never claimed {per_cent(unclaimed)}",
        "",
    ]
    rows = [["", "", "P10", "P50", "P90"]]
    tiers = result.to_frame("tiers")
    for kind, measure, points in zip(
        tiers["kind"], tiers["measure"], tiers[["p10", "p50", "p90"]].to_numpy(), strict=True
    ):
        show = count if measure == "insolvent" else money
        rows.append([TIER_NAMES[kind], _MEASURES[measure], *(show(point) for point in points.tolist())])
    return "\n".join([*opening, *table(rows, "<<>>>"), "", *_closing(result)])


def _closing(result: Simulation) -> list[str]:
    spread = "The spread is that of chance from person to person; what is not known of the programme comes on top."
    return [spread, result.agreement.sentence]


def simulation_dict(result: Simulation) -> dict[str, object]:
    """Return what the screen says for machines: tables by name, and the comparison with the closed forms."""
    tables = {name: plain(result.to_frame(name).to_dict(orient="list")) for name in ("groups", "agents", "tiers")}
    agreement = result.agreement
    compared = {
        "largest_z": agreement.largest_z,
        "bound": agreement.bound,
        "holds": agreement.holds,
        "departures": list(agreement.departures),
        "sentence": agreement.sentence,
    }
    about = {"seed": result.seed, "participants": result.participants, "scale": result.scale}
    return {**about, "replications": result.settings.replications, **tables, "agreement": compared}


def simulation_files(result: Simulation) -> dict[str, str]:
    """Return tables as CSV by file name, ``ledger.csv`` when a ledger was kept, and the programme in ``inputs/``."""
    frames = {name: result.to_frame(name) for name in _FRAMES} | {"agreement": result.agreement.to_frame()}
    if result.ledger is not None:
        frames["ledger"] = result.ledger.to_frame()
    return {f"{name}.csv": csv_text(frame) for name, frame in frames.items()} | inputs_of(result.evaluation.programme)[
        0
    ]


def simulation_record(result: Simulation, settings: Mapping[str, object]) -> dict[str, object]:
    """Return what was found and where it came from: versions, settings, seed, hashes of inputs, sources."""
    evaluation = result.evaluation
    seeded = {"seed": result.seed, "seed_note": "SeedSequence; spawn key: replication, then block of participants"}
    record = provenance(evaluation.programme, {"simulated": evaluation.tariff}, settings)
    return record | seeded | {SIMULATION: simulation_dict(result)} | inputs_of(evaluation.programme)[1]
