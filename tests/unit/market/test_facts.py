"""Facts and priors: distances on the right side, values inside the range, faults together."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pbr_opt import InvalidInputError
from pbr_opt.market.facts import PRIOR_SHAPES, Fact, Prior


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e3), st.floats(-1e6, 1e6))
def test_one_sided_distances_add_up_to_the_two_sided_one(value: float, tolerance: float, predicted: float) -> None:
    distances = [
        Fact("f", value, tolerance, kind).implausibility(np.array([predicted])).item()
        for kind in ("equal", "at_least", "at_most")
    ]
    assert distances[0] == distances[1] + distances[2]
    assert min(distances) >= 0.0
    assert distances[1] * distances[2] == 0.0


@given(st.sampled_from(PRIOR_SHAPES), st.floats(1e-3, 1e3), st.floats(0, 1e3), st.floats(0, 1))
def test_values_stay_in_the_range_and_rise(shape: str, low: float, width: float, quantile: float) -> None:
    if shape == "whole":
        low, width = np.ceil(low), np.ceil(width)
    prior = Prior("p", low, low + width, shape)
    points = np.sort([0.0, quantile, 1.0])
    values = prior.at(points)
    assert (np.diff(values) >= 0).all()
    assert (values >= low * (1 - 1e-12)).all()
    assert (values <= (low + width) * (1 + 1e-12)).all()


@given(st.sampled_from(("uniform", "log", "whole")), st.floats(0, 1))
def test_the_quantile_of_a_value_gives_the_value_back(shape: str, quantile: float) -> None:
    prior = Prior("p", 3.0, 17.0, shape)
    value = prior.at(np.array([quantile])).item()
    assert prior.at(np.array([prior.quantile(value)])).item() == pytest.approx(value)


def test_every_whole_number_is_as_likely() -> None:
    values = Prior("p", 13, 26, "whole").at((np.arange(14_000) + 0.5) / 14_000)
    assert set(np.bincount(values.astype(int))[13:]) == {1000}


def test_a_range_of_one_value_is_that_value() -> None:
    assert Prior("p", 5.0, 5.0).quantile(5.0) == 0.5
    assert Prior("p", 5.0, 5.0).at(np.array([0.0, 1.0])).tolist() == [5.0, 5.0]


def test_faults_come_together() -> None:
    with pytest.raises(InvalidInputError) as caught:
        Fact("f", float("nan"), 0.0, "near", status="sure")
    assert len(caught.value.faults) == 4
    with pytest.raises(InvalidInputError) as caught:
        Prior("p", 0.0, -1.0, "log", status="sure")
    assert [fault.place for fault in caught.value.faults] == ["low, high", "low", "status"]
