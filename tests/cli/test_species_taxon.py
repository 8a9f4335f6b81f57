"""`geoid species --taxon`, and what commands say of a release of occurrences."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import h3
import pytest

from geoid.adapters.pack_files import write_pack
from geoid.core.features import Features, Flag, encode, records_of, weight_of
from geoid.core.releases import Contents, Kind, ReleaseTaxon

BERLIN, NAIROBI, NOWHERE = "52.5,13.4", "-1.29,36.82", "-70,0"
KEYS = [
    "format",
    "taxon",
    "release",
    "kind",
    "evidence",
    "members",
    "occurrences",
    "cells",
    "place",
    "cell",
    "month",
    "status",
    "coverage",
    "local",
    "distance_km",
]
EVERYWHERE = 8000
"""Cells of the most widespread species."""


def species(number: int, name: str, common: str | None, count: int) -> ReleaseTaxon:
    lineage = {"class": "Mammalia", "family": "Felidae", "genus": name.split(maxsplit=1)[0], "species": name}
    return ReleaseTaxon(number, name.lower().replace(" ", "-"), name, common, "species", lineage, 0, count)


TAXA = (
    species(0, "Felis catus", None, 90_000),
    species(1, "Felis imaginaria", "imaginary cat", 57),
    species(2, "Panthera leo", "lion", 12_034),
)
MAY = bytes(weight_of(20) if month == 5 else 0 for month in range(1, 13))


def parents(cell: str) -> list[str]:
    return [cell, *(h3.cell_to_parent(cell, resolution) for resolution in (4, 3, 2))]


@pytest.fixture(name="seeded", scope="session")
def _seeded(tmp_path_factory) -> Path:
    """A release of occurrences around Nairobi, of a species that geoid's table has and one that it has not."""
    values = {}
    for cell in parents(h3.latlng_to_cell(*map(float, NAIROBI.split(",")), 5)):
        blurred = Flag.TOO_COARSE if h3.get_resolution(cell) == 5 else 0
        rows = [(1, weight_of(30), MAY, 0), (2, 0 if blurred else weight_of(900), bytes(12), blurred)]
        found = Features(h3.get_resolution(cell), records_of(rows), 12_034, 930.0)
        values[int(cell, 16)] = encode(found).value
    step = 41_162 // EVERYWHERE
    world = [cell for base in sorted(h3.get_res0_cells()) for cell in sorted(h3.cell_to_children(base, 3))]
    here = int(h3.latlng_to_cell(*map(float, NAIROBI.split(",")), 3), 16)
    cells = (tuple(int(cell, 16) for cell in world[::step][:EVERYWHERE]), (here,), (here,))
    path = tmp_path_factory.mktemp("packs") / "seeded.areas"
    write_pack(Contents("seeded", Kind.OCCURRENCES, TAXA, cells, values, {}, "tests", "CC0-1.0"), path)
    return path


@pytest.fixture(name="told")
def _told(geoid):
    """The JSON document of a taxon."""

    def told(name: str, *arguments: object) -> dict:
        done = geoid("species", "--taxon", name, *arguments, "--json")
        assert (done.returncode, done.stderr) == (0, "")
        return json.loads(done.stdout)

    return told


def parts(done) -> dict[str, str]:
    """The lines of an answer by their first word."""
    assert done.returncode == 0, done.stderr
    return {name: text.strip() for name, _, text in (line.partition(" ") for line in done.stdout.splitlines())}


def test_a_taxon_is_told_without_a_place(geoid) -> None:
    done = geoid("species", "--taxon", "LION")
    found = parts(done)
    assert done.stderr == ""
    assert list(found) == ["taxon", "key", "release", "evidence", "cells"]
    assert found["taxon"] == "Panthera leo (lion), species"
    assert found["key"] == "panthera-leo"
    assert found["evidence"] == "a range"
    assert re.fullmatch(r"\d,\d{3} of about 12,400 km2 each", found["cells"])


def test_a_taxon_is_told_at_a_place(geoid) -> None:
    assert parts(geoid("species", "--taxon", "lion", "--at", NAIROBI))["place"].startswith("expected here, ")
    away = parts(geoid("species", "--taxon", "lion", "--at", BERLIN))
    assert re.fullmatch(r"not recorded here, geo score 0.00, nearest \d,\d{3} km away", away["place"])
    assert "known to the model; cell 85" in away["coverage"]


def test_a_group_says_how_many_of_it_are_here(geoid) -> None:
    found = parts(geoid("species", "--taxon", "cats", "--at", NAIROBI))
    assert found["members"] == "14 taxa of the release"
    assert found["place"].startswith("5 of 14 to be expected; likeliest Acinonyx jubatus: expected here")


def test_the_json_document_has_every_key_in_its_order(told) -> None:
    document = told("Panthera")
    assert list(document) == KEYS
    assert list(document["taxon"]) == ["scientific_name", "common_name", "rank", "taxon_key"]
    assert document["taxon"]["rank"] == "genus"
    assert {"panthera-leo", "panthera-tigris"} <= set(document["members"])
    assert (document["kind"], document["evidence"], document["occurrences"]) == ("ranges", "ranges", 0)
    assert [document[key] for key in KEYS[8:]] == [None] * 7


def test_a_place_and_a_date_are_in_the_document(told) -> None:
    document = told("black stork", "--at", BERLIN, "--on", "2024-12-01")
    assert document["place"] == {"latitude": 52.5, "longitude": 13.4}
    assert (document["month"], document["status"]) == (12, "applied")
    assert document["local"]["local_status"] == "out-of-season"
    assert document["coverage"]["density"] is None


def test_what_is_told_of_a_place_is_what_its_list_says(told, geoid) -> None:
    listed = json.loads(geoid("species", "--at", NAIROBI, "--json").stdout)
    document = told("lion", "--at", NAIROBI)
    assert document["local"] in listed["included"]
    for key in ("place", "cell", "month", "release", "status", "coverage"):
        assert document[key] == listed[key]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "neither a place nor a taxon is given"),
        (("--on", "2024-05-01", "--taxon", "lion"), "--on is the date at a place, and no place is given"),
        (("--taxon", "lion", "--taxa", "cats"), "--taxa and --excluded are for lists"),
        (("--taxon", "lion", "--at", BERLIN, "--excluded"), "--taxa and --excluded are for lists"),
        (("--at", BERLIN, "--map", "where.svg"), "--map draws where a taxon occurs, and none is given"),
        (("--taxon", "lion", "--map", "where.png"), "--map writes SVG, not .png"),
        (("--taxon", "lien"), "no taxon is called 'lien'"),
        (("--taxon", ""), "no taxon is called ''"),
    ],
)
def test_bad_arguments_get_one_sentence_and_a_hint_and_exit_with_2(geoid, arguments, sentence) -> None:
    done = geoid("species", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    error, blank, hint = done.stderr.splitlines()
    assert error.startswith(f"error: {sentence}")
    assert not blank
    assert hint.startswith("hint: ")


def test_a_name_that_is_none_gets_the_nearest(geoid, seeded) -> None:
    assert "did you mean Panthera leo (lion)" in geoid("species", "--taxon", "lien").stderr
    done = geoid("species", "--taxon", "Felis imaginario", "--areas", seeded)
    assert "did you mean Felis imaginaria (imaginary cat)" in done.stderr


def test_a_taxon_that_the_release_lacks_is_said_to_be_missing(geoid, seeded) -> None:
    done = geoid("species", "--taxon", "tiger", "--areas", seeded)
    assert done.returncode == 2
    assert "error: release seeded has no Panthera tigris (tiger)" in done.stderr


def test_records_are_told_of_a_release_of_occurrences(geoid, seeded) -> None:
    found = parts(geoid("species", "--taxon", "Panthera leo", "--at", NAIROBI, "--areas", seeded))
    assert found["release"] == "seeded, occurrences"
    assert (found["evidence"], found["records"]) == ("records", "12,034 world-wide")
    assert found["cells"] == "1 of about 12,400 km2 each"
    assert found["place"] == "expected here, geo score 1.00, all year"
    assert found["coverage"].startswith(
        "2 taxa occur here in some month, 1 of them known to the model; about 12,000 records near; cell 85"
    )


def test_a_taxon_that_no_table_knows_is_told_too(told, seeded) -> None:
    document = told("IMAGINARY cat", "--at", NAIROBI, "--on", "2024-01-01", "--areas", seeded)
    assert document["taxon"]["taxon_key"] == "felis-imaginaria"
    assert (document["occurrences"], document["cells"], document["evidence"]) == (57, 1, "occurrences")
    assert (document["local"]["local_status"], document["local"]["months"]) == ("out-of-season", [5])
    assert document["coverage"] == {"species_here": 2, "known_to_model": 1, "density": weight_of(12_034)}


def test_of_a_group_that_is_not_here_the_likeliest_is_named(geoid, seeded) -> None:
    found = parts(geoid("species", "--taxon", "Felis", "--at", NAIROBI, "--on", "2024-01-01", "--areas", seeded))
    assert found["place"].startswith("none of 2 to be expected; likeliest Felis catus: not recorded here, geo score ")
    assert "km" not in found["place"]


def test_a_photo_of_what_the_release_lacks_is_explained_by_vision(geoid, photos, seeded) -> None:
    arguments = ("--taxon", "cheetah", "--at", NAIROBI, "--areas", seeded)
    found = parts(geoid("explain", photos / "cheetah.webp", *arguments))
    assert found["place"] == "the area data does not list it"
    assert found["answer"].endswith("the place changed nothing: the area data says nothing of cheetah")


def test_a_photo_of_what_was_recorded_elsewhere_is_told_how_far_away(geoid, photos, seeded) -> None:
    arguments = ("--taxon", "domestic cat", "--at", NAIROBI, "--areas", seeded)
    found = parts(geoid("explain", photos / "cheetah.webp", *arguments))
    assert re.fullmatch(r"not recorded here, geo score 0\.\d\d, nearest \d+ km away", found["place"])


def test_a_taxon_at_a_place_without_data_says_so(geoid, seeded) -> None:
    found = parts(geoid("species", "--taxon", "lion", "--at", NOWHERE, "--areas", seeded))
    assert found["place"] == "no area data for this place"
    assert "coverage" not in found


def test_the_list_of_a_place_says_how_many_records_it_rests_on(geoid, seeded) -> None:
    done = geoid("species", "--at", NAIROBI, "--on", "2024-05-01", "--areas", seeded)
    assert [line.partition("  ")[0] for line in done.stdout.splitlines()] == ["Panthera leo", "Felis imaginaria"]
    assert (
        "all groups: 2 taxa occur here in some month, 1 of them known to the model; about 12,000 records near; cell "
        in done.stderr
    )


def test_doctor_says_what_a_release_of_occurrences_rests_on(geoid, seeded) -> None:
    done = geoid("doctor", "--json", env={"GEOID_AREAS__STORE": f"sqlite:{seeded}"})
    (areas,) = [check for check in json.loads(done.stdout)["checks"] if check["check"] == "areas"]
    assert areas["state"] == "warn"
    assert re.search(r" seeded, occurrences, 3 taxa, 102,091 records, 2 of [\d,]+ of the model's$", areas["text"])


def test_a_map_is_written_with_the_place_and_its_cell(geoid, tmp_path) -> None:
    path = tmp_path / "lion.svg"
    done = geoid("species", "--taxon", "lion", "--at", NAIROBI, "--map", path)
    assert (done.returncode, done.stderr) == (0, f"map: {path}\n")
    text = path.read_text(encoding="utf-8")
    root = ET.fromstring(text)
    assert {element.attrib["id"] for element in root.iter() if "id" in element.attrib} == {
        "land", "range", "cell", "place",
    }  # fmt: skip
    assert root.findtext("{http://www.w3.org/2000/svg}title") == "Panthera leo (lion), species"
    assert ">the place</text>" in text
    assert "photo" not in text


def test_a_map_without_a_place_shows_the_cells_alone(geoid, tmp_path) -> None:
    path = tmp_path / "cats.svg"
    assert geoid("species", "--taxon", "cats", "--map", path, "--json").returncode == 0
    text = path.read_text(encoding="utf-8")
    assert 'id="range"' in text
    assert 'id="place"' not in text


def test_a_map_that_cannot_be_written_exits_with_74(geoid, tmp_path) -> None:
    done = geoid("species", "--taxon", "lion", "--map", tmp_path / "no" / "lion.svg")
    assert done.returncode == 74
    assert "hint: check --map" in done.stderr


def test_a_species_of_thousands_of_scattered_cells_is_drawn_small(geoid, told, seeded, tmp_path) -> None:
    path = tmp_path / "cat.svg"
    assert geoid("species", "--taxon", "Felis catus", "--areas", seeded, "--map", path).returncode == 0
    assert path.stat().st_size < 500_000
    assert told("Felis catus", "--areas", seeded)["cells"] == EVERYWHERE
