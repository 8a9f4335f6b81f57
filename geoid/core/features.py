"""Feature bytes: what is known of one H3 cell, the same in the area pack, in PostgreSQL and in Redis.

A header of 24 bytes and records of 20, little endian; `fixtures/areas/README.md` describes them byte by byte.
"""

from __future__ import annotations

import math
import struct
import threading
from collections.abc import Iterable
from enum import IntFlag
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geoid.errors import AreaDataError, NewerFormatError

MAGIC, FORMAT = b"GF", 1
HEADER = struct.Struct("<2sBBBBHfIII")
RECORD = np.dtype([("taxon", "<u4"), ("year", "u1"), ("months", "u1", (12,)), ("flags", "u1"), ("reserved", "<u2")])
TAXON = struct.Struct("<I")
ZSTD = 1
COMPRESS_FROM = 1024
"""Bodies longer than this are compressed: what fits into one kilobyte costs no less when it is smaller."""

LEVEL = 12
"""Of zstd, for what is made once and read often."""

MAX_VALUE = 64 * 1024
"""Bytes of a value, header included: ElastiCache Serverless charges by the kilobyte."""

MAX_BODY = 64 * 1024 * 1024
"""Bytes a body may unpack to: three million records, which no cell holds."""

MAX_DENSITY = 255
RESOLUTIONS = range(2, 6)

Records = NDArray[np.void]


class Flag(IntFlag):
    """What a record says besides its weights."""

    INTRODUCED = 1
    DOMESTIC = 2
    MIGRANT = 4
    TOO_COARSE = 8
    DOUBTFUL = 16
    RANGE = 32
    TOUCHES = 64


class Features(NamedTuple):
    """One cell: records of `RECORD` in order, `weight` is N_r, `taxa` counts the overflow too.

    A taxon has at most one record of occurrences and one of a range. They are in order by taxon number, of two of the
    same taxon that of occurrences first.
    """

    resolution: int
    records: Records
    occurrences: int = 0
    weight: float = 0.0
    taxa: int = 0

    @property
    def density(self) -> int:
        """How many occurrence records there are, as round(8 log2(1 + n)), at most 255."""
        return min(round(8 * math.log2(1 + self.occurrences)), MAX_DENSITY)


class Encoded(NamedTuple):
    """A value of at most `MAX_VALUE` bytes, and the records that did not fit, as a value without limit."""

    value: bytes
    overflow: bytes | None = None


def records_of(rows: Iterable[tuple[int, int, bytes, int]]) -> Records:
    """Records from rows of taxon number, whole-year weight, twelve monthly weights and flags, put in order."""
    listed = [(taxon, year, tuple(months), flags, 0) for taxon, year, months, flags in rows]
    return in_order(np.array(listed, dtype=RECORD))


def in_order(records: Records) -> Records:
    """Records by taxon number, of two of the same taxon that of occurrences first."""
    ordered: Records = records[np.argsort(_ranks(records), kind="stable")]
    return ordered


def _ranks(records: Records) -> NDArray[np.int64]:
    """What records are ordered by."""
    ranks: NDArray[np.int64] = 2 * records["taxon"].astype(np.int64) + (records["flags"] & Flag.RANGE > 0)
    return ranks


def taxa_in(records: Records) -> int:
    """How many taxa these records, which are in order, are of."""
    return int(np.count_nonzero(np.diff(records["taxon"]))) + (len(records) > 0)


def weight_of(count: float) -> int:
    """The weight that stands for a count of occurrences: n = 2^(w/8) - 1, at most 255."""
    return min(round(8 * math.log2(1 + count)), 255)


COUNTS = np.round(2 ** (np.arange(256) / 8) - 1)
"""The count of occurrences that each weight stands for."""


def encode(features: Features, limit: int = MAX_VALUE) -> Encoded:
    """Encode a cell; where it does not fit, the taxa of the greatest weight stay and the rest overflows.

    Both records of a taxon stay together.

    Raises `ValueError` for records that are not in the order of `Features`, each once.
    """
    if np.any(np.diff(_ranks(features.records)) <= 0):
        raise ValueError("records must be in ascending order of taxon numbers, each once, ranges after occurrences")
    features = features._replace(taxa=taxa_in(features.records))
    whole = _encoded(features)
    if len(whole) <= limit:
        return Encoded(whole)
    places = _places_by_weight(features.records)
    fits, fails = 0, features.taxa
    while fails - fits > 1:
        middle = (fits + fails) // 2
        short = len(_encoded(_subset(features, places < middle))) <= limit
        fits, fails = (middle, fails) if short else (fits, middle)
    return Encoded(_encoded(_subset(features, places < fits)), _encoded(_subset(features, places >= fits)))


def _places_by_weight(records: Records) -> NDArray[np.intp]:
    """For each record the place of its taxon, the heaviest first, equal ones by number."""
    taxon_of = np.cumsum(np.diff(records["taxon"], prepend=records["taxon"][:1]) != 0)
    heaviest = np.zeros(taxon_of[-1] + 1, np.int16)
    np.maximum.at(heaviest, taxon_of, records["year"])
    places = np.empty(len(heaviest), np.intp)
    places[np.argsort(-heaviest, kind="stable")] = np.arange(len(heaviest))
    found: NDArray[np.intp] = places[taxon_of]
    return found


def _subset(features: Features, chosen: NDArray[np.bool_]) -> Features:
    return features._replace(records=features.records[chosen])


def _encoded(features: Features) -> bytes:
    body, flags = features.records.tobytes(), 0
    if len(body) > COMPRESS_FROM:
        import zstandard  # most values are small

        body, flags = zstandard.ZstdCompressor(level=LEVEL, write_content_size=True).compress(body), ZSTD
    return _header(features, flags) + body


def _header(features: Features, flags: int) -> bytes:
    return HEADER.pack(
        MAGIC,
        FORMAT,
        flags,
        features.resolution,
        features.density,
        0,
        features.weight,
        features.occurrences,
        len(features.records),
        features.taxa,
    )


def decode(value: bytes, release_taxa: int | None = None) -> Features:
    """Decode a value; raises `AreaDataError` for what is none and `NewerFormatError` for one of a newer format.

    With the number of taxa that the release has, also for a value that names others: its last record has the greatest.
    """
    if len(value) < HEADER.size or value[:2] != MAGIC:
        raise AreaDataError("a cell's features do not begin with the mark of geoid", HINT)
    _, form, flags, resolution, _, _, weight, occurrences, count, taxa = HEADER.unpack_from(value)
    if form != FORMAT:
        raise NewerFormatError(f"a cell's features are of format {form}, this geoid reads {FORMAT}", UPGRADE)
    if resolution not in RESOLUTIONS:
        raise AreaDataError(f"a cell's features are of resolution {resolution}, expected 2 to 5", HINT)
    body = _unpacked(value[HEADER.size :]) if flags & ZSTD else value[HEADER.size :]
    if len(body) != count * RECORD.itemsize:
        raise AreaDataError(f"a cell's features hold {len(body)} bytes, expected {count} records", HINT)
    if release_taxa is not None and count and TAXON.unpack_from(body, len(body) - RECORD.itemsize)[0] >= release_taxa:
        raise AreaDataError("a cell's features name a taxon that their release does not have", HINT)
    return Features(resolution, np.frombuffer(body, RECORD), occurrences, weight, taxa)


HINT = "the area data is damaged: build or fetch it again"
UPGRADE = "upgrade geoid, or use area data of an older release"


class _Unpacker(threading.local):
    """A decompressor for each thread: making one takes longer than a value does."""

    def __init__(self) -> None:
        import zstandard  # not before the first compressed value

        self.decompress = zstandard.ZstdDecompressor().decompress


@cache
def _unpacker() -> _Unpacker:
    return _Unpacker()


def _unpacked(body: bytes) -> bytes:
    import zstandard

    try:
        size = zstandard.frame_content_size(body)
        if not 0 <= size <= MAX_BODY:
            raise AreaDataError(f"a cell's features say they unpack to {size} bytes", HINT)
        unpacked: bytes = _unpacker().decompress(body)
    except zstandard.ZstdError as error:
        raise AreaDataError(f"a cell's features cannot be unpacked: {error}", HINT) from error
    return unpacked


def logical(value: bytes) -> bytes:
    """The bytes of a value as the digest of a release sees them: not compressed."""
    features = decode(value)
    return _header(features, 0) + features.records.tobytes()
