"""Reading programme folders: what a good one gives, and what is said about each fault of a bad one."""

from __future__ import annotations

from pathlib import Path

import pytest

from pbr_opt import InvalidInputError, evaluate, load
from pbr_opt.market.programme import Programme
from pbr_opt.programmes.files import read_contents
from tests.unit.programmes.folders import small_folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a small programme folder without a fault."""
    return small_folder(tmp_path)


def _faults(folder: Path) -> list[str]:
    with pytest.raises(InvalidInputError) as caught:
        load(folder)
    return [str(fault) for fault in caught.value.faults]


def _edit(folder: Path, file: str, old: str, new: str) -> None:
    text = (folder / file).read_text(encoding="utf-8")
    assert old in text, "the test edits a line that is not there"
    (folder / file).write_text(text.replace(old, new, 1), encoding="utf-8")


# What a good folder gives


@pytest.fixture
def small(folder: Path) -> Programme:
    """Return the programme of the small folder."""
    return load(folder)


def test_groups_come_in_the_order_of_the_segments(small: Programme) -> None:
    assert small.caseload.groups == small.tariff.groups == ("b", "a")
    assert dict(small.group_names) == {"b": "older", "a": "young"}


def test_the_tariff_is_built_from_its_cells(small: Programme) -> None:
    tariff = small.tariff
    assert tariff.attachment_fee_gbp.tolist() == [400.0, 400.0]
    assert tariff.outcome_fee_gbp.tolist() == [3500.0, 1200.0]
    assert tariff.sustainment_fee_gbp.tolist() == [370.0, 0.0]
    assert tariff.sustainment_max.tolist() == [13, 0]


def test_terms_values_and_costs_are_read_off_the_figures(small: Programme) -> None:
    assert small.terms.bid_discount == 0.06
    assert small.terms.attachment_share == pytest.approx(0.8, rel=1e-15)
    assert small.outcome_value_gbp is not None
    assert small.outcome_value_gbp.tolist() == [9000.0, 9000.0]
    assert small.discount_rate == 0.0


def test_a_figure_of_a_group_beats_that_of_its_family(small: Programme) -> None:
    assert small.base_service_gbp.tolist() == [700.0, 500.0]


def test_assumptions_and_sources_are_those_of_the_tables(small: Programme) -> None:
    assert "tariff/b/outcome_fee_gbp" in {figure.id for figure in small.assumptions}
    assert "bid_discount" not in {figure.id for figure in small.assumptions}
    assert [source.key for source in small.sources()] == ["S1", "S2"]


def test_a_unit_that_is_not_written_is_the_one_that_the_id_implies(small: Programme) -> None:
    units = {figure.id: figure.unit for figure in small.figures}
    assert units["tariff/b/sustainment_fee_gbp"] == "GBP per 4 weeks"
    assert units["evidence/bids"] == "bids"


def test_three_files_are_enough(folder: Path) -> None:
    for name in ("groups.csv", "figures.csv", "sources.csv"):
        (folder / name).unlink()
    text = (folder / "tariff.csv").read_text(encoding="utf-8")
    (folder / "tariff.csv").write_text(text.replace("confirmed,S1; S2", "assumed,").replace("confirmed,S1", "assumed,"))
    programme = load(folder)
    assert dict(programme.group_names) == {"b": "b", "a": "a"}
    assert programme.outcome_value_gbp is None
    assert programme.central_case is None
    assert evaluate(programme).certificate.holds


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(folder: Path) -> None:
    before = load(folder)
    for path in folder.glob("*.csv"):
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    after = load(folder)
    assert after.tariff == before.tariff
    assert [figure.note for figure in after.figures] == [figure.note for figure in before.figures]


def test_contents_can_be_read_without_segments(folder: Path) -> None:
    (folder / "segments.csv").unlink()
    contents = read_contents(folder)
    assert contents.book.groups == ("a", "b")
    assert contents.segments_per_group is None


# What is said about one fault

EDITS = [
    pytest.param(
        ("tariff.csv", "a,outcome_fee_gbp,1200,", 'a,outcome_fee_gbp,"1,200",'),
        "tariff.csv line 3, column 'value': given 1,200; wanted a number; try: write it plain, without £, % or commas",
        id="a number with a comma",
    ),
    pytest.param(
        ("tariff.csv", "a,outcome_fee_gbp,1200,", "a,outcome_fee_gbp,,"),
        "tariff.csv line 3, column 'value': given nothing; wanted a number",
        id="no number",
    ),
    pytest.param(
        ("figures.csv", "outcome_value_gbp,9000,", "outcome_value_gbp,nan,"),
        "figures.csv line 7, column 'value': given nan; wanted a number",
        id="not a number",
    ),
    pytest.param(
        ("tariff.csv", "a,outcome_fee_gbp,1200,", "a,outcome_fee_gbp,-5,"),
        "tariff.csv line 3: given -5; wanted a finite number of at least 0 (GBP per outcome)",
        id="negative money",
    ),
    pytest.param(
        ("figures.csv", "bid_discount,0.06,", "bid_discount,6,"),
        "figures.csv line 2: given 6; wanted a number from 0 to 1 (share of the list price); "
        "try: divide per cents by 100",
        id="per cents",
    ),
    pytest.param(
        ("tariff.csv", "b,sustainment_max,13,", "b,sustainment_max,13.5,"),
        "tariff.csv line 7: given 13.5; wanted a whole number (payments per outcome)",
        id="half a payment",
    ),
    pytest.param(
        ("figures.csv", "bid_discount,0.06,,confirmed", "bid_discount,0.06,,confirmd"),
        "figures.csv line 2, column 'status': given confirmd; wanted a status; try: did you mean 'confirmed'?",
        id="unknown status",
    ),
    pytest.param(
        ("figures.csv", "evidence/bids,18,bids,confirmed,S2", "evidence/bids,18,bids,confirmed,S22"),
        "figures.csv line 10, column 'source': given S22; wanted a key of sources.csv; try: did you mean 'S2'?",
        id="unknown source key",
    ),
    pytest.param(
        ("figures.csv", "evidence/bids,18,bids,confirmed,S2", "evidence/bids,18,bids,derived,"),
        "figures.csv line 10, column 'source': given nothing; wanted a source for a derived number; "
        "try: cite the page, or mark the number as assumed",
        id="a derived number without a source",
    ),
    pytest.param(
        ("tariff.csv", "b,outcome_fee_gbp,3500,assumed,,3000,4000,", "b,outcome_fee_gbp,3500,assumed,,3600,4000,"),
        "tariff.csv line 5, column 'low, high': given 3600 to 4000; wanted a range that holds the value, 3500",
        id="a range beside the value",
    ),
    pytest.param(
        ("tariff.csv", "a,outcome_fee_gbp,1200,", "a,attachment_fee_gbp,1200,"),
        "tariff.csv line 3: given 'tariff/a/attachment_fee_gbp', as in line 2; wanted each number once",
        id="duplicate cell",
    ),
    pytest.param(
        ("figures.csv", "intake_share/2,0.4", "intake_share/1,0.4"),
        "figures.csv line 6: given 'intake_share/1', as in line 5; wanted each number once",
        id="duplicate figure",
    ),
    pytest.param(
        ("groups.csv", "b,older", "a,older"),
        "groups.csv line 3, column 'group': given 'a', as in line 2; wanted each group once",
        id="duplicate group",
    ),
    pytest.param(
        ("segments.csv", "b,2,60", "b,1,60"),
        "segments.csv line 3: given segment '1' of group 'b', as in line 2; wanted each segment of a group once",
        id="duplicate segment",
    ),
    pytest.param(
        ("tariff.csv", "b,sustainment_max", "b,sustainment_maxx"),
        "tariff.csv line 7: given sustainment_maxx; wanted a column of the tariff; "
        "try: did you mean 'sustainment_max'?",
        id="unknown tariff column",
    ),
    pytest.param(
        ("figures.csv", "bid_discount", "bid_discont"),
        "figures.csv line 2: given bid_discont; wanted a known figure; try: did you mean 'bid_discount'?",
        id="unknown figure",
    ),
    pytest.param(
        ("figures.csv", "base_service_gbp/short", "base_service_gbp/shrt"),
        "figures.csv line 8: given base_service_gbp/shrt; wanted a payment group or a family of groups; "
        "try: did you mean 'short'?",
        id="unknown family",
    ),
    pytest.param(
        ("figures.csv", "bid_discount", "bid_discount/a"),
        "figures.csv line 2: given bid_discount/a; wanted one number for the programme; try: write 'bid_discount'",
        id="a place where there is none",
    ),
    pytest.param(
        ("figures.csv", "attachment_taper/1", "attachment_taper/first"),
        "figures.csv line 3: given attachment_taper/first; wanted a contract year after the '/': 1, 2, ...",
        id="not a contract year",
    ),
    pytest.param(
        ("figures.csv", "intake_share/2,0.4", "intake_share/2,0.3"),
        "figures.csv, intake_share: given shares that add up to 0.9; wanted shares that add up to 1",
        id="shares that do not add up",
    ),
    pytest.param(
        ("figures.csv", "attachment_taper/2,0.5,,assumed,,,,\n", ""),
        "figures.csv, attachment_taper/2: given nothing; wanted a share for every contract year; try: add the row",
        id="a year without a taper",
    ),
    pytest.param(
        ("tariff.csv", "a,outcome_fee_gbp,1200,confirmed,S1; S2,,,\n", ""),
        "tariff.csv, group 'a': given no outcome_fee_gbp; wanted a cell for it; try: write 0 if nothing is paid",
        id="missing cell",
    ),
    pytest.param(
        ("tariff.csv", "b,sustainment_max,13,assumed,,,,\n", ""),
        "tariff.csv, group 'b': given one of sustainment_fee_gbp and sustainment_max; wanted both, or neither; "
        "try: give the most payments for one outcome",
        id="payments without a number of them",
    ),
    pytest.param(
        ("tariff.csv", "a,attachment_fee_gbp", "c,attachment_fee_gbp"),
        "tariff.csv line 2, column 'group': given c; wanted a group of segments.csv; try: one of: b, a",
        id="a group that nobody is in",
    ),
    pytest.param(
        ("groups.csv", "b,older,short\n", ""),
        "groups.csv: given no row for group 'b'; wanted a row for every group of segments.csv",
        id="a group without a name",
    ),
    pytest.param(
        ("tariff.csv", "a,attachment_fee_gbp", "a/1,attachment_fee_gbp"),
        "tariff.csv line 2, column 'group': given a/1; wanted a group id that is not blank and has no '/'",
        id="a slash in a group id",
    ),
    pytest.param(
        ("segments.csv", "a,1,100,0.3,0.6", "a,1,100,0.3,0.2"),
        "segments.csv line 4, column 'ceiling_rate' (group 'a'): given 0.2; wanted at least the deadweight rate, 0.3; "
        "try: the ceiling is the rate with unlimited support",
        id="a ceiling under the floor",
    ),
    pytest.param(
        ("segments.csv", "b,2,60,0.1", "b,2,60,1.1"),
        "segments.csv line 3, column 'deadweight_rate': given 1.1; wanted a rate between 0 and 1; "
        "try: divide per cents by 100",
        id="a rate above 1",
    ),
    pytest.param(
        ("segments.csv", "b,2,60", "b,2,sixty"),
        "segments.csv line 3, column 'participants': given sixty; wanted a number",
        id="a word for a number",
    ),
    pytest.param(
        ("segments.csv", "deadweight_rate", "deadwieght_rate"),
        "segments.csv line 1: given no column 'deadweight_rate'; wanted the column; "
        "try: did you mean 'deadweight_rate' where it says 'deadwieght_rate'?",
        id="a misspelt column",
    ),
    pytest.param(
        ("groups.csv", "group,name,family", "group,name,famly"),
        "groups.csv line 1: given column 'famly'; wanted only known columns; try: did you mean 'family'?",
        id="an unknown column",
    ),
    pytest.param(
        ("groups.csv", "group,name,family", "group,name,name"),
        "groups.csv line 1: given column 'name' more than once; wanted each column once",
        id="a column twice",
    ),
    pytest.param(
        ("groups.csv", "a,young,short", "a,young, at heart,short"),
        "groups.csv line 2: given 4 cells; wanted 3, as in the header; try: quote cells with commas",
        id="a comma too many",
    ),
    pytest.param(
        ("sources.csv", "S1,a report,A", "S1,a report,Z"),
        "sources.csv line 2, column 'grade': given Z; wanted one of A, B, C, A/B, B/C, A/C",
        id="unknown grade",
    ),
    pytest.param(
        ("sources.csv", "S3,not cited", "S1,not cited"),
        "sources.csv line 4, column 'key': given 'S1', as in line 2; wanted each key once",
        id="duplicate source",
    ),
    pytest.param(
        ("programme.toml", 'name = "Small"\n', ""),
        "programme.toml, name: given nothing; wanted a name in quotes",
        id="no name",
    ),
    pytest.param(
        ("programme.toml", 'name = "Small"', "name = Small"),
        "programme.toml: given Invalid value",
        id="not TOML",
    ),
    pytest.param(
        ("programme.toml", "description", "descripton"),
        "programme.toml: given 'descripton'; wanted only known keys; try: did you mean 'description'?",
        id="unknown key",
    ),
    pytest.param(
        ("programme.toml", 'description = "Two groups."', "[central_case]\nsegments_per_group = 0"),
        "programme.toml, segments_per_group: given 0; wanted a finite number of at least 1 and at most 100,000",
        id="no segments",
    ),
    pytest.param(
        ("programme.toml", 'description = "Two groups."', "[central_case]\nsegments_per_group = 2.5"),
        "programme.toml, segments_per_group: given 2.5; wanted a whole number",
        id="half a segment",
    ),
    pytest.param(
        ("programme.toml", 'description = "Two groups."', "central_case = 20"),
        "programme.toml, central_case: given 20; wanted a table; try: [central_case] on a line of its own",
        id="a number for a table",
    ),
]


@pytest.mark.parametrize(("edit", "message"), EDITS)
def test_a_fault_is_named_with_file_line_and_remedy(folder: Path, edit: tuple[str, str, str], message: str) -> None:
    _edit(folder, *edit)
    assert any(fault.startswith(message) for fault in _faults(folder)), _faults(folder)


@pytest.mark.parametrize("name", ["programme.toml", "tariff.csv", "segments.csv"])
def test_a_file_that_is_needed_is_missed(folder: Path, name: str) -> None:
    (folder / name).unlink()
    assert f"{name}: given no such file; wanted the file" in _faults(folder)


@pytest.mark.parametrize(("name", "slip"), [("tariff.csv", "tarif.csv"), ("figures.csv", "figure.csv")])
def test_a_misspelt_file_name_is_found_though_the_file_may_be_missing(folder: Path, name: str, slip: str) -> None:
    (folder / name).rename(folder / slip)
    assert f"{name}: given no such file; wanted the file; try: rename '{slip}'" in _faults(folder)


@pytest.mark.parametrize("contents", ["", "\n \n"])
@pytest.mark.parametrize("name", ["programme.toml", "tariff.csv", "segments.csv", "figures.csv", "groups.csv"])
def test_an_empty_file_is_a_fault(folder: Path, name: str, contents: str) -> None:
    (folder / name).write_text(contents, encoding="utf-8")
    assert any(fault.startswith(f"{name}: given an empty file; wanted contents") for fault in _faults(folder))


def test_a_header_without_rows_is_a_fault(folder: Path) -> None:
    (folder / "segments.csv").write_text(
        "group,participants,deadweight_rate,ceiling_rate,response_scale_gbp\n", encoding="utf-8"
    )
    assert "segments.csv: given a header and no rows; wanted at least one row" in _faults(folder)


def test_text_in_another_encoding_is_a_fault_with_its_line(folder: Path) -> None:
    path = folder / "groups.csv"
    path.write_bytes(path.read_bytes().replace(b"older", "älter".encode("latin-1")))
    expected = "groups.csv line 3: given byte 0xe4; wanted text in UTF-8; try: save it as 'CSV UTF-8'"
    assert expected in _faults(folder)


def test_semicolons_for_commas_are_recognised(folder: Path) -> None:
    (folder / "groups.csv").write_text("group;name\na;young\nb;older\n", encoding="utf-8")
    expected = "groups.csv line 1: given the header 'group;name'; wanted columns separated by commas"
    assert any(fault.startswith(expected) for fault in _faults(folder))


def test_an_open_quote_is_a_fault(folder: Path) -> None:
    _edit(folder, "figures.csv", '"an average, of bids"', '"an average, of bids')
    assert any("figures.csv line" in fault and "mend the quotes" in fault for fault in _faults(folder))


def test_the_figures_of_a_central_case_are_missed_one_by_one(folder: Path) -> None:
    _edit(folder, "programme.toml", 'description = "Two groups."', "[central_case]")
    faults = _faults(folder)
    for name in ("participants", "observed_rate", "deadweight_rate", "response_scale_gbp", "spread"):
        for group in ("a", "b"):
            assert any(fault.startswith(f"figures.csv, {name}/{group}: given nothing") for fault in faults)


def test_faults_of_every_file_are_told_at_once(folder: Path) -> None:
    _edit(folder, "programme.toml", "name", "nane")
    _edit(folder, "groups.csv", "b,older", "c,older")
    _edit(folder, "segments.csv", "b,2,60", "b,2,sixty")
    _edit(folder, "tariff.csv", "a,outcome_fee_gbp,1200", "a,outcome_fee_gbp,£1200")
    _edit(folder, "figures.csv", "outcome_value_gbp,9000", "outcome_value_gbp,lots")
    _edit(folder, "sources.csv", "S2,a paper,B", "S2,a paper,?")
    faults = _faults(folder)
    for name in ("programme.toml", "groups.csv", "segments.csv", "tariff.csv", "figures.csv", "sources.csv"):
        assert any(fault.startswith(name) for fault in faults), name


def test_the_message_opens_with_the_folder(folder: Path) -> None:
    (folder / "tariff.csv").unlink()
    with pytest.raises(InvalidInputError, match=r"Programme folder 'small' has \d+ fault"):
        load(folder)


def test_a_note_may_run_over_lines_and_later_lines_are_still_counted(folder: Path) -> None:
    _edit(folder, "figures.csv", '"an average, of bids"', '"an average,\nof bids\u2028and more"')
    assert load(folder).figures[6].note == "an average,\nof bids\u2028and more"
    _edit(folder, "figures.csv", "outcome_value_gbp,9000", "outcome_value_gbp,lots")
    assert any(fault.startswith("figures.csv line 8, column 'value'") for fault in _faults(folder))
