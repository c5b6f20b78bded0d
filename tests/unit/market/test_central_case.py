"""The frozen inputs of a derivation, and the figures they are read from."""

from __future__ import annotations

import pytest

from pbr_opt import InvalidInputError
from pbr_opt.market.central_case import CentralCase
from pbr_opt.market.evidence import Figure
from pbr_opt.market.figure_book import FigureBook
from pbr_opt.market.figure_ids import FIELDS, TARIFF_COLUMNS, inspect_figure
from pbr_opt.quantities import Inspection


def _case(**changes: object) -> CentralCase:
    columns: dict[str, object] = {
        "groups": ["x", "y"],
        "participants": [1000, 500],
        "deadweight_rate": [0.3, 0.05],
        "observed_rate": [0.36, 0.06],
        "response_scale_gbp": 250.0,
        "spread": 1.2,
    }
    return CentralCase(**(columns | changes))  # type: ignore[arg-type]  # a table of any columns, checked by the class


def _figure(figure_id: str, value: float) -> Figure:
    return Figure(figure_id, value, "", "assumed")


def test_a_case_keeps_what_it_is_given_and_repeats_scalars() -> None:
    case = _case(exit_hazard=0.03)
    assert case.spread.tolist() == [1.2, 1.2]
    assert case.exit_hazard.tolist() == [0.03, 0.03]
    assert (case.families, case.segments_per_group) == (("", ""), 20)


def test_cases_are_equal_when_they_say_the_same() -> None:
    assert _case() == _case()
    assert hash(_case()) == hash(_case())
    assert _case() != _case(spread=1.3)
    assert _case() != "case"


def test_a_case_cannot_be_changed() -> None:
    case = _case()
    with pytest.raises(AttributeError):
        case.spread = case.spread  # type: ignore[misc]  # the attempt is the test
    with pytest.raises(ValueError, match="read-only"):
        case.spread[0] = 2.0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"groups": ["x", "x"]}, "'x' more than once"),
        (
            {"observed_rate": [0.2, 0.06]},
            r"observed_rate \(group 'x'\): given 0.2; wanted at least the deadweight rate",
        ),
        ({"deadweight_rate": [0.3, 0.0]}, r"deadweight_rate \(group 'y'\): given 0; wanted a rate above 0"),
        ({"observed_rate": [1.0, 0.06]}, "at least 0 and below 1"),
        ({"response_scale_gbp": 0}, "a finite number above 0"),
        ({"spread": -1.0}, "from 0 to 10 logits"),
        ({"spread": float("nan")}, "from 0 to 10 logits"),
        ({"curvature": 1.0}, "at least 0 and below 1"),
        ({"participants": [1, 2, 3]}, "one number, or 2 of them"),
        ({"families": ["short"]}, "given 1 names; wanted 2, one a group"),
        ({"segments_per_group": 0}, "at least 1"),
    ],
)
def test_faults_of_a_case_are_named(changes: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        _case(**changes)


def test_all_faults_of_a_case_are_told_at_once() -> None:
    with pytest.raises(InvalidInputError) as caught:
        _case(observed_rate=[2.0, 0.06], response_scale_gbp=-1, curvature=3)
    assert len(caught.value.faults) == 1 + 2 + 2


# Figures


def test_the_narrowest_figure_holds() -> None:
    book = FigureBook(
        [_figure("spread", 1.0), _figure("spread/short", 2.0), _figure("spread/x", 3.0)],
        {"x": "short", "y": "short", "z": ""},
    )
    assert [book.number("spread", group) for group in "xyz"] == [3.0, 2.0, 1.0]
    assert book.labels == ("x", "y", "z", "short")


def test_a_rate_beats_a_ratio() -> None:
    figures = [_figure(f"{name}/{group}", 0.4) for name in ("observed_rate", "participants") for group in "xy"]
    figures += [_figure("response_scale_gbp", 250), _figure("spread", 1)]
    figures += [_figure("deadweight_ratio", 0.5), _figure("deadweight_rate/y", 0.1)]
    case = FigureBook(figures, {"x": "", "y": ""}).central_case(20)
    assert case.deadweight_rate.tolist() == [0.2, 0.1]


def test_without_figures_nothing_is_taken_off() -> None:
    terms = FigureBook([], {"x": ""}).terms()
    assert (terms.attachment_share, terms.outcome_share) == (1.0, 1.0)
    assert FigureBook([], {"x": ""}).outcome_value() is None


def test_contract_years_come_in_their_order() -> None:
    rows = [
        (f"{name}/{year}", 1.0 / year) for year in (10, 2, 1, 3, 4, 5, 6, 7, 8, 9) for name in ("attachment_taper",)
    ]
    rows += [(f"intake_share/{year}", 0.1) for year in range(10, 0, -1)]
    terms = FigureBook([_figure(*row) for row in rows], {"x": ""}).terms()
    assert terms.attachment_taper.tolist() == [1.0 / year for year in range(1, 11)]


def test_every_column_of_a_tariff_and_every_field_has_a_unit_and_is_accepted() -> None:
    check = Inspection("figures")
    for name, field in FIELDS.items():
        place = {"programme": "", "year": "/1", "group": "/x"}[field.scope]
        assert inspect_figure(check, "here", name + place, 0.0, ["x"])
        assert field.unit
    for column in TARIFF_COLUMNS:
        assert inspect_figure(check, "here", f"tariff/x/{column}", 0.0, ["x"])


@pytest.mark.parametrize(
    ("figure_id", "value", "message"),
    [
        ("spred", 1.0, "did you mean 'spread'"),
        ("tariff/x", 1.0, "a known figure"),
        ("tariff/z/outcome_fee_gbp", 1.0, "a payment group or a family"),
        ("tariff/x/outcome_fee", 1.0, "did you mean 'outcome_fee_gbp'"),
        ("exit_hazard/x/y", 0.1, "at most one '/'"),
        ("exit_hazard/z", 0.1, "a payment group or a family"),
        ("discount_rate/x", 0.1, "one number for the programme"),
        ("intake_share", 0.1, "a contract year"),
        ("intake_share/0", 0.1, "a contract year"),
        ("exit_hazard/x", 3.0, "divide per cents by 100"),
        ("outcome_value_gbp", -1.0, "at least 0"),
        ("outcome_value_gbp", float("inf"), "at least 0"),
    ],
)
def test_ids_and_numbers_that_make_no_sense_are_faults(figure_id: str, value: float, message: str) -> None:
    check = Inspection("figures")
    assert not inspect_figure(check, "here", figure_id, value, ["x"])
    assert message in str(check.faults[0])
