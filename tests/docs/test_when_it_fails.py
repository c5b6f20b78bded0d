"""``docs/how-to/when-it-fails.md`` has an entry for every error, and its examples occur as printed."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
import re
from pathlib import Path

import pytest

import pbr_opt
from pbr_opt.errors import PbrError

PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "when-it-fails.md"
ENTRY = re.compile(r"^## `(\w+)`\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
NOT_YET_RAISED: set[str] = set()
"""Classes that nothing raises in this version; their entries say so instead of showing an example."""


def _entries() -> dict[str, str]:
    return dict(ENTRY.findall(PAGE.read_text(encoding="utf-8")))


def _error_classes() -> set[type[PbrError]]:
    """Return ``PbrError`` and everything that descends from it, wherever in the package it is defined."""
    for module in pkgutil.walk_packages(pbr_opt.__path__, "pbr_opt."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    found: set[type[PbrError]] = set()
    waiting: list[type[PbrError]] = [PbrError]
    while waiting:
        found.add(kind := waiting.pop())
        waiting.extend(kind.__subclasses__())
    return {kind for kind in found if kind.__module__.startswith("pbr_opt.")}


def test_every_error_has_an_entry_and_every_entry_an_error() -> None:
    assert set(_entries()) == {kind.__name__ for kind in _error_classes()}


@pytest.mark.parametrize("name", _entries())
def test_an_entry_shows_the_message_and_says_what_to_do(name: str) -> None:
    entry = _entries()[name]
    if name != "PbrError":
        assert "**What to do.**" in entry
    if name in NOT_YET_RAISED:
        assert "othing in this version raises it" in entry
        assert ">>>" not in entry
    else:
        assert f"pbr_opt.errors.{name}: " in entry or name == "PbrError"


def test_the_examples_occur_as_printed() -> None:
    flags = doctest.ELLIPSIS | doctest.REPORT_NDIFF
    result = doctest.testfile(str(PAGE), module_relative=False, optionflags=flags, encoding="utf-8")
    assert result.attempted > len(_entries())
    assert result.failed == 0, "see the report of doctest on standard output"


def test_errors_that_nothing_raises_are_raised_nowhere() -> None:
    """When one of them gets a use, its entry needs an example."""
    source = "\n".join(path.read_text(encoding="utf-8") for path in Path(pbr_opt.__path__[0]).rglob("*.py"))
    raised = {name for name in NOT_YET_RAISED if re.search(rf"raise {name}\b", source)}
    assert not raised
