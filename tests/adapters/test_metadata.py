"""The metadata reader: laws over any block, what it asks of whom, and what hostile blocks may cost."""

from __future__ import annotations

import datetime
import logging
import struct
from fractions import Fraction

import pytest
from fixtures_tools import write_position
from hypothesis import assume, given
from hypothesis import strategies as st
from synthetic_files import (
    ASCII,
    DOUBLE,
    LONG,
    RATIONAL,
    UNDEFINED,
    Tag,
    block,
    chunk,
    heic,
    international_text,
    jpeg,
    packet,
    png,
    rationals,
    text,
    tiff,
    webp,
)

from geoid.adapters import exif as exif_module
from geoid.adapters.exif import MAX_READS, MAX_TOTAL, read_exif
from geoid.adapters.metadata import PhotoMetadata
from geoid.core.problems import Problem
from geoid.core.values import Capture, Photo, Source
from geoid.errors import BadInputError

NOW = datetime.datetime(2026, 6, 1, 12, tzinfo=datetime.UTC)
WHOLE = block(
    image=[text(0x010F, "Canon"), text(0x0132, "2019:05:01 12:00:00")],
    exif=[text(0x9003, "2019:05:01 12:00:00"), Tag(0x927C, UNDEFINED, bytes(64)), text(0x9011, "+01:00")],
    gps=[
        text(1, "N"),
        rationals(2, (51, 1), (30, 1), (264, 10)),
        text(3, "W"),
        rationals(4, (0, 1), (7, 1), (399, 10)),
        rationals(7, (12, 1), (0, 1), (0, 1)),
        text(18, "WGS-84"),
        text(29, "2019:05:01"),
        rationals(31, (5, 1)),
    ],
)
SEEDS = [
    jpeg(WHOLE, packet('exif:GPSLatitude="51,30N" exif:GPSLongitude="0,7W"')),
    png(chunk(b"eXIf", WHOLE), international_text(packet(), compressed=True)),
    webp(WHOLE, packet()),
    tiff(gps=[text(1, "N"), rationals(2, (51, 1)), text(3, "W"), rationals(4, (1, 1))], xmp=packet()),
    heic(WHOLE, packet()),
]
NUMBERS = [0, 1, 2, 5, 7, 8, 12, 255, 999, 1000, 65535, 0x8825, 0x8769, 0x7FFFFFFF, 0xFFFFFFFF]
CHANGES = st.lists(
    st.tuples(
        st.integers(0, 700),
        st.one_of(
            st.binary(min_size=1, max_size=4),
            st.sampled_from(NUMBERS).map(lambda number: struct.pack("<I", number)),
            st.sampled_from(NUMBERS).map(lambda number: struct.pack(">I", number)),
        ),
    ),
    max_size=8,
)


def read(data: bytes) -> Capture:
    """Read a photo without a sidecar."""
    return PhotoMetadata(now=lambda: NOW).read(Photo("photo.jpg", data, "", 16, 16))


def mutated(data: bytes, changes: list[tuple[int, bytes]]) -> bytes:
    """Bytes with some of them written over."""
    for at, junk in changes:
        data = data[:at] + junk + data[at + len(junk) :]
    return data


def is_sound(capture: Capture) -> bool:
    """Whether a capture is one that the rest of geoid can take."""
    return isinstance(capture, Capture) and set(capture.problems) <= {problem.value for problem in Problem}


@given(
    st.fractions(-90, 90, max_denominator=10**6),
    st.fractions(-180, 180, max_denominator=10**6),
    st.sampled_from("<>"),
    st.sampled_from([jpeg, webp, heic, lambda exif: png(chunk(b"eXIf", exif), behind_pixels=True)]),
)
def test_a_position_survives_exif_in_any_container(latitude, longitude, order, container) -> None:
    assume((latitude, longitude) != (0, 0))
    gps = [
        text(1, "S" if latitude < 0 else "N"),
        rationals(2, *parts(latitude)),
        text(3, "W" if longitude < 0 else "E"),
        rationals(4, *parts(longitude)),
    ]
    location = read(container(block(gps=gps, order=order))).location
    assert location is not None
    assert location.source is Source.EXIF
    assert location.coordinates.latitude == float(latitude)
    assert location.coordinates.longitude == float(longitude)


def parts(value: Fraction) -> list[tuple[int, int]]:
    """Whole degrees, whole minutes, and seconds as one rational."""
    size = abs(value)
    return [(int(size), 1), (int(size * 60 % 60), 1), (size * 3600 % 60).as_integer_ratio()]


@given(st.floats(-90, 90), st.floats(-180, 180), st.dates(datetime.date(2000, 1, 2), datetime.date(2026, 6, 1)))
def test_a_position_written_into_a_copy_is_read_from_it(latitude, longitude, date) -> None:
    assume(max(abs(latitude), abs(longitude)) > 1e-6)
    capture = read(write_position(jpeg(WHOLE), latitude, longitude, date))
    assert capture.location is not None
    assert capture.date is not None
    found = capture.location.coordinates
    assert (found.latitude, found.longitude) == pytest.approx((latitude, longitude), abs=2e-8)
    assert (capture.date.value, capture.problems) == (date, ())


def test_a_copy_keeps_its_pixels_and_its_orientation() -> None:
    original = jpeg(block(image=[Tag(0x0112, 3, (6,))]))
    copy = write_position(original, 1.5, 2.5, datetime.date(2019, 5, 1))
    assert copy.endswith(original[original.index(b"\xff\xdb") :])
    assert struct.pack("<HHIHH", 0x0112, 3, 1, 6, 0) in copy


@given(st.binary(max_size=600), st.sampled_from([b"", b"II*\0\x08\0\0\0", b"MM\0*\0\0\0\x08"]))
def test_any_block_gives_a_capture(junk, head) -> None:
    assert is_sound(read(jpeg(head + junk)))
    assert is_sound(read(junk))


@given(st.sampled_from(SEEDS), CHANGES, st.integers(0, 2000))
def test_a_damaged_photo_gives_a_capture(seed, changes, length) -> None:
    assert is_sound(read(mutated(seed, changes)[:length]))


@given(CHANGES)
def test_a_damaged_block_gives_a_capture(changes) -> None:
    assert is_sound(read(jpeg(mutated(WHOLE, changes))))


def entries(count: int, number: int, kind: int, values: int, where: int) -> bytes:
    """A directory that says the same thing many times."""
    return struct.pack("<H", count) + struct.pack("<HHII", number, kind, values, where) * count + b"\0\0\0\0"


HEAD = b"II*\0\x08\0\0\0"
HOSTILE = {
    "many rationals": HEAD + entries(1, 0x8825, LONG, 1, 26) + entries(5000, 2, RATIONAL, 999, 0),
    "many GPS directories": HEAD + entries(2600, 0x8825, LONG, 1, 31214) + entries(2600, 2, RATIONAL, 999, 0),
    "long texts": HEAD + entries(60_000, 0x0132, ASCII, 1 << 20, 8) + bytes(1 << 20).replace(b"\0", b"x"),
    "a directory in itself": HEAD + entries(5000, 0x8825, LONG, 1, 8),
    "entries past the end": HEAD + b"\xff\xff",
    "a text of 4 GB": block(exif=[Tag(0x9003, ASCII, b"2019", count=0xFFFFFFFF)]),
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_block_costs_a_bounded_number_of_reads(data, monkeypatch) -> None:
    meters = []

    class Recorded(exif_module._Metered):
        def __init__(self, block: bytes) -> None:
            super().__init__(block)
            meters.append(self)

    monkeypatch.setattr(exif_module, "_Metered", Recorded)
    assert is_sound(read(data))
    assert sum(meter.reads for meter in meters) <= MAX_READS + 8  # each attempt after the limit fails at once
    assert sum(meter.total for meter in meters) <= MAX_TOTAL + 8 * exif_module.MAX_READ


def test_an_ordinary_block_costs_a_small_part_of_the_limit(monkeypatch) -> None:
    meters = []

    class Recorded(exif_module._Metered):
        def __init__(self, block: bytes) -> None:
            super().__init__(block)
            meters.append(self)

    monkeypatch.setattr(exif_module, "_Metered", Recorded)
    assert read_exif(WHOLE).fields["GPSLatitudeRef"] == "N"
    assert meters[0].reads < MAX_READS / 20


def test_exifread_does_not_speak(caplog, capfd) -> None:
    with caplog.at_level(logging.DEBUG):
        read(jpeg(mutated(WHOLE, [(10, b"\xff\xff\xff\xff"), (40, b"\xff" * 4)])))
    assert not [record for record in caplog.records if record.name == "exifread"]
    assert capfd.readouterr() == ("", "")


def test_a_bad_tag_does_not_take_the_others_with_it() -> None:
    outside = Tag(0x9003, DOUBLE, b"\xff\xff\xff\x7f", count=1)
    odd = block(exif=[outside, text(0x9004, "2019:05:01 12:00:00")])
    found = read_exif(odd)
    assert found.broken
    assert found.fields["DateTimeDigitized"] == "2019:05:01 12:00:00"


def test_a_sidecar_is_asked_for_by_name_and_only_if_something_is_missing() -> None:
    asked = []

    def sidecar(name: str) -> bytes | None:
        asked.append(name)
        return None

    reader = PhotoMetadata(sidecar, lambda: NOW)
    reader.read(Photo("whole.jpg", jpeg(WHOLE), "", 16, 16))
    assert asked == []
    reader.read(Photo("bare.jpg", jpeg(), "", 16, 16))
    assert asked == ["bare.jpg"]


@pytest.mark.parametrize("error", [BadInputError("too large"), PermissionError("no"), OSError("network")], ids=repr)
def test_a_sidecar_that_cannot_be_read_is_a_problem(error) -> None:
    def sidecar(name: str) -> bytes | None:
        raise error

    capture = PhotoMetadata(sidecar, lambda: NOW).read(Photo("bare.jpg", jpeg(), "", 16, 16))
    assert capture == Capture(problems=(Problem.SIDECAR_UNREADABLE,))


def test_without_arguments_the_reader_knows_the_present_and_no_sidecars() -> None:
    future = jpeg(block(exif=[text(0x9003, "2999:01:02 12:00:00")]))
    assert PhotoMetadata().read(Photo("x", future, "", 16, 16)) == Capture(problems=(Problem.DATE_IN_FUTURE,))
