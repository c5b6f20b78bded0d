"""Plausible worlds: draw what nobody knows, let providers play, and keep the worlds that reproduce what was published.

This is history matching (Craig and others 1997; Williamson and others 2013): a world is ruled out when it is more than
three standard deviations from some fact, discrepancy of the model included, and nothing is claimed of how likely the
rest are against each other. So kept worlds weigh the same, unless somebody asks for more.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from typing import Final

import numpy as np

from pbr_opt.analysis.ensemble import Ensemble
from pbr_opt.analysis.national import national_equilibrium
from pbr_opt.analysis.nations import National, Nations
from pbr_opt.analysis.predictions import Kinds, inspect_facts, of_worlds, predict
from pbr_opt.analysis.sweep import SweepSettings, sweep
from pbr_opt.analysis.sweep_store import Columns
from pbr_opt.analysis.world_inputs import BLOCK, WorldInputs
from pbr_opt.errors import UnsupportedModelError
from pbr_opt.market.facts import Fact
from pbr_opt.quantities import BoolArray, FloatArray, Inspection

__all__ = ["CUTOFF", "WorldsQuestion", "in_blocks", "plausible_worlds"]

CUTOFF: Final = 3.0
"""Standard deviations: Pukelsheim's rule, which holds for any unimodal error at 95 per cent."""

_CELLS: Final = 10_000
"""Numbers in one array of a block of worlds, a segment at a time: the dozen arrays at work fit into the cache."""

_FACT: Final = "fact:"


def in_blocks(nations: Nations, inputs: WorldInputs, read: Callable[[National], Columns]) -> Columns:
    """Return what is read off the equilibria of many worlds, a block of them at a time.

    Parameters
    ----------
    nations : Nations
        Any number of worlds.
    inputs : WorldInputs
        Among whose contracts each is divided.
    read : callable
        From the equilibrium of a block to columns.
    """
    block = max(1, _CELLS // (nations.participants.shape[1] * inputs.contracts.share.size))
    parts = [
        read(national_equilibrium(nations.take(slice(k, k + block)), inputs.contracts, inputs.segments_per_group))
        for k in range(0, len(nations), block)
    ]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


@dataclass(frozen=True, eq=False)
class WorldsQuestion:
    """What a sweep asks of each draw: headline measures under the world's own tariff, and what it says of each fact.

    Parameters
    ----------
    inputs : WorldInputs
        What is drawn.
    facts : sequence of Fact
        What is predicted.
    seed : int
        Of the draws.

    Raises
    ------
    InvalidInputError
        Facts that no measure speaks to.
    """

    inputs: WorldInputs
    facts: tuple[Fact, ...]
    seed: int
    kinds: Kinds = field(init=False)

    def __post_init__(self) -> None:
        """Check the facts, and keep those that worlds speak to."""
        inspect_facts(self.facts, self.inputs.groups)
        object.__setattr__(self, "facts", of_worlds(self.facts))
        object.__setattr__(self, "kinds", Kinds.of_2011(self.inputs.groups))

    @property
    def fingerprint(self) -> str:
        """Return a hash of everything that an answer depends on but the number of the draw."""
        ids = [fact.id for fact in self.facts]
        return hashlib.sha256(repr((_version(), self.inputs.fingerprint, ids, self.seed)).encode()).hexdigest()

    def run(self, start: int, stop: int) -> Columns:
        """Return measures and predictions of some draws."""
        values = self.inputs.values(self.inputs.points(start, stop, self.seed))
        return in_blocks(self.inputs.nations(values), self.inputs, self._read)

    def _read(self, there: National) -> Columns:
        said = predict(there, self.facts, self.kinds)
        return there.measures() | {f"{_FACT}{fact.id}": said[:, k] for k, fact in enumerate(self.facts)}


def _version() -> str:
    """Return the version of this package: another one may answer otherwise."""
    try:
        return metadata.version("pbr_opt")
    except metadata.PackageNotFoundError:
        return "not installed"


def plausible_worlds(
    inputs: WorldInputs,
    facts: Sequence[Fact],
    draws: int = 65_536,
    seed: int = 2011,
    settings: SweepSettings | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Ensemble:
    """Draw worlds and keep those that no fact rules out.

    Parameters
    ----------
    inputs : WorldInputs
        What is uncertain, and the programme.
    facts : sequence of Fact
        Those that exclude are held against each world; the others are predicted for the scoreboard.
    draws : int, optional
        Worlds to draw.
    seed : int, optional
        Of the draws; the same seed gives the same worlds, and more draws keep the first ones.
    settings : SweepSettings, optional
        Where and in what pieces.
    progress : callable, optional
        Called with draws done and draws in all.

    Returns
    -------
    Ensemble
        The worlds that were kept, of equal weight, and what excluded the rest.

    Raises
    ------
    UnsupportedModelError
        When no world is left: the facts contradict the priors, or there were too few draws.

    Examples
    --------
    >>> from pbr_opt.programmes.facts import load_facts, load_priors
    >>> from pbr_opt.programmes.registry import load
    >>> inputs = WorldInputs(load("work_programme_2011"), load_priors("work_programme_2011"))
    >>> ensemble = plausible_worlds(inputs, load_facts("work_programme_2011"), draws=4096)
    >>> 5 < len(ensemble) < 100, bool((ensemble.implausibility <= CUTOFF).all())
    (True, True)
    """
    check = Inspection("plausible_worlds")
    seed, draws = check.whole("seed", seed, highest=2**63), check.whole("draws", draws, lowest=1, highest=10**15)
    if not isinstance(facts, (list, tuple)) or not all(isinstance(fact, Fact) for fact in facts):
        check.fault("facts", facts, "a list of Fact", "load_facts(programme), or [] to rule nothing out")
    check.finish()
    question = WorldsQuestion(inputs, tuple(facts), seed)
    tally = _Tally(question.facts)
    for chunk, columns in sweep(question, draws, settings, progress):
        tally.add(chunk.start, columns)
    kept = tally.kept
    if not kept.size:
        raise UnsupportedModelError(
            f"None of {draws:,} worlds is within {CUTOFF:g} standard deviations of every fact; {tally.blame}. Try more "
            "draws; if the nearest hardly moves, facts contradict each other or the priors: a larger tolerance, wider "
            "priors"
        )
    return Ensemble(
        inputs=inputs,
        facts=question.facts,
        draws=draws,
        seed=seed,
        number=kept,
        points=_points(inputs, kept, seed),
        predicted=tally.predicted,
        measures=tally.measures,
        excluded=tally.excluded,
        excluded_alone=tally.alone,
    )


def _points(inputs: WorldInputs, numbers: FloatArray, seed: int) -> FloatArray:
    """Return the points of some draws; nets are made once each."""
    whole = numbers.astype(np.int64)
    nets = np.unique(whole // BLOCK)
    parts = [
        inputs.points(net * BLOCK, (net + 1) * BLOCK, seed)[whole[whole // BLOCK == net] - net * BLOCK] for net in nets
    ]
    return np.concatenate(parts)


class _Tally:
    """Worlds kept so far, and what excluded the others."""

    def __init__(self, facts: Sequence[Fact]) -> None:
        self.facts = tuple(facts)
        self.excludes = np.array([fact.excludes for fact in facts], dtype=bool)
        self.excluded = np.zeros(len(self.facts))
        self.alone = np.zeros(len(self.facts))
        self.nearest = np.inf, ""
        self._numbers: list[FloatArray] = []
        self._columns: list[Columns] = []

    def add(self, start: int, columns: Columns) -> None:
        """Judge the worlds of a chunk."""
        away = np.zeros((next(iter(columns.values())).size, len(self.facts)))
        for k, fact in enumerate(self.facts):
            away[:, k] = fact.implausibility(columns[_FACT + fact.id])
        out = ~(away <= CUTOFF)  # what cannot be compared is not kept
        self._look_for_nearest(np.where(self.excludes, away, 0.0))
        binding: BoolArray = out & self.excludes
        self.excluded += out.sum(axis=0)
        count = binding.sum(axis=1)
        # alone: no other fact that excludes would have done it
        self.alone += (out & ((count[:, None] - binding) == 0)).sum(axis=0)
        rows = np.flatnonzero(count == 0)
        self._numbers.append(start + rows.astype(np.float64))
        self._columns.append({name: column[rows] for name, column in columns.items()})

    def _look_for_nearest(self, away: FloatArray) -> None:
        """Keep the world that lies nearest to the facts, by the one that it fits worst."""
        away = np.nan_to_num(away, nan=np.inf, posinf=np.inf)
        worst = away.max(axis=1, initial=0.0)
        if self.facts and worst.min() < self.nearest[0]:
            row = int(worst.argmin())
            self.nearest = float(worst[row]), self.facts[int(away[row].argmax())].id

    @property
    def blame(self) -> str:
        """Return why no world was kept: the fact that excludes most, and how near the nearest world comes."""
        most = int(np.argmax(np.where(self.excludes, self.excluded, -1.0)))
        distance, missed = self.nearest
        return (
            f"the fact that excludes most is {self.facts[most].id}, and the nearest world is {distance:.1f} of them "
            f"away from {missed}"
        )

    @property
    def kept(self) -> FloatArray:
        """Return the numbers of the worlds that were kept."""
        return np.concatenate(self._numbers)

    @property
    def predicted(self) -> FloatArray:
        """Return what they say of each fact, shape (worlds, facts)."""
        columns = [self._column(_FACT + fact.id) for fact in self.facts]
        return np.stack(columns, axis=1) if columns else np.zeros((self.kept.size, 0))

    @property
    def measures(self) -> dict[str, FloatArray]:
        """Return their headline measures."""
        return {name: self._column(name) for name in self._columns[0] if not name.startswith(_FACT)}

    def _column(self, name: str) -> FloatArray:
        return np.concatenate([columns[name] for columns in self._columns])
