"""Numbers and tables as people read them on a screen."""

from __future__ import annotations

import math
from collections.abc import Sequence

__all__ = ["change", "count", "money", "per_cent", "table"]


def money(gbp: float) -> str:
    """Return an amount, in millions from ten million on.

    >>> money(1234567890.0), money(-5432.1), money(float("inf"))
    ('£1,234.6m', '-£5,432', 'none')
    """
    if math.isinf(gbp):
        return "none"
    amount = f"£{abs(gbp) / 1e6:,.1f}m" if abs(gbp) >= 1e7 else f"£{abs(gbp):,.0f}"
    return f"-{amount}" if gbp < 0 and amount != "£0" else amount


def count(number: float) -> str:
    """Return a head count.

    >>> count(1950000.4)
    '1,950,000'
    """
    return f"{number:,.0f}"


def per_cent(share: float) -> str:
    """Return a share as per cent.

    >>> per_cent(0.2534)
    '25.3 %'
    """
    return f"{100 * share:.1f} %"


def change(before: float, after: float, *, share: bool = False) -> str:
    """Return what changed: in per cent, or in percentage points for shares.

    >>> change(200.0, 190.0), change(0.25, 0.21, share=True), change(1.0, 1.0)
    ('-5.0 %', '-4.0 pts', '=')
    """
    if share:
        points = 100 * (after - before)
        return "=" if abs(points) < 0.05 else f"{points:+.1f} pts"
    if not (math.isfinite(before) and math.isfinite(after)) or before == 0:
        return "=" if before == after else ""
    relative = 100 * (after / before - 1)
    return "=" if abs(relative) < 0.05 else f"{relative:+.1f} %"


def table(rows: Sequence[Sequence[str]], align: str) -> list[str]:
    """Return rows as lines with columns padded; ``align`` has one of ``<`` and ``>`` a column.

    >>> table([["a", "10"], ["bcd", "5"]], "<>")
    ['a    10', 'bcd   5']
    """
    widths = [max(len(row[k]) for row in rows) for k in range(len(align))]
    return [
        "  ".join(f"{cell:{side}{width}}" for cell, side, width in zip(row, align, widths, strict=True)).rstrip()
        for row in rows
    ]
