"""What a cache keeps besides features: the release in force, the taxa that a model knows, the cells of a taxon.

It is served when the database does not answer, and spares it a question where it does.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Sequence
from typing import NamedTuple

from geoid.core.evidence import KnownTaxa, KnownTaxon
from geoid.core.features import FORMAT
from geoid.core.releases import Kind, Pointer, Release, packed, unpacked

MAX_TAXA = 1 << 24
"""Taxa that a release may have: more than there are names of species."""

MAX_UNPACKED = 64 * 1024 * 1024
"""Bytes that a value may unpack to: all cells of the world take a hundredth of that."""

MAX_COUNT = 1 << 53
"""The greatest whole number that all readers of JSON agree on."""

OF_TAXON = 3
"""The finest resolution of a taxon's cells."""


class PointerKeys(NamedTuple):
    """Where a cache keeps a pointer.

    `current` is the last that was read, for as long as values live; `fresh` is the same, for as long as it need not be
    read again; `lock` is held by the one process that reads it again.
    """

    current: str
    fresh: str
    lock: str


def pointer_keys(scope: str) -> PointerKeys:
    """The keys for the pointer of one store: releases are the same everywhere, but each store has its own in force."""
    current = f"geoid:{{current {scope}}}"
    return PointerKeys(current, f"{current}:fresh", f"{current}:lock")


def taxa_key(release: Release, keys: Sequence[str]) -> str:
    """The key of the taxa of a release that a model knows, by the model's taxon keys."""
    model = hashlib.sha256("\n".join(keys).encode()).hexdigest()[:16]
    return f"geoid:taxa:{FORMAT}:{release.digest[:16]}:{model}"


def taxon_key(release: Release, key: str) -> str:
    """The key of the cells where a taxon occurs."""
    return f"geoid:taxon:{FORMAT}:{release.digest[:16]}:{key}"


def pack_pointer(pointer: Pointer) -> bytes:
    """A pointer as JSON: current and previous release, each as name, kind and digest."""
    return json.dumps(pointer).encode()


def unpack_pointer(value: bytes) -> Pointer:
    """The pointer of `pack_pointer`; raises `ValueError` for anything else."""
    current, previous = _listed(_parsed(value), 2)
    return Pointer(_release(current), None if previous is None else _release(previous))


def _release(found: object) -> Release:
    name, kind, digest = _listed(found, 3)
    return Release(_text(name), Kind(_text(kind)), _text(digest))


def pack_taxa(known: KnownTaxa) -> bytes:
    """Known taxa as JSON, compressed by zlib."""
    return zlib.compress(json.dumps(known).encode())


def unpack_taxa(value: bytes) -> KnownTaxa:
    """The taxa of `pack_taxa`; raises `ValueError` for anything else."""
    size, occurrences, rows = _listed(_parsed(_inflated(value)), 3)
    taxa = tuple(_taxon(row) for row in _listed(rows))
    known = KnownTaxa(_whole(size, MAX_TAXA), _whole(occurrences), taxa)
    if any(taxon.number >= known.size for taxon in taxa):
        raise ValueError("a taxon's number is not one of the release")
    return known


def _taxon(row: object) -> KnownTaxon:
    number, key, flags, occurrences = _listed(row, 4)
    return KnownTaxon(_whole(number), _text(key), _whole(flags), _whole(occurrences))


def pack_cells(cells: Sequence[str]) -> bytes:
    """The cells of a taxon as area packs hold them."""
    return zlib.compress(packed(tuple(int(cell, 16) for cell in cells)))


def unpack_cells(value: bytes) -> tuple[str, ...]:
    """The cells of `pack_cells`; raises `ValueError` for anything else."""
    import h3

    data = _inflated(value)
    if len(data) % 8:
        raise ValueError("not a row of cells")
    cells = unpacked(data)
    if not all(h3.is_valid_cell(cell) and h3.get_resolution(cell) <= OF_TAXON for cell in cells):
        raise ValueError("not cells of a taxon")
    return cells


def _inflated(value: bytes) -> bytes:
    unpacking = zlib.decompressobj()
    try:
        data = unpacking.decompress(value, MAX_UNPACKED)
    except zlib.error as error:
        raise ValueError(str(error)) from error
    if not unpacking.eof:
        raise ValueError("not whole, or far too large")
    return data


def _parsed(value: bytes) -> object:
    try:
        return json.loads(value)
    except RecursionError as error:
        raise ValueError("lists within lists") from error


def _listed(found: object, length: int | None = None) -> list[object]:
    if not isinstance(found, list) or length not in {None, len(found)}:
        raise ValueError("not the list that was expected")
    return found


def _text(found: object) -> str:
    if not isinstance(found, str):
        raise ValueError("not a text")  # noqa: TRY004 - whatever is wrong with a value is one kind of error
    return found


def _whole(found: object, most: int = MAX_COUNT) -> int:
    if type(found) is not int or not 0 <= found <= most:
        raise ValueError("not a whole number, or not one that counts anything")
    return found
