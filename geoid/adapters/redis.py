"""Redis and Valkey as cache, one server or a cluster: one round trip per request, and never a long wait."""

from __future__ import annotations

import re
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import redis
from redis.connection import parse_url
from redis.credentials import CredentialProvider
from redis.exceptions import AskError, AuthorizationError, NoPermissionError

from geoid.adapters.redis_servers import FAULTS, Access, Asked, Cluster, Command, Server
from geoid.core.text import printable, redacted
from geoid.errors import GeoidError, SettingsError, UnavailableError

OPTIONS = {"cluster", "db", "password_file"}
TLS_OPTIONS = {
    "ssl_ca_certs", "ssl_ca_path", "ssl_cert_reqs", "ssl_certfile", "ssl_check_hostname", "ssl_keyfile",
}  # fmt: skip
"""The options of a URL; those of TLS are spelled as in redis-py."""

VERIFIED = {"required": ssl.CERT_REQUIRED, "optional": ssl.CERT_OPTIONAL, "none": ssl.CERT_NONE}
TRUTH = {"true": True, "false": False}

FORM = "write rediss://USER@HOST:PORT/0?cluster=true&password_file=PATH; the user's name and a password percent-encoded"
TRUST = "ssl_ca_certs=PATH in the URL names the certificates to trust, ssl_certfile and ssl_keyfile our own"
TOLD = 200
"""How many characters of a server's words an error repeats."""


class RedisCache:
    """A `FeatureCache` on a Redis or Valkey server, or on a cluster of them; connects when first used.

    `url` is redis://, or rediss:// for TLS (valkey:// and valkeys:// are the same), with the options above. `timeout`
    is that of a request, in seconds. The password is read for each new connection, so it may change: from `password`,
    else from the file, else from the URL.
    """

    def __init__(self, url: str, timeout: float = 0.1, password: Callable[[], str] | None = None) -> None:
        options = _options(url)
        host, port = options["host"], options.get("port", 6379)
        user = options.get("username", "")
        self._where = f"cache {user}@{host}:{port}" if user else f"cache {host}:{port}"
        self._timeout = timeout
        access = Access(timeout, options.get("db", 0), _credentials(options, password), _tls(options))
        self._servers: Asked = (Cluster if options["cluster"] else Server)(host, port, access)

    def get(self, keys: Sequence[str]) -> Mapping[str, bytes]:
        """The values of those keys that are there; one that is no string of bytes is not."""
        if not keys:
            return {}
        (values,) = self._ask(keys[0], [("MGET", *keys)])
        if not isinstance(values, list) or len(values) != len(keys):
            raise UnavailableError(f"{self._where}: that was no answer to MGET", "is it a Redis or Valkey server?")
        return {key: value for key, value in zip(keys, values, strict=True) if isinstance(value, bytes)}

    def put(self, values: Mapping[str, bytes], ttl: float) -> None:
        """Keep values for at most `ttl` seconds."""
        if values:
            for_ms = _milliseconds(ttl)
            self._ask(next(iter(values)), [("SET", key, value, "PX", for_ms) for key, value in values.items()])

    def lock(self, key: str, ttl: float) -> bool:
        """Whether nobody held this lock; false too when the answer that it is ours was lost with its connection."""
        (answer,) = self._ask(key, [("SET", key, b"1", "NX", "PX", _milliseconds(ttl))])
        return answer is not None

    def _ask(self, key: str, commands: Sequence[Command]) -> list[Any]:
        try:
            return self._servers.ask(key, commands, time.monotonic() + self._timeout)
        except FAULTS as error:
            raise self._told(error) from error

    def _told(self, error: Exception) -> GeoidError:
        """What a fault of redis-py means."""
        refusal = _refusal(error)
        if refusal:
            return SettingsError(f"{self._where}: {refusal}", _hint(error))
        if isinstance(error, redis.TimeoutError):
            what = f"{self._where}: no answer within {self._timeout:g} s: {_words(error)}"
            return UnavailableError(
                what, "is it there, not overloaded, and does it speak TLS where the URL says rediss://?"
            )
        return UnavailableError(f"{self._where}: {_words(error)}", _hint(error))


def _milliseconds(ttl: float) -> int:
    return max(1, round(ttl * 1000))


def _words(error: Exception) -> str:
    if isinstance(error, AskError):  # or MovedError
        return f"slot {error.slot_id} is at {printable(error.host)}:{error.port}"
    cause = error.__context__
    if isinstance(error, redis.ConnectionError) and isinstance(cause, OSError) and cause.strerror:
        return printable(cause.strerror).lower()[:TOLD]
    return printable(str(error))[:TOLD] or type(error).__name__


def _refusal(error: Exception) -> str:
    """Why the cache will not answer as things are set, or nothing if it may yet."""
    if isinstance(error, NoPermissionError):
        return f"the user may not do what geoid needs: {_words(error)}"
    if isinstance(error, (redis.AuthenticationError, AuthorizationError)):
        return f"user or password refused: {_words(error)}"
    cause = error.__context__
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"its certificate does not hold: {cause.verify_message}"
    reason = (cause.reason or "") if isinstance(cause, ssl.SSLError) else ""
    if "WRONG_VERSION" in reason:
        return "it does not speak TLS"
    if "CERT" in reason or "UNKNOWN_CA" in reason:
        return f"it does not accept our certificate: {reason.lower().replace('_', ' ')}"
    return ""


def _hint(error: Exception) -> str:
    if isinstance(error, AskError):
        return "a cluster of several servers needs cluster=true in the URL; one that has it is moving slots"
    if isinstance(error.__context__, ssl.SSLError):
        return TRUST
    if isinstance(error, redis.InvalidResponse):
        return "is it a Redis or Valkey server, and without TLS?"
    if _refusal(error):
        return "see the user's password, and its rights to GET, MGET, SET and CLUSTER SLOTS"
    return "is it running, are host and port right, and does it want TLS (rediss://)?"


def _options(url: str) -> dict[str, Any]:
    """What a URL says; raises `SettingsError`, whose words never repeat its password."""
    form = re.match(r"(?:redis|valkey)(s?)://[^/?#]+(/[0-9]*)?(\?[^#]*)?$", url)
    if form is None or "@" in (form[3] or ""):
        raise SettingsError(f"{redacted(url)!r} is no URL of a Redis cache", FORM)
    try:
        options: dict[str, Any] = parse_url(re.sub(r"^valkey", "redis", url))  # type: ignore[no-untyped-call]
        options["cluster"] = TRUTH[options.get("cluster", "false")]
    except (ValueError, KeyError):
        raise SettingsError(f"{redacted(url)!r} is no URL of a Redis cache", FORM) from None
    known = OPTIONS | TLS_OPTIONS if form[1] else OPTIONS
    return _checked(options, known)


def _checked(options: dict[str, Any], known: set[str]) -> dict[str, Any]:
    said = options.keys() - {"host", "port", "username", "password", "connection_class"}
    if said - known:
        names = ", ".join(sorted(known))
        raise SettingsError(
            f"the cache's URL has unknown options: {', '.join(sorted(said - known))}", f"known: {names}"
        )
    if "host" not in options:
        raise SettingsError("the cache's URL names no host", FORM)
    if options["cluster"] and options.get("db"):
        raise SettingsError("a cluster has no database but 0", FORM)
    return options


class _Credentials(CredentialProvider):
    """Whatever the password is when a connection is made."""

    def __init__(self, user: str, password: Callable[[], str]) -> None:
        self._user = user
        self._password = password

    def get_credentials(self) -> tuple[str] | tuple[str, str]:
        """As AUTH wants them."""
        password = self._password()
        return (self._user, password) if self._user else (password,)


def _credentials(options: Mapping[str, Any], password: Callable[[], str] | None) -> CredentialProvider | None:
    user, written = options.get("username", ""), options.get("password", "")
    file = options.get("password_file")
    if password is None and file is not None:
        password = _File(file)
    if password is not None:
        return _Credentials(user, password)
    return _Credentials(user, lambda: written) if user or written else None


class _File:
    """A file that holds a password."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)

    def __call__(self) -> str:
        try:
            return self._path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            what = f"{self._path}: the cache's password cannot be read"
            raise SettingsError(what, "is password_file in the cache's URL right?") from error


def _tls(options: Mapping[str, Any]) -> ssl.SSLContext | None:
    """TLS as a URL's options want it; certificates are read once."""
    if "connection_class" not in options:
        return None
    try:
        context = ssl.create_default_context(cafile=options.get("ssl_ca_certs"), capath=options.get("ssl_ca_path"))
        if "ssl_certfile" in options:
            context.load_cert_chain(options["ssl_certfile"], options.get("ssl_keyfile"))
        mode = VERIFIED[options.get("ssl_cert_reqs", "required")]
    except (OSError, KeyError) as error:
        raise SettingsError(f"the cache's certificates are not as its URL says: {error}", TRUST) from error
    context.check_hostname = mode != ssl.CERT_NONE and options.get("ssl_check_hostname") is not False
    context.verify_mode = mode
    return context
