"""Run again what a record says was run, and lay both out alike so that they can be compared number by number."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pbr_opt.analysis.assumptions import try_assumptions
from pbr_opt.analysis.estimation import EstimateSettings
from pbr_opt.analysis.simulation import simulate
from pbr_opt.analysis.simulation_settings import SimulationSettings
from pbr_opt.analysis.world_answers import across_worlds
from pbr_opt.analysis.world_designs import WorldDesignSettings, design_for_worlds
from pbr_opt.analysis.world_inputs import WorldInputs
from pbr_opt.analysis.worlds import plausible_worlds
from pbr_opt.design.limits import PriceStep
from pbr_opt.design.objectives import Parked
from pbr_opt.design.result import Design
from pbr_opt.market.programme import Programme
from pbr_opt.market.tariffs import Tariff
from pbr_opt.programmes.facts import load_facts, load_priors
from pbr_opt.programmes.questions import Question, question_from
from pbr_opt.quantities import Inspection
from pbr_opt.report.comparison import compare, proof, tariff_fees
from pbr_opt.report.estimated import CALIBRATION, calibrate
from pbr_opt.report.frontiers import FRONTIER, frontier_dict, traced
from pbr_opt.report.simulated import SIMULATION, simulation_dict
from pbr_opt.report.worlds import WORLDS, WorldReport

__all__ = ["DESIGN", "computed", "recorded"]

DESIGN: Final = "design of "
"""Before the label of a tariff: the search for it, apart from what it does."""
_DRAWN_FROM: Final = "worlds_sha256"
_RESULTS: Final = ("tariffs", "conclusions", "participants", "programme")
"""What is computed; assumptions are inputs, and their hash is compared."""


def recorded(record: Mapping[str, Any], notes: list[str]) -> dict[str, Any]:
    """Return what a record claims, as :func:`computed` returns it; a note for what cannot be run again.

    Parameters
    ----------
    record : mapping
        From ``run.json``.
    notes : list of str
        Notes are added to it.
    """
    for kind in (SIMULATION, WORLDS, CALIBRATION):
        if kind in record:
            return {kind: record[kind]} | ({_DRAWN_FROM: record[_DRAWN_FROM]} if kind == WORLDS else {})
    if FRONTIER in record:
        if record[FRONTIER]["asked"] is None:
            notes.append("the frontier is not traced again: what was asked cannot be written as text")
            return {}
        return {FRONTIER: record[FRONTIER]}
    tariffs = {label: {k: v for k, v in result.items() if k != "design"} for label, result in record["tariffs"].items()}
    claimed = {name: record[name] for name in _RESULTS} | {"tariffs": tariffs}
    for label, result in record["tariffs"].items():
        if result["design"] is None:
            continue
        if result["design"]["asked"] is None:
            notes.append(f"the search for '{label}' is not repeated: what was asked cannot be written as text")
        else:
            claimed[DESIGN + label] = result["design"] | {"fees": result["fees"]}
    return claimed


def computed(record: Mapping[str, Any], programme: Programme, inputs: Path) -> dict[str, Any]:
    """Return the same from a run of today: tariffs evaluated, designs searched for, assumptions tried.

    Parameters
    ----------
    record : mapping
        From ``run.json``.
    programme : Programme
        From its ``inputs/``.
    inputs : Path
        That folder: what else was put in, priors and facts of worlds.
    """
    if SIMULATION in record:
        return {SIMULATION: _played(record["settings"], programme)}
    if WORLDS in record:
        return _drawn(record, programme, inputs)
    if CALIBRATION in record:
        return {CALIBRATION: _fitted(record["settings"], programme)}
    if FRONTIER in record:
        return _traced(record[FRONTIER], programme)
    tariffs = {label: Tariff(**result["fees"]) for label, result in record["tariffs"].items()}
    result = compare(programme, tariffs)
    if record["conclusions"]:
        result = result.with_trials(try_assumptions(programme, tariffs))
    found = result.to_dict()
    evaluated = found["tariffs"]
    assert isinstance(evaluated, dict)
    plain_tariffs = {label: {k: v for k, v in each.items() if k != "design"} for label, each in evaluated.items()}
    again = {name: found[name] for name in _RESULTS} | {"tariffs": plain_tariffs}
    for label, each in record["tariffs"].items():
        if each["design"] is not None and each["design"]["asked"] is not None:
            design = _designed(programme, each["design"]["asked"])
            fees = tariff_fees(design.tariff.aligned(programme.caseload.groups))
            again[DESIGN + label] = proof(design) | {"fees": fees}
    return again


def _traced(claimed: Mapping[str, Any], programme: Programme) -> dict[str, Any]:
    """Return a frontier of today, where it can be asked for again."""
    if claimed["asked"] is None:
        return {}
    question = _question(programme, claimed["asked"])
    return {FRONTIER: frontier_dict(traced(programme, question.objective, claimed["budgets_gbp"], question.limits))}


def _designed(programme: Programme, asked: Mapping[str, str]) -> Design:
    return _question(programme, asked).answer(programme)


def _question(programme: Programme, asked: Mapping[str, str]) -> Question:
    check = Inspection("run.json")
    question = question_from(check, asked, programme)
    check.finish()
    assert question is not None, "without a fault there is a question"
    return question


def _played(settings: Mapping[str, Any], programme: Programme) -> dict[str, object]:
    """Return a simulation of today, with the people of then."""
    rules = SimulationSettings(replications=settings["replications"], reentry=settings["reentry"])
    people, seed = settings["participants"], settings["seed"]
    return simulation_dict(simulate(programme, participants=people, seed=seed, settings=rules))


def _drawn(record: Mapping[str, Any], programme: Programme, folder: Path) -> dict[str, object]:
    """Return worlds of today, drawn from the same seed with the priors and facts that the record carries."""
    asked, baseline = record["settings"], next(iter(record["inputs_sha256"]["tariffs"]))
    inputs, facts = WorldInputs(programme, load_priors(folder)), load_facts(folder)
    worlds = plausible_worlds(inputs, facts, asked["draws"], asked["seed"])
    tariffs = {"optimised": Question(Parked(), (PriceStep(5),)).answer(programme)} if asked["optimised"] else {}
    answers = across_worlds(worlds, tariffs, baseline)
    designs = None
    if asked["robust"]:
        settings = WorldDesignSettings(asked["robust"], asked["tail"], asked["budget_gbp"])
        designs = design_for_worlds(answers, tariffs, settings)
    return {WORLDS: WorldReport(worlds, answers, designs).to_dict(), _DRAWN_FROM: inputs.fingerprint}


def _fitted(settings: Mapping[str, Any], programme: Programme) -> dict[str, object]:
    """Return a calibration of today, sought from the starts of then."""
    rules = EstimateSettings(**{name: settings[name] for name in ("level", "starts", "segments", "seed")})
    again = calibrate(programme, rules, price_change=settings["price_change"], points=settings["points"])
    return again.to_dict()
