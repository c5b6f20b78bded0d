"""Claim: what is paid for matters more than how much: additionality parks a third as many people on the same money.

Method
    Every named scenario (pbr_opt.analysis.scenarios) is tried on the central case of the bundled programme, at the
    spend of the 2011 tariff. The claim: paying only for outcomes beyond the non-intervention rate parks at most 40 % as
    many people as the tariff of 2011 and brings at least half as many additional outcomes again; payment groups by
    need, seen without error, park next to nobody; a longer attachment fee parks more. With ``--readme`` the table is
    written into the README (``--check`` only looks whether it still agrees).
Data
    pbr_opt/programmes/work_programme_2011, see docs/data-work-programme-2011.md; docs/how-to/scenarios.md: who asked.
Command
    python experiments/scenarios_2011.py [--readme | --check]
Verdict
    Printed; exit code 4 when the claim does not hold or the README says something else.
"""

from __future__ import annotations

import sys

from readme_blocks import agrees

import pbr_opt as pbr
from pbr_opt.analysis.scenarios import try_scenarios


def main() -> None:
    """Print the table and the verdict."""
    table = try_scenarios(pbr.load("work_programme_2011"))
    print(table)
    base, there = table.base.metrics, {name: found.metrics for name, found in table.evaluations.items()}
    additional = there["additionality_payment"]
    holds = additional.parked_share < 0.4 * base.parked_share
    holds = holds and additional.additional_outcomes > 1.5 * base.additional_outcomes
    holds = holds and there["needs_based_groups"].parked_share < 0.05
    holds = holds and there["no_attachment_taper"].parked_share > base.parked_share
    holds = agrees("scenarios", str(table).split("\n\n")[0], sys.argv[1:]) and holds
    print(f"\nverdict: {'holds' if holds else 'DOES NOT HOLD'}")
    if not holds:
        raise SystemExit(4)


if __name__ == "__main__":
    main()
