"""Simulated sums against the closed forms: by how many standard errors they differ, and whether that is chance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.special import ndtri

from pbr_opt.analysis.simulation_moments import expected_square
from pbr_opt.analysis.simulation_paths import segment_of
from pbr_opt.analysis.simulation_settings import SimulationSettings
from pbr_opt.errors import CertificateError
from pbr_opt.evaluation import Evaluation
from pbr_opt.market.sustainment import expected_sustainments
from pbr_opt.quantities import FloatArray, IntArray, frozen

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["MEASURES", "Agreement", "Tally", "agreement_of", "departures_of"]

MEASURES: Final = ("outcomes", "sustainments", "results_gbp", "value_gbp", "attachment_gbp")
"""What is compared: paid outcomes; sustainment payments; both in money; the same with sustainment discounted to the
outcome, which is what the equilibrium counts; attachment fees."""

_FALSE_ALARM: Final = 1e-4
"""Chance that any of the comparisons of one table exceeds the bound although nothing is wrong."""
_ROUNDING_GBP: Final = 1e-5
"""Per event: amounts are rounded to a millionth of a pound, and job-finding rates are interpolated."""


@dataclass(frozen=True, slots=True, eq=False)
class Tally:
    """What was counted, one entry a row of the evaluation, over all replications.

    Attributes
    ----------
    participants, worked, earned, outcomes, sustainments : array of int (rows,)
        People; those who found a job that counts; outcomes earned, outcomes paid; sustainment payments.
    discounted : array (rows,)
        Sustainment payments, each discounted to its outcome.
    attachment_gbp : array (rows,)
        Attachment fees that the Department paid.
    """

    participants: IntArray
    worked: IntArray
    earned: IntArray
    outcomes: IntArray
    sustainments: IntArray
    discounted: FloatArray
    attachment_gbp: FloatArray


@dataclass(frozen=True, eq=False)
class Agreement:
    """Simulated sums beside expected ones, for each payment group and for all.

    Attributes
    ----------
    groups : tuple of str
        Payment groups, then ``all``.
    expected, simulated, standard_error : array (measures, groups)
        In the order of ``MEASURES`` and ``groups``. The error is that of the closed forms' own distribution.
    departures : tuple of str
        Rules of this simulation under which the closed forms are not exact, and why; differences are then findings and
        not errors.
    """

    groups: tuple[str, ...]
    expected: FloatArray
    simulated: FloatArray
    standard_error: FloatArray
    departures: tuple[str, ...]

    @property
    def z(self) -> FloatArray:
        """Return differences in standard errors, shape (measures, groups); 0 where both are the same and certain."""
        gap = self.simulated - self.expected
        small = np.abs(gap) <= _ROUNDING_GBP * np.maximum(1.0, self.expected)
        error = np.where(self.standard_error > 0.0, self.standard_error, 1.0)
        return np.where((self.standard_error > 0.0), gap / error, np.where(small, 0.0, np.inf))

    @property
    def largest_z(self) -> float:
        """Return the largest difference in standard errors."""
        return float(np.abs(self.z).max())

    @property
    def bound(self) -> float:
        """Return what the largest of so many differences exceeds by chance once in ten thousand tables.

        By Bonferroni's inequality, which needs no independence, for sums that are close to normal.
        """
        return float(-ndtri(_FALSE_ALARM / (2.0 * self.z.size)))

    @property
    def holds(self) -> bool:
        """Whether no difference exceeds the bound."""
        return self.largest_z <= self.bound

    @property
    def sentence(self) -> str:
        """Return in words what was compared, and what came of it."""
        size = f"the largest of {self.z.size} differences is {self.largest_z:.2f} standard errors"
        if self.departures:
            return f"The closed forms leave out that {'; '.join(self.departures)}: {size}."
        verdict = "agree" if self.holds else "DO NOT AGREE"
        return f"Simulated payments and closed forms {verdict}: {size} (chance alone: up to {self.bound:.2f})."

    def require(self) -> None:
        """Raise when the simulation and the closed forms differ by more than chance under rules that are theirs.

        Raises
        ------
        CertificateError
            With the largest difference.
        """
        if not (self.departures or self.holds):
            raise CertificateError(self.sentence)

    def to_frame(self) -> pd.DataFrame:
        """Return a table with one row a measure and group: expected, simulated, standard_error, z."""
        import pandas as pd  # slow to import: only when a table is asked for

        shape = (len(MEASURES), len(self.groups))
        columns = {"measure": np.repeat(MEASURES, shape[1]), "group": list(self.groups) * shape[0]}
        numbers = {k: getattr(self, k).ravel() for k in ("expected", "simulated", "standard_error", "z")}
        return pd.DataFrame(columns | numbers)


def departures_of(evaluation: Evaluation, settings: SimulationSettings) -> tuple[str, ...]:
    """Return in words why the closed forms are not exact under some rules; nothing when they are."""
    said = []
    if settings.reentry == "job_finding":
        said.append("people return to work after the outcome in any week, as fast as they found it")
    elif settings.reentry == "caseload" and bool((evaluation.programme.caseload.reentry_rate > 0.0).any()):
        said.append("jobs that start after the allotted weeks bring nothing")
    if not settings.run_on:
        said.append("nothing is paid after the allotted weeks")
    return tuple(said)


def agreement_of(evaluation: Evaluation, settings: SimulationSettings, tally: Tally) -> Agreement:
    """Return simulated sums beside those that the closed forms expect of the same participants.

    Parameters
    ----------
    evaluation : Evaluation
        The equilibrium.
    settings : SimulationSettings
        The rules that were played.
    tally : Tally
        What was counted.

    Notes
    -----
    With V the worth of the sustainment payments after an outcome, a participant brings f + s V with probability P, and
    the variance of that is ``P (f^2 + 2 f s E[V] + s^2 E[V^2]) - P^2 (f + s E[V])^2``. E[V] is the closed form of
    :func:`~pbr_opt.market.sustainment.expected_sustainments`.
    """
    people, rate = tally.participants.astype(np.float64), evaluation.behaviour.outcome_rate
    group, payable = evaluation.rows.caseload.group_index, evaluation.payable
    fees, each = payable.outcome_fee_gbp[group], payable.sustainment_fee_gbp[group]
    zero, one = np.zeros_like(fees), np.ones_like(fees)
    undiscounted, discounted = (_worth(evaluation, yearly) for yearly in (0.0, evaluation.programme.discount_rate))
    expected: list[FloatArray] = []
    spread: list[FloatArray] = []
    simulated: list[FloatArray] = []
    for outcome, period, worth, got in (
        (one, zero, undiscounted, one * tally.outcomes),
        (zero, one, undiscounted, one * tally.sustainments),
        (fees, each, undiscounted, fees * tally.outcomes + each * tally.sustainments),
        (fees, each, discounted, fees * tally.outcomes + each * tally.discounted),
    ):
        mean = rate * (outcome + period * worth.first)
        square = rate * (outcome**2 + 2.0 * outcome * period * worth.first + period**2 * worth.second)
        expected.append(people * mean)
        spread.append(people * np.maximum(square - mean**2, 0.0))
        simulated.append(got)
    fee = _attachment(evaluation)
    expected.append(np.asarray(people * fee.first))
    spread.append(people * (fee.second - fee.first**2))
    simulated.append(tally.attachment_gbp)
    caseload = evaluation.rows.caseload

    def by_group(parts: list[FloatArray]) -> FloatArray:
        sums = np.stack([caseload.sum_by_group(part) for part in parts])
        return np.concatenate([sums, sums.sum(axis=1, keepdims=True)], axis=1)

    return Agreement(
        (*caseload.groups, "all"),
        frozen(by_group(expected)),
        frozen(by_group(simulated)),
        frozen(np.sqrt(by_group(spread))),
        departures_of(evaluation, settings),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Moments:
    """Means of something and of its square, one entry a row of the evaluation."""

    first: FloatArray
    second: FloatArray


def _worth(evaluation: Evaluation, discount_rate: float) -> _Moments:
    """Return the moments of what the sustainment payments after an outcome are worth."""
    people, payable = evaluation.programme.caseload, evaluation.payable
    group, segment = people.group_index, segment_of(evaluation)
    hazard, back = people.exit_hazard, people.reentry_rate
    cap, window = payable.sustainment_max[group], payable.sustainment_window[group]
    first = expected_sustainments(hazard, cap, discount_rate, reentry_rate=back, sustainment_window=window)
    second = expected_square(hazard, cap, discount_rate, reentry_rate=back, sustainment_window=window)
    return _Moments(first[segment], second[segment])


def _attachment(evaluation: Evaluation) -> _Moments:
    """Return the moments of a participant's attachment fee over the years in which people start."""
    terms, group = evaluation.programme.terms, evaluation.rows.caseload.group_index
    full = evaluation.tariff.aligned(evaluation.rows.caseload.groups).attachment_fee_gbp[group]
    return _Moments(full * terms.attachment_share, full**2 * float(terms.attachment_taper**2 @ terms.intake_share))
