"""SpeciesNet's geofence: allowed, blocked, neither; and files that are no geofence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from geoid.core.features import Flag
from geoid.core.places import cells_around
from geoid.core.values import Coordinates
from geoid.errors import AreaDataError
from geoid.seeding import geofence
from geoid.seeding.geofence import read_geofence
from geoid.seeding.regions import read_regions

CHECKOUT = Path(__file__).parents[2]
RANGES = CHECKOUT / "fixtures" / "ranges"
LION, PUMA = "mammalia;carnivora;felidae;panthera;leo", "mammalia;carnivora;felidae;puma;concolor"
NAIROBI, DODOMA, BERLIN, CALIFORNIA, NEW_YORK = (-1.29, 36.82), (-6.2, 35.7), (52.5, 13.4), (37, -120), (40.7, -74)
ATLANTIC, LAKE_NATRON = (30, -45), (-2.4, 36.0)


@pytest.fixture(name="regions", scope="module")
def _regions():
    return read_regions(CHECKOUT / "fixtures/areas/regions.tsv", RANGES / "groups.txt", RANGES / "seas.txt")


@pytest.fixture(name="read")
def _read(tmp_path, regions):
    def read(document: object):
        path = tmp_path / "geofence.json"
        path.write_text(document if isinstance(document, str) else json.dumps(document))
        return read_geofence(path, regions, "Apache-2.0")

    return read


def flags_at(found, place, taxon: int = 0) -> Flag | None:
    """The flags of the finest record of a taxon at a place."""
    for cell in cells_around(Coordinates(*place))[2:]:
        here = (found.cells == int(cell, 16)) & (found.records["taxon"] == taxon)
        if here.any():
            (record,) = found.records[here]
            return Flag(int(record["flags"]))
    return None


def test_a_species_is_only_where_it_is_allowed(read) -> None:
    found = read({LION: {"allow": {"KEN": [], "USA": ["CA"]}}})
    assert flags_at(found, NAIROBI) == flags_at(found, CALIFORNIA) == Flag.RANGE
    assert flags_at(found, BERLIN) is flags_at(found, NEW_YORK) is None
    (taxon,) = found.taxa
    assert (taxon.name, taxon.rank) == ("Panthera leo", "species")
    assert taxon.lineage == {"class": "Mammalia", "order": "Carnivora", "family": "Felidae", "genus": "Panthera"}
    assert (found.kind, found.licence, found.rows, found.dropped) == ("geofence", "Apache-2.0", 1, {})


def test_the_neighbours_of_where_it_is_allowed_are_touched(read, regions) -> None:
    found = read({LION: {"allow": {"KEN": []}}})
    touched = found.cells[found.records["flags"] & Flag.TOUCHES > 0]
    assert len(touched)
    assert not {cell >> 36 & 0xFFFF for cell in touched.tolist()} & set(regions.cells("KE").tolist())


def test_a_species_is_everywhere_but_where_it_is_blocked(read) -> None:
    found = read({LION: {"block": {"KEN": [], "TZA": []}}})
    assert flags_at(found, BERLIN) == flags_at(found, ATLANTIC) == Flag.RANGE
    assert flags_at(found, NAIROBI) is flags_at(found, DODOMA) is None
    assert flags_at(found, LAKE_NATRON) is None  # a cell of both


def test_a_cell_that_a_blocked_country_shares_with_another_stays(read) -> None:
    found = read({LION: {"block": {"KEN": []}}})
    assert flags_at(found, NAIROBI) != Flag.RANGE
    assert flags_at(found, LAKE_NATRON) == flags_at(found, DODOMA) == Flag.RANGE


def test_a_state_may_be_blocked_in_a_country_that_is_allowed(read) -> None:
    found = read({LION: {"allow": {"USA": []}, "block": {"USA": ["CA"]}}})
    assert flags_at(found, NEW_YORK) == Flag.RANGE
    assert flags_at(found, CALIFORNIA) != Flag.RANGE
    assert flags_at(found, BERLIN) is None


def test_entries_without_a_species_or_a_fence_are_left_out_and_counted(read) -> None:
    genus, class_, free = "mammalia;carnivora;felidae;panthera;", "mammalia;;;;", "aves;a;b;corvus;corax"
    found = read(
        {genus: {"allow": {"KEN": []}}, class_: {}, free: {}, PUMA: {"allow": {}}, LION: {"block": {"KEN": []}}}
    )
    assert [taxon.name for taxon in found.taxa] == ["Panthera leo"]
    assert found.dropped == {"above-species": 2, "no-fence": 2}
    assert found.rows == 5


def test_unknown_countries_are_named_and_what_has_no_other_is_dropped(read) -> None:
    found = read(
        {LION: {"allow": {"QQQ": [], "KEN": []}}, PUMA: {"allow": {"QQR": []}}, "a;b;c;d;e": {"block": {"QQR": []}}}
    )
    assert [taxon.name for taxon in found.taxa] == ["Panthera leo"]
    assert found.dropped == {"no-such-region": 2}
    assert "'QQQ', 'QQR'" in found.remarks[0]


def test_species_of_the_same_fence_have_the_same_cells(read) -> None:
    found = read({key: {"allow": {"KEN": []}} for key in (LION, PUMA)})
    lion, puma = (found.cells[found.records["taxon"] == number] for number in range(2))
    assert lion.tolist() == puma.tolist()


def test_a_subspecies_is_called_one(read) -> None:
    (taxon,) = read({"mammalia;carnivora;canidae;canis;lupus dingo": {"allow": {"AUS": []}}}).taxa
    assert (taxon.name, taxon.rank) == ("Canis lupus dingo", "subspecies")


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("", "is not JSON"),
        ("{", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ([], "holds a list, expected an object"),
        (None, "holds nothing"),
        ({"panthera leo": {}}, "'panthera leo' has 1 parts, expected 5"),
        ({LION: []}, "is a list, expected an object"),
        ({LION: {"allow": ["KEN"]}}, f"`allow` of '{LION}' is a list"),
        ({LION: {"block": "KEN"}}, f"`block` of '{LION}' is a string"),
        ({LION: {"allow": {"KEN": "all"}}}, "'KEN' is no list of states"),
        ({LION: {"allow": {"USA": ["CA", 5]}}}, "'USA' is no list of states"),
    ],
)
def test_a_file_that_is_no_geofence_is_refused_with_the_place_in_it(read, document, message) -> None:
    with pytest.raises(AreaDataError, match=r"geofence\.json") as refused:
        read(document)
    assert message in refused.value.message


def test_a_file_that_is_not_utf_8_is_refused(tmp_path, regions) -> None:
    path = tmp_path / "geofence.json"
    path.write_bytes(b'{"\xff": {}}')
    with pytest.raises(AreaDataError, match="is not JSON"):
        read_geofence(path, regions, "")


def test_a_huge_file_is_refused_before_it_is_parsed(read, monkeypatch) -> None:
    monkeypatch.setattr(geofence, "MAX_GEOFENCE", 10)
    with pytest.raises(AreaDataError, match="too large for a geofence"):
        read({LION: {}})


def test_a_missing_file_is_said_to_be_missing(tmp_path, regions) -> None:
    with pytest.raises(AreaDataError, match=r"nowhere\.json: No such file"):
        read_geofence(tmp_path / "nowhere.json", regions, "")
