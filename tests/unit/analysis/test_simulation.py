"""Playing a programme person by person: agreement with the closed forms, reproducibility, cash, bad input."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from functools import lru_cache
from typing import Final

import numpy as np
import pytest

from pbr_opt import CertificateError, InvalidInputError, Programme, UnsupportedModelError
from pbr_opt.analysis.simulation import Simulation, simulate
from pbr_opt.analysis.simulation_agreement import MEASURES
from pbr_opt.analysis.simulation_ledger import PAYMENTS
from pbr_opt.analysis.simulation_settings import BLOCK, SimulationSettings
from pbr_opt.programmes.registry import load
from tests.unit.analysis.simulated_worlds import NO_FEE, chained, returning, stayers

PENNY: Final = 0.005
SIGMAS: Final = 4.5
"""Two-sided chance of 7e-6 for a normal variable: seeds are fixed, and a re-drawn one should not fail by bad luck."""
FOUR_GIB: Final = 4 * 2**30


@lru_cache(maxsize=1)
def _whole() -> Simulation:
    return simulate(stayers(), participants=40_000, seed=3, settings=SimulationSettings(unclaimed_share=0.1))


@lru_cache(maxsize=1)
def _through_chain() -> Simulation:
    rules = SimulationSettings(replications=40, unclaimed_share=0.05)
    return simulate(chained(), participants=20_000, seed=5, settings=rules)


# Agreement with the closed forms


def test_simulated_payments_agree_with_the_closed_forms() -> None:
    there = _whole().agreement
    assert there.departures == ()
    assert there.holds, there.sentence
    assert there.z.shape == (len(MEASURES), 3)  # two groups and all
    there.require()


@pytest.mark.parametrize("window", [6, 20, 60])
def test_they_agree_with_reentry_too(window: int) -> None:
    programme = returning(window)
    rules = SimulationSettings(reentry="closed_form", ledger=False)
    there = simulate(programme, participants=60_000, seed=window, settings=rules).agreement
    assert there.departures == ()
    assert there.holds, there.sentence


def test_they_agree_through_a_chain() -> None:
    assert _through_chain().agreement.holds, _through_chain().agreement.sentence


def test_the_standard_error_is_that_of_chance() -> None:
    """Over 200 programmes z has mean 0 and variance 1: five measures that are not independent, so each on its own."""
    settings = SimulationSettings(ledger=False)
    z = np.array([simulate(stayers(), participants=4_000, seed=k, settings=settings).agreement.z for k in range(200)])
    everybody = z[:, :, -1]
    assert np.abs(everybody.mean(axis=0)).max() < SIGMAS / np.sqrt(200)
    assert np.abs(everybody.var(axis=0) - 1.0).max() < SIGMAS * np.sqrt(2.0 / 200)


def test_the_standard_error_with_reentry_is_that_of_chance() -> None:
    settings = SimulationSettings(ledger=False, reentry="closed_form")
    z = np.array([simulate(returning(), participants=4_000, seed=k, settings=settings).agreement.z for k in range(200)])
    everybody = z[:, :-1, -1]  # there is no taper: attachment fees are certain
    assert np.abs(everybody.mean(axis=0)).max() < SIGMAS / np.sqrt(200)
    assert np.abs(everybody.var(axis=0) - 1.0).max() < SIGMAS * np.sqrt(2.0 / 200)


def test_a_disagreement_is_seen_and_said() -> None:
    there = _whole().agreement
    wrong = replace(there, simulated=there.simulated * 1.05)
    assert not wrong.holds
    with pytest.raises(CertificateError, match="DO NOT AGREE"):
        wrong.require()


def test_rules_that_the_closed_forms_leave_out_are_named_and_matter() -> None:
    base = simulate(
        returning(60), participants=30_000, settings=SimulationSettings(ledger=False, reentry="closed_form")
    )
    for rules, word in (
        (SimulationSettings(ledger=False), "after the allotted weeks bring nothing"),
        (SimulationSettings(ledger=False, reentry="job_finding"), "as fast as they found it"),
        (SimulationSettings(ledger=False, reentry="closed_form", run_on=False), "nothing is paid after the allotted"),
    ):
        there = simulate(returning(60), participants=30_000, settings=rules)
        assert any(word in said for said in there.agreement.departures)
        assert not there.agreement.holds
        assert word in there.agreement.sentence
        there.agreement.require()  # a finding and not an error
        assert there.tally.sustainments.sum() < base.tally.sustainments.sum()


def test_outcome_rates_are_those_of_paid_outcomes_whatever_goes_unclaimed() -> None:
    there = _whole()
    claimed = there.tally.outcomes.sum() / there.tally.earned.sum()
    assert claimed == pytest.approx(0.9, abs=SIGMAS * np.sqrt(0.09 / there.tally.earned.sum()))
    assert (there.tally.worked >= there.tally.earned).all()
    assert (there.tally.earned >= there.tally.outcomes).all()


def test_the_programme_says_what_is_unclaimed_and_how_many_weeks_make_an_outcome() -> None:
    programme, rules = load("work_programme_2011"), SimulationSettings()
    assert rules.unclaimed(programme) == pytest.approx(0.0909)
    assert rules.weeks_in_work(programme).tolist() == [26, 26, 13, 13, 13, 13, 13, 13, 26]
    assert rules.unclaimed(stayers()) == 0.0
    assert SimulationSettings(unclaimed_share=0.2).unclaimed(programme) == 0.2


def test_the_bundled_programme_agrees() -> None:
    there = simulate(
        load("work_programme_2011"), participants=100_000, seed=11, settings=SimulationSettings(ledger=False)
    )
    assert there.agreement.holds, there.agreement.sentence
    assert there.spend_gbp[0] == pytest.approx(there.evaluation.spend_gbp * there.scale, rel=0.02)


# One seed, one answer


def _same(one: Simulation, other: Simulation) -> bool:
    names = ("spend_gbp", "present_spend_gbp", "profit_gbp", "peak_working_capital_gbp", "insolvent")
    books = all(np.array_equal(getattr(one, name), getattr(other, name)) for name in names)
    cash = all(np.array_equal(item, other.cash.items[name]) for name, item in one.cash.items.items())
    assert one.ledger is not None
    assert other.ledger is not None
    columns = ("kind", "week", "participant", "agent", "amount_gbp")
    return books and cash and all(np.array_equal(getattr(one.ledger, c), getattr(other.ledger, c)) for c in columns)


@pytest.mark.parametrize("chunk", [1, BLOCK, 2 * BLOCK + 1, 10 * BLOCK])
def test_results_are_the_same_whatever_is_simulated_at_once(chunk: int) -> None:
    people = 4 * BLOCK + 17
    usual = simulate(chained(), participants=people, seed=2)
    other = simulate(chained(), participants=people, seed=2, settings=SimulationSettings(chunk_participants=chunk))
    assert _same(usual, other)


def test_replications_are_independent_of_how_many_there_are() -> None:
    few, more = (simulate(stayers(), participants=3_000, settings=SimulationSettings(replications=n)) for n in (2, 3))
    assert np.array_equal(few.spend_gbp, more.spend_gbp[:2])
    assert np.unique(more.spend_gbp).size == 3


def test_another_seed_is_another_world() -> None:
    assert not _same(simulate(stayers(), seed=1), simulate(stayers(), seed=2))


def test_progress_is_told_after_each_replication() -> None:
    told: list[tuple[int, int]] = []
    rules = SimulationSettings(replications=3, ledger=False)
    simulate(stayers(), participants=100, settings=rules, tick=lambda done, total: told.append((done, total)))
    assert told == [(1, 3), (2, 3), (3, 3)]


# Money by agent


def test_the_ledger_adds_up_to_spend_and_to_cash_by_agent() -> None:
    there = _through_chain()
    assert there.ledger is not None
    received = sum(there.cash.items[f"{kind}_gbp"].sum(axis=1) for kind in PAYMENTS)
    np.testing.assert_allclose(there.ledger.total_gbp, received, atol=PENNY)
    assert there.ledger.total_gbp[there.agents.index("P")] == pytest.approx(there.spend_gbp[0], abs=PENNY)


def test_the_ledger_as_a_table_has_every_payment() -> None:
    there = _through_chain()
    assert there.ledger is not None
    frame = there.ledger.to_frame()
    assert len(frame) == len(there.ledger)
    by_payee = frame.groupby("payee", observed=False)["amount_gbp"].sum()
    for name, total in zip(there.agents, there.ledger.total_gbp, strict=True):
        assert by_payee.get(name, 0.0) == pytest.approx(total, abs=PENNY)
    assert set(frame.loc[frame["payee"] == "S", "payer"]) == {"T"}
    assert set(frame["group"].unique()) == {"x", "y"}


def test_what_one_agent_pays_on_others_receive_in_every_month() -> None:
    items = _through_chain().cash.items
    money_in = sum(items[f"{kind}_gbp"] for kind in PAYMENTS) + items["lump_sum_gbp"]
    np.testing.assert_allclose(money_in.sum(axis=0) + items["paid_on_gbp"].sum(axis=0), 0.0, atol=PENNY)


def test_the_department_passes_on_what_the_treasury_gives() -> None:
    there = _through_chain()
    assert np.abs(there.cash.net_gbp[0]).max() < PENNY
    assert there.cash.items["treasury_gbp"][0].sum() == pytest.approx(there.spend_gbp[0], abs=PENNY)


def test_monthly_cash_adds_up_to_profit() -> None:
    there = _through_chain()
    np.testing.assert_allclose(there.cash.profit_gbp, there.profit_gbp[0], atol=PENNY)


def test_expected_profit_of_every_agent_is_that_of_the_equilibrium() -> None:
    """But for discounting: the books count sustainment in the money of the outcome, cash in that of its day."""
    rules = SimulationSettings(replications=40, ledger=False)
    there = simulate(chained().replace(discount_rate=0.0), participants=20_000, seed=8, settings=rules)
    assert there.evaluation.equilibrium is not None
    books = {account.agent: account.profit_gbp for account in there.evaluation.equilibrium.accounts}
    expected = np.array([books[name] for name in there.agents[1:]]) * there.scale
    mean, spread = there.profit_gbp[:, 1:].mean(axis=0), there.profit_gbp[:, 1:].std(axis=0, ddof=1)
    served = spread > 0.0
    assert served.sum() == 3
    assert (np.abs(mean - expected)[served] <= SIGMAS * spread[served] / np.sqrt(40)).all()


def test_present_value_is_less_than_what_is_paid() -> None:
    there = _whole()
    assert 0.9 * there.spend_gbp[0] < there.present_spend_gbp[0] < there.spend_gbp[0]


def test_later_payment_needs_more_working_capital_and_leaves_the_sums() -> None:
    waits = (0, 13, 52)
    late = stayers(terms=NO_FEE)
    runs = [simulate(late, seed=4, settings=SimulationSettings(payment_lag_weeks=lag)) for lag in waits]
    peaks = [there.peak_working_capital_gbp[0, 1] for there in runs]
    assert peaks == sorted(peaks)
    assert peaks[-1] > peaks[0]
    for there in runs:
        assert there.spend_gbp[0] == pytest.approx(runs[0].spend_gbp[0], abs=PENNY)


def test_insolvency_is_rarer_the_more_working_capital_there_is() -> None:
    cash = simulate(chained(1e6, terms=NO_FEE), participants=1_000, seed=1).cash
    peak = cash.peak_working_capital_gbp
    levels = np.linspace(0.0, float(peak.max()) + 1.0, 30)
    insolvent = np.array([cash.insolvent(np.full(peak.size, capital)) for capital in levels])
    assert not (insolvent[1:] & ~insolvent[:-1]).any()
    assert insolvent[0, 2]  # the subcontractor is paid late, and has nothing
    assert not insolvent[-1].any()


def test_without_a_chain_nobody_runs_out_of_money() -> None:
    assert not _whole().insolvent.any()


# Tables


@pytest.mark.parametrize("table", ["groups", "agents", "tiers", "cash"])
def test_tables_are_tidy(table: str) -> None:
    frame = _through_chain().to_frame(table)
    assert not frame.isna().any().any()
    assert (
        len(frame) == {"groups": 2, "agents": 4, "tiers": 10, "cash": 4 * _through_chain().cash.net_gbp.shape[1]}[table]
    )


def test_percentiles_rise() -> None:
    tiers = _through_chain().to_frame("tiers")
    assert (tiers["p10"] <= tiers["p50"]).all()
    assert (tiers["p50"] <= tiers["p90"]).all()
    spend = tiers[tiers["measure"] == "spend_gbp"]
    assert spend["p10"].item() < spend["p90"].item()


def test_an_unknown_table_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="did you mean 'agents'"):
        _whole().to_frame("agent")


# Bad input


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"replications": 0}, "replications"),
        ({"unclaimed_share": 1.0}, "unclaimed_share"),
        ({"unclaimed_share": 9.0}, "divide per cents by 100"),
        ({"reentry": "job_findings"}, "did you mean 'job_finding'"),
        ({"allotted_weeks": 10.5}, "allotted_weeks"),
        ({"qualifying_weeks": 0}, "qualifying_weeks"),
        ({"qualifying_weeks": {"x": "six"}}, r"qualifying_weeks\['x'\]"),
        ({"chunk_participants": 0}, "chunk_participants"),
    ],
)
def test_settings_are_checked(changes: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        SimulationSettings(**changes)  # type: ignore[arg-type]  # wrong on purpose


def test_all_faults_of_settings_come_at_once() -> None:
    with pytest.raises(InvalidInputError) as caught:
        SimulationSettings(replications=0, reentry="never", support_weeks=0)
    assert len(caught.value.faults) == 3


def test_qualifying_weeks_must_name_the_groups_of_the_caseload() -> None:
    with pytest.raises(InvalidInputError, match="nothing for group 'y'"):
        simulate(stayers(), settings=SimulationSettings(qualifying_weeks={"x": 26, "z": 13}))


def test_arguments_are_checked_at_once() -> None:
    with pytest.raises(InvalidInputError) as caught:
        simulate("work_programme_2011", participants=0, seed=-1, settings=3)  # type: ignore[arg-type]  # on purpose
    assert len(caught.value.faults) == 4


def test_a_rate_that_nobody_could_have_is_refused_with_a_way_out() -> None:
    people = stayers().caseload.replace(exit_hazard=0.999)  # jobs of a week, then a week without: 52 at the most
    with pytest.raises(InvalidInputError, match="fewer qualifying_weeks"):
        simulate(stayers(caseload=people), settings=SimulationSettings(qualifying_weeks=60))


def test_endless_returns_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="sustainment_window"):
        simulate(returning(0), settings=SimulationSettings(reentry="closed_form"))


def test_what_is_paid_on_a_whole_group_is_refused() -> None:
    steeper = stayers().tariff.replace(accelerator_threshold=0.05, accelerator_fee_gbp=[500.0, 0.0])
    with pytest.raises(UnsupportedModelError, match="whole group"):
        simulate(stayers(), steeper)


# Size

_MILLION = """
import resource
from pbr_opt.analysis.simulation import simulate
from pbr_opt.programmes.registry import load
there = simulate(load("work_programme_2011"), participants=1_000_000, seed=1)
assert there.agreement.holds, there.agreement.sentence
assert there.ledger is not None and len(there.ledger) > 1_000_000
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.long
def test_a_million_participants_with_every_payment_fit_into_four_gibibytes() -> None:
    done = subprocess.run([sys.executable, "-c", _MILLION], capture_output=True, text=True, check=True)
    assert int(done.stdout) * 1024 <= FOUR_GIB  # Linux counts in KiB


def test_a_programme_of_fractions_of_people_is_played(capsys: pytest.CaptureFixture[str]) -> None:
    small: Programme = stayers(caseload=stayers().caseload.replace(participants=0.1))
    assert simulate(small).participants == 1
    assert capsys.readouterr().out == ""
