"""Verify results: every byte against its hash, every number against a run of today."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pbr_opt.errors import Fault, InvalidInputError, PbrError
from pbr_opt.programmes.content import content_hash
from pbr_opt.programmes.files import read_folder
from pbr_opt.report.records import RECORD_FILE, plain, sha256, unsealed
from pbr_opt.report.reruns import DESIGN, computed, recorded

__all__ = ["Verdict", "verify"]

_SAME_RELATIVE: Final = 1e-9
"""Sums of a million terms in another order, on another machine, differ by less; a penny in ten million pounds."""
_NOTHING_SHOWN: Final = 1e-6
"""Below this numbers are compared as they are: the largest gain from deviating is rounding, 1e-12 or so."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a verification found.

    Attributes
    ----------
    failures : tuple of str
        What is not as recorded, empty when everything is.
    notes : tuple of str
        What somebody may want to know beside it: other versions, files that are not part of the record.
    files : int
        Whose bytes were compared.
    numbers : int
        That were computed again.
    largest_difference : float
        Relative, of these numbers; infinite when something could not be computed again.
    largest_at : str
        Where it is.
    """

    failures: tuple[str, ...]
    notes: tuple[str, ...]
    files: int
    numbers: int
    largest_difference: float
    largest_at: str

    @property
    def passed(self) -> bool:
        """Whether everything is as recorded."""
        return not self.failures

    def to_dict(self) -> dict[str, object]:
        """Return the fields for a machine."""
        return {
            "passed": self.passed,
            "failures": list(self.failures),
            "notes": list(self.notes),
            "files": self.files,
            "numbers": self.numbers,
            "largest_difference": self.largest_difference,
            "largest_at": self.largest_at,
        }

    def __str__(self) -> str:
        """Return one line a finding, and PASS or FAIL."""
        where = f", at {self.largest_at}" if self.largest_at else ""
        again = (
            f"{self.numbers:,} numbers computed again, largest difference {self.largest_difference:.1e}{where}"
            if self.numbers
            else "nothing computed again"
        )
        verdict = f"{'PASS' if self.passed else 'FAIL'}: {self.files} files hashed, {again}"
        return "\n".join([*self.failures, *(f"note: {note}" for note in self.notes), verdict])


def verify(folder: str | Path) -> Verdict:
    """Return whether a folder of results is as it was written, and whether its numbers come out again.

    Every file is hashed, ``run.json`` by a seal of its own; the programme in ``inputs/`` is read, every tariff
    evaluated, every design searched for anew from what was asked; frontiers are traced again, and people and worlds
    drawn again from the seed.

    Parameters
    ----------
    folder : str or Path
        What :meth:`~pbr_opt.report.comparison.Comparison.save`, :func:`~pbr_opt.report.frontiers.save_frontier` or
        ``--out`` wrote.

    Returns
    -------
    Verdict
        Never raises for what it finds in the files: that is its finding.

    Raises
    ------
    InvalidInputError
        When there is no record in the folder.
    """
    place = Path(folder)
    if not (place / RECORD_FILE).is_file():
        remedy = "name a folder that --out has written"
        raise InvalidInputError("verify", [Fault(str(folder), f"no {RECORD_FILE}", "a folder of results", remedy)])
    try:
        record = unsealed((place / RECORD_FILE).read_bytes().decode())
    except UnicodeDecodeError:
        record = None
    if record is None:
        return Verdict((f"{RECORD_FILE} is not as it was written",), (), 1, 0, math.inf, "")
    hashes: Mapping[str, str] = record.get("files_sha256", {})
    failures = [line for name, digest in hashes.items() if (line := _changed(place, name, digest))]
    there = {path.relative_to(place).as_posix() for path in place.rglob("*") if path.is_file()}
    notes = [f"{name} is not part of the record" for name in sorted(there - set(hashes) - {RECORD_FILE})]
    if failures:
        return Verdict(tuple(failures), tuple(notes), len(hashes) + 1, 0, math.inf, "")
    return _run_again(place, record, notes, len(hashes) + 1)


def _changed(place: Path, name: str, digest: str) -> str:
    """Return what is wrong with a file, nothing when it is as it was written."""
    path = place / name
    if not path.is_file():
        return f"{name} is missing"
    return "" if sha256(path.read_bytes()) == digest else f"{name} is not as it was written"


def _run_again(place: Path, record: Mapping[str, Any], notes: list[str], files: int) -> Verdict:
    try:
        programme = read_folder(place / "inputs").programme
        if content_hash(programme) != record["inputs_sha256"]["programme"]:
            raise InvalidInputError("inputs", [Fault("inputs", "another programme", "the one of the record")])
        was, now = recorded(record, notes), computed(record, programme, place / "inputs")
    except (PbrError, KeyError, TypeError, ValueError) as error:
        line = f"cannot be run again: {record.get('inputs_note') or error}"
        return Verdict((line,), tuple(notes), files, 0, math.inf, "")
    for label in [key for key in was if key.startswith(DESIGN) and was[key]["method"] != now[key]["method"]]:
        notes.append(
            f"the {label} was found by another method ({was.pop(label)['method']}): its prices are evaluated again"
        )
    differences = list(_differences(was, plain({key: now[key] for key in was}), ""))
    largest, at = max(differences, default=(0.0, ""))
    failures = [f"{where}: differs by {gap:.1e}" for gap, where in differences if gap > _SAME_RELATIVE]
    return Verdict(tuple(failures), tuple(notes), files, len(differences), largest, at if largest > 0.0 else "")


def _differences(was: Any, now: Any, at: str) -> Iterator[tuple[float, str]]:  # noqa: ANN401  # anything that JSON holds
    """Yield the relative difference of every number, and infinity where anything else differs."""
    if isinstance(was, Mapping) and isinstance(now, Mapping) and was.keys() == now.keys():
        for key in was:
            yield from _differences(was[key], now[key], f"{at}/{key}" if at else str(key))
    elif isinstance(was, list) and isinstance(now, list) and len(was) == len(now):
        for k, (old, new) in enumerate(zip(was, now, strict=True)):
            yield from _differences(old, new, f"{at}/{k}")
    elif _is_number(was) and _is_number(now):
        yield abs(was - now) / max(abs(was), abs(now), _NOTHING_SHOWN), at
    elif was != now:
        yield math.inf, at


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
