"""Examples on pages run, and print what they say."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.mark.parametrize(
    "page",
    [
        "theory/calibration",
        "theory/simulation",
        "how-to/objectives",
        "how-to/limits",
        "how-to/levers",
    ],
)
def test_the_examples_of_a_page_run(page: str) -> None:
    done = doctest.testfile(str(DOCS / f"{page}.md"), module_relative=False, optionflags=doctest.ELLIPSIS)
    assert done.attempted > 0
    assert done.failed == 0
