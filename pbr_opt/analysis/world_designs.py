"""Tariffs designed for plausible worlds: for all of them at once, and for each as if one knew it.

The first are rate cards that somebody could publish: safe on average, in a tail of worlds, or in the worst. The second
say how far the best prices lie apart, and what not knowing the world costs. All have one budget, whatever the world.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import numpy as np

from pbr_opt.analysis.ensemble import QUANTILES, Ensemble, weighted_quantile
from pbr_opt.analysis.robustness import RobustDesign, RobustSettings, robust
from pbr_opt.analysis.sweep import SweepSettings, sweep
from pbr_opt.analysis.world_answers import Answers, HindsightQuestion, across_worlds
from pbr_opt.design.objectives import Parked
from pbr_opt.design.result import Design
from pbr_opt.errors import UnsupportedModelError
from pbr_opt.market.programme import Programme
from pbr_opt.market.tariffs import Tariff
from pbr_opt.quantities import SPEND_RELATIVE, FloatArray, Inspection, frozen

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["AVERAGE", "WorldDesignSettings", "WorldDesigns", "design_for_worlds", "list_prices", "require_designable"]

AVERAGE: Final = "robust: average"
"""Against this design the price of caution is measured."""
_LOWEST_GBP: Final = 500.0
_HIGHEST_GBP: Final = 50_000.0
"""The dearest group of 2011 pays 13,700 at most; designs for single worlds ask up to 42,000 for small groups."""
_ROUND_GBP: Final = 5.0
_PROVED: Final = 1e-9
"""A relative gap of rounding."""


@dataclass(frozen=True)
class WorldDesignSettings:
    """For what to design.

    Parameters
    ----------
    worlds : int
        How many worlds to design for, spread evenly over those that were kept.
    tail : float
        Weight of the worst worlds in which a cautious design keeps the budget.
    budget_gbp : float, optional
        For everything the Department pays; if not given, what the worlds' own tariff costs them on average.
    rise : float
        From a list price of robust designs to the next, relatively.

    Raises
    ------
    InvalidInputError
        Numbers out of range: all at once.

    Examples
    --------
    >>> WorldDesignSettings().worlds
    24
    """

    worlds: int = 24
    tail: float = 0.2
    budget_gbp: float | None = None
    rise: float = 0.05

    def __post_init__(self) -> None:
        """Check every setting."""
        check = Inspection("WorldDesignSettings")
        check.whole("worlds", self.worlds, lowest=1, highest=1000)
        check.number("tail", self.tail, highest=1.0)
        check.number("rise", self.rise, lowest=0.005, highest=10.0)
        if self.budget_gbp is not None:
            check.number("budget_gbp", self.budget_gbp)
        check.finish()

    @property
    def forms(self) -> Mapping[str, RobustSettings]:
        """Return the robust designs by name: what is kept, and what is least, in which worlds."""
        part = f"{100 * self.tail:g} %"
        return {
            AVERAGE: RobustSettings(1.0, 1.0),
            f"robust: dearest {part}": RobustSettings(self.tail, 1.0),
            f"robust: worst {part}": RobustSettings(self.tail, self.tail),
            "robust: worst case": RobustSettings(0.0, 0.0),
        }


@dataclass(frozen=True, eq=False)
class WorldDesigns:
    """Tariffs designed for worlds, and what they do there.

    Attributes
    ----------
    settings : WorldDesignSettings
        How it was asked for.
    budget_gbp : float
        Of every design.
    robust : mapping of label to RobustDesign
        Rate cards for all of the worlds designed for.
    here, everywhere : Answers
        Every tariff in the worlds designed for, and in all that were kept: most of these no design has seen.
    hindsight : mapping of column to array (worlds,)
        For each world designed for, the best that the budget does there: ``parked_share``, ``spend_gbp``, the ``gap``
        of its proof, ``price_gbp/GROUP`` and others.
    """

    settings: WorldDesignSettings
    budget_gbp: float
    robust: Mapping[str, RobustDesign]
    here: Answers
    everywhere: Answers
    hindsight: Mapping[str, FloatArray]

    def __post_init__(self) -> None:
        """Freeze everything."""
        object.__setattr__(self, "robust", MappingProxyType(dict(self.robust)))
        columns = {name: frozen(column) for name, column in self.hindsight.items()}
        object.__setattr__(self, "hindsight", MappingProxyType(columns))

    @property
    def labels(self) -> tuple[str, ...]:
        """Return every tariff by name: the worlds' own, those given, the robust ones."""
        return self.here.labels

    def regret(self, label: str) -> FloatArray:
        """Return how much larger a share is parked than if the world had been known, in each world designed for.

        Below 0 only where the tariff spends more than the budget, which the design that knows the world does not.
        """
        return np.asarray(self.here.values(label, "parked_share") - self.hindsight["parked_share"])

    def overspend_probability(self, label: str, answers: Answers) -> float:
        """Return the weight of worlds in which a tariff costs more than the budget."""
        over = answers.values(label, "spend_gbp") > self.budget_gbp * (1.0 + SPEND_RELATIVE)
        return float(answers.ensemble.weight @ over)

    def to_frame(self) -> pd.DataFrame:
        """Return one row a tariff, and a last one for tariffs that know their world.

        Returns
        -------
        DataFrame
            In the worlds designed for: ``mean_parked_share``, ``worst_parked_share``, ``mean_spend_gbp``,
            ``overspends``, ``mean_regret``, ``worst_regret`` and ``caution`` (mean share parked beyond that of the
            design for the average, which spends as much on average; NaN for tariffs that are not robust); in all kept
            worlds ``overspends_everywhere`` and ``p10``, ``p50``, ``p90`` of the share parked; ``status`` and ``gap``.
        """
        import pandas as pd  # slow to import: only when a table is asked for

        known = self.hindsight["parked_share"]
        last = self._row("knowing the world", known, self.hindsight["spend_gbp"], np.zeros_like(known))
        last |= {"status": "optimal" if (self.hindsight["gap"] <= _PROVED).all() else "gap"}
        last |= {"gap": float(self.hindsight["gap"].max())}
        return pd.DataFrame([*(self._tariff_row(label) for label in self.labels), last])

    def _tariff_row(self, label: str) -> dict[str, object]:
        parked, spend = (self.here.values(label, name) for name in ("parked_share", "spend_gbp"))
        row = self._row(label, parked, spend, self.regret(label))
        weight = self.everywhere.ensemble.weight
        points = weighted_quantile(self.everywhere.values(label, "parked_share"), weight, QUANTILES)
        row |= dict(zip(("p10", "p50", "p90"), points.tolist(), strict=True))
        row["overspends_everywhere"] = self.overspend_probability(label, self.everywhere)
        design = self.robust.get(label)
        if design is not None:
            least = self.here.values(AVERAGE, "parked_share")
            caution = float(self.here.ensemble.weight @ (parked - least))
            row |= {"caution": caution, "status": design.status, "gap": design.gap}
        return row

    def _row(self, label: str, parked: FloatArray, spend: FloatArray, regret: FloatArray) -> dict[str, object]:
        weight = self.here.ensemble.weight
        return {
            "tariff": label,
            "mean_parked_share": float(weight @ parked),
            "worst_parked_share": float(parked.max()),
            "mean_spend_gbp": float(weight @ spend),
            "overspends": float(weight @ (spend > self.budget_gbp * (1.0 + SPEND_RELATIVE))),
            "mean_regret": float(weight @ regret),
            "worst_regret": float(regret.max()),
            "overspends_everywhere": float("nan"),
            **dict.fromkeys(("p10", "p50", "p90", "caution"), float("nan")),
            "status": "",
            "gap": float("nan"),
        }

    def prices(self) -> pd.DataFrame:
        """Return one row a group: list prices as they are, P10, P50 and P90 of those that know their world, robust."""
        import pandas as pd  # slow to import: only when a table is asked for

        inputs = self.here.ensemble.inputs
        weight, groups = self.here.ensemble.weight, inputs.groups
        today = inputs.programme.tariff.aligned(groups).price_gbp
        points = [weighted_quantile(self.hindsight[f"price_gbp/{group}"], weight, QUANTILES) for group in groups]
        columns = {"group": list(groups), "today_gbp": today}
        columns |= {f"p{round(100 * q)}_gbp": [row[k] for row in points] for k, q in enumerate(QUANTILES)}
        columns |= {label: design.tariff.aligned(groups).price_gbp for label, design in self.robust.items()}
        return pd.DataFrame(columns)

    def worlds(self) -> pd.DataFrame:
        """Return one row a world designed for: the draw it came from, its best tariff, and what that does."""
        import pandas as pd  # slow to import: only when a table is asked for

        few = self.here.ensemble
        return pd.DataFrame({"draw": few.number.astype(np.int64), "weight": few.weight} | dict(self.hindsight))


def list_prices(tariff: Tariff, rise: float) -> FloatArray:
    """Return list prices for robust designs: nothing, those of a tariff, and £500 to £50,000 by equal ratios.

    >>> list_prices(Tariff(["a"], 400, 3000), 1.0).tolist()
    [0.0, 500.0, 1000.0, 2000.0, 3000.0, 4000.0, 8000.0, 16000.0, 32000.0]
    """
    steps = int(np.log(_HIGHEST_GBP / _LOWEST_GBP) / np.log1p(rise)) + 1
    ladder = np.round(_LOWEST_GBP * (1.0 + rise) ** np.arange(steps) / _ROUND_GBP) * _ROUND_GBP
    return np.unique(np.concatenate([[0.0], tariff.price_gbp, ladder]))


def require_designable(programme: Programme) -> None:
    """Raise for a programme of whose worlds no design is proved: ask before drawing any.

    Raises
    ------
    UnsupportedModelError
        With a supply chain.
    """
    if programme.supply_chain is not None:
        raise UnsupportedModelError("Worlds with a supply chain have no proved design; try the programme without one")


def design_for_worlds(
    answers: Answers,
    tariffs: Mapping[str, Tariff | Design],
    settings: WorldDesignSettings | None = None,
    how: SweepSettings | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> WorldDesigns:
    """Return tariffs that park fewest people over worlds, and the best of each world, on one budget.

    Parameters
    ----------
    answers : Answers
        Of the ensemble to design for; its baseline keeps its name.
    tariffs : mapping of label to Tariff or Design
        Others to judge beside them.
    settings : WorldDesignSettings, optional
        For how many worlds, and how cautious.
    how : SweepSettings, optional
        Where the designs that know their world are computed.
    progress : callable, optional
        Called with designs done and designs in all.

    Returns
    -------
    WorldDesigns
        Fees of every design are in the proportion of the programme's own tariff, and attachment fees its own.

    Raises
    ------
    UnsupportedModelError
        For worlds with a supply chain.
    DesignInfeasibleError
        When attachment fees alone cost more than the budget; says the least.

    Examples
    --------
    >>> from pbr_opt.analysis.world_inputs import WorldInputs
    >>> from pbr_opt.analysis.worlds import plausible_worlds
    >>> from pbr_opt.programmes.facts import load_facts, load_priors
    >>> from pbr_opt.programmes.registry import load
    >>> inputs = WorldInputs(load("work_programme_2011"), load_priors("work_programme_2011"))
    >>> ensemble = plausible_worlds(inputs, load_facts("work_programme_2011"), draws=4096)
    >>> designs = design_for_worlds(across_worlds(ensemble, {}), {}, WorldDesignSettings(worlds=3, rise=0.5))
    >>> designs.overspend_probability("robust: worst case", designs.here)
    0.0
    """
    chosen, ensemble = settings or WorldDesignSettings(), answers.ensemble
    require_designable(ensemble.inputs.programme)
    few, paid = ensemble.thinned(chosen.worlds), float(ensemble.weight @ ensemble.measures["spend_gbp"])
    budget = paid if chosen.budget_gbp is None else float(chosen.budget_gbp)
    forms, total = chosen.forms, len(few) + len(chosen.forms)
    tell = progress or (lambda done, of: None)
    found = _robust_designs(few, budget, chosen, lambda k: tell(k, total))
    question = HindsightQuestion(few, "parked", 0.0, budget)
    swept = sweep(question, len(few), how or SweepSettings(chunk=1), lambda k, _: tell(len(forms) + k, total))
    judged = dict(tariffs) | {label: design.tariff for label, design in found.items()}
    here, everywhere = (across_worlds(where, judged, answers.labels[0]) for where in (few, ensemble))
    best = {str(name): np.asarray(column) for name, column in swept.to_frame().items()}
    return WorldDesigns(chosen, budget, found, here, everywhere, best)


def _robust_designs(
    few: Ensemble, budget: float, settings: WorldDesignSettings, tell: Callable[[int], None]
) -> dict[str, RobustDesign]:
    own = few.inputs.programme.tariff
    worlds = [world.replace(tariff=own) for world in few.programmes()]
    prices, found = list_prices(own, settings.rise), {}
    for k, (label, form) in enumerate(settings.forms.items(), 1):
        found[label] = robust(worlds, Parked(), prices_gbp=prices, budget_gbp=budget, weights=few.weight, settings=form)
        tell(k)
    return found
