"""Warnings: what can be used and should be looked at, each with its place; and nothing where there is nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import pytest

from pbr_opt import Budget, Caseload, Parked, Programme, Tariff
from pbr_opt.programmes.doubts import doubts
from pbr_opt.programmes.files import Reading
from pbr_opt.programmes.questions import Question
from pbr_opt.programmes.registry import open_programme
from pbr_opt.report.saving import save_programme

PLAIN = Programme("p", Caseload(["a"], 100, 0.1, 0.3, 500), Tariff(["a"], 400, 3000), base_service_gbp=700)
NOTHING: MappingProxyType[str, str] = MappingProxyType({})


def said(programme: Programme, question: Question | None = None) -> str:
    reading = Reading(programme, NOTHING, MappingProxyType({"budget": "Limits!B3"}), question, NOTHING)
    return "\n".join(map(str, doubts(reading)))


@pytest.mark.parametrize("name", ["work_programme_2011", "worked_example"])
def test_sound_programmes_raise_no_doubts(name: str) -> None:
    assert doubts(open_programme(name)) == ()


def test_a_price_above_the_value_has_the_cell_of_the_price(tmp_path: Path) -> None:
    programme = open_programme("worked_example").programme
    value = {"young": 3000.0, "older": 9000.0, "health": 0.0}
    save_programme(programme.replace(outcome_value_gbp=value), tmp_path / "dear.xlsx")
    (dear,) = (fault for fault in doubts(open_programme(tmp_path / "dear.xlsx")) if "worth" in fault.wanted)
    assert dear.place == "Tariff!C2 (outcome_fee_gbp)"
    assert dear.given == "up to £3,240 for an outcome"  # 95 % of 1200 + 13 x 170
    assert "£3,000" in dear.wanted


def test_a_budget_that_no_prime_would_accept() -> None:
    question = Question(Parked(), (Budget(60_000),))
    assert "Limits!B3: given £60,000; wanted at least £70,000, what providers have to spend" in said(PLAIN, question)
    assert "accept" not in said(PLAIN, Question(Parked(), (Budget(70_000),)))


def test_a_budget_that_no_tariff_keeps() -> None:
    question = Question(Parked(), (Budget(30_000),))
    assert "The cheapest tariff that meets the limits costs £40,000.00" in said(PLAIN, question)


def test_numbers_without_a_range_are_named_and_then_counted() -> None:
    text = said(PLAIN)
    assert "tariff/a/outcome_fee_gbp, assumed or recalled, without a range" in text
    many = Programme("p", Caseload(list("abcd"), 100, 0.1, 0.3, 500), Tariff(list("abcd"), 400, 3000))
    assert "3 more numbers without a range" in said(many)


def test_segments_beside_their_central_case_are_noticed() -> None:
    programme = open_programme("work_programme_2011").programme
    people = programme.caseload
    other = programme.replace(caseload=people.replace(participants=people.participants * 2))
    assert "segments: given other segments" in said(other)
    figures = [replace(f, value=0.2, low=0.2, high=0.2) if f.id == "observed_rate/1" else f for f in programme.figures]
    assert "segments" not in said(programme.replace(figures=figures, central_case=None))
