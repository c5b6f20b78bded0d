"""Checked arrays, and words for people."""

from __future__ import annotations

import numpy as np
import pytest

from pbr_opt.errors import InvalidInputError
from pbr_opt.quantities import Inspection, frozen, nearest, readable


def test_frozen_copies_and_protects() -> None:
    mine = np.array([1.0, 2.0])
    theirs = frozen(mine)
    mine[0] = 9.0
    assert theirs.tolist() == [1.0, 2.0]
    with pytest.raises(ValueError, match="read-only"):
        theirs[0] = 3.0


@pytest.mark.parametrize(
    ("word", "known", "said"),
    [
        ("grups", ["groups", "segments"], "did you mean 'groups'?"),
        ("zzz", ["groups", "segments"], "one of: groups, segments"),
    ],
)
def test_nearest(word: str, known: list[str], said: str) -> None:
    assert nearest(word, known) == said


@pytest.mark.parametrize(
    ("value", "text"), [(1.30, "1.3"), (True, "True"), (np.int64(3), "3"), ("x", "'x'"), (None, "None")]
)
def test_readable(value: object, text: str) -> None:
    assert readable(value) == text


def test_a_scalar_is_repeated_and_the_answer_protected() -> None:
    array = Inspection("x").money("fee", 5, 3)
    assert array.tolist() == [5.0, 5.0, 5.0]
    assert not array.flags.writeable


def test_checks_go_on_after_a_fault_and_everything_is_raised_together() -> None:
    check = Inspection("x")
    check.rates("rate", [2.0], 1)
    check.counts("count", [0.5], 1)
    check.positive("scale", [0.0], 1, "a scale")
    check.number("number", "ten", lowest=1.0)
    with pytest.raises(InvalidInputError) as caught:
        check.finish()
    assert [fault.place for fault in caught.value.faults] == ["rate[0]", "count[0]", "scale[0]", "number"]


def test_faulty_entries_come_back_harmless() -> None:
    check = Inspection("x")
    assert check.rates("rate", [0.5, 7.0], 2).tolist() == [0.5, 0.0]
    assert check.positive("scale", [3.0, -1.0], 2, "a scale").tolist() == [3.0, 1.0]
    assert check.number("number", -4, lowest=2.0) == 2.0


def test_no_faults_no_error() -> None:
    check = Inspection("x")
    check.money("fee", [0.0, 1e15], 2)
    check.finish()


def test_labels_are_text() -> None:
    assert Inspection("x").labels("group", [1, 2.0, "three "]) == ("1", "2", "three")
    assert Inspection("x").labels("group", "one") == ("one",)
