"""Limits: how they read, and the bounds they give."""

from __future__ import annotations

import pytest

from pbr_opt.design.limits import PRICE_CEILING_GBP, Budget, PriceRange, PriceStep
from pbr_opt.errors import InvalidInputError


@pytest.mark.parametrize(
    ("limit", "words"),
    [
        (Budget(2.5e6), "Budget(£2,500,000)"),
        (PriceRange(0, 9000), "PriceRange(£0 to £9,000)"),
        (PriceRange({"a": 1000}, 9000), "PriceRange('a' £1,000 to £9,000)"),
        (PriceStep(0.5), "PriceStep(£0.5)"),
    ],
)
def test_limits_read_as_people_write_them(limit: object, words: str) -> None:
    assert str(limit) == words


def test_a_budget_is_a_number_of_pounds() -> None:
    assert Budget(3).gbp == 3.0
    assert Budget(3) == Budget(3.0)


def test_groups_left_out_are_free_up_to_the_ceiling() -> None:
    lower, upper = PriceRange({"a": 1000}, {"b": 2000}).bounds(["a", "b"])
    assert lower.tolist() == [1000.0, 0.0]
    assert upper.tolist() == [PRICE_CEILING_GBP, 2000.0]


def test_one_price_for_all() -> None:
    lower, upper = PriceRange(10, 10).bounds(["a", "b"])
    assert lower.tolist() == upper.tolist() == [10.0, 10.0]


def test_keys_may_be_numbers() -> None:
    assert PriceRange(0, {7: 5.0}).bounds(["7"])[1].tolist() == [5.0]  # type: ignore[dict-item]


def test_faults_of_both_ends_at_once() -> None:
    with pytest.raises(InvalidInputError) as caught:
        PriceRange({"a": -1, "x": 2}, {"y": 3}).bounds(["a"])
    assert [fault.place for fault in caught.value.faults] == ["lower_gbp['x']", "lower_gbp[0]", "upper_gbp['y']"]
