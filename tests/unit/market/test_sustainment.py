"""Expected sustainment payments: shapes and corners."""

from __future__ import annotations

import numpy as np
import pytest

from pbr_opt.market.sustainment import expected_sustainments, period_discount_factor


def test_scalars_and_columns() -> None:
    assert expected_sustainments(0.1, 13).shape == ()
    assert expected_sustainments([0.1, 0.2], 13).shape == (2,)
    assert expected_sustainments([0.1, 0.2], [13, 0]).tolist()[1] == 0.0


def test_a_window_without_reentry_is_a_smaller_cap() -> None:
    assert expected_sustainments(0.1, 13, sustainment_window=5) == expected_sustainments(0.1, 5)
    assert expected_sustainments(0.1, 5, sustainment_window=13) == expected_sustainments(0.1, 5)


def test_everybody_comes_back_at_once_and_all_is_paid_in_the_end() -> None:
    assert expected_sustainments(0.5, 13, reentry_rate=1.0).item() == pytest.approx(13.0)
    assert expected_sustainments(1.0, 13, reentry_rate=1.0).item() == 0.0


def test_reentry_in_one_segment_leaves_another_alone() -> None:
    mixed = expected_sustainments(0.1, 13, reentry_rate=[0.0, 0.5])
    np.testing.assert_allclose(mixed[0], expected_sustainments(0.1, 13), rtol=1e-12)
    assert mixed[1] > mixed[0]


def test_a_year_of_periods_discounts_a_year() -> None:
    assert period_discount_factor(0.0) == 1.0
    assert period_discount_factor(0.035) ** 13 == pytest.approx(1 / 1.035)
