"""What a provider's own choice reveals of a payment group, whatever the response: bounds with no family assumed.

A provider that is paid x per outcome chose support e and got outcome rate P. It could have bought none, so that
``x P - e >= x p0``; and it could have bought what it bought at another price.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from pbr_opt.errors import UnsupportedModelError
from pbr_opt.quantities import FloatArray, Inspection, frozen

__all__ = ["RevealedPreference", "most_support_gbp"]

_ROUNDING: Final = 1e-9
"""Choices that lose less than this share of the payment contradict nothing but rounding."""


def most_support_gbp(price_gbp: ArrayLike, outcome_rate: ArrayLike, deadweight_rate: ArrayLike) -> FloatArray:
    """Return x (P - p0): the most that a provider can have spent on a participant without losing by it.

    >>> most_support_gbp(4000.0, 0.27, 0.12).round(6).item()
    600.0
    """
    price, rate, floor = (np.asarray(item, dtype=np.float64) for item in (price_gbp, outcome_rate, deadweight_rate))
    return np.asarray(price * (rate - floor))


@dataclass(frozen=True, init=False, eq=False)
class RevealedPreference:
    """Choices of the same provider for the same people at one price or several.

    With ``V(x) = x P - e`` what it was left with, optimal choices are those for which V is convex in the price with
    slope P, and ``V(0) = 0``: ``V_i >= V_j + P_j (x_i - x_j)`` for all pairs (Afriat's inequalities). Everything below
    follows from that alone, holds for averages over the people of a group who are priced alike, and needs no response
    function. Bounds are sharp: some convex V attains each.

    Parameters
    ----------
    price_gbp : array (prices,)
        x, what an outcome paid, each above 0 and once.
    outcome_rate : array (prices,)
        P, 0..1.
    support_gbp : array (prices,)
        e, discretionary support, GBP per participant.
    least_deadweight, most_deadweight : float, optional
        What is known of p0 otherwise.

    Raises
    ------
    InvalidInputError
        With every fault at once.

    Examples
    --------
    >>> seen = RevealedPreference([4000.0], [0.27], [415.9])
    >>> [round(bound, 4) for bound in seen.deadweight_bounds]
    [0.0, 0.166]
    >>> seen.outcome_rate_bounds([3000.0, 5000.0]).round(4).tolist()
    [[0.1314, 0.27], [0.27, 1.0]]
    """

    price_gbp: FloatArray
    outcome_rate: FloatArray
    support_gbp: FloatArray
    least_deadweight: float
    most_deadweight: float

    def __init__(
        self,
        price_gbp: ArrayLike,
        outcome_rate: ArrayLike,
        support_gbp: ArrayLike,
        *,
        least_deadweight: float = 0.0,
        most_deadweight: float = 1.0,
    ) -> None:
        check = Inspection("RevealedPreference")
        size = max(1, np.size(price_gbp))
        price = check.positive("price_gbp", price_gbp, size, "a price of an outcome in GBP")
        rate, support = check.rates("outcome_rate", outcome_rate, size), check.money("support_gbp", support_gbp, size)
        least = float(check.rates("least_deadweight", least_deadweight, 1)[0])
        most = float(check.rates("most_deadweight", most_deadweight, 1)[0])
        if least > most:
            check.fault("least_deadweight", least, f"at most most_deadweight, {most:g}")
        if np.unique(price).size < price.size:
            check.fault("price_gbp", "a price more than once", "each price once", "average the people paid alike")
        check.finish()
        order = np.argsort(price)
        for name, column in (("price_gbp", price), ("outcome_rate", rate), ("support_gbp", support)):
            object.__setattr__(self, name, frozen(column[order]))
        object.__setattr__(self, "least_deadweight", least)
        object.__setattr__(self, "most_deadweight", most)

    @property
    def value_gbp(self) -> FloatArray:
        """Return V = x P - e, what the provider was left with per participant, without attachment fees."""
        return np.asarray(self.price_gbp * self.outcome_rate - self.support_gbp)

    @property
    def regret_gbp(self) -> float:
        """Return the most that a choice loses against another that was seen, or against no support at all."""
        price, value = self.price_gbp, self.value_gbp
        instead = value[None, :] + self.outcome_rate[None, :] * (price[:, None] - price[None, :])
        nothing = self.least_deadweight * price
        return float(max((instead - value[:, None]).max(), (nothing - value).max()))

    @property
    def rationalisable(self) -> bool:
        """Whether some response makes every choice the best one."""
        scale = float((self.price_gbp * np.maximum(self.outcome_rate, self.least_deadweight)).max())
        return self.regret_gbp <= _ROUNDING * scale

    @property
    def deadweight_bounds(self) -> tuple[float, float]:
        """Return the least and the most that p0 can be: P - p0 >= e/x at every price.

        Raises
        ------
        UnsupportedModelError
            When no response makes the choices the best ones.
        """
        self._require_reason()
        return self.least_deadweight, min(self.most_deadweight, float((self.value_gbp / self.price_gbp).min()))

    def outcome_rate_bounds(self, price_gbp: ArrayLike) -> FloatArray:
        """Return the least and the most that the outcome rate can be at other prices, shape (prices, 2).

        Between two prices a and b that were seen, the slope of a convex V with given tangents at its ends:
        ``max(P_a, (V_b - P_b (b - y) - V_a)/(y - a)) <= P(y) <= min(P_b, (V_b - V_a - P_a (y - a))/(b - y))``.

        Parameters
        ----------
        price_gbp : array (prices,)
            y, at least 0.

        Raises
        ------
        InvalidInputError
            For prices below 0.
        UnsupportedModelError
            When no response makes the choices the best ones.
        """
        self._require_reason()
        check = Inspection("RevealedPreference.outcome_rate_bounds")
        asked = check.money("price_gbp", price_gbp, np.size(price_gbp))
        check.finish()
        return np.array([self._between(float(price)) for price in asked])

    def _between(self, asked: float) -> tuple[float, float]:
        """Return the bounds at one price."""
        price = np.concatenate([[0.0], self.price_gbp])
        value = np.concatenate([[0.0], self.value_gbp])
        slope = np.concatenate([[self.least_deadweight], self.outcome_rate])
        seen = np.flatnonzero(self.price_gbp == asked)
        if seen.size:
            return float(self.outcome_rate[seen[0]]), float(self.outcome_rate[seen[0]])
        right = int(np.searchsorted(price, asked))
        left = max(right - 1, 0)
        if right == 0:  # a price of nothing
            return self.deadweight_bounds
        if right == price.size:
            return float(slope[-1]), 1.0
        on, off = asked - price[left], price[right] - asked
        low = max(slope[left], (value[right] - slope[right] * off - value[left]) / on)
        high = min(slope[right], (value[right] - value[left] - slope[left] * on) / off)
        return float(low), float(high)

    def _require_reason(self) -> None:
        if not self.rationalisable:
            raise UnsupportedModelError(
                f"No response makes these choices the best ones: one of them loses £{self.regret_gbp:,.2f} a head "
                "against another, or against no support. Try support without its fixed part, "
                "what an outcome paid at the time, or a lower least_deadweight"
            )
