"""Claim: a prime that sets the price refers nobody until a specialist is some five times as good as the prime itself.

Method
    A Department, a prime that delivers, one specialist whom the prime refers only those it chooses. The specialist's
    productivity (it divides the response scale of everybody) rises from 1 to 30 in steps of 2 %; for each payment
    group the first productivity at which anybody, and at which half of the group, is referred. Five contracts:
    two_part, fixed_share at 80 and at 50 %, piece_rate (a price for each segment), group_price (one a group). Twice:
    without base service costs and attachment fees, so that only outcomes count; and with the base service, the whole
    attachment fee passed on. Then, in closed form, why: a prime that pays by the piece keeps (sqrt(p1 R) -
    sqrt(kappa/theta))^2 of somebody it refers and p1 R - kappa - kappa ln(R/x_park) of somebody it serves, and the
    theta where the first beats the second depends on R/x_park and p0/p1 alone.
Data
    People, prices and costs of work_programme_2011, the list tariff less the bid discount.
Command
    python experiments/tier2_without_referrals.py
Verdict
    Without base service costs it holds, and is stronger than the 2 to 3 times of the theory page: 4.5 to 7 times
    before anybody is referred, because more than half of the ceiling is deadweight here (2 to 3 times needs a third or
    less); under two_part any advantage is enough, under a share of 80 % none is. With base service costs it does NOT
    hold: people on whom the prime earns next to nothing are referred for a slight advantage, since it gives little up.
    For half of a group it then takes 1.8 to 3.2 times, and no skill is enough for half of groups 5, 8 and 9, on whom
    everybody loses. Exit code 4 when the claim (its first sentence, without base service costs) fails.
"""

from __future__ import annotations

from typing import Final

import networkx as nx
import numpy as np
from scipy.optimize import brentq

import pbr_opt as pbr
from pbr_opt.quantities import FloatArray
from pbr_opt.report.wording import table

CONTRACTS: Final[dict[str, dict[str, object]]] = {
    "two_part": {"contract": "two_part"},
    "fixed_share 80 %": {"contract": "fixed_share", "share": 0.8},
    "fixed_share 50 %": {"contract": "fixed_share", "share": 0.5},
    "piece_rate": {"contract": "piece_rate"},
    "group_price": {"contract": "group_price"},
}
STEP: Final = 1.02
HIGHEST: Final = 30.0
ASKED: Final = 4.0
"""Some five times as good: at least this."""
SKILLS: Final = 1.001 * STEP ** np.arange(np.log(HIGHEST) / np.log(STEP))
"""Just above 1: a specialist that is no better than the prime is a tie, and ties stay with the prime."""


def chain(skill: float, terms: dict[str, object]) -> pbr.SupplyChain:
    """Return a prime with one specialist."""
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_node("DWP", kind="department")
    graph.add_node("prime", kind="prime")
    graph.add_node("specialist", kind="tier2", productivity=skill)
    graph.add_edge("DWP", "prime")
    graph.add_edge("prime", "specialist", **terms)
    return pbr.SupplyChain.from_graph(graph)


def referred(programme: pbr.Programme, terms: dict[str, object]) -> FloatArray:
    """Return the share of each payment group referred, and of all in the last column, one row a productivity."""
    rows = []
    for skill in SKILLS:
        evaluation = pbr.evaluate(programme.replace(supply_chain=chain(float(skill), terms)))
        caseload = evaluation.rows.caseload
        assert evaluation.deliveries is not None  # there is a chain
        sent = np.array([who == "specialist" for who in evaluation.deliveries.deliverer])
        by_group = caseload.sum_by_group(caseload.participants * sent)
        rows.append([*(by_group / caseload.group_participants), by_group.sum() / caseload.total_participants])
    return np.array(rows)


def needed(shares: FloatArray, above: float) -> FloatArray:
    """Return the first productivity at which more than a share of each group is referred, infinite for never."""
    reached = shares > above
    return np.where(reached.any(axis=0), SKILLS[reached.argmax(axis=0)], np.inf)


def show(programme: pbr.Programme, attachment_share: float) -> dict[str, tuple[FloatArray, FloatArray]]:
    """Print productivity needed by contract and group; return it for anybody and for half."""
    answer = {}
    rows = [["anybody / half of", *programme.caseload.groups, "all"]]
    for name, terms in CONTRACTS.items():
        shares = referred(programme, {**terms, "attachment_share": attachment_share})
        answer[name] = needed(shares, 0.0), needed(shares, 0.5 - 1e-9)
        pairs = zip(*answer[name], strict=True)
        rows.append([name, *(f"{_times(one)} / {_times(half)}" for one, half in pairs)])
    print("\n".join(table(rows, "<" + ">" * (len(rows[0]) - 1))))
    return answer


def _times(skill: float) -> str:
    return "-" if np.isinf(skill) else f"{skill:.1f}"


def closed_form(ratio: float, deadweight: float) -> float:
    """Return how much better a specialist paid by the piece must be, from R/x_park and p0/p1 alone.

    With z = p1 R/kappa: the root, in u = 1/sqrt(theta), of (sqrt(z) - u)^2 = z - 1 - ln(R/x_park).
    """
    z = ratio / (1.0 - deadweight)
    root = brentq(lambda u: (np.sqrt(z) - u) ** 2 - (z - 1.0 - np.log(ratio)), 0.0, 1.0)
    return float(1.0 / root**2)


def show_why() -> None:
    """Print the closed form."""
    parts = (0.0, 0.15, 0.3, 0.5, 0.65)
    rows = [["R / x_park", *(f"p0/p1 = {part:.2f}" for part in parts)]]
    for ratio in (1.1, 1.5, 2.0, 3.0, 5.0):
        rows.append([f"{ratio:.1f}", *(f"{closed_form(ratio, part):.1f}" for part in parts)])
    print("\n".join(table(rows, "<" + ">" * len(parts))))


def main() -> None:
    """Print the tables and the verdict."""
    programme = pbr.load("work_programme_2011")
    print("Productivity needed, times the prime's ('-' for more than 30), without base service costs\n")
    plain = show(programme.replace(base_service_gbp=0.0), 0.0)
    print("\nThe same with the base service, the attachment fee passed on\n")
    served = show(programme, 1.0)
    print(
        "\nWhy: productivity needed under piece_rate, by what an outcome pays and how much of the ceiling is windfall\n"
    )
    show_why()
    ratio = programme.caseload.deadweight_rate / programme.caseload.ceiling_rate
    middle = float(np.average(ratio, weights=programme.caseload.participants))
    print(f"\nmean p0/p1 of the people of 2011: {middle:.2f}")
    least = min(float(plain[name][0].min()) for name in ("piece_rate", "group_price"))
    with_it, half = float(served["piece_rate"][0].min()), float(served["piece_rate"][1][-1])
    print(f"without base service: at least {least:.1f} times under prices that the prime sets, 1.0 under two_part")
    print(f"with it: {_times(with_it)} times for the first, {half:.1f} times for half of all")
    print("theory page, 2 to 3 times under piece rates: more is needed without base service costs, less with them")
    holds = least >= ASKED and float(plain["two_part"][0].max()) < 1.05
    holds = holds and bool(np.isinf(plain["fixed_share 80 %"][0]).all())
    also = "and with them" if with_it >= ASKED else "not with them"
    print(f"\nverdict: {f'holds without base service costs, {also}' if holds else 'DOES NOT HOLD'}")
    if not holds:
        raise SystemExit(4)


if __name__ == "__main__":
    main()
