"""Containers with junk in them: the scanners never raise, never read on for ever, and hand out what is there."""

from __future__ import annotations

import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoid.core.blocks import MAX_SEGMENTS, Blocks, blocks
from geoid.core.png import MAX_FOUND, MAX_TEXT

STARTS = [
    b"\xff\xd8\xff\xe1",
    b"\x89PNG\r\n\x1a\n",
    b"RIFF\0\0\0\0WEBP",
    b"II*\0\x08\0\0\0",
    b"MM\0*\0\0\0\x08",
    b"\0\0\0\x18ftypheic\0\0\0\0mif1heic\0\0\0\x40meta\0\0\0\0",
]
PNG = b"\x89PNG\r\n\x1a\n"
EMPTY_SEGMENT = b"\xff\xe2\0\2"
LAST_SEGMENT = b"\xff\xe1\0\x0cExif\0\0II*\0"


def chunk(name: bytes, body: bytes) -> bytes:
    """A PNG chunk, its checksum left out: the scanner does not look."""
    return struct.pack(">I", len(body)) + name + body + b"\0\0\0\0"


def box(name: bytes, body: bytes) -> bytes:
    """An ISO box."""
    return struct.pack(">I", len(body) + 8) + name + body


def heif(*boxes: bytes) -> bytes:
    """A file of a meta box with these boxes."""
    return box(b"ftyp", b"heic\0\0\0\0") + box(b"meta", b"\0\0\0\0" + b"".join(boxes))


@given(st.sampled_from([b"", *STARTS]), st.binary(max_size=300))
def test_any_bytes_are_searched_without_raising(start: bytes, rest: bytes) -> None:
    found = blocks(start + rest)
    assert found.exif is None or found.exif
    assert found.xmp is None or found.xmp


@pytest.mark.parametrize("data", [b"", b"GIF89a", b"BM", b"\xff", b"\xff\xd8", *STARTS[:3], STARTS[5]])
def test_a_container_without_metadata_has_no_blocks(data: bytes) -> None:
    assert blocks(data) == Blocks()


def test_jpeg_segments_are_followed_so_far_and_no_farther() -> None:
    reached = b"\xff\xd8" + EMPTY_SEGMENT * (MAX_SEGMENTS - 1) + LAST_SEGMENT
    beyond = b"\xff\xd8" + EMPTY_SEGMENT * MAX_SEGMENTS + LAST_SEGMENT
    assert blocks(reached).exif == b"II*\0"
    assert blocks(beyond).exif is None


def test_pixels_are_not_searched() -> None:
    assert blocks(b"\xff\xd8\xff\xda\0\2" + LAST_SEGMENT) == Blocks()


def test_a_compressed_text_is_inflated_to_its_limit_only() -> None:
    bomb = zlib.compress(bytes(3 * MAX_TEXT))
    found = blocks(PNG + chunk(b"zTXt", b"XML:com.adobe.xmp\0\0" + bomb))
    assert len(found.xmp or b"") == MAX_TEXT


def test_broken_texts_are_tried_so_often_and_no_oftener() -> None:
    broken = chunk(b"zTXt", b"XML:com.adobe.xmp\0\0junk")
    good = chunk(b"tEXt", b"XML:com.adobe.xmp\0<x/>")
    assert blocks(PNG + broken * (MAX_FOUND - 1) + good).xmp == b"<x/>"
    assert blocks(PNG + broken * MAX_FOUND + good).xmp is None


def test_a_raw_profile_of_something_else_is_not_exif() -> None:
    profile = b"\nAPP1\n      4\n" + b"deadbeef\n"
    assert blocks(PNG + chunk(b"tEXt", b"Raw profile type APP1\0" + profile)) == Blocks()


@pytest.mark.parametrize(
    "data",
    [
        heif(),
        heif(box(b"iinf", b"\0\0\0\0\0\1" + box(b"infe", b"\2\0\0\0\0\1\0\0Exif\0"))),
        heif(box(b"iinf", b"\0\0\0\0\0\1" + box(b"infe", b"\2\0\0\0\0\1")), box(b"iloc", b"\0")),
        heif(box(b"iinf", b"\0\0\0\0\0\0"), box(b"iloc", b"\0\0\0\0\0\0\xff\xff" + b"\0\1\0\0\xff\xff" * 100)),
        box(b"ftyp", b"avif\0\0\0\0") + b"\0\0\0\1meta\0\0\0\0\0\0\0\4",
    ],
    ids=["empty", "no places", "cut entry", "extents of nothing", "size too small"],
)
def test_damaged_boxes_hold_nothing(data: bytes) -> None:
    assert blocks(data) == Blocks()


def test_wide_boxes_and_items_in_pieces_are_read() -> None:
    body = b"\0\0\0\0II*\0" + b"rest"
    infe = box(b"infe", b"\3\0\0\0" + struct.pack(">IH", 7, 0) + b"Exif\0")
    iinf = box(b"iinf", b"\1\0\0\0\0\0\0\1" + infe)
    media = struct.pack(">I4sQ", 1, b"mdat", 16 + len(body)) + body

    def whole(at: int) -> bytes:
        places = struct.pack(">IHH", 7, 0, 0) + struct.pack(">I", at) + struct.pack(">H", 2)
        places += struct.pack(">HII", 0, 0, 6) + struct.pack(">HII", 0, 6, len(body) - 6)
        iloc = box(b"iloc", b"\2\0\0\0\x44\x42" + struct.pack(">I", 1) + places)
        return heif(iinf, iloc)

    start = len(whole(0)) + 16
    assert blocks(whole(start) + media).exif == b"II*\0rest"


def test_a_cut_off_tiff_still_hands_out_its_structure() -> None:
    for data in (b"II*\0", b"II*\0\xff\xff\xff\xff", b"MM\0*\0\0\0\x08\xff\xff"):
        assert blocks(data) == Blocks(data)
