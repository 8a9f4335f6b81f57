"""Mutations that know the containers: chunks, sizes, dimensions. Checksums are set right, to be let past the door."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from functools import cache
from random import Random

from byte_mutations import number, put

SIDES = (0, 1, 2, 7, 255, 4096, 14_000, 16_383, 16_384, 20_000, 32_767, 40_000, 65_535)
PNG_START = 8
JPEG_DATA = 0xDA
FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
"""JPEG markers that start a frame, with the size in it."""

MAX_SCAN_BYTES = 3_000_000
"""So that a mutated photo stays a file that people would send."""

Parts = list[bytes]


def shuffle_parts(rng: Random, parts: Parts) -> Parts:
    """One part removed, doubled many times, moved, or with a byte changed."""
    if not parts:
        return parts
    at = rng.randrange(len(parts))
    kind = rng.randrange(4)
    if kind == 0:
        return parts[:at] + parts[at + 1 :]
    if kind == 1:
        return parts[: at + 1] + [parts[at]] * rng.choice((1, 2, 100)) + parts[at + 1 :]
    if kind == 2:
        other = rng.randrange(len(parts))
        parts[at], parts[other] = parts[other], parts[at]
        return parts
    where = rng.randrange(max(len(parts[at]), 1))
    parts[at] = put(parts[at], where, bytes([rng.randrange(256)]))
    return parts


def png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The chunks of a PNG file as far as they go: name and body."""
    at = PNG_START
    while at + 12 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        yield data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        at += 12 + length


def png_chunk(name: bytes, body: bytes, length: int | None = None) -> bytes:
    """A PNG chunk with a right checksum and, if need be, a wrong length."""
    size = len(body) if length is None else length
    return struct.pack(">I", size) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png_parts(rng: Random, data: bytes) -> bytes:
    parts = [png_chunk(name, body) for name, body in png_chunks(data)]
    return data[:PNG_START] + b"".join(shuffle_parts(rng, parts))


def png_bodies(rng: Random, data: bytes) -> bytes:
    """One chunk's body or length changed, under a right checksum."""
    chunks = list(png_chunks(data))
    hit = rng.randrange(max(len(chunks), 1))
    parts = [data[:PNG_START]]
    for at, (name, old) in enumerate(chunks):
        body, length = old, None
        if at == hit and rng.random() < 0.3:
            length = int.from_bytes(number(rng, ">", "I"), "big")
        elif at == hit and old:
            body = put(old, rng.randrange(len(old)), rng.randbytes(rng.choice((1, 2, 4))))
        parts.append(png_chunk(name, body, length))
    return b"".join(parts)


def png_head(rng: Random, data: bytes) -> bytes:
    """Another size, depth, colour type or interlacing."""
    chunks = [(name, body) for name, body in png_chunks(data) if name != b"IHDR"]
    width, height = (rng.choice(SIDES) for _ in "wh")
    depth, colour, interlaced = rng.choice((1, 2, 4, 8, 16)), rng.choice((0, 2, 3, 4, 6)), rng.choice((0, 0, 1))
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced)
    return data[:PNG_START] + b"".join(png_chunk(*chunk) for chunk in [(b"IHDR", head), *chunks])


def png_text(rng: Random, data: bytes) -> bytes:
    """A text chunk that unpacks to far more than it holds."""
    packed = _zeros(rng.choice((100, 2_000_000, 90_000_000)))
    kind = rng.choice((b"zTXtXML:com.adobe.xmp\0\0", b"zTXtRaw profile type exif\0\0", b"iCCPx\0\0"))
    added = png_chunk(kind[:4], kind[4:] + packed) * rng.choice((1, 3))
    at = PNG_START + 25
    return data[:at] + added + data[at:]


@cache
def _zeros(size: int) -> bytes:
    return zlib.compress(bytes(size), 9)


def riff_chunks(data: bytes) -> Parts:
    """The chunks of a WebP file, heads and padding included."""
    parts, at = [], 12
    while at + 8 <= len(data):
        length = int.from_bytes(data[at + 4 : at + 8], "little")
        end = at + 8 + length + length % 2
        parts.append(data[at:end])
        at = end
    return parts


def riff_parts(rng: Random, data: bytes) -> bytes:
    body = b"WEBP" + b"".join(shuffle_parts(rng, riff_chunks(data)))
    return b"RIFF" + struct.pack("<I", len(body)) + body


def riff_sizes(rng: Random, data: bytes) -> bytes:
    """The size of the file or of one chunk changed."""
    places, at = [4], 12
    for part in riff_chunks(data):
        places.append(at + 4)
        at += len(part)
    return put(data, rng.choice(places), number(rng, "<", "I"))


def riff_canvas(rng: Random, data: bytes) -> bytes:
    """Another canvas, frame or flags: of VP8X, VP8, VP8L or ANMF, whichever the file has."""
    offsets = {b"VP8X": (8, 12, 15), b"VP8 ": (14, 16), b"VP8L": (9,), b"ANMF": (8, 11, 14, 17, 23)}
    places = [at + off for name, offs in offsets.items() if (at := data.find(name)) > 0 for off in offs]
    size = struct.pack("<I", rng.choice(SIDES))[: rng.choice((2, 3))]
    return put(data, rng.choice(places), size) if places else riff_sizes(rng, data)


def jpeg_segments(data: bytes) -> Parts:
    """The segments of a JPEG file, the pixels with the last."""
    parts, at = [], 2
    while at + 4 <= len(data) and data[at] == 0xFF and data[at + 1] != JPEG_DATA:
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        parts.append(data[at:end])
        at = end
    return [*parts, data[at:]]


def jpeg_parts(rng: Random, data: bytes) -> bytes:
    return data[:2] + b"".join(shuffle_parts(rng, jpeg_segments(data)))


def jpeg_size(rng: Random, data: bytes) -> bytes:
    """Another size, precision, number of components or kind of frame."""
    parts = jpeg_segments(data)
    for at, part in enumerate(parts):
        if len(part) > 9 and part[1] in FRAMES:
            changed = put(part, 5, struct.pack(">HH", rng.choice(SIDES), rng.choice(SIDES)))
            if rng.random() < 0.4:
                changed = put(changed, rng.choice((1, 4, 9, 11, 14)), bytes([rng.choice((0, 0xC1, 0xC2, 0xC9, 0x44))]))
            parts[at] = changed
    return data[:2] + b"".join(parts)


def jpeg_tables(rng: Random, data: bytes) -> bytes:
    """Quantisation or Huffman tables of zeros or junk, or another restart interval."""
    parts = jpeg_segments(data)
    tables = [at for at, part in enumerate(parts) if part[1:2] in {b"\xdb", b"\xc4", b"\xdd", b"\xda"}]
    at = rng.choice(tables or [0])
    start = rng.randrange(4, max(len(parts[at]), 5))
    length = rng.choice((1, 8, 64))
    parts[at] = put(parts[at], start, rng.choice((bytes(length), rng.randbytes(length), b"\xff" * length)))
    return data[:2] + b"".join(parts)


def jpeg_scans(rng: Random, data: bytes) -> bytes:
    """The scans of the picture again and again, under a larger size: cheap to write, dear to decode."""
    parts = jpeg_segments(data)
    side = rng.choice((320, 2_000, 14_000, 65_000))
    for at, part in enumerate(parts):
        if len(part) > 9 and part[1] in FRAMES:
            parts[at] = put(part, 5, struct.pack(">HH", side, side))
    pixels = parts[-1][: rng.choice((30, 200, 2_000, len(parts[-1])))].removesuffix(b"\xff\xd9")
    scans = (pixels * rng.choice((2, 50, 1_000)))[:MAX_SCAN_BYTES]
    return data[:2] + b"".join(parts[:-1]) + scans + b"\xff\xd9"


def boxes(data: bytes) -> list[int]:
    """Where boxes of an ISO file seem to start, at any depth."""
    names = (b"ftyp", b"meta", b"hdlr", b"pitm", b"iloc", b"iinf", b"infe", b"iprp", b"ipco", b"ispe", b"pixi")
    more = (b"av1C", b"colr", b"ipma", b"mdat", b"irot", b"imir", b"moov", b"trak", b"stsz", b"auxC", b"iref", b"idat")
    return [at - 4 for name in (*names, *more) if (at := data.find(name)) >= 4]


def box_sizes(rng: Random, data: bytes) -> bytes:
    return put(data, rng.choice(boxes(data) or [0]), number(rng, ">", "I"))


def box_bodies(rng: Random, data: bytes) -> bytes:
    """A number in a box changed: dimensions, offsets, item counts, versions."""
    at = rng.choice(boxes(data) or [0]) + 8 + rng.randrange(24)
    return put(data, at, number(rng, ">", rng.choice("HI")))


def box_parts(rng: Random, data: bytes) -> bytes:
    """A box removed or doubled, whatever that does to those around it."""
    at = rng.choice(boxes(data) or [0])
    end = at + max(8, int.from_bytes(data[at : at + 4], "big"))
    return data[:at] + data[at:end] * rng.choice((0, 2, 20)) + data[end:]


def box_picture(rng: Random, data: bytes) -> bytes:
    """Another size of the picture, as its properties have it."""
    at = data.find(b"ispe") + 8
    return put(data, at, struct.pack(">II", rng.choice(SIDES), rng.choice(SIDES)))


def gif_numbers(rng: Random, data: bytes) -> bytes:
    """Another screen, frame, palette or code size."""
    frame = data.find(b"\x2c", 13 + 768)
    places = [6, 8, 10, *(frame + step for step in (1, 3, 5, 7, 9, 10))]
    return put(data, rng.choice(places), rng.choice((bytes([rng.randrange(256)]), number(rng, "<", "H"))))


def bmp_numbers(rng: Random, data: bytes) -> bytes:
    """Another size, depth, compression, offset or number of colours."""
    return put(data, rng.choice((2, 10, 14, 18, 22, 26, 28, 30, 34, 46)), number(rng, "<", rng.choice("HI")))


BY_CONTAINER: dict[str, tuple[Callable[[Random, bytes], bytes], ...]] = {
    "JPEG": (jpeg_parts, jpeg_size, jpeg_tables, jpeg_scans),
    "PNG": (png_parts, png_bodies, png_head, png_text),
    "WEBP": (riff_parts, riff_sizes, riff_canvas),
    "AVIF": (box_sizes, box_bodies, box_parts, box_picture),
    "HEIF": (box_sizes, box_bodies, box_parts),
    "GIF": (gif_numbers,),
    "BMP": (bmp_numbers,),
}
"""The mutations of each container but TIFF, whose structure it shares with EXIF."""
