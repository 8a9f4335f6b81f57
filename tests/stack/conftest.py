"""State folders of their own for tests that start servers themselves, and a count of what is left running."""

from __future__ import annotations

import shutil
import time
import uuid
from pathlib import Path

import pytest

from geoid.stack.cache import CacheServer
from geoid.stack.postgres import PostgresOptions, PostgresServer


@pytest.fixture(name="state")
def _state(servers_folder):
    """A state folder that is not there yet; nothing may run in it in the end."""
    folder = servers_folder / uuid.uuid4().hex[:8]
    yield folder
    end = time.monotonic() + 10  # one whose starter has just died may still be at it
    while running_in(folder) and time.monotonic() < end:
        time.sleep(0.05)
    assert running_in(folder) == []
    shutil.rmtree(folder, ignore_errors=True)


def running_in(folder: Path) -> list[int]:
    """The processes whose working folder is there."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            where = (entry / "cwd").readlink()
        except OSError:
            continue
        if where.is_relative_to(folder):
            found.append(int(entry.name))
    return found


@pytest.fixture(name="make")
def _make(request, state):
    """How to make a server of a kind in the state folder, stopped in the end whatever happens."""
    made = []

    def make(program, where=state, **options):
        if program.kind == "postgres":
            server = PostgresServer(where, PostgresOptions(fsync=False), program=program, **options)
        else:
            server = CacheServer(where, program=program, **options)
        made.append(server)
        return server

    yield make
    for server in made:
        server.stop()
