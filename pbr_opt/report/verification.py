"""Verify results: every byte against its hash, every number against a run of today."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pbr_opt.analysis.assumptions import conclusions
from pbr_opt.design.result import Design
from pbr_opt.errors import Fault, InvalidInputError, PbrError
from pbr_opt.market.programme import Programme
from pbr_opt.market.tariffs import Tariff
from pbr_opt.programmes.content import content_hash
from pbr_opt.programmes.files import read_folder
from pbr_opt.programmes.questions import Question, question_from
from pbr_opt.quantities import Inspection
from pbr_opt.report.comparison import compare, proof, tariff_fees
from pbr_opt.report.frontiers import FRONTIER, frontier_dict, traced
from pbr_opt.report.records import RECORD_FILE, plain, sha256, unsealed

__all__ = ["Verdict", "verify"]

_SAME_RELATIVE: Final = 1e-9
"""Sums of a million terms in another order, on another machine, differ by less; a penny in ten million pounds."""
_RESULTS: Final = ("tariffs", "conclusions", "participants", "programme")
"""What is computed; assumptions are inputs, and their hash is compared."""
_DESIGN: Final = "design of "
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
    evaluated, every design searched for anew from what was asked.

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
        was, now = _recorded(record, notes), _computed(record, programme)
    except (PbrError, KeyError, TypeError, ValueError) as error:
        line = f"cannot be run again: {record.get('inputs_note') or error}"
        return Verdict((line,), tuple(notes), files, 0, math.inf, "")
    for label in [key for key in was if key.startswith(_DESIGN) and was[key]["method"] != now[key]["method"]]:
        notes.append(
            f"the {label} was found by another method ({was.pop(label)['method']}): its prices are evaluated again"
        )
    differences = list(_differences(was, plain({key: now[key] for key in was}), ""))
    largest, at = max(differences, default=(0.0, ""))
    failures = [f"{where}: differs by {gap:.1e}" for gap, where in differences if gap > _SAME_RELATIVE]
    return Verdict(tuple(failures), tuple(notes), files, len(differences), largest, at if largest > 0.0 else "")


def _recorded(record: Mapping[str, Any], notes: list[str]) -> dict[str, Any]:
    """Return what a record claims, as :func:`_computed` returns it."""
    if FRONTIER in record:
        if record[FRONTIER]["asked"] is None:
            notes.append("the frontier is not traced again: what was asked cannot be written as text")
            return {}
        return {FRONTIER: record[FRONTIER]}
    tariffs = {label: {k: v for k, v in result.items() if k != "design"} for label, result in record["tariffs"].items()}
    claimed = {name: record[name] for name in _RESULTS} | {"tariffs": tariffs}
    for label, result in record["tariffs"].items():
        if result["design"] is None:
            continue
        if result["design"]["asked"] is None:
            notes.append(f"the search for '{label}' is not repeated: what was asked cannot be written as text")
        else:
            claimed[_DESIGN + label] = result["design"] | {"fees": result["fees"]}
    return claimed


def _computed(record: Mapping[str, Any], programme: Programme) -> dict[str, Any]:
    """Return the same from a run of today: tariffs evaluated, designs searched for, assumptions tried."""
    if FRONTIER in record:
        return _traced(record[FRONTIER], programme)
    tariffs = {label: Tariff(**result["fees"]) for label, result in record["tariffs"].items()}
    result = compare(programme, tariffs)
    if record["conclusions"]:
        result = result.with_conclusions(conclusions(programme, tariffs))
    found = result.to_dict()
    evaluated = found["tariffs"]
    assert isinstance(evaluated, dict)
    plain_tariffs = {label: {k: v for k, v in each.items() if k != "design"} for label, each in evaluated.items()}
    computed = {name: found[name] for name in _RESULTS} | {"tariffs": plain_tariffs}
    for label, each in record["tariffs"].items():
        if each["design"] is not None and each["design"]["asked"] is not None:
            design = _designed(programme, each["design"]["asked"])
            fees = tariff_fees(design.tariff.aligned(programme.caseload.groups))
            computed[_DESIGN + label] = proof(design) | {"fees": fees}
    return computed


def _traced(claimed: Mapping[str, Any], programme: Programme) -> dict[str, Any]:
    """Return a frontier of today, where it can be asked for again."""
    if claimed["asked"] is None:
        return {}
    question = _question(programme, claimed["asked"])
    return {FRONTIER: frontier_dict(traced(programme, question.objective, claimed["budgets_gbp"], question.limits))}


def _designed(programme: Programme, asked: Mapping[str, str]) -> Design:
    return _question(programme, asked).answer(programme)


def _question(programme: Programme, asked: Mapping[str, str]) -> Question:
    check = Inspection("run.json")
    question = question_from(check, asked, programme)
    check.finish()
    assert question is not None, "without a fault there is a question"
    return question


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
