"""Rivals inside a supply chain: every area's primes compete for shares and bonuses, and the chain answers.

Without rivals the chain is solved first: that says who is in it and how short capital is. On these terms the primes of
each area contest each payment group (:mod:`~pbr_opt.equilibrium.area_contest`). Then the chain is played again with
what they do: measured participants are served by the plans of the contest, moved ones are shared out by it. Whoever now
leaves, or runs short, changes the contest, so both are repeated until they agree.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np

from pbr_opt.equilibrium.accounts import Account, Departure
from pbr_opt.equilibrium.area_contest import AreaContest, highest_stake, prizes, solve_area
from pbr_opt.equilibrium.chain import ChainEquilibrium, solve_chain
from pbr_opt.equilibrium.delegation import branches
from pbr_opt.equilibrium.rival_layers import Layers
from pbr_opt.equilibrium.rival_plans import Ladder, Setting, climb, refine
from pbr_opt.errors import EquilibriumError, UnsupportedModelError
from pbr_opt.market.agents import Area, area_caseload
from pbr_opt.market.programme import Programme
from pbr_opt.market.rivalry import Rivalry
from pbr_opt.market.supply_chain import SupplyChain
from pbr_opt.quantities import FloatArray, IntArray

__all__ = ["RivalEquilibrium", "solve_rivals"]

_ROUNDS: Final = 12
_SETTLED: Final = 1e-7
"""Shadow prices that move by less than this have settled: what they move is far below a penny."""
_AGREES: Final = 1e-6
"""Outcome rates of ladders and of books agree within this: the same closed forms, summed in another order."""
_EQUAL: Final = 1e-9
_KINDS: Final[Mapping[Literal["pure", "mixed", "cycle"], str]] = {
    "pure": "a pure equilibrium",
    "mixed": "a mixed one",
    "cycle": "no equilibrium but a cycle",
}


@dataclass(frozen=True, slots=True, eq=False)
class RivalEquilibrium:
    """What rivals do in every area, and what it makes of the chain.

    Attributes
    ----------
    programme : Programme
        With a row for each segment and plan: participants served by the tariff alone first, then measured ones by the
        plans of the contest.
    row, layer : array of int (rows,)
        Segment of each row; 0 for those whom the tariff alone serves, 1, 2, ... for a prime's first, second, ... plan.
    rivalry : Rivalry
        What results do for primes.
    contests : tuple of AreaContest
        By area and payment group.
    equilibrium : ChainEquilibrium
        The chain's, bonuses booked.
    """

    programme: Programme
    row: IntArray
    layer: IntArray
    rivalry: Rivalry
    contests: tuple[AreaContest, ...]
    equilibrium: ChainEquilibrium

    @property
    def statement(self) -> str:
        """Return in a sentence in how many places there is which kind of equilibrium, or none."""
        kinds = Counter(contest.kind for contest in self.contests)
        told = [f"{words} in {kinds[kind]:,}" for kind, words in _KINDS.items() if kinds[kind]]
        return f"Rivals meet in {len(self.contests):,} places (payment groups in areas): {', '.join(told)}."

    def bonus_by_group_gbp(self, groups: tuple[str, ...]) -> FloatArray:
        """Return incentive payments by payment group, GBP in all."""
        total = dict.fromkeys(groups, 0.0)
        for contest in self.contests:
            total[contest.group] += sum(self.bonuses_gbp(contest).values())
        return np.array(list(total.values()))

    def bonuses_gbp(self, contest: AreaContest) -> dict[str, float]:
        """Return each prime's incentive payment in a contest, GBP in all."""
        chain, caseload = self.equilibrium.chain, self.programme.caseload
        area = next(area for area in chain.areas if area.name == contest.area)
        people = caseload.group_participants[caseload.groups.index(contest.group)] * area.participant_share
        measured = people * self.rivalry.measured_share
        pairs = zip(contest.primes, contest.bonus_gbp(self.rivalry), strict=True)
        return {name: float(bonus * measured * chain.area_share(name)) for name, bonus in pairs}


def solve_rivals(programme: Programme, price_gbp: FloatArray, attachment_gbp: FloatArray) -> RivalEquilibrium:
    """Return the equilibrium of a programme's chain when the primes of each area are rivals.

    Parameters
    ----------
    programme : Programme
        With a supply chain and a rivalry.
    price_gbp, attachment_gbp : array (segments,)
        What the Department pays per outcome and per participant.

    Raises
    ------
    UnsupportedModelError
        Primes of one area with different contract shares under a rule that divides equally; places that run out.
    EquilibriumError
        When contest and chain do not come to agree within 12 rounds (with the shadow prices, and the number of agents
        in the chain, of the last two), or a contest has no answer.

    Notes
    -----
    Who leaves under the tariff alone has left before results are compared, and does not come back.
    """
    rivalry, asked = programme.rivalry, programme.supply_chain
    if rivalry is None or asked is None:
        raise EquilibriumError("There are no rivals to solve; try evaluate(), which asks for them when there are.")
    _require_equal_shares(rivalry, asked)
    there = solve_chain(programme, price_gbp, attachment_gbp)
    chain, shadows, departures = there.chain, _shadows(there), list(there.departures)
    known: dict[str, _Contested] = {}
    moved, last = np.inf, dict[str, tuple[float, float]]()
    for _ in range(_ROUNDS):
        scene = _Scene(programme, rivalry, chain, shadows, price_gbp, attachment_gbp)
        known = {area.name: scene.contested(area, known.get(area.name)) for area in chain.areas}
        contests = tuple(contest for area in chain.areas for contest in known[area.name].contests)
        layers = Layers.of(programme.replace(supply_chain=chain), rivalry, contests)
        intakes = layers.intakes(chain, programme.caseload.participants)
        there = solve_chain(layers.programme, price_gbp[layers.row], attachment_gbp[layers.row], intakes)
        moved, last = _apart(shadows, _shadows(there)), _last_two(shadows, there)
        if not there.departures and moved <= _SETTLED:
            _require_places(layers, there)
            found = RivalEquilibrium(layers.programme, layers.row, layers.layer, rivalry, contests, there)
            return _booked(found, asked, departures)
        number = max((item.round for item in departures), default=0)
        departures += [replace(item, round=item.round + number) for item in there.departures]
        chain, shadows = chain.without(item.agent for item in there.departures), _shadows(there)
    raise EquilibriumError(
        f"Rivals and their chains do not come to agree within {_ROUNDS} rounds: shadow prices still move by "
        f"{moved:.3g}, and {len(there.departures)} agents left last. Try more working capital, or more noise.",
        last_iterates=last,
    )


def _require_equal_shares(rivalry: Rivalry, chain: SupplyChain) -> None:
    for area in chain.areas:
        shares = [chain.area_share(prime.name) for prime in chain.primes_in(area.name)]
        if rivalry.rule is not None and max(shares) - min(shares) > _EQUAL:
            listed = ", ".join(f"{share:.3g}" for share in shares)
            raise UnsupportedModelError(
                f"Primes of area '{area.name}' have contract shares of {listed}; a share rule divides equally among "
                "primes with equal results. Try equal volume shares, or rule=None."
            )


def _shadows(there: ChainEquilibrium) -> dict[str, float]:
    return {account.agent: account.shadow_price for account in there.accounts if account.shadow_price > 0.0}


def _last_two(before: Mapping[str, float], there: ChainEquilibrium) -> dict[str, tuple[float, float]]:
    """Return what a round moved: shadow prices by agent, and how many agents there are in the chain."""
    after, left = _shadows(there), len(there.departures)
    pairs = {name: (before.get(name, 0.0), after.get(name, 0.0)) for name in sorted({*before, *after})}
    moved = {name: pair for name, pair in pairs.items() if abs(pair[1] - pair[0]) > _SETTLED}
    there_now = float(len(there.chain.agents))
    return moved | ({"agents in the chain": (there_now + left, there_now)} if left else {})


def _apart(one: Mapping[str, float], two: Mapping[str, float]) -> float:
    return max((abs(one.get(name, 0.0) - two.get(name, 0.0)) for name in {*one, *two}), default=0.0)


@dataclass(frozen=True, slots=True, eq=False)
class _Contested:
    """The contests of one area, and on what they rest: its members and their shadow prices."""

    rests_on: tuple[tuple[str, float], ...]
    contests: tuple[AreaContest, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Scene:
    """A chain as it stands before a contest."""

    programme: Programme
    rivalry: Rivalry
    chain: SupplyChain
    shadows: Mapping[str, float]
    price_gbp: FloatArray
    attachment_gbp: FloatArray

    def contested(self, area: Area, before: _Contested | None) -> _Contested:
        """Return the contests of an area; those of the round before where nothing that they rest on has changed."""
        rests_on = tuple((name, self.shadows.get(name, 0.0)) for name in self._members(area))
        if before is not None and _same(rests_on, before.rests_on):
            return before
        settings = self._settings(area)
        members = [np.flatnonzero(self.programme.caseload.group_index == g) for g in range(len(self._groups))]
        climbed = [climb(setting, members, self._stakes(setting, members, len(settings))) for setting in settings]
        rough = self._contests(area, settings, climbed)
        plans = [[contest.parts[k] for contest in rough] for k in range(len(settings))]
        pairs = zip(settings, climbed, plans, strict=True)
        finer = [refine(setting, members, ladders, parts) for setting, ladders, parts in pairs]
        return _Contested(rests_on, tuple(self._contests(area, settings, finer)))

    @property
    def _groups(self) -> tuple[str, ...]:
        return self.programme.caseload.groups

    def _contests(
        self, area: Area, settings: Sequence[Setting], climbed: Sequence[Sequence[Ladder]]
    ) -> list[AreaContest]:
        """Return the contest of every payment group."""
        shares = np.array([setting.share for setting in settings])
        return [
            solve_area(self.rivalry, (area.name, group), [ladders[g] for ladders in climbed], shares)
            for g, group in enumerate(self._groups)
        ]

    def _members(self, area: Area) -> list[str]:
        """Return the primes of an area and everybody below them."""
        names = [prime.name for prime in self.chain.primes_in(area.name)]
        for name in names:  # grows while it is walked
            names += [payee.name for payee in self.chain.payees(name)]
        return names

    def _settings(self, area: Area) -> list[Setting]:
        """Return the primes of an area before the contest."""
        programme, row = self.programme, self.programme.caseload.group_index
        caseload = area_caseload(programme.caseload, area)
        service = programme.base_service_gbp[row], programme.minimum_service_gbp[row]
        return [
            Setting(
                branch, self.price_gbp, self.attachment_gbp, caseload.participants,
                self.chain.area_share(branch.agent.name),
            )
            for branch in branches(self.chain, area.name, caseload, service, self.shadows)
        ]  # fmt: skip

    def _stakes(self, setting: Setting, members: Sequence[IntArray], primes: int) -> FloatArray:
        """Return, by group, what a participant's results can be worth to a prime at most, GBP."""
        margin = setting.margins_gbp(members)
        worth = [float(prizes(self.rivalry, np.full(primes, m), np.full(primes, setting.share))[0]) for m in margin]
        pairs = zip(self._groups, worth, strict=True)
        return np.array([highest_stake(self.rivalry, group, prize, primes) for group, prize in pairs])


def _same(one: tuple[tuple[str, float], ...], two: tuple[tuple[str, float], ...]) -> bool:
    return [name for name, _ in one] == [name for name, _ in two] and _apart(dict(one), dict(two)) <= _SETTLED


def _require_places(layers: Layers, there: ChainEquilibrium) -> None:
    """Raise unless primes do in the chain what they were taken to do in their contests."""
    for contest in layers.contests:
        for name, claimed in zip(contest.primes, contest.performance, strict=True):
            found = layers.measured_rate(there, contest, name)
            if abs(found - claimed) > _AGREES:
                raise UnsupportedModelError(
                    f"{name}, group '{contest.group}': its plan reaches {claimed:.6g}, its chain {found:.6g}. Rivals "
                    "with prices for whole groups, guaranteed volumes, or payees whose places run out are not "
                    "modelled; try piece_rate or fixed_share contracts without them, or a programme without rivalry."
                )


def _booked(found: RivalEquilibrium, asked: SupplyChain, departures: list[Departure]) -> RivalEquilibrium:
    """Return the equilibrium with bonuses in the books, and with everybody who was asked."""
    there = found.equilibrium
    books = {account.agent: replace(account) for account in there.accounts}
    payer = books[asked.department.name]
    for contest in found.contests:
        for name, bonus in found.bonuses_gbp(contest).items():
            for account, entry in ((books[name], "income_gbp"), (payer, "paid_on_gbp"), (payer, "income_gbp")):
                setattr(account, entry, getattr(account, entry) + bonus)
    accounts = tuple(books.get(agent.name) or Account(agent.name, active=False) for agent in asked.agents)
    return replace(found, equilibrium=replace(there, accounts=accounts, departures=tuple(departures)))
