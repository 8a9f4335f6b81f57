"""`geoid species` as its user meets it."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

STARTER = Path(__file__).resolve().parents[2] / "fixtures" / "areas" / "starter.areas"
BERLIN, NAIROBI = "52.5,13.4", "-1.29,36.82"
KEYS = ["format", "place", "cell", "month", "release", "status", "coverage", "included", "excluded"]
TAXON_KEYS = [
    "scientific_name",
    "common_name",
    "rank",
    "taxon_key",
    "geo_score",
    "local_status",
    "months",
    "source",
    "introduced",
]
STATUSES = {"expected", "introduced", "domestic", "unknown", "out-of-season", "near", "not-recorded"}
INCLUDED = {"expected", "introduced", "domestic"}


@pytest.fixture(name="listed")
def _listed(geoid):
    """The JSON document of a place."""

    def listed(at: str, *arguments: object) -> dict:
        done = geoid("species", "--at", at, *arguments, "--json")
        assert (done.returncode, done.stderr) == (0, "")
        return json.loads(done.stdout)

    return listed


@pytest.fixture(name="altered")
def _altered(tmp_path):
    """A copy of the starter release after some SQL."""

    def altered(statement: str) -> Path:
        path = tmp_path / "altered.areas"
        shutil.copy(STARTER, path)
        with closing(sqlite3.connect(path)) as db:
            db.execute(statement)
            db.commit()
        return path

    return altered


def keys(taxa: list[dict]) -> list[str]:
    return [taxon["taxon_key"] for taxon in taxa]


def find(taxa: list[dict], name: str) -> dict:
    (taxon,) = [taxon for taxon in taxa if taxon["scientific_name"] == name]
    return taxon


def test_the_json_document_has_every_key_in_its_order(listed) -> None:
    document = listed(BERLIN, "--on", "2024-05-01")
    assert list(document) == KEYS
    assert document["format"] == 1
    assert document["place"] == {"latitude": 52.5, "longitude": 13.4}
    assert re.fullmatch("85[0-9a-f]{13}", document["cell"])
    assert (document["month"], document["status"]) == (5, "applied")
    assert document["release"].startswith("starter-")
    assert list(document["coverage"]) == ["species_here", "known_to_model", "density"]
    for taxon in document["included"] + document["excluded"]:
        assert list(taxon) == TAXON_KEYS
        assert taxon["local_status"] in STATUSES
        assert taxon["introduced"] == (taxon["local_status"] == "introduced")
        assert set(taxon["months"]) <= set(range(1, 13))
        assert taxon["geo_score"] is None or 0 <= taxon["geo_score"] <= 1


def test_json_short_and_long_are_the_same_option(geoid) -> None:
    short, long = (geoid("species", "--at", BERLIN, *flags) for flags in (["--json"], ["--format", "json"]))
    assert short.stdout == long.stdout


@pytest.mark.parametrize("at", [BERLIN, NAIROBI, "0.5,180", "90,0", "-90,0"])
def test_included_and_excluded_are_disjoint_and_together_all_taxa(listed, at) -> None:
    document = listed(at)
    included, excluded = keys(document["included"]), keys(document["excluded"])
    with closing(sqlite3.connect(f"{STARTER.as_uri()}?mode=ro&immutable=1", uri=True)) as db:
        everything = [key for (key,) in db.execute("SELECT key FROM taxa ORDER BY key")]
    assert sorted(included + excluded) == everything
    assert {taxon["local_status"] for taxon in document["included"]} <= INCLUDED
    assert {taxon["local_status"] for taxon in document["excluded"]} <= STATUSES - INCLUDED


def test_the_best_score_comes_first_and_ties_go_by_key(listed) -> None:
    for taxa in (listed(BERLIN)["included"], listed(BERLIN)["excluded"]):
        order = [(-(taxon["geo_score"] or 0), taxon["taxon_key"]) for taxon in taxa]
        assert order == sorted(order)


def test_a_migrant_is_included_in_its_months_and_out_of_season_in_others(listed) -> None:
    may = find(listed(BERLIN, "--on", "2024-05-01", "--taxa", "Ciconiidae")["included"], "Ciconia nigra")
    december = find(listed(BERLIN, "--on", "2024-12-01", "--taxa", "Ciconiidae")["excluded"], "Ciconia nigra")
    assert (may["local_status"], december["local_status"]) == ("expected", "out-of-season")
    assert may["months"] == december["months"] == [3, 4, 5, 6, 7, 8, 9, 10]
    assert may["geo_score"] > december["geo_score"] > 0


def test_without_a_date_the_whole_year_counts(listed) -> None:
    document = listed(BERLIN, "--taxa", "Ciconiidae")
    assert document["month"] is None
    assert find(document["included"], "Ciconia nigra")["local_status"] == "expected"


def test_only_the_month_of_a_date_counts(listed) -> None:
    assert listed(BERLIN, "--on", "2024-05-01") == listed(BERLIN, "--on", "1999-05-31")


@pytest.mark.parametrize("name", ["Felidae", "felidae", "cats"])
def test_a_group_is_given_by_either_name(listed, name) -> None:
    document = listed(NAIROBI, "--taxa", name)
    assert {"panthera-leo", "acinonyx-jubatus"} <= set(keys(document["included"]))
    assert "panthera-tigris" in keys(document["excluded"])
    assert document == listed(NAIROBI, "--taxa", "FELIDAE")


def test_birds_are_birds(listed) -> None:
    document = listed(BERLIN, "--taxa", "birds")
    assert "ciconia-ciconia" in keys(document["included"])
    assert not {"felis-catus", "lynx-lynx"} & set(keys(document["included"] + document["excluded"]))
    assert document == listed(BERLIN, "--taxa", "Aves")


def test_a_group_does_not_change_what_is_said_of_the_place(listed) -> None:
    whole, part = listed(NAIROBI), listed(NAIROBI, "--taxa", "Felidae")
    for key in ("cell", "release", "status", "coverage"):
        assert whole[key] == part[key]
    assert all(taxon in whole["included"] for taxon in part["included"])


def test_a_group_that_is_none_gets_a_suggestion(geoid) -> None:
    done = geoid("species", "--at", BERLIN, "--taxa", "brids")
    assert (done.returncode, done.stdout) == (2, "")
    assert "error: no taxon is called 'brids'" in done.stderr
    assert "hint: did you mean Aves (birds)" in done.stderr


def test_the_table_lists_what_is_included_and_says_how_much_on_stderr(geoid, listed) -> None:
    done = geoid("species", "--at", NAIROBI, "--taxa", "Felidae")
    included = [taxon["scientific_name"] for taxon in listed(NAIROBI, "--taxa", "Felidae")["included"]]
    assert done.returncode == 0
    assert [line.partition("  ")[0] for line in done.stdout.splitlines()] == included
    assert f"{len(included)} taxa in the whole year" in done.stderr
    assert "not-recorded" in done.stderr


def test_excluded_lists_the_rest_with_the_reason(geoid, listed) -> None:
    arguments = ("--on", "2024-12-01", "--taxa", "birds")
    done = geoid("species", "--at", BERLIN, "--excluded", *arguments)
    excluded = [taxon["scientific_name"] for taxon in listed(BERLIN, *arguments)["excluded"]]
    lines = done.stdout.splitlines()
    assert [line.partition("  ")[0] for line in lines] == excluded
    (stork,) = [line for line in lines if line.startswith("Ciconia nigra ")]
    assert re.split(" {2,}", stork) == ["Ciconia nigra", "out-of-season", "Mar-Oct", "black stork"]


@pytest.mark.parametrize(
    ("at", "status"),
    [("90,0", "applied"), ("90,180", "applied"), ("-90,0", "no-data-here"), ("-90,-180", "no-data-here")],
)
def test_a_pole_is_a_place(listed, at, status) -> None:
    document = listed(at)
    assert document["status"] == status
    assert "panthera-leo" in keys(document["excluded"])


def test_the_poles_have_different_bears(listed) -> None:
    assert "ursus-maritimus" in keys(listed("90,0")["included"])
    assert "ursus-maritimus" in keys(listed("-90,0")["excluded"])


def test_both_sides_of_the_antimeridian_are_one_line(listed) -> None:
    east, west = listed("0.5,180"), listed("0.5,-180")
    assert east.pop("place") != west.pop("place")
    assert east == west


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--at", "91,0"), "latitude 91 is outside -90..90"),
        (("--at", "0,181"), "longitude 181 is outside -180..180"),
        (("--at", "0,0"), "--at 0,0 is what a device without a position says"),
        (("--at", "Berlin"), "--at 'Berlin' is not a latitude and a longitude"),
        (("--at", BERLIN, "--on", "2024-02-30"), "--on '2024-02-30' is not a date"),
        ((), "neither a place nor a taxon is given"),
    ],
)
def test_bad_arguments_get_one_sentence_and_exit_with_2(geoid, arguments, sentence) -> None:
    done = geoid("species", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_a_place_without_data_says_so_and_excludes_nothing_by_mistake(geoid, altered) -> None:
    empty = altered("DELETE FROM cells")  # the starter release covers the world
    done = geoid("species", "--at", "-85,0", "--areas", empty)
    document = json.loads(geoid("species", "--at", "-85,0", "--areas", empty, "--json").stdout)
    assert done.returncode == 0
    assert done.stderr.startswith("no area data for this place")
    assert document["status"] == "no-data-here"
    assert document["coverage"]["species_here"] is None


def test_a_missing_pack_exits_with_65(geoid, tmp_path) -> None:
    refused(geoid, tmp_path / "missing.areas", 65, "there is no such area pack")


def test_an_empty_folder_exits_with_78(geoid, tmp_path) -> None:
    refused(geoid, tmp_path, 78, "no release is in force yet")


def test_a_text_file_as_pack_exits_with_65(geoid, tmp_path) -> None:
    path = tmp_path / "text.areas"
    path.write_text("hello", encoding="utf-8")
    refused(geoid, path, 65, "is not an area pack")


@pytest.mark.parametrize("kept", [0.0, 0.001, 0.1, 0.5, 0.99])
def test_a_truncated_pack_exits_with_65(geoid, tmp_path, kept) -> None:
    whole = STARTER.read_bytes()
    path = tmp_path / "cut.areas"
    path.write_bytes(whole[: int(kept * len(whole))])
    refused(geoid, path, 65, "cut.areas")


def test_a_pack_of_a_newer_geoid_exits_with_78(geoid, altered) -> None:
    path = altered("UPDATE meta SET value = '2' WHERE key = 'format'")
    refused(geoid, path, 78, "area pack of format 2, this geoid reads 1")


def test_a_pack_of_an_unknown_kind_is_refused(geoid, altered) -> None:
    refused(geoid, altered("UPDATE meta SET value = 'dreams' WHERE key = 'kind'"), 65, "dreams")


def refused(geoid, path: Path, code: int, sentence: str) -> None:
    """Species refuses a pack: one sentence, a blank line and a hint, whatever else."""
    done = geoid("species", "--at", BERLIN, "--areas", path)
    assert (done.returncode, done.stdout) == (code, "")
    error, blank, hint = done.stderr.splitlines()
    assert error.startswith("error: ")
    assert sentence in error
    assert not blank
    assert hint.startswith("hint: ")


def test_what_predict_expects_here_is_on_the_list(geoid, photos, listed) -> None:
    done = geoid("predict", photos / "cheetah.webp", "--at", NAIROBI, "--top", 50, "--json")
    candidates = json.loads(done.stdout)["candidates"]
    expected = {one["taxon_key"] for one in candidates if one["local_status"] == "expected" and not one["covers"]}
    assert "acinonyx-jubatus" in expected
    assert expected <= set(keys(listed(NAIROBI)["included"]))
    covered = [set(one["covers"]) for one in candidates if one["local_status"] == "expected" and one["covers"]]
    names = {taxon["scientific_name"] for taxon in listed(NAIROBI)["included"]}
    assert all(names & names_here for names_here in covered)


def test_predict_and_species_agree_on_every_status(geoid, photos, listed) -> None:
    done = geoid("predict", photos / "cheetah.webp", "--at", BERLIN, "--on", "2024-12-01", "--top", 500, "--json")
    document = listed(BERLIN, "--on", "2024-12-01")
    local = {taxon["taxon_key"]: taxon for taxon in document["included"] + document["excluded"]}
    compared = 0
    for one in json.loads(done.stdout)["candidates"]:
        if one["taxon_key"] in local and not one["covers"] and one["local_status"] != "domestic":
            assert one["local_status"] == local[one["taxon_key"]]["local_status"], one["taxon_key"]
            compared += 1
    assert compared > 50
