"""The answer in words: what a tariff does against the baseline, how well that is proved, what it rests on."""

from __future__ import annotations

from pbr_opt.report.compared import Compared
from pbr_opt.report.wording import change, count, money, per_cent

__all__ = ["answer", "answer_lines"]

_SAME_SPEND = 0.005
"""Spends within half a per cent of each other are called the same."""


def answer(comparison: Compared) -> str:
    """Return the comparison in two sentences.

    >>> import pbr_opt as pbr
    >>> people = pbr.Caseload(["a", "a"], [100, 100], [.12, .02], [.42, .10], 600)
    >>> programme = pbr.Programme("example", people, pbr.Tariff(["a"], 0, 4000))
    >>> print(answer(pbr.compare(programme, {"today": programme.tariff, "double": pbr.Tariff(["a"], 0, 8000)})))
    For £180,000 more, 'double' parks 0.0 % of 200 people instead of the 50.0 % of 'today'. It brings 23 instead of 15 \
additional outcomes (+53.3 %).
    """
    return " ".join(answer_lines(comparison)[:2])


def answer_lines(comparison: Compared) -> tuple[str, ...]:
    """Return the two sentences, and one more for each conclusion that was put to the test."""
    labels = list(comparison.evaluations)
    base = comparison.evaluations[labels[0]]
    people = count(comparison.programme.caseload.total_participants)
    if len(labels) == 1:
        there = base.metrics
        return (
            f"'{labels[0]}' parks {per_cent(there.parked_share)} of {people} people.",
            f"It costs {money(there.spend_gbp)} and brings {count(there.additional_outcomes)} additional outcomes.",
        )
    last = labels[-1]
    now, was = comparison.evaluations[last].metrics, base.metrics
    first = (
        f"{_for_what(was.spend_gbp, now.spend_gbp)}, '{last}' parks {per_cent(now.parked_share)} of {people} people "
        f"instead of the {per_cent(was.parked_share)} of '{labels[0]}'{_proof(comparison, last)}."
    )
    moved = change(was.additional_outcomes, now.additional_outcomes)
    second = (
        f"It brings {count(now.additional_outcomes)} instead of {count(was.additional_outcomes)} additional outcomes"
        f"{f' ({moved})' if moved not in ('', '=') else ''}."
    )
    return (first, second, *(str(conclusion) for conclusion in comparison.conclusions))


def _for_what(was: float, now: float) -> str:
    if abs(now - was) <= _SAME_SPEND * max(was, now):
        return "On the same spend"
    return f"For {money(abs(now - was))} {'more' if now > was else 'less'}"


def _proof(comparison: Compared, label: str) -> str:
    """Return what is known of a design: proved best, or how far from proved."""
    design = comparison.designs.get(label)
    if design is None:
        return ""
    if design.status == "optimal":
        return f", and no tariff within its limits does better on {design.problem.objective.name} (proved)"
    reason = "a bound that holds for the chain as it stands" if design.status == "local" else "what is proved"
    return f"; it is within {100 * design.gap:.2g} % of {reason}"
