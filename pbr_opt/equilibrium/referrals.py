"""Who gets whom, when places are limited or volumes are guaranteed.

A payer sends each segment where it is worth most. Where more would go to a payee than it can take, or fewer than it was
promised, a price on its places moves just enough people: the price is what one more place is worth (or what the promise
costs), GBP per participant.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import coo_array, vstack

from pbr_opt.equilibrium.pass_through import largest
from pbr_opt.errors import EquilibriumError
from pbr_opt.quantities import FloatArray

__all__ = ["Allotment", "allot"]

_PASSES: Final = 12
"""Prices of places move one at a time, exactly; where they chase each other the transport problem is solved whole."""
_PLACES: Final = 1e-9
"""Places are counted to a billionth of those at stake."""


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


def allot(value_gbp: FloatArray, people: FloatArray, fewest: FloatArray, most: FloatArray) -> Allotment:
    """Return shares of segments by option, best for the payer within limits on the people of each option.

    Parameters
    ----------
    value_gbp : array (options, segments)
        Worth per participant; minus infinity for an option that does not take them (never the first).
    people : array (segments,)
        Participants to allot.
    fewest, most : array (options,)
        Limits on participants; the payer's own option (the first) takes whoever is left over. Nobody is owed more
        people than it takes.

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
    if bool(((taken <= most + slack) & (taken >= fewest - slack)).all()):
        return Allotment(share, price)
    if fewest.sum() > people.sum() + slack:
        raise EquilibriumError(
            f"Guaranteed volumes of {fewest.sum():,.0f} exceed the {people.sum():,.0f} participants there are; "
            "try smaller guarantees."
        )
    fewest = np.minimum(fewest, np.isfinite(value_gbp) @ people)
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
    return _transport(value_gbp, people, fewest, most)


def _transport(value: FloatArray, people: FloatArray, fewest: FloatArray, most: FloatArray) -> Allotment:
    """Return the best allotment as a linear programme: shares of segments, limits on people by option."""
    options, segments = value.shape
    option, segment = np.nonzero(np.isfinite(value))
    size, cell = option.size, np.arange(option.size)
    bounded = np.flatnonzero(np.isfinite(most))
    owed = np.flatnonzero(fewest > 0.0)
    above = coo_array((people[segment], (option, cell)), shape=(options, size)).tocsr()
    limits = vstack([above[bounded], -above[owed]])
    answer = linprog(  # type: ignore[call-overload]  # sparse limits are taken, and not in the stubs
        -(value[option, segment] * people[segment]),
        A_ub=limits,
        b_ub=np.concatenate([most[bounded], -fewest[owed]]),
        A_eq=coo_array((np.ones(size), (segment, cell)), shape=(segments, size)),
        b_eq=np.ones(segments),
        bounds=(0.0, 1.0),
        method="highs",
    )
    if answer.status != 0:
        raise EquilibriumError(f"No allotment of people to places was found: {answer.message}")
    share, price = np.zeros((options, segments)), np.zeros(options)
    share[option, segment] = np.clip(answer.x, 0.0, 1.0)
    worth = -answer.ineqlin.marginals
    price[bounded] += worth[: bounded.size]
    price[owed] -= worth[bounded.size :]
    return Allotment(share / share.sum(axis=0), price)


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
