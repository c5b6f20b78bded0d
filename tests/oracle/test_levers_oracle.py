"""Designs that move more than the price level, against every choice on a coarse grid.

All formulas are the test's own, from the model page: expected sustainments, accelerators as menus, minimum service.
Searches look closer than the grid, so they must do as well as it does, and better within what they prove.
"""

from __future__ import annotations

import itertools
from typing import Final

import numpy as np
import pytest

from pbr_opt.design.joint_limits import Participation
from pbr_opt.design.limits import Budget, Limit, PriceRange, PriceStep
from pbr_opt.design.objectives import AdditionalOutcomes, FirstPoundLoss, Objective, Parked, TotalSupport
from pbr_opt.design.optimise import optimise
from pbr_opt.design.result import Design
from pbr_opt.design.settings import DesignSettings
from pbr_opt.market.programme import Programme
from tests.oracle.samples import Floats, Raw, rate, sample, threshold

HIGHEST_GBP: Final = 3_600.0
PRICES: Final = np.linspace(0.0, HIGHEST_GBP, 19)
BASE_GBP: Final = 150.0
MENU: Final = 1e-9
"""Relative: sums in another order, and thresholds that the package rounds down to a millionth."""
SEEDS: Final = range(4)
AIMS: Final = [Parked(), FirstPoundLoss(), AdditionalOutcomes(), TotalSupport()]


def _support(raw: Raw, price: Floats, least: float = 0.0) -> Floats:
    """Return e* = kappa ln(x / x_park), at least the minimum service; shape (offers, segments)."""
    wanted = raw.scale * np.log(np.maximum(price / threshold(raw), 1.0))
    return np.maximum(wanted, least)


def _achieved(raw: Raw, aim: Objective, price: Floats, least: float = 0.0) -> Floats:
    """Return what one pound more or less of each price brings, by segment."""
    support = _support(raw, price, least)
    worth = price * (raw.high - raw.low) / raw.scale * np.exp(-least / raw.scale)
    terms = {
        "Parked": (worth < 1.0 - 1e-12).astype(float),
        "FirstPoundLoss": np.maximum(1.0 - worth, 0.0),
        "AdditionalOutcomes": rate(raw, support) - raw.low,
        "TotalSupport": support,
    }
    return np.asarray(aim.better * (raw.people * terms[type(aim).__name__]))


def _group(raw: Raw, group: int) -> Raw:
    mine = raw.group == group
    fields = (raw.group, raw.people, raw.low, raw.high, raw.scale, raw.bend)
    return Raw(*(field[mine] for field in fields))


def _best(costs: list[Floats], gains: list[Floats], budget: float) -> float:
    """Return the most that one offer a group achieves within the budget, of two groups."""
    total = costs[0][:, None] + costs[1][None, :]
    gained = gains[0][:, None] + gains[1][None, :]
    return float(gained[total <= budget].max())


def _programme(raw: Raw) -> Programme:
    return raw.programme().replace(base_service_gbp=BASE_GBP)


def _designed(programme: Programme, vary: str, aim: Objective, *limits: Limit) -> Design:
    way = "minimise" if aim.better < 0 else "maximise"
    bounded = [PriceRange(0.0, HIGHEST_GBP), *limits]
    return optimise(programme, limits=bounded, settings=DesignSettings(vary=vary), **{way: aim})  # type: ignore[arg-type]


def _accelerated(part: Raw, aim: Objective) -> tuple[Floats, Floats]:
    """Return cost and achievement of a group under every accelerator on the grid.

    What is paid is max(t_L Q, t_H Q - (t_H - t_L) q0 N): providers take the better of two linear tariffs.
    """
    heads = float(part.people.sum())
    rows = []
    for low, high in itertools.combinations_with_replacement(PRICES, 2):
        value, paid, gained = {}, {}, {}
        for price in (low, high):
            support = _support(part, np.array([price]))
            found = rate(part, support)
            value[price] = float((part.people * (price * found - support)).sum())
            paid[price] = float((part.people * price * found).sum())
            gained[price] = float(_achieved(part, aim, np.array([price])).sum())
        for share in (0.0, 0.1, 0.2, 0.3, 0.4, 0.6):
            goes = value[high] - (high - low) * share * heads > value[low]
            at = high if goes else low
            rows.append((paid[at] - ((high - low) * share * heads if goes else 0.0), gained[at]))
    cost, gain = np.array(rows).T
    return cost, gain


@pytest.mark.parametrize("aim", AIMS, ids=str)
@pytest.mark.parametrize("seed", SEEDS)
def test_accelerators(seed: int, aim: Objective) -> None:
    raw = sample(seed, 2, 3)
    budget = 0.25 * float(raw.people @ raw.high) * HIGHEST_GBP
    menus = [_accelerated(_group(raw, g), aim) for g in (0, 1)]
    best = _best([cost for cost, _ in menus], [gain for _, gain in menus], budget)
    design = _designed(_programme(raw), "accelerator", aim, Budget(budget))
    assert design.evaluation.spend_gbp <= budget * (1 + MENU)
    assert aim.better * design.objective >= best - MENU * abs(best)
    assert design.status == "local"
    assert design.bound in (np.inf, -np.inf)


@pytest.mark.parametrize("aim", AIMS, ids=str)
@pytest.mark.parametrize("seed", SEEDS)
def test_minimum_services(seed: int, aim: Objective) -> None:
    raw = sample(seed, 2, 3)
    budget = 0.25 * float(raw.people @ raw.high) * HIGHEST_GBP
    costs, gains = [], []
    for part in (_group(raw, 0), _group(raw, 1)):
        card = np.array(list(itertools.product(PRICES, np.linspace(0.0, 0.9 * part.scale.max(), 10))))
        price, least = card[:, :1], card[:, 1:]
        found = rate(part, np.maximum(_support(part, price), least))
        costs.append(np.asarray((part.people * price * found).sum(axis=1)))
        gains.append(np.array([_achieved(part, aim, p, float(e)).sum() for p, (e,) in zip(price, least, strict=True)]))
    best = _best(costs, gains, budget)
    design = _designed(_programme(raw), "minimum_service", aim, Budget(budget))
    assert design.evaluation.spend_gbp <= budget * (1 + MENU)
    assert aim.better * design.objective >= best - MENU * abs(best)


@pytest.mark.parametrize("aim", AIMS, ids=str)
@pytest.mark.parametrize("seed", SEEDS)
def test_fees_apart(seed: int, aim: Objective) -> None:
    """S = z (1 - z^k) / (1 - z) with z = 1 - h: no discount. Every pair on the step is a proof."""
    raw, most, step = sample(seed, 2, 3), 4, 200.0
    hazard = np.random.default_rng(seed).uniform(0.02, 0.5, raw.group.size)
    stays = 1.0 - hazard
    expected = stays * (1.0 - stays**most) / hazard
    plain = _programme(raw)
    programme = plain.replace(
        caseload=plain.caseload.replace(exit_hazard=hazard),
        tariff=plain.tariff.replace(outcome_fee_gbp=800.0, sustainment_fee_gbp=200.0, sustainment_max=most),
        discount_rate=0.0,
    )
    budget = 0.2 * float(raw.people @ raw.high) * HIGHEST_GBP
    pairs = [(f, s) for f in np.arange(0.0, HIGHEST_GBP + 1, step) for s in np.arange(0.0, 901.0, step)]
    card = np.array([pair for pair in pairs if pair[0] + most * pair[1] <= HIGHEST_GBP])
    costs, gains = [], []
    for g in (0, 1):
        part = _group(raw, g)
        price = card[:, :1] + card[:, 1:] * expected[raw.group == g]
        costs.append(np.asarray((part.people * price * rate(part, _support(part, price))).sum(axis=1)))
        gains.append(np.asarray(_achieved(part, aim, price).sum(axis=1)))
    best = _best(costs, gains, budget)
    design = _designed(programme, "fees", aim, Budget(budget), PriceStep(step))
    assert aim.better * design.objective == pytest.approx(best, rel=MENU, abs=MENU)
    assert design.status == "optimal"
    anywhere = _designed(programme, "fees", aim, Budget(budget))
    assert aim.better * anywhere.objective >= best - MENU * abs(best)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("plenty", [0.02, 0.1, 0.6])
def test_attachment_fees_let_a_prime_take_part(seed: int, plenty: float) -> None:
    """Free attachment fees pay what support and base service cost beyond outcome payments: a second budget."""
    raw, aim = sample(seed, 2, 3), FirstPoundLoss()
    heads = float(raw.people.sum())
    most = [float((_group(raw, g).people * _support(_group(raw, g), np.array([HIGHEST_GBP]))).sum()) for g in (0, 1)]
    budget = heads * BASE_GBP + plenty * sum(most)
    paid, spent, gains = [], [], []
    for g in (0, 1):
        part = _group(raw, g)
        support = _support(part, PRICES[:, None])
        paid.append(np.asarray((part.people * PRICES[:, None] * rate(part, support)).sum(axis=1)))
        spent.append(np.asarray((part.people * support).sum(axis=1)))
        gains.append(np.asarray(_achieved(part, aim, PRICES[:, None]).sum(axis=1)))
    needs = np.maximum(paid[0][:, None] + paid[1][None, :], heads * BASE_GBP + spent[0][:, None] + spent[1][None, :])
    best = float((gains[0][:, None] + gains[1][None, :])[needs <= budget].max())
    design = _designed(_programme(raw), "attachment", aim, Budget(budget), Participation())
    metrics = design.evaluation.metrics
    assert metrics.spend_gbp <= budget * (1 + MENU)
    assert metrics.spend_gbp >= (metrics.total_support_gbp + metrics.base_service_gbp) * (1 - 1e-8)
    assert aim.better * design.objective >= best - MENU * abs(best)
    assert aim.better * design.bound >= aim.better * design.objective
