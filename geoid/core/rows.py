"""Rows of values in blocks: many cells at once, so that whoever stores them need not handle each by itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

ROOM = 18
"""Bytes before each value of a block that belong to whoever stores it.

So many has a row of PostgreSQL's binary COPY, of an int8 and a bytea, before the value: with room for them it can be
sent as it is made (documentation of COPY, "Binary Format").
"""

ROWS, BYTES = 1000, 1 << 20
"""A block made of single rows ends at the first of these."""


class Block(NamedTuple):
    """Values of n cells: H3 indexes, and where each value is in the data: `ROOM` bytes, the value, and so on."""

    cells: NDArray[np.int64]
    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]
    data: NDArray[np.uint8]

    def rows(self) -> Iterator[tuple[int, bytes]]:
        """Each cell with its value."""
        data = self.data.data
        ends = (self.starts + self.lengths).tolist()
        for cell, start, end in zip(self.cells.tolist(), self.starts.tolist(), ends, strict=True):
            yield cell, bytes(data[start:end])


def block_of(cells: Iterable[int], values: list[bytes]) -> Block:
    """One block of some cells and their values."""
    lengths = np.array([len(value) for value in values], np.int64)
    starts = np.cumsum(lengths + ROOM) - lengths
    room = bytes(ROOM)
    data = np.frombuffer(bytearray().join([part for value in values for part in (room, value)]), np.uint8)
    return Block(np.array(cells, np.int64), starts, lengths, data)


def blocks_of(rows: Iterable[tuple[int, bytes]]) -> Iterator[Block]:
    """Blocks of rows, in their order."""
    left = iter(rows)
    while some := list(_some(left)):
        yield block_of([cell for cell, _ in some], [value for _, value in some])


def _some(rows: Iterator[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
    size = 0
    for row in islice(rows, ROWS):
        yield row
        size += len(row[1])
        if size >= BYTES:
            return
