"""From a point of the unit cube to worlds: what every input is in each of them.

Draws come in blocks of :data:`BLOCK` points. Block j is a scrambled Sobol net of its own, whose scrambling is seeded by
the j-th child of the seed: draw number i is the same whoever computes it, in whatever order and chunks.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Final

import numpy as np

from pbr_opt.analysis.nations import Contracts, Nations, require_plain
from pbr_opt.analysis.prior_checks import inspect_priors
from pbr_opt.errors import UnsupportedModelError
from pbr_opt.market.facts import Prior
from pbr_opt.market.figure_book import FigureBook
from pbr_opt.market.programme import Programme
from pbr_opt.quantities import FloatArray, Inspection, frozen

__all__ = ["BLOCK", "WorldInputs", "sobol_points"]

BLOCK: Final = 1024
"""Points of one net: a power of two, as Sobol nets want; a block of a national sweep takes well under a second."""

_CHAIN_DEFAULTS: Final = {"pass_through": 1.0, "tier1_share": 0.0, "working_capital_gbp": np.inf}
_YEARLY: Final = ("attachment_taper", "intake_share")
_SUMS: Final = ("participants", "intake_share")


def sobol_points(dimensions: int, start: int, stop: int, seed: int) -> FloatArray:
    """Return quasi-random points of the unit cube by their numbers, shape (stop - start, dimensions).

    >>> whole = sobol_points(3, 1000, 1100, 7)
    >>> np.array_equal(whole[30:], sobol_points(3, 1030, 1100, 7))
    True
    """
    from scipy.stats import qmc  # slow to import

    parts = []
    for block in range(start // BLOCK, -(-stop // BLOCK)):
        child = np.random.SeedSequence(seed, spawn_key=(block,))
        net = qmc.Sobol(dimensions, scramble=True, seed=np.random.default_rng(child)).random(BLOCK)
        first = block * BLOCK
        parts.append(net[max(start - first, 0) : stop - first])
    return np.concatenate(parts) if parts else np.zeros((0, dimensions))


@dataclass(frozen=True, init=False, eq=False)
class WorldInputs:
    """The uncertain inputs of a programme, and what else its worlds need.

    Parameters
    ----------
    programme : Programme
        With a central case. One with a supply chain is divided among its prime contracts, each with the end-to-end
        subcontractors that ``tier1_share`` and ``pass_through`` say, and without specialists.
    priors : sequence of Prior
        One an input; every other input keeps the figure's value.

    Raises
    ------
    UnsupportedModelError
        Without a central case; with a minimum service, an accelerator or a sustainment window.
    InvalidInputError
        A prior that is no input, moves nothing or has ends that make no sense, or none of ``uplift``; all at once.

    Examples
    --------
    >>> from pbr_opt.market.central_case import CentralCase
    >>> from pbr_opt.market.tariffs import Tariff
    >>> from pbr_opt.analysis.calibration import derive_caseload
    >>> case = CentralCase(["1"], 1000, 0.30, 0.364, response_scale_gbp=250, spread=1.2)
    >>> tariff = Tariff(["1"], 400, 3000)
    >>> programme = Programme("p", derive_caseload(case, tariff), tariff, central_case=case)
    >>> inputs = WorldInputs(programme, [Prior("uplift", 0.5, 1.0), Prior("spread", 0.8, 1.6)])
    >>> inputs.values(np.array([[0.0, 0.5]]))["spread"].round(6).tolist()
    [1.2]
    """

    programme: Programme
    priors: tuple[Prior, ...]
    contracts: Contracts
    segments_per_group: int

    def __init__(self, programme: Programme, priors: Sequence[Prior]) -> None:
        case = programme.central_case
        if case is None:
            raise UnsupportedModelError(
                f"{programme.name} has no central case: its segments were given and not derived, and worlds vary the "
                "derivation. Try a programme with a [central_case] in its TOML file"
            )
        if programme.minimum_service_gbp.any():
            raise UnsupportedModelError(f"{programme.name} has a minimum service, which worlds leave out")
        require_plain(programme.tariff)
        object.__setattr__(self, "programme", programme)
        object.__setattr__(self, "priors", tuple(priors))
        object.__setattr__(self, "segments_per_group", case.segments_per_group)
        object.__setattr__(self, "contracts", _contracts(programme))
        self._inspect()

    def __reduce__(self) -> tuple[type[WorldInputs], tuple[Programme, tuple[Prior, ...]]]:
        """Cross a process as what they were made of."""
        return type(self), (self.programme, self.priors)

    def _inspect(self) -> None:
        check = Inspection(f"Priors for '{self.programme.name}'")
        labels = (*self.groups, *dict.fromkeys(self._book.families.values()))
        inspect_priors(check, self.priors, labels, self.programme.terms.intake_share.size)
        ids = [prior.id for prior in self.priors]
        for twice in sorted({name for name in ids if ids.count(name) > 1}):
            check.fault(twice, "two priors", "one prior an input")
        if "uplift" not in ids:
            check.fault(
                "uplift",
                "no prior",
                "how far support can move people, logits",
                "Prior('uplift', 0.15, 2, 'log'), in files a row of priors.csv",
            )
        if self.programme.supply_chain is None:
            for name in sorted(set(ids) & set(_CHAIN_DEFAULTS)):
                check.fault(name, "a prior", "inputs that a programme without a supply chain has", "leave it out")
        check.finish()
        for name in self._idle():
            check.fault(name, "a prior", "an input that some world depends on", "another place after its '/', or none")
        check.finish()

    def _idle(self) -> list[str]:
        """Return the inputs that move nothing: each is moved alone, and worlds are compared.

        Sums that are known leave nothing to move where there is a single part: those are not looked at.
        """
        count = len(self.priors)
        points = np.full((count + 1, count), 0.25) + 0.5 * np.eye(count + 1, count, -1)
        there = self.nations(self.values(points))
        columns = [np.asarray(getattr(there, item.name)).reshape(count + 1, -1) for item in fields(there)]
        moved = np.any([(column[1:] != column[0]).any(axis=1) for column in columns], axis=0)
        free = (p.low < p.high and p.shape != "keeps_maximum" and p.id.split("/")[0] not in _SUMS for p in self.priors)
        return [p.id for p, is_free, moves in zip(self.priors, free, moved, strict=True) if is_free and not moves]

    @property
    def ids(self) -> tuple[str, ...]:
        """Return the ids of the uncertain inputs, in the order of the columns of a point."""
        return tuple(prior.id for prior in self.priors)

    @property
    def fingerprint(self) -> str:
        """Return a hash of everything that a world depends on but the number of its draw."""
        programme, contracts = self.programme, self.contracts
        fixed = [
            *(getattr(programme.tariff.aligned(self.groups), name) for name in _TARIFF_COLUMNS),
            programme.terms.attachment_taper,
            programme.terms.intake_share,
            programme.caseload.group_participants,
            programme.mission_gbp,
            *(getattr(contracts, name) for name in ("share", "readiness_shift", "productivity")),
        ]
        numbers = [[float(value) for value in column] for column in fixed]
        figures = [(figure.id, figure.value) for figure in programme.figures]
        priors = [(prior.id, prior.low, prior.high, prior.shape) for prior in self.priors]
        single = (programme.discount_rate, programme.terms.bid_discount, self.segments_per_group, BLOCK)
        text = repr((priors, figures, numbers, single, self.groups))
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def groups(self) -> tuple[str, ...]:
        """Return the payment groups in order."""
        return self.programme.caseload.groups

    def points(self, start: int, stop: int, seed: int) -> FloatArray:
        """Return the draws with these numbers, shape (stop - start, inputs), as points of the unit cube."""
        return sobol_points(len(self.priors), start, stop, seed)

    def values(self, points: FloatArray) -> dict[str, FloatArray]:
        """Return every uncertain input by id, shape (draws,), as it goes into the equilibrium.

        Participants are scaled to the programme's total and intake shares to 1; a fee that ``keeps_maximum`` follows
        the number of payments.
        """
        drawn = {prior.id: prior.at(points[:, k]) for k, prior in enumerate(self.priors)}
        book = self._book
        for prior in self.priors:
            if prior.shape == "keeps_maximum":
                group = prior.id.split("/")[1]
                number = f"tariff/{group}/sustainment_max"
                most = book.figures[prior.id].value * book.figures[number].value
                drawn[prior.id] = most / drawn.get(number, np.full(len(points), book.figures[number].value))
        for name, places, total in (
            ("participants", self.groups, self.programme.caseload.total_participants),
            ("intake_share", self._years, 1.0),
        ):
            self._scale_to(drawn, name, places, total)
        return drawn

    def nations(self, values: Mapping[str, FloatArray]) -> Nations:
        """Return the worlds that values of the inputs make."""
        size = len(next(iter(values.values())))
        observed = self._by_group(values, "observed_rate", size)
        columns = {name: self._by_group(values, name, size) for name in _GROUP_COLUMNS}
        columns |= {name: self._cells(values, name, size) for name in _TARIFF_COLUMNS}
        single = {name: self._single(values, name, size) for name in ("bid_discount", "discount_rate", "mission_gbp")}
        single |= {name: values.get(name, np.full(size, default)) for name, default in _CHAIN_DEFAULTS.items()}
        uplift = np.stack([values["uplift"] * values.get(f"uplift_factor/{g}", 1.0) for g in self.groups], axis=1)
        return Nations(
            **columns,
            **single,
            uplift=uplift,
            deadweight_rate=self._deadweight(values, observed, size),
            attachment_share=self._attachment_share(values, size),
        )

    @cached_property
    def _book(self) -> FigureBook:
        case = self.programme.central_case
        assert case is not None  # the constructor has seen to it
        return FigureBook(self.programme.figures, dict(zip(case.groups, case.families, strict=True)))

    @property
    def _years(self) -> tuple[str, ...]:
        return tuple(str(year) for year in range(1, self.programme.terms.intake_share.size + 1))

    def _scale_to(self, drawn: dict[str, FloatArray], name: str, places: Sequence[str], total: float) -> None:
        """Scale inputs of one name so that they add up to what is known of their sum."""
        moving = [f"{name}/{place}" for place in places if f"{name}/{place}" in drawn]
        if not moving:
            return
        fixed = sum(self._constant(name, place) for place in places if f"{name}/{place}" not in drawn)
        factor = (total - fixed) / np.stack([drawn[key] for key in moving], axis=-1).sum(axis=-1)
        drawn |= {key: drawn[key] * factor for key in moving}

    def _constant(self, name: str, place: str = "") -> float:
        """Return what the programme says of an input where no draw does."""
        if name in _YEARLY:
            return float(getattr(self.programme.terms, name)[int(place) - 1])
        if name == "participants":
            return float(self.programme.caseload.group_participants[self.groups.index(place)])
        number = self._book.number(name, place)
        case = self.programme.central_case
        if number is None and case is not None and hasattr(case, name):
            number = float(getattr(case, name)[case.groups.index(place)])
        if number is None:
            fallback = getattr(self.programme, name, None)
            number = float(fallback[self.groups.index(place)]) if isinstance(fallback, np.ndarray) else 0.0
        return number

    def _by_group(self, values: Mapping[str, FloatArray], name: str, size: int) -> FloatArray:
        """Return an input, shape (draws, groups): what was drawn for the group, its family or all, else the figure."""
        families = self._book.families
        columns = []
        for group in self.groups:
            keys = (f"{name}/{group}", f"{name}/{families.get(group, '')}", name)
            drawn = next((key for key in keys if key in values), None)
            own = drawn == name and self._book.figures.keys() & set(keys[:2])
            columns.append(values[drawn] if drawn and not own else np.full(size, self._constant(name, group)))
        return np.stack([np.broadcast_to(column, size) for column in columns], axis=1)

    def _deadweight(self, values: Mapping[str, FloatArray], observed: FloatArray, size: int) -> FloatArray:
        """Return mean p0: the drawn level, or the drawn ratio times the observed rate."""
        columns = []
        for k, group in enumerate(self.groups):
            level, ratio = f"deadweight_rate/{group}", f"deadweight_ratio/{group}"
            if level in values or (ratio not in values and self._book.number("deadweight_ratio", group) is None):
                columns.append(values.get(level, np.full(size, self._constant("deadweight_rate", group))))
            else:
                columns.append(observed[:, k] * values.get(ratio, self._constant("deadweight_ratio", group)))
        return np.stack(columns, axis=1)

    def _cells(self, values: Mapping[str, FloatArray], column: str, size: int) -> FloatArray:
        listed = getattr(self.programme.tariff.aligned(self.groups), column)
        keys = [f"tariff/{group}/{column}" for group in self.groups]
        return np.stack([values.get(key, np.full(size, float(listed[k]))) for k, key in enumerate(keys)], axis=1)

    def _single(self, values: Mapping[str, FloatArray], name: str, size: int) -> FloatArray:
        if name in values:
            return values[name]
        if name == "mission_gbp":
            return np.full(size, float(self.programme.mission_gbp.mean()))
        terms = {"bid_discount": self.programme.terms.bid_discount, "discount_rate": self.programme.discount_rate}
        return np.full(size, terms[name])

    def _attachment_share(self, values: Mapping[str, FloatArray], size: int) -> FloatArray:
        taper, intake = (
            np.stack([self._yearly(values, name, year, size) for year in self._years], axis=-1) for name in _YEARLY
        )
        return np.asarray((taper * intake).sum(axis=-1))

    def _yearly(self, values: Mapping[str, FloatArray], name: str, year: str, size: int) -> FloatArray:
        return values.get(f"{name}/{year}", np.full(size, self._constant(name, year)))


_GROUP_COLUMNS: Final = (
    "participants",
    "spread",
    "response_scale_gbp",
    "curvature",
    "exit_hazard",
    "outcome_value_gbp",
    "base_service_gbp",
)
_TARIFF_COLUMNS: Final = ("attachment_fee_gbp", "outcome_fee_gbp", "sustainment_fee_gbp", "sustainment_max")


def _contracts(programme: Programme) -> Contracts:
    """Return the prime contracts of a chain, or the nation as one where there is none."""
    chain = programme.supply_chain
    if chain is None:
        return Contracts.one()
    rows = []
    for area in chain.areas:
        for agent in chain.payees(chain.department.name):
            if agent.area == area.name:
                skill = agent.productivity if isinstance(agent.productivity, float) else 1.0
                share = area.participant_share * chain.area_share(agent.name)
                rows.append((share, area.readiness_shift, skill))
    shares, shifts, skills = (frozen(column) for column in zip(*rows, strict=True))
    return Contracts(frozen(shares / shares.sum()), shifts, skills)
