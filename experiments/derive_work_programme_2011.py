"""Derive the latent segments of the 2011 Work Programme, and the figures that follow from published ones.

Claim
    A caseload of twenty segments a payment group reproduces the outcome rates of the nine groups (36.4, 31.7, 15.1 and
    5.4 % published for groups 1, 2, 6 and 7) as the equilibrium under the tariff of 2011, to better than 1e-6.
Method
    Figures whose ids appear in :func:`derived_figures` are recomputed from the rows ``evidence/...`` of ``figures.csv``
    and the cells of ``tariff.csv``. :func:`pbr_opt.analysis.calibration.derive_caseload` then fits deadweight and
    ceiling rates of the segments, and the base service cost is what is left of the published spend per participant.
    docs/data-work-programme-2011.md explains each step and what is weak about it.
Data
    ``pbr_opt/programmes/work_programme_2011``: ``programme.toml``, ``tariff.csv``, ``figures.csv``, ``sources.csv``.
Command
    python experiments/derive_work_programme_2011.py
        rewrites ``segments.csv`` and values in ``figures.csv``
    python experiments/derive_work_programme_2011.py --check
        compares with the files; exit code 4 if they differ
    python experiments/derive_work_programme_2011.py --chain [--check]
        the same rates with the supply chain in place: ``segments.csv`` of work_programme_2011_chain; half a minute
Verdict
    Holds: the largest error of a group's rate is printed, and is below 1e-9.
"""

from __future__ import annotations

import argparse
import csv
import io
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

import pbr_opt.programmes
from pbr_opt.analysis.calibration import derive_caseload
from pbr_opt.analysis.chain_calibration import derive_through_chain, group_outcome_rates
from pbr_opt.errors import InvalidInputError
from pbr_opt.evaluation import Evaluation, evaluate
from pbr_opt.market.caseload import Caseload
from pbr_opt.market.central_case import CentralCase
from pbr_opt.market.figure_book import FigureBook
from pbr_opt.market.programme import Programme
from pbr_opt.programmes.files import SEGMENT_COLUMNS, Contents, read_contents
from pbr_opt.programmes.registry import load

FOLDER: Final = Path(next(iter(pbr_opt.programmes.__path__))) / "work_programme_2011"
CHAIN_FOLDER: Final = FOLDER.with_name("work_programme_2011_chain")
BAD_INPUT: Final = 2
CHECK_FAILED: Final = 4
HALF_A_POINT: Final = 5e-3
SAME_RELATIVE: Final = 1e-6
"""Fits through the chain stop at 1e-4; the same stops on another machine differ by rounding."""
MONTHS_OF_EARLY_REFERRALS: Final = 11

_LIKE_NEW_ESA: Final = ("5", "7", "8")
_LIKE_JSA: Final = ("3", "4")


class Known:
    """Numbers by id."""

    def __init__(self, book: FigureBook) -> None:
        self._book = book

    def __call__(self, figure_id: str) -> float:
        """Return the number of an id that must be there."""
        return self._book.figures[figure_id].value

    def evidence(self, figure_id: str) -> float:
        """Return a number that the model does not read."""
        return self(f"evidence/{figure_id}")


def derived_figures(book: FigureBook) -> dict[str, float]:
    """Return what follows from published numbers before anything is fitted, by figure id."""
    known = Known(book)
    return {
        **_attachment_taper(known),
        **_intake_shares(known),
        **_deadweight(known),
        "exit_hazard/13_weeks": round(1.0 - 0.5 ** (1.0 / (known.evidence("median_sustainment_payments") + 0.5)), 3),
        **_participants(known),
    }


def _attachment_taper(known: Known) -> dict[str, float]:
    """Return the fee of a later year over that of the first, for the groups with the standard fee."""
    first = known("tariff/1/attachment_fee_gbp")
    return {f"attachment_taper/{year}": known.evidence(f"attachment_fee_gbp/{year}") / first for year in (2, 3)}


def _intake_shares(known: Known) -> dict[str, float]:
    """Return the share of all referrals by contract year (April to March), from what had been referred at its end."""
    per_attachment = known.evidence("referrals_to_april_2012") / known.evidence("attachments_to_april_2012")
    april_2012 = known.evidence("attachments_a_month_early_2012") * per_attachment
    first = known.evidence("referrals_to_april_2012") - april_2012
    third = known.evidence("completers_to_march_2016")  # two years on the programme: referred by March 2014
    fourth = third + (known.evidence("referrals_to_december_2015") - third) * 12.0 / 21.0
    ends = [0.0, first, first + known.evidence("referrals_2012_13/all"), third, fourth]
    ends += [known.evidence("referrals_to_march_2016"), known.evidence("referrals_total")]
    shares = np.round(np.diff(ends) / ends[-1], 6)
    shares[0] += 1.0 - shares.sum()
    return {f"intake_share/{year}": round(float(share), 6) for year, share in enumerate(shares, 1)}


def _deadweight(known: Known) -> dict[str, float]:
    """Return non-intervention rates where levels are known; for other groups what share of outcomes they are."""
    uplift = known.evidence("minimum_performance_level/6") / known.evidence("non_intervention_rate_department/6")
    rates = {group: known.evidence(f"minimum_performance_level/{group}") / uplift for group in ("1", "2")}
    rates["6"] = 0.5 * (
        known.evidence("non_intervention_rate_department/6") + known.evidence("non_intervention_rate_inclusion/6")
    )
    ratios = {group: round(rates[group] / known(f"observed_rate/{group}"), 4) for group in ("2", "6")}
    return {
        **{f"deadweight_rate/{group}": round(rate, 6) for group, rate in rates.items()},
        **{f"deadweight_ratio/{group}": ratios["2"] for group in (*_LIKE_JSA, "9")},
        **{f"deadweight_ratio/{group}": ratios["6"] for group in _LIKE_NEW_ESA},
    }


def _participants(known: Known) -> dict[str, float]:
    """Return people by group over the whole programme: shares of 2012/13, known or implied by outcomes paid."""
    referred = {group: known.evidence(f"referrals_2012_13/{group}") for group in ("1", "2", "6")}
    referred["9"] = known.evidence("referrals_in_11_months/9") * 12.0 / MONTHS_OF_EARLY_REFERRALS
    paid = {group: _implied_outcomes(known, group) for group in (*referred, *_LIKE_JSA, *_LIKE_NEW_ESA)}
    people = {group: number / known(f"observed_rate/{group}") for group, number in paid.items()}
    years_paid = {group: people[group] / referred[group] for group in ("1", "2", "6")}
    jobseekers = 0.5 * (years_paid["1"] + years_paid["2"])
    implied = {group: people[group] / jobseekers for group in _LIKE_JSA}
    implied |= {group: people[group] / years_paid["6"] for group in _LIKE_NEW_ESA}
    left = known.evidence("referrals_2012_13/all") - sum(referred.values())
    scale = left / sum(implied.values())
    year = referred | {group: number * scale for group, number in implied.items()}
    total = known.evidence("referrals_total")
    whole = {group: round(total * year[group] / known.evidence("referrals_2012_13/all")) for group in sorted(year)}
    whole["2"] += round(total) - sum(whole.values())  # rounding goes to the largest group
    return {f"participants/{group}": float(number) for group, number in whole.items()}


def _implied_outcomes(known: Known, group: str) -> float:
    """Return outcomes to March 2014: what was paid for them over the list fee."""
    return known.evidence(f"job_outcome_payments_gbp/{group}") / known(f"tariff/{group}/outcome_fee_gbp")


@dataclass(frozen=True)
class Derivation:
    """The fitted central case.

    Attributes
    ----------
    case : CentralCase
        What was fitted.
    evaluation : Evaluation
        The equilibrium under the programme's own tariff.
    numbers : mapping
        Every derived figure, by id.
    """

    case: CentralCase
    evaluation: Evaluation
    numbers: Mapping[str, float]


def derive(contents: Contents) -> Derivation:
    """Return the fitted central case under its own tariff, and every derived figure."""
    numbers = derived_figures(contents.book)
    figures = {key: replace(contents.book.figures[key], value=n, low=None, high=None) for key, n in numbers.items()}
    book = FigureBook({**contents.book.figures, **figures}.values(), contents.book.families)
    case, tariff, terms = book.central_case(contents.segments_per_group or 20), book.tariff(), book.terms()
    rate = book.number("discount_rate") or 0.0
    fitted = derive_caseload(case, tariff, terms, rate)
    there = evaluate(Programme(contents.name, fitted, tariff, discount_rate=rate, terms=terms))
    base = base_service_gbp(there, Known(book).evidence("spend_per_participant_gbp"))
    return Derivation(case, there, numbers | {"base_service_gbp": base})


def base_service_gbp(there: Evaluation, spend_gbp: float) -> float:
    """Return what the harder-to-help cost beyond discretionary support, to the penny."""
    caseload = there.programme.caseload
    support = caseload.sum_by_group(caseload.participants * there.behaviour.support_gbp)
    hard = [caseload.groups.index(group) for group in ("5", "6", "7", "8")]
    return round(spend_gbp - float(support[hard].sum() / caseload.group_participants[hard].sum()), 2)


def segments_text(caseload: Caseload) -> str:
    """Return ``segments.csv``: ten significant digits, as derived."""
    rows = io.StringIO()
    writer = csv.writer(rows, lineterminator="\n")
    writer.writerow(SEGMENT_COLUMNS)
    columns = [getattr(caseload, name) for name in SEGMENT_COLUMNS[2:]]
    order = dict.fromkeys(caseload.groups, 0)
    for k, group in enumerate(caseload.group):
        order[group] += 1
        writer.writerow([group, order[group], *(f"{column[k]:.10g}" for column in columns)])
    return rows.getvalue()


def figures_text(text: str, numbers: Mapping[str, float]) -> str:
    """Return ``figures.csv`` with derived values set and every other cell as it was."""
    header, *body = csv.reader(io.StringIO(text))
    at, value = header.index("id"), header.index("value")
    for cells in body:
        if cells[at] in numbers:
            cells[value] = f"{numbers[cells[at]]:.10g}"
    rows = io.StringIO()
    csv.writer(rows, lineterminator="\n").writerows([header, *body])
    return rows.getvalue()


def largest_error(derivation: Derivation) -> float:
    """Return the largest difference between a group's equilibrium outcome rate and its observed one."""
    caseload, rate = derivation.evaluation.programme.caseload, derivation.evaluation.behaviour.outcome_rate
    fitted = caseload.sum_by_group(caseload.participants * rate) / caseload.group_participants
    return float(np.abs(fitted - derivation.case.observed_rate).max())


def _report(there: Evaluation) -> None:
    """Print the central case, group by group."""
    metrics = there.metrics
    print("group participants  rate  deadweight  parked  support")
    caseload, people = there.programme.caseload, there.programme.caseload.group_participants
    rate = caseload.sum_by_group(caseload.participants * there.behaviour.outcome_rate) / people
    floor = caseload.sum_by_group(caseload.participants * caseload.deadweight_rate) / people
    support = caseload.sum_by_group(caseload.participants * there.behaviour.support_gbp) / people
    for k, group in enumerate(caseload.groups):
        parked = there.group_parked_share[k]
        print(f"{group:>5} {people[k]:>12,.0f} {rate[k]:5.1%} {floor[k]:11.1%} {parked:7.0%} {support[k]:8.2f}")
    print(
        f"parked {metrics.parked_share:.1%}, outcomes {metrics.outcomes:,.0f}, spend £{metrics.spend_gbp / 1e6:,.0f}m"
    )
    print(f"windfall {metrics.windfall_share:.1%} of outcome payments, mean support £{metrics.mean_support_gbp:.2f}")


def _first_difference(name: str, there: str, wanted: str) -> str:
    lines = zip([*there.splitlines(), ""], [*wanted.splitlines(), ""], strict=False)
    line = next((k for k, (one, other) in enumerate(lines, 1) if one != other), 0)
    return f"{name} line {line} is not what the derivation gives"


def main(arguments: Sequence[str] | None = None) -> int:
    """Derive, then write or compare; return the exit code."""
    parser = argparse.ArgumentParser(description="Derive the segments of the 2011 Work Programme.")
    parser.add_argument("--check", action="store_true", help="compare with the files instead of writing them")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="the programme folder")
    parser.add_argument("--chain", action="store_true", help="fit with the supply chain in place")
    chosen = parser.parse_args(arguments)
    if chosen.chain:
        return _through_chain(CHAIN_FOLDER, only_compare=chosen.check)
    try:
        derivation = derive(read_contents(chosen.folder))
    except InvalidInputError as error:
        print(error, file=sys.stderr)
        return BAD_INPUT
    figures = chosen.folder / "figures.csv"
    wanted = {
        figures: figures_text(figures.read_text(encoding="utf-8"), derivation.numbers),
        chosen.folder / "segments.csv": segments_text(derivation.evaluation.programme.caseload),
    }
    _report(derivation.evaluation)
    print(f"largest error of a group's outcome rate: {largest_error(derivation):.1e}")
    return compare(wanted) if chosen.check else write(wanted)


def _through_chain(folder: Path, *, only_compare: bool) -> int:
    """Fit the segments with the supply chain in place, then write or compare them."""
    programme = load(folder)
    fitted = derive_through_chain(programme)
    there = evaluate(programme.replace(caseload=fitted))
    observed = np.zeros(0) if programme.central_case is None else programme.central_case.observed_rate
    error = float(np.abs(group_outcome_rates(there) - observed).max())
    print(f"parked {there.metrics.parked_share:.1%}, spend £{there.spend_gbp / 1e6:,.0f}m, largest error {error:.1e}")
    if not only_compare:
        return write({folder / "segments.csv": segments_text(fitted)})
    same = np.allclose(fitted.ceiling_rate, programme.caseload.ceiling_rate, rtol=SAME_RELATIVE, atol=0.0)
    return 0 if same and error < HALF_A_POINT else CHECK_FAILED


def compare(wanted: Mapping[Path, str]) -> int:
    """Return 0 when every file is what it should be, else the exit code of a failed check."""
    differing = 0
    for path, text in wanted.items():
        there = path.read_text(encoding="utf-8") if path.is_file() else ""
        if there != text:
            differing += 1
            print(_first_difference(path.name, there, text), file=sys.stderr)
    return CHECK_FAILED if differing else 0


def write(wanted: Mapping[Path, str]) -> int:
    """Write every file beside its place, then move them there: nothing is left half-written."""
    for path, text in wanted.items():
        path.with_suffix(".new").write_text(text, encoding="utf-8", newline="\n")
    for path in wanted:
        path.with_suffix(".new").replace(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
