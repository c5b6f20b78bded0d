"""Which conclusions rest on assumptions: change each one to the ends of its range, fit again, look again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np

from pbr_opt.analysis.calibration import vary
from pbr_opt.errors import Fault, InvalidInputError
from pbr_opt.evaluation import evaluate
from pbr_opt.market.evidence import Figure
from pbr_opt.market.figure_ids import EVIDENCE
from pbr_opt.market.programme import Programme
from pbr_opt.market.tariffs import Tariff
from pbr_opt.metrics import Metrics

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["AssumptionTrials", "Conclusion", "Swing", "conclusions", "swings", "try_assumptions"]

_SHOWN: Final = 3


@dataclass(frozen=True, slots=True)
class Conclusion:
    """A statement about two tariffs, and where it stops being true.

    Attributes
    ----------
    text : str
        The statement, true in the central case.
    tried : int
        Worlds in which it was looked at again, each with one assumption at an end of its range.
    overturned_by : tuple of str
        The assumptions (and values) under which it is false.
    """

    text: str
    tried: int
    overturned_by: tuple[str, ...]

    @property
    def rests_on_assumptions(self) -> bool:
        """Whether some value within an assumption's range makes it false."""
        return bool(self.overturned_by)

    def to_dict(self) -> dict[str, object]:
        """Return the fields for a machine."""
        return {"text": self.text, "tried": self.tried, "overturned_by": list(self.overturned_by)}

    def __str__(self) -> str:
        """Return one line."""
        if not self.rests_on_assumptions:
            return f"{self.text}: in all of {self.tried} worlds tried."
        named = ", ".join(self.overturned_by[:_SHOWN])
        more = f" and {len(self.overturned_by) - _SHOWN} more" if len(self.overturned_by) > _SHOWN else ""
        false = f"false in {len(self.overturned_by)} of {self.tried} worlds"
        return f"{self.text}: RESTS ON ASSUMPTIONS, {false}: {named}{more}."


@dataclass(frozen=True, slots=True)
class _Question:
    """Something that is more or less under one tariff than under another."""

    more: str
    less: str
    read: Callable[[Metrics], float]
    margin: float


_QUESTIONS: Final = (
    _Question("parks more people", "parks fewer people", lambda m: m.parked_share, 5e-4),
    _Question(
        "brings more additional outcomes", "brings fewer additional outcomes", lambda m: m.additional_outcomes, 0.5
    ),
)
_OVERSPEND: Final = 0.01
"""A tariff designed for one world and paid in another is called as dear as the baseline within a hundredth."""
_WINDFALL: Final = "most of what is paid for outcomes is windfall"


@dataclass(frozen=True, slots=True)
class Swing:
    """What an answer is with one figure at either end of its range: a bar of a tornado.

    Attributes
    ----------
    figure : Figure
        The assumption.
    at_low, at_high : float
        The answer at either end; NaN where the published outcome rates cannot be fitted with that value.
    central : float
        The answer in the central case.
    """

    figure: Figure
    at_low: float
    at_high: float
    central: float

    @property
    def length(self) -> float:
        """Return the furthest apart that the three answers are."""
        answers = [self.at_low, self.at_high, self.central]
        return float(np.nanmax(answers) - np.nanmin(answers))


@dataclass(frozen=True, slots=True)
class AssumptionTrials:
    """What came of setting every assumption to the ends of its range.

    Attributes
    ----------
    conclusions : tuple of Conclusion
        What can be said of each tariff against the first, and what it rests on.
    swings : tuple of Swing
        How far each assumption moves the share parked under the last tariff, the longest first.
    """

    conclusions: tuple[Conclusion, ...] = ()
    swings: tuple[Swing, ...] = ()

    def to_frame(self) -> pd.DataFrame:
        """Return the swings as a table, a row a figure, as :func:`swings` has it."""
        import pandas as pd  # slow to import: only when a table is asked for

        columns = ["figure", "unit", "low", "high", "at_low", "at_high", "swing", "rank"]
        rows = [
            (bar.figure.id, bar.figure.unit, *bar.figure.range, bar.at_low, bar.at_high, bar.length, rank)
            for rank, bar in enumerate(self.swings, 1)
        ]
        return pd.DataFrame(rows, columns=columns)


def conclusions(
    programme: Programme,
    tariffs: Mapping[str, Tariff],
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Conclusion, ...]:
    """Return what can be said of each tariff against the first, and what it rests on (:func:`try_assumptions`)."""
    return try_assumptions(programme, tariffs, progress).conclusions


def try_assumptions(
    programme: Programme,
    tariffs: Mapping[str, Tariff],
    progress: Callable[[int, int], None] | None = None,
) -> AssumptionTrials:
    """Return what can be said of each tariff against the first, what it rests on, and how much hangs on each figure.

    Every figure of the programme that is not confirmed and has a range is set to its lowest and its highest value in
    turn, the caseload is fitted anew, and every tariff (fixed: a rate card is chosen before the world is known) is
    evaluated again. Values with which the published outcome rates cannot be fitted are left out.

    Parameters
    ----------
    programme : Programme
        One with a central case and no supply chain (the central case is fitted to primes that deliver alone); otherwise
        nothing can be tried and nothing is returned.
    tariffs : mapping of label to Tariff
        The first is the baseline; of a single one nothing can be concluded.
    progress : callable, optional
        Called with worlds done and worlds in all.

    Returns
    -------
    AssumptionTrials
        One-at-a-time changes: combinations of assumptions are not tried.
    """
    if not _can_vary(programme) or not tariffs:
        return AssumptionTrials()
    central = {label: evaluate(programme, tariff).metrics for label, tariff in tariffs.items()}
    claims, last = _claims(central), list(tariffs)[-1]
    tried, ends = 0, dict[Figure, list[float]]()
    overturned: dict[str, list[str]] = {text: [] for text, _ in claims}
    for figure, value, world in _trials(programme, progress):
        there = _judged(world, tariffs)
        ends.setdefault(figure, []).append(there[last].parked_share if there else float("nan"))
        if there and value != figure.value:
            tried += 1
            for text, holds in claims:
                if not holds(there):
                    overturned[text].append(f"{figure.id} = {value:g}")
    found = tuple(Conclusion(text, tried, tuple(overturned[text])) for text, _ in claims)
    return AssumptionTrials(found if len(tariffs) > 1 else (), _swings(ends, central[last].parked_share))


def swings(
    programme: Programme,
    tariff: Tariff | None = None,
    read: Callable[[Metrics], float] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> pd.DataFrame:
    """Return how far each assumption moves an answer: the bars of a tornado, longest first.

    Parameters
    ----------
    programme : Programme
        As for :func:`try_assumptions`; where nothing can be tried the table is empty.
    tariff : Tariff, optional
        Fixed while assumptions change; the programme's own if not given, which then changes with its cells.
    read : callable, optional
        From metrics to the answer; the share parked if not given.
    progress : callable, optional
        Called with worlds done and worlds in all.

    Returns
    -------
    DataFrame
        ``figure``, ``unit``, ``low``, ``high``, ``at_low``, ``at_high`` (the answer at either end; NaN where the
        published outcome rates cannot be fitted with that value), ``swing`` (the furthest apart that the answers at the
        ends and in the central case are), ``rank`` (1 for the longest).

    Examples
    --------
    >>> from pbr_opt.programmes.registry import load
    >>> table = swings(load("work_programme_2011"))
    >>> bool((table.swing.diff().dropna() <= 0).all()), len(table) > 50
    (True, True)
    """
    answer = read or (lambda metrics: metrics.parked_share)
    if not _can_vary(programme):
        return AssumptionTrials().to_frame()
    central, ends = answer(evaluate(programme, tariff).metrics), dict[Figure, list[float]]()
    for figure, _, world in _trials(programme, progress):
        there = float("nan") if world is None else answer(evaluate(world, tariff).metrics)
        ends.setdefault(figure, []).append(there)
    return AssumptionTrials(swings=_swings(ends, central)).to_frame()


def _can_vary(programme: Programme) -> bool:
    return programme.central_case is not None and programme.supply_chain is None


def _judged(world: Programme | None, tariffs: Mapping[str, Tariff]) -> dict[str, Metrics]:
    """Return what every tariff does in a world; nothing where there is none."""
    return {} if world is None else {label: evaluate(world, tariff).metrics for label, tariff in tariffs.items()}


def _swings(ends: Mapping[Figure, Sequence[float]], central: float) -> tuple[Swing, ...]:
    """Return the bars of a tornado, the longest first, from the answers at the ends of each figure's range."""
    bars = [Swing(figure, low, high, central) for figure, (low, high) in ends.items()]
    return tuple(sorted(bars, key=lambda bar: -bar.length))


def _trials(
    programme: Programme, progress: Callable[[int, int], None] | None
) -> Iterator[tuple[Figure, float, Programme | None]]:
    """Yield each uncertain figure at each end of its range, and the programme fitted anew, None where it cannot be."""
    trials = [(figure, value) for figure in _uncertain(programme.figures) for value in figure.range]
    for done, (figure, value) in enumerate(trials, 1):
        yield figure, value, programme if value == figure.value else _world(programme, figure, value)
        if progress is not None:
            progress(done, len(trials))


def _claims(central: Mapping[str, Metrics]) -> Sequence[tuple[str, Callable[[Mapping[str, Metrics]], bool]]]:
    """Return statements that hold in the central case, each with the test of whether it holds elsewhere."""
    base, *others = central
    claims: list[tuple[str, Callable[[Mapping[str, Metrics]], bool]]] = []
    for label in others:
        for question in _QUESTIONS:
            moved = question.read(central[label]) - question.read(central[base])
            if abs(moved) <= question.margin:
                continue
            verb = question.more if moved > 0 else question.less
            claims.append((f"'{label}' {verb} than '{base}'", _same_side(question, label, base, moved)))
        if _affordable(central, label, base):
            text = f"'{label}' costs at most {100 * _OVERSPEND:g} % more than '{base}'"
            claims.append((text, partial(_affordable, label=label, base=base)))
    if central[base].windfall_share > 0.5:
        claims.append((f"Under '{base}' {_WINDFALL}", lambda there: there[base].windfall_share > 0.5))
    return claims


def _same_side(question: _Question, label: str, base: str, moved: float) -> Callable[[Mapping[str, Metrics]], bool]:
    return lambda there: moved * (question.read(there[label]) - question.read(there[base])) > 0


def _affordable(there: Mapping[str, Metrics], label: str, base: str) -> bool:
    return there[label].spend_gbp <= there[base].spend_gbp * (1.0 + _OVERSPEND)


def _uncertain(figures: Sequence[Figure]) -> list[Figure]:
    """Return the figures that are not confirmed and may have other values."""
    return [
        figure
        for figure in figures
        if figure.status != "confirmed" and figure.range[0] < figure.range[1] and not figure.id.startswith(EVIDENCE)
    ]


def _world(programme: Programme, figure: Figure, value: float) -> Programme | None:
    """Return the programme fitted anew, or None where the published rates cannot be fitted with this value."""
    try:
        return vary(programme, figure.id, value)
    except InvalidInputError as error:
        if any(isinstance(fault, Fault) and "observed_rate" in fault.place for fault in error.faults):
            return None
        raise
