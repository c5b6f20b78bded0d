"""Play a programme person by person: who works when, what is claimed, what everybody's cash does.

The equilibrium gives each participant's support and probability of a paid outcome; the rest happens week by week
under the rules of payment. ``docs/theory/simulation.md`` derives the process and says when it agrees exactly with the
closed forms.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np

from pbr_opt.analysis.simulation_agreement import Agreement, Tally, agreement_of
from pbr_opt.analysis.simulation_entry import OutcomeRule, job_finding_rate, weekly
from pbr_opt.analysis.simulation_ledger import Cash, PaymentLedger
from pbr_opt.analysis.simulation_paths import company_of, paths_of, segment_of
from pbr_opt.analysis.simulation_play import Game
from pbr_opt.analysis.simulation_settings import SimulationSettings
from pbr_opt.analysis.simulation_spells import Intake, Odds
from pbr_opt.errors import UnsupportedModelError
from pbr_opt.evaluation import Evaluation, evaluate
from pbr_opt.market.programme import Programme
from pbr_opt.market.tariffs import Tariff
from pbr_opt.quantities import IDENTITY_RELATIVE, WEEKS_PER_YEAR, BoolArray, FloatArray, Inspection, IntArray, nearest

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Simulation", "simulate"]

_FRAMES: Final = ("groups", "agents", "tiers", "cash")
_POINTS: Final = (0.1, 0.5, 0.9)
_NAMES: Final = ("p10", "p50", "p90")
_MOST: Final = 10**9


@dataclass(frozen=True, eq=False)
class Simulation:
    """What happened to the participants of a programme, over one replication or many.

    Attributes
    ----------
    evaluation : Evaluation
        The equilibrium that was played.
    settings : SimulationSettings
        The rules.
    seed, participants : int
        Where the random numbers came from; how many people each replication has.
    scale : float
        Participants for each of the programme's. Fixed costs, lump sums and working capital are as much smaller.
    agents, kinds : tuple of str
        Who is paid and in which tier; the Department first.
    tally : Tally
        What was counted, over all replications.
    spend_gbp, present_spend_gbp : array (replications,)
        What the Department paid; the same discounted from the week of payment to the programme's first.
    profit_gbp, peak_working_capital_gbp : array (replications, agents)
        What each was left with; the most each had laid out before it came back.
    insolvent : array of bool (replications, agents)
        Whose cash fell below minus its working capital. Nobody is stopped by that: it is a finding.
    cash : Cash
        Of the first replication, by month.
    ledger : PaymentLedger or None
        Of the first replication, when it was kept.
    """

    evaluation: Evaluation
    settings: SimulationSettings
    seed: int
    participants: int
    scale: float
    agents: tuple[str, ...]
    kinds: tuple[str, ...]
    tally: Tally
    spend_gbp: FloatArray
    present_spend_gbp: FloatArray
    profit_gbp: FloatArray
    peak_working_capital_gbp: FloatArray
    insolvent: BoolArray
    cash: Cash
    ledger: PaymentLedger | None

    def __post_init__(self) -> None:
        """Write-protect every array."""
        owned = [getattr(self, item.name) for item in fields(self)]
        owned += [getattr(self.tally, item.name) for item in fields(self.tally)]
        for array in owned:
            if isinstance(array, np.ndarray):
                array.setflags(write=False)

    @cached_property
    def agreement(self) -> Agreement:
        """Return simulated sums beside those of the closed forms, with standard errors."""
        return agreement_of(self.evaluation, self.settings, self.tally)

    def to_frame(self, table: str = "tiers") -> pd.DataFrame:
        """Return a tidy table: ``groups``, ``agents``, ``tiers`` or ``cash``.

        Parameters
        ----------
        table : str, optional
            ``groups``: people, those who found work, outcomes earned and paid, sustainment payments, a replication.
            ``agents``: P10, P50 and P90 of profit, mean peak working capital, share of replications insolvent.
            ``tiers``: P10, P50 and P90 of the Department's spend, and of each tier's profit, peak working capital
            (peaks of agents added up) and insolvent agents. ``cash``: agent, month, and every item.

        Raises
        ------
        InvalidInputError
            For another name.
        """
        if table not in _FRAMES:
            check = Inspection("Simulation.to_frame")
            check.fault("table", table, "a table", nearest(table, _FRAMES))
            check.finish()
        import pandas as pd  # slow to import: only when a table is asked for

        made = {"groups": self._groups, "agents": self._agents, "tiers": self._tiers, "cash": self._cash}[table]()
        return pd.DataFrame(made)

    def _groups(self) -> dict[str, object]:
        caseload = self.evaluation.rows.caseload
        names = ("participants", "worked", "earned", "outcomes", "sustainments", "attachment_gbp")
        counted = {n: caseload.sum_by_group(getattr(self.tally, n)) / self.settings.replications for n in names}
        return {"group": list(caseload.groups), **counted}

    def _agents(self) -> dict[str, object]:
        points = np.quantile(self.profit_gbp, _POINTS, axis=0)
        profit: dict[str, object] = dict(zip((f"profit_{name}_gbp" for name in _NAMES), points, strict=True))
        rest: dict[str, object] = {
            "peak_working_capital_gbp": self.peak_working_capital_gbp.mean(axis=0),
            "insolvent_share": self.insolvent.mean(axis=0),
        }
        return {"agent": list(self.agents), "kind": list(self.kinds), **profit, **rest}

    def _tiers(self) -> dict[str, object]:
        rows = [("department", "spend_gbp", self.spend_gbp)]
        for kind in dict.fromkeys(self.kinds[1:]):
            members = np.array([other == kind for other in self.kinds])
            for name in ("profit_gbp", "peak_working_capital_gbp", "insolvent"):
                rows.append((kind, name, getattr(self, name)[:, members].sum(axis=1)))
        points = np.quantile(np.array([row[2] for row in rows], dtype=np.float64), _POINTS, axis=1)
        named = {"kind": [row[0] for row in rows], "measure": [row[1] for row in rows]}
        return {**named, **dict(zip(_NAMES, points, strict=True))}

    def _cash(self) -> dict[str, object]:
        net = self.cash.net_gbp
        agents, months = net.shape
        items = {name: item.ravel() + 0.0 for name, item in self.cash.items.items()}  # + 0.0: no minus nothing
        month = np.tile(np.arange(months), agents)
        return {"agent": np.repeat(self.agents, months), "month": month, **items, "net_gbp": net.ravel()}


def simulate(
    programme: Programme,
    tariff: Tariff | None = None,
    *,
    participants: int | None = None,
    seed: int = 0,
    settings: SimulationSettings | None = None,
    tick: Callable[[int, int], None] | None = None,
) -> Simulation:
    """Play a programme person by person, under the rules of payment.

    Parameters
    ----------
    programme : Programme
        Who is served, by whom, under which terms.
    tariff : Tariff, optional
        List prices; the programme's own when not given.
    participants : int, optional
        How many people; as many as the programme has when not given. Fewer make a smaller programme of the same mix.
    seed : int, optional
        Random numbers: the same seed gives the same people whatever the chunk size and the number of replications.
    settings : SimulationSettings, optional
        The rules, the number of replications and what is kept.
    tick : callable, optional
        Called with the number of replications played and that of all, after each.

    Returns
    -------
    Simulation
        Counts, payments, cash, profits.

    Raises
    ------
    InvalidInputError
        Of what :func:`~pbr_opt.evaluation.evaluate` raises; fewer than one participant; an outcome rate that nobody
        could have who must work so many weeks.
    UnsupportedModelError
        When the equilibrium pays for more than attachments, outcomes and sustainment.

    Examples
    --------
    >>> from pbr_opt.market.caseload import Caseload
    >>> people = Caseload(["a"], 2_000, .12, .42, 600, exit_hazard=.03)
    >>> there = simulate(Programme("p", people, Tariff(["a"], 400, 1200, 170, 13)), seed=1)
    >>> there.agreement.holds, bool(there.ledger.total_gbp[1].round(2) == there.spend_gbp[0].round(2))
    (True, True)
    """
    check = Inspection("simulate")
    if not isinstance(programme, Programme):
        check.fault("programme", type(programme).__name__, "a Programme")
    if settings is not None and not isinstance(settings, SimulationSettings):
        check.fault("settings", type(settings).__name__, "SimulationSettings", "SimulationSettings(replications=20)")
    people = None if participants is None else check.whole("participants", participants, lowest=1, highest=_MOST)
    start = check.whole("seed", seed, highest=2**63)
    check.finish()
    evaluation, rules = evaluate(programme, tariff), settings or SimulationSettings()
    _require_person_by_person(evaluation)
    _require_an_end(evaluation, rules)
    company = company_of(evaluation, rules.payment_lag_weeks)
    total = programme.caseload.total_participants
    size = max(1, round(total)) if people is None else people
    paths = paths_of(evaluation, company)
    played = Game(evaluation, rules, company, paths, _odds(evaluation, rules), _intake(programme)).play(
        start, size, tick
    )
    return Simulation(
        evaluation=evaluation,
        settings=rules,
        seed=start,
        participants=size,
        scale=size / total,
        agents=company.names,
        kinds=company.kinds,
        **{item.name: getattr(played, item.name) for item in fields(played)},
    )


def _require_person_by_person(evaluation: Evaluation) -> None:
    """Raise when the Department pays for anything that no single person brings, as a bonus on a group's outcomes."""
    caseload, behaviour, payable = evaluation.rows.caseload, evaluation.behaviour, evaluation.payable
    price = payable.effective_price_gbp(evaluation.programme.caseload, evaluation.programme.discount_rate)
    each = price[segment_of(evaluation)] * behaviour.outcome_rate + payable.attachment_fee_gbp[caseload.group_index]
    told = float(caseload.participants @ each)
    if not np.isclose(told, evaluation.spend_gbp, rtol=IDENTITY_RELATIVE, atol=0.0):
        raise UnsupportedModelError(
            f"Fees for attachments, outcomes and sustainment come to £{told:,.0f}, and the Department pays "
            f"£{evaluation.spend_gbp:,.0f}: what is paid on the outcomes of a whole group is not simulated. Try a "
            "tariff of plain fees"
        )


def _require_an_end(evaluation: Evaluation, settings: SimulationSettings) -> None:
    """Raise when people could go on coming back into paid work for ever."""
    people, window = evaluation.programme.caseload, evaluation.payable.sustainment_window
    check = Inspection("simulate")
    for k, group in enumerate(people.groups):
        returns = bool((people.reentry_rate[people.segments_of(group)] > 0.0).any())
        if settings.reentry == "closed_form" and returns and not window[k]:
            place = f"sustainment_window (group '{group}')"
            check.fault(place, 0, "a window after the outcome, for reentry='closed_form'", "reentry='caseload'")
    check.finish()


def _intake(programme: Programme) -> Intake:
    """Return when people start: each contract year is one of the programme's, in order."""
    return Intake(programme.terms.intake_share, int(WEEKS_PER_YEAR))


def _odds(evaluation: Evaluation, settings: SimulationSettings) -> Odds:
    """Return what happens to participants of each row, job-finding rates found from outcome rates."""
    segment, group = segment_of(evaluation), evaluation.rows.caseload.group_index
    people, payable = evaluation.programme.caseload, evaluation.payable
    loss = weekly(people.exit_hazard)[segment]
    need = settings.weeks_in_work(evaluation.programme)[group]
    claimed = 1.0 - settings.unclaimed(evaluation.programme)
    finding = _finding(need, evaluation.behaviour.outcome_rate / claimed, loss, settings)
    weekly_return = settings.reentry == "job_finding"
    return Odds(
        job_finding=finding,
        job_loss=loss,
        return_to_work=finding if weekly_return else people.reentry_rate[segment],
        return_by_period=not weekly_return,
        return_late=settings.reentry == "closed_form",
        weeks_in_work=need,
        sustainment_max=payable.sustainment_max[group],
        sustainment_window=payable.sustainment_window[group],
        claimed=claimed,
        allotted_weeks=settings.allotted_weeks,
        run_on=settings.run_on,
    )


def _finding(need: IntArray, earned_rate: FloatArray, loss: FloatArray, settings: SimulationSettings) -> FloatArray:
    answer = np.zeros_like(earned_rate)
    for weeks in np.unique(need):
        rows = np.flatnonzero(need == weeks)
        rule = OutcomeRule(int(weeks), settings.allotted_weeks, settings.run_on)
        answer[rows] = job_finding_rate(rule, earned_rate[rows], loss[rows])
    return answer
