"""Closed forms of the price that is passed on, against the search, a plain grid and bisection."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pytest
from scipy.optimize import brentq

from pbr_opt import Caseload, SupplyChain
from pbr_opt.equilibrium import pass_through
from pbr_opt.equilibrium.delegation import Branch, branches
from pbr_opt.equilibrium.pass_through import maximise_on_grid
from pbr_opt.market.agents import Agent, Contract

WORTH: Final = np.array([500.0, 3000.0, 7000.0, 15_000.0, 40_000.0])
VALUES_AGREE: Final = 1e-7
"""Prices near the best are worth nearly as much: values agree to many more digits than prices."""
NOBODY: Final = np.zeros(5)


def payer_and_payee(people: Caseload, **terms: Any) -> tuple[Branch, Branch]:  # noqa: ANN401  # each term has a type of its own
    """Return a prime that only manages and the deliverer below it."""
    agents = [Agent("D", "department"), Agent("P", "prime", delivers=False), Agent("S", "tier2")]
    contract = Contract("P", "S", "piece_rate", volume_share=1.0, **terms)
    chain = SupplyChain(agents, [Contract("D", "P"), contract])
    (prime,) = branches(chain, "", people, (NOBODY, NOBODY), {})
    return prime, prime.below[0]


def crowd(seed: int) -> Caseload:
    """Return five segments of one group."""
    rng = np.random.default_rng(seed)
    low = rng.uniform(0.0, 0.4, 5)
    return Caseload(["a"] * 5, 100, low, low + rng.uniform(0.05, 0.5, 5), rng.uniform(100.0, 900.0, 5))


@pytest.mark.parametrize("seed", range(20))
def test_the_closed_piece_rate_is_as_good_as_the_search_and_a_plain_grid(seed: int) -> None:
    prime, deliverer = payer_and_payee(crowd(seed))
    people = np.full(5, 100.0)
    closed = prime.options(WORTH, NOBODY, people).price_gbp[1]

    def kept(price: np.ndarray) -> np.ndarray:
        return np.asarray((WORTH - price) * deliverer.deliver(np.array(price)).outcome_rate)

    searched = maximise_on_grid(kept, WORTH)
    grid = np.linspace(0.0, 1.0, 20_001)[:, None] * WORTH
    np.testing.assert_allclose(kept(closed), kept(searched), rtol=VALUES_AGREE)
    assert bool((kept(closed) >= kept(grid).max(axis=0) * (1 - VALUES_AGREE)).all())


@pytest.mark.parametrize("seed", range(10))
def test_the_threshold_is_where_paying_and_not_paying_are_worth_the_same(seed: int) -> None:
    people = crowd(seed)
    p0, p1, scale = people.deadweight_rate[0], people.ceiling_rate[0], people.response_scale_gbp[0]

    def gain(worth: float) -> float:
        """Return what the best price above the threshold is worth beyond the windfall."""
        return float((np.sqrt(worth * p1) - np.sqrt(scale)) ** 2 - worth * p0)

    root = brentq(gain, scale / p1 * 1.0001, 1e9)
    prime, _ = payer_and_payee(people)
    just = np.full(5, root)
    low, high = (prime.options(just * k, NOBODY, np.full(5, 100.0)).price_gbp[1][0] for k in (1 - 1e-6, 1 + 1e-6))
    assert low == 0.0
    assert high > 0.0


def test_a_payee_that_no_price_moves_is_not_searched_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three managers above a deliverer, all parked at £4,000: nobody searches; at £50,000 somebody would."""
    agents = [Agent(f"M{k}", "tier1" if k else "prime", delivers=k == 3) for k in range(4)]
    edges = [Contract(f"M{k}", f"M{k + 1}", "piece_rate", volume_share=1.0) for k in range(3)]
    people = Caseload(["a"] * 5, 100, 0.12, 0.42, 600.0)
    (prime,) = branches(
        SupplyChain([Agent("D", "department"), *agents], [Contract("D", "M0"), *edges]),
        "",
        people,
        (NOBODY, NOBODY),
        {},
    )
    sought: list[int] = []

    def counted(*given: Any) -> Any:  # noqa: ANN401  # passed on as it comes
        sought.append(1)
        return maximise_on_grid(*given)

    monkeypatch.setattr(pass_through, "maximise_on_grid", counted)
    rate, _ = prime.reply(np.full(5, 4000.0), NOBODY, np.full(5, 100.0))
    assert np.all(rate == 0.12)
    assert not sought
    prime.reply(np.full(5, 50_000.0), NOBODY, np.full(5, 100.0))
    assert sought
