"""HiGHS behind limits that tie groups together: lies and failures are caught, and never shown."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, Final

import numpy as np
import pytest
import scipy.optimize

from pbr_opt.design.joint_limits import MaxDistinctPrices, Participation
from pbr_opt.design.limits import Budget, Limit, PriceRange, PriceStep
from pbr_opt.design.objectives import AdditionalOutcomes
from pbr_opt.design.optimise import optimise
from pbr_opt.errors import SolverError
from pbr_opt.market.caseload import Caseload
from pbr_opt.market.programme import Programme
from pbr_opt.market.tariffs import Tariff

PROGRAMME: Final = Programme(
    "p",
    Caseload(["a", "a", "b", "b"], [100, 80, 60, 90], [0.2, 0.1, 0.1, 0.02], [0.5, 0.3, 0.3, 0.2], 300.0),
    Tariff(["a", "b"], 100, [1200, 2000]),
    base_service_gbp=120.0,
)
LIMITS: Final[list[Limit]] = [
    Budget(120_000), PriceRange(0, 4_000), PriceStep(100), MaxDistinctPrices(1), Participation()
]  # fmt: skip
Answer = Any
TRUE: Final = scipy.optimize.milp


def _solve(monkeypatch: pytest.MonkeyPatch, change: Callable[[Answer], Answer]) -> None:
    monkeypatch.setattr(scipy.optimize, "milp", lambda *given, **more: change(TRUE(*given, **more)))
    optimise(PROGRAMME, maximise=AdditionalOutcomes(), limits=LIMITS)


def _with(answer: Answer, **fields: object) -> Answer:
    kept = {name: getattr(answer, name) for name in ("status", "x", "fun", "mip_dual_bound", "message")}
    return SimpleNamespace(**(kept | fields))


def test_the_truth_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    _solve(monkeypatch, _with)


@pytest.mark.parametrize(
    "change",
    [
        lambda answer: _with(answer, x=None),
        lambda answer: _with(answer, x=np.full_like(answer.x, np.nan)),
        lambda answer: _with(answer, x=np.zeros_like(answer.x)),
        lambda answer: _with(answer, fun=answer.fun - 1_000.0),
        lambda answer: _with(answer, status=2),
        lambda answer: _with(answer, x=np.eye(1, answer.x.size, answer.x.size - 1)[0]),
    ],
    ids=["nothing", "not numbers", "nought", "false account", "calls it infeasible", "no choice"],
)
def test_lies_are_refused(monkeypatch: pytest.MonkeyPatch, change: Callable[[Answer], Answer]) -> None:
    with pytest.raises(SolverError):
        _solve(monkeypatch, change)
