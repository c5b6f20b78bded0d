"""Mixed equilibria of two rivals.

Two primes share a fixed number of referrals: s_1 + s_2 = 1. Taking v_2(q_2) off prime 1's payoff and v_1(q_1) off
prime 2's changes nobody's incentives, and what is left adds up to the prize:

    A(q_1, q_2) = v_1(q_1) - v_2(q_2) + prize * s_1(q_1, q_2),      B = prize - A.

So the contest is a zero-sum game in disguise, whatever the rule: a mixed equilibrium of a grid of outcome rates is a
pair of linear programmes, solved exactly, and no library for general bimatrix games is needed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.optimize import linprog

from pbr_opt.equilibrium.contest_game import Game, Lottery, Strategy
from pbr_opt.errors import EquilibriumError
from pbr_opt.quantities import FloatArray

__all__ = ["MatrixGame", "MixedProfile", "matrix_game", "solve_matrix", "solve_mixed"]

_NEGLIGIBLE: Final = 1e-9
"""Probabilities below this are rounding of the simplex method."""

_REFINEMENTS: Final = 40


@dataclass(frozen=True, slots=True, eq=False)
class MatrixGame:
    """The contest of two primes on a grid of outcome rates.

    Attributes
    ----------
    top_up_gbp, performance, profit_gbp : pair of arrays
        For each prime its grid: top-ups, the outcome rates they lead to, v.
    share : array (points of prime 1, points of prime 2)
        s_1.
    prize_gbp : float
        What all of the next referrals are worth.
    """

    top_up_gbp: tuple[FloatArray, FloatArray]
    performance: tuple[FloatArray, FloatArray]
    profit_gbp: tuple[FloatArray, FloatArray]
    share: FloatArray
    prize_gbp: float

    @property
    def disguised_gbp(self) -> FloatArray:
        """Return A: prime 1 maximises it, prime 2 minimises it."""
        one, two = self.profit_gbp
        return np.asarray(one[:, None] - two[None, :] + self.prize_gbp * self.share)

    @property
    def payoffs_gbp(self) -> tuple[FloatArray, FloatArray]:
        """Return the payoffs themselves, as a bimatrix game: v_1 + prize * s_1 and v_2 + prize * (1 - s_1)."""
        one, two = self.profit_gbp
        return one[:, None] + self.prize_gbp * self.share, two[None, :] + self.prize_gbp * (1.0 - self.share)

    @property
    def pure_gap_gbp(self) -> float:
        """Return the least that both primes together could gain at any pure profile of the grid, GBP per participant.

        ``min over q_2 of max over q_1 of A, less max over q_1 of min over q_2 of A``; 0 exactly when there is a
        saddle point.
        """
        payoff = self.disguised_gbp
        return float(payoff.max(axis=0).min() - payoff.min(axis=1).max())

    @property
    def step_loss_gbp(self) -> float:
        """Return the most that one step of the grid costs: no rate between two points can gain more than that."""
        return max(float((-np.diff(profit)).max(initial=0.0)) for profit in self.profit_gbp)


@dataclass(frozen=True, slots=True, eq=False)
class MixedProfile:
    """A mixed equilibrium of a grid.

    Attributes
    ----------
    strategies : pair of Strategy
        Choices with their probabilities.
    pure_gap_gbp, step_loss_gbp : float
        Of the first grid; see :class:`MatrixGame`.
    """

    strategies: tuple[Strategy, Strategy]
    pure_gap_gbp: float
    step_loss_gbp: float


def matrix_game(game: Game, top_up_gbp: tuple[FloatArray, FloatArray]) -> MatrixGame:
    """Return the contest of two primes in which only some top-ups can be chosen."""
    one, two = game.rivals
    rates = one.performance(top_up_gbp[0]), two.performance(top_up_gbp[1])
    pairs = np.stack(np.meshgrid(*rates, indexing="ij"), axis=-1)
    profits = one.profit_gbp(top_up_gbp[0]), two.profit_gbp(top_up_gbp[1])
    return MatrixGame(top_up_gbp, rates, profits, game.rule.shares(pairs)[..., 0], game.prize_gbp)


def solve_mixed(game: Game, tolerance_gbp: float) -> MixedProfile:
    """Return a mixed equilibrium of two primes on a grid, refined by adding best replies to it.

    Parameters
    ----------
    game : Game
        Two primes.
    tolerance_gbp : float
        Refinement stops when nobody gains more than this by any outcome rate, on the grid or off it.

    Returns
    -------
    MixedProfile
        Against a step, or noise finer than the grid, there is always a smaller lead to add: there the grid stays as it
        is, and the loss of a step says how good it is.

    Raises
    ------
    EquilibriumError
        When the linear programme fails.

    Notes
    -----
    Adding best replies until they no longer gain is the double-oracle method; it converges for continuous payoffs.

    Sources
    -------
    von Neumann (1928); Moulin and Vial (1978) for games strategically equivalent to zero-sum games; McMahan, Gordon and
    Blum (2003) for double oracles, Adam et al. (2021) in continuous games.
    """
    grid = game.lattices[0], game.lattices[1]
    first = matrix_game(game, grid)
    strategies = solve_matrix(first)
    rounds = _REFINEMENTS if game.noise >= game.lattice_step else 0
    for _ in range(rounds):
        replies = [game.best_reply(place, game.facing(place, strategies)) for place in (0, 1)]
        if _largest_gain(game, strategies, replies) <= tolerance_gbp:
            break
        grid = np.union1d(grid[0], [replies[0]]), np.union1d(grid[1], [replies[1]])
        strategies = solve_matrix(matrix_game(game, grid))
    return MixedProfile(strategies, first.pure_gap_gbp, first.step_loss_gbp)


def _largest_gain(game: Game, strategies: tuple[Strategy, Strategy], replies: list[float]) -> float:
    gains = []
    for place, strategy in enumerate(strategies):
        others: Lottery = game.facing(place, strategies)
        now = game.payoff_gbp(place, strategy.top_up_gbp, others) @ strategy.probability
        gains.append(float(game.payoff_gbp(place, np.array([replies[place]]), others)[0] - now))
    return max(gains)


def solve_matrix(matrix: MatrixGame) -> tuple[Strategy, Strategy]:
    """Return an equilibrium of the contest on a grid: both sides' optimal mixtures of the disguised zero-sum game.

    Raises
    ------
    EquilibriumError
        When a linear programme fails.
    """
    payoff = matrix.disguised_gbp
    unit = float(np.ptp(payoff)) or 1.0
    scaled = (payoff - payoff.min()) / unit
    mixtures = _maximin(scaled), _maximin(1.0 - scaled.T)
    one, two = (
        Strategy(matrix.top_up_gbp[k][used], matrix.performance[k][used], chance[used] / chance[used].sum())
        for k, chance in enumerate(mixtures)
        for used in [chance > _NEGLIGIBLE]
    )
    return one, two


def _maximin(payoff: FloatArray) -> FloatArray:
    """Return the mixture of rows whose worst column is best: max t with payoff' p >= t, p a distribution."""
    rows, columns = payoff.shape
    answer = linprog(
        np.r_[np.zeros(rows), -1.0],
        A_ub=np.c_[-payoff.T, np.ones(columns)],
        b_ub=np.zeros(columns),
        A_eq=np.r_[np.ones(rows), 0.0][None, :],
        b_eq=[1.0],
        bounds=[*[(0.0, 1.0)] * rows, (-1.0, 2.0)],
        method="highs",
    )
    if answer.status != 0 or answer.x is None:
        raise EquilibriumError(
            f"The linear programme of a game of {rows} x {columns} outcome rates failed: {answer.message} "
            f"Try fewer points, or money in pounds."
        )
    return np.maximum(np.asarray(answer.x[:rows]), 0.0)
