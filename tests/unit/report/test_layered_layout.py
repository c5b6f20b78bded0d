"""Layered layouts: nothing overlaps, order is kept, trees do not cross, and sorting never makes it worse."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from pbr_opt.report.layered_layout import Layout, Place, crossings, lay_out

OVERLAP = 1e-9
"""Heights are sums of a few hundred numbers of the order of 1."""


def _random_tree(seed: int, boxes: int) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """Return layers and lines of a tree in which lines may pass up to two columns, in shuffled order."""
    rng = np.random.default_rng(seed)
    layer, lines = {"0": 0}, []
    for k in range(1, boxes):
        payer = str(rng.integers(k))
        layer[str(k)] = layer[payer] + int(rng.integers(1, 4))
        lines.append((payer, str(k)))
    names = list(layer)
    rng.shuffle(names)
    used = {column: k for k, column in enumerate(sorted(set(layer.values())))}
    return {name: used[layer[name]] for name in names}, lines


def _first_order(layer: dict[str, int], layout: Layout) -> list[list[Place]]:
    """Return the columns before anything was sorted: boxes as given, waypoints after them."""
    columns: list[list[Place]] = [[] for _ in layout.columns]
    for name, column in layer.items():
        columns[column].append((name, 0))
    for _, place in layout.links:
        if place[1]:
            columns[place[1] - 1].append(place)
    return columns


@pytest.mark.parametrize("seed", range(12))
def test_a_tree_is_drawn_without_crossings(seed: int) -> None:
    layer, lines = _random_tree(seed, 60)
    layout = lay_out(layer, lines)
    assert crossings(_first_order(layer, layout), layout.links) > 0, "nothing to mend: the test is idle"
    assert crossings(layout.columns, layout.links) == 0


@pytest.mark.parametrize("seed", range(12))
def test_nothing_overlaps_and_every_place_is_there_once(seed: int) -> None:
    layer, lines = _random_tree(seed, 60)
    layout = lay_out(layer, lines, box=3.0, waypoint=1.0)
    for column in layout.columns:
        for above, below in itertools.pairwise(column):
            least = (layout.room[above] + layout.room[below]) / 2.0
            assert layout.height[below] - layout.height[above] >= least - OVERLAP
    placed = [place for column in layout.columns for place in column]
    assert len(placed) == len(set(placed)) == len(layout.height)
    assert {name for name, waypoint in placed if not waypoint} == set(layer)
    edges = [layout.height[place] - layout.room[place] / 2.0 for place in placed]
    assert min(edges) == pytest.approx(0.0, abs=OVERLAP)


@pytest.mark.parametrize("seed", range(12))
def test_sorting_never_adds_crossings_where_boxes_have_several_payers(seed: int) -> None:
    rng = np.random.default_rng(seed)
    layer = {str(k): k // 5 for k in range(15)}
    pairs = [(str(a), str(b)) for a in range(15) for b in range(15) if b // 5 == a // 5 + 1 and rng.random() < 0.3]
    layout = lay_out(layer, pairs)
    assert crossings(layout.columns, layout.links) <= crossings(_first_order(layer, layout), layout.links)


def test_crossings_are_counted_as_one_by_one() -> None:
    rng = np.random.default_rng(3)
    columns: list[list[Place]] = [[(f"{side}{k}", 0) for k in range(7)] for side in "ab"]
    pairs = [(columns[0][i], columns[1][j]) for i in range(7) for j in range(7) if rng.random() < 0.4]
    row = {place: k for column in columns for k, place in enumerate(column)}
    crossed = sum((row[a] - row[c]) * (row[b] - row[d]) < 0 for (a, b), (c, d) in itertools.combinations(pairs, 2))
    assert crossed > 0
    assert crossings(columns, pairs) == crossed


def test_a_payer_stands_level_with_the_middle_of_its_payees() -> None:
    layout = lay_out({"a": 0, "b": 1, "c": 1, "d": 1}, [("a", "b"), ("a", "c"), ("a", "d")])
    assert layout.height["a", 0] == pytest.approx(layout.height["c", 0])


def test_a_line_that_passes_a_column_has_a_stop_in_it() -> None:
    layout = lay_out({"a": 0, "b": 1, "c": 3, "d": 2}, [("a", "b"), ("a", "c"), ("b", "d")])
    assert layout.stops("a", "c") == [("c", 2), ("c", 3)]
    assert layout.stops("a", "b") == []
    assert [layout.column_of[place] for place in layout.stops("a", "c")] == [1, 2]


def test_bands_that_are_empty_everywhere_are_closed() -> None:
    """Two far-apart families stand right below each other: some column is used at every height."""
    layer = {"top": 0} | {f"p{k}": 1 for k in range(2)} | {f"x{k}": 2 for k in range(40)}
    lines = [("top", "p0"), ("top", "p1"), *((f"p{k % 2}", f"x{k}") for k in range(40))]
    layout = lay_out(layer, lines)
    spans = sorted((layout.height[p] - layout.room[p] / 2, layout.height[p] + layout.room[p] / 2) for p in layout.room)
    reach = 0.0
    for top, bottom in spans:
        assert top <= reach + OVERLAP
        reach = max(reach, bottom)
    assert layout.total_height == pytest.approx(reach)
