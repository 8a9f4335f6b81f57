"""Redis and Valkey when all is well but for the load: round trips, connections, passwords, clusters."""

from __future__ import annotations

import os
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from geoid.adapters.redis import RedisCache
from geoid.adapters.redis_servers import CONNECTIONS
from geoid.errors import SettingsError, UnavailableError
from geoid.stack.cache import CacheOptions, CacheServer

PATIENCE = 5
HALF = 8191
"""The last slot of a cluster's first node."""
PLACE = {f"geoid:{{83754efffffffff}}:1:{cell}": bytes([cell]) * 300 for cell in range(4)}


class Relay:
    """A port that passes bytes on to a server, and counts how often the talk turns from the client to the server."""

    def __init__(self, port: int) -> None:
        self.turns = 0
        self.asked = b""
        self._target = port
        self._last = ""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self._target))
            threading.Thread(target=self._pass, args=("asked", client, server), daemon=True).start()
            threading.Thread(target=self._pass, args=("answered", server, client), daemon=True).start()

    def _pass(self, what: str, source: socket.socket, target: socket.socket) -> None:
        with source, target:
            while data := _received(source):
                self.turns += what == "asked" != self._last
                self.asked += data if what == "asked" else b""
                self._last = what
                target.sendall(data)

    def close(self) -> None:
        self._listener.close()


def _received(source: socket.socket) -> bytes:
    try:
        return source.recv(1 << 20)
    except OSError:
        return b""


@pytest.fixture(name="relay")
def _relay(redis, redis_url):
    relay = Relay(redis.port)
    yield relay
    relay.close()


def test_a_request_is_one_round_trip(relay, redis) -> None:
    cache = RedisCache(f"redis://127.0.0.1:{relay.port}", PATIENCE)
    assert cache.get(list(PLACE)) == {}
    relay.turns = 0
    redis.command("CONFIG", "RESETSTAT")
    cache.put(PLACE, 60)
    assert relay.turns == 1
    assert cache.get(list(PLACE)) == PLACE
    assert relay.turns == 2
    assert cache.lock("a", 60)
    assert relay.turns == 3
    stats = redis.command("INFO", "commandstats")
    assert (stats["cmdstat_mget"]["calls"], stats["cmdstat_set"]["calls"]) == (1, 5)


@pytest.mark.parametrize("query", ["", "?cluster=true"])
def test_a_new_connection_sends_nothing_but_what_was_asked(relay, query) -> None:
    assert RedisCache(f"redis://127.0.0.1:{relay.port}{query}", PATIENCE).get(["a"]) == {}
    assert relay.asked == b"*2\r\n$4\r\nMGET\r\n$1\r\na\r\n"


def test_making_a_cache_connects_to_nothing() -> None:
    RedisCache("redis://cache.invalid:1/0?cluster=true")


def test_a_value_of_another_type_is_not_there(redis, redis_url) -> None:
    redis.command("LPUSH", "{p}list", "1")
    cache = RedisCache(redis_url, PATIENCE)
    cache.put({"{p}a": b"1"}, 60)
    assert cache.get(["{p}list", "{p}a"]) == {"{p}a": b"1"}


def test_values_have_the_time_to_live_they_were_given(redis, redis_url) -> None:
    cache = RedisCache(redis_url, PATIENCE)
    cache.put({"a": b"1"}, 600)
    cache.put({"b": b"1"}, 0)
    assert 599_000 < redis.command("PTTL", "a") <= 600_000
    time.sleep(0.01)
    assert cache.get(["b"]) == {}


def test_valkey_urls_are_redis_urls(redis, redis_url) -> None:
    cache = RedisCache(redis_url.replace("redis://", "valkey://") + "/2", PATIENCE)
    cache.put({"a": b"1"}, 60)
    assert cache.get(["a"]) == {"a": b"1"}
    assert redis.command("INFO", "keyspace")["db2"]["keys"] == 1
    redis.command("FLUSHALL")


def test_many_threads_share_few_connections(redis, redis_url) -> None:
    cache = RedisCache(redis_url, 2 * PATIENCE)
    before = redis.command("INFO", "clients")["connected_clients"]
    threads = 3 * CONNECTIONS // 2
    together = threading.Barrier(threads)

    def work(number: int) -> bool:
        together.wait()
        places = [{f"{number}-{turn}": f"{number} {turn}".encode()} for turn in range(5)]
        for place in places:
            cache.put(place, 60)
        return all(cache.get(list(place)) == place for place in places)

    with ThreadPoolExecutor(threads) as pool:
        assert all(pool.map(work, range(threads)))
    assert redis.command("INFO", "clients")["connected_clients"] <= before + CONNECTIONS


def test_one_thread_has_one_connection(redis, redis_url) -> None:
    before = redis.command("INFO", "stats")["total_connections_received"]
    cache = RedisCache(redis_url, PATIENCE)
    for number in range(20):
        cache.put({f"{number}": b"1"}, 60)
    assert redis.command("INFO", "stats")["total_connections_received"] == before + 2  # one is the administrator's


def test_a_connection_that_the_server_closed_costs_no_error(redis, redis_url) -> None:
    cache = RedisCache(redis_url, PATIENCE)
    for lock in "abc":
        cache.put({"{p}a": b"1"}, 60)
        redis.command("CLIENT", "KILL", "TYPE", "normal")
        assert cache.get(["{p}a"]) == {"{p}a": b"1"}
        redis.command("CLIENT", "KILL", "TYPE", "normal")
        assert cache.lock(lock, 60)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="platform: there is no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_has_connections_of_its_own(redis, redis_url) -> None:
    cache = RedisCache(redis_url, PATIENCE)
    cache.put({"a": b"1"}, 60)
    before = redis.command("INFO", "stats")["total_connections_received"]
    child = os.fork()
    if child == 0:
        os._exit(0 if cache.get(["a"]) == {"a": b"1"} else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert cache.get(["a"]) == {"a": b"1"}
    assert redis.command("INFO", "stats")["total_connections_received"] == before + 2


@pytest.fixture(name="token")
def _token(redis_strict, tmp_path):
    """A file with the token in force; the server's own is in force again afterwards."""
    file = tmp_path / "token"
    file.write_text(f"{redis_strict.token}\n")
    yield file
    redis_strict.renew(redis_strict.token)


def _without_password(url: str) -> str:
    scheme, rest = url.split("://")
    account, host = rest.split("@")
    return f"{scheme}://{account.split(':')[0]}@{host}"


def test_a_renewed_token_is_read_for_the_next_connection(redis_strict, token) -> None:
    cache = RedisCache(f"{_without_password(redis_strict.url())}&password_file={token}", PATIENCE)
    cache.put({"a": b"1"}, 60)
    redis_strict.renew("next")
    assert cache.get(["a"]) == {"a": b"1"}  # an open connection lives on
    token.write_text("next")
    redis_strict.server.command("CLIENT", "KILL", "USER", redis_strict.user)
    assert cache.get(["a"]) == {"a": b"1"}
    redis_strict.server.command("CLIENT", "KILL", "USER", redis_strict.user)
    token.write_text("outdated")
    with pytest.raises(SettingsError, match="refused"):
        cache.get(["a"])
    token.write_text("next")
    assert cache.get(["a"]) == {"a": b"1"}


def test_a_password_is_asked_for_with_each_connection(redis_strict) -> None:
    asked = []

    def password() -> str:
        asked.append(1)
        return redis_strict.token

    cache = RedisCache(_without_password(redis_strict.url()), PATIENCE, password)
    for connections in (1, 2):
        cache.put({"a": b"1"}, 60)
        cache.put({"b": b"1"}, 60)
        assert len(asked) == connections
        redis_strict.server.command("CLIENT", "KILL", "USER", redis_strict.user)


def test_a_password_file_that_is_not_there_is_named(redis_strict, tmp_path) -> None:
    cache = RedisCache(f"{_without_password(redis_strict.url())}&password_file={tmp_path / 'none'}", PATIENCE)
    for _ in range(2):
        with pytest.raises(SettingsError, match="none: the cache's password cannot be read"):
            cache.get(["a"])


def test_one_endpoint_with_all_slots_is_never_asked_for_its_topology(redis_strict) -> None:
    redis_strict.server.command("CONFIG", "RESETSTAT")
    cache = RedisCache(redis_strict.url(), PATIENCE)
    for place in range(50):
        cache.put({f"{{{place}}}": b"1"}, 60)
    stats = redis_strict.server.command("INFO", "commandstats")
    assert stats["cmdstat_set"]["calls"] == 50
    assert "cmdstat_cluster|slots" not in stats
    assert "cmdstat_command" not in stats


@pytest.fixture(name="nodes", scope="module")
def _nodes(servers_folder, authority):
    """Two nodes of a cluster with TLS, each with half of the slots."""
    options = CacheOptions(tls=authority.tls, cluster=True)
    with CacheServer(servers_folder / "node1", options) as one, CacheServer(servers_folder / "node2", options) as two:
        two.command("CLUSTER", "FLUSHSLOTS")
        one.command("CLUSTER", "DELSLOTSRANGE", HALF + 1, 16383)
        two.command("CLUSTER", "ADDSLOTSRANGE", HALF + 1, 16383)
        two.command("CLUSTER", "SET-CONFIG-EPOCH", 2)
        one.command("CLUSTER", "MEET", one.host, two.port)
        _wait_for(lambda: all(_state(node)["cluster_state"] == "ok" for node in (one, two)))
        _wait_for(lambda: all(_state(node)["cluster_known_nodes"] == "2" for node in (one, two)))
        yield one, two


def _state(node: CacheServer) -> dict[str, str]:
    return node.command("CLUSTER INFO")


def _wait_for(condition) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def _reset(nodes) -> None:
    for node in nodes:
        node.command("CONFIG", "RESETSTAT")


def _calls(nodes, name: str) -> int:
    return sum(node.command("INFO", "commandstats").get(f"cmdstat_{name}", {}).get("calls", 0) for node in nodes)


def test_each_place_is_asked_of_the_node_that_has_it(nodes) -> None:
    cache = RedisCache(nodes[0].url(), PATIENCE)
    places = [{f"geoid:{{{place:x}}}:{cell}": b"1" for cell in range(4)} for place in range(100)]
    for place in places:
        cache.put(place, 60)
    assert _calls(nodes, "cluster|slots") == 1
    _reset(nodes)
    assert all(cache.get(list(place)) == place for place in places)
    assert _calls(nodes, "mget") == 100
    assert all(_calls([node], "mget") > 10 for node in nodes)


def test_a_slot_that_moves_is_followed(nodes) -> None:
    one, two = nodes
    cache = RedisCache(one.url(), PATIENCE)
    places = [f"{{{place:x}}}" for place in range(10)]
    moving = {slot for place in places if (slot := one.command("CLUSTER", "KEYSLOT", place)) > HALF}
    for place in places:
        cache.put({place: b"1"}, 60)
    two.command("FLUSHALL")
    _move(moving, two, one)
    for place in places:
        cache.put({place: b"2"}, 60)
    assert all(cache.get([place]) == {place: b"2"} for place in places)
    one.command("FLUSHALL")
    _move(moving, one, two)
    assert all(cache.get([place]) == {} for place in places)


def _move(slots: set[int], source: CacheServer, target: CacheServer) -> None:
    ours, theirs = (node.command("CLUSTER", "MYID") for node in (source, target))
    for slot in slots:
        target.command("CLUSTER", "SETSLOT", slot, "IMPORTING", ours)
        source.command("CLUSTER", "SETSLOT", slot, "MIGRATING", theirs)
        for node in (target, source):
            node.command("CLUSTER", "SETSLOT", slot, "NODE", theirs)


def test_without_the_clusters_protocol_another_nodes_place_is_an_error_that_says_so(nodes) -> None:
    cache = RedisCache(nodes[0].url().replace("cluster=true", "cluster=false"), PATIENCE)
    with pytest.raises(UnavailableError, match="slot 12182 is at") as found:
        cache.get(["foo"])
    assert "cluster=true" in found.value.hint


def test_a_dead_node_takes_only_its_own_places_along(nodes) -> None:
    one, two = nodes
    for node in nodes:
        node.command("CONFIG", "SET", "cluster-require-full-coverage", "no")
    for first, second in ((one, two), (two, one)):
        cache = RedisCache(first.url(), 1)
        places = [f"{{{place:x}}}" for place in range(30)]
        for place in places:
            cache.put({place: b"1"}, 60)
        dead = {place for place in places if (second.command("CLUSTER", "KEYSLOT", place) > HALF) == (second is two)}
        assert 0 < len(dead) < len(places)
        second.kill()
        for place in places * 3:
            try:
                assert cache.get([place]) == {place: b"1"}
                assert place not in dead
            except UnavailableError:
                assert place in dead
        second.start()
        _wait_for(lambda: all(_state(node)["cluster_state"] == "ok" for node in nodes))


def test_a_cluster_whose_slots_nobody_has_is_unavailable(nodes) -> None:
    cache = RedisCache(nodes[0].url(), PATIENCE)
    nodes[0].command("CLUSTER", "DELSLOTSRANGE", 0, HALF)
    with pytest.raises(UnavailableError, match=r"(?i)hash slot not served|cluster is down"):
        cache.get(["{b}"])
    nodes[0].command("CLUSTER", "ADDSLOTSRANGE", 0, HALF)
    _wait_for(lambda: _state(nodes[0])["cluster_state"] == "ok")
    assert cache.get(["{b}:never put"]) == {}
