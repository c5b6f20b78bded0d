"""Who imports whom in a package, read from its source without running it, and where the picture has each module."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

FLOORS = {
    "errors": 0,
    "notebook": 0,
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
    "streamlit": r"pbr_opt\.report\.app\..*",
}
"""Libraries that only some modules may import."""


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
