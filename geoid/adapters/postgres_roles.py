"""Two roles: one that only reads, for everything that predicts, and one that owns the schema, for whoever seeds it."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import errors, sql

Database = psycopg.Connection[tuple[Any, ...]]

READER = "geoid_reader"
SEEDER = "geoid_seeder"

ANY_LOGIN = {
    "tcp_keepalives_count": "3",
    "tcp_keepalives_idle": "10s",
    "tcp_keepalives_interval": "5s",
    "tcp_user_timeout": "10s",
}
SEEDING = {
    "client_connection_check_interval": "1s",
    "idle_in_transaction_session_timeout": "10min",
    "lock_timeout": "2s",
}
"""What a publishing connection needs, whoever it belongs to: a server soon notices that its client was killed, and
nobody waits for a lock so long that readers queue up behind."""

LOGINS = {
    READER: ANY_LOGIN
    | {
        "default_transaction_read_only": "on",
        "idle_in_transaction_session_timeout": "30s",
        "idle_session_timeout": "60s",
        "lock_timeout": "1s",
        "statement_timeout": "10s",
    },
    SEEDER: ANY_LOGIN | SEEDING,
}
"""Settings of the roles, not of the connection: RDS Proxy refuses `options=`, and a frozen Lambda environment runs no
timer, while an open session keeps Aurora from pausing."""

NEEDED = """
SELECT me.rolsuper FROM pg_roles AS me LEFT JOIN pg_roles AS reader ON reader.rolname = 'geoid_reader'
WHERE me.rolname = current_user AND (me.rolsuper OR me.rolcreaterole)
  AND NOT coalesce(has_schema_privilege(reader.oid, 'geoid', 'USAGE'), false)
"""
TABLES = """
SELECT c.relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = 'geoid' AND c.relkind IN ('r', 'p') AND pg_get_userbyid(c.relowner) <> 'geoid_seeder'
"""
GRANTS = """
GRANT USAGE ON SCHEMA geoid TO geoid_reader;
GRANT SELECT ON ALL TABLES IN SCHEMA geoid TO geoid_reader;
ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA geoid GRANT SELECT ON TABLES TO geoid_reader
"""


UNSERVED = """
SELECT pg_get_userbyid(nspowner) = current_user, reader.oid IS NOT NULL
FROM pg_namespace LEFT JOIN pg_roles AS reader ON reader.rolname = 'geoid_reader'
WHERE nspname = 'geoid' AND NOT coalesce(has_schema_privilege(reader.oid, 'geoid', 'USAGE'), false)
"""
"""Whether the connected role owns the schema, and whether there is a reader, where no reader may read it."""


def give_roles(database: Database) -> None:
    """Create both roles and hand the schema over, once, if the connected role may; neither gets a password here.

    An owner that may not create roles lets the reader read, if there is one.
    """
    found = database.execute(NEEDED).fetchone()
    if not found:
        owns, reader = database.execute(UNSERVED).fetchone() or (False, False)
        if owns and reader:
            _let_read(database, sql.SQL("CURRENT_USER"))
        return
    try:
        with database.transaction():
            for role in LOGINS:
                _create(database, role)
            if not found[0]:
                database.execute("GRANT geoid_seeder TO CURRENT_USER")
            _hand_over(database)
    except errors.InsufficientPrivilege:
        return  # roles that somebody else created and keeps: the connected role goes on by itself


def remarks_on(database: Database) -> tuple[str, ...]:
    """What whoever publishes should know of the roles."""
    if database.execute(UNSERVED).fetchone() is None:
        return ()
    who = database.info.user
    return (f"there is no role geoid_reader that may read, and {who} may not create it: seed once as a superuser",)


def _create(database: Database, role: str) -> None:
    try:
        with database.transaction():
            database.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(role)))
    except (errors.DuplicateObject, errors.UniqueViolation):
        pass  # roles belong to the server: they were there, or another database's migration was faster
    here = sql.Identifier(database.info.dbname)
    for name, value in LOGINS[role].items():
        query = sql.SQL("ALTER ROLE {} IN DATABASE {} SET {} = {}")
        database.execute(query.format(sql.Identifier(role), here, sql.Identifier(name), sql.Literal(value)))


def _hand_over(database: Database) -> None:
    database.execute("ALTER SCHEMA geoid OWNER TO geoid_seeder")
    for (table,) in database.execute(TABLES).fetchall():
        database.execute(sql.SQL("ALTER TABLE {} OWNER TO geoid_seeder").format(sql.Identifier("geoid", table)))
    _let_read(database, sql.Identifier(SEEDER))


def _let_read(database: Database, owner: sql.Composable) -> None:
    """Let the reader read what there is, and what this owner will make."""
    database.execute(sql.SQL(GRANTS).format(owner=owner))
