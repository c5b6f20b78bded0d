"""Deriving segments from a central case, and trying other inputs."""

from __future__ import annotations

from typing import Final

import numpy as np
import pytest

from pbr_opt import Caseload, InvalidInputError, Programme, Tariff, UnsupportedModelError, evaluate
from pbr_opt.analysis.calibration import derive_caseload, vary
from pbr_opt.analysis.fitting import rounded, slice_means
from pbr_opt.market.central_case import CentralCase
from pbr_opt.market.evidence import Figure
from pbr_opt.market.figure_book import FigureBook
from pbr_opt.market.tariffs import ContractTerms
from pbr_opt.quantities import FloatArray

FIT: Final = 1e-8
"""Absolute, for a mean rate of twenty segments: each is kept to ten significant digits, and so off by 5e-11 at most."""

PRICES: Final = {"x": 3000.0, "y": 6000.0}


def _rates(programme: Programme) -> FloatArray:
    people = programme.caseload.group_participants
    rate = evaluate(programme).behaviour.outcome_rate
    return programme.caseload.sum_by_group(programme.caseload.participants * rate) / people


def _deadweight(caseload: Caseload) -> FloatArray:
    return caseload.sum_by_group(caseload.participants * caseload.deadweight_rate) / caseload.group_participants


def _case(**changes: object) -> CentralCase:
    columns: dict[str, object] = {
        "groups": ["x", "y"],
        "participants": [1000, 500],
        "deadweight_rate": [0.3, 0.05],
        "observed_rate": [0.36, 0.06],
        "response_scale_gbp": 250.0,
        "spread": 1.2,
        "exit_hazard": [0.03, 0.04],
    }
    return CentralCase(**(columns | changes))  # type: ignore[arg-type]  # a table of any columns, checked by the class


def _tariff() -> Tariff:
    return Tariff(["x", "y"], 400, [1200, 3500], [170, 370], [13, 26])


# Slices


@pytest.mark.parametrize("count", [1, 2, 20, 1000])
def test_slice_means_are_those_of_a_standard_normal(count: int) -> None:
    means = slice_means(count)
    assert means.sum() == pytest.approx(0.0, abs=1e-9)  # symmetric
    assert means.tolist() == sorted(means.tolist())
    assert (means**2).mean() <= 1.0  # what varies inside slices is missing


def test_slice_means_agree_with_a_simulation() -> None:
    draws = np.sort(np.random.default_rng(7).standard_normal(2_000_000)).reshape(20, -1).mean(axis=1)
    # standard error of the outermost slices: sd .4 / sqrt(1e5) = .0013; five of them
    np.testing.assert_allclose(slice_means(20), draws, atol=0.0065)


def test_rounding_keeps_ten_digits_and_the_shape() -> None:
    assert rounded(np.array([[1.0 / 3.0], [2e9 / 3.0]])).tolist() == [[0.3333333333], [666666666.7]]


# The fit


@pytest.mark.parametrize("spread", [0.0, 0.8, 3.0])
@pytest.mark.parametrize("curvature", [0.0, 0.5])
@pytest.mark.parametrize("cut", [1, 20, 57])
def test_the_equilibrium_gives_the_observed_rates(spread: float, curvature: float, cut: int) -> None:
    case = _case(spread=spread, curvature=curvature, segments_per_group=cut)
    terms = ContractTerms(0.06, [1, 0.5], [0.5, 0.5])
    people = derive_caseload(case, _tariff(), terms, 0.035)
    fitted = Programme("p", people, _tariff(), terms=terms, discount_rate=0.035)
    np.testing.assert_allclose(_rates(fitted), case.observed_rate, atol=FIT)
    np.testing.assert_allclose(_deadweight(people), case.deadweight_rate, atol=FIT)


def test_segments_are_equal_and_hardest_first() -> None:
    people = derive_caseload(_case(), _tariff())
    assert people.groups == ("x", "y")
    assert people.participants.tolist() == [50.0] * 20 + [25.0] * 20
    for group in people.groups:
        rows = people.segments_of(group)
        assert (np.diff(people.deadweight_rate[rows]) > 0).all()


def test_readiness_is_normal_on_the_logit_scale_with_the_spread_given() -> None:
    people = derive_caseload(_case(), _tariff())
    floor = people.deadweight_rate[people.segments_of("x")]
    logits = np.log(floor / (1.0 - floor))
    np.testing.assert_allclose(logits - logits.mean(), 1.2 * slice_means(20), atol=1e-8)


def test_support_lifts_every_segment_of_a_group_by_the_same_logits() -> None:
    people = derive_caseload(_case(), _tariff())
    rows = people.segments_of("y")
    floor, ceiling = people.deadweight_rate[rows], people.ceiling_rate[rows]
    uplift = np.log(ceiling / (1.0 - ceiling)) - np.log(floor / (1.0 - floor))
    np.testing.assert_allclose(uplift, uplift[0], atol=1e-8)
    assert uplift[0] > 0


def test_where_nothing_is_added_support_does_nothing() -> None:
    people = derive_caseload(_case(observed_rate=[0.3, 0.05]), _tariff())
    assert people.ceiling_rate.tolist() == people.deadweight_rate.tolist()
    assert evaluate(Programme("p", people, _tariff())).metrics.parked_share == 1.0


def test_a_rate_that_no_response_could_give_is_refused_with_the_most_there_can_be() -> None:
    with pytest.raises(
        InvalidInputError, match=r"observed_rate \(group 'x'\): given 0.36; wanted at most 0\.3"
    ) as caught:
        derive_caseload(_case(response_scale_gbp=1e6), _tariff())
    assert "smaller response scale" in str(caught.value)


def test_a_tariff_for_other_groups_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="group 'y'"):
        derive_caseload(_case(), Tariff(["x"], 400, 3000))


def test_groups_of_a_tariff_may_come_in_any_order() -> None:
    turned = Tariff(["y", "x"], 400, [3500, 1200], [370, 170], [26, 13])
    first, second = derive_caseload(_case(), _tariff()), derive_caseload(_case(), turned)
    assert first.ceiling_rate.tolist() == second.ceiling_rate.tolist()


# Other inputs

FIGURES: Final = (
    Figure("tariff/x/attachment_fee_gbp", 400, "GBP", "assumed"),
    Figure("tariff/x/outcome_fee_gbp", 3000, "GBP", "assumed", low=2500, high=3500, source="S1"),
    Figure("tariff/y/attachment_fee_gbp", 400, "GBP", "assumed"),
    Figure("tariff/y/outcome_fee_gbp", 6000, "GBP", "assumed"),
    Figure("participants/x", 1000, "people", "assumed"),
    Figure("participants/y", 500, "people", "assumed"),
    Figure("observed_rate/x", 0.36, "share", "confirmed"),
    Figure("observed_rate/y", 0.06, "share", "confirmed"),
    Figure("deadweight_rate/x", 0.3, "share", "assumed"),
    Figure("deadweight_ratio/y", 0.8, "share", "assumed"),
    Figure("response_scale_gbp", 250, "GBP", "assumed", low=150, high=500),
    Figure("spread", 1.2, "logits", "assumed"),
    Figure("exit_hazard/short", 0.03, "share", "assumed"),
    Figure("bid_discount", 0.06, "share", "assumed"),
    Figure("base_service_gbp", 500, "GBP", "assumed"),
    Figure("outcome_value_gbp", 9000, "GBP", "assumed"),
    Figure("attachment_taper/1", 1, "share", "assumed"),
    Figure("attachment_taper/2", 0.5, "share", "assumed"),
    Figure("attachment_taper/3", 0, "share", "assumed"),
    Figure("intake_share/1", 0.5, "share", "assumed"),
    Figure("intake_share/2", 0.3, "share", "assumed"),
    Figure("intake_share/3", 0.2, "share", "assumed"),
    Figure("evidence/referrals", 1500, "people", "confirmed"),
)


@pytest.fixture
def programme() -> Programme:
    """Return a programme that was derived from its figures."""
    book = FigureBook(FIGURES, {"x": "short", "y": "short"})
    case, tariff, terms = book.central_case(20), book.tariff(), book.terms()
    return Programme(
        "p",
        derive_caseload(case, tariff, terms),
        tariff,
        outcome_value_gbp=9000,
        terms=terms,
        base_service_gbp=500,
        figures=FIGURES,
        central_case=case,
    )


@pytest.mark.parametrize(
    ("figure_id", "value"),
    [
        ("response_scale_gbp", 400.0),
        ("response_scale_gbp/y", 400.0),
        ("spread", 0.8),
        ("curvature", 0.3),
        ("exit_hazard/short", 0.1),
        ("exit_hazard/x", 0.1),
        ("bid_discount", 0.0),
        ("tariff/x/outcome_fee_gbp", 2500.0),
        ("deadweight_rate/x", 0.25),
        ("deadweight_rate/y", 0.04),
        ("deadweight_ratio/y", 0.9),
        ("observed_rate/y", 0.07),
        ("participants/x", 2000.0),
    ],
)
def test_every_input_of_the_fit_can_be_changed_and_the_fit_holds(
    programme: Programme, figure_id: str, value: float
) -> None:
    if figure_id == "curvature":
        programme = programme.replace(figures=(*FIGURES, Figure("curvature", 0, "1", "assumed")))
    varied = vary(programme, figure_id, value)
    assert varied.central_case is not None
    np.testing.assert_allclose(_rates(varied), varied.central_case.observed_rate, atol=FIT)
    np.testing.assert_allclose(_deadweight(varied.caseload), varied.central_case.deadweight_rate, atol=FIT)
    assert {figure.id: figure for figure in varied.figures}[figure_id].value == value


def test_the_fit_really_changes(programme: Programme) -> None:
    before, after = programme.caseload, vary(programme, "response_scale_gbp/y", 400.0).caseload
    x, y = before.segments_of("x"), before.segments_of("y")
    assert after.ceiling_rate[x].tolist() == before.ceiling_rate[x].tolist()
    assert (after.ceiling_rate[y] > before.ceiling_rate[y]).all()
    assert set(after.response_scale_gbp[y].tolist()) == {400.0}


def test_a_change_of_the_tariff_changes_the_baseline_too(programme: Programme) -> None:
    assert vary(programme, "tariff/x/outcome_fee_gbp", 2500).tariff.outcome_fee_gbp.tolist() == [2500.0, 6000.0]


@pytest.mark.parametrize(("figure_id", "field"), [("base_service_gbp", 1), ("outcome_value_gbp", 1)])
def test_costs_and_values_leave_the_caseload(programme: Programme, figure_id: str, field: int) -> None:
    varied = vary(programme, figure_id, 600.0)
    assert getattr(varied, figure_id).tolist() == [600.0, 600.0]
    assert varied.caseload.ceiling_rate.tolist() == programme.caseload.ceiling_rate.tolist()


def test_a_share_of_intake_makes_room_among_the_others(programme: Programme) -> None:
    varied = vary(programme, "intake_share/1", 0.75)
    np.testing.assert_allclose(varied.terms.intake_share, [0.75, 0.15, 0.1], rtol=1e-15)
    assert varied.terms.attachment_share == pytest.approx(0.825, rel=1e-15)


def test_the_changed_figure_is_marked_and_keeps_a_range_that_holds_it(programme: Programme) -> None:
    figure = next(f for f in vary(programme, "response_scale_gbp", 900).figures if f.id == "response_scale_gbp")
    assert (figure.status, figure.range) == ("assumed", (150.0, 900.0))
    assert "the programme says 250 (assumed)" in figure.note


def test_changes_add_up_and_can_be_taken_back(programme: Programme) -> None:
    there = vary(vary(programme, "spread", 0.8), "bid_discount", 0.0)
    assert there.central_case is not None
    assert (there.central_case.spread[0], there.terms.bid_discount) == (0.8, 0.0)
    back = vary(vary(there, "spread", 1.2), "bid_discount", 0.06)
    assert back.caseload.ceiling_rate.tolist() == programme.caseload.ceiling_rate.tolist()


def test_the_programme_itself_is_left_alone(programme: Programme) -> None:
    before = programme.caseload.ceiling_rate.tolist()
    vary(programme, "spread", 0.8)
    assert programme.caseload.ceiling_rate.tolist() == before
    assert programme.figures == FIGURES


@pytest.mark.parametrize(
    ("figure_id", "value", "message"),
    [
        ("respons_scale_gbp", 300, "did you mean 'response_scale_gbp'"),
        ("response_scale_gbp/z", 300, "a payment group or a family of groups"),
        ("mission_gbp", 300, r"programme\.replace\(mission_gbp"),
        ("evidence/referrals", 300, "vary the figure that was derived from it"),
        ("intake_share/9", 0.1, "a figure of this programme"),
        ("bid_discount", 6, "divide per cents by 100"),
        ("bid_discount", float("nan"), "finite number"),
        ("response_scale_gbp", 0.0, "a finite number above 0"),
        ("observed_rate/x", 0.2, "at least the deadweight rate, 0.3"),
        ("deadweight_rate/x", 0.0, "a rate above 0"),
        ("spread", 11, "from 0 to 10"),
    ],
)
def test_what_cannot_be_tried_is_refused(programme: Programme, figure_id: str, value: float, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        vary(programme, figure_id, value)


def test_a_share_cannot_make_room_where_there_is_no_other(programme: Programme) -> None:
    only = vary(programme, "intake_share/1", 1.0)
    with pytest.raises(InvalidInputError, match="others to make room"):
        vary(only, "intake_share/1", 0.5)


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"tariff": Tariff(["x", "y"], 400, 5000)}, "tariff, terms"),
        ({"terms": ContractTerms(0.1)}, "tariff, terms"),
        ({"discount_rate": 0.035}, "discount_rate"),
        ({"base_service_gbp": 10.0}, "base_service_gbp"),
        ({"outcome_value_gbp": None}, "outcome_value_gbp"),
        ({"caseload": Caseload(["x", "y"], 100, 0.1, 0.3, 250)}, "caseload"),
    ],
)
def test_changes_by_hand_are_not_lost_silently(programme: Programme, change: dict[str, object], place: str) -> None:
    with pytest.raises(InvalidInputError, match="vary first, then replace") as caught:
        vary(programme.replace(**change), "spread", 0.8)
    assert place in {fault.place for fault in caught.value.faults}


def test_a_programme_without_a_central_case_cannot_be_varied(programme: Programme) -> None:
    with pytest.raises(UnsupportedModelError, match="no central case"):
        vary(programme.only("x"), "spread", 0.8)


@pytest.mark.parametrize("field", ["mission_gbp", "minimum_service_gbp"])
def test_what_the_fit_leaves_out_is_refused(programme: Programme, field: str) -> None:
    with pytest.raises(UnsupportedModelError, match="a mission or a minimum service"):
        vary(programme.replace(**{field: 100.0}), "spread", 0.8)
