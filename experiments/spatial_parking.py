"""Claim: one national price parks more people where fewer are near to work, and the place alone does it.

Method
    The chain of 2011 under the tariff of 2011. Areas differ in how near their people are to work (a shift of deadweight
    and ceilings on the logit scale), in who their primes are and in how skilled these are. The share of people parked
    is set against the shift, area by area, and once more with primes alone, all of ordinary skill and without fixed
    costs, so that the place is all that differs.
Data
    pbr_opt/programmes/work_programme_2011_chain: shifts from claimant counts, recalled and unconfirmed
    (docs/data-supply-chain-2011.md).
Command
    python experiments/spatial_parking.py
Verdict
    Printed; exit code 4 when the claim fails: when the rank correlation of shift and parked share is above -0.5 in the
    chain as it is, or above -0.9 when the place alone differs, or when the gap between areas is below one point.
"""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

import pbr_opt as pbr
from pbr_opt.market.supply_chain import SupplyChain


def alike(chain: SupplyChain) -> SupplyChain:
    """Return primes alone, all of ordinary skill, without fixed costs or limits."""
    primes = [
        replace(agent, productivity=1.0, mission_gbp=0.0, fixed_cost_gbp=0.0, working_capital_gbp=float("inf"))
        for agent in chain.agents
        if agent.kind in ("department", "prime")
    ]
    names = {agent.name for agent in primes}
    edges = [edge for edge in chain.contracts.values() if edge.payee in names]
    return SupplyChain(primes, edges, chain.areas)


def told(label: str, table: pd.DataFrame) -> float:
    """Print the areas from the farthest from work to the nearest, and return the rank correlation."""
    rank = float(table.readiness_shift.rank().corr(table.parked_share.rank()))
    print(f"\n{label}")
    print(f"  {'area':<56} {'shift':>6} {'people':>9} {'deadweight %':>13} {'parked %':>9} {'a head £':>9}")
    ordered = table.sort_values("readiness_shift")
    numbers = ordered[["readiness_shift", "participants", "deadweight_rate", "parked_share", "mean_support_gbp"]]
    for area, (shift, people, low, parked, support) in zip(ordered.area, numbers.to_numpy(), strict=True):
        print(f"  {area:<56} {shift:>6.2f} {people:>9,.0f} {100 * low:>13.1f} {100 * parked:>9.1f} {support:>9.0f}")
    spread = 100 * (table.parked_share.max() - table.parked_share.min())
    print(f"  parked: {spread:.1f} points between areas; rank correlation with the shift {rank:.2f}")
    return rank


def main() -> None:
    """Print both tables and the verdict."""
    programme = pbr.load("work_programme_2011_chain")
    chain = programme.supply_chain
    if chain is None:
        raise SystemExit(2)
    as_it_is = pbr.evaluate(programme).to_frame("areas")
    place_alone = pbr.evaluate(programme.replace(supply_chain=alike(chain))).to_frame("areas")
    ranks = told("The chain as it is", as_it_is), told("Places alone: primes alike, no subcontractors", place_alone)
    apart = place_alone.parked_share.max() - place_alone.parked_share.min() >= 0.01
    holds = ranks[0] <= -0.5 and ranks[1] <= -0.9 and apart
    print(f"\nverdict: {'holds' if holds else 'DOES NOT HOLD'}")
    if not holds:
        raise SystemExit(4)


if __name__ == "__main__":
    main()
