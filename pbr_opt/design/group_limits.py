"""Limits on each payment group by itself: who may be parked, who must not lose, what a price may be worth."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np

from pbr_opt.design.limits import PRICE_CEILING_GBP, Limit, ShareLimit, unknown_groups
from pbr_opt.design.states import GroupStates
from pbr_opt.errors import Fault, InvalidInputError
from pbr_opt.market.programme import Programme
from pbr_opt.market.tariffs import Tariff
from pbr_opt.quantities import BoolArray, FloatArray, Inspection, label

__all__ = [
    "GroupLimit",
    "MaxAttachmentShare",
    "MaxParkedShare",
    "MinimumService",
    "NoGroupWorse",
    "PriceCeilingByValue",
]

_KEPT: Final = 1e-9
"""Relative. Limits on groups are kept to this, as budgets are: sums over segments in another order differ by less."""
_ROUNDING: Final = 1e-12
"""Outcomes per head: where all are parked, what is left of rates that cancel may be on either side of nought."""


class GroupLimit(Limit, ABC):
    """A limit on what becomes of each group by itself."""

    @property
    def reference(self) -> Tariff | None:
        """Return the tariff that groups are compared under, if any."""
        return None

    @abstractmethod
    def holds(self, there: GroupStates, before: GroupStates) -> BoolArray:
        """Whether the limit holds, for each entry; ``before`` is the same group under the tariff of reference."""

    @abstractmethod
    def told(self, there: GroupStates, before: GroupStates) -> str:
        """Return in words what the limit looks at, of a single entry."""


@dataclass(frozen=True)
class MaxParkedShare(ShareLimit, GroupLimit):
    """In every group at most this share of people is parked.

    Parameters
    ----------
    share : float
        0..1.

    Raises
    ------
    InvalidInputError
        For a share outside 0..1.

    Examples
    --------
    >>> print(MaxParkedShare(0.3))
    MaxParkedShare(30 %)
    """

    def holds(self, there: GroupStates, before: GroupStates) -> BoolArray:
        """Whether no more than the share is parked."""
        return np.asarray(there.parked <= self.share * there.participants * (1.0 + _KEPT))

    def told(self, there: GroupStates, before: GroupStates) -> str:
        """Return the parked share."""
        return f"{100 * there.parked_share.item():.4g} % parked"


@dataclass(frozen=True)
class NoGroupWorse(GroupLimit):
    """No group fares worse than under a given tariff: no fewer outcomes, no less support, no more people parked.

    Parameters
    ----------
    tariff : Tariff
        To compare with, under the same terms and in the same market; often the programme's own.

    Raises
    ------
    InvalidInputError
        When it is no tariff, or prices other groups.

    Examples
    --------
    >>> print(NoGroupWorse(Tariff(["a"], 400, 4000)))
    NoGroupWorse(than at £4,000)
    """

    tariff: Tariff

    def __post_init__(self) -> None:
        """Check that there is a tariff to compare with."""
        if not isinstance(self.tariff, Tariff):
            given = type(self.tariff).__name__
            raise InvalidInputError(
                "NoGroupWorse", [Fault("tariff", given, "a Tariff", "NoGroupWorse(programme.tariff)")]
            )

    @property
    def reference(self) -> Tariff:
        """Return the tariff to compare with."""
        return self.tariff

    def holds(self, there: GroupStates, before: GroupStates) -> BoolArray:
        """Whether outcomes, support and people parked are no worse."""
        slack = _KEPT * np.abs(before.additional) + _ROUNDING * before.participants
        as_many = there.additional >= before.additional - slack
        as_much = there.support_gbp >= before.support_gbp * (1.0 - _KEPT)
        return np.asarray(as_many & as_much & (there.parked <= before.parked * (1.0 + _KEPT)))

    def told(self, there: GroupStates, before: GroupStates) -> str:
        """Return what it is compared by."""
        return f"{_fares(there)}, against {_fares(before)}"

    def __str__(self) -> str:
        """Return the limit in words."""
        prices = [f"£{price:,.0f}" for price in self.tariff.price_gbp]
        shown = ", ".join(prices[:3]) + (", …" if len(prices) > 3 else "")
        return f"NoGroupWorse(than at {shown})"


def _fares(there: GroupStates) -> str:
    additional, support, parked = (each.item() for each in (there.additional, there.support_gbp, there.parked))
    return f"{additional:,.6g} additional outcomes, £{support:,.6g} of support, {parked:,.6g} parked"


@dataclass(frozen=True)
class MaxAttachmentShare(ShareLimit, GroupLimit):
    """In every group attachment fees are at most this share of everything that is expected to be paid for it.

    Attachment fees do not move unless ``DesignSettings(vary=...)`` says so: the limit then is a floor under prices.

    Parameters
    ----------
    share : float
        0..1.

    Raises
    ------
    InvalidInputError
        For a share outside 0..1.

    Examples
    --------
    >>> print(MaxAttachmentShare(0.25))
    MaxAttachmentShare(25 %)
    """

    def holds(self, there: GroupStates, before: GroupStates) -> BoolArray:
        """Whether attachment fees are at most the share."""
        return np.asarray(there.attachment_gbp <= self.share * there.spend_gbp * (1.0 + _KEPT))

    def told(self, there: GroupStates, before: GroupStates) -> str:
        """Return the share of attachment fees."""
        return f"{100 * there.attachment_share.item():.4g} % of what is paid are attachment fees"


@dataclass(frozen=True)
class PriceCeilingByValue(Limit):
    """No outcome is priced above what it is worth: list prices are at most the programme's ``outcome_value_gbp``.

    Examples
    --------
    >>> print(PriceCeilingByValue())
    PriceCeilingByValue()
    """

    def faults(self, programme: Programme) -> tuple[Fault, ...]:
        """Return that nobody has said what an outcome is worth, when nobody has."""
        if programme.outcome_value_gbp is not None:
            return ()
        remedy = "programme.replace(outcome_value_gbp=10_000)"
        return (Fault("PriceCeilingByValue", "no outcome_value_gbp", "a programme that says what it is worth", remedy),)

    def list_prices(self, programme: Programme) -> tuple[FloatArray, FloatArray] | None:
        """Return nothing, and what an outcome is worth."""
        value = programme.outcome_value_gbp
        return None if value is None else (np.zeros(value.size), np.minimum(value, PRICE_CEILING_GBP))

    def __str__(self) -> str:
        """Return the limit in words."""
        return "PriceCeilingByValue()"


@dataclass(frozen=True, eq=False)
class MinimumService(Limit):
    """Everybody gets at least this much verified support: a term of the contract, whatever it pays.

    The design is found, and evaluated, for the programme with that term (``design.problem.programme``).

    Parameters
    ----------
    gbp : float or mapping of group to float
        GBP per participant, at least 0; where the programme already requires more, that stays.

    Raises
    ------
    InvalidInputError
        For amounts that are no money, and unknown groups.

    Examples
    --------
    >>> print(MinimumService({"a": 150}))
    MinimumService('a' £150)
    """

    gbp: float | Mapping[str, float]

    def __post_init__(self) -> None:
        """Check the amounts."""
        check = Inspection("MinimumService")
        if isinstance(self.gbp, Mapping):
            named = {label(g): check.number(f"gbp['{g}']", amount) for g, amount in self.gbp.items()}
            object.__setattr__(self, "gbp", MappingProxyType(named))
        else:
            object.__setattr__(self, "gbp", check.number("gbp", self.gbp))
        check.finish()

    def faults(self, programme: Programme) -> tuple[Fault, ...]:
        """Return the groups that the programme does not have."""
        named = self.gbp if isinstance(self.gbp, Mapping) else {}
        return unknown_groups("MinimumService", named, programme.caseload.groups)

    def applied(self, programme: Programme) -> Programme:
        """Return the programme with the minimum service."""
        groups = programme.caseload.groups
        least = [self.gbp.get(g, 0.0) for g in groups] if isinstance(self.gbp, Mapping) else self.gbp
        raised = np.maximum(programme.minimum_service_gbp, least)
        if np.array_equal(raised, programme.minimum_service_gbp):
            return programme
        return programme.replace(minimum_service_gbp=raised)

    def __str__(self) -> str:
        """Return the limit in words."""
        if isinstance(self.gbp, Mapping):
            named = "; ".join(f"'{group}' £{amount:,.0f}" for group, amount in self.gbp.items())
            return f"MinimumService({named})"
        return f"MinimumService(£{self.gbp:,.0f})"
