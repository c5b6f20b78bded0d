"""The rules that a simulation plays by, and how much of it is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np

from pbr_opt.market.programme import Programme
from pbr_opt.quantities import Inspection, IntArray, label, nearest

__all__ = ["BLOCK", "REENTRIES", "SimulationSettings"]

BLOCK: Final = 2**14
"""Participants that share a stream of random numbers: the unit of randomness, whatever is simulated at once."""

REENTRIES: Final = ("caseload", "closed_form", "job_finding")
_USUAL_WEEKS: Final = 26
_WEEKS_FIGURE: Final = "evidence/qualifying_weeks/"
_UNCLAIMED_FIGURE: Final = "evidence/unclaimed_share"
_LONGEST_WEEKS: Final = 1_040
_MOST_AT_ONCE: Final = 2**24
"""Positions in a chunk take 24 bits of the key by which its payments are sorted."""


@dataclass(frozen=True)
class SimulationSettings:
    """Rules and size of a simulation, checked when made.

    Parameters
    ----------
    replications : int
        How many times the programme is played.
    ledger : bool
        Whether every payment of the first replication is kept (17 bytes each).
    qualifying_weeks : int or mapping by group, optional
        Weeks in work, added up over jobs, that make an outcome. When not given, the programme's figures
        ``evidence/qualifying_weeks/...``, and 26 for groups without.
    allotted_weeks : int
        Weeks on the programme: a job counts if it starts within them.
    run_on : bool
        Whether a job that is held when they end goes on counting until it is lost. Without it nothing is paid after.
    unclaimed_share : float, optional
        Share of outcomes that are earned and never claimed, below 1. The rate of the model is that of paid outcomes, so
        more people find work the more goes unclaimed. When not given, the programme's figure
        ``evidence/unclaimed_share``, and 0 without one.
    reentry : str
        How those return to work who lose their job after the outcome: ``caseload`` at the caseload's re-entry rate, by
        four-week periods, into jobs that start within the allotted weeks; ``closed_form`` at the same rate into jobs
        that start at any time within the tariff's sustainment window, as the closed forms have it; ``job_finding`` in
        any week, as fast as they found work before, within the allotted weeks.
    support_weeks, base_service_weeks : int
        Over how many weeks from the start support and base service are laid out, evenly.
    payment_lag_weeks : int
        How late outcome and sustainment payments come without a supply chain; with one its contracts say it.
    chunk_participants : int
        People simulated at once: bounds memory and changes nothing else.

    Raises
    ------
    InvalidInputError
        With every fault at once.

    Examples
    --------
    >>> SimulationSettings(replications=5, qualifying_weeks={"1": 26, "7": 13}).allotted_weeks
    104
    """

    replications: int = 1
    ledger: bool = True
    qualifying_weeks: int | Mapping[str, int] | None = None
    allotted_weeks: int = 104
    run_on: bool = True
    unclaimed_share: float | None = None
    reentry: str = "caseload"
    support_weeks: int = 26
    base_service_weeks: int = 104
    payment_lag_weeks: int = 0
    chunk_participants: int = 2**18

    def __post_init__(self) -> None:
        """Check every setting, and freeze the mapping."""
        check = Inspection("SimulationSettings")
        check.whole("replications", self.replications, lowest=1, highest=1_000_000)
        check.whole("allotted_weeks", self.allotted_weeks, lowest=1, highest=_LONGEST_WEEKS)
        if self.unclaimed_share is not None:
            check.rates("unclaimed_share", self.unclaimed_share, 1, below_one=True)
        if self.reentry not in REENTRIES:
            check.fault("reentry", self.reentry, "a way back into work", nearest(self.reentry, REENTRIES))
        check.whole("support_weeks", self.support_weeks, lowest=1, highest=_LONGEST_WEEKS)
        check.whole("base_service_weeks", self.base_service_weeks, lowest=1, highest=_LONGEST_WEEKS)
        check.whole("payment_lag_weeks", self.payment_lag_weeks, highest=_LONGEST_WEEKS)
        check.whole("chunk_participants", self.chunk_participants, lowest=1, highest=_MOST_AT_ONCE)
        for place, weeks in self._weeks_given().items():
            if weeks is not None:
                check.whole(place, weeks, lowest=1, highest=_LONGEST_WEEKS)
        check.finish()
        if isinstance(self.qualifying_weeks, Mapping):
            named = {label(group): int(weeks) for group, weeks in self.qualifying_weeks.items()}
            object.__setattr__(self, "qualifying_weeks", MappingProxyType(named))

    def _weeks_given(self) -> dict[str, object]:
        given = self.qualifying_weeks
        if isinstance(given, Mapping):
            return {f"qualifying_weeks['{group}']": weeks for group, weeks in given.items()}
        return {"qualifying_weeks": given}

    def weeks_in_work(self, programme: Programme) -> IntArray:
        """Return the weeks in work that make an outcome, by group of the programme's caseload.

        Raises
        ------
        InvalidInputError
            When a mapping leaves out a group, or names one that the caseload does not have.
        """
        groups = programme.caseload.groups
        if self.qualifying_weeks is None:
            known = {item.id: round(item.value) for item in programme.figures if item.id.startswith(_WEEKS_FIGURE)}
            return np.array([known.get(_WEEKS_FIGURE + group, _USUAL_WEEKS) for group in groups], dtype=np.int64)
        if not isinstance(self.qualifying_weeks, Mapping):
            return np.full(len(groups), int(self.qualifying_weeks), dtype=np.int64)
        named = self.qualifying_weeks
        check = Inspection("SimulationSettings")
        for group in groups:
            if group not in named:
                check.fault("qualifying_weeks", f"nothing for group '{group}'", "weeks for every payment group")
        check.known(named, groups, "only payment groups of the caseload")
        check.finish()
        return np.array([named[group] for group in groups], dtype=np.int64)

    def unclaimed(self, programme: Programme) -> float:
        """Return the share of outcomes that are never claimed."""
        if self.unclaimed_share is not None:
            return self.unclaimed_share
        return next((item.value for item in programme.figures if item.id == _UNCLAIMED_FIGURE), 0.0)

    @property
    def blocks_at_once(self) -> int:
        """Return how many blocks of participants are simulated at once."""
        return max(1, self.chunk_participants // BLOCK)
