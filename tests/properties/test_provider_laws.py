"""Laws of one provider and one segment: T01-T03, T05-T11, T16, T25 (behaviour) and T26 of the model page."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pbr_opt.equilibrium.best_response import best_response
from pbr_opt.equilibrium.certificate import ProviderClaim, certify_provider
from pbr_opt.evaluation import evaluate
from pbr_opt.market.caseload import Caseload
from pbr_opt.market.programme import Programme
from pbr_opt.market.tariffs import Tariff
from tests.properties import draws
from tests.properties.tolerances import CANCELLATION, ON_THRESHOLD, QUADRATURE, RATE, ROUNDING, SUMS

VISIBLE_GBP = 1.0
"""A lie about support of at least a pound, and of a twentieth of the support, must be caught."""

FOUND = 0.5
"""Share of the loss that the certificate must find. Its grid is even in pounds, so at a price of ten million and a
scale of a tenth of a penny it finds nine tenths; at prices of the field it finds all (see the unit tests)."""


@given(st.data())
def test_t01_support_and_outcome_rate_do_not_fall_in_the_own_price(data: st.DataObject) -> None:
    """e* and P are non-decreasing in the segment's own price."""
    caseload = data.draw(draws.caseloads())
    pair = np.array([data.draw(draws.prices(caseload)), data.draw(draws.prices(caseload))])
    low = best_response(caseload.response, pair.min(axis=0))
    high = best_response(caseload.response, pair.max(axis=0))
    assert np.all(high.outcome_rate >= low.outcome_rate - RATE)
    assert np.all(high.support_gbp >= low.support_gbp * (1 - ROUNDING))


@given(st.data())
def test_t02_the_slope_of_provider_value_is_the_outcome_rate(data: st.DataObject) -> None:
    """V' = P: the value gained between two prices is the integral of P, and P is a subgradient everywhere."""
    caseload = data.draw(draws.caseloads())
    start = data.draw(draws.prices(caseload))
    stop = start * data.draw(st.sampled_from([1 + 1e-6, 1.1, 2.0])) + data.draw(st.sampled_from([0.0, 1.0]))
    at_start, at_stop = best_response(caseload.response, start), best_response(caseload.response, stop)
    gained = at_stop.provider_value_gbp - at_start.provider_value_gbp
    slack = CANCELLATION * (1 + stop)
    assert np.all(gained >= at_start.outcome_rate * (stop - start) - slack)
    assert np.all(gained <= at_stop.outcome_rate * (stop - start) + slack)
    kink = np.clip(caseload.parking_threshold_gbp, start, stop)
    area = _integral_of_rate(caseload, start, kink) + _integral_of_rate(caseload, kink, stop)
    np.testing.assert_allclose(gained, area, rtol=QUADRATURE, atol=float(slack.max()))


def _integral_of_rate(caseload: Caseload, start: draws.Floats, stop: draws.Floats) -> draws.Floats:
    """Integrate P over each segment's own interval, panel by panel so that the price at most doubles in one."""
    node, weight = np.polynomial.legendre.leggauss(24)
    total = np.zeros_like(start)
    low = np.maximum(start, 1e-9)
    panels = int(np.ceil(np.log2(np.maximum(stop / low, 1.0)).max())) + 1
    edges = low * (np.maximum(stop / low, 1.0) ** np.linspace(0, 1, panels + 1)[:, None])
    for left, right in itertools.pairwise(edges):
        for at, part in zip(node, weight, strict=True):
            here = left + (right - left) * (at + 1) / 2
            total += part / 2 * (right - left) * best_response(caseload.response, here).outcome_rate
    return total


@given(st.data())
def test_t03_provider_value_is_convex_in_the_price(data: st.DataObject) -> None:
    """V is convex in the price, whatever the curvature (E: see the payment laws)."""
    caseload = data.draw(draws.caseloads())
    first, second = data.draw(draws.prices(caseload)), data.draw(draws.prices(caseload))
    share = data.draw(st.floats(0.0, 1.0))
    ends = best_response(caseload.response, np.array([first, second]))
    between = best_response(caseload.response, share * first + (1 - share) * second)
    chord = np.array([share, 1 - share]) @ ends.provider_value_gbp
    assert np.all(between.provider_value_gbp <= chord + CANCELLATION * (draws.LEAST_GBP + np.maximum(first, second)))


@given(st.data())
def test_t05_money_scales(data: st.DataObject) -> None:
    """(x, kappa) -> (t x, t kappa), and all other money with them, leaves P and scales E, V, e and spend."""
    programme = data.draw(draws.programmes())
    factor = data.draw(draws.FACTORS)
    tariff, value = programme.tariff, programme.outcome_value_gbp
    scaled = programme.replace(
        caseload=programme.caseload.replace(response_scale_gbp=programme.caseload.response_scale_gbp * factor),
        tariff=tariff.replace(
            attachment_fee_gbp=tariff.attachment_fee_gbp * factor,
            outcome_fee_gbp=tariff.outcome_fee_gbp * factor,
            sustainment_fee_gbp=tariff.sustainment_fee_gbp * factor,
        ),
        outcome_value_gbp=None if value is None else value * factor,
        minimum_service_gbp=programme.minimum_service_gbp * factor,
        mission_gbp=programme.mission_gbp * factor,
    )
    here, there = evaluate(programme), evaluate(scaled)
    np.testing.assert_allclose(there.behaviour.outcome_rate, here.behaviour.outcome_rate, rtol=0, atol=RATE)
    money = CANCELLATION * (1 + here.behaviour.price_gbp + here.behaviour.mission_gbp)
    for name in ("support_gbp", "payment_gbp", "provider_value_gbp"):
        error = np.abs(getattr(there.behaviour, name) / factor - getattr(here.behaviour, name))
        assert np.all(error <= money + CANCELLATION * here.behaviour.support_gbp), name
    rounding = CANCELLATION * float(programme.caseload.participants @ here.behaviour.price_gbp)
    assert abs(there.spend_gbp / factor - here.spend_gbp) <= rounding + SUMS * here.spend_gbp


@given(st.data())
def test_t06_permuting_segments_and_groups_permutes_answers(data: st.DataObject) -> None:
    """The order of rows, and of the tariff's groups, changes no number but its place."""
    programme = data.draw(draws.programmes())
    caseload = programme.caseload
    order = data.draw(st.permutations(range(len(caseload))))
    other = draws.shuffled(caseload, order)
    by_group = {
        name: dict(zip(caseload.groups, getattr(programme, name), strict=True))
        for name in ("minimum_service_gbp", "mission_gbp", "base_service_gbp")
    }
    value = programme.outcome_value_gbp
    moved = programme.replace(
        caseload=other,
        tariff=programme.tariff.aligned(data.draw(st.permutations(caseload.groups))),
        outcome_value_gbp=None if value is None else dict(zip(caseload.groups, value, strict=True)),
        **by_group,
    )
    here, there = evaluate(programme), evaluate(moved)
    np.testing.assert_array_equal(there.behaviour.support_gbp, here.behaviour.support_gbp[order])
    np.testing.assert_array_equal(there.behaviour.outcome_rate, here.behaviour.outcome_rate[order])
    np.testing.assert_array_equal(there.behaviour.parked, here.behaviour.parked[order])
    one, two = here.metrics, there.metrics
    assert abs(two.parked_share - one.parked_share) <= SUMS
    for name in ("spend_gbp", "outcomes", "windfall_gbp", "total_support_gbp"):
        np.testing.assert_allclose(getattr(two, name), getattr(one, name), rtol=SUMS, atol=0, err_msg=name)


@given(draws.programmes())
def test_t07_no_profitable_deviation(programme: Programme) -> None:
    """Whatever is drawn, the certificate of the equilibrium holds."""
    certificate = evaluate(programme).certificate
    certificate.require()
    assert certificate.largest_gain_gbp >= 0


@given(st.data())
def test_t07_the_certificate_catches_any_visible_lie(data: st.DataObject) -> None:
    """A claimed support that is visibly wrong, with the outcomes that follow from it, fails the certificate."""
    caseload = data.draw(draws.caseloads(most=4))
    truth = best_response(caseload.response, data.draw(draws.prices(caseload)))
    row = data.draw(st.integers(0, len(caseload) - 1))
    lie = truth.support_gbp.copy()
    step = np.maximum(VISIBLE_GBP, 0.05 * (lie[row] + caseload.response_scale_gbp[row]))
    lie[row] = max(lie[row] + step * data.draw(st.sampled_from([-1.0, 1.0])), 0.0)
    lost = truth.profit_gbp[row] - (truth.price_gbp * caseload.response.outcome_rate(lie) - lie)[row]
    claim = ProviderClaim(truth.price_gbp, np.zeros(len(caseload)), lie, caseload.response.outcome_rate(lie))
    certificate = certify_provider(caseload, claim)
    if lost > 2 * certificate.tolerance_gbp:
        assert not certificate.holds
        assert certificate.largest_gain_gbp >= lost * FOUND
    else:  # only where the provider does not care: nothing to gain, nothing to find
        assert lie[row] == truth.support_gbp[row] or abs(lost) <= 2 * certificate.tolerance_gbp


@given(st.data())
def test_t08_bounds_of_value_and_outcome_rate(data: st.DataObject) -> None:
    """V >= x p0 >= 0, and p0 <= P < p1 wherever support can add anything."""
    caseload = data.draw(draws.caseloads())
    there = best_response(caseload.response, data.draw(draws.prices(caseload)))
    idle = there.price_gbp * caseload.deadweight_rate
    assert np.all(there.provider_value_gbp >= idle - ROUNDING * there.price_gbp)
    assert np.all(idle >= 0)
    assert np.all(there.support_gbp >= 0)
    assert np.all(there.outcome_rate >= caseload.deadweight_rate - RATE)
    reachable = caseload.ceiling_rate > caseload.deadweight_rate
    assert np.all(there.outcome_rate[reachable] < caseload.ceiling_rate[reachable])
    np.testing.assert_array_equal(there.outcome_rate[~reachable], caseload.deadweight_rate[~reachable])


@given(st.data())
def test_t09_parked_means_a_positive_first_pound_loss_means_below_the_threshold(data: st.DataObject) -> None:
    """Parked <=> L > 0 <=> x < x_park; nobody parked gets less than those parked, who get nothing."""
    caseload = data.draw(draws.caseloads())
    there = best_response(caseload.response, data.draw(draws.prices(caseload)))
    np.testing.assert_array_equal(there.parked, there.first_pound_loss > 0)
    scaled = there.price_gbp / caseload.parking_threshold_gbp
    np.testing.assert_array_equal(there.parked[scaled < 1 - ON_THRESHOLD], True)
    np.testing.assert_array_equal(there.parked[scaled >= 1 - ON_THRESHOLD / 4], False)
    assert np.all(there.support_gbp[there.parked] == 0)
    assert np.all(there.support_gbp[scaled > 1 + ON_THRESHOLD] > 0)


@given(draws.programmes(plain=True))
def test_t10_a_zero_tariff_parks_everybody_and_costs_nothing(programme: Programme) -> None:
    """With no fees at all everybody is parked and nothing is spent."""
    there = evaluate(programme, Tariff(programme.caseload.groups, 0.0, 0.0))
    assert there.behaviour.parked.all()
    assert there.spend_gbp == 0
    assert abs(there.metrics.parked_share - 1) <= SUMS
    assert abs(there.metrics.additional_outcomes) <= SUMS * there.metrics.participants


@given(st.data())
def test_t11_splitting_a_segment_into_identical_parts_changes_nothing(data: st.DataObject) -> None:
    """Metrics do not depend on how finely identical people are tabulated."""
    programme = data.draw(draws.programmes())
    caseload = programme.caseload
    row = data.draw(st.integers(0, len(caseload) - 1))
    share = data.draw(st.sampled_from([0.5, 0.25, 1.0]))
    double = caseload.take(np.append(np.arange(len(caseload)), row))
    people = np.append(caseload.participants, caseload.participants[row] * share)
    people[row] *= 1 - share
    whole = evaluate(programme).metrics
    split = evaluate(programme.replace(caseload=double.replace(participants=people))).metrics
    for name in ("parked_share", "first_pound_loss", "token_help_share", "windfall_share"):
        assert abs(getattr(whole, name) - getattr(split, name)) <= SUMS, name
    for name in ("spend_gbp", "outcomes", "total_support_gbp", "mean_support_gbp"):
        np.testing.assert_allclose(getattr(split, name), getattr(whole, name), rtol=SUMS, atol=0, err_msg=name)
    worst = whole.worst_served_group, split.worst_served_group
    assert worst[0] == worst[1] or _is_tied(programme, *worst)
    assert abs(split.creaming.concentration_index - whole.creaming.concentration_index) <= CANCELLATION


def _is_tied(programme: Programme, one: str, other: str) -> bool:
    """Whether two groups are as badly served as each other, to rounding."""
    table = evaluate(programme).to_frame("groups").set_index("group")[["parked_share", "mean_support_gbp"]]
    return bool(np.allclose(table.loc[one], table.loc[other], rtol=CANCELLATION, atol=CANCELLATION))


@given(st.data())
def test_t16_productivity_and_ceiling_raise_outcomes_and_lower_the_threshold(data: st.DataObject) -> None:
    """P goes up, and x_park down, in 1/kappa and in p1."""
    caseload = data.draw(draws.caseloads())
    price = data.draw(draws.prices(caseload))
    abler = caseload.replace(response_scale_gbp=caseload.response_scale_gbp / data.draw(st.floats(1.0, 10.0)))
    higher = caseload.replace(ceiling_rate=caseload.ceiling_rate + data.draw(draws.RATES) * (1 - caseload.ceiling_rate))
    here = best_response(caseload.response, price)
    for better in (abler, higher):
        assert np.all(better.parking_threshold_gbp <= caseload.parking_threshold_gbp * (1 + ROUNDING))
        assert np.all(best_response(better.response, price).outcome_rate >= here.outcome_rate - RATE)


@given(st.data())
def test_t25_mission_raises_outcomes_and_provider_value(data: st.DataObject) -> None:
    """P and what the provider maximises are non-decreasing in m; its profit in money is not what rises."""
    caseload = data.draw(draws.caseloads())
    price = data.draw(draws.prices(caseload))
    less, more = sorted([data.draw(draws.MONEY), data.draw(draws.MONEY)])
    here = best_response(caseload.response, price, mission_gbp=less)
    there = best_response(caseload.response, price, mission_gbp=more)
    assert np.all(there.outcome_rate >= here.outcome_rate - RATE)
    assert np.all(there.provider_value_gbp >= here.provider_value_gbp - CANCELLATION * (price + more))
    assert np.all(there.profit_gbp <= here.profit_gbp + CANCELLATION * (price + more))


@given(st.data())
def test_t26_minimum_service_raises_outcomes(data: st.DataObject) -> None:
    """P goes up in e_min, support is at least e_min, and what would be bought anyway is not bought twice."""
    caseload = data.draw(draws.caseloads())
    price = data.draw(draws.prices(caseload))
    less, more = sorted([data.draw(draws.MONEY), data.draw(draws.MONEY)])
    free = best_response(caseload.response, price)
    here = best_response(caseload.response, price, minimum_service_gbp=less)
    there = best_response(caseload.response, price, minimum_service_gbp=more)
    assert np.all(there.outcome_rate >= here.outcome_rate - RATE)
    assert np.all(there.support_gbp >= more)
    np.testing.assert_array_equal(there.support_gbp, np.maximum(free.support_gbp, more))
    assert np.all(there.profit_gbp <= here.profit_gbp + CANCELLATION * (1 + price + more))
