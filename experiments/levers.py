"""Claim: a high floor under the pass-through parks fewer in the 2011 chain; guaranteed volumes alone bring nobody.

Method
    The chain of 2011 under the tariff of 2011, with one term written into every contract below the Department's: floors
    of 60, 80 and 95 per cent under what a payer passes on of its price per outcome, a minimum service, and 25 people
    guaranteed to every specialist. For each the chain is solved anew, departures and all, and certified.
Data
    pbr_opt/programmes/work_programme_2011_chain, most of whose subcontracts are generated.
Command
    python experiments/levers.py
Verdict
    Printed; exit code 4 when the claim fails: when the floor of 95 per cent does not park fewer than no floor, when
    guaranteed volumes change who is sent to specialists, or when a certificate does not hold.
"""

from __future__ import annotations

import pbr_opt as pbr
from pbr_opt.design.chain_limits import GuaranteedVolume
from pbr_opt.evaluation import Evaluation

FLOORS = (0.6, 0.8, 0.95)
SERVICE_GBP = 100.0
VOLUME = 25.0


def line(label: str, there: Evaluation) -> str:
    """Return one row of the table."""
    agents, metrics = there.to_frame("agents"), there.metrics
    specialists = agents[agents.kind == "tier2"]
    kept = agents[agents.kind == "prime"].profit_gbp.sum() / 1e6
    return (
        f"  {label:<24} {metrics.spend_gbp / 1e6:>8,.0f} {metrics.outcomes:>9,.0f} {100 * metrics.parked_share:>8.1f} "
        f"{metrics.mean_support_gbp:>8.0f} {int((specialists.referrals > 0).sum()):>11} "
        f"{specialists.referrals.sum():>8,.0f} {int((~agents.active).sum()):>6} {kept:>8,.0f}"
    )


def main() -> None:
    """Print the table and the verdict."""
    programme = pbr.load("work_programme_2011_chain")
    terms: dict[str, pbr.Programme] = {"as it was": programme}
    terms |= {f"pass-through {100 * f:g} %": pbr.MinimumPassThrough(f).applied(programme) for f in FLOORS}
    terms |= {f"minimum service £{SERVICE_GBP:g}": pbr.MinimumService(SERVICE_GBP).applied(programme)}
    terms |= {f"{VOLUME:g} people guaranteed": GuaranteedVolume(VOLUME).applied(programme)}
    print("The chain of 2011 under the tariff of 2011, with one term in every contract below the Department's")
    print(
        f"  {'':<24} {'spend £m':>8} {'outcomes':>9} {'parked %':>8} {'a head £':>8} {'specialists':>11} {'people':>8} "
        f"{'left':>6} {'primes £m':>9}"
    )
    found = {}
    for label, changed in terms.items():
        found[label] = pbr.evaluate(changed)
        print(line(label, found[label]), flush=True)
    print(
        "  specialists, people: with referrals, and how many; primes: their profit. Under a minimum service those count"
    )
    print("  as parked who get no more than it although more would pay society.")
    before, protected = found["as it was"], found[f"pass-through {100 * FLOORS[-1]:g} %"]
    promised = found[f"{VOLUME:g} people guaranteed"]
    fewer = protected.metrics.parked_share < before.metrics.parked_share
    nobody = promised.to_frame("agents").referrals.equals(before.to_frame("agents").referrals)
    certified = all(there.certificate.holds for there in found.values())
    print(f"\nprotected pass-through parks fewer: {fewer}; guarantees bring nobody: {nobody}; certified: {certified}")
    print(f"verdict: {'holds' if fewer and nobody and certified else 'DOES NOT HOLD'}")
    if not (fewer and nobody and certified):
        raise SystemExit(4)


if __name__ == "__main__":
    main()
