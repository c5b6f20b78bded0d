"""Limits that cannot be met: each alone, then in pairs; the message has the numbers that a user needs."""

from __future__ import annotations

import itertools
import math
import re
from typing import Final

import numpy as np
import pytest

from pbr_opt.design.group_limits import MaxAttachmentShare, MaxParkedShare, NoGroupWorse, PriceCeilingByValue
from pbr_opt.design.joint_limits import MaxDistinctPrices, Participation, PriceOrder
from pbr_opt.design.limits import Budget, Limit, PriceRange, PriceStep
from pbr_opt.design.objectives import Objective, Parked, WorstServed
from pbr_opt.design.optimise import optimise
from pbr_opt.design.result import Design
from pbr_opt.errors import DesignInfeasibleError
from pbr_opt.market.caseload import Caseload
from pbr_opt.market.programme import Programme
from pbr_opt.market.tariffs import Tariff

PROGRAMME: Final = Programme(
    "p",
    Caseload(["a", "a", "b", "b"], [100, 80, 60, 90], [0.2, 0.1, 0.1, 0.02], [0.5, 0.3, 0.3, 0.2], 300.0),
    Tariff(["a", "b"], 100, [1200, 2000]),
    base_service_gbp=120.0,
    outcome_value_gbp=[2_500.0, 1_400.0],
)
CAN_NEVER_BE: Final[dict[str, tuple[tuple[Limit, ...], str]]] = {
    "off the step": ((PriceRange(1_010, 1_040), PriceStep(100)), "No multiple of £100"),
    "parked": ((MaxParkedShare(0.0), PriceRange(0, 1_500)), r"group 'b' has 60 % parked even at £1,500"),
    "worse": ((NoGroupWorse(Tariff(["a", "b"], 0, 2_000)), PriceRange(0, {"b": 1_500})), "even at £1,500"),
    "attachment": ((MaxAttachmentShare(0.05), PriceRange(0, 2_000)), "% of what is paid are attachment fees even at"),
    "value": ((PriceCeilingByValue(), PriceRange({"b": 1_500})), "at least £1,500 and at most £1,400"),
    "loss": ((Participation(), PriceRange(0, 100)), "whatever the budget"),
    "order": ((PriceOrder(["a", "b"]), PriceRange({"a": 2_000}, {"b": 1_900})), "whatever the budget"),
    "one price": ((MaxDistinctPrices(1), PriceRange({"a": 2_000}, {"b": 1_900})), "whatever the budget"),
}
NEEDS_MONEY: Final[dict[str, Limit]] = {
    "price range": PriceRange(1_800, 6_000),
    "parked share": MaxParkedShare(0.3),
    "no worse": NoGroupWorse(Tariff(["a", "b"], 0, 2_500)),
    "participation": Participation(),
    "attachment share": MaxAttachmentShare(0.2),
}
ALWAYS: Final[dict[str, Limit]] = {"order": PriceOrder(), "few": MaxDistinctPrices(1), "step": PriceStep(25)}


def _least(*limits: Limit, aim: Objective | None = None) -> Design:
    return optimise(PROGRAMME, minimise=aim or Parked(), limits=limits)


@pytest.mark.parametrize("name", CAN_NEVER_BE)
@pytest.mark.parametrize("rich", [False, True])
def test_what_no_money_reconciles_is_named_and_explained(name: str, rich: bool) -> None:
    limits, words = CAN_NEVER_BE[name]
    with pytest.raises(DesignInfeasibleError, match=words) as caught:
        _least(*limits, *([Budget(1e9)] if rich else []))
    assert caught.value.least_budget_gbp == np.inf
    assert set(caught.value.binding_limits) == {str(limit) for limit in limits}
    for k in range(len(limits)):  # none of them is to spare
        _least(*(limit for at, limit in enumerate(limits) if at != k))


@pytest.mark.parametrize(
    "names",
    [(name,) for name in NEEDS_MONEY]
    + list(itertools.combinations(NEEDS_MONEY, 2))
    + list(itertools.product(NEEDS_MONEY, ALWAYS)),
    ids="+".join,
)
def test_the_budget_that_the_message_asks_for_would_do_and_less_would_not(names: tuple[str, ...]) -> None:
    limits = [(NEEDS_MONEY | ALWAYS)[name] for name in names]
    with pytest.raises(DesignInfeasibleError) as caught:
        _least(Budget(33_100), *limits)
    found = re.search(r"budget of at least £([\d,]+)", str(caught.value))
    assert found is not None, str(caught.value)
    asked = float(found[1].replace(",", ""))
    assert f"Budget(£{33_100:,})" in caught.value.binding_limits
    assert f"£{33_100:,}" in str(caught.value)
    assert caught.value.least_budget_gbp * (1 - 1e-9) <= asked < caught.value.least_budget_gbp + 1
    assert _least(Budget(asked), *limits).evaluation.spend_gbp <= asked * (1 + 1e-9)
    with pytest.raises(DesignInfeasibleError):
        _least(Budget(math.floor(caught.value.least_budget_gbp * (1 - 1e-6)) - 1), *limits)


def test_worst_served_tells_the_same() -> None:
    messages = []
    for aim in (Parked(), WorstServed()):
        with pytest.raises(DesignInfeasibleError) as caught:
            _least(Budget(33_100), MaxParkedShare(0.3), aim=aim)
        messages.append(str(caught.value))
    assert messages[0] == messages[1]
