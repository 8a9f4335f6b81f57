"""PostgreSQL and a shared cache behind the `geoid` command: the answers of the embedded profile, whatever is down."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import pytest
from servers import TOKEN_USER, caches_found, postgres_found

from geoid.stack.cache import CacheOptions, CacheServer
from geoid.stack.elasticache import RULES
from geoid.stack.postgres import PostgresOptions, PostgresServer

pytestmark = pytest.mark.xdist_group("server-profile")

CHECKOUT = Path(__file__).resolve().parents[2]
GEOID = Path(sys.executable).with_name("geoid.exe" if os.name == "nt" else "geoid")
PHOTOS, DEMONSTRATION = (CHECKOUT / "fixtures" / name for name in ("photos", "demonstration"))
HEDGEHOG = DEMONSTRATION / "hedgehog-vinnytsia.webp"
READS, WRONG, TOKEN = "reads-0nly", "wr0ng-s3cret", "a-t0ken"
COMMANDS = {
    "photos at a place": ("predict", PHOTOS, "--at", "-1.29,36.82", "--on", "2024-07-14", "--json"),
    "photos with places": ("predict", DEMONSTRATION, "--json"),
    "species": ("species", "--at", "48.2,16.4", "--on", "2024-05-01", "--json"),
    "explanation": ("explain", HEDGEHOG, "--taxon", "Panthera leo", "--json"),
}
UNHURRIED = {"GEOID_AREAS__DEADLINE": "10", "GEOID_CACHE__TIMEOUT": "2"}
"""What is compared here is what answers say, not that they give up in time."""


class Profile(NamedTuple):
    """Where a process finds area data and cache: variables of its environment."""

    store: str
    cache: str
    more: Mapping[str, str] = UNHURRIED

    def run(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        """Run the command; no password is ever shown."""
        here = {name: value for name, value in os.environ.items() if not name.startswith("GEOID_")}
        variables = here | {"GEOID_AREAS__STORE": self.store, "GEOID_CACHE__URL": self.cache} | self.more
        command = [str(GEOID), *map(str, arguments)]
        done = subprocess.run(command, env=variables, capture_output=True, encoding="utf-8", timeout=120, check=False)
        for secret in (READS, WRONG, TOKEN):
            assert secret not in done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done


EMBEDDED = Profile("sqlite:", "memory:")


@dataclass
class World:
    """A database with the starter release, a cache, and how a process reads from them."""

    postgres: PostgresServer
    redis: CacheServer
    profile: Profile

    def empty(self) -> None:
        """Servers that run, and a cache that knows nothing."""
        self.postgres.start()
        self.redis.start()
        self.redis.command("FLUSHALL")


def seeded(postgres: PostgresServer) -> str:
    """Publish the starter release as the administrator; the URL of the role that only reads."""
    done = EMBEDDED.run("seed", "--to", postgres.url())
    assert done.returncode == 0, done.stderr
    with psycopg.connect(postgres.url(), autocommit=True) as connection:
        connection.execute(f"ALTER ROLE geoid_reader PASSWORD '{READS}'")
    return postgres.url(user="geoid_reader", password=READS)


@pytest.fixture(name="expected", scope="module")
def _expected() -> dict[str, Any]:
    """What the embedded profile answers."""
    return {name: answer(EMBEDDED, name)[0] for name in COMMANDS}


@pytest.fixture(name="world", scope="module")
def _world(servers_folder) -> Iterator[World]:
    """Both servers, without TLS."""
    if not (postgres_found() and caches_found()):
        pytest.skip("no PostgreSQL or no Redis here")
    postgres = PostgresServer(
        servers_folder / "profile-postgres", PostgresOptions(fsync=False), program=postgres_found()[0]
    )
    redis = CacheServer(servers_folder / "profile-cache", program=caches_found()[0])
    with postgres, redis:
        yield World(postgres, redis, Profile(seeded(postgres), redis.url()))


@pytest.fixture(name="strict", scope="module")
def _strict(servers_folder, authority) -> Iterator[World]:
    """Both servers as the cloud has them: TLS only, the cluster protocol, a token, few commands."""
    can = [one for found in (postgres_found(), caches_found()) for one in found if one.tls]
    databases, caches = ([one for one in can if (one.kind == "postgres") is wanted] for wanted in (True, False))
    if not (databases and caches):
        pytest.skip("no PostgreSQL or no Redis with TLS here")
    users = (f"{TOKEN_USER} on >{TOKEN} ~* &* {RULES}",)
    options = PostgresOptions(fsync=False, tls=authority.tls, strict=True)
    postgres = PostgresServer(servers_folder / "profile-postgres-tls", options, program=databases[0])
    cache = CacheOptions(tls=authority.tls, cluster=True, users=users)
    redis = CacheServer(servers_folder / "profile-cache-strict", cache, program=caches[0])
    with postgres, redis:
        yield World(postgres, redis, Profile(seeded(postgres), redis.url(TOKEN_USER, TOKEN)))


def answer(profile: Profile, name: str) -> tuple[Any, set[str], str]:
    """What a command answers but for times and lookups; the lookups' outcomes; and what it says on stderr."""
    done = profile.run(*COMMANDS[name])
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    outcomes = set()
    for one in predictions(document):
        one.pop("timings_ms", None)
        if "narrowing" in one:
            outcomes.add(one["narrowing"].pop("lookup"))
    return document, outcomes, done.stderr


def predictions(document: Any) -> list[dict[str, Any]]:
    """The predictions in a document, or what stands in their place."""
    if isinstance(document, list):
        return document
    return [document.get("prediction", document)]


def outcomes_of(profile: Profile, expected: Mapping[str, Any]) -> dict[str, set[str]]:
    """The outcomes of each command, whose answers are those of the embedded profile."""
    found = {}
    for name in COMMANDS:
        document, found[name], said = answer(profile, name)
        assert document == expected[name], name
        assert "warning" not in said
    return found


def narrowings(done: subprocess.CompletedProcess[str]) -> list[tuple[str, str]]:
    """Status and outcome of each answer."""
    told = [one["narrowing"] for one in predictions(json.loads(done.stdout))]
    return [(one["status"], one["lookup"]) for one in told]


def test_answers_are_those_of_the_embedded_profile_at_first_and_out_of_the_cache(world: World, expected) -> None:
    world.empty()
    first = outcomes_of(world.profile, expected)
    print(first)
    assert "miss" in first["photos at a place"] & first["photos with places"]
    again = outcomes_of(world.profile, expected)
    print(again)
    assert again["photos with places"] == {"hit"}
    assert again["photos at a place"] <= {"hit", "local_hit"}


def test_answers_over_tls_with_the_cluster_protocol_and_a_token_are_the_same(strict: World, expected) -> None:
    strict.empty()
    assert outcomes_of(strict.profile, expected)["photos with places"] == {"miss"}
    assert outcomes_of(strict.profile, expected)["photos with places"] == {"hit"}


def test_without_the_cache_answers_are_the_same_and_one_warning_says_so(world: World, expected) -> None:
    world.empty()
    world.redis.kill()
    document, outcomes, said = answer(world.profile, "photos with places")
    assert (document, outcomes) == (expected["photos with places"], {"bypass"})
    print(said)
    assert said.count("warning:") == 1
    assert "cache" in said


def test_without_the_database_the_cache_answers_what_it_was_given(world: World, expected) -> None:
    world.empty()
    answer(world.profile, "photos with places")
    world.postgres.kill()
    document, outcomes, said = answer(world.profile, "photos with places")
    assert (document, outcomes) == (expected["photos with places"], {"hit"})
    print(said)


def test_without_either_the_picture_alone_answers_and_that_is_said(world: World) -> None:
    world.empty()
    world.postgres.kill()
    world.redis.kill()
    done = world.profile.run("predict", DEMONSTRATION, "--json")
    assert done.returncode == 0
    assert set(narrowings(done)) == {("database-unavailable", "unavailable")}
    print(done.stderr)
    assert "4 of 4 answers by vision alone, because the database did not answer" in done.stderr
    assert world.profile.run("predict", HEDGEHOG, "--json", "--require-location").returncode == 69


def test_a_wrong_password_of_the_database_exits_with_78_and_one_sentence(world: World) -> None:
    world.empty()
    wrong = world.profile._replace(store=world.postgres.url(user="geoid_reader", password=WRONG))
    for command in (("predict", HEDGEHOG), ("species", "--at", "48.2,16.4"), ("doctor",)):
        done = wrong.run(*command)
        print(done.stdout, done.stderr)
        assert done.returncode == 78
    done = wrong.run("predict", HEDGEHOG, "--json")
    sentence, _, hint = done.stderr.partition("\n\nhint: ")
    assert (sentence.startswith("error: "), sentence.count("\n"), bool(hint)) == (True, 0, True)
    assert "geoid_reader" in sentence


def test_a_wrong_token_of_the_cache_is_a_warning_and_no_more(strict: World, expected) -> None:
    strict.empty()
    wrong = strict.profile._replace(cache=strict.redis.url(TOKEN_USER, WRONG))
    document, outcomes, said = answer(wrong, "photos with places")
    assert (document, outcomes) == (expected["photos with places"], {"bypass"})
    print(said)
    assert said.startswith("warning: cache")


def test_the_doctor_says_of_both_servers_whether_they_answer(world: World) -> None:
    world.empty()
    assert states(world) == {"areas": "ok", "cache": "ok"}
    world.redis.kill()
    assert states(world)["cache"] == "fail"
    world.postgres.kill()
    assert states(world) == {"areas": "fail", "cache": "fail"}


def states(world: World) -> dict[str, str]:
    """The state of each server, by the doctor."""
    done = world.profile.run("doctor", "--json")
    checks = json.loads(done.stdout)["checks"]
    print(*(f"{one['state']} {one['check']}: {one['text']} ({one['hint']})" for one in checks[-4:]), sep="\n")
    assert (done.returncode == 0) is ("fail" not in {one["state"] for one in checks})
    return {one["check"]: one["state"] for one in checks if one["check"] in {"areas", "cache"}}
