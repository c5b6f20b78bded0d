"""The names by which objectives and limits are asked for: on a command line, in a file or on a sheet.

Names follow the classes: ``MaxParkedShare`` is ``max-parked-share``. Whatever is added to
:mod:`pbr_opt.design.objectives` or :mod:`pbr_opt.design.limits` can be asked for without a change here.
"""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass
from typing import Any, Final, Literal

from pbr_opt.design import chain_limits, group_limits, joint_limits
from pbr_opt.design.limits import Budget, Limit, PriceRange, PriceStep
from pbr_opt.design.objectives import Objective

__all__ = ["Term", "objective_names", "said_name", "term_names", "terms", "terms_of"]

Reads = Literal["number", "whole", "yes", "tariff", "by_group", "by_year", "numbers", "names"]

_SHORT: Final = {
    (Budget, "gbp"): "budget",
    (PriceStep, "gbp"): "step",
    (PriceRange, "lower_gbp"): "lowest",
    (PriceRange, "upper_gbp"): "highest",
    (group_limits.PriceCeilingByValue, ""): "value-ceiling",
}
_ROOMS: Final = (chain_limits, group_limits, joint_limits)
"""Limits are known once the module that has them is imported: these have, whatever else has been."""


@dataclass(frozen=True, slots=True)
class Term:
    """One thing that a limit can be told, under a name of its own.

    Attributes
    ----------
    name : str
        As people write it, for instance ``max-parked-share``.
    limit : type of Limit
        What it becomes part of.
    field : str
        The limit's parameter; empty for a limit that has none.
    reads : str
        ``number``, ``whole`` (number), ``yes`` (or no), ``tariff`` (yes: the programme's own), ``by_group``: a
        number, or ``7=15000; 8=9000``, ``by_year``: ``2=5e6; 3=4e6``, ``numbers`` or ``names``: ``1; 6; 7``.
    """

    name: str
    limit: type[Limit]
    field: str
    reads: Reads

    @property
    def help(self) -> str:
        """Return the first sentence of what the limit says of itself."""
        return (inspect.getdoc(self.limit) or "").split("\n\n")[0].replace("\n", " ")


def said_name(kind: type[object]) -> str:
    """Return how people write the name of a class: ``MaxParkedShare`` is ``max-parked-share``."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", kind.__name__).lower()


def _below(kind: type[Any]) -> list[type[Any]]:
    """Return every public class under a base that the package itself defines, by name; bases of others are left out."""
    found = set(_descendants(kind))
    ours = {each.__name__: each for each in found if each.__module__.startswith("pbr_opt.design.")}
    bases = {base for each in ours.values() for base in each.__mro__[1:]}
    return [each for name, each in sorted(ours.items()) if name[0] != "_" and each not in bases]


def _descendants(kind: type[Any]) -> list[type[Any]]:
    return [each for child in kind.__subclasses__() for each in (child, *_descendants(child))]


def objective_names() -> dict[str, type[Objective]]:
    """Return every objective by its name.

    >>> [name for name in objective_names() if name.startswith("p")]
    ['parked']
    """
    return {said_name(kind): kind for kind in _below(Objective)}


def terms() -> tuple[Term, ...]:
    """Return everything that limits can be told, in the order of the limits' names.

    >>> [term.name for term in terms() if term.limit is PriceRange]
    ['lowest', 'highest']
    """
    return tuple(term for kind in _below(Limit) for term in terms_of(kind))


def term_names() -> dict[str, Term]:
    """Return the same by name."""
    return {term.name: term for term in terms()}


def terms_of(kind: type[Limit]) -> list[Term]:
    """Return what one kind of limit can be told, a term for each parameter."""
    fields = list(inspect.signature(kind).parameters.values())
    if not fields:
        return [Term(_SHORT.get((kind, "")) or said_name(kind), kind, "", "yes")]
    plain = said_name(kind) if len(fields) == 1 else ""
    return [
        Term(
            _SHORT.get((kind, field.name)) or plain or f"{said_name(kind)}-{field.name.replace('_', '-')}",
            kind,
            field.name,
            _reads(str(field.annotation)),
        )
        for field in fields
    ]


def _reads(annotation: str) -> Reads:
    if "Tariff" in annotation:
        return "tariff"
    if "Mapping[int" in annotation:
        return "by_year"
    if "Mapping" in annotation:
        return "by_group"
    if "Sequence" in annotation:
        return "names" if "str" in annotation else "numbers"
    return {"int": "whole", "bool": "yes"}.get(annotation, "number")  # type: ignore[return-value]
