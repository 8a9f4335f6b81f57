"""Cells to feature bytes, many at once: laid out by numpy where they stay plain, compressed one by one where not."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import zstandard
from numpy.typing import NDArray

from geoid.core.digests import HEAD
from geoid.core.features import (
    COMPRESS_FROM,
    FORMAT,
    HEADER,
    MAGIC,
    MAX_VALUE,
    RECORD,
    ZSTD,
    Features,
    Records,
    encode,
)
from geoid.core.rows import ROOM, Block, block_of
from geoid.seeding.bits import Keys, Numbers, starts_of, whole
from geoid.seeding.pyramid import weights

HEADERS = np.dtype(
    [
        ("room", f"V{ROOM}"),
        ("magic", "S2"),
        ("format", "u1"),
        ("flags", "u1"),
        ("resolution", "u1"),
        ("density", "u1"),
        ("reserved", "<u2"),
        ("weight", "<f4"),
        ("occurrences", "<u4"),
        ("records", "<u4"),
        ("taxa", "<u4"),
    ]
)
"""What stands before the records of a value in a block: room for the store, and the header of `features.HEADER`."""

LEVEL = 3
"""Of zstd: the higher ones take several times as long and save little."""

LANE = np.dtype("<u2")
"""Headers and records are of whole lanes, so that a value is laid out in these."""

assert HEADERS.itemsize == ROOM + HEADER.size


class Stretch(NamedTuple):
    """Records of one resolution in the order of cells (codes), taxa and kinds; `counts` are those of occurrences."""

    resolution: int
    cells: Keys
    counts: Numbers
    records: Records


class Packed(NamedTuple):
    """Cells of one resolution, packed: their heads and records for the digest, their values, and what did not fit."""

    resolution: int
    heads: NDArray[np.void]
    records: Records
    blocks: tuple[Block, ...]
    overflow: dict[int, bytes]


def packed(stretch: Stretch) -> Packed:
    """The values of a stretch."""
    starts = starts_of(stretch.cells)
    heads = _heads(stretch, starts)
    plain = heads["records"].astype(np.int64) * RECORD.itemsize <= COMPRESS_FROM
    of_plain = np.repeat(plain, heads["records"])
    blocks = [_plain(heads[plain], stretch.records[of_plain], stretch.resolution)]
    overflow: dict[int, bytes] = {}
    if not plain.all():
        blocks.append(_compressed(heads[~plain], stretch.records[~of_plain], stretch.resolution, overflow))
    return Packed(stretch.resolution, heads, stretch.records, tuple(blocks), overflow)


def _heads(stretch: Stretch, starts: Numbers) -> NDArray[np.void]:
    heads = np.zeros(len(starts), HEAD)
    if len(starts):
        totals = np.add.reduceat(stretch.counts, starts)
        heads["cell"] = whole(stretch.cells[starts], stretch.resolution)
        heads["weight"] = totals
        heads["occurrences"] = np.minimum(totals, (1 << 32) - 1)
        heads["records"] = np.diff(starts, append=len(stretch.cells))
        heads["taxa"] = np.add.reduceat(_first_of_taxon(stretch), starts)
    return heads


def _first_of_taxon(stretch: Stretch) -> Numbers:
    """1 for the first record of each taxon in a cell, 0 for a second one."""
    taxa, cells = stretch.records["taxon"], stretch.cells
    second = (taxa[1:] == taxa[:-1]) & (cells[1:] == cells[:-1])
    return np.concatenate([[1], 1 - second.astype(np.int64)])


def _headers(heads: NDArray[np.void], resolution: int) -> NDArray[np.void]:
    headers = np.zeros(len(heads), HEADERS)
    headers["magic"], headers["format"], headers["resolution"] = MAGIC, FORMAT, resolution
    headers["density"] = weights(heads["occurrences"].astype(np.int64))
    for field in ("weight", "occurrences", "records", "taxa"):
        headers[field] = heads[field]
    return headers


def _plain(heads: NDArray[np.void], records: Records, resolution: int) -> Block:
    lengths = HEADER.size + RECORD.itemsize * heads["records"].astype(np.int64)
    starts = np.cumsum(lengths + ROOM) - lengths
    lanes = np.empty(int((lengths + ROOM).sum()) // LANE.itemsize, LANE)
    per_header = HEADERS.itemsize // LANE.itemsize
    places = ((starts - ROOM) // LANE.itemsize)[:, None] + np.arange(per_header)
    of_records = np.ones(len(lanes), bool)
    of_records[places] = False
    lanes[places] = _headers(heads, resolution).view(LANE).reshape(-1, per_header)
    lanes[of_records] = records.view(LANE).reshape(-1)
    return Block(heads["cell"].astype(np.int64), starts, lengths, lanes.view(np.uint8))


def _compressed(heads: NDArray[np.void], records: Records, resolution: int, overflow: dict[int, bytes]) -> Block:
    headers = _headers(heads, resolution)
    headers["flags"] = ZSTD
    fronts, bodies = headers.tobytes(), records.tobytes()
    compress = zstandard.ZstdCompressor(level=LEVEL, write_content_size=True).compress
    ends = np.cumsum(heads["records"].astype(np.int64)).tolist()
    values, start = [], 0
    for place, end in enumerate(ends):
        front = HEADERS.itemsize * place
        body = compress(bodies[RECORD.itemsize * start : RECORD.itemsize * end])
        value = fronts[front + ROOM : front + HEADERS.itemsize] + body
        if len(value) > MAX_VALUE:
            value = _cut(heads[place], records[start:end], resolution, overflow)
        values.append(value)
        start = end
    return block_of(heads["cell"].tolist(), values)


def _cut(head: np.void, records: Records, resolution: int, overflow: dict[int, bytes]) -> bytes:
    """A value whose rarest taxa go to the overflow."""
    features = Features(resolution, records, int(head["occurrences"]), float(head["weight"]))
    encoded = encode(features)
    if encoded.overflow is not None:
        overflow[int(head["cell"])] = encoded.overflow
    return encoded.value
