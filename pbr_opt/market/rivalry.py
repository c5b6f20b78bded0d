"""How a Department sets the primes of an area against each other: shares that follow results, bonuses, levels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from pbr_opt.errors import Fault
from pbr_opt.market.share_rules import ShareRule
from pbr_opt.market.tariffs import ContractTerms
from pbr_opt.quantities import Inspection, label, nearest

__all__ = ["IncentivePayment", "Rivalry"]

_MOVED_FROM: Final = 3
"""Market share shift moved referrals from the third year on."""


@dataclass(frozen=True, slots=True)
class IncentivePayment:
    """A bonus for every outcome above so much over the non-intervention rate: ``bonus * n * (q - (1 + uplift) q_0)+``.

    Parameters
    ----------
    non_intervention_rate : float
        q_0, what the Department takes for the outcome rate without the programme, 0..1.
    bonus_gbp : float, optional
        GBP per outcome above the threshold; 1,000 is sourced (RECRUITER2012).
    uplift : float, optional
        0.30: recalled, UNCONFIRMED.

    Raises
    ------
    InvalidInputError
        With every fault at once.

    Examples
    --------
    >>> round(IncentivePayment(0.25).payment_gbp(0.35), 6)  # GBP per participant
    25.0
    >>> IncentivePayment(0.25).payment_gbp(0.30)
    0.0
    """

    non_intervention_rate: float
    bonus_gbp: float = 1_000.0
    uplift: float = 0.30

    def __post_init__(self) -> None:
        """Check the numbers."""
        check = Inspection("IncentivePayment")
        values = {
            "non_intervention_rate": check.number("non_intervention_rate", self.non_intervention_rate, highest=1.0),
            "bonus_gbp": check.number("bonus_gbp", self.bonus_gbp),
            "uplift": check.number("uplift", self.uplift),
        }
        check.finish()
        for name, value in values.items():
            object.__setattr__(self, name, value)

    @property
    def threshold(self) -> float:
        """Return the rate above which outcomes earn the bonus."""
        return (1.0 + self.uplift) * self.non_intervention_rate

    def payment_gbp(self, measure: float) -> float:
        """Return the payment per participant for a measured rate; an in-year ratio may be put in, and was."""
        check = Inspection("IncentivePayment.payment_gbp")
        rate = check.number("measure", measure)
        check.finish()
        return self.bonus_gbp * max(rate - self.threshold, 0.0)


@dataclass(frozen=True, eq=False)
class Rivalry:
    """What the outcome rate of a payment group does for a prime, besides the tariff.

    Participants come in three parts. Of the *measured* part results are compared, and paid for by bonuses; of the
    *moved* part each prime of an area gets the share that the rule gives it, in place of its contract's share; the
    rest, and the moved part, are served as the tariff alone pays for.

    Parameters
    ----------
    rule : ShareRule, optional
        How the outcome rates of a group become shares of its moved part; None moves nobody.
    measured_share, moved_share : float, optional
        Parts of all participants, together at most 1. By default those of the 2011 programme: the second year's intake,
        and that of the third year to the last (:meth:`from_terms` reads them from contract terms).
    incentives : mapping of group to IncentivePayment, optional
        Bonuses, paid per measured participant.
    levels : mapping of group to float, optional
        Minimum performance levels, 0..1.
    missed_level_gbp : float, optional
        What missing the level costs a prime, GBP per measured participant: a threat, and no payment.
    inflation : float, optional
        The measure over the cohort's own outcome rate, above 0: 1 for a cohort measure; for the in-year ratio that was
        used, see :func:`~pbr_opt.equilibrium.performance.in_year_inflation`.

    Raises
    ------
    InvalidInputError
        With every fault at once.

    Examples
    --------
    >>> from pbr_opt.market.rank_rules import RankShare
    >>> rivalry = Rivalry(RankShare(noise=0.01), levels={"2": 0.33}, missed_level_gbp=100)
    >>> rivalry.moved_share, dict(rivalry.levels)
    (0.388424, {'2': 0.33})
    """

    rule: ShareRule | None = None
    measured_share: float = 0.264790
    moved_share: float = 0.388424
    incentives: Mapping[str, IncentivePayment] = field(default_factory=dict)
    levels: Mapping[str, float] = field(default_factory=dict)
    missed_level_gbp: float = 0.0
    inflation: float = 1.0

    def __post_init__(self) -> None:
        """Check everything, and keep copies of mappings that nobody can change."""
        check = Inspection("Rivalry")
        if self.rule is not None and not isinstance(self.rule, ShareRule):
            check.fault("rule", type(self.rule).__name__, "a share rule or None", "RankShare(), TullockShare(), ...")
        measured = check.number("measured_share", self.measured_share, highest=1.0)
        moved = check.number("moved_share", self.moved_share, highest=1.0)
        if measured + moved > 1.0 + 1e-12:
            check.fault("measured_share, moved_share", measured + moved, "parts that together are at most 1")
        if measured == 0.0:
            check.fault("measured_share", measured, "somebody whose results are compared")
        inflation = check.number("inflation", self.inflation)
        if not inflation > 0.0:
            check.fault("inflation", self.inflation, "above 0", "1 for a cohort measure")
        missed = check.number("missed_level_gbp", self.missed_level_gbp)
        levels = {
            label(group): check.number(f"levels['{group}']", level, highest=1.0) for group, level in self.levels.items()
        }
        for group, payment in self.incentives.items():
            if not isinstance(payment, IncentivePayment):
                check.fault(f"incentives['{group}']", type(payment).__name__, "an IncentivePayment")
        check.finish()
        numbers = {"measured_share": measured, "moved_share": moved, "inflation": inflation, "missed_level_gbp": missed}
        for name, number in numbers.items():
            object.__setattr__(self, name, number)
        paid = {label(group): payment for group, payment in self.incentives.items()}
        object.__setattr__(self, "levels", MappingProxyType(levels))
        object.__setattr__(self, "incentives", MappingProxyType(paid))

    @classmethod
    def from_terms(
        cls, terms: ContractTerms, rule: ShareRule | None = None, moved_from_year: int = _MOVED_FROM
    ) -> Rivalry:
        """Return a rivalry in which the year before is measured, and later years' intake is moved.

        Parameters
        ----------
        terms : ContractTerms
            Whose ``intake_share`` says how many come in which year.
        rule : ShareRule, optional
            As above.
        moved_from_year : int, optional
            First year whose referrals are moved, from 2 to the last.

        Raises
        ------
        InvalidInputError
            When the terms have no such year.

        Examples
        --------
        >>> terms = ContractTerms(attachment_taper=[1, 1, 1], intake_share=[.5, .3, .2])
        >>> rivalry = Rivalry.from_terms(terms)
        >>> rivalry.measured_share, rivalry.moved_share
        (0.3, 0.2)
        """
        check = Inspection("Rivalry.from_terms")
        years = len(terms.intake_share)
        if not 2 <= moved_from_year <= years:
            check.fault(
                "moved_from_year", moved_from_year, f"a year from 2 to {years}, the years of terms.intake_share"
            )
        check.finish()
        later = float(terms.intake_share[moved_from_year - 1 :].sum())
        return cls(rule, float(terms.intake_share[moved_from_year - 2]), later)

    def faults(self, groups: Sequence[str], primes: Mapping[str, int]) -> list[Fault]:
        """Return what does not fit a programme: no primes, unknown payment groups, a rule that cannot serve an area.

        Parameters
        ----------
        groups : sequence of str
            Payment groups of the programme.
        primes : mapping of area to int
            Primes in each area; empty without a supply chain.
        """
        check = Inspection("Rivalry")
        if not primes:
            check.fault("rivalry", "no supply chain", "the primes who are rivals", "supply_chain=..., or rivalry=None")
        for place, given in (("levels", self.levels), ("incentives", self.incentives)):
            for name in given:
                if name not in groups:
                    check.fault(f"{place}['{name}']", "a number", "a payment group", nearest(name, groups))
        for area, number in primes.items():
            if self.rule is not None and number > 3:
                check.fault(f"area '{area}'", f"{number} primes", "at most 3 where shares follow results")
        if self.rule is not None:
            for number in sorted({number for number in primes.values() if 2 <= number <= 3}):
                self.rule.inspect(check, number)
        return check.faults

    @property
    def rewards_performance(self) -> bool:
        """Whether anything beside shares depends on the outcome rate."""
        return bool(self.incentives) or (bool(self.levels) and self.missed_level_gbp > 0.0)
