"""Report and explorer in Chromium: no errors, no requests, accessible, and usable from the keyboard."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import pbr_opt as pbr
from pbr_opt.report.explorer import ExplorerSettings, explorer_page, settings_for
from pbr_opt.report.gathering import ReportSettings, gather
from pbr_opt.report.reporting import report_page
from tests.browser.conftest import Watched
from tests.unit.analysis.simulated_worlds import chained

axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="accessibility is checked by axe")

PAGES = ["report", "explorer", "chain report", "chain explorer"]


@pytest.fixture(scope="module")
def programme() -> pbr.Programme:
    """Return a small programme with a group that would like to be a script."""
    groups = ["a", "a", "<script>b</script>", "<script>b</script>"]
    people = pbr.Caseload(groups, [600, 400, 300, 200], [0.3, 0.1, 0.1, 0.03], [0.5, 0.3, 0.3, 0.1], 400)
    return pbr.Programme("A small one", people, pbr.Tariff(["a", groups[2]], 300, [2000, 2000]), outcome_value_gbp=9000)


@pytest.fixture(scope="module")
def pages(programme: pbr.Programme, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Write reports and explorers, with and without a supply chain."""
    base = pbr.evaluate(programme)
    limits = [pbr.Budget(base.spend_gbp), pbr.PriceStep(5)]
    design = pbr.optimise(programme, minimise=pbr.Parked(), limits=limits)
    comparison = pbr.compare(programme, {"today": programme.tariff, "better": design})
    evidence = gather(comparison, ReportSettings(budgets=6, participants=500, replications=2))
    settings = ExplorerSettings(weights=(1.0, 4.0), points=12)
    chain = chained()
    below = pbr.compare(chain, {"today": chain.tariff, "dearer": chain.tariff.at_price(1.2 * chain.tariff.price_gbp)})
    texts = {
        "report": report_page(comparison, evidence),
        "explorer": explorer_page(programme, settings),
        "chain report": report_page(below, gather(below, ReportSettings(participants=500, replications=2))),
        "chain explorer": explorer_page(chain, replace(settings_for(chain), points=3, limits=(pbr.PriceStep(500),))),
    }
    folder = tmp_path_factory.mktemp("pages")
    for name, text in texts.items():
        (folder / f"{name}.html").write_text(text, encoding="utf-8")
    return {name: folder / f"{name}.html" for name in texts}


@pytest.mark.parametrize("name", PAGES)
def test_it_says_nothing_on_the_console_and_asks_for_nothing(
    name: str, pages: dict[str, Path], watched: Watched
) -> None:
    watched.open(pages[name])
    assert watched.console == []
    assert watched.requests == [pages[name].as_uri()]


@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_to_object_to(name: str, pages: dict[str, Path], watched: Watched) -> None:
    page = watched.open(pages[name])
    found = axe.Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("name", PAGES)
def test_a_narrow_screen_does_not_scroll_sideways(name: str, pages: dict[str, Path], watched: Watched) -> None:
    watched.page.set_viewport_size({"width": 380, "height": 700})
    page = watched.open(pages[name])
    assert page.evaluate("document.documentElement.scrollWidth") <= 380


def test_the_explorer_is_moved_by_keys_and_shows_the_numbers_of_the_library(
    programme: pbr.Programme, pages: dict[str, Path], watched: Watched
) -> None:
    page = watched.open(pages["explorer"])
    before = page.inner_text("#chosen")
    page.focus("#budget")
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    after = page.inner_text("#chosen")
    assert after != before
    assert "proved best" in after
    page.focus("#weight")
    page.keyboard.press("ArrowRight")
    assert "one additional job counts as 1 person no longer parked" in page.inner_text("#chosen")
    page.keyboard.press("End")
    assert "most additional jobs" in page.inner_text("#chosen")
    jobs = page.evaluate("JSON.parse(document.getElementById('data').textContent).aims[3].points")
    budget = int(page.input_value("#budget"))
    assert f"{round(jobs[budget]['additional']):,} additional jobs" in page.inner_text("#chosen")
    assert page.get_attribute("#weight", "aria-valuetext") == "most additional jobs"
    page.focus("#aim")
    page.keyboard.press("ArrowDown")
    assert "least first-pound loss" in page.inner_text("#chosen")
    assert page.is_disabled("#weight")
    base = pbr.evaluate(programme)
    assert f"as it is {100 * base.metrics.parked_share:.1f} %" in page.inner_text("#chosen")
    assert f"as it is: {base.metrics.additional_outcomes:,.0f}" in page.inner_text("#cards")


def test_the_explorer_of_a_chain_shows_its_tiers(pages: dict[str, Path], watched: Watched) -> None:
    page = watched.open(pages["chain explorer"])
    assert page.locator("#weight").count() == 0
    assert [row.split()[0] for row in page.inner_text("#tiers").splitlines() if row] == ["Primes", "Tier", "Tier"]
    page.focus("#aim")
    page.keyboard.press("ArrowDown")
    assert "most additional jobs" in page.inner_text("#chosen")


def test_a_label_is_text_wherever_it_stands(pages: dict[str, Path], watched: Watched) -> None:
    page = watched.open(pages["explorer"])
    assert "<script>b</script>" in page.inner_text("#groups")


def test_the_report_is_printed_without_its_contents(pages: dict[str, Path], watched: Watched) -> None:
    page = watched.open(pages["report"])
    assert page.locator("nav").is_visible()
    page.emulate_media(media="print")
    assert page.locator("nav").is_hidden()
