"""The partitions of a release: made and filled beside the readers, attached when whole, dropped when nobody reads."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from psycopg import Copy, sql

from geoid.adapters.postgres_schema import SCHEMA, Database, table_name
from geoid.core.ports import Pack
from geoid.core.releases import TABLES
from geoid.core.rows import ROOM, Block

TYPES = ("int4", "text", "text", "text", "text", "text", "int4", "int8", "bytea")
"""How the columns of a taxon travel in a binary COPY, where json looks like text."""

SIGNATURE, TRAILER = b"PGCOPY\n\xff\r\n\0" + bytes(8), b"\xff\xff"
FRONT = np.dtype([("fields", ">i2"), ("cell_length", ">i4"), ("cell", ">i8"), ("length", ">i4")])
"""What stands before a value in a row of binary COPY (documentation of COPY, "Binary Format")."""

SLICE = 1 << 20
"""Bytes that are sent at once."""

assert FRONT.itemsize == ROOM

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
    with database.cursor() as cursor, cursor.copy(query) as copy:
        if table == "taxa":
            copy.set_types(TYPES)
            for row in pack.rows(table):
                copy.write_row(row)
            progress(pack.count(table))
        else:
            copy.write(SIGNATURE)
            for block in pack.blocks(table):
                _write(copy, block)
                progress(len(block.cells))
            copy.write(TRAILER)


def _write(copy: Copy, block: Block) -> None:
    """Send a block as rows of binary COPY, whose fronts go into the room before the values."""
    fronts = np.empty(len(block.cells), FRONT)
    fronts["fields"], fronts["cell_length"] = 2, 8
    fronts["cell"], fronts["length"] = block.cells, block.lengths
    data = block.data.copy()
    data[(block.starts - ROOM)[:, None] + np.arange(ROOM)] = fronts.view(np.uint8).reshape(-1, ROOM)
    for start in range(0, len(data), SLICE):
        copy.write(data[start : start + SLICE].data)
