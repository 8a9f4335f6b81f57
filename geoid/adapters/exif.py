"""EXIF blocks, read with exifread and kept from keeping us busy."""

from __future__ import annotations

import io
import logging
from collections.abc import Mapping
from typing import NamedTuple

from exifread.core.exif_header import ExifHeader
from exifread.core.ifd_tag import IfdTag
from exifread.tags import SubIfdTagDictValue
from exifread.tags.fields import FieldType

from geoid.core.exif import Field

MAX_READS = 5_000
"""Reads that a block may cost: real ones took up to 125, and 5,000 take about 20 ms. Counts, unlike time,
are the same on every machine."""

MAX_READ = 1 << 20
"""Bytes that one read may return; exifread believes any length it finds."""

MAX_TOTAL = 8 << 20
"""Bytes that all reads of a block may return."""

_ENDIANS = {b"II*\0": "I", b"MM\0*": "M"}
_FIRST_DIRECTORY = 4
_POINTERS = ("ExifOffset", "GPSInfo")
_WANTED: dict[str, dict[int, str]] = {
    "Image": {0x0132: "DateTime", 0x8769: "ExifOffset", 0x8825: "GPSInfo"},
    "EXIF": {
        0x9003: "DateTimeOriginal",
        0x9004: "DateTimeDigitized",
        0x9010: "OffsetTime",
        0x9011: "OffsetTimeOriginal",
        0x9012: "OffsetTimeDigitized",
    },
    "GPS": {
        0x01: "GPSLatitudeRef",
        0x02: "GPSLatitude",
        0x03: "GPSLongitudeRef",
        0x04: "GPSLongitude",
        0x07: "GPSTimeStamp",
        0x09: "GPSStatus",
        0x12: "GPSMapDatum",
        0x1D: "GPSDateStamp",
        0x1F: "GPSHPositioningError",
    },
}
"""The tags that are read, by exifread's name of their directory (Exif 2.32, tables 3 to 16)."""

# exifread warns of junk in every second photo; here junk becomes a problem with a name.
logging.getLogger("exifread").setLevel(logging.CRITICAL + 1)


class _Spent(Exception):
    """The block asks for more reads than any photo needs."""


class _Metered(io.BytesIO):
    """A block in memory that counts how often and how much it is read."""

    reads = 0
    total = 0

    def read(self, size: int | None = -1, /) -> bytes:
        """Read as ever, up to the limits; raises `_Spent` beyond them."""
        data = super().read(MAX_READ if size is None or size < 0 else min(size, MAX_READ))
        self.reads += 1
        self.total += len(data)
        if self.reads > MAX_READS or self.total > MAX_TOTAL:
            raise _Spent
        return data


class _Header(ExifHeader):
    """exifread's reader for the wanted tags only, where one bad tag does not take the others with it."""

    broken = False

    def _process_tag(  # noqa: PLR0913, PLR0917 - exifread's signature
        self,
        ifd: int,
        ifd_name: str,
        tag_entry: SubIfdTagDictValue,
        entry: int,
        tag: int,
        tag_name: str,
        relative: bool,
        stop_tag: str,
    ) -> None:
        if tag not in _WANTED[ifd_name]:
            return
        try:
            super()._process_tag(ifd, ifd_name, tag_entry, entry, tag, tag_name, relative, stop_tag)
        except _Spent:
            raise
        except Exception:  # noqa: BLE001 - on junk exifread raises whatever its arithmetic comes to
            self.broken = True


class ExifFields(NamedTuple):
    """The fields of a block by their EXIF names, and whether some of it could not be read.

    A GPS directory without any field leaves `GPSInfo` behind.
    """

    fields: Mapping[str, Field]
    broken: bool = False


def read_exif(block: bytes) -> ExifFields:
    """Read the dates and the GPS fields of a raw EXIF block; what stands before a fault is kept.

    Never raises. The other directories (thumbnail, further pages of a TIFF file, maker notes) are not visited.
    """
    endian = _ENDIANS.get(block[:4])
    if endian is None:
        return ExifFields({}, broken=True)
    header = _Header(_Metered(block), endian, 0, fake_exif=0, strict=False, detailed=False)
    try:
        header.dump_ifd(header.s2n(_FIRST_DIRECTORY, 4), "Image")
        exif = header.tags.get("Image ExifOffset")
        if exif is not None:
            header.dump_ifd(exif.values[0], "EXIF")
    except Exception:  # noqa: BLE001 - as above; and _Spent ends here
        header.broken = True
    return _named(header, len(block))


def _named(header: _Header, size: int) -> ExifFields:
    """The fields that were read, by their EXIF names; rationals that stand outside the block are damage."""
    fields: dict[str, Field] = {}
    broken = header.broken
    for key, tag in header.tags.items():
        name = _WANTED[key.partition(" ")[0]][tag.tag]
        field = _field(tag)
        if isinstance(field, tuple) and tag.field_offset + tag.field_length > size:
            broken, field = True, None
        if name in _POINTERS:
            broken = broken or not _points_inside(tag, size)
        if name != "ExifOffset":
            fields[name] = field
    return ExifFields(fields, broken)


def _points_inside(tag: IfdTag, size: int) -> bool:
    values = tag.values
    return isinstance(values, list) and len(values) == 1 and isinstance(values[0], int) and 0 < values[0] < size


def _field(tag: IfdTag) -> Field:
    """Text, rationals, or None for other types; text in bytes is text."""
    values = tag.values
    if isinstance(values, bytes):
        return values.decode("latin-1")
    if isinstance(values, str):
        return values
    if tag.field_type in (FieldType.RATIO, FieldType.SIGNED_RATIO):
        return tuple((ratio.num, ratio.den) for ratio in values)
    if tag.field_type in (FieldType.BYTE, FieldType.UNDEFINED):
        return bytes(values).decode("latin-1")
    return None
