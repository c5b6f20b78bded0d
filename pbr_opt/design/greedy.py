"""Least first-pound loss within one budget, exactly, by buying the best exchange rates first.

Per group the loss is a convex and the cost a convex piecewise linear function of the price, so loss saved per pound
falls as the price climbs. Buying steps of all groups in order of that rate until the budget is spent is optimal
(the fractional knapsack argument); the last rate bought is the shadow price of the budget.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pbr_opt.design.ladder import Ladder
from pbr_opt.quantities import FloatArray

__all__ = ["GreedyAnswer", "solve_greedy"]

_HALVINGS = 64
"""Halvings of the bracket on the rate; what is then left in it is sorted out exactly."""


@dataclass(frozen=True, slots=True, eq=False)
class GreedyAnswer:
    """Prices of least loss, and the shadow price that proves it.

    Attributes
    ----------
    price_gbp : array (groups,)
        List prices; at most one lies off its group's thresholds.
    multiplier : float
        Loss saved by one more pound of budget.
    """

    price_gbp: FloatArray
    multiplier: float


def solve_greedy(rungs: Sequence[Ladder], budget_gbp: float) -> GreedyAnswer:
    """Return the prices of least first-pound loss within a budget that the lowest prices do not exceed.

    Examples
    --------
    >>> one = [np.array([number]) for number in (2000.0, 100.0, 12.0, 42.0, 60_000.0)]
    >>> solve_greedy([Ladder(0.0, 90_000.0, 0.0, *one)], 12_000.0).price_gbp.tolist()
    [1000.0]
    """
    free = np.array([_steps_bought(ladder, np.inf) for ladder in rungs])
    everything = np.array([_steps_bought(ladder, 0.0) for ladder in rungs])
    if _spend(rungs, everything) <= budget_gbp:
        return GreedyAnswer(_prices(rungs, everything), 0.0)
    if _spend(rungs, free) >= budget_gbp:
        dearest = [rungs[g].exchange_rate[k] for g, k in enumerate(free) if k < rungs[g].steps.size]
        return GreedyAnswer(_prices(rungs, free), float(max(dearest)))
    low, high = _bracket(rungs, budget_gbp)
    bought = np.array([_steps_bought(ladder, high) for ladder in rungs])
    spare = budget_gbp - _spend(rungs, bought)
    waiting = sorted(
        (-ladder.exchange_rate[k], g, k)
        for g, ladder in enumerate(rungs)
        for k in range(bought[g], _steps_bought(ladder, low))
    )
    price = _prices(rungs, bought)
    for rate, g, k in waiting:
        ends = _ends(rungs[g])[[k, k + 1]]
        start, stop = rungs[g].cost(ends)
        if stop - start > spare:
            price[g] = ends[0] + (ends[1] - ends[0]) * (spare / (stop - start))
            return GreedyAnswer(price, -float(rate))
        spare -= stop - start
        price[g] = ends[1]
    return GreedyAnswer(price, low)


def _bracket(rungs: Sequence[Ladder], budget: float) -> tuple[float, float]:
    """Return rates between which the last step bought lies: affordable at the higher, not at the lower."""
    ends = [_steps_bought(ladder, np.inf) for ladder in rungs], [_steps_bought(ladder, 0.0) for ladder in rungs]
    useful = [ladder.exchange_rate[a:b] for ladder, a, b in zip(rungs, *ends, strict=True) if b > a]
    low, high = 0.0, 2.0 * max(float(rates[0]) for rates in useful)
    floor = min(float(rates[-1]) for rates in useful)
    for _ in range(_HALVINGS):
        middle = np.sqrt(max(low, floor / 2.0) * high)
        if middle in (low, high):
            break
        bought = np.array([_steps_bought(ladder, middle) for ladder in rungs])
        if _spend(rungs, bought) <= budget:
            high = float(middle)
        else:
            low = float(middle)
    return low, high


def _steps_bought(ladder: Ladder, rate: float) -> int:
    """Return how many steps have an exchange rate above ``rate`` (at infinity: those that cost nothing)."""
    rates = ladder.exchange_rate
    if np.isinf(rate):
        return int(np.searchsorted(-rates, -rate, side="right"))
    return int(np.searchsorted(-rates, -rate, side="left"))


def _ends(ladder: Ladder) -> FloatArray:
    return np.append(ladder.steps, ladder.upper)


def _prices(rungs: Sequence[Ladder], bought: Sequence[int] | FloatArray) -> FloatArray:
    return np.array([_ends(ladder)[int(k)] for ladder, k in zip(rungs, bought, strict=True)])


def _spend(rungs: Sequence[Ladder], bought: Sequence[int] | FloatArray) -> float:
    prices = _prices(rungs, bought)
    return float(sum(ladder.cost(price) for ladder, price in zip(rungs, prices, strict=True)))
