"""Tables of text: how they are laid out, and their rows as Polars scans them, whole files or segment by segment."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple

import polars as pl

from geoid.errors import AreaDataError
from geoid.seeding.ahead import ahead
from geoid.seeding.careful import Careful
from geoid.seeding.separators import Counting
from geoid.seeding.sources import Broken, Part

DELIMITERS = "\t,;|"
SEGMENT = 64 << 20
"""Bytes of a stream that are scanned at once."""

LONGEST = 1 << 20
"""Bytes of a row with line ends inside of quotes; beyond that, a quote is a broken line."""

HEAD = 1 << 20
HINT = "geoid reads tables of text: UTF-8, a header, columns parted by tabs, commas, semicolons or bars"
BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))


class Layout(NamedTuple):
    """How a table is laid out: its columns, what parts them, what may enclose them, and lines before the first row."""

    columns: tuple[str, ...]
    delimiter: str
    quote: str | None
    skipped: int = 1
    encoding: str = "utf-8"


Opened = Callable[[], AbstractContextManager[BinaryIO]]


def layout_of(head: bytes, name: str) -> Layout:
    """The layout of a table that begins so; raises `AreaDataError` for what is no table of text."""
    if not head.strip():
        raise AreaDataError(f"{name} is empty", HINT)
    encoding = next((encoding for bom, encoding in BOMS if head.startswith(bom)), "utf-8")
    if encoding == "utf-8" and b"\0" in head.partition(b"\n")[0]:
        raise AreaDataError(f"{name} is no text", HINT)
    text = head[:HEAD].decode(encoding, errors="replace").removeprefix("\ufeff")
    line = text.splitlines()[0] if text.splitlines() else ""
    delimiter = max(DELIMITERS, key=line.count)
    quote = None if delimiter == "\t" else '"'
    columns = _columns(line, delimiter, quote)
    twice = next((column for place, column in enumerate(columns) if column in columns[:place]), None)
    if twice is not None:
        raise AreaDataError(f"{name} has two columns {twice!r}", "rename one of them")
    return Layout(columns, delimiter, quote, encoding=encoding)


def _columns(line: str, delimiter: str, quote: str | None) -> tuple[str, ...]:
    """The columns of a header; a last one without a name, after a trailing delimiter, is called so."""
    found = line.split(delimiter) if quote is None else next(csv.reader([line], delimiter=delimiter, quotechar=quote))
    named = [name.strip() for name in found]
    return tuple(name or f"(no name {place})" for place, name in enumerate(named, start=1))


class TextTable:
    """A table of text: a plain file, or a stream that can be opened anew, such as a member of an archive.

    `size` is that of the text in bytes, about.
    """

    def __init__(
        self, name: str, layout: Layout, size: int, path: Path | None = None, opened: Opened | None = None
    ) -> None:
        self.name, self.size = name, size
        self.layout = layout
        self.broken = Broken()
        self._path, self._opened = path, opened
        self._strange = 0

    @property
    def columns(self) -> Sequence[str]:
        """The columns, as the header names them."""
        return self.layout.columns

    @property
    def schema(self) -> Mapping[str, pl.DataType]:
        """The columns, all of strings."""
        return dict.fromkeys(self.layout.columns, pl.String())

    @property
    def remarks(self) -> Sequence[str]:
        """What was unusual about its lines."""
        if not self._strange:
            return ()
        lines = "line is" if self._strange == 1 else "lines are"
        return (f"{self.name}: {self._strange:,} {lines} not UTF-8 and read as Windows-1252",)

    def parts(self) -> Iterator[Part]:
        """Its rows: a plain file at once, a stream in segments."""
        if self._path is not None and self.layout.encoding == "utf-8":
            yield self._whole(self._path)
        else:
            yield from self._segments()

    def _whole(self, path: Path) -> Part:
        frame = _scanned(path, self.layout, self.layout.skipped)
        counting = Counting.of_file(path, self.layout)
        return Part(frame, self.size, counting.verified, self._careful_whole, self._rows(path))

    def _rows(self, path: Path) -> int:
        """How many rows a file has, by the lines it begins with."""
        with open(path, "rb") as file:
            head = file.read(HEAD)
        return self.size * head.count(b"\n") // max(len(head), 1)

    def _careful_whole(self) -> Iterator[Part]:
        careful = self._reader()
        for segment in self._stream():
            yield self._clean(careful.cleaned(segment), len(segment))

    def _segments(self) -> Iterator[Part]:
        """Segments, of which the next one is read while one is scanned."""
        careful = self._reader()
        for segment in ahead(self._stream()):
            yield self._segment(segment, careful)

    def _segment(self, segment: bytes, careful: Careful) -> Part:
        """A segment, of whose lines `careful` keeps count though it does not read them unless it must."""
        first = careful.skipped
        counting = Counting.of_bytes(segment, self.layout, first)

        def verified(rows: int) -> bool:
            fine = counting.verified(rows)
            if fine:
                careful.passed(segment, rows)
            return fine

        def again() -> Iterator[Part]:
            yield self._clean(careful.cleaned(segment), len(segment))

        return Part(_scanned(segment, self.layout, first), len(segment), verified, again)

    def _clean(self, lines: bytes, size: int) -> Part:
        return Part(_scanned(lines, self.layout, 0), size)

    def _reader(self) -> Careful:
        def strange() -> None:
            self._strange += 1

        return Careful(self.name, self.layout, self.broken, strange)

    def _stream(self) -> Iterator[bytes]:
        """The text in segments that end with a line; UTF-16 as UTF-8."""
        opened = self._opened or (lambda: _plain(self._path))
        decoder = (
            None if self.layout.encoding == "utf-8" else codecs.getincrementaldecoder(self.layout.encoding)("replace")
        )
        left = b""
        with opened() as stream:
            while data := stream.read(SEGMENT):
                text = data if decoder is None else decoder.decode(data).encode()
                segment, left = _cut(left + text, self.layout, self.name)
                if segment:
                    yield segment
        if left:
            yield left


@contextmanager
def _plain(path: Path | None) -> Iterator[BinaryIO]:
    assert path is not None
    with open(path, "rb") as file:
        yield file


def _cut(data: bytes, layout: Layout, name: str) -> tuple[bytes, bytes]:
    """Whole lines, and what is left of the last one; raises `AreaDataError` for a line that never ends."""
    end = data.rfind(b"\n") + 1
    if not end and len(data) > SEGMENT:
        raise AreaDataError(f"{name}: a line is longer than {SEGMENT >> 20} MB", HINT)
    quote = None if layout.quote is None else layout.quote.encode()
    while quote and end and data.count(quote, 0, end) % 2:  # a line end inside of quotes
        before = data.rfind(b"\n", 0, end - 1) + 1
        if len(data) - before > LONGEST:
            break
        end = before
    return data[:end], data[end:]


def _scanned(source: Path | bytes, layout: Layout, skipped: int) -> pl.LazyFrame:
    """The rows after so many lines, all strings, empty ones null."""
    if isinstance(source, bytes) and (not source or source.isspace()):
        return pl.LazyFrame(schema=dict.fromkeys(layout.columns, pl.String))
    return pl.scan_csv(
        source,
        has_header=False,
        separator=layout.delimiter,
        quote_char=layout.quote,
        skip_lines=skipped,
        schema=dict.fromkeys(layout.columns, pl.String),
        raise_if_empty=False,
        glob=False,
    )
