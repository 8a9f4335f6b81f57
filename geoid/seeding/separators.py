"""Whether every line of a text has as many fields as it should: by counting separators, beside the scan.

Polars fills up lines that are too short and cuts those that are too long, both in silence. So a file is read with care
if it has more or fewer separators than its rows should. In a small one each line is looked at; in a large one a line
with a field too many may make up for one with a field too few.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from geoid.seeding.careful import lines_of

if TYPE_CHECKING:
    from geoid.seeding.text import Layout

SMALL = 8 << 20
"""Bytes of a text each of whose lines is looked at."""

WRONG = -1
CHUNK, LINE = 1 << 20, 1 << 14
"""Bytes that are looked at at once: of rows, and to find the end of a header."""


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
        if len(data) <= SMALL:
            return cls._started(lambda: _in_lines(data, layout, skipped), layout)
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
    """Read, not mapped: the pages of a map count as memory of this process."""
    found = 0
    buffer = np.empty(CHUNK, np.uint8)
    with open(path, "rb", buffering=0) as file:
        if path.stat().st_size <= SMALL:
            return _in_lines(file.read(), layout, layout.skipped)
        for _ in range(layout.skipped):
            _past_line(file)
        while size := file.readinto(buffer.data):
            some = _in_array(buffer[:size], layout, 0)
            if some is None:
                return None
            found += some
    return found


def _in_lines(data: bytes, layout: Layout, skipped: int) -> int | None:
    """The separators after so many lines, or a number that no file has if a line has too many or too few."""
    if layout.quote is not None and layout.quote.encode() in data:
        return None
    lines = lines_of(data if data.endswith(b"\n") else data + b"\n", layout.delimiter)
    fields = lines.fields[skipped:]
    return int((fields - 1).sum()) if (fields == len(layout.columns)).all() else WRONG


def _past_line(file: FileIO) -> None:
    """Go to where the next line begins."""
    while data := file.read(LINE):
        end = data.find(b"\n")
        if end >= 0:
            file.seek(end + 1 - len(data), 1)
            return


def _in_array(data: NDArray[np.uint8], layout: Layout, skipped: int) -> int | None:
    """The separators after so many lines; none where there are quotes."""
    start = 0
    for _ in range(skipped):
        start = _line_end(data, start)
    if layout.quote is not None and (data == ord(layout.quote)).any():
        return None
    delimiter = ord(layout.delimiter)
    chunks = range(start, len(data), CHUNK)
    return sum(int(np.count_nonzero(data[first : first + CHUNK] == delimiter)) for first in chunks)


def _line_end(data: NDArray[np.uint8], start: int) -> int:
    """Where the line after the one that begins here begins."""
    for first in range(start, len(data), CHUNK):
        ends = np.flatnonzero(data[first : first + CHUNK] == ord("\n"))
        if len(ends):
            return first + int(ends[0]) + 1
    return len(data)
