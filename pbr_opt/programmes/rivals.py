"""Read and write a rivalry: the name of its rule in a folder's settings or a sheet, its numbers as figures.

A number of a rivalry is a figure like any other, ``rivalry/shift`` or ``rivalry/level/2``, so that it has a status, a
source and a range. The rule has a name: ``linear``, ``tullock``, ``smoothed_rank``, ``rank``, or ``none`` where results
move nobody. What is not said has the default of :mod:`pbr_opt.market.rivalry`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, dataclass, fields
from types import MappingProxyType
from typing import Any, Final, TypeVar

from pbr_opt.errors import InvalidInputError, UnsupportedModelError
from pbr_opt.market.figure_book import FigureBook
from pbr_opt.market.figure_ids import RIVALRY, RIVALRY_FIELDS
from pbr_opt.market.rank_rules import RankShare, SmoothedRankShare
from pbr_opt.market.rivalry import IncentivePayment, Rivalry
from pbr_opt.market.share_rules import LinearShare, ShareRule, TullockShare
from pbr_opt.market.supply_chain import SupplyChain
from pbr_opt.quantities import Inspection, nearest

__all__ = ["NO_RULE", "SHARE_RULES", "RivalryReader", "rivalry_numbers", "share_rule_name"]

NO_RULE: Final = "none"

SHARE_RULES: Final[Mapping[str, type[Any]]] = MappingProxyType(
    {"linear": LinearShare, "tullock": TullockShare, "smoothed_rank": SmoothedRankShare, "rank": RankShare}
)
"""Rules that files know, by the names that files have for them."""

_OWN: Final = ("measured_share", "moved_share", "missed_level_gbp", "inflation")
_LEVEL: Final = "level"
_INCENTIVE: Final = ("non_intervention_rate", "bonus_gbp", "uplift")
_OF_RULES: Final = tuple(name for name in RIVALRY_FIELDS if name not in (*_OWN, _LEVEL, *_INCENTIVE))

_T = TypeVar("_T")


def share_rule_name(rule: ShareRule | None) -> str:
    """Return what files call a rule.

    Raises
    ------
    UnsupportedModelError
        For a rule of somebody's own, which no file knows.

    Examples
    --------
    >>> share_rule_name(TullockShare()), share_rule_name(None)
    ('tullock', 'none')
    """
    if rule is None:
        return NO_RULE
    for name, kind in SHARE_RULES.items():
        if type(rule) is kind:
            return name
    raise UnsupportedModelError(
        f"A share rule of one's own ({type(rule).__name__}) is code, and files know {', '.join(SHARE_RULES)} only. "
        "Keep the programme in Python, or write it without its rivalry: programme.replace(rivalry=None)"
    )


def rivalry_numbers(rivalry: Rivalry | None) -> Iterator[tuple[str, float]]:
    """Yield ids and numbers of the figures that say a rivalry.

    >>> numbers = dict(rivalry_numbers(Rivalry(TullockShare(), levels={"2": 0.33})))
    >>> numbers["rivalry/exponent"], numbers["rivalry/level/2"], "rivalry/shift" in numbers
    (1.0, 0.33, False)
    """
    if rivalry is None:
        return
    for name in _OWN:
        yield f"{RIVALRY}/{name}", getattr(rivalry, name)
    for name in _taken(type(rivalry.rule)):
        yield f"{RIVALRY}/{name}", getattr(rivalry.rule, name)
    for group, level in rivalry.levels.items():
        yield f"{RIVALRY}/{_LEVEL}/{group}", level
    for group, payment in rivalry.incentives.items():
        for name in _INCENTIVE:
            yield f"{RIVALRY}/{name}/{group}", getattr(payment, name)


def _taken(kind: type[Any] | None) -> tuple[str, ...]:
    """Return the numbers that a kind of rule has; none where files do not know it."""
    return tuple(item.name for item in fields(kind)) if kind in SHARE_RULES.values() else ()  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class RivalryReader:
    """Reads the rivalry of a programme from the name of its rule and its figures.

    Attributes
    ----------
    check : Inspection
        Where faults are recorded.
    book : FigureBook
        Every figure of the programme, inspected.
    places : mapping
        Where the number of each figure stands.
    rule, rule_place : str or None, str
        The name of the rule, None where no rivalry is said; and where it stands.
    """

    check: Inspection
    book: FigureBook
    places: Mapping[str, str]
    rule: str | None
    rule_place: str

    def read(self, chain: SupplyChain | None) -> Rivalry | None:
        """Return the rivalry between the primes of a chain; None when there is none, or one with faults."""
        faults, said = len(self.check.faults), self._said()
        if self.rule is None:
            for figure_id in said:
                remedy = "name its rule: rank, ..., or none"
                self.check.fault(self.places[figure_id], figure_id, "a number of a rivalry that there is", remedy)
            return None
        if self.rule != NO_RULE and self.rule not in SHARE_RULES:
            options = (*SHARE_RULES, NO_RULE)
            self.check.fault(self.rule_place, self.rule or "nothing", "a rule", nearest(self.rule, options))
            return None
        rule = self._rule(said)
        payments = self._incentives(said)
        levels = {figure_id.split("/")[2]: number for figure_id, number in said.items() if f"/{_LEVEL}/" in figure_id}
        own = {name: said[f"{RIVALRY}/{name}"] for name in _OWN if f"{RIVALRY}/{name}" in said}
        if len(self.check.faults) > faults:
            return None
        rivalry = self._attempt(lambda: Rivalry(rule, incentives=payments, levels=levels, **own))
        if rivalry is not None and not self.check.faults:
            self._inspect_fit(rivalry, chain)
        return rivalry

    def _said(self) -> dict[str, float]:
        """Return the numbers of the rivalry by id."""
        opening = f"{RIVALRY}/"
        return {key: figure.value for key, figure in self.book.figures.items() if key.startswith(opening)}

    def _rule(self, said: Mapping[str, float]) -> ShareRule | None:
        """Return the rule; numbers that it does not take, or lacks, are faults."""
        kind = SHARE_RULES.get(self.rule or NO_RULE)
        numbers = {name: said[f"{RIVALRY}/{name}"] for name in _OF_RULES if f"{RIVALRY}/{name}" in said}
        taken = _taken(kind)
        for name in numbers.keys() - set(taken):
            wanted = f"numbers of rule '{self.rule}': {', '.join(taken)}" if taken else "no number of a rule"
            self.check.fault(self.places[f"{RIVALRY}/{name}"], name, wanted, "another rule takes it")
        if kind is None:
            return None
        lacking = [item.name for item in fields(kind) if item.default is MISSING and item.name not in numbers]
        for name in lacking:
            self.check.fault(self.rule_place, f"'{self.rule}' without {name}", f"its number, {RIVALRY}/{name}")
        if lacking or numbers.keys() - set(taken):
            return None
        return self._attempt(lambda: kind(**numbers))

    def _incentives(self, said: Mapping[str, float]) -> dict[str, IncentivePayment]:
        """Return the bonuses by group."""
        numbers: dict[str, dict[str, float]] = {}
        for figure_id, number in said.items():
            name, *at = figure_id.split("/")[1:]
            if name in _INCENTIVE:
                numbers.setdefault(at[0], {})[name] = number
        found = {}
        for group, given in numbers.items():
            if "non_intervention_rate" not in given:
                place = self.places[f"{RIVALRY}/{next(iter(given))}/{group}"]
                wanted = f"{RIVALRY}/non_intervention_rate/{group} too"
                self.check.fault(place, f"a bonus for group '{group}' without its rate", wanted)
                continue
            payment = self._attempt(lambda given=given: IncentivePayment(**given))  # type: ignore[misc]
            if payment is not None:
                found[group] = payment
        return found

    def _inspect_fit(self, rivalry: Rivalry, chain: SupplyChain | None) -> None:
        """Record groups that there are not, and areas that the rule cannot serve."""
        primes = {} if chain is None else {area.name: len(chain.primes_in(area.name)) for area in chain.areas}
        for fault in rivalry.faults(self.book.groups, primes):
            self.check.fault(self._where(fault.place), fault.given, fault.wanted, fault.remedy)

    def _attempt(self, make: Callable[[], _T]) -> _T | None:
        """Return what is made, or None with its faults recorded where its numbers stand."""
        try:
            return make()
        except InvalidInputError as error:
            for fault in error.faults:
                self.check.fault(self._where(fault.place), fault.given, fault.wanted, fault.remedy)
            return None

    def _where(self, place: str) -> str:
        """Return where ``levels['2']`` or ``shift`` stands; the rule's place where it is a default."""
        match = re.fullmatch(r"(levels|incentives)\['(.*)'\]", place)
        names = place.split(", ")
        if match:
            names = [f"{_LEVEL if match[1] == 'levels' else _INCENTIVE[0]}/{match[2]}"]
        known = [self.places[figure_id] for name in names if (figure_id := f"{RIVALRY}/{name}") in self.places]
        return known[0] if known else f"{self.rule_place}, {place}" if " " in place else self.rule_place
