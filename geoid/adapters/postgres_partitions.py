"""The partitions of a release: made and filled beside the readers, attached when whole, dropped when nobody reads."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice

from psycopg import sql

from geoid.adapters.postgres_schema import SCHEMA, Database, table_name
from geoid.core.ports import Pack
from geoid.core.releases import TABLES

TYPES = {
    "taxa": ("int4", "text", "text", "text", "text", "text", "int4", "int8", "bytea"),
    "cells": ("int8", "bytea"),
    "overflow": ("int8", "bytea"),
}
"""How the columns of `TABLES` travel in a binary COPY, where json looks like text."""

KEYS = {"taxa": "PRIMARY KEY (number), ADD UNIQUE (key)"}

CREATE = """
CREATE TABLE {part} (LIKE {parent} INCLUDING STORAGE, CHECK (release = {number})) WITH (toast_tuple_target = 8160);
ALTER TABLE {part} ALTER release SET DEFAULT {number}
"""
"""The check spares the attaching a scan. 8160 is the most that a page takes: a value stays in line up to there."""

FILL = "COPY {part} ({columns}) FROM STDIN WITH (FORMAT binary, FREEZE)"
FINISH = """
ALTER TABLE {part} ADD {keys};
ALTER TABLE {parent} ATTACH PARTITION {part} FOR VALUES IN ({number});
ANALYZE {part}
"""
LEFT = """
SELECT c.relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = 'geoid' AND c.relkind = 'r' AND c.relname ~ '^(taxa|cells|overflow)_[0-9a-f]{16}$'
  AND right(c.relname, 16) NOT IN (SELECT left(digest, 16) FROM geoid.releases)
"""
STEP = 1000
"""Rows between two reports of progress."""


def fill_partitions(database: Database, pack: Pack, number: int, progress: Callable[[int], None]) -> None:
    """Copy a pack's tables; the caller's transaction makes them visible, all or none."""
    for table in TABLES:
        names = _names(table, pack.release.digest, number)
        database.execute(sql.SQL(CREATE).format(**names))
        _copy(database, sql.SQL(FILL).format(**names), table, pack, progress)
        database.execute(sql.SQL(FINISH).format(**names))


def drop_partitions(database: Database, digest: str) -> None:
    """Drop a release's tables."""
    _drop(database, [table_name(table, digest) for table in TABLES])


def sweep(database: Database) -> None:
    """Drop tables of no release: a killed transaction leaves none, but a restored dump may."""
    _drop(database, [name for (name,) in database.execute(LEFT).fetchall()])


def _drop(database: Database, tables: Iterable[str]) -> None:
    names = [sql.Identifier(SCHEMA, table) for table in tables]
    if names:
        database.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(sql.SQL(", ").join(names)))


def _names(table: str, digest: str, number: int) -> dict[str, sql.Composable]:
    return {
        "part": sql.Identifier(SCHEMA, table_name(table, digest)),
        "parent": sql.Identifier(SCHEMA, table),
        "number": sql.Literal(number),
        "columns": sql.SQL(", ").join(map(sql.Identifier, TABLES[table])),
        "keys": sql.SQL(KEYS.get(table, "PRIMARY KEY (cell)")),
    }


def _copy(database: Database, query: sql.Composed, table: str, pack: Pack, progress: Callable[[int], None]) -> None:
    rows = pack.rows(table)
    with database.cursor() as cursor, cursor.copy(query) as copy:
        copy.set_types(TYPES[table])
        while some := list(islice(rows, STEP)):
            for row in some:
                copy.write_row(row)
            progress(len(some))
