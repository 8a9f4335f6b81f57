"""XMP packets: the few properties that say where and when a photo was taken, read without trusting the XML."""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from xml.parsers import expat

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
EXIF = "http://ns.adobe.com/exif/1.0/"
EXIF_EX = "http://cipa.jp/exif/1.0/"
PHOTOSHOP = "http://ns.adobe.com/photoshop/1.0/"
XMP = "http://ns.adobe.com/xap/1.0/"

POSITION_NAMES = (
    "GPSLatitude",
    "GPSLatitudeRef",
    "GPSLongitude",
    "GPSLongitudeRef",
    "GPSHPositioningError",
    "GPSMapDatum",
    "GPSStatus",
)
DATE_NAMES = (f"{EXIF} DateTimeOriginal", f"{PHOTOSHOP} DateCreated", f"{XMP} CreateDate")
"""The capture date first, then what the Metadata Working Group's guidelines (2.0) read as such."""

WANTED = frozenset([f"{EXIF} {name}" for name in POSITION_NAMES] + [f"{EXIF_EX} GPSHPositioningError", *DATE_NAMES])

MAX_BYTES = 4 << 20
MAX_DEPTH = 64
MAX_ATTRIBUTES = 100_000
MAX_ELEMENTS = 50_000
"""The most elaborate edits take some thousands; at 50,000 elements parsing takes about 0.1 s."""

MAX_VALUE = 256
"""Longer values are neither a position nor a date."""

Fault = Literal["broken", "refused"]
_DESCRIPTION_DEPTH = 2
_PROPERTY_DEPTH = 3


class _Refused(Exception):
    """The packet does what a packet has no reason to do."""


class _Enough(Exception):
    """The packet has more elements than any photo needs."""


@dataclass(frozen=True, slots=True)
class XmpProperties:
    """The position's properties by local name, the dates as written in order of trust, and what was wrong."""

    position: Mapping[str, str] = field(default_factory=dict)
    dates: tuple[str, ...] = ()
    fault: Fault | None = None


def read_xmp(packet: bytes) -> XmpProperties:
    """Read the simple properties of every top-level rdf:Description, as attributes or as elements.

    Prefixes do not matter, namespaces do; the first value of a property counts. Document types (and with them
    entities), packets over 4 MB, nesting over 64 and over 100,000 attributes (counted by their equals signs) are
    refused. What stands before a well-formedness error, or in the first 50,000 elements, is kept.
    """
    if len(packet) > MAX_BYTES or packet.count(b"=") > MAX_ATTRIBUTES:
        return XmpProperties(fault="refused")
    collector = _Collector()
    fault: Fault | None = None
    try:
        _parser(collector).Parse(_decoded(packet).encode("utf-8", "replace"), True)
    except _Refused:
        return XmpProperties(fault="refused")
    except (_Enough, expat.ExpatError):
        fault = "broken"
    return _sorted_out(collector.values, fault)


def _sorted_out(values: Mapping[str, str], fault: Fault | None) -> XmpProperties:
    position = {name: values[f"{EXIF} {name}"] for name in POSITION_NAMES if f"{EXIF} {name}" in values}
    newer = values.get(f"{EXIF_EX} GPSHPositioningError")
    if newer is not None:
        position.setdefault("GPSHPositioningError", newer)
    return XmpProperties(position, tuple(values[name] for name in DATE_NAMES if name in values), fault)


def _decoded(packet: bytes) -> str:
    """The packet as text, whatever it declares: UTF-16 by its mark or its NULs, else UTF-8.

    All that is wanted of it is ASCII, so bytes that do not decode may be replaced. Padding goes.
    """
    head = packet[:64].lstrip(b" \t\r\n")
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        text = packet.decode("utf-16", "replace")
    elif head.startswith((b"<\0", b" \0", b"\n\0")):
        text = packet.decode("utf-16-le", "replace")
    elif head.startswith((b"\0<", b"\0 ", b"\0\n")):
        text = packet.decode("utf-16-be", "replace")
    else:
        text = packet.decode("utf-8-sig", "replace")
    return text.strip("\ufeff\0 \t\r\n")


def _parser(collector: _Collector) -> expat.XMLParserType:
    parser = expat.ParserCreate("utf-8", " ")
    parser.buffer_text = True
    parser.StartElementHandler = collector.start
    parser.EndElementHandler = collector.end
    parser.CharacterDataHandler = collector.text
    parser.StartDoctypeDeclHandler = _refuse
    parser.EntityDeclHandler = _refuse
    return parser


def _refuse(*_: object) -> None:
    raise _Refused


class _Collector:
    """Follows the nesting and keeps the wanted properties."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        self._elements = 0
        self._open: list[str] = []
        self._property: list[str] = []

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Open an element; the attributes of a top-level rdf:Description are properties."""
        self._elements += 1
        if self._elements > MAX_ELEMENTS:
            raise _Enough
        self._open.append(name)
        if len(self._open) > MAX_DEPTH:
            raise _Refused
        self._property = []
        if self._in_description(_DESCRIPTION_DEPTH):
            for key, value in attributes.items():
                self._keep(key, value)

    def end(self, name: str) -> None:
        """Close an element; a property's text is its value."""
        if name in WANTED and self._in_description(_PROPERTY_DEPTH):
            self._keep(name, "".join(self._property))
        self._open.pop()
        self._property = []

    def text(self, data: str) -> None:
        """Gather character data."""
        self._property.append(data)

    def _in_description(self, depth: int) -> bool:
        """Whether the open element is `depth` deep in rdf:RDF (2: a description; 3: its property)."""
        path = self._open[-depth:]
        return path[:2] == [f"{RDF} RDF", f"{RDF} Description"] and f"{RDF} RDF" not in self._open[:-depth]

    def _keep(self, name: str, value: str) -> None:
        value = value.strip()
        if name in WANTED and 0 < len(value) <= MAX_VALUE:
            self.values.setdefault(name, value)
