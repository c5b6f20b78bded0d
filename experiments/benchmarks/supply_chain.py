"""Claim: a national supply chain costs little more than the closed forms of all its agents, and grows in proportion.

Method
    A chain of 40 contracts in 20 areas with about 1,000 subcontractors, half end to end on a fixed share and half
    specialists on piece rates, serves the 2011 people (9 groups of 20 segments). One full equilibrium is timed against
    the same closed forms without a chain on as many agent-segment pairs (at most 50 times). Then agents are doubled
    from 541 to 4,321, and segments, with 541 agents, from 720 to 5,760, and the exponent of cost is fitted (at most 1.1
    each) to the least times of several runs, sizes in turn.
Data
    pbr_opt/programmes/work_programme_2011 for people and prices; the chain is made here, seed 20110601.
Command
    python experiments/benchmarks/supply_chain.py
Verdict
    Printed; exit code 4 when a target is missed.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

import numpy as np
from timing import exponent, time_pair
from verdicts import Measured, conclude

from pbr_opt import Caseload, Programme, SupplyChain, evaluate, load
from pbr_opt.equilibrium.best_response import best_response
from pbr_opt.market.agents import Agent, Area, Contract

SEED: Final = 20110601
AREAS: Final = 20
HIGHEST_EXPONENT: Final = 1.1
RUNS: Final = 5


def national_chain(primes: int, subcontractors: int) -> SupplyChain:
    """Return primes with as many end-to-end subcontractors as specialists, together ``subcontractors`` each."""
    rng = np.random.default_rng(SEED)
    half = subcontractors // 2
    areas = [Area(f"area {k}", 1.0 / AREAS, float(rng.normal(0.0, 0.1))) for k in range(AREAS)]
    agents, contracts = [Agent("Department", "department")], []
    for k in range(primes):
        prime = f"prime {k}"
        agents.append(Agent(prime, "prime", area=areas[k % AREAS].name))
        contracts.append(Contract("Department", prime))
        for j in range(half):
            end, expert = f"{prime} end-to-end {j}", f"{prime} specialist {j}"
            skill = (("6", float(rng.uniform(1, 4))), ("7", float(rng.uniform(1, 4))))
            agents += [Agent(end, "tier1"), Agent(expert, "tier2", productivity=skill)]
            contracts.append(Contract(prime, end, "fixed_share", share=0.8, volume_share=0.35 / half))
            contracts.append(Contract(prime, expert, "piece_rate", referral_fee_gbp=50.0))
    return SupplyChain(agents, contracts, areas)


def finer(caseload: Caseload, parts: int) -> Caseload:
    """Return the same people in more segments, thresholds spread a little so that no two are alike."""
    rows = np.repeat(np.arange(len(caseload)), parts)
    spread = 1.0 + 1e-3 * np.tile(np.arange(parts), len(caseload))
    part = caseload.take(rows)
    return part.replace(participants=part.participants / parts, response_scale_gbp=part.response_scale_gbp * spread)


def growth(sizes: Sequence[float], programmes: Sequence[Programme]) -> float:
    """Return the power of their size with which the cost of one equilibrium grows."""
    return exponent(sizes, [partial(evaluate, programme) for programme in programmes], RUNS)


def main() -> None:
    """Measure the ratio and the exponents, and fail when one is missed."""
    people = load("work_programme_2011").replace(central_case=None)
    chain = national_chain(40, 26)
    programme = people.replace(supply_chain=chain)
    pairs = (len(chain.agents) - 1) * len(people.caseload)
    copies = people.caseload.take(np.tile(np.arange(len(people.caseload)), len(chain.agents) - 1))
    price = np.tile(people.effective_price_gbp(), len(chain.agents) - 1)
    ratio = time_pair(
        f"one equilibrium of {len(chain.agents):,} agents / closed forms on {pairs:,} pairs",
        lambda: evaluate(programme).spend_gbp,
        lambda: best_response(copies.response, price).payment_gbp @ copies.participants,
        target=50.0,
        runs=RUNS,
    )
    print(ratio)
    primes = [20, 40, 80, 160]
    by_agents = growth(primes, [people.replace(supply_chain=national_chain(k, 26)) for k in primes])
    parts, chain = [4, 8, 16, 32], national_chain(20, 26)
    by_segments = growth(parts, [people.replace(supply_chain=chain, caseload=finer(people.caseload, k)) for k in parts])
    exponents = [
        Measured(f"cost of an equilibrium grows as {name} to the power", value, HIGHEST_EXPONENT)
        for name, value in (("agents", by_agents), ("segments", by_segments))
    ]
    conclude(__file__, [ratio.measured, *exponents])


if __name__ == "__main__":
    main()
