"""The cache path over tables: what each tier is asked and given, outcomes, junk in the cache, one flight a cell."""

from __future__ import annotations

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from processes import (
    ANT,
    BEE,
    CITY,
    FIJI,
    LONDON,
    PARIS,
    SUBURB,
    YEAR,
    Process,
    SlowStore,
    World,
    around,
    at,
    contents,
    held_everywhere,
    keys_of,
    truth,
    value,
)
from tables import TableCache, TableStore, release_of

from geoid.core.areas import Limits
from geoid.core.attempts import Attempt
from geoid.core.breaker import REST
from geoid.core.features import Flag
from geoid.core.fetching import ABSENT, JITTER, LOCK_TTL, POLL
from geoid.core.flights import Flights
from geoid.core.places import cells_around
from geoid.core.pointers import LIFE
from geoid.core.predictions import LookupOutcome, NarrowingStatus
from geoid.core.releases import cache_keys
from geoid.core.values import Coordinates
from geoid.errors import AreaDataError, NewerFormatError, SettingsError, UnavailableError

LOCAL_HIT, HIT, MISS = LookupOutcome.LOCAL_HIT, LookupOutcome.HIT, LookupOutcome.MISS
EMPTY, STALE, BYPASS = LookupOutcome.ABSENT, LookupOutcome.STALE, LookupOutcome.BYPASS
UNAVAILABLE = LookupOutcome.UNAVAILABLE
ANTS, BEES = held_everywhere(ANT, "ants"), held_everywhere(BEE, "bees")
SPARSE = contents({around(LONDON)[3]: value(3, (ANT, YEAR, Flag.RANGE))}, "sparse")
"""A release that knows one of London's four cells."""


@pytest.fixture(name="world")
def _world() -> World:
    return World(ANTS, BEES)


def warmed(world: World) -> Process:
    """A process that knows the release in force, and has not been asked for a place."""
    process = world.process()
    process.areas.matched(process.areas.release())
    process.local.asked.clear()
    world.shared.asked.clear()
    world.shared.given.clear()
    return process


def same(evidence, expected) -> bool:
    if evidence is None or expected is None:
        return evidence is expected
    return all(map(bytes.__eq__, *[[one.tobytes() for one in pair[:3]] for pair in (evidence, expected)]))


def looked(process: Process, place=LONDON):
    found = process.areas.look_up(at(place))
    return found.narrowing.status, found.narrowing.lookup, dict(found.facts.outcomes)


def test_outcomes_are_put_in_order_from_the_best_to_the_worst() -> None:
    assert list(LookupOutcome) == [LOCAL_HIT, HIT, MISS, EMPTY, STALE, BYPASS, UNAVAILABLE]


def test_a_miss_fills_both_tiers_in_one_request_each(world: World) -> None:
    process = warmed(world)
    assert looked(process) == (NarrowingStatus.APPLIED, MISS, {MISS: 4})
    keys = keys_of(ANTS, LONDON)
    assert world.store.asked == [cells_around(LONDON)]
    assert world.shared.asked == [keys]
    assert (world.shared.given, process.local.given) == ([keys], [keys])
    assert world.shared.get(keys) == process.local.get(keys)


def test_what_is_near_is_a_local_hit_and_asks_nobody(world: World) -> None:
    process = warmed(world)
    looked(process)
    world.shared.asked.clear()
    assert looked(process) == (NarrowingStatus.APPLIED, LOCAL_HIT, {LOCAL_HIT: 4})
    assert (world.shared.asked, len(world.store.asked)) == ([], 1)


def test_a_hit_in_the_shared_cache_fills_the_local_one(world: World) -> None:
    looked(world.process())
    process = warmed(world)
    assert looked(process) == (NarrowingStatus.APPLIED, HIT, {HIT: 4})
    assert process.local.given == [keys_of(ANTS, LONDON)]
    assert world.shared.given == []
    assert looked(process)[1] is LOCAL_HIT
    assert len(world.store.asked) == 1


def test_cells_are_counted_one_by_one_and_the_place_by_the_worst() -> None:
    world = World(SPARSE)
    process = warmed(world)
    assert looked(process) == (NarrowingStatus.APPLIED, MISS, {MISS: 1, EMPTY: 3})
    assert looked(process) == (NarrowingStatus.APPLIED, LOCAL_HIT, {LOCAL_HIT: 4})
    assert looked(world.process()) == (NarrowingStatus.APPLIED, HIT, {HIT: 4})


def test_a_place_beside_is_partly_near_and_partly_missed(world: World) -> None:
    process = warmed(world)
    looked(process, CITY)
    new = set(cells_around(SUBURB)) - set(cells_around(CITY))
    assert looked(process, SUBURB)[1:] == (MISS, {LOCAL_HIT: 4 - len(new), MISS: len(new)})


def test_no_data_at_all_is_absent_and_is_a_hit_of_its_kind_when_it_is_kept(world: World) -> None:
    process = warmed(world)
    assert looked(process, FIJI) == (NarrowingStatus.NO_DATA_HERE, EMPTY, {EMPTY: 4})
    assert looked(process, FIJI) == (NarrowingStatus.NO_DATA_HERE, EMPTY, {LOCAL_HIT: 4})
    assert looked(world.process(), FIJI) == (NarrowingStatus.NO_DATA_HERE, EMPTY, {HIT: 4})
    assert len(world.store.asked) == 1
    assert set(world.shared.get(keys_of(ANTS, FIJI)).values()) == {ABSENT}


def test_values_are_kept_for_their_time_to_live_less_a_little_that_differs(world: World) -> None:
    for place in (LONDON, PARIS, FIJI):
        looked(world.process(limits=Limits(ttl=1000)), place)
    until = [world.shared._kept[keys_of(ANTS, place)[0]][1] for place in (LONDON, PARIS, FIJI)]
    assert all(1000 * (1 - JITTER) <= one <= 1000 for one in until)
    assert len(set(until)) == 3


def test_every_key_of_the_shared_cache_has_an_end(world: World) -> None:
    looked(world.process())
    world.process().areas.distance_km(["ant"], LONDON)
    assert len(world.shared._kept) > 8
    world.clock.now += Limits().ttl
    assert all(until <= world.clock.now for _, until in world.shared._kept.values())


def test_without_a_shared_cache_a_miss_is_a_miss(world: World) -> None:
    process = warmed(world)
    alone = replace(process.areas, path=replace(process.areas.path, shared=None))
    assert alone.look_up(at(LONDON)).narrowing.lookup is MISS
    assert alone.look_up(at(LONDON)).narrowing.lookup is LOCAL_HIT


class RefusingCache(TableCache):
    """A cache that does not take the password."""

    def _ensure_up(self) -> None:
        raise SettingsError("the cache refuses the password")


def test_a_cache_that_is_down_is_passed_by_and_given_nothing(world: World) -> None:
    process = warmed(world)
    world.shared.down = True
    assert looked(process) == (NarrowingStatus.APPLIED, BYPASS, {BYPASS: 4})
    assert (len(world.shared.asked), world.shared.given) == (1, [])
    assert looked(process)[1] is LOCAL_HIT


def test_a_cache_that_is_down_is_noted_as_trouble(world: World) -> None:
    process = warmed(world)
    world.shared.down = True
    troubles = process.areas.look_up(at(LONDON)).facts.troubles
    assert [(one.tier, one.kind) for one in troubles] == [("cache", "unavailable")]


def test_a_cache_that_refuses_the_password_is_trouble_and_no_error(world: World) -> None:
    world.shared = RefusingCache(world.clock)
    found = world.process().areas.look_up(at(LONDON))
    assert (found.narrowing.status, found.narrowing.lookup) == (NarrowingStatus.APPLIED, BYPASS)
    assert {(one.tier, one.kind) for one in found.facts.troubles} == {("cache", "settings")}


def test_a_cache_that_fails_twice_is_left_alone_for_a_second_and_then_tried_once(world: World) -> None:
    process = warmed(world)
    world.shared.down = True
    places = [Coordinates(latitude, 10) for latitude in range(0, 60, 10)]
    assert [looked(process, place)[1] for place in places] == [EMPTY] * 6  # nothing is known of these places
    assert len(world.shared.asked) == 2
    world.clock.now += REST
    assert looked(process, PARIS)[1] is BYPASS
    assert looked(process, CITY)[1] is BYPASS
    assert len(world.shared.asked) == 3
    world.shared.down = False
    world.clock.now += REST
    process.local.flush()
    assert looked(process, PARIS)[1] is MISS
    assert world.shared.given == [keys_of(ANTS, PARIS)]


def test_a_lookup_whose_time_is_nearly_up_does_not_ask_the_cache(world: World) -> None:
    looked(world.process())
    process = warmed(world)
    short = replace(process.areas, deadline=Limits().cache_timeout * 0.9)
    assert short.look_up(at(LONDON)).narrowing.lookup is BYPASS
    assert (world.shared.asked, world.shared.given) == ([], [])


def junk() -> dict[str, bytes]:
    sound = value(3, (ANT, YEAR, Flag.RANGE))
    return {
        "no mark": b"hello",
        "cut short": sound[:-1],
        "newer format": sound[:2] + b"\x02" + sound[3:],
        "another resolution": value(4, (ANT, YEAR, Flag.RANGE)),
        "no resolution of geoid's": value(9, (ANT, YEAR, Flag.RANGE)),
        "unknown taxon": value(3, (99, YEAR, Flag.RANGE)),
        "not zstd": sound[:3] + b"\x01" + sound[4:],
    }


def placed(resolution: int, junk: bytes) -> tuple[str, dict[str, bytes]]:
    cell = around(LONDON)[resolution]
    keys = {one: key for key, one in cache_keys(release_of(ANTS), cells_around(LONDON)).items()}
    return cell, {keys[cell]: junk}


@pytest.mark.parametrize("kind", junk())
def test_junk_in_the_shared_cache_is_noted_counts_as_not_there_and_is_overwritten(world: World, kind: str) -> None:
    looked(world.process())
    _, bad = placed(3, junk()[kind])
    world.shared.put(bad, 1000)
    process = warmed(world)
    found = process.areas.look_up(at(LONDON))
    assert (found.narrowing.status, found.narrowing.lookup) == (NarrowingStatus.APPLIED, MISS)
    assert same(found.evidence, truth(ANTS, LONDON))
    assert found.facts.outcomes == {HIT: 3, MISS: 1}
    assert [one.tier for one in found.facts.troubles] == ["cache"]
    assert world.store.asked[-1] == (around(LONDON)[3],)
    assert world.shared.get(list(bad)) != bad
    assert looked(world.process()) == (NarrowingStatus.APPLIED, HIT, {HIT: 4})


@pytest.mark.parametrize("kind", junk())
def test_what_is_said_of_junk_does_not_tell_the_place(world: World, kind: str) -> None:
    looked(world.process())
    world.shared.put(placed(3, junk()[kind])[1], 1000)
    for trouble in world.process().areas.look_up(at(LONDON)).facts.troubles:
        assert not any(cell in trouble.message for cell in cells_around(LONDON))


@given(st.dictionaries(st.sampled_from([2, 3, 4, 5]), st.binary(max_size=60).filter(bool)))
@example({5: b"GF\x01\x00\x05" + bytes(19)})
def test_whatever_bytes_a_cache_holds_they_are_no_error(found) -> None:
    world = World(ANTS)
    world.process().areas.look_up(at(LONDON))
    for resolution, data in found.items():
        world.shared.put(placed(resolution, data)[1], 1000)
    assert world.process().areas.look_up(at(LONDON)).narrowing.status is NarrowingStatus.APPLIED


@pytest.mark.parametrize("kind", junk())
def test_junk_in_the_store_is_an_error_and_is_not_kept(kind: str) -> None:
    world = World(ANTS)
    world.store._held[ANTS.digest()] = replace(ANTS, cells={**ANTS.cells, int(around(LONDON)[3], 16): junk()[kind]})
    process = world.process()
    for _ in range(2):
        with pytest.raises((AreaDataError, NewerFormatError)):
            process.areas.look_up(at(LONDON))
    assert not set(keys_of(ANTS, LONDON)) & (set(world.shared._kept) | set(process.local._kept))


def test_an_empty_value_in_the_store_is_an_error_and_not_an_absence() -> None:
    world = World(ANTS)
    world.store._held[ANTS.digest()] = replace(ANTS, cells={**ANTS.cells, int(around(LONDON)[3], 16): b""})
    with pytest.raises(AreaDataError):
        world.process().areas.look_up(at(LONDON))


def test_a_newer_format_in_the_store_is_an_error_even_where_the_former_release_is_in_the_cache(world: World) -> None:
    process = world.process()
    looked(process)
    newer = {cell: one[:2] + b"\x02" + one[3:] for cell, one in BEES.cells.items()}
    world.store._held[BEES.digest()] = replace(BEES, cells=newer)
    world.switch(BEES)
    world.clock.now += LIFE
    with pytest.raises(NewerFormatError):
        process.areas.look_up(at(LONDON))


def test_the_store_is_given_the_seconds_that_are_left(world: World) -> None:
    process = warmed(world)
    looked(process)
    assert world.store.timeouts == [pytest.approx(Limits().deadline)]
    world.store.timeouts.clear()
    process.areas.features(release_of(ANTS), cells_around(PARIS), Attempt())
    assert world.store.timeouts == [None]


def test_who_has_no_time_left_does_not_hold_it_against_the_database(world: World) -> None:
    process = warmed(world)
    late = Attempt(world.clock.now, world.clock)
    for _ in range(5):
        with pytest.raises(UnavailableError):
            process.areas.path.fetch(release_of(ANTS), 5, cells_around(LONDON), late)
    assert world.store.asked == []
    assert looked(process)[1] is MISS


def test_a_store_that_takes_too_long_is_given_up_at_the_deadline(world: World) -> None:
    process = warmed(world)
    slow = SlowStore(world.clock, 2.0, ANTS)
    areas = replace(process.areas, path=replace(process.areas.path, database=replace_store(process, slow)))
    start = world.clock.now
    assert areas.look_up(at(LONDON)).narrowing.status is NarrowingStatus.DATABASE_UNAVAILABLE
    assert world.clock.now == pytest.approx(start + Limits().deadline)


def replace_store(process: Process, store: TableStore):
    return replace(process.areas.path.database, store=store)


class CountedFlights(Flights):
    """Flights that know how many threads have boarded."""

    boarded = 0
    _count = threading.Lock()

    def _board(self, keys, own):
        others = super()._board(keys, own)
        with self._count:
            self.boarded += 1
        return others


def rush(world: World, places, threads: int, *, fail: bool = False):
    """What many threads find that look places up at once, while the store answers when all of them have boarded."""
    flights, landed = CountedFlights(), threading.Event()
    process = warmed(world)
    areas = replace(process.areas, deadline=60, path=replace(process.areas.path, _flights=flights))
    answering = world.store.features

    def features(*question):
        assert landed.wait(30)
        answer = answering(*question)
        if fail:
            raise UnavailableError("the table is down")
        return answer

    world.store.features = features
    with ThreadPoolExecutor(threads) as pool:
        found = [pool.submit(areas.look_up, at(places[number % len(places)])) for number in range(threads)]
        while flights.boarded < threads and not any(one.done() for one in found):
            time.sleep(0.001)
        landed.set()
        world.store.features = answering
        return areas, [one.result(30) for one in found]


def test_two_hundred_threads_that_miss_a_place_at_once_are_one_request(world: World) -> None:
    _, found = rush(world, [LONDON], 200)
    assert world.store.asked == [cells_around(LONDON)]
    assert world.shared.given == [keys_of(ANTS, LONDON)]
    assert Counter(one.narrowing.lookup for one in found) == {MISS: 200}
    assert all(same(one.evidence, truth(ANTS, LONDON)) for one in found)


class SlowCache(TableCache):
    """A cache that takes its time, so that others come meanwhile."""

    def get(self, keys):
        time.sleep(0.2)
        return super().get(keys)


def test_threads_that_ask_the_shared_cache_for_the_same_place_at_once_are_one_request(world: World) -> None:
    world.shared = SlowCache(world.clock)
    looked(world.process())
    areas = replace(warmed(world).areas, deadline=60)
    gate = threading.Barrier(50)

    def looking(_: int):
        gate.wait(30)
        return areas.look_up(at(LONDON))

    with ThreadPoolExecutor(50) as pool:
        found = list(pool.map(looking, range(50)))
    assert world.shared.asked == [keys_of(ANTS, LONDON)]
    assert {one.narrowing.lookup for one in found} <= {HIT, LOCAL_HIT}
    assert all(same(one.evidence, truth(ANTS, LONDON)) for one in found)


def test_one_failure_reaches_all_and_the_next_lookup_asks_anew(world: World) -> None:
    areas, found = rush(world, [LONDON], 200, fail=True)
    assert {one.narrowing.status for one in found} == {NarrowingStatus.DATABASE_UNAVAILABLE}
    assert world.store.asked == [cells_around(LONDON)]
    assert areas.look_up(at(LONDON)).narrowing.status is NarrowingStatus.APPLIED
    assert len(world.store.asked) == 2


def test_places_that_share_coarse_cells_ask_for_each_cell_once(world: World) -> None:
    _, found = rush(world, [CITY, SUBURB], 40)
    asked = Counter(cell for cells in world.store.asked for cell in cells)
    assert set(asked) == {*cells_around(CITY), *cells_around(SUBURB)}
    assert set(asked.values()) == {1}
    for number, one in enumerate(found):
        assert same(one.evidence, truth(ANTS, [CITY, SUBURB][number % 2]))


def test_threads_of_a_cold_process_read_the_taxa_once(world: World) -> None:
    process, gate = world.process(), threading.Barrier(20)
    areas = replace(process.areas, deadline=60)
    areas.release()
    answering = world.store.taxa

    def taxa(*question):
        time.sleep(0.05)  # long enough for the others to come
        return answering(*question)

    def looking(_: int):
        gate.wait(30)
        return areas.look_up(at(LONDON))

    world.store.taxa = taxa
    with ThreadPoolExecutor(20) as pool:
        list(pool.map(looking, range(20)))
    assert len(world.store.taxa_read) == 1


def held_by_another(world: World, place=LONDON) -> None:
    """Another process has just begun to fetch a place."""
    assert world.shared.lock(f"{keys_of(ANTS, place)[0]}:lock", LOCK_TTL)


def test_who_finds_the_lock_taken_waits_for_the_value_in_the_shared_cache(world: World) -> None:
    naps = []

    def nap(seconds: float) -> None:
        world.clock.sleep(seconds)
        naps.append(seconds)
        if len(naps) == 3:
            world.shared.put({key: ANTS.cells[int(key.rsplit(":")[-1], 16)] for key in keys_of(ANTS, LONDON)}, 1000)

    process = world.process(sleep=nap)
    process.areas.matched(process.areas.release())
    held_by_another(world)
    found = process.areas.look_up(at(LONDON))
    assert (naps, world.store.asked) == ([POLL] * 3, [])
    assert same(found.evidence, truth(ANTS, LONDON))
    assert found.narrowing.lookup is MISS
    assert looked(process)[1] is LOCAL_HIT


def test_it_waits_no_longer_than_its_patience_and_asks_itself(world: World) -> None:
    process = warmed(world)
    held_by_another(world)
    start = world.clock.now
    assert looked(process) == (NarrowingStatus.APPLIED, MISS, {MISS: 4})
    assert world.clock.now - start == pytest.approx(LOCK_TTL / 2, abs=2 * POLL)
    assert world.store.asked == [cells_around(LONDON)]
    assert world.store.timeouts[0] == pytest.approx(Limits().deadline - LOCK_TTL / 2, abs=2 * POLL)


def test_a_lookup_with_little_time_waits_for_half_of_it(world: World) -> None:
    process = warmed(world)
    held_by_another(world)
    short = replace(process.areas, deadline=0.22)
    start = world.clock.now
    assert short.look_up(at(LONDON)).narrowing.status is NarrowingStatus.APPLIED
    assert world.clock.now - start == pytest.approx(0.11, abs=2 * POLL)


def test_a_process_that_died_with_the_lock_blocks_nobody_for_longer_than_the_lock_lasts(world: World) -> None:
    held_by_another(world, PARIS)
    world.clock.now += LOCK_TTL
    start = world.clock.now
    assert looked(world.process(), PARIS)[1] is MISS
    assert world.clock.now == start


def test_who_waits_while_the_cache_goes_down_asks_at_once(world: World) -> None:
    naps = []

    def nap(seconds: float) -> None:
        naps.append(seconds)
        world.shared.down = True

    process = world.process(sleep=nap)
    process.areas.matched(process.areas.release())
    held_by_another(world)
    assert looked(process)[0] is NarrowingStatus.APPLIED
    assert len(naps) == 1


def test_junk_that_is_met_while_waiting_is_noted_once(world: World) -> None:
    process = warmed(world)
    world.shared.put(placed(3, b"junk")[1], 1000)
    held_by_another(world)
    assert len(process.areas.look_up(at(LONDON)).facts.troubles) == 1


def test_processes_that_miss_a_place_one_after_the_other_ask_once(world: World) -> None:
    assert [looked(world.process())[1] for _ in range(4)] == [MISS, HIT, HIT, HIT]
    assert len(world.store.asked) == 1


def test_entries_of_one_release_never_meet_those_of_another(world: World) -> None:
    process = world.process()
    looked(process)
    world.switch(BEES)
    world.clock.now += LIFE
    found = process.areas.look_up(at(LONDON))
    assert (found.narrowing.release, found.narrowing.lookup) == ("bees", MISS)
    assert same(found.evidence, truth(BEES, LONDON))


def test_all_keys_of_a_request_are_of_one_slot(world: World) -> None:
    process = world.process()
    for place in (LONDON, PARIS, FIJI):
        looked(process, place)
    process.areas.distance_km(["ant", "bee"], LONDON)
    for keys in (*world.shared.asked, *world.shared.given):
        slots = {key[key.index("{") : key.index("}")] if "{" in key else key for key in keys}
        assert len(slots) == 1
