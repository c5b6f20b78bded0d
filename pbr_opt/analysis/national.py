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
from scipy.special import expit, logit

from pbr_opt.analysis.fitting import slice_means
from pbr_opt.analysis.nations import Contracts, National, Nations
from pbr_opt.quantities import THRESHOLD_RELATIVE, BoolArray, FloatArray

__all__ = ["deadweight_logits", "national_equilibrium"]

_NEWTON_STEPS: Final = 60
_SETTLED: Final = 1e-13
"""Steps below this, in logits, change no rate by more than rounding."""
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
    >>> there.parked_share.shape, bool((there.outcomes >= there.deadweight_outcomes).all())
    ((4,), True)
    """
    game = _Game.of(nations, contracts, slice_means(segments_per_group))
    tier1 = nations.tier1_share
    parts = [(game.deliver(np.ones(len(nations)), 1.0 - tier1 * nations.pass_through, 1.0 - tier1), 1.0 - tier1)]
    if bool(tier1.any()):
        parts.append((game.deliver(nations.pass_through, tier1 * nations.pass_through, tier1), tier1))
    means = [sum(part[k] * share[:, None, None] for part, share in parts) for k in range(len(parts[0][0]))]
    rate, support, parked, inefficient = (game.by_group(np.asarray(mean)) for mean in means)
    of_contract = np.asarray((np.asarray(means[0]) * game.group_share[:, None, :]).sum(axis=2))
    return National(
        nations, rate, game.by_group(game.deadweight_mean), parked, inefficient, support, of_contract
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Game:
    """Segments of every world, contract and group, shape (worlds, contracts, groups, segments)."""

    nations: Nations
    contracts: Contracts
    high: FloatArray
    reach: FloatArray
    slope: FloatArray
    deadweight_mean: FloatArray
    worth_helping: BoolArray

    @classmethod
    def of(cls, nations: Nations, contracts: Contracts, readiness: FloatArray) -> _Game:
        """Return the segments: rates, and p'(0) of each."""
        odds = np.exp(deadweight_logits(nations, readiness))[:, None] * np.exp(contracts.readiness_shift)[:, None, None]
        low = odds / (1.0 + odds)
        odds *= np.exp(nations.uplift)[:, None, :, None]
        high = odds / (1.0 + odds)
        reach = high - low
        scale = nations.response_scale_gbp / (1.0 - nations.curvature)
        slope = reach * (contracts.productivity[:, None] / scale[:, None])[..., None]
        worth_helping = reach * (nations.outcome_value_gbp / scale)[:, None, :, None] > 1.0  # by an ordinary provider
        return cls(nations, contracts, high, reach, slope, low.mean(axis=-1), worth_helping)

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

        Summed along the last axis, as everything here is: numpy adds in another order along others, and which one
        depends on how many worlds there are.
        """
        weighted = np.ascontiguousarray((mean * self.contracts.share[:, None]).swapaxes(1, 2))
        return np.asarray(self.nations.participants * weighted.sum(axis=-1))

    def deliver(self, paid: FloatArray, attachment: FloatArray, share: FloatArray) -> tuple[FloatArray, ...]:
        """Return means by contract and group: outcome rate, support, parked, inefficiently parked.

        ``paid`` is rho; ``attachment`` and ``share`` are the parts of attachment fees and people that the deliverer has
        of its contract's, from which follows what it can lay out.
        """
        gain = self.nations.price_gbp * paid[:, None] + self.nations.mission_gbp[:, None]
        incentive = self.slope * gain[:, None, :, None]
        rate, support = self._respond(incentive)
        short = self._short(support, attachment, share)
        if bool(short.any()):
            incentive = incentive / self._dearth(incentive, attachment, share, short)[..., None, None]
            rate, support = self._respond(incentive)
        parked = incentive < 1.0 - THRESHOLD_RELATIVE
        return rate, support, parked.mean(axis=-1), (parked & self.worth_helping).mean(axis=-1)

    def _respond(self, incentive: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return means of outcome rate and support: ``P = p1 - (p1 - p0) r**(b-1)`` and ``e = kappa (r**b - 1)/b``."""
        pull = np.maximum(incentive, 1.0)
        log_pull = np.log(pull)
        bend = self.nations.curvature
        curved = bend > _LINEAR_CURVATURE
        if not bool(curved.any()):
            rate = (self.high - self.reach / pull).mean(axis=-1)
            return rate, self.scale * log_pull.mean(axis=-1)
        power = np.exp(log_pull * bend[:, None, :, None])
        rate = (self.high - self.reach * power / pull).mean(axis=-1)
        safe = np.where(curved, bend, 1.0)[:, None]
        bent = (power.mean(axis=-1) - 1.0) / safe
        return rate, self.scale * np.where(curved[:, None], bent, log_pull.mean(axis=-1))

    def _available(self, attachment: FloatArray, share: FloatArray) -> FloatArray:
        """Return what can be laid out per participant served, shape (worlds, 1)."""
        fees = (self.nations.attachment_gbp * self.group_share).sum(axis=1)
        served = np.maximum(share, np.finfo(float).tiny)
        return np.asarray(self.nations.working_capital_gbp + fees * attachment / served)[:, None]

    def _short(self, support: FloatArray, attachment: FloatArray, share: FloatArray) -> FloatArray:
        """Return where working capital binds, shape (worlds, contracts)."""
        wanted = (support * self.group_share[:, None]).sum(axis=2)
        return np.asarray((wanted > self._available(attachment, share)) & (share > 0.0)[:, None])

    def _dearth(
        self, incentive: FloatArray, attachment: FloatArray, share: FloatArray, short: FloatArray
    ) -> FloatArray:
        """Return 1 + lambda of every contract: Newton from the left on a convex falling function of ln(1 + lambda)."""
        world, contract = np.nonzero(short)
        log_pull = np.log(np.maximum(incentive[world, contract], np.finfo(float).tiny))
        weight = (self.scale[world, contract] * self.group_share[world])[..., None] / log_pull.shape[-1]
        bend = self.nations.curvature[world][..., None]
        safe = np.where(bend > _LINEAR_CURVATURE, bend, 1.0)
        limit = self._available(attachment, share)[world, 0]
        level = np.zeros(world.size)
        for _ in range(_NEWTON_STEPS):
            left = np.maximum(log_pull - level[:, None, None], 0.0)
            power = np.exp(bend * left)
            support = weight * np.where(bend > _LINEAR_CURVATURE, (power - 1.0) / safe, left)
            fall = (weight * np.where(left > 0.0, power, 0.0)).reshape(world.size, -1).sum(axis=-1)
            excess = support.reshape(world.size, -1).sum(axis=-1) - limit
            step = np.maximum(excess, 0.0) / np.maximum(fall, np.finfo(float).tiny)
            moving = step > _SETTLED_DEARTH
            if not bool(moving.any()):
                break
            level = np.where(moving, level + step, level)
        answer = np.ones(short.shape)
        answer[world, contract] = np.exp(level)
        return answer


def deadweight_logits(nations: Nations, readiness: FloatArray) -> FloatArray:
    """Return mu + sigma z of every segment, mu such that p0 has its mean: shape (worlds, groups, segments).

    Newton, kept inside a bracket that shrinks: the mean of expit is neither convex nor concave in mu.
    """
    spread = nations.spread[..., None] * readiness
    centre = np.asarray(logit(nations.deadweight_rate))
    reach = np.abs(spread).max(axis=-1)
    low, high, mu = centre - reach, centre + reach, centre
    moving = np.ones(mu.shape, dtype=bool)  # what has settled stays put, whatever the other worlds still do
    for _ in range(_NEWTON_STEPS):
        rate = expit(mu[..., None] + spread)
        excess = rate.mean(axis=-1) - nations.deadweight_rate
        low, high = np.where(excess < 0.0, mu, low), np.where(excess > 0.0, mu, high)
        stepped = mu - excess / (rate * (1.0 - rate)).mean(axis=-1)
        stepped = np.where((stepped < low) | (stepped > high), 0.5 * (low + high), stepped)
        moving &= np.abs(stepped - mu) > _SETTLED
        mu = np.where(moving, stepped, mu)
        if not bool(moving.any()):
            break
    return np.asarray(mu[..., None] + spread)
