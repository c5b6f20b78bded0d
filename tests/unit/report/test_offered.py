"""Pictures that a comparison offers: they show the numbers of the library."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

import pbr_opt as pbr
from pbr_opt.analysis.assumptions import swings
from pbr_opt.analysis.simulation import simulate
from pbr_opt.analysis.world_answers import across_worlds
from pbr_opt.analysis.world_inputs import WorldInputs
from pbr_opt.analysis.worlds import plausible_worlds
from pbr_opt.programmes.facts import load_facts, load_priors
from pbr_opt.report.comparison import Comparison
from pbr_opt.report.picture_data import cash_frame
from tests.unit.analysis.simulated_worlds import chained

NAME = "work_programme_2011"


@pytest.fixture(scope="module")
def comparison() -> Comparison:
    """Return the 2011 tariff beside an optimised one."""
    programme = pbr.load(NAME)
    limits = [pbr.Budget(pbr.evaluate(programme).spend_gbp), pbr.PriceStep(5)]
    design = pbr.optimise(programme, minimise=pbr.Parked(), limits=limits)
    return pbr.compare(programme, {"2011 tariff": programme.tariff, "optimised": design})


def test_fees_and_support_name_every_tariff(comparison: Comparison) -> None:
    for figure in (comparison.plot.tariff(), comparison.plot.support()):
        shown = " ".join(text.get_text() for text in figure.legends[0].get_texts())
        assert all(label in shown for label in comparison.evaluations)


def test_the_frontier_passes_by_no_tariff_on_the_wrong_side(comparison: Comparison) -> None:
    (axes,) = comparison.plot.frontier(points=9).axes
    best, *marks = axes.lines
    budgets, parked = (np.asarray(values, dtype=float) for values in best.get_data())
    for mark in marks:
        spend, value = (float(np.asarray(data)[0]) for data in mark.get_data())
        assert (value >= parked[budgets >= spend].max()) or np.isclose(value, parked[budgets >= spend].max())


def test_a_frontier_of_nothing_in_particular_is_refused() -> None:
    programme = pbr.load(NAME)
    plot = pbr.compare(programme, {"today": programme.tariff}).plot
    with pytest.raises(pbr.UnsupportedModelError, match="best at"):
        plot.frontier()
    line = pbr.frontier(programme, minimise=pbr.Parked(), budgets_gbp=[2e9, 2.5e9])
    assert plot.frontier(line).axes


def test_swings_are_sorted_and_hold_the_centre_between_worlds(comparison: Comparison) -> None:
    tariff = comparison.evaluations["optimised"].tariff
    frame = swings(comparison.programme, tariff)
    assert all(before >= after for before, after in pairwise(frame.swing))
    top = frame.iloc[0]
    central = comparison.evaluations["optimised"].metrics.parked_share
    assert top.swing == max(top.at_low, top.at_high, central) - min(top.at_low, top.at_high, central)
    (axes,) = comparison.plot.tornado().axes
    assert axes.get_xlabel() == "parked under 'optimised', %"
    assert axes.get_yticklabels()[0].get_text().startswith(str(top.figure))


def test_cash_adds_up_tier_by_tier_and_to_the_spend() -> None:
    played = simulate(chained(), participants=2_000, seed=3)
    frame = cash_frame(played)
    assert list(dict.fromkeys(frame.tier)) == ["Primes", "Tier 1", "Tier 2"]
    cash = played.to_frame("cash").query("agent != 'department'")
    assert frame.net_gbp.sum() * played.scale == pytest.approx(cash.net_gbp.sum())
    ends = frame.groupby("tier").since_start_gbp.last()
    assert ends.sum() == pytest.approx(frame.net_gbp.sum())
    plot = pbr.compare(chained(), {"today": chained().tariff}).plot
    (axes,) = plot.cash(simulation=played).axes
    assert [line.get_label() for line in axes.lines[:3]] == ["Primes", "Tier 1", "Tier 2"]
    assert any("P" in text.get_text() for text in plot.chain().axes[0].texts)


def test_worlds_are_drawn_as_the_answers_say(comparison: Comparison) -> None:
    programme = comparison.programme
    ensemble = plausible_worlds(WorldInputs(programme, load_priors(NAME)), load_facts(NAME), 4096)
    answers = across_worlds(ensemble, {"optimised": comparison.designs["optimised"]}, "2011 tariff")
    (axes,) = comparison.plot.worlds(answers).axes
    found = answers.quantiles().query("measure == 'parked_share' and of == 'level'")
    middles = [float(np.asarray(line.get_xdata())[0]) for line in axes.lines[1::2]]
    assert middles == pytest.approx((100 * found.p50).tolist())
    with pytest.raises(pbr.InvalidInputError, match="a headline measure"):
        comparison.plot.worlds(answers, "parking")


def test_a_label_that_is_not_there_is_named(comparison: Comparison) -> None:
    with pytest.raises(pbr.InvalidInputError, match="did you mean 'optimised'"):
        comparison.plot.tornado("optimized")
    with pytest.raises(pbr.UnsupportedModelError, match="Nothing can be varied"):
        pbr.compare(chained(), {"today": chained().tariff}).plot.tornado()
