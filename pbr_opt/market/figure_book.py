"""Figures by their ids, and the tariff, contract terms and central case that they say.

A programme's numbers live in one place each: a figure with a status and a range. Everything the model needs is read off
the figures here, so that changing one of them (see :func:`pbr_opt.analysis.calibration.vary`) changes all that follows.

Ids are those of :mod:`pbr_opt.market.figure_ids`. What holds for one group beats what holds for its family of groups,
and that beats what holds for all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np

from pbr_opt.market.central_case import CentralCase
from pbr_opt.market.evidence import Figure
from pbr_opt.market.figure_ids import FIELDS, TARIFF, TARIFF_COLUMNS
from pbr_opt.market.tariffs import ContractTerms, Tariff
from pbr_opt.quantities import FloatArray, Inspection

__all__ = ["FigureBook"]

_NEEDED: Final = ("attachment_fee_gbp", "outcome_fee_gbp")


@dataclass(frozen=True, init=False, eq=False)
class FigureBook:
    """Figures by id, for some payment groups.

    Parameters
    ----------
    figures : iterable of Figure
        Inspected ones (see :func:`pbr_opt.market.figure_ids.inspect_figure`); the last one of an id holds.
    families : mapping
        From every payment group, in order, to the name of its family; empty names for none.

    Examples
    --------
    >>> book = FigureBook([Figure("spread", 1.2, "logits", "assumed"), Figure("spread/b", 0.8, "logits", "assumed")],
    ...                   {"a": "", "b": ""})
    >>> book.number("spread", "a"), book.number("spread", "b"), book.number("curvature", "a")
    (1.2, 0.8, None)
    """

    figures: Mapping[str, Figure]
    families: Mapping[str, str]

    def __init__(self, figures: Iterable[Figure], families: Mapping[str, str]) -> None:
        object.__setattr__(self, "figures", MappingProxyType({figure.id: figure for figure in figures}))
        object.__setattr__(self, "families", MappingProxyType(dict(families)))

    @property
    def groups(self) -> tuple[str, ...]:
        """Return the payment groups in order."""
        return tuple(self.families)

    @property
    def labels(self) -> tuple[str, ...]:
        """Return what may stand after the '/' of an id: groups and families."""
        return (*self.families, *dict.fromkeys(name for name in self.families.values() if name))

    def figure(self, name: str, group: str = "") -> Figure | None:
        """Return the figure of a group, else of its family, else of the programme, else None."""
        family = self.families.get(group, "")
        for figure_id in (f"{name}/{group}", f"{name}/{family}", name):
            if figure_id in self.figures:
                return self.figures[figure_id]
        return None

    def number(self, name: str, group: str = "") -> float | None:
        """Return the value of :meth:`figure`, or None."""
        found = self.figure(name, group)
        return None if found is None else found.value

    def by_group(self, name: str, otherwise: float | None = None, check: Inspection | None = None) -> FloatArray:
        """Return a figure for every group; where there is none, ``otherwise``, and a fault if that is None too."""
        values = [self.number(name, group) for group in self.groups]
        found = [otherwise if value is None else value for value in values]
        for group, value in zip(self.groups, found, strict=True):
            if value is None and check is not None:
                check.fault(f"{name}/{group}", "nothing", FIELDS[name].unit, f"add a row '{name}' or '{name}/{group}'")
        return np.array([0.0 if value is None else value for value in found])

    def outcome_value(self) -> FloatArray | None:
        """Return v for every group, 0 where only others have one; None when no figure says it."""
        said = any(figure_id.partition("/")[0] == "outcome_value_gbp" for figure_id in self.figures)
        return self.by_group("outcome_value_gbp", 0.0) if said else None

    def tariff(self) -> Tariff:
        """Return the list prices.

        Raises
        ------
        InvalidInputError
            When a group has no attachment fee or no outcome fee, or sustainment payments without their number.
        """
        check = Inspection("Tariff")
        for group in self.groups:
            self._inspect_cells(check, group)
        check.finish()
        columns = {name: [self._cell(group, name) or 0.0 for group in self.groups] for name in TARIFF_COLUMNS}
        return Tariff(self.groups, **columns)

    def _cell(self, group: str, column: str) -> float | None:
        figure = self.figures.get(f"{TARIFF}/{group}/{column}")
        return None if figure is None else figure.value

    def _inspect_cells(self, check: Inspection, group: str) -> None:
        for column in _NEEDED:
            if self._cell(group, column) is None:
                check.fault(f"group '{group}'", f"no {column}", "a cell for it", "write 0 if nothing is paid")
        if bool(self._cell(group, "sustainment_fee_gbp")) != bool(self._cell(group, "sustainment_max")):
            check.fault(
                f"group '{group}'",
                "one of sustainment_fee_gbp and sustainment_max",
                "both, or neither",
                "give the most payments for one outcome",
            )

    def terms(self) -> ContractTerms:
        """Return bid discount, attachment taper and intake by contract year; nothing taken off where none are given.

        Raises
        ------
        InvalidInputError
            When a contract year lacks its taper or its share, or the shares do not add up to 1.
        """
        yearly = [key.partition("/") for key in self.figures if key.startswith(("attachment_taper/", "intake_share/"))]
        years = [int(place) for _, _, place in yearly]
        check = Inspection("ContractTerms")
        columns: dict[str, list[float]] = {"attachment_taper": [], "intake_share": []}
        for year in range(1, max(years, default=0) + 1):
            for name, column in columns.items():
                value = self.number(f"{name}/{year}")
                if value is None:
                    check.fault(f"{name}/{year}", "nothing", "a share for every contract year", "add the row")
                column.append(value or 0.0)
        check.finish()
        discount = self.number("bid_discount") or 0.0
        return ContractTerms(discount, **columns) if years else ContractTerms(discount)

    def central_case(self, segments_per_group: int) -> CentralCase:
        """Return what the segments are derived from.

        A group's deadweight is its ``deadweight_rate``, or else ``deadweight_ratio`` times its observed rate.

        Raises
        ------
        InvalidInputError
            With every figure that is missing for some group, and every one out of its domain.
        """
        check = Inspection("Central case")
        observed = self.by_group("observed_rate", check=check)
        columns = {
            "participants": self.by_group("participants", check=check),
            "deadweight_rate": self._deadweight(check, observed),
            "observed_rate": observed,
            "response_scale_gbp": self.by_group("response_scale_gbp", check=check),
            "spread": self.by_group("spread", check=check),
            "exit_hazard": self.by_group("exit_hazard", 0.0),
            "curvature": self.by_group("curvature", 0.0),
        }
        check.finish()
        families = tuple(self.families.values())
        return CentralCase(self.groups, **columns, families=families, segments_per_group=segments_per_group)

    def _deadweight(self, check: Inspection, observed: FloatArray) -> FloatArray:
        rates = []
        for group, rate in zip(self.groups, observed, strict=True):
            level, ratio = self.number("deadweight_rate", group), self.number("deadweight_ratio", group)
            if level is None and ratio is None:
                remedy = f"add a row 'deadweight_rate/{group}' or 'deadweight_ratio/{group}'"
                check.fault(f"deadweight_rate/{group}", "nothing", "share of participants", remedy)
            rates.append(level if level is not None else (ratio or 0.0) * float(rate))
        return np.array(rates)
