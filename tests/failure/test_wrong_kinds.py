"""Things of the wrong kind, as they come out of tables and notebooks, are refused in the same words as bad numbers."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

import numpy as np
import pytest

from pbr_opt.design.limits import Budget
from pbr_opt.design.objectives import Parked, SupportShortfall
from pbr_opt.design.optimise import optimise
from pbr_opt.design.settings import DesignSettings
from pbr_opt.errors import InvalidInputError
from pbr_opt.market.caseload import Caseload
from pbr_opt.market.evidence import Figure
from pbr_opt.market.tariffs import Tariff
from tests.failure.test_bad_input import FOREIGN, PEOPLE, PRICES, PROGRAMME, caseload, programme

PAID_LATER: Final = Tariff(["young", "older"], 400, 1200, 170, 13)

WRONG_KINDS: Final[dict[str, Callable[[], object]]] = {
    "no group column": lambda: caseload(group=None),
    "one word for all groups": lambda: caseload(group="young"),
    "a number for all groups": lambda: caseload(group=7),
    "a set of groups": lambda: caseload(group={"young", "older"}),
    "a matrix of groups": lambda: caseload(group=[["a", "b"], ["c", "d"]]),
    "ragged groups": lambda: caseload(group=[["a", "b"], ["c"]]),
    "dates as people": lambda: caseload(participants=np.array(["2011-06-01", "2012-06-01"], dtype="M8[D]")),
    "unknown column of a caseload": lambda: PEOPLE.replace(wages=3),
    "unknown column of a tariff": lambda: PRICES.replace(price=3),
    "segments of an unknown group": lambda: PEOPLE.segments_of("oldr"),
    "an unknown group alone": lambda: PROGRAMME.only("oldr"),
    "no tariff groups": lambda: Tariff(None, 0, 1),  # type: ignore[arg-type]
    "price levels of another length": lambda: PRICES.at_price([1, 2, 3]),
    "price level in words": lambda: PRICES.at_price("much"),
    "nan discount rate for a price": lambda: PAID_LATER.effective_price_gbp(PEOPLE, math.nan),
    "discount rate below -1 for a price": lambda: PAID_LATER.effective_price_gbp(PEOPLE, -2.0),
    "a number for the terms": lambda: programme(terms=0.06),
    "a figure in words": lambda: Figure("f", "much", "GBP", "assumed"),  # type: ignore[arg-type]
    "a standard in words": lambda: SupportShortfall("much"),  # type: ignore[arg-type]
    "a limit without a list": lambda: optimise(PROGRAMME, minimise=Parked(), limits=Budget(3)),  # type: ignore[arg-type]
    "half a cell": lambda: DesignSettings(cells=1.5),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("name", WRONG_KINDS)
def test_things_of_the_wrong_kind_are_refused_in_the_same_words(name: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        WRONG_KINDS[name]()
    assert caught.value.faults
    assert not [word for word in FOREIGN if word in str(caught.value)]


def _places(build: Callable[[], object]) -> list[str]:
    with pytest.raises(InvalidInputError) as caught:
        build()
    return [fault.place for fault in caught.value.faults]


def test_the_row_named_is_the_row_at_fault() -> None:
    assert _places(lambda: caseload(group=["a", "a", "a", " "], participants=1)) == ["group[3]"]


def test_a_price_level_is_named_as_what_it_is() -> None:
    assert _places(lambda: PRICES.at_price([math.nan, 1])) == ["price_gbp[0]"]


def test_a_blank_id_is_shown_as_one() -> None:
    with pytest.raises(InvalidInputError, match=r"given ' '|given ''"):
        caseload(group=["young", " "])


def test_a_fault_in_one_column_does_not_hide_a_ceiling_below_the_deadweight() -> None:
    places = _places(lambda: caseload(participants=[-1, 20], deadweight_rate=[0.5, 0.1]))
    assert places == ["participants[0]", "ceiling_rate[0] (group 'young')"]


def test_ceilings_below_the_deadweight_are_counted_like_other_faults() -> None:
    with pytest.raises(InvalidInputError, match="7 more entries of the same kind"):
        Caseload(["a"] * 10, 1, 0.5, 0.4, 500.0)
