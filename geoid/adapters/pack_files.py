"""Writes area packs: the file appears whole or not at all, and the same release always gives the same bytes."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import NamedTuple, Protocol

from geoid.adapters.whole_files import whole_file
from geoid.core.releases import META, PACK_FORMAT, SCHEMA, TABLES, Contents, Release, packed, taxon_row
from geoid.errors import StorageError

STEP = 1000
"""Rows between two reports of progress."""


class Rows(Protocol):
    """A release as rows by table, each table in the order of its first column."""

    @property
    def release(self) -> Release:
        """How it is addressed."""

    @property
    def meta(self) -> Mapping[str, str]:
        """Its `sources` and `licences`."""

    def rows(self, table: str) -> Iterator[tuple[object, ...]]:
        """The rows of a table of `releases.TABLES`."""

    def count(self, table: str) -> int:
        """How many that will be."""


def write_pack(contents: Contents, path: Path) -> Release:
    """Write a release that is in memory as an area pack; raises `StorageError` where it cannot be written."""
    held = _Held(contents, Release(contents.name, contents.kind, contents.digest()))
    write_rows(held, path)
    return held.release


def write_rows(
    rows: Rows,
    path: Path,
    progress: Callable[[int], None] = lambda _: None,
    check: Callable[[Path], None] = lambda _: None,
) -> None:
    """Write a release as an area pack; `progress` is told of rows written since it was last told.

    `check` may look at the file before it takes its name. Raises `StorageError` where it cannot be written.
    """
    try:
        with whole_file(path) as file, closing(sqlite3.connect(file.name, isolation_level=None)) as db:
            db.executescript(f"PRAGMA page_size = 4096; PRAGMA journal_mode = OFF; {SCHEMA}")
            db.execute("BEGIN")
            _fill(db, rows, progress)
            db.execute("COMMIT")
            check(Path(file.name))
    except (OSError, sqlite3.Error) as error:
        raise StorageError(f"{path}: the area pack cannot be written: {error}", "check the disk's space") from error


def _fill(db: sqlite3.Connection, rows: Rows, progress: Callable[[int], None]) -> None:
    release = rows.release
    meta = (str(PACK_FORMAT), release.name, release.kind.value, release.digest, rows.meta["sources"])
    counts = rows.meta["licences"], str(rows.count("taxa")), str(rows.count("cells"))
    db.executemany("INSERT INTO meta VALUES (?, ?)", zip(META, (*meta, *counts), strict=True))
    sets = _Sets(db, {})
    inserts: Mapping[str, Callable[[tuple[object, ...]], object]] = {
        "taxa": lambda row: db.execute("INSERT INTO taxa VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row),
        "cells": lambda row: db.execute("INSERT INTO cells VALUES (?, ?)", (row[0], sets.number(row[1]))),
        "overflow": lambda row: db.execute("INSERT INTO overflow VALUES (?, ?)", row),
    }
    for table in TABLES:
        left = rows.rows(table)
        while some := list(islice(left, STEP)):
            for row in some:
                inserts[table](row)
            progress(len(some))


class _Sets(NamedTuple):
    """The distinct values written so far, numbered in the order in which they came."""

    db: sqlite3.Connection
    numbers: dict[bytes, int]

    def number(self, value: object) -> int:
        """The number of a value, which is written the first time."""
        assert isinstance(value, bytes)
        digest = blake2b(value, digest_size=16).digest()
        number = self.numbers.get(digest)
        if number is None:
            number = self.numbers[digest] = len(self.numbers)
            self.db.execute("INSERT INTO sets VALUES (?, ?)", (number, value))
        return number


class _Held:
    """A release in memory as rows."""

    def __init__(self, contents: Contents, release: Release) -> None:
        self.release = release
        self.meta = {"sources": contents.sources, "licences": contents.licences}
        self._tables: Mapping[str, Mapping[int, bytes]] = {"cells": contents.cells, "overflow": contents.overflow}
        self._taxa = zip(contents.taxa, contents.taxon_cells, strict=True)
        self._count = len(contents.taxa)

    def rows(self, table: str) -> Iterator[tuple[object, ...]]:
        """The rows of a table."""
        if table == "taxa":
            return (taxon_row(taxon, packed(cells)) for taxon, cells in self._taxa)
        return iter(sorted(self._tables[table].items()))

    def count(self, table: str) -> int:
        """How many rows a table has."""
        return self._count if table == "taxa" else len(self._tables[table])
