"""Read what a programme's worlds are drawn from and held against: ``priors.csv`` and ``facts.csv``.

Both are optional files of a programme folder. A prior without a range of its own takes that of the figure of its name,
so that a range stands in one place; a figure that is not confirmed and has a range is a prior without being asked.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeVar

from pbr_opt.errors import InvalidInputError
from pbr_opt.market.evidence import Figure, cited
from pbr_opt.market.facts import Fact, Prior
from pbr_opt.market.programme import Programme
from pbr_opt.programmes.files import read_folder
from pbr_opt.programmes.layers import layers_of, tables_of
from pbr_opt.programmes.registry import folder_of
from pbr_opt.programmes.tables import Row, TableForm, number_in
from pbr_opt.programmes.writing import number_text, table_text
from pbr_opt.quantities import Inspection, nearest

__all__ = ["evidence_texts", "load_facts", "load_priors"]

_FACTS: Final = TableForm(
    "facts.csv", ("id", "value", "tolerance", "kind", "status", "source"),
    ("unit", "excludes", "in_sample", "note"), required=False,
)  # fmt: skip
_PRIORS: Final = TableForm(
    "priors.csv", ("id", "low", "high", "shape"), ("unit", "status", "source", "note"), required=False
)
_YES_NO: Final = {"yes": True, "no": False, "": False}
_SPREAD: Final = "uplift_factor"
"""One row of this name stands for one input in every payment group."""

_UNREAD: Final = ("evidence", "chain", "rivalry")
"""Opens the ids of figures that no world looks at."""
_T = TypeVar("_T", Fact, Prior)


def load_facts(name_or_path: str | os.PathLike[str]) -> tuple[Fact, ...]:
    """Return the published facts of a programme.

    Parameters
    ----------
    name_or_path : str or path
        As of :func:`~pbr_opt.programmes.registry.load`.

    Returns
    -------
    tuple of Fact
        Those of a base first; a folder's own replace those of the same id. Empty without a ``facts.csv``.

    Raises
    ------
    ProgrammeDataError, InvalidInputError
        No such programme; or every fault of the file, with its line.

    Examples
    --------
    >>> facts = {fact.id: fact for fact in load_facts("work_programme_2011")}
    >>> facts["outcome_rate/6"].value, facts["outcome_rate/6"].in_sample
    (0.151, True)
    """
    folder, settings = folder_of(name_or_path)
    check = Inspection(f"Facts of '{folder.name}'")
    keys = [source.key for source in read_folder(folder, settings).programme.register]
    found = {fact.id: fact for row in _rows(check, name_or_path, _FACTS) for fact in _fact(check, row, keys)}
    check.finish()
    return tuple(found.values())


def load_priors(name_or_path: str | os.PathLike[str]) -> tuple[Prior, ...]:
    """Return the priors of a programme: its uncertain figures, and what ``priors.csv`` adds or shapes.

    Parameters
    ----------
    name_or_path : str or path
        As of :func:`~pbr_opt.programmes.registry.load`.

    Returns
    -------
    tuple of Prior
        In the order of the figures, then of the file.

    Raises
    ------
    ProgrammeDataError, InvalidInputError
        No such programme; or every fault of the file, with its line.

    Examples
    --------
    >>> priors = {prior.id: prior for prior in load_priors("work_programme_2011")}
    >>> priors["response_scale_gbp"].shape, priors["uplift_factor/6"].low
    ('log', 0.5)
    """
    folder, settings = folder_of(name_or_path)
    programme = read_folder(folder, settings).programme
    check = Inspection(f"Priors of '{folder.name}'")
    found = {figure.id: _of_figure(figure) for figure in programme.figures if _is_uncertain(figure)}
    whole = [prior_id for prior_id in found if prior_id.endswith("/sustainment_max")]
    found |= {k: Prior(k, found[k].low, found[k].high, "whole", found[k].unit, found[k].status) for k in whole}
    keys = [source.key for source in programme.register]
    for row in _rows(check, name_or_path, _PRIORS):
        found |= {prior.id: prior for prior in _prior(check, row, programme, keys)}
    check.finish()
    return tuple(found.values())


def evidence_texts(facts: Sequence[Fact], priors: Sequence[Prior]) -> dict[str, str]:
    """Return ``facts.csv`` and ``priors.csv`` by name, a row each: beside the programme's files they load again.

    Every prior is written with its own range, those of figures too, so that the folder says all that worlds were
    drawn from and held against, whatever the package says later. Without any there is no file.

    Examples
    --------
    >>> print(evidence_texts([Fact("outcome_rate/6", 0.151, 0.01)], [])["facts.csv"], end="")
    id,value,tolerance,kind,status,source,excludes,in_sample
    outcome_rate/6,0.151,0.01,equal,confirmed,,yes,no
    """
    told = ("kind", "unit", "status", "source", "note")
    fact_rows = [
        {"id": fact.id, "value": number_text(fact.value), "tolerance": number_text(fact.tolerance)}
        | {name: str(getattr(fact, name)) for name in told}
        | {name: "yes" if getattr(fact, name) else "no" for name in ("excludes", "in_sample")}
        for fact in facts
    ]
    prior_rows = [
        {"id": prior.id, "low": number_text(prior.low), "high": number_text(prior.high), "shape": prior.shape}
        | {name: str(getattr(prior, name)) for name in told[1:]}
        for prior in priors
    ]
    tables = ((_FACTS, fact_rows), (_PRIORS, prior_rows))
    return {form.file: table_text(form, rows) for form, rows in tables if rows}


def _is_uncertain(figure: Figure) -> bool:
    low, high = figure.range
    return figure.status != "confirmed" and low < high and figure.id.partition("/")[0] not in _UNREAD


def _of_figure(figure: Figure) -> Prior:
    low, high = figure.range
    return Prior(figure.id, low, high, "uniform", figure.unit, figure.status, figure.source, figure.note)


def _rows(check: Inspection, name_or_path: str | os.PathLike[str], form: TableForm) -> Iterator[Row]:
    folder, settings = folder_of(name_or_path)
    for table in tables_of(check, layers_of(check, folder, settings), form):
        yield from table.rows


def _fact(check: Inspection, row: Row, keys: list[str]) -> Iterator[Fact]:
    """Yield the fact of a row, or nothing, with what is wrong recorded."""
    value, tolerance = number_in(check, row, "value"), number_in(check, row, "tolerance")
    flags: list[bool] = []
    for column in ("excludes", "in_sample"):
        if row[column] not in _YES_NO:
            check.fault(row.place(column), row[column], "yes or no")
        flags.append(_YES_NO.get(row[column], False))
    _inspect_sources(check, row, keys)
    if value is None or tolerance is None:
        return
    texts = row["kind"], row["unit"], row["status"], row["source"], row["note"]
    excludes, in_sample = flags
    yield from _attempt(check, row, lambda: Fact(row["id"], value, tolerance, *texts, excludes, in_sample))


def _prior(check: Inspection, row: Row, programme: Programme, keys: list[str]) -> Iterator[Prior]:
    """Yield the priors of a row: one, or one a payment group; a range left blank is the figure's."""
    figures = {figure.id: figure for figure in programme.figures}
    figure = figures.get(row["id"])
    ends = []
    for k, column in enumerate(("low", "high")):
        if row[column] or figure is None:
            ends.append(number_in(check, row, column))
        else:
            ends.append(figure.range[k])
    _inspect_sources(check, row, keys)
    low, high = ends
    if low is None or high is None:
        return
    texts = (row["shape"], row["unit"], row["status"] or "assumed", row["source"], row["note"])
    places = [f"{_SPREAD}/{g}" for g in programme.caseload.groups] if row["id"] == _SPREAD else [row["id"]]
    for place in places:
        yield from _attempt(check, row, lambda place=place: Prior(place, low, high, *texts))  # type: ignore[misc]


def _inspect_sources(check: Inspection, row: Row, keys: list[str]) -> None:
    for key in cited(row["source"]):
        if key not in keys:
            check.fault(row.place("source"), key, "a key of sources.csv", nearest(key, keys) if keys else "")


def _attempt(check: Inspection, row: Row, make: Callable[[], _T]) -> Iterator[_T]:
    """Yield what is made, or record its faults under the row's line."""
    try:
        yield make()
    except InvalidInputError as error:
        for fault in error.faults:
            check.fault(row.place(fault.place), fault.given, fault.wanted, fault.remedy)
