"""A thousand lookups of one cold place at the same moment, counted by the servers; what is left when one is gone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from servers import caches_found, postgres_found
from under_fire import european, told_by

from geoid import open_settings, wiring
from geoid.adapters.postgres import PostgresStore
from geoid.adapters.postgres_releases import PostgresReleases
from geoid.core.areas import Areas
from geoid.core.places import cells_around
from geoid.core.releases import cache_keys
from geoid.core.remembered import pointer_keys
from geoid.core.values import Capture, Coordinates, Location, Source
from geoid.stack.cache import CacheServer
from geoid.stack.faults import Faults
from geoid.stack.postgres import PostgresOptions, PostgresServer
from geoid.stack.proxy import ProcessProxy, Proxy

pytestmark = [
    pytest.mark.xdist_group("faults"),
    pytest.mark.skipif(not (postgres_found() and caches_found()), reason="no PostgreSQL or no Redis here"),
]
CHECKOUT = Path(__file__).resolve().parents[2]
PHOTO = CHECKOUT / "fixtures" / "demonstration" / "hedgehog-vinnytsia.webp"
VINNYTSIA = (49.233, 28.468)
WARM, COLD = (48.2, 16.4), (52.52, 13.4)
GEOID = Path(sys.executable).with_name("geoid.exe" if os.name == "nt" else "geoid")
STAMPEDE = Path(__file__).with_name("stampede.py")
THREADS = 1000
FEATURES = "SELECT cell, bytes"
LOGGED = {"log_statement": "all", "log_line_prefix": "%p "}

DEADLINE = 10.0
"""Seconds that these lookups may take, five times what the cache is given: a thousand threads of Python on a few
cores take longer than 0.3 to run at all, and what is counted here is what they ask, not how they give up."""

LATE = 0.04
"""Seconds by which the database answers late, so that all have come when the first answer does; below the patience
that other processes have with the one that asks (half of `core.fetching.LONGEST_LOCK`)."""


@dataclass
class World:
    """Servers that count what they are asked, a proxy before each, and two releases."""

    postgres: PostgresServer
    redis: CacheServer
    to_postgres: Proxy
    to_redis: Proxy
    releases: PostgresReleases
    folder: Path
    truth: int | None

    def settings(self) -> dict[str, object]:
        """Settings of a process that uses both servers."""
        store, cache = self.postgres.url(port=self.to_postgres.port), self.redis.url(port=self.to_redis.port)
        return {"areas.store": store, "cache.url": cache, "areas.deadline": DEADLINE, "cache.timeout": DEADLINE / 5}

    def asked(self) -> int:
        """How often PostgreSQL was asked for features, by its own log."""
        return (self.postgres.state / "log").read_text(encoding="utf-8", errors="replace").count(FEATURES)

    def commands(self) -> dict[str, int]:
        """How often Redis was given each command since it was last asked to forget that."""
        told = self.redis.command("INFO", "commandstats")
        assert isinstance(told, dict)
        calls = {name.removeprefix("cmdstat_"): facts["calls"] for name, facts in told.items()}
        return {name: calls[name] for name in ("mget", "set") if name in calls}

    def forget(self) -> None:
        """Empty the cache, and count anew."""
        self.redis.start()
        self.redis.command("FLUSHALL")
        self.redis.command("CONFIG", "RESETSTAT")


@pytest.fixture(name="world", scope="module")
def _world(servers_folder, tmp_path_factory):
    folder = tmp_path_factory.mktemp("stampede")
    first, second, _ = european(folder)
    options = PostgresOptions(fsync=False, settings=LOGGED)
    postgres = PostgresServer(servers_folder / "stampede-postgres", options, program=postgres_found()[0])
    redis = CacheServer(servers_folder / "stampede-cache", program=caches_found()[0])
    with postgres, redis, ProcessProxy(postgres.port) as to_postgres, ProcessProxy(redis.port) as to_redis:
        releases = PostgresReleases(postgres.url())
        for pack in (first, second):
            releases.publish(pack)
        releases.switch("first")
        yield World(postgres, redis, to_postgres, to_redis, releases, folder, told_by(first)(COLD))
        releases.close()


class Told(NamedTuple):
    """What the lookups of a stampede said, and how often PostgreSQL was asked: by its log, and by each process."""

    lookups: Sequence[Mapping[str, Any]]
    asked: int
    by_process: Sequence[int]

    @property
    def together(self) -> int:
        """The lookups that had begun when the first ended."""
        first = min(one["ended"] for one in self.lookups)
        return sum(one["begun"] < first for one in self.lookups)

    def __str__(self) -> str:
        outcomes = ", ".join(f"{count} {outcome}" for outcome, count in Counter(self.of("outcome")).most_common())
        together = f"{self.together} of {len(self.lookups)} lookups had begun when the first ended"
        return f"processes {len(self.by_process)}, queries {self.asked}; {together}; {outcomes}"

    def of(self, key: str) -> list[Any]:
        """One thing that each lookup said."""
        return [one[key] for one in self.lookups]


@contextmanager
def waiting(world: World, processes: int) -> Iterator[list[subprocess.Popen[str]]]:
    """Processes that know both servers, and whose threads wait."""
    started = []
    for number in range(processes):
        job = {"settings": world.settings(), "warm": WARM, "cold": COLD, "threads": THREADS // processes}
        path = world.folder / f"stampede-{number}.json"
        path.write_text(json.dumps(job), encoding="utf-8")
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        started.append(subprocess.Popen([sys.executable, str(STAMPEDE), str(path)], text=True, **pipes))
    try:
        for process in started:
            assert process.stdout.readline() == "ready\n"
        yield started
    finally:
        for process in started:
            process.kill()
            process.communicate()


def stampede(world: World, processes: int, *, without_cache: bool = False) -> Told:
    """Let them all look the cold place up at the same moment."""
    world.forget()
    with waiting(world, processes) as started:
        if without_cache:
            world.redis.kill()
        before = world.asked()
        moment = time.monotonic() + 0.3
        world.to_postgres.set(Faults(latency=LATE))
        for process in started:
            process.stdin.write(f"{moment}\n")
            process.stdin.flush()
        told = [json.loads(process.communicate(timeout=120)[0]) for process in started]
        world.to_postgres.clear()
    lookups = [one for process in told for one in process["lookups"]]
    return Told(lookups, world.asked() - before, [process["queries"] for process in told])


def check(world: World, told: Told) -> None:
    """What holds for every stampede."""
    assert len(told.lookups) == THREADS
    assert set(told.of("status")) == {"applied"}
    assert set(told.of("species")) == {world.truth}
    assert len(set(told.of("scores"))) == 1
    assert told.asked == sum(told.by_process)
    assert max(told.by_process) == 1


def test_a_thousand_threads_of_one_process_ask_the_database_once(world: World) -> None:
    told = stampede(world, 1)
    print(told)
    check(world, told)
    assert told.asked == 1


def test_a_thousand_threads_of_four_processes_that_share_a_cache_ask_it_once(world: World) -> None:
    told = stampede(world, 4)
    print(told)
    check(world, told)
    assert told.asked == 1


def test_without_the_cache_each_of_four_processes_asks_it_once(world: World) -> None:
    told = stampede(world, 4, without_cache=True)
    print(told)
    check(world, told)
    assert told.asked <= 4


@contextmanager
def opened(world: World) -> Iterator[Areas]:
    """Area data of a process that has read which release is in force, and its taxa."""
    areas = wiring.open_species(open_settings(world.settings()).settings)
    areas.matched(areas.release())
    yield areas
    areas.path.database.store.close()


def capture(place: tuple[float, float]) -> Capture:
    """A photo of a place."""
    return Capture(Location(Coordinates(*place), Source.ARGUMENT))


class Trips(NamedTuple):
    """What one lookup took: its outcome, requests sent to each server, and what the servers counted."""

    outcome: str
    to_redis: int
    to_postgres: int
    commands: Mapping[str, int]
    asked: int


def trips(world: World, areas: Areas, place: tuple[float, float]) -> Trips:
    """Look a place up, and count."""
    before = (world.to_redis.counts().chunks_up, world.to_postgres.counts().chunks_up, world.asked())
    world.redis.command("CONFIG", "RESETSTAT")
    outcome = areas.look_up(capture(place)).narrowing.lookup.value
    after = (world.to_redis.counts().chunks_up, world.to_postgres.counts().chunks_up, world.asked())
    to_redis, to_postgres, asked = (now - then for now, then in zip(after, before, strict=True))
    return Trips(outcome, to_redis, to_postgres, world.commands(), asked)


def test_a_lookup_is_one_request_to_each_tier_that_it_needs(world: World) -> None:
    world.forget()
    with opened(world) as areas, opened(world) as other:
        assert trips(world, areas, WARM).outcome == "miss"  # the statement is prepared now
        missed, again = trips(world, areas, COLD), trips(world, areas, COLD)
        assert trips(world, other, WARM).outcome == "hit"
        hit = trips(world, other, COLD)
    # asked for the four cells once; then the lock, and the four values together
    assert missed == Trips("miss", 3, 1, {"mget": 1, "set": 5}, 1)
    assert again == Trips("local_hit", 0, 0, {}, 0)
    assert hit == Trips("hit", 1, 0, {"mget": 1}, 0)


def test_the_release_before_serves_where_the_database_is_gone_after_a_switch(world: World) -> None:
    world.forget()
    with opened(world) as areas:
        assert areas.look_up(capture(VINNYTSIA)).narrowing.status.value == "applied"
    world.releases.switch("second")
    store = PostgresStore(str(world.settings()["areas.store"]))
    fresh = pointer_keys(store.scope).fresh
    world.redis.command("DEL", fresh)  # as it goes by itself in a few seconds
    try:
        with opened(world) as areas:
            forget_features(world, areas)
            world.postgres.kill()
            narrowing = areas.look_up(capture(VINNYTSIA)).narrowing
        assert (narrowing.status.value, narrowing.lookup.value, narrowing.release) == ("stale", "stale", "first")
        command = [GEOID, "predict", PHOTO, "--json"]
        done = subprocess.run(command, env=environment(world), capture_output=True, encoding="utf-8", check=False)
    finally:
        world.postgres.start()
        world.releases.switch("first")
    document = json.loads(done.stdout)
    assert done.returncode == 0
    told = {"status": "stale", "lookup": "stale", "release": "first"}
    assert document["narrowing"].items() >= told.items()
    assert document["answer"]["scientific_name"] == "Erinaceus roumanicus"
    assert "1 of 1 answers by the release before the one in force, because the database did not answer" in done.stderr


def forget_features(world: World, areas: Areas) -> None:
    """The release in force has no value of the place in the cache: nobody has asked for it since the switch."""
    keys = tuple(cache_keys(areas.release(), cells_around(Coordinates(*VINNYTSIA))))
    assert world.redis.command("EXISTS", *keys) == 0


def environment(world: World) -> dict[str, str]:
    """The same settings, for a command."""
    return os.environ | {
        f"GEOID_{key.upper().replace('.', '__')}": str(value) for key, value in world.settings().items()
    }
