"""A programme: who it is for, what it pays, under which terms, and how well its numbers are known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from pbr_opt.market.caseload import Caseload
from pbr_opt.market.central_case import CentralCase
from pbr_opt.market.evidence import Figure, Source, cited
from pbr_opt.market.rivalry import Rivalry
from pbr_opt.market.supply_chain import SupplyChain
from pbr_opt.market.tariffs import ContractTerms, Tariff
from pbr_opt.notebook import notebook_html
from pbr_opt.quantities import FloatArray, Inspection, label, nearest

__all__ = ["Programme"]


@dataclass(frozen=True, init=False, eq=False)
class Programme:
    """Everything an evaluation needs, frozen.

    Parameters
    ----------
    name : str
        For headings.
    caseload : Caseload
        Participants by segment.
    tariff : Tariff
        The programme's own list prices: the baseline.
    supply_chain : SupplyChain, optional
        Who delivers; without one a prime delivers everything itself.
    outcome_value_gbp : scalar, mapping by group, or array in the order of the caseload's groups, optional
        v, what an additional outcome is worth to society, GBP. None when nobody has said.
    discount_rate : float, optional
        Yearly; 0 means no discounting.
    terms : ContractTerms, optional
        Bid discount and attachment taper.
    minimum_service_gbp, mission_gbp, base_service_gbp : scalar, mapping or array by group, optional
        Verified service each participant must get, GBP per participant; what an outcome is worth to a provider beyond
        money, GBP per outcome; cost per head that is not discretionary, GBP per participant.
    group_names : mapping, optional
        Names of groups for tables.
    families : mapping of group to name, optional
        Groups that share figures; groups that are left out have no family.
    figures : sequence of Figure, optional
        The numbers with their status; see ``assumptions``.
    register : sequence of Source, optional
        The sources that figures may cite; see ``sources()``.
    central_case : CentralCase, optional
        The inputs from which the segments were derived, when they were.
    rivalry : Rivalry, optional
        What results do for the primes of a supply chain besides the tariff: shares that follow them, bonuses, levels.

    Raises
    ------
    InvalidInputError
        With every fault at once.

    Examples
    --------
    >>> people = Caseload(["a", "a", "b"], [100, 100, 50], [.3, .1, .05], [.5, .3, .2], 500)
    >>> programme = Programme("example", people, Tariff(["a", "b"], 400, [3000, 6000]), outcome_value_gbp=9000)
    >>> programme.effective_price_gbp().tolist()
    [3000.0, 3000.0, 6000.0]
    """

    name: str
    caseload: Caseload
    tariff: Tariff
    supply_chain: SupplyChain | None
    outcome_value_gbp: FloatArray | None
    discount_rate: float
    terms: ContractTerms
    minimum_service_gbp: FloatArray
    mission_gbp: FloatArray
    base_service_gbp: FloatArray
    group_names: Mapping[str, str]
    families: Mapping[str, str]
    figures: tuple[Figure, ...]
    register: tuple[Source, ...]
    central_case: CentralCase | None
    rivalry: Rivalry | None

    def __init__(  # noqa: PLR0913  # the spine of the package: everything else hangs on these
        self,
        name: str,
        caseload: Caseload,
        tariff: Tariff,
        supply_chain: SupplyChain | None = None,
        outcome_value_gbp: ArrayLike | Mapping[str, float] | None = None,
        discount_rate: float = 0.0,
        *,
        terms: ContractTerms | None = None,
        minimum_service_gbp: ArrayLike | Mapping[str, float] = 0.0,
        mission_gbp: ArrayLike | Mapping[str, float] = 0.0,
        base_service_gbp: ArrayLike | Mapping[str, float] = 0.0,
        group_names: Mapping[str, str] | None = None,
        families: Mapping[str, str] | None = None,
        figures: Sequence[Figure] = (),
        register: Sequence[Source] = (),
        central_case: CentralCase | None = None,
        rivalry: Rivalry | None = None,
    ) -> None:
        check = Inspection(f"Programme '{name}'")
        _inspect_types(check, caseload, tariff, supply_chain)
        if terms is not None and not isinstance(terms, ContractTerms):
            check.fault("terms", type(terms).__name__, "ContractTerms", "ContractTerms(bid_discount=0.06)")
        check.finish()
        groups = caseload.groups
        _inspect_groups(check, groups, tariff.groups, "tariff")
        _inspect_groups(check, groups, tuple(group_names or groups), "group_names")
        check.known(families or (), groups, "only payment groups of the caseload")
        values: dict[str, Any] = {
            "name": str(name),
            "caseload": caseload,
            "tariff": tariff,
            "supply_chain": supply_chain,
            "outcome_value_gbp": None
            if outcome_value_gbp is None
            else _by_group(check, "outcome_value_gbp", outcome_value_gbp, groups),
            "discount_rate": check.number("discount_rate", discount_rate, highest=10.0),
            "terms": terms or ContractTerms(),
            "minimum_service_gbp": _by_group(check, "minimum_service_gbp", minimum_service_gbp, groups),
            "mission_gbp": _by_group(check, "mission_gbp", mission_gbp, groups),
            "base_service_gbp": _by_group(check, "base_service_gbp", base_service_gbp, groups),
            "group_names": MappingProxyType(dict(group_names or {g: g for g in groups})),
            "families": MappingProxyType({g: name for g, name in (families or {}).items() if name}),
            "figures": tuple(figures),
            "register": tuple(register),
            "central_case": central_case,
            "rivalry": rivalry,
        }
        _inspect_rivalry(check, rivalry, supply_chain, groups)
        if supply_chain is not None and values["mission_gbp"].any():
            check.fault(
                "mission_gbp", "a mission for every provider", "missions of agents where there is a supply chain"
            )
        check.finish()
        for key, value in values.items():
            object.__setattr__(self, key, value)

    def replace(self, **changes: Any) -> Programme:  # noqa: ANN401  # each field has a type of its own
        """Return the programme with some fields changed, checked anew.

        >>> people = Caseload(["a"], 10, .1, .3, 500)
        >>> Programme("p", people, Tariff(["a"], 0, 1000)).replace(discount_rate=.035).discount_rate
        0.035
        """
        known = [item.name for item in fields(self)]
        check = Inspection(f"Programme '{self.name}'")
        for key in changes:
            if key not in known:
                check.fault(key, "a change", "a field of a programme", nearest(key, known))
        check.finish()
        return Programme(**({key: getattr(self, key) for key in known} | changes))

    def __reduce__(self) -> tuple[object, ...]:
        """Cross a process as its fields: a mapping that cannot be changed cannot be pickled either."""
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        return _rebuilt, ({k: dict(v) if isinstance(v, MappingProxyType) else v for k, v in values.items()},)

    def payable(self, tariff: Tariff | None = None) -> Tariff:
        """Return what is paid for list prices under the contract terms, in the order of the caseload's groups."""
        return self.terms.payable((tariff or self.tariff).aligned(self.caseload.groups))

    def effective_price_gbp(self, tariff: Tariff | None = None) -> FloatArray:
        """Return x per segment: what an outcome pays, discounts and expected sustainment included."""
        return self.payable(tariff).effective_price_gbp(self.caseload, self.discount_rate)

    def only(self, group: str) -> Programme:
        """Return the programme of one payment group alone.

        >>> people = Caseload(["a", "b"], [10, 20], .1, .3, 500)
        >>> Programme("p", people, Tariff(["a", "b"], 0, 1000)).only("b").caseload.total_participants
        20.0
        """
        rows = self.caseload.segments_of(group)
        at = self.caseload.groups.index(group)
        tariff = self.tariff.aligned(self.caseload.groups)
        value = self.outcome_value_gbp
        return self.replace(
            supply_chain=None,
            caseload=self.caseload.take(rows),
            tariff=tariff.take([at]),
            outcome_value_gbp=None if value is None else value[at : at + 1],
            minimum_service_gbp=self.minimum_service_gbp[at : at + 1],
            mission_gbp=self.mission_gbp[at : at + 1],
            base_service_gbp=self.base_service_gbp[at : at + 1],
            group_names={group: self.group_names[group]},
            families={group: self.families.get(group, "")},
            central_case=None,
            rivalry=None,
        )

    @property
    def assumptions(self) -> tuple[Figure, ...]:
        """Return every number that was not read in a source: derived, unconfirmed or assumed, with its range."""
        return tuple(figure for figure in self.figures if figure.status != "confirmed")

    def sources(self) -> tuple[Source, ...]:
        """Return every source that a figure or a row of the chain cites, in the order of the register."""
        chain = self.supply_chain
        texts = [figure.source for figure in self.figures]
        if chain is not None:
            texts += [row.source for rows in (chain.areas, chain.agents, chain.contracts.values()) for row in rows]
        keys = {key for text in texts for key in cited(text)}
        return tuple(source for source in self.register if source.key in keys)

    def __str__(self) -> str:
        """Return in a line what it is."""
        return f"{self.name}: {self._summary}"

    def __repr__(self) -> str:
        """Return the same: fields in full fill hundreds of screens."""
        return f"{type(self).__name__}\n{self}"

    @property
    def _summary(self) -> str:
        people, chain = self.caseload, self.supply_chain
        agents = "no supply chain" if chain is None else f"a supply chain of {len(chain.agents):,} agents"
        return (
            f"{people.total_participants:,.0f} participants in {len(people.groups)} payment groups, {len(people):,} "
            f"segments; {agents}; {len(self.assumptions)} numbers that nobody confirmed"
        )

    def _repr_html_(self) -> str:
        return notebook_html(self.name, [self._summary], self.tariff.aligned(self.caseload.groups).to_frame())


def _rebuilt(values: dict[str, Any]) -> Programme:
    return Programme(**values)


def _inspect_types(check: Inspection, caseload: object, tariff: object, supply_chain: object) -> None:
    if not isinstance(caseload, Caseload):
        check.fault("caseload", type(caseload).__name__, "a Caseload")
    if not isinstance(tariff, Tariff):
        check.fault("tariff", type(tariff).__name__, "a Tariff")
    if isinstance(supply_chain, SupplyChain) and isinstance(caseload, Caseload):
        _inspect_skills(check, supply_chain, caseload)
    elif supply_chain is not None:
        remedy = "SupplyChain.from_graph(graph)"
        check.fault("supply_chain", type(supply_chain).__name__, "a SupplyChain or None", remedy)


def _inspect_rivalry(check: Inspection, rivalry: object, chain: SupplyChain | None, groups: Sequence[str]) -> None:
    """Record a rivalry without primes, or one that does not fit them."""
    if rivalry is None:
        return
    if not isinstance(rivalry, Rivalry):
        check.fault("rivalry", type(rivalry).__name__, "a Rivalry or None", "Rivalry(RankShare(noise=0.01))")
    else:
        primes = {} if chain is None else {area.name: len(chain.primes_in(area.name)) for area in chain.areas}
        check.faults.extend(rivalry.faults(groups, primes))


def _inspect_skills(check: Inspection, chain: SupplyChain, caseload: Caseload) -> None:
    """Record skills for groups or segments that the caseload does not have."""
    for agent in chain.agents:
        for key in ("productivity", "ceiling_bonus"):
            value = getattr(agent, key)
            place = f"agent '{agent.name}'.{key}"
            if isinstance(value, tuple):
                named = [item[0] for item in value if isinstance(item, tuple)]
                for name in named:
                    if name not in caseload.groups:
                        wanted = "only payment groups of the caseload"
                        check.fault(place, f"group '{name}'", wanted, nearest(name, caseload.groups))
                if not named and len(value) != len(caseload):
                    check.fault(
                        place, f"{len(value)} numbers", f"one number, or one for each of {len(caseload)} segments"
                    )


def _inspect_groups(check: Inspection, groups: Sequence[str], given: Sequence[str], place: str) -> None:
    for name in groups:
        if name not in given:
            check.fault(place, f"nothing for group '{name}'", "an entry for every payment group of the caseload")
    for name in given:
        if name not in groups:
            check.fault(place, f"group '{name}'", "only payment groups of the caseload", nearest(name, groups))


def _by_group(
    check: Inspection, place: str, value: ArrayLike | Mapping[str, float], groups: Sequence[str]
) -> FloatArray:
    """Return money by group from a scalar, a mapping or an array in the order of the groups."""
    if isinstance(value, Mapping):
        _inspect_groups(check, groups, tuple(label(key) for key in value), place)
        named = {label(key): amount for key, amount in value.items()}
        value = np.array([named.get(name, 0.0) for name in groups])
    return check.money(place, value, len(groups))
