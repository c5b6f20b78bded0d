"""Rivals in an area: which support they choose when the better performer gets more of the next referrals.

Participants of a contract package area are allotted at random among two or three primes; per payment group, a share
of new referrals then moves to the better performer. ``docs/theory/rivals.md`` has the equations and the proofs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np

from pbr_opt.equilibrium.certificate import Certificate
from pbr_opt.equilibrium.contest_certificate import ContestClaim, Plans, certify_contest
from pbr_opt.equilibrium.contest_cycle import last_two, polished, walk
from pbr_opt.equilibrium.contest_game import Game, Strategy
from pbr_opt.equilibrium.contest_mixed import solve_mixed
from pbr_opt.equilibrium.contest_pure import linear_profile, smooth_profiles, step_profiles, tullock_profile
from pbr_opt.equilibrium.contest_rival import Rival, inspect_rivals
from pbr_opt.errors import EquilibriumError
from pbr_opt.market.rank_rules import RankShare, SmoothedRankShare
from pbr_opt.market.share_rules import LinearShare, ShareRule, TullockShare
from pbr_opt.quantities import CERTIFICATE_TOLERANCE_GBP, FloatArray, Inspection, frozen

__all__ = ["MIXED_TOLERANCE_RELATIVE", "ContestEquilibrium", "Court", "solve_contest", "solve_game"]

MIXED_TOLERANCE_RELATIVE: Final = 1e-4
"""A mixed equilibrium under a smooth rule is refined until nobody gains more than this part of the stake: the linear
programme itself is exact to 1e-7 of the range of payoffs only."""

_ROUNDING: Final = 1e-10
"""Gains below this part of the money at stake are rounding of payoffs."""

_NEARLY: Final = 100.0
"""A candidate off by no more than this many tolerances may be an equilibrium that is only roughly known."""

_WATCHED: Final = 24
"""Of a cycle, at most this many profiles are searched for the calmest."""


@dataclass(frozen=True, slots=True, eq=False)
class ContestEquilibrium:
    """What rivals do, and which kind of answer that is.

    Attributes
    ----------
    kind : {"pure", "mixed", "cycle"}
        An equilibrium in which each prime does one thing; one in which primes mix, of a grid of outcome rates; or no
        equilibrium: best replies in turn go round in a cycle, and ``strategies`` gives each profile of it equal weight.
    game : Game
        Rivals in the order given, rule, prize.
    strategies : tuple of Strategy
        What each does.
    pure_gap_gbp : float
        The least that all primes together could gain at any pure profile that was looked at (mixed: on the first grid;
        cycle: along it), GBP per participant; 0 for a pure equilibrium.
    visited : array (profiles, primes)
        Top-ups of a cycle in order; no rows otherwise.
    certificate : Certificate
        The largest unilateral gain in GBP per participant, found by code that shares nothing with the solver. For a
        cycle: at its calmest profile, and it does not hold.
    statement : str
        In a sentence or two, what this is and what it is not.
    """

    kind: Literal["pure", "mixed", "cycle"]
    game: Game
    strategies: tuple[Strategy, ...]
    pure_gap_gbp: float
    visited: FloatArray
    certificate: Certificate
    statement: str

    @property
    def top_up_gbp(self) -> FloatArray:
        """Return the expected top-up of each prime, GBP per outcome."""
        return np.array([strategy.mean_top_up_gbp for strategy in self.strategies])

    @property
    def performance(self) -> FloatArray:
        """Return the expected outcome rate of each prime."""
        return np.array([strategy.mean_performance for strategy in self.strategies])

    @property
    def share(self) -> FloatArray:
        """Return the expected share of new referrals of each prime; along a cycle the primes move together."""
        if len(self.visited):
            rates = np.stack([strategy.performance for strategy in self.strategies], axis=-1)
            return np.asarray(self.game.rule.shares(rates).mean(axis=0))
        faced = [self.game.facing(place, self.strategies) for place in range(len(self.strategies))]
        return np.array(
            [
                self.game.expected_share(place, strategy.performance, faced[place]) @ strategy.probability
                for place, strategy in enumerate(self.strategies)
            ]
        )

    @property
    def payoff_gbp(self) -> FloatArray:
        """Return the expected profit plus prize, GBP per current participant of each prime."""
        pairs = zip(self.game.rivals, self.strategies, strict=True)
        profit = [float(prime.profit_gbp(does.top_up_gbp) @ does.probability) for prime, does in pairs]
        return np.array(profit) + self.game.prize_gbp * self.share


def solve_contest(
    rivals: Sequence[Rival], rule: ShareRule, prize_gbp: float, *, points: int = 240
) -> ContestEquilibrium:
    """Return the equilibrium between the primes of one area in one payment group.

    ``payoff_j = v_j(tau_j) + prize * s_j(q)``: profit on current participants, and the worth of the share of new
    referrals.

    Parameters
    ----------
    rivals : sequence of Rival
        Two or three primes.
    rule : ShareRule
        Linear, Tullock, smoothed rank, rank, or your own.
    prize_gbp : float
        What all of the area's next referrals in the group would be worth to one prime, in GBP per *current
        participant of that prime*: margin per participant x new referrals of the area / current participants of one
        prime, at least 0. (With M primes and as many referrals as before that is M times the margin.)
    points : int, optional
        Outcome rates on a grid, at least 10.

    Returns
    -------
    ContestEquilibrium
        Pure where one exists: linear and Tullock always; under rank rules every possible pure equilibrium is tried.
        Without one, two primes get a mixed equilibrium of the grid (an exact linear programme: two primes who share a
        fixed number of referrals play a zero-sum game in disguise), three the cycle that best replies run into.

    Raises
    ------
    InvalidInputError
        With every fault at once.
    UnsupportedModelError
        A linear rule whose shares leave 0..1.
    EquilibriumError
        When something does not settle, or the certificate of an equilibrium fails; the message has the last iterates.

    Notes
    -----
    Under a smooth rule with three primes candidates come from several starts of a root finder: "no pure equilibrium was
    found" is then not a proof, and ``statement`` says so.

    Sources
    -------
    Lazear and Rosen (1981); Monderer and Shapley (1996); Cornes and Hartley (2005); Baye, Kovenock and de Vries
    (1996), The all-pay auction with complete information, for mixing when the better bid takes all.

    Examples
    --------
    >>> from pbr_opt.market.caseload import Caseload
    >>> people = Caseload(["a", "a"], [60, 40], [.12, .05], [.42, .25], 600)
    >>> both = [Rival("A", people, 4000.0), Rival("B", people, 4000.0)]
    >>> there = solve_contest(both, LinearShare(0.5), 1000.0)
    >>> there.kind, there.top_up_gbp.tolist(), there.share.tolist(), there.certificate.holds
    ('pure', [500.0, 500.0], [0.5, 0.5], True)
    >>> solve_contest(both, RankShare(), 2000.0).kind
    'mixed'
    """
    game = _inspected(rivals, rule, prize_gbp, points)

    def certify(strategies: tuple[Strategy, ...], tolerance_gbp: float, reason: str) -> Certificate:
        plans = [
            Plans(prime.respond(strategy.top_up_gbp).support_gbp, strategy.probability)
            for prime, strategy in zip(rivals, strategies, strict=True)
        ]
        return certify_contest(ContestClaim(rivals, rule, game.prize_gbp, plans), tolerance_gbp, reason)

    return solve_game(game, Court(certify, _rounding(game)))


@dataclass(frozen=True, slots=True)
class Court:
    """Who judges what is said to be an equilibrium, and how strictly.

    Attributes
    ----------
    certify : callable
        From strategies, a tolerance in GBP per participant and its reason to a certificate.
    tolerance_gbp : float
        What counts as rounding, GBP per participant.
    concave : bool
        Whether profit is concave in the outcome rate of every prime and everybody plays for the same prize, so that
        first-order conditions have every candidate; otherwise best replies are searched.
    """

    certify: Callable[[tuple[Strategy, ...], float, str], Certificate]
    tolerance_gbp: float
    concave: bool = True


def solve_game(game: Game, court: Court) -> ContestEquilibrium:
    """Return the equilibrium of a game that is known to be sound; :func:`solve_contest` is the way in for one area.

    Raises
    ------
    UnsupportedModelError, EquilibriumError
        As :func:`solve_contest`.
    """
    rule = game.rule
    if not court.concave:
        return _searched(game, court)
    candidates = _candidates(game)
    for profile in candidates:
        strategies = game.pure(profile)
        gain = game.gains_gbp(strategies).max()
        if court.tolerance_gbp < gain <= _NEARLY * court.tolerance_gbp:  # plans may lie on a ladder: step to its rungs
            strategies = game.pure(polished(game, profile))
            gain = game.gains_gbp(strategies).max()
        if gain <= court.tolerance_gbp:
            return _pure(game, strategies, court)
    if isinstance(rule, (LinearShare, TullockShare)):
        return _pure(game, game.pure(candidates[0]), court)  # raises, with the gain that is left
    tried = isinstance(rule, (RankShare, SmoothedRankShare)) and len(game.rivals) == 2
    return _mixed(game, court) if tried else _searched(game, court)


def _inspected(rivals: Sequence[Rival], rule: ShareRule, prize_gbp: float, points: int) -> Game:
    """Return the game, or raise with every fault of the input."""
    primes = inspect_rivals(rivals)
    check = Inspection("Contest")
    prize = check.number("prize_gbp", prize_gbp)
    count = check.number("points", points, lowest=10, highest=5_000)
    if isinstance(rule, ShareRule):
        rule.inspect(check, len(primes))
    else:
        check.fault("rule", type(rule).__name__, "a share rule", "RankShare(), TullockShare(), LinearShare(beta), ...")
    check.finish()
    return Game(primes, rule, prize, int(count))


def _candidates(game: Game) -> list[FloatArray]:
    """Return profiles that may be pure equilibria, from the rule's own conditions."""
    rule = game.rule
    if isinstance(rule, LinearShare):
        return [linear_profile(game, rule)]
    if isinstance(rule, TullockShare):
        return [tullock_profile(game, rule)]
    if isinstance(rule, RankShare) and rule.noise == 0.0:
        return step_profiles(game, rule)
    return smooth_profiles(game, rule) if isinstance(rule, (RankShare, SmoothedRankShare)) else []


def _rounding(game: Game) -> float:
    """Return what counts as rounding: a ten-thousandth of a penny, or 1e-10 of the money in the payoffs."""
    price = max(float(prime.price_gbp.max()) for prime in game.rivals)
    return max(CERTIFICATE_TOLERANCE_GBP, _ROUNDING * max(price, game.prize_gbp, game.stake_gbp))


def _pure(game: Game, strategies: tuple[Strategy, ...], court: Court) -> ContestEquilibrium:
    """Return a pure equilibrium with its certificate."""
    reason = "rounding of payoffs, and the finest steps of support that are tried"
    certificate = court.certify(strategies, court.tolerance_gbp, reason)
    _require(game, strategies, certificate)
    statement = "A pure equilibrium: every prime does one thing."
    return ContestEquilibrium("pure", game, strategies, 0.0, _nowhere(game), certificate, statement)


def _nowhere(game: Game) -> FloatArray:
    """Return what an equilibrium has visited: no cycle."""
    return frozen(np.zeros((0, len(game.rivals))))


def _mixed(game: Game, court: Court) -> ContestEquilibrium:
    """Return a mixed equilibrium of two primes with its certificate."""
    target = max(MIXED_TOLERANCE_RELATIVE * game.stake_gbp, court.tolerance_gbp)
    profile = solve_mixed(game, 0.5 * target)
    refined = (
        f"the grid is refined until gains are below {MIXED_TOLERANCE_RELATIVE:g} of £{game.stake_gbp:,.2f} at stake"
    )
    certificate = court.certify(profile.strategies, target, refined)
    if not certificate.holds:  # a step, or nearly one: leads become ever smaller, and the grid cannot follow
        coarse = (
            f"one step of the grid costs up to £{profile.step_loss_gbp:,.4g}: no rate between two points gains more"
        )
        certificate = replace(certificate, tolerance_gbp=profile.step_loss_gbp + target, reason=coarse)
    _require(game, profile.strategies, certificate)
    statement = (
        f"No pure equilibrium was found: at every pure profile of the grid the two could gain "
        f"£{profile.pure_gap_gbp:,.2f} per participant together. A mixed equilibrium of a grid of outcome rates; off "
        f"the grid nobody gains more than £{certificate.largest_gain_gbp:,.2g}."
    )
    return ContestEquilibrium(
        "mixed", game, profile.strategies, profile.pure_gap_gbp, _nowhere(game), certificate, statement
    )


def _searched(game: Game, court: Court) -> ContestEquilibrium:
    """Return what best replies in turn lead to: a pure equilibrium, a mixed one of two primes, or a cycle."""
    route = walk(game)
    refined = polished(game, route.visited[0]) if route.settles else route.visited[0]
    if route.settles:
        strategies = game.pure(refined)
        if game.gains_gbp(strategies).max() <= court.tolerance_gbp:
            return _pure(game, strategies, court)
    if len(game.rivals) == 2:
        return _mixed(game, court)
    if route.settles:
        raise EquilibriumError(
            f"Best replies settle on the lattice but not off it; the last top-ups in GBP per outcome: "
            f"{[round(t, 2) for t in route.visited[0].tolist()]}. Try more points, or a rule with more noise.",
            last_iterates=last_two(game, route.visited[0], refined),
        )
    return _cycle(game, route.visited, court)


def _cycle(game: Game, visited: FloatArray, court: Court) -> ContestEquilibrium:
    """Return a cycle, with the certificate of its calmest profile."""
    watched = visited[np.unique(np.linspace(0, len(visited) - 1, _WATCHED).astype(np.int64))]
    gains = np.array([game.gains_gbp(game.pure(profile)) for profile in watched])
    calmest = game.pure(watched[int(np.argmin(gains.max(axis=1)))])
    certificate = court.certify(calmest, court.tolerance_gbp, "not an equilibrium: the calmest profile of the cycle")
    gap = float(gains.sum(axis=1).min())
    equal = np.full(len(visited), 1.0 / len(visited))
    strategies = tuple(
        Strategy(np.array(column), prime.performance(column), equal.copy())
        for prime, column in zip(game.rivals, visited.T, strict=True)
    )
    proof = isinstance(game.rule, RankShare) and game.rule.noise == 0.0
    found = "There is no pure equilibrium (all candidates fail)" if proof else "No pure equilibrium was found"
    statement = (
        f"{found}. Best replies in turn run through {len(visited)} profiles for ever; along them somebody always "
        f"gains, at the calmest £{certificate.largest_gain_gbp:,.2f} per participant. A mixed equilibrium of three "
        f"primes is not computed."
    )
    return ContestEquilibrium("cycle", game, strategies, gap, frozen(visited), certificate, statement)


def _require(game: Game, strategies: tuple[Strategy, ...], certificate: Certificate) -> None:
    """Raise, with where the search stood, unless a certificate holds."""
    if not certificate.holds:
        found = [strategy.mean_top_up_gbp for strategy in strategies]
        better = [game.best_reply(place, game.facing(place, strategies)) for place in range(len(strategies))]
        last = {prime.name: round(top_up, 4) for prime, top_up in zip(game.rivals, found, strict=True)}
        raise EquilibriumError(
            f"What was found is no equilibrium: {certificate.player} could gain "
            f"£{certificate.largest_gain_gbp:,.4g} per participant (tolerated: £{certificate.tolerance_gbp:.2g}); the "
            f"last mean top-ups in GBP per outcome: {last}. Try more points, or a rule with more noise.",
            last_iterates=last_two(game, found, better),
        )
