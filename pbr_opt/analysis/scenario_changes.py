"""The changes to a programme that committees and auditors asked for, each one function from a programme to a programme.

Prices are left at a level of their own: :func:`at_spend` brings the changed programme to the spend of the old one, so
that what is compared is the form of the contract and not its generosity.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from scipy.optimize import brentq

from pbr_opt.design.limits import PRICE_CEILING_GBP, Budget, PriceStep
from pbr_opt.design.objectives import AdditionalOutcomes, Parked
from pbr_opt.design.optimise import optimise
from pbr_opt.errors import UnsupportedModelError
from pbr_opt.evaluation import evaluate
from pbr_opt.market.caseload import Caseload
from pbr_opt.market.programme import Programme
from pbr_opt.market.tariffs import ContractTerms, Tariff
from pbr_opt.quantities import FloatArray

__all__ = [
    "MINIMUM_SERVICE_GBP",
    "accelerator",
    "additionality_payment",
    "at_spend",
    "minimum_service",
    "needs_based_groups",
    "no_attachment_taper",
    "one_price_for_all",
    "optimised_prices",
    "service_fee_plus_outcome",
]

MINIMUM_SERVICE_GBP: Final = 50.0
"""Verified service for everybody: about an adviser's hour and a half (assumed)."""
LOWER_RATE_SHARE: Final = 0.7
"""Of the old price, what an outcome below the threshold of the accelerator is paid (assumed)."""
THRESHOLD_SHARE: Final = 0.7
"""Of a group's outcome rate under the old tariff, where the accelerator sets in: 60 to 80 % was found robust."""
SERVICE_FEE_SHARE: Final = 0.3
"""Of all spend, paid a head: the 30 % delivery fee of the Work and Health Programme."""
STEP_GBP: Final = 5.0
FEW_PARKED_FIRST: Final = 0.01
"""People parked that one additional outcome outweighs when groups are cut by need: heads count first."""
_SPEND_RELATIVE: Final = 1e-9
_LEVEL_RELATIVE: Final = 1e-12
_LEVEL_RELATIVE_THROUGH_A_CHAIN: Final = 1e-7
"""Each try solves the whole chain, and where its spend jumps every digit costs three tries."""


def at_spend(programme: Programme, spend_gbp: float) -> Programme:
    """Return the programme with all outcome payments scaled by one factor, so that it costs what it is given.

    Parameters
    ----------
    programme : Programme
        Its tariff says the proportions.
    spend_gbp : float
        Of the Department, attachment fees included.

    Returns
    -------
    Programme
        Where spend jumps with the level (through a chain), the dearest level that keeps to the amount.

    Raises
    ------
    UnsupportedModelError
        When attachment fees alone cost more, or no price up to the ceiling spends as much.
    """
    highest = float((programme.tariff.price_gbp + programme.tariff.accelerator_fee_gbp).max())
    most = PRICE_CEILING_GBP / highest if highest > 0.0 else 0.0

    excess_gbp: dict[float, float] = {}

    def over(factor: float) -> float:
        if factor not in excess_gbp:
            spent = evaluate(programme, _scaled(programme.tariff, factor)).spend_gbp
            excess_gbp[factor] = spent - spend_gbp * (1.0 + _SPEND_RELATIVE)
        return excess_gbp[factor]

    if over(0.0) > 0.0:
        raise UnsupportedModelError(
            f"'{programme.name}' pays more than £{spend_gbp:,.0f} in attachment fees alone; try a smaller service fee"
        )
    if over(most) < 0.0:
        raise UnsupportedModelError(
            f"'{programme.name}' spends less than £{spend_gbp:,.0f} even at £{PRICE_CEILING_GBP:,.0f} an outcome"
        )
    close = _LEVEL_RELATIVE if programme.supply_chain is None else _LEVEL_RELATIVE_THROUGH_A_CHAIN
    brentq(over, 0.0, most, xtol=close, rtol=close, maxiter=100)
    factor = max(tried for tried, excess in excess_gbp.items() if excess <= 0.0)
    return programme.replace(tariff=_scaled(programme.tariff, factor))


def _scaled(tariff: Tariff, factor: float) -> Tariff:
    fees = ("outcome_fee_gbp", "sustainment_fee_gbp", "accelerator_fee_gbp")
    return tariff.replace(**{name: getattr(tariff, name) * factor for name in fees})


def optimised_prices(programme: Programme) -> Programme:
    """Return the programme with the prices that park fewest people on the same spend, groups as they are."""
    limits = [Budget(evaluate(programme).spend_gbp), PriceStep(STEP_GBP)]
    return programme.replace(tariff=optimise(programme, minimise=Parked(), limits=limits).tariff)


def needs_based_groups(programme: Programme) -> Programme:
    """Return as many payment groups as there were, cut by need instead, with the prices that park fewest in them.

    Need is the parking threshold, known without error: the most that sorting people can do. Attachment fees are what
    was paid for the same people before. Where fewest parked leaves money over, it buys additional outcomes.

    Raises
    ------
    UnsupportedModelError
        Through a supply chain, whose skills are said for the old groups.
    """
    if programme.supply_chain is not None:
        raise UnsupportedModelError(
            "needs_based_groups cuts the groups anew, and the chain's skills and contracts are said for the old ones; "
            "try programme.replace(supply_chain=None)"
        )
    caseload = programme.caseload
    labels = _cut_by_need(caseload, len(caseload.groups))
    people = caseload.replace(group=labels)
    order = np.argsort(labels, kind="stable")
    people = people.take(order)
    old = caseload.group_index[order]

    def averaged(per_group: FloatArray) -> FloatArray:
        weighted = people.sum_by_group(people.participants * per_group[old])
        return np.asarray(weighted / people.group_participants)

    price = people.sum_by_group(people.participants * programme.effective_price_gbp()[order])
    changes: dict[str, Any] = {
        name: averaged(getattr(programme, name))
        for name in ("minimum_service_gbp", "mission_gbp", "base_service_gbp", "outcome_value_gbp")
        if getattr(programme, name) is not None
    }
    tariff = Tariff(
        people.groups,
        averaged(programme.tariff.aligned(caseload.groups).attachment_fee_gbp),
        price / people.group_participants,
    )
    names = {group: f"Need {group} of {len(people.groups)}, by parking threshold" for group in people.groups}
    figures = tuple(f for f in programme.figures if not f.id.startswith("tariff/"))
    sorted_by_need = programme.replace(
        caseload=people, tariff=tariff, group_names=names, figures=figures, central_case=None, **changes
    )
    limits = [Budget(evaluate(programme).spend_gbp), PriceStep(STEP_GBP)]
    aim = Parked() - FEW_PARKED_FIRST * AdditionalOutcomes()
    return sorted_by_need.replace(tariff=optimise(sorted_by_need, minimise=aim, limits=limits).tariff)


def _cut_by_need(caseload: Caseload, count: int) -> list[str]:
    """Return for each segment one of ``count`` groups of about as many people, from least need to most."""
    order = np.argsort(caseload.parking_threshold_gbp, kind="stable")
    before = np.cumsum(caseload.participants[order]) - caseload.participants[order] / 2.0
    at = np.minimum((before / caseload.total_participants * count).astype(int), count - 1)
    width = len(str(count))
    labels = np.empty(len(order), dtype=object)
    labels[order] = [f"{k + 1:0{width}d}" for k in at]
    return [str(name) for name in labels]


def accelerator(programme: Programme) -> Programme:
    """Return the programme with 70 % of its price below a threshold and as much more beyond it as keeps the spend.

    The threshold is 70 % of the outcome rate of each group under the old tariff.
    """
    there, tariff = evaluate(programme), programme.tariff.aligned(programme.caseload.groups)
    rate = _rates(there.rows.caseload, there.behaviour.outcome_rate)
    lower = _scaled(tariff, LOWER_RATE_SHARE)
    upper = lower.replace(accelerator_threshold=THRESHOLD_SHARE * rate, accelerator_fee_gbp=tariff.price_gbp)
    return at_spend(programme.replace(tariff=upper, central_case=None), there.spend_gbp)


def additionality_payment(programme: Programme) -> Programme:
    """Return the programme that pays for outcomes beyond the non-intervention rate of each group, and for no other.

    ``t_L = 0`` and the threshold is the mean deadweight rate, taken as known: what a control group would measure.
    """
    caseload, tariff = programme.caseload, programme.tariff.aligned(programme.caseload.groups)
    nothing = tariff.replace(outcome_fee_gbp=0.0, sustainment_fee_gbp=0.0, sustainment_max=0, sustainment_window=0)
    beyond = nothing.replace(
        accelerator_threshold=_rates(caseload, caseload.deadweight_rate), accelerator_fee_gbp=tariff.price_gbp
    )
    return at_spend(programme.replace(tariff=beyond, central_case=None), evaluate(programme).spend_gbp)


def _rates(caseload: Caseload, per_participant: FloatArray) -> FloatArray:
    return np.asarray(caseload.sum_by_group(caseload.participants * per_participant) / caseload.group_participants)


def minimum_service(programme: Programme) -> Programme:
    """Return the programme in which every participant must get £50 of verified service."""
    least = np.maximum(programme.minimum_service_gbp, MINIMUM_SERVICE_GBP)
    changed = programme.replace(minimum_service_gbp=least, central_case=None)
    return at_spend(changed, evaluate(programme).spend_gbp)


def no_attachment_taper(programme: Programme) -> Programme:
    """Return the programme that pays the attachment fee of the first year to the end, outcomes less."""
    terms = programme.terms
    kept = ContractTerms(terms.bid_discount, [1.0] * len(terms.attachment_taper), terms.intake_share.tolist())
    return at_spend(programme.replace(terms=kept, central_case=None), evaluate(programme).spend_gbp)


def one_price_for_all(programme: Programme) -> Programme:
    """Return the programme with one rate card for every group: the mean attachment fee, and one outcome price."""
    caseload, tariff = programme.caseload, programme.tariff.aligned(programme.caseload.groups)
    share = caseload.group_participants / caseload.total_participants
    one = Tariff(caseload.groups, share @ tariff.attachment_fee_gbp, share @ tariff.price_gbp)
    return at_spend(programme.replace(tariff=one, central_case=None), evaluate(programme).spend_gbp)


def service_fee_plus_outcome(programme: Programme) -> Programme:
    """Return the programme that pays 30 % of its spend a head, the same for everybody, and 70 % for outcomes."""
    spend = evaluate(programme).spend_gbp
    fee = SERVICE_FEE_SHARE * spend / programme.caseload.total_participants
    terms = ContractTerms(programme.terms.bid_discount)
    changed = programme.tariff.replace(attachment_fee_gbp=fee)
    return at_spend(programme.replace(tariff=changed, terms=terms, central_case=None), spend)
