"""Laws of how a tariff is judged: T29 (the identities), tables that add up, bounds, terms that are the same twice."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pbr_opt.design.objectives import (
    AdditionalOutcomes,
    FirstPoundLoss,
    NetSocialValue,
    Parked,
    SegmentContext,
    SupportShortfall,
    TotalSupport,
)
from pbr_opt.evaluation import evaluate, respond
from pbr_opt.market.caseload import Caseload
from pbr_opt.market.programme import Programme
from pbr_opt.metrics import ease_interval
from tests.properties import draws
from tests.properties.tolerances import CANCELLATION, RATE, ROUNDING, SUMS


@given(draws.programmes())
def test_t29_identities(programme: Programme) -> None:
    """Spend = attachment fees + windfall + incremental payments; rent = spend - support; spend per outcome = x."""
    there = evaluate(programme)
    metrics, behaviour = there.metrics, there.behaviour
    caseload = programme.caseload
    people = caseload.participants
    incremental = float(people @ (behaviour.price_gbp * (behaviour.outcome_rate - caseload.deadweight_rate)))
    money = SUMS * (metrics.spend_gbp + metrics.total_support_gbp + float(people @ behaviour.price_gbp) + 1e-300)
    assert abs(metrics.outcome_spend_gbp - (metrics.windfall_gbp + incremental)) <= money
    assert abs(metrics.spend_gbp - (metrics.attachment_spend_gbp + metrics.outcome_spend_gbp)) <= money
    assert abs(metrics.rent_gbp - (metrics.spend_gbp - metrics.total_support_gbp)) <= money
    assert abs(metrics.spend_gbp - there.spend_gbp) <= money
    np.testing.assert_allclose(behaviour.payment_gbp, behaviour.price_gbp * behaviour.outcome_rate, rtol=ROUNDING)
    np.testing.assert_allclose(
        behaviour.profit_gbp, behaviour.payment_gbp - behaviour.support_gbp, rtol=ROUNDING, atol=0
    )


@given(draws.programmes())
def test_t29_tables_add_up_to_the_metrics(programme: Programme) -> None:
    """Every table sums to the metrics, and what the Department pays is what the others receive."""
    there = evaluate(programme)
    metrics = there.metrics
    groups, payments = there.to_frame("groups"), there.to_frame("payments")
    agents, segments = there.to_frame("agents"), there.to_frame("segments")
    for name in ("participants", "spend_gbp", "outcomes", "windfall_gbp"):
        np.testing.assert_allclose(groups[name].sum(), getattr(metrics, name), rtol=SUMS, err_msg=name)
    rounding = SUMS * float(programme.caseload.participants @ (1 + there.behaviour.price_gbp))
    paid = payments[["attachment_gbp", "outcome_gbp", "sustainment_gbp"]].to_numpy()
    assert abs(paid.sum() - metrics.spend_gbp) <= rounding + SUMS * metrics.spend_gbp
    assert paid.min() >= -rounding
    np.testing.assert_allclose(agents["income_gbp"].sum(), agents["paid_on_gbp"].sum(), rtol=SUMS)
    kept = agents["income_gbp"] - agents["paid_on_gbp"] - agents["support_gbp"] - agents["fixed_cost_gbp"]
    np.testing.assert_allclose(agents["profit_gbp"][1], kept[1], rtol=SUMS, atol=rounding)
    support = (segments["participants"] * segments["support_gbp"]).sum()
    np.testing.assert_allclose(support, metrics.total_support_gbp, rtol=SUMS)


@given(draws.programmes())
def test_shares_lie_where_shares_lie(programme: Programme) -> None:
    """Shares are between 0 and 1, those parked inefficiently are parked, token help is not, ratios have a value."""
    metrics = evaluate(programme).metrics
    slack = 1 + SUMS
    for name in ("parked_share", "token_help_share", "first_pound_loss", "windfall_share", "worst_served_parked_share"):
        assert 0 <= getattr(metrics, name) <= slack, name
    assert metrics.parked_share + metrics.token_help_share <= slack
    assert metrics.first_pound_loss <= metrics.parked_share * slack or programme.minimum_service_gbp.any()
    assert metrics.worst_served_parked_share >= metrics.parked_share / slack
    assert abs(metrics.creaming.concentration_index) <= slack
    assert metrics.creaming.quintile_ratio >= 0
    assert metrics.additional_outcomes >= -SUMS * metrics.participants
    assert not math.isnan(metrics.cost_per_additional_outcome_gbp + metrics.rent_share)
    if metrics.inefficiently_parked_share is not None:
        assert 0 <= metrics.inefficiently_parked_share <= metrics.parked_share * slack
        assert metrics.support_gap_gbp is not None
        assert metrics.support_gap_gbp >= 0


@given(draws.programmes())
def test_a_term_is_the_same_number_optimised_and_evaluated(programme: Programme) -> None:
    """Every objective's total is the metric of the same name."""
    there = evaluate(programme)
    metrics, heads = there.metrics, programme.caseload.total_participants
    rounding = SUMS * (heads + metrics.total_support_gbp)
    assert abs(Parked().total(there) - metrics.parked_share * heads) <= rounding
    assert abs(FirstPoundLoss().total(there) - metrics.first_pound_loss * heads) <= rounding
    assert abs(TotalSupport().total(there) - metrics.total_support_gbp) <= rounding
    assert abs(AdditionalOutcomes().total(there) - metrics.additional_outcomes) <= rounding
    if metrics.net_social_value_gbp is not None:
        assert programme.outcome_value_gbp is not None
        money = rounding + CANCELLATION * heads * float(programme.outcome_value_gbp.max())
        assert abs(NetSocialValue().total(there) - metrics.net_social_value_gbp) <= money


@given(st.data())
def test_objectives_move_one_way_with_the_price(data: st.DataObject) -> None:
    """Every objective with a bound (all but net social value) never gets worse as a segment's own price rises."""
    programme = data.draw(draws.programmes())
    context = SegmentContext.of(programme)
    pair = np.array([data.draw(draws.prices(programme.caseload)) for _ in range(2)])
    low, high = respond(programme, pair.min(axis=0)), respond(programme, pair.max(axis=0))
    for aim in (Parked(), FirstPoundLoss(), SupportShortfall(500.0), TotalSupport(), AdditionalOutcomes()):
        gained = aim.better * (aim.per_participant(high, context) - aim.per_participant(low, context))
        assert np.all(gained >= -ROUNDING * (1 + high.support_gbp)), aim.name


@given(draws.caseloads())
def test_ease_intervals_tile_every_group(caseload: Caseload) -> None:
    """Ranks of ease fill 0 to 1 in each group by people, ties share an interval, and easier never ranks lower."""
    start, stop = ease_interval(caseload)
    assert np.all((start >= 0) & (stop <= 1) & (start <= stop))
    middle = 0.5 * (start + stop)
    for group in caseload.groups:
        rows = caseload.segments_of(group)
        people, threshold = caseload.participants[rows], caseload.parking_threshold_gbp[rows]
        if people.sum() > 0:
            rounding = ROUNDING * caseload.total_participants / people.sum()  # ranks come from one running sum
            assert abs(people @ middle[rows] / people.sum() - 0.5) <= SUMS + rounding
        order = np.argsort(threshold)
        assert np.all(np.diff(middle[rows][order]) <= RATE)
        for tied in np.unique(threshold):
            assert np.ptp(start[rows][threshold == tied]) == 0
