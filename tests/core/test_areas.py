"""The lookup step over tables: statuses and outcomes, one request a tier, and what is read how often."""

from __future__ import annotations

import datetime
import math
from dataclasses import dataclass

import h3
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tables import TableCache, TableReleases, TableStore, release_of

from geoid.core.areas import Areas, Behind, Limits, open_areas
from geoid.core.evidence import STATUSES
from geoid.core.features import Features, Flag, encode, records_of
from geoid.core.places import EARTH_RADIUS_KM, cell_of, cells_around, kilometres
from geoid.core.pointers import LIFE
from geoid.core.predictions import LocalStatus, LookupOutcome, Mode, Narrowing, NarrowingStatus
from geoid.core.releases import Contents, Kind, ReleaseTaxon, TaxonFlag, cache_keys
from geoid.core.values import Capture, CaptureDate, Coordinates, Location, Source
from geoid.errors import AreaDataError, UnavailableError

KEYS = ("ant", "bee", "cow", "dog", "elk")
ANT, BEE, COW, DOG, ELK = range(5)
YEAR = bytes([255] * 12)
SUMMER = bytes(255 if 4 <= month <= 9 else 0 for month in range(1, 13))
LONDON, PARIS, FIJI = Coordinates(51.5, -0.125), Coordinates(48.85, 2.35), Coordinates(-16.5, 180)
CITY, SUBURB = Coordinates(51.5, -0.125), Coordinates(51.35, 0.3)
"""Two places that share their coarse cells only."""

TTL = 60.0
degrees = st.builds(Coordinates, st.floats(-90, 90), st.floats(-180, 180))


def value(resolution: int, *rows: tuple[int, bytes, int], occurrences: int = 0, weight: float = 0.0) -> bytes:
    """Feature bytes of rows of taxon, months and flags, each present."""
    records = records_of((taxon, 255, months, flags) for taxon, months, flags in rows)
    return encode(Features(resolution, records, occurrences, weight)).value


def contents(cells: dict[str, bytes], name: str = "first", kind: Kind = Kind.RANGES, *, where=None, flags=None):
    """A release of five taxa; `where` are their cells, `flags` what holds for them everywhere."""
    facts = [(flags or {}).get(number, 0) for number in range(5)]
    taxa = tuple(
        ReleaseTaxon(number, KEYS[number], KEYS[number], None, "species", {}, facts[number]) for number in range(5)
    )
    found = tuple(tuple(int(cell, 16) for cell in (where or {}).get(number, ())) for number in range(5))
    values = {int(cell, 16): data for cell, data in cells.items()}
    return Contents(name, kind, taxa, found, values, {}, "", "")


@dataclass
class Clock:
    """A clock that stands still until it is moved."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


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


def at(place: Coordinates, month: int | None = None) -> Capture:
    date = CaptureDate(datetime.date(2024, month, 15), Source.EXIF) if month else None
    return Capture(Location(place, Source.EXIF), date)


def around(place: Coordinates) -> dict[int, str]:
    """The cells of a place by resolution."""
    return {h3.get_resolution(cell): cell for cell in cells_around(place)}


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
    keys = tuple(cache_keys(made.releases.pointer().current, cells).values())
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
