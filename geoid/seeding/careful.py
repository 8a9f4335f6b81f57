"""Reads lines with care: those that are broken are left out and noted, the others come out as Polars reads them."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from geoid.seeding.sources import Broken

if TYPE_CHECKING:
    from geoid.seeding.text import Layout

NEWLINE, NUL = b"\n", b"\0"
MANY = 0x80
"""From this byte on, several make one character."""


class Careful:
    """Cleans segments of a table one after the other, and knows which lines of the file they are.

    `strange` is told of each line that is not UTF-8.
    """

    def __init__(self, name: str, layout: Layout, broken: Broken, strange: Callable[[], None]) -> None:
        self._name, self._layout = name, layout
        self._broken, self._strange = broken, strange
        self._lines = 0

    @property
    def skipped(self) -> int:
        """How many of the next lines are no rows."""
        return max(self._layout.skipped - self._lines, 0)

    def passed(self, segment: bytes, rows: int) -> None:
        """Go past a segment that was read by others and gave so many rows, each a line where nothing is quoted."""
        quoted = self._layout.quote is not None and self._layout.quote.encode() in segment
        self._lines += _count(segment) if quoted else self.skipped + rows

    def cleaned(self, segment: bytes) -> bytes:
        """The lines of the next segment that are rows of the right shape, each with its end."""
        if self._layout.quote is not None and self._layout.quote.encode() in segment:
            return self._quoted(segment, self.skipped)
        return self._plain(segment, self.skipped)

    def _plain(self, segment: bytes, skipped: int) -> bytes:
        """Without quotes: where lines end and how many separators each has is found by numpy."""
        lines = lines_of(segment if segment.endswith(NEWLINE) else segment + NEWLINE, self._layout.delimiter)
        suspect = lines.strange | (lines.fields != len(self._layout.columns))
        suspect[:skipped] = True
        kept = b"".join(self._kept(lines, np.flatnonzero(suspect), skipped))
        self._lines += len(lines.ends)
        return kept

    def _kept(self, lines: Lines, suspects: np.ndarray, skipped: int) -> Iterator[bytes]:
        """Stretches of good lines as they are, and of the suspects those that are good after all."""
        after = 0
        for place in suspects.tolist():
            start, end = int(lines.starts[place]), int(lines.ends[place])
            if start > after:
                yield lines.data[after:start]
            after = end + 1
            if place >= skipped:
                yield self._line(lines.data[start:end], int(lines.fields[place]), self._lines + place + 1)
        yield lines.data[after:]

    def _line(self, line: bytes, fields: int, number: int) -> bytes:
        """A line with its end, or nothing where it is broken or blank."""
        if not line.strip(b"\r \t") and fields == 1:
            return b""
        if NUL in line:
            self._broken.note(self._name, number, "a byte of zero in it")
            return b""
        expected = len(self._layout.columns)
        if fields != expected:
            self._broken.note(self._name, number, f"{fields} columns, expected {expected}")
            return b""
        return self._decoded(line).encode() + NEWLINE

    def _decoded(self, line: bytes) -> str:
        try:
            return line.decode()
        except UnicodeDecodeError:
            self._strange()
            return line.decode("cp1252", errors="replace")

    def _quoted(self, segment: bytes, skipped: int) -> bytes:
        """With quotes: Python's csv reads, and what it read is written anew without line ends inside of fields."""
        delimiter, quote = self._layout.delimiter, self._layout.quote or '"'
        text = "\n".join(self._decoded(line) for line in segment.split(NEWLINE))
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, quotechar=quote)
        written = io.StringIO(newline="")
        writer = csv.writer(written, delimiter=delimiter, quotechar=quote, lineterminator="\n")
        for number, row in self._rows(reader):
            if number > skipped and self._is_row(row, self._lines + number):
                writer.writerow([" ".join(field.split()) if "\n" in field else field for field in row])
        self._lines += _count(segment)
        return written.getvalue().encode()

    def _rows(self, reader: _Reader) -> Iterator[tuple[int, list[str]]]:
        """Each row with the line it begins on, from 1 on."""
        number = 1
        while True:
            try:
                row = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                self._broken.note(self._name, self._lines + number, str(error))
            else:
                yield number, row
            number = reader.line_num + 1

    def _is_row(self, row: list[str], number: int) -> bool:
        expected = len(self._layout.columns)
        if len(row) != expected and any(field.strip() for field in row):
            self._broken.note(self._name, number, f"{len(row)} columns, expected {expected}")
        return len(row) == expected


def _count(segment: bytes) -> int:
    """How many lines there are, the last of which may lack its end."""
    return segment.count(NEWLINE) + (not segment.endswith(NEWLINE))


class _Reader(Protocol):
    """What `csv.reader` gives."""

    @property
    def line_num(self) -> int:
        """How many lines were read."""

    def __next__(self) -> list[str]:
        """The next row."""


class Lines(NamedTuple):
    """Lines that each end: where they start and end, how many fields each has, and which hold bytes above 127 or 0."""

    data: bytes
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    fields: NDArray[np.int64]
    strange: NDArray[np.bool_]


def lines_of(data: bytes, delimiter: str) -> Lines:
    """The lines of a text that ends with one."""
    array = np.frombuffer(data, np.uint8)
    ends = np.flatnonzero(array == NEWLINE[0])
    separators = np.flatnonzero(array == ord(delimiter))
    fields = np.diff(np.searchsorted(separators, ends), prepend=0) + 1
    strange = np.zeros(len(ends), bool)
    strange[np.searchsorted(ends, np.flatnonzero((array >= MANY) | (array == NUL[0])))] = True
    return Lines(data, np.concatenate([[0], ends[:-1] + 1]), ends, fields, strange)
