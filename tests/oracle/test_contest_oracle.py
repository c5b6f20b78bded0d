"""Two primes as a bimatrix game, solved by an independent library from formulas written out again."""

from __future__ import annotations

import nashpy
import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import norm

from pbr_opt.equilibrium.contest import solve_contest
from pbr_opt.equilibrium.contest_game import Game
from pbr_opt.equilibrium.contest_mixed import matrix_game, solve_matrix
from pbr_opt.equilibrium.contest_rival import Rival
from pbr_opt.market.caseload import Caseload
from pbr_opt.market.rank_rules import RankShare
from pbr_opt.market.share_rules import ShareRule, TullockShare
from tests.oracle.samples import Floats, Raw, rate, sample, threshold

PRICE_GBP, PRIZE_GBP = 3_000.0, 1_500.0

PENNIES = 1e-4
"""GBP: HiGHS keeps its constraints to 1e-7 of a range of payoffs of some £200."""

CHANCE = 1e-6
"""Probabilities: payoffs to 1e-7 of their range, and choices that differ by a tenth of it."""

POINT = 1e-4
"""Outcome rates from SLSQP, which stops on flat payoffs: a hundredth of a percentage point."""


def _plan(raw: Raw, top_up: float) -> Floats:
    """Return support e* = kappa ln((x + tau)/x_park), written from the model page."""
    return np.asarray(raw.scale * np.log(np.maximum((PRICE_GBP + top_up) / threshold(raw), 1.0)))


def _weight(raw: Raw) -> Floats:
    return np.asarray(raw.people / raw.people.sum())


def _table(raw: Raw, top_ups: Floats) -> tuple[Floats, Floats]:
    """Return outcome rates and profits of the group at each top-up."""
    plans = [_plan(raw, float(t)) for t in top_ups]
    rates = np.array([_weight(raw) @ rate(raw, plan) for plan in plans])
    profits = np.array([_weight(raw) @ (PRICE_GBP * rate(raw, plan) - plan) for plan in plans])
    return rates, profits


def _share(one: Floats, two: Floats, noise: float) -> Floats:
    """Return prime 1's share under the rank rule: 5 points for a measured lead of more than 3."""
    lead = one[:, None] - two[None, :]
    if noise == 0.0:
        return np.asarray(0.5 + 0.05 * (lead > 0.03 + 1e-12) - 0.05 * (lead < -0.03 - 1e-12))
    return np.asarray(0.5 + 0.05 * (norm.cdf((lead - 0.03) / noise) - norm.cdf((-lead - 0.03) / noise)))


def _bimatrix(raws: tuple[Raw, Raw], top_ups: tuple[Floats, Floats], noise: float) -> tuple[Floats, Floats, Floats]:
    """Return both payoff matrices, and prime 1's payoff less prime 2's profit, which has one value at every
    equilibrium.
    """
    (q1, v1), (q2, v2) = _table(raws[0], top_ups[0]), _table(raws[1], top_ups[1])
    share = _share(q1, q2, noise)
    one, two = v1[:, None] + PRIZE_GBP * share, v2[None, :] + PRIZE_GBP * (1 - share)
    return one, two, one - v2[None, :]


def _rival(name: str, raw: Raw) -> Rival:
    return Rival(name, Caseload(["a"] * raw.people.size, raw.people, raw.low, raw.high, raw.scale), PRICE_GBP)


def _pair(seed: int) -> tuple[Raw, Raw]:
    raw = sample(seed, 1, 5)
    other = Raw(raw.group, raw.people, raw.low, raw.high, raw.scale / 1.05, raw.bend)
    return raw, other


def _by_nashpy(one: Floats, two: Floats) -> list[tuple[Floats, Floats]]:
    """Return every equilibrium that nashpy finds; payoffs are scaled to 0..1 first, its tolerances are absolute."""
    scaled = [(payoff - payoff.min()) / np.ptp(payoff) for payoff in (one, two)]
    return list(nashpy.Game(*scaled).support_enumeration(non_degenerate=False, tol=1e-9))


@pytest.mark.parametrize("noise", [0.0, 0.004, 0.02])
@pytest.mark.parametrize("seed", [21, 22, 23, 24])
def test_a_bimatrix_game_has_the_value_that_nashpy_finds(seed: int, noise: float) -> None:
    """The one equilibrium that support enumeration finds is that of the linear programme, in value and in mixtures."""
    raws = _pair(seed)
    top_ups = np.linspace(0.0, 2600.0, 6), np.linspace(130.0, 3100.0, 6)
    one, two, disguised = _bimatrix(raws, top_ups, noise)
    rivals = _rival("A", raws[0]), _rival("B", raws[1])
    ours = solve_matrix(matrix_game(Game(rivals, RankShare(noise=noise), PRIZE_GBP, 10), top_ups))
    mixtures = [
        np.array([strategy.probability[strategy.top_up_gbp == t].sum() for t in grid])
        for strategy, grid in zip(ours, top_ups, strict=True)
    ]
    value = mixtures[0] @ disguised @ mixtures[1]
    assert (one @ mixtures[1]).max() - mixtures[0] @ one @ mixtures[1] <= PENNIES
    assert (mixtures[0] @ two).max() - mixtures[0] @ two @ mixtures[1] <= PENNIES
    ((first, second),) = _by_nashpy(one, two)
    assert first @ disguised @ second == pytest.approx(value, abs=PENNIES)
    np.testing.assert_allclose(mixtures[0], first, rtol=0, atol=CHANCE)
    np.testing.assert_allclose(mixtures[1], second, rtol=0, atol=CHANCE)


@pytest.mark.parametrize("seed", [21, 22, 23, 24])
def test_what_solve_contest_mixes_has_the_value_that_nashpy_finds_with_other_choices_added(seed: int) -> None:
    """Whole path: the reported mixture against nashpy's equilibrium on the same choices and two more for each prime."""
    raws = _pair(seed)
    there = solve_contest([_rival("A", raws[0]), _rival("B", raws[1])], RankShare(noise=0.008), PRIZE_GBP, points=60)
    assert there.kind == "mixed"
    grids = [np.append(strategy.top_up_gbp, [300.0, 2000.0]) for strategy in there.strategies]
    p, q = (np.append(strategy.probability, [0.0, 0.0]) for strategy in there.strategies)
    one, two, disguised = _bimatrix(raws, (grids[0], grids[1]), 0.008)
    tolerance = there.certificate.tolerance_gbp
    assert (one @ q).max() - p @ one @ q <= tolerance
    assert (p @ two).max() - p @ two @ q <= tolerance
    found = _by_nashpy(one, two)
    assert found
    for first, second in found:
        assert first @ disguised @ second == pytest.approx(p @ disguised @ q, abs=tolerance)


@pytest.mark.parametrize("rule", [TullockShare(), TullockShare(0.4), RankShare(noise=0.06)])
@pytest.mark.parametrize("seed", [31, 32])
def test_a_pure_equilibrium_is_where_slsqp_over_support_settles(seed: int, rule: ShareRule) -> None:
    """Each prime in turn chooses support by segment with SLSQP, from formulas written out again, until nothing
    changes.
    """
    raws = _pair(seed)
    there = solve_contest([_rival("A", raws[0]), _rival("B", raws[1])], rule, PRIZE_GBP)
    assert there.kind == "pure"
    plans = [_plan(raw, 0.0) for raw in raws]
    for _ in range(60):
        for k, raw in enumerate(raws):
            rival_rate = float(_weight(raws[1 - k]) @ rate(raws[1 - k], plans[1 - k]))

            def loss(support: Floats, raw: Raw = raw, rival_rate: float = rival_rate) -> float:
                own = float(_weight(raw) @ rate(raw, support))
                share = float(rule.shares([own, rival_rate])[0])
                return -float(_weight(raw) @ (PRICE_GBP * rate(raw, support) - support)) - PRIZE_GBP * share

            bounds = [(0.0, 5_000.0)] * raw.people.size
            plans[k] = minimize(loss, plans[k], method="SLSQP", bounds=bounds, options={"ftol": 1e-13}).x
    rates = [float(_weight(raw) @ rate(raw, plan)) for raw, plan in zip(raws, plans, strict=True)]
    np.testing.assert_allclose(there.performance, rates, rtol=0, atol=POINT)
