"""The sheets of a workbook and their columns: what each is for, what may stand in it, which table of a folder it is."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from pbr_opt.market.agents import CONTRACT_FORMS, KINDS, SECTORS
from pbr_opt.market.evidence import ROW_STATUSES, STATUSES
from pbr_opt.market.figure_ids import RIVALRY_FIELDS, TARIFF_COLUMNS
from pbr_opt.programmes.chains import AGENTS, AREAS, CONTRACTS
from pbr_opt.programmes.figure_rows import FIGURES, GRADES, SOURCES, TARIFF
from pbr_opt.programmes.files import GROUPS, LIMITS, SEGMENTS
from pbr_opt.programmes.rivals import NO_RULE, SHARE_RULES
from pbr_opt.programmes.tables import TableForm

__all__ = [
    "CASE_COLUMNS",
    "EVIDENCE",
    "NOTES",
    "PROGRAMME",
    "RIVALS",
    "RULE",
    "SHEETS",
    "SPREAD",
    "Sheet",
    "choices_of",
]

CASE_COLUMNS: Final = (
    "participants",
    "observed_rate",
    "deadweight_rate",
    "deadweight_ratio",
    "response_scale_gbp",
    "spread",
    "exit_hazard",
    "curvature",
)
"""What a central case says of each group: the columns of sheet Spread."""

_KNOWN: Final = ("status", "source", "note")

PROGRAMME: Final = TableForm("programme", ("setting", "value"), ("note",), required=False)
SPREAD: Final = TableForm("spread", ("group",), (*CASE_COLUMNS, *_KNOWN), required=False)
RIVALS: Final = TableForm(
    "rivalry", ("setting", "value"), ("group", "status", "source", "low", "high", "unit", "note"), required=False
)
RULE: Final = "rule"
"""The setting of sheet Rivalry that is a name; every other one is a number."""
EVIDENCE: Final = TableForm("evidence", ("id", "status"), ("source", "low", "high", "unit", "note"), required=False)
_WIDE_TARIFF: Final = TableForm("tariff", ("group", *list(TARIFF_COLUMNS)[:2]), (*list(TARIFF_COLUMNS)[2:], *_KNOWN))
_VALUES: Final = TableForm("values", ("id", "value"), ("unit", "status", "source", "low", "high", "note"), False)


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet.

    Attributes
    ----------
    name : str
        On its tab.
    form : TableForm
        Its columns.
    file : str
        The table of a folder that it stands for.
    purpose : str
        One sentence for whoever fills it in.
    """

    name: str
    form: TableForm
    file: str
    purpose: str

    @property
    def columns(self) -> tuple[str, ...]:
        """Return its columns in order."""
        return (*self.form.needed, *self.form.optional)


SHEETS: Final = (
    Sheet("Programme", PROGRAMME, "programme.toml", "The programme's name, and how finely groups are cut."),
    Sheet("Groups", GROUPS, GROUPS.file, "One row a payment group: whom the Department can tell apart and price."),
    Sheet(
        "Spread",
        SPREAD,
        "spread",
        "One row a group: how many, how many find work today, how different they are. Segments are fitted so that "
        "today's tariff gives today's rates. Fill this sheet or Segments, not both.",
    ),
    Sheet(
        "Segments",
        SEGMENTS,
        SEGMENTS.file,
        "One row a segment: people alike, inside a group, whom only providers tell apart. Fill this sheet or Spread.",
    ),
    Sheet("Tariff", _WIDE_TARIFF, TARIFF.file, "One row a group: what is paid today, list prices in GBP."),
    Sheet(
        "Values",
        _VALUES,
        FIGURES.file,
        "Every other number by its id: a name, or a name and a group, a family or a contract year after a slash.",
    ),
    Sheet("Providers", AGENTS, AGENTS.file, "One row an organisation in one place. Empty: primes deliver everything."),
    Sheet(
        "Links", CONTRACTS, CONTRACTS.file, "One row a contract: who pays whom, on what terms. Money flows along it."
    ),
    Sheet("Areas", AREAS, AREAS.file, "One row a contract package area. Empty: primes' areas are alike."),
    Sheet(
        "Rivalry",
        RIVALS,
        "rivalry",
        "What results do for the primes of one area besides the tariff: shares of referrals that follow them, bonuses, "
        "minimum levels. Empty: nothing. Otherwise the first row is the rule.",
    ),
    Sheet("Limits", LIMITS, LIMITS.file, "What a better tariff is to achieve, and what it must respect."),
    Sheet("Evidence", EVIDENCE, "evidence", "How well a number of Tariff or Spread is known, and its range."),
    Sheet("Sources", SOURCES, SOURCES.file, "One row a page that numbers cite by its key."),
)
"""In the order of the tabs."""

_SHARE = "A share from 0 to 1, not per cents."
_GBP = "GBP, a plain number without £ or commas."

NOTES: Final = MappingProxyType(
    {
        "group": "Id of the payment group, as in sheet Groups.",
        "family": "Groups of one family share the numbers of Values that name it. May be blank.",
        "participants": "People.",
        "observed_rate": f"Share with a paid outcome under today's tariff. {_SHARE}",
        "deadweight_rate": f"p0: share with a paid outcome without any help from providers. {_SHARE}",
        "deadweight_ratio": f"Instead of deadweight_rate: which share of today's outcomes would come anyway. {_SHARE}",
        "ceiling_rate": f"p1: share with a paid outcome under unlimited help. {_SHARE}",
        "response_scale_gbp": f"kappa: help per participant that closes 63 % of the gap from p0 to p1. {_GBP}",
        "spread": "sigma: how different people of the group are, a standard deviation in logits, often 0.8 to 1.6.",
        "exit_hazard": f"Chance of losing the job in four weeks. {_SHARE}",
        "reentry_rate": f"Chance of being back in work after four weeks. {_SHARE}",
        "curvature": "b of the response, 0 to below 1; 0 is the saturating exponential.",
        "attachment_fee_gbp": f"Paid when a participant starts. {_GBP}",
        "outcome_fee_gbp": f"Paid for a job outcome. {_GBP}",
        "sustainment_fee_gbp": f"Paid for each four weeks in work after the outcome. {_GBP}",
        "sustainment_max": "Most sustainment payments for one outcome.",
        "sustainment_window": "Four-week periods within which they fall due; blank: no limit but the number.",
        "accelerator_threshold": f"Outcome rate of the group beyond which outcomes pay more. {_SHARE}",
        "accelerator_fee_gbp": f"Paid on top for each outcome beyond it; blank: no accelerator. {_GBP}",
        "id": "For instance outcome_value_gbp, outcome_value_gbp/young, bid_discount, intake_share/1.",
        "value": "The number or the word itself.",
        "status": "confirmed: read in a source. derived: arithmetic on such numbers. unconfirmed: recalled. assumed.",
        "source": "Keys of sheet Sources with semicolons between; needed for confirmed and derived numbers.",
        "low": "Lowest value thought possible. Without a range nobody can say what rests on the number.",
        "high": "Highest value thought possible.",
        "unit": "May be blank for known numbers.",
        "agent": "Each name once; make one row for each contract that an organisation holds.",
        "kind": "department (exactly one), prime, tier1 or tier2.",
        "area": "Contract package area of a prime.",
        "delivers": "no for a prime that only manages.",
        "productivity": "2 does with £1 what others do with £2. One number, or one a group: young=1.5; *=1.",
        "ceiling_bonus": "Added to p1. One number, or one a group.",
        "fixed_cost_gbp": f"Cost of being there at all. {_GBP}",
        "working_capital_gbp": f"What it can lay out before outcomes pay; blank: no limit. {_GBP}",
        "cost_of_capital": f"Yearly rate at which it borrows. {_SHARE}",
        "mission_gbp": f"What an outcome is worth to it beyond money. {_GBP}",
        "capacity": "Most participants it can take; blank: no limit.",
        "payer": "Name of an agent in sheet Providers.",
        "payee": "Name of an agent in sheet Providers; each once.",
        "contract": "How it pays: two_part, fixed_share, piece_rate or group_price. The Department pays the tariff.",
        "share": f"Of the payer's own price, for fixed_share. {_SHARE}",
        "attachment_share": f"Of the payer's attachment fee that is passed on. {_SHARE}",
        "volume_share": f"Share of the payer's participants it gets, whoever they are; blank: none set. {_SHARE}",
        "participant_share": f"Share of every segment's people; areas add up to 1. {_SHARE}",
        "limit": "minimise or maximise, and limits: budget, step, ... ('pbr-opt compare --help' lists all).",
        "key": "Short name by which numbers cite the page.",
        "grade": "A official or parliamentary, B research, charity or trade body, C press or blog.",
        "setting": "name, segments_per_group, seed, or base (a bundled programme to take the rest from).",
        "Rivalry/setting": "rule; beta (of linear); exponent (of tullock); points, scale, margin (of smoothed_rank); "
        "shift, margin, noise (of rank); measured_share, moved_share, missed_level_gbp, inflation; and, for one group, "
        "level, non_intervention_rate, bonus_gbp, uplift. What is not said has its default.",
        "Rivalry/value": "Of rule: linear, tullock, smoothed_rank, rank, or none where no share moves. Of all others a "
        "number; rates and shares are 0 to 1.",
        "Rivalry/group": "Only for level, non_intervention_rate, bonus_gbp and uplift: the payment group.",
    }
)
"""Notes on columns, by name, or by sheet and name."""


def choices_of(sheet: str, column: str) -> tuple[str, ...]:
    """Return what a drop-down of a column offers, nothing where anything may stand.

    >>> choices_of("Providers", "kind")
    ('department', 'prime', 'tier1', 'tier2')
    """
    chain = sheet in ("Providers", "Links", "Areas")
    if sheet == "Rivalry" and column in ("setting", "value"):
        return (RULE, *RIVALRY_FIELDS) if column == "setting" else (*SHARE_RULES, NO_RULE)
    return {
        "kind": KINDS,
        "sector": SECTORS,
        "delivers": ("yes", "no"),
        "contract": CONTRACT_FORMS,
        "grade": GRADES,
        "status": ROW_STATUSES if chain else STATUSES,
        "setting": ("name", "base", "seed", "segments_per_group"),
    }.get(column, ())
