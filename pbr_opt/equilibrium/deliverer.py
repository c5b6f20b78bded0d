"""An agent of a supply chain by itself: what an outcome is worth to it, what it lays out, what it delivers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from pbr_opt.equilibrium.best_response import BestResponse, best_response
from pbr_opt.market.agents import Agent, Contract
from pbr_opt.market.responses import HaraResponse
from pbr_opt.quantities import WEEKS_PER_YEAR, FloatArray, IntArray

__all__ = ["Deliverer"]


@dataclass(frozen=True, eq=False, kw_only=True)
class Deliverer:
    """An agent in one area, without whom it pays.

    Attributes
    ----------
    agent : Agent
        Who it is.
    contract : Contract
        How its payer pays it.
    response : HaraResponse
        How the area's segments respond to its support.
    base_service_gbp : array (segments,)
        Cost of the service that is not discretionary, borne by whoever delivers.
    minimum_service_gbp : array (segments,)
        Verified service that whoever delivers must give.
    group_index : array of int (segments,)
        Payment group of each segment.
    shadow_price : mapping of agent to float
        lambda of working capital: multiplies what is laid out before outcomes pay; agents left out have none.
    top_up_gbp : array (..., segments) or float
        What an outcome is worth to the agent on top of its price and its mission: what rivals make of performance.
    last : list
        The last price at which it was asked to deliver and the dearth then, with the answer.
    """

    agent: Agent
    contract: Contract
    response: HaraResponse
    base_service_gbp: FloatArray
    minimum_service_gbp: FloatArray
    group_index: IntArray
    shadow_price: Mapping[str, float]
    top_up_gbp: FloatArray | float = 0.0
    last: list[tuple[FloatArray, float, BestResponse]] = field(default_factory=list)

    @property
    def fees(self) -> float:
        """Return what the agent gets per referral whatever comes of it."""
        return self.contract.referral_fee_gbp - self.contract.management_fee_gbp

    @cached_property
    def haircut(self) -> float:
        """Return zeta: the share of an outcome payment that waiting for it costs."""
        return min(self.agent.cost_of_capital * self.contract.payment_lag_weeks / WEEKS_PER_YEAR, 1.0)

    @property
    def dearth(self) -> float:
        """Return 1 + lambda: what a pound that is laid out at once costs while working capital is short."""
        return 1.0 + self.shadow_price.get(self.agent.name, 0.0)

    @property
    def lag_years(self) -> float:
        """Return for how long running costs go on before outcomes are paid, in years."""
        return self.contract.payment_lag_weeks / WEEKS_PER_YEAR

    @property
    def base_cost_gbp(self) -> FloatArray:
        """Return what base service costs whoever delivers, what is laid out of it before outcomes pay at its price."""
        if self.dearth == 1.0 or not self.agent.delivers:
            return self.base_service_gbp if self.agent.delivers else np.zeros_like(self.base_service_gbp)
        return np.asarray(self.base_service_gbp * (1.0 + (self.dearth - 1.0) * self.lag_years))

    def purse_gbp(self, attachment_gbp: FloatArray, people: FloatArray) -> float:
        """Return what the agent can lay out for people it is given: working capital and fees, less fixed costs."""
        fixed = self.lag_years * self.agent.fixed_cost_gbp
        return self.agent.working_capital_gbp - fixed + float((attachment_gbp + self.fees) @ people)

    def laid_out_gbp(self, there: BestResponse) -> FloatArray:
        """Return what serving a participant takes before outcomes pay: support, and base service for the lag."""
        if not self.agent.delivers:
            return there.support_gbp
        return np.asarray(there.support_gbp + self.lag_years * self.base_service_gbp)

    @cached_property
    def beyond_money_gbp(self) -> FloatArray | float:
        """Return what an outcome is worth to the agent beyond what it is paid: mission and top-up."""
        return self.agent.mission_gbp + self.top_up_gbp

    @cached_property
    def counts_pounds_alone(self) -> bool:
        """Whether an outcome is worth to the agent what it is paid: nothing beyond money, and no waiting."""
        return self.haircut == 0.0 and not np.any(self.beyond_money_gbp)

    def worth(self, received_gbp: FloatArray) -> FloatArray:
        """Return what an outcome is worth to the agent: ``R (1 - zeta) + m``, any top-up added."""
        if self.counts_pounds_alone:
            return received_gbp
        return np.asarray(received_gbp * (1.0 - self.haircut) + self.beyond_money_gbp)

    def deliver(self, received_gbp: FloatArray) -> BestResponse:
        """Return what the agent does when it serves participants itself; one that does not deliver does nothing.

        The last answer is kept: its payer asks for outcomes, for the margin and for the books at one price.
        """
        if self.last and self.last[-1][0] is received_gbp and self.last[-1][1] == self.dearth:
            return self.last[-1][2]
        if self.agent.delivers:
            worth = self.worth(received_gbp) / self.dearth
            answer = best_response(self.response, worth, minimum_service_gbp=self.minimum_service_gbp)
        else:
            answer = best_response(self.response, np.zeros_like(received_gbp))
        self.last[:] = [(received_gbp, self.dearth, answer)]
        return answer

    def earned(self, there: BestResponse, received_gbp: FloatArray) -> FloatArray:
        """Return what delivering earns in money, fees apart, working capital at its price."""
        earned = received_gbp * (1.0 - self.haircut) * there.outcome_rate - self.dearth * there.support_gbp
        return np.asarray(earned - self.base_cost_gbp)
