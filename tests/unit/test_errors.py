"""The errors: one tree, facts as attributes, and safe passage between processes."""

from __future__ import annotations

import pickle

import pytest

from pbr_opt import errors
from pbr_opt.errors import DesignInfeasibleError, EquilibriumError, Fault, InvalidInputError, PbrError


@pytest.mark.parametrize("name", [name for name in errors.__all__ if name.endswith("Error")])
def test_every_error_descends_from_one(name: str) -> None:
    assert issubclass(getattr(errors, name), PbrError)


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("InvalidInputError", ValueError),
        ("UnsupportedModelError", ValueError),
        ("ProgrammeDataError", LookupError),
        ("OutputError", OSError),
        ("MissingExtraError", ImportError),
    ],
)
def test_errors_are_also_of_the_family_that_python_expects(name: str, family: type[Exception]) -> None:
    assert issubclass(getattr(errors, name), family)


def test_a_fault_is_one_line_with_or_without_a_remedy() -> None:
    assert str(Fault("a", "1", "2")) == "a: given 1; wanted 2"
    assert str(Fault("a", "1", "2", "3")) == "a: given 1; wanted 2; try: 3"


def test_invalid_input_counts_and_numbers_its_faults() -> None:
    error = InvalidInputError("Tariff", [Fault("a", "1", "2"), Fault("b", "3", "4")])
    assert str(error).splitlines() == [
        "Tariff has 2 faults:",
        "  1. a: given 1; wanted 2",
        "  2. b: given 3; wanted 4",
    ]


def test_invalid_input_survives_a_process() -> None:
    error = InvalidInputError("Tariff", [Fault("a", "1", "2", "3")])
    copy = pickle.loads(pickle.dumps(error))
    assert (copy.subject, copy.faults, str(copy)) == (error.subject, error.faults, str(error))


def test_infeasible_survives_a_process() -> None:
    error = DesignInfeasibleError("too dear", least_budget_gbp=12.0, binding_limits=["Budget(£3)"])
    copy = pickle.loads(pickle.dumps(error))
    assert (str(copy), copy.least_budget_gbp, copy.binding_limits) == ("too dear", 12.0, ("Budget(£3)",))


def test_where_a_game_stood_survives_a_process() -> None:
    error = EquilibriumError("does not settle", last_iterates={"Charity": (0.1, 0.4)})
    copy = pickle.loads(pickle.dumps(error))
    assert (str(copy), dict(copy.last_iterates)) == ("does not settle", {"Charity": (0.1, 0.4)})
