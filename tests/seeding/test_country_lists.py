"""Country lists: names of countries and regions, how a taxon is there, national lists without a column of countries."""

from __future__ import annotations

from pathlib import Path

import h3
import numpy as np
import polars as pl
import pytest

from geoid.core.features import Flag
from geoid.core.places import cells_around
from geoid.core.values import Coordinates
from geoid.errors import AreaDataError
from geoid.seeding.countries import COUNTRIES, alpha_2
from geoid.seeding.country_lists import is_country_list, read_country_list
from geoid.seeding.region_names import RegionNames
from geoid.seeding.regions import read_regions
from geoid.seeding.sources import Broken, Part

CHECKOUT = Path(__file__).parents[2]
RANGES = CHECKOUT / "fixtures" / "ranges"
NAIROBI, BERLIN, ARUSHA, SAN_FRANCISCO, NEW_YORK = (-1.29, 36.82), (52.5, 13.4), (-3.4, 36.7), (37.5, -121.5), (41, -74)


@pytest.fixture(name="regions", scope="module")
def _regions():
    return read_regions(CHECKOUT / "fixtures/areas/regions.tsv", RANGES / "groups.txt", RANGES / "seas.txt")


class Text:
    """A table of text in one part."""

    def __init__(self, *lines: str) -> None:
        self.name, self.broken, self.size, self.remarks = "list.csv", Broken(), 0, ()
        self.frame = pl.scan_csv("\n".join(lines).encode(), infer_schema=False)
        self.columns = self.frame.collect_schema().names()

    def parts(self):
        yield Part(self.frame, self.size)


def flags_at(found, place, name: str) -> Flag | None:
    """The flags of the finest record of a taxon at a place."""
    taxon = [one.name for one in found.taxa].index(name)
    for cell in cells_around(Coordinates(*place))[2:]:
        here = (found.cells == int(cell, 16)) & (found.records["taxon"] == taxon)
        if here.any():
            (record,) = found.records[here]
            return Flag(int(record["flags"]))
    return None


def test_the_table_of_countries_has_each_code_once() -> None:
    lines = [line.split(" ", 2) for line in COUNTRIES.strip().splitlines()]
    assert len({line[0] for line in lines}) == len({line[1] for line in lines}) == len(lines) == 250
    assert all(alpha_2(three) == two for two, three, _ in lines)
    assert all(alpha_2(name) == two for two, _, names in lines for name in names.split(" = "))


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("KEN", "KE"),
        ("ken", "KE"),
        ("AND", "AD"),
        ("Côte d’Ivoire", "CI"),
        ("Korea, Republic of", "KR"),
        ("Congo, The Democratic Republic of the", "CD"),
        ("CONGO", "CG"),
        ("St. Lucia", "LC"),
        ("the Bahamas", "BS"),
        ("Trinidad & Tobago", "TT"),
        ("Niger", "NE"),
        ("Nigeria", "NG"),
        ("United States", "US"),
        ("Kosovo", "XK"),
        ("Atlantis", None),
        ("日本", None),
        ("", None),
    ],
)
def test_countries_go_by_their_codes_and_english_names(written, code) -> None:
    assert alpha_2(written) == code


def test_every_country_has_cells(regions) -> None:
    names = RegionNames(regions)
    codes = [line.split(" ", 1)[0] for line in COUNTRIES.strip().splitlines()]
    assert [code for code in codes if names.find(code) != code] == []


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("KE", "KE"),
        ("us-ca", "US-CA"),
        ("USA-CA", "US-CA"),
        ("KEN@-5,30,5,40", "KE@-5,30,5,40"),
        ("EUROPE", "EUROPE"),
        ("South America", "SOUTH-AMERICA"),
        ("~North Sea", "~north-sea"),
        ("@-5,30,5,40", "@-5,30,5,40"),
        ("-5, 30, 5, 40", "@-5,30,5,40"),
        (" Kenya ", "KE"),
        ("5,30,-5,40", None),
        ("XYZ-CA", None),
        ("INLAND", None),
        ("", None),
    ],
)
def test_regions_go_by_what_people_call_them(regions, written, name) -> None:
    assert RegionNames(regions).find(written) == name


@pytest.mark.parametrize(
    ("columns", "given", "expected"),
    [
        (("country", "taxon"), False, True),
        (("Scientific Name", "Country Code", "Status"), False, True),
        (("taxon",), False, False),
        (("taxon",), True, True),
        (("taxon", "lat", "lon"), True, False),
        (("species", "countryCode", "decimalLatitude"), False, False),
        (("country",), False, False),
    ],
)
def test_a_country_list_has_taxa_and_countries_or_is_of_one(columns, given, expected) -> None:
    assert is_country_list(columns, region_given=given) is expected


def test_a_taxon_is_in_its_countries_and_touches_their_neighbours(regions) -> None:
    found = read_country_list(Text("country,taxon", "KEN,Panthera leo"), regions, "CC-BY-4.0")
    assert flags_at(found, NAIROBI, "Panthera leo") == Flag.RANGE
    assert flags_at(found, BERLIN, "Panthera leo") is None
    kenya = regions.cells("KE")
    touched = found.cells[found.records["flags"] & Flag.TOUCHES > 0]
    around = [h3.grid_disk(f"{cell:x}", 1) for cell in touched.tolist()]
    assert all(any(int(one, 16) >> 36 & 0xFFFF in kenya for one in ring) for ring in around)
    assert (found.kind, found.licence, found.rows) == ("country-list", "CC-BY-4.0", 1)


def test_the_cells_of_a_range_are_those_of_its_region_though_some_stand_for_their_children(regions) -> None:
    found = read_country_list(Text("country,taxon", "Australia,Vombatus ursinus"), regions, "")
    assert {h3.get_resolution(f"{cell:x}") for cell in found.cells.tolist()} == {2, 3}
    taken = found.cells[found.records["flags"] & Flag.TOUCHES == 0]
    spread = {child for cell in taken.tolist() for child in h3.cell_to_children(f"{cell:x}", 3)}
    assert {int(cell, 16) >> 36 & 0xFFFF for cell in spread} == set(regions.cells("AU").tolist())


@pytest.mark.parametrize(
    ("columns", "value", "flag"),
    [
        ("introduced", "yes", Flag.INTRODUCED),
        ("introduced", "0", Flag(0)),
        ("establishmentMeans", "introduced", Flag.INTRODUCED),
        ("establishment_means", "nativeReintroduced", Flag(0)),
        ("status", "Introduced species", Flag.INTRODUCED),
        ("status", "Naturalised", Flag.INTRODUCED),
        ("status", "non-native", Flag.INTRODUCED),
        ("status", "Rare/Accidental", Flag(0)),
        ("occurrenceStatus", "doubtful", Flag.DOUBTFUL),
    ],
)
def test_columns_of_status_say_how_a_taxon_is_there(regions, columns, value, flag) -> None:
    found = read_country_list(Text(f"country,taxon,{columns}", f"KE,Panthera leo,{value}"), regions, "")
    assert flags_at(found, NAIROBI, "Panthera leo") == Flag.RANGE | flag


@pytest.mark.parametrize("status", ["absent", "Extinct", "extirpated", "Extinct in the wild"])
def test_what_is_not_there_any_more_is_dropped(regions, status) -> None:
    found = read_country_list(Text("country,taxon,status", f"KE,Panthera leo,{status}"), regions, "")
    assert found.dropped == {"absent": 1}
    assert not found.taxa


def test_native_goes_before_introduced_where_regions_overlap(regions) -> None:
    lines = ("KE,Panthera leo,", "EAST-AFRICA,Panthera leo,introduced")
    found = read_country_list(Text("country,taxon,status", *lines), regions, "")
    assert flags_at(found, NAIROBI, "Panthera leo") == Flag.RANGE
    assert flags_at(found, ARUSHA, "Panthera leo") == Flag.RANGE | Flag.INTRODUCED


def test_months_make_a_migrant(regions) -> None:
    lines = ("DE,Hirundo rustica,4", "DE,Hirundo rustica,5", "KE,Hirundo rustica,11")
    found = read_country_list(Text("country,taxon,month", *lines), regions, "")
    assert flags_at(found, BERLIN, "Hirundo rustica") == Flag.RANGE | Flag.MIGRANT
    assert np.count_nonzero(found.records["months"].max(axis=0)) == 3


def test_unknown_regions_are_counted_and_named(regions) -> None:
    lines = [f"Atlantis {number},Panthera leo" for number in range(12)]
    found = read_country_list(Text("country,taxon", *lines, ",Panthera leo", "KE,Panthera leo"), regions, "")
    assert found.dropped == {"no-such-region": 13}
    assert "Atlantis 0" in found.remarks[0]
    assert found.remarks[0].endswith("and 2 more")


def test_a_national_list_needs_no_column_of_countries(regions) -> None:
    table = Text("scientificName,vernacularName", "Puma concolor,puma", "Lynx rufus,bobcat")
    found = read_country_list(table, regions, "", "US-CA KE")
    assert flags_at(found, SAN_FRANCISCO, "Puma concolor") == flags_at(found, NAIROBI, "Lynx rufus") == Flag.RANGE
    assert flags_at(found, NEW_YORK, "Puma concolor") is None
    assert [taxon.common_name for taxon in found.taxa] == ["bobcat", "puma"]
    assert found.remarks == ()


def test_a_given_region_that_is_none_is_refused(regions) -> None:
    with pytest.raises(AreaDataError, match="there is no region 'Atlantis'"):
        read_country_list(Text("taxon", "Panthera leo"), regions, "", "KE Atlantis")


@pytest.mark.parametrize("lines", [(), ("Atlantis,Panthera leo",), ("KE,",)])
def test_a_list_of_which_nothing_is_left_is_a_source_of_nothing(regions, lines) -> None:
    found = read_country_list(Text("country,taxon", *lines), regions, "")
    assert (len(found.taxa), len(found.cells), len(found.records)) == (0, 0, 0)
    assert found.rows == sum(found.dropped.values()) == len(lines)
