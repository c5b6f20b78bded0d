"""A folder that is based on another: what comes from where, and what is said when the base has faults."""

from __future__ import annotations

from pathlib import Path

import pytest

from pbr_opt import InvalidInputError, load
from pbr_opt.programmes.files import read_contents
from pbr_opt.programmes.layers import bundled_folder
from tests.unit.programmes.folders import small_folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder that has nothing but a name and a base, the small folder beside it."""
    small_folder(tmp_path)
    place = tmp_path / "above"
    place.mkdir()
    (place / "programme.toml").write_text('name = "Above"\nbase = "../small"\nseed = 7\n', encoding="utf-8")
    return place


def _faults(folder: Path) -> list[str]:
    with pytest.raises(InvalidInputError) as caught:
        load(folder)
    return [str(fault) for fault in caught.value.faults]


def _settings(folder: Path, text: str) -> None:
    (folder / "programme.toml").write_text(text, encoding="utf-8")


def test_everything_but_the_name_comes_from_the_base(folder: Path) -> None:
    above, base = load(folder), load(folder.parent / "small")
    assert (above.name, base.name) == ("Above", "Small")
    assert above.caseload.groups == base.caseload.groups
    assert above.caseload.deadweight_rate.tolist() == base.caseload.deadweight_rate.tolist()
    assert above.tariff == base.tariff
    assert above.figures == base.figures
    assert above.register == base.register
    assert dict(above.group_names) == dict(base.group_names)


def test_a_bundled_programme_can_be_a_base(folder: Path) -> None:
    _settings(folder, 'name = "Mine"\nbase = "work_programme_2011"\n')
    assert load(folder).tariff == load("work_programme_2011").tariff
    assert load(folder).central_case == load("work_programme_2011").central_case


def test_a_base_may_have_a_base(folder: Path) -> None:
    top = folder.parent / "top"
    top.mkdir()
    _settings(top, 'name = "Top"\nbase = "../above"\n')
    assert load(top).tariff == load(folder).tariff


def test_own_figures_and_cells_replace_those_of_the_base(folder: Path) -> None:
    (folder / "figures.csv").write_text("id,value,status\nbid_discount,0.1,assumed\n", encoding="utf-8")
    (folder / "tariff.csv").write_text("group,column,value,status\na,outcome_fee_gbp,2000,assumed\n", encoding="utf-8")
    above = load(folder)
    assert above.terms.bid_discount == 0.1
    assert above.tariff.outcome_fee_gbp.tolist() == [3500.0, 2000.0]
    ids = [figure.id for figure in above.figures]
    assert len(ids) == len(set(ids))


def test_own_sources_are_added(folder: Path) -> None:
    (folder / "sources.csv").write_text("key,title,grade,address\nS9,mine,C,here\n", encoding="utf-8")
    (folder / "figures.csv").write_text("id,value,status,source\nevidence/new,1,confirmed,S9; S2\n", encoding="utf-8")
    above = load(folder)
    assert [source.key for source in above.register] == ["S1", "S2", "S3", "S9"]
    assert above.figures[-1].source == "S9; S2"


def test_own_segments_win(folder: Path) -> None:
    text = (folder.parent / "small" / "segments.csv").read_text(encoding="utf-8")
    (folder / "segments.csv").write_text(text.replace("a,1,100,", "a,1,300,"), encoding="utf-8")
    assert load(folder).caseload.total_participants == load(folder.parent / "small").caseload.total_participants + 200


def test_a_central_case_speaks_of_the_segments_beside_it(folder: Path) -> None:
    _settings(folder, 'name = "Mine"\nbase = "work_programme_2011"\n')
    assert load(folder).central_case is not None
    bundled = bundled_folder("work_programme_2011")
    assert bundled is not None
    (folder / "segments.csv").write_bytes((bundled / "segments.csv").read_bytes())
    assert load(folder).central_case is None
    _settings(folder, 'name = "Mine"\nbase = "work_programme_2011"\n[central_case]\nsegments_per_group = 20\n')
    assert load(folder).central_case is not None


def test_contents_have_the_seed_and_the_figures_of_both(folder: Path) -> None:
    (folder / "figures.csv").write_text("id,value,status\nchain/tier1_share,0.3,assumed\n", encoding="utf-8")
    contents = read_contents(folder)
    assert contents.seed == 7
    assert {"chain/tier1_share", "bid_discount"} <= set(contents.book.figures)


def test_a_chain_of_the_base_is_used(folder: Path) -> None:
    base = folder.parent / "small"
    (base / "agents.csv").write_text("agent,kind\nDWP,department\nPrime,prime\n", encoding="utf-8")
    (base / "contracts.csv").write_text("payer,payee\nDWP,Prime\n", encoding="utf-8")
    chain = load(folder).supply_chain
    assert chain is not None
    assert [agent.name for agent in chain.agents] == ["DWP", "Prime"]
    (folder / "agents.csv").write_text("agent,kind\nDWP,department\nOther,prime\n", encoding="utf-8")
    (folder / "contracts.csv").write_text("payer,payee\nDWP,Other\n", encoding="utf-8")
    chain = load(folder).supply_chain
    assert chain is not None
    assert [agent.name for agent in chain.agents] == ["DWP", "Other"]


# Faults


def test_faults_of_the_base_are_called_by_its_name(folder: Path) -> None:
    path = folder.parent / "small" / "tariff.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("a,outcome_fee_gbp,1200", "a,outcome_fee_gbp,x"))
    (folder / "figures.csv").write_text("id,value,status\nbid_discount,y,assumed\n", encoding="utf-8")
    faults = _faults(folder)
    assert any(fault.startswith("small/tariff.csv line 3, column 'value': given x") for fault in faults)
    assert any(fault.startswith("figures.csv line 2, column 'value': given y") for fault in faults)


def test_a_file_that_neither_has_is_missed_in_the_base(folder: Path) -> None:
    (folder.parent / "small" / "tariff.csv").unlink()
    assert "small/tariff.csv: given no such file; wanted the file" in _faults(folder)


def test_a_misspelt_file_is_not_taken_for_one_that_the_base_has(folder: Path) -> None:
    (folder / "tarif.csv").write_text("group,column,value,status\n", encoding="utf-8")
    assert "tariff.csv: given no such file; wanted the file; try: rename 'tarif.csv'" in _faults(folder)


def test_the_same_number_twice_in_one_folder_is_still_a_fault(folder: Path) -> None:
    (folder / "figures.csv").write_text(
        "id,value,status\nbid_discount,0.1,assumed\nbid_discount,0.2,assumed\n", encoding="utf-8"
    )
    assert "figures.csv line 3: given 'bid_discount', as in line 2; wanted each number once" in _faults(folder)


def test_a_base_that_does_not_exist_gets_the_nearest_name(folder: Path) -> None:
    _settings(folder, 'name = "Mine"\nbase = "work_program_2011"\n')
    (fault,) = _faults(folder)
    assert fault == (
        "programme.toml, base: given work_program_2011; wanted a bundled programme or a folder with a programme.toml, "
        "inside or beside this one; try: did you mean 'work_programme_2011'?"
    )


def test_bases_that_come_round_in_a_circle_are_a_fault(folder: Path) -> None:
    (folder.parent / "small" / "programme.toml").write_text('name = "Small"\nbase = "../above"\n', encoding="utf-8")
    (fault,) = _faults(folder)
    assert fault == "small/programme.toml, base: given ../above; wanted a base that is not based on this folder"


def test_a_folder_cannot_be_based_on_itself(folder: Path) -> None:
    _settings(folder, 'name = "Mine"\nbase = "."\n')
    (fault,) = _faults(folder)
    assert fault == "programme.toml, base: given .; wanted a base that is not based on this folder"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("base = 3", "programme.toml, base: given 3; wanted the name of a programme, or a folder, in quotes"),
        ('base = " "', "programme.toml, base: given ' '; wanted the name of a programme, or a folder, in quotes"),
        ('base = "../small"\nseed = 1.5', "programme.toml, seed: given 1.5; wanted a whole number"),
        ('base = "../small"\nseed = -1', "programme.toml, seed: given -1; wanted a finite number of at least 0"),
        ('base = "../small"\nbsae = 1', "programme.toml: given 'bsae'; wanted only known keys"),
    ],
)
def test_settings_that_make_no_sense_are_faults(folder: Path, line: str, message: str) -> None:
    _settings(folder, f'name = "Mine"\n{line}\n')
    assert any(fault.startswith(message) for fault in _faults(folder)), _faults(folder)
