"""Facts that an estimate has to fit, and unknowns that it may choose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pbr_opt.quantities import Inspection, label, nearest

__all__ = ["MEASURES", "QUANTITIES", "Cell", "Measurement", "Unknown", "inspect_estimate"]

MEASURES: Final = ("outcome_rate", "deadweight_rate", "support_gbp", "service_gbp")
"""What facts are about: outcomes per participant; the same without support; discretionary support per participant;
that and base service together."""

QUANTITIES: Final = ("deadweight_rate", "uplift", "response_scale_gbp", "spread", "curvature", "base_service_gbp")
"""What may be unknown of a group: mean p0, u in logits, kappa, sigma in logits, b, base service."""

_NEEDED: Final = QUANTITIES[:4]
_SMALLEST: Final = {"deadweight_rate": 1e-9, "response_scale_gbp": 1e-6}
_LARGEST: Final = {"deadweight_rate": 1.0 - 1e-9, "uplift": 60.0, "spread": 10.0, "curvature": 0.99}


@dataclass(frozen=True, slots=True)
class Cell:
    """People of one payment group who were paid for alike.

    Parameters
    ----------
    group : str
        Payment group.
    participants : float
        How many, above 0: the weight in a fact about several cells.
    price_gbp : float
        x, what an outcome paid, at least 0.
    """

    group: str
    participants: float
    price_gbp: float

    def __post_init__(self) -> None:
        """Check the numbers."""
        check = Inspection(f"Cell of group '{self.group}'")
        check.positive("participants", self.participants, 1, "people")
        check.number("price_gbp", self.price_gbp)
        check.finish()
        object.__setattr__(self, "group", label(self.group))


@dataclass(frozen=True, slots=True)
class Measurement:
    """Something that was observed, with its standard error.

    Parameters
    ----------
    name : str
        For tables.
    measure : str
        One of ``MEASURES``: the mean over the cells' participants.
    cells : sequence of Cell
        Whom it is about.
    value, standard_error : float
        What was observed; its error, above 0.
    source : str, optional
        Key of a source.

    Examples
    --------
    >>> Measurement("outcomes of group 1", "outcome_rate", [Cell("1", 1000, 3000.0)], 0.364, 0.002).cells[0].group
    '1'
    """

    name: str
    measure: str
    cells: Sequence[Cell]
    value: float
    standard_error: float
    source: str = ""

    def __post_init__(self) -> None:
        """Check the fact."""
        check = Inspection(f"Measurement '{self.name}'")
        if self.measure not in MEASURES:
            check.fault("measure", self.measure, "a measure", nearest(self.measure, MEASURES))
        if not self.cells:
            check.fault("cells", "none", "at least one Cell")
        check.number("value", self.value)
        check.positive("standard_error", self.standard_error, 1, "an error")
        check.finish()
        object.__setattr__(self, "cells", tuple(self.cells))


@dataclass(frozen=True, slots=True)
class Unknown:
    """A number that facts are to tell: one quantity, the same for one group or several.

    Parameters
    ----------
    name : str
        For tables, each once.
    quantity : str
        One of ``QUANTITIES``.
    groups : sequence of str
        For whom it is the same.
    low, high : float
        Its range; equal when it is known.

    Examples
    --------
    >>> Unknown("response_scale_gbp", "response_scale_gbp", ["1", "2"], 150.0, 500.0).known
    False
    """

    name: str
    quantity: str
    groups: Sequence[str]
    low: float
    high: float

    def __post_init__(self) -> None:
        """Check the range."""
        check = Inspection(f"Unknown '{self.name}'")
        if self.quantity not in QUANTITIES:
            check.fault("quantity", self.quantity, "a quantity", nearest(self.quantity, QUANTITIES))
        least, most = _SMALLEST.get(self.quantity, 0.0), _LARGEST.get(self.quantity, 1e15)
        low, high = (check.number(n, getattr(self, n), lowest=least, highest=most) for n in ("low", "high"))
        if low > high:
            check.fault("low", low, f"at most the high end, {high:g}")
        check.finish()
        object.__setattr__(self, "groups", tuple(label(group) for group in self.groups))

    @property
    def known(self) -> bool:
        """Whether the range is a point."""
        return self.low == self.high


def inspect_estimate(facts: Sequence[Measurement], unknowns: Sequence[Unknown]) -> None:
    """Raise with everything that is missing or said twice.

    Raises
    ------
    InvalidInputError
        No facts; two unknowns of one name, or for the same quantity of a group; a group of a fact without its
        quantities; base service measured and not among the unknowns.
    """
    check = Inspection("estimate")
    if not facts:
        check.fault("facts", "none", "at least one Measurement")
    names = [item.name for item in unknowns]
    for name in sorted({name for name in names if names.count(name) > 1}):
        check.fault("unknowns", f"'{name}' more than once", "each name once")
    said = [(item.quantity, group) for item in unknowns for group in item.groups]
    for quantity, group in sorted({pair for pair in said if said.count(pair) > 1}):
        check.fault("unknowns", f"{quantity} of group '{group}' more than once", "each quantity of a group once")
    for group in sorted({cell.group for fact in facts for cell in fact.cells}):
        wanted = {*_NEEDED, *({"base_service_gbp"} if _serves(facts, group) else ())}
        for quantity in sorted(wanted - {known for known, where in said if where == group}):
            check.fault("unknowns", f"no {quantity} of group '{group}'", "an Unknown, with low = high if it is known")
    check.finish()


def _serves(facts: Sequence[Measurement], group: str) -> bool:
    return any(fact.measure == "service_gbp" and group in {cell.group for cell in fact.cells} for fact in facts)
