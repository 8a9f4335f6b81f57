"""What a lookup costs on real servers: fetching a place's four cells against the bare question to the same server.

Usage: python lookup.py. Both sides take turns in one run, each first in every other round, because on a shared machine
two halves of a second differ more than the two sides; shown are the median of the rounds' ratios and their range. The
bare sides are redis-py's MGET on one connection and psycopg's prepared SELECT on one connection. Ours includes what a
value needs besides: finding that the process does not have it, that nobody else is asking, checking and decoding it.

Lookups come one at a time: before each question, of either side, the process computes for a moment, as between two
photos, and the server falls asleep. The figures without that pause are shown too: there the bare side, which does
nothing in between, always finds the server awake.
"""

from __future__ import annotations

import itertools
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import h3
import psycopg
import redis
import trustme

from geoid import open_settings, packaged, wiring
from geoid.adapters.memory import MemoryCache
from geoid.adapters.postgres_releases import PostgresReleases
from geoid.adapters.postgres_schema import table_name
from geoid.adapters.sqlite import AreaPack
from geoid.core.areas import Areas, Behind, Limits, open_areas
from geoid.core.features import decode
from geoid.core.places import cells_around
from geoid.core.releases import cache_keys
from geoid.core.values import Capture, Coordinates, Location, Source
from geoid.stack.accounts import account, reachable
from geoid.stack.cache import CacheOptions, CacheServer
from geoid.stack.certificates import Tls
from geoid.stack.elasticache import RULES
from geoid.stack.postgres import PostgresOptions, PostgresServer
from geoid.stack.programs import cache_programs
from geoid.stack.proxy import ProcessProxy

SEED, PLACES, ROUNDS = 7, 300, 11
PAUSE = 0.0003
"""Seconds between two questions."""

NOTHING_KEPT = 1
"""Bytes of a cache of the process that holds no value."""

PATIENT = Limits(deadline=30.0, cache_timeout=5.0)
"""The time a lookup may take here: what is measured is not how it gives up."""

TOKEN = "a-token-of-the-bench"
GOAL_TOLD = "goal: at most 1.3 x"

Work = Callable[[Sequence[str]], object]


@dataclass(frozen=True)
class Ratio:
    """Medians of both sides in microseconds, and the ratios of the rounds."""

    what: str
    ours: float
    bare: float
    rounds: Sequence[float]

    def __str__(self) -> str:
        spread = f"{statistics.median(self.rounds):.2f} x ({min(self.rounds):.2f} to {max(self.rounds):.2f})"
        return f"{self.what:<36} {self.ours:7.1f} us against {self.bare:7.1f} us: {spread}"


def places(pack: AreaPack) -> list[tuple[str, ...]]:
    """The four cells around random cells that hold data."""
    found = [f"{cell:x}" for cell, _ in pack.rows("cells")]
    some = random.Random(SEED).sample(found, PLACES)
    return [tuple(cells_around(Coordinates(*h3.cell_to_latlng(cell)))) for cell in some]


def median_us(work: Work, cells: Sequence[Sequence[str]], pause: float) -> float:
    """The median time in microseconds."""
    spent = []
    for one in cells:
        until = time.perf_counter() + pause
        while time.perf_counter() < until:
            pass
        start = time.perf_counter()
        work(one)
        spent.append(time.perf_counter() - start)
    return statistics.median(spent) * 1e6


def compared(what: str, ours: Work, bare: Work, cells: Sequence[Sequence[str]], pause: float = PAUSE) -> Ratio:
    """Both sides in turn."""
    sides = (ours, bare)
    for work in sides:
        median_us(work, cells, 0)
    found = []
    for number in range(ROUNDS):
        first = number % 2
        spent = {side: median_us(sides[side], cells, pause) for side in (first, 1 - first)}
        found.append((spent[0], spent[1]))
    owns, others = zip(*found, strict=True)
    return Ratio(what, statistics.median(owns), statistics.median(others), [own / other for own, other in found])


def fetching(areas: Areas) -> Work:
    """The part of a lookup that ends with decoded features, as `Areas.look_up` does it."""
    areas._found(cells_around(Coordinates(0, 0)), areas._attempt())
    return lambda cells: areas._found(cells, areas._attempt())


def opened(store: str, cache: str, kept: int = NOTHING_KEPT) -> Areas:
    """Area data whose own cache holds as many bytes."""
    settings = open_settings(
        {"areas.store": store, "cache.url": cache, "cache.timeout": PATIENT.cache_timeout}
    ).settings
    behind = wiring.open_store(settings)
    keys = wiring.open_species(open_settings().settings).known.keys
    return open_areas(Behind(behind, behind, MemoryCache(kept), wiring.open_cache(settings)), keys, PATIENT)


def bare_select(url: str, digest: str) -> Work:
    """A prepared SELECT by psycopg: one connection, one cursor, binary, no transaction."""
    cursor = psycopg.connect(url, autocommit=True).cursor(binary=True)
    query = f"SELECT cell, bytes FROM geoid.{table_name('cells', digest)} WHERE cell = ANY(%s)"

    def select(cells: Sequence[str]) -> object:
        return cursor.execute(query, ([int(cell, 16) for cell in cells],), prepare=True).fetchall()

    return select


def bare_mget(url: str, keys: dict[Sequence[str], list[str]]) -> Work:
    """MGET by redis-py: one client with one connection."""
    client = redis.Redis.from_url(url, single_connection_client=True)
    return lambda cells: client.mget(keys[cells])


def counted(what: str, work: Work, cells: Sequence[Sequence[str]], *proxies: ProcessProxy) -> str:
    """How many requests a lookup sends, by the chunks that pass the proxies."""
    before = [proxy.counts().chunks_up for proxy in proxies]
    for one in cells:
        work(one)
    sent = [(proxy.counts().chunks_up - count) / len(cells) for proxy, count in zip(proxies, before, strict=True)]
    return f"requests a lookup, {what}: {sent[0]:.2f} to the cache, {sent[1]:.2f} to PostgreSQL"


@contextmanager
def servers() -> Iterator[tuple[PostgresServer, CacheServer, CacheServer | None]]:
    """PostgreSQL, a plain cache and, where one can, one with TLS and the cluster protocol."""
    with ExitStack() as stack:
        where = next(one for one in (tempfile.gettempdir(), "/var/tmp") if reachable(Path(one), account()))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="geoid-bench-", dir=where)))
        folder.chmod(0o755)
        postgres = stack.enter_context(PostgresServer(folder / "postgres", PostgresOptions(fsync=False)))
        cache = stack.enter_context(CacheServer(folder / "cache"))
        strict = None
        if cache_programs(tls=True):
            users = (f"geoid-app on >{TOKEN} ~* &* {RULES}",)
            options = CacheOptions(tls=certificates(folder), cluster=True, users=users)
            strict = stack.enter_context(CacheServer(folder / "strict", options))
        yield postgres, cache, strict


def certificates(folder: Path) -> Tls:
    """A certificate for loopback and its authority's."""
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost", "127.0.0.1")
    tls = Tls(folder / "server.crt", folder / "server.key", folder / "authority.crt")
    certificate.cert_chain_pems[0].write_to_path(tls.certificate)
    certificate.private_key_pem.write_to_path(tls.key)
    authority.cert_pem.write_to_path(tls.authority)
    return tls


def ratios(postgres: PostgresServer, cache: CacheServer, cells: Sequence[tuple[str, ...]]) -> None:
    """Print what section 18 of the design sets goals for, and the same without a pause."""
    shared, alone = opened(postgres.url(), cache.url()), opened(postgres.url(), "memory:")
    release = shared.release()
    keys = {one: list(cache_keys(release, one)) for one in cells}
    hit = (fetching(shared), bare_mget(cache.url(), keys))
    database = (fetching(alone), bare_select(postgres.url(), release.digest))
    print(f"{compared('lookup, Redis hit: bare MGET', *hit, cells)}, {GOAL_TOLD}")
    print(f"{compared('lookup, database: bare SELECT', *database, cells)}, {GOAL_TOLD}")
    print(compared("without a pause, Redis hit", *hit, cells, pause=0))
    print(compared("without a pause, database", *database, cells, pause=0))


def informative(postgres: PostgresServer, strict: CacheServer | None, cells: Sequence[tuple[str, ...]]) -> None:
    """Print medians that have no goal."""
    kept = opened(postgres.url(), "memory:", kept=64_000_000)
    place = {one: Coordinates(*h3.cell_to_latlng(one[0])) for one in cells}
    works = {
        "fetch from the process's own cache": fetching(kept),
        "whole lookup, evidence included": lambda one: kept.look_up(Capture(Location(place[one], Source.ARGUMENT))),
    }
    if strict is not None:
        works["Redis hit over TLS, cluster"] = fetching(opened(postgres.url(), strict.url("geoid-app", TOKEN)))
    for what, work in works.items():
        median_us(work, cells, 0)
        print(f"{what:<36} {median_us(work, cells, PAUSE):7.1f} us")


def round_trips(postgres: PostgresServer, cache: CacheServer, cells: Sequence[tuple[str, ...]]) -> None:
    """Print the requests that misses and hits send to each server."""
    cache.command("FLUSHALL")
    apart = list({one[-1]: one for one in cells}.values())  # places that share no cell
    with ProcessProxy(cache.port) as to_cache, ProcessProxy(postgres.port) as to_postgres:
        areas = opened(postgres.url(port=to_postgres.port), cache.url(port=to_cache.port))
        work = fetching(areas)
        print(counted("miss (get, lock, SELECT, put)", work, apart, to_cache, to_postgres))
        print(counted("hit", work, apart, to_cache, to_postgres))


def main() -> None:
    """Measure."""
    pack = AreaPack(packaged.folder("areas") / "starter.areas")
    with servers() as (postgres, cache, strict):
        releases = PostgresReleases(postgres.url())
        releases.publish(pack)
        releases.switch(pack.release.name)
        releases.close()
        cells = places(pack)
        values = pack.features(pack.release, [*set(itertools.chain(*cells))])
        records = [len(decode(value).records) for value in values.values()]
        print(f"PostgreSQL {postgres.version}, {cache.program.kind} {cache.version}; {PLACES} places, {ROUNDS} rounds;")
        print(
            f"a cell's value: median {statistics.median(map(len, values.values())):.0f} B, "
            f"{statistics.median(records):.0f} records"
        )
        ratios(postgres, cache, cells)
        informative(postgres, strict, cells)
        round_trips(postgres, cache, cells)


if __name__ == "__main__":
    main()
