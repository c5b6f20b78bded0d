"""Limits that tie payment groups or tiers together: few prices, an order of prices, nobody at a loss, pass-through."""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from pbr_opt.design.limits import Limit, ShareLimit, unknown_groups
from pbr_opt.errors import Fault
from pbr_opt.evaluation import Evaluation
from pbr_opt.market.programme import Programme
from pbr_opt.market.supply_chain import SupplyChain
from pbr_opt.quantities import FloatArray, Inspection, IntArray, label

__all__ = ["JointLimit", "MaxDistinctPrices", "MinimumPassThrough", "Participation", "PriceOrder", "distinct"]

_SAME: Final = 1e-9
"""Relative. Prices nearer to each other than this are one price: fees times payments are off by rounding."""


class JointLimit(Limit, ABC):
    """A limit that ties groups or tiers together."""

    @abstractmethod
    def broken(self, evaluation: Evaluation) -> str:
        """Return in words how an evaluation breaks the limit, nothing when it keeps it."""


@dataclass(frozen=True)
class MaxDistinctPrices(JointLimit):
    """List prices of an outcome take at most this many values over all groups.

    Parameters
    ----------
    k : int
        At least 1.

    Raises
    ------
    InvalidInputError
        For less than one price.

    Examples
    --------
    >>> print(MaxDistinctPrices(3))
    MaxDistinctPrices(3)
    """

    k: int

    def __post_init__(self) -> None:
        """Check the number."""
        check = Inspection("MaxDistinctPrices")
        object.__setattr__(self, "k", check.whole("k", self.k, lowest=1))
        check.finish()

    def broken(self, evaluation: Evaluation) -> str:
        """Return how many prices there are, if too many."""
        count = distinct(evaluation.tariff.price_gbp).size
        return "" if count <= self.k else f"{count} distinct prices"

    def __str__(self) -> str:
        """Return the limit in words."""
        return f"MaxDistinctPrices({self.k})"


@dataclass(frozen=True)
class PriceOrder(JointLimit):
    """Harder groups are never paid less: list prices do not fall along an order of groups.

    Parameters
    ----------
    groups : sequence of str, optional
        From the easiest to the hardest; groups left out are free. Without any, all groups by falling mean deadweight
        rate: who finds work unaided more often is easier.

    Raises
    ------
    InvalidInputError
        For a group named twice; unknown groups when a design is asked for.

    Examples
    --------
    >>> print(PriceOrder(["1", "6", "7"]))
    PriceOrder(1 ≤ 6 ≤ 7)
    """

    groups: Sequence[str] = ()

    def __post_init__(self) -> None:
        """Keep the ids as text."""
        check = Inspection("PriceOrder")
        names = check.labels("groups", self.groups) if len(self.groups) else ()
        for name in sorted({name for name in names if names.count(name) > 1}):
            check.fault("groups", f"'{label(name)}' more than once", "each group once")
        check.finish()
        object.__setattr__(self, "groups", names)

    def faults(self, programme: Programme) -> tuple[Fault, ...]:
        """Return the groups that the programme does not have."""
        return unknown_groups("PriceOrder", self.groups, programme.caseload.groups)

    def order(self, programme: Programme) -> IntArray:
        """Return the positions of the groups, easiest first.

        >>> from pbr_opt.market.caseload import Caseload
        >>> from pbr_opt.market.tariffs import Tariff
        >>> programme = Programme("p", Caseload(["a", "b"], 9, [.1, .3], .5, 600), Tariff(["a", "b"], 0, 1))
        >>> PriceOrder().order(programme).tolist()
        [1, 0]
        """
        caseload = programme.caseload
        if self.groups:
            return np.array([caseload.groups.index(name) for name in self.groups])
        found = caseload.sum_by_group(caseload.participants * caseload.deadweight_rate)
        rate = found / np.maximum(caseload.group_participants, np.finfo(float).tiny)
        return np.argsort(-rate, kind="stable")

    def broken(self, evaluation: Evaluation) -> str:
        """Return the first pair of groups whose prices are the wrong way round."""
        names = evaluation.programme.caseload.groups
        price, order = evaluation.tariff.aligned(names).price_gbp, self.order(evaluation.programme)
        for easy, hard in itertools.pairwise(order):
            if price[hard] < price[easy] * (1.0 - _SAME):
                return f"group '{names[hard]}' at £{price[hard]:,.2f}, group '{names[easy]}' at £{price[easy]:,.2f}"
        return ""

    def __str__(self) -> str:
        """Return the limit in words."""
        return f"PriceOrder({' ≤ '.join(self.groups)})" if self.groups else "PriceOrder()"


@dataclass(frozen=True)
class Participation(JointLimit):
    """Nobody is expected to lose money: the expected profit of every agent of every tier is at least nothing.

    Profit is income less what is paid on, support, base service, finance and fixed costs, over all groups together.
    Without a supply chain one prime stands for all. Agents who left the chain are not asked.

    Examples
    --------
    >>> print(Participation())
    Participation()
    """

    def broken(self, evaluation: Evaluation) -> str:
        """Return who loses most, if anybody does."""
        slack = _SAME * evaluation.spend_gbp
        profits = _profits(evaluation)
        worst = min(profits, key=lambda name: profits[name])
        return "" if profits[worst] >= -slack else f"{worst} expects to lose £{-profits[worst]:,.2f}"

    def __str__(self) -> str:
        """Return the limit in words."""
        return "Participation()"


@dataclass(frozen=True)
class MinimumPassThrough(ShareLimit):
    """Every payer in the supply chain passes on at least this share of its own price per outcome.

    A term of all contracts below the Department's: the design is found, and evaluated, for the programme with that term
    (``design.problem.programme``). Where a contract already protects more, that stays; without a chain nothing changes.

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
    >>> print(MinimumPassThrough(0.8))
    MinimumPassThrough(80 %)
    """

    def applied(self, programme: Programme) -> Programme:
        """Return the programme with the term in every contract below the Department's."""
        chain = programme.supply_chain
        if chain is None:
            return programme
        edges = [
            edge
            if edge.payer == chain.department.name
            else replace(edge, least_share=max(edge.least_share, self.share))
            for edge in chain.contracts.values()
        ]
        if edges == list(chain.contracts.values()):
            return programme
        return programme.replace(supply_chain=SupplyChain(chain.agents, edges, chain.areas))


def distinct(price_gbp: FloatArray) -> FloatArray:
    """Return the different values among prices, rising; those within rounding of each other are one.

    >>> distinct(np.array([300.0, 100.0, 300.0 + 1e-9])).tolist()
    [100.0, 300.0]
    """
    rising = np.sort(price_gbp)
    return rising[np.r_[True, np.diff(rising) > _SAME * rising[1:]]]


def _profits(evaluation: Evaluation) -> dict[str, float]:
    """Return the expected profit of everybody but the Department who has not left."""
    chain, equilibrium = evaluation.programme.supply_chain, evaluation.equilibrium
    if chain is None or equilibrium is None:
        metrics = evaluation.metrics
        return {"the prime": metrics.spend_gbp - metrics.total_support_gbp - metrics.base_service_gbp}
    return {
        f"agent '{account.agent}'": account.profit_gbp
        for account in equilibrium.accounts
        if account.active and account.agent != chain.department.name
    }
