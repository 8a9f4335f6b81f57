"""Valkey or Redis as a child process."""

from __future__ import annotations

import secrets
import signal
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from geoid.errors import UnavailableError
from geoid.stack.accounts import own_file, own_folder
from geoid.stack.certificates import Tls
from geoid.stack.loopback import HOST
from geoid.stack.programs import Program, cache_program
from geoid.stack.servers import NotReadyError, Server

if TYPE_CHECKING:
    import redis

ADMIN = "geoid_admin"
LAST_SLOT = 16_383
"""A cluster's keys are spread over slots 0 to 16383 (Redis cluster specification)."""


@dataclass(frozen=True)
class CacheOptions:
    """How a cache server runs.

    With `tls` it speaks nothing else. With `cluster` it is one node that owns all slots; `announced_port` is what it
    tells clients instead of its own port, such as a proxy's. `users` are lines of an access list, each `NAME RULES`;
    where there are any, nobody else may do anything; without them, `password` is everybody's. `memory` is in bytes:
    beyond it, keys with a time to live go, the least recently used first.
    """

    tls: Tls | None = None
    cluster: bool = False
    announced_port: int = 0
    users: Sequence[str] = ()
    password: str = field(default="", repr=False)
    memory: int = 0


class CacheServer(Server):
    """Valkey or Redis on loopback, without persistence."""

    name = "the cache server"
    stops = ((signal.SIGTERM, 5.0),)

    def __init__(
        self,
        state: Path,
        options: CacheOptions = CacheOptions(),
        *,
        program: Program | None = None,
        port: int = 0,
        lingering: bool = False,
    ) -> None:
        super().__init__(state, program or cache_program(tls=options.tls is not None), port=port, lingering=lingering)
        self.options = options

    def url(self, user: str = "", password: str = "", *, host: str = HOST, port: int = 0) -> str:
        """The URL for a client; `?cluster=true` where it speaks the cluster's protocol. `port` is that of a proxy."""
        word = password or ("" if user else self.options.password)
        login = f"{quote(user, safe='')}:{quote(word, safe='')}@" if word else ""
        query = {"cluster": "true"} if self.options.cluster else {}
        if self.options.tls:
            query["ssl_ca_certs"] = str(self.options.tls.authority)
        scheme = "rediss" if self.options.tls else "redis"
        return f"{scheme}://{login}{host}:{port or self.port}" + (f"?{urlencode(query)}" if query else "")

    def command(self, *words: str | int) -> object:
        """The answer to a command that an administrator gives."""
        client = self._client()
        try:
            return client.execute_command(*words)  # type: ignore[no-untyped-call]
        finally:
            client.close()

    def _client(self) -> redis.Redis:
        import redis
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        return redis.Redis(
            HOST,
            self.port,
            username=ADMIN if self.options.users else None,
            password=self._admin_password if self.options.users else self.options.password or None,
            ssl=self.options.tls is not None,
            ssl_ca_certs=str(self.options.tls.authority) if self.options.tls else None,
            socket_timeout=2,
            retry=Retry(NoBackoff(), 0),
            decode_responses=True,
            protocol=2,
        )

    @property
    def _admin_password(self) -> str:
        return (self.state / "password").read_text(encoding="ascii")

    def _settings(self) -> Sequence[str]:
        options = self.options
        lines = [f"bind {HOST}", "protected-mode no", "daemonize no", 'save ""', "appendonly no"]
        if options.memory:
            lines += [f"maxmemory {options.memory}", "maxmemory-policy volatile-lru"]
        if options.password:
            lines.append(f"requirepass {options.password}")
        if options.users:
            lines.append("aclfile users.acl")
        if options.tls:
            lines += ["tls-cert-file server.crt", "tls-key-file server.key", "tls-ca-cert-file authority.crt"]
            lines += ["tls-auth-clients no", "tls-cluster yes"]
        if options.cluster:
            lines += ["cluster-enabled yes", "cluster-config-file nodes.conf"]
        if options.announced_port:
            announced = "cluster-announce-tls-port" if options.tls else "cluster-announce-port"
            lines.append(f"{announced} {options.announced_port}")
        return [*lines, *(f"# user {line}" for line in options.users)]

    def _prepare(self) -> None:
        if self.options.users and self.options.password:
            raise UnavailableError("a cache server has users or a password, not both", "give the password to a user")
        own_folder(self.state / "data", self.account)
        if self.options.tls:
            self.options.tls.within(self.state / "data", self.account)
        if self.options.users:
            word = secrets.token_urlsafe(24)
            own_file(self.state / "password", word, self.account)
            lines = (f"{ADMIN} on >{word} ~* &* +@all", "default off", *self.options.users)
            own_file(self.state / "data" / "users.acl", "".join(f"user {line}\n" for line in lines), self.account)

    def _command(self) -> Sequence[str | Path]:
        listen = ["port 0", f"tls-port {self.port}"] if self.options.tls else [f"port {self.port}"]
        lines = [f"dir {self.state / 'data'}", *listen, *self._settings()]
        return [self.program.path, own_file(self.state / "server.conf", "\n".join(lines) + "\n", self.account)]

    def _check(self, pid: int) -> None:
        import redis

        try:
            told = self.command("INFO", "server")
            if self.options.cluster:
                self._claim_slots()
        except (redis.ConnectionError, redis.TimeoutError, redis.ResponseError) as error:
            raise NotReadyError from error
        assert isinstance(told, dict)
        if told.get("process_id") != pid:
            raise NotReadyError

    def _claim_slots(self) -> None:
        """Own all slots, and wait until the cluster of one says it is well."""
        state = str(self.command("CLUSTER", "INFO"))
        if "cluster_slots_assigned:0" in state:
            self.command("CLUSTER", "ADDSLOTSRANGE", 0, LAST_SLOT)
        if "cluster_state:ok" not in state:
            raise NotReadyError
