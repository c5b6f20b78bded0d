"""Marks as SVG and as a figure: the same things, escaped, and the same bytes."""

from __future__ import annotations

import io
import sys
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from pbr_opt.errors import MissingExtraError
from pbr_opt.report.drawing_marks import Box, Curve, Mark, Words, figure_of, svg_of

SVG = "{http://www.w3.org/2000/svg}"
NASTY = "R&D <b>\"5\" 'n' $x_1$ ]]> \x00\x0b\n√ 早稲田"
MARKS: list[Mark] = [
    Curve(((10.0, 10.0), (60.0, 40.0), (90.0, 40.0), (140.0, 20.0)), 4.0, "#1f5fa8", "dashed", "a tip <&>"),
    Box(20.0, 50.0, 80.0, 30.0, "#eeeeee", "#333333", rounded=True, line="dotted", tip=NASTY),
    Box(120.0, 50.0, 60.0, 30.0, "#eeeeee", "#333333", double=True),
    Words(24.0, 66.0, NASTY, 10.0, bold=True, anchor="middle"),
]


def _svg() -> ET.Element:
    return ET.fromstring(svg_of(MARKS, 200.0, 100.0, "Names & numbers"))


def test_names_survive_the_way_into_xml_but_for_control_characters() -> None:
    root = _svg()
    shown = [element.text for element in root.iter(f"{SVG}text")]
    assert shown == [NASTY.replace("\x00", " ").replace("\x0b", " ").replace("\n", " ")]
    titles = [element.text for element in root.iter(f"{SVG}title")]
    assert titles[0] == "Names & numbers"
    assert "a tip <&>" in titles


def test_every_mark_is_written_once_and_a_double_border_twice() -> None:
    root = _svg()
    assert len(root.findall(f"{SVG}path")) == 1
    assert len(root.findall(f"{SVG}rect")) == 1 + 1 + 2  # page, rounded box, double box
    assert root.attrib["viewBox"] == "0 0 200.00 100.00"


def test_a_line_is_curved_between_columns_and_straight_across_them() -> None:
    (path,) = _svg().findall(f"{SVG}path")
    assert path.attrib["d"] == "M10.00 10.00 C35.00 10.00 35.00 40.00 60.00 40.00 L90.00 40.00 " + (
        "C115.00 40.00 115.00 20.00 140.00 20.00"
    )
    assert path.attrib["stroke-dasharray"] == "7 4"


def test_the_same_marks_are_the_same_bytes() -> None:
    assert svg_of(MARKS, 200.0, 100.0, "t") == svg_of(list(MARKS), 200.0, 100.0, "t")
    assert svg_of(MARKS, 200.0, 100.0, "t") != svg_of(MARKS[:-1], 200.0, 100.0, "t")


def test_a_figure_shows_ink_where_the_marks_are() -> None:
    pytest.importorskip("matplotlib")
    plain = [mark for mark in MARKS if not isinstance(mark, Words)] + [Words(24.0, 66.0, "R&D $5$", 10.0)]
    figure = figure_of(plain, 200.0, 100.0, "t")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="rgba")
    pixels = np.frombuffer(buffer.getvalue(), dtype=np.uint8).reshape(100, 200, 4)[..., :3].astype(int)
    ink = pixels.sum(axis=-1) < 3 * 250
    assert ink[50:81, 20:100].any()
    assert ink[35:46, 62:88].any()
    assert not ink[85:, :].any()


def test_names_with_dollars_are_not_formulas() -> None:
    pytest.importorskip("matplotlib")
    figure = figure_of([Words(5.0, 10.0, "a $broken^ formula", 9.0)], 100.0, 20.0, "t")
    figure.savefig(io.BytesIO(), format="png")
    assert [text.get_text() for axes in figure.axes for text in axes.texts] == ["a $broken^ formula"]


def test_without_matplotlib_the_message_is_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'pbr_opt\[report\]'"):
        figure_of(MARKS, 200.0, 100.0, "t")
