"""What a design must respect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from pbr_opt.errors import Fault
from pbr_opt.quantities import FloatArray, Inspection, label, nearest

__all__ = ["PRICE_CEILING_GBP", "Budget", "Limit", "PriceRange", "PriceStep"]

PRICE_CEILING_GBP: Final = 50_000.0
"""Highest list price of an outcome unless a PriceRange says otherwise: nearly four times the dearest of 2011."""


class Limit:
    """Base of all limits; ``str(limit)`` is how messages name it."""


@dataclass(frozen=True)
class Budget(Limit):
    """Everything the Department pays, attachment fees included, is at most this.

    Parameters
    ----------
    gbp : float
        Total over all participants, at least 0. Kept to one part in 1e9.

    Examples
    --------
    >>> print(Budget(2.5e6))
    Budget(£2,500,000)
    """

    gbp: float

    def __post_init__(self) -> None:
        """Check the amount."""
        check = Inspection("Budget")
        object.__setattr__(self, "gbp", check.number("gbp", self.gbp))
        check.finish()

    def __str__(self) -> str:
        """Return the limit in words."""
        return f"Budget(£{self.gbp:,.0f})"


@dataclass(frozen=True, eq=False)
class PriceRange(Limit):
    """The list price of an outcome lies in a range: outcome fee plus every sustainment payment, before discounts.

    Parameters
    ----------
    lower_gbp, upper_gbp : float or mapping of group to float
        At least 0; groups that a mapping leaves out are free between 0 and ``PRICE_CEILING_GBP``.

    Examples
    --------
    >>> PriceRange(1000, {"7": 15000}).bounds(["1", "7"])[1].tolist()
    [50000.0, 15000.0]
    """

    lower_gbp: float | Mapping[str, float] = 0.0
    upper_gbp: float | Mapping[str, float] = PRICE_CEILING_GBP

    def __post_init__(self) -> None:
        """Keep copies of mappings that nobody can change."""
        for name in ("lower_gbp", "upper_gbp"):
            price = getattr(self, name)
            if isinstance(price, Mapping):
                object.__setattr__(self, name, MappingProxyType({label(group): gbp for group, gbp in price.items()}))

    def __str__(self) -> str:
        """Return the limit in words."""
        return f"PriceRange({_shown(self.lower_gbp)} to {_shown(self.upper_gbp)})"

    def bounds(self, groups: Sequence[str]) -> tuple[FloatArray, FloatArray]:
        """Return lowest and highest list price by group.

        Raises
        ------
        InvalidInputError
            Negative or non-finite prices, a lower above an upper price, unknown groups: all at once.
        """
        check = Inspection("PriceRange")
        lower = check.money("lower_gbp", _spread(check, "lower_gbp", self.lower_gbp, groups, 0.0), len(groups))
        upper = check.money("upper_gbp", _spread(check, "upper_gbp", self.upper_gbp, groups, np.inf), len(groups))
        for k in map(int, np.flatnonzero(lower > upper)):
            check.fault(f"group '{groups[k]}'", f"£{lower[k]:,.0f} to £{upper[k]:,.0f}", "a lower at most the upper")
        check.finish()
        return lower, upper


def _shown(price: float | Mapping[str, float]) -> str:
    if isinstance(price, Mapping):
        return "; ".join(f"'{group}' £{amount:,.0f}" for group, amount in price.items())
    return f"£{price:,.0f}"


def _spread(
    check: Inspection, place: str, price: float | Mapping[str, float], groups: Sequence[str], empty: float
) -> ArrayLike:
    if not isinstance(price, Mapping):
        return price
    for group in price:
        if group not in groups:
            check.faults.append(Fault(f"{place}['{group}']", "a price", "a payment group", nearest(group, groups)))
    return [price.get(group, min(empty, PRICE_CEILING_GBP)) for group in groups]


@dataclass(frozen=True)
class PriceStep(Limit):
    """Every fee that moves is a multiple of this, so that the answer can be printed as a rate card.

    Outcome and sustainment fee of a group are rounded together to the multiples nearest to the programme's own
    proportion.

    Parameters
    ----------
    gbp : float
        At least a penny.

    Examples
    --------
    >>> print(PriceStep(5))
    PriceStep(£5)
    """

    gbp: float

    def __post_init__(self) -> None:
        """Check the amount."""
        check = Inspection("PriceStep")
        object.__setattr__(self, "gbp", check.number("gbp", self.gbp, lowest=0.01))
        check.finish()

    def __str__(self) -> str:
        """Return the limit in words."""
        return f"PriceStep(£{self.gbp:g})"
