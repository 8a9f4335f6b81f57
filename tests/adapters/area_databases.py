"""Releases large enough for a database's planner, and a store to read them."""

from __future__ import annotations

from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import psycopg
from tables import TablePack

from geoid.adapters.postgres import PostgresStore
from geoid.adapters.postgres_releases import PostgresReleases
from geoid.core.releases import Contents, Kind, Release, ReleaseTaxon

FIRST_CELL = 0x830000FFFFFFFFF
CELLS = tuple(f"{FIRST_CELL + (number << 36):x}" for number in range(4))
JAY = ReleaseTaxon(0, "jay", "Garrulus glandarius", "Eurasian jay", "species", {"genus": "Garrulus"}, 0, 7)


def release(name: str, cells: int = 40, size: int = 100) -> Contents:
    """A release of so many cells, each with so many bytes, which tell the name."""
    values = {FIRST_CELL + (number << 36): f"{name} {number} ".encode().ljust(size, b"\1") for number in range(cells)}
    taxon = JAY._replace(key=f"jay-{name}")
    return Contents(name, Kind.RANGES, (taxon,), ((FIRST_CELL,),), values, {FIRST_CELL: b"rest"}, "tests", "CC0-1.0")


class PlainPack(TablePack):
    """A pack whose values need not be feature bytes: its digest is made from the name."""

    def __init__(self, contents: Contents) -> None:
        self._contents = contents
        self.path = Path(f"{contents.name}.areas")
        self.meta = {"sources": contents.sources, "licences": contents.licences}
        self.release = Release(contents.name, contents.kind, sha256(contents.name.encode()).hexdigest())


@contextmanager
def releases_in(url: str):
    """The releases of a database."""
    store = PostgresReleases(url)
    try:
        yield store
    finally:
        store.close()


@contextmanager
def reading(url: str, password=None):
    """A store that reads a database."""
    store = PostgresStore(url, password)
    try:
        yield store
    finally:
        store.close()


def publish(url: str, *contents: Contents) -> list[PlainPack]:
    """Publish releases; the last one is in force."""
    packs = [PlainPack(one) for one in contents]
    with releases_in(url) as store:
        for one in packs:
            store.publish(one)
            store.switch(one.release.name)
    return packs


def ask(url: str, query: str, *values: object) -> list[tuple]:
    """Ask a database behind geoid's back."""
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(query, values)
        return cursor.fetchall() if cursor.description else []


def reader_url(url: str) -> str:
    """The URL of the reading role, whose password is set here."""
    return _role_url(url, "geoid_reader")


def seeder_url(url: str) -> str:
    """The URL of the seeding role, whose password is set here."""
    return _role_url(url, "geoid_seeder")


def _role_url(url: str, role: str) -> str:
    ask(url, f"ALTER ROLE {role} PASSWORD 'role'")
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{role}:role@{rest.rpartition('@')[2]}"
