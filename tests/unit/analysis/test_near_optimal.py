"""Simpler tariffs within a stated loss: held against enumeration, and what is refused."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from pbr_opt.analysis.near_optimal import NearOptimal, near_optimal
from pbr_opt.design.objectives import AdditionalOutcomes, Objective, Parked
from pbr_opt.errors import DesignInfeasibleError, InvalidInputError
from pbr_opt.evaluation import Evaluation, evaluate
from pbr_opt.market.caseload import Caseload
from pbr_opt.market.programme import Programme
from pbr_opt.market.tariffs import Tariff

PRICES = [0.0, 1525.0, 2000.0, 3000.0, 4075.0, 7500.0]
BUDGET = 150_000.0


def _programme() -> Programme:
    people = Caseload(["a", "b", "c"], [100, 120, 90], [0.12, 0.05, 0.10], [0.42, 0.20, 0.40], 600)
    return Programme("p", people, Tariff(["a", "b", "c"], 50, [3500, 3500, 2500]))


def _near(aim: Objective, loss: float) -> NearOptimal:
    return near_optimal(_programme(), aim, prices_gbp=PRICES, budget_gbp=BUDGET, loss=loss)


def _every(aim: Objective) -> list[tuple[tuple[float, ...], float]]:
    """Return prices and objective of every tariff on the list within the budget."""
    programme, found = _programme(), []
    for prices in itertools.product(PRICES, repeat=3):
        there: Evaluation = evaluate(programme, programme.tariff.at_price(np.array(prices)))
        if there.spend_gbp <= BUDGET:
            found.append((prices, aim.total(there)))
    return found


@pytest.mark.parametrize("aim", [AdditionalOutcomes(), Parked()])
@pytest.mark.parametrize("loss", [0.0, 0.05, 0.5])
def test_the_fewest_prices_are_the_fewest(aim: Objective, loss: float) -> None:
    there, every = _near(aim, loss), _every(aim)
    best = aim.better * max(aim.better * value for _, value in every)
    assert there.best.objective == pytest.approx(best)
    within = [prices for prices, value in every if aim.better * (best - value) <= loss * abs(best) + 1e-9]
    frame = there.to_frame()
    assert frame["distinct_prices"].iloc[0] == min(len(set(prices)) for prices in within)
    assert (frame["given_up"] <= there.allowed_loss + 1e-9).all()
    assert (frame["spend_gbp"] <= BUDGET * (1 + 1e-9)).all()
    assert frame["distinct_prices"].is_monotonic_increasing
    round_ones = [value for prices, value in every if all(price % 50 == 0 for price in prices)]
    if "multiples of £50" in frame["tariff"].tolist():
        reached = frame.set_index("tariff").loc["multiples of £50", "objective"]
        assert reached == pytest.approx(aim.better * max(aim.better * value for value in round_ones))


def test_with_room_to_lose_prices_come_nearer_to_todays() -> None:
    frame = _near(AdditionalOutcomes(), 0.5).to_frame().set_index("tariff")
    near = frame.loc["near to today's prices"]
    assert near["status"] == "local"
    assert near["distance_gbp"] <= frame["distance_gbp"].min() + 1e-9


def test_nothing_to_lose_leaves_the_best() -> None:
    there = _near(AdditionalOutcomes(), 0.0)
    assert there.allowed_loss == 0.0
    assert there.to_frame()["given_up"].abs().max() <= 1e-9


def test_bad_input_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="loss"):
        _near(Parked(), 1.5)
    with pytest.raises(InvalidInputError, match="a Programme"):
        near_optimal("p", Parked(), prices_gbp=PRICES)  # type: ignore[arg-type]  # that is the point
    with pytest.raises(DesignInfeasibleError, match="the budget is £100"):
        near_optimal(_programme(), Parked(), prices_gbp=PRICES, budget_gbp=100.0)
