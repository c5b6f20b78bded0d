"""The scoreboard: every published fact that the model can speak to, predicted against observed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.special import logit

from pbr_opt.analysis.ensemble import QUANTILES, Ensemble, weighted_quantile
from pbr_opt.analysis.nations import National, Nations
from pbr_opt.analysis.predictions import Kinds, inspect_facts, measure_of, of_worlds, predict
from pbr_opt.analysis.whole_facts import WHOLE_MEASURES, Whole
from pbr_opt.evaluation import Evaluation, evaluate
from pbr_opt.market.facts import Fact
from pbr_opt.market.programme import Programme
from pbr_opt.quantities import FloatArray

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["VERDICTS", "national_of", "scoreboard"]

VERDICTS: Final = ("agrees", "partly", "fails", "silent")
"""Within one tolerance, within three, beyond; and where the programme has nothing that could say it."""


def national_of(evaluation: Evaluation) -> National:
    """Return one evaluated programme in the form in which many worlds are read: a single row.

    Prices, fees and base costs are the programme's; how its segments came about is not asked, so uplift and spread are
    those of its segments on average. Without a supply chain the nation is one contract.
    """
    rows, behaviour, value = evaluation.rows.caseload, evaluation.behaviour, evaluation.programme.outcome_value_gbp

    def total(values: FloatArray) -> FloatArray:
        return rows.sum_by_group(rows.participants * values)[None]

    helpable = np.zeros(len(rows)) if value is None else value[rows.group_index] > rows.parking_threshold_gbp
    return National(
        _nation(evaluation),
        outcomes=total(behaviour.outcome_rate),
        deadweight_outcomes=total(rows.deadweight_rate),
        parked=total(behaviour.parked.astype(np.float64)),
        inefficiently_parked=total((behaviour.parked & (helpable > 0)).astype(np.float64)),
        support_gbp=total(behaviour.support_gbp),
        contract_outcome_rate=_contract_rates(evaluation)[None],
    )


def _nation(evaluation: Evaluation) -> Nations:
    """Return the programme as one world, people of a group alike."""
    programme, caseload = evaluation.programme, evaluation.programme.caseload
    listed = evaluation.tariff.aligned(caseload.groups)
    people = caseload.group_participants

    def mean(values: FloatArray) -> FloatArray:
        return caseload.sum_by_group(caseload.participants * values) / np.maximum(people, np.finfo(float).tiny)

    floor, ceiling = (np.clip(rate, 1e-12, 1 - 1e-12) for rate in (caseload.deadweight_rate, caseload.ceiling_rate))
    value = programme.outcome_value_gbp
    return Nations(
        participants=people[None],
        deadweight_rate=mean(caseload.deadweight_rate)[None],
        uplift=mean(logit(ceiling) - logit(floor))[None],
        spread=np.zeros((1, people.size)),
        response_scale_gbp=mean(caseload.response_scale_gbp)[None],
        curvature=mean(caseload.curvature)[None],
        exit_hazard=mean(caseload.exit_hazard)[None],
        attachment_fee_gbp=listed.attachment_fee_gbp[None],
        outcome_fee_gbp=listed.outcome_fee_gbp[None],
        sustainment_fee_gbp=listed.sustainment_fee_gbp[None],
        sustainment_max=listed.sustainment_max[None].astype(np.float64),
        outcome_value_gbp=np.zeros((1, people.size)) if value is None else value[None],
        base_service_gbp=programme.base_service_gbp[None],
        bid_discount=np.array([programme.terms.bid_discount]),
        attachment_share=np.array([programme.terms.attachment_share]),
        discount_rate=np.array([programme.discount_rate]),
        mission_gbp=np.array([float(programme.mission_gbp.mean())]),
        pass_through=np.ones(1),
        tier1_share=np.zeros(1),
        working_capital_gbp=np.full(1, np.inf),
    )


def _contract_rates(evaluation: Evaluation) -> FloatArray:
    """Return the outcome rate of each prime contract."""
    chain, equilibrium = evaluation.programme.supply_chain, evaluation.equilibrium
    if chain is None or equilibrium is None:
        people = evaluation.rows.caseload.participants
        return np.array([float(people @ evaluation.behaviour.outcome_rate / people.sum())])
    primes = {agent.name for agent in chain.payees(chain.department.name)}
    flows = [flow for flow in equilibrium.flows if flow.payee in primes]
    return np.array([float(flow.outcomes.sum() / max(flow.participants.sum(), 1e-300)) for flow in flows])


def scoreboard(programme: Programme, facts: Sequence[Fact], ensemble: Ensemble | None = None) -> pd.DataFrame:
    """Return predicted against observed, a row a fact, out of sample first.

    Parameters
    ----------
    programme : Programme
        Whose central case predicts.
    facts : sequence of Fact
        What was published.
    ensemble : Ensemble, optional
        Worlds that predict as well: adds P10, P50 and P90.

    Returns
    -------
    DataFrame
        ``fact``, ``kind``, ``observed``, ``tolerance``, ``predicted``, ``distance`` (in tolerances), ``verdict`` (of
        ``VERDICTS``), ``in_sample``, ``excludes``, ``p10``, ``p50``, ``p90`` (with an ensemble), ``unit``, ``status``,
        ``source``, ``note``.

    Raises
    ------
    InvalidInputError
        Facts that no measure speaks to.

    Examples
    --------
    >>> from pbr_opt.programmes.facts import load_facts
    >>> from pbr_opt.programmes.registry import load
    >>> table = scoreboard(load("work_programme_2011"), load_facts("work_programme_2011")).set_index("fact")
    >>> table.loc["outcome_rate/1", "verdict"], bool(table.loc["outcome_rate/1", "in_sample"])
    ('agrees', True)
    """
    import pandas as pd  # slow to import: only when a table is asked for

    groups = programme.caseload.groups
    inspect_facts(facts, groups)
    evaluation = evaluate(programme)
    said = _predicted(evaluation, facts)
    rows = []
    for fact in facts:
        predicted = said[fact.id]
        distance = float(fact.implausibility(np.array(predicted)))
        row: dict[str, object] = {
            "fact": fact.id,
            "kind": fact.kind,
            "observed": fact.value,
            "tolerance": fact.tolerance,
        }
        row |= {"predicted": predicted, "distance": distance, "verdict": _verdict(distance)}
        row |= {"in_sample": fact.in_sample, "excludes": fact.excludes, **_worlds(ensemble, fact)}
        rows.append(row | {name: getattr(fact, name) for name in ("unit", "status", "source", "note")})
    return pd.DataFrame(rows).sort_values("in_sample", kind="stable", ignore_index=True)


def _predicted(evaluation: Evaluation, facts: Sequence[Fact]) -> dict[str, float]:
    """Return what the programme says of each fact, by id."""
    asked, whole = of_worlds(facts), Whole(evaluation)
    there = predict(national_of(evaluation), asked, Kinds.of_2011(evaluation.programme.caseload.groups))[0]
    said = dict(zip((fact.id for fact in asked), there.tolist(), strict=True))
    for fact in facts:
        if fact.id not in said:
            name, place = measure_of(fact)
            said[fact.id] = WHOLE_MEASURES[name](whole, place)
    return said


def _verdict(distance: float) -> str:
    """Return the word for a distance in tolerances."""
    if np.isnan(distance):
        return VERDICTS[3]
    return VERDICTS[0] if distance <= 1.0 else VERDICTS[1] if distance <= 3.0 else VERDICTS[2]


def _worlds(ensemble: Ensemble | None, fact: Fact) -> dict[str, float]:
    """Return P10, P50 and P90 of what the worlds say of a fact."""
    if ensemble is None:
        return {}
    at = next((j for j, known in enumerate(ensemble.facts) if known.id == fact.id), None)
    if at is None:
        return dict.fromkeys(("p10", "p50", "p90"), float("nan"))
    found = weighted_quantile(ensemble.predicted[:, at], ensemble.weight, QUANTILES)
    return dict(zip(("p10", "p50", "p90"), found.tolist(), strict=True))
