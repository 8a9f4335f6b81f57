"""Servers start, stop, crash, come back and are swept up, each kind from each place; nothing else is touched."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from servers import caches_found, postgres_found

from geoid.errors import UnavailableError
from geoid.stack.accounts import account, drop
from geoid.stack.cache import CacheOptions, CacheServer
from geoid.stack.children import Child
from geoid.stack.loopback import free_port
from geoid.stack.owners import Owner, Process, children, process, read_owner
from geoid.stack.postgres import PostgresOptions, PostgresServer
from geoid.stack.servers import hold

PROGRAMS = [pytest.param(one, id=one.label) for one in (*postgres_found(), *caches_found())]
POSTGRES = [pytest.param(one, id=one.label) for one in postgres_found()]
each_program = pytest.mark.parametrize("program", PROGRAMS)
each_postgres = pytest.mark.parametrize("program", POSTGRES)

STARTER = """
import sys, time
from pathlib import Path
from geoid.stack.programs import cache_programs, postgres_programs
from geoid.stack.postgres import PostgresOptions, PostgresServer
from geoid.stack.cache import CacheServer
label, state, lingering = sys.argv[1], Path(sys.argv[2]), sys.argv[3] == "lingering"
program = next(one for one in (*postgres_programs(), *cache_programs()) if one.label == label)
if program.kind == "postgres":
    server = PostgresServer(state, PostgresOptions(fsync=False), program=program, lingering=lingering)
else:
    server = CacheServer(state, program=program, lingering=lingering)
server.start()
print(server.pid, flush=True)
time.sleep(600)
"""


class Starter:
    """Another process that starts a server."""

    def __init__(self, program, state, manner="mortal"):
        words = [sys.executable, "-P", "-c", STARTER, program.label, state, manner]
        self.popen = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        self.server = process(int(self.popen.stdout.readline()))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.popen.kill()
        self.popen.communicate()


def answers(server) -> bool:
    if isinstance(server, PostgresServer):
        with psycopg.connect(server.url(), connect_timeout=2) as connection:
            return connection.execute("SELECT 1").fetchone() == (1,)
    return server.command("PING") in {True, "PONG"}


def family(server) -> list[int]:
    return [server.pid, *(one.pid for one in children(server.pid))]


@each_program
def test_a_server_answers_once_started_and_is_gone_once_stopped(make, program) -> None:
    server = make(program)
    with server:
        assert answers(server)
        pids = family(server)
    assert [pid for pid in pids if process(pid).started] == []
    assert not server.running
    assert not (server.state / "owner.json").exists()


@each_program
def test_no_process_of_a_server_is_roots_and_none_listens_beyond_loopback(make, program) -> None:
    with make(program) as server:
        uids = {Path(f"/proc/{pid}").stat().st_uid for pid in family(server)}
        assert uids == {account().uid}
        assert 0 not in uids
        assert listening(server.pid) == {("127.0.0.1", server.port)}


def listening(pid: int) -> set[tuple[str, int]]:
    """Where a process listens, by /proc: sockets of TCP, old and new, in state 0A."""
    inodes = {os.readlink(one)[8:-1] for one in Path(f"/proc/{pid}/fd").iterdir() if "socket:" in os.readlink(one)}
    rows = [
        line.split()
        for name in ("tcp", "tcp6")
        for line in Path(f"/proc/{pid}/net/{name}").read_text().splitlines()[1:]
    ]
    found = [row[1].split(":") for row in rows if row[3] == "0A" and row[9] in inodes]
    return {(socket.inet_ntoa(bytes.fromhex(host)[:4][::-1]), int(port, 16)) for host, port in found}


def test_the_state_folder_and_its_secrets_are_the_servers_users_alone(make) -> None:
    server = make(postgres_found()[0])
    with server:
        for path in (server.state, server.state / "password", server.state / "log"):
            found = path.stat()
            assert (found.st_uid, found.st_mode & 0o077) == (account().uid, 0)
        assert server.url().split(":")[2].split("@")[0] not in Path(f"/proc/{server.pid}/cmdline").read_text()


@each_postgres
def test_data_survive_a_crash_and_a_restart(make, program) -> None:
    with make(program) as server:
        with psycopg.connect(server.url()) as connection:
            connection.execute("CREATE TABLE t AS SELECT generate_series(1, 1000) AS n")
        port, pids = server.port, family(server)
        server.kill()
        assert [pid for pid in pids if process(pid).started] == []
        server.start()
        server.restart()
        assert server.port == port
        with psycopg.connect(server.url()) as connection:
            assert connection.execute("SELECT count(*) FROM t").fetchone() == (1000,)


@each_postgres
def test_a_crash_under_load_is_recovered_from_within_five_seconds(make, program) -> None:
    with make(program) as server:
        busy = [psycopg.connect(server.url()) for _ in range(4)]
        for connection in busy:
            connection.pgconn.send_query(b"SELECT pg_sleep(30)")
        os.kill(server.pid, signal.SIGKILL)  # the first process alone: its children are still dying
        assert process(server.pid).wait(5)
        began = time.monotonic()
        server.start()
        assert time.monotonic() - began < 6
        assert answers(server)
        for connection in busy:
            connection.close()


@each_postgres
def test_a_lock_whose_process_number_went_to_another_process_is_no_hindrance(make, state, program) -> None:
    server = make(program)
    with server:
        server.kill()
    lock = state / "data" / "postmaster.pid"
    with other_process() as other:
        lock.write_text("\n".join([str(other.pid), *lock.read_text().splitlines()[1:]]) + "\n")
        forge(state, Process(other.pid, "another time"), process(os.getpid()))
        os.chown(lock, account().uid, account().gid)
        with make(program) as again:
            assert answers(again)
        assert other.poll() is None


def other_process():
    """A foreign process of the servers' user, so that it could be signalled."""
    return Foreign(["sleep", "600"], **drop(account()))


class Foreign(subprocess.Popen):
    def __exit__(self, *args):
        self.kill()
        super().__exit__(*args)


def forge(state: Path, server: Process, starter: Process, *, lingering=False) -> None:
    record = read_owner(state / "owner.json") or Owner(server, starter, lingering, 0, "")
    record._replace(server=server, starter=starter, lingering=lingering).write(state / "owner.json")


@each_program
def test_a_foreign_process_with_the_recorded_number_is_never_touched(make, state, program) -> None:
    state.mkdir()
    with other_process() as other:
        forge(state, Process(other.pid, "another time"), Process(other.pid, "another time"))
        with make(program) as server:
            assert answers(server)
        assert other.poll() is None


@each_program
def test_a_held_server_answers_nothing_until_it_is_let_go(make, program) -> None:
    with make(program) as server:
        server.pause()
        assert {state_of(pid) for pid in family(server)} <= {"T"}
        with socket.create_connection((server.host, server.port), 0.3) as connection:
            connection.sendall(b"PING\r\n")
            with pytest.raises(TimeoutError):
                connection.recv(1)
        server.resume()
        assert answers(server)
        server.pause()
    assert not server.running


def state_of(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


@each_program
def test_a_port_in_use_is_named(make, program) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port := free_port()))
        taken.listen()
        with pytest.raises(UnavailableError, match=f"port {port} ") as caught:
            make(program, port=port).start()
    assert caught.value.hint


@each_program
def test_a_server_dies_with_its_starter(state, program) -> None:
    with Starter(program, state) as starter:
        assert starter.server.alive()
    assert starter.server.wait(10)


@each_program
def test_the_orphan_of_a_dead_starter_is_swept_by_the_next_start(make, state, program) -> None:
    with Starter(program, state) as starter:
        orphan = starter.server
        hold(Child(orphan))  # held, so that it cannot heed the death of its starter
    assert orphan.alive()
    with make(program) as server:
        assert not orphan.alive()
        assert answers(server)


@each_program
def test_the_folder_of_a_living_starter_is_refused_and_its_server_goes_on(make, state, program) -> None:
    with Starter(program, state) as starter:
        with pytest.raises(UnavailableError, match=f"belongs to process {starter.popen.pid}"):
            make(program).start()
        assert starter.server.alive()


@each_program
def test_a_lingering_server_outlives_its_starter_and_is_adopted(make, state, program) -> None:
    with Starter(program, state, "lingering") as starter:
        pass
    assert starter.server.alive()
    with make(program, lingering=True) as server:
        assert server.pid == starter.server.pid
        assert answers(server)
    assert starter.server.alive()
    server.stop()
    assert not starter.server.alive()


def test_a_lingering_server_with_other_settings_is_not_adopted(make, state) -> None:
    program = caches_found()[0]
    with make(program, lingering=True):
        with pytest.raises(UnavailableError, match="other settings"):
            CacheServer(state, CacheOptions(memory=1 << 20), program=program).start()
        with pytest.raises(UnavailableError, match="on port"):
            make(program, port=free_port()).start()


def test_a_record_that_is_damaged_is_as_good_as_none(make, state) -> None:
    state.mkdir()
    (state / "owner.json").write_text(json.dumps({"server": 3}))
    with make(caches_found()[0]) as server:
        assert answers(server)


def test_data_of_another_postgresql_are_refused(make, state) -> None:
    with make(postgres_found()[0]):
        pass
    (state / "data" / "PG_VERSION").write_text("9.6\n")
    with pytest.raises(UnavailableError, match=r"made by PostgreSQL 9\.6"):
        make(postgres_found()[0]).start()


def test_a_setting_that_postgresql_does_not_know_is_told_with_its_own_words(state) -> None:
    options = PostgresOptions(fsync=False, settings={"no_such_thing": "1"})
    with pytest.raises(UnavailableError, match="no_such_thing"):
        PostgresServer(state, options, program=postgres_found()[0]).start()


def test_a_password_is_asked_for_and_is_in_no_command_line(state) -> None:
    options = CacheOptions(password="s3cret-word")
    with CacheServer(state, options, program=caches_found()[0]) as server:
        assert "s3cret" not in Path(f"/proc/{server.pid}/cmdline").read_text()
        assert "s3cret" not in repr(options)
        with (
            redis.Redis(port=server.port, retry=Retry(NoBackoff(), 0)) as client,
            pytest.raises(redis.AuthenticationError),
        ):
            client.ping()
        with redis.Redis.from_url(server.url()) as client:
            assert client.ping()
