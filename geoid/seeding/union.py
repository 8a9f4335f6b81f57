"""Ranges, and counts of area packs, beside the occurrences: united per taxon and cell, never intersected."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geoid.core.features import COUNTS, RECORD, RESOLUTIONS, Flag, Records
from geoid.seeding.bits import COARSEST, FINEST, Keys, Numbers, codes_of, resolutions, starts_of, whole
from geoid.seeding.packing import Stretch
from geoid.seeding.pyramid import Level, weights

AND = int(Flag.INTRODUCED | Flag.DOMESTIC | Flag.DOUBTFUL | Flag.TOUCHES)
"""What holds for a range united from several only if each of them says so."""


class Held(NamedTuple):
    """Records of one resolution from packs or ranges, in the order of cells (codes), then taxa (`records["taxon"]`)."""

    cells: Keys
    records: Records

    def between(self, first: int, last: int, resolution: int) -> Held:
        """Those in the cells of resolution 2 from `first` up to before `last`."""
        shift = 3 * (resolution - COARSEST)
        start, end = np.searchsorted(self.cells, np.array([first << shift, last << shift], np.uint64))
        return Held(self.cells[start:end], self.records[start:end])


NOTHING = Held(np.zeros(0, np.uint64), np.zeros(0, RECORD))


def by_resolution(cells: Keys, records: Records) -> dict[int, Held]:
    """Records of cells (H3 indexes) by resolution, in order, each taxon at most once in a cell.

    Ranges are united where several have the taxon, also with what a coarser cell says of it; counts are added up.
    """
    found: dict[int, Held] = {}
    of = resolutions(cells)
    for resolution in RESOLUTIONS:
        here = of == resolution
        codes = codes_of(cells[here], resolution)
        order = np.lexsort((records["taxon"][here], codes))
        found[resolution] = _united(Held(codes[order], records[here][order]))
    return found


def handed_down(ranges: dict[int, Held]) -> dict[int, Held]:
    """The ranges with what coarser cells say of a taxon united into its finer records, since the finest counts."""
    found = dict(ranges)
    for resolution in range(COARSEST + 1, FINEST + 1):
        for coarser in range(COARSEST, resolution):
            found[resolution] = _with_parents(found[resolution], ranges[coarser], 3 * (resolution - coarser))
    return found


def _with_parents(fine: Held, coarse: Held, shift: int) -> Held:
    if not len(fine.cells) or not len(coarse.cells):
        return fine
    wanted = _pairs(Held(fine.cells >> np.uint64(shift), fine.records))
    held = _pairs(coarse)
    places = np.minimum(np.searchsorted(held, wanted), len(held) - 1)
    there = held[places] == wanted
    cells = np.concatenate([fine.cells, fine.cells[there]])
    records = np.concatenate([fine.records, coarse.records[places[there]]])
    order = np.lexsort((records["taxon"], cells))
    return _united(Held(cells[order], records[order]))


def _pairs(held: Held) -> Keys:
    pairs: Keys = held.cells << np.uint64(32) | held.records["taxon"].astype(np.uint64)
    return pairs


def _united(held: Held) -> Held:
    """One record for each taxon of a cell."""
    pairs = _pairs(held)
    starts = starts_of(pairs)
    if len(starts) == len(pairs):
        return held
    records = held.records[starts].copy()
    of_ranges = held.records["flags"] & int(Flag.RANGE) > 0
    if of_ranges.all():
        _unite_ranges(records, held.records, starts)
    else:
        _add_up(records, held.records, starts)
    return Held(held.cells[starts], records)


def _unite_ranges(records: Records, several: Records, starts: Numbers) -> None:
    flags = several["flags"]
    records["year"] = np.maximum.reduceat(several["year"], starts)
    records["months"] = np.maximum.reduceat(several["months"], starts, axis=0)
    every, some = np.bitwise_and.reduceat(flags, starts), np.bitwise_or.reduceat(flags, starts)
    migrant = np.where((records["months"] > 0).all(axis=1), 0, some & int(Flag.MIGRANT))
    kept = 255 & ~AND & ~int(Flag.MIGRANT)
    records["flags"] = every & AND | some & kept | migrant


def _add_up(records: Records, several: Records, starts: Numbers) -> None:
    records["year"] = weights(_sum(several["year"], starts))
    records["months"] = weights(_sum(several["months"], starts))
    records["flags"] = np.bitwise_or.reduceat(several["flags"], starts)


def _sum(several: np.ndarray, starts: Numbers) -> Numbers:
    found: Numbers = np.add.reduceat(COUNTS[several].astype(np.int64), starts, axis=0)
    return found


def joined(level: Level, counted: Held, ranges: Held) -> Stretch:
    """What one resolution holds, of all sources: records in the order of cells, taxa, and occurrences before ranges."""
    cells, counts, records = level.cells, level.counts, level.records
    if len(counted.cells):
        cells, counts, records = _with_counted(level, counted)
    if len(ranges.cells):
        cells = np.concatenate([cells, ranges.cells])
        counts = np.concatenate([counts, np.zeros(len(ranges.cells), np.int64)])
        records = np.concatenate([records, ranges.records])
        order = np.lexsort((records["flags"] & int(Flag.RANGE), records["taxon"], cells))
        cells, counts, records = cells[order], counts[order], records[order]
    return Stretch(level.resolution, cells, counts, records)


def _with_counted(level: Level, counted: Held) -> tuple[Keys, Numbers, Records]:
    cells = np.concatenate([level.cells, counted.cells])
    records = np.concatenate([level.records, counted.records])
    counts = np.concatenate([level.counts, COUNTS[counted.records["year"]].astype(np.int64)])
    order = np.lexsort((records["taxon"], cells))
    cells, records, counts = cells[order], records[order], counts[order]
    starts = starts_of(_pairs(Held(cells, records)))
    sums = np.add.reduceat(counts, starts)
    united = _united(Held(cells, records)).records
    united["year"] = weights(sums)
    return cells[starts], sums, united


def ranks_of(cells: Keys, records: Records, ranks: Numbers) -> tuple[Keys, Records]:
    """Records with the numbers that their taxa have in the release; those whose taxa have none are left out."""
    numbers = ranks[records["taxon"]]
    kept = numbers >= 0
    found = records[kept].copy()
    found["taxon"] = numbers[kept]
    return cells[kept].astype(np.uint64), found


def within(cells: Keys, records: Records, wanted: NDArray[np.bool_] | None) -> tuple[Keys, Records]:
    """Records in wanted cells of resolution 3 (by code); what stands at resolution 2 goes to its wanted children."""
    if wanted is None:
        return cells, records
    coarse = resolutions(cells) == COARSEST
    children = codes_of(cells[coarse], COARSEST)[:, None] << np.uint64(3) | np.arange(7, dtype=np.uint64)
    inside = wanted[children]
    fine = cells[~coarse]
    parents = fine >> np.uint64(30 + 6) & np.uint64((1 << 16) - 1)
    kept = wanted[parents]
    found = np.concatenate([fine[kept], whole(children[inside], COARSEST + 1).astype(np.uint64)])
    return found, np.concatenate([records[~coarse][kept], np.repeat(records[coarse], 7)[inside.reshape(-1)]])
