"""Many worlds side by side, and what happens in them: arrays with one row a world."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np

from pbr_opt.errors import UnsupportedModelError
from pbr_opt.market.sustainment import expected_sustainments
from pbr_opt.market.tariffs import Tariff
from pbr_opt.quantities import PERIODS_PER_YEAR, FloatArray

__all__ = ["Contracts", "National", "Nations", "require_plain"]


def require_plain(tariff: Tariff) -> None:
    """Raise when a tariff pays in ways that worlds do not know.

    >>> require_plain(Tariff(["a"], 400, 1200))
    """
    if tariff.accelerator_fee_gbp.any() or tariff.sustainment_window.any():
        raise UnsupportedModelError(
            "Worlds know attachment, outcome and sustainment fees, and neither accelerators nor sustainment windows; "
            "try evaluate() on Ensemble.programmes(), one world at a time"
        )


def _protect(tables: Contracts | Nations | National) -> None:
    """Let nobody write into the arrays of a table: views, because copies would cost more than the equilibrium."""
    for item in fields(tables):
        array = getattr(tables, item.name)
        if isinstance(array, np.ndarray):
            view = array.view()
            view.setflags(write=False)
            object.__setattr__(tables, item.name, view)


def _shut(array: FloatArray) -> FloatArray:
    array.setflags(write=False)
    return array


@dataclass(frozen=True, eq=False)
class Contracts:
    """The prime contracts that share the nation, shape (contracts,) throughout.

    Attributes
    ----------
    share : array
        Of everybody; adds up to 1.
    readiness_shift : array
        Logits, added to deadweight and ceiling of its area.
    productivity : array
        Divides the response scale of prime and end-to-end subcontractor alike.
    """

    share: FloatArray
    readiness_shift: FloatArray
    productivity: FloatArray

    def __post_init__(self) -> None:
        """Write-protect every array."""
        _protect(self)

    @classmethod
    def one(cls) -> Contracts:
        """Return the nation as one contract.

        >>> Contracts.one().share.tolist()
        [1.0]
        """
        return cls(np.ones(1), np.zeros(1), np.ones(1))


@dataclass(frozen=True, eq=False)
class Nations:
    """What distinguishes worlds: arrays of shape (worlds, groups), or (worlds,) with a star.

    Attributes
    ----------
    participants, deadweight_rate, uplift, spread, response_scale_gbp, curvature, exit_hazard : array
        Of each payment group: n, mean p0, logits between p0 and p1 of every segment, sigma, kappa, b, h.
    attachment_fee_gbp, outcome_fee_gbp, sustainment_fee_gbp, sustainment_max : array
        List prices.
    outcome_value_gbp, base_service_gbp : array
        v, and the cost a head that is not discretionary.
    bid_discount, attachment_share, discount_rate, mission_gbp : array (star)
        What is taken off prices; the share of attachment fees paid over all contract years; yearly rate; m.
    pass_through, tier1_share, working_capital_gbp : array (star)
        What an end-to-end subcontractor gets of its prime's price and attachment fee; the share of people it serves;
        what either can lay out per participant (infinite where capital is no limit).
    """

    participants: FloatArray
    deadweight_rate: FloatArray
    uplift: FloatArray
    spread: FloatArray
    response_scale_gbp: FloatArray
    curvature: FloatArray
    exit_hazard: FloatArray
    attachment_fee_gbp: FloatArray
    outcome_fee_gbp: FloatArray
    sustainment_fee_gbp: FloatArray
    sustainment_max: FloatArray
    outcome_value_gbp: FloatArray
    base_service_gbp: FloatArray
    bid_discount: FloatArray
    attachment_share: FloatArray
    discount_rate: FloatArray
    mission_gbp: FloatArray
    pass_through: FloatArray
    tier1_share: FloatArray
    working_capital_gbp: FloatArray

    def __post_init__(self) -> None:
        """Write-protect every array."""
        _protect(self)

    def __len__(self) -> int:
        """Return the number of worlds."""
        return len(self.participants)

    def take(self, rows: slice | FloatArray) -> Nations:
        """Return some of the worlds."""
        return Nations(**{item.name: getattr(self, item.name)[rows] for item in fields(self)})

    def paying(self, tariff: Tariff) -> Nations:
        """Return the same worlds under one list tariff, in the order of the groups.

        Raises
        ------
        UnsupportedModelError
            A tariff with an accelerator or a sustainment window: worlds have neither.
        """
        require_plain(tariff)
        columns = {
            "attachment_fee_gbp": tariff.attachment_fee_gbp,
            "outcome_fee_gbp": tariff.outcome_fee_gbp,
            "sustainment_fee_gbp": tariff.sustainment_fee_gbp,
            "sustainment_max": tariff.sustainment_max.astype(np.float64),
        }
        kept = {item.name: getattr(self, item.name) for item in fields(self)}
        spread = {name: np.broadcast_to(column, self.participants.shape) for name, column in columns.items()}
        return Nations(**(kept | spread))

    @cached_property
    def sustainments(self) -> FloatArray:
        """Return S, expected discounted sustainment payments after an outcome, shape (worlds, groups)."""
        rates = np.unique(self.discount_rate)
        if rates.size == 1:
            return _shut(expected_sustainments(self.exit_hazard, self.sustainment_max, float(rates[0])))
        # a discounted hazard: (1 - h) d = 1 - h', and S depends on their product alone
        factor = (1.0 + self.discount_rate[:, None]) ** (-1.0 / PERIODS_PER_YEAR)
        return _shut(expected_sustainments(1.0 - (1.0 - self.exit_hazard) * factor, self.sustainment_max))

    @cached_property
    def outcome_payment_gbp(self) -> FloatArray:
        """Return what is paid for the outcome itself, discount taken off."""
        return _shut(self.outcome_fee_gbp * (1.0 - self.bid_discount[:, None]))

    @cached_property
    def price_gbp(self) -> FloatArray:
        """Return x, what an outcome pays with its expected sustainment."""
        kept = 1.0 - self.bid_discount[:, None]
        return _shut(self.outcome_payment_gbp + self.sustainment_fee_gbp * kept * self.sustainments)

    @cached_property
    def attachment_gbp(self) -> FloatArray:
        """Return what is paid per participant on average over contract years."""
        return _shut(self.attachment_fee_gbp * self.attachment_share[:, None])


@dataclass(frozen=True, eq=False)
class National:
    """What happens in each world, by payment group: shape (worlds, groups), or (worlds, contracts) with a star.

    Attributes
    ----------
    nations : Nations
        The worlds.
    outcomes, deadweight_outcomes, parked, inefficiently_parked : array
        People.
    support_gbp : array
        Discretionary support.
    contract_outcome_rate : array (star)
        Outcomes per participant of each contract.
    """

    nations: Nations
    outcomes: FloatArray
    deadweight_outcomes: FloatArray
    parked: FloatArray
    inefficiently_parked: FloatArray
    support_gbp: FloatArray
    contract_outcome_rate: FloatArray

    def __post_init__(self) -> None:
        """Write-protect every array."""
        _protect(self)

    @property
    def people(self) -> FloatArray:
        """Return everybody, shape (worlds,)."""
        return np.asarray(self.nations.participants.sum(axis=1))

    @property
    def outcome_spend_gbp(self) -> FloatArray:
        """Return outcome and sustainment payments by group."""
        return self.outcomes * self.nations.price_gbp

    @property
    def attachment_spend_gbp(self) -> FloatArray:
        """Return attachment fees by group."""
        return self.nations.participants * self.nations.attachment_gbp

    @property
    def spend_gbp(self) -> FloatArray:
        """Return everything the Department pays, shape (worlds,)."""
        return np.asarray((self.outcome_spend_gbp + self.attachment_spend_gbp).sum(axis=1))

    @property
    def parked_share(self) -> FloatArray:
        """Return the share parked, shape (worlds,)."""
        return np.asarray(self.parked.sum(axis=1) / self.people)

    @property
    def inefficiently_parked_share(self) -> FloatArray:
        """Return the share parked whom society would help, shape (worlds,)."""
        return np.asarray(self.inefficiently_parked.sum(axis=1) / self.people)

    @property
    def additional_outcomes(self) -> FloatArray:
        """Return outcomes that would not have come anyway, shape (worlds,)."""
        return np.asarray((self.outcomes - self.deadweight_outcomes).sum(axis=1))

    @property
    def mean_support_gbp(self) -> FloatArray:
        """Return discretionary support per participant, shape (worlds,)."""
        return np.asarray(self.support_gbp.sum(axis=1) / self.people)

    @property
    def windfall_share(self) -> FloatArray:
        """Return the part of outcome payments that is for outcomes that would have come anyway, shape (worlds,)."""
        windfall = (self.deadweight_outcomes * self.nations.price_gbp).sum(axis=1)
        return np.asarray(windfall / np.maximum(self.outcome_spend_gbp.sum(axis=1), np.finfo(float).tiny))

    def measures(self) -> dict[str, FloatArray]:
        """Return the headline measures by name, each of shape (worlds,)."""
        names = (
            "spend_gbp",
            "parked_share",
            "inefficiently_parked_share",
            "additional_outcomes",
            "mean_support_gbp",
            "windfall_share",
        )
        return {name: getattr(self, name) for name in names} | {"outcomes": np.asarray(self.outcomes.sum(axis=1))}
