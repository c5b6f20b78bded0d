"""Frozen means frozen: every public object is attacked in every way that ordinary code has."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import is_dataclass
from functools import cached_property

import numpy as np
import pytest

import pbr_opt
from pbr_opt import (
    AdditionalOutcomes,
    Budget,
    Caseload,
    DesignSettings,
    FirstPoundLoss,
    MaxAttachmentShare,
    MaxDistinctPrices,
    MaxParkedShare,
    MinimumPassThrough,
    MinimumService,
    NetSocialValue,
    NoGroupWorse,
    Parked,
    Participation,
    PbrError,
    PriceCeilingByValue,
    PriceOrder,
    PriceRange,
    PriceStep,
    Programme,
    SupplyChain,
    SupportShortfall,
    Tariff,
    TotalSupport,
    WorstServed,
    compare,
    evaluate,
    load,
    optimise,
)
from pbr_opt.analysis.assumptions import AssumptionTrials, try_assumptions
from pbr_opt.analysis.ensemble import Ensemble
from pbr_opt.analysis.estimation import Estimate, EstimateSettings, estimate
from pbr_opt.analysis.estimation_inputs import Cell, Measurement, Unknown
from pbr_opt.analysis.identified_set import identified_set
from pbr_opt.analysis.near_optimal import near_optimal
from pbr_opt.analysis.regrouping import RegroupingSettings, regroup
from pbr_opt.analysis.revealed_preference import RevealedPreference
from pbr_opt.analysis.robustness import RobustSettings, robust
from pbr_opt.analysis.simulation import simulate
from pbr_opt.analysis.simulation_settings import SimulationSettings
from pbr_opt.analysis.sweep import SweepSettings
from pbr_opt.analysis.world_answers import across_worlds
from pbr_opt.analysis.world_designs import WorldDesignSettings, design_for_worlds
from pbr_opt.analysis.world_inputs import WorldInputs
from pbr_opt.analysis.worlds import plausible_worlds
from pbr_opt.design.chain_limits import GuaranteedVolume
from pbr_opt.design.problem import DesignProblem
from pbr_opt.equilibrium.accounts import Intake
from pbr_opt.equilibrium.best_response import best_response
from pbr_opt.errors import Fault
from pbr_opt.market.accelerator import Accelerator
from pbr_opt.market.agents import Agent, Contract
from pbr_opt.market.central_case import CentralCase
from pbr_opt.market.evidence import Figure, Source
from pbr_opt.market.facts import Fact, Prior
from pbr_opt.market.rivalry import IncentivePayment, Rivalry
from pbr_opt.market.share_rules import TullockShare
from pbr_opt.market.tariffs import ContractTerms
from pbr_opt.metrics import measure
from pbr_opt.programmes.questions import question_from
from pbr_opt.programmes.registry import open_programme
from pbr_opt.quantities import Inspection
from pbr_opt.report.estimated import calibrate
from pbr_opt.report.explorer import ExplorerSettings
from pbr_opt.report.gathering import ReportSettings
from pbr_opt.report.verification import Verdict


def _caseload() -> Caseload:
    return Caseload(["a", "a", "b"], [100, 80, 50], [0.12, 0.02, 0.3], [0.42, 0.1, 0.5], 600, [0, 0.1, 0], 0.05)


def _tariff() -> Tariff:
    return Tariff(["a", "b"], 400, [1200, 3500], [170, 370], [13, 26])


def _programme() -> Programme:
    figure = Figure("tariff/a/outcome_fee_gbp", 1200, "GBP", "confirmed", "S1")
    return Programme(
        "example",
        _caseload(),
        _tariff(),
        outcome_value_gbp={"a": 9_000, "b": 12_000},
        terms=ContractTerms(0.06, [1, 0.5], [0.6, 0.4]),
        group_names={"a": "younger", "b": "older"},
        figures=[figure],
        register=[Source("S1", "a report", "A", "a page")],
    )


def _chain() -> SupplyChain:
    agents = [Agent("DWP", "department"), Agent("P", "prime"), Agent("S", "tier2", productivity=(("a", 2.0),))]
    return SupplyChain(agents, [Contract("DWP", "P"), Contract("P", "S", "piece_rate")])


def _contest() -> object:
    agents = [Agent("DWP", "department"), Agent("P", "prime"), Agent("Q", "prime")]
    chain = SupplyChain(agents, [Contract("DWP", "P"), Contract("DWP", "Q")])
    rivals = evaluate(_programme().replace(supply_chain=chain, rivalry=Rivalry(TullockShare()))).rivals
    assert rivals is not None
    return rivals.contests[0]


def _problem() -> DesignProblem:
    return DesignProblem(_programme(), Parked(), [Budget(400_000), PriceRange({"a": 100}, {"b": 20_000})])


def _estimate() -> Estimate:
    facts = [Measurement("without", "deadweight_rate", [Cell("a", 100, 0)], 0.2, 0.01)]
    ranges = {"deadweight_rate": (0.1, 0.4), "uplift": (1, 1), "response_scale_gbp": (250, 250), "spread": (0, 1)}
    unknowns = [Unknown(name, name, ["a"], *ends) for name, ends in ranges.items()]
    return estimate(facts, unknowns, EstimateSettings(segments=2))


def _published() -> Programme:
    case = CentralCase(["a", "b"], 1000, [0.3, 0.1], [0.36, 0.15], response_scale_gbp=250, spread=1.2)
    return Programme("p", _caseload(), _tariff(), central_case=case)


def _ensemble() -> Ensemble:
    case = CentralCase(["a", "b"], 1000, [0.3, 0.1], [0.36, 0.15], response_scale_gbp=250, spread=1.2)
    programme = Programme("p", _caseload(), _tariff(), outcome_value_gbp=9000, central_case=case)
    inputs = WorldInputs(programme, [Prior("uplift", 0.2, 1.5, "log"), Prior("spread", 0.8, 1.6)])
    return plausible_worlds(inputs, [Fact("outcome_rate/a", 0.36, 0.02)], draws=64)


def _trials() -> AssumptionTrials:
    return try_assumptions(load("restart_2021"), {"today": load("restart_2021").tariff})


BUILDERS: dict[str, Callable[[], object]] = {
    "Accelerator": lambda: Accelerator(np.array([0.1]), np.array([1e3])),
    "AdditionalOutcomes": AdditionalOutcomes,
    "AssumptionTrials": _trials,
    "Swing": lambda: _trials().swings[0],
    "BestResponse": lambda: best_response(_caseload().response, [4000.0, 3000.0, 2000.0], minimum_service_gbp=10.0),
    "BestResponse, plain": lambda: best_response(_caseload().replace(curvature=0).response, np.full(3, 4000.0)),
    "Budget": lambda: Budget(1e6),
    "Budget, by year": lambda: Budget(1e6, {1: 5e5}, [0.5, 0.5]),
    "Rivalry": lambda: Rivalry(TullockShare(), incentives={"a": IncentivePayment(0.2)}, levels={"a": 0.3}),
    "AreaContest": _contest,
    "GuaranteedVolume": lambda: GuaranteedVolume(50),
    "Intake": lambda: Intake.plain(np.ones(2)),
    "CalibrationReport": lambda: calibrate(_published(), points=2),
    "Caseload": _caseload,
    "Cell": lambda: Cell("a", 100, 3000),
    "Certificate": lambda: evaluate(_programme()).certificate,
    "ReportSettings": ReportSettings,
    "ExplorerSettings": ExplorerSettings,
    "Pictures": lambda: compare(_programme(), {"today": _tariff()}).plot,
    "Comparison": lambda: compare(_programme(), {"today": _tariff(), "more": _tariff().replace(outcome_fee_gbp=5000)}),
    "ContractTerms": lambda: ContractTerms(0.06, [1, 0.5], [0.6, 0.4]),
    "Design": lambda: optimise(_programme(), minimise=Parked(), limits=[Budget(400_000)]),
    "DesignProblem": _problem,
    "DesignSettings": DesignSettings,
    "Ensemble": _ensemble,
    "WorldDesignSettings": WorldDesignSettings,
    "WorldDesigns": lambda: design_for_worlds(across_worlds(_ensemble(), {}), {}, WorldDesignSettings(2, rise=1.0)),
    "Estimate": _estimate,
    "EstimateSettings": EstimateSettings,
    "Evaluation": lambda: evaluate(_programme()),
    "Fact": lambda: Fact("outcome_rate/6", 0.151, 0.01),
    "Fault": lambda: Fault("place", "given", "wanted"),
    "Figure": lambda: Figure("id", 1.0, "GBP", "assumed", low=0.5, high=2.0),
    "FirstPoundLoss": FirstPoundLoss,
    "HaraResponse": lambda: _caseload().response,
    "IdentifiedSet": lambda: identified_set(_published(), points=2),
    "Interval": lambda: _estimate().intervals[0],
    "MaxAttachmentShare": lambda: MaxAttachmentShare(0.3),
    "MaxDistinctPrices": lambda: MaxDistinctPrices(2),
    "MaxParkedShare": lambda: MaxParkedShare(0.5),
    "Measurement": lambda: _estimate().facts[0],
    "Metrics": lambda: measure(_programme(), _programme().payable(), evaluate(_programme()).behaviour),
    "MinimumPassThrough": lambda: MinimumPassThrough(0.8),
    "MinimumService": lambda: MinimumService({"a": 100.0}),
    "NearOptimal": lambda: near_optimal(_programme(), Parked(), prices_gbp=[0, 5000]),
    "NetSocialValue": NetSocialValue,
    "NoGroupWorse": lambda: NoGroupWorse(_tariff()),
    "Parked": Parked,
    "Participation": Participation,
    "PriceCeilingByValue": PriceCeilingByValue,
    "PriceOrder": lambda: PriceOrder(["a", "b"]),
    "PriceRange": lambda: PriceRange({"a": 100.0}, {"b": 20_000.0}),
    "PriceStep": lambda: PriceStep(5),
    "Prior": lambda: Prior("spread", 0.8, 1.6),
    "Programme": _programme,
    "Simulation": lambda: simulate(_programme(), participants=50),
    "SimulationSettings": lambda: SimulationSettings(qualifying_weeks={"a": 26, "b": 13}),
    "Question": lambda: question_from(Inspection("q"), {"budget": "5e5", "highest": "a=9"}, _programme()),
    "Reading": lambda: open_programme("worked_example"),
    "Regrouping": lambda: regroup(_programme(), Parked(), most_groups=2, prices_gbp=[0, 5000]),
    "RegroupingSettings": RegroupingSettings,
    "RevealedPreference": lambda: RevealedPreference([2000.0, 4000.0], [0.2, 0.3], [100.0, 380.0]),
    "RobustDesign": lambda: robust([_programme()], Parked(), prices_gbp=[0, 5000], budget_gbp=1e6),
    "RobustSettings": RobustSettings,
    "Source": lambda: Source("key", "title", "A", "address"),
    "SupplyChain": _chain,
    "SupportShortfall": lambda: SupportShortfall(200.0),
    "SweepSettings": SweepSettings,
    "Tariff": _tariff,
    "TotalSupport": TotalSupport,
    "Unknown": lambda: _estimate().unknowns[0],
    "Verdict": lambda: Verdict((), ("a note",), 1, 2, 0.0, ""),
    "WeightedSum": lambda: 2 * Parked() - AdditionalOutcomes(),
    "WorstServed": WorstServed,
}


def _state(item: object) -> dict[str, object]:
    """Return what an object holds or keeps: its fields, and whatever it computes once and hands out again."""
    kept = [name for name, member in inspect.getmembers_static(type(item)) if isinstance(member, cached_property)]
    fields = list(getattr(type(item), "__dataclass_fields__", ()))
    return {name: getattr(item, name) for name in [*fields, *kept]}


def _parts(place: str, value: object, seen: set[int]) -> Iterator[tuple[str, object]]:
    """Return every array, container and object of this package that can be reached from a value."""
    if id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(value, (np.ndarray, list, set, dict)):
        yield place, value
    elif isinstance(value, Mapping):
        yield place, value
        for key, inner in value.items():
            yield from _parts(f"{place}[{key!r}]", inner, seen)
    elif isinstance(value, tuple):
        for k, inner in enumerate(value):
            yield from _parts(f"{place}[{k}]", inner, seen)
    elif is_dataclass(value):
        yield place, value
        for name, inner in _state(value).items():
            yield from _parts(f"{place}.{name}", inner, seen)


def _weak_spot(value: object) -> str:
    """Return how a part lets itself be changed, nothing if it does not."""
    if isinstance(value, np.ndarray):
        return "an array that can be written to" if value.flags.writeable else ""
    if isinstance(value, (list, set, dict)):
        return f"a {type(value).__name__}"
    if isinstance(value, Mapping):
        return "a mapping with item assignment" if hasattr(value, "__setitem__") else ""
    return "" if type(value).__dataclass_params__.frozen else "a dataclass that is not frozen"  # type: ignore[attr-defined]  # dataclasses keep it there


@pytest.mark.parametrize("name", BUILDERS)
def test_nothing_that_can_be_reached_can_be_written_to(name: str) -> None:
    found = list(_parts(name, BUILDERS[name](), set()))
    faults = [f"{place}: {fault}" for place, value in found if (fault := _weak_spot(value))]
    assert not faults, "\n  ".join(["", *faults])


@pytest.mark.parametrize("name", BUILDERS)
def test_attributes_can_be_neither_set_nor_deleted(name: str) -> None:
    item = BUILDERS[name]()
    for field, value in _state(item).items():
        with pytest.raises(AttributeError):
            setattr(item, field, value)
        with pytest.raises(AttributeError):
            delattr(item, field)
    with pytest.raises((AttributeError, TypeError)):  # TypeError: what frozen dataclasses with slots raise
        item.something_new = 1  # type: ignore[attr-defined]  # that is the point


def test_writing_to_an_array_or_a_mapping_raises() -> None:
    """What the walk above concludes from flags and methods, tried for real."""
    programme = _programme()
    with pytest.raises(ValueError, match="read-only"):
        programme.caseload.participants[0] = 1.0
    with pytest.raises(ValueError, match="read-only"):
        programme.tariff.outcome_fee_gbp[:] = 1.0
    with pytest.raises(TypeError):
        programme.group_names["a"] = "other"  # type: ignore[index]  # that is the point
    with pytest.raises(TypeError):
        programme.figures[0] = programme.figures[0]  # type: ignore[index]  # that is the point


def test_a_caseload_keeps_no_hold_on_what_it_was_given() -> None:
    columns = [np.full(2, v) for v in (100.0, 0.1, 0.3, 500.0, 0.0, 0.05)]
    group = np.array(["a", "b"])
    caseload = Caseload(group, *columns)
    before = caseload.parking_threshold_gbp.tolist(), caseload.total_participants
    for column in columns:
        column[...] = 0.9
    group[...] = "b"
    again = Caseload(caseload.group, caseload.participants, 0.1, 0.3, caseload.response_scale_gbp)
    assert (again.parking_threshold_gbp.tolist(), again.total_participants) == before
    assert caseload.groups == ("a", "b")
    assert caseload.exit_hazard.tolist() == [0.05, 0.05]


def test_tariffs_and_terms_keep_no_hold_on_what_they_were_given() -> None:
    fees, taper, shares, groups = np.array([1200.0, 3500.0]), [1.0, 0.5], [0.6, 0.4], ["a", "b"]
    tariff, terms = Tariff(groups, fees, fees, fees, [13, 26]), ContractTerms(0.06, taper, shares)
    fees[...], taper[:], shares[:], groups[:] = 7.0, [0.0, 0.0], [1.0, 0.0], ["x", "y"]
    assert tariff == Tariff(["a", "b"], [1200, 3500], [1200, 3500], [1200, 3500], [13, 26])
    assert terms.attachment_share == pytest.approx(0.8)


def test_programmes_keep_no_hold_on_what_they_were_given() -> None:
    value, names, figures = np.array([9e3, 1.2e4]), {"a": "A", "b": "B"}, [Figure("id", 1, "GBP", "assumed")]
    programme = Programme("p", _caseload(), _tariff(), outcome_value_gbp=value, group_names=names, figures=figures)
    value[...] = 7.0
    names["a"] = "other"
    figures.clear()
    assert programme.outcome_value_gbp is not None
    assert programme.outcome_value_gbp.tolist() == [9e3, 1.2e4]
    assert programme.group_names["a"] == "A"
    assert len(programme.assumptions) == 1


def test_best_responses_keep_no_hold_on_the_price() -> None:
    price, mission = np.full(3, 4000.0), np.full(3, 10.0)
    there = best_response(_caseload().response, price, mission_gbp=mission)
    price[...], mission[...] = 7.0, 7.0
    assert there.price_gbp.tolist() == [4000.0] * 3
    assert there.mission_gbp.tolist() == [10.0] * 3


def test_limits_and_problems_keep_no_hold_on_what_they_were_given() -> None:
    lowest = {"a": 100.0}
    price_range = PriceRange(lowest)
    limits = [Budget(1e6), price_range]
    problem = DesignProblem(_programme(), Parked(), limits)
    lowest["a"] = 7.0
    limits.clear()
    assert price_range.bounds(["a", "b"])[0].tolist() == [100.0, 0.0]
    assert problem.budget_gbp == 1e6


def test_an_evaluation_is_not_changed_by_what_is_done_to_its_tables() -> None:
    evaluation = evaluate(_programme())
    for table in ("groups", "segments", "agents", "payments"):
        frame = evaluation.to_frame(table)
        number = frame.select_dtypes("number").columns[0]
        before = frame[number].tolist()
        frame.loc[:, number] = 7.0
        assert evaluation.to_frame(table)[number].tolist() == before


def test_every_public_class_is_attacked() -> None:
    public = {name: getattr(pbr_opt, name) for name in pbr_opt.__all__}
    classes = {n for n, item in public.items() if isinstance(item, type) and not issubclass(item, PbrError)}
    assert not classes - set(BUILDERS), "a public class without a builder in BUILDERS"
