"""`geoid seed` into real PostgreSQL: what it answers and refuses, what a kill leaves, and what readers notice of it."""

from __future__ import annotations

import dataclasses
import json
import os
import random
import signal
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

psycopg = pytest.importorskip("psycopg", reason="psycopg is not installed")

from geoid.adapters.pack_files import write_pack  # noqa: E402 - the next one needs psycopg
from geoid.adapters.postgres import PostgresStore  # noqa: E402
from geoid.adapters.postgres_schema import LOCK  # noqa: E402
from geoid.adapters.sqlite import AreaPack  # noqa: E402
from geoid.core.releases import TABLES, Pointer  # noqa: E402

STARTER = Path(__file__).resolve().parents[2] / "fixtures" / "areas" / "starter.areas"
MOMENTS = 20
WRONG = "wr0ng-s3cret"
COPYING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'COPY%'"
TABLES_THERE = """
SELECT c.relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = 'geoid' AND c.relkind = 'r' AND c.relname ~ '^(taxa|cells|overflow)_'
"""


@pytest.fixture(name="made", scope="module")
def _made(tmp_path_factory, contents_of):
    """Packs of that name: parts of the starter release, all of different contents."""
    folder = tmp_path_factory.mktemp("packs")
    whole = contents_of(STARTER)
    cells = dict(sorted(whole.cells.items())[:12000])

    def made(name: str) -> Path:
        path = folder / f"{name}.areas"
        if not path.exists():
            first = whole.taxa[0]._replace(occurrences=1 + len(list(folder.iterdir())))
            write_pack(dataclasses.replace(whole, name=name, cells=cells, taxa=(first, *whole.taxa[1:])), path)
        return path

    return made


@pytest.fixture(name="seed")
def _seed(geoid, database):
    """Run `geoid seed` on the database; no password is ever shown."""

    def seed(*arguments: object, to: str = database) -> subprocess.CompletedProcess[str]:
        done = geoid("seed", *arguments, "--to", to)
        password = to.partition("@")[0].rpartition(":")[2]
        assert password not in done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done

    return seed


@pytest.fixture(name="start")
def _start(command, database):
    """Start `geoid seed` on the database as a process; what still runs at the end is killed."""
    started = []

    def start(*arguments: object) -> subprocess.Popen[str]:
        line = [str(command), "seed", *map(str, arguments), "--to", database]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        started.append(subprocess.Popen(line, text=True, encoding="utf-8", **pipes))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture(name="ask")
def _ask(database):
    """Ask the database something as its administrator."""

    def ask(query: str, *values: object) -> list[tuple]:
        with psycopg.connect(database, autocommit=True) as connection:
            done = connection.execute(query, values)
            return done.fetchall() if done.description else []

    return ask


@pytest.fixture(name="store")
def _store(database):
    store = PostgresStore(database)
    yield store
    store.close()


def refused(done, code: int, sentence: str) -> None:
    assert (done.returncode, done.stdout) == (code, "")
    assert sentence in done.stderr
    assert "hint: " in done.stderr


def until(condition, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.002)


def until_copying(process: subprocess.Popen[str], database: str) -> None:
    with psycopg.connect(database, autocommit=True) as watch:
        until(lambda: watch.execute(COPYING).fetchall()[0][0] or process.poll() is not None)


def tables_of(*packs: Path) -> set[str]:
    return {f"{table}_{AreaPack(pack).release.digest[:16]}" for pack in packs for table in TABLES}


def test_the_starter_release_is_published_listed_and_in_force(seed, store) -> None:
    name = AreaPack(STARTER).release.name
    done = seed()
    assert (done.returncode, done.stdout) == (0, f"{name} is in force\n")
    assert done.stderr.startswith("published 1424 taxa, ")
    assert store.pointer() == Pointer(AreaPack(STARTER).release)
    assert store.taxa(store.pointer().current) == AreaPack(STARTER).taxa(AreaPack(STARTER).release)
    listed = seed("--list")
    assert (listed.returncode, len(listed.stdout.splitlines())) == (0, 1)
    assert listed.stdout.startswith(name)
    assert listed.stdout.endswith("in force\n")
    again = seed()
    assert (again.returncode, again.stdout) == (0, f"{name} is in force\n")
    assert again.stderr.startswith("already there; before it: none; postgresql://")


def test_the_report_counts_the_rows(seed, made) -> None:
    seed(made("one"))
    report = json.loads(seed(made("two"), "--json").stdout)
    assert report["rows"] == {"taxa": 1424, "cells": 12000, "overflow": 0}
    assert (report["published"], report["in_force"], report["previous"]) == (True, "two", "one")
    assert "***@" in report["target"]


def test_rolling_back_and_pruning(seed, made, ask) -> None:
    for name in ("one", "two", "three"):
        assert seed(made(name)).returncode == 0
    assert seed("--rollback").stdout == "two is in force\n"
    assert json.loads(seed("--rollback", "--json").stdout)["in_force"] == "three"
    done = seed("--prune", "--keep", "1")
    assert (done.returncode, done.stdout) == (0, "one\n")
    assert {name for (name,) in ask(TABLES_THERE)} == tables_of(made("two"), made("three"))
    assert seed("--prune").stderr.startswith("nothing to drop; in force: three; before it: two; ")


def test_a_dry_run_writes_nothing_not_even_a_schema(seed, made, ask) -> None:
    done = seed(made("one"), "--dry-run")
    assert done.returncode == 0
    assert "it would be published; it would be in force in place of none" in done.stdout
    assert ask("SELECT nspname FROM pg_namespace WHERE nspname = 'geoid'") == []


def test_a_dry_run_says_what_would_be_replaced(seed, made, store) -> None:
    seed(made("one"))
    done = seed(made("two"), "--dry-run")
    assert "it would be published; it would be in force in place of one" in done.stdout
    assert [one.release.name for one in store.list()] == ["one"]


def test_an_empty_database_has_no_releases(seed) -> None:
    listed = seed("--list")
    assert (listed.returncode, listed.stdout) == (0, "")
    assert "no release was published yet" in listed.stderr


@pytest.mark.parametrize("flags", [(), ("--list",), ("--rollback",), ("--prune",), ("--dry-run",), ("--wait", "2s")])
def test_a_wrong_password_exits_with_78_and_is_never_shown(seed, postgres, database, flags) -> None:
    name = database.rpartition("/")[2]
    refused(seed(*flags, to=postgres.url(name, password=WRONG)), 78, "password")


@pytest.mark.parametrize("end", ["/nowhere?sslmode=sometimes", "/a@b", ":port/x", "/x?pasword=y"])
def test_a_url_with_a_typo_exits_with_78_and_its_password_is_never_shown(seed, end) -> None:
    refused(seed(to=f"postgresql://geoid:{WRONG}@127.0.0.1{end}"), 78, "")


def test_a_database_that_is_not_there_exits_with_78(seed, postgres) -> None:
    refused(seed(to=postgres.url("nowhere")), 78, "nowhere")


def test_the_reading_role_lists_but_cannot_seed(seed, made, postgres, database, ask) -> None:
    for name in ("one", "two", "three"):
        seed(made(name))
    ask("ALTER ROLE geoid_reader PASSWORD 'reads-only'")
    reader = postgres.url(database.rpartition("/")[2], user="geoid_reader", password="reads-only")
    before = seed("--list").stdout
    for arguments in ((made("four"),), (made("one"),), ("--rollback",), ("--prune", "--keep", "0")):
        refused(seed(*arguments, to=reader), 78, "read-only")
    assert seed("--list", to=reader).stdout == before


def test_a_schema_of_a_newer_geoid_exits_with_78(seed, made, ask) -> None:
    seed(made("one"))
    ask("INSERT INTO geoid.migrations VALUES (99)")
    refused(seed(made("two")), 78, "the schema is of version 99")


def test_a_damaged_pack_exits_with_65_and_leaves_no_table(seed, made, ask, tmp_path) -> None:
    seed(made("one"))
    data = bytearray(made("two").read_bytes())
    at = data.index(b"Panthera leo")
    data[at : at + 8] = b"Panthere"
    (tmp_path / "damaged.areas").write_bytes(data)
    refused(seed(tmp_path / "damaged.areas"), 65, "damaged.areas is damaged")
    assert {name for (name,) in ask(TABLES_THERE)} == tables_of(made("one"))


def test_a_name_in_use_with_other_contents_exits_with_65(seed, made, contents_of, tmp_path) -> None:
    seed(made("one"))
    write_pack(dataclasses.replace(contents_of(made("two")), name="one"), tmp_path / "other.areas")
    for flags in ((), ("--dry-run",)):
        refused(seed(tmp_path / "other.areas", *flags), 65, "other contents")


def test_another_seed_that_publishes_exits_with_75(seed, made, database) -> None:
    seed(made("one"))
    with psycopg.connect(database) as other:
        other.execute(f"SELECT pg_advisory_xact_lock({LOCK})")
        refused(seed(made("two")), 75, "somebody else publishes")


def test_a_server_that_is_gone_exits_with_69_and_one_that_comes_is_waited_for(seed, start, postgres, database) -> None:
    postgres.stop()
    try:
        refused(seed(), 69, "127.0.0.1")
        waiting = start("--wait", "60s")
        told = waiting.stderr.readline()
        assert told.startswith("waiting: ")
        time.sleep(2)
    finally:
        postgres.start()
    output, said = waiting.communicate(timeout=90)
    assert (waiting.returncode, output) == (0, f"{AreaPack(STARTER).release.name} is in force\n")
    assert database.partition("@")[0].rpartition(":")[2] not in told + said


@pytest.mark.skipif(os.name == "nt", reason="platform: Windows has no SIGTERM to send")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_interrupted_seed_exits_with_130_and_leaves_nothing(  # noqa: PLR0917
    start, seed, made, database, ask, number
) -> None:
    seed(made("one"))
    process = start(STARTER)
    until_copying(process, database)
    process.send_signal(number)
    output, said = process.communicate(timeout=30)
    assert (process.returncode, output) == (130, "")
    assert "Traceback" not in said
    assert {name for (name,) in ask(TABLES_THERE)} == tables_of(made("one"))


def test_a_reader_that_holds_the_former_release_is_undisturbed_by_a_switch(seed, made, store, database) -> None:
    seed(made("one"))
    held, over = store.pointer().current, threading.Event()
    pack = AreaPack(made("one"))
    cells = [f"{cell:x}" for cell, _ in list(pack.rows("cells"))[::3000]]
    wanted = pack.features(pack.release, cells)

    def read() -> int:
        reader, count = PostgresStore(database), 0
        while not over.is_set():
            assert reader.features(held, cells, 5.0) == wanted
            count += 1
        reader.close()
        return count

    with ThreadPoolExecutor(2) as pool:
        readers = [pool.submit(read) for _ in range(2)]
        codes = [seed(*arguments).returncode for arguments in ((made("two"),), ("--rollback",), ("--rollback",))]
        over.set()
        assert codes == [0, 0, 0]
        assert min(reader.result(timeout=30) for reader in readers) > 10
    assert store.pointer().current.name == "two"


def test_a_reader_in_a_transaction_does_not_hold_up_a_seed(seed, made, store, database) -> None:
    seed(made("one"))
    table = f"cells_{store.pointer().current.digest[:16]}"
    with psycopg.connect(database) as reader:
        reader.execute(f"SELECT count(*) FROM geoid.{table}, geoid.releases, geoid.pointer").fetchall()
        assert seed(made("two")).returncode == 0
        assert reader.execute(f"SELECT count(*) FROM geoid.{table}").fetchall() == [(12000,)]


@pytest.mark.slow
def test_a_seed_that_is_killed_at_any_moment_leaves_the_release_in_force_and_the_next_succeeds(  # noqa: PLR0917
    start, seed, made, store, database, ask
) -> None:
    began = time.monotonic()
    start(made("m0")).communicate()
    whole = time.monotonic() - began
    chance, before = random.Random(4), AreaPack(made("m0")).release
    there, found = [made("m0")], []
    for moment in range(1, MOMENTS + 1):
        pack = made(f"m{moment}")
        process = start(pack)
        if moment % 2:  # every other time in the middle of writing
            until_copying(process, database)
        time.sleep(chance.uniform(0, 0.2 if moment % 2 else whole * 1.1))
        process.kill()
        process.communicate()
        pointer, release = store.pointer(), AreaPack(pack).release
        assert pointer.current in {before, release}
        assert len(store.taxa(pointer.current)) == 1424
        found.append((pointer.current == release, release.name in {one.release.name for one in store.list()}))
        done = seed(pack)
        assert (done.returncode, done.stdout) == (0, f"{release.name} is in force\n"), done.stderr
        there.append(pack)
        assert {name for (name,) in ask(TABLES_THERE)} == tables_of(*there)
        before = release
    whole_ones, published = (sum(column) for column in zip(*found, strict=True))
    print(f"killed {MOMENTS} times over {whole:.1f} s: {whole_ones} done, {published - whole_ones} only published")
    assert whole_ones < MOMENTS
