"""Evaluate a tariff: what providers do under it, what it costs, whom it leaves without help."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np

from pbr_opt.equilibrium.accelerator import accelerated_response
from pbr_opt.equilibrium.accelerator_certificate import certify_accelerated
from pbr_opt.equilibrium.best_response import BestResponse, best_response
from pbr_opt.equilibrium.certificate import Certificate, ProviderClaim, certify_provider
from pbr_opt.equilibrium.chain import ChainEquilibrium, solve_chain
from pbr_opt.equilibrium.chain_certificate import certify_chain
from pbr_opt.equilibrium.chain_tables import agent_columns, area_columns, rival_columns
from pbr_opt.equilibrium.deliveries import Deliveries
from pbr_opt.equilibrium.rival_certificate import certify_rivals
from pbr_opt.equilibrium.rivals import RivalEquilibrium, solve_rivals
from pbr_opt.errors import Fault, InvalidInputError, UnsupportedModelError
from pbr_opt.market.accelerator import Accelerator
from pbr_opt.market.agents import Area
from pbr_opt.market.programme import Programme
from pbr_opt.market.tariffs import Tariff
from pbr_opt.metrics import Metrics, measure, windfall_by_group
from pbr_opt.notebook import Tabled
from pbr_opt.quantities import FloatArray, frozen, nearest

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Evaluation", "evaluate", "respond", "respond_to_accelerator"]

_FRAMES: Final = ("groups", "segments", "agents", "payments", "areas", "rivals")
_PRIME: Final = "prime"


@dataclass(frozen=True, eq=False, repr=False)
class Evaluation(Tabled):
    """The equilibrium under one tariff. Metrics, certificate and frames are computed when asked for, and kept.

    Attributes
    ----------
    programme : Programme
        What was evaluated.
    tariff : Tariff
        The list prices.
    payable : Tariff
        What is actually paid under the contract terms, in the order of the caseload's groups.
    rows : Programme
        The programme seen by who serves whom: without a supply chain itself; with one, its caseload has a row for each
        segment, area and deliverer.
    behaviour : BestResponse
        What providers do, one entry a row of ``rows.caseload``.
    deliveries : Deliveries or None
        Area and deliverer of each row, with a supply chain.
    equilibrium : ChainEquilibrium or None
        Books, departures and shadow prices, with a supply chain.
    rivals : RivalEquilibrium or None
        What the primes of each area do for their results, with a rivalry.
    """

    programme: Programme
    tariff: Tariff
    payable: Tariff
    rows: Programme
    behaviour: BestResponse
    deliveries: Deliveries | None = None
    equilibrium: ChainEquilibrium | None = None
    rivals: RivalEquilibrium | None = None

    @property
    def spend_gbp(self) -> float:
        """Return everything the Department pays, attachment fees and bonuses included."""
        caseload = self.rows.caseload
        attachment = caseload.group_participants @ self.payable.attachment_fee_gbp
        return float(attachment + caseload.participants @ self.behaviour.payment_gbp + self.group_bonus_gbp.sum())

    @cached_property
    def group_bonus_gbp(self) -> FloatArray:
        """Return incentive payments by group, in the order of the caseload's groups, GBP."""
        groups = self.rows.caseload.groups
        return frozen(np.zeros(len(groups)) if self.rivals is None else self.rivals.bonus_by_group_gbp(groups))

    @cached_property
    def metrics(self) -> Metrics:
        """Return the metrics of the whole programme."""
        return measure(self.rows, self.payable, self.behaviour, float(self.group_bonus_gbp.sum()))

    @cached_property
    def certificate(self) -> Certificate:
        """Return the largest gain from deviating, recomputed by code that shares nothing with the closed forms.

        With a supply chain, of any agent: by other support, other prices or other referrals.
        """
        if self.rivals is not None:
            return certify_rivals(self.rivals, self.payable)
        if self.equilibrium is not None:
            programme, row = self.programme, self.programme.caseload.group_index
            price = self.payable.effective_price_gbp(programme.caseload, programme.discount_rate)
            return certify_chain(programme, self.equilibrium, price, self.payable.attachment_fee_gbp[row])
        minimum = self.programme.minimum_service_gbp[self.programme.caseload.group_index]
        claim = ProviderClaim(
            gain_per_outcome_gbp=self._lower_price_gbp + self.behaviour.mission_gbp,
            least_support_gbp=minimum,
            support_gbp=self.behaviour.support_gbp,
            outcome_rate=self.behaviour.outcome_rate,
        )
        if self.payable.has_accelerator:
            return certify_accelerated(self.programme.caseload, claim, Accelerator.of(self.payable), _PRIME)
        return certify_provider(self.programme.caseload, claim, _PRIME)

    @property
    def _lower_price_gbp(self) -> FloatArray:
        """Return what an outcome pays without an accelerator, per row."""
        if self.payable.has_accelerator:
            return self.payable.effective_price_gbp(self.programme.caseload, self.programme.discount_rate)
        return self.behaviour.price_gbp

    @cached_property
    def group_parked_share(self) -> FloatArray:
        """Return the share of each group's people who are parked, in the order of the caseload's groups."""
        caseload = self.rows.caseload
        parked = caseload.sum_by_group(caseload.participants * self.behaviour.parked)
        return frozen(parked / np.maximum(caseload.group_participants, np.finfo(float).tiny))

    def to_frame(self, table: str = "groups") -> pd.DataFrame:
        """Return a tidy table: ``groups``, ``segments``, ``agents``, ``payments``, ``areas`` or ``rivals``.

        Parameters
        ----------
        table : str, optional
            Which one; segments keep the order of the input.

        Returns
        -------
        pandas.DataFrame
            Money in GBP, rates 0..1, one row a group, segment, agent or group.

        Raises
        ------
        InvalidInputError
            For another name.

        Examples
        --------
        >>> from pbr_opt.market.caseload import Caseload
        >>> people = Caseload(["a"], 100, .12, .42, 600)
        >>> there = evaluate(Programme("p", people, Tariff(["a"], 400, 4000)))
        >>> there.to_frame("groups").loc[0, "spend_gbp"].item()
        148000.0
        """
        if table not in _FRAMES:
            raise InvalidInputError("Evaluation.to_frame", [Fault("table", table, "a table", nearest(table, _FRAMES))])
        import pandas as pd  # slow to import: only when a table is asked for

        columns: dict[str, Callable[[], Mapping[str, object]]] = {
            "groups": self._groups,
            "segments": self._segments,
            "agents": self._agents,
            "payments": self._payments,
            "areas": self._areas,
            "rivals": self._rivals,
        }
        return pd.DataFrame(columns[table]())

    def notebook_lines(self) -> tuple[str, ...]:
        """Return spend and parking in a line, and what kind of equilibrium rivals are in."""
        m, name = self.metrics, self.programme.name
        told = f"{name}: £{m.spend_gbp:,.0f} spent, {m.parked_share:.1%} of {m.participants:,.0f} people parked"
        return (told,) if self.rivals is None else (told, self.rivals.statement)

    def _groups(self) -> dict[str, object]:
        caseload, behaviour = self.rows.caseload, self.behaviour
        people = caseload.participants
        by_group = caseload.sum_by_group
        heads = np.maximum(caseload.group_participants, np.finfo(float).tiny)
        return {
            "group": list(caseload.groups),
            "name": [self.programme.group_names[g] for g in caseload.groups],
            "participants": caseload.group_participants,
            "spend_gbp": by_group(people * behaviour.payment_gbp)
            + caseload.group_participants * self.payable.attachment_fee_gbp
            + self.group_bonus_gbp,
            "outcomes": by_group(people * behaviour.outcome_rate),
            "additional_outcomes": by_group(people * (behaviour.outcome_rate - caseload.deadweight_rate)),
            "parked_share": self.group_parked_share,
            "mean_support_gbp": by_group(people * behaviour.support_gbp) / heads,
            "windfall_gbp": windfall_by_group(self.rows, self.payable, behaviour),
        } | self._accelerated_groups()

    def _accelerated_groups(self) -> dict[str, object]:
        """Return who goes for the upper rate, where there is one: it then earns something on top."""
        if not self.payable.has_accelerator:
            return {}
        caseload, payable = self.rows.caseload, self.payable
        paid = caseload.sum_by_group(caseload.participants * (self.behaviour.price_gbp > self._lower_price_gbp))
        return {"accelerator_threshold": payable.accelerator_threshold, "accelerator_reached": paid > 0}

    def _segments(self) -> dict[str, object]:
        caseload, behaviour, table = self.rows.caseload, self.behaviour, self.deliveries
        where = {} if table is None else {"area": table.area}
        return where | {
            "group": caseload.group,
            "segment": np.arange(len(caseload)) if table is None else table.segment,
            "participants": caseload.participants,
            "effective_price_gbp": behaviour.price_gbp,
            "parking_threshold_gbp": caseload.parking_threshold_gbp,
            "support_gbp": behaviour.support_gbp,
            "outcome_rate": behaviour.outcome_rate,
            "deadweight_rate": caseload.deadweight_rate,
            "parked": behaviour.parked,
            "deliverer": _PRIME if table is None else table.deliverer,
        }

    def _agents(self) -> Mapping[str, object]:
        """Return the books; without a chain one provider stands for all primes together."""
        if self.equilibrium is not None and self.programme.supply_chain is not None:
            return agent_columns(self.equilibrium, self.programme.supply_chain)
        metrics = self.metrics
        costs = metrics.total_support_gbp + metrics.base_service_gbp
        return {
            "agent": ["department", _PRIME],
            "kind": ["department", "prime"],
            "sector": ["public", "private"],
            "income_gbp": [0.0, metrics.spend_gbp],
            "paid_on_gbp": [metrics.spend_gbp, 0.0],
            "support_gbp": [0.0, metrics.total_support_gbp],
            "fixed_cost_gbp": [0.0, metrics.base_service_gbp],
            "profit_gbp": [0.0, metrics.spend_gbp - costs],
            "referrals": [0.0, metrics.participants],
            "active": [True, True],
        }

    def _areas(self) -> Mapping[str, object]:
        """Return the areas of a chain; without one the whole country is one area."""
        chain, table = self.programme.supply_chain, self.deliveries
        if chain is None or table is None:
            alone = np.zeros(len(self.rows.caseload), dtype=np.int64)
            table = Deliveries(self.rows.caseload, self.behaviour, alone, alone, (("", _PRIME),))
        areas = (Area("", 1.0),) if chain is None else chain.areas
        return area_columns(table, areas, self.payable.attachment_fee_gbp[table.caseload.group_index])

    def _rivals(self) -> Mapping[str, object]:
        """Return what the primes of each area do for their results; nothing without a rivalry."""
        return rival_columns(self.rivals)

    def _payments(self) -> dict[str, object]:
        caseload, behaviour = self.rows.caseload, self.behaviour
        outcome_fee = self.payable.outcome_fee_gbp[caseload.group_index]
        outcomes, lower = caseload.participants * behaviour.outcome_rate, self._lower_price_gbp
        accelerated = {"accelerator_gbp": caseload.sum_by_group(outcomes * (behaviour.price_gbp - lower))}
        return {
            "group": list(caseload.groups),
            "attachment_gbp": caseload.group_participants * self.payable.attachment_fee_gbp,
            "outcome_gbp": caseload.sum_by_group(outcomes * outcome_fee),
            "sustainment_gbp": caseload.sum_by_group(outcomes * (lower - outcome_fee)),
            "incentive_gbp": self.group_bonus_gbp,
        } | (accelerated if self.payable.has_accelerator else {})


def evaluate(programme: Programme, tariff: Tariff | None = None) -> Evaluation:
    """Return what providers do under a tariff, and what follows.

    Parameters
    ----------
    programme : Programme
        Who is served, under which terms.
    tariff : Tariff, optional
        List prices for the programme's groups; the programme's own when not given.

    Returns
    -------
    Evaluation
        Deterministic; the same for any order of groups in the tariff.

    Raises
    ------
    InvalidInputError
        When the tariff prices other groups than the caseload's.
    UnsupportedModelError
        For an accelerator paid through a supply chain.

    Examples
    --------
    >>> from pbr_opt.market.caseload import Caseload
    >>> people = Caseload(["a", "a"], [100, 100], [.12, .02], [.42, .10], 600)
    >>> there = evaluate(Programme("p", people, Tariff(["a"], 0, 4000)))
    >>> there.metrics.parked_share, there.certificate.holds
    (0.5, True)
    """
    chosen = tariff if tariff is not None else programme.tariff
    payable = programme.payable(chosen)
    price = payable.effective_price_gbp(programme.caseload, programme.discount_rate)
    if payable.has_accelerator:
        behaviour = respond_to_accelerator(programme, price, Accelerator.of(payable))
        return Evaluation(programme, chosen, payable, programme, behaviour)
    if programme.supply_chain is None:
        return Evaluation(programme, chosen, payable, programme, respond(programme, price))
    attachment = payable.attachment_fee_gbp[programme.caseload.group_index]
    rivals = None if programme.rivalry is None else solve_rivals(programme, price, attachment)
    equilibrium = solve_chain(programme, price, attachment) if rivals is None else rivals.equilibrium
    table = Deliveries.of(equilibrium.cells, price if rivals is None else price[rivals.row])
    table = table if rivals is None else replace(table, segment=rivals.row[table.segment])
    rows = programme.replace(caseload=table.caseload, supply_chain=None, central_case=None, rivalry=None)
    return Evaluation(programme, chosen, payable, rows, table.behaviour, table, equilibrium, rivals)


def respond(programme: Programme, price_gbp: FloatArray) -> BestResponse:
    """Return what providers do for every segment at given effective prices, shape (..., segments)."""
    caseload = programme.caseload
    row = caseload.group_index
    value = programme.outcome_value_gbp
    special = programme.minimum_service_gbp.any()
    return best_response(
        caseload.response,
        price_gbp,
        mission_gbp=programme.mission_gbp[row] if programme.mission_gbp.any() else 0.0,
        minimum_service_gbp=programme.minimum_service_gbp[row] if special else 0.0,
        outcome_value_gbp=value[row] if special and value is not None else None,
    )


def respond_to_accelerator(programme: Programme, price_gbp: FloatArray, accelerator: Accelerator) -> BestResponse:
    """Return what providers do for every segment when outcomes beyond a threshold are paid more.

    Parameters
    ----------
    programme : Programme
        Without a supply chain.
    price_gbp : array (..., segments)
        Effective prices at the lower rate.
    accelerator : Accelerator
        As it is paid, shape (..., groups).

    Raises
    ------
    UnsupportedModelError
        With a supply chain: whose outcomes count towards the threshold is not said.
    """
    if programme.supply_chain is not None:
        raise UnsupportedModelError(
            "An accelerator is modelled for primes that deliver all themselves: a supply chain would have to say "
            "whose outcomes count towards the threshold, and who is paid the upper rate; try "
            "programme.replace(supply_chain=None), or a tariff with accelerator_fee_gbp=0"
        )
    return accelerated_response(programme.caseload, lambda price: respond(programme, price), price_gbp, accelerator)
