"""What a release says of a taxon: found by any name, with its group's taxa, its cells, its records."""

from __future__ import annotations

import h3
import pytest
from tables import TableCache, TableReleases, TableStore, release_of

from geoid.core.areas import Behind, open_areas
from geoid.core.distribution import distribution
from geoid.core.local_list import LocalTaxon
from geoid.core.predictions import LocalStatus
from geoid.core.releases import Contents, Kind, ReleaseTaxon, TaxonFlag
from geoid.core.values import Coordinates, Taxon
from geoid.errors import UnknownTaxon

LONDON, PARIS = Coordinates(51.5, -0.125), Coordinates(48.85, 2.35)


def around(place: Coordinates, resolution: int = 3) -> int:
    return int(h3.latlng_to_cell(place.latitude, place.longitude, resolution), 16)


def taxon(number: int, name: str, common: str | None, occurrences: int = 0, flags: int = 0) -> ReleaseTaxon:
    genus = name.split(maxsplit=1)[0]
    lineage = {"class": "Aves", "family": "Corvidae", "genus": genus, "species": name}
    return ReleaseTaxon(number, name.lower().replace(" ", "-"), name, common, "species", lineage, flags, occurrences)


ALPINE, HOODED, JAY = (
    taxon(0, "Corvus alpinus", None, 40),
    taxon(1, "Corvus cornix", "hooded crow", 2),
    taxon(2, "Garrulus glandarius", "Eurasian jay"),
)
CELLS = (
    (around(LONDON), around(PARIS)),
    (int(h3.cell_to_parent(f"{around(PARIS):x}", 2), 16),),
    (),
)
TABLE = (
    Taxon("corvidae", "Corvidae", "crows and jays", "family", {"family": "Corvidae"}),
    Taxon("corvus-alpinus", "Corvus alpinus", "mountain crow", "species", {"species": "Corvus alpinus"}),
    Taxon("panthera-leo", "Panthera leo", "lion", "species", {"species": "Panthera leo"}),
)


def found(name: str, kind: Kind = Kind.OCCURRENCES, taxa=(ALPINE, HOODED, JAY), cells=CELLS):
    contents = Contents("seeded", kind, taxa, cells, {}, {}, "", "")
    areas = open_areas(Behind(TableStore(contents), TableReleases(release_of(contents)), TableCache()))
    return distribution(areas, name, TABLE)


@pytest.mark.parametrize("name", ["Corvus cornix", "CORVUS  CORNIX", "hooded crow", "Hooded Crow", "corvus-cornix"])
def test_a_taxon_of_the_release_is_found_by_any_of_its_names(name) -> None:
    one = found(name)
    assert (one.taxon.key, one.taxon.common_name) == ("corvus-cornix", "hooded crow")
    assert one.members == (HOODED,)
    assert one.occurrences == 2


def test_the_table_lends_a_name_to_what_the_release_has_none_for() -> None:
    assert found("mountain crow").members == (ALPINE,)
    assert found("Corvus alpinus").taxon.common_name == "mountain crow"


@pytest.mark.parametrize(
    ("name", "key", "rank", "members"),
    [
        ("Corvus", "corvus", "genus", (ALPINE, HOODED)),
        ("corvidae", "corvidae", "family", (ALPINE, HOODED, JAY)),
        ("crows and jays", "corvidae", "family", (ALPINE, HOODED, JAY)),
        ("AVES", "aves", "class", (ALPINE, HOODED, JAY)),
    ],
)
def test_a_group_takes_in_all_its_taxa(name, key, rank, members) -> None:
    one = found(name)
    assert (one.taxon.key, one.taxon.rank, one.members) == (key, rank, members)
    assert one.occurrences == 42


def test_the_cells_of_a_group_are_counted_once_whatever_their_resolution() -> None:
    children = h3.cell_to_children_size(f"{CELLS[1][0]:x}", 3)
    assert found("Corvus alpinus").size() == 2
    assert found("Corvus cornix").size() == children
    assert found("Corvus").size() == children + 1
    assert found("Garrulus glandarius").size() == 0


def test_the_distance_is_to_the_nearest_cell() -> None:
    assert found("Corvus alpinus").distance_km(LONDON) < 80
    assert found("Corvus cornix").distance_km(LONDON) > 150
    assert found("Garrulus glandarius").distance_km(LONDON) is None


@pytest.mark.parametrize(
    ("kind", "name", "evidence"),
    [
        (Kind.OCCURRENCES, "Corvus cornix", Kind.OCCURRENCES),
        (Kind.RANGES, "Corvus cornix", Kind.RANGES),
        (Kind.MIXED, "Corvus cornix", Kind.MIXED),
        (Kind.MIXED, "Garrulus glandarius", Kind.RANGES),
    ],
)
def test_in_a_mixed_release_a_taxon_without_records_has_ranges(kind, name, evidence) -> None:
    assert found(name, kind).evidence is evidence


def test_flags_are_those_that_all_members_share() -> None:
    flagged = (
        ALPINE._replace(flags=TaxonFlag.DOMESTIC | TaxonFlag.DOUBTFUL),
        HOODED._replace(flags=TaxonFlag.DOMESTIC),
        JAY,
    )
    assert found("Corvus", taxa=flagged).flags == TaxonFlag.DOMESTIC
    assert found("Aves", taxa=flagged).flags == 0


def test_the_likeliest_member_is_one_that_is_included_before_one_with_a_greater_score() -> None:
    listed = [
        LocalTaxon(JAY, 1.0, LocalStatus.EXPECTED, (), "area"),
        LocalTaxon(ALPINE, 0.3, LocalStatus.OUT_OF_SEASON, (), "area"),
        LocalTaxon(HOODED, 0.1, LocalStatus.EXPECTED, (), "area"),
    ]
    assert found("Corvus").likeliest(listed) == listed[2]
    assert found("Corvus").likeliest(listed[:2]) == listed[1]
    assert found("Corvus").likeliest(listed[:1]) is None


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("Corvus corniks", "did you mean Corvus cornix (hooded crow)"),
        ("crow", "did you mean Corvus alpinus (mountain crow), or Corvus cornix (hooded crow)?"),
        ("Corvidea", "did you mean Corvidae (crows and jays)"),
        ("zebra", "release seeded has no name like it"),
    ],
)
def test_an_unknown_name_gets_the_nearest_ones(name, hint) -> None:
    with pytest.raises(UnknownTaxon, match=f"no taxon is called '{name}'") as caught:
        found(name)
    assert caught.value.hint.startswith(hint)


def test_a_taxon_that_only_the_table_knows_is_not_in_the_release() -> None:
    with pytest.raises(UnknownTaxon, match=r"release seeded has no Panthera leo \(lion\)"):
        found("lion")
