"""Programmes: fields by group, one group alone, figures and sources."""

from __future__ import annotations

import pytest

from pbr_opt.errors import InvalidInputError
from pbr_opt.evaluation import evaluate
from pbr_opt.market.caseload import Caseload
from pbr_opt.market.evidence import Figure, Source
from pbr_opt.market.programme import Programme
from pbr_opt.market.tariffs import ContractTerms, Tariff

PEOPLE = Caseload(["b", "a", "b"], [10, 20, 30], [0.1, 0.2, 0.3], [0.5, 0.6, 0.7], 500.0)
PRICES = Tariff(["a", "b"], [400, 600], [2000, 3000])
PROGRAMME = Programme(
    "p",
    PEOPLE,
    PRICES,
    outcome_value_gbp={"a": 7000, "b": 9000},
    minimum_service_gbp=[10, 20],
    mission_gbp={"a": 1, "b": 2},
    base_service_gbp=450,
    terms=ContractTerms(0.06),
    group_names={"a": "Group A", "b": "Group B"},
    figures=[
        Figure("one", 1.0, "GBP", "confirmed", source="K1; K3"),
        Figure("two", 2.0, "GBP", "derived", source="K1"),
        Figure("three", 3.0, "GBP", "assumed", low=1.0, high=4.0),
    ],
    register=[Source(key, key, "A", "somewhere") for key in ("K1", "K2", "K3")],
)


def test_mappings_and_arrays_are_laid_out_in_the_order_of_the_caseload() -> None:
    assert PROGRAMME.outcome_value_gbp is not None
    assert PROGRAMME.outcome_value_gbp.tolist() == [9000.0, 7000.0]
    assert PROGRAMME.minimum_service_gbp.tolist() == [10.0, 20.0]
    assert PROGRAMME.mission_gbp.tolist() == [2.0, 1.0]
    assert PROGRAMME.base_service_gbp.tolist() == [450.0, 450.0]


def test_keys_of_a_mapping_may_be_numbers() -> None:
    people = Caseload([1, 7], 10, 0.1, 0.4, 500.0)
    programme = Programme("p", people, Tariff([1, 7], 0, 1), outcome_value_gbp={7: 2.0, 1: 3.0})  # type: ignore[dict-item]
    assert programme.outcome_value_gbp is not None
    assert programme.outcome_value_gbp.tolist() == [3.0, 2.0]


def test_payable_is_in_the_order_of_the_caseload() -> None:
    assert PROGRAMME.payable().groups == ("b", "a")
    assert PROGRAMME.effective_price_gbp().tolist() == pytest.approx([2820.0, 1880.0, 2820.0])


def test_replace_keeps_what_is_not_named() -> None:
    other = PROGRAMME.replace(discount_rate=0.035)
    assert other.terms is PROGRAMME.terms
    assert other.figures == PROGRAMME.figures
    assert (PROGRAMME.discount_rate, other.discount_rate) == (0.0, 0.035)


def test_replace_checks_the_whole_again() -> None:
    with pytest.raises(InvalidInputError, match="every payment group"):
        PROGRAMME.replace(tariff=Tariff(["a"], 0, 1))


def test_one_group_alone_is_evaluated_as_it_is_within_the_whole() -> None:
    whole = evaluate(PROGRAMME)
    alone = evaluate(PROGRAMME.only("b"))
    assert alone.programme.caseload.participants.tolist() == [10.0, 30.0]
    assert alone.behaviour.support_gbp.tolist() == whole.behaviour.support_gbp[[0, 2]].tolist()
    both = alone.spend_gbp + evaluate(PROGRAMME.only("a")).spend_gbp
    assert both == pytest.approx(whole.spend_gbp, rel=1e-12)
    assert alone.programme.group_names == {"b": "Group B"}


def test_assumptions_are_what_no_source_says() -> None:
    assert [figure.id for figure in PROGRAMME.assumptions] == ["two", "three"]


def test_sources_are_those_cited() -> None:
    assert [source.key for source in PROGRAMME.sources()] == ["K1", "K3"]


def test_names_default_to_ids() -> None:
    assert dict(Programme("p", PEOPLE, PRICES).group_names) == {"b": "b", "a": "a"}
