"""Derive a caseload when a supply chain stands between the tariff and the people.

The published outcome rates are what the chain brought about and not what one provider paid the tariff would have.
So the rates that the segments are fitted to are moved until the equilibrium of the whole chain gives the published
ones.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from pbr_opt.analysis.calibration import derive_caseload
from pbr_opt.errors import EquilibriumError, UnsupportedModelError
from pbr_opt.evaluation import Evaluation, evaluate
from pbr_opt.market.caseload import Caseload
from pbr_opt.market.central_case import CentralCase
from pbr_opt.market.programme import Programme
from pbr_opt.quantities import FloatArray

__all__ = ["derive_through_chain", "group_outcome_rates"]

_ROUNDS: Final = 40
_FITTED: Final = 1e-4
"""Rates this near to the published ones fit: those are given to a tenth of a per cent. A group whose observed rate lies
just above its deadweight cannot be fitted closer where areas differ, because no support at all already gives as
much."""
_ACCEPTED: Final = 5e-4
"""What is accepted when the fit jumps because a subcontractor leaves or stays: half of the last published digit."""
_ROOM: Final = 1e-4
"""Fitted rates stay this far above the deadweight, so that there is something for support to explain."""


def group_outcome_rates(there: Evaluation) -> FloatArray:
    """Return the outcome rate of each payment group, in the order of the caseload's groups."""
    caseload = there.rows.caseload
    outcomes = caseload.sum_by_group(caseload.participants * there.behaviour.outcome_rate)
    return np.asarray(outcomes / np.maximum(caseload.group_participants, np.finfo(float).tiny))


def derive_through_chain(programme: Programme) -> Caseload:
    """Return the segments that fit the observed rates of a programme's central case with its supply chain in place.

    Parameters
    ----------
    programme : Programme
        With a central case and a supply chain.

    Returns
    -------
    Caseload
        Like :func:`~pbr_opt.analysis.calibration.derive_caseload`'s, fitted to other rates.

    Raises
    ------
    UnsupportedModelError
        Without a central case or a chain.
    EquilibriumError
        When no rates fit to half a tenth of a per cent.

    Notes
    -----
    A fixed-point iteration: each round the rates fitted to are raised by what the chain falls short. A chain
    weakens what support does and does not turn it round, so the error shrinks from round to round until somebody
    leaves or stays.
    """
    case = programme.central_case
    if case is None or programme.supply_chain is None:
        raise UnsupportedModelError(
            f"{programme.name} needs a central case and a supply chain; try analysis.calibration.derive_caseload"
        )
    fitted_to, best, least = case.observed_rate.copy(), programme.caseload, np.inf
    before = fitted_to
    for _ in range(_ROUNDS):
        caseload = derive_caseload(
            _aiming_at(case, fitted_to), programme.tariff, programme.terms, programme.discount_rate
        )
        short = case.observed_rate - group_outcome_rates(evaluate(programme.replace(caseload=caseload)))
        error = float(np.abs(short).max())
        if error < least:
            best, least = caseload, error
        if error <= _FITTED:
            return caseload
        before, fitted_to = fitted_to, np.clip(fitted_to + short, case.deadweight_rate + _ROOM, 1.0 - _ROOM)
    if least > _ACCEPTED:
        raise EquilibriumError(
            f"No rates fit with the chain in place: after {_ROUNDS} rounds the nearest is {least:.2g} off, wanted "
            f"{_ACCEPTED:g}. Try smaller fixed costs, or a smaller response scale.",
            last_iterates={
                f"group {g}": (float(a), float(b)) for g, a, b in zip(case.groups, before, fitted_to, strict=True)
            },
        )
    return best


def _aiming_at(case: CentralCase, rates: FloatArray) -> CentralCase:
    """Return the case with other observed rates."""
    return CentralCase(
        case.groups,
        case.participants,
        case.deadweight_rate,
        rates,
        response_scale_gbp=case.response_scale_gbp,
        spread=case.spread,
        exit_hazard=case.exit_hazard,
        curvature=case.curvature,
        families=case.families,
        segments_per_group=case.segments_per_group,
    )
