"""Claim: most of the differences in need lie inside the benefit groups, so that prices by benefit miss them.

Method
    Need is the price at which the first pound of support begins to pay for itself (the parking price). Four
    questions: (1) how much of its variance, in logs, lies between payment groups, and how much of that the price of
    2011 follows; (2) in which groups are the quarter of people who need most; (3) of two people in groups of
    different prices, how often the one with the higher price needs less; (4) how much less is parked, on the same
    spend, when the Department prices best for benefit groups and when it prices five groups cut by need. All again
    at both ends of the range of the spread inside groups, with people fitted anew to the published rates.
Data
    People, prices and costs of work_programme_2011. The spread inside groups is assumed (1.2 logits, 0.8 to 1.6):
    that people of one benefit differ is certain, how much is not.
Command
    python experiments/payment_groups_miss_need.py
Verdict
    Holds. 37 % of the variance of need lies between groups (30 to 49 % at the ends), prices follow 12 % of it, and
    39 % of pairs are priced the wrong way round. Exit code 4 when the groups hold more than half of the variance of
    need, when best prices by benefit do not leave more than twice the people parked that groups by need leave, or
    when fewer than one pair in ten is priced the wrong way round, in the central case or at either end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

import pbr_opt as pbr
from pbr_opt.analysis.calibration import vary
from pbr_opt.analysis.scenario_changes import needs_based_groups, optimised_prices
from pbr_opt.quantities import FloatArray, IntArray
from pbr_opt.report.wording import per_cent, table

SPREADS: Final = {"central, spread 1.2": None, "spread 0.8": 0.8, "spread 1.6": 1.6}
NEEDIEST: Final = 0.25


@dataclass(frozen=True)
class People:
    """Latent segments: how many they are, what they need, what is paid for them, and their group's position."""

    count: FloatArray
    need_gbp: FloatArray
    price_gbp: FloatArray
    group: IntArray

    @classmethod
    def of(cls, programme: pbr.Programme) -> People:
        """Return the people of a programme."""
        people = programme.caseload
        return cls(
            people.participants, people.parking_threshold_gbp, programme.effective_price_gbp(), people.group_index
        )


def between(people: People, values: FloatArray) -> float:
    """Return the share of a variance that lies between groups."""
    weight = people.count / people.count.sum()
    mean = float(weight @ values)
    heads = np.bincount(people.group, weight)
    means = np.bincount(people.group, weight * values) / heads
    return float(heads @ (means - mean) ** 2 / (weight @ (values - mean) ** 2))


def follows(people: People) -> float:
    """Return the share of the variance of need that a straight line in the price explains, both in logs."""
    weight = people.count / people.count.sum()
    need, price = np.log(people.need_gbp), np.log(people.price_gbp)
    covariance = np.cov(need, price, aweights=weight, ddof=0)
    return float(covariance[0, 1] ** 2 / (covariance[0, 0] * covariance[1, 1]))


def wrong_way(people: People) -> float:
    """Return how often, of two people with different prices, the one with the higher price needs less."""
    pairs = np.outer(people.count, people.count)
    dearer = np.subtract.outer(people.price_gbp, people.price_gbp) > 1e-9
    needs_less = np.subtract.outer(people.need_gbp, people.need_gbp) < 0
    return float(pairs[dearer & needs_less].sum() / pairs[dearer].sum())


def neediest(people: People) -> FloatArray:
    """Return the share of each group among the quarter of people who need most."""
    order = np.argsort(-people.need_gbp)
    before = np.cumsum(people.count[order]) - people.count[order]
    taken = np.clip(NEEDIEST * people.count.sum() - before, 0.0, people.count[order])
    return np.asarray(np.bincount(people.group[order], taken) / taken.sum())


def main() -> None:
    """Print the tables, and fail when the claim fails."""
    central = pbr.load("work_programme_2011")
    rows, holds = [], []
    for label, spread in SPREADS.items():
        programme = central if spread is None else vary(central, "spread", spread)
        people, base = People.of(programme), pbr.evaluate(programme)
        best, needs = optimised_prices(programme), needs_based_groups(programme)
        parked = [there.metrics.parked_share for there in (base, pbr.evaluate(best), pbr.evaluate(needs))]
        inside, wrong = between(people, np.log(people.need_gbp)), wrong_way(people)
        shares = (inside, follows(people), wrong, *parked)
        rows.append([label, *(per_cent(share) for share in shares)])
        holds.append(inside < 0.5 and wrong > 0.1 and parked[1] > 2 * parked[2])
        if spread is None:
            print("the quarter of people who need most, by payment group, and everybody\n")
            everybody = programme.caseload.group_participants / programme.caseload.total_participants
            lines = [["group", "need most", "everybody"]]
            for k, group in enumerate(programme.caseload.groups):
                lines.append(
                    [f"{group} {programme.group_names[group]}", per_cent(neediest(people)[k]), per_cent(everybody[k])]
                )
            print("\n".join(table(lines, "<>>")))
    head = ["", "between groups", "price follows", "wrong way round", "parked 2011", "best by benefit", "by need"]
    print("\nvariance of need (logs), pairs priced the wrong way round, people parked on the same spend\n")
    print("\n".join(table([head, *rows], "<>>>>>>")))
    print(f"\nverdict: {'holds' if all(holds) else f'DOES NOT HOLD: {holds}'}")
    if not all(holds):
        raise SystemExit(4)


if __name__ == "__main__":
    main()
