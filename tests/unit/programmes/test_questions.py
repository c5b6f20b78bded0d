"""Objectives and limits by name: every one there is can be asked for, and what is wrong is said in its place."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest

import pbr_opt
from pbr_opt import (
    AdditionalOutcomes,
    Budget,
    Caseload,
    MaxParkedShare,
    NoGroupWorse,
    Parked,
    Participation,
    PriceOrder,
    PriceRange,
    PriceStep,
    Programme,
    SupportShortfall,
    Tariff,
    WorstServed,
)
from pbr_opt.design import limits as limits_module
from pbr_opt.design import objectives as objectives_module
from pbr_opt.design.limits import Limit
from pbr_opt.design.objectives import Objective
from pbr_opt.programmes.questions import Question, asked_of, question_from
from pbr_opt.programmes.terms import objective_names, term_names
from pbr_opt.quantities import Inspection

PROGRAMME = Programme("p", Caseload(["a", "b"], 100, 0.1, 0.3, 500), Tariff(["a", "b"], 0, 1000))


def asked(**words: str) -> Question:
    """Return the question that the words ask; underscores stand for hyphens."""
    check = Inspection("question")
    question = question_from(check, {name.replace("_", "-"): text for name, text in words.items()}, PROGRAMME)
    check.finish()
    assert question is not None
    return question


def faults(**words: str) -> list[str]:
    check = Inspection("question")
    assert question_from(check, {name.replace("_", "-"): text for name, text in words.items()}, PROGRAMME) is None
    return [str(fault) for fault in check.faults]


def test_every_public_limit_and_objective_can_be_asked_for() -> None:
    limits = {getattr(limits_module, name) for name in limits_module.__all__}
    wanted = {kind for kind in limits if inspect.isclass(kind) and issubclass(kind, Limit)} - {
        Limit,
        limits_module.ShareLimit,
    }
    assert wanted <= {term.limit for term in term_names().values()}
    aims = {getattr(objectives_module, name) for name in objectives_module.__all__}
    wanted_aims = {kind for kind in aims if inspect.isclass(kind) and issubclass(kind, Objective)} - {Objective}
    assert wanted_aims <= set(objective_names().values())


def test_every_limit_can_be_asked_for_in_a_process_that_has_imported_nothing_else() -> None:
    """Limits are found below their base, which knows only what has been imported."""
    script = "from pbr_opt.programmes.terms import terms; print(*{term.limit.__name__ for term in terms()})"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    wanted = {
        name for name in pbr_opt.__all__ if inspect.isclass(kind := getattr(pbr_opt, name)) and issubclass(kind, Limit)
    }
    assert set(done.stdout.split()) == wanted | {"GuaranteedVolume"}


def test_names_become_limits() -> None:
    question = asked(minimise="parked", budget="5e4", step="5", lowest="100", highest="a=3000; b=2000")
    assert question.objective == Parked()
    assert Budget(5e4) in question.limits
    assert PriceStep(5) in question.limits
    (price_range,) = (limit for limit in question.limits if isinstance(limit, PriceRange))
    assert price_range.bounds(["a", "b"])[1].tolist() == [3000.0, 2000.0]


def test_limits_with_years_orders_and_tariffs_can_be_asked_for() -> None:
    question = asked(
        minimise="worst-served",
        budget_by_year="1=5e4; 2=4e4",
        budget_outcome_years="0.5; 0.5",
        price_order="b; a",
        no_group_worse="yes",
        max_parked_share="0.4",
        participation="yes",
    )
    assert question.objective == WorstServed()
    assert set(question.limits) == {
        Budget(by_year={1: 5e4, 2: 4e4}, outcome_years=(0.5, 0.5)),
        PriceOrder(["b", "a"]),
        NoGroupWorse(PROGRAMME.tariff),
        MaxParkedShare(0.4),
        Participation(),
    }
    assert asked(price_order="yes").limits == (PriceOrder(),)
    told = asked_of(question.objective, question.limits, PROGRAMME)
    assert told is not None
    again = question_from(Inspection("question"), told, PROGRAMME)
    assert again is not None
    assert set(again.limits) == set(question.limits)
    assert asked_of(2 * Parked() - AdditionalOutcomes(), [], PROGRAMME) is None


def test_an_objective_takes_its_number_and_a_step_of_nothing_is_no_step() -> None:
    question = asked(minimise="support-shortfall=300", step="0")
    assert question == Question(SupportShortfall(300.0), ())


def test_without_a_budget_the_programme_s_own_spend_is_one() -> None:
    (budget,) = asked(step="0").bounded(PROGRAMME)
    assert isinstance(budget, Budget)
    assert budget.gbp == pytest.approx(20_000.0)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"minimise": "parkd"}, "minimise: given parkd; wanted an objective; try: did you mean 'parked'?"),
        ({"maximise": "parked"}, "maximise: given parked; wanted something to maximise; try: minimise parked"),
        ({"minimise": "parked=3"}, "minimise: given parked=3; wanted 'parked' alone"),
        ({"minimise": "support-shortfall"}, "wanted 'support-shortfall=standard_gbp', with a number"),
        ({"minimise": "parked", "maximise": "total-support"}, "wanted exactly one objective"),
        ({"bugdet": "5"}, "bugdet: given bugdet; wanted an objective or a limit; try: did you mean 'budget'?"),
        ({"budget": "£5m"}, "budget: given £5m; wanted a number; try: write it plain, without £, % or commas"),
        ({"budget": "-5"}, "budget: given -5; wanted a finite number of at least 0"),
        ({"lowest": "9", "highest": "8"}, "wanted a lower at most the upper"),
        ({"highest": "c=9"}, "highest: given c; wanted a payment group; try: one of: a, b"),
    ],
)
def test_what_is_wrong_is_said_in_its_place(words: dict[str, str], message: str) -> None:
    assert message in "\n".join(faults(**words))


def test_all_faults_come_at_once() -> None:
    assert len(faults(minimise="parkd", budget="x", step="y")) == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1.5=1e6", "given year 1.5; wanted a whole contract year from 1; try: 2=5e6; 3=4e6"),
        ("0=1e6", "given year 0; wanted a whole contract year from 1"),
        ("2=1e6; 2=2e6", "given year 2 twice; wanted each contract year once"),
        ("1e6; 1=2e6", "given year 1 twice"),
        ("first=1e6", "given first; wanted a number"),
    ],
)
def test_a_contract_year_is_a_whole_number_said_once(text: str, message: str) -> None:
    check = Inspection("question")
    assert question_from(check, {"budget-by-year": text}, PROGRAMME) is None
    assert message in str(check.faults[0])
