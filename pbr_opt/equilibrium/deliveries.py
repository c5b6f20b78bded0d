"""Who is served with what, as one table that looks like a caseload: so that judging it needs no other code."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from pbr_opt.equilibrium.accounts import Cell
from pbr_opt.equilibrium.best_response import BestResponse
from pbr_opt.market.caseload import Caseload
from pbr_opt.quantities import BoolArray, FloatArray, IntArray

__all__ = ["Deliveries"]


@dataclass(frozen=True, slots=True, eq=False)
class Deliveries:
    """One row for each segment of an area that one agent serves.

    Attributes
    ----------
    caseload : Caseload
        The rows: people, and how they respond to an ordinary provider's support, in their area.
    behaviour : BestResponse
        What whoever delivers does; its price is what the Department pays, its incentive the deliverer's own.
    segment : array of int (rows,)
        Row of the programme's caseload.
    cell : array of int (rows,)
        Position in ``places``.
    places : tuple of pairs
        Area and deliverer.
    """

    caseload: Caseload
    behaviour: BestResponse
    segment: IntArray
    cell: IntArray
    places: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, cells: Sequence[Cell], price_gbp: FloatArray) -> Deliveries:
        """Return the table of a chain's cells; the first cell gives a row for every segment, so that no group is lost.

        Parameters
        ----------
        cells : sequence of Cell
            At least one.
        price_gbp : array (segments,)
            What the Department pays per outcome.
        """
        served = np.stack([cell.participants for cell in cells])
        there = served > 0.0
        there[0] = True
        segment, place = np.nonzero(there.T)
        at = place * served.shape[1] + segment

        def column(read: Callable[[Cell], FloatArray | BoolArray]) -> FloatArray:
            whole = np.empty(served.shape)
            for row, cell in zip(whole, cells, strict=True):
                row[:] = read(cell)
            return np.asarray(whole.take(at))

        caseload = Caseload(
            cells[0].caseload.group[segment],
            served.take(at),
            column(lambda cell: cell.caseload.deadweight_rate),
            column(lambda cell: cell.caseload.ceiling_rate),
            column(lambda cell: cell.caseload.response_scale_gbp),
            column(lambda cell: cell.caseload.curvature),
        )
        behaviour = BestResponse(
            price_gbp=price_gbp[segment],
            mission_gbp=column(lambda cell: cell.behaviour.mission_gbp),
            support_gbp=column(lambda cell: cell.behaviour.support_gbp),
            outcome_rate=column(lambda cell: cell.behaviour.outcome_rate),
            parked=column(lambda cell: cell.behaviour.parked).astype(bool),
            incentive=column(lambda cell: cell.behaviour.incentive),
        )
        places = tuple((cell.area, cell.deliverer) for cell in cells)
        return cls(caseload, behaviour, _frozen(segment), _frozen(place), places)

    @property
    def area(self) -> list[str]:
        """Return the area of each row."""
        return [self.places[k][0] for k in self.cell]

    @property
    def deliverer(self) -> list[str]:
        """Return who delivers, for each row."""
        return [self.places[k][1] for k in self.cell]


def _frozen(index: IntArray) -> IntArray:
    index.setflags(write=False)
    return index
