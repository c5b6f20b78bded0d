"""What a prior of worlds may be of, and between which ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from pbr_opt.market.facts import Prior
from pbr_opt.market.figure_ids import FIELDS, TARIFF, TARIFF_COLUMNS, Field, inspect_figure
from pbr_opt.quantities import Inspection, nearest

__all__ = ["WORLD_FIELDS", "inspect_priors"]

_ANY: Final = 1e15

WORLD_FIELDS: Final[Mapping[str, Field]] = MappingProxyType(
    {
        "uplift": Field("programme", "logits", _ANY),
        "uplift_factor": Field("each", "1", _ANY),
        "pass_through": Field("programme", "share of the price", 1.0),
        "tier1_share": Field("programme", "share of participants", 1.0),
        "working_capital_gbp": Field("programme", "GBP per participant", _ANY),
    }
)
"""Inputs of worlds that are no figures of a programme."""

_ABOVE_ZERO: Final = ("response_scale_gbp",)
_BELOW_ONE: Final = ("curvature", "deadweight_rate", "observed_rate")


def inspect_priors(check: Inspection, priors: Sequence[Prior], labels: Sequence[str], years: int) -> None:
    """Record every prior that is of nothing, or whose ends make no sense.

    Parameters
    ----------
    check : Inspection
        Where faults are recorded.
    priors : sequence of Prior
        To look at.
    labels : sequence of str
        Groups and families of groups.
    years : int
        Contract years of the programme.

    Examples
    --------
    >>> check = Inspection("priors")
    >>> inspect_priors(check, [Prior("spread", -1.0, 1.0), Prior("uplift", 0.2, 2.0)], ["1"], 1)
    >>> print(check.faults[0])
    spread: given -1; wanted a number from 0 to 10 (logits)
    """
    for prior in priors:
        name, _, place = prior.id.partition("/")
        last = prior.id.rpartition("/")[2] if name == TARIFF else name
        if last not in (*FIELDS, *TARIFF_COLUMNS, *WORLD_FIELDS):
            check.fault(
                prior.id, "a prior", "an input of worlds", nearest(last, (*FIELDS, *TARIFF_COLUMNS, *WORLD_FIELDS))
            )
        elif name in WORLD_FIELDS:
            _inspect_world_input(check, prior, WORLD_FIELDS[name], place, labels)
        elif all(inspect_figure(check, prior.id, prior.id, end, labels) for end in (prior.low, prior.high)):
            _inspect_ends(check, prior, name, place, years)


def _inspect_world_input(check: Inspection, prior: Prior, field: Field, place: str, labels: Sequence[str]) -> None:
    if field.scope == "each" and place not in labels:
        check.fault(prior.id, "a prior", "a payment group after the '/'", nearest(place, labels))
    elif field.scope == "programme" and place:
        check.fault(prior.id, "a prior", "one prior for the programme", f"write '{prior.id.partition('/')[0]}'")
    if prior.low < 0.0 or prior.high > field.highest:
        most = "" if field.highest == _ANY else f" to {field.highest:g}"
        check.fault(prior.id, f"{prior.low:g} to {prior.high:g}", f"numbers from 0{most} ({field.unit})")


def _inspect_ends(check: Inspection, prior: Prior, name: str, place: str, years: int) -> None:
    ends = f"{prior.low:g} to {prior.high:g}"
    if name in _ABOVE_ZERO and prior.low <= 0.0:
        check.fault(prior.id, ends, "numbers above 0")
    if name in _BELOW_ONE and prior.high >= 1.0:
        check.fault(prior.id, ends, "numbers below 1")
    if FIELDS.get(name, TARIFF_COLUMNS["outcome_fee_gbp"]).scope == "year" and int(place) > years:
        check.fault(prior.id, "a prior", f"a contract year of the programme, 1 to {years}")
