"""How well rows of a chain are known: the same in Python, in a graph, in a folder and in a workbook."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import networkx as nx
import openpyxl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pbr_opt import Caseload, InvalidInputError, Programme, SupplyChain, Tariff, evaluate, load
from pbr_opt.errors import UnsupportedModelError
from pbr_opt.market.agents import EVIDENCE_TEXTS
from pbr_opt.market.evidence import ROW_STATUSES, Source, cited
from pbr_opt.programmes.content import content_hash
from pbr_opt.programmes.workbook_writing import workbook_bytes
from pbr_opt.programmes.writing import folder_texts
from pbr_opt.report.saving import save_programme

REGISTER = [Source("S1", "a report", "A", "a page"), Source("S2", "a paper", "B", "another"), Source("S3", "", "C", "")]


def programme(area: dict[str, Any], prime: dict[str, Any], edge: dict[str, Any]) -> Programme:
    """Return a programme with a chain of three, of which an area, a prime and a contract are known in some way."""
    graph: nx.DiGraph[str] = nx.DiGraph(areas={"north": {"participant_share": 1.0, **area}})
    graph.add_node("Dept", kind="department")
    graph.add_node("Prime", kind="prime", area="north", **prime)
    graph.add_node("Charity", kind="tier1", sector="voluntary")
    graph.add_edge("Dept", "Prime")
    graph.add_edge("Prime", "Charity", share=0.8, volume_share=0.3, **edge)
    people = Caseload(["a"], 100, 0.1, 0.3, 500)
    return Programme("Known", people, Tariff(["a"], 400, 3000), SupplyChain.from_graph(graph), register=REGISTER)


KNOWN = programme(
    {"status": "confirmed", "source": "S2", "note": "18 areas"},
    {"status": "derived", "source": "S1; S2", "note": '=not a formula, "quoted"'},
    {"status": "generated", "note": "drawn"},
)


def evidence(there: Programme) -> dict[str, tuple[str, ...]]:
    """Return what is said of every row, by its name."""
    chain = there.supply_chain
    assert chain is not None
    rows: dict[str, object] = {area.name: area for area in chain.areas}
    rows |= {agent.name: agent for agent in chain.agents}
    rows |= {f"-> {name}": edge for name, edge in chain.contracts.items()}
    return {name: tuple(getattr(item, field) for field in EVIDENCE_TEXTS) for name, item in rows.items()}


@pytest.mark.parametrize("name", ["known", "known.xlsx"])
def test_evidence_comes_back_from_files(name: str, tmp_path: Path) -> None:
    save_programme(KNOWN, tmp_path / name)
    back = load(tmp_path / name)
    assert evidence(back) == evidence(KNOWN)
    assert evidence(back)["Prime"] == ("derived", "S1; S2", '=not a formula, "quoted"')
    assert evidence(back)["-> Charity"] == ("generated", "", "drawn")
    assert content_hash(back) == content_hash(KNOWN)
    save_programme(back, tmp_path / "again.xlsx")
    assert evidence(load(tmp_path / "again.xlsx")) == evidence(KNOWN)


def test_evidence_comes_back_from_a_graph() -> None:
    chain = KNOWN.supply_chain
    assert chain is not None
    graph = chain.to_graph()
    assert graph.nodes["Prime"]["source"] == "S1; S2"
    assert graph.edges["Prime", "Charity"]["status"] == "generated"
    assert "status" not in graph.nodes["Charity"]
    assert evidence(KNOWN.replace(supply_chain=SupplyChain.from_graph(graph))) == evidence(KNOWN)


def test_a_chain_with_other_terms_keeps_its_evidence() -> None:
    """A status says that the organisation stands there; what it is paid may be tried out."""
    chain = KNOWN.supply_chain
    assert chain is not None
    changed = KNOWN.replace(supply_chain=chain.with_terms(share=0.9))
    assert evidence(changed) == evidence(KNOWN)
    with pytest.raises(InvalidInputError, match="a term of a contract"):
        chain.with_terms(status="confirmed")


def test_evidence_is_in_the_hash_and_in_no_result() -> None:
    bare = programme({}, {}, {})
    assert content_hash(bare) != content_hash(KNOWN)
    assert evaluate(bare).metrics == evaluate(KNOWN).metrics
    one, other, third = (programme({}, {"source": text}, {}) for text in ("S1; S2", " S2;S1 ", "S1; S3"))
    assert content_hash(one) == content_hash(other) != content_hash(third)


def test_sources_of_rows_are_sources_of_the_programme() -> None:
    assert [source.key for source in KNOWN.sources()] == ["S1", "S2"]
    assert programme({}, {}, {}).sources() == ()


def test_the_chain_of_2011_keeps_its_evidence(tmp_path: Path) -> None:
    there = load("work_programme_2011_chain")
    save_programme(there, tmp_path / "chain")
    back = evidence(load(tmp_path / "chain"))
    assert back == evidence(there)
    statuses = [status for status, _, _ in back.values()]
    assert {"confirmed", "unconfirmed", "generated"} <= set(statuses)
    assert all(cited(source) for status, source, _ in back.values() if status in ("confirmed", "derived"))


def test_a_status_that_is_none_is_named() -> None:
    with pytest.raises(InvalidInputError) as caught:
        programme({"status": "confirmd"}, {"status": "sure"}, {"status": "drawn"})
    assert [fault.place for fault in caught.value.faults] == [
        "area 'north'.status", "agent 'Prime'.status", "contract 'Prime' -> 'Charity'.status",
    ]  # fmt: skip
    with pytest.raises(InvalidInputError, match=r"area 'north'\.statsu: given confirmed; .* did you mean 'status'"):
        programme({"statsu": "confirmed"}, {}, {})


@pytest.mark.parametrize(("prime", "wanted"), [({"status": "confirmed"}, "a source"), ({"source": "S9"}, "a key of")])
def test_what_no_file_would_be_read_with_is_not_written(prime: dict[str, str], wanted: str) -> None:
    for write in (folder_texts, workbook_bytes):
        with pytest.raises(UnsupportedModelError, match=wanted):
            write(programme({}, prime, {}))


@pytest.mark.parametrize(
    ("sheet", "cell", "value", "expected"),
    [
        (
            "Providers",
            "status",
            "confirmd",
            "(status): given confirmd; wanted a status; try: did you mean 'confirmed'?",
        ),
        ("Links", "source", "NAO2012", "(source): given NAO2012; wanted a key of sheet Sources; try: one of: S1"),
        ("Areas", "source", None, "(source): given nothing; wanted a source for a confirmed row; try: cite the page"),
    ],
)
def test_faulty_evidence_is_named_by_cell(sheet: str, cell: str, value: str, expected: str, tmp_path: Path) -> None:
    book = openpyxl.load_workbook(io.BytesIO(workbook_bytes(KNOWN)))
    column = [head.value for head in book[sheet][1]].index(cell)
    spoilt = book[sheet][2][column]
    spoilt.value = value
    book.save(tmp_path / "mine.xlsx")
    with pytest.raises(InvalidInputError) as caught:
        load(tmp_path / "mine.xlsx")
    assert f"{sheet}!{spoilt.coordinate} {expected}" in str(caught.value)


NOTES = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")), max_size=20).map(str.strip)


@settings(max_examples=4)
@given(st.sampled_from(("", *ROW_STATUSES)), st.sets(st.sampled_from(["S1", "S2", "S3"]), min_size=1), NOTES)
@example("assumed", {"S1"}, "'=1+1")
@example("confirmed", {"S3", "S1"}, "7")
def test_any_evidence_survives(status: str, keys: set[str], note: str) -> None:
    said: dict[str, Any] = {"status": status, "source": "; ".join(sorted(keys)), "note": note}
    there = programme(said, said, said)
    chain = there.supply_chain
    assert chain is not None
    assert chain.areas == (replace(chain.areas[0], **said),)
    folder_texts(there)  # both read back what they wrote, and raise unless it is the same
    workbook_bytes(there)
