"""The servers that other tests use: there, of the kind asked for, and empty."""

from __future__ import annotations

from urllib.parse import urlsplit

import psycopg
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry


def test_a_database_is_fresh_and_of_the_version_in_the_name(database, postgres) -> None:
    with psycopg.connect(database) as connection:
        assert connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone() == (0,)
        assert connection.execute("SHOW server_version").fetchone()[0].startswith(postgres.version)
        assert connection.execute("SHOW server_encoding").fetchone() == ("UTF8",)


def test_a_plain_cache_is_empty(redis_url) -> None:
    with redis.Redis.from_url(redis_url) as client:
        assert client.dbsize() == 0
        client.set("a", "1")


def test_a_database_with_tls_refuses_a_client_without(postgres_tls) -> None:
    with psycopg.connect(postgres_tls.url()) as connection:
        assert connection.pgconn.ssl_in_use
    with pytest.raises(psycopg.OperationalError, match="pg_hba"):
        psycopg.connect(postgres_tls.url().replace("verify-full", "disable"))


def test_a_database_of_the_wrong_authority_is_not_believed(postgres_tls, authority) -> None:
    url = postgres_tls.url().replace("%2Fright%2F", "%2Fwrong%2F")
    with pytest.raises(psycopg.OperationalError, match="certificate"):
        psycopg.connect(url)


def test_a_cache_with_tls_answers_and_one_of_the_wrong_authority_is_not_believed(redis_tls, authority) -> None:
    with redis.Redis.from_url(redis_tls.url(host="localhost")) as client:
        assert client.ping()
    with (
        redis.Redis.from_url(redis_tls.url().replace("%2Fright%2F", "%2Fwrong%2F")) as client,
        pytest.raises(redis.ConnectionError, match="certificate"),
    ):
        client.ping()


@pytest.fixture(name="strict")
def _strict(redis_strict):
    parts = urlsplit(redis_strict.url())
    with redis.RedisCluster(
        parts.hostname,
        parts.port,
        username=parts.username,
        password=parts.password,
        ssl=True,
        ssl_ca_certs=str(redis_strict.server.options.tls.authority),
    ) as client:
        yield client


def test_a_strict_cache_speaks_the_cluster_protocol_and_answers(strict) -> None:
    strict.set("{a}1", b"x", ex=60)
    assert strict.mget("{a}1", "{a}2") == [b"x", None]
    assert strict.eval("return redis.call('get', KEYS[1])", 1, "{a}1") == b"x"


@pytest.mark.parametrize(
    "words", ["KEYS *", "CONFIG GET *", "CLIENT LIST", "CLIENT TRACKING ON", "OBJECT HELP", "WAIT 0 0", "FUNCTION LIST"]
)
def test_a_strict_cache_forbids_what_elasticache_serverless_forbids(strict, words) -> None:
    with pytest.raises(redis.ResponseError, match="no permissions"):
        strict.execute_command(*words.split(), target_nodes=strict.get_primaries()[0])


def test_a_strict_cache_evicts_only_what_has_a_time_to_live(redis_strict) -> None:
    told = redis_strict.server.command("INFO", "memory")
    assert told["maxmemory_policy"] == "volatile-lru"


def test_a_renewed_token_is_the_only_one_good_for_new_connections(redis_strict) -> None:
    redis_strict.renew("next")
    authority = str(redis_strict.server.options.tls.authority)
    options = {"ssl_ca_certs": authority, "ssl": True, "retry": Retry(NoBackoff(), 0)}
    port = redis_strict.server.port
    with redis.Redis("127.0.0.1", port, username=redis_strict.user, password="next", **options) as client:
        assert client.ping()
    redis_strict.renew(redis_strict.token)
    with (
        redis.Redis("127.0.0.1", port, username=redis_strict.user, password="next", **options) as client,
        pytest.raises(redis.AuthenticationError),
    ):
        client.ping()
