"""The errors of pbr_opt: what was given, what is wanted, what to try.

Every error of the package descends from :class:`PbrError`. Facts stand in attributes as well as in the message, so that
a program can act on them. ``docs/how-to/when-it-fails.md`` has an entry for each class.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

__all__ = [
    "CertificateError",
    "CheckFailedError",
    "DesignInfeasibleError",
    "EquilibriumError",
    "Fault",
    "InvalidInputError",
    "MissingExtraError",
    "OutputError",
    "PbrError",
    "ProgrammeDataError",
    "SolverError",
    "SweepError",
    "UnsupportedModelError",
]


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with an input.

    Parameters
    ----------
    place : str
        Where it stands: an argument, an element of it, a file and line, a cell.
    given : str
        What was found there.
    wanted : str
        What is acceptable there.
    remedy : str, optional
        What to try.

    Examples
    --------
    >>> print(Fault("deadweight_rate[2]", "1.3", "a rate between 0 and 1", "divide per cents by 100"))
    deadweight_rate[2]: given 1.3; wanted a rate between 0 and 1; try: divide per cents by 100
    """

    place: str
    given: str
    wanted: str
    remedy: str = ""

    def __str__(self) -> str:
        """Return the fault as one line."""
        line = f"{self.place}: given {self.given}; wanted {self.wanted}"
        return f"{line}; try: {self.remedy}" if self.remedy else line


class PbrError(Exception):
    """Base of every error that pbr_opt raises on purpose."""


class InvalidInputError(PbrError, ValueError):
    """Raised when an input is unusable; lists every fault found, not only the first.

    Attributes
    ----------
    subject : str
        What was being built or read.
    faults : tuple of Fault
        Everything wrong with it.

    Examples
    --------
    >>> error = InvalidInputError("Tariff", [Fault("outcome_fee_gbp[0]", "-5", "money of at least £0")])
    >>> print(error)
    Tariff has 1 fault:
      1. outcome_fee_gbp[0]: given -5; wanted money of at least £0
    """

    def __init__(self, subject: str, faults: Iterable[Fault]) -> None:
        self.subject = subject
        self.faults = tuple(faults)
        count = len(self.faults)
        lines = "\n".join(f"  {k}. {fault}" for k, fault in enumerate(self.faults, 1))
        super().__init__(f"{subject} has {count} fault{'' if count == 1 else 's'}:\n{lines}")

    def __reduce__(self) -> tuple[type[InvalidInputError], tuple[str, tuple[Fault, ...]]]:
        """Keep the attributes when the error crosses a process."""
        return type(self), (self.subject, self.faults)


class UnsupportedModelError(PbrError, ValueError):
    """Raised when a valid input asks for something outside the model, with the nearest thing that is inside it."""


class DesignInfeasibleError(PbrError):
    """Raised when no tariff meets the limits; says what the cheapest one would cost.

    Attributes
    ----------
    least_budget_gbp : float
        Total spend of the cheapest tariff that meets every limit but the budget (infinite when there is none).
    binding_limits : tuple of str
        The limits that conflict, in words.
    """

    def __init__(self, message: str, *, least_budget_gbp: float, binding_limits: Sequence[str]) -> None:
        self.least_budget_gbp = float(least_budget_gbp)
        self.binding_limits = tuple(binding_limits)
        self.message = message
        super().__init__(message)

    def __reduce__(self) -> tuple[object, ...]:
        """Keep the attributes when the error crosses a process."""
        return _rebuild_infeasible, (self.message, self.least_budget_gbp, self.binding_limits)


def _rebuild_infeasible(message: str, least_budget_gbp: float, limits: Sequence[str]) -> DesignInfeasibleError:
    return DesignInfeasibleError(message, least_budget_gbp=least_budget_gbp, binding_limits=limits)


class EquilibriumError(PbrError):
    """Raised when an equilibrium could not be found or does not settle; the message says where the iteration stood.

    Attributes
    ----------
    last_iterates : mapping
        For each number that did not settle, its last two values; empty where nothing was iterated. An agent's name
        stands for the shadow price of its working capital (in a chain) or for its top-up, GBP per outcome (in a
        contest); what else moved is said in words, such as "places of Charity".
    """

    def __init__(self, message: str, *, last_iterates: Mapping[str, tuple[float, float]] | None = None) -> None:
        self.last_iterates = MappingProxyType(dict(last_iterates or {}))
        self.message = message
        super().__init__(message)

    def __reduce__(self) -> tuple[object, ...]:
        """Keep the attributes when the error crosses a process."""
        return _rebuild_equilibrium, (self.message, dict(self.last_iterates))


def _rebuild_equilibrium(message: str, last_iterates: Mapping[str, tuple[float, float]]) -> EquilibriumError:
    return EquilibriumError(message, last_iterates=last_iterates)


class SolverError(PbrError):
    """Raised when a solver fails, or when what it calls optimal does not survive the exact re-evaluation."""


class CertificateError(PbrError):
    """Raised when an agent could gain by deviating from what was reported as an equilibrium."""


class CheckFailedError(PbrError):
    """Raised when results are not what their record says, or an installation does not compute what it should."""


class ProgrammeDataError(PbrError, LookupError):
    """Raised when a programme cannot be found; suggests the nearest name."""


class OutputError(PbrError, OSError):
    """Raised when results cannot be written; nothing is left half-written."""


class SweepError(PbrError):
    """Raised when a worker of a sweep dies; what was finished is kept, and the same sweep goes on from there.

    Attributes
    ----------
    finished, wanted : int
        Chunks that were finished before it, and chunks that were to be computed.
    """

    def __init__(self, message: str, *, finished: int, wanted: int) -> None:
        self.message = message
        self.finished = finished
        self.wanted = wanted
        super().__init__(message)

    def __reduce__(self) -> tuple[object, ...]:
        """Keep the attributes when the error crosses a process."""
        return _rebuild_sweep, (self.message, self.finished, self.wanted)


def _rebuild_sweep(message: str, finished: int, wanted: int) -> SweepError:
    return SweepError(message, finished=finished, wanted=wanted)


class MissingExtraError(PbrError, ImportError):
    """Raised when an optional library is missing; the message is the command that installs it."""
