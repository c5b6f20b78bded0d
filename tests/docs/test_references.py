"""Names of the package that the documentation mentions exist."""

from __future__ import annotations

import importlib
import re
from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"
DOTTED = re.compile(r"`(pbr_opt(?:\.\w+)+)(?:\(.*?\))?`")


def _mentioned() -> list[tuple[str, str]]:
    return sorted(
        {
            (str(page.relative_to(DOCS)), name)
            for page in DOCS.rglob("*.md")
            for name in DOTTED.findall(page.read_text(encoding="utf-8"))
        }
    )


def _exists(dotted: str) -> bool:
    """Whether a dotted name is a module, or a member of one, or a field of a class in one."""
    parts = dotted.split(".")
    for stop in range(len(parts), 0, -1):
        try:
            item: object = importlib.import_module(".".join(parts[:stop]))
        except ModuleNotFoundError:
            continue
        return _has(item, parts[stop:])
    return False


def _has(item: object, path: list[str]) -> bool:
    for name in path:
        if is_dataclass(item) and name in {field.name for field in fields(item)}:
            return True
        if not hasattr(item, name):
            return False
        item = getattr(item, name)
    return True


@pytest.mark.parametrize(("page", "name"), _mentioned())
def test_a_name_in_the_documentation_exists(page: str, name: str) -> None:
    assert _exists(name), f"docs/{page} mentions {name}"


def test_the_documentation_mentions_names() -> None:
    pages = {page for page, _ in _mentioned()}
    assert {"notation.md", "theory/model.md"} <= pages
    assert not _exists("pbr_opt.market.caseload.Caseload.shoe_size")
