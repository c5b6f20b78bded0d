"""The certificate of a contest: it shares no code with the solver, and finds what can be gained."""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import pytest

from pbr_opt.equilibrium import contest_certificate
from pbr_opt.equilibrium.contest_certificate import ContestClaim, Plans, certify_contest
from pbr_opt.equilibrium.contest_game import Game
from pbr_opt.equilibrium.contest_rival import Rival
from pbr_opt.market.caseload import Caseload
from pbr_opt.market.rank_rules import RankShare, SmoothedRankShare
from pbr_opt.market.share_rules import LinearShare, ShareRule, TullockShare

SEARCH_GBP = 1e-5
"""Both searches refine until steps of support are worth less than this."""

STEP_GBP = 0.05
"""Against a step the certificate approaches a lead from above: its finest step of outcomes is worth a few pence."""

MIXED_BAG = Caseload(
    ["a"] * 4, [40, 30, 20, 10], [0.4, 0.2, 0.05, 0.0], [0.6, 0.42, 0.2, 0.05], [300.0, 600.0, 500.0, 900.0]
)
CURVED = MIXED_BAG.replace(curvature=[0.0, 0.3, 0.6, 0.9])

FORBIDDEN_MODULES = {"responses", "best_response", "contest_rival", "contest_game", "contest_pure", "contest_mixed"}
FORBIDDEN_NAMES = {"respond", "profit_gbp", "loss_gbp", "top_up_for", "response", "parking_threshold_gbp"}


def test_it_shares_no_code_with_the_solver() -> None:
    tree = ast.parse(Path(contest_certificate.__file__).read_text(encoding="utf-8"))
    imported = {
        str(node.module).rpartition(".")[2]
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module
    }
    assert "certificate" in imported
    assert not imported & FORBIDDEN_MODULES
    asked = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert "deadweight_rate" in asked
    assert not asked & FORBIDDEN_NAMES


def _claim(rivals: list[Rival], rule: ShareRule, top_up: float) -> ContestClaim:
    plans = [Plans(prime.respond([top_up]).support_gbp, np.ones(1)) for prime in rivals]
    return ContestClaim(rivals, rule, 1000.0, plans)


@pytest.mark.parametrize("people", [MIXED_BAG, CURVED], ids=["exponential", "curved"])
@pytest.mark.parametrize(
    "rule", [LinearShare(1.0), TullockShare(), TullockShare(0.3), SmoothedRankShare(0.05, 0.01), RankShare()]
)
@pytest.mark.parametrize("minimum", [0.0, 150.0])
def test_it_finds_what_the_best_reply_finds(people: Caseload, rule: ShareRule, minimum: float) -> None:
    """Two paths to the largest gain at a profile that is no equilibrium: top-ups, and steps of support."""
    better = people.replace(response_scale_gbp=people.response_scale_gbp / 1.1)
    rivals = [Rival("A", people, 3000.0, minimum), Rival("B", better, 3000.0, minimum)]
    for top_up in (0.0, 400.0, 3000.0):
        game = Game(tuple(rivals), rule, 1000.0, 400)
        expected = float(game.gains_gbp(game.pure(np.full(2, top_up))).max())
        found = certify_contest(_claim(rivals, rule, top_up), 1e-6, "a test").largest_gain_gbp
        slack = STEP_GBP if isinstance(rule, RankShare) else SEARCH_GBP
        assert expected - slack <= found <= expected + SEARCH_GBP


def test_it_faces_every_combination_of_the_others_plans() -> None:
    """By hand: A idle at 27 per cent against B at 27 or 32, each with probability a half; a step of 3 points,
    £1,000.
    """
    people = Caseload(["a"], 100, 0.12, 0.42, 600.0)
    rivals = [Rival("A", people, 4000.0), Rival("B", people, 4000.0)]
    plans = [
        Plans(rivals[0].respond([0.0]).support_gbp, np.ones(1)),
        Plans(rivals[1].respond([0.0, 2000.0]).support_gbp, np.array([0.5, 0.5])),
    ]
    found = certify_contest(ContestClaim(rivals, RankShare(), 1000.0, plans), 1e-6, "a test")
    cost = 600 * np.log(1.25) - 120  # of 30 per cent: £13.89
    assert found.player == "A"  # just above 30 it wins against 27 and holds against 32: from -£25 to +£25
    assert found.largest_gain_gbp == pytest.approx(50.0 - cost, abs=STEP_GBP)


def test_support_below_the_minimum_service_counts_as_a_gain() -> None:
    people = Caseload(["a"], 100, 0.12, 0.42, 600.0)
    rivals = [Rival("A", people, 1000.0, 80.0), Rival("B", people, 1000.0, 80.0)]
    short = Plans(np.array([[50.0]]), np.ones(1))
    honest = Plans(np.array([[80.0]]), np.ones(1))
    found = certify_contest(ContestClaim(rivals, LinearShare(0.0), 0.0, [honest, short]), 1e-6, "a test")
    assert (found.player, found.holds) == ("B", False)
    assert found.largest_gain_gbp >= 30.0


def test_segments_with_nobody_in_them_do_not_matter() -> None:
    people = Caseload(["a", "a"], [100, 0], [0.12, 0.1], [0.42, 0.9], 600.0)
    rivals = [Rival("A", people, 4000.0), Rival("B", people, 4000.0)]
    assert certify_contest(_claim(rivals, LinearShare(0.4), 400.0), 1e-6, "a test").holds
