"""Synthetic worlds of which everything is known, and what somebody would have published of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pbr_opt.analysis.estimation import Estimate, EstimateSettings, estimate
from pbr_opt.analysis.estimation_inputs import Cell, Measurement, Unknown
from pbr_opt.analysis.estimation_predictor import Predictor

Floats = NDArray[np.float64]

SEGMENTS: Final = 200
"""Many, so that kinks are small and two starts find the best fit."""
RANGES: Final = {"deadweight_rate": (0.02, 0.6), "uplift": (0.0, 5.0), "response_scale_gbp": (50.0, 2000.0),
                 "spread": (0.0, 3.0)}  # fmt: skip
TRUTH: Final = {"deadweight_rate": 0.2, "uplift": 1.5, "response_scale_gbp": 300.0, "spread": 1.0}
Seen = tuple[str, float, float]
RICH: Final[tuple[Seen, ...]] = (
    ("deadweight_rate", 0.0, 0.004),
    ("outcome_rate", 2500.0, 0.003),
    ("outcome_rate", 4000.0, 0.003),
    ("outcome_rate", 8000.0, 0.003),
    ("support_gbp", 4000.0, 4.0),
)
"""Measure, price, standard error: an experiment with three prices, a control group and the provider's books."""
POOR: Final[tuple[Seen, ...]] = (("outcome_rate", 4000.0, 0.003), ("deadweight_rate", 4000.0, 0.01))
"""What is published: one price, and what would have been without."""


@dataclass(frozen=True)
class Experiment:
    """A world, and what is measured of it.

    Attributes
    ----------
    truth : dict
        Of one group.
    measured : sequence of Seen
        What is seen.
    """

    truth: dict[str, float]
    measured: Sequence[Seen]

    @property
    def unknowns(self) -> list[Unknown]:
        """Return the unknowns, with wide ranges."""
        return [Unknown(name, name, ["a"], *ends) for name, ends in RANGES.items()]

    def facts(self, values: Sequence[float]) -> list[Measurement]:
        """Return facts of these values."""
        return [
            Measurement(f"{name} at {price:g}", name, (Cell("a", 1e4, price),), float(value), error)
            for (name, price, error), value in zip(self.measured, values, strict=True)
        ]

    @property
    def exact(self) -> Floats:
        """Return what would be seen without chance."""
        facts = self.facts([0.1] * len(self.measured))
        predictor = Predictor(facts, self.unknowns, SEGMENTS)
        return predictor.predicted(np.array([predictor.position(n, self.truth[n]) for n in RANGES]))

    def estimated(self, values: Sequence[float] | None = None, level: float = 0.9, starts: int = 2) -> Estimate:
        """Return the estimate from facts of these values, of the true ones where there are none."""
        facts = self.facts(self.exact.tolist() if values is None else values)
        how = EstimateSettings(level=level, starts=starts, starts_held=0, segments=SEGMENTS)
        return estimate(facts, self.unknowns, how)

    def sampled(self, seed: int, level: float = 0.9) -> Estimate:
        """Return the estimate from facts that chance has moved."""
        errors = np.array([error for _, _, error in self.measured])
        noise = np.random.default_rng(seed).normal(size=errors.size) * errors
        return self.estimated(np.maximum(self.exact + noise, 0.0).tolist(), level)


def random_truth(seed: int) -> dict[str, float]:
    """Return a world in which support does something."""
    draw = np.random.default_rng(seed)
    return {
        "deadweight_rate": float(draw.uniform(0.1, 0.35)),
        "uplift": float(draw.uniform(0.8, 2.0)),
        "response_scale_gbp": float(draw.uniform(150.0, 400.0)),
        "spread": float(draw.uniform(0.5, 1.5)),
    }
