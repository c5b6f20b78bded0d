"""Draw the pictures of the README from the bundled data.

Claim
    The pictures in docs/pictures are what the package draws today, to the byte.
Method
    Support by ease of help under the 2011 tariff and under the proved optimum for people parked, and the frontier of
    people parked against the budget.
Data
    pbr_opt/programmes/work_programme_2011.
Command
    python experiments/draw_pictures.py [--check]
        writes the pictures; with ``--check`` compares, exit code 4 if one differs
Verdict
    Printed.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

import pbr_opt as pbr
from pbr_opt.report.canvas import to_svg
from pbr_opt.report.pictures import draw_ease, draw_frontier

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "pictures"


def drawn() -> dict[str, str]:
    """Return every picture by its file name."""
    programme = pbr.load("work_programme_2011")
    base = pbr.evaluate(programme)
    design = pbr.optimise(programme, minimise=pbr.Parked(), limits=[pbr.Budget(base.spend_gbp), pbr.PriceStep(5)])
    both = {"2011 tariff": base, "optimised": design.evaluation}
    line = pbr.frontier(programme, minimise=pbr.Parked(), budgets_gbp=np.linspace(0.6, 1.6, 60) * base.spend_gbp)
    marks = {label: (there.spend_gbp, pbr.Parked().total(there)) for label, there in both.items()}
    ease = to_svg(
        draw_ease(both), "Creaming and parking", "Support and share parked by ease of help, under both tariffs"
    )
    best = to_svg(draw_frontier(line, marks), "The frontier", "People parked at best, against the budget")
    return {"creaming.svg": ease, "frontier.svg": best}


def main() -> None:
    """Write the pictures, or compare them."""
    differing = []
    for name, text in drawn().items():
        path = FOLDER / name
        if "--check" not in sys.argv:
            FOLDER.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
        elif not path.is_file() or path.read_text(encoding="utf-8") != text:
            differing.append(name)
    print(f"verdict: {'fails: ' + ', '.join(differing) if differing else 'holds'}")
    if differing:
        raise SystemExit(4)


if __name__ == "__main__":
    main()
