"""What is in the wheel, and that it works alone: an editable installation would not notice that data are missing."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
COMMANDS = (
    "compare work_programme_2011 --out results",
    "verify results",
    "template mine.xlsx",
    "check mine.xlsx",
    "run mine.xlsx",
    "selftest",
)
"""What the README has a new user type who does not program, in its order; without extras."""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the built wheel."""
    place = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(place)],
        cwd=ROOT,
        check=True,
        capture_output=True,
        timeout=120,
    )
    (built,) = place.glob("*.whl")
    return built


def test_the_wheel_holds_every_file_of_the_package(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if name.startswith("pbr_opt/")}
    wanted = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "pbr_opt").rglob("*")
        if path.is_file() and path.suffix in {".py", ".typed", ".toml", ".csv"}
    }
    assert "pbr_opt/py.typed" in packed
    assert wanted <= packed
    assert not any("__pycache__" in name for name in packed)


def _run(words: list[str], at: Path, **variables: str) -> str:
    clean = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "PYTHONHOME"}}
    done = subprocess.run(
        words, cwd=at, capture_output=True, text=True, check=False, env=clean | variables, timeout=600
    )
    assert done.returncode == 0, f"{words}\n{done.stdout}{done.stderr}"
    return done.stdout


def test_the_wheel_runs_the_readme_away_from_the_sources(wheel: Path, tmp_path: Path) -> None:
    # Unpacked, not installed: the packages it needs are those of this environment, and nothing else of the checkout.
    alone, at = tmp_path / "alone", tmp_path / "at"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(alone)
    at.mkdir()
    where = _run([sys.executable, "-c", "import pbr_opt; print(pbr_opt.__file__)"], at, PYTHONPATH=str(alone))
    assert Path(where.strip()).is_relative_to(alone)
    for command in COMMANDS:
        _run([sys.executable, "-m", "pbr_opt.cli", *command.split()], at, PYTHONPATH=str(alone))
    assert (at / "results" / "run.json").is_file()


@pytest.mark.long
def test_a_fresh_environment_with_the_wheel_does_what_the_readme_says(wheel: Path, tmp_path: Path) -> None:
    """The whole way of a new user: an empty environment, the wheel and what it asks for, the Python, the commands."""
    room, at = tmp_path / "room", tmp_path / "at"
    venv.create(room, with_pip=True)
    at.mkdir()
    bin_folder = room / ("Scripts" if os.name == "nt" else "bin")
    pinned = str(ROOT / "constraints.txt")
    _run([str(bin_folder / "python"), "-m", "pip", "install", "-q", "-c", pinned, str(wheel)], at)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", readme, flags=re.DOTALL)
    printed = _run([str(bin_folder / "python"), "-W", "error", "-c", "\n".join(blocks)], at)
    assert "optimised: least people parked" in printed
    for command in COMMANDS:
        _run([str(bin_folder / "pbr-opt"), *command.split()], at)
