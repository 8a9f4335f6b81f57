"""Which dialect takes a table, and what is said of one that none takes."""

from __future__ import annotations

import polars as pl
import pytest

from geoid.seeding.dialects import dialect_of, is_table, lacking


def kind(columns) -> str | None:
    dialect = dialect_of(dict.fromkeys(columns.split(","), pl.String()))
    assert (dialect is not None) == is_table(columns.split(","))
    return None if dialect is None else dialect.kind


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ("gbifID,species,decimalLatitude,decimalLongitude", "gbif-csv"),
        ("species,speciesKey,scientificName,decimalLatitude,decimalLongitude", "gbif-csv"),
        ("gbifID,scientificName,decimalLatitude,decimalLongitude", "darwin-core"),
        ("scientificName,decimalLatitude,decimalLongitude", "darwin-core"),
        ("SCIENTIFIC NAME,LATITUDE,LONGITUDE,OBSERVATION DATE,OBSERVATION COUNT,", "ebird"),
        ("Submission ID,Common Name,Scientific Name,Latitude,Longitude,Date", "table"),
        ("id,observed_on,quality_grade,latitude,longitude,scientific_name", "inaturalist"),
        ("id,observed_on,latitude,longitude,scientific_name", "table"),
        ("species,decimalLatitude,decimalLongitude", "table"),
        ("taxon,lat,lon,date", "table"),
        ("cell,taxon,month", None),
        ("taxon_id,ancestry,rank_level,rank,name,active", None),
        ("", None),
    ],
)
def test_each_table_has_its_dialect(columns, expected) -> None:
    assert kind(columns) == expected


def test_a_typed_table_from_gbif_is_parquet() -> None:
    names = ("species", "specieskey", "decimallatitude", "decimallongitude")
    dialect = dialect_of(dict(zip(names, (pl.String(), pl.Int32(), pl.Float64(), pl.Float64()), strict=True)))
    assert dialect is not None
    assert dialect.kind == "gbif-parquet"
    assert dialect.licence == "per dataset: CC0, CC BY or CC BY-NC, see the download's citation"


@pytest.mark.parametrize(
    ("columns", "has"),
    [
        ("scientificName,decimalLatitude", "scientificName and decimalLatitude but no decimalLongitude"),
        ("Lon,taxon", "taxon and Lon but no lat"),
        ("lat,lng", "lat and lng but no scientific_name"),
        ("taxon,month", "taxon but no latitude and no longitude"),
        ("a", "no scientific_name and no latitude and no longitude"),
    ],
)
def test_what_a_table_lacks_is_said(columns, has) -> None:
    assert lacking(columns.split(",")) == f"has {has}; columns found: {columns.replace(',', ', ')}"


def test_a_message_names_a_dozen_columns() -> None:
    assert lacking([*"abcdefghijklmn"]).endswith("columns found: a, b, c, d, e, f, g, h, i, j, k, l and 2 more")
    assert lacking(["a", ""]).endswith("columns found: a, (no name)")
