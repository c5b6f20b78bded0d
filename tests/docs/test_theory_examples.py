"""Examples on pages about theory run, and print what they say."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "theory"


@pytest.mark.parametrize("page", ["calibration", "simulation"])
def test_the_examples_of_a_page_run(page: str) -> None:
    done = doctest.testfile(str(FOLDER / f"{page}.md"), module_relative=False, optionflags=doctest.ELLIPSIS)
    assert done.attempted > 0
    assert done.failed == 0
