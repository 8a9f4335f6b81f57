"""What a place does in `geoid predict`: the modes, the map, and what is required of it."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import xml.etree.ElementTree as ET
from contextlib import closing
from pathlib import Path

import pytest

STARTER = Path(__file__).resolve().parents[2] / "fixtures" / "areas" / "starter.areas"
BERLIN, NAIROBI = "52.5,13.4", "-1.29,36.82"


@pytest.fixture(name="cheetah")
def _cheetah(photos: Path) -> Path:
    return photos / "cheetah.webp"


@pytest.fixture(name="predicted")
def _predicted(geoid, cheetah):
    """The JSON document of the cheetah."""

    def predicted(*arguments: object) -> dict:
        return json.loads(geoid("predict", cheetah, "--json", *arguments).stdout)

    return predicted


@pytest.fixture(name="empty", scope="session")
def _empty(tmp_path_factory) -> Path:
    """A pack without cells: the starter release covers the world, so there is no place without data in it."""
    path = tmp_path_factory.mktemp("packs") / "empty.areas"
    shutil.copy(STARTER, path)
    with closing(sqlite3.connect(path)) as db:
        db.execute("DELETE FROM cells")
        db.commit()
    return path


def order(document: dict) -> list[str]:
    return [candidate["taxon_key"] for candidate in document["candidates"]]


def test_boost_is_the_default_and_flags_what_does_not_occur(predicted) -> None:
    document = predicted("--at", BERLIN)
    assert document["narrowing"]["mode"] == "boost"
    first = document["candidates"][0]
    assert (first["taxon_key"], first["local_status"]) == ("acinonyx-jubatus", "not-recorded")
    assert document["why_not"]["taxon_key"] == "acinonyx-jubatus"
    assert 1000 < document["why_not"]["distance_km"] < 5000
    explicit = predicted("--at", BERLIN, "--location-mode", "boost")
    del document["timings_ms"], explicit["timings_ms"]
    assert document == explicit


def test_a_filter_leaves_nothing_where_nothing_occurs_and_says_why(predicted) -> None:
    document = predicted("--at", BERLIN, "--location-mode", "filter")
    assert document["narrowing"]["mode"] == "filter"
    assert (document["answer_status"], document["answer"]) == ("nothing-that-occurs-here", None)
    assert document["why_not"]["taxon_key"] == document["by_vision"]["taxon_key"] == "acinonyx-jubatus"
    assert document["why_not"]["reason"] == "not-recorded"
    statuses = {one["local_status"] for one in document["candidates"] if one["combined_score"] > 0}
    assert statuses <= {"expected", "introduced", "domestic", "unknown"}


def test_a_filter_lets_through_what_occurs(predicted) -> None:
    document = predicted("--at", NAIROBI, "--location-mode", "filter")
    assert document["answer"]["taxon_key"] == "acinonyx-jubatus"
    assert document["why_not"] is None


def test_annotate_keeps_the_order_of_vision_and_adds_remarks(predicted) -> None:
    alone, document = predicted(), predicted("--at", BERLIN, "--location-mode", "annotate")
    assert document["narrowing"]["mode"] == "annotate"
    assert order(document) == order(alone)
    assert document["answer"] == alone["answer"]
    scores = [one["combined_score"] for one in document["candidates"]]
    assert scores == [one["combined_score"] for one in alone["candidates"]]
    assert document["candidates"][0]["local_status"] == "not-recorded"
    assert document["why_not"]["taxon_key"] == "acinonyx-jubatus"


def test_off_uses_no_place_at_all(predicted) -> None:
    alone, document = predicted(), predicted("--at", BERLIN, "--location-mode", "off")
    assert (document["narrowing"]["status"], document["narrowing"]["mode"]) == ("off", "off")
    assert document["narrowing"]["lookup"] is None
    assert document["candidates"] == alone["candidates"]
    assert document["answer"] == alone["answer"]
    assert document["why_not"] is None


def test_a_mode_may_come_from_the_environment(geoid, cheetah) -> None:
    done = geoid("predict", cheetah, "--json", "--at", BERLIN, env={"GEOID_RANKING__MODE": "filter"})
    assert json.loads(done.stdout)["answer_status"] == "nothing-that-occurs-here"


@pytest.mark.parametrize("command", [("predict",), ("explain", "--taxon", "lion")])
def test_a_bad_mode_names_the_good_ones(geoid, cheetah, command) -> None:
    done = geoid(*command, cheetah, "--location-mode", "nope")
    assert (done.returncode, done.stdout) == (2, "")
    assert "'nope' is not one of 'boost', 'filter', 'annotate', 'off'" in done.stderr


def test_a_place_without_data_is_answered_by_vision_alone(predicted, empty) -> None:
    alone, document = predicted(), predicted("--at", "-85,0", "--areas", empty)
    assert (document["narrowing"]["status"], document["narrowing"]["lookup"]) == ("no-data-here", "absent")
    assert document["candidates"] == alone["candidates"]


def test_a_required_place_without_data_exits_with_69_after_the_answer(geoid, cheetah, empty) -> None:
    arguments = ("--at", "-85,0", "--areas", empty)
    done = geoid("predict", cheetah, *arguments, "--require-location", "--json")
    assert done.returncode == 69
    assert json.loads(done.stdout)["answer"]["common_name"] == "cheetah"
    error, blank, hint = done.stderr.splitlines()
    assert error.startswith("error: the place took no part in 1 of 1 answers")
    assert not blank
    assert hint.startswith("hint: ")
    assert geoid("predict", cheetah, *arguments).returncode == 0


@pytest.mark.parametrize(("at", "code"), [(NAIROBI, 0), (None, 66)])
def test_a_required_place_with_data_is_enough_and_none_is_not(geoid, cheetah, at, code) -> None:
    given = () if at is None else ("--at", at)
    assert geoid("predict", cheetah, "--require-location", *given).returncode == code


def test_a_map_is_written_and_said(geoid, cheetah, tmp_path) -> None:
    path = tmp_path / "where.svg"
    done = geoid("predict", cheetah, "--at", NAIROBI, "--map", path)
    assert (done.returncode, done.stderr) == (0, f"map: {path}\n")
    root = ET.fromstring(path.read_text(encoding="utf-8"))
    named = {element.attrib["id"]: element for element in root.iter() if "id" in element.attrib}
    assert set(named) == {"land", "range", "cell", "place"}
    assert named["range"].attrib["d"]
    assert root.findtext("{http://www.w3.org/2000/svg}title") == "cheetah (Acinonyx jubatus)"


def test_a_map_without_a_place_shows_the_range_alone(geoid, cheetah, tmp_path) -> None:
    path = tmp_path / "where.svg"
    assert geoid("predict", cheetah, "--map", path).returncode == 0
    text = path.read_text(encoding="utf-8")
    assert 'id="range"' in text
    assert 'id="place"' not in text
    assert "no location" in text


def test_a_map_of_a_hidden_place_has_the_large_cell_and_no_distance(geoid, cheetah, tmp_path) -> None:
    maps = []
    for number, at in enumerate(("52.51234,13.41234", "52.52,13.42")):
        path = tmp_path / f"{number}.svg"
        geoid("predict", cheetah, "--at", at, "--hide-location", "--map", path)
        maps.append(path.read_text(encoding="utf-8"))
    assert maps[0] == maps[1]
    assert " km" not in maps[0]


def test_a_map_does_not_change_the_answer(geoid, cheetah, tmp_path) -> None:
    arguments = ("predict", cheetah, "--at", BERLIN, "--format", "csv")
    assert geoid(*arguments).stdout == geoid(*arguments, "--map", tmp_path / "where.svg").stdout


def test_a_map_of_several_photos_is_refused(geoid, cheetah, photos, tmp_path) -> None:
    path = tmp_path / "where.svg"
    for several in ((photos,), (cheetah, photos / "koala.webp")):
        done = geoid("predict", *several, "--map", path)
        assert (done.returncode, done.stdout) == (2, "")
        assert "error: --map draws one photo" in done.stderr
        assert not path.exists()


def test_a_map_that_cannot_be_written_exits_with_74(geoid, cheetah, tmp_path) -> None:
    for path in (tmp_path / "no" / "where.svg", tmp_path):
        done = geoid("predict", cheetah, "--at", NAIROBI, "--map", path)
        assert done.returncode == 74
        assert f"error: {path}: cannot be written" in done.stderr
        assert "hint: check --map" in done.stderr
        assert "Traceback" not in done.stderr


def test_a_map_on_a_full_disk_exits_with_74(geoid, cheetah) -> None:
    if not os.path.exists("/dev/full"):
        pytest.skip("platform: no /dev/full")
    done = geoid("predict", cheetah, "--at", NAIROBI, "--map", "/dev/full")
    assert done.returncode == 74
    assert "Traceback" not in done.stderr


def test_a_photo_that_failed_has_no_map(geoid, tmp_path) -> None:
    bad, path = tmp_path / "bad.jpg", tmp_path / "where.svg"
    bad.write_text("hello", encoding="utf-8")
    assert geoid("predict", bad, "--map", path).returncode == 65
    assert not path.exists()


def test_the_map_of_no_answer_is_not_titled_with_an_animal_that_it_is_not(geoid, cheetah, tmp_path) -> None:
    path = tmp_path / "where.svg"
    geoid("predict", cheetah, "--at", BERLIN, "--location-mode", "filter", "--map", path)
    title = ET.fromstring(path.read_text(encoding="utf-8")).findtext("{http://www.w3.org/2000/svg}title")
    assert "domestic dog" not in title


def test_verbose_says_how_the_lookup_went_but_not_the_exact_place(geoid, cheetah, empty) -> None:
    done = geoid("predict", cheetah, "--at", "52.51234,13.41234", "-v")
    assert "narrowing=applied lookup=miss release=starter-" in done.stderr
    assert "52.512" not in done.stderr
    assert "lookup=absent" in geoid("predict", cheetah, "--at", BERLIN, "--areas", empty, "-v").stderr


def test_photos_of_one_place_are_looked_up_once(geoid, cheetah, photos) -> None:
    done = geoid("predict", cheetah, photos / "koala.webp", "--at", BERLIN, "--workers", 1, "-v")
    *photos_said, summary = done.stderr.splitlines()
    assert [line.partition("lookup=")[2].split()[0] for line in photos_said] == ["miss", "local_hit"]
    assert re.fullmatch(r"INFO: looked-up cells_miss=\d cells_absent=\d cells_local_hit=4 troubles=0", summary)


def test_a_map_is_no_other_kind_of_picture(geoid, cheetah, tmp_path) -> None:
    done = geoid("predict", cheetah, "--map", tmp_path / "where.png")
    assert (done.returncode, done.stdout) == (2, "")
    assert "--map writes SVG, not .png" in done.stderr
