"""The app, driven by Streamlit's own test harness: what it shows is what the library says."""

from __future__ import annotations

import importlib.util
from importlib import resources
from typing import TYPE_CHECKING

import pytest

import pbr_opt as pbr
from pbr_opt.cli import pages
from pbr_opt.errors import MissingExtraError

if TYPE_CHECKING:
    from streamlit.testing.v1 import AppTest

harness = pytest.importorskip("streamlit.testing.v1", reason="the app needs Streamlit")
pytestmark = pytest.mark.filterwarnings("default")  # Streamlit's own threads and files are its own affair
SCRIPT = str(resources.files("pbr_opt.report.app") / "script.py")


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """Return the app as it opens, on the programme that is quickest."""
    monkeypatch.setenv("PBR_OPT_PROGRAMME", "worked_example")
    opened: AppTest = harness.AppTest.from_file(SCRIPT, default_timeout=60).run()
    assert not opened.exception
    return opened


def _press(app: AppTest, label: str) -> AppTest:
    (button,) = [each for each in app.button if each.label == label]
    return button.click().run()


def test_it_opens_with_the_programme_as_it_is(app: AppTest) -> None:
    programme = pbr.load("worked_example")
    assert app.code[0].value == str(pbr.compare(programme, {"as it is": programme.tariff}))
    assert app.selectbox[0].value == "worked_example"
    assert [element.proto.body.count("<img alt=") for element in app.get("html")] == [1, 1]


def test_an_edited_fee_is_compared(app: AppTest) -> None:
    programme = pbr.load("worked_example")
    group = programme.caseload.groups[0]
    dearer = programme.tariff.aligned(programme.caseload.groups).outcome_fee_gbp.copy()
    dearer[0] += 1000.0
    app.number_input(f"worked_example/outcome_fee_gbp/{group}").set_value(float(dearer[0]))
    shown = _press(app, "Compare").code[0].value
    edited = programme.tariff.aligned(programme.caseload.groups).replace(outcome_fee_gbp=dearer)
    assert shown == str(pbr.compare(programme, {"as it is": programme.tariff, "edited": edited}))


def test_a_design_is_the_librarys_and_can_be_taken_over(app: AppTest) -> None:
    programme = pbr.load("worked_example")
    designed = _press(app, "Design")
    spend = pbr.evaluate(programme).spend_gbp
    best = pbr.optimise(programme, minimise=pbr.Parked(), limits=[pbr.Budget(spend), pbr.PriceStep(5)])
    today = programme.tariff
    told = pbr.compare(programme, {"as it is": today, "designed": best})
    assert designed.code[0].value == str(told)
    taken = _press(designed, "Take the designed prices into the rate card")
    group = programme.caseload.groups[0]
    fee = best.tariff.aligned(programme.caseload.groups).outcome_fee_gbp[0]
    assert taken.number_input(f"worked_example/outcome_fee_gbp/{group}").value == fee


def test_limits_are_those_of_the_command_line_and_faults_are_told(app: AppTest) -> None:
    key = f"worked_example/outcome_fee_gbp/{pbr.load('worked_example').caseload.groups[0]}"
    app.number_input(key).set_value(4321.0)
    edited = _press(app, "Compare")
    edited.text_area[0].set_value("highest = 900\nmax-parked-shre = 0.5")
    told = _press(edited, "Design")
    assert told.number_input(key).value == 4321.0
    assert "edited" in told.code[0].value
    assert "did you mean 'max-parked-share'?" in told.error[0].value
    told.text_area[0].set_value("highest = 900")
    limited = _press(told, "Design")
    assert not limited.error
    assert "PriceRange" in limited.code[0].value


def test_the_report_is_written_when_asked_for(app: AppTest) -> None:
    before = len(app.get("download_button"))
    written = _press(app, "Write the report")
    assert not written.exception
    assert len(written.get("download_button")) == before + 1


def test_without_streamlit_the_command_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"pip install 'pbr_opt\[app\]'"):
        pages.app()
