"""What is asked of a design, in words: an objective and limits by their names, from a command line, a file or a sheet.

Which names there are is in :mod:`pbr_opt.programmes.terms`.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pbr_opt.design.limits import Budget, Limit, PriceRange, PriceStep
from pbr_opt.design.objectives import Objective
from pbr_opt.design.optimise import optimise
from pbr_opt.design.result import Design
from pbr_opt.errors import InvalidInputError
from pbr_opt.evaluation import evaluate
from pbr_opt.market.programme import Programme
from pbr_opt.programmes.terms import Term, objective_names, said_name, term_names, terms_of
from pbr_opt.quantities import Inspection, nearest

__all__ = ["Question", "asked_of", "question_from"]

_UNSAID: Final[tuple[object, ...]] = (math.inf, {}, (1.0,))
"""What a budget says of what is not asked: no total, no years, all payments in the year of the start."""
_AIMS: Final = ("minimise", "maximise")
_YES: Final = {"yes": True, "true": True, "no": False, "false": False}


@dataclass(frozen=True, slots=True)
class Question:
    """What a design is to achieve, and what it must respect.

    Attributes
    ----------
    objective : Objective
        The aim.
    limits : tuple of Limit
        Perhaps without a budget: then what the programme's own tariff costs is the budget.
    """

    objective: Objective
    limits: tuple[Limit, ...] = ()

    def bounded(self, programme: Programme) -> tuple[Limit, ...]:
        """Return the limits, with the spend of the programme's own tariff as budget where none is given."""
        if any(isinstance(limit, Budget) for limit in self.limits):
            return self.limits
        return (Budget(evaluate(programme).spend_gbp), *self.limits)

    def answer(self, programme: Programme) -> Design:
        """Return the best tariff; see :func:`~pbr_opt.design.optimise.optimise` for what it raises."""
        aim = "minimise" if self.objective.better < 0 else "maximise"
        return optimise(programme, limits=self.bounded(programme), **{aim: self.objective})  # type: ignore[arg-type]


def asked_of(objective: Objective, limits: Sequence[Limit], programme: Programme) -> dict[str, str] | None:
    """Return the names and texts that ask a question, or None where texts cannot.

    >>> from pbr_opt.market.caseload import Caseload
    >>> from pbr_opt.market.tariffs import Tariff
    >>> from pbr_opt.design.objectives import SupportShortfall
    >>> programme = Programme("p", Caseload(["a"], 100, .1, .3, 500), Tariff(["a"], 0, 1000))
    >>> asked_of(SupportShortfall(300), [Budget(5e4), PriceRange(0, {"a": 900})], programme)
    {'minimise': 'support-shortfall=300.0', 'budget': '50000.0', 'lowest': '0.0', 'highest': 'a=900.0'}
    """
    if objective.parts != ((1.0, objective),):  # a weighted sum has no name
        return None
    numbers = [repr(float(getattr(objective, name))) for name in inspect.signature(type(objective)).parameters]
    aim = "minimise" if objective.better < 0 else "maximise"
    asked = {aim: "=".join([said_name(type(objective)), *numbers])}
    for limit in limits:
        for term in terms_of(type(limit)):
            if isinstance(limit, Budget) and getattr(limit, term.field) in _UNSAID:
                continue
            text = _told(term, limit, programme)
            if text is None or (term.name in asked and asked[term.name] != text):
                return None
            asked[term.name] = text
    return asked


def _told(term: Term, limit: Limit, programme: Programme) -> str | None:
    """Return what a limit says of one of its terms, as text."""
    value: Any = getattr(limit, term.field) if term.field else True
    if term.reads == "tariff":
        return "yes" if value == programme.tariff else None
    if isinstance(value, Mapping):
        return "; ".join(f"{group}={float(number)!r}" for group, number in value.items())
    if term.reads in ("names", "numbers"):
        return "; ".join(str(part) for part in value) or "yes"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, (int, float)):
        return None
    return str(value) if term.reads == "whole" else repr(float(value))


def question_from(
    check: Inspection, asked: Mapping[str, str], programme: Programme | None, places: Mapping[str, str] | None = None
) -> Question | None:
    """Return the question that names and texts ask.

    Parameters
    ----------
    check : Inspection
        Where faults are recorded.
    asked : mapping of name to text
        ``minimise`` or ``maximise`` (people parked when neither is there), and names of :func:`terms`; ``step`` 0 is
        any price.
    programme : Programme or None
        Whose groups and tariff limits may refer to; without one, what refers to them is not looked at.
    places : mapping of name to text, optional
        Where each was written; the name itself where nothing is said.

    Returns
    -------
    Question or None
        None when there were faults, or no programme.

    Examples
    --------
    >>> from pbr_opt.market.caseload import Caseload
    >>> from pbr_opt.market.tariffs import Tariff
    >>> programme = Programme("p", Caseload(["a"], 100, .1, .3, 500), Tariff(["a"], 0, 1000))
    >>> check = Inspection("question")
    >>> question = question_from(check, {"minimise": "parked", "budget": "5e4", "step": "5"}, programme)
    >>> [str(limit) for limit in question.limits]
    ['Budget(£50,000)', 'PriceStep(£5)']
    >>> question_from(check, {"minimise": "parkd"}, programme)
    >>> print(check.faults[0])
    minimise: given parkd; wanted an objective; try: did you mean 'parked'?
    """
    return _Reader(check, programme, places or {}).question(asked)


@dataclass(frozen=True, slots=True)
class _Reader:
    """Turns texts into an objective and limits, faults under the places where the texts stood."""

    check: Inspection
    programme: Programme | None
    places: Mapping[str, str]

    def at(self, name: str) -> str:
        return self.places.get(name, name)

    def question(self, asked: Mapping[str, str]) -> Question | None:
        faults, known = len(self.check.faults), term_names()
        for name in asked:
            if name not in known and name not in _AIMS:
                remedy = nearest(name, (*_AIMS, *known))
                self.check.fault(self.at(name), name, "an objective or a limit", remedy)
        objective = self._objective({aim: asked[aim] for aim in _AIMS if aim in asked} or {"minimise": "parked"})
        given = [(term, asked[name]) for name, term in known.items() if name in asked]
        values = [(term, self._value(term, text)) for term, text in given]
        if objective is None or len(self.check.faults) > faults:
            return None
        limits = self._limits([(term, value) for term, value in values if value is not None])
        if self.programme is None:
            return None
        return Question(objective, limits) if len(self.check.faults) == faults else None

    def _objective(self, asked: Mapping[str, str]) -> Objective | None:
        (aim, text), *more = asked.items()
        if more:
            self.check.fault(self.at(more[0][0]), "both minimise and maximise", "exactly one objective")
            return None
        name, _, number = (part.strip() for part in text.partition("="))
        kind = objective_names().get(name)
        if kind is None:
            self.check.fault(self.at(aim), name or "nothing", "an objective", nearest(name, objective_names()))
            return None
        if (kind.better < 0) != (aim == "minimise"):
            right = "minimise" if kind.better < 0 else "maximise"
            self.check.fault(self.at(aim), name, f"something to {aim}", f"{right} {name}")
            return None
        needed = list(inspect.signature(kind).parameters)
        if bool(needed) != bool(number):
            wanted = f"'{name}={needed[0]}', with a number" if needed else f"'{name}' alone"
            self.check.fault(self.at(aim), text, wanted, f"{name}=300" if needed else "")
            return None
        value = self._number(aim, number) if needed else None
        if needed and value is None:
            return None
        made: Objective | None = self._made(self.at(aim), kind, {} if value is None else {needed[0]: value})
        return made

    def _limits(self, values: list[tuple[Term, object]]) -> tuple[Limit, ...]:
        """Return one limit for all that was said of it."""
        said: dict[type[Limit], dict[str, object]] = {}
        for term, value in values:
            said.setdefault(term.limit, {}).update({term.field: value} if term.field else {})
        where = {term.limit: self.at(term.name) for term, _ in reversed(values)}
        made = [self._made(where[kind], kind, fields) for kind, fields in said.items()]
        return tuple(limit for limit in made if limit is not None)

    def _made(self, place: str, kind: Any, values: Mapping[str, object]) -> Any:  # noqa: ANN401  # a limit or an objective
        try:
            made = kind(**values)
            if isinstance(made, PriceRange) and self.programme is not None:
                made.bounds(self.programme.caseload.groups)
        except (InvalidInputError, TypeError) as error:
            if isinstance(error, TypeError):
                self.check.fault(place, ", ".join(values), f"everything that {kind.__name__} needs", str(error))
                return None
            for fault in error.faults:
                self.check.fault(place, fault.given, fault.wanted, fault.remedy)
            return None
        return made

    def _value(self, term: Term, text: str) -> object | None:
        """Return what a text says, or None: nothing wanted, or a fault."""
        match term.reads:
            case "yes" | "tariff":
                said = _YES.get(text.strip().lower())
                if said is None:
                    self.check.fault(self.at(term.name), text or "nothing", "yes or no")
                if not said or term.reads == "yes":
                    return said or None
                return None if self.programme is None else self.programme.tariff
            case "by_group" if "=" in text:
                return self._by_group(term.name, text)
            case "by_year" | "names" | "numbers":
                return self._listed(term, text)
            case "whole":
                number = self._number(term.name, text)
                if number is not None and number != int(number):
                    self.check.fault(self.at(term.name), text, "a whole number")
                return None if number is None else int(number)
        number = self._number(term.name, text)
        return None if number == 0.0 and term.limit is PriceStep else number

    def _listed(self, term: Term, text: str) -> object | None:
        """Return amounts by year, names, or numbers; ``yes`` stands for no names in particular."""
        if term.reads == "by_year":
            return self._by_year(term.name, text)
        words = [word.strip() for word in text.split(";") if word.strip()]
        if term.reads == "names":
            return () if words == ["yes"] else tuple(words)
        numbers = [self._number(term.name, word) for word in words]
        return None if None in numbers else numbers

    def _by_year(self, name: str, text: str) -> dict[int, float] | None:
        """Return amounts by contract year: ``2=5e6; 3=4e6``, or one after the other from the first."""
        said: dict[int, float] = {}
        for k, part in enumerate((part for part in text.split(";") if part.strip()), 1):
            first, named, second = (word.strip() for word in part.partition("="))
            year = self._year(name, first) if named else k
            amount = self._number(name, second if named else first)
            if year in said:
                self.check.fault(self.at(name), f"year {year} twice", "each contract year once")
            if year is not None and amount is not None:
                said[year] = amount
        return said or None

    def _year(self, name: str, text: str) -> int | None:
        """Return a contract year: a whole number from 1."""
        year = self._number(name, text)
        if year is None or (year >= 1 and year == int(year)):
            return None if year is None else int(year)
        self.check.fault(self.at(name), f"year {text}", "a whole contract year from 1", "2=5e6; 3=4e6")
        return None

    def _by_group(self, name: str, text: str) -> dict[str, float] | None:
        said: dict[str, float] = {}
        known = None if self.programme is None else self.programme.caseload.groups
        for part in (part for part in text.split(";") if part.strip()):
            group, _, amount = (word.strip() for word in part.partition("="))
            number = self._number(name, amount)
            if known is not None and group not in known:
                self.check.fault(self.at(name), group or "nothing", "a payment group", nearest(group, known))
            elif number is not None:
                said[group] = number
        return said or None

    def _number(self, name: str, text: str) -> float | None:
        try:
            number = float(text) if "_" not in text else math.nan
        except ValueError:
            number = math.nan
        if math.isfinite(number):
            return number
        remedy = "write it plain, without £, % or commas" if any(mark in text for mark in "£%,_ ") else ""
        self.check.fault(self.at(name), text or "nothing", "a number", remedy)
        return None
