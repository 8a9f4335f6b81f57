"""What every `MetadataReader` promises, over all its implementations."""

from __future__ import annotations

import datetime
import hashlib
import io
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from tables import TableMetadata

from geoid.adapters.metadata import PhotoMetadata
from geoid.core.ports import MetadataReader
from geoid.core.problems import Problem
from geoid.core.values import Capture, CaptureDate, Coordinates, Location, Photo, Source

sys.path.insert(0, str(Path(__file__).parents[1]))

from fixtures_tools import write_position

NOW = datetime.datetime(2026, 6, 1, 12, tzinfo=datetime.UTC)
DAY = datetime.date(2019, 5, 1)
Build = Callable[[dict[bytes, Capture]], MetadataReader]


def blank() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (16, 16), "grey").save(buffer, "JPEG")
    return buffer.getvalue()


def photo(data: bytes, name: str = "photo.jpg") -> Photo:
    return Photo(name, data, hashlib.sha256(data).hexdigest(), 16, 16)


def capture(latitude: float, longitude: float) -> Capture:
    place = Location(Coordinates(latitude, longitude), Source.EXIF)
    return Capture(place, CaptureDate(DAY, Source.EXIF))


BLANK = photo(blank())
HERE = photo(write_position(BLANK.data, 51.5, -0.125, DAY))
THERE = photo(write_position(BLANK.data, -33.75, 151.25, DAY))


@pytest.fixture(name="reader", params=["exif", "table"])
def _reader(request) -> MetadataReader:
    if request.param == "exif":
        return PhotoMetadata(now=lambda: NOW)
    return TableMetadata({HERE.data: capture(51.5, -0.125), THERE.data: capture(-33.75, 151.25)})


def test_a_place_and_a_date_are_found_with_their_sources(reader: MetadataReader) -> None:
    found = reader.read(HERE)
    assert found.location.coordinates.latitude == pytest.approx(51.5, abs=1e-6)
    assert found.location.coordinates.longitude == pytest.approx(-0.125, abs=1e-6)
    assert found.date == CaptureDate(DAY, Source.EXIF)
    assert found.location.source is Source.EXIF


def test_two_photos_have_two_places(reader: MetadataReader) -> None:
    assert reader.read(HERE).location != reader.read(THERE).location


def test_a_photo_that_says_nothing_has_an_empty_capture(reader: MetadataReader) -> None:
    assert reader.read(BLANK) == Capture()


def test_reading_twice_gives_the_same_capture(reader: MetadataReader) -> None:
    assert reader.read(HERE) == reader.read(HERE)


def test_where_a_photo_lies_does_not_change_what_it_says(reader: MetadataReader) -> None:
    assert reader.read(HERE) == reader.read(replace(HERE, name="-")) == reader.read(replace(HERE, name="s3://a/b"))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.binary(max_size=200), st.integers(0, len(HERE.data)).map(lambda cut: HERE.data[:cut])))
def test_junk_never_raises(reader: MetadataReader, data: bytes) -> None:
    found = reader.read(photo(data))
    assert set(found.problems) <= set(Problem)
