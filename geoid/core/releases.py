"""Releases of area data: what one holds, how an area pack (`NAME.areas`) stores it, and its digest."""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntFlag, StrEnum
from typing import NamedTuple

from geoid.core.features import FORMAT, logical

PACK_FORMAT = 1

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
ascending order, compressed by zlib."""


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
        """Sha256 over the sorted logical content: taxa by key, cells and their records, nothing compressed.

        Name, date, sources and licences are left out, so that the same data has the same digest.
        """
        found = hashlib.sha256(b"geoid release 1\n")
        for taxon, cells in zip(self.taxa, self.taxon_cells, strict=True):
            facts = (*taxon[:5], dict(taxon.lineage), taxon.flags, taxon.occurrences)
            found.update(json.dumps(facts, ensure_ascii=False, sort_keys=True).encode())
            found.update(packed(cells))
        for table in (self.cells, self.overflow):
            found.update(struct.pack("<Q", len(table)))
            for cell in sorted(table):
                found.update(struct.pack("<Q", cell))
                found.update(logical(table[cell]))
        return found.hexdigest()


def packed(cells: tuple[int, ...]) -> bytes:
    """H3 cells as 8 bytes each, little endian, sorted."""
    return struct.pack(f"<{len(cells)}Q", *sorted(cells))


def unpacked(data: bytes) -> tuple[str, ...]:
    """The H3 cells of `packed`, in the usual hexadecimal form."""
    return tuple(f"{cell:x}" for cell in struct.unpack(f"<{len(data) // 8}Q", data))


def cache_keys(release: Release, cells: Sequence[str]) -> dict[str, str]:
    """A place's cells, finest first, by their keys in a cache; the braces keep all in one slot of a cluster."""
    prefix = f"geoid:{{{cells[-1]}}}:{FORMAT}:{release.digest[:16]}:"
    return {prefix + cell: cell for cell in cells}
