"""Tariffs in every world: quantiles, probabilities and regret, and designs that know their world."""

from __future__ import annotations

import numpy as np
import pytest

from pbr_opt import Budget, InvalidInputError, Parked, PriceStep, UnsupportedModelError, evaluate, load, optimise
from pbr_opt.analysis.ensemble import Ensemble
from pbr_opt.analysis.robustness import RobustSettings, robust
from pbr_opt.analysis.sweep import SweepSettings
from pbr_opt.analysis.world_answers import Answers, across_worlds, best_in_hindsight
from pbr_opt.analysis.world_inputs import WorldInputs
from pbr_opt.analysis.worlds import plausible_worlds
from pbr_opt.design.result import Design
from pbr_opt.programmes.facts import load_facts, load_priors

NAME = "work_programme_2011"
TODAY = "today's tariff"


@pytest.fixture(scope="module")
def ensemble() -> Ensemble:
    return plausible_worlds(WorldInputs(load(NAME), load_priors(NAME)), load_facts(NAME), 8192)


@pytest.fixture(scope="module")
def design() -> Design:
    programme = load(NAME)
    return optimise(programme, minimise=Parked(), limits=[Budget(evaluate(programme).spend_gbp), PriceStep(50)])


@pytest.fixture(scope="module")
def answers(ensemble: Ensemble, design: Design) -> Answers:
    return across_worlds(ensemble, {"optimised": design, "double": design.tariff.at_price(2 * design.tariff.price_gbp)})


def test_each_world_plays_each_tariff_under_its_own_terms(ensemble: Ensemble, answers: Answers, design: Design) -> None:
    few = ensemble.thinned(4)
    rows = [int(np.flatnonzero(ensemble.number == n)[0]) for n in few.number]
    for row, programme in zip(rows, few.programmes(), strict=True):
        for label, tariff in ((TODAY, None), ("optimised", design.tariff)):
            metrics = evaluate(programme, tariff).metrics
            assert answers.values(label, "parked_share")[row] == pytest.approx(metrics.parked_share, abs=1e-9)
            assert answers.values(label, "spend_gbp")[row] == pytest.approx(metrics.spend_gbp, rel=1e-9)


def test_the_baseline_is_what_the_worlds_say_of_themselves(ensemble: Ensemble, answers: Answers) -> None:
    for name, column in ensemble.measures.items():
        assert np.array_equal(answers.values(TODAY, name), column)


def test_paying_twice_as_much_parks_fewer_everywhere_and_costs_more(answers: Answers) -> None:
    assert answers.probability_better("double", than="optimised") == pytest.approx(1.0)
    assert answers.probability_better("double", "spend_gbp") == 0.0
    for more in ("additional_outcomes", "outcomes", "mean_support_gbp"):
        assert answers.probability_better("double", more, than="optimised") == pytest.approx(1.0)
        assert answers.regret("double", more).max() == 0.0
        assert answers.regret("optimised", more).min() > 0.0
    assert answers.probability_better("optimised", than="optimised") == 0.0
    assert answers.probability(lambda at: at["double"]["spend_gbp"] > at["optimised"]["spend_gbp"]) == pytest.approx(1)


def test_what_is_no_tariff_is_refused(ensemble: Ensemble) -> None:
    with pytest.raises(InvalidInputError, match="a tariff or a design"):
        across_worlds(ensemble, {"it": 3})  # type: ignore[dict-item]  # that is the point


def test_quantiles_rise_and_differences_are_taken_world_by_world(answers: Answers) -> None:
    table = answers.quantiles().set_index(["tariff", "measure", "of"])
    assert (table["p10"] <= table["p50"]).all()
    assert (table["p50"] <= table["p90"]).all()
    change = answers.values("optimised", "parked_share") - answers.values(TODAY, "parked_share")
    assert table["p50"].to_dict()["optimised", "parked_share", "change"] in change


def test_regret_is_against_the_best_compared(answers: Answers) -> None:
    stack = np.stack([answers.regret(label) for label in answers.labels])
    assert (stack >= 0).all()
    assert (stack.min(axis=0) == 0).all()
    assert answers.regret("double").max() == 0.0
    table = answers.regrets("additional_outcomes")
    assert (table["mean_regret"] <= table["worst_regret"]).all()


def test_the_best_in_hindsight_is_no_worse_than_any_tariff_of_that_cost(ensemble: Ensemble) -> None:
    few = ensemble.thinned(3)
    best = best_in_hindsight(few, settings=SweepSettings(chunk=2))
    assert (
        best["parked_share"].to_numpy() <= few.measures["parked_share"] + 0.01
    ).all()  # a price step may cost a little
    assert (best["spend_gbp"].to_numpy() <= few.measures["spend_gbp"] * (1 + 1e-9)).all()
    assert (best["gap"] <= 1e-9).all()


def test_robust_design_takes_the_worlds_with_their_weights(ensemble: Ensemble) -> None:
    """The optimiser's outlook is what the batched equilibrium says of its tariff, and it parks fewest on its list."""
    few = ensemble.by_likelihood().thinned(5)
    budget = 1.1 * float(few.measures["spend_gbp"].max())
    settings = RobustSettings(spend_tail=0.0)
    prices = np.arange(0.0, 12_001.0, 400.0)
    worlds = few.programmes()
    design = robust(worlds, Parked(), prices_gbp=prices, budget_gbp=budget, weights=few.weight, settings=settings)
    there = across_worlds(few, {"robust": design.tariff})
    heads = np.array([world.caseload.total_participants for world in worlds])
    assert there.values("robust", "spend_gbp") == pytest.approx(design.outlook.spend_gbp, rel=1e-9)
    assert there.values("robust", "parked_share") == pytest.approx(design.outlook.objective / heads, abs=1e-9)
    assert there.values("robust", "spend_gbp").max() <= budget * (1 + 1e-9)
    assert design.outlook.weight == pytest.approx(few.weight)


def test_bad_labels_and_measures_are_refused(ensemble: Ensemble, answers: Answers) -> None:
    tariff = load(NAME).tariff
    with pytest.raises(InvalidInputError, match="another name"):
        across_worlds(ensemble, {TODAY: tariff})
    with pytest.raises(InvalidInputError, match="did you mean 'optimised'"):
        answers.values("optimized", "parked_share")
    with pytest.raises(InvalidInputError, match="no price"):
        across_worlds(ensemble, {"less": tariff.take([0, 1])})
    with pytest.raises(UnsupportedModelError, match="accelerators"):
        across_worlds(ensemble, {"more": tariff.replace(accelerator_threshold=0.3, accelerator_fee_gbp=100)})
    with pytest.raises(InvalidInputError, match="objective"):
        best_in_hindsight(ensemble, "parking")
