"""Rivals in files: the same rivalry from Python, folder and workbook; every fault where it stands; records verify."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import openpyxl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import ArrayLike

from pbr_opt import Caseload, InvalidInputError, Programme, SupplyChain, Tariff, compare, evaluate, load
from pbr_opt.analysis.calibration import vary
from pbr_opt.analysis.scenarios import scenarios
from pbr_opt.errors import UnsupportedModelError
from pbr_opt.market.evidence import Figure, Source
from pbr_opt.market.figure_ids import RIVALRY_FIELDS
from pbr_opt.market.rank_rules import RankShare, SmoothedRankShare
from pbr_opt.market.rivalry import IncentivePayment, Rivalry
from pbr_opt.market.share_rules import LinearShare, ShareRule, TullockShare
from pbr_opt.market.tariffs import ContractTerms
from pbr_opt.programmes.content import content_hash
from pbr_opt.programmes.sheets import choices_of
from pbr_opt.programmes.workbook_writing import workbook_bytes
from pbr_opt.programmes.writing import folder_texts
from pbr_opt.quantities import FloatArray, Inspection
from pbr_opt.report.saving import save_programme
from pbr_opt.report.verification import verify

SHARE = st.floats(0.0, 1.0)
EVIDENCE = [
    Figure("rivalry/shift", 0.05, "share of referrals", "unconfirmed", low=0.02, high=0.1, note="recalled"),
    Figure("rivalry/bonus_gbp/a", 1000.0, "GBP per outcome", "confirmed", "R2012"),
]


def with_rivals(rivalry: Rivalry | None, primes: int = 2) -> Programme:
    """Return a small programme with primes of different skill in one area."""
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_node("DWP", kind="department")
    for k in range(primes):
        graph.add_node(f"P{k}", kind="prime", productivity=1.0 + 0.2 * k)
        graph.add_edge("DWP", f"P{k}")
    people = Caseload(["a", "a", "b"], [300, 400, 500], [0.3, 0.12, 0.02], [0.6, 0.42, 0.1], 600)
    return Programme(
        "Rivals",
        people,
        Tariff(["a", "b"], 400, [3000, 6000]),
        SupplyChain.from_graph(graph),
        register=[Source("R2012", "a trade page", "C", "a page")],
        rivalry=rivalry,
    )


@st.composite
def rules(draw: st.DrawFn) -> ShareRule | None:
    """Draw one of the rules that files know, or none, fit for two primes."""
    moved, other = st.floats(0.0, 0.5), st.floats(1e-9, 1.0)
    return draw(
        st.one_of(
            st.none(),
            st.builds(LinearShare, st.floats(0.0, 1e9)),
            st.builds(TullockShare, other),
            st.builds(SmoothedRankShare, moved, st.floats(1e-9, 10.0), SHARE),
            st.builds(RankShare, moved, SHARE, SHARE),
        )
    )


@st.composite
def rivalries(draw: st.DrawFn) -> Rivalry:
    measured = draw(st.floats(1e-9, 1.0))
    groups = st.sampled_from(["a", "b"])
    bonus = st.builds(IncentivePayment, SHARE, st.floats(0.0, 1e6), st.floats(0.0, 9.0))
    return Rivalry(
        draw(rules()),
        measured,
        draw(SHARE) * (1.0 - measured),
        draw(st.dictionaries(groups, bonus)),
        draw(st.dictionaries(groups, SHARE)),
        draw(st.floats(0.0, 1e9)),
        draw(st.floats(1e-9, 1e9)),
    )


@settings(max_examples=12)
@given(rivalries(), st.booleans())
@example(Rivalry(), False)
@example(Rivalry(RankShare(), incentives={"a": IncentivePayment(0.3)}), True)
@example(Rivalry(RankShare(0.05, 0.03, 0.01)), True)
@example(Rivalry(SmoothedRankShare(0.05, 0.01, 0.03)), True)
def test_a_rivalry_is_the_same_everywhere(rivalry: Rivalry, with_evidence: bool) -> None:
    """Both writers read back what they wrote and raise unless the hash's content is the same."""
    programme = with_rivals(rivalry).replace(figures=EVIDENCE if with_evidence else [])
    assert "rivalry/measured_share" in folder_texts(programme)["figures.csv"]
    workbook_bytes(programme)


def test_every_part_of_a_rivalry_is_in_the_hash(tmp_path: Path) -> None:
    base = Rivalry(RankShare(0.05, 0.03, 0.01), 0.25, 0.4, {"a": IncentivePayment(0.3)}, {"b": 0.1}, 5.0, 1.5)
    others = [
        None,
        Rivalry(SmoothedRankShare(0.05, 0.03, 0.01), 0.25, 0.4, base.incentives, base.levels, 5.0, 1.5),
        Rivalry(RankShare(0.04, 0.03, 0.01), 0.25, 0.4, base.incentives, base.levels, 5.0, 1.5),
        Rivalry(base.rule, 0.26, 0.4, base.incentives, base.levels, 5.0, 1.5),
        Rivalry(base.rule, 0.25, 0.3, base.incentives, base.levels, 5.0, 1.5),
        Rivalry(base.rule, 0.25, 0.4, {"a": IncentivePayment(0.3, 999.0)}, base.levels, 5.0, 1.5),
        Rivalry(base.rule, 0.25, 0.4, base.incentives, {"a": 0.1}, 5.0, 1.5),
        Rivalry(base.rule, 0.25, 0.4, base.incentives, base.levels, 6.0, 1.5),
        Rivalry(base.rule, 0.25, 0.4, base.incentives, base.levels, 5.0, 1.0),
    ]
    hashes = [content_hash(with_rivals(rivalry)) for rivalry in (base, *others)]
    assert len(set(hashes)) == len(hashes)
    for name in ("rivals", "rivals.xlsx"):
        save_programme(with_rivals(base), tmp_path / name)
        assert content_hash(load(tmp_path / name)) == hashes[0]
    assert content_hash(with_rivals(Rivalry(TullockShare(1), 1, 0))) == content_hash(
        with_rivals(Rivalry(TullockShare(1.0), 1.0, 0.0))
    )


def test_what_is_known_of_a_rivalry_is_kept_and_listed(tmp_path: Path) -> None:
    rivalry = Rivalry(RankShare(), incentives={"a": IncentivePayment(0.3)})
    programme = with_rivals(rivalry).replace(figures=EVIDENCE)
    for name in ("rivals", "rivals.xlsx"):
        save_programme(programme, tmp_path / name)
        back = load(tmp_path / name)
        assert back.rivalry is not None
        assert back.rivalry.rule == RankShare()
        figures = {figure.id: figure for figure in back.figures}
        shift = figures["rivalry/shift"]
        assert (shift.status, shift.range, shift.note) == ("unconfirmed", (0.02, 0.1), "recalled")
        assert figures["rivalry/bonus_gbp/a"].source == "R2012"
        assert {"rivalry/shift", "rivalry/margin"} <= {figure.id for figure in back.assumptions}
        assert "rivalry/bonus_gbp/a" not in {figure.id for figure in back.assumptions}


def test_a_number_that_was_changed_is_nobodys(tmp_path: Path) -> None:
    """A source that says £1,000 does not vouch for £2,000, and evidence of a rule that has gone goes with it."""
    rivalry = Rivalry(TullockShare(), incentives={"a": IncentivePayment(0.3, 2000.0)})
    save_programme(with_rivals(rivalry).replace(figures=EVIDENCE), tmp_path / "changed.xlsx")
    figures = {figure.id: figure for figure in load(tmp_path / "changed.xlsx").figures}
    assert (figures["rivalry/bonus_gbp/a"].value, figures["rivalry/bonus_gbp/a"].status) == (2000.0, "assumed")
    assert "rivalry/shift" not in figures


class HalfEach:
    """A rule of one's own: results move nobody."""

    def __init__(self, weight: float) -> None:
        self.weight = weight

    def shares(self, performance: ArrayLike) -> FloatArray:
        return np.full_like(np.asarray(performance, dtype=float), 0.5)

    def swing(self, primes: int) -> float:
        return 0.0

    def inspect(self, check: Inspection, primes: int) -> None:
        pass


def test_a_rule_of_ones_own_is_refused_by_name_and_has_a_hash() -> None:
    programme = with_rivals(Rivalry(HalfEach(1.0)))
    for write in (folder_texts, workbook_bytes):
        with pytest.raises(UnsupportedModelError, match=r"HalfEach.* files know linear, tullock, smoothed_rank, rank"):
            write(programme)
    assert content_hash(programme) == content_hash(with_rivals(Rivalry(HalfEach(1.0))))
    assert content_hash(programme) != content_hash(with_rivals(Rivalry(HalfEach(2.0))))


def test_a_number_of_a_rivalry_is_not_fitted() -> None:
    with pytest.raises(InvalidInputError, match=r"programme\.replace\(rivalry="):
        vary(load("work_programme_2011"), "rivalry/shift", 0.1)


def test_records_with_rivals_verify(tmp_path: Path) -> None:
    """What a rivalry does is in the numbers, so a record that had lost it could not come out again."""
    programme = with_rivals(Rivalry(LinearShare(1.0), levels={"a": 0.3}, missed_level_gbp=50.0))
    assert evaluate(programme).metrics.outcomes != evaluate(programme.replace(rivalry=None)).metrics.outcomes
    cheaper = programme.tariff.at_price(programme.tariff.price_gbp * 0.9)
    compare(programme, {"today": programme.tariff, "cheaper": cheaper}).save(tmp_path / "results", {"command": "test"})
    assert "[rivalry]" in (tmp_path / "results" / "inputs" / "programme.toml").read_text()
    verdict = verify(tmp_path / "results")
    assert verdict.passed, verdict
    assert verdict.numbers > 50
    assert verdict.largest_difference == 0.0


@pytest.mark.parametrize(
    ("name", "recalled"), [("market_share_shift", {"shift", "margin"}), ("falling_referrals", {"uplift"})]
)
def test_scenarios_with_rivals_say_what_was_recalled(name: str, recalled: set[str]) -> None:
    terms = ContractTerms(attachment_taper=[1, 1, 1, 0], intake_share=[0.4, 0.3, 0.2, 0.1])
    programme = scenarios()[name].of(with_rivals(None).replace(terms=terms))
    found = {figure.id.split("/")[1] for figure in programme.assumptions if figure.status == "unconfirmed"}
    assert found == recalled
    folder_texts(programme)


RIVALRY = Rivalry(RankShare(), incentives={"a": IncentivePayment(0.3)}, levels={"b": 0.1})


@lru_cache
def good() -> bytes:
    """Return the programme as a workbook."""
    return workbook_bytes(with_rivals(RIVALRY))


def folder(place: Path, *changes: tuple[str, str, str]) -> Path:
    """Write the programme as a folder, some texts of some files replaced."""
    texts = folder_texts(with_rivals(RIVALRY))
    for file, old, new in changes:
        assert old in texts[file], (file, old)
        texts[file] = texts[file].replace(old, new)
    for file, text in texts.items():
        (place / file).write_text(text, encoding="utf-8")
    return place


def message(path: Path) -> str:
    with pytest.raises(InvalidInputError) as caught:
        load(path)
    return str(caught.value)


TOML, FIGURES = "programme.toml", "figures.csv"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ((TOML, '"rank"', '"rnk"'), "programme.toml, rivalry: given rnk; wanted a rule; try: did you mean 'rank'?"),
        ((TOML, 'rule = "rank"\n', ""), "programme.toml, rivalry: given nothing; wanted a rule; try: one of: linear"),
        ((TOML, '[rivalry]\nrule = "rank"\n', ""),
         "given rivalry/measured_share; wanted a number of a rivalry that there is; try: name its rule"),
        ((TOML, 'rule = "rank"', 'rule = "rank"\nshift = 0.05'),
         "programme.toml, rivalry: given 'shift'; wanted the rule alone; try: numbers are figures: rivalry/shift in "),
        ((TOML, '[rivalry]\nrule = "rank"', "rivalry = 5"), "programme.toml, rivalry: given 5; wanted a table"),
        ((TOML, '"rank"', "7"), "programme.toml, rivalry, rule: given 7; wanted the name of a rule in quotes"),
        ((TOML, '"rank"', '"tullock"'), "given shift; wanted numbers of rule 'tullock': exponent; try: another rule"),
        ((TOML, '"rank"', '"none"'), "given margin; wanted no number of a rule"),
        ((TOML, '"rank"', '"linear"'), "rivalry: given 'linear' without beta; wanted its number, rivalry/beta"),
        ((FIGURES, "rivalry/shift,0.05", "rivalry/shift,0.6"), "figures.csv line 6: given 0.6; wanted at most 0.5"),
        ((FIGURES, "rivalry/shift,0.05", "rivalry/shift,5"), "line 6: given 5; wanted a number from 0 to 1 (share of"),
        ((FIGURES, "rivalry/shift", "rivalry/shfit"),
         "given shfit; wanted a number of a rivalry; try: did you mean 'shift'?"),
        ((FIGURES, "rivalry/shift", "rivalry/shift/a"),
         "wanted one number for the programme; try: write 'rivalry/shift'"),
        ((FIGURES, "level/b", "level/c"), "given rivalry/level/c; wanted a payment group; try: "),
        ((FIGURES, "level/b", "level"), "given rivalry/level; wanted a payment group after the name; try: write"),
        ((FIGURES, "rivalry/moved_share,0.388424", "rivalry/moved_share,0.8"),
         "figures.csv line 2: given 1.06479; wanted parts that together are at most 1"),
        ((FIGURES, "rivalry/inflation,1", "rivalry/inflation,0"), "figures.csv line 5: given 0; wanted above 0"),
        ((FIGURES, "rivalry/non_intervention_rate/a,0.3,assumed,share of participants\n", ""),
         "given a bonus for group 'a' without its rate; wanted rivalry/non_intervention_rate/a too"),
    ],
)  # fmt: skip
def test_a_faulty_folder_gets_its_message(change: tuple[str, str, str], expected: str, tmp_path: Path) -> None:
    assert expected in message(folder(tmp_path, change))


def test_rivals_need_primes(tmp_path: Path) -> None:
    place = folder(tmp_path)
    (place / "agents.csv").unlink()
    (place / "contracts.csv").unlink()
    assert "programme.toml, rivalry: given no supply chain; wanted the primes who are rivals" in message(place)


def test_a_folder_has_the_rivals_of_its_base(tmp_path: Path) -> None:
    (tmp_path / "base").mkdir()
    folder(tmp_path / "base")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / TOML).write_text('name = "Mine"\nbase = "../base"\n')
    mine = load(tmp_path / "mine").rivalry
    assert mine is not None
    assert mine.rule == RankShare()
    (tmp_path / "mine" / FIGURES).write_text("id,value,status\nrivalry/noise,0.01,assumed\n")
    changed = load(tmp_path / "mine").rivalry
    assert changed is not None
    assert changed.rule == RankShare(noise=0.01)
    (tmp_path / "mine" / TOML).write_text('name = "Mine"\nbase = "../base"\n[rivalry]\nrule = "rnk"\n')
    assert "programme.toml, rivalry: given rnk" in message(tmp_path / "mine")
    (tmp_path / "mine" / TOML).write_text('name = "Mine"\nbase = "../base"\n')
    (tmp_path / "base" / TOML).write_text('name = "Base"\n[rivalry]\nrule = "rnk"\n')
    assert "base/programme.toml, rivalry: given rnk" in message(tmp_path / "mine")


def spoilt(place: Path, edit: Callable[[Any], None]) -> Path:
    """Write the programme as a workbook with an edit of its sheet Rivalry."""
    book = openpyxl.load_workbook(io.BytesIO(good()))
    edit(book["Rivalry"])
    book.save(place / "mine.xlsx")
    return place / "mine.xlsx"


def put(cell: str, value: object) -> Callable[[Any], None]:
    def edit(sheet: Any) -> None:  # noqa: ANN401  # openpyxl has no types
        sheet[cell] = value

    return edit


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (put("B2", "rnk"), "Rivalry!B2 (value): given rnk; wanted a rule; try: did you mean 'rank'?"),
        (put("B2", None), "Rivalry!B2 (value): given nothing; wanted a rule; try: one of: linear, tullock"),
        (lambda sheet: sheet.delete_rows(2), "sheet Rivalry: given no row 'rule'; wanted a row 'rule'; try: none"),
        (lambda sheet: sheet.append(["rule", "linear"]), "Rivalry!A14 (setting): given 'rule', as in row 2"),
        (put("A7", "shfit"), "Rivalry!A7 (setting): given shfit; wanted a setting; try: did you mean 'shift'?"),
        (put("B7", "5%"), "Rivalry!B7 (value): given 5%; wanted a number; try: write it plain"),
        (put("B7", 5), "Rivalry!B7 (value): given 5; wanted a number from 0 to 1 (share of referrals); try: divide"),
        (put("B7", 0.6), "Rivalry!B7 (value): given 0.6; wanted at most 0.5 with 2 primes"),
        (put("C7", "a"), "Rivalry!C7 (group): given a; wanted nothing: shift is of the whole programme"),
        (put("C10", None), "Rivalry!C10 (group): given nothing; wanted the payment group that level is of"),
        (put("C10", "bb"), "Rivalry!C10 (group): given rivalry/level/bb; wanted a payment group; try: "),
        (put("D7", "confirmd"), "Rivalry!D7 (status): given confirmd; wanted a status; try: did you mean 'confirmed'?"),
        (put("E7", "nowhere"), "Rivalry!E7 (source): given nowhere; wanted a key of sheet Sources; try: one of: R2012"),
        (put("F7", 0.2), "Rivalry!F7 (low): given 0.2 to 0.05; wanted a range that holds the value, 0.05"),
        (lambda sheet: sheet.append(["shift", 0.04]), "Rivalry!A14 (setting): given 'rivalry/shift', as in row 7"),
        (put("B2", "tullock"), "Rivalry!B7 (value): given shift; wanted numbers of rule 'tullock': exponent"),
        (put("B4", 0.9), "Rivalry!B3 (value): given 1.16479; wanted parts that together are at most 1"),
        (put("A1", "seting"), "Rivalry!A1: given no column 'setting'; wanted the column; try: did you mean 'setting'"),
    ],
)  # fmt: skip
def test_a_faulty_sheet_gets_its_message(edit: Callable[[Any], None], expected: str, tmp_path: Path) -> None:
    said = message(spoilt(tmp_path, edit))
    assert expected in said
    assert not re.search(r"\.(csv|toml)\b", said)  # whoever has a workbook has sheets, and no files


def test_all_faults_of_the_sheet_come_at_once(tmp_path: Path) -> None:
    def edit(sheet: Any) -> None:  # noqa: ANN401  # openpyxl has no types
        sheet["B7"], sheet["A8"], sheet["D9"] = "5%", "margn", "sure"

    said = message(spoilt(tmp_path, edit))
    assert "has 3 faults" in said
    assert all(cell in said for cell in ("Rivalry!B7", "Rivalry!A8", "Rivalry!D9"))


def test_an_area_with_four_primes_is_named(tmp_path: Path) -> None:
    save_programme(with_rivals(None, primes=4), tmp_path / "mine.xlsx")
    book = openpyxl.load_workbook(tmp_path / "mine.xlsx")
    book["Rivalry"].append(["rule", "rank"])
    book.save(tmp_path / "mine.xlsx")
    assert "Rivalry!B2 (value), area '': given 4 primes; wanted at most 3" in message(tmp_path / "mine.xlsx")


def test_the_sheet_explains_itself() -> None:
    """Settings and rules come in drop-downs; the columns have notes; a number may stand where rules are offered."""
    sheet = openpyxl.load_workbook(io.BytesIO(good()))["Rivalry"]
    offered = {str(rule.sqref).split(":")[0]: rule for rule in sheet.data_validations.dataValidation}
    assert set(offered["A2"].formula1.strip('"').split(",")) == {"rule", *RIVALRY_FIELDS}
    assert offered["B2"].formula1 == '"linear,tullock,smoothed_rank,rank,none"'
    assert not offered["B2"].showErrorMessage
    assert offered["A2"].showErrorMessage
    assert offered["C2"].formula1.startswith("Groups!")
    assert choices_of("Rivalry", "status") == ("confirmed", "derived", "unconfirmed", "assumed")
    assert "smoothed_rank" in sheet["B1"].comment.text
    assert "level" in sheet["C1"].comment.text
