"""The PostgreSQL parameters of contract suites; `database_on` in `conftest.py` makes a database for each."""

from __future__ import annotations

import pytest
from servers import postgres_found
from tables import TablePack

from geoid.adapters.postgres_releases import PostgresReleases
from geoid.core.releases import Contents

POSTGRES = [one.label for one in postgres_found()] or [
    pytest.param("postgres", marks=pytest.mark.skip(reason="no PostgreSQL here"))
]


def publish(url: str, *contents: Contents) -> None:
    """Publish releases, the first of which is put in force."""
    releases = PostgresReleases(url)
    for one in contents:
        assert releases.publish(TablePack(one))
    releases.switch(contents[0].name)
    releases.close()
