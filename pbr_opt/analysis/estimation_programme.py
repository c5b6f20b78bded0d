"""The facts that a programme publishes about its groups, and what is unknown of them, ready to be estimated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from pbr_opt.analysis.estimation_inputs import QUANTITIES, Cell, Measurement, Unknown
from pbr_opt.analysis.predictions import Kinds
from pbr_opt.analysis.revealed_preference import most_support_gbp
from pbr_opt.errors import UnsupportedModelError
from pbr_opt.market.central_case import CentralCase
from pbr_opt.market.evidence import Figure
from pbr_opt.market.figure_book import FigureBook
from pbr_opt.market.programme import Programme
from pbr_opt.quantities import FloatArray

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "deadweight_range",
    "figure_range",
    "figures_of",
    "group_prices_gbp",
    "published_facts",
    "require_published",
    "revealed_bounds",
    "unknown_quantities",
]

_PUBLISHED_DIGIT: Final = 1e-3
"""Rates are published to a tenth of a per cent."""
_EVEN: Final = float(np.sqrt(12.0))
"""What is even over a range has a standard deviation of the range over this."""
_SPENDING: Final = "evidence/spend_per_participant_gbp"
_SPENDING_DIGIT_GBP: Final = 10.0
_LEAST_RATE: Final = 1e-3
_MOST_UPLIFT: Final = 6.0
"""Logits: from an even chance to one of 99.75 per cent."""
_RARE: Final = 1e-6
"""A deadweight has a logit: at least one in a million."""
_SHARED: Final = ("response_scale_gbp", "spread", "curvature")


def require_published(programme: Programme) -> CentralCase:
    """Return a programme's central case, if the observed rates can be held against its primes' own choices.

    Raises
    ------
    UnsupportedModelError
        Without a central case; with a supply chain, rivals, a mission or a minimum service, which move what a provider
        chooses.
    """
    case = programme.central_case
    if case is None:
        raise UnsupportedModelError(
            f"{programme.name} has no central case: nothing was published of its groups. Give facts yourself: "
            "pbr_opt.analysis.estimation.estimate([Measurement(...)], [Unknown(...)])"
        )
    if programme.supply_chain is not None or programme.rivalry is not None:
        raise UnsupportedModelError(
            f"{programme.name} has a supply chain or rivals: who chose was paid something else than the tariff. Try "
            "the programme without them: programme.replace(supply_chain=None, rivalry=None), or files without agents, "
            "contracts, areas and [rivalry]"
        )
    if programme.mission_gbp.any() or programme.minimum_service_gbp.any():
        raise UnsupportedModelError(f"{programme.name} has a mission or a minimum service, which the fit leaves out")
    return case


def figures_of(programme: Programme) -> FigureBook:
    """Return the figures of a programme with a central case."""
    case = require_published(programme)
    return FigureBook(programme.figures, dict(zip(case.groups, case.families, strict=True)))


def published_facts(programme: Programme) -> tuple[Measurement, ...]:
    """Return what was published of a programme's groups: outcome rates, deadweights, spending a head.

    Parameters
    ----------
    programme : Programme
        With a central case, as loaded.

    Returns
    -------
    tuple of Measurement
        Rates that are confirmed or derived, with the error of their range or else of the last digit, and of counting;
        spending per harder-to-help participant where the figures have it. What is assumed is no fact.

    Raises
    ------
    UnsupportedModelError
        As :func:`require_published`.
    """
    case, book = require_published(programme), figures_of(programme)
    price = group_prices_gbp(programme)
    cell = {g: Cell(g, float(case.participants[k]), float(price[k])) for k, g in enumerate(case.groups)}
    facts = []
    for name, measure in (("observed_rate", "outcome_rate"), ("deadweight_rate", "deadweight_rate")):
        for group in case.groups:
            figure = book.figures.get(f"{name}/{group}")
            if figure is not None and figure.rests_on_a_source:
                error = _error(figure, cell[group].participants)
                facts.append(Measurement(figure.id, measure, (cell[group],), figure.value, error, figure.source))
    spending, whose = book.figures.get(_SPENDING), Kinds.of_2011(case.groups).hard
    if spending is not None and whose:
        cells, error = tuple(cell[case.groups[k]] for k in whose), _SPENDING_DIGIT_GBP / _EVEN
        facts.append(Measurement(_SPENDING, "service_gbp", cells, spending.value, error, spending.source))
    return tuple(facts)


def unknown_quantities(programme: Programme, facts: tuple[Measurement, ...]) -> tuple[Unknown, ...]:
    """Return what is not known of the groups that facts are about, with the ranges of the programme's figures.

    Response scale, spread and curvature are one number for all groups that share the figure; the base service is one
    for all, and may be anything up to the whole of what was spent. Deadweight and uplift are each group's own.

    Parameters
    ----------
    programme : Programme
        With a central case, as loaded.
    facts : tuple of Measurement
        From :func:`published_facts`.

    Raises
    ------
    UnsupportedModelError
        As :func:`require_published`.
    """
    case, book = require_published(programme), figures_of(programme)
    groups = tuple(g for g in case.groups if any(g == cell.group for fact in facts for cell in fact.cells))
    unknowns = [item for quantity in _SHARED for item in _shared(book, case, quantity, groups)]
    spent = [fact.value for fact in facts if fact.measure == "service_gbp"]
    if spent:
        unknowns.append(Unknown("base_service_gbp", QUANTITIES[5], groups, 0.0, max(spent)))
    for group in groups:
        observed = book.figure("observed_rate", group)
        highest = float(case.observed_rate[case.groups.index(group)]) if observed is None else observed.range[1]
        unknowns.append(Unknown(f"deadweight_rate/{group}", "deadweight_rate", (group,), _LEAST_RATE, highest))
        unknowns.append(Unknown(f"uplift/{group}", "uplift", (group,), 0.0, _MOST_UPLIFT))
    return tuple(unknowns)


def group_prices_gbp(programme: Programme) -> FloatArray:
    """Return x, what an outcome paid, by group: the mean over the people of the group."""
    caseload = programme.caseload
    paid = caseload.sum_by_group(caseload.participants * programme.effective_price_gbp())
    return np.asarray(paid / np.maximum(caseload.group_participants, np.finfo(float).tiny))


def deadweight_range(book: FigureBook, group: str, observed: float) -> tuple[float, float]:
    """Return the lowest and highest deadweight that a programme's figures and the observed rate leave to a group."""
    level, ratio = book.figure("deadweight_rate", group), book.figure("deadweight_ratio", group)
    if level is not None:
        low, high = level.range
    else:
        low, high = (part * observed for part in ((0.0, 1.0) if ratio is None else ratio.range))
    return max(low, min(_RARE, observed)), min(high, observed)


def figure_range(book: FigureBook, case: CentralCase, name: str, group: str) -> tuple[float, float]:
    """Return the range of a figure about a group; where there is none, what the central case says, as a point."""
    figure = book.figure(name, group)
    if figure is not None:
        return figure.range
    said = float(getattr(case, name)[case.groups.index(group)])
    return said, said


def revealed_bounds(programme: Programme) -> pd.DataFrame:
    """Return what the observed rates bound whatever the response: support, and outcome rates at other prices.

    A provider that chose to be paid ``x P - e`` could have bought no support: ``e <= x (P - p0)``, most where p0 is
    least. Without a published e, the outcome rate at a lower price is from the least p0 to P, at a higher price from P
    to 1, and nothing nearer can be said.

    Parameters
    ----------
    programme : Programme
        With a central case, as loaded.

    Returns
    -------
    DataFrame
        One row a group: price, outcome rate and its status, the range of p0, ``most_support_gbp`` at the least p0.

    Raises
    ------
    UnsupportedModelError
        As :func:`require_published`.

    Examples
    --------
    >>> from pbr_opt.programmes.registry import load
    >>> frame = revealed_bounds(load("work_programme_2011")).set_index("group")
    >>> round(frame.loc["6", "most_support_gbp"])
    166
    """
    import pandas as pd  # slow to import: only when a table is asked for

    case, book, prices = require_published(programme), figures_of(programme), group_prices_gbp(programme)
    rows = []
    for k, group in enumerate(case.groups):
        rate, price = float(case.observed_rate[k]), float(prices[k])
        figure = book.figure("observed_rate", group)
        low, high = deadweight_range(book, group, rate)
        most = float(most_support_gbp(price, rate, low))
        rows.append((group, price, rate, "assumed" if figure is None else figure.status, low, high, most))
    names = ["group", "price_gbp", "outcome_rate", "status", "deadweight_low", "deadweight_high", "most_support_gbp"]
    return pd.DataFrame(rows, columns=names)


def _shared(book: FigureBook, case: CentralCase, quantity: str, groups: tuple[str, ...]) -> list[Unknown]:
    """Return one unknown a figure, for the groups of which it speaks; what the case alone says is known."""
    ends: dict[str, tuple[float, float]] = {}
    whose: dict[str, list[str]] = {}
    for group in groups:
        figure = book.figure(quantity, group)
        name = f"{quantity}/{group}" if figure is None else figure.id
        ends[name] = figure_range(book, case, quantity, group)
        whose.setdefault(name, []).append(group)
    return [Unknown(name, quantity, tuple(whose[name]), *ends[name]) for name in ends]


def _error(figure: Figure, participants: float) -> float:
    """Return the standard error of a rate: of its range where it has one, else of its last digit, and of counting."""
    low, high = figure.range
    digit = (high - low if high > low else _PUBLISHED_DIGIT) / _EVEN
    counting = figure.value * (1.0 - figure.value) / participants
    return float(np.sqrt(digit**2 + counting))
