"""Facts of a release: read once, kept in the shared cache, believed only if they can be true."""

from __future__ import annotations

import zlib

import pytest
from processes import ANT, BEE, KEYS, LONDON, PARIS, SlowStore, World, around, at, held_everywhere, truth
from tables import release_of

from geoid.core.areas import Limits
from geoid.core.evidence import KnownTaxa, KnownTaxon
from geoid.core.predictions import NarrowingStatus
from geoid.core.remembered import pack_cells, pack_taxa, taxa_key, taxon_key
from geoid.errors import SettingsError

ANTS, BEES = held_everywhere(ANT, "ants"), held_everywhere(BEE, "bees")
TAXA, CELLS = taxa_key(release_of(ANTS), KEYS), taxon_key(release_of(ANTS), "ant")


@pytest.fixture(name="world")
def _world() -> World:
    return World(ANTS, BEES)


def test_the_taxa_that_a_model_knows_are_read_by_one_process_and_kept_for_the_others(world: World) -> None:
    for _ in range(4):
        found = world.process().areas.look_up(at(LONDON))
        assert found.evidence.scores.tobytes() == truth(ANTS, LONDON).scores.tobytes()
    assert world.store.taxa_read == ["ants"]


def test_models_do_not_mix(world: World) -> None:
    world.process().areas.look_up(at(LONDON))
    other = world.process(("yak", "ant")).areas.look_up(at(LONDON))
    assert other.evidence.scores[1] == 1.0
    assert world.store.taxa_read == ["ants", "ants"]
    assert world.process(("yak", "ant")).areas.look_up(at(LONDON)).evidence.scores[1] == 1.0
    assert world.store.taxa_read == ["ants", "ants"]


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"hello",
        zlib.compress(b"{}"),
        pack_taxa(KnownTaxa(5, 0, (KnownTaxon(7, "ant", 0, 0),))),
        pack_taxa(KnownTaxa(5, 0, (KnownTaxon(0, "yak", 0, 0),))),
        pack_taxa(KnownTaxa(-5, 0, ())),
        pack_taxa(KnownTaxa(10**13, 0, ())),
    ],
)
def test_junk_in_the_place_of_taxa_is_noted_and_overwritten(world: World, value: bytes) -> None:
    world.shared.put({TAXA: value}, 1000)
    found = world.process().areas.look_up(at(LONDON))
    assert found.narrowing.status is NarrowingStatus.APPLIED
    assert [(one.tier, one.kind) for one in found.facts.troubles] == [("cache", "area-data")]
    assert world.process().areas.look_up(at(LONDON)).facts.troubles == ()
    assert world.store.taxa_read == ["ants"]


def test_with_the_cache_down_each_process_reads_the_taxa_once(world: World) -> None:
    world.shared.down = True
    process = world.process()
    for place in (LONDON, PARIS):
        assert process.areas.look_up(at(place)).narrowing.status is NarrowingStatus.APPLIED
    assert world.store.taxa_read == ["ants"]


def test_where_a_taxon_occurs_is_read_once_for_all_processes(world: World) -> None:
    asked = []
    answering = world.store.taxon_cells
    world.store.taxon_cells = lambda *question: asked.append(question) or answering(*question)
    distances = {world.process().areas.distance_km(["ant"], LONDON) for _ in range(4)}
    assert len(distances) == 1
    assert distances.pop() < 80
    assert [question[1] for question in asked] == ["ant"]
    assert set(world.process().areas.range_cells(["ant"])) == {around(LONDON)[3], around(PARIS)[3]}
    assert len(asked) == 1


def test_that_a_taxon_occurs_nowhere_is_kept_as_well(world: World) -> None:
    assert world.process().areas.distance_km(["cow"], LONDON) is None
    world.fail()
    assert world.process().areas.range_cells(["cow"]) == ()


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"hello",
        zlib.compress(b"123456789"),
        zlib.compress(bytes(8)),
        pack_cells((around(LONDON)[5],)),
    ],
)
def test_junk_in_the_place_of_cells_is_counted_as_not_there_and_overwritten(world: World, value: bytes) -> None:
    wanted = world.process().areas.distance_km(["ant"], LONDON)
    world.shared.put({CELLS: value}, 1000)
    assert world.process().areas.distance_km(["ant"], LONDON) == wanted
    world.fail()
    assert world.process().areas.distance_km(["ant"], LONDON) == wanted


def test_a_distance_ends_at_the_deadline(world: World) -> None:
    world.store = SlowStore(world.clock, 0.2, ANTS)
    areas = world.process().areas
    areas.release()
    start = world.clock.now
    assert areas.distance_km(["ant"], LONDON) < 80
    assert world.clock.now == start + 0.2
    start = world.clock.now
    assert areas.distance_km(["bee", "cow"], LONDON) is None
    assert world.clock.now == pytest.approx(start + Limits().deadline)


def test_what_is_known_of_distances_serves_while_the_database_is_down(world: World) -> None:
    process = world.process()
    wanted = process.areas.distance_km(["ant"], LONDON)
    world.fail()
    world.shared.down = True
    assert process.areas.distance_km(["ant"], LONDON) == wanted
    assert process.areas.distance_km(["bee"], LONDON) is None


def test_a_distance_is_left_out_where_the_database_refuses_the_password(world: World) -> None:
    world.process().areas.look_up(at(LONDON))
    process = world.process()

    def refuse(*_: object):
        raise SettingsError("the database refuses the password")

    world.store.taxon_cells = refuse
    assert process.areas.look_up(at(LONDON)).narrowing.status is NarrowingStatus.APPLIED  # all of it out of the cache
    assert process.areas.distance_km(["ant"], LONDON) is None
