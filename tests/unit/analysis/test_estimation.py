"""Estimates recover worlds of which everything is known, and their intervals cover as often as they say."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from scipy.stats import binom, norm

from pbr_opt.analysis.calibration import derive_caseload
from pbr_opt.analysis.estimation import EstimateSettings, Interval, estimate
from pbr_opt.analysis.estimation_inputs import Cell, Measurement, Unknown
from pbr_opt.analysis.estimation_predictor import Predictor
from pbr_opt.analysis.estimation_programme import published_facts, revealed_bounds, unknown_quantities
from pbr_opt.errors import InvalidInputError, UnsupportedModelError
from pbr_opt.evaluation import evaluate
from pbr_opt.market.central_case import CentralCase
from pbr_opt.market.programme import Programme
from pbr_opt.market.tariffs import Tariff
from pbr_opt.programmes.registry import load
from tests.unit.analysis.estimated_worlds import POOR, RANGES, RICH, TRUTH, Experiment, random_truth

ONCE_IN = 1e-4
"""How seldom a test of coverage may fail by chance."""


def covered(experiment: Experiment, names: Sequence[str], samples: int, level: float) -> dict[str, int]:
    """Return in how many samples the interval of each unknown holds the truth."""
    found = [experiment.sampled(seed, level) for seed in range(samples)]
    return {name: sum(there.covers(name, experiment.truth[name]) for there in found) for name in names}


def ends(samples: int, level: float) -> tuple[float, float]:
    """Return between which counts chance leaves a coverage of the level, but once in 10,000 times each way."""
    return float(binom.ppf(ONCE_IN, samples, level)), float(binom.ppf(1.0 - ONCE_IN, samples, level))


# ---------------------------------------------------------------------------------------------- predictions


def test_predictions_are_those_of_the_caseload_that_is_derived_from_a_central_case() -> None:
    """An oracle that shares no root finder with the predictor: derive the segments, evaluate the programme."""
    tariff = Tariff(["1", "2"], 0, [3000, 5000])
    case = CentralCase(["1", "2"], 1000, [0.3, 0.1], [0.36, 0.15], [250, 400], [1.2, 0.7], curvature=[0.0, 0.3])
    people = derive_caseload(case, tariff)
    uplift = [float(np.diff([_logit(r[k]) for r in (people.deadweight_rate, people.ceiling_rate)])[0]) for k in (0, 25)]
    known: dict[str, Sequence[float]] = {
        "deadweight_rate": case.deadweight_rate.tolist(),
        "uplift": uplift,
        "response_scale_gbp": case.response_scale_gbp.tolist(),
        "spread": case.spread.tolist(),
        "curvature": case.curvature.tolist(),
        "base_service_gbp": [100.0, 100.0],
    }
    unknowns = [
        Unknown(f"{name}/{group}", name, [group], value[k], value[k])
        for name, value in known.items()
        for k, group in enumerate(case.groups)
    ]
    cells = (Cell("1", 1000, 3000), Cell("2", 3000, 5000))
    facts = [Measurement(name, name, cells, 0.5, 0.1)
             for name in ("outcome_rate", "deadweight_rate", "support_gbp", "service_gbp")]  # fmt: skip
    told = Predictor(facts, unknowns, case.segments_per_group).predicted(np.full(len(unknowns), 0.5))
    table = evaluate(Programme("p", people, tariff)).to_frame("groups").set_index("group")
    support = float(table["mean_support_gbp"].to_numpy() @ np.array([0.25, 0.75]))
    wanted = [0.25 * 0.36 + 0.75 * 0.15, 0.25 * 0.3 + 0.75 * 0.1, support, support + 100.0]
    assert told.tolist() == pytest.approx(wanted, rel=1e-7)


def _logit(rate: float) -> float:
    return float(np.log(rate / (1.0 - rate)))


def test_slopes_are_those_of_the_predictions() -> None:
    """Against central differences of another step, away from kinks."""
    there = Experiment(TRUTH, RICH)
    predictor = Predictor(there.facts(there.exact.tolist()), there.unknowns, 20)
    where, step = np.array([0.53, 0.31, 0.47, 0.33]), 1e-5
    slope = predictor.slope(where, [0, 1, 2, 3])
    moved = [where + sign * step * np.eye(4) for sign in (1, -1)]
    wanted = (predictor.residuals(moved[0]) - predictor.residuals(moved[1])) / (2 * step)
    assert slope == pytest.approx(wanted.T, rel=1e-3, abs=1e-3)


# ---------------------------------------------------------------------------------------------- recovery


@pytest.mark.parametrize("seed", range(3))
def test_facts_without_error_give_the_truth_back(seed: int) -> None:
    there = Experiment(random_truth(seed), RICH)
    found = there.estimated(starts=16)
    assert found.misfit < 1e-6
    assert found.values.tolist() == pytest.approx(list(there.truth.values()), rel=2e-2)
    assert found.predicted.tolist() == pytest.approx(there.exact.tolist(), rel=1e-5)


def test_an_experiment_identifies_what_one_price_leaves_open() -> None:
    rich, poor = (Experiment(TRUTH, measured).estimated() for measured in (RICH, POOR))
    told = {interval.name: interval for interval in rich.intervals}
    verdicts = {name: interval.verdict for name, interval in told.items()}
    # means of groups hardly show how people differ inside them
    assert verdicts.pop("spread") in {"not identified", "bounded above"}
    assert set(verdicts.values()) == {"identified"}
    assert all(interval.low <= TRUTH[name] <= interval.high for name, interval in told.items())
    assert (rich.resolved, rich.open_directions) == (4, ())
    left = {interval.name: interval.verdict for interval in poor.intervals}
    assert left["deadweight_rate"] == "identified"
    assert left["response_scale_gbp"] == "not identified"
    assert left["spread"] == "not identified"
    assert left["uplift"].startswith("bounded")
    assert poor.resolved == 2
    assert len(poor.open_directions) == 2
    assert "response_scale_gbp" in {name for names in poor.open_directions for name in names}


def test_worlds_that_are_left_open_do_fit() -> None:
    """Hold an unknown that is not identified anywhere: the facts do not mind."""
    poor = Experiment(TRUTH, POOR).estimated()
    for value in (50.0, 120.0, 500.0, 2000.0):
        assert poor.rise("response_scale_gbp", value) <= 2.706
    assert poor.rise("deadweight_rate", 0.25) > 10.0


def test_the_interval_of_a_rate_that_is_measured_is_that_of_the_normal_distribution() -> None:
    """One fact about one unknown: value and standard error times 1.645."""
    found = Experiment(TRUTH, [("deadweight_rate", 0.0, 0.01)]).estimated()
    interval = found.interval("deadweight_rate")
    wanted = 0.2 + np.array([-1.0, 1.0]) * 0.01 * norm.ppf(0.95)
    assert (interval.low, interval.high) == pytest.approx(wanted.tolist(), abs=1e-3)
    assert found.rise("deadweight_rate", 0.22) == pytest.approx(4.0, rel=1e-4)


def test_intervals_end_where_coverage_ends_and_widen_with_the_level() -> None:
    wide, narrow = (Experiment(TRUTH, RICH).sampled(5, level).interval("uplift") for level in (0.99, 0.5))
    assert wide.low < narrow.low < narrow.high < wide.high
    found = Experiment(TRUTH, RICH).sampled(5, 0.5)
    inside, outside = narrow.low + 0.01, narrow.low - 0.02
    assert found.covers("uplift", inside)
    assert not found.covers("uplift", outside)


def test_an_estimate_does_not_depend_on_the_order_of_facts_and_unknowns() -> None:
    there = Experiment(TRUTH, RICH)
    facts, how = there.facts(there.exact.tolist()), EstimateSettings(segments=20)
    one, other = estimate(facts, there.unknowns, how), estimate(facts[::-1], there.unknowns[::-1], how)
    assert one.values.tolist() == pytest.approx(other.values[::-1].tolist(), rel=1e-2)
    assert one.pull.tolist() == pytest.approx(other.pull.tolist(), rel=1e-2)


# ---------------------------------------------------------------------------------------------- coverage


def test_intervals_cover_the_truth_as_often_as_they_say() -> None:
    samples, level = 40, 0.8
    low, high = ends(samples, level)
    for name, count in covered(Experiment(TRUTH, RICH), ("uplift", "response_scale_gbp"), samples, level).items():
        assert low <= count <= high, name


def test_intervals_of_what_is_not_identified_cover_at_least_as_often() -> None:
    samples, level = 40, 0.8
    for name, count in covered(Experiment(TRUTH, POOR), list(RANGES), samples, level).items():
        assert count >= ends(samples, level)[0], name


def test_intervals_cover_the_truth_of_many_worlds() -> None:
    """Another world in every sample, so that no one place of the kinks is lucky."""
    samples, level = 40, 0.9
    worlds = [Experiment(random_truth(seed), RICH) for seed in range(samples)]
    count = sum(there.sampled(seed, level).covers("uplift", there.truth["uplift"]) for seed, there in enumerate(worlds))
    low, high = ends(samples, level)
    assert low <= count <= high


@pytest.mark.long
@pytest.mark.parametrize("level", [0.5, 0.9])
def test_intervals_cover_at_the_stated_rate_in_a_thousand_samples(level: float) -> None:
    low, high = ends(1000, level)
    counts = covered(Experiment(TRUTH, RICH), list(RANGES), 1000, level)
    open_ended = counts.pop("spread")  # the facts say next to nothing of it: its interval ends where its range does
    assert open_ended >= low
    assert all(low <= count <= high for count in counts.values()), counts


@pytest.mark.long
def test_intervals_of_what_is_not_identified_cover_at_least_as_often_in_a_thousand_samples() -> None:
    counts = covered(Experiment(TRUTH, POOR), list(RANGES), 1000, 0.9)
    assert all(count >= ends(1000, 0.9)[0] for count in counts.values()), counts


# ---------------------------------------------------------------------------------------------- programmes


def test_only_what_rests_on_a_source_is_a_fact() -> None:
    facts = {fact.name: fact for fact in published_facts(load("work_programme_2011"))}
    assert {name for name in facts if name.startswith("observed")} == {f"observed_rate/{g}" for g in "1267"}
    assert facts["observed_rate/6"].value == 0.151
    assert all(fact.source for fact in facts.values())
    assert published_facts(load("restart_2021")) == ()


def test_unknowns_of_a_programme_have_the_ranges_of_its_figures() -> None:
    programme = load("work_programme_2011")
    unknowns = {item.name: item for item in unknown_quantities(programme, published_facts(programme))}
    figure = next(figure for figure in programme.figures if figure.id == "response_scale_gbp")
    assert (unknowns["response_scale_gbp"].low, unknowns["response_scale_gbp"].high) == figure.range
    assert unknowns["deadweight_rate/7"].high == 0.054
    assert "deadweight_rate/3" not in unknowns  # no fact is about it


def test_revealed_bounds_hold_the_central_case() -> None:
    programme = load("work_programme_2011")
    frame = revealed_bounds(programme).set_index("group")
    support = evaluate(programme).to_frame("groups").set_index("group")["mean_support_gbp"]
    assert (support <= frame["most_support_gbp"]).all()
    assert (frame["most_support_gbp"] / frame["price_gbp"])["6"] == pytest.approx(0.151 - 0.11)


# ---------------------------------------------------------------------------------------------- bad input


def test_every_fault_of_an_estimate_is_told_at_once() -> None:
    facts = [Measurement("a", "service_gbp", [Cell("a", 10, 100)], 600, 10)]
    twice = [Unknown("p0", "deadweight_rate", ["a"], 0.1, 0.2), Unknown("p0", "deadweight_rate", ["a"], 0.1, 0.3)]
    with pytest.raises(InvalidInputError) as raised:
        estimate(facts, twice)
    told = str(raised.value)
    for words in ("'p0' more than once", "deadweight_rate of group 'a' more than once", "no uplift of group 'a'",
                  "no response_scale_gbp", "no spread", "no base_service_gbp"):  # fmt: skip
        assert words in told
    with pytest.raises(InvalidInputError, match="at least one Measurement"):
        estimate([], [])


def test_facts_unknowns_and_settings_are_inspected() -> None:
    cell = Cell("a", 10, 100)
    with pytest.raises(InvalidInputError, match="did you mean 'outcome_rate'"):
        Measurement("a", "outcome_rat", [cell], 0.3, 0.01)
    with pytest.raises(InvalidInputError, match="standard_error"):
        Measurement("a", "outcome_rate", [cell], 0.3, 0.0)
    with pytest.raises(InvalidInputError, match="at least one Cell"):
        Measurement("a", "outcome_rate", [], 0.3, 0.01)
    with pytest.raises(InvalidInputError, match="participants"):
        Cell("a", 0, 100)
    with pytest.raises(InvalidInputError, match="price_gbp"):
        Cell("a", 10, float("nan"))
    with pytest.raises(InvalidInputError, match="did you mean 'spread'"):
        Unknown("s", "spred", ["a"], 0.0, 1.0)
    with pytest.raises(InvalidInputError, match="at most the high end"):
        Unknown("s", "spread", ["a"], 1.0, 0.5)
    for faulty in ({"level": 1.0}, {"level": 0.0}, {"starts": -1}, {"segments": 0}):
        with pytest.raises(InvalidInputError, match=next(iter(faulty))):
            EstimateSettings(**faulty)


def test_questions_about_what_was_not_estimated_are_refused() -> None:
    found = Experiment(TRUTH, POOR).estimated()
    with pytest.raises(InvalidInputError, match="did you mean 'uplift'"):
        found.interval("uplit")
    with pytest.raises(InvalidInputError, match="a value from 0 to 5"):
        found.rise("uplift", 6.0)
    with pytest.raises(InvalidInputError, match="did you mean 'facts'"):
        found.to_frame("fact")


def test_a_chain_or_a_mission_is_refused() -> None:
    with pytest.raises(UnsupportedModelError, match="supply chain"):
        published_facts(load("work_programme_2011_chain"))
    with pytest.raises(UnsupportedModelError, match="mission"):
        published_facts(load("work_programme_2011").replace(mission_gbp=100.0))
    with pytest.raises(UnsupportedModelError, match="central case"):
        published_facts(load("work_programme_2011").replace(central_case=None))


def test_verdicts_follow_from_ends() -> None:
    def told(**ends: bool) -> str:
        return Interval("a", 0.0, 1.0, **{"low_open": False, "high_open": False, "settled": False, **ends}).verdict

    assert told(low_open=True, high_open=True) == "not identified"
    assert told(low_open=True) == "bounded above"
    assert told(high_open=True) == "bounded below"
    assert told() == "bounded"
    assert told(settled=True) == "identified"
