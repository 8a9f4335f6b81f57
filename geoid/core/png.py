"""Metadata in PNG files: eXIf, XMP in text chunks, and the older "raw profiles" of ImageMagick and its users."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

SIGNATURE = b"\x89PNG\r\n\x1a\n"
MAX_TEXT = 4 << 20
"""A compressed text is inflated no further."""

MAX_CHUNKS = 65_536
"""Chunks that are hopped over: 500 MB of pixels in pieces of 8 kB."""

MAX_FOUND = 16
"""Chunks with metadata that are looked at."""

XMP_KEYWORD = b"XML:com.adobe.xmp"
RAW_EXIF = (b"Raw profile type exif", b"Raw profile type APP1")
RAW_XMP = b"Raw profile type xmp"
_JPEG_EXIF = b"Exif\0\0"
_KEYWORDS = tuple(keyword + b"\0" for keyword in (XMP_KEYWORD, *RAW_EXIF, RAW_XMP))
_TEXT_CHUNKS = (b"iTXt", b"zTXt", b"tEXt")
_RAW_LINES = 3


def metadata(data: bytes) -> tuple[bytes | None, bytes | None]:
    """The EXIF block and the XMP packet of a PNG file, also from behind its pixels; eXIf comes before raw profiles."""
    exif = raw_exif = xmp = None
    for name, body in _chunks(data):
        if name == b"eXIf":
            exif = exif or body
        else:
            keyword, text = _text(name, body)
            if keyword == XMP_KEYWORD:
                xmp = xmp or text
            elif keyword in RAW_EXIF:
                raw_exif = raw_exif or _raw_exif(text)
            elif keyword == RAW_XMP:
                xmp = xmp or _raw_profile(text)
    return exif or raw_exif, xmp


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Names and bodies of the chunks that hold metadata; the others are hopped over, not copied."""
    at = len(SIGNATURE)
    found = 0
    for _ in range(MAX_CHUNKS):
        if at + 8 > len(data) or found >= MAX_FOUND:
            return
        size, name = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        if name == b"eXIf" or (name in _TEXT_CHUNKS and data.startswith(_KEYWORDS, at + 8)):
            found += 1
            yield name, data[at + 8 : at + 8 + size]
        at += 12 + size


def _text(name: bytes, body: bytes) -> tuple[bytes, bytes]:
    """The keyword and the text of a text chunk."""
    keyword, _, rest = body.partition(b"\0")
    if name == b"tEXt":
        return keyword, rest
    if name == b"zTXt":
        return keyword, _inflated(rest[1:])
    compressed, packed = rest[:1] == b"\1", rest[2:].split(b"\0", 2)[-1]
    return keyword, _inflated(packed) if compressed else packed


def _inflated(packed: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(packed, MAX_TEXT)
    except zlib.error:
        return b""


def _raw_exif(text: bytes) -> bytes | None:
    """The EXIF block of a raw profile; an APP1 profile may hold XMP instead, which is not looked for here."""
    profile = _raw_profile(text)
    return profile if profile.startswith((_JPEG_EXIF, b"II*\0", b"MM\0*")) else None


def _raw_profile(text: bytes) -> bytes:
    """Bytes written as hexadecimal below a line with the profile's name and one with its length."""
    lines = text.split(b"\n", _RAW_LINES)
    try:
        return bytes.fromhex(lines[_RAW_LINES].decode("ascii")) if len(lines) > _RAW_LINES else b""
    except ValueError:
        return b""
