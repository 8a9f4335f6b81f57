"""What is read once of a release: its taxa, where the model's are among them, where a taxon occurs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from geoid.core.attempts import Attempt
from geoid.core.evidence import KnownTaxa, Matched, known_taxa, place
from geoid.core.releases import Release, ReleaseTaxon
from geoid.core.remembered import pack_cells, pack_taxa, taxa_key, taxon_key, unpack_cells, unpack_taxa
from geoid.core.tiers import CACHE, Database, SharedCache
from geoid.errors import AreaDataError, UnavailableError

Fact = TypeVar("Fact")
RANGES = 100
"""Taxa whose ranges are kept ready for measuring; a range that spans the world takes 600 kB."""


@dataclass(frozen=True, slots=True)
class ReleaseFacts:
    """Facts of releases, kept in the process and in the shared cache; `keys` are the taxa that the model knows."""

    database: Database
    shared: SharedCache | None
    keys: Sequence[str]
    ttl: float
    _taxa: dict[str, Sequence[ReleaseTaxon]] = field(default_factory=dict)
    _matched: dict[str, Matched] = field(default_factory=dict)
    _centres: dict[tuple[str, str], NDArray[np.float64]] = field(default_factory=dict)
    _reading: threading.Lock = field(default_factory=threading.Lock)

    def taxa(self, release: Release, attempt: Attempt) -> Sequence[ReleaseTaxon]:
        """All taxa of a release; raises `UnavailableError`."""
        if release.digest not in self._taxa:
            store = self.database.store
            self._taxa[release.digest] = self.database.ask(attempt, lambda timeout: store.taxa(release, timeout))
        return self._taxa[release.digest]

    def matched(self, release: Release, attempt: Attempt) -> Matched:
        """The model's taxa among those of a release; raises `UnavailableError`."""
        found = self._matched.get(release.digest)
        if found is not None:
            return found
        with self._turn(attempt):
            found = self.matched_without_asking(release, attempt)
            if found is None:
                known = known_taxa(self.keys, self.taxa(release, attempt))
                self._remember(taxa_key(release, self.keys), pack_taxa(known), attempt)
                found = self._matched[release.digest] = place(self.keys, known)
        return found

    @contextmanager
    def _turn(self, attempt: Attempt) -> Iterator[None]:
        """One thread reads the taxa, the others wait for it, but not beyond their deadlines."""
        if not attempt.acquires(self._reading):
            raise UnavailableError("another thread is still reading the taxa of the release")
        try:
            yield
        finally:
            self._reading.release()

    def matched_without_asking(self, release: Release, attempt: Attempt) -> Matched | None:
        """The same, as far as process and shared cache go."""
        if release.digest not in self._matched:
            known = self._remembered(taxa_key(release, self.keys), self._own_taxa, attempt)
            if known is not None:
                self._matched[release.digest] = place(self.keys, known)
        return self._matched.get(release.digest)

    def _own_taxa(self, value: bytes) -> KnownTaxa:
        known = unpack_taxa(value)
        if not {taxon.key for taxon in known.taxa} <= set(self.keys):
            raise ValueError("it names taxa that the model does not know")
        return known

    def cells(self, release: Release, key: str, attempt: Attempt) -> Sequence[str]:
        """The cells where a taxon occurs, compacted; raises `UnavailableError`."""
        found = self._remembered(taxon_key(release, key), unpack_cells, attempt)
        if found is None:
            store = self.database.store
            found = tuple(self.database.ask(attempt, lambda timeout: store.taxon_cells(release, key, timeout)))
            self._remember(taxon_key(release, key), pack_cells(found), attempt)
        return found

    def centres(self, release: Release, key: str, attempt: Attempt) -> NDArray[np.float64]:
        """The centres of a taxon's cells (cells, 2), in degrees."""
        import h3

        found = self._centres.get((release.digest, key))
        if found is None:
            cells = self.cells(release, key, attempt)
            points = [h3.cell_to_latlng(cell) for cell in h3.uncompact_cells(cells, 3)] if cells else []
            found = self._centres[release.digest, key] = np.array(points).reshape(-1, 2)
            for oldest in tuple(self._centres)[:-RANGES]:
                self._centres.pop(oldest, None)
        return found

    def _remembered(self, key: str, unpack: Callable[[bytes], Fact], attempt: Attempt) -> Fact | None:
        """What the shared cache knows; a value that is none is noted and counts as not there."""
        held: Mapping[str, bytes] | None = self.shared.get([key], attempt) if self.shared is not None else None
        if not held:
            return None
        try:
            return unpack(held[key])
        except ValueError as error:
            attempt.met(CACHE, AreaDataError(f"the cache holds something else under {key}: {error}"))
            return None

    def _remember(self, key: str, value: bytes, attempt: Attempt) -> None:
        if self.shared is not None:
            self.shared.put({key: value}, self.ttl, attempt)
