"""The ids of figures: which there are, what each may say, and what is wrong with one.

An id is a name, or a name and a place: ``spread``, ``exit_hazard/13_weeks``, ``deadweight_rate/6``, ``intake_share/2``,
``tariff/6/outcome_fee_gbp``, ``rivalry/level/2``. Ids that open with ``evidence/`` are read by people and by
derivations, not by the model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from pbr_opt.quantities import Inspection, nearest

__all__ = ["EVIDENCE", "FIELDS", "RIVALRY", "RIVALRY_FIELDS", "TARIFF", "TARIFF_COLUMNS", "Field", "inspect_figure"]

EVIDENCE: Final = "evidence"
RIVALRY: Final = "rivalry"
TARIFF: Final = "tariff"


@dataclass(frozen=True, slots=True)
class Field:
    """What a figure of some name may say.

    Attributes
    ----------
    scope : str
        ``programme`` (one number), ``year`` (one a contract year), ``group`` (for all, a family or a group) or
        ``each`` (one a group).
    unit : str
        What it is measured in.
    highest : float
        The largest number that makes sense; the smallest is 0.
    """

    scope: str
    unit: str
    highest: float


_RATE: Final = 1.0
_MONEY: Final = 1e15

FIELDS: Final[Mapping[str, Field]] = MappingProxyType(
    {
        "bid_discount": Field("programme", "share of the list price", _RATE),
        "discount_rate": Field("programme", "share a year", 10.0),
        "attachment_taper": Field("year", "share of the list fee", _RATE),
        "intake_share": Field("year", "share of participants", _RATE),
        "participants": Field("group", "people", _MONEY),
        "observed_rate": Field("group", "share of participants", _RATE),
        "deadweight_rate": Field("group", "share of participants", _RATE),
        "deadweight_ratio": Field("group", "share of observed outcomes", _RATE),
        "exit_hazard": Field("group", "share per 4 weeks", _RATE),
        "response_scale_gbp": Field("group", "GBP per participant", _MONEY),
        "spread": Field("group", "logits", 10.0),
        "curvature": Field("group", "1", _RATE),
        "outcome_value_gbp": Field("group", "GBP per additional outcome", _MONEY),
        "base_service_gbp": Field("group", "GBP per participant", _MONEY),
        "minimum_service_gbp": Field("group", "GBP per participant", _MONEY),
        "mission_gbp": Field("group", "GBP per outcome", _MONEY),
    }
)
"""Every name of a figure that the model reads."""

TARIFF_COLUMNS: Final[Mapping[str, Field]] = MappingProxyType(
    {
        "attachment_fee_gbp": Field("group", "GBP per participant", _MONEY),
        "outcome_fee_gbp": Field("group", "GBP per outcome", _MONEY),
        "sustainment_fee_gbp": Field("group", "GBP per 4 weeks", _MONEY),
        "sustainment_max": Field("group", "payments per outcome", 1e6),
        "sustainment_window": Field("group", "4-week periods", 1e6),
        "accelerator_threshold": Field("group", "outcomes per participant", _RATE),
        "accelerator_fee_gbp": Field("group", "GBP per outcome beyond the threshold", _MONEY),
    }
)
"""Every column of a tariff cell; the first two are needed for each group."""

RIVALRY_FIELDS: Final[Mapping[str, Field]] = MappingProxyType(
    {
        "beta": Field("programme", "share of referrals per unit of outcome rate", _MONEY),
        "exponent": Field("programme", "1", _RATE),
        "points": Field("programme", "share of referrals", _RATE),
        "scale": Field("programme", "share of participants", _MONEY),
        "shift": Field("programme", "share of referrals", _RATE),
        "margin": Field("programme", "share of participants", _RATE),
        "noise": Field("programme", "share of participants", _RATE),
        "measured_share": Field("programme", "share of participants", _RATE),
        "moved_share": Field("programme", "share of participants", _RATE),
        "missed_level_gbp": Field("programme", "GBP per measured participant", _MONEY),
        "inflation": Field("programme", "1", _MONEY),
        "level": Field("each", "share of participants", _RATE),
        "non_intervention_rate": Field("each", "share of participants", _RATE),
        "bonus_gbp": Field("each", "GBP per outcome", _MONEY),
        "uplift": Field("each", "1", _MONEY),
    }
)
"""What may follow ``rivalry/``: numbers of a rule by which shares follow results, of the rivalry, of payment groups."""


def inspect_figure(
    check: Inspection, place: str, figure_id: str, value: float, labels: Sequence[str], value_place: str = ""
) -> bool:
    """Record what is wrong with an id or its number; return whether nothing was.

    Parameters
    ----------
    check : Inspection
        Where faults are recorded.
    place : str
        File and line, or an argument.
    figure_id : str
        As in a figure.
    value : float
        Its number.
    labels : sequence of str
        Groups and families that the id may name.
    value_place : str, optional
        Where the number stands, if it has a place of its own.

    Examples
    --------
    >>> check = Inspection("figures")
    >>> inspect_figure(check, "line 3", "exit_hasard", 0.03, ["1"])
    False
    >>> print(check.faults[0])
    line 3: given exit_hasard; wanted a known figure; try: did you mean 'exit_hazard'?
    """
    name, *at = figure_id.split("/")
    if name == EVIDENCE:
        return True
    if name == RIVALRY and at:
        name, *at = at
        field = RIVALRY_FIELDS.get(name)
    else:
        field = _tariff_field(at) if name == TARIFF else FIELDS.get(name)
    if field is None:
        _unknown(check, place, figure_id)
        return False
    faults = len(check.faults)
    _inspect_place(check, place, figure_id, field, at, labels)
    _inspect_number(
        check, value_place or place, value, field, whole=at[-1:] in (["sustainment_max"], ["sustainment_window"])
    )
    return len(check.faults) == faults


def _tariff_field(at: Sequence[str]) -> Field | None:
    return TARIFF_COLUMNS.get(at[1]) if len(at) == 2 else None


def _unknown(check: Inspection, place: str, figure_id: str) -> None:
    name, *at = figure_id.split("/")
    if name == TARIFF and len(at) == 2:
        check.fault(place, at[1], "a column of the tariff", nearest(at[1], TARIFF_COLUMNS))
    elif name == RIVALRY and at:
        check.fault(place, at[0], "a number of a rivalry", nearest(at[0], RIVALRY_FIELDS))
    else:
        check.fault(place, figure_id, "a known figure", nearest(name, (*FIELDS, EVIDENCE)))


def _inspect_place(
    check: Inspection, place: str, figure_id: str, field: Field, at: Sequence[str], labels: Sequence[str]
) -> None:
    """Record a contract year, group or family that does not exist."""
    if len(at) > 1 and not figure_id.startswith(TARIFF):
        check.fault(place, figure_id, "at most one '/': a name and a place")
    elif field.scope == "programme" and at:
        check.fault(place, figure_id, "one number for the programme", f"write '{figure_id.rpartition('/')[0]}'")
    elif field.scope == "year" and not (at and at[0].isdigit() and int(at[0]) >= 1):
        check.fault(place, figure_id, "a contract year after the '/': 1, 2, ...")
    elif field.scope == "each" and not at:
        check.fault(place, figure_id, "a payment group after the name", f"write '{figure_id}/{labels[0]}', ...")
    elif at and at[0] not in labels and field.scope in ("group", "each"):
        wanted = "a payment group" if field.scope == "each" else "a payment group or a family of groups"
        check.fault(place, figure_id, wanted, nearest(at[0], labels))


def _inspect_number(check: Inspection, place: str, value: float, field: Field, *, whole: bool) -> None:
    """Record a number outside the domain of its field."""
    if not 0.0 <= value <= field.highest:
        wanted = f"a number from 0 to {field.highest:g}" if field.highest < _MONEY else "a finite number of at least 0"
        remedy = "divide per cents by 100" if field.highest == _RATE and 1.0 < value <= 100.0 else ""
        check.fault(place, value, f"{wanted} ({field.unit})", remedy)
    elif whole and value != int(value):
        check.fault(place, value, f"a whole number ({field.unit})")
