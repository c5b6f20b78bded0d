"""What a design must respect: money, ranges and steps of prices (others in ``group_limits`` and ``joint_limits``)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from pbr_opt.errors import Fault
from pbr_opt.market.programme import Programme
from pbr_opt.market.tariffs import ContractTerms
from pbr_opt.quantities import FloatArray, Inspection, label, nearest

__all__ = [
    "PRICE_CEILING_GBP",
    "Budget",
    "BudgetRow",
    "Limit",
    "PriceRange",
    "PriceStep",
    "ShareLimit",
    "unknown_groups",
]

PRICE_CEILING_GBP: Final = 50_000.0
"""Highest list price of an outcome unless a PriceRange says otherwise: nearly four times the dearest of 2011."""


class Limit:
    """Base of all limits; ``str(limit)`` is how messages name it."""

    def applied(self, programme: Programme) -> Programme:
        """Return the programme as contracted under the limit: most limits leave it as it is."""
        return programme

    def list_prices(self, programme: Programme) -> tuple[FloatArray, FloatArray] | None:
        """Return lowest and highest list price by group, where that is what the limit says."""
        return None

    def faults(self, programme: Programme) -> tuple[Fault, ...]:
        """Return what about the limit does not fit the programme."""
        return ()


@dataclass(frozen=True)
class ShareLimit(Limit):
    """Base of limits that are a share, 0..1.

    Parameters
    ----------
    share : float
        0..1.

    Raises
    ------
    InvalidInputError
        For a share outside 0..1.
    """

    share: float

    def __post_init__(self) -> None:
        """Check the share."""
        check = Inspection(type(self).__name__)
        object.__setattr__(self, "share", check.number("share", self.share, highest=1.0))
        check.finish()

    def __str__(self) -> str:
        """Return the limit in words."""
        return f"{type(self).__name__}({100 * self.share:g} %)"


def unknown_groups(place: str, named: Iterable[str], known: Sequence[str]) -> tuple[Fault, ...]:
    """Return a fault for every group that a limit names and the programme does not have.

    >>> [str(fault) for fault in unknown_groups("PriceOrder", ["1", "x"], ["1", "2"])]
    ["PriceOrder: given 'x'; wanted a payment group; try: one of: 1, 2"]
    """
    return tuple(
        Fault(place, f"'{name}'", "a payment group", nearest(name, known)) for name in named if name not in known
    )


@dataclass(frozen=True, eq=False)
class Budget(Limit):
    """Everything the Department pays, attachment fees included, is at most this: in all, and by contract year.

    Attachment fees fall in the contract year in which people start, at that year's taper. Outcome and sustainment
    payments of those who start in a year fall in that and the following years in the shares ``outcome_years``, the same
    for every group. Who starts when is the programme's ``terms.intake_share``.

    Parameters
    ----------
    gbp : float, optional
        Total over all participants and years, at least 0. Kept to one part in 1e9.
    by_year : sequence of float or mapping of year to float, optional
        Most that is paid in contract year 1, 2, ...; years that a mapping leaves out are free, and so are years after
        the last of a sequence.
    outcome_years : sequence of float, optional
        Shares of outcome and sustainment payments that fall in the year of the start, the next one, ...; adds up to 1.

    Raises
    ------
    InvalidInputError
        For amounts that are no money, no amount at all, shares that do not add up to 1.

    Examples
    --------
    >>> print(Budget(2.5e6))
    Budget(£2,500,000)
    >>> print(Budget(by_year={2: 9e5}, outcome_years=(0.5, 0.5)))
    Budget(year 2: £900,000)
    """

    gbp: float = np.inf
    by_year: Mapping[int, float] | Sequence[float] = ()
    outcome_years: Sequence[float] = (1.0,)

    def __post_init__(self) -> None:
        """Check the amounts."""
        check = Inspection("Budget")
        given = self.by_year
        years = dict(given) if isinstance(given, Mapping) else dict(enumerate(np.ravel(given).tolist(), 1))
        if not years or not _is_infinite(self.gbp):
            object.__setattr__(self, "gbp", check.number("gbp", self.gbp))
        caps = {
            check.whole("by_year", year, lowest=1, highest=1000): check.number(f"by_year[{year}]", amount)
            for year, amount in years.items()
        }
        shares = check.rates("outcome_years", self.outcome_years, int(np.size(self.outcome_years)))
        if not check.faults and abs(float(shares.sum()) - 1.0) > 1e-9:
            check.fault("outcome_years", f"shares that add up to {shares.sum():.6g}", "shares that add up to 1")
        check.finish()
        object.__setattr__(self, "by_year", MappingProxyType(caps))
        object.__setattr__(self, "outcome_years", tuple(shares.tolist()))

    def __eq__(self, other: object) -> bool:
        """Whether the other budget caps the same."""
        return isinstance(other, Budget) and self._facts == other._facts

    def __hash__(self) -> int:
        """Return a hash of what is capped."""
        return hash(self._facts)

    @property
    def year_caps(self) -> dict[int, float]:
        """Return the caps by contract year, earliest first."""
        return dict(sorted(self.by_year.items())) if isinstance(self.by_year, Mapping) else {}

    @property
    def _facts(self) -> tuple[object, ...]:
        return self.gbp, tuple(self.year_caps.items()), tuple(self.outcome_years)

    def __str__(self) -> str:
        """Return the limit in words."""
        parts = [f"£{self.gbp:,.0f}"] if np.isfinite(self.gbp) else []
        parts += [f"year {year}: £{amount:,.0f}" for year, amount in self.year_caps.items()]
        return f"Budget({'; '.join(parts)})"

    def rows(self, terms: ContractTerms) -> tuple[BudgetRow, ...]:
        """Return what is capped: the total first, then years, under a programme's contract terms.

        Raises
        ------
        InvalidInputError
            For a contract year in which nothing can be paid.

        Examples
        --------
        >>> terms = ContractTerms(0, [1, .5], [.6, .4])
        >>> row = Budget(by_year={2: 1e5}, outcome_years=[.5, .5]).rows(terms)[0]
        >>> row.name, round(row.attachment_share, 3), round(row.outcome_share, 3)  # .5 * .4 of .8; .5 * .6 + .5 * .4
        ('contract year 2', 0.25, 0.5)
        """
        intake, taper = terms.intake_share, terms.attachment_taper
        falling = np.convolve(intake, self.outcome_years)
        starting = np.zeros(falling.size)
        starting[: intake.size] = taper * intake / (terms.attachment_share or 1.0)
        check = Inspection("Budget")
        rows = [BudgetRow("the budget", self.gbp, 1.0, 1.0)] if np.isfinite(self.gbp) else []
        for year, amount in self.year_caps.items():
            if year > falling.size:
                check.fault(f"by_year[{year}]", amount, f"contract years from 1 to {falling.size}")
                continue
            share = float(starting[year - 1]), float(falling[year - 1])
            rows.append(BudgetRow(f"contract year {year}", amount, *share))
        check.finish()
        return tuple(rows)


@dataclass(frozen=True, slots=True)
class BudgetRow:
    """One cap: so much of all attachment fees, and so much of all outcome payments, against an amount."""

    name: str
    gbp: float
    attachment_share: float
    outcome_share: float

    def paid(self, attachment_gbp: float, outcome_gbp: float) -> float:
        """Return what of these falls under the cap."""
        return self.attachment_share * attachment_gbp + self.outcome_share * outcome_gbp

    def total_gbp(self, attachment_gbp: float) -> float:
        """Return the total spend that uses up the cap, when attachment fees are given."""
        left = self.gbp - self.attachment_share * attachment_gbp
        if self.outcome_share > 0.0:
            return attachment_gbp + left / self.outcome_share
        return np.inf if left >= 0.0 else -np.inf


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

    def list_prices(self, programme: Programme) -> tuple[FloatArray, FloatArray]:
        """Return lowest and highest list price by group."""
        return self.bounds(programme.caseload.groups)

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


def _is_infinite(value: object) -> bool:
    return isinstance(value, float) and bool(np.isposinf(value))


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
