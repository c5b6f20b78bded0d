"""Best replies in turn, on a lattice: where they settle there may be an equilibrium, elsewhere there is a cycle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from pbr_opt.equilibrium.contest_game import Game, Lottery
from pbr_opt.errors import EquilibriumError
from pbr_opt.quantities import FloatArray

__all__ = ["Walk", "last_two", "polished", "walk"]

_SWEEPS: Final = 5_000
_POLISH: Final = 60
_SETTLED: Final = 1e-7
"""Outcome rates nearer than this are the same: a payoff is flat at its peak, so its rounding leaves that much."""


@dataclass(frozen=True, slots=True, eq=False)
class Walk:
    """Where best replies in turn lead.

    Attributes
    ----------
    visited : array (profiles, primes)
        Top-ups of the profiles that come round for ever, in order; one row where the walk settles.
    """

    visited: FloatArray

    @property
    def settles(self) -> bool:
        """Whether it ends in one profile."""
        return len(self.visited) == 1


def walk(game: Game) -> Walk:
    """Return where best replies in turn lead, from the profile in which nobody does more than the price pays for.

    The lattice is finite, so the walk comes back to a profile sooner or later; ties go to the lower top-up.

    Raises
    ------
    EquilibriumError
        When it has not come back after 5,000 rounds; with the last profiles.
    """
    lattices = game.lattices
    rates = [prime.performance(grid) for prime, grid in zip(game.rivals, lattices, strict=True)]
    profits = [prime.profit_gbp(grid) for prime, grid in zip(game.rivals, lattices, strict=True)]
    now = [0] * len(lattices)
    seen: dict[tuple[int, ...], int] = {}
    trail: list[tuple[int, ...]] = []
    while tuple(now) not in seen:
        if len(trail) == _SWEEPS:
            profiles = [[float(grid[k]) for grid, k in zip(lattices, at, strict=True)] for at in trail[-3:]]
            last = [[round(top_up, 2) for top_up in profile] for profile in profiles]
            raise EquilibriumError(
                f"Best replies did not settle or come back within {_SWEEPS:,} rounds; the last top-ups in GBP per "
                f"outcome: {last}. Try fewer points, or a rule with more noise.",
                last_iterates=last_two(game, *profiles[-2:]),
            )
        seen[tuple(now)] = len(trail)
        trail.append(tuple(now))
        for place in range(len(now)):
            others = np.array([[rates[k][at] for k, at in enumerate(now) if k != place]])
            share = game.expected_share(place, rates[place], Lottery(others, np.ones(1)))
            now[place] = int(np.argmax(profits[place] + game.prize_gbp * share))
    loop = trail[seen[tuple(now)] :]
    return Walk(np.array([[grid[k] for grid, k in zip(lattices, point, strict=True)] for point in loop]))


def polished(game: Game, top_up_gbp: FloatArray) -> FloatArray:
    """Return a profile after best replies off the lattice, until outcome rates no longer change (or 60 rounds)."""
    profile = np.array(top_up_gbp)
    for _ in range(_POLISH):
        before = _rates(game, profile)
        for place in range(profile.size):
            profile[place] = game.best_reply(place, game.facing(place, game.pure(profile)))
        if np.abs(_rates(game, profile) - before).max() <= _SETTLED:
            break
    return profile


def last_two(
    game: Game, one: Sequence[float] | FloatArray, two: Sequence[float] | FloatArray
) -> dict[str, tuple[float, float]]:
    """Return each prime's top-ups in two profiles, by name: where a search stood."""
    return {prime.name: (float(a), float(b)) for prime, a, b in zip(game.rivals, one, two, strict=True)}


def _rates(game: Game, profile: FloatArray) -> FloatArray:
    return np.array([float(prime.performance(t)) for prime, t in zip(game.rivals, profile, strict=True)])
