"""Performance measures, levels and incentive payments: as they were written, and as they would be sound.

The contracts measured outcomes of a year over referrals of the same year. Outcomes come one to two years after
referral, so the measure rises when referrals fall, whatever becomes of the people (``docs/theory/rivals.md``). A
level that must be reached acts on a prime like a common top-up on the price: it loads on easy and middle segments and
gives the hardest nothing at first.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from pbr_opt.equilibrium.best_response import BestResponse
from pbr_opt.equilibrium.contest_rival import Rival
from pbr_opt.market.rivalry import IncentivePayment
from pbr_opt.quantities import FloatArray, Inspection

__all__ = [
    "LevelResponse",
    "bonus_top_up",
    "cohort_rate",
    "in_year_inflation",
    "in_year_ratio",
    "meet_level",
    "outcomes_in_year",
]


def _pair(check: Inspection, outcomes: ArrayLike, referrals: ArrayLike, index: str) -> tuple[FloatArray, FloatArray]:
    """Return outcomes and referrals of the same length, referrals above zero; faults are recorded."""
    size = int(np.size(referrals))
    return (
        check.people(f"outcomes_by_{index}", outcomes, size),
        check.positive(
            f"referrals_by_{index}", referrals, size, "people referred (without any the measure has no value)"
        ),
    )


def in_year_ratio(outcomes_by_year: ArrayLike, referrals_by_year: ArrayLike) -> FloatArray:
    """Return the measure of the contracts: outcomes paid in each year over referrals of the same year.

    Not a rate: those who reach an outcome in a year were mostly referred before it, and the ratio may exceed 1.

    Parameters
    ----------
    outcomes_by_year, referrals_by_year : array (years,)
        People, by the year in which they reached an outcome, or were referred.

    Returns
    -------
    array (years,)

    Raises
    ------
    InvalidInputError
        With every fault at once, a year without referrals among them.

    Sources
    -------
    NAO, The Work Programme, HC 266 (2014), as reported in CIPS2014 and LW_NAO2014 of the data register.

    Examples
    --------
    >>> in_year_ratio([300, 300, 300], [1000, 1000, 500]).tolist()  # same results, half the referrals
    [0.3, 0.3, 0.6]
    """
    check = Inspection("in_year_ratio")
    outcomes, referrals = _pair(check, outcomes_by_year, referrals_by_year, "year")
    check.finish()
    return np.asarray(outcomes / referrals)


def cohort_rate(outcomes_by_cohort: ArrayLike, referrals_by_cohort: ArrayLike) -> FloatArray:
    """Return the sound measure: of those referred in a year, the share who reached an outcome, whenever that was.

    Parameters
    ----------
    outcomes_by_cohort, referrals_by_cohort : array (years,)
        People, both by the year in which they were referred.

    Returns
    -------
    array (years,)
        0..1.

    Raises
    ------
    InvalidInputError
        With every fault at once; more outcomes than people referred is one.

    Examples
    --------
    >>> cohort_rate([300, 300, 150], [1000, 1000, 500]).tolist()
    [0.3, 0.3, 0.3]
    """
    check = Inspection("cohort_rate")
    outcomes, referrals = _pair(check, outcomes_by_cohort, referrals_by_cohort, "cohort")
    for k in np.flatnonzero(outcomes > referrals)[:3]:
        check.fault(f"outcomes_by_cohort[{k}]", outcomes[k], f"at most the {referrals[k]:g} people referred")
    check.finish()
    return np.asarray(outcomes / referrals)


def outcomes_in_year(
    outcome_rate_by_cohort: ArrayLike, referrals_by_year: ArrayLike, delay_share: ArrayLike
) -> FloatArray:
    """Return outcomes by the year in which they happen: ``O_t = sum over l of delay_l * rate_(t-l) * R_(t-l)``.

    Parameters
    ----------
    outcome_rate_by_cohort : array (years,) or scalar
        Of those referred in a year, the share who reach an outcome, 0..1.
    referrals_by_year : array (years,)
        People referred; nobody before the first year.
    delay_share : array (delays,)
        Of a cohort's outcomes, the share in the year of referral, in the next, ...; adds up to 1.

    Returns
    -------
    array (years,)

    Raises
    ------
    InvalidInputError
        With every fault at once.

    Examples
    --------
    >>> outcomes_in_year(0.3, [1000, 1000, 500], [0.5, 0.5]).tolist()
    [150.0, 300.0, 225.0]
    """
    check = Inspection("outcomes_in_year")
    size = int(np.size(referrals_by_year))
    referrals = check.people("referrals_by_year", referrals_by_year, size)
    rate = check.rates("outcome_rate_by_cohort", outcome_rate_by_cohort, size)
    delay = check.rates("delay_share", delay_share, int(np.size(delay_share)))
    if not check.faults and abs(float(delay.sum()) - 1.0) > 1e-9:
        check.fault("delay_share", float(delay.sum()), "shares that add up to 1")
    check.finish()
    return np.asarray(np.convolve(rate * referrals, delay)[:size])


def in_year_inflation(referrals_by_year: ArrayLike, delay_share: ArrayLike) -> FloatArray:
    """Return by how much the in-year ratio exceeds a cohort rate that never changes: ``sum_l delay_l R_(t-l) / R_t``.

    Below 1 while referrals rise, 1 when they are steady, above 1 when they fall. A level of q on the in-year ratio
    asks for a cohort rate of q over this.

    Raises
    ------
    InvalidInputError
        With every fault at once.

    Examples
    --------
    >>> in_year_inflation([1000, 1000, 500], [0.5, 0.5]).tolist()
    [0.5, 1.0, 1.5]
    """
    return in_year_ratio(outcomes_in_year(1.0, referrals_by_year, delay_share), referrals_by_year)


@dataclass(frozen=True, eq=False)
class LevelResponse:
    """What a prime does to reach an outcome rate, and who is helped by it.

    Attributes
    ----------
    rival : Rival
        The prime.
    level : float
        The outcome rate to be reached.
    top_up_gbp : float
        The common top-up that just reaches it, GBP per outcome; 0 when the price alone does.
    """

    rival: Rival
    level: float
    top_up_gbp: float

    @cached_property
    def before(self) -> BestResponse:
        """Return what the price alone leads to, by segment."""
        return self.rival.respond(0.0)

    @cached_property
    def after(self) -> BestResponse:
        """Return what the prime does to reach the level, by segment."""
        return self.rival.respond(self.top_up_gbp)

    @property
    def cost_gbp(self) -> float:
        """Return the profit given up, GBP per participant: a prime does it if missing the level would cost more."""
        return float(self.rival.loss_gbp(self.top_up_gbp))

    @property
    def added_support_gbp(self) -> FloatArray:
        """Return how much more each segment gets, GBP per participant."""
        return np.asarray(self.after.support_gbp - self.before.support_gbp)

    @property
    def parked_share_before(self) -> float:
        """Return the share of participants parked under the price alone."""
        return float(self.rival.weight @ self.before.parked)

    @property
    def parked_share_after(self) -> float:
        """Return the share still parked when the level is reached."""
        return float(self.rival.weight @ self.after.parked)


def meet_level(rival: Rival, level: float) -> LevelResponse:
    """Return how a prime reaches a minimum performance level, measured as a cohort rate, at least cost.

    Among all support plans that reach the level, profit is greatest where the marginal reward is the price plus one
    common top-up (Lagrange; profit is concave in the plan). So segments whose threshold lies above price plus top-up
    still get nothing.

    Parameters
    ----------
    rival : Rival
        The prime.
    level : float
        Outcome rate to be reached, 0..1.

    Returns
    -------
    LevelResponse
        The top-up, its cost, and who is helped.

    Raises
    ------
    InvalidInputError
        For a level outside 0..1.
    UnsupportedModelError
        When no support reaches it.

    Examples
    --------
    >>> from pbr_opt.market.caseload import Caseload
    >>> people = Caseload(["a", "a"], 50, [.3, .02], [.6, .1], [300, 600])  # thresholds £1,000 and £7,500
    >>> there = meet_level(Rival("A", people, 2000.0), 0.25)
    >>> round(there.top_up_gbp, 2), there.added_support_gbp.round(2).tolist()
    (500.0, [66.94, 0.0])
    >>> there.parked_share_before, there.parked_share_after
    (0.5, 0.5)
    """
    check = Inspection("meet_level")
    wanted = check.number("level", level, highest=1.0)
    check.finish()
    return LevelResponse(rival, wanted, float(rival.top_up_for(wanted)))


def bonus_top_up(payment: IncentivePayment, rival: Rival) -> float:
    """Return what a bonus makes a prime do: a top-up of the whole bonus, or of nothing.

    The payment is convex in q, so either the prime stays below the threshold and ignores it, or every outcome is
    worth the bonus at the margin: ``max(V(x), V(x + bonus) - bonus * threshold)``, as for an accelerator.

    Examples
    --------
    >>> from pbr_opt.market.caseload import Caseload
    >>> prime = Rival("A", Caseload(["a"], 100, .12, .42, 600), 4000.0)  # reaches 27 per cent by itself
    >>> bonus_top_up(IncentivePayment(0.20), prime), bonus_top_up(IncentivePayment(0.25), prime)
    (1000.0, 0.0)
    """
    paid = payment.payment_gbp(float(rival.performance(payment.bonus_gbp)))
    idle = payment.payment_gbp(rival.least_performance)
    gain = paid - idle - float(rival.loss_gbp(payment.bonus_gbp))
    return payment.bonus_gbp if gain > 0.0 else 0.0
