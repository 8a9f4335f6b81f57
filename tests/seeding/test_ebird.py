"""The eBird Basic Dataset, read as it is published: with its header, its codes and its trailing tab."""

from __future__ import annotations

import polars as pl
import pytest

from geoid.seeding.dialects import dialect_of, is_table
from geoid.seeding.rules import ruled, rules_of, uncertainty_class

HEADER = (
    "GLOBAL UNIQUE IDENTIFIER\tLAST EDITED DATE\tTAXONOMIC ORDER\tCATEGORY\tTAXON CONCEPT ID\tCOMMON NAME\t"
    "SCIENTIFIC NAME\tSUBSPECIES COMMON NAME\tSUBSPECIES SCIENTIFIC NAME\tEXOTIC CODE\tOBSERVATION COUNT\tCOUNTRY\t"
    "LOCALITY\tLOCALITY TYPE\tLATITUDE\tLONGITUDE\tOBSERVATION DATE\tPROTOCOL NAME\tEFFORT DISTANCE KM\tAPPROVED\t"
    "REVIEWED\tSPECIES COMMENTS\t"
)
RECORD = {
    "GLOBAL UNIQUE IDENTIFIER": "URN:CornellLabOfOrnithology:EBIRD:OBS1",
    "CATEGORY": "species",
    "TAXON CONCEPT ID": "avibase-1",
    "COMMON NAME": "Mallard",
    "SCIENTIFIC NAME": "Anas platyrhynchos",
    "OBSERVATION COUNT": "X",
    "LATITUDE": "42.5",
    "LONGITUDE": "-76.25",
    "OBSERVATION DATE": "2020-05-21",
    "PROTOCOL NAME": "Traveling",
    "APPROVED": "1",
    "SPECIES COMMENTS": 'she said "quack',
}


def scanned(row, header=HEADER) -> pl.LazyFrame:
    lines = header, "\t".join(row.get(name) or "" for name in header.split("\t"))
    text = "".join(f"{line}\n" for line in lines).encode()
    return pl.scan_csv(text, separator="\t", quote_char=None, infer_schema=False)


def said(row, header=HEADER) -> dict[str, object]:
    frame = scanned(RECORD | row, header)
    dialect = dialect_of(frame.collect_schema())
    assert dialect is not None
    assert (dialect.kind, dialect.licence) == ("ebird", "eBird data terms of use: no redistribution")
    fields = dialect.fields
    given = {name: told for name, told in fields._asdict().items() if isinstance(told, pl.Expr)}
    return frame.select(
        *(told.alias(name) for name, told in (given | fields.lineage).items()),
        ruled(fields, 1970, None).alias("rule"),
        uncertainty_class(fields).alias("finest"),
    ).collect(engine="streaming").row(0, named=True) | {"rules": rules_of(fields)}  # fmt: skip


def test_fields_are_what_they_should_be() -> None:
    found = said({})
    assert found.pop("rules")[-1] == "not-approved"
    assert found == {
        "name": "Anas platyrhynchos", "key": "avibase-1", "common_name": "Mallard",
        "latitude": 42.5, "longitude": -76.25, "uncertainty": None, "year": 2020, "month": 5,
        "absent": False, "captive": False, "introduced": False, "rule": 0, "finest": 5,
        "kingdom": "Animalia", "phylum": "Chordata", "class": "Aves", "genus": "Anas",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("category", "written", "name"),
    [
        ("species", "Anas platyrhynchos", "Anas platyrhynchos"),
        ("issf", "Junco hyemalis", "Junco hyemalis"),
        ("issf", "Junco hyemalis oreganus", "Junco hyemalis"),
        ("issf", "Junco hyemalis [oreganus Group]", "Junco hyemalis"),
        ("form", "Ardea herodias [undescribed form]", "Ardea herodias"),
        ("form", "Pterodroma sp. (undescribed form)", None),
        ("intergrade", "Setophaga coronata coronata x auduboni", "Setophaga coronata"),
        ("domestic", "Anas platyrhynchos (Domestic type)", "Anas platyrhynchos"),
        ("spuh", "Anas sp.", None),
        ("spuh", "Anatidae", None),
        ("slash", "Anas rubripes/platyrhynchos", None),
        ("slash", "Aythya marila or affinis", None),
        ("hybrid", "Anas rubripes x platyrhynchos", None),
        (None, "Anas rubripes x platyrhynchos", None),
        (None, "Anas platyrhynchos", "Anas platyrhynchos"),
    ],
)
def test_every_category_has_its_species_or_none(category, written, name) -> None:
    found = said({"CATEGORY": category, "SCIENTIFIC NAME": written})
    assert found["name"] == name
    assert found["rule"] == {None: 2}.get(name, 7 if category == "domestic" else 0)


def test_keys_and_common_names_are_of_the_species() -> None:
    older = said({"CATEGORY": "issf", "SCIENTIFIC NAME": "Junco hyemalis oreganus", "COMMON NAME": "Oregon Junco"})
    assert (older["key"], older["common_name"]) == (None, None)
    newer = said({"CATEGORY": "issf", "SCIENTIFIC NAME": "Junco hyemalis", "COMMON NAME": "Dark-eyed Junco"})
    assert (newer["key"], newer["common_name"]) == (None, "Dark-eyed Junco")


@pytest.mark.parametrize(("count", "absent"), [("X", False), ("0", True), ("10", False), (None, False)])
def test_a_count_of_none_is_an_absence(count, absent) -> None:
    assert said({"OBSERVATION COUNT": count})["absent"] is absent


@pytest.mark.parametrize(
    ("code", "captive", "introduced"),
    [("N", False, True), ("P", False, True), ("X", True, False), (None, False, False)],
)
def test_exotic_birds_are_introduced_and_escapees_are_not_wild(code, captive, introduced) -> None:
    found = said({"EXOTIC CODE": code})
    assert (found["captive"], found["introduced"]) == (captive, introduced)


@pytest.mark.parametrize(("approved", "used"), [("1", True), ("0", False), ("TRUE", True), ("FALSE", False)])
def test_what_was_not_approved_is_dropped(approved, used) -> None:
    found = said({"APPROVED": approved})
    assert found["rule"] == (0 if used else 1 + found["rules"].index("not-approved"))


@pytest.mark.parametrize(
    ("way", "metres", "finest"),
    [(None, None, 5), ("10", None, 5), ("10.5", 10_500.0, 4), ("50", 50_000.0, 3)],
)
def test_a_long_way_is_an_uncertain_position(way, metres, finest) -> None:
    found = said({"EFFORT DISTANCE KM": way})
    assert (found["uncertainty"], found["finest"]) == (metres, finest)


def test_few_columns_are_enough_and_may_be_in_snake_case() -> None:
    header = "scientific_name\tlatitude\tlongitude\tobservation_date\tobservation_count"
    found = said({name.lower().replace(" ", "_"): value for name, value in RECORD.items()}, header)
    assert (found["name"], found["month"], found["rule"]) == ("Anas platyrhynchos", 5, 0)
    assert "key" not in found
    assert found["rules"][-1] == "outside-area"
    assert is_table(header.split("\t"))
