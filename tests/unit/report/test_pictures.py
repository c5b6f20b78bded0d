"""The numbers behind pictures, and pictures that are the same bytes every time."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import pbr_opt as pbr
from pbr_opt.evaluation import Evaluation
from pbr_opt.report import pictures
from pbr_opt.report.canvas import to_svg
from pbr_opt.report.picture_data import ease_frame, fee_frame, group_change_frame

PEOPLE = pbr.Caseload(["a", "a", "b"], [600, 400, 500], [0.3, 0.1, 0.05], [0.5, 0.3, 0.2], 400)
TODAY = pbr.Tariff(["a", "b"], [400, 600], [1000, 1200], [100, 200], [13, 20])


@pytest.fixture
def both() -> dict[str, Evaluation]:
    """Return a programme under two tariffs."""
    programme = pbr.Programme("p", PEOPLE, TODAY)
    return {"today": pbr.evaluate(programme), "dear": pbr.evaluate(programme, TODAY.at_price([6000, 9000]))}


def test_fees_add_up_to_the_most_that_a_participant_brings(both: dict[str, Evaluation]) -> None:
    frame = fee_frame(both)
    total = frame[["attachment_gbp", "outcome_gbp", "sustainment_gbp", "accelerator_gbp"]].sum(axis=1)
    assert total[:2].tolist() == TODAY.maximum_total_gbp.tolist()


def test_tenths_of_ease_add_up_to_the_whole(both: dict[str, Evaluation]) -> None:
    for label, there in both.items():
        frame = ease_frame(both)
        rows = frame[frame.tariff == label]
        assert rows.participants.sum() == pytest.approx(1500)
        assert rows.participants.std() == pytest.approx(0.0, abs=1e-9)
        assert float(rows.participants.to_numpy() @ rows.support_gbp.to_numpy()) == pytest.approx(
            there.metrics.total_support_gbp
        )
        assert float(rows.participants.to_numpy() @ rows.parked_share.to_numpy()) / 1500 == pytest.approx(
            there.metrics.parked_share
        )


def test_who_gains_and_who_loses_adds_up_to_who_is_parked(both: dict[str, Evaluation]) -> None:
    frame = group_change_frame(both["today"], both["dear"])
    moved = frame.parked_before.to_numpy() - frame.parked_after.to_numpy()
    np.testing.assert_allclose(frame.gain_help.to_numpy() - frame.lose_help.to_numpy(), moved)
    assert frame.participants.tolist() == [1000, 500]


def test_pictures_are_the_same_bytes_and_keep_their_words(both: dict[str, Evaluation]) -> None:
    for draw in (pictures.draw_fees, pictures.draw_ease):
        one, other = (to_svg(draw(both), "A title", "What it shows") for _ in range(2))
        assert one == other
        assert "today" in one
        assert "<dc:date>" not in one


def test_a_tornado_has_its_longest_bar_on_top() -> None:
    frame = pd.DataFrame(
        {"figure": ["short", "long"], "low": [0, 0], "high": [1, 1], "at_low": [1, 0], "at_high": [2, 9]}
    )
    (axes,) = pictures.draw_tornado(frame, 1.5, "parked, %").axes
    assert [label.get_text().split()[0] for label in axes.get_yticklabels()] == ["long", "short"]
    assert axes.yaxis_inverted()


def test_worlds_show_the_middle_of_each_answer() -> None:
    frame = pd.DataFrame({"tariff": ["a", "b"], "p10": [10.0, 7.0], "p50": [50.0, 7.0], "p90": [90.0, 7.0]})
    (axes,) = pictures.draw_worlds(frame, "parked, %").axes
    assert [float(np.asarray(line.get_xdata())[0]) for line in axes.lines[1::2]] == [50.0, 7.0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a", "b"]


def test_a_tornado_leaves_out_an_end_without_an_answer() -> None:
    frame = pd.DataFrame({"figure": ["a", "b"], "low": 0, "high": 1, "at_low": [np.nan, 1.0], "at_high": [4.0, 2.0]})
    (axes,) = pictures.draw_tornado(frame, 1.5, "parked, %").axes
    assert [label.get_text().split()[0] for label in axes.get_yticklabels()] == ["a", "b"]
    assert "nan" not in to_svg(pictures.draw_tornado(frame, 1.5, "parked, %"), "Tornado", "What moves the answer")
