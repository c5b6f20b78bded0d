"""Continuous prices under limits that tie groups together."""

from __future__ import annotations

import pytest

import pbr_opt as pbr

PEOPLE = pbr.Caseload(
    group=["A", "A", "B", "B", "C"],
    participants=[1000, 500, 2000, 300, 50],
    deadweight_rate=[0.1, 0.05, 0.2, 0.02, 0],
    ceiling_rate=[0.4, 0.3, 0.5, 0.2, 0.3],
    response_scale_gbp=[800, 1500, 600, 3000, 2000],
)
TODAY = pbr.Tariff(["A", "B", "C"], 300, [1000, 1500, 4000], [100, 100, 200], [13, 13, 20])
PROGRAMME = pbr.Programme("small", PEOPLE, TODAY, outcome_value_gbp=[9000, 8000, 20000], discount_rate=0.035)
SPEND = pbr.Budget(pbr.evaluate(PROGRAMME).spend_gbp)


@pytest.mark.parametrize("aim", [pbr.Parked(), pbr.FirstPoundLoss(), pbr.WorstServed()], ids=lambda aim: aim.name)
def test_few_prices_are_proved_where_many_choices_cost_within_rounding_of_the_budget(aim: pbr.Parked) -> None:
    """The solver's own tolerance once let it pick, one after the other, choices that cost a pound too much."""
    design = pbr.optimise(PROGRAMME, minimise=aim, limits=[SPEND, pbr.MaxDistinctPrices(2)])
    assert design.status == "optimal"
    assert design.evaluation.spend_gbp <= SPEND.gbp * (1 + 1e-9)


def test_what_conflicts_names_every_limit_that_takes_part() -> None:
    limits = [SPEND, pbr.NoGroupWorse(TODAY), pbr.MaxDistinctPrices(2)]
    with pytest.raises(pbr.DesignInfeasibleError, match=r"Budget with NoGroupWorse\(.*\) and MaxDistinctPrices\(2\)"):
        pbr.optimise(PROGRAMME, minimise=pbr.Parked(), limits=limits)
