"""Small programmes to simulate: with everything that the rules know, with re-entry, and with a chain."""

from __future__ import annotations

from typing import Any, Final

from pbr_opt import Caseload, Programme, SupplyChain, Tariff
from pbr_opt.market.agents import Agent, Contract
from pbr_opt.market.tariffs import ContractTerms

__all__ = ["NO_FEE", "chained", "returning", "stayers"]

NO_FEE: Final = ContractTerms(0.06, [0.0], [1.0])
"""No attachment fee is paid: help has to be paid for before outcomes are."""


def _tariff(window: int = 0) -> Tariff:
    return Tariff(["x", "y"], [400, 600], [1200, 3500], [170, 370], [13, 26], window)


def _people(hazard: float, reentry: float = 0.0) -> Caseload:
    floor, ceiling = [0.1, 0.3, 0.5, 0.02, 0.08], [0.3, 0.5, 0.6, 0.1, 0.3]
    return Caseload(["x"] * 3 + ["y"] * 2, [300, 200, 100, 250, 150], floor, ceiling, 250, 0.0, hazard,
                    reentry_rate=reentry)  # fmt: skip


def stayers(**changes: Any) -> Programme:  # noqa: ANN401  # any field of a programme
    """Return a programme without re-entry: taper, discount, intake over three years, later money worth less."""
    terms = ContractTerms(0.06, [1, 0.75, 0], [0.5, 0.3, 0.2])
    programme = Programme("stayers", _people(0.04), _tariff(), terms=terms, discount_rate=0.035, base_service_gbp=300)
    return programme.replace(**changes)


def returning(window: int = 20) -> Programme:
    """Return a programme in which people come back to work, within a window after the outcome."""
    return Programme("returning", _people(0.15, 0.25), _tariff(window), discount_rate=0.035)


def chained(working_capital_gbp: float = 20_000.0, **changes: Any) -> Programme:  # noqa: ANN401  # as above
    """Return a programme with a prime, a subcontractor on a share, and below it one on piece rates."""
    agents = [
        Agent("DWP", "department"),
        Agent("P", "prime", working_capital_gbp=200_000.0, cost_of_capital=0.08, fixed_cost_gbp=20_000.0),
        Agent("T", "tier1", working_capital_gbp=working_capital_gbp, cost_of_capital=0.1, fixed_cost_gbp=2_000.0),
        Agent("S", "tier2", productivity=(("y", 4.0),), working_capital_gbp=working_capital_gbp),
    ]
    contracts = [
        Contract("DWP", "P", payment_lag_weeks=4),
        Contract("P", "T", "fixed_share", share=0.8, attachment_share=0.7, volume_share=0.5, payment_lag_weeks=9),
        Contract("T", "S", "piece_rate", referral_fee_gbp=50.0, payment_lag_weeks=13),
    ]
    return stayers(supply_chain=SupplyChain(agents, contracts), **changes)
