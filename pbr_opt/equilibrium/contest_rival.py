"""A prime that competes for referrals: what it costs it to raise its outcome rate in one payment group.

A reward that depends on the outcome rate q of a group works like a top-up on the price per outcome: among all support
plans with the same q, profit is greatest where the marginal reward, price plus one common top-up, is the same for
every segment (``docs/theory/rivals.md`` has the proof). So one number, the top-up, stands for a whole plan, and
everything is closed form.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from pbr_opt.equilibrium.best_response import BestResponse, best_response
from pbr_opt.errors import UnsupportedModelError
from pbr_opt.market.caseload import Caseload
from pbr_opt.market.programme import Programme
from pbr_opt.quantities import FloatArray, Inspection, frozen, nearest

__all__ = ["Rival", "inspect_rivals", "least_top_up"]

_HIGHEST_GBP: Final = 1e15
"""No top-up beyond this is looked at: it is the largest amount that an input may hold."""

_HALVINGS: Final = 130
"""Halving an interval of 1e15 this often ends between two neighbouring numbers, wherever the answer lies above 1e-8."""

_BLOCK: Final = 2_000_000
"""Numbers held at once while a top-up is searched for many targets and segments: some 16 MB."""

_Test: TypeAlias = Callable[[FloatArray], FloatArray]


def least_top_up(reached: _Test, targets: FloatArray) -> FloatArray:
    """Return the least top-up in GBP at which a non-decreasing function reaches each target.

    Parameters
    ----------
    reached : callable
        Top-ups of shape (k,) to values of shape (k,), non-decreasing.
    targets : array (k,)
        What is to be reached.

    Returns
    -------
    array (k,)
        At least 0; infinite where £1e15 does not reach the target.

    Notes
    -----
    Bisection, vectorised over the targets: what comes back has been tried and reaches its target.

    Examples
    --------
    >>> least_top_up(lambda t: np.minimum(t / 1000, 2.0), np.array([-1.0, 1.5, 3.0])).round(6).tolist()
    [0.0, 1500.0, inf]
    """
    low, high = np.zeros_like(targets), np.ones_like(targets)
    while (short := (reached(high) < targets) & (high < _HIGHEST_GBP)).any():
        low, high = np.where(short, high, low), np.where(short, np.minimum(high * 4.0, _HIGHEST_GBP), high)
    for _ in range(_HALVINGS):
        middle = low + (high - low) / 2.0
        if not ((middle > low) & (middle < high)).any():
            break
        enough = reached(middle) >= targets
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    high = np.where(reached(high) >= targets, high, np.inf)
    return np.where(reached(np.zeros_like(targets)) >= targets, 0.0, high)


@dataclass(frozen=True, init=False, eq=False)
class Rival:
    """One prime in a contract package area, in one payment group.

    Its strategy is a top-up tau >= 0: it serves every segment as if an outcome paid x + tau. In participant-weighted
    means over the group's segments, ``q(tau) = mean P(x + tau)`` is its performance and ``v(tau) = mean (x P - e)``
    its profit per current participant, with ``dv = -tau dq``: profit is concave in performance, and the top-up is its
    slope.

    Parameters
    ----------
    name : str
        For tables and messages.
    caseload : Caseload
        The segments of one payment group as this prime serves them; a more productive prime has smaller response
        scales.
    price_gbp : array (segments,) or scalar
        x, what an outcome is worth to this prime, GBP per outcome: the effective price, plus mission where it has one.
    minimum_service_gbp : float, optional
        Support that every participant must get, GBP per participant.

    Raises
    ------
    InvalidInputError
        With every fault at once: more than one payment group, money that is not finite or below £0.

    Examples
    --------
    >>> prime = Rival("A", Caseload(["a"], 100, .12, .42, 600), 4000.0)
    >>> float(prime.performance(0.0)), round(float(prime.performance(2000.0)), 4)
    (0.27, 0.32)
    >>> round(float(prime.profit_gbp(0.0) - prime.profit_gbp(2000.0)), 2)  # what the top-up costs
    43.28
    """

    name: str
    caseload: Caseload
    price_gbp: FloatArray
    minimum_service_gbp: float

    def __init__(self, name: str, caseload: Caseload, price_gbp: ArrayLike, minimum_service_gbp: float = 0.0) -> None:
        check = Inspection(f"Rival '{name}'")
        if not isinstance(caseload, Caseload):
            check.fault("caseload", type(caseload).__name__, "a Caseload")
        check.finish()
        if len(caseload.groups) != 1:
            check.fault(
                "caseload",
                f"{len(caseload.groups)} payment groups",
                "one: shares shift group by group",
                "programme.only",
            )
        price = check.money("price_gbp", price_gbp, len(caseload))
        minimum = check.number("minimum_service_gbp", minimum_service_gbp)
        check.finish()
        for key, value in {"name": str(name), "caseload": caseload, "price_gbp": price}.items():
            object.__setattr__(self, key, value)
        object.__setattr__(self, "minimum_service_gbp", minimum)

    @classmethod
    def of(cls, programme: Programme, group: str, name: str = "prime") -> Rival:
        """Return a prime that serves one payment group of a programme under the programme's own tariff.

        Raises
        ------
        InvalidInputError
            When the programme has no such group.
        """
        check = Inspection("Rival.of")
        known = programme.caseload.groups
        if str(group) not in known:
            check.fault("group", group, "a payment group of the programme", nearest(group, known))
        check.finish()
        alone = programme.only(str(group))
        worth = alone.effective_price_gbp() + alone.mission_gbp[0]
        return cls(name, alone.caseload, worth, float(alone.minimum_service_gbp[0]))

    @cached_property
    def weight(self) -> FloatArray:
        """Return each segment's share of the group's participants."""
        return frozen(self.caseload.participants / self.caseload.total_participants)

    def respond(self, top_up_gbp: ArrayLike) -> BestResponse:
        """Return what the prime does for every segment at top-ups of shape (...): arrays of shape (..., segments)."""
        top_up = np.asarray(top_up_gbp, dtype=np.float64)[..., None]
        return best_response(
            self.caseload.response, self.price_gbp + top_up, minimum_service_gbp=self.minimum_service_gbp
        )

    def performance(self, top_up_gbp: ArrayLike) -> FloatArray:
        """Return q, the outcome rate of the group, shape (...)."""
        return np.asarray(self.respond(top_up_gbp).outcome_rate @ self.weight)

    def profit_gbp(self, top_up_gbp: ArrayLike) -> FloatArray:
        """Return v = mean (x P - e) at the true price, GBP per current participant, shape (...)."""
        there = self.respond(top_up_gbp)
        return np.asarray((self.price_gbp * there.outcome_rate - there.support_gbp) @ self.weight)

    def loss_gbp(self, top_up_gbp: ArrayLike) -> FloatArray:
        """Return v(0) - v(tau) >= 0, what it costs to do more than the price alone pays for, GBP per participant."""
        return np.asarray(np.maximum(self.profit_gbp(0.0) - self.profit_gbp(top_up_gbp), 0.0))

    @cached_property
    def least_performance(self) -> float:
        """Return q(0): what the price alone buys."""
        return float(self.performance(0.0))

    @cached_property
    def ceiling(self) -> float:
        """Return the outcome rate that no support reaches: the mean of p1."""
        return float(self.caseload.ceiling_rate @ self.weight)

    def top_up_for(self, performance: ArrayLike) -> FloatArray:
        """Return the least top-up that reaches each outcome rate, shape (...), GBP per outcome.

        Raises
        ------
        UnsupportedModelError
            When no support reaches a rate.
        """
        wanted = np.asarray(performance, dtype=np.float64)
        top_up = self._solve(self.performance, wanted)
        if not np.isfinite(top_up).all():
            raise UnsupportedModelError(
                f"{self.name}: no support reaches an outcome rate of {wanted.max():.6g}; the ceiling is "
                f"{self.ceiling:.6g}. Ask for less than the ceiling, or raise the ceiling rates of the caseload"
            )
        return top_up

    def top_up_losing(self, loss_gbp: float) -> float:
        """Return the top-up beyond which the prime loses more than ``loss_gbp`` per participant."""
        beyond = float(self._solve(self.loss_gbp, np.asarray([loss_gbp]))[0])
        return min(beyond, _HIGHEST_GBP)

    def _solve(self, function: Callable[[ArrayLike], FloatArray], wanted: FloatArray) -> FloatArray:
        """Return the least top-up at which a function of this prime reaches what is wanted, in blocks."""
        flat = wanted.reshape(-1)
        parts = max(1, -(-flat.size * len(self.caseload) // _BLOCK))
        found = [least_top_up(function, part) for part in np.array_split(flat, parts)]
        return np.concatenate(found).reshape(wanted.shape)


def inspect_rivals(rivals: object) -> tuple[Rival, ...]:
    """Return two or three rivals of one area, or raise with every fault.

    Raises
    ------
    InvalidInputError
        Fewer than two, more than three, something else than rivals, or two of one name.
    """
    check = Inspection("Contest")
    items = tuple(rivals) if isinstance(rivals, (list, tuple)) else ()
    if len(items) not in {2, 3}:
        check.fault(
            "rivals", f"{len(items)} of them", "a list of 2 or 3 primes", "one Rival for each prime of the area"
        )
    for k, item in enumerate(items):
        if not isinstance(item, Rival):
            check.fault(f"rivals[{k}]", type(item).__name__, "a Rival")
    check.finish()
    names = [item.name for item in items]
    for name in sorted({name for name in names if names.count(name) > 1}):
        check.fault("rivals", f"two primes called '{name}'", "a name of its own for each prime")
    check.finish()
    return items
