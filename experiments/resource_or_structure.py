"""Claim: on the spend of 2011 it is how money was paid, more than how much there was, that left people parked.

Method
    Parking under the tariff of 2011 is divided into what more money would remove and what another payment mechanism
    would. Four mechanisms: the prices of 2011 in proportion; the prices that park fewest for the nine groups;
    payment for outcomes beyond each group's non-intervention rate alone; prices for as many groups cut by need.
    Each is played on the spend of 2011 and on 1.1, 1.25 and 1.5 times it. For each pair of another mechanism and a
    larger budget the fall in parking is split by the Shapley value: the mean of what the mechanism removes first
    and what it removes second, so that the two parts add up. Where a mechanism cannot spend a larger budget at
    £50,000 an outcome, it keeps what it parked on the largest that it can. Then: how many times the spend the
    prices of 2011 would need for what another mechanism does on the spend of 2011. Again at both ends of the range
    of the response scale.
Data
    People, prices and costs of work_programme_2011. The response scale (£250, £150 to £500) is assumed.
Command
    python experiments/resource_or_structure.py
Verdict
    Holds. Of what payment for additional outcomes and a quarter more money would do together, 78 % is the
    mechanism's (80 % at either end of the response scale); the prices of 2011 need 3 times the spend (2.7 to 3.2)
    for what it does on the spend of 2011. Better prices for the same nine groups are worth 1.17 times the spend,
    and less than half of what they and a quarter more money do together. Exit code 4 when payment for additional
    outcomes and another quarter of the budget together owe less than half of their effect to the mechanism, or when
    the prices of 2011 need less than 1.25 times the spend for what it does, in the central case or at either end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
from scipy.optimize import brentq

import pbr_opt as pbr
from pbr_opt.analysis.calibration import vary
from pbr_opt.analysis.scenario_changes import additionality_payment, at_spend, needs_based_groups, optimised_prices
from pbr_opt.errors import UnsupportedModelError
from pbr_opt.evaluation import Evaluation
from pbr_opt.report.wording import per_cent, table

BUDGETS: Final = (1.0, 1.1, 1.25, 1.5)
MORE: Final = 1.25
MOST: Final = 6.0
"""Times the prices of 2011: beyond it nobody would look."""
MECHANISMS: Final[Mapping[str, Callable[[pbr.Programme], pbr.Programme]]] = {
    "prices of 2011": lambda programme: programme,
    "best prices": optimised_prices,
    "additional outcomes": additionality_payment,
    "groups by need": needs_based_groups,
}
FIRST: Final = "prices of 2011"
ADDITIONAL: Final = "additional outcomes"


def parked(programme: pbr.Programme) -> float:
    """Return the share of people parked."""
    return pbr.evaluate(programme).metrics.parked_share


def grid(programme: pbr.Programme) -> dict[str, dict[float, float]]:
    """Return the share parked under each mechanism on each budget."""
    spend = pbr.evaluate(programme).spend_gbp
    funded = {times: at_spend(programme, times * spend) for times in BUDGETS}
    return {name: played(change, funded) for name, change in MECHANISMS.items()}


def played(
    change: Callable[[pbr.Programme], pbr.Programme], funded: Mapping[float, pbr.Programme]
) -> dict[float, float]:
    """Return the share parked on each budget; where not all of it can be spent, that on the largest that can be."""
    shares: dict[float, float] = {}
    for times, there in funded.items():
        try:
            shares[times] = parked(change(there))
        except UnsupportedModelError as error:  # not even GBP 50,000 an outcome spends the money
            if not shares or "spends less" not in str(error):
                raise
            shares[times] = list(shares.values())[-1]
    return shares


def structure_share(found: Mapping[str, Mapping[float, float]], name: str, times: float) -> float:
    """Return the Shapley share of a mechanism in what it and a larger budget remove together."""
    first, second = found[FIRST][1.0] - found[name][1.0], found[FIRST][times] - found[name][times]
    return (first + second) / 2 / (found[FIRST][1.0] - found[name][times])


def times_needed(programme: pbr.Programme, wanted: float) -> float:
    """Return how many times the spend the prices of 2011 need, in proportion, to park no more than wanted."""
    tariff = programme.tariff

    def at(factor: float) -> Evaluation:
        return pbr.evaluate(programme, tariff.at_price(tariff.price_gbp * factor))

    def over(factor: float) -> float:
        return at(factor).metrics.parked_share - wanted

    if over(MOST) > 0:
        return float("inf")
    return at(float(brentq(over, 1.0, MOST, xtol=1e-4))).spend_gbp / at(1.0).spend_gbp


def show(programme: pbr.Programme, found: Mapping[str, Mapping[float, float]]) -> float:
    """Print the two tables; return the times needed for what payment for additional outcomes does."""
    rows = [["parked", *(f"{times:g} times" for times in BUDGETS)]]
    rows += [[name, *(per_cent(share) for share in row.values())] for name, row in found.items()]
    print("\n".join(table(rows, "<" + ">" * len(BUDGETS))) + "\n")
    rows = [["part of the mechanism", *(f"{times:g} times" for times in BUDGETS[1:]), "spend needed instead"]]
    needed = {name: times_needed(programme, row[1.0]) for name, row in found.items() if name != FIRST}
    for name, times in needed.items():
        shares = (per_cent(structure_share(found, name, more)) for more in BUDGETS[1:])
        rows.append([name, *shares, f"{times:.2f} times" if np.isfinite(times) else f"prices over {MOST:g} times"])
    print("\n".join(table(rows, "<" + ">" * len(BUDGETS))))
    return needed[ADDITIONAL]


def main() -> None:
    """Print the tables, and fail when the claim fails."""
    central, holds = pbr.load("work_programme_2011"), []
    for label, scale in (("central, response scale £250", None), ("£150", 150.0), ("£500", 500.0)):
        programme = central if scale is None else vary(central, "response_scale_gbp", scale)
        print(f"{label}\n")
        found = grid(programme)
        needed = show(programme, found)
        print()
        holds.append(structure_share(found, ADDITIONAL, MORE) >= 0.5 and needed >= MORE)
    print(f"verdict: {'holds' if all(holds) else f'DOES NOT HOLD: {holds}'}")
    if not all(holds):
        raise SystemExit(4)


if __name__ == "__main__":
    main()
