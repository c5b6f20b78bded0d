"""Share rules: what they give, what they refuse."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from pbr_opt.errors import InvalidInputError
from pbr_opt.market.rank_rules import RankShare, SmoothedRankShare, sampling_noise
from pbr_opt.market.share_rules import LinearShare, ShareRule, TullockShare

ROUNDING = 1e-12
"""A handful of operations on numbers of at most 1."""


def test_a_linear_share_gives_beta_per_point_of_lead() -> None:
    np.testing.assert_allclose(LinearShare(2.0).shares([0.30, 0.25]), [0.6, 0.4], atol=ROUNDING)
    np.testing.assert_allclose(
        LinearShare(3.0).shares([0.30, 0.25, 0.20]), [0.55833333, 0.33333333, 0.10833333], atol=1e-8
    )


def test_a_tullock_share_divides_by_the_sum() -> None:
    np.testing.assert_allclose(TullockShare(0.5).shares([0.36, 0.16]), [0.6, 0.4], atol=ROUNDING)


def test_nobody_with_any_outcome_shares_equally() -> None:
    assert TullockShare().shares([0.0, 0.0]).tolist() == [0.5, 0.5]
    assert TullockShare().shares([[0.0, 0.1], [0.0, 0.0]]).tolist() == [[0.0, 1.0], [0.5, 0.5]]


@pytest.mark.parametrize(
    ("rates", "shares"),
    [
        ([0.30, 0.30], [0.50, 0.50]),
        ([0.33, 0.30], [0.50, 0.50]),  # exactly the margin is not more than it, whatever the last digit says
        ([0.3300001, 0.30], [0.55, 0.45]),
        ([0.20, 0.30], [0.45, 0.55]),
    ],
)
def test_the_rank_rule_moves_five_points_beyond_three(rates: list[float], shares: list[float]) -> None:
    np.testing.assert_allclose(RankShare().shares(rates), shares, atol=ROUNDING)


def test_with_three_primes_every_pair_is_compared() -> None:
    third = 1 / 3
    shares = RankShare().shares([[0.40, 0.35, 0.30], [0.40, 0.38, 0.36]])
    np.testing.assert_allclose(shares, [[third + 0.1, third, third - 0.1], [third + 0.05, third, third - 0.05]])


def test_noise_moves_the_points_with_the_probability_of_a_measured_lead() -> None:
    """T(d) = shift [P(d + noise > margin) - P(d + noise < -margin)], here by the distribution function of
    scipy.stats.
    """
    lead, noise = 0.02, 0.015
    won = norm.sf(0.03, loc=lead, scale=noise) - norm.cdf(-0.03, loc=lead, scale=noise)
    assert RankShare(noise=noise).shares([0.32, 0.30])[0] == pytest.approx(0.5 + 0.05 * won, abs=ROUNDING)
    smoothed = SmoothedRankShare(0.05, noise, 0.03)
    assert smoothed.shares([0.32, 0.30])[0] == pytest.approx(0.5 + 0.05 * won, abs=ROUNDING)


def test_less_and_less_noise_leads_to_the_step() -> None:
    leads = np.array([-0.05, -0.02, 0.0, 0.02, 0.05])
    np.testing.assert_allclose(RankShare(noise=1e-6).transfer(leads, 2), RankShare().transfer(leads, 2), atol=ROUNDING)


@pytest.mark.parametrize("rule", [RankShare(noise=0.01), SmoothedRankShare(0.05, 0.02), LinearShare(1.5)])
def test_the_slope_of_a_transfer_is_its_derivative(rule: RankShare | SmoothedRankShare | LinearShare) -> None:
    leads, step = np.linspace(-0.1, 0.1, 41), 1e-6
    difference = (rule.transfer(leads + step, 2) - rule.transfer(leads - step, 2)) / (2 * step)
    np.testing.assert_allclose(rule.transfer_slope(leads, 2), difference, rtol=1e-5, atol=1e-7)


def test_a_step_has_no_slope() -> None:
    assert RankShare().transfer_slope([0.0, 0.03, 0.05], 2).tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("rule", "primes", "swing"),
    [
        (LinearShare(1.5), 3, 1.5),
        (TullockShare(), 2, 1.0),
        (RankShare(), 2, 0.1),
        (RankShare(), 3, 0.2),
        (SmoothedRankShare(0.05, 0.01), 3, 0.2),
    ],
)
def test_the_swing_is_what_one_prime_can_change(rule: ShareRule, primes: int, swing: float) -> None:
    assert rule.swing(primes) == pytest.approx(swing)


@pytest.mark.parametrize(
    ("build", "told"),
    [
        (lambda: LinearShare(-1.0), "beta: given -1"),
        (lambda: LinearShare("steep"), "beta: given steep"),  # type: ignore[arg-type]
        (lambda: TullockShare(0.0), "exponent: given 0; wanted above 0 and at most 1"),
        (lambda: TullockShare(1.5), "exponent: given 1.5"),
        (lambda: TullockShare(float("nan")), "exponent: given nan"),
        (lambda: RankShare(shift=1.2), "shift: given 1.2"),
        (lambda: RankShare(margin=-0.01), "margin: given -0.01"),
        (lambda: RankShare(noise=float("inf")), "noise: given inf"),
        (lambda: SmoothedRankShare(0.05, 0.0), "scale: given 0; wanted a standard deviation above 0"),
        (lambda: sampling_noise(0.3, 0), "participants: given 0; wanted somebody"),
        (lambda: sampling_noise(1.3, 10), "outcome_rate: given 1.3"),
    ],
)
def test_numbers_outside_the_domain_are_refused(build: object, told: str) -> None:
    assert callable(build)
    with pytest.raises(InvalidInputError, match=told):
        build()


def test_all_faults_of_a_rule_come_at_once() -> None:
    with pytest.raises(InvalidInputError) as caught:
        RankShare(shift=-1.0, margin=2.0, noise=-0.1)
    assert [fault.place for fault in caught.value.faults] == ["shift", "margin", "noise"]


def test_counting_few_people_makes_a_lead_noisy() -> None:
    """By simulation: the standard deviation of the difference of two shares of 500 people at 30 per cent."""
    rng = np.random.default_rng(5)
    simulated = np.diff(rng.binomial(500, 0.3, (40_000, 2)) / 500, axis=1).std()
    assert sampling_noise(0.3, 500) == pytest.approx(simulated, rel=0.02)  # 40,000 draws: 0.35 per cent
