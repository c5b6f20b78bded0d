"""Reading the supply chain of a programme folder: what a good one gives, and what is said about each fault."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Final

import pytest

from pbr_opt import InvalidInputError, load
from pbr_opt.market.supply_chain import SupplyChain
from tests.unit.programmes.folders import small_folder

CHAIN: Final = {
    "areas.csv": (
        "number,area,participant_share,readiness_shift,status,source,note\n"
        "1,North,0.25,-0.5,confirmed,S1,\n"
        "2,South,0.75,,assumed,,half of it guessed\n"
    ),
    "agents.csv": (
        "agent,kind,area,sector,delivers,productivity,working_capital_gbp,mission_gbp,status,source\n"
        "DWP,department,,public,,,,,,\n"
        "Big,prime,North,private,no,,1000000,,confirmed,S1; S2\n"
        "Big South,prime,South,private,yes,1.2,,,unconfirmed,\n"
        "Local,tier1,,voluntary,,,5000,200,generated,\n"
        "Special,tier2,,voluntary,,b=1.6; *=0.8,,,generated,\n"
    ),
    "contracts.csv": (
        "payer,payee,contract,share,attachment_share,referral_fee_gbp,volume_share,payment_lag_weeks,status,source\n"
        "DWP,Big,,,,,,,confirmed,S1\n"
        "DWP,Big South,,,,,,4,unconfirmed,\n"
        "Big,Local,fixed_share,0.8,0.7,,0.4,8,generated,\n"
        "Local,Special,piece_rate,,0,450,,,generated,\n"
    ),
}
"""A chain for the small folder, whose groups are b and a."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a small programme folder with a chain and without a fault."""
    place = small_folder(tmp_path)
    for name, text in CHAIN.items():
        (place / name).write_text(text, encoding="utf-8")
    return place


def _chain(folder: Path) -> SupplyChain:
    chain = load(folder).supply_chain
    assert chain is not None
    return chain


def _faults(folder: Path) -> list[str]:
    with pytest.raises(InvalidInputError) as caught:
        load(folder)
    return [str(fault) for fault in caught.value.faults]


def _edit(folder: Path, file: str, old: str, new: str) -> None:
    text = (folder / file).read_text(encoding="utf-8")
    assert old in text, "the test edits a line that is not there"
    (folder / file).write_text(text.replace(old, new, 1), encoding="utf-8")


# What a good chain gives


def test_a_folder_without_these_files_has_no_chain(tmp_path: Path) -> None:
    assert load(small_folder(tmp_path)).supply_chain is None


def test_agents_and_contracts_are_those_of_the_tables(folder: Path) -> None:
    chain = _chain(folder)
    assert [agent.name for agent in chain.agents] == ["DWP", "Big", "Big South", "Local", "Special"]
    assert chain.depth == 3
    big, local = chain.by_name["Big"], chain.by_name["Local"]
    assert (big.area, big.delivers, big.working_capital_gbp) == ("North", False, 1e6)
    assert (local.kind, local.sector, local.mission_gbp) == ("tier1", "voluntary", 200.0)
    edge = chain.contracts["Local"]
    assert (edge.payer, edge.form, edge.share, edge.attachment_share) == ("Big", "fixed_share", 0.8, 0.7)
    assert (edge.volume_share, edge.payment_lag_weeks) == (0.4, 8.0)
    assert chain.contracts["Special"].referral_fee_gbp == 450.0


def test_blank_cells_have_the_defaults(folder: Path) -> None:
    chain = _chain(folder)
    special, edge = chain.by_name["Special"], chain.contracts["Special"]
    assert special.delivers
    assert math.isinf(special.working_capital_gbp)
    assert math.isinf(special.capacity)
    assert edge.volume_share is None
    assert edge.share == 1.0
    assert chain.by_name["Big"].productivity == 1.0


def test_areas_have_their_shares_and_shifts(folder: Path) -> None:
    north, south = _chain(folder).areas
    assert (north.name, north.participant_share, north.readiness_shift) == ("North", 0.25, -0.5)
    assert (south.participant_share, south.readiness_shift) == (0.75, 0.0)


def test_without_a_table_of_areas_those_that_primes_name_are_equal(folder: Path) -> None:
    (folder / "areas.csv").unlink()
    assert [(area.name, area.participant_share) for area in _chain(folder).areas] == [("North", 0.5), ("South", 0.5)]


def test_a_productivity_may_be_one_number_or_one_a_group(folder: Path) -> None:
    chain = _chain(folder)
    assert chain.by_name["Big South"].productivity == 1.2
    assert chain.by_name["Special"].productivity == (("b", 1.6), ("a", 0.8))


def test_groups_that_a_productivity_leaves_out_keep_the_default(folder: Path) -> None:
    _edit(folder, "agents.csv", "b=1.6; *=0.8", "b=1.6;")
    programme = load(folder)
    assert programme.supply_chain is not None
    special = programme.supply_chain.by_name["Special"]
    assert special.productivity == (("b", 1.6),)
    scale = special.response(programme.caseload).response_scale_gbp / programme.caseload.response.response_scale_gbp
    assert scale.tolist() == [1 / 1.6, 1 / 1.6, 1.0]


def test_a_graph_of_it_gives_it_back(folder: Path) -> None:
    chain = _chain(folder)
    other = SupplyChain.from_graph(chain.to_graph())
    assert (other.agents, dict(other.contracts), other.areas) == (chain.agents, dict(chain.contracts), chain.areas)


def test_figures_from_which_a_chain_is_generated_are_among_the_assumptions(folder: Path) -> None:
    line = "chain/tier1_share,0.4,share,assumed,,0.2,0.5,nobody knows\n"
    with (folder / "figures.csv").open("a", encoding="utf-8") as file:
        file.write(line)
    assert "chain/tier1_share" in {figure.id for figure in load(folder).assumptions}


# What is said about one fault

EDITS = [
    pytest.param(
        ("areas.csv", "North,0.25", "North,a quarter"),
        "areas.csv line 2, column 'participant_share': given a quarter; wanted a number",
        id="a word for a share",
    ),
    pytest.param(
        ("areas.csv", "North,0.25", "North,"),
        "areas.csv line 2, column 'participant_share': given nothing; wanted a number",
        id="no share",
    ),
    pytest.param(
        ("areas.csv", "North,0.25", "North,0.2"),
        "areas.csv: given shares that add up to 0.95; wanted a sum of 1",
        id="shares of areas that do not add up",
    ),
    pytest.param(
        ("areas.csv", "North,0.25,-0.5", "North,0.25,-50"),
        "areas.csv line 2, column 'readiness_shift': given -50; wanted a finite number of at least -20",
        id="a shift out of this world",
    ),
    pytest.param(
        ("areas.csv", "2,South", "2,North"),
        "areas.csv line 3, column 'area': given 'North', as in line 2; wanted each area once",
        id="an area twice",
    ),
    pytest.param(
        ("areas.csv", "2,South", "2,Sooth"),
        "agents.csv line 4, column 'area': given South; wanted an area of the chain; try: did you mean 'Sooth'?",
        id="an area that does not exist",
    ),
    pytest.param(
        ("areas.csv", "1,North,0.25,-0.5,confirmed,S1,\n", "1,North,0.2,,,,\n3,West,0.05,,,,\n"),
        "areas.csv line 3: given no prime; wanted at least one prime in each area",
        id="an area without a prime",
    ),
    pytest.param(
        ("agents.csv", "Local,tier1", "Local,tier 1"),
        "agents.csv line 5, column 'kind': given tier 1; wanted a kind; try: did you mean 'tier1'?",
        id="unknown kind",
    ),
    pytest.param(
        ("agents.csv", "Local,tier1,,voluntary", "Local,tier1,,volantary"),
        "agents.csv line 5, column 'sector': given volantary; wanted a sector; try: did you mean 'voluntary'?",
        id="unknown sector",
    ),
    pytest.param(
        ("agents.csv", "North,private,no", "North,private,perhaps"),
        "agents.csv line 3, column 'delivers': given perhaps; wanted yes or no",
        id="perhaps",
    ),
    pytest.param(
        ("agents.csv", "no,,1000000", "no,,£1m"),
        "agents.csv line 3, column 'working_capital_gbp': given £1m; wanted a number; "
        "try: write it plain, without £, % or commas",
        id="a pound sign",
    ),
    pytest.param(
        ("agents.csv", "no,,1000000", "no,,-5"),
        "agents.csv line 3, column 'working_capital_gbp': given -5; wanted at least 0, or infinity for no limit",
        id="negative capital",
    ),
    pytest.param(
        ("agents.csv", "5000,200", "5000,-200"),
        "agents.csv line 5, column 'mission_gbp': given -200; wanted a finite number of at least 0",
        id="a negative mission",
    ),
    pytest.param(
        ("agents.csv", "b=1.6", "c=1.6"),
        "agents.csv line 6, column 'productivity': given c; wanted a payment group; try: one of: b, a, *",
        id="a specialist for a group that does not exist",
    ),
    pytest.param(
        ("agents.csv", "*=0.8", "b=0.8"),
        "agents.csv line 6, column 'productivity': given 'b' twice; wanted each payment group once",
        id="a group twice",
    ),
    pytest.param(
        ("agents.csv", "b=1.6", "b=good"),
        "agents.csv line 6, column 'productivity': given good; wanted a number",
        id="a word for a productivity",
    ),
    pytest.param(
        ("agents.csv", "b=1.6", "b=0"),
        "agents.csv line 6, column 'productivity': given 0; wanted a finite number of at least 1e-06",
        id="no productivity at all",
    ),
    pytest.param(
        ("agents.csv", "Special,tier2", "Local,tier2"),
        "agents.csv line 6, column 'agent': given 'Local', as in line 5; wanted each agent once",
        id="an agent twice",
    ),
    pytest.param(
        ("agents.csv", "Special,tier2", ",tier2"),
        "agents.csv line 6, column 'agent': given nothing; wanted a name",
        id="an agent without a name",
    ),
    pytest.param(
        ("agents.csv", "DWP,department", "DWP,prime"),
        "agents.csv: given no department; wanted exactly one agent of kind 'department'",
        id="no Department",
    ),
    pytest.param(
        ("agents.csv", "confirmed,S1; S2", "confirmd,S1; S2"),
        "agents.csv line 3, column 'status': given confirmd; wanted a status; try: did you mean 'confirmed'?",
        id="unknown status",
    ),
    pytest.param(
        ("agents.csv", "confirmed,S1; S2", "confirmed,S1; S9"),
        "agents.csv line 3, column 'source': given S9; wanted a key of sources.csv; try: did you mean 'S3'?",
        id="unknown source",
    ),
    pytest.param(
        ("agents.csv", "confirmed,S1; S2", "confirmed,"),
        "agents.csv line 3, column 'source': given nothing; wanted a source for a confirmed row; try: cite the page",
        id="confirmed by nobody",
    ),
    pytest.param(
        ("agents.csv", "mission_gbp", "misson_gbp"),
        "agents.csv line 1: given column 'misson_gbp'; wanted only known columns; try: did you mean 'mission_gbp'?",
        id="unknown column",
    ),
    pytest.param(
        ("contracts.csv", "fixed_share,0.8", "fixed,0.8"),
        "contracts.csv line 4, column 'contract': given fixed; wanted a form of contract; "
        "try: did you mean 'fixed_share'?",
        id="unknown form",
    ),
    pytest.param(
        ("contracts.csv", "fixed_share,0.8", "fixed_share,80"),
        "contracts.csv line 4, column 'share': given 80; wanted a finite number of at least 0 and at most 1",
        id="per cents",
    ),
    pytest.param(
        ("contracts.csv", "0.7,,0.4", "0.7,,1.4"),
        "contracts.csv line 4, column 'volume_share': given 1.4; wanted a finite number of at least 0 and at most 1",
        id="more than all participants",
    ),
    pytest.param(
        ("contracts.csv", "Local,Special", "Lokal,Special"),
        "contracts.csv line 5: given 'Lokal'; wanted an agent of the chain; try: did you mean 'Local'?",
        id="unknown payer",
    ),
    pytest.param(
        ("contracts.csv", "Local,Special,piece_rate,,0,450,,,generated,\n", ""),
        "agents.csv line 6: given neither a payer nor a payee; wanted a contract with the agent above it",
        id="an agent nobody pays",
    ),
    pytest.param(
        ("contracts.csv", "Local,Special", "Big,Local"),
        "contracts.csv line 5, column 'payee': given 'Local', as in line 4; wanted each payee once; "
        "try: make one agent for each contract that it holds",
        id="two payers",
    ),
    pytest.param(
        ("contracts.csv", "Big,Local", "Special,Local"),
        "contracts.csv: given a cycle: ",
        id="a cycle",
    ),
    pytest.param(
        ("contracts.csv", "Big,Local", "DWP,Local"),
        "contracts.csv line 4: given a department paying a tier1; wanted the Department paying primes, others the rest",
        id="a subcontractor paid by the Department",
    ),
    pytest.param(
        ("contracts.csv", "DWP,Big,,,,,,,", "DWP,Big,,,,,0.9,,"),
        "areas.csv line 2: given primes' volume shares that do not add up to 1; wanted a sum of 1",
        id="shares of primes that do not add up",
    ),
]


@pytest.mark.parametrize(("edit", "message"), EDITS)
def test_a_fault_is_named_with_file_line_and_remedy(folder: Path, edit: tuple[str, str, str], message: str) -> None:
    _edit(folder, *edit)
    assert any(fault.startswith(message) for fault in _faults(folder)), _faults(folder)


@pytest.mark.parametrize("name", ["agents.csv", "contracts.csv"])
def test_a_chain_needs_agents_and_contracts(folder: Path, name: str) -> None:
    (folder / name).unlink()
    assert f"{name}: given no such file; wanted the file; try: a chain needs it" in _faults(folder)


def test_a_misspelt_file_is_found_though_a_folder_may_have_no_chain(folder: Path) -> None:
    for name in ("areas.csv", "contracts.csv"):
        (folder / name).unlink()
    (folder / "agents.csv").rename(folder / "agent.csv")
    assert "agents.csv: given no such file; wanted the file; try: rename 'agent.csv'" in _faults(folder)


def test_faults_of_every_file_are_told_at_once(folder: Path) -> None:
    _edit(folder, "areas.csv", "North,0.25", "North,many")
    _edit(folder, "agents.csv", "Local,tier1", "Local,tier9")
    _edit(folder, "contracts.csv", "fixed_share,0.8", "fixed_share,most")
    _edit(folder, "tariff.csv", "a,outcome_fee_gbp,1200", "a,outcome_fee_gbp,lots")
    faults = _faults(folder)
    for name in ("areas.csv line 2", "agents.csv line 5", "contracts.csv line 4", "tariff.csv line 3"):
        assert any(fault.startswith(name) for fault in faults), name


def test_structural_faults_are_told_at_once_each_with_its_line(folder: Path) -> None:
    _edit(folder, "agents.csv", "Local,tier1,,voluntary", "Local,tier1,,third")
    _edit(folder, "contracts.csv", "piece_rate", "piece")
    faults = _faults(folder)
    assert any(fault.startswith("agents.csv line 5, column 'sector'") for fault in faults)
    assert any(fault.startswith("contracts.csv line 5, column 'contract'") for fault in faults)


def test_an_agent_with_a_stop_or_a_quote_in_its_name_is_found(folder: Path) -> None:
    for file in ("agents.csv", "contracts.csv"):
        text = (folder / file).read_text(encoding="utf-8")
        (folder / file).write_text(text.replace("Special", "St. Mungo's"), encoding="utf-8")
    _edit(folder, "agents.csv", "St. Mungo's,tier2,,voluntary", "St. Mungo's,tier2,,charity")
    assert any(fault.startswith("agents.csv line 6, column 'sector': given charity") for fault in _faults(folder))
