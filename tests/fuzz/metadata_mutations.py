"""Mutations of TIFF directories, be they a file's or an EXIF block's, and of XMP packets."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

from byte_mutations import number, put
from container_mutations import PNG_START, png_chunk, png_chunks
from synthetic_files import Tag, block, chunk, international_text, packet, segment

POINTERS = (0x8769, 0x8825, 0xA005, 0x014A)
MAX_DIRECTORIES = 8
PNG_PIXELS = b"IDAT"

PICTURE_TAGS: dict[int, tuple[int, ...]] = {
    256: (0, 1, 16, 4096, 16_384, 65_535, 0x7FFF_FFFF),
    257: (0, 1, 16, 4096, 16_384, 65_535, 0x7FFF_FFFF),
    258: (0, 1, 2, 4, 7, 8, 12, 16, 32, 64, 65_535),
    259: (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 32_771, 32_773, 32_946, 34_676, 34_677, 34_712, 34_925, 50_000, 50_001, 50_002),
    262: (0, 1, 2, 3, 4, 5, 6, 8, 9, 32_803, 34_892),
    266: (0, 1, 2, 3),
    274: (0, 1, 5, 6, 8, 9, 65_535),
    277: (0, 1, 2, 3, 4, 5, 7, 255, 65_535),
    278: (0, 1, 3, 240, 65_535, 0x7FFF_FFFF, 0xFFFF_FFFF),
    273: (0, 1, 8, 0x7FFF_FFFF, 0xFFFF_FFFF),
    279: (0, 1, 7, 0x7FFF_FFFF, 0xFFFF_FFFF),
    284: (0, 1, 2, 3),
    317: (0, 1, 2, 3, 65_535),
    322: (0, 1, 16, 64, 16_384, 60_000, 0x7FFF_FFF0),
    323: (0, 1, 16, 64, 16_384, 60_000, 0x7FFF_FFF0),
    324: (0, 8, 0xFFFF_FFFF),
    325: (0, 1, 100, 0xFFFF_FFFF),
    338: (0, 1, 2, 9),
    339: (0, 1, 2, 3, 4, 6),
    347: (0, 8, 0xFFFF_FFFF),
    530: (0, 0x0001_0001, 0x0002_0002, 0x0004_0004),
}
"""TIFF tags that decide how pixels are decoded, and values that change its ways (TIFF 6.0 and its supplements)."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a directory and one of its entries stand, in which byte order; BigTIFF's are wider."""

    start: int
    directory: int
    at: int
    order: str
    wide: bool


def entries(data: bytes) -> list[Entry]:
    """The entries of every directory that can be found in a file, TIFF or not."""
    return [entry for start, order, wide in _headers(data) for entry in _walk(data, start, order, wide)]


def _headers(data: bytes) -> Iterator[tuple[int, str, bool]]:
    for magic, order, wide in ((b"II*\0", "<", False), (b"MM\0*", ">", False), (b"II+\0", "<", True)):
        at = data.find(magic)
        if 0 <= at < len(data) - 16:
            yield at, order, wide


def _walk(data: bytes, start: int, order: str, wide: bool) -> Iterator[Entry]:
    first = (
        struct.unpack_from(f"{order}Q", data, start + 8) if wide else struct.unpack_from(f"{order}I", data, start + 4)
    )
    waiting, seen = [first[0]], set[int]()
    head, size = (8, 20) if wide else (2, 12)
    while waiting and len(seen) < MAX_DIRECTORIES:
        directory = start + waiting.pop()
        if directory in seen or directory + head > len(data):
            continue
        seen.add(directory)
        count = min(struct.unpack_from(f"{order}H", data, directory + (0 if order == "<" else head - 2))[0], 40)
        for place in range(directory + head, min(directory + head + count * size, len(data) - size), size):
            tag = struct.unpack_from(f"{order}H", data, place)[0]
            if tag in POINTERS:
                waiting.append(struct.unpack_from(f"{order}I", data, place + (12 if wide else 8))[0])
            yield Entry(start, directory, place, order, wide)


def directory_entry(rng: Random, data: bytes) -> bytes:
    """An entry with another tag, type, count, value or offset."""
    found = entries(data)
    if not found:
        return new_block(rng, data)
    entry = rng.choice(found)
    letter, step = ("Q", 12) if entry.wide else ("I", 8)
    new, offset = rng.choice(
        (
            (struct.pack(f"{entry.order}H", rng.choice((*POINTERS, *PICTURE_TAGS, 1, 2, 3, 4))), 0),
            (struct.pack(f"{entry.order}H", rng.choice((0, 1, 2, 3, 4, 5, 9, 10, 12, 13, 16, 99, 65_535))), 2),
            (number(rng, entry.order, letter), 4),
            (number(rng, entry.order, letter), step),
            (struct.pack(f"{entry.order}{letter}", entry.directory - entry.start), step),
        )
    )
    return put(data, entry.at + offset, new)


def directory_loop(rng: Random, data: bytes) -> bytes:
    """A directory that points at itself, its parent or nowhere, or says it has 65,535 entries."""
    found = entries(data)
    if not found:
        return new_block(rng, data)
    entry = rng.choice(found)
    if rng.random() < 0.3:
        return put(data, entry.directory, b"\xff\xff")
    tag = struct.pack(f"{entry.order}HH", rng.choice(POINTERS), rng.choice((4, 13)))
    if entry.wide:
        return put(data, entry.at, tag + struct.pack(f"{entry.order}QQ", 1, entry.directory - entry.start))
    target = rng.choice((entry.directory - entry.start, 8, 0, 0xFFFF_FFF0))
    return put(data, entry.at, tag + struct.pack(f"{entry.order}II", rng.choice((1, 1000)), target))


def picture_tag(rng: Random, data: bytes) -> bytes:
    """One to three of the tags that decide how pixels are decoded, set to something else."""
    changed = data
    for _ in range(rng.choice((1, 1, 2, 3))):
        changed = _picture_tag(rng, changed)
    return changed


def _picture_tag(rng: Random, data: bytes) -> bytes:
    found = entries(data)
    if not found:
        return data
    tag = rng.choice(tuple(PICTURE_TAGS))
    numbers = {struct.unpack_from(f"{entry.order}H", data, entry.at)[0]: entry for entry in found}
    entry = numbers.get(tag) or rng.choice(found)
    value = rng.choice(PICTURE_TAGS[tag])
    widths = "HHQQ" if entry.wide else "HHII"
    if entry.order == ">":
        return put(data, entry.at, struct.pack(f">{widths}", tag, 4, 1, value))
    return put(data, entry.at, struct.pack(f"<{widths}", tag, rng.choice((3, 4)), 1, value))


def junk_block(rng: Random) -> bytes:
    """An EXIF block with tags that mean something and values that do not."""
    wanted = (0x0112, 0x0132, 0x9003, 0x9004, 0x9011, 1, 2, 3, 4, 7, 9, 0x12, 0x1D, 0x1F, 0x927C)
    many = rng.choice((None, None, 0, 1000, 0x0FFF_FFFF, 0xFFFF_FFFF))
    tags = [
        Tag(
            number,
            rng.choice((1, 2, 3, 4, 5, 7, 9, 10, 12, 99)),
            rng.randbytes(rng.choice((0, 2, 4, 8, 24, 4000))),
            many,
        )
        for number in rng.sample(wanted, 8)
    ]
    return block(image=tags[:3], exif=tags[3:5], gps=tags[5:], order=rng.choice("<>"))


def junk_packet(rng: Random) -> bytes:
    """An XMP packet that is hostile, broken or only odd."""
    deep = "<a>" * rng.choice((10, 900, 20_000))
    digits = "9" * rng.choice((10, 400, 5000))
    return rng.choice(
        (
            deep.encode(),
            b"<!DOCTYPE x [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;&a;&a;'>]><x>&b;</x>",
            packet(f'exif:GPSLatitude="{digits}N" exif:GPSLongitude="1,1E"'),
            packet(f'exif:GPSLatitude="1e{digits}" exif:GPSLongitude="nan"'),
            packet(f'exif:DateTimeOriginal="{digits}-01-01T00:00:00" exif:GPSHPositioningError="1/0"'),
            packet(elements="<exif:GPSLatitude><rdf:Seq>" + deep),
            packet()[: rng.randrange(600)],
            packet().decode().encode(rng.choice(("utf-16", "utf-32", "utf-8-sig"))),
            rng.randbytes(500),
        )
    )


def new_block(rng: Random, data: bytes) -> bytes:
    """The file with junk for metadata: EXIF, XMP or both."""
    exif = junk_block(rng) if rng.random() < 0.6 else None
    xmp = junk_packet(rng) if exif is None or rng.random() < 0.3 else None
    if data.startswith(b"\xff\xd8"):
        parts = [b"" if exif is None else segment(b"Exif\0\0" + exif[:65_000])]
        parts.append(b"" if xmp is None else segment(b"http://ns.adobe.com/xap/1.0/\0" + xmp[:65_000]))
        return data[:2] + b"".join(parts) + data[2:]
    if data.startswith(b"\x89PNG"):
        at = data.find(PNG_PIXELS) - 4
        added = b"" if exif is None else chunk(b"eXIf", exif)
        return data[:at] + added + (b"" if xmp is None else international_text(xmp)) + data[at:]
    if data.startswith(b"RIFF"):
        return data + b"".join(_riff(name, body) for name, body in ((b"EXIF", exif), (b"XMP ", xmp)) if body)
    at = data.find(b"<rdf:RDF")
    return put(data, max(at, 0), xmp or exif or b"")


def _riff(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def xmp_bytes(rng: Random, data: bytes) -> bytes:
    """A few bytes of the XMP packet changed in their place."""
    at = data.find(b"<rdf:Description")
    if at < 0:
        return new_block(rng, data)
    new = rng.choice((b"&x;", b"<", b"]]>", b"\0\0", b"\xff\xfe", b"<!--", b'"', b"&#0;", b"<![CDATA["))
    return put(data, at + rng.randrange(500), new)


def with_checksums(data: bytes) -> bytes:
    """A PNG file whose chunks have right checksums again; any other file as it is."""
    if not data.startswith(b"\x89PNG"):
        return data
    return data[:PNG_START] + b"".join(png_chunk(name, body) for name, body in png_chunks(data))


METADATA: tuple[Callable[[Random, bytes], bytes], ...] = (directory_entry, directory_loop, new_block, xmp_bytes)
"""The mutations of metadata, for any container."""

TIFF: tuple[Callable[[Random, bytes], bytes], ...] = (picture_tag, picture_tag, directory_entry, directory_loop)
"""The mutations of a TIFF file."""
