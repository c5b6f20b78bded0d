"""The sections of a report about a comparison, in the order in which a commissioner reads."""

from __future__ import annotations

from typing import Final

import numpy as np

from pbr_opt.design.result import Design
from pbr_opt.evaluation import Evaluation, evaluate
from pbr_opt.market.tariffs import Tariff
from pbr_opt.report import pictures
from pbr_opt.report.answer import answer
from pbr_opt.report.compared import Compared
from pbr_opt.report.doubt import doubt_parts
from pbr_opt.report.evidence import Evidence, made_parts, sources_parts, tiers_parts
from pbr_opt.report.metric_lines import comparison_rows
from pbr_opt.report.parts import Column, Part, Picture, Section, TablePart, Words, table_of
from pbr_opt.report.picture_data import ease_frame, group_change_frame
from pbr_opt.report.wording import change, count, money, per_cent

__all__ = ["sections_of"]

ROUNDED_TO_GBP: Final = 5.0


def sections_of(comparison: Compared, evidence: Evidence) -> tuple[Section, ...]:
    """Return all sections."""
    return (
        Section("answer", "The answer", tuple(_answer(comparison, evidence))),
        Section("rates", "Rate card", tuple(_rates(comparison, evidence))),
        Section("people", "Who gains and who loses help", tuple(_people(comparison))),
        Section("tiers", "Risk and cash, tier by tier", tuple(tiers_parts(comparison, evidence))),
        Section("doubt", "What would change the answer", tuple(doubt_parts(comparison, evidence))),
        Section("sources", "Assumptions and sources", tuple(sources_parts(comparison, evidence))),
        Section("made", "How it was computed", tuple(made_parts(comparison, evidence))),
    )


def _last(comparison: Compared) -> tuple[str, Evaluation]:
    label = list(comparison.evaluations)[-1]
    return label, comparison.evaluations[label]


def _answer(comparison: Compared, evidence: Evidence) -> list[Part]:
    parts: list[Part] = [Words(answer(comparison), "lead")]
    doubts = [c for c in comparison.conclusions if c.rests_on_assumptions]
    if doubts:
        parts.append(Words("What rests on assumptions: " + "; ".join(str(c).rstrip(".") for c in doubts) + "."))
    parts.append(_metrics(comparison))
    if evidence.frontier is not None:
        aim = evidence.frontier.problem.objective
        marks = {label: (there.spend_gbp, aim.total(there)) for label, there in comparison.evaluations.items()}
        caption = (
            f"What every budget can do at best, by {aim.name}, with {', '.join(marks)} beside it. The line falls in "
            "steps where the best prices jump."
        )
        table = table_of(
            evidence.frontier.to_frame(),
            "The frontier",
            [("budget_gbp", "Budget", money), ("spend_gbp", "Spend", money), ("objective", aim.name, count),
             ("bound", "Bound", count), ("status", "Status", None)],
        )  # fmt: skip
        figure = pictures.draw_frontier(evidence.frontier, marks)
        parts.append(Picture.of(figure, "The frontier", caption, table))
    return parts


def _metrics(comparison: Compared) -> TablePart:
    """Return every metric that all tariffs have, and what changed when there are two."""
    (_, *labels), *rows = comparison_rows(comparison.evaluations)
    shown = tuple((name.strip(), *cells) for name, *cells in rows)
    return TablePart("The tariffs side by side", ("Measure", *labels), shown)


def _rates(comparison: Compared, evidence: Evidence) -> list[Part]:
    label, there = _last(comparison)
    tariff = there.tariff.aligned(comparison.programme.caseload.groups)
    parts: list[Part] = [_card(comparison, tariff, f"Rate card of '{label}', GBP, ready to paste into a tender")]
    parts.append(Words(_rounding(comparison, label, there, evidence.unrounded)))
    figure = pictures.draw_fees(comparison.evaluations)
    caption = "What each tariff pays at most for one participant, in its parts. The numbers are in the rate card."
    parts.append(Picture.of(figure, "Tariffs side by side", caption))
    if len(comparison.evaluations) > 1:
        first = next(iter(comparison.evaluations))
        old = comparison.evaluations[first].tariff.aligned(comparison.programme.caseload.groups)
        parts.append(_card(comparison, old, f"For comparison: '{first}', GBP"))
    return parts


def _card(comparison: Compared, tariff: Tariff, caption: str) -> TablePart:
    names = comparison.programme.group_names
    columns = ["Group", "Name", "Attachment fee", "Outcome fee", "Per 4 weeks in work", "Most payments", "Most in all"]
    rows = []
    for g, group in enumerate(tariff.groups):
        fees = [tariff.attachment_fee_gbp[g], tariff.outcome_fee_gbp[g], tariff.sustainment_fee_gbp[g]]
        row = [group, names[group], *(f"{fee:,.2f}" for fee in fees), f"{tariff.sustainment_max[g]}"]
        row.append(f"{tariff.maximum_total_gbp[g]:,.2f}")
        if tariff.has_accelerator:
            row += [f"{tariff.accelerator_threshold[g]:.1%}", f"{tariff.accelerator_fee_gbp[g]:,.2f}"]
        rows.append(tuple(row))
    columns += ["Threshold", "More beyond it"] if tariff.has_accelerator else []
    return TablePart(caption, tuple(columns), tuple(rows), (0, 1))


def _rounding(comparison: Compared, label: str, there: Evaluation, unrounded: Design | None) -> str:
    """Return what rounding to £5 costs, in words."""
    design = comparison.designs.get(label)
    if design is not None and unrounded is not None:
        aim = design.problem.objective
        lost = -aim.better * (design.objective - unrounded.objective)
        return (
            f"Prices are multiples of £{design.problem.step_gbp:g}. Prices to the penny would reach "
            f"{unrounded.objective:,.0f} {aim.unit} instead of {design.objective:,.0f} ({aim.name}): rounding costs "
            f"{max(lost, 0.0):,.0f} {aim.unit}."
        )
    tariff = there.tariff
    fees = ("outcome_fee_gbp", "sustainment_fee_gbp")
    rounded = tariff.replace(**{n: np.round(getattr(tariff, n) / ROUNDED_TO_GBP) * ROUNDED_TO_GBP for n in fees})
    if rounded == tariff:
        return f"Every fee that moves is a multiple of £{ROUNDED_TO_GBP:g}."
    then = evaluate(comparison.programme, rounded)
    parked = change(there.metrics.parked_share, then.metrics.parked_share, share=True)
    return (
        f"Rounded to £{ROUNDED_TO_GBP:g}, these fees would cost {money(then.spend_gbp)} instead of "
        f"{money(there.spend_gbp)} and park {per_cent(then.metrics.parked_share)} "
        f"({'no change' if parked == '=' else parked})."
    )


def _people(comparison: Compared) -> list[Part]:
    parts: list[Part] = []
    labels = list(comparison.evaluations)
    if len(labels) > 1:
        before, after = comparison.evaluations[labels[0]], comparison.evaluations[labels[-1]]
        frame = group_change_frame(before, after)
        columns: list[Column] = [("group", "Group", None), ("name", "Name", None)]
        numbers: list[Column] = [("participants", "People", count), ("parked_before", f"Parked, {labels[0]}", count),
                   ("parked_after", f"Parked, {labels[-1]}", count),
                   ("support_before_gbp", f"Support a head, {labels[0]}", money),
                   ("support_after_gbp", f"Support a head, {labels[-1]}", money)]  # fmt: skip
        if "gain_help" in frame:
            numbers += [("gain_help", "No longer parked", count), ("lose_help", "Newly parked", count)]
            gain, lose = frame.gain_help.sum(), frame.lose_help.sum()
            text = f"{count(gain)} people are no longer parked, {count(lose)} are newly parked."
            parts.append(Words(text))
        parts.append(table_of(frame, "Help by payment group", [*columns, *numbers]))
    caption = (
        "Support and parking by how easy people are to help, inside their payment groups: a line that rises to the "
        "right is creaming, a share near 100 % at the left is parking."
    )
    ease = ease_frame(comparison.evaluations)
    table = table_of(ease, "Support by ease of help", [("tariff", "Tariff", None), ("ease", "Tenth, 1 hardest", count),
            ("support_gbp", "Support a head", money), ("parked_share", "Parked", per_cent)])  # fmt: skip
    parts.append(Picture.of(pictures.draw_ease(comparison.evaluations), "Support by ease of help", caption, table))
    return parts
