"""Checked, write-protected arrays, and the tolerances of the package with their reasons.

An :class:`Inspection` collects every fault of an input before anything is raised: a person who has to mend a table
wants the whole list at once.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pbr_opt.errors import Fault, InvalidInputError

__all__ = [
    "CERTIFICATE_TOLERANCE_GBP",
    "IDENTITY_RELATIVE",
    "PERIODS_PER_YEAR",
    "SPEND_PER_HEAD_GBP",
    "SPEND_RELATIVE",
    "THRESHOLD_RELATIVE",
    "WEEKS_PER_YEAR",
    "BoolArray",
    "FloatArray",
    "Inspection",
    "IntArray",
    "frozen",
    "label",
    "nearest",
    "readable",
]

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.int64]
BoolArray: TypeAlias = NDArray[np.bool_]

THRESHOLD_RELATIVE: Final = 1e-12
"""A price this near (relatively) to a parking threshold counts as on it: an optimal tariff sits exactly on thresholds,
and price = threshold / weight * weight is off by a few units in the last place (2.2e-16 each)."""

SPEND_RELATIVE: Final = 1e-9
"""Budgets are kept to a penny in ten million pounds: the sum of 1e6 rounded terms is off by at most 1e6 * 1.1e-16."""

SPEND_PER_HEAD_GBP: Final = 1e-9
"""... and to a ten-millionth of a penny a head: costs are differences of sums, so that tiny budgets drown in
rounding."""

IDENTITY_RELATIVE: Final = 1e-10
"""Accounting identities hold to this relative error: the same terms summed in two orders, 1e6 terms."""

CERTIFICATE_TOLERANCE_GBP: Final = 1e-6
"""A deviation that gains less than this per participant is rounding: profits of about £1e4 carry 1e-12 relative error,
and the search for deviations stops when its bracket is below a ten-thousandth of a penny."""

WEEKS_PER_YEAR: Final = 52.0
"""Contracts count in weeks."""

PERIODS_PER_YEAR: Final = WEEKS_PER_YEAR / 4.0
"""Four-week sustainment periods in a year."""

_NUMBER_LIKE: Final = "biufOUS"
"""Kinds of array that may hold numbers: dates, durations and complex numbers are not among them."""
_SHOWN_FAULTS: Final = 3
_MOST: Final = 1e15


def frozen(array: ArrayLike) -> FloatArray:
    """Return a write-protected copy as float64.

    Examples
    --------
    >>> frozen([1, 2]).flags.writeable
    False
    """
    copy = np.array(array, dtype=np.float64)
    copy.setflags(write=False)
    return copy


def nearest(word: str, known: Iterable[str]) -> str:
    """Return ``did you mean '…'?`` for the closest known word, or the list of what there is.

    Examples
    --------
    >>> nearest("work_program", ["work_programme_2011"])
    "did you mean 'work_programme_2011'?"
    >>> nearest("xyz", ["a", "b"])
    'one of: a, b'
    """
    options = [str(item) for item in known]
    close = difflib.get_close_matches(str(word), options, n=1, cutoff=0.5)
    return f"did you mean '{close[0]}'?" if close else f"one of: {', '.join(options)}"


def readable(value: object) -> str:
    """Return a value as a person would write it, shortened.

    Examples
    --------
    >>> readable(1.30), readable("x" * 60)
    ('1.3', "'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...'")
    """
    if isinstance(value, (bool, np.bool_)):
        return str(bool(value))
    if isinstance(value, (int, float, np.integer, np.floating)):
        return f"{float(value):.10g}"
    text = repr(str(value) if isinstance(value, str) else value)
    return text if len(text) <= 42 else f"{text[:38]}...{text[-1] if text[-1] in chr(39) + chr(34) else ''}"


def label(value: object) -> str:
    """Return an id as text: numbers become their digits, blanks around it go.

    >>> label(7.0), label(" 7 "), label("new ESA")
    ('7', '7', 'new ESA')
    """
    return f"{value:.15g}" if isinstance(value, (float, np.floating)) else str(value).strip()


@dataclass
class Inspection:
    """Collects the faults of one input and raises them together.

    Each check returns a write-protected array (with harmless numbers where the input was faulty, so that later checks
    can go on), and :meth:`finish` raises :class:`~pbr_opt.errors.InvalidInputError` if anything was wrong.

    Parameters
    ----------
    subject : str
        What is being inspected; opens the message.

    Examples
    --------
    >>> check = Inspection("Caseload")
    >>> check.rates("deadweight_rate", [0.2, 1.2], 2).tolist()
    [0.2, 0.0]
    >>> check.finish()
    Traceback (most recent call last):
        ...
    pbr_opt.errors.InvalidInputError: Caseload has 1 fault:
      1. deadweight_rate[1]: given 1.2; wanted a rate between 0 and 1; try: divide per cents by 100
    """

    subject: str
    faults: list[Fault] = field(default_factory=list)

    def fault(self, place: str, given: object, wanted: str, remedy: str = "") -> None:
        """Record one fault."""
        text = str(given) if isinstance(given, str) and given.strip() else readable(given)
        self.faults.append(Fault(place, text, wanted, remedy))

    def finish(self) -> None:
        """Raise everything recorded, if anything was."""
        if self.faults:
            raise InvalidInputError(self.subject, self.faults)

    def known(self, given: Iterable[str], names: Sequence[str], what: str) -> None:
        """Record every name that is none of ``names``."""
        for name in given:
            if name not in names:
                self.fault(str(name), "a value", what, nearest(str(name), names))

    def array(self, place: str, value: ArrayLike, size: int) -> FloatArray:
        """Return ``value`` as ``size`` floats; a scalar is repeated."""
        try:
            given = np.asarray(value)
            if given.dtype.kind not in _NUMBER_LIKE:
                raise TypeError
            array = given.astype(np.float64)
        except (TypeError, ValueError):
            self.fault(place, value, "numbers", "write money and rates as plain numbers, without £, % or commas")
            return frozen(np.zeros(size))
        if array.ndim == 0:
            array = np.full(size, float(array))
        if array.shape != (size,):
            self.fault(place, f"shape {array.shape}", f"one number, or {size} of them", "one entry a row")
            return frozen(np.zeros(size))
        return frozen(array)

    def keep(
        self, place: str, array: FloatArray, good: BoolArray, wanted: str, remedy: str, fallback: float
    ) -> FloatArray:
        """Return ``array`` with what is not ``good`` recorded (a few in full, the rest counted) and replaced."""
        if bool(good.all()):
            return array
        bad = np.flatnonzero(~good)
        for k in bad[:_SHOWN_FAULTS]:
            self.fault(f"{place}[{k}]", array[k], wanted, remedy)
        if bad.size > _SHOWN_FAULTS:
            self.fault(place, f"{bad.size - _SHOWN_FAULTS} more entries of the same kind", wanted)
        return frozen(np.where(good, array, fallback))

    def money(self, place: str, value: ArrayLike, size: int) -> FloatArray:
        """Return finite money of at least zero."""
        array = self.array(place, value, size)
        good = np.isfinite(array) & (array >= 0) & (array <= _MOST)
        return self.keep(place, array, good, "finite money of at least £0", "", 0.0)

    def people(self, place: str, value: ArrayLike, size: int) -> FloatArray:
        """Return finite head counts of at least zero (fractions allowed: a segment is a share of a group)."""
        array = self.array(place, value, size)
        good = np.isfinite(array) & (array >= 0) & (array <= _MOST)
        return self.keep(place, array, good, "a finite number of people, at least 0", "", 0.0)

    def positive(self, place: str, value: ArrayLike, size: int, what: str) -> FloatArray:
        """Return finite numbers above zero; ``what`` names them in the message."""
        array = self.array(place, value, size)
        good = np.isfinite(array) & (array > 0) & (array <= _MOST)
        return self.keep(place, array, good, f"{what}: a finite number above 0", "", 1.0)

    def rates(self, place: str, value: ArrayLike, size: int, *, below_one: bool = False) -> FloatArray:
        """Return probabilities or shares, 0 to 1 (below 1 when ``below_one``)."""
        array = self.array(place, value, size)
        good = np.isfinite(array) & (array >= 0) & ((array < 1) if below_one else (array <= 1))
        per_cent = bool((np.isfinite(array) & (array > 1) & (array <= 100)).any())
        wanted = "a rate of at least 0 and below 1" if below_one else "a rate between 0 and 1"
        return self.keep(place, array, good, wanted, "divide per cents by 100" if per_cent else "", 0.0)

    def counts(self, place: str, value: ArrayLike, size: int) -> IntArray:
        """Return whole numbers of at least zero."""
        array = self.array(place, value, size)
        good = np.isfinite(array) & (array >= 0) & (array == np.floor(array)) & (array <= 1e6)
        whole = self.keep(place, array, good, "a whole number from 0 to 1,000,000", "", 0.0).astype(np.int64)
        whole.setflags(write=False)
        return whole

    def whole(self, place: str, value: object, *, lowest: int = 0, highest: int = 10**9) -> int:
        """Return one whole number in a closed interval."""
        number = self.number(place, value, lowest=lowest, highest=highest)
        if number != int(number):
            self.fault(place, number, "a whole number")
        if isinstance(value, (int, np.integer)) and number == float(value):
            return int(value)  # to the last digit, which a float of many does not have
        return int(number)

    def number(self, place: str, value: object, *, lowest: float = 0.0, highest: float = _MOST) -> float:
        """Return one finite number in a closed interval."""
        try:
            number = float(value)  # type: ignore[arg-type]  # anything may come in: that is what is being checked
        except (TypeError, ValueError):
            self.fault(place, value, "a number", "write it without £, % or commas")
            return lowest
        if not (np.isfinite(number) and lowest <= number <= highest):
            upper = f" and at most {highest:,.10g}" if highest != _MOST else ""
            self.fault(place, number, f"a finite number of at least {lowest:,.10g}{upper}")
            return lowest
        return number

    def labels(self, place: str, value: Sequence[object] | NDArray[np.generic] | None) -> tuple[str, ...]:
        """Return ids as text: numbers become their digits, blanks and missing values are faults."""
        if value is None or not (np.isscalar(value) or np.iterable(value)):
            self.fault(place, value, "one id, or a list of them")
            return ()
        items: list[object] = [value] if np.isscalar(value) else list(np.asarray(value, dtype=object).ravel())
        names = []
        for k, item in enumerate(items):
            name = label(item)
            if item is None or name in {"", "nan"}:
                self.fault(f"{place}[{k}]", item, "an id that is not blank")
            names.append(name)
        if not names:
            self.fault(place, "nothing", "at least one entry")
        return tuple(names)
