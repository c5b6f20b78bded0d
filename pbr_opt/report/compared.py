"""What a report reads of a comparison: the page is written from this, so that a comparison can offer to write it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from pbr_opt.analysis.assumptions import Conclusion
from pbr_opt.design.result import Design
from pbr_opt.evaluation import Evaluation
from pbr_opt.market.programme import Programme

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Compared"]


class Compared(Protocol):
    """Tariffs for one programme, the first of them the baseline."""

    @property
    def programme(self) -> Programme:
        """Return what they are compared on."""

    @property
    def evaluations(self) -> Mapping[str, Evaluation]:
        """Return the equilibrium under each tariff, by label."""

    @property
    def designs(self) -> Mapping[str, Design]:
        """Return the proofs of those that were optimised, by label."""

    @property
    def conclusions(self) -> tuple[Conclusion, ...]:
        """Return how the differences stand up to other assumptions."""

    @property
    def swings(self) -> pd.DataFrame:
        """Return how far each assumption moves the share parked under the last tariff; empty if that was not tried."""
