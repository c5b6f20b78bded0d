"""The report of a comparison as one page, and as a file."""

from __future__ import annotations

from pathlib import Path

from pbr_opt.analysis.world_answers import Answers
from pbr_opt.report.compared import Compared
from pbr_opt.report.evidence import Evidence
from pbr_opt.report.gathering import ReportSettings, gather
from pbr_opt.report.html import render
from pbr_opt.report.records import write_files
from pbr_opt.report.sections import sections_of
from pbr_opt.report.wording import count

__all__ = ["report_page", "write_report"]


def report_page(comparison: Compared, evidence: Evidence) -> str:
    """Return the report as the text of one HTML page.

    >>> import pbr_opt as pbr
    >>> people = pbr.Caseload(["<script>"], 100, .12, .42, 600)
    >>> programme = pbr.Programme("example", people, pbr.Tariff(["<script>"], 0, 4000))
    >>> page = report_page(pbr.compare(programme, {"today": programme.tariff}), Evidence())
    >>> "<script" in page, "&lt;script&gt;" in page
    (False, True)
    """
    caseload = comparison.programme.caseload
    heading = (
        f"{', '.join(comparison.evaluations)}: {count(caseload.total_participants)} participants in "
        f"{len(caseload.groups)} payment groups"
    )
    return render(comparison.programme.name, heading, sections_of(comparison, evidence))


def write_report(
    comparison: Compared, path: str | Path, settings: ReportSettings | None = None, worlds: Answers | None = None
) -> Path:
    """Write the report of a comparison into one HTML file, all or nothing.

    Parameters
    ----------
    comparison : Comparison
        What the report is about.
    path : str or Path
        The file; its folder is made if need be.
    settings : ReportSettings, optional
        How much to compute.
    worlds : Answers, optional
        What tariffs do in every plausible world, when that was computed.

    Raises
    ------
    OutputError
        When it cannot be written.
    MissingExtraError
        Without matplotlib or Jinja2.
    """
    target = Path(path)
    page = report_page(comparison, gather(comparison, settings, worlds=worlds))
    (written,) = write_files(target.parent, {target.name: page})
    return written
