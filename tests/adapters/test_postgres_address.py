"""URLs of databases: typos are found before anything connects, and no password is ever shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg.conninfo import conninfo_to_dict

from geoid.adapters.postgres_address import address
from geoid.errors import GeoidError, SettingsError

MARK = "S3CRET"


def test_a_password_file_is_ours_and_is_read_at_each_connect(tmp_path) -> None:
    file = tmp_path / "token file"
    url = f"postgresql://geoid@db/geoid?password_file={str(file).replace(' ', '%20')}&sslmode=require"
    found = address(url)
    for token in ("one", "two"):
        file.write_text(f"{token}\n", encoding="utf-8")
        assert conninfo_to_dict(found.conninfo())["password"] == token
    assert conninfo_to_dict(found.conninfo())["sslmode"] == "require"
    assert "password_file" not in found.conninfo()


def test_a_password_file_that_is_not_there_is_named(tmp_path) -> None:
    found = address(f"postgresql://geoid@db/geoid?password_file={tmp_path / 'none'}")
    with pytest.raises(SettingsError, match=r"none: the password file cannot be read: No such file"):
        found.conninfo()


def test_a_password_may_be_made_at_each_connect() -> None:
    tokens = iter(["one", "two"])
    found = address("postgresql://geoid@db/geoid", lambda: next(tokens))
    assert [conninfo_to_dict(found.conninfo())["password"] for _ in range(2)] == ["one", "two"]


def test_what_the_url_says_goes_over_our_defaults() -> None:
    parameters = conninfo_to_dict(address("postgresql://db/geoid?connect_timeout=3&application_name=x").conninfo())
    assert (parameters["connect_timeout"], parameters["application_name"]) == ("3", "x")
    assert parameters["tcp_user_timeout"] == "10000"


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("postgresql://geoid:S3CRET@db:5433/areas", "geoid@db:5433/areas"),
        ("postgresql://db/areas", "db:5432/areas"),
        ("host=db password=S3CRET user=geoid dbname=areas", "geoid@db:5432/areas"),
        ("postgresql://geoid:a%40b%3A@db/areas", "geoid@db:5432/areas"),
        ("postgresql://", "localhost:5432/"),
    ],
)
def test_a_database_is_named_without_its_password(url: str, place: str) -> None:
    found = address(url)
    assert found.place == place
    assert MARK not in repr(found)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://geoid:S3CRET@db/areas?sslmod=require", "'sslmod'"),
        ("host=db password=S3CRET usr=geoid", "'usr'"),
        ("postgresql://geoid:S3CRET@x@db/areas", "where the password ends"),
        ("postgresql://geoid:p/S3CRET@db/areas", "where the password ends"),
        ("postgresql://geoid:p?S3CRET=1@db/areas", "where the password ends"),
        ("postgresql://geoid:S3CRET%4@db/areas", "no PostgreSQL URL"),
        ("mysql://geoid:S3CRET@db/areas", "no PostgreSQL URL"),
        ("host='db password=S3CRET", "no PostgreSQL URL"),
    ],
)
def test_a_typo_is_a_wrong_setting_and_shows_no_password(url: str, said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        address(url)
    assert said in caught.value.message
    assert MARK not in caught.value.message + caught.value.hint + repr(caught.value.__cause__)


@given(st.text(), st.text())
def test_no_password_reaches_a_message_or_a_name(before: str, after: str) -> None:
    try:
        found = address(f"postgresql://geoid:{before}{MARK}{after}@db:5432/areas")
    except GeoidError as error:
        shown = error.message + error.hint
    else:
        shown = found.place + repr(found)
    assert MARK not in shown
