"""Rivals in an area: the three kinds of answer, numbers that can be checked by hand, bad input, what cannot be
changed.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass

import numpy as np
import pytest
from numpy.typing import ArrayLike

from pbr_opt.equilibrium import contest, contest_cycle
from pbr_opt.equilibrium.contest import ContestEquilibrium, solve_contest
from pbr_opt.equilibrium.contest_game import Game
from pbr_opt.equilibrium.contest_mixed import MixedProfile
from pbr_opt.equilibrium.contest_rival import Rival, least_top_up
from pbr_opt.errors import EquilibriumError, InvalidInputError, UnsupportedModelError
from pbr_opt.market.caseload import Caseload
from pbr_opt.market.programme import Programme
from pbr_opt.market.rank_rules import RankShare, SmoothedRankShare
from pbr_opt.market.share_rules import LinearShare, ShareRule, TullockShare
from pbr_opt.market.tariffs import ContractTerms, Tariff
from pbr_opt.quantities import FloatArray, Inspection

ONE = Caseload(["a"], 100, 0.12, 0.42, 600.0)
"""P = .42 - 600/x above £2,000: .27 at £4,000, .30 at £5,000, .32 at £6,000."""

PENNIES = 1e-6
"""GBP: profits of some £1,000 by closed forms and bisection."""


def _rivals(*productivity: float, price: float = 4000.0) -> list[Rival]:
    return [
        Rival(name, ONE.replace(response_scale_gbp=600.0 / factor), price)
        for name, factor in zip("ABC", productivity, strict=False)
    ]


# ---- a rival --------------------------------------------------------------------------------------------------------


def test_a_rival_gains_outcomes_at_a_loss_by_serving_as_if_the_price_were_higher() -> None:
    prime = _rivals(1.0)[0]
    np.testing.assert_allclose(prime.performance([0.0, 1000.0, 2000.0]), [0.27, 0.30, 0.32], atol=1e-12)
    loss = 600 * np.log(5000 / 4000) - 4000 * 0.03  # support from 600 ln 2 to 600 ln 2.5, paid for 3 outcomes in 100
    assert prime.loss_gbp(1000.0) == pytest.approx(loss, abs=PENNIES)
    assert prime.top_up_for(0.30) == pytest.approx(1000.0, abs=PENNIES)
    assert prime.top_up_losing(loss) == pytest.approx(1000.0, abs=1e-3)  # the loss is flat in the top-up: tau dq


def test_the_least_top_up_is_zero_where_the_price_does_and_none_beyond_the_ceiling() -> None:
    prime = _rivals(1.0)[0]
    assert prime.top_up_for([0.1, 0.27]).tolist() == [0.0, 0.0]
    with pytest.raises(UnsupportedModelError, match=r"A: no support reaches an outcome rate of 0\.43"):
        prime.top_up_for([0.3, 0.43])
    assert np.isinf(least_top_up(np.zeros_like, np.ones(1)))


def test_a_parked_prime_has_a_plateau_and_the_top_up_that_ends_it() -> None:
    prime = _rivals(1.0, price=1500.0)[0]
    assert prime.performance([0.0, 499.0]).tolist() == [0.12, 0.12]
    assert prime.loss_gbp(499.0) == 0.0
    assert prime.top_up_for(0.12 + 1e-9) == pytest.approx(500.0, abs=0.01)


def test_a_rival_of_a_programme_has_its_discounted_price_its_mission_and_its_minimum_service() -> None:
    people = Caseload(["a", "b", "b"], [10, 30, 10], 0.12, 0.42, 600)
    programme = Programme(
        "p",
        people,
        Tariff(["a", "b"], 400, [1000, 5000]),
        terms=ContractTerms(0.10),
        mission_gbp={"a": 0.0, "b": 250.0},
        minimum_service_gbp={"a": 0.0, "b": 80.0},
    )
    prime = Rival.of(programme, "b", "A")
    assert prime.price_gbp.tolist() == [4750.0, 4750.0]
    assert prime.minimum_service_gbp == 80.0
    assert prime.weight.tolist() == [0.75, 0.25]
    with pytest.raises(InvalidInputError, match="group: given c; wanted a payment group"):
        Rival.of(programme, "c")


def test_minimum_service_is_given_whatever_the_top_up() -> None:
    prime = Rival("A", ONE, 1000.0, 100.0)
    assert prime.respond([0.0, 100.0]).support_gbp.tolist() == [[100.0], [100.0]]
    assert prime.least_performance == pytest.approx(0.42 - 0.30 * np.exp(-1 / 6))


# ---- the three kinds of answer ---------------------------------------------------------------------------------------


def test_a_linear_share_is_a_top_up_of_beta_times_the_prize() -> None:
    there = solve_contest(_rivals(1.0, 1.2, 0.9), LinearShare(0.8), 1000.0)
    assert there.kind == "pure"
    assert there.top_up_gbp.tolist() == [800.0, 800.0, 800.0]
    there.certificate.require()


def test_a_tullock_share_between_equals_by_hand() -> None:
    """Tau = prize (1 - 1/2) (1/2) / q = prize / (4 q), with q = .42 - 600/(4000 + tau): at tau = 1000, prize = 1200."""
    there = solve_contest(_rivals(1.0, 1.0), TullockShare(), 1200.0)
    np.testing.assert_allclose(there.top_up_gbp, 1000.0, atol=PENNIES)
    np.testing.assert_allclose(there.performance, 0.30, atol=1e-12)


def test_a_smoothed_rank_between_equals_by_hand() -> None:
    """Two primes: tau = prize * T'(0) = prize * .05 * 2/(s sqrt(2 pi)); s = .04, prize = 500: £997.36."""
    there = solve_contest(_rivals(1.0, 1.0), SmoothedRankShare(0.05, 0.04), 1000.0 / np.sqrt(np.pi / 2) / 1.6)
    expected = 1000.0 / np.sqrt(np.pi / 2) / 1.6 * 0.05 * 2 / (0.04 * np.sqrt(2 * np.pi))
    assert there.kind == "pure"
    np.testing.assert_allclose(there.top_up_gbp, expected, rtol=1e-9)


def test_without_noise_equals_mix_exactly_when_a_lead_is_worth_its_cost() -> None:
    """A lead of 3 points over an idle rival costs 600 ln 1.25 - 120 = £13.886; 5 points of £277.73 are worth that."""
    cost = 600 * np.log(1.25) - 120
    below, above = (solve_contest(_rivals(1.0, 1.0), RankShare(), cost / 0.05 * factor) for factor in (0.999, 1.001))
    assert (below.kind, above.kind) == ("pure", "mixed")
    assert below.performance.tolist() == [0.27, 0.27]
    assert below.top_up_gbp.tolist() == [0.0, 0.0]


def test_a_prime_just_holds_against_one_that_can_do_no_more() -> None:
    """B reaches 30.5 per cent whatever it does; A closes the gap of 3.5 points to 3, and no more."""
    stuck = Rival("B", Caseload(["a"], 100, 0.305, 0.305, 600), 4000.0)
    there = solve_contest([*_rivals(1.0), stuck], RankShare(), 200.0)
    assert there.kind == "pure"
    np.testing.assert_allclose(there.performance, [0.275, 0.305], atol=1e-11)
    assert there.share.tolist() == [0.5, 0.5]


def test_against_one_that_can_do_more_holding_is_no_equilibrium() -> None:
    """B leads by 3.46 points for nothing; A would close that to 3, and then B would take a hair more."""
    assert solve_contest(_rivals(1.0, 1.3), RankShare(), 200.0).kind == "mixed"


def test_a_weak_prime_that_cannot_hold_gives_up() -> None:
    there = solve_contest(_rivals(1.0, 3.0), RankShare(), 200.0)
    assert there.kind == "pure"
    assert there.top_up_gbp.tolist() == [0.0, 0.0]
    np.testing.assert_allclose(there.share, [0.45, 0.55])


def test_a_mixed_answer_says_that_it_is_one_and_how_good() -> None:
    there = solve_contest(_rivals(1.0, 1.0), RankShare(), 1000.0)
    assert there.kind == "mixed"
    assert there.pure_gap_gbp > 1.0
    assert all(strategy.probability.size > 1 for strategy in there.strategies)
    assert 0 < there.certificate.largest_gain_gbp <= there.certificate.tolerance_gbp
    assert "step of the grid" in there.certificate.reason
    assert there.statement.startswith("No pure equilibrium was found: at every pure profile of the grid")
    np.testing.assert_allclose(there.share, 0.5, atol=1e-6)


def test_more_points_make_a_better_mixed_answer() -> None:
    gains = [
        solve_contest(_rivals(1, 1), RankShare(), 1000.0, points=n).certificate.largest_gain_gbp for n in (40, 320)
    ]
    assert gains[1] < gains[0] / 4


def test_with_noise_a_mixed_answer_is_refined_off_the_grid() -> None:
    there = solve_contest(_rivals(1.0, 1.1), RankShare(noise=0.004), 1000.0, points=60)
    assert there.kind == "mixed"
    assert there.certificate.tolerance_gbp == pytest.approx(1e-4 * 0.1 * 1000.0)
    there.certificate.require()


def test_enough_noise_brings_a_pure_equilibrium_back() -> None:
    kinds = [solve_contest(_rivals(1.0, 1.0), RankShare(noise=noise), 1000.0).kind for noise in (0.0, 0.002, 0.05)]
    assert kinds == ["mixed", "mixed", "pure"]


def test_three_primes_without_an_equilibrium_are_reported_as_a_cycle() -> None:
    there = solve_contest(_rivals(1.0, 1.0, 1.0), RankShare(), 1000.0, points=60)
    assert there.kind == "cycle"
    assert len(there.visited) > 1
    assert not there.certificate.holds
    assert there.pure_gap_gbp >= there.certificate.largest_gain_gbp > 1.0
    assert "There is no pure equilibrium" in there.statement
    assert "A mixed equilibrium of three primes is not computed" in there.statement
    assert there.share.sum() == pytest.approx(1.0)
    noisy = solve_contest(_rivals(1.0, 1.0, 1.0), RankShare(noise=0.004), 1000.0, points=60)
    assert noisy.kind == "cycle"
    assert noisy.statement.startswith("No pure equilibrium was found")  # not: there is none


def test_expected_support_and_payoffs_follow_from_the_strategies() -> None:
    rivals = _rivals(1.0, 1.0)
    there = solve_contest(rivals, LinearShare(0.5), 2000.0)
    assert rivals[0].respond(there.strategies[0].top_up_gbp).support_gbp[0] == pytest.approx([600 * np.log(2.5)])
    np.testing.assert_allclose(there.payoff_gbp, 4000 * 0.30 - 600 * np.log(2.5) + 1000.0)


def test_a_prize_of_nothing_moves_nobody() -> None:
    for rule in (
        LinearShare(2.0),
        TullockShare(0.5),
        SmoothedRankShare(0.05, 0.01),
        RankShare(),
        RankShare(noise=0.01),
    ):
        there = solve_contest(_rivals(1.0, 1.2), rule, 0.0)
        assert there.kind == "pure"
        assert there.top_up_gbp.tolist() == [0.0, 0.0]


def test_primes_that_cannot_do_anything_are_no_trouble() -> None:
    """Nobody responds to support, with and without outcomes of their own; then only one does."""
    idle = [Rival(name, Caseload(["a"], 10, rate, rate, 600), 4000.0) for name, rate in (("A", 0.0), ("B", 0.2))]
    for rule in (LinearShare(0.5), TullockShare(0.5), TullockShare(), RankShare(), RankShare(noise=0.01)):
        assert solve_contest(idle, rule, 100.0).certificate.holds
        assert solve_contest([idle[0], Rival("C", ONE, 4000.0)], rule, 100.0).certificate.holds


# ---- rules of one's own ----------------------------------------------------------------------------------------------


class _Threshold:
    """A rule that a user might write: whoever passes 30 per cent alone gets 60 per cent of the referrals."""

    def shares(self, performance: ArrayLike) -> FloatArray:
        passed = np.asarray(performance) >= 0.30
        alone = passed & (passed.sum(axis=-1, keepdims=True) == 1)
        return np.asarray(0.5 + 0.1 * alone - 0.1 * (alone.any(axis=-1, keepdims=True) & ~alone))

    def swing(self, primes: int) -> float:
        return 0.2

    def inspect(self, check: Inspection, primes: int) -> None:
        if primes != 2:
            check.fault("rivals", primes, "two primes for this rule")


def test_a_rule_of_ones_own_is_solved_by_best_replies() -> None:
    """£13.886 for 30 per cent: both pay it for a tenth of £200; nobody does for a tenth of £100."""
    both, nobody = (solve_contest(_rivals(1.0, 1.0), _Threshold(), prize) for prize in (200.0, 100.0))
    assert both.kind == nobody.kind == "pure"
    np.testing.assert_allclose(both.performance, 0.30, atol=1e-6)
    np.testing.assert_allclose(nobody.performance, 0.27, atol=1e-6)
    with pytest.raises(InvalidInputError, match="two primes for this rule"):
        solve_contest(_rivals(1.0, 1.0, 1.0), _Threshold(), 100.0)


class _Step(_Threshold):
    """The rank rule under another name, without its closed conditions."""

    def shares(self, performance: ArrayLike) -> FloatArray:
        return RankShare().shares(performance)

    def swing(self, primes: int) -> float:
        return RankShare().swing(primes)

    def inspect(self, check: Inspection, primes: int) -> None:
        """Take any number of primes."""


def test_a_rule_of_ones_own_without_an_equilibrium_is_mixed_or_goes_round() -> None:
    mixed = solve_contest(_rivals(1.0, 1.0), _Step(), 1000.0, points=60)
    assert mixed.kind == "mixed"
    assert solve_contest(_rivals(1.0, 1.0, 1.0), _Step(), 1000.0, points=60).kind == "cycle"


# ---- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rivals", "rule", "prize", "told"),
    [
        (_rivals(1.0), RankShare(), 1.0, "rivals: given 1 of them; wanted a list of 2 or 3 primes"),
        ("AB", RankShare(), 1.0, "rivals: given 0 of them"),
        ([_rivals(1.0)[0], "B"], RankShare(), 1.0, r"rivals\[1\]: given str; wanted a Rival"),
        ([*_rivals(1.0), *_rivals(1.0)], RankShare(), 1.0, "two primes called 'A'"),
        (_rivals(1.0, 1.0), RankShare(), -5.0, "prize_gbp: given -5"),
        (_rivals(1.0, 1.0), "rank", 1.0, "rule: given str; wanted a share rule"),
        (_rivals(1.0, 1.0), RankShare(shift=0.6), 1.0, r"shift: given 0\.6; wanted at most 0\.5 with 2 primes"),
        (_rivals(1, 1, 1), SmoothedRankShare(0.2, 0.1), 1.0, r"points: given 0\.2; wanted at most 0\.166667 with 3"),
    ],
)
def test_bad_input_is_refused(rivals: list[Rival], rule: ShareRule, prize: float, told: str) -> None:
    with pytest.raises(InvalidInputError, match=told):
        solve_contest(rivals, rule, prize)


def test_all_faults_of_a_contest_come_at_once() -> None:
    with pytest.raises(InvalidInputError) as caught:
        solve_contest(_rivals(1.0, 1.0), RankShare(shift=0.6), float("nan"), points=3)
    assert [fault.place for fault in caught.value.faults] == ["prize_gbp", "points", "shift"]


def test_a_rival_serves_one_payment_group() -> None:
    with pytest.raises(InvalidInputError, match=r"(?s)caseload: given 2 payment groups.*price_gbp\[0\]: given -1"):
        Rival("A", Caseload(["a", "b"], 10, 0.1, 0.3, 600), -1.0)
    with pytest.raises(InvalidInputError, match="caseload: given str; wanted a Caseload"):
        Rival("A", "people", 1.0)  # type: ignore[arg-type]  # that is the point


def test_a_linear_rule_whose_shares_leave_the_interval_is_refused_with_the_largest_beta_that_does_not() -> None:
    primes = _rivals(1.0, 1.3)
    with pytest.raises(UnsupportedModelError, match="take a beta of at most") as caught:
        solve_contest(primes, LinearShare(20.0), 100.0)
    most = float(str(caught.value).rsplit(" ", 1)[1])
    assert 0 < most < 20.0


def test_best_replies_that_do_not_come_back_raise_with_the_last_iterates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contest_cycle, "_SWEEPS", 2)
    with pytest.raises(EquilibriumError, match=r"within 2 rounds; the last top-ups in GBP per outcome: \[\[") as caught:
        solve_contest(_rivals(1.0, 1.0, 1.0), RankShare(), 1000.0)
    assert any(before != after for before, after in caught.value.last_iterates.values())


def test_an_answer_that_fails_its_certificate_is_not_returned(monkeypatch: pytest.MonkeyPatch) -> None:
    def idle(game: Game, tolerance_gbp: float) -> MixedProfile:
        one, two = game.pure(np.zeros(2))
        return MixedProfile((one, two), 0.0, 0.0)

    monkeypatch.setattr(contest, "solve_mixed", idle)
    with pytest.raises(
        EquilibriumError, match=r"could gain £36\.11 per participant .* last mean top-ups .*'A': 0\.0"
    ) as caught:
        solve_contest(_rivals(1.0, 1.0), RankShare(), 1000.0)
    idle_then_better = caught.value.last_iterates["A"]
    assert idle_then_better[0] == 0.0 < idle_then_better[1]


def test_a_profile_that_settles_on_the_lattice_only_is_not_returned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contest, "polished", lambda game, top_up: np.full(3, 5000.0))
    with pytest.raises(EquilibriumError, match="settle on the lattice but not off it") as caught:
        solve_contest(_rivals(1.0, 1.0, 1.0), _Step(), 100.0)
    assert {after for _, after in caught.value.last_iterates.values()} == {5000.0}


# ---- frozen means frozen ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", [LinearShare(0.5), RankShare()])
def test_nothing_of_an_answer_can_be_changed(rule: ShareRule) -> None:
    there = solve_contest(_rivals(1.0, 1.1), rule, 1000.0, points=40)
    assert isinstance(there, ContestEquilibrium)
    weak = [place for place, value in _parts("there", there) if isinstance(value, np.ndarray) and value.flags.writeable]
    assert not weak
    with pytest.raises(AttributeError):
        there.kind = "pure"  # type: ignore[misc]  # that is the point
    with pytest.raises(AttributeError):
        there.game.rivals[0].price_gbp = np.zeros(1)  # type: ignore[misc]  # that is the point


def _parts(place: str, value: object) -> list[tuple[str, object]]:
    """Return every field that can be reached through dataclasses and tuples."""
    found = [(place, value)]
    if is_dataclass(value):
        for field in fields(value):
            found += _parts(f"{place}.{field.name}", getattr(value, field.name))
    elif isinstance(value, tuple):
        for k, inner in enumerate(value):
            found += _parts(f"{place}[{k}]", inner)
    return found
