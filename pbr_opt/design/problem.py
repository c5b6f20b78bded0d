"""The statement of a design problem: a programme, an objective, limits; prices as the only unknowns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, reduce

import numpy as np

from pbr_opt.design.asked import require_question
from pbr_opt.design.group_limits import GroupLimit
from pbr_opt.design.group_play import GroupPlay
from pbr_opt.design.group_prices import GroupPrices
from pbr_opt.design.joint_limits import JointLimit, MaxDistinctPrices
from pbr_opt.design.limits import PRICE_CEILING_GBP, Budget, BudgetRow, Limit, PriceRange, PriceStep
from pbr_opt.design.objectives import AdditionalOutcomes, Objective, Parked, TotalSupport
from pbr_opt.design.price_grid import fee_pairs, first_row, rising_floor
from pbr_opt.design.states import GroupStates
from pbr_opt.equilibrium.chain import ChainEquilibrium
from pbr_opt.errors import Fault, InvalidInputError
from pbr_opt.evaluation import evaluate, respond
from pbr_opt.market.programme import Programme
from pbr_opt.market.tariffs import Tariff
from pbr_opt.quantities import SPEND_PER_HEAD_GBP, SPEND_RELATIVE, BoolArray, FloatArray, frozen

__all__ = ["DesignProblem"]

_MOST_STEPS = 500_000
"""Prices of one group on a step: beyond it evaluating all of them takes minutes and gigabytes."""


@dataclass(frozen=True, eq=False)
class DesignProblem:
    """Find the list price of an outcome for each group: ``price`` = outcome fee + every sustainment payment.

    Outcome and sustainment fees of a group move together in the programme's own proportion (an outcome fee alone where
    the programme pays neither); attachment fees stay.

    Parameters
    ----------
    programme : Programme
        Whose tariff is redesigned.
    objective : Objective
        What to achieve.
    limits : sequence of Limit
        At most one of each kind.
    reference : ChainEquilibrium, optional
        With a supply chain: who is in it, and shadow prices, as columns are to hold them.

    Attributes
    ----------
    given : Programme
        As it was handed over; ``programme`` is as contracted under the limits (a minimum service, pass-through).

    Raises
    ------
    InvalidInputError
        Things that are no programme, objective or limits, or two limits of a kind.

    Examples
    --------
    >>> from pbr_opt.design.objectives import Parked
    >>> from pbr_opt.market.caseload import Caseload
    >>> people = Caseload(["a"], 100, .12, .42, 600)
    >>> problem = DesignProblem(Programme("p", people, Tariff(["a"], 400, 4000)), Parked(), [Budget(1e5)])
    >>> problem.parking_price_gbp.tolist(), problem.least_spend_gbp
    ([2000.0], 40000.0)
    """

    programme: Programme
    objective: Objective
    limits: Sequence[Limit] = ()
    reference: ChainEquilibrium | None = None
    given: Programme = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Check what is asked; a question holds the programme as contracted under its limits."""
        require_question(self.programme, self.objective, self.limits)
        object.__setattr__(self, "limits", tuple(self.limits))
        object.__setattr__(self, "given", self.programme)
        object.__setattr__(self, "programme", reduce(lambda p, limit: limit.applied(p), self.limits, self.programme))
        _, highest = self.stated_bounds_gbp
        if self.step_gbp is not None and float(highest.max()) / self.step_gbp > _MOST_STEPS:
            wanted = f"a step with at most {_MOST_STEPS:,} prices up to £{highest.max():,.0f}"
            remedy = "a coarser step, or a PriceRange with a lower ceiling"
            raise InvalidInputError("DesignProblem", [Fault("PriceStep", f"{self.step_gbp:g}", wanted, remedy)])

    def with_limits(self, limits: Sequence[Limit]) -> DesignProblem:
        """Return the same question under other limits."""
        return DesignProblem(self.given, self.objective, limits, self.reference)

    @cached_property
    def budget_rows(self) -> tuple[BudgetRow, ...]:
        """Return every cap on spend: in all, and by contract year."""
        budget = next((limit for limit in self.limits if isinstance(limit, Budget)), None)
        return () if budget is None else budget.rows(self.programme.terms)

    @cached_property
    def budget_gbp(self) -> float:
        """Return the most that may be spent in all, infinite without a budget.

        While attachment fees stay, each contract year's cap is a cap on outcome payments, and so on the total.
        """
        attachment = float(self.attachment_spend_gbp.sum())
        return min((row.total_gbp(attachment) for row in self.budget_rows), default=np.inf)

    @cached_property
    def step_gbp(self) -> float | None:
        """Return the price step, None without one."""
        return next((limit.gbp for limit in self.limits if isinstance(limit, PriceStep)), None)

    @cached_property
    def stated_bounds_gbp(self) -> tuple[FloatArray, FloatArray]:
        """Return lowest and highest list price by group as limits state them; both finite, perhaps crossed."""
        size = len(self.programme.caseload.groups)
        stated = [limit.list_prices(self.programme) for limit in self.limits]
        ranges = [(np.zeros(size), np.full(size, PRICE_CEILING_GBP)), *(pair for pair in stated if pair is not None)]
        if any(isinstance(limit, PriceRange) for limit in self.limits):
            ranges = ranges[1:]
        lower, upper = zip(*ranges, strict=True)
        return frozen(np.max(lower, axis=0)), frozen(np.min(upper, axis=0))

    @cached_property
    def price_bounds_gbp(self) -> tuple[FloatArray, FloatArray]:
        """Return lowest and highest list price by group that limits on single groups leave; crossed where none is.

        Everything that they look at moves one way with the price, so that each is a floor. On a step and through a
        supply chain the bounds are those stated, and prices are looked at one by one (:meth:`grid_fees`).
        """
        lower, upper = self.stated_bounds_gbp
        if not self.group_limits or self.step_gbp is not None or self.programme.supply_chain is not None:
            return lower, upper
        return frozen([self._floor(g) for g in range(lower.size)]), upper

    @cached_property
    def group_limits(self) -> tuple[GroupLimit, ...]:
        """Return the limits on what becomes of single groups."""
        return tuple(limit for limit in self.limits if isinstance(limit, GroupLimit))

    @cached_property
    def joint_limits(self) -> tuple[JointLimit, ...]:
        """Return the limits that tie groups together, without those that cannot bind."""
        size = len(self.programme.caseload.groups)
        idle = [limit for limit in self.limits if isinstance(limit, MaxDistinctPrices) and limit.k >= size]
        return tuple(limit for limit in self.limits if isinstance(limit, JointLimit) and limit not in idle)

    @cached_property
    def base(self) -> Tariff:
        """Return the programme's tariff in the order of the caseload's groups."""
        return self.programme.tariff.aligned(self.programme.caseload.groups)

    @cached_property
    def price_weight(self) -> FloatArray:
        """Return w per segment: effective price per pound of list price, between 0 and 1."""
        return frozen(self.programme.effective_price_gbp(self.base.at_price(1.0)))

    @cached_property
    def least_support_gbp(self) -> FloatArray:
        """Return e_min per segment: what a provider has to spend on everybody."""
        return frozen(self.programme.minimum_service_gbp[self.programme.caseload.group_index])

    @cached_property
    def idle_rate(self) -> FloatArray:
        """Return per segment the outcome rate at the minimum service; without one, deadweight."""
        caseload, least = self.programme.caseload, self.least_support_gbp
        return frozen(np.where(least > 0.0, caseload.response.outcome_rate(least), caseload.deadweight_rate))

    @cached_property
    def helping_price_gbp(self) -> FloatArray:
        """Return per segment the list price from which on the next pound of support pays; infinite where none does.

        With a mission m and a minimum service e_min it is ``(1/p'(e_min) - m) / w``, at least 0.
        """
        programme, caseload = self.programme, self.programme.caseload
        with np.errstate(divide="ignore", invalid="ignore"):
            threshold = caseload.parking_threshold_gbp
            if self.least_support_gbp.any():
                threshold = 1.0 / caseload.response.marginal_outcome_rate(self.least_support_gbp)
            price = np.maximum(threshold - programme.mission_gbp[caseload.group_index], 0.0) / self.price_weight
        return frozen(np.where(np.isnan(price), np.inf, price))

    @cached_property
    def parking_price_gbp(self) -> FloatArray:
        """Return per segment the list price at which it is no longer parked.

        It is :attr:`helping_price_gbp`, and nothing where a minimum service is all the help that would pay society.
        """
        value, least = self.programme.outcome_value_gbp, self.least_support_gbp
        if value is None or not least.any():
            return self.helping_price_gbp
        caseload = self.programme.caseload
        enough = value[caseload.group_index] * caseload.response.marginal_outcome_rate(least) <= 1.0
        return frozen(np.where(enough & (least > 0.0), 0.0, self.helping_price_gbp))

    @property
    def is_piecewise_linear(self) -> bool:
        """Whether payment is piecewise linear in prices: b = 0, no mission, no supply chain."""
        programme = self.programme
        return (
            programme.supply_chain is None
            and programme.caseload.response.is_exponential
            and not programme.mission_gbp.any()
        )

    @cached_property
    def attachment_spend_gbp(self) -> FloatArray:
        """Return attachment fees paid, by group; they do not move."""
        payable = self.programme.terms.payable(self.base)
        return frozen(self.programme.caseload.group_participants * payable.attachment_fee_gbp)

    @cached_property
    def least_tariff(self) -> Tariff | None:
        """Return the cheapest tariff within the limits on single groups; None when some group has no price."""
        lower, upper = self.price_bounds_gbp
        if np.any(lower > upper):
            return None
        if self.step_gbp is None:
            return self.base.at_price(lower)
        cheapest = [self.grid_fees(g)[:1] for g in range(lower.size)]
        if not all(fees.size for fees in cheapest):
            return None
        outcome, sustainment = np.concatenate(cheapest).T
        return self.base.replace(outcome_fee_gbp=outcome, sustainment_fee_gbp=sustainment)

    @cached_property
    def least_spend_gbp(self) -> float:
        """Return what that tariff costs, infinite when there is none."""
        return np.inf if self.least_tariff is None else self.spend_at(self.least_tariff)

    def is_over_budget(self, spend_gbp: float) -> bool:
        """Whether a spend exceeds the budget by more than rounding."""
        slack = SPEND_RELATIVE * self.budget_gbp + SPEND_PER_HEAD_GBP * self.programme.caseload.total_participants
        return spend_gbp > self.budget_gbp + slack

    def spend_at(self, tariff: Tariff) -> float:
        """Return everything paid under a tariff, by the exact equilibrium."""
        programme = self.programme
        if programme.supply_chain is not None:
            return evaluate(programme, tariff).spend_gbp
        behaviour = respond(programme, programme.effective_price_gbp(tariff))
        return float(self.attachment_spend_gbp.sum() + programme.caseload.participants @ behaviour.payment_gbp)

    @cached_property
    def _alone(self) -> tuple[GroupPlay | None, ...]:
        """Return each group alone; None where it has nobody."""
        return GroupPlay.by_group(self.programme, self.reference)

    def columns(self, group: int, outcome_fee_gbp: FloatArray, sustainment_fee_gbp: FloatArray) -> GroupPrices:
        """Return cost and achievement of many tariffs of one group, by the exact equilibrium, in blocks of memory.

        Parameters
        ----------
        group : int
            Position among the caseload's groups.
        outcome_fee_gbp, sustainment_fee_gbp : array (columns,)
            List fees.
        """
        cost, achieved = self._sums(group, outcome_fee_gbp, sustainment_fee_gbp, (self.objective,))
        return GroupPrices(outcome_fee_gbp, sustainment_fee_gbp, cost + self.attachment_spend_gbp[group], achieved)

    def states(self, group: int, outcome_fee_gbp: FloatArray, sustainment_fee_gbp: FloatArray) -> GroupStates:
        """Return what limits look at of one group under many tariffs."""
        looked_at = (Parked(), TotalSupport(), AdditionalOutcomes())
        cost, *sums = self._sums(group, outcome_fee_gbp, sustainment_fee_gbp, looked_at)
        people, attachment = self.programme.caseload.group_participants[group], self.attachment_spend_gbp[group]
        price = outcome_fee_gbp + sustainment_fee_gbp * self.base.sustainment_max[group]
        fixed = (np.full(cost.size, people), price, np.full(cost.size, attachment))
        return GroupStates(*fixed, cost + attachment, *sums)

    def admissible(self, group: int, outcome_fee_gbp: FloatArray, sustainment_fee_gbp: FloatArray) -> BoolArray:
        """Whether limits on single groups allow each of many tariffs of one group."""
        there = self.states(group, outcome_fee_gbp, sustainment_fee_gbp)
        every = np.full(there.price_gbp.size, group)
        fine = [
            limit.holds(there, before.take(every)) for limit, before in zip(self.group_limits, self.before, strict=True)
        ]
        return np.all(fine, axis=0) if fine else np.ones(every.size, dtype=np.bool_)

    @cached_property
    def before(self) -> tuple[GroupStates, ...]:
        """Return, for each limit on single groups, what becomes of all groups under the tariff it refers to."""
        tariffs = [limit.reference or self.base for limit in self.group_limits]
        return tuple(GroupStates.of(evaluate(self.programme, tariff)) for tariff in tariffs)

    def _sums(
        self, group: int, outcome_fee_gbp: FloatArray, sustainment_fee_gbp: FloatArray, terms: Sequence[Objective]
    ) -> FloatArray:
        alone = self._alone[group]
        if alone is None:
            return np.zeros((1 + len(terms), outcome_fee_gbp.size))
        return alone.sums(outcome_fee_gbp, sustainment_fee_gbp, terms)

    def cell_losses(self, group: int, price_gbp: FloatArray) -> FloatArray:
        """Return the least loss that any price between each two neighbours can bring, without a supply chain."""
        alone = self._alone[group]
        if alone is None or price_gbp.size < 2:
            return np.zeros(price_gbp.size - 1)
        outcome, sustainment = (float(share[group]) for share in self.base.price_mix())
        return alone.cell_losses(self.objective, price_gbp, (outcome, sustainment))

    def at_prices(self, group: int, price_gbp: FloatArray) -> GroupPrices:
        """Return columns at list prices in the programme's own proportion."""
        outcome, sustainment = self.base.price_mix()
        return self.columns(group, price_gbp * outcome[group], price_gbp * sustainment[group])

    def grid_fees(self, group: int) -> FloatArray:
        """Return every pair of fees on the price step that limits on the group allow, cheapest first, (pairs, 2)."""
        lower, upper = (bound[group] for bound in self.stated_bounds_gbp)
        mix = [float(share[group]) for share in self.base.price_mix()]
        fees = fee_pairs(mix, self.step_gbp or 1.0, int(self.base.sustainment_max[group]), (lower, upper))
        if not self.group_limits or not fees.size:
            return fees
        if self.programme.supply_chain is None:
            return fees[self.admissible(group, *fees.T)]
        return fees[first_row(lambda rows: self.admissible(group, *fees[rows].T), len(fees)) :]

    def _floor(self, group: int) -> float:
        """Return the lowest price in the stated range that limits on the group allow, infinite when none is."""
        lower, upper = (float(bound[group]) for bound in self.stated_bounds_gbp)
        if lower > upper or self._alone[group] is None:
            return lower
        outcome, sustainment = (float(share[group]) for share in self.base.price_mix())
        exact = [self.parking_price_gbp[self.programme.caseload.group_index == group]]
        exact += [before.price_gbp[[group]] for before in self.before]
        known = np.concatenate(exact)
        known = np.unique(np.r_[lower, known[(known > lower) & (known < upper)], upper])
        return rising_floor(lambda price: self.admissible(group, price * outcome, price * sustainment), known)

    def on_grid(self, group: int) -> GroupPrices:
        """Return the columns of every pair of fees on the price step."""
        fees = self.grid_fees(group)
        return self.columns(group, fees[:, 0], fees[:, 1])
