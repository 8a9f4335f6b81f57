"""Several sources of ranges and counts become one: united per taxon and cell, never intersected."""

from __future__ import annotations

import h3
import numpy as np

from geoid.core.features import RECORD, Flag, weight_of
from geoid.seeding.bits import whole
from geoid.seeding.pyramid import Level
from geoid.seeding.union import Held, by_resolution, handed_down, joined, within

RANGE = int(Flag.RANGE)
FINE = h3.latlng_to_cell(51.5, -0.1, 3)
COARSE = h3.cell_to_parent(FINE, 2)


def records(*rows: tuple) -> np.ndarray:
    """Records of taxon, year, months (a mapping of month and weight) and flags."""
    found = np.zeros(len(rows), RECORD)
    for place, (taxon, year, months, flags) in enumerate(rows):
        found[place]["taxon"], found[place]["year"], found[place]["flags"] = taxon, year, flags
        for month, weight in months.items():
            found[place]["months"][month - 1] = weight
    return found


def indexes(*cells: str) -> np.ndarray:
    """H3 cells as numbers."""
    return np.array([int(cell, 16) for cell in cells], np.uint64)


def held(cells: np.ndarray, rows: np.ndarray) -> dict[str, dict[int, tuple]]:
    """What is held, by cell and taxon."""
    found: dict[str, dict[int, tuple]] = {}
    for resolution, some in by_resolution(cells, rows).items():
        shown(found, some, resolution)
    return found


def shown(found: dict, some: Held, resolution: int) -> None:
    """Add what is held at a resolution."""
    for cell, one in zip(whole(some.cells, resolution).tolist(), some.records, strict=True):
        months = {month: int(weight) for month, weight in enumerate(one["months"], 1) if weight}
        found.setdefault(f"{cell:x}", {})[int(one["taxon"])] = (int(one["year"]), months, int(one["flags"]))


def test_two_ranges_of_a_taxon_in_a_cell_are_one_with_the_months_of_both():
    migrant = RANGE | int(Flag.MIGRANT)
    rows = records((4, 255, {5: 255, 6: 255}, migrant), (4, 200, {6: 100, 7: 200}, migrant), (2, 255, {}, RANGE))
    found = held(indexes(FINE, FINE, FINE), rows)
    assert found == {FINE: {4: (255, {5: 255, 6: 255, 7: 200}, migrant), 2: (255, {}, RANGE)}}


def test_ranges_that_fill_the_year_together_are_no_migrants():
    migrant = RANGE | int(Flag.MIGRANT)
    rows = records(
        (1, 255, dict.fromkeys(range(1, 7), 255), migrant), (1, 255, dict.fromkeys(range(7, 13), 255), migrant)
    )
    assert held(indexes(FINE, FINE), rows)[FINE][1][2] == RANGE


def test_touching_doubtful_and_introduced_hold_only_if_each_source_says_so():
    for flag in (Flag.TOUCHES, Flag.DOUBTFUL, Flag.INTRODUCED):
        one, both = RANGE | int(flag), RANGE
        assert held(indexes(FINE, FINE), records((1, 255, {}, one), (1, 255, {}, both)))[FINE][1][2] == RANGE
        assert held(indexes(FINE, FINE), records((1, 255, {}, one), (1, 255, {}, one)))[FINE][1][2] == one


def test_counts_of_packs_are_added_up():
    rows = records((1, weight_of(7), {3: weight_of(3)}, 0), (1, weight_of(15), {3: weight_of(1), 4: weight_of(7)}, 1))
    found = held(indexes(FINE, FINE), rows)[FINE][1]
    assert found == (weight_of(22), {3: weight_of(4), 4: weight_of(7)}, 1)


def test_a_finer_range_takes_over_what_a_coarser_cell_says_of_its_taxon():
    rows = records((1, 255, {4: 255}, RANGE), (1, 255, {5: 255}, RANGE), (2, 255, {}, RANGE))
    found: dict = {}
    for resolution, some in handed_down(by_resolution(indexes(COARSE, FINE, COARSE), rows)).items():
        shown(found, some, resolution)
    assert found[FINE] == {1: (255, {4: 255, 5: 255}, RANGE)}
    assert found[COARSE] == {1: (255, {4: 255}, RANGE), 2: (255, {}, RANGE)}


def test_an_area_keeps_its_cells_and_divides_coarser_ones():
    wanted = np.zeros(1 << 16, bool)
    wanted[int(FINE, 16) >> 36 & 0xFFFF] = True
    other = h3.grid_ring(FINE, 4)[0]
    finer = h3.cell_to_children(FINE, 5)[3]
    cells, rows = within(
        indexes(COARSE, FINE, other, finer), records(*((taxon, 255, {}, RANGE) for taxon in range(4))), wanted
    )
    found = {(f"{cell:x}", int(taxon)) for cell, taxon in zip(cells.tolist(), rows["taxon"], strict=True)}
    assert found == {(FINE, 0), (FINE, 1), (finer, 3)}


def test_occurrences_and_ranges_of_a_taxon_stand_side_by_side_the_occurrences_first():
    level = Level(
        3,
        np.array([5, 5, 9], np.uint64),
        np.array([1, 3, 1]),
        np.array([7, 1, 1]),
        records((1, weight_of(7), {}, 0), (3, 8, {}, 0), (1, 8, {}, 0)),
    )
    ranges = Held(np.array([5, 7], np.uint64), records((1, 255, {}, RANGE), (2, 255, {}, RANGE)))
    counted = Held(np.array([5, 9], np.uint64), records((1, weight_of(15), {}, 0), (8, 8, {}, 0)))
    stretch = joined(level, counted, ranges)
    rows = [
        (int(cell), int(one["taxon"]), int(one["year"]), int(one["flags"]), int(count))
        for cell, one, count in zip(stretch.cells, stretch.records, stretch.counts, strict=True)
    ]
    assert rows == [
        (5, 1, weight_of(22), 0, 22),
        (5, 1, 255, RANGE, 0),
        (5, 3, 8, 0, 1),
        (7, 2, 255, RANGE, 0),
        (9, 1, 8, 0, 1),
        (9, 8, 8, 0, 1),
    ]
