"""Where a PostgreSQL database is and how to get in: libpq's URL or conninfo, and a password that may be renewed."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from urllib.parse import unquote

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from geoid.core.text import redacted
from geoid.errors import SettingsError

DEFAULTS = {
    "application_name": "geoid",
    "connect_timeout": "20",
    "gssencmode": "disable",
    "keepalives_count": "3",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "tcp_user_timeout": "10000",
}
"""What the URL may set otherwise: a paused Aurora needs 15 s to resume; a peer that is gone is noticed in 25 s, or in
10 s (10,000 ms) while something is on its way to it."""

PASSWORD_FILE = re.compile(r"(?<=[?&])password_file=([^&]*)(?:&|$)")
WRONG_NAME = re.compile(
    r'^invalid (?:URI query parameter|connection option): "(\w+)"$|^invalid connection option "(\w+)"'
)
USUAL = "a URL is postgresql://user:password@host:5432/database?sslmode=require"
ESCAPES = "in a password write @ as %40, : as %3A, / as %2F and ? as %3F"


@dataclass(frozen=True, slots=True)
class Address:
    """A database to connect to; `place` names it in messages, without its password."""

    place: str
    parameters: Mapping[str, str] = field(repr=False)
    password: Callable[[], str] | None = field(default=None, repr=False)

    def conninfo(self) -> str:
        """What libpq needs to connect now; raises `SettingsError` when the password's file cannot be read."""
        fresh = {"password": self.password()} if self.password else {}
        return make_conninfo("", **{**DEFAULTS, **self.parameters, **fresh})


def address(url: str, password: Callable[[], str] | None = None) -> Address:
    """Read a URL; `password_file=PATH` in its query names a file that is read at each connect, as `password` is called.

    Raises `SettingsError` for a URL with a typo.
    """
    bare, file = _without_password_file(url)
    if "\0" in url or _ambiguous(bare):
        raise SettingsError(f"{redacted(url)}: it is unclear where the password ends", ESCAPES)
    try:
        parsed = conninfo_to_dict(bare)
    except psycopg.Error as error:
        raise SettingsError(f"{redacted(url)} is no PostgreSQL URL{_wrong_name(error)}", USUAL) from None
    parameters = {key: str(value) for key, value in parsed.items() if value is not None}
    return Address(_place(parameters), parameters, password or (partial(_read, file) if file else None))


def _without_password_file(url: str) -> tuple[str, Path | None]:
    found = PASSWORD_FILE.search(url)
    if not found:
        return url, None
    rest = url[: found.start()] + url[found.end() :]
    return rest.rstrip("?&"), Path(unquote(found[1]))


def _ambiguous(url: str) -> bool:
    """Whether libpq may take a part of the password for host, port or database, and name it in an error."""
    _, scheme, rest = url.partition("://")
    authority = re.split("[/?]", rest, maxsplit=1)[0]
    return bool(scheme) and "@" in rest and (rest.count("@") > 1 or "@" not in authority)


def _wrong_name(error: psycopg.Error) -> str:
    found = WRONG_NAME.match(str(error).strip())
    return f": it has a parameter {found[1] or found[2]!r}, which libpq does not know" if found else ""


def _place(parameters: Mapping[str, str]) -> str:
    user = parameters.get("user")
    host = parameters.get("host") or parameters.get("hostaddr") or "localhost"
    account = f"{user}@" if user else ""
    return f"{account}{host}:{parameters.get('port', '5432')}/{parameters.get('dbname', user or '')}"


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise SettingsError(f"{file}: the password file cannot be read: {reason}", "check password_file") from error
