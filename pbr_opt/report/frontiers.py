"""Frontiers of one aim: traced, written into a folder, and recorded so that they can be traced again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from pbr_opt.analysis.frontier import Frontier, frontier
from pbr_opt.design.limits import Limit
from pbr_opt.design.objectives import Objective
from pbr_opt.market.programme import Programme
from pbr_opt.programmes.questions import asked_of
from pbr_opt.report.records import csv_text, inputs_of, plain, provenance, write_record

__all__ = ["FRONTIER", "frontier_dict", "save_frontier", "traced"]

FRONTIER: Final = "frontier"
"""Under this name a record keeps a frontier."""


def traced(programme: Programme, aim: Objective, budgets_gbp: ArrayLike, limits: Sequence[Limit] = ()) -> Frontier:
    """Return the frontier of an aim, the right way round; see :func:`~pbr_opt.analysis.frontier.frontier`.

    Parameters
    ----------
    programme : Programme
        Whose tariff is redesigned.
    aim : Objective
        Minimised or maximised, as is better.
    budgets_gbp : array
        What can be spent.
    limits : sequence of Limit, optional
        All but a Budget.
    """
    less, more = (aim, None) if aim.better < 0 else (None, aim)
    return frontier(programme, minimise=less, maximise=more, budgets_gbp=budgets_gbp, limits=limits)


def frontier_dict(line: Frontier) -> dict[str, object]:
    """Return what was asked and what every budget can do at best, for a machine."""
    problem = line.problem
    return {
        "objective": problem.objective.name,
        "asked": asked_of(problem.objective, problem.limits, problem.programme),
        "budgets_gbp": plain(np.concatenate([line.too_small_gbp, line.budget_gbp])),
        "too_small_gbp": plain(line.too_small_gbp),
        "least_budget_gbp": line.least_budget_gbp,
        "rows": plain(line.to_frame().to_dict("records")),
    }


def save_frontier(line: Frontier, folder: str | Path, settings: Mapping[str, object] | None = None) -> tuple[Path, ...]:
    """Write a frontier into a folder, all or nothing: ``frontier.csv``, the programme in ``inputs/``, and ``run.json``.

    Parameters
    ----------
    line : Frontier
        What is written.
    folder : str or Path
        Made if need be; files of the same names in it are replaced.
    settings : mapping, optional
        How it was asked for, kept in ``run.json``.

    Raises
    ------
    OutputError
        When the folder cannot be written; then nothing in it has changed.
    """
    programme = line.problem.programme
    inputs, note = inputs_of(programme)
    record = provenance(programme, {}, settings or {}) | {"programme": programme.name, FRONTIER: frontier_dict(line)}
    return write_record(Path(folder), {"frontier.csv": csv_text(line.to_frame())} | inputs, record | note)
