"""Published facts that a world can be held against, and priors: what may be true before anybody looks at them.

A figure is a number that the model uses. A fact is a number or a direction that the model must give back; a prior is
the range of something that nothing published fixes. Both carry where they come from, as figures do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from pbr_opt.market.evidence import STATUSES
from pbr_opt.quantities import FloatArray, Inspection, nearest

__all__ = ["FACT_KINDS", "PRIOR_SHAPES", "Fact", "Prior"]

FACT_KINDS: Final = ("equal", "at_least", "at_most")
"""How a prediction is held against a fact: it should be near, or not below, or not above."""

PRIOR_SHAPES: Final = ("uniform", "log", "whole", "keeps_maximum")
"""Even over the range; even over its logarithm; whole numbers, each as likely; and, for a sustainment fee, whatever
keeps the group's most money for sustainment (fee times number) as it is."""


@dataclass(frozen=True, slots=True)
class Fact:
    """Something published that the model can speak to.

    Parameters
    ----------
    id : str
        What is measured (see :mod:`pbr_opt.analysis.predictions`) and where: ``outcome_rate/6``.
    value : float
        What was published.
    tolerance : float
        One standard deviation of what the source and the model may be off together, in the fact's unit; above 0.
    kind : str, optional
        One of ``FACT_KINDS``.
    unit, status, source, note : str, optional
        As of a figure; the tolerance is always ours.
    excludes : bool, optional
        Whether a world that is far from it is called implausible; if not, it is on the scoreboard alone.
    in_sample : bool, optional
        Whether the model, or the range of a prior, was made from it: agreement then proves little.

    Raises
    ------
    InvalidInputError
        With every fault at once.

    Examples
    --------
    >>> fact = Fact("outcome_rate/6", 0.151, 0.01, source="LW_DEC2017")
    >>> fact.implausibility(np.array([0.151, 0.171])).round(9).tolist()
    [0.0, 2.0]
    >>> Fact("spend_gbp", 2.2e9, 1e8, "at_least").implausibility(np.array([2.0e9, 3e9])).round(9).tolist()
    [2.0, 0.0]
    """

    id: str
    value: float
    tolerance: float
    kind: str = "equal"
    unit: str = ""
    status: str = "confirmed"
    source: str = ""
    note: str = ""
    excludes: bool = True
    in_sample: bool = False

    def __post_init__(self) -> None:
        """Check kind, status and tolerance."""
        check = Inspection(f"Fact '{self.id}'")
        check.number("value", self.value, lowest=-1e15)
        if not check.number("tolerance", self.tolerance) > 0.0:
            check.fault("tolerance", self.tolerance, "a standard deviation above 0", "how far off may the model be?")
        if self.kind not in FACT_KINDS:
            check.fault("kind", self.kind, "a kind of fact", nearest(self.kind, FACT_KINDS))
        if self.status not in STATUSES:
            check.fault("status", self.status, "a status", nearest(self.status, STATUSES))
        check.finish()

    def implausibility(self, predicted: FloatArray) -> FloatArray:
        """Return how many standard deviations a prediction is on the wrong side of the fact, at least 0.

        ``|predicted - value| / tolerance``, or one side of it.
        """
        distance = (np.asarray(predicted) - self.value) / self.tolerance
        if self.kind == "at_least":
            distance = np.minimum(distance, 0.0)
        elif self.kind == "at_most":
            distance = np.maximum(distance, 0.0)
        return np.asarray(np.abs(distance))


@dataclass(frozen=True, slots=True)
class Prior:
    """What one input of a world may be before facts are looked at.

    Parameters
    ----------
    id : str
        A figure's id, or an input of worlds alone: ``uplift``, ``uplift_factor/6``, ``pass_through``.
    low, high : float
        The range.
    shape : str, optional
        One of ``PRIOR_SHAPES``.
    unit, status, source, note : str, optional
        As of a figure.

    Raises
    ------
    InvalidInputError
        With every fault at once.

    Examples
    --------
    >>> Prior("response_scale_gbp", 100.0, 400.0, "log").at(np.array([0.0, 0.5, 1.0])).round(9).tolist()
    [100.0, 200.0, 400.0]
    >>> Prior("tariff/6/sustainment_max", 13, 26, "whole").at(np.array([0.0, 0.999])).tolist()
    [13.0, 26.0]
    """

    id: str
    low: float
    high: float
    shape: str = "uniform"
    unit: str = ""
    status: str = "assumed"
    source: str = ""
    note: str = ""

    def __post_init__(self) -> None:
        """Check range, shape and status."""
        check = Inspection(f"Prior '{self.id}'")
        low = check.number("low", self.low, lowest=-1e15)
        high = check.number("high", self.high, lowest=-1e15)
        if low > high:
            check.fault("low, high", f"{low:g} to {high:g}", "the lower end first")
        if self.shape not in PRIOR_SHAPES:
            check.fault("shape", self.shape, "a shape", nearest(self.shape, PRIOR_SHAPES))
        if self.shape == "log" and low <= 0.0:
            check.fault("low", low, "a lower end above 0 for an even logarithm", "shape 'uniform'")
        if self.status not in STATUSES:
            check.fault("status", self.status, "a status", nearest(self.status, STATUSES))
        check.finish()

    def at(self, quantile: FloatArray) -> FloatArray:
        """Return the values at quantiles in 0..1 (at 1: the upper end)."""
        if self.shape == "log":
            return np.asarray(self.low * (self.high / self.low) ** quantile)
        if self.shape == "whole":
            return np.minimum(np.floor(self.low + quantile * (self.high - self.low + 1.0)), self.high)
        return np.asarray(self.low + quantile * (self.high - self.low))

    def quantile(self, value: float) -> float:
        """Return where in the range a value lies, 0..1: the inverse of :meth:`at`; one half where there is no range."""
        if self.low == self.high:
            return 0.5
        if self.shape == "log":
            return float(np.log(value / self.low) / np.log(self.high / self.low))
        if self.shape == "whole":
            return (value - self.low + 0.5) / (self.high - self.low + 1.0)
        return (value - self.low) / (self.high - self.low)
