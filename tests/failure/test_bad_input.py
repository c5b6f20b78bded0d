"""Bad input: one error that lists every fault, with place, given, wanted and what to try; never a numpy traceback."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

import numpy as np
import pytest

from pbr_opt.design.limits import Budget, Limit, PriceRange, PriceStep
from pbr_opt.design.objectives import (
    FirstPoundLoss,
    NetSocialValue,
    Parked,
    SegmentContext,
    SupportShortfall,
    TotalSupport,
    WorstServed,
)
from pbr_opt.design.optimise import optimise
from pbr_opt.design.settings import DesignSettings
from pbr_opt.errors import (
    DesignInfeasibleError,
    InvalidInputError,
    PbrError,
    SolverError,
    UnsupportedModelError,
)
from pbr_opt.evaluation import evaluate
from pbr_opt.market.caseload import Caseload
from pbr_opt.market.evidence import Figure
from pbr_opt.market.programme import Programme
from pbr_opt.market.tariffs import ContractTerms, Tariff

NAN: Final = math.nan
INF: Final = math.inf

PEOPLE: Final = Caseload(["young", "older"], [10, 20], 0.1, 0.4, 500.0)
PRICES: Final = Tariff(["young", "older"], 0, [1000, 2000])
PROGRAMME: Final = Programme("p", PEOPLE, PRICES)

FOREIGN: Final = ("could not convert", "broadcast", "inhomogeneous", "ufunc", "numpy", "object is not", "NoneType")
"""Words of other people's tracebacks."""


def caseload(**changes: object) -> Caseload:
    """Return a good caseload of two segments with some columns replaced."""
    columns: dict[str, Any] = {
        "group": ["young", "older"],
        "participants": [10, 20],
        "deadweight_rate": 0.1,
        "ceiling_rate": 0.4,
        "response_scale_gbp": 500.0,
    }
    return Caseload(**(columns | changes))


def tariff(**changes: object) -> Tariff:
    """Return a good tariff of two groups with some columns replaced."""
    columns: dict[str, Any] = {"groups": ["young", "older"], "attachment_fee_gbp": 400, "outcome_fee_gbp": 1200}
    return Tariff(**(columns | changes))


def programme(**changes: object) -> Programme:
    """Return a good programme with some fields replaced."""
    fields: dict[str, Any] = {"name": "p", "caseload": PEOPLE, "tariff": PRICES}
    return Programme(**(fields | changes))


def least_parked(*limits: Limit) -> object:
    """Ask for the fewest parked within limits."""
    return optimise(PROGRAMME, minimise=Parked(), limits=limits)


Case = tuple[Callable[[], object], tuple[str, ...], str]
"""What is done, the places that must be named (all of them), and words of the remedy or of what is wanted."""

MONEY: Final[dict[str, Case]] = {
    "nan scale": (lambda: caseload(response_scale_gbp=[NAN, 1]), ("response_scale_gbp[0]",), "above 0"),
    "zero scale": (lambda: caseload(response_scale_gbp=[0, 1]), ("response_scale_gbp[0]",), "above 0"),
    "infinite scale": (lambda: caseload(response_scale_gbp=[1, INF]), ("response_scale_gbp[1]",), "finite"),
    "nan attachment fee": (lambda: tariff(attachment_fee_gbp=[NAN, 0]), ("attachment_fee_gbp[0]",), "finite money"),
    "infinite outcome fee": (lambda: tariff(outcome_fee_gbp=[0, INF]), ("outcome_fee_gbp[1]",), "finite money"),
    "negative fees": (
        lambda: tariff(outcome_fee_gbp=[0, -5], sustainment_fee_gbp=[-1, 0]),
        ("outcome_fee_gbp[1]", "sustainment_fee_gbp[0]"),
        "at least £0",
    ),
    "money as text": (
        lambda: tariff(attachment_fee_gbp="£400", outcome_fee_gbp="1,200"),
        ("attachment_fee_gbp", "outcome_fee_gbp"),
        "without £, % or commas",
    ),
    "negative value": (lambda: programme(outcome_value_gbp=[1, -1]), ("outcome_value_gbp[1]",), "at least £0"),
    "nan minimum service": (
        lambda: programme(minimum_service_gbp=[NAN, 0]),
        ("minimum_service_gbp[0]",),
        "finite money",
    ),
    "mission as text": (lambda: programme(mission_gbp="much"), ("mission_gbp",), "plain numbers"),
    "nan budget": (lambda: Budget(NAN), ("gbp",), "finite number"),
    "infinite budget": (lambda: Budget(INF), ("gbp",), "finite number"),
    "negative budget": (lambda: Budget(-1), ("gbp",), "at least 0"),
    "budget as text": (lambda: Budget("1m"), ("gbp",), "without £, % or commas"),  # type: ignore[arg-type]
    "no budget": (lambda: Budget(None), ("gbp",), "a number"),  # type: ignore[arg-type]
    "step of nothing": (lambda: PriceStep(0), ("gbp",), "at least 0.01"),
    "nan step": (lambda: PriceStep(NAN), ("gbp",), "finite"),
    "negative lower price": (
        lambda: least_parked(PriceRange({"young": -1})),
        ("lower_gbp[0]",),
        "at least £0",
    ),
    "infinite upper price": (
        lambda: least_parked(PriceRange(0, {"older": INF})),
        ("upper_gbp[1]",),
        "finite money",
    ),
    "no standard of support": (lambda: SupportShortfall(0), ("standard_gbp",), "above £0"),
    "nan standard of support": (lambda: SupportShortfall(NAN), ("standard_gbp",), "finite"),
}

RATES: Final[dict[str, Case]] = {
    "per cent": (lambda: caseload(deadweight_rate=[30, 0.2]), ("deadweight_rate[0]",), "divide per cents by 100"),
    "negative rate": (lambda: caseload(ceiling_rate=[0.4, -0.1]), ("ceiling_rate[1]",), "between 0 and 1"),
    "nan hazard": (lambda: caseload(exit_hazard=[NAN, 0]), ("exit_hazard[0]",), "between 0 and 1"),
    "hazard above one": (lambda: caseload(exit_hazard=[0, 1.5]), ("exit_hazard[1]",), "between 0 and 1"),
    "reentry below nought": (lambda: caseload(reentry_rate=[-0.1, 0]), ("reentry_rate[0]",), "between 0 and 1"),
    "curvature of one": (lambda: caseload(curvature=[0, 1]), ("curvature[1]",), "below 1"),
    "ceiling below deadweight": (
        lambda: caseload(deadweight_rate=[0.1, 0.5]),
        ("ceiling_rate[1] (group 'older')",),
        "at least the deadweight rate, 0.5",
    ),
    "discount above one": (lambda: ContractTerms(1.5), ("bid_discount",), "at most 1"),
    "no discount": (lambda: ContractTerms(None), ("bid_discount",), "a number"),  # type: ignore[arg-type]
    "shares short of one": (lambda: ContractTerms(0, [1, 0.5], [0.5, 0.4]), ("intake_share",), "add up to 1"),
    "no contract years": (lambda: ContractTerms(0, [], []), ("intake_share",), "add up to 1"),
    "taper above one": (lambda: ContractTerms(0, [1, 2], [0.5, 0.5]), ("attachment_taper[1]",), "between 0 and 1"),
    "negative discount rate": (lambda: programme(discount_rate=-0.1), ("discount_rate",), "at least 0"),
    "nan discount rate": (lambda: programme(discount_rate=NAN), ("discount_rate",), "finite"),
    "discount rate as text": (lambda: programme(discount_rate="3.5%"), ("discount_rate",), "without £, %"),
}

PEOPLE_AND_GROUPS: Final[dict[str, Case]] = {
    "nobody": (lambda: caseload(participants=0), ("participants",), "a sum above 0"),
    "negative people": (lambda: caseload(participants=[-1, 1]), ("participants[0]",), "at least 0"),
    "infinite people": (lambda: caseload(participants=[1, INF]), ("participants[1]",), "finite"),
    "missing people": (lambda: caseload(participants=[None, 1]), ("participants[0]",), "finite"),
    "empty caseload": (lambda: caseload(group=[], participants=[]), ("group",), "at least one segment"),
    "no rows": (lambda: PEOPLE.take(np.array([], dtype=np.int64)), ("group",), "at least one segment"),
    "blank id": (lambda: caseload(group=["young", " "]), ("group[1]",), "not blank"),
    "missing id": (lambda: caseload(group=["young", None]), ("group[1]",), "not blank"),
    "nan id": (lambda: caseload(group=[1.0, NAN]), ("group[1]",), "not blank"),
    "duplicate group": (lambda: tariff(groups=["young", "young"]), ("groups",), "each payment group once"),
    "duplicate after trimming": (lambda: tariff(groups=["young", "young "]), ("groups",), "each payment group once"),
    "no groups": (lambda: tariff(groups=[]), ("groups",), "at least one entry"),
    "missing group id": (lambda: tariff(groups=["young", None]), ("groups[1]",), "not blank"),
    "tariff for other groups": (
        lambda: programme(tariff=Tariff(["young", "oldr"], 0, 1)),
        ("tariff", "tariff"),
        "did you mean 'older'?",
    ),
    "tariff short of a group": (
        lambda: evaluate(PROGRAMME, Tariff(["young"], 0, 1)),
        ("group 'older'",),
        "a price for every payment group",
    ),
    "value for an unknown group": (
        lambda: programme(outcome_value_gbp={"young": 1, "oldr": 2}),
        ("outcome_value_gbp", "outcome_value_gbp"),
        "did you mean 'older'?",
    ),
    "names short of a group": (lambda: programme(group_names={"young": "Y"}), ("group_names",), "every payment group"),
    "price for an unknown group": (
        lambda: least_parked(PriceRange({"yong": 5})),
        ("lower_gbp['yong']",),
        "did you mean 'young'?",
    ),
    "lower above upper": (
        lambda: least_parked(PriceRange(10, {"older": 5})),
        ("group 'older'",),
        "a lower at most the upper",
    ),
}

SHAPES: Final[dict[str, Case]] = {
    "too many people": (lambda: caseload(participants=[1, 2, 3]), ("participants",), "one entry a row"),
    "a matrix of people": (lambda: caseload(participants=[[1, 2], [3, 4]]), ("participants",), "one entry a row"),
    "ragged people": (lambda: caseload(participants=[[1, 2], [3]]), ("participants",), "plain numbers"),
    "people in words": (lambda: caseload(participants=["ten", "20"]), ("participants",), "plain numbers"),
    "complex people": (lambda: caseload(participants=[1j, 2]), ("participants",), "plain numbers"),
    "people in a mapping": (lambda: caseload(participants={"young": 1}), ("participants",), "plain numbers"),
    "too many fees": (lambda: tariff(outcome_fee_gbp=[1, 2, 3]), ("outcome_fee_gbp",), "one entry a row"),
    "half a payment": (lambda: tariff(sustainment_max=[13, 1.5]), ("sustainment_max[1]",), "a whole number"),
    "negative window": (lambda: tariff(sustainment_window=[-1, 0]), ("sustainment_window[0]",), "a whole number"),
    "taper of another length": (
        lambda: ContractTerms(0, [1, 0.5, 0.2], [0.5, 0.5]),
        ("attachment_taper",),
        "one entry a row",
    ),
    "values of another length": (
        lambda: programme(outcome_value_gbp=[1, 2, 3]),
        ("outcome_value_gbp",),
        "one entry a row",
    ),
    "replaced by another length": (
        lambda: PEOPLE.replace(participants=[1, 2, 3]),
        ("participants",),
        "one entry a row",
    ),
}

WORDS: Final[dict[str, Case]] = {
    "nouns swapped": (lambda: programme(caseload=PRICES, tariff=PEOPLE), ("caseload", "tariff"), "a Caseload"),
    "a supply chain": (lambda: programme(supply_chain=3), ("supply_chain",), ""),
    "field misspelt": (lambda: PROGRAMME.replace(tarif=PRICES), ("tarif",), "did you mean 'tariff'?"),
    "table misspelt": (lambda: evaluate(PROGRAMME).to_frame("group"), ("table",), "did you mean 'groups'?"),
    "year before the first": (lambda: ContractTerms().in_year(PRICES, 0), ("contract_year",), "from 1 to 1"),
    "status unknown": (lambda: Figure("f", 1, "GBP", "sure"), ("status",), "did you mean 'assumed'?"),
    "range without the value": (
        lambda: Figure("f", 1, "GBP", "assumed", low=2, high=3),
        ("low, high",),
        "holds the value",
    ),
    "method misspelt": (lambda: DesignSettings(method="greeedy"), ("method",), "did you mean 'greedy'?"),
    "settings out of range": (
        lambda: DesignSettings(relative_gap=NAN, cells=0),
        ("relative_gap", "cells"),
        "finite number",
    ),
    "no objective": (lambda: optimise(PROGRAMME), ("minimise, maximise",), "exactly one"),
    "two objectives": (
        lambda: optimise(PROGRAMME, minimise=Parked(), maximise=TotalSupport()),
        ("minimise, maximise",),
        "exactly one",
    ),
    "objective turned round": (lambda: optimise(PROGRAMME, maximise=Parked()), ("Parked",), "minimise=Parked()"),
    "objective by name": (
        lambda: optimise(PROGRAMME, minimise="parked"),  # type: ignore[arg-type]
        ("objective",),
        "Parked()",
    ),
    "objective not made": (
        lambda: optimise(PROGRAMME, minimise=Parked),  # type: ignore[arg-type]
        ("objective",),
        "Parked()",
    ),
    "a number as a limit": (lambda: least_parked(3), ("limits[0]",), "Budget, PriceRange"),  # type: ignore[arg-type]
    "two budgets": (lambda: least_parked(Budget(1), Budget(2)), ("limits[1]",), "one of each kind"),
}

ALL: Final = MONEY | RATES | PEOPLE_AND_GROUPS | SHAPES | WORDS


def _refusal(act: Callable[[], object]) -> InvalidInputError:
    with pytest.raises(InvalidInputError) as caught:
        act()
    return caught.value


@pytest.mark.parametrize("name", ALL)
def test_bad_input_is_refused_with_every_fault(name: str) -> None:
    act, places, words = ALL[name]
    error = _refusal(act)
    assert isinstance(error, ValueError)
    assert isinstance(error, PbrError)
    assert tuple(fault.place for fault in error.faults) == places
    message = str(error)
    assert words in message
    assert message.startswith(error.subject)
    for fault in error.faults:
        assert fault.given.strip()
        assert fault.wanted.strip()
        assert str(fault) in message
    assert not [word for word in FOREIGN if word in message]


def test_all_faults_of_a_caseload_at_once() -> None:
    error = _refusal(
        lambda: caseload(
            group=["young", ""],
            participants=[NAN, -2],
            deadweight_rate=[30, -1],
            ceiling_rate="high",
            response_scale_gbp=[0, INF],
            curvature=[1, 2],
            exit_hazard=[[0.1]],
        )
    )
    assert {fault.place for fault in error.faults} == {
        "group[1]",
        "participants[0]",
        "participants[1]",
        "deadweight_rate[0]",
        "deadweight_rate[1]",
        "ceiling_rate",
        "response_scale_gbp[0]",
        "response_scale_gbp[1]",
        "curvature[0]",
        "curvature[1]",
        "exit_hazard",
    }
    assert str(error).startswith("Caseload has 11 faults:")


def test_all_faults_of_a_tariff_at_once() -> None:
    error = _refusal(
        lambda: Tariff(["a", "a", " "], [NAN, 0, 0], "£5", [-1, 0, INF], [1.5, -1, 2], [0, 0]),
    )
    assert [fault.place for fault in error.faults] == [
        "groups[2]",
        "groups",
        "attachment_fee_gbp[0]",
        "outcome_fee_gbp",
        "sustainment_fee_gbp[0]",
        "sustainment_fee_gbp[2]",
        "sustainment_max[0]",
        "sustainment_max[1]",
        "sustainment_window",
    ]


def test_a_long_list_of_the_same_fault_is_counted_and_not_recited() -> None:
    error = _refusal(lambda: Caseload(["a"] * 1000, 1, 2.0, 0.4, 500.0))
    assert len(error.faults) == 4
    assert error.faults[-1].given == "997 more entries of the same kind"


def test_nothing_half_made_is_left_behind() -> None:
    before = PEOPLE.participants.copy()
    _refusal(lambda: PEOPLE.replace(participants=[-1, 1]))
    np.testing.assert_array_equal(PEOPLE.participants, before)


INFEASIBLE: Final = PROGRAMME.replace(tariff=Tariff(["young", "older"], 400, 1000))


def test_a_budget_below_the_least_feasible_spend_says_what_would_do() -> None:
    # Thirty people at £400 each: 12,000 is spent before a single outcome.
    with pytest.raises(DesignInfeasibleError) as caught:
        optimise(INFEASIBLE, minimise=Parked(), limits=[Budget(11_999)])
    assert caught.value.least_budget_gbp == 12_000.0
    assert "Budget" in caught.value.binding_limits[0]
    assert "£12,000" in str(caught.value)
    assert "£11,999" in str(caught.value)
    assert optimise(INFEASIBLE, minimise=Parked(), limits=[Budget(12_000)]).evaluation.spend_gbp <= 12_000 * (1 + 1e-9)


def test_a_price_floor_that_the_budget_does_not_cover_is_named() -> None:
    # At £1,000 everybody is parked (x_park = 500/.3): 30 * .1 * 1000 = 3,000 on top of 12,000.
    with pytest.raises(DesignInfeasibleError) as caught:
        optimise(INFEASIBLE, minimise=Parked(), limits=[Budget(14_000), PriceRange(1000, 2000)])
    assert caught.value.least_budget_gbp == pytest.approx(15_000.0)
    assert any("PriceRange" in limit for limit in caught.value.binding_limits)


def test_a_step_that_fits_no_price_in_the_range_is_named() -> None:
    with pytest.raises(DesignInfeasibleError) as caught:
        least_parked(PriceRange(1001, 1099), PriceStep(100))
    assert caught.value.least_budget_gbp == INF
    assert len(caught.value.binding_limits) == 2


def test_a_model_outside_the_model_names_the_nearest_inside() -> None:
    with pytest.raises(UnsupportedModelError, match="outcome_value_gbp"):
        optimise(PROGRAMME, maximise=NetSocialValue(), limits=[Budget(5000), PriceStep(100)])
    with pytest.raises(UnsupportedModelError, match="MaxParkedShare"):
        # no sum over participants
        WorstServed().per_participant(evaluate(PROGRAMME).behaviour, SegmentContext.of(PROGRAMME))
    with pytest.raises(UnsupportedModelError, match="method='auto'"):
        optimise(PROGRAMME, minimise=Parked(), settings=DesignSettings(method="greedy"))


def test_a_solver_that_is_not_there_is_named_with_those_that_are() -> None:
    choice = DesignSettings(method="convex", solver="GUROBY")
    with pytest.raises(SolverError, match=r"GUROBY.*CLARABEL"):
        optimise(PROGRAMME, minimise=FirstPoundLoss(), limits=[Budget(3000)], settings=choice)
