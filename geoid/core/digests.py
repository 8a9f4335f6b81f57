"""The digest of a release: sha256 over its sorted logical content, nothing compressed, fed piece by piece.

It goes over the taxa by key, and for each resolution over the heads and the records of the cells in their order.
A cell's overflow belongs to the cell, so where a value was cut does not matter. Names, dates, sources and licences
are left out: the same data has the same digest.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from geoid.core.features import RESOLUTIONS, Records, decode, in_order

if TYPE_CHECKING:
    from geoid.core.releases import ReleaseTaxon

HEAD = np.dtype([("cell", "<u8"), ("weight", "<f4"), ("occurrences", "<u4"), ("records", "<u4"), ("taxa", "<u4")])
"""What counts of a cell besides its records."""

_HEAD = struct.Struct("<QfIII")
"""The same, of one cell."""

_json = json.JSONEncoder(ensure_ascii=False, sort_keys=True).encode


class Digest:
    """Takes a release in: taxa in the order of their keys, cells in ascending order within a resolution."""

    def __init__(self) -> None:
        self._taxa = hashlib.sha256(b"geoid release 2\n")
        self._heads = {resolution: hashlib.sha256() for resolution in RESOLUTIONS}
        self._records = {resolution: hashlib.sha256() for resolution in RESOLUTIONS}

    def taxon(self, taxon: ReleaseTaxon, cells: bytes) -> None:
        """Take a taxon in; `cells` are those where it occurs, 8 bytes each, little endian, sorted."""
        facts = (*taxon[:5], dict(taxon.lineage), taxon.flags, taxon.occurrences)
        self._taxa.update(_json(facts).encode())
        self._taxa.update(cells)

    def cells(self, resolution: int, heads: np.ndarray, records: Records) -> None:
        """Take the next cells of a resolution in: heads (n) of `HEAD`, and all their records."""
        self._heads[resolution].update(np.ascontiguousarray(heads).data)
        self._records[resolution].update(np.ascontiguousarray(records).data)

    def value(self, cell: int, value: bytes, overflow: bytes | None = None) -> None:
        """Take one cell in by its value; raises `AreaDataError` for one that is damaged."""
        features = decode(value)
        records = features.records
        if overflow is not None:
            records = in_order(np.concatenate([records, decode(overflow).records]))
        head = _HEAD.pack(cell, features.weight, features.occurrences, len(records), features.taxa)
        self._heads[features.resolution].update(head)
        self._records[features.resolution].update(records.tobytes())

    def hexdigest(self) -> str:
        """What came in so far, as 64 hexadecimal digits."""
        found = self._taxa.copy()
        for resolution in RESOLUTIONS:
            found.update(self._heads[resolution].digest() + self._records[resolution].digest())
        return found.hexdigest()


def of_values(
    taxa: Iterable[tuple[ReleaseTaxon, bytes]], cells: Iterable[tuple[int, bytes]], overflow: Mapping[int, bytes]
) -> str:
    """The digest of a release whose values are made already: taxa with their packed cells, and values by cell."""
    found = Digest()
    for taxon, places in taxa:
        found.taxon(taxon, places)
    left = dict(overflow)
    for cell, value in cells:
        found.value(cell, value, left.pop(cell, None))
    for cell, value in sorted(left.items()):  # which no release has; so a pack with such rows is not what it says
        found.value(cell, value)
    return found.hexdigest()
