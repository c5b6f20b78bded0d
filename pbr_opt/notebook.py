"""How results show, in a terminal and a notebook: what they are, what they say in a line or two, their table."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Tabled", "notebook_html"]

_ROWS: Final = 24
"""Longer tables are shown by their ends, as pandas does."""
_WIDTH: Final = 120
"""Characters; wider tables go on below."""


class Tabled:
    """What has a table, and shows it in a terminal and in a notebook."""

    __slots__ = ()

    @abstractmethod
    def to_frame(self) -> pd.DataFrame:
        """Return the table."""

    def notebook_lines(self) -> Sequence[str]:
        """Return what stands above the table, line by line."""
        return ()

    def __str__(self) -> str:
        """Return lines and table as text."""
        told = self.to_frame().to_string(
            index=False, max_rows=_ROWS, float_format=_number, line_width=_WIDTH, na_rep=""
        )
        return "\n".join([*self.notebook_lines(), told])

    def __repr__(self) -> str:
        """Return lines and table as text: fields of results are arrays that fill screens."""
        return f"{type(self).__name__}\n{self}"

    def _repr_html_(self) -> str:
        return notebook_html(type(self).__name__, self.notebook_lines(), self.to_frame())


def notebook_html(title: str, lines: Sequence[str], *tables: pd.DataFrame) -> str:
    """Return a title, lines of text and tables as HTML; text is text, whatever is in it.

    Parameters
    ----------
    title : str
        What it is.
    lines : sequence of str
        What it says.
    *tables : DataFrame
        Without their index; numbers in full up to four digits, above a thousand without decimals.

    Examples
    --------
    >>> notebook_html("A & B", ["1 < 2"])
    '<div class="tex2jax_ignore"><strong>A &amp; B</strong><div>1 &lt; 2</div></div>'
    """
    told = "".join(f"<div>{escape(line)}</div>" for line in lines)
    shown = [
        frame.to_html(index=False, border=0, max_rows=_ROWS, na_rep="", float_format=_number, justify="right")
        for frame in tables
    ]
    return f'<div class="tex2jax_ignore"><strong>{escape(title)}</strong>{told}{"".join(shown)}</div>'


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
