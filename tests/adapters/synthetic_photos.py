"""The synthetic suite: named photos, each with what must be read from it and which problems must be named.

The cases come from the bug lists of the peers, from the EXIF and XMP specifications, and from what cameras write.
"""

from __future__ import annotations

import datetime
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from dataclasses import replace as changed

from synthetic_files import (
    BYTE,
    DOUBLE,
    LONG,
    SHORT,
    SRATIONAL,
    UNDEFINED,
    Tag,
    avif,
    block,
    chunk,
    heic,
    international_text,
    jpeg,
    packet,
    png,
    rationals,
    raw_profile,
    segment,
    text,
    tiff,
    webp,
)

NOW = datetime.datetime(2026, 6, 1, 12, tzinfo=datetime.UTC)
"""The suite's own present, against which dates are believed or not."""

DAY = datetime.date(2019, 5, 1)
HERE = (51.507333, -0.12775)
LATITUDE, LONGITUDE = rationals(2, (51, 1), (30, 1), (264, 10)), rationals(4, (0, 1), (7, 1), (399, 10))
NORTH, SOUTH, EAST, WEST = text(1, "N"), text(1, "S"), text(3, "E"), text(3, "W")
GPS = [NORTH, LATITUDE, WEST, LONGITUDE]
TAKEN = text(0x9003, "2019:05:01 12:30:00")
HERE_XMP = 'exif:GPSLatitude="51,30.44N" exif:GPSLongitude="0,7.665W"'
TAKEN_XMP = 'exif:DateTimeOriginal="2019-05-01T12:30:00"'
WHOLE = block(exif=[TAKEN], gps=GPS)
WHOLE_BIG = block(exif=[TAKEN], gps=GPS, order=">")
WHOLE_XMP = packet(f"{HERE_XMP} {TAKEN_XMP}")


@dataclass(frozen=True, slots=True)
class Case:
    """A photo, perhaps its sidecar, and what must come out; a position within 1e-5 degrees (about a metre)."""

    name: str
    data: bytes
    location: tuple[float, float] | None = None
    date: datetime.date | None = None
    location_source: str | None = None
    date_source: str | None = None
    problems: tuple[str, ...] = ()
    uncertainty_m: float | None = None
    sidecar: bytes | None = None


def _whole(name: str, data: bytes, source: str = "exif", *problems: str) -> Case:
    """A photo with the usual place and day, both from one source."""
    return Case(name, data, HERE, DAY, source, source, problems)


def _gps(
    name: str, gps: list[Tag], location: tuple[float, float] | None, *problems: str, uncertainty_m: float | None = None
) -> Case:
    """A JPEG whose date is fine, about its GPS directory."""
    source = None if location is None else "exif"
    data = jpeg(block(exif=[TAKEN], gps=gps))
    return Case(name, data, location, DAY, source, "exif", problems, uncertainty_m)


def _date(name: str, exif: list[Tag], date: datetime.date | None, *problems: str, image: tuple[Tag, ...] = ()) -> Case:
    """A JPEG whose position is fine, about its dates."""
    source = None if date is None else "exif"
    return Case(name, jpeg(block(image=image, exif=exif, gps=GPS)), HERE, date, "exif", source, problems)


def _taken(name: str, written: str | bytes, date: datetime.date | None, *problems: str) -> Case:
    """A JPEG with this DateTimeOriginal."""
    return _date(name, [text(0x9003, written)], date, *problems)


def _xmp_place(name: str, attributes: str, location: tuple[float, float] | None, *problems: str) -> Case:
    """A JPEG without EXIF whose XMP has a fine date, about its position."""
    source = None if location is None else "xmp"
    return Case(name, jpeg(xmp=packet(f"{attributes} {TAKEN_XMP}")), location, DAY, source, "xmp", problems)


def _xmp_date(name: str, attributes: str, date: datetime.date | None, *problems: str) -> Case:
    """A JPEG without EXIF whose XMP has a fine position, about its date."""
    source = None if date is None else "xmp"
    return Case(name, jpeg(xmp=packet(f"{HERE_XMP} {attributes}")), HERE, date, "xmp", source, problems)


def _degrees(latitude: tuple[int, int, str], longitude: tuple[int, int, str]) -> list[Tag]:
    """A GPS directory with single rationals."""
    return [
        text(1, latitude[2]),
        rationals(2, latitude[:2]),
        text(3, longitude[2]),
        rationals(4, longitude[:2]),
    ]


def _containers() -> Iterator[Case]:
    yield _whole("jpeg, little endian", jpeg(WHOLE))
    yield _whole("jpeg, big endian", jpeg(WHOLE_BIG))
    yield _whole("jpeg, xmp only", jpeg(xmp=WHOLE_XMP), "xmp")
    yield _whole("jpeg, exif behind other segments", jpeg(WHOLE, before=segment(b"ICC_PROFILE\0" + bytes(900), 0xE2)))
    yield _whole("jpeg, filled with 0xFF before a marker", jpeg(WHOLE, before=b"\xff\xff\xff"))
    elsewhere = block(gps=_degrees((1, 1, "S"), (1, 1, "W")))
    yield _whole("jpeg, the first of two exif blocks", jpeg(elsewhere, before=segment(b"Exif\0\0" + WHOLE)))
    extension = segment(b"http://ns.adobe.com/xmp/extension/\0" + b"0" * 40 + b"<x>not standard xmp</x>")
    yield _whole("jpeg, extended xmp is ignored", jpeg(xmp=WHOLE_XMP, before=extension), "xmp")
    long = block(image=[Tag(0x927C, UNDEFINED, bytes(70_000))], exif=[TAKEN], gps=GPS)
    carried_on = segment(b"Exif\0\0" + long[:65_000])
    yield _whole("jpeg, exif of two segments", jpeg(long[65_000:], before=carried_on))
    yield _whole("png, eXIf", png(chunk(b"eXIf", WHOLE)))
    yield _whole("png, eXIf behind the pixels", png(chunk(b"eXIf", WHOLE_BIG), behind_pixels=True))
    yield _whole("png, eXIf with the prefix of jpeg", png(chunk(b"eXIf", b"Exif\0\0" + WHOLE)))
    yield _whole("png, raw profile exif", png(raw_profile("exif", b"Exif\0\0" + WHOLE)))
    yield _whole("png, raw profile APP1", png(raw_profile("APP1", b"Exif\0\0" + WHOLE)))
    yield _whole("png, raw profile xmp", png(raw_profile("xmp", WHOLE_XMP)), "xmp")
    yield _whole("png, xmp in iTXt", png(international_text(WHOLE_XMP)), "xmp")
    yield _whole("png, xmp in compressed iTXt", png(international_text(WHOLE_XMP, compressed=True)), "xmp")
    yield _whole("png, xmp behind the pixels", png(international_text(WHOLE_XMP), behind_pixels=True), "xmp")
    yield Case("png, raw profile of junk", png(chunk(b"zTXt", b"Raw profile type exif\0\0junk")))
    yield _whole("webp, exif", webp(WHOLE))
    yield _whole("webp, exif with the prefix of jpeg", webp(b"Exif\0\0" + WHOLE_BIG))
    yield _whole("webp, xmp", webp(xmp=WHOLE_XMP), "xmp")
    yield _whole("tiff, little endian", tiff(exif=[TAKEN], gps=GPS))
    yield _whole("tiff, big endian", tiff(exif=[TAKEN], gps=GPS, order=">"))
    yield _whole("tiff, xmp", tiff(xmp=WHOLE_XMP), "xmp")
    yield _whole("tiff, big endian, xmp", tiff(xmp=WHOLE_XMP, order=">"), "xmp")
    yield _whole("avif, exif", avif(WHOLE))
    yield _whole("avif, exif, big endian", avif(WHOLE_BIG))
    yield _whole("avif, xmp", avif(xmp=WHOLE_XMP), "xmp")
    yield _whole("heic, exif", heic(WHOLE))
    yield _whole("heic, exif in the idat box", heic(WHOLE, in_idat=True))
    yield _whole("heic, exif with a wrong offset", heic(WHOLE_BIG, prefix=0))
    yield _whole("heic, xmp", heic(xmp=WHOLE_XMP), "xmp")
    yield Case("jpeg without metadata", jpeg())
    yield Case("png without metadata", png())
    for orientation in range(1, 9):
        exif = block(image=[Tag(0x0112, SHORT, (orientation,))], exif=[TAKEN], gps=GPS)
        yield _whole(f"jpeg, orientation {orientation}", jpeg(exif))


def _positions() -> Iterator[Case]:
    yield _gps("south and east", [SOUTH, LATITUDE, EAST, LONGITUDE], (-HERE[0], -HERE[1]))
    yield _gps("lower-case letters", [text(1, "n"), LATITUDE, text(3, "w"), LONGITUDE], HERE)
    yield _gps("whole words for hemispheres", [text(1, "North"), LATITUDE, text(3, "West"), LONGITUDE], HERE)
    yield _gps("letters with NULs", [text(1, b"N\0\0\0"), LATITUDE, text(3, b"W\0\0\0\0\0"), LONGITUDE], HERE)
    yield _gps("letters as bytes", [Tag(1, BYTE, b"N\0"), LATITUDE, Tag(3, UNDEFINED, b"W\0"), LONGITUDE], HERE)
    yield _gps("minus one, minus one is a place", _degrees((1, 1, "S"), (1, 1, "W")), (-1.0, -1.0))
    yield _gps("antimeridian from the east", _degrees((17, 1, "S"), (180, 1, "E")), (-17.0, 180.0))
    yield _gps("antimeridian from the west", _degrees((17, 1, "S"), (180, 1, "W")), (-17.0, -180.0))
    yield _gps("north pole", _degrees((90, 1, "N"), (0, 1, "E")), (90.0, 0.0))
    yield _gps("south pole", _degrees((90, 1, "S"), (45, 1, "E")), (-90.0, 45.0))
    yield _gps("on the equator", _degrees((0, 1, "N"), (37, 1, "E")), (0.0, 37.0))
    yield _gps("degrees with decimals", _degrees((51_507_333, 1_000_000, "N"), (12_775, 100_000, "W")), HERE)
    triples = [NORTH, rationals(2, (51, 1), (30_440, 1_000), (0, 1)), WEST]
    yield _gps("minutes with decimals", [*triples, rationals(4, (0, 1), (7_665, 1_000), (0, 1))], HERE)
    pairs = [NORTH, rationals(2, (51, 1), (30_440, 1_000)), WEST, rationals(4, (0, 1), (7_665, 1_000))]
    yield _gps("degrees and minutes only", pairs, HERE)
    huge = [NORTH, rationals(2, (4_294_967_295, 4_294_967_295), (0, 7), (0, 9)), WEST, rationals(4, (2, 2))]
    yield _gps("large numbers that cancel out", huge, (1.0, -1.0))
    signed = [NORTH, rationals(2, (51, 1), (30, 1), (264, 10), kind=SRATIONAL), WEST, LONGITUDE]
    yield _gps("signed rationals", signed, HERE)
    altitude = [*GPS, Tag(5, BYTE, b"\1"), rationals(6, (120, 1))]
    yield _gps("below the sea", altitude, HERE)
    rounded = [NORTH, rationals(2, (51, 1), (29, 1), (60, 1)), WEST, rationals(4, (0, 1), (60, 1), (0, 1))]
    yield _gps("seconds rounded up to sixty", rounded, (51.5, -1.0))


def _bad_positions() -> Iterator[Case]:
    yield _gps("null island", _degrees((0, 1, "N"), (0, 1, "E")), None, "gps-zero")
    zeros = [NORTH, rationals(2, (0, 1), (0, 1), (0, 1)), EAST, rationals(4, (0, 1), (0, 1), (0, 1))]
    yield _gps("null island in full", zeros, None, "gps-zero")
    no_fix = [text(1, ""), rationals(2, (0, 1), (0, 1), (0, 1)), text(3, ""), rationals(4, (0, 1), (0, 1), (0, 1))]
    yield _gps("null island with blank letters", no_fix, None, "gps-zero")
    yield _gps("zero over zero", _degrees((0, 0, "N"), (0, 0, "E")), None, "gps-zero-denominator")
    seconds = [NORTH, rationals(2, (51, 1), (30, 1), (264, 0)), WEST, LONGITUDE]
    yield _gps("seconds over zero", seconds, None, "gps-zero-denominator")
    yield _gps("only a version", [Tag(0, BYTE, b"\2\3\0\0")], None, "gps-empty")
    yield _gps("an empty GPS directory", [], None, "gps-empty")
    destination = [text(0x13, "N"), rationals(0x14, (51, 1)), text(0x15, "E"), rationals(0x16, (7, 1))]
    yield _gps("only a destination", destination, None, "gps-empty")
    yield _gps("letters without numbers", [NORTH, WEST], None, "gps-empty")
    yield _gps("no longitude", [NORTH, LATITUDE, WEST], None, "gps-incomplete")
    yield _gps("no latitude", [NORTH, WEST, LONGITUDE], None, "gps-incomplete")
    yield _gps("no letters", [LATITUDE, LONGITUDE], None, "gps-no-hemisphere")
    yield _gps("no letter for the longitude", [NORTH, LATITUDE, LONGITUDE], None, "gps-no-hemisphere")
    yield _gps("a blank letter", [text(1, " "), LATITUDE, WEST, LONGITUDE], None, "gps-no-hemisphere")
    yield _gps("letters exchanged", [text(1, "W"), LATITUDE, text(3, "N"), LONGITUDE], None, "gps-no-hemisphere")
    yield _gps("latitude 91", _degrees((91, 1, "N"), (7, 1, "E")), None, "gps-out-of-range")
    yield _gps("just over the pole", _degrees((900_001, 10_000, "S"), (7, 1, "E")), None, "gps-out-of-range")
    yield _gps("longitude 181", _degrees((9, 1, "N"), (181, 1, "W")), None, "gps-out-of-range")
    minutes = [NORTH, rationals(2, (51, 1), (75, 1), (0, 1)), WEST, LONGITUDE]
    yield _gps("minutes over sixty", minutes, None, "gps-out-of-range")
    negative = [NORTH, rationals(2, (-51, 1), kind=SRATIONAL), WEST, rationals(4, (-7, 1), kind=SRATIONAL)]
    yield _gps("negative degrees", negative, None, "gps-out-of-range")
    twice = [NORTH, rationals(2, (51_507, 1_000), (30, 1), (26, 1)), WEST, LONGITUDE]
    yield _gps("decimals of a degree beside minutes", twice, None, "gps-malformed")
    yield _gps("degrees in text", [NORTH, text(2, "51 30 26"), WEST, text(4, "0 7 39")], None, "gps-malformed")
    floats = [NORTH, Tag(2, DOUBLE, (float("nan"),)), WEST, Tag(4, DOUBLE, (float("inf"),))]
    yield _gps("not a number", floats, None, "gps-malformed")
    yield _gps("whole numbers", [NORTH, Tag(2, LONG, (51,)), WEST, Tag(4, LONG, (7,))], None, "gps-malformed")
    four = [NORTH, rationals(2, (51, 1), (30, 1), (26, 1), (0, 1)), WEST, LONGITUDE]
    yield _gps("four parts", four, None, "gps-malformed")


def _doubtful_positions() -> Iterator[Case]:
    yield _gps("an error in metres", [*GPS, rationals(0x1F, (65, 10))], HERE, uncertainty_m=6.5)
    yield _gps("an error of zero", [*GPS, rationals(0x1F, (0, 1))], HERE, "gps-bad-uncertainty")
    yield _gps("an error over zero", [*GPS, rationals(0x1F, (5, 0))], HERE, "gps-bad-uncertainty")
    yield _gps("an error larger than Earth", [*GPS, rationals(0x1F, (4_294_967_295, 1))], HERE, "gps-bad-uncertainty")
    yield _gps("status active", [*GPS, text(9, "A")], HERE)
    yield _gps("status void", [*GPS, text(9, "V")], HERE, "gps-void")
    yield _gps("datum WGS-84", [*GPS, text(0x12, "WGS-84")], HERE)
    yield _gps("datum wgs 84, lower case", [*GPS, text(0x12, "wgs 84 ")], HERE)
    yield _gps("datum TOKYO", [*GPS, text(0x12, "TOKYO")], HERE, "gps-other-datum", uncertainty_m=1000.0)
    tokyo = [*GPS, text(0x12, "TOKYO"), rationals(0x1F, (3000, 1))]
    yield _gps("datum TOKYO with a larger error", tokyo, HERE, "gps-other-datum", uncertainty_m=3000.0)
    yield _gps("dilution of precision is not an error", [*GPS, rationals(0x0B, (12, 10))], HERE)


def _dates() -> Iterator[Case]:
    yield _taken("date without a time", "2019:05:01", DAY)
    yield _taken("date with hyphens", "2019-05-01 12:30:00", DAY)
    yield _taken("date with slashes", "2019/05/01 12:30:00", DAY)
    yield _taken("date in ISO 8601", "2019-05-01T23:30:00.123+02:00", DAY)
    yield _taken("date with NULs and blanks", b"2019:05:01 12:30:00 \0\0\0", DAY)
    yield _taken("leap second", "2019:05:01 23:59:60", DAY)
    yield _taken("hour 24", "2019:05:01 24:15:00", DAY, "date-bad-time")
    yield _taken("leap day", "2020:02:29 12:30:00", datetime.date(2020, 2, 29))
    yield _taken("last day of week 53", "2021:01:03 12:30:00", datetime.date(2021, 1, 3))
    yield _taken("new year's day at noon", "2015:01:01 12:30:00", datetime.date(2015, 1, 1))
    yield _taken("hour that summer time skips", "2019:03:31 02:30:00", datetime.date(2019, 3, 31))
    yield _taken("tomorrow, by a zone ahead of us", "2026:06:02 01:00:00", datetime.date(2026, 6, 2))
    yield _taken("first day believed", "1990:01:01 12:30:00", datetime.date(1990, 1, 1))
    digitized = [text(0x9003, "0000:00:00 00:00:00"), text(0x9004, "2019:05:01 12:30:00")]
    yield _date("digitized when the original is blank", digitized, DAY, "date-blank")
    yield _date("digitized alone", [text(0x9004, "2019:05:01 12:30:00")], DAY)
    offsets = [TAKEN, text(0x9010, "+09:00"), text(0x9011, "-08:00")]
    yield _date("offsets that disagree do not move the date", offsets, DAY)
    late = [text(0x9003, "2019:05:01 23:59:59"), text(0x9011, "-10:00")]
    yield _date("the local date is the one written", late, DAY)
    modified = (text(0x0132, "2021:09:09 09:09:09"),)
    yield _date("modified later", [TAKEN], DAY, image=modified)
    yield _date("only modified", [], None, "date-modified-only", image=modified)


def _bad_dates() -> Iterator[Case]:
    yield _taken("date of zeros", "0000:00:00 00:00:00", None, "date-blank")
    yield _taken("date of blanks and colons", "    :  :     :  :  ", None, "date-blank")
    yield _taken("empty date", "", None, "date-blank")
    yield _taken("text for a date", "yesterday", None, "date-malformed")
    yield _taken("bytes that are no text", b"\xff\xfe\xfd\xfc\xfb", None, "date-malformed")
    yield _taken("30 February", "2019:02:30 12:30:00", None, "date-malformed")
    yield _taken("29 February of an ordinary year", "2019:02:29 12:30:00", None, "date-malformed")
    yield _taken("month 13", "2019:13:01 12:30:00", None, "date-malformed")
    yield _taken("month and day zero", "2019:00:00 00:00:00", None, "date-malformed")
    yield _taken("hour 25", "2019:05:01 25:00:00", None, "date-malformed")
    yield _taken("minute 60", "2019:05:01 12:60:00", None, "date-malformed")
    yield _taken("digits of another script", "٢٠١٩:٠٥:٠١ ١٢:٣٠:٠٠", None, "date-malformed")
    yield _taken("only a year", "2019", None, "date-incomplete")
    yield _taken("clock reset to 2000", "2000:01:01 00:00:12", None, "date-reset-clock")
    yield _taken("clock reset to 2000, hours ago", "2000:01:01 15:20:00", None, "date-reset-clock")
    yield _taken("clock reset to the year of the firmware", "2012:01:01 00:03:40", None, "date-reset-clock")
    yield _taken("clock reset to 1970", "1970:01:01 00:00:00", None, "date-reset-clock")
    yield _taken("clock reset to 1980", "1980:01:01 00:00:00", None, "date-reset-clock")
    yield _taken("before digital cameras", "1975:07:04 12:30:00", None, "date-too-early")
    yield _taken("in the future", "2036:02:07 06:28:15", None, "date-in-future")
    yield _taken("the day after tomorrow", "2026:06:03 00:00:01", None, "date-in-future")
    yield _date("a number for a date", [Tag(0x9003, LONG, (20190501,))], None, "date-malformed")
    both = [text(0x9003, "2036:02:07 06:28:15"), text(0x9004, "2000:01:01 00:00:00")]
    yield _date("two bad dates", both, None, "date-in-future", "date-reset-clock")


def _gps_clock() -> Iterator[Case]:
    stamp = [text(0x1D, "2019:05:01"), rationals(7, (23, 1), (30, 1), (0, 1))]
    tokyo = [NORTH, rationals(2, (35, 1)), EAST, rationals(4, (139, 1)), *stamp]
    hawaii = [NORTH, rationals(2, (20, 1)), WEST, rationals(4, (156, 1)), stamp[0]]
    base = Case("", b"", location_source="exif", date_source="exif", problems=("date-from-gps",))
    there, island, next_day = (35.0, 139.0), (20.0, -156.0), datetime.date(2019, 5, 2)
    yield changed(base, name="gps clock, a day on in Japan", data=jpeg(block(gps=tokyo)), location=there, date=next_day)
    early = [*hawaii, rationals(7, (3, 1), (0, 1), (0, 1))]
    april = datetime.date(2019, 4, 30)
    yield changed(
        base, name="gps clock, a day back in Hawaii", data=jpeg(block(gps=early)), location=island, date=april
    )
    yield changed(base, name="gps clock without a time", data=jpeg(block(gps=hawaii)), location=island, date=DAY)
    offset = jpeg(block(exif=[text(0x9010, "-09:00"), text(0x9011, "+00:00")], gps=tokyo))
    yield changed(base, name="gps clock by the original's offset", data=offset, location=there, date=DAY)
    reset = jpeg(block(exif=[text(0x9003, "2000:01:01 00:00:00")], gps=tokyo))
    problems = ("date-reset-clock", "date-from-gps")
    yield changed(
        base, name="gps clock behind a reset clock", data=reset, location=there, date=next_day, problems=problems
    )
    yield Case("gps clock without a place", jpeg(block(gps=stamp)), problems=("gps-empty",))
    written = jpeg(block(gps=tokyo), packet(TAKEN_XMP))
    yield Case("gps clock behind a written date", written, there, DAY, "exif", "xmp")
    rollover = [*tokyo[:4], text(0x1D, "1980:01:06"), stamp[1]]
    yield Case("gps clock never set", jpeg(block(gps=rollover)), there, None, "exif", None, ("date-too-early",))


def _xmp_positions() -> Iterator[Case]:
    yield _xmp_place("xmp, degrees and minutes", HERE_XMP, HERE)
    seconds = 'exif:GPSLatitude="51,30,26.4N" exif:GPSLongitude="0,7,39.9W"'
    yield _xmp_place("xmp, seconds", seconds, HERE)
    yield _xmp_place("xmp, signed decimals", 'exif:GPSLatitude="51.507333" exif:GPSLongitude="-0.12775"', HERE)
    apple = 'exif:GPSLatitude="51.507333" exif:GPSLatitudeRef="N" exif:GPSLongitude="0.12775" exif:GPSLongitudeRef="W"'
    yield _xmp_place("xmp, unsigned decimals with letters apart", apple, HERE)
    both = 'exif:GPSLatitude="-1.5" exif:GPSLatitudeRef="S" exif:GPSLongitude="-2.5" exif:GPSLongitudeRef="W"'
    yield _xmp_place("xmp, sign and letter agree", both, (-1.5, -2.5))
    yield _xmp_place("xmp, minus one, minus one", 'exif:GPSLatitude="-1" exif:GPSLongitude="-1.0"', (-1.0, -1.0))
    yield _xmp_place(
        "xmp, lower case and blanks", 'exif:GPSLatitude=" 51,30.44n " exif:GPSLongitude="0, 7.665 w"', HERE
    )
    yield _xmp_place("xmp, antimeridian", 'exif:GPSLatitude="17,0S" exif:GPSLongitude="180,0.0E"', (-17.0, 180.0))
    yield _xmp_place("xmp, null island", 'exif:GPSLatitude="0,0.0N" exif:GPSLongitude="0,0.0E"', None, "gps-zero")
    yield _xmp_place(
        "xmp, no letter", 'exif:GPSLatitude="51,30.44" exif:GPSLongitude="0,7W"', None, "gps-no-hemisphere"
    )
    yield _xmp_place("xmp, no longitude", 'exif:GPSLatitude="51,30.44N"', None, "gps-incomplete")
    yield _xmp_place("xmp, no number", 'exif:GPSLatitude="NaN" exif:GPSLongitude="NaN"', None, "gps-malformed")
    yield _xmp_place("xmp, latitude 91", 'exif:GPSLatitude="91" exif:GPSLongitude="7"', None, "gps-out-of-range")
    against = 'exif:GPSLatitude="-51.5" exif:GPSLatitudeRef="N" exif:GPSLongitude="7"'
    yield _xmp_place("xmp, sign against letter", against, None, "gps-malformed")
    error = f'{HERE_XMP} exif:GPSHPositioningError="13/2"'
    yield changed(_xmp_place("xmp, an error in metres", error, HERE), uncertainty_m=6.5)
    datum = f'{HERE_XMP} exif:GPSMapDatum="TOKYO"'
    yield changed(_xmp_place("xmp, datum TOKYO", datum, HERE, "gps-other-datum"), uncertainty_m=1000.0)


def _xmp_dates() -> Iterator[Case]:
    yield _xmp_date("xmp, date with an offset", 'exif:DateTimeOriginal="2019-05-01T23:30:00-10:00"', DAY)
    yield _xmp_date("xmp, date in UTC", 'exif:DateTimeOriginal="2019-05-01T00:10:00Z"', DAY)
    yield _xmp_date("xmp, date without seconds", 'exif:DateTimeOriginal="2019-05-01T12:30"', DAY)
    yield _xmp_date("xmp, date created", 'photoshop:DateCreated="2019-05-01"', DAY)
    order = 'xmp:CreateDate="2020-07-07T01:00:00" photoshop:DateCreated="2019-05-01T12:30:00"'
    yield _xmp_date("xmp, date created before create date", order, DAY)
    yield _xmp_date("xmp, create date", 'xmp:CreateDate="2019-05-01T12:30:00"', DAY)
    yield _xmp_date("xmp, modify date is not the capture date", 'xmp:ModifyDate="2019-05-01T12:30:00"', None)
    yield _xmp_date("xmp, only a month", 'exif:DateTimeOriginal="2019-05"', None, "date-incomplete")
    second = 'exif:DateTimeOriginal="2019" xmp:CreateDate="2019-05-01"'
    yield _xmp_date("xmp, the second date when the first is no date", second, DAY, "date-incomplete")


def _xmp_packets() -> Iterator[Case]:
    elements = (
        "<exif:GPSLatitude>51,30.44N</exif:GPSLatitude><exif:GPSLongitude>0,7.665W</exif:GPSLongitude>"
        "<exif:DateTimeOriginal>\n  2019-05-01T12:30:00\n</exif:DateTimeOriginal>"
    )
    yield _whole("xmp, elements", jpeg(xmp=packet(elements=elements)), "xmp")
    other = packet(f"{HERE_XMP} {TAKEN_XMP}").replace(b"exif:", b"e:").replace(b"xmlns:exif", b"xmlns:e")
    yield _whole("xmp, another prefix", jpeg(xmp=other), "xmp")
    two = packet(
        HERE_XMP, f"</rdf:Description><rdf:Description xmlns:exif='http://ns.adobe.com/exif/1.0/' {TAKEN_XMP}>"
    )
    yield _whole("xmp, two descriptions", jpeg(xmp=two), "xmp")
    yield _whole("xmp, bare rdf", jpeg(xmp=packet(f"{HERE_XMP} {TAKEN_XMP}", wrapped=False)), "xmp")
    bare = packet(f"{HERE_XMP} {TAKEN_XMP}", wrapped=False)
    yield _whole("xmp, utf-8 mark", jpeg(xmp=b"\xef\xbb\xbf" + bare), "xmp")
    yield _whole("xmp, utf-16 with a mark", jpeg(xmp=bare.decode().encode("utf-16")), "xmp")
    yield _whole("xmp, utf-16 little endian without a mark", jpeg(xmp=bare.decode().encode("utf-16-le")), "xmp")
    yield _whole("xmp, utf-16 big endian without a mark", jpeg(xmp=bare.decode().encode("utf-16-be")), "xmp")
    yield _whole("xmp, padding of NULs", jpeg(xmp=WHOLE_XMP + bytes(500)), "xmp")
    yield _whole("xmp, bytes that are not utf-8", jpeg(xmp=WHOLE_XMP.replace(b'about=""', b'about="\xe9\xff"')), "xmp")
    nested = packet(elements=f"<xmp:History><rdf:Description {HERE_XMP} {TAKEN_XMP}/></xmp:History>")
    yield Case("xmp, properties of something nested", jpeg(xmp=nested))
    foreign = packet(f"{HERE_XMP} {TAKEN_XMP}").replace(b"ns.adobe.com/exif", b"ns.example.com/exif")
    yield Case("xmp, another namespace", jpeg(xmp=foreign))
    yield _whole("xmp, cut off", jpeg(xmp=WHOLE_XMP[:-230]), "xmp", "xmp-broken")
    yield Case("xmp, not xml", jpeg(xmp=b"no xml at all"), problems=("xmp-broken",))
    laughs = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><x>&b;</x>'
    yield Case("xmp, a billion laughs", jpeg(xmp=laughs), problems=("xmp-refused",))
    outside = b'<!DOCTYPE x SYSTEM "file:///etc/hostname"><x/>'
    yield Case("xmp, an outside document type", jpeg(xmp=outside), problems=("xmp-refused",))
    yield Case("xmp, nested too deeply", jpeg(xmp=b"<a>" * 9_000), problems=("xmp-refused",))
    yield Case("xmp, too large", png(international_text(b" " * 5_000_000)), problems=("xmp-refused",))


def _precedence() -> Iterator[Case]:
    other = packet('exif:GPSLatitude="1,0N" exif:GPSLongitude="2,0E" exif:DateTimeOriginal="2015-03-03T12:00:00"')
    third = datetime.date(2015, 3, 3)
    yield _whole("exif before xmp", jpeg(WHOLE, other))
    yield changed(_whole("exif before a sidecar", jpeg(WHOLE)), sidecar=other)
    yield changed(_whole("xmp before a sidecar", jpeg(xmp=WHOLE_XMP), "xmp"), sidecar=other)
    yield Case("place from exif, date from xmp", jpeg(block(gps=GPS), other), HERE, third, "exif", "xmp")
    yield Case("date from exif, place from xmp", jpeg(block(exif=[TAKEN]), other), (1.0, 2.0), DAY, "xmp", "exif")
    yield Case("all from a sidecar", jpeg(), (1.0, 2.0), third, "sidecar", "sidecar", sidecar=other)
    yield Case(
        "date from a sidecar", png(chunk(b"eXIf", block(gps=GPS))), HERE, third, "exif", "sidecar", sidecar=other
    )
    zero = block(exif=[TAKEN], gps=_degrees((0, 1, "N"), (0, 1, "E")))
    yield Case("xmp behind null island", jpeg(zero, other), (1.0, 2.0), DAY, "xmp", "exif", ("gps-zero",))
    three = Case("one from each", jpeg(zero, packet('exif:GPSLatitude="45"')), (1.0, 2.0), DAY, "sidecar", "exif")
    yield changed(three, problems=("gps-zero", "gps-incomplete"), sidecar=other)
    same = jpeg(zero, packet('exif:GPSLatitude="0" exif:GPSLongitude="0"'))
    yield Case("a problem of two sources is named once", same, None, DAY, None, "exif", ("gps-zero",))
    yield Case("broken sidecar", jpeg(), problems=("sidecar-broken",), sidecar=b"<x:xmpmeta")
    yield Case("empty sidecar", jpeg(), problems=("sidecar-broken",), sidecar=b"")
    yield Case("sidecar with entities", jpeg(), problems=("sidecar-refused",), sidecar=b"<!DOCTYPE x []><x/>")


def _damage() -> Iterator[Case]:
    yield Case("exif of junk", jpeg(b"not a tiff structure"), problems=("exif-broken",))
    yield Case("exif of a header only", jpeg(b"II*\0\x08\0\0\0"))
    yield _whole("exif behind a bad xmp", jpeg(WHOLE, b"<broken"))
    yield Case("an empty exif segment", jpeg(b""))
    pointer = struct.pack("<HHI", 0x8825, LONG, 1)
    inside = block(exif=[TAKEN], gps=[])
    at = inside.index(pointer) + len(pointer)
    outside = jpeg(inside[:at] + b"\xff\xff\xff\0" + inside[at + 4 :])
    yield Case("a GPS pointer to nowhere", outside, None, DAY, None, "exif", ("exif-broken", "gps-empty"))
    looped = b"II*\0\x08\0\0\0\1\0" + struct.pack("<HHII", 0x8825, LONG, 1, 8) + b"\x08\0\0\0"
    yield Case("directories in a circle", jpeg(looped), problems=("gps-empty",))
    cut = jpeg(WHOLE[:-4])
    yield Case("exif cut off in the longitude", cut, None, DAY, None, "exif", ("exif-broken", "gps-malformed"))
    yield _whole("a type that EXIF does not know", jpeg(block(image=[Tag(0x010F, 99, b"abcd")], exif=[TAKEN], gps=GPS)))
    endless = Tag(0x927C, UNDEFINED, bytes(8), count=0xFFFF_FFFF)
    yield _whole("a maker note of 4 GB", jpeg(block(exif=[TAKEN, endless], gps=GPS)))
    many = block(exif=[TAKEN], gps=[*GPS, *[rationals(2, *[(1, 1)] * 900)] * 8])
    yield Case("thousands of rationals", jpeg(many), problems=("exif-broken", "gps-malformed"))


GROUPS: tuple[Callable[[], Iterator[Case]], ...] = (
    _containers,
    _positions,
    _bad_positions,
    _doubtful_positions,
    _dates,
    _bad_dates,
    _gps_clock,
    _xmp_positions,
    _xmp_dates,
    _xmp_packets,
    _precedence,
    _damage,
)

CASES = tuple(case for group in GROUPS for case in group())
"""Every case of the suite."""
