"""Metadata in HEIC and AVIF files: the `Exif` and XMP items of the `meta` box (ISO 14496-12, ISO 23008-12)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

MAX_BOXES = 4_096
"""Boxes looked at on one level, and items: photos in tiles have a few hundred."""

MAX_EXTENTS = 64
MAX_ITEM = 4 << 20
"""An item is read no further."""

_XMP_MIME = b"application/rdf+xml"
_TIFF_HEADS = (b"II*\0", b"MM\0*")
_MAX_PREFIX = 64
_WIDE_SIZE, _TO_THE_END = 1, 0


class _Cut(Exception):
    """A box ends before its content does."""


@dataclass(slots=True)
class _Cursor:
    """Reads big-endian numbers and strings from a box."""

    data: bytes
    at: int = 0

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")

    def take(self, size: int) -> bytes:
        found = self.data[self.at : self.at + size]
        if len(found) < size:
            raise _Cut
        self.at += size
        return found

    def string(self) -> bytes:
        end = self.data.find(b"\0", self.at)
        if end < 0:
            raise _Cut
        found, self.at = self.data[self.at : end], end + 1
        return found


class _Place(NamedTuple):
    """Where an item's bytes are: extents of offset and length, in the file or in the `idat` box."""

    in_idat: bool
    extents: tuple[tuple[int, int], ...]


def metadata(data: bytes) -> tuple[bytes | None, bytes | None]:
    """The EXIF block and the XMP packet of a HEIC or AVIF file; nothing where its boxes are damaged."""
    meta = next((body for name, body in _boxes(data, 0) if name == b"meta"), None)
    if meta is None:
        return None, None
    inner = dict(reversed(list(_boxes(meta, 4))))
    try:
        exif, xmp = _items(inner.get(b"iinf", b""))
        places = _places(inner.get(b"iloc", b""), {exif, xmp})
    except _Cut:
        return None, None
    idat = inner.get(b"idat", b"")
    block = _item(data, idat, places.get(exif))
    return (None if block is None else _tiff(block)), _item(data, idat, places.get(xmp))


def _boxes(data: bytes, at: int) -> Iterator[tuple[bytes, bytes]]:
    """Names and bodies of the boxes from an offset on; media data is hopped over."""
    for _ in range(MAX_BOXES):
        if at + 8 > len(data):
            return
        size, name, head = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8], 8
        if size == _WIDE_SIZE:
            size, head = int.from_bytes(data[at + 8 : at + 16], "big"), 16
        elif size == _TO_THE_END:
            size = len(data) - at
        if size < head:
            return
        yield name, b"" if name == b"mdat" else data[at + head : at + size]
        at += size


def _items(iinf: bytes) -> tuple[int, int]:
    """The numbers of the first Exif item and the first XMP item; -1 where there is none."""
    cursor = _Cursor(iinf)
    version = cursor.number(4) >> 24
    cursor.number(2 if version == 0 else 4)
    exif = xmp = -1
    for name, body in _boxes(iinf, cursor.at):
        number, kind, mime = _entry(body) if name == b"infe" else (-1, b"", b"")
        if kind == b"Exif" and exif < 0:
            exif = number
        elif kind == b"mime" and mime == _XMP_MIME and xmp < 0:
            xmp = number
    return exif, xmp


def _entry(infe: bytes) -> tuple[int, bytes, bytes]:
    """Number, type and content type of an item."""
    cursor = _Cursor(infe)
    version = cursor.number(4) >> 24
    if version not in (2, 3):
        return -1, b"", b""
    number = cursor.number(2 if version == 2 else 4)  # noqa: PLR2004 - the box's own version
    cursor.number(2)
    kind = cursor.take(4)
    cursor.string()
    return number, kind, cursor.string() if kind == b"mime" else b""


def _places(iloc: bytes, wanted: set[int]) -> Mapping[int, _Place]:
    """Where the wanted items are."""
    cursor = _Cursor(iloc)
    version = cursor.number(4) >> 24
    sizes = cursor.number(2)
    offset_size, length_size, base_size = sizes >> 12, sizes >> 8 & 15, sizes >> 4 & 15
    index_size = sizes & 15 if version in (1, 2) else 0
    number_size = 2 if version < 2 else 4  # noqa: PLR2004 - the box's own version
    places = {}
    for _ in range(min(cursor.number(number_size), MAX_BOXES)):
        number = cursor.number(number_size)
        method = cursor.number(2) & 15 if version in (1, 2) else 0
        cursor.number(2)
        base = cursor.number(base_size)
        count = cursor.number(2)
        if number in wanted and method in (0, 1) and count <= MAX_EXTENTS:
            places[number] = _Place(method == 1, _extents(cursor, count, base, (index_size, offset_size, length_size)))
        else:
            cursor.at += count * (index_size + offset_size + length_size)
    return places


def _extents(cursor: _Cursor, count: int, base: int, sizes: tuple[int, int, int]) -> tuple[tuple[int, int], ...]:
    index_size, offset_size, length_size = sizes
    extents = []
    for _ in range(count):
        cursor.number(index_size)
        extents.append((base + cursor.number(offset_size), cursor.number(length_size)))
    return tuple(extents)


def _item(data: bytes, idat: bytes, place: _Place | None) -> bytes | None:
    if place is None:
        return None
    source = idat if place.in_idat else data
    parts: list[bytes] = []
    room = MAX_ITEM
    for offset, length in place.extents:
        parts.append(source[offset : offset + min(length or MAX_ITEM, room)])
        room -= len(parts[-1])
    return b"".join(parts) or None


def _tiff(item: bytes) -> bytes:
    """The TIFF structure of an Exif item: behind a four-byte offset, which some writers get wrong."""
    start = 4 + int.from_bytes(item[:4], "big")
    if item[start : start + 4] in _TIFF_HEADS:
        return item[start:]
    starts = [item.find(head, 0, _MAX_PREFIX) for head in _TIFF_HEADS]
    return item[max(starts) :] if max(starts) >= 0 else item[4:]
