"""Results in a terminal and a notebook: tables with every label as text, and without a warning."""

from __future__ import annotations

import sys
from collections.abc import Callable
from html.parser import HTMLParser
from types import ModuleType

import pytest

import pbr_opt as pbr
from pbr_opt.report import progress

NASTY = '<script>alert("1")</script> $x_1$'


def _shown() -> dict[str, object]:
    """Return one of everything that a notebook shows, with a group that would like to be a script."""
    people = pbr.Caseload(["a", NASTY], [600, 300], [0.3, 0.1], [0.5, 0.3], 400)
    programme = pbr.Programme(f"Of {NASTY}", people, pbr.Tariff(["a", NASTY], 300, 2000), outcome_value_gbp=9000)
    limits = [pbr.Budget(pbr.evaluate(programme).spend_gbp), pbr.PriceStep(5)]
    design = pbr.optimise(programme, minimise=pbr.Parked(), limits=limits)
    return {
        "programme": programme,
        "tariff": programme.tariff,
        "evaluation": pbr.evaluate(programme),
        "design": design,
        "frontier": pbr.frontier(programme, minimise=pbr.Parked(), budgets_gbp=[4e5, 5e5, 6e5]),
        "comparison": pbr.compare(programme, {"today": programme.tariff, NASTY: design}),
    }


SHOWN = _shown()


class Tags(HTMLParser):
    """The tags of a piece of HTML, and its text."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []
        self.depth = 0
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        self.depth += 1

    def handle_endtag(self, tag: str) -> None:
        self.depth -= 1

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("name", SHOWN)
def test_it_is_a_table_in_which_labels_are_text(name: str) -> None:
    html = pytest.importorskip("IPython.core.formatters", reason="as a notebook asks").HTMLFormatter()(SHOWN[name])
    tags = Tags()
    tags.feed(html)
    assert tags.depth == 0
    assert set(tags.seen) <= {"div", "strong", "table", "thead", "tbody", "tr", "th", "td"}
    assert "table" in tags.seen
    assert NASTY in tags.text
    assert html.startswith('<div class="tex2jax_ignore">')


def test_numbers_are_those_of_the_library() -> None:
    evaluation, comparison = SHOWN["evaluation"], SHOWN["comparison"]
    spend = f"£{evaluation.spend_gbp:,.0f}"  # type: ignore[attr-defined]
    assert spend in evaluation._repr_html_()  # type: ignore[attr-defined]
    assert spend in comparison._repr_html_()  # type: ignore[attr-defined]
    assert "optimal" in comparison._repr_html_()  # type: ignore[attr-defined]


def test_a_long_table_is_shown_by_its_ends() -> None:
    groups = [f"g{k:03d}" for k in range(200)]
    html = pbr.Tariff(groups, 0, 1000)._repr_html_()
    assert "g000" in html
    assert "g199" in html
    assert html.count("<tr") < 40


def test_progress_is_a_line_below_the_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    notebook = pytest.importorskip("IPython.display", reason="as in a notebook")
    shown: list[str] = []

    class Handle:
        def update(self, data: dict[str, str], raw: bool) -> None:
            shown.append(data["text/plain"])

    def display(data: dict[str, str], raw: bool, display_id: bool) -> Handle:
        shown.append(data["text/plain"])
        return Handle()

    def work(tick: Callable[[int, int], None]) -> str:
        tick(1, 2)
        tick(2, 2)
        return "answer"

    monkeypatch.setitem(sys.modules, "ipykernel.kernelapp", ModuleType("ipykernel.kernelapp"))
    monkeypatch.setattr(notebook, "display", display)
    monkeypatch.setattr(progress, "monotonic", iter([0.0, 0.1, 1.0, 1.0]).__next__)
    assert progress.with_progress("Working", work) == "answer"
    assert shown == ["Working ...", "Working: 2 of 2", "Working: done"]


@pytest.mark.parametrize("name", SHOWN)
def test_printed_it_is_a_few_lines_and_no_dump_of_arrays(name: str) -> None:
    text = str(SHOWN[name])
    assert "array(" not in text
    assert text.count("\n") < 60
    if name in {"evaluation", "design", "frontier"}:  # what a terminal shows after a call
        assert text in repr(SHOWN[name])


def test_a_programme_and_its_chain_show_in_lines_and_not_agent_by_agent() -> None:
    programme = pbr.load("worked_example")
    chain = programme.supply_chain
    assert chain is not None
    assert repr(programme) == f"Programme\n{programme}"
    assert repr(chain) == f"SupplyChain: {chain}"
    assert f"{len(chain.agents)} agents" in str(chain)
    assert len(repr(programme)) < 300 > len(repr(chain))
