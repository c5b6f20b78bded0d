"""What is doubtful about a programme although it can be used: warnings, apart from errors, each with its place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np

from pbr_opt.analysis.calibration import derive_caseload
from pbr_opt.design.conflicts import require_feasible
from pbr_opt.design.limits import Budget
from pbr_opt.design.problem import DesignProblem
from pbr_opt.errors import DesignInfeasibleError, Fault, InvalidInputError
from pbr_opt.market.figure_ids import EVIDENCE
from pbr_opt.market.programme import Programme
from pbr_opt.programmes.chains import CHAIN
from pbr_opt.programmes.content import settled_figures
from pbr_opt.programmes.files import Reading

__all__ = ["doubts"]

_SHOWN: Final = 5
_SAME_RELATIVE: Final = 1e-8
"""Segments that differ by less are the same: files keep ten digits."""


def doubts(reading: Reading) -> tuple[Fault, ...]:
    """Return what somebody should look at before believing results.

    A price above what an outcome is worth; a budget below what any tariff costs that meets the limits, or below what
    providers have to spend anyway; numbers without a range that nobody vouches for; segments that are not those that
    the central case gives.

    Parameters
    ----------
    reading : Reading
        A programme without errors.

    Returns
    -------
    tuple of Fault
        Place, what is there, what one would expect, what to try.

    Examples
    --------
    >>> from pbr_opt.programmes.registry import open_programme
    >>> doubts(open_programme("worked_example"))
    ()
    """
    programme = reading.programme
    found = (_dear(programme, reading.places), _poor(reading), _without_range(programme, reading.places),
             _other_segments(programme))  # fmt: skip
    return tuple(doubt for part in found for doubt in part)


def _dear(programme: Programme, places: Mapping[str, str]) -> Iterator[Fault]:
    """Yield groups in which an outcome pays more than it is worth."""
    value = programme.outcome_value_gbp
    if value is None:
        return
    paid = programme.payable().price_gbp
    for g, group in enumerate(programme.caseload.groups):
        if paid[g] > value[g] > 0.0:
            yield Fault(
                _place(places, f"tariff/{group}/outcome_fee_gbp", f"group '{group}'"),
                f"up to £{paid[g]:,.0f} for an outcome",
                f"at most what an additional outcome is worth, £{value[g]:,.0f}",
                "lower the price, or the value is too low",
            )


def _place(places: Mapping[str, str], figure_id: str, otherwise: str) -> str:
    return places.get(figure_id, otherwise)


def _poor(reading: Reading) -> Iterator[Fault]:
    """Yield a budget that cannot be kept, or that leaves primes with a loss whatever they do."""
    question, programme = reading.question, reading.programme
    budgets = [] if question is None else [limit for limit in question.limits if isinstance(limit, Budget)]
    if question is None or not budgets:
        return
    place, budget = reading.asked_at.get("budget", "budget"), budgets[-1].gbp
    least = _least_accepted_gbp(programme)
    if budget < least:
        yield Fault(
            place,
            f"£{budget:,.0f}",
            f"at least £{least:,.0f}, what providers have to spend whatever they are paid",
            "no prime would accept any tariff within this budget",
        )
    try:
        require_feasible(DesignProblem(programme, question.objective, question.limits))
    except DesignInfeasibleError as error:
        yield Fault(place, f"£{budget:,.0f}", "a budget within which some tariff meets the limits", error.message)


def _least_accepted_gbp(programme: Programme) -> float:
    """Return what a tariff has to pay at least so that those who accept it make no loss.

    Spend is support, base service, fixed costs and profit; support and profit are at least nothing.
    """
    people = programme.caseload.group_participants
    base = np.maximum(programme.base_service_gbp, programme.minimum_service_gbp)
    chain = programme.supply_chain
    primes = () if chain is None else chain.payees(chain.department.name)
    return float(people @ base) + sum(prime.fixed_cost_gbp for prime in primes)


def _without_range(programme: Programme, places: Mapping[str, str]) -> Iterator[Fault]:
    """Yield numbers that nobody vouches for and that have no range: what rests on them cannot be said."""
    open_ids = [
        figure.id
        for figure in settled_figures(programme)
        if figure.status in ("assumed", "unconfirmed")
        and figure.range == (figure.value, figure.value)
        and figure.id.partition("/")[0] not in (EVIDENCE, CHAIN)
    ]
    for figure_id in open_ids[:_SHOWN]:
        given = f"{figure_id}, assumed or recalled, without a range"
        yield Fault(_place(places, figure_id, figure_id), given, "a lowest and a highest value", "say what is possible")
    if len(open_ids) > _SHOWN:
        more = f"{len(open_ids) - _SHOWN} more numbers without a range"
        yield Fault(_place(places, open_ids[_SHOWN], open_ids[_SHOWN]), more, "a lowest and a highest value")


def _other_segments(programme: Programme) -> Iterator[Fault]:
    """Yield segments that are not those which the central case gives: changing one figure would change both."""
    case = programme.central_case
    if case is None or programme.supply_chain is not None:
        return  # with a chain in place segments are fitted to other rates
    try:
        derived = derive_caseload(case, programme.tariff, programme.terms, programme.discount_rate)
    except InvalidInputError as error:
        fault = error.faults[0]
        yield Fault(f"segments, {fault.place}", fault.given, fault.wanted, "the figures of the central case do not fit")
        return
    own = programme.caseload
    same = len(derived) == len(own) and all(
        np.allclose(getattr(derived, name), getattr(own, name), rtol=_SAME_RELATIVE, atol=0.0)
        for name in ("participants", "deadweight_rate", "ceiling_rate", "response_scale_gbp")
    )
    if not same:
        wanted = "those that the figures of the central case give"
        yield Fault("segments", "other segments", wanted, "leave the segments out, and they are derived")
