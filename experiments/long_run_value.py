"""Claim: costly help pays society soon and the Treasury late, and on a fixed budget no longer view brings it about.

Method
    What an additional outcome is worth after T years is a year off benefit times how many years are left of it:
    v(T) = s (1 - exp(-k T)) / k with k = ln(1.035) + ln(2)/(half-life of the effect). (1) A fifth more is paid for each
    group in turn. The support this buys, per extra outcome, is what society gives up; the payments are what the
    Treasury gives up; and payments if only outcomes beyond each group's deadweight were paid are what it would give
    up without windfall. Each is paid back at the horizon where v reaches it, or never. (2) For each horizon: who is
    parked in 2011 though help would pay, and what the tariff with most net social value on the spend of 2011 does
    about it (proved, prices in steps of £50 up to £20,000).
Data
    People, prices and responses of work_programme_2011. A year off benefit is 52 weeks of the rates of 2012 for a
    single adult, £71.00 a week for jobseekers and £99.15 in groups 5 to 8: recalled, unconfirmed. How long effects last
    is assumed: half-lives of 2 and 5 years, and for ever. Health, earnings and tax are left out, so that the value is
    a lower one. Discount rate 3.5 % a year.
Command
    python experiments/long_run_value.py
Verdict
    Holds. If the effect lasts, society is paid back within two years in every group, the Treasury after 2.3 to 19; if
    half of it is gone after two years, society after 0.6 to 3.2 years, the Treasury never outside groups 5 and 8.
    About two thirds of what the Treasury pays for one more outcome is windfall: paid for outcomes beyond deadweight,
    it would be paid back within four years everywhere if effects last, and in six groups of nine if they fade. From
    one year to twenty the share of people who are parked though help would pay goes from 4 to 26 %; the best tariff on
    the same spend parks 25 to 26 % at every horizon, and from two years on pays nothing for group 7, whose help is
    dearest. It does not show how long effects last, which decides. Exit code 4 when the claim fails.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

import pbr_opt as pbr
from pbr_opt.equilibrium.best_response import best_response
from pbr_opt.report.wording import per_cent, table

Floats = NDArray[np.float64]

A_WEEK_GBP: Final = {"jobseekers": 71.00, "health": 99.15}
HEALTH: Final = ("5", "6", "7", "8")
DISCOUNT: Final = 0.035
HALF_LIVES: Final = (2.0, 5.0, np.inf)
HORIZONS: Final = (1.0, 2.0, 5.0, 10.0, 20.0)
RISE: Final = 1.2
STEP_GBP: Final = 50.0
HIGHEST_GBP: Final = 20_000.0
SOON: Final = 2.0
LATER: Final = 4.0
"""Years, of the claim: for society, and for a Treasury that pays no windfall."""
DEAREST: Final = "7"
PERCENTAGE_POINT: Final = 0.01


@dataclass(frozen=True)
class Extra:
    """What one more outcome takes, by group, when a fifth more is paid."""

    support_gbp: Floats
    payments_gbp: Floats
    payments_beyond_gbp: Floats


def fading(half_life: float) -> float:
    """Return k, the yearly rate at which value is lost to time and to fading."""
    return float(np.log1p(DISCOUNT) + np.log(2.0) / half_life)


def years_off_gbp(programme: pbr.Programme) -> Floats:
    """Return s, a year of benefit, by group."""
    groups = programme.caseload.groups
    return np.array([52.0 * A_WEEK_GBP["health" if group in HEALTH else "jobseekers"] for group in groups])


def worth_gbp(year_gbp: Floats, horizon: float, half_life: float) -> Floats:
    """Return v(T)."""
    k = fading(half_life)
    return np.asarray(year_gbp * -np.expm1(-k * horizon) / k)


def paid_back(cost_gbp: Floats, year_gbp: Floats, half_life: float) -> Floats:
    """Return T with v(T) = cost, infinite where v never gets there."""
    k = fading(half_life)
    left = 1.0 - cost_gbp * k / year_gbp
    return np.where(left > 0.0, -np.log(np.maximum(left, np.finfo(float).tiny)) / k, np.inf)


def extra(programme: pbr.Programme) -> Extra:
    """Return support and payments per extra outcome."""
    people, price = programme.caseload, programme.effective_price_gbp()

    def totals(x: Floats) -> tuple[Floats, ...]:
        there = best_response(people.response, x)
        each = (
            there.outcome_rate,
            there.support_gbp,
            x * there.outcome_rate,
            x * (there.outcome_rate - people.deadweight_rate),
        )
        return tuple(people.sum_by_group(people.participants * item) for item in each)

    before, after = totals(price), totals(RISE * price)
    outcomes, *money = (more - less for more, less in zip(after, before, strict=True))
    return Extra(*(item / outcomes for item in money))


def payback(programme: pbr.Programme) -> bool:
    """Answer the first question; return whether society is soon paid back, the Treasury late, and later."""
    print("1. One more outcome: what it takes, and after how many years it is paid back\n")
    cost, year = extra(programme), years_off_gbp(programme)
    columns = {"society": cost.support_gbp, "Treasury": cost.payments_gbp, "no windfall": cost.payments_beyond_gbp}
    found = {(who, life): paid_back(gbp, year, life) for who, gbp in columns.items() for life in HALF_LIVES}
    groups = programme.caseload.groups
    rows = [["GBP", *groups], *([who, *(f"{item:,.0f}" for item in gbp)] for who, gbp in columns.items())]
    rows.append(["years", *[""] * len(groups)])
    rows += [[f"{who}, {_life(life)}", *(_years(item) for item in times)] for (who, life), times in found.items()]
    print("\n".join(table(rows, "<" + ">" * len(groups))))
    lasts, fades = np.inf, HALF_LIVES[0]
    soon = bool((found["society", lasts] < SOON).all() and np.isfinite(found["society", fades]).all())
    late = bool((found["Treasury", lasts] > 2.0 * found["society", lasts]).all())
    seldom = int(np.isfinite(found["Treasury", fades]).sum()) <= 2
    windfall = bool((found["no windfall", lasts] < LATER).all())
    return soon and late and seldom and windfall


def _life(half_life: float) -> str:
    return "lasting" if np.isinf(half_life) else f"half left in {half_life:g}"


def _years(value: float) -> str:
    return "never" if np.isinf(value) else f"{value:.1f}"


def longer_view(programme: pbr.Programme) -> bool:
    """Answer the second question; return whether a longer view finds more people wronged and helps no more of them."""
    print("\n2. Most net social value on the spend of 2011, by horizon (effects that last)\n")
    spend, year = pbr.evaluate(programme).spend_gbp, years_off_gbp(programme)
    limits = [pbr.Budget(spend), pbr.PriceStep(STEP_GBP), pbr.PriceRange(0.0, HIGHEST_GBP)]
    place = programme.caseload.groups.index(DEAREST)
    rows = [["years", "2011: parked", "though help pays", "best: parked", "though help pays", f"price of {DEAREST}"]]
    wronged, parked, price = [], [], []
    for horizon in HORIZONS:
        valued = programme.replace(outcome_value_gbp=worth_gbp(year, horizon, np.inf))
        design = pbr.optimise(valued, maximise=pbr.NetSocialValue(), limits=limits)
        assert design.status == "optimal"
        before, after = pbr.evaluate(valued).metrics, pbr.evaluate(valued.replace(tariff=design.tariff)).metrics
        wronged.append(before.inefficiently_parked_share or 0.0)
        parked.append(after.parked_share)
        price.append(float(design.tariff.price_gbp[place]))
        shares = (before.parked_share, wronged[-1], after.parked_share, after.inefficiently_parked_share or 0.0)
        rows.append([f"{horizon:g}", *(per_cent(share) for share in shares), f"£{price[-1]:,.0f}"])
    print("\n".join(table(rows, ">>>>>>")))
    rises = bool((np.diff(wronged) > 0.0).all() and wronged[-1] > wronged[0] + 0.2)
    return rises and np.ptp(parked) < PERCENTAGE_POINT and not any(price[1:])


def main() -> None:
    """Answer the two questions and print the verdict."""
    programme = pbr.load("work_programme_2011")
    holds = [payback(programme), longer_view(programme)]
    print(f"\nverdict: {'holds' if all(holds) else f'DOES NOT HOLD: {holds}'}")
    if not all(holds):
        raise SystemExit(4)


if __name__ == "__main__":
    main()
