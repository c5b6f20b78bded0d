"""Which input an answer hangs on: variance shares, distances between distributions, tornadoes and switching values.

Sobol indices say what part of an output's variance over the priors an input makes: alone (first order) or with whatever
it acts together with (total). PAWN says it of worlds that are given, kept ones for instance, without new draws. A
tornado moves one input at a time from one world; a switching value is where on its way a conclusion turns.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.stats import qmc

from pbr_opt.analysis.ensemble import Ensemble
from pbr_opt.analysis.nations import National
from pbr_opt.analysis.world_inputs import WorldInputs
from pbr_opt.analysis.worlds import in_blocks
from pbr_opt.quantities import FloatArray, Inspection, frozen

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Indices", "pawn_indices", "rank_inputs", "rank_kept", "sobol_indices", "switching_values", "tornado"]

Output = Callable[[National], FloatArray]
"""A number of each world, read off its equilibrium."""

_SLICES: Final = 8
"""Of an input's range, for PAWN: a hundred worlds leave a dozen in each."""
_SHUFFLES: Final = 50
_SCAN: Final = 65
"""Points along an input's range at which a conclusion is looked at: two a 1/32 of the range."""


@dataclass(frozen=True, slots=True, eq=False)
class Indices:
    """Sobol indices of one output, shape (inputs,).

    Attributes
    ----------
    first : array
        Share of variance that goes with the input alone.
    total : array
        Share that would be left if every other input were known.
    """

    first: FloatArray
    total: FloatArray

    def __post_init__(self) -> None:
        """Write-protect both."""
        object.__setattr__(self, "first", frozen(self.first))
        object.__setattr__(self, "total", frozen(self.total))


def sobol_indices(
    function: Callable[[FloatArray], FloatArray], inputs: int, base: int = 1024, seed: int = 1
) -> Indices:
    """Return Sobol indices of a function of the unit cube.

    With points A and B, and A_i having column i of B: ``V_i = mean(f_B (f_Ai - f_A))`` (Saltelli and others 2010) and
    ``V_Ti = mean((f_A - f_Ai)**2)/2`` (Jansen 1999), over the variance of f on A and B together.

    Parameters
    ----------
    function : callable
        From points (n, inputs) to n numbers.
    inputs : int
        How many.
    base : int, optional
        Points of A: a power of two; the function is computed base x (inputs + 2) times.
    seed : int, optional
        Of the scrambling.

    Returns
    -------
    Indices
        Zeros for a function that does not vary. Estimates: a small index may come out a little below 0.

    Raises
    ------
    InvalidInputError
        A base that is not a power of two.

    Notes
    -----
    Sobol (1993); the estimators are those that Saltelli and others, Computer Physics Communications 181 (2010), prefer.

    Examples
    --------
    >>> there = sobol_indices(lambda x: 3.0 * x[:, 0] + x[:, 1], 3)
    >>> there.first.round(2).tolist(), there.total.round(2).tolist()
    ([0.9, 0.1, 0.0], [0.9, 0.1, 0.0])
    """
    check = Inspection("sobol_indices")
    if check.whole("base", base, lowest=2) & (base - 1):
        check.fault("base", base, "a power of two", "1024")
    check.whole("inputs", inputs, lowest=1)
    check.finish()
    both = qmc.Sobol(2 * inputs, scramble=True, seed=np.random.default_rng(seed)).random(base)
    left, right = both[:, :inputs], both[:, inputs:]
    at_left, at_right = function(left), function(right)
    centre, variance = np.mean([at_left, at_right]), float(np.var([at_left, at_right]))
    first, total = np.zeros(inputs), np.zeros(inputs)
    for k in range(inputs if variance > 0.0 else 0):
        mixed = left.copy()
        mixed[:, k] = right[:, k]
        at_mixed = function(mixed)
        first[k] = np.mean((at_right - centre) * (at_mixed - at_left)) / variance
        total[k] = 0.5 * np.mean((at_left - at_mixed) ** 2) / variance
    return Indices(first, total)


def pawn_indices(points: FloatArray, output: FloatArray, slices: int = _SLICES) -> FloatArray:
    """Return PAWN indices: the median, over slices of an input, of the Kolmogorov distance to the whole, 0..1.

    Parameters
    ----------
    points : array (n, inputs)
        Inputs, in any unit: slices hold equal numbers of points.
    output : array (n,)
        What came of them.
    slices : int, optional
        Of each input.

    Returns
    -------
    array (inputs,)
        Positive by chance alone: compare with :func:`rank_kept`'s noise.

    Notes
    -----
    Pianosi and Wagener, Environmental Modelling and Software 67 (2015) and 108 (2018).

    Examples
    --------
    >>> points = np.random.default_rng(1).random((4000, 2))
    >>> bool(pawn_indices(points, points[:, 0] ** 2)[0] > 10 * pawn_indices(points, points[:, 0] ** 2)[1])
    True
    """
    rank = np.argsort(np.argsort(points, axis=0, kind="stable"), axis=0, kind="stable")
    where = rank * slices // len(points)
    grid = np.sort(output)
    whole = np.searchsorted(grid, grid, side="right") / grid.size
    answer = np.zeros(points.shape[1])
    for k in range(points.shape[1]):
        parts = [np.sort(output[where[:, k] == s]) for s in range(slices)]
        distances = [np.abs(np.searchsorted(p, grid, side="right") / p.size - whole).max() for p in parts if p.size]
        answer[k] = np.median(distances)
    return answer


def _at(inputs: WorldInputs, points: FloatArray, output: Output) -> FloatArray:
    """Return an output at points of the unit cube of the priors."""
    nations = inputs.nations(inputs.values(points))
    return in_blocks(nations, inputs, lambda there: {"output": output(there)})["output"]


def rank_inputs(inputs: WorldInputs, output: Output | None = None, base: int = 256, seed: int = 1) -> pd.DataFrame:
    """Return the inputs in the order of what they do to an output over the priors.

    Parameters
    ----------
    inputs : WorldInputs
        With their priors.
    output : callable, optional
        From an equilibrium to a number a world; the share parked if not given.
    base : int, optional
        See :func:`sobol_indices`.
    seed : int, optional
        Of the points.

    Returns
    -------
    DataFrame
        ``id``, ``first``, ``total``, ``rank`` (1 for the largest total), ``status``, ``low``, ``high``, ``unit``.
    """
    import pandas as pd  # slow to import: only when a table is asked for

    read = output or _parked_share
    there = sobol_indices(lambda points: _at(inputs, points, read), len(inputs.ids), base, seed)
    table = pd.DataFrame(_described(inputs) | {"first": there.first, "total": there.total})
    return _ranked(table, "total")


def rank_kept(ensemble: Ensemble, measure: str = "parked_share", seed: int = 1) -> pd.DataFrame:
    """Return the inputs in the order of what they do to a measure among the worlds that the facts left.

    Returns
    -------
    DataFrame
        ``id``, ``pawn``, ``noise`` (95th percentile of PAWN for an input that does nothing, by shuffling), ``matters``,
        ``rank`` and what :func:`rank_inputs` describes.
    """
    import pandas as pd  # slow to import: only when a table is asked for

    output = ensemble.measures[measure]
    rng = np.random.default_rng(seed)
    nothing = np.stack([rng.permutation(output.size) for _ in range(_SHUFFLES)], axis=1).astype(np.float64)
    noise = float(np.quantile(pawn_indices(nothing, output), 0.95))
    pawn = pawn_indices(ensemble.points, output)
    table = pd.DataFrame(_described(ensemble.inputs) | {"pawn": pawn, "noise": noise, "matters": pawn > noise})
    return _ranked(table, "pawn")


def _described(inputs: WorldInputs) -> dict[str, Sequence[object]]:
    priors = inputs.priors
    return {name: [getattr(prior, name) for prior in priors] for name in ("id", "status", "low", "high", "unit")}


def _ranked(table: pd.DataFrame, by: str) -> pd.DataFrame:
    ordered = table.sort_values(by, ascending=False, kind="stable", ignore_index=True)
    ordered["rank"] = np.arange(1, len(ordered) + 1)
    return ordered


def _parked_share(there: National) -> FloatArray:
    return there.parked_share


def tornado(ensemble: Ensemble, output: Output | None = None, ids: Sequence[str] | None = None) -> pd.DataFrame:
    """Return what one input at a time does to an output in the worlds that the facts left: the bars of a tornado.

    Parameters
    ----------
    ensemble : Ensemble
        In each world everything else stands as it is there.
    output : callable, optional
        From an equilibrium to a number a world; the share parked if not given.
    ids : sequence of str, optional
        Which inputs; all if not given.

    Returns
    -------
    DataFrame
        ``id``, ``low``, ``high``, ``centre`` (mean output of the worlds as they are), ``at_low``, ``at_high`` (means
        with the input at an end of its range in every world), ``swing`` (between them, without its sign),
        ``largest_swing`` (in any one world); largest mean swing first. A world moved to an end of a range may
        contradict a fact.
    """
    import pandas as pd  # slow to import: only when a table is asked for

    inputs, read = ensemble.inputs, output or _parked_share
    chosen = _chosen(inputs, ids)
    centre = float(ensemble.weight @ _at(inputs, ensemble.points, read))
    rows = []
    for k in chosen:
        ends = []
        for end in (0.0, 1.0):
            points = ensemble.points.copy()
            points[:, k] = end
            ends.append(_at(inputs, points, read))
        low, high = (float(ensemble.weight @ values) for values in ends)
        rows.append((centre, low, high, abs(high - low), float(np.abs(ends[1] - ends[0]).max())))
    columns = {name: [column[k] for k in chosen] for name, column in _described(inputs).items()}
    found = pd.DataFrame(rows, columns=["centre", "at_low", "at_high", "swing", "largest_swing"])
    table = pd.concat([pd.DataFrame(columns), found], axis=1)
    return table.sort_values("swing", ascending=False, kind="stable", ignore_index=True)


def switching_values(ensemble: Ensemble, margin: Output, ids: Sequence[str] | None = None) -> pd.DataFrame:
    """Return where a conclusion turns when one input moves over its range, all else as in the most plausible world.

    Parameters
    ----------
    ensemble : Ensemble
        Gives the world in which everything else stands.
    margin : callable
        Above 0 where the conclusion holds.
    ids : sequence of str, optional
        Which inputs; all if not given.

    Returns
    -------
    DataFrame
        ``id``, ``here`` (the input in that world), ``switches_at`` (the value nearest to it at which the conclusion
        turns, NaN where it does not over the whole range) and what :func:`rank_inputs` describes; those that turn it
        first.

    Notes
    -----
    Looked for at 65 points and placed between two of them by a straight line: a conclusion that turns and turns back
    in less than a sixty-fourth of the range is not seen.
    """
    import pandas as pd  # slow to import: only when a table is asked for

    inputs = ensemble.inputs
    chosen = _chosen(inputs, ids)
    here = ensemble.points[ensemble.most_plausible]
    along = np.linspace(0.0, 1.0, _SCAN)
    points = np.repeat(here[None], _SCAN * len(chosen), axis=0)
    for row, k in enumerate(chosen):
        points[row * _SCAN : (row + 1) * _SCAN, k] = along
    margins = _at(inputs, points, margin).reshape(len(chosen), _SCAN)
    turns = [_nearest_turn(along, line, here[k]) for line, k in zip(margins, chosen, strict=True)]
    columns = {name: [column[k] for k in chosen] for name, column in _described(inputs).items()}
    values = [
        float(inputs.priors[k].at(np.array([turn]))[0]) if np.isfinite(turn) else np.nan
        for turn, k in zip(turns, chosen, strict=True)
    ]
    at_home = [float(inputs.priors[k].at(here[k : k + 1])[0]) for k in chosen]
    away = np.abs(np.array(turns) - here[list(chosen)])
    table = pd.DataFrame(columns | {"here": at_home, "switches_at": values, "away": away})
    return table.sort_values("away", kind="stable", ignore_index=True).drop(columns="away")


def _nearest_turn(along: FloatArray, margin: FloatArray, here: float) -> float:
    """Return where the margin changes its sign, nearest to a place; NaN if nowhere."""
    turned = np.flatnonzero((margin[1:] > 0) != (margin[:-1] > 0))
    if not turned.size:
        return float("nan")
    before, after = margin[turned], margin[turned + 1]
    share = np.divide(before, before - after, out=np.full(turned.size, 0.5), where=before != after)
    places = along[turned] + np.clip(share, 0.0, 1.0) * (along[1] - along[0])
    return float(places[np.argmin(np.abs(places - here))])


def _chosen(inputs: WorldInputs, ids: Sequence[str] | None) -> list[int]:
    check = Inspection("inputs")
    check.known(ids or (), inputs.ids, "an uncertain input")
    check.finish()
    return [inputs.ids.index(name) for name in (ids or inputs.ids)]
