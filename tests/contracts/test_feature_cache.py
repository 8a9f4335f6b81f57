"""What every `FeatureCache` promises, over all its implementations."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from tables import TableCache

from geoid.adapters.memory import MemoryCache


@pytest.fixture(name="cache", params=["memory", "table"])
def _cache(request):
    return MemoryCache(100) if request.param == "memory" else TableCache()


def test_what_was_put_is_got_and_what_was_not_is_left_out(cache) -> None:
    cache.put({"a": b"1", "b": b""}, 60)
    assert cache.get(["a", "b", "c"]) == {"a": b"1", "b": b""}


def test_a_later_value_takes_the_place_of_an_earlier_one(cache) -> None:
    cache.put({"a": b"1"}, 60)
    cache.put({"a": b"2"}, 60)
    assert cache.get(["a"]) == {"a": b"2"}


def test_a_value_is_gone_after_its_time(cache) -> None:
    cache.put({"a": b"1"}, 0.02)
    cache.put({"b": b"2"}, 60)
    time.sleep(0.05)
    assert cache.get(["a", "b"]) == {"b": b"2"}


def test_nothing_is_asked_and_nothing_put_without_harm(cache) -> None:
    cache.put({}, 60)
    assert cache.get([]) == {}


def test_many_threads_may_use_it(cache) -> None:
    def work(number: int) -> bool:
        key = f"{number % 7}"
        cache.put({key: key.encode()}, 60)
        return cache.get([key]).get(key) == key.encode()

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(work, range(400)))


def test_the_memory_cache_holds_no_more_than_it_was_given_and_drops_the_least_recently_used() -> None:
    cache = MemoryCache(2)
    cache.put({"a": b"1", "b": b"2"}, 60)
    cache.get(["a"])
    cache.put({"c": b"3"}, 60)
    assert cache.get(["a", "b", "c"]) == {"a": b"1", "c": b"3"}
