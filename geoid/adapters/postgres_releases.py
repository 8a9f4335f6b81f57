"""PostgreSQL as the place where releases are published: each change is one transaction."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import psycopg
from psycopg import errors, sql

from geoid.adapters.postgres import PostgresStore
from geoid.adapters.postgres_errors import errors_of
from geoid.adapters.postgres_partitions import drop_partitions, fill_partitions, sweep
from geoid.adapters.postgres_roles import SEEDING, remarks_on
from geoid.adapters.postgres_schema import Database, lock_out_others, migrate, refuse_newer, version
from geoid.core.ports import Pack
from geoid.core.releases import ListedRelease, Pointer, Release
from geoid.errors import AreaDataError, NoReleaseError, ThrottledError, UnknownRelease

SETTINGS = sql.SQL("; ").join(
    sql.SQL("SET {} = {}").format(sql.Identifier(name), sql.Literal(value))
    for name, value in (SEEDING | {"statement_timeout": "0"}).items()
)
"""Those of the role `geoid_seeder`, for whoever publishes by another."""

OWNER = """
SELECT pg_get_userbyid(nspowner) FROM pg_namespace
WHERE nspname = 'geoid' AND nspowner <> current_user::regrole AND pg_has_role(nspowner, 'MEMBER')
"""
SWITCH = """
INSERT INTO geoid.pointer (current) VALUES (%s) ON CONFLICT (one) DO UPDATE
SET previous = pointer.current, current = excluded.current WHERE pointer.current <> excluded.current
"""
SUPERFLUOUS = """
SELECT name, digest FROM geoid.releases AS one
WHERE name NOT IN (SELECT name FROM geoid.releases ORDER BY published DESC, number DESC, name DESC LIMIT %s)
  AND NOT EXISTS (SELECT FROM geoid.pointer WHERE one.name IN (current, previous))
ORDER BY published
"""
INSERT = """
INSERT INTO geoid.releases (name, number, kind, digest, taxa, cells, sources, licences)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
"""
DROP_SETTINGS = "SET LOCAL lock_timeout = '200ms'"
"""While a removal waits for a lock, new readers of that release queue up behind it."""

ATTEMPTS = 3


def _unheard(_rows: int) -> None:
    """Progress that nobody asked for."""


class PostgresReleases:
    """A `ReleaseStore` for the seeding role, or for the owner of a database of one's own.

    It connects anew for each change; `pointer` and `list` use one connection, which `close` ends.
    """

    def __init__(self, url: str, password: Callable[[], str] | None = None) -> None:
        self._reader = PostgresStore(url, password)
        self._address = self._reader.session.address
        self.remarks: tuple[str, ...] = ()

    def close(self) -> None:
        """Close the connection that reads."""
        self._reader.close()

    def pointer(self, timeout: float | None = None) -> Pointer:
        """The release in force, and the one before it."""
        return self._reader.pointer(timeout)

    def list(self) -> Sequence[ListedRelease]:
        """All releases, by name; none in a database where nothing was published yet."""
        try:
            return self._reader.list()
        except NoReleaseError:
            return ()

    def migrate(self) -> None:
        """Bring the schema to the version that this geoid knows; publishing does so too."""
        with self._changing() as database:
            migrate(database, self._address.place)

    def publish(self, pack: Pack, progress: Callable[[int], None] = _unheard) -> bool:
        """Copy a pack into partitions of its own, in one transaction; see `ReleaseStore`."""
        with self._changing() as database:
            migrate(database, self._address.place)
            self.remarks = remarks_on(database)
            with database.transaction():
                lock_out_others(database, self._address.place)
                _become_owner(database)
                if _holds(database, pack.release, self._address.place):
                    return False
                _publish(database, pack, progress)
        return True

    def switch(self, name: str) -> Pointer:
        """Put a release in force."""
        with self._changing() as database:
            refuse_newer(version(database), self._address.place)
            try:
                database.execute(SWITCH, (name,))
            except errors.ForeignKeyViolation as error:
                what = f"{self._address.place}: there is no release {name}"
                raise UnknownRelease(what, "give one of those that are there") from error
        return self.pointer()

    def prune(self, keep: int) -> Sequence[str]:
        """Drop superfluous releases, each in one transaction; raises `ThrottledError` after that if one is in use."""
        outcomes: dict[bool, list[str]] = {True: [], False: []}
        with self._changing() as database:
            refuse_newer(version(database), self._address.place)
            for name, _ in _superfluous(database, keep):
                outcomes[self._dropped(database, name, keep)].append(name)
        dropped, busy = outcomes[True], outcomes[False]
        if busy:
            done = f"; dropped: {', '.join(dropped)}" if dropped else ""
            what = f"{self._address.place}: somebody reads {', '.join(busy)} in a transaction{done}"
            raise ThrottledError(what, "try again when that is over")
        return tuple(dropped)

    def _dropped(self, database: Database, name: str, keep: int) -> bool:
        for attempt in range(ATTEMPTS):
            time.sleep(attempt * 0.2)
            try:
                with database.transaction():
                    lock_out_others(database, self._address.place)
                    _drop(database, name, keep)
            except errors.LockNotAvailable:
                continue
            return True
        return False

    @contextmanager
    def _changing(self) -> Iterator[Database]:
        place = self._address.place
        with errors_of(place, changing=True), psycopg.connect(self._address.conninfo(), autocommit=True) as database:
            database.execute(SETTINGS)
            yield database


def _become_owner(database: Database) -> None:
    """Act as the owner of the schema, so that what is made belongs to it and the reading role may read it."""
    found = database.execute(OWNER).fetchone()
    if found:
        database.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(found[0])))


def _holds(database: Database, release: Release, place: str) -> bool:
    """Whether the release is there; raises `AreaDataError` where its name stands for something else."""
    found = database.execute("SELECT digest FROM geoid.releases WHERE name = %s", (release.name,)).fetchone()
    if found and found[0] != release.digest:
        what = f"{place}: the release name {release.name} is in use for other contents"
        raise AreaDataError(what, "a release never changes; give this one another name")
    return found is not None


def _publish(database: Database, pack: Pack, progress: Callable[[int], None]) -> None:
    """Make the tables, unless a release of the same contents has them already, and list the release."""
    release = pack.release
    shared = "SELECT number FROM geoid.releases WHERE digest = %s LIMIT 1"
    found = database.execute(shared, (release.digest,)).fetchone()
    if found is None:
        found = database.execute("SELECT coalesce(max(number), 0) + 1 FROM geoid.releases").fetchall()[0]
        sweep(database)
        fill_partitions(database, pack, found[0], progress)
    counts = pack.count("taxa"), pack.count("cells")
    origin = pack.meta["sources"], pack.meta["licences"]
    database.execute(INSERT, (release.name, found[0], release.kind.value, release.digest, *counts, *origin))


def _superfluous(database: Database, keep: int) -> Sequence[tuple[str, str]]:
    return [(name, digest) for name, digest in database.execute(SUPERFLUOUS, (max(keep, 0),)).fetchall()]


def _drop(database: Database, name: str, keep: int) -> None:
    """Drop a release if it is still superfluous; its tables stay while another name shares them."""
    database.execute(DROP_SETTINGS)
    database.execute("SELECT FROM geoid.pointer FOR UPDATE")  # whoever switches now, waits
    digest = dict(_superfluous(database, keep)).get(name)
    if digest is None:
        return
    database.execute("DELETE FROM geoid.releases WHERE name = %s", (name,))
    if not database.execute("SELECT FROM geoid.releases WHERE digest = %s", (digest,)).fetchall():
        drop_partitions(database, digest)
