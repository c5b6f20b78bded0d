"""Chains that branch, to four tiers, against backward induction on one grid of prices that shares no code with them.

Every agent's reply is a table: outcome rate and margin at each of some thousand prices, payees before payers. A payer
tries every price of the grid for every payee. Where outcomes jump, a step of the grid decides on which side the table
stands, so that outcomes are compared with those at prices a few steps lower and higher.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pytest
from numpy.typing import NDArray

from pbr_opt import Caseload, Programme, SupplyChain, Tariff, evaluate
from pbr_opt.market.agents import Agent, Contract
from tests.oracle.samples import Raw, rate, sample

Floats = NDArray[np.float64]

POINTS: Final = 1201
STEPS_OFF: Final = 4
"""A price off by a step at each of three contracts, and once more where a share of a price lies between two."""
NEAR_A_JUMP: Final = 48
"""So many steps, 4 % of the price, may decide whether somebody below helps at all."""
RATES: Final = 1e-3
"""Near the best price profit is flat: the best on the grid may be some steps off, and with it the outcome rate."""
SEEN_GBP: Final = 1e-6
A_STEP_GBP: Final = 1.0
"""What a step of 60,000 in the price of the last payer may bring the first, per participant."""


@dataclass(frozen=True)
class Node:
    """An agent with its contract and payees: plain numbers."""

    name: str
    form: str
    skill: float
    delivers: bool = True
    share: float = 0.75
    volume: float | None = None
    referral_fee: float = 0.0
    management_fee: float = 0.0
    below: tuple[Node, ...] = ()

    @property
    def fees(self) -> float:
        """Return what it gets for each referral."""
        return self.referral_fee - self.management_fee


def own(raw: Raw, node: Node, price: Floats) -> tuple[Floats, Floats]:
    """Return outcome rate and what is earned by serving people oneself, shape (prices, segments)."""
    theirs = Raw(raw.group, raw.people, raw.low, raw.high, raw.scale / node.skill, raw.bend)
    pull = np.maximum(price[:, None] * (1 - raw.bend) * (raw.high - raw.low) / theirs.scale, 1.0)
    bend = np.where(raw.bend > 0, raw.bend, 1.0)
    support = theirs.scale * np.where(raw.bend > 0, (pull**bend - 1) / bend, np.log(pull))
    support = support if node.delivers else np.zeros_like(support)
    reached = rate(theirs, support)
    return reached, price[:, None] * reached - support


def best_of(values: Floats, rates: Floats) -> tuple[Floats, Floats]:
    """Return the largest value and its outcome rate along the first axis."""
    at = values.argmax(axis=0)[None]
    return np.take_along_axis(values, at, 0)[0], np.take_along_axis(rates, at, 0)[0]


def table(raw: Raw, node: Node, price: Floats) -> tuple[Floats, Floats]:
    """Return outcome rate and margin of a branch at every price of the grid, shape (prices, segments)."""
    reached, earned = own(raw, node, price)
    free = [payee for payee in node.below if payee.volume is None]
    options = [(earned, reached)] if node.delivers or not free else []
    # one price for a group depends on where its people could go otherwise, so that it is chosen last
    for payee in sorted(free, key=lambda payee: payee.form == "group_price"):
        otherwise = np.max([value for value, _ in options], axis=0) if options else None
        options.append(refer(raw, payee, price, otherwise, (earned, reached)))
    values, rates = (np.stack(each) for each in zip(*options, strict=True))
    value, chosen = best_of(values, rates)
    nobody = np.isneginf(value)
    value, chosen = np.where(nobody, earned, value), np.where(nobody, reached, chosen)
    kept = 1.0 - sum(payee.volume or 0.0 for payee in node.below)
    margin, mixed = kept * value, kept * chosen
    for payee in node.below:
        if payee.volume is not None:
            there, theirs = refer(raw, payee, price, None, (earned, reached))
            margin, mixed = margin + payee.volume * there, mixed + payee.volume * theirs
    return mixed, margin + node.fees


def refer(
    raw: Raw, payee: Node, price: Floats, otherwise: Floats | None, kept: tuple[Floats, Floats]
) -> tuple[Floats, Floats]:
    """Return what referring to a payee is worth at every price received, and the outcome rate."""
    reply, margin = table(raw, payee, price)
    steps = np.arange(price.size)
    free = payee.volume is None
    if payee.form == "two_part":
        return margin - payee.fees, reply
    if payee.form == "fixed_share":
        at = np.rint(payee.share * steps).astype(int)
        paid = payee.share * price[:, None]
        value = (price[:, None] - paid) * reply[at] - payee.fees
        return np.where((margin[at] < -SEEN_GBP) & free, -np.inf, value), reply[at]
    tried = (price[:, None] - price)[..., None] * reply - payee.fees  # received, paid, segment
    tried = np.where((margin < -SEEN_GBP) & free, -np.inf, tried)
    allowed = (steps[:, None] >= steps)[..., None]
    if payee.form == "piece_rate":
        at = np.where(allowed, tried, -np.inf).argmax(axis=1)
        value = np.take_along_axis(tried, at[:, None], 1)[:, 0]
        return value, np.take_along_axis(reply, at, 0)
    followed = tried if otherwise is None else np.maximum(tried, otherwise[:, None])
    if free:
        followed = np.where(np.isneginf(followed), kept[0][:, None], followed)
    at = np.where(allowed[..., 0], followed @ raw.people, -np.inf).argmax(axis=1)
    return np.take_along_axis(tried, at[:, None, None], 1)[:, 0], reply[at]


def programme_of(raw: Raw, prime: Node, price: float) -> Programme:
    """Return the same as a programme of the package."""
    agents, contracts = [Agent("D", "department")], list[Contract]()

    def grow(payer: str, node: Node) -> None:
        terms: dict[str, Any] = {} if payer == "D" else {"share": node.share, "volume_share": node.volume}
        kind = "prime" if payer == "D" else "tier2"
        agents.append(Agent(node.name, kind, productivity=node.skill, delivers=node.delivers))
        form = "fixed_share" if payer == "D" else node.form
        terms |= {"referral_fee_gbp": node.referral_fee, "management_fee_gbp": node.management_fee}
        contracts.append(Contract(payer, node.name, form, **terms))
        for payee in node.below:
            grow(node.name, payee)

    grow("D", prime)
    people = Caseload(["a"] * raw.people.size, raw.people, raw.low, raw.high, raw.scale, raw.bend)
    return Programme("drawn", people, Tariff(["a"], 0.0, price), SupplyChain(agents, contracts))


def branching(seed: int) -> Node:
    """Draw a prime with two payees, one of whom has two of its own, one of whom has one: four tiers."""
    rng = np.random.default_rng(9000 + seed)

    def node(name: str, form: str, *below: Node) -> Node:
        terms: dict[str, Any] = {
            "skill": float(rng.uniform(0.8, 6.0)),
            "delivers": not below or bool(rng.random() < 0.4),
        }
        terms |= {"share": float(rng.choice([0.5, 0.75, 0.9]))}
        terms |= {"volume": 0.3} if rng.random() < 0.25 else {}
        terms |= {"referral_fee": 30.0} if rng.random() < 0.3 else {}
        charged = "volume" not in terms and rng.random() < 0.3  # who must take people at a loss would leave
        terms |= {"management_fee": float(rng.uniform(50.0, 1500.0))} if charged else {}
        return Node(name, form, below=below, **terms)

    shares, searches = (
        ["two_part", "fixed_share", "piece_rate"],
        ["piece_rate", "piece_rate", "fixed_share", "two_part"],
    )
    uniform = seed % 2 == 0  # one price for a group stands where no piece rate is above it
    last = node("Last", "piece_rate")
    left = node("Left", str(rng.choice(searches)), last)
    right = node("Right", "group_price" if uniform else "piece_rate")
    middle = node("Middle", str(rng.choice(["fixed_share", "group_price"] if uniform else shares)), left, right)
    other = node("Other", str(rng.choice(searches)))
    return Node("P", "prime", skill=1.0, delivers=bool(rng.random() < 0.5), below=(middle, other))


@pytest.mark.parametrize("seed", range(16))
def test_a_chain_that_branches_to_four_tiers_is_played_as_by_induction_on_a_grid(seed: int) -> None:
    raw = sample(9000 + seed, 1, 2, curved=seed % 4 == 3)
    prime = branching(seed)
    received = float(np.random.default_rng(seed).uniform(6000.0, 60_000.0))
    there = evaluate(programme_of(raw, prime, received))
    assert there.equilibrium is not None
    assert not there.equilibrium.departures
    step = received / (POINTS - 1)
    price = np.asarray(step * np.arange(POINTS + NEAR_A_JUMP), dtype=np.float64)
    reached, margin = table(raw, prime, price)
    flow = next(flow for flow in there.equilibrium.flows if flow.payee == "P")
    profit = next(account for account in there.equilibrium.accounts if account.agent == "P").profit_gbp
    off = STEPS_OFF * step * float(raw.people.sum())
    assert profit == pytest.approx(float(margin[POINTS - 1] @ raw.people), abs=off)
    rates = flow.outcomes / raw.people
    assert np.all(rates >= reached[POINTS - 1 - NEAR_A_JUMP] - RATES)
    assert np.all(rates <= reached[POINTS - 1 + NEAR_A_JUMP] + RATES)


@pytest.mark.parametrize("seed", range(12))
def test_piece_rates_above_one_price_for_a_group_are_certified_only_where_no_pair_of_prices_keeps_more(
    seed: int,
) -> None:
    """What the lower payer pays for both segments hangs on both prices: every pair is tried, and his answer to each."""
    raw = sample(9500 + seed, 1, 2)
    received = float(np.random.default_rng(seed).uniform(5000.0, 40_000.0))
    last = Node("S", "group_price", skill=2.0, volume=1.0)
    prime = Node("P", "prime", 1.0, False, below=(Node("M", "piece_rate", 1.0, False, volume=1.0, below=(last,)),))
    there = evaluate(programme_of(raw, prime, received))
    flow = next(flow for flow in there.equilibrium.flows if flow.payee == "M") if there.equilibrium else None
    assert flow is not None
    reached = (received - flow.price_gbp) @ flow.outcomes
    price: Floats = np.linspace(0.0, received, 121)
    pairs: Floats = np.stack(np.meshgrid(price, price, indexing="ij"), -1).reshape(-1, 2)

    def upper_keeps(pairs: Floats, points: int) -> Floats:
        paid: Floats = np.linspace(0.0, received, points)
        replies, _ = own(raw, last, paid)
        lower_keeps = pairs @ (replies * raw.people).T - paid * (replies @ raw.people)  # a row a pair, a column a price
        return np.asarray(((received - pairs) * replies[lower_keeps.argmax(axis=1)]) @ raw.people)

    promising = pairs[np.argsort(-upper_keeps(pairs, 1201))[:100]]
    more = upper_keeps(promising, 60_001).max() - reached
    assert there.certificate.holds == (more <= A_STEP_GBP * raw.people.sum())
