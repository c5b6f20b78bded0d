"""Tariffs judged in every plausible world: P10, P50 and P90 of what they do, how often one is better, and regret.

A rate card is chosen before anybody knows which world is the true one. So each card is fixed, every world plays it, and
the answer is a distribution. The baseline is the tariff of the day as each world has it: some of its cells are not
known either.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import numpy as np

from pbr_opt.analysis.ensemble import QUANTILES, Ensemble, weighted_quantile
from pbr_opt.analysis.nations import National
from pbr_opt.analysis.sweep import SweepSettings, sweep
from pbr_opt.analysis.sweep_store import Columns
from pbr_opt.analysis.world_programme import world_programme
from pbr_opt.analysis.worlds import in_blocks
from pbr_opt.design.limits import Budget, PriceStep
from pbr_opt.design.objectives import AdditionalOutcomes, Objective, Parked
from pbr_opt.design.optimise import optimise
from pbr_opt.design.result import Design
from pbr_opt.errors import UnsupportedModelError
from pbr_opt.evaluation import evaluate
from pbr_opt.market.tariffs import Tariff
from pbr_opt.quantities import BoolArray, FloatArray, Inspection, frozen

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Answers", "HindsightQuestion", "across_worlds", "best_in_hindsight"]

_MORE_IS_BETTER: Final[Mapping[str, bool]] = {
    "parked_share": False,
    "inefficiently_parked_share": False,
    "additional_outcomes": True,
    "outcomes": True,
    "mean_support_gbp": True,
    "spend_gbp": False,
    "windfall_share": False,
}
"""Which way a measure is better; every headline measure has one."""

_SAME: Final = 1e-9
"""Relative difference below which two worlds are called equal: sums of closed forms in another order."""


@dataclass(frozen=True, eq=False)
class Answers:
    """What tariffs do in every world of an ensemble.

    Attributes
    ----------
    ensemble : Ensemble
        The worlds.
    measures : mapping of label to mapping of measure to array (worlds,)
        The first label is the baseline.
    """

    ensemble: Ensemble
    measures: Mapping[str, Mapping[str, FloatArray]]

    def __post_init__(self) -> None:
        """Freeze everything."""
        columns = {
            label: MappingProxyType({name: frozen(column) for name, column in table.items()})
            for label, table in self.measures.items()
        }
        object.__setattr__(self, "measures", MappingProxyType(columns))

    @property
    def labels(self) -> tuple[str, ...]:
        """Return the tariffs by name, the baseline first."""
        return tuple(self.measures)

    def values(self, label: str, measure: str) -> FloatArray:
        """Return a measure of a tariff in every world.

        Raises
        ------
        InvalidInputError
            An unknown label or measure.
        """
        check = Inspection("Answers")
        check.known([label], self.labels, "a tariff that was compared")
        check.known([measure], tuple(_MORE_IS_BETTER), "a headline measure")
        check.finish()
        return self.measures[label][measure]

    def quantiles(self) -> pd.DataFrame:
        """Return P10, P50 and P90 of every measure under every tariff, a row each.

        Differences from the baseline have rows of their own: they are taken world by world, because P50 of a difference
        is not the difference of P50s.
        """
        import pandas as pd  # slow to import: only when a table is asked for

        rows = []
        base = self.labels[0]
        for label in self.labels:
            for measure in _MORE_IS_BETTER:
                own = self.values(label, measure)
                rows.append((label, measure, "level", *self._quantiles(own)))
                if label != base:
                    rows.append((label, measure, "change", *self._quantiles(own - self.values(base, measure))))
        return pd.DataFrame(rows, columns=["tariff", "measure", "of", "p10", "p50", "p90"])

    def _quantiles(self, values: FloatArray) -> FloatArray:
        return weighted_quantile(values, self.ensemble.weight, QUANTILES)

    def probability_better(self, label: str, measure: str = "parked_share", than: str | None = None) -> float:
        """Return the weight of worlds in which a tariff is strictly better than another (the baseline if not named)."""
        own, other = self.values(label, measure), self.values(than or self.labels[0], measure)
        gain = (own - other) if _MORE_IS_BETTER[measure] else (other - own)
        return float(self.ensemble.weight @ (gain > _SAME * np.maximum(np.abs(other), _SAME)))

    def probability(self, holds: Callable[[Mapping[str, Mapping[str, FloatArray]]], BoolArray]) -> float:
        """Return the weight of worlds in which something holds, said as a function of all measures."""
        return float(self.ensemble.weight @ holds(self.measures))

    def regret(self, label: str, measure: str = "parked_share") -> FloatArray:
        """Return, in every world, how much worse a tariff is than the best of those compared; never below 0."""
        stack = np.stack([self.values(name, measure) for name in self.labels])
        if _MORE_IS_BETTER[measure]:
            return np.asarray(stack.max(axis=0) - self.values(label, measure))
        return np.asarray(self.values(label, measure) - stack.min(axis=0))

    def regrets(self, measure: str = "parked_share") -> pd.DataFrame:
        """Return mean, P90 and worst regret of each tariff: a row each."""
        import pandas as pd  # slow to import: only when a table is asked for

        rows = []
        for label in self.labels:
            regret = self.regret(label, measure)
            mean = float(self.ensemble.weight @ regret)
            rows.append((label, mean, float(self._quantiles(regret)[-1]), float(regret.max())))
        return pd.DataFrame(rows, columns=["tariff", "mean_regret", "p90_regret", "worst_regret"])


def across_worlds(
    ensemble: Ensemble, tariffs: Mapping[str, Tariff | Design], baseline: str = "today's tariff"
) -> Answers:
    """Return what tariffs do in every world.

    Parameters
    ----------
    ensemble : Ensemble
        The worlds.
    tariffs : mapping of label to Tariff or Design
        List prices, the same in every world; terms (discount, taper) are the world's.
    baseline : str, optional
        What to call the worlds' own tariff, which comes first.

    Returns
    -------
    Answers

    Raises
    ------
    InvalidInputError
        A label that is the baseline's, or a tariff for other groups.
    UnsupportedModelError
        A tariff with accelerators or sustainment windows.

    Examples
    --------
    >>> from pbr_opt.analysis.world_inputs import WorldInputs
    >>> from pbr_opt.analysis.worlds import plausible_worlds
    >>> from pbr_opt.programmes.facts import load_facts, load_priors
    >>> from pbr_opt.programmes.registry import load
    >>> programme = load("work_programme_2011")
    >>> inputs = WorldInputs(programme, load_priors("work_programme_2011"))
    >>> ensemble = plausible_worlds(inputs, load_facts("work_programme_2011"), draws=4096)
    >>> answers = across_worlds(ensemble, {"half as much": programme.tariff.at_price(0.5 * programme.tariff.price_gbp)})
    >>> answers.probability_better("half as much")
    0.0
    """
    check = Inspection("across_worlds")
    if baseline in tariffs:
        check.fault(baseline, "a tariff of that name", "another name than the baseline's", "baseline='...'")
    for label, given in tariffs.items():
        if not isinstance(given, (Tariff, Design)):
            check.fault(label, given, "a tariff or a design")
    check.finish()
    nations = ensemble.nations
    worlds = {baseline: nations}
    for label, given in tariffs.items():
        tariff = given.tariff if isinstance(given, Design) else given
        worlds[label] = nations.paying(tariff.aligned(ensemble.inputs.groups))

    def read(there: National) -> Columns:
        return there.measures()

    return Answers(ensemble, {label: in_blocks(there, ensemble.inputs, read) for label, there in worlds.items()})


@dataclass(frozen=True, eq=False)
class HindsightQuestion:
    """What the best tariff would do in each world, had one known it: proved optimal or bounded.

    Attributes
    ----------
    ensemble : Ensemble
        The worlds; draw k is the k-th of them.
    objective : str
        ``parked`` or ``additional_outcomes``.
    step_gbp : float
        Of prices; 0 for any price.
    budget_gbp : float, optional
        The same in every world, with fees in the proportion of the programme's own tariff. If not given, each world
        has what its own tariff costs there, and fees in its proportion.
    """

    ensemble: Ensemble
    objective: str = "parked"
    step_gbp: float = 5.0
    budget_gbp: float | None = None

    @property
    def fingerprint(self) -> str:
        """Return a hash of everything that the answer depends on."""
        import hashlib

        inputs = self.ensemble.inputs.fingerprint
        asked = (self.objective, self.step_gbp, self.budget_gbp)
        parts = (inputs, self.ensemble.seed, self.ensemble.number.tolist(), *asked)
        return hashlib.sha256(repr(parts).encode()).hexdigest()

    def run(self, start: int, stop: int) -> Columns:
        """Return headline measures of the best tariff, the gap of its proof, and its list prices by group."""
        rows = [self._best(k) for k in range(start, stop)]
        return {name: np.array([row[name] for row in rows]) for name in rows[0]}

    def _best(self, k: int) -> dict[str, float]:
        programme = world_programme(self.ensemble.inputs, self.ensemble.nations, k)
        budget = self.budget_gbp
        if budget is None:
            budget = evaluate(programme).spend_gbp
        else:
            programme = programme.replace(tariff=self.ensemble.inputs.programme.tariff)
        limits = [Budget(budget), *([PriceStep(self.step_gbp)] if self.step_gbp else [])]
        goal: Objective = Parked() if self.objective == "parked" else AdditionalOutcomes()
        if goal.better < 0:
            best = optimise(programme, minimise=goal, limits=limits)
        else:
            best = optimise(programme, maximise=goal, limits=limits)
        metrics = best.evaluation.metrics
        prices = zip(programme.caseload.groups, best.tariff.aligned(programme.caseload.groups).price_gbp, strict=True)
        return (
            {name: float(getattr(metrics, name)) for name in _MORE_IS_BETTER}
            | {"gap": float(best.gap)}
            | {f"price_gbp/{group}": float(price) for group, price in prices}
        )


def best_in_hindsight(
    ensemble: Ensemble,
    objective: str = "parked",
    settings: SweepSettings | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> pd.DataFrame:
    """Return the best tariff of each world on its own spend: regret against it is regret against knowing the world.

    Parameters
    ----------
    ensemble : Ensemble
        Without a supply chain; about half a second a world, so thin it first.
    objective : str, optional
        ``parked`` or ``additional_outcomes``.
    settings : SweepSettings, optional
        Where and in what pieces; chunks of one world make progress visible.
    progress : callable, optional
        Called with worlds done and worlds in all.

    Returns
    -------
    DataFrame
        A row a world: headline measures, the gap of the proof, list prices by group.

    Raises
    ------
    UnsupportedModelError
        For worlds with a chain, whose designs are searched and not proved.
    """
    check = Inspection("best_in_hindsight")
    check.known([objective], ("parked", "additional_outcomes"), "an objective")
    check.finish()
    if ensemble.inputs.programme.supply_chain is not None:
        raise UnsupportedModelError("Worlds with a supply chain have no proved design; try the programme without one")
    how = settings or SweepSettings(chunk=1)
    return sweep(HindsightQuestion(ensemble, objective), len(ensemble), how, progress).to_frame()
