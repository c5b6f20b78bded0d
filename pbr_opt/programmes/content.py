"""What a programme says, in one canonical form: to compare programmes however they came about, and to hash them.

A number stands in two places in a programme: in the model (a tariff's fee) and in a figure that says how well it is
known. :func:`settled_figures` returns figures that agree with the model, whatever was replaced since they were read.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, Final

import numpy as np

from pbr_opt.market.evidence import Figure, cited
from pbr_opt.market.figure_book import FigureBook
from pbr_opt.market.figure_ids import EVIDENCE, RIVALRY, TARIFF_COLUMNS
from pbr_opt.market.programme import Programme
from pbr_opt.programmes.chains import CHAIN
from pbr_opt.programmes.figure_rows import implied_unit
from pbr_opt.programmes.rivals import rivalry_numbers

__all__ = ["content", "content_hash", "settled_figures"]

_NEEDED: Final = ("attachment_fee_gbp", "outcome_fee_gbp")
_YEARLY: Final = ("attachment_taper", "intake_share")
_BY_GROUP: Final = ("minimum_service_gbp", "mission_gbp", "base_service_gbp")
_OF_THE_MODEL: Final = ("tariff", "bid_discount", "discount_rate", *_YEARLY, *_BY_GROUP, "outcome_value_gbp")
_OF_THE_CASE: Final = ("participants", "observed_rate", "deadweight_rate", "response_scale_gbp", "spread",
                       "exit_hazard", "curvature")  # fmt: skip
_SEEN_APART: Final = ("figures", "register", "tariff", "group_names", "families")


def content_hash(programme: Programme) -> str:
    """Return the SHA-256 of everything that a programme says, evidence included.

    The same for a workbook, a folder and an object in Python that say the same; the order of figures, sources and
    tariff rows does not matter, nor whether a number that nobody vouches for has a figure.

    Examples
    --------
    >>> from pbr_opt.market.caseload import Caseload
    >>> from pbr_opt.market.tariffs import Tariff
    >>> people = Caseload(["a", "b"], 100, .1, .3, 500)
    >>> one = Programme("p", people, Tariff(["a", "b"], 0, [1000, 2000]))
    >>> other = Programme("p", people, Tariff(["b", "a"], 0, [2000, 1000]))
    >>> content_hash(one) == content_hash(other), content_hash(one) == content_hash(one.replace(discount_rate=.03))
    (True, False)
    """
    text = json.dumps(content(programme), sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def content(programme: Programme) -> dict[str, Any]:
    """Return everything that a programme says, by field, as what JSON knows."""
    groups = programme.caseload.groups
    own = {item.name: _plain(getattr(programme, item.name)) for item in fields(programme)}
    rule = None if programme.rivalry is None else type(programme.rivalry.rule).__name__  # whose numbers others may have
    figures = [_figure(figure) for figure in settled_figures(programme) if not _is_bare(figure, programme)]
    said = {key: value for key, value in own.items() if key not in _SEEN_APART and key != "rivalry"}
    contested = {} if rule is None else {"rivalry": own["rivalry"], "share_rule": rule}
    return (
        said
        | contested
        | {
            "tariff": _plain(programme.tariff.aligned(groups)),
            "group_names": [programme.group_names[group] for group in groups],
            "families": _families(programme),
            "figures": sorted(figures),
            "register": sorted([s.key, s.title.strip(), s.grade, s.address.strip()] for s in programme.register),
        }
    )


def _plain(value: Any) -> Any:  # noqa: ANN401  # whatever a field holds
    """Return a value as what JSON knows, floats by their shortest exact digits."""
    if isinstance(value, (np.ndarray, np.generic)):
        value = value.tolist()
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, Mapping):
        return sorted([str(key), _plain(item)] for key, item in value.items())
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if is_dataclass(value):
        said = [(item, _said(item.name, getattr(value, item.name))) for item in fields(value)]
        return {item.name: _plain(v) for item, v in said if item.default is MISSING or v != item.default}
    if hasattr(value, "__dict__"):  # a rule of somebody's own
        return {key: _plain(item) for key, item in vars(value).items()}
    return value


def _sources(text: str) -> str:
    """Return sources in an order that does not matter."""
    return "; ".join(sorted(cited(text)))


def _said(name: str, value: Any) -> Any:  # noqa: ANN401  # whatever a field holds
    """Return what a field says: blanks round a note, and the order of sources, mean nothing."""
    if name in ("source", "note") and isinstance(value, str):
        return _sources(value) if name == "source" else value.strip()
    return value


def _figure(figure: Figure) -> list[str]:
    numbers = [repr(float(number)) for number in (figure.value, *figure.range)]
    unit = figure.unit.strip() or implied_unit(figure.id)
    return [figure.id, *numbers, unit, figure.status, _sources(figure.source), figure.note.strip()]


def _is_bare(figure: Figure, programme: Programme) -> bool:
    """Whether a figure says nothing but a number that the model holds anyway."""
    name = figure.id.partition("/")[0]
    held = name in (*_OF_THE_MODEL, RIVALRY) or (programme.central_case is not None and name in _OF_THE_CASE)
    silent = figure.status == "assumed" and not figure.source.strip() and not figure.note.strip()
    return held and silent and figure.range == (figure.value, figure.value)


def _families(programme: Programme) -> dict[str, str]:
    """Return the families that groups have, of the programme or of its central case."""
    case = programme.central_case
    of_case = {} if case is None else dict(zip(case.groups, case.families, strict=True))
    return {group: name for group, name in (of_case | dict(programme.families)).items() if name}


def settled_figures(programme: Programme) -> tuple[Figure, ...]:
    """Return the programme's figures, those that the model contradicts replaced by what it holds, marked as assumed.

    >>> from pbr_opt.market.caseload import Caseload
    >>> from pbr_opt.market.tariffs import Tariff
    >>> programme = Programme("p", Caseload(["a"], 100, .1, .3, 500), Tariff(["a"], 0, 1000))
    >>> [(figure.id, figure.value) for figure in settled_figures(programme)]
    [('tariff/a/attachment_fee_gbp', 0.0), ('tariff/a/outcome_fee_gbp', 1000.0)]
    """
    families = dict.fromkeys(programme.caseload.groups, "") | _families(programme)
    rivalry = dict(rivalry_numbers(programme.rivalry))
    about = [figure for figure in programme.figures if figure.id.partition("/")[0] != RIVALRY or figure.id in rivalry]
    kept = {figure.id: figure for figure in about if not _is_void(figure, programme)}
    book = FigureBook(kept.values(), families)
    for name, value in (*_held(programme, book), *rivalry.items()):
        figure = kept.get(name)
        if figure is None or figure.value != value:
            kept[name] = Figure(name, value, implied_unit(name), "assumed")
    return tuple(kept.values())


def _is_void(figure: Figure, programme: Programme) -> bool:
    """Whether a figure is about something that the model does not have."""
    name, _, place = figure.id.partition("/")
    if name in (EVIDENCE, CHAIN):
        return False
    if name == "outcome_value_gbp":
        return programme.outcome_value_gbp is None
    return name in _YEARLY and place.isdigit() and int(place) > programme.terms.intake_share.size


def _held(programme: Programme, book: FigureBook) -> Iterable[tuple[str, float]]:
    """Yield ids and numbers of the model that the figures have to say."""
    groups, terms = programme.caseload.groups, programme.terms
    tariff = programme.tariff.aligned(groups)
    for g, group in enumerate(groups):
        for column in TARIFF_COLUMNS:
            value, figure_id = float(getattr(tariff, column)[g]), f"tariff/{group}/{column}"
            if value or column in _NEEDED or figure_id in book.figures:
                yield figure_id, value
    for name, number in (("bid_discount", terms.bid_discount), ("discount_rate", programme.discount_rate)):
        if (book.number(name) or 0.0) != number:
            yield name, float(number)
    yearly = any(key.partition("/")[0] in _YEARLY for key in book.figures)
    if yearly or terms.intake_share.size > 1 or terms.attachment_share != 1.0:
        for name in _YEARLY:
            for year, share in enumerate(getattr(terms, name), 1):
                yield f"{name}/{year}", float(share)
    yield from _held_by_group(programme, book)


def _held_by_group(programme: Programme, book: FigureBook) -> Iterable[tuple[str, float]]:
    """Yield ids and numbers that groups have, where what holds for them in the figures is another number."""
    columns = {name: getattr(programme, name) for name in _BY_GROUP}
    if programme.outcome_value_gbp is not None:
        columns["outcome_value_gbp"] = programme.outcome_value_gbp
    case = programme.central_case
    if case is not None:
        columns |= {name: getattr(case, name) for name in _OF_THE_CASE}
    for name, numbers in columns.items():
        for group, number in zip(programme.caseload.groups, numbers, strict=True):
            said = book.number(name, group)
            if name == "deadweight_rate" and said is None:
                ratio, rate = book.number("deadweight_ratio", group), book.number("observed_rate", group)
                said = None if ratio is None or rate is None else ratio * rate
            absent = 0.0 if name in (*_BY_GROUP, "outcome_value_gbp", "exit_hazard", "curvature") else None
            if (absent if said is None else said) != number or (name == "outcome_value_gbp" and said is None):
                yield f"{name}/{group}", float(number)
