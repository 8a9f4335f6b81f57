"""What every `FeatureStore` and `ReleaseStore` promises, over all their implementations."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import h3
import pytest
from databases import POSTGRES
from tables import TableReleases, TableStore, release_of

from geoid.adapters.pack_files import write_pack
from geoid.adapters.packs import PackFolder
from geoid.adapters.sqlite import AreaPack
from geoid.core.features import Features, Flag, decode, encode, records_of
from geoid.core.places import cells_around
from geoid.core.releases import Contents, Kind, Release, ReleaseTaxon
from geoid.core.values import Coordinates
from geoid.errors import UnavailableError

HOME = cells_around(Coordinates(51.5, -0.1))
ELSEWHERE = cells_around(Coordinates(-33.9, 18.4))


def taxon(number: int, name: str, common: str | None, flags: int = 0) -> ReleaseTaxon:
    key = name.lower().replace(" ", "-")
    lineage = {"genus": name.split(maxsplit=1)[0], "species": name}
    return ReleaseTaxon(number, key, name, common, "species", lineage, flags, 7)


TAXA = (taxon(0, "Garrulus glandarius", "Eurasian jay"), taxon(1, "Canis familiaris", None, 1))
VALUE = encode(Features(3, records_of([(0, 255, b"\xff" * 12, Flag.RANGE)]))).value
REST = encode(Features(3, records_of([(1, 8, bytes(12), 0)]))).value
CONTENTS = Contents(
    "first",
    Kind.MIXED,
    TAXA,
    ((int(HOME[2], 16), int(ELSEWHERE[2], 16)), ()),
    {int(HOME[2], 16): VALUE, int(HOME[3], 16): VALUE},
    {int(HOME[3], 16): REST},
    "tests",
    "CC0-1.0",
)
RELEASE = release_of(CONTENTS)


def packed_store(kind: str, folder: Path) -> AreaPack | PackFolder:
    """The one release as a pack, or published to a folder of packs."""
    write_pack(CONTENTS, folder / "first.areas")
    pack = AreaPack(folder / "first.areas")
    if kind == "sqlite":
        return pack
    published = PackFolder(folder / "published")
    published.publish(pack)
    published.switch("first")
    return published


@pytest.fixture(name="store", params=["sqlite", "folder", "table", *POSTGRES])
def _store(request, tmp_path):
    if request.param in POSTGRES:
        return request.getfixturevalue("published")(request.param, CONTENTS)
    if request.param == "table":
        return TableStore(CONTENTS)
    return packed_store(request.param, tmp_path)


@pytest.fixture(name="releases", params=["sqlite", "folder", "table", *POSTGRES])
def _releases(request, tmp_path):
    if request.param in POSTGRES:
        return request.getfixturevalue("published")(request.param, CONTENTS)
    if request.param == "table":
        return TableReleases(RELEASE)
    return packed_store(request.param, tmp_path)


def test_cells_come_with_their_bytes_and_those_without_data_are_left_out(store) -> None:
    assert store.features(RELEASE, [*HOME, *ELSEWHERE]) == {HOME[2]: VALUE, HOME[3]: VALUE}
    assert decode(store.features(RELEASE, HOME)[HOME[2]]).records["taxon"].tolist() == [0]


def test_no_cells_give_no_bytes(store) -> None:
    assert store.features(RELEASE, []) == {}


def test_overflow_is_kept_apart(store) -> None:
    assert store.overflow(RELEASE, HOME) == {HOME[3]: REST}
    assert store.overflow(RELEASE, ELSEWHERE) == {}


def test_taxa_come_in_the_order_of_their_numbers_with_all_their_facts(store) -> None:
    assert tuple(store.taxa(RELEASE)) == TAXA


def test_the_cells_of_a_taxon_are_those_of_its_key(store) -> None:
    assert set(store.taxon_cells(RELEASE, "garrulus-glandarius")) == {HOME[2], ELSEWHERE[2]}
    assert all(h3.is_valid_cell(cell) for cell in store.taxon_cells(RELEASE, "garrulus-glandarius"))
    assert tuple(store.taxon_cells(RELEASE, "canis-familiaris")) == ()
    assert tuple(store.taxon_cells(RELEASE, "nobody")) == ()


def test_a_release_that_is_not_there_is_unavailable(store) -> None:
    other = Release("second", Kind.RANGES, "0" * 64)
    for question in (store.features, store.overflow):
        with pytest.raises(UnavailableError, match="second"):
            question(other, HOME)
    with pytest.raises(UnavailableError, match="second"):
        store.taxa(other)
    with pytest.raises(UnavailableError, match="second"):
        store.taxon_cells(other, "garrulus-glandarius")


def test_a_store_that_answers_says_nothing(store) -> None:
    assert store.ping() is None


def test_one_store_serves_many_threads(store) -> None:
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: store.features(RELEASE, HOME), range(40)))
    assert all(one == {HOME[2]: VALUE, HOME[3]: VALUE} for one in found)


def test_the_release_in_force_is_one_of_those_listed(releases) -> None:
    assert releases.pointer().current == RELEASE
    assert [listed.release for listed in releases.list()] == [RELEASE]
