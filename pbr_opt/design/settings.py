"""How hard to search, and with what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pbr_opt.quantities import Inspection, nearest

__all__ = ["LEVERS", "METHODS", "DesignSettings"]

LEVERS: Final = ("level", "fees", "attachment", "accelerator", "minimum_service")
"""What a design may move: the price level always, the others when asked for."""

METHODS: Final = ("auto", "greedy", "convex", "columns")


@dataclass(frozen=True)
class DesignSettings:
    """Settings of the search, checked when made.

    Parameters
    ----------
    method : str
        ``auto`` picks the exact method for the problem; ``greedy`` (first-pound loss with one budget), ``convex``
        (first-pound loss through cvxpy) and ``columns`` (knapsack over prices) insist on one.
    solver : str
        Solver that cvxpy calls for ``convex``: CLARABEL, or HIGHS for linear problems.
    relative_gap : float
        A design is called optimal when objective and bound differ by no more than this, relatively.
    cells : int
        Price cells per group for objectives that have no exact columns; more cells, tighter bounds.
    most_labels : int
        Partial designs kept by the knapsack before it settles for a gap; bounds memory.
    vary : tuple of str
        What moves besides the price level of each group: ``fees`` (outcome and sustainment fees apart), ``attachment``,
        ``accelerator`` (threshold and upper rate), ``minimum_service``; without a supply chain. On a price step with
        ``fees`` alone every pair of fees is looked at; otherwise the answer is called local.

    Raises
    ------
    InvalidInputError
        Unknown methods, numbers out of range: all at once.

    Examples
    --------
    >>> DesignSettings(method="convex").solver
    'CLARABEL'
    """

    method: str = "auto"
    solver: str = "CLARABEL"
    relative_gap: float = 1e-9
    cells: int = 2_000
    most_labels: int = 200_000
    vary: tuple[str, ...] = ("level",)

    def __post_init__(self) -> None:
        """Check every setting."""
        check = Inspection("DesignSettings")
        if self.method not in METHODS:
            check.fault("method", self.method, "a method", nearest(self.method, METHODS))
        check.number("relative_gap", self.relative_gap, lowest=0.0, highest=1.0)
        check.whole("cells", self.cells, lowest=1, highest=1_000_000)
        check.whole("most_labels", self.most_labels, lowest=100, highest=100_000_000)
        object.__setattr__(self, "vary", (self.vary,) if isinstance(self.vary, str) else tuple(self.vary))
        for lever in self.vary:
            if lever not in LEVERS:
                check.fault("vary", lever, "something that a design may move", nearest(lever, LEVERS))
        check.finish()

    @property
    def moves_level_alone(self) -> bool:
        """Whether nothing moves but the price level of each group."""
        return set(self.vary) <= {"level"}
