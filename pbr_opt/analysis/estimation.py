"""Fit what can be fitted, and say what cannot: weighted least squares, profile likelihoods, directions left open.

Facts of which there are fewer than unknowns leave families of worlds. The estimate is then one of them, and its
intervals end where the range that was given ends: that is the finding, and it is called "not identified".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.special import chdtri, ndtri

from pbr_opt.analysis.estimation_inputs import Measurement, Unknown, inspect_estimate
from pbr_opt.analysis.estimation_predictor import Predictor
from pbr_opt.analysis.estimation_search import Fit, best_fit, spread_starts
from pbr_opt.errors import Fault, InvalidInputError, SolverError
from pbr_opt.quantities import FloatArray, Inspection, frozen, nearest

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Estimate", "EstimateSettings", "Interval", "estimate"]

_END: Final = 1e-3
"""Ends of intervals are found to this share of the range."""
_BETTER: Final = 1e-2
"""A profile that fits better than the estimate by this share shows that the estimate was not the best fit."""
_STILL: Final = 1e-2
"""What moves by less than this share of its range along all open directions is settled."""
_PART: Final = 0.2
"""Unknowns with less weight than this in a direction are left out when it is told in words."""


@dataclass(frozen=True, slots=True)
class EstimateSettings:
    """How an estimate is made.

    Parameters
    ----------
    level : float
        Of intervals, above 0 and below 1.
    starts, starts_held : int
        Least squares begins in the middle of all ranges, and at so many further points of a Sobol sequence: for the
        estimate, and where one unknown is held at a value (there it begins at the estimate first).
    segments : int
        Slices that stand for a group. The misfit has a kink where the price meets a slice's parking threshold, and
        few slices mean large kinks, in which a search can be caught.
    seed : int
        Of the sequence.
    """

    level: float = 0.9
    starts: int = 8
    starts_held: int = 2
    segments: int = 50
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the settings."""
        check = Inspection("EstimateSettings")
        if not 0.0 < check.number("level", self.level, highest=1.0) < 1.0:
            check.fault("level", self.level, "a level above 0 and below 1", "0.9")
        check.whole("starts", self.starts, highest=10_000)
        check.whole("starts_held", self.starts_held, highest=10_000)
        check.whole("segments", self.segments, lowest=1, highest=10_000)
        check.whole("seed", self.seed)
        check.finish()


@dataclass(frozen=True, slots=True)
class Interval:
    """Where an unknown may lie.

    Attributes
    ----------
    name : str
        The unknown.
    low, high : float
        Ends; the end of its range where that is open.
    low_open, high_open : bool
        Whether facts say nothing against the end of the range.
    settled : bool
        Whether facts without error would leave one value: directions that are left open do not move it.
    """

    name: str
    low: float
    high: float
    low_open: bool
    high_open: bool
    settled: bool

    @property
    def verdict(self) -> str:
        """Return ``identified``, ``bounded``, ``bounded above``, ``bounded below`` or ``not identified``."""
        if self.low_open and self.high_open:
            return "not identified"
        if self.low_open:
            return "bounded above"
        if self.high_open:
            return "bounded below"
        return "identified" if self.settled else "bounded"


@dataclass(frozen=True, eq=False)
class Estimate:
    """The best fit, and everything that fits about as well.

    Attributes
    ----------
    facts, unknowns : tuple
        What was given.
    settings : EstimateSettings
        How it was made.
    values : array (unknowns,)
        The best fit; one of many where directions are open.
    predicted : array (facts,)
        What the facts would be in that world.
    misfit : float
        Q, the sum of squared differences in standard errors.
    """

    facts: tuple[Measurement, ...]
    unknowns: tuple[Unknown, ...]
    settings: EstimateSettings
    values: FloatArray
    predicted: FloatArray
    misfit: float
    _predictor: Predictor
    _fit: Fit

    @property
    def free(self) -> tuple[Unknown, ...]:
        """Return the unknowns that were not known beforehand."""
        return tuple(item for item in self.unknowns if not item.known)

    def rise(self, name: str, value: float) -> float:
        """Return by how much the misfit rises when an unknown is held at a value and all others are fitted anew.

        Parameters
        ----------
        name : str
            An unknown that is not known.
        value : float
            In its range.

        Returns
        -------
        float
            At least 0. Where the model holds, below the quantile of chi-squared with one degree of freedom in a share
            ``level`` of all samples if the value is the true one.
        """
        index = self._index(name)
        item = self.unknowns[index]
        if not item.low <= value <= item.high:
            wanted = f"a value from {item.low:g} to {item.high:g}"
            raise InvalidInputError("Estimate.rise", [Fault(name, f"{value:g}", wanted)])
        where = self._predictor.position(name, value)
        return max(0.0, self._profile(index, where, self._fit.position, self.misfit).misfit - self.misfit)

    def covers(self, name: str, value: float) -> bool:
        """Whether a value lies in the interval of an unknown, by the rise of the misfit there."""
        return self.rise(name, value) <= self._quantile

    def interval(self, name: str) -> Interval:
        """Return the profile likelihood interval of an unknown.

        The values about the estimate at which ``rise`` is at most the quantile of chi-squared; ends are found by
        bisection to a thousandth of the range. Should the set have gaps, what lies beyond them is left out.
        """
        index, start = self._index(name), self._fit.position
        low, high = (self._end(index, end) for end in (0.0, 1.0))
        ends = np.array([start, start])
        ends[:, index] = low[0], high[0]
        values = [float(self._predictor.values(position)[index]) for position in ends]
        moved = np.linalg.norm(self._open[:, [item.name for item in self.free].index(name)])
        return Interval(name, values[0], values[1], low[1], high[1], bool(moved < _STILL))

    @cached_property
    def intervals(self) -> tuple[Interval, ...]:
        """Return the intervals of all unknowns that were not known."""
        return tuple(self.interval(item.name) for item in self.free)

    @cached_property
    def pull(self) -> FloatArray:
        """Return by how many standard errors the facts move along each direction through all ranges, largest first.

        The singular values of the residuals' derivatives, one for each free unknown: 0 where facts are fewer.
        """
        found = np.linalg.svd(self._fit.slope, compute_uv=False)
        return frozen(np.concatenate([found, np.zeros(len(self.free) - found.size)]))

    @property
    def resolved(self) -> int:
        """Return how many directions the facts resolve: they move by more than chance does at the level."""
        return int((self.pull > ndtri(0.5 + self.settings.level / 2.0)).sum())

    @property
    def open_directions(self) -> tuple[tuple[str, ...], ...]:
        """Return which unknowns can move together and leave the facts where they are, one entry a direction."""
        names = [item.name for item in self.free]
        return tuple(
            tuple(name for name, weight in zip(names, row, strict=True) if abs(weight) > _PART) for row in self._open
        )

    def to_frame(self, table: str = "unknowns") -> pd.DataFrame:
        """Return a table: ``unknowns`` with estimates, intervals and verdicts, or ``facts`` with predictions."""
        if table not in {"unknowns", "facts"}:
            fault = Fault("table", table, "a table", nearest(table, ("unknowns", "facts")))
            raise InvalidInputError("Estimate.to_frame", [fault])
        import pandas as pd  # slow to import: only when a table is asked for

        if table == "facts":
            rows = [(f.name, f.measure, f.value, f.standard_error, p, f.source)
                    for f, p in zip(self.facts, self.predicted.tolist(), strict=True)]  # fmt: skip
            return pd.DataFrame(rows, columns=["fact", "measure", "observed", "standard_error", "fitted", "source"])
        value = dict(zip((item.name for item in self.unknowns), self.values.tolist(), strict=True))
        told = [
            (i.name, value[i.name], i.low, i.high, i.verdict, item.low, item.high)
            for item, i in zip(self.free, self.intervals, strict=True)
        ]
        names = ["unknown", "estimate", "low", "high", "verdict", "range_low", "range_high"]
        return pd.DataFrame(told, columns=names)

    @cached_property
    def _open(self) -> FloatArray:
        """Return the directions through all ranges that the facts do not resolve, one row a direction."""
        _, _, across = np.linalg.svd(self._fit.slope, full_matrices=True)
        return frozen(across[self.resolved :])

    @property
    def _quantile(self) -> float:
        return float(chdtri(1.0, 1.0 - self.settings.level))

    def _index(self, name: str) -> int:
        names = [item.name for item in self.free]
        if name not in names:
            raise InvalidInputError(
                "Estimate", [Fault("name", name, "an unknown to be estimated", nearest(name, names))]
            )
        return [item.name for item in self.unknowns].index(name)

    def _profile(self, index: int, where: float, near: FloatArray, enough: float) -> Fit:
        """Return the best fit with one unknown held; a fit that is good enough ends the search."""
        free = [k for k, item in enumerate(self.unknowns) if not item.known and k != index]
        spread = spread_starts(len(self.unknowns), self.settings.starts_held, self.settings.seed)
        held = np.array([near, self._fit.position, *spread])
        fixed = [k for k in range(len(self.unknowns)) if k not in free]
        held[:, fixed] = self._fit.position[fixed]
        held[:, index] = where
        there = best_fit(self._predictor, held, free, enough)
        if there.misfit < self.misfit - _BETTER * (1.0 + self.misfit):
            raise SolverError(
                f"With '{self.unknowns[index].name}' held, a better fit was found (misfit {there.misfit:.6g} against "
                f"{self.misfit:.6g}): the estimate is not the best. Try more starts than {self.settings.starts}, or "
                "more segments"
            )
        return there

    def _end(self, index: int, end: float) -> tuple[float, bool]:
        """Return where an interval ends towards one end of the range, and whether it is open there; by bisection."""
        enough = self.misfit + self._quantile
        near = self._fit.position
        if self._profile(index, end, near, enough).misfit <= enough:
            return end, True
        inside, outside = float(near[index]), end
        while abs(outside - inside) > _END:
            middle = 0.5 * (inside + outside)
            there = self._profile(index, middle, near, enough)
            if there.misfit <= enough:
                inside, near = middle, there.position
            else:
                outside = middle
        return inside, False


def estimate(
    facts: Sequence[Measurement], unknowns: Sequence[Unknown], settings: EstimateSettings | None = None
) -> Estimate:
    """Return the unknowns that fit facts best, in squares weighted by their errors.

    ``Q(theta) = sum over facts ((predicted(theta) - observed) / standard_error)^2``, predicted by the exact equilibrium
    of groups whose people differ as in :func:`~pbr_opt.analysis.calibration.derive_caseload`.

    Parameters
    ----------
    facts : sequence of Measurement
        What was observed.
    unknowns : sequence of Unknown
        Deadweight rate, uplift, response scale and spread of every group of the facts, base service where service is
        measured; with a range, which is a point where they are known.
    settings : EstimateSettings, optional
        Level, starts, segments.

    Returns
    -------
    Estimate
        With intervals, verdicts, and the directions that are left open.

    Raises
    ------
    InvalidInputError
        With every fault at once.

    Examples
    --------
    >>> from pbr_opt.analysis.estimation_inputs import Cell
    >>> facts = [Measurement(f"at {x}", "outcome_rate", [Cell("a", 10, x)], p, .002) for x, p in ((0, .12), (4e3, .27))]
    >>> ranges = {"deadweight_rate": (.01, .5), "uplift": (0, 5), "response_scale_gbp": (100, 2000), "spread": (0, 0)}
    >>> there = estimate(facts, [Unknown(name, name, ["a"], *ends) for name, ends in ranges.items()])
    >>> there.misfit < 1e-6, there.resolved, [interval.verdict for interval in there.intervals]
    (True, 2, ['identified', 'bounded', 'not identified'])
    """
    inspect_estimate(facts, unknowns)
    rules = settings or EstimateSettings()
    predictor = Predictor(facts, unknowns, rules.segments)
    free = [k for k, item in enumerate(unknowns) if not item.known]
    best = best_fit(predictor, spread_starts(len(unknowns), rules.starts, rules.seed), free, 0.0)
    values, predicted = frozen(predictor.values(best.position)), frozen(predictor.predicted(best.position))
    return Estimate(tuple(facts), tuple(unknowns), rules, values, predicted, best.misfit, predictor, best)
