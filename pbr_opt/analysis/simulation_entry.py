"""How fast people must find work for the outcome rate to be what the equilibrium says.

A participant out of work starts a job in any week with chance q, and loses it at the end of any week in work with
chance h_w; after a loss at least a week is spent out of work. An outcome is Q weeks in work added up over jobs that
start within T weeks. Its probability F(q) is exact by a recursion over weeks, strictly increasing in q, and inverted
here: ``F(q) = P / (1 - u)`` with u the share unclaimed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from pbr_opt.quantities import FloatArray, Inspection

__all__ = ["OutcomeRule", "job_finding_rate", "missing_outcome_probability", "weekly"]

_SLOWEST: Final = 1e-9
"""Weekly intensities from here up are tabulated."""
_FASTEST: Final = 45.0
"""An intensity at which everybody starts at once: exp(-45) is below the last place of a number near one."""
_POINTS: Final = 1_025
"""Complementary log-log of F against log intensity is close to straight: so many points interpolate F to 1e-9."""
_RARE: Final = 1e-7
"""Outcome rates below the first tabulated one above this are read off the power law of F near zero."""
_FLAT: Final = 1e-12
"""Where F rises by less it has come to its ceiling, and rounding decides."""
_FEWEST: Final = 2
_SURE: Final = 1e-13
"""A probability of failing below this is rounding."""


@dataclass(frozen=True, slots=True)
class OutcomeRule:
    """What makes an outcome.

    Parameters
    ----------
    weeks_in_work : int
        Q, added up over jobs, at least 1.
    allotted_weeks : int
        T: jobs that start within them count.
    run_on : bool
        Whether a job held at their end counts until it is lost.
    """

    weeks_in_work: int
    allotted_weeks: int
    run_on: bool


def weekly(rate: FloatArray) -> FloatArray:
    """Return the chance a week that makes a chance in four weeks: ``1 - (1 - h)**(1/4)``.

    >>> weekly(np.array([0.0, 0.041, 1.0])).round(6).tolist()
    [0.0, 0.010411, 1.0]
    """
    with np.errstate(divide="ignore"):
        return np.asarray(-np.expm1(np.log1p(-rate) / 4.0))


def missing_outcome_probability(rule: OutcomeRule, job_finding: FloatArray, job_loss: FloatArray) -> FloatArray:
    """Return 1 - F: the probability that no outcome is earned.

    Parameters
    ----------
    rule : OutcomeRule
        Q, T, and what happens to a job held at the end.
    job_finding, job_loss : array
        q and h_w, chances a week, of one shape.

    Returns
    -------
    array
        Sums of positive terms only, so right to many digits where it is tiny.

    Notes
    -----
    In each week those out of work start with chance q, but for those who lost a job the week before; who starts or
    stays works the week; whoever has then worked Q weeks has earned the outcome, and of the rest a share h_w loses
    the job.

    Examples
    --------
    >>> rule = OutcomeRule(1, 104, True)  # one week in work is enough: whoever starts at all
    >>> bool(np.isclose(missing_outcome_probability(rule, np.array([.01]), np.array([.5])), .99**104).all())
    True
    """
    need = rule.weeks_in_work
    working = np.zeros((need, *job_finding.shape))
    waiting = np.zeros_like(working)
    waiting[0] = 1.0
    lost = np.zeros_like(working)
    for _ in range(rule.allotted_weeks):
        started = waiting * job_finding
        worked = working + started
        waiting += lost - started
        working[1:] = worked[:-1] * (1.0 - job_loss)
        working[0] = 0.0
        lost[1:] = worked[:-1] * job_loss
    failed = (waiting + lost).sum(axis=0)
    left = need - np.arange(need).reshape(-1, *(1,) * job_finding.ndim)
    stay = (1.0 - job_loss) ** (left - 1)
    return np.asarray(failed + (working * ((1.0 - stay) if rule.run_on else 1.0)).sum(axis=0))


def job_finding_rate(rule: OutcomeRule, outcome_rate: FloatArray, job_loss: FloatArray) -> FloatArray:
    """Return q, the chance of starting a job in a week out of work, that brings about an outcome rate.

    Parameters
    ----------
    rule : OutcomeRule
        What an outcome is.
    outcome_rate : array (segments,)
        Probability that an outcome is earned, 0..1.
    job_loss : array (segments,)
        h_w, chance a week.

    Raises
    ------
    InvalidInputError
        When even people who start a job at once would not reach the rate.

    Examples
    --------
    >>> rule = OutcomeRule(26, 104, True)
    >>> chance = job_finding_rate(rule, np.array([0.0, 0.3]), np.array([.0076, .0076]))
    >>> (1 - missing_outcome_probability(rule, chance, np.array([.0076]))).round(9).tolist()
    [0.0, 0.3]
    """
    answer = np.zeros_like(outcome_rate)
    kinds, member = np.unique(job_loss, return_inverse=True)
    for kind, loss in enumerate(kinds):
        rows = np.flatnonzero(member == kind)
        answer[rows] = _inverted(rule, outcome_rate[rows], float(loss))
    return answer


def _inverted(rule: OutcomeRule, outcome_rate: FloatArray, loss: float) -> FloatArray:
    """Return q for people of one exit hazard, from a table of F."""
    from scipy.interpolate import CubicSpline  # slow to import: only when something is simulated

    pace = np.linspace(np.log(_SLOWEST), np.log(_FASTEST), _POINTS)
    missing = missing_outcome_probability(rule, -np.expm1(-np.exp(pace)), np.full(_POINTS, loss))
    _reach(outcome_rate, 1.0 - float(missing[-1]))
    good = np.flatnonzero((missing > _SURE) & (missing < 1.0 - _RARE))
    good = good[np.diff(np.maximum.accumulate(_bent(missing[good])), prepend=-np.inf) > _FLAT]
    if good.size < _FEWEST:  # nobody can reach an outcome worth speaking of, and nobody is asked to
        return np.zeros_like(outcome_rate)
    height, reached = _bent(missing[good]), 1.0 - missing[good]
    slope = np.log(reached[1] / reached[0]) / (pace[good[1]] - pace[good[0]])
    log_pace = np.full(outcome_rate.shape, pace[-1])
    below, inside = outcome_rate < reached[0], (outcome_rate >= reached[0]) & (outcome_rate <= reached[-1])
    with np.errstate(divide="ignore"):
        log_pace[below] = pace[good[0]] + np.log(outcome_rate[below] / reached[0]) / slope
    log_pace[inside] = CubicSpline(height, pace[good])(_bent(1.0 - outcome_rate[inside]))
    return np.asarray(-np.expm1(-np.exp(log_pace)))


def _bent(missing: FloatArray) -> FloatArray:
    """Return log(-log(1 - F)), in which F is close to straight."""
    return np.asarray(np.log(-np.log(missing)))


def _reach(outcome_rate: FloatArray, most: float) -> None:
    """Raise when a rate is above what starting a job at once brings about."""
    worst = float(outcome_rate.max(initial=0.0))
    if worst > most + _SURE:
        check = Inspection("simulate")
        remedy = "a lower unclaimed_share, fewer qualifying_weeks, or run_on=True"
        check.fault("outcome rate", worst, f"at most {most:.6g}: what starting a job at once brings about", remedy)
        check.finish()
