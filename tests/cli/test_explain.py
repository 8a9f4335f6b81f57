"""`geoid explain` as its user meets it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

BERLIN, NAIROBI = "52.5,13.4", "-1.29,36.82"
KEYS = [
    "format",
    "taxon",
    "classes",
    "position",
    "candidate",
    "local",
    "distance_km",
    "explanation",
    "prediction",
]


@pytest.fixture(name="cheetah")
def _cheetah(photos: Path) -> Path:
    return photos / "cheetah.webp"


@pytest.fixture(name="explained")
def _explained(geoid, cheetah):
    """The JSON document about a taxon in the photo of a cheetah."""

    def explained(taxon: str, *arguments: object) -> dict:
        done = geoid("explain", cheetah, "--taxon", taxon, *arguments, "--json")
        assert (done.returncode, done.stderr) == (0, "")
        return json.loads(done.stdout)

    return explained


def test_an_animal_at_home_is_explained_in_seven_lines(geoid, cheetah) -> None:
    done = geoid("explain", cheetah, "--taxon", "Acinonyx jubatus", "--at", NAIROBI)
    assert (done.returncode, done.stderr) == (0, "")
    lines = {name: text for name, _, text in (line.partition(" ") for line in done.stdout.splitlines())}
    assert list(lines) == ["photo", "taxon", "model", "vision", "place", "ranking", "answer"]
    assert "Acinonyx jubatus (cheetah), species" in lines["taxon"]
    assert "expected here, geo score 1.00" in lines["place"]
    assert "candidate 1," in lines["ranking"]
    assert lines["answer"].strip().startswith("cheetah (")


def test_the_document_has_every_key_in_its_order(explained, document_keys) -> None:
    document = explained("cheetah", "--at", NAIROBI)
    assert list(document) == KEYS
    assert document["format"] == 1
    assert list(document["taxon"]) == ["scientific_name", "common_name", "rank", "taxon_key"]
    assert list(document["local"]) == ["local_status", "geo_score", "months", "source"]
    assert list(document["explanation"]) == ["photo", "taxon", "model", "vision", "place", "ranking", "answer"]
    assert list(document["prediction"]) == document_keys
    assert document["classes"] == ["cheetah"]


def test_the_prediction_in_it_is_the_one_of_predict(geoid, cheetah, explained) -> None:
    inside = explained("lion", "--at", BERLIN)["prediction"]
    alone = json.loads(geoid("predict", cheetah, "--at", BERLIN, "--json").stdout)
    del inside["timings_ms"], alone["timings_ms"]
    assert inside == alone


@pytest.mark.parametrize(("name", "key"), [("cheetah", "acinonyx-jubatus"), ("lion", "panthera-leo")])
def test_an_animal_of_this_place_is_expected_and_has_a_position(explained, name, key) -> None:
    document = explained(name, "--at", NAIROBI)
    assert document["taxon"]["taxon_key"] == document["candidate"]["taxon_key"] == key
    assert document["local"]["local_status"] == "expected"
    assert document["position"] >= 1
    assert "km" not in document["explanation"]["place"]


@pytest.mark.parametrize("name", ["cheetah", "lion"])
def test_an_animal_of_another_place_is_not_recorded_and_its_distance_is_said(explained, name) -> None:
    document = explained(name, "--at", BERLIN)
    assert document["local"]["local_status"] == "not-recorded"
    assert document["local"]["geo_score"] == 0
    assert 1000 < document["distance_km"] < 5000
    assert f"nearest {round(document['distance_km'], -1):,} km away" in document["explanation"]["place"]


def test_a_place_pushes_down_what_does_not_occur_there(explained) -> None:
    here, away = explained("lion", "--at", NAIROBI), explained("lion", "--at", BERLIN)
    assert here["position"] < away["position"]
    assert here["candidate"]["vision_score"] == away["candidate"]["vision_score"]
    assert here["candidate"]["combined_score"] > away["candidate"]["combined_score"]


def test_a_migrant_out_of_season_is_said_with_its_months(explained) -> None:
    document = explained("black stork", "--at", BERLIN, "--on", "2024-12-01")
    assert document["local"]["local_status"] == "out-of-season"
    assert "not here in this month" in document["explanation"]["place"]
    assert document["explanation"]["place"].endswith("Mar-Oct")


def test_a_group_is_found_as_its_best_candidate(explained) -> None:
    document = explained("cats", "--at", NAIROBI)
    assert document["taxon"]["scientific_name"] == "Felidae"
    assert {"cheetah", "lion", "tiger"} <= set(document["classes"])
    assert document["candidate"]["taxon_key"] == "acinonyx-jubatus"
    assert document["local"]["local_status"] == "expected"  # of the likeliest cat


def test_a_misspelt_name_gets_a_suggestion(geoid, cheetah) -> None:
    done = geoid("explain", cheetah, "--taxon", "Panthera leoo")
    assert (done.returncode, done.stdout) == (2, "")
    error, blank, hint = done.stderr.splitlines()
    assert error == "error: no taxon is called 'Panthera leoo'"
    assert not blank
    assert "Panthera leo (lion)" in hint


@pytest.mark.parametrize("name", ["Giraffa camelopardalis", "giraffe", "xyzzy", ""])
def test_an_animal_that_geoid_has_no_name_for_is_refused(geoid, photos, name) -> None:
    done = geoid("explain", photos / "giraffe.webp", "--taxon", name)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"no taxon is called {name!r}" in done.stderr
    assert "hint: " in done.stderr


def test_without_a_place_the_explanation_is_vision_alone(explained) -> None:
    document = explained("cheetah")
    assert (document["local"], document["distance_km"]) == (None, None)
    assert document["explanation"]["place"] == "no location: by vision alone"


def test_with_the_mode_off_the_place_says_nothing(explained) -> None:
    document = explained("lion", "--at", BERLIN, "--location-mode", "off")
    assert document["prediction"]["narrowing"]["status"] == "off"
    assert (document["local"], document["distance_km"]) == (None, None)
    assert document["explanation"]["place"] == "place not used (location mode off)"
    assert document["candidate"]["local_status"] == "unknown"


@pytest.mark.parametrize("flags", [(), ("--json",)])
def test_a_hidden_place_tells_no_distance_and_no_exact_place(geoid, cheetah, flags) -> None:
    arguments = ("--at", "52.51234,13.41234", "--hide-location", *flags)
    done = geoid("explain", cheetah, "--taxon", "cheetah", *arguments)
    assert done.returncode == 0
    assert "not recorded here" in done.stdout
    for secret in ("52.512", "13.41234", " km", "nearest"):
        assert secret not in done.stdout + done.stderr


def test_a_hidden_place_leaves_the_large_cell_and_no_distance_in_the_document(explained) -> None:
    document = explained("cheetah", "--at", "52.51234,13.41234", "--hide-location")
    assert document["distance_km"] is None
    assert document["prediction"]["cell"].startswith("83")
    assert document["prediction"]["location"]["uncertainty_m"] > 50_000
    assert document["prediction"]["why_not"]["distance_km"] is None


def test_a_folder_is_not_one_photo(geoid, photos) -> None:
    done = geoid("explain", photos, "--taxon", "lion")
    assert (done.returncode, done.stdout) == (2, "")
    assert "is not one photo" in done.stderr


def test_a_file_that_is_no_photo_exits_with_65(geoid, tmp_path) -> None:
    bad = tmp_path / "bad.jpg"
    bad.write_text("hello", encoding="utf-8")
    for arguments in ((bad,), (tmp_path / "missing.jpg",)):
        done = geoid("explain", *arguments, "--taxon", "lion")
        assert (done.returncode, done.stdout) == (65, "")
        assert done.stderr.startswith("error: ")
        assert "Traceback" not in done.stderr


def test_standard_input_is_a_photo(geoid, cheetah) -> None:
    done = geoid("explain", "-", "--taxon", "lion", "--json", input=cheetah.read_bytes(), text=False, encoding=None)
    assert json.loads(done.stdout)["prediction"]["answer"]["common_name"] == "cheetah"


def test_a_name_is_required(geoid, cheetah) -> None:
    done = geoid("explain", cheetah)
    assert done.returncode == 2
    assert "Missing option '--taxon'" in done.stderr


def test_a_place_that_made_the_answer_coarser_is_not_said_to_change_nothing(explained) -> None:
    alone, document = explained("cheetah"), explained("cheetah", "--at", BERLIN)
    assert alone["prediction"]["answer"] != document["prediction"]["answer"]
    assert "the place changed nothing" not in document["explanation"]["answer"]
