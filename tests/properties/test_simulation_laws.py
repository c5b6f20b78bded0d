"""Laws of every simulated ledger, whatever the programme and the rules."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pbr_opt import Caseload, Programme, Tariff
from pbr_opt.analysis.simulation import Simulation, simulate
from pbr_opt.analysis.simulation_ledger import months_of
from pbr_opt.analysis.simulation_moments import expected_square
from pbr_opt.analysis.simulation_settings import SimulationSettings
from pbr_opt.market.sustainment import expected_sustainments
from pbr_opt.market.tariffs import ContractTerms
from tests.unit.analysis.simulated_worlds import chained

PENNY: Final = 0.005
PEOPLE: Final = 400
EXACT: Final = 1e-9
"""Relative: recursions of at most a hundred steps."""

RULES = st.builds(
    SimulationSettings,
    replications=st.integers(1, 2),
    qualifying_weeks=st.sampled_from([1, 13, 26]),
    allotted_weeks=st.sampled_from([30, 104]),
    run_on=st.booleans(),
    unclaimed_share=st.sampled_from([0.0, 0.1]),
    reentry=st.sampled_from(["caseload", "closed_form", "job_finding"]),
    payment_lag_weeks=st.sampled_from([0, 7]),
    support_weeks=st.sampled_from([1, 26]),
)


@st.composite
def programmes(draw: st.DrawFn) -> Programme:
    """Draw a programme whose outcome rates somebody could have; nobody loses the job, or many do and come back."""
    hazard, back = draw(st.sampled_from([(0.0, 0.0), (0.04, 0.0), (0.3, 0.2), (0.3, 1.0)]))
    low = draw(st.sampled_from([0.0, 0.02, 0.3]))
    people = Caseload(["x", "x", "y"], [1.0, 0.5, draw(st.sampled_from([0.0, 2.0]))], low, low + 0.2, 250, 0.0, hazard,
                      reentry_rate=back)  # fmt: skip
    cap, window = draw(st.sampled_from([0, 1, 13])), draw(st.sampled_from([5, 30]))
    terms = ContractTerms(0.06, [1, 0.5], draw(st.sampled_from([[0.5, 0.5], [0.0, 1.0]])))
    fee = draw(st.sampled_from([0.0, 170.0]))
    return Programme("p", people, Tariff(["x", "y"], 400, [1200, 5000], fee, cap, window), terms=terms)


def _ledger(there: Simulation) -> pd.DataFrame:
    assert there.ledger is not None
    return there.ledger.to_frame()


@settings(max_examples=40, deadline=None)
@given(programmes(), RULES, st.integers(0, 3))
def test_every_ledger_keeps_the_rules(programme: Programme, rules: SimulationSettings, seed: int) -> None:
    there = simulate(programme, participants=PEOPLE, seed=seed, settings=rules)
    frame, tariff = _ledger(there), programme.payable()
    counts = frame.groupby(["kind", "participant"], observed=True).size()
    for kind in ("attachment", "outcome"):
        each = counts[counts.index.get_level_values("kind") == kind]
        assert each.max() == 1 or each.empty
    outcome = frame[frame["kind"] == "outcome"].set_index("participant")["week"].astype(int)
    later = frame[frame["kind"] == "sustainment"].copy()
    later["after"] = later["week"].astype(int) - later["participant"].map(outcome)
    assert later["after"].notna().all(), "sustainment without an outcome"
    assert (later["after"] >= 4).all(), "sustainment before four weeks in work after the outcome"
    assert (later["after"] <= 4 * tariff.sustainment_window[0]).all(), "sustainment after its window"
    assert (later.groupby("participant").size() <= tariff.sustainment_max[0]).all(), "more than the cap"
    gaps = later.sort_values(["participant", "week"]).groupby("participant")["after"].diff().dropna()
    assert (gaps >= 4).all(), "periods that overlap"
    assert (frame["amount_gbp"] > 0).all()


@settings(max_examples=25, deadline=None)
@given(programmes(), RULES)
def test_no_participant_brings_more_than_the_tariff_allows(programme: Programme, rules: SimulationSettings) -> None:
    frame = _ledger(simulate(programme, participants=PEOPLE, settings=rules))
    most = dict(zip(programme.tariff.groups, programme.payable().maximum_total_gbp, strict=True))
    full = dict(zip(programme.tariff.groups, programme.tariff.attachment_fee_gbp, strict=True))
    for group, each in frame.groupby("group", observed=True):
        brought = each.groupby("participant")["amount_gbp"].sum()
        assert brought.max() <= most[str(group)] - programme.payable().attachment_fee_gbp[0] + full[str(group)] + PENNY


@settings(max_examples=25, deadline=None)
@given(programmes(), RULES)
def test_books_close(programme: Programme, rules: SimulationSettings) -> None:
    there = simulate(programme, participants=PEOPLE, settings=rules)
    assert there.ledger is not None
    assert there.ledger.total_gbp.sum() == pytest.approx(there.spend_gbp[0], abs=PENNY)
    np.testing.assert_allclose(there.cash.profit_gbp, there.profit_gbp[0], atol=PENNY)
    assert (there.peak_working_capital_gbp >= 0).all()
    assert (there.tally.outcomes <= there.tally.earned).all()
    assert (there.tally.earned <= there.tally.worked).all()
    assert (there.tally.worked <= there.tally.participants).all()


def test_outcomes_need_their_weeks_and_jobs_start_within_the_allotted_time() -> None:
    rules = SimulationSettings(qualifying_weeks=26, allotted_weeks=104)
    frame = _ledger(simulate(chained(), participants=20_000, settings=rules))
    prime = frame[frame["payee"] == "P"]
    start = prime[prime["kind"] == "attachment"].set_index("participant")["week"].astype(int)
    paid = prime[prime["kind"] == "outcome"].set_index("participant")["week"].astype(int) - 4  # its contract's lag
    took = (paid - start).dropna()
    assert took.min() == 25  # the first to the last of 26 weeks
    assert took.max() <= 103 + 25
    assert took.max() > 103  # a job held at the end runs on


def test_the_attachment_fee_is_that_of_the_year_of_the_start() -> None:
    frame = _ledger(simulate(chained(), participants=5_000))
    prime = frame[(frame["payee"] == "P") & (frame["kind"] == "attachment")]
    fee = {"x": 400.0, "y": 600.0}
    taper = np.array([1.0, 0.75, 0.0])[prime["week"].to_numpy(dtype=np.int64) // 52]
    np.testing.assert_allclose(prime["amount_gbp"], prime["group"].map(fee).astype(float) * taper, atol=PENNY)
    assert prime["week"].max() < 104  # nothing is paid for those who start in the third year


def test_each_tier_is_paid_its_share_of_the_same_events() -> None:
    there = simulate(chained(), participants=5_000)
    frame = _ledger(there)
    outcomes = frame[frame["kind"] == "outcome"]
    table = outcomes.pivot_table(index="participant", columns="payee", values="amount_gbp", observed=True)
    served = table["T"].notna()
    np.testing.assert_allclose(table.loc[served, "T"], 0.8 * table.loc[served, "P"], atol=PENNY)
    below = table["S"].notna()
    assert below.any()
    assert (table.loc[below, "S"] <= table.loc[below, "T"]).all()
    weeks = outcomes.pivot_table(index="participant", columns="payee", values="week", observed=True)
    assert (weeks.loc[served, "T"] - weeks.loc[served, "P"] == 5).all()  # 9 weeks against 4


@given(st.integers(0, 20_000))
def test_a_month_has_four_or_five_weeks_and_a_year_twelve_months(week: int) -> None:
    here, there = months_of(np.array([week, week + 52])).tolist()
    assert there == here + 12
    assert months_of(np.array([week, week + 6]))[1] > here


HAZARDS = st.sampled_from([0.0, 0.02, 0.3, 1.0])


@given(HAZARDS, st.sampled_from([0.0, 0.2, 1.0]), st.integers(0, 8), st.integers(1, 12), st.sampled_from([0.0, 0.5]))
def test_the_mean_square_lies_between_that_of_the_mean_and_that_of_the_cap(
    hazard: float, back: float, cap: int, window: int, rate: float
) -> None:
    one = np.ones(1)
    h, r, k, n = hazard * one, back * one, np.array([cap]), np.array([window])
    mean = expected_sustainments(h, k, rate, reentry_rate=r, sustainment_window=n)
    square = expected_square(h, k, rate, reentry_rate=r, sustainment_window=n)
    assert mean**2 <= square * (1 + EXACT) + EXACT
    assert square <= cap * mean * (1 + EXACT) + EXACT  # V is at most the cap
