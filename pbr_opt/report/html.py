"""The report: one HTML file that needs nothing else, in the order in which a commissioner reads.

The answer first, then a rate card to paste, who gains and who loses help, the tiers' risk and cash, what would change
the answer, assumptions and sources, and how it was computed. Every label is escaped; nothing is fetched.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import metadata, resources

from pbr_opt.errors import MissingExtraError
from pbr_opt.report.parts import Section

__all__ = ["render"]


def render(title: str, heading: str, sections: Sequence[Section]) -> str:
    """Return sections as one self-contained HTML page.

    Parameters
    ----------
    title, heading : str
        What it is about; one line more.
    sections : sequence of Section
        In reading order.

    Raises
    ------
    MissingExtraError
        Without Jinja2; names the command that installs it.

    Examples
    --------
    >>> from pbr_opt.report.parts import Words
    >>> page = render("A <b> & c", "", [Section("one", "One", (Words("1 < 2"),))])
    >>> "A &lt;b&gt; &amp; c" in page, "1 &lt; 2" in page, "http" in page.lower().replace("http-equiv", "")
    (True, True, False)
    """
    try:
        from jinja2 import Environment, StrictUndefined
    except ImportError as error:
        raise MissingExtraError("A report needs Jinja2: pip install 'pbr_opt[report]'") from error
    folder = resources.files("pbr_opt.report") / "templates"
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, finalize=_together
    )
    template = environment.from_string((folder / "report.html.j2").read_text(encoding="utf-8"))
    return template.render(
        title=title,
        heading=heading,
        sections=list(sections),
        css=(folder / "report.css").read_text(encoding="utf-8"),
        version=metadata.version("pbr_opt"),
    )


def _together(value: object) -> object:
    """Return text with numbers and their per cent signs on one line; what is marked up already stays as it is."""
    return value.replace(" %", "\N{NO-BREAK SPACE}%") if type(value) is str else value
