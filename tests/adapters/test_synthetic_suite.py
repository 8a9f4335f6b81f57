"""The synthetic suite against the reader: place, date, sources and problems of every case."""

from __future__ import annotations

import io

import pytest
from PIL import Image
from synthetic_photos import CASES, NOW, Case

from geoid.adapters.metadata import PhotoMetadata
from geoid.core.blocks import blocks
from geoid.core.problems import Problem
from geoid.core.values import Capture, Photo

READABLE = [case for case in CASES if not case.name.startswith("heic")]
"""The HEIC cases hold boxes without a picture."""


def read(case: Case) -> Capture:
    """Read a case as the pipeline would."""
    return PhotoMetadata(lambda _: case.sidecar, lambda: NOW).read(Photo(case.name, case.data, "", 16, 16))


@pytest.fixture(name="case", params=CASES, ids=[case.name for case in CASES])
def _case(request: pytest.FixtureRequest) -> Case:
    assert isinstance(request.param, Case)
    return request.param


def test_the_place_and_its_source_are_right(case: Case) -> None:
    location = read(case).location
    if location is None or case.location is None:
        assert location is None
        assert case.location is None
        return
    found = location.coordinates
    assert (found.latitude, found.longitude) == pytest.approx(case.location, abs=1e-5)
    assert found.uncertainty_m == case.uncertainty_m
    assert location.source == case.location_source


def test_the_date_and_its_source_are_right(case: Case) -> None:
    date = read(case).date
    assert (date and date.value) == case.date
    assert (date and date.source) == case.date_source


def test_every_problem_is_named_once_and_in_order(case: Case) -> None:
    assert read(case).problems == case.problems


def test_case_names_are_unique_and_the_suite_is_large() -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 50


def test_every_problem_has_a_case_that_shows_it() -> None:
    shown = {problem for case in CASES for problem in case.problems}
    assert {problem.value for problem in Problem} - shown == {"sidecar-unreadable"}  # see test_metadata


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@pytest.mark.parametrize("case", READABLE, ids=[case.name for case in READABLE])
def test_every_case_is_a_photo_that_pillow_can_decode(case: Case) -> None:
    with Image.open(io.BytesIO(case.data)) as image:
        image.load()
        assert image.size == (16, 16)


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@pytest.mark.parametrize("case", READABLE, ids=[case.name for case in READABLE])
def test_the_blocks_are_the_ones_that_pillow_finds(case: Case) -> None:
    found = blocks(case.data)
    with Image.open(io.BytesIO(case.data)) as image:
        image.load()  # PNG may hold them behind the pixels
        exif = image.info.get("exif")
        xmp = image.info.get("xmp")
    if exif is not None:
        # Pillow also joins separate blocks, and keeps a prefix that does not belong
        assert exif.replace(b"Exif\0\0", b"").startswith(found.exif or b"")
    if xmp is not None:
        assert found.xmp == (xmp.encode() if isinstance(xmp, str) else xmp)
