"""What does not fit into memory goes to the disk, and a full one is said to be full."""

from __future__ import annotations

import numpy as np
import pytest

from geoid.core.rows import block_of, blocks_of
from geoid.errors import StorageError
from geoid.seeding.built import Spool
from geoid.seeding.heap import Heap

ROWS = [(cell, bytes([cell % 251]) * (cell % 50 + 1)) for cell in range(1000, 0, -1)]


@pytest.mark.parametrize("in_memory", [0, 3000, 10_000_000])
def test_rows_come_by_cell_from_memory_and_from_the_disk(in_memory):
    spool = Spool(in_memory)
    for block in blocks_of(ROWS[:500]):
        spool.add(block)
    spool.add(block_of([cell for cell, _ in ROWS[500:]], [value for _, value in ROWS[500:]]))
    assert list(spool.rows()) == sorted(ROWS)
    spool.close()
    assert list(spool.blocks) == []


def test_a_block_gives_back_its_rows():
    (block,) = blocks_of(ROWS[:10])
    assert list(block.rows()) == ROWS[:10]


class Full:
    """A file on a disk without room."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        """Close."""

    def write(self, _):
        raise OSError(28, "No space left on device")

    def seek(self, *_):
        return 0


def test_a_full_disk_is_an_error_that_says_what_to_do(monkeypatch):
    monkeypatch.setattr("tempfile.TemporaryFile", lambda **_: Full())
    spool, heap = Spool(0), Heap(rows=10, in_memory=0)
    with pytest.raises(StorageError, match="No space left on device") as caught:
        spool.add(block_of([1], [b"x"]))
    assert "TMPDIR" in caught.value.hint
    with pytest.raises(StorageError, match="No space left"):
        heap.add(np.arange(20, dtype=np.uint64))
