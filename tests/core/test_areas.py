"""The lookup step over tables: statuses and outcomes, one request a tier, and what is read how often."""

from __future__ import annotations

import math
from dataclasses import dataclass

import h3
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test
from processes import (
    ANT,
    BEE,
    CITY,
    COW,
    DOG,
    ELK,
    FIJI,
    KEYS,
    LONDON,
    PARIS,
    SUBURB,
    SUMMER,
    YEAR,
    Clock,
    Process,
    World,
    around,
    at,
    contents,
    held_everywhere,
    keys_of,
    truth,
    value,
)
from tables import TableCache, TableReleases, TableStore, release_of

from geoid.core.areas import Areas, Behind, Limits, open_areas
from geoid.core.breaker import REST
from geoid.core.evidence import STATUSES
from geoid.core.features import Features, Flag, encode, records_of
from geoid.core.places import EARTH_RADIUS_KM, cell_of, cells_around, kilometres
from geoid.core.pointers import AGAIN, LIFE, READING
from geoid.core.predictions import LocalStatus, LookupOutcome, Mode, Narrowing, NarrowingStatus
from geoid.core.releases import Contents, Kind, TaxonFlag, cache_keys
from geoid.core.values import Capture, Coordinates
from geoid.errors import AreaDataError, SettingsError, UnavailableError

TTL = 60.0
degrees = st.builds(Coordinates, st.floats(-90, 90), st.floats(-180, 180))


@dataclass
class Setup:
    """Area data over tables, and the tables to look into."""

    areas: Areas
    store: TableStore
    releases: TableReleases
    cache: TableCache
    clock: Clock


def setup(*releases: Contents, mode: Mode = Mode.BOOST, keys=KEYS) -> Setup:
    clock = Clock()
    store, cache = TableStore(*releases), TableCache(clock)
    known = TableReleases(*map(release_of, releases))
    areas = open_areas(Behind(store, known, cache), keys, Limits(ttl=TTL), mode, clock)
    return Setup(areas, store, known, cache, clock)


HERE = around(LONDON)
RANGES = contents(
    {
        HERE[3]: value(3, (ANT, YEAR, Flag.RANGE), (BEE, SUMMER, Flag.RANGE | Flag.MIGRANT)),
        HERE[2]: value(2, (COW, YEAR, Flag.RANGE | Flag.TOUCHES)),
    },
    where={ANT: [HERE[3]], BEE: [HERE[2]], COW: [around(PARIS)[3], around(FIJI)[3]]},
)


def said(evidence) -> dict[str, tuple[float, LocalStatus]]:
    pairs = zip(evidence.scores.tolist(), (STATUSES[code] for code in evidence.statuses), strict=True)
    return dict(zip(KEYS, pairs, strict=True))


def test_a_place_with_data_is_narrowed() -> None:
    cell, evidence, narrowing = setup(RANGES).areas.look_up(at(LONDON, 6))[:3]
    assert cell == HERE[5]
    assert narrowing == Narrowing(NarrowingStatus.APPLIED, Mode.BOOST, LookupOutcome.MISS, "first", 2, 2)
    assert said(evidence) == {
        "ant": (1.0, LocalStatus.EXPECTED),
        "bee": (1.0, LocalStatus.EXPECTED),
        "cow": (0.3, LocalStatus.NEAR),
        "dog": (0.0, LocalStatus.NOT_RECORDED),
        "elk": (0.0, LocalStatus.NOT_RECORDED),
    }


@pytest.mark.parametrize(("month", "score"), [(6, 1.0), (12, 0.3), (None, 1.0)])
def test_the_season_is_the_month_of_the_photo_or_the_whole_year(month, score: float) -> None:
    assert said(setup(RANGES).areas.look_up(at(LONDON, month))[1])["bee"][0] == score


def test_without_a_location_nothing_is_asked() -> None:
    made = setup(RANGES)
    assert made.areas.look_up(Capture())[:3] == (None, None, Narrowing(NarrowingStatus.NO_LOCATION))
    assert (made.cache.asked, made.store.asked, made.store.taxa_read) == ([], [], [])


def test_a_location_known_to_no_better_than_200_kilometres_is_none() -> None:
    found = setup(RANGES).areas.look_up(at(Coordinates(51.5, -0.125, 200_001)))[:3]
    assert found == (None, None, Narrowing(NarrowingStatus.NO_LOCATION))


def test_switched_off_nothing_is_asked_but_the_cell_is_known() -> None:
    made = setup(RANGES, mode=Mode.OFF)
    assert made.areas.look_up(at(LONDON))[:3] == (HERE[5], None, Narrowing(NarrowingStatus.OFF, Mode.OFF))
    assert (made.cache.asked, made.store.asked) == ([], [])


@pytest.mark.parametrize("mode", [Mode.BOOST, Mode.FILTER, Mode.ANNOTATE])
def test_every_other_mode_is_looked_up_alike_and_named(mode) -> None:
    _, evidence, narrowing = setup(RANGES, mode=mode).areas.look_up(at(LONDON))[:3]
    assert (narrowing.status, narrowing.mode) == (NarrowingStatus.APPLIED, mode)
    assert evidence is not None


@pytest.mark.parametrize("part", ["store", "releases"])
def test_a_database_that_does_not_answer_is_a_status_not_an_error(part: str) -> None:
    made = setup(RANGES)
    getattr(made, part).down = True
    wanted = Narrowing(NarrowingStatus.DATABASE_UNAVAILABLE, Mode.BOOST, LookupOutcome.UNAVAILABLE)
    assert made.areas.look_up(at(LONDON))[:3] == (HERE[5], None, wanted)


def test_what_the_cache_holds_serves_while_the_store_is_down() -> None:
    made = setup(RANGES)
    _, before, _ = made.areas.look_up(at(LONDON))[:3]
    made.store.down = True
    _, after, narrowing = made.areas.look_up(at(LONDON))[:3]
    assert (narrowing.status, narrowing.lookup) == (NarrowingStatus.APPLIED, LookupOutcome.LOCAL_HIT)
    assert np.array_equal(before.scores, after.scores)


def test_a_store_that_comes_back_is_asked_again() -> None:
    made = setup(RANGES)
    made.store.down = True
    made.areas.look_up(at(LONDON))
    made.store.down = False
    assert made.areas.look_up(at(LONDON))[2].status is NarrowingStatus.APPLIED


def test_where_there_is_no_record_there_is_no_data() -> None:
    cell, evidence, narrowing = setup(RANGES).areas.look_up(at(FIJI))[:3]
    assert (cell, evidence) == (around(FIJI)[5], None)
    assert narrowing == Narrowing(NarrowingStatus.NO_DATA_HERE, Mode.BOOST, LookupOutcome.ABSENT, "first")


def test_records_of_domestic_animals_alone_are_no_data() -> None:
    pets = contents({HERE[4]: value(4, (DOG, YEAR, Flag.RANGE | Flag.DOMESTIC))})
    _, evidence, narrowing = setup(pets).areas.look_up(at(LONDON))[:3]
    assert (evidence, narrowing.status, narrowing.lookup) == (None, NarrowingStatus.NO_DATA_HERE, LookupOutcome.MISS)


def test_damaged_data_is_an_error_not_an_answer() -> None:
    with pytest.raises(AreaDataError):
        setup(contents({HERE[3]: b"GF?"})).areas.look_up(at(LONDON))


def test_a_place_is_one_request_a_tier_for_all_its_cells() -> None:
    made = setup(RANGES)
    made.areas.look_up(at(LONDON))
    cells = cells_around(LONDON)
    keys = tuple(cache_keys(made.releases.pointer().current, cells))
    assert len(cells) == 4
    assert (made.store.asked, made.cache.given) == ([cells], [keys])
    assert made.cache.asked == [keys, keys]  # once more before the store is asked: another thread may have been faster


def test_the_keys_of_a_place_name_its_coarsest_cell_in_braces_so_that_they_share_a_slot() -> None:
    made = setup(RANGES)
    made.areas.look_up(at(LONDON))
    digest = RANGES.digest()[:16]
    assert list(made.cache.asked[0]) == [f"geoid:{{{HERE[2]}}}:1:{digest}:{cell}" for cell in cells_around(LONDON)]


def test_the_second_time_the_store_is_not_asked() -> None:
    made = setup(RANGES)
    first, second = (made.areas.look_up(at(LONDON))[2] for _ in range(2))
    assert (first.lookup, second.lookup) == (LookupOutcome.MISS, LookupOutcome.LOCAL_HIT)
    assert first._replace(lookup=None) == second._replace(lookup=None)
    assert (len(made.store.asked), len(made.cache.given)) == (1, 1)


def test_absence_is_cached_too() -> None:
    made = setup(RANGES)
    outcomes = [made.areas.look_up(at(FIJI))[2].lookup for _ in range(3)]
    assert outcomes == [LookupOutcome.ABSENT] * 3
    assert made.store.asked == [cells_around(FIJI)]


def test_of_a_place_beside_only_the_cells_that_are_new_are_asked_for() -> None:
    made = setup(RANGES)
    made.areas.look_up(at(CITY))
    _, _, narrowing = made.areas.look_up(at(SUBURB))[:3]
    new = tuple(cell for cell in cells_around(SUBURB) if cell not in cells_around(CITY))
    assert 0 < len(new) < 4
    assert made.store.asked[1:] == [new]
    assert narrowing.lookup is LookupOutcome.MISS


def test_what_is_kept_is_asked_for_again_when_its_time_is_over() -> None:
    made = setup(RANGES)
    made.areas.look_up(at(LONDON))
    made.clock.now = TTL - 1
    assert made.areas.look_up(at(LONDON))[2].lookup is LookupOutcome.LOCAL_HIT
    made.clock.now = TTL
    assert made.areas.look_up(at(LONDON))[2].lookup is LookupOutcome.MISS


def test_a_new_release_never_meets_the_entries_of_the_old() -> None:
    newer = contents({HERE[3]: value(3, (ELK, YEAR, Flag.RANGE))}, "second")
    made = setup(RANGES, newer)
    made.areas.look_up(at(LONDON))
    made.releases.in_force = release_of(newer)
    made.clock.now += LIFE
    _, evidence, narrowing = made.areas.look_up(at(LONDON))[:3]
    assert (narrowing.release, narrowing.lookup) == ("second", LookupOutcome.MISS)
    assert said(evidence)["elk"] == (1.0, LocalStatus.EXPECTED)
    assert said(evidence)["ant"] == (0.0, LocalStatus.NOT_RECORDED)


def test_the_taxa_of_a_release_are_read_once() -> None:
    made = setup(RANGES, contents({}, "second", where={ANT: [HERE[3]]}))
    for place in (LONDON, PARIS, LONDON):
        made.areas.look_up(at(place))
    assert made.store.taxa_read == ["first"]
    made.releases.in_force = made.releases.list()[1].release
    made.clock.now += LIFE
    for place in (LONDON, PARIS):
        made.areas.look_up(at(place))
    assert made.store.taxa_read == ["first", "second"]


@pytest.mark.parametrize(
    ("uncertainty", "resolutions"),
    [
        (None, [5, 4, 3, 2]),
        (0, [5, 4, 3, 2]),
        (10_000, [5, 4, 3, 2]),
        (10_001, [4, 3, 2]),
        (32_000, [4, 3, 2]),
        (32_001, [3, 2]),
        (200_000, [3, 2]),
        (200_001, []),
    ],
)
def test_the_less_certain_a_place_the_coarser_its_cells(uncertainty, resolutions) -> None:
    made = setup(RANGES)
    place = Coordinates(51.5, -0.125, uncertainty)
    cell, _, _ = made.areas.look_up(at(place))[:3]
    assert [h3.get_resolution(one) for one in cells_around(place)] == resolutions
    assert list(map(len, made.store.asked)) == ([len(resolutions)] if resolutions else [])
    assert cell == (HERE[resolutions[0]] if resolutions else None)


@given(degrees)
def test_the_cells_of_a_place_are_its_cell_and_the_parents_of_that(place: Coordinates) -> None:
    cells = cells_around(place)
    assert cells[0] == cell_of(place) == h3.latlng_to_cell(place.latitude, place.longitude, 5)
    assert list(cells) == [h3.cell_to_parent(cells[0], resolution) for resolution in (5, 4, 3, 2)]


@pytest.mark.parametrize("latitude", [90, -90])
def test_a_pole_is_one_place_whatever_its_longitude(latitude: int) -> None:
    cells = {cells_around(Coordinates(latitude, longitude)) for longitude in (-180, -17, 0, 99.5, 180)}
    assert len(cells) == 1
    assert setup(RANGES).areas.look_up(at(Coordinates(latitude, 0)))[2].status is NarrowingStatus.NO_DATA_HERE


@pytest.mark.parametrize("latitude", [-16.5, 0, 66])
def test_both_sides_of_the_antimeridian_are_one_place(latitude: float) -> None:
    east, west = Coordinates(latitude, 180), Coordinates(latitude, -180)
    assert cells_around(east) == cells_around(west)
    made = setup(contents({around(east)[3]: value(3, (ANT, YEAR, Flag.RANGE))}, where={ANT: [around(east)[3]]}))
    made.areas.look_up(at(east))
    assert made.areas.look_up(at(west))[2].lookup is LookupOutcome.LOCAL_HIT
    near = made.areas.distance_km(["ant"], Coordinates(latitude, -179.9))
    assert near < 150


def test_species_here_counts_what_overflowed_and_what_is_found_world_wide() -> None:
    rows = records_of((number, 255 - number, YEAR, Flag.RANGE) for number in (ANT, BEE, COW, DOG))
    short = encode(Features(3, rows), limit=24 + 3 * 20)
    made = setup(contents({HERE[3]: short.value}, flags={ELK: TaxonFlag.WORLDWIDE}))
    _, _, narrowing = made.areas.look_up(at(LONDON))[:3]
    assert short.overflow is not None
    assert (narrowing.species_here, narrowing.known_to_model) == (5, 4)


def test_taxa_that_the_model_lacks_are_here_but_not_known() -> None:
    narrowing = setup(RANGES, keys=("bee", "yak")).areas.look_up(at(LONDON))[2]
    assert (narrowing.species_here, narrowing.known_to_model) == (2, 1)


def test_density_is_of_occurrences_only() -> None:
    cells = {
        HERE[3]: value(3, (ANT, YEAR, 0), occurrences=15, weight=15),
        HERE[2]: value(2, (ANT, YEAR, 0), occurrences=63),
    }
    counted = setup(contents(cells, kind=Kind.OCCURRENCES)).areas.look_up(at(LONDON))[2]
    assert counted.density == 48
    assert setup(RANGES).areas.look_up(at(LONDON))[2].density is None


def test_the_distance_is_to_the_nearest_cell_of_any_of_the_taxa() -> None:
    areas = setup(RANGES).areas
    assert areas.distance_km(["cow"], LONDON) == pytest.approx(344, abs=80)
    assert areas.distance_km(["ant"], LONDON) < 80
    assert areas.distance_km(["cow", "ant"], LONDON) == areas.distance_km(["ant"], LONDON)
    assert areas.distance_km(["dog", "cow"], LONDON) == areas.distance_km(["cow"], LONDON)


def test_cells_that_are_compacted_are_measured_as_their_children() -> None:
    children = [h3.cell_to_latlng(cell) for cell in h3.cell_to_children(HERE[2], 3)]
    nearest = kilometres(LONDON, np.array(children)).min()
    assert setup(RANGES).areas.distance_km(["bee"], LONDON) == nearest


@pytest.mark.parametrize("keys", [["dog"], ["yak"], []])
def test_of_a_taxon_that_occurs_nowhere_there_is_no_distance(keys) -> None:
    assert setup(RANGES).areas.distance_km(keys, LONDON) is None


def test_a_distance_is_left_out_where_the_store_does_not_answer() -> None:
    made = setup(RANGES)
    made.store.down = True
    assert made.areas.distance_km(["cow"], LONDON) is None


def test_the_cells_of_several_taxa_are_each_named_once() -> None:
    made = setup(contents({}, where={ANT: [HERE[3]], BEE: [HERE[3], around(PARIS)[3]]}))
    assert sorted(made.areas.range_cells(["ant", "bee", "yak"])) == sorted({HERE[3], around(PARIS)[3]})
    made.store.down = True
    with pytest.raises(UnavailableError):
        made.areas.range_cells(["ant"])


@given(degrees, degrees)
def test_distances_are_great_circles(one: Coordinates, other: Coordinates) -> None:
    there = kilometres(one, np.array([[other.latitude, other.longitude]]))[0]
    back = kilometres(other, np.array([[one.latitude, one.longitude]]))[0]
    assert 0 <= there <= math.pi * EARTH_RADIUS_KM * (1 + 1e-12)
    assert there == pytest.approx(back, abs=1e-3)
    h3_says = h3.great_circle_distance((one.latitude, one.longitude), (other.latitude, other.longitude), unit="km")
    assert there == pytest.approx(h3_says, rel=1e-6, abs=1e-2)


@given(degrees)
def test_the_farthest_point_is_half_way_around(place: Coordinates) -> None:
    opposite = [[-place.latitude, place.longitude - math.copysign(180, place.longitude)]]
    assert kilometres(place, np.array(opposite))[0] == pytest.approx(math.pi * EARTH_RADIUS_KM, rel=1e-6)


@pytest.mark.parametrize("east", [179.9, -180.1 + 360, 180])
def test_distances_cross_the_antimeridian(east: float) -> None:
    assert kilometres(Coordinates(0, -179.9), np.array([[0.0, east]]))[0] < 23


ANTS, BEES, COWS = (held_everywhere(taxon, name) for taxon, name in ((ANT, "ants"), (BEE, "bees"), (COW, "cows")))
DOWN = (NarrowingStatus.DATABASE_UNAVAILABLE, LookupOutcome.UNAVAILABLE, None)


@pytest.fixture(name="world")
def _world() -> World:
    return World(ANTS, BEES, COWS)


def narrowing(process: Process, place: Coordinates = LONDON):
    found = process.areas.look_up(at(place)).narrowing
    return found.status, found.lookup, found.release


def switched(world: World, release: Contents) -> None:
    """Put a release in force, and let all processes see it."""
    world.switch(release)
    world.clock.now += 2 * LIFE


def test_while_the_database_is_down_the_caches_serve_what_they_hold(world: World) -> None:
    process = world.process()
    process.areas.look_up(at(LONDON))
    world.fail()
    assert narrowing(process) == (NarrowingStatus.APPLIED, LookupOutcome.LOCAL_HIT, "ants")
    assert narrowing(world.process()) == (NarrowingStatus.APPLIED, LookupOutcome.HIT, "ants")
    assert narrowing(process, PARIS) == DOWN
    assert narrowing(process, SUBURB) == DOWN  # its coarse cells are there: never a part of an answer


def test_the_former_release_serves_out_of_the_caches_and_is_called_stale(world: World) -> None:
    process, other = world.process(), world.process()
    process.areas.look_up(at(LONDON))
    switched(world, BEES)
    process.areas.look_up(at(PARIS))
    world.fail()
    for one in (process, other):
        found = one.areas.look_up(at(LONDON))
        assert found.narrowing[:4] == (NarrowingStatus.STALE, Mode.BOOST, LookupOutcome.STALE, "ants")
        assert found.evidence.scores.tobytes() == truth(ANTS, LONDON).scores.tobytes()
        assert found.facts.outcomes == {LookupOutcome.STALE: 4}
    assert narrowing(process, SUBURB) == DOWN
    assert narrowing(process, PARIS) == (NarrowingStatus.APPLIED, LookupOutcome.LOCAL_HIT, "bees")


def test_a_former_release_that_knows_nothing_of_a_place_does_not_say_so(world: World) -> None:
    process = world.process()
    process.areas.look_up(at(FIJI))
    switched(world, BEES)
    process.areas.look_up(at(LONDON))
    world.fail()
    found = process.areas.look_up(at(FIJI))
    assert (found.narrowing.status, found.narrowing.lookup, found.narrowing.release) == DOWN
    assert found.facts.outcomes == {LookupOutcome.UNAVAILABLE: 4}


def test_no_release_but_the_one_before_is_stale(world: World) -> None:
    process = world.process()
    process.areas.look_up(at(LONDON))
    switched(world, BEES)
    switched(world, COWS)
    process.areas.look_up(at(PARIS))
    world.fail()
    assert narrowing(process) == DOWN


def test_what_a_server_did_instead_of_answering_is_told(world: World) -> None:
    world.fail()
    world.shared.down = True
    facts = world.process().areas.look_up(at(LONDON)).facts
    assert [(one.tier, one.kind) for one in facts.troubles] == [("cache", "unavailable"), ("database", "unavailable")]
    assert set(facts.timings_ms) == {"cache", "database"}


def refuse(*_: object, **__: object):
    raise SettingsError("the database refuses the password")


def test_a_password_that_never_worked_is_an_error_each_time(world: World) -> None:
    world.releases.pointer = refuse
    process = world.process()
    for _ in range(4):
        with pytest.raises(SettingsError):
            process.areas.look_up(at(LONDON))


def test_the_same_where_the_caches_know_the_release_but_not_the_place(world: World) -> None:
    world.process().areas.look_up(at(PARIS))
    world.store.features = refuse
    process = world.process()
    for _ in range(4):
        with pytest.raises(SettingsError):
            process.areas.look_up(at(LONDON))
    assert narrowing(process, PARIS) == (NarrowingStatus.APPLIED, LookupOutcome.HIT, "ants")


def test_a_password_that_worked_before_is_a_status(world: World) -> None:
    process = world.process()
    process.areas.look_up(at(LONDON))
    world.store.features = refuse
    assert narrowing(process, PARIS) == DOWN
    assert [one.kind for one in process.areas.look_up(at(FIJI)).facts.troubles] == ["settings"]


def test_a_database_that_fails_is_left_alone_for_a_second(world: World) -> None:
    process = world.process()
    process.areas.look_up(at(LONDON))
    world.fail()
    asked = len(world.store.asked)
    for place in (PARIS, FIJI, SUBURB, PARIS):
        assert narrowing(process, place) == DOWN
    assert len(world.store.asked) == asked + 2
    world.fail(down=False)
    world.clock.now += REST
    assert narrowing(process, PARIS)[0] is NarrowingStatus.APPLIED


JUNK = [b"junk", b"GF\x02" + bytes(30), value(2, (ANT, YEAR, 0))[:-1], value(9, (99, YEAR, 0))]
CALM = 2 * LIFE + AGAIN + READING
"""Seconds after which nothing is left of what went wrong: pointers, breakers and locks."""


class Lookups(RuleBasedStateMachine):
    """Two processes that are looked up in, while servers go and come, releases change and caches forget or rot."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World(ANTS, BEES, COWS)
        self.releases = {one.name: one for one in (ANTS, BEES, COWS)}
        self.processes = [self.world.process() for _ in range(2)]
        self.in_force = {"ants": 0.0}
        """When each release was last in force."""
        self.broken = {"cache": -CALM, "database": -CALM}
        """When each server last was down."""

    def calm(self, server: str, seconds: float) -> bool:
        return self.world.clock.now - self.broken[server] > seconds

    def note(self) -> None:
        now = self.world.clock.now
        self.in_force[self.world.pointer().current.name] = now
        for server, down in (("cache", self.world.shared.down), ("database", self.world.store.down)):
            self.broken[server] = now if down else self.broken[server]

    @rule(
        seconds=st.sampled_from([0.0, 0.2, REST, LIFE, CALM]),
        places=st.lists(st.sampled_from([LONDON, SUBURB, PARIS, FIJI]), min_size=1, max_size=3),
        first=st.booleans(),
    )
    def look(self, seconds: float, places: list[Coordinates], first: bool) -> None:
        self.world.clock.now += seconds
        self.note()
        for process in self.processes if first else reversed(self.processes):
            for place in places:
                self.check(process, place)

    def check(self, process: Process, place: Coordinates) -> None:
        found = process.areas.look_up(at(place))
        self.note()
        status, _, outcome, name = found.narrowing[:4]
        assert sum(found.facts.outcomes.values()) == 4
        assert (status is NarrowingStatus.DATABASE_UNAVAILABLE) == (outcome is LookupOutcome.UNAVAILABLE)
        assert (status is NarrowingStatus.STALE) == (outcome is LookupOutcome.STALE)
        if status in {NarrowingStatus.DATABASE_UNAVAILABLE, NarrowingStatus.STALE}:
            assert not self.calm("database", REST)
        elif self.calm("database", CALM):
            assert self.world.clock.now - self.in_force[name] <= CALM
        if outcome is LookupOutcome.BYPASS:
            assert not self.calm("cache", REST)
        said = truth(self.releases[name], place) if name else None
        assert (found.evidence and found.evidence.scores.tobytes()) == (said and said.scores.tobytes())
        assert (status is NarrowingStatus.NO_DATA_HERE) == (name is not None and said is None)

    @rule(down=st.sampled_from([True, False, False]))
    def cache(self, down: bool) -> None:
        self.note()
        self.world.shared.down = down

    @rule(down=st.sampled_from([True, False, False]))
    def database(self, down: bool) -> None:
        self.note()
        self.world.fail(down=down)

    @rule(release=st.sampled_from([ANTS, BEES, COWS]))
    def switch(self, release: Contents) -> None:
        self.note()
        if release.name != self.world.pointer().current.name:
            self.world.switch(release)
            self.note()

    @rule(release=st.sampled_from([ANTS, BEES, COWS]), place=st.sampled_from([LONDON, PARIS, FIJI]))
    def lose(self, release: Contents, place: Coordinates) -> None:
        """The database goes soon after a switch, when the new release has been asked for one place only."""
        self.switch(release)
        self.look(CALM, [place], first=True)
        self.database(down=True)

    @rule()
    def flush(self) -> None:
        self.world.shared.flush()

    @rule(process=st.integers(0, 1))
    def restart(self, process: int) -> None:
        self.processes[process] = self.world.process()

    @rule(process=st.integers(0, 1))
    def evict(self, process: int) -> None:
        self.processes[process].local.flush()

    @rule(
        release=st.sampled_from([ANTS, BEES]),
        place=st.sampled_from([LONDON, SUBURB]),
        cell=st.integers(0, 3),
        junk=st.sampled_from(JUNK),
    )
    def rot(self, release: Contents, place: Coordinates, cell: int, junk: bytes) -> None:
        if not self.world.shared.down:
            self.world.shared.put({keys_of(release, place)[cell]: junk}, TTL)


def test_whatever_fails_when_evidence_is_that_of_the_release_that_is_named() -> None:
    run_state_machine_as_test(Lookups, settings=settings(max_examples=80, stateful_step_count=40, deadline=None))
