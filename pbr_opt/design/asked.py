"""Whether a design question can be asked at all: things of the right kind, limits of different kinds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pbr_opt.design.limits import Limit
from pbr_opt.design.objectives import Objective
from pbr_opt.market.programme import Programme
from pbr_opt.quantities import Inspection

__all__ = ["require_question"]


def require_question(programme: Programme, objective: Objective, limits: Sequence[Limit]) -> None:
    """Refuse what is no programme, no objective or no limit, and what limits find wrong with a programme.

    Raises
    ------
    InvalidInputError
        All faults of a kind at once.
    """
    check = Inspection("DesignProblem")
    if not isinstance(programme, Programme):
        check.fault("programme", type(programme).__name__, "a Programme", "pbr_opt.load('work_programme_2011')")
    if not isinstance(objective, Objective):
        check.fault("objective", type(objective).__name__, "an objective", "Parked() or FirstPoundLoss()")
    if isinstance(limits, Limit) or not np.iterable(limits):
        check.fault("limits", type(limits).__name__, "a list of limits", "limits=[Budget(...)]")
        check.finish()
    kinds: list[type] = []
    for k, limit in enumerate(limits):
        if not isinstance(limit, Limit):
            check.fault(f"limits[{k}]", type(limit).__name__, "a limit", "Budget, PriceRange or PriceStep")
        elif type(limit) in kinds:
            check.fault(f"limits[{k}]", f"a second {type(limit).__name__}", "one of each kind")
        kinds.append(type(limit))
    check.finish()
    check.faults += [fault for limit in limits for fault in limit.faults(programme)]
    if programme.tariff.has_accelerator:
        check.fault("accelerator_fee_gbp", "above £0", "a tariff without accelerator", "accelerator_fee_gbp=0")
    check.finish()
