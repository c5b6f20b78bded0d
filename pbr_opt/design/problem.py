"""The statement of a design problem: a programme, an objective, limits; prices as the only unknowns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from pbr_opt.design.chain_columns import ChainColumns
from pbr_opt.design.limits import PRICE_CEILING_GBP, Budget, Limit, PriceRange, PriceStep
from pbr_opt.design.objectives import Objective, SegmentContext
from pbr_opt.equilibrium.chain import ChainEquilibrium
from pbr_opt.errors import DesignInfeasibleError
from pbr_opt.evaluation import evaluate, respond
from pbr_opt.market.programme import Programme
from pbr_opt.market.tariffs import Tariff
from pbr_opt.quantities import SPEND_PER_HEAD_GBP, SPEND_RELATIVE, FloatArray, Inspection, IntArray, frozen

__all__ = ["DesignProblem", "GroupPrices"]

_MOST_STEPS = 500_000
"""Prices of one group on a step: beyond it evaluating all of them takes minutes and gigabytes."""
_BLOCK = 2_000_000
"""Segments times columns evaluated at once: bounds memory to some 16 MB an array."""


@dataclass(frozen=True, slots=True, eq=False)
class GroupPrices:
    """Tariffs of one group side by side, cheapest first: list fees, what each costs, what each achieves.

    Attributes
    ----------
    outcome_fee_gbp, sustainment_fee_gbp : array (columns,)
        List fees.
    cost_gbp : array (columns,)
        Everything paid for the group, attachment fees included.
    achieved : array (columns,)
        The objective's sum over the group.
    """

    outcome_fee_gbp: FloatArray
    sustainment_fee_gbp: FloatArray
    cost_gbp: FloatArray
    achieved: FloatArray

    def joined(self, other: GroupPrices) -> GroupPrices:
        """Return these columns and then the other's."""
        names = ("outcome_fee_gbp", "sustainment_fee_gbp", "cost_gbp", "achieved")
        return GroupPrices(*(np.concatenate([getattr(self, name), getattr(other, name)]) for name in names))

    def take(self, rows: IntArray) -> GroupPrices:
        """Return some of the columns."""
        return GroupPrices(
            self.outcome_fee_gbp[rows], self.sustainment_fee_gbp[rows], self.cost_gbp[rows], self.achieved[rows]
        )


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
        At most one Budget, one PriceRange, one PriceStep.
    reference : ChainEquilibrium, optional
        With a supply chain: who is in it, and shadow prices, as columns are to hold them.

    Raises
    ------
    InvalidInputError
        Things that are no limits, or two of a kind.

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

    def __post_init__(self) -> None:
        """Check that limits are limits, one of each kind."""
        check = Inspection("DesignProblem")
        if isinstance(self.limits, Limit) or not np.iterable(self.limits):
            check.fault("limits", type(self.limits).__name__, "a list of limits", "limits=[Budget(...)]")
            check.finish()
        kinds: list[type] = []
        for k, limit in enumerate(self.limits):
            if not isinstance(limit, Limit):
                check.fault(f"limits[{k}]", type(limit).__name__, "a limit", "Budget, PriceRange or PriceStep")
            elif type(limit) in kinds:
                check.fault(f"limits[{k}]", f"a second {type(limit).__name__}", "one of each kind")
            kinds.append(type(limit))
        if not isinstance(self.objective, Objective):
            check.fault("objective", type(self.objective).__name__, "an objective", "Parked() or FirstPoundLoss()")
        check.finish()
        if self.programme.tariff.has_accelerator:
            check.fault("accelerator_fee_gbp", "above £0", "a tariff without accelerator", "accelerator_fee_gbp=0")
        check.finish()
        object.__setattr__(self, "limits", tuple(self.limits))
        _, highest = self.price_bounds_gbp
        if self.step_gbp is not None and float(highest.max()) / self.step_gbp > _MOST_STEPS:
            wanted = f"a step with at most {_MOST_STEPS:,} prices up to £{highest.max():,.0f}"
            check.fault("PriceStep", self.step_gbp, wanted, "a coarser step, or a PriceRange with a lower ceiling")
        check.finish()

    @cached_property
    def budget_gbp(self) -> float:
        """Return the budget, infinite without one."""
        return next((limit.gbp for limit in self.limits if isinstance(limit, Budget)), np.inf)

    @cached_property
    def step_gbp(self) -> float | None:
        """Return the price step, None without one."""
        return next((limit.gbp for limit in self.limits if isinstance(limit, PriceStep)), None)

    @cached_property
    def price_bounds_gbp(self) -> tuple[FloatArray, FloatArray]:
        """Return lowest and highest list price by group; both finite."""
        default = PriceRange(0.0, PRICE_CEILING_GBP)
        limit = next((limit for limit in self.limits if isinstance(limit, PriceRange)), default)
        return limit.bounds(self.programme.caseload.groups)

    @cached_property
    def base(self) -> Tariff:
        """Return the programme's tariff in the order of the caseload's groups."""
        return self.programme.tariff.aligned(self.programme.caseload.groups)

    @cached_property
    def price_weight(self) -> FloatArray:
        """Return w per segment: effective price per pound of list price, between 0 and 1."""
        return frozen(self.programme.effective_price_gbp(self.base.at_price(1.0)))

    @cached_property
    def parking_price_gbp(self) -> FloatArray:
        """Return per segment the list price at which it is no longer parked; infinite where no price helps.

        With a mission m and a minimum service e_min it is ``(1/p'(e_min) - m) / w``, at least 0.
        """
        programme, caseload = self.programme, self.programme.caseload
        row = caseload.group_index
        threshold = caseload.parking_threshold_gbp
        if programme.minimum_service_gbp.any():
            with np.errstate(divide="ignore"):
                slope = caseload.response.marginal_outcome_rate(programme.minimum_service_gbp[row])
                threshold = 1.0 / slope
                if programme.outcome_value_gbp is not None:  # whom further help would not pay society is not parked
                    idle = (programme.outcome_value_gbp[row] * slope <= 1.0) & (programme.minimum_service_gbp[row] > 0)
                    threshold = np.where(idle, 0.0, threshold)
        with np.errstate(divide="ignore", invalid="ignore"):
            price = np.maximum(threshold - programme.mission_gbp[row], 0.0) / self.price_weight
        return frozen(np.where(np.isnan(price), np.inf, price))

    @property
    def is_piecewise_linear(self) -> bool:
        """Whether payment is piecewise linear in prices: b = 0, no mission, no minimum service, no supply chain."""
        programme = self.programme
        return (
            programme.supply_chain is None
            and programme.caseload.response.is_exponential
            and not programme.mission_gbp.any()
            and not programme.minimum_service_gbp.any()
        )

    @cached_property
    def attachment_spend_gbp(self) -> FloatArray:
        """Return attachment fees paid, by group; they do not move."""
        payable = self.programme.terms.payable(self.base)
        return frozen(self.programme.caseload.group_participants * payable.attachment_fee_gbp)

    @cached_property
    def least_spend_gbp(self) -> float:
        """Return what the cheapest tariff within the price limits costs."""
        lower, _ = self.price_bounds_gbp
        if self.step_gbp is None:
            return self.spend_at(self.base.at_price(lower))
        cheapest = [self.grid_fees(g)[:1] for g in range(lower.size)]
        if not all(fees.size for fees in cheapest):
            return np.inf
        outcome, sustainment = np.concatenate(cheapest).T
        return self.spend_at(self.base.replace(outcome_fee_gbp=outcome, sustainment_fee_gbp=sustainment))

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

    def require_feasible(self) -> None:
        """Raise :class:`~pbr_opt.errors.DesignInfeasibleError` when no tariff meets the limits."""
        least = self.least_spend_gbp
        if not np.isfinite(least):
            raise DesignInfeasibleError(
                f"No multiple of £{self.step_gbp:g} lies in the price range of some group; try a finer PriceStep or a "
                "wider PriceRange.",
                least_budget_gbp=np.inf,
                binding_limits=[str(limit) for limit in self.limits if not isinstance(limit, Budget)],
            )
        if self.is_over_budget(least):
            others = [str(limit) for limit in self.limits if not isinstance(limit, Budget)]
            fixed = self.attachment_spend_gbp.sum()
            reason = (
                f"attachment fees, which alone cost £{fixed:,.0f}" if fixed > self.budget_gbp else " and ".join(others)
            )
            raise DesignInfeasibleError(
                f"The cheapest tariff that meets the limits costs £{least:,.2f}; the budget is "
                f"£{self.budget_gbp:,.2f}. In conflict: Budget with {reason}. Try a budget of at least "
                f"£{np.ceil(least):,.0f}, or lower attachment fees or price floors.",
                least_budget_gbp=least,
                binding_limits=[f"Budget(£{self.budget_gbp:,.0f})", *others],
            )

    @cached_property
    def _parts(self) -> tuple[Programme | None, ...]:
        """Return each group alone; None where it has nobody."""
        people = self.programme.caseload.group_participants
        return tuple(
            self.programme.only(name) if n > 0 else None for name, n in zip(self.base.groups, people, strict=True)
        )

    def columns(self, group: int, outcome_fee_gbp: FloatArray, sustainment_fee_gbp: FloatArray) -> GroupPrices:
        """Return cost and achievement of many tariffs of one group, by the exact equilibrium, in blocks of memory.

        Parameters
        ----------
        group : int
            Position among the caseload's groups.
        outcome_fee_gbp, sustainment_fee_gbp : array (columns,)
            List fees.
        """
        part = self._parts[group]
        if part is None:
            nothing = np.zeros(outcome_fee_gbp.size)
            return GroupPrices(outcome_fee_gbp, sustainment_fee_gbp, nothing, nothing)
        sustainments = part.tariff.sustainments(part.caseload, part.discount_rate)
        cost, achieved = np.empty(outcome_fee_gbp.size), np.empty(outcome_fee_gbp.size)
        block = max(1, _BLOCK // sustainments.size)
        for k in range(0, outcome_fee_gbp.size, block):
            here = slice(k, k + block)
            listed = outcome_fee_gbp[here, None] + sustainment_fee_gbp[here, None] * sustainments
            cost[here], achieved[here] = self._play(group, part, part.terms.outcome_share * listed)
        return GroupPrices(outcome_fee_gbp, sustainment_fee_gbp, cost + self.attachment_spend_gbp[group], achieved)

    def _play(self, group: int, part: Programme, price: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return outcome payments and achievement at effective prices of shape (columns, segments of the group)."""
        if self.programme.supply_chain is None:
            people, behaviour = part.caseload.participants, respond(part, price)
            term = self.objective.per_participant(behaviour, SegmentContext.of(part))
            return behaviour.payment_gbp @ people, term @ people
        attachment = self.programme.terms.payable(self.base).attachment_fee_gbp[group]
        return self._chain[group].at(price, np.full(price.shape[1], attachment), self.objective)

    @cached_property
    def _chain(self) -> tuple[ChainColumns, ...]:
        """Return the branches that serve each group, as the reference equilibrium leaves them."""
        index = self.programme.caseload.group_index
        reference = self.reference or evaluate(self.programme).equilibrium
        if reference is None:  # nobody but primes: no branches
            return ()
        rows = (np.flatnonzero(index == g) for g in range(len(self.base.groups)))
        return tuple(ChainColumns.of(self.programme, reference, row) for row in rows)

    def at_prices(self, group: int, price_gbp: FloatArray) -> GroupPrices:
        """Return columns at list prices in the programme's own proportion."""
        outcome, sustainment = self.base.price_mix()
        return self.columns(group, price_gbp * outcome[group], price_gbp * sustainment[group])

    def grid_fees(self, group: int) -> FloatArray:
        """Return every pair of fees on the price step within the price range, cheapest first, shape (pairs, 2).

        Walks up the list price and notes each pair of nearest multiples that is passed.
        """
        step = self.step_gbp or 1.0
        lower, upper = (bound[group] for bound in self.price_bounds_gbp)
        mix = np.array([share[group] for share in self.base.price_mix()])
        turns = [
            (np.arange(np.floor(lower * share / step) - 1, np.ceil(upper * share / step) + 1) + 0.5) * step / share
            for share in mix
            if share > 0
        ]
        edges = np.unique(np.concatenate([[lower, upper], *turns]))
        edges = edges[(edges >= lower) & (edges <= upper)]
        levels = np.concatenate([edges, 0.5 * (edges[1:] + edges[:-1])])
        fees = np.unique(step * np.rint(levels[:, None] * mix / step), axis=0)
        price = fees[:, 0] + fees[:, 1] * self.base.sustainment_max[group]
        inside = (price >= lower * (1 - SPEND_RELATIVE)) & (price <= upper * (1 + SPEND_RELATIVE))
        return np.asarray(fees[inside])

    def on_grid(self, group: int) -> GroupPrices:
        """Return the columns of every pair of fees on the price step."""
        fees = self.grid_fees(group)
        return self.columns(group, fees[:, 0], fees[:, 1])
