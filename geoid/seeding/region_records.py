"""Records of taxa whose ranges are made of regions: those of the same range at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from geoid.core.features import RECORD, Records
from geoid.core.releases import TaxonFlag
from geoid.seeding.bits import starts_of, whole
from geoid.seeding.cells import RESOLUTION, SPACE, world
from geoid.seeding.compile import records_of_range
from geoid.seeding.ranges import Range

CHILD_BITS = 3
"""The bits by which a cell's code is longer than its parent's."""

NO_CELLS = np.zeros(0, np.uint64)


def empty_range() -> Range:
    """A range without a cell, to be filled."""
    native, introduced, doubtful = np.zeros((3, SPACE), np.uint16)
    return Range(native, introduced, doubtful, TaxonFlag(0))


def records_of_ranges(ranges: Iterable[tuple[Range, Sequence[int]]]) -> tuple[NDArray[np.uint64], Records]:
    """The cells (H3 indexes) and records of ranges, each with the numbers of the taxa that have it."""
    cells, records = [NO_CELLS], [np.zeros(0, RECORD)]
    for where, taxa in ranges:
        own, found = _compacted(*records_of_range(0, where))
        cells.append(np.tile(own, len(taxa)))
        records.append(np.tile(found, len(taxa)))
        records[-1]["taxon"] = np.repeat(taxa, len(own))
    return np.concatenate(cells), np.concatenate(records)


def _compacted(codes: NDArray[np.int64], records: Records) -> tuple[NDArray[np.uint64], Records]:
    """The cells of a range, in order: a parent takes the place of its children where they all have the same record."""
    parents = (codes >> CHILD_BITS).astype(np.uint64)
    starts = starts_of(parents)
    if not len(starts):
        return NO_CELLS, records
    said = (records["months"] > 0) @ (1 << np.arange(12)) << 8 | records["flags"]
    alike = np.minimum.reduceat(said, starts) == np.maximum.reduceat(said, starts)
    sizes = np.diff(starts, append=len(codes))
    complete = alike & (sizes == _children()[parents[starts]])
    fine, coarse = ~np.repeat(complete, sizes), starts[complete]
    cells = np.concatenate([whole(codes[fine].astype(np.uint64), RESOLUTION), whole(parents[coarse], RESOLUTION - 1)])
    return cells.astype(np.uint64), np.concatenate([records[fine], records[coarse]])


@cache
def _children() -> NDArray[np.intp]:
    """How many children each cell of resolution 2 has: seven, pentagons six."""
    return np.bincount(world().codes >> CHILD_BITS, minlength=SPACE >> CHILD_BITS)
