"""Finding programmes: by name, by folder, by file; and what is said when there is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from pbr_opt import InvalidInputError, ProgrammeDataError, list_programmes, load
from tests.unit.programmes.folders import small_folder


def test_the_bundled_programmes_are_listed_and_load() -> None:
    assert "work_programme_2011" in list_programmes()
    for name in list_programmes():
        assert load(name).caseload.total_participants > 0


def test_a_folder_a_text_and_a_file_are_the_same_programme(tmp_path: Path) -> None:
    folder = small_folder(tmp_path)
    for given in (folder, str(folder), folder / "programme.toml"):
        assert load(given).name == "Small"


def test_another_toml_file_of_the_folder_may_be_meant(tmp_path: Path) -> None:
    folder = small_folder(tmp_path)
    (folder / "other.toml").write_text('name = "Other"', encoding="utf-8")
    assert load(folder / "other.toml").name == "Other"


def test_a_bundled_name_wins_over_a_folder_of_that_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small_folder(tmp_path).rename(tmp_path / "work_programme_2011")
    monkeypatch.chdir(tmp_path)
    assert load("work_programme_2011").name == "Work Programme 2011"
    assert load("./work_programme_2011").name == "Small"


def test_an_unknown_name_gets_the_nearest_one_and_the_list() -> None:
    with pytest.raises(ProgrammeDataError) as caught:
        load("work_program_2011")
    assert str(caught.value) == (
        "given 'work_program_2011': no such programme; wanted a bundled programme "
        f"({', '.join(list_programmes())}) or a folder with a programme.toml or an .xlsx workbook; "
        "try: did you mean 'work_programme_2011'?"
    )


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "rates.pdf").write_bytes(b"%PDF")
    with pytest.raises(ProgrammeDataError, match=r"neither a folder nor a \.toml or \.xlsx file"):
        load(tmp_path / "rates.pdf")


def test_an_empty_folder_is_told_what_it_lacks(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError) as caught:
        load(tmp_path)
    assert {fault.place for fault in caught.value.faults} == {"programme.toml", "tariff.csv", "segments.csv"}
