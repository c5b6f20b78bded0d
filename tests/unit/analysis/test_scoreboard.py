"""The scoreboard and the register: every fact once, every assumption once, nothing in sample hidden."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit

from pbr_opt import Caseload, InvalidInputError, Programme, Tariff, evaluate, load
from pbr_opt.analysis.ensemble import Ensemble
from pbr_opt.analysis.predictions import MEASURES, of_worlds
from pbr_opt.analysis.register import REGISTER_COLUMNS, assumptions_register
from pbr_opt.analysis.scoreboard import VERDICTS, national_of, scoreboard
from pbr_opt.analysis.sensitivity import rank_inputs
from pbr_opt.analysis.whole_facts import RECESSION, WHOLE_MEASURES
from pbr_opt.analysis.world_inputs import WorldInputs
from pbr_opt.analysis.worlds import plausible_worlds
from pbr_opt.evaluation import Evaluation
from pbr_opt.market.facts import Fact
from pbr_opt.programmes.facts import load_facts, load_priors
from pbr_opt.report.worlds import scoreboard_text

NAME, CHAIN = "work_programme_2011", "work_programme_2011_chain"
FACTS = load_facts(NAME)


@pytest.fixture(scope="module")
def ensemble() -> Ensemble:
    return plausible_worlds(WorldInputs(load(NAME), load_priors(NAME)), FACTS, 4096)


@lru_cache
def evaluated(name: str) -> Evaluation:
    """Return a programme's equilibrium, computed once."""
    return evaluate(load(name))


@pytest.fixture(scope="module", params=[NAME, CHAIN])
def evaluation(request: pytest.FixtureRequest) -> Evaluation:
    return evaluated(request.param)


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
    assert set(table["verdict"]) <= set(VERDICTS[:-1])
    assert set(table["fact"][table["p50"].notna()]) == {fact.id for fact in of_worlds(FACTS)}
    said = table.dropna(subset=["p50"])
    assert len(said) > 25
    assert (said["p10"] <= said["p50"]).all()
    assert (said["p50"] <= said["p90"]).all()


def test_the_central_case_gives_back_what_it_was_fitted_to() -> None:
    table = scoreboard(load(NAME), FACTS).set_index("fact")
    rows = table.to_dict("index")
    for group in "1267":
        assert rows[f"outcome_rate/{group}"]["distance"] < 1e-6
        assert rows[f"outcome_rate/{group}"]["in_sample"]
    assert not rows["outcome_rate/all"]["in_sample"]
    assert "p10" not in table.columns


@pytest.fixture(scope="module")
def chain_board() -> dict[str, dict[str, float]]:
    """Return what the chain of 2011 predicts, by fact."""
    return scoreboard(load(CHAIN), load_facts(CHAIN)).set_index("fact").to_dict("index")  # type: ignore[return-value]


@pytest.fixture(scope="module")
def agents() -> pd.DataFrame:
    """Return the books of everybody in that chain but the Department."""
    books = evaluated(CHAIN).to_frame("agents")
    return books[books["kind"] != "department"]


def test_the_chain_is_scored_on_its_contracts_and_its_organisations(
    chain_board: dict[str, dict[str, float]], agents: pd.DataFrame
) -> None:
    rows = chain_board
    assert 0 < rows["contract_rate_ratio/lowest"]["predicted"] < 1 < rows["contract_rate_ratio/highest"]["predicted"]
    below = agents[agents["kind"].isin(["tier1", "tier2"])]
    voluntary = below[below["sector"] == "voluntary"]
    assert rows["subcontractors_left_share"]["predicted"] == pytest.approx(1 - below["active"].mean())
    assert rows["voluntary_without_referrals_share"]["predicted"] == (voluntary["referrals"] == 0).mean()
    assert rows["voluntary_short_of_capital_share"]["predicted"] == (voluntary["shadow_price"] > 0).mean()


def test_who_is_used_and_who_leaves_is_read_off_the_books(
    chain_board: dict[str, dict[str, float]], agents: pd.DataFrame
) -> None:
    """The same shares by names and columns of the books instead of agents and accounts."""
    said = {name: row["predicted"] for name, row in chain_board.items()}
    tiers = {kind: agents[agents["kind"] == kind] for kind in ("tier1", "tier2")}
    idle = {kind: (books["referrals"] == 0).mean() for kind, books in tiers.items()}
    assert said["without_referrals_gap/tier2_to_tier1"] == pytest.approx(idle["tier2"] - idle["tier1"])
    assert said["tier2_never_used_share"] == (tiers["tier2"]["left_because"] == "no referrals").mean()
    special = tiers["tier2"][tiers["tier2"]["agent"].str.contains("health|prison leavers", regex=True)]
    for reason in ("income below cost", "no referrals"):
        share = (special["left_because"] == reason).mean()
        assert said[f"complex_needs_left_share/{reason.replace(' ', '_')}"] == share


@pytest.mark.parametrize(("place", "column"), [("referrals", "referrals"), ("profit", "profit_gbp")])
def test_position_against_sector_is_a_ratio_of_between_group_variances(
    place: str, column: str, chain_board: dict[str, dict[str, float]], agents: pd.DataFrame
) -> None:
    between = [agents.groupby(by)[column].transform("mean").var(ddof=0) for by in ("kind", "sector")]
    assert chain_board[f"position_over_sector/{place}"]["predicted"] == pytest.approx(between[0] / between[1])
    assert chain_board[f"position_over_sector/{place}"]["in_sample"]


def test_one_price_treats_nobody_otherwise_where_there_is_one_price() -> None:
    """Two groups alike and priced alike: one price for all is today's price, and groups explain nothing."""
    people = Caseload(["a", "a", "b", "b"], [10, 20, 10, 20], [0.1, 0.3] * 2, [0.3, 0.4] * 2, 500)
    facts = [Fact(f"one_price/{place}", 0, 0.1, "at_most", excludes=False) for place in ("turned", "moved")]
    facts.append(Fact("support_between_groups_share", 0, 0.2, "at_most", excludes=False))
    board = scoreboard(Programme("p", people, Tariff(["a", "b"], 0, 4000)), facts).set_index("fact")["predicted"]
    assert board["one_price/turned"] == 0.0
    assert board["one_price/moved"] < 1e-6
    assert board["support_between_groups_share"] == pytest.approx(0.0, abs=1e-12)


def test_what_a_recession_takes_of_margins_is_worked_out_by_hand() -> None:
    """By hand: everybody's logits 0.2 lower, the books again, margin per person given."""
    facts = [Fact("margin_lost_ratio/tier1_to_prime", 1, 0.1, "at_least", excludes=False)]
    worked = load("worked_example")
    caseload = worked.caseload
    worse = {name: expit(logit(getattr(caseload, name)) + RECESSION) for name in ("deadweight_rate", "ceiling_rate")}
    lost = {}
    after = evaluate(worked.replace(caseload=caseload.replace(**worse), central_case=None))
    for kind in ("tier1", "prime"):
        margins = []
        for there in (evaluate(worked), after):
            books = there.to_frame("agents").query("kind == @kind")
            margins.append(books["profit_gbp"].sum() / books["referrals"].sum())
        lost[kind] = 1 - margins[1] / margins[0]
    found = scoreboard(worked, facts)["predicted"][0]
    assert found == pytest.approx(lost["tier1"] / lost["prime"], rel=1e-9)


def test_where_there_is_no_chain_facts_about_it_meet_silence() -> None:
    facts = [fact for fact in load_facts(CHAIN) if fact not in FACTS and fact not in of_worlds([fact])]
    board = scoreboard(load(NAME), facts).set_index("fact")
    others = board.drop("share_shift_lost_share")  # two primes can be thought of without a chain
    assert set(others["verdict"]) == {"silent"}
    assert "silent" in scoreboard_text(board.reset_index())


def test_no_measure_has_two_definitions() -> None:
    assert not set(MEASURES) & set(WHOLE_MEASURES)


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
