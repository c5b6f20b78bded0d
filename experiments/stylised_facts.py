"""Claim: of ten published statements about who was helped, used and ruined, the model has all but one at least in part.

Method
    The scoreboard of the package, its facts gathered by the statement (SF..) that each of them measures: ``agrees``
    where every fact is within its tolerance, ``fails`` where every one is beyond three, ``partly`` otherwise.
    Statements that the chain was made from are shown and not counted. What fails is looked at again in a contract year
    without attachment fees.
Data
    facts.csv of work_programme_2011 and of work_programme_2011_chain (``pbr-opt scoreboard`` prints all of them): what
    was published, its source, our tolerance, and what the model cannot say. The chain's subcontractors are drawn from
    a seed, and the share shift rule is recalled (unconfirmed).
Command
    python experiments/stylised_facts.py
Verdict
    Holds: seven agree, two in part (prices matter somewhat, tier 2 gets too little), and one fails: while attachment
    fees are paid, working capital binds for nobody. Exit code 4 when more than one fails or fewer than six agree.
"""

from __future__ import annotations

import re
import textwrap
from collections import Counter
from typing import TYPE_CHECKING, Final

import pbr_opt as pbr
from pbr_opt.analysis.scoreboard import scoreboard
from pbr_opt.market.tariffs import ContractTerms
from pbr_opt.programmes.facts import load_facts

if TYPE_CHECKING:
    import pandas as pd

NAME: Final = "work_programme_2011_chain"
FAILS, AGREES = 1, 6
"""Most statements that may fail, and fewest that must agree."""


def word(verdicts: set[str]) -> str:
    """Return one word for the facts of a statement."""
    return verdicts.pop() if len(verdicts) == 1 else "partly"


def show(statement: str, rows: pd.DataFrame, verdict: str) -> None:
    """Print a statement with its facts."""
    sample = " (in sample)" if rows["in_sample"].any() else ""
    print(f"\n{statement}  {verdict.upper()}{sample}")
    for row in rows.to_dict("records"):
        sign = {"equal": "", "at_least": "at least ", "at_most": "at most "}[str(row["kind"])]
        published = f"published {sign}{row['observed']:.3g} (tolerance {row['tolerance']:.3g})"
        print(f"  {row['fact']}: {published}, model {row['predicted']:.3g}, {row['verdict']}; {row['source']}")
        print(textwrap.fill(str(row["note"]), 116, initial_indent="    ", subsequent_indent="    "))


def without_fees(programme: pbr.Programme) -> None:
    """Print what working capital does in a contract year in which no attachment fee is paid."""
    terms = ContractTerms(programme.terms.bid_discount, [0.0], [1.0])
    books = pbr.evaluate(programme.replace(terms=terms)).to_frame("agents")
    below = books[books["kind"].isin(["tier1", "tier2"]) & (books["sector"] == "voluntary")]
    broke, gone = (below["left_because"] == "no money until outcomes pay").mean(), (~below["active"]).mean()
    print(
        f"\nSF18 in a year without attachment fees: {100 * broke:.0f} % of voluntary subcontractors leave for want of "
        f"money until outcomes pay, {100 * gone:.0f} % in all."
    )


def main() -> None:
    """Print the statements and the verdict."""
    programme = pbr.load(NAME)
    board = scoreboard(programme, load_facts(NAME))
    board["statement"] = [(re.findall(r"SF\d\d", note) or [""])[0] for note in board["note"]]
    words: Counter[str] = Counter()
    for statement, rows in board[board["statement"] != ""].groupby("statement"):
        verdict = word(set(rows["verdict"]))
        show(str(statement), rows, verdict)
        words[verdict] += int(not rows["in_sample"].any())
    without_fees(programme)
    holds = words["agrees"] >= AGREES and words["fails"] <= FAILS and words["silent"] == 0
    print(f"\nof {words.total()} statements: {words['agrees']} agree, {words['partly']} in part, {words['fails']} fail")
    print(f"verdict: {'holds' if holds else 'DOES NOT HOLD'}")
    if not holds:
        raise SystemExit(4)


if __name__ == "__main__":
    main()
