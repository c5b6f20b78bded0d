"""Tariffs designed for worlds: safe in them, never better than what knows its world, judged in worlds not seen."""

from __future__ import annotations

import numpy as np
import pytest

from pbr_opt import Budget, InvalidInputError, Parked, PriceRange, UnsupportedModelError, evaluate, load, optimise
from pbr_opt.analysis.ensemble import Ensemble
from pbr_opt.analysis.sweep import SweepSettings
from pbr_opt.analysis.world_answers import across_worlds
from pbr_opt.analysis.world_designs import (
    AVERAGE,
    WorldDesigns,
    WorldDesignSettings,
    design_for_worlds,
    list_prices,
)
from pbr_opt.analysis.world_inputs import WorldInputs
from pbr_opt.analysis.worlds import plausible_worlds
from pbr_opt.errors import DesignInfeasibleError
from pbr_opt.programmes.facts import load_facts, load_priors
from pbr_opt.quantities import SPEND_RELATIVE

NAME = "work_programme_2011"
ASKED = WorldDesignSettings(worlds=6, rise=0.2)
TAIL, WORST = "robust: dearest 20 %", "robust: worst case"


@pytest.fixture(scope="module")
def ensemble() -> Ensemble:
    return plausible_worlds(WorldInputs(load(NAME), load_priors(NAME)), load_facts(NAME), 8192)


@pytest.fixture(scope="module")
def designs(ensemble: Ensemble) -> WorldDesigns:
    double = load(NAME).tariff.at_price(2 * load(NAME).tariff.price_gbp)
    return design_for_worlds(across_worlds(ensemble, {"double": double}), {"double": double}, ASKED)


def test_each_keeps_its_budget_in_the_worlds_it_promises(designs: WorldDesigns) -> None:
    spend = {label: designs.here.values(label, "spend_gbp") for label in designs.robust}
    most = designs.budget_gbp * (1.0 + SPEND_RELATIVE)
    assert spend[AVERAGE].mean() <= most
    assert spend[WORST].max() <= most
    assert designs.robust[TAIL].outlook.spend_tail_gbp(0.2) <= most
    assert designs.overspend_probability(WORST, designs.here) == 0.0
    assert designs.overspend_probability("double", designs.here) == pytest.approx(1.0)


def test_nothing_within_the_budget_does_better_than_what_knows_its_world(designs: WorldDesigns) -> None:
    assert (designs.hindsight["spend_gbp"] <= designs.budget_gbp * (1.0 + SPEND_RELATIVE)).all()
    for label in designs.labels:
        within = designs.here.values(label, "spend_gbp") <= designs.budget_gbp
        assert (designs.regret(label)[within] >= -1e-9).all()
        assert designs.regret(label).shape == (6,)
    assert (designs.regret("double") < 0).any()  # it overspends


def test_a_world_is_designed_for_as_the_optimiser_would(designs: WorldDesigns) -> None:
    few, own = designs.here.ensemble, load(NAME).tariff
    for k, world in enumerate(few.programmes()[:2]):
        limits = [Budget(designs.budget_gbp), PriceRange(0)]
        best = optimise(world.replace(tariff=own), minimise=Parked(), limits=limits)
        assert designs.hindsight["parked_share"][k] == pytest.approx(best.evaluation.metrics.parked_share, abs=1e-12)
        for group, price in zip(few.inputs.groups, best.tariff.aligned(few.inputs.groups).price_gbp, strict=True):
            assert designs.hindsight[f"price_gbp/{group}"][k] == pytest.approx(price)


def test_caution_costs_and_buys_what_the_table_says(designs: WorldDesigns) -> None:
    table = designs.to_frame().set_index("tariff")
    assert list(table.index) == [*designs.labels, "knowing the world"]
    assert table["caution"][AVERAGE] == 0.0
    assert (table["caution"].dropna() >= -1e-3).all()
    parked = designs.here.values(WORST, "parked_share")
    assert table["worst_parked_share"][WORST] == parked.max()
    assert table["mean_parked_share"][WORST] == pytest.approx(parked.mean())
    every = designs.everywhere.values(WORST, "spend_gbp")
    assert every.size == len(designs.everywhere.ensemble) > 6
    assert table["overspends_everywhere"][WORST] == pytest.approx((every > designs.budget_gbp).mean())
    assert table["status"][AVERAGE] == "optimal"


def test_prices_are_quantiles_of_single_worlds_beside_those_for_all(designs: WorldDesigns) -> None:
    table = designs.prices().set_index("group")
    for group in table.index:
        single = np.sort(designs.hindsight[f"price_gbp/{group}"])
        assert table["p10_gbp"][group] == single[0]
        assert table["p50_gbp"][group] == single[2]
        assert table["p90_gbp"][group] == single[-1]
        listed = list_prices(load(NAME).tariff, ASKED.rise)
        assert table[AVERAGE][group] == pytest.approx(listed[np.argmin(np.abs(listed - table[AVERAGE][group]))])
    assert table["today_gbp"].tolist() == load(NAME).tariff.price_gbp.tolist()
    assert len(designs.worlds()) == 6


def test_two_processes_find_the_same(ensemble: Ensemble, designs: WorldDesigns) -> None:
    told: list[tuple[int, int]] = []
    answers = across_worlds(ensemble, {})
    again = design_for_worlds(answers, {}, ASKED, SweepSettings("processes:2", 2), lambda k, of: told.append((k, of)))
    assert all(np.array_equal(again.hindsight[name], column) for name, column in designs.hindsight.items())
    assert told[-1] == (10, 10)
    assert [k for k, _ in told] == sorted(k for k, _ in told)


def test_a_budget_is_taken_or_refused(ensemble: Ensemble) -> None:
    answers = across_worlds(ensemble, {})
    ample = WorldDesignSettings(2, 0.5, 2.0e9, 0.5)
    designs = design_for_worlds(answers, {}, ample)
    assert designs.budget_gbp == 2.0e9
    assert "robust: dearest 50 %" in designs.labels
    assert evaluate(designs.here.ensemble.programmes()[0], designs.robust[AVERAGE].tariff).spend_gbp > 0
    with pytest.raises(DesignInfeasibleError):
        design_for_worlds(answers, {}, WorldDesignSettings(2, budget_gbp=1e6, rise=0.5))


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(InvalidInputError) as caught:
        WorldDesignSettings(0, 2.0, -1.0, 0.0)
    assert {fault.place for fault in caught.value.faults} == {"worlds", "tail", "budget_gbp", "rise"}
    name = "work_programme_2011_chain"
    chained = plausible_worlds(WorldInputs(load(name), load_priors(name)), [], 2)
    with pytest.raises(UnsupportedModelError, match="supply chain"):
        design_for_worlds(across_worlds(chained, {}), {})
