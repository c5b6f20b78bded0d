"""Payment groups: what is handed back, what is refused and how it is said; cells and labels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pbr_opt.analysis import regrouping
from pbr_opt.analysis.observation import banded, blurred, mislabelled, overpayment
from pbr_opt.analysis.regrouping import RegroupingSettings, regroup
from pbr_opt.design.grouping import GroupingAnswer
from pbr_opt.design.objectives import AdditionalOutcomes, Parked
from pbr_opt.errors import DesignInfeasibleError, InvalidInputError, SolverError, UnsupportedModelError
from pbr_opt.evaluation import evaluate
from pbr_opt.market.agents import Agent, Contract
from pbr_opt.market.caseload import Caseload
from pbr_opt.market.programme import Programme
from pbr_opt.market.supply_chain import SupplyChain
from pbr_opt.market.tariffs import Tariff

PRICES = range(0, 10_001, 500)


def _programme() -> Programme:
    people = Caseload(["a", "b", "c"], 100, [0.12, 0.05, 0.10], [0.42, 0.13, 0.40], 600)
    return Programme("p", people, Tariff(["a", "b", "c"], 100, 4000), group_names={"a": "A", "b": "B", "c": "C"})


def _regroup(**changes: Any) -> regrouping.Regrouping:  # noqa: ANN401  # any argument of regroup
    wanted: dict[str, Any] = {"most_groups": 2, "prices_gbp": PRICES, "budget_gbp": 80_000.0}
    return regroup(_programme(), Parked(), **(wanted | changes))


def test_an_answer_says_everything() -> None:
    there = _regroup()
    assert (there.objective, there.bound, there.gap, there.status) == (100.0, 100.0, 0.0, "optimal")
    assert there.tariff.attachment_fee_gbp.tolist() == [100.0] * 3
    frame = there.to_frame()
    assert frame["cell"].tolist() == ["a", "b", "c"]
    assert frame["name"].tolist() == ["A", "B", "C"]
    assert frame["payment_group"].tolist() == [2, 1, 2]
    assert frame["parked_share"].tolist() == [0.0, 1.0, 0.0]
    assert there.evaluation.spend_gbp == pytest.approx(30_000 + 24_000 + 20_000)
    text = str(there)
    for part in ("least people parked", "at most 2 payment groups", "100", "optimal", "£0, £2,000", "£74,000"):
        assert part in text


def test_prices_in_any_order_and_twice_make_no_difference() -> None:
    assert _regroup(prices_gbp=[2000, 0, 7500, 2000, 500]).group == _regroup().group


def test_without_a_budget_everybody_who_can_be_is_helped() -> None:
    there = _regroup(budget_gbp=np.inf, most_groups=1)
    assert there.objective == 0.0
    assert there.price_gbp.tolist() == [7500.0] * 3  # the lowest price that does


def test_the_same_input_gives_the_same_bytes() -> None:
    one, other = _regroup(), _regroup()
    assert one.price_gbp.tobytes() == other.price_gbp.tobytes()
    assert one.bound == other.bound


def test_a_budget_that_is_too_small_is_explained_with_the_least_that_would_do() -> None:
    with pytest.raises(DesignInfeasibleError, match=r"£500.*£43,500.*attachment fees alone £30,000.*£40,000") as caught:
        _regroup(prices_gbp=[500, 2000], budget_gbp=40_000)
    assert caught.value.least_budget_gbp == pytest.approx(43_500.0)
    assert any("Budget" in limit for limit in caught.value.binding_limits)
    assert _regroup(prices_gbp=[500, 2000], budget_gbp=caught.value.least_budget_gbp).status == "optimal"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"most_groups": 0}, "most_groups"),
        ({"most_groups": 1.5}, "a whole number"),
        ({"prices_gbp": []}, "at least one list price"),
        ({"prices_gbp": [-1.0]}, r"prices_gbp\[0\]"),
        ({"prices_gbp": np.arange(5_001)}, "a coarser list"),
        ({"budget_gbp": -1.0}, "budget_gbp"),
        ({"budget_gbp": np.nan}, "budget_gbp"),
    ],
)
def test_bad_numbers_are_refused(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(InvalidInputError, match=told):
        _regroup(**changes)


def test_things_of_the_wrong_kind_are_refused_together() -> None:
    with pytest.raises(InvalidInputError) as caught:
        regroup("p", "parked", most_groups=0, prices_gbp=[1])  # type: ignore[arg-type]  # that is the point
    assert {fault.place for fault in caught.value.faults} == {"programme", "aim", "most_groups"}


@pytest.mark.parametrize(
    "settings", [{"method": "exactly"}, {"relative_gap": -1}, {"most_parts": 0}, {"most_labels": 1}]
)
def test_bad_settings_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError, match=next(iter(settings))):
        RegroupingSettings(**settings)


def test_a_supply_chain_is_refused_with_a_way_out() -> None:
    chain = SupplyChain([Agent("DWP", "department"), Agent("P", "prime")], [Contract("DWP", "P")])
    programme = _programme().replace(supply_chain=chain)
    for work in (
        lambda: regroup(programme, Parked(), most_groups=1, prices_gbp=[0]),
        lambda: banded(programme, 2),
        lambda: mislabelled(programme, np.eye(3)),
    ):
        with pytest.raises(UnsupportedModelError, match="supply_chain=None"):
            work()


def test_a_lying_search_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = GroupingAnswer(np.array([0, 0, 0]), 100.0, 0.0, 100.0, 0.0, 1)
    monkeypatch.setattr(regrouping, "solve_grouping", lambda *_: answer)
    with pytest.raises(SolverError, match="The answer is refused"):
        _regroup()


def test_bands_rank_by_readiness_and_keep_terms() -> None:
    low = np.array([0.3, 0.1, 0.2, 0.4, 0.05])
    people = Caseload(["a", "a", "a", "a", "b"], [10, 20, 30, 40, 50], low, low + 0.2, 500)
    tariff = Tariff(["a", "b"], [400, 600], [1000, 2000], 100, [13, 26])
    programme = Programme("p", people, tariff, outcome_value_gbp=[9e3, 7e3], families={"a": "young"})
    split = banded(programme, 2)
    assert split.caseload.group.tolist() == ["a/2", "a/1", "a/1", "a/2", "b/1"]
    assert split.tariff.aligned(["a/1", "a/2", "b/1"]).price_gbp.tolist() == [2300.0, 2300.0, 4600.0]
    assert dict(split.families) == {"a/1": "young", "a/2": "young"}
    assert split.outcome_value_gbp is not None
    assert dict(zip(split.caseload.groups, split.outcome_value_gbp, strict=True))["b/1"] == 7e3
    assert evaluate(split).spend_gbp == pytest.approx(evaluate(programme).spend_gbp)
    with pytest.raises(InvalidInputError, match="bands"):
        banded(programme, 0)


def test_labels_move_people_and_nothing_else() -> None:
    programme = _programme()
    there = mislabelled(programme, np.eye(3))
    assert evaluate(there).spend_gbp == pytest.approx(evaluate(programme).spend_gbp)
    share = np.array([[0.5, 0.5, 0.0], [0.0, 1.0, 0.0], [0.25, 0.0, 0.75]])
    seen = mislabelled(programme, share)
    assert dict(zip(seen.caseload.groups, seen.caseload.group_participants, strict=True)) == {
        "a": 75.0,
        "b": 150.0,
        "c": 75.0,
    }
    before, after = (AdditionalOutcomes().total(evaluate(each)) for each in (programme, seen))
    assert after == pytest.approx(before)  # one price for all: labels do not matter


@pytest.mark.parametrize(
    ("share", "told"),
    [
        (np.eye(2), r"shape \(2, 2\)"),
        (np.full((3, 3), 0.3), "add up to 0.9"),
        (np.array([[1.5, -0.5, 0], [0, 1, 0], [0, 0, 1]]), r"confusion\[0\]"),
        ("x", "shape"),
    ],
)
def test_bad_confusions_are_refused(share: Any, told: str) -> None:  # noqa: ANN401  # anything may come in
    with pytest.raises(InvalidInputError, match=told):
        mislabelled(_programme(), share)


def test_labels_nobody_gets_and_values_that_differ_are_refused() -> None:
    nobody = np.array([[0.0, 1.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    with pytest.raises(InvalidInputError, match="label 'a'"):
        mislabelled(_programme(), nobody)
    priced = _programme().replace(outcome_value_gbp=[1e4, 2e4, 2e4])
    with pytest.raises(UnsupportedModelError, match="outcome_value_gbp"):
        mislabelled(priced, np.array([[0.5, 0.5, 0], [0, 1, 0], [0, 0, 1]]))
    assert mislabelled(priced, np.array([[1, 0, 0], [0, 0.5, 0.5], [0, 0, 1]])).outcome_value_gbp is not None


def test_blurring_knows_its_groups_and_chance_has_no_overpayment() -> None:
    share = blurred(2, 2, 0.75)
    assert share.tolist() == [[0.75, 0.25, 0, 0], [0.25, 0.75, 0, 0], [0, 0, 0.75, 0.25], [0, 0, 0.25, 0.75]]
    assert blurred(2, 1, 0.5).tolist() == [[1, 0], [0, 1]]
    with pytest.raises(InvalidInputError, match="without inverse"):
        overpayment([1000, 2000], blurred(1, 2, 0.5))
    with pytest.raises(InvalidInputError, match="accuracy"):
        blurred(1, 2, 1.5)
