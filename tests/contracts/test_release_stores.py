"""What every `ReleaseStore` promises, over all its implementations."""

from __future__ import annotations

from dataclasses import replace

import pytest
from databases import POSTGRES
from tables import TablePack, release_of

from geoid.adapters.pack_files import write_pack
from geoid.adapters.packs import PackFolder
from geoid.adapters.postgres_releases import PostgresReleases
from geoid.adapters.sqlite import AreaPack
from geoid.core.features import Features, Flag, encode, records_of
from geoid.core.places import cells_around
from geoid.core.releases import Contents, Kind, ReleaseTaxon
from geoid.core.values import Coordinates
from geoid.errors import AreaDataError, NoReleaseError, UnknownRelease

HOME = cells_around(Coordinates(51.5, -0.1))
JAY = ReleaseTaxon(0, "jay", "Garrulus glandarius", "Eurasian jay", "species", {"genus": "Garrulus"}, 0, 7)


def contents(name: str, weight: int) -> Contents:
    """A release of one taxon; the weight decides about its digest."""
    value = encode(Features(3, records_of([(0, weight, b"\xff" * 12, Flag.RANGE)]))).value
    cells = {int(cell, 16): value for cell in HOME}
    return Contents(name, Kind.RANGES, (JAY,), ((int(HOME[2], 16),),), cells, {}, "tests", "CC0-1.0")


FIRST, SECOND, THIRD, FOURTH = (contents(f"r{weight}", weight) for weight in (1, 2, 3, 4))


@pytest.fixture(name="store", params=["folder", *POSTGRES])
def _store(request, tmp_path):
    if request.param == "folder":
        yield PackFolder(tmp_path / "published")
        return
    store = PostgresReleases(request.getfixturevalue("database_on")(request.param))
    store.migrate()
    yield store
    store.close()


@pytest.fixture(name="pack")
def _pack(store, tmp_path):
    """Makes packs of the kind that the store publishes: a folder takes files."""

    def pack(contents: Contents) -> AreaPack | TablePack:
        path = tmp_path / f"{contents.name}.areas"
        if not isinstance(store, PackFolder):
            return TablePack(contents, path)
        write_pack(contents, path)
        return AreaPack(path)

    return pack


def names(store) -> list[str]:
    return [one.release.name for one in store.list()]


def test_nothing_is_in_force_in_an_empty_store(store) -> None:
    assert list(store.list()) == []
    with pytest.raises(NoReleaseError) as caught:
        store.pointer()
    assert "seed" in caught.value.hint


def test_a_published_release_is_listed_with_what_it_holds_but_not_in_force(store, pack) -> None:
    assert store.publish(pack(FIRST))
    (listed,) = store.list()
    assert (listed.release, listed.taxa, listed.cells) == (release_of(FIRST), 1, 4)
    assert listed.published > 1.7e9
    with pytest.raises(NoReleaseError):
        store.pointer()


def test_releases_are_listed_by_name(store, pack) -> None:
    for one in (SECOND, FIRST, THIRD):
        store.publish(pack(one))
    assert names(store) == ["r1", "r2", "r3"]


def test_a_release_is_published_once(store, pack) -> None:
    assert store.publish(pack(FIRST))
    assert not store.publish(pack(FIRST))
    assert names(store) == ["r1"]


def test_progress_is_told_of_rows(store, pack) -> None:
    told: list[int] = []
    store.publish(pack(FIRST), told.append)
    assert sum(told) >= 4
    assert min(told) >= 0


def test_a_name_in_use_for_other_contents_is_refused(store, pack) -> None:
    store.publish(pack(FIRST))
    with pytest.raises(AreaDataError, match="r1"):
        store.publish(pack(replace(SECOND, name="r1")))
    assert [one.release for one in store.list()] == [release_of(FIRST)]


def test_the_same_contents_may_go_by_two_names(store, pack) -> None:
    twin = replace(FIRST, name="twin")
    assert store.publish(pack(FIRST))
    assert store.publish(pack(twin))
    assert names(store) == ["r1", "twin"]
    store.switch("r1")
    store.publish(pack(SECOND))
    store.switch("r2")
    store.switch("r1")
    assert list(store.prune(0)) == ["twin"]
    assert store.pointer().current == release_of(FIRST)


def test_switching_puts_a_release_in_force_and_remembers_the_former(store, pack) -> None:
    for one in (FIRST, SECOND, THIRD):
        store.publish(pack(one))
    assert store.switch("r1") == store.pointer()
    assert store.pointer() == (release_of(FIRST), None)
    assert store.switch("r2") == (release_of(SECOND), release_of(FIRST))
    assert store.switch("r3") == (release_of(THIRD), release_of(SECOND))


def test_switching_to_the_one_in_force_changes_nothing(store, pack) -> None:
    for one in (FIRST, SECOND):
        store.publish(pack(one))
        store.switch(one.name)
    assert store.switch("r2") == (release_of(SECOND), release_of(FIRST))


def test_switching_back_and_forth_is_a_rollback(store, pack) -> None:
    for one in (FIRST, SECOND):
        store.publish(pack(one))
        store.switch(one.name)
    assert store.switch("r1") == (release_of(FIRST), release_of(SECOND))
    assert store.switch("r2") == (release_of(SECOND), release_of(FIRST))


def test_a_release_that_is_not_there_cannot_be_put_in_force(store, pack) -> None:
    with pytest.raises(UnknownRelease, match="nobody"):
        store.switch("nobody")
    store.publish(pack(FIRST))
    store.switch("r1")
    with pytest.raises(UnknownRelease, match="nobody"):
        store.switch("nobody")
    assert store.pointer() == (release_of(FIRST), None)


def test_pruning_keeps_the_newest_the_one_in_force_and_the_one_before(store, pack) -> None:
    for one in (FIRST, SECOND, THIRD, FOURTH):
        store.publish(pack(one))
    store.switch("r1")
    assert list(store.prune(2)) == ["r2"]
    store.switch("r3")
    assert list(store.prune(0)) == ["r4"]
    assert names(store) == ["r1", "r3"]
    assert list(store.prune(0)) == []
    assert store.pointer() == (release_of(THIRD), release_of(FIRST))


def test_a_pruned_release_may_be_published_again(store, pack) -> None:
    for one in (FIRST, SECOND):
        store.publish(pack(one))
    store.switch("r2")
    assert list(store.prune(0)) == ["r1"]
    assert store.publish(pack(FIRST))
    assert store.switch("r1").current == release_of(FIRST)


def test_pruning_an_empty_store_drops_nothing(store) -> None:
    assert list(store.prune(3)) == []
