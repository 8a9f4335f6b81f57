"""How often a JPEG file goes over its picture: a decoder does so as often as it is told, however large it is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

MAX_SCANS = 100
"""Scans of a picture, as libtiff has it for the JPEGs in its files (tif_jpeg.c); cameras and encoders write 1 to 14."""

_START_OF_SCAN, _END_OF_IMAGE = 0xDA, 0xD9
_SEQUENTIAL = {0xC0, 0xC1, 0xC3, 0xC9, 0xCB}
_PROGRESSIVE = {0xC2, 0xC6, 0xCA, 0xCE}
"""Frame markers (T.81, table B.1)."""

_MARKER = re.compile(rb"\xff[^\x00\x01\xd0-\xd7\xff]", re.DOTALL)
"""A marker that has a length, or the end; in a scan's data 0xFF stands before 0 or a restart only (T.81, B.1.1)."""


def too_many_scans(jpeg: bytes) -> bool:
    """Whether a JPEG file has more than `MAX_SCANS`; what cameras write is known by its header, few others hold more
    bytes like a scan's marker than that, so the careful count is rare.
    """
    if _has_one_scan(jpeg) or jpeg.count(b"\xff\xda") <= MAX_SCANS:
        return False
    return len(list(islice(_scans(jpeg), MAX_SCANS + 1))) > MAX_SCANS


def _has_one_scan(jpeg: bytes) -> bool:
    """Whether the first scan holds all components of a sequential frame: libjpeg stops behind it (jdinput.c)."""
    components = 0
    for at in _markers(jpeg):
        if jpeg[at + 1] in _PROGRESSIVE:
            return False
        if jpeg[at + 1] in _SEQUENTIAL:
            components = int.from_bytes(jpeg[at + 9 : at + 10], "big")
        if jpeg[at + 1] == _START_OF_SCAN:
            return components > 0 and jpeg[at + 4 : at + 5] == bytes([components])
    return False


def _scans(jpeg: bytes) -> Iterator[int]:
    """Where the scans start, up to the end of the picture: thumbnails and what follows the picture do not count."""
    return (at for at in _markers(jpeg) if jpeg[at + 1] == _START_OF_SCAN)


def _markers(jpeg: bytes) -> Iterator[int]:
    """Where the markers of the picture stand, up to its end; each is passed over by its length."""
    at = 2
    while (found := _MARKER.search(jpeg, at)) is not None:
        at = found.start()
        if jpeg[at + 1] == _END_OF_IMAGE:
            return
        yield at
        at += 2 + max(2, int.from_bytes(jpeg[at + 2 : at + 4], "big"))
