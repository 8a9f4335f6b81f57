"""The lookup step: from a place to the evidence of its cells, through caches and database, within one deadline."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geoid.core.attempts import Attempt
from geoid.core.breaker import Breaker
from geoid.core.evidence import LOCAL, Evidence, Matched, has_data, taxa_here, weigh
from geoid.core.features import HINT, Features, decode, taxa_in
from geoid.core.fetching import LONGEST_LOCK, CachePath, Fetched
from geoid.core.places import cells_around, kilometres
from geoid.core.pointers import PointerReader
from geoid.core.ports import FeatureCache, FeatureStore, ReleaseReader
from geoid.core.predictions import LookupFacts, LookupOutcome, Mode, Narrowing, NarrowingStatus
from geoid.core.release_facts import ReleaseFacts
from geoid.core.releases import Kind, Release, ReleaseTaxon
from geoid.core.tiers import Database, SharedCache
from geoid.core.values import Capture, Coordinates
from geoid.errors import AreaDataError, NewerFormatError, ReleaseGone, SettingsError, UnavailableError


class Limits(NamedTuple):
    """Seconds that a lookup may take, that one request to the shared cache may take, and that cached values live."""

    deadline: float = 0.3
    cache_timeout: float = 0.1
    ttl: float = 604_800.0


class Looked(NamedTuple):
    """What a lookup gives: the cell of a place, what its area says of the model's taxa (if anything), how that went."""

    cell: str | None
    evidence: Evidence | None
    narrowing: Narrowing
    facts: LookupFacts | None = None


class Found(NamedTuple):
    """The area of a place: its features, and the release that they are of, with its taxa."""

    release: Release
    matched: Matched
    fetched: Fetched
    status: NarrowingStatus = NarrowingStatus.APPLIED


@dataclass(frozen=True, slots=True)
class Areas:
    """Area data as the pipeline sees it; safe to share between threads.

    A lookup for a prediction ends within `deadline` seconds; what lists and maps ask has the adapters' own bounds.
    """

    path: CachePath
    pointers: PointerReader
    known: ReleaseFacts
    deadline: float
    mode: Mode = Mode.BOOST
    now: Callable[[], float] = time.monotonic

    def look_up(self, capture: Capture) -> Looked:
        """What the area says of a capture; raises `SettingsError` where no server ever answered as things are set."""
        cells = cells_around(capture.location.coordinates) if capture.location else ()
        if not cells:
            return Looked(None, None, Narrowing(NarrowingStatus.NO_LOCATION, self.mode))
        if self.mode is Mode.OFF:
            return Looked(cells[0], None, Narrowing(NarrowingStatus.OFF, self.mode))
        attempt = self._attempt()
        try:
            found = self._found(cells, attempt)
        except UnavailableError:
            attempt.count(LookupOutcome.UNAVAILABLE, len(cells))
            unavailable = Narrowing(NarrowingStatus.DATABASE_UNAVAILABLE, self.mode, LookupOutcome.UNAVAILABLE)
            return Looked(cells[0], None, unavailable, attempt.facts())
        return self._weighed(cells[0], found, capture, attempt)

    def _weighed(self, cell: str, found: Found, capture: Capture, attempt: Attempt) -> Looked:
        try:
            return self._told(cell, found, capture, attempt)
        except IndexError as error:  # only the last of a value's records, which are in order, was looked at
            raise AreaDataError("a cell's features name taxa that their release does not have", HINT) from error

    def _told(self, cell: str, found: Found, capture: Capture, attempt: Attempt) -> Looked:
        narrowing = narrowed(found.release, found.matched, found.fetched, self.mode, found.status)
        if narrowing.status is NarrowingStatus.NO_DATA_HERE:
            return Looked(cell, None, narrowing, attempt.facts())
        month = capture.date.value.month if capture.date else None
        return Looked(cell, weigh(found.fetched.features, found.matched, month), narrowing, attempt.facts())

    def _found(self, cells: Sequence[str], attempt: Attempt) -> Found:
        """The area in the release in force or, where only the caches answer, in the one before."""
        pointer = self.pointers.read(attempt)
        try:
            return self._of(pointer.current, cells, attempt)
        except ReleaseGone:
            self.pointers.forget(pointer)
            return self._of(self.pointers.read(attempt).current, cells, attempt)
        except NewerFormatError:
            raise  # what the database says, not that it is silent
        except (UnavailableError, SettingsError):
            stale = self._stale(pointer.previous, cells, attempt)
            if stale is None:
                raise
            return stale

    def _of(self, release: Release, cells: Sequence[str], attempt: Attempt) -> Found:
        matched = self.known.matched(release, attempt)
        return Found(release, matched, self.path.fetch(release, len(matched.model_of), cells, attempt))

    def _stale(self, release: Release | None, cells: Sequence[str], attempt: Attempt) -> Found | None:
        """What the caches hold of a former release, if that is all there is to know of the place."""
        matched = self.known.matched_without_asking(release, attempt) if release is not None else None
        if release is None or matched is None:
            return None
        fetched = self.path.kept(release, len(matched.model_of), cells, attempt)
        if fetched is None:
            return None
        return Found(release, matched, fetched, NarrowingStatus.STALE)

    def release(self, attempt: Attempt | None = None) -> Release:
        """The release in force; raises `UnavailableError`."""
        return self.pointers.read(attempt or Attempt()).current

    def features(self, release: Release, cells: Sequence[str], attempt: Attempt) -> Fetched:
        """The features of cells in a release; raises `UnavailableError`."""
        return self._of(release, cells, attempt).fetched

    def overflow(self, release: Release, cells: Sequence[str]) -> tuple[Features, ...]:
        """The features that did not fit into the cells' values: of interest to lists, not to predictions."""
        store = self.path.database.store
        return tuple(decode(value) for value in store.overflow(release, cells).values())

    def taxa(self, release: Release) -> Sequence[ReleaseTaxon]:
        """All taxa of a release."""
        return self.known.taxa(release, Attempt())

    def matched(self, release: Release) -> Matched:
        """The model's taxa among those of a release."""
        return self.known.matched(release, Attempt())

    def range_cells(self, keys: Sequence[str]) -> tuple[str, ...]:
        """The cells where any of these taxa occurs, compacted for each of them; raises `UnavailableError`."""
        attempt = Attempt()
        release = self.pointers.read(attempt).current
        return tuple({cell: None for key in keys for cell in self.known.cells(release, key, attempt)})

    def distance_km(self, keys: Sequence[str], place: Coordinates) -> float | None:
        """How far the nearest cell is where one of these taxa occurs, centre to place; none if that is not known."""
        attempt = self._attempt()
        try:
            release = self.pointers.read(attempt).current
            centres = [self.known.centres(release, key, attempt) for key in keys]
        except (UnavailableError, SettingsError):
            return None
        reached = [kilometres(place, found).min() for found in centres if len(found)]
        return float(min(reached)) if reached else None

    def _attempt(self) -> Attempt:
        return Attempt(self.now() + self.deadline, self.now)


class Behind(NamedTuple):
    """What stands behind a lookup: store and releases, the process's own cache, and the one that processes share.

    `scope` names the store where others may use the same cache; without one, what is in force is not shared.
    """

    store: FeatureStore
    releases: ReleaseReader
    local: FeatureCache
    shared: FeatureCache | None = None
    scope: str | None = ""


def open_areas(
    behind: Behind,
    keys: Sequence[str] = (),
    limits: Limits | None = None,
    mode: Mode = Mode.BOOST,
    now: Callable[[], float] = time.monotonic,
) -> Areas:
    """Area data over a store and caches; `keys` are the taxa that the model knows."""
    bounds = limits or Limits()
    database = Database(behind.store, behind.releases, Breaker(now=now))
    shared = None if behind.shared is None else SharedCache(behind.shared, bounds.cache_timeout, Breaker(now=now))
    return Areas(
        CachePath(behind.local, shared, database, bounds.ttl, lock_ttl=min(bounds.deadline, LONGEST_LOCK)),
        PointerReader(database, None if behind.scope is None else shared, bounds.ttl, behind.scope or "", now),
        ReleaseFacts(database, shared, keys, bounds.ttl),
        bounds.deadline,
        mode,
        now,
    )


def narrowed(
    release: Release,
    matched: Matched,
    fetched: Fetched,
    mode: Mode,
    status: NarrowingStatus = NarrowingStatus.APPLIED,
) -> Narrowing:
    """How far the area's data goes: taxa here, those the model knows, density of records."""
    features, outcome = fetched
    if not has_data(features):
        return Narrowing(NarrowingStatus.NO_DATA_HERE, mode, outcome, release.name)
    here = taxa_here(features)
    of_model = matched.model_of[here]
    everywhere = matched.worldwide.copy()
    everywhere[of_model[of_model >= 0]] = False  # those are counted already
    listed, known = len(here) + np.count_nonzero(everywhere), np.count_nonzero(of_model >= 0)
    overflowing = _overflowing(release, features, here)
    density = max(one.density for one in features) if release.kind is not Kind.RANGES else None
    counts = (int(listed) + overflowing, int(known + np.count_nonzero(everywhere)))
    return Narrowing(status, mode, outcome, release.name, *counts, density)


def _overflowing(release: Release, features: Sequence[Features], here: NDArray[np.intp]) -> int:
    """How many more taxa are here that did not fit into the value of one of the cells.

    Taxa whose records are of the coarse cell only are near; of ranges that cell may be the finest.
    """
    cells = [one for one in features if one.resolution >= LOCAL or release.kind is Kind.RANGES]
    cut = [one for one in cells if one.taxa > taxa_in(one.records)]
    return max((one.taxa - len(np.union1d(one.records["taxon"], here)) for one in cut), default=0)
