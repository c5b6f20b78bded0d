"""Certificates: what they catch, and that they share nothing with what they check."""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import pytest

import pbr_opt.equilibrium.certificate as module
from pbr_opt.equilibrium.best_response import best_response
from pbr_opt.equilibrium.certificate import Certificate, ProviderClaim, certify_provider
from pbr_opt.errors import CertificateError
from pbr_opt.market.caseload import Caseload
from pbr_opt.quantities import FloatArray

PEOPLE = Caseload(["a", "b"], 1, [0.12, 0.02], [0.42, 0.10], 600.0, [0.0, 0.4])
PRICE = np.array([4000.0, 30_000.0])
TRUTH = best_response(PEOPLE.response, PRICE)


def _claim(support: FloatArray, rate: FloatArray, least: float = 0.0) -> Certificate:
    return certify_provider(PEOPLE, ProviderClaim(PRICE, np.full(2, least), support, rate))


def test_the_truth_is_certified() -> None:
    certificate = _claim(TRUTH.support_gbp, TRUTH.outcome_rate)
    assert certificate.holds
    certificate.require()


def test_the_gain_from_a_wrong_support_is_found_to_the_penny() -> None:
    support = TRUTH.support_gbp * np.array([1.0, 0.5])
    rate = PEOPLE.response.outcome_rate(support)
    lost = TRUTH.profit_gbp[1] - (PRICE * rate - support)[1]
    certificate = _claim(support, rate)
    assert certificate.largest_gain_gbp == pytest.approx(lost, abs=0.005)
    assert "group 'b'" in certificate.player


def test_an_outcome_rate_that_does_not_follow_is_caught() -> None:
    certificate = _claim(TRUTH.support_gbp, TRUTH.outcome_rate + np.array([1e-6, 0.0]))
    assert certificate.largest_gain_gbp == pytest.approx(4000 * 1e-6, rel=1e-3)


def test_support_below_the_minimum_service_is_caught() -> None:
    short = np.minimum(TRUTH.support_gbp, 300.0)
    certificate = _claim(short, PEOPLE.response.outcome_rate(short), least=500.0)
    assert certificate.largest_gain_gbp >= 200.0


def test_require_says_who_and_how_much() -> None:
    with pytest.raises(CertificateError, match=r"prime, segment 0 of group 'a' could gain £184\.1"):
        _claim(np.array([0.0, TRUTH.support_gbp[1]]), np.array([0.12, TRUTH.outcome_rate[1]])).require()


def test_more_segments_than_one_block() -> None:
    many = Caseload(["a"] * 20_000, 1, 0.12, 0.42, 600.0)
    there = best_response(many.response, np.full(20_000, 4000.0))
    support = there.support_gbp.copy()
    support[19_999] = 0.0
    claim = ProviderClaim(there.price_gbp, np.zeros(20_000), support, many.response.outcome_rate(support))
    certificate = certify_provider(many, claim)
    assert not certificate.holds
    assert "segment 19999" in certificate.player


def test_it_imports_neither_the_responses_nor_the_closed_forms() -> None:
    source = Path(module.__file__).read_text(encoding="utf-8")
    imported = {node.module for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ImportFrom)}
    assert not {"pbr_opt.market.responses", "pbr_opt.equilibrium.best_response"} & imported
    assert "response." not in source.split('"""', 2)[2]  # nor does it reach them through the caseload
