"""Answers under fire: whatever happens to database and cache while lookups go on, none fails and none is wrong."""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from servers import caches_found, postgres_found
from under_fire import DEADLINE_MS, PROCESSES, REPORT, Field, Seen, european, settings, start, stop, told_by

from geoid.adapters.postgres_releases import PostgresReleases
from geoid.stack.cache import CacheServer
from geoid.stack.faults import Faults, Mode
from geoid.stack.postgres import PostgresOptions, PostgresServer
from geoid.stack.proxy import ProcessProxy

pytestmark = [
    pytest.mark.xdist_group("faults"),
    pytest.mark.skipif(not (postgres_found() and caches_found()), reason="no PostgreSQL or no Redis here"),
]
SECONDS = float(os.environ.get("FAULT_SECONDS", "2.5"))
"""How long each fault lasts; `make faults` takes longer ones, and alone on the machine holds them to the deadline."""

STRICT = "FAULT_SECONDS" in os.environ
SWITCHED = 30.0
"""Seconds after a switch by which every process is on the new release."""

Act = Callable[[Field], object]


def nothing(_: Field) -> None:
    """Let it be."""


@dataclass(frozen=True)
class Fault:
    """What happens, what ends it, and what lookups say meanwhile: only `may`, and each of `must` at least once."""

    name: str
    begin: Act
    end: Act = nothing
    may: set[str] = dataclasses.field(default_factory=lambda: {"applied"})
    must: set[str] = dataclasses.field(default_factory=lambda: {"applied"})


def network(name: str, faults: Faults, *, database: bool = False) -> Fault:
    """A fault between the processes and one server."""
    if database:
        return Fault(name, lambda on: on.to_postgres.set(faults), lambda on: on.to_postgres.clear(), GONE, GONE)
    return Fault(name, lambda on: on.to_redis.set(faults), lambda on: on.to_redis.clear(), must={"applied", "bypass"})


def kill_both(on: Field) -> None:
    on.redis.kill()
    on.postgres.kill()


def start_both(on: Field) -> None:
    on.redis.start()
    on.postgres.start()


GONE = {"applied", "database-unavailable"}
FAULTS = (
    Fault("nothing", nothing),
    Fault("cache flushed", lambda on: on.redis.command("FLUSHALL"), must={"applied", "miss"}),
    Fault("cache killed", lambda on: on.redis.kill(), lambda on: on.redis.start(), must={"applied", "bypass"}),
    Fault("database killed", lambda on: on.postgres.kill(), lambda on: on.postgres.start(), GONE, GONE),
    Fault("both killed", kill_both, start_both, GONE, {*GONE, "local_hit"}),
    network("cache 2 s late", Faults(latency=2)),
    network("database 2 s late", Faults(latency=2), database=True),
    network("cache a black hole", Faults(Mode.BLACKHOLE)),
    network("database a black hole", Faults(Mode.BLACKHOLE), database=True),
    network("cache resets connections", Faults(Mode.RESET)),
    network("database resets connections", Faults(Mode.RESET), database=True),
    network("cache cut off", Faults(Mode.CUT)),
    network("database cut off", Faults(Mode.CUT), database=True),
    Fault("cache paused", lambda on: on.redis.pause(), lambda on: on.redis.resume(), must={"applied", "bypass"}),
    Fault("database paused", lambda on: on.postgres.pause(), lambda on: on.postgres.resume(), GONE, GONE),
    Fault("cache restarted", lambda on: on.redis.restart()),
    Fault("database restarted", lambda on: on.postgres.restart(), may=GONE),
)


@pytest.fixture(name="field", scope="module")
def _field(servers_folder, tmp_path_factory):
    """The field, under load."""
    folder = tmp_path_factory.mktemp("faults")
    first, second, cells = european(folder)
    postgres = PostgresServer(
        servers_folder / "faults-postgres", PostgresOptions(fsync=False), program=postgres_found()[0]
    )
    redis = CacheServer(servers_folder / "faults-cache", program=caches_found()[0])
    with postgres, redis, ProcessProxy(postgres.port) as to_postgres, ProcessProxy(redis.port) as to_redis:
        releases = PostgresReleases(postgres.url())
        for pack in (first, second):
            releases.publish(pack)
        releases.switch("first")
        truth = {"first": told_by(first), "second": told_by(second)}
        made = Field(postgres, redis, to_postgres, to_redis, releases, folder, truth)
        start(made, cells, settings(postgres.url(port=to_postgres.port), redis.url(port=to_redis.port)))
        yield made
        stop(made)
        releases.close()


@pytest.fixture(name="report", scope="session")
def _report(request) -> list[str]:
    """The lines that `conftest.py` shows in the end."""
    return request.config.stash[REPORT]


def check(field: Field, seen: Seen) -> None:
    """What holds under every fault."""
    assert seen.errors == []
    assert field.wrong(seen.during) == []
    assert seen.recovery <= 5
    if STRICT:
        assert seen.percentile(99) <= DEADLINE_MS * 1.1


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name.replace(" ", "-"))
def test_no_lookup_fails_and_none_is_wrong(field: Field, report: list[str], fault: Fault) -> None:
    seen = field.fire(fault.begin, fault.end, SECONDS)
    report.append(seen.row(fault.name))
    check(field, seen)
    assert set(seen.statuses) <= fault.may
    assert fault.must <= {*seen.statuses, *seen.outcomes}


def test_every_process_is_on_a_new_release_within_half_a_minute(field: Field, report: list[str]) -> None:
    begun = time.monotonic()
    field.releases.switch("second")
    arrived: list[float] = []
    while len(arrived) < PROCESSES and time.monotonic() < begun + SWITCHED + 5:
        time.sleep(0.5)
        found = [[one.at for one in lookups if one.release == "second"] for lookups in field.by_process()]
        arrived = [times[0] - begun for times in found if times]
    assert len(arrived) == PROCESSES
    time.sleep(1.5)
    seen = Seen(field.lookups(begun), max(arrived))
    report.append(seen.row("release switched"))
    assert max(arrived) <= SWITCHED
    check(field, seen._replace(recovery=0.0))
    assert set(seen.statuses) == {"applied"}
    later = field.lookups(begun + max(arrived) + DEADLINE_MS / 1000)  # those on the way may still be of the first
    assert {one.release for one in later} == {"second"}
