"""PostgreSQL as store: each release is a partition of its own, addressed by name, so that readers lock nothing else."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import LiteralString

import psycopg
from psycopg import sql

from geoid.adapters.postgres_address import address
from geoid.adapters.postgres_errors import SEED, errors_of
from geoid.adapters.postgres_schema import SCHEMA, refuse_newer, table_name
from geoid.adapters.postgres_session import Row, Session
from geoid.core.releases import Kind, ListedRelease, Pointer, Release, ReleaseTaxon, opened, unpacked
from geoid.errors import GeoidError, NoReleaseError, ReleaseGone

BY_CELL = "SELECT cell, bytes FROM {} WHERE cell = ANY (%s::bigint[])"
TAXA = "SELECT number, key, scientific_name, common_name, rank, lineage, flags, occurrences FROM {} ORDER BY number"
TAXON_CELLS = "SELECT cells FROM {} WHERE key = %s"
POINTER = b"""
SELECT known.version, now.name, now.kind, now.digest, former.name, former.kind, former.digest
FROM (SELECT max(version) AS version FROM geoid.migrations) AS known
LEFT JOIN geoid.pointer ON true
LEFT JOIN geoid.releases AS now ON now.name = pointer.current
LEFT JOIN geoid.releases AS former ON former.name = pointer.previous
"""
LIST = b"""
SELECT name, kind, digest, taxa, cells, extract(epoch FROM published)::float8 FROM geoid.releases ORDER BY name
"""


class PostgresStore:
    """A `FeatureStore` and `ReleaseReader` over one connection, opened when first needed.

    `password` is called at each connect, for passwords that expire. Raises `SettingsError` for a URL with a typo.
    """

    def __init__(self, url: str, password: Callable[[], str] | None = None) -> None:
        self.session = Session(address(url, password))
        where = self.session.address.place.rpartition("@")[2]  # whoever reads it
        self.scope = hashlib.sha256(where.encode()).hexdigest()[:16]

    def close(self) -> None:
        """Close the connection."""
        self.session.close()

    def features(self, release: Release, cells: Sequence[str], timeout: float | None = None) -> Mapping[str, bytes]:
        """The feature bytes of those cells that have any."""
        return self._by_cell("cells", release, cells, timeout)

    def overflow(self, release: Release, cells: Sequence[str]) -> Mapping[str, bytes]:
        """The feature bytes of the taxa that did not fit."""
        return self._by_cell("overflow", release, cells, None)

    def taxa(self, release: Release, timeout: float | None = None) -> Sequence[ReleaseTaxon]:
        """The taxa by number."""
        rows = self._rows(release, _query(TAXA, table_name("taxa", release.digest)), (), timeout)
        return tuple(ReleaseTaxon(*row) for row in rows)

    def taxon_cells(self, release: Release, key: str, timeout: float | None = None) -> Sequence[str]:
        """The cells where a taxon occurs."""
        rows = self._rows(release, _query(TAXON_CELLS, table_name("taxa", release.digest)), (key,), timeout)
        return unpacked(opened(rows[0][0])) if rows else ()

    def ping(self) -> None:
        """Ask for nothing."""
        with errors_of(self.session.address.place):
            self.session.ask(b"SELECT 1")

    def pointer(self, timeout: float | None = None) -> Pointer:
        """The release in force, and the one before it; raises `NewerFormatError` where a newer geoid migrated."""
        place = self.session.address.place
        version, name, kind, digest, *former = self._asked(POINTER, timeout)[0]
        refuse_newer(version, place)
        if name is None:
            raise NoReleaseError(f"{place}: no release is in force yet", SEED)
        return Pointer(Release(name, Kind(kind), digest), _release(*former) if former[0] is not None else None)

    def list(self) -> Sequence[ListedRelease]:
        """All releases, by name."""
        rows = self._asked(LIST, None)
        return tuple(ListedRelease(_release(*row[:3]), *row[3:]) for row in rows)

    def _asked(self, query: bytes, timeout: float | None) -> Sequence[Row]:
        """What geoid's own tables say; raises `NoReleaseError` in a database that has none."""
        with errors_of(self.session.address.place):
            try:
                return self.session.ask(query, (), timeout)
            except psycopg.errors.UndefinedTable as error:
                raise self._unseeded() from error

    def _by_cell(
        self, table: str, release: Release, cells: Sequence[str], timeout: float | None
    ) -> Mapping[str, bytes]:
        if not cells:
            return {}
        numbers = "{" + ",".join([str(int(cell, 16)) for cell in cells]) + "}"
        rows = self._rows(release, _query(BY_CELL, table_name(table, release.digest)), (numbers,), timeout)
        return {f"{cell:x}": data for cell, data in rows}

    def _rows(self, release: Release, query: bytes, values: Sequence[object], timeout: float | None) -> Sequence[Row]:
        try:
            return self.session.ask(query, values, timeout)
        except psycopg.errors.UndefinedTable as error:
            raise self._missing(release, timeout) from error

    def _missing(self, release: Release, timeout: float | None) -> GeoidError:
        """What it means that a release has no table: it was dropped, or nothing was ever published here."""
        place = self.session.address.place
        with errors_of(place):
            there = self.session.ask(b"SELECT to_regclass('geoid.releases') IS NOT NULL", (), timeout)[0][0]
        if there:
            return ReleaseGone(f"{place}: release {release.name} is not there (any more)", "see `geoid doctor`")
        return self._unseeded()

    def _unseeded(self) -> NoReleaseError:
        return NoReleaseError(f"{self.session.address.place}: the database holds no area data yet", SEED)


def _release(name: str, kind: str, digest: str) -> Release:
    return Release(name, Kind(kind), digest)


@lru_cache(maxsize=64)
def _query(template: LiteralString, table: str) -> bytes:
    return sql.SQL(template).format(sql.Identifier(SCHEMA, table)).as_bytes()
