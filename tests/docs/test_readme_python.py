"""The README's Python runs as it stands, and its comparison is what the package prints today."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def test_the_examples_run_one_after_the_other(capsys: pytest.CaptureFixture[str]) -> None:
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.DOTALL)
    assert len(blocks) == 2
    exec("\n".join(blocks), {})
    printed = capsys.readouterr().out
    assert "optimised: least people parked" in printed
    assert "Charity" in printed


@pytest.mark.parametrize("name", ["compare_2011", "scenarios_2011"])
def test_what_is_shown_is_what_is_computed(name: str) -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "experiments" / f"{name}.py"), "--check"],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "verdict: holds" in done.stdout


def test_pictures_are_there_and_what_this_version_of_matplotlib_draws() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = re.findall(r"!\[[^\]]{20,}\]\(([^)]+)\)", readme)
    assert len(shown) >= 2
    assert all((ROOT / path).is_file() for path in shown)
    pinned = re.search(r"^matplotlib==(\S+)$", (ROOT / "constraints.txt").read_text(encoding="utf-8"), re.MULTILINE)
    if pinned is None or metadata.version("matplotlib") != pinned[1]:
        pytest.skip("another matplotlib draws other bytes")
    done = subprocess.run(
        [sys.executable, str(ROOT / "experiments" / "draw_pictures.py"), "--check"],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stdout + done.stderr
