"""How often a JPEG file goes over its picture: a decoder does so as often as it is told, however large it is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

MAX_SCANS = 100
"""Scans of a picture, as libtiff has it for the JPEGs in its files (tif_jpeg.c); cameras and encoders write 1 to 14."""

_START_OF_SCAN, _END_OF_IMAGE = 0xDA, 0xD9
_MARKER = re.compile(rb"\xff[^\x00\x01\xd0-\xd7\xff]", re.DOTALL)
"""A marker that has a length, or the end; in a scan's data 0xFF stands before 0 or a restart only (T.81, B.1.1)."""


def too_many_scans(jpeg: bytes) -> bool:
    """Whether a JPEG file has more than `MAX_SCANS`; few files hold the bytes of a marker so often, so it is cheap."""
    if jpeg.count(b"\xff\xda") <= MAX_SCANS:
        return False
    return len(list(islice(_scans(jpeg), MAX_SCANS + 1))) > MAX_SCANS


def _scans(jpeg: bytes) -> Iterator[int]:
    """Where the scans start, up to the end of the picture: thumbnails and what follows the picture do not count."""
    at = 2
    while (found := _MARKER.search(jpeg, at)) is not None:
        at = found.start()
        marker = jpeg[at + 1]
        if marker == _END_OF_IMAGE:
            return
        if marker == _START_OF_SCAN:
            yield at
        at += 2 + max(2, int.from_bytes(jpeg[at + 2 : at + 4], "big"))
