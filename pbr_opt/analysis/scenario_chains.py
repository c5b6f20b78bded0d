"""Changes that were asked for and concern a supply chain: who is paid which share, who gets referrals, measured how."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

from pbr_opt.analysis.scenario_changes import at_spend
from pbr_opt.design.joint_limits import MinimumPassThrough
from pbr_opt.equilibrium.performance import in_year_inflation
from pbr_opt.errors import UnsupportedModelError
from pbr_opt.evaluation import evaluate
from pbr_opt.market.evidence import Figure
from pbr_opt.market.figure_ids import RIVALRY, RIVALRY_FIELDS
from pbr_opt.market.programme import Programme
from pbr_opt.market.rank_rules import RankShare
from pbr_opt.market.rivalry import IncentivePayment, Rivalry

__all__ = ["falling_referrals", "market_share_shift", "protected_pass_through"]

PASSED_ON: Final = 0.9
"""Of its own price per outcome, what every payer must pass on (assumed; four fifths is often quoted)."""
NOISE: Final = 0.01
"""Standard deviation of a measured lead between primes: a point, as chance makes it with thousands of referrals."""
DELAYS: Final = (0.1125, 0.6125, 0.275)
"""Of a cohort's outcomes, the shares in the year of referral and the two after it (assumed: 45 % within 12 months)."""
_LEVELS: Final = "evidence/minimum_performance_level/"
BILLED_YEAR: Final = 4
"""Incentive payments were first billed for 2014/15."""


def protected_pass_through(programme: Programme) -> Programme:
    """Return the programme in which every payer passes on at least 90 % of its own price per outcome."""
    _require_chain(programme)
    changed = MinimumPassThrough(PASSED_ON).applied(programme).replace(central_case=None)
    return at_spend(changed, evaluate(programme).spend_gbp)


def market_share_shift(programme: Programme) -> Programme:
    """Return the programme in which five points of later referrals move to the prime that leads by more than three.

    The tariff stays: what changes is what primes do for a larger share.
    """
    _require_chain(programme)
    rule = RankShare(noise=NOISE)
    rivalry = Rivalry.from_terms(programme.terms, rule)
    return _with_rivals(programme, rivalry, {"shift": rule.shift, "margin": rule.margin})


def falling_referrals(programme: Programme) -> Programme:
    """Return the programme with bonuses of £1,000 above 130 % of the non-intervention rate, measured as it was.

    Outcomes of 2014/15 are set over the referrals of that year, which had fallen: the measure rises without results,
    and the bonus is paid for it. The non-intervention rate is each group's mean deadweight; where the programme's
    figures say which groups had a minimum performance level, only those have a bonus.
    """
    _require_chain(programme)
    shares = programme.terms.intake_share
    if len(shares) < BILLED_YEAR:
        raise UnsupportedModelError(
            f"falling_referrals needs the intake of {BILLED_YEAR} contract years; '{programme.name}' has "
            f"{len(shares)}; try terms=ContractTerms(intake_share=[...])"
        )
    people = programme.caseload
    unaided = people.sum_by_group(people.participants * people.deadweight_rate) / people.group_participants
    levelled = {f.id.rpartition("/")[2] for f in programme.figures if f.id.startswith(_LEVELS)} or set(people.groups)
    rates = dict(zip(people.groups, unaided.tolist(), strict=True))
    bonus = {group: IncentivePayment(rate) for group, rate in rates.items() if group in levelled}
    inflation = float(in_year_inflation(shares[:BILLED_YEAR], np.array(DELAYS))[-1])
    measured = float(shares[BILLED_YEAR - 1])
    rivalry = Rivalry(None, measured_share=measured, moved_share=0.0, incentives=bonus, inflation=inflation)
    return _with_rivals(programme, rivalry, {f"uplift/{group}": payment.uplift for group, payment in bonus.items()})


def _with_rivals(programme: Programme, rivalry: Rivalry, recalled: Mapping[str, float]) -> Programme:
    """Return the programme with a rivalry, the numbers of which that nobody could read marked as such."""
    figures = [
        Figure(f"{RIVALRY}/{key}", number, RIVALRY_FIELDS[key.partition("/")[0]].unit, "unconfirmed", note="recalled")
        for key, number in recalled.items()
    ]
    others = [figure for figure in programme.figures if not figure.id.startswith(f"{RIVALRY}/")]
    return programme.replace(rivalry=rivalry, figures=(*others, *figures))


def _require_chain(programme: Programme) -> None:
    if programme.supply_chain is None:
        raise UnsupportedModelError(
            f"it is about primes and subcontractors, and '{programme.name}' has no supply chain; "
            "try work_programme_2011_chain"
        )
