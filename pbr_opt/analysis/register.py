"""The assumptions register: every input that is not simply known, what it rests on, and how much hangs on it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from pbr_opt.market.evidence import Source, cited
from pbr_opt.market.facts import Prior
from pbr_opt.market.programme import Programme

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["REGISTER_COLUMNS", "assumptions_register"]

REGISTER_COLUMNS: Final = (
    "id", "value", "low", "high", "unit", "status", "source", "date", "quality", "rank", "share_of_variance",
    "swing", "note",
)  # fmt: skip

_YEAR: Final = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")


def assumptions_register(
    programme: Programme, priors: Sequence[Prior] = (), ranking: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Return the register: a row for each figure that was not read in a source, and for each prior that is no figure.

    Parameters
    ----------
    programme : Programme
        Its figures and sources.
    priors : sequence of Prior, optional
        Of its worlds; those that are no figures get rows with the middle of their range as value.
    ranking : DataFrame, optional
        From :func:`~pbr_opt.analysis.sensitivity.rank_inputs`: gives ``rank`` and ``share_of_variance`` (the total
        index). From :func:`~pbr_opt.analysis.assumptions.swings`: gives ``rank`` and ``swing``.

    Returns
    -------
    DataFrame
        Columns ``REGISTER_COLUMNS``. ``date`` is the latest year that a cited source names (blank without one);
        ``quality`` the best grade cited (A official or parliamentary, B research, charity or trade body, C press or
        blog), ``none`` where nothing is cited. Ranked rows first, in their order.

    Examples
    --------
    >>> from pbr_opt.programmes.registry import load
    >>> table = assumptions_register(load("work_programme_2011")).set_index("id")
    >>> table.loc["spread", ["status", "date", "quality"]].tolist(), float(table.loc["spread", "high"])
    (['assumed', '2014', 'B'], 1.6)
    """
    import pandas as pd  # slow to import: only when a table is asked for

    sources = {source.key: source for source in programme.register}
    rows = {
        figure.id: (figure.value, *figure.range, figure.unit, figure.status, figure.source, figure.note)
        for figure in programme.assumptions
    }
    for prior in priors:
        shown = rows.get(prior.id)
        if shown is None:
            middle = float(prior.at(np.array([0.5]))[0])
            rows[prior.id] = (middle, prior.low, prior.high, prior.unit, prior.status, prior.source, prior.note)
    columns = ["value", "low", "high", "unit", "status", "source", "note"]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("id").reset_index()
    table["date"] = [_date(cited, sources) for cited in table["source"]]
    table["quality"] = [_quality(cited, sources) for cited in table["source"]]
    found = {} if ranking is None else ranking.rename(columns={"figure": "id"}).set_index("id").to_dict("index")
    table["rank"] = pd.array([found.get(name, {}).get("rank") for name in table["id"]], dtype="Int64")
    for column, given in (("share_of_variance", "total"), ("swing", "swing")):
        table[column] = [found.get(name, {}).get(given, float("nan")) for name in table["id"]]
    return table.sort_values("rank", kind="stable", na_position="last", ignore_index=True)[list(REGISTER_COLUMNS)]


def _cited(text: str, sources: Mapping[str, Source]) -> list[Source]:
    return [sources[key] for key in cited(text) if key in sources]


def _date(text: str, sources: Mapping[str, Source]) -> str:
    """Return the latest year that the cited sources name, in their titles or else in their keys or addresses."""
    years = [year for source in _cited(text, sources) for year in _years(source)]
    return max(years, default="")


def _years(source: Source) -> list[str]:
    return _YEAR.findall(source.title) or _YEAR.findall(source.key.replace("_", " ")) or _YEAR.findall(source.address)


def _quality(text: str, sources: Mapping[str, Source]) -> str:
    return min((source.grade for source in _cited(text, sources)), default="none")
