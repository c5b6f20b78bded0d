"""Claim: every intermediary that lives off the price parks more people, on the same budget and with the best tariff.

Method
    The same people are served by a prime that delivers itself, by one body below an intermediary, and by one below
    two; intermediaries bring no skill and everybody is passed down. Their contracts are fixed shares (each keeps 20 %
    of the price) or piece rates (each chooses, for each segment, the price that pays itself best). For each chain: the
    tariff of 2011 as it was; the tariff that parks fewest people, and the one with most additional outcomes, on the
    budget that the direct chain costs under the tariff of 2011 (proved optimal, list prices in steps of £100 up to
    £200,000: below two piece rates the best prices lie far above the usual ceiling of £50,000). Checks: shares of 80 %
    do to outcomes what a response scale of 1/0.8 a tier does; a deliverer that is more productive by just that undoes
    them.
Data
    People and prices of work_programme_2011. Base service costs are left out: with them, deliverers who are paid by
    the piece do not cover their costs and leave, and the chain is no longer the one to be compared.
Command
    python experiments/delegation_multiplies_parking.py
Verdict
    Holds. Fewest parked on one budget: 22 % directly, 28 and 37 % through one and two fixed shares, 87 and 94 %
    through one and two piece rates. Not a law for intermediaries with skill: 1.25 times a tier undoes a share of 80 %.
    Exit code 4 when the claim fails.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import networkx as nx
import numpy as np

import pbr_opt as pbr
from pbr_opt.design.result import Design
from pbr_opt.evaluation import Evaluation
from pbr_opt.report.wording import count, money, per_cent, table

KINDS: Final = ("prime", "tier1", "tier2")
SHARE: Final = 0.8
HIGHEST_GBP: Final = 200_000.0
STEP_GBP: Final = 100.0
SAME: Final = 1e-9
"""Two closed forms of one number agree to this."""


@dataclass(frozen=True)
class Row:
    """One chain: its name, what the tariff of 2011 does in it, and the two designs on the common budget."""

    name: str
    today: Evaluation
    fewest_parked: Design
    most_outcomes: Design


def chain(intermediaries: int, form: str, productivity: float = 1.0) -> pbr.SupplyChain:
    """Return a chain with bodies that only manage between the Department and one that delivers."""
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_node("DWP", kind="department")
    payer = "DWP"
    for tier in range(intermediaries + 1):
        last = tier == intermediaries
        name = KINDS[tier]
        graph.add_node(name, kind=name, delivers=last, productivity=productivity if last else 1.0)
        terms = {"contract": form, "share": SHARE, "volume_share": 1.0} if tier else {}
        graph.add_edge(payer, name, **terms)
        payer = name
    return pbr.SupplyChain.from_graph(graph)


def designed(programme: pbr.Programme, name: str, budget_gbp: float) -> Row:
    """Return one row of the table."""
    limits = [pbr.Budget(budget_gbp), pbr.PriceStep(STEP_GBP), pbr.PriceRange(0.0, HIGHEST_GBP)]
    fewest = pbr.optimise(programme, minimise=pbr.Parked(), limits=limits)
    most = pbr.optimise(programme, maximise=pbr.AdditionalOutcomes(), limits=limits)
    return Row(name, pbr.evaluate(programme), fewest, most)


def show(rows: list[Row]) -> None:
    """Print the table."""
    lines = [["", "tariff of 2011:", "", "", "fewest parked", "", "most additional", ""]]
    lines.append(["chain", "spend", "parked", "additional", "parked", "support a head", "outcomes", "proof"])
    for row in rows:
        today, parked, most = row.today.metrics, row.fewest_parked.evaluation.metrics, row.most_outcomes
        proof = f"{row.fewest_parked.status}, {most.status}"
        lines.append(
            [
                row.name,
                money(today.spend_gbp),
                per_cent(today.parked_share),
                count(abs(today.additional_outcomes)),
                per_cent(parked.parked_share),
                money(parked.mean_support_gbp),
                count(most.evaluation.metrics.additional_outcomes),
                proof,
            ]
        )
    print("\n".join(table(lines, "<>>>>>>>")))


def identities(direct: pbr.Programme, rows: dict[str, Row]) -> bool:
    """Print and return whether fixed shares are a larger response scale, and skill of 1/share a tier undoes them."""
    same = True
    for tiers in (1, 2):
        scale = direct.caseload.response_scale_gbp / SHARE**tiers
        weaker = pbr.evaluate(direct.replace(caseload=direct.caseload.replace(response_scale_gbp=scale))).metrics
        through = rows[f"fixed share, {tiers}"].today.metrics
        better = pbr.evaluate(direct.replace(supply_chain=chain(tiers, "fixed_share", SHARE**-tiers))).metrics
        plain = rows["direct"].today.metrics
        pairs = (
            (weaker.parked_share, through.parked_share),
            (weaker.outcomes, through.outcomes),
            (plain.parked_share, better.parked_share),
            (plain.outcomes, better.outcomes),
        )
        same = same and all(abs(one - other) <= SAME * max(abs(one), 1.0) for one, other in pairs)
    print(f"\na share of 80 % is a response scale of 1/0.8, and a deliverer 1.25 times as good undoes it: {same}")
    return same


def rising(rows: dict[str, Row], form: str) -> bool:
    """Whether each further intermediary parks more under the fewest-parked design, and gains fewer outcomes."""
    order = [rows["direct"], rows[f"{form}, 1"], rows[f"{form}, 2"]]
    parked = [row.fewest_parked.evaluation.metrics.parked_share for row in order]
    gained = [row.most_outcomes.evaluation.metrics.additional_outcomes for row in order]
    return bool((np.diff(parked) > 0).all() and (np.diff(gained) < 0).all())


def main() -> None:
    """Print the table and the verdict."""
    direct = pbr.load("work_programme_2011").replace(base_service_gbp=0.0)
    budget = pbr.evaluate(direct).spend_gbp
    rows = {"direct": designed(direct.replace(supply_chain=chain(0, "fixed_share")), "direct", budget)}
    for form in ("fixed share", "piece rate"):
        for tiers in (1, 2):
            name = f"{form}, {tiers}"
            programme = direct.replace(supply_chain=chain(tiers, form.replace(" ", "_")))
            rows[name] = designed(programme, name, budget)
    print(f"One budget of {money(budget)}; the number is that of intermediaries\n")
    show(list(rows.values()))
    proved = all(row.fewest_parked.status == row.most_outcomes.status == "optimal" for row in rows.values())
    holds = identities(direct, rows) and proved and rising(rows, "fixed share") and rising(rows, "piece rate")
    print(f"\nverdict: {'holds' if holds else 'DOES NOT HOLD'}")
    if not holds:
        raise SystemExit(4)


if __name__ == "__main__":
    main()
