"""The floors of the package, read from every import of every module, those inside functions and TYPE_CHECKING included.

The reader of imports is itself tried on a small package that breaks every rule (the last part of this file).
"""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.import_graph import FLOORS, ONLY_HERE, SHOP_WINDOW, Package

ROOT = Path(__file__).resolve().parents[1]

SLOW_LIBRARIES = ("cvxpy", "pandas", "matplotlib", "networkx")
"""Libraries that the first second of use must not pay for."""

VAGUE_NAMES = {"utils", "util", "helpers", "helper", "core", "common", "misc"}

CLOSED_FORMS = {"response", "parking_threshold_gbp", "marginal_outcome_rate"}
"""What a certificate must not ask a caseload for: it would check the closed forms by themselves."""


PACKAGE = Package(ROOT / "pbr_opt")


def _listed(faults: list[str]) -> str:
    return "\n  ".join(["", *faults])


def test_the_package_was_read() -> None:
    assert "pbr_opt.market.caseload" in PACKAGE.paths
    found = {(each.importer, each.target) for each in PACKAGE.imports}
    assert ("pbr_opt.evaluation", "pbr_opt.metrics") in found
    assert any(each.target.split(".")[0] == "cvxpy" for each in PACKAGE.imports), "a function-local import was missed"


@pytest.mark.parametrize("module", PACKAGE.paths)
def test_every_module_has_a_floor(module: str) -> None:
    assert PACKAGE.floor(module) is not None, f"{module} is not in the picture: give it a floor there, here and in 0001"


def test_no_module_imports_from_a_floor_above_its_own() -> None:
    assert not (faults := PACKAGE.upward()), _listed(faults)


def test_no_import_comes_back_to_itself() -> None:
    assert not (path := PACKAGE.cycle()), " -> ".join(path)


def test_every_import_can_be_read_without_running() -> None:
    assert not (faults := PACKAGE.unreadable()), _listed(faults)


@pytest.mark.parametrize("library", ONLY_HERE)
def test_a_library_is_imported_only_where_it_belongs(library: str) -> None:
    assert not (faults := PACKAGE.misplaced(library)), _listed(faults)


def test_nothing_private_crosses_modules() -> None:
    assert not (faults := PACKAGE.private_imports() + PACKAGE.private_reaches()), _listed(faults)


@pytest.mark.parametrize("name", ["certificate", "accelerator_certificate"])
def test_certificates_share_nothing_with_the_closed_forms(name: str) -> None:
    module = f"pbr_opt.equilibrium.{name}"
    imported = {each.target.rpartition(".")[2] for each in PACKAGE.imports if each.importer == module}
    assert "caseload" in imported
    assert not imported & {"responses", "best_response", "accelerated_response"}
    asked = {node.attr for node in ast.walk(PACKAGE.trees[module]) if isinstance(node, ast.Attribute)}
    assert "deadweight_rate" in asked
    assert not asked & CLOSED_FORMS


@pytest.mark.parametrize("module", PACKAGE.paths)
def test_module_names_say_what_is_inside(module: str) -> None:
    assert not VAGUE_NAMES & set(module.split(".")), f"{module}: name it after what it holds"


def test_the_decision_record_has_the_same_floors() -> None:
    record = (ROOT / "docs/decisions/0001-floors.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d) \|[^|]*\|([^|]*)\|", record, flags=re.MULTILINE)
    written = {word.removesuffix(".py").rstrip("/"): int(floor) for floor, cell in rows for word in _code_words(cell)}
    above = {name for name, floor in written.items() if floor == SHOP_WINDOW}
    assert above == {"__init__", "__main__"}
    assert {name: floor for name, floor in written.items() if name not in above} == FLOORS


def _code_words(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def _loaded_after(program: str) -> set[str]:
    """Return the top-level modules that a fresh interpreter has loaded after running a program."""
    ending = "\nimport json, sys\nprint()\nprint(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"
    done = subprocess.run(
        [sys.executable, "-c", program + ending], capture_output=True, text=True, check=False, cwd=ROOT, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_importing_the_package_loads_nothing_slow() -> None:
    loaded = _loaded_after("import pbr_opt")
    assert "pbr_opt" in loaded
    assert not loaded & {*SLOW_LIBRARIES, "scipy"}


HELP = """
import sys
sys.argv = ["pbr-opt", "--help"]
from pbr_opt.cli import main
try:
    code = main()
except SystemExit as stop:
    code = stop.code
assert not code, code
"""


def test_help_on_the_command_line_loads_nothing_slow() -> None:
    loaded = _loaded_after(HELP)
    assert "typer" in loaded
    assert not loaded & set(SLOW_LIBRARIES)


# ---- the reader of imports, tried on a package that breaks every rule -----------------------------------------------


CROOKED = {
    "__init__.py": "",
    "errors.py": "def late():\n    from pbr_opt.market.caseload import Caseload\n    return Caseload\n",
    "market/__init__.py": "",
    "market/caseload.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from ..design import search\n",
    "market/tariffs.py": "import matplotlib.pyplot\nfrom . import programme\nimport pbr_opt.design.search as s\n",
    "market/programme.py": "from .tariffs import Tariff\nfrom pbr_opt.market.caseload import _hidden\n",
    "market/attic.py": "import importlib\nimportlib.import_module('pbr_opt.design.search')\n",
    "market/cellar.py": "from importlib import import_module\nimport_module('pbr_opt.' + 'design')\n",
    "market/shed.py": "from pbr_opt.market import caseload\ncaseload._hidden()\n",
    "design/__init__.py": "",
    "design/search.py": "import cvxpy\nimport networkx\n",
    "loft.py": "import pbr_opt.errors\n",
}


@pytest.fixture
def crooked(tmp_path: Path) -> Package:
    for place, text in CROOKED.items():
        path = tmp_path / "pbr_opt" / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return Package(tmp_path / "pbr_opt")


def test_upward_imports_are_seen_wherever_they_hide(crooked: Package) -> None:
    assert sorted(crooked.upward()) == [
        "pbr_opt.errors (line 2) -> pbr_opt.market.caseload (floor 0 imports from floor 1)",
        "pbr_opt.loft (line 1) -> pbr_opt.errors (floor None imports from floor 0)",
        "pbr_opt.market.attic (line 2) -> pbr_opt.design.search (floor 1 imports from floor 4)",
        "pbr_opt.market.caseload (line 3) -> pbr_opt.design.search (floor 1 imports from floor 4)",
        "pbr_opt.market.tariffs (line 3) -> pbr_opt.design.search (floor 1 imports from floor 4)",
    ]


def test_cycles_are_seen_and_their_path_is_told(crooked: Package) -> None:
    path = crooked.cycle()
    assert path[0] == path[-1]
    assert set(path) == {"pbr_opt.market.programme", "pbr_opt.market.tariffs"}


def test_misplaced_libraries_are_seen(crooked: Package) -> None:
    assert crooked.misplaced("matplotlib") == ["pbr_opt.market.tariffs (line 1) -> matplotlib.pyplot"]
    assert crooked.misplaced("networkx") == ["pbr_opt.design.search (line 2) -> networkx"]
    assert crooked.misplaced("cvxpy") == []


def test_private_names_and_unreadable_imports_are_seen(crooked: Package) -> None:
    assert crooked.private_imports() == ["pbr_opt.market.programme (line 2) -> pbr_opt.market.caseload._hidden"]
    assert crooked.private_reaches() == ["pbr_opt.market.shed (line 2): caseload._hidden"]
    assert crooked.unreadable() == ["pbr_opt.market.cellar (line 2)"]
