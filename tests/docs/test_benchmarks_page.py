"""The page of benchmarks: whoever is in the race is in the table, and a claim that fails is told."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "benchmarks.md"


@pytest.fixture(scope="module")
def peers() -> Iterator[ModuleType]:
    """Return the command that writes the table; scripts there import each other by name."""
    folder = str(ROOT / "experiments" / "benchmarks")
    sys.path.insert(0, folder)
    try:
        yield importlib.import_module("peers")
    finally:
        sys.path.remove(folder)


def _sections() -> dict[str, str]:
    text = PAGE.read_text(encoding="utf-8").split("<!-- peers: begin -->")[1].split("<!-- peers: end -->")[0]
    parts = re.split(r"^## (.+)$", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_every_peer_stands_under_every_objective(peers: ModuleType) -> None:
    sections = _sections()
    assert [name.lower() for name in sections] == [aim.name for aim in peers.AIMS]
    for text in sections.values():
        named = re.findall(r"^\| (.+?) \|", text, flags=re.MULTILINE)
        assert named[1:] == ["**this library**", *(peer.name for peer in peers.PEERS)]


def test_the_page_shows_at_least_twenty_seeds() -> None:
    for text in _sections().values():
        match = re.search(r"^\| \*\*this library\*\* \| (\d+) \|", text, flags=re.MULTILINE)
        assert match is not None
        assert int(match[1]) >= 20


def _holds(peers: ModuleType, rows: list[object]) -> bool:
    return all(each.met for each in peers.measured(rows))


def test_a_better_peer_or_a_slow_search_fails_the_claim(peers: ModuleType) -> None:
    fast, slow = ({aim: times * target for aim, target in peers.TARGETS.items()} for times in (2.0, 0.5))

    def rows(ratio: dict[str, float], worse: float) -> list[object]:
        return [peers.Row(peers.WRITTEN, aim, 0, 1.0, taken, worse, "to 1e-04") for aim, taken in ratio.items()]

    assert _holds(peers, rows(fast, 0.0))
    assert not _holds(peers, rows(slow, 0.0))
    assert not _holds(peers, rows(fast, -1e-6))


def test_a_peer_that_is_not_there_has_a_line_and_fails_nothing(peers: ModuleType) -> None:
    missing = [peers.Row(peers.WRITTEN, aim.name, 0, refusal="not installed") for aim in peers.AIMS]
    present = [peers.Row("scipy SLSQP", aim.name, 0, 0.001, 1.0, 1e-3, "none (local)") for aim in peers.AIMS]
    text = peers.table([*missing, *present])
    assert text.count(f"| {peers.WRITTEN} | | | | | not installed |") == len(peers.AIMS)
    assert text.count(
        "| scipy SLSQP | 1 | 1,000 (1,000 to 1,000) | 1.0e-03, at worst 1.0e-03 | 0 of 1 | none (local) |"
    )
    assert _holds(peers, [*missing, *present])
