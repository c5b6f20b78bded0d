"""The shop window: which names there are, that each can be taken, and that each is documented."""

from __future__ import annotations

import inspect
import json
import re
import subprocess
import sys

import pytest

import pbr_opt
from pbr_opt.errors import PbrError

PUBLIC_NAMES = (
    "AdditionalOutcomes",
    "Budget",
    "Caseload",
    "CertificateError",
    "DesignInfeasibleError",
    "DesignSettings",
    "EquilibriumError",
    "FirstPoundLoss",
    "InvalidInputError",
    "MaxAttachmentShare",
    "MaxDistinctPrices",
    "MaxParkedShare",
    "MinimumPassThrough",
    "MinimumService",
    "NetSocialValue",
    "NoGroupWorse",
    "Parked",
    "Participation",
    "PbrError",
    "PriceCeilingByValue",
    "PriceOrder",
    "PriceRange",
    "PriceStep",
    "Programme",
    "ProgrammeDataError",
    "SolverError",
    "SupplyChain",
    "SupportShortfall",
    "Tariff",
    "TotalSupport",
    "UnsupportedModelError",
    "WorstServed",
    "compare",
    "evaluate",
    "frontier",
    "list_programmes",
    "load",
    "optimise",
    "regroup",
    "scenarios",
)
"""Taking a name away or renaming it breaks somebody's script: it needs a line in CHANGELOG.md."""

MOST_NAMES = 40


def test_the_public_names_are_these_and_not_too_many() -> None:
    assert tuple(sorted(pbr_opt.__all__)) == PUBLIC_NAMES
    assert len(PUBLIC_NAMES) <= MOST_NAMES
    assert set(PUBLIC_NAMES) <= set(dir(pbr_opt))


def test_an_unknown_name_is_an_attribute_error() -> None:
    american = "optimize"
    with pytest.raises(AttributeError, match=american):
        getattr(pbr_opt, american)


def _parameters(item: object) -> set[str]:
    """Return the parameters that a user passes to a public class or function."""
    if isinstance(item, type) and issubclass(item, PbrError):
        return set()
    assert callable(item)
    return {name for name in inspect.signature(item).parameters if name != "self"}


def _documented(text: str) -> set[str]:
    """Return the names that the Parameters and Attributes sections of a docstring explain."""
    sections = re.findall(r"^(?:Parameters|Attributes)\n-+\n(.*?)(?=^\S+\n-+\n|\Z)", text, re.MULTILINE | re.DOTALL)
    heads = re.findall(r"^(\w[\w, ]*) : ", "\n".join(sections), re.MULTILINE)
    return {name.strip() for head in heads for name in head.split(",")}


@pytest.mark.parametrize("name", PUBLIC_NAMES)
def test_a_public_name_is_documented_with_all_its_parameters(name: str) -> None:
    item = getattr(pbr_opt, name)
    text = inspect.getdoc(item) or ""
    assert text, f"{name}: no docstring"
    missing = _parameters(item) - _documented(text)
    assert not missing, f"{name}: nothing in the docstring about {sorted(missing)}"


@pytest.mark.parametrize("name", [name for name in PUBLIC_NAMES if name[0].islower()])
def test_a_public_function_says_what_it_returns_and_shows_it(name: str) -> None:
    text = inspect.getdoc(getattr(pbr_opt, name)) or ""
    assert ">>> " in text
    assert text.startswith("Return") or "\nReturns\n---" in text


PROGRAM = """
import json, pkgutil, sys
import pbr_opt
if sys.argv[1] == "everything first":
    for module in pkgutil.walk_packages(pbr_opt.__path__, "pbr_opt."):
        if not module.name.endswith("__main__"):
            __import__(module.name)
print(json.dumps({name: repr(getattr(pbr_opt, name)).split(" at 0x")[0] for name in pbr_opt.__all__}))
"""


def _names_after(order: str) -> dict[str, str]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, order], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    names: dict[str, str] = json.loads(done.stdout)
    return names


def test_a_name_means_the_same_whatever_was_imported_before() -> None:
    """Lazy names and submodules share one namespace: a submodule called like a function would replace it."""
    assert _names_after("names first") == _names_after("everything first")
