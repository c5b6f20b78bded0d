"""The report of a comparison as one page."""

from __future__ import annotations

from pbr_opt.report.compared import Compared
from pbr_opt.report.evidence import Evidence
from pbr_opt.report.html import render
from pbr_opt.report.sections import sections_of
from pbr_opt.report.wording import count

__all__ = ["report_page"]


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
