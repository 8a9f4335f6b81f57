"""Records of occurrences made up for tests, and what a release holds of them, counted one by one in plain Python."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from typing import NamedTuple

import h3
import numpy as np

from geoid.core.features import Flag, weight_of
from geoid.seeding.bits import code, details, record_keys
from geoid.seeding.building import World, work
from geoid.seeding.heap import Heap


class Record(NamedTuple):
    """One record: where, of which taxon, in which month (0: unknown), the finest resolution it may enter."""

    latitude: float
    longitude: float
    taxon: int
    month: int = 0
    finest: int = 5
    introduced: bool = False

    def cell(self, resolution: int) -> str:
        """Its cell, a parent of its cell at resolution 5."""
        return h3.cell_to_parent(h3.latlng_to_cell(self.latitude, self.longitude, 5), resolution)


def some(count: int, seed: int, taxa: int = 40) -> list[Record]:
    """Random records around a few places, the poles and the antimeridian among them."""
    chance = random.Random(seed)
    places = [(51.5, -0.1), (-1.3, 36.8), (89.9, 10.0), (-89.9, -170.0), (10.0, 179.99), (64.7, 10.5), (0.3, -0.3)]
    return [
        Record(
            max(-90, min(90, latitude + chance.gauss(0, 0.4))),
            (longitude + chance.gauss(0, 0.4) + 180) % 360 - 180,
            min(int(chance.expovariate(0.15)), taxa - 1),
            chance.choice(range(13)),
            chance.choice((5, 5, 5, 5, 4, 3, 2)),
            chance.random() < 0.3,
        )
        for latitude, longitude in chance.choices(places, k=count)
    ]


def keys_of(records: list[Record]) -> np.ndarray:
    """The keys of records."""
    columns = [
        [int(record.cell(5), 16) for record in records],
        *zip(*[(one.taxon, one.month, one.finest - 2, one.introduced) for one in records], strict=True),
    ]
    cells, taxa, months, classes, introduced = (np.array(column, np.uint64) for column in columns)
    return record_keys(code(cells), taxa, details(months, classes, introduced))


def worked(records: list[Record], taxa: int = 40, heap: Heap | None = None) -> list:
    """The stretches of the world that records make."""
    held = heap or Heap(rows=1 << 12)
    held.add(keys_of(records))
    return list(work(World(held.runs(), np.arange(taxa), taxa, {}, {})))


def counted(records: list[Record]) -> dict[str, list[tuple]]:
    """For each cell: taxon, weight of the year, weights of the months, flags, one after the other."""
    here: dict[str, dict[int, list[Record]]] = defaultdict(lambda: defaultdict(list))
    for record in records:
        for resolution in range(2, record.finest + 1):
            here[record.cell(resolution)][record.taxon].append(record)
    return {cell: [_row(cell, *pair) for pair in sorted(taxa.items())] for cell, taxa in here.items()}


def _row(cell: str, taxon: int, records: list[Record]) -> tuple:
    months = Counter(record.month for record in records)
    flags = 0
    if 2 * sum(record.introduced for record in records) > len(records):
        flags |= Flag.INTRODUCED
    resolution = h3.get_resolution(cell)
    if resolution < 5 and 2 * sum(record.finest == resolution for record in records) > len(records):
        flags |= Flag.TOO_COARSE
    return taxon, weight_of(len(records)), [weight_of(months[month]) for month in range(1, 13)], int(flags)
