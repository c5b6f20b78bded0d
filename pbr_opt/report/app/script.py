"""The app: edit the rate card, design it anew, compare, download. Run it with ``pbr-opt app``.

Streamlit runs this file from top to bottom at every change. Everything that it shows comes from the library; there is
no logic here but which button was pressed.
"""

from __future__ import annotations

import base64
import inspect
import os
from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING, Final

from pbr_opt.design.result import Design
from pbr_opt.errors import PbrError
from pbr_opt.evaluation import evaluate
from pbr_opt.market.programme import Programme
from pbr_opt.market.tariffs import Tariff
from pbr_opt.programmes.questions import question_from
from pbr_opt.programmes.registry import list_programmes, open_programme
from pbr_opt.programmes.terms import objective_names, term_names
from pbr_opt.quantities import Inspection
from pbr_opt.report.canvas import to_svg
from pbr_opt.report.comparison import Comparison, compare

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["PROGRAMME", "main"]

# The environment variable with the programme to begin with: a bundled one, or the path of one's own. (A string below it
# would be shown on the page: Streamlit writes what stands alone.)
PROGRAMME: Final = "PBR_OPT_PROGRAMME"
_FEES: Final = {
    "attachment_fee_gbp": "Attachment fee",
    "outcome_fee_gbp": "Outcome fee",
    "sustainment_fee_gbp": "Per 4 weeks in work",
    "sustainment_max": "Most payments",
}
_DOWNLOADS: Final = {
    "results.xlsx": "Workbook (Excel)",
    "prices.csv": "Rate cards (CSV)",
    "metrics.csv": "Measures (CSV)",
    "comparison.txt": "This screen (text)",
}
_WIDTHS: Final = (3, 2, 2, 2, 2)


def main() -> None:
    """Lay out the page."""
    import streamlit as st

    st.set_page_config(page_title="pbr_opt", layout="wide")
    st.title("Payment by results: what would providers do?")
    try:
        name = _programme_name()
        programme = open_programme(name).programme
        people = f"{programme.caseload.total_participants:,.0f} participants"
        st.text(f"{programme.name}: {people}. A model of incentives and no forecast.")
        _ask_for_design(name, programme)
        tariffs: dict[str, Tariff | Design] = {"as it is": programme.tariff}
        mine = _edited(name, programme)
        if mine != programme.tariff.aligned(mine.groups):
            tariffs["edited"] = mine
        design = st.session_state.get(f"design {name}")
        if design is not None:
            tariffs["designed"] = design
            st.button("Take the designed prices into the rate card", on_click=_take, args=(name, design))
        _show(compare(programme, tariffs))
    except PbrError as error:
        st.error(str(error))


def _programme_name() -> str:
    """Ask for a programme."""
    import streamlit as st

    given = os.environ.get(PROGRAMME, "work_programme_2011")
    names = list(list_programmes())
    names = names if given in names else [given, *names]
    return str(st.sidebar.selectbox("Programme", names, index=names.index(given)))


def _fee_key(name: str, fee: str, group: str) -> str:
    return f"{name}/{fee}/{group}"


def _edited(name: str, programme: Programme) -> Tariff:
    """Show the rate card for editing and return it."""
    import streamlit as st

    tariff = programme.tariff.aligned(programme.caseload.groups)
    st.header("Rate card, GBP")
    found: dict[str, list[float]] = {fee: [] for fee in _FEES}
    with st.form(f"rates {name}"):
        for column, heading in zip(st.columns(_WIDTHS), ("Group", *_FEES.values()), strict=True):
            column.text(heading)
        for g, group in enumerate(tariff.groups):
            first, *cells = st.columns(_WIDTHS, vertical_alignment="center")
            first.text(f"{group}  {programme.group_names[group]}")
            for cell, (fee, words) in zip(cells, _FEES.items(), strict=True):
                whole, key = fee == "sustainment_max", _fee_key(name, fee, group)
                st.session_state.setdefault(key, (int if whole else float)(getattr(tariff, fee)[g]))
                least, step = (0, 1) if whole else (0.0, 5.0)
                label = f"{words}, group {group}"
                given = cell.number_input(label, least, step=step, key=key, label_visibility="collapsed")
                found[fee].append(given)
        st.form_submit_button("Compare", type="primary")
    return tariff.replace(**found)


def _take(name: str, design: Design) -> None:
    """Put designed fees into the rate card."""
    import streamlit as st

    tariff = design.tariff.aligned(design.programme.caseload.groups)
    for fee in _FEES:
        for group, value in zip(tariff.groups, getattr(tariff, fee).tolist(), strict=True):
            st.session_state[_fee_key(name, fee, group)] = value


def _ask_for_design(name: str, programme: Programme) -> None:
    """Ask for an aim, a budget, a step and further limits, and keep the design when it is asked for."""
    import streamlit as st

    kinds = {aim: kind for aim, kind in objective_names().items() if not inspect.signature(kind).parameters}
    st.sidebar.header("Design anew")
    with st.sidebar.form("design"):
        aim = str(st.selectbox("Aim", list(kinds), index=list(kinds).index("parked")))
        budget = st.number_input(
            "Budget, GBP", 0.0, value=evaluate(programme).spend_gbp, step=1e6, key=f"budget {name}"
        )
        step = st.number_input("Prices in steps of, GBP (0 for any price)", 0.0, value=5.0)
        more = st.text_area(
            "Further limits, one a line", placeholder="max-parked-share = 0.5", help=", ".join(term_names())
        )
        wanted = st.form_submit_button("Design", type="primary")
    if wanted:
        verb = "minimise" if kinds[aim].better < 0 else "maximise"
        lines = [line.partition("=") for line in more.splitlines() if line.strip()]
        limits = {limit.strip(): value.strip() or "yes" for limit, _, value in lines}
        asked = {verb: aim, "budget": repr(budget), "step": repr(step)} | limits
        try:
            with st.spinner("Searching, with proof"):
                st.session_state[f"design {name}"] = _answer(asked, programme)
        except PbrError as error:  # told beside the form, so that the edited rate card stays
            st.sidebar.error(str(error))


def _answer(asked: Mapping[str, str], programme: Programme) -> Design:
    check = Inspection("The form")
    question = question_from(check, asked, programme)
    check.finish()
    assert question is not None, "without a fault there is a question"
    return question.answer(programme)


def _show(comparison: Comparison) -> None:
    """Show a comparison as the command line has it, its pictures, and what can be downloaded."""
    import streamlit as st

    st.header("Side by side")
    st.code(str(comparison), language=None)
    left, right = st.columns(2)
    left.html(_picture(comparison.plot.tariff(), "What each tariff pays at most for one participant, by group"))
    right.html(_picture(comparison.plot.support(), "Support and parking by ease of help: creaming at a glance"))
    st.header("Take away")
    files, columns = comparison.files(), st.columns(len(_DOWNLOADS) + 1)
    for column, (file, label) in zip(columns, _DOWNLOADS.items(), strict=False):
        column.download_button(label, files[file], file, on_click="ignore")
    if columns[-1].button("Write the report"):
        with st.spinner("Playing the programme person by person, and trying assumptions"):
            page = comparison.page()
        columns[-1].download_button("Report (HTML)", page, "report.html", "text/html", on_click="ignore")


def _picture(figure: Figure, words: str) -> str:
    """Return a picture as an image with words for those who cannot see it."""
    data = base64.b64encode(to_svg(figure, words, words).encode()).decode()
    image = f'<img alt="{escape(words)}" src="data:image/svg+xml;base64,{data}" style="width: 100%">'
    return f"<figure>{image}<figcaption>{escape(words)}</figcaption></figure>"


if __name__ == "__main__":
    main()
