"""Ranges to a release: records by cell, cells of the same records merged into their parents, values encoded once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import h3
import numpy as np
from numpy.typing import NDArray

from geoid.core.features import RECORD, Features, Flag, Records, encode
from geoid.core.releases import Contents, Kind, ReleaseTaxon
from geoid.core.values import Taxon
from geoid.seeding.cells import RESOLUTION, neighbours, whole
from geoid.seeding.ranges import YEAR, Range

COARSEST = 2
PRESENT = 255
BITS = np.uint16(1) << np.arange(12, dtype=np.uint16)


class Named(NamedTuple):
    """A taxon with its range."""

    taxon: Taxon
    range: Range


def release_of(name: str, ranges: Sequence[Named], sources: str, licences: str) -> Contents:
    """The release of a table of ranges; taxa are numbered in the order of their keys."""
    ordered = sorted(ranges, key=lambda named: named.taxon.key)
    taxa = tuple(_taxon(number, named) for number, named in enumerate(ordered))
    values = _values(_by_cell(ordered))
    cells = tuple(_taxon_cells(named.range) for named in ordered)
    return Contents(name, Kind.RANGES, taxa, cells, values, {}, sources, licences)


def _taxon(number: int, named: Named) -> ReleaseTaxon:
    taxon = named.taxon
    flags = int(named.range.flags)
    return ReleaseTaxon(
        number, taxon.key, taxon.scientific_name, taxon.common_name, taxon.rank, dict(taxon.lineage), flags
    )


def _taxon_cells(where: Range) -> tuple[int, ...]:
    cells = [f"{whole(code):x}" for code in np.flatnonzero(where.native | where.introduced).tolist()]
    return tuple(sorted(int(cell, 16) for cell in h3.compact_cells(cells)))


def _by_cell(ordered: Sequence[Named]) -> Mapping[int, Records]:
    """The records of each cell (16 bits) that has any."""
    parts = [records_of_range(number, named.range) for number, named in enumerate(ordered)]
    codes = np.concatenate([codes for codes, _ in parts])
    records = np.concatenate([records for _, records in parts])
    order = np.argsort(codes, kind="stable")  # within a cell the taxa stay in the order of their numbers
    codes, records = codes[order], records[order]
    starts = np.flatnonzero(np.diff(codes, prepend=-1))
    split = np.split(records, starts[1:]) if len(starts) else []
    return dict(zip(codes[starts].tolist(), split, strict=True))


def records_of_range(number: int, where: Range) -> tuple[NDArray[np.int64], Records]:
    """The cells that a range takes or touches, and its record in each."""
    months = where.native | where.introduced | where.doubtful
    taken = np.flatnonzero(months)
    touching = np.zeros_like(months)
    np.bitwise_or.at(touching, neighbours()[taken], months[taken, None])
    touching[taken] = 0
    codes = np.flatnonzero(months | touching)
    found = np.zeros(len(codes), RECORD)
    present = (months | touching)[codes]
    found["taxon"] = number
    found["year"] = PRESENT
    found["months"] = np.where(present[:, None] & BITS, PRESENT, 0)
    found["flags"] = _record_flags(where, codes, present, touching)
    return codes, found


def _record_flags(
    where: Range, codes: NDArray[np.intp], present: NDArray[np.uint16], touching: NDArray[np.uint16]
) -> NDArray[np.uint8]:
    native, introduced = where.native[codes] > 0, where.introduced[codes] > 0
    touches = touching[codes] > 0
    flags = np.full(len(codes), int(Flag.RANGE), np.uint8)
    flags[present != YEAR] |= int(Flag.MIGRANT)
    flags[introduced & ~native] |= int(Flag.INTRODUCED)
    flags[touches] |= int(Flag.TOUCHES)
    flags[~native & ~introduced & ~touches] |= int(Flag.DOUBTFUL)
    return flags


def _values(by_cell: Mapping[int, Records]) -> dict[int, bytes]:
    """Feature bytes by cell: a parent whose children all hold the same records takes their place."""
    families: dict[str, dict[str, bytes]] = defaultdict(dict)
    for code, records in by_cell.items():
        cell = f"{whole(code):x}"
        families[h3.cell_to_parent(cell, COARSEST)][cell] = records.tobytes()
    known: dict[tuple[int, bytes], bytes] = {}

    def value(resolution: int, body: bytes) -> bytes:
        if (resolution, body) not in known:
            known[resolution, body] = encode(Features(resolution, np.frombuffer(body, RECORD))).value
        return known[resolution, body]

    found: dict[int, bytes] = {}
    for parent, family in families.items():
        bodies = set(family.values())
        if len(bodies) == 1 and len(family) == h3.cell_to_children_size(parent, RESOLUTION):
            found[int(parent, 16)] = value(COARSEST, bodies.pop())
        else:
            found |= {int(cell, 16): value(RESOLUTION, body) for cell, body in family.items()}
    return found
