"""A release as it was built: its rows in memory, or on the disk beyond what memory is meant to hold."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from geoid.core.releases import Release, ReleaseTaxon, taxon_row
from geoid.core.rows import Block, blocks_of
from geoid.seeding.scratch import writing

IN_MEMORY = 600_000_000
"""Bytes of values that are held in memory; the blocks after that go to the disk."""

STEP = 100_000
"""Rows that are looked up at a time."""


class Spool:
    """Keeps blocks; `close` frees the disk."""

    def __init__(self, in_memory: int = IN_MEMORY) -> None:
        self._blocks: list[Block] = []
        self._left = in_memory
        self._file: IO[bytes] | None = None

    def add(self, block: Block) -> None:
        """Keep a block; raises `StorageError` where the disk is full."""
        self._left -= len(block.data)
        self._blocks.append(block if self._left >= 0 else block._replace(data=self._on_disk(block.data)))

    def close(self) -> None:
        """Forget everything."""
        self._blocks.clear()
        if self._file is not None:
            self._file.close()

    @property
    def blocks(self) -> Sequence[Block]:
        """What is kept, as it came."""
        return self._blocks

    def rows(self) -> Iterator[tuple[int, bytes]]:
        """Each cell with its value, by cell."""
        cells = np.concatenate([block.cells for block in self._blocks] or [np.zeros(0, np.int64)])
        of_block = np.repeat(np.arange(len(self._blocks)), [len(block.cells) for block in self._blocks])
        starts = np.concatenate([block.starts for block in self._blocks] or [np.zeros(0, np.int64)])
        lengths = np.concatenate([block.lengths for block in self._blocks] or [np.zeros(0, np.int64)])
        order = np.argsort(cells)
        for start in range(0, len(order), STEP):
            some = order[start : start + STEP]
            chosen = (array[some].tolist() for array in (cells, of_block, starts, starts + lengths))
            for cell, number, first, last in zip(*chosen, strict=True):
                yield cell, self._blocks[number].data[first:last].tobytes()

    def _on_disk(self, data: NDArray[np.uint8]) -> NDArray[np.uint8]:
        with writing():
            if self._file is None:
                self._file = tempfile.TemporaryFile()  # noqa: SIM115 - `close` closes it
            start = self._file.seek(0, 2)
            self._file.write(data.data)
            self._file.flush()
        return np.memmap(self._file, np.uint8, "r", start, (len(data),))


class Built(NamedTuple):
    """A release that can be published or written, a `Pack`; `taxa` and their packed cells by number."""

    release: Release
    meta: Mapping[str, str]
    taxa: Sequence[ReleaseTaxon]
    taxon_cells: Sequence[bytes]
    values: Spool
    overflow: Mapping[int, bytes]

    @property
    def size(self) -> int:
        """Bytes of all values."""
        return sum(int(block.lengths.sum()) for block in self.values.blocks) + sum(map(len, self.overflow.values()))

    def rows(self, table: str) -> Iterator[tuple[object, ...]]:
        """The rows of a table by their key."""
        if table == "taxa":
            return (taxon_row(*pair) for pair in zip(self.taxa, self.taxon_cells, strict=True))
        return self.values.rows() if table == "cells" else iter(sorted(self.overflow.items()))

    def blocks(self, table: str) -> Iterator[Block]:
        """The rows of `cells` or `overflow` in blocks."""
        return iter(self.values.blocks) if table == "cells" else blocks_of(sorted(self.overflow.items()))

    def count(self, table: str) -> int:
        """How many rows a table has."""
        if table == "taxa":
            return len(self.taxa)
        return sum(len(block.cells) for block in self.values.blocks) if table == "cells" else len(self.overflow)
