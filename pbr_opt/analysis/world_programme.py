"""One world as a programme: what evaluation takes, and design that has to do well in many worlds."""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from pbr_opt.analysis.fitting import slice_means
from pbr_opt.analysis.national import deadweight_logits
from pbr_opt.analysis.nations import Nations
from pbr_opt.analysis.world_inputs import WorldInputs
from pbr_opt.market.agents import Agent, Area, Contract
from pbr_opt.market.caseload import Caseload
from pbr_opt.market.programme import Programme
from pbr_opt.market.supply_chain import SupplyChain
from pbr_opt.market.tariffs import ContractTerms, Tariff

__all__ = ["world_programme"]


def world_programme(inputs: WorldInputs, nations: Nations, row: int) -> Programme:
    """Return one world as a programme.

    Parameters
    ----------
    inputs : WorldInputs
        What the worlds were drawn from.
    nations : Nations
        The worlds.
    row : int
        Which of them.

    Returns
    -------
    Programme
        Its tariff is the world's own, its taper one number. Figures and sources stay those of the programme that the
        worlds were drawn from. With a supply chain it has a prime and an end-to-end subcontractor for each contract;
        its equilibrium is the world's unless a subcontractor leaves, which worlds do not let it do.
    """
    one = nations.take(slice(row, row + 1))
    chain = None if inputs.programme.supply_chain is None else _chain(inputs, one)
    fees = (one.attachment_fee_gbp, one.outcome_fee_gbp, one.sustainment_fee_gbp, one.sustainment_max)
    return inputs.programme.replace(
        caseload=_caseload(inputs, one),
        tariff=Tariff(inputs.groups, *(column[0] for column in fees)),
        supply_chain=chain,
        outcome_value_gbp=one.outcome_value_gbp[0],
        discount_rate=float(one.discount_rate[0]),
        terms=ContractTerms(float(one.bid_discount[0]), [float(one.attachment_share[0])], [1.0]),
        mission_gbp=float(one.mission_gbp[0]) if chain is None else 0.0,
        base_service_gbp=one.base_service_gbp[0],
        central_case=None,
    )


def _caseload(inputs: WorldInputs, one: Nations) -> Caseload:
    cut = inputs.segments_per_group
    floor = deadweight_logits(one, slice_means(cut))[0]
    return Caseload(
        np.repeat(np.asarray(inputs.groups), cut),
        np.repeat(one.participants[0] / cut, cut),
        expit(floor).ravel(),
        expit(floor + one.uplift[0][:, None]).ravel(),
        *(np.repeat(column[0], cut) for column in (one.response_scale_gbp, one.curvature, one.exit_hazard)),
    )


def _chain(inputs: WorldInputs, one: Nations) -> SupplyChain:
    """Return a Department, and for each contract an area of its own with a prime and an end-to-end subcontractor."""
    contracts, people = inputs.contracts, float(one.participants.sum())
    tier1, passed, mission = float(one.tier1_share[0]), float(one.pass_through[0]), float(one.mission_gbp[0])
    agents, edges, areas = [Agent("Department", "department")], [], []
    for k, share in enumerate(contracts.share.tolist()):
        name, skill = f"contract {k + 1:02d}", float(contracts.productivity[k])
        purse = float(one.working_capital_gbp[0]) * people * share
        areas.append(Area(name, share, float(contracts.readiness_shift[k])))
        agents.append(
            Agent(name, "prime", name, productivity=skill, working_capital_gbp=purse * (1 - tier1), mission_gbp=mission)
        )
        edges.append(Contract("Department", name))
        if tier1 > 0.0:
            below = f"{name}, end to end"
            agents.append(
                Agent(below, "tier1", name, productivity=skill, working_capital_gbp=purse * tier1, mission_gbp=mission)
            )
            edges.append(Contract(name, below, share=passed, attachment_share=passed, volume_share=tier1))
    return SupplyChain(agents, edges, areas)
