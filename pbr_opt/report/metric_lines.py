"""The metrics that comparisons show: what each is called, how it is read off an evaluation, how it is printed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from pbr_opt.evaluation import Evaluation
from pbr_opt.metrics import TOKEN_SUPPORT_GBP, Metrics
from pbr_opt.report.wording import change, count, money, per_cent

__all__ = ["METRIC_LINES", "MetricLine", "comparison_rows", "metric_rows"]


@dataclass(frozen=True, slots=True)
class MetricLine:
    """One line of a comparison.

    Attributes
    ----------
    key, label, unit : str
        For machines, for people, and what it is measured in.
    read : callable
        From metrics to a number, or None where there is none.
    show : callable
        From the number to text.
    is_share : bool
        Whether changes are points and not per cents.
    """

    key: str
    label: str
    unit: str
    read: Callable[[Metrics], float | None]
    show: Callable[[float], str]
    is_share: bool = False


METRIC_LINES: Final = (
    MetricLine("spend_gbp", "Spend", "GBP", lambda m: m.spend_gbp, money),
    MetricLine("attachment_spend_gbp", "  of which attachment fees", "GBP", lambda m: m.attachment_spend_gbp, money),
    MetricLine("outcomes", "Outcomes", "outcomes", lambda m: m.outcomes, count),
    MetricLine("additional_outcomes", "Additional outcomes", "outcomes", lambda m: m.additional_outcomes, count),
    MetricLine(
        "cost_per_additional_outcome_gbp",
        "GBP per additional outcome",
        "GBP",
        lambda m: m.cost_per_additional_outcome_gbp,
        money,
    ),
    MetricLine("parked_share", "Parked", "share", lambda m: m.parked_share, per_cent, True),
    MetricLine(
        "inefficiently_parked_share",
        "  though help would pay society",
        "share",
        lambda m: m.inefficiently_parked_share,
        per_cent,
        True,
    ),
    MetricLine(
        "token_help_share",
        f"Not parked, but under £{TOKEN_SUPPORT_GBP:.0f} of help",
        "share",
        lambda m: m.token_help_share,
        per_cent,
        True,
    ),
    MetricLine("mean_support_gbp", "Support per participant", "GBP", lambda m: m.mean_support_gbp, money),
    MetricLine(
        "coverage_gradient",
        "Creaming (coverage gradient)",
        "",
        lambda m: m.creaming.coverage_gradient,
        lambda slope: f"{slope:.2f}",
    ),
    MetricLine("windfall_share", "Windfall in outcome payments", "share", lambda m: m.windfall_share, per_cent, True),
    MetricLine("net_social_value_gbp", "Net social value", "GBP", lambda m: m.net_social_value_gbp, money),
)


def metric_rows(metrics: Metrics) -> list[dict[str, object]]:
    """Return one mapping a metric that is known: metric, value, unit."""
    rows: list[dict[str, object]] = [
        {"metric": line.key, "value": line.read(metrics), "unit": line.unit} for line in METRIC_LINES
    ]
    return [row for row in rows if row["value"] is not None]


def comparison_rows(evaluations: Mapping[str, Evaluation]) -> list[tuple[str, ...]]:
    """Return the table of a comparison as text: a heading, then one row a metric that every tariff has.

    Parameters
    ----------
    evaluations : mapping of label to Evaluation
        The first is the baseline; with two of them a last column says what changed.

    Examples
    --------
    >>> import pbr_opt as pbr
    >>> programme = pbr.Programme("p", pbr.Caseload(["a"], 100, .12, .42, 600), pbr.Tariff(["a"], 0, 4000))
    >>> today, dearer = pbr.evaluate(programme), pbr.evaluate(programme, pbr.Tariff(["a"], 0, 5000))
    >>> comparison_rows({"today": today, "dearer": dearer})[:2]
    [('', 'today', 'dearer', 'change'), ('Spend', '£108,000', '£150,000', '+38.9 %')]
    """
    shown = [evaluation.metrics for evaluation in evaluations.values()]
    two = len(shown) == 2
    rows: list[tuple[str, ...]] = [("", *evaluations, *(("change",) if two else ()))]
    for line in METRIC_LINES:
        known = [value for value in map(line.read, shown) if value is not None]
        if len(known) == len(shown):
            moved = (change(known[0], known[1], share=line.is_share),) if two else ()
            rows.append((line.label, *map(line.show, known), *moved))
    worst = (f"{m.worst_served_group} ({per_cent(m.worst_served_parked_share)})" for m in shown)
    return [*rows, ("Worst-served group (parked)", *worst, *(("",) if two else ()))]
