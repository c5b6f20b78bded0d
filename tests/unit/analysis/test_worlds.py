"""Plausible worlds: which are kept, why the others are not, and the forms in which they are handed on."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import binom

from pbr_opt import InvalidInputError, Programme, UnsupportedModelError, evaluate, load
from pbr_opt.analysis.ensemble import Ensemble, effective_sample_size, weighted_quantile
from pbr_opt.analysis.national import national_equilibrium
from pbr_opt.analysis.predictions import Kinds, of_worlds, predict
from pbr_opt.analysis.sweep import SweepSettings
from pbr_opt.analysis.world_inputs import BLOCK, WorldInputs, sobol_points
from pbr_opt.analysis.worlds import CUTOFF, WorldsQuestion, plausible_worlds
from pbr_opt.market.facts import Fact, Prior
from pbr_opt.programmes.facts import load_facts, load_priors

NAME = "work_programme_2011"
FACTS = of_worlds(load_facts(NAME))
DRAWS = 8192
ONCE_IN = 1e-4
"""How often chance may fail a coverage that is right, each way."""


@pytest.fixture(scope="module")
def inputs() -> WorldInputs:
    return WorldInputs(load(NAME), load_priors(NAME))


@pytest.fixture(scope="module")
def ensemble(inputs: WorldInputs) -> Ensemble:
    return plausible_worlds(inputs, FACTS, DRAWS)


def test_kept_worlds_are_near_every_fact_and_others_are_not(inputs: WorldInputs, ensemble: Ensemble) -> None:
    nations = inputs.nations(inputs.values(inputs.points(0, 1000, ensemble.seed)))
    there = national_equilibrium(nations, inputs.contracts)
    said = predict(there, FACTS, Kinds.of_2011(inputs.groups))
    worst = np.max([f.implausibility(said[:, k]) for k, f in enumerate(FACTS) if f.excludes], axis=0)
    assert np.flatnonzero(worst <= CUTOFF).tolist() == ensemble.number[ensemble.number < 1000].tolist()
    assert (ensemble.implausibility <= CUTOFF).all()


def test_counts_of_exclusions_add_up(ensemble: Ensemble) -> None:
    table = ensemble.exclusions().set_index("fact")
    assert table["excluded_share"].is_monotonic_decreasing
    assert table["excluded_share"].between(0, 1).all()
    alone = table.loc[table["excludes"], "excluded_by_it_alone"].sum()
    assert alone + len(ensemble) <= DRAWS
    assert alone > 0


def test_more_draws_keep_the_first_ones_and_another_seed_does_not(inputs: WorldInputs, ensemble: Ensemble) -> None:
    first = plausible_worlds(inputs, FACTS, DRAWS // 2)
    assert ensemble.number[: len(first)].tolist() == first.number.tolist()
    assert np.array_equal(ensemble.points[: len(first)], first.points)
    assert plausible_worlds(inputs, FACTS, DRAWS // 2, seed=1).number.tolist() != first.number.tolist()


def test_chunks_and_processes_give_the_same_worlds(inputs: WorldInputs, ensemble: Ensemble) -> None:
    there = plausible_worlds(inputs, FACTS, DRAWS, settings=SweepSettings("processes:2", chunk=700))
    assert there.number.tolist() == ensemble.number.tolist()
    for name, column in ensemble.measures.items():
        assert np.array_equal(column, there.measures[name]), name


def test_a_question_survives_a_process_and_keeps_its_fingerprint(inputs: WorldInputs) -> None:
    question = WorldsQuestion(inputs, FACTS, 7)
    copy = pickle.loads(pickle.dumps(question))
    assert copy.fingerprint == question.fingerprint
    one, other = question.run(3, 5), copy.run(3, 5)
    assert all(np.array_equal(one[name], other[name]) for name in one)


def test_the_fingerprint_tells_questions_apart(inputs: WorldInputs) -> None:
    wider = WorldInputs(inputs.programme, [replace(inputs.priors[0], low=0.0), *inputs.priors[1:]])
    questions = [
        WorldsQuestion(inputs, FACTS, 7),
        WorldsQuestion(inputs, FACTS, 8),
        WorldsQuestion(inputs, FACTS[1:], 7),
        WorldsQuestion(wider, FACTS, 7),
    ]
    assert len({question.fingerprint for question in questions}) == 4


def test_worlds_as_programmes_say_what_the_ensemble_says(ensemble: Ensemble) -> None:
    few = ensemble.thinned(5)
    assert len(few.programmes()) == len(few) == 5
    assert few.weight.sum() == pytest.approx(1.0)
    for k, programme in enumerate(few.programmes()):
        assert evaluate(programme).metrics.parked_share == pytest.approx(few.measures["parked_share"][k], abs=1e-9)


def test_likelihood_weights_favour_the_most_plausible_and_cost_worlds(ensemble: Ensemble) -> None:
    weighted = ensemble.by_likelihood()
    assert int(np.argmax(weighted.weight)) == ensemble.most_plausible
    assert 1.0 <= weighted.effective_size < ensemble.effective_size == pytest.approx(len(ensemble))


def test_the_frame_has_a_row_a_world_and_every_input(ensemble: Ensemble) -> None:
    table = ensemble.to_frame()
    assert len(table) == len(ensemble)
    assert {"draw", "weight", "implausibility", "parked_share", *ensemble.inputs.ids} <= set(table.columns)


def test_participants_add_up_and_sourced_maxima_are_kept(ensemble: Ensemble) -> None:
    nations = ensemble.nations
    assert nations.participants.sum(axis=1) == pytest.approx(1_950_000)
    for group, most in (("3", 5000), ("4", 5000), ("5", 2300)):
        k = ensemble.inputs.groups.index(group)
        assert nations.sustainment_fee_gbp[:, k] * nations.sustainment_max[:, k] == pytest.approx(most)
    shares = np.sum([column for name, column in ensemble.values.items() if name.startswith("intake_share")], axis=0)
    assert shares == pytest.approx(1.0)


def test_facts_that_contradict_the_priors_leave_no_world(inputs: WorldInputs) -> None:
    impossible = Fact("outcome_rate/1", 0.99, 0.001)
    with pytest.raises(UnsupportedModelError, match="outcome_rate/1"):
        plausible_worlds(inputs, [impossible], 64)


def test_facts_that_contradict_each_other_say_how_near_the_nearest_world_comes(inputs: WorldInputs) -> None:
    told = WorldsQuestion(inputs, FACTS, 2011).run(0, 64)["fact:outcome_rate/1"]
    low, high = (
        Fact("outcome_rate/1", float(value), 0.001, kind) for value, kind in ((0.2, "at_most"), (0.5, "equal"))
    )
    with pytest.raises(UnsupportedModelError, match="contradict each other") as caught:
        plausible_worlds(inputs, [low, high], 64)
    distances = np.maximum(np.maximum(told - 0.2, 0.0), np.abs(told - 0.5)) / 0.001
    assert f"the nearest world is {distances.min():.1f} of them away from outcome_rate/1" in str(caught.value)


def test_without_facts_every_world_is_kept(inputs: WorldInputs) -> None:
    every = plausible_worlds(inputs, [], 64)
    assert every.number.tolist() == list(range(64))
    assert every.predicted.shape == (64, 0)
    assert every.exclusions().empty


def test_an_ensemble_survives_a_process(ensemble: Ensemble) -> None:
    again = pickle.loads(pickle.dumps(ensemble))
    assert np.array_equal(again.points, ensemble.points)
    assert again.weight == pytest.approx(ensemble.weight)
    assert not again.measures["parked_share"].flags.writeable


def test_the_truth_of_a_synthetic_world_is_among_the_kept(inputs: WorldInputs) -> None:
    """Facts made from one draw, with tolerances: that draw is kept, and the kept have its rates."""
    question = WorldsQuestion(inputs, FACTS, 2011)
    truth = question.run(17, 18)
    facts = [
        replace(fact, value=truth[f"fact:{fact.id}"].item(), kind="equal", excludes=True)
        for fact in FACTS
        if fact.id.startswith("outcome_rate/")
    ]
    kept = plausible_worlds(inputs, facts, 2048)
    assert 17 in kept.number
    assert kept.most_plausible == int(np.flatnonzero(kept.number == 17)[0])


def test_intervals_by_likelihood_cover_the_truth_as_often_as_they_say(inputs: WorldInputs, tmp_path: Path) -> None:
    """Worlds beyond those drawn publish two rates with an error of known size: P10 to P90 holds the truth in 80 %."""
    draws, truths, error = 4096, 200, 0.015
    facts = [fact for fact in FACTS if fact.id in {"outcome_rate/1", "outcome_rate/2"}]
    told = WorldsQuestion(inputs, tuple(facts), 2011).run(draws, draws + truths)
    noise, inside = np.random.default_rng(7).normal(scale=error, size=(truths, len(facts))), 0
    for k in range(truths):
        seen = [
            replace(fact, value=float(told[f"fact:{fact.id}"][k] + noise[k, f]), tolerance=error, kind="equal")
            for f, fact in enumerate(facts)
        ]
        kept = plausible_worlds(inputs, seen, draws, settings=SweepSettings(store=tmp_path)).by_likelihood()
        low, high = weighted_quantile(kept.predicted[:, 0], kept.weight, [0.1, 0.9])
        inside += int(low <= told["fact:outcome_rate/1"][k] <= high)
    assert binom.ppf(ONCE_IN, truths, 0.8) <= inside <= binom.ppf(1.0 - ONCE_IN, truths, 0.8)


def test_an_input_without_a_prior_keeps_its_figure(inputs: WorldInputs) -> None:
    only = WorldInputs(inputs.programme, [Prior("uplift", 0.5, 1.0)])
    nations = only.nations(only.values(np.array([[0.5]])))
    case = only.programme.central_case
    assert case is not None
    for name in ("participants", "deadweight_rate", "spread", "response_scale_gbp", "exit_hazard"):
        assert getattr(nations, name)[0] == pytest.approx(getattr(case, name)), name
    assert nations.price_gbp[0] == pytest.approx(only.programme.effective_price_gbp()[::20])
    assert nations.base_service_gbp[0] == pytest.approx(only.programme.base_service_gbp)


@pytest.mark.parametrize(
    ("prior", "word"),
    [
        (Prior("spread", -1.0, 1.0), "from 0 to 10"),
        (Prior("deadweight_rate/1", 0.1, 1.5), "divide per cents by 100"),
        (Prior("deadweight_rate/1", 0.5, 1.0), "below 1"),
        (Prior("curvature", 0.5, 1.0), "below 1"),
        (Prior("response_scale_gbp", 0.0, 10.0), "above 0"),
        (Prior("uplift", -1.0, 1.0), "numbers from 0"),
        (Prior("uplift_factor/99", 0.5, 2.0), "a payment group"),
        (Prior("spread/99", 0.5, 2.0), "a payment group or a family"),
        (Prior("tariff/99/outcome_fee_gbp", 1.0, 2.0), "a payment group"),
        (Prior("tariff/6/outcome_fee", 1.0, 2.0), "outcome_fee_gbp"),
        (Prior("attachment_taper/9", 0.5, 1.0), "1 to 6"),
        (Prior("deadweight_rate", 0.1, 0.2), "some world depends on"),
        (Prior("minimum_service_gbp", 0.0, 50.0), "some world depends on"),
    ],
)
def test_priors_that_make_no_sense_or_move_nothing_are_refused(inputs: WorldInputs, prior: Prior, word: str) -> None:
    others = [Prior("uplift", 0.5, 1.0)] if prior.id != "uplift" else []
    with pytest.raises(InvalidInputError, match=word):
        WorldInputs(inputs.programme, [*others, prior])


@pytest.mark.parametrize("facts", [None, [1], "outcome_rate/1"])
def test_facts_of_another_kind_are_refused(inputs: WorldInputs, facts: Any) -> None:  # noqa: ANN401  # that is the point
    with pytest.raises(InvalidInputError, match="a list of Fact"):
        plausible_worlds(inputs, facts, 64)


def test_whole_numbers_may_come_in_any_type(inputs: WorldInputs) -> None:
    wanted = plausible_worlds(inputs, [], 64, seed=3)
    kinds: tuple[Any, ...] = (float, np.int64, np.float64)
    for number in kinds:
        there = plausible_worlds(inputs, [], number(64), number(3), SweepSettings(chunk=number(16)))
        assert np.array_equal(there.points, wanted.points)


def test_a_seed_of_many_digits_is_kept_to_the_last(inputs: WorldInputs) -> None:
    one, other = (plausible_worlds(inputs, [], 4, seed=2**60 + k) for k in (0, 1))
    assert one.seed == 2**60
    assert not np.array_equal(one.points, other.points)


def test_priors_that_are_no_inputs_are_reported_together(inputs: WorldInputs) -> None:
    with pytest.raises(InvalidInputError) as caught:
        WorldInputs(inputs.programme, [Prior("sprad", 0, 1), Prior("pass_through", 0.7, 0.9), Prior("sprad", 0, 1)])
    assert len(caught.value.faults) == 5
    assert "did you mean 'spread'" in str(caught.value)


def test_a_programme_without_a_central_case_has_no_worlds() -> None:
    programme = load(NAME).replace(central_case=None)
    with pytest.raises(UnsupportedModelError, match="central case"):
        WorldInputs(programme, [Prior("uplift", 0.5, 1.0)])


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"minimum_service_gbp": 50.0}, "minimum service"),
        ({"tariff": load(NAME).tariff.replace(accelerator_threshold=0.3, accelerator_fee_gbp=500)}, "accelerators"),
        ({"tariff": load(NAME).tariff.replace(sustainment_window=20)}, "windows"),
    ],
)
def test_what_worlds_do_not_know_is_refused(changes: dict[str, Any], word: str) -> None:
    with pytest.raises(UnsupportedModelError, match=word):
        WorldInputs(load(NAME).replace(**changes), load_priors(NAME))


def test_a_fact_about_groups_that_are_not_there_is_refused(inputs: WorldInputs) -> None:
    with pytest.raises(InvalidInputError, match="payment group"):
        WorldsQuestion(inputs, (Fact("outcome_rate/11", 0.2, 0.1),), 1)


def test_points_fill_the_cube_evenly() -> None:
    points = sobol_points(8, 0, BLOCK, 3)
    for k in range(8):
        assert np.bincount((points[:, k] * 16).astype(int)).tolist() == [BLOCK // 16] * 16


def test_quantiles_of_equal_weights_are_order_statistics() -> None:
    values, equal = np.arange(10.0), np.full(10, 0.1)
    assert weighted_quantile(values, equal, [0.1, 0.5, 0.9, 1.0]).tolist() == [0.0, 4.0, 8.0, 9.0]
    assert effective_sample_size(equal) == pytest.approx(10.0)


def test_an_evaluated_programme_is_not_needed_to_draw(inputs: WorldInputs) -> None:
    assert isinstance(inputs.programme, Programme)
    with pytest.raises(InvalidInputError, match="headline measure"):
        plausible_worlds(inputs, FACTS[:1], 512).quantiles("parkd_share")
