"""The command line: ``pbr-opt compare work_programme_2011`` and its siblings.

Exit codes: 0 done, 2 bad input, 3 infeasible, 4 a check failed. Results go to standard output, everything else to
standard error. Heavy libraries are imported by the commands that need them, so that ``--help`` is quick.

A command is a function in the module of its theme, and a name in the list of :mod:`pbr_opt.cli.application`.
"""

from __future__ import annotations

from pbr_opt.cli.application import app, main

__all__ = ["app", "main"]
