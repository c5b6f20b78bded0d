"""What only a whole programme says of published facts: who is used, who leaves, what another tariff would change.

Worlds have no specialists and nobody leaves them, so that none is ruled out by these measures; the scoreboard asks the
programme itself. Where a programme has nothing to say (no chain, no specialists) the answer is NaN.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from pbr_opt.analysis.scenario_changes import one_price_for_all
from pbr_opt.equilibrium.accounts import Account
from pbr_opt.equilibrium.contest import solve_contest
from pbr_opt.equilibrium.contest_rival import Rival
from pbr_opt.evaluation import Evaluation, evaluate
from pbr_opt.market.agents import Agent, Area, area_caseload, by_segment
from pbr_opt.market.rank_rules import RankShare
from pbr_opt.quantities import FloatArray

__all__ = ["WHOLE_MEASURES", "Whole", "share_of_variance"]

RECESSION: Final = -0.2
"""In logits of job-readiness: somewhat more than the spread between areas."""
SPREAD: Final = 0.15
"""Of the logarithm of productivity between primes, as in the chain of 2011."""
NOISE: Final = 0.01
"""Standard deviation of a measured lead, in outcome rate: what counting 5,000 people brings."""
_COMPLEX: Final = ("4", "5", "6", "7", "8", "9")
"""Payment groups of 2011 on health benefits or from prison."""
_BELOW: Final = ("tier1", "tier2")


def share_of_variance(values: ArrayLike, labels: ArrayLike, weights: ArrayLike) -> float:
    """Return the share of the variance of values that lies between labels; NaN where values do not vary.

    >>> share_of_variance([1, 1, 3, 3], ["a", "a", "b", "b"], [1, 1, 1, 1])
    1.0
    """
    value, mass = np.asarray(values, dtype=np.float64), np.asarray(weights, dtype=np.float64)
    _, index = np.unique(labels, return_inverse=True)
    total = np.bincount(index, weights=mass)
    means = np.bincount(index, weights=mass * value) / np.maximum(total, np.finfo(float).tiny)
    middle = float(np.average(value, weights=mass))
    varies = float(mass @ (value - middle) ** 2)
    return float(total @ (means - middle) ** 2 / varies) if varies > 0.0 else float("nan")


@dataclass(frozen=True, eq=False)
class Whole:
    """An evaluated programme, and what is worked out from it for several measures.

    Attributes
    ----------
    evaluation : Evaluation
        Under the programme's own tariff.
    """

    evaluation: Evaluation

    def players(self, *kinds: str, sector: str = "") -> list[tuple[Agent, Account]]:
        """Return agents of some kinds, and of a sector, with their books; nobody without a chain."""
        chain, equilibrium = self.evaluation.programme.supply_chain, self.evaluation.equilibrium
        if chain is None or equilibrium is None:
            return []
        pairs = zip(chain.agents, equilibrium.accounts, strict=True)
        return [(a, book) for a, book in pairs if a.kind in kinds and sector in ("", a.sector)]

    @cached_property
    def reasons(self) -> Mapping[str, str]:
        """Return why agents left, by name."""
        equilibrium = self.evaluation.equilibrium
        return {} if equilibrium is None else {gone.agent: gone.reason for gone in equilibrium.departures}

    @cached_property
    def in_recession(self) -> Whole:
        """Return the same when everybody is further from work."""
        programme = self.evaluation.programme
        worse = area_caseload(programme.caseload, Area("", 1.0, RECESSION))
        return Whole(evaluate(programme.replace(caseload=worse, central_case=None), self.evaluation.tariff))

    @cached_property
    def one_price(self) -> tuple[Evaluation, Evaluation]:
        """Return what primes that deliver alone do today, and under one price for all on the same spend."""
        alone = self.evaluation.programme.replace(supply_chain=None, rivalry=None, tariff=self.evaluation.tariff)
        return evaluate(alone), evaluate(one_price_for_all(alone))

    def margin_gbp(self, kind: str) -> float:
        """Return profit per person given, of all agents of a kind together."""
        books = [book for _, book in self.players(kind)]
        return float(np.sum([b.profit_gbp for b in books]) / np.sum([b.referrals for b in books]))


def _share(flags: Iterable[bool]) -> float:
    there = list(flags)
    return float(np.mean(there)) if there else float("nan")


def _left(whole: Whole, place: str) -> float:
    return _share(not book.active for _, book in whole.players(*_BELOW))


def _unused(whole: Whole, kinds: Iterable[str], sector: str = "") -> float:
    return _share(book.referrals == 0.0 for _, book in whole.players(*kinds, sector=sector))


def _short_of_capital(whole: Whole, place: str) -> float:
    return _share(book.shadow_price > 0.0 for _, book in whole.players(*_BELOW, sector="voluntary"))


def _never_used(whole: Whole, place: str) -> float:
    return _share(whole.reasons.get(agent.name) == "no referrals" for agent, _ in whole.players("tier2"))


def _position_over_sector(whole: Whole, place: str) -> float:
    """Return the share of the variance between organisations that position makes, over that which sector makes."""
    there = whole.players("prime", *_BELOW)
    if not there:
        return float("nan")
    values = [book.referrals if place == "referrals" else book.profit_gbp for _, book in there]
    kinds, sectors = ([getattr(agent, name) for agent, _ in there] for name in ("kind", "sector"))
    even = np.ones(len(there))
    return share_of_variance(values, kinds, even) / max(share_of_variance(values, sectors, even), 1e-12)


def _margin_lost(whole: Whole, place: str) -> float:
    """Return the share of margin that tier 1 loses in a recession, over that which primes lose."""
    if not whole.players("tier1"):
        return float("nan")
    lost = [1.0 - whole.in_recession.margin_gbp(kind) / whole.margin_gbp(kind) for kind in ("tier1", "prime")]
    return lost[0] / lost[1]


def _complex_needs_left(whole: Whole, place: str) -> float:
    """Return the share of specialists for people with complex needs that left for a reason."""
    people = whole.evaluation.programme.caseload
    complex_needs = np.isin(people.group, _COMPLEX)
    special = [
        agent.name
        for agent, _ in whole.players("tier2")
        if (by_segment(agent.productivity, people, 1.0)[complex_needs] > 1.0).any()
    ]
    return _share(whole.reasons.get(name, "").replace(" ", "_") == place for name in special)


def _share_shift_lost(whole: Whole, place: str) -> float:
    """Return the share of payment groups in which the weaker of two primes loses referrals under the rank rule."""
    programme = whole.evaluation.programme.replace(supply_chain=None, rivalry=None, tariff=whole.evaluation.tariff)
    loses = []
    for group in programme.caseload.groups:
        part = programme.only(group)
        scales = part.caseload.response_scale_gbp * np.exp([[-SPREAD], [SPREAD]])
        better, weaker = (
            Rival(name, part.caseload.replace(response_scale_gbp=scale), part.effective_price_gbp())
            for name, scale in zip(("better", "weaker"), scales, strict=True)
        )
        prize = 2.0 * float(weaker.profit_gbp(0.0))
        loses.append(float(solve_contest([better, weaker], RankShare(noise=NOISE), prize).share[1]) < 0.5)
    return _share(loses)


def _between_groups(whole: Whole, place: str) -> float:
    rows = whole.evaluation.rows.caseload
    return share_of_variance(whole.evaluation.behaviour.support_gbp, rows.group_index, rows.participants)


def _one_price(whole: Whole, place: str) -> float:
    """Return the share of people who are helped or parked otherwise under one price, or of support that moves."""
    before, after = (there.behaviour for there in whole.one_price)
    people = whole.evaluation.programme.caseload.participants
    if place == "turned":
        return float(people @ (before.parked != after.parked) / people.sum())
    moved: FloatArray = np.abs(before.support_gbp - after.support_gbp)
    return float(people @ moved / (people @ before.support_gbp))


WHOLE_MEASURES: Final[Mapping[str, Callable[[Whole, str], float]]] = MappingProxyType(
    {
        "subcontractors_left_share": _left,
        "voluntary_without_referrals_share": lambda whole, _: _unused(whole, _BELOW, "voluntary"),
        "voluntary_short_of_capital_share": _short_of_capital,
        "without_referrals_gap": lambda whole, _: _unused(whole, ("tier2",)) - _unused(whole, ("tier1",)),
        "tier2_never_used_share": _never_used,
        "position_over_sector": _position_over_sector,
        "margin_lost_ratio": _margin_lost,
        "complex_needs_left_share": _complex_needs_left,
        "share_shift_lost_share": _share_shift_lost,
        "support_between_groups_share": _between_groups,
        "one_price": _one_price,
    }
)
"""How each measure is read, from an evaluated programme and the place after the '/'."""
