"""Designs that move more than the price level: fees apart, attachment, accelerators, minimum service, two parts."""

from __future__ import annotations

import itertools
from typing import Final

import numpy as np
import pytest

from pbr_opt.design.group_limits import MaxAttachmentShare
from pbr_opt.design.joint_limits import MaxDistinctPrices, Participation
from pbr_opt.design.limits import Budget, Limit, PriceRange, PriceStep
from pbr_opt.design.objectives import AdditionalOutcomes, FirstPoundLoss, Objective, Parked, WorstServed
from pbr_opt.design.optimise import optimise
from pbr_opt.design.result import Design
from pbr_opt.design.settings import LEVERS, DesignSettings
from pbr_opt.errors import DesignInfeasibleError, InvalidInputError, UnsupportedModelError
from pbr_opt.evaluation import evaluate
from pbr_opt.market.agents import Agent, Contract
from pbr_opt.market.caseload import Caseload
from pbr_opt.market.programme import Programme
from pbr_opt.market.supply_chain import SupplyChain
from pbr_opt.market.tariffs import Tariff

PEOPLE: Final = Caseload(
    ["a", "a", "b", "b"],
    [100, 80, 60, 90],
    [0.2, 0.1, 0.1, 0.02],
    [0.5, 0.3, 0.3, 0.2],
    300.0,
    0.0,
    [0.02, 0.3, 0.1, 0.3],
)
PROGRAMME: Final = Programme(
    "p", PEOPLE, Tariff(["a", "b"], 100, [800, 1000], [100, 150], [4, 4]), base_service_gbp=120.0
)
BUDGET: Final = Budget(140_000)
UP_TO: Final = PriceRange(0, 6_000)


def _designed(vary: str | tuple[str, ...], aim: Objective, *limits: Limit, programme: Programme = PROGRAMME) -> Design:
    way = "minimise" if aim.better < 0 else "maximise"
    return optimise(programme, limits=limits, settings=DesignSettings(vary=vary), **{way: aim})  # type: ignore[arg-type]


@pytest.mark.parametrize("aim", [Parked(), FirstPoundLoss(), AdditionalOutcomes()], ids=str)
def test_fees_apart_on_a_step_are_every_pair(aim: Objective) -> None:
    """Proved, and equal to trying all: 0 to 2,400 in steps of 400 for the outcome, what fits for sustainment."""
    limits = [Budget(90_000), PriceRange(0, 2_400), PriceStep(400)]
    design = _designed("fees", aim, *limits)
    cards = [(f, s) for f in range(0, 2_401, 400) for s in (0, 400) if f + 4 * s <= 2_400]
    best = -np.inf
    for one, two in itertools.product(cards, cards):
        there = evaluate(PROGRAMME, Tariff(["a", "b"], 100, [one[0], two[0]], [one[1], two[1]], [4, 4]))
        if there.spend_gbp <= 90_000:
            best = max(best, aim.better * aim.total(there))
    assert aim.better * design.objective == pytest.approx(best, rel=1e-12)
    assert design.status == "optimal"


@pytest.mark.parametrize("lever", LEVERS[1:])
def test_a_larger_menu_is_never_worse_and_keeps_its_promises(lever: str) -> None:
    limits = [BUDGET, UP_TO, PriceStep(50)]
    plain, moved = (_designed(vary, AdditionalOutcomes(), *limits) for vary in ("level", lever))
    assert moved.objective >= plain.objective * (1 - 1e-12)
    assert moved.evaluation.spend_gbp <= BUDGET.gbp * (1 + 1e-9)
    assert moved.evaluation.certificate.holds
    assert moved.status in ("local", "optimal")


def test_an_accelerator_pays_what_support_costs_unless_somebody_has_to_take_part() -> None:
    free = _designed("accelerator", Parked(), BUDGET, UP_TO)
    metrics = free.evaluation.metrics
    assert free.tariff.accelerator_fee_gbp.max() > 0
    assert metrics.spend_gbp < metrics.total_support_gbp + metrics.base_service_gbp
    taking_part = _designed("accelerator", Parked(), BUDGET, UP_TO, Participation())
    metrics = taking_part.evaluation.metrics
    assert metrics.spend_gbp >= (metrics.total_support_gbp + metrics.base_service_gbp) * (1 - 1e-9)


def test_a_chosen_minimum_service_is_in_the_programme_of_the_design() -> None:
    design = _designed("minimum_service", AdditionalOutcomes(), BUDGET, UP_TO, PriceStep(50))
    assert design.programme.minimum_service_gbp.max() > 0
    again = evaluate(design.programme, design.tariff)
    assert AdditionalOutcomes().total(again) == design.objective


def test_two_caps_and_few_prices_hold_when_attachment_fees_move() -> None:
    budget = Budget(140_000, by_year={1: 120_000})
    limits = [budget, UP_TO, PriceStep(100), MaxDistinctPrices(1), MaxAttachmentShare(0.3), Participation()]
    design = _designed("attachment", AdditionalOutcomes(), *limits)
    assert np.unique(design.tariff.price_gbp).size == 1
    assert design.evaluation.spend_gbp <= 120_000 * (1 + 1e-9)


@pytest.mark.parametrize(("budget", "status"), [(40_000.0, "local"), (56_000.0, "optimal")])
def test_two_part_tariffs_under_participation_against_a_grid(budget: float, status: str) -> None:
    """For one who serves all, participation with free attachment is a second budget: support and base service."""
    design = _designed("attachment", FirstPoundLoss(), Budget(budget), UP_TO, Participation())
    assert design.status == status
    assert ("convex-concave" in design.method) is (status == "local")
    assert design.bound <= design.objective
    metrics = design.evaluation.metrics
    assert metrics.spend_gbp <= budget * (1 + 1e-9)
    assert metrics.spend_gbp >= (metrics.total_support_gbp + metrics.base_service_gbp) * (1 - 1e-8)
    best, axis = np.inf, np.linspace(0.0, 6_000.0, 31)
    for prices in itertools.product(axis, axis):
        there = evaluate(PROGRAMME, PROGRAMME.tariff.at_price(prices).replace(attachment_fee_gbp=0.0))
        needs = there.metrics.total_support_gbp + there.metrics.base_service_gbp
        if max(there.spend_gbp, needs) <= budget:
            best = min(best, FirstPoundLoss().total(there))
    assert design.objective <= best * (1 + 1e-6)


def test_too_little_for_anybody_to_take_part_is_told_with_the_amount() -> None:
    with pytest.raises(DesignInfeasibleError) as caught:
        _designed("attachment", FirstPoundLoss(), Budget(30_000), UP_TO, Participation())
    assert caught.value.least_budget_gbp == pytest.approx(330 * 120)
    _designed("attachment", FirstPoundLoss(), Budget(330 * 120 + 1), UP_TO, Participation())


def test_limits_that_no_menu_meets_are_named() -> None:
    with pytest.raises(DesignInfeasibleError) as caught:
        _designed("accelerator", Parked(), Budget(10_000), UP_TO, Participation(), PriceStep(100))
    assert {limit.split("(")[0] for limit in caught.value.binding_limits} == {"Budget"}


def test_what_is_not_modelled_says_so() -> None:
    chain = SupplyChain([Agent("D", "department"), Agent("P", "prime")], [Contract("D", "P")])
    with pytest.raises(UnsupportedModelError, match="supply_chain=None"):
        _designed("fees", Parked(), programme=PROGRAMME.replace(supply_chain=chain))
    with pytest.raises(UnsupportedModelError, match="MaxParkedShare"):
        _designed("fees", WorstServed())
    with pytest.raises(InvalidInputError, match="did you mean 'fees'"):
        DesignSettings(vary=("fee",))
