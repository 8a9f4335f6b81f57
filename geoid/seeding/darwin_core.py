"""Darwin Core Archives: tables whose layout and columns stand in `meta.xml` (TDWG, Darwin Core Text Guide)."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from xml.parsers import expat

import polars as pl

from geoid.errors import AreaDataError
from geoid.seeding.sources import Part
from geoid.seeding.text import Layout, TextTable

OCCURRENCE = "/occurrence"
LARGEST = 4 << 20
"""Bytes of a meta.xml."""

ESCAPES = {"\\t": "\t", "\\n": "\n", "\\r": "\r", "\\r\\n": "\r\n"}
HINT = "a Darwin Core Archive has a meta.xml that describes its files (TDWG, Darwin Core Text Guide)"


class Told(NamedTuple):
    """A field of a file: the name of its term, the column it stands in, if any, and its default."""

    term: str
    column: int | None
    default: str | None


@dataclass(slots=True)
class Described:
    """A core or extension as meta.xml describes it."""

    core: bool
    row_type: str
    delimiter: str
    quote: str | None
    encoding: str
    skipped: int
    identifier: int | None = None
    locations: list[str] = field(default_factory=list)
    fields: list[Told] = field(default_factory=list)


def described(data: bytes, name: str) -> list[Described]:
    """What a meta.xml describes; raises `AreaDataError` for one that is damaged, or made to do harm."""
    reader = _Reader(name)
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartDoctypeDeclHandler = reader.refuse
    parser.EntityDeclHandler = reader.refuse
    parser.StartElementHandler, parser.EndElementHandler = reader.start, reader.end
    parser.CharacterDataHandler = reader.text
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise AreaDataError(f"{name} is damaged: {error}", HINT) from error
    return reader.found


class _Reader:
    """Takes the elements of a meta.xml."""

    def __init__(self, name: str) -> None:
        self.found: list[Described] = []
        self._name = name
        self._text = ""

    def refuse(self, *_: object) -> None:
        """Entities are how XML does harm, and no meta.xml needs any."""
        raise AreaDataError(f"{self._name} declares a document type or entities", "do not trust it")

    def start(self, name: str, attributes: dict[str, str]) -> None:
        tag = name.rpartition(" ")[2]
        self._text = ""
        if tag in {"core", "extension"}:
            self.found.append(self._described(tag == "core", attributes))
        elif self.found and tag in {"id", "coreid"}:
            self.found[-1].identifier = self._number(attributes.get("index"))
        elif self.found and tag == "field":
            term = attributes.get("term", "").rstrip("/").rpartition("/")[2].rpartition("#")[2]
            self.found[-1].fields.append(Told(term, self._number(attributes.get("index")), attributes.get("default")))

    def end(self, name: str) -> None:
        if self.found and name.rpartition(" ")[2] == "location" and self._text.strip():
            self.found[-1].locations.append(self._text.strip())

    def text(self, data: str) -> None:
        self._text += data

    def _described(self, core: bool, attributes: Mapping[str, str]) -> Described:
        told = {key: ESCAPES.get(value, value) for key, value in attributes.items()}
        delimiter = told.get("fieldsTerminatedBy", ",")
        if len(delimiter) != 1 or told.get("linesTerminatedBy", "\n") not in {"\n", "\r\n"}:
            raise AreaDataError(f"{self._name}: fields or lines end with what geoid does not know", HINT)
        try:
            encoding = codecs.lookup(told.get("encoding") or "UTF-8").name
        except LookupError:
            raise AreaDataError(f"{self._name}: there is no encoding {told['encoding']!r}", HINT) from None
        quote = told.get("fieldsEnclosedBy", '"') or None
        skipped = self._number(told.get("ignoreHeaderLines")) or 0
        return Described(core, told.get("rowType", ""), delimiter, quote, encoding, skipped)

    def _number(self, written: str | None) -> int | None:
        if written is None or written == "":
            return None
        if not written.isascii() or not written.isdigit():
            raise AreaDataError(f"{self._name}: {written!r} is no number", HINT)
        return int(written)


Opener = Callable[[str, Callable[[bytes], Layout]], TextTable]
"""Opens the table at a location, whose layout is worked out from its first bytes; raises `AreaDataError`."""


def occurrence_table(data: bytes, name: str, opened: Opener) -> DarwinTable:
    """The occurrences of an archive; raises `AreaDataError` where it has none, or lacks a file."""
    every = described(data, name)
    found = next((one for one in every if one.row_type.lower().endswith(OCCURRENCE)), None)
    if found is None:
        raise AreaDataError(f"{name} describes no occurrences", "geoid reads archives of occurrences")
    core = next((one for one in every if one.core), None)
    events = None if found.core or core is None else DarwinTable(name, core, opened)
    return DarwinTable(name, found, opened, events)


class DarwinTable:
    """The rows of a core or extension under the names of their terms, with what the core says besides."""

    def __init__(self, name: str, told: Described, opened: Opener, core: DarwinTable | None = None) -> None:
        if not told.locations:
            raise AreaDataError(f"{name} names no file of its occurrences", HINT)
        self._told, self._core = told, core
        self._tables = [opened(location, self._layout) for location in told.locations]
        self.name = self._tables[0].name
        self.broken = self._tables[0].broken
        for table in self._tables[1:]:
            table.broken = self.broken

    @property
    def columns(self) -> Sequence[str]:
        """The terms, and what stands in columns that have none."""
        return (*self._besides(), *self._tables[0].columns)

    @property
    def schema(self) -> Mapping[str, pl.DataType]:
        """The columns, all of strings."""
        return dict.fromkeys(self.columns, pl.String())

    @property
    def remarks(self) -> Sequence[str]:
        """What was unusual about its lines."""
        return tuple(remark for table in self._tables for remark in table.remarks)

    @property
    def size(self) -> int:
        """Bytes of text."""
        return sum(table.size for table in self._tables)

    def parts(self) -> Iterator[Part]:
        """Its rows."""
        joined = None if self._core is None else self._core.collected()
        for table in self._tables:
            for part in table.parts():
                yield self._mapped(part, joined)

    def collected(self) -> pl.DataFrame:
        """All rows in memory, by the column of their identifiers: those of a core, of which there are few."""
        frames = [frame for part in self.parts() for frame in _frames(part)]
        return pl.concat(frames).unique(self.identifier, keep="first", maintain_order=True)

    @property
    def identifier(self) -> str:
        """The column that core and extension have in common."""
        index = self._told.identifier
        return self._tables[0].columns[0 if index is None else index]

    def _besides(self) -> tuple[str, ...]:
        """Columns that no file of its own has: defaults, and what only the core says."""
        own = set(self._tables[0].columns)
        defaults = [told.term for told in self._told.fields if told.default is not None and told.term not in own]
        core = [] if self._core is None else [column for column in self._core.columns if not column.startswith("(")]
        return tuple(dict.fromkeys([*defaults, *(column for column in core if column not in own)]))

    def _mapped(self, part: Part, core: pl.DataFrame | None) -> Part:
        careful = part.careful
        again = None if careful is None else lambda: (self._mapped(one, core) for one in careful())
        return part._replace(frame=self._filled(part.frame, core), careful=again)

    def _filled(self, frame: pl.LazyFrame, core: pl.DataFrame | None) -> pl.LazyFrame:
        """The rows with defaults where the file says nothing; the columns of the file stay the last ones."""
        own = self._tables[0].columns
        defaults = {told.term: told.default for told in self._told.fields if told.default is not None}
        found = frame.with_columns(pl.col(term).fill_null(text) for term, text in defaults.items() if term in own)
        if core is not None and self._core is not None:
            key = self._core.identifier
            wanted = [column for column in self._besides() if column in core.columns]
            held = core.lazy().select(pl.col(key).alias("(key)"), *wanted)
            found = found.join(held, left_on=self.identifier, right_on="(key)", how="left", maintain_order="left")
        names = found.collect_schema().names()
        literals = [pl.lit(text).alias(term) for term, text in defaults.items() if term not in names]
        return found.with_columns(literals).select(*self._besides(), *own)

    def _layout(self, head: bytes) -> Layout:
        """The layout of a file that begins so; raises `AreaDataError` for one with fewer columns than described."""
        told = self._told
        line = head.partition(b"\n")[0].decode(told.encoding, errors="replace").strip("\r\n")
        width = line.count(told.delimiter) + 1 if told.quote is None else _width(line, told.delimiter, told.quote)
        indexes = [one.column for one in told.fields if one.column is not None]
        if head.strip() and max([*indexes, told.identifier or 0]) >= width:
            what = f"a file has {width} columns, and meta.xml describes column {max(indexes, default=0)}"
            raise AreaDataError(what, HINT)
        names = {one.column: one.term for one in reversed(told.fields) if one.column is not None}
        listed = [names.get(index, f"(no term {index})") for index in range(width)]
        once = [name if name not in listed[:place] else f"(again {place})" for place, name in enumerate(listed)]
        return Layout(tuple(once), told.delimiter, told.quote, told.skipped, told.encoding)


def _width(line: str, delimiter: str, quote: str) -> int:
    import csv

    return len(next(csv.reader([line], delimiter=delimiter, quotechar=quote), [""]))


def _frames(part: Part) -> list[pl.DataFrame]:
    """The rows of a part, read with care where that is needed."""
    try:
        rows = part.frame.collect(engine="streaming")
        if part.careful is None or part.verified(rows.height):
            return [rows]
    except pl.exceptions.PolarsError:
        if part.careful is None:
            raise
    return [one.frame.collect(engine="streaming") for one in part.careful()]
