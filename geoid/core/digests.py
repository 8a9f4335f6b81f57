"""The digest of a release: sha256 over its sorted logical content, nothing compressed, fed piece by piece.

It goes over the taxa by key, and for each resolution over the heads and the records of the cells in their order.
A cell's overflow belongs to the cell, so where a value was cut does not matter. Names, dates, sources and licences
are left out: the same data has the same digest.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from geoid.core.features import RESOLUTIONS, Flag, Records, decode

if TYPE_CHECKING:
    from geoid.core.releases import ReleaseTaxon

HEAD = np.dtype([("cell", "<u8"), ("weight", "<f4"), ("occurrences", "<u4"), ("records", "<u4"), ("taxa", "<u4")])
"""What counts of a cell besides its records."""

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
        parts = [features.records] if overflow is None else [features.records, decode(overflow).records]
        records = in_order(np.concatenate(parts))
        head = np.array([(cell, features.weight, features.occurrences, len(records), features.taxa)], HEAD)
        self.cells(features.resolution, head, records)

    def hexdigest(self) -> str:
        """What came in so far, as 64 hexadecimal digits."""
        found = self._taxa.copy()
        for resolution in RESOLUTIONS:
            found.update(self._heads[resolution].digest() + self._records[resolution].digest())
        return found.hexdigest()


def of_values(
    taxa: Iterable[tuple[ReleaseTaxon, bytes]], cells: Iterable[tuple[int, bytes]], overflow: Mapping[int, bytes]
) -> str:
    """The digest of a release whose values are made already: taxa with their packed cells, and cells in any order."""
    found = Digest()
    for taxon, places in taxa:
        found.taxon(taxon, places)
    for cell, value in cells:
        found.value(cell, value, overflow.get(cell))
    return found.hexdigest()


def in_order(records: Records) -> Records:
    """Records by taxon, of one taxon that of occurrences before that of the range."""
    of_range = records["flags"] & Flag.RANGE > 0
    return records[np.lexsort((of_range, records["taxon"]))]
