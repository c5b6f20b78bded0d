"""What is typed and known of the supply chain of 2011, and what of its areas and contracts follows from it.

Used by ``generate_supply_chain_2011.py``, which says what is claimed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from scipy.special import logit, ndtri

from pbr_opt.market.figure_book import FigureBook
from pbr_opt.programmes.chains import AGENTS, AREAS
from pbr_opt.programmes.files import read_contents
from pbr_opt.programmes.tables import Row, read_table
from pbr_opt.quantities import FloatArray, Inspection

GENERATED: Final = "generated"
PURPOSES: Final = ("areas", "organisations", "counts", "sectors", "contracts")
"""First number of the spawn key of each stream of random numbers."""

RANGE_OF_40: Final = 4.3216
"""Expected range of 40 draws of a standard normal variable: twice the expected largest one, 2.1608."""

APRIL_TO_JUNE: Final = 2.0 / 3.0
"""How much of what was added from April to July 2012 had been added by June."""


class Known:
    """Numbers by id."""

    def __init__(self, book: FigureBook) -> None:
        self._book = book

    def __call__(self, figure_id: str) -> float:
        """Return the number of ``chain/...``, which must be there."""
        return self._book.figures[f"chain/{figure_id}"].value

    def triangle(self, figure_id: str) -> tuple[float, float, float]:
        """Return lowest, central and highest value of ``chain/...``."""
        low, high = self._book.figures[f"chain/{figure_id}"].range
        return low, self(figure_id), high

    def evidence(self, figure_id: str) -> float:
        """Return the number of ``evidence/...``."""
        return self._book.figures[f"evidence/{figure_id}"].value

    def below(self, figure_id: str) -> dict[tuple[str, ...], float]:
        """Return the numbers whose ids go on after ``evidence/.../``, by what follows, the number of an area first."""
        opening = f"evidence/{figure_id}/"
        found = {
            key.removeprefix(opening): figure.value
            for key, figure in self._book.figures.items()
            if key.startswith(opening)
        }
        return {tuple(key.split("/")): value for key, value in found.items() if key[0].isdigit()}


class Draws:
    """Random numbers of one purpose: the same for the same seed and key, whatever else is drawn."""

    def __init__(self, seed: int, purpose: str, *key: int) -> None:
        sequence = np.random.SeedSequence(seed, spawn_key=(PURPOSES.index(purpose), *key))
        self._generator = np.random.Generator(np.random.PCG64(sequence))

    def uniform(self, size: int) -> FloatArray:
        """Return numbers above 0 and below 1."""
        return np.maximum(self._generator.random(size), 2.0**-53)

    def normal(self, size: int) -> FloatArray:
        """Return standard normal numbers."""
        return np.asarray(ndtri(self.uniform(size)))

    def triangular(self, low: float, mode: float, high: float) -> float:
        """Return a number from a triangle over a range."""
        u, width = float(self.uniform(1)[0]), high - low
        if u * width < mode - low:
            return low + float(np.sqrt(u * width * (mode - low)))
        return high - float(np.sqrt((1.0 - u) * width * (high - mode)))


def apportioned(total: int, weights: FloatArray) -> list[int]:
    """Return whole numbers in proportion to weights that add up to a total (largest remainders)."""
    exact = total * weights / weights.sum()
    whole = np.floor(exact)
    order = np.argsort(whole - exact, kind="stable")
    whole[order[: round(float(total - whole.sum()))]] += 1
    return [int(number) for number in whole]


def split(total: float, weights: FloatArray, digits: int) -> FloatArray:
    """Return numbers of so many decimals in proportion to weights that add up to a total."""
    scale = 10**digits
    return np.asarray(np.array(apportioned(round(total * scale), weights)) / scale)


@dataclass(frozen=True)
class Prime:
    """A contract: its row of ``agents.csv``, and what is known or drawn of it.

    Attributes
    ----------
    row : Row
        As typed.
    number : str
        Of its area.
    people : float
        Who are expected to be referred to it.
    productivity, fixed_share, referral_fee_gbp : float
        Its organisation's: how well it works, what it passes on, what it pays for a referral.
    draws : Draws
        Its own stream.
    """

    row: Row
    number: str
    people: float
    productivity: float
    fixed_share: float
    referral_fee_gbp: float
    draws: Draws

    @property
    def name(self) -> str:
        """Return the agent's name."""
        return self.row["agent"]

    @property
    def key(self) -> tuple[str, str]:
        """Return what ids of figures call it."""
        return self.number, self.row["organisation"]


@dataclass(frozen=True)
class Inputs:
    """What is generated from.

    Attributes
    ----------
    known : Known
        Figures.
    seed : int
        Of everything drawn.
    groups : tuple of str
        Payment groups.
    areas, agents : tuple of Row
        Rows as typed: every area; the Department and the primes.
    """

    known: Known
    seed: int
    groups: tuple[str, ...]
    areas: tuple[Row, ...]
    agents: tuple[Row, ...]

    def primes_in(self, number: str) -> list[Row]:
        """Return the primes of an area."""
        names = {row["number"]: row["area"] for row in self.areas}
        return [row for row in self.agents if row["kind"] == "prime" and row["area"] == names[number]]


def read_inputs(folder: Path) -> Inputs:
    """Return what is typed and not generated."""
    contents = read_contents(folder)
    check = Inspection(f"Programme folder '{folder.name}'")
    areas, agents = read_table(check, folder, AREAS), read_table(check, folder, AGENTS)
    for form, table in ((AREAS, areas), (AGENTS, agents)):
        if not table.present:
            check.fault(form.file, "no such file", "the areas, the Department and the primes")
    if contents.seed is None:
        check.fault("programme.toml, seed", "nothing", "a whole number")
    check.finish()
    typed = tuple(row for row in agents.rows if row["status"] != GENERATED)
    return Inputs(Known(contents.book), contents.seed or 0, contents.book.groups, areas.rows, typed)


def participant_shares(inputs: Inputs) -> dict[str, float]:
    """Return the share of all participants in each area, by its number, to five decimals."""
    known = inputs.known
    primes = {row["number"]: len(inputs.primes_in(row["number"])) for row in inputs.areas}
    national = known.evidence("referrals_to_july_2012")
    share = {n: primes[n] * people / national for (n, _), people in known.below("referrals_to_july_2012").items()}
    for (n, who), outcomes in known.below("job_outcomes_to_july_2012").items():
        rate = known.evidence(f"outcome_rate_to_july_2012/{n}/{who}")
        share[n] = primes[n] * outcomes / rate / national
    for (n, _), people in known.below("referrals_2011_13").items():
        share[n] = primes[n] * people / known.evidence("referrals_to_june_2013")
    claimants = {n: known(f"claimants/{n}") for n in primes if n not in share}
    a4e = [n for n in primes if any(row["organisation"] == "A4e" for row in inputs.primes_in(n))]
    april, july = known.evidence("attachments_to_april_2012"), known.evidence("attachments_to_july_2012")
    of_all = known.evidence("attachments_to_june_2012/A4e") / (april + (july - april) * APRIL_TO_JUNE)
    wanted = of_all - sum(share[n] / primes[n] for n in a4e if n in share)
    scale = wanted / sum(claimants[n] / primes[n] for n in a4e if n not in share)
    share |= {n: claimants.pop(n) * scale for n in a4e if n not in share}
    scale = (1.0 - sum(share.values())) / sum(claimants.values())
    share |= {n: people * scale for n, people in claimants.items()}
    rounded = split(1.0, np.array([share[n] for n in primes]), 5)
    return dict(zip(primes, rounded.tolist(), strict=True))


def readiness_shifts(inputs: Inputs, shares: Mapping[str, float]) -> dict[str, float]:
    """Return by how much areas differ, in logits: what published rates say, shrunk; the rest drawn; mean zero."""
    known = inputs.known
    rates = known.below("outcome_rate_to_july_2012")
    seen: dict[str, list[float]] = {}
    for measure in ("outcome_rate_to_july_2012", "outcome_within_12_months"):
        for (n, _), rate in known.below(measure).items():
            seen.setdefault(n, []).append(float(logit(rate) - logit(known.evidence(measure))))
    between_contracts = float(logit(max(rates.values())) - logit(min(rates.values()))) / RANGE_OF_40
    of_areas = known("readiness_sd") ** 2
    of_primes = max(between_contracts**2 - of_areas, 0.0)
    shift = {n: float(np.mean(gaps)) * of_areas / (of_areas + of_primes / len(gaps)) for n, gaps in seen.items()}
    drawn = known("readiness_sd") * Draws(inputs.seed, "areas").normal(len(shares))
    others = {n: float(z) for n, z in zip(shares, drawn, strict=True) if n not in shift}
    mean = sum(shares[n] * value for n, value in {**shift, **others}.items())
    centred = mean / sum(shares[n] for n in others)
    return {n: round(shift[n] if n in shift else others[n] - centred, 4) for n in shares}


def contracts_held(inputs: Inputs, shares: Mapping[str, float]) -> list[Prime]:
    """Return the primes, area by area; an organisation works and pays alike wherever it has a contract."""
    known, total = inputs.known, inputs.known.evidence("referrals_total")
    names = sorted({row["organisation"] for row in inputs.agents if row["kind"] == "prime"})
    skill, share, fee = dict[str, float](), dict[str, float](), dict[str, float]()
    for k, name in enumerate(names):
        draws = Draws(inputs.seed, "organisations", k)
        skill[name] = round(float(np.exp(known("productivity_log_sd") * draws.normal(1)[0])), 3)
        share[name] = round(draws.triangular(*known.triangle("fixed_share")), 3)
        fee[name] = round(draws.triangular(*known.triangle("referral_fee_gbp")))
    return [
        Prime(
            row=row,
            number=number,
            people=total * of_area / len(inputs.primes_in(number)),
            productivity=skill[row["organisation"]],
            fixed_share=share[row["organisation"]],
            referral_fee_gbp=fee[row["organisation"]],
            draws=Draws(inputs.seed, "contracts", int(number), k),
        )
        for number, of_area in shares.items()
        for k, row in enumerate(inputs.primes_in(number))
    ]
