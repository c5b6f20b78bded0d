"""Revealed preference and the identified set: pen and paper, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from pbr_opt.analysis.estimation_programme import revealed_bounds
from pbr_opt.analysis.identified_set import SET_QUANTITIES, identified_set
from pbr_opt.analysis.revealed_preference import RevealedPreference, most_support_gbp
from pbr_opt.errors import InvalidInputError, UnsupportedModelError
from pbr_opt.programmes.registry import load


def test_one_price_by_pen_and_paper() -> None:
    """At x = 4,000 a provider that spends 400 and gets 0.30: p0 <= 0.30 - 400/4,000 = 0.20."""
    seen = RevealedPreference([4000.0], [0.3], [400.0], least_deadweight=0.05, most_deadweight=0.25)
    assert seen.deadweight_bounds == pytest.approx((0.05, 0.2))
    assert seen.value_gbp.tolist() == [800.0]
    bounds = seen.outcome_rate_bounds([0.0, 2000.0, 4000.0, 5000.0])
    # at half the price: V is convex, V(0) = 0 and V(4,000) = 800 with slope .3 there, so V(2,000) >= 200
    assert bounds.ravel().tolist() == pytest.approx([0.05, 0.2, 0.1, 0.3, 0.3, 0.3, 0.3, 1.0])


def test_what_is_known_of_deadweight_otherwise_narrows_the_bounds() -> None:
    free = RevealedPreference([4000.0], [0.3], [400.0])
    told = RevealedPreference([4000.0], [0.3], [400.0], least_deadweight=0.18)
    (low, high), (least, most) = (there.outcome_rate_bounds([2000.0])[0] for there in (free, told))
    assert low < least
    assert most < high


def test_prices_may_come_in_any_order() -> None:
    one = RevealedPreference([2000.0, 4000.0], [0.2, 0.3], [100.0, 380.0])
    other = RevealedPreference([4000.0, 2000.0], [0.3, 0.2], [380.0, 100.0])
    assert one.outcome_rate_bounds([3000.0]).tolist() == other.outcome_rate_bounds([3000.0]).tolist()


def test_support_at_most_is_vectorised() -> None:
    assert most_support_gbp([4000.0, 1000.0], 0.3, [0.2, 0.3]).tolist() == pytest.approx([400.0, 0.0])


def test_choices_without_reason_are_refused() -> None:
    falling = RevealedPreference([2000.0, 4000.0], [0.3, 0.2], [0.0, 0.0])  # a higher price, a lower rate
    assert falling.regret_gbp == pytest.approx(400.0)
    for ask in (lambda: falling.deadweight_bounds, lambda: falling.outcome_rate_bounds([3000.0])):
        with pytest.raises(UnsupportedModelError, match=r"loses £400\.00 a head"):
            ask()


def test_every_fault_is_told_at_once() -> None:
    with pytest.raises(InvalidInputError) as raised:
        RevealedPreference([0.0, 1000.0], [1.2, 0.3], [-5.0, 0.0], least_deadweight=0.5, most_deadweight=0.2)
    for words in ("price_gbp", "outcome_rate", "support_gbp", "at most most_deadweight"):
        assert words in str(raised.value)
    with pytest.raises(InvalidInputError, match="average the people paid alike"):
        RevealedPreference([1000.0, 1000.0], [0.2, 0.2], [0.0, 0.0])
    with pytest.raises(InvalidInputError, match="price_gbp"):
        RevealedPreference([1000.0], [0.2], [0.0]).outcome_rate_bounds([-1.0])


def test_the_central_case_is_in_the_identified_set_of_2011() -> None:
    programme = load("work_programme_2011")
    frame = identified_set(programme, points=3).to_frame()
    assert frame["fit"].eq(frame["tried"]).all()
    ends = frame.set_index(["quantity", "group"])
    people = programme.caseload
    ceiling = people.sum_by_group(people.participants * people.ceiling_rate) / people.group_participants
    for group, value in zip(people.groups, ceiling.tolist(), strict=True):
        low, high = ends.loc[("ceiling_rate", group), ["low", "high"]]
        assert low <= value <= high
    most = revealed_bounds(programme).set_index("group")["most_support_gbp"]
    assert (ends.loc["support_gbp", "high"] <= most + 1e-6).all()


def test_no_change_of_price_changes_nothing() -> None:
    programme = load("peterborough_2010")
    worlds = identified_set(programme, price_change=0.0, points=2).worlds[0]
    columns = [SET_QUANTITIES.index(f"outcome_rate{end}") for end in ("", "_low_price", "_high_price")]
    assert np.ptp(worlds[:, columns], axis=1).max() < 1e-12


def test_a_grid_and_a_change_are_inspected() -> None:
    with pytest.raises(InvalidInputError) as raised:
        identified_set(load("peterborough_2010"), price_change=1.5, points=1)
    assert "price_change" in str(raised.value)
    assert "points" in str(raised.value)
    with pytest.raises(UnsupportedModelError, match="supply chain"):
        identified_set(load("worked_example"))
