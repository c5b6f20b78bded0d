"""Find a programme by its name, or read one from a folder."""

from __future__ import annotations

import os
from importlib.resources.abc import Traversable
from pathlib import Path

from pbr_opt.errors import ProgrammeDataError
from pbr_opt.market.programme import Programme
from pbr_opt.programmes.files import PROGRAMME_FILE, Reading, read_folder
from pbr_opt.programmes.layers import bundled_folder, list_bundled
from pbr_opt.programmes.workbook_reading import WORKBOOK_ENDINGS, read_workbook
from pbr_opt.quantities import nearest

__all__ = ["folder_of", "list_programmes", "load", "open_programme"]


def list_programmes() -> tuple[str, ...]:
    """Return the names of the programmes that come with the package.

    >>> "work_programme_2011" in list_programmes()
    True
    """
    return list_bundled()


def load(name_or_path: str | os.PathLike[str]) -> Programme:
    """Return a programme: a bundled one by name, or one of your own from its folder or workbook.

    Parameters
    ----------
    name_or_path : str or path
        A name of :func:`list_programmes`; or a folder with a ``programme.toml``; or a TOML file inside such a folder;
        or an .xlsx workbook. A bundled name wins over a folder of the same name: write ``./name`` for the folder.

    Returns
    -------
    Programme
        Frozen. Nothing is fetched from a network.

    Raises
    ------
    ProgrammeDataError
        When there is no such programme; suggests the nearest name and lists what there is.
    InvalidInputError
        When the folder or workbook has faults: all of them, each with file and line, or cell.

    Examples
    --------
    >>> programme = load("work_programme_2011")
    >>> programme.caseload.groups, round(programme.caseload.total_participants)
    (('1', '2', '3', '4', '5', '6', '7', '8', '9'), 1950000)
    """
    return open_programme(name_or_path).programme


def open_programme(name_or_path: str | os.PathLike[str]) -> Reading:
    """Return a programme with what its files ask of it: objective and limits. For the rest see :func:`load`."""
    path = Path(name_or_path).expanduser()
    is_bundled = isinstance(name_or_path, str) and bundled_folder(name_or_path) is not None
    if not is_bundled and path.is_file() and path.suffix.lower() in WORKBOOK_ENDINGS:
        return read_workbook(path)
    return read_folder(*folder_of(name_or_path))


def folder_of(name_or_path: str | os.PathLike[str]) -> tuple[Traversable, str]:
    """Return the folder that a name or a path stands for, and its settings file.

    Raises
    ------
    ProgrammeDataError
        As :func:`load`.

    Examples
    --------
    >>> folder_of("work_programme_2011")[1]
    'programme.toml'
    """
    bundled = bundled_folder(name_or_path) if isinstance(name_or_path, str) else None
    if bundled is not None:
        return bundled, PROGRAMME_FILE
    path = Path(name_or_path).expanduser()
    if path.is_dir():
        return path, PROGRAMME_FILE
    if path.is_file() and path.suffix.lower() == ".toml":
        return path.parent, path.name
    raise ProgrammeDataError(_not_found(name_or_path, path))


def _not_found(given: str | os.PathLike[str], path: Path) -> str:
    """Return what was asked for, what there is, and what to try."""
    bundled = ", ".join(list_programmes())
    what = "neither a folder nor a .toml or .xlsx file" if path.exists() else "no such programme"
    return (
        f"given '{os.fspath(given)}': {what}; wanted a bundled programme ({bundled}) "
        f"or a folder with a {PROGRAMME_FILE} or an .xlsx workbook; try: {nearest(path.name, list_programmes())}"
    )
