"""Small files that would take a decoder's time or a machine's memory are refused; large pictures go in bands."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from command_line import ask, complaints
from PIL import Image
from synthetic_files import LONG, Tag, tiff

from geoid.adapters import pillow
from geoid.adapters.pillow import PhotoReader, decode
from geoid.core.models import InputSpec
from geoid.core.scans import MAX_SCANS, too_many_scans
from geoid.core.views import Box
from geoid.errors import BrokenPhoto, HugePhoto

READ = PhotoReader(max_bytes=10_000_000, max_pixels=300_000)
SPEC = InputSpec(size=32, resize=32)


def jpeg_of_scans(count: int, *, trailer: bytes = b"") -> bytes:
    """A progressive JPEG that goes over its picture so many times."""
    file = io.BytesIO()
    Image.new("L", (64, 64)).save(file, "JPEG", progressive=True)
    data = file.getvalue()
    at = data.rindex(b"\xff\xda")
    return data[:at] + data[at:-2] * (count - data[:at].count(b"\xff\xda")) + b"\xff\xd9" + trailer


def encoded(image: Image.Image, kind: str, **options) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def noise(width: int, height: int) -> Image.Image:
    """The same noise every time."""
    return Image.fromarray(np.random.default_rng(1).integers(0, 256, (height, width), dtype=np.uint8))


def test_a_jpeg_of_too_many_scans_is_refused_before_it_is_decoded() -> None:
    with pytest.raises(BrokenPhoto, match="more than 100 scans"):
        READ("loop.jpg", jpeg_of_scans(MAX_SCANS + 1))


def test_a_jpeg_may_have_as_many_scans_as_the_limit_says() -> None:
    assert READ("many.jpg", jpeg_of_scans(MAX_SCANS)).width == 64


def test_what_follows_the_picture_in_a_jpeg_does_not_count_as_scans() -> None:
    assert not too_many_scans(jpeg_of_scans(10, trailer=b"\xff\xda" * 500))


def test_thumbnails_in_a_jpeg_do_not_count_as_scans() -> None:
    data = jpeg_of_scans(10)
    held = b"\xff\xda" * 500
    assert not too_many_scans(data[:2] + b"\xff\xe2" + struct.pack(">H", len(held) + 2) + held + data[2:])


def test_a_tiff_with_tiles_larger_than_the_limit_is_refused_however_small_its_picture() -> None:
    tags = [Tag(322, LONG, (30_000,)), Tag(323, LONG, (30_000,))]
    with pytest.raises(HugePhoto, match="30000 x 30000"):
        READ("tile.tif", tiff(image=tags))


@pytest.mark.parametrize("kind", ["WEBP", "AVIF"])
def test_containers_that_take_more_memory_have_a_lower_limit_of_pixels(kind: str) -> None:
    picture = Image.new("RGB", (400, 300))
    assert READ("photo.png", encoded(picture, "PNG")).width == 400
    with pytest.raises(HugePhoto, match="400 x 300 pixels are over the limit"):
        READ("photo", encoded(picture, kind))


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA", "CMYK", "I;16", "I", "F"])
def test_a_picture_in_bands_looks_as_in_one_piece(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    grey = noise(419, 301)
    deep = {"I;16": np.uint16, "I": np.int32, "F": np.float32}
    picture = Image.fromarray(np.asarray(grey).astype(deep[mode]) * 200) if mode in deep else grey.convert(mode)
    photo = READ("photo.tif", encoded(picture, "TIFF"))
    boxes = [Box(0, 0, 419, 301), Box(100.5, 50.25, 220, 170)]
    whole = decode(photo, SPEC, boxes)
    monkeypatch.setattr(pillow, "BAND", 5_000)
    assert np.array_equal(decode(photo, SPEC, boxes), whole)


def test_a_broken_avif_is_an_error_about_the_photo() -> None:
    data = encoded(noise(64, 64), "AVIF", speed=10)
    pixels = data.index(b"mdat") + 4
    photo = READ("photo.avif", data[:pixels] + bytes(len(data) - pixels))
    with pytest.raises(BrokenPhoto, match="damaged"):
        decode(photo, SPEC, [Box(0, 0, 64, 64)])


def test_what_libtiff_writes_to_stderr_is_not_shown(tmp_path) -> None:
    picture = encoded(noise(320, 240), "TIFF", compression="tiff_lzw")
    path = tmp_path / "damaged.tif"
    path.write_bytes(picture[:3000] + b"\xff" * 2000 + picture[5000:])
    answer = ask([path])
    assert answer.code == 65
    assert not list(complaints(answer))
