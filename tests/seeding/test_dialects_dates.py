"""Dates and names as people and museums write them."""

from __future__ import annotations

from datetime import UTC, date, datetime

import polars as pl
import pytest

from geoid.seeding.binomials import binomial
from geoid.seeding.eventdates import year_month


def read(values, kind) -> tuple[object, object]:
    table = pl.LazyFrame({"date": pl.Series(values, dtype=kind)})
    found = year_month(pl.col("date"), table.collect_schema()["date"])
    rows = table.select(found.year.alias("year"), found.month.alias("month")).collect()
    assert rows.dtypes == [pl.Int32, pl.UInt8]
    return rows.row(0)


@pytest.mark.parametrize(
    ("text", "year", "month"),
    [
        ("2020-05-21", 2020, 5),
        ("2020-5-1", 2020, 5),
        ("2020-05", 2020, 5),
        ("2020", 2020, None),
        (" 2020-05-21 ", 2020, 5),
        ("2020-05-21T10:11:12.5Z", 2020, 5),
        ("2020-05-21 10:11:12 UTC", 2020, 5),
        ("20200521", 2020, 5),
        ("20200521T1011", 2020, 5),
        ("2020/05/21", 2020, 5),
        ("2020/5/1", 2020, 5),
        ("2020-05-01/2020-05-31", 2020, 5),
        ("2020-05-01T10:00:00Z/2020-05-01T12:00:00Z", 2020, 5),
        ("2020-05-01T10:00/12:00", 2020, 5),
        ("2020-05-01/31", 2020, 5),
        ("2020-05-01/05-20", 2020, 5),
        ("2020-05-01/06-02", 2020, None),
        ("2020-05-01/2020-06-02", 2020, None),
        ("2020-05/06", 2020, None),
        ("2020-05/2020-05", 2020, 5),
        ("2019-05-01/2020-05-01", 2020, None),
        ("2019-12-30/2020-01-02", 2020, None),
        ("2008/2010", 2010, None),
        ("25/03/2008", 2008, 3),
        ("03/25/2008", 2008, 3),
        ("25.3.2008", 2008, 3),
        ("03/03/2008", 2008, 3),
        ("03/04/2008", 2008, None),
        ("12/3/08", None, None),
        ("last summer", None, None),
        ("99", None, None),
        (None, None, None),
    ],
)
def test_years_and_months_are_read_and_never_guessed(text, year, month) -> None:
    assert read([text], pl.String) == (year, month)


def test_columns_of_dates_and_times_are_read_as_they_are() -> None:
    assert read([date(2020, 5, 21)], pl.Date) == (2020, 5)
    assert read([datetime(2020, 12, 31, 23, 59, tzinfo=UTC)], pl.Datetime("us", "UTC")) == (2020, 12)
    assert read([None], pl.Datetime) == (None, None)


@pytest.mark.parametrize(
    "name",
    [
        "Panthera leo",
        "Panthera leo (Linnaeus, 1758)",
        "Panthera leo, 1758",
        "Panthera leo persica Meyer, 1826",
        "Panthera leo cf. persica",
        "Panthera (Leo) leo L.",
        "Panthera_leo",
        "  Panthera  leo ",
        "Panthera leo [sic]",
    ],
)
def test_authors_subgenera_and_subspecies_are_taken_off(name) -> None:
    assert pl.select(binomial(pl.lit(name))).item() == "Panthera leo"


@pytest.mark.parametrize("name", ["Polygonia c-album", "Ia io", "Panthera leo-x"])
def test_odd_epithets_are_epithets(name) -> None:
    assert pl.select(binomial(pl.lit(name))).item() == name


@pytest.mark.parametrize(
    "name",
    [
        *("Panthera", "Felidae", "Panthera Oken, 1816", "Anas de Vries", "Passer von Linné", "Unidentified bird"),
        *("Panthera sp.", "Panthera sp", "Panthera spp.", "Panthera sp. nov. 3", "Panthera leo?"),
        *("Panthera cf. leo", "Panthera cf leo", "cf. Panthera leo", "Panthera aff. leo", "Panthera nr. leo"),
        *("Anas platyrhynchos x acuta", "Anas × platyrhynchos", "Corvus corone X Corvus cornix", "Panthera ×leo"),
        *("Panthera leo/tigris", "", None),
    ],
)
def test_what_is_no_single_species_has_no_name(name) -> None:
    assert pl.select(binomial(pl.lit(name, pl.String))).item() is None
