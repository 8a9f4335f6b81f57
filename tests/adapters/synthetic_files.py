"""Photos made in code: a TIFF structure writer that can express junk, and containers to put it in.

Nothing here uses geoid: what reads the files must not also write them.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from PIL import Image

BYTE, ASCII, SHORT, LONG, RATIONAL, UNDEFINED, SRATIONAL, DOUBLE = 1, 2, 3, 4, 5, 7, 10, 12
SIZES = {BYTE: 1, ASCII: 1, SHORT: 2, LONG: 4, RATIONAL: 8, UNDEFINED: 1, SRATIONAL: 8, DOUBLE: 8}
SIDE = 16
"""Width and height of every photo here, in pixels."""


@dataclass(frozen=True, slots=True)
class Tag:
    """A directory entry; `values` are numbers, flattened for rationals, or the bytes themselves."""

    number: int
    kind: int
    values: tuple[float, ...] | bytes
    count: int | None = None

    def packed(self, order: str) -> tuple[bytes, int]:
        """The value's bytes and the count to write beside them."""
        if isinstance(self.values, bytes):
            data = self.values
        else:
            letter = {SHORT: "H", LONG: "I", RATIONAL: "I", SRATIONAL: "i", DOUBLE: "d"}[self.kind]
            data = struct.pack(f"{order}{len(self.values)}{letter}", *self.values)
        return data, len(data) // SIZES.get(self.kind, 1) if self.count is None else self.count


def text(number: int, value: str | bytes) -> Tag:
    """An ASCII tag, ended by a NUL as EXIF wants it."""
    return Tag(number, ASCII, (value.encode() if isinstance(value, str) else value) + b"\0")


def rationals(number: int, *pairs: tuple[int, int], kind: int = RATIONAL) -> Tag:
    """A tag of rationals."""
    return Tag(number, kind, tuple(part for pair in pairs for part in pair))


def directory(tags: Sequence[Tag], order: str, start: int) -> bytes:
    """A directory that stands at `start`, with its values behind it and no next directory."""
    entries = b""
    values = b""
    values_start = start + 2 + 12 * len(tags) + 4
    for tag in tags:
        data, count = tag.packed(order)
        if len(data) > 4:
            where = values_start + len(values)
            values += data + b"\0" * (len(data) % 2)
            data = struct.pack(f"{order}I", where)
        entries += struct.pack(f"{order}HHI", tag.number, tag.kind, count) + data.ljust(4, b"\0")
    return struct.pack(f"{order}H", len(tags)) + entries + b"\0\0\0\0" + values


def block(
    *,
    image: Sequence[Tag] = (),
    exif: Sequence[Tag] | None = None,
    gps: Sequence[Tag] | None = None,
    order: str = "<",
    pixels: bytes = b"",
) -> bytes:
    """An EXIF block: header, pixels (of a TIFF file), first directory, then the EXIF and GPS directories."""
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", 8 + len(pixels)) + pixels
    pointers = [number for number, tags in ((0x8769, exif), (0x8825, gps)) if tags is not None]
    blank = [*image, *(Tag(number, LONG, (0,)) for number in pointers)]
    at = len(head) + len(directory(blank, order, len(head)))
    rest = b""
    targets = []
    for tags in (exif, gps):
        if tags is not None:
            targets.append(at + len(rest))
            rest += directory(tags, order, at + len(rest))
    first = [*image, *(Tag(number, LONG, (target,)) for number, target in zip(pointers, targets, strict=True))]
    return head + directory(sorted(first, key=lambda tag: tag.number), order, len(head)) + rest


@cache
def plain(kind: str) -> bytes:
    """A small photo without metadata."""
    file = io.BytesIO()
    Image.new("RGB", (SIDE, SIDE), (90, 120, 60)).save(file, kind)
    return file.getvalue()


def segment(payload: bytes, marker: int = 0xE1) -> bytes:
    """A JPEG segment."""
    return bytes([0xFF, marker]) + struct.pack(">H", len(payload) + 2) + payload


def jpeg(exif: bytes | None = None, xmp: bytes | None = None, *, before: bytes = b"") -> bytes:
    """A JPEG file; `before` stands between its start and its metadata."""
    parts = [before]
    if exif is not None:
        parts.append(segment(b"Exif\0\0" + exif))
    if xmp is not None:
        parts.append(segment(b"http://ns.adobe.com/xap/1.0/\0" + xmp))
    return plain("JPEG")[:2] + b"".join(parts) + plain("JPEG")[2:]


def chunk(name: bytes, body: bytes) -> bytes:
    """A PNG chunk."""
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(*chunks: bytes, behind_pixels: bool = False) -> bytes:
    """A PNG file with more chunks, before or behind its pixels."""
    data = plain("PNG")
    at = data.index(b"IEND") - 4 if behind_pixels else data.index(b"IDAT") - 4
    return data[:at] + b"".join(chunks) + data[at:]


def international_text(packet: bytes, *, compressed: bool = False) -> bytes:
    """An iTXt chunk with an XMP packet."""
    body = zlib.compress(packet) if compressed else packet
    return chunk(b"iTXt", b"XML:com.adobe.xmp\0" + bytes([compressed, 0]) + b"\0\0" + body)


def raw_profile(name: str, profile: bytes) -> bytes:
    """A zTXt chunk with a profile in hexadecimal, as ImageMagick writes it."""
    digits = profile.hex()
    lines = "\n".join(digits[at : at + 72] for at in range(0, len(digits), 72))
    written = f"\n{name}\n{len(profile):8}\n{lines}\n".encode()
    return chunk(b"zTXt", f"Raw profile type {name}".encode() + b"\0\0" + zlib.compress(written))


def webp(exif: bytes | None = None, xmp: bytes | None = None) -> bytes:
    """A WebP file."""
    file = io.BytesIO()
    Image.new("RGB", (SIDE, SIDE)).save(file, "WEBP", exif=exif or b"", xmp=xmp or b"")
    return file.getvalue()


def tiff(
    *,
    image: Sequence[Tag] = (),
    exif: Sequence[Tag] | None = None,
    gps: Sequence[Tag] | None = None,
    xmp: bytes | None = None,
    order: str = "<",
) -> bytes:
    """A TIFF file of grey pixels whose directory stands behind them, as libtiff writes it."""
    pixels = bytes(SIDE * SIDE)
    tags = [
        Tag(256, SHORT, (SIDE,)),
        Tag(257, SHORT, (SIDE,)),
        Tag(258, SHORT, (8,)),
        Tag(259, SHORT, (1,)),
        Tag(262, SHORT, (1,)),
        Tag(273, LONG, (8,)),
        Tag(277, SHORT, (1,)),
        Tag(278, SHORT, (SIDE,)),
        Tag(279, LONG, (len(pixels),)),
        *image,
    ]
    if xmp is not None:
        tags.append(Tag(700, BYTE, xmp))
    return block(image=tags, exif=exif, gps=gps, order=order, pixels=pixels)


@cache
def avif(exif: bytes | None = None, xmp: bytes | None = None) -> bytes:
    """An AVIF file, written by libavif."""
    file = io.BytesIO()
    Image.new("RGB", (SIDE, SIDE)).save(file, "AVIF", speed=10, exif=exif or b"", xmp=xmp or b"")
    return file.getvalue()


def box(name: bytes, body: bytes, *, full: int | None = None) -> bytes:
    """An ISO box; `full` is the version of one that has a version and flags."""
    body = body if full is None else struct.pack(">I", full << 24) + body
    return struct.pack(">I", len(body) + 8) + name + body


def heic(exif: bytes | None = None, xmp: bytes | None = None, *, in_idat: bool = False, prefix: int = 6) -> bytes:
    """The boxes of a HEIC file, without a picture: no encoder of HEVC comes under a licence that the tests could take.

    `prefix` is what the item says stands before the TIFF structure.
    """
    items = []
    if exif is not None:
        items.append((b"Exif\0", struct.pack(">I", prefix) + b"Exif\0\0" + exif))
    if xmp is not None:
        items.append((b"mime\0application/rdf+xml\0", xmp))
    kinds = [
        box(b"infe", struct.pack(">HH", number, 0) + kind[:4] + b"\0" + kind[5:], full=2)
        for number, (kind, _) in enumerate(items, 1)
    ]
    iinf = box(b"iinf", struct.pack(">H", len(items)) + b"".join(kinds), full=0)
    head = box(b"ftyp", b"heic\0\0\0\0mif1heic")
    held = b"".join(body for _, body in items)

    def meta(start: int) -> bytes:
        places = b""
        at = start
        for number, (_, body) in enumerate(items, 1):
            places += struct.pack(">HHHHII", number, int(in_idat), 0, 1, at, len(body))
            at += len(body)
        iloc = box(b"iloc", struct.pack(">HH", 0x4400, len(items)) + places, full=1)
        return box(b"meta", iinf + iloc + (box(b"idat", held) if in_idat else b""), full=0)

    start = 0 if in_idat else len(head) + len(meta(0)) + 8
    return head + meta(start) + (b"" if in_idat else box(b"mdat", held))


def packet(attributes: str = "", elements: str = "", *, wrapped: bool = True) -> bytes:
    """An XMP packet of one rdf:Description."""
    rdf = (
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about="" xmlns:exif="http://ns.adobe.com/exif/1.0/"'
        ' xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"'
        f" {attributes}>{elements}</rdf:Description></rdf:RDF>"
    )
    if not wrapped:
        return rdf.encode()
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        f'<x:xmpmeta xmlns:x="adobe:ns:meta/">{rdf}</x:xmpmeta>{" " * 200}<?xpacket end="w"?>'
    ).encode()
