"""A programme folder and the one it is based on: what the first does not say, the second does.

``base = "work_programme_2011"`` in a ``programme.toml`` names a bundled programme, or another folder beside this one.
Of tables that say one thing a row (tariff cells, figures, sources) a base's rows come first and the folder's own rows
replace those of the same name; of other tables the nearest file holds, whole.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final, Protocol

from pbr_opt.programmes.tables import Table, TableForm, read_table, text_of
from pbr_opt.quantities import Inspection, nearest

__all__ = [
    "PROGRAMME_FILE",
    "FolderLayer",
    "Layer",
    "Settings",
    "bundled_folder",
    "layers_above",
    "layers_of",
    "list_bundled",
    "table_of",
    "tables_of",
]

PROGRAMME_FILE: Final = "programme.toml"

_PACKAGE: Final = "pbr_opt.programmes"
_KEYS: Final = ("name", "description", "base", "seed", "central_case", "rivalry")


@dataclass(frozen=True, slots=True)
class Settings:
    """What a ``programme.toml`` says.

    Attributes
    ----------
    name : str
        The programme's.
    base : str
        The programme it adds to; empty for none.
    seed : int or None
        From which its generated rows were drawn.
    segments_per_group : int or None
        How finely a derivation cuts groups; None when the file has no central case.
    share_rule : str or None
        The rule by which rivals share referrals; None when the file says nothing of rivals.
    share_rule_place : str
        Where it stands.
    """

    name: str = ""
    base: str = ""
    seed: int | None = None
    segments_per_group: int | None = None
    share_rule: str | None = None
    share_rule_place: str = ""


class Layer(Protocol):
    """Where a programme's tables come from: a folder, or something else that is read in the same way."""

    @property
    def prefix(self) -> str:
        """Return what opens the names of its tables in messages; empty for what was asked for."""

    @property
    def settings(self) -> Settings:
        """Return what it says of the programme as a whole."""

    @property
    def derives(self) -> bool:
        """Whether segments are to be derived from its figures, whatever its bases have."""

    def holds(self, file: str) -> bool:
        """Whether it has a table."""

    def read(self, check: Inspection, form: TableForm) -> Table:
        """Return a table, faults recorded."""


@dataclass(frozen=True, slots=True)
class FolderLayer:
    """One folder of a programme.

    Attributes
    ----------
    folder : Traversable
        A path or a package resource.
    prefix : str
        Opens the names of its files in messages; empty for the folder that was asked for.
    settings : Settings
        What its TOML file says.
    """

    folder: Traversable
    prefix: str
    settings: Settings
    derives: bool = False

    def holds(self, file: str) -> bool:
        """Whether the folder has a file."""
        return self.folder.joinpath(file).is_file()

    def read(self, check: Inspection, form: TableForm) -> Table:
        """Return a table of the folder, faults and rows under names that say which folder it is."""
        own = Inspection(check.subject)
        table = read_table(own, self.folder, form)
        _pass_on(check, self.prefix, own)
        return Table(tuple(replace(row, file=self.prefix + row.file) for row in table.rows), table.present)


def _pass_on(check: Inspection, prefix: str, found: Inspection) -> None:
    """Record the faults of a folder's file under the name by which the file is called."""
    for fault in found.faults:
        check.fault(prefix + fault.place, fault.given, fault.wanted, fault.remedy)


def list_bundled() -> tuple[str, ...]:
    """Return the names of the programmes that come with the package."""
    return tuple(sorted(item.name for item in resources.files(_PACKAGE).iterdir() if bundled_folder(item.name)))


def bundled_folder(name: str) -> Traversable | None:
    """Return the folder of a programme that comes with the package, or None.

    >>> bundled_folder("work_programme_1911") is None
    True
    """
    plain = bool(name) and not {"/", "\\", "."} & set(name)
    folder = resources.files(_PACKAGE).joinpath(name) if plain else None
    return folder if folder is not None and folder.joinpath(PROGRAMME_FILE).is_file() else None


def layers_of(check: Inspection, folder: Traversable, settings_file: str = PROGRAMME_FILE) -> tuple[Layer, ...]:
    """Return a folder, its base, the base of that, and so on.

    Raises
    ------
    InvalidInputError
        When a base cannot be found, or bases come round in a circle: what else is missing cannot be said then.
    """
    here = FolderLayer(_resolved(folder), "", _settings(check, folder, settings_file, ""))
    return layers_above(check, here, f"{settings_file}, base")


def layers_above(check: Inspection, first: Layer, place: str) -> tuple[Layer, ...]:
    """Return a layer, its base, the base of that, and so on.

    Parameters
    ----------
    check : Inspection
        Where faults are recorded.
    first : Layer
        What was asked for; only a folder may be based on another folder.
    place : str
        Where it names its base.
    """
    here, found = first, [first]
    while name := here.settings.base:
        below = _base(here.folder if isinstance(here, FolderLayer) else None, name)
        if below is None:
            remedy = nearest(name, list_bundled())
            wanted = f"a bundled programme or a folder with a {PROGRAMME_FILE}, inside or beside this one"
            check.fault(place, name, wanted, remedy)
        elif any(isinstance(layer, FolderLayer) and below == layer.folder for layer in found):
            check.fault(place, name, "a base that is not based on this folder")
            below = None
        if below is None:
            check.finish()
            break
        prefix = f"{below.name}/"
        here = FolderLayer(below, prefix, _settings(check, below, PROGRAMME_FILE, prefix))
        place = f"{prefix}{PROGRAMME_FILE}, base"
        found.append(here)
    return tuple(found)


def _base(folder: Traversable | None, name: str) -> Traversable | None:
    """Return the folder that a base names: bundled, or inside or beside the folder that names it."""
    if (bundled := bundled_folder(name)) is not None or folder is None:
        return bundled
    below = _resolved(folder.joinpath(name))
    near = not isinstance(folder, Path) or below == folder or below.parent in (folder, folder.parent)  # type: ignore[attr-defined]
    return below if near and below.joinpath(PROGRAMME_FILE).is_file() else None


def _resolved(folder: Traversable) -> Traversable:
    """Return a path by its own name, so that two ways to one folder are seen to be one."""
    return folder.resolve() if isinstance(folder, Path) else folder


def tables_of(check: Inspection, layers: Sequence[Layer], form: TableForm) -> tuple[Table, ...]:
    """Return a table of every layer, the deepest base first; only that one must have it."""
    optional = replace(form, required=False)
    deepest = layers[-1]
    return tuple(layer.read(check, form if layer is deepest else optional) for layer in reversed(layers))


def table_of(check: Inspection, layers: Sequence[Layer], form: TableForm) -> Table:
    """Return the table of the nearest layer that has it."""
    tables = tables_of(check, layers, form)
    return next((table for table in reversed(tables) if table.present), tables[0])


def _settings(check: Inspection, folder: Traversable, file: str, prefix: str) -> Settings:
    """Return what a TOML file says."""
    own = Inspection(check.subject)
    text = text_of(own, folder, file)
    try:
        table = None if text is None else tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        own.fault(file, str(error), "a TOML file", 'texts stand in quotes: name = "..."')
        table = None
    settings = Settings() if table is None else _read_settings(own, file, table)
    _pass_on(check, prefix, own)
    return replace(settings, share_rule_place=f"{prefix}{file}, rivalry")


def _read_settings(check: Inspection, file: str, table: Mapping[str, object]) -> Settings:
    _inspect_keys(check, file, table, _KEYS)
    name, base, case, seed = (table.get(key) for key in ("name", "base", "central_case", "seed"))
    if not isinstance(name, str) or not name.strip():
        check.fault(f"{file}, name", "nothing" if name is None else name, "a name in quotes")
    if not isinstance(table.get("description", ""), str):
        check.fault(f"{file}, description", table["description"], "a text in quotes")
    if base is not None and not (isinstance(base, str) and base.strip()):
        check.fault(f"{file}, base", base, "the name of a programme, or a folder, in quotes")
    return Settings(
        str(name),
        base.strip() if isinstance(base, str) else "",
        None if seed is None else _whole(check, f"{file}, seed", seed, 0),
        None if case is None else _segments_per_group(check, file, case),
        None if "rivalry" not in table else _share_rule(check, f"{file}, rivalry", table["rivalry"]),
    )


def _share_rule(check: Inspection, place: str, rivalry: object) -> str:
    """Return the name of a rule, whether or not there is such a rule."""
    table = rivalry if isinstance(rivalry, dict) else {}
    if table is not rivalry:
        check.fault(place, rivalry, "a table", "[rivalry] on a line of its own")
    for key in table:
        if key != "rule":
            check.fault(place, f"'{key}'", "the rule alone", f"numbers are figures: rivalry/{key} in figures.csv")
    rule = table.get("rule", "")
    if not isinstance(rule, str):
        check.fault(f"{place}, rule", rule, "the name of a rule in quotes")
    return str(rule).strip()


def _segments_per_group(check: Inspection, file: str, case: object) -> int:
    table = case if isinstance(case, dict) else {}
    if table is not case:
        check.fault(f"{file}, central_case", case, "a table", "[central_case] on a line of its own")
    _inspect_keys(check, f"{file}, central_case", table, ("segments_per_group",))
    return _whole(check, f"{file}, segments_per_group", table.get("segments_per_group", 20), 1, 100_000)


def _whole(check: Inspection, place: str, given: object, lowest: int, highest: int = 2**32 - 1) -> int:
    if not isinstance(given, int) or isinstance(given, bool):
        check.fault(place, given, "a whole number")
        return lowest
    return int(check.number(place, given, lowest=lowest, highest=highest))


def _inspect_keys(check: Inspection, place: str, table: Mapping[str, object], known: Sequence[str]) -> None:
    for key in table:
        if key not in known:
            check.fault(place, f"'{key}'", "only known keys", nearest(key, known))
