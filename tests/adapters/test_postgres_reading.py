"""Reading from PostgreSQL while it restarts, hangs, drops connections, is set wrongly or is not there."""

from __future__ import annotations

import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import psycopg
import pytest
from area_databases import CELLS, JAY, ask, publish, reader_url, reading, release
from psycopg.conninfo import conninfo_to_dict

from geoid.core.releases import Kind, Release
from geoid.errors import NewerFormatError, ReleaseGone, SettingsError, UnavailableError

SOON = 5.0
"""Seconds, generously: what must not take long on a slow machine."""


@pytest.fixture(name="first")
def _first(database) -> Release:
    """A release in the database."""
    return publish(database, release("first"))[0].release


def answer(store, first: Release, timeout: float | None = None) -> None:
    found = store.features(first, CELLS, timeout)
    assert sorted(found) == sorted(CELLS)
    assert all(data.startswith(b"first ") for data in found.values())


def wait_for(condition) -> None:
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.fixture(name="silent_port")
def _silent_port():
    """A port where somebody listens who never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def test_a_place_costs_one_query_and_one_connection(database, first) -> None:
    with reading(database) as store:
        for _ in range(3):
            answer(store, first)
        assert (store.session.queries, store.session.connects, store.session.reconnects) == (3, 1, 0)


def test_nothing_is_connected_before_it_is_needed(silent_port) -> None:
    with reading(f"postgresql://geoid@127.0.0.1:{silent_port}/geoid") as store:
        assert store.session.connects == 0


@pytest.mark.parametrize("cut", ["terminate", "restart", "kill"])
def test_a_connection_that_was_cut_costs_one_silent_reconnect(postgres, database, first, cut: str) -> None:
    with reading(database) as store:
        answer(store, first)
        if cut == "terminate":
            others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND "
            assert ask(database, others + "pid <> pg_backend_pid()") == [(True,)]
        elif cut == "restart":
            postgres.restart()
        else:
            ask(database, "CHECKPOINT")  # the tests' servers commit without waiting for the disk
            postgres.kill()
            postgres.start()
        answer(store, first)
        assert store.session.reconnects == 1
        answer(store, first)
        assert (store.session.queries, store.session.reconnects) == (4, 1)


def test_an_idle_session_that_the_server_closes_costs_one_silent_reconnect(database, first) -> None:
    url = reader_url(database)
    name = conninfo_to_dict(database)["dbname"]
    ask(database, f"ALTER ROLE geoid_reader IN DATABASE {name} SET idle_session_timeout = '100ms'")
    with reading(url) as store:
        answer(store, first)
        wait_for(lambda: not ask(database, "SELECT 1 FROM pg_stat_activity WHERE usename = 'geoid_reader'"))
        answer(store, first)
        assert store.session.reconnects == 1


def test_a_server_that_is_down_is_unavailable_and_is_asked_again_the_next_time(postgres, database, first) -> None:
    with reading(database) as store:
        answer(store, first)
        postgres.stop()
        for _ in range(2):
            with pytest.raises(UnavailableError, match="refused"):
                answer(store, first)
        postgres.start()
        answer(store, first)


def test_a_server_that_hangs_is_given_up_in_time(postgres, database, first) -> None:
    with reading(database) as store:
        answer(store, first)
        postgres.pause()
        began = time.monotonic()
        for _ in range(3):
            with pytest.raises(UnavailableError, match="did not answer in time"):
                answer(store, first, 0.1)
        assert time.monotonic() - began < SOON
        postgres.resume()
        answer(store, first)


def test_an_answer_that_comes_late_meets_no_later_question(postgres, database, first) -> None:
    with reading(database) as store:
        answer(store, first)
        with pytest.raises(UnavailableError, match="in time"):
            store.session.ask(b"SELECT pg_sleep(0.3), 'late'", (), 0.05)
        time.sleep(0.4)
        answer(store, first)
        assert store.session.ask(b"SELECT 'mine'") == [("mine",)]


def test_threads_wait_for_each_other_no_longer_than_they_may(database, first) -> None:
    with reading(database) as store:
        answer(store, first)
        with ThreadPoolExecutor(1) as pool:
            slow = pool.submit(store.session.ask, b"SELECT pg_sleep(1)")
            wait_for(store.session._lock.locked)
            with pytest.raises(UnavailableError, match="in time"):
                answer(store, first, 0.1)
            slow.result()
        answer(store, first)


def test_connecting_goes_on_when_a_caller_gives_up_and_serves_the_next_one(postgres, database, first) -> None:
    postgres.pause()
    with reading(database) as store:
        for _ in range(5):
            with pytest.raises(UnavailableError, match="in time"):
                answer(store, first, 0.05)
        assert store.session.connects == 1
        threading.Timer(0.3, postgres.resume).start()
        answer(store, first, SOON)
        assert (store.session.connects, store.session.reconnects) == (1, 0)


def test_connecting_ends_by_itself(silent_port) -> None:
    with reading(f"postgresql://geoid@127.0.0.1:{silent_port}/geoid?connect_timeout=2") as store:
        began = time.monotonic()
        with pytest.raises(UnavailableError, match="timeout"):
            store.ping()
        assert time.monotonic() - began < 2 + SOON


def test_closing_does_not_wait_for_an_attempt_to_connect(silent_port) -> None:
    with reading(f"postgresql://geoid@127.0.0.1:{silent_port}/geoid?connect_timeout=2") as store:
        with pytest.raises(UnavailableError):
            store.features(Release("x", Kind.RANGES, "0" * 64), CELLS, 0.05)
        began = time.monotonic()
    assert time.monotonic() - began < 1


def test_a_connection_that_is_made_after_closing_is_closed(postgres, database, first) -> None:
    postgres.pause()
    with reading(f"{database}?application_name=late") as store, pytest.raises(UnavailableError):
        answer(store, first, 0.05)
    attempts = [one for one in threading.enumerate() if one.name == "geoid-connect"]
    postgres.resume()
    for one in attempts:
        one.join(10)
    wait_for(lambda: not ask(database, "SELECT 1 FROM pg_stat_activity WHERE application_name = 'late'"))


def test_a_password_that_cannot_be_made_is_told_to_who_asks(database, first) -> None:
    def password() -> str:
        raise UnavailableError("no token today")

    with reading(database, password) as store:
        for _ in range(2):
            with pytest.raises(UnavailableError, match="no token today"):
                answer(store, first)
        assert store.session.connects == 2


def test_a_release_without_tables_is_gone_and_a_database_without_geoid_is_a_wrong_setting(database) -> None:
    other = Release("other", Kind.RANGES, "0" * 64)
    with reading(database) as store:
        for question in (lambda: store.features(other, CELLS), store.pointer, store.list):
            with pytest.raises(SettingsError) as caught:
                question()
            assert "geoid seed" in caught.value.hint
    publish(database, release("first"))
    with reading(database) as store, pytest.raises(ReleaseGone, match="other"):
        store.features(other, CELLS)


def test_a_digest_that_is_none_reaches_no_other_table(database, first) -> None:
    with reading(database) as store, pytest.raises(UnavailableError):
        store.features(Release("odd", Kind.RANGES, 'x" WHERE 1=1 -- '), CELLS)


def test_a_wrong_password_is_a_wrong_setting(postgres, database, first) -> None:
    url = postgres.url(conninfo_to_dict(database)["dbname"], "geoid_reader", "S3CRET")
    reader_url(database)
    with reading(url) as store:
        for _ in range(2):
            with pytest.raises(SettingsError, match="password authentication failed") as caught:
                answer(store, first)
            assert "S3CRET" not in caught.value.message + caught.value.hint
            assert "geoid_reader@127.0.0.1" in caught.value.message


def test_a_wrong_password_is_told_to_a_later_caller_when_the_first_gave_up(postgres, database, first) -> None:
    url = postgres.url(conninfo_to_dict(database)["dbname"], "geoid_admin", "S3CRET")
    postgres.pause()
    with reading(url) as store:
        with pytest.raises(UnavailableError):
            answer(store, first, 0.05)
        postgres.resume()
        wait_for(store.session._attempt.done)
        with pytest.raises(SettingsError):
            answer(store, first)
        assert store.session.connects == 1


def test_a_password_file_is_read_again_when_the_server_refuses_the_old_one(database, first, tmp_path) -> None:
    file = tmp_path / "token"
    file.write_text("old", encoding="utf-8")
    url = f"{reader_url(database).replace(':role@', '@')}?password_file={file}"
    with reading(url) as store:
        with pytest.raises(SettingsError):
            answer(store, first)
        file.write_text("role\n", encoding="utf-8")
        answer(store, first)


def test_a_database_that_is_not_there_is_a_wrong_setting(postgres, first) -> None:
    with reading(postgres.url("nowhere")) as store, pytest.raises(SettingsError, match='"nowhere" does not exist'):
        answer(store, first)


@pytest.mark.parametrize(("typo", "said"), [("sslmode=requir", "sslmode"), ("connect_timeout=x", "connect_timeout")])
def test_a_value_that_libpq_does_not_know_is_a_wrong_setting(database, typo: str, said: str) -> None:
    with reading(f"{database}?{typo}") as store, pytest.raises(SettingsError, match=said):
        store.ping()


def test_a_server_without_tls_is_a_wrong_setting_where_tls_is_asked_for(database) -> None:
    with reading(f"{database}?sslmode=require") as store, pytest.raises(SettingsError, match="SSL"):
        store.ping()


def test_nobody_connects_where_all_connections_are_in_use(database, first) -> None:
    url = reader_url(database)
    with psycopg.connect(url), reading(url) as store:
        ask(database, f"ALTER DATABASE {conninfo_to_dict(database)['dbname']} CONNECTION LIMIT 1")
        with pytest.raises(UnavailableError, match="too many connections"):
            answer(store, first)


def test_a_schema_of_a_newer_geoid_is_refused(database, first) -> None:
    ask(database, "INSERT INTO geoid.migrations VALUES (99)")
    with reading(database) as store, pytest.raises(NewerFormatError, match="version 99"):
        store.pointer()


def test_a_certificate_of_another_authority_is_a_wrong_setting(postgres_tls, authority) -> None:
    right = postgres_tls.url()
    with reading(right) as store:
        assert store.ping() is None
    wrong = right.replace(right.rpartition("sslrootcert=")[2], str(authority.other.authority))
    with reading(wrong) as store, pytest.raises(SettingsError, match="certificate"):
        store.ping()
    elsewhere = right.replace("127.0.0.1", "db.example") + "&hostaddr=127.0.0.1"
    with reading(elsewhere) as store, pytest.raises(SettingsError, match=r"db\.example"):
        store.ping()


def test_a_server_that_wants_tls_says_so(postgres_tls) -> None:
    plain = f"{postgres_tls.url().partition('?')[0]}?sslmode=disable"
    with reading(plain) as store, pytest.raises(SettingsError, match="pg_hba"):
        store.ping()


def test_the_lookup_is_one_index_scan_and_locks_no_other_table(database) -> None:
    (pack,) = publish(database, release("large", 20_000, 300))
    with psycopg.connect(database) as connection:
        table = f"geoid.cells_{pack.release.digest[:16]}"
        query = f"SELECT cell, bytes FROM {table} WHERE cell = ANY (%s::bigint[])"
        numbers = "{" + ",".join(str(int(cell, 16)) for cell in CELLS) + "}"
        for _ in range(8):  # from the sixth on, the plan is the one for any numbers
            found = connection.execute(query, (numbers,), prepare=True).fetchall()
        assert len(found) == 4
        plan = "\n".join(line for (line,) in connection.execute(f"EXPLAIN {query}", (numbers,)))
        assert "Index Scan" in plan
        assert "Seq Scan" not in plan
        locked = "SELECT relation::regclass::text FROM pg_locks WHERE pid = pg_backend_pid() AND relation IS NOT NULL"
        names = {name for (name,) in connection.execute(locked)}
    assert not names & {"geoid.cells", "geoid.releases", "geoid.pointer"}
    assert {name for name in names if name.startswith("geoid.")} == {table, f"{table}_pkey"}


def test_values_of_a_page_stay_in_line(database) -> None:
    (pack,) = publish(database, release("wide", 50, 7_900))
    table = f"geoid.cells_{pack.release.digest[:16]}"
    size = "SELECT pg_relation_size(reltoastrelid) FROM pg_class WHERE oid = %s::regclass"
    assert ask(database, size, table) == [(0,)]
    (huge,) = publish(database, release("huge", 5, 60_000))
    with reading(database) as store:
        assert {len(data) for data in store.features(huge.release, CELLS).values()} == {60_000}


def test_a_reader_who_waits_for_a_lock_in_vain_finds_the_release_unavailable(database, first) -> None:
    with psycopg.connect(database) as other, reading(reader_url(database)) as store:
        other.execute(f"LOCK TABLE geoid.cells_{first.digest[:16]} IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(UnavailableError, match="lock timeout"):
            answer(store, first)
        other.rollback()
        answer(store, first)
        assert store.session.connects == 1


def test_a_long_list_of_taxa_does_not_stay_in_memory(database) -> None:
    jays = tuple(JAY._replace(number=number, key=f"jay-{number:03}") for number in range(200))
    many = replace(release("many"), taxa=jays, taxon_cells=((),) * len(jays))
    (pack,) = publish(database, many)
    with reading(database) as store:
        assert tuple(store.taxa(pack.release)) == jays
        assert "asking" not in vars(store.session._connection)
        assert store.taxon_cells(pack.release, "jay-007") == ()
