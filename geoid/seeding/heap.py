"""The records read so far, as keys with counts, in bounded memory: sorted runs, the later of them on the disk."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from typing import IO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from geoid.seeding.bits import CELL, COARSEST, DETAILS, FINEST, TAXON, Keys, Numbers, starts_of
from geoid.seeding.scratch import writing

ROWS = 1 << 24
"""Records in one run: 128 MB while they are sorted."""

IN_MEMORY = 1 << 25
"""Keys that runs hold in memory, 12 bytes each; the runs after that go to the disk."""

BINS = 1 << CELL - 3 * (FINEST - COARSEST)
"""The cells of resolution 2, and places for some that are none."""

_SHIFT = np.uint64(DETAILS + TAXON + 3 * (FINEST - COARSEST))
_EDGES = np.arange(BINS, dtype=np.uint64) << _SHIFT


class Run(NamedTuple):
    """Distinct keys in order with their counts; `bins` (BINS + 1) is where each cell of resolution 2 begins."""

    bins: Numbers
    keys: Keys
    counts: NDArray[np.uint32]
    file: IO[bytes] | None = None
    """Where keys and, after them, counts are; the arrays are empty then."""

    def between(self, first: int, last: int) -> tuple[Keys, NDArray[np.uint32]]:
        """The keys and counts of the bins from `first` up to before `last`."""
        start, end = int(self.bins[first]), int(self.bins[last])
        if self.file is None:
            return self.keys[start:end], self.counts[start:end]
        size = int(self.bins[-1])
        self.file.seek(8 * start)
        keys = np.frombuffer(self.file.read(8 * (end - start)), np.uint64)
        self.file.seek(8 * size + 4 * start)
        return keys, np.frombuffer(self.file.read(4 * (end - start)), np.uint32)


class Heap:
    """Takes keys of records in; what came in since the latest mark can be dropped again. `close` frees the disk."""

    def __init__(self, rows: int = ROWS, in_memory: int = IN_MEMORY) -> None:
        self._buffer = np.empty(rows, np.uint64)
        self._filled = 0
        self._left = in_memory
        self._runs: list[Run] = []
        self._marked = 0
        self._kept = 0

    def add(self, keys: Keys) -> None:
        """Take keys in, in any order."""
        while len(keys):
            some = keys[: len(self._buffer) - self._filled]
            self._buffer[self._filled : self._filled + len(some)] = some
            self._filled += len(some)
            keys = keys[len(some) :]
            if self._filled == len(self._buffer):
                self._flush()

    def mark(self) -> None:
        """Remember what is here now."""
        self._marked, self._kept = self._filled, len(self._runs)

    def rewind(self) -> None:
        """Drop what came in after the mark."""
        for run in self._runs[self._kept :]:
            _close(run)
            self._left += len(run.keys)
        del self._runs[self._kept :]
        self._filled = self._marked

    def runs(self) -> Sequence[Run]:
        """All that came in, as sorted runs; nothing can come in after that."""
        self._flush()
        self._buffer = np.empty(0, np.uint64)
        return self._runs

    def close(self) -> None:
        """Forget everything."""
        for run in self._runs:
            _close(run)
        self._runs.clear()

    def _flush(self) -> None:
        """Make runs of the buffer: what is older than the mark apart from what is younger."""
        older, younger = self._buffer[: self._marked], self._buffer[self._marked : self._filled]
        if len(older):
            self._runs.append(self._run(older))
            self._kept = len(self._runs)
        if len(younger):
            self._runs.append(self._run(younger))
        self._filled = self._marked = 0

    def _run(self, keys: Keys) -> Run:
        keys.sort()
        starts = starts_of(keys)
        distinct = keys[starts]
        counts = np.diff(starts, append=len(keys)).astype(np.uint32)
        bins = np.append(np.searchsorted(distinct, _EDGES), len(distinct))
        self._left -= len(distinct)
        if self._left >= 0:
            return Run(bins, distinct, counts)
        self._left += len(distinct)
        return Run(bins, distinct[:0], counts[:0], _file(distinct, counts))


def _file(keys: Keys, counts: NDArray[np.uint32]) -> IO[bytes]:
    """A temporary file of keys and counts; raises `StorageError` where the disk is full."""
    with writing(), ExitStack() as opened:
        file = opened.enter_context(tempfile.TemporaryFile())
        file.write(keys.data)
        file.write(counts.data)
        file.flush()
        opened.pop_all()  # the heap closes it
    return file


def _close(run: Run) -> None:
    if run.file is not None:
        run.file.close()
