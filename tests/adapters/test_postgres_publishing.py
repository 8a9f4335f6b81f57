"""Publishing into PostgreSQL: killed, disturbed, at the same time, by the wrong role; readers notice nothing."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from area_databases import (
    CELLS,
    PlainPack,
    ask,
    publish,
    reader_url,
    reading,
    release,
    releases_in,
    seeder_url,
)
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from geoid.adapters import postgres_releases, postgres_schema
from geoid.adapters.postgres_schema import LOCK, MIGRATIONS
from geoid.core.releases import TABLES
from geoid.errors import AreaDataError, NewerFormatError, ReleaseGone, SettingsError, ThrottledError

PROCESS = Path(__file__).with_name("publishing_process.py")
PARTITIONS = """
SELECT c.relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = 'geoid' AND c.relkind = 'r' AND c.relname ~ '_[0-9a-f]{16}$' ORDER BY 1
"""


def partitions(url: str) -> list[str]:
    return [name for (name,) in ask(url, PARTITIONS)]


def tables_of(*packs: PlainPack) -> list[str]:
    return sorted(f"{table}_{pack.release.digest[:16]}" for table in TABLES for pack in packs)


@contextmanager
def publishing(url: str, name: str, cells: int):
    """A process that publishes; killed at the end, if it still runs."""
    command = [sys.executable, str(PROCESS), url, name, str(cells)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def test_the_tables_have_the_columns_of_a_pack_and_partitions_of_their_own(database) -> None:
    (pack,) = publish(database, release("first"))
    for table, columns in TABLES.items():
        query = "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0"
        held = {name for (name,) in ask(database, query, f"geoid.{table}")}
        assert held == {*columns, "release"}
    attached = ask(database, "SELECT inhrelid::regclass::text FROM pg_inherits JOIN pg_class ON oid = inhrelid "
                             "WHERE relkind = 'r' ORDER BY 1")  # fmt: skip
    assert [name.removeprefix("geoid.") for (name,) in attached] == tables_of(pack)
    assert ask(database, "SELECT count(*), min(release) FROM geoid.cells") == [(40, 1)]


def test_whoever_writes_sql_can_read_releases_by_their_names(database) -> None:
    publish(database, release("first"), release("second"))
    query = """
        SELECT r.name, t.lineage->>'genus', count(*)
        FROM geoid.releases AS r JOIN geoid.taxa AS t ON t.release = r.number
        JOIN geoid.cells AS c ON c.release = r.number GROUP BY 1, 2 ORDER BY 1
    """
    assert ask(database, query) == [("first", "Garrulus", 40), ("second", "Garrulus", 40)]


def test_rows_are_frozen_and_counted_by_the_planner(database) -> None:
    (pack,) = publish(database, release("first", 5000))
    query = "SELECT reltuples::int, relallvisible > 50 FROM pg_class WHERE relname = %s"
    assert ask(database, query, f"cells_{pack.release.digest[:16]}") == [(5000, True)]


def test_progress_is_told_about_every_thousand_rows(database) -> None:
    told: list[int] = []
    with releases_in(database) as store:
        store.publish(PlainPack(release("first", 2500)), told.append)
    assert sum(told) == 2502
    assert max(told) == 1000


def test_a_killed_publisher_leaves_nothing_and_the_next_one_succeeds(database) -> None:
    kept = publish(database, release("kept"))
    with reading(database) as reader:
        for _ in range(4):
            with publishing(database, "killed", 5_000) as process:
                for _ in range(random.randrange(1, 6)):
                    process.stdout.readline()
                time.sleep(random.random() * 0.02)
            assert reader.pointer().current.name == "kept"
            assert [one.release.name for one in reader.list()] == ["kept"]
    assert partitions(database) == tables_of(*kept)
    again = publish(database, release("killed", 5_000))
    assert partitions(database) == tables_of(*kept, *again)


def test_a_pack_that_breaks_half_way_leaves_nothing(database) -> None:
    class BrokenPack(PlainPack):
        def rows(self, table):
            yield from super().rows(table)
            if table == "cells":
                raise AreaDataError("the pack is damaged")

    with releases_in(database) as store:
        with pytest.raises(AreaDataError, match="damaged"):
            store.publish(BrokenPack(release("broken")))
        assert store.list() == ()
        assert partitions(database) == []
        assert store.publish(PlainPack(release("broken")))


def test_a_server_that_dies_meanwhile_leaves_nothing(postgres, database) -> None:
    kept = publish(database, release("kept"))
    ask(database, "CHECKPOINT")
    with publishing(database, "killed", 5_000) as process:
        for _ in range(3):
            process.stdout.readline()
        postgres.kill()
        assert process.wait(30) != 0
    postgres.start()
    assert partitions(database) == tables_of(*kept)
    publish(database, release("killed", 5_000))


def test_tables_of_no_release_are_swept_up(database) -> None:
    kept = publish(database, release("kept"))
    ask(database, "CREATE TABLE geoid.cells_0123456789abcdef (LIKE geoid.cells)")
    ask(database, "CREATE TABLE geoid.notes (LIKE geoid.cells)")
    more = publish(database, release("more"))
    assert partitions(database) == tables_of(*kept, *more)
    assert ask(database, "SELECT to_regclass('geoid.notes') IS NOT NULL") == [(True,)]


def test_of_two_publishers_the_second_waits_and_then_asks_to_come_back_later(database, monkeypatch) -> None:
    publish(database, release("first"), release("second"), release("kept"))
    monkeypatch.setattr(postgres_schema, "PATIENCE", 0.3)
    with psycopg.connect(database) as other, releases_in(database) as store:
        other.execute("SELECT pg_advisory_xact_lock(%s::bigint)", (LOCK,))
        for change in (lambda: store.publish(PlainPack(release("more"))), lambda: store.prune(0)):
            with pytest.raises(ThrottledError, match="somebody else"):
                change()
        assert store.switch("kept").current.name == "kept"
    with releases_in(database) as store:
        assert store.publish(PlainPack(release("more")))


def test_publishers_at_once_publish_one_after_the_other(database) -> None:
    def work(name: str) -> bool:
        with releases_in(database) as store:
            return store.publish(PlainPack(release(name, 2000)))

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(work, ["a", "a", "b", "c"])) == [False, True, True, True]
    assert [number for (number,) in ask(database, "SELECT number FROM geoid.releases ORDER BY 1")] == [1, 2, 3]


def test_readers_go_on_while_a_release_is_published_switched_and_pruned(database) -> None:
    first, second = publish(database, release("first"), release("second"))
    stop, asked = threading.Event(), []

    def read() -> None:
        with reading(database) as store:
            while not stop.is_set():
                assert len(store.features(second.release, CELLS, 2.0)) == 4
                assert store.pointer(2.0).current.name in {"second", "third"}
                asked.append(1)

    with ThreadPoolExecutor(2) as pool:
        readers = [pool.submit(read) for _ in range(2)]
        publish(database, release("third", 20_000))
        with releases_in(database) as store:
            assert store.prune(0) == ("first",)
        stop.set()
        assert [one.result() for one in readers] == [None, None]
    assert len(asked) > 10
    with reading(database) as store, pytest.raises(ReleaseGone, match="first"):
        store.features(first.release, CELLS)


def test_a_prepared_lookup_of_a_dropped_release_is_told_so_on_the_same_connection(database) -> None:
    first, second, _ = publish(database, release("first"), release("second"), release("third"))
    with reading(database) as reader, releases_in(database) as store:
        for _ in range(7):
            reader.features(first.release, CELLS)
        store.prune(0)
        with pytest.raises(ReleaseGone, match="first"):
            reader.features(first.release, CELLS)
        assert len(reader.features(second.release, CELLS)) == 4
        assert (reader.session.connects, reader.session.reconnects) == (1, 0)


def test_a_long_reader_hinders_pruning_but_no_other_reader(database) -> None:
    first, second, third = publish(database, release("first"), release("second"), release("third"))
    with psycopg.connect(database) as long, reading(database) as reader, releases_in(database) as store:
        long.execute(f"SELECT count(*) FROM geoid.cells_{first.release.digest[:16]}")
        with ThreadPoolExecutor(1) as pool:
            pruning = pool.submit(store.prune, 0)
            while not pruning.done():
                for pack in (first, second, third):
                    assert len(reader.features(pack.release, CELLS, 2.0)) == 4
            with pytest.raises(ThrottledError, match="first"):
                pruning.result()
        assert len(reader.features(first.release, CELLS)) == 4
        long.rollback()
        assert store.prune(0) == ("first",)
    assert partitions(database) == tables_of(second, third)


def test_a_long_reader_of_another_release_hinders_nothing(database) -> None:
    _, second, _ = publish(database, release("first"), release("second"), release("third"))
    with psycopg.connect(database) as long, releases_in(database) as store:
        long.execute(f"SELECT count(*) FROM geoid.cells_{second.release.digest[:16]}")
        assert store.prune(0) == ("first",)
        publish(database, release("fourth"))


def test_a_schema_of_a_newer_geoid_is_not_touched(database) -> None:
    publish(database, release("first"), release("second"), release("third"))
    ask(database, "INSERT INTO geoid.migrations VALUES (99)")
    with releases_in(database) as store:
        for change in (
            store.migrate,
            lambda: store.publish(PlainPack(release("more"))),
            lambda: store.switch("first"),
            lambda: store.prune(0),
        ):
            with pytest.raises(NewerFormatError, match="version 99"):
                change()
    assert ask(database, "SELECT current FROM geoid.pointer") == [("third",)]


def test_migrating_twice_changes_nothing_and_a_failed_step_leaves_the_former_version(database, monkeypatch) -> None:
    with releases_in(database) as store:
        for _ in range(2):
            store.migrate()
        monkeypatch.setattr(postgres_schema, "MIGRATIONS", (*MIGRATIONS, "CREATE TABLE geoid.x (); SELECT 1 / 0"))
        with pytest.raises(Exception, match="division"):
            store.migrate()
        assert ask(database, "SELECT max(version), to_regclass('geoid.x') FROM geoid.migrations") == [(1, None)]
        monkeypatch.setattr(postgres_schema, "MIGRATIONS", (*MIGRATIONS, "CREATE TABLE geoid.x ()"))
        store.migrate()
    assert ask(database, "SELECT version FROM geoid.migrations ORDER BY 1") == [(1,), (2,)]


@pytest.fixture(name="no_roles")
def _no_roles(database) -> None:
    """The server has none of geoid's roles; other tests' databases, in which they owned things, are gone."""
    ask(database, "DROP ROLE IF EXISTS geoid_reader, geoid_seeder")


def test_databases_of_one_server_may_be_migrated_at_once(postgres, database, no_roles) -> None:
    names = [f"{conninfo_to_dict(database)['dbname']}_{number}" for number in range(4)]
    for name in names:
        ask(database, f"CREATE DATABASE {name}")
    try:
        with ThreadPoolExecutor(4) as pool:
            assert all(pool.map(lambda name: publish(postgres.url(name), release("first")), names))
        for name in names:
            with reading(reader_url(postgres.url(name))) as store:
                assert store.pointer().current.name == "first"
    finally:
        for name in names:
            ask(database, f"DROP DATABASE {name} WITH (FORCE)")


def test_an_administrator_who_is_no_superuser_creates_the_roles(database, no_roles) -> None:
    name = conninfo_to_dict(database)["dbname"]
    role = f"r_{name}"
    ask(database, f"CREATE ROLE {role} LOGIN PASSWORD 'own' CREATEROLE")
    try:
        ask(database, f"GRANT CREATE ON DATABASE {name} TO {role}")
        (pack,) = publish(make_conninfo(database, user=role, password="own"), release("first"))
        for url in (reader_url(database), seeder_url(database)):
            with reading(url) as store:
                assert len(store.features(pack.release, CELLS)) == 4
        publish(seeder_url(database), release("second"))
        publish(make_conninfo(database, user=role, password="own"), release("third"))
        owners = "SELECT DISTINCT pg_get_userbyid(relowner) FROM pg_class WHERE relnamespace = 'geoid'::regnamespace"
        assert ask(database, owners) == [("geoid_seeder",)]
    finally:
        ask(database, "DROP SCHEMA geoid CASCADE")
        ask(database, "DROP OWNED BY geoid_reader, geoid_seeder")
        ask(database, "DROP ROLE geoid_reader, geoid_seeder")
        ask(database, f"DROP OWNED BY {role}")
        ask(database, f"DROP ROLE {role}")


def test_the_reading_role_reads_what_the_seeding_role_publishes_and_cannot_publish(database) -> None:
    with releases_in(database) as store:
        store.migrate()
    (pack,) = publish(seeder_url(database), release("first"))
    (more,) = publish(database, release("second"))
    with reading(reader_url(database)) as store:
        for one in (pack, more):
            assert len(store.features(one.release, CELLS)) == 4
            assert len(store.overflow(one.release, CELLS)) == 1
            assert store.taxon_cells(one.release, f"jay-{one.release.name}") == (CELLS[0],)
        assert store.pointer().previous == pack.release
    owners = "SELECT DISTINCT pg_get_userbyid(relowner) FROM pg_class WHERE relnamespace = 'geoid'::regnamespace"
    assert ask(database, owners) == [("geoid_seeder",)]
    with releases_in(reader_url(database)) as store:
        for change in (lambda: store.publish(PlainPack(release("third"))), lambda: store.switch("first")):
            with pytest.raises(SettingsError) as caught:
                change()
            assert "seeding role" in caught.value.hint


def test_the_roles_bring_their_time_outs_along(database) -> None:
    with releases_in(database) as store:
        store.migrate()
    for url, settings in (
        (reader_url(database), {"idle_session_timeout": "1min", "default_transaction_read_only": "on"}),
        (seeder_url(database), {"client_connection_check_interval": "1s", "lock_timeout": "2s"}),
    ):
        for name, value in settings.items():
            assert ask(url, "SELECT current_setting(%s)", name) == [(value,)]


@pytest.mark.parametrize("rights", ["", "CREATEROLE"])
def test_a_researcher_needs_no_right_to_create_roles(database, rights: str) -> None:
    name = conninfo_to_dict(database)["dbname"]
    role = f"r_{name}"
    ask(database, f"CREATE ROLE {role} LOGIN PASSWORD 'own' {rights}")
    try:
        ask(database, f"GRANT CREATE ON DATABASE {name} TO {role}")
        url = make_conninfo(database, user=role, password="own")
        first, second = publish(url, release("first"), release("second"))
        with reading(url) as store:
            assert store.pointer() == (second.release, first.release)
            assert len(store.features(second.release, CELLS)) == 4
        publish(url, release("third"))
        with releases_in(url) as store:
            assert store.prune(0) == ("first",)
        publish(database, release("fourth"))
    finally:
        ask(database, f"DROP OWNED BY {role}")
        ask(database, f"REASSIGN OWNED BY {role} TO CURRENT_USER")
        ask(database, f"DROP ROLE {role}")


def test_an_owner_that_may_create_no_roles_is_told_so_and_lets_the_reader_read_once_there_is_one(
    database, no_roles
) -> None:
    name = conninfo_to_dict(database)["dbname"]
    role = f"r_{name}"
    ask(database, f"CREATE ROLE {role} LOGIN PASSWORD 'own'")
    try:
        ask(database, f"GRANT CREATE ON DATABASE {name} TO {role}")
        with releases_in(make_conninfo(database, user=role, password="own")) as store:
            packs = [PlainPack(release(one)) for one in ("first", "second")]
            store.publish(packs[0])
            (remark,) = store.remarks
            assert "no role geoid_reader" in remark
            assert role in remark
            ask(database, "CREATE ROLE geoid_reader LOGIN")
            store.publish(packs[1])
            assert store.remarks == ()
        with reading(reader_url(database)) as store:
            assert [len(store.features(one.release, CELLS)) for one in packs] == [4, 4]
    finally:
        ask(database, f"DROP OWNED BY {role}")
        ask(database, "DROP OWNED BY geoid_reader")
        ask(database, "DROP ROLE geoid_reader")
        ask(database, f"DROP ROLE {role}")


def test_a_role_that_may_not_even_read_is_a_wrong_setting(database) -> None:
    (pack,) = publish(database, release("first"))
    role = f"r_{conninfo_to_dict(database)['dbname']}"
    ask(database, f"CREATE ROLE {role} LOGIN PASSWORD 'own'")
    try:
        url = make_conninfo(database, user=role, password="own")
        with reading(url) as store, pytest.raises(SettingsError, match="permission denied"):
            store.features(pack.release, CELLS)
        with releases_in(url) as store, pytest.raises(SettingsError, match="permission denied"):
            store.publish(PlainPack(release("second")))
    finally:
        ask(database, f"DROP ROLE {role}")


def test_a_table_that_somebody_holds_is_waited_for_only_briefly(database) -> None:
    publish(database, release("first"))
    assert postgres_releases.ATTEMPTS > 1
    with psycopg.connect(database) as other, releases_in(database) as store:
        other.execute("LOCK TABLE geoid.releases IN ACCESS EXCLUSIVE MODE")
        began = time.monotonic()
        with pytest.raises(ThrottledError, match="lock"):
            store.publish(PlainPack(release("second")))
        assert time.monotonic() - began < 10
