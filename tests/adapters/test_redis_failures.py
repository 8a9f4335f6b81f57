"""Redis and Valkey when something is wrong: what the error is, and that it comes in time."""

from __future__ import annotations

import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
import redis as redis_py

from geoid.adapters import redis_servers
from geoid.adapters.redis import RedisCache
from geoid.adapters.redis_servers import CONNECTIONS
from geoid.errors import SettingsError, UnavailableError
from geoid.stack.cache import CacheOptions, CacheServer

PATIENCE = 5
SHORT = 0.2
BUSY = 1.0
"""What a busy machine may add to a time-out, in seconds."""


@contextmanager
def _within(seconds: float):
    start = time.monotonic()
    yield
    assert time.monotonic() - start < seconds


def test_a_server_that_was_killed_is_used_again_once_it_is_back(redis, redis_url) -> None:
    cache = RedisCache(redis_url, PATIENCE)
    cache.put({"a": b"1"}, 60)
    redis.kill()
    for _ in range(2):
        with pytest.raises(UnavailableError, match=rf"127\.0\.0\.1:{redis.port}.*refused"):
            cache.get(["a"])
    redis.start()
    assert cache.get(["a"]) == {}
    cache.put({"a": b"1"}, 60)
    assert cache.get(["a"]) == {"a": b"1"}


def test_no_answer_that_comes_late_is_taken_for_another(redis, redis_url) -> None:
    cache = RedisCache(redis_url, SHORT)
    cache.put({"a": b"of a", "b": b"of b"}, 60)
    for _ in range(3):
        redis.pause()
        with _within(SHORT + BUSY), pytest.raises(UnavailableError, match="no answer within"):
            cache.get(["a"])
        redis.resume()
        time.sleep(0.05)
        assert cache.get(["b"]) == {"b": b"of b"}
        assert cache.get(["a", "b"]) == {"a": b"of a", "b": b"of b"}


def test_an_interrupted_request_leaves_no_answer_behind(redis, redis_url) -> None:
    cache = RedisCache(redis_url, PATIENCE)
    cache.put({"a": b"of a", "b": b"of b"}, 60)
    redis.pause()
    threading.Timer(0.3, signal.pthread_kill, (threading.get_ident(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        cache.get(["a"])
    redis.resume()
    assert cache.get(["b"]) == {"b": b"of b"}


def test_threads_that_wait_for_a_held_server_all_end_in_time(redis, redis_url) -> None:
    cache = RedisCache(redis_url, SHORT)
    cache.get(["a"])
    redis.pause()

    def work(_: int) -> float:
        start = time.monotonic()
        with pytest.raises(UnavailableError):
            cache.get(["a"])
        return time.monotonic() - start

    with ThreadPoolExecutor(2 * CONNECTIONS) as pool:
        assert max(pool.map(work, range(2 * CONNECTIONS))) < 2 * SHORT + 2 * BUSY
    redis.resume()
    _wait_until_it_answers(cache)


def _wait_until_it_answers(cache: RedisCache) -> None:
    end = time.monotonic() + 10
    while True:
        try:
            cache.get(["a"])
        except UnavailableError:
            assert time.monotonic() < end
        else:
            return


@contextmanager
def _server(*words: bytes):
    """The port of a server that says these words, one at each thing it is told, and then nothing more."""

    def serve() -> None:
        talks = []
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            talk = threading.Thread(target=_talk, args=(client, words), daemon=True)
            talks.append(talk)
            talk.start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def _talk(client: socket.socket, words: tuple[bytes, ...]) -> None:
    with client:
        try:
            for word in words:
                if not client.recv(65536):
                    return
                client.sendall(word)
            while client.recv(65536):
                pass
        except OSError:
            return


@pytest.mark.parametrize("scheme", ["redis", "rediss"])
@pytest.mark.parametrize("query", ["", "?cluster=true"])
@pytest.mark.parametrize("account", ["", "user:secret@"])
def test_a_server_that_says_nothing_costs_one_time_out(scheme, query, account) -> None:
    with _server() as port:
        cache = RedisCache(f"{scheme}://{account}127.0.0.1:{port}{query}", SHORT)
        for _ in range(2):
            with _within(SHORT + BUSY), pytest.raises(UnavailableError, match=f"127.0.0.1:{port}"):
                cache.get(["a"])


def test_many_threads_find_a_silent_cluster_silent_at_the_same_time() -> None:
    with _server() as port, ThreadPoolExecutor(20) as pool, _within(SHORT + 2 * BUSY):
        cache = RedisCache(f"redis://127.0.0.1:{port}?cluster=true", SHORT)
        for asked in [pool.submit(cache.get, ["a"]) for _ in range(20)]:
            assert isinstance(asked.exception(), UnavailableError)


def test_a_server_that_stops_talking_after_the_password_costs_one_time_out() -> None:
    with _server(b"+OK\r\n") as port, _within(SHORT + BUSY):
        cache = RedisCache(f"redis://user:secret@127.0.0.1:{port}", SHORT)
        with pytest.raises(UnavailableError, match="no answer within"):
            cache.get(["a"])


@pytest.mark.parametrize(
    "garbage",
    [
        b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n<html>",
        b"\x00\xff\x15\x03\x01\r\n\r\n",
        b"\x15\x03\x01\x00\x02\x02\r\n",
        b"$many\r\n",
        b"*99999999999999999999\r\n",
        b"$99999999999999\r\nx",
        b"*1\r\n" * 10_000,
        b"*-7\r\n",
        b"+OK\r\n",
        b":12\r\n",
        b"$2\r\nhi\r\n",
        b"*0\r\n",
        b"*2\r\n$1\r\na\r\n$1\r\nb\r\n",
        b"-MOVED\r\n",
        b"-MOVED 1 nowhere\r\n",
        b"-MOVED 1 :x\r\n",
        b"-\x1b[31mred\r\n",
        b"-LOADING Redis is loading the dataset in memory\r\n",
        b"-CLUSTERDOWN The cluster is down\r\n",
        b"-TRYAGAIN Multiple keys request during rehashing of slot\r\n",
        b"-ASK 15495 127.0.0.1:1\r\n",
        b"-ERR max number of clients reached\r\n",
        b"-MASTERDOWN Link with MASTER is down\r\n",
        b"\r\n",
    ],
)
@pytest.mark.parametrize("query", ["", "?cluster=true"])
def test_a_server_that_talks_nonsense_or_is_not_ready_is_unavailable(garbage, query) -> None:
    with _server(garbage, garbage, garbage) as port:
        cache = RedisCache(f"redis://127.0.0.1:{port}{query}", SHORT)
        for _ in range(2):
            with _within(3 * SHORT + BUSY), pytest.raises(UnavailableError) as found:
                cache.get(["a"])
            assert f"127.0.0.1:{port}" in found.value.message
            assert found.value.message.isprintable()


def test_a_cluster_that_sends_us_in_circles_is_left() -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    with _server(b"-MOVED 15495 127.0.0.1:%d\r\n" % port) as other, _within(3 * SHORT + BUSY):
        cache = RedisCache(f"redis://127.0.0.1:{other}?cluster=true", SHORT)
        with pytest.raises(UnavailableError):
            cache.get(["a"])
    with _server(*[b"-MOVED 15495 :%d\r\n" % port] * 4) as other, _within(3 * SHORT + BUSY):
        cache = RedisCache(f"redis://127.0.0.1:{other}?cluster=true", SHORT)
        with pytest.raises(UnavailableError):
            cache.get(["a"])


def test_what_nobody_asked_for_is_not_an_answer(monkeypatch) -> None:
    monkeypatch.setattr(redis_servers, "FRESH", 0.0)  # as after half a second
    with _server(b"*1\r\n$4\r\nof a\r\n*1\r\n$5\r\nstray\r\n", b"*1\r\n$4\r\nof b\r\n") as port:
        cache = RedisCache(f"redis://127.0.0.1:{port}", SHORT)
        assert cache.get(["a"]) == {"a": b"of a"}
        assert cache.get(["b"]) == {"b": b"of a"}  # the first words of a new connection


def test_a_full_server_is_unavailable_for_values_and_still_answers(redis, redis_url) -> None:
    cache = RedisCache(redis_url, PATIENCE)
    cache.put({"{p}a": b"1"}, 60)
    redis.command("CONFIG", "SET", "maxmemory", 1)
    try:
        with pytest.raises(UnavailableError, match="maxmemory"):
            cache.put({f"{{p}}{number}": bytes(1000) for number in range(4)}, 60)
        with pytest.raises(UnavailableError, match="maxmemory"):
            cache.lock("{p}l", 60)
        assert cache.get(["{p}a", "{p}0"]) == {"{p}a": b"1"}
    finally:
        redis.command("CONFIG", "SET", "maxmemory", 0)
    cache.put({"{p}b": b"2"}, 60)
    assert cache.get(["{p}a", "{p}b"]) == {"{p}a": b"1", "{p}b": b"2"}


def test_a_replica_takes_no_values_and_is_unavailable(redis, redis_url) -> None:
    cache = RedisCache(redis_url, PATIENCE)
    redis.command("REPLICAOF", "127.0.0.1", 1)
    try:
        with pytest.raises(UnavailableError, match="read only"):
            cache.put({"a": b"1"}, 60)
    finally:
        redis.command("REPLICAOF", "NO", "ONE")


def test_a_wrong_password_is_a_setting_and_is_not_repeated(redis_strict) -> None:
    cache = RedisCache(redis_strict.url("a-wrong-secret"), PATIENCE)
    with pytest.raises(
        SettingsError, match=f"{redis_strict.user}@127.0.0.1:{redis_strict.server.port}.*refused"
    ) as found:
        cache.get(["a"])
    assert "a-wrong-secret" not in f"{found.value} {found.value.hint} {found.value.__cause__}"


def test_a_password_that_is_missing_or_not_wanted_is_a_setting(redis_tls, redis, redis_url) -> None:
    url = redis_tls.url()
    cache = RedisCache(url.replace(url.split("://")[1].split("@")[0] + "@", ""), PATIENCE)
    with pytest.raises(SettingsError, match="refused"):
        cache.get(["a"])
    cache = RedisCache(redis_url.replace("//", "//:secret@"), PATIENCE)
    with pytest.raises(SettingsError, match="refused"):
        cache.get(["a"])


def test_a_user_without_rights_is_a_setting(servers_folder) -> None:
    users = ("reader on >secret ~geoid:* &* -@all +mget",)
    with CacheServer(servers_folder / "rights", CacheOptions(users=users)) as server:
        cache = RedisCache(server.url("reader", "secret"), PATIENCE)
        assert cache.get(["geoid:a"]) == {}
        for _ in range(2):
            with pytest.raises(SettingsError, match="reader@"):
                cache.put({"geoid:a": b"1"}, 60)
            with pytest.raises(SettingsError, match="permissions"):
                cache.get(["other"])
        assert cache.get(["geoid:a"]) == {}


def test_a_certificate_of_the_wrong_authority_or_for_another_host_is_a_setting(redis_tls, authority) -> None:
    right = redis_tls.url()
    for url in (
        right.replace("%2Fright%2F", "%2Fwrong%2F"),
        right.split("?")[0],
        right.replace("127.0.0.1", "127.1"),  # the same address, but not in the certificate
    ):
        with pytest.raises(SettingsError, match="certificate does not hold") as found:
            RedisCache(url, PATIENCE).get(["a"])
        assert redis_tls.options.password not in str(found.value)


def test_a_certificate_may_be_for_another_host_where_one_says_so(redis_tls) -> None:
    assert RedisCache(f"{redis_tls.url()}&ssl_check_hostname=false", PATIENCE).get(["a"]) == {}
    assert RedisCache(f"{redis_tls.url().split('?')[0]}?ssl_cert_reqs=none", PATIENCE).get(["a"]) == {}


def test_a_server_that_wants_a_certificate_of_ours_gets_it_or_the_hint_says_how(redis_tls, authority) -> None:
    redis_tls.command("CONFIG", "SET", "tls-auth-clients", "yes")
    ours = f"&ssl_certfile={authority.tls.certificate}&ssl_keyfile={authority.tls.key}"
    try:
        assert RedisCache(redis_tls.url() + ours, PATIENCE).get(["a"]) == {}
        with pytest.raises((SettingsError, UnavailableError)) as found:  # the server may close before its alert is read
            RedisCache(redis_tls.url(), PATIENCE).get(["a"])
        assert "ssl_certfile" in found.value.hint
    finally:
        _without_certificate(redis_tls, authority)


def _without_certificate(server: CacheServer, authority) -> None:
    client = redis_py.Redis(
        server.host, server.port, password=server.options.password, ssl=True, ssl_ca_certs=str(authority.tls.authority),
        ssl_certfile=str(authority.tls.certificate), ssl_keyfile=str(authority.tls.key),
    )  # fmt: skip
    with client:
        client.config_set("tls-auth-clients", "no")


def test_tls_where_there_is_none_is_a_setting(redis, redis_url) -> None:
    with _server(b"-ERR Protocol error, got 0x16\r\n") as port, pytest.raises(SettingsError, match="TLS"):
        RedisCache(f"rediss://127.0.0.1:{port}", PATIENCE).get(["a"])


def test_no_tls_where_there_is_some_is_unavailable(redis_tls) -> None:
    with _within(PATIENCE + BUSY), pytest.raises(UnavailableError) as found:
        RedisCache(f"redis://127.0.0.1:{redis_tls.port}", 1).get(["a"])
    assert found.value.message.isprintable()


@pytest.mark.parametrize(
    "url",
    [
        "redis:/localhost",
        "http://localhost",
        "unix:///run/redis.sock",
        "memory:",
        "redis://",
        "redis://:hush@",
        "redis://user:hush@host:port",
        "redis://:hu/sh@host:6379",
        "redis://:hush#1@host:6379",
        "redis://user:12?hush@host:6379",
        "redis://:hush@host:6379/cache",
        "redis://:hush@host:99999",
        "redis://:hush@host?db=one",
        "redis://:hush@host?cluster=maybe",
        "redis://:hush@host/1?cluster=true",
        "redis://:hush@host?clutser=true",
        "redis://:hush@host?socket_timeout=5",
        "redis://:hush@host?decode_responses=true",
        "redis://:hush@host?ssl_ca_certs=/none",
        "rediss://:hush@host?ssl_ca_certs=/none",
        "rediss://:hush@host?ssl_cert_reqs=maybe",
        "redis://:hush@[::1",
    ],
)
def test_a_url_with_a_mistake_is_a_setting_and_its_password_is_not_repeated(url) -> None:
    with pytest.raises(SettingsError) as found:
        RedisCache(url)
    assert "hu" not in f"{found.value} {found.value.__cause__}"
    assert found.value.hint
