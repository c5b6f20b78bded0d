"""Segments cut into layers, so that one play of a chain holds everybody: the unmeasured, and each plan of a contest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TypeAlias

import numpy as np

from pbr_opt.equilibrium.accounts import Flow, Intake
from pbr_opt.equilibrium.area_contest import AreaContest
from pbr_opt.equilibrium.chain import ChainEquilibrium
from pbr_opt.market.agents import Agent
from pbr_opt.market.programme import Programme
from pbr_opt.market.rivalry import Rivalry
from pbr_opt.market.supply_chain import SupplyChain
from pbr_opt.quantities import BoolArray, FloatArray, IntArray

__all__ = ["Layers"]

Profile: TypeAlias = float | tuple[float, ...] | tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Layers:
    """A programme whose segments have a row for those whom the tariff alone serves, and one for each plan.

    Attributes
    ----------
    programme : Programme
        With these rows.
    row, layer : array of int (rows,)
        Segment of each row; 0 for the tariff alone, 1, 2, ... for a prime's first, second, ... plan.
    rivalry : Rivalry
        How participants are divided.
    contests : tuple of AreaContest
        What was decided.
    """

    programme: Programme
    row: IntArray
    layer: IntArray
    rivalry: Rivalry
    contests: tuple[AreaContest, ...]

    @classmethod
    def of(cls, programme: Programme, rivalry: Rivalry, contests: Sequence[AreaContest]) -> Layers:
        """Return the layers that some contests need: none for groups in which nobody does more than the tariff pays."""
        caseload = programme.caseload
        plans = np.zeros(len(caseload.groups), dtype=np.int64)
        for contest in contests:
            group = caseload.groups.index(contest.group)
            plans[group] = max(plans[group], *(np.count_nonzero(part[1:]) for part in contest.parts))
        rows = 1 + plans[caseload.group_index]
        row = np.repeat(np.arange(len(caseload)), rows)
        layer = np.arange(row.size) - np.repeat(np.cumsum(rows) - rows, rows)
        spare = rows[row] - 1
        part = np.where(layer > 0, rivalry.measured_share / np.maximum(spare, 1), 1.0)
        part = np.where((layer == 0) & (spare > 0), 1.0 - rivalry.measured_share, part)
        for index in (row, layer):
            index.setflags(write=False)
        cut = caseload.take(row)
        layered = programme.replace(
            caseload=cut.replace(participants=cut.participants * part),
            supply_chain=_spread(programme.supply_chain, row, len(caseload)),
            central_case=None,
        )
        return cls(layered, row, layer, rivalry, tuple(contests))

    def intakes(self, chain: SupplyChain, participants: FloatArray) -> Mapping[str, Intake]:
        """Return whom each prime serves in each row, and by which top-up.

        Parameters
        ----------
        chain : SupplyChain
            Who plays.
        participants : array (segments,)
            Of the programme before it was cut.
        """
        share = {area.name: area.participant_share for area in chain.areas}
        people = {prime.name: np.zeros(self.row.size) for area in share for prime in chain.primes_in(area)}
        top_up = {name: np.zeros(self.row.size) for name in people}
        for contest in self.contests:
            group = self.programme.caseload.groups.index(contest.group)
            at = np.flatnonzero(self.programme.caseload.group_index == group)
            given = participants[self.row[at]] * share[contest.area]
            for k, name in enumerate(contest.primes):
                part, rung = self._plans(contest, k, chain.area_share(name))
                people[name][at] = given * part[self.layer[at]]
                top_up[name][at] = rung[self.layer[at]]
        return MappingProxyType({name: Intake(people[name], top_up[name], self.row) for name in people})

    def _plans(self, contest: AreaContest, k: int, contracted: float) -> tuple[FloatArray, FloatArray]:
        """Return a prime's part of the area's participants in each layer, and its top-up there."""
        rivalry, ladder, part = self.rivalry, contest.ladders[k], contest.parts[k]
        used = 1 + np.flatnonzero(part[1:])
        moved = rivalry.moved_share if rivalry.rule is not None else 0.0
        idle = contracted * (1.0 - moved - rivalry.measured_share * (1.0 - part[0])) + moved * contest.share[k]
        beyond = np.zeros(int(self.layer.max()) - used.size)
        first = np.concatenate([[idle], contracted * rivalry.measured_share * part[used], beyond])
        return first, np.concatenate([[0.0], ladder.rung_gbp[used], beyond])

    def measured_rate(self, there: ChainEquilibrium, contest: AreaContest, prime: str) -> float:
        """Return the outcome rate of a prime's measured participants of a group, as the chain's books have it."""
        flow = next(flow for flow in there.flows if flow.payee == prime and flow.area == contest.area)
        part = contest.parts[contest.primes.index(prime)]
        group = self.programme.caseload.groups.index(contest.group)
        here = self.programme.caseload.group_index == group
        weights = [part[0], *part[1:][part[1:] > 0.0]]
        rates = [_rate(flow, here & (self.layer == k)) for k in range(len(weights))]
        return float(np.dot(weights, rates))


def _rate(flow: Flow, rows: BoolArray) -> float:
    people = float(flow.participants[rows].sum())
    return float(flow.outcomes[rows].sum()) / people if people > 0.0 else 0.0


def _spread(chain: SupplyChain | None, row: IntArray, segments: int) -> SupplyChain | None:
    """Return the chain with skills that were given by segment repeated for every row."""
    if chain is None:
        return None

    def repeated(agent: Agent) -> Agent:
        return replace(
            agent,
            productivity=_by_row(agent.productivity, row, segments),
            ceiling_bonus=_by_row(agent.ceiling_bonus, row, segments),
        )

    return SupplyChain([repeated(agent) for agent in chain.agents], chain.contracts.values(), chain.areas)


def _by_row(value: Profile, row: IntArray, segments: int) -> Profile:
    """Return a profile by row; numbers and pairs of group and number stay as they are."""
    numbers = tuple(item for item in value if not isinstance(item, tuple)) if isinstance(value, tuple) else ()
    return tuple(numbers[k] for k in row) if len(numbers) == segments else value
