"""The lookup step: from a place to the evidence of its cells, through cache and store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from geoid.core.evidence import Evidence, Matched, ensure_known, has_data, match, taxa_here, weigh
from geoid.core.features import Features, decode
from geoid.core.places import cells_around, kilometres
from geoid.core.ports import FeatureCache, FeatureStore, ReleaseStore
from geoid.core.predictions import LookupOutcome, Mode, Narrowing, NarrowingStatus
from geoid.core.releases import Kind, Release, ReleaseTaxon, cache_key
from geoid.core.values import Capture, Coordinates
from geoid.errors import UnavailableError

ABSENT = b""
"""What a cache keeps for a cell that has no data."""


@dataclass(frozen=True, slots=True)
class Taxa:
    """The taxa of a release, loaded once a process, and where the model's are among them."""

    listed: Sequence[ReleaseTaxon]
    matched: Matched


@dataclass(frozen=True, slots=True)
class Areas:
    """Area data as the pipeline sees it; `keys` are the taxa that the model knows. Safe to share between threads."""

    store: FeatureStore
    releases: ReleaseStore
    cache: FeatureCache
    keys: Sequence[str]
    ttl: float
    mode: Mode = Mode.BOOST
    _taxa: dict[str, Taxa] = field(default_factory=dict)
    _centres: dict[tuple[str, str], NDArray[np.float64]] = field(default_factory=dict)

    def look_up(self, capture: Capture) -> tuple[str | None, Evidence | None, Narrowing]:
        """The cell of a capture, what its area says of the model's taxa (if anything), and how that went."""
        cells = cells_around(capture.location.coordinates) if capture.location else ()
        if not cells:
            return None, None, Narrowing(NarrowingStatus.NO_LOCATION, self.mode)
        if self.mode is Mode.OFF:
            return cells[0], None, Narrowing(NarrowingStatus.OFF, self.mode)
        try:
            release = self.releases.current()
            features, outcome = self.features(release, cells)
            taxa = self.taxa(release)
            ensure_known(features, taxa.matched)
        except UnavailableError:
            unavailable = Narrowing(NarrowingStatus.DATABASE_UNAVAILABLE, self.mode, LookupOutcome.UNAVAILABLE)
            return cells[0], None, unavailable
        narrowing = narrowed(release, taxa.matched, features, outcome, self.mode)
        if narrowing.status is NarrowingStatus.NO_DATA_HERE:
            return cells[0], None, narrowing
        month = capture.date.value.month if capture.date else None
        return cells[0], weigh(features, taxa.matched, month), narrowing

    def features(self, release: Release, cells: Sequence[str]) -> tuple[tuple[Features, ...], LookupOutcome]:
        """The features of those cells that have any, in one request a tier, and the outcome."""
        keys = {cell: cache_key(release, cell, cells[-1]) for cell in cells}
        kept = self.cache.get(list(keys.values()))
        missing = [cell for cell in cells if keys[cell] not in kept]
        values = {cell: kept[key] for cell, key in keys.items() if key in kept}
        if missing:
            fresh = self.store.features(release, missing)
            values |= {cell: fresh.get(cell, ABSENT) for cell in missing}
            self.cache.put({keys[cell]: values[cell] for cell in missing}, self.ttl)
        return tuple(decode(value) for value in values.values() if value), _outcome(values, missing)

    def overflow(self, release: Release, cells: Sequence[str]) -> tuple[Features, ...]:
        """The features that did not fit into the cells' values: of interest to lists, not to predictions."""
        return tuple(decode(value) for value in self.store.overflow(release, cells).values())

    def taxa(self, release: Release) -> Taxa:
        """The taxa of a release, read once."""
        if release.digest not in self._taxa:
            listed = self.store.taxa(release)
            self._taxa[release.digest] = Taxa(listed, match(self.keys, listed))
        return self._taxa[release.digest]

    def range_cells(self, keys: Sequence[str]) -> tuple[str, ...]:
        """The cells where any of these taxa occurs, compacted for each of them; raises `UnavailableError`."""
        release = self.releases.current()
        return tuple({cell: None for key in keys for cell in self.store.taxon_cells(release, key)})

    def distance_km(self, keys: Sequence[str], place: Coordinates) -> float | None:
        """How far the nearest cell is where one of these taxa occurs, centre to place; none if that is not known."""
        try:
            release = self.releases.current()
            centres = [self._range(release, key) for key in keys]
        except UnavailableError:
            return None
        reached = [kilometres(place, found).min() for found in centres if len(found)]
        return float(min(reached)) if reached else None

    def _range(self, release: Release, key: str) -> NDArray[np.float64]:
        """The centres of a taxon's cells (cells, 2), in degrees."""
        import h3

        if (release.digest, key) not in self._centres:
            cells = self.store.taxon_cells(release, key)
            points = [h3.cell_to_latlng(cell) for cell in h3.uncompact_cells(cells, 3)] if cells else []
            self._centres[release.digest, key] = np.array(points).reshape(-1, 2)
        return self._centres[release.digest, key]


def _outcome(values: Mapping[str, bytes], missing: Sequence[str]) -> LookupOutcome:
    if not any(values.values()):
        return LookupOutcome.ABSENT
    return LookupOutcome.MISS if missing else LookupOutcome.LOCAL_HIT


def narrowed(
    release: Release, matched: Matched, features: Sequence[Features], outcome: LookupOutcome, mode: Mode
) -> Narrowing:
    """How far the area's data goes: taxa here, those the model knows, density of records."""
    if not has_data(features):
        return Narrowing(NarrowingStatus.NO_DATA_HERE, mode, outcome, release.name)
    here = taxa_here(features)
    known = int(np.count_nonzero(matched.model_of[here] >= 0))
    everywhere = int(np.count_nonzero(matched.worldwide))
    overflowing = max(one.taxa - len(one.records) for one in features)
    density = max(one.density for one in features) if release.kind is not Kind.RANGES else None
    counts = (len(here) + everywhere + max(overflowing, 0), known + everywhere)
    return Narrowing(NarrowingStatus.APPLIED, mode, outcome, release.name, *counts, density)
