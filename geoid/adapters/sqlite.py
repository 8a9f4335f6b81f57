"""Area packs as store: SQLite files that are never changed in place, so they are safe on network file systems."""

from __future__ import annotations

import json
import sqlite3
import struct
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TypeVar

import numpy as np

from geoid.core.digests import of_values
from geoid.core.releases import (
    META,
    PACK_FORMAT,
    TABLES,
    Kind,
    ListedRelease,
    Pointer,
    Release,
    ReleaseTaxon,
    opened,
    unpacked,
)
from geoid.core.rows import Block, blocks_of
from geoid.errors import AreaDataError, GeoidError, NewerFormatError, ReleaseGone, UnavailableError

Answer = TypeVar("Answer")


FROM = {"taxa": "taxa", "cells": "cells JOIN sets ON number = set_number", "overflow": "overflow"}
"""Where a pack keeps the tables of `TABLES`: equal values of `cells` stand once, in `sets`."""


class AreaPack:
    """One area pack, open for reading: a `Pack`, and the `FeatureStore` and `ReleaseReader` of its single release.

    Time-outs are those of the disk. Raises `AreaDataError` for a file that is no pack or is damaged, and
    `NewerFormatError` for one of a newer geoid.
    """

    scope = None

    def __init__(self, path: Path) -> None:
        self.path = path
        self.meta: Mapping[str, str] = self._checked()
        self.release = Release(self.meta["release"], Kind(self.meta["kind"]), self.meta["digest"])
        self._local = threading.local()
        self._verified = False

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return self.path.stat().st_size

    def pointer(self, timeout: float | None = None) -> Pointer:  # noqa: ARG002 - a file has no time-out
        """The release of this pack, which is always in force."""
        return Pointer(self.release)

    def list(self) -> Sequence[ListedRelease]:
        """The release of this pack, published when its file was written."""
        try:
            published = self.path.stat().st_mtime
        except OSError as error:
            raise UnavailableError(f"{self.path}: {error.strerror}", "is the area pack still there?") from error
        return (ListedRelease(self.release, int(self.meta["taxa"]), int(self.meta["cells"]), published),)

    def rows(self, table: str) -> Iterator[tuple[object, ...]]:
        """The rows of a table by their key; raises `AreaDataError` where they are not as they were made."""
        self.verify()
        return self._rows(table)

    def blocks(self, table: str) -> Iterator[Block]:
        """The rows of `cells` or `overflow` in blocks, by cell."""
        self.verify()
        return blocks_of(self._values(table))

    def count(self, table: str) -> int:
        """How many rows a table has."""
        (rows,) = self._ask(lambda db: db.execute(f"SELECT count(*) FROM {table}").fetchone())  # noqa: S608 - ours
        return int(rows)

    def verify(self) -> None:
        """Compare the rows with the digest, once.

        Raises `AreaDataError` for a pack that was damaged or edited after it was made.
        """
        if self._verified:
            return
        try:
            digest = self._digest()
        except NewerFormatError:
            raise
        except (sqlite3.Error, ValueError, TypeError, struct.error, GeoidError) as error:
            raise AreaDataError(f"{self.path} is damaged: {error}", NO_PACK) from error
        if digest != self.release.digest:
            raise AreaDataError(f"{self.path} is damaged: its rows are not those of its digest", NO_PACK)
        self._verified = True

    def _digest(self) -> str:
        """The digest of the rows that are there."""
        blobs = self._connection().execute("SELECT cells FROM taxa ORDER BY number")
        cells = (_checked(opened(blob)) for (blob,) in blobs)
        taxa = zip(self.taxa(self.release), cells, strict=True)
        return of_values(taxa, self._values("cells"), dict(self._values("overflow")))

    def _values(self, table: str) -> Iterator[tuple[int, bytes]]:
        for cell, value in self._rows(table):
            if not isinstance(cell, int) or not isinstance(value, bytes):
                raise AreaDataError(f"table {table} holds values that are none")
            yield cell, value

    def _rows(self, table: str) -> Iterator[tuple[object, ...]]:
        columns = ", ".join(TABLES[table])
        query = f"SELECT {columns} FROM {FROM[table]} ORDER BY {TABLES[table][0]}"  # noqa: S608 - names of ours
        yield from self._connection().execute(query)

    def features(
        self,
        release: Release,
        cells: Sequence[str],
        timeout: float | None = None,  # noqa: ARG002 - a file has no time-out
    ) -> Mapping[str, bytes]:
        """The feature bytes of those cells that have any."""
        return self._by_cell("cells", release, cells)

    def overflow(self, release: Release, cells: Sequence[str]) -> Mapping[str, bytes]:
        """The feature bytes of the taxa that did not fit."""
        return self._by_cell("overflow", release, cells)

    def _by_cell(self, table: str, release: Release, cells: Sequence[str]) -> Mapping[str, bytes]:
        self._expect(release)
        marks = ",".join("?" * len(cells))
        query = f"SELECT cell, bytes FROM {FROM[table]} WHERE cell IN ({marks})"  # noqa: S608 - names of ours
        rows = self._ask(lambda db: db.execute(query, [int(cell, 16) for cell in cells]).fetchall())
        return {f"{cell:x}": data for cell, data in rows}

    def taxa(self, release: Release, timeout: float | None = None) -> Sequence[ReleaseTaxon]:  # noqa: ARG002 - a file
        """The taxa by number."""
        self._expect(release)
        query = (
            "SELECT number, key, scientific_name, common_name, rank, lineage, flags, occurrences FROM taxa "
            "ORDER BY number"
        )
        rows = self._ask(lambda db: db.execute(query).fetchall())
        return tuple(_taxon(row) for row in rows)

    def taxon_cells(
        self,
        release: Release,
        key: str,
        timeout: float | None = None,  # noqa: ARG002 - a file has no time-out
    ) -> Sequence[str]:
        """The cells where a taxon occurs."""
        self._expect(release)
        row = self._ask(lambda db: db.execute("SELECT cells FROM taxa WHERE key = ?", (key,)).fetchone())
        return unpacked(opened(row[0])) if row else ()

    def ping(self) -> None:
        """Read one row."""
        self._ask(lambda db: db.execute("SELECT 1 FROM meta").fetchone())

    def _expect(self, release: Release) -> None:
        if release.digest != self.release.digest:
            raise ReleaseGone(f"release {release.name} is not in {self.path}", "geoid doctor shows what is there")

    def _ask(self, question: Callable[[sqlite3.Connection], Answer]) -> Answer:
        """Ask on this thread's own connection."""
        try:
            return question(self._connection())
        except sqlite3.Error as error:
            raise UnavailableError(
                f"{self.path}: the area pack cannot be read: {error}", "is it still there?"
            ) from error

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._opened()
            (digest,) = connection.execute("SELECT value FROM meta WHERE key = 'digest'").fetchone()
            if digest != self.release.digest:  # the name went to other contents after this pack was opened
                connection.close()
                raise ReleaseGone(f"{self.path} is another release by now", "geoid doctor shows what is there")
            self._local.connection = connection
        return connection

    def _opened(self) -> sqlite3.Connection:
        uri = f"{self.path.resolve().as_uri()}?mode=ro&immutable=1"
        return sqlite3.connect(uri, uri=True, check_same_thread=False)

    def _checked(self) -> dict[str, str]:
        """The meta table of a pack that geoid can read."""
        if not self.path.is_file():
            raise AreaDataError(f"{self.path}: there is no such area pack", "give the path of a file NAME.areas")
        try:
            with closing(self._opened()) as db:
                meta = dict(db.execute("SELECT key, value FROM meta").fetchall())
                pages = db.execute("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")
                whole = int(pages.fetchone()[0])
        except sqlite3.Error as error:
            raise AreaDataError(f"{self.path} is not an area pack: {error}", NO_PACK) from error
        if not set(META) <= set(meta):
            raise AreaDataError(f"{self.path} is not an area pack: its meta table lacks entries", NO_PACK)
        if meta["format"] != str(PACK_FORMAT):
            what = f"{self.path}: area pack of format {meta['format']}, this geoid reads {PACK_FORMAT}"
            raise NewerFormatError(what, "upgrade geoid, or use an older pack")
        if meta["kind"] not in set(Kind):
            raise AreaDataError(f"{self.path} holds {meta['kind']!r}, which is no kind of area data", NO_PACK)
        if not (meta["taxa"].isdecimal() and meta["cells"].isdecimal()):
            raise AreaDataError(f"{self.path} is not an area pack: its counts are no numbers", NO_PACK)
        if self.path.stat().st_size < whole:
            raise AreaDataError(f"{self.path} is truncated: {self.path.stat().st_size} of {whole} bytes", NO_PACK)
        return meta


def _checked(cells: bytes) -> bytes:
    """Packed cells, in order; raises `ValueError` for bytes that are none."""
    found = np.frombuffer(cells, "<u8")
    if np.any(found[1:] <= found[:-1]):
        raise ValueError("the cells of a taxon are not in order")
    return cells


NO_PACK = "an area pack is a file NAME.areas that geoid made; fetch or build it again"


def _taxon(row: tuple[int, str, str, str | None, str, str, int, int]) -> ReleaseTaxon:
    number, key, scientific_name, common_name, rank, lineage, flags, occurrences = row
    return ReleaseTaxon(number, key, scientific_name, common_name, rank, json.loads(lineage), flags, occurrences)
