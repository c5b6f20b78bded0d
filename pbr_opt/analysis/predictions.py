"""What the model says of published facts: one measure a fact, read off the national equilibrium of many worlds.

A measure has a name and, where it is of some groups only, a place after a '/': ``outcome_rate/6``. The scoreboard and
the search for plausible worlds read the same measures, so that a number has one definition.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np

from pbr_opt.analysis.nations import National
from pbr_opt.analysis.whole_facts import WHOLE_MEASURES
from pbr_opt.market.facts import Fact
from pbr_opt.quantities import FloatArray, Inspection, nearest

__all__ = ["MEASURES", "Kinds", "inspect_facts", "measure_of", "of_worlds", "predict"]

_ATTACHED: Final = 0.98
"""Of a hundred referred, 98 were attached: 33,400 were not, of 1.84 million (DWP to March 2016, derived). Attachment
fees are counted for everybody who was referred."""

_TINY: Final = float(np.finfo(float).tiny)


@dataclass(frozen=True, slots=True)
class Kinds:
    """Which payment groups are meant by words: positions in the order of groups.

    Attributes
    ----------
    groups : tuple of str
        All, in order.
    hard, easy, jobseekers, thirteen_weeks : tuple of int
        Those on health benefits; jobseekers nearest to work; all jobseekers; those with a 13-week rule.
    """

    groups: tuple[str, ...]
    hard: tuple[int, ...]
    easy: tuple[int, ...]
    jobseekers: tuple[int, ...]
    thirteen_weeks: tuple[int, ...]

    @classmethod
    def of_2011(cls, groups: Sequence[str]) -> Kinds:
        """Return the kinds of the payment groups of 2011, by their ids; empty where a programme has other groups.

        >>> Kinds.of_2011(("1", "6")).hard
        (1,)
        """

        def at(ids: str) -> tuple[int, ...]:
            return tuple(k for k, group in enumerate(groups) if group in ids.split())

        return cls(tuple(groups), at("5 6 7 8"), at("1 2 3"), at("1 2 3 4 9"), at("3 4 5 6 7 8"))


def _rate(there: National, groups: Sequence[int]) -> FloatArray:
    people = there.nations.participants[:, groups].sum(axis=1)
    return np.asarray(there.outcomes[:, groups].sum(axis=1) / np.maximum(people, _TINY))


def _per_head(there: National, amount: FloatArray, groups: Sequence[int]) -> FloatArray:
    people = there.nations.participants[:, groups].sum(axis=1)
    return np.asarray(amount[:, groups].sum(axis=1) / np.maximum(people, _TINY))


def _ratio(one: FloatArray, other: FloatArray) -> FloatArray:
    return np.asarray(one / np.maximum(other, _TINY))


def _outcome_rate(there: National, kinds: Kinds, place: str) -> FloatArray:
    every = tuple(range(len(kinds.groups)))
    return _rate(there, every if place == "all" else (kinds.groups.index(place),))


def _payment_share(there: National, kinds: Kinds, place: str) -> FloatArray:
    paid = there.outcomes * there.nations.outcome_payment_gbp
    return _ratio(paid[:, kinds.groups.index(place)], paid.sum(axis=1))


def _mean_outcome_fee(there: National, kinds: Kinds, place: str) -> FloatArray:
    paid = (there.outcomes * there.nations.outcome_payment_gbp).sum(axis=1)
    return _ratio(paid, there.outcomes.sum(axis=1))


def _sustainment(there: National, kinds: Kinds, place: str) -> FloatArray:
    nations = there.nations
    paid = (there.outcomes * (nations.price_gbp - nations.outcome_payment_gbp)).sum(axis=1)
    return _ratio(paid, there.outcomes.sum(axis=1))


def _provider_spend(there: National, kinds: Kinds, place: str) -> FloatArray:
    base = there.nations.participants * there.nations.base_service_gbp
    return _per_head(there, base + there.support_gbp, kinds.hard)


def _support_ratio(there: National, kinds: Kinds, place: str) -> FloatArray:
    """Return support a head, hard over easy; 1 where nobody gets any."""
    hard, easy = (_per_head(there, there.support_gbp, groups) for groups in (kinds.hard, kinds.easy))
    return np.where(easy > 0.0, hard / np.maximum(easy, 1e-9), np.where(hard > 0.0, np.inf, 1.0))


def _parked_gap(there: National, kinds: Kinds, place: str) -> FloatArray:
    return _per_head(there, there.parked, kinds.hard) - _per_head(there, there.parked, kinds.easy)


def _rate_fall(there: National, kinds: Kinds, place: str) -> FloatArray:
    first, last = kinds.groups.index("1"), kinds.groups.index("7")
    nations = there.nations
    listed = (
        nations.attachment_fee_gbp + nations.outcome_fee_gbp + nations.sustainment_fee_gbp * nations.sustainment_max
    )
    return _ratio(_rate(there, (first,)), _rate(there, (last,))) / _ratio(listed[:, last], listed[:, first])


def _median_sustainments(there: National, kinds: Kinds, place: str) -> FloatArray:
    """Return the median of a geometric number of payments, cut at the cap: ln(1/2)/ln(1 - h), by people."""
    with np.errstate(divide="ignore"):
        median = np.minimum(np.log(0.5) / np.log1p(-there.nations.exit_hazard), there.nations.sustainment_max)
    return _ratio(
        (median * there.outcomes)[:, kinds.thirteen_weeks].sum(axis=1),
        there.outcomes[:, kinds.thirteen_weeks].sum(axis=1),
    )


def _esa_to_jsa(there: National, kinds: Kinds, place: str) -> FloatArray:
    return _ratio(_rate(there, kinds.hard), _rate(there, kinds.jobseekers))


def _attachment_per_head(there: National, kinds: Kinds, place: str) -> FloatArray:
    return _per_head(there, there.nations.participants * there.nations.attachment_fee_gbp, range(len(kinds.groups)))


def _support_price_correlation(there: National, kinds: Kinds, place: str) -> FloatArray:
    """Return the correlation, over people, of their group's mean support with its highest price."""
    nations = there.nations
    share = nations.participants / nations.participants.sum(axis=1, keepdims=True)
    price = nations.outcome_fee_gbp + nations.sustainment_fee_gbp * nations.sustainment_max
    support = there.support_gbp / np.maximum(nations.participants, _TINY)
    one, other = (column - (share * column).sum(axis=1, keepdims=True) for column in (price, support))
    spread = np.sqrt((share * one**2).sum(axis=1) * (share * other**2).sum(axis=1))
    return _ratio((share * one * other).sum(axis=1), spread)


def _contract_ratio(there: National, kinds: Kinds, place: str) -> FloatArray:
    rates = there.contract_outcome_rate
    end = rates.min(axis=1) if place == "lowest" else rates.max(axis=1)
    return _ratio(end, _outcome_rate(there, kinds, "all"))


MEASURES: Final[Mapping[str, Callable[[National, Kinds, str], FloatArray]]] = MappingProxyType(
    {
        "outcome_rate": _outcome_rate,
        "outcome_rate_ratio": _esa_to_jsa,
        "payment_share": _payment_share,
        "mean_outcome_fee_gbp": _mean_outcome_fee,
        "sustainment_per_outcome_gbp": _sustainment,
        "attachment_payments_gbp": lambda there, _, __: _ATTACHED * there.attachment_spend_gbp.sum(axis=1),
        "attachment_share": lambda there, _, __: _ratio(there.attachment_spend_gbp.sum(axis=1), there.spend_gbp),
        "attachment_fee_per_head_gbp": _attachment_per_head,
        "spend_gbp": lambda there, _, __: there.spend_gbp,
        "spend_ceiling_gbp": lambda there, _, __: there.spend_gbp,
        "provider_spend_gbp": _provider_spend,
        "support_ratio": _support_ratio,
        "parked_gap": _parked_gap,
        "rate_fall_over_price_rise": _rate_fall,
        "median_sustainments": _median_sustainments,
        "outcomes": lambda there, _, __: there.outcomes.sum(axis=1),
        "cost_per_outcome_gbp": lambda there, _, __: _ratio(there.spend_gbp, there.outcomes.sum(axis=1)),
        "support_price_correlation": _support_price_correlation,
        "contract_rate_ratio": _contract_ratio,
    }
)
"""How each measure is read: from the equilibrium, the kinds of groups and the place after the '/'."""

_OF_GROUPS: Final = ("outcome_rate", "payment_share")
_OF_2011: Final = (
    "provider_spend_gbp",
    "support_ratio",
    "parked_gap",
    "rate_fall_over_price_rise",
    "outcome_rate_ratio",
)


def inspect_facts(facts: Iterable[Fact], groups: Sequence[str]) -> None:
    """Raise with every fact that no measure speaks to.

    >>> inspect_facts([Fact("outcome_rte/6", 0.1, 0.1)], ("6",))
    Traceback (most recent call last):
        ...
    pbr_opt.errors.InvalidInputError: Facts has 1 fault:
      1. outcome_rte/6: given a fact; wanted something that the model measures; try: did you mean 'outcome_rate'?
    """
    check = Inspection("Facts")
    for fact in facts:
        name, place = measure_of(fact)
        if name not in MEASURES and name not in WHOLE_MEASURES:
            known = (*MEASURES, *WHOLE_MEASURES)
            check.fault(fact.id, "a fact", "something that the model measures", nearest(name, known))
        elif name in _OF_GROUPS and place not in (*groups, "all"):
            check.fault(fact.id, place or "nothing", "a payment group after the '/'", nearest(place, groups))
        elif name in WHOLE_MEASURES and fact.excludes:
            check.fault(fact.id, "a fact that excludes", "excludes = no", "worlds have no specialists and no exits")
        elif name in _OF_2011 and not {"1", "7"} <= set(groups):
            check.fault(fact.id, "a fact about the payment groups of 2011", "groups 1 to 9", "leave it out")
    check.finish()


def measure_of(fact: Fact) -> tuple[str, str]:
    """Return the measure by which the model speaks to a fact, and its place.

    >>> measure_of(Fact("outcome_rate/6", 0.151, 0.01))
    ('outcome_rate', '6')
    """
    name, _, place = fact.id.partition("/")
    return name, place


def of_worlds(facts: Iterable[Fact]) -> tuple[Fact, ...]:
    """Return the facts that worlds speak to; to the others only a whole programme does."""
    return tuple(fact for fact in facts if measure_of(fact)[0] in MEASURES)


def predict(there: National, facts: Sequence[Fact], kinds: Kinds) -> FloatArray:
    """Return what each world says of each fact, shape (worlds, facts)."""
    columns = [MEASURES[name](there, kinds, place) for name, place in map(measure_of, facts)]
    return np.stack(columns, axis=1) if columns else np.zeros((len(there.nations), 0))
