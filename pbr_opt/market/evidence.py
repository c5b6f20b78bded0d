"""Where numbers come from: figures with a status and a range, and the sources they cite."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pbr_opt.quantities import Inspection, nearest

__all__ = ["ROW_STATUSES", "STATUSES", "Figure", "Source", "cited"]

STATUSES: Final = ("confirmed", "derived", "unconfirmed", "assumed")
"""Confirmed: read in a source. Derived: arithmetic on sourced numbers. Unconfirmed: recalled. Assumed: nobody's but
ours."""

ROW_STATUSES: Final = (*STATUSES, "generated")
"""How well a row of a supply chain is known. Generated: drawn from a seed, so that the whole looks like what is known
of it."""


def cited(source: str) -> tuple[str, ...]:
    """Return the keys in a list of sources.

    >>> cited("NAO2012; PAC936")
    ('NAO2012', 'PAC936')
    """
    return tuple(key.strip() for key in source.split(";") if key.strip())


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of a programme, with its status.

    Parameters
    ----------
    id : str
        What it is, for instance ``tariff/6/outcome_fee_gbp``.
    value : float
        The number used.
    unit : str
        GBP, share, people, ...
    status : str
        One of ``STATUSES``.
    source : str, optional
        Keys of the sources it cites, separated by semicolons.
    low, high : float, optional
        The range within which it may lie; the value itself when not given.
    note : str, optional
        How it was derived, or what is doubtful about it.

    Raises
    ------
    InvalidInputError
        An unknown status, or a range that does not hold the value.

    Examples
    --------
    >>> figure = Figure("response_scale_gbp", 250.0, "GBP per participant", "assumed", low=150.0, high=500.0)
    >>> figure.rests_on_a_source
    False
    """

    id: str
    value: float
    unit: str
    status: str
    source: str = ""
    low: float | None = None
    high: float | None = None
    note: str = ""

    def __post_init__(self) -> None:
        """Check the status and the range."""
        check = Inspection(f"Figure '{self.id}'")
        for name in ("value", "low", "high"):
            given = getattr(self, name)
            if given is not None or name == "value":
                object.__setattr__(self, name, check.number(name, given, lowest=-1e15))
        if self.status not in STATUSES:
            check.fault("status", self.status, "a status", nearest(self.status, STATUSES))
        low, high = self.range
        if not low <= self.value <= high:
            check.fault("low, high", f"{low:g} to {high:g}", f"a range that holds the value, {self.value:g}")
        check.finish()

    @property
    def range(self) -> tuple[float, float]:
        """Return the lowest and the highest value thought possible."""
        return (
            self.value if self.low is None else self.low,
            self.value if self.high is None else self.high,
        )

    @property
    def rests_on_a_source(self) -> bool:
        """Whether the number was read in a source or is arithmetic on such numbers."""
        return self.status in ("confirmed", "derived")


@dataclass(frozen=True, slots=True)
class Source:
    """A page that figures cite.

    Parameters
    ----------
    key : str
        Short name used by figures.
    title : str
        What it is.
    grade : str
        A official or parliamentary, B research, charity or trade body, C press or blog.
    address : str
        Where it was read.
    """

    key: str
    title: str
    grade: str
    address: str
