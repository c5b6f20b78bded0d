"""Check in a few seconds that an installation computes what it should: closed forms, the baseline, files, records.

Each check compares what the package computes with something that does not come from it: arithmetic on paper
(``docs/reference-cases.md``), a plain search over a grid, published rates, or the same thing read back.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from pbr_opt.design.limits import Budget, PriceStep
from pbr_opt.design.objectives import FirstPoundLoss, Parked
from pbr_opt.design.optimise import optimise
from pbr_opt.design.settings import DesignSettings
from pbr_opt.equilibrium.best_response import best_response
from pbr_opt.equilibrium.pass_through import piece_rate_threshold_gbp
from pbr_opt.errors import PbrError
from pbr_opt.evaluation import evaluate
from pbr_opt.market.caseload import Caseload
from pbr_opt.market.programme import Programme
from pbr_opt.market.sustainment import expected_sustainments
from pbr_opt.market.tariffs import Tariff
from pbr_opt.programmes.content import content_hash
from pbr_opt.programmes.registry import load, open_programme
from pbr_opt.report.comparison import compare
from pbr_opt.report.saving import save_programme
from pbr_opt.report.verification import verify

__all__ = ["Finding", "selftest"]

_EXACT: Final = 1e-9
_SOLVER: Final = 1e-6
"""Convex solvers stop at about 1e-8 of a problem scaled to 1."""
_GRID: Final = 1e-5
"""A grid of a million amounts of support is this fine."""
_BASELINE: Final = "work_programme_2011"
_EXAMPLE: Final = "worked_example"


@dataclass(frozen=True, slots=True)
class Finding:
    """One comparison.

    Attributes
    ----------
    name : str
        What was compared.
    got, wanted, tolerance : float
        Numbers, and how far they may differ, relatively to what is wanted or to 1.
    trouble : str
        What kept the number from being computed; empty when nothing did.
    """

    name: str
    got: float
    wanted: float
    tolerance: float
    trouble: str = ""

    @property
    def passed(self) -> bool:
        """Whether the numbers are as near as they should be."""
        return not self.trouble and abs(self.got - self.wanted) <= self.tolerance * max(1.0, abs(self.wanted))

    def __str__(self) -> str:
        """Return one line."""
        verdict = "ok  " if self.passed else "FAIL"
        return f"{verdict}  {self.name}: {self.trouble or f'{self.got:.10g}, wanted {self.wanted:.10g}'}"


_Checks = Iterator[Finding]


def selftest(progress: Callable[[int, int], None] | None = None) -> tuple[Finding, ...]:
    """Return every finding; an installation is sound when all have passed.

    Parameters
    ----------
    progress : callable, optional
        Called with groups of checks done and in all.
    """
    found: list[Finding] = []
    for done, (name, check) in enumerate(_CHECKS.items(), 1):
        try:
            found += check()
        except (PbrError, ImportError, ArithmeticError, LookupError, ValueError, OSError) as error:
            found.append(Finding(name, math.nan, math.nan, 0.0, f"{type(error).__name__}: {error}"))
        if progress is not None:
            progress(done, len(_CHECKS))
    return tuple(found)


def _closed_forms() -> _Checks:
    """Check the segment of docs/reference-cases.md: p0 = .12, p1 = .42, kappa = 600."""
    one = Caseload(["a"], 100, 0.12, 0.42, 600.0)
    there = best_response(one.response, 4000.0)
    yield Finding("threshold kappa/(p1 - p0) = 600/.30", one.parking_threshold_gbp.item(), 2000.0, _EXACT)
    yield Finding("support 600 ln 2 at £4,000", there.support_gbp.item(), 600.0 * math.log(2.0), _EXACT)
    yield Finding("payment p1 x - kappa at £4,000", there.payment_gbp.item(), 1080.0, _EXACT)
    support = np.linspace(0.0, 2000.0, 1_000_001)
    value = 4000.0 * (0.42 - 0.30 * np.exp(-support / 600.0)) - support
    yield Finding("the same support by search", there.support_gbp.item(), float(support[value.argmax()]), _GRID)
    paid_over = 600.0 / (math.sqrt(0.42) - math.sqrt(0.12)) ** 2
    yield Finding(
        "an intermediary parks everyone below kappa/(sqrt p1 - sqrt p0)^2",
        piece_rate_threshold_gbp(one.response).item(),
        paid_over,
        _EXACT,
    )
    monthly = sum(1.035 ** (-k / 13) for k in range(1, 14))
    yield Finding("13 payments at 3.5 % a year", expected_sustainments(0.0, 13, 0.035).item(), monthly, _EXACT)


def _designs() -> _Checks:
    """Check cases r14 and r15 of docs/reference-cases.md, the second by a solver as well."""
    people = Caseload(["a", "b"], [100, 100], [0.12, 0.02], [0.42, 0.10], 600.0)
    programme = Programme("pen and paper", people, Tariff(["a", "b"], 0, 4000))
    for budget, parked in ((14_999, 200), (15_000, 100), (38_999, 100), (39_000, 0)):
        design = optimise(programme, minimise=Parked(), limits=[Budget(budget)])
        yield Finding(f"least people parked for £{budget:,}", design.objective, parked, _EXACT)
    loss = 100.0 * (1.0 - 5000.0 / 24_000.0)  # b to its threshold for £15,000, the rest on a's £24,000
    for method in ("greedy", "convex"):
        settings = DesignSettings(method=method)
        design = optimise(programme, minimise=FirstPoundLoss(), limits=[Budget(20_000)], settings=settings)
        yield Finding(f"least first-pound loss for £20,000, {method}", design.objective, loss, _SOLVER)


def _baseline() -> _Checks:
    """Check the 2011 programme: published rates, money that adds up, no gain from deviating, a proved design."""
    programme = load(_BASELINE)
    there = evaluate(programme)
    groups = there.to_frame("groups").set_index("group")
    for figure in programme.figures:
        name, _, group = figure.id.partition("/")
        if name == "observed_rate" and figure.status == "confirmed":
            rate = float(groups.outcomes[group] / groups.participants[group])
            yield Finding(f"2011: published outcome rate of group {group}", rate, figure.value, _SOLVER)
    paid = float(there.to_frame("payments").drop(columns="group").to_numpy().sum())
    yield Finding("2011: payments add up to spend", paid, there.spend_gbp, _EXACT)
    yield Finding("2011: largest gain from deviating, GBP", there.certificate.largest_gain_gbp, 0.0, _SOLVER)
    design = optimise(programme, minimise=Parked(), limits=[Budget(there.spend_gbp), PriceStep(5)])
    yield Finding("2011: the optimum meets its bound", design.objective, design.bound, _EXACT)
    parked = there.metrics.parked_share * there.metrics.participants
    yield Finding(
        "2011: people whom the optimum parks in excess of 2011", max(design.objective - parked, 0.0), 0.0, 0.0
    )


def _files() -> _Checks:
    """Check that files keep a programme's hash, that results verify, and that a changed byte is seen."""
    reading = open_programme(_EXAMPLE)
    with tempfile.TemporaryDirectory() as room:
        for name in ("programme.xlsx", "programme"):
            save_programme(reading.programme, Path(room) / name, reading.asked)
            same = content_hash(load(Path(room) / name)) == content_hash(reading.programme)
            yield Finding(f"{'workbook' if '.' in name else 'folder'} and programme have one hash", same, 1.0, 0.0)
        results = Path(room) / "results"
        compare(reading.programme, {"today": reading.programme.tariff}).save(results)
        yield Finding("results verify", verify(results).passed, 1.0, 0.0)
        table = results / "metrics.csv"
        table.write_bytes(table.read_bytes().replace(b"metric", b"metrix", 1))
        yield Finding("results with a changed byte verify", verify(results).passed, 0.0, 0.0)


_CHECKS: Final[Mapping[str, Callable[[], _Checks]]] = {
    "closed forms": _closed_forms,
    "designs": _designs,
    "baseline": _baseline,
    "files and records": _files,
}
