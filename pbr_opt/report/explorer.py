"""The explorer: one static page on which the budget and the aim can be moved along designs computed before.

Nothing is computed in the page but which of the designs to show: every number in it comes from the library, and every
design carries its own proof.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata, resources
from pathlib import Path
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from pbr_opt.analysis.frontier import Frontier
from pbr_opt.design.limits import Budget, Limit, PriceStep
from pbr_opt.design.objectives import AdditionalOutcomes, FirstPoundLoss, NetSocialValue, Objective, Parked
from pbr_opt.errors import MissingExtraError
from pbr_opt.evaluation import Evaluation, evaluate
from pbr_opt.market.programme import Programme
from pbr_opt.quantities import Inspection
from pbr_opt.report.frontiers import traced
from pbr_opt.report.records import plain, write_files
from pbr_opt.report.tiers import tier_frame

__all__ = ["ExplorerSettings", "explorer_page", "other_aims", "settings_for", "write_explorer"]

_REACH: Final = (0.6, 1.6)
"""From where to where budgets go, in shares of what the programme's own tariff costs."""
_DIGITS: Final = 7
"""Of numbers in the page: more than anybody can see, and a third of the bytes."""
_WEIGHTS: Final = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0)


@dataclass(frozen=True, slots=True)
class ExplorerSettings:
    """What the explorer offers to move.

    Parameters
    ----------
    weights : tuple of float
        How many people no longer parked one additional job counts as: each weight w is an aim, least Parked() - w
        AdditionalOutcomes(). The page moves along them from people parked alone to jobs alone. Empty for neither.
    aims : mapping of label to Objective, optional
        Offered besides; :func:`other_aims` when not given.
    budgets_gbp : array, optional
        What can be spent; ``points`` of them from 60 to 160 % of what the programme's own tariff costs when not given.
    points : int
        At least 2.
    limits : tuple of Limit
        Of every design, all but a Budget. With a PriceStep weighted aims are proved in seconds, without one they may
        be left with a gap, which the page says.

    Raises
    ------
    InvalidInputError
        With every fault at once.
    """

    weights: tuple[float, ...] = _WEIGHTS
    aims: Mapping[str, Objective] | None = None
    budgets_gbp: ArrayLike | None = None
    points: int = 41
    limits: tuple[Limit, ...] = (PriceStep(5),)

    def __post_init__(self) -> None:
        """Check every setting."""
        check = Inspection("ExplorerSettings")
        weights = check.money("weights", np.asarray(self.weights, dtype=float), len(self.weights))
        if not check.faults and (np.diff(np.append(0.0, weights)) <= 0.0).any():
            check.fault("weights", list(self.weights), "rising weights above 0", "weights=(0.5, 1, 2)")
        check.whole("points", self.points, lowest=2, highest=10_000)
        if any(isinstance(limit, Budget) for limit in self.limits):
            check.fault("limits", "a Budget", "limits other than what the page moves", "budgets_gbp=[...]")
        if not self.weights and self.aims is not None and not self.aims:
            check.fault("aims", "none", "at least one objective, or weights", "aims={'fewest parked': Parked()}")
        check.finish()
        object.__setattr__(self, "weights", tuple(float(weight) for weight in weights))
        object.__setattr__(self, "limits", tuple(self.limits))
        if self.aims is not None:
            object.__setattr__(self, "aims", MappingProxyType(dict(self.aims)))


def other_aims(programme: Programme) -> dict[str, Objective]:
    """Return what the page offers beside people parked and jobs: how far people are from help, and net social value.

    >>> import pbr_opt as pbr
    >>> list(other_aims(pbr.load("work_programme_2011")))
    ['least first-pound loss', 'most net social value']
    """
    aims: dict[str, Objective] = {"least first-pound loss": FirstPoundLoss()}
    return aims if programme.outcome_value_gbp is None else aims | {"most net social value": NetSocialValue()}


def settings_for(programme: Programme) -> ExplorerSettings:
    """Return what is offered of a programme: less with a supply chain, where every design is a search of its own.

    >>> import pbr_opt as pbr
    >>> programme = pbr.load("work_programme_2011")
    >>> settings_for(programme).points, len(settings_for(programme).weights)
    (41, 7)
    """
    if programme.supply_chain is None:
        return ExplorerSettings(aims=other_aims(programme))
    ends: dict[str, Objective] = {"fewest people parked": Parked(), "most additional jobs": AdditionalOutcomes()}
    return ExplorerSettings(weights=(), aims=ends, points=5)


@dataclass(frozen=True, slots=True, eq=False)
class _Line:
    """One aim: its label, the weight of jobs (None for aims beside the weights), its designs."""

    label: str
    weight: float | None
    frontier: Frontier


def explorer_page(
    programme: Programme,
    settings: ExplorerSettings | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> str:
    """Return the explorer of a programme as the text of one HTML page.

    Parameters
    ----------
    programme : Programme
        Its own tariff is what everything is set beside.
    settings : ExplorerSettings, optional
        What can be moved; :func:`settings_for` when not given.
    progress : callable, optional
        Called with aims done and aims in all.

    Raises
    ------
    InvalidInputError
        What ``frontier`` refuses.
    MissingExtraError
        Without Jinja2.
    """
    chosen = settings or settings_for(programme)
    base = evaluate(programme)
    given = chosen.budgets_gbp
    budgets = _budgets(programme, base, chosen.points) if given is None else np.atleast_1d(np.asarray(given, float))
    aims = _aims(programme, chosen)
    lines = []
    for done, (label, weight, aim) in enumerate(aims, 1):
        lines.append(_Line(label, weight, traced(programme, aim, budgets, chosen.limits)))
        if progress is not None:
            progress(done, len(aims))
    return _render(programme, base, lines)


def _aims(programme: Programme, settings: ExplorerSettings) -> list[tuple[str, float | None, Objective]]:
    """Return labels, weights of jobs and objectives: from people parked to jobs, then what else is offered."""
    jobs, aims = AdditionalOutcomes(), other_aims(programme) if settings.aims is None else settings.aims
    others: list[tuple[str, float | None, Objective]] = [(label, None, aim) for label, aim in aims.items()]
    if not settings.weights:
        return others
    between = [(_weighed(weight), weight, Parked() - weight * jobs) for weight in settings.weights]
    ends = ("fewest people parked, jobs do not count", 0.0, Parked()), ("most additional jobs", math.inf, jobs)
    return [ends[0], *between, ends[1], *others]


def _weighed(weight: float) -> str:
    return f"one additional job counts as {weight:g} {'person' if weight == 1 else 'people'} no longer parked"


def _budgets(programme: Programme, base: Evaluation, points: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    least = float(programme.caseload.group_participants @ base.payable.attachment_fee_gbp)
    return np.unique(np.maximum(np.linspace(*_REACH, points) * base.spend_gbp, least))


def _evaluations(programme: Programme, line: Frontier) -> list[Evaluation]:
    if line.designs:
        return [design.evaluation for design in line.designs]
    return [evaluate(programme, line.tariff(k)) for k in range(len(line))]


def _shown(there: Evaluation) -> dict[str, object]:
    """Return what the page shows of one tariff."""
    m, groups = there.metrics, there.to_frame("groups")
    tiers = tier_frame(there).to_dict("records") if there.equilibrium is not None else []
    return {
        "spend": _short(there.spend_gbp),
        "parked": _short(m.parked_share),
        "additional": _short(m.additional_outcomes),
        "support": _short(m.mean_support_gbp),
        "windfall": _short(m.windfall_share),
        "price": [_short(x) for x in there.tariff.aligned(there.programme.caseload.groups).price_gbp],
        "groupParked": [_short(x) for x in groups.parked_share],
        "groupSupport": [_short(x) for x in groups.mean_support_gbp],
        "tiers": [{str(k): _short(v) if isinstance(v, float) else v for k, v in tier.items()} for tier in tiers],
    }


def _short(value: float) -> float:
    return float(f"{float(value):.{_DIGITS}g}")


def _render(programme: Programme, base: Evaluation, lines: Sequence[_Line]) -> str:
    try:
        from jinja2 import Environment, StrictUndefined
    except ImportError as error:
        raise MissingExtraError("The explorer needs Jinja2: pip install 'pbr_opt[report]'") from error
    people = programme.caseload
    data = {
        "groups": [{"id": g, "name": programme.group_names[g], "people": n}
                   for g, n in zip(people.groups, people.group_participants.tolist(), strict=True)],
        "base": _shown(base),
        "aims": [
            {"label": line.label, "weighed": line.weight is not None, "status": list(line.frontier.status),
             "budget": [_short(budget) for budget in line.frontier.budget_gbp],
             "points": [_shown(there) for there in _evaluations(programme, line.frontier)]}
            for line in lines
        ],
    }  # fmt: skip
    folder = resources.files("pbr_opt.report") / "templates"
    names = ("report.css", "explorer.css", "explorer.js")
    parts = {name: (folder / name).read_text(encoding="utf-8") for name in names}
    text = json.dumps(plain(data), ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string((folder / "explorer.html.j2").read_text(encoding="utf-8"))
    return template.render(
        title=programme.name,
        css=parts["report.css"] + parts["explorer.css"],
        script=parts["explorer.js"],
        data=text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"),
        version=metadata.version("pbr_opt"),
        weights=any(line.weight is not None for line in lines),
        others=any(line.weight is None for line in lines),
        people=f"{people.total_participants:,.0f}",
        chain=programme.supply_chain is not None,
        notes=sorted({note for line in lines for note in line.frontier.notes}),
    )


def write_explorer(programme: Programme, path: str | Path, settings: ExplorerSettings | None = None) -> Path:
    """Write the explorer of a programme into one HTML file, all or nothing.

    Raises
    ------
    OutputError
        When it cannot be written.
    """
    target = Path(path)
    (written,) = write_files(target.parent, {target.name: explorer_page(programme, settings)})
    return written
