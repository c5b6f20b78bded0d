"""The simulation against exact enumeration and against a Markov chain written from the rules, week by week."""

from __future__ import annotations

import itertools
from collections import defaultdict
from typing import Final

import numpy as np
import pytest

from pbr_opt import Caseload, Programme, Tariff
from pbr_opt.analysis.simulation import simulate
from pbr_opt.analysis.simulation_entry import OutcomeRule, job_finding_rate, missing_outcome_probability, weekly
from pbr_opt.analysis.simulation_moments import expected_square
from pbr_opt.analysis.simulation_settings import SimulationSettings

EXACT: Final = 1e-12
FOUND: Final = 1e-8
"""Job-finding rates are read off a table: the rate that they bring about is right to this."""
SIGMAS: Final = 4.5
PEOPLE: Final = 150_000
FIND, LOSE = 0.03, 0.05


def _missing(rule: OutcomeRule, find: float, lose: float) -> float:
    """Return the probability of no outcome by following every history: out, starting or staying, losing the job."""

    def follow(week: int, working: bool, may_start: bool, left: int) -> float:
        over = week > rule.allotted_weeks
        if over and not (working and rule.run_on):
            return 1.0
        if working:
            if left == 1:
                return 0.0
            return (1 - lose) * follow(week + 1, True, False, left - 1) + lose * follow(
                week + 1, False, False, left - 1
            )
        out = follow(week + 1, False, True, left)
        return find * follow(week, True, False, left) + (1 - find) * out if may_start else out

    return follow(1, False, True, rule.weeks_in_work)


@pytest.mark.parametrize("need", [1, 2, 4])
@pytest.mark.parametrize("allotted", [1, 5, 9])
@pytest.mark.parametrize("run_on", [True, False])
def test_the_outcome_probability_is_that_of_every_history(need: int, allotted: int, run_on: bool) -> None:
    rule = OutcomeRule(need, allotted, run_on)
    for find, lose in itertools.product([0.0, 0.2, 1.0], [0.0, 0.3, 1.0]):
        there = missing_outcome_probability(rule, np.array([find]), np.array([lose]))[0]
        assert there == pytest.approx(_missing(rule, find, lose), abs=EXACT)


@pytest.mark.parametrize(("need", "allotted"), [(26, 104), (13, 104), (1, 10)])
def test_the_job_finding_rate_brings_about_the_outcome_rate(need: int, allotted: int) -> None:
    rule, rates = OutcomeRule(need, allotted, True), np.array([0.0, 1e-9, 1e-3, 0.05, 0.3, 0.7, 0.99])
    for lose in (0.0, 0.008, 0.1):
        loss = np.full(rates.size, lose)
        most = 1.0 - missing_outcome_probability(rule, np.ones(1), np.array([lose]))[0]
        reachable = rates[rates <= most]
        find = job_finding_rate(rule, reachable, loss[: reachable.size])
        back = 1.0 - missing_outcome_probability(rule, find, loss[: reachable.size])
        np.testing.assert_allclose(back, reachable, atol=FOUND)


def _expected_payments(need: int, cap: int, allotted: int) -> tuple[float, float]:
    """Return expected outcomes and sustainment payments, by a Markov chain over weeks with weekly re-entry.

    States before the outcome: (weeks in work so far, working, just lost); after it: (payments, weeks of this period,
    working, just lost). Jobs that start within the allotted weeks count, and run on.
    """
    before: dict[tuple[int, bool, bool], float] = {(0, False, False): 1.0}
    after: dict[tuple[int, int, bool, bool], float] = {}
    outcomes = payments = 0.0
    for week in range(allotted + need + 4 * cap + 1):
        next_before: dict[tuple[int, bool, bool], float] = defaultdict(float)
        next_after: dict[tuple[int, int, bool, bool], float] = defaultdict(float)
        for (done, working, lost), chance in before.items():
            start = 0.0 if lost or week >= allotted else FIND
            works = 1.0 if working else start
            if works:
                if done + 1 == need:  # the job may be lost in the next week's end, as any week's after the outcome
                    outcomes += chance * works
                    next_after[(0, 0, True, False)] += chance * works * (1 - LOSE)
                    next_after[(0, 0, False, True)] += chance * works * LOSE
                else:
                    next_before[(done + 1, True, False)] += chance * works * (1 - LOSE)
                    next_before[(done + 1, False, True)] += chance * works * LOSE
            if works < 1.0:
                next_before[(done, False, False)] += chance * (1.0 - works)
        for (paid, weeks, working, lost), chance in after.items():
            start = 0.0 if lost or week >= allotted else FIND
            works = 1.0 if working else start
            begun = weeks if working else 0
            if works:
                full = begun + 1 == 4
                payments += chance * works * full
                count, into = (paid + 1, 0) if full else (paid, begun + 1)
                if count < cap:
                    next_after[(count, into, True, False)] += chance * works * (1 - LOSE)
                    next_after[(count, 0, False, True)] += chance * works * LOSE
            if works < 1.0:
                next_after[(paid, 0, False, False)] += chance * (1.0 - works)
        before, after = next_before, next_after
    return outcomes, payments


@pytest.mark.parametrize(("need", "cap"), [(13, 6), (26, 3)])
def test_weekly_reentry_agrees_with_a_markov_chain(need: int, cap: int) -> None:
    """A job that ends with the week of the outcome earns nothing more: there, the simulation draws weeks beyond it."""
    rule = OutcomeRule(need, 104, True)
    rate = 1.0 - missing_outcome_probability(rule, np.array([FIND]), np.array([LOSE]))[0]
    outcomes, payments = _expected_payments(need, cap, 104)
    assert outcomes == pytest.approx(rate, abs=EXACT)
    people = Caseload(["a"], 1_000, rate, rate, 500, 0.0, 1.0 - (1.0 - LOSE) ** 4)
    assert weekly(people.exit_hazard)[0] == pytest.approx(LOSE)
    programme = Programme("p", people, Tariff(["a"], 0, 1000, 100, cap))
    rules = SimulationSettings(qualifying_weeks=need, reentry="job_finding", ledger=False)
    seen = simulate(programme, participants=PEOPLE, seed=need, settings=rules).tally
    spread = np.sqrt(cap * payments / PEOPLE)  # the mean square of a count is at most the cap times its mean
    assert abs(seen.sustainments[0] / PEOPLE - payments) < SIGMAS * spread
    assert abs(seen.outcomes[0] / PEOPLE - rate) < SIGMAS * np.sqrt(rate / PEOPLE)


def _square(hazard: float, back: float, cap: int, window: int, discount: float) -> float:
    """Return E[V^2] over every sequence of periods."""
    total = 0.0
    for kept in itertools.product([False, True], repeat=window):
        chance, value, paid, working = 1.0, 0.0, 0, True
        for period, happens in enumerate(kept, start=1):
            if working:
                chance *= 1 - hazard if happens else hazard
                if happens and paid < cap:
                    paid, value = paid + 1, value + discount**period
                working = happens
            else:
                chance *= back if happens else 1 - back
                working = happens
        total += chance * value**2
    return total


@pytest.mark.parametrize("back", [0.0, 0.25, 1.0])
@pytest.mark.parametrize("hazard", [0.0, 0.2, 1.0])
def test_the_mean_square_is_that_of_every_sequence(back: float, hazard: float) -> None:
    one = np.ones(1)
    for cap, window, rate in itertools.product([1, 3], [2, 7], [0.0, 1.0]):
        n, k = np.array([window]), np.array([cap])
        there = expected_square(hazard * one, k, rate, reentry_rate=back * one, sustainment_window=n)[0]
        discount = (1 + rate) ** (-4 / 52)
        assert there == pytest.approx(_square(hazard, back, cap, window, discount), abs=EXACT)
