"""What contract suites share: a fresh database on each PostgreSQL here, for the parameter that needs it."""

from __future__ import annotations

import uuid
from contextlib import ExitStack

import psycopg
import pytest
from databases import publish
from servers import postgres_found

from geoid.adapters.postgres import PostgresStore
from geoid.core.releases import Contents
from geoid.stack.postgres import PostgresOptions, PostgresServer


@pytest.fixture(name="postgres_servers", scope="session")
def _postgres_servers(servers_folder):
    """Starts the server of a label when first asked for it."""
    programs = {one.label: one for one in postgres_found()}
    running: dict[str, PostgresServer] = {}
    with ExitStack() as servers:

        def server(label: str) -> PostgresServer:
            if label not in running:
                state = servers_folder / f"{label}-contracts"
                one = PostgresServer(state, PostgresOptions(fsync=False), program=programs[label])
                running[label] = servers.enter_context(one)
            return running[label]

        yield server


@pytest.fixture(name="database_on")
def _database_on(postgres_servers):
    """Makes a fresh database on the server of a label; all are gone afterwards."""
    made: list[tuple[PostgresServer, str]] = []

    def database(label: str) -> str:
        server, name = postgres_servers(label), f"t_{uuid.uuid4().hex[:12]}"
        with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE template0")
        made.append((server, name))
        return server.url(name)

    yield database
    for server, name in made:
        with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(name="published")
def _published(database_on):
    """Publishes releases on the server of a label, the first in force; the store that reads them."""
    opened: list[PostgresStore] = []

    def store(label: str, *contents: Contents) -> PostgresStore:
        url = database_on(label)
        publish(url, *contents)
        opened.append(PostgresStore(url))
        return opened[-1]

    yield store
    for one in opened:
        one.close()
