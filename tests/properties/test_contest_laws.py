"""Laws of rivals in an area, on drawn primes, rules and prizes; and the statements about them that are false."""

from __future__ import annotations

from typing import Final

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pbr_opt.equilibrium.best_response import best_response
from pbr_opt.equilibrium.contest import ContestEquilibrium, solve_contest
from pbr_opt.equilibrium.contest_cycle import polished
from pbr_opt.equilibrium.contest_game import Game
from pbr_opt.equilibrium.contest_mixed import matrix_game
from pbr_opt.equilibrium.contest_rival import Rival
from pbr_opt.equilibrium.performance import meet_level
from pbr_opt.errors import UnsupportedModelError
from pbr_opt.market.caseload import Caseload
from pbr_opt.market.rank_rules import RankShare, SmoothedRankShare
from pbr_opt.market.share_rules import LinearShare, ShareRule, TullockShare
from tests.properties.tolerances import CANCELLATION, RATE, ROUNDING

FEW: Final = 25
"""Examples where each needs linear programmes or three certificates: a second or two in all."""

SAME_RATE: Final = 1e-7
"""Outcome rates from searches over payoffs: a payoff is flat at its peak, so 1e-14 of it leaves 1e-7 of the rate."""

MONEY: Final = 1e-6
"""GBP per participant, for payoffs of up to £1e4: the tolerance of the certificates."""

RATES: Final = st.one_of(st.sampled_from([0.0, 0.05, 0.3]), st.floats(0.0, 0.6))
REACHES: Final = st.one_of(st.sampled_from([0.0, 0.1, 0.3]), st.floats(0.01, 0.4))
SCALES: Final = st.one_of(st.sampled_from([250.0, 600.0]), st.floats(50.0, 2000.0))
PRICES: Final = st.one_of(st.sampled_from([0.0, 2000.0, 4000.0]), st.floats(100.0, 15_000.0))
PRIZES: Final = st.one_of(st.sampled_from([0.0, 900.0]), st.floats(1.0, 5_000.0))


@st.composite
def primes(draw: st.DrawFn) -> list[Rival]:
    """Draw two or three rivals in one group: equal, or of unequal productivity; some segments may be out of reach."""
    size = draw(st.integers(1, 4))
    low = [draw(RATES) for _ in range(size)]
    high = [rate + draw(REACHES) for rate in low]
    bend = draw(st.sampled_from([0.0, 0.0, 0.5]))
    people = [draw(st.sampled_from([1.0, 10.0, 250.0])) for _ in range(size)]
    caseload = Caseload(["a"] * size, people, low, high, [draw(SCALES) for _ in range(size)], bend)
    price, minimum = draw(PRICES), draw(st.sampled_from([0.0, 0.0, 100.0]))
    factors = draw(st.lists(st.sampled_from([1.0, 1.0, 1.05, 1.5]), min_size=2, max_size=3))
    return [
        Rival(name, caseload.replace(response_scale_gbp=caseload.response_scale_gbp / factor), price, minimum)
        for name, factor in zip("ABC", factors, strict=False)
    ]


SMOOTH: Final = st.one_of(
    st.builds(TullockShare, st.sampled_from([1.0, 0.5, 0.1])),
    st.builds(SmoothedRankShare, st.just(0.05), st.sampled_from([0.3, 0.1])),
    st.builds(RankShare, noise=st.sampled_from([0.1, 0.3])),
)
"""Rules under which most draws have a pure equilibrium."""

RULES: Final = st.one_of(
    SMOOTH,
    st.builds(LinearShare, st.sampled_from([0.0, 0.3])),
    st.builds(RankShare, noise=st.sampled_from([0.0, 0.002, 0.01])),
)


def _solved(rivals: list[Rival], rule: ShareRule, prize: float) -> ContestEquilibrium:
    """Return the answer, on a coarse grid; draws whose linear shares leave 0..1 are no contest."""
    try:
        return solve_contest(rivals, rule, prize, points=40)
    except UnsupportedModelError:
        assume(False)
        raise


# ---- the rules -------------------------------------------------------------------------------------------------------


@given(RULES, st.lists(st.floats(0.0, 1.0), min_size=2, max_size=3), st.data())
def test_shares_add_up_follow_the_primes_and_never_fall_in_the_own_rate(
    rule: ShareRule, rates: list[float], data: st.DataObject
) -> None:
    """Sum 1; permuting primes permutes shares; a higher own rate never lowers the own share."""
    shares = rule.shares(rates)
    assert abs(shares.sum() - 1.0) <= RATE
    order = data.draw(st.permutations(range(len(rates))))
    np.testing.assert_allclose(rule.shares(np.array(rates)[order]), shares[order], rtol=0, atol=RATE)
    raised = np.array(rates)
    raised[0] = data.draw(st.floats(rates[0], 1.0))
    assert rule.shares(raised)[0] >= shares[0] - RATE


# ---- one prime: a top-up stands for a plan ---------------------------------------------------------------------------


@given(primes(), st.data())
def test_among_plans_of_one_outcome_rate_a_common_top_up_is_the_most_profitable(
    rivals: list[Rival], data: st.DataObject
) -> None:
    """Any plan of support whatever earns no more than the common top-up that reaches the plan's outcome rate."""
    prime = rivals[0]
    size = len(prime.caseload)
    support = prime.minimum_service_gbp + np.array([data.draw(st.floats(0.0, 3000.0)) for _ in range(size)])
    rates = prime.caseload.response.outcome_rate(support)
    reached, earned = rates @ prime.weight, (prime.price_gbp * rates - support) @ prime.weight
    assume(reached < prime.ceiling * (1 - ROUNDING))
    top_up = prime.top_up_for(reached)
    assert prime.performance(top_up) >= reached
    assert prime.profit_gbp(top_up) >= earned - CANCELLATION * (1 + abs(earned) + prime.price_gbp.max())


@given(primes(), st.floats(0.0, 5000.0), st.floats(0.0, 5000.0))
def test_profit_is_concave_in_performance_with_the_top_up_as_its_slope(
    rivals: list[Rival], one: float, two: float
) -> None:
    """Dv = -tau dq: between two top-ups the loss lies between low * dq and high * dq."""
    prime, (low, high) = rivals[0], sorted([one, two])
    more = float(prime.performance(high) - prime.performance(low))
    lost = float(prime.profit_gbp(low) - prime.profit_gbp(high))
    slack = CANCELLATION * (1 + high + float(prime.price_gbp.max()))
    assert low * more - slack <= lost <= high * more + slack


# ---- equilibria ------------------------------------------------------------------------------------------------------


@given(primes(), RULES, PRIZES)
@settings(max_examples=FEW)
def test_the_equilibrium_holds_whatever_is_drawn(rivals: list[Rival], rule: ShareRule, prize: float) -> None:
    """T07 for rivals: the certificate, which shares no code with the solver, finds no gain beyond its tolerance."""
    there = _solved(rivals, rule, prize)
    if there.kind == "cycle":
        assert len(rivals) == 3
        assert not there.certificate.holds
    else:
        there.certificate.require()
    assert abs(there.share.sum() - 1.0) <= MONEY
    assert np.all(there.top_up_gbp >= 0.0)


@given(primes(), SMOOTH, PRIZES, st.data())
@settings(max_examples=FEW)
def test_t06_permuting_primes_permutes_a_pure_answer(
    rivals: list[Rival], rule: ShareRule, prize: float, data: st.DataObject
) -> None:
    """The order of the primes changes no number but its place."""
    here = _solved(rivals, rule, prize)
    assume(here.kind == "pure")
    order = data.draw(st.permutations(range(len(rivals))))
    there = _solved([rivals[k] for k in order], rule, prize)
    assert there.kind == "pure"
    np.testing.assert_allclose(there.performance, here.performance[order], rtol=0, atol=SAME_RATE)
    np.testing.assert_allclose(there.payoff_gbp, here.payoff_gbp[order], rtol=CANCELLATION, atol=10 * MONEY)


@given(primes(), st.sampled_from([0.0, 0.002]), PRIZES)
@settings(max_examples=FEW)
def test_t06_permuting_two_primes_permutes_kind_and_gap(rivals: list[Rival], noise: float, prize: float) -> None:
    """Mixtures need not be unique, but whether there is a pure equilibrium and the gap without one are."""
    pair = rivals[:2]
    here, there = _solved(pair, RankShare(noise=noise), prize), _solved(pair[::-1], RankShare(noise=noise), prize)
    assert here.kind == there.kind
    assert here.pure_gap_gbp == pytest.approx(there.pure_gap_gbp, abs=MONEY)


@given(primes(), RULES)
@settings(max_examples=FEW)
def test_a_prize_of_nothing_buys_no_outcomes(rivals: list[Rival], rule: ShareRule) -> None:
    there = _solved(rivals, rule, 0.0)
    assert there.kind == "pure"
    assert there.top_up_gbp.tolist() == [0.0] * len(rivals)


@given(primes(), st.floats(0.0, 0.6), PRIZES, st.data())
@settings(max_examples=FEW)
def test_a_linear_share_is_a_tariff_top_up_and_an_exact_potential_game_in_dominant_strategies(
    rivals: list[Rival], beta: float, prize: float, data: st.DataObject
) -> None:
    """Beta * prize is best against anybody; support is that of a higher tariff; payoffs differ as the potential
    does.
    """
    rule = LinearShare(beta)
    there = _solved(rivals, rule, prize)
    top_up = beta * prize
    assert there.top_up_gbp.tolist() == [top_up] * len(rivals)
    for place, prime in enumerate(rivals):
        dearer = best_response(
            prime.caseload.response, prime.price_gbp + top_up, minimum_service_gbp=prime.minimum_service_gbp
        )
        does = prime.respond(there.strategies[place].top_up_gbp)
        np.testing.assert_array_equal(does.support_gbp[0], dearer.support_gbp)
    game = Game(tuple(rivals), rule, prize, 40)
    profile = np.array([data.draw(st.floats(0.0, 5000.0)) for _ in rivals])
    moved = profile.copy()
    moved[0] = data.draw(st.floats(0.0, 5000.0))

    def payoff(top_ups: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
        return float(game.payoff_gbp(0, top_ups[:1], game.facing(0, game.pure(top_ups)))[0])

    def potential(top_ups: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
        pairs = zip(rivals, top_ups, strict=True)
        return sum(float(prime.profit_gbp(t) + beta * prize * prime.performance(t)) for prime, t in pairs)

    slack = CANCELLATION * (1 + prize + float(rivals[0].price_gbp.max()) + profile.max())
    assert payoff(moved) - payoff(profile) == pytest.approx(potential(moved) - potential(profile), abs=slack)
    best = profile.copy()
    best[0] = top_up
    assert payoff(best) >= max(payoff(moved), payoff(profile)) - slack


@given(primes(), st.sampled_from([1.0, 0.5, 0.2]), PRIZES, st.data())
@settings(max_examples=FEW // 2)
def test_the_tullock_equilibrium_is_reached_from_anywhere(
    rivals: list[Rival], exponent: float, prize: float, data: st.DataObject
) -> None:
    """Uniqueness: best replies in turn, from top-ups drawn at random, settle where the share functions say."""
    rule = TullockShare(exponent)
    there = _solved(rivals, rule, prize)
    game = Game(tuple(rivals), rule, prize, 60)
    assume(float(game.least_performance.sum()) > 0.0)  # at rates of nothing for everybody the rule jumps
    start = np.array([data.draw(st.floats(0.0, 8000.0)) for _ in rivals])
    settled = polished(game, start)
    rates = [float(prime.performance(t)) for prime, t in zip(rivals, settled, strict=True)]
    np.testing.assert_allclose(rates, there.performance, rtol=0, atol=1e-5)  # 60 rungs, refined on flat payoffs


@given(primes(), RULES, PRIZES)
@settings(max_examples=FEW)
def test_two_primes_play_a_zero_sum_game_in_disguise(rivals: list[Rival], rule: ShareRule, prize: float) -> None:
    """A and B differ from the payoffs by what the other prime alone decides, and add up to the prize."""
    game = Game(tuple(rivals[:2]), rule, prize, 10)
    grid = np.linspace(0.0, 4000.0, 7)
    matrix = matrix_game(game, (grid, grid))
    one, two = matrix.payoffs_gbp
    slack = CANCELLATION * (1 + prize + float(rivals[0].price_gbp.max()))
    np.testing.assert_allclose(np.ptp(one - matrix.disguised_gbp, axis=0), 0.0, atol=slack)
    np.testing.assert_allclose(np.ptp(two - (prize - matrix.disguised_gbp), axis=1), 0.0, atol=slack)


@given(primes(), st.floats(1.0, 5000.0))
@settings(max_examples=FEW)
def test_between_equals_without_noise_a_pure_equilibrium_is_the_idle_one_and_needs_a_dear_lead(
    rivals: list[Rival], prize: float
) -> None:
    """Pure if and only if leading an idle rival by the margin costs at least what the shift is worth; then nobody
    moves.
    """
    rule, prime = RankShare(), rivals[0]
    pair = [prime, Rival("other", prime.caseload, prime.price_gbp, prime.minimum_service_gbp)]
    wanted = prime.least_performance + rule.margin
    cost = float(prime.loss_gbp(prime.top_up_for(wanted))) if wanted < prime.ceiling - RATE else np.inf
    assume(abs(cost - rule.shift * prize) > 1e-3)
    there = _solved(pair, rule, prize)
    assert there.kind == ("pure" if cost > rule.shift * prize else "mixed")
    if there.kind == "pure":
        assert there.top_up_gbp.tolist() == [0.0, 0.0]


@given(primes(), st.floats(0.0, 0.2))
def test_a_minimum_performance_level_never_parks_more(rivals: list[Rival], more: float) -> None:
    """It acts as a common top-up: support rises everywhere or stays, and costs what it costs."""
    prime = rivals[0]
    level = prime.least_performance + more
    assume(level < prime.ceiling * (1 - 1e-9))
    there = meet_level(prime, level)
    assert prime.performance(there.top_up_gbp) >= level
    assert np.all(there.added_support_gbp >= -CANCELLATION)
    assert there.parked_share_after <= there.parked_share_before + RATE
    assert there.cost_gbp >= 0.0


# ---- false, though often believed ------------------------------------------------------------------------------------

ONE: Final = Caseload(["a"], 100, 0.12, 0.42, 600.0)
"""P = .42 - 600/x: 27 per cent at £4,000, 30 at £5,000; 3 points more cost 600 ln 1.25 - 4000 * .03 = £13.886."""


def test_a_pure_equilibrium_need_not_exist_under_the_rank_rule() -> None:
    """False: the rank-order share shift has a pure equilibrium.

    Two equal primes, prize £1,000: 5 points are worth £50. Nobody stays idle, for a lead costs £13.886; nobody leads by
    more than it must; whoever is led would rather close the gap, and then the leader takes a hair more: no profile is
    left. On a grid of a tenth of a point every profile is looked at; at the idle one 30.1 per cent (x = 600/.119)
    gains.
    """
    equals = [Rival("A", ONE, 4000.0), Rival("B", ONE, 4000.0)]
    top_up = equals[0].top_up_for(0.27 + 0.001 * np.arange(0, 101))
    matrix = matrix_game(Game(tuple(equals), RankShare(), 1000.0, 100), (top_up, top_up))
    one, two = matrix.payoffs_gbp
    gains = np.maximum(one.max(axis=0)[None, :] - one, two.max(axis=1)[:, None] - two)
    assert gains[0, 0] == pytest.approx(50.0 - (600 * np.log(600 / 0.119 / 4000) - 4000 * 0.031), abs=MONEY)
    assert gains.min() > 5.0
    assert solve_contest(equals, RankShare(), 1000.0).kind == "mixed"
    assert solve_contest(equals, RankShare(noise=0.001), 1000.0).kind == "mixed"


def test_a_minimum_performance_level_need_not_reduce_parking() -> None:
    """False: minimum performance levels reduce parking.

    Half the people have x_park = £1,000 and P = .6 - 300/x, half x_park = £7,500. At £2,000 the group reaches (.45
    + .02)/2 = 23.5 per cent; a level of 25 asks for .48 from the easy ones: x = £2,500. The hard half is parked
    before and after.
    """
    people = Caseload(["a", "a"], 50, [0.3, 0.02], [0.6, 0.1], [300.0, 600.0])
    there = meet_level(Rival("A", people, 2000.0), 0.25)
    assert there.top_up_gbp == pytest.approx(500.0, abs=MONEY)
    assert (there.parked_share_before, there.parked_share_after) == (0.5, 0.5)
    np.testing.assert_allclose(there.added_support_gbp, [300 * np.log(1.25), 0.0], rtol=1e-9)


def test_more_at_stake_need_not_move_anybody() -> None:
    """False: a share shift makes primes compete. £250 for a lead that costs £13.886 buys nothing: 5 points are
    £12.50.
    """
    there = solve_contest([Rival("A", ONE, 4000.0), Rival("B", ONE, 4000.0)], RankShare(), 250.0)
    assert there.kind == "pure"
    assert there.performance.tolist() == [0.27, 0.27]


def test_noise_need_not_weaken_competition() -> None:
    """False: the better results are measured, the more they are worth working for. Noise of 3 points beats none."""
    primes_here = [Rival("A", ONE, 4000.0), Rival("B", ONE, 4000.0)]
    exact, noisy = (solve_contest(primes_here, RankShare(noise=noise), 400.0) for noise in (0.0, 0.03))
    assert (exact.kind, noisy.kind) == ("mixed", "pure")
    assert noisy.performance[0] > exact.performance[0] + 0.003
