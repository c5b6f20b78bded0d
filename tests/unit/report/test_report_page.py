"""The report: its order, its words, its tables beside pictures, and that it needs nothing but itself."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

import pbr_opt as pbr
from pbr_opt.analysis.assumptions import AssumptionTrials, Conclusion, try_assumptions
from pbr_opt.analysis.world_answers import across_worlds
from pbr_opt.analysis.world_designs import WorldDesignSettings, design_for_worlds
from pbr_opt.analysis.world_inputs import WorldInputs
from pbr_opt.analysis.worlds import plausible_worlds
from pbr_opt.programmes.facts import load_facts, load_priors
from pbr_opt.report.answer import answer
from pbr_opt.report.comparison import Comparison
from pbr_opt.report.evidence import Evidence
from pbr_opt.report.gathering import ReportSettings, gather
from pbr_opt.report.reporting import report_page
from pbr_opt.report.worlds import WorldReport
from tests.unit.analysis.simulated_worlds import chained

NAME = "work_programme_2011"
ORDER = ["answer", "rates", "people", "tiers", "doubt", "sources", "made"]
NASTY = '<script>alert("1")</script>'
SMALL = ReportSettings(budgets=6, participants=500, replications=2)


def compared(group: str = "b", label: str = "better") -> Comparison:
    people = pbr.Caseload(
        ["a", "a", group, group], [600, 400, 300, 200], [0.3, 0.1, 0.1, 0.03], [0.5, 0.3, 0.3, 0.1], 400
    )
    programme = pbr.Programme(
        "A small one",
        people,
        pbr.Tariff(["a", group], 300, [2000, 2000]),
        outcome_value_gbp=9000,
        group_names={"a": "A", group: group},
    )
    base = pbr.evaluate(programme)
    limits = [pbr.Budget(base.spend_gbp), pbr.PriceStep(5)]
    return pbr.compare(
        programme, {"today": programme.tariff, label: pbr.optimise(programme, minimise=pbr.Parked(), limits=limits)}
    )


@pytest.fixture(scope="module")
def comparison() -> Comparison:
    """Return a tariff beside an optimised one."""
    return compared()


@pytest.fixture(scope="module")
def page(comparison: Comparison) -> str:
    """Return its report."""
    return report_page(comparison, gather(comparison, SMALL))


class Outline(HTMLParser):
    """The tags of a page that are opened and not closed, and its sections."""

    VOID = frozenset({"meta", "link", "br", "img", "hr", "input"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.sections: list[str] = []
        self.wrong: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in self.VOID:
            self.open.append(tag)
        if tag == "section":
            self.sections.append(str(dict(attrs)["id"]))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)


def test_sections_stand_in_the_order_of_the_reader_and_every_tag_is_closed(page: str) -> None:
    outline = Outline()
    outline.feed(page)
    assert outline.sections == ORDER
    assert outline.open == []
    assert outline.wrong == []


def test_the_page_needs_nothing_but_itself(page: str) -> None:
    assert "<script" not in page
    assert not re.search(r'\b(?:src|href)="(?!#)', page)
    assert not re.search(r"url\((?!#)", page)
    assert "@import" not in page


def test_every_id_stands_once_and_every_reference_is_met(page: str) -> None:
    ids = re.findall(r'\sid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    for target in re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', page):
        assert (target[0] or target[1]) in ids


def test_every_picture_has_a_title_a_description_and_numbers(page: str) -> None:
    figures = re.findall(r"<figure>.*?</figure>", page, flags=re.DOTALL)
    assert len(figures) == 5  # frontier, fees, ease, cash twice
    for figure in figures:
        assert '<svg role="img" aria-labelledby="' in figure
        assert re.search(r"<title id=[^>]+>[^<]+</title><desc id=[^>]+>[^<]{20,}</desc>", figure)
        assert "<table>" in figure or "The numbers are in the rate card" in figure


def test_the_same_comparison_makes_the_same_bytes(comparison: Comparison, page: str) -> None:
    assert report_page(comparison, gather(comparison, SMALL)) == page


def test_labels_are_shown_and_never_run() -> None:
    shown = compared(NASTY, "$x_1$ & <b>")
    page = report_page(shown, gather(shown, SMALL))
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "$x_1$ &amp; &lt;b&gt;" in page
    outline = Outline()
    outline.feed(page)
    assert outline.open == []


def test_the_answer_has_two_sentences_with_the_numbers_of_the_comparison(comparison: Comparison) -> None:
    text = answer(comparison)
    parked = [f"{100 * there.metrics.parked_share:.1f} %" for there in comparison.evaluations.values()]
    assert all(share in text for share in parked)
    assert text.startswith("On the same spend, 'better' parks")
    assert "(proved)" in text


def test_what_was_not_computed_is_said(comparison: Comparison) -> None:
    page = report_page(comparison, Evidence())
    assert "Cash and its risk were not simulated" in page
    assert "No assumption was varied" in page


def test_a_doubt_is_told_beside_the_answer(comparison: Comparison) -> None:
    doubted = comparison.with_trials(AssumptionTrials((Conclusion("'better' parks fewer", 7, ("spread = 1.6",)),)))
    page = report_page(doubted, Evidence())
    assert page.count("RESTS ON ASSUMPTIONS") == 2
    assert page.index("RESTS ON ASSUMPTIONS") < page.index('id="rates"')


def test_it_is_written_whole_and_nothing_else(comparison: Comparison, tmp_path: Path) -> None:
    written = comparison.report(tmp_path / "out" / "report.html", SMALL)
    assert [path.name for path in written.parent.iterdir()] == ["report.html"]
    assert written.read_text(encoding="utf-8").rstrip().endswith("</html>")


def test_settings_are_checked_all_at_once() -> None:
    with pytest.raises(pbr.InvalidInputError) as caught:
        ReportSettings(budgets=-1, replications=0)
    assert {fault.place for fault in caught.value.faults} == {"budgets", "replications"}


def test_swings_worlds_and_the_register_are_told() -> None:
    programme = pbr.load("work_programme_2011")
    comparison = pbr.compare(programme, {"2011 tariff": programme.tariff})
    ensemble = plausible_worlds(WorldInputs(programme, load_priors(NAME)), load_facts(NAME), 4096)
    answers = across_worlds(ensemble, {}, "2011 tariff")
    designs = design_for_worlds(answers, {}, WorldDesignSettings(3, rise=0.5))
    told = WorldReport(ensemble, answers, designs)
    page = report_page(comparison, gather(comparison, ReportSettings(budgets=0, participants=0), worlds=told))
    assert 'aria-labelledby="what-moves-the-answer-title' in page
    assert f"{len(ensemble)} of 4,096 worlds" in page
    middle = answers.quantiles().query("measure == 'parked_share'").p50.iloc[0]
    assert f"<td>{100 * middle:.1f}\N{NO-BREAK SPACE}%</td>" in page
    assert " %" not in re.sub(r"<svg.*?</svg>|<style>.*?</style>", "", page, flags=re.DOTALL)
    for heading in ("One assumption at a time", "Across plausible worlds", "Tariffs designed for these worlds"):
        assert f"<h3>{heading}</h3>" in page
    for title in (
        "what-parking-hangs-on-before-the-facts",
        "what-parking-hangs-on-after-the-facts",
        "unconfirmed-cells-of-the-tariff",
        "best-prices-across-worlds",
    ):
        assert f'aria-labelledby="{title}-title' in page
    assert f"{told.cells['id'].iloc[0]} is the one to look up first" in page
    assert "In the 3 worlds designed for" in page
    assert f"<td>{designs.prices()['p90_gbp'].iloc[0]:,.0f}</td>" in page
    without = gather(comparison, ReportSettings(budgets=0, participants=0, assumptions=False), worlds=answers)
    assert "worlds designed for" not in report_page(comparison, without)
    for figure in programme.assumptions:
        assert f'<th scope="row">{figure.id}</th>' in page
    first = told.prior_ranking["id"].iloc[0]
    assert re.search(rf'<th scope="row">{first}</th><td>1</td>', page)  # a prior that is no figure is in the register
    assert "Ranked by the share of the variance" in page
    assert "0.8" in page.split('<th scope="row">spread</th>')[1][:60]


def test_a_chain_is_drawn_with_the_books_of_its_agents() -> None:
    programme = chained()
    comparison = pbr.compare(programme, {"today": programme.tariff, "same": programme.tariff})
    page = report_page(comparison, Evidence())
    ids = re.findall(r'\sid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert {"supply-chain-under-today-title", "supply-chain-under-same-title"} <= set(ids)
    income = comparison.evaluations["today"].to_frame("agents").set_index("agent").income_gbp["T"]
    assert f"<td>£{income:,.0f}</td>" in page


def test_a_report_by_its_own_method_puts_conclusions_to_the_test(tmp_path: Path) -> None:
    programme = pbr.load(NAME)
    dear = programme.tariff.at_price(1.5 * programme.tariff.price_gbp)
    comparison = pbr.compare(programme, {"2011 tariff": programme.tariff, "dear": dear})
    small = ReportSettings(budgets=0, participants=0)
    page = comparison.report(tmp_path / "with.html", small).read_text(encoding="utf-8")
    assert "&#39;dear&#39; parks fewer people than &#39;2011 tariff&#39;: in all of" in page
    without = comparison.report(tmp_path / "without.html", replace(small, assumptions=False))
    assert "No assumption was varied" in without.read_text(encoding="utf-8")
    assert "Not ranked" in without.read_text(encoding="utf-8")
    found = try_assumptions(programme, {"2011 tariff": programme.tariff, "dear": dear})
    assert f'<th scope="row">{found.swings[0].figure.id}</th><td>1</td>' in page
    assert "Ranked by how far each moves the share parked" in page
