"""Single flight: who fetches, who waits, and that nobody waits for ever."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from geoid.core.flights import Flights
from geoid.errors import UnavailableError


@pytest.fixture(name="flights")
def _flights() -> Flights[bytes]:
    return Flights()


def test_alone_all_keys_are_mine(flights: Flights[bytes]) -> None:
    with flights.board(["a", "b"]) as boarding:
        assert (boarding.mine, boarding.others) == (("a", "b"), {})


def test_keys_that_fly_are_those_of_others_and_land_with_their_answers(flights: Flights[bytes]) -> None:
    with flights.board(["a", "b"]) as first:
        with flights.board(["b", "c"]) as second:
            assert (second.mine, list(second.others)) == (("c",), ["b"])
        first.land({"a": b"1", "b": b"2"})
        assert second.others["b"].result(0) == b"2"


def test_what_has_landed_is_forgotten(flights: Flights[bytes]) -> None:
    with flights.board(["a"]) as first:
        first.land({"a": b"1"})
    with flights.board(["a"]) as second:
        assert second.mine == ("a",)


def test_an_error_reaches_those_who_wait_and_not_those_who_come_after(flights: Flights[bytes]) -> None:
    with pytest.raises(UnavailableError), flights.board(["a"]), flights.board(["a"]) as waiting:
        raise UnavailableError("gone")
    with pytest.raises(UnavailableError, match="gone"):
        waiting.others["a"].result(0)
    with flights.board(["a"]) as later:
        assert later.mine == ("a",)


def test_who_lands_nothing_lets_nobody_wait(flights: Flights[bytes]) -> None:
    with flights.board(["a", "b"]) as first, flights.board(["a", "b"]) as waiting:
        first.land({"a": b"1"})
    assert waiting.others["a"].result(0) == b"1"
    with pytest.raises(KeyError):
        waiting.others["b"].result(0)


def test_two_threads_that_want_each_others_keys_do_not_wait_in_a_ring(flights: Flights[bytes]) -> None:
    start = threading.Barrier(2)

    def fetching(keys: list[str]) -> dict[str, bytes]:
        start.wait(10)
        with flights.board(keys) as boarding:
            found = {key: key.encode() for key in boarding.mine}
            boarding.land(found)
        return found | {key: future.result(10) for key, future in boarding.others.items()}

    for _ in range(100):
        with ThreadPoolExecutor(2) as threads:
            wanted = [["a", "b", "c"], ["c", "b", "a"]]
            assert list(threads.map(fetching, wanted)) == [{"a": b"a", "b": b"b", "c": b"c"}] * 2


def test_of_two_hundred_threads_each_key_is_fetched_by_one_at_a_time(flights: Flights[bytes]) -> None:
    flying: set[str] = set()

    def fetching(number: int) -> dict[str, bytes]:
        keys = [f"{(number + step) % 7}" for step in range(4)]
        with flights.board(keys) as boarding:
            assert not flying & set(boarding.mine)
            flying.update(boarding.mine)
            found = {key: key.encode() for key in boarding.mine}
            flying.difference_update(boarding.mine)
            boarding.land(found)
        return found | {key: future.result(10) for key, future in boarding.others.items()}

    with ThreadPoolExecutor(200) as threads:
        for number, found in enumerate(threads.map(fetching, range(200))):
            assert found == {key: key.encode() for key in (f"{(number + step) % 7}" for step in range(4))}


def test_who_shares_gets_the_answer_of_the_thread_that_is_at_it(flights: Flights[bytes]) -> None:
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


def test_an_error_of_who_shares_is_not_kept(flights: Flights[bytes]) -> None:
    def fail() -> bytes:
        raise UnavailableError("gone")

    with pytest.raises(UnavailableError):
        flights.share("a", fail, 10)
    assert flights.share("a", lambda: b"1", 10) == b"1"
