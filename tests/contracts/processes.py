"""Several processes over one database and one shared cache, all of tables, on a clock that stands until it is moved."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import h3
from tables import TableCache, TableReleases, TableStore, release_of

from geoid.core.areas import Areas, Behind, Limits, open_areas
from geoid.core.evidence import Evidence, match, weigh
from geoid.core.features import Features, Flag, decode, encode, records_of
from geoid.core.places import cells_around
from geoid.core.releases import Contents, Kind, Pointer, Release, ReleaseTaxon, cache_keys
from geoid.core.values import Capture, CaptureDate, Coordinates, Location, Source
from geoid.errors import UnavailableError

KEYS = ("ant", "bee", "cow", "dog", "elk")
ANT, BEE, COW, DOG, ELK = range(5)
YEAR = bytes([255] * 12)
SUMMER = bytes(255 if 4 <= month <= 9 else 0 for month in range(1, 13))
LONDON, PARIS, FIJI = Coordinates(51.5, -0.125), Coordinates(48.85, 2.35), Coordinates(-16.5, 180)
CITY, SUBURB = Coordinates(51.5, -0.125), Coordinates(51.35, 0.3)
"""Two places that share their coarse cells only."""


@dataclass
class Clock:
    """A clock that stands still until it is moved."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        """Move on at once."""
        self.now += seconds


def value(resolution: int, *rows: tuple[int, bytes, int], occurrences: int = 0, weight: float = 0.0) -> bytes:
    """Feature bytes of rows of taxon, months and flags, each present."""
    records = records_of((taxon, 255, months, flags) for taxon, months, flags in rows)
    return encode(Features(resolution, records, occurrences, weight)).value


def contents(cells: dict[str, bytes], name: str = "first", kind: Kind = Kind.RANGES, *, where=None, flags=None):
    """A release of five taxa; `where` are their cells, `flags` what holds for them everywhere."""
    facts = [(flags or {}).get(number, 0) for number in range(5)]
    taxa = tuple(
        ReleaseTaxon(number, KEYS[number], KEYS[number], None, "species", {}, facts[number]) for number in range(5)
    )
    found = tuple(tuple(int(cell, 16) for cell in (where or {}).get(number, ())) for number in range(5))
    values = {int(cell, 16): data for cell, data in cells.items()}
    return Contents(name, kind, taxa, found, values, {}, "", "")


def at(place: Coordinates, month: int | None = None) -> Capture:
    """A photo of a place, and perhaps of a month."""
    date = CaptureDate(datetime.date(2024, month, 15), Source.EXIF) if month else None
    return Capture(Location(place, Source.EXIF), date)


def around(place: Coordinates) -> dict[int, str]:
    """The cells of a place by resolution."""
    return {h3.get_resolution(cell): cell for cell in cells_around(place)}


def held_everywhere(taxon: int, name: str) -> Contents:
    """A release where one taxon occurs in every cell of London and Paris, and nothing in Fiji."""
    cells = {
        cell: value(resolution, (taxon, YEAR, Flag.RANGE))
        for place in (LONDON, SUBURB, PARIS)
        for resolution, cell in around(place).items()
    }
    return contents(cells, name, where={taxon: [around(LONDON)[3], around(PARIS)[3]]})


def keys_of(release: Contents, place: Coordinates) -> tuple[str, ...]:
    """The keys of a place in a cache, finest cell first."""
    return tuple(cache_keys(release_of(release), cells_around(place)))


def truth(release: Contents, place: Coordinates) -> Evidence | None:
    """What a release says of a place, without any cache; none where it knows nothing."""
    held = [release.cells.get(int(cell, 16)) for cell in cells_around(place)]
    features = [decode(one) for one in held if one]
    return weigh(features, match(KEYS, release.taxa), None) if features else None


class Process(NamedTuple):
    """One process: its area data and the cache that it has to itself."""

    areas: Areas
    local: TableCache


class World:
    """A database, a shared cache and a clock, and processes that start on them; the first release is in force."""

    def __init__(self, *releases: Contents) -> None:
        self.clock = Clock()
        self.store = TableStore(*releases)
        self.releases = TableReleases(*map(release_of, releases))
        self.shared = TableCache(self.clock)

    def process(
        self, keys: Sequence[str] = KEYS, limits: Limits | None = None, sleep: Callable[[float], None] | None = None
    ) -> Process:
        """Start a process, which knows nothing yet."""
        local = TableCache(self.clock)
        behind = Behind(self.store, self.releases, local, self.shared)
        areas = open_areas(behind, keys, limits, now=self.clock)
        return Process(replace(areas, path=replace(areas.path, sleep=sleep or self.clock.sleep)), local)

    def fail(self, *, down: bool = True) -> None:
        """Take the database away, or bring it back."""
        self.store.down = self.releases.down = down

    def switch(self, release: Contents) -> None:
        """Put a release in force."""
        self.releases.previous, self.releases.in_force = self.releases.in_force, release_of(release)

    def pointer(self) -> Pointer:
        """The release in force and the one before."""
        assert self.releases.in_force is not None
        return Pointer(self.releases.in_force, self.releases.previous)


class SlowStore(TableStore):
    """A store whose answers take `takes` seconds of a clock; what takes longer than the time left is not answered."""

    def __init__(self, clock: Clock, takes: float, *releases: Contents) -> None:
        super().__init__(*releases)
        self.clock, self.takes = clock, takes

    def features(self, release: Release, cells: Sequence[str], timeout: float | None = None) -> Mapping[str, bytes]:
        """Take the time."""
        self._take(timeout)
        return super().features(release, cells, timeout)

    def taxon_cells(self, release: Release, key: str, timeout: float | None = None) -> Sequence[str]:
        """Take the time."""
        self._take(timeout)
        return super().taxon_cells(release, key, timeout)

    def _take(self, timeout: float | None) -> None:
        self.clock.now += self.takes if timeout is None else min(self.takes, timeout)
        if timeout is not None and timeout < self.takes:
            raise UnavailableError("the table takes its time")
