"""Each fault of the proxy, before an echo server and before a real cache, in a thread and in a process of its own."""

from __future__ import annotations

import os
import socket
import socketserver
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from geoid.errors import UnavailableError
from geoid.stack.faults import Faults, Mode
from geoid.stack.loopback import free_port
from geoid.stack.proxy import ProcessProxy, ThreadProxy


class Echo(socketserver.BaseRequestHandler):
    def handle(self):
        while data := self.request.recv(65536):
            self.request.sendall(data)


class EchoServer(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False

    def handle_error(self, *_):
        """A reset connection is what some of these tests are about."""


@pytest.fixture(name="echo", scope="module")
def _echo():
    with EchoServer(("127.0.0.1", free_port()), Echo) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


@pytest.fixture(name="proxy", params=[ThreadProxy, ProcessProxy], ids=["thread", "process"])
def _proxy(request, echo):
    with request.param(echo) as proxy:
        yield proxy


def connected(proxy, timeout=5.0):
    return closing(socket.create_connection(("127.0.0.1", proxy.port), timeout))


def echoed(connection, data=b"ping"):
    connection.sendall(data)
    got = b""
    while len(got) < len(data):
        more = connection.recv(65536)
        if not more:
            break
        got += more
    return got


def exchanged(proxy):
    with connected(proxy) as connection:
        return echoed(connection)


def timed(connection, data=b"ping"):
    began = time.monotonic()
    assert echoed(connection, data) == data
    return time.monotonic() - began


def test_bytes_pass_unchanged_and_are_counted(proxy) -> None:
    data = os.urandom(3_000_000)
    with connected(proxy) as connection:
        sender = threading.Thread(target=connection.sendall, args=(data,))
        sender.start()
        got = b""
        while len(got) < len(data):
            got += connection.recv(1 << 20)
        sender.join()
        assert got == data
        counts = proxy.counts()
        assert (counts.connections, counts.connected) == (1, 1)
        assert counts.bytes_up == counts.bytes_down == len(data)


def test_a_small_exchange_is_one_chunk_each_way(proxy) -> None:
    with connected(proxy) as connection:
        for _ in range(5):
            echoed(connection)
        counts = proxy.counts()
        assert (counts.chunks_up, counts.chunks_down) == (5, 5)


def test_the_end_of_one_direction_leaves_the_other(proxy) -> None:
    with connected(proxy) as connection:
        connection.sendall(b"last words")
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(100) == b"last words"
        assert connection.recv(100) == b""
    assert until(lambda: proxy.counts().connected == 0)


def until(condition, seconds=5.0):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    return condition()


def test_latency_is_of_the_round_trip_and_does_not_hold_up_what_comes_after(proxy) -> None:
    with connected(proxy) as connection:
        echoed(connection)
        proxy.set(Faults(latency=0.2))
        assert 0.2 <= timed(connection) < 1.0
        began = time.monotonic()
        for number in range(20):
            connection.sendall(b"%d" % (number % 10))
        assert connection.recv(1) == b"0"
        got = b"0"
        while len(got) < 20:
            got += connection.recv(100)
        assert got == b"01234567890123456789"
        assert time.monotonic() - began < 1.0
        proxy.clear()
        assert timed(connection) < 0.15


def test_jitter_keeps_the_order(proxy) -> None:
    proxy.set(Faults(latency=0.02, jitter=0.1))
    with connected(proxy) as connection:
        for number in range(50):
            connection.sendall(b"%02d" % number)
            time.sleep(0.001)
        got = b""
        while len(got) < 100:
            got += connection.recv(100)
        assert got == b"".join(b"%02d" % number for number in range(50))


def test_clearing_a_latency_frees_what_is_under_way(proxy) -> None:
    proxy.set(Faults(latency=60))
    with connected(proxy) as connection:
        connection.sendall(b"ping")
        time.sleep(0.1)
        proxy.clear()
        assert connection.recv(100) == b"ping"


def test_a_black_hole_swallows_what_is_said_until_it_is_over(proxy) -> None:
    with connected(proxy, 0.3) as old:
        echoed(old)
        proxy.set(Faults(Mode.BLACKHOLE))
        old.sendall(b"ping")
        with connected(proxy, 0.3) as new:
            new.sendall(b"hello")
            for one in (old, new):
                with pytest.raises(TimeoutError):
                    one.recv(1)
            proxy.clear()
            assert old.recv(100) == b"ping"
            assert new.recv(100) == b"hello"


def test_clients_that_give_up_on_a_black_hole_are_forgotten_after_it(proxy) -> None:
    proxy.set(Faults(Mode.BLACKHOLE))
    for _ in range(20):
        with connected(proxy) as connection:
            connection.sendall(b"hello")
    assert until(lambda: proxy.counts().connections == 20)
    proxy.clear()
    assert until(lambda: proxy.counts().connected == 0)


def test_reset_breaks_connections_old_and_new(proxy) -> None:
    with connected(proxy) as old:
        echoed(old)
        proxy.set(Faults(Mode.RESET))
        with pytest.raises(ConnectionResetError):
            old.recv(1)
    with pytest.raises(ConnectionError):
        exchanged(proxy)
    proxy.clear()
    with connected(proxy) as new:
        assert echoed(new) == b"ping"


def test_cut_closes_connections_and_refuses_new_ones_on_the_same_port_until_it_is_over(proxy) -> None:
    port = proxy.port
    with connected(proxy) as old:
        echoed(old)
        proxy.set(Faults(Mode.CUT))
        assert old.recv(1) == b""
    with pytest.raises(ConnectionRefusedError):
        connected(proxy)
    proxy.clear()
    assert proxy.port == port
    with connected(proxy) as new:
        assert echoed(new) == b"ping"


def test_a_rate_bounds_the_bytes_of_each_direction(proxy) -> None:
    proxy.set(Faults(rate=200_000))
    with connected(proxy) as connection:
        assert 0.4 < timed(connection, b"x" * 100_000) < 3


def test_a_server_that_refuses_breaks_the_connection() -> None:
    with (
        ThreadProxy(free_port()) as proxy,
        pytest.raises(ConnectionResetError),
        connected(proxy) as connection,
    ):
        connection.recv(1)


@pytest.mark.parametrize("kind", [ThreadProxy, ProcessProxy])
def test_a_port_in_use_is_named(kind, echo) -> None:
    with pytest.raises(UnavailableError, match=f"port {echo} "), kind(echo, port=echo):
        pass


def test_the_process_is_not_root_and_ends_with_its_input(echo) -> None:
    with ProcessProxy(echo) as proxy:
        assert Path(f"/proc/{proxy.pid}").stat().st_uid != 0
        pid = proxy.pid
    assert not Path(f"/proc/{pid}").exists()


def client(server, port, timeout=0.3):
    url = server.url(port=port)
    return redis.Redis.from_url(
        url, socket_timeout=timeout, socket_connect_timeout=timeout, retry=Retry(NoBackoff(), 0)
    )


@pytest.mark.parametrize(
    ("faults", "error"),
    [
        (Faults(latency=2), redis.TimeoutError),
        (Faults(Mode.BLACKHOLE), redis.TimeoutError),
        (Faults(Mode.RESET), redis.ConnectionError),
        (Faults(Mode.CUT), redis.ConnectionError),
        (Faults(rate=20), redis.TimeoutError),
    ],
    ids=["latency", "blackhole", "reset", "cut", "rate"],
)
def test_a_real_cache_behind_the_proxy_fails_and_comes_back(redis, redis_url, faults, error) -> None:
    fails_and_comes_back(redis, faults, error)


@pytest.mark.parametrize("faults", [Faults(latency=2), Faults(Mode.BLACKHOLE)], ids=["latency", "blackhole"])
def test_a_real_cache_with_tls_behind_the_proxy_fails_and_comes_back(redis_tls, faults) -> None:
    fails_and_comes_back(redis_tls, faults, redis.TimeoutError)


def fails_and_comes_back(server, faults, error):
    with ThreadProxy(server.port) as proxy, client(server, proxy.port) as one:
        one.set("a", "1")
        proxy.set(faults)
        with pytest.raises(error):
            one.get("a")
        proxy.clear()
        assert one.get("a") == b"1"


def test_a_plain_cache_behind_the_proxy_answers_in_one_chunk(redis, redis_url) -> None:
    with ThreadProxy(redis.port) as proxy, client(redis, proxy.port) as one:
        one.mset({"a": "1", "b": "2"})
        before = proxy.counts()
        assert one.mget("a", "b") == [b"1", b"2"]
        after = proxy.counts()
        assert (after.chunks_up - before.chunks_up, after.chunks_down - before.chunks_down) == (1, 1)
