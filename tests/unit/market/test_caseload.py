"""Caseloads: groups, order, ids, and taking parts."""

from __future__ import annotations

import numpy as np
import pytest

from pbr_opt.market.caseload import Caseload

PEOPLE = Caseload(["b", "a", "b", "c"], [1, 2, 3, 4], [0.1, 0.2, 0.3, 0.4], 0.5, [100, 200, 300, 400])


def test_groups_in_order_of_first_appearance() -> None:
    assert PEOPLE.groups == ("b", "a", "c")
    assert PEOPLE.group_index.tolist() == [0, 1, 0, 2]
    assert PEOPLE.group.tolist() == ["b", "a", "b", "c"]


@pytest.mark.parametrize(
    ("given", "groups"),
    [
        ([2, 1, 2], ("2", "1")),
        ([2.0, 1.0, 2.0], ("2", "1")),
        (["JSA 18-24", " JSA 18-24", "x"], ("JSA 18-24", "x")),
        (np.array(["b", "a", "b"]), ("b", "a")),
        ((1, "1", 2), ("1", "2")),
    ],
)
def test_ids_are_text(given: list[object], groups: tuple[str, ...]) -> None:
    assert Caseload(given, 1, 0.1, 0.2, 5.0).groups == groups


def test_scalars_stand_for_every_segment() -> None:
    assert PEOPLE.ceiling_rate.tolist() == [0.5] * 4
    assert PEOPLE.curvature.tolist() == [0.0] * 4
    assert len(PEOPLE) == 4


def test_sums() -> None:
    assert PEOPLE.total_participants == 10.0
    assert PEOPLE.group_participants.tolist() == [4.0, 2.0, 4.0]
    assert PEOPLE.sum_by_group(np.ones(4)).tolist() == [2.0, 1.0, 1.0]


def test_segments_of() -> None:
    assert PEOPLE.segments_of("b").tolist() == [0, 2]


def test_take_keeps_rows_and_drops_groups() -> None:
    part = PEOPLE.take(np.array([3, 1]))
    assert part.groups == ("c", "a")
    assert part.response_scale_gbp.tolist() == [400.0, 200.0]


def test_replace_checks_and_leaves_the_old_alone() -> None:
    other = PEOPLE.replace(participants=7, group=np.array(["x"] * 4))
    assert (other.groups, other.total_participants) == (("x",), 28.0)
    assert PEOPLE.total_participants == 10.0


def test_thresholds_are_infinite_where_support_adds_nothing() -> None:
    flat = Caseload(["a", "a"], 1, [0.3, 0.3], [0.3, 0.5], 100.0)
    assert flat.parking_threshold_gbp[0] == np.inf
    assert flat.parking_threshold_gbp[1] == pytest.approx(500.0)


def test_groups_without_people_are_allowed() -> None:
    assert Caseload(["a", "b"], [0, 1], 0.1, 0.2, 5.0).group_participants.tolist() == [0.0, 1.0]
