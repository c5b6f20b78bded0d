"""The inputs from which a caseload's latent segments are derived, when a programme publishes groups and not people.

Published figures say how many people a payment group had and how many of them found lasting work. They do not say how
people differ inside the group, nor what support does. A central case holds what has to be added, group by group, and
:func:`pbr_opt.analysis.calibration.derive_caseload` turns it into segments.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pbr_opt.quantities import FloatArray, Inspection

__all__ = ["CentralCase"]


@dataclass(frozen=True, init=False, eq=False)
class CentralCase:
    """What is known or assumed of each payment group, frozen; one entry a group throughout.

    Parameters
    ----------
    groups : sequence of str or int
        Payment group ids, each once.
    participants : array or scalar
        People in the group, at least 0.
    deadweight_rate : array or scalar
        Mean probability of a paid outcome with no discretionary support, above 0 and below 1.
    observed_rate : array or scalar
        Outcome rate that the equilibrium under the programme's own tariff has to give, deadweight rate..1 and below 1.
    response_scale_gbp : array or scalar
        kappa, GBP per participant, above 0.
    spread : array or scalar
        sigma, standard deviation of job-readiness inside the group on the logit scale, 0..10.
    exit_hazard : array or scalar, optional
        h, chance of losing the job in a four-week period, 0..1.
    curvature : array or scalar, optional
        b of the HARA response, 0 <= b < 1.
    families : sequence of str, optional
        A name that groups sharing figures have in common; empty when there is none.
    segments_per_group : int, optional
        Into how many segments of equal size each group is cut, 1..100,000.

    Raises
    ------
    InvalidInputError
        With every fault at once.

    Examples
    --------
    >>> case = CentralCase(["young"], 1000, 0.30, 0.364, response_scale_gbp=250, spread=1.2)
    >>> case.segments_per_group, case.exit_hazard.tolist()
    (20, [0.0])
    """

    groups: tuple[str, ...]
    participants: FloatArray
    deadweight_rate: FloatArray
    observed_rate: FloatArray
    response_scale_gbp: FloatArray
    spread: FloatArray
    exit_hazard: FloatArray
    curvature: FloatArray
    families: tuple[str, ...]
    segments_per_group: int

    def __init__(  # noqa: PLR0913, PLR0917  # one column each: the table is the interface
        self,
        groups: Sequence[object] | NDArray[np.generic],
        participants: ArrayLike,
        deadweight_rate: ArrayLike,
        observed_rate: ArrayLike,
        response_scale_gbp: ArrayLike,
        spread: ArrayLike,
        exit_hazard: ArrayLike = 0.0,
        curvature: ArrayLike = 0.0,
        *,
        families: Sequence[str] | None = None,
        segments_per_group: int = 20,
    ) -> None:
        check = Inspection("CentralCase")
        names = check.labels("groups", groups)
        for name in sorted({name for name in names if names.count(name) > 1}):
            check.fault("groups", f"'{name}' more than once", "each payment group once")
        size = len(names)
        columns = {
            "participants": check.people("participants", participants, size),
            "deadweight_rate": check.rates("deadweight_rate", deadweight_rate, size, below_one=True),
            "observed_rate": check.rates("observed_rate", observed_rate, size, below_one=True),
            "response_scale_gbp": check.positive(
                "response_scale_gbp", response_scale_gbp, size, "a response scale in GBP per participant"
            ),
            "spread": check.array("spread", spread, size),
            "exit_hazard": check.rates("exit_hazard", exit_hazard, size),
            "curvature": check.rates("curvature", curvature, size, below_one=True),
        }
        shared = tuple(families) if families is not None else ("",) * size
        if len(shared) != size:
            check.fault("families", f"{len(shared)} names", f"{size}, one a group")
        cut = int(check.number("segments_per_group", segments_per_group, lowest=1, highest=100_000))
        if not check.faults:
            _inspect_groups(check, names, columns)
        check.finish()
        for name, column in columns.items():
            object.__setattr__(self, name, column)
        object.__setattr__(self, "groups", names)
        object.__setattr__(self, "families", shared)
        object.__setattr__(self, "segments_per_group", cut)

    def __eq__(self, other: object) -> bool:
        """Whether the other case says the same of the same groups in the same order."""
        if not isinstance(other, CentralCase):
            return NotImplemented
        return all(np.array_equal(getattr(self, f.name), getattr(other, f.name)) for f in fields(self))

    def __hash__(self) -> int:
        """Return a hash of the groups and their outcome rates."""
        return hash((self.groups, self.segments_per_group, self.observed_rate.tobytes()))


def _inspect_groups(check: Inspection, names: Sequence[str], columns: dict[str, FloatArray]) -> None:
    """Record what no logit or no fit could be made of, by group."""
    for k, name in enumerate(names):
        deadweight, observed = float(columns["deadweight_rate"][k]), float(columns["observed_rate"][k])
        if deadweight == 0.0:
            check.fault(f"deadweight_rate (group '{name}')", 0.0, "a rate above 0", "a small rate: a logit needs one")
        if observed < deadweight:
            check.fault(
                f"observed_rate (group '{name}')",
                observed,
                f"at least the deadweight rate, {deadweight:.6g}",
                "support cannot lower the rate: lower the deadweight rate or raise the observed one",
            )
        if not 0.0 <= float(columns["spread"][k]) <= 10.0:
            check.fault(f"spread (group '{name}')", columns["spread"][k], "a standard deviation from 0 to 10 logits")
