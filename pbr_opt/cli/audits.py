"""Commands for auditors: whether results are what they claim, and an installation computes what it should."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pbr_opt.cli.options import JsonOption
from pbr_opt.errors import CheckFailedError
from pbr_opt.report.progress import with_progress

__all__ = ["selftest", "verify"]


def verify(
    folder: Annotated[Path, typer.Argument(help="Folder that --out has written.")], as_json: JsonOption = False
) -> None:
    """Hash every file of results again, run them again, and print PASS or FAIL with the largest difference."""
    from pbr_opt.report.records import to_json
    from pbr_opt.report.verification import verify as examine

    verdict = with_progress("Running again", lambda tick: examine(folder))
    typer.echo(to_json(verdict.to_dict()) if as_json else str(verdict), nl=not as_json)
    if not verdict.passed:
        raise CheckFailedError(f"{folder} is not what was recorded: {verdict.failures[0]}")


def selftest(as_json: JsonOption = False) -> None:
    """Check this installation in a few seconds: closed forms, solvers, the 2011 baseline, files and records."""
    from pbr_opt.report.records import to_json
    from pbr_opt.report.selftest import selftest as examine

    findings = with_progress("Checking", examine)
    failed = [finding for finding in findings if not finding.passed]
    if as_json:
        checks = [{"name": f.name, "passed": f.passed, "got": f.got, "wanted": f.wanted, "trouble": f.trouble}
                  for f in findings]  # fmt: skip
        typer.echo(to_json({"passed": not failed, "checks": checks}), nl=False)
    else:
        typer.echo("\n".join(map(str, findings)))
        typer.echo(f"{'FAIL' if failed else 'PASS'}: {len(findings) - len(failed)} of {len(findings)} checks passed")
    if failed:
        raise CheckFailedError(f"{len(failed)} of {len(findings)} checks failed; first: {failed[0].name}")
