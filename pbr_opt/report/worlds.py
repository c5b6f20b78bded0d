"""Plausible worlds, the scoreboard and the assumptions register as screens of text, and as files for others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

from pbr_opt.analysis.ensemble import Ensemble
from pbr_opt.analysis.scoreboard import VERDICTS
from pbr_opt.analysis.sensitivity import rank_inputs, rank_kept, tornado
from pbr_opt.analysis.world_answers import Answers
from pbr_opt.analysis.world_designs import WorldDesigns
from pbr_opt.programmes.facts import evidence_texts
from pbr_opt.report.records import csv_text, inputs_of, plain, provenance
from pbr_opt.report.wording import count, money, per_cent, table
from pbr_opt.report.world_designs import design_dict, design_screen, design_tables

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["WORLDS", "WorldReport", "quantiles_shown", "register_text", "scoreboard_text"]

WORLDS: Final = "across_worlds"
"""Under this name a record keeps what was found."""
_SHOWN: Final = 8
_ENOUGH: Final = 30
"""Below it P10 and P90 are single worlds near the ends."""
_ALL: Final = "No fact excludes any: these are worlds as drawn, and nothing was held against them."
_FEW: Final = "So few worlds are a sketch, P10 and P90 above all: draw more."
_LINES: Final[Mapping[str, str]] = {
    "parked_share": "people parked",
    "inefficiently_parked_share": "parked though help would pay",
    "additional_outcomes": "additional outcomes",
    "mean_support_gbp": "support a head",
    "spend_gbp": "spend",
    "windfall_share": "windfall in outcome payments",
}
_SHARES: Final = ("parked_share", "inefficiently_parked_share", "windfall_share")


def _shown(measure: str, value: float) -> str:
    if measure in _SHARES:
        return per_cent(value)
    return money(value) if measure.endswith("_gbp") else count(value)


def quantiles_shown(answers: Answers, measure: str) -> tuple[pd.DataFrame, str]:
    """Return P10, P50 and P90 of a measure under each tariff as they are drawn, shares in per cent, and its unit.

    Raises
    ------
    InvalidInputError
        For another measure.
    """
    answers.values(answers.labels[0], measure)  # refuses what is no measure
    frame = answers.quantiles()
    frame = frame[(frame["measure"] == measure) & (frame["of"] == "level")].reset_index(drop=True)
    words = _LINES.get(measure, measure)
    if measure not in _SHARES:
        return frame, f"{words}, GBP" if measure.endswith("_gbp") else words
    frame[["p10", "p50", "p90"]] *= 100.0
    return frame, f"{words}, %"


@dataclass(frozen=True, eq=False)
class WorldReport:
    """What is said of an ensemble and of tariffs across it.

    Attributes
    ----------
    ensemble : Ensemble
        The worlds.
    answers : Answers
        Of one tariff or several.
    designs : WorldDesigns or None
        Tariffs that were designed for these worlds.
    """

    ensemble: Ensemble
    answers: Answers
    designs: WorldDesigns | None = None

    @cached_property
    def ranking(self) -> pd.DataFrame:
        """Return the inputs by what they do to parking among the worlds that the facts left."""
        return rank_kept(self.ensemble)

    @cached_property
    def prior_ranking(self) -> pd.DataFrame:
        """Return the inputs by what they do to parking over their ranges, before the facts."""
        return rank_inputs(self.ensemble.inputs)

    @cached_property
    def cells(self) -> pd.DataFrame:
        """Return what tariff cells that are not confirmed do to spend and parking, largest swing of spend first."""
        priors = self.ensemble.inputs.priors
        named = [p.id for p in priors if p.id.startswith("tariff/") and p.shape != "keeps_maximum"]
        spend = tornado(self.ensemble, lambda there: there.spend_gbp, named)[["id", "low", "high", "swing"]]
        parked = tornado(self.ensemble, ids=named)[["id", "swing"]]
        return spend.rename(columns={"swing": "spend_swing_gbp"}).merge(
            parked.rename(columns={"swing": "parked_share_swing"}), on="id"
        )

    @cached_property
    def exclusions(self) -> pd.DataFrame:
        """Return which facts did the excluding."""
        return self.ensemble.exclusions()

    def __str__(self) -> str:
        """Return one screen."""
        parts = [self.opening(), self._excluding(), self._quantiles(), *self.comparisons(), self._hanging()]
        if self.designs is not None:
            parts += design_screen(self.designs)
        return "\n\n".join("\n".join(part) for part in parts if part)

    def opening(self) -> list[str]:
        """Return how many worlds there are, and what they count as."""
        there = self.ensemble
        share = per_cent(len(there) / there.draws)
        return [
            f"{there.inputs.programme.name}: {count(len(there))} of {count(there.draws)} worlds ({share}) are "
            f"plausible, seed {there.seed}.",
            f"Equal weights, so they count as {count(there.effective_size)}; weighted by likelihood they would count "
            f"as {there.by_likelihood().effective_size:.0f}.",
            *([_FEW] if len(there) < _ENOUGH else []),
            *([] if any(fact.excludes for fact in there.facts) else [_ALL]),
        ]

    def _excluding(self) -> list[str]:
        rows = [["What excluded worlds", "excludes", "alone"]]
        chosen = self.exclusions[self.exclusions["excludes"]].head(_SHOWN)
        for record in chosen.to_dict("records"):
            share = per_cent(float(record["excluded_share"]))
            rows.append([str(record["fact"]), share, count(float(record["excluded_by_it_alone"]))])
        return table(rows, "<>>") if len(chosen) else []

    def _quantiles(self) -> list[str]:
        rows = [["", "", "P10", "P50", "P90"]]
        for k, (label, *shown) in enumerate(self.quantile_rows()):
            rows.append(["" if k % len(_LINES) else label, *shown])
        return table(rows, "<<>>>")

    def quantile_rows(self) -> list[tuple[str, ...]]:
        """Return P10, P50 and P90 as text: tariff, measure, and the three."""
        found = self.answers.quantiles()
        found = found[found["of"] == "level"].set_index(["tariff", "measure"])[["p10", "p50", "p90"]]
        places = [(label, measure) for label in self.answers.labels for measure in _LINES]
        points = found.loc[places].to_numpy().tolist()
        return [
            (label, _LINES[measure], *(_shown(measure, point) for point in row))
            for (label, measure), row in zip(places, points, strict=True)
        ]

    def comparisons(self) -> list[list[str]]:
        """Return one paragraph a tariff: how often it is better, and what it may cost."""
        return [self._comparison(label) for label in self.answers.labels[1:]]

    def _comparison(self, label: str) -> list[str]:
        base, answers = self.answers.labels[0], self.answers
        fewer, more = (answers.probability_better(label, name) for name in ("parked_share", "additional_outcomes"))
        dearest = 1.01 * answers.values(base, "spend_gbp")
        affordable = float(self.ensemble.weight @ (answers.values(label, "spend_gbp") <= dearest))
        regret = answers.regrets().set_index("tariff").to_dict("index")
        own, theirs = (
            f"{per_cent(regret[name]['mean_regret'])} on average and {per_cent(regret[name]['worst_regret'])} at worst"
            for name in (label, base)
        )
        return [
            f"'{label}' parks fewer people than '{base}' in {per_cent(fewer)} of worlds, brings more additional",
            f"outcomes in {per_cent(more)} and costs at most 1 % more in {per_cent(affordable)}. Regret in people",
            f"parked: {own};",
            f"of '{base}': {theirs}.",
        ]

    def _hanging(self) -> list[str]:
        """Return what parking hangs on among the kept worlds, and which tariff cell is worth looking up."""
        above = self.ranking[self.ranking["matters"]].head(_SHOWN)
        noise = float(self.ranking["noise"].iloc[0])
        rows = [["Among these worlds parking hangs most on", "distance"]]
        rows += [[str(row["id"]), f"{float(row['pawn']):.2f}"] for row in above.to_dict("records")]
        if above.empty:
            rows.append(["(nothing that stands out from chance)", ""])
        lines = [*table([*rows, ["(what chance alone gives)", f"{noise:.2f}"]], "<>"), ""]
        if len(self.cells):
            cell = self.cells.iloc[0]
            moved = money(float(cell["spend_swing_gbp"])), per_cent(float(cell["parked_share_swing"]))
            lines.append(f"Of tariff cells that are not confirmed, {cell['id']} matters most:")
            lines.append(f"over its range it moves spend by {moved[0]} and the share parked by {moved[1]}.")
        return lines

    def to_dict(self) -> dict[str, object]:
        """Return what the screen says, for machines."""
        there = self.ensemble
        labels = self.answers.labels[1:]
        better = {label: {name: self.answers.probability_better(label, name) for name in _LINES} for label in labels}
        return {
            "programme": there.inputs.programme.name,
            "draws": there.draws,
            "seed": there.seed,
            "worlds": len(there),
            "effective_size": there.effective_size,
            "effective_size_by_likelihood": there.by_likelihood().effective_size,
            "exclusions": plain(self.exclusions.to_dict("records")),
            "quantiles": plain(self.answers.quantiles().to_dict("records")),
            "probability_better": better,
            "regrets": plain(self.answers.regrets().to_dict("records")),
            "ranking": plain(self.ranking.to_dict("records")),
            "unconfirmed_cells": plain(self.cells.to_dict("records")),
            "designs": None if self.designs is None else design_dict(self.designs),
        }

    def files(self) -> dict[str, str]:
        """Return the tables as CSV files by name, and the programme with its priors and facts in ``inputs/``."""
        tables = {
            "worlds": self.ensemble.to_frame(),
            "exclusions": self.exclusions,
            "quantiles": self.answers.quantiles(),
            "ranking": self.ranking,
            "unconfirmed_cells": self.cells,
        } | ({} if self.designs is None else design_tables(self.designs))
        there = self.ensemble
        inputs = inputs_of(there.inputs.programme)[0]
        if inputs:
            told = evidence_texts(there.facts, there.inputs.priors)
            inputs |= {f"inputs/{name}": text for name, text in told.items()}
        return {f"{name}.csv": csv_text(frame) for name, frame in tables.items()} | inputs

    def record(self, settings: Mapping[str, object]) -> dict[str, object]:
        """Return the results and where they came from."""
        programme = self.ensemble.inputs.programme
        record = provenance(programme, {self.answers.labels[0]: programme.tariff}, settings)
        return (
            record
            | {
                "seed": self.ensemble.seed,
                "seed_note": "quasi-random draws; the same seed gives the same worlds",
                "worlds_sha256": self.ensemble.inputs.fingerprint,
                WORLDS: self.to_dict(),
            }
            | inputs_of(programme)[1]
        )


def scoreboard_text(board: pd.DataFrame) -> str:
    """Return the scoreboard as a screen: what the model was not made from first, and the count of verdicts."""
    with_worlds = "p10" in board.columns
    rows = [["", "published", "model", *(["P10 to P90 of worlds"] if with_worlds else []), "verdict", "source"]]
    for record in board.to_dict("records"):
        sign = {"equal": "", "at_least": "at least ", "at_most": "at most "}[str(record["kind"])]
        name = f"{record['fact']}{' (in sample)' if record['in_sample'] else ''}"
        ends = f"{_number(record['p10'])} to {_number(record['p90'])}" if with_worlds else ""
        worlds = ["not asked" if "nan" in ends else ends] if with_worlds else []
        rows.append(
            [name, sign + _number(record["observed"]), _number(record["predicted"]), *worlds, str(record["verdict"]),
             str(record["source"])]
        )  # fmt: skip
    outside = board[~board["in_sample"]]
    closing = ", ".join(f"{int((outside['verdict'] == word).sum())} {word}" for word in _told(outside))
    body = table(rows, "<>>" + (">" if with_worlds else "") + "<<")
    note = "agrees: within one tolerance; partly: three. Tolerances are ours. In sample: the model was made from it."
    return "\n".join([*body, "", f"Out of sample: {closing}. In sample: {int(board['in_sample'].sum())} facts.", note])


def _told(board: pd.DataFrame) -> tuple[str, ...]:
    """Return the verdicts that are counted: silence only where there is any."""
    return VERDICTS if (board["verdict"] == VERDICTS[-1]).any() else VERDICTS[:-1]


def _number(value: object) -> str:
    number = float(str(value))
    return f"{number:,.0f}" if abs(number) >= 100 else f"{number:.3g}"


def register_text(register: pd.DataFrame) -> str:
    """Return the register as a table."""
    rows = [["rank", "assumption", "value", "range", "unit", "status", "source", "date", "quality"]]
    ranks = {str(rank) for rank in register["rank"].dropna()}
    for record in register.to_dict("records"):
        rank = str(record["rank"]) if str(record["rank"]) in ranks else ""
        ends = f"{float(record['low']):g} to {float(record['high']):g}"
        texts = (str(record[name]) for name in ("unit", "status", "source", "date", "quality"))
        rows.append([rank, str(record["id"]), f"{float(record['value']):g}", ends, *texts])
    return "\n".join(table(rows, "><>><<<<<"))
