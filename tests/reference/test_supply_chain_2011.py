"""The 2011 supply chain as data: it has every count that was published, and says of every row how well it is known."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Final

import numpy as np
import pytest

import pbr_opt.programmes
from pbr_opt import Programme, load
from pbr_opt.market.supply_chain import SupplyChain
from pbr_opt.programmes.facts import load_facts

ROOT: Final = Path(__file__).resolve().parents[2]
SCRIPT: Final = ROOT / "experiments" / "generate_supply_chain_2011.py"
FOLDER: Final = Path(next(iter(pbr_opt.programmes.__path__))) / "work_programme_2011_chain"

REFERRALS_TO_JULY_2012: Final = 878_000
"""All, by the Department's release of 27 November 2012."""

OUTCOME_RATES: Final = (0.022, 0.036, 0.051)
"""Lowest, national and highest of the 40 contracts to July 2012 (Public Accounts Committee, Guardian)."""

MEAN_ZERO: Final = 1e-4
"""Shifts are written with four decimals: their mean is off by at most half of the last."""

SHARE_DECIMALS: Final = 1e-5
"""Shares of areas are written with five decimals."""

QUICK: Final = 2.0
"""Seconds within which the chain loads, some ten times what was measured: a slow machine must not fail, a quadratic
check of a thousand agents must."""


@pytest.fixture(scope="module")
def programme() -> Programme:
    """Return the bundled programme."""
    return load("work_programme_2011_chain")


@pytest.fixture(scope="module")
def chain(programme: Programme) -> SupplyChain:
    """Return its chain."""
    assert programme.supply_chain is not None
    return programme.supply_chain


def _rows(name: str, folder: Path = FOLDER) -> list[dict[str, str]]:
    with (folder / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


AGENTS: Final = _rows("agents.csv")
PRIMES: Final = [row for row in AGENTS if row["kind"] == "prime"]


# What was published


def test_there_are_eighteen_areas_forty_contracts_and_eighteen_primes(chain: SupplyChain) -> None:
    primes = [agent for agent in chain.agents if agent.kind == "prime"]
    assert len(chain.areas) == 18
    assert len(primes) == 40
    assert len({row["organisation"] for row in PRIMES}) == 18
    assert {len(chain.primes_in(area.name)) for area in chain.areas} == {2, 3}
    assert {chain.contracts[agent.name].payer for agent in primes} == {chain.department.name}


def test_ingeus_holds_seven_contracts_and_a4e_five() -> None:
    held = Counter(row["organisation"] for row in PRIMES)
    assert (held["Ingeus"], held["A4e"]) == (7, 5)
    assert held.most_common(1) == [("Ingeus", 7)]


def test_three_contracts_are_voluntary_and_two_public(chain: SupplyChain) -> None:
    sectors = Counter(agent.sector for agent in chain.agents if agent.kind == "prime")
    assert sectors == {"private": 35, "voluntary": 3, "public": 2}


def test_there_are_as_many_subcontracts_as_the_department_counted(chain: SupplyChain) -> None:
    below = [agent for agent in chain.agents if agent.kind in ("tier1", "tier2")]
    assert len(below) == 1099
    assert sum(agent.sector == "voluntary" for agent in below) == 508


def test_just_over_40_per_cent_of_tier_1_and_just_under_50_of_tier_2_are_voluntary(chain: SupplyChain) -> None:
    share = {
        kind: np.mean([agent.sector == "voluntary" for agent in chain.agents if agent.kind == kind])
        for kind in ("tier1", "tier2")
    }
    assert 0.40 < share["tier1"] < 0.43
    assert 0.47 < share["tier2"] < 0.50


def _below(chain: SupplyChain, prime: str) -> list[str]:
    """Return the sectors of everybody below a prime."""
    payees = chain.payees(prime)
    return [agent.sector for agent in payees] + [s for agent in payees for s in _below(chain, agent.name)]


def test_chains_that_were_counted_have_that_many(chain: SupplyChain) -> None:
    east_london = Counter(_below(chain, "CDG, CPA 4"))
    assert (east_london.total(), east_london["voluntary"]) == (15, 9)
    assert len(_below(chain, "NCG, CPA 18")) == 8


@pytest.mark.parametrize(
    ("prime", "referrals"), [("Ingeus, CPA 5", 28_000), ("A4e, CPA 9", 17_650), ("Maximus, CPA 3", 18_830)]
)
def test_primes_have_their_published_referrals(chain: SupplyChain, prime: str, referrals: int) -> None:
    area = next(area for area in chain.areas if area.name == chain.by_name[prime].area)
    share = area.participant_share * chain.area_share(prime)
    assert share == pytest.approx(referrals / REFERRALS_TO_JULY_2012, abs=SHARE_DECIMALS)


def test_a4e_has_its_published_attachments(chain: SupplyChain) -> None:
    """93,000 of 693,000 to April 2012 and two thirds of the 144,000 that were added by July."""
    share = {area.name: area.participant_share for area in chain.areas}
    held = [row["agent"] for row in PRIMES if row["organisation"] == "A4e"]
    of_all = sum(share[chain.by_name[name].area] * chain.area_share(name) for name in held)
    assert of_all == pytest.approx(93_000 / 789_000, abs=len(held) * SHARE_DECIMALS)


def test_contract_values_agree_roughly_with_people(chain: SupplyChain) -> None:
    """A check that was not used: £727m for Ingeus, £438m for A4e, £176m for Maximus, £130m for Rehab JobFit."""
    share = {area.name: area.participant_share for area in chain.areas}
    people = dict.fromkeys((row["organisation"] for row in PRIMES), 0.0)
    for row in PRIMES:
        people[row["organisation"]] += share[row["area"]] * chain.area_share(row["agent"])
    a_million = people["A4e"] / 438
    for name, value in {"Ingeus": 727, "Maximus": 176, "Rehab JobFit": 130}.items():
        assert people[name] / value == pytest.approx(a_million, rel=0.25), name


# What was assumed


def test_areas_lean_towards_their_published_rates_and_not_the_whole_way(chain: SupplyChain) -> None:
    shift = {area.name: area.readiness_shift for area in chain.areas}
    worst, national, _ = OUTCOME_RATES
    gap = np.log(worst / (1 - worst)) - np.log(national / (1 - national))
    assert gap < shift["Gloucestershire, Wiltshire, Swindon and West of England"] < 0
    assert np.log(0.074 / 0.926) - np.log(0.107 / 0.893) < shift["North East Yorkshire and the Humber"] < 0
    assert shift["West London"] > 0 > shift["North East"]
    assert shift["Thames Valley, Hampshire and Isle of Wight"] > 0


def test_shifts_have_mean_zero_and_hardly_move_deadweight(programme: Programme, chain: SupplyChain) -> None:
    share = np.array([area.participant_share for area in chain.areas])
    shift = np.array([area.readiness_shift for area in chain.areas])
    assert abs(share @ shift) < MEAN_ZERO
    caseload = programme.caseload
    odds = caseload.deadweight_rate / (1.0 - caseload.deadweight_rate)
    moved = odds[:, None] * np.exp(shift)
    there = (moved / (1.0 + moved)) @ share
    change = caseload.participants @ (there - caseload.deadweight_rate) / caseload.total_participants
    assert abs(change) < 0.002  # of all participants: two in a thousand


def test_shifts_are_within_what_all_contracts_showed(chain: SupplyChain) -> None:
    lowest, national, highest = (np.log(rate / (1 - rate)) for rate in OUTCOME_RATES)
    for area in chain.areas:
        assert lowest - national <= area.readiness_shift <= highest - national, area.name


def test_every_prime_sends_the_same_share_to_tier_1(chain: SupplyChain) -> None:
    for prime in (agent for agent in chain.agents if agent.kind == "prime"):
        edges = [chain.contracts[agent.name] for agent in chain.payees(prime.name) if agent.kind == "tier1"]
        assert edges
        assert sum(edge.volume_share or 0.0 for edge in edges) == pytest.approx(0.35, abs=1e-12)
        assert len({edge.share for edge in edges}) == 1
        assert all(edge.form == "fixed_share" and 0.7 <= edge.share <= 0.9 for edge in edges)


def test_specialists_get_whom_the_payer_chooses_and_are_good_at_some(chain: SupplyChain) -> None:
    groups = Counter[tuple[str, ...]]()
    for agent in (agent for agent in chain.agents if agent.kind == "tier2"):
        edge = chain.contracts[agent.name]
        assert edge.volume_share is None
        assert edge.form in ("piece_rate", "fixed_share")
        assert 300 <= edge.referral_fee_gbp <= 600
        assert isinstance(agent.productivity, tuple)
        pairs = [item for item in agent.productivity if isinstance(item, tuple)]
        assert [group for group, _ in pairs] == list("123456789")
        assert {number for _, number in pairs if number < 1.0} == {0.8}
        groups[tuple(group for group, number in pairs if number > 1.0)] += 1
    assert set(groups) == {("1",), ("9",), ("4", "5", "6", "7", "8")}
    assert groups.total() == 718


def test_some_specialists_stand_below_tier_1(chain: SupplyChain) -> None:
    tier2 = [agent for agent in chain.agents if agent.kind == "tier2"]
    payers = Counter(chain.by_name[chain.contracts[agent.name].payer].kind for agent in tier2)
    assert set(payers) == {"prime", "tier1"}
    assert 0.15 < payers["tier1"] / len(tier2) < 0.25
    assert chain.depth == 3


def test_voluntary_bodies_have_less_money_and_a_mission(chain: SupplyChain) -> None:
    tier1 = [agent for agent in chain.agents if agent.kind == "tier1"]
    a_head = {"private": 0.0, "voluntary": 0.0}
    for sector in a_head:
        those = [agent for agent in tier1 if agent.sector == sector]
        people = sum(_people(chain, agent.name) for agent in those)
        a_head[sector] = sum(agent.working_capital_gbp for agent in those) / people
    assert a_head["private"] == pytest.approx(580e6 / 1.95e6, rel=0.01)  # rounded to a thousand pounds each
    assert a_head["voluntary"] == pytest.approx(0.3 * 580e6 / 1.95e6, rel=0.01)
    assert {agent.mission_gbp for agent in chain.agents if agent.sector == "voluntary"} == {200.0}


def _people(chain: SupplyChain, tier1: str) -> float:
    edge = chain.contracts[tier1]
    area = next(area for area in chain.areas if area.name == chain.by_name[edge.payer].area)
    return 1.95e6 * area.participant_share * chain.area_share(edge.payer) * (edge.volume_share or 0.0)


# How well it is known


def test_every_row_says_how_well_it_is_known() -> None:
    status = Counter(row["status"] for row in PRIMES)
    assert status == {"confirmed": 26, "derived": 1, "unconfirmed": 13}
    assert {row["status"] for row in AGENTS if row["kind"].startswith("tier")} == {"generated"}
    assert {row["status"] for row in _rows("areas.csv")} == {"derived", "unconfirmed"}
    for row in PRIMES:
        assert row["source"] or row["status"] == "unconfirmed", row["agent"]
        assert row["note"] or row["status"] == "confirmed", row["agent"]


def test_a_contract_is_known_as_well_as_whoever_holds_it() -> None:
    known = {row["agent"]: (row["status"], row["source"]) for row in AGENTS}
    for row in _rows("contracts.csv"):
        assert (row["status"], row["source"]) == known[row["payee"]], row["payee"]


def test_every_class_of_number_is_among_the_assumptions(programme: Programme) -> None:
    assumed = {figure.id: figure for figure in programme.assumptions if figure.id.startswith("chain/")}
    for column in ("fixed_share", "attachment_share", "payment_lag_weeks", "fixed_cost_gbp", "working_capital_gbp"):
        assert any(column in key for key in assumed), column
    for name in ("tier1_share", "referral_fee_gbp", "specialist_productivity", "readiness_sd", "mission_gbp/voluntary"):
        assert f"chain/{name}" in assumed
    for figure in assumed.values():
        assert figure.range[0] < figure.range[1], figure.id
        assert figure.note, figure.id


def test_it_has_everything_of_its_base_and_writes_nothing_twice(programme: Programme) -> None:
    base = load("work_programme_2011")
    assert programme.tariff == base.tariff
    assert programme.central_case == base.central_case
    assert programme.figures[: len(base.figures)] == base.figures
    assert programme.register[: len(base.register)] == base.register
    assert not {figure.id for figure in base.figures} & {row["id"] for row in _rows("figures.csv")}
    assert not {source.key for source in base.register} & {row["key"] for row in _rows("sources.csv")}


def test_figures_cite_every_source_that_rows_cite(programme: Programme) -> None:
    published = {key.strip() for fact in load_facts("work_programme_2011_chain") for key in fact.source.split(";")}
    assert {source.key for source in programme.register} - {source.key for source in programme.sources()} <= published
    known = {figure.id: figure for figure in programme.figures}
    for figure_id, statuses in (("named", {"confirmed", "derived"}), ("recalled", {"unconfirmed"})):
        figure, rows = known[f"evidence/prime_contracts/{figure_id}"], [r for r in PRIMES if r["status"] in statuses]
        assert figure.value == len(rows)
        cited = {key.strip() for row in rows for key in row["source"].split(";") if key.strip()}
        assert cited == {key.strip() for key in figure.source.split(";")}


# The generator


def _generate(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), *map(str, arguments)]
    here = os.environ | {"PYTHONPATH": str(ROOT)}  # the package of this tree, installed or not
    return subprocess.run(command, cwd=ROOT, env=here, capture_output=True, text=True, check=False)


def test_the_script_gives_the_bundled_files() -> None:
    done = _generate("--check")
    assert done.returncode == 0, done.stderr
    assert "tier1: 381; 195 private; 30 public; 156 voluntary; 381 generated" in done.stdout


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """Return a copy of the bundled folder."""
    return Path(shutil.copytree(FOLDER, tmp_path / "copied"))


def _edit(folder: Path, file: str, old: str, new: str) -> None:
    text = (folder / file).read_text(encoding="utf-8")
    assert old in text, "the test edits a line that is not there"
    (folder / file).write_text(text.replace(old, new, 1), encoding="utf-8")


@pytest.mark.parametrize(
    ("edit", "differing"),
    [
        (("figures.csv", "chain/fixed_cost_gbp/tier2,10000", "chain/fixed_cost_gbp/tier2,11000"), {"agents.csv"}),
        (("figures.csv", "chain/tier1_share,0.35", "chain/tier1_share,0.4"), {"agents.csv", "contracts.csv"}),
        (("programme.toml", "seed = 2011", "seed = 2012"), {"areas.csv", "agents.csv", "contracts.csv"}),
    ],
)
def test_the_check_fails_when_an_input_changed(copied: Path, edit: tuple[str, str, str], differing: set[str]) -> None:
    _edit(copied, *edit)
    done = _generate("--check", "--folder", copied)
    assert done.returncode == 4
    assert {line.split(" line ")[0] for line in done.stderr.splitlines()} == differing


def test_the_script_writes_what_it_checks_from_what_is_typed(copied: Path) -> None:
    (copied / "contracts.csv").unlink()
    lines = (copied / "agents.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    (copied / "agents.csv").write_text("".join(line for line in lines if ",generated," not in line), encoding="utf-8")
    _edit(copied, "areas.csv", "0.08188,", "0,")
    assert _generate("--folder", copied).returncode == 0
    for path in FOLDER.iterdir():
        assert (copied / path.name).read_bytes() == path.read_bytes(), path.name
    assert sorted(path.name for path in copied.iterdir()) == sorted(path.name for path in FOLDER.iterdir())


def test_another_seed_keeps_every_published_count(copied: Path) -> None:
    _edit(copied, "programme.toml", "seed = 2011", "seed = 1")
    assert _generate("--folder", copied).returncode == 0
    chain = load(copied).supply_chain
    assert chain is not None
    kinds = Counter((agent.kind, agent.sector == "voluntary") for agent in chain.agents[1:])
    assert (kinds["tier1", True], kinds["tier2", True], kinds.total()) == (156, 352, 1139)
    assert Counter(_below(chain, "CDG, CPA 4"))["voluntary"] == 9
    assert len(_below(chain, "NCG, CPA 18")) == 8


def test_one_figure_moves_only_what_it_speaks_of(copied: Path) -> None:
    _edit(copied, "figures.csv", "chain/productivity_log_sd,0.15", "chain/productivity_log_sd,0.2")
    assert _generate("--folder", copied).returncode == 0
    assert (copied / "areas.csv").read_bytes() == (FOLDER / "areas.csv").read_bytes()
    assert (copied / "contracts.csv").read_bytes() == (FOLDER / "contracts.csv").read_bytes()
    for row, other in zip(AGENTS, _rows("agents.csv", copied), strict=True):
        assert {key for key in row if row[key] != other[key]} <= {"productivity"}


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (("programme.toml", "seed = 2011\n", ""), "programme.toml, seed: given nothing"),
        (("figures.csv", "0.35,share of participants", "a third,share of participants"), "figures.csv line"),
    ],
)
def test_the_script_says_what_is_wrong_with_its_data(copied: Path, edit: tuple[str, str, str], message: str) -> None:
    _edit(copied, *edit)
    done = _generate("--folder", copied)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


# As a graph, and in time


def test_a_graph_of_it_gives_it_back(chain: SupplyChain) -> None:
    other = SupplyChain.from_graph(chain.to_graph())
    assert (other.agents, dict(other.contracts), other.areas) == (chain.agents, dict(chain.contracts), chain.areas)


def test_it_loads_quickly() -> None:
    def seconds() -> float:
        start = time.perf_counter()
        load("work_programme_2011_chain")
        return time.perf_counter() - start

    assert min(seconds() for _ in range(3)) < QUICK
