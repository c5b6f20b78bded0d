"""Save a programme: as a workbook, or as a folder of TOML and CSV."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from pbr_opt.market.programme import Programme
from pbr_opt.programmes.workbook_writing import workbook_bytes
from pbr_opt.programmes.writing import folder_texts
from pbr_opt.report.records import write_files

__all__ = ["save_programme"]


def save_programme(
    programme: Programme, path: str | os.PathLike[str], asked: Mapping[str, str] | None = None
) -> tuple[Path, ...]:
    """Write a programme so that ``load(path)`` gives it back, to the same content hash.

    Parameters
    ----------
    programme : Programme
        What to write.
    path : path
        With the ending .xlsx a workbook; otherwise a folder.
    asked : mapping, optional
        Objective and limits by name, for sheet or file of limits.

    Returns
    -------
    tuple of Path
        What was written.

    Raises
    ------
    OutputError
        When it cannot be written; then nothing has changed.
    UnsupportedModelError
        When files cannot say all of it.
    """
    place = Path(path)
    if place.suffix.lower() == ".xlsx":
        return write_files(place.parent, {place.name: workbook_bytes(programme, asked)})
    return write_files(place, folder_texts(programme, asked))
