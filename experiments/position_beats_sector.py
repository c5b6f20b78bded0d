"""Claim: in a supply chain, where an organisation stands moves its referrals and its margin more than its sector does.

Method
    A Department, a prime, an end-to-end tier-1 body (30 % of the prime's people, whoever they are) and a tier-2
    specialist (whom the prime refers only those it chooses). One organisation is put into each of the three positions
    with the traits of each of the three sectors; the other two are private and ordinary. Nine equilibria make a table
    of position by sector, for people given and for margin; a two-way analysis of variance splits what moves in it into
    position, sector and both together. Sectors differ by the chain data's own figures for working capital, cost of
    capital and mission; the label itself enters no equation, so it moves nothing. Repeated with sectors as different
    as the ranges of those figures allow, in a contract year without attachment fees (when working capital bites), for
    organisations of 1, 1.6 and 3 times ordinary productivity wherever they stand, and for both contract forms of the
    data. Then the swap: a private prime and a voluntary specialist exchange places, or exchange sectors.
Data
    People, prices and costs of work_programme_2011; sector figures, fees and lags of work_programme_2011_chain. As in
    that data, specialists are paid at referral and their working capital has no limit.
Command
    python experiments/position_beats_sector.py
Verdict
    Holds over all three positions in every variant: position makes more than four fifths of what moves. Part of that
    is definition, since everybody is referred to a prime; so the two positions of subcontractors are shown alone as
    well. There position is ahead of sector for margin in every variant, and for referrals in 20 of 24. Sector matters
    through money: in a year without attachment fees a voluntary body with the capital of the data cannot pay for the
    base service of an end-to-end contract until outcomes pay, and leaves. And a prime sends more people to a very
    productive specialist with a mission, because it can pay it less (mission_taxed.py). Exit code 4 when the claim
    fails.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Final

import networkx as nx
import numpy as np

import pbr_opt as pbr
from pbr_opt.market.evidence import Figure
from pbr_opt.market.tariffs import ContractTerms
from pbr_opt.quantities import FloatArray
from pbr_opt.report.wording import table

POSITIONS: Final = ("prime", "tier1", "tier2")
SECTORS: Final = ("private", "public", "voluntary")
MEASURES: Final = ("people given", "margin")
FORMS: Final = ("piece_rate", "fixed_share")
SKILLS: Final = (1.0, 1.6, 3.0)
DECISIVE: Final = 0.8
"""Of what moves, what position must make for the claim to hold."""
END_TO_END: Final = 0.3
"""Of a prime's people, those allotted to tier 1: near the chain data's 0.35."""


@dataclass(frozen=True)
class Traits:
    """What a sector brings: working capital per participant, yearly cost of capital, mission per outcome."""

    working_capital_gbp: float
    cost_of_capital: float
    mission_gbp: float


@dataclass(frozen=True)
class World:
    """One variant of the set-up."""

    programme: pbr.Programme
    traits: dict[str, Traits]
    form: str
    skill: float


def typical_traits(figures: dict[str, Figure], *, far_apart: bool) -> dict[str, Traits]:
    """Return the sectors of the chain data: central, or voluntary and private bodies at opposite ends of the ranges."""

    def pick(name: str, sector: str) -> float:
        figure = figures[f"chain/{name}/{sector}"]
        ends = {"private": figure.high, "voluntary": figure.low}
        if name != "working_capital_factor":
            ends = {"private": figure.low, "voluntary": figure.high}
        end = ends.get(sector)
        return figure.value if not far_apart or end is None else end

    capital = figures["chain/working_capital_gbp"].value
    return {
        sector: Traits(
            capital * pick("working_capital_factor", sector),
            pick("cost_of_capital", sector),
            pick("mission_gbp", sector),
        )
        for sector in SECTORS
    }


def chain(world: World, sectors: dict[str, str], skills: dict[str, float]) -> pbr.SupplyChain:
    """Return the chain of three, with a sector and a productivity for each position."""
    people = world.programme.caseload.total_participants
    kept = {"prime": people * (1 - END_TO_END), "tier1": people * END_TO_END, "tier2": np.inf}
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_node("DWP", kind="department")
    for position in POSITIONS:
        traits = world.traits[sectors[position]]
        graph.add_node(
            position,
            kind=position,
            sector=sectors[position],
            productivity=skills[position],
            working_capital_gbp=traits.working_capital_gbp * kept[position],
            cost_of_capital=traits.cost_of_capital,
            mission_gbp=traits.mission_gbp,
        )
    graph.add_edge("DWP", "prime", payment_lag_weeks=4)
    terms = {"share": 0.8, "attachment_share": 0.8, "volume_share": END_TO_END, "payment_lag_weeks": 8}
    graph.add_edge("prime", "tier1", contract="fixed_share", **terms)
    terms = {"share": 0.8, "attachment_share": 0.0, "referral_fee_gbp": 450, "payment_lag_weeks": 12}
    graph.add_edge("prime", "tier2", contract=world.form, **terms)
    return pbr.SupplyChain.from_graph(graph)


def outcome(world: World, sectors: dict[str, str], skills: dict[str, float], position: str) -> tuple[float, float]:
    """Return people given per person of the area, and margin in GBP per person of the area, of one position."""
    programme = world.programme.replace(supply_chain=chain(world, sectors, skills))
    equilibrium = pbr.evaluate(programme).equilibrium
    assert equilibrium is not None  # there is a chain
    books = next(account for account in equilibrium.accounts if account.agent == position)
    people = programme.caseload.total_participants
    return books.referrals / people, books.profit_gbp / people


def crossed(world: World) -> FloatArray:
    """Return people given and margin of one organisation, shape (positions, sectors, measures)."""
    ordinary = dict.fromkeys(POSITIONS, "private")
    rows = [
        [
            outcome(world, ordinary | {place: sector}, dict.fromkeys(POSITIONS, 1.0) | {place: world.skill}, place)
            for sector in SECTORS
        ]
        for place in POSITIONS
    ]
    return np.array(rows)


def decomposed(cells: FloatArray) -> FloatArray:
    """Return the shares of position, sector and both together in the variance of a table; zeros if nothing moves."""
    middle = cells.mean()
    by_row, by_column = cells.mean(axis=1) - middle, cells.mean(axis=0) - middle
    rows, columns = cells.shape[1] * (by_row @ by_row), cells.shape[0] * (by_column @ by_column)
    total = float(((cells - middle) ** 2).sum())
    return np.array([rows, columns, max(total - rows - columns, 0.0)]) / (total or 1.0)


def worlds() -> dict[str, World]:
    """Return the variants by name; the first is the central one."""
    programme = pbr.load("work_programme_2011")
    figures = {figure.id: figure for figure in pbr.load("work_programme_2011_chain").figures}
    late = programme.replace(terms=ContractTerms(programme.terms.bid_discount, [0.0], [1.0]))
    answer = {}
    for far_apart, (when, paid), form, skill in itertools.product(
        (False, True), (("whole contract", programme), ("no attachment fee", late)), FORMS, SKILLS
    ):
        apart = "far apart" if far_apart else "typical"
        name = f"{form.replace('_', ' ')}, skill {skill:g}, {when}, sectors {apart}"
        answer[name] = World(paid, typical_traits(figures, far_apart=far_apart), form, skill)
    return answer


def show_cells(cells: FloatArray) -> None:
    """Print the table of position by sector."""
    rows = [["position", *(f"{sector}: given, margin" for sector in SECTORS)]]
    for place, row in zip(POSITIONS, cells, strict=True):
        rows.append([place, *(f"{100 * given:.1f} %, £{round(margin, 2) + 0.0:.2f}" for given, margin in row)])
    print("\n".join(table(rows, "<>>>")))


def show_swap(world: World) -> None:
    """Print what a voluntary specialist and a private prime gain by exchanging places, and by exchanging sectors."""
    today = {"prime": "private", "tier1": "private", "tier2": "voluntary"}
    exchanged = today | {"prime": "voluntary", "tier2": "private"}
    plain = dict.fromkeys(POSITIONS, 1.0)
    before = outcome(world, today, plain, "tier2")
    place, sector = outcome(world, exchanged, plain, "prime"), outcome(world, exchanged, plain, "tier2")
    rows = [["a voluntary body, ordinarily skilled", "given", "margin per person of the area"]]
    for name, (given, margin) in (
        ("as a specialist below a private prime", before),
        ("the same place with a private body's traits", sector),
        ("its own traits in the prime's place", place),
    ):
        rows.append([name, f"{100 * given:.1f} %", f"£{margin:.2f}"])
    print("\n".join(table(rows, "<>>")))


def show_shares(found: dict[str, FloatArray], places: slice) -> FloatArray:
    """Print position / sector / both for each variant and measure; return them, shape (variants, measures, 3)."""
    rows = [["variant", *(f"{name}: position / sector / both" for name in MEASURES)]]
    shares = np.array([[decomposed(cells[places, :, k]) for k in range(2)] for cells in found.values()])
    for name, parts in zip(found, shares, strict=True):
        rows.append([name, *(" / ".join(f"{100 * part:5.1f}" for part in row) for row in parts)])
    print("\n".join(table(rows, "<>>")))
    return shares


def main() -> None:
    """Print the tables and the verdict."""
    variants = worlds()
    found = {name: crossed(world) for name, world in variants.items()}
    first = next(iter(variants))
    print(f"{first}: one organisation in nine guises\n")
    show_cells(found[first])
    print()
    show_swap(variants[first])
    last = min(found, key=lambda name: decomposed(found[name][:, :, 0])[0])
    print(f"\n{last}: where sector does most\n")
    show_cells(found[last])
    print("\nWhat moves them, per cent, over prime, tier 1 and tier 2")
    shares = show_shares(found, slice(0, 3))
    print("\nWhat moves them, per cent, between tier 1 and tier 2 alone")
    inside = show_shares(found, slice(1, 3))
    for k, name in enumerate(MEASURES):
        ahead = int((inside[:, k, 0] > inside[:, k, 1]).sum())
        print(f"{name}: position makes at least {100 * shares[:, k, 0].min():.1f} % over all three positions; ", end="")
        print(f"between subcontractors it is ahead of sector in {ahead} of {len(inside)} variants")
    holds = bool((shares[..., 0] > DECISIVE).all())
    print(f"\nverdict: {'holds' if holds else 'DOES NOT HOLD'}")
    if not holds:
        raise SystemExit(4)


if __name__ == "__main__":
    main()
