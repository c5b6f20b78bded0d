"""Creaming, person by person: write everybody down in a list, sort it, and count."""

from __future__ import annotations

import numpy as np
import pytest

from pbr_opt.evaluation import evaluate
from pbr_opt.market.tariffs import Tariff
from tests.oracle.samples import sample, threshold

PERSON = 1e-9
"""Relative: the same sums over some 500 people one by one."""

VALUE_GBP = 6000.0


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_creaming_person_by_person(seed: int) -> None:
    raw = sample(seed, 2, 4)
    people = np.random.default_rng(seed).integers(1, 9, raw.people.size) * 5  # fifths of a group are whole people
    programme = raw.programme()
    programme = programme.replace(caseload=programme.caseload.replace(participants=people), outcome_value_gbp=VALUE_GBP)
    there = evaluate(programme, Tariff(programme.caseload.groups, 0.0, 4000.0))
    support = there.behaviour.support_gbp
    need = raw.scale * np.log(np.maximum(VALUE_GBP / threshold(raw), 1.0))
    covered: list[tuple[float, float]] = []
    bought, easiest, hardest, numerator = 0.0, 0.0, 0.0, 0.0
    for group in range(raw.groups):
        rows = np.flatnonzero(raw.group == group)
        rows = rows[np.argsort(-threshold(raw)[rows])]  # hardest first
        person = np.repeat(rows, people[rows])
        count, fifth = person.size, person.size // 5
        assert count % 5 == 0
        place = (np.arange(count) + 0.5) / count
        segment_place = np.array([place[person == row].mean() for row in person])
        numerator += float(2 * (support[person] * (segment_place - 0.5)).sum())
        bought += float(support[person].sum())
        hardest += float(support[person[:fifth]].sum())
        easiest += float(support[person[-fifth:]].sum())
        helped = need[person] > 0
        x = segment_place[helped] - segment_place[helped].mean()
        y = support[person[helped]] / need[person[helped]]
        covered += list(zip(x, y - y.mean(), strict=True))
    ranks, cover = np.array(covered).T
    creaming = there.metrics.creaming
    np.testing.assert_allclose(creaming.concentration_index, numerator / bought, rtol=PERSON)
    expected = easiest / hardest if hardest > 0 else np.inf
    np.testing.assert_allclose(creaming.quintile_ratio, expected, rtol=PERSON)
    assert creaming.coverage_gradient is not None
    np.testing.assert_allclose(creaming.coverage_gradient, float(ranks @ cover / (ranks @ ranks)), rtol=PERSON)
