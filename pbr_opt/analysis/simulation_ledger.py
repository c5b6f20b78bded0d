"""Payments and cash: what histories bring to whom and when, every payment if wanted, and what is left at each month.

Amounts are whole millionths of a pound until the books are closed, so that sums are exact: the same whatever the
order, and what one agent pays is what others receive.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from pbr_opt.analysis.simulation_paths import MICRO, NOBODY, Company, Paths
from pbr_opt.analysis.simulation_settings import SimulationSettings
from pbr_opt.analysis.simulation_spells import Histories
from pbr_opt.quantities import FloatArray, IntArray, frozen

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["PAYMENTS", "Books", "Cash", "Entries", "PaymentLedger", "in_order", "months_of"]

PAYMENTS: Final = ("attachment", "referral", "outcome", "sustainment")
"""Kinds of payment for a participant, in the order of their codes; referral fees are net of management fees."""

_MONTHS: Final = 12
_YEAR: Final = 52
_IN_ORDER: Final = (34, 18, 16)
"""Bits below a participant's place, a week and a kind in the key that sorts payments; an agent has the rest."""
_HALF_A_PENNY: Final = 0.005
_COLUMNS: Final = ("kind", "week", "participant", "agent", "amount_gbp")


def months_of(weeks: IntArray) -> IntArray:
    """Return the month in which each week begins, both from 0.

    >>> months_of(np.array([0, 4, 5, 51, 52])).tolist()
    [0, 0, 1, 11, 12]
    """
    return weeks * _MONTHS // _YEAR


@dataclass(frozen=True, slots=True, eq=False)
class Entries:
    """Payments of one kind of event to one level of the way."""

    kind: int
    week: IntArray
    person: IntArray
    agent: IntArray
    amount: FloatArray


@dataclass(frozen=True, eq=False)
class PaymentLedger:
    """Every payment for a participant, in the order of participants and weeks, 17 bytes each.

    Attributes
    ----------
    kind : array of uint8
        Position in ``PAYMENTS``.
    week : array of uint16
        Week of the programme in which the money arrives, from 0.
    participant : array of uint32
        Place in line, from 0.
    agent : array of uint16
        Who receives it, a position in ``names``; its payer pays it.
    amount_gbp : array
        To the millionth of a pound; below 0 where a management fee exceeds the referral fee.
    group_of : array of uint16 (participants,)
        Payment group of each participant, a position in ``groups``.
    names, payers, groups : tuple of str
        Who ``agent`` stands for, who pays each, and payment groups.
    """

    kind: NDArray[np.uint8]
    week: NDArray[np.uint16]
    participant: NDArray[np.uint32]
    agent: NDArray[np.uint16]
    amount_gbp: FloatArray
    group_of: NDArray[np.uint16]
    names: tuple[str, ...]
    payers: tuple[str, ...]
    groups: tuple[str, ...]

    def __post_init__(self) -> None:
        """Write-protect every array."""
        for name in (*_COLUMNS, "group_of"):
            getattr(self, name).setflags(write=False)

    def __len__(self) -> int:
        """Return the number of payments."""
        return int(self.kind.size)

    @property
    def total_gbp(self) -> FloatArray:
        """Return what each agent received, in the order of ``names``."""
        micro = np.bincount(self.agent, weights=np.rint(self.amount_gbp * MICRO), minlength=len(self.names))
        return np.asarray(micro / MICRO)

    def to_frame(self) -> pd.DataFrame:
        """Return a table with one row a payment: kind, week, month, participant, group, payer, payee, amount_gbp."""
        import pandas as pd  # slow to import: only when a table is asked for

        def named(codes: NDArray[Any], names: tuple[str, ...]) -> pd.Categorical:
            distinct = pd.Index(dict.fromkeys(names))
            place = distinct.get_indexer(pd.Index(names))
            return pd.Categorical.from_codes(place[codes], categories=distinct)

        return pd.DataFrame(
            {
                "kind": named(self.kind, PAYMENTS),
                "week": self.week,
                "month": months_of(self.week.astype(np.int64)),
                "participant": self.participant,
                "group": named(self.group_of[self.participant], self.groups),
                "payer": named(self.agent, self.payers),
                "payee": named(self.agent, self.names),
                "amount_gbp": self.amount_gbp,
            }
        )


@dataclass(frozen=True, eq=False)
class Cash:
    """Money in and out of every agent, week by week or month by month, GBP.

    Attributes
    ----------
    items : mapping of str to array (agents, times)
        Money in above 0, money out below.
    """

    items: Mapping[str, FloatArray]

    @property
    def net_gbp(self) -> FloatArray:
        """Return the sum of all items, shape (agents, times)."""
        return np.asarray(sum(self.items.values()))

    @property
    def profit_gbp(self) -> FloatArray:
        """Return what each agent is left with in the end."""
        return np.asarray(self.net_gbp.sum(axis=1))

    @property
    def peak_working_capital_gbp(self) -> FloatArray:
        """Return the most that each agent has laid out before it came back: how far its cash fell below nothing."""
        return np.asarray(np.maximum(0.0, -np.cumsum(self.net_gbp, axis=1).min(axis=1)))

    def insolvent(self, capital_gbp: FloatArray) -> NDArray[np.bool_]:
        """Return whose cash ever fell below minus its working capital, by more than half a penny."""
        return np.asarray(self.peak_working_capital_gbp > capital_gbp + _HALF_A_PENNY)

    def monthly(self) -> Cash:
        """Return weekly cash by month."""
        weeks = next(iter(self.items.values())).shape[1]
        first = np.flatnonzero(np.diff(months_of(np.arange(weeks)), prepend=-1))
        return Cash(MappingProxyType({k: frozen(np.add.reduceat(v, first, axis=1)) for k, v in self.items.items()}))


class Books:
    """Open books of one replication.

    Parameters
    ----------
    company : Company
        Who is paid.
    paths : Paths
        What each event brings to whom.
    weeks : int
        As long as anything is paid.
    """

    def __init__(self, company: Company, paths: Paths, weeks: int) -> None:
        self._company, self._paths, self._weeks = company, paths, weeks
        self._cells = len(company.names) * weeks
        self._received = np.zeros((len(PAYMENTS), self._cells))
        self._support, self._base = np.zeros((2, self._cells))

    def post(self, seen: Histories, row: IntArray, taper: FloatArray) -> list[Entries]:
        """Book what happened to some participants, and return the payments.

        Parameters
        ----------
        seen : Histories
            What happened.
        row : array of int (participants,)
            Row of the evaluation each belongs to.
        taper : array (participants,)
            Share of the attachment fee that is paid for each.
        """
        paths, everybody = self._paths, np.arange(row.size)
        place = paths.deliverer[row] * self._weeks + seen.start
        self._support += np.bincount(place, paths.support[row], self._cells)
        self._base += np.bincount(place, paths.base_service[row], self._cells)
        posted = []
        for level in range(len(paths.agent)):
            attachment = np.rint(paths.attachment[level][row] * taper)
            posted += [
                self._pay(0, level, (seen.start, everybody), row, attachment),
                self._pay(1, level, (seen.start, everybody), row, paths.referral[level][row]),
                self._pay(2, level, (seen.outcome_week, seen.outcome), row, paths.outcome[level][row[seen.outcome]]),
                self._pay(
                    3, level, (seen.sustained_week, seen.sustained), row, paths.sustainment[level][row[seen.sustained]]
                ),
            ]
        return posted

    def _pay(
        self, kind: int, level: int, when: tuple[IntArray, IntArray], row: IntArray, amount: FloatArray
    ) -> Entries:
        """Book payments of one kind to one level of the way, late as its contracts say."""
        week, person = when
        agent = self._paths.agent[level][row[person]]
        there = (agent != NOBODY) & (amount != 0.0)
        week, person, agent, amount = week[there], person[there], agent[there], amount[there]
        if PAYMENTS[kind] in {"outcome", "sustainment"}:
            week = week + self._company.lag_weeks[agent]
        if agent.size:
            self._received[kind] += np.bincount(agent * self._weeks + week, amount, self._cells)
        return Entries(kind, week, person, agent, amount)

    def close(self, settings: SimulationSettings, scale: float, running: int) -> Cash:
        """Return the cash of every agent by week; the Department gets what it pays from the Treasury.

        Parameters
        ----------
        settings : SimulationSettings
            Over how many weeks support and base service are laid out.
        scale : float
            Participants simulated for each of the programme's: fixed costs and lump sums are as much smaller.
        running : int
            Weeks over which fixed costs and lump sums are spread.
        """
        company, shape = self._company, (len(self._company.names), self._weeks)
        received = self._received.reshape(len(PAYMENTS), *shape)
        evenly = np.where(np.arange(self._weeks) < running, scale / running, 0.0)
        lump = company.lump_gbp[:, None] * evenly
        total = received.sum(axis=0)
        paid_on, back = np.zeros(shape), np.zeros(shape)
        np.add.at(paid_on, company.payer[1:], total[1:])
        np.add.at(back, company.payer[1:], lump[1:])
        kinds = {f"{kind}_gbp": received[k] / MICRO for k, kind in enumerate(PAYMENTS)}
        late = kinds["outcome_gbp"] + kinds["sustainment_gbp"]
        treasury = np.zeros(shape)
        treasury[0] = paid_on[0] / MICRO + back[0]
        costs = {
            "lump_sum_gbp": lump,
            "treasury_gbp": treasury,
            "paid_on_gbp": -(paid_on / MICRO + back),
            "support_gbp": -_laid_out(self._support.reshape(shape), settings.support_weeks) / MICRO,
            "base_service_gbp": -_laid_out(self._base.reshape(shape), settings.base_service_weeks) / MICRO,
            "finance_cost_gbp": -company.haircut[:, None] * late,
            "fixed_cost_gbp": -company.fixed_gbp[:, None] * evenly,
        }
        return Cash(MappingProxyType(kinds | costs))


def _laid_out(at_start: FloatArray, weeks: int) -> FloatArray:
    """Return amounts by week of the start, spread evenly over so many weeks from it."""
    so_far = np.cumsum(at_start, axis=1)
    before = np.zeros_like(so_far)
    before[:, weeks:] = so_far[:, : so_far.shape[1] - weeks]
    return np.asarray((so_far - before) / weeks)


def in_order(posted: list[Entries], first: int) -> dict[str, NDArray[Any]]:
    """Return payments for people from place ``first`` on as columns, in one order whatever was simulated at once."""
    people = np.concatenate([entries.person for entries in posted])
    week = np.concatenate([entries.week for entries in posted])
    agent = np.concatenate([entries.agent for entries in posted])
    kind = np.concatenate([np.full(entries.person.size, entries.kind) for entries in posted])
    place, time, sort = _IN_ORDER
    order = np.argsort((people << place) | (week << time) | (kind << sort) | agent)
    amount = np.concatenate([entries.amount for entries in posted])[order]
    return {
        "kind": kind[order].astype(np.uint8),
        "week": week[order].astype(np.uint16),
        "participant": (people[order] + first).astype(np.uint32),
        "agent": agent[order].astype(np.uint16),
        "amount_gbp": amount / MICRO,
    }
