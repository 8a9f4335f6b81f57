"""Predictions as CSV: constant columns, every photo in its place, and nothing a spreadsheet or terminal would run."""

from __future__ import annotations

import csv
import datetime
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoid.core.places import cell_of, hidden
from geoid.core.predictions import (
    Answer,
    AnswerStatus,
    Candidate,
    Failure,
    LocalStatus,
    ModelReference,
    Narrowing,
    NarrowingStatus,
    Outcome,
    PhotoSummary,
    Prediction,
    Ranking,
)
from geoid.core.values import Capture, CaptureDate, Coordinates, Location, Source, Taxon
from geoid.errors import BrokenPhoto
from geoid.formats.tall_csv import COLUMNS, cell, writer

LION = Taxon("panthera-leo", "Panthera leo", "lion", "species", {"species": "Panthera leo"})
HARE = Taxon("lepus-europaeus", "Lepus europaeus", None, "species", {"species": "Lepus europaeus"})
HERE = Coordinates(51.507351, -0.127758)


def predicted(path: str = "in/lion.jpg", place: Coordinates | None = HERE, candidates: int = 2) -> Prediction:
    found = (
        Candidate(LION, "lion, king of beasts", 0.7, None, 7 / 9, LocalStatus.UNKNOWN, (), "lion"),
        Candidate(HARE, "hare", 0.2, 0.5, 2 / 9, LocalStatus.DOMESTIC),
    )[:candidates]
    return Prediction(
        photo=PhotoSummary(path, "ab" * 32, 640, 480),
        capture=Capture(place and Location(place, Source.EXIF), CaptureDate(datetime.date(2024, 5, 1), Source.XMP)),
        cell=place and cell_of(place),
        ranking=Ranking(AnswerStatus.SPECIES, Answer(LION, "lion", 7 / 9), found, 0.9),
        narrowing=Narrowing(NarrowingStatus.OFF),
        model=ModelReference("toy", "cd" * 32),
        timings_ms={"total": 1.0},
    )


def written(*outcomes: Outcome, hide_location: bool = False) -> str:
    stream = io.StringIO(newline="")
    write = writer(stream, hide_location=hide_location)
    for outcome in outcomes:
        write(outcome)
    return stream.getvalue()


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


def test_the_header_is_written_even_for_no_photos() -> None:
    assert written() == ",".join(COLUMNS) + "\n"


def test_the_columns_are_these() -> None:
    assert COLUMNS == (
        "file_name",
        "position",
        "scientific_name",
        "common_name",
        "rank",
        "taxon_key",
        "label",
        "vision_score",
        "geo_score",
        "combined_score",
        "local_status",
        "answer_status",
        "latitude",
        "longitude",
        "date",
        "narrowing_status",
        "error",
    )


def test_there_is_a_row_for_each_candidate_best_first() -> None:
    first, second = rows(written(predicted()))
    assert (first["position"], second["position"]) == ("1", "2")
    assert first["label"] == "lion, king of beasts"
    assert (first["common_name"], second["common_name"]) == ("lion", "")
    assert (first["geo_score"], second["geo_score"]) == ("", "0.5")
    assert first["combined_score"] == "0.777778"
    for row in (first, second):
        assert (row["file_name"], row["date"], row["error"]) == ("in/lion.jpg", "2024-05-01", "")
        assert (row["latitude"], row["longitude"]) == ("51.507351", "-0.127758")


def test_a_photo_that_failed_and_one_without_candidates_have_a_row_in_their_place() -> None:
    found = rows(written(predicted("a"), Failure("b", BrokenPhoto("b: broken")), predicted("c", candidates=0)))
    assert [(row["file_name"], row["position"], row["error"]) for row in found] == [
        ("a", "1", ""),
        ("a", "2", ""),
        ("b", "", "broken-photo"),
        ("c", "", ""),
    ]
    assert found[-1]["answer_status"] == "species"


def test_every_row_has_every_column() -> None:
    text = written(predicted(), Failure("b", BrokenPhoto("b: broken")), predicted(place=None))
    assert {len(row) for row in csv.reader(io.StringIO(text))} == {len(COLUMNS)}


@pytest.mark.parametrize("place", [Coordinates(0.0, 12.5), Coordinates(12.5, 0.0), Coordinates(-0.0, -0.0)])
def test_a_place_on_the_equator_or_the_meridian_is_a_place(place: Coordinates) -> None:
    row, _ = rows(written(predicted(place=place)))
    assert (float(row["latitude"]), float(row["longitude"])) == (place.latitude, place.longitude)


def test_a_hidden_place_is_nowhere_in_the_rows() -> None:
    text = written(predicted(), hide_location=True)
    row, _ = rows(text)
    assert (float(row["latitude"]), float(row["longitude"])) == (hidden(HERE).latitude, hidden(HERE).longitude)
    assert "51.50" not in text
    assert "0.127" not in text
    assert cell_of(HERE) not in text


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
        ("+1", "'+1"),
        ("-2+3", "'-2+3"),
        ("@SUM(1)", "'@SUM(1)"),
        ("\t=1", "\\x09=1"),
        ("\r=1", "\\x0d=1"),
        ("\x1b[31m.jpg", "\\x1b[31m.jpg"),
        ("a\nb.jpg", "a\\x0ab.jpg"),
        ("\udcff.jpg", "\\xff.jpg"),
        ('plain, with "quotes".jpg', 'plain, with "quotes".jpg'),
        ("löwe=1.jpg", "löwe=1.jpg"),
    ],
)
def test_names_that_a_spreadsheet_or_a_terminal_would_run_are_made_harmless(name: str, shown: str) -> None:
    assert rows(written(predicted(name)))[0]["file_name"] == shown
    assert rows(written(Failure(name, BrokenPhoto("x"))))[0]["file_name"] == shown


def test_numbers_stay_numbers() -> None:
    assert (cell(-0.127758), cell(None), cell(0)) == (-0.127758, None, 0)


@given(st.text(st.characters(codec=None), max_size=40))
def test_any_name_is_one_harmless_cell(name: str) -> None:
    text = written(Failure(name, BrokenPhoto("x")))
    assert text.encode("utf-8")
    assert text.count("\n") == 2
    (row,) = rows(text)
    assert not row["file_name"].startswith(("=", "+", "-", "@", "\t", "\r"))
    assert row["error"] == "broken-photo"
