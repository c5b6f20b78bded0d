"""The books of a supply chain: one account an agent, one cell for whom each serves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from pbr_opt.equilibrium.best_response import BestResponse
from pbr_opt.market.caseload import Caseload
from pbr_opt.quantities import FloatArray, IntArray

__all__ = ["Account", "Cell", "Departure", "Flow", "Intake", "Ledger"]


@dataclass
class Account:
    """One agent's year, all in GBP and people; filled while the chain is played, and then left alone.

    Attributes
    ----------
    agent : str
        Name.
    referrals, delivered, parked, outcomes : float
        People given to it, people it served itself, of these parked, and outcomes among them.
    income_gbp, paid_on_gbp : float
        From its payer; to its payees, what they pay back taken off.
    support_gbp, base_service_gbp, finance_cost_gbp, fixed_cost_gbp : float
        What it spends.
    shadow_price : float
        lambda of its working capital.
    overdrawn_gbp : float
        What it must lay out before outcomes pay and has no money for.
    place_price_gbp : float
        What one more place with it is worth to its payer (below 0: what a guarantee costs).
    active : bool
        Whether it stayed.
    """

    agent: str
    referrals: float = 0.0
    delivered: float = 0.0
    parked: float = 0.0
    outcomes: float = 0.0
    income_gbp: float = 0.0
    paid_on_gbp: float = 0.0
    support_gbp: float = 0.0
    base_service_gbp: float = 0.0
    finance_cost_gbp: float = 0.0
    fixed_cost_gbp: float = 0.0
    shadow_price: float = 0.0
    overdrawn_gbp: float = 0.0
    place_price_gbp: float = 0.0
    active: bool = True

    @property
    def profit_gbp(self) -> float:
        """Return income less everything that goes out."""
        spent = self.support_gbp + self.base_service_gbp + self.finance_cost_gbp + self.fixed_cost_gbp
        return self.income_gbp - self.paid_on_gbp - spent


@dataclass(frozen=True, slots=True, eq=False)
class Cell:
    """People of one area that one agent serves.

    Attributes
    ----------
    area, deliverer : str
        Where and who.
    participants : array (segments,)
        How many of each segment.
    caseload : Caseload
        The area's own.
    received_gbp : array (segments,)
        What the deliverer is paid per outcome.
    behaviour : BestResponse
        What it does.
    """

    area: str
    deliverer: str
    participants: FloatArray
    caseload: Caseload
    received_gbp: FloatArray
    behaviour: BestResponse


@dataclass(frozen=True, slots=True, eq=False)
class Flow:
    """What one agent is given by its payer: people, and what it is paid for them.

    Attributes
    ----------
    area, payee : str
        Where, and who is paid; its payer is in its contract.
    participants, outcomes : array (segments,)
        How many of each segment, and how many of them find work.
    price_gbp, attachment_gbp : array (segments,)
        Paid per outcome and per participant.
    """

    area: str
    payee: str
    participants: FloatArray
    outcomes: FloatArray
    price_gbp: FloatArray
    attachment_gbp: FloatArray


@dataclass(frozen=True, slots=True)
class Departure:
    """An agent that left.

    Attributes
    ----------
    agent : str
        Name.
    round : int
        In which round of leaving.
    margin_gbp : float
        What it would have made.
    reason : str
        ``no referrals``, ``income below cost`` or ``no money until outcomes pay``.
    """

    agent: str
    round: int
    margin_gbp: float
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class Intake:
    """Whom a prime is given when results decide, and what an outcome is worth to it on top of its price.

    Attributes
    ----------
    participants, top_up_gbp : array (rows,)
        People, and GBP per outcome.
    segment : array of int (rows,)
        Segment of each row: several rows of one where plans of a contest divide it.
    """

    participants: FloatArray
    top_up_gbp: FloatArray
    segment: IntArray

    def __post_init__(self) -> None:
        """Write-protect every array."""
        for array in (self.participants, self.top_up_gbp, self.segment):
            array.setflags(write=False)

    @classmethod
    def plain(cls, participants: FloatArray) -> Intake:
        """Return a prime without rivals: a row a segment, and no top-up."""
        return cls(participants, np.zeros(participants.size), np.arange(participants.size))


@dataclass
class Ledger:
    """All books, open."""

    accounts: dict[str, Account]
    cells: list[Cell] = field(default_factory=list)
    flows: list[Flow] = field(default_factory=list)

    @property
    def department(self) -> str:
        """Return who pays in the end: the first account."""
        return next(iter(self.accounts))

    @property
    def shadow_prices(self) -> dict[str, float]:
        """Return lambda by agent."""
        return {name: account.shadow_price for name, account in self.accounts.items()}

    @classmethod
    def joined(cls, parts: Sequence[Ledger]) -> Ledger:
        """Return the books of areas that have nobody in common but the Department."""
        name = parts[0].department
        payer = parts[0].accounts[name]
        paid = sum(part.accounts[name].paid_on_gbp for part in parts)
        whole = cls({name: replace(payer, paid_on_gbp=paid, income_gbp=paid)})
        for part in parts:
            whole.accounts |= {key: account for key, account in part.accounts.items() if key != name}
            whole.cells += part.cells
            whole.flows += part.flows
        return whole
