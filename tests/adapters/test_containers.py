"""Image containers by their first bytes, and what is said of everything else."""

from __future__ import annotations

import importlib
import io
import struct
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from geoid.adapters.containers import PLUGINS, container, plugin_for, readable_formats
from geoid.adapters.pillow import PhotoReader
from geoid.errors import BadInputError, BrokenPhoto, NotAPhoto

READ = PhotoReader(1_000_000, 1_000_000)
HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(40)
RAW = (
    b"II*\0\x08\0\0\0"
    + struct.pack("<H", 2)
    + struct.pack("<HHII", 256, 3, 1, 100)
    + struct.pack("<HHII", 257, 3, 1, 100)
    + bytes(4)
)


def encoded(form: str) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, form)
    return buffer.getvalue()


@pytest.mark.parametrize("form", list(PLUGINS))
def test_a_container_is_known_by_its_bytes(form: str) -> None:
    assert container(encoded(form)) == form
    assert plugin_for("photo", encoded(form)) == form


@pytest.mark.parametrize("start", [b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"])
def test_both_byte_orders_and_large_tiff_are_tiff(start: bytes) -> None:
    assert container(start + bytes(20)) == "TIFF"


@pytest.mark.parametrize(
    ("brands", "found"),
    [
        (b"heic\0\0\0\0mif1heic", "HEIF"),
        (b"mif1\0\0\0\0mif1heic", "HEIF"),
        (b"mif1\0\0\0\0mif1avif", "AVIF"),
        (b"avif\0\0\0\0mif1miaf", "AVIF"),
        (b"isom\0\0\0\0isommp42", None),
        (b"crx \0\0\0\1crx isom", None),
    ],
)
def test_heif_and_avif_are_told_apart_by_their_brands(brands: bytes, found: str | None) -> None:
    assert container(struct.pack(">I", 8 + len(brands)) + b"ftyp" + brands + bytes(20)) == found


@given(st.binary(max_size=600))
def test_any_bytes_are_a_container_or_none(data: bytes) -> None:
    assert container(data) in {*PLUGINS, "HEIF", None}
    with pytest.raises(BadInputError, match=r"^photo: "):
        READ("photo", data)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"hello world\n", "photo: not an image but text"),
        ("Grüße vom Löwen\n".encode(), "photo: not an image but text"),
        (("ü" * 400).encode(), "photo: not an image but text"),
        (b"x" + ("ü" * 400).encode(), "photo: not an image but text"),
        (b"<!DOCTYPE html><html></html>", "photo: not an image but markup or JSON"),
        (b"\xef\xbb\xbf<svg/>", "photo: not an image but markup or JSON"),
        (b'  {"format": 1}', "photo: not an image but markup or JSON"),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3", "photo: not an image but a PDF"),
        (b"%PDF-1.4\nall ascii", "photo: not an image but a PDF"),
        (b"\0\0\0\x18ftypisom\0\0\0\0isommp42", "photo: not an image but a video or a camera's raw file"),
        (b"\0\0\0\x18ftypcrx \0\0\0\1crx isom", "photo: not an image but a video or a camera's raw file"),
        (bytes(100), "photo: not an image"),
        (b"\x7fELF" + bytes(range(256)), "photo: not an image"),
        ("text".encode("utf-16"), "photo: not an image"),
    ],
)
def test_what_is_not_an_image_is_named(data: bytes, sentence: str) -> None:
    with pytest.raises(NotAPhoto) as caught:
        READ("photo", data)
    assert caught.value.message == sentence
    assert caught.value.hint.startswith("geoid reads JPEG, PNG")


@pytest.mark.parametrize("data", [RAW, b"II*\0\x10\0\0\0CR\2\0" + bytes(100), b"MM\0*" + bytes(30)])
def test_a_raw_file_that_calls_itself_tiff_is_broken_and_the_hint_knows_why(data: bytes) -> None:
    with pytest.raises(BrokenPhoto, match=r"^photo: the image header is damaged") as caught:
        READ("photo", data)
    assert caught.value.hint == "if this is a camera's raw file, export it as JPEG"


def test_a_file_that_only_begins_like_an_image_is_broken() -> None:
    with pytest.raises(BrokenPhoto):
        READ("photo", b"BMW is a car maker, and this is a text")


def test_heic_without_its_extra_says_what_to_install(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "pi_heif", None)
    with pytest.raises(NotAPhoto) as caught:
        READ("IMG_1.HEIC", HEIC)
    assert caught.value.message == "IMG_1.HEIC: HEIC needs an extra"
    assert caught.value.hint == "pip install pi-heif"
    assert readable_formats()["HEIC"] is False


def test_a_damaged_heic_is_broken() -> None:
    pytest.importorskip("pi_heif", reason="platform: no wheel of pi-heif")
    with pytest.raises(BrokenPhoto, match=r"^IMG_1\.HEIC: the image header is damaged"):
        READ("IMG_1.HEIC", HEIC)


def test_every_plain_format_is_readable_here() -> None:
    found = readable_formats()
    assert list(found) == [*PLUGINS, "HEIC"]
    assert all(found[name] for name in PLUGINS)


def test_a_format_whose_plugin_does_not_load_is_not_readable(monkeypatch) -> None:
    real = importlib.import_module

    def load(name: str):
        if name == "PIL.AvifImagePlugin":
            raise ImportError
        return real(name)

    monkeypatch.setattr(importlib, "import_module", load)
    assert readable_formats()["AVIF"] is False


def test_no_plugin_but_the_one_for_the_bytes_may_open_them() -> None:
    from PIL import EpsImagePlugin

    assert EpsImagePlugin.EpsImageFile.format == "EPS"
    with pytest.raises(NotAPhoto):
        READ("photo", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n")
