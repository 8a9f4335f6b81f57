"""What every `FeatureCache` promises, over all its implementations."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from itertools import product

import pytest
from tables import TableCache

from geoid.adapters.memory import OVERHEAD, MemoryCache
from geoid.adapters.redis import RedisCache

PATIENCE = 5
"""Seconds to wait for a server on a busy machine; how long an answer may take is tested elsewhere."""


class Promises:
    """The contract; a subclass says of whom."""

    def test_what_was_put_is_got_and_what_was_not_is_left_out(self, cache) -> None:
        cache.put({"{p}a": b"1", "{p}b": b"", "{p}c": bytes(range(256)) * 256}, 60)
        found = cache.get(["{p}a", "{p}b", "{p}c", "{p}d"])
        assert found == {"{p}a": b"1", "{p}b": b"", "{p}c": bytes(range(256)) * 256}

    def test_a_later_value_takes_the_place_of_an_earlier_one(self, cache) -> None:
        cache.put({"a": b"1"}, 60)
        cache.put({"a": b"2"}, 60)
        assert cache.get(["a"]) == {"a": b"2"}

    def test_a_value_is_gone_after_its_time(self, cache) -> None:
        cache.put({"{p}a": b"1"}, 0.02)
        cache.put({"{p}b": b"2"}, 60)
        time.sleep(0.05)
        assert cache.get(["{p}a", "{p}b"]) == {"{p}b": b"2"}

    def test_a_value_put_again_has_a_new_time(self, cache) -> None:
        cache.put({"a": b"1"}, 0.02)
        cache.put({"a": b"1"}, 60)
        time.sleep(0.05)
        assert cache.get(["a"]) == {"a": b"1"}

    def test_nothing_is_asked_and_nothing_put_without_harm(self, cache) -> None:
        cache.put({}, 60)
        assert cache.get([]) == {}

    def test_a_key_may_be_asked_for_twice(self, cache) -> None:
        cache.put({"a": b"1"}, 60)
        assert cache.get(["a", "a"]) == {"a": b"1"}

    def test_places_have_values_of_their_own(self, cache) -> None:
        keys = [[f"geoid:{{{place:x}}}:1:{cell}" for cell in range(4)] for place in range(64)]
        for four in keys:
            cache.put({key: key.encode() for key in four}, 60)
        assert all(cache.get(four) == {key: key.encode() for key in four} for four in keys)

    def test_a_lock_is_held_by_one_until_its_time_is_over(self, cache) -> None:
        assert cache.lock("{p}a", 0.5)
        assert not cache.lock("{p}a", 60)
        assert cache.lock("{p}b", 60)
        time.sleep(0.55)
        assert cache.lock("{p}a", 60)
        assert not cache.lock("{p}a", 60)

    def test_many_threads_may_use_it(self, cache) -> None:
        def work(number: int) -> bool:
            key = f"{number % 7}"
            cache.put({key: key.encode()}, 60)
            return cache.get([key]).get(key) == key.encode()

        with ThreadPoolExecutor(4) as pool:
            assert all(pool.map(work, range(400)))

    def test_a_lock_is_given_to_one_of_many_threads(self, cache) -> None:
        with ThreadPoolExecutor(8) as pool:
            given = list(
                pool.map(lambda asked: (asked[0], cache.lock(f"{asked[0]}", 60)), product(range(10), range(8)))
            )
        assert sorted(number for number, ours in given if ours) == list(range(10))


class TestMemory(Promises):
    """In this process."""

    @pytest.fixture(name="cache")
    def _cache(self):
        return MemoryCache(1_000_000)

    def test_no_more_bytes_are_kept_than_it_was_given_and_the_least_recently_used_goes(self) -> None:
        cache = MemoryCache(2 * (OVERHEAD + 5))
        cache.put({"a": b"12345", "b": b"12345"}, 60)
        cache.get(["a"])
        cache.put({"c": b"1"}, 60)
        assert cache.get(["a", "b", "c"]) == {"a": b"12345", "c": b"1"}

    def test_a_value_beyond_all_bounds_is_not_kept_nor_is_what_it_would_replace(self) -> None:
        cache = MemoryCache(OVERHEAD + 10)
        cache.put({"a": b"1"}, 60)
        cache.put({"a": bytes(11)}, 60)
        assert cache.get(["a"]) == {}
        cache.put({"a": bytes(10)}, 60)
        assert cache.get(["a"]) == {"a": bytes(10)}


class TestTable(Promises):
    """The tests' own."""

    @pytest.fixture(name="cache")
    def _cache(self):
        return TableCache()


class TestRedis(Promises):
    """A plain server."""

    @pytest.fixture(name="cache")
    def _cache(self, redis_url):
        return RedisCache(redis_url, PATIENCE)


class TestRedisTls(Promises):
    """A server with TLS and a password."""

    @pytest.fixture(name="cache")
    def _cache(self, redis_tls):
        redis_tls.command("FLUSHALL")
        return RedisCache(redis_tls.url(host="localhost"), PATIENCE)


class TestRedisStrict(Promises):
    """As ElastiCache Serverless would be: not one command is sent that it forbids."""

    @pytest.fixture(name="cache")
    def _cache(self, redis_strict):
        redis_strict.server.command("FLUSHALL")
        redis_strict.server.command("ACL", "LOG", "RESET")
        yield RedisCache(redis_strict.url(), PATIENCE)
        assert redis_strict.server.command("ACL", "LOG") == []
