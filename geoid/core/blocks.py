"""Finding the EXIF block and the XMP packet in a photo's container, without opening it as an image.

An image library parses EXIF while it opens a file: it warns of junk, can be kept busy by it, and stops before the
chunks that PNG allows behind the pixels. These scanners only hop from length to length, and never raise.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from geoid.core import isobmff, png

MAX_SEGMENTS = 4_096
"""Segments of a JPEG file or chunks of a WebP file that are looked at: photos have dozens, with depth maps hundreds."""

JPEG_EXIF = b"Exif\0\0"
JPEG_XMP = b"http://ns.adobe.com/xap/1.0/\0"
TIFF_HEADS = (b"II*\0", b"MM\0*")
TIFF_XMP_TAG = 700
_APP1, _START_OF_SCAN, _END_OF_IMAGE, _FILL = 0xE1, 0xDA, 0xD9, 0xFF
_MARKERS_ALONE = frozenset({0x01, *range(0xD0, 0xD8)})
_BYTE_TYPES = (1, 2, 7)


class Blocks(NamedTuple):
    """A raw EXIF block (a TIFF structure, without the `Exif` prefix of JPEG) and a raw XMP packet."""

    exif: bytes | None = None
    xmp: bytes | None = None


def blocks(data: bytes) -> Blocks:
    """Find both blocks in a JPEG, PNG, WebP, TIFF, HEIC or AVIF file; nothing in anything else."""
    if data[:2] == b"\xff\xd8":
        return _bare(*_jpeg(data))
    if data[:8] == png.SIGNATURE:
        return _bare(*png.metadata(data))
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return _bare(*_webp(data))
    if data[:4] in TIFF_HEADS:
        return Blocks(data, _tiff_xmp(data))
    if data[4:8] == b"ftyp":
        return _bare(*isobmff.metadata(data))
    return Blocks()


def _bare(exif: bytes | None, xmp: bytes | None) -> Blocks:
    """Take off the JPEG prefix, which some writers leave on in other containers; empty blocks are none."""
    if exif is not None:
        exif = exif.removeprefix(JPEG_EXIF)
    return Blocks(exif or None, xmp or None)


def _jpeg(data: bytes) -> tuple[bytes | None, bytes | None]:
    """The first EXIF block, with the segments that carry on a long one, and the first standard XMP packet."""
    exif: list[bytes] = []
    xmp = None
    for payload in _app1_segments(data):
        if payload.startswith(JPEG_EXIF):
            body = payload[len(JPEG_EXIF) :]
            if not exif or not body.startswith(TIFF_HEADS):
                exif.append(body)
        elif payload.startswith(JPEG_XMP) and xmp is None:
            xmp = payload[len(JPEG_XMP) :]
    return (b"".join(exif) if exif else None), xmp


def _app1_segments(data: bytes) -> Iterator[bytes]:
    at = 2
    for _ in range(MAX_SEGMENTS):
        if at + 4 > len(data) or data[at] != _FILL:
            return
        marker = data[at + 1]
        if marker == _FILL:
            at += 1
        elif marker in _MARKERS_ALONE:
            at += 2
        elif marker in (_START_OF_SCAN, _END_OF_IMAGE):
            return
        else:
            length = max(2, int.from_bytes(data[at + 2 : at + 4], "big"))
            if marker == _APP1:
                yield data[at + 4 : at + 2 + length]
            at += 2 + length


def _webp(data: bytes) -> tuple[bytes | None, bytes | None]:
    found: dict[bytes, bytes] = {}
    at = 12
    for _ in range(MAX_SEGMENTS):
        if at + 8 > len(data):
            break
        name, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        if name in (b"EXIF", b"XMP "):
            found.setdefault(name, data[at + 8 : at + 8 + size])
        at += 8 + size + size % 2
    return found.get(b"EXIF"), found.get(b"XMP ")


def _tiff_xmp(data: bytes) -> bytes | None:
    """The value of tag 700 in the first directory (XMP specification part 3, TIFF)."""
    order = "<" if data[:1] == b"I" else ">"
    try:
        (directory,) = struct.unpack_from(f"{order}I", data, 4)
        (count,) = struct.unpack_from(f"{order}H", data, directory)
        for entry in range(directory + 2, directory + 2 + 12 * count, 12):
            tag, kind, size, offset = struct.unpack_from(f"{order}HHII", data, entry)
            if tag == TIFF_XMP_TAG and kind in _BYTE_TYPES:
                return data[offset : offset + size]
    except struct.error:
        pass  # the directory is cut off: what stands behind it is not there
    return None
