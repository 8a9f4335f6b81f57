"""Single flight: who fetches, who waits, and that nobody waits for ever."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from geoid.core.flights import Flights
from geoid.errors import UnavailableError


@pytest.fixture(name="flights")
def _flights() -> Flights[dict[str, bytes]]:
    return Flights()


class Fetch:
    """Fetches when it is let go; `asked` are the keys of each call."""

    def __init__(self, answers: dict[str, bytes] | None = None, error: Exception | None = None) -> None:
        self.answers, self.error = answers or {}, error
        self.asked: list[list[str]] = []
        self.begun, self.go = threading.Event(), threading.Event()

    def __call__(self, keys) -> dict[str, bytes]:
        self.asked.append(list(keys))
        self.begun.set()
        assert self.go.wait(10)
        if self.error:
            raise self.error
        return self.answers


def now(keys) -> dict[str, bytes]:
    """Fetch at once."""
    return {key: key.encode() for key in keys}


@contextmanager
def flying(flights: Flights[dict[str, bytes]], keys: list[str], fetch: Fetch):
    """While another thread is fetching keys."""
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(flights.lead, keys, fetch)
        assert fetch.begun.wait(10)
        try:
            yield first
        finally:
            fetch.go.set()


def test_alone_all_keys_are_mine(flights) -> None:
    fetch = Fetch({"a": b"1"})
    fetch.go.set()
    assert flights.lead(["a", "b"], fetch) == {}
    assert fetch.asked == [["a", "b"]]


def test_keys_that_fly_are_those_of_others_and_land_with_their_answers(flights) -> None:
    fetch, mine = Fetch({"a": b"1", "b": b"2"}), []
    with flying(flights, ["a", "b"], fetch):
        others = flights.lead(["b", "c"], lambda keys: mine.extend(keys) or now(keys))
        assert (mine, list(others)) == (["c"], ["b"])
        with pytest.raises(TimeoutError):
            others["b"].result(0)
    assert others["b"].result(10)["b"] == b"2"


def test_where_others_fetch_all_nothing_is_asked(flights) -> None:
    fetch = Fetch({"a": b"1"})
    with flying(flights, ["a"], fetch):
        others = flights.lead(["a"], Fetch(error=AssertionError()))
    assert others["a"].result(10) == {"a": b"1"}
    assert fetch.asked == [["a"]]


def test_what_has_landed_is_forgotten(flights) -> None:
    flights.lead(["a"], now)
    assert flights.lead(["a"], now) == {}


def test_an_error_reaches_those_who_wait_and_not_those_who_come_after(flights) -> None:
    with flying(flights, ["a"], Fetch(error=UnavailableError("gone"))) as first:
        waiting = flights.lead(["a"], now)
    for result in (first.result, waiting["a"].result):
        with pytest.raises(UnavailableError, match="gone"):
            result(10)
    assert flights.lead(["a"], now) == {}


def test_two_threads_that_want_each_others_keys_do_not_wait_in_a_ring(flights) -> None:
    start = threading.Barrier(2)

    def fetching(keys: list[str]) -> dict[str, bytes]:
        start.wait(10)
        found: dict[str, bytes] = {}
        others = flights.lead(keys, lambda mine: found.update(now(mine)) or found)
        return found | {key: flight.result(10)[key] for key, flight in others.items()}

    for _ in range(100):
        with ThreadPoolExecutor(2) as threads:
            wanted = [["a", "b", "c"], ["c", "b", "a"]]
            assert list(threads.map(fetching, wanted)) == [{"a": b"a", "b": b"b", "c": b"c"}] * 2


def test_of_two_hundred_threads_each_key_is_fetched_by_one_at_a_time(flights) -> None:
    aloft: set[str] = set()

    def fetching(number: int) -> dict[str, bytes]:
        keys = [f"{(number + step) % 7}" for step in range(4)]
        found: dict[str, bytes] = {}

        def fetch(mine) -> dict[str, bytes]:
            assert not aloft & set(mine)
            aloft.update(mine)
            found.update(now(mine))
            aloft.difference_update(mine)
            return found

        others = flights.lead(keys, fetch)
        return found | {key: flight.result(10)[key] for key, flight in others.items()}

    with ThreadPoolExecutor(200) as threads:
        for number, found in enumerate(threads.map(fetching, range(200))):
            assert found == {key: key.encode() for key in (f"{(number + step) % 7}" for step in range(4))}


def test_who_shares_gets_the_answer_of_the_thread_that_is_at_it(flights) -> None:
    begun, go = threading.Event(), threading.Event()

    def fetch() -> bytes:
        begun.set()
        assert go.wait(10)
        return b"1"

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(flights.share, "a", fetch, 10)
        assert begun.wait(10)
        with pytest.raises(TimeoutError):
            flights.share("a", lambda: b"2", 0)
        go.set()
        assert first.result(10) == b"1"
    assert flights.share("a", lambda: b"3", 10) == b"3"


def test_an_error_of_who_shares_is_not_kept(flights) -> None:
    def fail() -> bytes:
        raise UnavailableError("gone")

    with pytest.raises(UnavailableError):
        flights.share("a", fail, 10)
    assert flights.share("a", lambda: b"1", 10) == b"1"
