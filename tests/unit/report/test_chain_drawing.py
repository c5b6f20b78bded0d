"""Drawings of chains: legible with sixty agents, complete, readable without colour, the same bytes every time."""

from __future__ import annotations

import hashlib
import itertools
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import networkx as nx
import pytest

import pbr_opt as pbr
from pbr_opt.equilibrium.accounts import Account
from pbr_opt.evaluation import Evaluation
from pbr_opt.report.chain_drawing import ChainDrawing, draw_chain
from pbr_opt.report.drawing_marks import Box, Curve, Words
from pbr_opt.report.layered_layout import crossings

ROOT = Path(__file__).resolve().parents[3]
SVG = "{http://www.w3.org/2000/svg}"
SMALLEST_TYPE = 9.0
"""Pixels: what is read without effort on a screen."""
THINNEST = 0.8
"""Pixels: a line is never thinner."""
SECTORS = ("private", "public", "voluntary")


def _graph(tier1: int = 16, tier2: int = 40) -> nx.DiGraph[str]:
    """Return a Department, three primes in two areas, end-to-end bodies, and specialists below both."""
    graph: nx.DiGraph[str] = nx.DiGraph(
        areas={"North": {"participant_share": 0.4}, "South": {"participant_share": 0.6}}
    )
    graph.add_node("DWP", kind="department", sector="public")
    for k, area in enumerate(("North", "North", "South")):
        graph.add_node(f"Prime {k}", kind="prime", area=area, sector=SECTORS[k])
        graph.add_edge("DWP", f"Prime {k}")
    for k in range(tier1):
        graph.add_node(f"End to end {k:02}", kind="tier1", sector=SECTORS[k % 3])
        terms = {"share": 0.8, "volume_share": 0.02 + 0.01 * (k % 5)}
        graph.add_edge(f"Prime {k % 3}", f"End to end {k:02}", contract="fixed_share", **terms)
    for k in range(tier2):
        name = f"Specialist for people with several needs at once {k:02}"
        graph.add_node(
            name, kind="tier2", sector=SECTORS[k % 3], productivity=1.0 + k % 7, fixed_cost_gbp=2.0 * (k % 3)
        )
        payer = f"End to end {k % tier1:02}" if k % 4 == 0 else f"Prime {k % 3}"
        graph.add_edge(payer, name, contract="piece_rate" if k % 2 else "fixed_share", share=0.7)
    return graph


def _programme(graph: nx.DiGraph[str]) -> pbr.Programme:
    people = pbr.Caseload(["a", "a", "b"], [600, 400, 500], [0.12, 0.02, 0.2], [0.42, 0.1, 0.5], 600)
    chain = pbr.SupplyChain.from_graph(graph)
    return pbr.Programme("p", people, pbr.Tariff(["a", "b"], 400, [6000, 9000]), chain)


@pytest.fixture(scope="module")
def evaluation() -> Evaluation:
    return pbr.evaluate(_programme(_graph()))


@pytest.fixture(scope="module")
def drawing(evaluation: Evaluation) -> ChainDrawing:
    return draw_chain(evaluation)


def _books(evaluation: Evaluation) -> dict[str, Account]:
    assert evaluation.equilibrium is not None
    return {account.agent: account for account in evaluation.equilibrium.accounts}


def _agent_boxes(drawing: ChainDrawing) -> list[Box]:
    return [mark for mark in drawing.marks if isinstance(mark, Box) and mark.tip]


def _words_in(drawing: ChainDrawing, box: Box) -> list[Words]:
    return [
        mark
        for mark in drawing.marks
        if isinstance(mark, Words)
        and box.left <= mark.left <= box.left + box.width
        and box.top <= mark.base <= box.top + box.height
    ]


def test_sixty_agents_stand_apart_and_on_the_page(drawing: ChainDrawing) -> None:
    boxes = _agent_boxes(drawing)
    assert len(boxes) == 60
    for one, other in itertools.combinations(boxes, 2):
        apart = one.left + one.width <= other.left or other.left + other.width <= one.left
        apart = apart or one.top + one.height <= other.top or other.top + other.height <= one.top
        assert apart, f"{one.tip} on {other.tip}"
    for box in boxes:
        assert box.left >= 0
        assert box.left + box.width <= drawing.width
        assert 0 <= box.top <= box.top + box.height <= drawing.height


def _right_edge(words: Words) -> float:
    """Return where a line of text ends, by the outlines of the font that the drawing asks for first."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextPath

    font = FontProperties(family="DejaVu Sans", weight="bold" if words.bold else "normal")
    outline = TextPath((words.left, 0.0), words.text, size=words.size, prop=font)
    return float(outline.get_extents().x1)


def test_what_is_written_in_a_box_fits_and_can_be_read(drawing: ChainDrawing) -> None:
    pytest.importorskip("matplotlib")
    cut = 0
    for box in _agent_boxes(drawing):
        name, letter, state = _words_in(drawing, box)
        assert letter.text in {"P", "G", "V"}
        assert _right_edge(name) < letter.left - letter.size
        assert _right_edge(state) < box.left + box.width
        assert min(name.size, state.size) >= SMALLEST_TYPE
        assert state.base - name.base >= name.size
        cut += "…" in name.text
    assert cut == 40, "the long names of specialists"


def test_wide_names_are_cut_and_still_differ() -> None:
    pytest.importorskip("matplotlib")
    graph = _graph(1, 0)
    for name in ("W" * 60, "MMMM " * 12 + "1", "MMMM " * 12 + "2", "i" * 45):
        graph.add_node(name, kind="tier2")
        graph.add_edge("Prime 0", name, contract="piece_rate")
    drawing = draw_chain(pbr.SupplyChain.from_graph(graph))
    names = [_words_in(drawing, box)[0] for box in _agent_boxes(drawing)]
    assert all(_right_edge(name) < name.left + 240.0 for name in names)
    assert len({name.text for name in names}) == len(names)


def test_no_line_crosses_another_between_columns(drawing: ChainDrawing) -> None:
    assert crossings(drawing.layout.columns, drawing.layout.links) == 0
    assert [len([n for n, stop in column if not stop]) for column in drawing.layout.columns] == [1, 3, 16, 40]


def test_flows_are_those_of_the_books(evaluation: Evaluation, drawing: ChainDrawing) -> None:
    books = _books(evaluation)
    curves = [mark for mark in drawing.marks if isinstance(mark, Curve) and mark.tip]
    for name in ("Prime 0", "Prime 2", "End to end 03"):
        about = [curve for curve in curves if f"→ {name}:" in curve.tip]
        assert sorted(curve.line for curve in about) == ["dashed", "solid"]
        assert all(f"{books[name].referrals:,.0f} people" in curve.tip for curve in about)
        solid = next(curve for curve in about if curve.line == "solid")
        top = next(curve for curve in curves if curve.line == "solid" and "→ Prime 2:" in curve.tip)
        share = books[name].referrals / books["Prime 2"].referrals
        assert solid.width == pytest.approx(max(top.width * share**0.5, THINNEST))
    idle = [name for name, account in books.items() if account.referrals == 0 and name != "DWP"]
    assert idle
    for name in idle:
        assert [curve.line for curve in curves if f"→ {name}:" in curve.tip] == ["dotted"]


def test_who_left_is_told_by_border_and_word(evaluation: Evaluation, drawing: ChainDrawing) -> None:
    books = _books(evaluation)
    boxes = {box.tip.split(",")[0]: box for box in _agent_boxes(drawing)}
    assert not all(account.active for account in books.values())
    for name, account in books.items():
        left = not account.active
        assert (boxes[name].line == "dashed") == left
        assert any(words.text.startswith("left: ") for words in _words_in(drawing, boxes[name])) == left


def test_nothing_is_told_by_colour_alone(drawing: ChainDrawing) -> None:
    """With every colour taken away, people and money, and the three sectors, still differ."""
    grey = [
        replace(mark, fill="grey", stroke="grey") if isinstance(mark, Box) else replace(mark, colour="grey")
        for mark in drawing.marks
    ]
    lines = {(mark.line) for mark in grey if isinstance(mark, Curve) and "Prime 0:" in mark.tip}
    assert lines == {"solid", "dashed"}
    shapes: dict[tuple[bool, bool], set[str]] = {}
    for mark in grey:
        if isinstance(mark, Box) and mark.tip:
            sector = next(sector for sector in SECTORS if f", {sector}" in mark.tip)
            shapes.setdefault((mark.rounded, mark.double), set()).add(sector)
    assert sorted(map(sorted, shapes.values())) == [["private"], ["public"], ["voluntary"]]


def test_the_svg_is_well_formed_and_shows_every_agent(drawing: ChainDrawing) -> None:
    root = ET.fromstring(drawing.to_svg())
    tips = [title.text or "" for rect in root.findall(f"{SVG}rect") for title in rect.findall(f"{SVG}title")]
    assert len(tips) == 60
    assert "Specialist for people with several needs at once 39, private" in tips


SCRIPT = """
import hashlib
from tests.unit.report.test_chain_drawing import _graph, _programme
import pbr_opt as pbr
from pbr_opt.equilibrium.accounts import Account
from pbr_opt.report.chain_drawing import draw_chain
print(hashlib.sha256(draw_chain(pbr.evaluate(_programme(_graph()))).to_svg().encode()).hexdigest())
"""


def test_another_process_draws_the_same_bytes(drawing: ChainDrawing) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env={**os.environ, "PYTHONHASHSEED": "77"},
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        timeout=120,
    )
    assert done.stdout.strip() == hashlib.sha256(drawing.to_svg().encode()).hexdigest()


def test_a_chain_without_an_evaluation_shows_its_contracts() -> None:
    chain = _programme(_graph(4, 4)).supply_chain
    assert chain is not None
    drawing = draw_chain(chain)
    words = {mark.text for mark in drawing.marks if isinstance(mark, Words)}
    assert {"tariff in full", "fixed share 80 %, 2 % of people", "fixed share 70 %", "piece rate"} <= words
    assert {mark.line for mark in drawing.marks if isinstance(mark, Curve)} == {"solid"}


def test_one_area_is_its_primes_and_those_below_them(evaluation: Evaluation) -> None:
    south = draw_chain(evaluation, "South")
    names = {box.tip.split(",")[0] for box in _agent_boxes(south)}
    assert {"DWP", "Prime 2", "End to end 02"} <= names
    assert not names & {"Prime 0", "Prime 1", "End to end 00"}
    assert "South" in south.title
    north = draw_chain(evaluation, "North")
    assert len(_agent_boxes(north)) + len(_agent_boxes(south)) == 60 + 1  # both have the Department


def test_payers_that_left_take_those_below_them_along() -> None:
    graph: nx.DiGraph[str] = nx.DiGraph([("DWP", "P"), ("P", "T"), ("T", "S")])
    kinds = {"DWP": "department", "P": "prime", "T": "tier1", "S": "tier2"}
    nx.set_node_attributes(graph, kinds, "kind")
    graph.nodes["T"]["fixed_cost_gbp"] = 1e9
    graph.edges["P", "T"]["volume_share"] = 0.5
    drawing = draw_chain(pbr.evaluate(_programme(graph)))
    words = [mark.text for mark in drawing.marks if isinstance(mark, Words)]
    assert "left: income below cost" in words
    assert "left: its payer left" in words


def test_tiers_below_tiers_get_columns_of_their_own() -> None:
    graph: nx.DiGraph[str] = nx.DiGraph([("DWP", "P"), ("P", "A"), ("A", "B"), ("B", "C"), ("P", "S")])
    kinds = {"DWP": "department", "P": "prime", "A": "tier1", "B": "tier1", "C": "tier1", "S": "tier2"}
    nx.set_node_attributes(graph, kinds, "kind")
    drawing = draw_chain(pbr.SupplyChain.from_graph(graph))
    boxes = [[name for name, stop in column if not stop] for column in drawing.layout.columns]
    assert [sorted(column) for column in boxes] == [["DWP"], ["P"], ["A"], ["B", "S"], ["C"]]
    headings = [mark.text for mark in drawing.marks if isinstance(mark, Words) and mark.anchor == "middle"]
    assert headings[3] in {"Tier 1, Tier 2", "Tier 2, Tier 1"}


def test_an_area_that_is_not_there_and_a_chain_that_is_not_there_are_told(evaluation: Evaluation) -> None:
    with pytest.raises(pbr.InvalidInputError, match="Suoth"):
        draw_chain(evaluation, "Suoth")
    alone = pbr.evaluate(evaluation.programme.replace(supply_chain=None))
    with pytest.raises(pbr.InvalidInputError, match="no supply chain"):
        draw_chain(alone)


def test_the_figure_shows_the_same_words(drawing: ChainDrawing) -> None:
    pytest.importorskip("matplotlib")
    figure = drawing.figure()
    shown = [text.get_text() for axes in figure.axes for text in axes.texts]
    assert shown == [mark.text for mark in drawing.marks if isinstance(mark, Words)]
    assert figure.get_size_inches() * figure.dpi == pytest.approx([drawing.width, drawing.height])
