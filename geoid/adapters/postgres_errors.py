"""PostgreSQL's errors as geoid's: what waiting may mend is unavailable, what it cannot is a setting."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from geoid.errors import GeoidError, SettingsError, StorageError, ThrottledError, UnavailableError

ACCOUNT = "check user and password of the database's URL"
TLS = "check sslmode and sslrootcert of the database's URL, and the host's name"
SEED = "run `geoid seed` first, with the URL of the seeding role"
SEEDER = "give the URL of the seeding role, which owns the schema geoid"
READER = "grant it the role geoid_reader, or use that role's URL"

BY_STATE: dict[str, tuple[type[GeoidError], str]] = {
    "28P01": (SettingsError, ACCOUNT),
    "28000": (SettingsError, ACCOUNT),
    "3D000": (SettingsError, "check the database's name in its URL"),
    "3F000": (SettingsError, SEED),
    "42P01": (SettingsError, SEED),
    "42703": (SettingsError, "its schema is none that this geoid knows; upgrade geoid"),
    "42501": (SettingsError, READER),
    "25006": (SettingsError, SEEDER),
    "42704": (SettingsError, "geoid needs PostgreSQL 14 or newer"),
    "53300": (UnavailableError, "all its connections are in use; raise max_connections, or use fewer processes"),
}
"""By SQLSTATE; see https://www.postgresql.org/docs/current/errcodes-appendix.html."""

WHILE_CHANGING: dict[str, tuple[type[GeoidError], str]] = {
    "40P01": (ThrottledError, "somebody else holds a lock; try again"),
    "42501": (SettingsError, SEEDER),
    "53100": (StorageError, "make room on the server's disk"),
    "55P03": (ThrottledError, "somebody else holds a lock; try again"),
}
"""These go first where something is changed; a reader knows only unavailable and wrongly set."""

BY_TEXT: tuple[tuple[str, str], ...] = (
    (r"authentication failed|no password supplied|role \S+ does not exist|not permitted to log in", ACCOUNT),
    (r"no pg_hba\.conf entry|pg_hba\.conf rejects", "check sslmode of the database's URL, and who may connect"),
    (r"database \S+ does not exist|permission denied for database", "check the database's name in its URL"),
    (r"certificate verify failed|server certificate for|root certificate|does not support SSL", TLS),
    (
        r"(?:invalid \w+|bad) value|invalid port number|invalid integer value|private key file",
        "check the database's URL",
    ),
)
"""Failures to connect carry no SQLSTATE in libpq, only its text."""

PREAMBLE = re.compile(
    r"^(?:connection (?:failed|is bad): |consuming input failed: )?(?:connection to server .*? failed: )?(?:FATAL: +)?"
)


def translated(error: psycopg.Error, place: str, *, changing: bool = False) -> GeoidError:
    """The error as one of geoid's tree; `place` is the database without its password."""
    sentence = f"{place}: {_sentence(error)}"
    by_state = BY_STATE | WHILE_CHANGING if changing else BY_STATE
    if error.sqlstate in by_state:
        kind, hint = by_state[error.sqlstate]
        return kind(sentence, hint)
    for pattern, hint in BY_TEXT if error.sqlstate is None else ():
        if re.search(pattern, str(error)):
            return SettingsError(sentence, hint)
    return UnavailableError(sentence, "is the database running, and is that its address?")


@contextmanager
def errors_of(place: str, *, changing: bool = False) -> Iterator[None]:
    """Translate whatever PostgreSQL says meanwhile."""
    try:
        yield
    except psycopg.Error as error:
        raise translated(error, place, changing=changing) from error


def _sentence(error: psycopg.Error) -> str:
    """What the server or libpq said, on one line, without the steps that led there."""
    lines = [line.strip() for line in (error.diag.message_primary or str(error)).splitlines() if line.strip()]
    fatal = [line for line in lines if "FATAL" in line] or lines or [type(error).__name__]
    return PREAMBLE.sub("", fatal[0])
