"""One screen of text: tariffs side by side, who pays and who is helped, and what the answer rests on."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pbr_opt.analysis.assumptions import Conclusion
from pbr_opt.design.result import Design
from pbr_opt.evaluation import Evaluation
from pbr_opt.market.programme import Programme
from pbr_opt.market.tariffs import Tariff
from pbr_opt.report.metric_lines import comparison_rows
from pbr_opt.report.tiers import tier_lines
from pbr_opt.report.wording import count, money, table

__all__ = ["Screen"]

_WIDTH: Final = 110
_MARKS: Final = {"unconfirmed": "?", "assumed": "*"}


@dataclass(frozen=True, slots=True, eq=False)
class Screen:
    """What a comparison says, to be printed with ``str``.

    Attributes
    ----------
    programme : Programme
        What is compared on.
    evaluations : mapping of label to Evaluation
        The first is the baseline.
    designs : mapping of label to Design
        Those that were optimised.
    conclusions : sequence of Conclusion
        How the differences stand up.
    """

    programme: Programme
    evaluations: Mapping[str, Evaluation]
    designs: Mapping[str, Design]
    conclusions: Sequence[Conclusion] = ()

    def __str__(self) -> str:
        """Return one screen of text."""
        rows = comparison_rows(self.evaluations)
        return "\n".join(
            [
                *self._heading(),
                "",
                *table(rows, "<" + ">" * (len(rows[0]) - 1)),
                "",
                *self._price_table(),
                *tier_lines(self.evaluations),
                *self._remarks(),
            ]
        )

    def _heading(self) -> list[str]:
        caseload = self.programme.caseload
        groups = len(caseload.groups)
        return [
            f"{self.programme.name}: {count(caseload.total_participants)} participants in {groups} payment "
            f"group{'' if groups == 1 else 's'}, {len(caseload):,} segments"
        ]

    def _price_table(self) -> list[str]:
        groups = self.programme.caseload.groups
        rows = [["Group", *(f"{label}: fees (GBP)" for label in self.evaluations), "parked", "support a head"]]
        frames = [evaluation.to_frame("groups") for evaluation in self.evaluations.values()]
        tariffs = [evaluation.tariff.aligned(groups) for evaluation in self.evaluations.values()]
        for g, group in enumerate(groups):
            fees = [_fees(tariff, g) + (self._mark(group) if tariff == tariffs[0] else "") for tariff in tariffs]
            parked = " → ".join(f"{100 * frame.parked_share[g]:.0f} %" for frame in frames)
            support = " → ".join(money(frame.mean_support_gbp[g]) for frame in frames)
            rows.append([_clip(f"{group} {self.programme.group_names[group]}", group), *fees, parked, support])
        return [*table(rows, "<" + "<" * len(tariffs) + ">>"), *self._legend()]

    def _mark(self, group: str) -> str:
        """Return the mark of the least certain cell of a group's own tariff."""
        statuses = {f.status for f in self.programme.figures if f.id.startswith(f"tariff/{group}/")}
        return next((mark for status, mark in reversed(_MARKS.items()) if status in statuses), "")

    def _legend(self) -> list[str]:
        if not self.programme.figures:
            return []
        return ["attachment + outcome + most payments x sustainment fee; ? has an unconfirmed cell, * an assumed one"]

    def _remarks(self) -> list[str]:
        lines = []
        for label, design in self.designs.items():
            goal = design.problem.objective
            limits = ", ".join(str(limit) for limit in design.problem.limits) or "no limits"
            lines += [
                "",
                f"{label}: {'least' if goal.better < 0 else 'most'} {goal.name} within {limits}: {design.status} "
                f"(gap {design.gap:.0e}).",
                *(line for note in design.notes for line in _wrapped(note)),
            ]
        if self.conclusions:
            lines += ["", *(line for conclusion in self.conclusions for line in _wrapped(str(conclusion)))]
        return lines


def _clip(name: str, group: str) -> str:
    """Return a group's id and name once, in at most 30 characters."""
    text = group if name == f"{group} {group}" else name
    return text if len(text) <= 30 else f"{text[:29]}…"


def _fees(tariff: Tariff, g: int) -> str:
    """Return a group's fees as ``400 + 1200 + 13x170``."""
    text = f"{tariff.attachment_fee_gbp[g]:.6g} + {tariff.outcome_fee_gbp[g]:.6g}"
    if tariff.sustainment_max[g] and tariff.sustainment_fee_gbp[g]:
        text += f" + {tariff.sustainment_max[g]}x{tariff.sustainment_fee_gbp[g]:.6g}"
    return text


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH, subsequent_indent="  ")
