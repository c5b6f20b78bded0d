"""Claim: a prime that sets the price takes the mission of those it pays for granted, and pays them less for it.

Method
    A prime that only manages gives everybody to one deliverer, to whom an outcome is worth m pounds beyond money; m
    rises from £0 to £3,000. Under four contracts: piece_rate and group_price, where the prime sets the price (for each
    segment, for each payment group), fixed_share and two_part, where it does not. For each m: the mean price offered
    per outcome, outcomes, who is parked, the deliverer's margin in money, the prime's profit, and how much of the
    mission's worth (m times outcomes) the prime has gained. Once for a deliverer six times as productive as the people
    of 2011 suppose, about what a prime needs to see before it pays for anybody (tier2_without_referrals.py), and once
    for an ordinary one. Piece rates are held against the closed form, y = sqrt((R + m) kappa/p1) - m where that pays
    the prime.
Data
    People and prices of work_programme_2011, without base service costs; the attachment fee (£271 a head on average)
    is passed on in full, and keeps a deliverer alive whom outcomes no longer pay.
Command
    python experiments/mission_taxed.py
Verdict
    Holds for a deliverer worth paying: under both contracts with a price set by the prime, the price falls until it is
    next to nothing, the margin falls and the prime's profit and outcomes rise at every step. For an ordinary deliverer
    it holds of margin and profit, and not of the price: a prime pays it nothing to begin with (windfall is worth more
    to it), and a large mission can bring it to pay a little. It is a matter of who sets the price: a fixed share is
    never cut, and under two_part the prime pays for the mission instead of living off it. Exit code 4 when the claim
    fails.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import networkx as nx
import numpy as np

import pbr_opt as pbr
from pbr_opt.evaluation import Evaluation
from pbr_opt.quantities import FloatArray
from pbr_opt.report.wording import count, per_cent, table

FORMS: Final = ("piece_rate", "group_price", "fixed_share", "two_part")
TAXING: Final = FORMS[:2]
MISSIONS_GBP: Final = (0.0, 250.0, 500.0, 1000.0, 1500.0, 2000.0, 3000.0)
WORTH_PAYING: Final = 6.0
SKILLS: Final = (WORTH_PAYING, 1.0)
SEARCHED: Final = 1e-6
"""Prices for a group are searched for: profit at the top is flat to this, relatively."""


@dataclass(frozen=True)
class Seen:
    """What a mission does, per participant where that makes sense."""

    price_gbp: float
    outcomes: float
    parked: float
    deliverer_gbp: float
    prime_gbp: float


def chain(form: str, mission_gbp: float, skill: float) -> pbr.SupplyChain:
    """Return a prime that only manages with one deliverer."""
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_node("DWP", kind="department")
    graph.add_node("prime", kind="prime", delivers=False)
    graph.add_node("charity", kind="tier1", sector="voluntary", mission_gbp=mission_gbp, productivity=skill)
    graph.add_edge("DWP", "prime")
    graph.add_edge("prime", "charity", contract=form, share=0.8, volume_share=1.0)
    return pbr.SupplyChain.from_graph(graph)


def evaluated(programme: pbr.Programme, form: str, mission_gbp: float, skill: float) -> Evaluation:
    """Return the equilibrium."""
    return pbr.evaluate(programme.replace(supply_chain=chain(form, mission_gbp, skill)))


def paid(evaluation: Evaluation) -> FloatArray:
    """Return what the charity is paid per outcome, by segment; nothing when it has left."""
    equilibrium = evaluation.equilibrium
    assert equilibrium is not None  # there is a chain
    offers = (cell.received_gbp for cell in equilibrium.cells if cell.deliverer == "charity")
    return next(offers, np.zeros(len(evaluation.programme.caseload)))


def seen(evaluation: Evaluation) -> Seen:
    """Return what is looked at; the price is the mean offer over people."""
    equilibrium = evaluation.equilibrium
    assert equilibrium is not None  # there is a chain
    books = {account.agent: account for account in equilibrium.accounts}
    people = evaluation.programme.caseload.total_participants
    return Seen(
        float(np.average(paid(evaluation), weights=evaluation.programme.caseload.participants)),
        books["charity"].outcomes,
        evaluation.metrics.parked_share,
        books["charity"].profit_gbp / people,
        books["prime"].profit_gbp / people,
    )


def closed_form(programme: pbr.Programme, mission_gbp: float, skill: float) -> FloatArray:
    """Return the best price for each segment from the formula alone: inducing effort against paying nothing."""
    caseload, received = programme.caseload, programme.effective_price_gbp()
    low, high, scale = caseload.deadweight_rate, caseload.ceiling_rate, caseload.response_scale_gbp / skill

    def rate(worth: FloatArray) -> FloatArray:
        return np.where(worth > scale / (high - low), high - scale / np.maximum(worth, 1e-9), low)

    wanted = np.maximum(np.sqrt((received + mission_gbp) * scale / high) - mission_gbp, 0.0)
    induced = (received - wanted) * rate(wanted + mission_gbp)
    idle = received * rate(np.full_like(received, mission_gbp))
    return np.where(induced > idle, wanted, 0.0)


def show(form: str, rows: dict[float, Seen], people: float) -> None:
    """Print one contract."""
    first = rows[0.0]
    lines = [["mission", "price per outcome", "outcomes", "parked", "charity a head", "prime a head", "taxed"]]
    for mission, there in rows.items():
        worth = mission * there.outcomes / people
        taxed = per_cent((there.prime_gbp - first.prime_gbp) / worth) if worth else ""
        price, prime = f"£{there.price_gbp:.0f}", f"£{there.prime_gbp:.2f}"
        deliverer = f"£{round(there.deliverer_gbp, 2) + 0.0:.2f}"  # no minus before zero
        cells = [price, count(there.outcomes), per_cent(there.parked), deliverer, prime, taxed]
        lines.append([f"£{mission:.0f}", *cells])
    print(f"\n{form}\n")
    print("\n".join(table(lines, ">>>>>>>")))


def steps(rows: dict[float, Seen]) -> FloatArray:
    """Return relative changes from mission to mission: of price, margin, the prime's profit, outcomes."""
    columns = np.array([[r.price_gbp, r.deliverer_gbp, r.prime_gbp, r.outcomes] for r in rows.values()]).T
    return np.array([np.diff(column) / max(float(np.abs(column).max()), 1.0) for column in columns])


def agrees(programme: pbr.Programme, skill: float) -> bool:
    """Whether the equilibrium's piece rates are those of the formula."""
    pairs = (
        (paid(evaluated(programme, "piece_rate", mission, skill)), closed_form(programme, mission, skill))
        for mission in MISSIONS_GBP
    )
    return all(np.allclose(found, formula, rtol=1e-9, atol=1e-6) for found, formula in pairs)


def main() -> None:
    """Print the tables and the verdict."""
    programme = pbr.load("work_programme_2011").replace(base_service_gbp=0.0)
    people, moves = programme.caseload.total_participants, {}
    for skill in SKILLS:
        for form in FORMS:
            rows = {mission: seen(evaluated(programme, form, mission, skill)) for mission in MISSIONS_GBP}
            moves[skill, form] = steps(rows)
            show(f"{form}, deliverer {skill:g} times as productive", rows, people)
    exact = all(agrees(programme, skill) for skill in SKILLS)
    print(f"\npiece rates are those of the formula: {exact}")
    holds = exact
    for form in TAXING:
        price, margin, profit, outcomes = moves[WORTH_PAYING, form]
        falls = bool((price < SEARCHED).all()) and price.sum() < -0.9  # at every step until it is next to nothing
        holds = holds and falls and bool((margin < 0).all() and (profit > 0).all() and (outcomes > 0).all())
        _, margin, profit, outcomes = moves[1.0, form]
        holds = holds and bool((margin <= SEARCHED).all() and (profit >= -SEARCHED).all() and profit[-1] > 0)
        holds = holds and bool((outcomes > -SEARCHED).all())
    holds = holds and all(bool((np.abs(moves[skill, "fixed_share"][0]) < SEARCHED).all()) for skill in SKILLS)
    print(f"\nverdict: {'holds' if holds else 'DOES NOT HOLD'}")
    if not holds:
        raise SystemExit(4)


if __name__ == "__main__":
    main()
