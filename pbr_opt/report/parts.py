"""What a report is made of: sections of words, tables and pictures, before anybody decides how they look."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, TypeAlias

from pbr_opt.report.canvas import to_svg

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

__all__ = ["Column", "Listing", "Part", "Picture", "Section", "TablePart", "Words", "table_of"]


@dataclass(frozen=True, slots=True)
class Words:
    """Text: a ``paragraph``, the ``lead`` of the report, a ``heading``, a ``note``, or ``code`` to copy."""

    text: str
    kind: str = "paragraph"


@dataclass(frozen=True, slots=True)
class Listing:
    """Short statements, one a line."""

    items: tuple[str, ...]
    kind: ClassVar[str] = "list"


@dataclass(frozen=True, slots=True)
class TablePart:
    """A table: the first column names the row; ``texts`` are the columns that hold words, by position."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    texts: tuple[int, ...] = ()
    kind: ClassVar[str] = "table"


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as SVG, its caption, and the numbers that it shows."""

    svg: str
    caption: str
    table: TablePart | None = None
    kind: ClassVar[str] = "picture"

    @classmethod
    def of(cls, figure: Figure, title: str, caption: str, table: TablePart | None = None) -> Picture:
        """Return a matplotlib figure as a part; the caption is its description too."""
        return cls(to_svg(figure, title, caption), caption, table)


Part = Words | Listing | TablePart | Picture
Column: TypeAlias = tuple[str, str, Callable[[float], str] | None]
"""A column of a frame, its heading, and how its numbers are shown; None shows cells as they are, as words."""


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and what stands below it."""

    id: str
    title: str
    parts: tuple[Part, ...]


def table_of(frame: pd.DataFrame, caption: str, columns: Sequence[Column]) -> TablePart:
    """Return a frame as a table for readers.

    Parameters
    ----------
    frame : DataFrame
        Tidy.
    caption : str
        What the table says.
    columns : sequence of Column
        In order.
    """
    rows = []
    for record in frame.to_dict("records"):
        cells = [str(record[name]) if show is None else show(float(record[name])) for name, _, show in columns]
        rows.append(tuple(cells))
    texts = tuple(k for k, (_, _, show) in enumerate(columns) if show is None)
    return TablePart(caption, tuple(heading for _, heading, _ in columns), tuple(rows), texts)
