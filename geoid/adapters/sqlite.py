"""Area packs as store: SQLite files that are never changed in place, so they are safe on network file systems."""

from __future__ import annotations

import json
import os
import sqlite3
import tempfile
import threading
import zlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TypeVar

from geoid.core.releases import PACK_FORMAT, SCHEMA, Contents, Kind, Release, ReleaseTaxon, packed, unpacked
from geoid.errors import AreaDataError, NewerFormatError, StorageError, UnavailableError

META = ("format", "release", "kind", "digest", "sources", "licences", "taxa", "cells")
Answer = TypeVar("Answer")


class AreaPack:
    """One area pack, open for reading; a `FeatureStore` and the `ReleaseStore` of its single release.

    Raises `AreaDataError` for a file that is no pack or is damaged, `NewerFormatError` for one of a newer geoid.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._local = threading.local()
        self.meta = self._checked()
        self.release = Release(self.meta["release"], Kind(self.meta["kind"]), self.meta["digest"])

    def current(self) -> Release:
        """The release of this pack."""
        return self.release

    def list(self) -> Sequence[Release]:
        """The release of this pack."""
        return (self.release,)

    def features(self, release: Release, cells: Sequence[str]) -> Mapping[str, bytes]:
        """The feature bytes of those cells that have any."""
        marks = ",".join("?" * len(cells))
        query = f"SELECT cell, bytes FROM cells JOIN sets ON number = set_number WHERE cell IN ({marks})"  # noqa: S608
        return self._by_cell(release, query, cells)

    def overflow(self, release: Release, cells: Sequence[str]) -> Mapping[str, bytes]:
        """The feature bytes of the taxa that did not fit."""
        marks = ",".join("?" * len(cells))
        return self._by_cell(release, f"SELECT cell, bytes FROM overflow WHERE cell IN ({marks})", cells)  # noqa: S608

    def _by_cell(self, release: Release, query: str, cells: Sequence[str]) -> Mapping[str, bytes]:
        self._expect(release)
        rows = self._ask(lambda db: db.execute(query, [int(cell, 16) for cell in cells]).fetchall())
        return {f"{cell:x}": data for cell, data in rows}

    def taxa(self, release: Release) -> Sequence[ReleaseTaxon]:
        """The taxa by number."""
        self._expect(release)
        query = (
            "SELECT number, key, scientific_name, common_name, rank, lineage, flags, occurrences FROM taxa "
            "ORDER BY number"
        )
        rows = self._ask(lambda db: db.execute(query).fetchall())
        return tuple(_taxon(row) for row in rows)

    def taxon_cells(self, release: Release, key: str) -> Sequence[str]:
        """The cells where a taxon occurs."""
        self._expect(release)
        row = self._ask(lambda db: db.execute("SELECT cells FROM taxa WHERE key = ?", (key,)).fetchone())
        return unpacked(zlib.decompress(row[0])) if row else ()

    def ping(self) -> None:
        """Read one row."""
        self._ask(lambda db: db.execute("SELECT 1 FROM meta").fetchone())

    def _expect(self, release: Release) -> None:
        if release.digest != self.release.digest:
            raise UnavailableError(f"release {release.name} is not in {self.path}", "geoid doctor shows what is there")

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
            uri = f"{self.path.resolve().as_uri()}?mode=ro&immutable=1"
            connection = self._local.connection = sqlite3.connect(uri, uri=True, check_same_thread=False)
        return connection

    def _checked(self) -> dict[str, str]:
        """The meta table of a pack that geoid can read."""
        if not self.path.is_file():
            raise AreaDataError(f"{self.path}: there is no such area pack", "give the path of a file NAME.areas")
        try:
            meta = dict(self._connection().execute("SELECT key, value FROM meta").fetchall())
            pages = self._connection().execute("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")
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
        if self.path.stat().st_size < whole:
            raise AreaDataError(f"{self.path} is truncated: {self.path.stat().st_size} of {whole} bytes", NO_PACK)
        return meta


NO_PACK = "an area pack is a file NAME.areas that geoid made; fetch or build it again"


def write_pack(contents: Contents, path: Path) -> Release:
    """Write a release as an area pack; the file appears whole or not at all, and the same contents give the same rows.

    Raises `StorageError` where it cannot be written.
    """
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    os.close(handle)
    release = Release(contents.name, contents.kind, contents.digest())
    try:
        with closing(sqlite3.connect(name, isolation_level=None)) as db:
            db.executescript(f"PRAGMA page_size = 4096; PRAGMA journal_mode = OFF; {SCHEMA}")
            db.execute("BEGIN")
            _fill(db, contents, release)
            db.execute("COMMIT")
            db.execute("VACUUM")
        os.chmod(name, 0o644)
        os.replace(name, path)
    except (OSError, sqlite3.Error) as error:
        Path(name).unlink(missing_ok=True)
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
