"""What the Department can tell of people before it prices them: finer cells, and labels that are sometimes wrong."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from pbr_opt.errors import UnsupportedModelError
from pbr_opt.market.caseload import Caseload
from pbr_opt.market.programme import Programme
from pbr_opt.market.tariffs import Tariff
from pbr_opt.quantities import FloatArray, Inspection, IntArray, frozen

__all__ = ["banded", "blurred", "mislabelled", "overpayment"]

_PARTS_TO_ONE: Final = 1e-9
"""Shares of a cell add up to 1 within this."""

_OWN: Final = ("outcome_value_gbp", "minimum_service_gbp", "mission_gbp", "base_service_gbp")
_FEES: Final = (
    "attachment_fee_gbp",
    "outcome_fee_gbp",
    "sustainment_fee_gbp",
    "sustainment_max",
    "sustainment_window",
    "accelerator_threshold",
    "accelerator_fee_gbp",
)


def banded(programme: Programme, bands: int) -> Programme:
    """Return the programme with every payment group split into cells by readiness for work: an ASSUMPTION.

    It supposes that an assessment can rank people by their chance without support, and cut each group into as many
    bands of (nearly) equal size as it says. Segments are not split: with fewer segments than bands each is a cell.

    Parameters
    ----------
    programme : Programme
        Without a supply chain.
    bands : int
        At least 1; 1 leaves what is there.

    Returns
    -------
    Programme
        Groups named ``1/1`` (the hardest of group 1), ``1/2``, ...; every cell keeps its group's tariff and terms.

    Raises
    ------
    InvalidInputError, UnsupportedModelError
        No whole number of bands; a supply chain.

    Examples
    --------
    >>> from pbr_opt.market.tariffs import Tariff
    >>> people = Caseload(["a", "a"], 100, [.12, .02], [.42, .10], 600)
    >>> banded(Programme("p", people, Tariff(["a"], 0, 4000)), 2).caseload.group.tolist()
    ['a/2', 'a/1']
    """
    check = Inspection("banded")
    bands = check.whole("bands", bands, lowest=1, highest=10_000)
    check.finish()
    _require_no_chain(programme)
    caseload = programme.caseload
    names = np.empty(len(caseload), dtype=object)
    for group in caseload.groups:
        rows = caseload.segments_of(group)
        order = rows[np.argsort(caseload.deadweight_rate[rows], kind="stable")]
        people = caseload.participants[order]
        middle = (np.cumsum(people) - 0.5 * people) / max(float(people.sum()), np.finfo(float).tiny)
        _, band = np.unique(np.minimum((middle * bands).astype(np.int64), bands - 1), return_inverse=True)
        names[order] = [f"{group}/{k + 1}" for k in band]
    cells = caseload.replace(group=names.astype(str))
    family = np.array([caseload.groups.index(cell.rpartition("/")[0]) for cell in cells.groups])
    return _with_cells(programme, cells, family, f"{programme.name}, {bands} bands a group")


def mislabelled(programme: Programme, confusion: ArrayLike) -> Programme:
    """Return the programme as the Department sees it when labels are noisy: prices follow the label, not the person.

    Who is of cell j gets label o with probability ``confusion[j, o]``, for every segment of the cell alike; providers
    see the segment and the label. A label's segments are those of all cells that end up under it, so that everything
    that can be asked of a programme can be asked of this one.

    Parameters
    ----------
    programme : Programme
        Its payment groups are the true cells; no supply chain.
    confusion : array (cells, cells)
        Rates that add up to 1 in every row; rows and columns in the order of the caseload's groups.

    Returns
    -------
    Programme
        With the same groups, now labels.

    Raises
    ------
    InvalidInputError
        A matrix of another shape, rows that do not add up to 1, labels that nobody gets: all at once.
    UnsupportedModelError
        A supply chain, or cells that are confused and differ in what belongs to the person (value of an outcome, base
        service) or the provider's duty.

    Examples
    --------
    >>> from pbr_opt.market.tariffs import Tariff
    >>> people = Caseload(["a", "b"], 100, [.12, .02], [.42, .10], 600)
    >>> seen = mislabelled(Programme("p", people, Tariff(["a", "b"], 0, 4000)), [[.9, .1], [.2, .8]])
    >>> seen.caseload.group_participants.round(6).tolist()
    [110.0, 90.0]
    """
    _require_no_chain(programme)
    caseload = programme.caseload
    share = _confusion("mislabelled", confusion, len(caseload.groups))
    _require_somebody(caseload, share)
    _require_alike(programme, share)
    segment, label = np.nonzero(share[caseload.group_index] > 0.0)
    order = np.lexsort((segment, label))
    segment, label = segment[order], label[order]
    people = caseload.take(segment)
    part = share[caseload.group_index[segment], label]
    seen = people.replace(participants=people.participants * part, group=np.asarray(caseload.groups)[label])
    family = np.array([caseload.groups.index(name) for name in seen.groups])
    return _with_cells(programme, seen, family, f"{programme.name}, labels as they are given")


def blurred(groups: int, bands: int, accuracy: float) -> FloatArray:
    """Return the confusion of bands within their group: right with a probability, else any other band alike.

    The groups themselves (a benefit) are known for sure.

    Parameters
    ----------
    groups, bands : int
        Cells are groups times bands, group after group.
    accuracy : float
        0..1; 1 / bands is pure chance.

    Examples
    --------
    >>> blurred(1, 2, 0.9).round(6).tolist()
    [[0.9, 0.1], [0.1, 0.9]]
    """
    check = Inspection("blurred")
    groups, bands = check.whole("groups", groups, lowest=1), check.whole("bands", bands, lowest=1, highest=10_000)
    right = check.number("accuracy", accuracy, highest=1.0)
    check.finish()
    wrong = (1.0 - right) / (bands - 1) if bands > 1 else 0.0
    one = np.full((bands, bands), wrong)
    np.fill_diagonal(one, right if bands > 1 else 1.0)
    return frozen(np.kron(np.eye(groups), one))


def overpayment(price_gbp: ArrayLike, confusion: ArrayLike) -> FloatArray:
    """Return label prices whose *mean* for each true cell is a given price: the rule of Glazer and McGuire (2000).

    ``sum over labels o of confusion[j, o] r_o = price_j`` for every cell j. Labels that are noisy have to overstate:
    above the price of those thought hard, below the price of those thought easy; a price that is the posterior mean
    ("conventional risk adjustment") undershoots both.

    Parameters
    ----------
    price_gbp : array (cells,)
        What a cell ought to be paid if it were seen.
    confusion : array (cells, cells)
        As for :func:`mislabelled`; invertible.

    Returns
    -------
    array (cells,)
        One price a label; some may be negative, which no tariff can pay.

    Notes
    -----
    It is right for a payee that cannot treat people of one cell differently by label (a health plan that sets the
    quality of a service). Providers here see the label and can: then the best label prices come from designing over
    :func:`mislabelled` itself.

    Source
    ------
    J. Glazer and T. G. McGuire, Optimal risk adjustment in markets with adverse selection: an application to managed
    care, American Economic Review 90(4), 2000, pp. 1055-1071.

    Examples
    --------
    >>> overpayment([4000, 10_000], [[.9, .1], [.2, .8]]).round(2).tolist()
    [3142.86, 11714.29]
    """
    check = Inspection("overpayment")
    price = check.money("price_gbp", price_gbp, int(np.size(price_gbp)))
    check.finish()
    share = _confusion("overpayment", confusion, price.size)
    if np.linalg.matrix_rank(share) < price.size:
        check.fault("confusion", "a matrix without inverse", "labels that tell the cells apart")
        check.finish()
    return frozen(np.linalg.solve(share, price))


def _require_no_chain(programme: Programme) -> None:
    if programme.supply_chain is not None:
        raise UnsupportedModelError(
            "Cells and labels are for primes that deliver alone: skills of a chain belong to its own groups; "
            "try programme.replace(supply_chain=None)"
        )


def _require_somebody(caseload: Caseload, share: FloatArray) -> None:
    check = Inspection("mislabelled")
    for o in np.flatnonzero(~(share > 0.0).any(axis=0)):
        check.fault(f"label '{caseload.groups[o]}'", "nobody", "at least one cell whose people get it")
    check.finish()


def _require_alike(programme: Programme, share: FloatArray) -> None:
    """Raise when a label would mix people of whom the programme says different things."""
    for name in _OWN:
        value = getattr(programme, name)
        if value is not None and ((share > 0.0) & (value[:, None] != value[None, :])).any():
            raise UnsupportedModelError(
                f"Cells that are confused with each other differ in {name}, which a programme holds by payment group; "
                "try a confusion within cells that share it"
            )


def _confusion(subject: str, confusion: ArrayLike, cells: int) -> FloatArray:
    check = Inspection(subject)
    given = np.asarray(confusion)
    if given.shape != (cells, cells):
        check.fault("confusion", f"shape {given.shape}", f"({cells}, {cells})", "one row a cell, one column a label")
        check.finish()
    share = check.rates("confusion", given.ravel(), cells * cells).reshape(cells, cells)
    for j in np.flatnonzero(np.abs(share.sum(axis=1) - 1.0) > _PARTS_TO_ONE)[:3]:
        check.fault(f"confusion[{j}]", f"rates that add up to {share[j].sum():.6g}", "rates that add up to 1")
    check.finish()
    return share


def _with_cells(programme: Programme, caseload: Caseload, family: IntArray, name: str) -> Programme:
    """Return the programme over other groups, each with the tariff and the terms of one of the old ones."""
    old = programme.caseload.groups
    own = {key: getattr(programme, key) for key in _OWN}
    pairs = list(zip(caseload.groups, family.tolist(), strict=True))
    tariff = programme.tariff.aligned(old)
    return programme.replace(
        name=name,
        caseload=caseload,
        tariff=Tariff(caseload.groups, **{key: getattr(tariff, key)[family] for key in _FEES}),
        group_names={
            cell: programme.group_names[old[k]] + ("" if cell in old else f", band {cell.rpartition('/')[2]}")
            for cell, k in pairs
        },
        families={cell: programme.families.get(old[k], "") for cell, k in pairs},
        central_case=None,
        **{key: None if value is None else value[family] for key, value in own.items()},
    )
