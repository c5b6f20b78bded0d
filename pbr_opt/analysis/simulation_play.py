"""One replication after another, chunk by chunk: lay people out over segments, play them, book what they bring."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pbr_opt.analysis.simulation_agreement import Tally
from pbr_opt.analysis.simulation_ledger import Books, Cash, PaymentLedger, in_order
from pbr_opt.analysis.simulation_paths import MICRO, Company, Paths
from pbr_opt.analysis.simulation_settings import SimulationSettings
from pbr_opt.analysis.simulation_spells import Histories, Intake, Odds, blocks, joined, play_block, stream
from pbr_opt.evaluation import Evaluation
from pbr_opt.market.sustainment import period_discount_factor
from pbr_opt.quantities import WEEKS_PER_YEAR, BoolArray, FloatArray, IntArray

__all__ = ["Game", "Played", "laid_out"]

_WEEKS_A_PERIOD: Final = 4


@dataclass(frozen=True, slots=True, eq=False)
class Played:
    """What all replications came to; attributes as in :class:`~pbr_opt.analysis.simulation.Simulation`."""

    tally: Tally
    spend_gbp: FloatArray
    present_spend_gbp: FloatArray
    profit_gbp: FloatArray
    peak_working_capital_gbp: FloatArray
    insolvent: BoolArray
    cash: Cash
    ledger: PaymentLedger | None


@dataclass(frozen=True, slots=True, eq=False)
class _Replication:
    """What one replication came to; cash by week."""

    tally: Tally
    cash: Cash
    ledger: PaymentLedger | None


@dataclass(frozen=True, slots=True, eq=False)
class Game:
    """Everything that is the same in all replications.

    Attributes
    ----------
    evaluation : Evaluation
        The equilibrium.
    settings : SimulationSettings
        The rules.
    company, paths : Company, Paths
        Who is paid, and what for.
    odds, intake : Odds, Intake
        What may happen to participants, and when they start.
    """

    evaluation: Evaluation
    settings: SimulationSettings
    company: Company
    paths: Paths
    odds: Odds
    intake: Intake

    def play(self, seed: int, size: int, tick: Callable[[int, int], None] | None = None) -> Played:
        """Return what happens to so many people, replication after replication."""
        count, agents = self.settings.replications, len(self.company.names)
        tally = _nothing(len(self.evaluation.rows.caseload))
        spend, present = np.zeros((2, count))
        profit, peak = np.zeros((2, count, agents))
        insolvent = np.zeros((count, agents), dtype=np.bool_)
        scale = size / self.evaluation.programme.caseload.total_participants
        cash, ledger = Cash({}), None
        for number in range(count):
            there = self._replication(seed, number, size)
            tally = _added(tally, there.tally)
            treasury = there.cash.items["treasury_gbp"][0]
            spend[number], present[number] = treasury.sum(), treasury @ self._present_value(treasury.size)
            profit[number], peak[number] = there.cash.profit_gbp, there.cash.peak_working_capital_gbp
            insolvent[number] = there.cash.insolvent(self.company.capital_gbp * scale)
            if number == 0:
                cash, ledger = there.cash.monthly(), there.ledger
            if tick is not None:
                tick(number + 1, count)
        return Played(tally, spend, present, profit, peak, insolvent, cash, ledger)

    def _present_value(self, weeks: int) -> FloatArray:
        rate = self.evaluation.programme.discount_rate
        return np.asarray((1.0 + rate) ** (-np.arange(weeks) / WEEKS_PER_YEAR))

    @property
    def _running(self) -> int:
        """Return for how many weeks the programme has participants."""
        return int(self.intake.share.size) * self.intake.weeks_a_year + self.odds.allotted_weeks

    @property
    def _weeks(self) -> int:
        """Return by when everything has been paid."""
        odds, settings = self.odds, self.settings
        periods = np.maximum(odds.sustainment_max, odds.sustainment_window if odds.return_late else 0)
        earning = int((odds.weeks_in_work + _WEEKS_A_PERIOD * periods).max())
        spending = max(settings.support_weeks, settings.base_service_weeks)
        return self._running + max(earning, spending) + int(self.company.lag_weeks.max()) + 1

    def _replication(self, seed: int, number: int, size: int) -> _Replication:
        """Play one replication and close its books."""
        people = self.evaluation.rows.caseload.participants
        ends = np.cumsum(laid_out(people, size, stream(seed, number).random()))
        books = Books(self.company, self.paths, self._weeks)
        tally, kept = _nothing(people.size), list[dict[str, NDArray[Any]]]()
        for seen in self._chunks(seed, number, ends):
            row = _rows_of(ends, seen.first, seen.start.size)
            posted = books.post(seen, row, self._taper(seen.start))
            tally = _added(tally, self._count(seen, row))
            if self.settings.ledger and number == 0:
                kept.append(in_order(posted, seen.first))
        cash = books.close(self.settings, size / people.sum(), self._running)
        return _Replication(tally, cash, self._ledger(kept, ends) if kept else None)

    def _chunks(self, seed: int, number: int, ends: IntArray) -> Iterator[Histories]:
        """Yield histories in line, several blocks of people at once."""
        line, step = blocks(int(ends[-1])), self.settings.blocks_at_once
        for begin in range(0, len(line), step):
            yield joined(
                [
                    play_block(
                        stream(seed, number, begin + k),
                        first,
                        _rows_of(ends, first, last - first),
                        self.odds,
                        self.intake,
                    )
                    for k, (first, last) in enumerate(line[begin : begin + step])
                ]
            )

    def _taper(self, start: IntArray) -> FloatArray:
        """Return the share of the attachment fee that is paid for those who start in some weeks."""
        return np.asarray(self.evaluation.programme.terms.attachment_taper[start // self.intake.weeks_a_year])

    def _count(self, seen: Histories, row: IntArray) -> Tally:
        """Return what some histories add to the tally."""
        size = len(self.evaluation.rows.caseload)
        factor = period_discount_factor(self.evaluation.programme.discount_rate)
        worth = np.rint(factor ** (seen.sustained_after / _WEEKS_A_PERIOD) * MICRO)
        attachment = np.rint(self.paths.attachment[0][row] * self._taper(seen.start))
        return Tally(
            participants=np.bincount(row, minlength=size),
            worked=np.bincount(row[seen.worked], minlength=size),
            earned=np.bincount(row[seen.earned], minlength=size),
            outcomes=np.bincount(row[seen.outcome], minlength=size),
            sustainments=np.bincount(row[seen.sustained], minlength=size),
            discounted=np.bincount(row[seen.sustained], worth, size) / MICRO,
            attachment_gbp=np.bincount(row, attachment, size) / MICRO,
        )

    def _ledger(self, kept: list[dict[str, NDArray[Any]]], ends: IntArray) -> PaymentLedger:
        """Return the chunks' payments as one ledger."""
        caseload, company = self.evaluation.rows.caseload, self.company
        heads = np.diff(ends, prepend=0)
        payers = tuple(company.names[k] if k >= 0 else "treasury" for k in company.payer)
        return PaymentLedger(
            **{name: np.concatenate([part[name] for part in kept]) for name in kept[0]},
            group_of=np.repeat(caseload.group_index.astype(np.uint16), heads),
            names=company.names,
            payers=payers,
            groups=caseload.groups,
        )


def laid_out(people: FloatArray, size: int, offset: float) -> IntArray:
    """Return how many of so many participants belong to each row: systematic sampling.

    Parameters
    ----------
    people : array (rows,)
        In proportion to whom.
    size : int
        How many in all.
    offset : float
        Between 0 and 1; drawn evenly, each row has its share on average, and never misses it by one person.

    Examples
    --------
    >>> laid_out(np.array([1.0, 0.5, 2.5]), 8, 0.3).tolist()
    [2, 1, 5]
    """
    so_far = np.cumsum(people)
    ends = np.minimum(np.floor(so_far / so_far[-1] * size + offset), size).astype(np.int64)
    return np.asarray(np.diff(ends, prepend=0))


def _rows_of(ends: IntArray, first: int, size: int) -> IntArray:
    """Return the row of each of so many participants in line."""
    return np.asarray(np.searchsorted(ends, np.arange(first, first + size), side="right"), dtype=np.int64)


def _nothing(rows: int) -> Tally:
    people, worked, earned, outcomes, sustainments = np.zeros((5, rows), dtype=np.int64)
    return Tally(people, worked, earned, outcomes, sustainments, np.zeros(rows), np.zeros(rows))


def _added(one: Tally, other: Tally) -> Tally:
    return Tally(*(getattr(one, item.name) + getattr(other, item.name) for item in fields(Tally)))
