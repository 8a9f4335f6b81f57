"""Predictions as JSON documents: the keys, in their order, and what a hidden place leaves."""

from __future__ import annotations

import datetime
import json
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoid.core.places import cell_of, hidden, hidden_cell
from geoid.core.predictions import (
    STEPS,
    Answer,
    AnswerStatus,
    Candidate,
    Failure,
    LocalStatus,
    ModelReference,
    Narrowing,
    NarrowingStatus,
    PhotoSummary,
    Prediction,
    Ranking,
)
from geoid.core.values import Capture, CaptureDate, Coordinates, Location, Source, Taxon
from geoid.errors import BrokenPhoto, GeoidError
from geoid.formats.documents import FORMAT, document

NARROWING = ["status", "lookup", "release", "mode", "species_here", "known_to_model", "density"]
TAXON = ["scientific_name", "common_name", "rank", "taxon_key"]
SCORES = ["vision_score", "geo_score", "combined_score", "local_status"]

LINEAGE = {
    "kingdom": "Animalia",
    "phylum": "Chordata",
    "class": "Aves",
    "order": "Passeriformes",
    "family": "Corvidae",
    "genus": "Garrulus",
    "species": "Garrulus glandarius",
}
JAY = Taxon("garrulus-glandarius", "Garrulus glandarius", "Eurasian jay", "species", LINEAGE)
CORVIDS = Taxon("corvidae", "Corvidae", None, "family", dict(list(LINEAGE.items())[:5]))
HERE = Coordinates(51.507351, -0.127758, 12.5)


def predicted(place: Coordinates | None = HERE, **more) -> Prediction:
    location = None if place is None else Location(place, Source.EXIF)
    candidates = (
        Candidate(CORVIDS, "jay", 0.7, None, 7 / 9, LocalStatus.UNKNOWN, (JAY, CORVIDS), "jay"),
        Candidate(JAY, "jaybird", 0.2, 0.123456789, 2 / 9, LocalStatus.DOMESTIC, (), "Eurasian jay"),
    )
    found = Prediction(
        photo=PhotoSummary("in/jay.jpg", "ab" * 32, 640, 480),
        capture=Capture(location, CaptureDate(datetime.date(2024, 5, 1), Source.XMP), ("gps-void",)),
        cell=None if place is None else cell_of(place),
        ranking=Ranking(AnswerStatus.HIGHER_RANK, Answer(CORVIDS, "jay", 7 / 9), candidates, 0.9),
        narrowing=Narrowing(NarrowingStatus.OFF),
        model=ModelReference("toy", "cd" * 32),
        timings_ms=dict.fromkeys((*STEPS, "total"), 1.23456),
    )
    return replace(found, **more)


def test_a_prediction_has_exactly_these_keys_in_this_order(document_keys) -> None:
    found = document(predicted())
    assert list(found) == document_keys
    assert list(found["photo"]) == ["path", "sha256", "width", "height"]
    assert list(found["location"]) == ["latitude", "longitude", "uncertainty_m", "source"]
    assert list(found["date"]) == ["value", "source"]
    assert list(found["narrowing"]) == NARROWING
    assert list(found["answer"]) == [*TAXON, "score"]
    assert [key for key in found["candidates"][0] if key not in {"label", "covers"}] == [*TAXON, "lineage", *SCORES]
    assert list(found["candidates"][0]["lineage"]) == ["class", "order", "family", "genus"]
    assert list(found["model"]) == ["name", "sha256"]
    assert list(found["timings_ms"]) == [*STEPS, "total"]


def test_a_prediction_says_what_it_holds() -> None:
    found = document(predicted())
    assert found["format"] == FORMAT == 1
    assert found["location"] == {
        "latitude": 51.507351,
        "longitude": -0.127758,
        "uncertainty_m": 12.5,
        "source": "exif",
    }
    assert found["date"] == {"value": "2024-05-01", "source": "xmp"}
    assert (found["problems"], found["cell"], found["why_not"]) == (["gps-void"], cell_of(HERE), None)
    assert (found["answer_status"], found["narrowing"]["status"]) == ("higher-rank", "off")
    assert found["answer"] == {
        "scientific_name": "Corvidae",
        "common_name": "jay",
        "rank": "family",
        "taxon_key": "corvidae",
        "score": 0.777778,
    }
    first, second = found["candidates"]
    assert (first["common_name"], first["label"], first["geo_score"]) == ("jay", "jay", None)
    assert first["covers"] == ["Garrulus glandarius", "Corvidae"]
    assert first["lineage"]["genus"] is None
    assert (second["common_name"], second["covers"], second["geo_score"]) == ("Eurasian jay", [], 0.123457)
    assert second["local_status"] == "domestic"


@pytest.mark.parametrize("status", list(NarrowingStatus))
def test_nothing_said_of_one_photo_sticks_to_the_next(status: NarrowingStatus) -> None:
    assert document(predicted(narrowing=Narrowing(status)))["narrowing"]["status"] == status.value
    assert document(predicted())["narrowing"]["status"] == "off"


def test_what_is_unknown_is_null_and_not_left_out(document_keys) -> None:
    nothing = Ranking(AnswerStatus.NO_ANIMAL, None, (), 0.0)
    found = document(predicted(None, capture=Capture(), ranking=nothing))
    assert list(found) == document_keys
    assert [key for key in document_keys if found[key] is None] == [
        "location",
        "date",
        "cell",
        "answer",
        "by_vision",
        "why_not",
    ]
    assert (found["candidates"], found["problems"]) == ([], [])


def test_a_failure_is_a_document_in_its_place() -> None:
    error = BrokenPhoto("in/jay.jpg: the image is truncated", "copy it again")
    found = document(Failure("in/jay.jpg", error))
    assert found == {
        "format": 1,
        "photo": {"path": "in/jay.jpg"},
        "error": {"kind": "broken-photo", "message": "in/jay.jpg: the image is truncated"},
    }
    assert list(found) == ["format", "photo", "error"]
    assert document(Failure("a", GeoidError("b")), hide_location=True)["error"]["kind"] == "error"


names = st.text(st.characters(codec=None), max_size=30)
places = st.builds(Coordinates, st.floats(-90, 90), st.floats(-180, 180), st.one_of(st.none(), st.floats(0.1, 1e6)))


@given(names, st.one_of(st.none(), places), st.booleans())
def test_every_document_survives_json(name: str, place, hide: bool) -> None:
    prediction = predicted(place, photo=PhotoSummary(name, "ab" * 32, 1, 1))
    for outcome in (prediction, Failure(name, BrokenPhoto(f"{name}: broken"))):
        found = document(outcome, hide_location=hide)
        text = json.dumps(found, allow_nan=False)
        assert text.isascii()
        assert text.isprintable()
        assert json.loads(text) == found


def degrees(limit: int):
    """Degrees with six decimals, 2 or more, so that no score or time of the document is like them by chance."""
    return st.builds(
        lambda size, sign: sign * size / 1e6, st.integers(2_000_000, limit * 1_000_000 - 1), st.sampled_from([-1, 1])
    )


precise = st.builds(Coordinates, degrees(90), degrees(180), st.sampled_from([None, 12.5, 2_500_000.0]))


def leaks(text: str, true: float, shown: list[float]) -> bool:
    """Whether a coordinate stands in a text to two decimals or more, where none of those shown is like it by chance."""
    digits = f"{true:.6f}"[:-4]
    by_chance = any(f"{degrees:.6f}".startswith(digits) for degrees in shown)
    return not by_chance and re.search(rf"(?<![\d.-]){re.escape(digits)}", text) is not None


@given(precise)
def test_a_hidden_place_is_nowhere_in_the_document(place: Coordinates) -> None:
    found = document(predicted(place), hide_location=True)
    text = json.dumps(found)
    shown = found["location"]
    assert cell_of(place) not in text
    assert found["cell"] == hidden_cell(cell_of(place))
    assert (shown["latitude"], shown["longitude"]) == (hidden(place).latitude, hidden(place).longitude)
    assert shown["uncertainty_m"] >= 50_000
    assert not leaks(text, place.latitude, [shown["latitude"], shown["longitude"]])
    assert not leaks(text, place.longitude, [shown["latitude"], shown["longitude"]])


def test_the_search_for_a_hidden_place_would_find_one() -> None:
    assert leaks(json.dumps(document(predicted())), HERE.latitude, [])


@given(precise)
def test_two_places_of_one_hidden_cell_give_the_same_document(place: Coordinates) -> None:
    centre = hidden(place)
    elsewhere = Coordinates(centre.latitude, centre.longitude, place.uncertainty_m)
    texts = {json.dumps(document(predicted(where), hide_location=True)) for where in (place, elsewhere)}
    assert len(texts) == 1
