"""The tables of the schema `geoid`, its version, and how a database gets there."""

from __future__ import annotations

import time
from typing import Any

import psycopg
from psycopg import sql

from geoid.adapters.postgres_roles import give_roles
from geoid.errors import NewerFormatError, ThrottledError

SCHEMA = "geoid"

FIRST = """
CREATE SCHEMA IF NOT EXISTS geoid;
CREATE TABLE geoid.migrations (version integer PRIMARY KEY, applied timestamptz NOT NULL DEFAULT now());
CREATE TABLE geoid.releases (
    name text PRIMARY KEY, number integer NOT NULL, kind text NOT NULL, digest text NOT NULL, taxa integer NOT NULL,
    cells bigint NOT NULL, sources text NOT NULL, licences text NOT NULL,
    published timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE TABLE geoid.pointer (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    current text NOT NULL REFERENCES geoid.releases, previous text REFERENCES geoid.releases
);
CREATE TABLE geoid.taxa (
    number integer NOT NULL, release integer NOT NULL, key text NOT NULL, scientific_name text NOT NULL,
    common_name text, rank text NOT NULL, lineage json NOT NULL, flags integer NOT NULL, occurrences bigint NOT NULL,
    cells bytea NOT NULL
) PARTITION BY LIST (release);
CREATE TABLE geoid.cells (cell bigint NOT NULL, release integer NOT NULL, bytes bytea NOT NULL)
    PARTITION BY LIST (release);
CREATE TABLE geoid.overflow (cell bigint NOT NULL, release integer NOT NULL, bytes bytea NOT NULL)
    PARTITION BY LIST (release);
ALTER TABLE geoid.taxa ALTER cells SET STORAGE EXTERNAL;
ALTER TABLE geoid.cells ALTER bytes SET STORAGE EXTERNAL;
ALTER TABLE geoid.overflow ALTER bytes SET STORAGE EXTERNAL;
COMMENT ON SCHEMA geoid IS 'area data of geoid: read releases and pointer, then the partitions of a release';
"""
"""`EXTERNAL`, because feature bytes and a taxon's cells are compressed already; `json` keeps the order of the ranks."""

MIGRATIONS = (FIRST,)
"""What leads from each version to the next; a published one is never changed."""

LOCK = 0x67656F6964
"""The advisory lock of whoever changes the schema or its releases: `geoid` in ASCII."""

PATIENCE = 5.0
"""Seconds to wait for that lock: the server may take a while to notice that its holder was killed."""

Database = psycopg.Connection[tuple[Any, ...]]


def table_name(table: str, digest: str) -> str:
    """The name of a release's own partition of a table."""
    return f"{table}_{digest[:16]}"


def refuse_newer(found: int | None, place: str) -> None:
    """Raise `NewerFormatError` for a schema of a version that this geoid does not know yet."""
    if found is not None and found > len(MIGRATIONS):
        what = f"{place}: the schema is of version {found}, this geoid knows {len(MIGRATIONS)}"
        raise NewerFormatError(what, "upgrade geoid")


def migrate(database: Database, place: str) -> None:
    """Bring the schema to the newest version, and create the roles where the connected role may."""
    with database.transaction():
        lock_out_others(database, place)
        found = version(database)
        refuse_newer(found, place)
        for number, step in enumerate(MIGRATIONS[found:], found + 1):
            database.execute(step.encode())
            database.execute("INSERT INTO geoid.migrations VALUES (%s)", (number,))
        give_roles(database)


def lock_out_others(database: Database, place: str) -> None:
    """Hold the advisory lock until this transaction ends; raises `ThrottledError` when somebody else keeps it."""
    until = time.monotonic() + PATIENCE
    while not _one(database, sql.SQL("SELECT pg_try_advisory_xact_lock({})").format(LOCK)):
        if time.monotonic() > until:
            raise ThrottledError(f"{place}: somebody else publishes a release", "try again when that is done")
        time.sleep(0.2)


def version(database: Database) -> int:
    """The version of the schema; 0 where there is none."""
    if not _one(database, sql.SQL("SELECT to_regclass('geoid.migrations') IS NOT NULL")):
        return 0
    found: int = _one(database, sql.SQL("SELECT coalesce(max(version), 0) FROM geoid.migrations"))
    return found


def _one(database: Database, query: sql.SQL | sql.Composed) -> Any:
    row = database.execute(query).fetchone()
    return row[0] if row else None
