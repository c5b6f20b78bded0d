"""Sensitivity: known functions, an independent library, and the worlds of 2011."""

from __future__ import annotations

import numpy as np
import pytest

from pbr_opt import InvalidInputError, load
from pbr_opt.analysis.ensemble import Ensemble
from pbr_opt.analysis.national import national_equilibrium
from pbr_opt.analysis.nations import National
from pbr_opt.analysis.sensitivity import (
    pawn_indices,
    rank_inputs,
    rank_kept,
    sobol_indices,
    switching_values,
    tornado,
)
from pbr_opt.analysis.world_inputs import WorldInputs
from pbr_opt.analysis.worlds import plausible_worlds
from pbr_opt.programmes.facts import load_facts, load_priors
from pbr_opt.quantities import FloatArray

NAME = "work_programme_2011"
ESTIMATED = 0.02
"""Error of an index at the sizes used here: quasi-random points do better than 1/sqrt(n)."""


def ishigami(points: FloatArray) -> FloatArray:
    """Return the function on which everybody tries sensitivity indices."""
    x = np.pi * (2 * points - 1)
    return np.asarray(np.sin(x[:, 0]) + 7 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0]))


@pytest.fixture(scope="module")
def ensemble() -> Ensemble:
    return plausible_worlds(WorldInputs(load(NAME), load_priors(NAME)), load_facts(NAME), 16_384)


def test_sobol_indices_of_a_function_whose_indices_are_known() -> None:
    """Ishigami and Homma (1990): V = a**2/8 + b pi**4/5 + b**2 pi**8/18 + 1/2."""
    there = sobol_indices(ishigami, 3, base=4096)
    variance = 49 / 8 + 0.1 * np.pi**4 / 5 + 0.01 * np.pi**8 / 18 + 0.5
    first = np.array([0.5 * (1 + 0.1 * np.pi**4 / 5) ** 2, 49 / 8, 0.0]) / variance
    together = 0.01 * np.pi**8 * (1 / 18 - 1 / 50) / variance
    assert there.first == pytest.approx(first, abs=ESTIMATED)
    assert there.total == pytest.approx(first + np.array([together, 0.0, together]), abs=ESTIMATED)


def test_sobol_and_pawn_agree_with_an_independent_library() -> None:
    pytest.importorskip("SALib")
    from SALib.analyze import pawn, sobol
    from SALib.sample import sobol as sampler

    problem = {"num_vars": 3, "names": ["a", "b", "c"], "bounds": [[0.0, 1.0]] * 3}
    drawn = sampler.sample(problem, 4096, calc_second_order=False, seed=7)
    theirs = sobol.analyze(problem, ishigami(drawn), calc_second_order=False, seed=7)
    ours = sobol_indices(ishigami, 3, base=4096)
    assert ours.first == pytest.approx(theirs["S1"], abs=ESTIMATED)
    assert ours.total == pytest.approx(theirs["ST"], abs=ESTIMATED)
    points = np.random.default_rng(3).random((4000, 3))
    distances = pawn.analyze(problem, points, ishigami(points), S=8, seed=7)["median"]
    assert pawn_indices(points, ishigami(points)) == pytest.approx(distances, abs=0.01)


def test_a_function_that_does_not_vary_has_no_indices() -> None:
    there = sobol_indices(lambda points: np.ones(len(points)), 2, base=8)
    assert there.first.tolist() == there.total.tolist() == [0.0, 0.0]


def test_pawn_does_not_mind_the_unit_of_an_input() -> None:
    points = np.random.default_rng(1).random((800, 2))
    output = points[:, 0] + 0.1 * points[:, 1]
    assert np.array_equal(pawn_indices(points, output), pawn_indices(np.exp(9 * points), output))


def test_a_base_that_is_no_power_of_two_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="power of two"):
        sobol_indices(ishigami, 3, base=1000)


def test_what_support_can_do_matters_most_before_facts_and_not_after(ensemble: Ensemble) -> None:
    """The facts fix much of what the prior of the uplift leaves open: its rank falls when worlds are excluded."""
    table = rank_inputs(ensemble.inputs, base=128).set_index("id")
    before, after = table.to_dict("index"), rank_kept(ensemble).set_index("id").to_dict("index")
    assert before["uplift"]["rank"] == 1
    assert before["uplift"]["total"] > 0.5
    assert after["uplift"]["rank"] > 1
    assert sorted(table["rank"]) == list(range(1, len(ensemble.inputs.ids) + 1))


def test_inputs_that_cannot_matter_do_not(ensemble: Ensemble) -> None:
    """What society would pay and what the base service costs change nothing that a provider does."""
    for table, column in ((rank_inputs(ensemble.inputs, base=64), "total"), (tornado(ensemble), "swing")):
        idle = table.set_index("id").loc[["outcome_value_gbp", "base_service_gbp", "attachment_taper/2"], column]
        assert idle.tolist() == [0.0, 0.0, 0.0]


def test_a_tornado_moves_one_input_and_nothing_else(ensemble: Ensemble) -> None:
    (row,) = tornado(ensemble, lambda there: there.spend_gbp, ["discount_rate"]).to_dict("records")
    assert row["at_low"] >= row["centre"] >= row["at_high"], "later money is worth less"
    assert row["largest_swing"] >= row["swing"] > 0
    table = tornado(ensemble)
    assert table["swing"].is_monotonic_decreasing
    assert table["centre"].iloc[0] == pytest.approx(float(ensemble.weight @ ensemble.measures["parked_share"]))


def test_at_a_switching_value_the_conclusion_turns(ensemble: Ensemble) -> None:
    def margin(there: National) -> FloatArray:
        return 0.5 - there.parked_share

    rows = switching_values(ensemble, margin).set_index("id").to_dict("index")
    row = rows["uplift"]
    assert row["low"] < row["switches_at"] < row["high"]
    prior = ensemble.inputs.priors[ensemble.inputs.ids.index("uplift")]
    k = ensemble.inputs.ids.index("uplift")
    points = np.repeat(ensemble.points[ensemble.most_plausible][None], 2, axis=0)
    step = 1.0 / 32
    points[:, k] = prior.quantile(float(row["switches_at"])) + np.array([-step, step])
    moved = ensemble.inputs.nations(ensemble.inputs.values(points))
    signs = np.sign(margin(national_equilibrium(moved, ensemble.inputs.contracts)))
    assert signs[0] != signs[1]
    assert np.isnan(rows["outcome_value_gbp"]["switches_at"])


def test_an_unknown_input_is_refused(ensemble: Ensemble) -> None:
    with pytest.raises(InvalidInputError, match="did you mean 'uplift'"):
        tornado(ensemble, ids=["upliftt"])
