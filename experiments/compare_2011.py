"""Claim: on the spend of the 2011 tariff, the tariff that parks fewest people still parks about one in five.

Method
    The 2011 tariff and the proved optimum for people parked (prices in steps of £5, the programme's own nine
    groups) are evaluated on the central case of the bundled programme. The claim is checked, and with ``--readme``
    the first lines of the comparison are written into the README (``--check`` only looks whether they still agree).
Data
    pbr_opt/programmes/work_programme_2011, see docs/data-work-programme-2011.md.
Command
    python experiments/compare_2011.py [--readme | --check]
Verdict
    Printed; exit code 4 when the claim does not hold or the README says something else.
"""

from __future__ import annotations

import sys

from readme_blocks import agrees

import pbr_opt as pbr
from pbr_opt.report.comparison import Comparison


def comparison() -> Comparison:
    """Return the 2011 tariff beside the optimised one."""
    programme = pbr.load("work_programme_2011")
    spend = pbr.evaluate(programme).spend_gbp
    design = pbr.optimise(programme, minimise=pbr.Parked(), limits=[pbr.Budget(spend), pbr.PriceStep(5)])
    return pbr.compare(programme, {"2011 tariff": programme.tariff, "optimised": design})


def main() -> None:
    """Print the comparison and the verdict."""
    result = comparison()
    print(result)
    base, best = (there.metrics for there in result.evaluations.values())
    proved = result.designs["optimised"].status == "optimal"
    holds = proved and 0.15 < best.parked_share < 0.25 and best.parked_share < base.parked_share
    holds = holds and best.additional_outcomes < base.additional_outcomes
    print(f"\nverdict: {'holds' if holds else 'DOES NOT HOLD'}")
    holds = agrees("comparison", str(result).split("\n\nGroup")[0], sys.argv[1:]) and holds
    if not holds:
        raise SystemExit(4)


if __name__ == "__main__":
    main()
