"""Laws of what the Department pays: T03 and T04 (payment), T15 (people), terms and fees."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pbr_opt.equilibrium.best_response import best_response
from pbr_opt.evaluation import evaluate
from pbr_opt.market.caseload import Caseload
from pbr_opt.market.programme import Programme
from pbr_opt.market.tariffs import ContractTerms, Tariff
from tests.properties import draws
from tests.properties.draws import Floats
from tests.properties.tolerances import CANCELLATION, ROUNDING, SUMS

LIMIT_CURVATURE = 1e-9
"""So small a b that HARA and exponential agree to about b (e/kappa)**2, less than LIMIT_RATE for e up to 30 kappa."""

LIMIT_RATE = 1e-6
"""Absolute: b * (e/kappa)**2 with the two numbers above."""


def _chord_is_above(caseload: Caseload, data: st.DataObject) -> None:
    first, second = data.draw(draws.prices(caseload)), data.draw(draws.prices(caseload))
    share = data.draw(st.floats(0.0, 1.0))
    ends = best_response(caseload.response, np.array([first, second])).payment_gbp
    between = best_response(caseload.response, share * first + (1 - share) * second).payment_gbp
    chord = share * ends[0] + (1 - share) * ends[1]
    assert np.all(between <= chord + CANCELLATION * (draws.LEAST_GBP + np.maximum(first, second)))


@given(st.data())
def test_t03_payment_is_convex_and_piecewise_linear_for_the_exponential(data: st.DataObject) -> None:
    """At b = 0, E(x) = max(p0 x, p1 x - kappa) where support can add anything, and so it is convex."""
    caseload = data.draw(draws.caseloads(exponential=True))
    price = data.draw(draws.prices(caseload))
    line = np.maximum(caseload.deadweight_rate * price, caseload.ceiling_rate * price - caseload.response_scale_gbp)
    paid = best_response(caseload.response, price).payment_gbp
    assert np.all(np.abs(paid - line) <= CANCELLATION * (price + draws.LEAST_GBP))
    _chord_is_above(caseload, data)


@given(st.data())
def test_t04_payment_is_convex_for_hara(data: st.DataObject) -> None:
    """E is convex in the price for every curvature in [0, 1)."""
    _chord_is_above(data.draw(draws.caseloads(exponential=False)), data)


@given(st.data())
def test_the_exponential_is_the_limit_of_hara(data: st.DataObject) -> None:
    """As b -> 0 the HARA response becomes the saturating exponential: no jump where the code changes formula."""
    caseload = data.draw(draws.caseloads(exponential=True))
    price = data.draw(draws.prices(caseload))
    near = best_response(caseload.replace(curvature=LIMIT_CURVATURE).response, price)
    limit = best_response(caseload.response, price)
    assert np.all(np.abs(near.outcome_rate - limit.outcome_rate) <= LIMIT_RATE)
    assert np.all(np.abs(near.support_gbp - limit.support_gbp) <= LIMIT_RATE * caseload.response_scale_gbp)


@given(st.data())
def test_minimum_service_payment_is_the_larger_of_two_lines(data: st.DataObject) -> None:
    """At b = 0 with a minimum service, E = max(p(e_min) x, p1 x - kappa)."""
    caseload = data.draw(draws.caseloads(exponential=True))
    price, least = data.draw(draws.prices(caseload)), data.draw(draws.MONEY)
    low, high, scale = caseload.deadweight_rate, caseload.ceiling_rate, caseload.response_scale_gbp
    line = np.maximum((high - (high - low) * np.exp(-least / scale)) * price, high * price - scale)
    paid = best_response(caseload.response, price, minimum_service_gbp=least).payment_gbp
    assert np.all(np.abs(paid - line) <= CANCELLATION * (price + draws.LEAST_GBP))


@given(st.data())
def test_t15_spend_is_proportional_to_people(data: st.DataObject) -> None:
    """Multiplying n by t scales spend, outcomes and support, and leaves every share alone."""
    programme = data.draw(draws.programmes())
    factor = data.draw(draws.FACTORS)
    more = programme.caseload.replace(participants=programme.caseload.participants * factor)
    here, there = evaluate(programme).metrics, evaluate(programme.replace(caseload=more)).metrics
    for name in ("spend_gbp", "outcomes", "windfall_gbp", "total_support_gbp"):
        np.testing.assert_allclose(getattr(there, name), getattr(here, name) * factor, rtol=SUMS, err_msg=name)
    for name in ("parked_share", "first_pound_loss", "windfall_share"):
        assert abs(getattr(there, name) - getattr(here, name)) <= SUMS, name


@given(st.data())
def test_effective_price_is_affine_in_the_fees(data: st.DataObject) -> None:
    """With x = f + s S, doubling outcome and sustainment fees doubles it, and attachment fees do not enter."""
    caseload = data.draw(draws.caseloads())
    tariff = data.draw(draws.tariffs(caseload))
    price = tariff.effective_price_gbp(caseload)
    double = tariff.replace(
        outcome_fee_gbp=2 * tariff.outcome_fee_gbp,
        sustainment_fee_gbp=2 * tariff.sustainment_fee_gbp,
        attachment_fee_gbp=tariff.attachment_fee_gbp + 7,
    )
    np.testing.assert_allclose(double.effective_price_gbp(caseload), 2 * price, rtol=ROUNDING)
    listed = tariff.aligned(caseload.groups)
    row = caseload.group_index
    assert np.all(price >= listed.outcome_fee_gbp[row])
    assert np.all(price <= listed.price_gbp[row] * (1 + ROUNDING))


@given(st.data())
def test_at_price_moves_the_level_and_keeps_the_proportion(data: st.DataObject) -> None:
    """A tariff of another price level has that level, the old mix of fees, and the old attachment fees."""
    caseload = data.draw(draws.caseloads())
    tariff = data.draw(draws.tariffs(caseload))
    level = data.draw(st.one_of(st.just(0.0), st.floats(draws.LEAST_GBP, 1e4)))
    moved = tariff.at_price(level)
    np.testing.assert_allclose(moved.price_gbp, level, rtol=ROUNDING)
    np.testing.assert_array_equal(moved.attachment_fee_gbp, tariff.attachment_fee_gbp)
    np.testing.assert_allclose(
        (moved.outcome_fee_gbp * tariff.sustainment_fee_gbp)[tariff.price_gbp > 0],
        (moved.sustainment_fee_gbp * tariff.outcome_fee_gbp)[tariff.price_gbp > 0],
        rtol=CANCELLATION,
    )


YEARS = st.lists(st.tuples(draws.RATES, draws.PEOPLE), min_size=1, max_size=4)


@given(draws.programmes(plain=True), draws.RATES, YEARS)
def test_averaging_the_taper_is_exact_for_spend(
    programme: Programme, discount: float, years: list[tuple[float, float]]
) -> None:
    """Spend under averaged terms is the intake-weighted spend of the years: attachment fees move no support."""
    people = np.array([count for _, count in years])
    intake = people / people.sum() if people.sum() > 0 else np.full(people.size, 1 / people.size)
    terms = ContractTerms(discount, [share for share, _ in years], intake.tolist())
    whole = evaluate(programme.replace(terms=terms)).spend_gbp
    by_year = [evaluate(programme.replace(terms=ContractTerms(discount, [share]))).spend_gbp for share, _ in years]
    np.testing.assert_allclose(whole, intake @ by_year, rtol=SUMS)


@given(st.data())
def test_attachment_fees_move_money_and_no_support(data: st.DataObject) -> None:
    """Without liquidity or participation, attachment fees change spend one for one, and behaviour not at all."""
    programme = data.draw(draws.programmes(plain=True))
    fees = np.array([data.draw(draws.MONEY) for _ in programme.tariff.groups])
    here = evaluate(programme, programme.tariff.replace(attachment_fee_gbp=0.0))
    there = evaluate(programme, programme.tariff.replace(attachment_fee_gbp=fees))
    np.testing.assert_array_equal(there.behaviour.support_gbp, here.behaviour.support_gbp)
    placed = Tariff(programme.tariff.groups, fees, 0.0).aligned(programme.caseload.groups)
    extra = float(programme.caseload.group_participants @ placed.attachment_fee_gbp)
    np.testing.assert_allclose(there.spend_gbp, here.spend_gbp + extra, rtol=SUMS)


@given(st.data())
def test_t32_an_accelerator_from_nothing_is_linear_and_profit_falls_in_its_threshold(data: st.DataObject) -> None:
    """q0 = 0 pays every outcome the upper rate; no provider gains from a higher threshold, or loses by a fee."""
    programme = data.draw(draws.programmes(exponential=None))
    fee, groups = data.draw(draws.MONEY), programme.caseload.groups
    thresholds = sorted(data.draw(st.lists(st.floats(0.0, 1.0), min_size=2, max_size=4)))

    def value(threshold: float) -> Floats:
        tariff = programme.tariff.replace(accelerator_threshold=threshold, accelerator_fee_gbp=fee)
        there = evaluate(programme, tariff).behaviour
        return programme.caseload.sum_by_group(programme.caseload.participants * there.provider_value_gbp)

    plain = programme.tariff.aligned(groups)
    linear = evaluate(programme, plain.replace(outcome_fee_gbp=plain.outcome_fee_gbp + fee)).behaviour
    upper = programme.caseload.sum_by_group(programme.caseload.participants * linear.provider_value_gbp)
    lower = value(1.0) if fee else upper
    scale = CANCELLATION * (programme.caseload.total_participants * (fee + 1.0) + np.abs(upper) + np.abs(lower))
    assert np.all(np.abs(value(0.0) - upper) <= scale)
    steps = [upper, *(value(threshold) for threshold in thresholds)]
    plainly = evaluate(programme).behaviour
    floor = programme.caseload.sum_by_group(programme.caseload.participants * plainly.provider_value_gbp)
    for before, after in itertools.pairwise(steps):
        assert np.all(after <= before + scale)
        assert np.all(after >= floor - scale)
