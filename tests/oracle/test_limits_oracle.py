"""Every objective under every pair of limits, against enumeration of all tariffs on a coarse step.

All formulas are the test's own, from the model page: what a limit means is written out again here.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
import pytest
from numpy.typing import NDArray

from pbr_opt.design.group_limits import (
    MaxAttachmentShare,
    MaxParkedShare,
    MinimumService,
    NoGroupWorse,
    PriceCeilingByValue,
)
from pbr_opt.design.joint_limits import MaxDistinctPrices, Participation, PriceOrder
from pbr_opt.design.limits import Budget, Limit, PriceRange, PriceStep
from pbr_opt.design.objectives import (
    AdditionalOutcomes,
    FirstPoundLoss,
    NetSocialValue,
    Objective,
    Parked,
    SupportShortfall,
    TotalSupport,
    WorstServed,
)
from pbr_opt.design.optimise import optimise
from pbr_opt.design.result import Design
from pbr_opt.errors import DesignInfeasibleError
from pbr_opt.market.programme import Programme
from pbr_opt.market.tariffs import ContractTerms, Tariff
from tests.oracle.samples import Floats, Raw, rate, sample, threshold

STEP_GBP: Final = 500.0
HIGHEST_GBP: Final = 4_500.0
PRICES: Final = np.arange(0.0, HIGHEST_GBP + 1.0, STEP_GBP)
ATTACHMENT_GBP: Final = 40.0
BASE_GBP: Final = 170.0
VALUE_GBP: Final = np.array([3_600.0, 4_100.0, 2_700.0])
MINIMUM_GBP: Final = 60.0
STANDARD_GBP: Final = 300.0
SHARES: Final = (0.7, 0.3)
TAPER: Final = (1.0, 0.5)
TODAY_GBP: Final = np.array([1_000.0, 500.0, 2_000.0])
SAME: Final = 1e-9
"""Relative: the same sums in another order."""

RAW: Final = sample(17, 3, 4)


@dataclass(frozen=True)
class Table:
    """What every price of every group brings, shape (groups, prices)."""

    cost: Floats
    support: Floats
    additional: Floats
    parked: Floats
    first_pound: Floats
    shortfall: Floats
    heads: Floats
    attachment: Floats


@cache
def _table(minimum: float) -> Table:
    price = np.broadcast_to(PRICES[:, None], (PRICES.size, RAW.group.size))
    ratio = np.maximum(price / threshold(RAW), 1.0)
    support = np.maximum(RAW.scale * np.log(ratio), minimum)
    found = rate(RAW, support)
    slope = (RAW.high - RAW.low) / RAW.scale * np.exp(-minimum / RAW.scale)
    useful = (VALUE_GBP[RAW.group] * slope > 1.0) | (minimum == 0.0)

    def by_group(term: Floats) -> Floats:
        return np.stack([(RAW.people * term)[:, RAW.group == g].sum(axis=1) for g in range(RAW.groups)])

    heads = by_group(np.ones(price.shape))[:, 0]
    attachment = heads * ATTACHMENT_GBP * float(np.dot(SHARES, TAPER))
    return Table(
        cost=by_group(price * found) + attachment[:, None],
        support=by_group(support),
        additional=by_group(found - RAW.low),
        parked=by_group(((price * slope < 1.0 - 1e-12) & useful).astype(float)),
        first_pound=by_group(np.where(price * slope < 1.0 - 1e-12, 1.0 - price * slope, 0.0)),
        shortfall=by_group(np.maximum(STANDARD_GBP - support, 0.0)),
        heads=heads,
        attachment=attachment,
    )


def _summed(values: Floats) -> Floats:
    """Return sums over all choices of one price a group, shape (prices, prices, prices)."""
    return np.asarray(values[0][:, None, None] + values[1][None, :, None] + values[2][None, None, :])


def _every(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return np.asarray(mask[0][:, None, None] & mask[1][None, :, None] & mask[2][None, None, :])


AIMS: Final[dict[str, tuple[Objective, Callable[[Table], Floats]]]] = {
    "parked": (Parked(), lambda t: _summed(t.parked)),
    "first pound": (FirstPoundLoss(), lambda t: _summed(t.first_pound)),
    "shortfall": (SupportShortfall(STANDARD_GBP), lambda t: _summed(t.shortfall)),
    "support": (TotalSupport(), lambda t: -_summed(t.support)),
    "additional": (AdditionalOutcomes(), lambda t: -_summed(t.additional)),
    "net value": (NetSocialValue(), lambda t: -_summed(VALUE_GBP[:, None] * t.additional - t.support)),
    "worst": (
        WorstServed(),
        lambda t: np.maximum.reduce(np.meshgrid(*(t.parked / t.heads[:, None]), indexing="ij")),
    ),
    "weighted": (
        2 * Parked() - AdditionalOutcomes() / 3,
        lambda t: 2 * _summed(t.parked) - _summed(t.additional) / 3,
    ),
}

FIRST, SECOND, THIRD = np.meshgrid(PRICES, PRICES, PRICES, indexing="ij")
DEADWEIGHT: Final = np.array(
    [RAW.people[RAW.group == g] @ RAW.low[RAW.group == g] / RAW.people[RAW.group == g].sum() for g in range(3)]
)


def _order(table: Table) -> NDArray[np.bool_]:
    rising = [(FIRST, SECOND, THIRD)[g] for g in np.argsort(-DEADWEIGHT)]
    return np.asarray((rising[0] <= rising[1]) & (rising[1] <= rising[2]))


def _few(table: Table) -> NDArray[np.bool_]:
    return np.asarray((FIRST == SECOND) | (SECOND == THIRD) | (FIRST == THIRD))


def _no_worse(table: Table) -> NDArray[np.bool_]:
    at = np.searchsorted(PRICES, TODAY_GBP)[:, None]
    then = [np.take_along_axis(each, at, axis=1) for each in (table.support, table.additional, table.parked)]
    return _every(
        (table.support >= then[0] * (1 - SAME))
        & (table.additional >= then[1] * (1 - SAME))
        & (table.parked <= then[2] * (1 + SAME))
    )


BUDGET: Final = Budget(0.42 * float(_table(0.0).cost[:, -1].sum()))
BY_YEAR: Final = Budget(by_year={2: 0.16 * float(_table(0.0).cost[:, -1].sum())}, outcome_years=(0.6, 0.4))
"""Outcome payments of year 2: .4 of those who started in year 1 (.7), .6 of those who started in year 2 (.3)."""


def _year_two(table: Table) -> NDArray[np.bool_]:
    total = float(table.attachment.sum())
    second = total * SHARES[1] * TAPER[1] / float(np.dot(SHARES, TAPER))
    outcomes = (0.7 * 0.4 + 0.3 * 0.6) * (_summed(table.cost) - total)
    return np.asarray(second + outcomes <= BY_YEAR.year_caps[2] * (1 + SAME))


LIMITS: Final[dict[str, tuple[Limit, Callable[[Table], NDArray[np.bool_]]]]] = {
    "budget": (BUDGET, lambda t: np.asarray(_summed(t.cost) <= BUDGET.gbp * (1 + SAME))),
    "by year": (BY_YEAR, _year_two),
    "attachment share": (
        MaxAttachmentShare(0.12),
        lambda t: _every(t.attachment[:, None] <= 0.12 * t.cost * (1 + SAME)),
    ),
    "parked share": (MaxParkedShare(0.5), lambda t: _every(t.parked <= 0.5 * t.heads[:, None] * (1 + SAME))),
    "no worse": (NoGroupWorse(Tariff(["g0", "g1", "g2"], ATTACHMENT_GBP, TODAY_GBP)), _no_worse),
    "value": (PriceCeilingByValue(), lambda t: _every(PRICES[None, :] <= VALUE_GBP[:, None])),
    "participation": (
        Participation(),
        lambda t: np.asarray(_summed(t.cost - t.support) >= BASE_GBP * t.heads.sum() - SAME * _summed(t.cost)),
    ),
    "few": (MaxDistinctPrices(2), _few),
    "order": (PriceOrder(), _order),
    "minimum service": (MinimumService(MINIMUM_GBP), lambda t: np.ones(FIRST.shape, dtype=np.bool_)),
}

PAIRS: Final = [(name,) for name in LIMITS] + [
    pair for pair in itertools.combinations(LIMITS, 2) if set(pair) != {"budget", "by year"}
]


def _programme(raw: Raw) -> Programme:
    plain = raw.programme()
    return plain.replace(
        tariff=plain.tariff.replace(attachment_fee_gbp=ATTACHMENT_GBP),
        outcome_value_gbp=VALUE_GBP,
        base_service_gbp=BASE_GBP,
        terms=ContractTerms(0.0, TAPER, SHARES),
    )


PROGRAMME: Final = _programme(RAW)


def _solved(aim: Objective, *limits: Limit) -> Design:
    way = "minimise" if aim.better < 0 else "maximise"
    return optimise(PROGRAMME, limits=limits, **{way: aim})  # type: ignore[arg-type]


@pytest.mark.parametrize("names", PAIRS, ids="+".join)
@pytest.mark.parametrize("aim", AIMS)
def test_every_objective_under_every_pair_of_limits(aim: str, names: tuple[str, ...]) -> None:
    table = _table(MINIMUM_GBP if "minimum service" in names else 0.0)
    objective, losses = AIMS[aim]
    kept = np.logical_and.reduce([LIMITS[name][1](table) for name in names])
    limits = [LIMITS[name][0] for name in names]
    on_step = [PriceStep(STEP_GBP), PriceRange(0.0, HIGHEST_GBP)]
    if not kept.any():
        with pytest.raises(DesignInfeasibleError) as caught:
            _solved(objective, *limits, *on_step)
        assert caught.value.binding_limits
        return
    best = float(losses(table)[kept].min())
    design = _solved(objective, *limits, *on_step)
    scale = float(table.heads.sum())
    assert -objective.better * design.objective == pytest.approx(best, rel=SAME, abs=SAME * scale)
    assert design.status == "optimal"
    price = design.tariff.aligned(PROGRAMME.caseload.groups).price_gbp
    assert kept[tuple(np.searchsorted(PRICES, price))]


def test_the_sample_lets_every_limit_bind() -> None:
    """No limit is idle or hopeless by itself: the enumeration above would show nothing."""
    table = _table(0.0)
    for name, (_, keeps) in LIMITS.items():
        share = float(np.mean(keeps(table)))
        assert 0.0 < share < 1.0 or name == "minimum service", f"{name} leaves {share:.0%}"
