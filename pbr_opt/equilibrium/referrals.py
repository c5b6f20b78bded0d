"""Who gets whom, when places are limited or volumes are guaranteed.

A payer sends each segment where it is worth most. Where more would go to a payee than it can take, or fewer than it was
promised, a price on its places moves just enough people: the price is what one more place is worth (or what the promise
costs), GBP per participant.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np
from scipy.optimize import OptimizeResult, linprog
from scipy.sparse import coo_array, csr_array, hstack, vstack

from pbr_opt.equilibrium.pass_through import largest
from pbr_opt.errors import EquilibriumError
from pbr_opt.quantities import FloatArray, IntArray

__all__ = ["Allotment", "Purse", "allot"]

_PASSES: Final = 12
"""Prices of places move one at a time, exactly; where they chase each other the transport problem is solved whole."""
_PLACES: Final = 1e-9
"""Places are counted to a billionth of those at stake."""


@dataclass(frozen=True, slots=True, eq=False)
class Purse:
    """Money that some options draw on before outcomes pay.

    Attributes
    ----------
    cost_gbp : array (options, segments)
        Per participant.
    money_gbp : float
        In all.
    exact : bool
        Whether all of it is used, as it is when more of it would be worth something.
    """

    cost_gbp: FloatArray
    money_gbp: float
    exact: bool = False

    def among(self, options: IntArray, taken: FloatArray) -> Purse:
        """Return what is left for some options when people (options, segments) have been allotted already."""
        return replace(
            self, cost_gbp=self.cost_gbp[options], money_gbp=self.money_gbp - float((self.cost_gbp * taken).sum())
        )


@dataclass(frozen=True, slots=True, eq=False)
class Allotment:
    """Shares of each segment by option, and what a place in each option is worth.

    Attributes
    ----------
    share : array (options, segments)
        Adds up to 1 over options.
    place_price_gbp : array (options,)
        Above 0 where places are short, below 0 where a guarantee binds.
    """

    share: FloatArray
    place_price_gbp: FloatArray


def allot(
    value_gbp: FloatArray, people: FloatArray, fewest: FloatArray, most: FloatArray, purses: Sequence[Purse] = ()
) -> Allotment:
    """Return shares of segments by option, best for the payer within limits on the people of each option.

    Parameters
    ----------
    value_gbp : array (options, segments)
        Worth per participant; minus infinity for an option that does not take them (never the first).
    people : array (segments,)
        Participants to allot.
    fewest, most : array (options,)
        Limits on participants; the payer's own option (the first) takes whoever is left over. Nobody is owed more
        people than it takes, and where several take the same people only, they are owed what there are of them.
    purses : sequence of Purse, optional
        Limits on money, which is priced in the values already.

    Raises
    ------
    EquilibriumError
        When guarantees add up to more people than there are.

    Examples
    --------
    >>> value = np.array([[10.0, 10.0], [30.0, 15.0]])
    >>> there = allot(value, np.array([100.0, 100.0]), np.zeros(2), np.array([np.inf, 120.0]))
    >>> there.share[1].tolist(), there.place_price_gbp.tolist()
    ([1.0, 0.2], [0.0, 5.0])
    """
    options, segments = value_gbp.shape
    share = np.zeros((options, segments))
    share[largest(value_gbp), np.arange(segments)] = 1.0
    taken = share @ people
    slack = _PLACES * max(float(people.sum()), 1.0)
    price = np.zeros(options)
    if not purses and bool(((taken <= most + slack) & (taken >= fewest - slack)).all()):
        return Allotment(share, price)
    if fewest.sum() > people.sum() + slack:
        raise EquilibriumError(
            f"Guaranteed volumes of {fewest.sum():,.0f} exceed the {people.sum():,.0f} participants there are; "
            "try smaller guarantees."
        )
    fewest = np.minimum(fewest, np.isfinite(value_gbp) @ people)
    if purses:
        return _transport(value_gbp, people, (fewest, most), purses)
    for _ in range(_PASSES):
        moved = False
        for k in range(options):
            taken = share @ people
            if taken[k] > most[k] + slack or taken[k] < fewest[k] - slack or price[k] != 0.0:
                before = share[k].copy()
                share, price[k] = _settle(value_gbp, people, share, price, k, (float(fewest[k]), float(most[k])))
                moved = moved or bool((np.abs(share[k] - before) @ people) > slack)
        if not moved:
            return Allotment(share, price)
    return _transport(value_gbp, people, (fewest, most), ())


def _transport(
    value: FloatArray, people: FloatArray, limits: tuple[FloatArray, FloatArray], purses: Sequence[Purse]
) -> Allotment:
    """Return the best allotment as a linear programme: shares of segments, limits on people and on money by option."""
    share, price = np.zeros(value.shape), np.zeros(value.shape[0])
    share[largest(value), np.arange(value.shape[1])] = 1.0
    option, segment = np.nonzero(np.isfinite(value) & (people > 0.0))
    if not option.size:
        return Allotment(share, price)
    to_fill = _ToFill(value, people, *limits, option, segment)
    answer = to_fill.solve_any(purses)
    if answer.status != 0 and to_fill.owed.size:
        to_fill = replace(to_fill, fewest=to_fill.fewest_met())
        answer = to_fill.solve_any(purses)
    if answer.status != 0:
        raise EquilibriumError(
            f"No allotment of people to places and working capital was found ({answer.message.split('.')[0]}). "
            "Try fixed_share contracts, or more working capital."
        )
    share[:, np.unique(segment)] = 0.0
    share[option, segment] = np.clip(answer.x, 0.0, 1.0)
    bounded, owed = to_fill.bounded, to_fill.owed
    multiplier = -answer.ineqlin.marginals * to_fill.unit
    price[bounded] += multiplier[: bounded.size]
    price[owed] -= multiplier[bounded.size : bounded.size + owed.size]
    return Allotment(share / share.sum(axis=0), price)


@dataclass(frozen=True, eq=False)
class _ToFill:
    """The linear programme of an allotment, a variable for each option and segment that may go together."""

    value: FloatArray
    people: FloatArray
    fewest: FloatArray
    most: FloatArray
    option: IntArray
    segment: IntArray

    @cached_property
    def bounded(self) -> IntArray:
        """Return the options whose places are limited."""
        return np.flatnonzero(np.isfinite(self.most))

    @cached_property
    def owed(self) -> IntArray:
        """Return the options that people are guaranteed to."""
        return np.flatnonzero(self.fewest > 0.0)

    @cached_property
    def worth(self) -> FloatArray:
        """Return what a whole segment is worth in each cell."""
        return np.asarray(self.value[self.option, self.segment] * self.people[self.segment])

    @cached_property
    def unit(self) -> float:
        """Return the size of the objective, so that the solver's tolerances are relative."""
        return max(float(np.abs(self.worth).max()), 1.0)

    @cached_property
    def people_of(self) -> csr_array:
        """Return the people of an option (row) that a whole cell (column) brings."""
        shape = (self.value.shape[0], self.option.size)
        return coo_array((self.people[self.segment], (self.option, np.arange(shape[1]))), shape=shape).tocsr()

    @cached_property
    def everybody(self) -> csr_array:
        """Return the rows that add up the shares of each segment."""
        cells = np.arange(self.option.size)
        whole = coo_array((np.ones(cells.size), (self.segment, cells)), shape=(self.people.size, cells.size)).tocsr()
        return whole[np.unique(self.segment)]

    def fewest_met(self) -> FloatArray:
        """Return guarantees that can be kept together: as much in all as there are people who are taken."""
        owed, cells = self.owed, self.option.size
        above, whole = self.people_of, self.everybody
        kept = hstack([-above[owed], csr_array(np.eye(owed.size))])
        places = hstack([above[self.bounded], csr_array((self.bounded.size, owed.size))])
        answer = linprog(  # type: ignore[call-overload]  # the stubs lack sparse limits
            np.r_[np.zeros(cells), -np.ones(owed.size)],
            A_ub=vstack([kept, places]),
            b_ub=np.r_[np.zeros(owed.size), self.most[self.bounded]],
            A_eq=hstack([whole, csr_array((whole.shape[0], owed.size))]),
            b_eq=np.ones(whole.shape[0]),
            bounds=[(0.0, 1.0)] * cells + [(0.0, float(most)) for most in self.fewest[owed]],
            method="highs",
        )
        fewest = np.zeros_like(self.fewest)
        fewest[owed] = 0.0 if answer.status != 0 else np.asarray(answer.x)[cells:] * (1.0 - _PLACES)
        return fewest

    def solve_any(self, purses: Sequence[Purse]) -> OptimizeResult:
        """Return the solver's answer with purses used up that are to be, or at least kept."""
        exact = [purse for purse in purses if purse.exact]
        answer = self.solve(exact, [purse for purse in purses if not purse.exact])
        return self.solve((), purses) if answer.status != 0 and exact else answer

    def solve(self, exact: Sequence[Purse], within: Sequence[Purse]) -> OptimizeResult:
        """Return the solver's answer when some purses are to be used up, and others kept."""
        option, segment, above, everybody = self.option, self.segment, self.people_of, self.everybody
        rows = [_row(purse, option, segment, self.people) for purse in (*within, *exact)]
        inner, outer = rows[: len(within)], rows[len(within) :]
        answer: OptimizeResult = linprog(  # type: ignore[call-overload]  # the stubs lack sparse limits
            -self.worth / self.unit,
            A_ub=vstack([above[self.bounded], -above[self.owed], *(row for row, _ in inner)]),
            b_ub=np.concatenate([self.most[self.bounded], -self.fewest[self.owed], [money for _, money in inner]]),
            A_eq=vstack([everybody, *(row for row, _ in outer)]),
            b_eq=np.concatenate([np.ones(everybody.shape[0]), [money for _, money in outer]]),
            bounds=(0.0, 1.0),
            method="highs",
        )
        return answer


def _row(purse: Purse, option: IntArray, segment: IntArray, people: FloatArray) -> tuple[csr_array, float]:
    """Return what each share takes from a purse, and what is in it, both in units of the largest."""
    taken = purse.cost_gbp[option, segment] * people[segment]
    unit = max(float(np.abs(taken).max()), abs(purse.money_gbp), 1.0)
    return csr_array((taken / unit)[None]), purse.money_gbp / unit


def _settle(
    value: FloatArray,
    people: FloatArray,
    share: FloatArray,
    price: FloatArray,
    k: int,
    limits: tuple[float, float],
) -> tuple[FloatArray, float]:
    """Return shares and the price of places in option k that brings it within its limits, other prices given."""
    others = np.delete(np.arange(value.shape[0]), k)
    net = value[others] - price[others, None]
    rival = others[largest(net)]
    lead = value[k] - (value[rival, np.arange(people.size)] - price[rival])
    order = np.argsort(-lead, kind="stable")
    running = np.cumsum(people[order])
    wanted = float(people[lead > 0].sum())
    target = min(max(wanted, limits[0]), limits[1], float(people.sum()))
    filled = np.clip((target - (running - people[order])) / np.where(people[order] > 0, people[order], 1.0), 0.0, 1.0)
    new = share.copy()
    staying = np.empty(people.size)
    staying[order] = filled
    was_elsewhere = np.zeros_like(share)
    was_elsewhere[rival, np.arange(people.size)] = 1.0
    new[:] = was_elsewhere * (1.0 - staying)
    new[k] = staying
    if target == wanted:
        return new, 0.0
    marginal = int(np.searchsorted(running, target * (1.0 - _PLACES)))
    return new, float(lead[order[min(marginal, people.size - 1)]])
