"""Draw a supply chain: who stands where, and how many people and how much money go along each contract.

Columns from left to right are tiers; a line's width grows with the square root of what flows. Nothing is told by colour
alone: people are solid lines and money dashed ones, sectors have shapes and letters, and who left has a dashed border
and says why.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from math import sqrt
from typing import TYPE_CHECKING, Final

from pbr_opt.errors import Fault, InvalidInputError
from pbr_opt.evaluation import Evaluation
from pbr_opt.market.agents import Agent, Contract
from pbr_opt.market.supply_chain import SupplyChain
from pbr_opt.quantities import nearest
from pbr_opt.report.chain_folding import ChainParts, folded
from pbr_opt.report.drawing_marks import Box, Curve, Mark, Words, figure_of, fitting, svg_of
from pbr_opt.report.layered_layout import Layout, lay_out
from pbr_opt.report.wording import count

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["ChainDrawing", "draw_chain"]

_RANK: Final = {"department": 0, "prime": 1, "tier1": 2, "tier2": 3}
_TIERS: Final = {"department": "Department", "prime": "Primes", "tier1": "Tier 1", "tier2": "Tier 2"}
_FILLS: Final = {"private": "#eef3fb", "public": "#f3f3f3", "voluntary": "#fdf3e1"}
_SHAPES: Final = {"private": "private: square", "public": "public: double line", "voluntary": "voluntary: round"}
_NOTES: Final = (
    "from left to right; width grows with the square root of the flow",
    "dashed border: left the chain; dotted line: nothing flows; parked: of those it serves itself",
)
_LETTERS: Final = {"private": "P", "public": "G", "voluntary": "V"}
_PEOPLE, _MONEY, _NOTHING, _INK, _FAINT = "#1f5fa8", "#b3541e", "#9a9a9a", "#333333", "#6b6b6b"

_BOX_WIDTH, _BOX_HEIGHT, _GAP, _COLUMN_GAP = 256.0, 38.0, 7.0, 120.0
_WAYPOINT: Final = 14.0
_MARGIN, _HEAD, _FOOT = 20.0, 74.0, 84.0
_NAME_SIZE, _TEXT_SIZE, _HEAD_SIZE = 11.0, 9.5, 12.0
_WIDEST, _THINNEST = 12.0, 0.8
_MOST_BOXES: Final = 150
_FAN: Final = 240.0
"""Lines that leave one box are together no wider than this, or they would hide each other."""
_APART: Final = 2.0
"""Between the two lines of one contract, beyond half their widths."""
_PLAIN: Final = 0.92
"""The same in plain type."""


@dataclass(frozen=True)
class ChainDrawing:
    """A supply chain as marks on a page. Make one with :func:`draw_chain`.

    Attributes
    ----------
    title : str
        What is drawn.
    marks : tuple of Mark
        From back to front.
    width, height : float
        Pixels.
    layout : Layout
        Where the boxes are.
    """

    title: str
    marks: tuple[Mark, ...]
    width: float
    height: float
    layout: Layout

    def to_svg(self) -> str:
        """Return the drawing as SVG text, the same bytes for the same chain."""
        return svg_of(self.marks, self.width, self.height, self.title)

    def figure(self) -> Figure:
        """Return the drawing as a matplotlib figure.

        Raises
        ------
        MissingExtraError
            Without matplotlib: ``pip install 'pbr_opt[report]'``.
        """
        return figure_of(self.marks, self.width, self.height, self.title)


@dataclass(frozen=True)
class _Chain(ChainParts):
    """The part of a chain that is drawn, with its books where there are any, laid out."""

    layout: Layout = field(init=False)

    def __post_init__(self) -> None:
        """Lay the boxes out."""
        layer: dict[str, int] = {}
        for agent in self.agents:  # payers before payees
            edge = self.contracts.get(agent.name)
            layer[agent.name] = max(_RANK[agent.kind], 0 if edge is None else layer[edge.payer] + 1)
        numbers = {column: k for k, column in enumerate(sorted(set(layer.values())))}
        layer = {name: numbers[column] for name, column in layer.items()}
        lines = [(edge.payer, edge.payee) for edge in self.contracts.values()]
        layout = lay_out(layer, lines, box=_BOX_HEIGHT + _GAP, waypoint=_WAYPOINT)
        object.__setattr__(self, "layout", layout)

    def flows(self, payee: str) -> tuple[float, float]:
        """Return people and money that reach a payee; nothing without books."""
        account = self.accounts.get(payee)
        return (0.0, 0.0) if account is None else (account.referrals, max(account.income_gbp, 0.0))


def draw_chain(source: SupplyChain | Evaluation, area: str | None = None) -> ChainDrawing:
    """Return a drawing of a chain, with flows of people and money when it is taken from an evaluation.

    Parameters
    ----------
    source : SupplyChain or Evaluation
        A chain as it was agreed, or what comes of it under a tariff.
    area : str, optional
        Only the primes of one area and those below them. Without it a chain of more than 150 agents is drawn folded,
        the subcontractors of each prime as one box a tier: nobody reads a thousand boxes.

    Raises
    ------
    InvalidInputError
        For an evaluation without a supply chain, or an area that the chain does not have.

    Examples
    --------
    >>> from pbr_opt.market.agents import Agent, Contract
    >>> agents = [Agent("DWP", "department"), Agent("Prime", "prime"), Agent("Hope & Co", "tier2", sector="voluntary")]
    >>> chain = SupplyChain(agents, [Contract("DWP", "Prime"), Contract("Prime", "Hope & Co", "piece_rate")])
    >>> drawing = draw_chain(chain)
    >>> len(drawing.layout.columns), "Hope &amp; Co" in drawing.to_svg()
    (3, True)
    """
    parts = _part(source, area)
    many = area is None and len(parts.agents) > _MOST_BOXES
    shown = folded(parts) if many else parts
    chain = _Chain(shown.agents, shown.contracts, shown.accounts, shown.reasons)
    layout = chain.layout
    width = 2 * _MARGIN + len(layout.columns) * (_BOX_WIDTH + _COLUMN_GAP) - _COLUMN_GAP
    height = _HEAD + layout.total_height + _FOOT
    title = f"Supply chain{f' in {area}' if area else ''}: {count(len(parts.agents))} agents"
    title += ", subcontractors of each prime together (those that stayed, of how many; sector of most)" if many else ""
    marks = [*_heading(chain, title), *_lines(chain), *_boxes(chain), *_legend(chain, height)]
    return ChainDrawing(title, tuple(marks), width, height, layout)


def _part(source: SupplyChain | Evaluation, area: str | None) -> ChainParts:
    """Return what is to be drawn."""
    chain = source if isinstance(source, SupplyChain) else source.programme.supply_chain
    if chain is None:
        raise InvalidInputError("draw_chain", [Fault("source", "no supply chain", "a programme with one")])
    places = [place.name for place in chain.areas]
    if area is not None and area not in places:
        raise InvalidInputError("draw_chain", [Fault("area", area, "an area of the chain", nearest(area, places))])
    kept: set[str] = set()
    for agent in chain.agents:
        edge = chain.contracts.get(agent.name)
        wanted = area is None or agent.area == area if agent.kind == "prime" else edge is None or edge.payer in kept
        kept |= {agent.name} if wanted else set()
    equilibrium = None if isinstance(source, SupplyChain) else source.equilibrium
    books = () if equilibrium is None else equilibrium.accounts
    gone = () if equilibrium is None else equilibrium.departures
    agents = tuple(agent for agent in chain.agents if agent.name in kept)
    contracts = {agent.name: chain.contracts[agent.name] for agent in agents if agent.name in chain.contracts}
    reasons = {item.agent: item.reason for item in gone}
    reasons |= {a.agent: "its payer left" for a in books if not a.active and a.agent not in reasons}
    return ChainParts(agents, contracts, {account.agent: account for account in books}, reasons)


def _left(column: int) -> float:
    return _MARGIN + column * (_BOX_WIDTH + _COLUMN_GAP)


def _heading(chain: _Chain, title: str) -> list[Mark]:
    marks: list[Mark] = [Words(_MARGIN, 28.0, title, 15.0, bold=True)]
    kinds = {agent.name: agent.kind for agent in chain.agents}
    for k, column in enumerate(chain.layout.columns):
        names = dict.fromkeys(_TIERS[kinds[name]] for name, waypoint in column if not waypoint)
        heading = ", ".join(names)
        marks.append(Words(_left(k) + _BOX_WIDTH / 2, 56.0, heading, _HEAD_SIZE, bold=True, anchor="middle"))
    return marks


def _lines(chain: _Chain) -> list[Mark]:
    """Return two lines a contract, people above money; a thin dotted one where nothing flows, a solid one before."""
    flows = {name: chain.flows(name) for name in chain.contracts}
    most = [max((flow[k] for flow in flows.values()), default=0.0) for k in range(2)]
    fan = max(Counter(edge.payer for edge in chain.contracts.values()).values(), default=1)
    widest = min(_WIDEST, _FAN / fan)
    marks: list[Mark] = []
    for name, edge in chain.contracts.items():
        points = _route(chain.layout, edge)
        tip = f"{edge.payer} → {name}: {_terms(edge, chain.agents[0].name)}"
        if max(flows[name]) <= 0.0:
            marks.append(Curve(points, _THINNEST, _NOTHING, "dotted" if chain.accounts else "solid", tip))
            continue
        widths = [
            max(widest * sqrt(flow / top), _THINNEST) if flow > 0 else 0.0
            for flow, top in zip(flows[name], most, strict=True)
        ]
        people, money = flows[name]
        tip = f"{tip}; {count(people)} people, {_short(money)}"
        apart = (sum(widths) / 2.0 + _APART) / 2.0
        for width, shift, colour, line in (
            (widths[0], -apart, _PEOPLE, "solid"),
            (widths[1], apart, _MONEY, "dashed"),
        ):
            if width > 0.0:
                marks.append(Curve(tuple((x, y + shift) for x, y in points), width, colour, line, tip))
    return sorted(marks, key=lambda mark: -mark.width if isinstance(mark, Curve) else 0.0)  # thin ones in front


def _route(layout: Layout, edge: Contract) -> tuple[tuple[float, float], ...]:
    """Return the points of a line: from the payer's right side, past columns in between, to the payee's left."""
    first, last = layout.column_of[edge.payer, 0], layout.column_of[edge.payee, 0]
    points = [(_left(first) + _BOX_WIDTH, _HEAD + layout.height[edge.payer, 0])]
    for place in layout.stops(edge.payer, edge.payee):
        column, height = layout.column_of[place], _HEAD + layout.height[place]
        points += [(_left(column), height), (_left(column) + _BOX_WIDTH, height)]
    return (*points, (_left(last), _HEAD + layout.height[edge.payee, 0]))


def _terms(edge: Contract, department: str) -> str:
    """Return a contract in a few words."""
    if edge.payer == department:
        return "tariff in full"
    words = edge.form.replace("_", " ")
    if edge.form == "fixed_share":
        words = f"{words} {100 * edge.share:.0f} %"
    return words if edge.volume_share is None else f"{words}, {100 * edge.volume_share:.0f} % of people"


def _boxes(chain: _Chain) -> list[Mark]:
    marks: list[Mark] = []
    for agent in chain.agents:
        left = _left(chain.layout.column_of[agent.name, 0])
        top = _HEAD + chain.layout.height[agent.name, 0] - _BOX_HEIGHT / 2.0
        gone = agent.name in chain.reasons
        tip = ", ".join(part for part in (agent.name, agent.sector, agent.area) if part)
        box = _box(agent.sector, (left, top), (_BOX_WIDTH, _BOX_HEIGHT), gone=gone)
        name = fitting(agent.name, _NAME_SIZE * (_PLAIN if gone else 1.0), _BOX_WIDTH - 34.0)
        text = fitting(_state(chain, agent), _TEXT_SIZE * _PLAIN, _BOX_WIDTH - 18.0)
        letter, right = _LETTERS[agent.sector], left + _BOX_WIDTH - 9.0
        ink = _FAINT if gone else _INK
        marks += [
            replace(box, tip=tip),
            Words(left + 9.0, top + 16.0, name, _NAME_SIZE, bold=not gone, colour=ink),
            Words(right, top + 16.0, letter, _NAME_SIZE, anchor="end", colour=_FAINT),
            Words(left + 9.0, top + 30.0, text, _TEXT_SIZE, colour=ink),
        ]
    return marks


def _state(chain: _Chain, agent: Agent) -> str:
    """Return the second line of a box: what comes of an agent, or its contract where nothing is known yet."""
    account, edge = chain.accounts.get(agent.name), chain.contracts.get(agent.name)
    if edge is None:
        paid = sum(chain.flows(name)[1] for name, below in chain.contracts.items() if below.payer == agent.name)
        return f"pays {_short(paid)}" if account is not None else "pays by the tariff"
    if account is None:
        return _terms(edge, chain.agents[0].name)
    if agent.name in chain.reasons:
        return f"left: {chain.reasons[agent.name]}"
    if account.referrals <= 0.0:
        return "nobody referred"
    parts = [f"{count(account.referrals)} people", _short(account.income_gbp)]
    if account.delivered > 0.0:
        parts.append(f"{100 * account.parked / account.delivered:.0f} % parked")
    return " · ".join(parts)


def _short(gbp: float) -> str:
    """Return an amount in few characters.

    >>> _short(2_337_169_321.0), _short(41_200.0), _short(950.0)
    ('£2,337m', '£41k', '£950')
    """
    if abs(gbp) >= 1e6:
        return f"£{gbp / 1e6:,.0f}m" if abs(gbp) >= 1e7 else f"£{gbp / 1e6:.1f}m"
    return f"£{gbp / 1e3:.0f}k" if abs(gbp) >= 1e4 else f"£{gbp:,.0f}"


def _legend(chain: _Chain, height: float) -> list[Mark]:
    """Return the key at the foot."""
    base = height - _FOOT + 22.0
    marks: list[Mark] = []
    left = _MARGIN
    if chain.accounts:
        for colour, line, text in ((_PEOPLE, "solid", "people"), (_MONEY, "dashed", "money")):
            marks.append(Curve(((left, base - 4.0), (left + 34.0, base - 4.0)), 3.0, colour, line))
            marks.append(Words(left + 40.0, base, text, _TEXT_SIZE))
            left += 96.0
        for row, note in enumerate(_NOTES):
            place = (_MARGIN, left)[row == 0], base + 18.0 * row
            marks.append(Words(*place, note, _TEXT_SIZE, colour=_FAINT))
        base += 42.0
    return [*marks, *_sectors(chain.agents, base)]


def _sectors(agents: Iterable[Agent], base: float) -> list[Mark]:
    """Return the key of the shapes that occur."""
    present = {agent.sector for agent in agents}
    marks: list[Mark] = []
    left = _MARGIN
    for sector, text in _SHAPES.items():
        if sector in present:
            marks.append(_box(sector, (left, base - 12.0), (26.0, 17.0)))
            marks.append(Words(left + 32.0, base, f"{_LETTERS[sector]}  {text}", _TEXT_SIZE))
            left += 160.0
    return marks


def _box(sector: str, corner: tuple[float, float], size: tuple[float, float], *, gone: bool = False) -> Box:
    """Return a box in the shape of its sector."""
    return Box(
        *corner,
        *size,
        "#ffffff" if gone else _FILLS[sector],
        _INK,
        rounded=sector == "voluntary",
        double=sector == "public",
        line="dashed" if gone else "solid",
    )
