"""Releases of area data: what one holds, how an area pack (`NAME.areas`) stores it, and its digest."""

from __future__ import annotations

import json
import re
import struct
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntFlag, StrEnum
from functools import cache
from typing import NamedTuple

from geoid.core.digests import of_values
from geoid.core.features import FORMAT, HINT, MAX_BODY
from geoid.errors import AreaDataError

PACK_FORMAT = 1

RELEASE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
"""What a release may be called: its name is that of a file too."""

SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE taxa (
    number INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, scientific_name TEXT NOT NULL, common_name TEXT,
    rank TEXT NOT NULL, lineage TEXT NOT NULL, flags INTEGER NOT NULL, occurrences INTEGER NOT NULL,
    cells BLOB NOT NULL
);
CREATE TABLE sets (number INTEGER PRIMARY KEY, bytes BLOB NOT NULL);
CREATE TABLE cells (cell INTEGER PRIMARY KEY, set_number INTEGER NOT NULL);
CREATE TABLE overflow (cell INTEGER PRIMARY KEY, bytes BLOB NOT NULL);
"""
"""`lineage` is a JSON object of rank and name; `cells` holds the taxon's H3 cells, each 8 bytes, little endian, in
ascending order, compressed by zstd."""


TABLES = {
    "taxa": (
        "number",
        "key",
        "scientific_name",
        "common_name",
        "rank",
        "lineage",
        "flags",
        "occurrences",
        "cells",
    ),
    "cells": ("cell", "bytes"),
    "overflow": ("cell", "bytes"),
}
"""What a store holds of a release, by table and column; a pack keeps `cells.bytes` apart, once for all equal ones."""


META = ("format", "release", "kind", "digest", "sources", "licences", "taxa", "cells")
"""What stands in the table `meta` of a pack."""


class Kind(StrEnum):
    """What kind of evidence a release holds."""

    RANGES = "ranges"
    OCCURRENCES = "occurrences"
    MIXED = "mixed"


class TaxonFlag(IntFlag):
    """What holds for a taxon everywhere, whatever the cell."""

    DOMESTIC = 1
    WORLDWIDE = 2
    DOUBTFUL = 4


class Release(NamedTuple):
    """A release as it is addressed: immutable, so its name and digest say which bytes are meant."""

    name: str
    kind: Kind
    digest: str


class Pointer(NamedTuple):
    """The release in force, and the one that was in force before it, if that is still there."""

    current: Release
    previous: Release | None = None


class ListedRelease(NamedTuple):
    """A release as lists show it: what it holds, and when it was published (seconds since 1970)."""

    release: Release
    taxa: int
    cells: int
    published: float


class ReleaseTaxon(NamedTuple):
    """A taxon of a release; `number` is its place in the order of keys, `occurrences` its records world-wide."""

    number: int
    key: str
    scientific_name: str
    common_name: str | None
    rank: str
    lineage: Mapping[str, str]
    flags: int = 0
    occurrences: int = 0


@dataclass(frozen=True, slots=True)
class Contents:
    """A whole release in memory, ready to be published: taxa by number, values and overflow by cell.

    `taxon_cells` are each taxon's cells at resolution 3, compacted, by taxon number.
    """

    name: str
    kind: Kind
    taxa: tuple[ReleaseTaxon, ...]
    taxon_cells: tuple[tuple[int, ...], ...]
    cells: Mapping[int, bytes]
    overflow: Mapping[int, bytes]
    sources: str
    licences: str

    def digest(self) -> str:
        """The digest of this content; see `core.digests`."""
        taxa = zip(self.taxa, map(packed, self.taxon_cells), strict=True)
        return of_values(taxa, sorted(self.cells.items()), self.overflow)


FAST = 3
"""The level of zstd for the cells of taxa, which the higher ones make hardly smaller."""

_json = json.JSONEncoder(ensure_ascii=False).encode


def taxon_row(taxon: ReleaseTaxon, cells: bytes) -> tuple[object, ...]:
    """The row of a taxon in the table `taxa`; `cells` are packed."""
    return (*taxon[:5], _json(dict(taxon.lineage)), taxon.flags, taxon.occurrences, shut(cells))


def packed(cells: tuple[int, ...]) -> bytes:
    """H3 cells as 8 bytes each, little endian, sorted."""
    return struct.pack(f"<{len(cells)}Q", *sorted(cells))


def shut(cells: bytes) -> bytes:
    """Packed cells, compressed."""
    return _compressor().compress(cells)


class _Compressor(threading.local):
    """A compressor for each thread: making one takes longer than most taxa do."""

    def __init__(self) -> None:
        import zstandard  # the embedded store makes none

        self.compress = zstandard.ZstdCompressor(level=FAST).compress


@cache
def _compressor() -> _Compressor:
    return _Compressor()


def opened(data: bytes) -> bytes:
    """The packed cells of `shut`; raises `AreaDataError` for bytes that are none."""
    import zstandard

    try:
        return zstandard.ZstdDecompressor().decompress(data, max_output_size=MAX_BODY)
    except zstandard.ZstdError as error:
        raise AreaDataError(f"the cells of a taxon cannot be unpacked: {error}", HINT) from error


def unpacked(data: bytes) -> tuple[str, ...]:
    """The H3 cells of `packed`, in the usual hexadecimal form."""
    return tuple(f"{cell:x}" for cell in struct.unpack(f"<{len(data) // 8}Q", data))


def cache_keys(release: Release, cells: Sequence[str]) -> dict[str, str]:
    """A place's cells, finest first, by their keys in a cache; the braces keep all in one slot of a cluster."""
    prefix = f"geoid:{{{cells[-1]}}}:{FORMAT}:{release.digest[:16]}:"
    return {prefix + cell: cell for cell in cells}
