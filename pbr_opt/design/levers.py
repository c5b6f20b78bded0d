"""Design when more than the price level of each group moves: the best of a menu a group, looked at closer and closer.

Every offer is evaluated by the exact response of providers, so that what is chosen keeps its promises. That nothing
beyond the menus is better is proved only where they are complete (fees apart on a price step); elsewhere nothing is
proved here, and the answer is called local.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from pbr_opt.design.axis import Rack, choose_on_axis
from pbr_opt.design.conflicts import conflict
from pbr_opt.design.joint_choice import Choice, Coupling
from pbr_opt.design.joint_limits import MaxDistinctPrices, Participation, PriceOrder
from pbr_opt.design.lever_menus import closer_offers, first_offers, is_complete
from pbr_opt.design.limits import Budget
from pbr_opt.design.menus import Menu
from pbr_opt.design.objectives import WorstServed
from pbr_opt.design.offers import Offers, Outcomes, played
from pbr_opt.design.problem import DesignProblem
from pbr_opt.design.result import Found
from pbr_opt.design.search import solve_knapsack
from pbr_opt.design.settings import DesignSettings
from pbr_opt.errors import DesignInfeasibleError, UnsupportedModelError
from pbr_opt.market.tariffs import Tariff
from pbr_opt.quantities import FloatArray, IntArray

__all__ = ["require_levers", "solve_levers"]

_ROUNDS: Final = 12
_FIRST_WIDTH: Final = 0.06
"""Share of each range, on either side of a choice, that is looked at again first; halved from then on."""


@dataclass(frozen=True, slots=True, eq=False)
class _Shelf:
    """What one group can be given: allowed offers, with what becomes of it."""

    offers: Offers
    outcomes: Outcomes


def solve_levers(problem: DesignProblem, settings: DesignSettings, start: Tariff | None) -> Found:
    """Return the best tariff when ``settings.vary`` lets more move than the price level.

    Parameters
    ----------
    problem : DesignProblem
        Without a supply chain.
    settings : DesignSettings
        Say what moves.
    start : Tariff or None
        The best tariff when the price level alone moves, if any keeps the limits: it is on the menus, so that the
        answer is never worse.

    Raises
    ------
    UnsupportedModelError
        With a supply chain, for the worst-served group, or with a method that is not ``auto``.
    DesignInfeasibleError
        When nothing on the menus keeps the limits.
    """
    groups = range(len(problem.base.groups))
    shelves = [
        _shelf(problem, g, _joined(_offers_of(problem, g, start), first_offers(problem, settings, g))) for g in groups
    ]
    choice, complete = _chosen(problem, settings, shelves), is_complete(problem, settings)
    if choice is None:
        raise _infeasible(problem, settings)
    for k in range(0 if complete else _ROUNDS):
        width = _FIRST_WIDTH * 0.5**k
        picked = [shelves[g].offers.take(choice.picked[[g]]) for g in groups]
        closer = [
            _shelf(problem, g, _joined(picked[g], closer_offers(problem, settings, g, picked[g], width)))
            for g in groups
        ]
        better = _chosen(problem, settings, closer)
        if better is not None and better.loss <= choice.loss:
            shelves, choice = closer, better
    return _found(problem, settings, shelves, choice)


def require_levers(problem: DesignProblem, settings: DesignSettings) -> None:
    """Refuse what is not modelled when more than the price level moves."""
    if problem.programme.supply_chain is not None:
        raise UnsupportedModelError(
            f"vary={settings.vary} is modelled without a supply chain; try programme.replace(supply_chain=None), or "
            "vary='level'"
        )
    if isinstance(problem.objective, WorstServed) or settings.method != "auto":
        raise UnsupportedModelError(
            f"vary={settings.vary} goes with method='auto' and objectives that are sums over participants; try "
            "Parked() with limits=[MaxParkedShare(...)]"
        )


def _shelf(problem: DesignProblem, group: int, offers: Offers) -> _Shelf:
    outcomes, allowed = played(problem, group, offers)
    rows = np.flatnonzero(allowed)
    rows = rows[np.argsort(outcomes.states.price_gbp[rows], kind="stable")]
    return _Shelf(offers.take(rows), Outcomes(outcomes.achieved[rows], outcomes.states.take(rows)))


def _offers_of(problem: DesignProblem, group: int, tariff: Tariff | None) -> Offers:
    """Return what a tariff offers a group, as a menu of one; of none without a tariff."""
    rows = slice(group, group + 1) if tariff is not None else slice(0)
    card = (tariff or problem.base).aligned(problem.base.groups)
    return Offers(
        outcome_fee_gbp=card.outcome_fee_gbp[rows],
        sustainment_fee_gbp=card.sustainment_fee_gbp[rows],
        attachment_fee_gbp=card.attachment_fee_gbp[rows],
        accelerator_threshold=card.accelerator_threshold[rows],
        accelerator_fee_gbp=card.accelerator_fee_gbp[rows],
        minimum_service_gbp=problem.programme.minimum_service_gbp[rows],
    )


def _joined(one: Offers, many: Offers) -> Offers:
    names = Offers.__dataclass_fields__
    return Offers(*(np.concatenate([getattr(one, name), getattr(many, name)]) for name in names))


def _chosen(
    problem: DesignProblem, settings: DesignSettings, shelves: Sequence[_Shelf], *, spend: bool = True
) -> Choice | None:
    """Return the best offer for each group, or with ``spend`` false the cheapest without a budget."""
    if not all(shelf.outcomes.achieved.size for shelf in shelves):
        return None
    better, caps = problem.objective.better, _caps(problem, spend=spend)
    loss = [-better * s.outcomes.achieved if spend else s.outcomes.states.spend_gbp for s in shelves]
    use = [_use(problem, g, shelf) for g, shelf in enumerate(shelves)]
    order, most = _ties(problem)
    if len(caps) == 1 and not order.size and most is None:
        menus = [Menu(rows[0], value) for rows, value in zip(use, loss, strict=True)]
        if sum(float(menu.cost.min()) for menu in menus) > caps[0] * (1.0 + 1e-9):
            return None
        answer = solve_knapsack(menus, float(caps[0]), settings.most_labels)
        return Choice(answer.choice, answer.loss, answer.bound)
    lean = [
        _pareto(value, rows, s.outcomes.states.price_gbp) for value, rows, s in zip(loss, use, shelves, strict=True)
    ]
    racks = [
        Rack(s.outcomes.states.price_gbp[k], value[k], rows[:, k])
        for k, value, rows, s in zip(lean, loss, use, shelves, strict=True)
    ]
    found = choose_on_axis(racks, Coupling(caps, order, most))
    if found is None:
        return None
    picked = np.array([k[at] for k, at in zip(lean, found.picked, strict=True)])
    return Choice(picked, found.loss, found.bound)


def _pareto(loss: FloatArray, use: FloatArray, price: FloatArray) -> IntArray:
    """Return the offers that no other of the same price beats in everything, in order of price."""
    order = np.lexsort((loss, *use, price))
    keep = [order[0]]
    for k in order[1:]:
        last = keep[-1]
        beaten = price[last] == price[k] and loss[last] <= loss[k] and bool(np.all(use[:, last] <= use[:, k]))
        if not beaten:
            keep.append(k)
    return np.array(keep)


def _caps(problem: DesignProblem, *, spend: bool) -> FloatArray:
    money = [row.gbp if spend else np.inf for row in problem.budget_rows] or [np.inf]
    loses = any(isinstance(limit, Participation) for limit in problem.joint_limits)
    return np.array([*money, 0.0] if loses else money)


def _use(problem: DesignProblem, group: int, shelf: _Shelf) -> FloatArray:
    """Return what offers take of each cap: money in all and by year, and what the prime loses."""
    states = shelf.outcomes.states
    outcome = states.spend_gbp - states.attachment_gbp
    rows = [
        row.attachment_share * states.attachment_gbp + row.outcome_share * outcome for row in problem.budget_rows
    ] or [states.spend_gbp]
    if any(isinstance(limit, Participation) for limit in problem.joint_limits):
        base = problem.programme.base_service_gbp[group] * states.participants
        rows.append(states.support_gbp + base - states.spend_gbp)
    return np.array(rows)


def _ties(problem: DesignProblem) -> tuple[IntArray, int | None]:
    order, most = np.zeros(0, dtype=np.int64), None
    for limit in problem.joint_limits:
        if isinstance(limit, PriceOrder):
            order = limit.order(problem.programme)
        if isinstance(limit, MaxDistinctPrices):
            most = limit.k
    return order, most


def _found(problem: DesignProblem, settings: DesignSettings, shelves: Sequence[_Shelf], choice: Choice) -> Found:
    picked = [shelf.offers.take(choice.picked[[g]]) for g, shelf in enumerate(shelves)]
    names = [name for name in Offers.__dataclass_fields__ if name != "minimum_service_gbp"]
    tariff = problem.base.replace(**{name: np.concatenate([getattr(one, name) for one in picked]) for name in names})
    service = np.concatenate([one.minimum_service_gbp for one in picked])
    menus = [
        Menu(_use(problem, g, shelf)[0], -problem.objective.better * shelf.outcomes.achieved)
        for g, shelf in enumerate(shelves)
    ]
    cap = float(_caps(problem, spend=True)[0])
    fits = sum(float(menu.cost.min()) for menu in menus) <= cap
    complete = is_complete(problem, settings)
    moved = ", ".join(settings.vary)
    return Found(
        tariff=tariff,
        claimed_loss=choice.loss,
        bound=min(choice.bound, choice.loss) if complete else -np.inf,
        multiplier=solve_knapsack(menus, cap, 100).multiplier if fits else 0.0,
        method=f"{'every offer on the step' if complete else 'menus looked at closer and closer'} ({moved})",
        proved=complete,
        minimum_service_gbp=None if np.array_equal(service, problem.programme.minimum_service_gbp) else service,
    )


def _infeasible(problem: DesignProblem, settings: DesignSettings) -> DesignInfeasibleError:
    """Return the error that names the limits in conflict, and the least budget on the menus."""

    def cheapest(asked: DesignProblem) -> Choice | None:
        shelves = [_shelf(asked, g, first_offers(asked, settings, g)) for g in range(len(asked.base.groups))]
        return _chosen(asked, settings, shelves, spend=False)

    def feasible(asked: DesignProblem) -> bool:
        shelves = [_shelf(asked, g, first_offers(asked, settings, g)) for g in range(len(asked.base.groups))]
        return _chosen(asked, settings, shelves) is not None

    core, least = conflict(problem, feasible), cheapest(problem)
    amount = np.inf if least is None else least.loss
    named = " and ".join(str(limit) for limit in core)
    money = least is not None and any(isinstance(limit, Budget) for limit in core)
    told = f"The cheapest on the menus costs £{amount:,.2f}. " if money else ""
    return DesignInfeasibleError(
        f"No offer on the menus ({', '.join(settings.vary)}) meets {named} together. {told}Without any one of them "
        "there is one: relax one.",
        least_budget_gbp=amount,
        binding_limits=[str(limit) for limit in core],
    )
