"""GBIF's downloads: the same data says the same in each of their forms, and each term means what GBIF means by it."""

from __future__ import annotations

from datetime import datetime

import polars as pl
import pytest

from geoid.seeding.dialects import dialect_of

SPECIES = {"species": "Panthera leo", "speciesKey": "5219404", "genus": "Panthera", "class": "Mammalia"}
PLACE = {"decimalLatitude": "-1.5", "decimalLongitude": "36.75"}
RECORD = {
    "gbifID": "1",
    **SPECIES,
    "scientificName": "Felis leo Linnaeus, 1758",
    "taxonKey": "999",
    "kingdom": "Animalia",
    "phylum": "Chordata",
    "order": "Carnivora",
    "family": "Felidae",
    **PLACE,
    "coordinateUncertaintyInMeters": "301.0",
    "eventDate": "2020-05-21T10:11:12",
    "year": "2020",
    "month": "5",
    "occurrenceStatus": "PRESENT",
    "basisOfRecord": "HUMAN_OBSERVATION",
    "establishmentMeans": None,
    "issue": None,
}
ROWS = [
    RECORD,
    RECORD | {"occurrenceStatus": "ABSENT", "issue": "COORDINATE_ROUNDED;ZERO_COORDINATE"},
    RECORD | {"species": None, "speciesKey": None, "coordinateUncertaintyInMeters": None},
    RECORD | {"basisOfRecord": "FOSSIL_SPECIMEN", "year": None, "month": None, "eventDate": None},
    RECORD | {"establishmentMeans": "INTRODUCED", "issue": "COORDINATE_ROUNDED"},
    RECORD | dict.fromkeys(PLACE),
]


def said(table: pl.DataFrame, kind: str) -> pl.DataFrame:
    dialect = dialect_of(table.schema)
    assert dialect is not None
    assert dialect.kind == kind
    fields = dialect.fields._asdict()
    given = {name: told for name, told in fields.items() if isinstance(told, pl.Expr)} | dialect.fields.lineage
    return table.lazy().select(told.alias(name) for name, told in given.items()).collect(engine="streaming")


def text(*rows) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=dict.fromkeys(rows[0], pl.String))


def one(field, row, without=()) -> object:
    kept = {name: value for name, value in (RECORD | row).items() if name not in without}
    return said(text(kept), "gbif-csv")[field].item()


def parquet(issue) -> pl.DataFrame:
    """The types that GBIF's Parquet files have had over the years."""
    table = text(*ROWS).rename(str.lower)
    number = pl.col("decimallatitude", "decimallongitude", "coordinateuncertaintyinmeters").cast(pl.Float64)
    whole = pl.col("year", "month", "specieskey", "gbifid").cast(pl.Int32)
    date = pl.col("eventdate").str.to_datetime("%Y-%m-%dT%H:%M:%S")
    return table.with_columns(number, whole, date, issue(pl.col("issue").str.split(";")).alias("issue"))


def test_fields_are_what_they_should_be() -> None:
    assert said(text(RECORD), "gbif-csv").row(0, named=True) == {
        "name": "Panthera leo",
        "key": "5219404",
        "latitude": -1.5,
        "longitude": 36.75,
        "uncertainty": 301.0,
        "year": 2020,
        "month": 5,
        "absent": False,
        "flawed": False,
        "captive": False,
        "introduced": False,
        "kingdom": "Animalia",
        "phylum": "Chordata",
        "class": "Mammalia",
        "order": "Carnivora",
        "family": "Felidae",
        "genus": "Panthera",
    }


@pytest.mark.parametrize(
    "issue",
    [
        lambda listed: listed,
        lambda listed: listed.fill_null([]),
        lambda listed: listed.list.eval(pl.struct(pl.element().alias("array_element"))),
        lambda listed: listed.list.join(";"),
    ],
    ids=["list", "empty list", "structures", "text"],
)
def test_parquet_says_the_same_as_text(issue) -> None:
    assert said(parquet(issue), "gbif-parquet").equals(said(text(*ROWS), "gbif-csv"))


def test_an_interpreted_archive_says_the_same_as_a_simple_table() -> None:
    more = {"acceptedScientificName": "Panthera leo", "specificEpithet": "leo", "taxonRank": "SUBSPECIES"}
    flawed = ["true" if "ZERO" in (row["issue"] or "") else "false" for row in ROWS]
    rows = [row | more | {"hasGeospatialIssues": flag} for row, flag in zip(ROWS, flawed, strict=True)]
    assert said(text(*rows), "gbif-csv").equals(said(text(*ROWS), "gbif-csv"))


def test_columns_are_found_in_any_order() -> None:
    turned = [dict(reversed(row.items())) for row in ROWS]
    assert said(text(*turned), "gbif-csv").equals(said(text(*ROWS), "gbif-csv"))


def test_old_files_have_no_status_but_a_count() -> None:
    assert one("absent", {"individualCount": "0"}, without=["occurrenceStatus"]) is True
    assert one("absent", {"individualCount": None}, without=["occurrenceStatus"]) is False
    assert one("absent", {"individualCount": "0"}) is False


@pytest.mark.parametrize(("status", "absent"), [("ABSENT", True), ("Absent", True), ("absent", True), (None, False)])
def test_absent_is_absent_in_any_case(status, absent) -> None:
    assert one("absent", {"occurrenceStatus": status}) is absent


@pytest.mark.parametrize(
    ("issue", "flawed"),
    [
        ("ZERO_COORDINATE", True),
        ("COORDINATE_OUT_OF_RANGE", True),
        ("COORDINATE_INVALID", True),
        ("COUNTRY_COORDINATE_MISMATCH", True),
        ("PRESUMED_SWAPPED_COORDINATE", True),
        ("PRESUMED_NEGATED_LATITUDE", True),
        ("PRESUMED_NEGATED_LONGITUDE", True),
        ("COORDINATE_ROUNDED;PRESUMED_NEGATED_LATITUDE;TAXON_MATCH_FUZZY", True),
        ("COORDINATE_ROUNDED;GEODETIC_DATUM_ASSUMED_WGS84", False),
        ("COORDINATE_INVALID_ONCE;NOT_ZERO_COORDINATE", False),
        ("COORDINATE_UNCERTAINTY_METERS_INVALID", False),
        (None, False),
    ],
)
def test_a_position_is_flawed_by_whole_issues_only(issue, flawed) -> None:
    assert one("flawed", {"issue": issue}) is flawed
    listed = parquet(lambda told: told).head(1).with_columns(pl.lit(issue, pl.String).str.split(";").alias("issue"))
    assert said(listed, "gbif-parquet")["flawed"].item() is flawed


@pytest.mark.parametrize(("told", "flawed"), [("true", True), ("TRUE", True), ("false", False), (None, False)])
def test_the_summary_of_issues_counts_too(told, flawed) -> None:
    assert one("flawed", {"hasGeospatialIssues": told}) is flawed


@pytest.mark.parametrize(
    ("row", "captive"),
    [
        ({"basisOfRecord": "FOSSIL_SPECIMEN"}, True),
        ({"basisOfRecord": "LIVING_SPECIMEN"}, True),
        ({"basisOfRecord": "FossilSpecimen"}, True),
        ({"basisOfRecord": "living specimen"}, True),
        ({"basisOfRecord": "PRESERVED_SPECIMEN"}, False),
        ({"basisOfRecord": "LITERATURE"}, False),
        ({"basisOfRecord": None}, False),
        ({"establishmentMeans": "MANAGED"}, True),
        ({"establishmentMeans": "captive"}, True),
        ({"establishmentMeans": "Native"}, False),
        ({"degreeOfEstablishment": "captive"}, True),
        ({"degreeOfEstablishment": "cultivated"}, True),
        ({"degreeOfEstablishment": "established"}, False),
    ],
)
def test_fossils_and_kept_animals_are_not_wild(row, captive) -> None:
    assert one("captive", row) is captive


@pytest.mark.parametrize(
    ("row", "introduced"),
    [
        ({"establishmentMeans": "INTRODUCED"}, True),
        ({"establishmentMeans": "IntroducedAssistedColonisation"}, True),
        ({"establishmentMeans": "NATURALISED"}, True),
        ({"establishmentMeans": "naturalized"}, True),
        ({"establishmentMeans": "INVASIVE"}, True),
        ({"establishmentMeans": "NativeReintroduced"}, False),
        ({"establishmentMeans": "UNCERTAIN"}, False),
        ({"establishmentMeans": None}, False),
        ({"degreeOfEstablishment": "widespreadInvasive"}, True),
        ({"degreeOfEstablishment": "colonising"}, True),
        ({"degreeOfEstablishment": "native"}, False),
    ],
)
def test_what_people_brought_is_introduced(row, introduced) -> None:
    assert one("introduced", row) is introduced


def test_a_word_of_a_vocabulary_may_be_a_structure() -> None:
    means = pl.struct(pl.lit("Introduced").alias("concept"), pl.lit("x").alias("lineage"))
    table = parquet(lambda told: told).with_columns(means.alias("establishmentmeans"))
    assert said(table, "gbif-parquet")["introduced"].all()


@pytest.mark.parametrize(
    ("date", "year", "month"),
    [("2020-05-01/2020-05-09", 2020, 5), ("2020-05-01/2020-06-02", 2020, None), (datetime(2020, 5, 1), 2020, 5)],  # noqa: DTZ001
)
def test_without_years_and_months_the_date_is_read(date, year, month) -> None:
    table = text(RECORD).drop("year", "month").with_columns(pl.lit(date).alias("eventDate"))
    found = said(table, "gbif-csv" if isinstance(date, str) else "gbif-parquet")
    assert found.select("year", "month").row(0) == (year, month)


def test_what_is_no_number_is_nothing() -> None:
    assert one("latitude", {"decimalLatitude": "N 5"}) is None
    assert one("uncertainty", {"coordinateUncertaintyInMeters": "about 5"}) is None
    assert one("year", {"year": "MMXX"}) is None
    assert one("month", {"month": "-3"}) is None
