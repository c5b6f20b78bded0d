"""The two commands of the README are where people and continuous integration look for them."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def _command(mark: str) -> str:
    """Return the one line of the code block under a mark of the README."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    found = re.findall(rf"^<!-- {mark} -->\n```sh\n(.*)\n```$", readme, re.MULTILINE)
    assert len(found) == 1, f"README.md wants one line in a code block under <!-- {mark} -->"
    return str(found[0])


def test_the_main_job_is_one_command() -> None:
    set_up, job = _command("main job").split(" && ")
    assert set_up == "pip install ."
    script = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"]
    assert job.split()[0] in script


def test_the_tests_are_one_command_that_sets_up_first() -> None:
    set_up, tests = _command("tests").split(" && ")
    assert set_up == 'pip install -c constraints.txt -e ".[dev]"'
    assert tests.startswith("python -m pytest")


def test_make_and_continuous_integration_run_the_tests_of_the_readme() -> None:
    """CI reads the README itself; `make check` must not run something else."""
    _, tests = _command("tests").split(" && ")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert tests.replace("python", "$(PYTHON)", 1) in makefile
    assert re.search(r"^check: lint test$", makefile, re.MULTILINE)
    script = ROOT / ".ci" / "run"
    if not script.exists():  # a source distribution leaves out what only the repository runs
        pytest.skip("no .ci/run here")
    steps = re.search(r"^for step in (.*); do$", script.read_text(encoding="utf-8"), re.MULTILINE)
    assert steps is not None
    assert steps[1] == '"$set_up" "make lint" "$tests"'
