"""The answer to a design problem, with its proof and what to say about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np

from pbr_opt.design.limits import Budget
from pbr_opt.design.problem import DesignProblem
from pbr_opt.evaluation import Evaluation
from pbr_opt.market.programme import Programme
from pbr_opt.market.tariffs import Tariff
from pbr_opt.notebook import Tabled
from pbr_opt.quantities import FloatArray

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Design", "Found", "relative_gap"]

_BINDS: Final = 1e-9
"""Relative. A limit whose going gains less than this does not bind: it is what proofs are computed to."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a method hands over to be checked.

    Attributes
    ----------
    tariff : Tariff
        List prices.
    claimed_loss : float
        The method's own account of what they achieve (less is better).
    bound : float
        No tariff within the limits has a lower loss.
    multiplier : float
        Loss that one more pound of budget saves.
    method : str
        In words.
    proved : bool
        Whether the bound holds without anything being held fixed.
    evaluation : Evaluation or None
        By the exact equilibrium, when the method has one of exactly this tariff.
    minimum_service_gbp : array or None
        Minimum service by group, where the design chose it.
    """

    tariff: Tariff
    claimed_loss: float
    bound: float
    multiplier: float
    method: str
    proved: bool = True
    evaluation: Evaluation | None = None
    minimum_service_gbp: FloatArray | None = None


@dataclass(frozen=True, eq=False, repr=False)
class Design(Tabled):
    """A tariff found by :func:`~pbr_opt.design.optimise.optimise`, re-evaluated exactly.

    Attributes
    ----------
    problem : DesignProblem
        What was asked.
    tariff : Tariff
        The answer: list prices.
    evaluation : Evaluation
        What providers do under it, by the exact equilibrium.
    objective : float
        What it achieves, summed over participants, from that evaluation.
    bound : float
        No tariff that meets the limits does better than this.
    status : str
        ``optimal`` (gap within the relative gap asked for), ``gap`` (bound proved, but further away) or ``local``:
        through a chain the bound holds only while those in it and the shadow prices of their capital stay as they are;
        where more than the price level moves it holds, but is far away, or infinite: nothing is proved.
    budget_price : float
        Shadow price: improvement of the objective by one more pound of budget (of the relaxation where prices jump).
    method : str
        How it was found and proved, in words.
    solve_again : callable
        Answers another problem with the same settings; see :meth:`limit_costs`.
    """

    problem: DesignProblem
    tariff: Tariff
    evaluation: Evaluation
    objective: float
    bound: float
    status: str
    budget_price: float
    method: str
    solve_again: Callable[[DesignProblem], Design] = field(repr=False)

    @property
    def programme(self) -> Programme:
        """Return the programme as contracted: with the minimum service and pass-through that limits or design ask."""
        return self.evaluation.programme

    @property
    def gap(self) -> float:
        """Return the relative gap between objective and bound, at least 0."""
        return relative_gap(self.objective, self.bound)

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """Return in words what a reader of the prices alone would miss: groups without help or price, ceilings."""
        names = self.problem.programme.group_names
        groups = self.problem.programme.caseload.groups
        price = self.tariff.aligned(groups).price_gbp
        _, upper = self.problem.price_bounds_gbp
        unpriced = [names[g] for g, p in zip(groups, price, strict=True) if p == 0.0]
        parked = self.evaluation.group_parked_share
        alone = [names[g] for g, s, p in zip(groups, parked, price, strict=True) if s >= 1.0 and p > 0]
        capped = [names[g] for g, p, u in zip(groups, price, upper, strict=True) if p > 0 and p >= u]
        notes = []
        if unpriced:
            notes.append(f"Nothing is paid for outcomes of, and nobody is helped in: {', '.join(unpriced)}.")
        if alone:
            notes.append(f"Everybody is parked, at a price that buys only windfall, in: {', '.join(alone)}.")
        if capped:
            notes.append(f"At the highest price allowed: {', '.join(capped)}.")
        return tuple(notes)

    def limit_costs(self) -> pd.DataFrame:
        """Return what each limit costs: the objective without it, by solving again for each.

        Returns
        -------
        pandas.DataFrame
            One row a limit: ``limit`` in words, ``binds``, ``objective_without`` (and its ``bound_without`` and
            ``status_without``), ``cost`` (improvement of the objective when the limit goes, at least 0 where both are
            proved), and ``per_pound`` (the shadow price of the budget, empty for others).
        """
        import pandas as pd  # slow to import: only when a table is asked for

        rows = []
        for limit in self.problem.limits:
            others = [each for each in self.problem.limits if each is not limit]
            without = self.solve_again(self.problem.with_limits(others))
            gained = self.problem.objective.better * (without.objective - self.objective) + 0.0  # no -0
            rows.append(
                {
                    "limit": str(limit),
                    "binds": bool(gained > _BINDS * max(abs(self.objective), abs(without.objective))),
                    "objective_without": without.objective,
                    "bound_without": without.bound,
                    "status_without": without.status,
                    "cost": gained,
                    "per_pound": self.budget_price if isinstance(limit, Budget) else np.nan,
                }
            )
        return pd.DataFrame(rows)

    def to_frame(self) -> pd.DataFrame:
        """Return the rate card: one row a group, GBP."""
        return self.tariff.to_frame()

    def notebook_lines(self) -> list[str]:
        """Return the answer in a few lines."""
        return str(self).splitlines()

    def __str__(self) -> str:
        """Return the answer in a few lines."""
        aim = self.problem.objective
        verb = "least" if aim.better < 0 else "most"
        proof = f"bound {self.bound:,.6g}, gap {self.gap:.1e}" if np.isfinite(self.bound) else "nothing proved"
        held = self.status == "local" and np.isfinite(self.bound) and self.problem.programme.supply_chain is not None
        proof += ", both only while the chain stays as it is" if held else ""
        lines = [
            f"{verb} {aim.name}: {self.objective:,.6g} {aim.unit}; status {self.status}, {proof}",
            f"spend £{self.evaluation.spend_gbp:,.0f}; found by {self.method}",
        ]
        return "\n".join([*lines, *self.notes])


def relative_gap(objective: float, bound: float) -> float:
    """Return the distance of objective and bound relative to the larger of the two, 0 when both are the same.

    A bound of infinity proves nothing: the gap is infinite too.

    >>> relative_gap(100.0, 99.0)
    0.01
    """
    scale = max(abs(objective), abs(bound))
    if objective == bound or not np.isfinite(scale):
        return 0.0 if objective == bound else np.inf
    return float(abs(objective - bound) / scale)
