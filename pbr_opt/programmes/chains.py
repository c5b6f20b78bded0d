"""Read a supply chain from a folder: ``areas.csv``, ``agents.csv`` and ``contracts.csv``.

One row an area, an agent, a contract; columns are the attributes of :mod:`pbr_opt.market.agents` by their own names,
and a cell left blank has the default. Each row may say how well it is known. ``docs/data-supply-chain-2011.md``
describes every column. All faults are recorded, each with its file and line.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pbr_opt.errors import InvalidInputError
from pbr_opt.market.agents import EVIDENCE_TEXTS, KINDS, Agent, Area, Contract
from pbr_opt.market.evidence import ROW_STATUSES, cited
from pbr_opt.market.supply_chain import SupplyChain
from pbr_opt.programmes.layers import Layer
from pbr_opt.programmes.tables import Row, Table, TableForm, number_in
from pbr_opt.quantities import Inspection, nearest

__all__ = [
    "AGENTS",
    "AGENT_NUMBERS",
    "AGENT_TEXTS",
    "AREAS",
    "CHAIN",
    "CONTRACTS",
    "CONTRACT_NUMBERS",
    "PROFILES",
    "ChainReader",
]

CHAIN: Final = "chain"
"""Opens the ids of figures from which rows of a chain are generated."""

AGENT_NUMBERS: Final = ("fixed_cost_gbp", "working_capital_gbp", "cost_of_capital", "mission_gbp", "capacity")
AGENT_TEXTS: Final = ("area", "sector")
PROFILES: Final = ("productivity", "ceiling_bonus")
CONTRACT_NUMBERS: Final = (
    "share",
    "attachment_share",
    "management_fee_gbp",
    "referral_fee_gbp",
    "guaranteed_volume",
    "volume_share",
    "payment_lag_weeks",
    "least_share",
)

AREAS: Final = TableForm(
    "areas.csv", ("area", "participant_share"), ("number", "readiness_shift", *EVIDENCE_TEXTS), required=False
)
AGENTS: Final = TableForm(
    "agents.csv",
    ("agent", "kind"),
    ("organisation", "specialism", *AGENT_TEXTS, "delivers", *PROFILES, *AGENT_NUMBERS, *EVIDENCE_TEXTS),
    required=False,
)
CONTRACTS: Final = TableForm(
    "contracts.csv", ("payer", "payee"), ("contract", *CONTRACT_NUMBERS, *EVIDENCE_TEXTS), required=False
)

_WELL_SOURCED: Final = ("confirmed", "derived")
_YES_NO: Final[Mapping[str, bool]] = {"yes": True, "true": True, "no": False, "false": False}
_EVERY_OTHER: Final = "*"


@dataclass(frozen=True, slots=True)
class ChainReader:
    """Reads the chain of a programme.

    Attributes
    ----------
    check : Inspection
        Where faults are recorded.
    groups : tuple of str
        Payment groups that a productivity may name.
    keys : tuple of str
        Sources that rows may cite.
    """

    check: Inspection
    groups: tuple[str, ...]
    keys: tuple[str, ...]

    def read(self, layers: Sequence[Layer]) -> SupplyChain | None:
        """Return the chain of the nearest folder that has one; None when there is none, or one with faults."""
        for layer in layers:
            faults = len(self.check.faults)
            areas, agents, contracts = (layer.read(self.check, form) for form in (AREAS, AGENTS, CONTRACTS))
            if areas.present or agents.present or contracts.present:
                for form, table in ((AGENTS, agents), (CONTRACTS, contracts)):
                    if not table.present:
                        self.check.fault(layer.prefix + form.file, "no such file", "the file", "a chain needs it")
                return self._chain(areas, agents, contracts, faults)
        return None

    def _chain(self, areas: Table, agents: Table, contracts: Table, faults: int) -> SupplyChain | None:
        """Return the chain that three tables describe, or None when there were faults since the first of them."""
        for table, column in ((areas, "area"), (agents, "agent"), (contracts, "payee")):
            self._inspect_rows(table, column)
        players = [self._agent(row) for row in agents.rows]
        edges = [self._contract(row) for row in contracts.rows]
        places = [self._area(row) for row in areas.rows] or _equal_areas(players)
        if len(self.check.faults) > faults or not players:
            return None
        try:
            return SupplyChain(players, edges, places)
        except InvalidInputError as error:
            where = _where(areas, agents, contracts)
            for fault in error.faults:
                self.check.fault(where(fault.place), fault.given, fault.wanted, fault.remedy)
            return None

    def _inspect_rows(self, table: Table, column: str) -> None:
        """Record names that are blank or stand twice, and what is wrong with how well rows are known."""
        lines: dict[str, int] = {}
        for row in table.rows:
            name = row[column]
            if not name:
                self.check.fault(row.place(column), "nothing", "a name")
            elif name in lines:
                remedy = "make one agent for each contract that it holds" if column == "payee" else ""
                self.check.fault(
                    row.place(column), f"'{name}', as in line {lines[name]}", f"each {column} once", remedy
                )
            lines.setdefault(name, row.line)
            self._inspect_evidence(row)

    def _inspect_evidence(self, row: Row) -> None:
        status, keys = row["status"], cited(row["source"])
        if status and status not in ROW_STATUSES:
            self.check.fault(row.place("status"), status, "a status", nearest(status, ROW_STATUSES))
        for key in keys:
            if key not in self.keys:
                remedy = nearest(key, self.keys) if self.keys else "add it to sources.csv"
                self.check.fault(row.place("source"), key, "a key of sources.csv", remedy)
        if status in _WELL_SOURCED and not keys:
            self.check.fault(row.place("source"), "nothing", f"a source for a {status} row", "cite the page")

    def _area(self, row: Row) -> Area:
        numbers = self._numbers(row, ("participant_share", "readiness_shift"), needed="participant_share")
        values: dict[str, Any] = {"participant_share": 0.0, **numbers, **_evidence(row)}
        return Area(row["area"], **values)

    def _agent(self, row: Row) -> Agent:
        kind = row["kind"]
        if kind not in KINDS:
            self.check.fault(row.place("kind"), kind or "nothing", "a kind", nearest(kind, KINDS))
        values: dict[str, Any] = self._numbers(row, AGENT_NUMBERS)
        values |= {name: row[name] for name in AGENT_TEXTS if row[name]}
        values |= {name: self._profile(row, name) for name in PROFILES if row[name]}
        if row["delivers"]:
            values["delivers"] = self._yes_or_no(row, "delivers")
        return Agent(row["agent"], kind, **values, **_evidence(row))

    def _contract(self, row: Row) -> Contract:
        values: dict[str, Any] = self._numbers(row, CONTRACT_NUMBERS)
        if row["contract"]:
            values["form"] = row["contract"]
        return Contract(row["payer"], row["payee"], **values, **_evidence(row))

    def _numbers(self, row: Row, columns: Sequence[str], needed: str = "") -> dict[str, float]:
        """Return the cells that are filled; those that are no numbers are faults."""
        filled = [name for name in columns if row[name] or name == needed]
        found = {name: number_in(self.check, row, name) for name in filled}
        return {name: number for name, number in found.items() if number is not None}

    def _yes_or_no(self, row: Row, column: str) -> bool:
        answer = _YES_NO.get(row[column].lower())
        if answer is None:
            self.check.fault(row.place(column), row[column], "yes or no")
        return answer is not False

    def _profile(self, row: Row, column: str) -> float | tuple[float, ...] | tuple[tuple[str, float], ...]:
        """Return one number, one a segment from ``1.6; 0.8; 1``, or one a group from ``4=1.6; 5=1.6; *=0.8``."""
        if "=" not in row[column]:
            parts = [
                Row(row.file, row.line, {column: part.strip()}, row.cell_places) for part in row[column].split(";")
            ]
            numbers = tuple(number_in(self.check, part, column) or 0.0 for part in parts)
            return numbers[0] if len(numbers) == 1 else numbers
        said: dict[str, float] = {}
        for part in (part for part in row[column].split(";") if part.strip()):
            group, _, text = (word.strip() for word in part.partition("="))
            if group != _EVERY_OTHER and group not in self.groups:
                known = (*self.groups, _EVERY_OTHER)
                self.check.fault(row.place(column), group or "nothing", "a payment group", nearest(group, known))
            elif group in said:
                self.check.fault(row.place(column), f"'{group}' twice", "each payment group once")
            number = number_in(self.check, Row(row.file, row.line, {column: text}, row.cell_places), column)
            said[group] = 0.0 if number is None else number
        if _EVERY_OTHER not in said:
            return tuple(said.items())
        return tuple((group, said.get(group, said[_EVERY_OTHER])) for group in self.groups)


def _evidence(row: Row) -> dict[str, Any]:
    """Return how well a row is known."""
    return {name: row[name] for name in EVIDENCE_TEXTS}


def _equal_areas(agents: Sequence[Agent]) -> list[Area]:
    """Return the areas that primes name, each with the same share of participants."""
    named = list(dict.fromkeys(agent.area for agent in agents if agent.kind == "prime"))
    return [Area(name, 1.0 / len(named)) for name in named]


def _where(areas: Table, agents: Table, contracts: Table) -> Callable[[str], str]:
    """Return how places of a chain, ``agent 'A4e'.sector``, read with file and line."""
    rows = {f"area '{row['area']}'": row for row in areas.rows}
    rows |= {f"agent '{row['agent']}'": row for row in agents.rows}
    rows |= {f"contract '{row['payer']}' -> '{row['payee']}'": row for row in contracts.rows}
    files = {"areas": areas, "agents": agents, "contracts": contracts}

    def translate(place: str) -> str:
        if place in rows:
            return rows[place].place()
        owner, _, column = place.rpartition(".")
        if owner in rows:
            return rows[owner].place(column)
        table = files.get(place)
        return table.rows[0].file if table is not None and table.rows else place

    return translate
