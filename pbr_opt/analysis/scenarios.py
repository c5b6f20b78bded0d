"""Named scenarios: what committees and auditors asked for, one line each, at the spend of the programme they change.

>>> sorted(scenarios())[:3]
['accelerator', 'additionality_payment', 'falling_referrals']
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from pbr_opt.analysis import scenario_chains as chains
from pbr_opt.analysis import scenario_changes as change
from pbr_opt.errors import Fault, InvalidInputError, UnsupportedModelError
from pbr_opt.evaluation import Evaluation, evaluate
from pbr_opt.market.programme import Programme
from pbr_opt.quantities import nearest

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Scenario", "ScenarioTable", "scenarios", "try_scenarios"]


@dataclass(frozen=True, slots=True)
class Scenario:
    """A change to a programme that somebody asked for.

    Attributes
    ----------
    name : str
        What it is asked for by.
    title : str
        What it does, in a line.
    asked_by : str
        Who asked for it, or had it, as far as a page says so.
    source : str
        Keys of the sources; empty where none was read.
    change : callable
        From a programme to the changed one.
    """

    name: str
    title: str
    asked_by: str
    source: str
    change: Callable[[Programme], Programme]

    def of(self, programme: Programme) -> Programme:
        """Return the programme as the scenario has it, at the spend it had before.

        Raises
        ------
        UnsupportedModelError
            Where the programme has nothing that it could change; the message says what it needs.
        """
        return self.change(programme)


_ALL: Final = (
    Scenario(
        "optimised_prices",
        "the prices that park fewest people, groups as they are",
        "nobody: the yardstick for the others",
        "",
        change.optimised_prices,
    ),
    Scenario(
        "needs_based_groups",
        "payment groups by need instead of benefit, sorted without error",
        "Work and Pensions Committee 2015; Carter and Whitworth 2014",
        "WPC363_CH5; CARTER2015",
        change.needs_based_groups,
    ),
    Scenario(
        "accelerator",
        "a higher rate for outcomes beyond 70 % of the old rate, a lower one below",
        "had by the Work and Health Programme from 2017",
        "WHP_CH13B",
        change.accelerator,
    ),
    Scenario(
        "additionality_payment",
        "nothing for outcomes that would have come anyway, more for the others",
        "Public Accounts Committee 2013: results lay below the non-intervention rate; had by the Peterborough bond",
        "PAC936_CH1; PB_PIONEERS",
        change.additionality_payment,
    ),
    Scenario(
        "minimum_service",
        "£50 of verified service for everybody",
        "wanted after minimum services turned out unmeasurable; the page that asks for it was not read",
        "",
        change.minimum_service,
    ),
    Scenario(
        "protected_pass_through",
        "every payer passes on 90 % of its own price per outcome",
        "NCVO 2012: most voluntary subcontractors say that the prime did not shield them from risk",
        "NCVO2012JAN_FAITH; NCVO2012OCT_TS; PSE2012",
        chains.protected_pass_through,
    ),
    Scenario(
        "no_attachment_taper",
        "the attachment fee of the first year to the end",
        "Inclusion 2014, for claimants of ESA",
        "LW_ESA2014; ERSA_ESA2014",
        change.no_attachment_taper,
    ),
    Scenario(
        "market_share_shift",
        "five points of later referrals to the prime that leads by three",
        "the Department, from 2013",
        "MSS2013; MSS2015",
        chains.market_share_shift,
    ),
    Scenario(
        "falling_referrals",
        "bonuses on outcomes of a year over its referrals, when referrals fall",
        "National Audit Office 2014, of the measure in the contracts",
        "CIPS2014; LW_NAO2014",
        chains.falling_referrals,
    ),
    Scenario(
        "one_price_for_all",
        "one rate card for every group",
        "had by the Work and Health Programme from 2017",
        "WHP_CH13",
        change.one_price_for_all,
    ),
    Scenario(
        "service_fee_plus_outcome",
        "30 % of spend a head, 70 % for outcomes",
        "had by the Work and Health Programme from 2017",
        "WHP_CH13",
        change.service_fee_plus_outcome,
    ),
)


def scenarios() -> Mapping[str, Scenario]:
    """Return every named scenario by its name, in the order in which they are shown.

    Returns
    -------
    mapping of str to Scenario
        ``scenarios()[name].of(programme)`` is the programme as the scenario has it.

    Examples
    --------
    >>> scenarios()["one_price_for_all"].title
    'one rate card for every group'
    """
    return MappingProxyType({scenario.name: scenario for scenario in _ALL})


_COLUMNS: Final[Mapping[str, Callable[[Evaluation], float]]] = MappingProxyType(
    {
        "spend_gbp": lambda there: there.spend_gbp,
        "outcomes": lambda there: there.metrics.outcomes,
        "additional_outcomes": lambda there: there.metrics.additional_outcomes,
        "parked_share": lambda there: there.metrics.parked_share,
        "worst_served_parked_share": lambda there: there.metrics.worst_served_parked_share,
        "mean_support_gbp": lambda there: there.metrics.mean_support_gbp,
        "windfall_share": lambda there: there.metrics.windfall_share,
    }
)


@dataclass(frozen=True, slots=True)
class ScenarioTable:
    """A programme as it is, and under each scenario at the same spend.

    Attributes
    ----------
    base : Evaluation
        The programme as it is.
    evaluations : mapping
        By name of the scenario, where it could be tried.
    refused : mapping
        Why it could not, by name.
    """

    base: Evaluation
    evaluations: Mapping[str, Evaluation]
    refused: Mapping[str, str]

    def to_frame(self) -> pd.DataFrame:
        """Return one row for the programme as it is and one a scenario: money in GBP, shares 0..1."""
        import pandas as pd  # slow to import: only when a table is asked for

        rows = {"as_it_is": self.base, **self.evaluations}
        columns = {name: [read(there) for there in rows.values()] for name, read in _COLUMNS.items()}
        return pd.DataFrame({"scenario": list(rows), **columns})

    def __str__(self) -> str:
        """Return the table in words, and what could not be tried."""
        head = ("", "Spend", "Parked", "Worst group", "Additional", "Support", "Windfall")
        lines = ["{:<26}{:>11}{:>8}{:>13}{:>12}{:>9}{:>10}".format(*head)]
        for name, there in {"as it is": self.base, **self.evaluations}.items():
            m = there.metrics
            lines.append(
                f"{name:<26}{f'£{m.spend_gbp / 1e6:,.1f}m':>11}{m.parked_share:>8.1%}"
                f"{m.worst_served_parked_share:>13.1%}"
                f"{m.additional_outcomes:>12,.0f}{f'£{m.mean_support_gbp:,.0f}':>9}{m.windfall_share:>10.1%}"
            )
        lines += ["", *(f"{name} was not tried: {why}" for name, why in self.refused.items())]
        return "\n".join(lines).rstrip()


def try_scenarios(
    programme: Programme,
    names: Sequence[str] | None = None,
    tick: Callable[[int, int], None] | None = None,
) -> ScenarioTable:
    """Return a programme as it is beside named scenarios, each at the spend of the programme as it is.

    Parameters
    ----------
    programme : Programme
        The baseline, under its own tariff.
    names : sequence of str, optional
        Which of :func:`scenarios`; all when not given.
    tick : callable, optional
        Called with scenarios done and scenarios in all.

    Raises
    ------
    InvalidInputError
        For names that are not scenarios, all at once.

    Examples
    --------
    >>> import pbr_opt as pbr
    >>> tried = try_scenarios(pbr.load("work_programme_2011"), ["additionality_payment"])
    >>> parked = tried.to_frame().parked_share
    >>> bool(parked[1] < parked[0])
    True
    """
    known = scenarios()
    chosen = list(known if names is None else names)
    wrong = [name for name in chosen if name not in known]
    if wrong:
        faults = [Fault("names", name, "the name of a scenario", nearest(name, known)) for name in wrong]
        raise InvalidInputError("try_scenarios", faults)
    tried: dict[str, Evaluation] = {}
    refused: dict[str, str] = {}
    for done, name in enumerate(chosen, 1):
        try:
            tried[name] = evaluate(known[name].of(programme))
        except UnsupportedModelError as error:
            refused[name] = str(error)
        if tick is not None:
            tick(done, len(chosen))
    return ScenarioTable(evaluate(programme), MappingProxyType(tried), MappingProxyType(refused))
