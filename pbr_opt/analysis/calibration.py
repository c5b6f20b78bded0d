"""Derive a caseload's latent segments from what is published about its groups, and try other inputs.

One observation of a group (price, outcome rate) leaves a family of worlds that fit it. The central case picks one by
assumption: people differ in job-readiness by a normal variable on the logit scale, support moves all of a group by the
same distance on that scale at most, and providers did what paid under the tariff of the day. Every assumption is a
figure, and :func:`vary` re-fits everything with one of them changed, to say which conclusions rest on it.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any, Final

import numpy as np
from scipy.special import expit

from pbr_opt.analysis.fitting import GroupFit, rounded, slice_means
from pbr_opt.errors import Fault, InvalidInputError, UnsupportedModelError
from pbr_opt.market.caseload import Caseload
from pbr_opt.market.central_case import CentralCase
from pbr_opt.market.evidence import Figure
from pbr_opt.market.figure_book import FigureBook
from pbr_opt.market.figure_ids import EVIDENCE, FIELDS, RIVALRY, inspect_figure
from pbr_opt.market.programme import Programme
from pbr_opt.market.sustainment import expected_sustainments
from pbr_opt.market.tariffs import ContractTerms, Tariff
from pbr_opt.quantities import FloatArray, Inspection, nearest

__all__ = ["derive_caseload", "vary"]

_SAME_RELATIVE: Final = 1e-8
"""Segments that differ by less than this are the same: ten digits are kept, and a file may have been made elsewhere."""

_UNFITTED: Final = {
    EVIDENCE: "vary the figure that was derived from it",
    RIVALRY: "use programme.replace(rivalry=...)",
    "minimum_service_gbp": "use programme.replace(minimum_service_gbp=...)",
    "mission_gbp": "use programme.replace(mission_gbp=...)",
}


def derive_caseload(
    case: CentralCase, tariff: Tariff, terms: ContractTerms | None = None, discount_rate: float = 0.0
) -> Caseload:
    """Return the segments that fit a central case under a tariff.

    Inside each group ``p0_i = expit(mu + sigma z_i)`` with z_i the mean of the i-th slice of equal probability of a
    standard normal variable, and mu such that the mean of p0 is the group's deadweight;
    ``p1_i = expit(logit(p0_i) + u)`` with one ``u >= 0`` a group, such that the equilibrium outcome rate at the payable
    tariff is the observed rate.

    Parameters
    ----------
    case : CentralCase
        What is known or assumed of each group.
    tariff : Tariff
        List prices under which the observed rates came about.
    terms : ContractTerms, optional
        What turns them into payments.
    discount_rate : float, optional
        Yearly.

    Returns
    -------
    Caseload
        ``segments_per_group`` segments of equal size for each group, hardest first, in the order of the case's groups.

    Raises
    ------
    InvalidInputError
        When no uplift gives an observed rate, or the tariff prices other groups.

    Notes
    -----
    Providers are taken to have no mission and no minimum service to keep. Rounded to ten significant digits.

    Examples
    --------
    >>> case = CentralCase(["1"], 1000, 0.30, 0.364, response_scale_gbp=250, spread=1.2)
    >>> from pbr_opt.evaluation import evaluate
    >>> people = derive_caseload(case, Tariff(["1"], 400, 3000))
    >>> fitted = evaluate(Programme("p", people, Tariff(["1"], 400, 3000))).metrics
    >>> round(people.deadweight_rate.mean().item(), 9), round(fitted.outcomes / fitted.participants, 9)
    (0.3, 0.364)
    """
    payable = (terms or ContractTerms()).payable(tariff.aligned(case.groups))
    payments = expected_sustainments(
        case.exit_hazard, payable.sustainment_max, discount_rate, sustainment_window=payable.sustainment_window
    )
    price = payable.outcome_fee_gbp + payable.sustainment_fee_gbp * payments
    readiness = slice_means(case.segments_per_group)
    floors, ceilings = [], []
    for k, name in enumerate(case.groups):
        group = GroupFit(
            name=name,
            price_gbp=float(price[k]),
            deadweight_rate=float(case.deadweight_rate[k]),
            observed_rate=float(case.observed_rate[k]),
            response_scale_gbp=float(case.response_scale_gbp[k]),
            curvature=float(case.curvature[k]),
            readiness=case.spread[k] * readiness,
        )
        floor = group.deadweight_logits()
        floors.append(expit(floor))
        ceilings.append(group.ceilings(floor))
    return _assemble(case, np.concatenate(floors), np.concatenate(ceilings))


def _assemble(case: CentralCase, floor: FloatArray, ceiling: FloatArray) -> Caseload:
    """Return the caseload of fitted rates, everything else repeated for each segment of a group."""
    cut = case.segments_per_group
    return Caseload(
        np.repeat(np.asarray(case.groups), cut),
        rounded(np.repeat(case.participants / cut, cut)),
        rounded(floor),
        rounded(ceiling),
        np.repeat(case.response_scale_gbp, cut),
        np.repeat(case.curvature, cut),
        np.repeat(case.exit_hazard, cut),
    )


def vary(programme: Programme, figure_id: str, value: float) -> Programme:
    """Return the programme with one input changed and its caseload fitted anew.

    Parameters
    ----------
    programme : Programme
        One with a central case, as it was loaded or varied.
    figure_id : str
        The id of one of its figures, or of one group where the programme has a figure for all or for a family
        (``response_scale_gbp/6``). Other shares of intake shrink or grow in proportion to make room for a new share.
    value : float
        The number to try; the figure's own range does not bind.

    Returns
    -------
    Programme
        Tariff, terms, caseload, values and figures all follow; the changed figure is marked as assumed.

    Raises
    ------
    UnsupportedModelError
        When the programme has no central case, or a mission or minimum service that the fit does not know.
    InvalidInputError
        An unknown id, a number outside its domain, a world that cannot fit the observed rates, or a programme that was
        changed by hand since it was loaded.

    Examples
    --------
    >>> case = CentralCase(["1"], 1000, 0.30, 0.364, response_scale_gbp=250, spread=1.2)
    >>> vary(Programme("p", derive_caseload(case, Tariff(["1"], 0, 3000)), Tariff(["1"], 0, 3000)), "spread", 1.0)
    Traceback (most recent call last):
        ...
    pbr_opt.errors.UnsupportedModelError: p has no central case: its segments were given and not derived
    """
    case = programme.central_case
    if case is None:
        raise UnsupportedModelError(f"{programme.name} has no central case: its segments were given and not derived")
    if programme.mission_gbp.any() or programme.minimum_service_gbp.any():
        raise UnsupportedModelError(f"{programme.name} has a mission or a minimum service, which the fit leaves out")
    _require_unchanged(programme, case)
    return programme.replace(**_contents(_changed(_book(programme, case), figure_id, value), case.segments_per_group))


def _book(programme: Programme, case: CentralCase) -> FigureBook:
    return FigureBook(programme.figures, dict(zip(case.groups, case.families, strict=True)))


def _contents(book: FigureBook, segments_per_group: int) -> dict[str, Any]:
    """Return the fields of a programme that its figures say."""
    tariff, terms, rate = book.tariff(), book.terms(), book.number("discount_rate") or 0.0
    case = book.central_case(segments_per_group)
    return {
        "tariff": tariff,
        "terms": terms,
        "discount_rate": rate,
        "central_case": case,
        "caseload": derive_caseload(case, tariff, terms, rate),
        "outcome_value_gbp": book.outcome_value(),
        "base_service_gbp": book.by_group("base_service_gbp", 0.0),
        "figures": tuple(book.figures.values()),
    }


def _changed(book: FigureBook, figure_id: str, value: float) -> FigureBook:
    """Return the figures with one of them set, checked."""
    check = Inspection(f"vary '{figure_id}'")
    number = check.number("value", value, lowest=-1e15)
    name, _, place = figure_id.partition("/")
    if name in _UNFITTED:
        check.fault("figure_id", figure_id, "a figure that the fit reads", _UNFITTED[name])
    elif figure_id in book.figures or _holds_for_several(book, name, place):
        inspect_figure(check, "value", figure_id, number, book.labels)
    else:
        options = [key for key in book.figures if not key.startswith(EVIDENCE)]
        check.fault("figure_id", figure_id, "a figure of this programme", nearest(figure_id, options))
    check.finish()
    figures = {**book.figures, figure_id: _reset(book, figure_id, number)}
    if name == "intake_share":
        figures |= _room_for(book, figure_id, number)
    return FigureBook(figures.values(), book.families)


def _holds_for_several(book: FigureBook, name: str, place: str) -> bool:
    """Whether a figure that holds for a family or for all, or a ratio, says this of the place."""
    if name == "deadweight_rate":
        return place in book.groups
    return name in FIELDS and bool(place) and book.number(name, place) is not None


def _reset(book: FigureBook, figure_id: str, value: float) -> Figure:
    """Return a figure with another number, marked as assumed, its range widened to hold it."""
    old = book.figures.get(figure_id)
    if old is None:
        unit = FIELDS[figure_id.partition("/")[0]].unit
        return Figure(figure_id, value, unit, "assumed", note="set for a trial; the programme has it for all groups")
    if old.value == value:
        return old
    low, high = old.range
    return replace(
        old,
        value=value,
        status="assumed",
        low=min(low, value),
        high=max(high, value),
        note=f"set for a trial; the programme says {old.value:.10g} ({old.status})",
    )


def _room_for(book: FigureBook, figure_id: str, share: float) -> dict[str, Figure]:
    """Return the other shares of intake, in their own proportion, so that all add up to 1."""
    shares = {key: figure for key, figure in book.figures.items() if key.startswith("intake_share/")}
    others = {key: figure for key, figure in shares.items() if key != figure_id}
    left = sum(figure.value for figure in others.values())
    if not left > 0.0:
        place = [Fault("figure_id", figure_id, "a share with others to make room", "change the taper instead")]
        raise InvalidInputError("vary", place)
    return {key: _reset(book, key, figure.value * (1.0 - share) / left) for key, figure in others.items()}


@lru_cache(maxsize=8)  # programmes are frozen, and one programme is varied many times
def _require_unchanged(programme: Programme, case: CentralCase) -> None:
    """Raise unless the programme is what its figures say: a change by hand would be lost without a word."""
    said = programme.replace(**_contents(_book(programme, case), case.segments_per_group))
    check = Inspection(f"Programme '{programme.name}'")
    same = {
        "tariff, terms": programme.tariff == said.tariff and programme.payable() == said.payable(),
        "discount_rate": programme.discount_rate == said.discount_rate,
        "central_case": programme.central_case == said.central_case,
        "outcome_value_gbp": _same(programme.outcome_value_gbp, said.outcome_value_gbp),
        "base_service_gbp": _same(programme.base_service_gbp, said.base_service_gbp),
        "caseload": _same_people(programme.caseload, said.caseload),
    }
    for name in (name for name, kept in same.items() if not kept):
        check.fault(name, "something else than the figures say", "the programme as loaded", "vary first, then replace")
    check.finish()


def _same(one: FloatArray | None, other: FloatArray | None) -> bool:
    return one is other or (one is not None and other is not None and np.array_equal(one, other))


def _same_people(one: Caseload, other: Caseload) -> bool:
    columns = ("participants", "deadweight_rate", "ceiling_rate", "response_scale_gbp", "curvature", "exit_hazard")
    if len(one) != len(other) or one.groups != other.groups:
        return False
    return all(np.allclose(getattr(one, n), getattr(other, n), rtol=_SAME_RELATIVE, atol=0.0) for n in columns)
