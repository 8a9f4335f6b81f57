"""The pointer to the release in force: who reads it when, and what serves while nobody can."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st
from processes import ANT, BEE, COW, LONDON, SUBURB, Clock, World, at, held_everywhere
from tables import TableReleases, release_of

from geoid.core.attempts import Attempt
from geoid.core.breaker import Breaker
from geoid.core.pointers import AGAIN, LIFE, READING, PointerReader
from geoid.core.predictions import NarrowingStatus
from geoid.core.releases import Pointer
from geoid.core.remembered import pack_pointer, pointer_keys
from geoid.core.tiers import Database, SharedCache
from geoid.errors import SettingsError, UnavailableError

ANTS, BEES, COWS = (held_everywhere(taxon, name) for taxon, name in ((ANT, "ants"), (BEE, "bees"), (COW, "cows")))
TTL = 1000.0
CURRENT, CURRENT_FRESH, CURRENT_LOCK = pointer_keys("")


@pytest.fixture(name="world")
def _world() -> World:
    return World(ANTS, BEES, COWS)


def test_stores_that_use_one_cache_do_not_answer_for_each_other(world: World) -> None:
    other = TableReleases(*map(release_of, (BEES, ANTS)))
    shared = SharedCache(world.shared, 0.1, Breaker(now=world.clock))
    for scope, releases in (("one", world.releases), ("two", other)):
        database = Database(world.store, releases, Breaker(now=world.clock))
        made = PointerReader(database, shared, TTL, scope, world.clock)
        assert made.read(Attempt()).current == releases.in_force
    assert release_of(BEES) == other.in_force != world.releases.in_force


def reader(world: World, *, shared: bool = True) -> PointerReader:
    """The pointer as a process that has just started knows it: not at all."""
    cache = SharedCache(world.shared, 0.1, Breaker(now=world.clock)) if shared else None
    return PointerReader(Database(world.store, world.releases, Breaker(now=world.clock)), cache, TTL, "", world.clock)


def attempt(world: World, seconds: float = 0.3) -> Attempt:
    return Attempt(world.clock.now + seconds, world.clock)


def named(world: World, pointers: PointerReader) -> str:
    return pointers.read(attempt(world)).current.name


def test_a_process_reads_it_once_in_its_life(world: World) -> None:
    pointers = reader(world, shared=False)
    for moment in (0.0, 5.0, LIFE - 0.1):
        world.clock.now = moment
        assert named(world, pointers) == "ants"
    assert world.releases.read == 1
    world.clock.now = LIFE
    assert named(world, pointers) == "ants"
    assert world.releases.read == 2


def test_all_processes_together_read_it_once_in_its_life(world: World) -> None:
    for _ in range(20):
        assert named(world, reader(world)) == "ants"
    assert world.releases.read == 1
    world.clock.now = LIFE
    for _ in range(20):
        assert named(world, reader(world)) == "ants"
    assert world.releases.read == 2


def test_what_the_database_says_is_kept_fresh_for_a_while_and_as_the_last_word_for_longer(world: World) -> None:
    named(world, reader(world))
    assert world.shared.given == [(CURRENT_FRESH,), (CURRENT,)]
    assert world.shared.get([CURRENT, CURRENT_FRESH]) == dict.fromkeys(
        [CURRENT, CURRENT_FRESH], pack_pointer(world.pointer())
    )
    world.clock.now = LIFE
    assert list(world.shared.get([CURRENT, CURRENT_FRESH])) == [CURRENT]
    world.clock.now = TTL
    assert world.shared.get([CURRENT, CURRENT_FRESH]) == {}


def test_who_does_not_get_the_lock_goes_on_with_what_it_has_and_looks_again_soon(world: World) -> None:
    pointers = reader(world)
    named(world, pointers)
    world.switch(BEES)
    world.clock.now = LIFE
    assert world.shared.lock(CURRENT_LOCK, READING)
    assert (named(world, pointers), world.releases.read) == ("ants", 1)
    world.shared.put({CURRENT_FRESH: pack_pointer(world.pointer())}, LIFE)
    world.clock.now += AGAIN
    assert (named(world, pointers), world.releases.read) == ("bees", 1)


def test_a_cold_process_that_does_not_get_the_lock_takes_the_last_word_of_the_cache(world: World) -> None:
    named(world, reader(world))
    world.clock.now = LIFE
    assert world.shared.lock(CURRENT_LOCK, READING)
    assert (named(world, reader(world)), world.releases.read) == ("ants", 1)


def test_who_knows_nothing_asks_whoever_has_the_lock(world: World) -> None:
    assert world.shared.lock(CURRENT_LOCK, READING)
    assert (named(world, reader(world)), world.releases.read) == ("ants", 1)


def test_a_process_that_died_with_the_lock_holds_up_nobody_for_long(world: World) -> None:
    pointers = reader(world)
    named(world, pointers)
    world.switch(BEES)
    world.clock.now = LIFE
    assert world.shared.lock(CURRENT_LOCK, READING)
    world.clock.now += READING
    assert named(world, pointers) == "bees"


def test_the_last_pointer_in_the_cache_serves_a_cold_process_while_the_database_is_down(world: World) -> None:
    named(world, reader(world))
    world.fail()
    world.clock.now = LIFE + 100
    assert named(world, reader(world)) == "ants"
    world.shared.down = True
    with pytest.raises(UnavailableError):
        named(world, reader(world))


def test_the_last_pointer_of_the_process_serves_while_both_are_down(world: World) -> None:
    pointers = reader(world)
    named(world, pointers)
    world.fail()
    world.shared.down = True
    world.clock.now = 100 * LIFE
    assert named(world, pointers) == "ants"


def test_while_the_database_is_down_it_is_tried_once_in_a_while(world: World) -> None:
    pointers = reader(world)
    named(world, pointers)
    world.fail()
    world.clock.now = LIFE
    before = world.releases.read
    for _ in range(10):
        named(world, pointers)
    assert world.releases.read == before + 1
    world.fail(down=False)
    world.switch(BEES)
    world.clock.now += READING
    assert named(world, pointers) == "bees"


def test_a_password_that_was_renewed_is_no_error_while_a_pointer_is_known(world: World) -> None:
    pointers = reader(world)
    named(world, pointers)

    def refuse(timeout=None):
        raise SettingsError("the database refuses the password")

    world.releases.pointer = refuse
    world.clock.now = LIFE
    assert named(world, pointers) == "ants"


def test_a_database_that_never_knew_the_password_is_an_error(world: World) -> None:
    def refuse(timeout=None):
        raise SettingsError("the database refuses the password")

    world.releases.pointer = refuse
    with pytest.raises(SettingsError):
        named(world, reader(world))


@pytest.mark.parametrize("value", [b"", b"{}", b"[1, 2]", b"\xff", b"[" * 100_000, b'[["a", "b", "c"], null]'])
def test_junk_in_the_cache_is_noted_and_the_database_asked(world: World, value: bytes) -> None:
    world.shared.put({CURRENT: value, CURRENT_FRESH: value}, 1000)
    going = attempt(world)
    assert reader(world).read(going).current.name == "ants"
    assert {(one.tier, one.kind) for one in going.troubles} == {("cache", "area-data")}
    assert world.shared.get([CURRENT, CURRENT_FRESH]) == dict.fromkeys(
        [CURRENT, CURRENT_FRESH], pack_pointer(world.pointer())
    )


def test_a_release_that_is_gone_is_answered_by_the_one_now_in_force_at_once(world: World) -> None:
    process = world.process()
    assert process.areas.look_up(at(LONDON)).narrowing.release == "ants"
    world.switch(BEES)
    world.switch(COWS)
    del world.store._held[ANTS.digest()]
    process.local.flush()
    world.shared.flush()
    found = process.areas.look_up(at(LONDON)).narrowing
    assert (found.status, found.release) == (NarrowingStatus.APPLIED, "cows")


def test_the_same_where_the_cache_still_calls_the_gone_release_fresh(world: World) -> None:
    process, other = world.process(), world.process()
    assert process.areas.look_up(at(LONDON)).narrowing.release == "ants"
    world.switch(BEES)
    world.switch(COWS)
    del world.store._held[ANTS.digest()]
    world.clock.now += 1
    beside = at(SUBURB)
    assert CURRENT_FRESH in world.shared.get([CURRENT_FRESH])
    assert process.areas.look_up(beside).narrowing.release == "cows"
    assert other.areas.look_up(beside).narrowing.release == "cows"


def test_the_same_where_another_process_holds_the_lock(world: World) -> None:
    process = world.process()
    assert process.areas.look_up(at(LONDON)).narrowing.release == "ants"
    world.switch(BEES)
    world.switch(COWS)
    del world.store._held[ANTS.digest()]
    world.clock.now += 1
    assert world.shared.lock(CURRENT_LOCK, READING)
    assert process.areas.look_up(at(SUBURB)).narrowing.release == "cows"


def test_a_release_that_is_gone_for_good_is_a_status_and_ends(world: World) -> None:
    process = world.process()
    world.store._held.clear()
    for _ in range(3):
        assert process.areas.look_up(at(LONDON)).narrowing.status is NarrowingStatus.DATABASE_UNAVAILABLE


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 5)), min_size=1, max_size=120))
def test_every_process_sees_a_switch_within_two_lives(steps) -> None:
    world = World(ANTS, BEES, COWS)
    pointers = [reader(world) for _ in range(4)]
    since = {"ants": 0.0, "bees": -1.0, "cows": -1.0}  # until when each was in force
    releases = [ANTS, BEES, COWS]
    for what, wait in steps:
        world.clock.now += wait
        since[world.releases.in_force.name] = world.clock.now
        if what == 4:
            world.switch(releases[(releases.index(world.store._held[world.releases.in_force.digest]) + 1) % 3])
            since[world.releases.in_force.name] = world.clock.now
        else:
            assert since[named(world, pointers[what])] >= world.clock.now - 2 * LIFE - AGAIN


def test_threads_that_want_it_at_once_read_it_once(world: World) -> None:
    pointers, start = reader(world, shared=False), threading.Barrier(50)

    def reading(_: int) -> str:
        start.wait(30)
        return pointers.read(Attempt()).current.name

    with ThreadPoolExecutor(50) as threads:
        assert set(threads.map(reading, range(50))) == {"ants"}
    assert world.releases.read == 1


def test_while_one_thread_reads_it_again_the_others_go_on_with_what_they_have(world: World) -> None:
    pointers = reader(world, shared=False)
    named(world, pointers)
    world.clock.now = LIFE
    answering, seen = world.releases.pointer, []

    def pointer(timeout=None):
        seen.append(ThreadPoolExecutor(1).submit(named, world, pointers).result(10))
        return answering(timeout)

    world.switch(BEES)
    world.releases.pointer = pointer
    assert named(world, pointers) == "bees"
    assert seen == ["ants"]


def test_who_knows_nothing_waits_for_the_thread_that_reads_but_not_beyond_its_deadline(world: World) -> None:
    pointers = reader(world, shared=False)
    pointers._reading.acquire()
    with pytest.raises(UnavailableError, match="another thread"):
        pointers.read(Attempt(0.02, Clock()))
    pointers._reading.release()
    assert named(world, pointers) == "ants"


class SlowReleases(TableReleases):
    """A database that swallows the question for the pointer, and every second that it is given."""

    def __init__(self, clock, *releases) -> None:
        super().__init__(*releases)
        self.clock, self.swallows = clock, False

    def pointer(self, timeout: float | None = None) -> Pointer:
        if self.swallows:
            self.clock.now += timeout or 0
            raise UnavailableError("the table does not answer")
        return super().pointer(timeout)


def test_reading_it_again_leaves_time_to_answer_out_of_the_caches(world: World) -> None:
    world.releases = SlowReleases(world.clock, *map(release_of, (ANTS, BEES)))
    process = world.process()
    process.areas.look_up(at(LONDON))
    process.local.flush()  # what it has near would need no time
    world.releases.swallows = world.store.down = True
    world.clock.now = LIFE
    found = process.areas.look_up(at(LONDON)).narrowing
    assert (found.status, found.release) == (NarrowingStatus.APPLIED, "ants")
