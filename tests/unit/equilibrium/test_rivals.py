"""Rivals inside a supply chain: held against contests without one and against the books, and tampered with."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import networkx as nx
import numpy as np
import pytest

from pbr_opt.equilibrium.contest import solve_contest
from pbr_opt.equilibrium.contest_rival import Rival
from pbr_opt.equilibrium.rival_certificate import certify_rivals
from pbr_opt.errors import EquilibriumError, InvalidInputError, UnsupportedModelError
from pbr_opt.evaluation import Evaluation, evaluate
from pbr_opt.market.caseload import Caseload
from pbr_opt.market.programme import Programme
from pbr_opt.market.rank_rules import RankShare
from pbr_opt.market.rivalry import IncentivePayment, Rivalry
from pbr_opt.market.share_rules import LinearShare, ShareRule, TullockShare
from pbr_opt.market.supply_chain import SupplyChain
from pbr_opt.market.tariffs import ContractTerms, Tariff
from pbr_opt.programmes.content import content_hash
from pbr_opt.report.comparison import Comparison
from pbr_opt.report.evidence import Evidence, tiers_parts
from pbr_opt.report.parts import Words
from pbr_opt.report.tiers import tier_lines

RUNG = 0.02
"""Top-ups come from a ladder: relatively so far from the exact one at most, in these cases."""
PENNY_IN_A_BILLION = 1e-11
"""Relative: what may be missing when incomes of all tiers are added up."""
PEOPLE = Caseload(
    ["a", "a", "a", "b", "b"],
    [300, 400, 300, 500, 500],
    [0.3, 0.12, 0.02, 0.05, 0.01],
    [0.6, 0.42, 0.1, 0.3, 0.04],
    600,
)


def _graph(primes: int = 2) -> nx.DiGraph[Any]:
    graph: nx.DiGraph[Any] = nx.DiGraph()
    graph.add_node("DWP", kind="department")
    for k in range(primes):
        graph.add_node(f"P{k}", kind="prime")
        graph.add_edge("DWP", f"P{k}")
    return graph


def _with_payees(primes: int = 2) -> nx.DiGraph[Any]:
    """Return primes of different skill, each with an end-to-end payee and a specialist that it may choose."""
    graph = _graph(primes)
    for k in range(primes):
        graph.nodes[f"P{k}"]["productivity"] = 1.0 + 0.2 * k
        graph.add_node(f"T{k}", kind="tier1", sector="voluntary")
        graph.add_edge(f"P{k}", f"T{k}", contract="fixed_share", share=0.8, volume_share=0.3)
        graph.add_node(f"S{k}", kind="tier2", productivity={"b": 6.0})
        graph.add_edge(f"P{k}", f"S{k}", contract="piece_rate", referral_fee_gbp=10)
    return graph


def _programme(graph: nx.DiGraph[Any], rivalry: Rivalry | None, base_service_gbp: float = 0.0) -> Programme:
    tariff = Tariff(["a", "b"], [300, 200], [4000, 9000])
    return Programme(
        "p", PEOPLE, tariff, SupplyChain.from_graph(graph), base_service_gbp=base_service_gbp, rivalry=rivalry
    )


def _prize(there: Evaluation, group: str, prime: str = "P0") -> float:
    table = there.to_frame("rivals").set_index(["group", "prime"])
    return float(table.prize_gbp.loc[(group, prime)])


@pytest.mark.parametrize(
    "rule", [LinearShare(0.3), TullockShare(), RankShare(noise=0.03)], ids=["linear", "tullock", "rank"]
)
@pytest.mark.parametrize("primes", [2, 3])
def test_primes_that_deliver_alone_do_what_the_contest_without_a_chain_says(rule: ShareRule, primes: int) -> None:
    programme = _programme(_graph(primes), Rivalry(rule))
    there = evaluate(programme)
    table = there.to_frame("rivals").query("group == 'a'")
    alone = programme.replace(supply_chain=None, rivalry=None)
    known = solve_contest([Rival.of(alone, "a", f"P{k}") for k in range(primes)], rule, _prize(there, "a"))
    assert known.kind == "pure"
    assert set(table.kind) == {"pure"}
    np.testing.assert_allclose(table.top_up_gbp, known.top_up_gbp, rtol=RUNG)
    np.testing.assert_allclose(table.measured_rate, known.performance, atol=1e-4)
    np.testing.assert_allclose(table.moved_share_won, 1.0 / primes, atol=1e-4)
    assert there.certificate.holds


def test_the_prize_is_what_moved_people_are_worth_over_ones_own_measured_people() -> None:
    there = evaluate(_programme(_graph(), Rivalry(LinearShare(0.0), measured_share=0.25, moved_share=0.5)))
    books = there.to_frame("agents").set_index("agent").loc["P0"]
    margin = 300 + (books.income_gbp - books.support_gbp - 300 * 500 - 200 * 500) / 1000  # both groups together
    by_group = [_prize(there, group) * 0.25 * 0.5 / 0.5 for group in "ab"]
    assert np.mean(by_group) + 0.0 == pytest.approx(margin - 50.0, rel=1e-9)  # attachment fees: 300 and 200


@pytest.mark.parametrize(
    "rule",
    [LinearShare(0.3), TullockShare(0.5), RankShare(), RankShare(noise=0.01)],
    ids=["linear", "tullock", "step", "noisy"],
)
def test_the_books_add_up_and_the_certificate_holds_with_a_chain_below_each_prime(rule: ShareRule) -> None:
    there = evaluate(_programme(_with_payees(), Rivalry(rule), base_service_gbp=50.0))
    agents = there.to_frame("agents").query("kind != 'department'")
    kept = float((agents.income_gbp - agents.paid_on_gbp).sum())
    assert abs(kept / there.spend_gbp - 1.0) <= PENNY_IN_A_BILLION
    assert there.to_frame("groups").spend_gbp.sum() == pytest.approx(there.spend_gbp, rel=1e-12)
    assert there.metrics.participants == pytest.approx(2000.0)
    shares = there.to_frame("rivals").groupby("group").referral_share.sum()
    np.testing.assert_allclose(shares, 1.0, atol=1e-9)
    assert there.certificate.holds, there.certificate


def test_the_better_prime_gets_more_referrals_and_its_payees_too() -> None:
    plain, fierce = (evaluate(_programme(_with_payees(), rivalry)) for rivalry in (None, Rivalry(LinearShare(1.0))))
    before, after = (there.to_frame("agents").set_index("agent").referrals for there in (plain, fierce))
    assert after["P1"] > before["P1"] == before["P0"] > after["P0"]
    assert after["T1"] > before["T1"]
    assert fierce.metrics.outcomes > plain.metrics.outcomes


def test_the_step_without_noise_is_said_to_be_mixed_for_two_and_a_cycle_for_three() -> None:
    rivalry = Rivalry(RankShare())
    two, three = (evaluate(_programme(_graph(primes), rivalry)) for primes in (2, 3))
    assert "mixed" in set(two.to_frame("rivals").kind)
    assert two.certificate.holds, two.certificate
    told = three.to_frame("rivals").query("kind == 'cycle'")
    assert len(told)
    assert "no pure equilibrium" in told.statement.iloc[0].lower()
    assert not three.certificate.holds
    assert "a cycle" in three.certificate.player
    agents = three.to_frame("agents").query("kind != 'department'")
    assert float((agents.income_gbp - agents.paid_on_gbp).sum()) == pytest.approx(three.spend_gbp, rel=1e-11)


def test_where_results_are_shown_it_is_said_which_kind_of_equilibrium_rivals_are_in() -> None:
    there = evaluate(_programme(_graph(), Rivalry(RankShare())))
    assert there.rivals is not None
    kinds = Counter(contest.kind for contest in there.rivals.contests)
    assert set(kinds) == {"pure", "mixed"}
    told = (
        f"2 places (payment groups in areas): a pure equilibrium in {kinds['pure']}, a mixed one in {kinds['mixed']}."
    )
    assert there.rivals.statement == f"Rivals meet in {told}"
    assert there.rivals.statement in str(there)
    assert tier_lines({"today": there})[-1] == f"today: {there.rivals.statement}"
    told_in = tiers_parts(Comparison(there.programme, {"today": there}, {}), Evidence())
    assert Words(there.rivals.statement) in told_in


def test_bonuses_are_paid_by_the_department_and_earned_by_primes() -> None:
    rivalry = Rivalry(incentives={"a": IncentivePayment(0.15)})
    plain, paid = (evaluate(_programme(_with_payees(), each)) for each in (None, rivalry))
    table = paid.to_frame("rivals").query("group == 'a'")
    assert (table.bonus_gbp > 0).all()
    np.testing.assert_allclose(table.top_up_gbp, 1000.0, rtol=RUNG)  # every outcome beyond is worth the whole bonus
    threshold = 1.3 * 0.15
    expected = 1000 * (table.measured_rate - threshold) * 1000 * 0.5 * rivalry.measured_share
    np.testing.assert_allclose(table.bonus_gbp, expected, rtol=1e-9)
    assert paid.metrics.incentive_spend_gbp == pytest.approx(table.bonus_gbp.sum())
    assert paid.to_frame("payments").incentive_gbp.sum() == pytest.approx(table.bonus_gbp.sum())
    agents = paid.to_frame("agents").query("kind != 'department'")
    assert float((agents.income_gbp - agents.paid_on_gbp).sum()) == pytest.approx(paid.spend_gbp, rel=1e-11)
    assert paid.metrics.outcomes > plain.metrics.outcomes
    np.testing.assert_allclose(table.referral_share, 0.5)  # no rule: nobody is moved
    assert paid.certificate.holds


@pytest.mark.parametrize(("missed", "met"), [(0.5, False), (500.0, True)])
def test_a_level_is_met_where_missing_it_costs_more(missed: float, met: bool) -> None:
    there = evaluate(_programme(_graph(), Rivalry(levels={"a": 0.3}, missed_level_gbp=missed)))
    table = there.to_frame("rivals").query("group == 'a'")
    assert (table.meets_level == met).all()
    if met:
        np.testing.assert_allclose(table.measured_rate, 0.3, atol=1e-3)
    assert there.certificate.holds, there.certificate
    easier = evaluate(_programme(_graph(), Rivalry(levels={"a": 0.3}, missed_level_gbp=500.0, inflation=1.5)))
    asked = easier.to_frame("rivals").query("group == 'a'")
    assert (asked.meets_level == 1.0).all()
    np.testing.assert_allclose(asked.measured_rate, asked.rate_without_rivals)  # in year it asks for nothing


def test_without_rewards_a_rivalry_changes_nothing() -> None:
    plain, idle = (evaluate(_programme(_with_payees(), each)) for each in (None, Rivalry()))
    assert idle.metrics == plain.metrics
    assert idle.to_frame("agents").equals(plain.to_frame("agents"))


def test_the_certificate_finds_other_outcome_rates_and_other_shares() -> None:
    there = evaluate(_programme(_with_payees(), Rivalry(LinearShare(0.5))))
    assert there.rivals is not None
    assert certify_rivals(there.rivals, there.payable).holds
    fiercer = replace(there.rivals, rivalry=replace(there.rivals.rivalry, rule=LinearShare(0.9)))
    found = certify_rivals(fiercer, there.payable)
    assert not found.holds
    wrong = [replace(each, share=each.share[::-1]) for each in there.rivals.contests]
    swapped = certify_rivals(replace(there.rivals, contests=tuple(wrong)), there.payable)
    assert np.isinf(swapped.largest_gain_gbp)
    assert "shares that do not follow" in swapped.player


def test_a_rivalry_reads_its_parts_from_the_contract_terms() -> None:
    terms = ContractTerms(attachment_taper=[1, 1, 0.5], intake_share=[0.5, 0.3, 0.2])
    rivalry = Rivalry.from_terms(terms, TullockShare())
    assert (rivalry.measured_share, rivalry.moved_share) == (0.3, 0.2)
    with pytest.raises(InvalidInputError, match="moved_from_year: given 4; wanted a year"):
        Rivalry.from_terms(terms, moved_from_year=4)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Rivalry(measured_share=0.7, moved_share=0.6), "together are at most 1"),
        (lambda: Rivalry(measured_share=0.0, inflation=0.0), "(?s)somebody whose results.*inflation: given 0"),
        (lambda: Rivalry("rank"), "rule: given str"),  # type: ignore[arg-type]
        (lambda: Rivalry(incentives={"a": 1000.0}), "an IncentivePayment"),  # type: ignore[dict-item]
        (lambda: _programme(_graph(), Rivalry(levels={"c": 0.3})), r"levels\['c'\].*a payment group"),
        (lambda: _programme(_graph(4), Rivalry(TullockShare())), "4 primes"),
        (lambda: _programme(_graph(), Rivalry(RankShare(shift=0.9))), "shift: given 0.9"),
        (lambda: Programme("p", PEOPLE, Tariff(["a", "b"], 0, 1), rivalry=Rivalry()), "rivalry: given no supply chain"),
    ],
)
def test_bad_input_says_what_is_wanted(make: Any, message: str) -> None:  # noqa: ANN401
    with pytest.raises(InvalidInputError, match=message):
        make()


def test_what_is_not_modelled_is_refused_by_name() -> None:
    graph = _graph()
    for k, share in enumerate((0.7, 0.3)):
        graph.edges["DWP", f"P{k}"]["volume_share"] = share
    with pytest.raises(UnsupportedModelError, match=r"contract shares of 0\.7, 0\.3"):
        evaluate(_programme(graph, Rivalry(TullockShare())))
    graph = _with_payees()
    for k in range(2):
        graph.nodes[f"S{k}"]["capacity"] = 20.0
    with pytest.raises(UnsupportedModelError, match="whose places run out"):
        evaluate(_programme(graph, Rivalry(TullockShare())))


def test_contest_and_chain_that_do_not_come_to_agree_say_what_still_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    """A charity short of money, and one whose fixed cost lies between its margins before and after the contest."""
    rivalry = Rivalry(TullockShare())
    books = [
        evaluate(_programme(_with_payees(), there)).to_frame("agents").set_index("agent") for there in (None, rivalry)
    ]
    between = float(np.mean([book.loc["T0", "profit_gbp"] for book in books]))
    hurts: dict[str, dict[str, float]] = {
        "T0": {"working_capital_gbp": 2000.0},
        "agents in the chain": {"fixed_cost_gbp": between},
    }
    monkeypatch.setattr("pbr_opt.equilibrium.rivals._ROUNDS", 1)
    for named, hurt in hurts.items():
        graph = _with_payees()
        graph.nodes["T0"].update(hurt)
        graph.edges["P0", "T0"]["payment_lag_weeks"] = 26.0
        with pytest.raises(EquilibriumError, match=r"within 1 rounds: .* Try ") as caught:
            evaluate(_programme(graph, rivalry))
        before, after = caught.value.last_iterates[named]
        assert before != after


def test_programmes_with_other_rules_are_other_programmes() -> None:
    rules = (None, LinearShare(1.0), TullockShare(), RankShare(), RankShare(noise=0.01))
    programmes = [_programme(_graph(), None), *(_programme(_graph(), Rivalry(rule)) for rule in rules)]
    assert len({content_hash(programme) for programme in programmes}) == len(programmes)
