"""Claim: between equal primes the 5-point rank rule has no pure equilibrium at low noise, wherever it moves anybody.

Method
    Two equal primes serve one payment group of the central case under the 2011 prices. A lead in outcome rate of more
    than 3 points moves 5 points of new referrals (both numbers recalled, UNCONFIRMED). What all later referrals are
    worth: the margin per participant at those prices, less the service that is not discretionary (second table: without
    that), times the referrals of 2013/14 to 2016/17 over those of one prime in 2012/13, whose results are compared. For
    each standard deviation of the measured lead the contest is solved, in mixed strategies where no pure equilibrium
    exists. Without noise every possible pure equilibrium is tried, so "none" is proved; each answer carries its
    certificate. A last table asks, group by group, whether leading by 3 points costs less than the shift is worth. The
    noise that comes from counting alone, with 40 equal contracts, is printed too.
Data
    pbr_opt/programmes/work_programme_2011 (prices, segments, intake shares, base service). Size of the shift and margin
    are in no source that could be read: docs/decisions/0007-share-shift.md.
Command
    python experiments/share_shift.py
Verdict
    Printed; exit code 4 when the claim fails: when a pure equilibrium exists at a noise of 0 or 0.1 points in the
    largest group, or in any group at noise 0 where leading pays, or when none exists at 3 points.
"""

from __future__ import annotations

import math
import textwrap
from dataclasses import dataclass

import pbr_opt as pbr
from pbr_opt.equilibrium.contest import ContestEquilibrium, solve_contest
from pbr_opt.equilibrium.contest_rival import Rival
from pbr_opt.market.rank_rules import RankShare, sampling_noise
from pbr_opt.market.share_rules import LinearShare

GROUP = "2"
CONTRACTS = 40
NOISES = (0.0, 0.001, 0.0025, 0.005, 0.01, 0.015, 0.02, 0.03, 0.05, 0.10)
YEAR_MEASURED, LATER_YEARS = "2", ("3", "4", "5", "6")


@dataclass(frozen=True)
class Case:
    """One payment group: a prime, and what later referrals are worth to it."""

    rival: Rival
    margin_gbp: float
    relative_volume: float
    measured: float

    def prize_gbp(self, primes: int = 2) -> float:
        """Return the worth of all later referrals of the area, GBP per participant of one prime who is measured."""
        return max(self.margin_gbp, 0.0) * self.relative_volume * primes

    def primes(self, number: int = 2) -> list[Rival]:
        """Return equal primes."""
        return [Rival(name, self.rival.caseload, self.rival.price_gbp) for name in "ABC"[:number]]

    def unequal(self, productivity: float) -> list[Rival]:
        """Return a prime and a rival whose support achieves more."""
        people = self.rival.caseload
        better = people.replace(response_scale_gbp=people.response_scale_gbp / productivity)
        return [Rival("A", people, self.rival.price_gbp), Rival("B", better, self.rival.price_gbp)]

    @property
    def lead_cost_gbp(self) -> float:
        """Return what leading an idle rival by the margin costs, GBP per participant; infinite beyond the ceiling."""
        wanted = self.rival.least_performance + RankShare().margin
        if wanted >= self.rival.ceiling:
            return math.inf
        return float(self.rival.loss_gbp(self.rival.top_up_for(wanted)))


def case(programme: pbr.Programme, group: str, *, base_service: bool) -> Case:
    """Return a payment group with its prize inputs, from the figures of the programme."""
    figures = {figure.id: figure.value for figure in programme.figures}
    rival = Rival.of(programme, group)
    margin = float(rival.profit_gbp(0.0)) - (figures["base_service_gbp"] if base_service else 0.0)
    measured = figures[f"intake_share/{YEAR_MEASURED}"]
    later = sum(figures[f"intake_share/{year}"] for year in LATER_YEARS)
    people = rival.caseload.total_participants * measured / CONTRACTS
    return Case(rival, margin, later / measured, people)


def parked_share(rival: Rival, there: ContestEquilibrium) -> float:
    """Return the expected share of the first prime's participants who are parked."""
    strategy = there.strategies[0]
    return float(strategy.probability @ (rival.respond(strategy.top_up_gbp).parked @ rival.weight))


def line(label: str, rival: Rival, there: ContestEquilibrium) -> str:
    """Return one row of the table over noise."""
    gain = 100 * (there.performance[0] - there.game.least_performance[0])
    choices, parked = there.strategies[0].probability.size, 100 * parked_share(rival, there)
    return (
        f"  {label:>12}  {there.kind:<6} {choices:>8} {there.top_up_gbp[0]:>12,.0f} {gain:>12.2f} "
        f"{parked:>8.1f} {there.pure_gap_gbp:>10.2f} {there.certificate.largest_gain_gbp:>12.2g}"
    )


HEAD = (
    f"  {'noise, points':>12}  {'kind':<5} {'choices':>8} {'top-up, £':>12} {'rate, points':>12} {'parked %':>8} "
    f"{'pure gap £':>10} {'certificate £':>12}"
)


def over_noise(there: Case) -> dict[float, ContestEquilibrium]:
    """Print the table over noise for two primes, and return what was found."""
    prize = there.prize_gbp()
    print(f"  prize £{prize:,.0f} per participant of one prime; a shift of 5 points is worth £{0.05 * prize:,.2f},")
    print(f"  a lead of 3 points over an idle rival costs £{there.lead_cost_gbp:,.2f}")
    print(HEAD)
    found = {noise: solve_contest(there.primes(), RankShare(noise=noise), prize) for noise in NOISES}
    for noise, equilibrium in found.items():
        print(line(f"{100 * noise:g}", there.rival, equilibrium))
    return found


def by_group(programme: pbr.Programme) -> bool:
    """Print for every group whether leading pays, and return whether the claim holds in each at noise 0."""
    print("\nGroup by group, noise 0, in £ per participant: worth of a lead after and before base service; its cost")
    print(f"  {'group':<24} {'margin':>7} {'worth':>8} {'cost':>8}  {'kind':<6} {'margin':>8} {'worth':>8}  kind")
    holds = True
    for group in programme.caseload.groups:
        cells = []
        for counted in (True, False):
            there = case(programme, group, base_service=counted)
            worth = RankShare().shift * there.prize_gbp()
            kind = solve_contest(there.primes(), RankShare(), there.prize_gbp()).kind
            holds = holds and (kind == "mixed") == (worth > there.lead_cost_gbp)
            cost = f"{there.lead_cost_gbp:>8.2f}" if counted else ""
            cells.append(f"{there.margin_gbp:>7,.0f} {worth:>8.2f} {cost}  {kind:<6}")
        print(f"  {group + ' ' + programme.group_names[group]:<24} {'  '.join(cells)}")
    print("  (inf: no support whatever reaches that rate)")
    return holds


def main() -> None:
    """Print the tables and the verdict."""
    programme = pbr.load("work_programme_2011")
    net, gross = (case(programme, GROUP, base_service=counted) for counted in (True, False))
    rate = net.rival.least_performance
    print(f"Group {GROUP}, {programme.group_names[GROUP]}: two equal primes; the price alone buys {100 * rate:.1f} %.")
    noise = sampling_noise(rate, net.measured)
    print(f"Counting {net.measured:,.0f} people each gives a noise of {100 * noise:.2f} points.")
    print(f"\nMargin £{net.margin_gbp:,.0f}, after service that is not discretionary:")
    found = over_noise(net)
    print(f"\nMargin £{gross.margin_gbp:,.0f}, before it:")
    richer = over_noise(gross)
    linear = solve_contest(net.primes(), LinearShare(0.05 / 0.03), net.prize_gbp())
    three = solve_contest(net.primes(3), RankShare(), net.prize_gbp(3))
    better = solve_contest(net.unequal(1.1), RankShare(), net.prize_gbp())
    print(
        "\nFor comparison, first margin: a linear share of 5 points per 3; no noise with a rival 10 % more productive,"
    )
    print("and with three primes")
    print(line("linear", net.rival, linear))
    print(line("unequal", net.rival, better))
    print(line("three primes", net.rival, three))
    print(textwrap.indent(textwrap.fill(three.statement, 110), "  "))
    everywhere = by_group(programme)
    low = all(there[noise].kind != "pure" for there in (found, richer) for noise in (0.0, 0.001))
    holds = low and found[0.03].kind == richer[0.03].kind == "pure" and everywhere
    print(f"\nverdict: {'holds' if holds else 'DOES NOT HOLD'}")
    if not holds:
        raise SystemExit(4)


if __name__ == "__main__":
    main()
