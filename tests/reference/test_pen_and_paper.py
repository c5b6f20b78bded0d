"""Cases whose answer is known on paper or in print; ``docs/reference-cases.md`` tells them to readers."""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np
import pytest

from pbr_opt.design.limits import Budget
from pbr_opt.design.objectives import FirstPoundLoss, Parked
from pbr_opt.design.optimise import optimise
from pbr_opt.equilibrium.best_response import best_response, first_best_support_gbp
from pbr_opt.evaluation import evaluate
from pbr_opt.market.caseload import Caseload
from pbr_opt.market.programme import Programme
from pbr_opt.market.sustainment import expected_sustainments
from pbr_opt.market.tariffs import ContractTerms, Tariff
from pbr_opt.metrics import measure_creaming

ROUNDING = 1e-12
"""Relative: a handful of operations."""

PENNY = 0.005
"""Numbers that the derivation states to the penny."""

LN2 = math.log(2.0)
ONE = Caseload(["a"], 100, 0.12, 0.42, 600.0)
"""The segment of the model page: 12 % find work unaided, 42 % at most, and £600 closes 63 % of the gap."""

TWO = Caseload(["a", "b"], [100, 100], [0.12, 0.02], [0.42, 0.10], 600.0)


def test_r01_parking_threshold() -> None:
    # p'(0) = (p1 - p0)/kappa = .30/600 = 1/2000: a pound of support pays for itself from x = £2,000.
    assert ONE.parking_threshold_gbp.item() == pytest.approx(2000.0, rel=ROUNDING)


def test_r02_above_the_threshold() -> None:
    # (p1 - p0) exp(-e/kappa) x/kappa = 1  =>  e = 600 ln(4000/2000) = 600 * .693147 = 415.89
    # P = .42 - .30 * 2000/4000 = .27;  E = 4000 * .27 = 1,080 = .42 * 4000 - 600;  V = 1,080 - 415.89 = 664.11
    there = best_response(ONE.response, 4000.0)
    assert there.support_gbp.item() == pytest.approx(415.89, abs=PENNY)
    assert there.support_gbp.item() == pytest.approx(600 * LN2, rel=ROUNDING)
    assert there.outcome_rate.item() == pytest.approx(0.27, rel=ROUNDING)
    assert there.payment_gbp.item() == pytest.approx(1080.0, rel=ROUNDING)
    assert there.provider_value_gbp.item() == pytest.approx(664.11, abs=PENNY)


def test_r03_below_the_threshold() -> None:
    # At £1,000 the first pound brings .0005 * 1000 = 50 pence: L = .5, nothing is bought, E = 1000 * .12 = 120.
    there = best_response(ONE.response, 1000.0)
    assert there.first_pound_loss.item() == pytest.approx(0.5, rel=ROUNDING)
    assert (there.support_gbp.item(), there.outcome_rate.item(), there.parked.item()) == (0.0, 0.12, True)
    assert there.payment_gbp.item() == pytest.approx(120.0, rel=ROUNDING)


def test_r04_curved_response() -> None:
    # b = .5: x_park = 600/(.5 * .3) = 4,000. At 16,000 = 4 x_park: e = 600 (4**.5 - 1)/.5 = 1,200,
    # P = .42 - .3/4**.5 = .27, and back: p(1200) = .42 - .3 (1 + .5 * 1200/600)**-1 = .27.
    bent = ONE.replace(curvature=0.5)
    there = best_response(bent.response, 16_000.0)
    assert bent.parking_threshold_gbp.item() == pytest.approx(4000.0, rel=ROUNDING)
    assert there.support_gbp.item() == pytest.approx(1200.0, rel=ROUNDING)
    assert there.outcome_rate.item() == pytest.approx(0.27, rel=ROUNDING)
    assert bent.response.outcome_rate(np.array([1200.0])).item() == pytest.approx(0.27, rel=ROUNDING)


def test_r05_minimum_service() -> None:
    # e_min = 600 ln 2 takes p to .27 and p' down to 1/4000. At £1,000 E = 270, the next pound brings 25 pence: L = .75.
    there = best_response(ONE.response, 1000.0, minimum_service_gbp=600 * LN2)
    assert there.outcome_rate.item() == pytest.approx(0.27, rel=ROUNDING)
    assert there.payment_gbp.item() == pytest.approx(270.0, rel=ROUNDING)
    assert there.first_pound_loss.item() == pytest.approx(0.75, rel=ROUNDING)
    assert there.parked.item()
    # Just above £4,000 the pound beyond the minimum pays: nobody is parked there any more.
    assert not best_response(ONE.response, 4000.01, minimum_service_gbp=600 * LN2).parked.item()


def test_r06_mission() -> None:
    # A provider to whom an outcome is worth £2,500 beyond a price of £1,500 does what one paid £4,000 does;
    # the Department pays 1500 * .27 = 405, and the provider ends with 405 - 415.89 = -10.89 in money.
    there = best_response(ONE.response, 1500.0, mission_gbp=2500.0)
    assert there.support_gbp.item() == pytest.approx(600 * LN2, rel=ROUNDING)
    assert there.payment_gbp.item() == pytest.approx(405.0, rel=ROUNDING)
    assert there.profit_gbp.item() == pytest.approx(-10.89, abs=PENNY)


def test_r07_sustainment_closed_form() -> None:
    # h = .1, two payments: .9 + .81 = 1.71. h = .5, three: .5 + .25 + .125 = .875. h = 0: all 13. h = 1: none.
    found = expected_sustainments([0.1, 0.5, 0.0, 1.0], [2, 3, 13, 13])
    np.testing.assert_allclose(found, [1.71, 0.875, 13.0, 0.0], rtol=ROUNDING)


def test_r08_sustainment_discounted() -> None:
    # 3.5 % a year, nobody leaves, 13 payments in a year: d = 1.035**(-1/13) = exp(-.03440143/13) = .99735724,
    # S = d (1 - 1/1.035)/(1 - d) = .99735724 * .03381643/.00264276 = 12.7620
    assert expected_sustainments(0.0, 13, 0.035).item() == pytest.approx(12.7620, abs=5e-5)


def test_r09_sustainment_with_reentry() -> None:
    # h = .5, everybody out of work is back after a period, cap 2, window of 3 periods; paths by hand.
    # Period 1: half work to its end: .5 paid. Period 2: half of those again (.25, at their cap); those who lost their
    # job come back. Period 3: those back, .5, work to its end with chance .5: .25. In all 1; in two periods .75.
    count = [expected_sustainments(0.5, 2, reentry_rate=1.0, sustainment_window=window).item() for window in (1, 2, 3)]
    np.testing.assert_allclose(count, [0.5, 0.75, 1.0], rtol=ROUNDING)


def test_r10_published_maximum_totals_of_2011() -> None:
    # Groups 1 and 2: WPC162_CH5 (attachment 400, outcome 1,200, totals 3,810 and 4,395; sustainment totals 2,210 and
    # 2,795) and REALBUS2011 (13 payments): 400 + 1200 + 13 * 170 = 3,810; 400 + 1200 + 13 * 215 = 4,395.
    # Group 7: PSE2012 (600), BLOG_AIDA2012 (3,500 and 13,720), NCG_FEWEEK2014 and RECRUITER2012 (370), REALBUS2011
    # (26 payments): 600 + 3500 + 26 * 370 = 13,720.
    tariff = Tariff(["1", "2", "7"], [400, 400, 600], [1200, 1200, 3500], [170, 215, 370], [13, 13, 26])
    assert tariff.maximum_total_gbp.tolist() == [3810.0, 4395.0, 13_720.0]
    assert tariff.price_gbp.tolist() == [3410.0, 3995.0, 13_120.0]


def test_r11_bid_discount_and_taper() -> None:
    # NAO2012_LGIU: 6 % off outcome and sustainment fees: 1,128 and 159.80. ALITTLEECON2014: 400, 300, 200, then
    # nothing: with intakes of .4, .3, .2, .1 the average attachment fee is 160 + 90 + 40 = 290.
    paid = ContractTerms(0.06, [1, 0.75, 0.5, 0], [0.4, 0.3, 0.2, 0.1]).payable(Tariff(["1"], 400, 1200, 170, 13))
    assert paid.outcome_fee_gbp.item() == pytest.approx(1128.0, rel=ROUNDING)
    assert paid.sustainment_fee_gbp.item() == pytest.approx(159.80, rel=ROUNDING)
    assert paid.attachment_fee_gbp.item() == pytest.approx(290.0, rel=ROUNDING)


def test_r12_effective_price() -> None:
    # £1,200 and £170 for each of at most two periods, a tenth leave in each: x = 1200 + 170 * 1.71 = 1,490.70.
    people = ONE.replace(exit_hazard=0.1)
    price = Tariff(["a"], 400, 1200, 170, 2).effective_price_gbp(people)
    assert price.item() == pytest.approx(1490.70, rel=ROUNDING)


def test_r13_accounts_of_a_hundred_people() -> None:
    # £400 each at the start: 40,000. 27 outcomes at £4,000: 108,000. 12 would have come anyway: windfall 48,000, 4/9
    # of outcome payments. 15 additional: 148,000/15 = 9,866.67 each. Support 100 * 415.8883 = 41,588.83, so rent is
    # 148,000 - 41,588.83 = 106,411.17. At v = £10,000: e_FB = 600 ln 5 = 965.66, gap 600 ln 2.5 = 549.77, net social
    # value 150,000 - 41,588.83 = 108,411.17.
    programme = Programme("hundred", ONE, Tariff(["a"], 400, 4000), outcome_value_gbp=10_000)
    metrics = evaluate(programme).metrics
    assert metrics.attachment_spend_gbp == pytest.approx(40_000, rel=ROUNDING)
    assert metrics.outcome_spend_gbp == pytest.approx(108_000, rel=ROUNDING)
    assert metrics.additional_outcomes == pytest.approx(15, rel=ROUNDING)
    assert metrics.cost_per_additional_outcome_gbp == pytest.approx(9866.67, abs=PENNY)
    assert metrics.windfall_gbp == pytest.approx(48_000, rel=ROUNDING)
    assert metrics.windfall_share == pytest.approx(4 / 9, rel=ROUNDING)
    assert metrics.rent_gbp == pytest.approx(106_411.17, abs=PENNY)
    assert metrics.support_gap_gbp == pytest.approx(549.77, abs=PENNY)
    assert metrics.net_social_value_gbp == pytest.approx(108_411.17, abs=PENNY)
    assert first_best_support_gbp(ONE.response, 10_000.0).item() == pytest.approx(965.66, abs=PENNY)


@pytest.mark.parametrize(
    ("budget_gbp", "parked", "prices"),
    [
        (14_999.0, 200.0, (0.0, 0.0)),
        (15_000.01, 100.0, (0.0, 7500.0)),
        (38_999.0, 100.0, None),
        (39_000.01, 0.0, (2000.0, 7500.0)),
    ],
)
def test_r14_two_group_knapsack(budget_gbp: float, parked: float, prices: tuple[float, float] | None) -> None:
    # Group a: 100 people at x_park = £2,000 cost 100 * .12 * 2000 = 24,000. Group b: x_park = 600/.08 = £7,500, cost
    # 100 * .02 * 7500 = 15,000. Nobody, b alone, one of the two, both: at 0, 15,000, ..., 39,000.
    programme = Programme("two", TWO, Tariff(["a", "b"], 0, 1000))
    design = optimise(programme, minimise=Parked(), limits=[Budget(budget_gbp)])
    assert design.objective == parked
    assert design.bound == pytest.approx(parked, rel=ROUNDING)
    if prices is not None:
        np.testing.assert_allclose(design.tariff.price_gbp, prices, rtol=1e-9)


def test_r15_first_pound_loss_of_two_groups() -> None:
    # A pound of price saves 100/2000 in a for 12 pounds of spend: 1/240 a pound; 100/7500 in b for 2 pounds: 1/150.
    # Of 20,000, b takes 15,000 (price £7,500) and a 5,000: price 5000/12 = £416.67, loss 100 (1 - 416.67/2000) =
    # 79.1667. One more pound saves 1/240.
    programme = Programme("two", TWO, Tariff(["a", "b"], 0, 1000))
    design = optimise(programme, minimise=FirstPoundLoss(), limits=[Budget(20_000)])
    np.testing.assert_allclose(design.tariff.price_gbp, [5000 / 12, 7500.0], rtol=1e-9)
    assert design.objective == pytest.approx(79.1667, abs=5e-5)
    assert design.budget_price == pytest.approx(1 / 240, rel=1e-9)


def test_r16_creaming_of_two_segments() -> None:
    # Half the group, the easier, gets £100, the other nothing. Ranks .75 and .25, mean 50, cov = .5 * .25 * 100 = 12.5:
    # concentration index 2 * 12.5/50 = .5. The hardest fifth gets nothing: the ratio is infinite.
    people = Caseload(["a", "a"], 100, 0.1, [0.4, 0.2], 500.0)
    creaming = measure_creaming(Programme("p", people, Tariff(["a"], 0, 2000)), np.array([100.0, 0.0]))
    assert creaming.concentration_index == pytest.approx(0.5, rel=ROUNDING)
    assert creaming.quintile_ratio == math.inf
    assert creaming.coverage_gradient is None


def test_r17_creaming_of_fifths() -> None:
    # Fifths of a group, hardest to easiest, get 10, 20, 30, 40, 50; ranks .1 to .9. Quintile ratio 5.
    # Index 2 (10 * -.4 + 20 * -.2 + 40 * .2 + 50 * .4)/150 = 40/150 = .26667.
    people = Caseload(["a"] * 5, 20, 0.1, [0.2, 0.3, 0.4, 0.5, 0.6], 500.0)
    support = np.array([10.0, 20.0, 30.0, 40.0, 50.0])
    creaming = measure_creaming(Programme("p", people, Tariff(["a"], 0, 2000)), support)
    assert creaming.concentration_index == pytest.approx(40 / 150, rel=ROUNDING)
    assert creaming.quintile_ratio == pytest.approx(5.0, rel=ROUNDING)


def test_r18_coverage_gradient() -> None:
    # v = £4,000 and kappa = 500: thresholds 1,666.67 and 2,500, e_FB = 500 ln 2.4 = 437.73 and 500 ln 1.6 = 235.00.
    # The easier gets all of it and the harder half: coverage 1 and .5 at ranks .75 and .25, a slope of .5/.5 = 1.
    people = Caseload(["a", "a"], 100, 0.1, [0.4, 0.3], 500.0)
    programme = Programme("p", people, Tariff(["a"], 0, 2000), outcome_value_gbp=4000)
    support = np.array([500 * math.log(2.4), 250 * math.log(1.6)])
    assert measure_creaming(programme, support).coverage_gradient == pytest.approx(1.0, rel=1e-9)


def test_the_page_for_readers_lists_every_case() -> None:
    here = Path(__file__)
    cases = set(re.findall(r"^def test_(r\d\d)_", here.read_text(encoding="utf-8"), flags=re.MULTILINE))
    page = (here.parents[2] / "docs" / "reference-cases.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^\| (r\d\d) ", page, flags=re.MULTILINE))
    assert listed == cases
