"""Tables that people make: whatever their columns are called, and however they write numbers, names and dates."""

from __future__ import annotations

import polars as pl
import pytest

from geoid.seeding.dialects import dialect_of


def said(header, *lines, separator=",", kind="table") -> list[dict[str, object]]:
    text = "".join(f"{line}\n" for line in (header, *lines)).encode()
    frame = pl.scan_csv(text, separator=separator, infer_schema=False)
    dialect = dialect_of(frame.collect_schema())
    assert dialect is not None
    assert dialect.kind == kind
    fields = dialect.fields
    given = {name: told for name, told in fields._asdict().items() if isinstance(told, pl.Expr)} | fields.lineage
    return frame.select(told.alias(name) for name, told in given.items()).collect(engine="streaming").to_dicts()


@pytest.mark.parametrize(
    "header",
    [
        *("taxon,lat,lon,date", "species,latitude,longitude,eventDate", "Scientific Name,Lat,Lng,Observed on"),
        *(
            "NAME,Y,X,DATUM",
            "latin,LATITUDE,long,observation_date",
            "scientificname,lat,decimal_longitude,date",
        ),
    ],
)
def test_columns_go_by_many_names(header) -> None:
    assert said(header, "Panthera leo,-1.5,36.75,2020-05-21") == [
        {"name": "Panthera leo", "latitude": -1.5, "longitude": 36.75, "year": 2020, "month": 5}
    ]


def test_scientific_names_come_before_others() -> None:
    (found,) = said("name,species,scientific_name,lat,lon", "Cage 1,lion,Panthera leo,1,2")
    assert found["name"] == "Panthera leo"


def test_everything_else_may_be_there_too() -> None:
    header = "species;lat;lon;year;month;accuracy;common_name;class;order;establishmentMeans;occurrenceStatus"
    (found,) = said(header, "Sus scrofa;1;2;2001.0;7;35,5;Wild boar;Mammalia;;introduced;absent", separator=";")
    assert found == {
        "name": "Sus scrofa", "latitude": 1.0, "longitude": 2.0, "year": 2001, "month": 7, "uncertainty": 35.5,
        "common_name": "Wild boar", "class": "Mammalia", "order": None,
        "absent": True, "captive": False, "introduced": True,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("written", "number"),
    [("51,5", 51.5), (" 51.5 ", 51.5), ("-51,5", -51.5), ("+5", 5.0), ("5e1", 50.0), ("1.234,5", None), ("N 5", None)],
)
def test_numbers_may_have_commas_and_blanks(written, number) -> None:
    (found,) = said("taxon;lat;lon;accuracy", f"A b;{written};{written};{written}", separator=";")
    assert [found[name] for name in ("latitude", "longitude", "uncertainty")] == [number] * 3


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("panthera leo", "Panthera leo"),
        ("Panthera_leo", "Panthera leo"),
        (" Panthera leo persica ", "Panthera leo"),
        ("Panthera leo (Linnaeus, 1758)", "Panthera leo"),
        ("Panthera", None),
        ("Panthera sp.", None),
        ("", None),
    ],
)
def test_names_are_tidied_and_higher_ranks_have_none(written, name) -> None:
    (found,) = said("taxon;lat;lon", f"{written};1;2", separator=";")
    assert found["name"] == name


def test_genus_and_epithet_may_stand_apart() -> None:
    found = said("genus,species,lat,lon", "Panthera,leo,1,2", "Panthera,Panthera leo,1,2", ",leo,1,2", "Panthera,,1,2")
    assert [row["name"] for row in found] == ["Panthera leo", "Panthera leo", None, None]


def test_numbers_and_dates_of_other_types_are_read_as_they_are() -> None:
    table = pl.LazyFrame({"taxon": ["Ia io"], "lat": [1], "lon": [2.5], "date": ["2020-01-01"]})
    table = table.with_columns(pl.col("date").str.to_date(), pl.col("taxon").cast(pl.Categorical))
    dialect = dialect_of(table.collect_schema())
    assert dialect is not None
    told = dialect.fields
    found = table.select(told.name, told.latitude, told.longitude, told.year.alias("year")).collect()
    assert found.row(0) == ("Ia io", 1.0, 2.5, 2020)


DARWIN = "scientificName,genus,specificEpithet,taxonRank,acceptedNameUsage,decimalLatitude,decimalLongitude,eventDate"


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("Felis leo L.,Panthera,leo,species,,1,2,", "Panthera leo"),
        ("Felis leo L.,Panthera,leo,,,1,2,", "Panthera leo"),
        ("Felis leo,Felis,leo,subspecies,Panthera leo (Linnaeus),1,2,", "Panthera leo"),
        ("Felis leo,Felis,leo,species,Panthera,1,2,", "Felis leo"),
        ("Panthera leo L.,Panthera,,species,,1,2,", "Panthera leo"),
        ("Panthera leo L.,,,Art,,1,2,", "Panthera leo"),
        ("Panthera Oken,Panthera,,genus,,1,2,", None),
        ("Panthera leo,Panthera,leo,GENUS,,1,2,", None),
        ("Panthera leo group,Panthera,leo,species group,,1,2,", None),
        ("Panthera cf. leo,Panthera,cf. leo,species,,1,2,", None),
        ("Panthera leo x pardus,Panthera,× foo,species,,1,2,", None),
    ],
)
def test_darwin_core_names_its_species_in_three_ways(line, name) -> None:
    (found,) = said(DARWIN, line, kind="darwin-core")
    assert found["name"] == name


def test_darwin_core_needs_no_more_than_a_name_and_a_position() -> None:
    header = "dwc:scientificName,dwc:decimalLatitude,dwc:decimalLongitude,dwc:basisOfRecord,year,eventDate"
    found = said(header, 'Panthera leo,"1,5",2,FossilSpecimen,,2020-05', "A b,1,2,,1990,2020-05", kind="darwin-core")
    assert [(row["latitude"], row["captive"], row["year"], row["month"]) for row in found] == [
        (1.5, True, 2020, 5),
        (1.0, False, 1990, 5),
    ]


def test_darwin_core_may_have_parts_of_names_only() -> None:
    (found,) = said("genus,specificEpithet,decimalLatitude,decimalLongitude", "Panthera,leo,1,2", kind="darwin-core")
    assert found["name"] == "Panthera leo"
