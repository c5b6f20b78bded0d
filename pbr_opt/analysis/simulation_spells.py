"""Who works when: start on the programme, jobs, weeks in work added up, outcomes and four-week sustainment periods.

One block of participants at a time, each with a stream of random numbers of its own, so that what happens to anybody
depends on nothing but the seed, the replication and the participant's place in line.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from pbr_opt.analysis.simulation_settings import BLOCK
from pbr_opt.quantities import BoolArray, FloatArray, IntArray

__all__ = ["Histories", "Intake", "Odds", "blocks", "joined", "play_block", "stream"]

_NEVER: Final = 10**6
"""A wait or a job of so many weeks outlasts every programme."""
_PERIOD: Final = 4
_LAYOUT: Final = 0
"""Spawn key, after the replication, of the numbers that are drawn once for all; blocks have 1, 2, ..."""


@dataclass(frozen=True, slots=True, eq=False)
class Odds:
    """What happens to participants, one entry a row of the evaluation.

    Attributes
    ----------
    job_finding, job_loss : array (rows,)
        q and h_w, chances a week until the outcome.
    return_to_work : array (rows,)
        Chance of starting a job after the outcome, in a week out of work or in a four-week period out of work.
    return_by_period : bool
        Which of the two: by period, people start at its end, and may lose the job in the first week of the next.
    return_late : bool
        Whether jobs count that start after the allotted weeks.
    weeks_in_work : array of int (rows,)
        Q.
    sustainment_max, sustainment_window : array of int (rows,)
        Most payments, and four-week periods after the outcome within which they fall due (0: no limit).
    claimed : float
        Share of outcomes that are claimed.
    allotted_weeks : int
        T.
    run_on : bool
        Whether a job held at week T goes on counting.
    """

    job_finding: FloatArray
    job_loss: FloatArray
    return_to_work: FloatArray
    return_by_period: bool
    return_late: bool
    weeks_in_work: IntArray
    sustainment_max: IntArray
    sustainment_window: IntArray
    claimed: float
    allotted_weeks: int
    run_on: bool


@dataclass(frozen=True, slots=True, eq=False)
class Intake:
    """When people start: year by year, evenly within each.

    Attributes
    ----------
    share : array (years,)
        Of participants.
    weeks_a_year : int
        Weeks in a contract year.
    """

    share: FloatArray
    weeks_a_year: int

    def weeks(self, uniform: FloatArray) -> IntArray:
        """Return the week of the start, from numbers between 0 and 1.

        >>> Intake(np.array([.5, .5]), 52).weeks(np.array([0.0, .25, .5, .999])).tolist()
        [0, 26, 52, 103]
        """
        ends = np.cumsum(self.share)
        ends /= ends[-1]
        year = np.searchsorted(ends, uniform, side="right")
        begin = np.concatenate([[0.0], ends[:-1]])[year]
        within = (uniform - begin) / (ends[year] - begin) * self.weeks_a_year
        return np.asarray(year * self.weeks_a_year + np.minimum(within.astype(np.int64), self.weeks_a_year - 1))


@dataclass(frozen=True, slots=True, eq=False)
class Histories:
    """What happened to participants first, first + 1, ... of a replication.

    Attributes
    ----------
    first : int
        Place in line of the first of them.
    start : array of int (participants,)
        Week of the programme in which each started.
    worked : array of bool (participants,)
        Who found a job that counts.
    earned : array of int
        Who earned an outcome, by position, rising.
    outcome, outcome_week : array of int
        Whose outcome was paid, by position, and the week at whose end it was earned.
    sustained, sustained_week, sustained_after : array of int
        The same for every sustainment period that is paid, and how many weeks it ended after the outcome.
    """

    first: int
    start: IntArray
    worked: IntArray
    earned: IntArray
    outcome: IntArray
    outcome_week: IntArray
    sustained: IntArray
    sustained_week: IntArray
    sustained_after: IntArray


def stream(seed: int, replication: int, block: int | None = None) -> np.random.Generator:
    """Return the random numbers of a block of participants, or those drawn once for a replication.

    >>> stream(1, 0, 3).random() == stream(1, 0, 3).random(), stream(1, 0, 3).random() == stream(1, 1, 3).random()
    (True, False)
    """
    key = (replication, _LAYOUT if block is None else block + 1)
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))


def play_block(rng: np.random.Generator, first: int, row: IntArray, odds: Odds, intake: Intake) -> Histories:
    """Return what happens to one block.

    Parameters
    ----------
    rng : Generator
        The block's own stream.
    first : int
        Place in line of its first participant.
    row : array of int (participants,)
        Row of the evaluation each belongs to.
    odds, intake
        What may happen, and when people start.
    """
    start = intake.weeks(rng.random(row.size))
    before = _until_outcome(rng, row, odds)
    paid = rng.random(before.who.size) < odds.claimed
    claimed = before.only(paid)
    sustained = _after_outcome(rng, row, odds, claimed)
    return Histories(
        first,
        start,
        before.worked,
        before.who,
        claimed.who,
        start[claimed.who] + claimed.week,
        sustained.who,
        start[sustained.who] + sustained.end,
        sustained.after,
    )


def joined(parts: list[Histories]) -> Histories:
    """Return blocks that stand in line as one."""
    first = parts[0].first

    def placed(name: str) -> IntArray:
        return np.concatenate([getattr(part, name) + (part.first - first) for part in parts])

    def beside(name: str) -> IntArray:
        return np.concatenate([getattr(part, name) for part in parts])

    return Histories(
        first,
        beside("start"),
        placed("worked"),
        placed("earned"),
        placed("outcome"),
        beside("outcome_week"),
        placed("sustained"),
        beside("sustained_week"),
        beside("sustained_after"),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Earned:
    """Who earned an outcome: position, last week worked for it, weeks that the job lasts beyond; and who worked."""

    who: IntArray
    week: IntArray
    left: IntArray
    worked: IntArray

    def only(self, chosen: BoolArray) -> _Earned:
        return _Earned(self.who[chosen], self.week[chosen], self.left[chosen], self.worked)


@dataclass(frozen=True, slots=True, eq=False)
class _Periods:
    """Four-week periods that are paid: whose, the last week of each, and how long after the outcome that is."""

    who: IntArray
    end: IntArray
    after: IntArray


def _weeks(rng: np.random.Generator, chance: FloatArray) -> IntArray:
    """Return for how many weeks something of that weekly chance does not happen: geometric, from 0."""
    with np.errstate(divide="ignore"):
        pace = -np.log1p(-chance)
        lasting = rng.standard_exponential(chance.size) / pace
    return np.fmin(lasting, _NEVER).astype(np.int64)


def _until_outcome(rng: np.random.Generator, row: IntArray, odds: Odds) -> _Earned:
    """Play jobs until an outcome is earned or no further job would count."""
    who = np.arange(row.size)
    begin = _weeks(rng, odds.job_finding[row])
    need = odds.weeks_in_work[row]
    worked, done = who[:0], list[tuple[IntArray, IntArray, IntArray]]()
    while True:
        counts = begin < odds.allotted_weeks
        who, begin, need = who[counts], begin[counts], need[counts]
        if not done:
            worked = who
        length = 1 + _weeks(rng, odds.job_loss[row[who]])
        if not odds.run_on:
            length = np.minimum(length, odds.allotted_weeks - begin)
        full = length >= need
        last = begin + need - 1
        done.append((who[full], last[full], (length - need)[full]))
        who, begin, length, need = who[~full], begin[~full], length[~full], need[~full]
        if not who.size:
            break
        need = need - length
        begin = begin + length + 1 + _weeks(rng, odds.job_finding[row[who]])
    earned, week, left = (np.concatenate(column) for column in zip(*done, strict=True))
    order = np.argsort(earned, kind="stable")
    return _Earned(earned[order], week[order], left[order], worked)


def _after_outcome(rng: np.random.Generator, row: IntArray, odds: Odds, there: _Earned) -> _Periods:
    """Return every paid four-week period: four weeks in one job, the count beginning anew in the next."""
    who, begin, left = there.who, there.week + 1, there.left
    outcome, places = there.week, odds.sustainment_max[row[who]]
    window = odds.sustainment_window[row[who]] * _PERIOD
    found = [_periods(who[:0], who[:0], who[:0], who[:0])]
    while who.size:
        room = np.where(window > 0, np.maximum(outcome + window + 1 - begin, 0), _NEVER)
        paid = np.minimum(np.minimum(left, room) // _PERIOD, places)
        found.append(_periods(who, begin, outcome, paid))
        again = (paid < places) & (odds.return_to_work[row[who]] > 0.0)
        who, outcome, window = who[again], outcome[again], window[again]
        places = (places - paid)[again]
        begin, left = _back(rng, row[who], odds, begin[again], left[again])
        counts = begin < np.where(window > 0, outcome + window, _NEVER)
        if not odds.return_late:
            counts &= begin < odds.allotted_weeks
        who, outcome, window, places = who[counts], outcome[counts], window[counts], places[counts]
        begin, left = begin[counts], left[counts]
        if not odds.run_on:
            left = np.minimum(left, np.maximum(odds.allotted_weeks - begin, 0))
    whose, end = np.concatenate([part.who for part in found]), np.concatenate([part.end for part in found])
    return _Periods(whose, end, np.concatenate([part.after for part in found]))


def _back(
    rng: np.random.Generator, row: IntArray, odds: Odds, begin: IntArray, lasted: IntArray
) -> tuple[IntArray, IntArray]:
    """Return when those start anew whose jobs began then and lasted so long, and how long the new jobs last."""
    wait = _weeks(rng, odds.return_to_work[row])
    length = _weeks(rng, odds.job_loss[row])
    if odds.return_by_period:  # out of work to the end of this period, and for one more at least
        return begin + _PERIOD * (lasted // _PERIOD + 2 + wait), length
    return begin + lasted + 1 + wait, 1 + length


def _periods(who: IntArray, begin: IntArray, outcome: IntArray, paid: IntArray) -> _Periods:
    """Return one entry for every period paid in one spell of work."""
    each = np.repeat(np.arange(who.size), paid)
    number = np.arange(each.size) - np.repeat(np.cumsum(paid) - paid, paid) + 1
    end = begin[each] + _PERIOD * number - 1
    return _Periods(who[each], end, end - outcome[each])


def blocks(participants: int) -> list[tuple[int, int]]:
    """Return where each block of participants begins and ends.

    >>> blocks(20_000)
    [(0, 16384), (16384, 20000)]
    """
    return [(first, min(first + BLOCK, participants)) for first in range(0, participants, BLOCK)]
