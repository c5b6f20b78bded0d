"""What the Department pays: a tariff by payment group, and the contract terms that turn list prices into payments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pbr_opt.market.caseload import Caseload
from pbr_opt.market.sustainment import expected_sustainments
from pbr_opt.notebook import Tabled
from pbr_opt.quantities import FloatArray, Inspection, IntArray, nearest

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ContractTerms", "Tariff"]


@dataclass(frozen=True, init=False, eq=False)
class Tariff(Tabled):
    """List prices: one attachment, outcome and sustainment fee for each payment group.

    Parameters
    ----------
    groups : sequence of str or int
        Payment group ids, each once.
    attachment_fee_gbp : array or scalar
        a, paid when a participant starts, GBP.
    outcome_fee_gbp : array or scalar
        f, paid for a job outcome, GBP.
    sustainment_fee_gbp : array or scalar, optional
        s, paid for each four weeks in work after the outcome, GBP.
    sustainment_max : array or scalar, optional
        Most sustainment payments for one outcome, whole.
    sustainment_window : array or scalar, optional
        Four-week periods after the outcome within which payments fall due; 0 means no limit but the cap.
    accelerator_threshold : array or scalar, optional
        q0, the outcome rate of the group beyond which an accelerator pays more, 0..1.
    accelerator_fee_gbp : array or scalar, optional
        t_H - t_L, paid on top for each outcome beyond the threshold, GBP; 0 means no accelerator. See
        :mod:`pbr_opt.market.accelerator`.

    Raises
    ------
    InvalidInputError
        With every fault at once: duplicate groups, wrong lengths, negative or non-finite money.

    Examples
    --------
    >>> tariff = Tariff(["1", "7"], [400, 600], [1200, 3500], [170, 370], [13, 26])
    >>> tariff.price_gbp.tolist(), tariff.maximum_total_gbp.tolist()
    ([3410.0, 13120.0], [3810.0, 13720.0])
    """

    groups: tuple[str, ...]
    attachment_fee_gbp: FloatArray
    outcome_fee_gbp: FloatArray
    sustainment_fee_gbp: FloatArray
    sustainment_max: IntArray
    sustainment_window: IntArray
    accelerator_threshold: FloatArray
    accelerator_fee_gbp: FloatArray

    def __init__(  # noqa: PLR0913  # one column each: the rate card is the interface
        self,
        groups: Sequence[object] | NDArray[np.generic],
        attachment_fee_gbp: ArrayLike,
        outcome_fee_gbp: ArrayLike,
        sustainment_fee_gbp: ArrayLike = 0.0,
        sustainment_max: ArrayLike = 0,
        sustainment_window: ArrayLike = 0,
        *,
        accelerator_threshold: ArrayLike = 0.0,
        accelerator_fee_gbp: ArrayLike = 0.0,
    ) -> None:
        check = Inspection("Tariff")
        names = check.labels("groups", groups)
        for name in sorted({name for name in names if names.count(name) > 1}):
            check.fault("groups", f"'{name}' more than once", "each payment group once")
        size = len(names)
        columns = {
            "attachment_fee_gbp": check.money("attachment_fee_gbp", attachment_fee_gbp, size),
            "outcome_fee_gbp": check.money("outcome_fee_gbp", outcome_fee_gbp, size),
            "sustainment_fee_gbp": check.money("sustainment_fee_gbp", sustainment_fee_gbp, size),
            "sustainment_max": check.counts("sustainment_max", sustainment_max, size),
            "sustainment_window": check.counts("sustainment_window", sustainment_window, size),
            "accelerator_threshold": check.rates("accelerator_threshold", accelerator_threshold, size),
            "accelerator_fee_gbp": check.money("accelerator_fee_gbp", accelerator_fee_gbp, size),
        }
        check.finish()
        object.__setattr__(self, "groups", names)
        for name, column in columns.items():
            object.__setattr__(self, name, column)

    def __eq__(self, other: object) -> bool:
        """Whether the other tariff pays the same to the same groups in the same order."""
        if not isinstance(other, Tariff):
            return NotImplemented
        return self.groups == other.groups and all(
            np.array_equal(getattr(self, name), getattr(other, name)) for name in _COLUMNS
        )

    def __hash__(self) -> int:
        """Return a hash of what is paid."""
        return hash((self.groups, *(getattr(self, name).tobytes() for name in _COLUMNS)))

    @property
    def price_gbp(self) -> FloatArray:
        """Return the list price of an outcome by group: outcome fee and every sustainment payment, f + s * cap."""
        return self.outcome_fee_gbp + self.sustainment_fee_gbp * self.sustainment_max

    @property
    def maximum_total_gbp(self) -> FloatArray:
        """Return the most that one participant of each group can bring, attachment fee and accelerator included."""
        return self.attachment_fee_gbp + self.price_gbp + self.accelerator_fee_gbp

    @property
    def has_accelerator(self) -> bool:
        """Whether outcomes beyond a threshold are paid more in some group."""
        return bool(self.accelerator_fee_gbp.any())

    def replace(self, **changes: ArrayLike) -> Tariff:
        """Return a tariff with other columns, checked anew.

        >>> Tariff(["a"], 0, 1000).replace(outcome_fee_gbp=1500).price_gbp.tolist()
        [1500.0]
        """
        check = Inspection("Tariff.replace")
        check.known(changes, _COLUMNS, "a column of a tariff")
        check.finish()
        columns: dict[str, ArrayLike] = {name: getattr(self, name) for name in _COLUMNS}
        return Tariff(self.groups, **(columns | changes))

    def at_price(self, price_gbp: ArrayLike) -> Tariff:
        """Return a tariff of another price level: outcome and sustainment fees together, in their own proportion.

        A group whose fees are both zero gets an outcome fee alone. Attachment fees and accelerators stay.

        >>> Tariff(["a"], 400, 1200, 170, 13).at_price(1705).outcome_fee_gbp.tolist()
        [600.0]
        """
        check = Inspection("Tariff.at_price")
        level = check.money("price_gbp", price_gbp, len(self.groups))
        check.finish()
        outcome, sustainment = self.price_mix()
        return self.replace(outcome_fee_gbp=level * outcome, sustainment_fee_gbp=level * sustainment)

    def price_mix(self) -> tuple[FloatArray, FloatArray]:
        """Return outcome fee and sustainment fee per pound of list price, by group."""
        price = self.price_gbp
        paid = price > 0
        level = np.where(paid, price, 1.0)
        return (
            np.where(paid, self.outcome_fee_gbp / level, 1.0),
            np.where(paid, self.sustainment_fee_gbp / level, 0.0),
        )

    def aligned(self, groups: Sequence[str]) -> Tariff:
        """Return the same tariff with its entries in the order of ``groups``.

        Raises
        ------
        InvalidInputError
            When the groups are not the same set; names each one that is missing or unknown.
        """
        if tuple(groups) == self.groups:
            return self
        check = Inspection("Tariff for this caseload")
        for name in groups:
            if name not in self.groups:
                check.fault(f"group '{name}'", "no price", "a price for every payment group of the caseload")
        for name in self.groups:
            if name not in groups:
                check.fault(f"group '{name}'", "a price", "only groups of the caseload", nearest(name, groups))
        check.finish()
        return self.take([self.groups.index(name) for name in groups])

    def take(self, rows: Sequence[int]) -> Tariff:
        """Return the tariff of some groups, by position."""
        columns = {name: getattr(self, name)[list(rows)] for name in _COLUMNS}
        return Tariff([self.groups[k] for k in rows], **columns)

    def sustainments(self, caseload: Caseload, discount_rate: float = 0.0) -> FloatArray:
        """Return S, the expected number of sustainment payments after an outcome, per segment."""
        check = Inspection("Tariff")
        check.number("discount_rate", discount_rate, highest=10.0)
        check.finish()
        tariff, row = self.aligned(caseload.groups), caseload.group_index
        if not tariff.sustainment_max.any():
            return np.zeros(len(caseload))
        return expected_sustainments(
            caseload.exit_hazard,
            tariff.sustainment_max[row],
            discount_rate,
            reentry_rate=caseload.reentry_rate,
            sustainment_window=tariff.sustainment_window[row],
        )

    def effective_price_gbp(self, caseload: Caseload, discount_rate: float = 0.0) -> FloatArray:
        """Return x = f + s * S per segment, what an outcome is worth to whoever is paid the full tariff.

        Parameters
        ----------
        caseload : Caseload
            The segments; its groups are the tariff's.
        discount_rate : float, optional
            Yearly, at least 0.

        Returns
        -------
        array (segments,)
            GBP per outcome.

        Examples
        --------
        >>> people = Caseload(["a", "a"], 10, .1, .3, 500, exit_hazard=[0, .1])
        >>> Tariff(["a"], 0, 1000, 100, 2).effective_price_gbp(people).round(6).tolist()
        [1200.0, 1171.0]
        """
        tariff, row = self.aligned(caseload.groups), caseload.group_index
        price = tariff.outcome_fee_gbp[row]
        if not (tariff.sustainment_fee_gbp.any() and tariff.sustainment_max.any()):
            return price
        return price + tariff.sustainment_fee_gbp[row] * tariff.sustainments(caseload, discount_rate)

    def to_frame(self) -> pd.DataFrame:
        """Return the rate card as a table, one row a group, list prices in GBP.

        >>> Tariff(["1"], 400, 1200, 170, 13).to_frame().loc[0, "maximum_total_gbp"].item()
        3810.0
        """
        import pandas as pd  # slow to import: only when a table is asked for

        shown = (*_COLUMNS[:4], *(_ACCELERATOR if self.has_accelerator else ()))
        columns = {name: getattr(self, name) for name in shown}
        totals = {"price_gbp": self.price_gbp, "maximum_total_gbp": self.maximum_total_gbp}
        return pd.DataFrame({"group": list(self.groups)} | columns | totals)


_ACCELERATOR = ("accelerator_threshold", "accelerator_fee_gbp")
_COLUMNS = (
    "attachment_fee_gbp",
    "outcome_fee_gbp",
    "sustainment_fee_gbp",
    "sustainment_max",
    "sustainment_window",
    *_ACCELERATOR,
)


@dataclass(frozen=True, init=False, eq=False)
class ContractTerms:
    """What turns list prices into payments: the bid discount, and the taper of attachment fees over contract years.

    Parameters
    ----------
    bid_discount : float, optional
        Average discount that primes bid on outcome and sustainment fees, 0..1.
    attachment_taper : sequence of float, optional
        Share of the attachment fee still paid for those who start in contract year 1, 2, ...
    intake_share : sequence of float, optional
        Share of participants who start in each of those years; adds up to 1.

    Raises
    ------
    InvalidInputError
        Rates outside 0..1, lengths that differ, shares that do not add up to 1.

    Examples
    --------
    >>> terms = ContractTerms(0.06, [1, .75, .5, 0], [.4, .3, .2, .1])
    >>> paid = terms.payable(Tariff(["1"], 400, 1200, 170, 13))
    >>> round(paid.attachment_fee_gbp.item(), 2), paid.outcome_fee_gbp.item()
    (290.0, 1128.0)
    """

    bid_discount: float
    attachment_taper: FloatArray
    intake_share: FloatArray

    def __init__(
        self,
        bid_discount: float = 0.0,
        attachment_taper: Sequence[float] = (1.0,),
        intake_share: Sequence[float] = (1.0,),
    ) -> None:
        check = Inspection("ContractTerms")
        years = int(np.size(intake_share))
        discount = check.number("bid_discount", bid_discount, highest=1.0)
        taper = check.rates("attachment_taper", attachment_taper, years)
        shares = check.rates("intake_share", intake_share, years)
        if not check.faults and abs(float(shares.sum()) - 1.0) > 1e-9:
            check.fault("intake_share", f"shares that add up to {shares.sum():.6g}", "shares that add up to 1")
        check.finish()
        object.__setattr__(self, "bid_discount", discount)
        object.__setattr__(self, "attachment_taper", taper)
        object.__setattr__(self, "intake_share", shares)

    @property
    def attachment_share(self) -> float:
        """Return the share of the list attachment fee that is paid on average over the contract."""
        return float(self.attachment_taper @ self.intake_share)

    @property
    def outcome_share(self) -> float:
        """Return the share of list outcome and sustainment fees that is paid."""
        return 1.0 - self.bid_discount

    def payable(self, tariff: Tariff) -> Tariff:
        """Return what is actually paid for each list price, averaged over contract years.

        Averaging the taper is exact for spend without a supply chain: attachment fees move money and not support.
        """
        if self.attachment_share == 1.0 and self.outcome_share == 1.0:
            return tariff
        return tariff.replace(
            attachment_fee_gbp=tariff.attachment_fee_gbp * self.attachment_share,
            outcome_fee_gbp=tariff.outcome_fee_gbp * self.outcome_share,
            sustainment_fee_gbp=tariff.sustainment_fee_gbp * self.outcome_share,
            accelerator_fee_gbp=tariff.accelerator_fee_gbp * self.outcome_share,
        )

    def in_year(self, tariff: Tariff, contract_year: int) -> Tariff:
        """Return what is paid for those who start in one contract year (the first is 1).

        >>> ContractTerms(0, [1, .75], [.5, .5]).in_year(Tariff(["1"], 400, 1200), 2).attachment_fee_gbp.item()
        300.0
        """
        if not 1 <= contract_year <= self.attachment_taper.size:
            check = Inspection("ContractTerms")
            check.fault("contract_year", contract_year, f"a year from 1 to {self.attachment_taper.size}")
            check.finish()
        share = float(self.attachment_taper[contract_year - 1])
        return ContractTerms(self.bid_discount, [share], [1.0]).payable(tariff)
