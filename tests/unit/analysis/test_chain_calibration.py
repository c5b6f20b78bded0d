"""The central case fitted through a chain gives the published rates, and says so when it cannot."""

from __future__ import annotations

import numpy as np
import pytest

from pbr_opt import Programme, SupplyChain, Tariff, UnsupportedModelError, evaluate, load
from pbr_opt.analysis.calibration import derive_caseload
from pbr_opt.analysis.chain_calibration import derive_through_chain, group_outcome_rates
from pbr_opt.market.agents import Agent, Contract
from pbr_opt.market.central_case import CentralCase

HALF_A_POINT = 5e-3
"""What the observed rates of the bundled programme are to be met to."""

CASE = CentralCase(["1", "2"], [1000, 500], [0.30, 0.10], [0.36, 0.14], response_scale_gbp=250, spread=1.2)
PRICES = Tariff(["1", "2"], 400, [3000, 5000])
CHAIN = SupplyChain(
    [Agent("D", "department"), Agent("P", "prime"), Agent("E", "tier1")],
    [Contract("D", "P"), Contract("P", "E", "fixed_share", share=0.7, volume_share=0.5)],
)


def test_rates_are_met_through_the_chain_and_not_without_it() -> None:
    plain = Programme("p", derive_caseload(CASE, PRICES), PRICES, CHAIN, central_case=CASE)
    short = CASE.observed_rate - group_outcome_rates(evaluate(plain))
    assert bool((short > 1e-3).all())
    fitted = plain.replace(caseload=derive_through_chain(plain))
    np.testing.assert_allclose(group_outcome_rates(evaluate(fitted)), CASE.observed_rate, atol=1e-4)


def test_a_programme_without_a_chain_is_refused() -> None:
    with pytest.raises(UnsupportedModelError, match="needs a central case and a supply chain"):
        derive_through_chain(load("work_programme_2011"))


def test_the_bundled_chain_programme_meets_the_published_rates() -> None:
    programme = load("work_programme_2011_chain")
    assert programme.central_case is not None
    there = evaluate(programme)
    np.testing.assert_allclose(group_outcome_rates(there), programme.central_case.observed_rate, atol=HALF_A_POINT)
    agents = there.to_frame("agents")
    specialists = agents[agents.kind == "tier2"]
    assert (specialists.referrals > 0).mean() < 0.1
    assert there.certificate.holds
