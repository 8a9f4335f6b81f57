"""From records at their finest cells to counts at resolutions 5 to 2, for a stretch of the world that fits in memory.

A record enters the resolutions whose cells are at least as large as its uncertainty. Where most of a taxon's records
in a cell are too coarse for the next resolution, its record says so: its absence from the cells below means nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geoid.core.features import COUNTS, RECORD, RESOLUTIONS, Flag, Records
from geoid.seeding.bits import CELL, CLASS, COARSEST, DETAILS, FINEST, INTRODUCED, Keys, Numbers, starts_of

_WEIGHTS = np.round(8 * np.log2(1 + np.arange(1 << 16))).astype(np.uint8)
"""The weights of small counts, so that few need a logarithm."""


class Level(NamedTuple):
    """What a stretch holds at one resolution: row i says what is known of taxon `taxa[i]` in cell `cells[i]`.

    Rows are in the order of cells, then taxa; `cells` are codes (`bits.codes_of`), `counts` exact.
    """

    resolution: int
    cells: Keys
    taxa: Numbers
    counts: Numbers
    records: Records


class Entries(NamedTuple):
    """Keys of records (cell, taxon by its rank, month, class, introduced), distinct and in order, with counts."""

    keys: Keys
    counts: Numbers
    taxon_bits: int


def entries(cells: Keys, ranks: Numbers, details: Keys, counts: Numbers, taxa: int) -> Entries:
    """Records, in any order, of a release of so many taxa."""
    bits = max(int(taxa - 1).bit_length(), 1)
    keys = (cells << np.uint64(bits) | ranks.astype(np.uint64)) << np.uint64(DETAILS) | details
    return _merged(keys, counts, CELL + bits + DETAILS, bits)


def levels(found: Entries) -> Iterator[Level]:
    """The counts at each resolution, the finest first."""
    for resolution in reversed(RESOLUTIONS):
        if resolution < FINEST:
            found = _coarser(found, resolution)
        yield _counted(found, resolution)


def _merged(keys: Keys, counts: Numbers, width: int, taxon_bits: int) -> Entries:
    """Add up the counts of equal keys; they travel in the bits that the keys leave free, so that one sort does it."""
    room = 64 - width
    keys, counts = _split(keys, counts, (1 << room) - 1)
    packed = keys << np.uint64(room) | counts.astype(np.uint64)
    packed.sort()
    keys = packed >> np.uint64(room)
    counts = (packed & np.uint64((1 << room) - 1)).astype(np.int64)
    starts = starts_of(keys)
    sums = np.add.reduceat(counts, starts) if len(starts) else counts
    return Entries(keys[starts], sums, taxon_bits)


def _split(keys: Keys, counts: Numbers, most: int) -> tuple[Keys, Numbers]:
    """The same with no count above `most`: a greater one in several pieces."""
    if not len(counts) or counts.max() <= most:
        return keys, counts
    pieces = (counts + most - 1) // most
    last = np.cumsum(pieces) - 1
    split = np.full(int(pieces.sum()), most, np.int64)
    split[last] = counts - (pieces - 1) * most
    return np.repeat(keys, pieces), split


def _coarser(found: Entries, resolution: int) -> Entries:
    """The same records in the parent cells, at a resolution."""
    low = np.uint64(found.taxon_bits + DETAILS)
    kept = found.keys & (np.uint64(1) << low) - np.uint64(1)
    parents = found.keys >> low + np.uint64(3)
    width = CELL - 3 * (FINEST - resolution) + int(low)
    return _merged(parents << low | kept, found.counts, width, found.taxon_bits)


def _counted(found: Entries, resolution: int) -> Level:
    """The counts at a resolution."""
    classes = (found.keys >> np.uint64(INTRODUCED) & np.uint64((1 << CLASS) - 1)).astype(np.int64) + COARSEST
    enters = classes >= resolution
    keys, counts, classes = found.keys[enters], found.counts[enters], classes[enters]
    pairs = keys >> np.uint64(DETAILS)
    starts = starts_of(pairs)
    coarse = _sums(np.where((classes == resolution) & (resolution < FINEST), counts, 0), starts)
    introduced = _sums(np.where(keys & np.uint64(1), counts, 0), starts)
    years = _sums(counts, starts)
    records = np.zeros(len(starts), RECORD)
    records["taxon"] = pairs[starts] & np.uint64((1 << found.taxon_bits) - 1)
    records["year"] = weights(years)
    records["flags"] = np.where(2 * introduced > years, int(Flag.INTRODUCED), 0)
    records["flags"] |= np.where(2 * coarse > years, int(Flag.TOO_COARSE), 0).astype(np.uint8)
    _months(records, keys, counts, starts)
    cells = pairs[starts] >> np.uint64(found.taxon_bits)
    return Level(resolution, cells, records["taxon"].astype(np.int64), years, records)


def _months(records: Records, keys: Keys, counts: Numbers, starts: Numbers) -> None:
    """Fill in the months of each record; those without one count for the year only."""
    dated = keys >> np.uint64(CLASS + INTRODUCED)
    firsts = starts_of(dated)
    months = (dated[firsts] & np.uint64(15)).astype(np.int64)
    sums = _sums(counts, firsts)[months > 0]
    begins = np.zeros(len(keys), bool)
    begins[starts] = True
    rows = (np.cumsum(begins) - 1)[firsts[months > 0]]
    records["months"][rows, months[months > 0] - 1] = weights(sums)


def _sums(values: Numbers, starts: Numbers) -> Numbers:
    found: Numbers = np.add.reduceat(values, starts) if len(starts) else values[:0]
    return found


def weights(counts: Numbers) -> NDArray[np.uint8]:
    """The weight of each count, as `features.weight_of` has it."""
    small = _WEIGHTS[np.minimum(counts, len(_WEIGHTS) - 1)]
    large = counts >= len(_WEIGHTS)
    if large.any():
        small[large] = np.minimum(np.round(8 * np.log2(1 + counts[large])), len(COUNTS) - 1)
    return small
