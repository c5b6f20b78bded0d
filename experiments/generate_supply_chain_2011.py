"""Generate the supply chain of the 2011 Work Programme: 18 areas, 40 contracts, 1,099 subcontracts.

Claim
    A chain drawn from one seed has every count that was published: 40 contracts of 18 primes (three voluntary, two
    public), 1,099 subcontracts of which 508 voluntary, just over 40 % of tier 1 and just under 50 % of tier 2, fifteen
    of CDG in East London (nine of them charities), eight of NCG in North East Yorkshire; areas have the referrals that
    were published for some of their primes.
Method
    Text cells of ``areas.csv`` and of the rows of ``agents.csv`` that are not marked ``generated`` (the Department and
    the primes) are inputs and stay as they are. Their numbers, every generated row, and ``contracts.csv`` are computed
    from ``figures.csv`` and the seed of ``programme.toml``. Each purpose has a stream of its own
    (``numpy.random.SeedSequence`` with a spawn key), so that a change of one figure does not reshuffle the rest. Only
    uniform numbers are drawn, and turned by inverse distribution functions: of other methods numpy promises nothing
    from version to version. docs/data-supply-chain-2011.md explains each step and what is weak about it.
Data
    ``pbr_opt/programmes/work_programme_2011_chain``: ``programme.toml``, ``figures.csv``, ``sources.csv``, what is
    input of ``areas.csv`` and ``agents.csv``; and ``work_programme_2011``, its base.
Command
    python experiments/generate_supply_chain_2011.py            rewrites the three files of the chain
    python experiments/generate_supply_chain_2011.py --check    compares with the files; exit code 4 if they differ
Verdict
    Holds: the counts are printed, and held by tests/reference/test_supply_chain_2011.py.
"""

from __future__ import annotations

import argparse
import csv
import io
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np
from supply_chain_2011_areas import (
    GENERATED,
    Draws,
    Inputs,
    Known,
    Prime,
    apportioned,
    contracts_held,
    participant_shares,
    read_inputs,
    readiness_shifts,
    split,
)

import pbr_opt.programmes
from pbr_opt.errors import InvalidInputError
from pbr_opt.programmes.chains import AGENTS, AREAS, CONTRACTS

FOLDER: Final = Path(next(iter(pbr_opt.programmes.__path__))) / "work_programme_2011_chain"
BAD_INPUT: Final = 2
CHECK_FAILED: Final = 4

AREA_COLUMNS: Final = ("number", "area", "participant_share", "readiness_shift", "status", "source", "note")
AGENT_NUMBERS: Final = ("productivity", "fixed_cost_gbp", "working_capital_gbp", "cost_of_capital", "mission_gbp")
AGENT_TEXTS: Final = ("agent", "kind", "organisation", "area", "sector", "specialism")
AGENT_COLUMNS: Final = (*AGENT_TEXTS, *AGENT_NUMBERS, "status", "source", "note")
CONTRACT_NUMBERS: Final = ("share", "attachment_share", "referral_fee_gbp", "volume_share", "payment_lag_weeks")
CONTRACT_COLUMNS: Final = ("payer", "payee", "contract", *CONTRACT_NUMBERS, "status", "source")

SERVED: Final = {"health": ("4", "5", "6", "7", "8"), "young": ("1",), "prison leavers": ("9",)}
"""Payment groups that a specialist is there for."""

Pair: TypeAlias = tuple[dict[str, object], dict[str, object]]
"""A row of ``agents.csv`` and the row of ``contracts.csv`` of whoever pays it."""


def tier_counts(inputs: Inputs, primes: Sequence[Prime]) -> list[tuple[int, int]]:
    """Return how many subcontractors of tier 1 and tier 2 each contract has."""
    known = inputs.known
    pinned = {key: int(n) for key, n in known.below("subcontracts").items() if len(key) == 2}
    spread = known("subcontracts_log_sd") * Draws(inputs.seed, "counts").normal(len(primes))
    weights = np.sqrt([prime.people for prime in primes]) * np.exp(spread)
    weights[[prime.key in pinned for prime in primes]] = 0.0
    total = int(known.evidence("subcontracts"))
    count = apportioned(total - sum(pinned.values()), weights)
    count = [pinned.get(prime.key, n) for prime, n in zip(primes, count, strict=True)]
    one, two = known("voluntary_share/tier1"), known("voluntary_share/tier2")
    tier1 = round((two * total - known.evidence("subcontracts/voluntary")) / (two - one))
    first = apportioned(tier1, np.array(count, dtype=np.float64))
    return [(n, both - n) for n, both in zip(first, count, strict=True)]


def sectors(inputs: Inputs, primes: Sequence[Prime], counts: Sequence[tuple[int, int]]) -> list[list[list[str]]]:
    """Return the sector of every subcontractor, by tier and contract."""
    known, ends = inputs.known, np.array(counts).sum(axis=0)
    voluntary = [round(known("voluntary_share/tier1") * ends[0])]
    voluntary.append(int(known.evidence("subcontracts/voluntary")) - voluntary[0])
    of_prime = {key[:2]: int(n) for key, n in known.below("subcontracts").items() if len(key) == 3}
    pinned = {key: apportioned(n, np.array(counts[_at(primes, key)], dtype=float)) for key, n in of_prime.items()}
    answer = []
    for tier in (0, 1):
        owner = np.repeat(np.arange(len(primes)), [count[tier] for count in counts])
        order = np.argsort(Draws(inputs.seed, "sectors", tier).uniform(owner.size), kind="stable")
        found = np.full(owner.size, "private", dtype=object)
        free = np.ones(owner.size, dtype=bool)
        for key, numbers in pinned.items():
            here = [k for k in order if owner[k] == _at(primes, key)]
            found[here[: numbers[tier]]], free[here] = "voluntary", False
        elsewhere = [k for k in order if free[k]]
        left = voluntary[tier] - sum(numbers[tier] for numbers in pinned.values())
        found[elsewhere[:left]] = "voluntary"
        found[elsewhere[left : left + round(known("public_share") * owner.size)]] = "public"
        answer.append([found[owner == k].tolist() for k in range(len(primes))])
    return answer


def _at(primes: Sequence[Prime], key: tuple[str, ...]) -> int:
    return [prime.key for prime in primes].index((key[0], key[1]))


@dataclass(frozen=True)
class Drawing:
    """Turns a contract into rows of ``agents.csv`` and ``contracts.csv``."""

    known: Known
    groups: tuple[str, ...]

    def agent(self, texts: Mapping[str, str], productivity: float | str, people: float | None) -> dict[str, object]:
        """Return a row of an agent: what its sector and its tier say of it, for those it expects to serve."""
        known, sector = self.known, texts["sector"]
        capital = known("working_capital_gbp") * known(f"working_capital_factor/{sector}")
        return {
            **texts,
            "productivity": productivity,
            "fixed_cost_gbp": known(f"fixed_cost_gbp/{texts['kind']}"),
            "working_capital_gbp": "" if people is None else round(capital * people, -3),
            "cost_of_capital": known(f"cost_of_capital/{sector}"),
            "mission_gbp": known(f"mission_gbp/{sector}") or "",
        }

    def prime(self, prime: Prime) -> Pair:
        """Return a prime and its contract with the Department."""
        itself = prime.people * (1.0 - self.known("tier1_share"))
        texts = {name: prime.row[name] for name in AGENT_COLUMNS if name not in AGENT_NUMBERS}
        edge = {"payee": prime.name, "payment_lag_weeks": self.known("payment_lag_weeks/prime")}
        evidence = {name: prime.row[name] for name in ("status", "source")}
        return self.agent(texts, prime.productivity, itself), {**edge, **evidence}

    def tier1(self, prime: Prime, sector: Sequence[str]) -> list[Pair]:
        """Return a prime's end-to-end subcontractors and their contracts."""
        known, size = self.known, len(sector)
        weights = np.exp(known("tier1_size_log_sd") * prime.draws.normal(size))
        shares = split(known("tier1_share"), weights, 4)
        skill = np.exp(known("productivity_log_sd") * prime.draws.normal(size))
        answer = []
        for k in range(size):
            texts = _generated(f"{prime.name}, end-to-end {k + 1:02}", "tier1", sector[k])
            terms = {
                "payer": prime.name,
                "contract": "fixed_share",
                "share": prime.fixed_share,
                "attachment_share": known("attachment_share/tier1"),
                "volume_share": float(shares[k]),
            }
            skilled = round(float(skill[k]), 3)
            answer.append(self._pair(texts, skilled, prime.people * float(shares[k]), terms))
        return answer

    def tier2(self, prime: Prime, sector: Sequence[str], above: Sequence[str]) -> list[Pair]:
        """Return the specialists below a prime, some of them below its end-to-end subcontractors."""
        known, size = self.known, len(sector)
        chances = np.array([known(f"specialists/{name}") for name in SERVED])
        special = np.searchsorted(np.cumsum(chances / chances.sum())[:-1], prime.draws.uniform(size))
        skill = np.exp(known("specialist_productivity_log_sd") * prime.draws.normal(size))
        under, which, by_piece = (prime.draws.uniform(size) for _ in range(3))
        numbered: Counter[str] = Counter()
        answer = []
        for k in range(size):
            name = list(SERVED)[special[k]]
            numbered[name] += 1
            texts = _generated(f"{prime.name}, {name} {numbered[name]:02}", "tier2", sector[k], name)
            below = under[k] < known("tier2_under_tier1") and len(above) > 0
            terms: dict[str, object] = {
                "payer": above[int(which[k] * len(above))] if below else prime.name,
                "attachment_share": known("attachment_share/tier2"),
                "referral_fee_gbp": prime.referral_fee_gbp,
            }
            paid = {"contract": "fixed_share", "share": prime.fixed_share}
            terms |= {"contract": "piece_rate"} if by_piece[k] < known("piece_rate_share") else paid
            skilled = self._profile(name, 1.0 + (known("specialist_productivity") - 1.0) * float(skill[k]))
            answer.append(self._pair(texts, skilled, None, terms))
        return answer

    def _profile(self, name: str, skill: float) -> str:
        served = "; ".join(f"{group}={skill:.2f}" for group in SERVED[name] if group in self.groups)
        return f"{served}; *={self.known('elsewhere_productivity'):g}"

    def _pair(
        self, texts: Mapping[str, str], productivity: float | str, people: float | None, terms: Mapping[str, object]
    ) -> Pair:
        lag = self.known(f"payment_lag_weeks/{texts['kind']}")
        edge = {"payee": texts["agent"], "payment_lag_weeks": lag, **terms, "status": GENERATED}
        return self.agent(texts, productivity, people), edge


def _generated(name: str, kind: str, sector: str, specialism: str = "") -> dict[str, str]:
    return {"agent": name, "kind": kind, "sector": sector, "specialism": specialism, "status": GENERATED}


def generate(inputs: Inputs) -> dict[str, str]:
    """Return the text of each file of the chain."""
    shares = participant_shares(inputs)
    shifts = readiness_shifts(inputs, shares)
    primes = contracts_held(inputs, shares)
    counts = tier_counts(inputs, primes)
    first, second = sectors(inputs, primes, counts)
    drawing = Drawing(inputs.known, inputs.groups)
    (department,) = (row for row in inputs.agents if row["kind"] == "department")
    rows: list[Pair] = []
    for k, prime in enumerate(primes):
        agent, edge = drawing.prime(prime)
        end_to_end = drawing.tier1(prime, first[k])
        above = [str(sub["agent"]) for sub, _ in end_to_end]
        rows += [(agent, {"payer": department["agent"], **edge}), *end_to_end]
        rows += drawing.tier2(prime, second[k], above)
    numbers = [
        {"participant_share": shares[row["number"]], "readiness_shift": shifts[row["number"]]} for row in inputs.areas
    ]
    areas = [{**row.cells, **more} for row, more in zip(inputs.areas, numbers, strict=True)]
    return {
        AREAS.file: _text(AREA_COLUMNS, areas),
        AGENTS.file: _text(AGENT_COLUMNS, [dict(department.cells), *(agent for agent, _ in rows)]),
        CONTRACTS.file: _text(CONTRACT_COLUMNS, [edge for _, edge in rows]),
    }


def _text(columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> str:
    """Return a table; columns that a row lacks are blank."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        cells = (row.get(name, "") for name in columns)
        writer.writerow([f"{cell:.10g}" if isinstance(cell, float) else cell for cell in cells])
    return text.getvalue()


def _report(texts: Mapping[str, str]) -> None:
    """Print the counts."""
    for row in csv.DictReader(io.StringIO(texts[AREAS.file])):
        print(
            f"{row['number']:>2} {row['area']:<56} {float(row['participant_share']):7.3%} {row['readiness_shift']:>8}"
        )
    agents = list(csv.DictReader(io.StringIO(texts[AGENTS.file])))
    for kind in ("prime", "tier1", "tier2"):
        of_kind = [row for row in agents if row["kind"] == kind]
        parts = Counter(row["sector"] for row in of_kind), Counter(row["status"] for row in of_kind)
        print(
            f"{kind}: {len(of_kind)}; " + "; ".join(f"{n} {word}" for part in parts for word, n in sorted(part.items()))
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """Generate, then write or compare; return the exit code."""
    parser = argparse.ArgumentParser(description="Generate the supply chain of the 2011 Work Programme.")
    parser.add_argument("--check", action="store_true", help="compare with the files instead of writing them")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="the programme folder")
    chosen = parser.parse_args(arguments)
    try:
        texts = generate(read_inputs(chosen.folder))
    except InvalidInputError as error:
        print(error, file=sys.stderr)
        return BAD_INPUT
    _report(texts)
    wanted = {chosen.folder / name: text for name, text in texts.items()}
    return _compare(wanted) if chosen.check else _write(wanted)


def _compare(wanted: Mapping[Path, str]) -> int:
    differing = 0
    for path, text in wanted.items():
        there = path.read_text(encoding="utf-8") if path.is_file() else ""
        if there != text:
            differing += 1
            lines = zip([*there.splitlines(), ""], [*text.splitlines(), ""], strict=False)
            line = next((k for k, (one, other) in enumerate(lines, 1) if one != other), 0)
            print(f"{path.name} line {line} is not what the figures and the seed give", file=sys.stderr)
    return CHECK_FAILED if differing else 0


def _write(wanted: Mapping[Path, str]) -> int:
    """Write every file beside its place, then move them there: nothing is left half-written."""
    for path, text in wanted.items():
        path.with_suffix(".new").write_text(text, encoding="utf-8", newline="\n")
    for path in wanted:
        path.with_suffix(".new").replace(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
