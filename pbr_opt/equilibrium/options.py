"""What an agent of a supply chain can do with a participant, and what each of it is worth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pbr_opt.equilibrium.best_response import BestResponse
from pbr_opt.equilibrium.pass_through import largest
from pbr_opt.quantities import FloatArray, IntArray

__all__ = ["Options"]


@dataclass(frozen=True, slots=True, eq=False)
class Options:
    """What an agent can do with a participant: first deliver itself, then refer to each payee.

    Attributes
    ----------
    own : BestResponse
        What it does when it delivers itself.
    value, money_gbp, rate, price_gbp : list of arrays (..., segments), one an option
        Worth to the agent per participant, and how much of it is money; outcome rate; price per outcome for whoever is
        next.
    free : tuple of int
        Payees that get whom the agent chooses.
    """

    own: BestResponse
    value: list[FloatArray]
    money_gbp: list[FloatArray]
    rate: list[FloatArray]
    price_gbp: list[FloatArray]
    free: tuple[int, ...]

    def add(self, value: FloatArray, money_gbp: FloatArray, rate: FloatArray, price_gbp: FloatArray) -> None:
        """Append an option."""
        for column in (self.value, self.money_gbp, self.rate, self.price_gbp):
            column.append(value)
        self.put(-1, value, money_gbp, rate, price_gbp)

    def put(self, k: int, value: FloatArray, money_gbp: FloatArray, rate: FloatArray, price_gbp: FloatArray) -> None:
        """Replace an option."""
        self.value[k], self.money_gbp[k], self.rate[k], self.price_gbp[k] = value, money_gbp, rate, price_gbp

    @property
    def open_to(self) -> IntArray:
        """Return the options that the agent can choose among: itself and its free payees."""
        return np.array([0, *(k + 1 for k in self.free)])

    @property
    def choice(self) -> IntArray:
        """Return the best option for each segment: 0 itself, k the k-th payee; ties go to the first."""
        return np.asarray(self.open_to[largest(np.stack([self.value[k] for k in self.open_to]))])
