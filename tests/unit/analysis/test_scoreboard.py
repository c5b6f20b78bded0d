"""The scoreboard and the register: every fact once, every assumption once, nothing in sample hidden."""

from __future__ import annotations

import numpy as np
import pytest

from pbr_opt import InvalidInputError, evaluate, load
from pbr_opt.analysis.ensemble import Ensemble
from pbr_opt.analysis.register import REGISTER_COLUMNS, assumptions_register
from pbr_opt.analysis.scoreboard import VERDICTS, national_of, scoreboard
from pbr_opt.analysis.sensitivity import rank_inputs
from pbr_opt.analysis.world_inputs import WorldInputs
from pbr_opt.analysis.worlds import plausible_worlds
from pbr_opt.evaluation import Evaluation
from pbr_opt.market.facts import Fact
from pbr_opt.programmes.facts import load_facts, load_priors

NAME, CHAIN = "work_programme_2011", "work_programme_2011_chain"
FACTS = load_facts(NAME)


@pytest.fixture(scope="module")
def ensemble() -> Ensemble:
    return plausible_worlds(WorldInputs(load(NAME), load_priors(NAME)), FACTS, 4096)


@pytest.fixture(scope="module", params=[NAME, CHAIN])
def evaluation(request: pytest.FixtureRequest) -> Evaluation:
    return evaluate(load(request.param))


def test_an_evaluation_read_as_a_nation_has_its_metrics(evaluation: Evaluation) -> None:
    there = national_of(evaluation)
    for name, value in there.measures().items():
        assert value[0] == pytest.approx(getattr(evaluation.metrics, name), rel=1e-10), name


def test_contract_rates_average_to_the_national_rate(evaluation: Evaluation) -> None:
    there = national_of(evaluation)
    rates = there.contract_outcome_rate[0]
    assert rates.min() <= there.outcomes.sum() / there.people[0] <= rates.max() + 1e-12
    assert rates.size == (1 if evaluation.programme.supply_chain is None else 40)


def test_every_fact_has_one_row_out_of_sample_first(ensemble: Ensemble) -> None:
    table = scoreboard(load(NAME), FACTS, ensemble)
    assert sorted(table["fact"]) == sorted(fact.id for fact in FACTS)
    assert table["in_sample"].is_monotonic_increasing
    assert set(table["verdict"]) <= set(VERDICTS)
    assert (table["p10"] <= table["p50"]).all()
    assert (table["p50"] <= table["p90"]).all()


def test_the_central_case_gives_back_what_it_was_fitted_to() -> None:
    table = scoreboard(load(NAME), FACTS).set_index("fact")
    rows = table.to_dict("index")
    for group in "1267":
        assert rows[f"outcome_rate/{group}"]["distance"] < 1e-6
        assert rows[f"outcome_rate/{group}"]["in_sample"]
    assert not rows["outcome_rate/all"]["in_sample"]
    assert "p10" not in table.columns


def test_the_chain_is_scored_on_its_contracts_and_its_organisations() -> None:
    rows = scoreboard(load(CHAIN), load_facts(CHAIN)).set_index("fact").to_dict("index")
    assert 0 < rows["contract_rate_ratio/lowest"]["predicted"] < 1 < rows["contract_rate_ratio/highest"]["predicted"]
    agents = evaluate(load(CHAIN)).to_frame("agents")
    below = agents[agents["kind"].isin(["tier1", "tier2"])]
    voluntary = below[below["sector"] == "voluntary"]
    assert rows["subcontractors_left_share"]["predicted"] == pytest.approx(1 - below["active"].mean())
    assert rows["voluntary_without_referrals_share"]["predicted"] == (voluntary["referrals"] == 0).mean()
    assert rows["voluntary_short_of_capital_share"]["predicted"] == (voluntary["shadow_price"] > 0).mean()


def test_a_fact_about_organisations_cannot_exclude_worlds() -> None:
    with pytest.raises(InvalidInputError, match="no specialists"):
        scoreboard(load(NAME), [Fact("subcontractors_left_share", 0.36, 0.1)])


def test_the_register_has_every_assumption_and_every_prior_once() -> None:
    programme, priors = load(NAME), load_priors(NAME)
    ranking = rank_inputs(WorldInputs(programme, priors), base=64)
    table = assumptions_register(programme, priors, ranking)
    assert tuple(table.columns) == REGISTER_COLUMNS
    assert table["id"].is_unique
    assert set(table["id"]) == {figure.id for figure in programme.assumptions} | {prior.id for prior in priors}
    assert table["rank"].dropna().tolist() == list(range(1, len(priors) + 1))
    assert (table["low"] <= table["value"]).all()
    assert (table["value"] <= table["high"]).all()
    assert set(table["quality"]) <= {"A", "A/B", "B", "B/C", "C", "A/C", "none"}
    assert not (table["status"] == "confirmed").any()


def test_the_register_without_a_ranking_has_no_ranks() -> None:
    table = assumptions_register(load(NAME))
    assert table["rank"].isna().all()
    assert np.isnan(table["share_of_variance"]).all()
