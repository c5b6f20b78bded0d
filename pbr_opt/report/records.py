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

from pbr_opt.analysis.register import assumptions_register
from pbr_opt.errors import OutputError, UnsupportedModelError
from pbr_opt.market.programme import Programme
from pbr_opt.market.tariffs import Tariff
from pbr_opt.programmes.content import content_hash
from pbr_opt.programmes.tables import escaped
from pbr_opt.programmes.writing import folder_texts

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "RECORD_FILE",
    "assumption_table",
    "csv_text",
    "inputs_of",
    "plain",
    "provenance",
    "sealed",
    "sha256",
    "source_rows",
    "to_json",
    "unsealed",
    "versions",
    "write_files",
    "write_record",
]

RECORD_FILE: Final = "run.json"
_SEAL: Final = "record_sha256"
_LIBRARIES: Final = ("pbr_opt", "numpy", "scipy", "cvxpy", "clarabel", "highspy", "networkx", "pandas", "openpyxl")


def provenance(
    programme: Programme, tariffs: Mapping[str, Tariff], settings: Mapping[str, object]
) -> dict[str, object]:
    """Return where results came from: versions, settings, seed, hashes of inputs, sources.

    >>> from pbr_opt.market.caseload import Caseload
    >>> programme = Programme("p", Caseload(["a"], 100, .1, .3, 500), Tariff(["a"], 0, 1000))
    >>> sorted(provenance(programme, {"today": programme.tariff}, {})["inputs_sha256"]["tariffs"])
    ['today']
    """
    return {
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "versions": versions(),
        "seed": None,
        "seed_note": "nothing here is random",
        "settings": dict(settings),
        "inputs_sha256": {
            "programme": content_hash(programme),
            "tariffs": {label: content_hash(programme.replace(tariff=tariff)) for label, tariff in tariffs.items()},
        },
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


def inputs_of(programme: Programme) -> tuple[dict[str, str], dict[str, str]]:
    """Return the files of ``inputs/`` with a programme in them, and a note for the record where they cannot say all."""
    try:
        return {f"inputs/{name}": text for name, text in folder_texts(programme).items()}, {}
    except UnsupportedModelError as error:  # a record that cannot be run again is worth more than none
        return {}, {"inputs_note": str(error)}


def write_record(folder: Path, files: Mapping[str, str | bytes], record: Mapping[str, object]) -> tuple[Path, ...]:
    """Write files and, last, ``run.json``: the record with a hash of every file, and of itself.

    Raises
    ------
    OutputError
        When the folder cannot be written; then nothing in it has changed.
    """
    hashes = {name: sha256(contents) for name, contents in files.items()}
    return write_files(folder, {**files, RECORD_FILE: sealed({**record, "files_sha256": hashes})})


def sha256(contents: str | bytes) -> str:
    """Return the hash of a file's contents.

    >>> sha256("pbr")[:12]
    '465b53fe1394'
    """
    return hashlib.sha256(contents.encode() if isinstance(contents, str) else contents).hexdigest()


def sealed(record: Mapping[str, object]) -> str:
    """Return a record as JSON text that ends with its own hash: :func:`unsealed` sees every changed byte."""
    return to_json({**record, _SEAL: sha256(to_json(record))})


def unsealed(text: str) -> dict[str, Any] | None:
    """Return the record in a text, or None when a byte of it is not as it was written.

    >>> unsealed(sealed({"a": 1.5})), unsealed(sealed({"a": 1.5}).replace("1.5", "1.6")), unsealed("no JSON")
    ({'a': 1.5}, None, None)
    """
    try:
        record = json.loads(text)
    except ValueError:
        return None
    if not isinstance(record, dict) or _SEAL not in record:
        return None
    del record[_SEAL]
    return record if sealed(record) == text else None


def to_json(record: Mapping[str, object]) -> str:
    """Return a record as JSON text; what is infinite (a cost per outcome without outcomes) becomes null.

    >>> print(to_json({"cost": float("inf"), "people": np.float64(3)}), end="")
    {
     "cost": null,
     "people": 3.0
    }
    """
    return f"{json.dumps(plain(record), indent=1, ensure_ascii=False, allow_nan=False)}\n"


def csv_text(frame: pd.DataFrame) -> str:
    """Return a table as CSV in which no label is taken for a formula."""
    safe = frame.copy()
    for name in safe.columns:
        safe[name] = [escaped(item) if isinstance(item, str) else item for item in safe[name]]
    return safe.to_csv(index=False, lineterminator="\n")


def assumption_table(programme: Programme, ranking: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return the register of assumptions, ranked where a ranking is given, with None for what a row does not have."""
    table = assumptions_register(programme, ranking=ranking)
    return table.astype(object).where(table.notna(), None)


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


def write_files(folder: Path, files: Mapping[str, str | bytes]) -> tuple[Path, ...]:
    """Write files into a folder, which is made if need be: first all of them aside, then each into its place.

    Aside is in the folder where there is one: what is above it may be another disk, or somebody else's.

    Parameters
    ----------
    folder : Path
        Made if need be.
    files : mapping of name to text or bytes
        Names may have folders in them, with '/' between.

    Raises
    ------
    OutputError
        With the folder and the reason. When it is raised before the files are moved, nothing has changed.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        if folder.exists() and not (folder.is_dir() and os.access(folder, os.W_OK)):
            raise PermissionError(f"'{folder}' is not a folder that can be written")
        staging = Path(tempfile.mkdtemp(prefix=".pbr-", dir=folder if folder.is_dir() else folder.parent))
        try:
            for name, contents in files.items():
                (staging / name).parent.mkdir(parents=True, exist_ok=True)
                (staging / name).write_bytes(contents.encode() if isinstance(contents, str) else contents)
            folder.mkdir(exist_ok=True)
            for name in files:
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                os.replace(staging / name, folder / name)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
    except OSError as error:
        raise OutputError(
            f"Cannot write results to '{folder}': {error.strerror or error}. "
            "Wanted: a folder that can be made or written; try another --out."
        ) from error
    return tuple(folder / name for name in files)
