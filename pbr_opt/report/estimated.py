"""What a programme's published facts tell of its groups, and what they do not: a screen of text, files, a record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from textwrap import wrap
from typing import TYPE_CHECKING, Final

from pbr_opt.analysis.estimation import Estimate, EstimateSettings, estimate
from pbr_opt.analysis.estimation_programme import published_facts, revealed_bounds, unknown_quantities
from pbr_opt.analysis.identified_set import IdentifiedSet, identified_set
from pbr_opt.market.programme import Programme
from pbr_opt.report.records import csv_text, inputs_of, plain, provenance
from pbr_opt.report.wording import count, money, per_cent, table

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["CALIBRATION", "CalibrationReport", "calibrate", "estimate_text"]

CALIBRATION: Final = "calibration"
"""Where a record keeps what was found."""


@dataclass(frozen=True, eq=False)
class CalibrationReport:
    """A programme's groups three times: without a response function, with one, and with one and no estimate.

    Attributes
    ----------
    programme : Programme
        What it is about.
    estimate : Estimate or None
        Best fit to what was published, with intervals; None where nothing was.
    found : IdentifiedSet
        Every world of a grid that gives each group its outcome rate.
    price_change : float
        Share by which its prices are moved.
    """

    programme: Programme
    estimate: Estimate | None
    found: IdentifiedSet
    price_change: float

    @cached_property
    def bounds(self) -> pd.DataFrame:
        """Return what the provider's own choice bounds, one row a group."""
        return revealed_bounds(self.programme)

    def __str__(self) -> str:
        """Return one screen; what is not identified stands first."""
        parts = [*self._opening(), "", *self._bounds(), "", *self._set()]
        if self.estimate is not None:
            parts += ["", estimate_text(self.estimate)]
        return "\n".join(parts)

    def _opening(self) -> list[str]:
        name = self.programme.name
        if self.estimate is None:
            return [f"{name}: no rate was published. All of them are assumed, and nothing can be estimated."]
        told = self.estimate.to_frame().groupby("verdict", sort=False)["unknown"].agg(list).to_dict()
        lines = [f"{name}: what the published facts do not tell, and what they do."]
        for verdict in ("not identified", "bounded above", "bounded below", "bounded", "identified"):
            if verdict in told:
                first, rest = f"  {verdict + ':':<16}", " " * 18
                lines += wrap(", ".join(told[verdict]), 118, initial_indent=first, subsequent_indent=rest)
        return lines

    def _bounds(self) -> list[str]:
        """Return the bounds by revealed preference."""
        rows = [["group", "price", "outcome rate", "without support", "support a head", "the outcome rate is"]]
        for row in self.bounds.to_dict("records"):
            ends = f"{per_cent(float(row['deadweight_low']))} to {per_cent(float(row['deadweight_high']))}"
            most = f"at most {money(float(row['most_support_gbp']))}"
            rate = per_cent(float(row["outcome_rate"]))
            rows.append([str(row["group"]), money(float(row["price_gbp"])), rate, ends, most, str(row["status"])])
        return ["Whatever the response: e <= x (P - p0), or no support would have paid better.", *table(rows, "<>>>><")]

    def _set(self) -> list[str]:
        """Return the identified set: what worlds with the same outcome rate disagree about."""
        change = f"{100 * self.price_change:g} %"
        shown = {"ceiling_rate": "ceiling", "support_gbp": "support a head", "parked_share": "parked",
                 "outcome_rate_low_price": f"rate at price -{change}",
                 "outcome_rate_high_price": f"rate at price +{change}"}  # fmt: skip
        frame = self.found.to_frame()
        rows = [["group", "worlds", *shown.values()]]
        for group, part in frame.groupby("group", sort=False):
            by = part.set_index("quantity").to_dict("index")
            fit = next(iter(by.values()))
            ends = [_ends(name, float(by[name]["low"]), float(by[name]["high"])) for name in shown]
            rows.append([str(group), f"{fit['fit']} of {fit['tried']}", *ends])
        return ["With the response of the central case: worlds over the ranges of the figures, all of which give the",
                "outcome rate exactly.", *table(rows, "<>" + ">" * len(shown))]  # fmt: skip

    def to_dict(self) -> dict[str, object]:
        """Return what the screen says, for machines."""
        found = self.estimate
        return {
            "programme": self.programme.name,
            "bounds": plain(self.bounds.to_dict("records")),
            "identified_set": plain(self.found.to_frame().to_dict("records")),
            "price_change": self.price_change,
            "estimate": None if found is None else {
                "misfit": found.misfit,
                "level": found.settings.level,
                "directions_resolved": found.resolved,
                "directions_open": [list(names) for names in found.open_directions],
                "unknowns": plain(found.to_frame().to_dict("records")),
                "facts": plain(found.to_frame("facts").to_dict("records")),
            },
        }  # fmt: skip

    def files(self) -> dict[str, str]:
        """Return the tables as CSV files by name, and the programme in ``inputs/``."""
        tables = {"bounds": self.bounds, "identified_set": self.found.to_frame()}
        if self.estimate is not None:
            tables |= {"unknowns": self.estimate.to_frame(), "facts": self.estimate.to_frame("facts")}
        return {f"{name}.csv": csv_text(frame) for name, frame in tables.items()} | inputs_of(self.programme)[0]

    def record(self, settings: Mapping[str, object]) -> dict[str, object]:
        """Return what was found and where it came from."""
        record = provenance(self.programme, {"today": self.programme.tariff}, settings)
        return record | {CALIBRATION: self.to_dict()} | inputs_of(self.programme)[1]


def calibrate(
    programme: Programme, settings: EstimateSettings | None = None, *, price_change: float = 0.2, points: int = 3
) -> CalibrationReport:
    """Return what a programme's published facts tell of its groups, and what they do not.

    Parameters
    ----------
    programme : Programme
        With a central case, without a supply chain.
    settings : EstimateSettings, optional
        Of the estimate.
    price_change, points : float, int, optional
        Of :func:`~pbr_opt.analysis.identified_set.identified_set`.

    Raises
    ------
    InvalidInputError, UnsupportedModelError
        As the parts.
    """
    facts = published_facts(programme)
    found = identified_set(programme, price_change=price_change, points=points)
    fitted = estimate(facts, unknown_quantities(programme, facts), settings) if facts else None
    return CalibrationReport(programme, fitted, found, price_change)


def estimate_text(found: Estimate) -> str:
    """Return an estimate in words: how many directions are resolved, every unknown with its verdict, every fact.

    Parameters
    ----------
    found : Estimate
        What it is about.
    """
    free = len(found.free)
    left = free - found.resolved
    opening = (
        f"Facts: {count(len(found.facts))}; unknowns: {count(free)}. The best fit misses the facts by "
        f"Q = {found.misfit:.3g} (sum of squares in standard errors).",
        f"Directions that the facts resolve: {count(found.resolved)}; that they leave open: {count(left)}"
        + (", so the fit is one of many that are as good." if left else "."),
    )
    rows = [["unknown", "range", "fit", f"{per_cent(found.settings.level)} interval", "verdict"]]
    for row in found.to_frame().to_dict("records"):
        ends, told = (f"{row[a]:.4g} to {row[b]:.4g}" for a, b in (("range_low", "range_high"), ("low", "high")))
        rows.append([str(row["unknown"]), ends, f"{row['estimate']:.4g}", told, str(row["verdict"])])
    seen = [["fact", "observed", "+/-", "fitted"]]
    for row in found.to_frame("facts").to_dict("records"):
        seen.append([str(row["fact"]), *(f"{row[name]:.4g}" for name in ("observed", "standard_error", "fitted"))])
    together = [f"  {', '.join(names)}" for names in found.open_directions]
    closing = ["", "What can move, together, and leave every fact where it is:", *together] if together else []
    return "\n".join([*opening, "", *table(rows, "<>>><"), "", *table(seen, "<>>>"), *closing])


def _ends(name: str, low: float, high: float) -> str:
    shown = money if name.endswith("_gbp") else per_cent
    return f"{shown(low)} to {shown(high)}"
