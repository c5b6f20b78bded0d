"""Claim: inside the national chain the rank rule moves little and does not settle; a linear share moves more, and does.

Method
    The chain of 2011 under the prices of 2011, without rivals and with: the rank rule as recalled, measured exactly and
    with a noise of 3 points; a linear share of as many points for as large a lead; incentive payments; minimum levels
    as a cohort measure and as the in-year ratio of 2013/14. Every area and payment group is solved, and the chain is
    played with what primes do. The certificate of each answer is printed; where three primes run in a cycle there is
    none that holds. A last table has what the next referrals are worth to primes, group by group.
Data
    pbr_opt/programmes/work_programme_2011_chain. Size of the shift and margin: recalled, UNCONFIRMED
    (docs/decisions/0007-share-shift.md). Levels: 33 and 27.5 per cent of groups 1 and 2, missed at a cost of £200 per
    participant (assumed). Bonuses: £1,000 above 1.3 times the non-intervention rate, which here is the deadweight.
Command
    python experiments/rivals_national.py
Verdict
    Printed; exit code 4 when the claim fails: when the rank rule without noise is pure in every area of the three
    largest groups, or brings as many more outcomes as the linear share, or when the linear share is not pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pbr_opt as pbr
from pbr_opt.equilibrium.performance import in_year_inflation
from pbr_opt.evaluation import Evaluation
from pbr_opt.market.rank_rules import RankShare
from pbr_opt.market.rivalry import IncentivePayment, Rivalry
from pbr_opt.market.share_rules import LinearShare

LARGE: Final = ("1", "2", "3")
LEVELS: Final = {"1": 0.33, "2": 0.275}
MISSED_GBP: Final = 200.0
DELAYS: Final = (0.1125, 0.6125, 0.275)
"""Of a cohort's outcomes, those in its own year, the next and the one after: derived in performance_levels.py."""


@dataclass(frozen=True)
class Played:
    """A rivalry and what came of it."""

    label: str
    there: Evaluation

    def line(self, without: Evaluation) -> str:
        """Return a row of the table."""
        metrics, before = self.there.metrics, without.metrics
        table = self.there.to_frame("rivals")
        places = table.drop_duplicates(["area", "group"])
        kinds = places.kind.value_counts()
        counted = " ".join(f"{kinds.get(kind, 0):>6}" for kind in ("pure", "mixed", "cycle"))
        share = table.referral_share - table.contract_share
        certificate = self.there.certificate
        return (
            f"  {self.label:<28} {counted} {metrics.outcomes - before.outcomes:>9,.0f} "
            f"{(metrics.spend_gbp - before.spend_gbp) / 1e6:>7.1f} {metrics.incentive_spend_gbp / 1e6:>6.1f} "
            f"{100 * metrics.parked_share:>7.1f} {100 * share.abs().max():>8.2f} "
            f"{certificate.largest_gain_gbp:>9.2g} {'yes' if certificate.holds else 'no':>5}"
        )


def rivalries(programme: pbr.Programme) -> dict[str, Rivalry]:
    """Return what is tried, by label."""
    terms = programme.terms
    people = programme.caseload
    deadweight = people.sum_by_group(people.participants * people.deadweight_rate) / people.group_participants
    inflation = float(in_year_inflation(terms.intake_share, DELAYS)[2])
    bonus = {group: IncentivePayment(float(deadweight[people.groups.index(group)])) for group in LARGE}
    return {
        "rank rule, measured exactly": Rivalry.from_terms(terms, RankShare()),
        "rank rule, noise 3 points": Rivalry.from_terms(terms, RankShare(noise=0.03)),
        "linear, 5 points for 3": Rivalry.from_terms(terms, LinearShare(0.05 / 0.03)),
        "bonuses": Rivalry(incentives=bonus),
        "levels, cohort measure": Rivalry(levels=LEVELS, missed_level_gbp=MISSED_GBP),
        "levels, in-year ratio": Rivalry(levels=LEVELS, missed_level_gbp=MISSED_GBP, inflation=inflation),
    }


def show_prizes(there: Evaluation) -> None:
    """Print what all of the next referrals are worth to primes, lowest and highest of each group."""
    prizes = there.to_frame("rivals").groupby("group", sort=False).prize_gbp
    told = "; ".join(
        f"{group}: {low:,.0f} to {high:,.0f}" for group, (low, high) in prizes.agg(["min", "max"]).iterrows()
    )
    print(f"\nworth of the next referrals, £ per measured participant of a prime, by group:\n  {told}")


def main() -> None:
    """Print the table and the verdict."""
    programme = pbr.load("work_programme_2011_chain")
    without = pbr.evaluate(programme)
    print("Rivals in 18 areas, 9 payment groups each, against the same chain without rivals")
    print(
        f"  {'':<28} {'pure':>6} {'mixed':>6} {'cycle':>6} {'outcomes':>9} {'£m':>7} {'bonus':>6} {'parked':>7} "
        f"{'shift':>8} {'gain £':>9} {'holds':>5}"
    )
    print(f"  {'no rivals':<28} {'':>20} {0:>9} {0.0:>7.1f} {0.0:>6.1f} {100 * without.metrics.parked_share:>7.1f}")
    found = {}
    for label, rivalry in rivalries(programme).items():
        found[label] = Played(label, pbr.evaluate(programme.replace(rivalry=rivalry)))
        print(found[label].line(without), flush=True)
    print(
        "  outcomes, £m: more than without rivals; shift: largest change of a prime's share of all referrals, points;"
    )
    print("  gain: the largest of any agent or prime, £ per participant")
    exact, linear = (found[label].there for label in ("rank rule, measured exactly", "linear, 5 points for 3"))
    large = exact.to_frame("rivals").query("group in @LARGE")
    places = large.drop_duplicates(["area", "group"])
    restless = int((places.kind != "pure").sum())
    show_prizes(linear)
    weaker = exact.metrics.outcomes < linear.metrics.outcomes
    calm = (linear.to_frame("rivals").kind == "pure").all() and linear.certificate.holds
    print(f"\nrank rule, measured exactly: no pure equilibrium in {restless} of {len(places)} places of groups 1 to 3")
    print(f"it moves less than the linear share: {weaker}; the linear share is pure everywhere: {calm}")
    print(f"verdict: {'holds' if restless and weaker and calm else 'DOES NOT HOLD'}")
    if not (restless and weaker and calm):
        raise SystemExit(4)


if __name__ == "__main__":
    main()
