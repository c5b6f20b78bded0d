"""The HARA response at its ends."""

from __future__ import annotations

import numpy as np
import pytest

from pbr_opt.market.responses import HaraResponse


def _response(bend: list[float]) -> HaraResponse:
    size = len(bend)
    return HaraResponse(np.full(size, 0.1), np.full(size, 0.5), np.full(size, 400.0), np.array(bend))


@pytest.mark.parametrize("bend", [[0.0, 0.0], [0.0, 0.6], [0.3, 0.9]])
def test_no_support_is_deadweight_and_much_support_nears_the_ceiling(bend: list[float]) -> None:
    response = _response(bend)
    np.testing.assert_allclose(response.outcome_rate(np.zeros(2)), 0.1, rtol=1e-12)
    far = response.outcome_rate(np.full(2, 1e300))
    assert np.all((far > 0.49) & (far <= 0.5))


@pytest.mark.parametrize("bend", [[0.0, 0.0], [0.2, 0.7]])
def test_the_slope_is_the_slope(bend: list[float]) -> None:
    response = _response(bend)
    support, step = np.array([50.0, 900.0]), 1e-3
    rise = response.outcome_rate(support + step) - response.outcome_rate(support - step)
    # A central difference of step h is off by h**2 p'''/6: some 1e-15 here, less than the rounding of the two rates.
    np.testing.assert_allclose(response.marginal_outcome_rate(support), rise / (2 * step), rtol=1e-7)


def test_the_first_pound_is_worth_one_over_the_threshold() -> None:
    response = _response([0.0, 0.5])
    np.testing.assert_allclose(
        response.marginal_outcome_rate(np.zeros(2)), 1 / response.parking_threshold_gbp, rtol=1e-12
    )


def test_shapes_broadcast_over_prices() -> None:
    response = _response([0.0, 0.5])
    assert response.outcome_rate(np.zeros((7, 2))).shape == (7, 2)
    assert response.reach.tolist() == [0.4, 0.4]
    assert (_response([0.0]).is_exponential, _response([0.1]).is_exponential) == (True, False)
