"""Facts and priors of folders: what a base says, what a folder adds, and every fault with its line."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pbr_opt import InvalidInputError, ProgrammeDataError, load
from pbr_opt.programmes.facts import load_facts, load_priors
from tests.unit.programmes.folders import small_folder

FACTS = "id,value,tolerance,kind,status,source,excludes,in_sample\n"
PRIORS = "id,low,high,shape,status,source\n"


def test_a_chain_has_the_facts_and_priors_of_its_base_and_its_own() -> None:
    base, chain = load_facts("work_programme_2011"), load_facts("work_programme_2011_chain")
    assert chain[: len(base)] == base
    assert {fact.id for fact in chain[len(base) :]} == {
        "contract_rate_ratio/lowest",
        "contract_rate_ratio/highest",
        "subcontractors_left_share",
        "voluntary_without_referrals_share",
        "voluntary_short_of_capital_share",
        "without_referrals_gap/tier2_to_tier1",
        "tier2_never_used_share",
        "position_over_sector/referrals",
        "position_over_sector/profit",
        "margin_lost_ratio/tier1_to_prime",
        "complex_needs_left_share/income_below_cost",
        "complex_needs_left_share/no_referrals",
        "share_shift_lost_share",
    }
    ours = {prior.id for prior in load_priors("work_programme_2011_chain")}
    theirs = {prior.id for prior in load_priors("work_programme_2011")}
    assert ours - theirs == {"pass_through", "tier1_share", "working_capital_gbp"}


@pytest.mark.parametrize("name", ["work_programme_2011", "work_programme_2011_chain"])
def test_every_fact_has_a_source_and_every_uncertain_figure_is_a_prior(name: str) -> None:
    assert all(fact.source for fact in load_facts(name))
    priors = {prior.id: prior for prior in load_priors(name)}
    for figure in load(name).assumptions:
        low, high = figure.range
        if low < high and figure.id.partition("/")[0] not in ("evidence", "chain"):
            assert (priors[figure.id].low, priors[figure.id].high) == (low, high)


def test_facts_agree_with_the_figures_that_say_the_same() -> None:
    """One number, two files: the published rates are facts and inputs of the central case."""
    figures = {figure.id: figure.value for figure in load("work_programme_2011").figures}
    facts = {fact.id: fact.value for fact in load_facts("work_programme_2011")}
    for group in "1267":
        assert facts[f"outcome_rate/{group}"] == figures[f"observed_rate/{group}"]
    assert facts["provider_spend_gbp/harder_to_help"] == figures["evidence/spend_per_participant_gbp"]
    assert facts["median_sustainments/13_weeks"] == figures["evidence/median_sustainment_payments"]
    paid = {g: figures[f"evidence/job_outcome_payments_gbp/{g}"] for g in "123456789"}
    for group, amount in paid.items():
        assert facts[f"payment_share/{group}"] == pytest.approx(amount / sum(paid.values()), rel=3e-3)


def test_a_folder_without_the_files_has_no_facts(tmp_path: Path) -> None:
    folder = small_folder(tmp_path)
    assert load_facts(folder) == ()


def test_faults_are_reported_together_with_their_lines(tmp_path: Path) -> None:
    folder = small_folder(tmp_path)
    (folder / "facts.csv").write_text(
        FACTS + "a,x,1,equal,confirmed,S1,yes,no\nb,1,0,near,confirmed,S9,maybe,no\n", encoding="utf-8"
    )
    with pytest.raises(InvalidInputError) as caught:
        load_facts(folder)
    places = [fault.place for fault in caught.value.faults]
    assert places == [
        "facts.csv line 2, column 'value'",
        "facts.csv line 3, column 'excludes'",
        "facts.csv line 3, column 'source'",
        "facts.csv line 3, column 'tolerance'",
        "facts.csv line 3, column 'kind'",
    ]
    (folder / "priors.csv").write_text(
        PRIORS + "uplift,,2,log,assumed,\nspread,2,1,uniform,assumed,S7\n", encoding="utf-8"
    )
    with pytest.raises(InvalidInputError) as caught:
        load_priors(folder)
    assert [fault.place.split(",")[0] for fault in caught.value.faults] == ["priors.csv line 2"] + 2 * [
        "priors.csv line 3"
    ]


def test_a_misspelt_file_is_noticed(tmp_path: Path) -> None:
    folder = small_folder(tmp_path)
    shutil.copy(folder / "tariff.csv", folder / "fact.csv")
    with pytest.raises(InvalidInputError, match=r"rename 'fact\.csv'"):
        load_facts(folder)


def test_a_programme_that_is_not_there() -> None:
    with pytest.raises(ProgrammeDataError, match="did you mean"):
        load_facts("work_programme_2012")
