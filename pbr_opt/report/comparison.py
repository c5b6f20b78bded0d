"""Tariffs side by side: one screen of text, tidy tables, and what the conclusions rest on."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from pbr_opt.analysis.assumptions import Conclusion
from pbr_opt.design.result import Design
from pbr_opt.errors import Fault, InvalidInputError
from pbr_opt.evaluation import Evaluation, evaluate
from pbr_opt.market.programme import Programme
from pbr_opt.market.tariffs import Tariff
from pbr_opt.metrics import TOKEN_SUPPORT_GBP, Metrics
from pbr_opt.quantities import nearest
from pbr_opt.report.records import assumption_table, provenance, write_record
from pbr_opt.report.tiers import tier_lines
from pbr_opt.report.wording import change, count, money, per_cent, table

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Comparison", "compare", "proof"]

_FRAMES: Final = ("metrics", "groups", "prices")
_WIDTH: Final = 110
_MARKS: Final = {"unconfirmed": "?", "assumed": "*"}


@dataclass(frozen=True, slots=True)
class _Line:
    """One line of the comparison: what it is called, how it is read off, how it is shown."""

    key: str
    label: str
    unit: str
    read: Callable[[Metrics], float | None]
    show: Callable[[float], str]
    is_share: bool = False


_LINES: Final = (
    _Line("spend_gbp", "Spend", "GBP", lambda m: m.spend_gbp, money),
    _Line("attachment_spend_gbp", "  of which attachment fees", "GBP", lambda m: m.attachment_spend_gbp, money),
    _Line("outcomes", "Outcomes", "outcomes", lambda m: m.outcomes, count),
    _Line("additional_outcomes", "Additional outcomes", "outcomes", lambda m: m.additional_outcomes, count),
    _Line(
        "cost_per_additional_outcome_gbp",
        "GBP per additional outcome",
        "GBP",
        lambda m: m.cost_per_additional_outcome_gbp,
        money,
    ),
    _Line("parked_share", "Parked", "share", lambda m: m.parked_share, per_cent, True),
    _Line(
        "inefficiently_parked_share",
        "  though help would pay society",
        "share",
        lambda m: m.inefficiently_parked_share,
        per_cent,
        True,
    ),
    _Line(
        "token_help_share",
        f"Not parked, but under £{TOKEN_SUPPORT_GBP:.0f} of help",
        "share",
        lambda m: m.token_help_share,
        per_cent,
        True,
    ),
    _Line("mean_support_gbp", "Support per participant", "GBP", lambda m: m.mean_support_gbp, money),
    _Line(
        "coverage_gradient",
        "Creaming (coverage gradient)",
        "",
        lambda m: m.creaming.coverage_gradient,
        lambda slope: f"{slope:.2f}",
    ),
    _Line("windfall_share", "Windfall in outcome payments", "share", lambda m: m.windfall_share, per_cent, True),
    _Line("net_social_value_gbp", "Net social value", "GBP", lambda m: m.net_social_value_gbp, money),
)


@dataclass(frozen=True, eq=False)
class Comparison:
    """What several tariffs do to the same programme; the first is the baseline.

    Attributes
    ----------
    programme : Programme
        What is compared on.
    evaluations : mapping of label to Evaluation
        One a tariff, in the order given.
    designs : mapping of label to Design
        Those of them that were optimised.
    conclusions : tuple of Conclusion
        How the differences stand up to other values of the assumptions; empty until asked for.
    """

    programme: Programme
    evaluations: Mapping[str, Evaluation]
    designs: Mapping[str, Design]
    conclusions: tuple[Conclusion, ...] = ()

    def to_frame(self, frame: str = "metrics") -> pd.DataFrame:
        """Return a tidy table: ``metrics``, ``groups`` or ``prices``.

        One row a tariff and metric, or a tariff and group.

        Raises
        ------
        InvalidInputError
            For another name.
        """
        if frame not in _FRAMES:
            raise InvalidInputError("Comparison.to_frame", [Fault("frame", frame, "a table", nearest(frame, _FRAMES))])
        import pandas as pd  # slow to import: only when a table is asked for

        parts = []
        for label, evaluation in self.evaluations.items():
            if frame == "metrics":
                part = pd.DataFrame(self._metric_rows(evaluation))
            elif frame == "groups":
                part = evaluation.to_frame("groups")
            else:
                part = evaluation.tariff.aligned(self.programme.caseload.groups).to_frame()
            part.insert(0, "tariff", label)
            parts.append(part)
        return pd.concat(parts, ignore_index=True)

    @staticmethod
    def _metric_rows(evaluation: Evaluation) -> list[dict[str, object]]:
        metrics = evaluation.metrics
        rows: list[dict[str, object]] = [
            {"metric": line.key, "value": line.read(metrics), "unit": line.unit} for line in _LINES
        ]
        return [row for row in rows if row["value"] is not None]

    def to_dict(self) -> dict[str, object]:
        """Return everything a machine needs: metrics, groups and prices by tariff, proofs, conclusions, assumptions."""
        tariffs = {}
        for label, evaluation in self.evaluations.items():
            metrics = {str(row["metric"]): row["value"] for row in self._metric_rows(evaluation)}
            metrics["worst_served_group"] = evaluation.metrics.worst_served_group
            metrics["worst_served_parked_share"] = evaluation.metrics.worst_served_parked_share
            aligned = evaluation.tariff.aligned(self.programme.caseload.groups)
            tariffs[label] = {
                "metrics": metrics,
                "prices": aligned.to_frame().to_dict("records"),
                "groups": evaluation.to_frame("groups").to_dict("records"),
                "design": proof(self.designs[label]) if label in self.designs else None,
                "largest_gain_from_deviating_gbp": evaluation.certificate.largest_gain_gbp,
            }
        return {
            "programme": self.programme.name,
            "participants": self.programme.caseload.total_participants,
            "tariffs": tariffs,
            "conclusions": [conclusion.to_dict() for conclusion in self.conclusions],
            "assumptions": assumption_table(self.programme).to_dict("records"),
        }

    def with_conclusions(self, conclusions: tuple[Conclusion, ...]) -> Comparison:
        """Return the comparison with conclusions to print."""
        return Comparison(self.programme, self.evaluations, self.designs, tuple(conclusions))

    def save(self, folder: str | Path, settings: Mapping[str, object] | None = None) -> tuple[Path, ...]:
        """Write the comparison into a folder, all or nothing.

        Parameters
        ----------
        folder : str or Path
            Made if need be; files of the same names in it are replaced.
        settings : mapping, optional
            How it was asked for, kept in ``run.json``.

        Returns
        -------
        tuple of Path
            ``metrics.csv``, ``groups.csv``, ``prices.csv``, ``assumptions.csv``, ``comparison.txt`` and ``run.json``.

        Raises
        ------
        OutputError
            When the folder cannot be written; then nothing in it has changed.
        """
        tables = {name: self.to_frame(name) for name in _FRAMES} | {"assumptions": assumption_table(self.programme)}
        tariffs = {label: evaluation.tariff for label, evaluation in self.evaluations.items()}
        record = provenance(self.programme, tariffs, settings or {}) | self.to_dict()
        files = {f"{name}.csv": frame.to_csv(index=False, lineterminator="\n") for name, frame in tables.items()}
        return write_record(Path(folder), files | {"comparison.txt": f"{self}\n"}, record)

    def __str__(self) -> str:
        """Return one screen of text."""
        return "\n".join(
            [
                *self._heading(),
                "",
                *self._metric_table(),
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

    def _metric_table(self) -> list[str]:
        shown = list(self.evaluations.values())
        rows = [["", *self.evaluations, "change" if len(shown) == 2 else ""]]
        for line in _LINES:
            values = [line.read(evaluation.metrics) for evaluation in shown]
            known = [value for value in values if value is not None]
            if len(known) < len(values):
                continue
            moved = change(known[0], known[1], share=line.is_share) if len(known) == 2 else ""
            rows.append([line.label, *(line.show(value) for value in known), moved])
        worst = [
            f"{evaluation.metrics.worst_served_group} ({per_cent(evaluation.metrics.worst_served_parked_share)})"
            for evaluation in shown
        ]
        rows.append(["Worst-served group (parked)", *worst, ""])
        return table(rows, "<" + ">" * len(shown) + ">")

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


def proof(design: Design) -> dict[str, object]:
    """Return what a design was asked, and how good it is proved to be, for a machine."""
    return {
        "objective": design.problem.objective.name,
        "limits": [str(limit) for limit in design.problem.limits],
        "status": design.status,
        "value": design.objective,
        "bound": design.bound,
        "gap": design.gap,
        "budget_price": design.budget_price,
        "method": design.method,
        "notes": list(design.notes),
    }


def compare(programme: Programme, tariffs: Mapping[str, Tariff | Design]) -> Comparison:
    """Return tariffs side by side; the first is the baseline.

    Parameters
    ----------
    programme : Programme
        What they are compared on.
    tariffs : mapping of label to Tariff or Design
        At least one. A design brings its proof and its notes along.

    Returns
    -------
    Comparison
        ``print`` it for one screen; ``to_frame()``, ``to_dict()`` and ``save(folder)`` for the rest.

    Raises
    ------
    InvalidInputError
        No tariffs, things that are no tariffs, or tariffs for other groups: all at once.

    Examples
    --------
    >>> from pbr_opt.market.caseload import Caseload
    >>> people = Caseload(["a", "a"], [100, 100], [.12, .02], [.42, .10], 600)
    >>> programme = Programme("example", people, Tariff(["a"], 0, 4000))
    >>> result = compare(programme, {"today": programme.tariff, "double": Tariff(["a"], 0, 8000)})
    >>> result.to_frame().query("metric == 'parked_share'").value.tolist()
    [0.5, 0.0]
    """
    faults = [] if tariffs else [Fault("tariffs", "none", "at least one tariff", "{'today': programme.tariff}")]
    for label, item in tariffs.items():
        if not isinstance(item, (Tariff, Design)):
            faults.append(Fault(f"tariffs['{label}']", type(item).__name__, "a Tariff or a Design"))
            continue
        try:
            (item.tariff if isinstance(item, Design) else item).aligned(programme.caseload.groups)
        except InvalidInputError as error:
            faults += [Fault(f"tariffs['{label}'] {f.place}", f.given, f.wanted, f.remedy) for f in error.faults]
    if faults:
        raise InvalidInputError("compare", faults)
    plain = {label: item.tariff if isinstance(item, Design) else item for label, item in tariffs.items()}
    return Comparison(
        programme,
        MappingProxyType({label: evaluate(programme, tariff) for label, tariff in plain.items()}),
        MappingProxyType({label: item for label, item in tariffs.items() if isinstance(item, Design)}),
    )
