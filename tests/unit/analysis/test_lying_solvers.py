"""HiGHS behind robust designs and payment groups says 'optimal' with a wrong answer: refused, or no harm done.

Whatever it says, a design is either refused or evaluated by the exact equilibrium, with a bound that the true best, by
enumeration, does not surpass; it is called optimal only where it is.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any, Final

import numpy as np
import pytest
import scipy.optimize
from numpy.typing import NDArray

from pbr_opt.analysis.regrouping import regroup
from pbr_opt.analysis.robustness import RobustSettings, outlook, robust, robust_first_pound
from pbr_opt.design.objectives import AdditionalOutcomes, FirstPoundLoss, Objective, Parked
from pbr_opt.errors import SolverError
from pbr_opt.evaluation import evaluate
from pbr_opt.market.caseload import Caseload
from pbr_opt.market.programme import Programme
from pbr_opt.market.tariffs import Tariff

Floats = NDArray[np.float64]
Answer = Any
SAME: Final = 1e-9
"""Relative: the same sums in another order."""

TRUE: Final = {name: getattr(scipy.optimize, name) for name in ("milp", "linprog")}
PRICES: Final = np.arange(0.0, 8_001.0, 500.0)
BUDGET_GBP: Final = 90_000.0
ASKED: Final = RobustSettings(spend_tail=0.5, loss_tail=0.5)


def _world(seed: int) -> Programme:
    rng = np.random.default_rng(seed)
    low = rng.uniform(0.02, 0.3, 4)
    people = Caseload(["a", "a", "b", "b"], [120, 80, 60, 90], low, low + rng.uniform(0.1, 0.3, 4), 300.0)
    return Programme("p", people, Tariff(["a", "b"], 0, 2_000))


WORLDS: Final = [_world(seed) for seed in range(4)]
CELLS: Final = Programme(
    "p", WORLDS[0].caseload.replace(group=["a", "b", "c", "d"]), Tariff(["a", "b", "c", "d"], 0, 2_000)
)


def _says(answer: Answer, x: Floats | None = None, duals: float | None = None) -> Answer:
    """Return an answer that calls itself optimal, with other values or with duals drawn at some scale."""
    told = {name: getattr(answer, name, None) for name in ("fun", "mip_dual_bound", "message")} | {"status": 0}
    told["x"] = answer.x if x is None else x
    for name in ("ineqlin", "eqlin"):
        if hasattr(answer, name):
            true = np.asarray(getattr(answer, name).marginals)
            drawn = true if duals is None else duals * np.random.default_rng(1).standard_normal(true.size)
            told[name] = SimpleNamespace(marginals=drawn)
    return SimpleNamespace(**told)


LIES: Final[dict[str, Callable[[Answer], Answer]]] = {
    "nought": lambda answer: _says(answer, np.zeros_like(answer.x)),
    "ones": lambda answer: _says(answer, np.ones_like(answer.x)),
    "backwards": lambda answer: _says(answer, answer.x[::-1]),
    "not numbers": lambda answer: _says(answer, np.full_like(answer.x, np.nan)),
    "drawn duals": lambda answer: _says(answer, duals=1.0),
    "huge duals": lambda answer: _says(answer, duals=1e12),
    "duals that are no numbers": lambda answer: _says(answer, duals=np.nan),
    "duals without end": lambda answer: _says(answer, duals=np.inf),
}
each_lie = pytest.mark.parametrize("lie", LIES.values(), ids=LIES)


def _lie(monkeypatch: pytest.MonkeyPatch, lie: Callable[[Answer], Answer]) -> list[str]:
    """Let both solvers lie; return who was asked."""
    asked: list[str] = []

    def told(name: str) -> Callable[..., Answer]:
        def call(*given: object, **more: object) -> Answer:
            asked.append(name)
            truth = TRUE[name](*given, **more)
            return truth if truth.x is None else lie(truth)

        return call

    for name in TRUE:
        monkeypatch.setattr(scipy.optimize, name, told(name))
    return asked


def _honest(aim: Objective, reached: float, bound: float, status: str, best: float) -> None:
    better = aim.better
    assert np.isfinite([reached, bound]).all()
    assert better * reached <= better * best + SAME * abs(best)
    assert better * bound >= better * best - SAME * abs(best)
    assert status == "gap" or reached == pytest.approx(best, rel=SAME)


def _tariffs(groups: Sequence[str], most: int) -> list[Tariff]:
    cards = [card for card in itertools.product(PRICES, repeat=len(groups)) if len(set(card)) <= most]
    return [Tariff(groups, 0, card) for card in cards]


@each_lie
@pytest.mark.parametrize("aim", [Parked(), AdditionalOutcomes()], ids=str)
def test_robust_designs(monkeypatch: pytest.MonkeyPatch, lie: Callable[[Answer], Answer], aim: Objective) -> None:
    there = [outlook(WORLDS, aim, tariff) for tariff in _tariffs(("a", "b"), 2)]
    kept = [each.objective_tail(ASKED.loss_tail) for each in there if each.spend_tail_gbp(0.5) <= BUDGET_GBP]
    asked = _lie(monkeypatch, lie)
    try:
        design = robust(WORLDS, aim, prices_gbp=PRICES, budget_gbp=BUDGET_GBP, settings=ASKED)
    except SolverError:
        return
    finally:
        assert "linprog" in asked
    assert design.outlook.spend_tail_gbp(0.5) <= BUDGET_GBP * (1 + SAME)
    _honest(aim, design.objective, design.bound, design.status, max(kept) if aim.better > 0 else min(kept))


@each_lie
def test_robust_first_pound(monkeypatch: pytest.MonkeyPatch, lie: Callable[[Answer], Answer]) -> None:
    truth = robust_first_pound(WORLDS, budget_gbp=BUDGET_GBP, settings=ASKED)
    asked = _lie(monkeypatch, lie)
    try:
        design = robust_first_pound(WORLDS, budget_gbp=BUDGET_GBP, settings=ASKED)
    except SolverError:
        return
    finally:
        assert asked == ["linprog"]
    assert design.outlook.spend_tail_gbp(0.5) <= BUDGET_GBP * (1 + SAME)
    _honest(FirstPoundLoss(), design.objective, design.bound, design.status, truth.objective)


@each_lie
@pytest.mark.parametrize("aim", [Parked(), AdditionalOutcomes()], ids=str)
def test_payment_groups(monkeypatch: pytest.MonkeyPatch, lie: Callable[[Answer], Answer], aim: Objective) -> None:
    budget = 0.5 * BUDGET_GBP
    there = [evaluate(CELLS, tariff) for tariff in _tariffs(("a", "b", "c", "d"), 2) if tariff.price_gbp.max() <= 4_000]
    kept = [aim.total(each) for each in there if each.spend_gbp <= budget]
    asked = _lie(monkeypatch, lie)
    try:
        found = regroup(CELLS, aim, most_groups=2, budget_gbp=budget, prices_gbp=PRICES[PRICES <= 4_000])
    except SolverError:
        return
    finally:
        assert "linprog" in asked
    assert found.evaluation.spend_gbp <= budget * (1 + SAME)
    _honest(aim, found.objective, found.bound, found.status, max(kept) if aim.better > 0 else min(kept))
