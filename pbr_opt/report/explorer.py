"""The explorer: one static page on which the budget and the aim can be moved along designs computed before.

Nothing is computed in the page but which of the designs to show: every number in it comes from the library, and every
design carries its own proof.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from importlib import metadata, resources
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from pbr_opt.analysis.frontier import Frontier, frontier
from pbr_opt.design.limits import Limit
from pbr_opt.design.objectives import AdditionalOutcomes, FirstPoundLoss, NetSocialValue, Objective, Parked
from pbr_opt.errors import MissingExtraError
from pbr_opt.evaluation import Evaluation, evaluate
from pbr_opt.market.programme import Programme
from pbr_opt.quantities import Inspection
from pbr_opt.report.records import plain, write_files
from pbr_opt.report.tiers import tier_frame

__all__ = ["default_aims", "explorer_page", "write_explorer"]

_REACH: Final = (0.6, 1.6)
_POINTS: Final = 41
_DIGITS: Final = 7
"""Of numbers in the page: more than anybody can see, and a third of the bytes."""


def default_aims(programme: Programme) -> dict[str, Objective]:
    """Return the aims that the page offers: counting people, how far from help they are, counting jobs.

    >>> import pbr_opt as pbr
    >>> list(default_aims(pbr.load("work_programme_2011")))
    ['fewest parked', 'least first-pound loss', 'most additional jobs', 'most net social value']
    """
    aims: dict[str, Objective] = {
        "fewest parked": Parked(),
        "least first-pound loss": FirstPoundLoss(),
        "most additional jobs": AdditionalOutcomes(),
    }
    return aims if programme.outcome_value_gbp is None else aims | {"most net social value": NetSocialValue()}


def explorer_page(
    programme: Programme,
    aims: Mapping[str, Objective] | None = None,
    budgets_gbp: ArrayLike | None = None,
    limits: Sequence[Limit] = (),
    progress: Callable[[str], None] | None = None,
) -> str:
    """Return the explorer of a programme as the text of one HTML page.

    Parameters
    ----------
    programme : Programme
        Its own tariff is what everything is set beside.
    aims : mapping of label to Objective, optional
        In the order in which the page offers them; :func:`default_aims` when not given.
    budgets_gbp : array, optional
        In steps of these the budget moves; 41 from 60 to 160 % of what the programme's own tariff costs when not given.
    limits : sequence of Limit, optional
        Of every design, all but a Budget.
    progress : callable, optional
        Told which aim comes next.

    Raises
    ------
    InvalidInputError
        No aims, or what ``frontier`` refuses.
    MissingExtraError
        Without Jinja2.
    """
    chosen = default_aims(programme) if aims is None else dict(aims)
    if not chosen:
        check = Inspection("explorer")
        check.fault("aims", "none", "at least one objective", "aims={'fewest parked': Parked()}")
        check.finish()
    base = evaluate(programme)
    budgets = _budgets(programme, base) if budgets_gbp is None else np.atleast_1d(np.asarray(budgets_gbp, dtype=float))
    lines = {}
    for label, aim in chosen.items():
        (progress or (lambda _: None))(label)
        less, more = (aim, None) if aim.better < 0 else (None, aim)
        found = frontier(programme, minimise=less, maximise=more, budgets_gbp=budgets, limits=limits)
        lines[label] = [_shown(there) for there in _evaluations(programme, found)], found
    return _render(programme, base, lines)


def _budgets(programme: Programme, base: Evaluation) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    least = float(programme.caseload.group_participants @ base.payable.attachment_fee_gbp)
    return np.unique(np.maximum(np.linspace(*_REACH, _POINTS) * base.spend_gbp, least))


def _evaluations(programme: Programme, line: Frontier) -> list[Evaluation]:
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


def _render(
    programme: Programme, base: Evaluation, lines: Mapping[str, tuple[list[dict[str, object]], Frontier]]
) -> str:
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
            {"label": label, "status": list(line.status), "budget": [_short(b) for b in line.budget_gbp],
             "points": points}
            for label, (points, line) in lines.items()
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
        people=f"{people.total_participants:,.0f}",
        chain=programme.supply_chain is not None,
    )


def write_explorer(programme: Programme, path: str | Path, aims: Mapping[str, Objective] | None = None) -> Path:
    """Write the explorer of a programme into one HTML file, all or nothing.

    Raises
    ------
    OutputError
        When it cannot be written.
    """
    target = Path(path)
    (written,) = write_files(target.parent, {target.name: explorer_page(programme, aims)})
    return written
