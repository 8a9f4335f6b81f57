"""Whether every line of a text has as many fields as it should: by counting separators, beside the scan.

Polars refuses lines with too many fields, and fills up those with too few in silence. So if there are as many
separators as its rows should have, none was short.
"""

from __future__ import annotations

import mmap
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from geoid.seeding.text import Layout

CHUNK = 1 << 20


class Counting(NamedTuple):
    """A count under way on a thread, and what makes it meaningful."""

    separators: Future[int | None]
    fields: int

    @classmethod
    def of_file(cls, path: Path, layout: Layout) -> Counting:
        """Count those of a file, its header left out."""
        return cls._started(lambda: _in_file(path, layout), layout)

    @classmethod
    def of_bytes(cls, data: bytes, layout: Layout, skipped: int) -> Counting:
        """Count those of some lines, the first of which may be left out."""
        return cls._started(lambda: _in_array(np.frombuffer(data, np.uint8), layout, skipped), layout)

    @classmethod
    def _started(cls, count: Callable[[], int | None], layout: Layout) -> Counting:
        thread = ThreadPoolExecutor(1)
        found = thread.submit(count)
        thread.shutdown(wait=False)
        return cls(found, len(layout.columns))

    def verified(self, rows: int) -> bool:
        """Whether each of so many rows has all its fields; true where quotes make counting meaningless."""
        found = self.separators.result()
        return found is None or found == rows * (self.fields - 1)


def _in_file(path: Path, layout: Layout) -> int | None:
    if not path.stat().st_size:
        return 0
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        array = np.frombuffer(data, np.uint8)
        try:
            return _in_array(array, layout, layout.skipped)
        finally:
            del array  # a map that is looked into cannot be closed


def _in_array(data: np.ndarray, layout: Layout, skipped: int) -> int | None:
    """The separators after so many lines; none where there are quotes."""
    start = 0
    for _ in range(skipped):
        start = _line_end(data, start)
    found = 0
    quote = None if layout.quote is None else ord(layout.quote)
    for first in range(start, len(data), CHUNK):
        some = data[first : first + CHUNK]
        if quote is not None and (some == quote).any():
            return None
        found += int(np.count_nonzero(some == ord(layout.delimiter)))
    return found


def _line_end(data: np.ndarray, start: int) -> int:
    """Where the line after the one that begins here begins."""
    for first in range(start, len(data), CHUNK):
        ends = np.flatnonzero(data[first : first + CHUNK] == ord("\n"))
        if len(ends):
            return first + int(ends[0]) + 1
    return len(data)
