"""The circuit breaker: when it opens, how often it probes, when it closes; alone and with many threads."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st
from processes import Clock

from geoid.core.breaker import FAILURES, REST, Breaker


@pytest.fixture(name="clock")
def _clock() -> Clock:
    return Clock()


@pytest.fixture(name="breaker")
def _breaker(clock: Clock) -> Breaker:
    return Breaker(now=clock)


def opened(breaker: Breaker) -> Breaker:
    for _ in range(FAILURES):
        assert breaker.admits()
        breaker.failed()
    return breaker


def test_one_failure_may_be_chance(breaker: Breaker) -> None:
    breaker.failed()
    assert breaker.admits()


def test_two_failures_in_a_row_open_it(breaker: Breaker) -> None:
    assert FAILURES == 2
    assert not opened(breaker).admits()


def test_a_success_between_two_failures_keeps_it_closed(breaker: Breaker) -> None:
    breaker.failed()
    breaker.succeeded()
    breaker.failed()
    assert breaker.admits()


def test_after_its_rest_it_lets_one_request_probe(breaker: Breaker, clock: Clock) -> None:
    opened(breaker)
    clock.now = REST * 0.99
    assert not breaker.admits()
    clock.now = REST
    assert [breaker.admits() for _ in range(3)] == [True, False, False]


def test_a_probe_that_fails_means_another_rest(breaker: Breaker, clock: Clock) -> None:
    opened(breaker)
    clock.now = REST
    assert breaker.admits()
    clock.now += 0.3
    breaker.failed()
    clock.now += REST * 0.99
    assert not breaker.admits()
    clock.now += REST * 0.01
    assert breaker.admits()


def test_a_probe_that_never_says_how_it_went_is_followed_by_another_one(breaker: Breaker, clock: Clock) -> None:
    opened(breaker)
    clock.now = REST
    assert breaker.admits()
    clock.now += REST
    assert [breaker.admits() for _ in range(2)] == [True, False]


def test_a_probe_that_succeeds_closes_it_for_all(breaker: Breaker, clock: Clock) -> None:
    opened(breaker)
    clock.now = REST
    assert breaker.admits()
    breaker.succeeded()
    assert all(breaker.admits() for _ in range(5))
    breaker.failed()
    assert breaker.admits()


def test_it_knows_whether_the_server_ever_answered(breaker: Breaker) -> None:
    breaker.failed()
    assert not breaker.met
    breaker.succeeded()
    breaker.failed()
    assert breaker.met


def test_of_a_hundred_threads_one_probes(breaker: Breaker, clock: Clock) -> None:
    opened(breaker)
    clock.now = REST
    start = threading.Barrier(100)

    def asking(_: int) -> bool:
        start.wait(30)
        return breaker.admits()

    with ThreadPoolExecutor(100) as threads:
        assert sum(threads.map(asking, range(100))) == 1


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), max_size=60))
def test_while_a_server_fails_it_is_asked_twice_and_then_once_a_rest(steps) -> None:
    clock = Clock()
    breaker, failed = Breaker(now=clock), []
    for eighths, up in steps:
        clock.now += eighths / 8
        open_since = failed[-1] if len(failed) >= FAILURES else -REST
        assert breaker.admits() == (clock.now - open_since >= REST)
        if clock.now - open_since >= REST:
            failed = [] if up else [*failed, clock.now]
            (breaker.succeeded if up else breaker.failed)()
