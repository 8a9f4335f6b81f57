"""Writes a position and a date into a copy of a JPEG without touching its pixels.

    python tests/fixtures_tools.py fox.jpg fox-in-london.jpg 51.5073 -0.1277 2019-05-01

Made for demonstration copies of the photos in `fixtures/`, which say so in their provenance.
"""

from __future__ import annotations

import datetime
import io
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

ASCII, SHORT, LONG, RATIONAL = 2, 3, 4, 5
ORIENTATION, EXIF_POINTER, GPS_POINTER, TAKEN = 0x0112, 0x8769, 0x8825, 0x9003
PREFIX = b"Exif\0\0"
UNITS = 10_000
"""Parts of a second of arc: a step of about 3 mm."""

Entry = tuple[int, int, int, bytes]


def write_position(jpeg: bytes, latitude: float, longitude: float, date: datetime.date) -> bytes:
    """A copy of a JPEG with this place and date as its only EXIF, at noon; its orientation stays."""
    if jpeg[:2] != b"\xff\xd8":
        raise ValueError("only JPEG files can be written to")
    with Image.open(io.BytesIO(jpeg)) as image:
        orientation = image.getexif().get(ORIENTATION, 1)
    payload = PREFIX + _block(orientation, latitude, longitude, date)
    segment = b"\xff\xe1" + struct.pack(">H", len(payload) + 2) + payload
    return jpeg[:2] + segment + b"".join(_without_exif(jpeg))


def _without_exif(jpeg: bytes) -> Iterator[bytes]:
    """Everything behind the start marker except the EXIF segments."""
    at = 2
    while jpeg[at + 1] != 0xDA:
        end = at + 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big")
        if jpeg[at + 1] != 0xE1 or not jpeg.startswith(PREFIX, at + 4):
            yield jpeg[at:end]
        at = end
    yield jpeg[at:]


def _block(orientation: int, latitude: float, longitude: float, date: datetime.date) -> bytes:
    exif = [(TAKEN, ASCII, 20, f"{date:%Y:%m:%d} 12:00:00\0".encode())]
    gps = [
        (0, 1, 4, b"\2\3\0\0"),
        (1, ASCII, 2, b"S\0" if latitude < 0 else b"N\0"),
        (2, RATIONAL, 3, _degrees(latitude)),
        (3, ASCII, 2, b"W\0" if longitude < 0 else b"E\0"),
        (4, RATIONAL, 3, _degrees(longitude)),
        (18, ASCII, 7, b"WGS-84\0"),
    ]
    first_size = 2 + 3 * 12 + 4
    exif_start = 8 + first_size
    exif_bytes = _directory(exif, exif_start)
    gps_start = exif_start + len(exif_bytes)
    first = [
        (ORIENTATION, SHORT, 1, struct.pack("<H", orientation)),
        (EXIF_POINTER, LONG, 1, struct.pack("<I", exif_start)),
        (GPS_POINTER, LONG, 1, struct.pack("<I", gps_start)),
    ]
    return b"II*\0\x08\0\0\0" + _directory(first, 8) + exif_bytes + _directory(gps, gps_start)


def _degrees(value: float) -> bytes:
    total = round(abs(value) * 3600 * UNITS)
    minutes, seconds = divmod(total, 60 * UNITS)
    return struct.pack("<6I", minutes // 60, 1, minutes % 60, 1, seconds, UNITS)


def _directory(entries: list[Entry], start: int) -> bytes:
    values_start = start + 2 + 12 * len(entries) + 4
    head, values = struct.pack("<H", len(entries)), b""
    for number, kind, count, data in entries:
        inline = data
        if len(data) > 4:
            inline = struct.pack("<I", values_start + len(values))
            values += data + b"\0" * (len(data) % 2)
        head += struct.pack("<HHI", number, kind, count) + inline.ljust(4, b"\0")
    return head + b"\0\0\0\0" + values


if __name__ == "__main__":
    source, target, where_north, where_east, when = sys.argv[1:]
    copy = write_position(
        Path(source).read_bytes(), float(where_north), float(where_east), datetime.date.fromisoformat(when)
    )
    Path(target).write_bytes(copy)
