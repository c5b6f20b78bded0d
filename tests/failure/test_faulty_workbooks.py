"""Every faulty workbook gets its message, from Python and on the command line, and none a traceback."""

from __future__ import annotations

import contextlib
import io
import random
import sys
from pathlib import Path

import openpyxl
import pytest

from pbr_opt import InvalidInputError, cli, load
from pbr_opt.programmes.content import content_hash
from tests.failure.faulty_workbooks import FAULTY_CONTENTS, FAULTY_FILES, Faulty, good, with_saved_formula


def test_the_workbook_that_is_spoilt_is_good(tmp_path: Path) -> None:
    (tmp_path / "mine.xlsx").write_bytes(good())
    assert content_hash(load(tmp_path / "mine.xlsx")) == content_hash(load("worked_example"))


def test_there_are_sixty() -> None:
    names = [faulty.name for faulty in (*FAULTY_FILES, *FAULTY_CONTENTS)]
    assert len(set(names)) == len(names) >= 60


@pytest.mark.parametrize("faulty", [*FAULTY_FILES, *FAULTY_CONTENTS], ids=lambda faulty: faulty.name)
def test_a_faulty_workbook_gets_its_message(
    faulty: Faulty, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / faulty.file
    path.write_bytes(faulty.make())
    monkeypatch.setattr(sys, "argv", ["pbr-opt", "check", str(path)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    out, err = capsys.readouterr()
    assert ended.value.code == 2
    assert out == ""
    assert faulty.message in err
    assert "Traceback" not in err
    assert ".csv" not in err  # whoever has a workbook has sheets, and no files


def test_all_faults_of_a_workbook_come_at_once(tmp_path: Path) -> None:
    book = openpyxl.load_workbook(io.BytesIO(good()))
    book["Tariff"]["C3"].value = "1,200"
    book["Spread"]["C2"].value = "36%"
    book["Values"]["D5"].value = "confirmd"
    book["Limits"]["B2"].value = "parkd"
    book["Providers"]["B3"].value = "primary"
    book.save(tmp_path / "mine.xlsx")
    with pytest.raises(InvalidInputError) as caught:
        load(tmp_path / "mine.xlsx")
    places = [fault.place for fault in caught.value.faults]
    assert {place.partition(" ")[0] for place in places} == {
        "Tariff!C3", "Spread!C2", "Values!D5", "Limits!B2", "Providers!B3",
    }  # fmt: skip


def test_formulas_are_read_by_their_saved_values(tmp_path: Path) -> None:
    """A spreadsheet program saves a value with every formula; the formula itself is never computed here."""
    (tmp_path / "mine.xlsx").write_bytes(with_saved_formula())
    assert load(tmp_path / "mine.xlsx").tariff.outcome_fee_gbp.tolist()[1] == 1300.0


@pytest.mark.parametrize("seed", range(12))
def test_damage_at_random_is_a_fault_or_harmless(seed: int, tmp_path: Path) -> None:
    """Bytes are changed anywhere; whatever comes of it, it is no exception of a library."""
    draws, data = random.Random(seed), bytearray(good())
    for _ in range(draws.choice((1, 3, 30))):
        data[draws.randrange(len(data))] ^= draws.randrange(1, 256)
    (tmp_path / "mine.xlsx").write_bytes(bytes(data))
    with contextlib.suppress(InvalidInputError):
        load(tmp_path / "mine.xlsx")
