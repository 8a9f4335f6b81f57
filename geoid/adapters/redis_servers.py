"""Servers that speak the Redis protocol: their connections, and which server of a cluster to ask.

Requests travel on redis-py's connections, but not through its clients: those repeat a failed command up to ten times
with pauses, a cluster's client sleeps and asks for the whole topology before it lets an error out, and each request
costs them a third more time.
"""

# mypy: allow-untyped-calls
# (redis-py's connections have no types)

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import redis
from redis.cluster import parse_cluster_slots
from redis.connection import Connection
from redis.crc import key_slot
from redis.credentials import CredentialProvider
from redis.exceptions import ClusterDownError, MovedError, RedisError, ResponseError

CONNECTIONS = 64
"""Most connections to one server; who asks when all are busy waits for one, within the time of the request."""

FRESH = 0.5
"""Seconds since its last answer for which a connection is taken to be as it was: to look costs three system calls, and
one that was closed meanwhile is noticed when it is used."""

NEARLY = 0.95
"""The share of a connection's own time-out from which that will do: to set another takes two system calls."""

LOOK = 0.001
"""Seconds between looks for a connection while all are busy."""

FAULTS = (RedisError, OSError, ValueError, OverflowError, RecursionError)
"""What redis-py raises; the last three when an answer is not of the protocol."""

Command = tuple[str | bytes | int, ...]


class Access(NamedTuple):
    """How to connect: to which database, as whom, over TLS if there is a context; `timeout` (seconds) of each step."""

    timeout: float
    database: int = 0
    credentials: CredentialProvider | None = None
    tls: ssl.SSLContext | None = None


class Asked(Protocol):
    """A server, or all those of a cluster."""

    def ask(self, key: str, commands: Sequence[Command], until: float) -> list[Any]:
        """The answers to commands on keys of this key's slot, in one round trip; raises `FAULTS`."""


class Line(NamedTuple):
    """A connection that nobody uses, and when it was used last (`time.monotonic`)."""

    connection: Connection
    used: float


class Server:
    """One server; its connections are made when needed, and used by one thread at a time.

    A request ends at `until` (`time.monotonic`), but for: the steps of a new connection (each address of the host, TLS,
    password) have a whole time-out each; an answer that comes in pieces is read while they keep coming; looking the
    host's name up takes what the system takes.
    """

    def __init__(self, host: str, port: int, access: Access) -> None:
        self.host = host
        self._port = port
        self._access = access
        self._idle: deque[Line] = deque()
        self._count = 0
        self._counting = threading.Lock()

    def ask(self, key: str, commands: Sequence[Command], until: float) -> list[Any]:  # noqa: ARG002
        """The answers to commands, in one round trip; the first that is an error is raised."""
        answers = self._answers(commands, until)
        for answer in answers:
            if isinstance(answer, ResponseError):
                raise answer
        return answers

    def _answers(self, commands: Sequence[Command], until: float) -> list[Any]:
        connection, used_at = self._line(until)
        try:
            used = _connected(connection, until, trusted=time.monotonic() - used_at < FRESH)
            try:
                return _exchanged(connection, commands, until)
            except redis.ConnectionError:
                if not used:
                    raise
            # whoever closed it did so unseen: a reset, a balancer, a token that ran out
            _connected(connection, until, trusted=False)
            return _exchanged(connection, commands, until)
        finally:
            self._idle.append(Line(connection, time.monotonic()))

    def _line(self, until: float) -> Line:
        """A connection that nobody uses, or a new one; if there are enough, one that somebody gives back in time."""
        while True:
            try:
                line = self._idle.pop()
            except IndexError:
                if self._may_grow():
                    return Line(self._made(), 0.0)
            else:
                own = line.connection.pid == os.getpid()  # else the parent goes on using that socket
                return line if own else Line(self._made(), 0.0)
            if time.monotonic() >= until:
                raise redis.TimeoutError(f"all {CONNECTIONS} connections are busy")
            time.sleep(LOOK)

    def _may_grow(self) -> bool:
        with self._counting:
            grows = self._count < CONNECTIONS
            self._count += grows
        return grows

    def _made(self) -> Connection:
        access = self._access
        kind = Connection if access.tls is None else _TlsConnection
        connection = kind(
            host=self.host,
            port=self._port,
            db=access.database,
            credential_provider=access.credentials,
            socket_timeout=access.timeout,
            socket_connect_timeout=access.timeout,
            protocol=2,  # needs no HELLO
            driver_info=None,  # nor CLIENT SETINFO
        )
        if isinstance(connection, _TlsConnection):
            connection.context = access.tls
        return connection


class _TlsConnection(Connection):
    """A connection over TLS; redis-py's own reads the system's certificates anew (20 ms) for each."""

    context: ssl.SSLContext | None = None

    def _connect(self) -> socket.socket:
        assert self.context is not None
        plain = super()._connect()
        try:
            return self.context.wrap_socket(plain, server_hostname=self.host)
        except BaseException:
            plain.close()
            raise


def _connected(connection: Connection, until: float, *, trusted: bool) -> bool:
    """See to a connection with nothing in it, or one that is `trusted`; whether it was there already.

    One that took too long is kept: the next request will be in time.
    """
    if connection.is_connected:
        if trusted or _quiet(connection):
            return True
        connection.disconnect()
    try:
        connection.connect()
    except BaseException:
        connection.disconnect()  # it may be open, but without a password
        raise
    _left(until)
    return False


def _quiet(connection: Connection) -> bool:
    """Whether a connection is open and holds no answer that nobody asked for."""
    try:
        return not connection.can_read(0)
    except RedisError:
        return False


def _exchanged(connection: Connection, commands: Sequence[Command], until: float) -> list[Any]:
    """Send commands and read their answers, errors among them; if anything else happens, an answer might come late."""
    try:
        connection.send_packed_command(connection.pack_commands(commands), check_health=False)
        return [_answer(connection, until) for _ in commands]
    except BaseException:
        connection.disconnect()
        raise


def _answer(connection: Connection, until: float) -> Any:
    left = _left(until)
    try:
        if left > NEARLY * (connection.socket_timeout or 0.0):
            return connection.read_response()
        return connection.read_response(timeout=left)
    except ResponseError as error:
        return error


def _left(until: float) -> float:
    left = until - time.monotonic()
    if left <= 0:
        raise redis.TimeoutError("no time is left")
    return left


class Cluster:
    """The servers of a cluster: each request goes to the one that has the key's slot.

    Any server is asked first: what it does not have it says where to find. Only then is the topology asked for, so
    that an endpoint that has all slots (ElastiCache Serverless) is never asked for it.
    """

    def __init__(self, host: str, port: int, access: Access) -> None:
        self._access = access
        self._any = Server(host, port, access)
        self._servers = {(host, port): self._any}
        self._owners: Mapping[int, Server] = {}
        self._learning = threading.Lock()

    def ask(self, key: str, commands: Sequence[Command], until: float) -> list[Any]:
        """The answers to commands, in one round trip; in three when slots have moved."""
        owners = self._owners
        server = owners.get(key_slot(key.encode()), self._any)
        try:
            return server.ask(key, commands, until)
        except MovedError as moved:
            owner = self._server(moved.host or server.host, moved.port)
        except (redis.ConnectionError, redis.TimeoutError, ClusterDownError):
            self._distrust(server)
            raise
        answers = owner.ask(key, commands, until)
        self._learn(owners, owner, until)
        return answers

    def _server(self, host: str, port: int) -> Server:
        known = self._servers.get((host, port))
        return known or self._servers.setdefault((host, port), Server(host, port, self._access))

    def _learn(self, known: Mapping[int, Server], server: Server, until: float) -> None:
        """Ask who has which slot, unless that is known by now or being asked; without an answer, later."""
        if self._owners is not known or not self._learning.acquire(blocking=False):
            return
        with contextlib.suppress(*FAULTS, LookupError, TypeError, AttributeError):
            (ranges,) = server.ask("", [("CLUSTER", "SLOTS")], until)
            owners = parse_cluster_slots(ranges, current_host=server.host)
            self._owners = {
                slot: owner
                for (first, last), found in owners.items()
                for owner in [self._server(*found["primary"])]
                for slot in range(first, last + 1)
            }
        self._learning.release()

    def _distrust(self, server: Server) -> None:
        """Forget the topology, and ask another server first."""
        self._owners = {}
        if server is self._any:
            servers = list(self._servers.values())
            self._any = servers[(servers.index(server) + 1) % len(servers)]
