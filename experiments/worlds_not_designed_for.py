"""Claim: how safe a tariff made safe in a dozen plausible worlds is in the others is luck; with a hundred it is not.

Method
    65,536 worlds are drawn and those kept that the published facts do not rule out. For 12, 24, 48 and 96 of them,
    picked at random eight times each, the tariff is sought that parks fewest people with the budget kept in the
    dearest fifth of its worlds (CVaR). It is judged by the share of worlds in which it costs more than the budget:
    among those it was designed for, and among those it never saw. The budget is what the 2011 tariff costs in the
    kept worlds on average.
Data
    pbr_opt/programmes/work_programme_2011 with its priors and facts, seed 2011. Worlds weigh the same: shares of worlds
    are no probabilities.
Command
    python experiments/worlds_not_designed_for.py
Verdict
    Printed; exit code 4 when of eight tariffs for 12 worlds none overspends in at least twice as large a share of the
    others as of its own, when any of those for 96 does, or when their shares lie less than twice as close together.
"""

from __future__ import annotations

from typing import Final

import numpy as np

import pbr_opt as pbr
from pbr_opt.analysis.ensemble import Ensemble
from pbr_opt.analysis.robustness import RobustDesign, RobustSettings, robust
from pbr_opt.analysis.world_answers import across_worlds
from pbr_opt.analysis.world_designs import list_prices
from pbr_opt.analysis.world_inputs import WorldInputs
from pbr_opt.analysis.worlds import plausible_worlds
from pbr_opt.programmes.facts import load_facts, load_priors
from pbr_opt.quantities import SPEND_RELATIVE, IntArray
from pbr_opt.report.wording import money, per_cent, table

NAME: Final = "work_programme_2011"
SIZES: Final = (12, 24, 48, 96)
PICKS: Final = 8
SEED: Final = 2011
RISE: Final = 0.05
CAUTION: Final = RobustSettings(spend_tail=0.2, loss_tail=1.0)


def design(few: Ensemble, budget: float) -> RobustDesign:
    """Return the tariff for some worlds that keeps the budget in the dearest fifth of them."""
    own = few.inputs.programme.tariff
    worlds = [world.replace(tariff=own) for world in few.programmes()]
    prices = list_prices(own, RISE)
    return robust(worlds, pbr.Parked(), prices_gbp=prices, budget_gbp=budget, weights=few.weight, settings=CAUTION)


def overspends(kept: Ensemble, picked: IntArray, budget: float) -> tuple[float, float, float]:
    """Return the gap of a design, and the shares of worlds in which it costs too much: of its own, of the others."""
    found = design(kept.take(picked), budget)
    dear = across_worlds(kept, {"it": found.tariff}).values("it", "spend_gbp") > budget * (1.0 + SPEND_RELATIVE)
    own = np.isin(np.arange(len(kept)), picked)
    return found.gap, float(dear[own].mean()), float(dear[~own].mean())


def main() -> None:
    """Print how often designs overspend where, and fail when the claim fails."""
    kept = plausible_worlds(WorldInputs(pbr.load(NAME), load_priors(NAME)), load_facts(NAME), seed=SEED)
    budget = float(kept.weight @ kept.measures["spend_gbp"])
    lots, rows, found = np.random.default_rng(SEED), [], {}
    for size in SIZES:
        picks = [np.sort(lots.choice(len(kept), size, replace=False)) for _ in range(PICKS)]
        gap, own, others = np.array([overspends(kept, picked, budget) for picked in picks]).T
        found[size] = own, others
        shares: tuple[float, ...] = (own.max(), others.min(), float(np.median(others)), others.max())
        rows.append((f"{size}", *map(per_cent, shares), f"{gap.max():.0e}"))
    print(
        f"{len(kept)} of {kept.draws:,} worlds kept; budget {money(budget)}; share of worlds in which it is exceeded,"
    )
    print(f"by {PICKS} tariffs a size")
    head = ("designed for", "own, most", "others, least", "median", "most", "gap at most")
    print("\n".join(table([head, *rows], ">>>>>>")))
    (own_few, few), (own_many, many) = found[SIZES[0]], found[SIZES[-1]]
    holds = (few >= 2 * own_few).any() and not (many >= 2 * own_many).any() and np.ptp(many) <= 0.5 * np.ptp(few)
    print(f"verdict: {'holds' if holds else 'fails'}")
    if not holds:
        raise SystemExit(4)


if __name__ == "__main__":
    main()
