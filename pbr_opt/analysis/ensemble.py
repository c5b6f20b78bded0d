"""The worlds that were kept: what they are, what they say, and the form in which others take them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import ArrayLike

from pbr_opt.analysis.nations import Nations
from pbr_opt.analysis.world_inputs import WorldInputs
from pbr_opt.analysis.world_programme import world_programme
from pbr_opt.market.facts import Fact
from pbr_opt.market.programme import Programme
from pbr_opt.quantities import FloatArray, Inspection, IntArray, frozen

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Ensemble", "effective_sample_size", "weighted_quantile"]

QUANTILES: Final = (0.1, 0.5, 0.9)
"""What analysts ask for: P10, P50, P90."""


def weighted_quantile(values: FloatArray, weights: FloatArray, quantile: ArrayLike) -> FloatArray:
    """Return quantiles of weighted values: the smallest value with at least that share of the weight at or below it.

    >>> weighted_quantile(np.array([3.0, 1.0, 2.0]), np.array([1.0, 1.0, 2.0]), [0.5, 0.9]).tolist()
    [2.0, 3.0]
    """
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order])
    wanted = np.asarray(quantile, dtype=np.float64) * reached[-1]
    slack = reached[-1] * 1e-12  # a sum of equal weights reaches a half up to rounding
    return np.asarray(values[order][np.minimum(np.searchsorted(reached, wanted - slack), values.size - 1)])


def effective_sample_size(weights: FloatArray) -> float:
    """Return Kish's ``(sum w)**2 / sum w**2``: how many equal worlds would say as much.

    >>> effective_sample_size(np.array([1.0, 1.0, 0.0]))
    2.0
    """
    return float(weights.sum() ** 2 / (weights @ weights))


@dataclass(frozen=True, eq=False)
class Ensemble:
    """Plausible worlds.

    Attributes
    ----------
    inputs : WorldInputs
        What they were drawn from.
    facts : tuple of Fact
        What they were held against, and what else they predict.
    draws, seed : int
        How many were drawn, and from which seed.
    number : array (worlds,)
        Numbers of the draws that were kept.
    points : array (worlds, inputs)
        Where they lie in the unit cube of the priors.
    predicted : array (worlds, facts)
        What they say of each fact.
    measures : mapping of str to array (worlds,)
        Headline measures under the world's own tariff.
    excluded, excluded_alone : array (facts,)
        Draws that each fact excludes (or would); draws that no other fact excludes.
    weights : array (worlds,), optional
        Equal if not given.
    """

    inputs: WorldInputs
    facts: tuple[Fact, ...]
    draws: int
    seed: int
    number: FloatArray
    points: FloatArray
    predicted: FloatArray
    measures: Mapping[str, FloatArray]
    excluded: FloatArray
    excluded_alone: FloatArray
    weights: FloatArray | None = None

    def __post_init__(self) -> None:
        """Freeze everything, and give every world its weight."""
        for name in ("number", "points", "predicted", "excluded", "excluded_alone"):
            object.__setattr__(self, name, frozen(getattr(self, name)))
        frozen_measures = {name: frozen(column) for name, column in self.measures.items()}
        object.__setattr__(self, "measures", MappingProxyType(frozen_measures))
        weights = np.ones(self.number.size) if self.weights is None else self.weights
        object.__setattr__(self, "weights", frozen(weights / weights.sum()))

    def __reduce__(self) -> tuple[type[Ensemble], tuple[object, ...]]:
        """Cross a process as what it was made of."""
        made = {item.name: getattr(self, item.name) for item in fields(self)}
        return type(self), tuple((made | {"measures": dict(self.measures)}).values())

    def __len__(self) -> int:
        """Return the number of worlds."""
        return int(self.number.size)

    @property
    def weight(self) -> FloatArray:
        """Return the weight of each world; they add up to 1."""
        assert self.weights is not None  # given by __post_init__
        return self.weights

    @property
    def effective_size(self) -> float:
        """Return how many equally weighted worlds would say as much."""
        return effective_sample_size(self.weight)

    @property
    def implausibility(self) -> FloatArray:
        """Return how far each world is from the fact it fits worst, in standard deviations, shape (worlds,)."""
        return np.asarray(self._distances.max(axis=1, initial=0.0))

    @cached_property
    def _distances(self) -> FloatArray:
        """Return the distance from each fact that excludes."""
        columns = [f.implausibility(self.predicted[:, k]) for k, f in enumerate(self.facts) if f.excludes]
        return frozen(np.stack(columns, axis=1) if columns else np.zeros((len(self), 0)))

    @cached_property
    def values(self) -> Mapping[str, FloatArray]:
        """Return the inputs of the worlds by id."""
        return MappingProxyType({name: frozen(column) for name, column in self.inputs.values(self.points).items()})

    @cached_property
    def nations(self) -> Nations:
        """Return the worlds in the form in which equilibria are computed."""
        return self.inputs.nations(self.values)

    @property
    def most_plausible(self) -> int:
        """Return the position of the world that is nearest to the facts, by the sum of squared distances."""
        return int(np.argmin((self._distances**2).sum(axis=1)))

    def by_likelihood(self) -> Ensemble:
        """Return the same worlds weighted by ``exp(-sum of squared distances / 2)``.

        A posterior if every tolerance were a normal standard deviation and all were independent. They are not, and a
        few worlds get most of the weight: look at :attr:`effective_size`.
        """
        squared = (self._distances**2).sum(axis=1)
        return replace(self, weights=np.exp(-0.5 * (squared - squared.min())))

    def take(self, rows: FloatArray | IntArray) -> Ensemble:
        """Return some of the worlds, by position, with their weights in proportion."""
        at = np.asarray(rows, dtype=np.int64)
        return replace(
            self,
            number=self.number[at],
            points=self.points[at],
            predicted=self.predicted[at],
            measures={name: column[at] for name, column in self.measures.items()},
            weights=self.weight[at],
        )

    def thinned(self, worlds: int) -> Ensemble:
        """Return at most so many worlds, evenly spread over the order of their draws."""
        check = Inspection("thinned")
        check.whole("worlds", worlds, lowest=1)
        check.finish()
        if worlds >= len(self):
            return self
        return self.take(np.floor((np.arange(worlds) + 0.5) * len(self) / worlds))

    def programmes(self) -> tuple[Programme, ...]:
        """Return every world as a programme: with :attr:`weight`, what robust design takes."""
        return tuple(world_programme(self.inputs, self.nations, k) for k in range(len(self)))

    def quantiles(self, measure: str) -> FloatArray:
        """Return P10, P50 and P90 of a headline measure under the worlds' own tariff."""
        check = Inspection("Ensemble")
        check.known([measure], tuple(self.measures), "a headline measure")
        check.finish()
        return weighted_quantile(self.measures[measure], self.weight, QUANTILES)

    def exclusions(self) -> pd.DataFrame:
        """Return what excluded worlds: a row a fact, those that excluded most first."""
        import pandas as pd  # slow to import: only when a table is asked for

        table = pd.DataFrame(
            {
                "fact": [fact.id for fact in self.facts],
                "excludes": [fact.excludes for fact in self.facts],
                "excluded_share": self.excluded / self.draws,
                "excluded_by_it_alone": self.excluded_alone.astype(np.int64),
            }
        )
        return table.sort_values("excluded_share", ascending=False, kind="stable", ignore_index=True)

    def to_frame(self) -> pd.DataFrame:
        """Return the worlds as a table: draw, weight, implausibility, inputs and measures."""
        import pandas as pd  # slow to import: only when a table is asked for

        head = {"draw": self.number.astype(np.int64), "weight": self.weight, "implausibility": self.implausibility}
        return pd.DataFrame(head | dict(self.values) | dict(self.measures))
