"""Who is in a supply chain, and on what terms each is paid by the one above it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from pbr_opt.market.caseload import Caseload
from pbr_opt.market.responses import HaraResponse
from pbr_opt.quantities import FloatArray

__all__ = ["CONTRACT_FORMS", "EVIDENCE_TEXTS", "KINDS", "SECTORS", "Agent", "Area", "Contract", "area_caseload"]

KINDS: Final = ("department", "prime", "tier1", "tier2")
SECTORS: Final = ("private", "public", "voluntary")
EVIDENCE_TEXTS: Final = ("status", "source", "note")
"""Fields of areas, agents and contracts that say how well each is known."""
CONTRACT_FORMS: Final = ("two_part", "fixed_share", "piece_rate", "group_price")


@dataclass(frozen=True, slots=True)
class Area:
    """A contract package area: how much of the caseload it has, and how near its people are to work.

    Parameters
    ----------
    name : str
        As primes name it.
    participant_share : float
        Share of every segment's participants, 0..1; areas add up to 1.
    readiness_shift : float, optional
        Added to the logit of deadweight and ceiling of everybody in the area; 0 is the national average.
    status, source, note : str, optional
        How well it is known, as of an agent.
    """

    name: str
    participant_share: float
    readiness_shift: float = 0.0
    status: str = ""
    source: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Agent:
    """An organisation in one place of a chain. Defaults are those of a provider like any other.

    Parameters
    ----------
    name : str
        The node of the graph.
    kind : str
        One of ``KINDS``.
    area : str, optional
        Contract package area; subcontractors stand in their prime's.
    sector : str, optional
        One of ``SECTORS``.
    delivers : bool, optional
        Whether it serves participants itself; a prime with False only manages.
    productivity : float, mapping by group, or array by segment, optional
        Divides the response scale: 2 does with £1 what others do with £2.
    ceiling_bonus : float, mapping or array, optional
        Added to the ceiling rate.
    fixed_cost_gbp, working_capital_gbp, cost_of_capital, mission_gbp, capacity : float, optional
        Cost of being there at all; what it can lay out before outcomes pay (support, and base and fixed costs
        for the payment lag, less fees that come at once); yearly rate at which it borrows against
        late payments; what an outcome is worth to it beyond money; most participants it can take.
    status, source, note : str, optional
        How well it is known that it stands there (one of ``ROW_STATUSES``, or nothing), keys of the sources with
        semicolons between, a remark. Kept and told, not computed with.
    """

    name: str
    kind: str
    area: str = ""
    sector: str = "private"
    delivers: bool = True
    productivity: float | tuple[float, ...] | tuple[tuple[str, float], ...] = 1.0
    ceiling_bonus: float | tuple[float, ...] | tuple[tuple[str, float], ...] = 0.0
    fixed_cost_gbp: float = 0.0
    working_capital_gbp: float = math.inf
    cost_of_capital: float = 0.0
    mission_gbp: float = 0.0
    capacity: float = math.inf
    status: str = ""
    source: str = ""
    note: str = ""

    def response(self, caseload: Caseload) -> HaraResponse:
        """Return how segments respond to support when this agent gives it.

        ``kappa / productivity``, and ``min(p1 + bonus, 1)``, never below the deadweight.

        >>> people = Caseload(["a"], 10, .1, .3, 500)
        >>> Agent("s", "tier2", productivity=2.0).response(people).parking_threshold_gbp.round(6).tolist()
        [1250.0]
        """
        own = caseload.response
        if self.productivity == 1.0 and self.ceiling_bonus == 0.0:
            return own
        ceiling = np.clip(own.ceiling_rate + by_segment(self.ceiling_bonus, caseload, 0.0), own.deadweight_rate, 1.0)
        scale = own.response_scale_gbp / by_segment(self.productivity, caseload, 1.0)
        return HaraResponse(own.deadweight_rate, ceiling, scale, own.curvature)


def by_segment(
    value: float | tuple[float, ...] | tuple[tuple[str, float], ...], caseload: Caseload, default: float
) -> FloatArray:
    """Return a number for each segment from one number, one a segment, or pairs of group and number."""
    if not isinstance(value, tuple):
        return np.full(len(caseload), float(value))
    pairs = {item[0]: item[1] for item in value if isinstance(item, tuple)}
    if pairs:
        return np.array([pairs.get(group, default) for group in caseload.groups])[caseload.group_index]
    numbers = np.asarray(value, dtype=np.float64)
    return numbers


def packed(value: ArrayLike | Mapping[str, float]) -> float | tuple[float, ...] | tuple[tuple[str, float], ...]:
    """Return a node attribute as something frozen: a number, a tuple by segment, or pairs of group and number."""
    if isinstance(value, Mapping):
        return tuple((str(group), float(number)) for group, number in value.items())
    array = np.asarray(value, dtype=np.float64)
    return float(array) if array.ndim == 0 else tuple(float(number) for number in array)


@dataclass(frozen=True, slots=True)
class Contract:
    """How a payer pays a payee for each participant it refers: the edge of the graph, money flows along it.

    Parameters
    ----------
    payer, payee : str
        Names of agents.
    form : str, optional
        ``two_part``: the payee gets the full price and pays its value back as a lump sum; ``fixed_share``: a share of
        the payer's own price; ``piece_rate``: a price for each segment that the payer chooses; ``group_price``: one
        price for a payment group that the payer chooses. The Department's own edges pay the tariff in full.
    share : float, optional
        Of the payer's price per outcome, for ``fixed_share``, 0..1.
    attachment_share : float, optional
        Of the payer's attachment fee that is passed on, 0..1.
    management_fee_gbp, referral_fee_gbp : float, optional
        Per participant referred: what the payer keeps back, and what it pays on top.
    guaranteed_volume : float, optional
        Participants that the payer must refer.
    volume_share : float, optional
        Share of the payer's participants that go to the payee whoever they are (end-to-end); without it the payer
        refers whom it chooses.
    payment_lag_weeks : float, optional
        How late outcome payments come.
    least_share : float, optional
        Protected pass-through: the payee's price is at least this share of the payer's, whatever the payer would like.
    status, source, note : str, optional
        How well it is known, as of an agent.
    """

    payer: str
    payee: str
    form: str = "fixed_share"
    share: float = 1.0
    attachment_share: float = 1.0
    management_fee_gbp: float = 0.0
    referral_fee_gbp: float = 0.0
    guaranteed_volume: float = 0.0
    volume_share: float | None = None
    payment_lag_weeks: float = 0.0
    least_share: float = 0.0
    status: str = ""
    source: str = ""
    note: str = ""


def area_caseload(caseload: Caseload, area: Area) -> Caseload:
    """Return an area's people: its share of each segment, deadweight and ceiling shifted on the logit scale.

    >>> people = Caseload(["a"], 100, .2, .5, 600)
    >>> area_caseload(people, Area("north", 0.25, -0.5)).deadweight_rate.round(4).tolist()
    [0.1317]
    """
    people = caseload.participants * area.participant_share
    if area.readiness_shift == 0.0:
        return caseload.replace(participants=people)
    shift = np.exp(area.readiness_shift)
    low, high = caseload.deadweight_rate, caseload.ceiling_rate
    return caseload.replace(
        participants=people,
        deadweight_rate=low * shift / (1.0 - low + low * shift),
        ceiling_rate=high * shift / (1.0 - high + high * shift),
    )
