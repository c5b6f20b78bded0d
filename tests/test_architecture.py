"""The floors of the package, read from every import of every module, those inside functions and TYPE_CHECKING included.

The reader of imports is itself tried on a small package that breaks every rule (the last part of this file).
"""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

FLOORS = {
    "errors": 0,
    "quantities": 0,
    "market": 1,
    "equilibrium": 2,
    "metrics": 3,
    "evaluation": 3,
    "design": 4,
    "analysis": 5,
    "programmes": 6,
    "report": 7,
    "cli": 7,
}
"""Which floor each module or folder of the package stands on; the decision record 0001 has the same table."""

SHOP_WINDOW = 8
"""``__init__`` and ``__main__`` of the package stand above all floors."""

ONLY_HERE = {
    "cvxpy": r"pbr_opt\.design\..*",
    "networkx": r"pbr_opt\.(.*\.)?supply_chain\w*",
    "matplotlib": r"pbr_opt\.report\..*",
}
"""Libraries that only some modules may import."""

SLOW_LIBRARIES = ("cvxpy", "pandas", "matplotlib", "networkx")
"""Libraries that the first second of use must not pay for."""

VAGUE_NAMES = {"utils", "util", "helpers", "helper", "core", "common", "misc"}

CLOSED_FORMS = {"response", "parking_threshold_gbp", "marginal_outcome_rate"}
"""What a certificate must not ask a caseload for: it would check the closed forms by themselves."""


@dataclass(frozen=True)
class Import:
    """One import: who, of what, where."""

    importer: str
    target: str
    line: int

    def __str__(self) -> str:
        """Return the import as one line of a failure."""
        return f"{self.importer} (line {self.line}) -> {self.target}"


class Package:
    """The modules of a package in a folder, and what each imports, found without importing anything."""

    def __init__(self, folder: Path) -> None:
        self.name = folder.name
        self.paths = {self._module_name(folder, path): path for path in sorted(folder.rglob("*.py"))}
        self.trees = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in self.paths.items()}

    @staticmethod
    def _module_name(folder: Path, path: Path) -> str:
        parts = path.relative_to(folder.parent).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    @cached_property
    def imports(self) -> list[Import]:
        """Every import of every module, of its own package and of libraries."""
        return [
            Import(name, target, line)
            for name, tree in self.trees.items()
            for node in ast.walk(tree)
            for target, line in self._targets(name, node)
        ]

    def _targets(self, name: str, node: ast.AST) -> Iterator[tuple[str, int]]:
        match node:
            case ast.Import(names=names):
                for alias in names:
                    yield self._owner(alias.name), node.lineno
            case ast.ImportFrom(names=names):
                source = self._absolute(name, node)
                for alias in names:
                    yield self._owner(f"{source}.{alias.name}"), node.lineno
            case ast.Call(args=[ast.Constant(value=str(target)), *_]) if self._imports_by_name(node):
                yield self._owner(target), node.lineno

    @staticmethod
    def _imports_by_name(node: ast.Call) -> bool:
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        return called in {"import_module", "__import__"}

    def _absolute(self, name: str, node: ast.ImportFrom) -> str:
        """Return the module that ``from ... import`` names, relative ones resolved."""
        if not node.level:
            return node.module or ""
        parts = name.split(".")
        keep = len(parts) - node.level + (self.paths[name].name == "__init__.py")
        return ".".join([*parts[:keep], *([node.module] if node.module else [])])

    def _owner(self, target: str) -> str:
        """Reduce an imported name of this package to the module that holds it; leave libraries alone."""
        parts = target.split(".")
        for stop in range(len(parts), 0, -1):
            if ".".join(parts[:stop]) in self.paths:
                return ".".join(parts[:stop])
        return target

    def floor(self, module: str) -> int | None:
        """Return the floor of a module of this package, None where the picture does not have it."""
        parts = module.split(".")
        if len(parts) == 1 or parts[1] == "__main__":
            return SHOP_WINDOW
        return FLOORS.get(parts[1])

    def upward(self) -> list[str]:
        """Return the imports that go up, or leave or reach a module without a floor."""
        inside = [each for each in self.imports if each.target in self.paths]
        floors = [(each, self.floor(each.importer), self.floor(each.target)) for each in inside]
        return [
            f"{each} (floor {low} imports from floor {high})"
            for each, low, high in floors
            if low is None or high is None or high > low
        ]

    def cycle(self) -> list[str]:
        """Return a path of imports that comes back to where it began, empty if there is none."""
        following: dict[str, list[str]] = {name: [] for name in self.paths}
        for each in self.imports:
            if each.target in following and each.target != each.importer:
                following[each.importer].append(each.target)
        done: set[str] = set()
        for name in following:
            if path := self._back_to_itself(name, following, done, []):
                return path
        return []

    def _back_to_itself(self, name: str, following: dict[str, list[str]], done: set[str], path: list[str]) -> list[str]:
        if name in path:
            return [*path[path.index(name) :], name]
        if name in done:
            return []
        for target in following[name]:
            if found := self._back_to_itself(target, following, done, [*path, name]):
                return found
        done.add(name)
        return []

    def private_imports(self) -> list[str]:
        """Return the imports of private names or modules of this package from another module."""
        return [
            f"{name} (line {node.lineno}) -> {source}.{alias.name}"
            for name, tree in self.trees.items()
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom)
            for source in [self._absolute(name, node)]
            if source.split(".")[0] == self.name
            for alias in node.names
            if any(_is_private(part) for part in [*source.split("."), alias.name])
        ]

    def private_reaches(self) -> list[str]:
        """Return the places where a private name is taken out of an imported module of this package."""
        return [
            f"{name} (line {node.lineno}): {node.value.id}.{node.attr}"
            for name, tree in self.trees.items()
            for aliases in [self._module_aliases(name, tree)]
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute) and _is_private(node.attr)
            if isinstance(node.value, ast.Name) and node.value.id in aliases
        ]

    def _module_aliases(self, name: str, tree: ast.Module) -> set[str]:
        """Return under which names a module knows other modules of the package."""
        return {
            alias.asname or alias.name
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
            if f"{self._absolute(name, node)}.{alias.name}" in self.paths
        }

    def unreadable(self) -> list[str]:
        """Return imports by a name that is only known when the program runs, outside the shop window."""
        return [
            f"{name} (line {node.lineno})"
            for name, tree in self.trees.items()
            for node in ast.walk(tree)
            if isinstance(node, ast.Call) and self._imports_by_name(node)
            if not (node.args and isinstance(node.args[0], ast.Constant)) and self.floor(name) != SHOP_WINDOW
        ]

    def misplaced(self, library: str) -> list[str]:
        """Return the imports of a library in modules that must not import it."""
        return [
            str(each)
            for each in self.imports
            if each.target.split(".")[0] == library and not re.fullmatch(ONLY_HERE[library], each.importer)
        ]


def _is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


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


def test_certificates_share_nothing_with_the_closed_forms() -> None:
    module = "pbr_opt.equilibrium.certificate"
    imported = {each.target.rpartition(".")[2] for each in PACKAGE.imports if each.importer == module}
    assert "caseload" in imported
    assert not imported & {"responses", "best_response"}
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
