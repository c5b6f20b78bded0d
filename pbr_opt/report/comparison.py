"""Tariffs side by side: one screen of text, tidy tables, and what the conclusions rest on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from pbr_opt.analysis.assumptions import AssumptionTrials, Conclusion, try_assumptions
from pbr_opt.analysis.world_answers import Answers
from pbr_opt.design.result import Design
from pbr_opt.errors import Fault, InvalidInputError
from pbr_opt.evaluation import Evaluation, evaluate
from pbr_opt.market.programme import Programme
from pbr_opt.market.tariffs import Tariff
from pbr_opt.notebook import notebook_html
from pbr_opt.programmes.questions import asked_of
from pbr_opt.quantities import nearest
from pbr_opt.report.gathering import ReportSettings, gather
from pbr_opt.report.metric_lines import METRIC_LINES, comparison_rows, metric_rows
from pbr_opt.report.offered import Pictures
from pbr_opt.report.records import (
    assumption_table,
    csv_text,
    inputs_of,
    plain,
    provenance,
    source_rows,
    write_files,
    write_record,
)
from pbr_opt.report.reporting import report_page
from pbr_opt.report.screen import Screen
from pbr_opt.report.tiers import tier_frame
from pbr_opt.report.workbook import tables_workbook
from pbr_opt.report.worlds import WorldReport

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Comparison", "compare", "proof", "tariff_fees"]

_FRAMES: Final = ("metrics", "groups", "prices")


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
    trials : AssumptionTrials
        How the differences stand up to other values of the assumptions, and how far each moves the share parked under
        the last tariff; empty until asked for.
    """

    programme: Programme
    evaluations: Mapping[str, Evaluation]
    designs: Mapping[str, Design]
    trials: AssumptionTrials = field(default_factory=AssumptionTrials)

    @property
    def conclusions(self) -> tuple[Conclusion, ...]:
        """Return how the differences stand up to other values of the assumptions."""
        return self.trials.conclusions

    @property
    def swings(self) -> pd.DataFrame:
        """Return how far each assumption moves the share parked under the last tariff: it ranks the register."""
        return self.trials.to_frame()

    @property
    def plot(self) -> Pictures:
        """Return the pictures that can be drawn: ``plot.tariff()``, ``plot.support()``, ``plot.cash()`` and others."""
        return Pictures(self)

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
                part = pd.DataFrame(metric_rows(evaluation.metrics))
            elif frame == "groups":
                part = evaluation.to_frame("groups")
            else:
                part = evaluation.tariff.aligned(self.programme.caseload.groups).to_frame()
            part.insert(0, "tariff", label)
            parts.append(part)
        return pd.concat(parts, ignore_index=True)

    def to_dict(self) -> dict[str, object]:
        """Return everything a machine needs: metrics, groups and prices by tariff, proofs, conclusions, assumptions."""
        tariffs = {}
        for label, evaluation in self.evaluations.items():
            metrics = {str(row["metric"]): row["value"] for row in metric_rows(evaluation.metrics)}
            metrics["worst_served_group"] = evaluation.metrics.worst_served_group
            metrics["worst_served_parked_share"] = evaluation.metrics.worst_served_parked_share
            aligned = evaluation.tariff.aligned(self.programme.caseload.groups)
            tariffs[label] = {
                "metrics": metrics,
                "prices": aligned.to_frame().to_dict("records"),
                "groups": evaluation.to_frame("groups").to_dict("records"),
                "design": proof(self.designs[label]) if label in self.designs else None,
                "fees": tariff_fees(aligned),
                "largest_gain_from_deviating_gbp": evaluation.certificate.largest_gain_gbp,
            }
        return {
            "programme": self.programme.name,
            "participants": self.programme.caseload.total_participants,
            "tariffs": tariffs,
            "conclusions": [conclusion.to_dict() for conclusion in self.conclusions],
            "assumptions": assumption_table(self.programme, self.swings).to_dict("records"),
        }

    def with_trials(self, trials: AssumptionTrials) -> Comparison:
        """Return the comparison with conclusions to print and the register of assumptions ranked."""
        return replace(self, trials=trials)

    def save(
        self, folder: str | Path, settings: Mapping[str, object] | None = None, *, report: bool = False
    ) -> tuple[Path, ...]:
        """Write the comparison into a folder, all or nothing.

        Parameters
        ----------
        folder : str or Path
            Made if need be; files of the same names in it are replaced.
        settings : mapping, optional
            How it was asked for, kept in ``run.json``.
        report : bool, optional
            Whether ``report.html`` is written too, which computes a frontier and plays the programme person by person.

        Returns
        -------
        tuple of Path
            The files of :meth:`files`, the programme as a folder in ``inputs/``, and ``run.json``.

        Raises
        ------
        OutputError
            When the folder cannot be written; then nothing in it has changed.
        MissingExtraError
            When a report is wanted and what draws it is not installed.
        """
        page: dict[str, str | bytes] = {}
        drawn: dict[str, object] = {}
        if report:
            rules = ReportSettings(assumptions=bool(self.conclusions))
            page["report.html"] = report_page(self, gather(self, rules, settings))
            note = "of the people who are played for report.html; nothing else is random"
            drawn = {"seed": rules.seed, "seed_note": note}
        tariffs = {label: evaluation.tariff for label, evaluation in self.evaluations.items()}
        inputs, doubt = inputs_of(self.programme)
        record = provenance(self.programme, tariffs, settings or {}) | drawn | self.to_dict() | doubt
        return write_record(Path(folder), self.files() | page | inputs, record)

    def files(self) -> dict[str, str | bytes]:
        """Return everything that :meth:`save` writes for people to read, by file name. One line a form of output."""
        tables = {name: self.to_frame(name) for name in _FRAMES}
        tables["assumptions"] = assumption_table(self.programme, self.swings)
        found: dict[str, str | bytes] = {f"{name}.csv": csv_text(frame) for name, frame in tables.items()}
        found["comparison.txt"] = f"{self}\n"
        found["results.xlsx"] = tables_workbook(self.tables())
        return found

    def to_excel(self, path: str | Path) -> Path:
        """Write the comparison as a workbook of plain tables, one a sheet.

        Raises
        ------
        OutputError
            When it cannot be written; then nothing has changed.
        """
        place = Path(path)
        return write_files(place.parent, {place.name: tables_workbook(self.tables())})[0]

    def report(
        self,
        path: str | Path,
        settings: ReportSettings | None = None,
        worlds: Answers | WorldReport | None = None,
    ) -> Path:
        """Write the report, one HTML page that needs nothing else.

        Parameters
        ----------
        path : str or Path
            The file; its folder is made if need be.
        settings : ReportSettings, optional
            How much to compute. Conclusions are put to the test unless that was done, or is not wanted.
        worlds : Answers or WorldReport, optional
            From :func:`~pbr_opt.analysis.world_answers.across_worlds`: adds P10, P50 and P90, and what they hang on; a
            :class:`~pbr_opt.report.worlds.WorldReport` with designs adds tariffs that were designed for these worlds.

        Raises
        ------
        OutputError
            When it cannot be written.
        MissingExtraError
            Without matplotlib or Jinja2.
        """
        place = Path(path)
        return write_files(place.parent, {place.name: self.page(settings, worlds)})[0]

    def page(self, settings: ReportSettings | None = None, worlds: Answers | WorldReport | None = None) -> str:
        """Return the text of the page that :meth:`report` writes."""
        wanted = (settings or ReportSettings()).assumptions and not self.conclusions
        tariffs = {label: there.tariff for label, there in self.evaluations.items()}
        told = self.with_trials(try_assumptions(self.programme, tariffs)) if wanted else self
        return report_page(told, gather(told, settings, worlds=worlds))

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return the tables of a workbook, by the names of sheets: answer first, where it came from last."""
        import pandas as pd  # slow to import: only when a table is asked for

        shown = self.evaluations
        answer = [
            {"metric": line.label.strip(), "unit": line.unit}
            | {name: line.read(e.metrics) for name, e in shown.items()}
            for line in METRIC_LINES
        ]
        proofs = [{"tariff": name} | _flat(proof(design)) for name, design in self.designs.items()]
        conclusions = [_flat(conclusion.to_dict()) for conclusion in self.conclusions]
        tiers = [tier_frame(e).assign(tariff=name) for name, e in shown.items() if e.equilibrium is not None]
        found = {
            "Answer": pd.DataFrame(answer).dropna(),
            "Prices": self.to_frame("prices"),
            "Groups": self.to_frame("groups"),
            "Tiers": pd.concat(tiers, ignore_index=True) if tiers else pd.DataFrame(),
            "Proof": pd.DataFrame(proofs),
            "Conclusions": pd.DataFrame(conclusions),
            "Assumptions": assumption_table(self.programme, self.swings),
            "Sources": pd.DataFrame(source_rows(self.programme)),
        }
        return {name: frame for name, frame in found.items() if len(frame)}

    def _repr_html_(self) -> str:
        import pandas as pd  # slow to import: only when a table is asked for

        heads, *rows = comparison_rows(self.evaluations)
        proofs = [line for label, design in self.designs.items() for line in f"{label}: {design}".splitlines()]
        lines = [*proofs, *map(str, self.conclusions)]
        measures = pd.DataFrame(rows, columns=list(heads))
        return notebook_html(self.programme.name, lines, measures, self.to_frame("prices"))

    def __str__(self) -> str:
        """Return one screen of text."""
        return str(Screen(self.programme, self.evaluations, self.designs, self.conclusions))


def tariff_fees(tariff: Tariff) -> dict[str, object]:
    """Return every field of a tariff, exactly: ``Tariff(**fees)`` is the tariff again."""
    return {item.name: plain(getattr(tariff, item.name)) for item in fields(tariff)}


def _flat(record: Mapping[str, object]) -> dict[str, object]:
    """Return a record with lists as one text each."""
    return {k: "; ".join(map(str, v)) if isinstance(v, (list, tuple)) else v for k, v in record.items() if k != "asked"}


def proof(design: Design) -> dict[str, object]:
    """Return what a design was asked, and how good it is proved to be, for a machine."""
    return {
        "objective": design.problem.objective.name,
        "limits": [str(limit) for limit in design.problem.limits],
        "asked": asked_of(design.problem.objective, design.problem.limits, design.problem.programme),
        "status": design.status,
        "value": design.objective,
        "bound": design.bound,
        "gap": design.gap,
        "budget_price": design.budget_price,
        "method": design.method,
        "notes": list(design.notes),
    }


def _evaluated(programme: Programme, item: Tariff | Design) -> Evaluation:
    """Return the evaluation of a tariff; a design of this very programme brings its own along."""
    if not isinstance(item, Design):
        return evaluate(programme, item)
    return item.evaluation if item.problem.programme is programme else evaluate(programme, item.tariff)


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
    return Comparison(
        programme,
        MappingProxyType({label: _evaluated(programme, item) for label, item in tariffs.items()}),
        MappingProxyType({label: item for label, item in tariffs.items() if isinstance(item, Design)}),
    )
