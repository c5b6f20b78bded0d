"""Certificates for rivals with a chain below them: the most that a prime could gain by serving measured people better.

Nothing is shared with the solver but the share rule, which states the game: no top-ups, no ladders, no branches. For
every prime and payment group each way to serve a segment is written down as a point, outcome rate against what it is
worth: other support, other payees, other prices, with the answers of those below from the recursion of the chain's own
certificate (:mod:`~pbr_opt.equilibrium.chain_replies`). Participants of a segment can be divided among ways, so the
upper hull of its points counts. Steps of all hulls are taken in order of what they cost per outcome: that reaches every
outcome rate at least cost. Prices for whole groups are taken as they are said to be.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from pbr_opt.equilibrium.certificate import Certificate
from pbr_opt.equilibrium.chain_certificate import certify_chain
from pbr_opt.equilibrium.chain_claims import Claim, Place, seat_of
from pbr_opt.equilibrium.chain_replies import DECLINED_GBP, Seat
from pbr_opt.equilibrium.price_search import Effort
from pbr_opt.market.agents import Area
from pbr_opt.market.rivalry import Rivalry
from pbr_opt.market.tariffs import Tariff
from pbr_opt.quantities import FloatArray, IntArray

if TYPE_CHECKING:
    from pbr_opt.equilibrium.area_contest import AreaContest
    from pbr_opt.equilibrium.rivals import RivalEquilibrium

__all__ = ["certify_rivals"]

_SUPPORTS: Final = 900
_PRICES: Final = 160
_DEAREST: Final = 30.0
"""Support whose last outcome costs so many times what an outcome pays is not looked at; nor are such prices."""
_EFFORT: Final = Effort(points=33, rounds=5)
_BOOKS: Final = 1e-6
"""Shares and people that belong together agree to this."""
_TOLERANCE_GBP: Final = 0.01
"""A penny per measured participant: twenty times what a plan between two rungs of a ladder was measured to bring."""
_TINY: Final = 1e-12
_STEPS: Final = 1e-9
"""How far beyond a step of the rule a rate is tried."""

Points = tuple[FloatArray, FloatArray]
"""Outcome rates, and what they are worth."""

Ways = tuple[FloatArray, FloatArray, FloatArray]
"""Outcome rates, worths, and how far prices lie beyond what an outcome is worth, shape (ways, segments); a way that is
closed is worth minus infinity."""


def certify_rivals(rivals: RivalEquilibrium, payable: Tariff) -> Certificate:
    """Search for a better choice of every agent and for a better outcome rate of every prime.

    Parameters
    ----------
    rivals : RivalEquilibrium
        What is said to happen.
    payable : Tariff
        What the Department pays.

    Returns
    -------
    Certificate
        Of the largest gain in GBP per participant, measured by its own tolerance. Where best replies run in a cycle
        there is no equilibrium, and the certificate does not hold.
    """
    programme, there = rivals.programme, rivals.equilibrium
    price = payable.effective_price_gbp(programme.caseload, programme.discount_rate)
    attachment = payable.attachment_fee_gbp[programme.caseload.group_index]
    found = [certify_chain(programme, there, price, attachment)]
    claim = Claim.of(there)
    for area in there.chain.areas:
        seats = {
            prime.name: seat_of(programme, area, claim, there, prime, _EFFORT)
            for prime in there.chain.primes_in(area.name)
        }
        for contest in rivals.contests:
            if contest.area == area.name:
                found.append(_certified(rivals, contest, area, claim, seats))
    return max(found, key=lambda each: each.largest_gain_gbp / each.tolerance_gbp)


def _certified(
    rivals: RivalEquilibrium, contest: AreaContest, area: Area, claim: Claim, seats: dict[str, Seat]
) -> Certificate:
    """Return the certificate of one contest."""
    tolerance, reason = contest.certificate.tolerance_gbp, contest.certificate.reason
    if tolerance <= _TOLERANCE_GBP:
        tolerance, reason = _TOLERANCE_GBP, "plans are taken from a ladder of top-ups, and these hulls from grids"
    if contest.kind == "cycle":  # no equilibrium, and nobody says so
        return replace(contest.certificate, player=f"{contest.certificate.player}, group '{contest.group}' (a cycle)")
    places = [Place(area.name, seats[name], claim.flows[area.name, name], claim) for name in contest.primes]
    plays = [_Play.of(rivals, contest, k, place) for k, place in enumerate(places)]
    gains = [(0.0, "nobody"), *_shared(rivals, contest, plays, area)]
    for k, play in enumerate(plays):
        others = _Others.of([other for j, other in enumerate(plays) if j != k], k)
        gains.append((_gain(rivals.rivalry, contest.group, play, others), f"{play.name}, group '{contest.group}'"))
    gain, player = max(gains, key=lambda pair: pair[0])
    return Certificate(gain, tolerance, f"{player}, another outcome rate", reason)


@dataclass(frozen=True, slots=True, eq=False)
class _Play:
    """What one prime is said to do for a group: by choice outcome rate and worth, and what it could do."""

    name: str
    share: float
    given: float
    rate: FloatArray
    worth: FloatArray
    chance: FloatArray
    path: Points
    margin: float

    @classmethod
    def of(cls, rivals: RivalEquilibrium, contest: AreaContest, k: int, place: Place) -> _Play:
        """Read it from the books; choices are divisions of participants among the rows of the plans."""
        caseload, name = rivals.programme.caseload, contest.primes[k]
        here = np.flatnonzero(caseload.group_index == caseload.groups.index(contest.group))
        layers = [here[rivals.layer[here] == layer] for layer in range(int(rivals.layer[here].max()) + 1)]
        booked = [_booked(place, rows) for rows in layers]
        used = np.concatenate([[0], 1 + np.flatnonzero(contest.parts[k][1:])])
        divisions = np.stack([part[used] for part in contest.divisions(k)])
        rate, worth = (np.array([pair[i] for pair in booked])[: used.size] for i in (0, 1))
        people = caseload.participants[layers[0]]
        path = _path(_only(place.seat, layers[0], people), place.flow.price_gbp[layers[0]])
        given = float(place.flow.participants[here].sum())
        share = rivals.equilibrium.chain.area_share(name)
        strategy = contest.strategies[k]
        return cls(
            name, share, given, divisions @ rate, divisions @ worth, strategy.probability, path, float(path[1][0])
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Others:
    """What the others do: every combination of their outcome rates, and its probability."""

    place: int
    rates: FloatArray
    chance: FloatArray

    @classmethod
    def of(cls, plays: Sequence[_Play], place: int) -> _Others:
        rates = np.meshgrid(*[play.rate for play in plays], indexing="ij") if plays else []
        chances = np.meshgrid(*[play.chance for play in plays], indexing="ij") if plays else []
        if not plays:
            return cls(place, np.zeros((1, 0)), np.ones(1))
        chance = np.prod([axis.ravel() for axis in chances], axis=0)
        return cls(place, np.stack([axis.ravel() for axis in rates], axis=-1), chance)

    def share(self, rivalry: Rivalry, own: FloatArray) -> FloatArray:
        """Return a prime's expected share at its own outcome rates."""
        if rivalry.rule is None or not self.rates.shape[1]:
            return np.zeros_like(own)
        others = np.broadcast_to(self.rates, (own.size, *self.rates.shape))
        mine = np.broadcast_to(own[:, None, None], (own.size, self.chance.size, 1))
        rates = np.concatenate([others[..., : self.place], mine, others[..., self.place :]], axis=-1)
        return np.asarray(rivalry.rule.shares(rates)[..., self.place] @ self.chance)


def _gain(rivalry: Rivalry, group: str, play: _Play, others: _Others) -> float:
    """Return what a prime could gain by another outcome rate, GBP per measured participant."""
    prize = max(play.margin, 0.0) * rivalry.moved_share / (rivalry.measured_share * play.share)

    def payoff(rate: FloatArray, worth: FloatArray) -> FloatArray:
        measure, incentive = rate * rivalry.inflation, rivalry.incentives.get(group)
        paid = 0.0 if incentive is None else incentive.bonus_gbp * np.maximum(measure - incentive.threshold, 0.0)
        missed = (measure < rivalry.levels.get(group, 0.0) - _STEPS) * rivalry.missed_level_gbp
        return np.asarray(worth + paid - missed + prize * others.share(rivalry, rate))

    rates, worths = play.path
    margin = float(getattr(rivalry.rule, "margin", 0.0))
    steps = [others.rates.ravel() + by for by in (margin + _STEPS, -margin, -margin + _STEPS)]
    steps.append(np.array([rivalry.levels.get(group, 0.0) / rivalry.inflation]))
    extra = np.concatenate(steps)
    extra = extra[(extra > rates[0]) & (extra < rates[-1])]
    best = payoff(np.concatenate([rates, extra]), np.concatenate([worths, np.interp(extra, rates, worths)]))
    return max(float(best.max() - payoff(play.rate, play.worth) @ play.chance), 0.0)


def _shared(
    rivals: RivalEquilibrium, contest: AreaContest, plays: Sequence[_Play], area: Area
) -> Iterator[tuple[float, str]]:
    """Check that shares follow from the rule, and that people follow from the shares."""
    rivalry, caseload = rivals.rivalry, rivals.programme.caseload
    people = caseload.group_participants[caseload.groups.index(contest.group)] * area.participant_share
    for k, play in enumerate(plays):
        others = _Others.of([other for j, other in enumerate(plays) if j != k], k)
        moved = rivalry.moved_share if rivalry.rule is not None else 0.0
        alone = rivalry.rule is None or len(plays) < 2
        won = play.share if alone else float(others.share(rivalry, play.rate) @ play.chance)
        wanted = people * ((1.0 - moved) * play.share + moved * won)
        if abs(won - contest.share[k]) > _BOOKS or abs(play.given - wanted) > _BOOKS * people:
            yield np.inf, f"{play.name}, group '{contest.group}': shares that do not follow from results"


def _booked(place: Place, rows: IntArray) -> tuple[float, float]:
    """Return outcome rate and worth per participant of some of a prime's rows, as the books have them."""
    seat, flow = place.seat, place.flow
    served, support = (values[rows] for values in place.own()[:2])
    people = flow.participants[rows]
    total = float(people.sum())
    if total == 0.0:
        return 0.0, 0.0
    outcome = flow.price_gbp[rows] * seat.kept + seat.agent.mission_gbp
    base = seat.base[rows] if seat.agent.delivers else 0.0
    worth = outcome * flow.outcomes[rows] - served * ((1.0 + seat.shadow_price) * support + base)
    worth = worth + seat.attachment[rows] * people
    for payee in place.below():
        sent, paid = payee.flow.participants[rows], payee.flow.price_gbp[rows]
        passed = (1.0 + seat.shadow_price) * payee.flow.attachment_gbp[rows] + payee.seat.fees
        worth = worth - paid * payee.flow.outcomes[rows] - passed * sent
        if payee.seat.contract.form == "two_part":
            worth = worth + payee.seat.reply(payee.flow.price_gbp)[1][rows] * sent
    return float(flow.outcomes[rows].sum()) / total, float(worth.sum()) / total


def _only(seat: Seat, rows: IntArray, people: FloatArray) -> Seat:
    """Return a prime for some rows, as one that nothing moves but the tariff."""
    group = np.zeros(rows.size, dtype=np.int64)
    return replace(
        seat, low=seat.low[rows], high=seat.high[rows], scale=seat.scale[rows], bend=seat.bend[rows],
        base=seat.base[rows], least=seat.least[rows], group=group, people=people, attachment=seat.attachment[rows],
        top_up_gbp=0.0, below=tuple(_only(payee, rows, people) for payee in seat.below),
    )  # fmt: skip


def _path(seat: Seat, price: FloatArray) -> Points:
    """Return outcome rates of the group that a prime can reach, rising, and what each is worth at best."""
    weight = seat.people / seat.people.sum()
    left = 1.0 - sum(payee.contract.volume_share or 0.0 for payee in seat.below)
    slots = [(max(left, 0.0), [_own(seat, price), *(_referred(seat, k, price) for k in seat.free)])]
    slots += [
        (payee.contract.volume_share, [_referred(seat, k, price)])
        for k, payee in enumerate(seat.below)
        if payee.contract.volume_share
    ]
    start, worth, steps = 0.0, float(weight @ (seat.attachment + seat.fees)), [np.zeros((2, 0))]
    for part, ways in slots:
        rates, values = _justified(ways)
        if len(rates) == 1:  # nothing to choose
            start, worth = start + part * float(weight @ rates[0]), worth + part * float(weight @ values[0])
            continue
        for i, share in enumerate(weight * part):
            rate, value = _hull(rates[:, i], values[:, i], concave=len(ways) == 1 and part == left)
            start, worth = start + share * rate[0], worth + share * value[0]
            steps.append(share * np.stack([np.diff(rate), np.diff(value)]))
    rise, fall = np.concatenate(steps, axis=1)
    order = np.argsort(-fall / np.where(rise > 0.0, rise, 1.0), kind="stable")
    return start + np.r_[0.0, np.cumsum(rise[order])], worth + np.r_[0.0, np.cumsum(fall[order])]


def _justified(ways: Sequence[Ways]) -> Points:
    """Return outcome rates and worths of all ways; closed where more is paid for an outcome than it brings.

    Nobody pays more for an outcome than it is worth to him: for a price above that, further outcomes must be worth so
    much more by what results bring, and at the cost per outcome of this way they are worth no more than that.
    """
    rate, value, beyond = (np.concatenate([way[i] for way in ways]) for i in (0, 1, 2))
    plain = np.where(beyond > 0.0, -np.inf, value)
    best = plain.argmax(axis=0)[None]
    there, worth = (np.take_along_axis(values, best, axis=0) for values in (rate, plain))
    cost = np.maximum(worth - value, 0.0) / np.maximum(rate - there, _TINY)
    return rate, np.where((beyond > 0.0) & ((rate <= there) | (beyond > cost)), -np.inf, value)


def _hull(rate: FloatArray, value: FloatArray, *, concave: bool) -> Points:
    """Return the upper hull of some points, from the most valuable to the highest outcome rate.

    Support alone traces a concave curve: all of its points are on the hull.
    """
    if concave:
        best = int(np.argmax(value))
        return rate[best:], value[best:]
    order = np.lexsort((-value, rate))
    rate, value = rate[order], value[order]
    best = int(np.argmax(value))
    rate, value = rate[best:], value[best:]
    kept = [0]
    for k in range(1, rate.size):
        if rate[k] <= rate[kept[-1]] or not np.isfinite(value[k]):
            continue
        while len(kept) > 1 and _above(rate, value, kept[-2], kept[-1], k):
            kept.pop()
        kept.append(k)
    return rate[kept], value[kept]


def _above(rate: FloatArray, value: FloatArray, a: int, b: int, c: int) -> bool:
    """Whether the middle one of three points lies on or below the line between the others."""
    return bool((value[b] - value[a]) * (rate[c] - rate[a]) <= (value[c] - value[a]) * (rate[b] - rate[a]))


def _own(seat: Seat, price: FloatArray) -> Ways:
    """Return the ways to serve participants itself, the attachment fee left out."""
    worth = price * seat.kept + seat.agent.mission_gbp
    if not seat.agent.delivers:
        rate = seat.low[None]
        return rate, worth * rate, np.zeros_like(rate)
    pull = worth * (1.0 - seat.bend) * (seat.high - seat.low) / seat.scale
    most = np.log(np.maximum(_DEAREST * pull, 1.0 + 1e-12))
    effort = np.linspace(0.0, 1.0, _SUPPORTS)[:, None] * most
    bent = np.where(seat.bend > 0, seat.bend, 1.0)
    support = seat.scale * np.where(seat.bend > 0, np.expm1(bent * effort) / bent, effort)
    support = np.maximum(support, seat.least)
    rate = seat.rate(support)
    return rate, worth * rate - (1.0 + seat.shadow_price) * support - seat.base, np.zeros_like(rate)


def _referred(seat: Seat, k: int, price: FloatArray) -> Ways:
    """Return the ways to refer participants to a payee."""
    payee = seat.below[k]
    edge, worth = payee.contract, price * seat.kept + seat.agent.mission_gbp
    if edge.form in ("two_part", "fixed_share"):
        tried = price[None] * (1.0 if edge.form == "two_part" else max(edge.share, edge.least_share))
    else:
        lowest, highest = price * edge.least_share, _DEAREST**0.5 * np.maximum(worth, 1.0)
        tried = lowest + np.linspace(0.0, 1.0, _PRICES)[:, None] ** 2 * (highest - lowest)
    rate, margin = payee.reply(tried)
    value = (worth - tried) * rate - payee.fees - (1.0 + seat.shadow_price) * payee.attachment
    if edge.form == "two_part":
        return rate, value + margin, np.zeros_like(rate)
    declined = margin < -DECLINED_GBP if edge.volume_share is None else np.zeros_like(margin, dtype=bool)
    beyond = (
        np.zeros_like(rate) if edge.form == "fixed_share" else np.maximum(tried - np.maximum(worth, tried[:1]), 0.0)
    )
    return rate, np.where(declined, -np.inf, value), beyond
