"""The national equilibrium of many worlds at once: closed forms over draws, contracts, payment groups and segments.

One world is a few numbers a payment group (how near to work its people are, how much support can do, what is paid).
Every prime contract of an area serves its share of the people, itself or through an end-to-end subcontractor that is
paid a share of the price. Support, outcome rate and parking follow in closed form, and are summed by group at once, so
that nothing larger than one block of draws is ever held.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from scipy.special import logit

from pbr_opt.analysis.fitting import slice_means
from pbr_opt.analysis.nations import Contracts, National, Nations
from pbr_opt.quantities import THRESHOLD_RELATIVE, BoolArray, FloatArray, IntArray

__all__ = ["deadweight_logits", "national_equilibrium"]

_NEWTON_STEPS: Final = 60
_SETTLED: Final = 1e-13
"""Steps below this, in logits, change no rate by more than rounding."""
_PROBIT: Final = (16.0 * np.sqrt(3.0) / (15.0 * np.pi)) ** 2
"""The scale of the logistic as a probit, squared (Johnson and Kotz): where Newton starts."""
_SETTLED_DEARTH: Final = 1e-12
"""Relative: shadow prices settle to this, far inside what support is worth."""
_LINEAR_CURVATURE: Final = 1e-9
"""Below it (w - 1)/b loses more digits than the curvature is worth, and the exponential stands in."""


def national_equilibrium(nations: Nations, contracts: Contracts, segments_per_group: int = 20) -> National:
    """Return what providers do in every world, and what comes of it.

    Whoever delivers maximises ``(rho x + m) p(e) - e``, with rho = 1 for a prime. In each group p0 of the segments is
    expit(mu + sigma z) with mean p0, p1 = expit(logit(p0) + uplift); an area shifts both.

    Parameters
    ----------
    nations : Nations
        The worlds; work and memory grow with worlds x contracts x groups x segments.
    contracts : Contracts
        Among whom the nation is divided.
    segments_per_group : int, optional
        Of equal size.

    Returns
    -------
    National
        Of every world by itself: no number depends on which other worlds are in the block.

    Notes
    -----
    Subcontractors stay whatever they earn, money is not late, and there are no specialists: the chain of one world with
    all of these is :func:`pbr_opt.evaluation.evaluate`'s.

    Examples
    --------
    >>> from pbr_opt.analysis.world_inputs import WorldInputs
    >>> from pbr_opt.programmes.facts import load_priors
    >>> from pbr_opt.programmes.registry import load
    >>> inputs = WorldInputs(load("work_programme_2011"), load_priors("work_programme_2011"))
    >>> there = national_equilibrium(inputs.nations(inputs.values(inputs.points(0, 4, 2011))), inputs.contracts)
    >>> there.parked_share.shape, bool((there.outcomes > there.deadweight_outcomes - 1e-6).all())
    ((4,), True)
    """
    game = _Game(nations, contracts, deadweight_logits(nations, slice_means(segments_per_group)))
    tier1, passed = nations.tier1_share, nations.pass_through
    posts = [_Post(np.ones(len(nations)), 1.0 - tier1, 1.0 - tier1 * passed)]
    if bool(tier1.any()):
        posts.append(_Post(passed, tier1, tier1 * passed))
    there = game.play(posts, [None] * len(posts))
    dearth = [game.dearth(post, sums) for post, sums in zip(posts, there.sums, strict=True)]
    if any(scarce is not None for scarce in dearth):
        there = game.play(posts, dearth)
    by_post = zip(*((sums.rate, sums.parked, sums.inefficient, sums.support) for sums in there.sums), strict=True)
    served = [post.share[:, None, None] for post in posts]
    rate, parked, inefficient, support = (
        sum(part * share for part, share in zip(parts, served, strict=True)) for parts in by_post
    )
    of_contract = (rate * game.group_share[:, None, :]).sum(axis=-1)
    outcomes, low, left, helpable, bought = (
        game.by_group(np.asarray(mean)) for mean in (rate, there.deadweight, parked, inefficient, support)
    )
    return National(nations, outcomes, low, left, helpable, bought, of_contract)


@dataclass(frozen=True, eq=False)
class _Post:
    """A place in every contract from which people are served: the prime's, or the end-to-end subcontractor's.

    Attributes
    ----------
    paid, share, attachment : array (worlds,)
        What it gets of the price; the parts of people and of attachment fees that it has of its contract's.
    """

    paid: FloatArray
    share: FloatArray
    attachment: FloatArray


@dataclass(frozen=True, eq=False)
class _Sums:
    """Means over segments of what a post does, shape (worlds, contracts, groups)."""

    rate: FloatArray
    support: FloatArray
    parked: FloatArray
    inefficient: FloatArray


@dataclass(frozen=True, eq=False)
class _Played:
    """What all posts do, and the deadweight rate of their people."""

    deadweight: FloatArray
    sums: list[_Sums]


@dataclass(frozen=True, eq=False)
class _Game:
    """Everything that providers face: ``logits`` of deadweight have the shape (worlds, groups, segments)."""

    nations: Nations
    contracts: Contracts
    logits: FloatArray

    @cached_property
    def scale(self) -> FloatArray:
        """Return kappa of every contract and group, shape (worlds, contracts, groups)."""
        return self.nations.response_scale_gbp[:, None] / self.contracts.productivity[:, None]

    @cached_property
    def group_share(self) -> FloatArray:
        """Return the shares of groups in everybody, shape (worlds, groups)."""
        people = self.nations.participants
        return np.asarray(people / people.sum(axis=1, keepdims=True))

    def by_group(self, mean: FloatArray) -> FloatArray:
        """Return sums over contracts of a mean by contract and group.

        Summed along the last axis: along others numpy adds in an order that depends on how many worlds there are.
        """
        weighted = np.ascontiguousarray((mean * self.contracts.share[:, None]).swapaxes(1, 2))
        return np.asarray(self.nations.participants * weighted.sum(axis=-1))

    def gain(self, post: _Post) -> FloatArray:
        """Return what an outcome is worth to whoever serves from a post, shape (worlds, 1, groups)."""
        nations = self.nations
        return np.asarray(nations.price_gbp * post.paid[:, None] + nations.mission_gbp[:, None])[:, None]

    @cached_property
    def _odds_by_area(self) -> FloatArray:
        return np.exp(self.contracts.readiness_shift)[:, None]

    def reach(self, segment: int) -> tuple[FloatArray, FloatArray]:
        """Return p0 and p1 of one segment in every contract, shape (worlds, contracts, groups)."""
        odds = np.exp(self.logits[:, None, :, segment]) * self._odds_by_area
        low = odds / (1.0 + odds)
        odds *= np.exp(self.nations.uplift)[:, None]
        return low, odds / (1.0 + odds)

    def play(self, posts: list[_Post], dearth: list[FloatArray | None]) -> _Played:
        """Return what every post does when capital is as scarce as that (1 + lambda, shape (worlds, contracts, 1)).

        One segment at a time: what is being worked on stays in the cache of the processor, and that is most of the
        speed.
        """
        straight = (1.0 - self.nations.curvature) / self.nations.response_scale_gbp
        unit, plain = straight[:, None] * self.contracts.productivity[:, None], straight[:, None]
        value = self.nations.outcome_value_gbp[:, None]
        gains = [self.gain(post) / (1.0 if d is None else d) for post, d in zip(posts, dearth, strict=True)]
        tallies = [_Tally(self, unit.shape) for _ in posts]
        deadweight = np.zeros(unit.shape)
        for segment in range(self.logits.shape[-1]):
            low, high = self.reach(segment)
            reach = high - low
            deadweight += low
            worth_helping = reach * plain * value > 1.0  # by an ordinary provider
            slope = reach * unit
            for tally, gain in zip(tallies, gains, strict=True):
                tally.add(slope * gain, high, reach, worth_helping)
        return _Played(deadweight / self.logits.shape[-1], [tally.means() for tally in tallies])

    def dearth(self, post: _Post, sums: _Sums) -> FloatArray | None:
        """Return 1 + lambda of every contract, shape (worlds, contracts, 1); None where capital binds for nobody."""
        fees = (self.nations.attachment_gbp * self.group_share).sum(axis=-1)
        served = np.maximum(post.share, np.finfo(float).tiny)
        available = self.nations.working_capital_gbp + fees * post.attachment / served
        wanted = (sums.support * self.group_share[:, None]).sum(axis=-1)
        short = (wanted > available[:, None]) & (post.share > 0.0)[:, None]
        if not bool(short.any()):
            return None
        world, contract = np.nonzero(short)
        answer = np.ones((*short.shape, 1))
        answer[world, contract, 0] = self._scarcity(world, contract, self.gain(post), available[world])
        return answer

    def _scarcity(self, world: IntArray, contract: IntArray, gain: FloatArray, limit: FloatArray) -> FloatArray:
        """Return 1 + lambda where capital binds: Newton from the left on a convex falling function of its logarithm."""
        nations, contracts = self.nations, self.contracts
        odds = np.exp(self.logits[world] + contracts.readiness_shift[contract][:, None, None])
        raised = odds * np.exp(nations.uplift[world])[..., None]
        scale = self.scale[world, contract][..., None]
        bend = nations.curvature[world][..., None]
        pull = (raised / (1 + raised) - odds / (1 + odds)) * (1 - bend) / scale * gain[world, 0][..., None]
        log_pull = np.log(np.maximum(pull, np.finfo(float).tiny))
        weight = scale * self.group_share[world][..., None] / log_pull.shape[-1]
        curved = bend > _LINEAR_CURVATURE
        safe = np.where(curved, bend, 1.0)
        level = np.zeros(world.size)
        for _ in range(_NEWTON_STEPS):
            left = np.maximum(log_pull - level[:, None, None], 0.0)
            power = np.exp(bend * left)
            support = weight * np.where(curved, (power - 1.0) / safe, left)
            fall = (weight * np.where(left > 0.0, power, 0.0)).reshape(world.size, -1).sum(axis=-1)
            excess = support.reshape(world.size, -1).sum(axis=-1) - limit
            step = np.maximum(excess, 0.0) / np.maximum(fall, np.finfo(float).tiny)
            moving = step > _SETTLED_DEARTH
            if not bool(moving.any()):
                break
            level = np.where(moving, level + step, level)
        return np.exp(level)


class _Tally:
    """Adds up what a post does, one segment after the other."""

    def __init__(self, game: _Game, shape: tuple[int, ...]) -> None:
        bend = np.asarray(game.nations.curvature)[:, None]
        self.curved = bend > _LINEAR_CURVATURE
        self.bend, self.scale = bend, game.scale
        self.rate, self.power, self.log_pull = np.zeros(shape), np.zeros(shape), np.zeros(shape)
        self.parked, self.inefficient = np.zeros(shape), np.zeros(shape)
        self.some_curved, self.some_straight = bool(self.curved.any()), not bool(self.curved.all())
        self.segments = 0

    def add(self, incentive: FloatArray, high: FloatArray, reach: FloatArray, worth_helping: BoolArray) -> None:
        """Add a segment: ``P = p1 - (p1 - p0) r**(b-1)``, and what support ``kappa (r**b - 1)/b`` is summed from."""
        parked = incentive < 1.0 - THRESHOLD_RELATIVE
        self.parked += parked
        self.inefficient += parked & worth_helping
        pull = np.maximum(incentive, 1.0, out=incentive)
        log_pull = np.log(pull)
        left = reach / pull
        if self.some_straight:
            self.log_pull += log_pull
        if self.some_curved:
            log_pull *= self.bend
            power = np.exp(log_pull, out=log_pull)
            self.power += power
            left *= power
        self.rate += high
        self.rate -= left
        self.segments += 1

    def means(self) -> _Sums:
        """Return the means over segments."""
        count = self.segments
        safe = np.where(self.curved, self.bend, 1.0)
        bent = (self.power / count - 1.0) / safe
        support = self.scale * np.where(self.curved, bent, self.log_pull / count)
        return _Sums(self.rate / count, support, self.parked / count, self.inefficient / count)


def deadweight_logits(nations: Nations, readiness: FloatArray) -> FloatArray:
    """Return mu + sigma z of every segment, mu such that p0 has its mean: shape (worlds, groups, segments).

    Newton from what a normal variable would give (the logistic is near a probit), kept inside a bracket that shrinks:
    the mean of expit is neither convex nor concave in mu.

    Parameters
    ----------
    nations : Nations
        The worlds.
    readiness : array (segments,)
        z.
    """
    spread = nations.spread[..., None] * readiness
    centre = np.asarray(logit(nations.deadweight_rate))
    reach = np.abs(spread).max(axis=-1)
    apart = [np.exp(spread[..., k]) for k in range(readiness.size)]
    low, high = centre - reach, centre + reach
    mu = np.clip(centre * np.sqrt(1.0 + _PROBIT * nations.spread**2), low, high)
    moving = np.ones(mu.shape, dtype=bool)  # what has settled stays put, whatever the other worlds still do
    for _ in range(_NEWTON_STEPS):
        odds, total, slope = np.exp(mu), np.zeros(mu.shape), np.zeros(mu.shape)
        for factor in apart:
            rate = odds * factor
            rate /= 1.0 + rate
            total += rate
            slope += rate * (1.0 - rate)
        excess = total / readiness.size - nations.deadweight_rate
        low, high = np.where(excess < 0.0, mu, low), np.where(excess > 0.0, mu, high)
        stepped = mu - excess * readiness.size / slope
        stepped = np.where((stepped < low) | (stepped > high), 0.5 * (low + high), stepped)
        moving &= np.abs(stepped - mu) > _SETTLED
        mu = np.where(moving, stepped, mu)
        if not bool(moving.any()):
            break
    return np.asarray(mu[..., None] + spread)
