"""HEIC as phones write it: laid on its side, turned by the container, with EXIF that says so a second time."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from geoid.adapters.pillow import PhotoReader, decode
from geoid.core.models import InputSpec
from geoid.core.views import centre_crop
from geoid.wiring import open_pipeline

FIXTURES = Path(__file__).parents[2] / "fixtures"
HEIC = FIXTURES / "formats" / "koala-phone.heic"
SPEC = InputSpec(size=260, resize=292)


@pytest.fixture(name="photo")
def _photo():
    pytest.importorskip("pi_heif", reason="the extra `heic` is not installed")
    return PhotoReader(10**9, 10**9)(HEIC.name, HEIC.read_bytes())


def test_a_phones_heic_is_upright_and_turned_once(photo) -> None:
    assert (photo.width, photo.height) == (360, 480)
    pixels = decode(photo, SPEC, [centre_crop(photo.width, photo.height, SPEC)])[0].astype(float)
    with Image.open(FIXTURES / "photos" / "koala.webp") as original:
        upright = np.asarray(original.convert("RGB").resize((360, 480)).crop((20, 80, 340, 400)).resize((260, 260)))
    assert np.abs(pixels - upright).mean() < 12
    assert np.abs(np.rot90(pixels) - upright).mean() > 30


def test_a_phones_heic_is_placed_dated_and_named(photo) -> None:
    prediction = open_pipeline().predict(photo.name, photo.data)
    assert prediction.ranking.by_vision.taxon.scientific_name == "Phascolarctos cinereus"
    assert prediction.ranking.why_not.reason == "not-recorded"  # Perth has koalas in its zoo only
    coordinates = prediction.capture.location.coordinates
    assert (coordinates.latitude, coordinates.longitude) == pytest.approx((-31.95, 115.85), abs=1e-6)
    assert prediction.capture.date.value.isoformat() == "2024-02-03"
    assert prediction.capture.problems == ()
