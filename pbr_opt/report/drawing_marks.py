"""What a drawing is made of: boxes, words and lines, and how to write them as SVG text or as a matplotlib figure.

Both writers read the same marks, so that they show the same. The SVG is plain text: no dependency, no dates, no random
ids, numbers with two decimals; so the same drawing is the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final, Literal, TypeAlias
from unicodedata import east_asian_width
from xml.sax.saxutils import escape, quoteattr

from pbr_opt.errors import MissingExtraError

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.figure import Figure

__all__ = ["Box", "Curve", "Mark", "Words", "figure_of", "fitting", "svg_of"]

_DASHES: Final = {"solid": "", "dashed": "7 4", "dotted": "1.5 3.5"}
_FAMILY: Final = "DejaVu Sans, Verdana, Arial, sans-serif"
_POINTS_PER_PIXEL: Final = 0.72
"""At 100 dots an inch."""
_DPI: Final = 100.0
_ROUND: Final = 9.0
_INSET: Final = 3.0
_STROKE: Final = 1.2
_SIDES: Final[Mapping[str, Literal["left", "center", "right"]]] = {"start": "left", "middle": "center", "end": "right"}
_WIDTHS: Final = {"full": 1.12, "wide": 0.85, "other": 0.62}
"""Of characters, in sizes of the bold font, on the safe side: names are cut to what fits into a box."""
_LineStyle: TypeAlias = str | tuple[float, tuple[float, ...]]


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle.

    Parameters
    ----------
    left, top, width, height : float
        Pixels.
    fill, stroke : str
        Colours.
    rounded, double : bool, optional
        Round corners; a second line inside the first.
    line : str, optional
        ``solid``, ``dashed`` or ``dotted``.
    tip : str, optional
        What a browser shows under the pointer.
    """

    left: float
    top: float
    width: float
    height: float
    fill: str
    stroke: str
    rounded: bool = False
    double: bool = False
    line: str = "solid"
    tip: str = ""


@dataclass(frozen=True, slots=True)
class Words:
    """One line of text; ``anchor`` is start, middle or end, ``size`` in pixels, ``base`` the height of the baseline."""

    left: float
    base: float
    text: str
    size: float
    bold: bool = False
    anchor: str = "start"
    colour: str = "#1a1a1a"


@dataclass(frozen=True, slots=True)
class Curve:
    """A smooth line through points, level at each; every second piece is straight (it passes a column)."""

    points: tuple[tuple[float, float], ...]
    width: float
    colour: str
    line: str = "solid"
    tip: str = ""


Mark: TypeAlias = Box | Words | Curve


def svg_of(marks: Iterable[Mark], width: float, height: float, title: str) -> str:
    """Return a drawing as SVG text.

    Parameters
    ----------
    marks : iterable of Mark
        From back to front.
    width, height : float
        Pixels.
    title : str
        Read out to those who cannot see it.

    Examples
    --------
    >>> text = svg_of([Words(4, 14, "R&D <1>", 10)], 80, 20, "One word")
    >>> "R&amp;D &lt;1&gt;" in text, text.endswith("</svg>" + chr(10))
    (True, True)
    """
    size = f'width="{width:.2f}" height="{height:.2f}" viewBox="0 0 {width:.2f} {height:.2f}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" font-family="{_FAMILY}">',
        f"<title>{_clean(title)}</title>",
        f'<rect width="{width:.2f}" height="{height:.2f}" fill="#ffffff"/>',
        *(_written(mark) for mark in marks),
        "</svg>\n",
    ]
    return "\n".join(lines)


def _written(mark: Mark) -> str:
    if isinstance(mark, Words):
        weight = ' font-weight="bold"' if mark.bold else ""
        anchor = "" if mark.anchor == "start" else f' text-anchor="{mark.anchor}"'
        place = f'x="{mark.left:.2f}" y="{mark.base:.2f}" font-size="{mark.size:.2f}"{weight}{anchor}'
        return f"<text {place} fill={quoteattr(mark.colour)}>{_clean(mark.text)}</text>"
    dashes = f' stroke-dasharray="{_DASHES[mark.line]}"' if _DASHES[mark.line] else ""
    tip = f"<title>{_clean(mark.tip)}</title>" if mark.tip else ""
    if isinstance(mark, Curve):
        style = f'fill="none" stroke={quoteattr(mark.colour)} stroke-width="{mark.width:.2f}"{dashes}'
        return f'<path d="{_path(mark.points)}" {style}>{tip}</path>'
    corner = f' rx="{_ROUND:.2f}"' if mark.rounded else ""
    style = f'{corner} stroke={quoteattr(mark.stroke)} stroke-width="{_STROKE:.2f}"{dashes}'
    outer = f"<rect {_rectangle(mark, 0.0)} fill={quoteattr(mark.fill)}{style}>{tip}</rect>"
    return outer + (f'<rect {_rectangle(mark, _INSET)} fill="none"{style}/>' if mark.double else "")


def _rectangle(box: Box, inset: float) -> str:
    place = f'x="{box.left + inset:.2f}" y="{box.top + inset:.2f}"'
    return f'{place} width="{box.width - 2 * inset:.2f}" height="{box.height - 2 * inset:.2f}"'


def _clean(text: str) -> str:
    """Return text that may stand in XML: escaped, control characters (which XML forbids) and line ends as blanks."""
    return escape("".join(c if c.isprintable() else " " for c in text), {'"': "&quot;"})


def _steps(points: Sequence[tuple[float, float]]) -> list[tuple[tuple[float, float], ...]]:
    """Return control points and end of each piece: one point for a straight piece, three for a curved one."""
    answer: list[tuple[tuple[float, float], ...]] = []
    for k, ((x0, y0), (x1, y1)) in enumerate(pairwise(points)):
        middle = (x0 + x1) / 2.0
        answer.append(((middle, y0), (middle, y1), (x1, y1)) if k % 2 == 0 else ((x1, y1),))
    return answer


def _path(points: Sequence[tuple[float, float]]) -> str:
    parts = [f"M{points[0][0]:.2f} {points[0][1]:.2f}"]
    for step in _steps(points):
        numbers = " ".join(f"{x:.2f} {y:.2f}" for x, y in step)
        parts.append(f"{'C' if len(step) == 3 else 'L'}{numbers}")
    return " ".join(parts)


def figure_of(marks: Iterable[Mark], width: float, height: float, title: str) -> Figure:
    """Return a drawing as a matplotlib figure, to be saved or shown by the caller.

    Raises
    ------
    MissingExtraError
        Without matplotlib.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError("A figure needs matplotlib: pip install 'pbr_opt[report]'") from error
    figure = Figure(figsize=(width / _DPI, height / _DPI), dpi=_DPI)
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set(xlim=(0.0, width), ylim=(height, 0.0))
    axes.set_axis_off()
    figure.set_label(title)
    for order, mark in enumerate(marks):
        for artist in _artists(mark, order):
            axes.add_artist(artist)
    return figure


def _artists(mark: Mark, order: int) -> list[Artist]:
    if isinstance(mark, Words):
        return [_text(mark, order)]
    return [_line(mark, order)] if isinstance(mark, Curve) else _rectangles(mark, order)


def _text(words: Words, order: int) -> Artist:
    from matplotlib.text import Text

    return Text(
        words.left,
        words.base,
        "".join(c if c.isprintable() else " " for c in words.text),
        fontsize=words.size * _POINTS_PER_PIXEL,
        fontweight="bold" if words.bold else "normal",
        color=words.colour,
        verticalalignment="baseline",
        horizontalalignment=_SIDES[words.anchor],
        parse_math=False,  # a name may hold dollars
        zorder=order,
    )


def _line(curve: Curve, order: int) -> Artist:
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    steps = _steps(curve.points)
    codes = [Path.MOVETO]
    for step in steps:
        codes += [Path.CURVE4] * 3 if len(step) == 3 else [Path.LINETO]
    return PathPatch(
        Path([curve.points[0], *(point for step in steps for point in step)], codes),
        facecolor="none",
        edgecolor=curve.colour,
        linewidth=curve.width * _POINTS_PER_PIXEL,
        linestyle=_dashed(curve.line, curve.width),
        zorder=order,
    )


def _dashed(line: str, width: float) -> _LineStyle:
    """Return a line style; matplotlib counts dashes in widths of the line."""
    lengths = tuple(float(length) / width for length in _DASHES[line].split())
    return (0.0, lengths) if lengths else "-"


def _rectangles(box: Box, order: int) -> list[Artist]:
    from matplotlib.patches import FancyBboxPatch

    shape = f"round,pad=0,rounding_size={_ROUND}" if box.rounded else "square,pad=0"
    return [
        FancyBboxPatch(
            (box.left + inset, box.top + inset),
            box.width - 2 * inset,
            box.height - 2 * inset,
            boxstyle=shape,
            facecolor=box.fill if inset == 0.0 else "none",
            edgecolor=box.stroke,
            linewidth=_STROKE * _POINTS_PER_PIXEL,
            linestyle=_dashed(box.line, _STROKE),
            zorder=order,
        )
        for inset in ((0.0, _INSET) if box.double else (0.0,))
    ]


def fitting(text: str, size: float, width: float) -> str:
    """Return text cut in the middle to a width: numbers at the end of names often tell them apart.

    >>> fitting("a very long name indeed 07", 10.0, 90.0)
    'a very lo…d 07'
    """
    cut, kept = text, len(text)
    while kept and _length(cut) * size > width:
        kept -= 1
        tail = kept // 3
        cut = f"{text[: kept - tail].rstrip()}…{text[len(text) - tail :].lstrip()}"
    return cut


def _length(text: str) -> float:
    """Return about how long a text is, in sizes of the font."""

    def breadth(c: str) -> str:
        return "full" if c in "MWmw%@" or east_asian_width(c) in "WF" else "wide" if c.isupper() else "other"

    return sum(_WIDTHS[breadth(character)] for character in text)
