"""Where each taxon of a release occurs: its cells at resolution 3, compacted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from geoid.core.features import Flag
from geoid.seeding.bits import COARSEST, FINEST, Keys, among, distinct, starts_of, whole
from geoid.seeding.packing import Stretch

RESOLUTION = 3
PENTAGONS = np.array([4, 14, 24, 38, 49, 58, 63, 72, 83, 97, 107, 117], np.uint64)
"""The base cells that have five sides (H3, "Base cells"); a pentagon has six children, other cells seven."""

AWAY = int(Flag.TOUCHES | Flag.DOUBTFUL)
_CELL = np.uint64((1 << 22) - 1)
_TAXON = np.uint64(22)


def present(stretches: Sequence[Stretch]) -> dict[int, Keys]:
    """Pairs of taxa and cells, by resolution 2 and 3, where a stretch of the world says that they occur.

    Occurrences at 4 and 5 are at 3 too; ranges stand where they stand, and so do occurrences too coarse for 3.
    """
    of = {stretch.resolution: stretch for stretch in stretches}
    fine = [_pairs(of[RESOLUTION])] if RESOLUTION in of else []
    for finer in range(RESOLUTION + 1, FINEST + 1):
        ranges = _pairs(of[finer], int(Flag.RANGE)) if finer in of else NONE
        if len(ranges):
            fine.append(_parents(ranges, finer - RESOLUTION))
    found = distinct(np.concatenate(fine)) if fine else NONE
    if COARSEST not in of:
        return {RESOLUTION: found}
    coarse = _pairs(of[COARSEST])
    alone = coarse[~among(coarse, distinct(_parents(found, RESOLUTION - COARSEST)))]
    return {RESOLUTION: found, COARSEST: np.concatenate([alone, _pairs(of[COARSEST], int(Flag.RANGE))])}


NONE = np.zeros(0, np.uint64)


def _pairs(stretch: Stretch, flag: int = 0) -> Keys:
    records = stretch.records
    here = (records["year"] > 0) & (records["flags"] & (AWAY | flag) == flag)
    pairs: Keys = records["taxon"][here].astype(np.uint64) << _TAXON | stretch.cells[here]
    return pairs


def _parents(pairs: Keys, steps: int) -> Keys:
    """The pairs with the parents of their cells."""
    parents: Keys = pairs >> _TAXON << _TAXON | (pairs & _CELL) >> np.uint64(3 * steps)
    return parents


def compacted(pairs: dict[int, Keys], taxa: int) -> Iterator[bytes]:
    """The cells of each taxon by number, packed: siblings that are all there give way to their parent."""
    found = {resolution: distinct(some) for resolution, some in pairs.items()}
    for resolution in range(RESOLUTION, 0, -1):
        fine, coarse = found.get(resolution, NONE), found.get(resolution - 1, NONE)
        coarse = distinct(np.concatenate([coarse, _whole_families(fine, resolution)]))
        found[resolution], found[resolution - 1] = fine[~among(_parents(fine, 1), coarse)], coarse
    numbers = np.concatenate([some >> _TAXON for some in found.values()]).astype(np.int64)
    cells = np.concatenate([whole(some & _CELL, resolution) for resolution, some in found.items()])
    order = np.lexsort((cells, numbers))
    bounds = np.searchsorted(numbers[order], np.arange(taxa + 1))
    data = cells[order].astype("<u8").tobytes()
    for start, end in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        yield data[8 * start : 8 * end]


def _whole_families(pairs: Keys, resolution: int) -> Keys:
    """The parents all of whose children are there, in sorted pairs."""
    parents = _parents(pairs, 1)
    starts = starts_of(parents)
    many = np.diff(starts, append=len(parents))
    families = parents[starts]
    cells = families & _CELL
    digits = np.uint64(3 * (resolution - 1))
    pentagon = (cells & (np.uint64(1) << digits) - np.uint64(1) == 0) & np.isin(cells >> digits, PENTAGONS)
    whole_ones: Keys = families[many == np.where(pentagon, 6, 7)]
    return whole_ones
