"""Area packs as store: SQLite files that are never changed in place, so they are safe on network file systems."""

from __future__ import annotations

import json
import sqlite3
import struct
import threading
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TypeVar

from geoid.adapters.whole_files import whole_file
from geoid.core.releases import (
    PACK_FORMAT,
    SCHEMA,
    TABLES,
    Contents,
    Kind,
    ListedRelease,
    Pointer,
    Release,
    ReleaseTaxon,
    packed,
    unpacked,
)
from geoid.errors import AreaDataError, GeoidError, NewerFormatError, ReleaseGone, StorageError, UnavailableError

META = ("format", "release", "kind", "digest", "sources", "licences", "taxa", "cells")
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

    def count(self, table: str) -> int:
        """How many rows a table has."""
        (rows,) = self._ask(lambda db: db.execute(f"SELECT count(*) FROM {table}").fetchone())  # noqa: S608 - ours
        return int(rows)

    def verify(self) -> None:
        """Compare the rows with the digest, once; the whole release is in memory meanwhile.

        Raises `AreaDataError` for a pack that was damaged or edited after it was made.
        """
        if self._verified:
            return
        try:
            digest = self._contents().digest()
        except NewerFormatError:
            raise
        except (sqlite3.Error, zlib.error, ValueError, TypeError, struct.error, GeoidError) as error:
            raise AreaDataError(f"{self.path} is damaged: {error}", NO_PACK) from error
        if digest != self.release.digest:
            raise AreaDataError(f"{self.path} is damaged: its rows are not those of its digest", NO_PACK)
        self._verified = True

    def _contents(self) -> Contents:
        db = self._connection()
        blobs = db.execute("SELECT cells FROM taxa ORDER BY number")
        return Contents(
            self.release.name,
            self.release.kind,
            tuple(self.taxa(self.release)),
            tuple(struct.unpack(f"<{len(data) // 8}Q", data) for data in (zlib.decompress(blob) for (blob,) in blobs)),
            dict(db.execute(f"SELECT cell, bytes FROM {FROM['cells']}")),  # noqa: S608 - names of ours
            dict(db.execute("SELECT cell, bytes FROM overflow")),
            self.meta["sources"],
            self.meta["licences"],
        )

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
        return unpacked(zlib.decompress(row[0])) if row else ()

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


NO_PACK = "an area pack is a file NAME.areas that geoid made; fetch or build it again"


def write_pack(contents: Contents, path: Path) -> Release:
    """Write a release as an area pack; the file appears whole or not at all, and the same contents give the same rows.

    Raises `StorageError` where it cannot be written.
    """
    release = Release(contents.name, contents.kind, contents.digest())
    try:
        with whole_file(path) as file, closing(sqlite3.connect(file.name, isolation_level=None)) as db:
            db.executescript(f"PRAGMA page_size = 4096; PRAGMA journal_mode = OFF; {SCHEMA}")
            db.execute("BEGIN")
            _fill(db, contents, release)
            db.execute("COMMIT")
            db.execute("VACUUM")
    except (OSError, sqlite3.Error) as error:
        raise StorageError(f"{path}: the area pack cannot be written: {error}", "check the disk's space") from error
    return release


def _fill(db: sqlite3.Connection, contents: Contents, release: Release) -> None:
    values = sorted(set(contents.cells.values()))
    numbers = {value: number for number, value in enumerate(values)}
    meta = (PACK_FORMAT, release.name, release.kind.value, release.digest, contents.sources, contents.licences)
    counted = (*map(str, meta), str(len(contents.taxa)), str(len(contents.cells)))
    db.executemany("INSERT INTO meta VALUES (?, ?)", zip(META, counted, strict=True))
    taxa = zip(contents.taxa, contents.taxon_cells, strict=True)
    db.executemany("INSERT INTO taxa VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", (_taxon_row(*pair) for pair in taxa))
    db.executemany("INSERT INTO sets VALUES (?, ?)", enumerate(values))
    cells = ((cell, numbers[contents.cells[cell]]) for cell in sorted(contents.cells))
    db.executemany("INSERT INTO cells VALUES (?, ?)", cells)
    db.executemany("INSERT INTO overflow VALUES (?, ?)", sorted(contents.overflow.items()))


def _taxon(row: tuple[int, str, str, str | None, str, str, int, int]) -> ReleaseTaxon:
    number, key, scientific_name, common_name, rank, lineage, flags, occurrences = row
    return ReleaseTaxon(number, key, scientific_name, common_name, rank, json.loads(lineage), flags, occurrences)


def _taxon_row(taxon: ReleaseTaxon, cells: tuple[int, ...]) -> tuple[object, ...]:
    lineage = json.dumps(dict(taxon.lineage), ensure_ascii=False)
    return (*taxon[:5], lineage, taxon.flags, taxon.occurrences, zlib.compress(packed(cells), 9))
