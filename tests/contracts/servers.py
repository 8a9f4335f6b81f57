"""Real servers for the tests: each worker starts what its tests ask for, once, and leaves nothing behind.

Whatever programs the machine has take part, the system's and the wheels': the names of tests say which.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest
import trustme

from geoid.stack.accounts import account, reachable
from geoid.stack.cache import CacheOptions, CacheServer
from geoid.stack.certificates import Tls
from geoid.stack.children import Child
from geoid.stack.elasticache import RULES
from geoid.stack.owners import Owner, process, read_owner
from geoid.stack.postgres import PostgresOptions, PostgresServer
from geoid.stack.programs import cache_programs, postgres_programs
from geoid.stack.servers import destroy

PREFIX = "geoid-servers-"
TOKEN_USER = "geoid-app"
MEMORY = 100 << 20

postgres_found = cache(postgres_programs)
caches_found = cache(cache_programs)


class Authority(NamedTuple):
    """An authority whose certificate a server has, and one that clients should not believe."""

    tls: Tls
    other: Tls


class StrictCache(NamedTuple):
    """A cache as ElastiCache Serverless would be, and who may use it."""

    server: CacheServer
    user: str
    token: str

    def url(self, token: str = "", *, port: int = 0) -> str:
        return self.server.url(self.user, token or self.token, port=port)

    def renew(self, token: str) -> None:
        """From now on, only this token is good for new connections."""
        self.server.command("ACL", "SETUSER", self.user, "resetpass", f">{token}")


def pytest_report_header() -> str:
    found = [*postgres_found(), *caches_found()]
    told = [f"{one.kind} {one.version} ({one.origin}{', TLS' if one.tls else ''})" for one in found]
    return f"servers: {', '.join(told) or 'none'}"


def pytest_generate_tests(metafunc) -> None:
    """Each test that asks for a server runs on each program that can be it."""
    can_tls = [one for one in caches_found() if one.tls] if _asks(metafunc, "redis_tls", "redis_strict") else []
    for name, programs in (
        ("postgres", postgres_found() if _asks(metafunc, "postgres") else []),
        ("postgres_tls", [one for one in postgres_found() if one.tls] if _asks(metafunc, "postgres_tls") else []),
        ("redis", caches_found() if _asks(metafunc, "redis") else []),
        ("redis_tls", can_tls),
        ("redis_strict", can_tls),
    ):
        if _asks(metafunc, name):
            chosen = [pytest.param(one, id=one.label) for one in programs]
            missing = pytest.param(None, id="none", marks=pytest.mark.skip(reason=f"no program for {name} here"))
            metafunc.parametrize(name, chosen or [missing], indirect=True, scope="session")


def _asks(metafunc, *names: str) -> bool:
    return any(name in metafunc.fixturenames for name in names)


@pytest.fixture(name="servers_folder", scope="session")
def _servers_folder():
    """A folder that the servers' user may enter, which pytest's own are not; gone afterwards."""
    usable = [Path(one) for one in (tempfile.gettempdir(), "/tmp", "/var/tmp") if reachable(Path(one), account())]
    sweep(usable[0])
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=usable[0]))
    folder.chmod(0o755)
    me = process(os.getpid())
    Owner(me, me, lingering=False, port=0, setup="tests").write(folder / "tests.json")
    yield folder
    shutil.rmtree(folder)


def sweep(where: Path) -> None:
    """Remove what tests left that were themselves killed."""
    for folder in where.glob(f"{PREFIX}*"):
        owner = read_owner(folder / "tests.json")
        if owner and not owner.server.alive():
            for state in folder.glob("*/owner.json"):
                _end(read_owner(state))
            shutil.rmtree(folder, ignore_errors=True)


def _end(owner: Owner | None) -> None:
    if owner:
        destroy(Child(owner.server))


@pytest.fixture(name="authority", scope="session")
def _authority(servers_folder) -> Authority:
    """Certificates for localhost and 127.0.0.1, of the right authority and of a wrong one."""
    return Authority(_issued(servers_folder / "right"), _issued(servers_folder / "wrong"))


def _issued(folder: Path) -> Tls:
    folder.mkdir()
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost", "127.0.0.1")
    tls = Tls(folder / "server.crt", folder / "server.key", folder / "authority.crt")
    certificate.cert_chain_pems[0].write_to_path(tls.certificate)
    certificate.private_key_pem.write_to_path(tls.key)
    authority.cert_pem.write_to_path(tls.authority)
    return tls


@pytest.fixture(name="postgres", scope="session")
def _postgres(request, servers_folder):
    """PostgreSQL, without fsync."""
    state = servers_folder / request.param.label
    with PostgresServer(state, PostgresOptions(fsync=False), program=request.param) as server:
        yield server


@pytest.fixture(name="postgres_tls", scope="session")
def _postgres_tls(request, servers_folder, authority):
    """PostgreSQL that accepts nothing but TLS."""
    options = PostgresOptions(fsync=False, tls=authority.tls, strict=True)
    with PostgresServer(servers_folder / f"{request.param.label}-tls", options, program=request.param) as server:
        yield server


@pytest.fixture(name="database")
def _database(postgres):
    """The URL of a fresh, empty database; gone afterwards, whoever is still connected."""
    import psycopg

    name = f"t_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE template0")
    yield postgres.url(name)
    postgres.resume()
    postgres.start()
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(name="redis", scope="session")
def _redis(request, servers_folder):
    """Valkey or Redis, plain."""
    with CacheServer(servers_folder / request.param.label, program=request.param) as server:
        yield server


@pytest.fixture(name="redis_url")
def _redis_url(redis):
    """The URL of a plain cache that is empty."""
    redis.resume()
    redis.start()
    redis.command("FLUSHALL")
    return redis.url()


@pytest.fixture(name="redis_tls", scope="session")
def _redis_tls(request, servers_folder, authority):
    """Valkey or Redis with TLS, with a password and without the cluster protocol."""
    options = CacheOptions(tls=authority.tls, password=uuid.uuid4().hex)
    with CacheServer(servers_folder / f"{request.param.label}-tls", options, program=request.param) as server:
        yield server


@pytest.fixture(name="redis_strict", scope="session")
def _redis_strict(request, servers_folder, authority):
    """Valkey or Redis as ElastiCache Serverless would be: TLS, cluster protocol, its commands, a token."""
    token = uuid.uuid4().hex
    users = (f"{TOKEN_USER} on >{token} ~* &* {RULES}",)
    options = CacheOptions(tls=authority.tls, cluster=True, users=users, memory=MEMORY)
    with CacheServer(servers_folder / f"{request.param.label}-strict", options, program=request.param) as server:
        yield StrictCache(server, TOKEN_USER, token)
