"""The metrics that comparisons show: what each is called, how it is read off an evaluation, how it is printed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from pbr_opt.metrics import TOKEN_SUPPORT_GBP, Metrics
from pbr_opt.report.wording import count, money, per_cent

__all__ = ["METRIC_LINES", "MetricLine", "metric_rows"]


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
