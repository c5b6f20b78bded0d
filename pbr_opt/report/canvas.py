"""How pictures look: one style, colours that all can tell apart and that never stand alone, SVG that stays the same."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from typing import TYPE_CHECKING, Any, Final

from pbr_opt.errors import MissingExtraError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["BASE", "DASHES", "HATCHES", "INK", "MARKERS", "NEW", "PALETTE", "axes_of", "described", "style", "to_svg"]

BASE: Final = "#6b6b6b"
NEW: Final = "#0072b2"
INK: Final = "#222222"
PALETTE: Final = (BASE, NEW, "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
"""The baseline is grey; the rest are colours that colour-blind people tell apart (Okabe and Ito)."""
HATCHES: Final = ("", "///", "...", "xxx", "\\\\\\", "+++", "ooo")
MARKERS: Final = ("o", "s", "^", "D", "v", "P", "X")
DASHES: Final = ("-", "--", ":", "-.", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 1)))

_SETTINGS: Final[dict[Any, Any]] = {
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same letters everywhere
    "font.size": 9.0,
    "axes.titlesize": 10.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.grid": False,
    "legend.frameon": False,
    "figure.dpi": 100.0,
    "svg.hashsalt": "pbr_opt",
    "svg.fonttype": "none",  # letters stay letters: they can be read aloud, found and copied
    "hatch.linewidth": 0.6,
    "text.parse_math": False,  # a label with a dollar is a label
}


@contextmanager
def style() -> Iterator[None]:
    """Draw in the house style inside, and leave matplotlib's settings as they were.

    Raises
    ------
    MissingExtraError
        Without matplotlib; names the command that installs it.
    """
    try:
        import matplotlib as mpl  # slow to import: only when a picture is asked for
    except ImportError as error:
        raise MissingExtraError("A picture needs matplotlib: pip install 'pbr_opt[report]'") from error
    with mpl.rc_context(_SETTINGS):
        yield


def axes_of(width: float, height: float, count: int = 1) -> tuple[Figure, list[Axes]]:
    """Return a figure of so many inches and its axes side by side; no window is opened."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, [figure.add_subplot(1, count, k + 1) for k in range(count)]


def to_svg(figure: Figure, title: str, description: str) -> str:
    """Return a picture as SVG that can stand inside a page: the same bytes for the same picture, with words for it.

    Parameters
    ----------
    figure : Figure
        Made inside :func:`style`.
    title, description : str
        What is drawn, and what it shows, for those who cannot see it.
    """
    with style():
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    inner = text.getvalue()
    svg = inner[inner.index("<svg") :]
    name = _slug(title)
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'id="([^"]+)"', rf'id="{name}-\1"', svg)
    svg = re.sub(r"url\(#([^)]+)\)", rf"url(#{name}-\1)", svg)
    svg = re.sub(r'xlink:href="#([^"]+)"', rf'xlink:href="#{name}-\1"', svg)
    return described(svg, title, description)


def described(svg: str, title: str, description: str) -> str:
    """Return SVG text with a title and a description for those who cannot see it, in place of a title of its own."""
    name = _slug(title)
    head, body = svg.split(">", 1)
    labelled = f'<svg role="img" aria-labelledby="{name}-title {name}-text"'
    words = f'<title id="{name}-title">{escape(title)}</title><desc id="{name}-text">{escape(description)}</desc>'
    own = re.sub(r"\A\s*<title>.*?</title>", "", body, flags=re.DOTALL)
    return head.replace(' role="img"', "").replace("<svg", labelled, 1) + ">" + words + own


def _slug(title: str) -> str:
    """Return a title as what an id may be."""
    return re.sub(r"\W+", "-", title.lower()).strip("-")
