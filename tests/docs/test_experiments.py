"""Every experiment runs, its claim holds, and the page about experiments has a paragraph on it."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "experiments"
PAGE = ROOT / "docs" / "experiments.md"
COMMANDS = sorted(
    path.stem for path in FOLDER.glob("*.py") if '\nif __name__ == "__main__":\n' in path.read_text(encoding="utf-8")
)
WRITERS = {
    "compare_2011",
    "derive_other_programmes",
    "draw_pictures",
    "derive_work_programme_2011",
    "generate_supply_chain_2011",
}
"""They write files of the project; test_readme_python.py and tests/reference run them with ``--check``."""
LONG = {
    "chosen_groups",  # thirty searches for payment groups
    "delegation_multiplies_parking",  # designs over chains of two intermediaries
    "rivals_national",  # the national chain seven times
    "share_shift",  # mixed equilibria over ten noises
    "stylised_facts",  # the national chain three times
    "tier2_without_referrals",  # 1,700 chains
    "worlds_not_designed_for",  # thirty-two robust designs
}
PATIENCE_SECONDS = 900
"""A stop for what hangs, and no measure of speed."""


def _command(name: str) -> object:
    """Return one experiment as a parameter, marked when it takes long."""
    return pytest.param(name, marks=[pytest.mark.long] if name in LONG else [])


@pytest.mark.parametrize("name", [_command(name) for name in COMMANDS if name not in WRITERS])
def test_the_claim_holds(name: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", str(FOLDER / f"{name}.py")],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        timeout=PATIENCE_SECONDS,
    )
    assert done.returncode == 0, f"exit code {done.returncode}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    assert done.stderr == ""
    assert done.stdout.splitlines()[-1].startswith("verdict: holds")


@pytest.mark.parametrize("name", COMMANDS)
def test_an_experiment_says_what_it_claims_and_how(name: str) -> None:
    text = ast.get_docstring(ast.parse((FOLDER / f"{name}.py").read_text(encoding="utf-8"))) or ""
    assert re.search(r"^Claim\b", text, re.MULTILINE)
    for part in ("Method", "Data", "Command", "Verdict"):
        assert re.search(rf"^{part}\n    \S", text, re.MULTILINE), f"no {part}"
    assert f"python experiments/{name}.py" in text


def test_the_page_has_every_experiment_and_no_other() -> None:
    mentioned = set(re.findall(r"`(\w+)\.py`", PAGE.read_text(encoding="utf-8")))
    assert mentioned == set(COMMANDS)


def test_the_long_ones_and_the_writers_exist() -> None:
    assert set(COMMANDS) >= LONG | WRITERS
