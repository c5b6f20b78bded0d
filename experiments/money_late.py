"""Claim: money that comes late parks the people of those who cannot wait, and of nobody else, until it drives them out.

Method
    A prime gives a fifth of its people each to a company and a charity, end to end, on the same terms (80 % of the
    price and of the attachment fee, paid eight weeks late), equally productive. The company can lay out £297 a
    participant, the charity £110, and borrowing costs it more. Capital has to cover support and the base service until
    outcomes pay. Four questions: (1) what the attachment taper does,
    contract year by contract year; (2) in a year without attachment fee, what each pound of working capital is worth
    to the charity (shadow price, held against the finite difference of its profit) and whom it stops helping; (3) what
    later payment does, and who leaves; (4) what paying £50 a head at the start instead of by outcomes, on the same
    spend, does to those who are short of money and to those who are not.
Data
    People, prices and costs of work_programme_2011; lags, cost of capital and the company's working capital as in
    work_programme_2011_chain; £110 is assumed, inside the range that follows from that data (£15 to £360).
Command
    python experiments/money_late.py
Verdict
    Holds. While any attachment fee is passed on, working capital does not bind; when the fee ends another pound of it
    would earn the charity £0.54, and it parks 59 % of its people where the company parks 35 %; with £30 it cannot pay
    for the base service until outcomes pay, and leaves. The prime and the company do as before. Paid 17 weeks late
    the charity with £200 parks 72 %; paid 20 weeks late it leaves, paid 26 weeks late the company does too. Money up
    front helps the charity's people only; on the same spend the others' lose. Exit code 4 when the claim fails.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import networkx as nx
import numpy as np
from scipy.optimize import brentq

import pbr_opt as pbr
from pbr_opt.evaluation import Evaluation
from pbr_opt.market.tariffs import ContractTerms
from pbr_opt.report.wording import money, per_cent, table

PLACES: Final = ("prime", "company", "charity")
PART: Final = 0.2
COMPANY_GBP: Final = 297.0
CHARITY_GBP: Final = 110.0
BORROWING: Final = {"prime": 0.08, "company": 0.08, "charity": 0.10}
WIGGLE_GBP: Final = 0.01
"""Per participant, for the finite difference of profit."""
AGREES: Final = 1e-3
"""Of the shadow price: a finite difference over £0.01 crosses a threshold now and then."""


@dataclass(frozen=True)
class Terms:
    """What varies: the charity's working capital per participant, and how late subcontractors are paid."""

    charity_gbp: float = CHARITY_GBP
    lag_weeks: float = 8.0


@dataclass(frozen=True)
class Seen:
    """What one agent does and earns, per participant it serves; all zero and a reason when it has left."""

    parked: float
    support_gbp: float
    shadow_price: float
    profit_gbp: float
    left_because: str

    @property
    def words(self) -> list[str]:
        """Return the cells of a table."""
        if self.left_because:
            return ["left:", self.left_because, ""]
        return [per_cent(self.parked), f"£{self.support_gbp:.0f}", f"{self.shadow_price:.2f}, £{self.profit_gbp:.0f}"]


def chain(programme: pbr.Programme, terms: Terms) -> pbr.SupplyChain:
    """Return the prime with the company and the charity."""
    each = programme.caseload.total_participants * PART
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_node("DWP", kind="department")
    graph.add_node("prime", kind="prime", cost_of_capital=BORROWING["prime"])
    graph.add_edge("DWP", "prime", payment_lag_weeks=4)
    for name, sector, capital in (("company", "private", COMPANY_GBP), ("charity", "voluntary", terms.charity_gbp)):
        cost = BORROWING[name]
        graph.add_node(name, kind="tier1", sector=sector, working_capital_gbp=capital * each, cost_of_capital=cost)
        paid = {"share": 0.8, "attachment_share": 0.8, "volume_share": PART, "payment_lag_weeks": terms.lag_weeks}
        graph.add_edge("prime", name, contract="fixed_share", **paid)
    return pbr.SupplyChain.from_graph(graph)


def evaluated(programme: pbr.Programme, terms: Terms) -> Evaluation:
    """Return the equilibrium."""
    return pbr.evaluate(programme.replace(supply_chain=chain(programme, terms)))


def seen(evaluation: Evaluation) -> dict[str, Seen]:
    """Return what the three do."""
    equilibrium = evaluation.equilibrium
    assert equilibrium is not None  # there is a chain
    books = {account.agent: account for account in equilibrium.accounts}
    gone = {item.agent: item.reason for item in equilibrium.departures}
    answer = {}
    for name in PLACES:
        row = books[name]
        served = max(row.delivered, 1.0)
        answer[name] = Seen(
            row.parked / served, row.support_gbp / served, row.shadow_price, row.profit_gbp / served, gone.get(name, "")
        )
    return answer


def show(first: str, rows: dict[str, dict[str, Seen]]) -> None:
    """Print parked, support a head, shadow price and profit a head of the three, one row a case."""
    heading = [cell for name in PLACES for cell in (f"{name}: parked", "support", "shadow price, profit")]
    lines = [[first, *heading]]
    lines += [[case, *(cell for name in PLACES for cell in there[name].words)] for case, there in rows.items()]
    print("\n".join(table(lines, "<" + ">" * len(heading))))


def in_year(programme: pbr.Programme, share: float) -> pbr.Programme:
    """Return the programme in a contract year that pays a share of the attachment fee."""
    return programme.replace(terms=ContractTerms(programme.terms.bid_discount, [share], [1.0]))


def taper(programme: pbr.Programme) -> bool:
    """Answer the first question; return whether capital binds for the charity alone, and only without a fee."""
    print("1. The attachment taper: share of the fee that is still paid\n")
    years = {f"{100 * part:.0f} %": seen(evaluated(in_year(programme, part), Terms())) for part in (1, 0.75, 0.5, 0)}
    show("fee", years)
    early, late = years["100 %"], years["0 %"]
    idle = all(there[name].shadow_price == 0 for there in years.values() for name in ("prime", "company"))
    same = all(abs(early[name].support_gbp - late[name].support_gbp) < AGREES for name in ("prime", "company"))
    fees_do = all(years[year]["charity"].shadow_price == 0 for year in ("100 %", "75 %", "50 %"))
    worse = late["charity"].shadow_price > 0 and late["charity"].parked > early["charity"].parked + 0.05
    return idle and same and fees_do and worse


def squeeze(late: pbr.Programme) -> bool:
    """Answer the second question; return whether the shadow price is what another pound earns."""
    print("\n2. No attachment fee: the charity's working capital, GBP a participant\n")
    cases = {f"£{capital}": evaluated(late, Terms(float(capital))) for capital in (30, 90, 100, 110, 120, 150, 200)}
    show("capital", {name: seen(there) for name, there in cases.items()})
    agree = True
    for capital in (100.0, 110.0, 120.0):
        low, high = (seen(evaluated(late, Terms(capital + step)))["charity"] for step in (0.0, WIGGLE_GBP))
        gained = (high.profit_gbp - low.profit_gbp) / WIGGLE_GBP
        agree = agree and abs(gained - low.shadow_price) < AGREES
        print(f"at £{capital:.0f} a pound more earns £{gained:.4f}; shadow price {low.shadow_price:.4f}")
    print("whom the charity parks, by payment group\n")
    rows = [["", *late.caseload.groups]]
    for name in ("£200", "£110"):
        frame = cases[name].to_frame("segments")
        frame = frame[frame["deliverer"] == "charity"]
        parked = frame["participants"].where(frame["parked"], 0.0).groupby(frame["group"], sort=False).sum()
        everybody = frame.groupby("group", sort=False)["participants"].sum()
        rows.append([f"with {name}", *(per_cent(float(parked[g] / everybody[g])) for g in late.caseload.groups)])
    print("\n".join(table(rows, "<" + ">" * len(late.caseload.groups))))
    return agree


def lateness(late: pbr.Programme) -> bool:
    """Answer the third question; return whether the charity leaves first, and parking rises with the lag until then."""
    print("\n3. No attachment fee: weeks until a subcontractor is paid for an outcome (the charity with £200)\n")
    weeks = (0, 4, 8, 13, 17, 20, 26, 39)
    rows = {f"{lag}": seen(evaluated(late, Terms(200.0, float(lag)))) for lag in weeks}
    show("weeks", rows)
    gone = {name: [lag for lag in weeks if rows[str(lag)][name].left_because] for name in ("company", "charity")}
    stayed = [rows[str(lag)]["charity"].parked for lag in weeks if lag not in gone["charity"]]
    return (
        bool(gone["charity"])
        and gone["charity"][0] < min([*gone["company"], 999])
        and bool((np.diff(stayed) >= 0).all())
    )


def up_front(late: pbr.Programme) -> bool:
    """Answer the fourth question; return whether money up front helps the people of the charity alone."""
    print("\n4. £50 a head paid at the start instead of by outcomes, on the same spend\n")
    spend = evaluated(late, Terms()).spend_gbp
    paid = in_year(late, 1.0)
    tariff = late.tariff

    def with_price(scale: float) -> Evaluation:
        prices = tariff.at_price(tariff.price_gbp * scale).replace(attachment_fee_gbp=50.0)
        return evaluated(paid.replace(tariff=prices), Terms())

    scale = float(brentq(lambda part: with_price(part).spend_gbp - spend, 0.5, 1.0, xtol=1e-10))
    before, after = seen(evaluated(late, Terms())), seen(with_price(scale))
    show("paid", {"by outcomes": before, f"up front, prices {money(100 * scale)} per £100": after})
    lose = all(after[name].support_gbp < before[name].support_gbp for name in ("prime", "company"))
    gain = after["charity"].support_gbp > before["charity"].support_gbp
    return lose and gain and after["charity"].parked < before["charity"].parked


def main() -> None:
    """Answer the four questions and print the verdict."""
    programme = pbr.load("work_programme_2011")
    late = in_year(programme, 0.0)
    holds = [taper(programme), squeeze(late), lateness(late), up_front(late)]
    print(f"\nverdict: {'holds' if all(holds) else f'DOES NOT HOLD: {holds}'}")
    if not all(holds):
        raise SystemExit(4)


if __name__ == "__main__":
    main()
