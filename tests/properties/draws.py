"""Draws of caseloads, tariffs and programmes that are meant to hurt.

Ties, single groups, single segments, nobody in some segments, zero deadweight, ceilings equal to the deadweight, money
from a tenth of a penny to ten million pounds, prices exactly on parking thresholds, zero fees, hazards of 0 and 1,
curvatures up to .95, minimum service, mission.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from pbr_opt.market.caseload import Caseload
from pbr_opt.market.programme import Programme
from pbr_opt.market.tariffs import ContractTerms, Tariff

LEAST_GBP: Final = 1e-3
MOST_GBP: Final = 1e7

Floats = NDArray[np.float64]

LEAST_RATE: Final = 1e-6
"""Rates are 0 or at least this: one person in a million. Below 1e-300 quotients overflow, which is nobody's case."""

RATES: Final = st.one_of(st.sampled_from([0.0, LEAST_RATE, 0.02, 0.12, 0.3, 0.5, 1.0]), st.floats(LEAST_RATE, 1.0))
REACHES: Final = st.one_of(st.sampled_from([0.0, 0.01, 0.3, 0.5, 1.0]), st.floats(1e-3, 1.0))
"""Share of the way from deadweight to 1 that support can go; 0 makes the ceiling equal to the deadweight."""
CURVATURES: Final = st.one_of(st.sampled_from([0.0, 1e-6, 0.1, 0.5, 0.95]), st.floats(0.0, 0.95, allow_subnormal=False))
HAZARDS: Final = st.one_of(st.sampled_from([0.0, 0.02, 0.1, 1.0]), st.floats(0.0, 1.0, allow_subnormal=False))
SCALES: Final = st.one_of(
    st.sampled_from([LEAST_GBP, 1.0, 250.0, 600.0, 1e4, MOST_GBP]), st.floats(LEAST_GBP, MOST_GBP)
)
MONEY: Final = st.one_of(
    st.sampled_from([0.0, LEAST_GBP, 1.0, 600.0, 2000.0, 4000.0, 1e5, MOST_GBP]),
    st.floats(LEAST_GBP, 2e4),
    st.floats(LEAST_GBP, MOST_GBP),
)
PEOPLE: Final = st.one_of(st.sampled_from([0.0, 0.5, 1.0, 100.0, 1e6]), st.floats(0.01, 1e5))
FACTORS: Final = st.one_of(st.sampled_from([0.5, 2.0, 3.0, 1e-2, 1e2]), st.floats(0.01, 100.0))


@st.composite
def caseloads(draw: st.DrawFn, *, most: int = 7, exponential: bool | None = None) -> Caseload:
    """Draw a caseload of up to ``most`` segments; ``exponential`` settles whether every curvature is 0."""
    size = draw(st.integers(1, most))
    distinct = draw(st.integers(1, size))  # the other rows repeat these: ties
    curved = draw(st.booleans()) if exponential is None else not exponential
    base = [
        (low, low + (1.0 - low) * draw(REACHES), draw(SCALES), draw(CURVATURES) if curved else 0.0, draw(HAZARDS))
        for low in (draw(RATES) for _ in range(distinct))
    ]
    rows = base + [base[draw(st.integers(0, distinct - 1))] for _ in range(size - distinct)]
    groups = [draw(st.sampled_from("abcd")) for _ in range(size)]
    people = [draw(PEOPLE) for _ in range(size)]
    people[draw(st.integers(0, size - 1))] = draw(st.sampled_from([1.0, 250.0]))  # somebody, somewhere
    low, high, scale, bend, hazard = (np.array(column) for column in zip(*rows, strict=True))
    return Caseload(groups, people, low, np.minimum(high, 1.0), scale, bend, hazard)


@st.composite
def prices(draw: st.DrawFn, caseload: Caseload) -> Floats:
    """Draw one price a segment: zero, anything, exactly the segment's threshold, or a hair beside it."""
    return np.array([draw(_price(threshold)) for threshold in caseload.parking_threshold_gbp])


def _price(threshold: float) -> st.SearchStrategy[float]:
    if threshold > MOST_GBP:
        return MONEY
    return st.one_of(
        MONEY,
        st.sampled_from([threshold, threshold * (1 - 1e-9), threshold * (1 + 1e-9), threshold / 2, threshold * 1.25]),
    )


@st.composite
def tariffs(draw: st.DrawFn, caseload: Caseload, *, sustained: bool = True) -> Tariff:
    """Draw list prices for a caseload's groups, in any order; some exactly on a threshold of the group."""
    groups = draw(st.permutations(caseload.groups))
    size = len(groups)
    outcome = []
    for group in groups:
        thresholds = caseload.parking_threshold_gbp[caseload.segments_of(group)]
        outcome.append(draw(_price(float(thresholds[draw(st.integers(0, thresholds.size - 1))]))))
    pays_sustainment = sustained and draw(st.booleans())
    return Tariff(
        groups,
        [draw(MONEY) for _ in range(size)] if draw(st.booleans()) else 0.0,
        outcome,
        [draw(MONEY) for _ in range(size)] if pays_sustainment else 0.0,
        [draw(st.sampled_from([0, 1, 13, 26])) for _ in range(size)] if pays_sustainment else 0,
        draw(st.sampled_from([0, 0, 5])) if pays_sustainment else 0,
    )


@st.composite
def programmes(draw: st.DrawFn, *, plain: bool = False, exponential: bool | None = None, most: int = 7) -> Programme:
    """Draw a programme; a ``plain`` one has no mission, no minimum service and pays list prices."""
    caseload = draw(caseloads(most=most, exponential=exponential))
    size = len(caseload.groups)
    options: dict[str, Any] = {}
    if not plain:
        if draw(st.booleans()):
            options["mission_gbp"] = [draw(MONEY) for _ in range(size)]
        if draw(st.booleans()):
            options["minimum_service_gbp"] = [draw(st.sampled_from([0.0, 1e-3, 50.0, 600.0, 1e5])) for _ in range(size)]
        options["terms"] = draw(
            st.sampled_from([ContractTerms(), ContractTerms(0.06, [1, 0.75, 0], [0.5, 0.25, 0.25]), ContractTerms(1.0)])
        )
        options["discount_rate"] = draw(st.sampled_from([0.0, 0.035, 1.0]))
        options["base_service_gbp"] = draw(st.sampled_from([0.0, 450.0]))
    if draw(st.booleans()):
        options["outcome_value_gbp"] = [draw(MONEY) for _ in range(size)]
    return Programme("drawn", caseload, draw(tariffs(caseload, sustained=not plain)), **options)


def shuffled(caseload: Caseload, order: list[int]) -> Caseload:
    """Return the caseload with its rows in another order."""
    return caseload.take(np.asarray(order, dtype=np.int64))
