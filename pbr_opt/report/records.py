"""Records: results as files that others can open, and ``run.json`` that says exactly where they came from."""

from __future__ import annotations

import hashlib
import json
import math
import os
import platform
import shutil
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from pbr_opt.errors import OutputError
from pbr_opt.market.programme import Programme
from pbr_opt.market.tariffs import Tariff

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "assumption_table",
    "fingerprint",
    "plain",
    "provenance",
    "source_rows",
    "to_json",
    "versions",
    "write_files",
    "write_record",
]

_LIBRARIES: Final = ("pbr_opt", "numpy", "scipy", "cvxpy", "networkx", "pandas")
_COLUMNS: Final = (
    "participants",
    "deadweight_rate",
    "ceiling_rate",
    "response_scale_gbp",
    "curvature",
    "exit_hazard",
    "reentry_rate",
)
_FEES: Final = (
    "attachment_fee_gbp",
    "outcome_fee_gbp",
    "sustainment_fee_gbp",
    "sustainment_max",
    "sustainment_window",
)


def fingerprint(programme: Programme, tariff: Tariff | None = None) -> str:
    """Return the SHA-256 of everything that an evaluation depends on: the caseload, the terms, a tariff.

    >>> from pbr_opt.market.caseload import Caseload
    >>> programme = Programme("p", Caseload(["a"], 100, .1, .3, 500), Tariff(["a"], 0, 1000))
    >>> fingerprint(programme) == fingerprint(programme.replace(name="another name"))
    True
    """
    caseload = programme.caseload
    fees = (tariff or programme.tariff).aligned(caseload.groups)
    value = programme.outcome_value_gbp
    parts: list[Any] = [
        list(caseload.groups),
        caseload.group_index,
        *(getattr(caseload, name) for name in _COLUMNS),
        *(getattr(fees, name) for name in _FEES),
        np.array([programme.discount_rate, programme.terms.bid_discount]),
        programme.terms.attachment_taper,
        programme.terms.intake_share,
        programme.minimum_service_gbp,
        programme.mission_gbp,
        programme.base_service_gbp,
        np.zeros(0) if value is None else value,
    ]
    digest = hashlib.sha256()
    for part in parts:
        text = json.dumps(part if isinstance(part, list) else [format(v, ".17g") for v in np.asarray(part).tolist()])
        digest.update(text.encode())
    return digest.hexdigest()


def provenance(
    programme: Programme, tariffs: Mapping[str, Tariff], settings: Mapping[str, object]
) -> dict[str, object]:
    """Return where results came from: versions, settings, seed, hashes of inputs, sources.

    >>> from pbr_opt.market.caseload import Caseload
    >>> programme = Programme("p", Caseload(["a"], 100, .1, .3, 500), Tariff(["a"], 0, 1000))
    >>> sorted(provenance(programme, {"today": programme.tariff}, {})["inputs_sha256"])
    ['today']
    """
    return {
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "versions": versions(),
        "seed": None,
        "seed_note": "nothing here is random",
        "settings": dict(settings),
        "inputs_sha256": {label: fingerprint(programme, tariff) for label, tariff in tariffs.items()},
        "sources": source_rows(programme),
    }


def versions() -> dict[str, str]:
    """Return the versions of the libraries that results depend on, by name."""
    return {name: _version(name) for name in _LIBRARIES}


def source_rows(programme: Programme) -> list[dict[str, str]]:
    """Return every source that a programme cites, one mapping a source."""
    return [{"key": s.key, "title": s.title, "grade": s.grade, "address": s.address} for s in programme.sources()]


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed as a distribution"


def write_record(folder: Path, files: Mapping[str, str], record: Mapping[str, object]) -> tuple[Path, ...]:
    """Write text files and, last, ``run.json``: the record with a hash of every file.

    Raises
    ------
    OutputError
        When the folder cannot be written; then nothing in it has changed.
    """
    hashes = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in files.items()}
    return write_files(folder, {**files, "run.json": to_json({**record, "files_sha256": hashes})})


def to_json(record: Mapping[str, object]) -> str:
    """Return a record as JSON text; what is infinite (a cost per outcome without outcomes) becomes null.

    >>> print(to_json({"cost": float("inf"), "people": np.float64(3)}), end="")
    {
     "cost": null,
     "people": 3.0
    }
    """
    return f"{json.dumps(plain(record), indent=1, ensure_ascii=False, allow_nan=False)}\n"


def assumption_table(programme: Programme) -> pd.DataFrame:
    """Return every number that was not read in a source, with its range: one row a figure."""
    import pandas as pd  # slow to import: only when a table is asked for

    columns = ("id", "value", "low", "high", "unit", "status", "source", "note")
    rows = [(f.id, f.value, *f.range, f.unit, f.status, f.source, f.note) for f in programme.assumptions]
    return pd.DataFrame(rows, columns=list(columns))


def plain(value: object) -> object:
    """Return a value as what JSON knows: numpy numbers as numbers, infinities as None, whatever they lie in."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [plain(item) for item in value]
    return value


def write_files(folder: Path, files: Mapping[str, str]) -> tuple[Path, ...]:
    """Write text files into a folder, which is made if need be: first all of them beside it, then each into its place.

    Raises
    ------
    OutputError
        With the folder and the reason. When it is raised before the files are moved, nothing has changed.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        if folder.exists() and not (folder.is_dir() and os.access(folder, os.W_OK)):
            raise PermissionError(f"'{folder}' is not a folder that can be written")
        staging = Path(tempfile.mkdtemp(prefix=".pbr-", dir=folder.parent))
        try:
            for name, text in files.items():
                (staging / name).write_text(text, encoding="utf-8", newline="\n")
            folder.mkdir(exist_ok=True)
            for name in files:
                os.replace(staging / name, folder / name)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
    except OSError as error:
        raise OutputError(
            f"Cannot write results to '{folder}': {error.strerror or error}. "
            "Wanted: a folder that can be made or written; try another --out."
        ) from error
    return tuple(folder / name for name in files)
