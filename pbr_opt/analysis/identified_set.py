"""Every world of a family that gives a payment group its observed outcome rate, and what they disagree about."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.special import expit

from pbr_opt.analysis.estimation_programme import (
    deadweight_range,
    figure_range,
    figures_of,
    group_prices_gbp,
    require_published,
)
from pbr_opt.analysis.fitting import GroupFit, slice_means
from pbr_opt.equilibrium.best_response import best_response
from pbr_opt.errors import InvalidInputError
from pbr_opt.market.programme import Programme
from pbr_opt.market.responses import HaraResponse
from pbr_opt.quantities import FloatArray, Inspection, frozen

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["SET_QUANTITIES", "IdentifiedSet", "identified_set"]

SET_QUANTITIES: Final = (
    "outcome_rate",
    "deadweight_rate",
    "ceiling_rate",
    "support_gbp",
    "parked_share",
    "outcome_rate_low_price",
    "outcome_rate_high_price",
)
"""Means over a group, at the programme's price and at prices lower and higher by a share."""

_FREE: Final = ("response_scale_gbp", "spread", "curvature")


@dataclass(frozen=True, eq=False)
class IdentifiedSet:
    """What the worlds that fit say, group by group.

    Attributes
    ----------
    groups : tuple of str
        Payment groups.
    worlds : tuple of array (worlds, quantities)
        One array a group, in the order of ``SET_QUANTITIES``: every world of the grid that fits.
    tried : tuple of int
        Worlds of the grid, one number a group; the others cannot give the observed rate.
    """

    groups: tuple[str, ...]
    worlds: tuple[FloatArray, ...]
    tried: tuple[int, ...]

    def to_frame(self) -> pd.DataFrame:
        """Return one row a group and quantity: ``low``, ``high``, and how many worlds fit of those tried."""
        import pandas as pd  # slow to import: only when a table is asked for

        rows = [
            (group, quantity, float(column.min()), float(column.max()), len(column), tried)
            for group, found, tried in zip(self.groups, self.worlds, self.tried, strict=True)
            for quantity, column in zip(SET_QUANTITIES, found.T, strict=True)
            if len(column)
        ]
        return pd.DataFrame(rows, columns=["group", "quantity", "low", "high", "fit", "tried"])


def identified_set(programme: Programme, *, price_change: float = 0.2, points: int = 3) -> IdentifiedSet:
    """Return the worlds in the ranges of a programme's figures that give each group its observed outcome rate.

    Deadweight, response scale, spread and curvature are taken from a grid over their ranges; the uplift is then what
    makes the equilibrium give the observed rate (:class:`~pbr_opt.analysis.fitting.GroupFit`), if any does.

    Parameters
    ----------
    programme : Programme
        With a central case, as loaded.
    price_change : float, optional
        Share by which prices are lower and higher in the last two quantities, 0..1.
    points : int, optional
        Of the grid, in each direction that has a range, at least 2.

    Returns
    -------
    IdentifiedSet
        An approximation from within: a grid that holds this one can only widen it.

    Raises
    ------
    InvalidInputError
        A change or a number of points outside its domain.
    UnsupportedModelError
        Without a central case, or with a supply chain.

    Examples
    --------
    >>> from pbr_opt.programmes.registry import load
    >>> frame = identified_set(load("work_programme_2011"), points=2).to_frame().set_index(["group", "quantity"])
    >>> frame.loc[("1", "outcome_rate"), ["low", "high"]].round(6).tolist()  # what was observed
    [0.364, 0.364]
    >>> bool(frame.loc[("1", "support_gbp"), "high"] > 2 * frame.loc[("1", "support_gbp"), "low"])
    True
    """
    check = Inspection("identified_set")
    change = check.number("price_change", price_change, highest=1.0)
    count = check.whole("points", points, lowest=2, highest=100)
    check.finish()
    case, book, prices = require_published(programme), figures_of(programme), group_prices_gbp(programme)
    readiness = slice_means(case.segments_per_group)
    found, tried = [], []
    for k, group in enumerate(case.groups):
        observed, price = float(case.observed_rate[k]), float(prices[k])
        ranges = [deadweight_range(book, group, observed), *(figure_range(book, case, name, group) for name in _FREE)]
        worlds = list(product(*(_grid(*ends, count) for ends in ranges)))
        fits = (
            GroupFit(group, price, floor, observed, scale, bend, spread * readiness)
            for floor, scale, spread, bend in worlds
        )
        rows = [row for fit in fits if (row := _seen(fit, change)) is not None]
        found.append(frozen(np.array(rows).reshape(len(rows), len(SET_QUANTITIES))))
        tried.append(len(worlds))
    return IdentifiedSet(case.groups, tuple(found), tuple(tried))


def _grid(low: float, high: float, points: int) -> list[float]:
    return np.linspace(low, high, points).tolist() if high > low else [low]


def _seen(fit: GroupFit, change: float) -> list[float] | None:
    """Return the quantities of one world, nothing when it cannot give the observed rate."""
    floor = fit.deadweight_logits()
    low = np.asarray(expit(floor))
    try:
        high = np.maximum(fit.ceilings(floor), low)
    except InvalidInputError:  # even certainty for all who are helped would not pay for the observed rate
        return None
    full = np.ones(low.size)
    response = HaraResponse(low, high, full * fit.response_scale_gbp, full * fit.curvature)
    here, less, more = (
        best_response(response, full * fit.price_gbp * share) for share in (1.0, 1.0 - change, 1.0 + change)
    )
    means = (here.outcome_rate, low, high, here.support_gbp, here.parked, less.outcome_rate, more.outcome_rate)
    return [float(mean.mean()) for mean in means]
