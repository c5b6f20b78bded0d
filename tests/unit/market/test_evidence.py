"""Figures: status and range."""

from __future__ import annotations

import pytest

from pbr_opt.errors import InvalidInputError
from pbr_opt.market.evidence import STATUSES, Figure


@pytest.mark.parametrize("status", STATUSES)
def test_only_sourced_figures_rest_on_a_source(status: str) -> None:
    assert Figure("f", 1.0, "GBP", status).rests_on_a_source == (status in {"confirmed", "derived"})


def test_the_range_is_the_value_unless_given() -> None:
    assert Figure("f", 5.0, "GBP", "assumed").range == (5.0, 5.0)
    assert Figure("f", 5.0, "GBP", "assumed", low=3.0).range == (3.0, 5.0)
    assert Figure("f", 5.0, "GBP", "assumed", low=3.0, high=9.0).range == (3.0, 9.0)


def test_a_negative_figure_is_a_figure() -> None:
    assert Figure("f", -5.0, "GBP", "assumed").value == -5.0


def test_a_number_written_as_text_becomes_a_number() -> None:
    assert Figure("f", "5", "GBP", "assumed").value * 2 == 10.0  # type: ignore[arg-type]


@pytest.mark.parametrize("ends", [(6.0, 9.0), (1.0, 4.0)])
def test_a_range_that_misses_the_value_is_refused(ends: tuple[float, float]) -> None:
    with pytest.raises(InvalidInputError, match="holds the value, 5"):
        Figure("f", 5.0, "GBP", "assumed", low=ends[0], high=ends[1])
